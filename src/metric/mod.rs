//! Measures of how near an image is to a reference.
//!
//! All take arrays of one shape, real or complex, and give a 0-d real array: they are traced, differentiated and batched
//! like any function. Equal images have an infinite signal-to-noise ratio.
//!
//! ```
//! use cotangent::{Array, metric};
//! let reference = Array::from(vec![1.0f32, 2.0, 3.0, 4.0]);
//! let image = Array::from(vec![1.0f32, 2.0, 3.0, 5.0]);
//! assert_eq!(metric::mae(&reference, &image).item()?, 0.25);
//! assert_eq!(metric::mse(&reference, &image).item()?, 0.25);
//! assert!((metric::snr(&reference, &image).item()? - 6.98970).abs() < 1e-4);
//! assert!((metric::psnr(&reference, &image, None).item()? - 15.563025).abs() < 1e-4);
//! assert!((metric::psnr(&reference, &image, Some(255.0)).item()? - 54.151405).abs() < 1e-4);
//! # Ok::<(), cotangent::Error>(())
//! ```

use crate::inner::{divide_or_zero, norm};
use crate::{Array, ErrorKind};

/// Mean absolute error, `mean |r − c|`.
#[track_caller]
pub fn mae(reference: &Array, image: &Array) -> Array {
    difference("mae", reference, image).abs().mean()
}

/// Mean squared error, `mean |r − c|²`.
#[track_caller]
pub fn mse(reference: &Array, image: &Array) -> Array {
    difference("mse", reference, image).abs2().mean()
}

/// Signal-to-noise ratio in decibels, `10 log₁₀(var(r) / mse)`, with the population variance.
#[track_caller]
pub fn snr(reference: &Array, image: &Array) -> Array {
    decibels(variance(reference) / mse(reference, image))
}

/// Peak signal-to-noise ratio in decibels, `10 log₁₀(range² / mse)`. The range is that of the reference, `max r − min r`,
/// unless given.
#[track_caller]
pub fn psnr(reference: &Array, image: &Array, range: Option<f64>) -> Array {
    let error = mse(reference, image);
    match range {
        Some(range) => decibels(range * range / error),
        None => decibels((reference.max() - reference.min()).square() / error),
    }
}

/// Improvement of the signal-to-noise ratio in decibels, `10 log₁₀(mse(r, degraded) / mse(r, restored))`.
#[track_caller]
pub fn isnr(reference: &Array, degraded: &Array, restored: &Array) -> Array {
    decibels(mse(reference, degraded) / mse(reference, restored))
}

/// Blurred signal-to-noise ratio in decibels, `10 log₁₀(var(b) / var(noisy − b))`.
#[track_caller]
pub fn bsnr(blurry: &Array, noisy: &Array) -> Array {
    decibels(variance(blurry) / variance(&difference("bsnr", noisy, blurry)))
}

/// Relative residual, `‖b − a‖ / max(‖a‖, ‖b‖)`, 0 where both are 0.
#[track_caller]
pub fn rel_res(a: &Array, b: &Array) -> Array {
    divide_or_zero(&norm(&difference("rel_res", b, a)), &norm(a).maximum(norm(b)))
}

/// `a − b`, of equal shapes: a metric of images that broadcast would be a mistake.
#[track_caller]
fn difference(operation: &str, a: &Array, b: &Array) -> Array {
    match (a.ty(), b.ty()) {
        (Ok(first), Ok(second)) if first.shape != second.shape => {
            let message = format!("images {first} and {second} differ in shape; crop, pad or reshape one of them");
            cotangent_ir::fail(ErrorKind::Shape, operation, message)
        }
        _ => a - b,
    }
}

#[track_caller]
fn variance(x: &Array) -> Array {
    (x - x.mean()).abs2().mean()
}

#[track_caller]
fn decibels(ratio: Array) -> Array {
    ratio.log() * (10.0 / std::f64::consts::LN_10)
}
