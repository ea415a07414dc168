//! The cube root and the hypotenuse.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, JvpArgs, Lower, Prim, Transpose};
use crate::array::Array;
use crate::lanes::Lane;
use crate::operand::{IntoOperand, Term, binary, unary};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CBRT, &HYPOT];

/// The cube root.
pub static CBRT: Prim = Prim {
    name: "cbrt",
    doc: "The cube root, of negative numbers the negative one.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("cbrt", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].cbrt())),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out.powi(-2) * (1.0 / 3.0))]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.cbrt(xs[0].real()))),
};

/// sqrt(a^2 + b^2).
pub static HYPOT: Prim = Prim {
    name: "hypot",
    doc: "The length of the hypotenuse, sqrt(a^2 + b^2), which neither overflows nor underflows; infinite if either side is. The tangent at 0 is 0.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("hypot", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].hypot(x[1]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (&args.xs[0] / length(args)), |args, t| t * (&args.xs[1] / length(args))]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let (a, b) = (xs[0].real(), xs[1].real());
        let value = lanes.modulus(a, b);
        let (a, b) = (lanes.abs(a), lanes.abs(b));
        let (a, b) = (lanes.is(a, f64::INFINITY), lanes.is(b, f64::INFINITY));
        let infinite = lanes.or(a, b);
        Lane::Real(lanes.put(infinite, f64::INFINITY, value))
    }),
};

/// The result, and 1 where that is 0.
#[track_caller]
fn length(args: &JvpArgs<'_>) -> Array {
    args.out.equal(0).select(1, args.out)
}

impl Array {
    /// The cube root, of negative numbers the negative one.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([27.0f32, -8.0]).cbrt().to_vec::<f32>().unwrap(), [3.0, -2.0]);
    /// ```
    #[track_caller]
    pub fn cbrt(&self) -> Array {
        unary(&CBRT, Dtypes::Floats, self)
    }

    /// sqrt(a^2 + b^2), without overflow on the way.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([3e30f32]).hypot(4e30).to_vec::<f32>().unwrap(), [5e30]);
    /// ```
    #[track_caller]
    pub fn hypot(&self, other: impl IntoOperand) -> Array {
        binary(&HYPOT, Dtypes::Floats, Term::Array(self.clone()), other.into_operand())
    }
}
