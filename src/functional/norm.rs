//! Norms and squared norms.
//!
//! All are defined for real and complex arrays through magnitudes `|x_i|`; proxes keep the phase of each element. A
//! magnitude of exactly 0 gives exactly 0.

use super::{Functional, Prox};
use crate::inner::{divide_or_zero, norm, norm_square};
use crate::{Array, Factor};

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
#[derive(Clone, Copy, Debug, Default)]
pub struct L2Norm;

/// `‖x‖₂² = Σ |x_i|²`, without a factor of ½. The prox is `v / (1 + 2 λ)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredL2Norm;

/// `‖x‖₂,₁`: the sum of the `l2` norms of groups of elements, those along some axes; along axis 0 unless told otherwise.
/// The prox shrinks the norm of each group: `v_g max(‖v_g‖ − λ, 0) / ‖v_g‖`, and 0 where `‖v_g‖ = 0`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L21Norm, Prox};
/// let m = Array::from([[3.0f32, 0.0, 1.0], [4.0, 0.0, -2.0]]);
/// assert!((L21Norm::new().value(&m).item()? - 7.236068).abs() < 1e-5);
/// assert!((L21Norm::along(&[1]).value(&m).item()? - 7.634414).abs() < 1e-5);
/// assert!((L21Norm::whole().value(&m).item()? - 5.477226).abs() < 1e-5);
/// let p = L21Norm::new().prox(&m, 1.0.into()).to_vec::<f32>()?;
/// assert!((p[0] - 2.4).abs() < 1e-6 && p[1] == 0.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct L21Norm {
    /// The axes of a group; all if `None`.
    axes: Option<Vec<isize>>,
}

impl L1Norm {
    /// The `l1` norm.
    pub fn new() -> L1Norm {
        L1Norm
    }
}

impl Functional for L1Norm {
    fn value(&self, x: &Array) -> Array {
        x.abs().sum()
    }
}

impl Prox for L1Norm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let lambda = lambda.like(v);
        match v.dtype() {
            Ok(dtype) if dtype.is_complex() => {
                let magnitude = v.abs();
                v * divide_or_zero(&(&magnitude - lambda).maximum(0.0), &magnitude)
            }
            // The same numbers without a sign: what is left when the part within [-λ, λ] is taken away.
            _ => v - v.clamp(-&lambda, &lambda),
        }
    }
}

impl L2Norm {
    /// The `l2` norm.
    pub fn new() -> L2Norm {
        L2Norm
    }
}

impl Functional for L2Norm {
    fn value(&self, x: &Array) -> Array {
        norm(x)
    }
}

impl Prox for L2Norm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let length = norm(v);
        v * divide_or_zero(&(&length - lambda.like(v)).maximum(0.0), &length)
    }
}

impl SquaredL2Norm {
    /// The squared `l2` norm.
    pub fn new() -> SquaredL2Norm {
        SquaredL2Norm
    }
}

impl Functional for SquaredL2Norm {
    fn value(&self, x: &Array) -> Array {
        norm_square(x)
    }
}

impl Prox for SquaredL2Norm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let divisor = &Factor::ONE + &(&Factor::Real(2.0) * &lambda);
        v / divisor.like(v)
    }
}

impl Default for L21Norm {
    fn default() -> L21Norm {
        L21Norm::new()
    }
}

impl L21Norm {
    /// Groups along axis 0, such as the components of a gradient.
    pub fn new() -> L21Norm {
        L21Norm::along(&[0])
    }

    /// Groups along the given axes; negative ones count from the end.
    pub fn along(axes: &[isize]) -> L21Norm {
        L21Norm { axes: Some(axes.to_vec()) }
    }

    /// One group of all elements.
    pub fn whole() -> L21Norm {
        L21Norm { axes: None }
    }

    /// The norm of each group, with the axes of a group of extent 1.
    fn lengths(&self, x: &Array) -> Array {
        let squares = x.abs2();
        let sums = match &self.axes {
            Some(axes) => squares.keep_axes().sum_axes(axes),
            None => squares.sum(),
        };
        sums.sqrt()
    }
}

impl Functional for L21Norm {
    fn value(&self, x: &Array) -> Array {
        self.lengths(x).sum()
    }
}

impl Prox for L21Norm {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let lengths = self.lengths(v);
        let factors = divide_or_zero(&(&lengths - lambda.like(v)).maximum(0.0), &lengths);
        v * factors
    }
}
