//! Rows taken by number: the primitive, and the methods that take elements at places that are values.
//!
//! The primitive knows one form only: rows of a matrix, for every element of a batch. Coordinates along several axes are
//! first made row numbers by arithmetic, which fuses with the loads; so are all ways to treat numbers out of range.

use super::axes::{self, attempt, index_of, position_of};
use super::scatter::{self, ScatterKind};
use super::{
    Arity, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types, View, one,
    refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::{Dims, Type};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&GATHER, &scatter::SCATTER];

/// Rows by number.
pub static GATHER: Prim = Prim {
    name: "gather",
    doc: "Rows of the first operand, [.., n, m], that the second, [.., k], names: `y[.., i, :] = x[.., k[.., i], :]`. \
          Leading axes are common to both. Numbers are clamped to 0..n.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype, index, x: &[usize], k: &[usize]| {
            Case::new([Type::new(dtype, x), Type::new(index, k)], Attrs::none())
        };
        vec![
            case(DType::F64, DType::I32, &[4, 3], &[5]),
            case(DType::F64, DType::I64, &[3, 1], &[2]),
            case(DType::F32, DType::I32, &[2, 4, 3], &[2, 3]),
            case(DType::C128, DType::I32, &[2, 3, 1], &[2, 4]),
            case(DType::F64, DType::I32, &[1, 2], &[3]),
            case(DType::F64, DType::I32, &[3, 2], &[0]),
            case(DType::F64, DType::I32, &[3, 0], &[2]),
            case(DType::Bool, DType::I32, &[3, 2], &[4]),
            case(DType::I8, DType::I64, &[3, 20], &[4]),
        ]
    }),
    infer: infer_gather,
    eval: Eval::Tensors(|xs, _, types| {
        let (x, numbers, ty) = (xs[0], xs[1], &types[0]);
        let rank = ty.rank();
        let rows = x.ty().shape[rank - 2];
        vec![Tensor::from_fn(ty.clone(), |position| {
            let mut index = index_of(position, &ty.shape);
            let number = numbers.get(position_of(&index[..rank - 1], &numbers.ty().shape));
            index[rank - 2] = number.as_i128().clamp(0, rows as i128 - 1) as usize;
            x.get(position_of(&index, &x.ty().shape))
        })]
    }),
    jvp: Jvp::PerOperand(&[
        |args, tangent| apply1(&GATHER, &[tangent, &args.xs[1]], Attrs::none()),
        |args, _| args.out.zeros_like(),
    ]),
    transpose: Transpose::Rule(transpose_gather),
    batch: Batch::Rule(|args| vec![(batch_gather(args), true)]),
    lower: Lower::Reindex(|_, _, _| View::Gather),
};

/// What is done with an index out of range. Negative ones have already been counted from the end where the operation does
/// that.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum OutOfRange {
    /// The nearest place is meant.
    Clip,
    /// Nothing is meant: reading gives NaN (of integers the least value, the greatest of unsigned ones, of bools true),
    /// writing does nothing.
    Drop,
    /// Nothing is meant: reading gives this value, converted to the dtype of the array; writing does nothing.
    Fill(f64),
    /// Indices are meant modulo the extent.
    Wrap,
}

impl Array {
    /// The elements at indices along an axis, which the axes of `indices` replace. Negative indices count from the end,
    /// and where one is out of range the result is NaN (see [`OutOfRange::Drop`]); [`Array::take_with`] offers other ways.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// assert_eq!(x.take(&Array::from([2, -3]), 1).to_vec::<f32>().unwrap(), [3.0, 1.0, 6.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn take(&self, indices: &Array, axis: isize) -> Array {
        let extent = attempt!(self.shape().and_then(|shape| Ok(shape[axes::axis("take", axis, shape.len())?])));
        self.take_with(&from_the_end(indices, extent), axis, OutOfRange::Drop)
    }

    /// The elements at indices along an axis, which the axes of `indices` replace. Negative indices are out of range.
    ///
    /// ```
    /// use cotangent_ir::{Array, OutOfRange};
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// let taken = x.take_with(&Array::from([-1, 4]), 0, OutOfRange::Clip);
    /// assert_eq!(taken.to_vec::<f32>().unwrap(), [1.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn take_with(&self, indices: &Array, axis: isize, out_of_range: OutOfRange) -> Array {
        let shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("take", axis, shape.len()));
        let numbers = attempt!(indices.shape());
        let outer: usize = shape[..axis].iter().product();
        let inner: usize = shape[axis + 1..].iter().product();
        let count: usize = numbers.iter().product();
        let result: Dims = shape[..axis].iter().chain(&numbers).chain(&shape[axis + 1..]).copied().collect();
        // The same rows for every element of the batch: batch and row number together name a row.
        let indices = indices.reshape(&[1, count]).broadcast_to(&[outer, count]);
        let rows = self.reshape(&[outer, shape[axis], inner]);
        rows_or(&rows, &indices, out_of_range, "take").reshape(&result)
    }

    /// For each element of `indices` the element at that index along an axis, and at the same place along all others.
    /// Negative indices count from the end; where one is out of range the result is NaN (see [`OutOfRange::Drop`]). Axes of
    /// extent 1 are repeated.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let least = x.take_along_axis(&Array::from([[1], [0]]), 1);
    /// assert_eq!(least.to_vec::<f32>().unwrap(), [2.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn take_along_axis(&self, indices: &Array, axis: isize) -> Array {
        let (shape, numbers) = (attempt!(self.shape()), attempt!(indices.shape()));
        let at = attempt!(axes::axis("take_along_axis", axis, shape.len()));
        if numbers.len() != shape.len() {
            let message = format!(
                "indices of shape {numbers:?} must have as many axes as the array of shape {shape:?}; add axes of extent 1 \
                 with `expand_dims`"
            );
            return fail(ErrorKind::Shape, "take_along_axis", message);
        }
        let mut common: Dims = shape.iter().zip(&numbers).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
        let extent = shape[at];
        common[at] = extent;
        let x = self.broadcast_to(&common).move_axis(at as isize, -1);
        common[at] = numbers[at];
        let indices = from_the_end(indices, extent).broadcast_to(&common).move_axis(at as isize, -1);
        let mut moved = attempt!(indices.shape());
        let outer: usize = moved[..moved.len() - 1].iter().product();
        let count = moved.pop().unwrap_or(1);
        let x = x.reshape(&[outer, extent, 1]);
        let taken = rows_or(&x, &indices.reshape(&[outer, count]), OutOfRange::Drop, "take_along_axis");
        moved.push(count);
        taken.reshape(&moved).move_axis(-1, at as isize)
    }

    /// Blocks of extents `sizes` that begin at the coordinates in the last axis of `starts`, along the axes named; along
    /// the others a block begins at 0. The result has the leading axes of `starts`, then those of a block. Clipped blocks
    /// are moved to lie within the array; otherwise a block that does not lie within it is out of range as a whole.
    ///
    /// ```
    /// use cotangent_ir::{Array, OutOfRange};
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// let blocks = x.gather(&Array::from([[0, 1], [1, 0]]), &[0, 1], &[1, 2], OutOfRange::Clip);
    /// assert_eq!(blocks.to_vec::<i32>().unwrap(), [2, 3, 4, 5]);
    /// ```
    #[track_caller]
    pub fn gather(&self, starts: &Array, axes: &[isize], sizes: &[usize], out_of_range: OutOfRange) -> Array {
        let places = attempt!(Places::of_blocks("gather", self, starts, axes, sizes, out_of_range));
        let count: usize = attempt!(places.rows.shape()).iter().product();
        let length: usize = attempt!(self.shape()).iter().product();
        let rows = self.reshape(&[length.checked_div(places.width).unwrap_or(0), places.width]);
        let taken = rows_or(&rows, &places.rows.reshape(&[count]), out_of_range, "gather");
        taken.reshape(&places.shape)
    }
}

/// Rows that coordinates name: the trailing axes that are taken whole are within a row.
pub(crate) struct Places {
    /// The numbers of the rows, -1 where they are out of range and not meant.
    pub(crate) rows: Array,
    /// Elements of a row.
    pub(crate) width: usize,
    /// The shape of the array of all elements.
    pub(crate) shape: Dims,
}

impl Places {
    /// The places of the elements of blocks, as [`Array::gather`] describes them.
    #[track_caller]
    pub(crate) fn of_blocks(
        operation: &str,
        x: &Array,
        starts: &Array,
        axes: &[isize],
        sizes: &[usize],
        out_of_range: OutOfRange,
    ) -> Result<Places> {
        let (shape, batch) = (x.shape()?, starts.shape()?);
        let axes = axes::axes(operation, axes, shape.len())?;
        let Some(batch) = batch.split_last().filter(|(last, _)| **last == axes.len()).map(|(_, batch)| batch) else {
            let message = format!(
                "starts of shape {batch:?} must have a last axis of extent {}, a coordinate for each of the axes {axes:?}",
                axes.len()
            );
            return refuse(ErrorKind::Shape, operation, message);
        };
        if sizes.len() != shape.len() || sizes.iter().zip(&shape).any(|(size, extent)| size > extent) {
            let message = format!("a block of extents {sizes:?} does not fit into an array of shape {shape:?}");
            return refuse(ErrorKind::Shape, operation, message);
        }
        let whole = |axis: usize| sizes[axis] == shape[axis] && !axes.contains(&axis);
        let outer = (0..shape.len()).rev().find(|&axis| !whole(axis)).map_or(0, |axis| axis + 1);
        let numbered: Dims = batch.iter().chain(&sizes[..outer]).copied().collect();
        let leading: Dims = (0..batch.len()).collect();
        let dtype = index_dtype(starts.dtype()?, &shape);
        let starts = starts.astype(dtype);
        let strides = crate::types::row_major_strides(&shape[..outer]);
        let mut rows = Array::zeros(&numbered, dtype);
        let mut within: Option<Array> = None;
        for axis in 0..outer {
            let mut index = Array::iota(&numbered, (batch.len() + axis) as isize, dtype);
            if let Some(i) = axes.iter().position(|&named| named == axis) {
                let start = starts.index_axis(-1, i as isize);
                let clipped = start.clamp(0, (shape[axis] - sizes[axis]) as i64);
                if out_of_range != OutOfRange::Clip {
                    let fits = start.equal(&clipped);
                    within = Some(within.map_or(fits.clone(), |within| within & fits));
                }
                index = clipped.broadcast_in_dim(&numbered, &leading) + index;
            }
            rows += index * strides[axis];
        }
        if let Some(within) = within {
            rows = within.broadcast_in_dim(&numbered, &leading).select(rows, -1);
        }
        let width = shape[outer..].iter().product();
        Ok(Places { rows, width, shape: batch.iter().chain(sizes).copied().collect() })
    }
}

/// The dtype in which positions in an array of some shape are counted, given the dtype of the indices.
pub(crate) fn index_dtype(given: DType, shape: &[usize]) -> DType {
    let small = shape.iter().product::<usize>() <= i32::MAX as usize;
    match given {
        DType::I8 | DType::I16 | DType::I32 | DType::U8 | DType::U16 if small => DType::I32,
        _ => DType::I64,
    }
}

/// Indices of which negative ones count from the end.
#[track_caller]
pub(crate) fn from_the_end(indices: &Array, extent: usize) -> Array {
    let dtype = attempt!(indices.dtype());
    if !dtype.is_int() {
        let message = format!("indices must be integers, got {dtype}; convert them with `astype(DType::I32)`");
        return fail(ErrorKind::DType, "take", message);
    }
    if dtype.is_unsigned_int() {
        return indices.clone();
    }
    let indices = indices.astype(index_dtype(dtype, &[extent]));
    indices.less(0).select(&indices + extent as i64, &indices)
}

/// Rows of `x`, [b, n, m] or [n, m], by numbers [b, k] or [k].
#[track_caller]
pub(crate) fn rows_or(x: &Array, numbers: &Array, out_of_range: OutOfRange, operation: &str) -> Array {
    let (ty, dtype) = (attempt!(x.ty()), attempt!(numbers.dtype()));
    if !dtype.is_int() {
        let message = format!("indices must be integers, got {dtype}; convert them with `astype(DType::I32)`");
        return fail(ErrorKind::DType, operation, message);
    }
    let rows = ty.shape[ty.rank() - 2];
    let numbers = numbers.astype(index_dtype(dtype, &[rows]));
    let count = attempt!(numbers.shape());
    let shape: Dims = count.iter().copied().chain([ty.shape[ty.rank() - 1]]).collect();
    let fill = match out_of_range {
        OutOfRange::Fill(value) => Scalar::real(ty.dtype, value),
        _ => nothing(ty.dtype),
    };
    if rows == 0 {
        if count.iter().product::<usize>() > 0 && matches!(out_of_range, OutOfRange::Clip | OutOfRange::Wrap) {
            let message =
                "nothing can be taken of an axis without elements; use `OutOfRange::Fill` or check its extent";
            return fail(ErrorKind::Shape, operation, message);
        }
        return Array::filled(&shape, fill);
    }
    let taken = |numbers: &Array| apply1(&GATHER, &[x, numbers], Attrs::none());
    match out_of_range {
        OutOfRange::Clip => taken(&numbers),
        OutOfRange::Wrap => {
            let rest = numbers.rem(rows as i64);
            taken(&rest.less(0).select(&rest + rows as i64, &rest))
        }
        OutOfRange::Drop | OutOfRange::Fill(_) => {
            let within = numbers.greater_equal(0) & numbers.less(rows as i64);
            let leading: Dims = (0..count.len()).collect();
            within.broadcast_in_dim(&shape, &leading).select(taken(&numbers), Array::scalar(fill))
        }
    }
}

/// What reading out of range gives.
fn nothing(dtype: DType) -> Scalar {
    match dtype {
        _ if dtype.is_inexact() => Scalar::real(dtype, f64::NAN),
        DType::Bool => Scalar::bool(true),
        _ if dtype.is_unsigned_int() => Scalar::highest(dtype),
        _ => Scalar::lowest(dtype),
    }
}

/// Refuses what does not have rows and row numbers of one batch. Shared with the scatter.
pub(crate) fn check_rows(operation: &str, x: &Type, numbers: &Type) -> Result<()> {
    if !matches!(numbers.dtype, DType::I32 | DType::I64) {
        let message = format!("row numbers must be i32 or i64, got {numbers}; convert them with `astype`");
        return refuse(ErrorKind::DType, operation, message);
    }
    let batch = x.rank().checked_sub(2);
    let fits = batch.is_some_and(|batch| numbers.rank() == batch + 1 && numbers.shape[..batch] == x.shape[..batch]);
    if !fits {
        let message = format!("{x} and row numbers {numbers} must be of shapes [.., n, m] and [.., k]");
        return refuse(ErrorKind::Shape, operation, message);
    }
    Ok(())
}

fn infer_gather(operands: &[&Type], _: &Attrs) -> Result<Types> {
    let (x, numbers) = (operands[0], operands[1]);
    check_rows("gather", x, numbers)?;
    let (rows, width) = (x.shape[x.rank() - 2], x.shape[x.rank() - 1]);
    let shape: Dims = numbers.shape.iter().copied().chain([width]).collect();
    axes::addressable("gather", &shape)?;
    if rows == 0 && !numbers.is_empty() {
        return refuse(ErrorKind::Shape, "gather", format!("{x} has no rows, {numbers} asks for some"));
    }
    one(Type { dtype: x.dtype, shape })
}

fn transpose_gather(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let Operand::Linear(ty) = &args.xs[0] else { return vec![None, None] };
    let rows = ty.shape[ty.rank() - 2] as i64;
    let numbers = args.xs[1].known().clamp(0, rows - 1);
    vec![Some(scatter::rows(ScatterKind::Add, &Array::zeros(&ty.shape, ty.dtype), &numbers, args.ct())), None]
}

/// Numbers alone: the batches follow each other in one list of rows. Otherwise both carry the batch.
fn batch_gather(args: &BatchArgs<'_>) -> Array {
    if args.batched[0] {
        return apply1(&GATHER, &[&args.with_batch(0), &args.with_batch(1)], Attrs::none());
    }
    let shape = attempt!(args.xs[1].shape());
    let width = attempt!(args.xs[0].shape()).last().copied().unwrap_or(1);
    let numbers = args.xs[1].move_axis(0, -2);
    let mut flat = attempt!(numbers.shape());
    let count = flat.pop().unwrap_or(1) * flat.pop().unwrap_or(1);
    flat.push(count);
    let taken = apply1(&GATHER, &[&args.xs[0], &numbers.reshape(&flat)], Attrs::none());
    flat.pop();
    flat.extend([args.size, shape[shape.len() - 1], width]);
    taken.reshape(&flat).move_axis(-3, 0)
}
