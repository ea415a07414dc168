//! Indexing as in numpy: several axes at once, by numbers, ranges and arrays; and updates of what an index names.
//!
//! Axes indexed by arrays of integers are taken together: the arrays broadcast against each other, and their common axes
//! stand where the indexed axes stood, or in front if there are others in between. Negative numbers count from the end.

use super::axes::{self, attempt};
use super::gather::{OutOfRange, from_the_end, index_dtype, rows_or};
use super::scatter::ScatterKind;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::operand::{IntoOperand, Term};
use crate::scalar::Scalar;
use crate::types::{Dims, Type, row_major_strides};
use std::ops::{Range, RangeFull};

/// What is taken of one axis.
#[derive(Clone, Debug)]
pub enum Index {
    /// One element; the axis disappears.
    At(isize),
    /// Every element.
    All,
    /// The elements from `start` to before `end`, by steps of `step`. What is left out goes to the ends.
    Slice {
        /// The first element.
        start: Option<isize>,
        /// The element after the last.
        end: Option<isize>,
        /// The distance, negative to go backwards.
        step: isize,
    },
    /// The elements at these indices.
    Array(Array),
    /// No axis of the array: a new one of extent 1.
    NewAxis,
    /// All axes that are not named otherwise.
    Ellipsis,
}

impl From<isize> for Index {
    fn from(at: isize) -> Index {
        Index::At(at)
    }
}

impl From<i32> for Index {
    fn from(at: i32) -> Index {
        Index::At(at as isize)
    }
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        Index::All
    }
}

impl From<Range<isize>> for Index {
    fn from(range: Range<isize>) -> Index {
        Index::Slice { start: Some(range.start), end: Some(range.end), step: 1 }
    }
}

impl From<&Array> for Index {
    fn from(indices: &Array) -> Index {
        Index::Array(indices.clone())
    }
}

/// Elements of an array that an index names, to be read or updated. Made by [`Array::at`].
#[derive(Clone)]
pub struct At<'a> {
    array: &'a Array,
    index: &'a [Index],
    out_of_range: OutOfRange,
}

impl Array {
    /// What an index names; axes not mentioned are taken whole. Indices out of range are clipped;
    /// [`At::out_of_range`] offers other ways.
    ///
    /// ```
    /// use cotangent_ir::{Array, Index};
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.index(&[Index::All, (1..3).into()]).to_vec::<i32>().unwrap(), [2, 3, 5, 6]);
    /// let corners = [Index::from(&Array::from([0, 1])), Index::from(&Array::from([0, -1]))];
    /// assert_eq!(x.index(&corners).to_vec::<i32>().unwrap(), [1, 6]);
    /// ```
    #[track_caller]
    pub fn index(&self, index: &[Index]) -> Array {
        attempt!(taken(self, index, OutOfRange::Clip))
    }

    /// The elements an index names, to make an array in which they are others. Updates out of range are left out.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.at(&[1.into()]).set(9.0).to_vec::<f32>().unwrap(), [1.0, 9.0, 3.0]);
    /// let repeated = Array::from([0, 0, 5]);
    /// assert_eq!(x.at(&[(&repeated).into()]).add(1.0).to_vec::<f32>().unwrap(), [3.0, 2.0, 3.0]);
    /// ```
    pub fn at<'a>(&'a self, index: &'a [Index]) -> At<'a> {
        At { array: self, index, out_of_range: OutOfRange::Drop }
    }
}

impl At<'_> {
    /// What is done with indices out of range.
    pub fn out_of_range(self, out_of_range: OutOfRange) -> Self {
        At { out_of_range, ..self }
    }

    /// The elements.
    #[track_caller]
    pub fn get(&self) -> Array {
        attempt!(taken(self.array, self.index, self.out_of_range))
    }

    /// The array with the elements replaced. Of several values for one element the last one stays.
    #[track_caller]
    pub fn set(&self, values: impl IntoOperand) -> Array {
        self.update(ScatterKind::Set, values.into_operand())
    }

    /// The array with values added to the elements, all of them where an element is named several times.
    #[track_caller]
    pub fn add(&self, values: impl IntoOperand) -> Array {
        self.update(ScatterKind::Add, values.into_operand())
    }

    /// The array with the elements multiplied by values.
    #[track_caller]
    pub fn mul(&self, values: impl IntoOperand) -> Array {
        self.update(ScatterKind::Mul, values.into_operand())
    }

    /// The array with the elements divided by values.
    #[track_caller]
    pub fn div(&self, values: impl IntoOperand) -> Array {
        let ones = self.array.ones_like();
        self.array / At { array: &ones, ..self.clone() }.mul(values)
    }

    /// The array with the lesser of element and value.
    #[track_caller]
    pub fn min(&self, values: impl IntoOperand) -> Array {
        self.update(ScatterKind::Min, values.into_operand())
    }

    /// The array with the greater of element and value.
    #[track_caller]
    pub fn max(&self, values: impl IntoOperand) -> Array {
        self.update(ScatterKind::Max, values.into_operand())
    }

    #[track_caller]
    fn update(&self, kind: ScatterKind, values: Term) -> Array {
        let ty = attempt!(self.array.ty());
        let index = attempt!(every_axis(&ty, self.index));
        // Trailing axes that are taken whole stay together.
        let whole = index.iter().rev().take_while(|index| matches!(index, Index::All)).count();
        let (outer, row) = ty.shape.split_at(ty.rank() - whole);
        let count = outer.iter().product();
        // The index applied to the numbers of all rows gives those that are meant.
        let all = Array::arange(count, index_dtype(DType::I32, outer)).reshape(outer);
        let missing = match self.out_of_range {
            OutOfRange::Drop | OutOfRange::Fill(_) => OutOfRange::Fill(-1.0),
            other => other,
        };
        let numbers = attempt!(taken(&all, &index[..index.len() - whole], missing));
        let values = match values {
            Term::Array(values) => values.astype(ty.dtype),
            Term::Literal(value) => Array::scalar(value.convert(ty.dtype)),
        };
        let shape: Dims = attempt!(numbers.shape()).iter().chain(row).copied().collect();
        self.array.scatter_rows(kind, &numbers, row.iter().product(), &values.broadcast_to(&shape))
    }
}

/// The elements an index names.
#[track_caller]
fn taken(x: &Array, index: &[Index], out_of_range: OutOfRange) -> Result<Array> {
    let index = every_axis(&x.ty()?, index)?;
    let by_arrays = index.iter().any(|index| matches!(index, Index::Array(_)));
    let mut view = x.clone();
    let mut arrays: Vec<(usize, Array)> = Vec::new();
    let mut axis = 0;
    for index in &index {
        match index {
            Index::At(at) if by_arrays => arrays.push((axis, Array::scalar(Scalar::int(DType::I32, *at as i128)))),
            Index::At(at) => {
                view = view.index_axis(axis as isize, *at);
                continue;
            }
            Index::Array(array) => arrays.push((axis, array.clone())),
            Index::Slice { start, end, step } => view = strided(&view, axis, *start, *end, *step)?,
            Index::NewAxis => view = view.expand_dims(axis as isize),
            Index::All | Index::Ellipsis => {}
        }
        axis += 1;
    }
    if arrays.is_empty() { Ok(view) } else { by_numbers(&view, &arrays, out_of_range) }
}

/// An index with an entry for every axis.
fn every_axis(ty: &Type, index: &[Index]) -> Result<Vec<Index>> {
    let ellipses = index.iter().filter(|index| matches!(index, Index::Ellipsis)).count();
    let named = index.iter().filter(|index| !matches!(index, Index::Ellipsis | Index::NewAxis)).count();
    if ellipses > 1 || named > ty.rank() {
        let message = format!(
            "{named} axes and {ellipses} ellipses are named; {ty} has {} axes, one ellipsis is allowed",
            ty.rank()
        );
        return Err(Error::new(ErrorKind::Argument, "index", message));
    }
    let rest = || std::iter::repeat_n(Index::All, ty.rank() - named);
    let mut full: Vec<Index> = Vec::new();
    for entry in index {
        match entry {
            Index::Ellipsis => full.extend(rest()),
            other => full.push(other.clone()),
        }
    }
    if ellipses == 0 {
        full.extend(rest());
    }
    Ok(full)
}

/// A range of an axis with numpy's meaning of its ends.
#[track_caller]
fn strided(x: &Array, axis: usize, start: Option<isize>, end: Option<isize>, step: isize) -> Result<Array> {
    let shape = x.shape()?;
    let extent = shape[axis] as isize;
    if step == 0 {
        return Err(Error::new(ErrorKind::Argument, "index", "the step of a range is 0; use 1, or -1 to go backwards"));
    }
    let from_the_end = |at: isize| if at < 0 { at + extent } else { at };
    let (mut starts, mut limits) = (Dims::from_elem(0, shape.len()), shape.clone());
    let mut strides = Dims::from_elem(1, shape.len());
    strides[axis] = step.unsigned_abs();
    if step > 0 {
        let start = from_the_end(start.unwrap_or(0)).clamp(0, extent);
        let end = end.map_or(extent, from_the_end).clamp(start, extent);
        (starts[axis], limits[axis]) = (start as usize, end as usize);
        return Ok(x.slice_strided(&starts, &limits, &strides));
    }
    // Backwards: the same of the reversed axis.
    let first = start.map_or(extent - 1, from_the_end).clamp(-1, extent - 1);
    let last = end.map_or(-1, |end| from_the_end(end).clamp(-1, extent - 1)).min(first);
    (starts[axis], limits[axis]) = ((extent - 1 - first) as usize, (extent - 1 - last) as usize);
    Ok(x.flip(&[axis as isize]).slice_strided(&starts, &limits, &strides))
}

/// Axes indexed by arrays of integers, all together.
#[track_caller]
fn by_numbers(x: &Array, arrays: &[(usize, Array)], out_of_range: OutOfRange) -> Result<Array> {
    let shape = x.shape()?;
    let mut common = Dims::new();
    for (_, array) in arrays {
        let ty = array.ty()?;
        if !ty.dtype.is_int() {
            let message = format!(
                "an index is {ty}; indices are integers (the shape of what a bool array names is known only with the data: \
                 use `select`)"
            );
            return Err(Error::new(ErrorKind::DType, "index", message));
        }
        common = broadcast(&common, &ty.shape)?;
    }
    let indexed: Dims = arrays.iter().map(|&(axis, _)| axis).collect();
    let others = axes::others(&indexed, shape.len());
    let extents: Dims = indexed.iter().map(|&axis| shape[axis]).collect();
    let dtype = arrays.iter().fold(DType::I32, |dtype, (_, array)| {
        let own = array.dtype().map_or(DType::I32, |own| index_dtype(own, &extents));
        if own == DType::I64 { own } else { dtype }
    });
    let mut row = Array::zeros(&common, dtype);
    let mut within: Option<Array> = None;
    for ((_, array), (&extent, stride)) in arrays.iter().zip(extents.iter().zip(row_major_strides(&extents))) {
        let index = from_the_end(array, extent).astype(dtype);
        let greatest = (extent as i64 - 1).max(0);
        let place = match out_of_range {
            OutOfRange::Wrap => {
                let rest = index.rem(greatest + 1);
                rest.less(0).select(&rest + (greatest + 1), &rest)
            }
            _ => index.clamp(0, greatest),
        };
        if matches!(out_of_range, OutOfRange::Drop | OutOfRange::Fill(_)) {
            let fits = index.equal(&place);
            within = Some(within.map_or(fits.clone(), |within| within & fits));
        }
        row += place * stride;
    }
    if let Some(within) = within {
        row = within.select(row, -1);
    }
    let rest: Dims = others.iter().map(|&axis| shape[axis]).collect();
    let order: Dims = indexed.iter().chain(&others).copied().collect();
    let (rows, width) = (extents.iter().product(), rest.iter().product());
    let count = common.iter().product();
    let numbers = row.broadcast_to(&common).reshape(&[count]);
    let taken = rows_or(&x.permute(&order).reshape(&[rows, width]), &numbers, out_of_range, "index");
    let whole: Dims = common.iter().chain(&rest).copied().collect();
    let taken = taken.reshape(&whole);
    let adjacent = indexed.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let front = if adjacent { others.iter().filter(|&&axis| axis < indexed[0]).count() } else { 0 };
    let places: Dims =
        (common.len()..common.len() + front).chain(0..common.len()).chain(common.len() + front..whole.len()).collect();
    Ok(taken.permute(&places))
}

/// The shape of two arrays broadcast against each other.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Dims> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => {
                let message =
                    format!("index arrays of shapes {a:?} and {b:?} do not broadcast; extents must be equal or 1");
                Err(Error::new(ErrorKind::Shape, "index", message))
            }
        })
        .collect()
}
