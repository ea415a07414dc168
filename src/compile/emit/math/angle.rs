//! The angle of a point: the arctangent in two arguments.

use super::Math;
use cranelift_codegen::ir::Value;
use cranelift_codegen::ir::condcodes::FloatCC;

/// (atan(t) / t - 1) / t^2 in terms of t^2, for |t| <= 7/16.
const REST: &[f64] = &[
    -0.017574926710760587,
    0.03785323168487261,
    -0.050351440451821536,
    0.05848009261978595,
    -0.06663279944890335,
    0.07692090935710522,
    -0.09090900387958027,
    0.11111110906479837,
    -0.1428571428324102,
    0.19999999999988327,
    -0.33333333333333326,
];
const REST_SINGLE: &[f64] = &[
    0.048323143273591995,
    -0.08537138253450394,
    0.11059104651212692,
    -0.1428346186876297,
    0.1999996453523636,
    -0.3333333432674408,
];

/// Angles as sums of two numbers: atan(1/2), pi/4, pi/2, pi.
const ANGLES: [(f64, f64); 4] = [
    (0.4636476090008061, 2.2698777452961687e-17),
    (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17),
    (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17),
    (std::f64::consts::PI, 1.2246467991473532e-16),
];

/// The arctangent of the smaller magnitude over the larger, then the octant.
///
/// The quotient q is reduced to t by the angles 0, atan(1/2) and pi/4, with t as one quotient of sums, so that there is a
/// single division: (q - c) / (1 + c q) for c = 0, 1/2, 1.
pub(super) fn atan2(math: &mut Math<'_, '_, '_>, y: Value, x: Value) -> Value {
    let (one, zero) = (math.number(1.0), math.number(0.0));
    let (ax, ay) = (math.abs(x), math.abs(y));
    let steep = math.compare(FloatCC::LessThan, ax, ay);
    let (small, large) = (math.choose(steep, ax, ay), math.choose(steep, ay, ax));
    let (small, large) = finite(math, small, large);

    let (seven, eleven) = (math.number(7.0 / 16.0), math.number(11.0 / 16.0));
    let (first, second) = (math.mul(large, seven), math.mul(large, eleven));
    let beyond_first = math.compare(FloatCC::LessThanOrEqual, first, small);
    let beyond_second = math.compare(FloatCC::LessThanOrEqual, second, small);
    let half = math.number(0.5);
    let c = math.choose(beyond_first, half, zero);
    let c = math.choose(beyond_second, one, c);
    let numerator = math.fnma(c, large, small);
    let denominator = math.fma(c, small, large);
    let t = math.div(numerator, denominator);
    let z = math.mul(t, t);
    let rest = math.polynomial(z, if math.double() { REST } else { REST_SINGLE });
    let cube = math.mul(z, t);
    let correction = math.mul(rest, cube);

    // The angle is offset + (t + correction), and after reflections base -+ that; low parts are added first.
    let [half_angle, quarter, right, straight] = ANGLES.map(|angle| two_parts(math, angle));
    let pick = |math: &mut Math<'_, '_, '_>, mask: Value, a: (Value, Value), b: (Value, Value)| {
        (math.choose(mask, a.0, b.0), math.choose(mask, a.1, b.1))
    };
    let offset = pick(math, beyond_first, half_angle, (zero, zero));
    let offset = pick(math, beyond_second, quarter, offset);
    let low = math.add(correction, offset.1);
    let low = math.add(low, t);
    let (angle, low) = math.quick_sum(offset.0, low);

    let backward = math.is_negative(x);
    let base = pick(math, backward, straight, (zero, zero));
    let base = pick(math, steep, right, base);
    // Steep: right - angle where x is positive, right + angle where it is negative. Else: angle, or straight - angle.
    let minus_zero = math.number(-0.0);
    let minus_zero_bits = math.bits(minus_zero);
    let no_flip = math.integer(0);
    let when_steep = choose_bits(math, backward, no_flip, minus_zero_bits);
    let when_flat = choose_bits(math, backward, minus_zero_bits, no_flip);
    let flip = choose_bits(math, steep, when_steep, when_flat);
    let (angle, low) = (math.flip(angle, flip), math.flip(low, flip));
    let low = math.add(low, base.1);
    let (high, rest) = math.quick_sum(base.0, angle);
    let low = math.add(low, rest);
    let value = math.add(high, low);

    let sign = math.sign_bit(y);
    let value = math.flip(value, sign);
    let unordered = math.compare(FloatCC::Unordered, x, y);
    let nan = math.add(x, y);
    math.choose(unordered, nan, value)
}

/// Replaces magnitudes whose quotient or sums make no sense: both infinite is as 1 : 1, a finite one to an infinite one as
/// 0 : 1, both zero too. Very large and very small ones are scaled, so that sums do not overflow and keep their digits.
fn finite(math: &mut Math<'_, '_, '_>, small: Value, large: Value) -> (Value, Value) {
    let (one, zero, infinity) = (math.number(1.0), math.number(0.0), math.number(f64::INFINITY));
    let exponent = if math.double() { 960 } else { 90 };
    let (high, low) = (math.number(2f64.powi(exponent)), math.number(2f64.powi(-exponent)));
    let (down, up) = (math.number(2f64.powi(-60)), math.number(2f64.powi(60)));
    let huge = math.compare(FloatCC::LessThan, high, large);
    let factor = math.choose(huge, down, one);
    let tiny = math.compare(FloatCC::LessThan, large, low);
    let factor = math.choose(tiny, up, factor);
    let (scaled_small, scaled_large) = (math.mul(small, factor), math.mul(large, factor));
    let infinite = math.compare(FloatCC::Equal, large, infinity);
    let both = math.compare(FloatCC::Equal, small, infinity);
    let limit = math.choose(both, one, zero);
    let small = math.choose(infinite, limit, scaled_small);
    let origin = math.compare(FloatCC::Equal, large, zero);
    let unit = math.either(infinite, origin);
    (small, math.choose(unit, one, scaled_large))
}

/// A constant as the sum of two numbers of the type at hand.
fn two_parts(math: &mut Math<'_, '_, '_>, (high, low): (f64, f64)) -> (Value, Value) {
    if math.double() {
        return (math.number(high), math.number(low));
    }
    let rounded = f64::from(high as f32);
    (math.number(rounded), math.number(high - rounded))
}

fn choose_bits(math: &mut Math<'_, '_, '_>, mask: Value, a: Value, b: Value) -> Value {
    let (a, b) = (math.float(a), math.float(b));
    let chosen = math.choose(mask, a, b);
    math.bits(chosen)
}
