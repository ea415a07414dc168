//! Several operators as one: on top of each other, side by side, and one operator for many slices.
//!
//! What the members give is either one array, stacked along a new leading axis where all have one shape, or a block array.
//! Which of the two is a choice of the constructor and shows in the type. Stacks are concatenations, which fuse with the
//! members: nothing is copied together.

use super::{LinOp, LinearOperator, accept_shape, accept_type, partial_adjoint, project_all};
use crate::{Array, BlockArray, BlockType, DType, Error, ErrorKind, Result, Tree, Type, Variable, stack, vmap};

/// `x ↦ (A_1 x, …, A_N x)`. The adjoint is `Σ A_kᴴ y_k`.
///
/// ```
/// use cotangent::linop::{Identity, LinOp, LinearOperator, SingleAxisFiniteDifference, Boundary, VerticalStack};
/// use cotangent::{Array, DType, Type};
/// let ty = Type::new(DType::F32, &[3]);
/// let identity = LinOp::from(Identity::new(ty.clone()));
/// let x = Array::from([1.0f32, 2.0, 3.0]);
///
/// // Of one shape: stacked along a new axis.
/// let both = VerticalStack::new(vec![identity.clone(), 2.0 * &identity])?;
/// assert_eq!(both.apply(&x).to_vec::<f32>()?, [1.0, 2.0, 3.0, 2.0, 4.0, 6.0]);
/// assert_eq!(both.adjoint(&both.apply(&x)).to_vec::<f32>()?, [5.0, 10.0, 15.0]);
///
/// // Of any shapes: blocks.
/// let difference = SingleAxisFiniteDifference::new(ty, 0, Boundary::OPEN)?;
/// let blocks = VerticalStack::blocks(vec![identity, difference.into()])?;
/// assert_eq!(blocks.adjoint(&blocks.apply(&x)).to_vec::<f32>()?, [0.0, 2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerticalStack<X: Variable = Array, Y: Variable = Array> {
    members: Vec<LinOp<X>>,
    output: Y::Type,
}

/// `(x_1, …, x_N) ↦ (A_1 x_1, …, A_N x_N)`. The adjoint is `(A_1ᴴ y_1, …, A_Nᴴ y_N)`.
///
/// ```
/// use cotangent::linop::{Boundary, DiagonalStack, Identity, LinearOperator, SingleAxisFiniteDifference};
/// use cotangent::{Array, DType, Type};
/// let ty = Type::new(DType::F32, &[3]);
/// let members = vec![
///     Identity::new(ty.clone()).into(),
///     SingleAxisFiniteDifference::new(ty, 0, Boundary::OPEN)?.into(),
/// ];
/// // The inputs have one shape and the outputs have not.
/// let both = DiagonalStack::to_blocks(members)?;
/// let y = both.apply(&Array::from([[1.0f32, 2.0, 3.0], [1.0, 2.0, 4.0]]));
/// assert_eq!(y.shape()?, [vec![3], vec![2]]);
/// assert_eq!(y[1].to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiagonalStack<X: Variable = Array, Y: Variable = Array> {
    members: Vec<LinOp>,
    input: X::Type,
    output: Y::Type,
}

/// One operator applied to each slice of an array along an axis, by [`vmap`]. The adjoint applies the adjoint to each.
///
/// ```
/// use cotangent::linop::{Boundary, DiagonalReplicated, LinearOperator, SingleAxisFiniteDifference};
/// use cotangent::{Array, DType, Type};
/// let difference = SingleAxisFiniteDifference::new(Type::new(DType::F32, &[3]), 0, Boundary::OPEN)?;
/// let columns = DiagonalReplicated::along(difference, 2, -1, -1)?;
/// let x = Array::from([[1.0f32, 10.0], [2.0, 30.0], [4.0, 60.0]]);
/// assert_eq!(columns.apply(&x).to_vec::<f32>()?, [1.0, 20.0, 2.0, 30.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiagonalReplicated {
    of: LinOp,
    input: Type,
    output: Type,
    input_axis: usize,
    output_axis: usize,
}

/// How several arrays are one variable: an [`Array`] is arrays of one shape stacked along a new leading axis, a
/// [`BlockArray`] is arrays of any shapes as its blocks.
pub trait Parts: Variable {
    /// The type of parts of some types together.
    ///
    /// # Errors
    /// No parts; parts that do not fit together.
    fn together(operation: &str, parts: &[Type]) -> Result<Self::Type>;

    /// Parts together, in their promoted dtype, as what is like `ty`.
    fn joined(ty: &Self::Type, parts: Vec<Array>) -> Self;

    /// The parts, of which there are `count`.
    fn parted(&self, count: usize) -> Vec<Array>;
}

impl Parts for Array {
    fn together(operation: &str, parts: &[Type]) -> Result<Type> {
        let dtype = promoted(parts);
        let first = first(operation, parts)?;
        if let Some(other) = parts.iter().find(|part| part.shape != first.shape) {
            let message = format!(
                "parts of shapes {:?} and {:?} do not stack; keep them as blocks of a block array, or make the shapes \
                 equal",
                first.shape, other.shape
            );
            return Err(Error::new(ErrorKind::Shape, operation, message));
        }
        let shape: Vec<usize> = std::iter::once(parts.len()).chain(first.shape.iter().copied()).collect();
        Ok(Type::new(dtype, &shape))
    }

    fn joined(_ty: &Type, parts: Vec<Array>) -> Array {
        stack(&alike(parts), 0)
    }

    fn parted(&self, count: usize) -> Vec<Array> {
        (0..count).map(|at| self.index_axis(0, at as isize)).collect()
    }
}

impl Parts for BlockArray {
    fn together(operation: &str, parts: &[Type]) -> Result<BlockType> {
        first(operation, parts)?;
        let shapes: Vec<Vec<usize>> = parts.iter().map(|part| part.shape.to_vec()).collect();
        Ok(BlockType::new(promoted(parts), &shapes))
    }

    fn joined(ty: &BlockType, parts: Vec<Array>) -> BlockArray {
        BlockArray::placeholder(ty).with_leaves(alike(parts))
    }

    fn parted(&self, _count: usize) -> Vec<Array> {
        self.blocks().to_vec()
    }
}

fn first<'a>(operation: &str, parts: &'a [Type]) -> Result<&'a Type> {
    parts.first().ok_or_else(|| {
        Error::new(
            ErrorKind::Argument,
            operation,
            "stacks at least one operator, got none; use `Identity` for no change",
        )
    })
}

/// Arrays converted to their promoted dtype, as far as they have one.
fn alike(parts: Vec<Array>) -> Vec<Array> {
    match parts.iter().filter_map(|part| part.dtype().ok()).reduce(DType::promote) {
        Some(dtype) => parts.iter().map(|part| part.astype(dtype)).collect(),
        None => parts,
    }
}

fn promoted(parts: &[Type]) -> DType {
    parts.iter().map(|part| part.dtype).reduce(DType::promote).unwrap_or(DType::F32)
}

impl<X: Variable> VerticalStack<X, Array> {
    /// The results stacked along a new leading axis, in the promoted dtype.
    ///
    /// # Errors
    /// No operator; operators of different input types, or whose outputs have different shapes.
    pub fn new(members: Vec<LinOp<X>>) -> Result<VerticalStack<X, Array>> {
        VerticalStack::of(members)
    }
}

impl<X: Variable> VerticalStack<X, BlockArray> {
    /// The results as blocks of any shapes, in the promoted dtype.
    ///
    /// # Errors
    /// No operator; operators of different input types.
    pub fn blocks(members: Vec<LinOp<X>>) -> Result<VerticalStack<X, BlockArray>> {
        VerticalStack::of(members)
    }
}

impl<X: Variable, Y: Parts> VerticalStack<X, Y> {
    fn of(members: Vec<LinOp<X>>) -> Result<VerticalStack<X, Y>> {
        let outputs: Vec<Type> = members.iter().map(LinOp::output_type).collect();
        let output = Y::together("VerticalStack", &outputs)?;
        let inputs: Vec<X::Type> = members.iter().map(LinOp::input_type).collect();
        one_input("VerticalStack", &inputs)?;
        Ok(VerticalStack { members, output })
    }
}

impl<X: Variable, Y: Variable> VerticalStack<X, Y> {
    /// The operators, from the top.
    pub fn members(&self) -> &[LinOp<X>] {
        &self.members
    }
}

/// Refuses operators that take different inputs.
pub(crate) fn one_input<T: PartialEq + std::fmt::Display>(operation: &str, inputs: &[T]) -> Result<()> {
    match inputs.iter().find(|input| **input != inputs[0]) {
        None => Ok(()),
        Some(other) => {
            let message = format!(
                "operators on top of each other take one input, got {} and {other}; for an input each use a diagonal stack",
                inputs[0]
            );
            Err(Error::new(ErrorKind::Shape, operation, message))
        }
    }
}

impl<X: Variable, Y: Parts> LinearOperator<X, Y> for VerticalStack<X, Y> {
    fn input_type(&self) -> X::Type {
        self.members[0].input_type()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> Y {
        let x = accept_shape("VerticalStack", &self.members[0].input_type(), x);
        Y::joined(&self.output, self.members.iter().map(|member| member.apply(&x)).collect())
    }

    /// Written out because the adjoints of the members may be better than derived ones.
    fn adjoint(&self, y: &Y) -> X {
        let parts = accept_type("VerticalStack", &self.output, y).parted(self.members.len());
        let back = self.members.iter().zip(&parts).map(|(member, part)| partial_adjoint(member, part));
        let sum = back.reduce(|sum, part| crate::inner::zip("VerticalStack", &sum, &part, |a, b| a + b));
        // There is a member.
        sum.unwrap_or_else(|| X::zeros(&self.members[0].input_type()))
    }
}

impl DiagonalStack<Array, Array> {
    /// Inputs and outputs stacked along a new leading axis.
    ///
    /// # Errors
    /// No operator; inputs or outputs of different shapes.
    pub fn new(members: Vec<LinOp>) -> Result<DiagonalStack<Array, Array>> {
        DiagonalStack::of(members)
    }
}

impl DiagonalStack<BlockArray, BlockArray> {
    /// Inputs and outputs as blocks.
    ///
    /// # Errors
    /// No operator.
    pub fn blocks(members: Vec<LinOp>) -> Result<DiagonalStack<BlockArray, BlockArray>> {
        DiagonalStack::of(members)
    }
}

impl DiagonalStack<Array, BlockArray> {
    /// Inputs stacked along a new leading axis, outputs as blocks.
    ///
    /// # Errors
    /// No operator; inputs of different shapes.
    pub fn to_blocks(members: Vec<LinOp>) -> Result<DiagonalStack<Array, BlockArray>> {
        DiagonalStack::of(members)
    }
}

impl DiagonalStack<BlockArray, Array> {
    /// Inputs as blocks, outputs stacked along a new leading axis.
    ///
    /// # Errors
    /// No operator; outputs of different shapes.
    pub fn from_blocks(members: Vec<LinOp>) -> Result<DiagonalStack<BlockArray, Array>> {
        DiagonalStack::of(members)
    }
}

impl<X: Parts, Y: Parts> DiagonalStack<X, Y> {
    fn of(members: Vec<LinOp>) -> Result<DiagonalStack<X, Y>> {
        let inputs: Vec<Type> = members.iter().map(LinOp::input_type).collect();
        let outputs: Vec<Type> = members.iter().map(LinOp::output_type).collect();
        let input = X::together("DiagonalStack", &inputs)?;
        let output = Y::together("DiagonalStack", &outputs)?;
        if let Some(other) = inputs.iter().find(|input| input.dtype != inputs[0].dtype) {
            let message = format!(
                "operators side by side take one dtype, got {} and {other}; convert their coefficients with `astype`",
                inputs[0]
            );
            return Err(Error::new(ErrorKind::DType, "DiagonalStack", message));
        }
        Ok(DiagonalStack { members, input, output })
    }
}

impl<X: Variable, Y: Variable> DiagonalStack<X, Y> {
    /// The operators, from the first block.
    pub fn members(&self) -> &[LinOp] {
        &self.members
    }
}

impl<X: Parts, Y: Parts> LinearOperator<X, Y> for DiagonalStack<X, Y> {
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &X) -> Y {
        let parts = accept_shape("DiagonalStack", &self.input, x).parted(self.members.len());
        Y::joined(&self.output, self.members.iter().zip(&parts).map(|(member, part)| member.apply(part)).collect())
    }

    /// Written out because the adjoints of the members may be better than derived ones.
    fn adjoint(&self, y: &Y) -> X {
        let parts = accept_type("DiagonalStack", &self.output, y).parted(self.members.len());
        let back = self.members.iter().zip(&parts).map(|(member, part)| partial_adjoint(member, part));
        project_all(&X::joined(&self.input, back.collect()), &self.input)
    }
}

impl DiagonalReplicated {
    /// The operator on each of `count` slices along a leading axis.
    ///
    /// # Errors
    /// None of its own; see [`DiagonalReplicated::along`].
    pub fn new(operator: impl Into<LinOp>, count: usize) -> Result<DiagonalReplicated> {
        DiagonalReplicated::along(operator, count, 0, 0)
    }

    /// The operator on each of `count` slices along axis `input_axis` of the input; the results are slices along axis
    /// `output_axis` of the output. Negative axes count from the end, of what has the axis already.
    ///
    /// # Errors
    /// An axis out of range.
    pub fn along(
        operator: impl Into<LinOp>,
        count: usize,
        input_axis: isize,
        output_axis: isize,
    ) -> Result<DiagonalReplicated> {
        let of = operator.into();
        let inserted = |what: &str, ty: Type, axis: isize| {
            let rank = ty.rank() as isize + 1;
            if !(-rank..rank).contains(&axis) {
                let message =
                    format!("{what} axis {axis} is out of range for slices {ty}; use one of {}..={}", -rank, rank - 1);
                return Err(Error::new(ErrorKind::Argument, "DiagonalReplicated", message));
            }
            let axis = axis.rem_euclid(rank) as usize;
            let mut shape = ty.shape.to_vec();
            shape.insert(axis, count);
            Ok((ty.with_shape(&shape), axis))
        };
        let (input, input_axis) = inserted("input", of.input_type(), input_axis)?;
        let (output, output_axis) = inserted("output", of.output_type(), output_axis)?;
        Ok(DiagonalReplicated { of, input, output, input_axis, output_axis })
    }

    /// A map of slices applied to all of them, which go from one axis to another.
    #[track_caller]
    fn mapped(&self, x: Array, from: usize, to: usize, map: impl Fn(&Array) -> Array) -> Array {
        let each = vmap(|slice: Array| map(&slice)).in_axes(&[Some(from as isize)]).out_axis(to as isize);
        each.call(x).unwrap_or_else(Array::from_error)
    }
}

impl LinearOperator for DiagonalReplicated {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape("DiagonalReplicated", &self.input, x);
        self.mapped(x, self.input_axis, self.output_axis, |slice| self.of.apply(slice))
    }

    /// Written out because the adjoint of the member may be better than a derived one.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type("DiagonalReplicated", &self.output, y);
        self.mapped(y, self.output_axis, self.input_axis, |slice| self.of.adjoint(slice))
    }
}
