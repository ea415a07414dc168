//! The error function, its complement and its inverse.

use super::Lanes;
use crate::kernel::{LaneOp, NodeId};

/// erf(x) / x - 1 in terms of x^2, for |x| <= 1.
const ERF: &[f64] = &[
    5.957176147748911e-11,
    -1.1372848856791674e-09,
    1.4659775274047436e-08,
    -1.6350312701054695e-07,
    1.6461000484121368e-06,
    -1.4925595266831182e-05,
    0.0001205533111164271,
    -0.000854832698083379,
    0.0052239776248180145,
    -0.026866170645076792,
    0.11283791670954879,
    -0.3761263890318375,
    0.1283791670955126,
];
const ERF_SINGLE: &[f64] = &[
    7.875874871388078e-05,
    -0.000801686430349946,
    0.005189087241888046,
    -0.02685421146452427,
    0.11283594369888306,
    -0.3761262595653534,
    0.12837916612625122,
];

/// (1 + 2x) e^(x^2) erfc(x) in terms of q = (x - k) / (x + k), for x from 1/2 to where erfc vanishes (this form is that of
/// M. M. Shepherd and J. G. Laframboise, *Chebyshev approximation of (1 + 2x) exp(x^2) erfc x*, 1981).
const SCALED: &[f64] = &[
    -1.0476718674668371e-08,
    -1.2224048303152388e-08,
    1.0568025135820959e-07,
    6.702452833728971e-08,
    -8.22559563206072e-07,
    2.9955790685567077e-07,
    5.7086428044048145e-06,
    -1.12247322473501e-05,
    -2.4398983809134553e-05,
    0.00015062249512264785,
    -0.00019925671345040716,
    -0.0007577734486762808,
    0.0050319699756138135,
    -0.01619773403826592,
    0.03716751553818893,
    -0.06633036581360713,
    0.09373283499828751,
    -0.10103906603625375,
    0.0680970542546948,
    0.015379652102619027,
    -0.13962111684056253,
    1.2329951186255526,
];
const SCALED_SINGLE: &[f64] = &[
    0.0002468470484018326,
    -0.0003234010364394635,
    -0.0014975154772400856,
    0.0012250856962054968,
    0.00873611494898796,
    -0.008026550523936749,
    -0.05422177538275719,
    0.16405077278614044,
    -0.16603031754493713,
    -0.09276381880044937,
    1.2769783735275269,
];

/// erf_inv(x) / x to six digits, in terms of w - 5/2 with w = -log(1 - x^2), for w <= 5.
const INVERSE_NEAR: &[f64] = &[
    4.671932509038665e-10,
    -8.739010702830122e-09,
    1.598430613390006e-08,
    4.6541741050231655e-07,
    -3.4234142742220455e-06,
    -4.9596917942159365e-06,
    0.00021825772396383332,
    -0.0012527485028416628,
    -0.004177320040540122,
    0.24664028942745514,
    1.501409351110792,
];
/// The same in terms of sqrt(w) - 4, for w from 5 to 38.
const INVERSE_FAR: &[f64] = &[
    -1.433045882979246e-07,
    -2.5933858472994952e-06,
    2.228756091988623e-05,
    -5.8918113699808575e-05,
    6.764614326265904e-05,
    -8.079360352899575e-05,
    0.00029491109000415986,
    -0.0008881736960102013,
    0.0012729884635479497,
    1.0094957721121354,
    3.8397828622158268,
];

/// sqrt(pi) / 2.
const HALF_ROOT_PI: f64 = 0.886226925452758;

impl Lanes<'_> {
    /// The error function of |x| <= 1.
    fn small_erf(&mut self, x: NodeId) -> NodeId {
        self.small_erf_and(x, x)
    }

    /// erf(x) - x of |x| <= 1, plus a summand.
    fn small_erf_and(&mut self, x: NodeId, summand: NodeId) -> NodeId {
        let coefficients = self.by_width(x, ERF, ERF_SINGLE);
        let square = self.mul(x, x);
        let rest = self.polynomial(square, coefficients);
        self.multiply_add(rest, x, summand)
    }

    /// The complement of x >= 1/2: e^-(x^2) times a quotient, x^2 being taken with what its rounding leaves out.
    fn large_erfc(&mut self, x: NodeId) -> NodeId {
        let (x, scaled) = self.scaled_erfc(x);
        let twice = self.add(x, x);
        let denominator = self.plus(twice, 1.0);
        let factor = self.div(scaled, denominator);
        let (square, low) = self.exact_square(x);
        let exponent = (self.neg(square), self.neg(low));
        self.exp_of_pair_times(exponent, factor)
    }

    /// The same with what the roundings of the denominator and of the quotient leave out, as a part of the
    /// exponent.
    fn precise_erfc(&mut self, x: NodeId) -> NodeId {
        let (x, scaled) = self.scaled_erfc(x);
        let (twice, one) = (self.add(x, x), self.number(x, 1.0));
        let (denominator, missing) = self.exact_sum(twice, one);
        let factor = self.div(scaled, denominator);
        let (product, below) = self.exact_product(factor, denominator);
        let rest = self.sub(scaled, product);
        let rest = self.sub(rest, below);
        let taken = self.mul(factor, missing);
        let rest = self.sub(rest, taken);
        let relative = self.div(rest, scaled);
        let (square, low) = self.exact_square(x);
        let exponent = (self.neg(square), self.sub(relative, low));
        self.exp_of_pair_times(exponent, factor)
    }

    /// x within where its complement is not 0, and (1 + 2x) e^(x^2) erfc(x).
    fn scaled_erfc(&mut self, x: NodeId) -> (NodeId, NodeId) {
        let (coefficients, k, bound) = self.by_width(x, (SCALED, 4.0, 28.0), (SCALED_SINGLE, 2.0, 11.0));
        let x = self.limited(x, 0.0, bound);
        let (numerator, denominator) = (self.plus(x, -k), self.plus(x, k));
        let q = self.div(numerator, denominator);
        (x, self.polynomial(q, coefficients))
    }

    /// The error function.
    pub(crate) fn erf(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let small = self.small_erf(size);
        let complement = self.large_erfc(size);
        let large = self.number_less(1.0, complement);
        let is_small = self.is_below(size, 1.0);
        let value = self.choose(is_small, small, large);
        let value = self.with_sign(value, x);
        let is_nan = self.op(LaneOp::Ne, &[x, x]);
        self.choose(is_nan, x, value)
    }

    /// 1 - erf(x), without cancellation: (1 - x) - (erf(x) - x) up to 13/16, of which the first difference is exact from 1/2
    /// on.
    pub(crate) fn erfc(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let (rest, opposite) = (self.number_less(1.0, x), self.neg(x));
        let small = self.small_erf_and(opposite, rest);
        let large = self.precise_erfc(size);
        let reflected = self.number_less(2.0, large);
        let negative = self.is_below(x, 0.0);
        let large = self.choose(negative, reflected, large);
        let is_small = self.is_below(size, 0.8125);
        let value = self.choose(is_small, small, large);
        let is_nan = self.op(LaneOp::Ne, &[x, x]);
        self.choose(is_nan, x, value)
    }

    /// The inverse of the error function. Single precision is computed in double, where Halley's step has digits to gain.
    pub(crate) fn erf_inv(&mut self, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.erf_inv_double(x))
    }

    /// Two polynomials, and one step of Halley's method on erf below 3/4 and on erfc beyond. Of the error of erf, the
    /// difference of y and x is exact.
    fn erf_inv_double(&mut self, x: NodeId) -> NodeId {
        let size = self.abs(x);
        let rest = self.number_less(1.0, size);
        let sum = self.plus(size, 1.0);
        let product = self.mul(rest, sum);
        let w = self.op(LaneOp::Log, &[product]);
        let w = self.neg(w);
        let argument = self.plus(w, -2.5);
        let near = self.polynomial(argument, INVERSE_NEAR);
        let root = self.sqrt(w);
        let argument = self.plus(root, -4.0);
        let far = self.polynomial(argument, INVERSE_FAR);
        let is_near = self.is_below(w, 5.0);
        let y = self.choose(is_near, near, far);
        let y = self.mul(y, size);

        let excess = self.sub(y, size);
        let below = self.small_erf_and(y, excess);
        let large = self.large_erfc(y);
        let beyond = self.sub(rest, large);
        let is_small = self.is_below(size, 0.75);
        let error = self.choose(is_small, below, beyond);
        let square = self.mul(y, y);
        let power = self.op(LaneOp::Exp, &[square]);
        let error = self.times(error, HALF_ROOT_PI);
        let step = self.mul(error, power);
        let bend = self.mul(y, step);
        let bend = self.plus(bend, 1.0);
        let step = self.div(step, bend);
        let value = self.sub(y, step);

        let pole = self.is(size, 1.0);
        let value = self.put(pole, f64::INFINITY, value);
        let value = self.with_sign(value, x);
        let beyond = self.is_above(size, 1.0);
        let value = self.put(beyond, f64::NAN, value);
        let is_nan = self.op(LaneOp::Ne, &[x, x]);
        let zero = self.is(x, 0.0);
        let itself = self.or(is_nan, zero);
        self.choose(itself, x, value)
    }
}
