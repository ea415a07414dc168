//! The logarithm of the gamma function and its derivatives. All is computed in double precision: differences of large
//! summands leave single precision too few digits.

use super::Lanes;
use super::logarithm::Parts;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::PI;

/// (log gamma(2 + y) - (1 - EULER) y) / y^2 in terms of y, for y from -5/8 to 1/2.
const NEAR_TWO: &[f64] = &[
    1.2331642817215154e-07,
    -1.1238423428244063e-07,
    1.3427896532258523e-07,
    -4.540479894821e-07,
    9.912451584869659e-07,
    -2.0342872254090926e-06,
    4.3655483223821e-06,
    -9.440990284594206e-06,
    2.050864453256598e-05,
    -4.492600806289654e-05,
    9.945738108978329e-05,
    -0.00022315477709735374,
    0.0005096695316743623,
    -0.0011927539109258295,
    0.002890510330555429,
    -0.007385551028688103,
    0.020580808427786503,
    -0.06735230105319802,
    0.3224670334241132,
];

/// Euler's constant, minus the derivative of log gamma at 1, and 1 less, that at 2.
const EULER: f64 = 0.5772156649015329;
const SLOPE_AT_TWO: f64 = 0.42278433509846713;

/// B_2k / (2k (2k - 1)), highest k first: Stirling's series of log gamma, in terms of 1 / x^2.
const STIRLING: &[f64] = &[
    43867.0 / 244188.0,
    -3617.0 / 122400.0,
    1.0 / 156.0,
    -691.0 / 360360.0,
    1.0 / 1188.0,
    -1.0 / 1680.0,
    1.0 / 1260.0,
    -1.0 / 360.0,
    1.0 / 12.0,
];

/// B_2k / (2k), highest k first: the series of the digamma function.
const DIGAMMA: &[f64] = &[
    43867.0 / 14364.0,
    -3617.0 / 8160.0,
    1.0 / 12.0,
    -691.0 / 32760.0,
    1.0 / 132.0,
    -1.0 / 240.0,
    1.0 / 252.0,
    -1.0 / 120.0,
    1.0 / 12.0,
];

/// B_2k / (2k)!, lowest k first: the Euler-Maclaurin formula.
const EULER_MACLAURIN: [f64; 9] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30240.0,
    -1.0 / 1209600.0,
    1.0 / 47900160.0,
    -691.0 / 1307674368000.0,
    1.0 / 74724249600.0,
    -3617.0 / 10670622842880000.0,
    43867.0 / 5109094217170944000.0,
];

/// Terms of the sum before that formula takes over.
const SUMMED: usize = 10;

impl Lanes<'_> {
    /// log |gamma(x)|.
    pub(crate) fn lgamma(&mut self, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.lgamma_double(x))
    }

    /// Stirling's series from 17/2. Below, log gamma of a number near 1 or 2 from a polynomial, and the logarithm of the
    /// factors between that and x; reflected for negative x.
    ///
    /// Near 1, where log gamma vanishes, log gamma(2 + y) - log(1 + y) would lose digits: there both begin with a multiple of
    /// y, and what remains of them is added before the difference of the two multiples, -EULER y.
    fn lgamma_double(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let (tiny, lower, one) =
            (self.is_below(size, 0.375), self.is_below(size, 0.7109375), self.is_below(size, 1.375));
        let (zero, unit) = (self.number(x, 0.0), self.number(x, 1.0));
        // The whole number that y counts from: x itself, or x + 1 below `lower`, is y more than 1 or 2.
        let two = self.number(x, 2.0);
        let whole = self.op(LaneOp::Round, &[size]);
        let whole = self.op(LaneOp::Max, &[whole, two]);
        let center = self.choose(one, unit, whole);
        let center = self.choose(tiny, zero, center);
        let y = self.sub(size, center);
        let square = self.mul(y, y);
        let bend = self.polynomial(y, NEAR_TWO);

        let slope = self.number(x, SLOPE_AT_TWO);
        let slope = self.multiply_add(bend, y, slope);
        let near_two = self.mul(slope, y);
        let Parts { half_square, rest } = self.logarithm_parts(y);
        let of_logarithm = self.sub(half_square, rest);
        let bend = self.multiply_add(bend, square, of_logarithm);
        let steep = self.number(x, -EULER);
        let near_one = self.multiply_add(steep, y, bend);
        let above = self.op(LaneOp::Not, &[lower]);
        let around_one = self.and(above, one);
        let is_one = self.or(tiny, around_one);
        let base = self.choose(is_one, near_one, near_two);

        let mut product = unit;
        for j in 2..8 {
            let factor = self.plus(y, j.into());
            let taken = self.is_above(whole, j.into());
            let factor = self.choose(taken, factor, unit);
            product = self.mul(product, factor);
        }
        let is_large = self.is_above(whole, 8.0);
        let itself = self.or(lower, is_large);
        let argument = self.choose(itself, size, product);
        let (high, low) = self.logarithm_pair(argument);
        let (opposite_high, opposite_low) = (self.neg(high), self.neg(low));
        let added_high = self.choose(lower, opposite_high, high);
        let added_low = self.choose(lower, opposite_low, low);
        let small = self.add(base, added_low);
        let small = self.add(small, added_high);

        let reciprocal = self.reciprocal(size);
        let square = self.mul(reciprocal, reciprocal);
        let series = self.polynomial(square, STIRLING);
        let series = self.mul(series, reciprocal);
        let rest = self.plus(series, 0.4189385332046727);
        let lowered = self.plus(size, -0.5);
        let less = self.plus(high, -1.0);
        let rest = self.multiply_add(lowered, low, rest);
        let large = self.multiply_add(lowered, less, rest);
        let value = self.choose(is_large, large, small);
        let pole = self.is(size, 0.0);
        let value = self.put(pole, f64::INFINITY, value);

        // gamma(x) gamma(-x) = -pi / (x sin(pi x)); near 0 the logarithm alone is right.
        let (sin, _) = self.sin_and_cos_of_turns(size);
        let sin = self.abs(sin);
        let product = self.mul(size, sin);
        let log = self.op(LaneOp::Log, &[product]);
        let log = self.number_less(PI.ln(), log);
        let reflected = self.sub(log, value);
        let limit = self.number(x, -1e-20);
        let is_reflected = self.less(x, limit);
        let value = self.choose(is_reflected, reflected, value);
        let infinite = self.is(size, f64::INFINITY);
        self.put(infinite, f64::INFINITY, value)
    }

    /// The derivative of log gamma.
    pub(crate) fn digamma(&mut self, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.digamma_double(x))
    }

    /// The series from 17/2; below, eight steps of the recurrence before it; reflected below 1/2.
    fn digamma_double(&mut self, x: NodeId) -> NodeId {
        let is_reflected = self.is_below(x, 0.5);
        let mirror = self.number_less(1.0, x);
        let t = self.choose(is_reflected, mirror, x);
        // 1 / (t + i) + 1 / (t + 7 - i) = (2 t + 7) / (t (t + 7) + i (7 - i)).
        let shifted = self.plus(t, 7.0);
        let (sum, base) = (self.add(t, shifted), self.mul(t, shifted));
        let mut steps = self.reciprocal(base);
        for constant in [6.0, 10.0, 12.0] {
            let denominator = self.plus(base, constant);
            let reciprocal = self.reciprocal(denominator);
            steps = self.add(steps, reciprocal);
        }
        let steps = self.mul(steps, sum);
        let is_small = self.is_below(t, 8.5);
        let zero = self.number(x, 0.0);
        let steps = self.choose(is_small, steps, zero);
        let raised = self.plus(t, 8.0);
        let t = self.choose(is_small, raised, t);

        let reciprocal = self.reciprocal(t);
        let square = self.mul(reciprocal, reciprocal);
        let series = self.polynomial(square, DIGAMMA);
        let series = self.mul(series, square);
        let half = self.times(reciprocal, 0.5);
        let rest = self.add(half, series);
        let rest = self.add(rest, steps);
        let log = self.op(LaneOp::Log, &[t]);
        let value = self.sub(log, rest);

        let (sin, cos) = self.sin_and_cos_of_turns(x);
        let cotangent = self.div(cos, sin);
        let cotangent = self.times(cotangent, PI);
        let reflected = self.sub(value, cotangent);
        let value = self.choose(is_reflected, reflected, value);
        let whole = self.op(LaneOp::Floor, &[x]);
        let (is_whole, zero) = (self.equal(whole, x), self.number(x, 0.0));
        let not_positive = self.op(LaneOp::Le, &[x, zero]);
        let pole = self.and(is_whole, not_positive);
        self.put(pole, f64::NAN, value)
    }

    /// The derivative of order `order` of the digamma function: (-1)^(n+1) n! zeta(n + 1, x).
    pub(crate) fn polygamma(&mut self, order: u32, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.polygamma_double(order, x))
    }

    /// Some terms of the sum of (x + k)^-s, then the Euler-Maclaurin formula. The first order is reflected below 0; others
    /// are not defined there.
    fn polygamma_double(&mut self, order: u32, x: NodeId) -> NodeId {
        let s = order + 1;
        let negative = self.is_below(x, 0.0);
        let mirror = self.number_less(1.0, x);
        let t = self.choose(negative, mirror, x);
        let mut sum = self.number(x, 0.0);
        for k in 0..SUMMED {
            let shifted = self.plus(t, k as f64);
            let reciprocal = self.reciprocal(shifted);
            let power = self.whole_power(reciprocal, s);
            sum = self.add(sum, power);
        }
        let a = self.plus(t, SUMMED as f64);
        let reciprocal = self.reciprocal(a);
        let power = self.whole_power(reciprocal, order);
        let square = self.mul(reciprocal, reciprocal);
        // a^(1-s) (1 / (s - 1) + (1/2) / a + sum of B_2k / (2k)! s (s + 1) ... (s + 2k - 2) a^-2k).
        let mut rising = f64::from(s);
        let mut coefficients = Vec::new();
        for (k, bernoulli) in EULER_MACLAURIN.into_iter().enumerate() {
            coefficients.push(bernoulli * rising);
            let next = f64::from(s) + 2.0 * k as f64 + 1.0;
            rising *= next * (next + 1.0);
        }
        coefficients.reverse();
        let tail = self.polynomial(square, &coefficients);
        let tail = self.mul(tail, square);
        let half = self.times(reciprocal, 0.5);
        let tail = self.add(tail, half);
        let tail = self.plus(tail, 1.0 / f64::from(order));
        let tail = self.mul(tail, power);
        let zeta = self.add(sum, tail);
        let factorial: f64 = (1..=order).map(f64::from).product();
        let value = self.times(zeta, if order.is_multiple_of(2) { -factorial } else { factorial });
        if order != 1 {
            return self.put(negative, f64::NAN, value);
        }
        let (sin, _) = self.sin_and_cos_of_turns(x);
        let straight = self.number(x, PI);
        let ratio = self.div(straight, sin);
        let squared = self.mul(ratio, ratio);
        let reflected = self.sub(squared, value);
        self.choose(negative, reflected, value)
    }

    /// x to a positive whole power.
    fn whole_power(&mut self, x: NodeId, exponent: u32) -> NodeId {
        let half = match exponent {
            1 => return x,
            _ => self.whole_power(x, exponent / 2),
        };
        let square = self.mul(half, half);
        if exponent.is_multiple_of(2) { square } else { self.mul(square, x) }
    }
}
