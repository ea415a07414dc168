//! Functions of complex numbers on their real and imaginary lanes, from functions of real numbers, in forms that neither
//! cancel nor overflow before the result does. On cuts they are continuous with the side the sign of zero names.
//!
//! The inverse functions are those of W. Kahan, *Branch cuts for complex elementary functions*, 1987.

use super::float::Pair;
use super::{Lane, Lanes};
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::FRAC_PI_2;

impl Lanes<'_> {
    /// sin b and cos b.
    fn sin_and_cos(&mut self, b: NodeId) -> (NodeId, NodeId) {
        (self.op(LaneOp::Sin, &[b]), self.op(LaneOp::Cos, &[b]))
    }

    /// a b, where a zero among them is exact: its product with what is infinite is a zero of the product's sign, and with NaN
    /// it is itself.
    pub(crate) fn exact_zero_product(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let product = self.mul(a, b);
        let is_nan = self.op(LaneOp::Ne, &[product, product]);
        let mut value = product;
        for (zero, other) in [(a, b), (b, a)] {
            let (opposite, negative) = (self.neg(zero), self.is_below(other, 0.0));
            let signed = self.choose(negative, opposite, zero);
            let is_zero = self.is(zero, 0.0);
            let applies = self.and(is_zero, is_nan);
            value = self.choose(applies, signed, value);
        }
        value
    }

    /// sinh(a + ib) = sinh a cos b + i cosh a sin b.
    pub(crate) fn complex_sinh(&mut self, (a, b): Pair) -> Pair {
        let (sinh, cosh) = self.sinh_and_cosh(a);
        let (sin, cos) = self.sin_and_cos(b);
        (self.exact_zero_product(sinh, cos), self.exact_zero_product(cosh, sin))
    }

    /// cosh(a + ib) = cosh a cos b + i sinh a sin b.
    pub(crate) fn complex_cosh(&mut self, (a, b): Pair) -> Pair {
        let (sinh, cosh) = self.sinh_and_cosh(a);
        let (sin, cos) = self.sin_and_cos(b);
        (self.mul(cosh, cos), self.exact_zero_product(sinh, sin))
    }

    /// tanh(a + ib) = (t + i sin b cos b u) / (t^2 + u cos^2 b) with t = tanh a, u = 1 / cosh^2 a: nothing overflows, and the
    /// denominator is a sum of nonnegative terms. Infinitely far out it is 1 or -1, whatever b is.
    pub(crate) fn complex_tanh(&mut self, (a, b): Pair) -> Pair {
        let (sin, cos) = self.sin_and_cos(b);
        let tanh = self.op(LaneOp::Tanh, &[a]);
        let (_, cosh) = self.sinh_and_cosh(a);
        let sech = self.reciprocal(cosh);
        let scaled = self.mul(cos, sech);
        let (tanh_squared, scaled_squared) = (self.mul(tanh, tanh), self.mul(scaled, scaled));
        let denominator = self.add(tanh_squared, scaled_squared);
        let im = self.mul(sin, scaled);
        let im = self.mul(im, sech);
        let (re, im) = (self.div(tanh, denominator), self.div(im, denominator));
        let size = self.abs(a);
        let infinite = self.is(size, f64::INFINITY);
        let undecided = self.op(LaneOp::Ne, &[sin, sin]);
        let outside = self.and(infinite, undecided);
        let im = self.put(outside, 0.0, im);
        // Real numbers stay real, NaN included.
        let is_real = self.is(b, 0.0);
        (self.choose(outside, tanh, re), self.choose(is_real, b, im))
    }

    /// e^z - 1: the real part is expm1(a) cos b - 2 sin(b/2)^2.
    pub(crate) fn complex_expm1(&mut self, (a, b): Pair) -> Pair {
        let (sin, cos) = self.sin_and_cos(b);
        let half = self.times(b, 0.5);
        let half_sin = self.op(LaneOp::Sin, &[half]);
        let square = self.mul(half_sin, half_sin);
        let versine = self.add(square, square);
        let (less, size) = (self.expm1(a), self.op(LaneOp::Exp, &[a]));
        let (re, im) = (self.mul(less, cos), self.mul(size, sin));
        // Real numbers stay real, NaN and infinity included.
        let is_real = self.is(b, 0.0);
        (self.sub(re, versine), self.choose(is_real, b, im))
    }

    /// log|z| + i arg z. Near the unit circle the real part is half of log1p(|z|^2 - 1), which keeps what rounding leaves out.
    pub(crate) fn complex_log(&mut self, (a, b): Pair) -> Pair {
        let modulus = self.modulus(a, b);
        let far = self.op(LaneOp::Log, &[modulus]);
        let (size_a, size_b) = (self.abs(a), self.abs(b));
        let large = self.op(LaneOp::Max, &[size_a, size_b]);
        let small = self.op(LaneOp::Min, &[size_a, size_b]);
        let minus_one = self.number(a, -1.0);
        let ((squares, first), (other, second)) = (self.exact_square(large), self.exact_square(small));
        let (less, third) = self.exact_sum(squares, minus_one);
        let (sum, fourth) = self.exact_sum(less, other);
        let low = self.add(first, second);
        let low = self.add(low, third);
        let low = self.add(low, fourth);
        let (sum, low) = self.exact_sum(sum, low);
        let near = self.log1p_of_pair(sum, low);
        let near = self.times(near, 0.5);
        let (above, below) = (self.is_above(modulus, 0.7), self.is_below(modulus, 1.5));
        let is_near = self.and(above, below);
        (self.choose(is_near, near, far), self.op(LaneOp::Atan2, &[b, a]))
    }

    /// log(1 + z): for small z the real part is half of log1p(2a + a^2 + b^2).
    pub(crate) fn complex_log1p(&mut self, (a, b): Pair) -> Pair {
        let shifted = self.plus(a, 1.0);
        let modulus = self.modulus(shifted, b);
        let far = self.op(LaneOp::Log, &[modulus]);
        let (aa, aa_low) = self.exact_square(a);
        let (bb, bb_low) = self.exact_square(b);
        let twice = self.add(a, a);
        let (squares, low) = self.exact_sum(aa, bb);
        let (sum, more) = self.exact_sum(twice, squares);
        let low = self.add(low, aa_low);
        let low = self.add(low, bb_low);
        let low = self.add(low, more);
        let (sum, low) = self.exact_sum(sum, low);
        let near = self.log1p_of_pair(sum, low);
        let near = self.times(near, 0.5);
        let (size_a, size_b) = (self.abs(a), self.abs(b));
        let size = self.op(LaneOp::Max, &[size_a, size_b]);
        let small = self.is_below(size, 0.6);
        let re = self.choose(small, near, far);
        (re, self.op(LaneOp::Atan2, &[b, shifted]))
    }

    /// 1 / (1 + e^-z).
    pub(crate) fn complex_logistic(&mut self, (a, b): Pair) -> Pair {
        // Of the half plane where e^-z is small, the other being its complement: e^z / (1 + e^z).
        let size = self.abs(a);
        let negative = self.neg(size);
        let power = self.op(LaneOp::Exp, &[negative]);
        let left = self.is_below(a, 0.0);
        let opposite = self.neg(b);
        let phase = self.choose(left, b, opposite);
        let (sin, cos) = self.sin_and_cos(phase);
        let (re, im) = (self.mul(power, cos), self.mul(power, sin));
        let (one, zero) = (self.number(a, 1.0), self.number(a, 0.0));
        let (top_re, top_im) = (self.choose(left, re, one), self.choose(left, im, zero));
        let denominator = (self.add(one, re), im);
        self.quotient((top_re, top_im), denominator)
    }

    /// (a + ib) / (c + id) by R. L. Smith, Algorithm 116, 1962: divides by the larger part of the denominator first. The
    /// two cases are one formula with the parts of both numbers exchanged.
    pub(crate) fn quotient(&mut self, (a, b): Pair, (c, d): Pair) -> Pair {
        let (size_re, size_im) = (self.abs(c), self.abs(d));
        let exchanged = self.less(size_re, size_im);
        let mut pick = |yes, no| self.choose(exchanged, yes, no);
        let (large, small) = (pick(d, c), pick(c, d));
        let (x, y) = (pick(b, a), pick(a, b));
        let ratio = self.div(small, large);
        let tail = self.mul(small, ratio);
        let denominator = self.add(large, tail);
        let (xr, yr) = (self.mul(x, ratio), self.mul(y, ratio));
        let (re, im) = (self.add(x, yr), self.sub(y, xr));
        let (re, im) = (self.div(re, denominator), self.div(im, denominator));
        let opposite = self.neg(im);
        (re, self.choose(exchanged, opposite, im))
    }

    /// The roots of 1 - z and of 1 + z.
    fn roots_around_one(&mut self, (a, b): Pair) -> (Pair, Pair) {
        let (less, more) = (self.number_less(1.0, a), self.plus(a, 1.0));
        let opposite = self.neg(b);
        let minus = self.complex_sqrt((less, opposite)).0;
        (minus, self.complex_sqrt((more, b)).0)
    }

    /// Im(conj(u) v).
    fn turn(&mut self, u: Pair, v: Pair) -> NodeId {
        let (first, second) = (self.mul(u.0, v.1), self.mul(u.1, v.0));
        self.sub(first, second)
    }

    /// The arcsine: with u = sqrt(1 - z) and v = sqrt(1 + z), atan(a / Re(u v)) + i asinh(Im(conj(u) v)).
    pub(crate) fn complex_asin(&mut self, (a, b): Pair) -> Pair {
        let (u, v) = self.roots_around_one((a, b));
        let (first, second) = (self.mul(u.0, v.0), self.mul(u.1, v.1));
        let product = self.sub(first, second);
        let re = self.op(LaneOp::Atan2, &[a, product]);
        let turn = self.turn(u, v);
        (re, self.asinh(turn))
    }

    /// The arccosine: 2 atan(Re u / Re v) + i asinh(Im(conj(v) u)).
    pub(crate) fn complex_acos(&mut self, (a, b): Pair) -> Pair {
        let (u, v) = self.roots_around_one((a, b));
        let re = self.op(LaneOp::Atan2, &[u.0, v.0]);
        let re = self.add(re, re);
        let turn = self.turn(v, u);
        (re, self.asinh(turn))
    }

    /// The hyperbolic area sine, -i asin(i z).
    pub(crate) fn complex_asinh(&mut self, (a, b): Pair) -> Pair {
        let opposite = self.neg(b);
        let (re, im) = self.complex_asin((opposite, a));
        (im, self.neg(re))
    }

    /// The hyperbolic area cosine: with u = sqrt(z - 1) and v = sqrt(z + 1), asinh(Re(conj(u) v)) + 2 i atan(Im u / Re v).
    pub(crate) fn complex_acosh(&mut self, (a, b): Pair) -> Pair {
        let (less, more) = (self.plus(a, -1.0), self.plus(a, 1.0));
        let (u, v) = (self.complex_sqrt((less, b)).0, self.complex_sqrt((more, b)).0);
        let (first, second) = (self.mul(u.0, v.0), self.mul(u.1, v.1));
        let sum = self.add(first, second);
        let im = self.op(LaneOp::Atan2, &[u.1, v.0]);
        (self.asinh(sum), self.add(im, im))
    }

    /// The hyperbolic area tangent, for a >= 0 and by symmetry: a quarter of log1p(4a / ((1 - a)^2 + b^2)), and half of the
    /// angle of ((1 - a)(1 + a) - b^2, 2b). Far out it is 1/z, up to a right angle.
    pub(crate) fn complex_atanh(&mut self, (a, b): Pair) -> Pair {
        let size = self.abs(a);
        let (less, more) = (self.number_less(1.0, size), self.plus(size, 1.0));
        let (less_square, b_square) = (self.mul(less, less), self.mul(b, b));
        let denominator = self.add(less_square, b_square);
        let four = self.times(size, 4.0);
        let quotient = self.div(four, denominator);
        let zero = self.number(a, 0.0);
        let re = self.log1p_of_pair(quotient, zero);
        let re = self.times(re, 0.25);
        let pole = self.is(denominator, 0.0);
        let re = self.put(pole, f64::INFINITY, re);
        let product = self.mul(less, more);
        let abscissa = self.sub(product, b_square);
        let ordinate = self.add(b, b);
        let im = self.op(LaneOp::Atan2, &[ordinate, abscissa]);
        let im = self.times(im, 0.5);

        let one = self.number(a, 1.0);
        let (far_re, _) = self.quotient((one, zero), (size, b));
        let right = self.number(a, FRAC_PI_2);
        let far_im = self.with_sign(right, b);
        let size_b = self.abs(b);
        let large = self.op(LaneOp::Max, &[size, size_b]);
        let threshold = self.by_width(a, 2f64.powi(60), 2f64.powi(30));
        let is_far = self.is_above(large, threshold);
        let (re, im) = (self.choose(is_far, far_re, re), self.choose(is_far, far_im, im));
        (self.with_sign(re, a), im)
    }

    /// The arctangent, -i atanh(i z).
    pub(crate) fn complex_atan(&mut self, (a, b): Pair) -> Pair {
        let opposite = self.neg(b);
        let (re, im) = self.complex_atanh((opposite, a));
        (im, self.neg(re))
    }

    /// The root and the modulus of the number. With r = sqrt((|a| + |z|) / 2), which does not cancel, one part of the root
    /// is r up to sign and the other |b| / 2r.
    pub(crate) fn complex_sqrt(&mut self, (a, b): Pair) -> (Pair, NodeId) {
        let modulus = self.modulus(a, b);
        let (size_a, size_b) = (self.abs(a), self.abs(b));
        // Halved before they are added, so that the sum does not overflow.
        let (half_a, half_modulus) = (self.times(size_a, 0.5), self.times(modulus, 0.5));
        let mean = self.add(half_a, half_modulus);
        let large = self.sqrt(mean);
        let half_b = self.times(size_b, 0.5);
        let small = self.div(half_b, large);
        let at_zero = self.is(modulus, 0.0);
        let small = self.put(at_zero, 0.0, small);
        let left = self.is_below(a, 0.0);
        let (re, im) = (self.choose(left, small, large), self.choose(left, large, small));
        // An infinite imaginary part outweighs whatever the real part is.
        let infinite = self.is(size_b, f64::INFINITY);
        let (re, im) = (self.put(infinite, f64::INFINITY, re), self.put(infinite, f64::INFINITY, im));
        // The imaginary part has the sign of b, that of a negative zero too: below the branch cut the root is conjugate.
        ((re, self.with_sign(im, b)), modulus)
    }

    /// Parts as a complex lane.
    pub(crate) fn complex(parts: Pair) -> Lane {
        Lane::Complex(parts.0, parts.1)
    }
}
