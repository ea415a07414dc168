//! Step sizes of proximal gradient methods: the policies that look back at the last step.
//!
//! A policy is asked before each step for `L`, the reciprocal of the step length. Its state is carried by the loop with the
//! iterates, so that a solve that is continued from a state goes on as if it had not been interrupted.

use super::parameter::{above, zero_like};
use crate::functional::{Functional, Prox};
use crate::inner::{difference, inner, norm_square, zip};
use crate::{Array, DType, Factor, Result, Tree, Variable, impl_tree};
use std::sync::Arc;

/// The problem `f(x) + g(x)` of a proximal gradient method, as policies see it: `f` has a gradient, `g` a prox.
#[derive(Clone)]
pub struct CompositeProblem<X: Variable = Array> {
    f: Arc<dyn Functional<X>>,
    g: Arc<dyn Prox<X>>,
}

impl<X: Variable> CompositeProblem<X> {
    pub(super) fn new(f: impl Functional<X> + 'static, g: impl Prox<X> + 'static) -> CompositeProblem<X> {
        CompositeProblem { f: Arc::new(f), g: Arc::new(g) }
    }

    /// `f(x)`.
    pub fn smooth(&self, x: &X) -> Array {
        self.f.value(x)
    }

    /// `f(x) + g(x)`.
    pub fn objective(&self, x: &X) -> Array {
        self.f.value(x) + self.g.value(x)
    }

    /// `∇f(v)`.
    pub fn gradient(&self, v: &X) -> X {
        self.f.grad(v).unwrap_or_else(|error| v.map_leaves(|_| Array::from_error(error.clone())))
    }

    /// The proximal gradient step `prox_{g/L}(v − ∇f(v) / L)`, with the gradient at `v`.
    pub fn step(&self, v: &X, gradient: &X, l: &Array) -> X {
        let length = Factor::Array(1.0 / l);
        self.g.prox(&zip("Pgm", v, gradient, |v, gradient| v - length.times(gradient)), length.clone())
    }

    /// The quadratic model `f(y) + Re ⟨∇f(y), x − y⟩ + (L / 2) ‖x − y‖²`, with the gradient at `y`.
    pub fn model(&self, x: &X, y: &X, gradient: &X, l: &Array) -> Array {
        let change = difference(x, y);
        self.f.value(y) + inner(gradient, &change).real() + l / 2.0 * norm_square(&change)
    }
}

/// How [`Pgm`](super::Pgm) and [`AcceleratedPgm`](super::AcceleratedPgm) choose the reciprocal `L` of their step length.
///
/// All functions are traced. A policy of one's own:
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{CompositeProblem, Options, Pgm, StepSize, solve};
/// use cotangent::Array;
///
/// /// `L` grows by a factor in each step.
/// struct Shrinking(f64);
///
/// impl StepSize for Shrinking {
///     type State = ();
///     fn init(&self, _problem: &CompositeProblem, _x0: &Array) {}
///     fn update(&self, _problem: &CompositeProblem, _v: &Array, l: &Array, _state: &()) -> (Array, ()) {
///         (l * self.0, ())
///     }
/// }
///
/// let y = Array::from([3.0f32, -0.1]);
/// let method = Pgm::new(SquaredL2Loss::new(y.clone())?, L1Norm::new(), 1.0, y).step_size(Shrinking(2.0));
/// let solution = solve(&method, &Options { max_steps: 3, ..Options::default() })?;
/// assert_eq!(solution.history.column("L").unwrap(), [2.0, 4.0, 8.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub trait StepSize<X: Variable = Array> {
    /// What changes from step to step besides `L`.
    type State: Tree;

    /// The state before the first step.
    fn init(&self, problem: &CompositeProblem<X>, x0: &X) -> Self::State;

    /// `L` for the step from `v`, where it was `l` before, and the next state.
    fn update(&self, problem: &CompositeProblem<X>, v: &X, l: &Array, state: &Self::State) -> (Array, Self::State);

    /// Whether an accelerated method asks at its solution, and not at the point that it extrapolates to.
    fn follows_solution(&self) -> bool {
        false
    }

    /// Whether the last `L` is known to suit, 0-d bool; `None` for policies that do not test it.
    fn accepted(&self, state: &Self::State) -> Option<Array> {
        let _ = state;
        None
    }

    /// Refuses parameters that make no sense, before the first step.
    ///
    /// # Errors
    /// What is wrong with them.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// The constant `L` the method was made with. It must be at least the Lipschitz constant of `∇f`; see
/// [`Pgm::estimate_l0`](super::Pgm::estimate_l0).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConstantStepSize;

impl<X: Variable> StepSize<X> for ConstantStepSize {
    type State = ();

    fn init(&self, _problem: &CompositeProblem<X>, _x0: &X) {}

    fn update(&self, _problem: &CompositeProblem<X>, _v: &X, l: &Array, _state: &()) -> (Array, ()) {
        (l.clone(), ())
    }
}

/// The step size of Barzilai and Borwein: with `Δx` and `Δg` the changes of the solution and of `∇f` in the last step,
///
/// ```text
/// L = ‖Δg‖² / Re ⟨Δx, Δg⟩
/// ```
///
/// or the `L` before where this is not positive or not a number, and in the first step. It needs neither a Lipschitz
/// constant nor trials, but the objective need not fall in every step. (J. Barzilai and J. Borwein, *Two-point step size
/// gradient methods*, 1988.)
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{BbStepSize, Options, Pgm, solve};
/// use cotangent::Array;
/// let y = Array::from([3.0f64, -0.1]);
/// let method = Pgm::new(SquaredL2Loss::new(y.clone())?, L1Norm::new(), 10.0, y).step_size(BbStepSize);
/// let solution = solve(&method, &Options { max_steps: 3, ..Options::default() })?;
/// // The curvature of ½ ‖x − y‖² is 1 everywhere.
/// let l = solution.history.column("L").unwrap();
/// assert!(l[0] == 10.0 && (l[1] - 1.0).abs() < 1e-12 && (l[2] - 1.0).abs() < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BbStepSize;

/// The adaptive step size of Barzilai and Borwein: of the two
///
/// ```text
/// L₁ = Re ⟨Δx, Δg⟩ / ‖Δx‖²        L₂ = ‖Δg‖² / Re ⟨Δx, Δg⟩
/// ```
///
/// `L₂`, the shorter step, where `L₁ / L₂ < κ`, otherwise `L₁`. Where one is not positive or not a number, what it was before
/// stands for it; until both have been found `L` stays. (B. Zhou, L. Gao and Y.-H. Dai, *Gradient methods with adaptive
/// step-sizes*, 2006.)
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{AcceleratedPgm, AdaptiveBbStepSize, Options, solve};
/// use cotangent::Array;
/// let y = Array::from([3.0f32, -0.1]);
/// let method = AcceleratedPgm::new(SquaredL2Loss::new(y.clone())?, L1Norm::new(), 10.0, y)
///     .step_size(AdaptiveBbStepSize { kappa: 0.6 });
/// let x = solve(&method, &Options { max_steps: 20, ..Options::default() })?.x;
/// assert!((x.to_vec::<f32>()?[0] - 2.0).abs() < 1e-4);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdaptiveBbStepSize {
    /// The threshold `κ`, commonly between 0 and 1.
    pub kappa: f64,
}

impl Default for AdaptiveBbStepSize {
    /// `κ = ½`.
    fn default() -> AdaptiveBbStepSize {
        AdaptiveBbStepSize { kappa: 0.5 }
    }
}

/// The state of [`BbStepSize`].
#[derive(Clone)]
pub struct BbState<X = Array> {
    /// The solution before.
    pub x: X,
    /// The gradient there.
    pub gradient: X,
    /// Whether there was one, 0-d bool.
    pub seen: Array,
}
impl_tree!(BbState<X> { x, gradient, seen });

/// The state of [`AdaptiveBbStepSize`].
#[derive(Clone)]
pub struct AdaptiveBbState<X = Array> {
    /// The solution before, and the gradient there.
    pub last: BbState<X>,
    /// The last good `L₁`; 0 before there is one.
    pub first: Array,
    /// The last good `L₂`; 0 before there is one.
    pub second: Array,
}
impl_tree!(AdaptiveBbState<X> { last, first, second });

impl<X: Variable> BbState<X> {
    fn new(x0: &X) -> BbState<X> {
        BbState { x: x0.clone(), gradient: x0.map_leaves(|leaf| leaf.zeros_like()), seen: Array::from(false) }
    }

    /// The state at `v`, and `‖Δx‖²`, `Re ⟨Δx, Δg⟩` and `‖Δg‖²`. They are added up in double precision: near a solution the
    /// differences vanish, and little is left of them to lose.
    fn moved(&self, problem: &CompositeProblem<X>, v: &X) -> (BbState<X>, [Array; 3]) {
        let gradient = problem.gradient(v);
        let double = |x: &X| {
            x.map_leaves(|leaf| match leaf.dtype() {
                Ok(dtype) if dtype.is_complex() => leaf.astype(DType::C128),
                _ => leaf.astype(DType::F64),
            })
        };
        let dx = difference(&double(v), &double(&self.x));
        let dg = difference(&double(&gradient), &double(&self.gradient));
        let products = [norm_square(&dx), inner(&dx, &dg).real(), norm_square(&dg)];
        let products = match zero_like(v).dtype() {
            Ok(dtype) => products.map(|product| product.astype(dtype)),
            Err(_) => products,
        };
        (BbState { x: v.clone(), gradient, seen: Array::from(true) }, products)
    }
}

impl<X: Variable> StepSize<X> for BbStepSize {
    type State = BbState<X>;

    fn init(&self, _problem: &CompositeProblem<X>, x0: &X) -> BbState<X> {
        BbState::new(x0)
    }

    fn update(&self, problem: &CompositeProblem<X>, v: &X, l: &Array, state: &BbState<X>) -> (Array, BbState<X>) {
        let (next, [_, mixed, square]) = state.moved(problem, v);
        (state.seen.select(positive_quotient(&square, &mixed, l), l), next)
    }

    fn follows_solution(&self) -> bool {
        true
    }
}

impl<X: Variable> StepSize<X> for AdaptiveBbStepSize {
    type State = AdaptiveBbState<X>;

    fn init(&self, _problem: &CompositeProblem<X>, x0: &X) -> AdaptiveBbState<X> {
        let none = zero_like(x0);
        AdaptiveBbState { last: BbState::new(x0), first: none.clone(), second: none }
    }

    fn update(
        &self,
        problem: &CompositeProblem<X>,
        v: &X,
        l: &Array,
        state: &AdaptiveBbState<X>,
    ) -> (Array, AdaptiveBbState<X>) {
        let seen = &state.last.seen;
        let (last, [dx, mixed, dg]) = state.last.moved(problem, v);
        let first = seen.select(positive_quotient(&mixed, &dx, &state.first), &state.first);
        let second = seen.select(positive_quotient(&dg, &mixed, &state.second), &state.second);
        let found = first.greater(0.0) & second.greater(0.0);
        // The quotient L₁ / L₂, of numbers that are not negative, without a division.
        let shorter = first.less(&second * self.kappa);
        let l = found.select(shorter.select(&second, &first), l);
        (l, AdaptiveBbState { last, first, second })
    }

    fn follows_solution(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        above("AdaptiveBbStepSize", "κ", self.kappa, 0.0)
    }
}

/// `numerator / denominator` where that is positive, infinity included, otherwise `otherwise`. Nothing is divided by 0, so
/// that no derivative becomes NaN there.
fn positive_quotient(numerator: &Array, denominator: &Array, otherwise: &Array) -> Array {
    let zero = denominator.equal(0.0);
    let quotient = numerator * (1.0 / zero.select(1.0, denominator));
    let quotient = (zero & numerator.greater(0.0)).select(f64::INFINITY, quotient);
    quotient.greater(0.0).select(quotient, otherwise)
}
