//! Convolution of two unknowns, as in blind deconvolution.

use super::Operator;
use crate::linop::{Convolve, ConvolveByX, ConvolveMode};
use crate::{Array, BlockArray, BlockType, Error, ErrorKind, Result, Type, eval_shape, placeholder};

/// `(x, h) ↦ x ∗ h`, of a block array of two blocks; see [`Convolve`] for the modes. With one of the two fixed it is linear.
///
/// ```
/// use cotangent::linop::{ConvolveMode, LinearOperator};
/// use cotangent::operator::{BiConvolve, Operator};
/// use cotangent::{Array, BlockArray, BlockType, DType};
/// let both = BiConvolve::new(BlockType::new(DType::F32, &[vec![3], vec![2]]), ConvolveMode::Full)?;
/// let (x, h) = (Array::from([1.0f32, 2.0, 3.0]), Array::from([1.0f32, 1.0]));
/// let y = both.apply(&BlockArray::new([x.clone(), h.clone()])?);
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 3.0, 5.0, 3.0]);
/// assert_eq!(both.freeze_second(h)?.apply(&x).to_vec::<f32>()?, y.to_vec::<f32>()?);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BiConvolve {
    input: BlockType,
    output: Type,
    mode: ConvolveMode,
}

impl BiConvolve {
    /// The convolution of two blocks of a type.
    ///
    /// # Errors
    /// Not two blocks; blocks of different ranks, or without elements.
    pub fn new(input: BlockType, mode: ConvolveMode) -> Result<BiConvolve> {
        let [x, h] = input.blocks() else {
            let message = format!("convolves two blocks, got {input}; give the types of both factors");
            return Err(Error::new(ErrorKind::Argument, "BiConvolve", message));
        };
        let samples = (placeholder(x.clone()), placeholder(h.clone()));
        let output = eval_shape(|x: Array, h: Array| x.convolve(&h, mode), &samples)?.ty()?;
        Ok(BiConvolve { input, output, mode })
    }

    /// The linear operator `h ↦ x ∗ h`.
    ///
    /// # Errors
    /// An `x` of another shape than the first block; the error it stands for.
    pub fn freeze_first(&self, x: Array) -> Result<ConvolveByX> {
        self.check(0, &x)?;
        ConvolveByX::new(x, self.input.blocks()[1].clone(), self.mode)
    }

    /// The linear operator `x ↦ x ∗ h`.
    ///
    /// # Errors
    /// An `h` of another shape than the second block; the error it stands for.
    pub fn freeze_second(&self, h: Array) -> Result<Convolve> {
        self.check(1, &h)?;
        Convolve::new(h, self.input.blocks()[0].clone(), self.mode)
    }

    fn check(&self, block: usize, value: &Array) -> Result<()> {
        super::check_block("BiConvolve", &self.input, block, value)
    }
}

impl Operator<BlockArray, Array> for BiConvolve {
    fn input_type(&self) -> BlockType {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &BlockArray) -> Array {
        let x = crate::linop::accept_shape("BiConvolve", &self.input, x);
        x[0].convolve(&x[1], self.mode)
    }
}
