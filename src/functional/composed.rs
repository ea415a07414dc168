//! Functionals of the image of an orthogonal operator.

use super::{Functional, Prox};
use crate::linop::LinOp;
use crate::{Array, Factor};

/// `x ↦ f(A x)` with an orthogonal (unitary) `A`, `A Aᴴ = I`, for which the prox is `Aᴴ prox_{λ f}(A v)`. That `A` is
/// orthogonal is not checked.
///
/// ```
/// use cotangent::{Array, DType, Type};
/// use cotangent::functional::{ComposedFunctional, Functional, L21Norm, Prox};
/// use cotangent::linop::Transpose;
/// let m = Array::from([[3.0f32, 0.0, 1.0], [4.0, 0.0, -2.0]]);
/// let f = ComposedFunctional::new(L21Norm::new(), Transpose::new(Type::new(DType::F32, &[2, 3]))?);
/// assert!((f.value(&m).item()? - 7.634414).abs() < 1e-5);
/// assert!((f.prox(&m, 1.0.into()).to_vec::<f32>()?[0] - 2.051317).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ComposedFunctional<F> {
    functional: F,
    operator: LinOp,
}

impl<F> ComposedFunctional<F> {
    /// The functional of the image of an orthogonal operator.
    pub fn new(functional: F, operator: impl Into<LinOp>) -> ComposedFunctional<F> {
        ComposedFunctional { functional, operator: operator.into() }
    }
}

impl<F: Functional> Functional for ComposedFunctional<F> {
    fn value(&self, x: &Array) -> Array {
        self.functional.value(&self.operator.apply(x))
    }
}

impl<F: Prox> Prox for ComposedFunctional<F> {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        self.operator.adjoint(&self.functional.prox(&self.operator.apply(v), lambda))
    }
}
