//! The normal equations of shift-invariant operators, solved in the Fourier domain.

use super::{LeastSquares, SubproblemSolver, Subsolution, right_hand_side};
use crate::linop::{CircularConvolve, LinOp, LinearOperator, Structure};
use crate::loss::SquaredL2Loss;
use crate::optimize::Term;
use crate::{Array, BlockArray, Error, ErrorKind, Factor, Result, Scalar, Tensor, Type};

const NAME: &str = "CircularConvolveSolver";

/// Solves the normal equations directly in the Fourier domain, for an `A` that is the identity or a circular convolution
/// and shift-invariant `C_i` (which is not checked): `x = F⁻¹(F b / ℓ)` with `ℓ` the transform of the operator on the
/// left, found from the response of each `C_iᴴ C_i` to an impulse.
///
/// The value of the loss comes from the transforms that are there: by Parseval's identity `‖y − A x‖² = ‖ŷ − ĥ x̂‖² / N`,
/// which spares two transforms of each step.
#[derive(Clone, Debug, Default)]
pub struct CircularConvolveSolver {
    axes: Option<usize>,
}

/// The inverse of the left-hand side, for [`CircularConvolveSolver`].
pub struct CirculantEquations {
    inverse: CircularConvolve,
    data: Option<Array>,
    value: Option<SpectralLoss>,
}

/// A loss of a convolution, `Σ w |ŷ − ĥ x̂|²`.
struct SpectralLoss {
    /// `ŷ`.
    data: Array,
    /// `ĥ`.
    spectrum: Array,
    /// `α / N`, twice where a coefficient stands for its conjugate, too.
    weights: Array,
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
        let value = loss.and_then(|loss| SpectralLoss::new(loss, axes));
        Ok(CirculantEquations { inverse: left.reciprocal()?, data: f.pulled_data(), value })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term],
        prepared: &CirculantEquations,
        x: &Array,
        targets: &[BlockArray],
    ) -> Subsolution {
        let CirculantEquations { inverse, data, value } = prepared;
        let b = right_hand_side(data.as_ref(), terms, targets, x);
        let Some(value) = value else { return Subsolution::new(inverse.apply(&b), Vec::new()) };
        let x_hat = inverse.spectrum() * inverse.forward(&b);
        let value = value.at(&x_hat);
        Subsolution { value: Some(value), ..Subsolution::new(inverse.inverse(&x_hat), Vec::new()) }
    }

    fn gives_value(&self, f: &F) -> bool {
        let loss = f.loss();
        loss.is_some_and(|loss| SpectralLoss::convolution(loss, self.axes(Some(loss), &[])).is_some())
    }
}

impl SpectralLoss {
    /// The convolution of a loss, if the equations are solved in the domain that it works in: over the same axes, of arrays of
    /// one type.
    fn convolution(loss: &SquaredL2Loss, axes: Option<usize>) -> Option<CircularConvolve> {
        let Structure::CircularConvolve(convolution) = loss.forward_operator().structure() else { return None };
        let (input, output) = (convolution.input_type(), convolution.output_type());
        let alike = input == output && loss.data().ty().is_ok_and(|ty| ty == output);
        (alike && axes == Some(convolution.convolved_axes())).then_some(convolution)
    }

    fn new(loss: &SquaredL2Loss, axes: Option<usize>) -> Option<SpectralLoss> {
        let convolution = SpectralLoss::convolution(loss, axes)?;
        let ty = convolution.output_type();
        let extents = &ty.shape[ty.rank() - convolution.convolved_axes()..];
        let (count, last) = (extents.iter().product::<usize>(), *extents.last()?);
        let is_half = !ty.dtype.is_complex();
        let kept = if is_half { last / 2 + 1 } else { last };
        let weights = Tensor::from_fn(Type::new(ty.dtype.real(), &[kept]), |frequency| {
            let has_conjugate = is_half && frequency > 0 && 2 * frequency != last;
            Scalar::real(ty.dtype.real(), if has_conjugate { 1.0 } else { 0.5 } / count as f64)
        });
        Some(SpectralLoss {
            data: convolution.forward(loss.data()),
            spectrum: convolution.spectrum().clone(),
            weights: loss.twice_scale().times(&Array::from_tensor(weights)),
        })
    }

    /// The loss of the array with this transform.
    fn at(&self, x_hat: &Array) -> Array {
        (&self.weights * (&self.data - &self.spectrum * x_hat).abs2()).sum()
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
