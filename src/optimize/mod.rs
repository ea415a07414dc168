//! Iterative methods and the one driver that runs them.
//!
//! A method is three traced functions: [`init`](Method::init), [`step`](Method::step) and [`done`](Method::done), with the
//! [`statistics`](Method::statistics) of a step. The driver owns everything else: [`solve`] records the whole loop with its
//! [stopping rules](Stop) and statistics as one program, compiles it and runs it; [`step`] compiles a single step; [`trace_loop`] is
//! the loop as a part of a larger traced function, such as one batched over channels. An early stop is an
//! [`Outcome`], not an error.
//!
//! Total-variation denoising, `min_x ½ ‖x − y‖² + λ ‖D x‖₂,₁`:
//!
//! ```
//! use cotangent::functional::L21Norm;
//! use cotangent::linop::{Boundary, Edge, FiniteDifference};
//! use cotangent::loss::SquaredL2Loss;
//! use cotangent::optimize::{Options, Outcome, Pdhg, Stop, solve};
//! use cotangent::Array;
//!
//! let y = Array::from([[0.1f32, 0.0, 0.9, 1.0], [0.0, 0.1, 1.1, 0.9]]);
//! let d = FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?;
//! let method = Pdhg::new(SquaredL2Loss::new(y.clone())?, 0.1 * L21Norm::new(), d, 0.25, 0.25).start(y);
//! let options = Options { max_steps: 50, stop: Stop::at(1e-3), ..Options::default() };
//! let solution = solve(&method, &options)?;
//! assert_eq!(solution.outcome, Outcome::Converged);
//! let objective = solution.history.column("Objective").unwrap();
//! assert!(objective.last() < objective.first());
//! # Ok::<(), cotangent::Error>(())
//! ```

mod accelerated_gradient;
mod admm;
mod differentiate;
mod driver;
mod execute;
mod history;
mod line_search;
mod linearized_admm;
mod nonlinear_padmm;
mod options;
mod parameter;
mod pdhg;
mod proximal_admm;
mod proximal_gradient;
#[cfg(feature = "files")]
mod saved;
mod solution;
mod solve;
mod step_size;
mod subproblem;
mod term;

pub use accelerated_gradient::{AcceleratedPgm, AcceleratedPgmState, Acceleration, Momentum, MomentumState};
pub use admm::{Admm, AdmmState};
pub use differentiate::{implicit, unrolled};
pub use driver::{LoopEnd, trace_loop};
pub use history::{Column, ColumnKind, History};
pub use line_search::{LineSearchState, LineSearchStepSize, RobustLineSearchStepSize, RobustState};
pub use linearized_admm::{LinearizedAdmm, LinearizedAdmmState};
pub use nonlinear_padmm::{Constraint, NonLinearPadmm};
pub use options::{Options, Stop};
pub use pdhg::{Pdhg, PdhgState};
pub use proximal_admm::{ProximalAdmm, ProximalAdmmState};
pub use proximal_gradient::{Pgm, PgmState};
#[cfg(feature = "files")]
pub use saved::{Saved, load, save};
pub use solution::{Callback, Outcome, Report, Solution, Timings, Watch};
pub use solve::{solve, solve_batched, solve_batched_watched, solve_from, solve_watched, step};
pub use step_size::{
    AdaptiveBbState, AdaptiveBbStepSize, BbState, BbStepSize, CompositeProblem, ConstantStepSize, StepSize,
};
pub use subproblem::{
    BlockCirculantEquations, CirculantEquations, CircularConvolveSolver, ConsensusSolver, FBlockCircularConvolveSolver,
    G0BlockCircularConvolveSolver, GenericSubproblemSolver, LeastSquares, LinearSubproblemSolver, MatrixEquations,
    MatrixSubproblemSolver, NormalEquations, Quadratic, SubproblemSolver, Subsolution,
};
pub use term::Term;

use crate::{Array, Result, Tree, Variable};

/// An iterative method on a problem it holds.
///
/// All functions are traced: they must not look at elements.
pub trait Method {
    /// What it solves for: an [`Array`] or a [`BlockArray`](crate::BlockArray).
    type Variable: Variable;

    /// What changes from step to step.
    type State: Tree;

    /// What is computed once, before the first step.
    type Prepared;

    /// What messages and files call it; by default the name of the Rust type.
    fn name(&self) -> &str {
        let path = std::any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path)
    }

    /// Computes what the steps share.
    ///
    /// # Errors
    /// A problem that does not fit the method.
    fn prepare(&self) -> Result<Self::Prepared>;

    /// The state before the first step.
    fn init(&self) -> Self::State;

    /// The state after a step.
    fn step(&self, prepared: &Self::Prepared, state: &Self::State) -> Self::State;

    /// The solution as a state has it.
    fn minimizer(&self, state: &Self::State) -> Self::Variable;

    /// The names of the statistics.
    fn columns(&self) -> Vec<Column>;

    /// Real 0-d statistics of the step from `previous` to `state`, one for each column.
    fn statistics(&self, previous: &Self::State, state: &Self::State) -> Vec<Array>;

    /// Whether the step from `previous` to `state`, which had these statistics, was the last one needed: 0-d bool.
    fn done(&self, previous: &Self::State, state: &Self::State, statistics: &[Array], tolerance: f64) -> Array;

    /// Whether the step to a state gave up on something, such as a line search, 0-d bool; `None` for methods that never do. A
    /// loop goes on from there, but tells so if that was its last step.
    fn gave_up(&self, state: &Self::State) -> Option<Array> {
        let _ = state;
        None
    }

    /// The arrays that must stay finite; by default all of a state.
    fn working(&self, state: &Self::State) -> Vec<Array> {
        state.leaves()
    }
}

/// Whether a residual is at most `tolerance max(1, scale)`, and finite: iterates that run away are not near a solution.
fn is_small(residual: &Array, scale: &Array, tolerance: f64) -> Array {
    residual.less_equal(scale.maximum(1.0) * tolerance) & residual.is_finite()
}
