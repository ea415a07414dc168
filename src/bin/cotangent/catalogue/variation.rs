//! Denoising with a smooth total variation.

use crate::failure::Result;
use crate::part::{About, Part};
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::solver::{Lbfgs, minimize};
use cotangent::{Array, DType, Type, grad};

/// What the kernel is for.
pub(super) const TEXT: &str = "Removes white noise with a smooth total variation: argmin_x 1/2 |x - degraded|^2 + lambda sum \
                               sqrt(|D x|^2 + 0.01^2), by L-BFGS";

/// Its functions.
pub(super) const PARTS: [&str; 3] = ["solve", "objective", "gradient"];

/// Jumps much smaller than this are smoothed as by a square.
const SMOOTHING: f64 = 0.01;

/// The function of that name, for pictures of a shape.
pub(super) fn part(name: &str, shape: &[usize], lambda: f64, iterations: usize) -> Result<Part> {
    let ty = Type::new(DType::F32, shape);
    let d = LinOp::from(FiniteDifference::along(ty.clone(), &[-2, -1], Boundary::append(Edge::Zero))?);
    let objective = |x: &Array, degraded: &Array| {
        let slopes = d.apply(x).square().sum_axes(&[0]) + SMOOTHING * SMOOTHING;
        0.5 * (x - degraded).square().sum() + lambda * slopes.sqrt().sum()
    };
    let x = (About::new("x", "A picture."), ty.clone());
    let degraded = (About::new("degraded", "The picture with noise, from 0 to 1."), ty);
    let value = About::new("objective", "What is minimised.");
    match name {
        "objective" => {
            let body = |arguments: &[Array]| Ok(vec![objective(&arguments[0], &arguments[1])]);
            Part::trace("objective", "What is minimised, at x.", vec![x, degraded], vec![value], body)
        }
        "gradient" => {
            let gradient = vec![About::new("gradient", "Like x.")];
            Part::trace("gradient", "The gradient of the objective at x.", vec![x, degraded], gradient, |arguments| {
                let degraded = &arguments[1];
                Ok(vec![grad(|x: Array| objective(&x, degraded)).call(arguments[0].clone())?])
            })
        }
        _ => {
            let results = vec![
                About::new("restored", "The restored picture, from 0 to 1."),
                value,
                About::new("iterations", "Iterations that were made."),
                About::new("evaluations", "Evaluations of the objective with its gradient."),
                About::new("outcome", OUTCOMES),
            ];
            let method = Lbfgs { max_iterations: i32::try_from(iterations).unwrap_or(i32::MAX), ..Lbfgs::default() };
            let text =
                "From the picture with noise, until the gradient or its decrease is small or all iterations are made.";
            Part::trace("solve", text, vec![degraded], results, |arguments| {
                let degraded = &arguments[0];
                let end = minimize(|x: &Array| objective(x, degraded), degraded, &method);
                Ok(vec![end.x, end.value, end.iterations, end.evaluations, end.outcome])
            })
        }
    }
}

/// What the code of an outcome means.
const OUTCOMES: &str = "Why it ended: 0 converged, 1 after all iterations, 2 after all evaluations, 3 as a line search failed, 4 \
                        as a number was not finite.";
