//! Incomplete integrals: the regularized incomplete gamma and beta functions, of positive parameters.
//!
//! Compiled, each is a loop over the whole array that ends when no element changes any more (`loops`). They are primitives
//! of their own, expanded just before fusion, because their derivatives are closed forms or loops of their own: nothing
//! is differentiated through an iteration, and reverse mode works.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Case, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose};
use crate::array::{Array, apply1, fail};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::operand::{IntoOperand, Term, binary, unify};
use crate::types::Type;

mod loops;
mod reference;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&GAMMAINC, &GAMMAINCC, &GAMMAINC_GRAD_A, &BETAINC];

/// The lower incomplete gamma function, regularized.
pub static GAMMAINC: Prim = Prim {
    name: "gammainc",
    doc: "The integral of t^(a-1) e^-t from 0 to x over that to infinity; NaN for negative numbers and at (0, 0).",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("gammainc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| reference::gammainc(x[0], x[1]))),
    jvp: Jvp::PerOperand(&[
        |args, t| t * args.xs[0].gammainc_grad_a(&args.xs[1]),
        |args, t| t * gamma_density(&args.xs[0], &args.xs[1]),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Expand(|xs, _| loops::in_double(xs, |xs, precision| loops::gammainc(&xs[0], &xs[1], precision))),
};

/// The upper incomplete gamma function, regularized.
pub static GAMMAINCC: Prim = Prim {
    name: "gammaincc",
    doc: "The integral of t^(a-1) e^-t from x to infinity over that from 0; NaN for negative numbers and at (0, 0).",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("gammaincc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| reference::gammaincc(x[0], x[1]))),
    jvp: Jvp::PerOperand(&[
        |args, t| -t * args.xs[0].gammainc_grad_a(&args.xs[1]),
        |args, t| -t * gamma_density(&args.xs[0], &args.xs[1]),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Expand(|xs, _| loops::in_double(xs, |xs, precision| loops::gammaincc(&xs[0], &xs[1], precision))),
};

/// The derivative of the lower incomplete gamma function with respect to its parameter.
pub static GAMMAINC_GRAD_A: Prim = Prim {
    name: "gammainc_grad_a",
    doc: "The derivative of gammainc(a, x) with respect to a; NaN for a <= 0 and x < 0. It has no derivative with respect \
          to a.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Positive, Dtypes::Floats),
    infer: |xs, _| alike("gammainc_grad_a", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| reference::gammainc_grad_a(x[0], x[1]))),
    jvp: Jvp::PerOperand(&[
        |_, _| {
            let message = "there is no second derivative with respect to the parameter `a`; take `a.stop_gradient()`, or \
                           differentiate twice with respect to `x` alone";
            fail(ErrorKind::Transform, "gammainc_grad_a", message)
        },
        |args, t| t * (gamma_density(&args.xs[0], &args.xs[1]) * (args.xs[1].log() - args.xs[0].digamma())),
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Expand(|xs, _| {
        loops::in_double(xs, |xs, precision| loops::gammainc_grad_a(&xs[0], &xs[1], precision))
    }),
};

/// The incomplete beta function, regularized.
pub static BETAINC: Prim = Prim {
    name: "betainc",
    doc: "The integral of t^(a-1) (1-t)^(b-1) from 0 to x over that to 1; NaN for negative a and b and for x outside of \
          [0, 1]. It has no derivative with respect to a and b.",
    arity: Arity::Exactly(3),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |(dtype, shape): (DType, &[usize])| Case {
            elements: vec![Elements::Positive, Elements::Positive, Elements::Fraction],
            ..Case::new(vec![Type::new(dtype, shape); 3], Attrs::none())
        };
        [(DType::F32, [2, 3].as_slice()), (DType::F64, &[5]), (DType::F64, &[])].map(case).into()
    }),
    infer: |xs, _| alike("betainc", xs, Dtypes::Floats),
    eval: Eval::Elementwise(|xs| by_float(xs, |x| beta_sum(x[0], x[1], x[2]))),
    jvp: Jvp::PerOperand(&[
        |_, _| without_parameter_derivative(),
        |_, _| without_parameter_derivative(),
        |args, t| {
            let [a, b, x] = [&args.xs[0], &args.xs[1], &args.xs[2]];
            t * ((a - 1).xlogy(x) + (b - 1).xlog1py(-x) - a.betaln(b)).exp()
        },
    ]),
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Expand(|xs, _| loops::in_double(xs, |xs, precision| beta_loop(&xs[0], &xs[1], &xs[2], precision))),
};

#[track_caller]
fn without_parameter_derivative() -> Array {
    let message = "there is no derivative with respect to the parameters `a` and `b`; take `stop_gradient()` of them, or \
                   differentiate with respect to `x` alone";
    fail(ErrorKind::Transform, "betainc", message)
}

/// The sum of (a + b) ... (a + b + n - 1) / ((a + 1) ... (a + n)) x^n times x^a (1 - x)^b / (a B(a, b)), from the smaller
/// tail.
fn beta_sum(a: f64, b: f64, x: f64) -> f64 {
    let (a_vanishes, b_vanishes) = (a == 0.0 || b.is_infinite(), b == 0.0 || a.is_infinite());
    match (a_vanishes, b_vanishes) {
        _ if a.is_nan() || b.is_nan() || a < 0.0 || b < 0.0 || !(0.0..=1.0).contains(&x) => return f64::NAN,
        (true, true) => return f64::NAN,
        (true, false) => return if x == 0.0 { 0.0 } else { 1.0 },
        (false, true) => return if x == 1.0 { 1.0 } else { 0.0 },
        _ if x == 0.0 || x == 1.0 => return x,
        _ => {}
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_sum(b, a, 1.0 - x);
    }
    let logarithm = libm::lgamma(a + b) - libm::lgamma(a + 1.0) - libm::lgamma(b);
    let (mut term, mut sum, mut n) = ((a * x.ln() + b * (-x).ln_1p() + logarithm).exp(), 0.0, 0.0);
    while term > 1e-18 * sum {
        sum += term;
        term *= (a + b + n) / (a + 1.0 + n) * x;
        n += 1.0;
    }
    sum
}

/// The continued fraction of DLMF 8.17.22, from the tail in which it converges.
#[track_caller]
fn beta_loop(a: &Array, b: &Array, x: &Array, precision: f64) -> Array {
    let (a_vanishes, b_vanishes) =
        (a.equal(0).logical_or(b.equal(f64::INFINITY)), b.equal(0).logical_or(a.equal(f64::INFINITY)));
    let inside = a.greater(0).logical_and(b.greater(0)).logical_and(x.greater(0)).logical_and(x.less(1));
    let active = inside.logical_and(a_vanishes.logical_or(&b_vanishes).logical_not());
    let swapped = x.greater((a + 1) / (a + b + 2));
    let (log, log_rest) = (x.log(), (-x).log1p());
    let (p, q, y) = (swapped.select(b, a), swapped.select(a, b), swapped.select(1 - x, x));
    let (log_y, log_rest) = (swapped.select(&log_rest, &log), swapped.select(&log, &log_rest));
    // Numerators 2 m and 2 m + 1 differ.
    let level = |n: &Array| {
        let m = (n * 0.5).floor();
        let even = &m * (&q - &m) / ((&p + n - 1) * (&p + n));
        let odd = -((&p + &m) / (&p + n - 1)) * (&p + &q + &m) / (&p + n);
        let numerator = (&m * 2).equal(n).select(even, odd) * &y;
        loops::Level { base: numerator.ones_like(), numerator, slopes: None }
    };
    let (fraction, _) = loops::continued_fraction(active, precision, level);
    let scale = (&p * log_y + &q * log_rest + (&p + &q).lgamma() - (&p + 1).lgamma() - q.lgamma()).exp();
    let tail = fraction * scale;
    let value = swapped.select(1 - &tail, tail);
    let value = x.equal(0).logical_or(x.equal(1)).select(x, value);
    let value = a_vanishes.select(x.greater(0).astype(DType::F64), value);
    let value = b_vanishes.select(x.equal(1).astype(DType::F64), value);
    let known = a.greater_equal(0).logical_and(b.greater_equal(0));
    let known = known.logical_and(x.greater_equal(0)).logical_and(x.less_equal(1));
    known.logical_and(a_vanishes.logical_and(b_vanishes).logical_not()).select(value, f64::NAN)
}

/// x^(a-1) e^-x / gamma(a), the density of the gamma distribution.
#[track_caller]
fn gamma_density(a: &Array, x: &Array) -> Array {
    ((a - 1).xlogy(x) - x - a.lgamma()).exp()
}

impl Array {
    /// The regularized lower incomplete gamma function of the parameter `self` and the limit `x`: the integral of
    /// t^(a-1) e^-t from 0 to x, divided by gamma(a).
    ///
    /// It is differentiable once by `a` and any number of times by `x`. In double precision the relative error grows in
    /// proportion to `a`, to about 1e-12 where that is some thousands.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let p = Array::from([1.0f64]).gammainc(2.0).to_vec::<f64>().unwrap()[0];
    /// assert!((p - (1.0 - (-2.0f64).exp())).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn gammainc(&self, x: impl IntoOperand) -> Array {
        binary(&GAMMAINC, Dtypes::Floats, Term::Array(self.clone()), x.into_operand())
    }

    /// The regularized upper incomplete gamma function, 1 - [`gammainc`](Array::gammainc) without cancellation.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let q = Array::from([1.0f64]).gammaincc(50.0).to_vec::<f64>().unwrap()[0];
    /// assert!((q / (-50.0f64).exp() - 1.0).abs() < 1e-13);
    /// ```
    #[track_caller]
    pub fn gammaincc(&self, x: impl IntoOperand) -> Array {
        binary(&GAMMAINCC, Dtypes::Floats, Term::Array(self.clone()), x.into_operand())
    }

    /// The derivative of [`gammainc`](Array::gammainc) with respect to its parameter.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let slope = Array::from([1.0f64]).gammainc_grad_a(1.0).to_vec::<f64>().unwrap()[0];
    /// assert!((slope + 0.4317297).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn gammainc_grad_a(&self, x: impl IntoOperand) -> Array {
        binary(&GAMMAINC_GRAD_A, Dtypes::Floats, Term::Array(self.clone()), x.into_operand())
    }

    /// The regularized incomplete beta function of the parameters `self` and `b` and the limit `x`: the integral of
    /// t^(a-1) (1-t)^(b-1) from 0 to x, divided by that from 0 to 1.
    ///
    /// It is differentiable by `x` alone.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// // Of x^2 (3 - 2 x), the smooth step.
    /// let step = Array::from([2.0f64]).betainc(2.0, 0.25).to_vec::<f64>().unwrap()[0];
    /// assert!((step - 0.15625).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn betainc(&self, b: impl IntoOperand, x: impl IntoOperand) -> Array {
        let terms = [Term::Array(self.clone()), b.into_operand(), x.into_operand()];
        match unify("betainc", Dtypes::Floats, &terms, None) {
            Ok(xs) => apply1(&BETAINC, &[&xs[0], &xs[1], &xs[2]], Attrs::none()),
            Err(error) => error,
        }
    }

    /// How a sample `x` of the gamma distribution changes with its parameter, which is `self`, at a fixed quantile: minus
    /// the derivative of [`gammainc`](Array::gammainc) with respect to `a` over that with respect to `x`. Forward mode
    /// differentiates it, reverse mode does not.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// // Where x = -log(1 - p) is exponentially distributed.
    /// let slope = Array::from([1.0f64]).random_gamma_grad(1.0).to_vec::<f64>().unwrap()[0];
    /// assert!((slope - 0.4317297 * 1.0f64.exp()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn random_gamma_grad(&self, x: impl IntoOperand) -> Array {
        match unify("random_gamma_grad", Dtypes::Floats, &[Term::Array(self.clone()), x.into_operand()], None) {
            Ok(pair) => {
                loops::in_double(&pair, |xs, precision| loops::sample_slope(&xs[0], &xs[1], precision)).remove(0)
            }
            Err(error) => error,
        }
    }
}
