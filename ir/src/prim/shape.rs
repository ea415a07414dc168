//! Primitives that make arrays from nothing and give arrays other shapes: constant, iota, broadcast, reshape, permute.

use super::axes::{self, attempt, index_of, position_of};
use super::{
    Arity, AxisMap, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    View, one, refuse,
};
use crate::array::{Array, apply1};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::{Dims, Type};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CONSTANT, &IOTA, &BROADCAST, &RESHAPE, &PERMUTE];

/// A literal.
pub static CONSTANT: Prim = Prim {
    name: "constant",
    doc: "The literal `value`, without axes.",
    arity: Arity::Exactly(0),
    attrs: &[("value", AttrKind::Scalar)],
    domain: Domain::Cases(|| {
        let values = [Scalar::real(DType::F64, 2.5), Scalar::bool(true), Scalar::int(DType::I32, -7)];
        values.map(|value| Case::new([], Attrs::none().with("value", Attr::Scalar(value)))).into()
    }),
    infer: |_, attrs| one(Type::scalar(attrs.scalar("value").dtype())),
    eval: Eval::Tensors(|_, attrs, _| vec![Tensor::from_scalar(attrs.scalar("value"))]),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(nothing_batched),
    lower: Lower::Reindex(|_, attrs, _| View::Constant(attrs.scalar("value"))),
};

/// Indices along an axis.
pub static IOTA: Prim = Prim {
    name: "iota",
    doc: "Every element is its index along `axis`, converted to `dtype`.",
    arity: Arity::Exactly(0),
    attrs: &[("shape", AttrKind::Ints), ("axis", AttrKind::Int), ("dtype", AttrKind::DType)],
    domain: Domain::Cases(|| {
        let case = |shape: &[usize], axis, dtype| Case::new([], iota_attrs(shape, axis, dtype));
        vec![
            case(&[5], 0, DType::F32),
            case(&[2, 3], 0, DType::I32),
            case(&[2, 3, 4], 1, DType::C128),
            case(&[3, 0], 0, DType::F64),
        ]
    }),
    infer: infer_iota,
    eval: Eval::Tensors(|_, attrs, types| {
        let axis = attrs.size("axis");
        let index = |position| index_of(position, &types[0].shape)[axis] as i128;
        vec![Tensor::from_fn(types[0].clone(), |position| Scalar::int(DType::I64, index(position)))]
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(nothing_batched),
    lower: Lower::Reindex(|_, attrs, _| View::Iota { axis: attrs.size("axis") }),
};

/// Repetition along axes.
pub static BROADCAST: Prim = Prim {
    name: "broadcast",
    doc: "Repeats the operand along new axes: axis `i` of the operand is axis `axes[i]` of the result.",
    arity: Arity::Exactly(1),
    attrs: &[("shape", AttrKind::Ints), ("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, from: &[usize], to: &[usize], axes: &[usize]| {
            Case::new([Type::new(dtype, from)], broadcast_attrs(to, axes))
        };
        vec![
            case(DType::F64, &[], &[2, 3], &[]),
            case(DType::F64, &[3], &[2, 3], &[1]),
            case(DType::C128, &[2], &[2, 3], &[0]),
            case(DType::F32, &[2, 4], &[2, 3, 4], &[0, 2]),
            case(DType::F64, &[2], &[2, 0], &[0]),
            case(DType::F64, &[0], &[3, 0], &[1]),
            case(DType::I32, &[3], &[3], &[0]),
        ]
    }),
    infer: infer_broadcast,
    eval: Eval::Tensors(|xs, attrs, types| {
        let axes = attrs.sizes("axes");
        vec![move_elements(xs[0], &types[0], |index| axes.iter().map(|&axis| index[axis]).collect())]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(transpose_broadcast),
    batch: Batch::Rule(|args| {
        let shape = axes::with_leading(args.size, &args.attrs.sizes("shape"));
        let axes = axes::with_leading(0, &axes::behind_batch(&args.attrs.sizes("axes")));
        vec![(apply1(&BROADCAST, &[&args.xs[0]], broadcast_attrs(&shape, &axes)), true)]
    }),
    lower: Lower::Reindex(|_, attrs, _| {
        let axes = attrs.sizes("axes");
        View::Affine(axes.iter().map(|&axis| AxisMap { offset: 0, stride: 1, axis: Some(axis) }).collect())
    }),
};

/// Another shape of the same elements.
pub static RESHAPE: Prim = Prim {
    name: "reshape",
    doc: "The same elements in row-major order with another shape.",
    arity: Arity::Exactly(1),
    attrs: &[("shape", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, from: &[usize], to: &[usize]| Case::new([Type::new(dtype, from)], reshape_attrs(to));
        vec![
            case(DType::F64, &[6], &[2, 3]),
            case(DType::C128, &[2, 3], &[3, 2]),
            case(DType::F32, &[2, 3, 4], &[4, 6]),
            case(DType::F64, &[1, 1], &[]),
            case(DType::F64, &[0, 3], &[5, 0]),
            case(DType::Bool, &[4], &[2, 2]),
        ]
    }),
    infer: infer_reshape,
    eval: Eval::Tensors(|xs, _, types| vec![xs[0].clone().reshaped(&types[0].shape)]),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| match &args.xs[0] {
        Operand::Linear(ty) => vec![Some(args.ct().reshape(&ty.shape))],
        Operand::Known(_) => vec![None],
    }),
    batch: Batch::Rule(|args| {
        let shape = axes::with_leading(args.size, &args.attrs.sizes("shape"));
        vec![(args.xs[0].reshape(&shape), true)]
    }),
    lower: Lower::Reindex(|_, _, _| View::Reshape),
};

/// Axes in another order.
pub static PERMUTE: Prim = Prim {
    name: "permute",
    doc: "The axes in another order: axis `i` of the result is axis `axes[i]` of the operand.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], axes: &[usize]| Case::new([Type::new(dtype, shape)], permute_attrs(axes));
        vec![
            case(DType::F64, &[], &[]),
            case(DType::F64, &[2, 3], &[1, 0]),
            case(DType::C128, &[2, 3, 4], &[2, 0, 1]),
            case(DType::F32, &[2, 3, 4], &[1, 2, 0]),
            case(DType::F64, &[0, 3], &[1, 0]),
        ]
    }),
    infer: infer_permute,
    eval: Eval::Tensors(|xs, attrs, types| {
        let from = axes::inverse(&attrs.sizes("axes"));
        vec![move_elements(xs[0], &types[0], |index| from.iter().map(|&axis| index[axis]).collect())]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| {
        let back = axes::inverse(&args.attrs.sizes("axes"));
        vec![args.xs[0].is_linear().then(|| args.ct().permute(&back))]
    }),
    batch: Batch::Rule(|args| {
        let axes = axes::with_leading(0, &axes::behind_batch(&args.attrs.sizes("axes")));
        vec![(args.xs[0].permute(&axes), true)]
    }),
    lower: Lower::Reindex(|_, attrs, _| {
        let from = axes::inverse(&attrs.sizes("axes"));
        View::Affine(from.iter().map(|&axis| AxisMap { offset: 0, stride: 1, axis: Some(axis) }).collect())
    }),
};

/// A literal in the open trace.
#[track_caller]
pub fn constant(value: Scalar) -> Array {
    apply1(&CONSTANT, &[], Attrs::none().with("value", Attr::Scalar(value)))
}

impl Array {
    /// Indices along an axis: an array of the given shape whose elements are their index along `axis`.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// let columns = Array::iota(&[2, 3], 1, DType::I32);
    /// assert_eq!(columns.to_vec::<i32>().unwrap(), [0, 1, 2, 0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn iota(shape: &[usize], axis: isize, dtype: DType) -> Array {
        let axis = attempt!(axes::axis("iota", axis, shape.len()));
        apply1(&IOTA, &[], iota_attrs(shape, axis, dtype))
    }

    /// The array repeated to a shape, as in NumPy: axes are aligned at the end, and axes of extent 1 are repeated.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let row = Array::from([1.0f32, 2.0]);
    /// assert_eq!(row.broadcast_to(&[2, 2]).to_vec::<f32>().unwrap(), [1.0, 2.0, 1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn broadcast_to(&self, shape: &[usize]) -> Array {
        let from = attempt!(self.shape());
        if from[..] == *shape {
            return self.clone();
        }
        let new = shape.len().saturating_sub(from.len());
        let fits = from.len() <= shape.len() && from.iter().zip(&shape[new..]).all(|(&a, &b)| a == b || a == 1);
        if !fits {
            let message = format!(
                "an array of shape {from:?} cannot be repeated to {shape:?}; aligned at the end, each of its extents \
                 must be 1 or the wanted one; use `reshape` or `broadcast_in_dim` to place its axes"
            );
            return crate::array::fail(ErrorKind::Shape, "broadcast_to", message);
        }
        let kept: Dims = (0..from.len()).filter(|&axis| from[axis] == shape[new + axis]).collect();
        let squeezed: Dims = kept.iter().map(|&axis| from[axis]).collect();
        let axes: Dims = kept.iter().map(|&axis| new + axis).collect();
        self.reshape(&squeezed).broadcast_in_dim(shape, &axes)
    }

    /// The array repeated to a shape in which its axis `i` is the axis `axes[i]`; `axes` must be increasing, and extents
    /// equal.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let column = Array::from([1.0f32, 2.0]).broadcast_in_dim(&[2, 2], &[0]);
    /// assert_eq!(column.to_vec::<f32>().unwrap(), [1.0, 1.0, 2.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn broadcast_in_dim(&self, shape: &[usize], axes: &[usize]) -> Array {
        apply1(&BROADCAST, &[self], broadcast_attrs(shape, axes))
    }

    /// The array repeated along a new leading axis.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0]).broadcast_leading(2);
    /// assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0, 1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn broadcast_leading(&self, size: usize) -> Array {
        let shape = attempt!(self.shape());
        let axes: Dims = (1..=shape.len()).collect();
        self.broadcast_in_dim(&axes::with_leading(size, &shape), &axes)
    }

    /// The same elements in row-major order with another shape of as many elements.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1, 2, 3, 4, 5, 6]).reshape(&[2, 3]);
    /// assert_eq!(x.shape().unwrap()[..], [2, 3]);
    /// assert!(x.reshape(&[4]).error().is_some());
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Array {
        if attempt!(self.shape())[..] == *shape {
            return self.clone();
        }
        apply1(&RESHAPE, &[self], reshape_attrs(shape))
    }

    /// The elements in row-major order along one axis.
    #[track_caller]
    pub fn flatten(&self) -> Array {
        let count = attempt!(self.ty()).len();
        self.reshape(&[count])
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this array.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.permute(&[1, 0]).to_vec::<i32>().unwrap(), [1, 4, 2, 5, 3, 6]);
    /// ```
    #[track_caller]
    pub fn permute(&self, axes: &[usize]) -> Array {
        let rank = attempt!(self.shape()).len();
        if axes.len() == rank && axes.iter().enumerate().all(|(position, &axis)| position == axis) {
            return self.clone();
        }
        apply1(&PERMUTE, &[self], permute_attrs(axes))
    }

    /// The axes in reverse order; of a matrix, its transpose.
    #[track_caller]
    pub fn t(&self) -> Array {
        let axes: Dims = (0..attempt!(self.shape()).len()).rev().collect();
        self.permute(&axes)
    }

    /// Two axes exchanged.
    #[track_caller]
    pub fn swap_axes(&self, first: isize, second: isize) -> Array {
        let rank = attempt!(self.shape()).len();
        let mut axes: Dims = (0..rank).collect();
        let first = attempt!(axes::axis("swap_axes", first, rank));
        let second = attempt!(axes::axis("swap_axes", second, rank));
        axes.swap(first, second);
        self.permute(&axes)
    }

    /// One axis moved to another place, the others staying in order.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// let x = Array::zeros(&[2, 3, 4], DType::F32);
    /// assert_eq!(x.move_axis(0, -1).shape().unwrap()[..], [3, 4, 2]);
    /// ```
    #[track_caller]
    pub fn move_axis(&self, from: isize, to: isize) -> Array {
        let rank = attempt!(self.shape()).len();
        let from = attempt!(axes::axis("move_axis", from, rank));
        let to = attempt!(axes::axis("move_axis", to, rank));
        let mut axes = axes::others(&[from], rank);
        axes.insert(to, from);
        self.permute(&axes)
    }

    /// A new axis of extent 1, which becomes axis `axis` of the result.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0]).expand_dims(-1).shape().unwrap()[..], [2, 1]);
    /// ```
    #[track_caller]
    pub fn expand_dims(&self, axis: isize) -> Array {
        let mut shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("expand_dims", axis, shape.len() + 1));
        shape.insert(axis, 1);
        self.reshape(&shape)
    }

    /// Without the axis `axis`, whose extent must be 1.
    #[track_caller]
    pub fn squeeze(&self, axis: isize) -> Array {
        let mut shape = attempt!(self.shape());
        let axis = attempt!(axes::axis("squeeze", axis, shape.len()));
        if shape[axis] != 1 {
            let message = format!(
                "axis {axis} of an array of shape {shape:?} has extent {}, not 1; use `index_axis` to take one element \
                 along it, or reduce over it",
                shape[axis]
            );
            return crate::array::fail(ErrorKind::Shape, "squeeze", message);
        }
        shape.remove(axis);
        self.reshape(&shape)
    }
}

/// The attributes of [`IOTA`].
fn iota_attrs(shape: &[usize], axis: usize, dtype: DType) -> Attrs {
    let attrs = Attrs::none().with_sizes("shape", shape.iter().copied()).with_int("axis", axis as i64);
    attrs.with("dtype", Attr::DType(dtype))
}

/// The attributes of [`BROADCAST`].
fn broadcast_attrs(shape: &[usize], axes: &[usize]) -> Attrs {
    Attrs::none().with_sizes("shape", shape.iter().copied()).with_sizes("axes", axes.iter().copied())
}

/// The attributes of [`RESHAPE`].
fn reshape_attrs(shape: &[usize]) -> Attrs {
    Attrs::none().with_sizes("shape", shape.iter().copied())
}

/// The attributes of [`PERMUTE`].
fn permute_attrs(axes: &[usize]) -> Attrs {
    Attrs::none().with_sizes("axes", axes.iter().copied())
}

/// The batching rule of a primitive without operands, which therefore are never batched.
fn nothing_batched(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    crate::error::internal(&format!("{} has no operand to be batched", args.prim.name))
}

/// A tensor whose element at an index is the operand's at another.
pub(crate) fn move_elements(x: &Tensor, ty: &Type, source: impl Fn(&[usize]) -> Dims) -> Tensor {
    Tensor::from_fn(ty.clone(), |position| x.get(position_of(&source(&index_of(position, &ty.shape)), &x.ty().shape)))
}

fn infer_iota(_: &[&Type], attrs: &Attrs) -> Result<Types> {
    let shape = axes::extents("iota", attrs.ints("shape"))?;
    axes::axis_attr("iota", attrs, "axis", shape.len())?;
    match attrs.dtype("dtype") {
        DType::Bool => refuse(ErrorKind::DType, "iota", "bool cannot hold indices; use an integer or inexact dtype"),
        dtype => one(Type { dtype, shape }),
    }
}

fn infer_broadcast(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let shape = axes::extents("broadcast", attrs.ints("shape"))?;
    let axes = axes::axes_attr("broadcast", attrs, "axes", shape.len())?;
    if axes.len() != x.rank() || !axes.is_sorted() {
        let message = format!(
            "`axes` = {axes:?} must give each axis of {x} its place in the shape {shape:?}, in increasing order; use \
             `permute` first to reorder axes"
        );
        return refuse(ErrorKind::Argument, "broadcast", message);
    }
    if let Some(axis) = (0..x.rank()).find(|&axis| x.shape[axis] != shape[axes[axis]]) {
        let message = format!(
            "axis {axis} of {x} has extent {}, but becomes axis {} of extent {} in {shape:?}; extents must be equal \
             (`broadcast_to` repeats axes of extent 1)",
            x.shape[axis], axes[axis], shape[axes[axis]]
        );
        return refuse(ErrorKind::Shape, "broadcast", message);
    }
    one(Type { dtype: x.dtype, shape })
}

fn transpose_broadcast(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let repeated = axes::others(&args.attrs.sizes("axes"), args.results[0].rank());
    let repeated: Vec<isize> = repeated.iter().map(|&axis| axis as isize).collect();
    vec![args.xs[0].is_linear().then(|| args.ct().sum_axes(&repeated))]
}

fn infer_reshape(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let shape = axes::extents("reshape", attrs.ints("shape"))?;
    let count: usize = shape.iter().product();
    if count != x.len() {
        let message = format!(
            "{x} has {} elements, the shape {shape:?} needs {count}; give a shape with as many elements",
            x.len()
        );
        return refuse(ErrorKind::Shape, "reshape", message);
    }
    one(Type { dtype: x.dtype, shape })
}

fn infer_permute(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let axes = axes::axes_attr("permute", attrs, "axes", x.rank())?;
    if axes.len() != x.rank() {
        let message = format!("`axes` = {axes:?} must name every axis of {x} once, {} of them", x.rank());
        return refuse(ErrorKind::Argument, "permute", message);
    }
    one(x.with_shape(&axes.iter().map(|&axis| x.shape[axis]).collect::<Dims>()))
}
