//! Functions of block arrays that act on each block, by the names they have as methods of [`Array`].
//!
//! What is not here is [`BlockArray::map`].

use super::BlockArray;
use super::arithmetic::{BlockOperand, combined, paired, terms};
use crate::{Array, DType};

macro_rules! each {
    ($($method:ident)*) => {
        impl BlockArray { $(
            #[doc = concat!("[`Array::", stringify!($method), "`] of each block.")]
            #[track_caller]
            pub fn $method(&self) -> BlockArray {
                self.map(|block| block.$method())
            }
        )* }
    };
}
each! {
    abs abs2 sign square sqrt cbrt rsqrt reciprocal
    exp exp2 expm1 log log2 log10 log1p
    sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    floor ceil trunc round
    real imag conj angle
    is_nan is_inf is_finite nan_to_num
    zeros_like ones_like flatten t
}

macro_rules! each_with {
    ($($method:ident)*) => {
        impl BlockArray { $(
            #[doc = concat!(
                "[`Array::", stringify!($method), "`] of each block and its counterpart: a block of another block array, \
                 or an array or number for all."
            )]
            #[track_caller]
            pub fn $method(&self, other: impl BlockOperand) -> BlockArray {
                combined(stringify!($method), self, other.into_block_operand(), |a, b| a.$method(b))
            }
        )* }
    };
}
each_with! {
    maximum minimum pow atan2 hypot rem remainder floor_divide logaddexp
    greater greater_equal less less_equal equal not_equal
}

macro_rules! each_along {
    ($($method:ident)*) => {
        impl BlockArray { $(
            #[doc = concat!("[`Array::", stringify!($method), "`] of each block.")]
            #[track_caller]
            pub fn $method(&self, axes: &[isize]) -> BlockArray {
                self.map(|block| block.$method(axes))
            }
        )* }
    };
}
each_along! { sum_axes prod_axes max_axes min_axes mean_axes }

impl BlockArray {
    /// Each block converted to a dtype.
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> BlockArray {
        self.map(|block| block.astype(dtype))
    }

    /// Each element led to the range from `low` to `high`, which are block arrays, or arrays or numbers for all blocks.
    #[track_caller]
    pub fn clamp(&self, low: impl BlockOperand, high: impl BlockOperand) -> BlockArray {
        self.maximum(low).minimum(high)
    }

    /// Where this block array of bools is true the elements of one operand, elsewhere those of the other.
    #[track_caller]
    pub fn select(&self, on_true: impl BlockOperand, on_false: impl BlockOperand) -> BlockArray {
        let operands = terms("select", self, on_true.into_block_operand())
            .and_then(|yes| Ok((yes, terms("select", self, on_false.into_block_operand())?)));
        match operands {
            Ok((yes, no)) => {
                let mut pairs = yes.into_iter().zip(no);
                // There is a pair for each block.
                self.map(|mask| pairs.next().map_or_else(|| mask.clone(), |(yes, no)| mask.select(yes, no)))
            }
            Err(error) => self.map(|_| error.clone()),
        }
    }

    /// The matrix product of each block and its counterpart.
    #[track_caller]
    pub fn matmul(&self, other: &BlockArray) -> BlockArray {
        paired("matmul", self, other, Array::matmul)
    }
}
