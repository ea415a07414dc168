//! The accelerated proximal gradient method.

use super::proximal_gradient::{check_problem, first_l, settled};
use super::{Column, CompositeProblem, ConstantStepSize, Method, RobustLineSearchStepSize, StepSize};
use crate::functional::{Functional, Prox};
use crate::inner::{difference, norm, zip};
use crate::{Array, Factor, Result, Tree, Variable, impl_tree};

/// Minimises `f(x) + g(x)` for a differentiable convex `f` and a convex `g` with a prox, with momentum:
///
/// ```text
/// x⁺ = prox_{g/L}(v − ∇f(v) / L)
/// t⁺ = ½ (1 + sqrt(1 + 4 t²))
/// v⁺ = x⁺ + ((t − 1) / t⁺) (x⁺ − x)
/// ```
///
/// from `v = x` and `t = 1`. `L`, the reciprocal of the step length, is constant or chosen anew in each step: by a
/// [`StepSize`], or with [`robust`](AcceleratedPgm::robust) by a search that replaces the momentum. How to choose it is said
/// at [`Pgm`](super::Pgm). The columns of its statistics are the objective `f(x) + g(x)`, `L`, and the residual `‖x⁺ − v‖`,
/// or `‖x⁺ − x‖` with the robust search. (A. Beck and M. Teboulle, *A fast iterative shrinkage-thresholding algorithm for
/// linear inverse problems*, 2009, where it is FISTA.)
///
/// It converges when the residual is at most `tolerance max(1, ‖x‖)` and `L` is finite and not one that a search gave up
/// at. The variable is an array or a block array. A first `L` that is known not to be positive, and parameters of policies
/// that make no sense, are refused before the first step.
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{MatrixOperator, operator_norm};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{AcceleratedPgm, Options, solve};
/// use cotangent::Array;
///
/// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// let f = SquaredL2Loss::new(Array::from([1.0f32, 2.0, 3.0]))?.operator(a.clone())?;
/// let l0 = operator_norm(&a.into(), 100)?.powi(2);
/// let method = AcceleratedPgm::new(f, 0.5 * L1Norm::new(), l0, Array::from([1.0f32, -1.0]));
/// let x = solve(&method, &Options { max_steps: 100, ..Options::default() })?.x.to_vec::<f32>()?;
/// assert!(x[0].abs() < 1e-3 && (x[1] - 0.863_636_4).abs() < 1e-3);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct AcceleratedPgm<X: Variable = Array, A = Momentum> {
    problem: CompositeProblem<X>,
    l0: Factor,
    x0: X,
    acceleration: A,
}

/// The momentum of [`AcceleratedPgm`], with a policy for the step size.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Momentum<P = ConstantStepSize> {
    policy: P,
}

/// The state of [`AcceleratedPgm`].
#[derive(Clone)]
pub struct AcceleratedPgmState<X = Array, A = MomentumState> {
    /// The solution.
    pub x: X,
    /// The reciprocal of the step length of the last step.
    pub l: Array,
    /// What accelerates.
    pub acceleration: A,
}
impl_tree!(AcceleratedPgmState<X, A> { x, l, acceleration });

/// The state of [`Momentum`].
#[derive(Clone)]
pub struct MomentumState<X = Array, P = ()> {
    /// The point that the next step starts from.
    pub v: X,
    /// The weight `t`, 0-d.
    pub t: Array,
    /// What the policy carries.
    pub policy: P,
}
impl_tree!(MomentumState<X, P> { v, t, policy });

/// What makes a proximal gradient method an accelerated one: where steps start from, and how long they are.
///
/// There are two: [`Momentum`] with any [`StepSize`], and [`RobustLineSearchStepSize`]. All functions are traced.
pub trait Acceleration<X: Variable = Array> {
    /// What changes from step to step besides the solution and `L`.
    type State: Tree;

    /// The state before the first step.
    fn init(&self, problem: &CompositeProblem<X>, x0: &X) -> Self::State;

    /// The next solution, the `L` of the step to it, and the next state.
    fn step(&self, problem: &CompositeProblem<X>, x: &X, l: &Array, state: &Self::State) -> (X, Array, Self::State);

    /// What the next solution is compared with: the residual is how far it is from there.
    fn origin<'a>(&self, x: &'a X, state: &'a Self::State) -> &'a X;

    /// Whether the last `L` is known to suit, 0-d bool; `None` if it is not tested.
    fn accepted(&self, state: &Self::State) -> Option<Array>;

    /// Refuses parameters that make no sense, before the first step.
    ///
    /// # Errors
    /// What is wrong with them.
    fn check(&self) -> Result<()>;
}

impl<X: Variable, P: StepSize<X>> Acceleration<X> for Momentum<P> {
    type State = MomentumState<X, P::State>;

    fn init(&self, problem: &CompositeProblem<X>, x0: &X) -> MomentumState<X, P::State> {
        let t = first_l(&Factor::ONE, x0);
        MomentumState { v: x0.clone(), t, policy: self.policy.init(problem, x0) }
    }

    fn step(
        &self,
        problem: &CompositeProblem<X>,
        x: &X,
        l: &Array,
        state: &MomentumState<X, P::State>,
    ) -> (X, Array, MomentumState<X, P::State>) {
        let MomentumState { v, t: old, policy } = state;
        let place = if self.policy.follows_solution() { x } else { v };
        let (l, policy) = self.policy.update(problem, place, l, policy);
        let next = problem.step(v, &problem.gradient(v), &l);
        let t = (1.0 + (1.0 + 4.0 * old.square()).sqrt()) * 0.5;
        let v = zip("AcceleratedPgm", &next, x, |next, x| next + (old - 1.0) * (next - x) / &t);
        (next, l, MomentumState { v, t, policy })
    }

    fn origin<'a>(&self, _x: &'a X, state: &'a MomentumState<X, P::State>) -> &'a X {
        &state.v
    }

    fn accepted(&self, state: &MomentumState<X, P::State>) -> Option<Array> {
        self.policy.accepted(&state.policy)
    }

    fn check(&self) -> Result<()> {
        self.policy.check()
    }
}

impl<X: Variable> AcceleratedPgm<X> {
    /// The method for `f(x) + g(x)` from `x0`, with the constant `L = l0`.
    pub fn new(
        f: impl Functional<X> + 'static,
        g: impl Prox<X> + 'static,
        l0: impl Into<Factor>,
        x0: X,
    ) -> AcceleratedPgm<X> {
        let problem = CompositeProblem::new(f, g);
        AcceleratedPgm { problem, l0: l0.into(), x0, acceleration: Momentum::default() }
    }
}

impl<X: Variable, A> AcceleratedPgm<X, A> {
    /// With momentum and `L` chosen anew in each step.
    pub fn step_size<P: StepSize<X>>(self, policy: P) -> AcceleratedPgm<X, Momentum<P>> {
        self.accelerated(Momentum { policy })
    }

    /// With the robust line search.
    pub fn robust(self, search: RobustLineSearchStepSize) -> AcceleratedPgm<X, RobustLineSearchStepSize> {
        self.accelerated(search)
    }

    /// Starting from another `x0`.
    pub fn start(self, x0: X) -> AcceleratedPgm<X, A> {
        AcceleratedPgm { x0, ..self }
    }

    fn accelerated<B>(self, acceleration: B) -> AcceleratedPgm<X, B> {
        AcceleratedPgm { problem: self.problem, l0: self.l0, x0: self.x0, acceleration }
    }
}

impl<X: Variable, A: Acceleration<X>> Method for AcceleratedPgm<X, A> {
    type Variable = X;
    type State = AcceleratedPgmState<X, A::State>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        check_problem("AcceleratedPgm", &self.problem, &self.l0, &self.x0)?;
        self.acceleration.check()
    }

    fn init(&self) -> AcceleratedPgmState<X, A::State> {
        AcceleratedPgmState {
            l: first_l(&self.l0, &self.x0),
            acceleration: self.acceleration.init(&self.problem, &self.x0),
            x: self.x0.clone(),
        }
    }

    fn step(&self, _prepared: &(), state: &AcceleratedPgmState<X, A::State>) -> AcceleratedPgmState<X, A::State> {
        let AcceleratedPgmState { x, l, acceleration } = state;
        let (x, l, acceleration) = self.acceleration.step(&self.problem, x, l, acceleration);
        AcceleratedPgmState { x, l, acceleration }
    }

    fn minimizer(&self, state: &AcceleratedPgmState<X, A::State>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("L"), Column::real("Residual")]
    }

    fn statistics(
        &self,
        previous: &AcceleratedPgmState<X, A::State>,
        state: &AcceleratedPgmState<X, A::State>,
    ) -> Vec<Array> {
        let origin = self.acceleration.origin(&previous.x, &previous.acceleration);
        let residual = norm(&difference(&state.x, origin));
        vec![self.problem.objective(&state.x), state.l.clone(), residual]
    }

    fn done(
        &self,
        _previous: &AcceleratedPgmState<X, A::State>,
        state: &AcceleratedPgmState<X, A::State>,
        statistics: &[Array],
        tolerance: f64,
    ) -> Array {
        let accepted = self.acceleration.accepted(&state.acceleration);
        settled(&state.x, &state.l, &statistics[2], accepted, tolerance)
    }

    fn gave_up(&self, state: &AcceleratedPgmState<X, A::State>) -> Option<Array> {
        self.acceleration.accepted(&state.acceleration).map(|accepted| accepted.logical_not())
    }

    fn working(&self, state: &AcceleratedPgmState<X, A::State>) -> Vec<Array> {
        let origin = self.acceleration.origin(&state.x, &state.acceleration);
        [state.x.leaves(), origin.leaves()].concat()
    }
}
