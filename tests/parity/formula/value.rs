//! Values of expressions: arrays, and what is known without any.

use cotangent::ir::Term;
use cotangent::{Array, DType, Scalar};
use num_complex::Complex;
use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(i64),
    Real(f64),
    Complex(Complex<f64>),
    Text(String),
    Array(Array),
    Tuple(Vec<Value>),
    Items(BTreeMap<String, Array>),
}

impl Value {
    /// The value as an operand: numbers adopt the dtype of the arrays they meet.
    pub(crate) fn term(&self) -> Term {
        match self {
            Value::Array(array) => Term::Array(array.clone()),
            other => Term::Literal(other.scalar()),
        }
    }

    /// The value as an array. A number alone has single precision, as there is no array to adopt a dtype from.
    pub(crate) fn into_array(self) -> Array {
        match self {
            Value::Array(array) => array,
            other => Array::scalar(other.scalar().convert(match other {
                Value::Int(_) => DType::I32,
                Value::Complex(_) => DType::C64,
                _ => DType::F32,
            })),
        }
    }

    fn scalar(&self) -> Scalar {
        match *self {
            // A small integer is small in every dtype, so that it never widens the array it meets.
            Value::Int(value) => Scalar::int(DType::I32, value.into()),
            Value::Real(value) => Scalar::real(DType::F64, value),
            Value::Complex(value) => Scalar::complex(DType::C128, value),
            _ => panic!("{self:?} is not a number"),
        }
    }

    /// The text that the value is.
    pub(crate) fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            other => panic!("{other:?} is not a text"),
        }
    }

    /// The value as a complex number, if it is a number.
    pub(crate) fn number(&self) -> Option<Complex<f64>> {
        match *self {
            Value::Int(value) => Some(Complex::new(value as f64, 0.0)),
            Value::Real(value) => Some(Complex::new(value, 0.0)),
            Value::Complex(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> isize {
        match *self {
            Value::Int(value) => value as isize,
            _ => panic!("{self:?} is not a whole number"),
        }
    }

    /// The whole numbers of a tuple, or the one that stands for it.
    pub(crate) fn ints(&self) -> Vec<isize> {
        match self {
            Value::Tuple(items) => items.iter().map(Value::int).collect(),
            one => vec![one.int()],
        }
    }

    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Value::Tuple(items) => items,
            _ => panic!("{self:?} is not a tuple"),
        }
    }
}
