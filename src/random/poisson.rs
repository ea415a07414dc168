//! The Poisson distribution.

use super::{Key, each, parameter, sample};
use crate::control::while_loop;
use cotangent_ir::{Array, DType, IntoOperand};

/// Numbers of the Poisson distribution with mean `rate`, as `i32`; -1 where the rate is negative or NaN.
///
/// Rates below 10 multiply uniform numbers until they fall below `e^-rate` (D. Knuth), others reject (W. Hörmann, *The
/// transformed rejection method for generating Poisson random variables*, 1993).
///
/// ```
/// use cotangent::random::{Key, poisson};
/// let x = poisson(&Key::new(0), &[10000], 30.0);
/// assert!((x.mean().item()? - 30.0).abs() < 0.3);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn poisson(key: &Key, shape: &[usize], rate: impl IntoOperand) -> Array {
    let rate = parameter(DType::F32, rate);
    sample("poisson", key, shape, |key, count| {
        let rate = each(&rate, shape);
        let is_small = rate.is_nan().logical_or(rate.less(10));
        let few = by_products(key, count, &is_small.select(&rate, 0));
        let many = by_rejection(key, count, &is_small.select(1e5f32, &rate), &is_small);
        rate.equal(0).select(0, is_small.select(few, many))
    })
}

/// How many uniform numbers can be multiplied before the product falls below e^-rate.
fn by_products(key: &Key, count: usize, rate: &Array) -> Array {
    let start = (key.clone(), Array::zeros(&[count], DType::I32), Array::zeros(&[count], DType::F32));
    let (_, numbers, _) = while_loop(
        |(_, _, log): (Key, Array, Array)| log.greater(-rate).any(),
        |(key, numbers, log)| {
            let numbers = log.greater(-rate).select(&numbers + 1, &numbers);
            let unit = key.derived(1).words_of_counters(count).unit(DType::F32);
            (key.derived(0), numbers, log + unit.log())
        },
        start,
    );
    numbers - 1
}

/// Candidates from a hat function until each is accepted; those that are not wanted count as accepted. The logarithm of the
/// probability is a difference of large numbers, and taken in double precision.
fn by_rejection(key: &Key, count: usize, rate: &Array, unwanted: &Array) -> Array {
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * &b;
    let inverse_alpha = 1.1239 + 1.1328 / (&b - 3.4);
    let squeeze = 0.9277 - 3.6224 / (&b - 2);
    let (wide_rate, log_rate) = (rate.astype(DType::F64), rate.astype(DType::F64).log());
    let start = (key.clone(), Array::full(&[count], -1.0f32), unwanted.clone());
    let (_, numbers, _) = while_loop(
        |(_, _, accepted): (Key, Array, Array)| accepted.logical_not().any(),
        |(key, numbers, accepted)| {
            let unit = |j| key.derived(j).words_of_counters(count).unit(DType::F32);
            let (u, v) = (unit(1) - 0.5, unit(2));
            let shifted = 0.5 - u.abs();
            let k = ((2 * &a / &shifted + &b) * u + rate + 0.43).floor();
            let hat = (&v * &inverse_alpha / (&a / shifted.square() + &b)).log();
            let wide = k.astype(DType::F64);
            let density = &wide * &log_rate - &wide_rate - (wide + 1).lgamma();
            let at_once = shifted.greater_equal(0.07).logical_and(v.less_equal(&squeeze));
            let rejected = k.less(0).logical_or(shifted.less(0.013).logical_and(v.greater(&shifted)));
            let accept = at_once.logical_or(rejected.logical_not().logical_and(hat.less_equal(density)));
            (key.derived(0), accept.select(k, numbers), accepted.logical_or(accept))
        },
        start,
    );
    numbers.astype(DType::I32)
}
