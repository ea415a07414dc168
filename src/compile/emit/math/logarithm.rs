//! The natural logarithm.

use super::Math;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value};

/// (log((1 + s) / (1 - s)) / s - 2) / s^2 in terms of s^2, for numbers between sqrt(1/2) and sqrt(2).
const REST: &[f64] = &[
    0.14618416871215997,
    0.15331552896669207,
    0.18182894545355477,
    0.22222211054622024,
    0.28571428626510875,
    0.399999999998982,
    0.666666666666667,
];
const REST_SINGLE: &[f64] = &[0.2333284318447113, 0.2855072021484375, 0.4000012278556824, 0.6666666865348816];

/// ln 2 as the sum of two numbers, the first with enough zeros that its products with exponents are exact.
const LN2: (f64, f64) = (0.6931471803691238, 1.9082149292705877e-10);
const LN2_SINGLE: (f64, f64) = (0.693145751953125, 1.428606765330187e-6);

/// x = 2^e m with m near 1; log x = e ln 2 + log m. With f = m - 1 and s = f / (2 + f), log m = 2 s + s^3 R(s^2)
/// = f - f^2/2 + s (f^2/2 + s^2 R), which keeps f exact (this form is that of the FreeBSD library).
pub(super) fn log(math: &mut Math<'_, '_, '_>, x: Value) -> Value {
    let (rest, ln2) = if math.double() { (REST, LN2) } else { (REST_SINGLE, LN2_SINGLE) };
    let (f, e) = split(math, x);
    let two = math.number(2.0);
    let denominator = math.add(f, two);
    let s = math.div(f, denominator);
    let z = math.mul(s, s);
    let rest = math.polynomial(z, rest);
    let half = math.number(0.5);
    let half_f = math.mul(f, half);
    let half_square = math.mul(half_f, f);
    let inner = math.fma(rest, z, half_square);
    let (ln2_high, ln2_low) = (math.number(ln2.0), math.number(ln2.1));
    let low = math.mul(e, ln2_low);
    let low = math.fma(s, inner, low);
    let low = math.sub(low, half_square);
    let low = math.add(low, f);
    let value = math.fma(e, ln2_high, low);
    edges(math, x, value)
}

/// The m - 1 and e of a positive finite number, e as a float.
pub(super) fn split(math: &mut Math<'_, '_, '_>, x: Value) -> (Value, Value) {
    let double = math.double();
    let significand = math.significand();
    // Denormal numbers are made normal.
    let (least, shift) = if double { (f64::MIN_POSITIVE, 54) } else { (f64::from(f32::MIN_POSITIVE), 25) };
    let least = math.number(least);
    let denormal = math.compare(FloatCC::LessThan, x, least);
    let factor = math.number(2f64.powi(shift));
    let enlarged = math.mul(x, factor);
    let x = math.choose(denormal, enlarged, x);
    // The exponent changes where the significand passes sqrt(2): counting from sqrt(1/2) puts m on both sides of 1.
    let (one, root) = if double { (1f64.to_bits() as i64, 0x3fe6_a09e_667f_3bcd) } else { (0x3f80_0000, 0x3f35_04f3) };
    let bits = math.bits(x);
    let (shifted, root, mask) = (math.integer(one - root), math.integer(root), math.integer((1 << significand) - 1));
    let counted = math.plus(bits, shifted);
    let m = math.both(counted, mask);
    let m = math.plus(m, root);
    let m = math.float(m);
    let unit = math.number(1.0);
    let f = math.sub(m, unit);
    let biased = math.shift_right(counted, significand);
    // A small integer becomes a float by its place in the significand of a power of two.
    let (base, bias) = if double { (4503599627370496.0, 1023.0) } else { (8388608.0, 127.0) };
    let base_number = math.number(base);
    let base_bits = math.bits(base_number);
    let e = math.either(biased, base_bits);
    let e = math.float(e);
    let (normal, lowered) = (math.number(base + bias), math.number(base + bias + f64::from(shift)));
    let bias = math.choose(denormal, lowered, normal);
    (f, math.sub(e, bias))
}

/// Puts in the results of zeros, negative numbers, infinity and NaN.
fn edges(math: &mut Math<'_, '_, '_>, x: Value, value: Value) -> Value {
    let (zero, infinity, nan) = (math.number(0.0), math.number(f64::INFINITY), math.number(f64::NAN));
    let minus_infinity = math.number(f64::NEG_INFINITY);
    let large = math.compare(FloatCC::Equal, x, infinity);
    let value = math.choose(large, infinity, value);
    let is_zero = math.compare(FloatCC::Equal, x, zero);
    let value = math.choose(is_zero, minus_infinity, value);
    let invalid = math.emitter.builder.ins().fcmp(FloatCC::UnorderedOrLessThan, x, zero);
    math.choose(invalid, nan, value)
}
