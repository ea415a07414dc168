//! Random numbers: a counter-based generator, as ordinary traced functions of a key.
//!
//! There is no hidden state: a sample is a function of its [`Key`], and keys are split to get independent samples. Element
//! `j` of a sample depends on the key and on `j` alone, so samples are the same on any number of threads, fuse into
//! what consumes them, and can be drawn inside compiled loops.
//!
//! The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2,
//! 3*, 2011), with the row-major position of an element as its counter. Bits, keys and samples are those of JAX with
//! `jax_threefry_partitionable`; floating-point samples agree to rounding.

mod erf_inv;

use crate::random::erf_inv::erf_inv;
use crate::trace::evaluate;
use cotangent_ir::{Array, DType, ErrorKind, fail, sort_together};

/// A key: 64 bits from which a sample is computed. A tree of two `u32` scalars, so that it can be the state of a loop or
/// the argument of a compiled function.
///
/// ```
/// use cotangent::{DType, random::{Key, normal}};
/// let (first, second) = Key::new(0).split();
/// let x = normal(&first, &[2, 3], DType::F32);
/// let y = normal(&second, &[2, 3], DType::F32);
/// assert_ne!(x.to_vec::<f32>()?, y.to_vec::<f32>()?);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Key {
    high: Array,
    low: Array,
}

crate::impl_tree!(Key { high, low });

impl Key {
    /// The key of a seed.
    pub fn new(seed: u64) -> Key {
        Key { high: Array::from((seed >> 32) as u32), low: Array::from(seed as u32) }
    }

    /// The two words of the key, `u32` scalars.
    pub fn words(&self) -> (Array, Array) {
        (self.high.clone(), self.low.clone())
    }

    /// Two new keys. The old one should not be used again.
    pub fn split(&self) -> (Key, Key) {
        evaluate("split", self.clone(), |key| (key.derived(0), key.derived(1)).into()).into_tree()
    }

    /// `count` new keys. The old one should not be used again.
    pub fn split_into(&self, count: usize) -> Vec<Key> {
        evaluate("split", self.clone(), |key| Vec::from_iter((0..count).map(|j| key.derived(j as u32))).into())
            .into_tree()
    }

    /// A new key from this one and a number, such as that of an iteration: a `u32`, or an integer scalar array.
    pub fn fold_in(&self, data: impl Into<Array>) -> Key {
        let args = (self.clone(), data.into());
        evaluate("fold_in", args, |(key, data)| key.hashed(&Array::from(0u32), &data.astype(DType::U32)).into())
            .into_tree()
    }

    fn derived(&self, counter: u32) -> Key {
        self.hashed(&Array::from(0u32), &Array::from(counter))
    }

    fn hashed(&self, high: &Array, low: &Array) -> Key {
        let (high, low) = threefry(self, high, low);
        Key { high, low }
    }

    /// The two output words for each of the first `count` counters.
    fn words_of_counters(&self, count: usize) -> (Array, Array) {
        let counters = Array::iota(&[count], 0, DType::U32);
        threefry(self, &counters.zeros_like(), &counters)
    }
}

/// Uniformly distributed 32-bit words, as `u32`.
///
/// ```
/// use cotangent::random::{Key, bits};
/// assert_eq!(bits(&Key::new(0), &[2]).to_vec::<u32>()?, [4070199207, 4202968722]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn bits(key: &Key, shape: &[usize]) -> Array {
    sample("bits", key, shape, |key, count| {
        let (first, second) = key.words_of_counters(count);
        first ^ second
    })
}

/// The numbers below `count` in random order, as `i32`.
///
/// ```
/// use cotangent::random::{Key, permutation};
/// let mut numbers = permutation(&Key::new(0), 5).to_vec::<i32>()?;
/// numbers.sort();
/// assert_eq!(numbers, [0, 1, 2, 3, 4]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn permutation(key: &Key, count: usize) -> Array {
    sample("permutation", key, &[count], |key, count| {
        // Sorted by random words. So many rounds that equal ones, which stay in order, leave no trace in the last of them.
        let rounds = (3.0 * (count.max(1) as f64).ln() / f64::from(u32::MAX).ln()).ceil() as usize;
        let (mut key, mut numbers) = (key.clone(), Array::arange(count, DType::I32));
        for _ in 0..rounds {
            let words = key.derived(1).words_of_counters(count);
            numbers = sort_together(&[words.0 ^ words.1, numbers], 1, 0).swap_remove(1);
            key = key.derived(0);
        }
        numbers
    })
}

/// Uniform numbers in [0, 1), `f32` or `f64`.
#[track_caller]
pub fn uniform(key: &Key, shape: &[usize], dtype: DType) -> Array {
    uniform_between(key, shape, dtype, 0.0, 1.0)
}

/// Uniform numbers in [`low`, `high`), `f32` or `f64`.
#[track_caller]
pub fn uniform_between(key: &Key, shape: &[usize], dtype: DType, low: f64, high: f64) -> Array {
    match float("uniform", dtype) {
        Err(error) => error,
        Ok(()) => sample("uniform", key, shape, |key, count| uniforms(key, count, dtype, low, high)),
    }
}

/// Numbers of the standard normal distribution, `f32` or `f64`, or of the circular complex one (independent real and
/// imaginary part of variance 1/2), `c64` or `c128`.
///
/// ```
/// use cotangent::{DType, random::{Key, normal}};
/// let x = normal(&Key::new(0), &[2], DType::F32).to_vec::<f32>()?;
/// assert!((x[0] - 1.6226422).abs() < 1e-6 && (x[1] - 2.0252647).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn normal(key: &Key, shape: &[usize], dtype: DType) -> Array {
    if let Err(error) = float("normal", dtype.real()) {
        return error;
    }
    sample("normal", key, shape, |key, count| match dtype.is_complex() {
        false => normals(key, count, dtype),
        true => {
            let part = |j| normals(&key.derived(j), count, dtype.real()) / std::f64::consts::SQRT_2;
            Array::complex(part(0), part(1))
        }
    })
}

/// Uniform `i32` numbers from `low` to `high - 1`.
#[track_caller]
pub fn randint(key: &Key, shape: &[usize], low: i32, high: i32) -> Array {
    let span = u32::try_from(i64::from(high) - i64::from(low)).unwrap_or(0).max(1);
    // A 64-bit word modulo the span, from the remainders of its halves. Products wrap as in the reference.
    let half = (1 << 16) % span;
    let factor = half.wrapping_mul(half) % span;
    sample("randint", key, shape, |key, count| {
        let word = |j| {
            let (first, second) = key.derived(j).words_of_counters(count);
            (first ^ second) % span
        };
        let offset = (word(0) * factor + word(1)) % span;
        // In two's complement the sum wraps to the right number also where the offset exceeds i32.
        offset.astype(DType::I32) + low
    })
}

/// True with probability `p`.
#[track_caller]
pub fn bernoulli(key: &Key, shape: &[usize], p: f64) -> Array {
    sample("bernoulli", key, shape, |key, count| uniforms(key, count, DType::F32, 0.0, 1.0).less(p))
}

/// Numbers of the exponential distribution with mean 1, `f32` or `f64`.
#[track_caller]
pub fn exponential(key: &Key, shape: &[usize], dtype: DType) -> Array {
    match float("exponential", dtype) {
        Err(error) => error,
        Ok(()) => sample("exponential", key, shape, |key, count| -log1p(&-uniforms(key, count, dtype, 0.0, 1.0))),
    }
}

/// Numbers of the Laplace distribution with location 0 and scale 1, `f32` or `f64`.
#[track_caller]
pub fn laplace(key: &Key, shape: &[usize], dtype: DType) -> Array {
    match float("laplace", dtype) {
        Err(error) => error,
        Ok(()) => sample("laplace", key, shape, |key, count| {
            let half_epsilon = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON } / 2.0;
            let u = uniforms(key, count, dtype, -1.0 + half_epsilon, 1.0);
            u.sign() * log1p(&-u.abs())
        }),
    }
}

/// Draws a flat sample and gives it its shape, as one program.
#[track_caller]
fn sample(operation: &str, key: &Key, shape: &[usize], draw: impl Fn(&Key, usize) -> Array) -> Array {
    let location = std::panic::Location::caller();
    let count = shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent));
    match count {
        Some(count) if u32::try_from(count).is_ok() => {
            evaluate(operation, key.clone(), |key| draw(&key, count).reshape(shape).into()).at(location).into_tree()
        }
        _ => {
            let message = format!("shape {shape:?} has more than 2^32 elements; draw it in parts from split keys");
            fail(ErrorKind::Argument, operation, message)
        }
    }
}

#[track_caller]
fn float(operation: &str, dtype: DType) -> Result<(), Array> {
    if dtype.is_float() {
        return Ok(());
    }
    Err(fail(ErrorKind::DType, operation, format!("samples are f32 or f64, not {dtype}; convert them with `astype`")))
}

/// 20 rounds of Threefry-2x32.
fn threefry(key: &Key, high: &Array, low: &Array) -> (Array, Array) {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    const PARITY: u32 = 0x1BD1_1BDA;
    let schedule = [key.high.clone(), key.low.clone(), &key.high ^ &key.low ^ PARITY];
    let (mut x0, mut x1) = (high + &schedule[0], low + &schedule[1]);
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            x0 = &x0 + &x1;
            x1 = (x1.shift_left(rotation) | x1.shift_right_logical(32 - rotation)) ^ &x0;
        }
        x0 += &schedule[(group + 1) % 3];
        x1 = x1 + &schedule[(group + 2) % 3] + (group + 1) as u32;
    }
    (x0, x1)
}

/// Uniform numbers from the leading bits of words: as many as the significand has.
fn uniforms(key: &Key, count: usize, dtype: DType, low: f64, high: f64) -> Array {
    let (first, second) = key.words_of_counters(count);
    let unit = match dtype {
        DType::F32 => (first ^ second).shift_right_logical(9u32).astype(dtype) * (0.5f64).powi(23),
        _ => {
            // The 52 leading bits of the 64-bit word: both parts and their sum are exact.
            let leading = first.astype(dtype) * (2.0f64).powi(20);
            (leading + second.shift_right_logical(12u32).astype(dtype)) * (0.5f64).powi(52)
        }
    };
    if (low, high) == (0.0, 1.0) {
        return unit;
    }
    // The width is rounded to the dtype, as the bounds are.
    let width = match dtype {
        DType::F32 => f64::from(high as f32 - low as f32),
        _ => high - low,
    };
    (unit * width + low).maximum(low)
}

fn normals(key: &Key, count: usize, dtype: DType) -> Array {
    // Open at -1, where the inverse error function is infinite.
    let above_minus_one = match dtype {
        DType::F32 => f64::from((-1.0f32).next_up()),
        _ => (-1.0f64).next_up(),
    };
    erf_inv(&uniforms(key, count, dtype, above_minus_one, 1.0)) * std::f64::consts::SQRT_2
}

/// `log(1 + x)`, accurate also for small `x`: the rounding of `1 + x` is divided out (Kahan).
fn log1p(x: &Array) -> Array {
    let one_more = x + 1.0;
    let small = one_more.equal(1.0);
    small.select(x, one_more.log() * (x / small.select(1.0, &one_more - 1.0)))
}
