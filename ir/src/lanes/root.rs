//! The cube root.

use super::Lanes;
use crate::kernel::NodeId;

/// The cube root of 1 + f, in terms of f, for numbers between sqrt(1/2) and sqrt(2).
const START: &[f64] = &[
    -0.01926717343884374,
    0.03305103372498255,
    -0.04196258340701144,
    0.0616084004292981,
    -0.11108084330222154,
    0.33333466414961627,
    0.999999843138507,
];
const START_SINGLE: &[f64] =
    &[-0.036000192165374756, 0.06534527987241745, -0.111729696393013, 0.3332432210445404, 1.000006914138794];

/// 2^(1/3).
const ROOT_OF_TWO: f64 = 1.2599210498948732;

impl Lanes<'_> {
    /// The cube root of 2^e (1 + f), with e = 3 q + r and r one of -1, 0, 1: a polynomial, shortened so that its square is
    /// exact, and one step of Halley's method, which triples the number of digits.
    pub(crate) fn cbrt(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let (f, e) = self.split(size);
        let q = self.nearest(e, 1.0 / 3.0);
        let tripled = self.times(q.0, 3.0);
        let rest = self.sub(e, tripled);
        let (above, below) = (self.is_above(rest, 0.0), self.is_below(rest, 0.0));
        let one = self.number(x, 1.0);
        let factor = self.put(above, 2.0, one);
        let factor = self.put(below, 0.5, factor);
        let root = self.put(above, ROOT_OF_TWO, one);
        let root = self.put(below, ROOT_OF_TWO * ROOT_OF_TWO / 2.0, root);
        let m = self.plus(f, 1.0);
        let m = self.mul(m, factor);
        let start = self.by_width(x, START, START_SINGLE);
        let start = self.polynomial(f, start);
        let start = self.mul(start, root);
        let dropped = self.by_width(x, 30, 12);
        let t = self.truncated(start, dropped);
        let square = self.mul(t, t);
        let quotient = self.div(m, square);
        let difference = self.sub(quotient, t);
        let sum = self.add(t, t);
        let sum = self.add(sum, quotient);
        let step = self.div(difference, sum);
        let t = self.multiply_add(t, step, t);
        let power = self.power_of_two(q.1);
        let value = self.mul(t, power);
        let value = self.with_sign(value, x);
        // Zeros, infinities and NaN are their own roots.
        let infinity = self.number(x, f64::INFINITY);
        let (positive, finite) = (self.is_above(size, 0.0), self.less(size, infinity));
        let usual = self.and(positive, finite);
        self.choose(usual, value, x)
    }
}
