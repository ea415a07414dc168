//! Reductions over a window that moves along the axes: pooling.
//!
//! All of them go axis by axis, as a combination of slices at the places of the window, so that windows fuse with what is
//! around them and are differentiated like everything else.

use super::axes::attempt;
use super::conv::Padding;
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::scalar::Scalar;
use crate::types::Dims;

/// What is computed of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WindowOp {
    /// The sum.
    Sum,
    /// The product.
    Prod,
    /// The maximum, NaN if any element is.
    Max,
    /// The minimum, NaN if any element is.
    Min,
}

/// A moving window: one extent per axis, and how it moves.
///
/// ```
/// use cotangent_ir::{Array, Window, WindowOp};
/// let x = Array::from([1.0f32, 3.0, 2.0, 5.0]);
/// let greatest = x.reduce_window(WindowOp::Max, &Window::new(&[2]).strides(&[2]));
/// assert_eq!(greatest.to_vec::<f32>().unwrap(), [3.0, 5.0]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    extents: Dims,
    strides: Dims,
    padding: Padding,
    base_dilation: Dims,
    window_dilation: Dims,
}

impl Window {
    /// A window of these extents that moves by single elements within the array.
    pub fn new(extents: &[usize]) -> Window {
        let ones = Dims::from_elem(1, extents.len());
        Window {
            extents: extents.into(),
            strides: ones.clone(),
            padding: Padding::Valid,
            base_dilation: ones.clone(),
            window_dilation: ones,
        }
    }

    /// How far it moves from one result to the next.
    pub fn strides(self, strides: &[usize]) -> Window {
        Window { strides: strides.into(), ..self }
    }

    /// What surrounds the array. Elements outside have no effect.
    pub fn padding(self, padding: Padding) -> Window {
        Window { padding, ..self }
    }

    /// The distance of neighbouring elements of the array, with nothing in between.
    pub fn base_dilation(self, dilation: &[usize]) -> Window {
        Window { base_dilation: dilation.into(), ..self }
    }

    /// The distance of neighbouring places of the window.
    pub fn window_dilation(self, dilation: &[usize]) -> Window {
        Window { window_dilation: dilation.into(), ..self }
    }
}

impl Array {
    /// A reduction over every window.
    #[track_caller]
    pub fn reduce_window(&self, op: WindowOp, window: &Window) -> Array {
        let ty = attempt!(self.ty());
        let lists = [&window.extents, &window.strides, &window.base_dilation, &window.window_dilation];
        let padded = match &window.padding {
            Padding::Explicit(widths) => widths.len() == ty.rank(),
            _ => true,
        };
        if !padded || lists.iter().any(|list| list.len() != ty.rank() || list.contains(&0)) {
            let message = format!("{window:?} must have a positive number per axis of {ty} in every list");
            return fail(ErrorKind::Argument, "reduce_window", message);
        }
        if ty.dtype.is_complex() && matches!(op, WindowOp::Max | WindowOp::Min) {
            return fail(ErrorKind::DType, "reduce_window", format!("complex numbers have no order, got {ty}"));
        }
        let mut widths = Vec::new();
        for axis in 0..ty.rank() {
            let dilated = (ty.shape[axis].max(1) - 1) * window.base_dilation[axis] + ty.shape[axis].min(1);
            let reach = (window.extents[axis] - 1) * window.window_dilation[axis] + 1;
            let (low, high) = match &window.padding {
                Padding::Valid => (0, 0),
                Padding::Same | Padding::SameLower => {
                    let count = dilated.div_ceil(window.strides[axis]);
                    let wanted = (count.max(1) - 1) * window.strides[axis] + reach;
                    let missing = wanted.saturating_sub(dilated) as i64;
                    let (less, more) = (missing / 2, missing - missing / 2);
                    if window.padding == Padding::Same { (less, more) } else { (more, less) }
                }
                Padding::Explicit(widths) => widths[axis],
            };
            widths.push((low, high, window.base_dilation[axis] as i64 - 1));
        }
        let mut array = self.pad(op.identity(ty.dtype), &widths);
        for axis in 0..ty.rank() {
            array = op.along(&array, axis, window);
        }
        array
    }
}

impl WindowOp {
    fn identity(self, dtype: DType) -> Scalar {
        match self {
            WindowOp::Sum => Scalar::zero(dtype),
            WindowOp::Prod => Scalar::one(dtype),
            WindowOp::Max => Scalar::lowest(dtype),
            WindowOp::Min => Scalar::highest(dtype),
        }
    }

    #[track_caller]
    fn combine(self, a: &Array, b: &Array) -> Array {
        match self {
            WindowOp::Sum => a + b,
            WindowOp::Prod => a * b,
            WindowOp::Max => a.maximum(b),
            WindowOp::Min => a.minimum(b),
        }
    }

    /// The windows along one axis.
    #[track_caller]
    fn along(self, x: &Array, axis: usize, window: &Window) -> Array {
        let (extent, stride, step) = (window.extents[axis], window.strides[axis], window.window_dilation[axis]);
        if extent == 1 && stride == 1 {
            return x.clone();
        }
        let shape = attempt!(x.shape());
        let reach = (extent - 1) * step + 1;
        let count = (shape[axis] + stride).saturating_sub(reach) / stride;
        let place = |i: usize| {
            let (mut start, mut limit) = (Dims::from_elem(0, shape.len()), shape.clone());
            let mut strides = Dims::from_elem(1, shape.len());
            start[axis] = (i * step).min(shape[axis]);
            limit[axis] = if count == 0 { start[axis] } else { start[axis] + (count - 1) * stride + 1 };
            strides[axis] = stride;
            x.slice_strided(&start, &limit, &strides)
        };
        (1..extent).fold(place(0), |sum, i| self.combine(&sum, &place(i)))
    }
}
