//! Hyperbolic functions and their inverses.

use super::Lanes;
use super::exponential::Reduced;
use crate::kernel::NodeId;

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

impl Lanes<'_> {
    /// sinh and cosh. With A = e^|x| / 2, they are A - 1/(4 A) and A + 1/(4 A); sinh is a polynomial near 0.
    pub(crate) fn sinh_and_cosh(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let bound = self.by_width(x, 711.0, 90.0);
        let size = self.abs(x);
        let limited = self.limited(size, 0.0, bound);
        let Reduced { p, n } = self.reduced_exponent(limited, None);
        // Half of A, so that the power of two does not overflow before the result does.
        let two = self.integer(n.1, 2);
        let lowered = self.sub(n.1, two);
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
