//! The normal equations of sums of circular convolutions, solved in the Fourier domain.

use super::circular::{check_unweighted, circulant, refused};
use super::{SubproblemSolver, Subsolution, right_hand_side};
use crate::functional::ZeroFunctional;
use crate::linop::{LinOp, Structure};
use crate::loss::SquaredL2Loss;
use crate::optimize::{Column, Term};
use crate::solver::ConvAtadSolver;
use crate::{Array, BlockArray, Factor, Result};

const F: &str = "FBlockCircularConvolveSolver";
const G0: &str = "G0BlockCircularConvolveSolver";

/// Solves the normal equations directly where `A` is a sum along one axis of circular convolutions, as in convolutional
/// sparse coding, and the `C_i` are shift-invariant (which is not checked). Per frequency it is a diagonal system with one
/// of rank one added; see [`ConvAtadSolver`].
///
/// Statistics, where asked for: the relative residual of the equations (`Slv Res`).
#[derive(Clone, Copy, Debug, Default)]
pub struct FBlockCircularConvolveSolver {
    axes: Option<usize>,
    check: bool,
}

/// Solves the subproblem directly where the data are in the first term: `f` is zero, `g_1` is a squared loss with the
/// factor `ω`, and `C_1` is a sum along one axis of circular convolutions; the other `C_i` are shift-invariant (which is not
/// checked). `A` of the loss may be anything with a prox, such as a mask. With `κ = 2 ω ρ_1`, it solves
///
/// ```text
/// (C_1ᴴ C_1 + 1/κ Σ_{i≥2} ρ_i C_iᴴ C_i) x = C_1ᴴ t_1 + 1/κ Σ_{i≥2} ρ_i C_iᴴ t_i,
/// ```
///
/// which weighs the first penalty by `κ` instead of `ρ_1`; the two are equal for `ω = ½`.
///
/// Statistics, where asked for: the relative residual of the equations (`Slv Res`).
#[derive(Clone, Copy, Debug, Default)]
pub struct G0BlockCircularConvolveSolver {
    axes: Option<usize>,
    check: bool,
}

/// The equations divided by the factor of `Aᴴ A`, for the solvers of sums of convolutions.
pub struct BlockCirculantEquations {
    solver: ConvAtadSolver,
    /// One by the factor of `Aᴴ A`.
    inverse: Factor,
    data: Option<Array>,
}

macro_rules! chosen {
    ($solver:ident) => {
        impl $solver {
            /// Over the axes that the convolutions of the sum convolve.
            pub fn new() -> $solver {
                $solver::default()
            }

            /// Over the last `count` axes.
            pub fn over(count: usize) -> $solver {
                $solver { axes: Some(count), ..$solver::default() }
            }

            /// With the relative residual of the equations as a statistic.
            pub fn check(self) -> $solver {
                $solver { check: true, ..self }
            }
        }
    };
}
chosen!(FBlockCircularConvolveSolver);
chosen!(G0BlockCircularConvolveSolver);

impl SubproblemSolver<SquaredL2Loss> for FBlockCircularConvolveSolver {
    type Prepared = BlockCirculantEquations;

    fn prepare(&self, f: &SquaredL2Loss, terms: &[Term]) -> Result<BlockCirculantEquations> {
        check_unweighted(F, f)?;
        let (a, inverse) = (f.forward_operator(), f.twice_scale().recip());
        let axes = self.axes.or(convolved(F, a)?);
        let solver = equations(F, a, terms, &inverse, axes)?;
        let data = super::Quadratic::pulled_data(f);
        Ok(BlockCirculantEquations { solver, inverse, data })
    }

    fn solve(
        &self,
        _f: &SquaredL2Loss,
        terms: &[Term],
        prepared: &BlockCirculantEquations,
        x: &Array,
        targets: &[BlockArray],
    ) -> Subsolution {
        let b = right_hand_side(prepared.data.as_ref(), terms, targets, x);
        solved(&prepared.solver, &prepared.inverse.times(&b), self.check)
    }

    fn columns(&self) -> Vec<Column> {
        columns(self.check)
    }
}

impl SubproblemSolver<ZeroFunctional> for G0BlockCircularConvolveSolver {
    type Prepared = BlockCirculantEquations;

    fn prepare(&self, _f: &ZeroFunctional, terms: &[Term]) -> Result<BlockCirculantEquations> {
        let [data, others @ ..] = terms else {
            return Err(refused(G0, "there is no term; the first one holds the data".into()));
        };
        let (Some(a), Some(twice_scale)) = (data.array_operator(), data.twice_loss_scale()) else {
            let message = format!(
                "the first term must be a `SquaredL2Loss`, given to `Term::new` itself, of an array, got one of {}",
                data.describe()
            );
            return Err(refused(G0, message));
        };
        let inverse = (&twice_scale * data.penalty()).recip();
        let axes = self.axes.or(convolved(G0, &a)?);
        let solver = equations(G0, &a, others, &inverse, axes)?;
        Ok(BlockCirculantEquations { solver, inverse, data: None })
    }

    fn solve(
        &self,
        _f: &ZeroFunctional,
        terms: &[Term],
        prepared: &BlockCirculantEquations,
        x: &Array,
        targets: &[BlockArray],
    ) -> Subsolution {
        // There is a first term, as has been seen to.
        let first = terms[0].penalty().recip().times(&terms[0].pull(&targets[0]));
        let others = right_hand_side(None, &terms[1..], &targets[1..], x);
        solved(&prepared.solver, &(first + prepared.inverse.times(&others)), self.check)
    }

    fn columns(&self) -> Vec<Column> {
        columns(self.check)
    }
}

/// The number of axes that the convolutions of a sum convolve.
fn convolved(solver: &str, a: &LinOp) -> Result<Option<usize>> {
    match a.structure() {
        Structure::SummedConvolution(convolution, _) => Ok(Some(convolution.convolved_axes())),
        _ => {
            let message = format!(
                "the operator of the data must be a sum along one axis of circular convolutions, `sum * convolve`, got \
                 {a:?}; use `LinearSubproblemSolver`"
            );
            Err(refused(solver, message))
        }
    }
}

/// `Aᴴ A + inverse Σ ρ_i C_iᴴ C_i`.
fn equations(solver: &str, a: &LinOp, terms: &[Term], inverse: &Factor, axes: Option<usize>) -> Result<ConvAtadSolver> {
    let grams = terms.iter().map(|term| (term.gram_op(), inverse * term.penalty()));
    ConvAtadSolver::new(a, &LinOp::from(circulant(solver, grams, axes)?))
}

fn solved(solver: &ConvAtadSolver, b: &Array, check: bool) -> Subsolution {
    let x = solver.solve(b);
    let accuracy = check.then(|| solver.accuracy(&x, b));
    Subsolution::new(x, accuracy.into_iter().collect())
}

fn columns(check: bool) -> Vec<Column> {
    if check { vec![Column::real("Slv Res")] } else { Vec::new() }
}
