//! The error function and the gamma function, with their relatives.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, gamma_reference, refuse};
use crate::array::{Array, apply1};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::lanes::Lane;
use crate::operand::{IntoOperand, Term, unary, unify};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&ERF, &ERFC, &ERF_INV, &LGAMMA, &DIGAMMA, &POLYGAMMA];

/// 2 / sqrt(pi).
const SLOPE: f64 = std::f64::consts::FRAC_2_SQRT_PI;

/// The error function.
pub static ERF: Prim = Prim {
    name: "erf",
    doc: "The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("erf", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| libm::erf(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (SLOPE * (-args.xs[0].square()).exp())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.erf(xs[0].real()))),
};

/// 1 - erf(x).
pub static ERFC: Prim = Prim {
    name: "erfc",
    doc: "The complement of the error function, 1 - erf(x), without cancellation.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| alike("erfc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| libm::erfc(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (-SLOPE * (-args.xs[0].square()).exp())]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.erfc(xs[0].real()))),
};

/// The inverse of the error function.
pub static ERF_INV: Prim = Prim {
    name: "erf_inv",
    doc: "The inverse of the error function; infinite at 1 and -1, NaN beyond.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Unit, Dtypes::Floats),
    infer: |xs, _| alike("erf_inv", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| gamma_reference::erf_inv(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * (args.out.square().exp() / SLOPE)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.erf_inv(xs[0].real()))),
};

/// log |gamma(x)|.
pub static LGAMMA: Prim = Prim {
    name: "lgamma",
    doc: "The logarithm of the magnitude of the gamma function; infinite at 0 and at negative whole numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("lgamma", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| if x[0].is_infinite() { f64::INFINITY } else { libm::lgamma(x[0]) })),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].digamma()]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.lgamma(xs[0].real()))),
};

/// The logarithmic derivative of the gamma function.
pub static DIGAMMA: Prim = Prim {
    name: "digamma",
    doc: "The derivative of the logarithm of the gamma function; NaN at 0 and at negative whole numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("digamma", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| gamma_reference::digamma(x[0]))),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].polygamma(1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| Lane::Real(lanes.digamma(xs[0].real()))),
};

/// Derivatives of the digamma function.
pub static POLYGAMMA: Prim = Prim {
    name: "polygamma",
    doc: "The derivative of order `order`, at least 1, of the digamma function; of orders beyond 1, NaN for negative numbers.",
    arity: Arity::Exactly(1),
    attrs: &[("order", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let case = |(dtype, order)| Case {
            operands: vec![Type::new(dtype, &[2, 3])],
            attrs: Attrs::none().with_int("order", order),
            elements: vec![Elements::Positive],
        };
        [(DType::F32, 1), (DType::F64, 1), (DType::F64, 2), (DType::F64, 3)].into_iter().map(case).collect()
    }),
    infer: |xs, attrs| match attrs.int("order") {
        1..=100 => alike("polygamma", xs, Dtypes::Floats),
        order => {
            let message = format!("order {order} is not within 1 to 100; order 0 is `digamma()`");
            refuse(ErrorKind::Argument, "polygamma", message)
        }
    },
    eval: Eval::Tensors(|xs, attrs, results| {
        let value = |i: usize| gamma_reference::polygamma(attrs.int("order") as i32, xs[0].get(i).as_f64());
        vec![Tensor::from_fn(results[0].clone(), |i| Scalar::real(results[0].dtype, value(i)))]
    }),
    jvp: Jvp::PerOperand(&[|args, t| t * args.xs[0].polygamma(args.attrs.int("order") as u32 + 1)]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, attrs| Lane::Real(lanes.polygamma(attrs.int("order") as u32, xs[0].real()))),
};

impl Array {
    /// The error function.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f32, 9.0]).erf().to_vec::<f32>().unwrap(), [0.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn erf(&self) -> Array {
        unary(&ERF, Dtypes::Floats, self)
    }

    /// 1 - erf(x), without cancellation.
    #[track_caller]
    pub fn erfc(&self) -> Array {
        unary(&ERFC, Dtypes::Floats, self)
    }

    /// The inverse of the error function on [-1, 1].
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0.0f32, 1.0]).erf_inv().to_vec::<f32>().unwrap(), [0.0, f32::INFINITY]);
    /// ```
    #[track_caller]
    pub fn erf_inv(&self) -> Array {
        unary(&ERF_INV, Dtypes::Floats, self)
    }

    /// The logarithm of the magnitude of the gamma function.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1.0f64, 2.0, 0.0]).lgamma().to_vec::<f64>().unwrap(), [0.0, 0.0, f64::INFINITY]);
    /// ```
    #[track_caller]
    pub fn lgamma(&self) -> Array {
        unary(&LGAMMA, Dtypes::Floats, self)
    }

    /// The derivative of the logarithm of the gamma function.
    #[track_caller]
    pub fn digamma(&self) -> Array {
        unary(&DIGAMMA, Dtypes::Floats, self)
    }

    /// The gamma function; NaN at negative whole numbers.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([5.0f64]).gamma().to_vec::<f64>().unwrap()[0];
    /// assert!((x - 24.0).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn gamma(&self) -> Array {
        let size = self.lgamma().exp();
        let whole = self.floor();
        let is_odd = (&whole - 2 * (&whole * 0.5).floor()).equal(1);
        let negative = self.less(0);
        let signed = negative.logical_and(is_odd).select(-&size, size).copysign_at_zero(self);
        negative.logical_and(whole.equal(self)).select(f64::NAN, signed)
    }

    /// This array where `x` is not 0, and its magnitude with the sign of that zero otherwise.
    #[track_caller]
    fn copysign_at_zero(&self, x: &Array) -> Array {
        x.equal(0).select(self.copysign(x), self)
    }

    /// The Hurwitz zeta function, the sum of (q + k)^-s over all whole k from 0, with `self` as s > 1 and `q` > 0: some terms
    /// of it and the Euler-Maclaurin formula for the others.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let zeta = Array::from([2.0f64]).zeta(1.0).to_vec::<f64>().unwrap()[0];
    /// assert!((zeta - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn zeta(&self, q: impl IntoOperand) -> Array {
        let terms = [Term::Array(self.clone()), q.into_operand()];
        let pair = match unify("zeta", Dtypes::Floats, &terms, None) {
            Ok(pair) => pair,
            Err(error) => return error,
        };
        let (s, q) = (&pair[0], &pair[1]);
        let power = |base: &Array| base.pow(-s);
        let head = (1..10).fold(power(q), |sum, k| sum + power(&(q + f64::from(k))));
        let a = q + 10.0;
        let square = a.square();
        // B_2k / (2k)! s (s + 1) ... (s + 2k - 2) a^(1 - 2k), lowest k first.
        let bernoulli = [1.0 / 12.0, -1.0 / 720.0, 1.0 / 30240.0, -1.0 / 1209600.0, 1.0 / 47900160.0];
        let mut factor = s / &a;
        let mut tail = &a / (s - 1) + 0.5;
        for (k, coefficient) in bernoulli.into_iter().enumerate() {
            tail += coefficient * &factor;
            let next = s + (2 * k + 1) as f64;
            factor = factor * (&next * (&next + 1)) / &square;
        }
        head + power(&a) * tail
    }

    /// The logarithm of the beta function, log(gamma(a) gamma(b) / gamma(a + b)) of positive elements.
    #[track_caller]
    pub fn betaln(&self, other: impl IntoOperand) -> Array {
        let terms = [Term::Array(self.clone()), other.into_operand()];
        match unify("betaln", Dtypes::Floats, &terms, None) {
            Ok(pair) => pair[0].lgamma() + pair[1].lgamma() - (&pair[0] + &pair[1]).lgamma(),
            Err(error) => error,
        }
    }

    /// The logarithm of the multivariate gamma function of dimension `dimension`.
    #[track_caller]
    pub fn multigammaln(&self, dimension: u32) -> Array {
        let d = f64::from(dimension);
        let constant = 0.25 * d * (d - 1.0) * std::f64::consts::PI.ln();
        (0..dimension).fold(self.zeros_like() + constant, |sum, j| sum + (self - 0.5 * f64::from(j)).lgamma())
    }

    /// The derivative of order `order` of the digamma function, which is order 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let trigamma = Array::from([1.0f64]).polygamma(1).to_vec::<f64>().unwrap()[0];
    /// assert!((trigamma - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn polygamma(&self, order: u32) -> Array {
        let Ok(dtype) = self.dtype() else { return self.clone() };
        match order {
            0 => self.digamma(),
            _ if dtype.is_inexact() => apply1(&POLYGAMMA, &[self], Attrs::none().with_int("order", order.into())),
            _ => self.astype(DType::F32).polygamma(order),
        }
    }
}
