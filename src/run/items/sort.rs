//! Sorting rows.
//!
//! Every key becomes an unsigned integer in whose order the elements are meant to come. A key of up to four bytes and the
//! place it comes from make one number of eight: sorting those is stable without a stable sort. Rows are then put in the
//! order found, whatever their dtype.

use super::{Operand, Output};
use cotangent_ir::{Attrs, DType};

/// The operands sorted by the first of them.
pub(super) fn sort(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let count = operands[0].ty.len();
    let keys: Vec<Vec<u64>> = operands[..attrs.size("keys")].iter().flat_map(keys).collect();
    let order: Vec<u32> = match &keys[..] {
        [key] if narrow(operands[0].ty.dtype) => {
            let mut packed: Vec<u64> = key.iter().zip(0u64..).map(|(key, place)| key << 32 | place).collect();
            packed.sort_unstable();
            packed.into_iter().map(|packed| packed as u32).collect()
        }
        [key] => {
            let mut pairs: Vec<(u64, u32)> = key.iter().copied().zip(0..).collect();
            pairs.sort_unstable();
            pairs.into_iter().map(|(_, place)| place).collect()
        }
        keys => {
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by(|&a, &b| {
                let one_by_one = keys.iter().map(|key| key[a as usize].cmp(&key[b as usize]));
                one_by_one.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
            });
            order
        }
    };
    for (operand, output) in operands.iter().zip(outputs) {
        let size = operand.ty.dtype.size();
        let from = operand.bytes();
        for (to, &place) in output.bytes().chunks_exact_mut(size).zip(&order) {
            to.copy_from_slice(&from[place as usize * size..][..size]);
        }
    }
}

/// Whether one key of the dtype fits into four bytes.
fn narrow(dtype: DType) -> bool {
    !dtype.is_complex() && dtype.size() <= 4
}

/// The keys of an operand: one list, of complex numbers two.
fn keys(operand: &Operand<'_>) -> Vec<Vec<u64>> {
    let signed = |value: i64, bits: u32| (value as u64 ^ (1 << (bits - 1))) & (u64::MAX >> (64 - bits));
    let one = |keys: Vec<u64>| vec![keys];
    match operand.ty.dtype {
        DType::Bool => one(operand.bytes().iter().map(|&x| u64::from(x)).collect()),
        DType::U8 => one(operand.elements::<u8>().iter().map(|&x| u64::from(x)).collect()),
        DType::U16 => one(operand.elements::<u16>().iter().map(|&x| u64::from(x)).collect()),
        DType::U32 => one(operand.elements::<u32>().iter().map(|&x| u64::from(x)).collect()),
        DType::U64 => one(operand.elements::<u64>().to_vec()),
        DType::I8 => one(operand.elements::<i8>().iter().map(|&x| signed(x.into(), 8)).collect()),
        DType::I16 => one(operand.elements::<i16>().iter().map(|&x| signed(x.into(), 16)).collect()),
        DType::I32 => one(operand.elements::<i32>().iter().map(|&x| signed(x.into(), 32)).collect()),
        DType::I64 => one(operand.elements::<i64>().iter().map(|&x| signed(x, 64)).collect()),
        DType::F32 => one(operand.elements::<f32>().iter().map(|&x| u64::from(key32(x))).collect()),
        DType::F64 => one(operand.elements::<f64>().iter().map(|&x| key64(x)).collect()),
        DType::C64 => {
            let parts: &[f32] = bytemuck::cast_slice(operand.bytes());
            let part = |first: usize| parts.iter().skip(first).step_by(2).map(|&x| u64::from(key32(x))).collect();
            vec![part(0), part(1)]
        }
        DType::C128 => {
            let parts: &[f64] = bytemuck::cast_slice(operand.bytes());
            let part = |first: usize| parts.iter().skip(first).step_by(2).map(|&x| key64(x)).collect();
            vec![part(0), part(1)]
        }
    }
}

/// An integer in the order of numbers: both zeros are one, all NaN are last.
fn key32(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    match x.is_nan() {
        true => u32::MAX,
        false if bits >> 31 == 1 => !bits,
        false => bits | 1 << 31,
    }
}

/// As [`key32`].
fn key64(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    match x.is_nan() {
        true => u64::MAX,
        false if bits >> 63 == 1 => !bits,
        false => bits | 1 << 63,
    }
}
