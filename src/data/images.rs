//! What is done to images and volumes on the way to a problem, and to look at them.

use super::check_number;
use crate::random::{Key, uniform_between};
use crate::{Array, DType, Error, ErrorKind, Result, concatenate};

/// The brightness of a picture whose last axis is red, green and blue: `0.299 r + 0.587 g + 0.114 b`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::data::grey;
/// let picture = Array::from([[1.0f64, 0.0, 0.0], [1.0, 1.0, 1.0]]);
/// let brightness = grey(&picture)?.to_vec::<f64>()?;
/// assert!((brightness[0] - 0.299).abs() < 1e-12 && (brightness[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// Pictures of another number of colours, or without axes.
pub fn grey(picture: &Array) -> Result<Array> {
    let ty = picture.ty()?;
    if ty.shape.last() != Some(&3) {
        let message = format!("takes pictures whose last axis has three colours, got {ty}");
        return Err(Error::new(ErrorKind::Shape, "grey", message));
    }
    let colour = |channel: isize| picture.index_axis(-1, channel);
    Ok(0.299 * colour(0) + 0.587 * colour(1) + 0.114 * colour(2))
}

/// The means of blocks of `rate` elements along each axis.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::data::downsample;
/// let volume = Array::arange(64, DType::F32).reshape(&[4, 4, 4]);
/// let coarse = downsample(&volume, 2)?;
/// assert_eq!(coarse.to_vec::<f32>()?, [10.5, 12.5, 18.5, 20.5, 42.5, 44.5, 50.5, 52.5]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A rate of 0, or one that does not divide every extent.
pub fn downsample(x: &Array, rate: usize) -> Result<Array> {
    let shape = x.shape()?;
    if rate == 0 || shape.iter().any(|extent| extent % rate != 0) {
        let message = format!("blocks of {rate} do not divide the shape {shape:?}; crop or pad it to a multiple");
        return Err(Error::new(ErrorKind::Argument, "downsample", message));
    }
    let split: Vec<usize> = shape.iter().flat_map(|&extent| [extent / rate, rate]).collect();
    let within: Vec<isize> = (0..shape.len()).map(|axis| 2 * axis as isize + 1).collect();
    let sums = x.reshape(&split).sum_axes(&within);
    Ok(sums / (rate as f64).powi(shape.len() as i32))
}

/// An image with a fraction of its elements, drawn at random, replaced: half of them by `low`, half by `high`.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::data::salt_and_pepper;
/// use cotangent::random::Key;
/// let image = Array::ones(&[100, 100], DType::F32) * 0.5;
/// let noisy = salt_and_pepper(&Key::new(0), &image, 0.2, 0.0, 1.0)?;
/// assert!((noisy.equal(0.0).astype(DType::F32).mean().item()? - 0.1).abs() < 0.02);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A fraction that is not within 0 and 1; the error the image stands for.
pub fn salt_and_pepper(key: &Key, image: &Array, fraction: f64, low: f64, high: f64) -> Result<Array> {
    check_number("salt_and_pepper", "the fraction", fraction, (0.0..=1.0).contains(&fraction), "a number from 0 to 1")?;
    let draw = uniform_between(key, &image.shape()?, DType::F32, -1.0, 1.0);
    let peppered = draw.less(fraction - 1.0).select(low, image);
    Ok(draw.greater(1.0 - fraction).select(high, peppered))
}

/// How far two phases are apart, in radians from 0 to π: `min(m, 2 π − m)` with `m = |x − y| mod 2 π`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::data::phase_difference;
/// let apart = phase_difference(&Array::from(0.1f64), &Array::from(6.2f64)).item()?;
/// assert!((apart - 0.1831853).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn phase_difference(x: &Array, y: &Array) -> Array {
    let turn = std::f64::consts::TAU;
    let apart = (x - y).abs().remainder(turn);
    apart.minimum(turn - &apart)
}

/// The three sections through the middle of a volume as one image: that of the first two axes, beside it that of the first
/// and third, below it that of the second and third, transposed. Between them is a gap, filled with the greatest value. A
/// fourth axis is that of colours.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::data::tile_sections;
/// let image = tile_sections(&Array::arange(24, DType::F32).reshape(&[2, 3, 4]), 1)?;
/// assert_eq!(image.shape()?[..], [7, 8]);
/// assert_eq!(image.index_axis(0, 0).to_vec::<f32>()?, [2.0, 6.0, 10.0, 23.0, 4.0, 5.0, 6.0, 7.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// What has not three or four axes, or no elements.
pub fn tile_sections(volume: &Array, gap: usize) -> Result<Array> {
    let ty = volume.ty()?;
    if !(3..=4).contains(&ty.rank()) || ty.is_empty() {
        let message = format!("takes volumes of three axes, or four with colours, with elements; got {ty}");
        return Err(Error::new(ErrorKind::Shape, "tile_sections", message));
    }
    let section = |axis: usize| volume.index_axis(axis as isize, (ty.shape[axis] / 2) as isize);
    let most = volume.max();
    let filled = |rows: usize, columns: usize| {
        let extents: Vec<usize> = [rows, columns].into_iter().chain(ty.shape[3..].iter().copied()).collect();
        most.broadcast_to(&extents)
    };
    let [first, second, third] = [ty.shape[0], ty.shape[1], ty.shape[2]];
    let above = concatenate(&[section(2), filled(first, gap), section(1)], 1);
    let below = concatenate(&[section(0).swap_axes(0, 1), filled(third, gap + third)], 1);
    Ok(concatenate(&[above, filled(gap, second + gap + third), below], 0))
}
