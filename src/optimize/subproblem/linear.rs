//! The normal equations solved by conjugate gradients.

use super::{Quadratic, SubproblemSolver, Subsolution, right_hand_side, sum};
use crate::linop::LinOp;
use crate::optimize::{Column, Term};
use crate::solver::{ConjugateGradient, conjugate_gradient, preconditioned_conjugate_gradient};
use crate::{Array, BlockArray, Error, ErrorKind, Result, Variable};

/// Solves the normal equations by conjugate gradients from the previous `x`. Statistics: the number of iterations
/// (`CG It`) and the relative residual (`CG Res`).
///
/// Derivatives, forward and reverse, are those of the solution of the equations, not of the iterations; see
/// [`conjugate_gradient`].
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{Diagonal, Identity, MatrixOperator};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Admm, LinearSubproblemSolver, Options, Term, solve};
/// use cotangent::{Array, DType, Type};
///
/// let a = MatrixOperator::new(Array::from([[100.0f32, 1.0], [2.0, 1.0]]))?;
/// let f = SquaredL2Loss::new(Array::from([1.0f32, 2.0]))?.operator(a)?;
/// let term = Term::new(0.5 * L1Norm::new(), Identity::new(Type::new(DType::F32, &[2])), 2.0);
/// // One by the diagonal of the matrix on the left.
/// let inverse = Diagonal::new(Array::from([1.0f32 / 10006.0, 1.0 / 4.0]))?;
/// let solver = LinearSubproblemSolver::default().preconditioned(inverse);
/// let solution = solve(&Admm::new(f, [term], solver)?, &Options { max_steps: 5, ..Options::default() })?;
/// assert!(solution.history.column("CG It").unwrap().iter().all(|&count| count <= 3.0));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearSubproblemSolver<X: Variable = Array> {
    limits: ConjugateGradient,
    preconditioner: Option<LinOp<X, X>>,
}

/// The normal equations, for [`LinearSubproblemSolver`].
pub struct NormalEquations<X: Variable = Array> {
    curvature: Option<LinOp<X, X>>,
    data: Option<X>,
}

impl<X: Variable> Default for LinearSubproblemSolver<X> {
    fn default() -> LinearSubproblemSolver<X> {
        LinearSubproblemSolver::new(ConjugateGradient::default())
    }
}

impl<X: Variable> LinearSubproblemSolver<X> {
    /// The solver whose iterations end as the limits say.
    pub fn new(limits: ConjugateGradient) -> LinearSubproblemSolver<X> {
        LinearSubproblemSolver { limits, preconditioner: None }
    }

    /// With an operator near the inverse of the left-hand side, self-adjoint and positive definite (which is not checked).
    pub fn preconditioned(self, preconditioner: impl Into<LinOp<X, X>>) -> LinearSubproblemSolver<X> {
        LinearSubproblemSolver { preconditioner: Some(preconditioner.into()), ..self }
    }
}

impl<X: Variable, F: Quadratic<X>> SubproblemSolver<F, X> for LinearSubproblemSolver<X> {
    type Prepared = NormalEquations<X>;

    fn prepare(&self, f: &F, terms: &[Term<X>]) -> Result<NormalEquations<X>> {
        if let (Some(m), Some(term)) = (&self.preconditioner, terms.first()) {
            let ty = term.input_type();
            if m.input_type() != ty || m.output_type() != ty {
                let message = format!("the preconditioner must map {ty} to itself, got {m:?}");
                return Err(Error::new(ErrorKind::Shape, "LinearSubproblemSolver", message));
            }
        }
        Ok(NormalEquations { curvature: f.curvature(), data: f.pulled_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term<X>],
        prepared: &NormalEquations<X>,
        x: &X,
        targets: &[BlockArray],
    ) -> Subsolution<X> {
        let apply = |x: &X| {
            let parts = terms.iter().map(|term| term.curve(x));
            let parts = parts.chain(prepared.curvature.iter().map(|curvature| curvature.apply(x)));
            sum(parts).unwrap_or_else(|| x.map_leaves(|leaf| leaf.zeros_like()))
        };
        let b = right_hand_side(prepared.data.as_ref(), terms, targets, x);
        let end = match &self.preconditioner {
            None => conjugate_gradient(apply, &b, x, &self.limits),
            Some(m) => preconditioned_conjugate_gradient(apply, |r: &X| m.apply(r), &b, x, &self.limits),
        };
        Subsolution::new(end.x, vec![end.iterations, end.relative_residual])
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::count("CG It"), Column::real("CG Res")]
    }
}
