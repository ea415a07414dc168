//! The inverse circular functions of a sine or cosine, and the sine of multiples of a straight angle.

use super::Lanes;
use super::circular::LARGEST_ANGLE;
use super::float::Pair;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{FRAC_PI_2, PI};

/// (asin(s) / s - 1) / s^2 in terms of s^2, for |s| <= 1/2.
const ASIN: &[f64] = &[
    0.028169218060881414,
    -0.010749050339697808,
    0.01603551434914882,
    0.0078029494773533175,
    0.011875494382636922,
    0.013929652902326633,
    0.017355259955786323,
    0.02237204763174451,
    0.03038194736709848,
    0.044642857103423646,
    0.07500000000020764,
    0.1666666666666665,
];
const ASIN_SINGLE: &[f64] = &[
    0.03369084745645523,
    0.017149237915873528,
    0.031100662425160408,
    0.04459940269589424,
    0.07500094175338745,
    0.1666666567325592,
];

/// (tan(r) / r - 1) / r^2 in terms of r^2, for |r| <= pi/4.
const TAN: &[f64] = &[
    8.487285594671859e-06,
    -1.833169905712586e-05,
    3.654645976053761e-05,
    -1.1046558640843717e-05,
    5.5611243893475796e-05,
    8.99738173317227e-05,
    0.00024123023201540384,
    0.0005895746779049437,
    0.001455902893419782,
    0.0035921209631917536,
    0.0088632360047476,
    0.021869488517019683,
    0.05396825396865669,
    0.13333333333333,
    0.3333333333333333,
];

impl Lanes<'_> {
    /// The tangent. The quotient of a sine and a cosine is off by three errors: single precision is computed in double, and
    /// double by a polynomial of its own, up to large arguments.
    pub(crate) fn tan(&mut self, x: NodeId) -> NodeId {
        let double = self.is_double(x);
        self.in_double(x, |lanes, x| {
            let (sin, cos) = (lanes.op(LaneOp::Sin, &[x]), lanes.op(LaneOp::Cos, &[x]));
            let quotient = lanes.div(sin, cos);
            if double { lanes.precise_tan(x, quotient) } else { quotient }
        })
    }

    /// The tangent, with a value for large arguments. Of the distance r + low to the nearest multiple of a right angle, it
    /// is t + rest or, after an odd multiple, -1 / (t + rest).
    fn precise_tan(&mut self, x: NodeId, large: NodeId) -> NodeId {
        let ((r, low), quadrant) = self.reduced_angle(x);
        let square = self.mul(r, r);
        let rest = self.polynomial(square, TAN);
        let cube = self.mul(square, r);
        let rest = self.mul(rest, cube);
        let t = self.add(r, rest);
        let slope = self.mul(t, t);
        let low = self.multiply_add(slope, low, low);
        let rest = self.add(rest, low);
        let t = self.add(r, rest);
        let kept = self.sub(t, r);
        let rest = self.sub(rest, kept);

        let inverse = self.reciprocal(t);
        let square = self.mul(inverse, inverse);
        let correction = self.mul(square, rest);
        let cotangent = self.sub(correction, inverse);
        let one = self.integer(quadrant, 1);
        let parity = self.and(quadrant, one);
        let is_odd = self.equal(parity, one);
        let value = self.choose(is_odd, cotangent, t);
        let size = self.abs(x);
        let is_reduced = self.is_below(size, LARGEST_ANGLE);
        let value = self.choose(is_reduced, value, large);
        // Small numbers are their own tangents, zeros with their sign.
        let is_tiny = self.is_below(size, 1e-9);
        self.choose(is_tiny, x, value)
    }

    /// pi/2 as a number of the width of `x` and what that leaves out.
    fn right_angle(&mut self, x: NodeId) -> Pair {
        let low = 6.123233995736766e-17;
        let parts = self.by_width(x, (FRAC_PI_2, low), (FRAC_PI_2, FRAC_PI_2 - f64::from(FRAC_PI_2 as f32)));
        (self.number(x, parts.0), self.number(x, parts.1))
    }

    /// asin(s) - s, from s and s^2.
    fn bend(&mut self, s: NodeId, square: NodeId) -> NodeId {
        let rest = self.by_width(s, ASIN, ASIN_SINGLE);
        let rest = self.polynomial(square, rest);
        let factor = self.mul(rest, square);
        self.mul(factor, s)
    }

    /// Of a number in [-1, 1]: whether its magnitude is above 1/2, and s and s^2 with asin |x| = asin s below and
    /// pi/2 - 2 asin s above.
    fn reduced_sine(&mut self, x: NodeId) -> (NodeId, NodeId, NodeId) {
        let size = self.abs(x);
        let is_large = self.is_above(size, 0.5);
        let rest = self.number_less(1.0, size);
        let half_rest = self.times(rest, 0.5);
        let square = self.mul(x, x);
        let square = self.choose(is_large, half_rest, square);
        let root = self.sqrt(half_rest);
        let s = self.choose(is_large, root, size);
        (is_large, s, square)
    }

    /// The arcsine. Above 1/2 the root s is taken with what its rounding leaves out: s = u + c with u^2 exact.
    pub(crate) fn asin(&mut self, x: NodeId) -> NodeId {
        let (is_large, s, square) = self.reduced_sine(x);
        let bend = self.bend(s, square);
        let small = self.add(s, bend);
        let upper = self.upper_half(s);
        let upper_square = self.mul(upper, upper);
        let missing = self.sub(square, upper_square);
        let sum = self.add(s, upper);
        let rest = self.div(missing, sum);
        let zero = self.number(x, 0.0);
        let vanishes = self.equal(sum, zero);
        let rest = self.choose(vanishes, zero, rest);
        let (right, right_low) = self.right_angle(x);
        let twice_rest = self.add(rest, rest);
        let low = self.sub(right_low, twice_rest);
        let twice_bend = self.add(bend, bend);
        let low = self.sub(low, twice_bend);
        let twice_upper = self.add(upper, upper);
        let (high, missing) = {
            let high = self.sub(right, twice_upper);
            let taken = self.sub(right, high);
            (high, self.sub(taken, twice_upper))
        };
        let low = self.add(low, missing);
        let large = self.add(high, low);
        let value = self.choose(is_large, large, small);
        self.with_sign_unless_nan(value, x)
    }

    /// The arccosine: pi/2 - asin x up to 1/2, beyond 2 asin s, taken from pi where x is negative.
    pub(crate) fn acos(&mut self, x: NodeId) -> NodeId {
        let (is_large, s, square) = self.reduced_sine(x);
        let bend = self.bend(s, square);
        let (right, right_low) = self.right_angle(x);
        let negative = self.is_below(x, 0.0);
        let flipped = self.neg(bend);
        let signed_bend = self.choose(negative, flipped, bend);
        let low = self.sub(right_low, signed_bend);
        let (high, missing) = {
            let high = self.sub(right, x);
            let taken = self.sub(right, high);
            (high, self.sub(taken, x))
        };
        let low = self.add(low, missing);
        let small = self.add(high, low);
        let near = self.add(s, bend);
        let near = self.add(near, near);
        let (straight, straight_low) = (self.add(right, right), self.add(right_low, right_low));
        let twice_bend = self.add(bend, bend);
        let low = self.sub(straight_low, twice_bend);
        let twice = self.add(s, s);
        let high = self.sub(straight, twice);
        let far = self.add(high, low);
        let large = self.choose(negative, far, near);
        self.choose(is_large, large, small)
    }

    /// The sign of `sign` put on a nonnegative magnitude, NaN left as it is.
    fn with_sign_unless_nan(&mut self, magnitude: NodeId, sign: NodeId) -> NodeId {
        let value = self.with_sign(magnitude, sign);
        let is_nan = self.op(LaneOp::Ne, &[magnitude, magnitude]);
        self.choose(is_nan, magnitude, value)
    }

    /// Sine and cosine of pi x, exactly reduced.
    pub(crate) fn sin_and_cos_of_turns(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let whole = self.op(LaneOp::Round, &[x]);
        let rest = self.sub(x, whole);
        let angle = self.times(rest, PI);
        let (sin, cos) = (self.op(LaneOp::Sin, &[angle]), self.op(LaneOp::Cos, &[angle]));
        let half = self.times(whole, 0.5);
        let floor = self.op(LaneOp::Floor, &[half]);
        let odd = self.op(LaneOp::Ne, &[half, floor]);
        let (minus_sin, minus_cos) = (self.neg(sin), self.neg(cos));
        (self.choose(odd, minus_sin, sin), self.choose(odd, minus_cos, cos))
    }

    /// sin(pi x) / (pi x), and 1 at 0.
    pub(crate) fn sinc(&mut self, x: NodeId) -> NodeId {
        let (sin, _) = self.sin_and_cos_of_turns(x);
        let angle = self.times(x, PI);
        let value = self.div(sin, angle);
        let zero = self.is(x, 0.0);
        self.put(zero, 1.0, value)
    }
}
