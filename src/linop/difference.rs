//! Finite differences along axes.

use super::{LinearOperator, accept_shape};
use crate::{Array, Error, ErrorKind, Result, Type, stack};

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
/// isotropic total variation. The derived adjoint is minus the divergence.
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
pub struct FiniteDifference {
    input: Type,
    along: Vec<SingleAxisFiniteDifference>,
    output: Type,
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
        let refuse = |kind, message| Err(Error::new(kind, "FiniteDifference", message));
        let single = |&axis| SingleAxisFiniteDifference::new(input.clone(), axis, boundary);
        let along: Vec<SingleAxisFiniteDifference> = axes.iter().map(single).collect::<Result<_>>()?;
        let Some(first) = along.first() else {
            return refuse(
                ErrorKind::Argument,
                format!("no axis of {input} to take differences along; name at least one"),
            );
        };
        if (1..along.len()).any(|later| along[..later].iter().any(|earlier| earlier.axis == along[later].axis)) {
            return refuse(
                ErrorKind::Argument,
                format!("axes {axes:?} of {input} name one axis twice; name each once"),
            );
        }
        let shape = first.output_type().shape;
        if let Some(other) = along.iter().find(|other| other.output_type().shape != shape) {
            let message = format!(
                "differences of {input} along axes {} and {} have shapes {shape:?} and {:?}, which do not stack; use \
                 `Boundary::CIRCULAR` or append or prepend one entry, or one operator for each axis",
                first.axis,
                other.axis,
                other.output_type().shape
            );
            return refuse(ErrorKind::Shape, message);
        }
        let output: Vec<usize> = std::iter::once(along.len()).chain(shape).collect();
        let output = input.with_shape(&output);
        Ok(FiniteDifference { input, along, output })
    }
}

impl LinearOperator for FiniteDifference {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape("FiniteDifference", &self.input, x);
        let parts: Vec<Array> = self.along.iter().map(|single| single.apply(&x)).collect();
        stack(&parts, 0)
    }
}
