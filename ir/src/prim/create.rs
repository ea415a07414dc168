//! Arrays made from nothing: constants, ranges, identities.
//!
//! Inside a trace these are instructions of the function (so a compiler sees what they hold), outside data.

use super::axes::{self, attempt};
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::types::Type;

impl Array {
    /// Zeros (`false` for bool).
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::zeros(&[2], DType::F32).to_vec::<f32>().unwrap(), [0.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn zeros(shape: &[usize], dtype: DType) -> Array {
        Array::filled(shape, Scalar::zero(dtype))
    }

    /// Ones (`true` for bool).
    #[track_caller]
    pub fn ones(shape: &[usize], dtype: DType) -> Array {
        Array::filled(shape, Scalar::one(dtype))
    }

    /// One value everywhere, in its own dtype: `1.5f32` gives `f32`, a bare `1.5` gives `f64`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::full(&[2], 1.5f32).to_vec::<f32>().unwrap(), [1.5, 1.5]);
    /// ```
    #[track_caller]
    pub fn full(shape: &[usize], value: impl Into<Array>) -> Array {
        value.into().broadcast_to(shape)
    }

    /// A literal everywhere, of the literal's dtype.
    #[track_caller]
    pub fn filled(shape: &[usize], value: Scalar) -> Array {
        attempt!(axes::addressable("filled", shape));
        match Trace::current() {
            Some(_) => Array::scalar(value).broadcast_to(shape),
            None if value == Scalar::zero(value.dtype()) => {
                Array::from_tensor(Tensor::zeros(Type::new(value.dtype(), shape)))
            }
            None => Array::from_tensor(Tensor::from_fn(Type::new(value.dtype(), shape), |_| value)),
        }
    }

    /// Zeros of the same shape and dtype.
    #[track_caller]
    pub fn zeros_like(&self) -> Array {
        let ty = attempt!(self.ty());
        Array::zeros(&ty.shape, ty.dtype)
    }

    /// Ones of the same shape and dtype.
    #[track_caller]
    pub fn ones_like(&self) -> Array {
        let ty = attempt!(self.ty());
        Array::ones(&ty.shape, ty.dtype)
    }

    /// The numbers 0, 1, ..., `count - 1`.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::arange(3, DType::F32).to_vec::<f32>().unwrap(), [0.0, 1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn arange(count: usize, dtype: DType) -> Array {
        Array::iota(&[count], 0, dtype)
    }

    /// The identity matrix of the given number of rows.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::eye(2, DType::F32).to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn eye(rows: usize, dtype: DType) -> Array {
        let shape = [rows, rows];
        Array::iota(&shape, 0, DType::I32).equal(Array::iota(&shape, 1, DType::I32)).astype(dtype)
    }

    /// `count` numbers evenly spaced from `first` to `last`, both included.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::linspace(0.0, 1.0, 3, DType::F64).to_vec::<f64>().unwrap(), [0.0, 0.5, 1.0]);
    /// ```
    #[track_caller]
    pub fn linspace(first: f64, last: f64, count: usize, dtype: DType) -> Array {
        spaced(first, last, count, count.saturating_sub(1), dtype)
    }

    /// `count` numbers evenly spaced from `first`, the next after which would be `end`.
    ///
    /// ```
    /// use cotangent_ir::{Array, DType};
    /// assert_eq!(Array::linspace_open(0.0, 1.0, 2, DType::F64).to_vec::<f64>().unwrap(), [0.0, 0.5]);
    /// ```
    #[track_caller]
    pub fn linspace_open(first: f64, end: f64, count: usize, dtype: DType) -> Array {
        spaced(first, end, count, count, dtype)
    }
}

/// `count` numbers from `first`, the one at index `steps` being `last`.
#[track_caller]
fn spaced(first: f64, last: f64, count: usize, steps: usize, dtype: DType) -> Array {
    if !dtype.is_inexact() {
        let message = format!("{dtype} cannot hold fractions; use an inexact dtype, or `arange`");
        return fail(ErrorKind::DType, "linspace", message);
    }
    // Weights that are exactly 0 and 1 at the ends give exactly the ends.
    let weight = Array::arange(count, dtype) / steps.max(1) as f64;
    first * (1.0 - &weight) + last * weight
}
