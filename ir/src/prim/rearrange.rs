//! Operations that are combinations of slices and concatenations: parts along one axis, stacks, rotations, differences.

use super::axes::{self, attempt};
use super::index::concatenate;
use crate::array::{Array, fail};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Dims;

impl Array {
    /// The elements at one index along an axis, which the result does not have. Negative indices count from the end.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.index_axis(1, -1).to_vec::<i32>().unwrap(), [3, 6]);
    /// ```
    #[track_caller]
    pub fn index_axis(&self, axis: isize, index: isize) -> Array {
        let shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("index_axis", axis, shape.len()));
        let extent = shape[axis] as isize;
        if !(-extent..extent).contains(&index) {
            let message = format!(
                "index {index} is out of range for axis {axis} of an array of shape {shape:?}; the axis has {extent} \
                 elements"
            );
            return fail(ErrorKind::Argument, "index_axis", message);
        }
        let index = if index < 0 { index + extent } else { index } as usize;
        let mut inner = shape;
        inner.remove(axis);
        self.narrow(axis as isize, index, 1).reshape(&inner)
    }

    /// `count` elements along an axis, from `start`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2, 3, 4]).narrow(0, 1, 2).to_vec::<i32>().unwrap(), [2, 3]);
    /// ```
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, count: usize) -> Array {
        let shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("narrow", axis, shape.len()));
        let end = attempt!(end_of_range("narrow", &shape, axis, start, count));
        let mut starts = Dims::from_elem(0, shape.len());
        let mut limits = shape;
        (starts[axis], limits[axis]) = (start, end);
        self.slice(&starts, &limits)
    }

    /// The elements moved along an axis by `shift` places, towards higher indices if positive; those that leave at one
    /// end come in at the other.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2, 3]).roll(1, 0).to_vec::<i32>().unwrap(), [3, 1, 2]);
    /// ```
    #[track_caller]
    pub fn roll(&self, shift: isize, axis: isize) -> Array {
        let shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("roll", axis, shape.len()));
        let extent = shape[axis];
        if extent == 0 || shift.rem_euclid(extent as isize) == 0 {
            return self.clone();
        }
        let shift = shift.rem_euclid(extent as isize) as usize;
        let axis = axis as isize;
        concatenate(&[self.narrow(axis, extent - shift, shift), self.narrow(axis, 0, extent - shift)], axis)
    }

    /// The differences of neighbours along an axis, `x[i + 1] - x[i]`: one fewer than there are elements.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f32, 4.0, 9.0]).diff(0).to_vec::<f32>().unwrap(), [3.0, 5.0]);
    /// ```
    #[track_caller]
    pub fn diff(&self, axis: isize) -> Array {
        let shape = attempt!(self.shape());
        let at = attempt!(axes::axis("diff", axis, shape.len()));
        if shape[at] == 0 {
            let message = format!("axis {at} of an array of shape {shape:?} has no elements; one at least is needed");
            return fail(ErrorKind::Shape, "diff", message);
        }
        self.narrow(axis, 1, shape[at] - 1) - self.narrow(axis, 0, shape[at] - 1)
    }
}

/// Arrays of one shape along a new axis, which becomes axis `axis` of the result.
///
/// ```
/// use cotangent_ir::{Array, stack};
/// let x = stack(&[Array::from([1, 2]), Array::from([3, 4])], 1);
/// assert_eq!(x.to_vec::<i32>().unwrap(), [1, 3, 2, 4]);
/// ```
#[track_caller]
pub fn stack(arrays: &[Array], axis: isize) -> Array {
    let Some(first) = arrays.first() else {
        return fail(ErrorKind::Argument, "stack", "no arrays were given; pass at least one");
    };
    let shape = attempt!(first.shape());
    let axis = attempt!(axes::axis("stack", axis, shape.len() + 1)) as isize;
    let mut parts = Vec::new();
    for array in arrays {
        let other = attempt!(array.shape());
        if other != shape {
            let message = format!("shapes {shape:?} and {other:?} differ; only arrays of one shape can be stacked");
            return fail(ErrorKind::Shape, "stack", message);
        }
        parts.push(array.expand_dims(axis));
    }
    concatenate(&parts, axis)
}

/// The end of a range along an axis, checked to lie within it.
fn end_of_range(operation: &str, shape: &[usize], axis: usize, start: usize, count: usize) -> Result<usize> {
    start.checked_add(count).filter(|&end| end <= shape[axis]).ok_or_else(|| {
        let message = format!(
            "{count} elements from {start} are not within axis {axis} of an array of shape {shape:?}; the axis has {} \
             elements",
            shape[axis]
        );
        Error::new(ErrorKind::Argument, operation, message)
    })
}
