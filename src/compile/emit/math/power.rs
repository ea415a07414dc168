//! Powers.
//!
//! |x|^y = 2^(y log2 |x|), then sign and special cases. The power multiplies the error of the logarithm by as much as the
//! largest exponent, so floats are computed in double precision and doubles as sums of two numbers.

use super::super::lanes::Emitter;
use super::{Math, logarithm};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// log2((1 + s) / (1 - s)) / s in terms of s^2, for numbers between sqrt(1/2) and sqrt(2).
const LOG2: &[f64] = &[
    0.28291009406076245,
    0.3199050388747536,
    0.41220926745134995,
    0.5770779422260001,
    0.9617966941137819,
    2.88539008177785,
];

/// 2^r for |r| <= 1/2.
const EXP2: &[f64] = &[
    1.3175770642410096e-06,
    1.5309850940883737e-05,
    0.00015403853079941457,
    0.0013333451640496611,
    0.009618128539396184,
    0.05550410939774871,
    0.24022650698904505,
    0.6931471805464083,
    0.99999999999976,
];

/// (atanh(s) / s - 1 - s^2 / 3) / s^4 in terms of s^2, for the same numbers.
const ATANH: &[f64] = &[
    0.0586238515024498,
    0.058530380573199405,
    0.066674055131054,
    0.07692297419252125,
    0.09090909168319306,
    0.11111111110824966,
    0.14285714285714687,
    0.2,
];

/// 1/3, 2 / ln 2 and ln 2 as sums of two numbers.
const THIRD: (f64, f64) = (0.3333333333333333, 1.850371707708594e-17);
const TWO_OVER_LN2: (f64, f64) = (2.8853900817779268, 4.0710547481862066e-17);
const LN2: (f64, f64) = (std::f64::consts::LN_2, 2.3190468138462996e-17);

pub(super) fn pow(emitter: &mut Emitter<'_, '_>, x: Value, y: Value) -> Value {
    let magnitude = emitter.builder.ins().fabs(x);
    let value = match emitter.type_of(x) {
        types::F32 => {
            let a = emitter.builder.ins().fpromote(types::F64, magnitude);
            let b = emitter.builder.ins().fpromote(types::F64, y);
            let value = of_single(&mut Math::new(emitter, a), a, b);
            emitter.builder.ins().fdemote(types::F32, value)
        }
        types::F32X4 => {
            let (a, b) = (emitter.promote(magnitude), emitter.promote(y));
            let low = of_single(&mut Math::new(emitter, a[0]), a[0], b[0]);
            let high = of_single(&mut Math::new(emitter, a[1]), a[1], b[1]);
            emitter.demote(low, high)
        }
        _ => of_double(&mut Math::new(emitter, x), magnitude, y),
    };
    let math = &mut Math::new(emitter, x);
    special_cases(math, x, y, magnitude, value)
}

/// x^y of doubles that hold floats, x not negative, to more than single precision.
fn of_single(math: &mut Math<'_, '_, '_>, x: Value, y: Value) -> Value {
    let (f, e) = logarithm::split(math, x);
    let two = math.number(2.0);
    let denominator = math.add(f, two);
    let s = math.div(f, denominator);
    let z = math.mul(s, s);
    let ratio = math.polynomial(z, LOG2);
    let log = math.fma(s, ratio, e);
    let log = at_edges(math, x, log);
    let product = math.mul(y, log);
    let product = math.clamp(product, -200.0, 200.0);
    let (float, n) = math.nearest(product, 1.0);
    let r = math.sub(product, float);
    let value = math.polynomial(r, EXP2);
    let factor = math.power_of_two(n);
    math.mul(value, factor)
}

/// x^y of doubles, x not negative.
fn of_double(math: &mut Math<'_, '_, '_>, x: Value, y: Value) -> Value {
    let (log, log_low) = log2(math, x);
    let log = at_edges(math, x, log);
    let (product, low) = math.product(y, log);
    let low = math.fma(y, log_low, low);
    // Beyond these the result is infinite or 0, and the low part may be anything.
    let (bound, zero) = (math.number(1100.0), math.number(0.0));
    let magnitude = math.abs(product);
    let within = math.compare(FloatCC::LessThan, magnitude, bound);
    let low = math.choose(within, low, zero);
    let product = math.clamp(product, -1100.0, 1100.0);
    let (float, n) = math.nearest(product, 1.0);
    let r = math.sub(product, float);
    // 2^(r + low) = e^w
    let (ln2, ln2_low) = (math.number(LN2.0), math.number(LN2.1));
    let (w, w_low) = math.product(r, ln2);
    let w_low = math.fma(r, ln2_low, w_low);
    let w_low = math.fma(low, ln2, w_low);
    let (w, w_low) = math.quick_sum(w, w_low);
    let rest = math.polynomial(w, super::exponential::REST);
    let square = math.mul(w, w);
    let rest = math.fma(rest, square, w_low);
    let sum = math.add(w, rest);
    let one = math.number(1.0);
    let value = math.add(one, sum);
    math.scale(value, (float, n))
}

/// log2 of a positive finite number as the sum of two: e + 2 / ln 2 atanh(s), s = f / (2 + f), with
/// atanh(s) = s (1 + z / 3 + z^2 P(z)), z = s^2; only P is of ordinary precision.
fn log2(math: &mut Math<'_, '_, '_>, x: Value) -> (Value, Value) {
    let (f, e) = logarithm::split(math, x);
    let (one, two) = (math.number(1.0), math.number(2.0));
    let (denominator, denominator_low) = math.quick_sum(two, f);
    let inverse = math.div(one, denominator);
    let s = math.mul(f, inverse);
    let (back, back_low) = math.product(s, denominator);
    let left = math.sub(f, back);
    let left = math.sub(left, back_low);
    let left = math.fnma(s, denominator_low, left);
    let s_low = math.mul(left, inverse);
    let (s, s_low) = math.quick_sum(s, s_low);

    let z = square(math, (s, s_low));
    let p = math.polynomial(z.0, ATANH);
    let fourth = math.mul(z.0, z.0);
    let p = math.mul(p, fourth);
    let third = (math.number(THIRD.0), math.number(THIRD.1));
    let (t, t_low) = times(math, z, third);
    let (a, a_low) = math.quick_sum(one, t);
    let rest = math.add(t_low, p);
    let a_low = math.add(a_low, rest);
    let (a, a_low) = math.quick_sum(a, a_low);

    let u = times(math, (s, s_low), (a, a_low));
    let factor = (math.number(TWO_OVER_LN2.0), math.number(TWO_OVER_LN2.1));
    let (v, v_low) = times(math, u, factor);
    let (log, log_low) = math.quick_sum(e, v);
    let log_low = math.add(log_low, v_low);
    math.quick_sum(log, log_low)
}

fn square(math: &mut Math<'_, '_, '_>, (a, a_low): (Value, Value)) -> (Value, Value) {
    times(math, (a, a_low), (a, a_low))
}

/// A product of sums of two numbers.
fn times(math: &mut Math<'_, '_, '_>, (a, a_low): (Value, Value), (b, b_low): (Value, Value)) -> (Value, Value) {
    let (high, low) = math.product(a, b);
    let low = math.fma(a, b_low, low);
    let low = math.fma(a_low, b, low);
    math.quick_sum(high, low)
}

/// The logarithms of 0, infinity and NaN.
fn at_edges(math: &mut Math<'_, '_, '_>, x: Value, log: Value) -> Value {
    let (zero, infinity) = (math.number(0.0), math.number(f64::INFINITY));
    let minus_infinity = math.number(f64::NEG_INFINITY);
    let origin = math.compare(FloatCC::Equal, x, zero);
    let log = math.choose(origin, minus_infinity, log);
    let finite = math.compare(FloatCC::LessThan, x, infinity);
    math.choose(finite, log, x)
}

/// What C says about negative bases, bases of magnitude 1 and exponents of 0; `value` is |x|^y.
fn special_cases(math: &mut Math<'_, '_, '_>, x: Value, y: Value, magnitude: Value, value: Value) -> Value {
    let (one, zero, half) = (math.number(1.0), math.number(0.0), math.number(0.5));
    let (infinity, nan) = (math.number(f64::INFINITY), math.number(f64::NAN));
    let unit = math.compare(FloatCC::Equal, magnitude, one);
    let value = math.choose(unit, one, value);

    let truncated = math.emitter.builder.ins().trunc(y);
    let halved = math.mul(y, half);
    let halved_truncated = math.emitter.builder.ins().trunc(halved);
    let integer = math.compare(FloatCC::Equal, truncated, y);
    let half_integer = math.compare(FloatCC::NotEqual, halved_truncated, halved);
    let odd = math.both(integer, half_integer);
    let negative = math.is_negative(x);
    let opposite = math.both(negative, odd);
    let negated = math.neg(value);
    let value = math.choose(opposite, negated, value);

    let below = math.compare(FloatCC::LessThan, x, zero);
    let finite = math.compare(FloatCC::LessThan, magnitude, infinity);
    let broken = math.compare(FloatCC::NotEqual, truncated, y);
    let invalid = math.both(below, finite);
    let invalid = math.both(invalid, broken);
    let value = math.choose(invalid, nan, value);

    let no_power = math.compare(FloatCC::Equal, y, zero);
    let base_one = math.compare(FloatCC::Equal, x, one);
    let certain = math.either(no_power, base_one);
    math.choose(certain, one, value)
}
