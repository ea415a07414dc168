//! Hyperbolic functions and their inverses.

use super::Lanes;
use super::exponential::Reduced;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{LN_2, LOG2_E};

/// (sinh(x) / x - 1) / x^2 in terms of x^2, for |x| <= 1.
const SINH: &[f64] = &[
    2.8445264169895285e-15,
    7.646625361656657e-13,
    1.6059048396350562e-10,
    2.505210836405804e-08,
    2.755731922404034e-06,
    0.00019841269841269773,
    0.008333333333333333,
    0.16666666666666666,
];
const SINH_SINGLE: &[f64] = &[2.806280235745362e-06, 0.00019838102161884308, 0.008333339355885983, 0.1666666716337204];

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

/// e^(2r) for |r| <= ln(2) / 4, where a few units in the last place do not matter.
const EXP_TWICE_SINGLE: &[f64] =
    &[0.08841298520565033, 0.2678000032901764, 0.6666942834854126, 1.3333215713500977, 1.999999761581421, 2.0, 1.0];

impl Lanes<'_> {
    /// Of the magnitude, a polynomial near zero and 1 - 2 / (e^(2|x|) + 1) beyond; then the sign.
    pub(super) fn tanh_of(&mut self, x: NodeId) -> NodeId {
        let (coefficients, saturated) = self.by_width(x, (TANH, 20.0), (TANH_SINGLE, 10.0));
        let magnitude = self.abs(x);
        let square = self.mul(x, x);
        let inner = self.polynomial(square, coefficients);
        let cube = self.mul(square, magnitude);
        let small = self.multiply_add(inner, cube, magnitude);
        let saturated = self.number(x, saturated);
        let limited = self.op(LaneOp::Min, &[magnitude, saturated]);
        let (power, n) = if self.is_double(x) {
            let twice = self.add(limited, limited);
            let Reduced { p, n } = self.reduced_exponent(twice, None);
            (self.plus(p, 1.0), n)
        } else {
            // An error of the power counts less the larger it is: half of ln 2 in one piece is enough.
            let n = self.nearest(limited, 2.0 * LOG2_E);
            let multiple = self.times(n.0, LN_2 / 2.0);
            let r = self.sub(limited, multiple);
            (self.polynomial(r, EXP_TWICE_SINGLE), n.1)
        };
        let (factor, one) = (self.power_of_two(n), self.number(x, 1.0));
        let denominator = self.multiply_add(power, factor, one);
        let minus_two = self.number(x, -2.0);
        let quotient = self.div(minus_two, denominator);
        let large = self.plus(quotient, 1.0);
        let is_small = self.is_below(magnitude, 0.625);
        let value = self.choose(is_small, small, large);
        self.with_sign(value, x)
    }

    /// sinh and cosh. With A = e^|x| / 2, they are A - 1/(4 A) and A + 1/(4 A); sinh is a polynomial near 0.
    pub(crate) fn sinh_and_cosh(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let bound = self.by_width(x, 711.0, 90.0);
        let size = self.abs(x);
        let limited = self.limited(size, 0.0, bound);
        let Reduced { p, n } = self.reduced_exponent(limited, None);
        // Half of A, so that the power of two does not overflow before the result does.
        let two = self.integer(n, 2);
        let lowered = self.sub(n, two);
        let power = self.power_of_two(lowered);
        let value = self.plus(p, 1.0);
        let half = self.mul(value, power);
        let sixteenth = self.number(x, 0.0625);
        let other = self.div(sixteenth, half);
        let (difference, sum) = (self.sub(half, other), self.add(half, other));
        let (large, cosh) = (self.add(difference, difference), self.add(sum, sum));
        let square = self.mul(x, x);
        let coefficients = self.by_width(x, SINH, SINH_SINGLE);
        let rest = self.polynomial(square, coefficients);
        let cube = self.mul(square, size);
        let small = self.multiply_add(rest, cube, size);
        let is_small = self.is_below(size, 1.0);
        let sinh = self.choose(is_small, small, large);
        (self.with_sign(sinh, x), cosh)
    }

    /// The hyperbolic area sine: log1p of |x| + x^2 / (1 + sqrt(1 + x^2)), with its sign.
    pub(crate) fn asinh(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let threshold = self.by_width(x, 2f64.powi(60), 2f64.powi(30));
        let large = self.is_above(size, threshold);
        let square = self.mul(x, x);
        let sum = self.plus(square, 1.0);
        let root = self.sqrt(sum);
        let denominator = self.plus(root, 1.0);
        let bend = self.div(square, denominator);
        let (sum, low) = self.exact_sum(size, bend);
        let argument = self.choose(large, size, sum);
        let value = self.log1p_or_twice(large, argument, low);
        self.with_sign(value, x)
    }

    /// The hyperbolic area cosine: log1p of t + sqrt(t (2 + t)) with t = x - 1.
    pub(crate) fn acosh(&mut self, x: NodeId) -> NodeId {
        let threshold = self.by_width(x, 2f64.powi(60), 2f64.powi(30));
        let large = self.is_above(x, threshold);
        let t = self.plus(x, -1.0);
        let sum = self.plus(t, 2.0);
        let product = self.mul(t, sum);
        let root = self.sqrt(product);
        let (sum, low) = self.exact_sum(t, root);
        let argument = self.choose(large, x, sum);
        let value = self.log1p_or_twice(large, argument, low);
        let below = self.is_below(x, 1.0);
        self.put(below, f64::NAN, value)
    }

    /// The hyperbolic area tangent: half of log1p of 2 |x| / (1 - |x|), with its sign.
    pub(crate) fn atanh(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let twice = self.add(size, size);
        let rest = self.number_less(1.0, size);
        let quotient = self.div(twice, rest);
        let zero = self.number(x, 0.0);
        let value = self.log1p_of_pair(quotient, zero);
        let value = self.times(value, 0.5);
        let pole = self.is(size, 1.0);
        let value = self.put(pole, f64::INFINITY, value);
        let beyond = self.is_above(size, 1.0);
        let value = self.put(beyond, f64::NAN, value);
        self.with_sign(value, x)
    }
}
