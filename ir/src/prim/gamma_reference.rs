//! What the special functions mean that no library has: slowly, for the reference interpreter.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Newton's method on erf below 1/2 and on erfc beyond, from a start good to three digits (S. Winitzki, 2008).
pub(super) fn erf_inv(x: f64) -> f64 {
    let a = x.abs();
    match a {
        0.0 => return x,
        1.0 => return f64::INFINITY.copysign(x),
        _ if a.is_nan() || a > 1.0 => return f64::NAN,
        _ => {}
    }
    let (k, log) = (0.147, ((1.0 - a) * (1.0 + a)).ln());
    let b = 2.0 / (PI * k) + log / 2.0;
    let mut y = ((b * b - log / k).sqrt() - b).max(0.0).sqrt();
    for _ in 0..20 {
        let error = if a < 0.5 { libm::erf(y) - a } else { (1.0 - a) - libm::erfc(y) };
        y -= error * (y * y).exp() / FRAC_2_SQRT_PI;
    }
    y.copysign(x)
}

/// The recurrence up to 20, then the asymptotic series; the reflection below 0.
pub(super) fn digamma(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        return f64::NAN;
    }
    if x < 0.0 {
        let (sin, cos) = turns(x);
        return digamma(1.0 - x) - PI * (cos / sin);
    }
    let (mut t, mut sum) = (x, 0.0);
    while t < 20.0 {
        sum -= 1.0 / t;
        t += 1.0;
    }
    let square = 1.0 / (t * t);
    let series = [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0];
    let tail = series.iter().rev().fold(0.0, |value, coefficient| (value + coefficient) * square);
    sum + t.ln() - 0.5 / t - tail
}

/// (-1)^(n+1) n! times the sum of (x + k)^-(n+1): forty terms, and the Euler-Maclaurin formula for the others.
pub(super) fn polygamma(n: i32, x: f64) -> f64 {
    if x < 0.0 {
        let (sin, _) = turns(x);
        return if n == 1 { (PI / sin).powi(2) - polygamma(1, 1.0 - x) } else { f64::NAN };
    }
    let s = f64::from(n + 1);
    let head: f64 = (0..40).map(|k| (x + f64::from(k)).powi(-n - 1)).sum();
    let a = x + 40.0;
    let power = a.powi(-n);
    let tail =
        power * (1.0 / f64::from(n) + 0.5 / a + s / (12.0 * a * a) - s * (s + 1.0) * (s + 2.0) / (720.0 * a.powi(4)));
    let next = s * (s + 1.0) * (s + 2.0) * (s + 3.0) * (s + 4.0) / 30240.0;
    let zeta = head + tail + power * next / a.powi(6);
    let factorial: f64 = (1..=n).map(f64::from).product();
    if n % 2 == 0 { -factorial * zeta } else { factorial * zeta }
}

/// Sine and cosine of pi x, from the distance to the nearest whole number.
fn turns(x: f64) -> (f64, f64) {
    let near = x.round_ties_even();
    let (sin, cos) = (PI * (x - near)).sin_cos();
    if near % 2.0 == 0.0 { (sin, cos) } else { (-sin, -cos) }
}
