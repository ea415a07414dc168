//! Bitwise operations on integers, which are the logical ones on bools.

use super::elementwise::{alike, by_ordered_kind};
use super::{Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, Types, refuse};
use crate::array::Array;
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::kernel::LaneOp;
use crate::lanes::{Lane, Lanes};
use crate::operand::{IntoOperand, Term, binary, unary};
use crate::scalar::Scalar;
use crate::types::Type;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&NOT, &AND, &OR, &XOR, &SHIFT_LEFT, &SHIFT_RIGHT_LOGICAL];

/// ~a
pub static NOT: Prim = Prim {
    name: "not",
    doc: "The complement of every bit; of bools, the negation.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| alike("not", xs, Dtypes::Bits),
    eval: Eval::Elementwise(|xs| match xs[0].dtype() {
        DType::Bool => Scalar::bool(!xs[0].as_bool()),
        dtype => Scalar::int(dtype, !xs[0].as_i128()),
    }),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::Not, xs)),
};

/// a & b
pub static AND: Prim = Prim {
    name: "and",
    doc: "The bits set in both operands; of bools, whether both are true.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| alike("and", xs, Dtypes::Bits),
    eval: Eval::Elementwise(|xs| by_bits(xs, |x| x[0] & x[1])),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::And, xs)),
};

/// a | b
pub static OR: Prim = Prim {
    name: "or",
    doc: "The bits set in either operand; of bools, whether either is true.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| alike("or", xs, Dtypes::Bits),
    eval: Eval::Elementwise(|xs| by_bits(xs, |x| x[0] | x[1])),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::Or, xs)),
};

/// a ^ b
pub static XOR: Prim = Prim {
    name: "xor",
    doc: "The bits set in one operand but not the other; of bools, whether they differ.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| alike("xor", xs, Dtypes::Bits),
    eval: Eval::Elementwise(|xs| by_bits(xs, |x| x[0] ^ x[1])),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::Xor, xs)),
};

/// a << b
pub static SHIFT_LEFT: Prim = Prim {
    name: "shift_left",
    doc: "The bits of the first operand moved up by the second; 0 where that is negative or not below the width.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Cases(shift_cases),
    infer: |xs, _| integers("shift_left", xs),
    eval: Eval::Elementwise(|xs| shifted(xs, |bits, by| bits << by)),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::Shl, xs)),
};

/// a >> b, filling with zeros.
pub static SHIFT_RIGHT_LOGICAL: Prim = Prim {
    name: "shift_right_logical",
    doc: "The bits of the first operand moved down by the second, filled with zeros; 0 where that is negative or not below the width.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Cases(shift_cases),
    infer: |xs, _| integers("shift_right_logical", xs),
    eval: Eval::Elementwise(|xs| shifted(xs, |bits, by| bits >> by)),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| lane(lanes, LaneOp::Shr, xs)),
};

fn lane(lanes: &mut Lanes<'_>, op: LaneOp, xs: &[Lane]) -> Lane {
    let nodes: Vec<_> = xs.iter().map(|x| x.real()).collect();
    Lane::Real(lanes.op(op, &nodes))
}

fn by_bits(xs: &[Scalar], int: fn(&[i128]) -> i128) -> Scalar {
    by_ordered_kind(xs, int, |_| crate::error::internal("bits of a float"))
}

/// Shifts the bits of the element's width, read as an unsigned number.
fn shifted(xs: &[Scalar], shift: fn(u128, u32) -> u128) -> Scalar {
    let dtype = xs[0].dtype();
    let width = 8 * dtype.size() as i128;
    let (bits, by) = (xs[0].as_i128() as u128 & ((1 << width) - 1), xs[1].as_i128());
    if (0..width).contains(&by) { Scalar::int(dtype, shift(bits, by as u32) as i128) } else { Scalar::zero(dtype) }
}

fn integers(operation: &str, operands: &[&Type]) -> Result<Types> {
    let dtype = operands[0].dtype;
    if !dtype.is_int() {
        let message = format!("takes integers, got {}; convert it with `astype(DType::I32)`", operands[0]);
        return refuse(ErrorKind::DType, operation, message);
    }
    alike(operation, operands, Dtypes::Bits)
}

fn shift_cases() -> Vec<Case> {
    [DType::I8, DType::I32, DType::U16, DType::U64]
        .into_iter()
        .map(|dtype| Case::new([Type::new(dtype, &[2, 3]), Type::new(dtype, &[2, 3])], Attrs::none()))
        .collect()
}

impl Array {
    /// Whether both are true, nonzero counting as true.
    #[track_caller]
    pub fn logical_and(&self, other: impl IntoOperand) -> Array {
        truths(&AND, self, other.into_operand())
    }

    /// Whether either is true, nonzero counting as true.
    #[track_caller]
    pub fn logical_or(&self, other: impl IntoOperand) -> Array {
        truths(&OR, self, other.into_operand())
    }

    /// Whether exactly one is true, nonzero counting as true.
    #[track_caller]
    pub fn logical_xor(&self, other: impl IntoOperand) -> Array {
        truths(&XOR, self, other.into_operand())
    }

    /// Whether an element is false or zero.
    #[track_caller]
    pub fn logical_not(&self) -> Array {
        unary(&NOT, Dtypes::Bits, &self.astype(DType::Bool))
    }

    /// The bits moved up by `bits`; 0 where that is negative or not below the width.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1i32, 3]).shift_left(4).to_vec::<i32>().unwrap(), [16, 48]);
    /// ```
    #[track_caller]
    pub fn shift_left(&self, bits: impl IntoOperand) -> Array {
        binary(&SHIFT_LEFT, Dtypes::Bits, Term::Array(self.clone()), bits.into_operand())
    }

    /// The bits moved down by `bits`, filled with zeros; 0 where that is negative or not below the width.
    #[track_caller]
    pub fn shift_right_logical(&self, bits: impl IntoOperand) -> Array {
        binary(&SHIFT_RIGHT_LOGICAL, Dtypes::Bits, Term::Array(self.clone()), bits.into_operand())
    }
}

#[track_caller]
fn truths(prim: &'static Prim, lhs: &Array, rhs: Term) -> Array {
    let rhs = match rhs {
        Term::Array(array) => Term::Array(array.astype(DType::Bool)),
        Term::Literal(value) => Term::Literal(value.convert(DType::Bool)),
    };
    binary(prim, Dtypes::Bits, Term::Array(lhs.astype(DType::Bool)), rhs)
}
