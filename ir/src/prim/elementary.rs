//! Elementary functions: roots, exponential and logarithm, circular and hyperbolic functions, real and complex.
//!
//! Complex functions are principal values; their lane lowerings are written on pairs of lanes from real elementary
//! functions, in forms that neither cancel nor overflow before the result does.

use super::elementwise::{alike, by_inexact_kind};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose};
use crate::array::Array;
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::unary;
use num_complex::Complex;

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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].sqrt(), |x| x[0].sqrt())),
    jvp: Jvp::PerOperand(&[|args, t| t * (0.5 / args.out)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.sqrt(x)),
        Lane::Complex(re, im) => sqrt_lanes(lanes, re, im).0,
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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| 1.0 / x[0].sqrt(), |x| 1.0 / x[0].sqrt())),
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
            let (root, modulus) = sqrt_lanes(lanes, re, im);
            let (re, im) = root.parts();
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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].ln(), |x| x[0].ln())),
    jvp: Jvp::PerOperand(&[|args, t| t / &args.xs[0]]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Log, &[x])),
        Lane::Complex(re, im) => log_lanes(lanes, re, im),
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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].sin(), |x| x[0].sin())),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].cos()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Sin, &[x])),
        // sin(a + ib) = sin a cosh b + i cos a sinh b.
        Lane::Complex(a, b) => {
            let (sin, cos) = (lanes.op(LaneOp::Sin, &[a]), lanes.op(LaneOp::Cos, &[a]));
            let (sinh, cosh) = hyperbolic(lanes, b);
            let (re, im) = (lanes.mul(sin, cosh), lanes.mul(cos, sinh));
            // On the imaginary axis also where cosh b is not finite.
            let zero = lanes.number(a, 0.0);
            let is_imaginary = lanes.op(LaneOp::Eq, &[a, zero]);
            Lane::Complex(lanes.op(LaneOp::Select, &[is_imaginary, a, re]), im)
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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].cos(), |x| x[0].cos())),
    jvp: Jvp::PerOperand(&[|args, t| -(t * args.xs[0].sin())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Cos, &[x])),
        // cos(a + ib) = cos a cosh b - i sin a sinh b.
        Lane::Complex(a, b) => {
            let (sin, cos) = (lanes.op(LaneOp::Sin, &[a]), lanes.op(LaneOp::Cos, &[a]));
            let (sinh, cosh) = hyperbolic(lanes, b);
            let (re, im) = (lanes.mul(cos, cosh), lanes.mul(sin, sinh));
            let im = lanes.neg(im);
            // On the imaginary axis the cosine is real also where sinh b is not finite.
            let zero = lanes.number(a, 0.0);
            let (is_imaginary, above) = (lanes.op(LaneOp::Eq, &[a, zero]), lanes.op(LaneOp::Lt, &[zero, b]));
            let opposite = lanes.neg(a);
            let signed_zero = lanes.op(LaneOp::Select, &[above, opposite, a]);
            let undefined = lanes.op(LaneOp::Ne, &[im, im]);
            let replaced = lanes.op(LaneOp::And, &[is_imaginary, undefined]);
            Lane::Complex(re, lanes.op(LaneOp::Select, &[replaced, signed_zero, im]))
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
    eval: Eval::Elementwise(|xs| by_inexact_kind(xs, |x| x[0].tanh(), |x| complex_tanh(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (1 - args.out.square())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Tanh, &[x])),
        Lane::Complex(re, im) => tanh_lanes(lanes, re, im),
    }),
};

/// The quotient of hyperbolic sine and cosine, which both overflow where it is long +-1.
fn complex_tanh(z: Complex<f64>) -> Complex<f64> {
    if z.re.abs() > 300.0 { Complex::new(z.re.signum(), 0.0) } else { z.tanh() }
}

/// sinh and cosh. sinh as tanh cosh does not cancel near 0.
fn hyperbolic(lanes: &mut Lanes<'_>, x: NodeId) -> (NodeId, NodeId) {
    let half = lanes.number(x, 0.5);
    let opposite = lanes.neg(x);
    let (up, down) = (lanes.op(LaneOp::Exp, &[x]), lanes.op(LaneOp::Exp, &[opposite]));
    let sum = lanes.add(up, down);
    let cosh = lanes.mul(half, sum);
    let tanh = lanes.op(LaneOp::Tanh, &[x]);
    (lanes.mul(tanh, cosh), cosh)
}

/// e^a (cos b + i sin b). Real numbers stay real also where e^a is infinite.
pub(super) fn exp_lanes(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> Lane {
    let size = lanes.op(LaneOp::Exp, &[a]);
    let (sin, cos) = (lanes.op(LaneOp::Sin, &[b]), lanes.op(LaneOp::Cos, &[b]));
    let (re, im) = (lanes.mul(size, cos), lanes.mul(size, sin));
    let zero = lanes.number(b, 0.0);
    let is_real = lanes.op(LaneOp::Eq, &[b, zero]);
    Lane::Complex(re, lanes.op(LaneOp::Select, &[is_real, b, im]))
}

/// log|z| + i arg z.
pub(super) fn log_lanes(lanes: &mut Lanes<'_>, re: NodeId, im: NodeId) -> Lane {
    let modulus = lanes.modulus(re, im);
    Lane::Complex(lanes.op(LaneOp::Log, &[modulus]), lanes.op(LaneOp::Atan2, &[im, re]))
}

/// The root and the modulus of the number. With r = sqrt((|a| + |z|) / 2), which does not cancel, one part of the root
/// is r up to sign and the other |b| / 2r.
fn sqrt_lanes(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> (Lane, NodeId) {
    let (half, zero, one) = (lanes.number(a, 0.5), lanes.number(a, 0.0), lanes.number(a, 1.0));
    let modulus = lanes.modulus(a, b);
    let (size_a, size_b) = (lanes.op(LaneOp::Abs, &[a]), lanes.op(LaneOp::Abs, &[b]));
    // Halved before they are added, so that the sum does not overflow.
    let (half_a, half_modulus) = (lanes.mul(half, size_a), lanes.mul(half, modulus));
    let mean = lanes.add(half_a, half_modulus);
    let large = lanes.sqrt(mean);
    let half_b = lanes.mul(half, size_b);
    let small = lanes.div(half_b, large);
    let at_zero = lanes.op(LaneOp::Eq, &[modulus, zero]);
    let small = lanes.op(LaneOp::Select, &[at_zero, zero, small]);
    let left = lanes.op(LaneOp::Lt, &[a, zero]);
    let re = lanes.op(LaneOp::Select, &[left, small, large]);
    let im = lanes.op(LaneOp::Select, &[left, large, small]);
    // The imaginary part has the sign of b, that of a negative zero too: below the branch cut the root is conjugate.
    let reciprocal = lanes.div(one, b);
    let (negative, negative_zero) = (lanes.op(LaneOp::Lt, &[b, zero]), lanes.op(LaneOp::Lt, &[reciprocal, zero]));
    let below = lanes.op(LaneOp::Or, &[negative, negative_zero]);
    let opposite = lanes.neg(im);
    let im = lanes.op(LaneOp::Select, &[below, opposite, im]);
    // An infinite imaginary part decides, whatever the real part is.
    let infinity = lanes.number(a, f64::INFINITY);
    let far = lanes.op(LaneOp::Eq, &[size_b, infinity]);
    let (re, im) = (lanes.op(LaneOp::Select, &[far, size_b, re]), lanes.op(LaneOp::Select, &[far, b, im]));
    (Lane::Complex(re, im), modulus)
}

/// (t + i sin b cos b u) / (t^2 + u cos^2 b) with t = tanh a, u = 1 / cosh^2 a: nothing overflows, and the denominator is
/// a sum of nonnegative terms. Real numbers stay real, and where a is infinite b does not matter.
fn tanh_lanes(lanes: &mut Lanes<'_>, a: NodeId, b: NodeId) -> Lane {
    let (sin, cos) = (lanes.op(LaneOp::Sin, &[b]), lanes.op(LaneOp::Cos, &[b]));
    let tanh = lanes.op(LaneOp::Tanh, &[a]);
    let (_, cosh) = hyperbolic(lanes, a);
    let one = lanes.number(a, 1.0);
    let sech = lanes.div(one, cosh);
    let scaled = lanes.mul(cos, sech);
    let (tanh_squared, scaled_squared) = (lanes.mul(tanh, tanh), lanes.mul(scaled, scaled));
    let denominator = lanes.add(tanh_squared, scaled_squared);
    let im = lanes.mul(sin, scaled);
    let im = lanes.mul(im, sech);
    let (re, im) = (lanes.div(tanh, denominator), lanes.div(im, denominator));
    let (zero, infinity) = (lanes.number(a, 0.0), lanes.number(a, f64::INFINITY));
    let size = lanes.op(LaneOp::Abs, &[a]);
    let far = lanes.op(LaneOp::Eq, &[size, infinity]);
    let undefined = lanes.op(LaneOp::Ne, &[im, im]);
    let vanishes = lanes.op(LaneOp::And, &[far, undefined]);
    let im = lanes.op(LaneOp::Select, &[vanishes, zero, im]);
    let is_real = lanes.op(LaneOp::Eq, &[b, zero]);
    Lane::Complex(lanes.op(LaneOp::Select, &[far, tanh, re]), lanes.op(LaneOp::Select, &[is_real, b, im]))
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

    /// The logistic function 1 / (1 + e^-x), by way of tanh(x / 2) so that neither it nor its tangent overflows.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([-200.0f32, 0.0]).sigmoid().to_vec::<f32>().unwrap(), [0.0, 0.5]);
    /// ```
    #[track_caller]
    pub fn sigmoid(&self) -> Array {
        0.5 * (0.5 * self).tanh() + 0.5
    }
}
