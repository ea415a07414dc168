//! What the elementwise families share: type rules, and evaluation by kind of number.

use super::{Dtypes, Types, one, refuse};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Number, Scalar};
use crate::types::Type;
use num_complex::Complex;

/// The type rule of operations on operands of one type, whose dtype must be in `domain`: that type again.
pub(super) fn alike(operation: &str, operands: &[&Type], domain: Dtypes) -> Result<Types> {
    let first = operands[0];
    for other in &operands[1..] {
        if other.dtype != first.dtype {
            let message = format!("dtypes of {first} and {other} differ; convert one operand with `astype`");
            return refuse(ErrorKind::DType, operation, message);
        }
        if other.shape != first.shape {
            let message = format!("shapes of {first} and {other} differ; broadcast or reshape one operand");
            return refuse(ErrorKind::Shape, operation, message);
        }
    }
    if !domain.contains(first.dtype) {
        let wanted = domain.describe();
        let message = format!("takes {wanted}, got {first}; {}", remedy(first.dtype, domain));
        return refuse(ErrorKind::DType, operation, message);
    }
    one(first.clone())
}

/// What to do with an operand whose dtype is not in `domain`.
fn remedy(dtype: DType, domain: Dtypes) -> &'static str {
    match dtype {
        _ if dtype.is_complex() && domain.contains(dtype.real()) => {
            "take `real()`, `imag()` or `abs()` of it, or order by one of them"
        }
        _ if dtype.is_inexact() && domain == Dtypes::Bits => {
            "compare it, or convert it to an integer with `astype(DType::I32)`"
        }
        _ if dtype.is_float() => "convert it with `astype(DType::C64)` or `astype(DType::C128)`",
        _ => "convert it with `astype(DType::F32)`, or to another dtype that fits",
    }
}

/// Applies the function that fits the kind of the operands, all of one dtype. The result has that dtype.
pub(super) fn by_kind(
    xs: &[Scalar],
    int: fn(&[i128]) -> i128,
    float: fn(&[f64]) -> f64,
    complex: fn(&[Complex<f64>]) -> Complex<f64>,
) -> Scalar {
    let dtype = xs[0].dtype();
    let value = match xs[0].number() {
        Number::Int(_) => Number::Int(int(&xs.iter().map(|x| x.as_i128()).collect::<Vec<_>>())),
        Number::Float(_) => Number::Float(float(&xs.iter().map(|x| x.as_f64()).collect::<Vec<_>>())),
        Number::Complex(_) => Number::Complex(complex(&xs.iter().map(|x| x.as_complex()).collect::<Vec<_>>())),
    };
    Scalar::new(dtype, value)
}

/// [`by_kind`] of an operation whose type rule admits neither bools nor integers.
pub(super) fn by_inexact_kind(
    xs: &[Scalar],
    float: fn(&[f64]) -> f64,
    complex: fn(&[Complex<f64>]) -> Complex<f64>,
) -> Scalar {
    by_kind(xs, |_| crate::error::internal("an integer where the type rule admits none"), float, complex)
}

/// [`by_kind`] of an operation whose type rule admits no complex dtype.
pub(super) fn by_ordered_kind(xs: &[Scalar], int: fn(&[i128]) -> i128, float: fn(&[f64]) -> f64) -> Scalar {
    by_kind(xs, int, float, |_| crate::error::internal("a complex value where the type rule admits none"))
}

/// [`by_kind`] of an operation on floats alone.
pub(super) fn by_float(xs: &[Scalar], float: fn(&[f64]) -> f64) -> Scalar {
    by_inexact_kind(xs, float, |_| crate::error::internal("a complex value where the type rule admits none"))
}
