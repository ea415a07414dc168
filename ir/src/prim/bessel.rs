//! Modified Bessel functions of the first kind, scaled by e^-|x|.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose};
use crate::array::Array;
use crate::lanes::Lane;
use crate::operand::unary;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&BESSEL_I0E, &BESSEL_I1E];

/// e^-|x| I_0(x).
pub static BESSEL_I0E: Prim = Prim {
    name: "bessel_i0e",
    doc: "The modified Bessel function of the first kind of order 0, times e^-|x|.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("bessel_i0e", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| scaled_bessel(0, x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.xs[0].i1e() - args.xs[0].sign() * args.out)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.bessel_i0e(xs[0].real()))),
};

/// e^-|x| I_1(x).
pub static BESSEL_I1E: Prim = Prim {
    name: "bessel_i1e",
    doc: "The modified Bessel function of the first kind of order 1, times e^-|x|.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("bessel_i1e", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| scaled_bessel(1, x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * slope_of_first(&args.xs[0], args.out)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.bessel_i1e(xs[0].real()))),
};

/// I_0 - I_1 (sign x + 1 / x), scaled; I_1(x) / x is 1/2 at 0.
#[track_caller]
fn slope_of_first(x: &Array, first: &Array) -> Array {
    let zero = x.equal(0);
    let ratio = zero.select(0.5, first / zero.select(1, x));
    x.i0e() - (x.sign() * first + ratio)
}

/// The power series up to 30, the asymptotic one beyond.
fn scaled_bessel(order: i32, x: f64) -> f64 {
    let a = x.abs();
    if a.is_infinite() {
        return 0.0;
    }
    let value = if a <= 30.0 {
        let mut term = (a / 2.0).powi(order) * (-a).exp();
        let mut sum = 0.0;
        for k in 1..200 {
            sum += term;
            term *= (a / 2.0).powi(2) / (f64::from(k) * f64::from(k + order));
        }
        sum
    } else {
        let (mut term, mut sum) = (1.0, 1.0);
        for k in 1..30 {
            term *= -(f64::from(4 * order * order) - f64::from(2 * k - 1).powi(2)) / (8.0 * a * f64::from(k));
            sum += term;
        }
        sum / (2.0 * std::f64::consts::PI).sqrt() / a.sqrt()
    };
    if order == 1 && x < 0.0 { -value } else { value }
}

impl Array {
    /// The modified Bessel function of the first kind of order 0, times e^-|x|.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f32]).i0e().to_vec::<f32>().unwrap(), [1.0]);
    /// ```
    #[track_caller]
    pub fn i0e(&self) -> Array {
        unary(&BESSEL_I0E, Dtypes::Floats, self)
    }

    /// The modified Bessel function of the first kind of order 1, times e^-|x|.
    #[track_caller]
    pub fn i1e(&self) -> Array {
        unary(&BESSEL_I1E, Dtypes::Floats, self)
    }

    /// The modified Bessel function of the first kind of order 0.
    #[track_caller]
    pub fn i0(&self) -> Array {
        self.abs().exp() * self.i0e()
    }

    /// The modified Bessel function of the first kind of order 1.
    #[track_caller]
    pub fn i1(&self) -> Array {
        self.abs().exp() * self.i1e()
    }
}
