//! The method of Broyden, Fletcher, Goldfarb and Shanno.

use super::line_search::LineSearch;
use super::{Descent, Minimizer, Minimum, Objective, Point, Step, descend};
use crate::{Array, impl_tree};

/// BFGS: steps along `−H ∇f`, with the inverse Hessian `H` as a matrix that every step updates,
/// `H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ` for the step `s`, the change `y` of the gradient and `ρ = 1 / yᵀ s` (Nocedal and
/// Wright, Numerical Optimization, 2006, algorithm 6.1).
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Bfgs, minimize};
/// let f = |x: &Array| (x - 2.0).square().sum() + (x - 2.0).sum().square();
/// let found = minimize(f, &Array::from([0.0f64, 1.0, 5.0]), &Bfgs::default()).converged()?;
/// assert!(found.x.to_vec::<f64>()?.iter().all(|x| (x - 2.0).abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bfgs {
    /// Converged once no component of the gradient is larger.
    pub gradient_tolerance: f64,
    /// The most iterations; 200 for each coordinate if `None`.
    pub max_iterations: Option<i32>,
}

impl Default for Bfgs {
    /// 1e-5 for the gradient.
    fn default() -> Bfgs {
        Bfgs { gradient_tolerance: 1e-5, max_iterations: None }
    }
}

/// The inverse Hessian.
#[derive(Clone)]
struct Inverse {
    matrix: Array,
}
impl_tree!(Inverse { matrix });

impl Minimizer for Bfgs {
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum {
        let Ok(ty) = start.ty() else { return super::failed_flat(start) };
        let descent = Descent {
            gradient_tolerance: self.gradient_tolerance,
            max_iterations: self.max_iterations.unwrap_or(200 * ty.len() as i32),
            search: LineSearch { decrease: 1e-4, curvature: 0.9, width: 1e-14, evaluations: 100 },
        };
        let init = Inverse { matrix: Array::eye(ty.len(), ty.dtype) };
        let direction = |inverse: &Inverse, point: &Point| -inverse.matrix.matmul(&point.gradient);
        let update = |inverse: Inverse, step: &Step<'_>| {
            let (s, y) = (step.moved(), step.change());
            let product = s.dot(&y);
            let curved = product.greater(0.0);
            let rho = 1.0 / curved.select(product, 1.0);
            let h = &inverse.matrix;
            let hy = h.matmul(&y);
            let outer = |a: &Array, b: &Array| a.expand_dims(-1) * b;
            let twice = outer(&hy, &s);
            let next = h - &rho * (&twice + twice.t()) + (&rho * (1.0 + &rho * y.dot(&hy))) * outer(&s, &s);
            Inverse { matrix: curved.select(next, h) }
        };
        let reset = |_: &Point| init.clone();
        descend(&descent, objective, start, init.clone(), direction, update, reset)
    }
}
