//! Sine and cosine.
//!
//! The argument is reduced by multiples of pi/2, which is given in parts: floats with fused products where the target has
//! them and in double precision elsewhere, doubles as sums of two numbers, with parts whose multiples are exact. That holds
//! up to [`LARGEST_ANGLE`]; what is beyond is left to the emitter.

use super::Lanes;
use super::float::Pair;
use crate::dtype::DType;
use crate::kernel::{LaneOp, NodeId};
use std::f64::consts::{FRAC_2_PI, PI};

/// (sin(r) / r - 1) / r^2 in terms of r^2, for |r| <= pi/4.
const SINE: &[f64] = &[
    1.5917861853805866e-10,
    -2.50511281499847e-08,
    2.7557316084930363e-06,
    -0.00019841269836724877,
    0.008333333333330927,
    -0.16666666666666666,
];
const SINE_SINGLE: &[f64] =
    &[2.724938894971274e-06, -0.00019840082677546889, 0.008333331905305386, -0.1666666716337204];

/// (cos(r) - 1 + r^2 / 2) / r^4 in terms of r^2; of single precision cos(r) itself.
const COSINE: &[f64] = &[
    -1.1382464188417552e-11,
    2.0876143942503467e-09,
    -2.755731726062817e-07,
    2.4801587298744435e-05,
    -0.0013888888888887382,
    0.041666666666666664,
];
const COSINE_SINGLE: &[f64] = &[2.4431261408608407e-05, -0.001388730015605688, 0.04166664555668831, -0.5, 1.0];

/// pi/2 in parts of 33 bits, whose products with integers below 2^20 are exact, and what is left of it.
const HALF_PI: [f64; 3] = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21];
const HALF_PI_REST: f64 = 8.4784276603689e-32;
/// pi/2 in two parts, the first of 33 bits: enough for arguments of single precision.
const HALF_PI_SHORT: [f64; 2] = [1.5707963267341256, 6.077100506506192e-11];
/// pi/2 as the sum of three numbers of single precision.
const HALF_PI_SINGLE: [f64; 3] = [1.5707963705062866, -4.371138828673793e-8, -1.715124510005882e-15];

/// Arguments up to here are reduced accurately: 2^19 quarter turns.
pub const LARGEST_ANGLE: f64 = 524288.0 * PI / 2.0;

/// An angle r + low in [-pi/4, pi/4] and the quadrant it was taken from, in the two lowest bits.
struct Angle {
    r: NodeId,
    low: Option<NodeId>,
    quadrant: NodeId,
}

impl Lanes<'_> {
    /// The sine or cosine, itself an operation of the result for arguments beyond [`LARGEST_ANGLE`].
    pub(super) fn circular(&mut self, op: LaneOp, x: NodeId) -> NodeId {
        let magnitude = self.abs(x);
        let angle = if self.is_double(x) {
            let ((r, low), quadrant) = self.reduced_angle(magnitude);
            Angle { r, low: Some(low), quadrant }
        } else {
            self.reduced_single_angle(magnitude)
        };
        // The sign of the argument, also that of a zero, is put on the sine of its magnitude.
        let value = self.at_angle(&angle, (op == LaneOp::Sin).then_some(x));
        let large = self.is_above(magnitude, LARGEST_ANGLE);
        let exact = self.op(op, &[x]);
        self.choose(large, exact, value)
    }

    /// Reduces a number of single precision: what is left is accurate, however small. The first of the fused products and
    /// sums is exact, and what the second rounds away is small against its result.
    fn reduced_single_angle(&mut self, x: NodeId) -> Angle {
        if self.fused {
            let (n, quadrant) = self.nearest(x, FRAC_2_PI);
            let mut r = x;
            for part in HALF_PI_SINGLE {
                let part = self.number(x, -part);
                r = self.op(LaneOp::Fma, &[n, part, r]);
            }
            return Angle { r, low: None, quadrant };
        }
        let double = self.convert(x, DType::F64);
        let (n, quadrant) = self.nearest(double, FRAC_2_PI);
        let mut r = double;
        for part in HALF_PI_SHORT {
            let multiple = self.times(n, part);
            r = self.sub(r, multiple);
        }
        Angle { r: self.convert(r, DType::F32), low: None, quadrant: self.convert(quadrant, DType::I32) }
    }

    /// Of a double up to [`LARGEST_ANGLE`], the distance to the nearest multiple of a right angle, as a sum of two numbers,
    /// and the multiple, in the lowest bits of an integer.
    pub(super) fn reduced_angle(&mut self, x: NodeId) -> (Pair, NodeId) {
        let (n, quadrant) = self.nearest(x, FRAC_2_PI);
        // Exact, as the two are close.
        let multiple = self.times(n, HALF_PI[0]);
        let r = self.sub(x, multiple);
        let multiple = self.times(n, -HALF_PI[1]);
        let (r, low) = self.exact_sum(r, multiple);
        let multiple = self.times(n, -HALF_PI[2]);
        let (r, more) = self.exact_sum(r, multiple);
        let low = self.add(low, more);
        let multiple = self.times(n, HALF_PI_REST);
        let low = self.sub(low, multiple);
        (self.exact_sum(r, low), quadrant)
    }

    /// The sine times the sign of a number, or the cosine if none is given: of the reduced angle either function, by parity
    /// of the quadrant, with a sign.
    fn at_angle(&mut self, angle: &Angle, sign_of: Option<NodeId>) -> NodeId {
        let Angle { r, quadrant, .. } = *angle;
        let (sine, cosine) = self.sine_and_cosine(angle);
        let quadrant = match sign_of {
            Some(_) => quadrant,
            None => {
                let ahead = self.integer(quadrant, 1);
                self.add(quadrant, ahead)
            }
        };
        let (unit, zero) = (self.integer(quadrant, 1), self.integer(quadrant, 0));
        let parity = self.and(quadrant, unit);
        let even = self.equal(parity, zero);
        let value = self.choose(even, sine, cosine);
        let (places, least) = self.by_width(r, (62, i64::MIN), (30, i32::MIN.into()));
        let (places, mask) = (self.integer(quadrant, places), self.integer(quadrant, least));
        let mut sign = self.op(LaneOp::Shl, &[quadrant, places]);
        if let Some(x) = sign_of {
            let bits = self.bits(x);
            sign = self.op(LaneOp::Xor, &[sign, bits]);
        }
        let sign = self.and(sign, mask);
        let bits = self.bits(value);
        let bits = self.op(LaneOp::Xor, &[bits, sign]);
        self.float(bits)
    }

    /// Of a reduced angle.
    fn sine_and_cosine(&mut self, angle: &Angle) -> (NodeId, NodeId) {
        let Angle { r, low, .. } = *angle;
        let (sine, cosine) = self.by_width(r, (SINE, COSINE), (SINE_SINGLE, COSINE_SINGLE));
        let z = self.mul(r, r);
        let sine = self.polynomial(z, sine);
        let cube = self.mul(z, r);
        let cosine = self.polynomial(z, cosine);
        let Some(low) = low else { return (self.multiply_add(sine, cube, r), cosine) };

        // sin(r + low) = sin r + low cos r, cos(r + low) = cos r - low r.
        let half_square = self.times(z, 0.5);
        let lost = self.mul(half_square, low);
        let part = self.sub(low, lost);
        let part = self.multiply_add(sine, cube, part);
        let sine = self.add(r, part);
        let fourth = self.mul(z, z);
        let main = self.number_less(1.0, half_square);
        let lost = self.number_less(1.0, main);
        let rest = self.sub(lost, half_square);
        let product = self.mul(r, low);
        let rest = self.sub(rest, product);
        let rest = self.multiply_add(cosine, fourth, rest);
        (sine, self.add(main, rest))
    }
}
