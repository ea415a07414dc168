//! The truncated Newton method.

use super::line_search::LineSearch;
use super::{Descent, Minimizer, Minimum, Objective, Point, Step, descend};
use crate::{Array, impl_tree, while_loop};

/// Newton's method with the system `∇²f d = −∇f` solved by conjugate gradients, up to a residual of
/// `min(½, √‖∇f‖) ‖∇f‖` or a direction of negative curvature (Nocedal and Wright, Numerical Optimization, 2006, algorithm
/// 7.1). Products with the Hessian are derivatives of the gradient, exact and without a matrix.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{TruncatedNewton, minimize};
/// let f = |x: &Array| (x.exp() - x).sum();
/// let found = minimize(f, &Array::from([1.0f64, -2.0]), &TruncatedNewton::default()).converged()?;
/// assert!(found.x.to_vec::<f64>()?.iter().all(|x| x.abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TruncatedNewton {
    /// Converged once no component of the gradient is larger.
    pub gradient_tolerance: f64,
    /// The most iterations; 200 for each coordinate if `None`.
    pub max_iterations: Option<i32>,
    /// The most iterations to solve one system; 20 for each coordinate if `None`.
    pub max_inner_iterations: Option<i32>,
}

impl Default for TruncatedNewton {
    /// 1e-5 for the gradient.
    fn default() -> TruncatedNewton {
        TruncatedNewton { gradient_tolerance: 1e-5, max_iterations: None, max_inner_iterations: None }
    }
}

/// The iteration for the direction of a step.
#[derive(Clone)]
struct Inner {
    d: Array,
    residual: Array,
    p: Array,
    square: Array,
    iterations: Array,
    going_on: Array,
}
impl_tree!(Inner { d, residual, p, square, iterations, going_on });

impl Minimizer for TruncatedNewton {
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum {
        let Ok(ty) = start.ty() else { return super::failed_flat(start) };
        let descent = Descent {
            gradient_tolerance: self.gradient_tolerance,
            max_iterations: self.max_iterations.unwrap_or(200 * ty.len() as i32),
            search: LineSearch { decrease: 1e-4, curvature: 0.9, width: 1e-14, evaluations: 100 },
        };
        let limit = self.max_inner_iterations.unwrap_or(20 * ty.len() as i32);
        let direction = |_: &(), point: &Point| newton_direction(objective, point, limit);
        descend(&descent, objective, start, (), direction, |(), _: &Step<'_>| (), |_| ())
    }
}

/// The direction to the minimum of the quadratic model, as far as that is convex.
fn newton_direction(objective: &Objective<'_>, point: &Point, limit: i32) -> Array {
    let gradient = &point.gradient;
    let square = gradient.dot(gradient);
    let length = square.sqrt();
    let target = (length.sqrt().minimum(0.5) * length).square();
    let init = Inner {
        d: gradient.zeros_like(),
        residual: gradient.clone(),
        p: -gradient,
        square,
        iterations: Array::from(0i32),
        going_on: Array::from(true),
    };
    let go_on = |inner: Inner| inner.going_on & inner.square.greater(&target) & inner.iterations.less(limit);
    let step = |Inner { d, residual, p, square, iterations, .. }: Inner| {
        let product = objective.hessian_product(&point.x, &p);
        let curvature = p.dot(&product);
        let convex = curvature.greater(0.0);
        let alpha = &square / convex.select(&curvature, 1.0);
        // Against negative curvature the direction so far is kept; there is none before the first step.
        let first = iterations.equal(0);
        let along = first.select(&p, &d);
        let d = convex.select(&d + &alpha * &p, along);
        let residual = residual + alpha * product;
        let next = residual.dot(&residual);
        let p = (&next / square) * p - &residual;
        Inner { d, residual, p, square: next, iterations: iterations + 1i32, going_on: convex }
    };
    while_loop(go_on, step, init).d
}
