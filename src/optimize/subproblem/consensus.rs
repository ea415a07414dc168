//! The subproblem where all operators are identities.

use super::{SubproblemSolver, Subsolution, right_hand_side};
use crate::functional::Prox;
use crate::linop::Structure;
use crate::optimize::Term;
use crate::{BlockArray, Error, ErrorKind, Factor, Result, Variable};

/// Solves the subproblem where all `C_i` are identities: `x = prox_{f/σ}(Σ ρ_i t_i / σ)` with `σ = Σ ρ_i`. See
/// [`Admm::consensus`](crate::optimize::Admm::consensus).
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsensusSolver;

impl ConsensusSolver {
    /// The solver.
    pub fn new() -> ConsensusSolver {
        ConsensusSolver
    }
}

impl<X: Variable, F: Prox<X>> SubproblemSolver<F, X> for ConsensusSolver {
    /// `1 / σ`.
    type Prepared = Factor;

    fn prepare(&self, _f: &F, terms: &[Term<X>]) -> Result<Factor> {
        let identity =
            |term: &Term<X>| matches!(term.structure(), Structure::ScaledIdentity(c) if c.as_real() == Some(1.0));
        if let Some(term) = terms.iter().find(|term| !identity(term)) {
            let message = format!("all operators must be identities, got {}", term.describe());
            return Err(Error::new(ErrorKind::Argument, "ConsensusSolver", message));
        }
        let total = terms.iter().map(|term| term.penalty().clone()).reduce(|a, b| &a + &b);
        Ok(total.unwrap_or(Factor::ONE).recip())
    }

    fn solve(&self, f: &F, terms: &[Term<X>], inverse: &Factor, x: &X, targets: &[BlockArray]) -> Subsolution<X> {
        let mean = right_hand_side(None, terms, targets, x).map_leaves(|leaf| inverse.times(&leaf));
        Subsolution::new(f.prox(&mean, inverse.clone()), Vec::new())
    }
}
