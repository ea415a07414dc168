//! The tangent, the inverse circular functions, and the normalised sine.

use super::elementwise::{alike, by_float, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, principal};
use crate::array::Array;
use crate::kernel::LaneOp;
use crate::lanes::{Lane, Lanes};
use crate::operand::unary;
use std::f64::consts::PI;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&TAN, &ASIN, &ACOS, &ATAN, &SINC];

/// The tangent.
pub static TAN: Prim = Prim {
    name: "tan",
    doc: "The tangent of an angle in radians.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Inexact),
    infer: |xs, _| alike("tan", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].tan(), |x| principal::tan(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out.square() + 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.tan(x)),
        // -i tanh(i z).
        Lane::Complex(a, b) => {
            let opposite = lanes.neg(b);
            let (re, im) = lanes.complex_tanh((opposite, a));
            Lane::Complex(im, lanes.neg(re))
        }
    }),
};

/// The arcsine.
pub static ASIN: Prim = Prim {
    name: "asin",
    doc: "The arcsine, within [-pi/2, pi/2]; NaN for reals beyond 1, principal values for complex.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Inexact),
    infer: |xs, _| alike("asin", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].asin(), |x| principal::asin(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (1 - args.xs[0].square()).rsqrt()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.asin(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_asin((re, im))),
    }),
};

/// The arccosine.
pub static ACOS: Prim = Prim {
    name: "acos",
    doc: "The arccosine, within [0, pi]; NaN for reals beyond 1, principal values for complex.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Inexact),
    infer: |xs, _| alike("acos", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].acos(), |x| principal::acos(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| -(t * (1 - args.xs[0].square()).rsqrt())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.acos(x)),
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_acos((re, im))),
    }),
};

/// The arctangent.
pub static ATAN: Prim = Prim {
    name: "atan",
    doc: "The arctangent, within [-pi/2, pi/2]; principal values for complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| alike("atan", xs, Dtypes::Inexact),
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].atan(), |x| principal::atan(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t / (args.xs[0].square() + 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => {
            let one = lanes.number(x, 1.0);
            Lane::Real(lanes.op(LaneOp::Atan2, &[x, one]))
        }
        Lane::Complex(re, im) => Lanes::complex(lanes.complex_atan((re, im))),
    }),
};

/// sin(pi x) / (pi x).
pub static SINC: Prim = Prim {
    name: "sinc",
    doc: "The normalised sine sin(pi x) / (pi x), 1 at 0.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("sinc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| if x[0] == 0.0 { 1.0 } else { sine_of_turns(x[0]) / (PI * x[0]) })),
    jvp: Jvp::PerOperand(&[|args, t| t * sinc_slope(&args.xs[0], args.out)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.sinc(xs[0].real()))),
};

/// sin(pi x), by the remainder of x modulo 2.
fn sine_of_turns(x: f64) -> f64 {
    let rest = x % 2.0;
    let near = rest.round_ties_even();
    let sine = (PI * (rest - near)).sin();
    if near % 2.0 == 0.0 { sine } else { -sine }
}

/// The derivative of the normalised sine: (cos(pi x) - sinc x) / x, and its Taylor series near 0, so that derivatives of
/// every order are right there too.
#[track_caller]
fn sinc_slope(x: &Array, sinc: &Array) -> Array {
    let square = (x * PI).square();
    // (-1)^k 2k / (2k + 1)! of the powers 2k of pi x, over x.
    let mut series = square.zeros_like();
    for k in (1..=12).rev() {
        let factorial: f64 = (1..=2 * k + 1).map(f64::from).product();
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        series = series * &square + sign * 2.0 * f64::from(k) / factorial;
    }
    let series = series * (x * (PI * PI));
    let near = x.abs().less(0.5);
    let away = near.select(1, x);
    let turns = &away - 2.0 * (&away * 0.5).round();
    let slope = ((turns * PI).cos() - sinc) / &away;
    near.select(series, slope)
}

impl Array {
    /// The tangent of an angle in radians.
    #[track_caller]
    pub fn tan(&self) -> Array {
        unary(&TAN, Dtypes::Inexact, self)
    }

    /// The arcsine, within [-pi/2, pi/2]; NaN for reals beyond 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64]).asin().to_vec::<f64>().unwrap(), [std::f64::consts::FRAC_PI_2]);
    /// ```
    #[track_caller]
    pub fn asin(&self) -> Array {
        unary(&ASIN, Dtypes::Inexact, self)
    }

    /// The arccosine, within [0, pi]; NaN for reals beyond 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([-1.0f64, 1.0]).acos().to_vec::<f64>().unwrap(), [std::f64::consts::PI, 0.0]);
    /// ```
    #[track_caller]
    pub fn acos(&self) -> Array {
        unary(&ACOS, Dtypes::Inexact, self)
    }

    /// The arctangent, within [-pi/2, pi/2].
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64]).atan().to_vec::<f64>().unwrap(), [std::f64::consts::FRAC_PI_4]);
    /// ```
    #[track_caller]
    pub fn atan(&self) -> Array {
        unary(&ATAN, Dtypes::Inexact, self)
    }

    /// The normalised sine sin(pi x) / (pi x), which is 1 at 0 and smooth there.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f32, 1.0]).sinc().to_vec::<f32>().unwrap(), [1.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn sinc(&self) -> Array {
        unary(&SINC, Dtypes::Floats, self)
    }

    /// Radians of an angle in degrees.
    #[track_caller]
    pub fn deg2rad(&self) -> Array {
        self * (PI / 180.0)
    }

    /// Degrees of an angle in radians.
    #[track_caller]
    pub fn rad2deg(&self) -> Array {
        self * (180.0 / PI)
    }
}
