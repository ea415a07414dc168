//! Measures of how near an image is to a reference.
//!
//! All take arrays of one shape, or block arrays of the same shapes, real or complex, and give a 0-d real array: they are
//! traced, differentiated and batched like any function. Of block arrays they are those of all elements together. Equal
//! images have an infinite signal-to-noise ratio.
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

use crate::inner::{divide_or_zero, mean, norm, zip};
use crate::{Array, ErrorKind, Variable, stack};

/// Mean absolute error, `mean |r − c|`.
#[track_caller]
pub fn mae<X: Variable>(reference: &X, image: &X) -> Array {
    mean(&difference("mae", reference, image).map_leaves(|leaf| leaf.abs()))
}

/// Mean squared error, `mean |r − c|²`.
#[track_caller]
pub fn mse<X: Variable>(reference: &X, image: &X) -> Array {
    mean_square(&difference("mse", reference, image))
}

/// Signal-to-noise ratio in decibels, `10 log₁₀(var(r) / mse)`, with the population variance.
#[track_caller]
pub fn snr<X: Variable>(reference: &X, image: &X) -> Array {
    decibels(variance(reference) / mse(reference, image))
}

/// Peak signal-to-noise ratio in decibels, `10 log₁₀(range² / mse)`. The range is that of the reference, `max r − min r`,
/// unless given.
#[track_caller]
pub fn psnr<X: Variable>(reference: &X, image: &X, range: Option<f64>) -> Array {
    let error = mse(reference, image);
    match range {
        Some(range) => decibels(range * range / error),
        None => {
            let over = |extreme: fn(&Array) -> Array| {
                let each: Vec<Array> = reference.leaves().iter().map(extreme).collect();
                extreme(&stack(&each, 0))
            };
            decibels((over(Array::max) - over(Array::min)).square() / error)
        }
    }
}

/// Improvement of the signal-to-noise ratio in decibels, `10 log₁₀(mse(r, degraded) / mse(r, restored))`.
#[track_caller]
pub fn isnr<X: Variable>(reference: &X, degraded: &X, restored: &X) -> Array {
    decibels(mse(reference, degraded) / mse(reference, restored))
}

/// Blurred signal-to-noise ratio in decibels, `10 log₁₀(var(b) / var(noisy − b))`.
#[track_caller]
pub fn bsnr<X: Variable>(blurry: &X, noisy: &X) -> Array {
    decibels(variance(blurry) / variance(&difference("bsnr", noisy, blurry)))
}

/// Relative residual, `‖b − a‖ / max(‖a‖, ‖b‖)`, 0 where both are 0.
#[track_caller]
pub fn rel_res<X: Variable>(a: &X, b: &X) -> Array {
    divide_or_zero(&norm(&difference("rel_res", b, a)), &norm(a).maximum(norm(b)))
}

/// `a − b`, of equal shapes: a metric of images that broadcast would be a mistake.
#[track_caller]
fn difference<X: Variable>(operation: &str, a: &X, b: &X) -> X {
    zip(operation, a, b, |a, b| match (a.ty(), b.ty()) {
        (Ok(first), Ok(second)) if first.shape != second.shape => {
            let message = format!("images {first} and {second} differ in shape; crop, pad or reshape one of them");
            cotangent_ir::fail(ErrorKind::Shape, operation, message)
        }
        _ => a - b,
    })
}

#[track_caller]
fn variance<X: Variable>(x: &X) -> Array {
    let centre = mean(x);
    mean_square(&x.map_leaves(|leaf| leaf - &centre))
}

#[track_caller]
fn mean_square<X: Variable>(x: &X) -> Array {
    mean(&x.map_leaves(|leaf| leaf.abs2()))
}

#[track_caller]
fn decibels(ratio: Array) -> Array {
    ratio.log() * (10.0 / std::f64::consts::LN_10)
}
