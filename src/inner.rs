//! Inner products, norms and guarded quotients: what operators, functionals and solvers share.
//!
//! All sums run over every element of an array, of all blocks of a block array, and are real for complex ones:
//! `‖x‖² = Σ |x_i|²`.

use crate::{Array, ErrorKind, Tree};

/// The sum over the leaves of what a map to 0-d arrays gives for each.
#[track_caller]
pub(crate) fn total<T: Tree>(x: &T, map: impl Fn(&Array) -> Array) -> Array {
    let parts = x.leaves().iter().map(map).collect::<Vec<_>>().into_iter();
    parts.reduce(|sum, part| sum + part).unwrap_or_else(|| Array::from(0.0f32))
}

/// The leaves of two trees of one structure combined in pairs. Of two that differ in the number of leaves, each leaf is the
/// error.
#[track_caller]
pub(crate) fn zip<T: Tree>(operation: &str, a: &T, b: &T, combine: impl Fn(&Array, &Array) -> Array) -> T {
    let (left, right) = (a.leaves(), b.leaves());
    if left.len() != right.len() {
        let message = format!(
            "takes block arrays of as many blocks, got one of {} blocks and {}; slice the longer one",
            left.len(),
            right.len()
        );
        let error = cotangent_ir::fail(ErrorKind::Shape, operation, message);
        return a.map_leaves(|_| error.clone());
    }
    a.with_leaves(left.iter().zip(&right).map(|(a, b)| combine(a, b)).collect())
}

/// `a - b`.
#[track_caller]
pub(crate) fn difference<T: Tree>(a: &T, b: &T) -> T {
    zip("sub", a, b, |a, b| a - b)
}

/// `Σ |x_i|²`.
#[track_caller]
pub(crate) fn norm_square<T: Tree>(x: &T) -> Array {
    total(x, |leaf| leaf.abs2().sum())
}

/// `sqrt(Σ |x_i|²)`.
#[track_caller]
pub(crate) fn norm<T: Tree>(x: &T) -> Array {
    norm_square(x).sqrt()
}

/// The mean of all elements.
#[track_caller]
pub(crate) fn mean<T: Tree>(x: &T) -> Array {
    match x.leaf_types() {
        Ok(types) if types.len() == 1 => total(x, Array::mean),
        Ok(types) => {
            let count: usize = types.iter().map(|ty| ty.len()).sum();
            total(x, Array::sum) / count as f64
        }
        Err(error) => Array::from_error(error),
    }
}

/// `sqrt(s)` for `s` that is not negative, whose derivative at 0 is taken as 0: a subgradient of a norm there, instead of
/// infinity times zero.
#[track_caller]
pub(crate) fn root(s: &Array) -> Array {
    let zero = s.equal(0.0);
    zero.select(0.0, zero.select(1.0, s).sqrt())
}

/// `Σ conj(a_i) b_i`; complex for complex arrays.
#[track_caller]
pub(crate) fn inner<T: Tree>(a: &T, b: &T) -> Array {
    total(&zip("vdot", a, b, |a, b| a.conj() * b), Array::sum)
}

/// `x / d`, 0 where `d` is 0; `d` is real and not negative. The quotient is not evaluated at 0, so that no derivative of
/// it becomes NaN there.
#[track_caller]
pub(crate) fn divide_or_zero(x: &Array, d: &Array) -> Array {
    let positive = d.greater(0.0);
    positive.select(x / positive.select(d, 1.0), 0.0)
}
