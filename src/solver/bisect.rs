//! Roots by bisection.

use crate::trace::{Evaluated, evaluate};
use crate::{Array, DType, Error, ErrorKind, Result, impl_tree, while_loop};

/// When [`bisect`] ends.
#[derive(Clone, Debug)]
pub struct Bisection {
    /// The widest interval that is narrow enough, of all elements, and
    pub x_tolerance: f64,
    /// the largest value at a midpoint that is small enough.
    pub value_tolerance: f64,
    /// The most passes.
    pub max_iterations: i32,
}

impl Default for Bisection {
    /// 1e-7 for both tolerances, 100 passes.
    fn default() -> Bisection {
        Bisection { x_tolerance: 1e-7, value_tolerance: 1e-7, max_iterations: 100 }
    }
}

/// The outcome of [`bisect`].
#[derive(Clone, Debug)]
pub struct Roots {
    /// The roots: of each element, the end of the interval with the smaller value.
    pub x: Array,
    /// The number of the last pass, counted from 0, i32.
    pub iteration: Array,
    /// The widest interval.
    pub x_error: Array,
    /// The largest value at a midpoint.
    pub value_error: Array,
    /// The ends of the intervals.
    pub interval: (Array, Array),
    /// Whether every interval held a change of sign at first. Where one does not, its "root" is an end.
    pub bracketed: Array,
}
impl_tree!(Roots { x, iteration, x_error, value_error, interval, bracketed });

#[derive(Clone)]
struct State {
    a: Array,
    b: Array,
    at_a: Array,
    at_b: Array,
    iteration: Array,
    x_error: Array,
    value_error: Array,
}
impl_tree!(State { a, b, at_a, at_b, iteration, x_error, value_error });

/// The roots of `f` between `a` and `b`, where its signs differ, for each element by itself, by halving the intervals.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Bisection, bisect};
/// let cubes = Array::from([1.0f64, 8.0]);
/// let (low, high) = (Array::from([0.0f64; 2]), Array::from([3.0f64; 2]));
/// let roots = bisect(|x: &Array| x.powi(3) - &cubes, &low, &high, &Bisection::default())?;
/// assert!(roots.x.to_vec::<f64>()?.iter().zip([1.0, 2.0]).all(|(x, want)| (x - want).abs() < 1e-7));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An interval at whose ends `f` has the same sign, where that can be seen: in a traced function,
/// [`bracketed`](Roots::bracketed) tells instead. Ends that are not real, or of different shapes; values of another shape.
#[track_caller]
pub fn bisect(f: impl Fn(&Array) -> Array, a: &Array, b: &Array, limits: &Bisection) -> Result<Roots> {
    let (a, b) = ends("bisect", a, b)?;
    let f = |x: &Array| same_shape("bisect", f(x), x);
    let roots = evaluate("bisect", (a, b), |(a, b)| Evaluated::from(run(&f, a, b, limits))).into_result()?;
    if let Some(error) = roots.x.error() {
        return Err(error.clone());
    }
    if roots.bracketed.to_bools().is_ok_and(|bracketed| bracketed == [false]) {
        let message = "the values at the two ends of an interval have the same sign; choose ends with a change of sign \
                       between them";
        return Err(Error::new(ErrorKind::Argument, "bisect", message));
    }
    Ok(roots)
}

fn run(f: &dyn Fn(&Array) -> Array, a: Array, b: Array, limits: &Bisection) -> Roots {
    let (at_a, at_b) = (f(&a), f(&b));
    let bracketed = at_a.sign().not_equal(at_b.sign()).all();
    let infinite = a.abs().max() * 0.0 + f64::INFINITY;
    let init =
        State { a, b, at_a, at_b, iteration: Array::from(-1i32), x_error: infinite.clone(), value_error: infinite };
    let go_on = |state: State| {
        let done = state.x_error.less_equal(limits.x_tolerance) & state.value_error.less_equal(limits.value_tolerance);
        done.logical_not() & state.iteration.less(limits.max_iterations - 1)
    };
    let halve = |State { a, b, at_a, at_b, iteration, .. }: State| {
        let c = 0.5 * (&a + &b);
        let at_c = f(&c);
        let hit = at_c.equal(0.0);
        let like = |end: &Array| (end.sign() * at_c.sign()).equal(1.0) | &hit;
        let (moves_a, moves_b) = (like(&at_a), like(&at_b));
        let (a, b) = (moves_a.select(&c, a), moves_b.select(&c, b));
        State {
            x_error: (&b - &a).abs().max(),
            value_error: at_c.abs().max(),
            // The values at the ends are known already.
            at_a: moves_a.select(&at_c, at_a),
            at_b: moves_b.select(&at_c, at_b),
            a,
            b,
            iteration: iteration + 1i32,
        }
    };
    let end = while_loop(go_on, halve, init);
    Roots {
        x: end.at_a.abs().less_equal(end.at_b.abs()).select(&end.a, &end.b),
        iteration: end.iteration,
        x_error: end.x_error,
        value_error: end.value_error,
        interval: (end.a, end.b),
        bracketed,
    }
}

/// The ends of intervals in one dtype and shape.
#[track_caller]
pub(super) fn ends(operation: &str, a: &Array, b: &Array) -> Result<(Array, Array)> {
    let (first, second) = (a.ty()?, b.ty()?);
    let refuse = |kind, message: String| Err(Error::new(kind, operation, message).at(std::panic::Location::caller()));
    if first.shape != second.shape {
        return refuse(ErrorKind::Shape, format!("ends {first} and {second} differ in shape; broadcast one of them"));
    }
    let dtype = first.dtype.promote(second.dtype);
    if dtype.is_complex() {
        return refuse(ErrorKind::DType, format!("intervals are of real numbers, got {first} and {second}"));
    }
    let dtype = if dtype.is_float() { dtype } else { DType::F32 };
    let bad = |x: &Array| x.is_finite().to_bools().is_ok_and(|finite| finite.contains(&false));
    if bad(a) || bad(b) {
        return refuse(ErrorKind::Argument, "an end is infinite or NaN; choose finite ones".into());
    }
    Ok((a.astype(dtype), b.astype(dtype)))
}

/// Values in the dtype of the argument, or the error that they are not one for each element.
#[track_caller]
pub(super) fn same_shape(operation: &str, value: Array, x: &Array) -> Array {
    match (value.ty(), x.ty()) {
        (Ok(given), Ok(wanted)) if given.shape == wanted.shape && !given.dtype.is_complex() => {
            value.astype(wanted.dtype)
        }
        (Ok(given), Ok(wanted)) => {
            let message =
                format!("the function must give a real number for each element of {wanted}, but gives {given}");
            cotangent_ir::fail(ErrorKind::Shape, operation, message)
        }
        _ => value,
    }
}
