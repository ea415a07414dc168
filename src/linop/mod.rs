//! Linear operators: maps between arrays of known types, with adjoints.
//!
//! An operator declares the types of its input and output and applies itself to an array; everything else follows. Its
//! adjoint is derived by transposing the trace of `apply`, unless writing it pays. [`LinOp`] is the shared handle with
//! which operators are combined: sums, multiples, compositions and adjoints keep whatever [`Structure`] they can.
//!
//! `⟨a, b⟩ = Σ conj(a_i) b_i`; the adjoint `Aᴴ` of an operator satisfies `⟨y, A x⟩ = ⟨Aᴴ y, x⟩`, or where the input is real
//! and the output complex, the same in its real part. Operators are applied inside traced functions as well as to data,
//! and the arrays they are made from may be traced.
//!
//! An operator for one image serves a stack of them through [`vmap`](crate::vmap).

mod algebra;
mod circular;
mod convolve;
mod coordinates;
mod dft;
mod diagonal;
mod difference;
mod from_function;
mod gradient;
mod haar;
mod matrix;
mod norm;
mod operator;
pub mod optics;
mod pad;
mod select;
mod shape;
mod stack;
pub mod xray;

pub use circular::{CircularConvolve, Filter};
pub use convolve::{Convolve, ConvolveByX};
pub use coordinates::{Component, Coordinates, Cylindrical, Polar, Spherical};
pub use cotangent_ir::prim::conv::ConvolveMode;
pub use cotangent_ir::prim::linalg::MatrixNorm;
pub use dft::Dft;
pub use diagonal::{Diagonal, Identity, ScaledIdentity};
pub use difference::{Boundary, Edge, FiniteDifference, SingleAxisFiniteDifference};
pub use from_function::{jacobian, over_axes};
pub use gradient::{CoordinateGradient, CylindricalGradient, PolarGradient, ProjectedGradient, SphericalGradient};
pub use haar::{FiniteSum, HaarTransform, SingleAxisFiniteSum, SingleAxisHaarTransform};
pub use matrix::MatrixOperator;
pub use norm::{adjoint_error, operator_norm, power_iteration, valid_adjoint};
pub use operator::LinOp;
pub use pad::{Crop, Pad};
pub use select::{BlockRange, BlockSlice, Slice, Sum};
pub use shape::{Reshape, Transpose};
pub use stack::{DiagonalReplicated, DiagonalStack, Parts, VerticalStack};

use crate::{Array, BlockArray, DType, Error, ErrorKind, Factor, Function, Result, Type, Variable, linear_adjoint};
pub(crate) use stack::one_input;

/// A linear map from arrays of one type to arrays of another.
///
/// Requires the two types and [`apply`](LinearOperator::apply). Write [`adjoint`](LinearOperator::adjoint) only where that
/// saves something, and say what; the law `⟨y, A x⟩ = ⟨Aᴴ y, x⟩` is checked by
/// [`adjoint_error`].
///
/// ```
/// use cotangent::linop::{LinOp, LinearOperator};
/// use cotangent::{Array, DType, Type};
///
/// /// Sums of neighbours.
/// struct Pairs(usize);
///
/// impl LinearOperator for Pairs {
///     fn input_type(&self) -> Type {
///         Type::new(DType::F32, &[self.0])
///     }
///     fn output_type(&self) -> Type {
///         Type::new(DType::F32, &[self.0 - 1])
///     }
///     fn apply(&self, x: &Array) -> Array {
///         x.narrow(0, 0, self.0 - 1) + x.narrow(0, 1, self.0 - 1)
///     }
/// }
///
/// let pairs = LinOp::from(Pairs(3));
/// let y = pairs.adjoint(&Array::from(vec![1.0f32, 10.0]));
/// assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 11.0, 10.0]);
/// ```
///
/// Input and output are arrays unless said otherwise: `LinearOperator<Array, BlockArray>` maps arrays to block arrays.
pub trait LinearOperator<X: Variable = Array, Y: Variable = Array>: Send + Sync {
    /// Type of what it is applied to.
    fn input_type(&self) -> X::Type;

    /// Type of its results on input of that type.
    fn output_type(&self) -> Y::Type;

    /// `A x`.
    fn apply(&self, x: &X) -> Y;

    /// `Aᴴ y`, by default derived from [`apply`](LinearOperator::apply).
    fn adjoint(&self, y: &Y) -> X {
        derived_adjoint(self, y)
    }

    /// `Aᴴ A x`.
    fn gram(&self, x: &X) -> X {
        self.adjoint(&self.apply(x))
    }

    /// What the algebra and direct solvers may exploit.
    fn structure(&self) -> Structure {
        Structure::General
    }

    /// What messages call it; by default the name of the Rust type.
    fn name(&self) -> &str {
        let path = std::any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path)
    }
}

/// The structures the algebra keeps and direct solvers use.
#[derive(Clone, Debug)]
pub enum Structure {
    /// Nothing is known.
    General,
    /// `x ↦ c x`; the identity where `c` is [`Factor::ONE`].
    ScaledIdentity(Factor),
    /// `x ↦ d ⊙ x`.
    Diagonal(Diagonal),
    /// `x ↦ d ⊙ x` in each block.
    BlockDiagonal(Diagonal<BlockArray>),
    /// Diagonal in the Fourier domain.
    CircularConvolve(CircularConvolve),
    /// The sum along one axis.
    AxisSum(usize),
    /// The sum of circular convolutions along one axis, such as that of an image from feature maps.
    SummedConvolution(CircularConvolve, usize),
}

/// `Aᴴ y` as the conjugate of the transposed trace of `A`.
#[track_caller]
pub(crate) fn derived_adjoint<X, Y, A>(operator: &A, y: &Y) -> X
where
    X: Variable,
    Y: Variable,
    A: LinearOperator<X, Y> + ?Sized,
{
    let input = X::placeholder(&operator.input_type());
    match linear_adjoint(|x: X| operator.apply(&x), &input) {
        Ok(adjoint) => adjoint.apply(y.clone()),
        Err(error) => input.map_leaves(|_| Array::from_error(error.clone())),
    }
}

/// `x` as the argument of an operator: itself, or error values where its shape is not `wanted`'s.
#[track_caller]
pub(crate) fn accept_shape<X: Variable>(operator: &str, wanted: &X::Type, x: &X) -> X {
    let Ok(types) = x.leaf_types() else { return x.clone() };
    let arrays = X::array_types(wanted);
    if types.len() == arrays.len() && types.iter().zip(arrays).all(|(given, wanted)| given.shape == wanted.shape) {
        return x.clone();
    }
    let message = match arrays {
        [only] if types.len() == 1 => {
            format!("takes an array of shape {:?}, got {}; reshape, crop or pad it", only.shape, x.describe())
        }
        _ => format!("takes blocks of the shapes of {wanted}, got {}", x.describe()),
    };
    let error = cotangent_ir::fail(ErrorKind::Shape, operator, message);
    x.map_leaves(|_| error.clone())
}

/// `y` as the argument of an adjoint: itself, or error values where its type is not `wanted`.
#[track_caller]
pub(crate) fn accept_type<Y: Variable>(operator: &str, wanted: &Y::Type, y: &Y) -> Y {
    let Ok(types) = y.leaf_types() else { return y.clone() };
    let arrays = Y::array_types(wanted);
    if types[..] == *arrays {
        return y.clone();
    }
    let alike = types.len() == arrays.len() && types.iter().zip(arrays).all(|(a, b)| a.shape == b.shape);
    let kind = if alike { ErrorKind::DType } else { ErrorKind::Shape };
    let remedy = match kind {
        ErrorKind::DType => format!("convert it with `astype(DType::{:?})`", arrays[0].dtype),
        _ => "the adjoint takes what has the output type, reshape, crop or pad it".to_string(),
    };
    let message = format!("takes {wanted}, got {}; {remedy}", y.describe());
    let error = cotangent_ir::fail(kind, &format!("{operator}.adjoint"), message);
    y.map_leaves(|_| error.clone())
}

/// The shape two shapes broadcast to, aligned at the last axis.
pub(crate) fn broadcast_shape(operation: &str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    let pair = |axis| (extent(a, axis), extent(b, axis));
    if let Some(axis) = (0..rank).find(|&axis| matches!(pair(axis), (m, n) if m != n && m != 1 && n != 1)) {
        let (m, n) = pair(axis);
        let message = format!(
            "shapes {a:?} and {b:?} do not broadcast: {m} against {n} on axis {} from the last; make the extents equal \
             or one of them 1",
            rank - axis
        );
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    Ok((0..rank).map(pair).map(|(m, n)| if m == 1 { n } else { m }).collect())
}

/// The sum of `y` over the axes along which an array of `shape` was repeated to give it.
#[track_caller]
pub(crate) fn sum_to(y: &Array, shape: &[usize]) -> Array {
    let Ok(given) = y.shape() else { return y.clone() };
    if given[..] == *shape {
        return y.clone();
    }
    let leading = given.len().saturating_sub(shape.len());
    let repeated = |axis: usize| axis < leading || (shape[axis - leading] == 1 && given[axis] != 1);
    let axes: Vec<isize> = (0..given.len()).filter(|&axis| repeated(axis)).map(|axis| axis as isize).collect();
    y.sum_axes(&axes).reshape(shape)
}

/// An array of complex or real dtype as one of `dtype`, dropping the imaginary part where `dtype` is real.
#[track_caller]
pub(crate) fn project(x: &Array, dtype: DType) -> Array {
    match x.dtype() {
        Ok(given) if given.is_complex() && !dtype.is_complex() => x.real().astype(dtype),
        _ => x.astype(dtype),
    }
}

/// [`project`] of each array to the dtype a type gives it.
#[track_caller]
pub(crate) fn project_all<X: Variable>(x: &X, ty: &X::Type) -> X {
    let (leaves, types) = (x.leaves(), X::array_types(ty));
    if leaves.len() != types.len() {
        return x.clone();
    }
    x.with_leaves(leaves.iter().zip(types).map(|(leaf, ty)| project(leaf, ty.dtype)).collect())
}

/// `Aᴴ` applied to what may be complex although the output of `A` is real.
#[track_caller]
pub(crate) fn partial_adjoint<X: Variable, Y: Variable>(operator: &LinOp<X, Y>, y: &Y) -> X {
    operator.adjoint(&project_all(y, &operator.output_type()))
}

/// Whether two types have arrays of the same shapes.
pub(crate) fn same_shapes<X: Variable>(a: &X::Type, b: &X::Type) -> bool {
    let (a, b) = (X::array_types(a), X::array_types(b));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.shape == b.shape)
}

/// Refuses no axes, and axes of which one is named twice.
pub(crate) fn distinct_axes(operation: &str, input: &Type, axes: &[usize]) -> Result<()> {
    let message = if axes.is_empty() {
        format!("no axis of {input}; name at least one")
    } else if (1..axes.len()).any(|later| axes[..later].contains(&axes[later])) {
        format!("axes {axes:?} of {input} name one axis twice; name each once")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Argument, operation, message))
}
