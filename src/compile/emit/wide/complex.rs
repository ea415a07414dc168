//! Elements of a vector that are not neighbours: the parts of complex numbers, which alternate in memory, and any stride.
//!
//! Alternating elements are moved as two whole vectors, which shuffles take apart or put together. Others are read one by
//! one. Neither can be done under a mask known only at run time; loops over them end in single elements.

use super::assembler::{Memory, Opcode};
use super::frame::View;
use super::generator::{Active, Generator};
use super::nodes::{Code, Part};
use super::region::{MOVE, Operand, STORE, Shape};
use super::select::{Lane, SWAP};
use crate::compile::emit::split::Split;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, NodeKind, OutputKind};
use smallvec::smallvec;

const MOVSS: Opcode = Opcode::new("vmovss", 1, 2, 0x10).short();
const MOVSD: Opcode = Opcode::new("vmovsd", 1, 3, 0x10).short();
const INSERTPS: Opcode = Opcode::new("vinsertps", 3, 1, 0x21).short();
const INSERT: Opcode = Opcode::new("vinsertf128", 3, 1, 0x18);

/// The output that stores the elements between those of an output which stores every second one.
pub(crate) fn store_partner(view: View<'_>, split: &Split, output: usize) -> Option<usize> {
    let (kernel, access) = (view.kernel, &split.accesses[output]);
    if kernel.outputs[output].kind != OutputKind::Store || view.step(access) != 2 {
        return None;
    }
    // Offsets of partners are 2 k and 2 k + 1, so that each has one.
    let offset = access.offset ^ 1;
    (0..kernel.outputs.len()).find(|&other| {
        kernel.outputs[other].kind == OutputKind::Store
            && kernel.outputs[other].operand == kernel.outputs[output].operand
            && split.accesses[other] == Access { offset, ..access.clone() }
    })
}

impl Generator<'_> {
    /// Reads elements that are not neighbours.
    pub(crate) fn read_apart(&mut self, code: &mut Code, operand: u32, access: &Access, vector: usize) -> Option<Lane> {
        let even = Access { offset: access.offset & !1, ..access.clone() };
        if self.view.step(access) == 2 && self.is_read(operand, &even) && self.is_read_after(operand, &even) {
            return self.read_alternate(code, operand, &even, vector, access.offset != even.offset);
        }
        let wide = self.dtype(operand).size() == 8;
        let step = self.view.step(access) as i32 * if wide { 8 } else { 4 };
        let address = self.address(operand, access, vector)?;
        let count = self.active_lanes();
        let per_vector = if wide { 4 } else { 8 };
        let vectors = self.parts(wide);
        let read = |part: usize| {
            let first = part * per_vector;
            let count = count.saturating_sub(first).min(per_vector);
            self.read_elements(code, address.plus(first as i32 * step), step, count, wide)
        };
        Some((0..vectors).map(read).collect())
    }

    fn is_read(&self, operand: u32, access: &Access) -> bool {
        let same =
            |kind: &NodeKind| matches!(kind, NodeKind::Load { operand: o, access: a } if *o == operand && a == access);
        self.split.nodes.iter().any(|node| same(&node.kind))
    }

    fn is_read_after(&self, operand: u32, access: &Access) -> bool {
        self.is_read(operand, &Access { offset: access.offset + 1, ..access.clone() })
    }

    /// The even or odd elements of a range that is read as a whole.
    fn read_alternate(
        &mut self,
        code: &mut Code,
        operand: u32,
        even: &Access,
        vector: usize,
        odd: bool,
    ) -> Option<Lane> {
        let wide = self.dtype(operand).size() == 8;
        let key = (operand, even.clone(), vector);
        if !code.pairs.contains_key(&key) {
            let address = self.address(operand, even, vector)?;
            let bytes = self.active_bytes(2, wide);
            let count = 2 * self.parts(wide);
            let read = |number: usize| {
                let address = address.plus(32 * number as i32);
                self.load_bytes(code, address, bytes.map(|bytes| bytes.saturating_sub(32 * number)))
            };
            let vectors = (0..count).map(read).collect();
            code.pairs.insert(key.clone(), vectors);
        }
        let vectors: Vec<Operand> = code.pairs[&key].clone();
        let (opcode, order) = match (wide, odd) {
            (false, false) => (Opcode::new("vshufps", 1, 0, 0xc6), 0x88),
            (false, true) => (Opcode::new("vshufps", 1, 0, 0xc6), 0xdd),
            (true, false) => (Opcode::new("vshufpd", 1, 1, 0xc6), 0x00),
            (true, true) => (Opcode::new("vshufpd", 1, 1, 0xc6), 0x0f),
        };
        let pick = |pair: &[Operand]| {
            let shape = Shape::Binary { commutes: false };
            let picked = code.region.push(shape, opcode, Some(order), smallvec![pair[0], pair[1]]);
            code.region.push(Shape::Unary, SWAP, Some(0xd8), smallvec![picked])
        };
        Some(vectors.chunks(2).map(pick).collect())
    }

    /// Writes two lane values in turns, `even` from the element of its access on.
    pub(crate) fn write_alternate(
        &mut self,
        code: &mut Code,
        output: usize,
        vector: usize,
        (even, odd): (&Lane, &Lane),
    ) -> Option<()> {
        let operand = self.kernel.outputs[output].operand;
        let wide = self.dtype(operand).size() == 8;
        let split = self.split;
        let address = self.address(operand, &split.accesses[output], vector)?;
        let (low, high) = if wide {
            (Opcode::new("vunpcklpd", 1, 1, 0x14), Opcode::new("vunpckhpd", 1, 1, 0x15))
        } else {
            (Opcode::new("vunpcklps", 1, 0, 0x14), Opcode::new("vunpckhps", 1, 0, 0x15))
        };
        const HALVES: Opcode = Opcode::new("vperm2f128", 3, 1, 0x06);
        let bytes = self.active_bytes(2, wide);
        let shape = Shape::Binary { commutes: false };
        let mut number = 0;
        for (&even, &odd) in even.iter().zip(odd) {
            let low = code.region.binary(low, even, odd);
            let high = code.region.binary(high, even, odd);
            for order in [0x20, 0x31] {
                let value = code.region.push(shape, HALVES, Some(order), smallvec![low, high]);
                let address = address.plus(32 * number as i32);
                self.store_bytes(code, address, value, bytes.map(|bytes| bytes.saturating_sub(32 * number)));
                number += 1;
            }
        }
        Some(())
    }

    /// How many lanes there are at most.
    pub(super) fn active_lanes(&self) -> usize {
        match self.block().active {
            Active::All => self.lanes as usize,
            Active::First(lanes) => lanes,
            Active::Masked(_) | Active::Some(_) => internal("a mask over elements that are not neighbours"),
        }
    }

    /// How many bytes the active lanes take with so many elements each; none if all lanes are.
    fn active_bytes(&self, elements: usize, wide: bool) -> Option<usize> {
        let size = if wide { 8 } else { 4 };
        match self.block().active {
            Active::All => None,
            _ => Some(self.active_lanes() * elements * size),
        }
    }

    fn load_bytes(&mut self, code: &mut Code, address: Memory, bytes: Option<usize>) -> Operand {
        let part = bytes.map_or(Part::Whole, |bytes| self.part_of_bytes(bytes));
        match part {
            Part::Whole => code.region.load(MOVE, address),
            Part::Opcode { load, .. } => code.region.load(load, address),
            Part::Masked(mask) => code.region.load_masked(Opcode::new("vmaskmovps", 2, 1, 0x2c), mask, address),
            Part::Nothing => Operand::Memory(self.assembler.constant(&[0; 32])),
        }
    }

    fn store_bytes(&mut self, code: &mut Code, address: Memory, value: Operand, bytes: Option<usize>) {
        let part = bytes.map_or(Part::Whole, |bytes| self.part_of_bytes(bytes));
        match part {
            Part::Whole => code.region.store_with(STORE, address, value),
            Part::Opcode { store, .. } => code.region.store_with(store, address, value),
            Part::Masked(mask) => {
                code.region.store_masked(Opcode::new("vmaskmovps", 2, 1, 0x2e), address, mask, value);
            }
            Part::Nothing => {}
        }
    }

    /// A vector of elements `step` bytes apart, zeros from the count on.
    fn read_elements(&mut self, code: &mut Code, address: Memory, step: i32, count: usize, wide: bool) -> Operand {
        let shape = Shape::Binary { commutes: false };
        let (first, insert, per_half) =
            if wide { (MOVSD, Opcode::new("vmovhpd", 1, 1, 0x16).short(), 2) } else { (MOVSS, INSERTPS, 4) };
        let mut halves = Vec::new();
        for half in 0..count.div_ceil(per_half) {
            let mut value = code.region.load(first, address.plus((half * per_half) as i32 * step));
            for lane in 1..(count - half * per_half).min(per_half) {
                let element = Operand::Memory(address.plus((half * per_half + lane) as i32 * step));
                let immediate = (!wide).then_some((lane as u8) << 4);
                value = code.region.push(shape, insert, immediate, smallvec![value, element]);
            }
            halves.push(value);
        }
        match *halves.as_slice() {
            [low, high] => code.region.push(shape, INSERT, Some(1), smallvec![low, high]),
            [low] => low,
            _ => Operand::Memory(self.assembler.constant(&[0; 32])),
        }
    }
}
