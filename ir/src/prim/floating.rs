//! Floats as they are stored: truncation, neighbours, signs, special values, and the bits themselves.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, Types, one, refuse};
use crate::array::{Array, apply1, fail};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::eval_kernel::bitcast;
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unary};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&TRUNC, &NEXTAFTER, &BITCAST];

/// The whole part.
pub static TRUNC: Prim = Prim {
    name: "trunc",
    doc: "The nearest whole number not larger in magnitude.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("trunc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| x[0].trunc())),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.op(LaneOp::Trunc, &[xs[0].real()]))),
};

/// The neighbour in a direction.
pub static NEXTAFTER: Prim = Prim {
    name: "nextafter",
    doc: "The next representable number from the first operand towards the second, which it is where both are equal.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("nextafter", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| match xs[0].dtype() {
        DType::F32 => {
            let next = libm::nextafterf(xs[0].as_f64() as f32, xs[1].as_f64() as f32);
            Scalar::real(DType::F32, next.into())
        }
        dtype => Scalar::real(dtype, libm::nextafter(xs[0].as_f64(), xs[1].as_f64())),
    }),
    // A number and its neighbour move together, whichever side that is on.
    jvp: Jvp::PerOperand(&[|_, t| t.clone(), |_, t| t.zeros_like()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(next_lane(lanes, xs[0].real(), xs[1].real()))),
};

/// The bits as another dtype.
pub static BITCAST: Prim = Prim {
    name: "bitcast",
    doc: "The bits of the elements, read as another dtype of the same width; neither may be bool or complex.",
    arity: Arity::Exactly(1),
    attrs: &[("dtype", AttrKind::DType)],
    domain: Domain::Cases(|| {
        let case = |(from, to)| Case::new([Type::new(from, &[2, 3])], Attrs::none().with("dtype", Attr::DType(to)));
        let stored = |dtype: DType| !dtype.is_bool() && !dtype.is_complex();
        let pairs = DType::ALL.into_iter().flat_map(|from| DType::ALL.map(|to| (from, to)));
        pairs
            .filter(|&(from, to)| from != to && stored(from) && stored(to) && from.size() == to.size())
            .map(case)
            .collect()
    }),
    infer: same_width,
    eval: Eval::Tensors(|xs, _, results| {
        let dtype = results[0].dtype;
        vec![Tensor::from_fn(results[0].clone(), |i| bitcast(xs[0].get(i), dtype))]
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| Lane::Real(lanes.bitcast(xs[0].real(), ty.dtype))),
};

fn same_width(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (from, to) = (operands[0].dtype, attrs.dtype("dtype"));
    let unfit = |dtype: DType| dtype.is_bool() || dtype.is_complex();
    if from == to || unfit(from) || unfit(to) || from.size() != to.size() {
        let message =
            format!("takes another integer or float as wide as {to}, got {}; convert it with `astype`", operands[0]);
        return refuse(ErrorKind::DType, "bitcast", message);
    }
    one(operands[0].with_dtype(to))
}

/// One unit more or less of the bits, which are ordered as the magnitudes are.
fn next_lane(lanes: &mut Lanes<'_>, x: NodeId, towards: NodeId) -> NodeId {
    let bits = lanes.bits(x);
    let (up, down) = (lanes.integer(bits, 1), lanes.integer(bits, -1));
    let (larger, smaller) = (lanes.add(bits, up), lanes.add(bits, down));
    let (larger, smaller) = (lanes.float(larger), lanes.float(smaller));
    let (size, size_towards) = (lanes.abs(x), lanes.abs(towards));
    // Away from 0 if the other is on the same side and farther out.
    let (rises, positive) = (lanes.less(x, towards), lanes.is_above(x, 0.0));
    let differ = lanes.op(LaneOp::Xor, &[rises, positive]);
    let value = lanes.choose(differ, smaller, larger);
    let least = lanes.integer(bits, 1);
    let least = lanes.float(least);
    let from_zero = lanes.with_sign(least, towards);
    let is_zero = lanes.is(size, 0.0);
    let value = lanes.choose(is_zero, from_zero, value);
    let same = lanes.equal(x, towards);
    let value = lanes.choose(same, towards, value);
    let unordered = lanes.add(size, size_towards);
    let is_nan = lanes.op(LaneOp::Ne, &[unordered, unordered]);
    lanes.choose(is_nan, unordered, value)
}

impl Array {
    /// The nearest whole number not larger in magnitude.
    #[track_caller]
    pub fn trunc(&self) -> Array {
        unary(&TRUNC, Dtypes::Floats, self)
    }

    /// The nearest whole number, the larger in magnitude of two; [`Array::round`] takes the even one.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([2.5f32, -0.5]).round_away().to_vec::<f32>().unwrap(), [3.0, -1.0]);
    /// ```
    #[track_caller]
    pub fn round_away(&self) -> Array {
        let whole = self.trunc();
        let farther = (self - &whole).abs().greater_equal(0.5);
        farther.select(&whole + Array::from(1.0f32).copysign(self), &whole)
    }

    /// The next representable number towards `other`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64]).nextafter(2.0).to_vec::<f64>().unwrap(), [1.0 + f64::EPSILON]);
    /// ```
    #[track_caller]
    pub fn nextafter(&self, other: impl IntoOperand) -> Array {
        binary(&NEXTAFTER, Dtypes::Floats, Term::Array(self.clone()), other.into_operand())
    }

    /// The bits of the elements, read as another dtype of the same width.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::from([1.0f32]).bitcast(DType::U32).to_vec::<u32>().unwrap(), [0x3f80_0000]);
    /// ```
    #[track_caller]
    pub fn bitcast(&self, dtype: DType) -> Array {
        match self.dtype() {
            Ok(have) if have == dtype => self.clone(),
            _ => apply1(&BITCAST, &[self], Attrs::none().with("dtype", Attr::DType(dtype))),
        }
    }

    /// Mantissas in [0.5, 1) and exponents of two, as i32: x = m 2^e. Zeros, infinities and NaN have the exponent 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (mantissa, exponent) = Array::from([8.0f32, 0.0]).frexp();
    /// assert_eq!(mantissa.to_vec::<f32>().unwrap(), [0.5, 0.0]);
    /// assert_eq!(exponent.to_vec::<i32>().unwrap(), [4, 0]);
    /// ```
    #[track_caller]
    pub fn frexp(&self) -> (Array, Array) {
        let dtype = match self.dtype() {
            Ok(dtype) if dtype.is_float() => dtype,
            Ok(dtype) if !dtype.is_complex() => return self.astype(DType::F32).frexp(),
            Ok(dtype) => {
                let message = format!("takes real numbers, got {dtype}; take `real()`, `imag()` or `abs()` of it");
                let error = fail(ErrorKind::DType, "frexp", message);
                return (error.clone(), error);
            }
            Err(_) => return (self.clone(), self.clone()),
        };
        // The least normal number, the digits of the significand, and the exponent of numbers in [0.5, 1).
        let (int, least, digits, below_one) = match dtype {
            DType::F64 => (DType::I64, f64::MIN_POSITIVE, 52i64, 1022i64),
            _ => (DType::I32, f32::MIN_POSITIVE.into(), 23, 126),
        };
        let denormal = self.abs().less(least);
        let shift = digits + 2;
        let bits = denormal.select(self * 2f64.powi(shift as i32), self).bitcast(int);
        let mask = 2 * below_one + 3;
        let exponent = bits.shift_right_logical(digits) & (mask as i32);
        let exponent = &exponent - below_one - denormal.select(shift, exponent.zeros_like());
        let cleared = bits & !Array::scalar(Scalar::int(int, i128::from(mask) << digits));
        let mantissa = (cleared | Array::scalar(Scalar::int(int, i128::from(below_one) << digits))).bitcast(dtype);
        let usual = self.is_finite().logical_and(self.not_equal(0));
        (usual.select(mantissa, self), usual.select(exponent.astype(DType::I32), 0))
    }

    /// Whether the sign bit is set, that of -0 and of NaN too; of integers, whether they are negative.
    #[track_caller]
    pub fn signbit(&self) -> Array {
        match self.dtype() {
            Ok(DType::F32) => self.bitcast(DType::I32).less(0),
            Ok(DType::F64) => self.bitcast(DType::I64).less(0),
            _ => self.less(0),
        }
    }

    /// The magnitude of `self` with the sign of `sign`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([2.0f32, -2.0]).copysign(-0.0).to_vec::<f32>().unwrap(), [-2.0, -2.0]);
    /// ```
    #[track_caller]
    pub fn copysign(&self, sign: impl IntoOperand) -> Array {
        let terms = [Term::Array(self.clone()), sign.into_operand()];
        match crate::operand::unify("copysign", Dtypes::Floats, &terms, None) {
            Ok(pair) => pair[0].signbit().not_equal(pair[1].signbit()).select(-&pair[0], &pair[0]),
            Err(error) => error,
        }
    }

    /// Whether an element is NaN, in either part if complex.
    #[track_caller]
    pub fn is_nan(&self) -> Array {
        self.not_equal(self)
    }

    /// Whether an element is infinite, in either part if complex.
    #[track_caller]
    pub fn is_inf(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if dtype.is_complex() => self.real().is_inf().logical_or(self.imag().is_inf()),
            Ok(dtype) if dtype.is_float() => self.abs().equal(f64::INFINITY),
            _ => self.not_equal(self),
        }
    }

    /// NaN as 0, infinities as the largest finite numbers, in both parts if complex.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([f32::NAN, f32::NEG_INFINITY, 1.0]);
    /// assert_eq!(x.nan_to_num().to_vec::<f32>().unwrap(), [0.0, f32::MIN, 1.0]);
    /// ```
    #[track_caller]
    pub fn nan_to_num(&self) -> Array {
        let limit = match self.dtype() {
            Ok(dtype) if dtype.is_complex() => {
                return Array::complex(self.real().nan_to_num(), self.imag().nan_to_num());
            }
            Ok(DType::F32) => f32::MAX.into(),
            Ok(DType::F64) => f64::MAX,
            _ => return self.clone(),
        };
        let known = self.is_nan().select(0, self);
        let below = known.equal(f64::INFINITY).select(limit, &known);
        known.equal(f64::NEG_INFINITY).select(-limit, below)
    }

    /// 0 for negative elements, 1 for positive ones, `at_zero` otherwise.
    #[track_caller]
    pub fn heaviside(&self, at_zero: impl IntoOperand) -> Array {
        let terms = [Term::Array(self.clone()), at_zero.into_operand()];
        match crate::operand::unify("heaviside", Dtypes::Floats, &terms, None) {
            Ok(pair) => pair[0].less(0).select(0, pair[0].greater(0).select(1, &pair[1])),
            Err(error) => error,
        }
    }

    /// The angle of complex numbers in [-pi, pi]; of reals 0 or pi.
    #[track_caller]
    pub fn angle(&self) -> Array {
        self.imag().atan2(self.real())
    }
}
