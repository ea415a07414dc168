//! Elementary functions of numbers of twice the digits, by their series: slow, and right to some thirty digits, of zeros too.

use crate::double_double::{Double, exact_product};
use std::f64::consts;

const LN_2: Double = Double::new(consts::LN_2, 2.3190468138462996e-17);
const PI: Double = Double::new(consts::PI, 1.2246467991473532e-16);
/// A right angle in four parts.
const RIGHT: [f64; 4] = [consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33, 5.562271104316826e-50];
const INVERSE_LN_2: Double = Double::new(consts::LOG2_E, 2.0355273740931033e-17);
const INVERSE_LN_10: Double = Double::new(consts::LOG10_E, 1.098319650216765e-17);
const TWO_OVER_ROOT_PI: Double = Double::new(consts::FRAC_2_SQRT_PI, 1.533545961316588e-17);
const LN_ROOT_TWO_PI: Double = Double::new(0.9189385332046728, -3.8782941580672414e-17);
const EULER: Double = Double::new(0.5772156649015329, -4.942915152430645e-18);
const ONE: Double = Double::new(1.0, 0.0);

/// B_2k / (2k (2k - 1)), as numerators and denominators.
const STIRLING: [(f64, f64); 12] = [
    (1.0, 12.0),
    (-1.0, 360.0),
    (1.0, 1260.0),
    (-1.0, 1680.0),
    (1.0, 1188.0),
    (-691.0, 360360.0),
    (1.0, 156.0),
    (-3617.0, 122400.0),
    (43867.0, 244188.0),
    (-174611.0, 125400.0),
    (77683.0, 5796.0),
    (-236364091.0, 1506960.0),
];

fn square(x: Double) -> Double {
    x * x
}

/// The sum of terms that follow each other by `next`, which is given the number of the term, until they no longer count.
fn sum(first: Double, mut next: impl FnMut(f64, Double) -> Double) -> Double {
    let (mut term, mut total, mut n) = (first, first, 1.0);
    while term.high.abs() > 1e-34 * total.high.abs() {
        term = next(n, term);
        total = total + term;
        n += 1.0;
    }
    total
}

/// e^x - 1 = 2^k (1 + p) - 1 with p = e^r - 1, from the series of r / 512 and nine squares.
fn expm1_of(x: Double) -> Double {
    let (k, p) = reduced_exponent(x);
    if k == 0 { p } else { (p + 1.0).scaled(k) - 1.0 }
}

fn exp_of(x: Double) -> Double {
    let (k, p) = reduced_exponent(x);
    (p + 1.0).scaled(k)
}

fn reduced_exponent(x: Double) -> (i32, Double) {
    let k = (x.high / LN_2.high).round();
    let r = (x - LN_2 * k).scaled(-9);
    if r.high == 0.0 {
        return (k as i32, r);
    }
    let mut p = sum(r, |n, term| term * r / (n + 1.0));
    for _ in 0..9 {
        p = p.scaled(1) + p * p;
    }
    (k as i32, p)
}

/// One step of Newton's method from the double.
fn log_of(x: Double) -> Double {
    let y = x.high.ln();
    (x * exp_of(Double::from(-y)) - 1.0) + y
}

/// The series near 0.
fn log1p_of(x: Double) -> Double {
    if x.high == 0.0 || x.high.abs() > 1e-3 {
        return if x.high == 0.0 { x } else { log_of(x + 1.0) };
    }
    let mut power = x;
    let mut total = x;
    for n in 2..13 {
        power = power * -x;
        total = total + power / f64::from(n);
    }
    total
}

/// Sine and cosine, from those of the distance to the nearest multiple of a right angle.
fn sin_cos(x: f64) -> (Double, Double) {
    let k = (x / RIGHT[0]).round();
    let r = RIGHT.iter().fold(Double::from(x), |r, &part| r - exact_product(k, part));
    let (sin, cos) = small_sin_cos(r);
    match k.rem_euclid(4.0) as u8 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

fn small_sin_cos(r: Double) -> (Double, Double) {
    let minus = -(r * r);
    let sin = if r.high == 0.0 { r } else { sum(r, |n, term| term * minus / ((2.0 * n) * (2.0 * n + 1.0))) };
    (sin, sum(ONE, |n, term| term * minus / ((2.0 * n - 1.0) * (2.0 * n))))
}

/// From the double t: atan x - atan t = atan((x - t) / (1 + x t)).
fn atan_of(x: Double) -> Double {
    let angle = x.high.atan();
    let (sin, cos) = sin_cos(angle);
    (x * cos - sin) / (x * sin + cos) + angle
}

fn erf_series(x: f64) -> Double {
    let square = exact_product(x, x);
    // Terms 2^n x^(2n+1) / (1 3 5 ... (2n+1)), all of one sign.
    let series = sum(Double::from(x), |n, term| term * square * 2.0 / (2.0 * n + 1.0));
    TWO_OVER_ROOT_PI * exp_of(-square) * series
}

fn erfc_fraction(x: f64) -> Double {
    let fraction = (1..=150).rev().fold(Double::from(x), |rest, n| Double::from(0.5 * f64::from(n)) / rest + x);
    TWO_OVER_ROOT_PI * exp_of(-exact_product(x, x)).scaled(-1) / fraction
}

pub(crate) fn exp(x: f64) -> Double {
    exp_of(x.into())
}

pub(crate) fn exp2(x: f64) -> Double {
    let k = x.round();
    exp_of(LN_2 * (x - k)).scaled(k as i32)
}

pub(crate) fn expm1(x: f64) -> Double {
    if x == 0.0 { x.into() } else { expm1_of(x.into()) }
}

pub(crate) fn log(x: f64) -> Double {
    log_of(x.into())
}

pub(crate) fn log2(x: f64) -> Double {
    log_of(x.into()) * INVERSE_LN_2
}

pub(crate) fn log10(x: f64) -> Double {
    log_of(x.into()) * INVERSE_LN_10
}

pub(crate) fn log1p(x: f64) -> Double {
    log1p_of(x.into())
}

pub(crate) fn sin(x: f64) -> Double {
    sin_cos(x).0
}

pub(crate) fn cos(x: f64) -> Double {
    sin_cos(x).1
}

pub(crate) fn tan(x: f64) -> Double {
    let (sin, cos) = sin_cos(x);
    sin / cos
}

pub(crate) fn asin(x: f64) -> Double {
    let root = ((ONE - x) * (ONE + x)).sqrt();
    if root.high == 0.0 { right_angle(x) } else { atan_of(Double::from(x) / root) }
}

pub(crate) fn acos(x: f64) -> Double {
    if x == -1.0 {
        return PI;
    }
    atan_of(((ONE - x) / (ONE + x)).sqrt()).scaled(1)
}

fn right_angle(sign: f64) -> Double {
    PI.scaled(-1) * sign
}

pub(crate) fn atan(x: f64) -> Double {
    // Beyond, the quotient would lose the angle's last digits.
    if x.abs() > 1e15 { right_angle(x.signum()) - ONE / x } else { atan_of(x.into()) }
}

pub(crate) fn sinh(x: f64) -> Double {
    let p = expm1_of(Double::from(x).abs());
    let value = (p + p / (p + 1.0)).scaled(-1);
    if x < 0.0 { -value } else { value }
}

pub(crate) fn cosh(x: f64) -> Double {
    let power = exp_of(Double::from(x).abs());
    (power + ONE / power).scaled(-1)
}

pub(crate) fn tanh(x: f64) -> Double {
    let p = expm1_of(Double::from(x).scaled(1).abs());
    let value = if x.abs() > 40.0 { ONE } else { p / (p + 2.0) };
    if x < 0.0 { -value } else { value }
}

pub(crate) fn asinh(x: f64) -> Double {
    let size = Double::from(x).abs();
    let square = square(size);
    let value = match x.abs() {
        a if a > 1e100 => log_of(size) + LN_2,
        _ => log1p_of(size + square / ((square + 1.0).sqrt() + 1.0)),
    };
    if x < 0.0 { -value } else { value }
}

pub(crate) fn acosh(x: f64) -> Double {
    if x > 1e100 {
        return log_of(x.into()) + LN_2;
    }
    let t = Double::from(x) - 1.0;
    log1p_of(t + (t * (t + 2.0)).sqrt())
}

pub(crate) fn atanh(x: f64) -> Double {
    let size = Double::from(x).abs();
    let value = log1p_of(size.scaled(1) / (ONE - size)).scaled(-1);
    if x < 0.0 { -value } else { value }
}

pub(crate) fn cbrt(x: f64) -> Double {
    let root = x.cbrt();
    if x == 0.0 {
        return x.into();
    }
    let cube = exact_product(root, root) * root;
    (Double::from(x) - cube) / (3.0 * root * root) + root
}

pub(crate) fn sigmoid(x: f64) -> Double {
    ONE / (exp_of(Double::from(-x)) + 1.0)
}

pub(crate) fn erf(x: f64) -> Double {
    match x.abs() {
        0.0 => x.into(),
        a if a < 3.0 => erf_series(x),
        a => (ONE - erfc_fraction(a)) * x.signum(),
    }
}

pub(crate) fn erfc(x: f64) -> Double {
    if x < 3.0 { ONE - erf(x) } else { erfc_fraction(x) }
}

/// Newton's method on erf below 1/2 and on erfc beyond.
pub(crate) fn erf_inv(x: f64) -> Double {
    let size = x.abs();
    if size == 0.0 {
        return x.into();
    }
    let log = ((1.0 - size) * (1.0 + size)).ln();
    let b = 2.0 / (0.147 * consts::PI) + log / 2.0;
    let start = ((b * b - log / 0.147).sqrt() - b).max(0.0).sqrt();
    let mut y = Double::from(if size < 1e-3 { 0.886226925452758 * size } else { start });
    for _ in 0..6 {
        // The error is that at the double; the rest of y is a small step from there.
        let at = y.high;
        let error = if size < 0.5 { erf(at) - size } else { (ONE - size) - erfc(at) };
        let slope = TWO_OVER_ROOT_PI * exp_of(-exact_product(at, at));
        let step = error / slope;
        // Of second order, as the step may be as large as the square root of a unit.
        y = Double::from(at) - step - step * step * at;
    }
    if x < 0.0 { -y } else { y }
}

/// Stirling's series from 40 on, after as many factors as lead there; near 1 and 2, where that is a difference of equal
/// numbers, the Taylor series; reflected below 0.
pub(crate) fn lgamma(x: f64) -> Double {
    for (zero, slope, others) in [(1.0, -EULER, 0.0), (2.0, ONE - EULER, 1.0)] {
        let y = x - zero;
        if y.abs() < 1e-7 {
            // zeta(k) / k, less 1 / k at 2.
            let [second, third, fourth] = [0.8224670334241132, 0.40068563438653143, 0.27058080842778454];
            let bend = second - others / 2.0 - y * (third - others / 3.0 - y * (fourth - others / 4.0));
            return slope * y + exact_product(y, y) * bend;
        }
    }
    if x < 0.0 {
        let rest = PI * (x - x.round());
        let (sin, _) = small_sin_cos(rest);
        return log_of(PI / (sin * x).abs()) - lgamma(-x);
    }
    let (mut t, mut product) = (Double::from(x), ONE);
    while t.high < 40.0 {
        product = product * t;
        t = t + 1.0;
    }
    let inverse = ONE / (t * t);
    let series = STIRLING.iter().rev().fold(Double::from(0.0), |rest, &(numerator, denominator)| {
        rest * inverse + Double::from(numerator) / denominator
    });
    (t - 0.5) * log_of(t) - t + LN_ROOT_TWO_PI + series / t - log_of(product)
}
