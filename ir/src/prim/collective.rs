//! Communication along a named axis of a batch.
//!
//! Batching with a name lets the function of one item, an *instance*, see the others: sums over all of them, what another
//! one has, which one it is. While the function is recorded, [`bind`] makes the name known, together with a value of the
//! function: the number of the instance. It is an ordinary operand of the primitives here, so that loops, branches, calls
//! and custom rules pass it on like everything else they use, and batching finds every primitive that has to do with the
//! axis because that operand is batched. The rule of a primitive looks whether the axis being batched is the one named by
//! its attribute `axis`, and becomes a reduction, a permutation of axes or a gather of plain arrays; under any other
//! batch it stays what it is.
//!
//! Alone, without the batch, a primitive means this: the operand is the same in all instances, and this is the instance
//! of the given number. Values that no batch varies keep that meaning.

use super::index::concatenate;
use super::reduce::REDUCE_SUM;
use super::{Arity, Batch, BatchArgs, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, Types, one, refuse};
use crate::array::{Array, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::func::Inst;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::transform::refusal;
use crate::types::Type;

mod names;

pub use names::{AxisNames, BoundAxis, axis_index, axis_size, bind, check_bound};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&PSUM, &PSUM_SHARED, &ALL_GATHER, &PSUM_SCATTER, &ALL_TO_ALL, &PPERMUTE];

/// Attributes of all but `ppermute`: the number of the axis and its extent.
const ATTRS: &[(&str, AttrKind)] = &[("axis", AttrKind::Int), ("size", AttrKind::Int)];

/// A sum over instances.
pub static PSUM: Prim = Prim {
    name: "psum",
    doc: "The sum of the first operand over the instances of the named axis; the second is the number of this one.",
    arity: Arity::Exactly(2),
    attrs: ATTRS,
    domain: Domain::Cases(|| cases(&[])),
    infer: |operands, attrs| infer("psum", operands, attrs).and_then(|_| summable("psum", operands[0])).and_then(one),
    eval: Eval::Tensors(|xs, attrs, _| vec![multiplied(xs[0], attrs)]),
    jvp: Jvp::PerOperand(&[|args, tangent| apply1(&PSUM, &[tangent, &args.xs[1]], args.attrs.clone())]),
    transpose: Transpose::Rule(|args| {
        vec![Some(apply1(&PSUM, &[args.ct(), args.xs[1].known()], args.attrs.clone())), None]
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => vec![(apply1(&PSUM, &[&args.xs[0], &index], args.attrs.clone()), args.batched[0])],
        Axis::This => vec![(summed(args), false)],
    }),
    lower: Lower::Expand(|xs, attrs| vec![times(&xs[0], attrs)]),
};

/// A sum over instances of what belongs to something they share.
pub static PSUM_SHARED: Prim = Prim {
    name: "psum_shared",
    doc: "The sum of the first operand over the instances of the named axis if the second is the same for all of them, \
          else the first operand; the third is the number of this instance.",
    arity: Arity::Exactly(3),
    attrs: ATTRS,
    domain: Domain::Cases(|| {
        let x = Type::new(DType::F64, &[3]);
        vec![Case::new([x.clone(), x, index_type()], attrs(0, 1))]
    }),
    infer: |operands, attrs| {
        infer("psum_shared", &[operands[0], operands[2]], attrs)
            .and_then(|_| summable("psum_shared", operands[0]))
            .and_then(one)
    },
    eval: Eval::Tensors(|xs, attrs, _| vec![multiplied(xs[0], attrs)]),
    jvp: Jvp::PerOperand(&[
        |args, tangent| apply1(&PSUM_SHARED, &[tangent, &args.xs[1], &args.xs[2]], args.attrs.clone()),
        |args, _| args.out.zeros_like(),
    ]),
    transpose: Transpose::Rule(|args| match &args.xs[1] {
        Operand::Known(shared) => {
            let operands = [args.ct(), shared, args.xs[2].known()];
            vec![Some(apply1(&PSUM_SHARED, &operands, args.attrs.clone())), None, None]
        }
        Operand::Linear(_) => {
            let message = "is linear in its first operand only; take `stop_gradient()` of what is shared";
            vec![Some(refusal("psum_shared", message)); 3]
        }
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => {
            let operands = [&args.xs[0], &args.xs[1], &index];
            vec![(apply1(&PSUM_SHARED, &operands, args.attrs.clone()), args.batched[0])]
        }
        Axis::This if args.batched[1] => vec![(args.xs[0].clone(), args.batched[0])],
        Axis::This => vec![(summed(args), false)],
    }),
    lower: Lower::Expand(|xs, attrs| vec![times(&xs[0], attrs)]),
};

/// The operands of all instances.
pub static ALL_GATHER: Prim = Prim {
    name: "all_gather",
    doc: "The first operands of all instances of the named axis, stacked along a new leading axis; the second is the \
          number of this one.",
    arity: Arity::Exactly(2),
    attrs: ATTRS,
    domain: Domain::Cases(|| cases(&[])),
    infer: |operands, attrs| {
        let size = infer("all_gather", operands, attrs)?;
        one(operands[0].with_shape(&[&[size], &operands[0].shape[..]].concat()))
    },
    eval: Eval::Tensors(|xs, _, types| {
        let len = xs[0].ty().len();
        vec![Tensor::from_fn(types[0].clone(), |position| xs[0].get(position % len.max(1)))]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| apply1(&ALL_GATHER, &[tangent, &args.xs[1]], args.attrs.clone())]),
    transpose: Transpose::Rule(|args| {
        vec![Some(apply1(&PSUM_SCATTER, &[args.ct(), args.xs[1].known()], args.attrs.clone())), None]
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => {
            let gathered = apply1(&ALL_GATHER, &[&args.xs[0], &index], args.attrs.clone());
            vec![if args.batched[0] { (gathered.swap_axes(0, 1), true) } else { (gathered, false) }]
        }
        Axis::This => vec![(args.with_batch(0), false)],
    }),
    lower: Lower::Expand(|xs, attrs| vec![xs[0].broadcast_leading(attrs.size("size"))]),
};

/// A sum over instances, dealt out to them.
pub static PSUM_SCATTER: Prim = Prim {
    name: "psum_scatter",
    doc: "The slice along the leading axis with the number of this instance, the second operand, of the sum of the first \
          over the instances of the named axis.",
    arity: Arity::Exactly(2),
    attrs: ATTRS,
    domain: Domain::Cases(|| cases(&[1])),
    infer: |operands, attrs| {
        let size = infer("psum_scatter", operands, attrs)?;
        let ty = summable("psum_scatter", operands[0])?;
        leading("psum_scatter", &ty, size)?;
        one(ty.with_shape(&ty.shape[1..]))
    },
    eval: Eval::Tensors(|xs, attrs, types| vec![multiplied(&row(xs, &types[0]), attrs)]),
    jvp: Jvp::PerOperand(&[|args, tangent| apply1(&PSUM_SCATTER, &[tangent, &args.xs[1]], args.attrs.clone())]),
    transpose: Transpose::Rule(|args| {
        vec![Some(apply1(&ALL_GATHER, &[args.ct(), args.xs[1].known()], args.attrs.clone())), None]
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => {
            let x = leading_second(args);
            vec![(apply1(&PSUM_SCATTER, &[&x, &index], args.attrs.clone()), args.batched[0])]
        }
        Axis::This => vec![(summed(args), true)],
    }),
    lower: Lower::Expand(|xs, attrs| vec![times(&row_of(&xs[0], &xs[1]), attrs)]),
};

/// An exchange between instances.
pub static ALL_TO_ALL: Prim = Prim {
    name: "all_to_all",
    doc: "Slice k along the leading axis is slice `index` of the first operand of instance k of the named axis, `index` \
          being the number of this one, the second operand.",
    arity: Arity::Exactly(2),
    attrs: ATTRS,
    domain: Domain::Cases(|| cases(&[1])),
    infer: |operands, attrs| {
        let size = infer("all_to_all", operands, attrs)?;
        leading("all_to_all", operands[0], size)?;
        one(operands[0].clone())
    },
    eval: Eval::Tensors(|xs, _, types| {
        let ty = types[0].with_shape(&types[0].shape[1..]);
        let row = row(xs, &ty);
        vec![Tensor::from_fn(types[0].clone(), |position| row.get(position % ty.len().max(1)))]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| apply1(&ALL_TO_ALL, &[tangent, &args.xs[1]], args.attrs.clone())]),
    transpose: Transpose::Rule(|args| {
        vec![Some(apply1(&ALL_TO_ALL, &[args.ct(), args.xs[1].known()], args.attrs.clone())), None]
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => {
            let exchanged = apply1(&ALL_TO_ALL, &[&leading_second(args), &index], args.attrs.clone());
            vec![if args.batched[0] { (exchanged.swap_axes(0, 1), true) } else { (exchanged, false) }]
        }
        Axis::This => vec![(args.with_batch(0).swap_axes(0, 1), true)],
    }),
    lower: Lower::Expand(|xs, attrs| vec![row_of(&xs[0], &xs[1]).broadcast_leading(attrs.size("size"))]),
};

/// What another instance has.
pub static PPERMUTE: Prim = Prim {
    name: "ppermute",
    doc: "The first operand of the instance of the named axis with the number `sources[index]`, `index` being the number \
          of this one, the second operand; zeros where that is -1.",
    arity: Arity::Exactly(2),
    attrs: &[("axis", AttrKind::Int), ("sources", AttrKind::Ints)],
    domain: Domain::Cases(|| {
        let x = Type::new(DType::F64, &[3]);
        let case = |source| Case::new([x.clone(), index_type()], attrs_from(0, &[source]));
        vec![case(0), case(-1)]
    }),
    infer: infer_ppermute,
    eval: Eval::Tensors(|xs, attrs, types| {
        let sources = attrs.ints("sources");
        let index = xs[1].get(0).as_i128();
        let none = usize::try_from(index).is_ok_and(|index| sources.get(index) == Some(&-1));
        vec![if none { Tensor::from_fn(types[0].clone(), |_| Scalar::zero(types[0].dtype)) } else { xs[0].clone() }]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| apply1(&PPERMUTE, &[tangent, &args.xs[1]], args.attrs.clone())]),
    transpose: Transpose::Rule(|args| {
        let sources = args.attrs.ints("sources");
        let target = |k: usize| sources.iter().position(|&source| source == k as i64).map_or(-1, |at| at as i64);
        let back: Vec<i64> = (0..sources.len()).map(target).collect();
        let attrs = attrs_from(args.attrs.int("axis"), &back);
        vec![Some(apply1(&PPERMUTE, &[args.ct(), args.xs[1].known()], attrs)), None]
    }),
    batch: Batch::Rule(|args| match place(args) {
        Axis::Other(index) => vec![(apply1(&PPERMUTE, &[&args.xs[0], &index], args.attrs.clone()), args.batched[0])],
        Axis::This => vec![(rows_from(&args.with_batch(0), args.attrs.ints("sources")), true)],
    }),
    lower: Lower::Expand(|xs, attrs| {
        let none = attrs.ints("sources").iter().enumerate().filter(|(_, source)| **source < 0);
        let is_one = |(index, _)| xs[1].equal(index as i32);
        vec![match none.map(is_one).reduce(|a, b| a | b) {
            Some(none) => none.select(xs[0].zeros_like(), &xs[0]),
            None => xs[0].clone(),
        }]
    }),
};

/// Whether an instruction is of this family, and of the axis of that number.
pub(crate) fn names_axis(inst: &Inst, number: usize) -> bool {
    ALL.iter().any(|prim| std::ptr::eq(*prim, inst.prim)) && inst.attrs.int("axis") == number as i64
}

/// Attributes of a primitive on axis number `axis`.
fn attrs(axis: usize, size: usize) -> Attrs {
    Attrs::none().with_int("axis", axis as i64).with_int("size", size as i64)
}

fn attrs_from(axis: i64, sources: &[i64]) -> Attrs {
    Attrs::none().with_int("axis", axis).with_ints("sources", sources.iter().copied())
}

/// The type of the number of an instance.
fn index_type() -> Type {
    Type::scalar(DType::I32)
}

/// What all have in common: a nonnegative number and extent, and the number of the instance. The extent.
fn infer(operation: &str, operands: &[&Type], attrs: &Attrs) -> Result<usize> {
    check_index(operation, operands[1], attrs)?;
    match usize::try_from(attrs.int("size")) {
        Ok(size) => Ok(size),
        Err(_) => refuse(ErrorKind::Argument, operation, format!("`size` = {} is negative", attrs.int("size"))),
    }
}

fn check_index(operation: &str, index: &Type, attrs: &Attrs) -> Result<()> {
    if *index != index_type() {
        return refuse(ErrorKind::DType, operation, format!("the number of an instance must be i32[], not {index}"));
    }
    if attrs.int("axis") < 0 {
        return refuse(ErrorKind::Argument, operation, format!("`axis` = {} is negative", attrs.int("axis")));
    }
    Ok(())
}

fn summable(operation: &str, ty: &Type) -> Result<Type> {
    match ty.dtype.is_bool() {
        true => refuse(ErrorKind::DType, operation, format!("cannot add {ty}; convert it with `astype`")),
        false => Ok(ty.clone()),
    }
}

fn leading(operation: &str, ty: &Type, size: usize) -> Result<()> {
    match ty.shape.first() {
        Some(&extent) if extent == size => Ok(()),
        _ => refuse(ErrorKind::Shape, operation, format!("the leading axis of {ty} must have the extent {size}")),
    }
}

fn infer_ppermute(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    check_index("ppermute", operands[1], attrs)?;
    let sources = attrs.ints("sources");
    for (position, &source) in sources.iter().enumerate() {
        let twice = source >= 0 && sources[..position].contains(&source);
        if !(-1..sources.len() as i64).contains(&source) || twice {
            let message = format!("`sources` = {sources:?} must be different numbers of instances, or -1 for none");
            return refuse(ErrorKind::Argument, "ppermute", message);
        }
    }
    one(operands[0].clone())
}

/// Which axis is being batched.
enum Axis {
    /// The one the primitive names.
    This,
    /// Another. With the number of the instance, which does not depend on that batch.
    Other(Array),
}

fn place(args: &BatchArgs<'_>) -> Axis {
    if args.axis.number == Some(args.attrs.int("axis") as usize) {
        return Axis::This;
    }
    let last = args.xs.len() - 1;
    let index = &args.xs[last];
    Axis::Other(match (args.batched[last], args.size) {
        (false, _) => index.clone(),
        (true, 0) => Array::from(0i32),
        // Control flow may have made copies, one for each item of the batch.
        (true, _) => index.index_axis(0, 0),
    })
}

/// The sum over the batch axis of the first operand.
fn summed(args: &BatchArgs<'_>) -> Array {
    match args.batched[0] {
        true => apply1(&REDUCE_SUM, &[&args.xs[0]], Attrs::none().with_sizes("axes", [0])),
        false => times(&args.xs[0], args.attrs),
    }
}

/// The first operand with its own leading axis in front of a batch of another axis.
fn leading_second(args: &BatchArgs<'_>) -> Array {
    if args.batched[0] { args.xs[0].swap_axes(0, 1) } else { args.xs[0].clone() }
}

/// As many times the array as there are instances.
fn times(x: &Array, attrs: &Attrs) -> Array {
    match x.dtype() {
        Ok(dtype) => x * Array::scalar(Scalar::int(DType::I64, attrs.int("size").into()).convert(dtype)),
        Err(_) => x.clone(),
    }
}

fn multiplied(x: &Tensor, attrs: &Attrs) -> Tensor {
    let (size, dtype) = (attrs.int("size"), x.ty().dtype);
    Tensor::from_fn(x.ty().clone(), |position| {
        let product = match x.get(position).number() {
            Number::Int(x) => Number::Int(x.wrapping_mul(size.into())),
            Number::Float(x) => Number::Float(x * size as f64),
            Number::Complex(x) => Number::Complex(x * size as f64),
        };
        Scalar::new(dtype, product)
    })
}

/// The row of `x` with the given number, clamped into range.
fn row_of(x: &Array, index: &Array) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let mut starts = vec![Array::from(0i32); shape.len()];
    starts[0] = index.clone();
    let sizes: Vec<usize> = std::iter::once(1).chain(shape[1..].iter().copied()).collect();
    x.dynamic_slice(&starts, &sizes).reshape(&shape[1..])
}

/// The row of the first tensor that the second names.
fn row(xs: &[&Tensor], ty: &Type) -> Tensor {
    let index = xs[1].get(0).as_i128().clamp(0, xs[0].ty().shape[0].saturating_sub(1) as i128) as usize;
    Tensor::from_fn(ty.clone(), |position| xs[0].get(index * ty.len() + position))
}

/// Rows in another order, zeros where there is none. Rows that stay neighbours move together.
fn rows_from(x: &Array, sources: &[i64]) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let mut parts: Vec<Array> = Vec::new();
    let mut start = 0;
    while start < sources.len() {
        let first = sources[start];
        let follows =
            |(distance, &source): (usize, &i64)| source == if first < 0 { -1 } else { first + distance as i64 };
        let count = sources[start..].iter().enumerate().take_while(|&item| follows(item)).count();
        parts.push(match usize::try_from(first) {
            Ok(first) => x.narrow(0, first, count),
            Err(_) => x.narrow(0, 0, count).zeros_like(),
        });
        start += count;
    }
    if shape[0] == 0 { x.clone() } else { concatenate(&parts, 0) }
}

/// With one instance an operand that is the same in all says everything there is to say.
fn cases(leading: &[usize]) -> Vec<Case> {
    let case =
        |dtype, shape: &[usize]| Case::new([Type::new(dtype, &[leading, shape].concat()), index_type()], attrs(0, 1));
    vec![case(DType::F64, &[]), case(DType::F64, &[3]), case(DType::C128, &[2, 2]), case(DType::I32, &[2])]
}
