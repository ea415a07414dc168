//! Circular convolution, in the Fourier domain.
//!
//! An operator holds the transform `ĥ` of its filter. Where input and output are real, so is the filter, and it holds the
//! first half of the last axis only: `realfft` halves work and memory. The adjoint multiplies by `conj(ĥ)` and sums over
//! the axes along which the input was repeated, before it transforms back.

use super::{LinOp, LinearOperator, Structure, accept_shape, accept_type, broadcast_shape, project, sum_to};
use crate::{Array, DType, Error, ErrorKind, Factor, Result, Scalar, Tensor, Type};
use num_complex::Complex;

/// The filter of a circular convolution: its elements and the place of its origin, or its transform.
#[derive(Clone, Debug)]
pub struct Filter {
    elements: Array,
    is_transform: bool,
    center: Option<Vec<f64>>,
    axes: Option<usize>,
}

impl Filter {
    /// A filter given by its elements, the first of which is the origin. It is padded with zeros, or cropped, to the
    /// extents of the input.
    pub fn new(elements: impl Into<Array>) -> Filter {
        Filter { elements: elements.into(), is_transform: false, center: None, axes: None }
    }

    /// A filter given by its transform (unscaled forward FFT), of the extents of the input. For real input its real part
    /// (as a filter) is used.
    pub fn transform(spectrum: impl Into<Array>) -> Filter {
        Filter { is_transform: true, ..Filter::new(spectrum) }
    }

    /// Makes the element at `center` the origin, an index for each convolved axis. Between elements, the filter is shifted
    /// by its trigonometric interpolation, with `cos(π c)` at the frequency `N / 2` of an even extent.
    pub fn center(self, center: &[f64]) -> Filter {
        Filter { center: Some(center.to_vec()), ..self }
    }

    /// Convolves the last `count` axes only; the leading ones of filter and input broadcast.
    pub fn axes(self, count: usize) -> Filter {
        Filter { axes: Some(count), ..self }
    }
}

impl From<Array> for Filter {
    fn from(elements: Array) -> Filter {
        Filter::new(elements)
    }
}

impl From<&Array> for Filter {
    fn from(elements: &Array) -> Filter {
        Filter::new(elements.clone())
    }
}

/// `x ↦ F⁻¹(ĥ ⊙ F x)` over the last axes, with `ĥ` the transform of a filter.
///
/// The output shape is that of `ĥ` and the input broadcast together: one filter for a stack of inputs, several for one
/// input, or one each. Input and output are real if input and filter are.
///
/// ```
/// use cotangent::linop::{CircularConvolve, Filter, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let x = Array::from(vec![1.0f32, 0.0, 0.0, 2.0, -1.0]);
/// let h = Array::from(vec![1.0f32, 2.0, 3.0]);
/// let a = CircularConvolve::new(Filter::new(h).center(&[1.0]), Type::new(DType::F32, &[5]))?;
/// let y = a.apply(&x).to_vec::<f32>()?;
/// for (given, wanted) in y.iter().zip([-1.0, 3.0, 2.0, 3.0, 5.0]) {
///     assert!((given - wanted).abs() < 1e-5);
/// }
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CircularConvolve {
    /// `ĥ`; the half spectrum where `real`.
    spectrum: Array,
    input: Type,
    output: Type,
    /// Number of trailing axes convolved.
    axes: usize,
    real: bool,
}

const NAME: &str = "CircularConvolve";

impl CircularConvolve {
    /// The convolution of arrays of type `input` with a filter.
    ///
    /// # Errors
    /// More convolved axes than the input or the filter has, or none; a center that has not one index for each of them, or
    /// that comes with a transform; a transform of other extents than the input; leading axes that do not broadcast; a
    /// dtype that is neither real nor complex floating point.
    pub fn new(filter: impl Into<Filter>, input: Type) -> Result<CircularConvolve> {
        let Filter { elements, is_transform, center, axes } = filter.into();
        let axes = axes.unwrap_or(input.rank());
        let h = elements.ty()?;
        check_filter(&h, &input, axes, is_transform, center.as_deref())?;
        let given = if is_transform { DType::F32 } else { h.dtype };
        let dtype = input.dtype.promote(given);
        let real = !dtype.is_complex();
        let lead = &h.shape[..h.rank() - axes];
        let extents = &input.shape[input.rank() - axes..];
        let shape = broadcast_shape(NAME, &[lead, extents].concat(), &input.shape)?;
        let output = Type::new(dtype, &shape);
        let frame = CircularConvolve { spectrum: elements.clone(), input, output, axes, real };
        let spectrum = match (is_transform, real) {
            (true, false) => elements.astype(complex(dtype)?),
            (true, true) => frame.forward(&elements.astype(complex(dtype)?).ifft(&frame.trailing()).real()),
            (false, _) => frame.forward(&frame.fitted(&elements)),
        };
        let spectrum = match center {
            Some(center) => frame.shifted(&spectrum, &center),
            None => spectrum,
        };
        Ok(CircularConvolve { spectrum, ..frame })
    }

    /// The convolution that a shift-invariant operator is, found from its response to an impulse in the middle of the
    /// last `axes` axes (all if `None`). That the operator is shift-invariant is not checked.
    ///
    /// ```
    /// use cotangent::linop::{Boundary, CircularConvolve, FiniteDifference, LinOp, LinearOperator, adjoint_error};
    /// use cotangent::{DType, Type};
    /// let d = LinOp::from(FiniteDifference::new(Type::new(DType::F32, &[4, 5]), Boundary::CIRCULAR)?);
    /// let convolution = CircularConvolve::from_operator(&d, None)?;
    /// assert_eq!(convolution.output_type().shape[..], [2, 4, 5]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`CircularConvolve::new`].
    pub fn from_operator(operator: &LinOp, axes: Option<usize>) -> Result<CircularConvolve> {
        let input = operator.input_type();
        let axes = axes.unwrap_or(input.rank());
        if axes > input.rank() {
            return Err(too_many_axes(axes, &input));
        }
        let extents = &input.shape[input.rank() - axes..];
        let middle: Vec<usize> = extents.iter().map(|extent| extent / 2).collect();
        let at = extents.iter().zip(&middle).fold(0, |at, (extent, index)| at * extent + index);
        let block: usize = extents.iter().product();
        let impulse = Tensor::from_fn(input.clone(), |position| {
            if position % block == at { Scalar::one(input.dtype) } else { Scalar::zero(input.dtype) }
        });
        let response = operator.apply(&Array::from_tensor(impulse));
        let center: Vec<f64> = middle.iter().map(|&index| index as f64).collect();
        CircularConvolve::new(Filter::new(response).center(&center).axes(axes), input)
    }

    /// Number of trailing axes convolved.
    pub fn convolved_axes(&self) -> usize {
        self.axes
    }

    /// The transform of the filter; the first half of the last axis where input and output are real.
    pub fn spectrum(&self) -> &Array {
        &self.spectrum
    }

    /// The operator with the reciprocal spectrum, which undoes this one where its spectrum has no zero. It maps arrays of
    /// the output type to arrays of their type broadcast with the filter.
    ///
    /// # Errors
    /// The error of a spectrum that could not be computed.
    pub fn reciprocal(&self) -> Result<CircularConvolve> {
        let spectrum = 1.0 / &self.spectrum;
        spectrum.ty()?;
        Ok(CircularConvolve { spectrum, input: self.output.clone(), ..self.clone() })
    }

    /// The sum with another of the same input type, if both convolve the same axes in the same domain.
    pub(crate) fn plus(&self, other: &CircularConvolve) -> Option<CircularConvolve> {
        let alike = (self.axes, self.real, &self.input) == (other.axes, other.real, &other.input);
        (alike && self.output.shape == other.output.shape).then(|| CircularConvolve {
            spectrum: &self.spectrum + &other.spectrum,
            output: self.output.with_dtype(self.output.dtype.promote(other.output.dtype)),
            ..self.clone()
        })
    }

    /// The multiple by a factor, unless it makes a real operator complex.
    pub(crate) fn scaled(&self, factor: &Factor) -> Option<CircularConvolve> {
        (!self.real || !factor.is_complex())
            .then(|| CircularConvolve { spectrum: factor.times(&self.spectrum), ..self.clone() })
    }

    /// This one after another, if both convolve the same axes in the same domain.
    pub(crate) fn after(&self, first: &CircularConvolve) -> Option<CircularConvolve> {
        ((self.axes, self.real) == (first.axes, first.real)).then(|| CircularConvolve {
            spectrum: &self.spectrum * &first.spectrum,
            input: first.input.clone(),
            ..self.clone()
        })
    }

    /// The adjoint, if it is a convolution: if nothing is summed, and nothing complex projected onto real arrays.
    pub(crate) fn adjoint_operator(&self) -> Option<CircularConvolve> {
        (self.input == self.output).then(|| CircularConvolve { spectrum: self.spectrum.conj(), ..self.clone() })
    }

    /// `Aᴴ A`, if it is a convolution: `Σ |ĥ|²` over the axes along which the input is repeated.
    pub(crate) fn gram_operator(&self) -> Option<CircularConvolve> {
        if self.input.dtype.is_complex() != self.output.dtype.is_complex() {
            return None;
        }
        let square = self.spectrum.abs2();
        let lead = self.input.rank() - self.axes;
        let full = broadcast_shape(NAME, &square.shape().ok()?, &self.half(&self.output.shape)).ok()?;
        let mut summed = self.half(&self.input.shape);
        // Where the filter has extent 1 along an axis that is not summed, it may keep it.
        let repeated = full.len() != summed.len() || full[..lead] != summed[..lead];
        if !repeated {
            summed.clone_from(&square.shape().ok()?.to_vec());
        }
        let square = if repeated { sum_to(&square.broadcast_to(&full), &summed) } else { square };
        let spectrum = square.astype(self.output.dtype.complex()?);
        Some(CircularConvolve { spectrum, output: self.input.clone(), ..self.clone() })
    }

    /// The transform over the convolved axes; of real operators, its first half.
    pub(crate) fn forward(&self, x: &Array) -> Array {
        // The constructor has seen to a floating-point output dtype; converting to it makes the input complex if need be.
        let x = x.astype(self.output.dtype);
        if self.real { x.rfft(&self.trailing()) } else { x.fft(&self.trailing()) }
    }

    /// The inverse of [`CircularConvolve::forward`].
    pub(crate) fn inverse(&self, x: &Array) -> Array {
        if self.real {
            let last = self.input.shape[self.input.rank() - 1];
            x.irfft(&self.trailing(), last)
        } else {
            x.ifft(&self.trailing())
        }
    }

    /// The last axes, which are convolved.
    fn trailing(&self) -> Vec<isize> {
        (-(self.axes as isize)..0).collect()
    }

    /// A shape in space as one in the Fourier domain.
    pub(crate) fn half(&self, shape: &[usize]) -> Vec<usize> {
        let mut shape = shape.to_vec();
        if let (true, Some(last)) = (self.real, shape.last_mut()) {
            *last = *last / 2 + 1;
        }
        shape
    }

    /// The filter padded or cropped to the extents of the input.
    fn fitted(&self, h: &Array) -> Array {
        let Ok(shape) = h.shape() else { return h.clone() };
        let lead = shape.len() - self.axes;
        let extents = &self.input.shape[self.input.rank() - self.axes..];
        let missing = |(axis, &have): (usize, &usize)| match axis.checked_sub(lead) {
            Some(own) => extents[own] as i64 - have as i64,
            None => 0,
        };
        let widths: Vec<_> = shape.iter().enumerate().map(|axis| (0, missing(axis), 0)).collect();
        h.pad_zeros(&widths)
    }

    /// The spectrum of the filter shifted so that the element at `center` becomes the origin.
    fn shifted(&self, spectrum: &Array, center: &[f64]) -> Array {
        let Ok(dtype) = spectrum.dtype() else { return spectrum.clone() };
        let extents = &self.input.shape[self.input.rank() - self.axes..];
        let mut spectrum = spectrum.clone();
        for (axis, (&extent, &center)) in extents.iter().zip(center).enumerate() {
            let last = axis + 1 == self.axes;
            let count = if last && self.real { extent / 2 + 1 } else { extent };
            let mut shape = vec![1; self.axes - axis];
            shape[0] = count;
            let phases = Tensor::from_fn(Type::new(dtype, &shape), |frequency| {
                Scalar::complex(dtype, phase(frequency, extent, center))
            });
            spectrum *= Array::from_tensor(phases);
        }
        spectrum
    }
}

impl LinearOperator for CircularConvolve {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        if self.real && x.dtype().is_ok_and(DType::is_complex) {
            // A real operator acts on the real and imaginary parts alike.
            return Array::complex(self.apply(&x.real()), self.apply(&x.imag()));
        }
        self.inverse(&(&self.spectrum * self.forward(&x)))
    }

    /// Written out because it sums over repeated axes in the Fourier domain, before the inverse transform.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type(NAME, &self.output, y);
        let product = self.spectrum.conj() * self.forward(&y);
        let summed = sum_to(&product, &self.half(&self.input.shape));
        project(&self.inverse(&summed), self.input.dtype)
    }

    fn structure(&self) -> Structure {
        Structure::CircularConvolve(self.clone())
    }
}

/// The factor of frequency number `index` of `extent` that shifts by `-center`.
fn phase(index: usize, extent: usize, center: f64) -> Complex<f64> {
    use std::f64::consts::{PI, TAU};
    let signed = if 2 * index > extent { index as f64 - extent as f64 } else { index as f64 };
    if 2 * index == extent {
        return Complex::new((PI * center).cos(), 0.0);
    }
    Complex::from_polar(1.0, TAU * signed * center / extent as f64)
}

fn complex(dtype: DType) -> Result<DType> {
    dtype.complex().ok_or_else(|| {
        let message = format!("convolves f32, f64, c64 or c128, got {dtype}; convert with `astype(DType::F32)`");
        Error::new(ErrorKind::DType, NAME, message)
    })
}

fn too_many_axes(axes: usize, input: &Type) -> Error {
    let message = format!("{axes} axes to convolve, but the input {input} has {}; use at most these", input.rank());
    Error::new(ErrorKind::Argument, NAME, message)
}

fn check_filter(h: &Type, input: &Type, axes: usize, is_transform: bool, center: Option<&[f64]>) -> Result<()> {
    let refuse = |kind, message: String| Err(Error::new(kind, NAME, message));
    if axes > input.rank() {
        return Err(too_many_axes(axes, input));
    }
    if axes == 0 || axes > h.rank() {
        let message =
            format!("{axes} axes to convolve with a filter {h}; there must be at least one, and no more than it has");
        return refuse(ErrorKind::Argument, message);
    }
    complex(input.dtype.promote(if is_transform { DType::F32 } else { h.dtype }))?;
    let extents = &input.shape[input.rank() - axes..];
    let own = &h.shape[h.rank() - axes..];
    match (is_transform, center) {
        (true, Some(_)) => {
            let message = "a center applies to a filter given by its elements; shift the transform itself".to_string();
            refuse(ErrorKind::Argument, message)
        }
        (true, None) if own != extents => {
            let message = format!(
                "a transform {h} for the input {input}: its last extents must be {extents:?}; transform the filter \
                 padded to them"
            );
            refuse(ErrorKind::Shape, message)
        }
        (false, Some(center)) if center.len() != axes => {
            let message = format!("a center of {} indices for {axes} convolved axes; give one for each", center.len());
            refuse(ErrorKind::Argument, message)
        }
        _ => Ok(()),
    }
}
