//! Operations that repeat elements or put them into patterns: tiles, diagonals, triangles, grids.

use super::axes::{self, attempt};
use super::index::concatenate;
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::operand::IntoOperand;
use crate::scalar::Scalar;
use crate::types::Dims;

impl Array {
    /// The array repeated as a whole, so many times along each axis; missing axes are new ones in front.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2]).tile(&[2, 2]).to_vec::<i32>().unwrap(), [1, 2, 1, 2, 1, 2, 1, 2]);
    /// ```
    #[track_caller]
    pub fn tile(&self, times: &[usize]) -> Array {
        let shape = attempt!(self.shape());
        let rank = shape.len().max(times.len());
        let aligned = |list: &[usize]| std::iter::repeat_n(1, rank - list.len()).chain(list.iter().copied()).collect();
        let (shape, times): (Dims, Dims) = (aligned(&shape), aligned(times));
        // Between every two axes one along which the array is repeated.
        let apart: Dims = shape.iter().flat_map(|&extent| [1, extent]).collect();
        let repeated: Dims = times.iter().zip(&shape).flat_map(|(&count, &extent)| [count, extent]).collect();
        let result: Dims = times.iter().zip(&shape).map(|(count, extent)| count * extent).collect();
        self.reshape(&apart).broadcast_to(&repeated).reshape(&result)
    }

    /// Every element along an axis repeated `count` times.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2]).repeat(2, 0).to_vec::<i32>().unwrap(), [1, 1, 2, 2]);
    /// ```
    #[track_caller]
    pub fn repeat(&self, count: usize, axis: isize) -> Array {
        let mut shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("repeat", axis, shape.len()));
        let mut repeated = shape.clone();
        repeated.insert(axis + 1, count);
        shape[axis] *= count;
        self.expand_dims(axis as isize + 1).broadcast_to(&repeated).reshape(&shape)
    }

    /// Parts along an axis that end at the given places; the last goes to the end.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let parts = Array::from([1, 2, 3]).split_at(&[1], 0);
    /// assert_eq!(parts[1].to_vec::<i32>().unwrap(), [2, 3]);
    /// ```
    #[track_caller]
    pub fn split_at(&self, places: &[usize], axis: isize) -> Vec<Array> {
        let extent = match self.shape().and_then(|shape| Ok(shape[axes::axis("split_at", axis, shape.len())?])) {
            Ok(extent) => extent,
            Err(error) => return vec![axes::failed(error); places.len() + 1],
        };
        let ends: Vec<usize> = std::iter::once(0).chain(places.iter().copied()).chain([extent]).collect();
        ends.windows(2).map(|ends| self.narrow(axis, ends[0], ends[1].saturating_sub(ends[0]))).collect()
    }

    /// `count` parts of equal extent along an axis.
    #[track_caller]
    pub fn split(&self, count: usize, axis: isize) -> Vec<Array> {
        let extent = match self.shape().and_then(|shape| Ok(shape[axes::axis("split", axis, shape.len())?])) {
            Ok(extent) => extent,
            Err(error) => return vec![axes::failed(error); count],
        };
        if count == 0 || !extent.is_multiple_of(count) {
            let message =
                format!("an axis of {extent} elements cannot be cut into {count} equal parts; use `split_at`");
            return vec![fail(ErrorKind::Argument, "split", message); count];
        }
        (0..count).map(|part| self.narrow(axis, part * (extent / count), extent / count)).collect()
    }

    /// The elements moved along several axes, as [`Array::roll`] does along one.
    #[track_caller]
    pub fn roll_axes(&self, shifts: &[isize], axes: &[isize]) -> Array {
        shifts.iter().zip(axes).fold(self.clone(), |array, (&shift, &axis)| array.roll(shift, axis))
    }

    /// Axes moved to other places, the others staying in order.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// let x = Array::zeros(&[2, 3, 4], DType::F32);
    /// assert_eq!(x.move_axes(&[0, 1], &[-1, 0]).shape().unwrap()[..], [3, 4, 2]);
    /// ```
    #[track_caller]
    pub fn move_axes(&self, from: &[isize], to: &[isize]) -> Array {
        let rank = attempt!(self.shape()).len();
        let from = attempt!(axes::axes("move_axes", from, rank));
        let to = attempt!(axes::axes("move_axes", to, rank));
        if from.len() != to.len() {
            let message = format!("{} axes are moved to {} places; name as many places as axes", from.len(), to.len());
            return fail(ErrorKind::Argument, "move_axes", message);
        }
        let mut order = Dims::from_elem(usize::MAX, rank);
        to.iter().zip(&from).for_each(|(&place, &axis)| order[place] = axis);
        let rest = axes::others(&from, rank);
        order.iter_mut().filter(|axis| **axis == usize::MAX).zip(rest).for_each(|(place, axis)| *place = axis);
        self.permute(&order)
    }

    /// The elements at `(i, i + offset)` of the last two axes, along a new last axis.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.diagonal(0).to_vec::<i32>().unwrap(), [1, 5]);
    /// assert_eq!(x.diagonal(-1).to_vec::<i32>().unwrap(), [4]);
    /// ```
    #[track_caller]
    pub fn diagonal(&self, offset: isize) -> Array {
        let shape = attempt!(self.shape());
        let Some(batch) = shape.len().checked_sub(2) else {
            let message = format!("takes matrices in the last two axes, got an array of shape {shape:?}");
            return fail(ErrorKind::Shape, "diagonal", message);
        };
        let (rows, columns) = (shape[batch], shape[batch + 1]);
        let (first_row, first_column) = ((-offset).max(0) as usize, offset.max(0) as usize);
        let count = rows.saturating_sub(first_row).min(columns.saturating_sub(first_column));
        let mut result: Dims = shape[..batch].into();
        result.push(count);
        if count == 0 {
            return Array::zeros(&result, attempt!(self.dtype()));
        }
        // In row-major order of a matrix of width c diagonal elements stand c + 1 apart.
        let mut flat: Dims = shape[..batch].into();
        flat.push(rows * columns);
        let (mut start, mut limit, mut stride) =
            (Dims::from_elem(0, batch + 1), flat.clone(), Dims::from_elem(1, batch + 1));
        start[batch] = first_row * columns + first_column;
        limit[batch] = start[batch] + (count - 1) * (columns + 1) + 1;
        stride[batch] = columns + 1;
        self.reshape(&flat).slice_strided(&start, &limit, &stride)
    }

    /// Square matrices whose elements at `(i, i + offset)` are those of the last axis, and 0 elsewhere.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2]).diag(0).to_vec::<i32>().unwrap(), [1, 0, 0, 2]);
    /// ```
    #[track_caller]
    pub fn diag(&self, offset: isize) -> Array {
        let shape = attempt!(self.shape());
        let Some(batch) = shape.len().checked_sub(1) else {
            return fail(ErrorKind::Shape, "diag", "takes vectors in the last axis, got a scalar");
        };
        let (count, side) = (shape[batch], shape[batch] + offset.unsigned_abs());
        let mut square: Dims = shape[..batch].into();
        square.extend([side, side]);
        if count == 0 {
            return Array::zeros(&square, attempt!(self.dtype()));
        }
        let first = if offset < 0 { offset.unsigned_abs() * side } else { offset as usize };
        let last = first + (count - 1) * (side + 1);
        let mut widths = vec![(0, 0, 0); batch + 1];
        widths[batch] = (first as i64, (side * side - 1 - last) as i64, side as i64);
        self.pad_zeros(&widths).reshape(&square)
    }

    /// The array with zeros above the diagonal `(i, i + offset)` of its last two axes.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).tril(0).to_vec::<i32>().unwrap(), [1, 0, 3, 4]);
    /// ```
    #[track_caller]
    pub fn tril(&self, offset: isize) -> Array {
        triangle(self, "tril", offset, |row, column| column.less_equal(row))
    }

    /// The array with zeros below the diagonal `(i, i + offset)` of its last two axes.
    #[track_caller]
    pub fn triu(&self, offset: isize) -> Array {
        triangle(self, "triu", offset, |row, column| column.greater_equal(row))
    }

    /// Ones at and below the diagonal `(i, i + offset)`, zeros above.
    #[track_caller]
    pub fn tri(rows: usize, columns: usize, offset: isize, dtype: DType) -> Array {
        Array::ones(&[rows, columns], dtype).tril(offset)
    }

    /// The plane of two axes turned by quarters of a turn, from the first axis towards the second.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).rot90(1, 0, 1).to_vec::<i32>().unwrap(), [2, 4, 1, 3]);
    /// ```
    #[track_caller]
    pub fn rot90(&self, quarters: isize, first: isize, second: isize) -> Array {
        match quarters.rem_euclid(4) {
            0 => self.clone(),
            1 => self.flip(&[second]).swap_axes(first, second),
            2 => self.flip(&[first, second]),
            _ => self.swap_axes(first, second).flip(&[second]),
        }
    }

    /// Differences of neighbours along an axis taken `times` times, as [`Array::diff`] does once.
    #[track_caller]
    pub fn diff_times(&self, times: usize, axis: isize) -> Array {
        (0..times).fold(self.clone(), |array, _| array.diff(axis))
    }

    /// The array with one element before and one after along an axis, scalars that adopt its dtype.
    #[track_caller]
    pub fn enclose(&self, before: impl IntoOperand, after: impl IntoOperand, axis: isize) -> Array {
        let rank = attempt!(self.shape()).len();
        let axis = attempt!(axes::axis("enclose", axis, rank));
        let widths = |width| (0..rank).map(|other| if other == axis { width } else { (0, 0, 0) }).collect::<Vec<_>>();
        self.pad(before, &widths((1, 0, 0))).pad(after, &widths((0, 1, 0)))
    }

    /// The slope along an axis at unit distance: half the difference of both neighbours, at the ends the difference of the
    /// last two elements.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 5.0]);
    /// assert_eq!(x.gradient(0).to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn gradient(&self, axis: isize) -> Array {
        let shape = attempt!(self.shape());
        let at = attempt!(axes::axis("gradient", axis, shape.len()));
        let extent = shape[at];
        if extent < 2 {
            let message = format!("axis {at} of an array of shape {shape:?} needs two elements or more");
            return fail(ErrorKind::Shape, "gradient", message);
        }
        let steps = self.diff(axis);
        let inner = 0.5 * (self.narrow(axis, 2, extent - 2) - self.narrow(axis, 0, extent - 2));
        concatenate(&[steps.narrow(axis, 0, 1), inner, steps.narrow(axis, extent - 2, 1)], axis)
    }

    /// Angles along an axis with multiples of 2 pi added so that neighbours differ by at most pi.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let turned = Array::from([0.0f64, 3.0, 3.0 - 6.0]).unwrap_angles(0).to_vec::<f64>().unwrap();
    /// assert!((turned[2] - (std::f64::consts::TAU - 3.0)).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn unwrap_angles(&self, axis: isize) -> Array {
        let shape = attempt!(self.shape());
        let at = attempt!(axes::axis("unwrap_angles", axis, shape.len()));
        if shape[at] == 0 {
            return self.clone();
        }
        let (turn, half) = (std::f64::consts::TAU, std::f64::consts::PI);
        let steps = self.diff(axis);
        let rest = (&steps + half) - ((&steps + half) / turn).floor() * turn - half;
        // A step of exactly half a turn keeps its direction.
        let kept = rest.equal(-half) & steps.greater(0);
        let rest = kept.select(half, rest);
        let correction = steps.abs().less(half).select(0, rest - &steps);
        let zeros = self.narrow(axis, 0, 1).zeros_like();
        self + concatenate(&[zeros, correction.cumsum(axis)], axis)
    }
}

/// Coordinates of a grid: the i-th result has the elements of the i-th array along axis i, and is constant along the
/// others. (numpy's default exchanges the first two axes.)
///
/// ```
/// use cotangent_ir::{Array, meshgrid};
/// let grid = meshgrid(&[Array::from([1, 2]), Array::from([3, 4, 5])]);
/// assert_eq!(grid[1].to_vec::<i32>().unwrap(), [3, 4, 5, 3, 4, 5]);
/// ```
#[track_caller]
pub fn meshgrid(arrays: &[Array]) -> Vec<Array> {
    let mut shape = Dims::new();
    for array in arrays {
        match array.ty() {
            Ok(ty) => shape.push(ty.len()),
            Err(error) => return vec![axes::failed(error); arrays.len()],
        }
    }
    arrays.iter().enumerate().map(|(axis, array)| array.flatten().broadcast_in_dim(&shape, &[axis])).collect()
}

#[track_caller]
fn triangle(x: &Array, operation: &str, offset: isize, kept: fn(&Array, &Array) -> Array) -> Array {
    let ty = attempt!(x.ty());
    if ty.rank() < 2 {
        return fail(ErrorKind::Shape, operation, format!("takes matrices in the last two axes, got {ty}"));
    }
    let index = |axis| Array::iota(&ty.shape, axis, DType::I32);
    kept(&(index(-2) + offset as i64), &index(-1)).select(x, Scalar::zero(ty.dtype))
}
