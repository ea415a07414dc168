//! Operators of block arrays: with block arrays in pairs, with arrays and numbers for each block.

use super::BlockArray;
use crate::{Array, ErrorKind, IntoOperand};
use cotangent_ir::{Term, fail};
use num_complex::Complex;
use std::ops::{self, Neg};

/// The other operand of a block array: a block array of as many blocks, or an array or number for each block.
///
/// ```
/// use cotangent::{Array, BlockArray};
/// let x = BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32])])?;
/// assert_eq!((&x * &x).sum().item()?, 14.0);
/// assert_eq!((2.0 * &x).sum().item()?, 12.0);
/// assert_eq!((&x + Array::from([10.0f32])).sum().item()?, 36.0);
///
/// // Of another number of blocks it is refused.
/// let error = (&x + x.slice(0..1)?).sum().item().unwrap_err();
/// assert!(error.message().contains("2 blocks and 1"));
/// # Ok::<(), cotangent::Error>(())
/// ```
pub trait BlockOperand {
    /// This value as an operand.
    fn into_block_operand(self) -> BlockTerm;
}

/// An operand of a block array.
#[derive(Clone, Debug)]
pub enum BlockTerm {
    /// One for each block.
    Blocks(BlockArray),
    /// The same for every block.
    Every(Term),
}

impl BlockOperand for BlockArray {
    fn into_block_operand(self) -> BlockTerm {
        BlockTerm::Blocks(self)
    }
}

impl BlockOperand for &BlockArray {
    fn into_block_operand(self) -> BlockTerm {
        BlockTerm::Blocks(self.clone())
    }
}

impl<T: IntoOperand> BlockOperand for T {
    fn into_block_operand(self) -> BlockTerm {
        BlockTerm::Every(self.into_operand())
    }
}

/// The blocks of two block arrays combined in pairs; the error in each block where they are not as many.
#[track_caller]
pub(super) fn paired(
    operation: &str,
    a: &BlockArray,
    b: &BlockArray,
    combine: impl Fn(&Array, &Array) -> Array,
) -> BlockArray {
    match counted(operation, a, b) {
        Ok(()) => BlockArray { blocks: a.blocks.iter().zip(&b.blocks).map(|(a, b)| combine(a, b)).collect() },
        Err(error) => a.map(|_| error.clone()),
    }
}

/// A block array combined with an operand.
#[track_caller]
pub(super) fn combined(
    operation: &str,
    a: &BlockArray,
    other: BlockTerm,
    combine: impl Fn(&Array, Term) -> Array,
) -> BlockArray {
    match terms(operation, a, other) {
        Ok(terms) => BlockArray { blocks: a.blocks.iter().zip(terms).map(|(a, b)| combine(a, b)).collect() },
        Err(error) => a.map(|_| error.clone()),
    }
}

/// An operand for each block of `a`, or an error value.
#[track_caller]
pub(super) fn terms(operation: &str, a: &BlockArray, other: BlockTerm) -> Result<Vec<Term>, Array> {
    match other {
        BlockTerm::Every(term) => Ok(vec![term; a.len()]),
        BlockTerm::Blocks(b) => {
            counted(operation, a, &b)?;
            Ok(b.blocks.into_iter().map(Term::Array).collect())
        }
    }
}

#[track_caller]
fn counted(operation: &str, a: &BlockArray, b: &BlockArray) -> Result<(), Array> {
    if a.len() == b.len() {
        return Ok(());
    }
    let message = format!(
        "takes block arrays of as many blocks, got one of {} blocks and {}; slice the longer one",
        a.len(),
        b.len()
    );
    Err(fail(ErrorKind::Shape, operation, message))
}

macro_rules! reflected {
    ($trait:ident $method:ident: $($left:ty),*) => { $(
        impl ops::$trait<BlockArray> for $left {
            type Output = BlockArray;

            #[track_caller]
            fn $method(self, other: BlockArray) -> BlockArray {
                other.map(|block| ops::$trait::$method(self.clone(), block.clone()))
            }
        }

        impl ops::$trait<&BlockArray> for $left {
            type Output = BlockArray;

            #[track_caller]
            fn $method(self, other: &BlockArray) -> BlockArray {
                other.map(|block| ops::$trait::$method(self.clone(), block.clone()))
            }
        }
    )* };
}

macro_rules! operators {
    ($($trait:ident $method:ident;)*) => { $(
        impl<T: BlockOperand> ops::$trait<T> for BlockArray {
            type Output = BlockArray;

            #[track_caller]
            fn $method(self, other: T) -> BlockArray {
                combined(stringify!($method), &self, other.into_block_operand(), |a, b| ops::$trait::$method(a, b))
            }
        }

        impl<T: BlockOperand> ops::$trait<T> for &BlockArray {
            type Output = BlockArray;

            #[track_caller]
            fn $method(self, other: T) -> BlockArray {
                combined(stringify!($method), self, other.into_block_operand(), |a, b| ops::$trait::$method(a, b))
            }
        }

        reflected!($trait $method: f64, i32, Complex<f32>, Complex<f64>, Array, &Array);
    )* };
}
operators! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
}

impl Neg for BlockArray {
    type Output = BlockArray;

    #[track_caller]
    fn neg(self) -> BlockArray {
        self.map(|block| -block)
    }
}

impl Neg for &BlockArray {
    type Output = BlockArray;

    #[track_caller]
    fn neg(self) -> BlockArray {
        self.map(|block| -block)
    }
}
