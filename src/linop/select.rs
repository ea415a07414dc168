//! Operators that sum elements or select some of them.

use super::{LinearOperator, Structure, accept_shape, accept_type};
use crate::{Array, BlockArray, BlockType, Error, ErrorKind, Index, Result, Type, eval_shape, placeholder};
use std::fmt;
use std::ops::Range;

/// `x ↦ Σ x` over all axes, or over some. The adjoint repeats.
///
/// ```
/// use cotangent::linop::{LinearOperator, Sum};
/// use cotangent::{Array, DType, Type};
/// let sum = Sum::along(Type::new(DType::F32, &[2, 3]), &[0])?;
/// assert_eq!(sum.apply(&Array::from([[1.0f32, 2.0, 3.0]; 2])).to_vec::<f32>()?, [2.0, 4.0, 6.0]);
/// assert_eq!(sum.adjoint(&Array::from([1.0f32, 2.0, 3.0])).to_vec::<f32>()?, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sum {
    input: Type,
    output: Type,
    axes: Vec<isize>,
    keep: bool,
}

/// `x ↦ x[index]`: elements of an array by numbers, ranges, new axes. The adjoint has zeros elsewhere.
///
/// ```
/// use cotangent::linop::{LinearOperator, Slice};
/// use cotangent::{Array, DType, Index, Type};
/// let odd = Index::Slice { start: Some(1), end: None, step: 2 };
/// let every_other = Slice::new(Type::new(DType::F32, &[5]), &[odd])?;
/// assert_eq!(every_other.apply(&Array::from([0.0f32, 1.0, 2.0, 3.0, 4.0])).to_vec::<f32>()?, [1.0, 3.0]);
/// assert_eq!(every_other.adjoint(&Array::from([7.0f32, 8.0])).to_vec::<f32>()?, [0.0, 7.0, 0.0, 8.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct Slice {
    input: Type,
    output: Type,
    index: Vec<Index>,
}

/// `x ↦ x[k]`: one block of a block array. The adjoint has zeros in the others.
///
/// ```
/// use cotangent::linop::{BlockSlice, LinOp};
/// use cotangent::{Array, BlockArray, BlockType, DType};
/// let second: LinOp<BlockArray> = BlockSlice::new(BlockType::new(DType::F32, &[vec![2], vec![3]]), 1)?.into();
/// assert_eq!(second.adjoint(&Array::from([1.0f32, 2.0, 3.0])).sum().item()?, 6.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlockSlice {
    input: BlockType,
    block: usize,
}

/// `x ↦ (x[start], …, x[end - 1])`: some neighbouring blocks of a block array. The adjoint has zeros in the others.
///
/// ```
/// use cotangent::linop::{BlockRange, LinearOperator};
/// use cotangent::{BlockArray, BlockType, DType};
/// let shapes = [vec![2], vec![3], vec![4]];
/// let last = BlockRange::new(BlockType::new(DType::F32, &shapes), 1..3)?;
/// assert_eq!(last.apply(&BlockArray::ones(&shapes, DType::F32)?).shape()?, [vec![3], vec![4]]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlockRange {
    input: BlockType,
    output: BlockType,
    blocks: Range<usize>,
}

impl Sum {
    /// The sum of all elements, 0-d.
    pub fn new(input: Type) -> Sum {
        let axes = (0..input.rank() as isize).collect();
        Sum { output: input.with_shape(&[]), input, axes, keep: false }
    }

    /// The sums along some axes, which the output does not have; negative ones count from the end.
    ///
    /// # Errors
    /// An axis that does not exist or is named twice.
    pub fn along(input: Type, axes: &[isize]) -> Result<Sum> {
        Sum::checked(input, axes, false)
    }

    /// The sums along some axes, which the output has with extent 1; negative ones count from the end.
    ///
    /// # Errors
    /// An axis that does not exist or is named twice.
    pub fn keeping(input: Type, axes: &[isize]) -> Result<Sum> {
        Sum::checked(input, axes, true)
    }

    fn checked(input: Type, axes: &[isize], keep: bool) -> Result<Sum> {
        let output = eval_shape(|x: Array| summed(&x, axes, keep), &placeholder(input.clone()))?.ty()?;
        Ok(Sum { input, output, axes: axes.to_vec(), keep })
    }
}

#[track_caller]
fn summed(x: &Array, axes: &[isize], keep: bool) -> Array {
    if keep { x.keep_axes().sum_axes(axes) } else { x.sum_axes(axes) }
}

impl LinearOperator for Sum {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        summed(&accept_shape("Sum", &self.input, x), &self.axes, self.keep)
    }

    fn structure(&self) -> Structure {
        match self.axes[..] {
            [axis] if axis < 0 => Structure::AxisSum((axis + self.input.rank() as isize) as usize),
            [axis] => Structure::AxisSum(axis as usize),
            _ => Structure::General,
        }
    }
}

impl Slice {
    /// The elements an index names, in arrays of type `input`.
    ///
    /// # Errors
    /// A number out of range, or more numbers and ranges than there are axes; an index that is an array.
    pub fn new(input: Type, index: &[Index]) -> Result<Slice> {
        if index.iter().any(|index| matches!(index, Index::Array(_))) {
            let message = "takes numbers, ranges and new axes; for indices in an array use `Array::at` in an operator";
            return Err(Error::new(ErrorKind::Argument, "Slice", message));
        }
        let output = eval_shape(|x: Array| x.at(index).get(), &placeholder(input.clone()))?.ty()?;
        Ok(Slice { input, output, index: index.to_vec() })
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slice: {} -> {}", self.input, self.output)
    }
}

impl LinearOperator for Slice {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        accept_shape("Slice", &self.input, x).at(&self.index).get()
    }
}

impl BlockSlice {
    /// Block number `block`, counted from 0.
    ///
    /// # Errors
    /// A number there is no block of.
    pub fn new(input: BlockType, block: usize) -> Result<BlockSlice> {
        if block >= input.blocks().len() {
            let message = format!("block {block} of {} blocks; they count from 0", input.blocks().len());
            return Err(Error::new(ErrorKind::Argument, "BlockSlice", message));
        }
        Ok(BlockSlice { input, block })
    }
}

impl LinearOperator<BlockArray, Array> for BlockSlice {
    fn input_type(&self) -> BlockType {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.blocks()[self.block].clone()
    }

    fn apply(&self, x: &BlockArray) -> Array {
        accept_shape("BlockSlice", &self.input, x)[self.block].clone()
    }

    /// Written out: the zeros need not be derived.
    fn adjoint(&self, y: &Array) -> BlockArray {
        let y = accept_type("BlockSlice", &self.output_type(), y);
        let mut position = 0..;
        let zeros = <BlockArray as crate::Variable>::zeros(&self.input);
        zeros.map(|zero| if position.next() == Some(self.block) { y.clone() } else { zero.clone() })
    }
}

impl BlockRange {
    /// The blocks of a range, counted from 0.
    ///
    /// # Errors
    /// A range of no blocks, or one that reaches beyond the last.
    pub fn new(input: BlockType, blocks: Range<usize>) -> Result<BlockRange> {
        match input.blocks().get(blocks.clone()) {
            Some(kept) if !kept.is_empty() => {
                let shapes: Vec<_> = kept.iter().map(|ty| ty.shape.to_vec()).collect();
                Ok(BlockRange { output: BlockType::new(input.dtype(), &shapes), input, blocks })
            }
            _ => {
                let count = input.blocks().len();
                let message = format!("blocks {blocks:?} of {count}; name at least one, and none beyond the last");
                Err(Error::new(ErrorKind::Argument, "BlockRange", message))
            }
        }
    }
}

impl LinearOperator<BlockArray, BlockArray> for BlockRange {
    fn input_type(&self) -> BlockType {
        self.input.clone()
    }

    fn output_type(&self) -> BlockType {
        self.output.clone()
    }

    fn apply(&self, x: &BlockArray) -> BlockArray {
        let x = accept_shape("BlockRange", &self.input, x);
        match x.slice(self.blocks.clone()) {
            Ok(kept) => kept,
            Err(error) => x.map(|_| Array::from_error(error.clone())),
        }
    }

    /// Written out: the zeros need not be derived.
    fn adjoint(&self, y: &BlockArray) -> BlockArray {
        let y = accept_type("BlockRange", &self.output, y);
        let mut positions = 0..;
        <BlockArray as crate::Variable>::zeros(&self.input).map(|zero| match positions.next() {
            Some(position) if self.blocks.contains(&position) => y[position - self.blocks.start].clone(),
            _ => zero.clone(),
        })
    }
}
