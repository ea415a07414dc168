//! The handle by which operators are shared and combined.

use super::{LinearOperator, Structure, accept_shape, accept_type};
use crate::{Array, BlockArray, Variable};
use std::fmt;
use std::sync::Arc;

/// A shared linear operator. Cheap to clone.
///
/// Combines with others by `+`, `-`, `*` (composition: `&a * &b` applies `b` first) and with numbers by `*` and `/`. A
/// combination that does not fit (shapes, dtypes) is an operator that gives the error where it is applied.
///
/// Application checks the shape of its argument; the adjoint checks shape and dtype.
///
/// ```
/// use cotangent::linop::{Boundary, FiniteDifference, Identity, LinOp};
/// use cotangent::{Array, DType, Type};
///
/// let ty = Type::new(DType::F32, &[3]);
/// let d = LinOp::from(FiniteDifference::new(ty.clone(), Boundary::CIRCULAR)?);
/// let laplacian = d.h() * d;
/// let sharpen = LinOp::from(Identity::new(ty)) + 0.5 * &laplacian;
/// let x = Array::from(vec![0.0f32, 3.0, 0.0]);
/// assert_eq!(sharpen.apply(&x).to_vec::<f32>()?, [-1.5, 6.0, -1.5]);
/// assert!(sharpen.apply(&Array::from(vec![1.0f32])).error().is_some());
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// An operator between block arrays, or an array and block arrays, is a `LinOp<X, Y>` of those.
pub struct LinOp<X: Variable = Array, Y: Variable = Array>(Arc<dyn LinearOperator<X, Y>>);

impl<X: Variable, Y: Variable> Clone for LinOp<X, Y> {
    fn clone(&self) -> LinOp<X, Y> {
        LinOp(self.0.clone())
    }
}

crate::operator::converts_into_handle!(LinearOperator, LinOp);

impl<X: Variable, Y: Variable> From<&LinOp<X, Y>> for LinOp<X, Y> {
    fn from(operator: &LinOp<X, Y>) -> LinOp<X, Y> {
        operator.clone()
    }
}

impl<X: Variable, Y: Variable> LinOp<X, Y> {
    /// The handle of an operator that is shared already.
    pub fn from_shared(operator: Arc<dyn LinearOperator<X, Y>>) -> LinOp<X, Y> {
        LinOp(operator)
    }

    /// Type of what it is applied to.
    pub fn input_type(&self) -> X::Type {
        self.0.input_type()
    }

    /// Type of its results on input of that type.
    pub fn output_type(&self) -> Y::Type {
        self.0.output_type()
    }

    /// `A x`. A real operator applied to a complex array gives the complex result.
    #[track_caller]
    pub fn apply(&self, x: &X) -> Y {
        let accepted = accept_shape(self.name(), &self.input_type(), x);
        match accepted.leaf_error() {
            Some(error) => Y::placeholder(&self.output_type()).map_leaves(|_| Array::from_error(error.clone())),
            None => self.0.apply(&accepted),
        }
    }

    /// `Aᴴ y`; `y` must be of the output type.
    #[track_caller]
    pub fn adjoint(&self, y: &Y) -> X {
        let accepted = accept_type(self.name(), &self.output_type(), y);
        match accepted.leaf_error() {
            Some(error) => X::placeholder(&self.input_type()).map_leaves(|_| Array::from_error(error.clone())),
            None => self.0.adjoint(&accepted),
        }
    }

    /// `Aᴴ A x`.
    #[track_caller]
    pub fn gram(&self, x: &X) -> X {
        let accepted = accept_shape(self.name(), &self.input_type(), x);
        if accepted.leaf_error().is_some() { accepted } else { self.0.gram(&accepted) }
    }

    /// What the algebra and direct solvers may exploit.
    pub fn structure(&self) -> Structure {
        self.0.structure()
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Whether this is the identity, as far as its structure shows.
    pub fn is_identity(&self) -> bool {
        matches!(self.structure(), Structure::ScaledIdentity(factor) if factor.as_real() == Some(1.0))
    }
}

impl<X: Variable, Y: Variable> fmt::Debug for LinOp<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.name(), self.input_type(), self.output_type())
    }
}
