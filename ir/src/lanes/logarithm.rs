//! Logarithms: x = 2^e (1 + f) with 1 + f near 1, and log(1 + f) = 2 s + s^3 R(s^2) with s = f / (2 + f), written as
//! f - f^2/2 + s (f^2/2 + s^2 R), which keeps f exact (this form is that of the FreeBSD library).

use super::Lanes;
use super::exponential::{LN2, LN2_SINGLE};
use super::float::Pair;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{LN_2, SQRT_2};

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

/// (log(1 + f) - f) / f^2 for the same numbers.
const WITHOUT_QUOTIENT_SINGLE: &[f64] = &[
    -0.07634498924016953,
    0.1276157796382904,
    -0.13160182535648346,
    0.14201757311820984,
    -0.16623356938362122,
    0.20001226663589478,
    -0.2500081956386566,
    0.3333333134651184,
    -0.5,
];

/// A logarithm's base: 1 / log(base) as the sum of two numbers, the first short; and the logarithm of 2 likewise.
struct Base {
    inverse: (f64, f64),
    of_two: (f64, f64),
}

const TWO: Base = Base { inverse: (1.4426950407214463, 1.6751713164886512e-10), of_two: (1.0, 0.0) };
const TWO_SINGLE: Base = Base { inverse: (1.442871093750, -1.7605285393e-4), of_two: (1.0, 0.0) };
const TEN: Base = Base {
    inverse: (0.4342944818781689, 2.5082946711645275e-11),
    of_two: (0.30102999566361177, 3.694239077158931e-13),
};
const TEN_SINGLE: Base =
    Base { inverse: (0.43432617187500, -3.1689971365e-5), of_two: (0.3010292053222656, 7.9034151668e-7) };

/// Parts of log(1 + f): f^2 / 2 and the summand s (f^2 / 2 + s^2 R).
pub(crate) struct Parts {
    pub(crate) half_square: NodeId,
    pub(crate) rest: NodeId,
}

impl Lanes<'_> {
    /// Of 1 + f between sqrt(1/2) and sqrt(2).
    pub(crate) fn logarithm_parts(&mut self, f: NodeId) -> Parts {
        let denominator = self.plus(f, 2.0);
        let s = self.div(f, denominator);
        let z = self.mul(s, s);
        let rest = self.by_width(f, REST, REST_SINGLE);
        let rest = self.polynomial(z, rest);
        let half_f = self.times(f, 0.5);
        let half_square = self.mul(half_f, f);
        let inner = self.multiply_add(rest, z, half_square);
        Parts { half_square, rest: self.mul(s, inner) }
    }

    /// The logarithm of a positive finite number as a multiple of ln 2, which is exact, and a number up to 1/2.
    pub(crate) fn logarithm_pair(&mut self, x: NodeId) -> Pair {
        let (f, e) = self.split(x);
        let Parts { half_square, rest } = self.logarithm_parts(f);
        let ln2 = self.by_width(x, LN2, LN2_SINGLE);
        let low = self.times(e, ln2.1);
        let low = self.add(low, rest);
        let low = self.sub(low, half_square);
        (self.times(e, ln2.0), self.add(low, f))
    }

    /// log x.
    pub(super) fn log_of(&mut self, x: NodeId) -> NodeId {
        let (high, low) = self.logarithm_pair(x);
        let value = self.add(high, low);
        self.logarithm_edges(x, value)
    }

    /// log(1 + x).
    pub(crate) fn log1p(&mut self, x: NodeId) -> NodeId {
        let value = if self.is_double(x) {
            let zero = self.number(x, 0.0);
            let value = self.log1p_of_pair(x, zero);
            let is_zero = self.is(x, 0.0);
            self.choose(is_zero, x, value)
        } else {
            self.log1p_of_single(x)
        };
        self.log1p_edges(x, value)
    }

    /// log(1 + x) of single precision, without a quotient. The exponent e of 1 + x is taken from the bits of the rounded
    /// sum, and f = x 2^-e - (1 - 2^-e) from x itself, whose digits it keeps; zeros keep their sign.
    fn log1p_of_single(&mut self, x: NodeId) -> NodeId {
        let sum = self.plus(x, 1.0);
        let (sum, bits) = (self.bits(sum), self.bits(x));
        let (root, mask) = (self.integer(bits, f32::to_bits(SQRT_2 as f32).into()), self.integer(bits, -1 << 23));
        // -e, in the place of the exponent.
        let lowered = self.sub(root, sum);
        let lowered = self.and(lowered, mask);
        let scaled = self.add(bits, lowered);
        let scaled = self.float(scaled);
        // 2^-e may be too small a number, four times it is not.
        let four = self.integer(bits, f32::to_bits(4.0).into());
        let four_times = self.add(four, lowered);
        let four_times = self.float(four_times);
        let power = self.times(four_times, 0.25);
        let rest = self.number_less(1.0, power);
        let f = self.sub(scaled, rest);
        let value = self.polynomial(f, WITHOUT_QUOTIENT_SINGLE);
        let square = self.mul(f, f);
        let value = self.multiply_add(value, square, f);
        let exponent = self.convert(lowered, DType::F32);
        let multiple = self.times(exponent, LN_2 / 8388608.0);
        self.sub(value, multiple)
    }

    /// log(1 + x + low) for x that is finite and above -1, `low` being small against x.
    pub(crate) fn log1p_of_pair(&mut self, x: NodeId, low: NodeId) -> NodeId {
        let one = self.number(x, 1.0);
        let (u, missing) = self.exact_sum(one, x);
        let missing = self.add(missing, low);
        let correction = self.div(missing, u);
        // Next to -1 the sum is exact: it is never denormal.
        let (f, e) = self.split_normal(u);
        let Parts { half_square, rest } = self.logarithm_parts(f);
        let ln2 = self.by_width(x, LN2, LN2_SINGLE);
        let low = self.times(e, ln2.1);
        let low = self.add(low, correction);
        let low = self.add(low, rest);
        let low = self.sub(low, half_square);
        let low = self.add(low, f);
        let high = self.times(e, ln2.0);
        self.add(high, low)
    }

    /// Puts in what log(1 + x) is at -1 and below, at infinity and NaN.
    fn log1p_edges(&mut self, x: NodeId, value: NodeId) -> NodeId {
        let usual = self.is_below(x, f64::INFINITY);
        let value = self.choose(usual, value, x);
        if self.is_never_negative(x) {
            return value;
        }
        let pole = self.is(x, -1.0);
        let nan = self.number(x, f64::NAN);
        let edge = self.put(pole, f64::NEG_INFINITY, nan);
        let within = self.is_above(x, -1.0);
        self.choose(within, value, edge)
    }

    /// Base-2 logarithm; whole for powers of two.
    pub(crate) fn log2(&mut self, x: NodeId) -> NodeId {
        let base = self.by_width(x, TWO, TWO_SINGLE);
        self.logarithm_to(x, &base)
    }

    /// Base-10 logarithm.
    pub(crate) fn log10(&mut self, x: NodeId) -> NodeId {
        let base = self.by_width(x, TEN, TEN_SINGLE);
        self.logarithm_to(x, &base)
    }

    /// The logarithm of the significand as a sum high + low, multiplied by the inverse's parts.
    fn logarithm_to(&mut self, x: NodeId, base: &Base) -> NodeId {
        let (f, e) = self.split(x);
        let Parts { half_square, rest } = self.logarithm_parts(f);
        let high = self.sub(f, half_square);
        let dropped = self.by_width(x, 32, 12);
        let high = self.truncated(high, dropped);
        let low = self.sub(f, high);
        let low = self.sub(low, half_square);
        let low = self.add(low, rest);
        let sum = self.add(low, high);
        let (first, second) = (self.times(high, base.inverse.0), self.times(low, base.inverse.0));
        let third = self.times(sum, base.inverse.1);
        let of_exponent = self.times(e, base.of_two.0);
        let small = self.times(e, base.of_two.1);
        // The exponent's part is 0 or the larger one.
        let value = self.add(of_exponent, first);
        let taken = self.sub(of_exponent, value);
        let missing = self.add(taken, first);
        let small = self.add(small, third);
        let small = self.add(small, second);
        let small = self.add(small, missing);
        let value = self.add(value, small);
        self.logarithm_edges(x, value)
    }

    /// Puts in what a logarithm is at zero and infinity, and NaN for negative numbers and NaN.
    fn logarithm_edges(&mut self, x: NodeId, value: NodeId) -> NodeId {
        let infinite = self.is(x, f64::INFINITY);
        let value = self.put(infinite, f64::INFINITY, value);
        let zero = self.is(x, 0.0);
        let value = self.put(zero, f64::NEG_INFINITY, value);
        let zero = self.number(x, 0.0);
        let valid = self.op(LaneOp::Le, &[zero, x]);
        let nan = self.number(x, f64::NAN);
        self.choose(valid, value, nan)
    }

    /// log(2 x) for large x and log(1 + x + low) otherwise, for nonnegative x; infinity and NaN stay.
    pub(crate) fn log1p_or_twice(&mut self, large: NodeId, x: NodeId, low: NodeId) -> NodeId {
        let zero = self.number(x, 0.0);
        let low = self.choose(large, zero, low);
        let value = self.log1p_of_pair(x, low);
        let raised = self.plus(value, LN_2);
        let value = self.choose(large, raised, value);
        let infinite = self.is(x, f64::INFINITY);
        let value = self.put(infinite, f64::INFINITY, value);
        let nan = self.op(LaneOp::Ne, &[x, x]);
        self.choose(nan, x, value)
    }
}
