//! Solvers of the first line of [`Admm`](super::Admm): `argmin_x f(x) + Σ ρ_i/2 ‖t_i − C_i x‖²`.
//!
//! For `f(x) = α Σ w |y − A x|²` the minimiser solves the normal equations
//! `(2 α Aᴴ W A + Σ ρ_i C_iᴴ C_i) x = 2 α Aᴴ W y + Σ ρ_i C_iᴴ t_i`.

use super::{Column, Term};
use crate::functional::{Functional, ZeroFunctional};
use crate::linop::{CircularConvolve, LinOp, Structure};
use crate::loss::SquaredL2Loss;
use crate::solver::{ConjugateGradient, conjugate_gradient};
use crate::{Array, Error, ErrorKind, Result};

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
pub trait SubproblemSolver<F> {
    /// What is computed once, before the first step.
    type Prepared;

    /// Computes what the steps share.
    ///
    /// # Errors
    /// A problem that does not fit the solver.
    fn prepare(&self, f: &F, terms: &[Term]) -> Result<Self::Prepared>;

    /// The minimiser, from a guess `x` and a target `t_i` for each term, with statistics for each of the columns.
    fn solve(
        &self,
        f: &F,
        terms: &[Term],
        prepared: &Self::Prepared,
        x: &Array,
        targets: &[Array],
    ) -> (Array, Vec<Array>);

    /// The names of its statistics.
    fn columns(&self) -> Vec<Column> {
        Vec::new()
    }
}

/// A quadratic functional as the normal equations need it.
pub trait Quadratic: Functional {
    /// The Hessian `2 α Aᴴ W A`; `None` if it is zero.
    ///
    /// # Errors
    /// The error of an array it is made from.
    fn hessian(&self) -> Result<Option<LinOp>>;

    /// `2 α Aᴴ W y`; `None` if it is zero.
    fn weighted_data(&self) -> Option<Array>;

    /// The loss, if the functional is one.
    fn loss(&self) -> Option<&SquaredL2Loss>;
}

impl Quadratic for SquaredL2Loss {
    fn hessian(&self) -> Result<Option<LinOp>> {
        SquaredL2Loss::hessian(self).map(Some)
    }

    fn weighted_data(&self) -> Option<Array> {
        Some(SquaredL2Loss::weighted_data(self))
    }

    fn loss(&self) -> Option<&SquaredL2Loss> {
        Some(self)
    }
}

impl Quadratic for ZeroFunctional {
    fn hessian(&self) -> Result<Option<LinOp>> {
        Ok(None)
    }

    fn weighted_data(&self) -> Option<Array> {
        None
    }

    fn loss(&self) -> Option<&SquaredL2Loss> {
        None
    }
}

/// Solves the normal equations by conjugate gradients from the previous `x`. Statistics: the number of iterations
/// (`CG It`) and the relative residual (`CG Res`).
#[derive(Clone, Debug, Default)]
pub struct LinearSubproblemSolver {
    /// When the iteration ends.
    pub limits: ConjugateGradient,
}

/// The normal equations, for [`LinearSubproblemSolver`].
pub struct NormalEquations {
    hessian: Option<LinOp>,
    data: Option<Array>,
}

impl<F: Quadratic> SubproblemSolver<F> for LinearSubproblemSolver {
    type Prepared = NormalEquations;

    fn prepare(&self, f: &F, _terms: &[Term]) -> Result<NormalEquations> {
        Ok(NormalEquations { hessian: f.hessian()?, data: f.weighted_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term],
        prepared: &NormalEquations,
        x: &Array,
        targets: &[Array],
    ) -> (Array, Vec<Array>) {
        let apply = |x: &Array| {
            let parts = terms.iter().map(|term| term.rho.times(&term.c.gram(x)));
            let parts = parts.chain(prepared.hessian.iter().map(|hessian| hessian.apply(x)));
            sum(parts).unwrap_or_else(|| x.zeros_like())
        };
        let b = right_hand_side(terms, prepared.data.as_ref(), targets).unwrap_or_else(|| x.zeros_like());
        let end = conjugate_gradient(apply, &b, x, &self.limits);
        (end.x, vec![end.iterations, end.relative_residual])
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::count("CG It"), Column::real("CG Res")]
    }
}

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
        let convolved = |operator: &LinOp| match operator.structure() {
            Structure::CircularConvolve(convolution) => Some(convolution.convolved_axes()),
            _ => None,
        };
        self.axes.or_else(|| match loss {
            Some(loss) => convolved(loss.forward_operator()),
            None => terms.iter().find_map(|term| convolved(&term.c)),
        })
    }
}

impl<F: Quadratic> SubproblemSolver<F> for CircularConvolveSolver {
    type Prepared = CirculantEquations;

    fn prepare(&self, f: &F, terms: &[Term]) -> Result<CirculantEquations> {
        let loss = f.loss();
        if let Some(loss) = loss {
            check_loss(loss)?;
        }
        let axes = self.axes(loss, terms);
        let mut left: Option<CircularConvolve> = None;
        let grams = terms.iter().map(|term| (&term.c, term.rho.clone()));
        let grams = grams.chain(loss.map(|loss| (loss.forward_operator(), loss.twice_scale())));
        for (operator, factor) in grams {
            let gram = CircularConvolve::from_operator(&operator.gram_op(), axes)?;
            let part = gram.scaled(&factor).ok_or_else(|| refused("penalties and scales must be real".into()))?;
            left =
                match left {
                    None => Some(part),
                    Some(left) => Some(left.plus(&part).ok_or_else(|| {
                        refused(format!("{operator:?} does not take the type of the other operators"))
                    })?),
                };
        }
        let left = left.ok_or_else(|| refused("there is no operator".into()))?;
        Ok(CirculantEquations { inverse: left.reciprocal()?, data: f.weighted_data() })
    }

    fn solve(
        &self,
        _f: &F,
        terms: &[Term],
        prepared: &CirculantEquations,
        x: &Array,
        targets: &[Array],
    ) -> (Array, Vec<Array>) {
        let b = right_hand_side(terms, prepared.data.as_ref(), targets).unwrap_or_else(|| x.zeros_like());
        (LinOp::from(prepared.inverse.clone()).apply(&b), Vec::new())
    }
}

fn check_loss(loss: &SquaredL2Loss) -> Result<()> {
    let operator = loss.forward_operator();
    match operator.structure() {
        Structure::CircularConvolve(_) => {}
        _ if operator.is_identity() => {}
        _ => {
            return Err(refused(format!(
                "the operator of the loss must be the identity or a circular convolution, got {operator:?}; use \
                 `LinearSubproblemSolver`"
            )));
        }
    }
    match loss.data_weights() {
        None => Ok(()),
        Some(_) => Err(refused(
            "a weighted loss is not shift-invariant; put a constant weight into `scale`, or use `LinearSubproblemSolver`"
                .into(),
        )),
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Argument, "CircularConvolveSolver", message)
}

/// `2 α Aᴴ W y + Σ ρ_i C_iᴴ t_i`.
fn right_hand_side(terms: &[Term], data: Option<&Array>, targets: &[Array]) -> Option<Array> {
    let parts = terms.iter().zip(targets).map(|(term, target)| term.rho.times(&term.c.adjoint(target)));
    sum(data.cloned().into_iter().chain(parts))
}

fn sum(parts: impl Iterator<Item = Array>) -> Option<Array> {
    parts.reduce(|a, b| a + b)
}
