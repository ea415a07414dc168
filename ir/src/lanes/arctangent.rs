//! The angle of a point: the arctangent in two arguments.

use super::Lanes;
use super::float::Pair;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

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
const HALF_SLOPE: (f64, f64) = (0.4636476090008061, 2.2698777452961687e-17);
const EIGHTH: (f64, f64) = (FRAC_PI_4, 3.061616997868383e-17);
const RIGHT: (f64, f64) = (FRAC_PI_2, 6.123233995736766e-17);
const STRAIGHT: (f64, f64) = (PI, 1.2246467991473532e-16);

impl Lanes<'_> {
    /// The angle of the point (x, y): the arctangent of the smaller magnitude over the larger, then the octant.
    ///
    /// The quotient q is reduced to t by the angles 0, atan(1/2) and pi/4, with t as one quotient of sums, so that there is
    /// a single division: (q - c) / (1 + c q) for c = 0, 1/2, 1.
    pub(super) fn atan2_of(&mut self, y: NodeId, x: NodeId) -> NodeId {
        let (size_x, size_y) = (self.abs(x), self.abs(y));
        let steep = self.less(size_x, size_y);
        let (small, large) = (self.choose(steep, size_x, size_y), self.choose(steep, size_y, size_x));
        let (small, large) = self.comparable(small, large);

        let (first, second) = (self.times(large, 7.0 / 16.0), self.times(large, 11.0 / 16.0));
        let beyond_first = self.op(LaneOp::Le, &[first, small]);
        let beyond_second = self.op(LaneOp::Le, &[second, small]);
        let zero = self.number(x, 0.0);
        let c = self.put(beyond_first, 0.5, zero);
        let c = self.put(beyond_second, 1.0, c);
        let multiple = self.mul(c, large);
        let numerator = self.sub(small, multiple);
        let denominator = self.multiply_add(c, small, large);
        let t = self.div(numerator, denominator);
        let z = self.mul(t, t);
        let rest = self.by_width(x, REST, REST_SINGLE);
        let rest = self.polynomial(z, rest);
        let cube = self.mul(z, t);
        let correction = self.mul(rest, cube);

        // The angle is offset + (t + correction), and after reflections base -+ that; low parts are added first.
        let nothing = (zero, zero);
        let (half_slope, eighth) = (self.two_parts(x, HALF_SLOPE), self.two_parts(x, EIGHTH));
        let offset = self.choose_pair(beyond_first, half_slope, nothing);
        let offset = self.choose_pair(beyond_second, eighth, offset);
        let low = self.add(correction, offset.1);
        let low = self.add(low, t);
        let (angle, low) = self.quick_sum(offset.0, low);

        let backward = self.is_negative(x);
        let (straight, right) = (self.two_parts(x, STRAIGHT), self.two_parts(x, RIGHT));
        let base = self.choose_pair(backward, straight, nothing);
        let base = self.choose_pair(steep, right, base);
        // Steep: right - angle where x is positive, right + angle where it is negative. Else: angle, or straight - angle.
        let reflected = self.op(LaneOp::Ne, &[steep, backward]);
        let opposite = (self.neg(angle), self.neg(low));
        let (angle, low) = self.choose_pair(reflected, opposite, (angle, low));
        let low = self.add(low, base.1);
        let (high, rest) = self.quick_sum(base.0, angle);
        let low = self.add(low, rest);
        let value = self.add(high, low);

        let value = self.with_sign(value, y);
        let (nan_x, nan_y) = (self.op(LaneOp::Ne, &[x, x]), self.op(LaneOp::Ne, &[y, y]));
        let unordered = self.or(nan_x, nan_y);
        let nan = self.add(x, y);
        self.choose(unordered, nan, value)
    }

    /// Replaces magnitudes whose quotient or sums make no sense: both infinite is as 1 : 1, a finite one to an infinite one as
    /// 0 : 1, both zero too. Very large and very small ones are scaled, so that sums do not overflow and keep their digits.
    fn comparable(&mut self, small: NodeId, large: NodeId) -> Pair {
        let exponent = self.by_width(large, 960, 90);
        let one = self.number(large, 1.0);
        let huge = self.is_above(large, 2f64.powi(exponent));
        let factor = self.put(huge, 2f64.powi(-60), one);
        let tiny = self.is_below(large, 2f64.powi(-exponent));
        let factor = self.put(tiny, 2f64.powi(60), factor);
        let (scaled_small, scaled_large) = (self.mul(small, factor), self.mul(large, factor));
        let infinite = self.is(large, f64::INFINITY);
        let both = self.is(small, f64::INFINITY);
        let zero = self.number(large, 0.0);
        let limit = self.choose(both, one, zero);
        let small = self.choose(infinite, limit, scaled_small);
        let origin = self.is(large, 0.0);
        let unit = self.or(infinite, origin);
        (small, self.choose(unit, one, scaled_large))
    }

    /// A literal as the sum of two numbers of the width of `like`.
    fn two_parts(&mut self, like: NodeId, (high, low): (f64, f64)) -> Pair {
        let rounded = f64::from(high as f32);
        let (high, low) = self.by_width(like, (high, low), (rounded, high - rounded));
        (self.number(like, high), self.number(like, low))
    }

    fn choose_pair(&mut self, condition: NodeId, a: Pair, b: Pair) -> Pair {
        (self.choose(condition, a.0, b.0), self.choose(condition, a.1, b.1))
    }
}
