//! Several operators as one: on top of each other, side by side, and one operator for many slices.
//!
//! The results of the parts are one array, stacked along a new leading axis, or the blocks of a block array, as the name of
//! the function says. Of linear operators, the stacks in [`linop`](crate::linop) are linear.

use super::Op;
use crate::linop::{Parts, one_input};
use crate::{Array, BlockArray, Error, ErrorKind, Result, Type, Variable, vmap};

fn vertical<X: Variable, Y: Parts>(members: &[Op<X>]) -> Result<Op<X, Y>> {
    let outputs: Vec<Type> = members.iter().map(Op::output_type).collect();
    let output = Y::together("vertical_stack", &outputs)?;
    let inputs: Vec<X::Type> = members.iter().map(Op::input_type).collect();
    one_input("vertical_stack", &inputs)?;
    let members = members.to_vec();
    Op::new(inputs[0].clone(), move |x: &X| Y::joined(&output, members.iter().map(|member| member.apply(x)).collect()))
}

/// `x ↦ (A_1(x), …, A_N(x))`, stacked along a new leading axis.
///
/// ```
/// use cotangent::operator::{Op, vertical_stack};
/// use cotangent::{Array, DType, Type};
/// let ty = Type::new(DType::F32, &[2]);
/// let square = Op::new(ty.clone(), |x: &Array| x.square())?;
/// let double = Op::new(ty, |x: &Array| 2.0 * x)?;
/// let both = vertical_stack(&[square, double])?;
/// assert_eq!(both.apply(&Array::from([1.0f32, 3.0])).to_vec::<f32>()?, [1.0, 9.0, 2.0, 6.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// No operator; operators of different input types, or whose outputs have different shapes.
pub fn vertical_stack<X: Variable>(members: &[Op<X>]) -> Result<Op<X>> {
    vertical(members)
}

/// `x ↦ (A_1(x), …, A_N(x))`, as blocks.
///
/// # Errors
/// No operator; operators of different input types.
pub fn vertical_blocks<X: Variable>(members: &[Op<X>]) -> Result<Op<X, BlockArray>> {
    vertical(members)
}

/// `(x_1, …, x_N) ↦ (A_1(x_1), …, A_N(x_N))`. Inputs and outputs are stacked along a new leading axis, or are blocks, by
/// the type asked for: `Op<Array, BlockArray>` takes an array and gives blocks.
///
/// ```
/// use cotangent::operator::{Op, diagonal_stack};
/// use cotangent::{Array, BlockArray, DType, Type};
/// let ty = Type::new(DType::F32, &[2]);
/// let square = Op::new(ty.clone(), |x: &Array| x.square())?;
/// let sum = Op::new(ty, |x: &Array| x.sum())?;
/// let both: Op<Array, BlockArray> = diagonal_stack(&[square, sum])?;
/// let y = both.apply(&Array::from([[1.0f32, 3.0], [1.0, 3.0]]));
/// assert_eq!((y[0].to_vec::<f32>()?, y[1].item()?), (vec![1.0, 9.0], 4.0));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// No operator; arrays of different shapes to be stacked; inputs of different dtypes.
pub fn diagonal_stack<X: Parts, Y: Parts>(members: &[Op]) -> Result<Op<X, Y>> {
    let inputs: Vec<Type> = members.iter().map(Op::input_type).collect();
    let outputs: Vec<Type> = members.iter().map(Op::output_type).collect();
    let input = X::together("diagonal_stack", &inputs)?;
    let output = Y::together("diagonal_stack", &outputs)?;
    if let Some(other) = inputs.iter().find(|other| other.dtype != inputs[0].dtype) {
        let message =
            format!("operators side by side take one dtype, got {} and {other}; convert with `astype`", inputs[0]);
        return Err(Error::new(ErrorKind::DType, "diagonal_stack", message));
    }
    let members = members.to_vec();
    Op::new(input, move |x: &X| {
        let parts = x.parted(members.len());
        Y::joined(&output, members.iter().zip(&parts).map(|(member, part)| member.apply(part)).collect())
    })
}

/// An operator applied to each of `count` slices along axis `input_axis` of the input; the results are slices along axis
/// `output_axis` of the output. Negative axes count from the end, of what has the axis already.
///
/// ```
/// use cotangent::operator::{Op, replicated};
/// use cotangent::{Array, DType, Type};
/// let largest = Op::new(Type::new(DType::F32, &[3]), |x: &Array| x.max())?;
/// let columns = replicated(&largest, 2, -1, 0)?;
/// let x = Array::from([[1.0f32, 9.0], [5.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(columns.apply(&x).to_vec::<f32>()?, [5.0, 9.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// An axis out of range.
pub fn replicated(operator: &Op, count: usize, input_axis: isize, output_axis: isize) -> Result<Op> {
    let slice = operator.input_type();
    let rank = slice.rank() as isize + 1;
    if !(-rank..rank).contains(&input_axis) {
        let message =
            format!("input axis {input_axis} is out of range for slices {slice}; use one of {}..={}", -rank, rank - 1);
        return Err(Error::new(ErrorKind::Argument, "replicated", message));
    }
    let mut shape = slice.shape.to_vec();
    shape.insert(input_axis.rem_euclid(rank) as usize, count);
    let operator = operator.clone();
    Op::new(slice.with_shape(&shape), move |x: &Array| {
        let each = vmap(|slice: Array| operator.apply(&slice)).in_axes(&[Some(input_axis)]).out_axis(output_axis);
        each.call(x.clone()).unwrap_or_else(Array::from_error)
    })
}
