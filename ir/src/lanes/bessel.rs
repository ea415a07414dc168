//! Modified Bessel functions of the first kind of orders 0 and 1, scaled by e^-|x|, in double precision.

use super::Lanes;
use crate::kernel::{LaneOp, NodeId};

/// sqrt(x) e^-x I_0(x) in terms of 16 / x - 1, for x >= 8.
const FAR_ZEROTH: &[f64] = &[
    1.0881994797058119e-10,
    3.525320994068975e-11,
    -7.473844627004351e-10,
    -2.7481116243609995e-10,
    2.3981927238070327e-09,
    1.0924527218625537e-09,
    -4.848250922927731e-09,
    -3.118514557858699e-09,
    6.78979040421827e-09,
    7.32331073265118e-09,
    -5.1625178809180755e-09,
    -1.3319798590871972e-08,
    -6.805980075205538e-09,
    7.532386417221677e-09,
    2.1556811109930293e-08,
    3.9329265710970607e-08,
    8.87215461894403e-08,
    2.9735956581527606e-07,
    1.4838475863096982e-06,
    1.1143033802583682e-05,
    0.00013621607439187193,
    0.0033605519836677235,
    0.4021765094450081,
];
/// sqrt(x) e^-x I_1(x) in terms of 16 / x - 1, for x >= 8.
const FAR_FIRST: &[f64] = &[
    -1.1328888518392613e-10,
    -3.267765581120902e-11,
    7.790672185956896e-10,
    2.582169429114481e-10,
    -2.5062162418659923e-09,
    -1.0476127755004963e-09,
    5.094016302882301e-09,
    3.07173956143153e-09,
    -7.222524179665054e-09,
    -7.432535332936799e-09,
    5.722677527626992e-09,
    1.3952625100914561e-08,
    6.795073490201559e-09,
    -8.407326839215268e-09,
    -2.3382691353620482e-08,
    -4.313231562380896e-08,
    -1.0001220638799501e-07,
    -3.4838530713710174e-07,
    -1.8349101539664526e-06,
    -1.503854721127423e-05,
    -0.000219235763833829,
    -0.009749577193235609,
    0.38939845902587233,
];

/// Terms of the power series, for |x| <= 8.
const TERMS: u32 = 30;

impl Lanes<'_> {
    /// e^-|x| I_0(x).
    pub(crate) fn bessel_i0e(&mut self, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.scaled_bessel(0, x))
    }

    /// e^-|x| I_1(x).
    pub(crate) fn bessel_i1e(&mut self, x: NodeId) -> NodeId {
        self.in_double(x, |lanes, x| lanes.scaled_bessel(1, x))
    }

    /// The power series, whose terms are all of one sign, up to 8, and a polynomial in 1 / x beyond.
    fn scaled_bessel(&mut self, order: u32, x: NodeId) -> NodeId {
        let size = self.abs(x);
        // Of (x / 2)^(2k): 1 / (k! (k + order)!).
        let mut coefficients = vec![1.0];
        for k in 1..TERMS {
            coefficients.push(coefficients[k as usize - 1] / (f64::from(k) * f64::from(k + order)));
        }
        coefficients.reverse();
        let half = self.times(size, 0.5);
        let square = self.mul(half, half);
        let series = self.polynomial(square, &coefficients);
        let opposite = self.neg(size);
        let power = self.op(LaneOp::Exp, &[opposite]);
        let near = self.mul(series, power);
        let near = if order == 0 { near } else { self.mul(near, half) };

        let sixteen = self.number(x, 16.0);
        let argument = self.div(sixteen, size);
        let argument = self.plus(argument, -1.0);
        let far = self.polynomial(argument, if order == 0 { FAR_ZEROTH } else { FAR_FIRST });
        let root = self.sqrt(size);
        let far = self.div(far, root);
        let is_near = self.is_below(size, 8.0);
        let value = self.choose(is_near, near, far);
        let is_nan = self.op(LaneOp::Ne, &[x, x]);
        let value = self.choose(is_nan, x, value);
        if order == 0 { value } else { self.with_sign(value, x) }
    }
}
