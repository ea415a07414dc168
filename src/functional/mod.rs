//! Functionals: real functions of arrays, and their proximal maps.
//!
//! A functional has a value; having a prox is a trait of its own, so that a solver that needs one asks for it in its type.
//! The scaled proximal map is `prox(v, λ) = argmin_x λ f(x) + ½ ‖v − x‖²`, the norm over all elements, complex or real.
//!
//! A functional without a prox is refused where one is needed:
//!
//! ```compile_fail
//! use cotangent::functional::{L1Norm, L2Norm, Prox};
//! fn needs_prox(_: impl Prox) {}
//! needs_prox(L1Norm::new() + L2Norm::new());
//! ```
//!
//! ```
//! use cotangent::functional::{L1Norm, Prox};
//! fn needs_prox(_: impl Prox) {}
//! needs_prox(0.1 * L1Norm::new());
//! ```

mod combine;
mod indicator;
mod norm;

pub use combine::{FunctionalSum, ScaledFunctional, ZeroFunctional};
pub use indicator::NonNegativeIndicator;
pub use norm::{L1Norm, L2Norm, L21Norm, SquaredL2Norm};

use crate::{Array, Factor, Result, grad};
use std::sync::Arc;

/// A real function of arrays.
pub trait Functional: Send + Sync {
    /// `f(x)`, real and 0-d.
    fn value(&self, x: &Array) -> Array;

    /// The gradient `∂f/∂Re x + i ∂f/∂Im x`, derived from [`value`](Functional::value). At kinks it is what the chain of
    /// operations gives.
    ///
    /// # Errors
    /// A mistake in the value; an `x` that is not of floating point.
    #[track_caller]
    fn grad(&self, x: &Array) -> Result<Array> {
        grad(|x: Array| self.value(&x)).call(x.clone())
    }
}

/// A functional with a proximal map.
pub trait Prox: Functional {
    /// `argmin_x λ f(x) + ½ ‖v − x‖²`.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::functional::{L1Norm, Prox};
    /// let v = Array::from(vec![-2.0f32, 0.5, 3.0]);
    /// assert_eq!(L1Norm::new().prox(&v, 1.0.into()).to_vec::<f32>()?, [-1.0, 0.0, 2.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    fn prox(&self, v: &Array, lambda: Factor) -> Array;

    /// The proximal map of `λ f*`, with `f*` the convex conjugate: by Moreau's identity `v − λ prox(v / λ, 1 / λ)`.
    #[track_caller]
    fn conj_prox(&self, v: &Array, lambda: Factor) -> Array {
        let inverse = lambda.recip();
        v - lambda.times(&self.prox(&inverse.times(v), inverse))
    }
}

macro_rules! pointers {
    ($($pointer:ident),*) => { $(
        impl<F: Functional + ?Sized> Functional for $pointer<F> {
            fn value(&self, x: &Array) -> Array {
                (**self).value(x)
            }

            fn grad(&self, x: &Array) -> Result<Array> {
                (**self).grad(x)
            }
        }

        impl<F: Prox + ?Sized> Prox for $pointer<F> {
            fn prox(&self, v: &Array, lambda: Factor) -> Array {
                (**self).prox(v, lambda)
            }

            fn conj_prox(&self, v: &Array, lambda: Factor) -> Array {
                (**self).conj_prox(v, lambda)
            }
        }
    )* };
}
pointers!(Arc, Box);
