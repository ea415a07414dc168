//! The squared `l2` loss.

use super::{Forward, check_output, check_weights, loss_algebra, weighed};
use crate::functional::{Functional, Prox, threshold};
use crate::inner::{difference, total, zip};
use crate::linop::{Diagonal, Identity, LinOp, Structure, project, project_all};
use crate::operator::Op;
use crate::solver::{ConjugateGradient, conjugate_gradient};
use crate::{Array, DType, Factor, Result, Tree, Variable};
use std::sync::Arc;

/// `α Σ w_i |y_i − (A x)_i|²`, by default with `α = ½`, `A` the identity and `w = 1`.
///
/// With a linear operator it has a prox. Where `A` is diagonal it has a closed form, `(v + c conj(a) w y) / (1 + c w |a|²)`
/// with `c = 2 α λ`; otherwise it solves `(I + c Aᴴ W A) x = v + c Aᴴ W y` by conjugate gradients from 0.
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
pub struct SquaredL2Loss<A: Forward = LinOp> {
    y: A::Output,
    operator: A,
    weights: Option<A::Output>,
    scale: Factor,
    prox_solver: ConjugateGradient,
}

loss_algebra!([A: Forward] SquaredL2Loss<A>);

impl<Y: Variable> SquaredL2Loss<LinOp<Y, Y>> {
    /// `½ ‖y − x‖²`.
    ///
    /// # Errors
    /// The error `y` stands for.
    pub fn new(y: Y) -> Result<SquaredL2Loss<LinOp<Y, Y>>> {
        let operator = LinOp::from_shared(Arc::new(Identity::new(y.variable_type()?)));
        Ok(SquaredL2Loss {
            y,
            operator,
            weights: None,
            scale: Factor::Real(0.5),
            prox_solver: ConjugateGradient { tolerance: 1e-5, ..ConjugateGradient::default() },
        })
    }

    /// The loss of `A x`.
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn operator<X: Variable>(self, operator: impl Into<LinOp<X, Y>>) -> Result<SquaredL2Loss<LinOp<X, Y>>> {
        self.seen_through(operator.into())
    }

    /// The loss of `A(x)` for an operator that need not be linear. It has no prox.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::functional::Functional;
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::operator::Op;
    /// let y = Array::from([1.0f32, 2.0, 3.0]);
    /// let square = Op::new(y.ty()?, |x: &Array| x.square())?;
    /// let loss = SquaredL2Loss::new(y)?.map(square)?;
    /// let x = Array::from([0.0f32, 2.0, 5.0]);
    /// assert_eq!(loss.value(&x).item()?, 244.5);
    /// assert_eq!(loss.grad(&x)?.to_vec::<f32>()?, [0.0, 8.0, 220.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// An operator whose output has not the shape of the data.
    pub fn map<X: Variable>(self, operator: Op<X, Y>) -> Result<SquaredL2Loss<Op<X, Y>>> {
        self.seen_through(operator)
    }

    fn seen_through<A: Forward<Output = Y>>(self, operator: A) -> Result<SquaredL2Loss<A>> {
        check_output("SquaredL2Loss", &operator, &self.y)?;
        let SquaredL2Loss { y, weights, scale, prox_solver, .. } = self;
        Ok(SquaredL2Loss { y, operator, weights, scale, prox_solver })
    }
}

impl<A: Forward> SquaredL2Loss<A> {
    /// The loss with a real weight for each datum. Where the elements are known, they are checked to be finite and not
    /// negative.
    ///
    /// # Errors
    /// Weights of another shape than the data, complex ones, or negative ones.
    pub fn weights(mut self, weights: A::Output) -> Result<SquaredL2Loss<A>> {
        check_weights("SquaredL2Loss", &weights, &self.y)?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// The loss with other limits of the conjugate gradients behind a prox without closed form.
    pub fn prox_solver(mut self, solver: ConjugateGradient) -> SquaredL2Loss<A> {
        self.prox_solver = solver;
        self
    }

    /// The data.
    pub fn data(&self) -> &A::Output {
        &self.y
    }

    /// The operator.
    pub fn forward_operator(&self) -> &A {
        &self.operator
    }

    /// The weights, if there are any.
    pub fn data_weights(&self) -> Option<&A::Output> {
        self.weights.as_ref()
    }

    /// Twice the factor: `2 α`.
    pub fn twice_scale(&self) -> Factor {
        &Factor::Real(2.0) * &self.scale
    }
}

impl<X: Variable, Y: Variable> SquaredL2Loss<LinOp<X, Y>> {
    /// `2 α Aᴴ W y`, the right-hand side of the normal equations.
    pub fn weighted_data(&self) -> X {
        let y = project_all(&weighed(&self.weights, &self.y), &self.operator.output_type());
        let factor = self.twice_scale();
        self.operator.adjoint(&y).map_leaves(|leaf| factor.times(&leaf))
    }

    /// The Hessian `2 α Aᴴ W A`, of arrays and block arrays.
    ///
    /// ```
    /// use cotangent::linop::{Diagonal, LinOp};
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::{Array, BlockArray};
    /// let blocks = |a, b| BlockArray::new([Array::from([a; 2]), Array::from([b])]);
    /// let a: LinOp<BlockArray, BlockArray> = Diagonal::new(blocks(3.0f64, 2.0)?)?.into();
    /// let loss = SquaredL2Loss::new(blocks(1.0, 1.0)?)?.operator(a)?.weights(blocks(1.0, 5.0)?)?;
    /// let product = loss.hessian()?.apply(&blocks(1.0, 1.0)?);
    /// assert_eq!(product[0].to_vec::<f64>()?, [9.0, 9.0]);
    /// assert_eq!(product[1].to_vec::<f64>()?, [20.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// The error the weights stand for.
    pub fn hessian(&self) -> Result<LinOp<X, X>> {
        let gram = match &self.weights {
            None => self.operator.gram_op(),
            Some(weights) => {
                let weigh = Diagonal::with_input(weights.clone(), self.operator.output_type())?;
                self.operator.h().compose(&LinOp::from_shared(Arc::new(weigh)).compose(&self.operator))
            }
        };
        Ok(gram.scaled(self.twice_scale()))
    }
}

impl<X: Variable, Y: Variable> SquaredL2Loss<LinOp<X, Y>> {
    /// The prox with another start of the conjugate gradients than 0; a closed form needs none.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::linop::MatrixOperator;
    /// use cotangent::loss::SquaredL2Loss;
    /// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0]]))?;
    /// let loss = SquaredL2Loss::new(Array::from([3.0f32, 4.0]))?.operator(a)?;
    /// let v = Array::from([1.0f32, 1.0]);
    /// // Both data and v ask for ones.
    /// let p = loss.prox_from(&v, 1.0.into(), &v).to_vec::<f32>()?;
    /// assert!((p[0] - 1.0).abs() < 1e-5 && (p[1] - 1.0).abs() < 1e-5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    #[track_caller]
    pub fn prox_from(&self, v: &X, lambda: Factor, start: &X) -> X {
        let c = self.strength(v, &lambda);
        match self.diagonal(v) {
            Some(a) => self.prox_by_division(v, &c, &a),
            None => self.prox_by_iteration(v, &c, start),
        }
    }

    /// `c = 2 α λ`.
    #[track_caller]
    fn strength(&self, v: &X, lambda: &Factor) -> Array {
        threshold("SquaredL2Loss::prox", &(&self.twice_scale() * lambda), v)
    }

    /// The diagonal of the operator for each array of `v`, if it has one.
    fn diagonal(&self, v: &X) -> Option<Vec<Array>> {
        match self.operator.structure() {
            Structure::ScaledIdentity(factor) => {
                let dtype = v.leaf_types().ok()?.first()?.dtype;
                let factor = factor.to_array(if dtype.is_inexact() { dtype } else { DType::F32 });
                Some(vec![factor; v.leaves().len()])
            }
            Structure::Diagonal(diagonal) if diagonal.is_square() => Some(diagonal.diagonal().leaves()),
            Structure::BlockDiagonal(diagonal) if diagonal.is_square() => Some(diagonal.diagonal().leaves()),
            _ => None,
        }
    }

    /// The closed form. Data and argument have one shape, because the operator is square.
    #[track_caller]
    fn prox_by_division(&self, v: &X, c: &Array, a: &[Array]) -> X {
        if let Some(error) = c.error() {
            return v.map_leaves(|_| Array::from_error(error.clone()));
        }
        let data = weighed(&self.weights, &self.y).leaves();
        let weights = self.weights.as_ref().map(Tree::leaves);
        let plain = self.operator.is_identity();
        let leaves = v.leaves();
        let divided = leaves.iter().zip(data.iter().zip(a)).enumerate().map(|(at, (v, (y, a)))| {
            let (data, square) = if plain { (y.clone(), None) } else { (a.conj() * y, Some(a.abs2())) };
            let curvature = match (square, weights.as_ref().map(|weights| &weights[at])) {
                (None, None) => c.clone(),
                (None, Some(weights)) => c * weights,
                (Some(square), None) => c * square,
                (Some(square), Some(weights)) => c * (weights * square),
            };
            (v + c * data) / (1.0 + curvature)
        });
        v.with_leaves(divided.collect())
    }

    #[track_caller]
    fn prox_by_iteration(&self, v: &X, c: &Array, start: &X) -> X {
        let (input, output) = (self.operator.input_type(), self.operator.output_type());
        let input = X::array_types(&input).first().map_or(DType::F32, |ty| ty.dtype);
        let output = Y::array_types(&output).first().map_or(DType::F32, |ty| ty.dtype);
        let v = v.map_leaves(|leaf| leaf.astype(input));
        let start = start.map_leaves(|leaf| leaf.astype(input));
        let y = weighed(&self.weights, &self.y).map_leaves(|leaf| project(&leaf, output));
        let ahead = |x: &X, y: &X| zip("SquaredL2Loss::prox", x, y, |x, y| x + c * y);
        let b = ahead(&v, &self.operator.adjoint(&y));
        let normal = |x: &X| {
            let image = weighed(&self.weights, &self.operator.apply(x));
            ahead(x, &self.operator.adjoint(&image))
        };
        conjugate_gradient(normal, &b, &start, &self.prox_solver).x
    }
}

impl<A: Forward> Functional<A::Input> for SquaredL2Loss<A> {
    fn value(&self, x: &A::Input) -> Array {
        let residual = difference(&self.y, &self.operator.apply(x));
        let squares = weighed(&self.weights, &residual.map_leaves(|leaf| leaf.abs2()));
        self.scale.times(&total(&squares, Array::sum))
    }
}

impl<X: Variable, Y: Variable> Prox<X> for SquaredL2Loss<LinOp<X, Y>> {
    fn prox(&self, v: &X, lambda: Factor) -> X {
        self.prox_from(v, lambda, &v.map_leaves(|leaf| leaf.zeros_like()))
    }
}
