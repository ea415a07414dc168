//! The gamma distribution, and those that are made of it.

use super::words::least;
use super::{Key, each, float_sample, parameter};
use crate::control::while_loop;
use crate::custom::custom_jvp;
use crate::function::Function;
use cotangent_ir::{Array, DType, ErrorKind, IntoOperand, Scalar, fail};

/// Numbers of the gamma distribution with parameter `a` > 0 and scale 1, `f32` or `f64`, with density
/// `x^(a-1) e^-x / gamma(a)`. They are differentiable by `a`: as samples of one quantile.
///
/// The method is that of G. Marsaglia and W. W. Tsang, *A simple method for generating gamma variables*, 2000.
///
/// ```
/// use cotangent::{Array, DType, grad, random::{Key, gamma}};
/// let mean = |a: Array| gamma(&Key::new(0), &[20000], DType::F64, a).mean();
/// assert!((mean(Array::from(3.0f64)).item()? - 3.0).abs() < 0.05);
/// assert!((grad(mean).call(Array::from(3.0f64))?.item()? - 1.0).abs() < 0.05);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn gamma(key: &Key, shape: &[usize], dtype: DType, a: impl IntoOperand) -> Array {
    let a = parameter(dtype, a);
    float_sample("gamma", key, shape, dtype, |key, _| gammas(key, &each(&a, shape), Scale::Linear))
}

/// Logarithms of numbers of the gamma distribution, which do not underflow where `a` is small.
#[track_caller]
pub fn loggamma(key: &Key, shape: &[usize], dtype: DType, a: impl IntoOperand) -> Array {
    let a = parameter(dtype, a);
    float_sample("loggamma", key, shape, dtype, |key, _| gammas(key, &each(&a, shape), Scale::Logarithmic))
}

/// Numbers of the beta distribution with parameters `a` and `b` > 0, `f32` or `f64`, with density proportional to
/// `x^(a-1) (1-x)^(b-1)`.
///
/// ```
/// use cotangent::{DType, random::{Key, beta}};
/// let x = beta(&Key::new(0), &[20000], DType::F64, 2.0, 3.0);
/// assert!((x.mean().item()? - 0.4).abs() < 0.01);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn beta(key: &Key, shape: &[usize], dtype: DType, a: impl IntoOperand, b: impl IntoOperand) -> Array {
    let (a, b) = (parameter(dtype, a), parameter(dtype, b));
    float_sample("beta", key, shape, dtype, |key, _| {
        let log_a = gammas(&key.derived(0), &each(&a, shape), Scale::Logarithmic);
        let log_b = gammas(&key.derived(1), &each(&b, shape), Scale::Logarithmic);
        let most = log_a.maximum(&log_b);
        let (a, b) = ((log_a - &most).exp(), (log_b - most).exp());
        &a / (&a + b)
    })
}

/// Vectors of the Dirichlet distribution with parameters `alpha`, vectors `[.., n]` of positive numbers: `shape + [n]`. The
/// elements of each are positive and sum to 1, with density proportional to the product of `x_i^(alpha_i - 1)`.
///
/// ```
/// use cotangent::{Array, DType, random::{Key, dirichlet}};
/// let x = dirichlet(&Key::new(0), &[3], DType::F64, &Array::from([1.0f64, 2.0, 0.1]));
/// assert!((x.sum_axes(&[1]) - 1).abs().max().item()? < 1e-14);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn dirichlet(key: &Key, shape: &[usize], dtype: DType, alpha: &Array) -> Array {
    let n = match alpha.shape().map(|shape| shape.last().copied()) {
        Ok(Some(n)) => n,
        Ok(None) => return fail(ErrorKind::Shape, "dirichlet", "`alpha` is a scalar; pass vectors `[.., n]`"),
        Err(error) => return Array::from_error(error),
    };
    let whole = [shape, &[n]].concat();
    let alpha = alpha.astype(dtype);
    float_sample("dirichlet", key, &whole, dtype, |key, _| {
        gammas(key, &each(&alpha, &whole), Scale::Logarithmic).reshape(&whole).softmax(-1)
    })
}

/// Whether a sample or its logarithm is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// A sample for each element of a parameter on one axis, differentiable by it.
fn gammas(key: &Key, a: &Array, scale: Scale) -> Array {
    let draw = custom_jvp(move |key: Key, a: Array| draws(&key, &a, scale)).defjvp(
        move |(key, a): (Key, Array), (_, t): (Key, Array)| {
            let sample = draws(&key, &a, scale);
            let slope = match scale {
                Scale::Linear => a.random_gamma_grad(&sample),
                Scale::Logarithmic => {
                    // Where the sample underflows, the slope is that of the least normal number.
                    let x = sample.exp().maximum(least(a.dtype().unwrap_or(DType::F64)));
                    a.random_gamma_grad(&x) / x
                }
            };
            (sample, t * slope)
        },
    );
    draw.apply((key.clone(), a.clone()))
}

/// The samples, each from a key of its own. Parameters below 1 are raised by 1, and the sample multiplied by a uniform
/// number to the power 1 / a.
fn draws(key: &Key, a: &Array, scale: Scale) -> Array {
    let Ok(ty) = a.ty() else { return a.clone() };
    let dtype = ty.dtype;
    let number = |x: f64| Array::scalar(Scalar::real(dtype, x));
    let is_large = a.greater_equal(1);
    let d = is_large.select(a, a + 1) - number(1.0 / 3.0);
    let c = number(1.0 / 3.0) / d.sqrt();

    // The squeeze of the method first, then the exact condition, on x^2, v^3 and a uniform number.
    let rejected = |square: &Array, cube: &Array, unit: &Array| {
        let beyond = unit.greater_equal(1 - 0.0331 * square.square());
        let exact = unit.log().greater_equal(0.5 * square + &d * (1 - cube + cube.log()));
        beyond.logical_and(exact)
    };
    let keys = key.derived_array(ty.len());
    let (start, last) = (keys.derived(0), keys.derived(1));
    let (zero, one) = (a.zeros_like(), a.ones_like());
    let state = (start, zero, one.clone(), &one + 1);
    let (_, _, cube, _) = while_loop(
        |(_, square, cube, unit): (Key, Array, Array, Array)| rejected(&square, &cube, &unit).any(),
        |(key, square, cube, unit)| {
            let open = rejected(&square, &cube, &unit);
            let (x, v) = positive(&key.derived(1), &c, dtype);
            let next_unit = key.derived(2).first_words().unit(dtype);
            let keep = |next: Array, old: Array| open.select(next, old);
            let next = key.derived(0);
            let next = Key { high: keep(next.high, key.high), low: keep(next.low, key.low) };
            (next, keep(x.square(), square), keep(&v * &v * &v, cube), keep(next_unit, unit))
        },
        state,
    );
    match scale {
        Scale::Linear => {
            let unit = 1 - last.first_words().unit(dtype);
            d * cube * is_large.select(1, unit.pow(1 / a))
        }
        Scale::Logarithmic => {
            let log = -last.first_words().exponential(dtype);
            let boost = is_large.logical_or(log.equal(0)).select(0, &log * (1 / a));
            d.log() + cube.log() + boost
        }
    }
}

/// Standard normal x with v = 1 + c x > 0, each from a key of its own.
fn positive(keys: &Key, c: &Array, dtype: DType) -> (Array, Array) {
    let (zero, minus_one) = (c.zeros_like(), -c.ones_like());
    let (_, x, v) = while_loop(
        |(_, _, v): (Key, Array, Array)| v.less_equal(0).any(),
        |(key, x, v)| {
            let open = v.less_equal(0);
            let next_x = key.derived(1).first_words().normal(dtype);
            let next_v = 1 + &next_x * c;
            let next = key.derived(0);
            let next = Key { high: open.select(next.high, key.high), low: open.select(next.low, key.low) };
            (next, open.select(next_x, x), open.select(next_v, v))
        },
        (keys.clone(), zero, minus_one),
    );
    (x, v)
}
