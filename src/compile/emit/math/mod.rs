//! Elementary functions as lane code, for single floats and doubles and for vectors of them.
//!
//! Each function reduces its argument to a small range, evaluates a polynomial there (minimax, fitted with a Remez
//! exchange in 240-bit arithmetic) and scales the result back; the error stays below 2 units in the last place over the
//! whole range, infinities, NaN and denormal numbers included. The same operations are written for every type, so that
//! an element has the same value in a vector and alone. No function branches, except that sine and cosine leave arguments
//! too large for their reduction to the platform.

mod angle;
mod exponential;
mod logarithm;
mod power;
mod trigonometric;

use super::lanes::Emitter;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

/// e^a.
pub(crate) fn exp(emitter: &mut Emitter<'_, '_>, a: Value) -> Value {
    exponential::exp(&mut Math::new(emitter, a), a)
}

/// The hyperbolic tangent of a.
pub(crate) fn tanh(emitter: &mut Emitter<'_, '_>, a: Value) -> Value {
    exponential::tanh(&mut Math::new(emitter, a), a)
}

/// The natural logarithm of a.
pub(crate) fn log(emitter: &mut Emitter<'_, '_>, a: Value) -> Value {
    logarithm::log(&mut Math::new(emitter, a), a)
}

/// The sine of a.
pub(crate) fn sin(emitter: &mut Emitter<'_, '_>, a: Value) -> Value {
    trigonometric::sin(emitter, a)
}

/// The cosine of a.
pub(crate) fn cos(emitter: &mut Emitter<'_, '_>, a: Value) -> Value {
    trigonometric::cos(emitter, a)
}

pub(crate) use trigonometric::define_large;

/// a^b.
pub(crate) fn pow(emitter: &mut Emitter<'_, '_>, a: Value, b: Value) -> Value {
    power::pow(emitter, a, b)
}

/// The angle of the point (b, a), in (-pi, pi].
pub(crate) fn atan2(emitter: &mut Emitter<'_, '_>, a: Value, b: Value) -> Value {
    angle::atan2(&mut Math::new(emitter, a), a, b)
}

/// Arithmetic on values of one float type and on integers of the same shape.
struct Math<'e, 'f, 'm> {
    emitter: &'e mut Emitter<'f, 'm>,
    /// The float type: a float, a double, or a vector of them.
    ty: Type,
}

impl<'e, 'f, 'm> Math<'e, 'f, 'm> {
    /// Arithmetic on values of the type of `like`.
    fn new(emitter: &'e mut Emitter<'f, 'm>, like: Value) -> Math<'e, 'f, 'm> {
        let ty = emitter.type_of(like);
        Math { emitter, ty }
    }

    /// Whether the type is of doubles.
    fn double(&self) -> bool {
        self.ty.lane_type() == types::F64
    }

    fn number(&mut self, value: f64) -> Value {
        self.emitter.float_constant(self.ty, value)
    }

    fn integer(&mut self, value: i64) -> Value {
        self.emitter.int_constant(self.ty.as_int(), value)
    }

    fn add(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().fadd(a, b)
    }

    fn sub(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().fsub(a, b)
    }

    fn mul(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().fmul(a, b)
    }

    fn div(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().fdiv(a, b)
    }

    fn neg(&mut self, a: Value) -> Value {
        self.emitter.builder.ins().fneg(a)
    }

    fn abs(&mut self, a: Value) -> Value {
        self.emitter.builder.ins().fabs(a)
    }

    /// a * b + c.
    fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.emitter.has_fma {
            return self.emitter.builder.ins().fma(a, b, c);
        }
        let product = self.mul(a, b);
        self.add(product, c)
    }

    /// c - a * b.
    fn fnma(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.emitter.has_fma {
            let a = self.neg(a);
            return self.emitter.builder.ins().fma(a, b, c);
        }
        let product = self.mul(a, b);
        self.sub(c, product)
    }

    /// a * b and what its rounding leaves out.
    fn product(&mut self, a: Value, b: Value) -> (Value, Value) {
        let high = self.mul(a, b);
        if self.emitter.has_fma {
            let negated = self.neg(high);
            return (high, self.emitter.builder.ins().fma(a, b, negated));
        }
        let ((a1, a0), (b1, b0)) = (self.halves(a), self.halves(b));
        let (p11, p10, p01, p00) = (self.mul(a1, b1), self.mul(a1, b0), self.mul(a0, b1), self.mul(a0, b0));
        let mut low = self.sub(p11, high);
        for part in [p10, p01, p00] {
            low = self.add(low, part);
        }
        (high, low)
    }

    /// A number as the sum of two with half its digits each, by cutting the lower bits off.
    fn halves(&mut self, a: Value) -> (Value, Value) {
        let bits = self.bits(a);
        let mask = self.integer(if self.double() { !0x07ff_ffff } else { !0x0fff });
        let high = self.emitter.builder.ins().band(bits, mask);
        let high = self.float(high);
        (high, self.sub(a, high))
    }

    /// a + b and what its rounding leaves out, where |a| >= |b|.
    fn quick_sum(&mut self, a: Value, b: Value) -> (Value, Value) {
        let sum = self.add(a, b);
        let taken = self.sub(sum, a);
        (sum, self.sub(b, taken))
    }

    /// a + b and what its rounding leaves out.
    fn sum(&mut self, a: Value, b: Value) -> (Value, Value) {
        let sum = self.add(a, b);
        let of_b = self.sub(sum, a);
        let of_a = self.sub(sum, of_b);
        let (rest_a, rest_b) = (self.sub(a, of_a), self.sub(b, of_b));
        (sum, self.add(rest_a, rest_b))
    }

    /// A polynomial by Horner's rule, the coefficient of the highest power first.
    fn polynomial(&mut self, x: Value, coefficients: &[f64]) -> Value {
        let mut value = self.number(coefficients[0]);
        for &coefficient in &coefficients[1..] {
            let coefficient = self.number(coefficient);
            value = self.fma(value, x, coefficient);
        }
        value
    }

    /// The nearest integer of a small number, as a float and in the low bits of an integer: adding 1.5 times the power of
    /// two whose last place is one rounds, and leaves the integer in the lowest bits.
    fn nearest(&mut self, a: Value, factor: f64) -> (Value, Value) {
        let shifter = if self.double() { 6755399441055744.0 } else { 12582912.0 };
        let (shifter, factor) = (self.number(shifter), self.number(factor));
        let shifted = self.fma(a, factor, shifter);
        let float = self.sub(shifted, shifter);
        let (shifted, shifter) = (self.bits(shifted), self.bits(shifter));
        (float, self.emitter.builder.ins().isub(shifted, shifter))
    }

    /// The bits of a float.
    fn bits(&mut self, a: Value) -> Value {
        self.emitter.cast(self.ty.as_int(), a)
    }

    /// The float of bits.
    fn float(&mut self, bits: Value) -> Value {
        self.emitter.cast(self.ty, bits)
    }

    fn shift_left(&mut self, a: Value, amount: i64) -> Value {
        let amount = self.emitter.builder.ins().iconst(types::I32, amount);
        self.emitter.builder.ins().ishl(a, amount)
    }

    fn shift_right(&mut self, a: Value, amount: i64) -> Value {
        let amount = self.emitter.builder.ins().iconst(types::I32, amount);
        self.emitter.builder.ins().ushr(a, amount)
    }

    fn plus(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().iadd(a, b)
    }

    fn minus(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().isub(a, b)
    }

    /// Number of bits of the significand that are stored.
    fn significand(&self) -> i64 {
        if self.double() { 52 } else { 23 }
    }

    /// 2^n of an integer in the range of exponents.
    fn power_of_two(&mut self, n: Value) -> Value {
        let exponent = self.shift_left(n, self.significand());
        let one = self.number(1.0);
        let one = self.bits(one);
        let bits = self.plus(exponent, one);
        self.float(bits)
    }

    /// a * 2^n. `n` is an integer and its float. Multiplying by two halves of the power rounds once, also where the
    /// result is denormal, and lets n exceed the range of exponents.
    fn scale(&mut self, a: Value, (float, n): (Value, Value)) -> Value {
        let (_, half) = self.nearest(float, 0.5);
        let rest = self.minus(n, half);
        let (half, rest) = (self.power_of_two(half), self.power_of_two(rest));
        let a = self.mul(a, half);
        self.mul(a, rest)
    }

    /// NaN, or the nearest number in a range.
    fn clamp(&mut self, a: Value, low: f64, high: f64) -> Value {
        let (low, high) = (self.number(low), self.number(high));
        let above = self.compare(FloatCC::LessThan, high, a);
        let a = self.choose(above, high, a);
        let below = self.compare(FloatCC::LessThan, a, low);
        self.choose(below, low, a)
    }

    fn compare(&mut self, code: FloatCC, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().fcmp(code, a, b)
    }

    fn compare_integers(&mut self, code: IntCC, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().icmp(code, a, b)
    }

    fn both(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().band(a, b)
    }

    fn either(&mut self, a: Value, b: Value) -> Value {
        self.emitter.builder.ins().bor(a, b)
    }

    /// a where the mask holds, else b.
    fn choose(&mut self, mask: Value, a: Value, b: Value) -> Value {
        self.emitter.choose(mask, a, b)
    }

    /// The sign bit, the other bits zero.
    fn sign_bit(&mut self, a: Value) -> Value {
        let mask = self.number(-0.0);
        let (mask, bits) = (self.bits(mask), self.bits(a));
        self.both(bits, mask)
    }

    /// A float with the sign flipped where `sign` (of `sign_bit`) says so.
    fn flip(&mut self, a: Value, sign: Value) -> Value {
        let bits = self.bits(a);
        let bits = self.emitter.builder.ins().bxor(bits, sign);
        self.float(bits)
    }

    /// A mask that holds where the sign bit of a number is set.
    fn is_negative(&mut self, a: Value) -> Value {
        let (bits, zero) = (self.bits(a), self.integer(0));
        self.compare_integers(IntCC::SignedLessThan, bits, zero)
    }
}
