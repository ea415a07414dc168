//! Functionals made of functionals: multiples and sums, and the zero functional.

use super::{Functional, L1Norm, L2Norm, L21Norm, NonNegativeIndicator, Prox, SquaredL2Norm};
use crate::{Array, DType, Factor};
use std::ops::{Add, Mul};

/// `c f`, with the prox of `f` at `c λ`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L1Norm, Prox};
/// let f = 0.5 * L1Norm::new();
/// let v = Array::from(vec![-2.0f32, 0.25]);
/// assert_eq!(f.value(&v).item()?, 1.125);
/// assert_eq!(f.prox(&v, 2.0.into()).to_vec::<f32>()?, [-1.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScaledFunctional<F> {
    functional: F,
    factor: Factor,
}

/// `f + g`. It has no prox.
#[derive(Clone, Debug)]
pub struct FunctionalSum<F, G> {
    first: F,
    second: G,
}

/// `x ↦ 0`. Its prox is the identity.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroFunctional;

impl<F> ScaledFunctional<F> {
    /// The multiple of a functional by a real number, which may be a traced 0-d array.
    pub fn new(factor: impl Into<Factor>, functional: F) -> ScaledFunctional<F> {
        ScaledFunctional { functional, factor: factor.into() }
    }

    /// The number.
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// What is multiplied.
    pub fn functional(&self) -> &F {
        &self.functional
    }
}

impl<F: Functional> Functional for ScaledFunctional<F> {
    fn value(&self, x: &Array) -> Array {
        self.factor.times(&self.functional.value(x))
    }
}

impl<F: Prox> Prox for ScaledFunctional<F> {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        self.functional.prox(v, &lambda * &self.factor)
    }
}

impl<F, G> FunctionalSum<F, G> {
    /// The sum of two functionals.
    pub fn new(first: F, second: G) -> FunctionalSum<F, G> {
        FunctionalSum { first, second }
    }
}

impl<F: Functional, G: Functional> Functional for FunctionalSum<F, G> {
    fn value(&self, x: &Array) -> Array {
        self.first.value(x) + self.second.value(x)
    }
}

impl ZeroFunctional {
    /// The zero functional.
    pub fn new() -> ZeroFunctional {
        ZeroFunctional
    }
}

impl Functional for ZeroFunctional {
    fn value(&self, x: &Array) -> Array {
        match x.dtype() {
            Ok(dtype) => Array::zeros(&[], if dtype.is_inexact() { dtype.real() } else { DType::F32 }),
            Err(_) => x.clone(),
        }
    }
}

impl Prox for ZeroFunctional {
    fn prox(&self, v: &Array, _lambda: Factor) -> Array {
        v.clone()
    }
}

/// Multiplication by numbers from the left and sums, for each functional.
macro_rules! algebra {
    ($($name:ident $(<$($parameter:ident),+>)?;)*) => { $(
        impl $(<$($parameter),+>)? Mul<$name $(<$($parameter),+>)?> for f64 {
            type Output = ScaledFunctional<$name $(<$($parameter),+>)?>;

            fn mul(self, functional: $name $(<$($parameter),+>)?) -> Self::Output {
                ScaledFunctional::new(self, functional)
            }
        }

        impl<Other: Functional $($(, $parameter)+)?> Add<Other> for $name $(<$($parameter),+>)? {
            type Output = FunctionalSum<$name $(<$($parameter),+>)?, Other>;

            fn add(self, other: Other) -> Self::Output {
                FunctionalSum::new(self, other)
            }
        }
    )* };
}
algebra! {
    L1Norm;
    L2Norm;
    SquaredL2Norm;
    L21Norm;
    NonNegativeIndicator;
    ZeroFunctional;
    FunctionalSum<F, G>;
}

/// Multiples of multiples multiply their factors.
impl<F> Mul<ScaledFunctional<F>> for f64 {
    type Output = ScaledFunctional<F>;

    fn mul(self, scaled: ScaledFunctional<F>) -> ScaledFunctional<F> {
        let factor = &Factor::Real(self) * &scaled.factor;
        ScaledFunctional { functional: scaled.functional, factor }
    }
}

impl<Other: Functional, F> Add<Other> for ScaledFunctional<F> {
    type Output = FunctionalSum<ScaledFunctional<F>, Other>;

    fn add(self, other: Other) -> Self::Output {
        FunctionalSum::new(self, other)
    }
}
