//! Numbers by which operators and functionals are multiplied, and step lengths of solvers.
//!
//! A weight written in the source (`0.1 * L21Norm::new()`) adopts the dtype of the arrays it meets and folds with other
//! such weights in double precision before it does. A weight held in a 0-d [`Array`] is data: it may be traced, so that a
//! program takes it as an input, is batched over it or differentiated by it.

use crate::{Array, DType, Error, ErrorKind, Result, Scalar};
use num_complex::Complex;
use std::ops::{Add, Mul, Neg};

/// A number known while tracing, or a 0-d array.
///
/// ```
/// use cotangent::{Array, Factor};
/// let half = Factor::from(2.0).recip();
/// let x = half.times(&Array::from(vec![2.0f32, 4.0]));
/// assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0]);
/// ```
#[derive(Clone, Debug)]
pub enum Factor {
    /// A real number; it adopts the precision of what it multiplies.
    Real(f64),
    /// A complex number; it adopts the precision of what it multiplies and makes it complex.
    Complex(Complex<f64>),
    /// A 0-d array; it is converted to the precision of what it multiplies.
    Array(Array),
}

impl Factor {
    /// One.
    pub const ONE: Factor = Factor::Real(1.0);

    /// Whether a product with this factor is complex.
    pub fn is_complex(&self) -> bool {
        match self {
            Factor::Real(_) => false,
            Factor::Complex(_) => true,
            Factor::Array(array) => array.dtype().is_ok_and(DType::is_complex),
        }
    }

    /// The dtype of this factor times an array of `dtype`. Integers and bools become `f32`.
    pub fn product_dtype(&self, dtype: DType) -> DType {
        let dtype = if dtype.is_inexact() { dtype } else { DType::F32 };
        match dtype.complex() {
            Some(complex) if self.is_complex() => complex,
            _ => dtype,
        }
    }

    /// The factor as a 0-d array of the dtype its product with an array of `dtype` has.
    #[track_caller]
    pub fn to_array(&self, dtype: DType) -> Array {
        let dtype = self.product_dtype(dtype);
        match self {
            Factor::Real(value) => Array::scalar(Scalar::real(dtype, *value)),
            Factor::Complex(value) => Array::scalar(Scalar::complex(dtype, *value)),
            Factor::Array(array) => array.astype(dtype),
        }
    }

    /// The factor as a 0-d array of the precision of `x`: a threshold or a step length in its units.
    #[track_caller]
    pub fn like(&self, x: &Array) -> Array {
        match x.dtype() {
            Ok(dtype) => self.to_array(dtype.real()),
            Err(error) => Array::from_error(error),
        }
    }

    /// The product with an array.
    #[track_caller]
    pub fn times(&self, x: &Array) -> Array {
        match (self, x.dtype()) {
            (Factor::Real(1.0), Ok(dtype)) if dtype.is_inexact() => x.clone(),
            (_, Ok(dtype)) => x * self.to_array(dtype),
            (_, Err(_)) => x.clone(),
        }
    }

    /// The reciprocal.
    pub fn recip(&self) -> Factor {
        match self {
            Factor::Real(value) => Factor::Real(value.recip()),
            Factor::Complex(value) => Factor::Complex(value.inv()),
            Factor::Array(array) => Factor::Array(1.0 / array),
        }
    }

    /// The complex conjugate.
    pub fn conj(&self) -> Factor {
        match self {
            Factor::Real(value) => Factor::Real(*value),
            Factor::Complex(value) => Factor::Complex(value.conj()),
            Factor::Array(array) => Factor::Array(array.conj()),
        }
    }

    /// The squared magnitude.
    pub fn abs_square(&self) -> Factor {
        match self {
            Factor::Real(value) => Factor::Real(value * value),
            Factor::Complex(value) => Factor::Real(value.norm_sqr()),
            Factor::Array(array) => Factor::Array(array.abs2()),
        }
    }

    /// The value, where it is a real number known while tracing.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Factor::Real(value) => Some(*value),
            Factor::Complex(_) | Factor::Array(_) => None,
        }
    }

    /// The error of a factor that is not 0-d, if it is one.
    pub(crate) fn checked(self, operation: &str) -> Result<Factor> {
        if let Factor::Array(array) = &self {
            let ty = array.ty()?;
            if ty.rank() != 0 {
                let message = format!(
                    "a factor must be a number or a 0-d array, got {ty}; compose with `linop::Diagonal` to multiply \
                     each element by its own"
                );
                return Err(Error::new(ErrorKind::Shape, operation, message));
            }
        }
        Ok(self)
    }

    fn combine(
        &self,
        other: &Factor,
        real: fn(f64, f64) -> f64,
        complex: fn(Complex<f64>, Complex<f64>) -> Complex<f64>,
        array: fn(&Array, &Array) -> Array,
    ) -> Factor {
        let number = |factor: &Factor| match factor {
            Factor::Real(value) => Some(Complex::new(*value, 0.0)),
            Factor::Complex(value) => Some(*value),
            Factor::Array(_) => None,
        };
        match (self, other) {
            (Factor::Real(a), Factor::Real(b)) => Factor::Real(real(*a, *b)),
            (Factor::Array(a), b) => Factor::Array(array(a, &b.beside(a))),
            (a, Factor::Array(b)) => Factor::Array(array(&a.beside(b), b)),
            (a, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => Factor::Complex(complex(a, b)),
                _ => cotangent_ir::error::internal("a factor that is neither a number nor an array"),
            },
        }
    }

    /// The factor as the other operand of `array`.
    fn beside(&self, array: &Array) -> Array {
        match (self, array.dtype()) {
            (Factor::Array(own), _) => own.clone(),
            (_, Ok(dtype)) => self.to_array(dtype),
            (_, Err(_)) => array.clone(),
        }
    }
}

impl Mul for &Factor {
    type Output = Factor;

    fn mul(self, other: &Factor) -> Factor {
        self.combine(other, |a, b| a * b, |a, b| a * b, |a, b| a * b)
    }
}

impl Add for &Factor {
    type Output = Factor;

    fn add(self, other: &Factor) -> Factor {
        self.combine(other, |a, b| a + b, |a, b| a + b, |a, b| a + b)
    }
}

impl Neg for &Factor {
    type Output = Factor;

    fn neg(self) -> Factor {
        &Factor::Real(-1.0) * self
    }
}

macro_rules! factors {
    ($($rust:ty => |$x:ident| $factor:expr),* $(,)?) => { $(
        impl From<$rust> for Factor {
            fn from($x: $rust) -> Factor {
                $factor
            }
        }
    )* };
}
factors! {
    f32 => |x| Factor::Real(f64::from(x)),
    f64 => |x| Factor::Real(x),
    i32 => |x| Factor::Real(f64::from(x)),
    Complex<f32> => |x| Factor::Complex(Complex::new(f64::from(x.re), f64::from(x.im))),
    Complex<f64> => |x| Factor::Complex(x),
    Array => |x| Factor::Array(x),
    &Array => |x| Factor::Array(x.clone()),
    &Factor => |x| x.clone(),
}
