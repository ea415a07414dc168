//! Operands of user-facing methods: what they accept, and how several of them come to one dtype and one shape.
//!
//! Primitives demand operands of equal dtype and shape. Methods on [`Array`] are generous: other operands may be arrays of
//! another dtype or a shape that broadcasts, and Rust scalars. Everything between the two is here: dtypes promote by
//! [`DType::promote`], scalars adopt the dtype of the arrays they meet, shapes broadcast as in numpy (aligned at the last
//! axis, extents of 1 stretch). Conversions come before broadcasts, because they are cheaper on the smaller array.

use crate::array::{Array, apply1, fail};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::prim::{Dtypes, Prim};
use crate::scalar::{Number, Scalar};
use crate::types::{Dims, Type};
use num_complex::Complex;

/// What a method takes as another operand: an array, or a Rust scalar that adopts the dtype of the arrays it meets.
///
/// An integer stays in the array's dtype if that can hold it; a real number makes an integer array `f32`; a complex
/// number makes a real array complex of the same precision.
///
/// ```
/// use cotangent_ir::{Array, DType};
/// let x = Array::from(vec![-1.0f32, 2.0]);
/// assert_eq!(x.maximum(0.0).to_vec::<f32>().unwrap(), [0.0, 2.0]);
/// assert_eq!(x.maximum(&x.square()).dtype().unwrap(), DType::F32);
/// ```
pub trait IntoOperand {
    /// This value as an operand.
    fn into_operand(self) -> Term;
}

/// An operand before dtypes and shapes are made equal.
#[derive(Clone, Debug)]
pub enum Term {
    /// An array with a dtype of its own.
    Array(Array),
    /// A scalar that adopts the dtype of the arrays it meets. The dtype it carries counts only where there are none, or
    /// where theirs cannot hold it.
    Literal(Scalar),
}

impl IntoOperand for Term {
    fn into_operand(self) -> Term {
        self
    }
}

impl IntoOperand for Array {
    fn into_operand(self) -> Term {
        Term::Array(self)
    }
}

impl IntoOperand for &Array {
    fn into_operand(self) -> Term {
        Term::Array(self.clone())
    }
}

impl IntoOperand for Scalar {
    fn into_operand(self) -> Term {
        Term::Literal(self)
    }
}

macro_rules! literals {
    ($($rust:ty => |$x:ident| $scalar:expr),* $(,)?) => { $(
        impl IntoOperand for $rust {
            fn into_operand(self) -> Term {
                let $x = self;
                Term::Literal($scalar)
            }
        }
    )* };
}
literals! {
    bool => |x| Scalar::bool(x),
    i8 => |x| Scalar::int(DType::I8, x.into()),
    i16 => |x| Scalar::int(DType::I16, x.into()),
    i32 => |x| Scalar::int(DType::I32, x.into()),
    i64 => |x| Scalar::int(DType::I64, x.into()),
    u8 => |x| Scalar::int(DType::U8, x.into()),
    u16 => |x| Scalar::int(DType::U16, x.into()),
    u32 => |x| Scalar::int(DType::U32, x.into()),
    u64 => |x| Scalar::int(DType::U64, x.into()),
    usize => |x| Scalar::int(DType::U64, x as i128),
    f32 => |x| Scalar::real(DType::F32, x.into()),
    f64 => |x| Scalar::real(DType::F64, x),
    Complex<f32> => |x| Scalar::complex(DType::C64, Complex::new(x.re.into(), x.im.into())),
    Complex<f64> => |x| Scalar::complex(DType::C128, x),
}

/// Applies a primitive of two operands to any two that promote and broadcast to one type. Where the primitive computes
/// on inexact dtypes alone, integers and bools become `f32`.
#[track_caller]
pub(crate) fn binary(prim: &'static Prim, domain: Dtypes, lhs: Term, rhs: Term) -> Array {
    match unify(prim.name, domain, &[lhs, rhs], None) {
        Ok(operands) => apply1(prim, &[&operands[0], &operands[1]], Attrs::none()),
        Err(error) => error,
    }
}

/// Applies a primitive of one operand. Where it computes on inexact dtypes alone, integers and bools become `f32`.
#[track_caller]
pub(crate) fn unary(prim: &'static Prim, domain: Dtypes, x: &Array) -> Array {
    match x.dtype() {
        Ok(dtype) => apply1(prim, &[&x.astype(float_for(dtype, domain))], Attrs::none()),
        Err(_) => x.clone(),
    }
}

/// The operands with one dtype and one shape, `also` being a further type whose shape takes part in the broadcast; or
/// the error value of an operand, or of shapes that do not broadcast.
#[track_caller]
pub(crate) fn unify(operation: &str, domain: Dtypes, terms: &[Term], also: Option<Type>) -> Result<Vec<Array>, Array> {
    let mut types = Vec::from_iter(also);
    for term in terms {
        if let Term::Array(array) = term {
            types.push(array.ty().map_err(|_| array.clone())?);
        }
    }
    let dtype = float_for(common_dtype(terms), domain);
    let shape = match common_shape(operation, &types) {
        Ok(shape) => shape,
        Err(error) => return Err(fail(error.kind(), operation, error.message())),
    };
    let mut operands = Vec::with_capacity(terms.len());
    for term in terms {
        let operand = match term {
            Term::Array(array) => array.astype(dtype),
            Term::Literal(value) => Array::scalar(value.convert(dtype)),
        };
        operands.push(broadcast(operand, &shape));
    }
    Ok(operands)
}

/// The shape that all broadcast to, as in numpy.
pub(crate) fn common_shape(operation: &str, types: &[Type]) -> Result<Dims> {
    let rank = types.iter().map(Type::rank).max().unwrap_or(0);
    let mut shape = Dims::from_elem(1, rank);
    for ty in types {
        let missing = rank - ty.rank();
        for (axis, &extent) in ty.shape.iter().enumerate() {
            let common = &mut shape[missing + axis];
            if *common == 1 {
                *common = extent;
            } else if extent != 1 && extent != *common {
                let listed: Vec<String> = types.iter().map(Type::to_string).collect();
                let message = format!(
                    "shapes of {} differ: {common} against {extent} on axis {} from the last; extents must be equal or \
                     1, so reshape, slice or pad one operand",
                    listed.join(" and "),
                    rank - missing - axis,
                );
                return Err(Error::new(ErrorKind::Shape, operation, message));
            }
        }
    }
    Ok(shape)
}

#[track_caller]
fn broadcast(array: Array, shape: &[usize]) -> Array {
    match array.shape() {
        Ok(have) if have.as_slice() != shape => array.broadcast_to(shape),
        _ => array,
    }
}

/// Arrays promote among themselves, then each literal adopts the outcome if it can.
fn common_dtype(terms: &[Term]) -> DType {
    let arrays = terms.iter().filter_map(|term| match term {
        Term::Array(array) => array.dtype().ok(),
        Term::Literal(_) => None,
    });
    let literals = terms.iter().filter_map(|term| match term {
        Term::Literal(value) => Some(*value),
        Term::Array(_) => None,
    });
    match arrays.reduce(DType::promote) {
        Some(dtype) => literals.fold(dtype, adopt),
        None => literals.map(Scalar::dtype).reduce(DType::promote).unwrap_or(DType::F32),
    }
}

/// The dtype in which an array of `dtype` meets a literal.
fn adopt(dtype: DType, literal: Scalar) -> DType {
    match literal.number() {
        // A bool or integer that the dtype represents; 300 in u8 or 2 in bool is not.
        Number::Int(value) if dtype.is_inexact() || Scalar::int(dtype, value).as_i128() == value => {
            let widens = dtype.is_bool() && !literal.dtype().is_bool();
            if widens { literal.dtype() } else { dtype }
        }
        Number::Int(_) => dtype.promote(literal.dtype()),
        Number::Float(_) if dtype.is_inexact() => dtype,
        Number::Float(_) => DType::F32,
        Number::Complex(_) => dtype.complex().unwrap_or(DType::C64),
    }
}

/// `dtype`, or `f32` for integers and bools where only inexact dtypes are computed on.
fn float_for(dtype: DType, domain: Dtypes) -> DType {
    if domain.contains(DType::I32) || domain.contains(DType::Bool) || dtype.is_inexact() { dtype } else { DType::F32 }
}
