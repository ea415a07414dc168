//! Operators that multiply each element: diagonal ones and multiples of the identity.

use super::{LinearOperator, Structure, accept_shape, accept_type, broadcast_shape, project, sum_to};
use crate::inner::norm;
use crate::{Array, Factor, Result, Type, VariableType};

/// `x ↦ d ⊙ x`, with broadcasting.
///
/// ```
/// use cotangent::linop::{Diagonal, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// // A column of weights applied to a row: the output is 2 by 3, and the adjoint sums over what was repeated.
/// let d = Diagonal::with_input(Array::from([[1.0f32], [2.0]]), Type::new(DType::F32, &[3]))?;
/// let y = d.apply(&Array::from(vec![1.0f32, 0.0, -1.0]));
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 0.0, -1.0, 2.0, 0.0, -2.0]);
/// assert_eq!(d.adjoint(&Array::from([[1.0f32; 3]; 2])).to_vec::<f32>()?, [3.0, 3.0, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Diagonal {
    diagonal: Array,
    input: Type,
    output: Type,
}

/// `x ↦ c x`.
#[derive(Clone, Debug)]
pub struct ScaledIdentity {
    factor: Factor,
    ty: Type,
}

/// `x ↦ x`, of arrays or block arrays.
///
/// ```
/// use cotangent::linop::{Identity, LinOp};
/// use cotangent::{BlockArray, BlockType, DType};
/// let identity: LinOp<BlockArray, BlockArray> = Identity::new(BlockType::new(DType::F32, &[vec![2], vec![3]])).into();
/// let x = BlockArray::ones(&[vec![2], vec![3]], DType::F32)?;
/// assert_eq!(identity.adjoint(&identity.apply(&x)).sum().item()?, 5.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Identity<T = Type> {
    ty: T,
}

/// The norms of a matrix that its diagonal determines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatrixNorm {
    /// Square root of the sum of squared magnitudes.
    Frobenius,
    /// Sum of the singular values.
    Nuclear,
    /// The greatest magnitude: the norms of order 1, 2 and infinity.
    Largest,
    /// The least magnitude: the norms of order -1, -2 and minus infinity.
    Smallest,
}

impl Diagonal {
    /// Multiplication of arrays of the type of `diagonal`.
    ///
    /// # Errors
    /// The error `diagonal` stands for.
    pub fn new(diagonal: Array) -> Result<Diagonal> {
        let input = diagonal.ty()?;
        Diagonal::with_input(diagonal, input)
    }

    /// Multiplication of arrays of another type, whose shape broadcasts with that of `diagonal`. The output has the
    /// promoted dtype.
    ///
    /// # Errors
    /// Shapes that do not broadcast; the error `diagonal` stands for.
    pub fn with_input(diagonal: Array, input: Type) -> Result<Diagonal> {
        let ty = diagonal.ty()?;
        let shape = broadcast_shape("Diagonal", &ty.shape, &input.shape)?;
        let output = Type::new(ty.dtype.promote(input.dtype), &shape);
        Ok(Diagonal { diagonal, input, output })
    }

    /// The diagonal.
    pub fn diagonal(&self) -> &Array {
        &self.diagonal
    }

    /// Whether input and output are of one type.
    pub fn is_square(&self) -> bool {
        self.input == self.output
    }

    /// A norm of the operator as a matrix, over the elements of the diagonal.
    pub fn norm(&self, kind: MatrixNorm) -> Array {
        let full = self.diagonal.broadcast_to(&self.output.shape);
        match kind {
            MatrixNorm::Frobenius => norm(&full),
            MatrixNorm::Nuclear => full.abs().sum(),
            MatrixNorm::Largest => full.abs().max(),
            MatrixNorm::Smallest => full.abs().min(),
        }
    }

    /// The operator with the conjugate diagonal.
    pub(crate) fn conj(&self) -> Diagonal {
        Diagonal { diagonal: self.diagonal.conj(), ..self.clone() }
    }

    /// `Aᴴ A` of an operator from a type to itself.
    pub(crate) fn gram_diagonal(&self) -> Diagonal {
        let diagonal = self.diagonal.abs2();
        Diagonal { diagonal, ..self.clone() }
    }

    /// The multiple by a factor.
    pub(crate) fn scaled(&self, factor: &Factor) -> Diagonal {
        let diagonal = factor.times(&self.diagonal);
        let output = self.output.with_dtype(factor.product_dtype(self.output.dtype));
        Diagonal { diagonal, output, input: self.input.clone() }
    }

    /// The sum of two with the same input type.
    pub(crate) fn plus(&self, other: &Diagonal) -> Option<Diagonal> {
        let sum = Diagonal::with_input(&self.diagonal + &other.diagonal, self.input.clone()).ok()?;
        // Of two diagonals that repeat the input along different axes, the sum is diagonal all the same; but one that
        // repeats it and one that does not were refused by their types before.
        (sum.output.shape == self.output.shape).then_some(sum)
    }

    /// This one after another.
    pub(crate) fn after(&self, first: &Diagonal) -> Option<Diagonal> {
        let product = Diagonal::with_input(&self.diagonal * &first.diagonal, first.input.clone()).ok()?;
        (product.output == self.output).then_some(product)
    }
}

impl LinearOperator for Diagonal {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        &self.diagonal * accept_shape("Diagonal", &self.input, x)
    }

    /// Written out because the derived one would multiply before it sums, over the larger array, and trace each time.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type("Diagonal", &self.output, y);
        project(&sum_to(&(self.diagonal.conj() * &y), &self.input.shape), self.input.dtype)
    }

    fn structure(&self) -> Structure {
        Structure::Diagonal(self.clone())
    }
}

impl ScaledIdentity {
    /// Multiplication of arrays of a type by one number. A complex number makes the output complex.
    pub fn new(factor: impl Into<Factor>, ty: Type) -> ScaledIdentity {
        ScaledIdentity { factor: factor.into(), ty }
    }

    /// The number.
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// A norm of the operator as a matrix.
    pub fn norm(&self, kind: MatrixNorm) -> Array {
        let magnitude = self.factor.to_array(self.ty.dtype).abs();
        let count = self.ty.len() as f64;
        match kind {
            MatrixNorm::Frobenius => magnitude * count.sqrt(),
            MatrixNorm::Nuclear => magnitude * count,
            MatrixNorm::Largest | MatrixNorm::Smallest => magnitude,
        }
    }
}

impl LinearOperator for ScaledIdentity {
    fn input_type(&self) -> Type {
        self.ty.clone()
    }

    fn output_type(&self) -> Type {
        self.ty.with_dtype(self.factor.product_dtype(self.ty.dtype))
    }

    fn apply(&self, x: &Array) -> Array {
        self.factor.times(&accept_shape("ScaledIdentity", &self.ty, x))
    }

    /// Written out: it is one product.
    fn adjoint(&self, y: &Array) -> Array {
        project(&self.factor.conj().times(&accept_type("ScaledIdentity", &self.output_type(), y)), self.ty.dtype)
    }

    fn structure(&self) -> Structure {
        Structure::ScaledIdentity(self.factor.clone())
    }
}

impl<T: VariableType> Identity<T> {
    /// The identity on what has a type.
    pub fn new(ty: T) -> Identity<T> {
        Identity { ty }
    }
}

impl<T: VariableType> LinearOperator<T::Variable, T::Variable> for Identity<T> {
    fn input_type(&self) -> T {
        self.ty.clone()
    }

    fn output_type(&self) -> T {
        self.ty.clone()
    }

    fn apply(&self, x: &T::Variable) -> T::Variable {
        accept_shape("Identity", &self.ty, x)
    }

    /// Written out: there is nothing to derive.
    fn adjoint(&self, y: &T::Variable) -> T::Variable {
        accept_type("Identity", &self.ty, y)
    }

    fn structure(&self) -> Structure {
        Structure::ScaledIdentity(Factor::ONE)
    }
}
