//! Minimisation of real functions.
//!
//! [`minimize`] makes a real vector of the variable, a complex array contributing its real and imaginary parts, and hands it
//! to a method, a [`Minimizer`]. The loop of the method, its line searches, the function and its gradient are one program.

mod bfgs;
mod descent;
mod lbfgs;
mod line_search;
mod memory;
mod nelder_mead;
mod nonlinear_cg;
mod objective;
mod trial;
mod truncated_newton;

pub use bfgs::Bfgs;
pub use lbfgs::{Bounds, Lbfgs};
pub use nelder_mead::NelderMead;
pub use nonlinear_cg::NonlinearCg;
pub use objective::{Objective, Point};
pub use truncated_newton::TruncatedNewton;

use super::{ConjugateGradient, conjugate_gradient};
use crate::implicit::root_aux;
use crate::trace::{Evaluated, evaluate};
use crate::{Array, DType, Error, ErrorKind, Result, Tree, Variable, impl_tree};
use descent::{Descent, Step, descend};
use objective::Layout;
use std::fmt;

/// A method of minimisation. Its parameters are its fields.
pub trait Minimizer {
    /// Minimises a function of a real vector from a start.
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum;

    /// Whether the minimiser may be on a bound, where the gradient is not zero.
    fn is_bounded(&self) -> bool {
        false
    }
}

/// The outcome of a minimisation.
#[derive(Clone)]
pub struct Minimum<X = Array> {
    /// The minimiser, or the best point seen.
    pub x: X,
    /// The value of the function there.
    pub value: Array,
    /// Iterations made, i32.
    pub iterations: Array,
    /// Evaluations of the function, with its gradient where the method takes one, i32.
    pub evaluations: Array,
    /// Why it ended, i32, for [`MinimizeOutcome::from_code`].
    pub outcome: Array,
}
impl_tree!(Minimum<X> { x, value, iterations, evaluations, outcome });

/// Why a minimisation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MinimizeOutcome {
    /// The method's test of convergence was met.
    Converged,
    /// The most iterations were made.
    IterationLimit,
    /// The function was evaluated as often as allowed.
    EvaluationLimit,
    /// No step along a direction of descent decreased the function as wanted: it is not smooth there, its gradient is wrong,
    /// or rounding errors have the better of it.
    LineSearchFailed,
    /// The function or its gradient is infinite or NaN at the start.
    NonFinite,
    /// The function falls as far as it was followed.
    Unbounded,
}

/// While a method goes on.
pub(super) const GOING_ON: i32 = -1;

impl MinimizeOutcome {
    /// The code of the outcome in a traced program.
    pub fn code(self) -> i32 {
        match self {
            MinimizeOutcome::Converged => 0,
            MinimizeOutcome::IterationLimit => 1,
            MinimizeOutcome::EvaluationLimit => 2,
            MinimizeOutcome::LineSearchFailed => 3,
            MinimizeOutcome::NonFinite => 4,
            MinimizeOutcome::Unbounded => 5,
        }
    }

    /// The outcome of a traced program that ended with this code.
    pub fn from_code(code: i32) -> MinimizeOutcome {
        match code {
            0 => MinimizeOutcome::Converged,
            1 => MinimizeOutcome::IterationLimit,
            2 => MinimizeOutcome::EvaluationLimit,
            3 => MinimizeOutcome::LineSearchFailed,
            5 => MinimizeOutcome::Unbounded,
            _ => MinimizeOutcome::NonFinite,
        }
    }
}

impl fmt::Display for MinimizeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MinimizeOutcome::Converged => "converged",
            MinimizeOutcome::IterationLimit => "reached the iteration limit; raise `max_iterations`",
            MinimizeOutcome::EvaluationLimit => "reached the evaluation limit; raise `max_evaluations`",
            MinimizeOutcome::LineSearchFailed => {
                "the line search found no step that decreases the function; check that it is smooth and scaled, or loosen the \
                 tolerance"
            }
            MinimizeOutcome::NonFinite => "the function or its gradient is not finite at the start; start elsewhere",
            MinimizeOutcome::Unbounded => "the function falls as far as it was followed; it may have no minimum",
        })
    }
}

impl<X> Minimum<X> {
    /// Why it ended.
    ///
    /// # Errors
    /// The error of the problem; a minimum that is traced or batched.
    pub fn outcome(&self) -> Result<MinimizeOutcome> {
        Ok(MinimizeOutcome::from_code(self.outcome.item()? as i32))
    }

    /// The minimum if the method has converged.
    ///
    /// # Errors
    /// Any other outcome, with what to try; as [`Minimum::outcome`].
    pub fn converged(self) -> Result<Minimum<X>> {
        match self.outcome()? {
            MinimizeOutcome::Converged => Ok(self),
            other => {
                let message = format!("after {} iterations: {other}", self.iterations.item()?);
                Err(Error::new(ErrorKind::Argument, "minimize", message))
            }
        }
    }

    /// The same with another point.
    fn at<Y>(self, x: Y) -> Minimum<Y> {
        let Minimum { value, iterations, evaluations, outcome, .. } = self;
        Minimum { x, value, iterations, evaluations, outcome }
    }
}

impl<X: fmt::Debug> fmt::Debug for Minimum<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.value, self.x)
    }
}

/// Minimises a real function of an array or block array, real or complex, from `start`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Lbfgs, minimize};
/// // Rosenbrock's valley.
/// let f = |x: &Array| {
///     let (a, b) = (x.index_axis(0, 0), x.index_axis(0, 1));
///     100.0 * (b - a.square()).square() + (1.0 - a).square()
/// };
/// let found = minimize(f, &Array::from([-1.2f64, 1.0]), &Lbfgs::default()).converged()?;
/// assert!(found.x.to_vec::<f64>()?.iter().all(|x| (x - 1.0).abs() < 1e-4));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// Mistakes, such as a function whose value is not one real number, are errors in the results.
#[track_caller]
pub fn minimize<X: Variable>(f: impl Fn(&X) -> Array, start: &X, method: &(impl Minimizer + ?Sized)) -> Minimum<X> {
    let layout = match Layout::of(start) {
        Ok(layout) => layout,
        Err(error) => return failed(start, &error),
    };
    let body = |start: X| {
        let start = layout.pack(&start);
        let function = |vector: Array| real_value(f(&layout.unpack(&vector)), &vector);
        let minimum = method.run(&Objective::new(&function), &start);
        let x = layout.unpack(&minimum.x);
        Evaluated::from(minimum.at(x))
    };
    evaluate("minimize", start.clone(), body).into_tree()
}

/// As [`minimize`], with the derivatives of the minimiser by what `f` captured: those of the equation `∇f(x, θ) = 0`,
/// `∇²f dx = −∂∇f/∂θ dθ`, whose system is solved by conjugate gradients. Iterations and outcome are constant to derivatives.
///
/// ```
/// use cotangent::solver::{Lbfgs, minimize_implicit};
/// use cotangent::{Array, grad};
/// // The minimiser of (x − a)² + x² is a / 2.
/// let minimiser = |a: Array| {
///     let f = |x: &Array| (x - &a).square() + x.square();
///     minimize_implicit(f, &Array::from(0.0f64), &Lbfgs::default()).x
/// };
/// assert!((grad(minimiser).call(Array::from(3.0f64))?.item()? - 0.5).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// A method with bounds is refused: on a bound the gradient is not zero.
#[track_caller]
pub fn minimize_implicit<X: Variable>(
    f: impl Fn(&X) -> Array,
    start: &X,
    method: &(impl Minimizer + ?Sized),
) -> Minimum<X> {
    let layout = match Layout::of(start) {
        Ok(_) if method.is_bounded() => {
            let message = "differentiates minimisers where the gradient is zero, which it is not on a bound; use `minimize`, or \
                           minimise without bounds";
            return failed(start, &Error::new(ErrorKind::Argument, "minimize_implicit", message));
        }
        Ok(layout) => layout,
        Err(error) => return failed(start, &error),
    };
    let body = |start: X| {
        let start = layout.pack(&start).stop_gradient();
        let function = |vector: Array| real_value(f(&layout.unpack(&vector)), &vector);
        let gradient = |vector: Array| Objective::new(&function).at(&vector).gradient;
        let solve = |_: &dyn Fn(Array) -> Array, start: Array| {
            let Minimum { x, value, iterations, evaluations, outcome } = method.run(&Objective::new(&function), &start);
            (x, (value, iterations, evaluations, outcome))
        };
        let hessian_solve = |product: &dyn Fn(Array) -> Array, right: Array| {
            let limits = ConjugateGradient {
                tolerance: 10.0 * right.dtype().map_or(0.0, rounding),
                absolute_tolerance: 0.0,
                max_iterations: right.ty().map_or(0, |ty| 10 * ty.len().min(1000) as i32),
            };
            conjugate_gradient(|v: &Array| product(v.clone()), &right, &right.zeros_like(), &limits).x
        };
        let (x, (_, iterations, evaluations, outcome)) = root_aux(gradient, start, solve, hessian_solve);
        let value = function(x.clone());
        Evaluated::from(Minimum { x: layout.unpack(&x), value, iterations, evaluations, outcome })
    };
    evaluate("minimize_implicit", start.clone(), body).into_tree()
}

/// A minimum that is an error.
pub(super) fn failed<X: Variable>(like: &X, error: &Error) -> Minimum<X> {
    let wrong = Array::from_error(error.clone());
    Minimum {
        x: like.map_leaves(|_| wrong.clone()),
        value: wrong.clone(),
        iterations: wrong.clone(),
        evaluations: wrong.clone(),
        outcome: wrong,
    }
}

/// The minimum for a start that is an error.
fn failed_flat(start: &Array) -> Minimum {
    let error = start.error().cloned();
    failed(start, &error.unwrap_or_else(|| cotangent_ir::error::internal("a start without a type that is no error")))
}

/// The spacing of numbers at 1.
fn rounding(dtype: DType) -> f64 {
    if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) }
}

/// The value of a function to be minimised, in the precision of its argument.
#[track_caller]
pub(super) fn real_value(value: Array, x: &Array) -> Array {
    match (value.ty(), x.dtype()) {
        (Ok(ty), Ok(dtype)) if ty.rank() == 0 && ty.dtype.is_float() => value.astype(dtype),
        (Ok(ty), Ok(_)) => {
            let message =
                format!("the function must give one real number, a 0-d array, but gives {ty}; sum its elements");
            cotangent_ir::fail(ErrorKind::Argument, "minimize", message)
        }
        _ => value,
    }
}

/// One of two trees, by a flag.
fn select<T: Tree>(flag: &Array, yes: &T, no: &T) -> T {
    let pairs = yes.leaves().into_iter().zip(no.leaves());
    no.with_leaves(pairs.map(|(yes, no)| flag.select(yes, no)).collect())
}
