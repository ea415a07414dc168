//! Running sums, products and extrema over the rows of a matrix, all columns in step.
//!
//! The state is kept in the widest type of its kind, so that an element of the result is rounded once.

use super::{Operand, Output};
use cotangent_ir::error::internal;
use cotangent_ir::{Attrs, DType, Element};
use num_complex::Complex;

/// Sums of all rows up to each.
pub(super) fn sums(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let (reverse, x, y) = (attrs.bool("reverse"), &operands[0], &mut outputs[0]);
    match x.ty.dtype {
        DType::F32 => run::<f32, f64>(reverse, x, y, 0.0, |sum, x| sum + f64::from(x), |sum| sum as f32),
        DType::F64 => run::<f64, f64>(reverse, x, y, 0.0, |sum, x| sum + x, |sum| sum),
        DType::C64 => run::<Complex<f32>, _>(reverse, x, y, Complex::ZERO, |sum, x| sum + wide(x), short),
        DType::C128 => run::<Complex<f64>, _>(reverse, x, y, Complex::ZERO, |sum, x| sum + x, |sum| sum),
        _ => integers(reverse, x, y, 0, i64::wrapping_add),
    }
}

/// Products of all rows up to each.
pub(super) fn products(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let (reverse, x, y) = (attrs.bool("reverse"), &operands[0], &mut outputs[0]);
    // The first factor is taken as it is: one times an infinity and zero would be NaN.
    let first = |product: Option<Complex<f64>>, x: Complex<f64>| Some(product.map_or(x, |product| product * x));
    let all = |product: Option<Complex<f64>>| product.unwrap_or(Complex::ONE);
    match x.ty.dtype {
        DType::F32 => {
            run::<f32, f64>(reverse, x, y, 1.0, |product, x| product * f64::from(x), |product| product as f32)
        }
        DType::F64 => run::<f64, f64>(reverse, x, y, 1.0, |product, x| product * x, |product| product),
        DType::C64 => {
            run::<Complex<f32>, _>(reverse, x, y, None, |product, x| first(product, wide(x)), |p| short(all(p)))
        }
        DType::C128 => run::<Complex<f64>, _>(reverse, x, y, None, first, all),
        _ => integers(reverse, x, y, 1, i64::wrapping_mul),
    }
}

/// Greatest of all rows up to each.
pub(super) fn maxima(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    extrema(attrs, operands, outputs, |old, new| new > old, |old, new| new > old);
}

/// Least of all rows up to each.
pub(super) fn minima(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    extrema(attrs, operands, outputs, |old, new| new < old, |old, new| new < old);
}

/// Logarithms of the sums of the exponentials of all rows up to each.
pub(super) fn logsumexps(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let (reverse, x, y) = (attrs.bool("reverse"), &operands[0], &mut outputs[0]);
    let step = |a: f64, b: f64| {
        let greater = a.max(b);
        match greater.is_infinite() {
            true if a.is_nan() || b.is_nan() => f64::NAN,
            true => greater,
            false => greater + ((a - greater).exp() + (b - greater).exp()).ln(),
        }
    };
    match x.ty.dtype {
        DType::F32 => run::<f32, f64>(reverse, x, y, f64::NEG_INFINITY, |a, b| step(a, b.into()), |sum| sum as f32),
        _ => run::<f64, f64>(reverse, x, y, f64::NEG_INFINITY, step, |sum| sum),
    }
}

/// The element that is better than all before it; the first NaN stays.
fn extrema(
    attrs: &Attrs,
    operands: &[Operand<'_>],
    outputs: &mut [Output<'_>],
    float: fn(f64, f64) -> bool,
    integer: fn(i128, i128) -> bool,
) {
    let (reverse, x, y) = (attrs.bool("reverse"), &operands[0], &mut outputs[0]);
    macro_rules! extremum {
        ($element:ty, $wide:ty, $better:expr) => {
            run::<$element, Option<$element>>(
                reverse,
                x,
                y,
                None,
                |best, new| match best {
                    #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
                    Some(old) if old != old || !(new != new || $better(<$wide>::from(old), <$wide>::from(new))) => best,
                    _ => Some(new),
                },
                |best| best.unwrap_or_default(),
            )
        };
    }
    match x.ty.dtype {
        DType::F32 => extremum!(f32, f64, float),
        DType::F64 => extremum!(f64, f64, float),
        DType::I8 => extremum!(i8, i128, integer),
        DType::I16 => extremum!(i16, i128, integer),
        DType::I32 => extremum!(i32, i128, integer),
        DType::I64 => extremum!(i64, i128, integer),
        // A truth value is a byte.
        DType::Bool | DType::U8 => extremum!(u8, i128, integer),
        DType::U16 => extremum!(u16, i128, integer),
        DType::U32 => extremum!(u32, i128, integer),
        DType::U64 => extremum!(u64, i128, integer),
        other => internal(&format!("cumulative extrema of {other}")),
    }
}

fn wide(x: Complex<f32>) -> Complex<f64> {
    Complex::new(x.re.into(), x.im.into())
}

fn short(x: Complex<f64>) -> Complex<f32> {
    Complex::new(x.re as f32, x.im as f32)
}

/// Integers wrap, in 64 bits as in fewer.
fn integers(reverse: bool, x: &Operand<'_>, y: &mut Output<'_>, start: i64, step: fn(i64, i64) -> i64) {
    macro_rules! integer {
        ($element:ty) => {
            run::<$element, i64>(reverse, x, y, start, |state, x| step(state, x as i64), |state| state as $element)
        };
    }
    match x.ty.dtype {
        DType::I8 => integer!(i8),
        DType::I16 => integer!(i16),
        DType::I32 => integer!(i32),
        DType::I64 => integer!(i64),
        DType::U8 => integer!(u8),
        DType::U16 => integer!(u16),
        DType::U32 => integer!(u32),
        DType::U64 => integer!(u64),
        other => internal(&format!("cumulative integers of {other}")),
    }
}

/// Row after row, from the last if `reverse`, with one state a column.
fn run<T: Element, S: Copy>(
    reverse: bool,
    x: &Operand<'_>,
    y: &mut Output<'_>,
    start: S,
    step: impl Fn(S, T) -> S,
    finish: impl Fn(S) -> T,
) {
    let (rows, width) = (x.ty.shape[0], x.ty.shape[1]);
    let (from, to): (&[T], &mut [T]) = (bytemuck::cast_slice(x.bytes()), bytemuck::cast_slice_mut(y.bytes()));
    let row = |i: usize| if reverse { rows - 1 - i } else { i };
    if width == 1 {
        let mut state = start;
        for i in 0..rows {
            state = step(state, from[row(i)]);
            to[row(i)] = finish(state);
        }
        return;
    }
    let mut states = vec![start; width];
    for i in 0..rows {
        let place = row(i) * width..(row(i) + 1) * width;
        for ((state, &x), y) in states.iter_mut().zip(&from[place.clone()]).zip(&mut to[place]) {
            *state = step(*state, x);
            *y = finish(*state);
        }
    }
}
