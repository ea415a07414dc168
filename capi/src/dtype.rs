//! Types of elements.

use crate::failure::{Failure, guarded};
use crate::status::Status;
use std::ffi::{CStr, c_char};

/// The type of the elements of a buffer. The numbers stay what they are.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DType {
    /// `bool`, one byte.
    Bool = 0,
    /// `int8_t`.
    I8 = 1,
    /// `int16_t`.
    I16 = 2,
    /// `int32_t`.
    I32 = 3,
    /// `int64_t`.
    I64 = 4,
    /// `uint8_t`.
    U8 = 5,
    /// `uint16_t`.
    U16 = 6,
    /// `uint32_t`.
    U32 = 7,
    /// `uint64_t`.
    U64 = 8,
    /// `float`.
    F32 = 9,
    /// `double`.
    F64 = 10,
    /// `float _Complex`: real and imaginary part.
    C64 = 11,
    /// `double _Complex`: real and imaginary part.
    C128 = 12,
}

/// Each type of elements as C, the runtime and people have it.
const ALL: [(DType, runtime::DType, &CStr); 13] = [
    (DType::Bool, runtime::DType::Bool, c"bool"),
    (DType::I8, runtime::DType::I8, c"i8"),
    (DType::I16, runtime::DType::I16, c"i16"),
    (DType::I32, runtime::DType::I32, c"i32"),
    (DType::I64, runtime::DType::I64, c"i64"),
    (DType::U8, runtime::DType::U8, c"u8"),
    (DType::U16, runtime::DType::U16, c"u16"),
    (DType::U32, runtime::DType::U32, c"u32"),
    (DType::U64, runtime::DType::U64, c"u64"),
    (DType::F32, runtime::DType::F32, c"f32"),
    (DType::F64, runtime::DType::F64, c"f64"),
    (DType::C64, runtime::DType::C64, c"c64"),
    (DType::C128, runtime::DType::C128, c"c128"),
];

impl From<runtime::DType> for DType {
    fn from(dtype: runtime::DType) -> DType {
        match dtype {
            runtime::DType::Bool => DType::Bool,
            runtime::DType::I8 => DType::I8,
            runtime::DType::I16 => DType::I16,
            runtime::DType::I32 => DType::I32,
            runtime::DType::I64 => DType::I64,
            runtime::DType::U8 => DType::U8,
            runtime::DType::U16 => DType::U16,
            runtime::DType::U32 => DType::U32,
            runtime::DType::U64 => DType::U64,
            runtime::DType::F32 => DType::F32,
            runtime::DType::F64 => DType::F64,
            runtime::DType::C64 => DType::C64,
            runtime::DType::C128 => DType::C128,
        }
    }
}

/// The type that has this number in C.
pub(crate) fn by_number(number: i32) -> Result<runtime::DType, Failure> {
    find(number).map(|(dtype, _)| dtype)
}

/// What its address and strides are multiples of: the size of its real numbers.
pub(crate) fn alignment(dtype: runtime::DType) -> usize {
    if dtype.is_complex() { dtype.size() / 2 } else { dtype.size() }
}

fn find(number: i32) -> Result<(runtime::DType, &'static CStr), Failure> {
    let found = ALL.iter().find(|(dtype, ..)| *dtype as i32 == number);
    let unknown = || Failure::new(Status::Dtype, format!("there is no element type of the number {number}"));
    found.map(|&(_, dtype, name)| (dtype, name)).ok_or_else(unknown)
}

/// The name of a `cot_dtype`, such as "f32"; NULL if there is none of that number. It is there for as long as the program runs.
#[unsafe(no_mangle)]
pub extern "C" fn cot_dtype_name(dtype: i32) -> *const c_char {
    guarded(|| Ok(find(dtype)?.1.as_ptr())).unwrap_or(std::ptr::null())
}

/// Bytes of an element of a `cot_dtype`; 0 if there is none of that number.
#[unsafe(no_mangle)]
pub extern "C" fn cot_dtype_size(dtype: i32) -> usize {
    guarded(|| Ok(find(dtype)?.0.size())).unwrap_or(0)
}
