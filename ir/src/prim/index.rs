//! Primitives that take and place elements at positions fixed in the function: slice, pad, concatenate, reverse. Those
//! whose positions are values stand in `dynamic.rs`.

use super::axes::{self, attempt, index_of, position_of};
use super::shape::move_elements;
use super::{
    Arity, AxisMap, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    View, one, refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::operand::{IntoOperand, Term};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::{Dims, Type};

/// The primitives of this family.
pub static ALL: &[&Prim] =
    &[&SLICE, &PAD, &CONCATENATE, &REVERSE, &super::dynamic::DYNAMIC_SLICE, &super::dynamic::DYNAMIC_UPDATE_SLICE];

/// A part of an array.
pub static SLICE: Prim = Prim {
    name: "slice",
    doc: "Along each axis the elements at `start`, `start + stride`, ... below `limit`.",
    arity: Arity::Exactly(1),
    attrs: &[("start", AttrKind::Ints), ("limit", AttrKind::Ints), ("stride", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], start: &[usize], limit: &[usize], stride: &[usize]| {
            Case::new([Type::new(dtype, shape)], slice_attrs(start, limit, stride))
        };
        vec![
            case(DType::F64, &[], &[], &[], &[]),
            case(DType::F64, &[5], &[1], &[4], &[1]),
            case(DType::F32, &[7], &[1], &[7], &[2]),
            case(DType::C128, &[4, 5], &[0, 1], &[4, 5], &[2, 3]),
            case(DType::F64, &[3, 2, 4], &[1, 0, 1], &[3, 2, 3], &[1, 1, 1]),
            case(DType::F64, &[3, 2], &[2, 0], &[2, 2], &[1, 1]),
            case(DType::F64, &[0], &[0], &[0], &[4]),
            case(DType::Bool, &[4], &[2], &[4], &[1]),
        ]
    }),
    infer: infer_slice,
    eval: Eval::Tensors(|xs, attrs, types| {
        let (start, stride) = (attrs.sizes("start"), attrs.sizes("stride"));
        let source = |index: &[usize]| (0..index.len()).map(|axis| start[axis] + stride[axis] * index[axis]).collect();
        vec![move_elements(xs[0], &types[0], source)]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(transpose_slice),
    batch: Batch::Rule(|args| {
        let [start, limit, stride] = ["start", "limit", "stride"].map(|name| args.attrs.sizes(name));
        let start = axes::with_leading(0, &start);
        let limit = axes::with_leading(args.size, &limit);
        let stride = axes::with_leading(1, &stride);
        vec![(args.xs[0].slice_strided(&start, &limit, &stride), true)]
    }),
    lower: Lower::Reindex(|_, attrs, _| {
        let axes = attrs.ints("start").iter().zip(attrs.ints("stride")).enumerate();
        View::Affine(axes.map(|(axis, (&offset, &stride))| AxisMap { offset, stride, axis: Some(axis) }).collect())
    }),
};

/// Elements before, after and between.
pub static PAD: Prim = Prim {
    name: "pad",
    doc: "Places `fill`, the second operand, `low` times before, `high` times after and `interior` times between the \
          elements along each axis; negative `low` and `high` cut elements off.",
    arity: Arity::Exactly(2),
    attrs: &[("low", AttrKind::Ints), ("high", AttrKind::Ints), ("interior", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], widths: &[(i64, i64, i64)]| {
            Case::new([Type::new(dtype, shape), Type::scalar(dtype)], pad_attrs(widths))
        };
        vec![
            case(DType::F64, &[], &[]),
            case(DType::F64, &[3], &[(1, 2, 0)]),
            case(DType::F32, &[4], &[(0, 0, 2)]),
            case(DType::F64, &[5], &[(-1, 2, 0)]),
            case(DType::F64, &[4], &[(-2, -1, 1)]),
            case(DType::C128, &[2, 3], &[(1, 0, 1), (-1, 1, 0)]),
            case(DType::F64, &[2, 1, 3], &[(0, 1, 0), (1, 1, 3), (-1, -1, 0)]),
            case(DType::F64, &[0], &[(1, 2, 1)]),
            case(DType::F64, &[3], &[(-3, 0, 0)]),
            case(DType::I32, &[2], &[(1, 1, 1)]),
        ]
    }),
    infer: infer_pad,
    eval: Eval::Tensors(eval_pad),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(transpose_pad),
    batch: Batch::Rule(batch_pad),
    lower: Lower::Reindex(|_, attrs, _| View::Pad {
        low: attrs.ints("low").into(),
        interior: attrs.ints("interior").into(),
    }),
};

/// Arrays one after the other.
pub static CONCATENATE: Prim = Prim {
    name: "concatenate",
    doc: "The operands one after the other along `axis`.",
    arity: Arity::AtLeast(1),
    attrs: &[("axis", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let case = |dtype, shapes: &[&[usize]], axis: i64| {
            Case::new(shapes.iter().map(|shape| Type::new(dtype, shape)), Attrs::none().with_int("axis", axis))
        };
        vec![
            case(DType::F64, &[&[2]], 0),
            case(DType::F64, &[&[2], &[3]], 0),
            case(DType::F32, &[&[2, 3], &[1, 3], &[2, 3]], 0),
            case(DType::C128, &[&[2, 1], &[2, 2]], 1),
            case(DType::F64, &[&[2, 1, 3], &[2, 2, 3]], 1),
            case(DType::F64, &[&[0, 2], &[3, 2], &[0, 2]], 0),
            case(DType::Bool, &[&[2], &[1]], 0),
        ]
    }),
    infer: infer_concatenate,
    eval: Eval::Tensors(eval_concatenate),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(transpose_concatenate),
    batch: Batch::Rule(|args| {
        let operands: Vec<Array> = (0..args.xs.len()).map(|i| args.with_batch(i)).collect();
        let attrs = Attrs::none().with_int("axis", args.attrs.int("axis") + 1);
        vec![(apply1(&CONCATENATE, &operands.iter().collect::<Vec<_>>(), attrs), true)]
    }),
    lower: Lower::Reindex(|_, attrs, _| View::Concatenate { axis: attrs.size("axis") }),
};

/// The order along axes turned round.
pub static REVERSE: Prim = Prim {
    name: "reverse",
    doc: "The elements in reverse order along each of `axes`.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], axes: &[usize]| Case::new([Type::new(dtype, shape)], reverse_attrs(axes));
        vec![
            case(DType::F64, &[], &[]),
            case(DType::F64, &[4], &[0]),
            case(DType::F32, &[2, 3], &[1]),
            case(DType::C128, &[2, 3, 2], &[0, 2]),
            case(DType::F64, &[0, 2], &[0, 1]),
        ]
    }),
    infer: |operands, attrs| {
        axes::axes_attr("reverse", attrs, "axes", operands[0].rank())?;
        one(operands[0].clone())
    },
    eval: Eval::Tensors(|xs, attrs, types| {
        let (axes, shape) = (attrs.sizes("axes"), &types[0].shape);
        let flip = |axis: usize, at: usize| if axes.contains(&axis) { shape[axis] - 1 - at } else { at };
        vec![move_elements(xs[0], &types[0], |index| (0..index.len()).map(|axis| flip(axis, index[axis])).collect())]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| {
        vec![args.xs[0].is_linear().then(|| apply1(&REVERSE, &[args.ct()], args.attrs.clone()))]
    }),
    batch: Batch::Rule(|args| {
        let axes = axes::behind_batch(&args.attrs.sizes("axes"));
        vec![(apply1(&REVERSE, &[&args.xs[0]], reverse_attrs(&axes)), true)]
    }),
    lower: Lower::Reindex(|operands, attrs, _| {
        let axes = attrs.sizes("axes");
        let map = |(axis, &extent): (usize, &usize)| match axes.contains(&axis) {
            true => AxisMap { offset: extent as i64 - 1, stride: -1, axis: Some(axis) },
            false => AxisMap { offset: 0, stride: 1, axis: Some(axis) },
        };
        View::Affine(operands[0].shape.iter().enumerate().map(map).collect())
    }),
};

impl Array {
    /// Along each axis the elements from `start` to below `limit`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.slice(&[0, 1], &[2, 3]).to_vec::<i32>().unwrap(), [2, 3, 5, 6]);
    /// ```
    #[track_caller]
    pub fn slice(&self, start: &[usize], limit: &[usize]) -> Array {
        self.slice_strided(start, limit, &Dims::from_elem(1, start.len()))
    }

    /// Along each axis the elements at `start`, `start + stride`, ... below `limit`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([0, 1, 2, 3, 4]);
    /// assert_eq!(x.slice_strided(&[1], &[5], &[2]).to_vec::<i32>().unwrap(), [1, 3]);
    /// ```
    #[track_caller]
    pub fn slice_strided(&self, start: &[usize], limit: &[usize], stride: &[usize]) -> Array {
        let shape = attempt!(self.shape());
        let whole = start.len() == shape.len() && start.iter().all(|&at| at == 0) && stride.iter().all(|&by| by == 1);
        if whole && *limit == shape[..] {
            return self.clone();
        }
        apply1(&SLICE, &[self], slice_attrs(start, limit, stride))
    }

    /// The array with `fill` placed before, after and between its elements: `widths` gives for each axis how many times
    /// (low, high, interior). Negative low and high widths cut elements off. `fill` is a scalar, converted to the dtype of
    /// the array.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.pad(0.0, &[(1, -1, 1)]).to_vec::<f32>().unwrap(), [0.0, 1.0, 0.0, 2.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn pad(&self, fill: impl IntoOperand, widths: &[(i64, i64, i64)]) -> Array {
        let ty = attempt!(self.ty());
        if widths.len() == ty.rank() && widths.iter().all(|&width| width == (0, 0, 0)) {
            return self.clone();
        }
        let fill = match fill.into_operand() {
            Term::Array(fill) => fill.astype(ty.dtype),
            Term::Literal(value) => Array::scalar(value.convert(ty.dtype)),
        };
        apply1(&PAD, &[self, &fill], pad_attrs(widths))
    }

    /// The array with zeros placed around and between its elements, as [`Array::pad`].
    #[track_caller]
    pub fn pad_zeros(&self, widths: &[(i64, i64, i64)]) -> Array {
        let dtype = attempt!(self.dtype());
        self.pad(Scalar::zero(dtype), widths)
    }

    /// The elements in reverse order along axes. Negative axes count from the end.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1, 2, 3]).flip(&[0]).to_vec::<i32>().unwrap(), [3, 2, 1]);
    /// ```
    #[track_caller]
    pub fn flip(&self, axes: &[isize]) -> Array {
        let mut axes = attempt!(self.shape().and_then(|shape| axes::axes("flip", axes, shape.len())));
        axes.sort_unstable();
        if axes.is_empty() {
            return self.clone();
        }
        apply1(&REVERSE, &[self], reverse_attrs(&axes))
    }
}

/// Arrays one after the other along an axis, in the dtype they promote to.
///
/// ```
/// use cotangent_ir::{Array, concatenate};
/// let x = concatenate(&[Array::from([1.0f32]), Array::from([2.0f32, 3.0])], 0);
/// assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
/// ```
#[track_caller]
pub fn concatenate(arrays: &[Array], axis: isize) -> Array {
    let Some(first) = arrays.first() else {
        return fail(ErrorKind::Argument, "concatenate", "no arrays were given; pass at least one");
    };
    let axis = attempt!(first.shape().and_then(|shape| axes::axis("concatenate", axis, shape.len())));
    if arrays.len() == 1 {
        return first.clone();
    }
    let mut dtype = attempt!(first.dtype());
    for array in arrays {
        dtype = dtype.promote(attempt!(array.dtype()));
    }
    let mut operands = Vec::new();
    for array in arrays {
        operands.push(array.astype(dtype));
    }
    let attrs = Attrs::none().with_int("axis", axis as i64);
    apply1(&CONCATENATE, &operands.iter().collect::<Vec<_>>(), attrs)
}

/// The attributes of [`SLICE`].
fn slice_attrs(start: &[usize], limit: &[usize], stride: &[usize]) -> Attrs {
    let attrs = Attrs::none().with_sizes("start", start.iter().copied()).with_sizes("limit", limit.iter().copied());
    attrs.with_sizes("stride", stride.iter().copied())
}

/// The attributes of [`PAD`].
fn pad_attrs(widths: &[(i64, i64, i64)]) -> Attrs {
    Attrs::none()
        .with_ints("low", widths.iter().map(|width| width.0))
        .with_ints("high", widths.iter().map(|width| width.1))
        .with_ints("interior", widths.iter().map(|width| width.2))
}

/// The attributes of [`REVERSE`].
fn reverse_attrs(axes: &[usize]) -> Attrs {
    Attrs::none().with_sizes("axes", axes.iter().copied())
}

fn infer_slice(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let [start, limit, stride] = ["start", "limit", "stride"].map(|name| attrs.ints(name));
    if [start, limit, stride].iter().any(|list| list.len() != x.rank()) {
        let message = format!(
            "start {start:?}, limit {limit:?} and stride {stride:?} must each have one number per axis of {x}, {}",
            x.rank()
        );
        return refuse(ErrorKind::Argument, "slice", message);
    }
    let mut shape = Dims::new();
    for (axis, &extent) in x.shape.iter().enumerate() {
        let (start, limit, stride) = (start[axis], limit[axis], stride[axis]);
        if !(0 <= start && start <= limit && limit <= extent as i64 && stride >= 1) {
            let message = format!(
                "{start}..{limit} by {stride} does not fit axis {axis} of {x}; 0 <= start <= limit <= {extent} and \
                 stride >= 1 are needed"
            );
            return refuse(ErrorKind::Argument, "slice", message);
        }
        shape.push(((limit - start) as usize).div_ceil(stride as usize));
    }
    one(Type { dtype: x.dtype, shape })
}

fn transpose_slice(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let Operand::Linear(ty) = &args.xs[0] else { return vec![None] };
    let [start, stride] = ["start", "stride"].map(|name| args.attrs.ints(name));
    let width = |axis: usize| {
        let (whole, part) = (ty.shape[axis] as i64, args.results[0].shape[axis] as i64);
        match part {
            0 => (0, whole, 0),
            _ => (start[axis], whole - start[axis] - (part - 1) * stride[axis] - 1, stride[axis] - 1),
        }
    };
    vec![Some(args.ct().pad_zeros(&(0..ty.rank()).map(width).collect::<Vec<_>>()))]
}

fn infer_pad(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (x, fill) = (operands[0], operands[1]);
    if *fill != Type::scalar(x.dtype) {
        let wanted = Type::scalar(x.dtype);
        return refuse(ErrorKind::Shape, "pad", format!("the fill of {x} must be {wanted}, it is {fill}"));
    }
    let [low, high, interior] = ["low", "high", "interior"].map(|name| attrs.ints(name));
    if [low, high, interior].iter().any(|list| list.len() != x.rank()) {
        let message = format!(
            "low {low:?}, high {high:?} and interior {interior:?} must each have one width per axis of {x}, {}",
            x.rank()
        );
        return refuse(ErrorKind::Argument, "pad", message);
    }
    let mut shape: Vec<i64> = Vec::new();
    for (axis, &extent) in x.shape.iter().enumerate() {
        let (low, high, interior) = (low[axis], high[axis], interior[axis]);
        // Widths come from users and from text: the sum may exceed i64.
        let dilated = extent as i128 + extent.saturating_sub(1) as i128 * i128::from(interior);
        let padded = dilated + i128::from(low) + i128::from(high);
        match i64::try_from(padded) {
            Ok(padded) if padded >= 0 && interior >= 0 => shape.push(padded),
            _ => {
                let message = format!(
                    "widths ({low}, {high}, {interior}) give axis {axis} of {x} the extent {padded}; interior must not \
                     be negative, and no more cut off than there is"
                );
                return refuse(ErrorKind::Argument, "pad", message);
            }
        }
    }
    one(Type { dtype: x.dtype, shape: axes::extents("pad", &shape)? })
}

fn eval_pad(xs: &[&Tensor], attrs: &Attrs, types: &[Type]) -> Vec<Tensor> {
    let (x, fill) = (xs[0], xs[1].get(0));
    let (low, interior) = (attrs.ints("low"), attrs.ints("interior"));
    let source = |axis: usize, at: usize| {
        let (distance, step) = (at as i64 - low[axis], interior[axis] + 1);
        let found = distance >= 0 && distance % step == 0 && distance / step < x.ty().shape[axis] as i64;
        found.then(|| (distance / step) as usize)
    };
    vec![Tensor::from_fn(types[0].clone(), |position| {
        let index = index_of(position, &types[0].shape);
        let sources: Option<Dims> = index.iter().enumerate().map(|(axis, &at)| source(axis, at)).collect();
        sources.map_or(fill, |index| x.get(position_of(&index, &x.ty().shape)))
    })]
}

/// The widths of a pad, per axis.
fn widths(attrs: &Attrs) -> Vec<(i64, i64, i64)> {
    let [low, high, interior] = ["low", "high", "interior"].map(|name| attrs.ints(name));
    (0..low.len()).map(|axis| (low[axis], high[axis], interior[axis])).collect()
}

fn transpose_pad(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let widths = widths(args.attrs);
    let x = match &args.xs[0] {
        Operand::Linear(ty) => {
            // What was cut off gets zeros; then the elements between and around are left out.
            let back: Vec<_> = widths.iter().map(|&(low, high, _)| (-low, -high, 0)).collect();
            let stride: Dims = widths.iter().map(|width| width.2 as usize + 1).collect();
            let limit: Dims =
                ty.shape.iter().zip(&stride).map(|(&n, &by)| n + n.saturating_sub(1) * (by - 1)).collect();
            Some(args.ct().pad_zeros(&back).slice_strided(&Dims::from_elem(0, ty.rank()), &limit, &stride))
        }
        Operand::Known(_) => None,
    };
    let fill = args.xs[1].is_linear().then(|| {
        let inner = match &args.xs[0] {
            Operand::Linear(ty) => ty.shape.clone(),
            Operand::Known(x) => attempt!(x.shape()),
        };
        let everywhere: Vec<isize> = (0..inner.len() as isize).collect();
        let filled = filled_places(&inner, &widths);
        filled.select(args.ct(), args.ct().zeros_like()).sum_axes(&everywhere)
    });
    vec![x, fill]
}

/// Where an array of the given shape, padded, holds the fill.
fn filled_places(shape: &[usize], widths: &[(i64, i64, i64)]) -> Array {
    let inside = Array::zeros(shape, DType::Bool);
    apply1(&PAD, &[&inside, &Array::scalar(Scalar::bool(true))], pad_attrs(widths))
}

fn batch_pad(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let widths = widths(args.attrs);
    let with_batch: Vec<_> = std::iter::once((0, 0, 0)).chain(widths.iter().copied()).collect();
    if !args.batched[1] {
        return vec![(apply1(&PAD, &[&args.xs[0], &args.xs[1]], pad_attrs(&with_batch)), true)];
    }
    // A fill for every element of the batch: pad with zeros, then select the fill where it belongs.
    let inner = match args.inner_shape(0) {
        Ok(shape) => shape,
        Err(error) => return vec![(axes::failed(error), true)],
    };
    let padded = args.with_batch(0).pad_zeros(&with_batch);
    let shape = match padded.shape() {
        Ok(shape) => shape,
        Err(error) => return vec![(axes::failed(error), true)],
    };
    let fill = args.xs[1].broadcast_in_dim(&shape, &[0]);
    let filled = filled_places(&inner, &widths).broadcast_leading(args.size);
    vec![(filled.select(&fill, &padded), true)]
}

fn infer_concatenate(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let first = operands[0];
    let axis = axes::axis_attr("concatenate", attrs, "axis", first.rank())?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for operand in operands {
        let mut aligned = (*operand).clone();
        if operand.rank() == first.rank() {
            aligned.shape[axis] = first.shape[axis];
        }
        if aligned != *first {
            let message = format!(
                "{operand} cannot follow {first} along axis {axis}; dtypes and all other extents must be equal"
            );
            return refuse(ErrorKind::Shape, "concatenate", message);
        }
        shape[axis] = shape[axis].saturating_add(operand.shape[axis]);
    }
    axes::addressable("concatenate", &shape)?;
    one(Type { dtype: first.dtype, shape })
}

fn eval_concatenate(xs: &[&Tensor], attrs: &Attrs, types: &[Type]) -> Vec<Tensor> {
    let axis = attrs.size("axis");
    vec![Tensor::from_fn(types[0].clone(), |position| {
        let mut index = index_of(position, &types[0].shape);
        let mut operand = 0;
        while index[axis] >= xs[operand].ty().shape[axis] {
            index[axis] -= xs[operand].ty().shape[axis];
            operand += 1;
        }
        xs[operand].get(position_of(&index, &xs[operand].ty().shape))
    })]
}

fn transpose_concatenate(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let axis = args.attrs.size("axis");
    let mut start = Dims::from_elem(0, args.results[0].rank());
    let mut cotangents = Vec::new();
    for operand in args.xs {
        let shape = match operand.ty() {
            Ok(ty) => ty.shape,
            Err(error) => return vec![Some(axes::failed(error)); args.xs.len()],
        };
        let mut limit = shape.clone();
        limit[axis] += start[axis];
        cotangents.push(operand.is_linear().then(|| args.ct().slice(&start, &limit)));
        start[axis] = limit[axis];
    }
    cotangents
}
