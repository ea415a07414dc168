//! Continuous distributions whose quantile function is elementary: each sample is that function of one uniform number.

use super::words::{epsilon, least};
use super::{Key, float_sample};
use cotangent_ir::{Array, DType};
use std::f64::consts::PI;

/// Numbers of the exponential distribution with mean 1, `f32` or `f64`: `-log(1 - u)`.
#[track_caller]
pub fn exponential(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("exponential", key, shape, dtype, |key, count| key.words_of_counters(count).exponential(dtype))
}

/// Numbers of the Laplace distribution with location 0 and scale 1, `f32` or `f64`: `sign(u) log(1 - |u|)` of `u` in
/// (-1, 1).
#[track_caller]
pub fn laplace(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("laplace", key, shape, dtype, |key, count| {
        let u = key.words_of_counters(count).uniform(dtype, -1.0 + epsilon(dtype) / 2.0, 1.0);
        u.sign() * (-u.abs()).log1p()
    })
}

/// Numbers of the logistic distribution with location 0 and scale 1, `f32` or `f64`: `log u - log(1 - u)`.
///
/// ```
/// use cotangent::{DType, random::{Key, logistic}};
/// let x = logistic(&Key::new(0), &[10000], DType::F64);
/// assert!(x.mean().item()?.abs() < 0.1);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn logistic(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("logistic", key, shape, dtype, |key, count| {
        let u = key.words_of_counters(count).uniform(dtype, least(dtype), 1.0);
        u.log() - (-u).log1p()
    })
}

/// Numbers of the Cauchy distribution with location 0 and scale 1, `f32` or `f64`: `tan(pi (u - 1/2))`.
#[track_caller]
pub fn cauchy(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("cauchy", key, shape, dtype, |key, count| {
        let u = key.words_of_counters(count).uniform(dtype, epsilon(dtype), 1.0);
        ((u - 0.5) * PI).tan()
    })
}

/// Numbers of the Gumbel distribution with location 0 and scale 1, `f32` or `f64`: `-log(-log u)`. The place of the greatest
/// of logits plus such numbers is a sample of the categorical distribution.
#[track_caller]
pub fn gumbel(key: &Key, shape: &[usize], dtype: DType) -> Array {
    float_sample("gumbel", key, shape, dtype, |key, count| gumbels(key, count, dtype))
}

pub(super) fn gumbels(key: &Key, count: usize, dtype: DType) -> Array {
    -(-key.words_of_counters(count).uniform(dtype, least(dtype), 1.0).log()).log()
}
