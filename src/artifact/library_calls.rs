//! Library calls as the header of a kernel file spells them.

use super::error::LoadError;
use super::header::{dtype_text, type_text};
use crate::run::library::{Factor, FftKind, ItemArray, LibraryCall, MatrixOperand};
use crate::run::program::Place;
use cotangent_ir::prim::{self, Prim};
use cotangent_ir::{Attr, Attrs, DType, Number, Scalar, Type};
use num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A [`LibraryCall`]. Calls of the host have no spelling: closures cannot be stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum CallHeader {
    Gemm {
        #[serde(with = "dtype_text")]
        dtype: DType,
        batch: usize,
        rows: usize,
        depth: usize,
        columns: usize,
        a: MatrixOperand,
        b: MatrixOperand,
        c: MatrixOperand,
    },
    Fft {
        kind: FftKind,
        #[serde(with = "dtype_text")]
        precision: DType,
        outer: usize,
        length: usize,
        inner: usize,
        scale: f64,
        from: u32,
        to: u32,
    },
    Filter {
        #[serde(with = "dtype_text")]
        precision: DType,
        outer: usize,
        length: usize,
        inner: usize,
        scale: f64,
        from: u32,
        to: u32,
        re: Factor,
        im: Option<Factor>,
    },
    Items {
        primitive: String,
        attrs: BTreeMap<String, AttrHeader>,
        batch: usize,
        operands: Vec<ItemHeader>,
        results: Vec<ItemHeader>,
        shared: Option<u32>,
    },
    Tap {
        index: Place,
        row: Place,
        #[serde(with = "dtype_text")]
        dtype: DType,
        columns: usize,
        every: i64,
        stop: Place,
    },
}

/// An [`ItemArray`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemHeader {
    slot: u32,
    #[serde(with = "type_text")]
    ty: Type,
}

/// A static operand of a primitive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttrHeader {
    Bool(bool),
    Int(i64),
    Ints(Vec<i64>),
    Dtype(#[serde(with = "dtype_text")] DType),
    /// Dtype and the bits of the number, of an integer sign-extended, of a complex number real part and imaginary part, all
    /// floats as f64.
    Scalar(#[serde(with = "dtype_text")] DType, i128, u64),
}

impl CallHeader {
    /// The spelling of a call, or the name of what has none.
    #[cfg(feature = "compiler")]
    pub(super) fn of(call: &LibraryCall) -> Result<CallHeader, String> {
        Ok(match call.clone() {
            LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, c } => {
                CallHeader::Gemm { dtype, batch, rows, depth, columns, a, b, c }
            }
            LibraryCall::Fft { kind, precision, outer, length, inner, scale, from, to } => {
                CallHeader::Fft { kind, precision, outer, length, inner, scale, from, to }
            }
            LibraryCall::Filter { precision, outer, length, inner, scale, from, to, re, im } => {
                CallHeader::Filter { precision, outer, length, inner, scale, from, to, re, im }
            }
            LibraryCall::Items { primitive, attrs, batch, operands, results, shared } => {
                let attr = |(name, attr): (&str, &Attr)| match AttrHeader::of(attr) {
                    Some(header) => Ok((name.to_string(), header)),
                    None => Err(format!("`{primitive}` with a function of its own")),
                };
                CallHeader::Items {
                    primitive: primitive.into(),
                    attrs: attrs.iter().map(attr).collect::<Result<_, String>>()?,
                    batch,
                    operands: operands.into_iter().map(ItemHeader::from).collect(),
                    results: results.into_iter().map(ItemHeader::from).collect(),
                    shared,
                }
            }
            LibraryCall::Tap { index, row, dtype, columns, every, stop } => {
                CallHeader::Tap { index, row, dtype, columns, every, stop }
            }
            LibraryCall::Host { .. } => return Err("a closure of the host".into()),
        })
    }

    /// The call that is spelled like this.
    pub(super) fn into_call(self) -> Result<LibraryCall, LoadError> {
        Ok(match self {
            CallHeader::Gemm { dtype, batch, rows, depth, columns, a, b, c } => {
                LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, c }
            }
            CallHeader::Fft { kind, precision, outer, length, inner, scale, from, to } => {
                LibraryCall::Fft { kind, precision, outer, length, inner, scale, from, to }
            }
            CallHeader::Filter { precision, outer, length, inner, scale, from, to, re, im } => {
                LibraryCall::Filter { precision, outer, length, inner, scale, from, to, re, im }
            }
            CallHeader::Items { primitive, attrs, batch, operands, results, shared } => {
                let Some(prim) = prim::by_name(&primitive) else {
                    return Err(LoadError::Header(format!("there is no primitive {primitive:?}")));
                };
                LibraryCall::Items {
                    primitive: prim.name,
                    attrs: attributes(prim, attrs)?,
                    batch,
                    operands: operands.into_iter().map(ItemArray::from).collect(),
                    results: results.into_iter().map(ItemArray::from).collect(),
                    shared,
                }
            }
            CallHeader::Tap { index, row, dtype, columns, every, stop } => {
                LibraryCall::Tap { index, row, dtype, columns, every, stop }
            }
        })
    }
}

/// The attributes of a primitive, in the order that it declares.
fn attributes(prim: &Prim, mut given: BTreeMap<String, AttrHeader>) -> Result<Attrs, LoadError> {
    let mut attrs = Attrs::none();
    for &(name, kind) in prim.attrs {
        let attr = given.remove(name).map(AttrHeader::into_attr).filter(|attr| attr.kind() == kind);
        let Some(attr) = attr else {
            return Err(LoadError::Header(format!("`{}` takes an attribute {name}: {kind:?}", prim.name)));
        };
        attrs = attrs.with(name, attr);
    }
    match given.into_keys().next() {
        None => Ok(attrs),
        Some(name) => Err(LoadError::Header(format!("`{}` takes no attribute {name:?}", prim.name))),
    }
}

impl AttrHeader {
    #[cfg(feature = "compiler")]
    fn of(attr: &Attr) -> Option<AttrHeader> {
        Some(match attr {
            Attr::Bool(value) => AttrHeader::Bool(*value),
            Attr::Int(value) => AttrHeader::Int(*value),
            Attr::Ints(values) => AttrHeader::Ints(values.to_vec()),
            Attr::DType(dtype) => AttrHeader::Dtype(*dtype),
            Attr::Scalar(scalar) => match scalar.number() {
                Number::Int(value) => AttrHeader::Scalar(scalar.dtype(), value, 0),
                Number::Float(value) => AttrHeader::Scalar(scalar.dtype(), value.to_bits().into(), 0),
                Number::Complex(value) => {
                    AttrHeader::Scalar(scalar.dtype(), value.re.to_bits().into(), value.im.to_bits())
                }
            },
            Attr::Func(_) | Attr::Funcs(_) | Attr::Host(_) => return None,
        })
    }

    fn into_attr(self) -> Attr {
        match self {
            AttrHeader::Bool(value) => Attr::Bool(value),
            AttrHeader::Int(value) => Attr::Int(value),
            AttrHeader::Ints(values) => Attr::Ints(values.into()),
            AttrHeader::Dtype(dtype) => Attr::DType(dtype),
            AttrHeader::Scalar(dtype, first, second) => {
                let (re, im) = (f64::from_bits(first as u64), f64::from_bits(second));
                let number = match (dtype.is_complex(), dtype.is_float()) {
                    (true, _) => Number::Complex(Complex::new(re, im)),
                    (false, true) => Number::Float(re),
                    (false, false) => Number::Int(first),
                };
                Attr::Scalar(Scalar::new(dtype, number))
            }
        }
    }
}

impl From<ItemArray> for ItemHeader {
    fn from(ItemArray { slot, ty }: ItemArray) -> ItemHeader {
        ItemHeader { slot, ty }
    }
}

impl From<ItemHeader> for ItemArray {
    fn from(ItemHeader { slot, ty }: ItemHeader) -> ItemArray {
        ItemArray { slot, ty }
    }
}
