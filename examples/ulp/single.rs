//! Errors in single precision, by sweeps over the floats; and the references in double precision that the standard library
//! does not have.

use crate::reference;
use cotangent::{Array, Result, jit};

/// Elements of one call.
const CHUNK: u64 = 1 << 20;

/// The largest error seen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Worst {
    pub(crate) error: f64,
    pub(crate) at: f32,
}

/// Compares on every `stride`th float.
pub(crate) fn worst(function: fn(&Array) -> Array, reference: fn(f64) -> f64, stride: u64) -> Result<Worst> {
    let compiled = jit(move |x: Array| function(&x));
    let count = (1u64 << 32).div_ceil(stride);
    let mut worst = Worst::default();
    for first in (0..count).step_by(CHUNK as usize) {
        // The last chunk begins again with the first floats, so that all are of one size and compile once.
        let bits = (first..first + CHUNK.min(count)).map(|n| ((if n < count { n } else { n - count }) * stride) as u32);
        let xs: Vec<f32> = bits.map(f32::from_bits).collect();
        let ys = compiled.call(Array::from(xs.clone()))?.to_vec::<f32>()?;
        let seen = compare(&xs, &ys, reference);
        if seen.error > worst.error {
            worst = seen;
        }
    }
    Ok(worst)
}

/// The largest error of a chunk, looked for by as many threads as there are processors.
fn compare(xs: &[f32], ys: &[f32], reference: fn(f64) -> f64) -> Worst {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = xs.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let parts = xs.chunks(share).zip(ys.chunks(share));
        let searches: Vec<_> = parts.map(|(xs, ys)| scope.spawn(move || compare_part(xs, ys, reference))).collect();
        let found = searches.into_iter().filter_map(|search| search.join().ok());
        found.fold(Worst::default(), |worst, found| if found.error > worst.error { found } else { worst })
    })
}

fn compare_part(xs: &[f32], ys: &[f32], reference: fn(f64) -> f64) -> Worst {
    let mut worst = Worst::default();
    for (&x, &y) in xs.iter().zip(ys) {
        let exact = reference(x.into());
        let error = units(y, exact);
        if error > worst.error {
            worst = Worst { error, at: x };
        }
    }
    worst
}

/// The distance in units in the last place of the exact number, that of denormal numbers being the least normal
/// number's.
fn units(computed: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if computed == nearest || (computed.is_nan() && exact.is_nan()) {
        let zero_of_wrong_sign = exact == 0.0 && computed.is_sign_negative() != exact.is_sign_negative();
        return if zero_of_wrong_sign { f64::INFINITY } else { 0.0 };
    }
    if !computed.is_finite() || !nearest.is_finite() {
        // The largest number and infinity are neighbours.
        let near = computed.abs().min(nearest.abs()) >= f32::MAX && f64::from(computed) * exact > 0.0;
        return if near { 1.0 } else { f64::INFINITY };
    }
    // Without its significand, a number is the power of two below it.
    let power = f64::from_bits(exact.abs().max(f32::MIN_POSITIVE.into()).to_bits() >> 52 << 52);
    (f64::from(computed) - exact).abs() / power * f64::from(1 << 23)
}

/// log(x + sqrt(x^2 + 1)), without cancellation.
pub(crate) fn asinh(x: f64) -> f64 {
    let size = x.abs();
    (size + size * size / (1.0 + size.hypot(1.0))).ln_1p().copysign(x)
}

/// log(x + sqrt(x^2 - 1)), without cancellation.
pub(crate) fn acosh(x: f64) -> f64 {
    let t = x - 1.0;
    if x < 1.0 { f64::NAN } else { (t + (t * (x + 1.0)).sqrt()).ln_1p() }
}

/// log((1 + x) / (1 - x)) / 2, without cancellation.
pub(crate) fn atanh(x: f64) -> f64 {
    0.5 * (2.0 * x / (1.0 - x)).ln_1p()
}

/// 1 - erfc(|x|) from 2 on. The Maclaurin series below; of small numbers, few of its terms, and beyond 6 the limit.
pub(crate) fn erf(x: f64) -> f64 {
    match x.abs() {
        a if a < 0.02 => {
            let square = x * x;
            let series = 1.0 - square / 3.0 * (1.0 - square * 0.3 * (1.0 - square * 5.0 / 21.0));
            std::f64::consts::FRAC_2_SQRT_PI * x * series
        }
        a if a < 2.0 => {
            // 2 / sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)), whose terms are all of one sign.
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term.abs() > 1e-18 * sum.abs() {
                n += 1.0;
                term *= 2.0 * x * x / (2.0 * n + 1.0);
                sum += term;
            }
            std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
        }
        a if a < 6.0 => (1.0 - erfc(a)).copysign(x),
        _ => x.signum(),
    }
}

/// Laplace's continued fraction from 2 on, 1 - erf(x) below.
pub(crate) fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        return 1.0 - erf(x);
    }
    let fraction = (1..=120).rev().fold(x, |rest, n| x + 0.5 * f64::from(n) / rest);
    (-x * x).exp() / (std::f64::consts::PI.sqrt() * fraction)
}

pub(crate) fn erf_inv(x: f64) -> f64 {
    match x.abs() {
        1.0 => f64::INFINITY.copysign(x),
        a if a < 1.0 => reference::erf_inv(x).high,
        _ => f64::NAN,
    }
}

pub(crate) fn lgamma(x: f64) -> f64 {
    match x {
        _ if x.is_nan() => x,
        _ if x.is_infinite() || (x <= 0.0 && x == x.floor()) => f64::INFINITY,
        _ => reference::lgamma(x).high,
    }
}
