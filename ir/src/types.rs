//! The type of an array: element type and shape, both static.

use crate::dtype::DType;
use smallvec::SmallVec;
use std::fmt;

/// Extents of the axes, outermost first. Empty for a scalar.
pub type Dims = SmallVec<[usize; 4]>;

/// Element type and shape of an array value. Spelled `f32[3,4]` in the text form, `f32[]` for a scalar.
///
/// ```
/// use cotangent_ir::{DType, Type};
/// let ty = Type::new(DType::F32, &[3, 4]);
/// assert_eq!(ty.to_string(), "f32[3,4]");
/// assert_eq!(ty.len(), 12);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Extents, outermost axis first; elements are stored row-major.
    pub shape: Dims,
}

impl Type {
    /// An array type.
    pub fn new(dtype: DType, shape: &[usize]) -> Type {
        Type { dtype, shape: Dims::from_slice(shape) }
    }

    /// The type of a zero-dimensional array.
    pub fn scalar(dtype: DType) -> Type {
        Type { dtype, shape: Dims::new() }
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the row-major storage.
    pub fn byte_len(&self) -> usize {
        self.len() * self.dtype.size()
    }

    /// The same shape with another element type.
    pub fn with_dtype(&self, dtype: DType) -> Type {
        Type { dtype, shape: self.shape.clone() }
    }

    /// The same element type with another shape.
    pub fn with_shape(&self, shape: &[usize]) -> Type {
        Type::new(self.dtype, shape)
    }

    /// Row-major strides in elements.
    pub fn strides(&self) -> SmallVec<[i64; 4]> {
        row_major_strides(&self.shape)
    }
}

/// Row-major strides, in elements, of an array of the given shape.
pub fn row_major_strides(shape: &[usize]) -> SmallVec<[i64; 4]> {
    let mut strides = SmallVec::from_elem(1, shape.len());
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as i64;
    }
    strides
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (axis, extent) in self.shape.iter().enumerate() {
            if axis > 0 {
                f.write_str(",")?;
            }
            write!(f, "{extent}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
