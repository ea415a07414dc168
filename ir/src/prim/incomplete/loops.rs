//! The loops that incomplete functions are made of. They run in double precision, because single precision would lose
//! digits to the powers and gamma functions in front of the sums; single precision is content earlier.
//!
//! An element's iterations do not depend on the other elements: one that has converged keeps its value.

use crate::array::Array;
use crate::dtype::DType;
use crate::prim::control::while_arrays;

/// Runs a function of f64 arrays, given the relative change at which it may stop, and gives its result the dtype of the
/// operands.
#[track_caller]
pub(super) fn in_double(xs: &[Array], function: impl FnOnce(&[Array], f64) -> Array) -> Vec<Array> {
    let dtype = xs[0].dtype().unwrap_or(DType::F64);
    let precision = if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) / 64.0 };
    let wide: Vec<Array> = xs.iter().map(|x| x.astype(DType::F64)).collect();
    vec![function(&wide, precision).astype(dtype)]
}

/// The lower incomplete gamma function P(a, x).
#[track_caller]
pub(super) fn gammainc(a: &Array, x: &Array, precision: f64) -> Array {
    let Incomplete { upper, sum, fraction, scale, .. } = incomplete(a, x, precision, false);
    let inside = upper.select(1 - a * fraction * &scale, sum * scale);
    edges(a, x, inside, [0.0, 1.0])
}

/// The upper incomplete gamma function Q(a, x).
#[track_caller]
pub(super) fn gammaincc(a: &Array, x: &Array, precision: f64) -> Array {
    let Incomplete { upper, sum, fraction, scale, .. } = incomplete(a, x, precision, false);
    let inside = upper.select(a * fraction * &scale, 1 - sum * scale);
    edges(a, x, inside, [1.0, 0.0])
}

/// The derivative of P(a, x) with respect to a.
#[track_caller]
pub(super) fn gammainc_grad_a(a: &Array, x: &Array, precision: f64) -> Array {
    let parts = incomplete(a, x, precision, true);
    let value = edges(a, x, &parts.scale * parts.slope(a, x), [0.0, 0.0]);
    a.equal(0).select(f64::NAN, value)
}

/// Minus the derivative of P(a, x) with respect to a over that with respect to x, which is a scale / x.
#[track_caller]
pub(super) fn sample_slope(a: &Array, x: &Array, precision: f64) -> Array {
    let parts = incomplete(a, x, precision, true);
    let value = edges(a, x, -(parts.slope(a, x) * x / a), [0.0, f64::INFINITY]);
    a.equal(0).select(f64::NAN, value)
}

/// Puts in the limits at x = 0 or a = infinity, and at x = infinity; NaN outside of the domain.
#[track_caller]
fn edges(a: &Array, x: &Array, inside: Array, [low, high]: [f64; 2]) -> Array {
    let value = x.equal(0).logical_or(a.equal(f64::INFINITY)).select(low, inside);
    let value = x.equal(f64::INFINITY).select(high, value);
    let known = x
        .greater_equal(0)
        .logical_and(a.greater_equal(0))
        .logical_and(x.equal(0).logical_and(a.equal(0)).logical_not());
    known.select(value, f64::NAN)
}

/// What P = scale sum and Q = a scale fraction are made of, each where it converges.
struct Incomplete {
    /// Whether the fraction is the one that converged.
    upper: Array,
    sum: Array,
    /// The derivative of the sum with respect to a.
    sum_slope: Array,
    fraction: Array,
    /// The derivative of the fraction's logarithm with respect to a.
    fraction_slope: Array,
    /// x^a e^-x / gamma(a + 1).
    scale: Array,
}

impl Incomplete {
    /// The derivative of P with respect to a over the scale, whose own logarithm has the derivative log x - digamma(a + 1).
    #[track_caller]
    fn slope(&self, a: &Array, x: &Array) -> Array {
        let of_scale = x.log() - (a + 1).digamma();
        let lower = &self.sum * &of_scale + &self.sum_slope;
        let upper = &self.fraction * (1 + a * (of_scale + &self.fraction_slope));
        self.upper.select(-upper, lower)
    }
}

#[track_caller]
fn incomplete(a: &Array, x: &Array, precision: f64, with_slopes: bool) -> Incomplete {
    let upper = x.greater_equal(1).logical_and(x.greater(a));
    let scale = (a.xlogy(x) - x - (a + 1).lgamma()).exp();
    // Where the scale vanishes, so does what it multiplies; it is NaN outside of the domain.
    let inside = scale.greater(0).logical_and(x.greater(0)).logical_and(x.less(f64::INFINITY));
    let (sum, sum_slope) = series(a, x, inside.logical_and(upper.logical_not()), precision, with_slopes);
    let (fraction, fraction_slope) = fraction(a, x, inside.logical_and(&upper), precision, with_slopes);
    Incomplete { upper, sum, sum_slope, fraction, fraction_slope, scale }
}

/// The sum of x^n / ((a + 1) ... (a + n)) over n from 0, and its derivative with respect to a.
#[track_caller]
fn series(a: &Array, x: &Array, active: Array, precision: f64, with_slope: bool) -> (Array, Array) {
    let (one, zero) = (x.ones_like(), x.zeros_like());
    let start = [active, a.clone(), one.clone(), one, zero.clone(), zero];
    let state = while_arrays(
        &start,
        |state| state[0].any(),
        |state| {
            let [active, n, term, sum, term_slope, sum_slope] = std::array::from_fn(|k| &state[k]);
            let n = n + 1;
            let ratio = x / &n;
            let next_slope = if with_slope { (term_slope - term / &n) * &ratio } else { term_slope.clone() };
            let next = term * ratio;
            let grown = active.select(sum + &next, sum);
            let grown_slope = active.select(sum_slope + &next_slope, sum_slope);
            let moving = next.greater(precision * &grown);
            let moving = if with_slope {
                moving.logical_or(next_slope.abs().greater(precision * grown_slope.abs()))
            } else {
                moving
            };
            vec![active.logical_and(moving), n, next, grown, next_slope, grown_slope]
        },
    );
    (state[3].clone(), state[5].clone())
}

/// Legendre's continued fraction 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), and the derivative of its logarithm with
/// respect to a.
#[track_caller]
fn fraction(a: &Array, x: &Array, active: Array, precision: f64, with_slope: bool) -> (Array, Array) {
    let term = |n: &Array| Level {
        numerator: n * (a - n),
        base: x - a + (2 * n + 1),
        slopes: with_slope.then(|| (n.clone(), Array::from(-1.0f64))),
    };
    continued_fraction(active, precision, term)
}

/// One level of a continued fraction 1 / (base_0 + numerator_1 / (base_1 + numerator_2 / (base_2 + ...))).
pub(super) struct Level {
    pub(super) numerator: Array,
    pub(super) base: Array,
    /// The derivatives of both, where that of the fraction is asked for.
    pub(super) slopes: Option<(Array, Array)>,
}

/// Levels beyond which there is only rounding to gain.
const DEEPEST: u32 = 5000;

/// A continued fraction and the derivative of its logarithm, by the method of Lentz: the fraction is the product of the
/// quotients c d of successive numerators c and denominators 1 / d. `level` is given a number as a scalar.
#[track_caller]
pub(super) fn continued_fraction(active: Array, precision: f64, level: impl Fn(&Array) -> Level) -> (Array, Array) {
    let least = 1e-300;
    let away = |value: Array| value.abs().less(least).select(least, value);
    let none = Array::from(0.0f64);
    let Level { base, slopes, .. } = level(&none);
    let zero = base.zeros_like();
    let d = away(base).reciprocal();
    let (d_slope, slope) = match &slopes {
        Some((_, of_base)) => (-of_base * d.square(), -of_base * &d),
        None => (zero.clone(), zero.clone()),
    };
    // The first of the numerators is as good as infinite.
    let start = [active, none, &zero + 1.0 / least, d.clone(), zero, d_slope, d, slope];
    let state = while_arrays(
        &start,
        |state| state[0].any(),
        |state| {
            let [active, n, c, d, c_slope, d_slope, value, slope] = std::array::from_fn(|k| &state[k]);
            let n = n + 1;
            let Level { numerator, base, slopes } = level(&n);
            let next_c = away(&base + &numerator / c);
            let next_d = away(&numerator * d + base).reciprocal();
            let quotient = &next_c * &next_d;
            let mut moving = (&quotient - 1).abs().greater(precision);
            let (mut next_c_slope, mut next_d_slope, mut next_slope) =
                (c_slope.clone(), d_slope.clone(), slope.clone());
            if let Some((of_numerator, of_base)) = slopes {
                next_c_slope = &of_base + (&of_numerator - &numerator * c_slope / c) / c;
                next_d_slope = -(of_base + of_numerator * d + numerator * d_slope) * next_d.square();
                let change = &next_c_slope / &next_c + &next_d_slope / &next_d;
                moving = moving.logical_or(change.abs().greater(precision * slope.abs()));
                next_slope = active.select(slope + change, slope);
            }
            let moving = active.logical_and(moving).logical_and(n.less(DEEPEST));
            vec![
                moving,
                n,
                next_c,
                next_d,
                next_c_slope,
                next_d_slope,
                active.select(value * quotient, value),
                next_slope,
            ]
        },
    );
    (state[6].clone(), state[7].clone())
}
