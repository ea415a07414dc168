//! Matrices between the row-major memory of programs and the column-major one of faer.
//!
//! Decompositions work on a copy in the order they are fast in; moving the elements costs little beside them. They compute
//! in double precision, whatever the dtype: results of single precision are rounded once, and every routine is compiled
//! for two types of numbers only. They run on the worker that has the item, and start no threads of their own.

use super::{Operand, Output};
use cotangent_ir::{DType, Element};
use faer::traits::ComplexField;
use faer::{Mat, MatRef};
use num_complex::Complex;
use std::ops::{Mul, Sub};

/// Numbers with which decompositions compute.
pub(super) trait Number: ComplexField<Real = f64> + Element + Mul<Output = Self> + Sub<Output = Self> {
    /// The same numbers in single precision.
    type Single: Element;

    /// The number in double precision.
    fn widen(x: Self::Single) -> Self;

    /// The nearest number in single precision.
    fn narrow(self) -> Self::Single;
}

impl Number for f64 {
    type Single = f32;

    fn widen(x: f32) -> f64 {
        x.into()
    }

    fn narrow(self) -> f32 {
        self as f32
    }
}

impl Number for Complex<f64> {
    type Single = Complex<f32>;

    fn widen(x: Complex<f32>) -> Complex<f64> {
        Complex::new(x.re.into(), x.im.into())
    }

    fn narrow(self) -> Complex<f32> {
        Complex::new(self.re as f32, self.im as f32)
    }
}

/// Calls a routine for the numbers with which it computes for a dtype.
macro_rules! for_numbers {
    ($dtype:expr, $routine:ident ( $($argument:expr),* )) => {
        match $dtype {
            cotangent_ir::DType::F32 | cotangent_ir::DType::F64 => $routine::<f64>($($argument),*),
            cotangent_ir::DType::C64 | cotangent_ir::DType::C128 => $routine::<num_complex::Complex<f64>>($($argument),*),
            other => cotangent_ir::error::internal(&format!("a matrix of {other}")),
        }
    };
}
pub(super) use for_numbers;

/// Rows and columns of an operand or result.
pub(super) fn extents(shape: &[usize]) -> (usize, usize) {
    match *shape {
        [rows, columns] => (rows, columns),
        _ => cotangent_ir::error::internal(&format!("an item of shape {shape:?} where a matrix belongs")),
    }
}

/// An operand in columns.
pub(super) fn columns_of<T: Number>(operand: &Operand<'_>) -> Mat<T> {
    let (rows, columns) = extents(&operand.ty.shape);
    if operand.ty.dtype == T::DTYPE {
        MatRef::from_row_major_slice(operand.elements::<T>(), rows, columns).to_owned()
    } else {
        let elements = operand.elements::<T::Single>();
        Mat::from_fn(rows, columns, |row, column| T::widen(elements[row * columns + column]))
    }
}

/// Writes a result element by element.
pub(super) fn store<T: Number>(output: &mut Output<'_>, element: impl Fn(usize, usize) -> T) {
    let (rows, columns) = extents(&output.ty.shape);
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    if output.ty.dtype == T::DTYPE {
        for (place, (row, column)) in output.elements::<T>().iter_mut().zip(places) {
            *place = element(row, column);
        }
    } else {
        for (place, (row, column)) in output.elements::<T::Single>().iter_mut().zip(places) {
            *place = element(row, column).narrow();
        }
    }
}

/// Writes a result of real numbers.
pub(super) fn store_reals(output: &mut Output<'_>, numbers: impl Iterator<Item = f64>) {
    match output.ty.dtype {
        DType::F32 => output.elements::<f32>().iter_mut().zip(numbers).for_each(|(place, x)| *place = x as f32),
        _ => output.elements::<f64>().iter_mut().zip(numbers).for_each(|(place, x)| *place = x),
    }
}

/// Fills a result with NaN: what a decomposition that does not exist gives.
pub(super) fn undefined(output: &mut Output<'_>) {
    match output.ty.dtype {
        DType::F32 => output.elements::<f32>().fill(f32::NAN),
        DType::F64 => output.elements::<f64>().fill(f64::NAN),
        DType::C64 => output.elements().fill(Complex::new(f32::NAN, 0.0)),
        _ => output.elements().fill(Complex::new(f64::NAN, 0.0)),
    }
}

/// Whether all elements are finite.
pub(super) fn is_finite<T: Number>(x: &Mat<T>) -> bool {
    x.col_iter().all(|column| column.iter().all(T::is_finite_impl))
}

/// The conjugate of the phase of the first element of considerable size, compared with the largest, of a column: its product
/// with that element is positive. It is the choice the records of `eigh` and `svd` state.
pub(super) fn turning<T: Number>(mut column: impl Iterator<Item = T> + Clone) -> T {
    let larger = |a: T::Real, b: T::Real| if b > a { b } else { a };
    let largest = column.clone().map(|x| T::abs_impl(&x)).fold(T::Real::zero_impl(), larger);
    let considerable = largest * T::Real::from_f64_impl(0.29);
    match column.find(|x| T::abs_impl(x) > considerable) {
        Some(first) => T::mul_real_impl(&T::conj_impl(&first), &T::Real::recip_impl(&T::abs_impl(&first))),
        None => T::one_impl(),
    }
}
