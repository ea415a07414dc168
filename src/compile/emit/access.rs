//! Lane values in memory: neighbouring elements, reversed ones, every second one, and any stride.
//!
//! In memory a bool is a byte and every integer has its own width; see `lanes` for how they are held.

use super::POINTER;
use super::lanes::{Emitter, Form, Lane};
use cotangent_ir::DType;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use smallvec::{SmallVec, smallvec};

/// Where an element is: a pointer and a constant number of bytes after it.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    /// The pointer.
    pub(crate) pointer: Value,
    /// Bytes.
    pub(crate) displacement: i64,
}

impl Address {
    /// Some bytes further on.
    pub(crate) fn plus(self, bytes: i64) -> Address {
        Address { displacement: self.displacement + bytes, ..self }
    }
}

/// Accesses of vectors: they never trap, but may be aligned to the element only.
fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl Emitter<'_, '_> {
    /// Neighbouring elements.
    pub(crate) fn load(&mut self, form: Form, dtype: DType, address: Address) -> Lane {
        if form.is_scalar() {
            return smallvec![self.load_scalar(dtype, address)];
        }
        let part = form.part(dtype);
        match (dtype.size(), form.0) {
            (4 | 8, _) => {
                (0..form.parts(dtype) as i64).map(|index| self.load_bits(part, address.plus(16 * index))).collect()
            }
            (2, _) => {
                let (pointer, offset) = self.reach(address);
                smallvec![if dtype.is_unsigned_int() {
                    self.builder.ins().uload16x4(unaligned(), pointer, offset)
                } else {
                    self.builder.ins().sload16x4(unaligned(), pointer, offset)
                }]
            }
            (_, lanes) => {
                let bits = match lanes {
                    4 => self.load_bits(types::I32, address),
                    _ => {
                        let (pointer, offset) = self.reach(address);
                        self.builder.ins().uload16(types::I32, unaligned(), pointer, offset)
                    }
                };
                let vector = self.builder.ins().scalar_to_vector(types::I32X4, bits);
                let mut wide = self.cast(types::I8X16, vector);
                while self.type_of(wide) != part {
                    wide = if dtype == DType::I8 {
                        self.builder.ins().swiden_low(wide)
                    } else {
                        self.builder.ins().uwiden_low(wide)
                    };
                }
                if dtype.is_bool() {
                    let zero = self.int_constant(part, 0);
                    wide = self.builder.ins().icmp(IntCC::NotEqual, wide, zero);
                }
                smallvec![wide]
            }
        }
    }

    /// Elements in descending order of addresses, the first at `address`.
    pub(crate) fn load_reversed(&mut self, form: Form, dtype: DType, address: Address) -> Lane {
        let ahead = (form.0 as i64 - 1) * dtype.size() as i64;
        let ascending = self.load(form, dtype, address.plus(-ahead));
        let reverse: &[u8] = if self.type_of(ascending[0]).lane_count() == 4 { &[3, 2, 1, 0] } else { &[1, 0] };
        ascending.iter().rev().map(|&part| self.shuffle_lanes(part, part, reverse)).collect()
    }

    /// Every second element of twice as many, the even or the odd ones, counted from `address`.
    pub(crate) fn load_alternate(&mut self, form: Form, dtype: DType, address: Address, odd: bool) -> Lane {
        let half = (form.0 * dtype.size()) as i64;
        let mut parts = self.load(form, dtype, address);
        parts.extend(self.load(form, dtype, address.plus(half)));
        let lanes: &[u8] = match (self.type_of(parts[0]).lane_count(), odd) {
            (4, false) => &[0, 2, 4, 6],
            (4, true) => &[1, 3, 5, 7],
            (_, false) => &[0, 2],
            (_, true) => &[1, 3],
        };
        parts.chunks(2).map(|pair| self.shuffle_lanes(pair[0], pair[1], lanes)).collect()
    }

    /// Elements `step` bytes apart.
    pub(crate) fn load_strided(&mut self, form: Form, dtype: DType, address: Address, step: i64) -> Lane {
        let elements: SmallVec<[Value; 4]> =
            (0..form.0 as i64).map(|index| self.load_scalar(dtype, address.plus(index * step))).collect();
        self.assemble(form, dtype, &elements)
    }

    /// Writes neighbouring elements.
    pub(crate) fn store(&mut self, form: Form, dtype: DType, address: Address, lane: &Lane) {
        if form.is_scalar() {
            return self.store_scalar(dtype, address, lane[0]);
        }
        match (dtype.size(), form.0) {
            (4 | 8, _) => {
                for (index, &part) in lane.iter().enumerate() {
                    self.store_bits(address.plus(16 * index as i64), part);
                }
            }
            (2, _) => {
                let narrow = if dtype.is_unsigned_int() {
                    self.builder.ins().unarrow(lane[0], lane[0])
                } else {
                    self.builder.ins().snarrow(lane[0], lane[0])
                };
                let bits = self.cast(types::I64X2, narrow);
                let bits = self.builder.ins().extractlane(bits, 0);
                self.store_bits(address, bits);
            }
            (_, 4) => {
                let mut wide = lane[0];
                if dtype.is_bool() {
                    let one = self.int_constant(types::I32X4, 1);
                    wide = self.builder.ins().band(wide, one);
                }
                let narrow = self.builder.ins().snarrow(wide, wide);
                let narrow = if dtype == DType::I8 {
                    self.builder.ins().snarrow(narrow, narrow)
                } else {
                    self.builder.ins().unarrow(narrow, narrow)
                };
                let bits = self.cast(types::I32X4, narrow);
                let bits = self.builder.ins().extractlane(bits, 0);
                self.store_bits(address, bits);
            }
            _ => self.store_strided(form, dtype, address, dtype.size() as i64, lane),
        }
    }

    /// Writes two lane values in turns: the first element of one, the first of the other, and so on.
    pub(crate) fn store_interleaved(&mut self, form: Form, dtype: DType, address: Address, even: &Lane, odd: &Lane) {
        let (low, high): (&[u8], &[u8]) = match self.type_of(even[0]).lane_count() {
            4 => (&[0, 4, 1, 5], &[2, 6, 3, 7]),
            _ => (&[0, 2], &[1, 3]),
        };
        let mut parts: SmallVec<[Value; 4]> = SmallVec::new();
        for (&even, &odd) in even.iter().zip(odd) {
            parts.push(self.shuffle_lanes(even, odd, low));
            parts.push(self.shuffle_lanes(even, odd, high));
        }
        let (first, second) = parts.split_at(even.len());
        let half = (form.0 * dtype.size()) as i64;
        self.store(form, dtype, address, &first.into());
        self.store(form, dtype, address.plus(half), &second.into());
    }

    /// Writes elements `step` bytes apart.
    pub(crate) fn store_strided(&mut self, form: Form, dtype: DType, address: Address, step: i64, lane: &Lane) {
        for index in 0..form.0 {
            let element = self.extract(form, dtype, lane, index);
            self.store_scalar(dtype, address.plus(index as i64 * step), element);
        }
    }

    /// One element in the scalar form.
    pub(crate) fn load_scalar(&mut self, dtype: DType, address: Address) -> Value {
        let (pointer, offset) = self.reach(address);
        let flags = MemFlagsData::trusted();
        match dtype {
            DType::Bool => self.builder.ins().load(types::I8, flags, pointer, offset),
            DType::I8 => self.builder.ins().sload8(types::I32, flags, pointer, offset),
            DType::U8 => self.builder.ins().uload8(types::I32, flags, pointer, offset),
            DType::I16 => self.builder.ins().sload16(types::I32, flags, pointer, offset),
            DType::U16 => self.builder.ins().uload16(types::I32, flags, pointer, offset),
            _ => self.builder.ins().load(Form::SCALAR.part(dtype), flags, pointer, offset),
        }
    }

    /// Writes one element in the scalar form.
    pub(crate) fn store_scalar(&mut self, dtype: DType, address: Address, value: Value) {
        let (pointer, offset) = self.reach(address);
        let flags = MemFlagsData::trusted();
        match dtype {
            DType::I8 | DType::U8 => self.builder.ins().istore8(flags, value, pointer, offset),
            DType::I16 | DType::U16 => self.builder.ins().istore16(flags, value, pointer, offset),
            _ => self.builder.ins().store(flags, value, pointer, offset),
        };
    }

    /// A pointer some bytes further on; `factor` times an index, if given.
    pub(crate) fn advance(&mut self, pointer: Value, index: Value, factor: i64) -> Value {
        let bytes = match factor {
            1 => index,
            factor if factor > 0 && factor.count_ones() == 1 => {
                let amount = self.builder.ins().iconst(POINTER, i64::from(factor.trailing_zeros()));
                self.builder.ins().ishl(index, amount)
            }
            factor => {
                let factor = self.builder.ins().iconst(POINTER, factor);
                self.builder.ins().imul(index, factor)
            }
        };
        self.builder.ins().iadd(pointer, bytes)
    }

    fn load_bits(&mut self, ty: Type, address: Address) -> Value {
        let (pointer, offset) = self.reach(address);
        self.builder.ins().load(ty, unaligned(), pointer, offset)
    }

    fn store_bits(&mut self, address: Address, value: Value) {
        let (pointer, offset) = self.reach(address);
        self.builder.ins().store(unaligned(), value, pointer, offset);
    }

    /// Splits an address into a pointer and what an instruction can add to it.
    fn reach(&mut self, address: Address) -> (Value, i32) {
        match i32::try_from(address.displacement) {
            Ok(offset) => (address.pointer, offset),
            Err(_) => {
                let far = self.builder.ins().iconst(POINTER, address.displacement);
                (self.builder.ins().iadd(address.pointer, far), 0)
            }
        }
    }
}
