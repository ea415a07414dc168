//! Pictures to try things on: photographs, and phantoms, whose every element is known.
//!
//! A phantom is described in numbers of its own and [drawn](SheppLogan::image) on a grid of any extents, so that the same
//! object is had coarse and fine. Grids have the first axis downwards and the second to the right, as images are shown; a
//! dtype is `f32` or `f64`. Random phantoms are functions of a [`Key`](crate::random::Key): one key always gives one
//! phantom. They cannot be drawn inside of a trace, where the elements of a key are not known.
//!
//! | phantom | is for |
//! |---|---|
//! | [`SheppLogan`] | tomography of a head, of planes and volumes |
//! | [`Foam`], [`SphereFoam`] | tomography of porous material |
//! | [`SiemensStar`] | resolution: spokes that narrow towards the centre |
//! | [`Rings`], [`distances`] | objects with symmetry about an axis or a point |
//! | [`tangle`], [`blocks`] | volumes without symmetry, smooth and piecewise constant |
//! | [`disc_filters`], [`sparse_maps`] | convolutional sparse coding |
//! | [`gaussian`] | blurs |
//!
//! Images are brought to a problem with [`grey`], [`downsample`] and [`salt_and_pepper`], and volumes looked at with
//! [`tile_sections`].

mod foam;
mod images;
mod kernel;
#[cfg(feature = "photographs")]
mod photograph;
mod rings;
mod shepp_logan;
mod sparse;
mod spheres;
mod star;
mod volume;

pub use foam::{Bubble, Foam};
pub use images::{downsample, grey, phase_difference, salt_and_pepper, tile_sections};
pub use kernel::gaussian;
#[cfg(feature = "photographs")]
pub use photograph::Photograph;
pub use rings::{Rings, distances};
pub use shepp_logan::SheppLogan;
pub use sparse::{disc_filters, sparse_maps};
pub use spheres::SphereFoam;
pub use star::SiemensStar;
pub use volume::{blocks, tangle};

use crate::{Array, DType, Error, ErrorKind, Result, Scalar, Tensor, Type};

/// Refuses what is no grid to draw on: of another number of axes, of none elements, of a dtype that has no fractions.
fn check_grid(operation: &str, shape: &[usize], ranks: std::ops::RangeInclusive<usize>, dtype: DType) -> Result<()> {
    if !dtype.is_float() {
        let message = format!("is drawn in f32 or f64, not {dtype}; convert it with `astype`");
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    if !ranks.contains(&shape.len()) {
        let message = format!("is drawn on {} to {} axes, got the shape {shape:?}", ranks.start(), ranks.end());
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    if shape.contains(&0) {
        let message = format!("the shape {shape:?} has no elements; give extents of at least 1");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    Ok(())
}

/// Refuses a number that is not finite or does not have a property, which is told in words.
fn check_number(operation: &str, what: &str, number: f64, fits: bool, wanted: &str) -> Result<()> {
    if number.is_finite() && fits {
        return Ok(());
    }
    let message = format!("{what} is {number}; give {wanted}");
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// An array of what a function of the position gives.
fn drawn(shape: &[usize], dtype: DType, mut value: impl FnMut(&[usize]) -> f64) -> Array {
    let mut place = vec![0; shape.len()];
    Array::from_tensor(Tensor::from_fn(Type::new(dtype, shape), |position| {
        let mut rest = position;
        for (place, &extent) in place.iter_mut().zip(shape).rev() {
            *place = rest % extent;
            rest /= extent;
        }
        Scalar::real(dtype, value(&place))
    }))
}

/// The centre of element `place` on an axis whose middle is 0, in elements.
fn from_middle(place: usize, extent: usize) -> f64 {
    place as f64 - (extent as f64 - 1.0) / 2.0
}

/// Points spread evenly over a unit cube around 0, `side` along each axis: places within an element at which it is looked
/// at, so that an element on an edge gets its share of both sides.
fn samples_within(axes: usize, side: usize) -> Vec<Vec<f64>> {
    let offset = |digit: usize| (digit as f64 + 0.5) / side as f64 - 0.5;
    let digits = |number: usize| (0..axes).map(move |axis| number / side.pow(axis as u32) % side);
    (0..side.pow(axes as u32)).map(|number| digits(number).map(offset).collect()).collect()
}
