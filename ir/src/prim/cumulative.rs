//! Cumulative sums, products and extrema along an axis, from either end.
//!
//! The primitives know arrays [.., n, m] and run along n, so that no axis has to be moved: what lies before the axis is a
//! batch, what lies behind it moves in step.

use super::axes::{self, attempt};
use super::{
    Arity, Batch, BatchArgs, Case, Domain, Dtypes, Eval, Jvp, JvpArgs, Lower, Prim, Routine, Transpose, Types, one,
    refuse,
};
use crate::array::{Array, apply1};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::eval_kernel::lane_op;
use crate::kernel::LaneOp;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::types::Type;
use num_complex::Complex;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CUMSUM, &CUMPROD, &CUMMAX, &CUMMIN, &CUMLOGSUMEXP];

const ITEMS: Lower = Lower::Library(Routine::Items { operands: &[2], results: &[2] });

/// Sums of all elements up to each.
pub static CUMSUM: Prim = Prim {
    name: "cumsum",
    doc: "Along the axis before the last, the sum of all elements up to each; from the end if `reverse`.",
    arity: Arity::Exactly(1),
    attrs: &[("reverse", AttrKind::Bool)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::C128])),
    infer: |operands, _| infer_cumulative("cumsum", operands[0], Dtypes::Numbers),
    eval: Eval::Tensors(|xs, attrs, _| {
        vec![run(xs[0], attrs, Number::Int(0), |sum, x| match (sum, x) {
            (Number::Int(a), Number::Int(b)) => Number::Int(a.wrapping_add(b)),
            (a, b) => add(a, b),
        })]
    }),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| {
        let turned = reverse_attrs(!args.attrs.bool("reverse"));
        vec![args.xs[0].is_linear().then(|| apply1(&CUMSUM, &[args.ct()], turned))]
    }),
    batch: Batch::Rule(batch_cumulative),
    lower: ITEMS,
};

/// Products of all elements up to each.
pub static CUMPROD: Prim = Prim {
    name: "cumprod",
    doc: "Along the axis before the last, the product of all elements up to each; from the end if `reverse`.",
    arity: Arity::Exactly(1),
    attrs: &[("reverse", AttrKind::Bool)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::C128])),
    infer: |operands, _| infer_cumulative("cumprod", operands[0], Dtypes::Numbers),
    eval: Eval::Tensors(|xs, attrs, _| {
        vec![run(xs[0], attrs, Number::Int(1), |product, x| match (product, x) {
            // Modulo 2^128, hence also modulo the width of the dtype.
            (Number::Int(a), Number::Int(b)) => Number::Int(a.wrapping_mul(b)),
            (a, b) => multiply(a, b),
        })]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| {
        // y[i] = y[i - 1] x[i]
        let reverse = args.attrs.bool("reverse");
        let before = shifted(args.out, 1, Scalar::one(attempt!(tangent.dtype())), reverse);
        recurrence(&args.xs[0], &(before * tangent), reverse)
    }]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_cumulative),
    lower: ITEMS,
};

/// Greatest of all elements up to each.
pub static CUMMAX: Prim = Prim {
    name: "cummax",
    doc: "Along the axis before the last, the maximum of all elements up to each, NaN if any of them is; from the end if \
          `reverse`.",
    arity: Arity::Exactly(1),
    attrs: &[("reverse", AttrKind::Bool)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::Bool])),
    infer: |operands, _| infer_cumulative("cummax", operands[0], Dtypes::Ordered),
    eval: Eval::Tensors(|xs, attrs, types| {
        vec![run(xs[0], attrs, Scalar::lowest(types[0].dtype).number(), |a, b| extremum(LaneOp::Max, a, b))]
    }),
    jvp: Jvp::PerOperand(&[extremum_tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_cumulative),
    lower: ITEMS,
};

/// Least of all elements up to each.
pub static CUMMIN: Prim = Prim {
    name: "cummin",
    doc: "Along the axis before the last, the minimum of all elements up to each, NaN if any of them is; from the end if \
          `reverse`.",
    arity: Arity::Exactly(1),
    attrs: &[("reverse", AttrKind::Bool)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32, DType::I32, DType::Bool])),
    infer: |operands, _| infer_cumulative("cummin", operands[0], Dtypes::Ordered),
    eval: Eval::Tensors(|xs, attrs, types| {
        vec![run(xs[0], attrs, Scalar::highest(types[0].dtype).number(), |a, b| extremum(LaneOp::Min, a, b))]
    }),
    jvp: Jvp::PerOperand(&[extremum_tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_cumulative),
    lower: ITEMS,
};

/// Logarithms of the sums of exponentials of all elements up to each.
pub static CUMLOGSUMEXP: Prim = Prim {
    name: "cumlogsumexp",
    doc: "Along the axis before the last, log(sum(exp(x))) over all elements up to each, without overflow; from the end if \
          `reverse`.",
    arity: Arity::Exactly(1),
    attrs: &[("reverse", AttrKind::Bool)],
    domain: Domain::Cases(|| cases(&[DType::F64, DType::F32])),
    infer: |operands, _| infer_cumulative("cumlogsumexp", operands[0], Dtypes::Floats),
    eval: Eval::Tensors(|xs, attrs, _| {
        vec![run(xs[0], attrs, Number::Float(f64::NEG_INFINITY), |a, b| {
            let (a, b) = (Scalar::new(DType::F64, a).as_f64(), Scalar::new(DType::F64, b).as_f64());
            let greater = a.max(b);
            match greater.is_infinite() {
                true => Number::Float(if a.is_nan() || b.is_nan() { f64::NAN } else { greater }),
                false => Number::Float(greater + ((a - greater).exp() + (b - greater).exp()).ln()),
            }
        })]
    }),
    jvp: Jvp::PerOperand(&[|args, tangent| {
        // exp(y[i]) = exp(y[i - 1]) + exp(x[i])
        let reverse = args.attrs.bool("reverse");
        let out = args.out;
        let dtype = attempt!(out.dtype());
        let before = shifted(out, 1, Scalar::lowest(dtype), reverse);
        let empty = out.equal(Array::scalar(Scalar::lowest(dtype)));
        let part = |x: &Array| empty.select(0, (x - out).exp());
        recurrence(&part(&before), &(part(&args.xs[0]) * tangent), reverse)
    }]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(batch_cumulative),
    lower: ITEMS,
};

macro_rules! cumulative {
    ($($method:ident $reversed:ident $prim:ident, $what:literal;)*) => {
        impl Array { $(
            #[doc = concat!("Along an axis ", $what, " of all elements up to each.")]
            #[track_caller]
            pub fn $method(&self, axis: isize) -> Array {
                along(&$prim, stringify!($method), self, axis, false)
            }

            #[doc = concat!("Along an axis ", $what, " of all elements from each to the end.")]
            #[track_caller]
            pub fn $reversed(&self, axis: isize) -> Array {
                along(&$prim, stringify!($reversed), self, axis, true)
            }
        )* }
    };
}
cumulative! {
    cumsum cumsum_reversed CUMSUM, "the sum";
    cumprod cumprod_reversed CUMPROD, "the product";
    cummax cummax_reversed CUMMAX, "the maximum (NaN if any is)";
    cummin cummin_reversed CUMMIN, "the minimum (NaN if any is)";
    cumlogsumexp cumlogsumexp_reversed CUMLOGSUMEXP, "the logarithm of the sum of the exponentials";
}

#[track_caller]
fn along(prim: &'static Prim, operation: &str, x: &Array, axis: isize, reverse: bool) -> Array {
    let shape = attempt!(x.shape());
    let axis = attempt!(axes::axis(operation, axis, shape.len()));
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let folded = x.reshape(&[outer, shape[axis], inner]);
    apply1(prim, &[&folded], reverse_attrs(reverse)).reshape(&shape)
}

/// The attributes of this family.
fn reverse_attrs(reverse: bool) -> Attrs {
    Attrs::none().with("reverse", Attr::Bool(reverse))
}

fn cases(dtypes: &[DType]) -> Vec<Case> {
    let case = |dtype, shape: &[usize], reverse| Case::new([Type::new(dtype, shape)], reverse_attrs(reverse));
    let others = dtypes[1..].iter().map(|&dtype| case(dtype, &[3, 2], false));
    let shapes = [case(dtypes[0], &[5, 1], false), case(dtypes[0], &[2, 4, 3], true), case(dtypes[0], &[0, 2], false)];
    shapes.into_iter().chain(others).collect()
}

fn infer_cumulative(operation: &str, x: &Type, dtypes: Dtypes) -> Result<Types> {
    if !dtypes.contains(x.dtype) {
        let message = format!("takes {}, got {x}; convert it with `astype`", dtypes.describe());
        return refuse(ErrorKind::DType, operation, message);
    }
    if x.rank() < 2 {
        return refuse(ErrorKind::Shape, operation, format!("takes arrays of shape [.., n, m], got {x}"));
    }
    one(x.clone())
}

fn batch_cumulative(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    vec![(apply1(args.prim, &[&args.xs[0]], args.attrs.clone()), true)]
}

/// What `step` makes of the elements one by one, in full precision; each result is rounded by itself.
fn run(x: &Tensor, attrs: &Attrs, start: Number, step: fn(Number, Number) -> Number) -> Tensor {
    let ty = x.ty().clone();
    let (count, width) = (ty.shape[ty.rank() - 2], ty.shape[ty.rank() - 1]);
    let mut result = x.clone();
    for column in 0..ty.len().checked_div(count).unwrap_or(0) {
        let first = column / width * count * width + column % width;
        let mut state = start;
        for i in 0..count {
            let row = if attrs.bool("reverse") { count - 1 - i } else { i };
            let position = first + row * width;
            state = step(state, x.get(position).number());
            result.set(position, Scalar::new(ty.dtype, state));
        }
    }
    result
}

fn complex(x: Number) -> Complex<f64> {
    Scalar::new(DType::C128, x).as_complex()
}

fn add(a: Number, b: Number) -> Number {
    Number::Complex(complex(a) + complex(b))
}

/// Real factors are multiplied as such: an infinity times a complex one would be NaN.
fn multiply(a: Number, b: Number) -> Number {
    match (a, b) {
        (Number::Complex(a), Number::Complex(b)) => Number::Complex(a * b),
        (Number::Int(_), b) => b,
        (a, b) => Number::Float(complex(a).re * complex(b).re),
    }
}

fn extremum(op: LaneOp, a: Number, b: Number) -> Number {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Number::Int(if op == LaneOp::Max { a.max(b) } else { a.min(b) }),
        (a, b) => lane_op(op, &[Scalar::new(DType::F64, a), Scalar::new(DType::F64, b)], DType::F64).number(),
    }
}

/// The array moved by some rows, `fill` coming in.
#[track_caller]
fn shifted(x: &Array, rows: usize, fill: Scalar, reverse: bool) -> Array {
    let shape = attempt!(x.shape());
    let rows = rows.min(shape[shape.len() - 2]) as i64;
    let mut widths = vec![(0, 0, 0); shape.len()];
    widths[shape.len() - 2] = if reverse { (-rows, rows, 0) } else { (rows, -rows, 0) };
    x.pad(fill, &widths)
}

/// y[i] = factor[i] y[i - 1] + term[i] along the axis before the last, by doubling: what several steps do to a value is
/// again a factor and a term.
#[track_caller]
fn recurrence(factor: &Array, term: &Array, reverse: bool) -> Array {
    let ty = attempt!(term.ty());
    let (mut factor, mut term) = (factor.clone(), term.clone());
    let mut reach = 1;
    while reach < ty.shape[ty.rank() - 2] {
        term = &term + &factor * shifted(&term, reach, Scalar::zero(ty.dtype), reverse);
        factor = &factor * shifted(&factor, reach, Scalar::one(ty.dtype), reverse);
        reach *= 2;
    }
    term
}

/// The tangent at the place where the extremum so far was taken on last.
fn extremum_tangent(args: &JvpArgs<'_>, tangent: &Array) -> Array {
    let shape = attempt!(tangent.shape());
    let reverse = args.attrs.bool("reverse");
    let axis = shape.len() as isize - 2;
    let here = Array::iota(&shape, axis, DType::I32);
    let taken = args.xs[0].equal(args.out);
    let (prim, none) = if reverse { (&CUMMIN, shape[shape.len() - 2] as i64) } else { (&CUMMAX, -1) };
    let places = apply1(prim, &[&taken.select(here, none)], args.attrs.clone());
    tangent.take_along_axis(&places, axis)
}
