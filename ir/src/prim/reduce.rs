//! Primitives that combine the elements along axes: sum, product, maximum, minimum; and the methods made of them.

use super::axes::{self, attempt};
use super::index::concatenate;
use super::{
    Arity, Batch, BatchArgs, Case, Domain, Eval, Jvp, JvpArgs, Lower, Operand, Prim, Transpose, Types, one, refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::kernel::ReduceOp;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::types::{Dims, Type};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&REDUCE_SUM, &REDUCE_PROD, &REDUCE_MAX, &REDUCE_MIN];

/// Sum over axes.
pub static REDUCE_SUM: Prim = Prim {
    name: "reduce_sum",
    doc: "The sum over `axes`, which the result does not have; 0 where there is nothing to add.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::C128])),
    infer: |operands, attrs| infer_arithmetic("reduce_sum", operands[0], attrs),
    eval: Eval::Tensors(|xs, attrs, types| {
        let sum = |group: &[Scalar], dtype: DType| match dtype {
            _ if dtype.is_complex() => Number::Complex(group.iter().map(|x| x.as_complex()).sum()),
            _ if dtype.is_float() => Number::Float(group.iter().map(|x| x.as_f64()).sum()),
            _ => Number::Int(group.iter().map(|x| x.as_i128()).sum()),
        };
        vec![fold(xs[0], attrs, &types[0], sum)]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| match &args.xs[0] {
        Operand::Linear(ty) => vec![Some(spread(args.ct(), &ty.shape, args.attrs))],
        Operand::Known(_) => vec![None],
    }),
    batch: Batch::Rule(batch_reduction),
    lower: Lower::Reduce(ReduceOp::Sum),
};

/// Product over axes.
pub static REDUCE_PROD: Prim = Prim {
    name: "reduce_prod",
    doc: "The product over `axes`, which the result does not have; 1 where there is nothing to multiply.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::C128])),
    infer: |operands, attrs| infer_arithmetic("reduce_prod", operands[0], attrs),
    eval: Eval::Tensors(|xs, attrs, types| {
        let product = |group: &[Scalar], dtype: DType| match dtype {
            _ if dtype.is_complex() => Number::Complex(group.iter().map(|x| x.as_complex()).product()),
            _ if dtype.is_float() => Number::Float(group.iter().map(|x| x.as_f64()).product()),
            // Modulo 2^128, hence also modulo the width of the dtype.
            _ => Number::Int(group.iter().fold(1, |product, x| product.wrapping_mul(x.as_i128()))),
        };
        vec![fold(xs[0], attrs, &types[0], product)]
    }),
    jvp: Jvp::PerOperand(&[product_tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_reduction),
    lower: Lower::Reduce(ReduceOp::Prod),
};

/// Maximum over axes.
pub static REDUCE_MAX: Prim = Prim {
    name: "reduce_max",
    doc: "The maximum over `axes`, which the result does not have; NaN if any element is, and the least value of the \
          dtype where there is none. Of bools, whether any is true.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::Bool])),
    infer: |operands, attrs| infer_order("reduce_max", operands[0], attrs),
    eval: Eval::Tensors(|xs, attrs, types| {
        let least = |dtype| Scalar::lowest(dtype).number();
        vec![fold(xs[0], attrs, &types[0], |group, dtype| pick(group, least(dtype), |a, b| a > b))]
    }),
    jvp: Jvp::PerOperand(&[extremum_tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_reduction),
    lower: Lower::Reduce(ReduceOp::Max),
};

/// Minimum over axes.
pub static REDUCE_MIN: Prim = Prim {
    name: "reduce_min",
    doc: "The minimum over `axes`, which the result does not have; NaN if any element is, and the greatest value of \
          the dtype where there is none. Of bools, whether all are true.",
    arity: Arity::Exactly(1),
    attrs: &[("axes", AttrKind::Ints)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::Bool])),
    infer: |operands, attrs| infer_order("reduce_min", operands[0], attrs),
    eval: Eval::Tensors(|xs, attrs, types| {
        let greatest = |dtype| Scalar::highest(dtype).number();
        vec![fold(xs[0], attrs, &types[0], |group, dtype| pick(group, greatest(dtype), |a, b| a < b))]
    }),
    jvp: Jvp::PerOperand(&[extremum_tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_reduction),
    lower: Lower::Reduce(ReduceOp::Min),
};

/// A view of an array whose reductions keep the axes they reduce, with extent 1, so that the result broadcasts against
/// the array. Made by [`Array::keep_axes`].
pub struct KeepAxes<'a>(pub(super) &'a Array);

impl Array {
    /// Reductions that keep the reduced axes, with extent 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 5.0]]);
    /// let centred = &x - x.keep_axes().mean_axes(&[1]);
    /// assert_eq!(centred.to_vec::<f32>().unwrap(), [-0.5, 0.5, -1.0, 1.0]);
    /// ```
    pub fn keep_axes(&self) -> KeepAxes<'_> {
        KeepAxes(self)
    }
}

/// For each reduction: the method over all axes, the one over some, and the one that keeps them.
macro_rules! reductions {
    ($($whole:ident $some:ident $reduce:expr, $what:literal;)*) => {
        impl Array { $(
            #[doc = concat!($what, " of all elements.")]
            #[track_caller]
            pub fn $whole(&self) -> Array {
                let every: Vec<isize> = (0..attempt!(self.shape()).len() as isize).collect();
                $reduce(self, stringify!($whole), &every)
            }

            #[doc = concat!($what, " over axes, which the result does not have. Negative axes count from the end.")]
            #[track_caller]
            pub fn $some(&self, axes: &[isize]) -> Array {
                $reduce(self, stringify!($some), axes)
            }
        )* }

        impl KeepAxes<'_> { $(
            #[doc = concat!($what, " over axes, which the result has with extent 1. Negative axes count from the end.")]
            #[track_caller]
            pub fn $some(&self, axes: &[isize]) -> Array {
                let mut shape = attempt!(self.0.shape());
                for axis in attempt!(axes::axes(stringify!($some), axes, shape.len())) {
                    shape[axis] = 1;
                }
                self.0.$some(axes).reshape(&shape)
            }
        )* }
    };
}

pub(super) use reductions;

reductions! {
    sum sum_axes sum, "The sum (of bools and short integers in 32 bits)";
    prod prod_axes prod, "The product (of bools and short integers in 32 bits)";
    max max_axes max, "The maximum (NaN if any element is)";
    min min_axes min, "The minimum (NaN if any element is)";
    mean mean_axes mean, "The mean (as `f32` of integers and bools)";
    any any_axes any, "Whether any is true (of a bool array)";
    all all_axes all, "Whether all are true (of a bool array)";
}

#[track_caller]
fn sum(x: &Array, operation: &str, axes: &[isize]) -> Array {
    reduce(&REDUCE_SUM, &widened(x), operation, axes)
}

#[track_caller]
fn prod(x: &Array, operation: &str, axes: &[isize]) -> Array {
    reduce(&REDUCE_PROD, &widened(x), operation, axes)
}

/// Bools and short integers in 32 bits, which sums and products of them soon need.
#[track_caller]
fn widened(x: &Array) -> Array {
    match attempt!(x.dtype()) {
        DType::Bool | DType::I8 | DType::I16 => x.astype(DType::I32),
        DType::U8 | DType::U16 => x.astype(DType::U32),
        _ => x.clone(),
    }
}

#[track_caller]
fn max(x: &Array, operation: &str, axes: &[isize]) -> Array {
    reduce(&REDUCE_MAX, x, operation, axes)
}

#[track_caller]
fn min(x: &Array, operation: &str, axes: &[isize]) -> Array {
    reduce(&REDUCE_MIN, x, operation, axes)
}

#[track_caller]
fn mean(x: &Array, operation: &str, axes: &[isize]) -> Array {
    let ty = attempt!(x.ty());
    let count: usize = attempt!(axes::axes(operation, axes, ty.rank())).iter().map(|&axis| ty.shape[axis]).product();
    let inexact = if ty.dtype.is_inexact() { ty.dtype } else { DType::F32 };
    sum(&x.astype(inexact), operation, axes) / count as f64
}

#[track_caller]
fn any(x: &Array, operation: &str, axes: &[isize]) -> Array {
    truth(&REDUCE_MAX, x, operation, axes)
}

#[track_caller]
fn all(x: &Array, operation: &str, axes: &[isize]) -> Array {
    truth(&REDUCE_MIN, x, operation, axes)
}

/// A reduction of truth values.
#[track_caller]
fn truth(prim: &'static Prim, x: &Array, operation: &str, axes: &[isize]) -> Array {
    let ty = attempt!(x.ty());
    if !ty.dtype.is_bool() {
        let message = format!("takes a bool array, got {ty}; compare it first, such as `x.not_equal(0)`");
        return fail(ErrorKind::DType, operation, message);
    }
    reduce(prim, x, operation, axes)
}

/// Applies a reduction over axes as users name them; over none, nothing is done.
#[track_caller]
fn reduce(prim: &'static Prim, x: &Array, operation: &str, axes: &[isize]) -> Array {
    let ty = attempt!(x.ty());
    let mut axes = attempt!(axes::axes(operation, axes, ty.rank()));
    axes.sort_unstable();
    let attrs = axes_attrs(&axes);
    if axes.is_empty() {
        attempt!(prim.infer(&[&ty], &attrs));
        return x.clone();
    }
    apply1(prim, &[x], attrs)
}

/// The attributes of every reduction.
fn axes_attrs(axes: &[usize]) -> Attrs {
    Attrs::none().with_sizes("axes", axes.iter().copied())
}

/// Cases in every rank, over every kind of axes and with nothing to keep, all in the first dtype of those given. With
/// nothing to reduce they are in the last: an infinite result has no difference quotient.
fn cases(dtypes: &[DType]) -> Vec<Case> {
    let shapes: [(&[usize], &[usize]); 7] = [
        (&[], &[]),
        (&[4], &[0]),
        (&[2, 3], &[0]),
        (&[2, 3], &[1]),
        (&[2, 3, 4], &[0, 2]),
        (&[3, 2], &[0, 1]),
        (&[0, 3], &[1]),
    ];
    let nothing: (&[usize], &[usize]) = (&[0, 3], &[0]);
    let case = |dtype, (shape, axes): (&[usize], &[usize])| Case::new([Type::new(dtype, shape)], axes_attrs(axes));
    let first = shapes.iter().map(|&shape| case(dtypes[0], shape));
    let others = dtypes[1..].iter().flat_map(|&dtype| [case(dtype, shapes[3]), case(dtype, shapes[4])]);
    first.chain(others).chain([case(dtypes[dtypes.len() - 1], nothing)]).collect()
}

fn infer_arithmetic(operation: &str, x: &Type, attrs: &Attrs) -> Result<Types> {
    if x.dtype.is_bool() {
        let message =
            format!("takes numbers, got {x}; convert it first, as with `astype(DType::I32)`, or use `any` or `all`");
        return refuse(ErrorKind::DType, operation, message);
    }
    infer_reduction(operation, x, attrs)
}

fn infer_order(operation: &str, x: &Type, attrs: &Attrs) -> Result<Types> {
    if x.dtype.is_complex() {
        let message = format!("complex numbers have no order, got {x}; reduce `abs()`, `real()` or `imag()` of it");
        return refuse(ErrorKind::DType, operation, message);
    }
    infer_reduction(operation, x, attrs)
}

fn infer_reduction(operation: &str, x: &Type, attrs: &Attrs) -> Result<Types> {
    let axes = axes::axes_attr(operation, attrs, "axes", x.rank())?;
    if !axes.is_sorted() {
        return refuse(ErrorKind::Argument, operation, format!("`axes` = {axes:?} must be in increasing order"));
    }
    let kept: Dims = axes::others(&axes, x.rank()).iter().map(|&axis| x.shape[axis]).collect();
    one(x.with_shape(&kept))
}

/// A reduction of a tensor, given what to make of the elements that go into one and of the dtype.
fn fold(x: &Tensor, attrs: &Attrs, ty: &Type, combine: impl Fn(&[Scalar], DType) -> Number) -> Tensor {
    let kept = axes::others(&attrs.sizes("axes"), x.ty().rank());
    let mut groups = vec![Vec::new(); ty.len()];
    for (position, element) in x.scalars().enumerate() {
        let index = axes::index_of(position, &x.ty().shape);
        let target: Dims = kept.iter().map(|&axis| index[axis]).collect();
        groups[axes::position_of(&target, &ty.shape)].push(element);
    }
    Tensor::from_fn(ty.clone(), |position| Scalar::new(ty.dtype, combine(&groups[position], ty.dtype)))
}

/// The element that is better than all others, NaN if any is, `identity` where there are none.
fn pick(group: &[Scalar], identity: Number, better: fn(f64, f64) -> bool) -> Number {
    // Integers of 64 bits do not fit into f64; the sign of a difference does.
    let differ = |a: Scalar, b: Scalar| (a.as_i128() - b.as_i128()) as f64;
    let prefers = |a: Scalar, b: Scalar| match a.number() {
        Number::Int(_) => better(differ(a, b), 0.0),
        _ => better(a.as_f64(), b.as_f64()) || a.as_f64().is_nan(),
    };
    group.iter().copied().reduce(|a, b| if prefers(b, a) { b } else { a }).map_or(identity, Scalar::number)
}

/// The result of a reduction repeated to the shape of what was reduced.
#[track_caller]
fn spread(result: &Array, shape: &[usize], attrs: &Attrs) -> Array {
    result.broadcast_in_dim(shape, &axes::others(&attrs.sizes("axes"), shape.len()))
}

fn batch_reduction(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let axes = axes::behind_batch(&args.attrs.sizes("axes"));
    vec![(apply1(args.prim, &[&args.xs[0]], axes_attrs(&axes)), true)]
}

/// Number of elements that go into one of the result.
fn group_size(shape: &[usize], attrs: &Attrs) -> usize {
    attrs.sizes("axes").iter().map(|&axis| shape[axis]).product()
}

/// The tangent at an element of the group is multiplied with the product of all others, which no quotient gives where an
/// element is 0. So factors and tangents are multiplied pairwise as a tree, by the product rule.
fn product_tangent(args: &JvpArgs<'_>, tangent: &Array) -> Array {
    let shape = attempt!(args.xs[0].shape());
    let mut count = group_size(&shape, args.attrs);
    if count == 0 {
        return args.out.zeros_like();
    }
    let reduced = args.attrs.sizes("axes");
    let kept = axes::others(&reduced, shape.len());
    let order: Dims = reduced.iter().chain(&kept).copied().collect();
    let result: Dims = kept.iter().map(|&axis| shape[axis]).collect();
    let in_rows = |x: &Array| x.permute(&order).reshape(&axes::with_leading(count, &result));
    let (mut factor, mut tangent) = (in_rows(&args.xs[0]), in_rows(tangent));
    while count > 1 {
        let half = count / 2;
        let halves = |x: &Array| (x.narrow(0, 0, half), x.narrow(0, half, half), x.narrow(0, 2 * half, count % 2));
        let (low, high, rest) = halves(&factor);
        let (low_tangent, high_tangent, rest_tangent) = halves(&tangent);
        factor = &low * &high;
        tangent = low_tangent * high + low * high_tangent;
        if count % 2 == 1 {
            factor = concatenate(&[factor, rest], 0);
            tangent = concatenate(&[tangent, rest_tangent], 0);
        }
        count = half + count % 2;
    }
    tangent.reshape(&result)
}

/// The mean of the tangents where the extremum is taken on, as JAX has it.
fn extremum_tangent(args: &JvpArgs<'_>, tangent: &Array) -> Array {
    let shape = attempt!(args.xs[0].shape());
    if group_size(&shape, args.attrs) == 0 {
        return args.out.zeros_like();
    }
    let taken = args.xs[0].equal(spread(args.out, &shape, args.attrs)).astype(attempt!(tangent.dtype()));
    let total = |x: &Array| apply1(&REDUCE_SUM, &[x], args.attrs.clone());
    total(&(tangent * &taken)) / total(&taken)
}
