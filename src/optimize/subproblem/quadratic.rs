//! Quadratic functionals as the normal equations need them.

use crate::functional::{Functional, ZeroFunctional};
use crate::inner::zip;
use crate::linop::{LinOp, LinearOperator, partial_adjoint, project_all};
use crate::loss::SquaredL2Loss;
use crate::{Array, Variable};
use std::sync::Arc;

/// A quadratic functional, or zero.
pub trait Quadratic<X: Variable = Array>: Functional<X> {
    /// The Hessian `2 α Aᴴ W A`; `None` if it is zero.
    fn curvature(&self) -> Option<LinOp<X, X>>;

    /// `2 α Aᴴ W y`; `None` if it is zero.
    fn pulled_data(&self) -> Option<X>;
}

/// A quadratic functional of arrays whose operator direct solvers look into.
pub trait LeastSquares: Quadratic {
    /// The loss, if the functional is one.
    fn loss(&self) -> Option<&SquaredL2Loss>;
}

impl<X: Variable, Y: Variable> Quadratic<X> for SquaredL2Loss<LinOp<X, Y>> {
    fn curvature(&self) -> Option<LinOp<X, X>> {
        let a = self.forward_operator();
        let gram = match self.data_weights() {
            None => a.gram_op(),
            Some(weights) => LinOp::from_shared(Arc::new(WeightedGram { a: a.clone(), weights: weights.clone() })),
        };
        Some(gram.scaled(self.twice_scale()))
    }

    fn pulled_data(&self) -> Option<X> {
        let a = self.forward_operator();
        let y = match self.data_weights() {
            None => self.data().clone(),
            Some(weights) => zip("weights", weights, self.data(), |weights, y| weights * y),
        };
        let pulled = a.adjoint(&project_all(&y, &a.output_type()));
        Some(pulled.map_leaves(|leaf| self.twice_scale().times(&leaf)))
    }
}

impl LeastSquares for SquaredL2Loss {
    fn loss(&self) -> Option<&SquaredL2Loss> {
        Some(self)
    }
}

impl<X: Variable> Quadratic<X> for ZeroFunctional {
    fn curvature(&self) -> Option<LinOp<X, X>> {
        None
    }

    fn pulled_data(&self) -> Option<X> {
        None
    }
}

impl LeastSquares for ZeroFunctional {
    fn loss(&self) -> Option<&SquaredL2Loss> {
        None
    }
}

/// `Aᴴ W A` for real weights.
struct WeightedGram<X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
    weights: Y,
}

impl<X: Variable, Y: Variable> LinearOperator<X, X> for WeightedGram<X, Y> {
    fn input_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn output_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn apply(&self, x: &X) -> X {
        let image = zip("weights", &self.weights, &self.a.apply(x), |weights, image| weights * image);
        partial_adjoint(&self.a, &image)
    }

    /// It is its own adjoint.
    fn adjoint(&self, y: &X) -> X {
        self.apply(y)
    }
}
