//! Indicators of convex sets: 0 inside, infinity outside. Their proxes are projections, whatever `λ`.

use super::{Functional, Prox};
use crate::{Array, ErrorKind, Factor};

/// The indicator of the arrays without negative elements. The prox is `max(v, 0)`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, NonNegativeIndicator, Prox};
/// let v = Array::from(vec![-2.0f32, 0.0, 3.0]);
/// assert_eq!(NonNegativeIndicator::new().value(&v).item()?, f64::INFINITY);
/// let p = NonNegativeIndicator::new().prox(&v, 1.0.into());
/// assert_eq!(p.to_vec::<f32>()?, [0.0, 0.0, 3.0]);
/// assert_eq!(NonNegativeIndicator::new().value(&p).item()?, 0.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NonNegativeIndicator;

impl NonNegativeIndicator {
    /// The indicator of nonnegativity.
    pub fn new() -> NonNegativeIndicator {
        NonNegativeIndicator
    }
}

/// `x`, or an error value where it is complex and so has no order.
#[track_caller]
fn ordered(x: &Array) -> Array {
    match x.ty() {
        Ok(ty) if ty.dtype.is_complex() => {
            let message = format!("complex numbers have no order, got {ty}; take `real()` or `abs()`");
            cotangent_ir::fail(ErrorKind::DType, "NonNegativeIndicator", message)
        }
        _ => x.clone(),
    }
}

impl Functional for NonNegativeIndicator {
    fn value(&self, x: &Array) -> Array {
        let x = ordered(x);
        let Ok(ty) = x.ty() else { return x };
        // The number of negative elements, because a sum exists in every dtype; NaN counts as outside.
        let outside = x.greater_equal(0.0).select(Array::zeros(&ty.shape, ty.dtype), 1.0).sum();
        outside.greater(0.0).select(f64::INFINITY, outside.zeros_like())
    }
}

impl Prox for NonNegativeIndicator {
    fn prox(&self, v: &Array, _lambda: Factor) -> Array {
        ordered(v).maximum(0.0)
    }
}
