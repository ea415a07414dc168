//! The Huber function: quadratic near zero, linear beyond.

use super::parameter::checked;
use super::{Functional, Prox, scaled, threshold};
use crate::inner::{norm_square, root, total};
use crate::{Array, DType, Factor, Result, Variable};

/// `Σ h(|x_i|)`, or `h(‖x‖₂)`, with `h(t) = ½ t²` for `t ≤ δ` and `δ (t − δ / 2)` beyond; by default `δ = 1`.
///
/// The prox is `(1 − δ λ / max(a, δ (1 + λ))) v` with `a = |v_i|`, or `‖v‖₂`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, HuberNorm, Prox};
/// let v = Array::from([-2.0f32, -1.0, 0.0, 0.5, 3.0]);
/// assert_eq!(HuberNorm::new().value(&v).item()?, 4.625);
/// let p = HuberNorm::new().prox(&v, 1.0.into()).to_vec::<f32>()?;
/// assert!(p[..4] == [-1.0, -0.5, 0.0, 0.25] && (p[4] - 2.0).abs() < 1e-6);
/// let joint = HuberNorm::with_delta(0.5)?.joint();
/// assert!((joint.value(&v).item()? - 1.762459).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HuberNorm {
    delta: f64,
    joint: bool,
}

impl Default for HuberNorm {
    fn default() -> HuberNorm {
        HuberNorm::new()
    }
}

impl HuberNorm {
    /// `Σ h(|x_i|)` with `δ = 1`.
    pub fn new() -> HuberNorm {
        HuberNorm { delta: 1.0, joint: false }
    }

    /// `Σ h(|x_i|)` with another `δ`.
    ///
    /// # Errors
    /// A `δ` that is not positive, or not finite.
    pub fn with_delta(delta: f64) -> Result<HuberNorm> {
        Ok(HuberNorm { delta: checked("HuberNorm", "δ", delta, 0.0, false)?, joint: false })
    }

    /// `h(‖x‖₂)` instead, of the norm over all elements.
    pub fn joint(self) -> HuberNorm {
        HuberNorm { joint: true, ..self }
    }

    /// `h` of magnitudes, from their squares, whose derivative at 0 is 0.
    #[track_caller]
    fn height(&self, square: &Array) -> Array {
        let delta = self.delta;
        let within = square.less_equal(delta * delta);
        // Where the magnitude is within δ, its root is not used, nor differentiated.
        let magnitude = within.select(1.0, square).sqrt();
        within.select(0.5 * square, delta * (magnitude - 0.5 * delta))
    }

    /// `1 − δ λ / max(a, δ (1 + λ))`.
    #[track_caller]
    fn shrinkage(&self, magnitude: &Array, lambda: &Array) -> Array {
        let delta = self.delta;
        1.0 - delta * lambda / magnitude.maximum(delta * (1.0 + lambda))
    }

    /// The prox of each element.
    #[track_caller]
    fn shrunk(&self, v: &Array, lambda: &Array) -> Array {
        if v.dtype().is_ok_and(DType::is_complex) {
            return v * self.shrinkage(&v.abs(), lambda);
        }
        // The same numbers without a division for each: `v / (1 + λ)` up to `δ`, and what exceeds the place where that is.
        let (delta, most) = (self.delta, self.delta * (1.0 + lambda));
        (v * (1.0 / (1.0 + lambda))).clamp(-delta, delta) + (v - v.clamp(-&most, &most))
    }
}

impl<X: Variable> Functional<X> for HuberNorm {
    fn value(&self, x: &X) -> Array {
        if self.joint {
            return self.height(&norm_square(x));
        }
        total(x, |leaf| self.height(&leaf.abs2()).sum())
    }
}

impl<X: Variable> Prox<X> for HuberNorm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("HuberNorm::prox", &lambda, v);
        if self.joint {
            return scaled(v, &self.shrinkage(&root(&norm_square(v)), &lambda));
        }
        v.map_leaves(|leaf| self.shrunk(&leaf, &lambda))
    }
}
