//! Images moved so that their centre of mass is in the middle.

use crate::{Array, DType, Error, ErrorKind, Result};

/// How an image is interpolated between its elements: by a kernel of the distance, along one axis after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Resampling {
    /// `1 − |x|` within 1.
    Linear,
    /// The cubic convolution of Keys with `a = −½`, within 2.
    Cubic,
    /// `sinc(x) sinc(x / 3)` within 3.
    #[default]
    Lanczos3,
    /// `sinc(x) sinc(x / 5)` within 5.
    Lanczos5,
}

impl Resampling {
    /// The kernel at distances that are not negative.
    fn kernel(self, x: &Array) -> Array {
        let lanczos = |radius: f64| x.greater(radius).select(0.0, x.sinc() * (x / radius).sinc());
        match self {
            Resampling::Linear => (1.0 - x).maximum(0.0),
            Resampling::Cubic => {
                let near = (1.5 * x - 2.5) * x * x + 1.0;
                let far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
                x.less(1.0).select(near, x.less(2.0).select(far, 0.0))
            }
            Resampling::Lanczos3 => lanczos(3.0),
            Resampling::Lanczos5 => lanczos(5.0),
        }
    }
}

/// The centre of mass `Σ_i i v_i / Σ_i v_i` of a real array, one index for each axis; 0 where `Σ_i v_i = 0`.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::linop::xray::image_centroid;
/// let image = Array::ones(&[2, 3], DType::F32).pad_zeros(&[(0, 2, 0), (0, 2, 0)]);
/// assert_eq!(image_centroid(&image)?.to_vec::<f32>()?, [0.5, 1.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An array that is complex, has no axes or no elements.
pub fn image_centroid(v: &Array) -> Result<Array> {
    let (v, shape) = checked("image_centroid", v)?;
    let total = v.sum();
    let empty = total.equal(0.0);
    let moments = (0..shape.len()).map(|axis| {
        let others: Vec<isize> = (0..shape.len()).filter(|&other| other != axis).map(|other| other as isize).collect();
        let profile = if others.is_empty() { v.clone() } else { v.sum_axes(&others) };
        let moment = (profile * Array::arange(shape[axis], v.dtype().unwrap_or(DType::F32))).sum();
        empty.select(0.0, moment / empty.select(1.0, &total))
    });
    let moments: Vec<Array> = moments.collect();
    Ok(crate::stack(&moments, 0))
}

/// How far the centre of mass is from the middle, `(n − 1) / 2`, along each axis; 0 where `Σ_i v_i = 0`.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::linop::xray::centroid_offset;
/// let image = Array::ones(&[2, 3], DType::F32).pad_zeros(&[(0, 2, 0), (0, 2, 0)]);
/// assert_eq!(centroid_offset(&image)?.to_vec::<f32>()?, [-1.0, -1.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`image_centroid`].
pub fn centroid_offset(v: &Array) -> Result<Array> {
    let (v, shape) = checked("centroid_offset", v)?;
    let middle: Vec<f64> = shape.iter().map(|&extent| (extent as f64 - 1.0) / 2.0).collect();
    let offset = image_centroid(&v)? - Array::from(middle).astype(v.dtype()?);
    Ok(v.sum().equal(0.0).select(0.0, offset))
}

/// An image moved along some axes, or all for `None`, so that its centre of mass is in the middle.
///
/// Along an axis, element `o` is the mean of the elements `n` with weights `K(o + d − n)`, where `d` is the
/// [offset](centroid_offset) of the centre of mass and `K` the kernel; weights are divided by their sum. What comes from
/// outside of the image is 0.
///
/// ```
/// use cotangent::Array;
/// use cotangent::linop::xray::{Resampling, center_image};
/// let image = Array::from([0.0f32, 1.0, 1.0, 0.0, 0.0]);
/// let centred = center_image(&image, None, Resampling::Linear)?;
/// assert_eq!(centred.to_vec::<f32>()?, [0.0, 0.5, 1.0, 0.5, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`image_centroid`]; an axis that is out of range or named twice.
pub fn center_image(v: &Array, axes: Option<&[isize]>, resampling: Resampling) -> Result<Array> {
    let (v, shape) = checked("center_image", v)?;
    let rank = shape.len() as isize;
    let axes: Vec<isize> = axes.map_or_else(|| (0..rank).collect(), <[isize]>::to_vec);
    let numbered: Vec<isize> = axes.iter().map(|&axis| if axis < 0 { axis + rank } else { axis }).collect();
    let twice = (1..numbered.len()).any(|later| numbered[..later].contains(&numbered[later]));
    if twice || numbered.iter().any(|axis| !(0..rank).contains(axis)) {
        let message = format!("axes {axes:?} of an array of {rank} axes; name each at most once, from {} on", -rank);
        return Err(Error::new(ErrorKind::Argument, "center_image", message));
    }
    let offsets = centroid_offset(&v)?;
    Ok(numbered.into_iter().fold(v, |image, axis| {
        let weights = weights(shape[axis as usize], &offsets.index_axis(0, axis), resampling);
        weights.tensordot(&image, (&[1], &[axis])).move_axis(0, axis)
    }))
}

/// The matrix that moves an axis: a row for each element of the result.
fn weights(extent: usize, offset: &Array, resampling: Resampling) -> Array {
    let dtype = offset.dtype().unwrap_or(DType::F32);
    let from = Array::iota(&[extent, 1], 0, dtype) + offset;
    let kernel = resampling.kernel(&(&from - Array::iota(&[1, extent], 1, dtype)).abs());
    let sums = kernel.sum_axes(&[1]).reshape(&[extent, 1]);
    let outside = from.less(-0.5) | from.greater(extent as f64 - 0.5) | sums.abs().less(1e-4);
    outside.select(0.0, kernel / outside.select(1.0, sums))
}

/// The image in floating point, and its shape.
fn checked(operation: &str, v: &Array) -> Result<(Array, Vec<usize>)> {
    let ty = v.ty()?;
    if ty.dtype.is_complex() {
        let message = format!("takes real arrays, got {ty}; take `real()` or `abs()`");
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    if ty.rank() == 0 || ty.is_empty() {
        let message = format!("takes arrays with axes and elements, got {ty}");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    let v = if ty.dtype.is_inexact() { v.clone() } else { v.astype(DType::F32) };
    Ok((v, ty.shape.to_vec()))
}
