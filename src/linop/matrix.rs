//! The operator of a matrix.

use super::{LinOp, LinearOperator, MatrixNorm, accept_shape, accept_type, project};
use crate::{Array, Error, ErrorKind, Function, Result, Type, vmap};

/// `x ↦ M x`, for a matrix of `m` by `n` and vectors of `n`, or matrices of `n` by `k` whose columns are mapped.
///
/// ```
/// use cotangent::linop::{LinearOperator, MatrixOperator};
/// use cotangent::Array;
/// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// assert_eq!(a.apply(&Array::from(vec![1.0f32, -1.0])).to_vec::<f32>()?, [1.0, -2.0, -1.0]);
/// assert_eq!(a.adjoint(&Array::from(vec![1.0f32, 0.0, 2.0])).to_vec::<f32>()?, [2.0, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MatrixOperator {
    matrix: Array,
    input: Type,
    output: Type,
}

impl MatrixOperator {
    /// The operator of a matrix on vectors.
    ///
    /// # Errors
    /// An array that has not two axes; the error it stands for.
    pub fn new(matrix: Array) -> Result<MatrixOperator> {
        MatrixOperator::build(matrix, &[])
    }

    /// The operator of a matrix on matrices of `columns` columns.
    ///
    /// # Errors
    /// As [`MatrixOperator::new`].
    pub fn with_columns(matrix: Array, columns: usize) -> Result<MatrixOperator> {
        MatrixOperator::build(matrix, &[columns])
    }

    /// The matrix of an operator from vectors to vectors, found by applying it to each unit vector.
    ///
    /// ```
    /// use cotangent::linop::{Boundary, LinOp, MatrixOperator, SingleAxisFiniteDifference};
    /// use cotangent::{DType, Type};
    /// let d = SingleAxisFiniteDifference::new(Type::new(DType::F32, &[3]), 0, Boundary::CIRCULAR)?;
    /// let d = MatrixOperator::from_operator(&LinOp::from(d))?;
    /// assert_eq!(d.matrix().to_vec::<f32>()?, [-1.0, 1.0, 0.0, 0.0, -1.0, 1.0, 1.0, 0.0, -1.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// An operator whose input or output is not a vector.
    pub fn from_operator(operator: &LinOp) -> Result<MatrixOperator> {
        let (input, output) = (operator.input_type(), operator.output_type());
        if input.rank() != 1 || output.rank() != 1 {
            let message = format!("{operator:?} does not take vectors to vectors; reshape its input and output");
            return Err(Error::new(ErrorKind::Shape, "MatrixOperator", message));
        }
        let rows = vmap(|unit: Array| operator.apply(&unit)).apply(Array::eye(input.shape[0], input.dtype));
        MatrixOperator::new(rows.t())
    }

    fn build(matrix: Array, columns: &[usize]) -> Result<MatrixOperator> {
        let ty = matrix.ty()?;
        let [rows, depth] = ty.shape[..] else {
            let message = format!("takes a matrix, got {ty}; reshape it to two axes");
            return Err(Error::new(ErrorKind::Shape, "MatrixOperator", message));
        };
        let input = ty.with_shape(&[&[depth], columns].concat());
        let output = ty.with_shape(&[&[rows], columns].concat());
        Ok(MatrixOperator { matrix, input, output })
    }

    /// The matrix.
    pub fn matrix(&self) -> &Array {
        &self.matrix
    }

    /// A norm of the matrix.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::linop::{MatrixNorm, MatrixOperator};
    /// let a = MatrixOperator::new(Array::from([[3.0f32, 0.0], [0.0, -4.0]]))?;
    /// assert_eq!(a.norm(MatrixNorm::Frobenius).item()?, 5.0);
    /// assert_eq!(a.norm(MatrixNorm::Infinity).item()?, 4.0);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn norm(&self, kind: MatrixNorm) -> Array {
        self.matrix.matrix_norm(kind)
    }
}

impl LinearOperator for MatrixOperator {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        self.matrix.matmul(&accept_shape("MatrixOperator", &self.input, x))
    }

    /// Written out: it is one product.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type("MatrixOperator", &self.output, y);
        project(&self.matrix.conj().t().matmul(&y), self.input.dtype)
    }
}
