//! Rows combined into others, one after the other.

use super::{Operand, Output};
use cotangent_ir::{Attrs, DType, Element, ScatterKind};
use num_complex::Complex;

/// The rows of the third operand combined into those of the first that the second names.
pub(super) fn scatter(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let kind = ScatterKind::of(attrs);
    let output = &mut outputs[0];
    output.bytes().copy_from_slice(operands[0].bytes());
    let (rows, width) = (output.ty.shape[0], output.ty.shape[1]);
    let places: Vec<Option<usize>> = match operands[1].ty.dtype {
        DType::I32 => operands[1].elements::<i32>().iter().map(|&row| place(row.into(), rows)).collect(),
        _ => operands[1].elements::<i64>().iter().map(|&row| place(row, rows)).collect(),
    };
    let updates = &operands[2];
    if kind == ScatterKind::Set {
        let size = width * output.ty.dtype.size();
        return each_row(output.bytes(), updates.bytes(), &places, size, |row, update| row.copy_from_slice(update));
    }
    match output.ty.dtype {
        DType::I8 => integers::<i8>(kind, output, updates, &places, width, i8::wrapping_add, i8::wrapping_mul),
        DType::I16 => integers::<i16>(kind, output, updates, &places, width, i16::wrapping_add, i16::wrapping_mul),
        DType::I32 => integers::<i32>(kind, output, updates, &places, width, i32::wrapping_add, i32::wrapping_mul),
        DType::I64 => integers::<i64>(kind, output, updates, &places, width, i64::wrapping_add, i64::wrapping_mul),
        // Of truth values the extrema, as of their bytes.
        DType::Bool => {
            let update = |row: &mut [u8], update: &[u8]| match kind {
                ScatterKind::Min => combine(row, update, u8::min),
                _ => combine(row, update, u8::max),
            };
            each_row(output.bytes(), updates.bytes(), &places, width, update);
        }
        DType::U8 => integers::<u8>(kind, output, updates, &places, width, u8::wrapping_add, u8::wrapping_mul),
        DType::U16 => integers::<u16>(kind, output, updates, &places, width, u16::wrapping_add, u16::wrapping_mul),
        DType::U32 => integers::<u32>(kind, output, updates, &places, width, u32::wrapping_add, u32::wrapping_mul),
        DType::U64 => integers::<u64>(kind, output, updates, &places, width, u64::wrapping_add, u64::wrapping_mul),
        DType::F32 => floats::<f32>(kind, output, updates, &places, width, |a| a.is_nan(), f32::is_sign_negative),
        DType::F64 => floats::<f64>(kind, output, updates, &places, width, |a| a.is_nan(), f64::is_sign_negative),
        DType::C64 => numbers::<Complex<f32>>(kind, output, updates, &places, width),
        DType::C128 => numbers::<Complex<f64>>(kind, output, updates, &places, width),
    }
}

/// A row number as a place, if it names a row.
fn place(row: i64, rows: usize) -> Option<usize> {
    usize::try_from(row).ok().filter(|&row| row < rows)
}

fn each_row<T>(to: &mut [T], from: &[T], places: &[Option<usize>], width: usize, update: impl Fn(&mut [T], &[T])) {
    for (number, place) in places.iter().enumerate() {
        if let Some(place) = place {
            update(&mut to[place * width..][..width], &from[number * width..][..width]);
        }
    }
}

fn combine<T: Copy>(row: &mut [T], update: &[T], with: impl Fn(T, T) -> T) {
    for (old, &new) in row.iter_mut().zip(update) {
        *old = with(*old, new);
    }
}

fn integers<T: Element + Ord>(
    kind: ScatterKind,
    output: &mut Output<'_>,
    updates: &Operand<'_>,
    places: &[Option<usize>],
    width: usize,
    add: fn(T, T) -> T,
    multiply: fn(T, T) -> T,
) {
    each_row(output.elements::<T>(), updates.elements::<T>(), places, width, |row, update| match kind {
        ScatterKind::Set => row.copy_from_slice(update),
        ScatterKind::Add => combine(row, update, add),
        ScatterKind::Mul => combine(row, update, multiply),
        ScatterKind::Min => combine(row, update, T::min),
        ScatterKind::Max => combine(row, update, T::max),
    });
}

fn floats<T: Element + PartialOrd + std::ops::Add<Output = T> + std::ops::Mul<Output = T>>(
    kind: ScatterKind,
    output: &mut Output<'_>,
    updates: &Operand<'_>,
    places: &[Option<usize>],
    width: usize,
    is_nan: fn(T) -> bool,
    is_negative: fn(T) -> bool,
) {
    // NaN if either is; of two zeros +0 is the greater.
    let before = |a: T, b: T| a < b || (a == b && is_negative(a));
    each_row(output.elements::<T>(), updates.elements::<T>(), places, width, |row, update| match kind {
        ScatterKind::Min => combine(row, update, |a, b| if is_nan(a) || (!is_nan(b) && before(a, b)) { a } else { b }),
        ScatterKind::Max => combine(row, update, |a, b| if is_nan(a) || (!is_nan(b) && !before(a, b)) { a } else { b }),
        ScatterKind::Add => combine(row, update, |a, b| a + b),
        _ => combine(row, update, |a, b| a * b),
    });
}

fn numbers<T: Element + std::ops::Add<Output = T> + std::ops::Mul<Output = T>>(
    kind: ScatterKind,
    output: &mut Output<'_>,
    updates: &Operand<'_>,
    places: &[Option<usize>],
    width: usize,
) {
    each_row(output.elements::<T>(), updates.elements::<T>(), places, width, |row, update| match kind {
        ScatterKind::Add => combine(row, update, |a, b| a + b),
        _ => combine(row, update, |a, b| a * b),
    });
}
