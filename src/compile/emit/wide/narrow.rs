//! Elements of one and two bytes: bools, which are masks in a kernel, and small integers, which are read as 32-bit ones.
//!
//! No instruction moves some of them under a mask, so that loops over them end in single elements.

use super::assembler::{Memory, Opcode};
use super::generator::{Active, Generator};
use super::nodes::Code;
use super::region::{Operand, Shape};
use super::select::{Element, Lane, SWAP, Width};
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::Access;
use smallvec::smallvec;

const BYTE_TO_MEMORY: Opcode = Opcode::new("vpextrb", 3, 1, 0x14).short();

/// Whether elements of a dtype are moved by this file.
pub(crate) fn is_narrow(dtype: DType) -> bool {
    dtype.size() < 4
}

impl Generator<'_> {
    /// Reads elements of one or two bytes that are neighbours, or the same in all lanes.
    pub(crate) fn read_narrow(
        &mut self,
        code: &mut Code,
        operand: u32,
        access: &Access,
        vector: usize,
    ) -> Option<Lane> {
        let dtype = self.dtype(operand);
        let address = self.address(operand, access, vector)?;
        let four = self.width == Width::Four;
        let bytes = dtype.size();
        if self.view.step(access) == 0 {
            let (name, byte) = if bytes == 1 { ("vpbroadcastb", 0x78) } else { ("vpbroadcastw", 0x79) };
            let everywhere = code.region.load(Opcode::new(name, 2, 1, byte), address);
            let value = match dtype {
                DType::Bool => everywhere,
                _ => code.region.unary(widen(dtype, four)?, everywhere),
            };
            return Some(smallvec![self.truth(code, dtype, value)]);
        }
        let widen = widen(dtype, four)?;
        let value = match self.block().active {
            Active::All => code.region.load(widen, address),
            Active::First(count) => {
                let (name, map, byte) = if bytes == 1 { ("vpinsrb", 3, 0x20) } else { ("vpinsrw", 1, 0xc4) };
                let insert = Opcode::new(name, map, 1, byte).short();
                let mut packed = Operand::Memory(self.assembler.constant(&[0; 32]));
                for lane in 0..count {
                    let element = Operand::Memory(address.plus((lane * bytes) as i32));
                    let shape = Shape::Binary { commutes: false };
                    packed = code.region.push(shape, insert, Some(lane as u8), smallvec![packed, element]);
                }
                code.region.unary(widen, packed)
            }
            Active::Masked(_) | Active::Some(_) => internal("a mask over elements of one or two bytes"),
        };
        Some(smallvec![self.truth(code, dtype, value)])
    }

    /// A bool's mask; other values are what they are.
    fn truth(&mut self, code: &mut Code, dtype: DType, value: Operand) -> Operand {
        if !dtype.is_bool() {
            return value;
        }
        let zero = Operand::Memory(self.assembler.constant(&[0; 32]));
        let greater = match self.width {
            Width::Eight => Opcode::new("vpcmpgtd", 1, 1, 0x66),
            Width::Four => Opcode::new("vpcmpgtq", 2, 1, 0x37),
        };
        code.region.binary(greater, value, zero)
    }

    /// Writes bools.
    pub(crate) fn write_bools(&mut self, code: &mut Code, address: Memory, mask: Operand) {
        let packed = self.bytes_of(code, mask);
        match (self.block().active, self.width) {
            (Active::All, Width::Eight) => {
                code.region.store_with(Opcode::new("vmovq", 1, 1, 0xd6).short(), address, packed);
            }
            (Active::All, Width::Four) => {
                code.region.store_with(Opcode::new("vmovd", 1, 1, 0x7e).short(), address, packed);
            }
            (Active::First(count), _) => {
                for lane in 0..count {
                    code.region.store_lane(BYTE_TO_MEMORY, address.plus(lane as i32), lane as u8, packed);
                }
            }
            (Active::Masked(_) | Active::Some(_), _) => internal("a mask over bools"),
        }
    }

    /// Writes the bool of the first lane.
    pub(crate) fn write_bool(&mut self, code: &mut Code, address: Memory, mask: Operand) {
        let packed = self.bytes_of(code, mask);
        code.region.store_lane(BYTE_TO_MEMORY, address, 0, packed);
    }

    /// The lanes of a mask as bytes, 0 or 1, at the beginning of a vector.
    fn bytes_of(&mut self, code: &mut Code, mask: Operand) -> Operand {
        let shape = Shape::Binary { commutes: false };
        let one = match self.width {
            Width::Eight => self.assembler.constant(&1u32.to_le_bytes().repeat(8)),
            Width::Four => self.assembler.constant(&1u64.to_le_bytes().repeat(4)),
        };
        let bits = code.region.commutative(Opcode::new("vpand", 1, 1, 0xdb), mask, Operand::Memory(one));
        let high = code.region.push(Shape::Unary, SWAP, Some(0x4e), smallvec![bits]);
        let pack_words = Opcode::new("vpackssdw", 1, 1, 0x6b).short();
        let words = match self.width {
            Width::Eight => code.region.binary(pack_words, bits, high),
            Width::Four => {
                let even = Opcode::new("vshufps", 1, 0, 0xc6).short();
                let four = code.region.push(shape, even, Some(0x88), smallvec![bits, high]);
                code.region.binary(pack_words, four, four)
            }
        };
        code.region.binary(Opcode::new("vpacksswb", 1, 1, 0x63).short(), words, words)
    }
}

/// The instruction that widens neighbouring elements to lanes.
fn widen(dtype: DType, four: bool) -> Option<Opcode> {
    Some(match (dtype, four) {
        (DType::Bool, true) => Opcode::new("vpmovzxbq", 2, 1, 0x32),
        (DType::Bool | DType::U8, false) => Opcode::new("vpmovzxbd", 2, 1, 0x31),
        (DType::I8, false) => Opcode::new("vpmovsxbd", 2, 1, 0x21),
        (DType::U16, false) => Opcode::new("vpmovzxwd", 2, 1, 0x33),
        (DType::I16, false) => Opcode::new("vpmovsxwd", 2, 1, 0x23),
        _ => return None,
    })
}

/// What a small integer that is read is held in.
pub(crate) fn element(dtype: DType) -> Option<Element> {
    matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16).then_some(Element::I32)
}
