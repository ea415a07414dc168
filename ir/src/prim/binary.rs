//! Arithmetic of two arrays of one type: sums, products, quotients, extrema, powers.
//!
//! Integers wrap. Bools add as `or` and multiply as `and`, so that a sum of truth values is true where any is.

use super::elementwise::{alike, by_float, by_inexact_kind, by_kind, by_ordered_kind};
use super::{
    Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, JvpArgs, Lower, Operand, Prim, Transpose, TransposeArgs,
};
use crate::array::Array;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary};
use crate::scalar::Number;
use crate::transform::refusal;
use num_complex::Complex;
use std::cmp::Ordering;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&ADD, &SUB, &MUL, &DIV, &REM, &MAX, &MIN, &POW, &ATAN2];

/// a + b.
pub static ADD: Prim = Prim {
    name: "add",
    doc: "The sum of two arrays; of bools, whether either is true.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Any),
    infer: |xs, _| alike("add", xs, Dtypes::Any),
    eval: Eval::Elementwise(|xs| by_kind(xs, |x| x[0] + x[1], |x| x[0] + x[1], |x| x[0] + x[1])),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| args.xs.iter().map(|x| x.is_linear().then(|| args.ct().clone())).collect()),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| match ty.dtype {
        DType::Bool => real_op(lanes, LaneOp::Or, xs),
        _ => lanes.add_lanes(xs[0], xs[1]),
    }),
};

/// a - b.
pub static SUB: Prim = Prim {
    name: "sub",
    doc: "The difference of two arrays.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| alike("sub", xs, Dtypes::Numbers),
    eval: Eval::Elementwise(|xs| by_kind(xs, |x| x[0] - x[1], |x| x[0] - x[1], |x| x[0] - x[1])),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| {
        vec![args.xs[0].is_linear().then(|| args.ct().clone()), args.xs[1].is_linear().then(|| -args.ct())]
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match (xs[0], xs[1]) {
        (Lane::Complex(ar, ai), Lane::Complex(br, bi)) => Lane::Complex(lanes.sub(ar, br), lanes.sub(ai, bi)),
        (a, b) => Lane::Real(lanes.sub(a.real(), b.real())),
    }),
};

/// a * b.
pub static MUL: Prim = Prim {
    name: "mul",
    doc: "The product of two arrays, element by element; of bools, whether both are true.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Any),
    infer: |xs, _| alike("mul", xs, Dtypes::Any),
    // Products of two u64 pass the range of i128, but their low bits are right.
    eval: Eval::Elementwise(|xs| by_kind(xs, |x| x[0].wrapping_mul(x[1]), |x| x[0] * x[1], |x| x[0] * x[1])),
    jvp: Jvp::PerOperand(&[|args, t| t * &args.xs[1], |args, t| &args.xs[0] * t]),
    transpose: Transpose::Rule(|args| match args.xs {
        [Operand::Linear(_), Operand::Known(b)] => vec![Some(args.ct() * b), None],
        [Operand::Known(a), Operand::Linear(_)] => vec![None, Some(a * args.ct())],
        _ => not_linear(args, "mul", "a product is linear in one factor at a time"),
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| match ty.dtype {
        DType::Bool => real_op(lanes, LaneOp::And, xs),
        _ => lanes.mul_lanes(xs[0], xs[1]),
    }),
};

/// a / b.
pub static DIV: Prim = Prim {
    name: "div",
    doc: "The quotient of two arrays. Integers truncate towards zero; an integer over zero has all bits set.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| alike("div", xs, Dtypes::Numbers),
    eval: Eval::Elementwise(|xs| {
        by_kind(xs, |x| if x[1] == 0 { -1 } else { x[0] / x[1] }, |x| x[0] / x[1], |x| complex_quotient(x[0], x[1]))
    }),
    jvp: Jvp::PerOperand(&[|args, t| t / &args.xs[1], |args, t| -(t * args.out / &args.xs[1])]),
    transpose: Transpose::Rule(|args| match args.xs {
        [Operand::Linear(_), Operand::Known(b)] => vec![Some(args.ct() / b), None],
        _ => not_linear(args, "div", "a quotient is linear in the numerator alone"),
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match (xs[0], xs[1]) {
        (Lane::Complex(..), Lane::Complex(..)) => Lanes::complex(lanes.quotient(xs[0].parts(), xs[1].parts())),
        (a, b) => Lane::Real(lanes.div(a.real(), b.real())),
    }),
};

/// a - b trunc(a / b).
pub static REM: Prim = Prim {
    name: "rem",
    doc: "The remainder of the division of two arrays, with the sign of the first. An integer modulo zero is itself.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Reals),
    infer: |xs, _| alike("rem", xs, Dtypes::Reals),
    eval: Eval::Elementwise(|xs| by_ordered_kind(xs, |x| if x[1] == 0 { x[0] } else { x[0] % x[1] }, |x| x[0] % x[1])),
    // (a - rem) / b is the whole quotient up to rounding.
    jvp: Jvp::PerOperand(&[|_, t| t.clone(), |args, t| -(t * ((&args.xs[0] - args.out) / &args.xs[1]).round())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| real_op(lanes, LaneOp::Rem, xs)),
};

/// The larger.
pub static MAX: Prim = Prim {
    name: "max",
    doc: "The larger of two elements; NaN if either is, 0 rather than -0. Where they are equal the tangent is the mean of both.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| alike("max", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| by_ordered_kind(xs, |x| x[0].max(x[1]), |x| prefer(x, Ordering::Greater, false))),
    jvp: Jvp::PerOperand(&[
        |args, t| t * preference(&args.xs[0].greater(&args.xs[1]), args),
        |args, t| t * preference(&args.xs[1].greater(&args.xs[0]), args),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| match ty.dtype {
        DType::Bool => real_op(lanes, LaneOp::Or, xs),
        _ => real_op(lanes, LaneOp::Max, xs),
    }),
};

/// The smaller.
pub static MIN: Prim = Prim {
    name: "min",
    doc: "The smaller of two elements; NaN if either is, -0 rather than 0. Where they are equal the tangent is the mean of both.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Ordered),
    infer: |xs, _| alike("min", xs, Dtypes::Ordered),
    eval: Eval::Elementwise(|xs| by_ordered_kind(xs, |x| x[0].min(x[1]), |x| prefer(x, Ordering::Less, true))),
    jvp: Jvp::PerOperand(&[
        |args, t| t * preference(&args.xs[0].less(&args.xs[1]), args),
        |args, t| t * preference(&args.xs[1].less(&args.xs[0]), args),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| match ty.dtype {
        DType::Bool => real_op(lanes, LaneOp::And, xs),
        _ => real_op(lanes, LaneOp::Min, xs),
    }),
};

/// a^b.
pub static POW: Prim = Prim {
    name: "pow",
    doc: "a to the power b; NaN for negative reals to a power that is not whole, principal values for complex.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Inexact),
    infer: |xs, _| alike("pow", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].powf(x[1]), |x| complex_power(x[0], x[1]))),
    jvp: Jvp::PerOperand(&[
        // x^0 is 1 for every x, also where x^-1 is infinite.
        |args, t| {
            let (base, exponent) = (&args.xs[0], &args.xs[1]);
            let reduced = exponent.equal(0.0).select(1.0, exponent - 1.0);
            t * (exponent * base.pow(reduced))
        },
        // 0^y is 0 for every positive y, though log 0 is infinite.
        |args, t| t * (args.xs[0].equal(0.0).select(1.0, &args.xs[0]).log() * args.out),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match (xs[0], xs[1]) {
        (Lane::Complex(..), Lane::Complex(..)) => power_lanes(lanes, xs[0].parts(), xs[1].parts()),
        (a, b) => Lane::Real(lanes.op(LaneOp::Pow, &[a.real(), b.real()])),
    }),
};

/// The angle of (b, a).
pub static ATAN2: Prim = Prim {
    name: "atan2",
    doc: "The angle in [-pi, pi] of the point whose ordinate is the first operand and whose abscissa the second.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("atan2", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].atan2(x[1]))),
    jvp: Jvp::PerOperand(&[
        |args, t| t * (&args.xs[1] / (args.xs[0].square() + args.xs[1].square())),
        |args, t| -(t * (&args.xs[0] / (args.xs[0].square() + args.xs[1].square()))),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| real_op(lanes, LaneOp::Atan2, xs)),
};

/// A lane operation on values that are not complex.
fn real_op(lanes: &mut Lanes<'_>, op: LaneOp, xs: &[Lane]) -> Lane {
    Lane::Real(lanes.op(op, &[xs[0].real(), xs[1].real()]))
}

/// The answer of a transpose rule that was asked for an operand the primitive is not linear in.
fn not_linear(args: &TransposeArgs<'_>, operation: &str, why: &str) -> Vec<Option<Array>> {
    let message = format!(
        "the function to be transposed is not linear: {why}; transpose the linear part of a function (`linearize`, `vjp`), \
         or make one operand independent of its linear parameters"
    );
    let error = refusal(operation, message);
    args.xs.iter().map(|x| x.is_linear().then(|| error.clone())).collect()
}

/// The first where it is preferred to the second or equal to it; of zeros, the one of the given sign.
fn prefer(x: &[f64], preferred: Ordering, negative_zero: bool) -> f64 {
    match x[0].partial_cmp(&x[1]) {
        None => f64::NAN,
        Some(Ordering::Equal) => x[usize::from(x[0].is_sign_negative() != negative_zero)],
        Some(order) => x[usize::from(order != preferred)],
    }
}

/// 1 where the operand is preferred, 1/2 where both are equal, else 0.
#[track_caller]
fn preference(preferred: &Array, args: &JvpArgs<'_>) -> Array {
    preferred.select(1.0, args.xs[0].equal(&args.xs[1]).select(0.5, args.out.zeros_like()))
}

/// Scaled, so that neither the squared modulus of the denominator nor a partial product overflows.
fn complex_quotient(a: Complex<f64>, b: Complex<f64>) -> Complex<f64> {
    let scale = b.re.abs().max(b.im.abs());
    let (a, b) = (a / scale, b / scale);
    a * b.conj() / b.norm_sqr()
}

fn complex_power(base: Complex<f64>, exponent: Complex<f64>) -> Complex<f64> {
    match (base.norm() == 0.0, exponent.norm() == 0.0) {
        (_, true) => Complex::new(1.0, 0.0),
        (true, false) if exponent.re > 0.0 => Complex::new(0.0, 0.0),
        _ => (exponent * base.ln()).exp(),
    }
}

/// exp(w log z), except that z^0 is 1 and 0^w is 0 for Re w > 0.
fn power_lanes(lanes: &mut Lanes<'_>, (zr, zi): (NodeId, NodeId), (wr, wi): (NodeId, NodeId)) -> Lane {
    let log = Lanes::complex(lanes.complex_log((zr, zi)));
    let product = lanes.mul_lanes(Lane::Complex(wr, wi), log).parts();
    let (re, im) = super::elementary::exp_lanes(lanes, product.0, product.1).parts();
    let zero = lanes.number(zr, 0.0);
    let one = lanes.number(zr, 1.0);
    let mut both_zero = |re, im| {
        let (re, im) = (lanes.op(LaneOp::Eq, &[re, zero]), lanes.op(LaneOp::Eq, &[im, zero]));
        lanes.op(LaneOp::And, &[re, im])
    };
    let (base_zero, exponent_zero) = (both_zero(zr, zi), both_zero(wr, wi));
    let positive = lanes.op(LaneOp::Lt, &[zero, wr]);
    let vanishes = lanes.op(LaneOp::And, &[base_zero, positive]);
    let re = lanes.op(LaneOp::Select, &[vanishes, zero, re]);
    let im = lanes.op(LaneOp::Select, &[vanishes, zero, im]);
    let re = lanes.op(LaneOp::Select, &[exponent_zero, one, re]);
    let im = lanes.op(LaneOp::Select, &[exponent_zero, zero, im]);
    Lane::Complex(re, im)
}

impl Array {
    /// The larger of two elements; NaN if either is.
    #[track_caller]
    pub fn maximum(&self, other: impl IntoOperand) -> Array {
        binary(&MAX, Dtypes::Ordered, Term::Array(self.clone()), other.into_operand())
    }

    /// The smaller of two elements; NaN if either is.
    #[track_caller]
    pub fn minimum(&self, other: impl IntoOperand) -> Array {
        binary(&MIN, Dtypes::Ordered, Term::Array(self.clone()), other.into_operand())
    }

    /// The nearest element within `[low, high]`; `high` where the bounds contradict each other.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([-0.5f32, 0.5, 1.5]);
    /// assert_eq!(x.clamp(0.0, 1.0).to_vec::<f32>().unwrap(), [0.0, 0.5, 1.0]);
    /// ```
    #[track_caller]
    pub fn clamp(&self, low: impl IntoOperand, high: impl IntoOperand) -> Array {
        self.maximum(low).minimum(high)
    }

    /// The positive part, max(x, 0), whose tangent at 0 is 0. NaN stays NaN.
    #[track_caller]
    pub fn relu(&self) -> Array {
        self.less_equal(0).select(0, self)
    }

    /// The remainder of the division, with the sign of `self`; also spelled `%`.
    #[track_caller]
    pub fn rem(&self, other: impl IntoOperand) -> Array {
        binary(&REM, Dtypes::Reals, Term::Array(self.clone()), other.into_operand())
    }

    /// `self` to the power `exponent`. A Rust integer multiplies repeatedly, as [`Array::powi`]; otherwise integer arrays
    /// become `f32`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f64, 4.0]);
    /// assert_eq!(x.pow(0.5).to_vec::<f64>().unwrap(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn pow(&self, exponent: impl IntoOperand) -> Array {
        match exponent.into_operand() {
            Term::Literal(value) => match value.number() {
                Number::Int(whole) if i32::try_from(whole).is_ok() => self.powi(whole as i32),
                _ => binary(&POW, Dtypes::Inexact, Term::Array(self.clone()), Term::Literal(value)),
            },
            exponent => binary(&POW, Dtypes::Inexact, Term::Array(self.clone()), exponent),
        }
    }

    /// The angle in [-pi, pi] of the point with ordinate `self` and abscissa `x`.
    #[track_caller]
    pub fn atan2(&self, x: impl IntoOperand) -> Array {
        binary(&ATAN2, Dtypes::Floats, Term::Array(self.clone()), x.into_operand())
    }

    /// 1 / x; of integers as [`DIV`].
    #[track_caller]
    pub fn reciprocal(&self) -> Array {
        1 / self
    }
}
