//! Functionals made of functionals: multiples and sums, and the zero functional.

use super::parameter::{precision, refused};
use super::{
    BoxIndicator, ComposedFunctional, Functional, HuberNorm, L0Norm, L1MinusL2Norm, L1Norm, L2BallIndicator, L2Norm,
    L21Norm, NonNegativeIndicator, NuclearNorm, Prox, ProximalAverage, SeparableFunctional, SetDistance, SquaredL2Norm,
    SquaredSetDistance, TvNorm,
};
use crate::{Array, Factor, Variable};
use std::ops::{Add, Div, Mul};

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

impl<X: Variable, F: Functional<X>> Functional<X> for ScaledFunctional<F> {
    fn value(&self, x: &X) -> Array {
        self.factor.times(&self.functional.value(x))
    }
}

impl<X: Variable, F: Prox<X>> Prox<X> for ScaledFunctional<F> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        self.functional.prox(v, &lambda * &self.factor)
    }
}

impl<F, G> FunctionalSum<F, G> {
    /// The sum of two functionals.
    pub fn new(first: F, second: G) -> FunctionalSum<F, G> {
        FunctionalSum { first, second }
    }
}

impl<X: Variable, F: Functional<X>, G: Functional<X>> Functional<X> for FunctionalSum<F, G> {
    fn value(&self, x: &X) -> Array {
        self.first.value(x) + self.second.value(x)
    }
}

impl ZeroFunctional {
    /// The zero functional.
    pub fn new() -> ZeroFunctional {
        ZeroFunctional
    }
}

impl<X: Variable> Functional<X> for ZeroFunctional {
    fn value(&self, x: &X) -> Array {
        match x.leaf_error() {
            Some(error) => Array::from_error(error),
            None => Array::zeros(&[], precision(x)),
        }
    }
}

impl<X: Variable> Prox<X> for ZeroFunctional {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        refused("ZeroFunctional::prox", &lambda, v).unwrap_or_else(|| v.clone())
    }
}

/// Multiplication by numbers from either side, division by them, and sums, for each functional.
macro_rules! algebra {
    ($($name:ident $(<$($parameter:ident),+>)?;)*) => { $(
        impl $(<$($parameter),+>)? Mul<$name $(<$($parameter),+>)?> for f64 {
            type Output = ScaledFunctional<$name $(<$($parameter),+>)?>;

            fn mul(self, functional: $name $(<$($parameter),+>)?) -> Self::Output {
                ScaledFunctional::new(self, functional)
            }
        }

        impl $(<$($parameter),+>)? Mul<f64> for $name $(<$($parameter),+>)? {
            type Output = ScaledFunctional<$name $(<$($parameter),+>)?>;

            fn mul(self, factor: f64) -> Self::Output {
                ScaledFunctional::new(factor, self)
            }
        }

        impl $(<$($parameter),+>)? Div<f64> for $name $(<$($parameter),+>)? {
            type Output = ScaledFunctional<$name $(<$($parameter),+>)?>;

            fn div(self, divisor: f64) -> Self::Output {
                ScaledFunctional::new(divisor.recip(), self)
            }
        }

        impl<Other $($(, $parameter)+)?> Add<Other> for $name $(<$($parameter),+>)? {
            type Output = FunctionalSum<$name $(<$($parameter),+>)?, Other>;

            fn add(self, other: Other) -> Self::Output {
                FunctionalSum::new(self, other)
            }
        }
    )* };
}
algebra! {
    L0Norm;
    L1Norm;
    L2Norm;
    SquaredL2Norm;
    L21Norm;
    L1MinusL2Norm;
    HuberNorm;
    NuclearNorm;
    TvNorm<N>;
    NonNegativeIndicator;
    BoxIndicator;
    L2BallIndicator;
    SetDistance<P>;
    SquaredSetDistance<P>;
    ProximalAverage<F>;
    SeparableFunctional<F>;
    ComposedFunctional<F>;
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

impl<F> Mul<f64> for ScaledFunctional<F> {
    type Output = ScaledFunctional<F>;

    fn mul(self, factor: f64) -> ScaledFunctional<F> {
        factor * self
    }
}

impl<F> Div<f64> for ScaledFunctional<F> {
    type Output = ScaledFunctional<F>;

    fn div(self, divisor: f64) -> ScaledFunctional<F> {
        Mul::mul(divisor.recip(), self)
    }
}

impl<Other, F> Add<Other> for ScaledFunctional<F> {
    type Output = FunctionalSum<ScaledFunctional<F>, Other>;

    fn add(self, other: Other) -> Self::Output {
        FunctionalSum::new(self, other)
    }
}
