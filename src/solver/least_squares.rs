//! Linear least squares by the method of conjugate gradients.

use super::{CgSolution, ConjugateGradient, preconditioned_conjugate_gradient};
use crate::Variable;
use crate::linop::LinOp;

/// The `x` of least `‖A x − b‖`, by conjugate gradients on the normal equations `Aᴴ A x = Aᴴ b` from `x0`. Tolerances are
/// relative to `‖Aᴴ b‖`.
///
/// ```
/// use cotangent::linop::MatrixOperator;
/// use cotangent::solver::{ConjugateGradient, least_squares};
/// use cotangent::Array;
/// let a = MatrixOperator::new(Array::from([[2.0f64, 1.0], [1.0, 3.0], [0.0, 1.0]]))?.into();
/// let b = Array::from([1.0f64, 2.0, 3.0]);
/// let limits = ConjugateGradient { tolerance: 1e-10, ..ConjugateGradient::default() };
/// let solution = least_squares(&a, &b, &Array::from([0.0f64; 2]), &limits);
/// let x = solution.x.to_vec::<f64>()?;
/// assert!((x[0] + 0.2).abs() < 1e-9 && (x[1] - 1.0).abs() < 1e-9);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn least_squares<X: Variable, Y: Variable>(
    a: &LinOp<X, Y>,
    b: &Y,
    x0: &X,
    limits: &ConjugateGradient,
) -> CgSolution<X> {
    preconditioned_least_squares(a, X::clone, b, x0, limits)
}

/// As [`least_squares`], with a self-adjoint positive definite `M ≈ (Aᴴ A)⁻¹`.
#[track_caller]
pub fn preconditioned_least_squares<X: Variable, Y: Variable>(
    a: &LinOp<X, Y>,
    precondition: impl Fn(&X) -> X,
    b: &Y,
    x0: &X,
    limits: &ConjugateGradient,
) -> CgSolution<X> {
    preconditioned_conjugate_gradient(|x: &X| a.gram(x), precondition, &a.adjoint(b), x0, limits)
}
