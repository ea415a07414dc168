//! The subproblem as any function to be minimised.

use super::{SubproblemSolver, Subsolution};
use crate::functional::Functional;
use crate::inner::norm_square;
use crate::optimize::{Column, Term};
use crate::solver::{Lbfgs, Minimizer, minimize};
use crate::{BlockArray, Result, Variable};

/// Minimises the subproblem by a general method from the previous `x`, for an `f` that has a gradient but is not
/// quadratic. It is for small problems. Statistics: the numbers of evaluations of the function (`Num FEv`) and of iterations
/// (`Num It`).
///
/// ```
/// use cotangent::functional::{HuberNorm, L1Norm};
/// use cotangent::linop::{Identity, MatrixOperator};
/// use cotangent::loss::Loss;
/// use cotangent::optimize::{Admm, GenericSubproblemSolver, Options, Stop, Term, solve};
/// use cotangent::{Array, DType, Type};
///
/// let a = MatrixOperator::new(Array::from([[2.0f64, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// let f = Loss::new(Array::from([1.0f64, 2.0, 3.0]), HuberNorm::new())?.operator(a)?;
/// let term = Term::new(0.5 * L1Norm::new(), Identity::new(Type::new(DType::F64, &[2])), 2.0);
/// let method = Admm::new(f, [term], GenericSubproblemSolver::default())?;
/// let solution = solve(&method, &Options { stop: Stop::at(1e-3), ..Options::default() })?.converged()?;
/// assert!(solution.history.column("Num FEv").unwrap()[0] >= 2.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GenericSubproblemSolver<M = Lbfgs> {
    minimizer: M,
}

impl Default for GenericSubproblemSolver {
    /// By L-BFGS with at most 100 iterations.
    fn default() -> GenericSubproblemSolver {
        GenericSubproblemSolver { minimizer: Lbfgs { max_iterations: 100, ..Lbfgs::default() } }
    }
}

impl<M: Minimizer> GenericSubproblemSolver<M> {
    /// By another method of minimisation.
    pub fn new(minimizer: M) -> GenericSubproblemSolver<M> {
        GenericSubproblemSolver { minimizer }
    }
}

impl<X: Variable, F: Functional<X>, M: Minimizer> SubproblemSolver<F, X> for GenericSubproblemSolver<M> {
    type Prepared = ();

    fn prepare(&self, _f: &F, _terms: &[Term<X>]) -> Result<()> {
        Ok(())
    }

    fn solve(&self, f: &F, terms: &[Term<X>], _prepared: &(), x: &X, targets: &[BlockArray]) -> Subsolution<X> {
        let value = |x: &X| {
            let penalties = terms.iter().zip(targets).map(|(term, target)| {
                let square = norm_square(&(target - term.apply(x)));
                term.penalty().times(&(0.5 * square))
            });
            penalties.fold(f.value(x), |sum, penalty| sum + penalty)
        };
        let found = minimize(value, x, &self.minimizer);
        Subsolution::new(found.x, vec![found.evaluations, found.iterations])
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::count("Num FEv"), Column::count("Num It")]
    }
}
