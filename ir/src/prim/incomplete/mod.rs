//! Incomplete integrals: the regularized incomplete gamma functions, of positive parameters.
//!
//! Compiled, each is a loop over the whole array that ends when no element changes any more ([`loops`]). They are primitives
//! of their own, expanded just before fusion, because their derivatives are closed forms or loops of their own: nothing
//! is differentiated through an iteration, and reverse mode works.

use super::elementwise::{alike, by_float};
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose};
use crate::array::{Array, fail};
use crate::error::ErrorKind;
use crate::operand::{IntoOperand, Term, binary, unify};

mod loops;
mod reference;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&GAMMAINC, &GAMMAINCC, &GAMMAINC_GRAD_A];

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
