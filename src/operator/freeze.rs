//! Operators of block arrays with some blocks fixed.

use super::Op;
use crate::{Array, BlockArray, BlockType, Error, ErrorKind, Result, Tree, Variable};

impl<Y: Variable> Op<BlockArray, Y> {
    /// The operator in the other blocks, with block number `block` fixed to a value.
    ///
    /// ```
    /// use cotangent::operator::Op;
    /// use cotangent::{Array, BlockArray, BlockType, DType};
    /// let ty = BlockType::new(DType::F32, &[vec![2], vec![2], vec![2]]);
    /// let f = Op::new(ty, |x: &BlockArray| &x[0] * &x[1] + &x[2])?;
    /// let frozen = f.freeze(1, &Array::from([2.0f32, 3.0]))?;
    /// let y = frozen.apply(&BlockArray::new([Array::from([10.0f32, 10.0]), Array::from([1.0f32, 1.0])])?);
    /// assert_eq!(y.to_vec::<f32>()?, [21.0, 31.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A number there is no block of; a value of another shape than the block; an operator of one block, of which nothing
    /// would be left; the error the value stands for.
    pub fn freeze(&self, block: usize, value: &Array) -> Result<Op<BlockArray, Y>> {
        let input = self.input_type();
        check_block("Op::freeze", &input, block, value)?;
        let mut rest: Vec<Vec<usize>> = input.blocks().iter().map(|ty| ty.shape.to_vec()).collect();
        rest.remove(block);
        if rest.is_empty() {
            let message = format!("fixes one block of several, got an operator of {input}; apply it instead");
            return Err(Error::new(ErrorKind::Argument, "Op::freeze", message));
        }
        let (operator, value) = (self.clone(), value.clone());
        Op::new(BlockType::new(input.dtype(), &rest), move |x: &BlockArray| {
            let mut blocks = x.blocks().to_vec();
            blocks.insert(block, value.clone());
            operator.apply(&BlockArray::placeholder(&input).with_leaves(blocks))
        })
    }

    /// The operator in block number `block` alone, as an array, with the others fixed to `rest`, in their order.
    ///
    /// ```
    /// use cotangent::operator::Op;
    /// use cotangent::{Array, BlockArray, BlockType, DType};
    /// let ty = BlockType::new(DType::F32, &[vec![2], vec![2]]);
    /// let f = Op::new(ty, |x: &BlockArray| x[0].square() * &x[1])?;
    /// let first = f.slice(0, &[Array::from([2.0f32, 3.0])])?;
    /// assert_eq!(first.apply(&Array::from([1.0f32, 2.0])).to_vec::<f32>()?, [2.0, 12.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A number there is no block of; not one value of the shape of each other block; the error a value stands for.
    pub fn slice(&self, block: usize, rest: &[Array]) -> Result<Op<Array, Y>> {
        let input = self.input_type();
        if block >= input.blocks().len() || rest.len() + 1 != input.blocks().len() {
            let message = format!(
                "block {block} of {input} with {} values for the others; name one of its blocks and give each other",
                rest.len()
            );
            return Err(Error::new(ErrorKind::Argument, "Op::slice", message));
        }
        for (position, value) in rest.iter().enumerate() {
            check_block("Op::slice", &input, position + usize::from(position >= block), value)?;
        }
        let (operator, rest) = (self.clone(), rest.to_vec());
        Op::new(input.blocks()[block].clone(), move |x: &Array| {
            let mut blocks = rest.clone();
            blocks.insert(block, x.clone());
            operator.apply(&BlockArray::placeholder(&input).with_leaves(blocks))
        })
    }
}

/// Refuses what cannot stand for a block.
pub(super) fn check_block(operation: &str, input: &BlockType, block: usize, value: &Array) -> Result<()> {
    let Some(wanted) = input.blocks().get(block) else {
        let message = format!("block {block} of {} blocks; they count from 0", input.blocks().len());
        return Err(Error::new(ErrorKind::Argument, operation, message));
    };
    let given = value.ty()?;
    if given.shape != wanted.shape {
        let message = format!("block {block} is {wanted}, got {given}; reshape, crop or pad it");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    Ok(())
}
