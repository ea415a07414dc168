//! Block arrays: arrays of different shapes as one value.
//!
//! Some variables of inverse problems are not one array: the differences of an image along its two axes, the images of a
//! vertical stack of operators, the unknowns of two kinds. A [`BlockArray`] holds them in order, under one dtype. Operators
//! and functions act block by block; [`sum`](BlockArray::sum), [`norm`](BlockArray::norm) and the other reductions run over
//! the elements of all blocks. It is a [`Tree`], so all transformations take it, and a [`Variable`], so functionals, losses
//! and operators do.

mod arithmetic;
mod functions;
mod reductions;
mod variable;

pub use arithmetic::{BlockOperand, BlockTerm};
pub use variable::{BlockType, Variable, VariableType};

use crate::{Array, DType, Error, ErrorKind, Result, Tree, Type, stack};
use std::fmt::{self, Write};
use std::ops::{Index, Range};
use std::vec::IntoIter;

/// Arrays of any shapes and one dtype, as one value.
///
/// ```
/// use cotangent::{Array, BlockArray, grad, jit};
/// let image = Array::from([[1.0f32, 3.0, 7.0], [2.0, 2.0, 1.0]]);
/// let line = Array::from([2.0f32, 4.0, 8.0]);
/// let x = BlockArray::new([image, line])?;
/// assert_eq!(x.shape()?, [vec![2, 3], vec![3]]);
///
/// // Arithmetic goes block by block, reductions over all of them.
/// let y = 2.0 * &x - 1.0;
/// assert_eq!(y[1].to_vec::<f32>()?, [3.0, 7.0, 15.0]);
/// assert_eq!(x.sum().item()?, 30.0);
///
/// // A transformation takes it as it takes an array.
/// let slope = jit(grad(|x: BlockArray| x.square().sum())).call(x)?;
/// assert_eq!(slope[1].to_vec::<f32>()?, [4.0, 8.0, 16.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct BlockArray {
    /// At least one.
    blocks: Vec<Array>,
}

impl BlockArray {
    /// A block array of arrays, in order.
    ///
    /// # Errors
    /// No array; arrays of different dtypes; the error an array stands for.
    pub fn new(blocks: impl IntoIterator<Item = Array>) -> Result<BlockArray> {
        let blocks: Vec<Array> = blocks.into_iter().collect();
        let Some(first) = blocks.first() else {
            let message = "a block array needs at least one block, got none; use an array of shape [0] for no elements";
            return Err(Error::new(ErrorKind::Argument, "BlockArray::new", message));
        };
        let dtype = first.dtype()?;
        for (position, block) in blocks.iter().enumerate() {
            let given = block.dtype()?;
            if given != dtype {
                let message = format!(
                    "blocks must have one dtype, block 0 is {dtype} and block {position} is {given}; convert with `astype`"
                );
                return Err(Error::new(ErrorKind::DType, "BlockArray::new", message));
            }
        }
        Ok(BlockArray { blocks })
    }

    /// The slices of an array along its first axis, each as a block.
    ///
    /// ```
    /// use cotangent::{Array, BlockArray};
    /// let x = BlockArray::split(&Array::from([[1.0f32, 2.0], [3.0, 4.0]]))?;
    /// assert_eq!(x[1].to_vec::<f32>()?, [3.0, 4.0]);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A 0-d array, or one of no slices; the error the array stands for.
    pub fn split(array: &Array) -> Result<BlockArray> {
        let ty = array.ty()?;
        let Some(&count) = ty.shape.first() else {
            let message = format!("splits the first axis of an array, {ty} has none; use `BlockArray::new([x])`");
            return Err(Error::new(ErrorKind::Shape, "BlockArray::split", message));
        };
        BlockArray::new((0..count).map(|at| array.index_axis(0, at as isize)))
    }

    /// Zeros of several shapes.
    ///
    /// # Errors
    /// No shape.
    pub fn zeros<S: AsRef<[usize]>>(shapes: &[S], dtype: DType) -> Result<BlockArray> {
        BlockArray::new(shapes.iter().map(|shape| Array::zeros(shape.as_ref(), dtype)))
    }

    /// Ones of several shapes.
    ///
    /// # Errors
    /// No shape.
    pub fn ones<S: AsRef<[usize]>>(shapes: &[S], dtype: DType) -> Result<BlockArray> {
        BlockArray::new(shapes.iter().map(|shape| Array::ones(shape.as_ref(), dtype)))
    }

    /// Arrays of several shapes with one value everywhere, whose dtype is that of the 0-d array `value`.
    ///
    /// # Errors
    /// No shape; the error `value` stands for.
    pub fn full<S: AsRef<[usize]>>(shapes: &[S], value: impl Into<Array>) -> Result<BlockArray> {
        let value = value.into();
        BlockArray::new(shapes.iter().map(|shape| Array::full(shape.as_ref(), value.clone())))
    }

    /// Number of blocks, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is always a block")]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The blocks, in order.
    pub fn blocks(&self) -> &[Array] {
        &self.blocks
    }

    /// The blocks, in order.
    pub fn into_blocks(self) -> Vec<Array> {
        self.blocks
    }

    /// Block number `index`; negative numbers count from the end.
    ///
    /// # Errors
    /// A number there is no block of.
    pub fn block(&self, index: isize) -> Result<&Array> {
        let at = if index < 0 { index + self.len() as isize } else { index };
        usize::try_from(at).ok().and_then(|at| self.blocks.get(at)).ok_or_else(|| {
            let count = self.len() as isize;
            let message = format!("block {index} of {count} blocks; use one of {}..={}", -count, count - 1);
            Error::new(ErrorKind::Argument, "BlockArray::block", message)
        })
    }

    /// The blocks of a range as a block array.
    ///
    /// # Errors
    /// A range of no blocks, or one that reaches beyond the last.
    pub fn slice(&self, range: Range<usize>) -> Result<BlockArray> {
        match self.blocks.get(range.clone()) {
            Some(blocks) if !blocks.is_empty() => Ok(BlockArray { blocks: blocks.to_vec() }),
            _ => {
                let message =
                    format!("blocks {range:?} of {}; name at least one, and none beyond the last", self.len());
                Err(Error::new(ErrorKind::Argument, "BlockArray::slice", message))
            }
        }
    }

    /// The block array with another array for block number `index`; negative numbers count from the end.
    ///
    /// # Errors
    /// A number there is no block of; an array of another dtype.
    pub fn with_block(&self, index: isize, block: Array) -> Result<BlockArray> {
        self.block(index)?;
        let at = index.rem_euclid(self.len() as isize) as usize;
        let mut blocks = self.blocks.clone();
        blocks[at] = block;
        BlockArray::new(blocks)
    }

    /// The shape of each block.
    ///
    /// # Errors
    /// The error a block stands for.
    pub fn shape(&self) -> Result<Vec<Vec<usize>>> {
        self.blocks.iter().map(|block| Ok(block.shape()?.to_vec())).collect()
    }

    /// The number of elements of each block.
    ///
    /// # Errors
    /// The error a block stands for.
    pub fn size(&self) -> Result<Vec<usize>> {
        self.blocks.iter().map(|block| Ok(block.ty()?.len())).collect()
    }

    /// The dtype of the blocks.
    ///
    /// # Errors
    /// The error a block stands for.
    pub fn dtype(&self) -> Result<DType> {
        self.ty().map(|ty| ty.dtype())
    }

    /// The types of the blocks.
    ///
    /// # Errors
    /// The error a block stands for.
    pub fn ty(&self) -> Result<BlockType> {
        let types = self.blocks.iter().map(Array::ty).collect::<Result<Vec<Type>>>()?;
        Ok(BlockType::of(types))
    }

    /// The first error among the blocks.
    pub fn error(&self) -> Option<&Error> {
        self.blocks.iter().find_map(Array::error)
    }

    /// Each block mapped to another array. Maps to different dtypes are possible, but such a block array is refused where
    /// its dtype is asked for.
    pub fn map(&self, map: impl FnMut(&Array) -> Array) -> BlockArray {
        BlockArray { blocks: self.blocks.iter().map(map).collect() }
    }

    /// The blocks of two block arrays combined in pairs. Of two that differ in the number of blocks, each block is the error.
    #[track_caller]
    pub fn zip(&self, other: &BlockArray, combine: impl Fn(&Array, &Array) -> Array) -> BlockArray {
        arithmetic::paired("BlockArray::zip", self, other, combine)
    }

    /// Blocks of one shape as one array, along a new axis.
    ///
    /// ```
    /// use cotangent::{Array, BlockArray};
    /// let x = BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0])])?;
    /// assert_eq!(x.stack(0)?.shape()?[..], [2, 2]);
    /// let ragged = BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32])])?;
    /// assert!(ragged.stack(0).is_err());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// Blocks of different shapes; an axis out of range; the error a block stands for.
    #[track_caller]
    pub fn stack(&self, axis: isize) -> Result<Array> {
        let shapes = self.shape()?;
        if shapes.iter().any(|shape| *shape != shapes[0]) {
            let message = format!("blocks of shapes {shapes:?} do not stack; pad or crop them, or take `ravel`");
            return Err(Error::new(ErrorKind::Shape, "BlockArray::stack", message));
        }
        let stacked = stack(&self.blocks, axis);
        stacked.ty()?;
        Ok(stacked)
    }

    /// The elements of all blocks in one row, block after block.
    #[track_caller]
    pub fn ravel(&self) -> Array {
        let rows: Vec<Array> = self.blocks.iter().map(Array::flatten).collect();
        crate::concatenate(&rows, 0)
    }
}

impl Index<usize> for BlockArray {
    type Output = Array;

    /// # Panics
    /// Where there is no such block; [`BlockArray::block`] gives an error instead.
    fn index(&self, index: usize) -> &Array {
        &self.blocks[index]
    }
}

impl<'a> IntoIterator for &'a BlockArray {
    type Item = &'a Array;
    type IntoIter = std::slice::Iter<'a, Array>;

    fn into_iter(self) -> Self::IntoIter {
        self.blocks.iter()
    }
}

impl fmt::Debug for BlockArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockArray")?;
        f.debug_list().entries(&self.blocks).finish()
    }
}

impl Tree for BlockArray {
    fn push_leaves(&self, leaves: &mut Vec<Array>) {
        self.blocks.push_leaves(leaves);
    }

    fn take_leaves(&self, leaves: &mut IntoIter<Array>) -> BlockArray {
        BlockArray { blocks: self.blocks.take_leaves(leaves) }
    }

    type Of<T: Tree> = Vec<T>;

    fn take_trees<T: Tree>(&self, trees: &mut IntoIter<T>) -> Vec<T> {
        self.blocks.take_trees(trees)
    }

    fn push_trees<T: Tree>(nested: &Vec<T>, trees: &mut Vec<T>) {
        Vec::<Array>::push_trees(nested, trees);
    }

    fn write_structure(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str("BlockArray")?;
        self.blocks.write_structure(out)
    }
}
