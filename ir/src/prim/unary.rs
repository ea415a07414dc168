//! Arithmetic of one array: signs, powers with a static exponent, rounding, conversion.

use super::elementwise::{alike, by_float, by_kind};
use super::{
    Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Operand, Prim, Transpose, Types, one, refuse,
};
use crate::array::{Array, apply1};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::unary;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::types::Type;
use num_complex::Complex;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&NEG, &ABS, &SIGN, &SQUARE, &INTEGER_POW, &FLOOR, &CEIL, &ROUND, &IS_FINITE, &CONVERT];

/// -x.
pub static NEG: Prim = Prim {
    name: "neg",
    doc: "The negative; unsigned integers wrap.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| alike("neg", xs, Dtypes::Numbers),
    eval: Eval::Elementwise(|xs| by_kind(xs, |x| -x[0], |x| -x[0], |x| -x[0])),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| vec![Some(-args.ct())]),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Complex(re, im) => Lane::Complex(lanes.neg(re), lanes.neg(im)),
        Lane::Real(x) => Lane::Real(lanes.neg(x)),
    }),
};

/// |x|.
pub static ABS: Prim = Prim {
    name: "abs",
    doc: "The absolute value; of complex numbers the modulus, which is real. At 0 the derivative is that from above, 1, and \
          of complex numbers 0.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| {
        alike("abs", xs, Dtypes::Numbers)?;
        one(xs[0].with_dtype(xs[0].dtype.real()))
    },
    eval: Eval::Elementwise(|xs| match xs[0].number() {
        Number::Complex(x) => Scalar::real(DType::F64, x.norm()),
        _ => by_kind(xs, |x| x[0].abs(), |x| x[0].abs(), |x| x[0]),
    }),
    jvp: Jvp::PerOperand(&[|args, t| {
        let x = &args.xs[0];
        match x.dtype() {
            // The derivative along t is Re(conj(x) t) / |x|.
            Ok(dtype) if dtype.is_complex() => {
                let length = args.out.equal(0).select(1, args.out);
                t.real() * (x.real() / &length) + t.imag() * (x.imag() / &length)
            }
            _ => x.greater_equal(0).select(t, -t),
        }
    }]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Complex(re, im) => Lane::Real(lanes.modulus(re, im)),
        Lane::Real(x) if lanes.dtype(x).is_unsigned_int() => Lane::Real(x),
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Abs, &[x])),
    }),
};

/// x / |x|.
pub static SIGN: Prim = Prim {
    name: "sign",
    doc: "-1, 0 or 1 by the sign; of complex numbers x / |x|, and 0 at 0. NaN stays NaN.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| alike("sign", xs, Dtypes::Numbers),
    eval: Eval::Elementwise(|xs| {
        by_kind(
            xs,
            |x| x[0].signum(),
            |x| if x[0] == 0.0 || x[0].is_nan() { x[0] } else { x[0].signum() },
            |x| if x[0].norm() == 0.0 { Complex::ZERO } else { x[0] / x[0].norm() },
        )
    }),
    jvp: Jvp::Whole(|prim, xs, tangents, attrs| {
        let x = &xs[0];
        let out = apply1(prim, &[x], attrs.clone());
        // Only turning a complex number changes its sign: with s = x / |x|, the tangent is i s Im(conj(s) t) / |x|.
        let tangent = tangents[0].as_ref().filter(|_| x.dtype().is_ok_and(DType::is_complex)).map(|t| {
            let length = x.abs();
            let length = length.equal(0).select(1, length);
            let turn = (out.conj() * t).imag() / length;
            Array::complex(-(out.imag() * &turn), out.real() * &turn)
        });
        (vec![out], vec![tangent])
    }),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| match xs[0] {
        Lane::Complex(re, im) => {
            let length = lanes.modulus(re, im);
            let (zero, one) = (lanes.number(re, 0.0), lanes.number(re, 1.0));
            let is_zero = lanes.op(LaneOp::Eq, &[length, zero]);
            let length = lanes.op(LaneOp::Select, &[is_zero, one, length]);
            Lane::Complex(lanes.div(re, length), lanes.div(im, length))
        }
        Lane::Real(x) if lanes.dtype(x).is_unsigned_int() => {
            let one = lanes.number(x, 1.0);
            Lane::Real(lanes.op(LaneOp::Min, &[x, one]))
        }
        Lane::Real(x) => Lane::Real(lanes.op(LaneOp::Sign, &[x])),
    }),
};

/// x x.
pub static SQUARE: Prim = Prim {
    name: "square",
    doc: "The product of an array with itself, without conjugation.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Numbers),
    infer: |xs, _| alike("square", xs, Dtypes::Numbers),
    eval: Eval::Elementwise(|xs| by_kind(xs, |x| x[0].wrapping_mul(x[0]), |x| x[0] * x[0], |x| x[0] * x[0])),
    jvp: Jvp::PerOperand(&[|args, t| t * (2 * &args.xs[0])]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lanes.mul_lanes(xs[0], xs[0])),
};

/// x^n.
pub static INTEGER_POW: Prim = Prim {
    name: "integer_pow",
    doc: "x to a static whole power by repeated multiplication; negative powers, of inexact dtypes only, by reciprocal.",
    arity: Arity::Exactly(1),
    attrs: &[("exponent", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let exponents =
            [(DType::I32, 5), (DType::F64, 3), (DType::F64, 0), (DType::F64, -2), (DType::C128, 3), (DType::C128, -1)];
        let case =
            |(dtype, exponent)| Case::new([Type::new(dtype, &[2, 3])], Attrs::none().with_int("exponent", exponent));
        exponents.into_iter().map(case).collect()
    }),
    infer: |xs, attrs| {
        let exponent = attrs.int("exponent");
        if i32::try_from(exponent).is_err() {
            let message = format!("takes an exponent that fits i32, got {exponent}; use `pow` with an array");
            return refuse(ErrorKind::Argument, "integer_pow", message);
        }
        if exponent < 0 && !xs[0].dtype.is_inexact() {
            let message = format!(
                "integers have no power {exponent}, got {}; convert it with `astype(DType::F32)` or use `reciprocal`",
                xs[0]
            );
            return refuse(ErrorKind::DType, "integer_pow", message);
        }
        alike("integer_pow", xs, Dtypes::Numbers)
    },
    eval: Eval::Tensors(|xs, attrs, types| {
        let exponent = attrs.int("exponent") as i32;
        let power = |x: Scalar| match x.number() {
            Number::Int(x) => Number::Int((0..exponent).fold(1i128, |power, _| power.wrapping_mul(x))),
            Number::Float(x) => Number::Float(x.powi(exponent)),
            Number::Complex(x) => Number::Complex(x.powi(exponent)),
        };
        let dtype = types[0].dtype;
        vec![Tensor::from_fn(types[0].clone(), |position| Scalar::new(dtype, power(xs[0].get(position))))]
    }),
    jvp: Jvp::PerOperand(&[|args, t| match args.attrs.int("exponent") as i32 {
        0 => t.zeros_like(),
        exponent => t * (f64::from(exponent) * args.xs[0].powi(exponent - 1)),
    }]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, attrs| {
        let exponent = attrs.int("exponent");
        let one = constant_lane(lanes, xs[0], 1.0);
        let mut power = None;
        let mut factor = xs[0];
        let mut rest = exponent.unsigned_abs();
        while rest > 0 {
            if rest & 1 == 1 {
                power = Some(power.map_or(factor, |power| lanes.mul_lanes(power, factor)));
            }
            rest >>= 1;
            if rest > 0 {
                factor = lanes.mul_lanes(factor, factor);
            }
        }
        let power = power.unwrap_or(one);
        match (one, power) {
            _ if exponent >= 0 => power,
            (Lane::Complex(re, im), Lane::Complex(c, d)) => super::binary::divide_lanes(lanes, (re, im), (c, d)),
            (one, power) => Lane::Real(lanes.div(one.real(), power.real())),
        }
    }),
};

/// The greatest whole number not above.
pub static FLOOR: Prim = Prim {
    name: "floor",
    doc: "The greatest whole number not above an element.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("floor", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].floor())),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.op(LaneOp::Floor, &[xs[0].real()]))),
};

/// The least whole number not below.
pub static CEIL: Prim = Prim {
    name: "ceil",
    doc: "The least whole number not below an element.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("ceil", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].ceil())),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.op(LaneOp::Ceil, &[xs[0].real()]))),
};

/// The nearest whole number.
pub static ROUND: Prim = Prim {
    name: "round",
    doc: "The nearest whole number, the even one of two.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("round", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].round_ties_even())),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.op(LaneOp::Round, &[xs[0].real()]))),
};

/// Neither infinite nor NaN.
pub static IS_FINITE: Prim = Prim {
    name: "is_finite",
    doc: "Whether an element is neither infinite nor NaN, in both parts if complex.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Inexact),
    infer: |xs, _| {
        alike("is_finite", xs, Dtypes::Inexact)?;
        one(xs[0].with_dtype(DType::Bool))
    },
    eval: Eval::Elementwise(|xs| {
        let finite = |x: Complex<f64>| x.re.is_finite() && x.im.is_finite();
        Scalar::bool(finite(xs[0].as_complex()))
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let mut finite = |x: NodeId| {
            let size = lanes.op(LaneOp::Abs, &[x]);
            let infinity = lanes.number(x, f64::INFINITY);
            lanes.op(LaneOp::Lt, &[size, infinity])
        };
        Lane::Real(match xs[0] {
            Lane::Real(x) => finite(x),
            Lane::Complex(re, im) => {
                let (re, im) = (finite(re), finite(im));
                lanes.op(LaneOp::And, &[re, im])
            }
        })
    }),
};

/// Another dtype.
pub static CONVERT: Prim = Prim {
    name: "convert",
    doc: "The elements in another dtype: floats round, integers wrap, floats saturate into integers, imaginary parts go.",
    arity: Arity::Exactly(1),
    attrs: &[("dtype", AttrKind::DType)],
    domain: Domain::Cases(|| {
        let case = |(from, to)| Case::new([Type::new(from, &[2, 3])], Attrs::none().with("dtype", Attr::DType(to)));
        DType::ALL.into_iter().flat_map(|from| DType::ALL.map(|to| (from, to))).map(case).collect()
    }),
    infer: converted,
    // The interpreter converts every result to its dtype.
    eval: Eval::Elementwise(|xs| xs[0]),
    jvp: Jvp::Whole(|prim, xs, tangents, attrs| {
        let out = apply1(prim, &[&xs[0]], attrs.clone());
        let to = attrs.dtype("dtype");
        let tangent = tangents[0].as_ref().filter(|_| to.is_inexact()).map(|t| t.astype(to));
        (vec![out], vec![tangent])
    }),
    transpose: Transpose::Rule(|args| match &args.xs[0] {
        // Of a conversion to complex: the real part, because the pairing is Re(sum of products).
        Operand::Linear(ty) => vec![Some(args.ct().astype(ty.dtype))],
        Operand::Known(_) => vec![None],
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| match (xs[0], ty.dtype) {
        (Lane::Complex(re, im), DType::Bool) => {
            let (re, im) = (lanes.convert(re, DType::Bool), lanes.convert(im, DType::Bool));
            Lane::Real(lanes.op(LaneOp::Or, &[re, im]))
        }
        (Lane::Complex(re, im), to) if to.is_complex() => {
            Lane::Complex(lanes.convert(re, to.real()), lanes.convert(im, to.real()))
        }
        (Lane::Complex(re, _), to) => Lane::Real(lanes.convert(re, to)),
        (Lane::Real(x), to) if to.is_complex() => {
            let re = lanes.convert(x, to.real());
            Lane::Complex(re, lanes.number(re, 0.0))
        }
        (Lane::Real(x), to) => Lane::Real(lanes.convert(x, to)),
    }),
};

fn converted(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    one(operands[0].with_dtype(attrs.dtype("dtype")))
}

/// A real literal of the dtype of `like`, with imaginary part 0 where that is complex.
fn constant_lane(lanes: &mut Lanes<'_>, like: Lane, value: f64) -> Lane {
    match like {
        Lane::Real(x) => Lane::Real(lanes.number(x, value)),
        Lane::Complex(re, _) => Lane::Complex(lanes.number(re, value), lanes.number(re, 0.0)),
    }
}

impl Array {
    /// The absolute value; of complex numbers the modulus, which is real.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// use num_complex::Complex;
    /// assert_eq!(Array::from([Complex::new(3.0f32, 4.0)]).abs().to_vec::<f32>().unwrap(), [5.0]);
    /// ```
    #[track_caller]
    pub fn abs(&self) -> Array {
        apply1(&ABS, &[self], Attrs::none())
    }

    /// The squared modulus, which is real, without a square root on the way.
    #[track_caller]
    pub fn abs2(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if dtype.is_complex() => self.real().square() + self.imag().square(),
            _ => self.square(),
        }
    }

    /// -1, 0 or 1 by the sign; of complex numbers x / |x|, and 0 at 0.
    #[track_caller]
    pub fn sign(&self) -> Array {
        apply1(&SIGN, &[self], Attrs::none())
    }

    /// x x, without conjugation; see [`Array::abs2`] for the squared modulus.
    #[track_caller]
    pub fn square(&self) -> Array {
        apply1(&SQUARE, &[self], Attrs::none())
    }

    /// x to a whole power by repeated multiplication. Integers have no negative powers.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([2.0f32, -1.0]).powi(-3).to_vec::<f32>().unwrap(), [0.125, -1.0]);
    /// ```
    #[track_caller]
    pub fn powi(&self, exponent: i32) -> Array {
        match exponent {
            1 => self.clone(),
            2 => self.square(),
            _ => apply1(&INTEGER_POW, &[self], Attrs::none().with_int("exponent", exponent.into())),
        }
    }

    /// The greatest whole number not above.
    #[track_caller]
    pub fn floor(&self) -> Array {
        unary(&FLOOR, Dtypes::Floats, self)
    }

    /// The least whole number not below.
    #[track_caller]
    pub fn ceil(&self) -> Array {
        unary(&CEIL, Dtypes::Floats, self)
    }

    /// The nearest whole number, the even one of two.
    #[track_caller]
    pub fn round(&self) -> Array {
        unary(&ROUND, Dtypes::Floats, self)
    }

    /// Whether an element is neither infinite nor NaN; integers always are.
    #[track_caller]
    pub fn is_finite(&self) -> Array {
        unary(&IS_FINITE, Dtypes::Inexact, self)
    }

    /// The elements in another dtype. Floats round to nearest, integers wrap, floats saturate into integers (NaN to 0),
    /// complex numbers lose their imaginary part where `dtype` is real, anything nonzero is true.
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Array {
        match self.dtype() {
            Ok(have) if have == dtype => self.clone(),
            _ => apply1(&CONVERT, &[self], Attrs::none().with("dtype", Attr::DType(dtype))),
        }
    }
}
