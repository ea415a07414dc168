//! Arrays made larger by elements that follow from their own: repeated, mirrored, or led to a value.
//!
//! The axes are treated one after the other, so that what stands beside an axis covers what earlier ones have added. All of
//! it is slices and concatenations, which fuse and are differentiated like everything else.

use super::axes::attempt;
use super::index::concatenate;
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::types::Dims;

/// What stands around an array that is made larger.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Border {
    /// The outermost element: a a a | a b c d | d d d.
    Edge,
    /// Mirrored at the outermost elements: d c b | a b c d | c b a.
    Reflect,
    /// Mirrored at the edges of the outermost elements: c b a | a b c d | d c b.
    Symmetric,
    /// Repeated: b c d | a b c d | a b c.
    Wrap,
    /// By equal steps from the outermost element to this value (of integers rounded down).
    LinearRamp(f64),
    /// The mean along the axis (of integers rounded).
    Mean,
    /// The maximum along the axis.
    Maximum,
    /// The minimum along the axis.
    Minimum,
}

impl Array {
    /// The array with so many elements before and after along each axis, which follow from those it has. See
    /// [`Array::pad`] for constant ones.
    ///
    /// ```
    /// use cotangent_ir::{Array, Border};
    /// let x = Array::from([1, 2, 3]);
    /// assert_eq!(x.pad_border(&[(2, 1)], Border::Edge).to_vec::<i32>().unwrap(), [1, 1, 1, 2, 3, 3]);
    /// assert_eq!(x.pad_border(&[(2, 1)], Border::Reflect).to_vec::<i32>().unwrap(), [3, 2, 1, 2, 3, 2]);
    /// ```
    #[track_caller]
    pub fn pad_border(&self, widths: &[(usize, usize)], border: Border) -> Array {
        let ty = attempt!(self.ty());
        let empty = |axis: usize| ty.shape[axis] == 0 && widths[axis] != (0, 0);
        if widths.len() != ty.rank() || (0..ty.rank()).any(empty) {
            let message = format!(
                "{widths:?} around {ty}: a pair for each axis is needed, and elements along those that become longer"
            );
            return fail(ErrorKind::Argument, "pad_border", message);
        }
        let mut x = self.clone();
        for (axis, &(low, high)) in widths.iter().enumerate().filter(|&(_, widths)| *widths != (0, 0)) {
            let (before, after) = match border {
                Border::LinearRamp(end) => {
                    (vec![ramp(&x, axis, low, end, true)], vec![ramp(&x, axis, high, end, false)])
                }
                Border::Mean | Border::Maximum | Border::Minimum => {
                    let value = statistic(&x, axis, border);
                    (vec![repeated(&value, axis, low)], vec![repeated(&value, axis, high)])
                }
                _ => {
                    let extent = ty.shape[axis] as isize;
                    let sources = |range: std::ops::Range<isize>| {
                        let sources: Vec<usize> = range.map(|at| border.source(at, extent)).collect();
                        runs(&x, axis, &sources)
                    };
                    (sources(-(low as isize)..0), sources(extent..extent + high as isize))
                }
            };
            let parts: Vec<Array> = before.into_iter().chain([x]).chain(after).collect();
            x = concatenate(&parts, axis as isize);
        }
        x
    }
}

impl Border {
    /// The element that stands for the one at a place outside.
    fn source(self, at: isize, extent: isize) -> usize {
        let place = match self {
            Border::Reflect if extent > 1 => {
                let place = at.rem_euclid(2 * (extent - 1));
                place.min(2 * (extent - 1) - place)
            }
            Border::Symmetric => {
                let place = at.rem_euclid(2 * extent);
                place.min(2 * extent - 1 - place)
            }
            Border::Wrap => at.rem_euclid(extent),
            _ => at.clamp(0, extent - 1),
        };
        place as usize
    }
}

/// The elements at `sources` along an axis: one slice for each run of neighbours, forwards, backwards or of one element.
#[track_caller]
fn runs(x: &Array, axis: usize, sources: &[usize]) -> Vec<Array> {
    let step = |at: usize| sources[at + 1] as isize - sources[at] as isize;
    let (mut parts, mut start) = (Vec::new(), 0);
    while start < sources.len() {
        let mut end = start + 1;
        while end < sources.len() && step(end - 1) == step(start) && step(start).abs() <= 1 {
            end += 1;
        }
        let (first, last, count) = (sources[start], sources[end - 1], end - start);
        parts.push(match first == last {
            true => repeated(&x.narrow(axis as isize, first, 1), axis, count),
            false if first < last => x.narrow(axis as isize, first, count),
            false => x.narrow(axis as isize, last, count).flip(&[axis as isize]),
        });
        start = end;
    }
    parts
}

/// An array of extent 1 along an axis, `count` times.
#[track_caller]
fn repeated(x: &Array, axis: usize, count: usize) -> Array {
    let mut shape = attempt!(x.shape());
    shape[axis] = count;
    x.broadcast_to(&shape)
}

/// The statistic of an axis, which stays with extent 1.
#[track_caller]
fn statistic(x: &Array, axis: usize, border: Border) -> Array {
    let axis = [axis as isize];
    match border {
        Border::Maximum => x.keep_axes().max_axes(&axis),
        Border::Minimum => x.keep_axes().min_axes(&axis),
        _ => {
            let (dtype, mean) = (attempt!(x.dtype()), x.keep_axes().mean_axes(&axis));
            if dtype.is_inexact() { mean } else { mean.round().astype(dtype) }
        }
    }
}

/// Steps from `end` to the outermost element, which is not among them.
#[track_caller]
fn ramp(x: &Array, axis: usize, count: usize, end: f64, before: bool) -> Array {
    let ty = attempt!(x.ty());
    let place = if before { 0 } else { ty.shape[axis] - 1 };
    let edge = x.narrow(axis as isize, place, 1);
    let dtype = if ty.dtype.is_inexact() { ty.dtype } else { DType::F32 };
    let mut shape = Dims::from_elem(1, ty.rank());
    shape[axis] = count;
    let weight = Array::iota(&shape, axis as isize, dtype.real()) / (count.max(1) as f64);
    let steps = (edge.astype(dtype) - end) * weight + end;
    let steps = if ty.dtype.is_inexact() { steps } else { steps.floor().astype(ty.dtype) };
    if before { steps } else { steps.flip(&[axis as isize]) }
}
