//! The exponential function and the hyperbolic tangent.

use super::Math;
use cranelift_codegen::ir::Value;
use cranelift_codegen::ir::condcodes::FloatCC;

/// ln 2 as the sum of two numbers, the first with zeros in its lower half.
const LN2: (f64, f64) = (0.6931471803691238, 1.9082149292705877e-10);
/// The same for single precision.
const LN2_SINGLE: (f64, f64) = (0.693145751953125, 1.428606765330187e-6);

/// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2.
pub(super) const REST: &[f64] = &[
    2.0921625276615325e-09,
    2.5105260922590062e-08,
    2.755725280625021e-07,
    2.755725529422524e-06,
    2.480158734744942e-05,
    0.00019841269874904636,
    0.0013888888888874352,
    0.008333333333326112,
    0.041666666666666685,
    0.1666666666666667,
    0.5,
];
const REST_SINGLE: &[f64] =
    &[0.0001990763848880306, 0.0013933690497651696, 0.00833328627049923, 0.041666463017463684, 0.1666666716337204, 0.5];

/// (tanh(x) / x - 1) / x^2 in terms of x^2, for |x| < 0.625.
const TANH: &[f64] = &[
    -2.438262562757838e-06,
    1.220929889685176e-05,
    -3.7081162906961785e-05,
    9.604158033560978e-05,
    -0.0002388897917537914,
    0.0005899819414442984,
    -0.0014558284271891954,
    0.003592127511292159,
    -0.008863235500106002,
    0.021869488535147596,
    -0.05396825396823625,
    0.13333333333333322,
    -0.3333333333333333,
];
const TANH_SINGLE: &[f64] = &[
    0.002295851707458496,
    -0.008347298949956894,
    0.0217701755464077,
    -0.053959451615810394,
    0.13333304226398468,
    -0.3333333432674408,
];

/// e^x = 2^n e^r with r = x - n ln 2.
pub(super) fn exp(math: &mut Math<'_, '_, '_>, x: Value) -> Value {
    // Beyond these the result is 0 or infinite anyway.
    let (low, high) = if math.double() { (-746.0, 710.0) } else { (-104.0, 89.0) };
    let x = math.clamp(x, low, high);
    let (value, n) = reduced(math, x);
    math.scale(value, n)
}

/// The power of e^r, and n.
fn reduced(math: &mut Math<'_, '_, '_>, x: Value) -> (Value, (Value, Value)) {
    let (ln2, rest) = if math.double() { (LN2, REST) } else { (LN2_SINGLE, REST_SINGLE) };
    let n = math.nearest(x, std::f64::consts::LOG2_E);
    let (ln2_high, ln2_low) = (math.number(ln2.0), math.number(ln2.1));
    let r = math.fnma(n.0, ln2_high, x);
    let r = math.fnma(n.0, ln2_low, r);
    let rest = math.polynomial(r, rest);
    let square = math.mul(r, r);
    let sum = math.fma(rest, square, r);
    let one = math.number(1.0);
    (math.add(sum, one), n)
}

/// Of the magnitude, a polynomial near zero and 1 - 2 / (e^(2|x|) + 1) beyond; then the sign.
pub(super) fn tanh(math: &mut Math<'_, '_, '_>, x: Value) -> Value {
    let (coefficients, saturated) = if math.double() { (TANH, 20.0) } else { (TANH_SINGLE, 10.0) };
    let magnitude = math.abs(x);
    let square = math.mul(x, x);
    let inner = math.polynomial(square, coefficients);
    let cube = math.mul(square, magnitude);
    let small = math.fma(inner, cube, magnitude);

    let (limit, bound, one) = (math.number(saturated), math.number(0.625), math.number(1.0));
    let beyond = math.compare(FloatCC::LessThan, limit, magnitude);
    let magnitude = math.choose(beyond, limit, magnitude);
    let twice = math.add(magnitude, magnitude);
    let (power, n) = reduced(math, twice);
    let factor = math.power_of_two(n.1);
    let denominator = math.fma(power, factor, one);
    let minus_two = math.number(-2.0);
    let quotient = math.div(minus_two, denominator);
    let large = math.add(quotient, one);

    let is_small = math.compare(FloatCC::LessThan, magnitude, bound);
    let value = math.choose(is_small, small, large);
    let sign = math.sign_bit(x);
    math.flip(value, sign)
}
