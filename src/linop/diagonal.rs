//! Operators that multiply each element: diagonal ones and multiples of the identity.

use super::{
    LinearOperator, MatrixNorm, Structure, accept_shape, accept_type, broadcast_shape, project_all, same_shapes, sum_to,
};
use crate::inner::{norm, total, zip};
use crate::{Array, DType, Error, ErrorKind, Factor, Result, Tree, Type, Variable, VariableType};

/// `x ↦ d ⊙ x`, with broadcasting; of block arrays in each block.
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
pub struct Diagonal<X: Variable = Array> {
    diagonal: X,
    input: X::Type,
    output: X::Type,
}

/// `x ↦ c x`, of arrays or block arrays.
#[derive(Clone, Debug)]
pub struct ScaledIdentity<T = Type> {
    factor: Factor,
    ty: T,
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

impl<X: Variable> Diagonal<X> {
    /// Multiplication of what has the type of `diagonal`.
    ///
    /// # Errors
    /// The error `diagonal` stands for.
    pub fn new(diagonal: X) -> Result<Diagonal<X>> {
        let input = diagonal.variable_type()?;
        Diagonal::with_input(diagonal, input)
    }

    /// Multiplication of arrays of another type, whose shape broadcasts with that of `diagonal`; of block arrays with as
    /// many blocks. The output has the promoted dtype.
    ///
    /// # Errors
    /// Shapes that do not broadcast; another number of blocks; the error `diagonal` stands for.
    pub fn with_input(diagonal: X, input: X::Type) -> Result<Diagonal<X>> {
        let (factors, arrays) = (diagonal.leaf_types()?, X::array_types(&input));
        if factors.len() != arrays.len() {
            let message = format!("a diagonal of {} blocks for {input}; give one for each block", factors.len());
            return Err(Error::new(ErrorKind::Shape, "Diagonal", message));
        }
        let product = |(factor, array): (&Type, &Type)| {
            let shape = broadcast_shape("Diagonal", &factor.shape, &array.shape)?;
            Ok(Type::new(factor.dtype.promote(array.dtype), &shape))
        };
        let outputs = factors.iter().zip(arrays).map(product).collect::<Result<Vec<Type>>>()?;
        let mut position = 0..;
        let output = X::map_type(&input, |_| outputs[position.next().unwrap_or_default()].clone());
        Ok(Diagonal { diagonal, input, output })
    }

    /// The diagonal.
    pub fn diagonal(&self) -> &X {
        &self.diagonal
    }

    /// Whether input and output are of one type.
    pub fn is_square(&self) -> bool {
        self.input == self.output
    }

    /// A norm of the operator as a matrix, over the elements of the diagonal, of all blocks.
    pub fn norm(&self, kind: MatrixNorm) -> Array {
        let leaves = self.diagonal.leaves();
        let full = leaves.iter().zip(X::array_types(&self.output)).map(|(leaf, ty)| leaf.broadcast_to(&ty.shape));
        let full: Vec<Array> = full.collect();
        let extreme = |reduce: fn(&Array) -> Array, combine: fn(&Array, &Array) -> Array| {
            let each = full.iter().map(|leaf| reduce(&leaf.abs()));
            each.reduce(|a, b| combine(&a, &b)).unwrap_or_else(|| Array::from(0.0f32))
        };
        match kind {
            MatrixNorm::Frobenius => norm(&full),
            MatrixNorm::Nuclear => total(&full, |leaf| leaf.abs().sum()),
            MatrixNorm::Spectral | MatrixNorm::One | MatrixNorm::Infinity => extreme(Array::max, |a, b| a.maximum(b)),
            MatrixNorm::LeastSingular | MatrixNorm::LeastColumn | MatrixNorm::LeastRow => {
                extreme(Array::min, |a, b| a.minimum(b))
            }
        }
    }

    #[track_caller]
    fn product(&self, x: &X) -> X {
        zip("Diagonal", &self.diagonal, &accept_shape("Diagonal", &self.input, x), |d, x| d * x)
    }

    #[track_caller]
    fn adjoint_product(&self, y: &X) -> X {
        let products = zip("Diagonal", &self.diagonal, &accept_type("Diagonal", &self.output, y), |d, y| d.conj() * y);
        let types = X::array_types(&self.input);
        let summed = products.leaves().iter().zip(types).map(|(leaf, ty)| sum_to(leaf, &ty.shape)).collect();
        project_all(&products.with_leaves(summed), &self.input)
    }

    /// The operator with the conjugate diagonal.
    pub(crate) fn conj(&self) -> Diagonal<X> {
        Diagonal { diagonal: self.diagonal.map_leaves(|leaf| leaf.conj()), ..self.clone() }
    }

    /// `Aᴴ A` of an operator from a type to itself.
    pub(crate) fn gram_diagonal(&self) -> Diagonal<X> {
        Diagonal { diagonal: self.diagonal.map_leaves(|leaf| leaf.abs2()), ..self.clone() }
    }

    /// The multiple by a factor.
    pub(crate) fn scaled(&self, factor: &Factor) -> Diagonal<X> {
        let diagonal = self.diagonal.map_leaves(|leaf| factor.times(&leaf));
        let output = X::map_type(&self.output, |ty| ty.with_dtype(factor.product_dtype(ty.dtype)));
        Diagonal { diagonal, output, input: self.input.clone() }
    }

    /// The sum of two with the same input type.
    pub(crate) fn plus(&self, other: &Diagonal<X>) -> Option<Diagonal<X>> {
        let sum = zip("Diagonal", &self.diagonal, &other.diagonal, |a, b| a + b);
        let sum = Diagonal::with_input(sum, self.input.clone()).ok()?;
        // Of two diagonals that repeat the input along different axes, the sum is diagonal all the same; but one that
        // repeats it and one that does not were refused by their types before.
        same_shapes::<X>(&sum.output, &self.output).then_some(sum)
    }

    /// This one after another.
    pub(crate) fn after(&self, first: &Diagonal<X>) -> Option<Diagonal<X>> {
        let product = zip("Diagonal", &self.diagonal, &first.diagonal, |a, b| a * b);
        let product = Diagonal::with_input(product, first.input.clone()).ok()?;
        (product.output == self.output).then_some(product)
    }
}

impl<X: Variable> LinearOperator<X, X> for Diagonal<X> {
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> X::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> X {
        self.product(x)
    }

    /// Written out because the derived one would multiply before it sums, over the larger array, and trace each time.
    fn adjoint(&self, y: &X) -> X {
        self.adjoint_product(y)
    }

    fn structure(&self) -> Structure {
        X::diagonal_structure(self)
    }
}

impl<T: VariableType> ScaledIdentity<T> {
    /// Multiplication of what has a type by one number. A complex number makes the output complex.
    pub fn new(factor: impl Into<Factor>, ty: T) -> ScaledIdentity<T> {
        ScaledIdentity { factor: factor.into(), ty }
    }

    /// The number.
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// A norm of the operator as a matrix.
    pub fn norm(&self, kind: MatrixNorm) -> Array {
        let arrays = T::Variable::array_types(&self.ty);
        let dtype = arrays.first().map_or(DType::F32, |ty| ty.dtype);
        let magnitude = self.factor.to_array(dtype).abs();
        let count = arrays.iter().map(Type::len).sum::<usize>() as f64;
        match kind {
            MatrixNorm::Frobenius => magnitude * count.sqrt(),
            MatrixNorm::Nuclear => magnitude * count,
            _ => magnitude,
        }
    }
}

impl<T: VariableType> LinearOperator<T::Variable, T::Variable> for ScaledIdentity<T> {
    fn input_type(&self) -> T {
        self.ty.clone()
    }

    fn output_type(&self) -> T {
        T::Variable::map_type(&self.ty, |ty| ty.with_dtype(self.factor.product_dtype(ty.dtype)))
    }

    fn apply(&self, x: &T::Variable) -> T::Variable {
        accept_shape("ScaledIdentity", &self.ty, x).map_leaves(|leaf| self.factor.times(&leaf))
    }

    /// Written out: it is one product.
    fn adjoint(&self, y: &T::Variable) -> T::Variable {
        let (y, factor) = (accept_type("ScaledIdentity", &self.output_type(), y), self.factor.conj());
        project_all(&y.map_leaves(|leaf| factor.times(&leaf)), &self.ty)
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
