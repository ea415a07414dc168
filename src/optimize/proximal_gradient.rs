//! The proximal gradient method.

use super::parameter::positive;
use super::{Column, CompositeProblem, ConstantStepSize, Method, StepSize, is_small};
use crate::functional::{Functional, Prox};
use crate::inner::{difference, norm};
use crate::linop::{LinOp, operator_norm};
use crate::{Array, DType, Error, ErrorKind, Factor, Result, Variable, eval_shape, impl_tree, jvp};

/// Minimises `f(x) + g(x)` for a differentiable `f` and a `g` with a prox:
///
/// ```text
/// x⁺ = prox_{g/L}(x − ∇f(x) / L)
/// ```
///
/// `L`, the reciprocal of the step length, is constant or chosen anew in each step by a [`StepSize`]. The columns of its
/// statistics are the objective `f(x) + g(x)`, `L`, and the residual `‖x⁺ − x‖`. (A. Beck and M. Teboulle, *A fast iterative
/// shrinkage-thresholding algorithm for linear inverse problems*, 2009, where it is ISTA; N. Parikh and S. Boyd, *Proximal
/// algorithms*, 2014, section 4.2.)
///
/// It converges when the residual is at most `tolerance max(1, ‖x‖)` and `L` is finite and not one that a search gave up
/// at. The variable is an array or a block array. A first `L` that is known not to be positive, and parameters of policies
/// that make no sense, are refused before the first step.
///
/// # How to choose `L`
///
/// A constant `L` must be at least the Lipschitz constant of `∇f`, and the smaller it is, the faster. For `α ‖W^½(y − A x)‖²`
/// that constant is `2 α ‖W^½ A‖²`: [`operator_norm`] of `A` squared for the default `α = ½`.
/// [`Pgm::estimate_l0`] finds it for any `f`, at a place. Where it is not known, or `f` is much flatter around
/// the solution than elsewhere:
///
/// | policy | first `L` | |
/// |---|---|---|
/// | [`ConstantStepSize`] | `estimate_l0` with a factor of 1.01 | one gradient a step |
/// | [`BbStepSize`](super::BbStepSize), [`AdaptiveBbStepSize`](super::AdaptiveBbStepSize) | anything, better too large | adapts to the curvature on the way, often fastest; no guarantee, and accelerated it may diverge |
/// | [`LineSearchStepSize`](super::LineSearchStepSize) | too small, a hundredth of a guess | grows to what suits and never falls |
/// | [`RobustLineSearchStepSize`](super::RobustLineSearchStepSize), accelerated only | anything | grows and falls |
///
/// A sparse solution of a linear system:
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::MatrixOperator;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{LineSearchStepSize, Options, Outcome, Pgm, Stop, solve};
/// use cotangent::Array;
///
/// let a = MatrixOperator::new(Array::from([[2.0f64, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// let f = SquaredL2Loss::new(Array::from([1.0f64, 2.0, 3.0]))?.operator(a)?;
/// let x0 = Array::from([1.0f64, -1.0]);
/// let l0 = Pgm::estimate_l0(&f, &x0, 1.01)?;
/// let options = Options { max_steps: 1000, stop: Stop::at(1e-10), ..Options::default() };
/// let constant = Pgm::new(f.clone(), 0.5 * L1Norm::new(), l0, x0.clone());
/// let searched = Pgm::new(f, 0.5 * L1Norm::new(), 1.0, x0).step_size(LineSearchStepSize::default());
/// let (constant, searched) = (solve(&constant, &options)?, solve(&searched, &options)?);
/// assert_eq!((constant.outcome, searched.outcome), (Outcome::Converged, Outcome::Converged));
/// assert!((constant.x - searched.x).abs().max().item()? < 1e-8);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// A functional without a prox is refused by the compiler as `g`, but not as `f`:
///
/// ```compile_fail
/// use cotangent::functional::{L1Norm, L2Norm, SquaredL2Norm};
/// use cotangent::optimize::Pgm;
/// use cotangent::{Array, DType};
/// Pgm::new(SquaredL2Norm::new(), L1Norm::new() + L2Norm::new(), 1.0, Array::zeros(&[4], DType::F32));
/// ```
///
/// ```
/// use cotangent::functional::{L1Norm, L2Norm, SquaredL2Norm};
/// use cotangent::optimize::Pgm;
/// use cotangent::{Array, DType};
/// Pgm::new(SquaredL2Norm::new() + L2Norm::new(), L1Norm::new(), 1.0, Array::zeros(&[4], DType::F32));
/// ```
#[derive(Clone)]
pub struct Pgm<X: Variable = Array, P = ConstantStepSize> {
    problem: CompositeProblem<X>,
    l0: Factor,
    x0: X,
    policy: P,
}

/// The state of [`Pgm`].
#[derive(Clone)]
pub struct PgmState<X = Array, P = ()> {
    /// The solution.
    pub x: X,
    /// The reciprocal of the step length of the last step.
    pub l: Array,
    /// What the policy carries.
    pub policy: P,
}
impl_tree!(PgmState<X, P> { x, l, policy });

impl<X: Variable> Pgm<X> {
    /// The method for `f(x) + g(x)` from `x0`, with the constant `L = l0`.
    pub fn new(f: impl Functional<X> + 'static, g: impl Prox<X> + 'static, l0: impl Into<Factor>, x0: X) -> Pgm<X> {
        Pgm { problem: CompositeProblem::new(f, g), l0: l0.into(), x0, policy: ConstantStepSize }
    }

    /// `factor` times the norm of the second derivative of `f` at `x`, found by 100 power iterations: for a quadratic `f` the
    /// Lipschitz constant of its gradient, for others that at `x`. Take a place where `f` is steep among those the iterates
    /// may come to, and a factor above 1.
    ///
    /// ```
    /// use cotangent::linop::MatrixOperator;
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::optimize::Pgm;
    /// use cotangent::Array;
    /// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
    /// let f = SquaredL2Loss::new(Array::from([1.0f32, 2.0, 3.0]))?.operator(a)?;
    /// // ‖A‖²
    /// assert!((Pgm::estimate_l0(&f, &Array::from([0.0f32, 0.0]), 1.0)? - 13.830_95).abs() < 1e-3);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A factor that is not positive; a mistake in `f`; a second derivative that is 0 or not finite.
    pub fn estimate_l0(f: &(impl Functional<X> + Clone + 'static), x: &X, factor: f64) -> Result<f64> {
        positive("Pgm::estimate_l0", "the factor", &factor.into())?;
        let (f, place) = (f.clone(), x.clone());
        let curve = move |v: &X| match jvp(|x: X| gradient(&f, &x), place.clone(), v.clone()) {
            Ok((_, tangent)) => tangent,
            Err(error) => v.map_leaves(|_| Array::from_error(error.clone())),
        };
        // The second derivative is its own adjoint, as a map of real and imaginary parts.
        let hessian: LinOp<X, X> = LinOp::with_adjoint(x.variable_type()?, curve.clone(), curve)?;
        let l0 = factor * operator_norm(&hessian, 100)?;
        positive("Pgm::estimate_l0", "the estimate of L at this place", &l0.into())?;
        Ok(l0)
    }
}

fn gradient<X: Variable>(f: &impl Functional<X>, x: &X) -> X {
    f.grad(x).unwrap_or_else(|error| x.map_leaves(|_| Array::from_error(error.clone())))
}

impl<X: Variable, P> Pgm<X, P> {
    /// With `L` chosen anew in each step.
    pub fn step_size<Q: StepSize<X>>(self, policy: Q) -> Pgm<X, Q> {
        Pgm { problem: self.problem, l0: self.l0, x0: self.x0, policy }
    }

    /// Starting from another `x0`.
    pub fn start(self, x0: X) -> Pgm<X, P> {
        Pgm { x0, ..self }
    }
}

impl<X: Variable, P: StepSize<X>> Method for Pgm<X, P> {
    type Variable = X;
    type State = PgmState<X, P::State>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        check_problem("Pgm", &self.problem, &self.l0, &self.x0)?;
        self.policy.check()
    }

    fn init(&self) -> PgmState<X, P::State> {
        let l = first_l(&self.l0, &self.x0);
        PgmState { l, policy: self.policy.init(&self.problem, &self.x0), x: self.x0.clone() }
    }

    fn step(&self, _prepared: &(), state: &PgmState<X, P::State>) -> PgmState<X, P::State> {
        let PgmState { x, l, policy } = state;
        let (l, policy) = self.policy.update(&self.problem, x, l, policy);
        let x = self.problem.step(x, &self.problem.gradient(x), &l);
        PgmState { x, l, policy }
    }

    fn minimizer(&self, state: &PgmState<X, P::State>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("L"), Column::real("Residual")]
    }

    fn statistics(&self, previous: &PgmState<X, P::State>, state: &PgmState<X, P::State>) -> Vec<Array> {
        let residual = norm(&difference(&state.x, &previous.x));
        vec![self.problem.objective(&state.x), state.l.clone(), residual]
    }

    fn done(
        &self,
        _previous: &PgmState<X, P::State>,
        state: &PgmState<X, P::State>,
        statistics: &[Array],
        tolerance: f64,
    ) -> Array {
        settled(&state.x, &state.l, &statistics[2], self.policy.accepted(&state.policy), tolerance)
    }

    fn gave_up(&self, state: &PgmState<X, P::State>) -> Option<Array> {
        self.policy.accepted(&state.policy).map(|accepted| accepted.logical_not())
    }

    fn working(&self, state: &PgmState<X, P::State>) -> Vec<Array> {
        state.x.leaves()
    }
}

/// The first `L` as a 0-d array of the precision of `x0`.
pub(super) fn first_l<X: Variable>(l0: &Factor, x0: &X) -> Array {
    match x0.leaves().first() {
        Some(leaf) => l0.like(leaf),
        None => l0.to_array(DType::F32),
    }
}

/// Refuses an `L` that is known not to be positive, and a start of which the problem cannot take a step.
pub(super) fn check_problem<X: Variable>(
    method: &str,
    problem: &CompositeProblem<X>,
    l0: &Factor,
    x0: &X,
) -> Result<()> {
    positive(method, "L0", l0)?;
    let ty = x0.variable_type()?;
    // A step is looked at without data: it must be possible, and give what it was given.
    let step = |x: X| problem.step(&x, &problem.gradient(&x), &first_l(l0, &x));
    let stepped = eval_shape(step, &X::placeholder(&ty))?.variable_type()?;
    if stepped == ty {
        return Ok(());
    }
    let message = format!("a step from x0, {ty}, gives {stepped}; start from an x0 of that type");
    Err(Error::new(ErrorKind::DType, method, message))
}

/// Whether the residual is small, and the step was one to judge by.
pub(super) fn settled<X: Variable>(
    x: &X,
    l: &Array,
    residual: &Array,
    accepted: Option<Array>,
    tolerance: f64,
) -> Array {
    let small = is_small(residual, &norm(x), tolerance) & l.is_finite();
    match accepted {
        Some(accepted) => small & accepted,
        None => small,
    }
}
