//! Parameters of functionals: what they must be, and what is said where they are not.

use crate::{Array, DType, Error, ErrorKind, Factor, Result, Tree, Variable};
use cotangent_ir::fail;

/// A parameter known when a functional is made: finite, and above `least`, which it may equal if `closed`.
pub(super) fn checked(operation: &str, name: &str, value: f64, least: f64, closed: bool) -> Result<f64> {
    let enough = if closed { value >= least } else { value > least };
    if value.is_finite() && enough {
        return Ok(value);
    }
    let bound = if closed { "at least" } else { "more than" };
    let message = format!("{name} must be finite and {bound} {least}, got {value}");
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// `λ` as a 0-d array of the precision of the leaves of `v`. An error value where it is no number, or is known to be
/// negative or not finite.
#[track_caller]
pub(crate) fn threshold<X: Tree>(operation: &str, lambda: &Factor, v: &X) -> Array {
    let factor = match lambda {
        Factor::Real(value) if !(value.is_finite() && *value >= 0.0) => {
            let message = format!("λ must be finite and not negative, got {value}");
            return fail(ErrorKind::Argument, operation, message);
        }
        Factor::Complex(value) => {
            let message = format!("λ must be real, got {value}");
            return fail(ErrorKind::DType, operation, message);
        }
        other => other.clone(),
    };
    match factor.checked(operation) {
        Ok(factor) => factor.to_array(precision(v)),
        Err(error) => Array::from_error(error),
    }
}

/// `v` with the error of a `λ` that is refused in place of each leaf: for a prox that does not depend on `λ`.
#[track_caller]
pub(super) fn refused<X: Variable>(operation: &str, lambda: &Factor, v: &X) -> Option<X> {
    let threshold = threshold(operation, lambda, v);
    let error = threshold.error()?;
    Some(v.map_leaves(|_| Array::from_error(error.clone())))
}

/// The error of a `λ` that is known not to be positive.
#[track_caller]
pub(super) fn not_positive(operation: &str, lambda: &Factor) -> Option<Array> {
    let value = lambda.as_real()?;
    let positive = value.is_finite() && value > 0.0;
    (!positive).then(|| {
        let message = format!("λ must be finite and more than 0, got {value}");
        fail(ErrorKind::Argument, operation, message)
    })
}

/// The real dtype of the leaves of `v`, f32 for integers.
pub(super) fn precision<X: Tree>(v: &X) -> DType {
    let dtype = v.leaf_types().ok().and_then(|types| types.first().map(|ty| ty.dtype));
    match dtype {
        Some(dtype) if dtype.is_inexact() => dtype.real(),
        _ => DType::F32,
    }
}

/// The first leaf, or an error value where it is complex and so has no order.
#[track_caller]
pub(super) fn ordered(operation: &str, x: &Array) -> Array {
    match x.ty() {
        Ok(ty) if ty.dtype.is_complex() => {
            let message = format!("complex numbers have no order, got {ty}; take `real()` or `abs()`");
            fail(ErrorKind::DType, operation, message)
        }
        _ => x.clone(),
    }
}
