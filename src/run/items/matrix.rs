//! Matrices between the row-major memory of programs and the column-major one of faer.
//!
//! Decompositions work on a copy in the order they are fast in; moving the elements costs little beside them. They run on
//! the worker that has the item, and start no threads of their own.

use super::{Operand, Output};
use cotangent_ir::{DType, Element};
use faer::traits::ComplexField;
use faer::{Mat, MatRef};
use std::ops::{Mul, Sub};

/// Numbers of which matrices are decomposed.
pub(super) trait Number:
    ComplexField<Real: Element> + Element + Mul<Output = Self> + Sub<Output = Self>
{
}

impl<T: ComplexField<Real: Element> + Element + Mul<Output = T> + Sub<Output = T>> Number for T {}

/// Calls a routine for the number type of a dtype.
macro_rules! for_numbers {
    ($dtype:expr, $routine:ident ( $($argument:expr),* )) => {
        match $dtype {
            cotangent_ir::DType::F32 => $routine::<f32>($($argument),*),
            cotangent_ir::DType::F64 => $routine::<f64>($($argument),*),
            cotangent_ir::DType::C64 => $routine::<num_complex::Complex<f32>>($($argument),*),
            cotangent_ir::DType::C128 => $routine::<num_complex::Complex<f64>>($($argument),*),
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

/// An operand in place.
pub(super) fn view<'a, T: Number>(operand: &Operand<'a>) -> MatRef<'a, T> {
    let (rows, columns) = extents(&operand.ty.shape);
    MatRef::from_row_major_slice(operand.elements::<T>(), rows, columns)
}

/// An operand in columns.
pub(super) fn columns_of<T: Number>(operand: &Operand<'_>) -> Mat<T> {
    view::<T>(operand).to_owned()
}

/// Writes a result element by element.
pub(super) fn store<T: Number>(output: &mut Output<'_>, element: impl Fn(usize, usize) -> T) {
    let (_, columns) = extents(&output.ty.shape);
    if columns == 0 {
        return;
    }
    for (row, line) in output.elements::<T>().chunks_exact_mut(columns).enumerate() {
        for (column, place) in line.iter_mut().enumerate() {
            *place = element(row, column);
        }
    }
}

/// Fills a result with NaN: what a decomposition that does not exist gives.
pub(super) fn undefined(output: &mut Output<'_>) {
    match output.ty.dtype {
        DType::F32 => output.elements::<f32>().fill(f32::NAN),
        DType::F64 => output.elements::<f64>().fill(f64::NAN),
        DType::C64 => output.elements().fill(num_complex::Complex::new(f32::NAN, 0.0)),
        _ => output.elements().fill(num_complex::Complex::new(f64::NAN, 0.0)),
    }
}

/// Whether all elements are finite.
pub(super) fn is_finite<T: Number>(elements: &[T]) -> bool {
    elements.iter().all(T::is_finite_impl)
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
