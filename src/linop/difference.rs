//! Finite differences along axes.

use super::{LinearOperator, Parts, accept_shape, distinct_axes};
use crate::{Array, BlockArray, Error, ErrorKind, Result, Type, Variable};

/// What happens at the ends of an axis.
///
/// ```
/// use cotangent::linop::{Boundary, Edge, LinearOperator, SingleAxisFiniteDifference};
/// use cotangent::{Array, DType, Type};
///
/// let x = Array::from(vec![1.0f32, 2.0, 4.0, 7.0, 11.0]);
/// let ty = Type::new(DType::F32, &[5]);
/// let differences = |boundary| SingleAxisFiniteDifference::new(ty.clone(), -1, boundary)?.apply(&x).to_vec::<f32>();
/// assert_eq!(differences(Boundary::OPEN)?, [1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(differences(Boundary::CIRCULAR)?, [1.0, 2.0, 3.0, 4.0, -10.0]);
/// assert_eq!(differences(Boundary::append(Edge::Zero))?, [1.0, 2.0, 3.0, 4.0, 0.0]);
/// assert_eq!(differences(Boundary::append(Edge::Value))?, [1.0, 2.0, 3.0, 4.0, -11.0]);
/// assert_eq!(differences(Boundary::prepend(Edge::Value))?, [1.0, 1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Boundary {
    /// The `N - 1` differences `x[i + 1] - x[i]`, with an entry before and after them where asked for.
    Edges {
        /// The entry before.
        prepend: Option<Edge>,
        /// The entry after.
        append: Option<Edge>,
    },
    /// `N` differences: the last is `x[0] - x[N - 1]`.
    Circular,
}

/// An entry at an end of the differences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// 0.
    Zero,
    /// The difference to a 0 outside: `x[0]` before, `-x[N - 1]` after.
    Value,
}

impl Boundary {
    /// The `N - 1` differences alone.
    pub const OPEN: Boundary = Boundary::Edges { prepend: None, append: None };

    /// `N` differences, the last one around the end.
    pub const CIRCULAR: Boundary = Boundary::Circular;

    /// The differences and an entry after them.
    pub const fn append(edge: Edge) -> Boundary {
        Boundary::Edges { prepend: None, append: Some(edge) }
    }

    /// The differences and an entry before them.
    pub const fn prepend(edge: Edge) -> Boundary {
        Boundary::Edges { prepend: Some(edge), append: None }
    }

    /// The differences and an entry at each end.
    pub const fn both(prepend: Edge, append: Edge) -> Boundary {
        Boundary::Edges { prepend: Some(prepend), append: Some(append) }
    }

    /// The number of differences of `extent` elements.
    fn differences(self, extent: usize) -> usize {
        match self {
            Boundary::Circular => extent,
            Boundary::Edges { prepend, append } => {
                extent - 1 + usize::from(prepend.is_some()) + usize::from(append.is_some())
            }
        }
    }
}

/// Differences `x[i + 1] - x[i]` along one axis, whose extent changes as the boundary says.
#[derive(Clone, Debug)]
pub struct SingleAxisFiniteDifference {
    input: Type,
    axis: usize,
    boundary: Boundary,
}

/// Differences along several axes, stacked along a new leading axis in the order of the axes.
///
/// For an image of `m` by `n` the output is `2` by `m` by `n`: the components of the gradient, whose `l2,1` norm is the
/// isotropic total variation. The derived adjoint is minus the divergence. Differences of different shapes, such as those
/// without an entry at the ends, are [`blocks`](FiniteDifference::blocks) of a block array.
///
/// ```
/// use cotangent::linop::{Boundary, Edge, FiniteDifference, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let d = FiniteDifference::new(Type::new(DType::F32, &[2, 3]), Boundary::append(Edge::Zero))?;
/// let x = Array::from([[1.0f32, 2.0, 4.0], [0.0, 4.0, 1.0]]);
/// assert_eq!(d.output_type().shape[..], [2, 2, 3]);
/// assert_eq!(
///     d.apply(&x).to_vec::<f32>()?,
///     [-1.0, 2.0, -3.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 4.0, -3.0, 0.0]
/// );
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FiniteDifference<Y: Variable = Array> {
    input: Type,
    along: Vec<SingleAxisFiniteDifference>,
    output: Y::Type,
}

impl SingleAxisFiniteDifference {
    /// Differences of arrays of type `input` along `axis`, negative ones counted from the end.
    ///
    /// # Errors
    /// An axis that does not exist or has no elements.
    pub fn new(input: Type, axis: isize, boundary: Boundary) -> Result<SingleAxisFiniteDifference> {
        let rank = input.rank() as isize;
        let refuse = |kind, message| Err(Error::new(kind, "FiniteDifference", message));
        if !(-rank..rank).contains(&axis) {
            let message = format!("axis {axis} is out of range for {input}; use one of {}..={}", -rank, rank - 1);
            return refuse(ErrorKind::Argument, message);
        }
        let axis = axis.rem_euclid(rank) as usize;
        if input.shape[axis] == 0 {
            let message = format!("{input} has no elements along axis {axis}, at least one is needed");
            return refuse(ErrorKind::Shape, message);
        }
        Ok(SingleAxisFiniteDifference { input, axis, boundary })
    }

    /// The axis, counted from the start.
    pub(crate) fn axis(&self) -> usize {
        self.axis
    }
}

impl LinearOperator for SingleAxisFiniteDifference {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        let mut ty = self.input.clone();
        ty.shape[self.axis] = self.boundary.differences(ty.shape[self.axis]);
        ty
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape("FiniteDifference", &self.input, x);
        match self.boundary {
            Boundary::Circular => x.roll(-1, self.axis as isize) - x,
            Boundary::Edges { prepend, append } => {
                // A 0 outside makes the entry `Edge::Value` a difference like the others.
                let outside = |edge| usize::from(edge == Some(Edge::Value));
                let zero = |edge| usize::from(edge == Some(Edge::Zero));
                let differences = self.padded(&x, outside(prepend), outside(append)).diff(self.axis as isize);
                self.padded(&differences, zero(prepend), zero(append))
            }
        }
    }
}

impl SingleAxisFiniteDifference {
    /// With zeros before and after along the axis.
    fn padded(&self, x: &Array, before: usize, after: usize) -> Array {
        let mut widths = vec![(0, 0, 0); self.input.rank()];
        widths[self.axis] = (before as i64, after as i64, 0);
        x.pad_zeros(&widths)
    }
}

impl FiniteDifference {
    /// Differences along all axes of arrays of type `input`.
    ///
    /// # Errors
    /// As [`FiniteDifference::along`].
    pub fn new(input: Type, boundary: Boundary) -> Result<FiniteDifference> {
        let axes: Vec<isize> = (0..input.rank() as isize).collect();
        FiniteDifference::along(input, &axes, boundary)
    }

    /// Differences along some axes of arrays of type `input`.
    ///
    /// # Errors
    /// No axis; an axis that does not exist, has no elements, or is named twice; several axes with a boundary that gives
    /// their differences different shapes, which do not stack.
    pub fn along(input: Type, axes: &[isize], boundary: Boundary) -> Result<FiniteDifference> {
        FiniteDifference::of(input, axes, boundary)
    }
}

impl FiniteDifference<BlockArray> {
    /// Differences along all axes of arrays of type `input`, each as a block.
    ///
    /// ```
    /// use cotangent::linop::{Boundary, FiniteDifference, LinearOperator};
    /// use cotangent::{Array, DType, Type};
    /// let d = FiniteDifference::blocks(Type::new(DType::F32, &[2, 3]), Boundary::OPEN)?;
    /// let x = Array::from([[1.0f32, 2.0, 4.0], [0.0, 4.0, 1.0]]);
    /// assert_eq!(d.apply(&x).shape()?, [vec![1, 3], vec![2, 2]]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`FiniteDifference::blocks_along`].
    pub fn blocks(input: Type, boundary: Boundary) -> Result<FiniteDifference<BlockArray>> {
        let axes: Vec<isize> = (0..input.rank() as isize).collect();
        FiniteDifference::blocks_along(input, &axes, boundary)
    }

    /// Differences along some axes of arrays of type `input`, each as a block.
    ///
    /// # Errors
    /// No axis; an axis that does not exist, has no elements, or is named twice.
    pub fn blocks_along(input: Type, axes: &[isize], boundary: Boundary) -> Result<FiniteDifference<BlockArray>> {
        FiniteDifference::of(input, axes, boundary)
    }
}

impl<Y: Parts> FiniteDifference<Y> {
    fn of(input: Type, axes: &[isize], boundary: Boundary) -> Result<FiniteDifference<Y>> {
        let single = |&axis| SingleAxisFiniteDifference::new(input.clone(), axis, boundary);
        let along: Vec<SingleAxisFiniteDifference> = axes.iter().map(single).collect::<Result<_>>()?;
        let numbers: Vec<usize> = along.iter().map(SingleAxisFiniteDifference::axis).collect();
        distinct_axes("FiniteDifference", &input, &numbers)?;
        let outputs: Vec<Type> = along.iter().map(LinearOperator::output_type).collect();
        let output = Y::together("FiniteDifference", &outputs).map_err(|error| {
            let message = format!(
                "differences of {input} along axes {axes:?} do not stack; use `Boundary::CIRCULAR`, append or prepend one \
                 entry, or keep them as `FiniteDifference::blocks`: {}",
                error.message()
            );
            Error::new(error.kind(), "FiniteDifference", message)
        })?;
        Ok(FiniteDifference { input, along, output })
    }
}

impl<Y: Parts> LinearOperator<Array, Y> for FiniteDifference<Y> {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Y {
        let x = accept_shape("FiniteDifference", &self.input, x);
        Y::joined(&self.output, self.along.iter().map(|single| single.apply(&x)).collect())
    }
}
