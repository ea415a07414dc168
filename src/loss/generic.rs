//! Losses made of any functional.

use super::{Forward, check_output, loss_algebra};
use crate::functional::{Functional, Prox};
use crate::inner::{difference, zip};
use crate::linop::{Identity, LinOp};
use crate::operator::Op;
use crate::{Array, Factor, Result, Type, Variable};

/// `α f(A(x) − y)` for any functional `f`, by default with `α = 1` and `A` the identity. Without an operator it has a prox
/// if `f` has: `y + prox_{α λ f}(v − y)`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, L1Norm, Prox};
/// use cotangent::loss::Loss;
/// let loss = Loss::new(Array::from([1.0f32, 2.0, 3.0]), L1Norm::new())?;
/// let x = Array::from([0.0f32, 2.0, 5.0]);
/// assert_eq!(loss.value(&x).item()?, 3.0);
/// assert_eq!(loss.prox(&x, 1.0.into()).to_vec::<f32>()?, [1.0, 2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loss<F, A: Forward = Identity<Type>> {
    y: A::Output,
    functional: F,
    operator: A,
    scale: Factor,
}

loss_algebra!([F, A: Forward] Loss<F, A>);

impl Loss<()> {
    /// `f(x − y)`.
    ///
    /// # Errors
    /// The error `y` stands for.
    pub fn new<Y: Variable, F>(y: Y, functional: F) -> Result<Loss<F, Identity<Y::Type>>> {
        let operator = Identity::new(y.variable_type()?);
        Ok(Loss { y, functional, operator, scale: Factor::ONE })
    }
}

impl<F, A: Forward> Loss<F, A> {
    /// The loss of `A x`. It has no prox.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn operator<X: Variable>(
        self,
        operator: impl Into<LinOp<X, A::Output>>,
    ) -> Result<Loss<F, LinOp<X, A::Output>>> {
        self.seen_through(operator.into())
    }

    /// The loss of `A(x)` for an operator that need not be linear. It has no prox.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn map<X: Variable>(self, operator: Op<X, A::Output>) -> Result<Loss<F, Op<X, A::Output>>> {
        self.seen_through(operator)
    }

    fn seen_through<B: Forward<Output = A::Output>>(self, operator: B) -> Result<Loss<F, B>> {
        check_output("Loss", &operator, &self.y)?;
        let Loss { y, functional, scale, .. } = self;
        Ok(Loss { y, functional, operator, scale })
    }
}

impl<A: Forward, F: Functional<A::Output>> Functional<A::Input> for Loss<F, A> {
    fn value(&self, x: &A::Input) -> Array {
        self.scale.times(&self.functional.value(&difference(&self.operator.apply(x), &self.y)))
    }
}

impl<X: Variable, F: Prox<X>> Prox<X> for Loss<F, Identity<X::Type>> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        let inner = self.functional.prox(&difference(v, &self.y), &self.scale * &lambda);
        zip("Loss::prox", &inner, &self.y, |inner, y| inner + y)
    }
}
