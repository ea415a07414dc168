//! Counting bits, the shift that keeps the sign, and the divisions that round down.

use super::elementwise::alike;
use super::{Arity, Batch, Case, Domain, Dtypes, Eval, Jvp, Lower, Prim, Transpose, Types, refuse};
use crate::array::Array;
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::kernel::{LaneOp, NodeId};
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unary, unify};
use crate::scalar::Scalar;
use crate::types::Type;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&POPULATION_COUNT, &CLZ, &SHIFT_RIGHT_ARITHMETIC];

/// The number of bits that are set.
pub static POPULATION_COUNT: Prim = Prim {
    name: "population_count",
    doc: "The number of bits set in an integer.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Cases(|| cases(1)),
    infer: |xs, _| integers("population_count", xs),
    eval: Eval::Elementwise(|xs| Scalar::int(xs[0].dtype(), bits(xs[0]).count_ones().into())),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| {
        let bits = lanes.bitcast(xs[0].real(), unsigned(ty.dtype));
        let count = population_count(lanes, bits);
        Lane::Real(lanes.bitcast(count, ty.dtype))
    }),
};

/// The number of zeros before the first bit that is set.
pub static CLZ: Prim = Prim {
    name: "clz",
    doc: "The number of zero bits above the highest bit set in an integer; all of them for 0.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Cases(|| cases(1)),
    infer: |xs, _| integers("clz", xs),
    eval: Eval::Elementwise(|xs| {
        let width = 8 * xs[0].dtype().size() as i128;
        Scalar::int(xs[0].dtype(), width - 128 + i128::from(bits(xs[0]).leading_zeros()))
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, ty, _| {
        // Every bit below the highest one is set, and those that are not are counted.
        let mut bits = lanes.bitcast(xs[0].real(), unsigned(ty.dtype));
        let width = 8 * ty.dtype.size() as i64;
        let mut step = 1;
        while step < width {
            let moved = shifted(lanes, bits, step);
            bits = lanes.or(bits, moved);
            step *= 2;
        }
        let rest = lanes.op(LaneOp::Not, &[bits]);
        let count = population_count(lanes, rest);
        Lane::Real(lanes.bitcast(count, ty.dtype))
    }),
};

/// a >> b, filling with copies of the highest bit.
pub static SHIFT_RIGHT_ARITHMETIC: Prim = Prim {
    name: "shift_right_arithmetic",
    doc: "The bits of the first operand moved down by the second, filled with copies of the highest; nothing but these where that is negative or not below the width.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Cases(|| cases(2)),
    infer: |xs, _| integers("shift_right_arithmetic", xs),
    eval: Eval::Elementwise(|xs| {
        let dtype = xs[0].dtype();
        let width = 8 * dtype.size() as i128;
        let by = xs[1].as_i128();
        let by = if (0..width).contains(&by) { by } else { width - 1 };
        Scalar::int(dtype, xs[0].convert(signed(dtype)).as_i128() >> by)
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    // Of a negative number the complement is moved and complemented again: zeros come in, and become ones.
    lower: Lower::Lanes(|lanes, xs, ty, _| {
        let (x, by) = (lanes.bitcast(xs[0].real(), signed(ty.dtype)), lanes.bitcast(xs[1].real(), signed(ty.dtype)));
        let zero = lanes.integer(x, 0);
        let negative = lanes.less(x, zero);
        let complement = lanes.op(LaneOp::Not, &[x]);
        let moved = lanes.choose(negative, complement, x);
        let moved = lanes.op(LaneOp::Shr, &[moved, by]);
        let complement = lanes.op(LaneOp::Not, &[moved]);
        let value = lanes.choose(negative, complement, moved);
        Lane::Real(lanes.bitcast(value, ty.dtype))
    }),
};

/// The bits of an integer, without copies of its sign above them.
fn bits(x: Scalar) -> u128 {
    x.as_i128() as u128 & ((1 << (8 * x.dtype().size())) - 1)
}

/// The unsigned integer of the same width.
fn unsigned(dtype: DType) -> DType {
    match dtype.size() {
        1 => DType::U8,
        2 => DType::U16,
        4 => DType::U32,
        _ => DType::U64,
    }
}

/// The signed integer of the same width.
fn signed(dtype: DType) -> DType {
    match dtype.size() {
        1 => DType::I8,
        2 => DType::I16,
        4 => DType::I32,
        _ => DType::I64,
    }
}

fn shifted(lanes: &mut Lanes<'_>, bits: NodeId, places: i64) -> NodeId {
    let places = lanes.integer(bits, places);
    lanes.op(LaneOp::Shr, &[bits, places])
}

/// Sums of two bits, of four, of eight, and of all by a product whose highest byte is the sum of the bytes.
fn population_count(lanes: &mut Lanes<'_>, bits: NodeId) -> NodeId {
    let width = 8 * lanes.dtype(bits).size() as i64;
    let (odd, pairs) = (lanes.integer(bits, 0x5555_5555_5555_5555), lanes.integer(bits, 0x3333_3333_3333_3333));
    let (nibbles, ones) = (lanes.integer(bits, 0x0f0f_0f0f_0f0f_0f0f), lanes.integer(bits, 0x0101_0101_0101_0101));
    let halves = shifted(lanes, bits, 1);
    let halves = lanes.and(halves, odd);
    let sums = lanes.sub(bits, halves);
    let (low, high) = (lanes.and(sums, pairs), shifted(lanes, sums, 2));
    let high = lanes.and(high, pairs);
    let sums = lanes.add(low, high);
    let high = shifted(lanes, sums, 4);
    let sums = lanes.add(sums, high);
    let sums = lanes.and(sums, nibbles);
    let total = lanes.mul(sums, ones);
    shifted(lanes, total, width - 8)
}

fn integers(operation: &str, operands: &[&Type]) -> Result<Types> {
    let dtype = operands[0].dtype;
    if !dtype.is_int() {
        let message = format!("takes integers, got {}; convert it with `astype(DType::I32)`", operands[0]);
        return refuse(ErrorKind::DType, operation, message);
    }
    alike(operation, operands, Dtypes::Bits)
}

fn cases(arity: usize) -> Vec<Case> {
    let integers = DType::ALL.into_iter().filter(|dtype| dtype.is_int());
    integers.map(|dtype| Case::new(vec![Type::new(dtype, &[2, 3]); arity], Attrs::none())).collect()
}

impl Array {
    /// The number of bits set in an integer.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([7i32, -1]).population_count().to_vec::<i32>().unwrap(), [3, 32]);
    /// ```
    #[track_caller]
    pub fn population_count(&self) -> Array {
        unary(&POPULATION_COUNT, Dtypes::Bits, self)
    }

    /// The number of zero bits above the highest bit set in an integer.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1i32, 0]).clz().to_vec::<i32>().unwrap(), [31, 32]);
    /// ```
    #[track_caller]
    pub fn clz(&self) -> Array {
        unary(&CLZ, Dtypes::Bits, self)
    }

    /// The bits moved down by `bits`, filled with copies of the highest.
    #[track_caller]
    pub fn shift_right_arithmetic(&self, bits: impl IntoOperand) -> Array {
        binary(&SHIFT_RIGHT_ARITHMETIC, Dtypes::Bits, Term::Array(self.clone()), bits.into_operand())
    }

    /// The remainder with the sign of the dividend, as C's `fmod`; [`Array::remainder`] takes the divisor's.
    #[track_caller]
    pub fn fmod(&self, other: impl IntoOperand) -> Array {
        self.rem(other)
    }

    /// The remainder with the sign of the divisor, as numpy's `mod`. An integer modulo zero is 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([7i32, -7]).remainder(3).to_vec::<i32>().unwrap(), [1, 2]);
    /// ```
    #[track_caller]
    pub fn remainder(&self, other: impl IntoOperand) -> Array {
        self.divmod(other).1
    }

    /// The greatest whole number not above the quotient, as numpy's `floor_divide`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([7.0f32, -7.0]).floor_divide(2).to_vec::<f32>().unwrap(), [3.0, -4.0]);
    /// ```
    #[track_caller]
    pub fn floor_divide(&self, other: impl IntoOperand) -> Array {
        self.divmod(other).0
    }

    /// [`Array::floor_divide`] and [`Array::remainder`]. Quotients of integers by zero have no meaning, but a value.
    #[track_caller]
    pub fn divmod(&self, other: impl IntoOperand) -> (Array, Array) {
        let terms = [Term::Array(self.clone()), other.into_operand()];
        let pair = match unify("divmod", Dtypes::Reals, &terms, None) {
            Ok(pair) => pair,
            Err(error) => return (error.clone(), error),
        };
        let (a, b) = (&pair[0], &pair[1]);
        let rest = a.rem(b);
        let has_rest = rest.not_equal(0);
        if a.dtype().is_ok_and(DType::is_float) {
            let lowered = has_rest.logical_and(rest.sign().not_equal(b.sign()));
            let quotient = (a - &rest) / b;
            let quotient = lowered.select(&quotient - 1, &quotient).round();
            return (quotient, lowered.select(&rest + b, &rest));
        }
        let by_zero = b.equal(0);
        let quotient = a / b;
        if a.dtype().is_ok_and(DType::is_unsigned_int) {
            return (quotient, by_zero.select(0, rest));
        }
        let lowered = has_rest.logical_and(a.sign().not_equal(b.sign()));
        let remainder = by_zero.select(0, lowered.select(&rest + b, &rest));
        (lowered.select(&quotient - 1, &quotient), remainder)
    }
}
