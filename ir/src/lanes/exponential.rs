//! Functions by way of e^x = 2^n (1 + p) with p = e^r - 1, r = x - n ln 2.

use super::Lanes;
use super::float::Pair;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{LN_2, LOG2_E};

/// ln 2 as the sum of two numbers, the first with enough zeros that its products with exponents are exact.
pub(super) const LN2: (f64, f64) = (0.6931471803691238, 1.9082149292705877e-10);
pub(super) const LN2_SINGLE: (f64, f64) = (0.693145751953125, 1.428606765330187e-6);

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

/// The p of e^x = 2^n (1 + p), and n as a float and an integer.
pub(crate) struct Reduced {
    /// e^r - 1.
    pub(crate) p: NodeId,
    /// n, in the low bits of an integer.
    pub(crate) n: NodeId,
}

impl Lanes<'_> {
    /// e^x = 2^n e^r with r = x - n ln 2.
    pub(super) fn exp_of(&mut self, x: NodeId) -> NodeId {
        // Beyond these the result is 0 or infinite anyway.
        let bounds = self.by_width(x, (-746.0, 710.0), (-104.0, 89.0));
        let x = self.limited(x, bounds.0, bounds.1);
        let (r, n) = self.exponent_rest(x, None);
        let rest = self.by_width(x, REST, REST_SINGLE);
        let value = self.polynomial(r, &[rest, &[1.0, 1.0]].concat());
        self.scale(value, n)
    }

    /// Reduces the exponent `x` + `low`, where `low` is small; |x| must be below some thousands.
    pub(crate) fn reduced_exponent(&mut self, x: NodeId, low: Option<NodeId>) -> Reduced {
        let (r, n) = self.exponent_rest(x, low);
        Reduced { p: self.small_expm1(r), n }
    }

    /// The r and n of the same.
    fn exponent_rest(&mut self, x: NodeId, low: Option<NodeId>) -> (NodeId, NodeId) {
        let ln2 = self.by_width(x, LN2, LN2_SINGLE);
        let n = self.nearest(x, LOG2_E);
        let (high_part, low_part) = (self.times(n.0, ln2.0), self.times(n.0, ln2.1));
        let r = self.sub(x, high_part);
        let r = match low {
            Some(low) => {
                let low = self.sub(low, low_part);
                self.add(r, low)
            }
            None => self.sub(r, low_part),
        };
        (r, n.1)
    }

    /// e^r - 1 for |r| <= ln(2) / 2.
    fn small_expm1(&mut self, r: NodeId) -> NodeId {
        let rest = self.by_width(r, REST, REST_SINGLE);
        let rest = self.polynomial(r, rest);
        let square = self.mul(r, r);
        self.multiply_add(rest, square, r)
    }

    /// e^(x + low) times a factor, as the factor's scaled sum with its multiple of p.
    pub(crate) fn exp_of_pair_times(&mut self, (x, low): Pair, factor: NodeId) -> NodeId {
        let bounds = self.by_width(x, (-800.0, 710.0), (-125.0, 89.0));
        let x = self.limited(x, bounds.0, bounds.1);
        let Reduced { p, n } = self.reduced_exponent(x, Some(low));
        let value = self.multiply_add(p, factor, factor);
        self.scale(value, n)
    }

    /// 2^x.
    pub(crate) fn exp2(&mut self, x: NodeId) -> NodeId {
        let bounds = self.by_width(x, (-1076.0, 1025.0), (-151.0, 129.0));
        let x = self.limited(x, bounds.0, bounds.1);
        let (float, n) = self.nearest(x, 1.0);
        let rest = self.sub(x, float);
        let r = self.times(rest, LN_2);
        let p = self.small_expm1(r);
        let value = self.plus(p, 1.0);
        self.scale(value, n)
    }

    /// e^x - 1, as 2 (2^(n-1) p + (2^(n-1) - 1/2)), which does not overflow before the result does.
    pub(crate) fn expm1(&mut self, x: NodeId) -> NodeId {
        // Below, the result is -1 to the last digit.
        let bounds = self.by_width(x, (-50.0, 710.0), (-30.0, 89.0));
        let limited = self.limited(x, bounds.0, bounds.1);
        let Reduced { p, n } = self.reduced_exponent(limited, None);
        let before = self.integer(n, -1);
        let before = self.add(n, before);
        let power = self.power_of_two(before);
        let whole = self.plus(power, -0.5);
        let value = self.multiply_add(power, p, whole);
        let value = self.add(value, value);
        let size = self.abs(x);
        let threshold = self.by_width(x, 2f64.powi(-54), 2f64.powi(-25));
        let tiny = self.is_below(size, threshold);
        self.choose(tiny, x, value)
    }

    /// 1 / (1 + e^-x), from the exponential that does not overflow. Where x is negative, the power counts fully, and what
    /// its rounding leaves out is added in the first order.
    pub(crate) fn logistic(&mut self, x: NodeId) -> NodeId {
        let bound = self.by_width(x, 750.0, 110.0);
        let size = self.abs(x);
        let size = self.limited(size, 0.0, bound);
        let negative = self.neg(size);
        let Reduced { p, n } = self.reduced_exponent(negative, None);
        let value = self.plus(p, 1.0);
        let kept = self.plus(value, -1.0);
        let missing = self.sub(p, kept);
        let power = self.scale(value, n);
        let one = self.number(x, 1.0);
        let denominator = self.add(one, power);
        let is_negative = self.is_below(x, 0.0);
        let numerator = self.choose(is_negative, power, one);
        let quotient = self.div(numerator, denominator);
        // 1 / value is 2 - value nearly enough.
        let inverse = self.number_less(2.0, value);
        let relative = self.mul(missing, inverse);
        let rest = self.sub(quotient, one);
        let slope = self.mul(quotient, rest);
        let correction = self.mul(slope, relative);
        let corrected = self.sub(quotient, correction);
        self.choose(is_negative, corrected, quotient)
    }

    /// max(x, 0) + log(1 + e^-|x|).
    pub(crate) fn softplus(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let negative = self.neg(size);
        let power = self.op(LaneOp::Exp, &[negative]);
        let zero = self.number(x, 0.0);
        let positive = self.op(LaneOp::Max, &[x, zero]);
        let rest = self.log1p(power);
        self.add(positive, rest)
    }

    /// log(e^a + e^b), the larger of two equal infinities being the result.
    pub(crate) fn logaddexp(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let large = self.op(LaneOp::Max, &[a, b]);
        let difference = self.sub(a, b);
        let size = self.abs(difference);
        let negative = self.neg(size);
        let power = self.op(LaneOp::Exp, &[negative]);
        let rest = self.log1p(power);
        let sum = self.add(large, rest);
        let same = self.equal(a, b);
        let doubled = self.plus(large, LN_2);
        self.choose(same, doubled, sum)
    }
}
