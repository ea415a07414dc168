//! Minima of functions of one number.

use super::minimize::{GOING_ON, MinimizeOutcome, Minimum, real_value};
use crate::trace::{Evaluated, evaluate};
use crate::{Array, DType, Error, ErrorKind, Result, impl_tree, while_loop};

/// Brent's method: steps to the minimum of the parabola through the last three points, or by golden section where that does not
/// shorten the interval fast enough (Algorithms for Minimization without Derivatives, 1973, chapter 5).
#[derive(Clone, Debug)]
pub struct Brent {
    /// Converged once the minimiser is known this well, relative to itself, or
    pub relative_tolerance: f64,
    /// absolutely, the two added.
    pub absolute_tolerance: f64,
    /// The most iterations.
    pub max_iterations: i32,
}

impl Default for Brent {
    /// 1.48e-8 relative, which is the root of the precision of `f64`, 1e-11 absolute, 500 iterations.
    fn default() -> Brent {
        Brent { relative_tolerance: 1.48e-8, absolute_tolerance: 1e-11, max_iterations: 500 }
    }
}

/// A point with the value there.
#[derive(Clone)]
struct Sample {
    x: Array,
    value: Array,
}
impl_tree!(Sample { x, value });

#[derive(Clone)]
struct State {
    low: Array,
    high: Array,
    /// The best point, the second best, and the one that was that before.
    best: Sample,
    second: Sample,
    third: Sample,
    /// The last step and the one before.
    step: Array,
    previous: Array,
    iterations: Array,
    evaluations: Array,
    outcome: Array,
}
impl_tree!(State { low, high, best, second, third, step, previous, iterations, evaluations, outcome });

/// The part of an interval that is left after a golden section.
const SECTION: f64 = 0.381_966_011_250_105;

/// The most steps downhill in search of an interval.
const MOST_STEPS: i32 = 1000;

/// A minimum of a real function of a number, searched from two points: first downhill, by steps that grow in the golden ratio,
/// until the function rises, then between.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Brent, minimize_scalar};
/// let f = |x: &Array| (x - 1.5).square() - 0.8;
/// let found = minimize_scalar(f, &Array::from(0.0f64), &Array::from(1.0f64), &Brent::default()).converged()?;
/// assert!((found.x.item()? - 1.5).abs() < 1e-7 && (found.value.item()? + 0.8).abs() < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// Points that are not 0-d are errors in the results.
#[track_caller]
pub fn minimize_scalar(f: impl Fn(&Array) -> Array, first: &Array, second: &Array, method: &Brent) -> Minimum {
    let (first, second) = match numbers("minimize_scalar", first, second) {
        Ok(numbers) => numbers,
        Err(error) => return super::minimize::failed(first, &error),
    };
    let f = |x: &Array| real_value(f(x), x);
    let body = |(first, second): (Array, Array)| Evaluated::from(downhill(&f, first, second, method));
    evaluate("minimize_scalar", (first, second), body).into_tree()
}

/// A minimum of a real function of a number between two bounds, where it has one minimum; otherwise one of them.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Brent, minimize_scalar_within};
/// let bound = |x: f64| Array::from(x);
/// let found = minimize_scalar_within(|x: &Array| x.square(), &bound(1.0), &bound(4.0), &Brent::default());
/// assert!((found.x.item()? - 1.0).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// Bounds that are not 0-d, or in the wrong order where that can be seen, are errors in the results.
#[track_caller]
pub fn minimize_scalar_within(f: impl Fn(&Array) -> Array, low: &Array, high: &Array, method: &Brent) -> Minimum {
    let ordered = numbers("minimize_scalar_within", low, high).and_then(|(low, high)| {
        if low.less_equal(&high).to_bools().is_ok_and(|fits| fits == [false]) {
            let message = "the least value is above the greatest; exchange them";
            return Err(Error::new(ErrorKind::Argument, "minimize_scalar_within", message));
        }
        Ok((low, high))
    });
    let (low, high) = match ordered {
        Ok(numbers) => numbers,
        Err(error) => return super::minimize::failed(low, &error),
    };
    let f = |x: &Array| real_value(f(x), x);
    let body = |(low, high): (Array, Array)| {
        let x = &low + SECTION * (&high - &low);
        let start = Sample { value: f(&x), x };
        Evaluated::from(between(&f, (low, high), start, (Array::from(1i32), Array::from(GOING_ON)), method))
    };
    evaluate("minimize_scalar_within", (low, high), body).into_tree()
}

/// Two numbers of one dtype.
#[track_caller]
fn numbers(operation: &str, first: &Array, second: &Array) -> Result<(Array, Array)> {
    let (one, other) = (first.ty()?, second.ty()?);
    let refuse = |kind, message: String| Err(Error::new(kind, operation, message).at(std::panic::Location::caller()));
    if one.rank() != 0 || other.rank() != 0 {
        let message =
            format!("takes numbers, 0-d arrays, got {one} and {other}; use `golden` for minima element by element");
        return refuse(ErrorKind::Shape, message);
    }
    let dtype = one.dtype.promote(other.dtype);
    if dtype.is_complex() {
        return refuse(ErrorKind::DType, format!("intervals are of real numbers, got {one} and {other}"));
    }
    let dtype = if dtype.is_float() { dtype } else { DType::F32 };
    Ok((first.astype(dtype), second.astype(dtype)))
}

/// Three points in a row, of which the middle one has the least value.
#[derive(Clone)]
struct Bracket {
    behind: Array,
    middle: Sample,
    ahead: Sample,
    evaluations: Array,
}
impl_tree!(Bracket { behind, middle, ahead, evaluations });

fn downhill(f: &dyn Fn(&Array) -> Array, first: Array, second: Array, method: &Brent) -> Minimum {
    let (at_first, at_second) = (f(&first), f(&second));
    let uphill = at_first.less(&at_second);
    let behind = uphill.select(&second, &first);
    let middle = Sample { x: uphill.select(&first, &second), value: uphill.select(&at_first, &at_second) };
    let farther = |from: &Array, to: &Array| to + (1.0 + SECTION / (1.0 - SECTION)) * (to - from);
    let x = farther(&behind, &middle.x);
    let init = Bracket { behind, middle, ahead: Sample { value: f(&x), x }, evaluations: Array::from(3i32) };
    let falls = |bracket: Bracket| {
        let going_on = bracket.ahead.value.less(&bracket.middle.value) & bracket.ahead.x.is_finite();
        going_on & bracket.evaluations.less(MOST_STEPS)
    };
    let go = |Bracket { middle, ahead, evaluations, .. }: Bracket| {
        let x = farther(&middle.x, &ahead.x);
        let next = Sample { value: f(&x), x };
        Bracket { behind: middle.x, middle: ahead, ahead: next, evaluations: evaluations + 1i32 }
    };
    let Bracket { behind, middle, ahead, evaluations } = while_loop(falls, go, init);
    let outcome = ahead.value.less(&middle.value).select(MinimizeOutcome::Unbounded.code(), GOING_ON);
    between(f, (behind.minimum(&ahead.x), behind.maximum(&ahead.x)), middle, (evaluations, outcome), method)
}

/// Goes on between two ends, from evaluations made and an outcome that may be there already.
fn between(
    f: &dyn Fn(&Array) -> Array,
    (low, high): (Array, Array),
    start: Sample,
    (evaluations, outcome): (Array, Array),
    method: &Brent,
) -> Minimum {
    let zero = start.x.zeros_like();
    let finite = start.value.is_finite() & low.is_finite() & high.is_finite();
    let init = State {
        low,
        high,
        second: start.clone(),
        third: start.clone(),
        best: start,
        step: zero.clone(),
        previous: zero,
        iterations: Array::from(0i32),
        evaluations,
        outcome: finite.select(outcome, MinimizeOutcome::NonFinite.code()),
    };
    let go_on = |state: State| state.outcome.equal(GOING_ON);
    let end = while_loop(go_on, |state| next(f, state, method), init);
    Minimum {
        x: end.best.x,
        value: end.best.value,
        iterations: end.iterations,
        evaluations: end.evaluations,
        outcome: end.outcome,
    }
}

/// One iteration.
fn next(f: &dyn Fn(&Array) -> Array, state: State, method: &Brent) -> State {
    let State { low, high, best, second, third, step, previous, iterations, evaluations, .. } = state;
    let x = &best.x;
    let least = method.relative_tolerance * x.abs() + method.absolute_tolerance;
    let middle = 0.5 * (&low + &high);

    // The step to the minimum of the parabola is `p / q`.
    let r = (x - &second.x) * (&best.value - &third.value);
    let s = (x - &third.x) * (&best.value - &second.value);
    let p = (x - &third.x) * &s - (x - &second.x) * &r;
    let q = 2.0 * (s - r);
    let p = q.greater(0.0).select(-&p, p);
    let q = q.abs();
    let inside = p.greater(&q * (&low - x)) & p.less(&q * (&high - x));
    let shrinks = p.abs().less((0.5 * &q * &previous).abs());
    let fits = previous.abs().greater(&least) & inside & shrinks;
    let parabola = &p / fits.select(&q, 1.0);
    let target = x + &parabola;
    let near_end = (&target - &low).less(2.0 * &least) | (&high - &target).less(2.0 * &least);
    let inward = (&middle - x).greater_equal(0.0).select(&least, -&least);
    let parabola = near_end.select(inward, parabola);
    let longer = x.greater_equal(&middle).select(&low - x, &high - x);
    let new_step = fits.select(parabola, SECTION * &longer);
    let new_previous = fits.select(step, longer);
    let moved =
        new_step.abs().greater_equal(&least).select(&new_step, new_step.greater_equal(0.0).select(&least, -&least));
    let tried = x + &moved;
    let tried = Sample { value: f(&tried), x: tried };

    let worse = tried.value.greater(&best.value);
    let right = tried.x.greater_equal(x);
    // Of the tried and the best point, the worse one becomes an end.
    let end = worse.select(&tried.x, x);
    let raises = worse.select(right.logical_not(), &right);
    let (low, high) = (raises.select(&end, low), raises.select(high, &end));
    let is_second = tried.value.less_equal(&second.value) | second.x.equal(x);
    let is_third = tried.value.less_equal(&third.value) | third.x.equal(x) | third.x.equal(&second.x);
    let pick = |flag: &Array, yes: &Sample, no: &Sample| Sample {
        x: flag.select(&yes.x, &no.x),
        value: flag.select(&yes.value, &no.value),
    };
    let better = worse.logical_not();
    let new_third = pick(&(&better | &is_second), &second, &pick(&is_third, &tried, &third));
    let new_second = pick(&better, &best, &pick(&is_second, &tried, &second));
    let new_best = pick(&better, &tried, &best);

    let iterations = iterations + 1i32;
    let least = method.relative_tolerance * new_best.x.abs() + method.absolute_tolerance;
    let off = (&new_best.x - 0.5 * (&low + &high)).abs();
    let close = off.less_equal(2.0 * least - 0.5 * (&high - &low));
    let many = iterations.greater_equal(method.max_iterations);
    let limited = many.select(MinimizeOutcome::IterationLimit.code(), GOING_ON);
    State {
        outcome: close.select(MinimizeOutcome::Converged.code(), limited),
        low,
        high,
        best: new_best,
        second: new_second,
        third: new_third,
        step: new_step,
        previous: new_previous,
        iterations,
        evaluations: evaluations + 1i32,
    }
}
