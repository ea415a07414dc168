//! Reading of literals: one element, or the elements of whole arrays as nested lists.

use super::lex::{Cursor, Kind, error_at};
use crate::dtype::DType;
use crate::error::Result;
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::types::Type;
use num_complex::Complex;

/// Elements read from a text are at most so many; a list spells every one out.
const MAX_ELEMENTS: usize = 1 << 24;

/// Reads arrays of known types, separated by commas. Elements are spelled without dtype; axes are nested lists.
///
/// ```
/// use cotangent_ir::{DType, Type, text::{self, print}};
/// let types = [Type::new(DType::F32, &[2, 2]), Type::scalar(DType::C64)];
/// let tensors = text::tensors("[[1, 2], [3, inf]], (0, -1)", &types).unwrap();
/// assert_eq!(print::tensor(&tensors[0]), "[[1, 2], [3, inf]]");
/// ```
///
/// # Errors
/// The first departure from the grammar or from a type, with its line and column.
pub fn tensors(text: &str, types: &[Type]) -> Result<Vec<Tensor>> {
    let mut cursor = Cursor::new(text)?;
    let mut tensors = Vec::new();
    for ty in types {
        if !tensors.is_empty() {
            cursor.mark(",")?;
        }
        if ty.shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent)).is_none_or(|n| n > MAX_ELEMENTS)
        {
            return Err(error_at(cursor.place(), format!("{ty} has too many elements to be spelled out")));
        }
        let mut elements = Vec::with_capacity(ty.len());
        nested(&mut cursor, ty, 0, &mut elements)?;
        tensors.push(Tensor::from_fn(ty.clone(), |position| elements[position]));
    }
    match cursor.peek().kind {
        Kind::End => Ok(tensors),
        _ => Err(cursor.unexpected(format!("the end after {} arrays", types.len()))),
    }
}

/// The elements from an axis on: a list as long as the axis, or one element after the last axis.
fn nested(cursor: &mut Cursor<'_>, ty: &Type, axis: usize, elements: &mut Vec<Scalar>) -> Result<()> {
    if axis == ty.rank() {
        elements.push(element(cursor, ty.dtype)?);
        return Ok(());
    }
    let place = cursor.place();
    cursor.mark("[")?;
    let items = cursor.list("]", |cursor| nested(cursor, ty, axis + 1, elements))?.len();
    if items == ty.shape[axis] {
        return Ok(());
    }
    Err(error_at(place, format!("expected {} items on axis {axis} of {ty}, found {items}", ty.shape[axis])))
}

/// `true` or `false`.
pub(super) fn bool(cursor: &mut Cursor<'_>) -> Result<bool> {
    let value = cursor.at_word("true");
    if value || cursor.at_word("false") {
        cursor.next();
        return Ok(value);
    }
    Err(cursor.unexpected("`true` or `false`"))
}

/// A literal with its dtype.
pub(super) fn scalar(cursor: &mut Cursor<'_>) -> Result<Scalar> {
    if cursor.at_word("true") || cursor.at_word("false") {
        return Ok(Scalar::bool(bool(cursor)?));
    }
    let place = cursor.place();
    if cursor.take_mark("(") {
        let (re, im) = pair(cursor)?;
        let dtype = super::parse::dtype(cursor)?;
        return match complex(dtype, &re, &im) {
            Some(value) => Ok(value),
            None => Err(error_at(place, format!("a pair of numbers is complex, not {dtype}"))),
        };
    }
    let real = real(cursor, true)?;
    let dtype = match real.dtype {
        Some(dtype) => dtype,
        None => super::parse::dtype(cursor)?,
    };
    real.scalar(dtype).ok_or_else(|| error_at(place, format!("`{}` is not a value of {dtype}", real.text)))
}

/// An element of a known dtype, spelled without it.
fn element(cursor: &mut Cursor<'_>, dtype: DType) -> Result<Scalar> {
    if dtype.is_bool() {
        return Ok(Scalar::bool(bool(cursor)?));
    }
    let place = cursor.place();
    if dtype.is_complex() && cursor.take_mark("(") {
        let (re, im) = pair(cursor)?;
        return complex(dtype, &re, &im).ok_or_else(|| error_at(place, format!("not a value of {dtype}")));
    }
    let real = real(cursor, false)?;
    let value = match dtype.is_complex() {
        true => complex(dtype, &real, &Real::zero()),
        false => real.scalar(dtype),
    };
    value.ok_or_else(|| error_at(place, format!("`{}` is not a value of {dtype}", real.text)))
}

/// The parts of a complex number, after the opening parenthesis.
fn pair(cursor: &mut Cursor<'_>) -> Result<(Real, Real)> {
    let re = real(cursor, false)?;
    cursor.mark(",")?;
    let im = real(cursor, false)?;
    cursor.mark(")")?;
    Ok((re, im))
}

fn complex(dtype: DType, re: &Real, im: &Real) -> Option<Scalar> {
    if !dtype.is_complex() {
        return None;
    }
    let (re, im) = (re.scalar(dtype.real())?.as_f64(), im.scalar(dtype.real())?.as_f64());
    Some(Scalar::complex(dtype, Complex::new(re, im)))
}

/// A real number as it is spelled: conversion waits for the dtype, so that it rounds once.
struct Real {
    /// Sign and number, without a dtype.
    text: String,
    /// The bits of a NaN that has sign or payload.
    bits: Option<u64>,
    /// The dtype it ended with.
    dtype: Option<DType>,
}

impl Real {
    fn zero() -> Real {
        Real { text: "0".into(), bits: None, dtype: None }
    }

    /// The value in a real dtype; `None` where it has no such value, too large ones included.
    fn scalar(&self, dtype: DType) -> Option<Scalar> {
        if let Some(bits) = self.bits {
            let value = Scalar::new(dtype, Number::Float(f64::from_bits(bits)));
            return dtype.is_float().then_some(value);
        }
        let spelled = |value: &f64| value.is_finite() || self.text.ends_with(['f', 'n']);
        match dtype {
            DType::F32 => self.text.parse::<f32>().ok().map(f64::from).filter(spelled).map(|v| Scalar::real(dtype, v)),
            DType::F64 => self.text.parse().ok().filter(spelled).map(|v| Scalar::real(dtype, v)),
            _ if dtype.is_int() => {
                let value: i128 = self.text.parse().ok()?;
                Some(Scalar::int(dtype, value)).filter(|scalar| scalar.as_i128() == value)
            }
            _ => None,
        }
    }
}

/// A real number with an optional sign and, if allowed, a dtype at its end.
fn real(cursor: &mut Cursor<'_>, typed: bool) -> Result<Real> {
    let sign = if cursor.take_mark("-") { "-" } else { "" };
    let token = cursor.peek();
    let (number, dtype) = match typed {
        true => split_dtype(token.text),
        false => (token.text, None),
    };
    let is_number = match token.kind {
        Kind::Number => number.parse::<f64>().is_ok(),
        Kind::Word => number == "inf" || number == "nan",
        Kind::Name | Kind::Mark | Kind::End => false,
    };
    if !is_number {
        return Err(cursor.unexpected(if typed { "a literal, such as `2.5f32`" } else { "a number" }));
    }
    cursor.next();
    let mut bits = None;
    if number == "nan" && cursor.take_mark("(") {
        let hexadecimal = cursor.peek().text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match hexadecimal.filter(|&bits| f64::from_bits(bits).is_nan()) {
            Some(value) => bits = Some(value),
            None => return Err(cursor.unexpected("the bits of a NaN, such as `0x7ff8000000000001`")),
        }
        cursor.next();
        cursor.mark(")")?;
    }
    Ok(Real { text: format!("{sign}{number}"), bits, dtype })
}

/// Number and dtype of a typed literal.
fn split_dtype(text: &str) -> (&str, Option<DType>) {
    let split = |dtype: DType| Some((text.strip_suffix(dtype.name())?, Some(dtype)));
    match DType::ALL.into_iter().find_map(split) {
        Some((number, dtype)) => (number.strip_suffix('_').unwrap_or(number), dtype),
        None => (text, None),
    }
}
