//! Relatives of the logarithm: of 1 + x, to other bases, and multiplied with what may be zero.

use super::elementwise::{alike, by_float, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, principal};
use crate::array::Array;
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unary};
use std::f64::consts::{LN_2, LN_10};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&LOG1P, &LOG2, &LOG10, &XLOGY, &XLOG1PY];

/// log(1 + x).
pub static LOG1P: Prim = Prim {
    name: "log1p",
    doc: "The natural logarithm of 1 + x, accurate near 0; NaN for reals below -1.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Inexact),
    infer: |xs, _| alike("log1p", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].ln_1p(), |x| principal::log1p(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t / (&args.xs[0] + 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.log1p(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_log1p((re, im))),
    }),
};

/// The logarithm to the base 2.
pub static LOG2: Prim = Prim {
    name: "log2",
    doc: "The logarithm to the base 2, whole for powers of two; NaN for negative numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("log2", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].log2())),
    jvp: Jvp::PerOperand(&[|args, t| t / (&args.xs[0] * LN_2)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.log2(xs[0].real()))),
};

/// The logarithm to the base 10.
pub static LOG10: Prim = Prim {
    name: "log10",
    doc: "The logarithm to the base 10; NaN for negative numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("log10", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].log10())),
    jvp: Jvp::PerOperand(&[|args, t| t / (&args.xs[0] * LN_10)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.log10(xs[0].real()))),
};

/// x log y.
pub static XLOGY: Prim = Prim {
    name: "xlogy",
    doc: "The product of the first operand with the logarithm of the second, 0 where the first is 0.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("xlogy", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| if x[0] == 0.0 { 0.0 } else { x[0] * x[1].ln() })),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[1].log(), |args, t| t * (&args.xs[0] / &args.xs[1])]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let log = lanes.op(LaneOp::Log, &[xs[1].real()]);
        Lane::Real(unless_zero(lanes, xs[0].real(), log))
    }),
};

/// x log(1 + y).
pub static XLOG1PY: Prim = Prim {
    name: "xlog1py",
    doc: "The product of the first operand with the logarithm of one plus the second, 0 where the first is 0.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("xlog1py", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| if x[0] == 0.0 { 0.0 } else { x[0] * x[1].ln_1p() })),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[1].log1p(), |args, t| t * (&args.xs[0] / (&args.xs[1] + 1))]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let log = lanes.log1p(xs[1].real());
        Lane::Real(unless_zero(lanes, xs[0].real(), log))
    }),
};

/// x log, and 0 where x is 0.
fn unless_zero(lanes: &mut Lanes<'_>, x: NodeId, log: NodeId) -> NodeId {
    let product = lanes.mul(x, log);
    let zero = lanes.is(x, 0.0);
    lanes.put(zero, 0.0, product)
}

impl Array {
    /// log(1 + x), accurate near 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1e-12f64]).log1p().to_vec::<f64>().unwrap(), [9.999999999995e-13]);
    /// ```
    #[track_caller]
    pub fn log1p(&self) -> Array {
        unary(&LOG1P, Dtypes::Inexact, self)
    }

    /// The logarithm to the base 2, whole for powers of two.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([8.0f32, 0.25]).log2().to_vec::<f32>().unwrap(), [3.0, -2.0]);
    /// ```
    #[track_caller]
    pub fn log2(&self) -> Array {
        self.log_to(&LOG2, LN_2)
    }

    /// The logarithm to the base 10.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1000.0f64, 0.1]).log10().to_vec::<f64>().unwrap(), [3.0, -1.0]);
    /// ```
    #[track_caller]
    pub fn log10(&self) -> Array {
        self.log_to(&LOG10, LN_10)
    }

    /// A logarithm of real numbers; of complex ones the natural one, divided.
    #[track_caller]
    fn log_to(&self, prim: &'static Prim, log_of_base: f64) -> Array {
        match self.dtype() {
            Ok(dtype) if dtype.is_complex() => self.log() * (1.0 / log_of_base),
            _ => unary(prim, Dtypes::Floats, self),
        }
    }

    /// x log y, and 0 where x is 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f32]).xlogy(0.0).to_vec::<f32>().unwrap(), [0.0]);
    /// ```
    #[track_caller]
    pub fn xlogy(&self, other: impl IntoOperand) -> Array {
        binary(&XLOGY, Dtypes::Floats, Term::Array(self.clone()), other.into_operand())
    }

    /// x log(1 + y), and 0 where x is 0.
    #[track_caller]
    pub fn xlog1py(&self, other: impl IntoOperand) -> Array {
        binary(&XLOG1PY, Dtypes::Floats, Term::Array(self.clone()), other.into_operand())
    }
}
