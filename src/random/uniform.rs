//! Bits and uniform numbers.

use super::{Key, float_sample, sample};
use cotangent_ir::{Array, DType};

/// Uniformly distributed 32-bit words, as `u32`.
///
/// ```
/// use cotangent::random::{Key, bits};
/// assert_eq!(bits(&Key::new(0), &[2]).to_vec::<u32>()?, [4070199207, 4202968722]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn bits(key: &Key, shape: &[usize]) -> Array {
    sample("bits", key, shape, |key, count| key.words_of_counters(count).bits())
}

/// Uniform numbers in [0, 1), `f32` or `f64`.
#[track_caller]
pub fn uniform(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("uniform", key, shape, dtype, |key, count| key.words_of_counters(count).unit(dtype))
}

/// Uniform numbers in [`low`, `high`), `f32` or `f64`.
#[track_caller]
pub fn uniform_between(key: &Key, shape: &[usize], dtype: DType, low: f64, high: f64) -> Array {
    float_sample("uniform", key, shape, dtype, |key, count| key.words_of_counters(count).uniform(dtype, low, high))
}
