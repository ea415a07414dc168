//! Inner products, norms and guarded quotients: what operators, functionals and solvers share.
//!
//! All sums run over every element, and are real for complex arrays: `‖x‖² = Σ |x_i|²`.

use crate::Array;

/// `Σ |x_i|²`.
#[track_caller]
pub(crate) fn norm_square(x: &Array) -> Array {
    x.abs2().sum()
}

/// `sqrt(Σ |x_i|²)`.
#[track_caller]
pub(crate) fn norm(x: &Array) -> Array {
    norm_square(x).sqrt()
}

/// `Σ conj(a_i) b_i`; complex for complex arrays.
#[track_caller]
pub(crate) fn inner(a: &Array, b: &Array) -> Array {
    (a.conj() * b).sum()
}

/// `x / d`, 0 where `d` is 0; `d` is real and not negative. The quotient is not evaluated at 0, so that no derivative of
/// it becomes NaN there.
#[track_caller]
pub(crate) fn divide_or_zero(x: &Array, d: &Array) -> Array {
    let positive = d.greater(0.0);
    positive.select(x / positive.select(d, 1.0), 0.0)
}
