//! Primitives that take and place a block of elements at a position that is a value. As in XLA, a position is clamped so
//! that the block lies within the array; the rules rely on it, for a transpose must touch the same elements.

use super::axes::{self, attempt, index_of, position_of};
use super::gather::GATHER;
use super::scatter::ScatterKind;
use super::shape::move_elements;
use super::{
    Arity, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types, View,
    WithTangents, one, refuse,
};
use crate::array::{Array, Repr, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::{Dims, Type};

/// A block taken at a position that is a value.
pub static DYNAMIC_SLICE: Prim = Prim {
    name: "dynamic_slice",
    doc: "The block of extents `sizes` that begins at the starts, one integer scalar per axis, clamped into range.",
    arity: Arity::AtLeast(1),
    attrs: &[("sizes", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], sizes: &[usize], start| {
            let starts = shape.iter().map(|_| Type::scalar(start));
            Case::new(std::iter::once(Type::new(dtype, shape)).chain(starts), sizes_attrs(sizes))
        };
        vec![
            case(DType::F64, &[], &[], DType::I32),
            case(DType::F64, &[5], &[2], DType::I32),
            case(DType::C128, &[3, 4], &[2, 3], DType::I64),
            case(DType::F32, &[3, 2, 4], &[1, 2, 2], DType::I32),
            case(DType::F64, &[3, 2], &[0, 2], DType::I32),
            case(DType::I32, &[4], &[2], DType::I64),
        ]
    }),
    infer: infer_dynamic_slice,
    eval: Eval::Tensors(|xs, _, types| {
        let starts = clamped(&xs[1..], &xs[0].ty().shape, &types[0].shape);
        let source = |index: &[usize]| index.iter().zip(&starts).map(|(at, start)| at + start).collect();
        vec![move_elements(xs[0], &types[0], source)]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| {
        let operands: Vec<&Array> = std::iter::once(tangent).chain(&args.xs[1..]).collect();
        apply1(&DYNAMIC_SLICE, &operands, args.attrs.clone())
    }]),
    transpose: Transpose::Rule(|args| {
        let mut cotangents = vec![None; args.xs.len()];
        if let Operand::Linear(ty) = &args.xs[0] {
            let zeros = Array::zeros(&ty.shape, ty.dtype);
            cotangents[0] = Some(update_at(&zeros, args.ct(), &known_starts(args, 1)));
        }
        cotangents
    }),
    batch: Batch::Rule(|args| {
        if args.batched[1..].contains(&true) {
            return vec![(each_slice(args), true)];
        }
        let sizes = axes::with_leading(args.size, &args.attrs.sizes("sizes"));
        vec![(slice_at(&args.xs[0], &starts_with_batch(&args.xs[1..]), &sizes), true)]
    }),
    lower: Lower::Reindex(|_, _, _| View::DynamicSlice),
};

/// A block replaced at a position that is a value.
pub static DYNAMIC_UPDATE_SLICE: Prim = Prim {
    name: "dynamic_update_slice",
    doc: "The first operand with the second written over the block that begins at the starts, the other operands: one \
          integer scalar per axis, clamped into range.",
    arity: Arity::AtLeast(2),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], update: &[usize], start| {
            let starts = shape.iter().map(|_| Type::scalar(start));
            Case::new([Type::new(dtype, shape), Type::new(dtype, update)].into_iter().chain(starts), Attrs::none())
        };
        vec![
            case(DType::F64, &[], &[], DType::I32),
            case(DType::F64, &[5], &[2], DType::I32),
            case(DType::C128, &[3, 4], &[2, 3], DType::I64),
            case(DType::F32, &[3, 2, 4], &[1, 2, 2], DType::I32),
            case(DType::F64, &[3, 2], &[0, 2], DType::I32),
            case(DType::I32, &[4], &[2], DType::I64),
        ]
    }),
    infer: infer_dynamic_update_slice,
    eval: Eval::Tensors(|xs, _, types| {
        let (shape, update) = (&types[0].shape, xs[1]);
        let starts = clamped(&xs[2..], shape, &update.ty().shape);
        let mut result = xs[0].clone();
        for (position, element) in update.scalars().enumerate() {
            let index = index_of(position, &update.ty().shape);
            let target: Dims = index.iter().zip(&starts).map(|(at, start)| at + start).collect();
            result.set(position_of(&target, shape), element);
        }
        vec![result]
    }),
    // Linear in the first two operands jointly, but not in the starts: one update of the tangents, not a sum of two.
    jvp: Jvp::Whole(jvp_dynamic_update_slice),
    transpose: Transpose::Rule(transpose_dynamic_update_slice),
    batch: Batch::Rule(|args| {
        if args.batched[2..].contains(&true) {
            return vec![(each_update(args), true)];
        }
        let starts = starts_with_batch(&args.xs[2..]);
        vec![(update_at(&args.with_batch(0), &args.with_batch(1), &starts), true)]
    }),
    lower: Lower::Reindex(|_, _, _| View::DynamicUpdate),
};

impl Array {
    /// The block of extents `sizes` that begins at `starts`, integer scalars that may be values of the function being
    /// traced. Negative ones count from the end; then they are clamped so that the block lies within the array.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.dynamic_slice(&[Array::from(1)], &[2]).to_vec::<f32>().unwrap(), [2.0, 3.0]);
    /// assert_eq!(x.dynamic_slice(&[Array::from(9)], &[2]).to_vec::<f32>().unwrap(), [3.0, 4.0]);
    /// assert_eq!(x.dynamic_slice(&[Array::from(-3)], &[2]).to_vec::<f32>().unwrap(), [2.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn dynamic_slice(&self, starts: &[Array], sizes: &[usize]) -> Array {
        slice_at(self, &from_the_end(starts, &attempt!(self.shape())), sizes)
    }

    /// The array with `update` written over the block that begins at `starts`, integer scalars that may be values of the
    /// function being traced. Negative ones count from the end; then they are clamped so that the block lies within
    /// the array. The update is converted to the dtype of the array.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0]).dynamic_update_slice(&Array::from([9.0f32]), &[Array::from(1)]);
    /// assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 9.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn dynamic_update_slice(&self, update: &Array, starts: &[Array]) -> Array {
        let ty = attempt!(self.ty());
        update_at(self, &update.astype(ty.dtype), &from_the_end(starts, &ty.shape))
    }
}

/// The block at starts that are not negative where they are meant.
#[track_caller]
fn slice_at(x: &Array, starts: &[Array], sizes: &[usize]) -> Array {
    let operands: Vec<&Array> = std::iter::once(x).chain(starts).collect();
    apply1(&DYNAMIC_SLICE, &operands, sizes_attrs(sizes))
}

/// As [`slice_at`], for the block replaced.
#[track_caller]
fn update_at(x: &Array, update: &Array, starts: &[Array]) -> Array {
    let operands: Vec<&Array> = [x, update].into_iter().chain(starts).collect();
    apply1(&DYNAMIC_UPDATE_SLICE, &operands, Attrs::none())
}

/// Starts of which negative ones count from the end. Of known ones nothing is left to compute; what is no integer is for
/// the type rule to refuse.
#[track_caller]
fn from_the_end(starts: &[Array], shape: &[usize]) -> Vec<Array> {
    let one = |(start, &extent): (&Array, &usize)| {
        let integer = start.ty().is_ok_and(|ty| ty.rank() == 0 && matches!(ty.dtype, DType::I32 | DType::I64));
        match start.repr() {
            Repr::Data(data) if integer && data.get(0).as_i128() >= 0 => start.clone(),
            _ if integer => start.less(0).select(start + extent as i64, start),
            _ => start.clone(),
        }
    };
    starts.iter().zip(shape).map(one).chain(starts.iter().skip(shape.len()).cloned()).collect()
}

/// The attributes of [`DYNAMIC_SLICE`].
fn sizes_attrs(sizes: &[usize]) -> Attrs {
    Attrs::none().with_sizes("sizes", sizes.iter().copied())
}

fn infer_dynamic_slice(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let sizes = axes::extents("dynamic_slice", attrs.ints("sizes"))?;
    check_block("dynamic_slice", x, &sizes, &operands[1..])?;
    one(Type { dtype: x.dtype, shape: sizes })
}

fn infer_dynamic_update_slice(operands: &[&Type], _: &Attrs) -> Result<Types> {
    let (x, update) = (operands[0], operands[1]);
    if update.dtype != x.dtype {
        let message = format!("the update {update} must have the dtype of {x}; convert it with `astype`");
        return refuse(ErrorKind::DType, "dynamic_update_slice", message);
    }
    check_block("dynamic_update_slice", x, &update.shape, &operands[2..])?;
    one(x.clone())
}

/// Refuses a block that does not fit into `x`, and starts that do not give it a position.
fn check_block(operation: &str, x: &Type, block: &[usize], starts: &[&Type]) -> Result<()> {
    if block.len() != x.rank() || block.iter().zip(&x.shape).any(|(size, extent)| size > extent) {
        let message = format!("a block of shape {block:?} does not fit into {x}; it needs extents up to {:?}", x.shape);
        return refuse(ErrorKind::Shape, operation, message);
    }
    if starts.len() != x.rank() {
        let message = format!("{x} needs one start per axis, {}; {} were given", x.rank(), starts.len());
        return refuse(ErrorKind::Argument, operation, message);
    }
    let fits = |start: &Type| start.rank() == 0 && matches!(start.dtype, DType::I32 | DType::I64);
    match starts.iter().find(|start| !fits(start)) {
        Some(start) => {
            let message = format!("a start is {start}; it must be an i32 or i64 scalar (convert it with `astype`)");
            refuse(ErrorKind::DType, operation, message)
        }
        None => Ok(()),
    }
}

/// The starts as indices at which a block lies within an array.
fn clamped(starts: &[&Tensor], shape: &[usize], block: &[usize]) -> Dims {
    let room = shape.iter().zip(block).map(|(extent, size)| extent - size);
    starts.iter().zip(room).map(|(start, room)| start.get(0).as_i128().clamp(0, room as i128) as usize).collect()
}

/// The starts of a primitive being transposed: the operands from `first`.
fn known_starts(args: &TransposeArgs<'_>, first: usize) -> Vec<Array> {
    args.xs[first..].iter().map(|operand| operand.known().clone()).collect()
}

/// Starts for an array with a leading batch axis.
fn starts_with_batch(starts: &[Array]) -> Vec<Array> {
    let zero = Array::scalar(Scalar::zero(DType::I32));
    std::iter::once(zero).chain(starts.iter().cloned()).collect()
}

fn jvp_dynamic_update_slice(
    prim: &'static Prim,
    xs: &[Array],
    tangents: &[Option<Array>],
    attrs: &Attrs,
) -> WithTangents {
    let apply = |x: &Array, update: &Array| {
        let operands: Vec<&Array> = [x, update].into_iter().chain(&xs[2..]).collect();
        apply1(prim, &operands, attrs.clone())
    };
    let result = apply(&xs[0], &xs[1]);
    let tangent = match (&tangents[0], &tangents[1]) {
        (None, None) => None,
        (x, update) => {
            let of = |tangent: &Option<Array>, primal: &Array| tangent.clone().unwrap_or_else(|| primal.zeros_like());
            Some(apply(&of(x, &xs[0]), &of(update, &xs[1])))
        }
    };
    (vec![result], vec![tangent])
}

fn transpose_dynamic_update_slice(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let starts = known_starts(args, 2);
    let mut cotangents = vec![None; args.xs.len()];
    let update = match args.xs[1].ty() {
        Ok(ty) => ty,
        Err(error) => return vec![Some(axes::failed(error)); args.xs.len()],
    };
    if args.xs[0].is_linear() {
        let zeros = Array::zeros(&update.shape, update.dtype);
        cotangents[0] = Some(update_at(args.ct(), &zeros, &starts));
    }
    if args.xs[1].is_linear() {
        cotangents[1] = Some(slice_at(args.ct(), &starts, &update.shape));
    }
    cotangents
}

/// Where the blocks of a batch begin each at places of its own, their rows are looked up by number.
struct Rows {
    /// Row numbers, [batch, count].
    numbers: Array,
    /// Rows of one array, and elements of one row: the trailing axes that a block has whole.
    shape: [usize; 2],
}

impl Rows {
    /// The rows of blocks of extents `block` in arrays of extents `shape`, the starts being the operands from `first`.
    #[track_caller]
    fn new(args: &BatchArgs<'_>, first: usize, shape: &[usize], block: &[usize]) -> Rows {
        let partial = (0..shape.len()).rev().find(|&axis| shape[axis] != block[axis]);
        let axes = partial.map_or(0, |axis| axis + 1);
        let (outer, width): (usize, usize) = (shape[..axes].iter().product(), shape[axes..].iter().product());
        let dtype = if outer <= i32::MAX as usize { DType::I32 } else { DType::I64 };
        let places = axes::with_leading(args.size, &block[..axes]);
        let strides = crate::types::row_major_strides(&shape[..axes]);
        let mut numbers = Array::zeros(&places, dtype);
        for axis in 0..axes {
            let start = args.with_batch(first + axis).clamp(0, (shape[axis] - block[axis]) as i64).astype(dtype);
            let index = start.broadcast_in_dim(&places, &[0]) + Array::iota(&places, axis as isize + 1, dtype);
            numbers += index * strides[axis];
        }
        let count = block[..axes].iter().product();
        Rows { numbers: numbers.reshape(&[args.size, count]), shape: [outer, width] }
    }
}

fn each_slice(args: &BatchArgs<'_>) -> Array {
    let shape = attempt!(args.inner_shape(0));
    let block = args.attrs.sizes("sizes");
    let result = axes::with_leading(args.size, &block);
    if result.contains(&0) {
        return Array::zeros(&result, attempt!(args.xs[0].dtype()));
    }
    let Rows { numbers, shape: [rows, width] } = Rows::new(args, 1, &shape, &block);
    if args.batched[0] {
        let x = args.xs[0].reshape(&[args.size, rows, width]);
        return apply1(&GATHER, &[&x, &numbers], Attrs::none()).reshape(&result);
    }
    let taken = apply1(&GATHER, &[&args.xs[0].reshape(&[rows, width]), &numbers.flatten()], Attrs::none());
    taken.reshape(&result)
}

fn each_update(args: &BatchArgs<'_>) -> Array {
    let (shape, block) = (attempt!(args.inner_shape(0)), attempt!(args.inner_shape(1)));
    let x = args.with_batch(0);
    if block.contains(&0) {
        return x;
    }
    let Rows { numbers, shape: [rows, width] } = Rows::new(args, 2, &shape, &block);
    let count = block.iter().product::<usize>() / width;
    let updates = args.with_batch(1).reshape(&[args.size, count, width]);
    let x = x.reshape(&[args.size, rows, width]);
    super::scatter::rows(ScatterKind::Set, &x, &numbers, &updates).reshape(&axes::with_leading(args.size, &shape))
}
