//! Conversions between lane dtypes, by the rules of `Scalar::convert`.

use super::lanes::{Arg, Emitter, Form, Lane};
use cotangent_ir::{DType, Scalar};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use smallvec::smallvec;

impl Emitter<'_, '_> {
    /// Floats round to nearest, integers wrap, floats saturate into integers (NaN to 0), anything nonzero is true.
    pub(crate) fn convert(&mut self, form: Form, arg: &Arg, to: DType) -> Lane {
        let from = arg.dtype;
        if from == to {
            return arg.lane.clone();
        }
        if form.is_scalar() {
            return smallvec![self.convert_scalar(from, to, arg.lane[0])];
        }
        if let Some(mut lane) = self.convert_vector(form, from, to, &arg.lane) {
            // Widening gives both halves of a vector, of which a form of two lanes has only the first.
            lane.truncate(form.parts(to));
            return lane;
        }
        let arg = Arg { lane: arg.lane.clone(), dtype: from, constant: None };
        self.by_element(form, to, &[arg], |emitter, scalars| emitter.convert_scalar(from, to, scalars[0]))
    }

    /// The bits as a dtype of the same width. Integers of fewer than 32 bits are extended anew.
    pub(crate) fn bitcast(&mut self, form: Form, lane: &Lane, to: DType) -> Lane {
        let part = form.part(to);
        lane.iter()
            .map(|&value| {
                let bits = self.cast(part, value);
                self.wrap(to, bits)
            })
            .collect()
    }

    fn convert_scalar(&mut self, from: DType, to: DType, value: Value) -> Value {
        match (from, to) {
            (DType::F32, DType::F64) => self.builder.ins().fpromote(types::F64, value),
            (DType::F64, DType::F32) => self.builder.ins().fdemote(types::F32, value),
            (DType::F32 | DType::F64, DType::Bool) => {
                let ty = self.type_of(value);
                let zero = self.float_constant(ty, 0.0);
                self.builder.ins().fcmp(FloatCC::NotEqual, value, zero)
            }
            (DType::F32 | DType::F64, _) => self.float_to_int(to, value),
            (DType::Bool, _) => {
                let wide = if to.size() == 8 && to.is_int() { types::I64 } else { types::I32 };
                let number = self.builder.ins().uextend(wide, value);
                if to.is_float() { self.int_to_float(DType::I32, to, number) } else { number }
            }
            (_, DType::Bool) => {
                let ty = self.type_of(value);
                let zero = self.int_constant(ty, 0);
                self.builder.ins().icmp(IntCC::NotEqual, value, zero)
            }
            (_, DType::F32 | DType::F64) => self.int_to_float(from, to, value),
            _ => {
                let resized = match (from.size() == 8, to.size() == 8) {
                    (true, false) => self.builder.ins().ireduce(types::I32, value),
                    (false, true) if from.is_unsigned_int() => self.builder.ins().uextend(types::I64, value),
                    (false, true) => self.builder.ins().sextend(types::I64, value),
                    _ => value,
                };
                self.wrap(to, resized)
            }
        }
    }

    fn float_to_int(&mut self, to: DType, value: Value) -> Value {
        match to {
            DType::I64 => self.builder.ins().fcvt_to_sint_sat(types::I64, value),
            DType::U64 => self.builder.ins().fcvt_to_uint_sat(types::I64, value),
            DType::U32 => self.builder.ins().fcvt_to_uint_sat(types::I32, value),
            _ => {
                let wide = self.builder.ins().fcvt_to_sint_sat(types::I32, value);
                self.saturate(to, wide)
            }
        }
    }

    /// Clamps signed 32-bit lanes into the range of a narrower dtype.
    fn saturate(&mut self, to: DType, value: Value) -> Value {
        if to == DType::I32 {
            return value;
        }
        let ty = self.type_of(value);
        let low = self.int_constant(ty, Scalar::lowest(to).as_i128() as i64);
        let high = self.int_constant(ty, Scalar::highest(to).as_i128() as i64);
        let value = self.builder.ins().smax(value, low);
        self.builder.ins().smin(value, high)
    }

    fn int_to_float(&mut self, from: DType, to: DType, value: Value) -> Value {
        // 64-bit integers round to double first, as the rule for literals does.
        let ty = if from.size() == 8 || to == DType::F64 { types::F64 } else { types::F32 };
        let float = match from {
            DType::U32 | DType::U64 => self.builder.ins().fcvt_from_uint(ty, value),
            _ => self.builder.ins().fcvt_from_sint(ty, value),
        };
        if ty == types::F64 && to == DType::F32 { self.builder.ins().fdemote(types::F32, float) } else { float }
    }

    /// The conversions that vectors can do.
    fn convert_vector(&mut self, form: Form, from: DType, to: DType, lane: &Lane) -> Option<Lane> {
        let narrow_int = |dtype: DType| dtype.is_int() && dtype.size() <= 4;
        let wide_int = |dtype: DType| dtype.is_int() && dtype.size() == 8;
        Some(match (from, to) {
            (DType::Bool, _) => {
                let masks = if form.parts(to) == 2 { self.widen_mask(lane[0]) } else { lane.clone() };
                let one = self.literal(form, Scalar::one(to));
                masks.iter().zip(&one).map(|(&mask, &one)| self.masked(mask, one)).collect()
            }
            (_, DType::Bool) => {
                let zero = self.literal(form, Scalar::zero(from));
                let args = [
                    Arg { lane: lane.clone(), dtype: from, constant: None },
                    Arg { lane: zero, dtype: from, constant: None },
                ];
                self.op(form, cotangent_ir::kernel::LaneOp::Ne, DType::Bool, &args)
            }
            (DType::F32, DType::F64) => self.promote(lane[0]),
            (DType::F64, DType::F32) => smallvec![self.demote(lane[0], lane[1])],
            (DType::F32, DType::U32) => smallvec![self.builder.ins().fcvt_to_uint_sat(types::I32X4, lane[0])],
            (DType::F32, to) if narrow_int(to) => {
                let wide = self.builder.ins().fcvt_to_sint_sat(types::I32X4, lane[0]);
                smallvec![self.saturate(to, wide)]
            }
            (DType::U32, DType::F32) => smallvec![self.builder.ins().fcvt_from_uint(types::F32X4, lane[0])],
            (from, DType::F32) if narrow_int(from) => {
                smallvec![self.builder.ins().fcvt_from_sint(types::F32X4, lane[0])]
            }
            (from, DType::F64) if narrow_int(from) => {
                // Only the low half converts in one instruction; the high half is moved down first.
                let high = self.shuffle_lanes(lane[0], lane[0], &[2, 3, 2, 3]);
                [lane[0], high].into_iter().map(|half| self.low_half_to_double(from, half)).collect()
            }
            (from, to) if narrow_int(from) && narrow_int(to) => smallvec![self.wrap(to, lane[0])],
            (from, to) if narrow_int(from) && wide_int(to) => self.widen(from, lane[0]),
            (from, to) if wide_int(from) && narrow_int(to) => {
                let (low, high) = (self.cast(types::I32X4, lane[0]), self.cast(types::I32X4, lane[1]));
                let reduced = self.shuffle_lanes(low, high, &[0, 2, 4, 6]);
                smallvec![self.wrap(to, reduced)]
            }
            (from, to) if wide_int(from) && wide_int(to) => lane.clone(),
            _ => return None,
        })
    }

    /// The value where the mask holds, zero elsewhere.
    fn masked(&mut self, mask: Value, value: Value) -> Value {
        let ty = self.type_of(value);
        let bits = self.type_of(mask);
        let value = self.cast(bits, value);
        let masked = self.builder.ins().band(mask, value);
        self.cast(ty, masked)
    }

    fn widen(&mut self, from: DType, value: Value) -> Lane {
        if from.is_unsigned_int() {
            smallvec![self.builder.ins().uwiden_low(value), self.builder.ins().uwiden_high(value)]
        } else {
            smallvec![self.builder.ins().swiden_low(value), self.builder.ins().swiden_high(value)]
        }
    }

    fn low_half_to_double(&mut self, from: DType, value: Value) -> Value {
        if from == DType::U32 {
            let wide = self.builder.ins().uwiden_low(value);
            self.builder.ins().fcvt_from_uint(types::F64X2, wide)
        } else {
            let wide = self.builder.ins().swiden_low(value);
            self.builder.ins().fcvt_from_sint(types::F64X2, wide)
        }
    }

    /// Four floats as two vectors of doubles.
    pub(crate) fn promote(&mut self, value: Value) -> Lane {
        let high = self.shuffle_lanes(value, value, &[2, 3, 2, 3]);
        smallvec![self.builder.ins().fvpromote_low(value), self.builder.ins().fvpromote_low(high)]
    }

    /// Two vectors of doubles as four floats.
    pub(crate) fn demote(&mut self, low: Value, high: Value) -> Value {
        let (low, high) = (self.builder.ins().fvdemote(low), self.builder.ins().fvdemote(high));
        self.shuffle_lanes(low, high, &[0, 1, 4, 5])
    }
}
