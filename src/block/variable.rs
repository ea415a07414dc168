//! What functionals, losses and operators act on: arrays and block arrays.

use super::BlockArray;
use crate::linop::{Diagonal, Structure};
use crate::{Array, DType, Result, Tree, Type, placeholder};
use std::fmt::{self, Debug, Display};

/// An [`Array`] or a [`BlockArray`]: the argument of a functional, the input or output of an operator.
///
/// Functionals that are sums or norms over all elements take both. What needs one array, such as the nuclear norm of a
/// matrix, takes [`Array`] alone, so that the compiler refuses block arrays.
pub trait Variable: Tree + Debug {
    /// Shape and dtype, known without data.
    type Type: VariableType<Variable = Self>;

    /// Shape and dtype.
    ///
    /// # Errors
    /// The error an array stands for.
    fn variable_type(&self) -> Result<Self::Type>;

    /// A variable of a type without data, for functions that look at types only; see [`placeholder`].
    fn placeholder(ty: &Self::Type) -> Self;

    /// The variable whose elements are all 0.
    fn zeros(ty: &Self::Type) -> Self;

    /// The types of the arrays: of one, or of each block.
    fn array_types(ty: &Self::Type) -> &[Type];

    /// The type with the type of each array mapped to another.
    fn map_type(ty: &Self::Type, map: impl FnMut(&Type) -> Type) -> Self::Type;

    /// What the algebra of operators may know of a diagonal one.
    fn diagonal_structure(diagonal: &Diagonal<Self>) -> Structure
    where
        Self: Sized;
}

/// The type of a [`Variable`]: a [`Type`] or a [`BlockType`].
pub trait VariableType: Clone + PartialEq + Debug + Display + Send + Sync + 'static {
    /// What has such types.
    type Variable: Variable<Type = Self>;
}

impl VariableType for Type {
    type Variable = Array;
}

impl VariableType for BlockType {
    type Variable = BlockArray;
}

impl Variable for Array {
    type Type = Type;

    fn variable_type(&self) -> Result<Type> {
        self.ty()
    }

    fn placeholder(ty: &Type) -> Array {
        placeholder(ty.clone())
    }

    fn zeros(ty: &Type) -> Array {
        Array::zeros(&ty.shape, ty.dtype)
    }

    fn array_types(ty: &Type) -> &[Type] {
        std::slice::from_ref(ty)
    }

    fn map_type(ty: &Type, mut map: impl FnMut(&Type) -> Type) -> Type {
        map(ty)
    }

    fn diagonal_structure(diagonal: &Diagonal) -> Structure {
        Structure::Diagonal(diagonal.clone())
    }
}

/// The types of the blocks of a [`BlockArray`], which have one dtype.
///
/// ```
/// use cotangent::{BlockType, DType};
/// let ty = BlockType::new(DType::F32, &[vec![3, 4], vec![2]]);
/// assert_eq!(ty.to_string(), "(f32[3,4], f32[2])");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockType(Vec<Type>);

impl BlockType {
    /// A block of `dtype` for each shape.
    pub fn new<S: AsRef<[usize]>>(dtype: DType, shapes: &[S]) -> BlockType {
        BlockType(shapes.iter().map(|shape| Type::new(dtype, shape.as_ref())).collect())
    }

    pub(super) fn of(types: Vec<Type>) -> BlockType {
        BlockType(types)
    }

    /// The type of each block.
    pub fn blocks(&self) -> &[Type] {
        &self.0
    }

    /// The dtype of the blocks; f32 where there is none.
    pub fn dtype(&self) -> DType {
        self.0.first().map_or(DType::F32, |ty| ty.dtype)
    }
}

impl Display for BlockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (position, ty) in self.0.iter().enumerate() {
            write!(f, "{}{ty}", if position > 0 { ", " } else { "" })?;
        }
        f.write_str(")")
    }
}

impl Variable for BlockArray {
    type Type = BlockType;

    fn variable_type(&self) -> Result<BlockType> {
        self.ty()
    }

    fn placeholder(ty: &BlockType) -> BlockArray {
        BlockArray { blocks: ty.0.iter().cloned().map(placeholder).collect() }
    }

    fn zeros(ty: &BlockType) -> BlockArray {
        BlockArray { blocks: ty.0.iter().map(|ty| Array::zeros(&ty.shape, ty.dtype)).collect() }
    }

    fn array_types(ty: &BlockType) -> &[Type] {
        &ty.0
    }

    fn map_type(ty: &BlockType, map: impl FnMut(&Type) -> Type) -> BlockType {
        BlockType(ty.0.iter().map(map).collect())
    }

    fn diagonal_structure(diagonal: &Diagonal<BlockArray>) -> Structure {
        Structure::BlockDiagonal(diagonal.clone())
    }
}
