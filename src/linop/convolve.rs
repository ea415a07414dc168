//! Linear convolution with one factor fixed.

use super::{LinearOperator, accept_shape};
use crate::{Array, Result, Type, eval_shape, placeholder};
use cotangent_ir::prim::conv::ConvolveMode;

/// `x ↦ x ∗ h`, along each axis `y[n] = Σ_k h[k] x[n − k]`; all of it, or the part a [`ConvolveMode`] names.
///
/// With an axis of extent `M` of `x` and `K` of `h`, the output has `M + K − 1` elements (full), `M` from number
/// `⌊(K − 1) / 2⌋` of these on (same), or the `|M − K| + 1` where one lies within the other (valid). The adjoint correlates
/// with `conj(h)`.
///
/// ```
/// use cotangent::linop::{Convolve, ConvolveMode, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let (x, h) = (Array::from([1.0f32, 0.0, 0.0, 2.0, -1.0]), Array::from([1.0f32, 2.0, 3.0]));
/// let full = Convolve::new(h.clone(), Type::new(DType::F32, &[5]), ConvolveMode::Full)?;
/// assert_eq!(full.apply(&x).to_vec::<f32>()?, [1.0, 2.0, 3.0, 2.0, 3.0, 4.0, -3.0]);
/// let same = Convolve::new(h, Type::new(DType::F32, &[5]), ConvolveMode::Same)?;
/// assert_eq!(same.adjoint(&Array::from([1.0f32, 2.0, 3.0, 4.0, 5.0])).to_vec::<f32>()?, [8.0, 14.0, 20.0, 26.0, 14.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Convolve(Fixed);

/// `h ↦ x ∗ h`: as [`Convolve`], with the first factor fixed instead.
///
/// ```
/// use cotangent::linop::{ConvolveByX, ConvolveMode, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let x = Array::from([1.0f32, 2.0, 3.0]);
/// let by_x = ConvolveByX::new(x, Type::new(DType::F32, &[2]), ConvolveMode::Full)?;
/// assert_eq!(by_x.apply(&Array::from([1.0f32, 1.0])).to_vec::<f32>()?, [1.0, 3.0, 5.0, 3.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvolveByX(Fixed);

#[derive(Clone, Debug)]
struct Fixed {
    factor: Array,
    first: bool,
    mode: ConvolveMode,
    input: Type,
    output: Type,
}

impl Fixed {
    fn new(factor: Array, first: bool, input: Type, mode: ConvolveMode) -> Result<Fixed> {
        let convolve = |x: Array| product(&factor, first, mode, &x);
        let output = eval_shape(convolve, &placeholder(input.clone()))?.ty()?;
        Ok(Fixed { factor, first, mode, input, output })
    }

    fn apply(&self, name: &str, x: &Array) -> Array {
        product(&self.factor, self.first, self.mode, &accept_shape(name, &self.input, x))
    }
}

#[track_caller]
fn product(factor: &Array, first: bool, mode: ConvolveMode, x: &Array) -> Array {
    if first { factor.convolve(x, mode) } else { x.convolve(factor, mode) }
}

macro_rules! convolution {
    ($name:ident $first:literal $what:literal) => {
        impl $name {
            #[doc = concat!("The convolution of arrays of type `input` with the ", $what, " factor fixed.")]
            ///
            /// # Errors
            /// A factor of another rank than the input; one of them without elements; the error the factor stands for.
            pub fn new(factor: Array, input: Type, mode: ConvolveMode) -> Result<$name> {
                Fixed::new(factor, $first, input, mode).map($name)
            }
        }

        impl LinearOperator for $name {
            fn input_type(&self) -> Type {
                self.0.input.clone()
            }

            fn output_type(&self) -> Type {
                self.0.output.clone()
            }

            fn apply(&self, x: &Array) -> Array {
                self.0.apply(stringify!($name), x)
            }
        }
    };
}
convolution!(Convolve false "second");
convolution!(ConvolveByX true "first");
