//! Total variation: a norm of the differences of neighbours.
//!
//! The prox of total variation has no closed form. The one here replaces differences by the detail coefficients of the
//! shifted Haar transforms, `W_a v = (s_a, d_a)` with `d_a = D_a v / √2`, which form a tight frame: `Σ_a W_aᴴ W_a = K I` with
//! `K = 2 n` for `n` axes. It shrinks the details and transforms back,
//!
//! ```text
//! v + (1 / (√2 K)) Σ_a D_aᵀ e_a    with    e = prox_{√2 K λ}(D v / √2) − D v / √2,
//! ```
//!
//! which needs no sums `s_a`, because what is not changed comes back as it was. It is exact for `λ = 0`, and approaches the
//! prox for small `λ` (U. S. Kamilov, *A parallel proximal algorithm for anisotropic total variation minimization*, 2016).
//!
//! Where that is not enough, [`TvNorm::exact`] solves the dual problem: the prox is `x = v − Dᴴ p` with
//!
//! ```text
//! p = argmin_p ½ ‖v − Dᴴ p‖² + (λ g)*(p),
//! ```
//!
//! by projected gradients with momentum (A. Beck, M. Teboulle: *Fast gradient-based algorithms for constrained total
//! variation image denoising and deblurring problems*, 2009), which starts anew where momentum leads uphill (B. O'Donoghue,
//! E. Candès: *Adaptive restart for accelerated gradient schemes*, 2015).

use super::{Functional, L1Norm, L21Norm, Prox, threshold};
use crate::{Array, ErrorKind, Factor, impl_tree, stack, while_loop};
use cotangent_ir::fail;
use std::f64::consts::SQRT_2;

/// `g(D x)`: a norm `g` of the differences `x[i + 1] - x[i]` along axes, stacked along a new axis 0.
///
/// Circular, with the difference from the last element to the first, unless [`open`](TvNorm::open), where that difference is
/// 0. The prox is an approximation for small `λ`:
/// `v + (1 / (√2 K)) Σ_a D_aᵀ e_a` with `e = prox_{√2 K λ g}(D v / √2) − D v / √2` and `K` twice the number of axes.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, HuberNorm, Prox, TvNorm};
/// let x = Array::from([[1.0f32, 2.0, 4.0], [0.0, 4.0, 1.0]]);
/// let tv = TvNorm::new(HuberNorm::new()).open();
/// assert_eq!(tv.value(&x).item()?, 12.5);
/// assert!((tv.prox(&x, 0.25.into()).to_vec::<f32>()?[1] - 2.219670).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TvNorm<N> {
    norm: N,
    circular: bool,
    axes: Option<Vec<isize>>,
    exact: Option<FastGradientProjection>,
}

/// When the iteration behind an [exact](TvNorm::exact) prox ends.
#[derive(Clone, Debug)]
pub struct FastGradientProjection {
    /// The change of the dual variable in one step, relative to its norm.
    pub tolerance: f64,
    /// The most steps made.
    pub max_iterations: i32,
}

impl Default for FastGradientProjection {
    /// A relative change of 1e-6 within 2000 steps.
    fn default() -> FastGradientProjection {
        FastGradientProjection { tolerance: 1e-6, max_iterations: 2000 }
    }
}

/// The anisotropic total variation `‖D x‖₁`: the sum of the magnitudes of all differences. Not circular unless
/// [`circular`](TvNorm::circular).
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{AnisotropicTvNorm, Functional, Prox};
/// let x = Array::from([[1.0f32, 2.0, 4.0], [0.0, 4.0, 1.0]]);
/// assert_eq!(AnisotropicTvNorm::anisotropic().value(&x).item()?, 16.0);
/// assert_eq!(AnisotropicTvNorm::anisotropic().circular().value(&x).item()?, 26.0);
/// assert_eq!(AnisotropicTvNorm::anisotropic().along(&[1]).value(&x).item()?, 10.0);
/// let p = AnisotropicTvNorm::anisotropic().prox(&x, 0.25.into()).to_vec::<f32>()?;
/// assert!((p[1] - 2.375).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub type AnisotropicTvNorm = TvNorm<L1Norm>;

/// The isotropic total variation `‖D x‖₂,₁`: the sum of the lengths of the gradients. Not circular unless
/// [`circular`](TvNorm::circular).
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, IsotropicTvNorm};
/// let x = Array::from([[1.0f32, 2.0, 4.0], [0.0, 4.0, 1.0]]);
/// assert!((IsotropicTvNorm::isotropic().value(&x).item()? - 14.242640).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub type IsotropicTvNorm = TvNorm<L21Norm>;

impl<N> TvNorm<N> {
    /// A norm of the circular differences along all axes.
    pub fn new(norm: N) -> TvNorm<N> {
        TvNorm { norm, circular: true, axes: None, exact: None }
    }

    /// With the difference from the last element to the first.
    pub fn circular(self) -> TvNorm<N> {
        TvNorm { circular: true, ..self }
    }

    /// With the difference 0 at the last element instead.
    pub fn open(self) -> TvNorm<N> {
        TvNorm { circular: false, ..self }
    }

    /// Of the differences along some axes; negative ones count from the end.
    pub fn along(self, axes: &[isize]) -> TvNorm<N> {
        TvNorm { axes: Some(axes.to_vec()), ..self }
    }

    /// With the prox as it is defined, by an inner iteration. It is one loop of the program that the prox is part of, and
    /// is not differentiated backwards.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::functional::{AnisotropicTvNorm, FastGradientProjection, Prox};
    /// let tv = AnisotropicTvNorm::anisotropic().exact(FastGradientProjection::default());
    /// // Of a step of height 4, the ends of which are held together by λ = 1: each half moves by λ over its length.
    /// let p = tv.prox(&Array::from([0.0f64, 0.0, 4.0, 4.0]), 1.0.into()).to_vec::<f64>()?;
    /// assert!(p.iter().zip([0.5, 0.5, 3.5, 3.5]).all(|(p, wanted)| (p - wanted).abs() < 1e-5));
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn exact(self, limits: FastGradientProjection) -> TvNorm<N> {
        TvNorm { exact: Some(limits), ..self }
    }

    /// The axes as numbers from the start, or an error value: for axes out of range, named twice, or none.
    #[track_caller]
    fn numbered(&self, x: &Array) -> Result<Vec<isize>, Array> {
        let rank = x.ty().map_err(Array::from_error)?.rank() as isize;
        let axes = self.axes.clone().unwrap_or_else(|| (0..rank).collect());
        let refuse = |message: String| Err(fail(ErrorKind::Argument, "TvNorm", message));
        if let Some(axis) = axes.iter().find(|axis| !(-rank..rank).contains(axis)) {
            return refuse(format!("axis {axis} is out of range for an array of {rank} axes"));
        }
        let axes: Vec<isize> = axes.iter().map(|axis| axis.rem_euclid(rank)).collect();
        if axes.is_empty() || (1..axes.len()).any(|later| axes[..later].contains(&axes[later])) {
            return refuse(format!("takes differences along axes, each named once, got {axes:?}"));
        }
        Ok(axes)
    }

    /// `D x`, stacked along a new axis 0.
    #[track_caller]
    fn differences(&self, x: &Array, axes: &[isize]) -> Array {
        let parts: Vec<Array> = axes.iter().map(|&axis| self.difference(x, axis)).collect();
        stack(&parts, 0)
    }

    /// `x + c Dᵀ e`.
    #[track_caller]
    fn plus_transposed(&self, x: &Array, c: f64, e: &Array, axes: &[isize]) -> Array {
        let back = axes.iter().enumerate().map(|(position, &axis)| {
            let part = e.index_axis(0, position as isize);
            self.transposed(&part, axis)
        });
        back.fold(x.clone(), |sum, part| sum + c * part)
    }

    /// `D_a x`.
    #[track_caller]
    fn difference(&self, x: &Array, axis: isize) -> Array {
        if self.circular { x.roll(-1, axis) - x } else { padded(&x.diff(axis), axis, 0, 1) }
    }

    /// `D_aᵀ e`, the element before less the element itself; what is at the last element of open differences goes there
    /// alone.
    #[track_caller]
    fn transposed(&self, e: &Array, axis: isize) -> Array {
        if self.circular {
            return e.roll(1, axis) - e;
        }
        let Ok(shape) = e.shape() else { return e.clone() };
        padded(&e.narrow(axis, 0, shape[axis as usize].saturating_sub(1)), axis, 1, 0) - e
    }
}

impl TvNorm<L1Norm> {
    /// The anisotropic total variation along all axes, not circular.
    pub fn anisotropic() -> AnisotropicTvNorm {
        TvNorm::new(L1Norm::new()).open()
    }
}

impl TvNorm<L21Norm> {
    /// The isotropic total variation along all axes, not circular.
    pub fn isotropic() -> IsotropicTvNorm {
        TvNorm::new(L21Norm::new()).open()
    }
}

impl<N: Functional> Functional for TvNorm<N> {
    fn value(&self, x: &Array) -> Array {
        match self.numbered(x) {
            Ok(axes) => self.norm.value(&self.differences(x, &axes)),
            Err(error) => error,
        }
    }
}

impl<N: Prox> Prox for TvNorm<N> {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let lambda = threshold("TvNorm::prox", &lambda, v);
        let axes = match self.numbered(v) {
            Ok(axes) => axes,
            Err(error) => return error,
        };
        match &self.exact {
            Some(limits) => self.prox_by_iteration(v, &lambda, &axes, limits),
            None => self.prox_by_frames(v, &lambda, &axes),
        }
    }
}

/// Of the iteration: the dual variable, and where its gradient is taken next.
#[derive(Clone)]
struct Dual {
    p: Array,
    ahead: Array,
    momentum: Array,
    /// `‖p − ahead‖²` of the last step.
    moved: Array,
    iterations: Array,
}
impl_tree!(Dual { p, ahead, momentum, moved, iterations });

impl<N: Prox> TvNorm<N> {
    #[track_caller]
    fn prox_by_frames(&self, v: &Array, lambda: &Array, axes: &[isize]) -> Array {
        let frames = 2.0 * axes.len() as f64;
        let details = self.differences(v, axes) * SQRT_2.recip();
        let change = self.norm.prox(&details, Factor::Array(SQRT_2 * frames * lambda)) - details;
        self.plus_transposed(v, (SQRT_2 * frames).recip(), &change, axes)
    }

    /// Each step is `p = prox_{σ (λ g)*}(q + σ D (v − Dᵀ q))` with `σ = 1 / (4 n)`, at most one over `‖D‖²`, and that prox by
    /// Moreau's identity is `y − σ prox_{(λ / σ) g}(y / σ)`.
    #[track_caller]
    fn prox_by_iteration(&self, v: &Array, lambda: &Array, axes: &[isize], limits: &FastGradientProjection) -> Array {
        if let Some(error) = lambda.error().or_else(|| v.error()) {
            return Array::from_error(error.clone());
        }
        let inverse_step = 4.0 * axes.len() as f64;
        let strength = Factor::Array(inverse_step * lambda);
        let start = self.differences(v, axes).zeros_like();
        let one = lambda.ones_like();
        let init =
            Dual { p: start.clone(), ahead: start, momentum: one.clone(), moved: one, iterations: Array::from(0i32) };
        let square = limits.tolerance * limits.tolerance;
        let go_on = |state: Dual| {
            let enough = state.moved.less_equal(square * state.p.abs2().sum());
            enough.logical_not() & state.iterations.less(limits.max_iterations)
        };
        let step = |Dual { p: old, ahead, momentum, iterations, .. }: Dual| {
            // `y / σ`, of which the prox takes what is beyond the dual ball.
            let y = inverse_step * &ahead + self.differences(&self.plus_transposed(v, -1.0, &ahead, axes), axes);
            let p = (&y - self.norm.prox(&y, strength.clone())) * inverse_step.recip();
            let (back, forth) = (&ahead - &p, &p - &old);
            let uphill = (back.conj() * &forth).real().sum().greater(0.0);
            let next = uphill.select(1.0, (1.0 + (1.0 + 4.0 * momentum.square()).sqrt()) * 0.5);
            let weight = uphill.select(0.0, (&momentum - 1.0) / &next);
            let moved = back.abs2().sum();
            Dual { ahead: &p + weight * forth, p, momentum: next, moved, iterations: iterations + 1 }
        };
        let end = while_loop(go_on, step, init);
        self.plus_transposed(v, -1.0, &end.p, axes)
    }
}

/// With zeros before and after along an axis.
#[track_caller]
fn padded(x: &Array, axis: isize, before: i64, after: i64) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let mut widths = vec![(0, 0, 0); shape.len()];
    widths[axis as usize] = (before, after, 0);
    x.pad_zeros(&widths)
}
