//! The handle by which operators are shared and combined.

use super::{LinearOperator, Structure, accept_shape, accept_type};
use crate::{Array, Type};
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
#[derive(Clone)]
pub struct LinOp(Arc<dyn LinearOperator>);

impl<A: LinearOperator + 'static> From<A> for LinOp {
    fn from(operator: A) -> LinOp {
        LinOp(Arc::new(operator))
    }
}

impl From<&LinOp> for LinOp {
    fn from(operator: &LinOp) -> LinOp {
        operator.clone()
    }
}

impl LinOp {
    /// The handle of an operator that is shared already.
    pub fn from_shared(operator: Arc<dyn LinearOperator>) -> LinOp {
        LinOp(operator)
    }

    /// Type of the arrays it is applied to.
    pub fn input_type(&self) -> Type {
        self.0.input_type()
    }

    /// Type of its results on arrays of the input type.
    pub fn output_type(&self) -> Type {
        self.0.output_type()
    }

    /// `A x`. A real operator applied to a complex array gives the complex result.
    #[track_caller]
    pub fn apply(&self, x: &Array) -> Array {
        self.0.apply(&accept_shape(self.name(), &self.input_type(), x))
    }

    /// `Aᴴ y`; `y` must be of the output type.
    #[track_caller]
    pub fn adjoint(&self, y: &Array) -> Array {
        self.0.adjoint(&accept_type(self.name(), &self.output_type(), y))
    }

    /// `Aᴴ A x`.
    #[track_caller]
    pub fn gram(&self, x: &Array) -> Array {
        self.0.gram(&accept_shape(self.name(), &self.input_type(), x))
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

impl fmt::Debug for LinOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.name(), self.input_type(), self.output_type())
    }
}
