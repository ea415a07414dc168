//! Element types of arrays and the table by which two of them promote to one.
//!
//! The set is closed: every backend, interpreter and file format matches on it exhaustively.

use std::fmt;

/// The element type of an array.
///
/// ```
/// use cotangent_ir::DType;
/// assert_eq!(DType::C64.size(), 8);
/// assert_eq!(DType::F32.promote(DType::I64), DType::F32);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DType {
    /// Truth value, one byte, 0 or 1.
    Bool,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Complex of two `F32`, interleaved.
    C64,
    /// Complex of two `F64`, interleaved.
    C128,
}

impl DType {
    /// Every element type, in the order of declaration.
    pub const ALL: [DType; 13] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];

    /// The spelling used in the text form and in messages, such as `f32`.
    pub fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "i8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::U16 => "u16",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::C64 => "c64",
            DType::C128 => "c128",
        }
    }

    /// The dtype spelled `name`, if there is one.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 => 1,
            DType::I16 | DType::U16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 | DType::C64 => 8,
            DType::C128 => 16,
        }
    }

    /// `bool`.
    pub fn is_bool(self) -> bool {
        self == DType::Bool
    }

    /// Signed integers.
    pub fn is_signed_int(self) -> bool {
        matches!(self, DType::I8 | DType::I16 | DType::I32 | DType::I64)
    }

    /// Unsigned integers.
    pub fn is_unsigned_int(self) -> bool {
        matches!(self, DType::U8 | DType::U16 | DType::U32 | DType::U64)
    }

    /// Integers of either signedness.
    pub fn is_int(self) -> bool {
        self.is_signed_int() || self.is_unsigned_int()
    }

    /// Real floating point.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Complex floating point.
    pub fn is_complex(self) -> bool {
        matches!(self, DType::C64 | DType::C128)
    }

    /// Real or complex floating point: what can be differentiated.
    pub fn is_inexact(self) -> bool {
        self.is_float() || self.is_complex()
    }

    /// The dtype of the real part; other dtypes are their own.
    pub fn real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }

    /// The complex dtype with the precision of a float; complex dtypes are their own, the rest have none.
    pub fn complex(self) -> Option<DType> {
        match self {
            DType::F32 | DType::C64 => Some(DType::C64),
            DType::F64 | DType::C128 => Some(DType::C128),
            _ => None,
        }
    }

    /// The dtype both operands of an arithmetic operation are converted to.
    ///
    /// Kinds rank bool < integer < float < complex. Between kinds the higher kind decides and keeps its own precision
    /// (`i64 + f32` is `f32`), except that `f64 + c64` is `c128`. Integers of equal signedness take the wider; a signed
    /// and an unsigned one take the narrowest signed dtype that holds both, and `u64` with a signed one is `f64`.
    pub fn promote(self, other: DType) -> DType {
        use DType::*;
        let (low, high) = if self.rank() <= other.rank() { (self, other) } else { (other, self) };
        if low == high || low == Bool {
            return high;
        }
        match (low, high) {
            (F64, C64) => C128,
            (low, high) if low.is_signed_int() && high.is_unsigned_int() => match (low.size().max(high.size()), high) {
                _ if low.size() > high.size() => low,
                (_, U8) => I16,
                (_, U16) => I32,
                (_, U32) => I64,
                _ => F64,
            },
            (_, high) => high,
        }
    }

    fn rank(self) -> usize {
        match self {
            DType::Bool => 0,
            dtype if dtype.is_signed_int() => 10 + dtype.size(),
            dtype if dtype.is_unsigned_int() => 20 + dtype.size(),
            DType::F32 => 30,
            DType::F64 => 31,
            DType::C64 => 40,
            _ => 41,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
