//! What samples are made of: pairs of random words, and the uniform, normal and exponential numbers of them.
//!
//! The words may be those of many counters of one key, or of one counter of many keys.

use super::erf_inv::erf_inv;
use cotangent_ir::{Array, DType, Scalar};

/// Two arrays of `u32`.
pub(super) struct Words {
    pub(super) first: Array,
    pub(super) second: Array,
}

impl Words {
    /// One word from both.
    pub(super) fn bits(self) -> Array {
        self.first ^ self.second
    }

    /// Uniform numbers in [0, 1) from the leading bits: as many as the significand has.
    pub(super) fn unit(self, dtype: DType) -> Array {
        if dtype == DType::F32 {
            return self.bits().shift_right_logical(9u32).astype(dtype) * (0.5f64).powi(23);
        }
        // The 52 leading bits of the 64-bit word: both parts and their sum are exact.
        let leading = self.first.astype(dtype) * (2.0f64).powi(20);
        (leading + self.second.shift_right_logical(12u32).astype(dtype)) * (0.5f64).powi(52)
    }

    /// Uniform numbers from `low` to `high`.
    pub(super) fn uniform(self, dtype: DType, low: f64, high: f64) -> Array {
        let number = |x| Array::scalar(Scalar::real(dtype, x));
        self.between(&number(low), &number(high))
    }

    /// Uniform numbers in ranges, of their dtype.
    pub(super) fn between(self, low: &Array, high: &Array) -> Array {
        let unit = self.unit(low.dtype().unwrap_or(DType::F32));
        (unit * (high - low) + low).maximum(low)
    }

    /// Numbers of the standard normal distribution.
    pub(super) fn normal(self, dtype: DType) -> Array {
        // Open at -1, where the inverse error function is infinite.
        let above_minus_one = match dtype {
            DType::F32 => f64::from((-1.0f32).next_up()),
            _ => (-1.0f64).next_up(),
        };
        erf_inv(&self.uniform(dtype, above_minus_one, 1.0)) * std::f64::consts::SQRT_2
    }

    /// Numbers of the exponential distribution with mean 1.
    pub(super) fn exponential(self, dtype: DType) -> Array {
        -(-self.unit(dtype)).log1p()
    }
}

/// The distance of 1 to the next number.
pub(super) fn epsilon(dtype: DType) -> f64 {
    if dtype == DType::F32 { f32::EPSILON.into() } else { f64::EPSILON }
}

/// The least normal number.
pub(super) fn least(dtype: DType) -> f64 {
    if dtype == DType::F32 { f32::MIN_POSITIVE.into() } else { f64::MIN_POSITIVE }
}
