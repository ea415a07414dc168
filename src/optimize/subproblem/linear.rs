//! The normal equations solved by conjugate gradients.

use super::{Quadratic, SubproblemSolver, right_hand_side, sum};
use crate::linop::LinOp;
use crate::optimize::{Column, Term};
use crate::solver::{ConjugateGradient, conjugate_gradient};
use crate::{Array, BlockArray, Result, Variable, custom_linear_solve};

/// Solves the normal equations by conjugate gradients from the previous `x`. Statistics: the number of iterations
/// (`CG It`) and the relative residual (`CG Res`).
///
/// The iteration is a loop whose number of turns depends on data, so that it has no reverse derivative.
/// [`differentiable`](LinearSubproblemSolver::differentiable) takes the derivative of the solution instead, from the
/// equations it solves; it starts from the previous `x`, too, and has no statistics.
#[derive(Clone, Debug, Default)]
pub struct LinearSubproblemSolver {
    limits: ConjugateGradient,
    differentiable: bool,
}

/// The normal equations, for [`LinearSubproblemSolver`].
pub struct NormalEquations<X: Variable = Array> {
    curvature: Option<LinOp<X, X>>,
    data: Option<X>,
}

impl LinearSubproblemSolver {
    /// The solver whose iterations end as the limits say.
    pub fn new(limits: ConjugateGradient) -> LinearSubproblemSolver {
        LinearSubproblemSolver { limits, differentiable: false }
    }

    /// With derivatives of the solution, forward and reverse.
    pub fn differentiable(self) -> LinearSubproblemSolver {
        LinearSubproblemSolver { differentiable: true, ..self }
    }
}

impl<X: Variable, F: Quadratic<X>> SubproblemSolver<F, X> for LinearSubproblemSolver {
    type Prepared = NormalEquations<X>;

    fn prepare(&self, f: &F, _terms: &[Term<X>]) -> Result<NormalEquations<X>> {
        Ok(NormalEquations { curvature: f.curvature(), data: f.pulled_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term<X>],
        prepared: &NormalEquations<X>,
        x: &X,
        targets: &[BlockArray],
    ) -> (X, Vec<Array>) {
        let apply = |x: &X| {
            let parts = terms.iter().map(|term| term.curve(x));
            let parts = parts.chain(prepared.curvature.iter().map(|curvature| curvature.apply(x)));
            sum(parts).unwrap_or_else(|| x.map_leaves(|leaf| leaf.zeros_like()))
        };
        let b = right_hand_side(prepared.data.as_ref(), terms, targets, x);
        if !self.differentiable {
            let end = conjugate_gradient(apply, &b, x, &self.limits);
            return (end.x, vec![end.iterations, end.relative_residual]);
        }
        let from = |start: Option<&X>, apply: &dyn Fn(X) -> X, b: X| {
            let start = start.cloned().unwrap_or_else(|| b.map_leaves(|leaf| leaf.zeros_like()));
            conjugate_gradient(|x: &X| apply(x.clone()), &b, &start, &self.limits).x
        };
        // The operator is its own adjoint; of a complex one the transpose is the conjugate, and definite as well.
        let solved = custom_linear_solve(
            |x: X| apply(&x),
            b,
            |apply, b| from(Some(x), apply, b),
            |transposed, b| from(None, transposed, b),
        );
        (solved, Vec::new())
    }

    fn columns(&self) -> Vec<Column> {
        match self.differentiable {
            true => Vec::new(),
            false => vec![Column::count("CG It"), Column::real("CG Res")],
        }
    }
}
