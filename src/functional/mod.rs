//! Functionals: real functions of arrays and block arrays, and their proximal maps.
//!
//! A functional has a value; having a prox is a trait of its own, so that a solver that needs one asks for it in its type.
//! The scaled proximal map is `prox(v, λ) = argmin_x λ f(x) + ½ ‖v − x‖²`, the norm over all elements, complex or real.
//!
//! Both traits are generic over what they act on, an [`Array`] unless said otherwise. Norms and indicators act on arrays and
//! on [block arrays](crate::BlockArray), as one vector of all their elements; what needs one array, such as the nuclear norm
//! of a matrix, is not a functional of block arrays.
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
//!
//! And so is a functional of matrices on block arrays:
//!
//! ```compile_fail
//! use cotangent::{BlockArray, DType};
//! use cotangent::functional::{Functional, NuclearNorm};
//! NuclearNorm::new().value(&BlockArray::zeros(&[vec![2, 2]], DType::F32).unwrap());
//! ```
//!
//! ```
//! use cotangent::{BlockArray, DType};
//! use cotangent::functional::{Functional, L1Norm};
//! L1Norm::new().value(&BlockArray::zeros(&[vec![2, 2]], DType::F32).unwrap());
//! ```

mod average;
mod combine;
mod composed;
mod distance;
mod group;
mod huber;
mod indicator;
mod norm;
mod nuclear;
mod parameter;
mod separable;
mod sparse;
mod variation;

pub use average::ProximalAverage;
pub use combine::{FunctionalSum, ScaledFunctional, ZeroFunctional};
pub use composed::ComposedFunctional;
pub use distance::{SetDistance, SquaredSetDistance};
pub use group::L21Norm;
pub use huber::HuberNorm;
pub use indicator::{BoxIndicator, L2BallIndicator, NonNegativeIndicator};
pub use norm::{L1Norm, L2Norm, SquaredL2Norm};
pub use nuclear::NuclearNorm;
pub use separable::SeparableFunctional;
pub use sparse::{L0Norm, L1MinusL2Norm};
pub use variation::{AnisotropicTvNorm, FastGradientProjection, IsotropicTvNorm, TvNorm};

pub(crate) use parameter::threshold;

use crate::inner::{difference, zip};
use crate::{Array, Factor, Result, Variable, grad};
use std::sync::Arc;

/// A real function of arrays, or of another [`Variable`].
pub trait Functional<X: Variable = Array>: Send + Sync {
    /// `f(x)`, real and 0-d.
    fn value(&self, x: &X) -> Array;

    /// The gradient `∂f/∂Re x + i ∂f/∂Im x`, derived from [`value`](Functional::value). At kinks it is what the chain of
    /// operations gives; norms have the gradient 0 at 0.
    ///
    /// # Errors
    /// A mistake in the value; an `x` that is not of floating point.
    #[track_caller]
    fn grad(&self, x: &X) -> Result<X> {
        grad(|x: X| self.value(&x)).call(x.clone())
    }
}

/// A functional with a proximal map.
pub trait Prox<X: Variable = Array>: Functional<X> {
    /// `argmin_x λ f(x) + ½ ‖v − x‖²`, for `λ ≥ 0`. A `λ` that is known to be negative or not finite gives an error value.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::functional::{L1Norm, Prox};
    /// let v = Array::from(vec![-2.0f32, 0.5, 3.0]);
    /// assert_eq!(L1Norm::new().prox(&v, 1.0.into()).to_vec::<f32>()?, [-1.0, 0.0, 2.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    fn prox(&self, v: &X, lambda: Factor) -> X;

    /// The proximal map of `λ f*`, with `f*` the convex conjugate: by Moreau's identity `v − λ prox(v / λ, 1 / λ)`, for
    /// `λ > 0`.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::functional::{L1Norm, Prox};
    /// let v = Array::from(vec![-2.0f32, -1.0, 0.0, 0.5, 3.0]);
    /// assert_eq!(L1Norm::new().conj_prox(&v, 0.5.into()).to_vec::<f32>()?, [-1.0, -1.0, 0.0, 0.5, 1.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    #[track_caller]
    fn conj_prox(&self, v: &X, lambda: Factor) -> X {
        if let Some(error) = parameter::not_positive("conj_prox", &lambda) {
            return v.map_leaves(|_| error.clone());
        }
        let inverse = lambda.recip();
        let inner = self.prox(&v.map_leaves(|leaf| inverse.times(&leaf)), inverse);
        difference(v, &inner.map_leaves(|leaf| lambda.times(&leaf)))
    }
}

/// Each leaf of `v` multiplied by a real array that broadcasts with it.
#[track_caller]
fn scaled<X: Variable>(v: &X, factor: &Array) -> X {
    v.map_leaves(|leaf| leaf * factor)
}

/// `v` where a 0-d bool array is true, elsewhere `w`.
#[track_caller]
fn chosen<X: Variable>(first: &Array, v: &X, w: &X) -> X {
    zip("select", v, w, |v, w| first.select(v, w))
}

macro_rules! pointers {
    ($($pointer:ty),*) => { $(
        impl<X: Variable, F: Functional<X> + ?Sized> Functional<X> for $pointer {
            fn value(&self, x: &X) -> Array {
                (**self).value(x)
            }

            fn grad(&self, x: &X) -> Result<X> {
                (**self).grad(x)
            }
        }

        impl<X: Variable, F: Prox<X> + ?Sized> Prox<X> for $pointer {
            fn prox(&self, v: &X, lambda: Factor) -> X {
                (**self).prox(v, lambda)
            }

            fn conj_prox(&self, v: &X, lambda: Factor) -> X {
                (**self).conj_prox(v, lambda)
            }
        }
    )* };
}
pointers!(Arc<F>, Box<F>);
