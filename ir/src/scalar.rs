//! One element of any dtype, as the reference interpreter and literals hold it.
//!
//! A `Scalar` of a dtype always holds a value that dtype can represent: constructors round and wrap. Equality and
//! hashing are by bits, so that NaN literals compare equal to themselves and 0.0 differs from -0.0, as a structural
//! cache key needs.

use crate::dtype::DType;
use num_complex::Complex;
use std::hash::{Hash, Hasher};

/// A value of one element, tagged with its dtype.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    dtype: DType,
    value: Number,
}

/// The value of a [`Scalar`], widened: exact for every dtype.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Bool (0 or 1) and integers.
    Int(i128),
    /// Real floats.
    Float(f64),
    /// Complex floats.
    Complex(Complex<f64>),
}

impl Scalar {
    /// Converts a number to `dtype`: floats round to nearest, integers wrap, floats saturate into integers (NaN to 0),
    /// the imaginary part is dropped where `dtype` is real, and anything nonzero is true.
    pub fn new(dtype: DType, value: Number) -> Scalar {
        let value = match dtype {
            DType::Bool => Number::Int(i128::from(match value {
                Number::Int(v) => v != 0,
                Number::Float(v) => v != 0.0,
                Number::Complex(v) => v.re != 0.0 || v.im != 0.0,
            })),
            DType::F32 => Number::Float(f64::from(to_f64(value) as f32)),
            DType::F64 => Number::Float(to_f64(value)),
            DType::C64 => {
                let v = to_complex(value);
                Number::Complex(Complex::new(f64::from(v.re as f32), f64::from(v.im as f32)))
            }
            DType::C128 => Number::Complex(to_complex(value)),
            _ => Number::Int(match value {
                Number::Int(v) => wrap(dtype, v),
                Number::Float(v) => saturate(dtype, v),
                Number::Complex(v) => saturate(dtype, v.re),
            }),
        };
        Scalar { dtype, value }
    }

    /// A real number converted to `dtype`.
    pub fn real(dtype: DType, value: f64) -> Scalar {
        Scalar::new(dtype, Number::Float(value))
    }

    /// An integer converted to `dtype`.
    pub fn int(dtype: DType, value: i128) -> Scalar {
        Scalar::new(dtype, Number::Int(value))
    }

    /// A complex number converted to `dtype`.
    pub fn complex(dtype: DType, value: Complex<f64>) -> Scalar {
        Scalar::new(dtype, Number::Complex(value))
    }

    /// A truth value.
    pub fn bool(value: bool) -> Scalar {
        Scalar { dtype: DType::Bool, value: Number::Int(i128::from(value)) }
    }

    /// Zero of `dtype`.
    pub fn zero(dtype: DType) -> Scalar {
        Scalar::int(dtype, 0)
    }

    /// One of `dtype`.
    pub fn one(dtype: DType) -> Scalar {
        Scalar::int(dtype, 1)
    }

    /// The least value of `dtype` in the order of `max`: -inf, the least integer, false. Complex has none and gives zero.
    pub fn lowest(dtype: DType) -> Scalar {
        match dtype {
            DType::F32 | DType::F64 => Scalar::real(dtype, f64::NEG_INFINITY),
            _ if dtype.is_signed_int() => Scalar::int(dtype, -(1 << (8 * dtype.size() - 1))),
            _ => Scalar::zero(dtype),
        }
    }

    /// The greatest value of `dtype`: +inf, the greatest integer, true. Complex has none and gives zero.
    pub fn highest(dtype: DType) -> Scalar {
        match dtype {
            DType::F32 | DType::F64 => Scalar::real(dtype, f64::INFINITY),
            DType::Bool => Scalar::bool(true),
            _ if dtype.is_signed_int() => Scalar::int(dtype, (1 << (8 * dtype.size() - 1)) - 1),
            _ if dtype.is_unsigned_int() => Scalar::int(dtype, (1 << (8 * dtype.size())) - 1),
            _ => Scalar::zero(dtype),
        }
    }

    /// The dtype.
    pub fn dtype(self) -> DType {
        self.dtype
    }

    /// The widened value.
    pub fn number(self) -> Number {
        self.value
    }

    /// The value as a real number (integers convert, complex values give their real part).
    pub fn as_f64(self) -> f64 {
        to_f64(self.value)
    }

    /// The value as an integer (floats truncate towards zero and saturate).
    pub fn as_i128(self) -> i128 {
        match self.value {
            Number::Int(v) => v,
            other => to_f64(other) as i128,
        }
    }

    /// The value as a complex number.
    pub fn as_complex(self) -> Complex<f64> {
        to_complex(self.value)
    }

    /// Whether the value is nonzero.
    pub fn as_bool(self) -> bool {
        Scalar::new(DType::Bool, self.value).as_i128() != 0
    }

    /// Converts to another dtype with the rules of [`Scalar::new`].
    pub fn convert(self, dtype: DType) -> Scalar {
        Scalar::new(dtype, self.value)
    }

    /// Two words that determine the value exactly.
    fn bits(self) -> (u64, u64) {
        match self.value {
            Number::Int(v) => (v as u64, 0),
            Number::Float(v) => (v.to_bits(), 1),
            Number::Complex(v) => (v.re.to_bits(), v.im.to_bits()),
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.dtype == other.dtype && self.bits() == other.bits()
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.dtype, self.bits()).hash(state);
    }
}

fn to_f64(value: Number) -> f64 {
    match value {
        Number::Int(v) => v as f64,
        Number::Float(v) => v,
        Number::Complex(v) => v.re,
    }
}

fn to_complex(value: Number) -> Complex<f64> {
    match value {
        Number::Complex(v) => v,
        other => Complex::new(to_f64(other), 0.0),
    }
}

fn wrap(dtype: DType, value: i128) -> i128 {
    let bits = 8 * dtype.size();
    let low = value & ((1 << bits) - 1);
    if dtype.is_signed_int() && low >> (bits - 1) != 0 { low - (1 << bits) } else { low }
}

fn saturate(dtype: DType, value: f64) -> i128 {
    let (low, high) = (Scalar::lowest(dtype).as_i128(), Scalar::highest(dtype).as_i128());
    (value as i128).clamp(low, high)
}
