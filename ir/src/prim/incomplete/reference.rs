//! What the incomplete functions mean: slowly, for the reference interpreter.

use super::super::gamma_reference::digamma;

/// The sum of x^(a+n) e^-x / gamma(a + n + 1) up to the mean, the complement beyond.
pub(super) fn gammainc(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(value) => value,
        None if x < a + 1.0 => lower_sum(a, x),
        None => 1.0 - upper_fraction(a, x),
    }
}

/// The complement up to the mean, the continued fraction beyond.
pub(super) fn gammaincc(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(value) => 1.0 - value,
        None if x < a + 1.0 => 1.0 - lower_sum(a, x),
        None => upper_fraction(a, x),
    }
}

/// The derivative of that sum, term by term, each computed by itself.
pub(super) fn gammainc_grad_a(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        _ if a == 0.0 => return f64::NAN,
        Some(value) => return value * 0.0,
        None => {}
    }
    // Beyond the mean the terms fall faster than those of a normal distribution.
    let count = ((x - a).max(0.0) + 60.0 + 12.0 * x.sqrt()) as u32;
    let log = x.ln();
    (0..count)
        .map(|n| {
            let power = a + f64::from(n);
            (power * log - x - libm::lgamma(power + 1.0)).exp() * (log - digamma(power + 1.0))
        })
        .sum()
}

/// Where the lower function is 0, 1 or nothing.
fn edge(a: f64, x: f64) -> Option<f64> {
    match (a, x) {
        _ if a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 || (a == 0.0 && x == 0.0) => Some(f64::NAN),
        _ if x == 0.0 => Some(0.0),
        _ if x.is_infinite() || a == 0.0 => Some(1.0),
        _ if a.is_infinite() => Some(0.0),
        _ => None,
    }
}

fn lower_sum(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = ((a * x.ln() - x - libm::lgamma(a + 1.0)).exp(), 0.0, 0.0);
    while term > 1e-18 * sum {
        sum += term;
        n += 1.0;
        term *= x / (a + n);
    }
    sum
}

/// Legendre's continued fraction 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...))), from its end.
fn upper_fraction(a: f64, x: f64) -> f64 {
    let levels = (300.0 + 20.0 * a.sqrt()) as u32;
    let base = |n: f64| x + 2.0 * n + 1.0 - a;
    let tail = (1..=levels).rev().map(f64::from).fold(0.0, |tail, n| n * (n - a) / (base(n) - tail));
    (a * x.ln() - x - libm::lgamma(a)).exp() / (base(0.0) - tail)
}
