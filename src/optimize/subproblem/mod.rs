//! Solvers of the first line of [`Admm`](super::Admm): `argmin_x f(x) + Σ ρ_i/2 ‖t_i − C_i x‖²`.
//!
//! For `f(x) = α Σ w |y − A x|²` the minimiser solves the normal equations
//! `(2 α Aᴴ W A + Σ ρ_i C_iᴴ C_i) x = 2 α Aᴴ W y + Σ ρ_i C_iᴴ t_i`.
//!
//! | solver | `f` | `A` | `C_i` |
//! | --- | --- | --- | --- |
//! | [`LinearSubproblemSolver`] | quadratic or zero | linear | linear |
//! | [`MatrixSubproblemSolver`] | quadratic or zero | linear, of vectors | linear, of vectors |
//! | [`CircularConvolveSolver`] | quadratic or zero | identity or circular convolution | shift-invariant |
//! | [`FBlockCircularConvolveSolver`] | quadratic | sum of circular convolutions | shift-invariant |
//! | [`G0BlockCircularConvolveSolver`] | zero | | sum of circular convolutions, then shift-invariant |
//! | [`GenericSubproblemSolver`] | with a gradient | | linear |
//! | [`ConsensusSolver`] | with a prox | | identities |

mod block_circular;
mod circular;
mod consensus;
mod generic;
mod linear;
mod matrix;
mod quadratic;

pub use block_circular::{BlockCirculantEquations, FBlockCircularConvolveSolver, G0BlockCircularConvolveSolver};
pub use circular::{CirculantEquations, CircularConvolveSolver};
pub use consensus::ConsensusSolver;
pub use generic::GenericSubproblemSolver;
pub use linear::{LinearSubproblemSolver, NormalEquations};
pub use matrix::{MatrixEquations, MatrixSubproblemSolver};
pub use quadratic::{LeastSquares, Quadratic};

use super::{Column, Term};
use crate::inner::zip;
use crate::{Array, BlockArray, Result, Variable};

/// Minimises `f(x) + Σ ρ_i/2 ‖t_i − C_i x‖²` over `x`, for functionals of type `F`. A solver that can do so only for some
/// functionals is implemented for those types.
///
/// ```compile_fail
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::Identity;
/// use cotangent::optimize::{Admm, CircularConvolveSolver, Term};
/// use cotangent::{DType, Type};
/// let term = Term::new(L1Norm::new(), Identity::new(Type::new(DType::F32, &[4])), 1.0);
/// // The first functional must be quadratic.
/// Admm::new(L1Norm::new(), [term], CircularConvolveSolver::new());
/// ```
pub trait SubproblemSolver<F, X: Variable = Array> {
    /// What is computed once, before the first step.
    type Prepared;

    /// Computes what the steps share.
    ///
    /// # Errors
    /// A problem that does not fit the solver.
    fn prepare(&self, f: &F, terms: &[Term<X>]) -> Result<Self::Prepared>;

    /// The minimiser, from a guess `x` and a target `t_i` for each term.
    fn solve(
        &self,
        f: &F,
        terms: &[Term<X>],
        prepared: &Self::Prepared,
        x: &X,
        targets: &[BlockArray],
    ) -> Subsolution<X>;

    /// Whether [`Subsolution::value`] is given for this `f`.
    fn gives_value(&self, _f: &F) -> bool {
        false
    }

    /// The names of its statistics.
    fn columns(&self) -> Vec<Column> {
        Vec::new()
    }
}

/// What a [`SubproblemSolver`] finds.
#[derive(Clone, Debug)]
pub struct Subsolution<X = Array> {
    /// The minimiser.
    pub x: X,
    /// A number for each of the solver's columns.
    pub statistics: Vec<Array>,
    /// `f(x)`, where the solver has at hand what it takes.
    pub value: Option<Array>,
}

impl<X> Subsolution<X> {
    /// A minimiser with statistics.
    pub fn new(x: X, statistics: Vec<Array>) -> Subsolution<X> {
        Subsolution { x, statistics, value: None }
    }
}

/// `2 α Aᴴ W y + Σ ρ_i C_iᴴ t_i`.
fn right_hand_side<X: Variable>(data: Option<&X>, terms: &[Term<X>], targets: &[BlockArray], x: &X) -> X {
    let parts = terms.iter().zip(targets).map(|(term, target)| term.pull(target));
    sum(data.cloned().into_iter().chain(parts)).unwrap_or_else(|| x.map_leaves(|leaf| leaf.zeros_like()))
}

fn sum<X: Variable>(parts: impl Iterator<Item = X>) -> Option<X> {
    parts.reduce(|a, b| zip("Admm", &a, &b, |a, b| a + b))
}
