//! Step sizes of proximal gradient methods that are found by trials.
//!
//! Which factor a search ends with depends on the data by comparisons alone: its derivative is zero wherever there is one.
//! So the search itself is hidden from differentiation, and what follows is computed with the factor it found: that way
//! reverse mode goes through steps with a search although it does not go through loops of unknown length.

use super::parameter::{above, zero_like};
use super::{Acceleration, CompositeProblem, StepSize};
use crate::inner::zip;
use crate::{Array, Error, ErrorKind, Result, Tree, Variable, cond, impl_tree, while_loop};

/// A line search: `L` grows from what it was by the factor `γ_u` as often as it takes, and never falls, until
/// `z = prox_{g/L}(v − ∇f(v) / L)` is under the quadratic model,
///
/// ```text
/// f(z) ≤ f(v) + Re ⟨∇f(v), z − v⟩ + (L / 2) ‖z − v‖²
/// ```
///
/// (A. Beck and M. Teboulle, *A fast iterative shrinkage-thresholding algorithm for linear inverse problems*, 2009.) Start it
/// from an `L` that is too small.
///
/// When the last trial fails, too, the step is made with `γ_u` times its `L`, untested, and the next step searches on from
/// there. The state says so in `accepted`, the method does not call itself converged, and a solve that ends so has the
/// outcome [`SearchFailed`](super::Outcome::SearchFailed). Near a solution in single precision
/// rounding may make a trial fail and `L` one factor larger than it need be.
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{LineSearchStepSize, Options, Pgm, solve};
/// use cotangent::Array;
/// let y = Array::from([3.0f32, -0.1]);
/// let x0 = Array::from([0.0f32, 1.0]);
/// let method = Pgm::new(SquaredL2Loss::new(y)?, L1Norm::new(), 0.1, x0).step_size(LineSearchStepSize::default());
/// let solution = solve(&method, &Options { max_steps: 1, ..Options::default() })?;
/// // The first of 0.1, 0.12, 0.144 and so on from the curvature, 1, on.
/// let l = solution.history.column("L").unwrap()[0];
/// assert!(l >= 1.0 && l < 1.2);
/// assert!(solution.state.policy.accepted.to_bools()?[0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LineSearchStepSize {
    /// The factor `γ_u > 1` by which `L` grows.
    pub gamma_u: f64,
    /// The most trials in a step.
    pub max_trials: usize,
}

impl Default for LineSearchStepSize {
    /// `γ_u = 1.2` and 50 trials.
    fn default() -> LineSearchStepSize {
        LineSearchStepSize { gamma_u: 1.2, max_trials: 50 }
    }
}

/// The robust line search of [`AcceleratedPgm`](super::AcceleratedPgm), which lets `L` fall, too. From `L` times `γ_d`, which
/// grows by the factor `γ_u` as often as it takes,
///
/// ```text
/// t  = (1 + sqrt(1 + 4 L T)) / (2 L)
/// y  = (T x + t r) / (T + t)
/// x⁺ = prox_{g/L}(y − ∇f(y) / L)
/// ```
///
/// until `f(x⁺) ≤ f(y) + Re ⟨∇f(y), x⁺ − y⟩ + (L / 2) ‖x⁺ − y‖²`; then `T⁺ = T + t` and `r⁺ = r + t L (x⁺ − y)`. It starts
/// from `T = 0` and `r = x`. (M. Florea and S. Vorobyov, *A robust FISTA-like algorithm*, 2017.)
///
/// When all trials fail, the last is taken, with an `L` one factor larger, as SCICO does. That is told as with
/// [`LineSearchStepSize`].
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{AcceleratedPgm, Options, RobustLineSearchStepSize, solve};
/// use cotangent::Array;
/// let y = Array::from([3.0f32, -0.1]);
/// let method = AcceleratedPgm::new(SquaredL2Loss::new(y.clone())?, L1Norm::new(), 10.0, y)
///     .robust(RobustLineSearchStepSize::default());
/// let solution = solve(&method, &Options { max_steps: 40, ..Options::default() })?;
/// assert!((solution.x.to_vec::<f32>()?[0] - 2.0).abs() < 1e-4);
/// // From 10 it falls to about the curvature.
/// assert!(*solution.history.column("L").unwrap().last().unwrap() < 2.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RobustLineSearchStepSize {
    /// The factor `γ_d ≤ 1` by which `L` falls before the first trial of a step.
    pub gamma_d: f64,
    /// The factor `γ_u > 1` by which `L` grows.
    pub gamma_u: f64,
    /// The most trials in a step.
    pub max_trials: usize,
}

impl Default for RobustLineSearchStepSize {
    /// `γ_d = 0.9`, `γ_u = 2` and 50 trials.
    fn default() -> RobustLineSearchStepSize {
        RobustLineSearchStepSize { gamma_d: 0.9, gamma_u: 2.0, max_trials: 50 }
    }
}

/// The state of [`LineSearchStepSize`].
#[derive(Clone)]
pub struct LineSearchState {
    /// Whether the last search ended with a trial that was under the model, 0-d bool.
    pub accepted: Array,
}
impl_tree!(LineSearchState { accepted });

/// The state of [`RobustLineSearchStepSize`].
#[derive(Clone)]
pub struct RobustState<X = Array> {
    /// `T`, the sum of the step lengths, 0-d.
    pub total: Array,
    /// `r`.
    pub r: X,
    /// Whether the last search ended with a trial that was under the model, 0-d bool.
    pub accepted: Array,
}
impl_tree!(RobustState<X> { total, r, accepted });

impl<X: Variable> StepSize<X> for LineSearchStepSize {
    type State = LineSearchState;

    fn init(&self, _problem: &CompositeProblem<X>, _x0: &X) -> LineSearchState {
        LineSearchState { accepted: Array::from(true) }
    }

    fn update(
        &self,
        problem: &CompositeProblem<X>,
        v: &X,
        l: &Array,
        _state: &LineSearchState,
    ) -> (Array, LineSearchState) {
        let v = hidden(v);
        let (gradient, start) = (hidden(&problem.gradient(&v)), l.stop_gradient());
        let untried = Search {
            growth: l.ones_like(),
            tried: l.ones_like(),
            accepted: Array::from(false),
            trials: Array::from(0i32),
        };
        let end = untried.run(self.gamma_u, self.max_trials, |growth| {
            let l = &start * growth;
            let z = problem.step(&v, &gradient, &l);
            problem.smooth(&z).less_equal(problem.model(&z, &v, &gradient, &l))
        });
        (l * end.growth, LineSearchState { accepted: end.accepted })
    }

    fn accepted(&self, state: &LineSearchState) -> Option<Array> {
        Some(state.accepted.clone())
    }

    fn check(&self) -> Result<()> {
        check_search("LineSearchStepSize", self.gamma_u, self.max_trials)
    }
}

/// A trial of the robust line search.
#[derive(Clone)]
struct Trial<X> {
    t: Array,
    y: X,
    z: X,
    accepted: Array,
}
impl_tree!(Trial<X> { t, y, z, accepted });

/// The trial with an `L`.
fn attempt<X: Variable>(problem: &CompositeProblem<X>, x: &X, l: &Array, state: &RobustState<X>) -> Trial<X> {
    let t = (1.0 + (1.0 + 4.0 * l * &state.total).sqrt()) / (2.0 * l);
    let total = &state.total + &t;
    let y = zip("AcceleratedPgm", x, &state.r, |x, r| (&state.total * x + &t * r) / &total);
    let gradient = problem.gradient(&y);
    let z = problem.step(&y, &gradient, l);
    let accepted = problem.smooth(&z).less_equal(problem.model(&z, &y, &gradient, l));
    Trial { t, y, z, accepted }
}

impl<X: Variable> Acceleration<X> for RobustLineSearchStepSize {
    type State = RobustState<X>;

    fn init(&self, _problem: &CompositeProblem<X>, x0: &X) -> RobustState<X> {
        RobustState { total: zero_like(x0), r: x0.clone(), accepted: Array::from(true) }
    }

    fn step(
        &self,
        problem: &CompositeProblem<X>,
        x: &X,
        l: &Array,
        state: &RobustState<X>,
    ) -> (X, Array, RobustState<X>) {
        let start = l * self.gamma_d;
        // Most searches end with the first trial, which therefore stands before the loop, with its derivative.
        let first = attempt(problem, x, &start, state);
        let tried = Search {
            growth: first.accepted.select(start.ones_like(), start.ones_like() * self.gamma_u),
            tried: start.ones_like(),
            accepted: first.accepted.clone(),
            trials: Array::from(1i32),
        };
        let (hidden_x, hidden_start, hidden_state) = (hidden(x), start.stop_gradient(), hidden(state));
        let end = tried.run(self.gamma_u, self.max_trials, |growth| {
            attempt(problem, &hidden_x, &(&hidden_start * growth), &hidden_state).accepted
        });
        let l = &start * &end.growth;
        let trial = cond(
            end.tried.equal(1.0),
            |(first, _)| first,
            |(_, (x, l, state))| attempt(problem, &x, &l, &state),
            (first, (x.clone(), &start * &end.tried, state.clone())),
        );
        let Trial { t, y, z, .. } = trial;
        let stride = &t * &l;
        let ahead = zip("AcceleratedPgm", &z, &y, |z, y| &stride * (z - y));
        let r = zip("AcceleratedPgm", &state.r, &ahead, |r, ahead| r + ahead);
        (z, l, RobustState { total: &state.total + t, r, accepted: end.accepted })
    }

    fn origin<'a>(&self, x: &'a X, _state: &'a RobustState<X>) -> &'a X {
        x
    }

    fn accepted(&self, state: &RobustState<X>) -> Option<Array> {
        Some(state.accepted.clone())
    }

    fn check(&self) -> Result<()> {
        if !(self.gamma_d > 0.0 && self.gamma_d <= 1.0) {
            let message = format!("γ_d must be more than 0 and at most 1, got {}", self.gamma_d);
            return Err(Error::new(ErrorKind::Argument, "RobustLineSearchStepSize", message));
        }
        check_search("RobustLineSearchStepSize", self.gamma_u, self.max_trials)
    }
}

/// How far a search has come.
#[derive(Clone)]
struct Search {
    /// The factor of the next trial.
    growth: Array,
    /// The factor of the last trial.
    tried: Array,
    /// Whether the last trial was accepted.
    accepted: Array,
    /// Number of trials, i32.
    trials: Array,
}
impl_tree!(Search { growth, tried, accepted, trials });

impl Search {
    /// Tries factors that grow by `gamma` until one is accepted. Everything that `accepts` captures must be hidden from
    /// differentiation, or be a part of the problem.
    fn run(self, gamma: f64, max_trials: usize, accepts: impl Fn(&Array) -> Array) -> Search {
        let most = i32::try_from(max_trials).unwrap_or(i32::MAX);
        let end = while_loop(
            |search: Search| search.trials.less(most) & search.accepted.logical_not(),
            |search: Search| {
                let accepted = accepts(&search.growth);
                let growth = accepted.select(&search.growth, &search.growth * gamma);
                Search { growth, tried: search.growth, accepted, trials: search.trials + 1i32 }
            },
            self,
        );
        end.map_leaves(|leaf| leaf.stop_gradient())
    }
}

/// The same values without derivatives.
fn hidden<T: Tree>(tree: &T) -> T {
    tree.map_leaves(|leaf| leaf.stop_gradient())
}

fn check_search(policy: &str, gamma_u: f64, max_trials: usize) -> Result<()> {
    above(policy, "γ_u", gamma_u, 1.0)?;
    if max_trials == 0 {
        let message = "a search makes at least one trial, got `max_trials` = 0";
        return Err(Error::new(ErrorKind::Argument, policy, message));
    }
    Ok(())
}
