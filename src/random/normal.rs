//! Normal distributions: standard, truncated, and of several variables.

use super::erf_inv::erf_inv;
use super::{Key, each, float, float_sample, parameter, sample};
use cotangent_ir::{Array, DType, ErrorKind, IntoOperand, fail};
use std::f64::consts::SQRT_2;

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
        false => key.words_of_counters(count).normal(dtype),
        true => {
            let part = |j| key.derived(j).words_of_counters(count).normal(dtype.real()) / SQRT_2;
            Array::complex(part(0), part(1))
        }
    })
}

/// Numbers of the standard normal distribution restricted to the open interval from `lower` to `upper`, `f32` or `f64`.
///
/// ```
/// use cotangent::{DType, random::{Key, truncated_normal}};
/// let x = truncated_normal(&Key::new(0), &[100], DType::F32, -1.0, 2.0);
/// assert!(x.greater(-1).all().to_bools()?[0] && x.less(2).all().to_bools()?[0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn truncated_normal(
    key: &Key,
    shape: &[usize],
    dtype: DType,
    lower: impl IntoOperand,
    upper: impl IntoOperand,
) -> Array {
    let (lower, upper) = (parameter(dtype, lower), parameter(dtype, upper));
    float_sample("truncated_normal", key, shape, dtype, |key, count| {
        let (lower, upper) = (each(&lower, shape), each(&upper, shape));
        let (low, high) = ((&lower / SQRT_2).erf(), (&upper / SQRT_2).erf());
        let x = erf_inv(&key.words_of_counters(count).between(&low, &high)) * SQRT_2;
        // Rounding must not lead out of the interval.
        let inside = |bound: Array, direction: f64| bound.stop_gradient().nextafter(direction);
        x.maximum(inside(lower, f64::INFINITY)).minimum(inside(upper, f64::NEG_INFINITY))
    })
}

/// Vectors of the normal distribution with the given means, vectors `[.., n]`, and covariances, symmetric positive definite
/// matrices `[.., n, n]`, of their dtype: `shape + [n]`. The vectors are `mean + L z` with the Cholesky factor `L` of the
/// covariance and standard normal `z`.
///
/// ```
/// use cotangent::{Array, random::{Key, multivariate_normal}};
/// let mean = Array::from([1.0f64, -1.0]);
/// let x = multivariate_normal(&Key::new(0), &[5000], &mean, &Array::from([[2.0f64, 0.5], [0.5, 1.0]]));
/// assert!((x.mean_axes(&[0]) - mean).abs().max().item()? < 0.1);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn multivariate_normal(key: &Key, shape: &[usize], mean: &Array, covariance: &Array) -> Array {
    let types = mean.ty().and_then(|mean| covariance.ty().map(|covariance| (mean, covariance)));
    let (mean_type, covariance_type) = match types {
        Ok(types) => types,
        Err(error) => return Array::from_error(error),
    };
    let dtype = mean_type.dtype.promote(covariance_type.dtype);
    let Some(&n) = mean_type.shape.last() else {
        return fail(ErrorKind::Shape, "multivariate_normal", "the mean is a scalar; pass vectors `[.., n]`");
    };
    if !covariance_type.shape.ends_with(&[n, n]) {
        let message = format!("means {mean_type} need covariances [.., {n}, {n}], given are {covariance_type}");
        return fail(ErrorKind::Shape, "multivariate_normal", message);
    }
    let whole = [shape, &[n]].concat();
    float_sample("multivariate_normal", key, &whole, dtype, |key, count| {
        let factor = covariance.astype(dtype).cholesky();
        let z = key.words_of_counters(count).normal(dtype).reshape(&whole).expand_dims(-1);
        (mean + factor.matmul(&z).squeeze(-1)).broadcast_to(&whole)
    })
}
