//! The Poisson loss.

use super::{Forward, check_output, check_real, loss_algebra};
use crate::functional::Functional;
use crate::inner::{total, zip};
use crate::linop::{Identity, LinOp};
use crate::operator::Op;
use crate::{Array, DType, Factor, Result, Type, Variable};

/// `α Σ ((A x)_i − y_i ln (A x)_i + ln Γ(y_i + 1))`, by default with `α = ½` and `A` the identity: for `α = 1` the negative
/// logarithm of the probability of counts `y` whose means are `A x`. It is infinite or NaN where a mean is not positive.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::Functional;
/// use cotangent::loss::PoissonLoss;
/// let loss = PoissonLoss::new(Array::from([1.0f32, 2.0, 3.0]))?;
/// let x = Array::from([1.0f32, 2.0, 4.0]);
/// assert!((loss.value(&x).item()? - 1.969865).abs() < 1e-5);
/// assert_eq!(loss.grad(&x)?.to_vec::<f32>()?, [0.0, 0.0, 0.125]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PoissonLoss<A: Forward = Identity<Type>> {
    y: A::Output,
    /// `Σ ln Γ(y_i + 1)`.
    constant: Array,
    operator: A,
    scale: Factor,
}

loss_algebra!([A: Forward] PoissonLoss<A>);

impl PoissonLoss {
    /// The loss of means `x`.
    ///
    /// # Errors
    /// Data that are complex; the error `y` stands for.
    pub fn new<Y: Variable>(y: Y) -> Result<PoissonLoss<Identity<Y::Type>>> {
        check_real("PoissonLoss", &y)?;
        // Counts are often integers, which have no precision of their own.
        let exact = |leaf: &Array| match leaf.dtype() {
            Ok(dtype) if !dtype.is_inexact() => leaf.astype(DType::F64),
            _ => leaf.clone(),
        };
        let constant = total(&y, |leaf| (exact(leaf) + 1.0).lgamma().sum());
        let operator = Identity::new(y.variable_type()?);
        Ok(PoissonLoss { y, constant, operator, scale: Factor::Real(0.5) })
    }
}

impl<A: Forward> PoissonLoss<A> {
    /// The loss of means `A x`.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn operator<X: Variable>(
        self,
        operator: impl Into<LinOp<X, A::Output>>,
    ) -> Result<PoissonLoss<LinOp<X, A::Output>>> {
        self.seen_through(operator.into())
    }

    /// The loss of means `A(x)` for an operator that need not be linear.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn map<X: Variable>(self, operator: Op<X, A::Output>) -> Result<PoissonLoss<Op<X, A::Output>>> {
        self.seen_through(operator)
    }

    fn seen_through<B: Forward<Output = A::Output>>(self, operator: B) -> Result<PoissonLoss<B>> {
        check_output("PoissonLoss", &operator, &self.y)?;
        let PoissonLoss { y, constant, scale, .. } = self;
        Ok(PoissonLoss { y, constant, operator, scale })
    }
}

impl<A: Forward> Functional<A::Input> for PoissonLoss<A> {
    fn value(&self, x: &A::Input) -> Array {
        let terms = zip("PoissonLoss", &self.operator.apply(x), &self.y, |mean, y| mean - y * mean.log());
        let sum = total(&terms, Array::sum);
        let constant = sum.dtype().map_or_else(Array::from_error, |dtype| self.constant.astype(dtype));
        self.scale.times(&(sum + constant))
    }
}
