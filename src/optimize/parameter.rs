//! Parameters and starting points of methods: what they must be, and what is said where they are not.
//!
//! A parameter that is a number is checked when a method is prepared, before its first step. One that is an array may be
//! traced, so that only its shape is known.

use crate::linop::{project_all, same_shapes};
use crate::{Array, DType, Error, ErrorKind, Factor, Result, Variable};

/// Refuses a parameter that is known not to be finite and more than 0, and what is no real number.
pub(super) fn positive(method: &str, name: &str, value: &Factor) -> Result<()> {
    match real(method, name, value)? {
        Some(known) if !(known.is_finite() && known > 0.0) => {
            let message = format!("{name} must be finite and more than 0, got {known}");
            Err(Error::new(ErrorKind::Argument, method, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a parameter that is known not to be finite, and what is no real number.
pub(super) fn finite(method: &str, name: &str, value: &Factor) -> Result<()> {
    match real(method, name, value)? {
        Some(known) if !known.is_finite() => {
            let message = format!("{name} must be finite, got {known}");
            Err(Error::new(ErrorKind::Argument, method, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a number that is not finite and more than `low`.
pub(super) fn above(method: &str, name: &str, value: f64, low: f64) -> Result<()> {
    if value.is_finite() && value > low {
        return Ok(());
    }
    let message = format!("{name} must be finite and more than {low}, got {value}");
    Err(Error::new(ErrorKind::Argument, method, message))
}

/// The value of a real factor, where it is known.
fn real(method: &str, name: &str, value: &Factor) -> Result<Option<f64>> {
    if value.is_complex() {
        let message = format!("{name} must be real, got {value:?}; take its `re`, `real()` or `abs()`");
        return Err(Error::new(ErrorKind::DType, method, message));
    }
    let Factor::Array(array) = value else { return Ok(value.as_real()) };
    let ty = array.ty()?;
    if ty.rank() != 0 {
        let message = format!("{name} must be a number or a 0-d array, got {ty}; take one element of it");
        return Err(Error::new(ErrorKind::Shape, method, message));
    }
    // An array with data is as known as a number; a traced one is not.
    Ok(array.tensor().ok().map(|tensor| tensor.get(0).as_f64()))
}

/// A starting point: the one given, in the dtypes of a type, or zeros.
pub(super) fn start<X: Variable>(method: &str, name: &str, given: Option<&X>, ty: &X::Type) -> Result<X> {
    let Some(given) = given else { return Ok(X::zeros(ty)) };
    let own = given.variable_type()?;
    let complex = |ty: &X::Type| X::array_types(ty).iter().any(|ty| ty.dtype.is_complex());
    if complex(&own) && !complex(ty) {
        let message = format!("the start {name} of a real problem must be real, got {own}; take its `real()`");
        return Err(Error::new(ErrorKind::DType, method, message));
    }
    if same_shapes::<X>(&own, ty) {
        return Ok(project_all(given, ty));
    }
    let message = format!("the start {name} must have the shape of {ty}, got {own}; reshape, crop or pad it");
    Err(Error::new(ErrorKind::Shape, method, message))
}

/// A starting point, or error values of its type: for states, which are made without a result.
pub(super) fn started<X: Variable>(method: &str, name: &str, given: Option<&X>, ty: &X::Type) -> X {
    start(method, name, given, ty)
        .unwrap_or_else(|error| X::placeholder(ty).map_leaves(|_| Array::from_error(error.clone())))
}

/// The 0-d zero of the precision of a variable.
pub(super) fn zero_like<X: Variable>(x: &X) -> Array {
    let dtype = x.leaf_types().ok().and_then(|types| types.first().map(|ty| ty.dtype));
    match dtype {
        Some(dtype) if dtype.is_inexact() => Array::zeros(&[], dtype.real()),
        _ => Array::zeros(&[], DType::F32),
    }
}
