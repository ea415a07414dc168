//! Linear operators of functions: linear ones, with the adjoint derived or given, and derivatives.

use super::{LinOp, LinearOperator, derived_adjoint};
use crate::operator::Op;
use crate::{Array, LinearMap, Result, Type, Variable, eval_shape, linear_adjoint, linearize};
use std::sync::Arc;

/// A linear function and its types, and its adjoint where that is written out.
struct FromFunction<X: Variable, Y: Variable, F, G> {
    function: F,
    adjoint: Option<G>,
    input: X::Type,
    output: Y::Type,
}

impl<X, Y, F, G> LinearOperator<X, Y> for FromFunction<X, Y, F, G>
where
    X: Variable,
    Y: Variable,
    F: Fn(&X) -> Y + Send + Sync,
    G: Fn(&Y) -> X + Send + Sync,
{
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> Y {
        (self.function)(x)
    }

    fn adjoint(&self, y: &Y) -> X {
        match &self.adjoint {
            Some(adjoint) => adjoint(y),
            None => derived_adjoint(self, y),
        }
    }
}

impl<X: Variable, Y: Variable> LinOp<X, Y> {
    /// The operator of a linear function on inputs of a type. The output type is that of the traced function, and the
    /// adjoint its transpose, conjugated.
    ///
    /// ```
    /// use cotangent::linop::LinOp;
    /// use cotangent::{Array, DType, Type};
    /// let ty = Type::new(DType::F32, &[3]);
    /// let a: LinOp = LinOp::from_function(ty.clone(), |x: &Array| x + 2.0 * x.flip(&[0]))?;
    /// assert_eq!(a.adjoint(&Array::from([1.0f32, 0.0, 0.0])).to_vec::<f32>()?, [1.0, 0.0, 2.0]);
    /// // What is not linear is refused.
    /// assert!(LinOp::from_function(ty, |x: &Array| x.square()).is_err());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A mistake in the function; a function that is not linear.
    pub fn from_function(input: X::Type, function: impl Fn(&X) -> Y + Send + Sync + 'static) -> Result<LinOp<X, Y>> {
        linear_adjoint(|x: X| function(&x), &X::placeholder(&input))?;
        LinOp::assembled(input, function, None::<fn(&Y) -> X>)
    }

    /// The operator of a linear function and a function that is its adjoint, which is not checked; see
    /// [`valid_adjoint`](super::valid_adjoint).
    ///
    /// ```
    /// use cotangent::linop::{LinOp, valid_adjoint};
    /// use cotangent::{Array, DType, Type};
    /// let forward = |x: &Array| x.cumsum(0);
    /// let backward = |y: &Array| y.flip(&[0]).cumsum(0).flip(&[0]);
    /// let a = LinOp::with_adjoint(Type::new(DType::F64, &[5]), forward, backward)?;
    /// assert!(valid_adjoint(&a, 1e-12)?);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A mistake in one of the functions.
    pub fn with_adjoint(
        input: X::Type,
        function: impl Fn(&X) -> Y + Send + Sync + 'static,
        adjoint: impl Fn(&Y) -> X + Send + Sync + 'static,
    ) -> Result<LinOp<X, Y>> {
        let operator = LinOp::assembled(input, function, Some(adjoint))?;
        eval_shape(|y: Y| operator.adjoint(&y), &Y::placeholder(&operator.output_type()))?.variable_type()?;
        Ok(operator)
    }

    fn assembled(
        input: X::Type,
        function: impl Fn(&X) -> Y + Send + Sync + 'static,
        adjoint: Option<impl Fn(&Y) -> X + Send + Sync + 'static>,
    ) -> Result<LinOp<X, Y>> {
        let output = eval_shape(|x: X| function(&x), &X::placeholder(&input))?.variable_type()?;
        Ok(LinOp::from_shared(Arc::new(FromFunction { function, adjoint, input, output })))
    }
}

/// The derivative of an operator at a place, with what its linearization computed there.
struct Jacobian<X: Variable, Y: Variable> {
    forward: LinearMap<X, Y>,
    adjoint: LinearMap<Y, X>,
    input: X::Type,
    output: Y::Type,
}

impl<X: Variable, Y: Variable> LinearOperator<X, Y> for Jacobian<X, Y> {
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> Y {
        let result = self.forward.call(x.clone());
        result.unwrap_or_else(|error| Y::placeholder(&self.output).map_leaves(|_| Array::from_error(error.clone())))
    }

    fn adjoint(&self, y: &Y) -> X {
        let result = self.adjoint.call(y.clone());
        result.unwrap_or_else(|error| X::placeholder(&self.input).map_leaves(|_| Array::from_error(error.clone())))
    }
}

/// The value of an operator at `u` and its derivative there, the operator `v ↦ J(u) v` with the adjoint `w ↦ J(u)ᴴ w`.
///
/// ```
/// use cotangent::linop::jacobian;
/// use cotangent::operator::Op;
/// use cotangent::{Array, DType, Type};
/// let square = Op::new(Type::new(DType::F32, &[2]), |x: &Array| x.square())?;
/// let (value, slope) = jacobian(&square, &Array::from([3.0f32, 5.0]))?;
/// assert_eq!(value.to_vec::<f32>()?, [9.0, 25.0]);
/// assert_eq!(slope.apply(&Array::from([1.0f32, 2.0])).to_vec::<f32>()?, [6.0, 20.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A place of another type than the operator takes; a mistake in the operator.
pub fn jacobian<X: Variable, Y: Variable>(operator: &Op<X, Y>, u: &X) -> Result<(Y, LinOp<X, Y>)> {
    let (value, forward) = linearize(|x: X| operator.apply(&x), u.clone())?;
    let adjoint = forward.adjoint()?;
    let (input, output) = (u.variable_type()?, value.variable_type()?);
    Ok((value, LinOp::from_shared(Arc::new(Jacobian { forward, adjoint, input, output }))))
}

/// One operator for each of some axes of arrays of type `input`, or for all of them.
///
/// ```
/// use cotangent::linop::{LinOp, Sum, VerticalStack, over_axes};
/// use cotangent::{DType, Type};
/// let sums = over_axes(&Type::new(DType::F32, &[4, 5]), None, |ty, axis| Sum::along(ty, &[axis]))?;
/// let both: LinOp<_, _> = VerticalStack::blocks(sums)?.into();
/// assert_eq!(both.output_type().to_string(), "(f32[5], f32[4])");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// Those of making the operators.
pub fn over_axes<A: Into<LinOp>>(
    input: &Type,
    axes: Option<&[isize]>,
    operator: impl Fn(Type, isize) -> Result<A>,
) -> Result<Vec<LinOp>> {
    let all: Vec<isize> = (0..input.rank() as isize).collect();
    axes.unwrap_or(&all).iter().map(|&axis| operator(input.clone(), axis).map(Into::into)).collect()
}
