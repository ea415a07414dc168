//! The squared `l2` loss.

use crate::functional::{Functional, FunctionalSum, Prox};
use crate::linop::{Diagonal, Identity, LinOp, Structure};
use crate::solver::{ConjugateGradient, conjugate_gradient};
use crate::{Array, Error, ErrorKind, Factor, Result, Type};
use std::ops::{Add, Div, Mul};

/// `α Σ w_i |y_i − (A x)_i|²`, by default with `α = ½`, `A` the identity and `w = 1`.
///
/// The prox has a closed form where `A` is diagonal, `(v + c conj(a) w y) / (1 + c w |a|²)` with `c = 2 α λ`; otherwise it
/// solves `(I + c Aᴴ W A) x = v + c Aᴴ W y` by conjugate gradients from 0.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::{Functional, Prox};
/// use cotangent::loss::SquaredL2Loss;
/// let loss = SquaredL2Loss::new(Array::from(vec![1.0f32, 2.0, 3.0]))?;
/// let x = Array::from(vec![0.0f32, 2.0, 5.0]);
/// assert_eq!(loss.value(&x).item()?, 2.5);
/// assert_eq!(loss.grad(&x)?.to_vec::<f32>()?, [-1.0, 0.0, 2.0]);
/// assert_eq!(loss.prox(&x, 1.0.into()).to_vec::<f32>()?, [0.5, 2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SquaredL2Loss {
    y: Array,
    operator: LinOp,
    weights: Option<Array>,
    scale: Factor,
    prox_solver: ConjugateGradient,
}

impl SquaredL2Loss {
    /// `½ ‖y − x‖²`.
    ///
    /// # Errors
    /// The error `y` stands for.
    pub fn new(y: Array) -> Result<SquaredL2Loss> {
        let ty = y.ty()?;
        Ok(SquaredL2Loss {
            y,
            operator: Identity::new(ty).into(),
            weights: None,
            scale: Factor::Real(0.5),
            prox_solver: ConjugateGradient { tolerance: 1e-5, ..ConjugateGradient::default() },
        })
    }

    /// The loss of `A x`.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn operator(mut self, operator: impl Into<LinOp>) -> Result<SquaredL2Loss> {
        let operator = operator.into();
        let (output, data) = (operator.output_type(), self.y.ty()?);
        if output.shape != data.shape {
            let message =
                format!("data {data} for {operator:?}; the data must have the shape of the operator's output");
            return Err(Error::new(ErrorKind::Shape, "SquaredL2Loss::operator", message));
        }
        self.operator = operator;
        Ok(self)
    }

    /// The loss with a real weight for each datum. Where the elements are known, they are checked to be nonnegative.
    ///
    /// # Errors
    /// Weights of another shape than the data, complex ones, or negative ones.
    pub fn weights(mut self, weights: Array) -> Result<SquaredL2Loss> {
        let (given, data) = (weights.ty()?, self.y.ty()?);
        let refuse = |kind, message| Err(Error::new(kind, "SquaredL2Loss::weights", message));
        if given.shape != data.shape {
            return refuse(ErrorKind::Shape, format!("weights {given} for data {data}; give one for each datum"));
        }
        if given.dtype.is_complex() {
            return refuse(
                ErrorKind::DType,
                format!("weights must be real, got {given}; take their `real()` or `abs()`"),
            );
        }
        if let Ok(known) = weights.tensor()
            && let Some(negative) = known.scalars().map(|weight| weight.as_f64()).find(|&weight| weight < 0.0)
        {
            return refuse(ErrorKind::Argument, format!("weights must not be negative, but one is {negative}"));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The loss with another factor `α`.
    pub fn scale(mut self, scale: impl Into<Factor>) -> SquaredL2Loss {
        self.scale = scale.into();
        self
    }

    /// The loss with other limits of the conjugate gradients behind a prox without closed form.
    pub fn prox_solver(mut self, solver: ConjugateGradient) -> SquaredL2Loss {
        self.prox_solver = solver;
        self
    }

    /// The data.
    pub fn data(&self) -> &Array {
        &self.y
    }

    /// The operator.
    pub fn forward_operator(&self) -> &LinOp {
        &self.operator
    }

    /// The weights, if there are any.
    pub fn data_weights(&self) -> Option<&Array> {
        self.weights.as_ref()
    }

    /// Twice the factor: `2 α`.
    pub fn twice_scale(&self) -> Factor {
        &Factor::Real(2.0) * &self.scale
    }

    /// `2 α Aᴴ W y`, the right-hand side of the normal equations.
    pub fn weighted_data(&self) -> Array {
        let dtype = self.operator.output_type().dtype;
        let y = crate::linop::project(&self.weigh(&self.y), dtype);
        self.twice_scale().times(&self.operator.adjoint(&y))
    }

    /// The Hessian `2 α Aᴴ W A`.
    ///
    /// # Errors
    /// The error the weights stand for.
    pub fn hessian(&self) -> Result<LinOp> {
        let gram = match &self.weights {
            None => self.operator.gram_op(),
            Some(weights) => {
                let weigh = LinOp::from(Diagonal::with_input(weights.clone(), self.operator.output_type())?);
                self.operator.h() * (weigh * &self.operator)
            }
        };
        Ok(gram.scaled(self.twice_scale()))
    }

    fn weigh(&self, x: &Array) -> Array {
        match &self.weights {
            Some(weights) => weights * x,
            None => x.clone(),
        }
    }

    /// The diagonal of the operator, if it has one.
    fn diagonal(&self, dtype: crate::DType) -> Option<Array> {
        match self.operator.structure() {
            Structure::ScaledIdentity(factor) => Some(factor.to_array(dtype)),
            Structure::Diagonal(diagonal) if diagonal.is_square() => Some(diagonal.diagonal().clone()),
            _ => None,
        }
    }

    fn prox_by_iteration(&self, v: &Array, c: &Factor) -> Array {
        let ty = self.operator.input_type();
        let v = v.astype(ty.dtype);
        let y = crate::linop::project(&self.weigh(&self.y), self.operator.output_type().dtype);
        let b = &v + c.times(&self.operator.adjoint(&y));
        let normal = |x: &Array| {
            let weighted = self.weigh(&self.operator.apply(x));
            x + c.times(&self.operator.adjoint(&weighted))
        };
        conjugate_gradient(normal, &b, &v.zeros_like(), &self.prox_solver).x
    }

    fn input_type(&self) -> Type {
        self.operator.input_type()
    }
}

impl Functional for SquaredL2Loss {
    fn value(&self, x: &Array) -> Array {
        let residual = &self.y - self.operator.apply(x);
        self.scale.times(&self.weigh(&residual.abs2()).sum())
    }
}

impl Prox for SquaredL2Loss {
    fn prox(&self, v: &Array, lambda: Factor) -> Array {
        let c = &self.twice_scale() * &lambda;
        let Some(a) = self.diagonal(self.input_type().dtype) else {
            return self.prox_by_iteration(v, &c);
        };
        if self.operator.is_identity() && self.weights.is_none() {
            let divisor = &Factor::ONE + &c;
            return (v + c.times(&self.y)) / divisor.like(v);
        }
        let data = a.conj() * self.weigh(&self.y);
        let curvature = self.weigh(&a.abs2());
        (v + c.times(&data)) / (1.0 + c.times(&curvature))
    }
}

impl Mul<SquaredL2Loss> for f64 {
    type Output = SquaredL2Loss;

    fn mul(self, loss: SquaredL2Loss) -> SquaredL2Loss {
        let scale = &Factor::Real(self) * &loss.scale;
        SquaredL2Loss { scale, ..loss }
    }
}

impl Div<f64> for SquaredL2Loss {
    type Output = SquaredL2Loss;

    fn div(self, divisor: f64) -> SquaredL2Loss {
        self.recip_scaled(divisor)
    }
}

impl SquaredL2Loss {
    fn recip_scaled(self, divisor: f64) -> SquaredL2Loss {
        let scale = &Factor::Real(divisor.recip()) * &self.scale;
        SquaredL2Loss { scale, ..self }
    }
}

impl<Other: Functional> Add<Other> for SquaredL2Loss {
    type Output = FunctionalSum<SquaredL2Loss, Other>;

    fn add(self, other: Other) -> Self::Output {
        FunctionalSum::new(self, other)
    }
}
