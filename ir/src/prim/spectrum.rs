//! Fourier transforms as NumPy has them: with sizes, axes and a choice of scaling, and the frequencies they belong to.

use super::axes::{self, attempt};
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Dims;

/// Where the factor of a transform and its inverse stands. Of `n` points, a transform and its inverse together need `1 / n`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FftNorm {
    /// In the inverse.
    #[default]
    Backward,
    /// Half in each: `1 / sqrt(n)`.
    Ortho,
    /// In the forward transform.
    Forward,
}

impl FftNorm {
    /// The factor of a forward transform, which has none by itself.
    fn of_forward(self, points: usize) -> f64 {
        match self {
            FftNorm::Backward => 1.0,
            FftNorm::Ortho => (points as f64).sqrt().recip(),
            FftNorm::Forward => (points as f64).recip(),
        }
    }

    /// The factor of an inverse transform, which has `1 / n` by itself.
    fn of_inverse(self, points: usize) -> f64 {
        points as f64 * self.exchanged().of_forward(points)
    }

    /// Forward and backward exchanged.
    fn exchanged(self) -> FftNorm {
        match self {
            FftNorm::Backward => FftNorm::Forward,
            FftNorm::Ortho => FftNorm::Ortho,
            FftNorm::Forward => FftNorm::Backward,
        }
    }
}

/// Over which axes to transform, with how many points along each, and how to scale.
///
/// ```
/// use cotangent_ir::{Array, prim::spectrum::{FftNorm, Transform}};
/// let x = Array::from([3.0f64, 4.0]);
/// // Two zeros are appended.
/// assert_eq!(x.fftn(&Transform::new().sizes(&[4])).shape().unwrap()[..], [4]);
/// assert_eq!(x.fftn(&Transform::new().norm(FftNorm::Forward)).real().to_vec::<f64>().unwrap(), [3.5, -0.5]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transform {
    axes: Option<Vec<isize>>,
    sizes: Option<Vec<usize>>,
    norm: FftNorm,
}

impl Transform {
    /// Over all axes, with as many points as there are elements; the factor is in the inverse.
    pub fn new() -> Transform {
        Transform::default()
    }

    /// Over these axes; the last of them is the one that real transforms halve.
    pub fn axes(self, axes: &[isize]) -> Transform {
        Transform { axes: Some(axes.to_vec()), ..self }
    }

    /// With so many points along each of the axes; without axes, the last ones. What is longer is cut, what is shorter gets
    /// zeros behind it. Of an inverse real transform they are the sizes of the result.
    pub fn sizes(self, sizes: &[usize]) -> Transform {
        Transform { sizes: Some(sizes.to_vec()), ..self }
    }

    /// Scaled so.
    pub fn norm(self, norm: FftNorm) -> Transform {
        Transform { norm, ..self }
    }

    /// Axes as numbers, and sizes where they were given.
    fn resolve(&self, operation: &str, rank: usize) -> Result<(Dims, Option<&[usize]>)> {
        let sizes = self.sizes.as_deref();
        let axes = match (&self.axes, sizes) {
            (Some(axes), _) => axes::axes(operation, axes, rank)?,
            (None, Some(sizes)) => {
                let last: Vec<isize> = (1..=sizes.len() as isize).rev().map(|axis| -axis).collect();
                axes::axes(operation, &last, rank)?
            }
            (None, None) => (0..rank).collect(),
        };
        if axes.is_empty() || sizes.is_some_and(|sizes| sizes.len() != axes.len() || sizes.contains(&0)) {
            let message =
                format!("{sizes:?} points along the axes {axes:?}: at least one axis and one point each are needed");
            return Err(Error::new(ErrorKind::Argument, operation, message));
        }
        Ok((axes, sizes))
    }
}

impl Array {
    /// The discrete Fourier transform over several axes. See [`Transform`].
    #[track_caller]
    pub fn fftn(&self, transform: &Transform) -> Array {
        let shape = attempt!(self.shape());
        let (axes, sizes) = attempt!(transform.resolve("fftn", shape.len()));
        let x = resized(self, &axes, sizes.unwrap_or(&sizes_of(&shape, &axes)));
        let points = attempt!(points(&x, &axes));
        scaled(&x.fft(&signed(&axes)), transform.norm.of_forward(points))
    }

    /// The inverse of [`Array::fftn`].
    #[track_caller]
    pub fn ifftn(&self, transform: &Transform) -> Array {
        let shape = attempt!(self.shape());
        let (axes, sizes) = attempt!(transform.resolve("ifftn", shape.len()));
        let x = resized(self, &axes, sizes.unwrap_or(&sizes_of(&shape, &axes)));
        let points = attempt!(points(&x, &axes));
        scaled(&x.ifft(&signed(&axes)), transform.norm.of_inverse(points))
    }

    /// The Fourier transform of a real array over several axes, of which the last is halved, as [`Array::rfft`] does.
    #[track_caller]
    pub fn rfftn(&self, transform: &Transform) -> Array {
        let shape = attempt!(self.shape());
        let (axes, sizes) = attempt!(transform.resolve("rfftn", shape.len()));
        let x = resized(self, &axes, sizes.unwrap_or(&sizes_of(&shape, &axes)));
        let points = attempt!(points(&x, &axes));
        scaled(&x.rfft(&signed(&axes)), transform.norm.of_forward(points))
    }

    /// The inverse of [`Array::rfftn`]. Without sizes, the last of the axes gets the even number of points.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::spectrum::Transform};
    /// let x = Array::from([[1.0f64, 2.0, 4.0], [0.0, 3.0, 1.0]]);
    /// let spectrum = x.rfftn(&Transform::new());
    /// let same = spectrum.irfftn(&Transform::new().sizes(&[2, 3])).to_vec::<f64>().unwrap();
    /// assert!((same[2] - 4.0).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn irfftn(&self, transform: &Transform) -> Array {
        let shape = attempt!(self.shape());
        let (axes, sizes) = attempt!(transform.resolve("irfftn", shape.len()));
        let last = axes.len() - 1;
        let mut kept: Vec<usize> = match sizes {
            Some(sizes) => sizes.to_vec(),
            None => sizes_of(&shape, &axes),
        };
        let length = match sizes {
            Some(sizes) => sizes[last],
            None if kept[last] > 1 => 2 * (kept[last] - 1),
            None => {
                let message =
                    format!("one coefficient along axis {} of {shape:?} leaves no points; give sizes", axes[last]);
                return fail(ErrorKind::Shape, "irfftn", message);
            }
        };
        let points = kept[..last].iter().product::<usize>() * length;
        kept[last] = length / 2 + 1;
        let x = resized(self, &axes, &kept);
        scaled(&x.irfft(&signed(&axes), length), transform.norm.of_inverse(points))
    }

    /// The discrete Fourier transform over the last two axes.
    #[track_caller]
    pub fn fft2(&self) -> Array {
        self.fft(&[-2, -1])
    }

    /// The inverse of [`Array::fft2`].
    #[track_caller]
    pub fn ifft2(&self) -> Array {
        self.ifft(&[-2, -1])
    }

    /// The Fourier transform over the last axis of a signal whose spectrum is real: `x` is its first half, as the other one
    /// is conjugate to it. The result has `length` elements and is real.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64, 2.0]).hfft(2).to_vec::<f64>().unwrap(), [3.0, -1.0]);
    /// ```
    #[track_caller]
    pub fn hfft(&self, length: usize) -> Array {
        let transform = Transform::new().axes(&[-1]).sizes(&[length]).norm(FftNorm::Forward);
        self.conj().irfftn(&transform)
    }

    /// The inverse of [`Array::hfft`], of a real array.
    #[track_caller]
    pub fn ihfft(&self) -> Array {
        self.rfftn(&Transform::new().axes(&[-1]).norm(FftNorm::Forward)).conj()
    }

    /// The frequencies of the coefficients of [`Array::fft`] of `length` points `spacing` apart, in cycles per unit of that.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// let f = Array::fftfreq(4, 0.5, DType::F64);
    /// assert_eq!(f.to_vec::<f64>().unwrap(), [0.0, 0.5, -1.0, -0.5]);
    /// ```
    #[track_caller]
    pub fn fftfreq(length: usize, spacing: f64, dtype: DType) -> Array {
        let index = Array::arange(length, DType::I64);
        let signed = index.less(length.div_ceil(2)).select(&index, &index - length as i64);
        signed.astype(dtype) / (length as f64 * spacing)
    }

    /// The frequencies of the coefficients of [`Array::rfft`]: the first half of those of [`Array::fftfreq`], not negative.
    #[track_caller]
    pub fn rfftfreq(length: usize, spacing: f64, dtype: DType) -> Array {
        Array::arange(length / 2 + 1, DType::I64).astype(dtype) / (length as f64 * spacing)
    }
}

fn signed(axes: &[usize]) -> Vec<isize> {
    axes.iter().map(|&axis| axis as isize).collect()
}

fn sizes_of(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    axes.iter().map(|&axis| shape[axis]).collect()
}

/// The number of points of a transform over axes.
fn points(x: &Array, axes: &[usize]) -> Result<usize> {
    let shape = x.shape()?;
    Ok(axes.iter().map(|&axis| shape[axis]).product())
}

/// The array cut, or with zeros appended, along axes.
#[track_caller]
fn resized(x: &Array, axes: &[usize], sizes: &[usize]) -> Array {
    let shape = attempt!(x.shape());
    let mut widths = vec![(0, 0, 0); shape.len()];
    for (&axis, &size) in axes.iter().zip(sizes) {
        widths[axis].1 = size as i64 - shape[axis] as i64;
    }
    x.pad_zeros(&widths)
}

#[track_caller]
fn scaled(x: &Array, factor: f64) -> Array {
    if factor == 1.0 { x.clone() } else { x * factor }
}
