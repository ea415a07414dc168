//! Elementary functions: roots, exponential and logarithm, circular and hyperbolic functions, real and complex.
//!
//! Complex functions are principal values; their lane lowerings are written on pairs of lanes from real elementary
//! functions, in forms that neither cancel nor overflow before the result does.

use super::elementwise::{alike, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, principal};
use crate::array::Array;
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::unary;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&SQRT, &RSQRT, &EXP, &LOG, &SIN, &COS, &TANH];

/// The square root.
pub static SQRT: Prim = Prim {
    name: "sqrt",
    doc: "The square root; NaN for negative reals, the root with nonnegative real part for complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Inexact),
    infer: |xs, _| alike("sqrt", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].sqrt(), |x| principal::sqrt(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (0.5 / args.out)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.sqrt(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_sqrt((re, im)).0),
    }),
};

/// 1 / sqrt(x).
pub static RSQRT: Prim = Prim {
    name: "rsqrt",
    doc: "The reciprocal of the square root.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Inexact),
    infer: |xs, _| alike("rsqrt", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| 1.0 / x[0].sqrt(), |x| 1.0 / principal::sqrt(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (-0.5 * args.out / &args.xs[0])]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => {
            let (one, root) = (lanes.number(x, 1.0), lanes.sqrt(x));
            Lane::Real(lanes.div(one, root))
        }
        // 1 / w is conj(w) / |w|^2, and the squared modulus of the root is the modulus.
        Lane::Complex(re, im) => {
            let ((re, im), modulus) = lanes.complex_sqrt((re, im));
            let im = lanes.neg(im);
            Lane::Complex(lanes.div(re, modulus), lanes.div(im, modulus))
        }
    }),
};

/// e^x.
pub static EXP: Prim = Prim {
    name: "exp",
    doc: "The exponential function.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("exp", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].exp(), |x| x[0].exp())),
    jvp: Jvp::PerOperand(&[|args, t| t * args.out]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Exp, &[x])),
        Lane::Complex(re, im) => exp_lanes(lanes, re, im),
    }),
};

/// The natural logarithm.
pub static LOG: Prim = Prim {
    name: "log",
    doc: "The natural logarithm; NaN for negative reals, imaginary part in [-pi, pi] for complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Inexact),
    infer: |xs, _| alike("log", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].ln(), |x| principal::log(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t / &args.xs[0]]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Log, &[x])),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_log((re, im))),
    }),
};

/// The sine.
pub static SIN: Prim = Prim {
    name: "sin",
    doc: "The sine of an angle in radians.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("sin", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].sin(), |x| principal::sin(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].cos()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Sin, &[x])),
        // sin(a + ib) = sin a cosh b + i cos a sinh b.
        Lane::Complex(a, b) => {
            let (sin, cos) = (lanes.op(LaneOp::Sin, &[a]), lanes.op(LaneOp::Cos, &[a]));
            let (sinh, cosh) = lanes.sinh_and_cosh(b);
            Lane::Complex(lanes.exact_zero_product(sin, cosh), lanes.mul(cos, sinh))
        }
    }),
};

/// The cosine.
pub static COS: Prim = Prim {
    name: "cos",
    doc: "The cosine of an angle in radians.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("cos", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].cos(), |x| principal::cos(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| -(t * args.xs[0].sin())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Cos, &[x])),
        // cos(a + ib) = cos a cosh b - i sin a sinh b.
        Lane::Complex(a, b) => {
            let (sin, cos) = (lanes.op(LaneOp::Sin, &[a]), lanes.op(LaneOp::Cos, &[a]));
            let (sinh, cosh) = lanes.sinh_and_cosh(b);
            let opposite = lanes.neg(sinh);
            Lane::Complex(lanes.mul(cos, cosh), lanes.exact_zero_product(sin, opposite))
        }
    }),
};

/// The hyperbolic tangent.
pub static TANH: Prim = Prim {
    name: "tanh",
    doc: "The hyperbolic tangent.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Inexact),
    infer: |xs, _| alike("tanh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].tanh(), |x| principal::tanh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (1 - args.out.square())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Tanh, &[x])),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_tanh((re, im))),
    }),
};

/// e^a (cos b + i sin b). Real numbers stay real also where e^a is infinite.
pub(super) fn exp_lanes(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> Lane {
    let size = lanes.op(LaneOp::Exp, &[a]);
    let (sin, cos) = (lanes.op(LaneOp::Sin, &[b]), lanes.op(LaneOp::Cos, &[b]));
    let (re, im) = (lanes.mul(size, cos), lanes.mul(size, sin));
    let zero = lanes.number(b, 0.0);
    let is_real = lanes.op(LaneOp::Eq, &[b, zero]);
    Lane::Complex(re, lanes.op(LaneOp::Select, &[is_real, b, im]))
}

impl Array {
    /// The square root.
    #[track_caller]
    pub fn sqrt(&self) -> Array {
        unary(&SQRT, Dtypes::Inexact, self)
    }

    /// The reciprocal of the square root.
    #[track_caller]
    pub fn rsqrt(&self) -> Array {
        unary(&RSQRT, Dtypes::Inexact, self)
    }

    /// The exponential function.
    #[track_caller]
    pub fn exp(&self) -> Array {
        unary(&EXP, Dtypes::Inexact, self)
    }

    /// The natural logarithm.
    #[track_caller]
    pub fn log(&self) -> Array {
        unary(&LOG, Dtypes::Inexact, self)
    }

    /// The sine of an angle in radians.
    #[track_caller]
    pub fn sin(&self) -> Array {
        unary(&SIN, Dtypes::Inexact, self)
    }

    /// The cosine of an angle in radians.
    #[track_caller]
    pub fn cos(&self) -> Array {
        unary(&COS, Dtypes::Inexact, self)
    }

    /// The hyperbolic tangent.
    #[track_caller]
    pub fn tanh(&self) -> Array {
        unary(&TANH, Dtypes::Inexact, self)
    }
}
