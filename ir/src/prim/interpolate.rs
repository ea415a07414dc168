//! Values between the elements of an array: interpolation of a function of one variable, and of an array at coordinates.

use super::axes::attempt;
use super::gather::{OutOfRange, rows_or};
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::types::row_major_strides;

/// What an array is taken to be outside of its elements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Boundary {
    /// This value.
    Constant(f64),
    /// The nearest element: a a a | a b c d | d d d.
    Nearest,
    /// Repeated: b c d | a b c d | a b c.
    Wrap,
    /// Mirrored at the outermost elements: d c b | a b c d | c b a.
    Mirror,
    /// Mirrored at the edges of the outermost elements: c b a | a b c d | d c b.
    Reflect,
}

impl Array {
    /// The piecewise linear function through the points of `positions`, ascending, and `values`, at the elements of this
    /// array; constant outside.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (positions, values) = (Array::from([0.0f32, 1.0, 3.0]), Array::from([0.0f32, 10.0, 30.0]));
    /// let y = Array::from([-1.0f32, 0.5, 2.0, 4.0]).interp(&positions, &values);
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [0.0, 5.0, 20.0, 30.0]);
    /// ```
    #[track_caller]
    pub fn interp(&self, positions: &Array, values: &Array) -> Array {
        let (places, known) = (attempt!(positions.ty()), attempt!(values.ty()));
        if places.shape != known.shape || places.rank() != 1 || places.is_empty() {
            let message = format!("{places} and {known} must be vectors of the same number of points, one at least");
            return fail(ErrorKind::Shape, "interp", message);
        }
        let ty = attempt!(self.ty());
        let mut dtype = ty.dtype.promote(places.dtype);
        dtype = if dtype.is_float() { dtype } else { DType::F32 };
        let (x, positions) = (self.astype(dtype), positions.astype(dtype));
        let values = if known.dtype.is_inexact() { values.clone() } else { values.astype(dtype) };
        let last = places.shape[0] as i64 - 1;
        let next = positions.search_sorted(&x, true).clamp(last.min(1), last);
        let previous = (&next - 1).maximum(0);
        let at = |array: &Array, index: &Array| array.take_with(index, 0, OutOfRange::Clip);
        let (x0, y0, y1) = (at(&positions, &previous), at(&values, &previous), at(&values, &next));
        let step = at(&positions, &next) - &x0;
        // Two points at one position make a jump.
        let jump = step.equal(0);
        let weight = (&x - &x0) / jump.select(1, &step);
        let inner = jump.select(&y0, &y0 + weight * (y1 - &y0));
        let left = x.less(positions.index_axis(0, 0)).select(values.index_axis(0, 0), inner);
        x.greater(positions.index_axis(0, -1)).select(values.index_axis(0, -1), left)
    }

    /// The array at coordinates between its elements, one array for each axis, all of one shape. `order` 1 interpolates
    /// linearly between neighbours, 0 takes the nearest element.
    ///
    /// ```
    /// use cotangent_ir::{Array, Boundary};
    /// let x = Array::from([[0.0f32, 1.0], [2.0, 3.0]]);
    /// let (rows, columns) = (Array::from([0.5f32, 0.0]), Array::from([0.5f32, 9.0]));
    /// let y = x.map_coordinates(&[rows, columns], 1, Boundary::Nearest);
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [1.5, 1.0]);
    /// ```
    #[track_caller]
    pub fn map_coordinates(&self, coordinates: &[Array], order: usize, boundary: Boundary) -> Array {
        let ty = attempt!(self.ty());
        if coordinates.len() != ty.rank() || order > 1 || ty.is_empty() {
            let message = format!(
                "takes an array with elements, as many arrays of coordinates as axes and order 0 or 1; got {ty}, {} arrays \
                 and order {order}",
                coordinates.len()
            );
            return fail(ErrorKind::Argument, "map_coordinates", message);
        }
        let flat = self.reshape(&[ty.len(), 1]);
        let strides = row_major_strides(&ty.shape);
        let dtype = if ty.dtype.is_inexact() { ty.dtype } else { DType::F32 };
        // For each axis the neighbours with their weights, made to corners one axis after the other.
        let mut corners: Vec<Corner> = vec![Corner { place: None, weight: None, within: None }];
        for (axis, coordinate) in coordinates.iter().enumerate() {
            let neighbours = neighbours(coordinate, order);
            let mut next = Vec::new();
            for corner in &corners {
                for (index, weight) in &neighbours {
                    let (place, within) = inside(index, ty.shape[axis] as i64, boundary);
                    next.push(corner.and(place * strides[axis], weight.clone(), within));
                }
            }
            corners = next;
        }
        let mut sum: Option<Array> = None;
        for corner in corners {
            let Some(place) = corner.place else { return self.clone() };
            let shape = attempt!(place.shape());
            let count = shape.iter().product();
            let element = rows_or(&flat, &place.reshape(&[count]), OutOfRange::Clip, "map_coordinates").reshape(&shape);
            let mut term = element.astype(dtype);
            if let (Some(within), Boundary::Constant(value)) = (corner.within, boundary) {
                term = within.select(term, value);
            }
            if let Some(weight) = corner.weight {
                term *= weight.astype(dtype.real());
            }
            sum = Some(match sum {
                Some(sum) => sum + term,
                None => term,
            });
        }
        let sum = sum.unwrap_or_else(|| self.clone());
        if ty.dtype.is_inexact() { sum } else { sum.round().astype(ty.dtype) }
    }
}

/// One of the elements a value is interpolated from.
struct Corner {
    /// Its row-major position.
    place: Option<Array>,
    weight: Option<Array>,
    /// Whether it is an element.
    within: Option<Array>,
}

impl Corner {
    /// The corner moved along one more axis.
    #[track_caller]
    fn and(&self, place: Array, weight: Option<Array>, within: Option<Array>) -> Corner {
        fn both(a: &Option<Array>, b: Option<Array>, join: impl Fn(&Array, Array) -> Array) -> Option<Array> {
            match (a, b) {
                (Some(a), Some(b)) => Some(join(a, b)),
                (a, b) => b.or_else(|| a.clone()),
            }
        }
        Corner {
            place: both(&self.place, Some(place), |a, b| a + b),
            weight: both(&self.weight, weight, |a, b| a * b),
            within: both(&self.within, within, |a, b| a.logical_and(b)),
        }
    }
}

/// Indices of the elements next to a coordinate, and their weights, none for 1.
#[track_caller]
fn neighbours(coordinate: &Array, order: usize) -> Vec<(Array, Option<Array>)> {
    if order == 0 {
        // Halves are rounded away from zero.
        let size = (coordinate.abs() + 0.5).floor();
        let index = coordinate.less(0).select(-&size, &size);
        return vec![(index.astype(DType::I32), None)];
    }
    let below = coordinate.floor();
    let weight = coordinate - &below;
    let index = below.astype(DType::I32);
    vec![(index.clone(), Some(1.0 - &weight)), (index + 1, Some(weight))]
}

/// The index of the element that stands for one out of range, and whether there is one.
#[track_caller]
fn inside(index: &Array, extent: i64, boundary: Boundary) -> (Array, Option<Array>) {
    let modulo = |index: &Array, by: i64| {
        let rest = index.rem(by);
        rest.less(0).select(&rest + by, &rest)
    };
    let mirror = |index: &Array, extent: i64| match extent - 1 {
        0 => index.zeros_like(),
        last => (modulo(&(index + last), 2 * last) - last).abs(),
    };
    match boundary {
        Boundary::Constant(_) => {
            let within = index.greater_equal(0) & index.less(extent);
            (index.clamp(0, extent - 1), Some(within))
        }
        Boundary::Nearest => (index.clamp(0, extent - 1), None),
        Boundary::Wrap => (modulo(index, extent), None),
        Boundary::Mirror => (mirror(index, extent), None),
        Boundary::Reflect => (mirror(&(index * 2 + 1), 2 * extent + 1) / 2, None),
    }
}
