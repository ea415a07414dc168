//! The elementary functions that kernels know as operations, written out in arithmetic, for emitters that have no other
//! means: e^x, log x, sin x, cos x, tanh x.
//!
//! Each reduces its argument to a small range, evaluates a polynomial there (minimax, fitted with a Remez exchange in
//! 240-bit arithmetic) and scales the result back. The error stays below 2 units in the last place over the whole range,
//! infinities, NaN and denormal numbers included. Nothing relies on products being fused with sums or not.

use super::Lanes;
use super::exponential::Reduced;
use super::float::Pair;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{FRAC_2_PI, PI};

/// (log((1 + s) / (1 - s)) / s - 2) / s^2 in terms of s^2, for numbers between sqrt(1/2) and sqrt(2).
const LOG: &[f64] = &[
    0.14618416871215997,
    0.15331552896669207,
    0.18182894545355477,
    0.22222211054622024,
    0.28571428626510875,
    0.399999999998982,
    0.666666666666667,
];
const LOG_SINGLE: &[f64] = &[0.2333284318447113, 0.2855072021484375, 0.4000012278556824, 0.6666666865348816];

/// ln 2 as the sum of two numbers, the first with enough zeros that its products with exponents are exact.
const LN2: (f64, f64) = (0.6931471803691238, 1.9082149292705877e-10);
const LN2_SINGLE: (f64, f64) = (0.693145751953125, 1.428606765330187e-6);

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

/// (sin(r) / r - 1) / r^2 in terms of r^2, for |r| <= pi/4.
const SINE: &[f64] = &[
    1.5917861853805866e-10,
    -2.50511281499847e-08,
    2.7557316084930363e-06,
    -0.00019841269836724877,
    0.008333333333330927,
    -0.16666666666666666,
];
const SINE_SINGLE: &[f64] =
    &[2.724938894971274e-06, -0.00019840082677546889, 0.008333331905305386, -0.1666666716337204];

/// (cos(r) - 1 + r^2 / 2) / r^4 in terms of r^2.
const COSINE: &[f64] = &[
    -1.1382464188417552e-11,
    2.0876143942503467e-09,
    -2.755731726062817e-07,
    2.4801587298744435e-05,
    -0.0013888888888887382,
    0.041666666666666664,
];
const COSINE_SINGLE: &[f64] =
    &[-2.7300504257254943e-07, 2.480059629306197e-05, -0.00138888880610466, 0.0416666679084301];

/// pi/2 in parts of 33 bits, whose products with integers below 2^20 are exact, and what is left of it.
const HALF_PI: [f64; 3] = [1.5707963267341256, 6.0771005063039660e-11, 2.0222662487111665e-21];
const HALF_PI_REST: f64 = 8.4784276603688996e-32;
/// pi/2 in two parts, the first of 33 bits: enough for arguments of single precision.
const HALF_PI_SHORT: [f64; 2] = [1.5707963267341256, 6.077100506506192e-11];

/// Arguments up to here are reduced accurately: 2^19 quarter turns.
pub const LARGEST_ANGLE: f64 = 524288.0 * PI / 2.0;

/// An angle r + low in [-pi/4, pi/4] and the quadrant it was taken from, in the two lowest bits.
struct Angle {
    r: NodeId,
    low: Option<NodeId>,
    quadrant: NodeId,
}

impl Lanes<'_> {
    /// An operation written out in arithmetic, if it is one of the elementary functions. Sine and cosine of arguments
    /// beyond [`LARGEST_ANGLE`] are left: the operation itself occurs in the result, chosen for these arguments only.
    pub fn written_out(&mut self, op: LaneOp, x: NodeId) -> Option<NodeId> {
        match op {
            LaneOp::Exp => Some(self.exp_of(x)),
            LaneOp::Log => Some(self.log_of(x)),
            LaneOp::Tanh => Some(self.tanh_of(x)),
            LaneOp::Sin | LaneOp::Cos => Some(self.circular(op, x)),
            _ => None,
        }
    }

    /// e^x = 2^n e^r with r = x - n ln 2.
    fn exp_of(&mut self, x: NodeId) -> NodeId {
        // Beyond these the result is 0 or infinite anyway.
        let bounds = self.by_width(x, (-746.0, 710.0), (-104.0, 89.0));
        let x = self.limited(x, bounds.0, bounds.1);
        let Reduced { p, n } = self.reduced_exponent(x, None);
        let value = self.plus(p, 1.0);
        self.scale(value, n)
    }

    /// x = 2^e m with m near 1; log x = e ln 2 + log m. With f = m - 1 and s = f / (2 + f), log m = 2 s + s^3 R(s^2)
    /// = f - f^2/2 + s (f^2/2 + s^2 R), which keeps f exact (this form is that of the FreeBSD library).
    fn log_of(&mut self, x: NodeId) -> NodeId {
        let (rest, ln2) = self.by_width(x, (LOG, LN2), (LOG_SINGLE, LN2_SINGLE));
        let (f, e) = self.split(x);
        let denominator = self.plus(f, 2.0);
        let s = self.div(f, denominator);
        let z = self.mul(s, s);
        let rest = self.polynomial(z, rest);
        let half = self.times(f, 0.5);
        let half_square = self.mul(half, f);
        let inner = self.multiply_add(rest, z, half_square);
        let low = self.times(e, ln2.1);
        let low = self.multiply_add(s, inner, low);
        let low = self.sub(low, half_square);
        let low = self.add(low, f);
        let high = self.times(e, ln2.0);
        let value = self.add(high, low);
        let large = self.is(x, f64::INFINITY);
        let value = self.put(large, f64::INFINITY, value);
        let zero = self.is(x, 0.0);
        let value = self.put(zero, f64::NEG_INFINITY, value);
        let at_least_zero = self.number(x, 0.0);
        let valid = self.op(LaneOp::Le, &[at_least_zero, x]);
        let nan = self.number(x, f64::NAN);
        self.choose(valid, value, nan)
    }

    /// Of the magnitude, a polynomial near zero and 1 - 2 / (e^(2|x|) + 1) beyond; then the sign.
    fn tanh_of(&mut self, x: NodeId) -> NodeId {
        let (coefficients, saturated) = self.by_width(x, (TANH, 20.0), (TANH_SINGLE, 10.0));
        let magnitude = self.abs(x);
        let square = self.mul(x, x);
        let inner = self.polynomial(square, coefficients);
        let cube = self.mul(square, magnitude);
        let small = self.multiply_add(inner, cube, magnitude);
        let saturated = self.number(x, saturated);
        let limited = self.op(LaneOp::Min, &[magnitude, saturated]);
        let twice = self.add(limited, limited);
        let Reduced { p, n } = self.reduced_exponent(twice, None);
        let power = self.plus(p, 1.0);
        let factor = self.power_of_two(n.1);
        let power = self.mul(power, factor);
        let denominator = self.plus(power, 1.0);
        let minus_two = self.number(x, -2.0);
        let quotient = self.div(minus_two, denominator);
        let large = self.plus(quotient, 1.0);
        let is_small = self.is_below(magnitude, 0.625);
        let value = self.choose(is_small, small, large);
        self.with_sign(value, x)
    }

    fn circular(&mut self, op: LaneOp, x: NodeId) -> NodeId {
        let angle = if self.is_double(x) { self.reduced_angle(x) } else { self.reduced_single_angle(x) };
        let value = match op {
            LaneOp::Sin => {
                let value = self.at_angle(&angle, 0);
                // Adding the polynomial's zero to it would lose the sign of -0.
                let zero = self.is(x, 0.0);
                self.choose(zero, x, value)
            }
            _ => self.at_angle(&angle, 1),
        };
        let magnitude = self.abs(x);
        let large = self.is_above(magnitude, LARGEST_ANGLE);
        let exact = self.op(op, &[x]);
        self.choose(large, exact, value)
    }

    /// Reduces a number of single precision in double precision: what is left is accurate, however small.
    fn reduced_single_angle(&mut self, x: NodeId) -> Angle {
        let double = self.convert(x, DType::F64);
        let (n, quadrant) = self.nearest(double, FRAC_2_PI);
        let mut r = double;
        for part in HALF_PI_SHORT {
            let multiple = self.times(n, part);
            r = self.sub(r, multiple);
        }
        Angle { r: self.convert(r, DType::F32), low: None, quadrant: self.convert(quadrant, DType::I32) }
    }

    fn reduced_angle(&mut self, x: NodeId) -> Angle {
        let (n, quadrant) = self.nearest(x, FRAC_2_PI);
        // Exact, as the two are close.
        let multiple = self.times(n, HALF_PI[0]);
        let r = self.sub(x, multiple);
        let multiple = self.times(n, -HALF_PI[1]);
        let (r, low) = self.exact_sum(r, multiple);
        let multiple = self.times(n, -HALF_PI[2]);
        let (r, more) = self.exact_sum(r, multiple);
        let low = self.add(low, more);
        let multiple = self.times(n, HALF_PI_REST);
        let low = self.sub(low, multiple);
        let (r, low): Pair = self.exact_sum(r, low);
        Angle { r, low: Some(low), quadrant }
    }

    /// The sine (`ahead` 0) or cosine (1): of the reduced angle either function, by parity of the quadrant, with a sign.
    fn at_angle(&mut self, angle: &Angle, ahead: i64) -> NodeId {
        let Angle { r, low, quadrant } = *angle;
        let (sine, cosine) = self.by_width(r, (SINE, COSINE), (SINE_SINGLE, COSINE_SINGLE));
        let z = self.mul(r, r);
        let half_square = self.times(z, 0.5);

        // sin(r + low) = sin r + low cos r, cos(r + low) = cos r - low r.
        let sine = self.polynomial(z, sine);
        let cube = self.mul(z, r);
        let sine = match low {
            Some(low) => {
                let lost = self.mul(half_square, low);
                let part = self.sub(low, lost);
                let part = self.multiply_add(sine, cube, part);
                self.add(r, part)
            }
            None => self.multiply_add(sine, cube, r),
        };
        let cosine = self.polynomial(z, cosine);
        let fourth = self.mul(z, z);
        let main = self.number_less(1.0, half_square);
        let lost = self.number_less(1.0, main);
        let mut rest = self.sub(lost, half_square);
        if let Some(low) = low {
            let product = self.mul(r, low);
            rest = self.sub(rest, product);
        }
        let rest = self.multiply_add(cosine, fourth, rest);
        let cosine = self.add(main, rest);

        let quadrant = if ahead == 0 {
            quadrant
        } else {
            let ahead = self.integer(quadrant, ahead);
            self.add(quadrant, ahead)
        };
        let (unit, zero) = (self.integer(quadrant, 1), self.integer(quadrant, 0));
        let parity = self.and(quadrant, unit);
        let even = self.equal(parity, zero);
        let value = self.choose(even, sine, cosine);
        let places = if self.is_double(r) { 63 } else { 31 };
        let (one, places) = (self.integer(quadrant, 1), self.integer(quadrant, places));
        let sign = self.op(LaneOp::Shr, &[quadrant, one]);
        let sign = self.op(LaneOp::Shl, &[sign, places]);
        let bits = self.bits(value);
        let bits = self.op(LaneOp::Xor, &[bits, sign]);
        self.float(bits)
    }
}
