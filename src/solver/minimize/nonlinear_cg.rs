//! The method of conjugate gradients for functions that are not quadratic.

use super::line_search::LineSearch;
use super::{Descent, Minimizer, Minimum, Objective, Point, Step, descend};
use crate::{Array, impl_tree};

/// Conjugate gradients of Polak and Ribière: steps along `d ← −∇f + β d` with
/// `β = max(0, ∇fᵀ (∇f − ∇f_old) / ‖∇f_old‖²)` (Nocedal and Wright, Numerical Optimization, 2006, section 5.2). It remembers one
/// vector beside the gradient.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{NonlinearCg, minimize};
/// let found = minimize(|x: &Array| (x - 1.0).square().sum(), &Array::from([3.0f64, -1.0]), &NonlinearCg::default());
/// assert!(found.x.to_vec::<f64>()?.iter().all(|x| (x - 1.0).abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NonlinearCg {
    /// Converged once no component of the gradient is larger.
    pub gradient_tolerance: f64,
    /// The most iterations; 200 for each coordinate if `None`.
    pub max_iterations: Option<i32>,
}

impl Default for NonlinearCg {
    /// 1e-5 for the gradient.
    fn default() -> NonlinearCg {
        NonlinearCg { gradient_tolerance: 1e-5, max_iterations: None }
    }
}

/// The direction of the next step.
#[derive(Clone)]
struct Direction {
    d: Array,
}
impl_tree!(Direction { d });

impl Minimizer for NonlinearCg {
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum {
        let Ok(ty) = start.ty() else { return super::failed_flat(start) };
        let descent = Descent {
            gradient_tolerance: self.gradient_tolerance,
            max_iterations: self.max_iterations.unwrap_or(200 * ty.len() as i32),
            search: LineSearch { decrease: 1e-4, curvature: 0.4, width: 1e-14, evaluations: 100 },
        };
        let steepest = |point: &Point| Direction { d: -&point.gradient };
        // Of the zero direction no slope is negative, so that the first step is along the gradient.
        let init = Direction { d: start.zeros_like() };
        let update = |Direction { d }: Direction, step: &Step<'_>| {
            let (old, new) = (&step.from.gradient, &step.to.gradient);
            let beta = (step.change().dot(new) / old.dot(old)).maximum(0.0);
            let next = beta * d - new;
            // Where the conjugate direction hardly descends, it starts anew.
            let descends = next.dot(new).less_equal(-0.01 * new.dot(new));
            Direction { d: descends.select(next, -new) }
        };
        descend(&descent, objective, start, init, |direction, _| direction.d.clone(), update, steepest)
    }
}
