//! Reductions of block arrays over the elements of all blocks.

use super::BlockArray;
use crate::{Array, DType, stack};

impl BlockArray {
    /// A reduction of each block, then the same of their results.
    #[track_caller]
    fn reduced(&self, reduce: impl Fn(&Array) -> Array) -> Array {
        match &self.blocks[..] {
            [only] => reduce(only),
            blocks => reduce(&stack(&blocks.iter().map(&reduce).collect::<Vec<_>>(), 0)),
        }
    }

    /// The sum of all elements.
    #[track_caller]
    pub fn sum(&self) -> Array {
        crate::inner::total(self, Array::sum)
    }

    /// The product of all elements.
    #[track_caller]
    pub fn prod(&self) -> Array {
        self.reduced(Array::prod)
    }

    /// The greatest element; NaN if one is.
    #[track_caller]
    pub fn max(&self) -> Array {
        self.reduced(Array::max)
    }

    /// The least element; NaN if one is.
    #[track_caller]
    pub fn min(&self) -> Array {
        self.reduced(Array::min)
    }

    /// Whether all elements are true, of blocks of bools.
    #[track_caller]
    pub fn all(&self) -> Array {
        self.reduced(Array::all)
    }

    /// Whether any element is true, of blocks of bools.
    #[track_caller]
    pub fn any(&self) -> Array {
        self.reduced(Array::any)
    }

    /// The mean of all elements: their sum by their number, so that large blocks weigh more.
    ///
    /// ```
    /// use cotangent::{Array, BlockArray};
    /// let x = BlockArray::new([Array::from([1.0f32, 2.0, 3.0]), Array::from([10.0f32])])?;
    /// assert_eq!(x.mean().item()?, 4.0);
    /// assert_eq!(x.var().item()?, 12.5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    #[track_caller]
    pub fn mean(&self) -> Array {
        crate::inner::mean(self)
    }

    /// The population variance of all elements, `mean |x − mean x|²`.
    #[track_caller]
    pub fn var(&self) -> Array {
        let mean = self.mean();
        (self - mean).abs2().mean()
    }

    /// The number of elements that are not zero, in `i32`.
    #[track_caller]
    pub fn count_nonzero(&self) -> Array {
        self.not_equal(0.0).astype(DType::I32).sum()
    }

    /// The euclidean norm over all elements, `sqrt(Σ |x_i|²)`.
    #[track_caller]
    pub fn norm(&self) -> Array {
        crate::inner::norm(self)
    }

    /// The inner product over all elements, `Σ conj(x_i) y_i`.
    #[track_caller]
    pub fn vdot(&self, other: &BlockArray) -> Array {
        (self.conj() * other).sum()
    }
}
