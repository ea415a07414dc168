//! Distances to convex sets, given by the projections onto them.

use super::{Functional, Prox, threshold};
use crate::inner::{difference, divide_or_zero, norm, norm_square, root, zip};
use crate::{Array, Factor, Variable};

/// `‖x − P x‖₂`: the distance to the convex set that `P` projects onto.
///
/// The prox goes towards the projection `y = P v`: `v + θ (y − v)` with `θ = min(λ / ‖v − y‖, 1)`; inside of the set it is
/// `v`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox, SetDistance};
/// let distance = SetDistance::new(|x: &Array| x.maximum(0.0));
/// let v = Array::from([-2.0f32, -1.0, 0.0, 0.5, 3.0]);
/// assert!((distance.value(&v).item()? - 2.236068).abs() < 1e-6);
/// assert_eq!(distance.prox(&v, 5.0.into()).to_vec::<f32>()?, [0.0, 0.0, 0.0, 0.5, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SetDistance<P> {
    projection: P,
}

/// `½ ‖x − P x‖²`: half the squared distance to the convex set that `P` projects onto. The prox is
/// `(v + λ P v) / (1 + λ)`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox, SquaredSetDistance};
/// let distance = SquaredSetDistance::new(|x: &Array| x.maximum(0.0));
/// let v = Array::from([-2.0f32, -1.0, 0.0, 0.5, 3.0]);
/// assert_eq!(distance.value(&v).item()?, 2.5);
/// assert_eq!(distance.prox(&v, 1.0.into()).to_vec::<f32>()?, [-1.0, -0.5, 0.0, 0.5, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SquaredSetDistance<P> {
    projection: P,
}

impl<P> SetDistance<P> {
    /// The distance to the set of a projection.
    pub fn new(projection: P) -> SetDistance<P> {
        SetDistance { projection }
    }
}

impl<P> SquaredSetDistance<P> {
    /// Half the squared distance to the set of a projection.
    pub fn new(projection: P) -> SquaredSetDistance<P> {
        SquaredSetDistance { projection }
    }
}

impl<X: Variable, P: Fn(&X) -> X + Send + Sync> Functional<X> for SetDistance<P> {
    fn value(&self, x: &X) -> Array {
        root(&norm_square(&difference(x, &(self.projection)(x))))
    }
}

impl<X: Variable, P: Fn(&X) -> X + Send + Sync> Prox<X> for SetDistance<P> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("SetDistance::prox", &lambda, v);
        let way = difference(&(self.projection)(v), v);
        let distance = norm(&way);
        let part = distance.greater_equal(&lambda).select(divide_or_zero(&lambda, &distance), 1.0);
        zip("SetDistance::prox", v, &way, |v, way| v + way * &part)
    }
}

impl<X: Variable, P: Fn(&X) -> X + Send + Sync> Functional<X> for SquaredSetDistance<P> {
    fn value(&self, x: &X) -> Array {
        0.5 * norm_square(&difference(x, &(self.projection)(x)))
    }
}

impl<X: Variable, P: Fn(&X) -> X + Send + Sync> Prox<X> for SquaredSetDistance<P> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("SquaredSetDistance::prox", &lambda, v);
        let projected = (self.projection)(v);
        zip("SquaredSetDistance::prox", v, &projected, |v, y| (v + &lambda * y) / (1.0 + &lambda))
    }
}
