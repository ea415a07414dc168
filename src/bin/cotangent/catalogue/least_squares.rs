//! Damped least squares with a dense matrix.

use crate::failure::Result;
use crate::part::{About, Part};
use cotangent::solver::{ConjugateGradient, conjugate_gradient};
use cotangent::{Array, DType, Type};

/// What the kernel is for.
pub(super) const TEXT: &str = "Damped least squares with a dense matrix: argmin_x |A x - y|^2 + damping |x|^2, by conjugate \
                               gradients on the normal equations";

/// Its functions.
pub(super) const PARTS: [&str; 2] = ["solve", "gradient"];

/// Residuals of the normal equations, relative to `‖Aᴴ y‖`, at which the iteration ends: near what single precision allows.
const TOLERANCE: f64 = 1e-6;

/// The function of that name, for a matrix of so many rows and columns.
pub(super) fn part(name: &str, shape: &[usize], iterations: usize) -> Result<Part> {
    let vector = |axis: usize| Type::new(DType::F32, &shape[axis..=axis]);
    let x = (About::new("x", "Where the gradient is taken."), vector(1));
    let data = [
        (About::new("a", "The matrix."), Type::new(DType::F32, shape)),
        (About::new("y", "The right-hand side."), vector(0)),
        (About::new("damping", "The weight of |x|^2, not negative."), Type::scalar(DType::F32)),
    ];
    if name == "gradient" {
        let arguments = [x].into_iter().chain(data).collect();
        let results = vec![About::new("gradient", "Like x.")];
        return Part::trace("gradient", "The gradient of what is minimised.", arguments, results, |arguments| {
            Ok(vec![gradient(&arguments[0], &arguments[1..])])
        });
    }
    let results = vec![
        About::new("x", "The solution."),
        About::new("iterations", "Iterations that were made."),
        About::new(
            "residual",
            "Norm of the residual of the normal equations, relative to that of their right-hand side.",
        ),
    ];
    let limits = ConjugateGradient {
        tolerance: TOLERANCE,
        max_iterations: i32::try_from(iterations).unwrap_or(i32::MAX),
        ..ConjugateGradient::default()
    };
    let text = "From zero, until the residual is 1e-6 or all iterations are made.";
    Part::trace("solve", text, data.to_vec(), results, |arguments| {
        let [a, y, damping] = arguments else { cotangent::ir::error::internal("least squares takes three arguments") };
        let b = a.t().matmul(y);
        let end = conjugate_gradient(|x: &Array| normal(x, a, damping), &b, &b.zeros_like(), &limits);
        Ok(vec![end.x, end.iterations, end.relative_residual])
    })
}

/// `(Aᴴ A + damping) x`.
fn normal(x: &Array, a: &Array, damping: &Array) -> Array {
    a.t().matmul(&a.matmul(x)) + damping * x
}

/// `2 Aᴴ (A x − y) + 2 damping x`.
fn gradient(x: &Array, data: &[Array]) -> Array {
    let [a, y, damping] = data else { cotangent::ir::error::internal("least squares takes three arguments") };
    2.0 * (a.t().matmul(&(a.matmul(x) - y)) + damping * x)
}
