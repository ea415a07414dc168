//! Norms and squared norms.
//!
//! All are defined for real and complex arrays through magnitudes `|x_i|`; proxes keep the phase of each element. A
//! magnitude of exactly 0 gives exactly 0.

use super::{Functional, Prox, scaled, threshold};
use crate::inner::{divide_or_zero, norm, norm_square, root, total};
use crate::{Array, Factor, Variable};

/// `‖x‖₁ = Σ |x_i|`. The prox shrinks magnitudes: `sgn(v_i) max(|v_i| − λ, 0)`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{L1Norm, Prox};
/// use num_complex::Complex;
/// let v = Array::from(vec![Complex::new(3.0f32, 4.0), Complex::new(0.0, 0.0)]);
/// let p = L1Norm::new().prox(&v, 1.0.into()).to_vec::<Complex<f32>>()?;
/// assert!((p[0] - Complex::new(2.4, 3.2)).norm() < 1e-6);
/// assert_eq!(p[1], Complex::new(0.0, 0.0));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct L1Norm;

/// `‖x‖₂ = sqrt(Σ |x_i|²)`, over all elements. The prox is `max(1 − λ / ‖v‖₂, 0) v`, and 0 for `v = 0`.
///
/// ```
/// use cotangent::{Array, BlockArray};
/// use cotangent::functional::{Functional, L2Norm};
/// // Of a block array it is the norm over all blocks.
/// let x = BlockArray::new([Array::from([3.0f32, 4.0]), Array::from([-1.0f32, 0.5, 2.0])])?;
/// assert_eq!(L2Norm::new().value(&x).item()?, 5.5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct L2Norm;

/// `‖x‖₂² = Σ |x_i|²`, without a factor of ½. The prox is `v / (1 + 2 λ)`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox, SquaredL2Norm};
/// let v = Array::from([1.0f32, -2.0]);
/// assert_eq!(SquaredL2Norm::new().value(&v).item()?, 5.0);
/// assert_eq!(SquaredL2Norm::new().prox(&v, 0.5.into()).to_vec::<f32>()?, [0.5, -1.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredL2Norm;

impl L1Norm {
    /// The `l1` norm.
    pub fn new() -> L1Norm {
        L1Norm
    }
}

impl<X: Variable> Functional<X> for L1Norm {
    fn value(&self, x: &X) -> Array {
        total(x, |leaf| leaf.abs().sum())
    }
}

impl<X: Variable> Prox<X> for L1Norm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("L1Norm::prox", &lambda, v);
        v.map_leaves(|leaf| shrunk(&leaf, &lambda))
    }
}

/// `sgn(v_i) max(|v_i| − λ, 0)`.
#[track_caller]
pub(super) fn shrunk(v: &Array, lambda: &Array) -> Array {
    match v.dtype() {
        Ok(dtype) if dtype.is_complex() => {
            let magnitude = v.abs();
            v * divide_or_zero(&(&magnitude - lambda).maximum(0.0), &magnitude)
        }
        // The same numbers without a sign: what is left when the part within [-λ, λ] is taken away.
        _ => v - v.clamp(-lambda, lambda),
    }
}

impl L2Norm {
    /// The `l2` norm.
    pub fn new() -> L2Norm {
        L2Norm
    }
}

impl<X: Variable> Functional<X> for L2Norm {
    fn value(&self, x: &X) -> Array {
        root(&norm_square(x))
    }
}

impl<X: Variable> Prox<X> for L2Norm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let length = norm(v);
        let lambda = threshold("L2Norm::prox", &lambda, v);
        scaled(v, &divide_or_zero(&(&length - lambda).maximum(0.0), &length))
    }
}

impl SquaredL2Norm {
    /// The squared `l2` norm.
    pub fn new() -> SquaredL2Norm {
        SquaredL2Norm
    }
}

impl<X: Variable> Functional<X> for SquaredL2Norm {
    fn value(&self, x: &X) -> Array {
        norm_square(x)
    }
}

impl<X: Variable> Prox<X> for SquaredL2Norm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let divisor = 1.0 + 2.0 * threshold("SquaredL2Norm::prox", &lambda, v);
        v.map_leaves(|leaf| leaf / &divisor)
    }
}
