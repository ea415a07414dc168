//! Powers.
//!
//! |x|^y = 2^(y log2 |x|), then sign and special cases. The power multiplies the error of the logarithm by as much as the
//! largest exponent, so floats are computed in double precision and doubles as sums of two numbers.

use super::Lanes;
use super::exponential::REST;
use super::float::Pair;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::LN_2;

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

/// 1/3, 2 / ln 2 and ln 2 as sums of two numbers, the first to full precision.
const THIRD: (f64, f64) = (0.3333333333333333, 1.850371707708594e-17);
const TWO_OVER_LN2: (f64, f64) = (2.8853900817779268, 4.0710547481862066e-17);
const LN2_FULL: (f64, f64) = (LN_2, 2.3190468138462996e-17);

impl Lanes<'_> {
    /// x^y.
    pub(super) fn pow_of(&mut self, x: NodeId, y: NodeId) -> NodeId {
        let magnitude = self.abs(x);
        let value = if self.is_double(x) {
            self.power_of_double(magnitude, y)
        } else {
            let (base, exponent) = (self.convert(magnitude, DType::F64), self.convert(y, DType::F64));
            let value = self.power_of_single(base, exponent);
            self.convert(value, DType::F32)
        };
        self.power_at_edges((x, y), magnitude, value)
    }

    /// x^y of doubles that hold floats, x not negative, to more than single precision.
    fn power_of_single(&mut self, x: NodeId, y: NodeId) -> NodeId {
        // The least float is a normal double.
        let (f, e) = self.split_normal(x);
        let denominator = self.plus(f, 2.0);
        let s = self.div(f, denominator);
        let z = self.mul(s, s);
        let ratio = self.polynomial(z, LOG2);
        let log = self.multiply_add(s, ratio, e);
        let log = self.exponent_at_edges(x, log);
        let product = self.mul(y, log);
        // Beyond these the result is 0 or infinite anyway.
        let product = self.limited(product, -200.0, 200.0);
        let (float, n) = self.nearest(product, 1.0);
        let r = self.sub(product, float);
        let value = self.polynomial(r, EXP2);
        let factor = self.power_of_two(n);
        self.mul(value, factor)
    }

    /// x^y of doubles, x not negative.
    fn power_of_double(&mut self, x: NodeId, y: NodeId) -> NodeId {
        let (log, log_low) = self.precise_log2(x);
        let log = self.exponent_at_edges(x, log);
        let (product, low) = self.exact_product(y, log);
        let low = self.multiply_add(y, log_low, low);
        // Beyond these the result is infinite or 0, and the low part may be anything.
        let size = self.abs(product);
        let within = self.is_below(size, 1100.0);
        let zero = self.number(x, 0.0);
        let low = self.choose(within, low, zero);
        let product = self.limited(product, -1100.0, 1100.0);
        let (float, n) = self.nearest(product, 1.0);
        let r = self.sub(product, float);
        // 2^(r + low) = e^w
        let (w, w_low) = self.exact_multiple(r, LN2_FULL.0);
        let ln2 = self.number(r, LN2_FULL.0);
        let ln2_low = self.number(r, LN2_FULL.1);
        let w_low = self.multiply_add(r, ln2_low, w_low);
        let w_low = self.multiply_add(low, ln2, w_low);
        let (w, w_low) = self.quick_sum(w, w_low);
        let rest = self.polynomial(w, REST);
        let square = self.mul(w, w);
        let rest = self.multiply_add(rest, square, w_low);
        let sum = self.add(w, rest);
        let value = self.plus(sum, 1.0);
        self.scale(value, n)
    }

    /// log2 of a positive finite double as the sum of two: e + 2 / ln 2 atanh(s), s = f / (2 + f), with
    /// atanh(s) = s (1 + z / 3 + z^2 P(z)), z = s^2; only P is of ordinary precision.
    fn precise_log2(&mut self, x: NodeId) -> Pair {
        let (f, e) = self.split(x);
        let (one, two) = (self.number(x, 1.0), self.number(x, 2.0));
        let (denominator, denominator_low) = self.quick_sum(two, f);
        let inverse = self.div(one, denominator);
        let s = self.mul(f, inverse);
        let (back, back_low) = self.exact_product(s, denominator);
        let left = self.sub(f, back);
        let left = self.sub(left, back_low);
        let missing = self.mul(s, denominator_low);
        let left = self.sub(left, missing);
        let s_low = self.mul(left, inverse);
        let (s, s_low) = self.quick_sum(s, s_low);

        let (square, low) = self.exact_square(s);
        let twice = self.add(s, s);
        let low = self.multiply_add(twice, s_low, low);
        let z = self.quick_sum(square, low);
        let p = self.polynomial(z.0, ATANH);
        let fourth = self.mul(z.0, z.0);
        let p = self.mul(p, fourth);
        let (third, third_low) = self.pair_multiple(z, THIRD);
        let (a, a_low) = self.quick_sum(one, third);
        let rest = self.add(third_low, p);
        let a_low = self.add(a_low, rest);
        let a = self.quick_sum(a, a_low);

        let u = self.pair_product((s, s_low), a);
        let (v, v_low) = self.pair_multiple(u, TWO_OVER_LN2);
        let (log, log_low) = self.quick_sum(e, v);
        let log_low = self.add(log_low, v_low);
        self.quick_sum(log, log_low)
    }

    /// A product of sums of two numbers.
    fn pair_product(&mut self, (a, a_low): Pair, (b, b_low): Pair) -> Pair {
        let (high, low) = self.exact_product(a, b);
        let low = self.multiply_add(a, b_low, low);
        let low = self.multiply_add(a_low, b, low);
        self.quick_sum(high, low)
    }

    /// A sum of two doubles times a literal that is one.
    fn pair_multiple(&mut self, (a, a_low): Pair, factor: (f64, f64)) -> Pair {
        let (high, low) = self.exact_multiple(a, factor.0);
        let (b, b_low) = (self.number(a, factor.0), self.number(a, factor.1));
        let low = self.multiply_add(a, b_low, low);
        let low = self.multiply_add(a_low, b, low);
        self.quick_sum(high, low)
    }

    /// The base-2 logarithms of 0, infinity and NaN.
    fn exponent_at_edges(&mut self, x: NodeId, log: NodeId) -> NodeId {
        let zero = self.is(x, 0.0);
        let log = self.put(zero, f64::NEG_INFINITY, log);
        let infinity = self.number(x, f64::INFINITY);
        let finite = self.less(x, infinity);
        self.choose(finite, log, x)
    }

    /// What C says about negative bases, bases of magnitude 1 and exponents of 0; `value` is |x|^y.
    fn power_at_edges(&mut self, (x, y): Pair, magnitude: NodeId, value: NodeId) -> NodeId {
        let unit = self.is(magnitude, 1.0);
        let value = self.put(unit, 1.0, value);

        let truncated = self.op(LaneOp::Trunc, &[y]);
        let half = self.times(y, 0.5);
        let half_truncated = self.op(LaneOp::Trunc, &[half]);
        let whole = self.equal(truncated, y);
        let not_even = self.op(LaneOp::Ne, &[half_truncated, half]);
        let odd = self.and(whole, not_even);
        let negative = self.is_negative(x);
        let opposite = self.and(negative, odd);
        let negated = self.neg(value);
        let value = self.choose(opposite, negated, value);

        let below = self.is_below(x, 0.0);
        let infinity = self.number(x, f64::INFINITY);
        let finite = self.less(magnitude, infinity);
        let broken = self.op(LaneOp::Ne, &[truncated, y]);
        let invalid = self.and(below, finite);
        let invalid = self.and(invalid, broken);
        let value = self.put(invalid, f64::NAN, value);

        let no_power = self.is(y, 0.0);
        let base_one = self.is(x, 1.0);
        let certain = self.or(no_power, base_one);
        self.put(certain, 1.0, value)
    }
}
