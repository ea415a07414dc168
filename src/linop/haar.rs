//! Sums of neighbours, and with their differences the Haar transform of one level without decimation.
//!
//! All are circular. The transform `W x = (S x, D x) / √2` of sums `S` and differences `D` along an axis is a tight frame,
//! `Wᴴ W = 2 I`; along `n` axes `Σ W_aᴴ W_a = 2 n I`.

use super::{Boundary, LinearOperator, SingleAxisFiniteDifference, accept_shape, distinct_axes};
use crate::{Array, Result, Type, stack};
use std::f64::consts::FRAC_1_SQRT_2;

/// Sums `x[i] + x[i + 1]` along one axis, the last one around the end.
///
/// ```
/// use cotangent::linop::{LinearOperator, SingleAxisFiniteSum};
/// use cotangent::{Array, DType, Type};
/// let sums = SingleAxisFiniteSum::new(Type::new(DType::F32, &[4]), -1)?;
/// assert_eq!(sums.apply(&Array::from([1.0f32, 2.0, 4.0, 0.0])).to_vec::<f32>()?, [3.0, 6.0, 4.0, 1.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SingleAxisFiniteSum {
    input: Type,
    axis: usize,
}

/// Sums of neighbours along several axes, stacked along a new leading axis in the order of the axes.
#[derive(Clone, Debug)]
pub struct FiniteSum {
    input: Type,
    axes: Vec<usize>,
}

/// Sums and differences of neighbours along one axis, divided by `√2` and stacked along a new leading axis.
///
/// ```
/// use cotangent::linop::{LinearOperator, SingleAxisHaarTransform};
/// use cotangent::{Array, DType, Type};
/// let haar = SingleAxisHaarTransform::new(Type::new(DType::F64, &[4]), 0)?;
/// let x = Array::from([1.0, 2.0, 4.0, 0.0]);
/// assert_eq!(haar.output_type().shape[..], [2, 4]);
/// assert!((haar.gram(&x) - 2.0 * x).abs().max().item()? < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SingleAxisHaarTransform {
    input: Type,
    axis: usize,
}

/// [`SingleAxisHaarTransform`]s along several axes, stacked along a new leading axis in the order of the axes.
#[derive(Clone, Debug)]
pub struct HaarTransform {
    input: Type,
    axes: Vec<usize>,
}

#[track_caller]
fn sums(x: &Array, axis: usize) -> Array {
    x + x.roll(-1, axis as isize)
}

#[track_caller]
fn transform(x: &Array, axis: usize) -> Array {
    let next = x.roll(-1, axis as isize);
    FRAC_1_SQRT_2 * stack(&[x + &next, next - x], 0)
}

/// An axis of a type counted from the start, if it has elements.
fn axis_of(input: &Type, axis: isize) -> Result<usize> {
    Ok(SingleAxisFiniteDifference::new(input.clone(), axis, Boundary::CIRCULAR)?.axis())
}

macro_rules! along_one {
    ($name:ident $apply:ident $leading:expr) => {
        impl $name {
            /// Along an axis of arrays of type `input`, negative ones counted from the end.
            ///
            /// # Errors
            /// An axis that does not exist or has no elements.
            pub fn new(input: Type, axis: isize) -> Result<$name> {
                Ok($name { axis: axis_of(&input, axis)?, input })
            }
        }

        impl LinearOperator for $name {
            fn input_type(&self) -> Type {
                self.input.clone()
            }

            fn output_type(&self) -> Type {
                self.input.with_shape(&[&$leading[..], &self.input.shape[..]].concat())
            }

            fn apply(&self, x: &Array) -> Array {
                $apply(&accept_shape(stringify!($name), &self.input, x), self.axis)
            }
        }
    };
}
along_one!(SingleAxisFiniteSum sums [0usize; 0]);
along_one!(SingleAxisHaarTransform transform [2]);

macro_rules! along_several {
    ($name:ident $apply:ident $parts:expr) => {
        impl $name {
            /// Along all axes of arrays of type `input`.
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($name), "::along`].")]
            pub fn new(input: Type) -> Result<$name> {
                let axes: Vec<isize> = (0..input.rank() as isize).collect();
                $name::along(input, &axes)
            }

            /// Along some axes of arrays of type `input`, negative ones counted from the end.
            ///
            /// # Errors
            /// No axis; one that does not exist, has no elements, or is named twice.
            pub fn along(input: Type, axes: &[isize]) -> Result<$name> {
                let found: Vec<usize> = axes.iter().map(|&axis| axis_of(&input, axis)).collect::<Result<_>>()?;
                distinct_axes(stringify!($name), &input, &found)?;
                Ok($name { input, axes: found })
            }
        }

        impl LinearOperator for $name {
            fn input_type(&self) -> Type {
                self.input.clone()
            }

            fn output_type(&self) -> Type {
                self.input.with_shape(&[&[self.axes.len()][..], &$parts[..], &self.input.shape[..]].concat())
            }

            fn apply(&self, x: &Array) -> Array {
                let x = accept_shape(stringify!($name), &self.input, x);
                stack(&self.axes.iter().map(|&axis| $apply(&x, axis)).collect::<Vec<_>>(), 0)
            }
        }
    };
}
along_several!(FiniteSum sums [0usize; 0]);
along_several!(HaarTransform transform [2]);
