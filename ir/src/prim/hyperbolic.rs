//! Hyperbolic functions and their inverses; the hyperbolic tangent is with the elementary functions.

use super::elementwise::{alike, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, principal};
use crate::array::Array;
use crate::lanes::{Lane, Lanes};
use crate::operand::unary;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&SINH, &COSH, &ASINH, &ACOSH, &ATANH];

/// The hyperbolic sine.
pub static SINH: Prim = Prim {
    name: "sinh",
    doc: "The hyperbolic sine (e^x - e^-x) / 2.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("sinh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| libm::sinh(x[0]), |x| principal::sinh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].cosh()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.sinh_and_cosh(x).0),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_sinh((re, im))),
    }),
};

/// The hyperbolic cosine.
pub static COSH: Prim = Prim {
    name: "cosh",
    doc: "The hyperbolic cosine (e^x + e^-x) / 2.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("cosh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| libm::cosh(x[0]), |x| principal::cosh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].sinh()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.sinh_and_cosh(x).1),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_cosh((re, im))),
    }),
};

/// The inverse of the hyperbolic sine.
pub static ASINH: Prim = Prim {
    name: "asinh",
    doc: "The inverse of the hyperbolic sine, log(x + sqrt(x^2 + 1)); principal values for complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("asinh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| libm::asinh(x[0]), |x| principal::asinh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.xs[0].square() + 1).rsqrt()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.asinh(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_asinh((re, im))),
    }),
};

/// The inverse of the hyperbolic cosine.
///
/// The derivative 1 / (sqrt(x - 1) sqrt(x + 1)) is that of the principal value in the whole plane; 1 / sqrt(x^2 - 1) has the
/// other sign where the real part is negative.
pub static ACOSH: Prim = Prim {
    name: "acosh",
    doc: "The inverse of the hyperbolic cosine, log(x + sqrt(x - 1) sqrt(x + 1)); NaN for reals below 1, principal values for complex.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Above, Dtypes::Inexact),
    infer: |xs, _| alike("acosh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| {
        by_inexact_kind(xs, |x| if x[0] < 1.0 { f64::NAN } else { libm::acosh(x[0]) }, |x| principal::acosh(x[0]))
    }),
    jvp: Jvp::PerOperand(&[|args, t| t * ((&args.xs[0] - 1).rsqrt() * (&args.xs[0] + 1).rsqrt())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.acosh(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_acosh((re, im))),
    }),
};

/// The inverse of the hyperbolic tangent.
pub static ATANH: Prim = Prim {
    name: "atanh",
    doc: "The inverse of the hyperbolic tangent, log((1 + x) / (1 - x)) / 2; NaN for reals beyond 1, principal values for complex.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Inexact),
    infer: |xs, _| alike("atanh", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| libm::atanh(x[0]), |x| principal::atanh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t / ((1 - &args.xs[0]) * (&args.xs[0] + 1))]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.atanh(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_atanh((re, im))),
    }),
};

impl Array {
    /// The hyperbolic sine.
    #[track_caller]
    pub fn sinh(&self) -> Array {
        unary(&SINH, Dtypes::Inexact, self)
    }

    /// The hyperbolic cosine.
    #[track_caller]
    pub fn cosh(&self) -> Array {
        unary(&COSH, Dtypes::Inexact, self)
    }

    /// The inverse of the hyperbolic sine.
    #[track_caller]
    pub fn asinh(&self) -> Array {
        unary(&ASINH, Dtypes::Inexact, self)
    }

    /// The inverse of the hyperbolic cosine; NaN for reals below 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64]).acosh().to_vec::<f64>().unwrap(), [0.0]);
    /// ```
    #[track_caller]
    pub fn acosh(&self) -> Array {
        unary(&ACOSH, Dtypes::Inexact, self)
    }

    /// The inverse of the hyperbolic tangent; NaN for reals beyond 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f32]).atanh().to_vec::<f32>().unwrap(), [f32::INFINITY]);
    /// ```
    #[track_caller]
    pub fn atanh(&self) -> Array {
        unary(&ATANH, Dtypes::Inexact, self)
    }
}
