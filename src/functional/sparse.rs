//! Measures of sparsity that are not convex: the number of elements that are not zero, and `l1` minus `l2`.

use super::norm::shrunk;
use super::parameter::{checked, precision};
use super::{Functional, Prox, threshold};
use crate::inner::{divide_or_zero, norm, norm_square, root, total, zip};
use crate::{Array, DType, Factor, Result, Variable, stack};

/// `‖x‖₀`: the number of elements that are not zero, as a real number, with gradient 0.
///
/// The prox keeps `v_i` where `|v_i| ≥ t`, else gives 0. By default `t = λ`, as in SCICO. The minimiser of
/// `λ ‖x‖₀ + ½ ‖v − x‖²` has `t = sqrt(2 λ)`, which [`exact`](L0Norm::exact) takes.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L0Norm, Prox};
/// let v = Array::from([0.9f32, 1.0, 1.3, 0.0]);
/// assert_eq!(L0Norm::new().value(&v).item()?, 3.0);
/// assert_eq!(L0Norm::new().prox(&v, 1.0.into()).to_vec::<f32>()?, [0.0, 1.0, 1.3, 0.0]);
/// assert_eq!(L0Norm::exact().prox(&v, 0.5.into()).to_vec::<f32>()?, [0.0, 1.0, 1.3, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct L0Norm {
    exact: bool,
}

impl L0Norm {
    /// The number of elements that are not zero; the prox keeps magnitudes of at least `λ`.
    pub fn new() -> L0Norm {
        L0Norm { exact: false }
    }

    /// The same with the prox that minimises, which keeps magnitudes of at least `sqrt(2 λ)`.
    pub fn exact() -> L0Norm {
        L0Norm { exact: true }
    }
}

impl<X: Variable> Functional<X> for L0Norm {
    fn value(&self, x: &X) -> Array {
        let dtype = precision(x);
        total(x, |leaf| leaf.not_equal(0.0).astype(dtype).sum())
    }
}

impl<X: Variable> Prox<X> for L0Norm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("L0Norm::prox", &lambda, v);
        let least = if self.exact { (2.0 * lambda).sqrt() } else { lambda };
        v.map_leaves(|leaf| leaf.abs().greater_equal(&least).select(&leaf, 0.0))
    }
}

/// `‖x‖₁ − β ‖x‖₂`, by default with `β = 1`.
///
/// The prox has a closed form. With `M = max |v_i|`: where `M > λ`, `u (‖u‖ + λ β) / ‖u‖` for `u` the shrunk `v`; where
/// `(1 − β) λ ≤ M ≤ λ`, the first element of greatest magnitude remains alone, with magnitude `M + (β − 1) λ`; otherwise 0.
/// (Y. Lou and M. Yan, *Fast L1-L2 minimization via a proximal operator*, 2018.)
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{L1MinusL2Norm, Prox};
/// let v = Array::from([-2.0f32, -1.0, 0.0, 0.5, 3.0]);
/// let p = L1MinusL2Norm::new().prox(&v, 1.0.into()).to_vec::<f32>()?;
/// assert!((p[0] + 1.447214).abs() < 1e-5 && (p[4] - 2.894427).abs() < 1e-5);
/// assert_eq!(L1MinusL2Norm::new().prox(&v, 3.5.into()).to_vec::<f32>()?, [0.0, 0.0, 0.0, 0.0, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct L1MinusL2Norm {
    beta: f64,
}

impl Default for L1MinusL2Norm {
    fn default() -> L1MinusL2Norm {
        L1MinusL2Norm::new()
    }
}

impl L1MinusL2Norm {
    /// `‖x‖₁ − ‖x‖₂`.
    pub fn new() -> L1MinusL2Norm {
        L1MinusL2Norm { beta: 1.0 }
    }

    /// `‖x‖₁ − β ‖x‖₂`.
    ///
    /// # Errors
    /// A `β` that is negative or not finite.
    pub fn with_beta(beta: f64) -> Result<L1MinusL2Norm> {
        Ok(L1MinusL2Norm { beta: checked("L1MinusL2Norm", "β", beta, 0.0, true)? })
    }
}

impl<X: Variable> Functional<X> for L1MinusL2Norm {
    fn value(&self, x: &X) -> Array {
        total(x, |leaf| leaf.abs().sum()) - self.beta * root(&norm_square(x))
    }
}

impl<X: Variable> Prox<X> for L1MinusL2Norm {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let lambda = threshold("L1MinusL2Norm::prox", &lambda, v);
        // A leaf without elements has none of greatest magnitude.
        let greatest = |leaf: &Array| if is_empty(leaf) { lambda.zeros_like() } else { leaf.abs().max() };
        let greatest: Vec<Array> = v.leaves().iter().map(greatest).collect();
        let most = stack(&greatest, 0).max();
        let u = v.map_leaves(|leaf| shrunk(&leaf, &lambda));
        let length = norm(&u);
        let stretch = divide_or_zero(&(&length + self.beta * &lambda), &length);
        let alone = one_of_greatest(v, &greatest, &most);
        let magnitude = &most + (self.beta - 1.0) * &lambda;
        let one = magnitude.greater_equal(0.0).select(divide_or_zero(&magnitude, &most), 0.0);
        let several = most.greater(&lambda);
        zip("L1MinusL2Norm::prox", &u, &alone, |u, alone| several.select(u * &stretch, alone * &one))
    }
}

/// The first element of greatest magnitude, with zeros around it.
#[track_caller]
fn one_of_greatest<X: Variable>(v: &X, greatest: &[Array], most: &Array) -> X {
    let mut found: Option<Array> = None;
    let leaves = v.leaves();
    let alone = leaves.iter().zip(greatest).map(|(leaf, own)| {
        if is_empty(leaf) {
            return leaf.clone();
        }
        let reached = own.equal(most);
        let here = match &found {
            Some(found) => &reached & found.equal(false),
            None => reached.clone(),
        };
        found = Some(match &found {
            Some(found) => found | &reached,
            None => reached,
        });
        let row = leaf.flatten();
        let Ok(ty) = row.ty() else { return row };
        let places = Array::arange(ty.len(), DType::I32);
        let mask = places.equal(row.abs().argmax().astype(DType::I32)) & here;
        match leaf.shape() {
            Ok(shape) => mask.select(&row, 0.0).reshape(&shape),
            Err(error) => Array::from_error(error),
        }
    });
    let alone = alone.collect();
    v.with_leaves(alone)
}

fn is_empty(leaf: &Array) -> bool {
    leaf.ty().is_ok_and(|ty| ty.is_empty())
}
