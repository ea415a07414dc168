//! Indicators of convex sets: 0 inside, infinity outside. Their proxes are projections, whatever `λ`.

use super::parameter::{checked, ordered, precision, refused};
use super::{Functional, Prox, chosen, scaled};
use crate::inner::{norm, total};
use crate::{Array, Error, ErrorKind, Factor, Result, Variable};

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

/// The indicator of the arrays with all elements from `low` to `high`, both included; by default from 0 to 1. The prox
/// leads each element to that range.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{BoxIndicator, Functional, Prox};
/// let v = Array::from(vec![-2.0f32, 0.5, 3.0]);
/// let unit = BoxIndicator::default();
/// assert_eq!(unit.value(&v).item()?, f64::INFINITY);
/// assert_eq!(unit.prox(&v, 1.0.into()).to_vec::<f32>()?, [0.0, 0.5, 1.0]);
/// assert!(BoxIndicator::new(1.0, 0.0).is_err());
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BoxIndicator {
    low: f64,
    high: f64,
}

/// The indicator of the arrays with `‖x‖₂ ≤ r`, by default `r = 1`, the norm over all elements. The prox leaves what is
/// inside as it is and scales the rest to the sphere: `r v / ‖v‖`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{L2BallIndicator, Prox};
/// let ball = L2BallIndicator::new(5.0)?;
/// assert_eq!(ball.prox(&Array::from([6.0f32, 8.0]), 1.0.into()).to_vec::<f32>()?, [3.0, 4.0]);
/// assert_eq!(ball.prox(&Array::from([1.0f32, 0.0]), 1.0.into()).to_vec::<f32>()?, [1.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct L2BallIndicator {
    radius: f64,
}

impl NonNegativeIndicator {
    /// The indicator of nonnegativity.
    pub fn new() -> NonNegativeIndicator {
        NonNegativeIndicator
    }
}

/// 0 where `inside` holds for every element of every leaf, else infinity. NaN counts as outside.
#[track_caller]
fn indicator<X: Variable>(operation: &str, x: &X, inside: impl Fn(&Array) -> Array) -> Array {
    let dtype = precision(x);
    // The number of elements outside, because a sum exists in every dtype.
    let outside = total(x, |leaf| inside(&ordered(operation, leaf)).select(Array::zeros(&[], dtype), 1.0).sum());
    outside.greater(0.0).select(f64::INFINITY, outside.zeros_like())
}

impl<X: Variable> Functional<X> for NonNegativeIndicator {
    fn value(&self, x: &X) -> Array {
        indicator("NonNegativeIndicator", x, |leaf| leaf.greater_equal(0.0))
    }
}

impl<X: Variable> Prox<X> for NonNegativeIndicator {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        if let Some(refused) = refused("NonNegativeIndicator::prox", &lambda, v) {
            return refused;
        }
        v.map_leaves(|leaf| ordered("NonNegativeIndicator", &leaf).maximum(0.0))
    }
}

impl Default for BoxIndicator {
    fn default() -> BoxIndicator {
        BoxIndicator { low: 0.0, high: 1.0 }
    }
}

impl BoxIndicator {
    /// The indicator of the range from `low` to `high`, either of which may be infinite.
    ///
    /// # Errors
    /// A range of no numbers, or NaN.
    pub fn new(low: f64, high: f64) -> Result<BoxIndicator> {
        if low <= high {
            return Ok(BoxIndicator { low, high });
        }
        let message = format!("takes a lower and an upper bound in this order, got {low} and {high}");
        Err(Error::new(ErrorKind::Argument, "BoxIndicator", message))
    }
}

impl<X: Variable> Functional<X> for BoxIndicator {
    fn value(&self, x: &X) -> Array {
        indicator("BoxIndicator", x, |leaf| leaf.greater_equal(self.low) & leaf.less_equal(self.high))
    }
}

impl<X: Variable> Prox<X> for BoxIndicator {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        if let Some(refused) = refused("BoxIndicator::prox", &lambda, v) {
            return refused;
        }
        v.map_leaves(|leaf| ordered("BoxIndicator", &leaf).clamp(self.low, self.high))
    }
}

impl Default for L2BallIndicator {
    fn default() -> L2BallIndicator {
        L2BallIndicator { radius: 1.0 }
    }
}

impl L2BallIndicator {
    /// The indicator of the ball of a radius around 0.
    ///
    /// # Errors
    /// A radius that is negative or not finite.
    pub fn new(radius: f64) -> Result<L2BallIndicator> {
        Ok(L2BallIndicator { radius: checked("L2BallIndicator", "the radius", radius, 0.0, true)? })
    }
}

impl<X: Variable> Functional<X> for L2BallIndicator {
    fn value(&self, x: &X) -> Array {
        let length = norm(x);
        length.less_equal(self.radius).select(length.zeros_like(), f64::INFINITY)
    }
}

impl<X: Variable> Prox<X> for L2BallIndicator {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        if let Some(refused) = refused("L2BallIndicator::prox", &lambda, v) {
            return refused;
        }
        let length = norm(v);
        let inside = length.less_equal(self.radius);
        let factor = self.radius / inside.select(1.0, &length);
        chosen(&inside, v, &scaled(v, &factor))
    }
}
