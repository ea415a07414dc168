//! Losses: how far the image of an array under an operator is from data.
//!
//! A loss is a functional of `x` made from data `y`, an operator `A` and a factor `α`. Without an operator it is one of
//! `y − x`; with a linear one, [`LinOp`], its type says so, and so it does with one that need not be linear, [`Op`]. What has
//! a prox depends on that, and is known to the compiler:
//!
//! ```compile_fail
//! use cotangent::functional::Prox;
//! use cotangent::loss::SquaredL2Loss;
//! use cotangent::operator::Op;
//! use cotangent::{Array, Result};
//! fn needs_prox(_: impl Prox) {}
//! fn loss(y: Array) -> Result<()> {
//!     let square = Op::new(y.ty()?, |x: &Array| x.square())?;
//!     needs_prox(SquaredL2Loss::new(y)?.map(square)?);
//!     Ok(())
//! }
//! ```
//!
//! ```
//! use cotangent::functional::Prox;
//! use cotangent::loss::SquaredL2Loss;
//! use cotangent::{Array, Result};
//! fn needs_prox(_: impl Prox) {}
//! fn loss(y: Array) -> Result<()> {
//!     needs_prox(SquaredL2Loss::new(y)?);
//!     Ok(())
//! }
//! ```
//!
//! The product of a loss with a number is a loss of the same type with another factor `α`.

mod generic;
mod magnitude;
mod poisson;
mod squared;

pub use generic::Loss;
pub use magnitude::{SquaredL2AbsLoss, SquaredL2SquaredAbsLoss};
pub use poisson::PoissonLoss;
pub use squared::SquaredL2Loss;

use crate::linop::{Identity, LinOp};
use crate::operator::Op;
use crate::{Array, Error, ErrorKind, Result, Variable, VariableType};

/// What a loss applies to its argument: an [`Identity`], a [`LinOp`] or an [`Op`].
pub trait Forward: Clone + Send + Sync {
    /// What it is applied to.
    type Input: Variable;

    /// What it gives.
    type Output: Variable;

    /// Type of what it gives.
    fn output_type(&self) -> <Self::Output as Variable>::Type;

    /// `A(x)`.
    fn apply(&self, x: &Self::Input) -> Self::Output;
}

impl<T: VariableType> Forward for Identity<T> {
    type Input = T::Variable;
    type Output = T::Variable;

    fn output_type(&self) -> T {
        crate::linop::LinearOperator::output_type(self)
    }

    fn apply(&self, x: &T::Variable) -> T::Variable {
        crate::linop::LinearOperator::apply(self, x)
    }
}

impl<X: Variable, Y: Variable> Forward for LinOp<X, Y> {
    type Input = X;
    type Output = Y;

    fn output_type(&self) -> Y::Type {
        LinOp::output_type(self)
    }

    fn apply(&self, x: &X) -> Y {
        LinOp::apply(self, x)
    }
}

impl<X: Variable, Y: Variable> Forward for Op<X, Y> {
    type Input = X;
    type Output = Y;

    fn output_type(&self) -> Y::Type {
        Op::output_type(self)
    }

    fn apply(&self, x: &X) -> Y {
        Op::apply(self, x)
    }
}

/// Refuses an operator whose output has not the shapes of the data.
fn check_output<A: Forward>(loss: &str, operator: &A, data: &A::Output) -> Result<()> {
    let output = operator.output_type();
    let data = data.variable_type()?;
    let shapes = |ty| <A::Output as Variable>::array_types(ty).iter().map(|ty| ty.shape.clone()).collect::<Vec<_>>();
    if shapes(&output) == shapes(&data) {
        return Ok(());
    }
    let message = format!(
        "data {data} for an operator that gives {output}; the data must have the shape of the operator's output"
    );
    Err(Error::new(ErrorKind::Shape, format!("{loss}::operator"), message))
}

/// Refuses weights that are not real, not of the shapes of the data, or known to be negative or not finite.
fn check_weights<Y: Variable>(loss: &str, weights: &Y, data: &Y) -> Result<()> {
    let (given, data) = (weights.leaf_types()?, data.leaf_types()?);
    let operation = format!("{loss}::weights");
    let fits = given.len() == data.len() && given.iter().zip(&data).all(|(given, data)| given.shape == data.shape);
    if !fits {
        let message = format!("weights {} for other data; give one for each datum", weights.describe());
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    if given.iter().any(|ty| ty.dtype.is_complex()) {
        let message = format!("weights must be real, got {}; take their `real()` or `abs()`", weights.describe());
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    if let Some(wrong) = known(weights, |weight| !(weight >= 0.0 && weight.is_finite())) {
        let message = format!("weights must be finite and must not be negative, but one is {wrong}");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    Ok(())
}

/// The first element that has a property, where elements are known.
fn known<Y: Variable>(y: &Y, has: impl Fn(f64) -> bool) -> Option<f64> {
    y.leaves()
        .iter()
        .find_map(|leaf: &Array| leaf.tensor().ok()?.scalars().map(|scalar| scalar.as_f64()).find(|&x| has(x)))
}

/// Refuses complex data.
fn check_real<Y: Variable>(loss: &str, data: &Y) -> Result<()> {
    if data.leaf_types()?.iter().any(|ty| ty.dtype.is_complex()) {
        let message = format!("data must be real, got {}; take their `real()` or `abs()`", data.describe());
        return Err(Error::new(ErrorKind::DType, loss, message));
    }
    Ok(())
}

/// Each array of `x` times the weights of it, if there are any.
#[track_caller]
fn weighed<Y: Variable>(weights: &Option<Y>, x: &Y) -> Y {
    match weights {
        Some(weights) => crate::inner::zip("weights", weights, x, |weights, x| weights * x),
        None => x.clone(),
    }
}

/// Products of a loss with numbers, which are losses, and sums with functionals.
macro_rules! loss_algebra {
    ([$($generics:tt)*] $name:ident<$($parameter:ident),+>) => {
        impl<$($generics)*> $name<$($parameter),+> {
            /// The loss with another factor `α`.
            pub fn scale(self, scale: impl Into<$crate::Factor>) -> Self {
                $name { scale: scale.into(), ..self }
            }
        }

        impl<$($generics)*> std::ops::Mul<$name<$($parameter),+>> for f64 {
            type Output = $name<$($parameter),+>;

            fn mul(self, loss: $name<$($parameter),+>) -> Self::Output {
                let scale = &$crate::Factor::Real(self) * &loss.scale;
                $name { scale, ..loss }
            }
        }

        impl<$($generics)*> std::ops::Mul<f64> for $name<$($parameter),+> {
            type Output = Self;

            fn mul(self, factor: f64) -> Self {
                factor * self
            }
        }

        impl<$($generics)*> std::ops::Div<f64> for $name<$($parameter),+> {
            type Output = Self;

            fn div(self, divisor: f64) -> Self {
                std::ops::Mul::mul(divisor.recip(), self)
            }
        }

        impl<Other, $($generics)*> std::ops::Add<Other> for $name<$($parameter),+> {
            type Output = $crate::functional::FunctionalSum<Self, Other>;

            fn add(self, other: Other) -> Self::Output {
                $crate::functional::FunctionalSum::new(self, other)
            }
        }
    };
}
use loss_algebra;
