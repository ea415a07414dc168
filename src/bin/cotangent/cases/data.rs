//! Data of the cases: the same numbers on every side of a comparison, to the last bit.

use cotangent::{Array, DType, Type};

/// Numbers between two limits that look random: a function of the position alone, made of 32-bit integer arithmetic, an
/// exact conversion, and one multiplication and addition in `f32`, which every language rounds alike.
pub(super) fn uniform(shape: &[usize], low: f32, high: f32) -> Array {
    let count = shape.iter().product::<usize>() as u32;
    let elements: Vec<f32> = (0..count).map(|position| low + (high - low) * fraction(position)).collect();
    Array::new(shape, &elements)
}

/// Numbers of a type: real ones between -1 and 1, or complex ones of two neighbours of these each.
pub(super) fn random(ty: &Type) -> Array {
    if ty.dtype != DType::C64 {
        return uniform(&ty.shape, -1.0, 1.0);
    }
    let parts = uniform(&[&ty.shape[..], &[2]].concat(), -1.0, 1.0);
    Array::complex(parts.index_axis(-1, 0), parts.index_axis(-1, 1))
}

/// The upper 24 bits of a hash, as a fraction of 1.
fn fraction(position: u32) -> f32 {
    let mut hash = position.wrapping_add(1).wrapping_mul(0x9e37_79b1);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x85eb_ca77);
    hash ^= hash >> 13;
    (hash >> 8) as f32 / (1 << 24) as f32
}
