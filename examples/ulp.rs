//! The worst errors of the elementary functions in single precision, in units in the last place.
//!
//! Every function is compiled and compared with a reference in double precision on every 4099th float of all 2^32, and on
//! all of them with `--all`; another stride may be given as a number, and functions by name. It exits with an error where
//! one misses by more than two units. `cargo run --release --example ulp -- --all exp log`

use cotangent::{Array, Result, jit};
use std::process::ExitCode;

/// A function by name, as it is compiled, and its reference.
type Row = (&'static str, fn(&Array) -> Array, fn(f64) -> f64);

const FUNCTIONS: [Row; 23] = [
    ("exp", Array::exp, f64::exp),
    ("exp2", Array::exp2, f64::exp2),
    ("expm1", Array::expm1, f64::exp_m1),
    ("log", Array::log, f64::ln),
    ("log2", Array::log2, f64::log2),
    ("log10", Array::log10, f64::log10),
    ("log1p", Array::log1p, f64::ln_1p),
    ("sin", Array::sin, f64::sin),
    ("cos", Array::cos, f64::cos),
    ("tan", Array::tan, f64::tan),
    ("asin", Array::asin, f64::asin),
    ("acos", Array::acos, f64::acos),
    ("atan", Array::atan, f64::atan),
    ("sinh", Array::sinh, f64::sinh),
    ("cosh", Array::cosh, f64::cosh),
    ("tanh", Array::tanh, f64::tanh),
    ("asinh", Array::asinh, asinh),
    ("acosh", Array::acosh, acosh),
    ("atanh", Array::atanh, atanh),
    ("cbrt", Array::cbrt, f64::cbrt),
    ("sigmoid", Array::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    ("erf", Array::erf, erf),
    ("erfc", Array::erfc, erfc),
];

/// Elements of one call.
const CHUNK: u64 = 1 << 20;

/// What the functions promise.
const PROMISED: f64 = 2.0;

fn main() -> ExitCode {
    let mut stride = 4099;
    let mut names = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            _ if argument == "--all" => stride = 1,
            Ok(number) if number > 0 => stride = number,
            _ if FUNCTIONS.iter().any(|(name, ..)| *name == argument) => names.push(argument),
            _ => {
                let known: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
                eprintln!("`{argument}` is neither `--all`, a positive stride nor one of {}", known.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    match sweep(stride, &names) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for every function; whether all keep their promise.
fn sweep(stride: u64, names: &[String]) -> Result<bool> {
    println!("{:8}  {:>6}  {:>15}  {:>15}  {:>22}", "function", "ulp", "at", "computed", "exact");
    let mut kept = true;
    let chosen = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);
    for (name, function, reference) in FUNCTIONS.into_iter().filter(|(name, ..)| chosen(name)) {
        let worst = worst(function, reference, stride)?;
        let Worst { error, at, computed, exact } = worst;
        println!("{name:8}  {error:6.3}  {at:15e}  {computed:15e}  {exact:22e}");
        kept &= error <= PROMISED;
    }
    Ok(kept)
}

/// The largest error seen.
#[derive(Clone, Copy, Default)]
struct Worst {
    error: f64,
    at: f32,
    computed: f32,
    exact: f64,
}

fn worst(function: fn(&Array) -> Array, reference: fn(f64) -> f64, stride: u64) -> Result<Worst> {
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
            worst = Worst { error, at: x, computed: y, exact };
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
fn asinh(x: f64) -> f64 {
    let size = x.abs();
    (size + size * size / (1.0 + size.hypot(1.0))).ln_1p().copysign(x)
}

/// log(x + sqrt(x^2 - 1)), without cancellation.
fn acosh(x: f64) -> f64 {
    let t = x - 1.0;
    if x < 1.0 { f64::NAN } else { (t + (t * (x + 1.0)).sqrt()).ln_1p() }
}

/// log((1 + x) / (1 - x)) / 2, without cancellation.
fn atanh(x: f64) -> f64 {
    0.5 * (2.0 * x / (1.0 - x)).ln_1p()
}

/// The Maclaurin series up to 2, the complement beyond.
fn erf(x: f64) -> f64 {
    if x.abs() >= 2.0 {
        return (1.0 - erfc(x.abs())).copysign(x);
    }
    // 2 / sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)), whose terms are all of one sign.
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-18 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// Laplace's continued fraction from 2 on, 1 - erf(x) below.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        return 1.0 - erf(x);
    }
    let mut fraction = x;
    for n in (1..=120).rev() {
        fraction = x + 0.5 * f64::from(n) / fraction;
    }
    (-x * x).exp() / (std::f64::consts::PI.sqrt() * fraction)
}
