//! X-ray transforms: parallel beams through planes and volumes, the Abel transform, cone beams through axially symmetric
//! objects, and the reconstructions that belong to them.
//!
//! An image is drawn with row 0 on top. A parallel beam at angle `θ` meets the detector at `i cos θ + j sin θ` from the
//! image of the centre, `i` rows and `j` columns from the centre of the image: at 0 every row is summed, at `π / 2` every
//! column, at `π / 4` every antidiagonal. Projectors preserve mass: a pixel spreads its value over bins with weights whose
//! sum is 1 in every view, so that line integrals in units of the bin width are the projections times the area of a pixel.
//!
//! No projector stores its matrix, nor positions: the arithmetic that finds the bins of a pixel is part of the program, and
//! is fused with the loads and additions that use them. Where forward and adjoint are both written out, it is because each
//! is then one pass over pixels and views.

mod abel;
mod alignment;
mod centring;
mod cone;
mod euler;
mod filter;
mod plane;
mod symmetric;
mod taps;
mod volume;

pub use abel::AbelTransform;
pub use alignment::{AlignmentSearch, rotate_volume, rotate_volume_onto};
pub use centring::{Resampling, center_image, centroid_offset, image_centroid};
pub use cone::SymConeXRayTransform;
pub use euler::EulerAngles;
pub use plane::XRayTransform2D;
pub use symmetric::AxiallySymmetricVolume;
pub use volume::XRayTransform3D;

use crate::{Error, ErrorKind, Result, Type};

/// Refuses input that has not `rank` axes, none of them empty, of floating point elements.
fn check_input(operation: &str, input: &Type, ranks: &[usize]) -> Result<()> {
    if !input.dtype.is_inexact() {
        let message = format!("takes floating point arrays, got {input}; use `DType::F32` or `DType::F64`");
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    if !ranks.contains(&input.rank()) {
        let ranks: Vec<String> = ranks.iter().map(ToString::to_string).collect();
        let message = format!("takes arrays of {} axes, got {input}; reshape it", ranks.join(" or "));
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    if input.is_empty() {
        let message = format!("{input} has no elements, at least one is needed");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    Ok(())
}

/// Refuses numbers that are not finite and greater than 0.
fn check_positive(operation: &str, what: &str, numbers: &[f64]) -> Result<()> {
    match numbers.iter().find(|number| !(number.is_finite() && **number > 0.0)) {
        Some(number) => {
            let message = format!("{what} is {number}; give a finite number greater than 0");
            Err(Error::new(ErrorKind::Argument, operation, message))
        }
        None => Ok(()),
    }
}

/// Refuses numbers that are not finite.
fn check_finite(operation: &str, what: &str, numbers: &[f64]) -> Result<()> {
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => {
            let message = format!("{what} is {number}; give a finite number");
            Err(Error::new(ErrorKind::Argument, operation, message))
        }
        None => Ok(()),
    }
}

/// Refuses a detector without bins.
fn check_detector(operation: &str, extents: &[usize]) -> Result<()> {
    if extents.contains(&0) {
        let message = format!("a detector of extents {extents:?} has no bins; give at least 1 along each axis");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    Ok(())
}
