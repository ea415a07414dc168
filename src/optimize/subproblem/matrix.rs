//! The normal equations as a matrix, factored once.

use super::circular::refused;
use super::{LeastSquares, SubproblemSolver, Subsolution, right_hand_side};
use crate::linop::MatrixOperator;
use crate::optimize::{Column, Term};
use crate::solver::{Factorization, MatrixAtad, MatrixAtadSolver, Shift};
use crate::{Array, BlockArray, Result};

const NAME: &str = "MatrixSubproblemSolver";

/// Solves the normal equations through a factorisation computed once, for operators on vectors. Their matrices are found
/// by applying them to the unit vectors, so that small problems suit it. Where `A` has fewer rows than columns and all
/// `C_iᴴ C_i` are diagonal, the smaller matrix of the Woodbury identity is factored.
///
/// A singular matrix gives NaN, which [`stop_on_nonfinite`](crate::optimize::Options::stop_on_nonfinite) makes an outcome of.
///
/// Statistics, where asked for: the relative residual of the equations (`Slv Res`).
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{Identity, MatrixOperator};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Admm, MatrixSubproblemSolver, Options, Term, solve};
/// use cotangent::solver::Factorization;
/// use cotangent::{Array, DType, Type};
///
/// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// let f = SquaredL2Loss::new(Array::from([1.0f32, 2.0, 3.0]))?.operator(a)?;
/// let term = Term::new(0.5 * L1Norm::new(), Identity::new(Type::new(DType::F32, &[2])), 2.0);
/// let solver = MatrixSubproblemSolver::new().factorization(Factorization::Cholesky).check();
/// let solution = solve(&Admm::new(f, [term], solver)?, &Options { max_steps: 3, ..Options::default() })?;
/// let x = solution.x.to_vec::<f32>()?;
/// assert!((x[0] + 0.059_374_73).abs() < 1e-5 && (x[1] - 0.879_267_9).abs() < 1e-5);
/// assert!(solution.history.column("Slv Res").unwrap().iter().all(|&residual| residual < 1e-6));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MatrixSubproblemSolver {
    factorization: Factorization,
    check: bool,
}

/// The factored equations, for [`MatrixSubproblemSolver`].
pub struct MatrixEquations {
    solver: MatrixAtadSolver,
    data: Option<Array>,
}

impl MatrixSubproblemSolver {
    /// The solver, by elimination with pivoting.
    pub fn new() -> MatrixSubproblemSolver {
        MatrixSubproblemSolver::default()
    }

    /// Has the matrix factored this way.
    pub fn factorization(self, factorization: Factorization) -> MatrixSubproblemSolver {
        MatrixSubproblemSolver { factorization, ..self }
    }

    /// With the relative residual of the equations as a statistic.
    pub fn check(self) -> MatrixSubproblemSolver {
        MatrixSubproblemSolver { check: true, ..self }
    }
}

impl<F: LeastSquares> SubproblemSolver<F> for MatrixSubproblemSolver {
    type Prepared = MatrixEquations;

    fn prepare(&self, f: &F, terms: &[Term]) -> Result<MatrixEquations> {
        let penalties = terms.iter().map(|term| term.gram_op().scaled(term.penalty().clone()));
        let penalties = penalties.reduce(|a, b| a + b).ok_or_else(|| refused(NAME, "there is no operator".into()))?;
        let shift = Shift::operator(&penalties)?;
        let system = match f.loss() {
            Some(loss) => {
                let scale = loss.twice_scale();
                let a = MatrixOperator::from_operator(loss.forward_operator())?;
                let real = loss.forward_operator().output_type().dtype.real();
                let weights = match loss.data_weights() {
                    Some(weights) => scale.times(weights),
                    None => scale.to_array(real),
                };
                MatrixAtad::new(a.matrix().clone(), shift).weights(weights)
            }
            // Without data, `A` is a matrix of one row that is zero.
            None => {
                let ty = penalties.input_type();
                MatrixAtad::new(Array::zeros(&[1, ty.shape[0]], ty.dtype), shift)
            }
        };
        let solver = system.factorization(self.factorization).factor()?;
        Ok(MatrixEquations { solver, data: f.pulled_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term],
        prepared: &MatrixEquations,
        x: &Array,
        targets: &[BlockArray],
    ) -> Subsolution {
        let b = right_hand_side(prepared.data.as_ref(), terms, targets, x);
        let x = prepared.solver.solve(&b);
        let accuracy = self.check.then(|| prepared.solver.accuracy(&x, &b));
        Subsolution::new(x, accuracy.into_iter().collect())
    }

    fn columns(&self) -> Vec<Column> {
        if self.check { vec![Column::real("Slv Res")] } else { Vec::new() }
    }
}
