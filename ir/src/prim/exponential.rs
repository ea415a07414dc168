//! Relatives of the exponential: powers of two, e^x - 1, the logistic function and the logarithms of its kin.

use super::elementwise::{alike, by_float, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, JvpArgs, Lower, Prim, Transpose, principal};
use crate::array::Array;
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unary};
use std::f64::consts::LN_2;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&EXP2, &EXPM1, &LOGISTIC, &SOFTPLUS, &LOGADDEXP];

/// 2^x.
pub static EXP2: Prim = Prim {
    name: "exp2",
    doc: "Two to the power of an element.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("exp2", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].exp2())),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out * LN_2)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.exp2(xs[0].real()))),
};

/// e^x - 1.
pub static EXPM1: Prim = Prim {
    name: "expm1",
    doc: "The exponential function minus one, accurate near 0.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("expm1", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].exp_m1(), |x| principal::expm1(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out + 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.expm1(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_expm1((re, im))),
    }),
};

/// 1 / (1 + e^-x).
pub static LOGISTIC: Prim = Prim {
    name: "logistic",
    doc: "The logistic function 1 / (1 + e^-x).",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("logistic", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| logistic(x[0]), |x| principal::logistic(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out * (1 - args.out))]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.logistic(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_logistic((re, im))),
    }),
};

/// log(1 + e^x).
pub static SOFTPLUS: Prim = Prim {
    name: "softplus",
    doc: "The logarithm of 1 + e^x, which does not overflow.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("softplus", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| {
        by_float(xs, |x| if x[0].is_nan() { x[0] } else { x[0].max(0.0) + (-x[0].abs()).exp().ln_1p() })
    }),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].sigmoid()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.softplus(xs[0].real()))),
};

/// log(e^a + e^b).
pub static LOGADDEXP: Prim = Prim {
    name: "logaddexp",
    doc: "The logarithm of the sum of the exponentials of two elements, which does not overflow.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("logaddexp", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| log_of_sum(x[0], x[1]))),
    jvp: Jvp::PerOperand(&[|args, t| t * share(args, 0), |args, t| t * share(args, 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.logaddexp(xs[0].real(), xs[1].real()))),
};

/// By the exponential that does not overflow.
fn logistic(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

fn log_of_sum(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        None => f64::NAN,
        Some(std::cmp::Ordering::Equal) => a + LN_2,
        Some(_) => a.max(b) + (-(a - b).abs()).exp().ln_1p(),
    }
}

/// The share of an operand in the sum of exponentials: its exponential over the result's, 1 over 1 where both are infinite.
#[track_caller]
fn share(args: &JvpArgs<'_>, operand: usize) -> Array {
    let finite = |x: &Array| x.equal(f64::INFINITY).select(0, x);
    (finite(&args.xs[operand]) - finite(args.out)).exp()
}

impl Array {
    /// Two to the power of an element.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([-1.0f32, 10.0]).exp2().to_vec::<f32>().unwrap(), [0.5, 1024.0]);
    /// ```
    #[track_caller]
    pub fn exp2(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if dtype.is_complex() => (self * LN_2).exp(),
            _ => unary(&EXP2, Dtypes::Floats, self),
        }
    }

    /// e^x - 1, accurate near 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1e-12f64]).expm1().to_vec::<f64>().unwrap(), [1.0000000000005e-12]);
    /// ```
    #[track_caller]
    pub fn expm1(&self) -> Array {
        unary(&EXPM1, Dtypes::Inexact, self)
    }

    /// The logistic function 1 / (1 + e^-x), neither of whose tails overflows.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([-800.0f64, 0.0]).sigmoid().to_vec::<f64>().unwrap(), [0.0, 0.5]);
    /// ```
    #[track_caller]
    pub fn sigmoid(&self) -> Array {
        unary(&LOGISTIC, Dtypes::Inexact, self)
    }

    /// log(1 + e^x), a smooth positive part.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([-200.0f32, 200.0]).softplus().to_vec::<f32>().unwrap(), [0.0, 200.0]);
    /// ```
    #[track_caller]
    pub fn softplus(&self) -> Array {
        unary(&SOFTPLUS, Dtypes::Floats, self)
    }

    /// log of the logistic function, -log(1 + e^-x).
    #[track_caller]
    pub fn log_sigmoid(&self) -> Array {
        -(-self).softplus()
    }

    /// log(e^a + e^b).
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let sum = Array::from([1000.0f64]).logaddexp(1000.0);
    /// assert_eq!(sum.to_vec::<f64>().unwrap(), [1000.0 + std::f64::consts::LN_2]);
    /// ```
    #[track_caller]
    pub fn logaddexp(&self, other: impl IntoOperand) -> Array {
        binary(&LOGADDEXP, Dtypes::Floats, Term::Array(self.clone()), other.into_operand())
    }

    /// log2(2^a + 2^b).
    #[track_caller]
    pub fn logaddexp2(&self, other: impl IntoOperand) -> Array {
        let other = match other.into_operand() {
            Term::Array(array) => Term::Array(array * LN_2),
            Term::Literal(value) => Term::Literal(crate::Scalar::real(crate::DType::F64, value.as_f64() * LN_2)),
        };
        (self * LN_2).logaddexp(other) * (1.0 / LN_2)
    }
}
