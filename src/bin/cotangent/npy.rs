//! Arrays in numpy's npy format.
//!
//! The format is read here rather than by a library because files may be malformed in any way: extents are multiplied
//! with care, and memory is taken only for bytes that are there.

use crate::failure::{Failure, Result};
use crate::source;
use cotangent::ir::{ALIGNMENT, Bytes, Tensor};
use cotangent::{DType, Type};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Whether a file with these contents claims to be one of arrays.
pub(crate) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads an array from a file.
pub(crate) fn read(path: &Path) -> Result<Tensor> {
    parse(&source::bytes(path)?).map_err(|message| Failure::in_file(path, message))
}

/// Reads an array from the contents of a file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tensor, String> {
    let (header, data) = split(bytes)?;
    let header = Header::parse(header)?;
    let Header { dtype, big_endian, fortran_order, shape } = &header;
    let size = shape.iter().try_fold(dtype.size(), |size, &extent| size.checked_mul(extent));
    let size = size.filter(|&size| size <= data.len()).ok_or_else(|| {
        format!(
            "is cut short: it has {} bytes of data, its header promises {dtype}{shape:?}; copy it again",
            data.len()
        )
    })?;
    // The rest would otherwise still be multiplied where one extent is 0.
    let countable =
        shape.iter().filter(|&&extent| extent > 0).try_fold(1usize, |count, &extent| count.checked_mul(extent));
    if countable.is_none() {
        return Err(format!("has a shape too large to count, {shape:?}"));
    }
    let ty = Type::new(*dtype, shape);
    let mut data = Bytes::from_slice(ALIGNMENT, &data[..size]);
    if *dtype == DType::Bool {
        // A byte other than 0 is true to numpy; here true is 1.
        data.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    let component = if dtype.is_complex() { dtype.size() / 2 } else { dtype.size() };
    if *big_endian != cfg!(target_endian = "big") {
        data.chunks_exact_mut(component).for_each(<[u8]>::reverse);
    }
    let tensor = Tensor::from_bytes(ty, data);
    Ok(if *fortran_order { reordered(&tensor) } else { tensor })
}

/// An array as the contents of a file.
pub(crate) fn serialize(tensor: &Tensor) -> Vec<u8> {
    let Type { dtype, shape } = tensor.ty();
    let kind = match dtype {
        DType::Bool => 'b',
        _ if dtype.is_signed_int() => 'i',
        _ if dtype.is_unsigned_int() => 'u',
        _ if dtype.is_complex() => 'c',
        _ => 'f',
    };
    let order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "big") => '>',
        _ => '<',
    };
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    // A tuple of one has a comma, longer ones need none at the end.
    let extents = if shape.len() == 1 { extents.trim_end() } else { extents.trim_end_matches(", ") };
    let size = dtype.size();
    let mut header = format!("{{'descr': '{order}{kind}{size}', 'fortran_order': False, 'shape': ({extents}), }}");
    // Magic, version and length take 10 bytes; the header ends with a line break, and the data begin at a multiple of 64.
    let used = 10 + header.len() + 1;
    header.push_str(&" ".repeat(used.next_multiple_of(64) - used));
    header.push('\n');
    let length =
        u16::try_from(header.len()).unwrap_or_else(|_| cotangent::ir::error::internal("a header of many axes"));
    [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes(), tensor.bytes()].concat()
}

/// Cuts a file into header and data.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let damaged = || "is not an npy file, or damaged; write it with `numpy.save`".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(damaged)?;
    let (length, rest) = match version[0] {
        1 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
        2 | 3 => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
        other => return Err(format!("has version {other} of the npy format; versions 1 to 3 are known")),
    }
    .ok_or_else(damaged)?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
    Ok((std::str::from_utf8(header).map_err(|_| damaged())?, data))
}

/// What a header says.
struct Header {
    dtype: DType,
    big_endian: bool,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the three entries of the dictionary that numpy writes.
    fn parse(text: &str) -> Result<Header, String> {
        let entry = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}':")).ok_or(format!("has a header without '{key}'"))?;
            Ok::<&str, String>(rest.trim_start())
        };
        let descr = entry("descr")?;
        let descr = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map_or(descr, |(descr, _)| descr);
        let (dtype, big_endian) = element(descr).ok_or_else(|| {
            let shown: String = descr.chars().take(40).collect();
            format!(
                "has elements `{shown}`; bool, integers, f32, f64, c64 and c128 can be read, convert it with `astype`"
            )
        })?;
        let order = entry("fortran_order")?;
        let fortran_order = match (order.starts_with("True"), order.starts_with("False")) {
            (true, _) => true,
            (_, true) => false,
            _ => return Err("has a header whose 'fortran_order' is neither True nor False".into()),
        };
        let shape = entry("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(shape, _)| shape);
        let extents = shape.unwrap_or("?").split(',').map(str::trim).filter(|extent| !extent.is_empty());
        let shape = extents.map(|extent| extent.parse().map_err(|_| format!("has an extent `{extent}` in its header")));
        let shape: Vec<usize> = shape.collect::<Result<_, String>>()?;
        if shape.len() > 64 {
            return Err(format!("has {} axes; at most 64 can be read", shape.len()));
        }
        Ok(Header { dtype, big_endian, fortran_order, shape })
    }
}

/// The dtype that numpy spells so, and whether it is big-endian.
fn element(descr: &str) -> Option<(DType, bool)> {
    let big_endian = match descr.chars().next()? {
        '<' | '|' => false,
        '=' => cfg!(target_endian = "big"),
        '>' => true,
        _ => return None,
    };
    let dtype = match &descr[1..] {
        "b1" => DType::Bool,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "u1" => DType::U8,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "c8" => DType::C64,
        "c16" => DType::C128,
        _ => return None,
    };
    Some((dtype, big_endian))
}

/// The array whose bytes are those of `tensor` with the first axis varying fastest.
fn reordered(tensor: &Tensor) -> Tensor {
    let shape = &tensor.ty().shape;
    let mut step = 1;
    let mut steps = Vec::new();
    for &extent in shape {
        steps.push(step);
        step *= extent;
    }
    Tensor::from_fn(tensor.ty().clone(), |position| {
        let mut rest = position;
        let mut from = 0;
        for axis in (0..shape.len()).rev() {
            from += rest % shape[axis] * steps[axis];
            rest /= shape[axis];
        }
        tensor.get(from)
    })
}
