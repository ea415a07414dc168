//! Sums of functionals of the blocks of a block array.

use super::{Functional, Prox};
use crate::{Array, BlockArray, Error, ErrorKind, Factor, Result};

/// `Σ f_i(x_i)` over the blocks of a block array, with a functional for each. The prox acts block by block, if all have one.
///
/// ```
/// use cotangent::{Array, BlockArray};
/// use cotangent::functional::{Functional, L1Norm, Prox, SeparableFunctional, SquaredL2Norm};
/// let parts: [Box<dyn Prox>; 2] = [Box::new(L1Norm::new()), Box::new(SquaredL2Norm::new())];
/// let f = SeparableFunctional::new(parts)?;
/// let x = BlockArray::new([Array::from([3.0f32, -1.0]), Array::from([2.0f32])])?;
/// assert_eq!(f.value(&x).item()?, 8.0);
/// assert_eq!(f.prox(&x, 0.5.into())[1].to_vec::<f32>()?, [1.0]);
/// assert!(f.value(&x.slice(0..1)?).error().is_some());
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeparableFunctional<F> {
    parts: Vec<F>,
}

impl<F> SeparableFunctional<F> {
    /// The functional with a part for each block.
    ///
    /// # Errors
    /// No part.
    pub fn new(parts: impl IntoIterator<Item = F>) -> Result<SeparableFunctional<F>> {
        let parts: Vec<F> = parts.into_iter().collect();
        if parts.is_empty() {
            let message = "needs a functional for each block, got none";
            return Err(Error::new(ErrorKind::Argument, "SeparableFunctional", message));
        }
        Ok(SeparableFunctional { parts })
    }

    /// Why a block array is refused, if it is.
    #[track_caller]
    fn refusal(&self, x: &BlockArray) -> Option<Array> {
        (x.len() != self.parts.len()).then(|| {
            let message = format!("has functionals for {} blocks, got {} blocks", self.parts.len(), x.len());
            cotangent_ir::fail(ErrorKind::Shape, "SeparableFunctional", message)
        })
    }
}

impl<F: Functional> Functional<BlockArray> for SeparableFunctional<F> {
    fn value(&self, x: &BlockArray) -> Array {
        if let Some(error) = self.refusal(x) {
            return error;
        }
        let values = self.parts.iter().zip(x).map(|(part, block)| part.value(block));
        values
            .reduce(|sum, value| sum + value)
            .unwrap_or_else(|| cotangent_ir::error::internal("a separable functional without parts"))
    }
}

impl<F: Prox> Prox<BlockArray> for SeparableFunctional<F> {
    fn prox(&self, v: &BlockArray, lambda: Factor) -> BlockArray {
        if let Some(error) = self.refusal(v) {
            return v.map(|_| error.clone());
        }
        let mut parts = self.parts.iter();
        // There is a part for each block.
        v.map(|block| parts.next().map_or_else(|| block.clone(), |part| part.prox(block, lambda.clone())))
    }
}
