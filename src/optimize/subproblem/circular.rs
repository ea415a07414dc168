//! The normal equations of shift-invariant operators, solved in the Fourier domain.

use super::{LeastSquares, SubproblemSolver, right_hand_side};
use crate::linop::{CircularConvolve, LinOp, Structure};
use crate::loss::SquaredL2Loss;
use crate::optimize::Term;
use crate::{Array, BlockArray, Error, ErrorKind, Factor, Result};

const NAME: &str = "CircularConvolveSolver";

/// Solves the normal equations directly in the Fourier domain, for an `A` that is the identity or a circular convolution
/// and shift-invariant `C_i` (which is not checked): `x = F⁻¹(F b / ℓ)` with `ℓ` the transform of the operator on the
/// left, found from the response of each `C_iᴴ C_i` to an impulse.
#[derive(Clone, Debug, Default)]
pub struct CircularConvolveSolver {
    axes: Option<usize>,
}

/// The inverse of the left-hand side, for [`CircularConvolveSolver`].
pub struct CirculantEquations {
    inverse: CircularConvolve,
    data: Option<Array>,
}

impl CircularConvolveSolver {
    /// Over the axes that the convolution `A`, or without `f` the first convolution among the `C_i`, convolves; over all
    /// axes if there is none.
    pub fn new() -> CircularConvolveSolver {
        CircularConvolveSolver::default()
    }

    /// Over the last `count` axes.
    pub fn over(count: usize) -> CircularConvolveSolver {
        CircularConvolveSolver { axes: Some(count) }
    }

    fn axes(&self, loss: Option<&SquaredL2Loss>, terms: &[Term]) -> Option<usize> {
        let convolved = |structure: Structure| match structure {
            Structure::CircularConvolve(convolution) => Some(convolution.convolved_axes()),
            _ => None,
        };
        self.axes.or_else(|| match loss {
            Some(loss) => convolved(loss.forward_operator().structure()),
            None => terms.iter().find_map(|term| convolved(term.structure())),
        })
    }
}

impl<F: LeastSquares> SubproblemSolver<F> for CircularConvolveSolver {
    type Prepared = CirculantEquations;

    fn prepare(&self, f: &F, terms: &[Term]) -> Result<CirculantEquations> {
        let loss = f.loss();
        if let Some(loss) = loss {
            check_loss(loss)?;
        }
        let axes = self.axes(loss, terms);
        let grams = terms.iter().map(|term| (term.gram_op(), term.penalty().clone()));
        let grams = grams.chain(loss.map(|loss| (loss.forward_operator().gram_op(), loss.twice_scale())));
        let left = circulant(NAME, grams, axes)?;
        Ok(CirculantEquations { inverse: left.reciprocal()?, data: f.pulled_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term],
        prepared: &CirculantEquations,
        x: &Array,
        targets: &[BlockArray],
    ) -> (Array, Vec<Array>) {
        let b = right_hand_side(prepared.data.as_ref(), terms, targets, x);
        (LinOp::from(prepared.inverse.clone()).apply(&b), Vec::new())
    }
}

/// The convolution that the sum of multiples of shift-invariant operators is.
pub(super) fn circulant(
    solver: &str,
    parts: impl Iterator<Item = (LinOp, Factor)>,
    axes: Option<usize>,
) -> Result<CircularConvolve> {
    let mut whole: Option<CircularConvolve> = None;
    for (operator, factor) in parts {
        let convolution = CircularConvolve::from_operator(&operator, axes)?;
        let scaled = convolution.scaled(&factor);
        let part = scaled.ok_or_else(|| refused(solver, "penalties and scales must be real".into()))?;
        whole = Some(match whole {
            None => part,
            Some(whole) => whole.plus(&part).ok_or_else(|| {
                let message = format!("{operator:?} does not take the type of the other operators");
                refused(solver, message)
            })?,
        });
    }
    whole.ok_or_else(|| refused(solver, "there is no operator".into()))
}

fn check_loss(loss: &SquaredL2Loss) -> Result<()> {
    let operator = loss.forward_operator();
    match operator.structure() {
        Structure::CircularConvolve(_) => {}
        _ if operator.is_identity() => {}
        _ => {
            let message = format!(
                "the operator of the loss must be the identity or a circular convolution, got {operator:?}; use \
                 `LinearSubproblemSolver`"
            );
            return Err(refused(NAME, message));
        }
    }
    check_unweighted(NAME, loss)
}

/// Refuses a loss with weights, which are not shift-invariant.
pub(super) fn check_unweighted(solver: &str, loss: &SquaredL2Loss) -> Result<()> {
    match loss.data_weights() {
        None => Ok(()),
        Some(_) => {
            let message = "a weighted loss is not shift-invariant; put a constant weight into `scale`, or use \
                           `LinearSubproblemSolver`";
            Err(refused(solver, message.into()))
        }
    }
}

pub(super) fn refused(solver: &str, message: String) -> Error {
    Error::new(ErrorKind::Argument, solver, message)
}
