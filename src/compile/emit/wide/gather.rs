//! Reads at positions that are computed: every lane has an address of its own.
//!
//! The summands of the positions are added up in 32-bit lanes, in elements; the instruction multiplies and adds the pointer.

use super::assembler::Opcode;
use super::generator::Generator;
use super::nodes::Code;
use super::region::{Operand, Shape};
use super::select::{Element, Lane, SWAP};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, NodeId};
use smallvec::smallvec;

const ADD: Opcode = Opcode::new("vpaddd", 1, 1, 0xfe);

impl Generator<'_> {
    /// Reads one element a lane.
    pub(crate) fn gather(&mut self, code: &mut Code, operand: u32, access: &Access, vector: usize) -> Option<Lane> {
        let wide = self.dtype(operand).size() == 8;
        let address = self.address(operand, access, vector)?;
        let positions = self.positions(code, access, vector)?;
        let all = Operand::Memory(self.assembler.constant(&[0xff; 32]));
        // What is the same in all lanes may be read before there are lanes.
        let differs = |&(node, _): &(NodeId, i64)| self.facts.varies[node.index()];
        let uniform = self.view.step(access) == 0 && !access.dynamic.iter().any(differs);
        let mask = if uniform { None } else { self.active_mask() }.unwrap_or(all);
        if !wide {
            let opcode = Opcode::new("vgatherdps", 2, 1, 0x92);
            return Some(smallvec![code.region.gather(opcode, address, 4, positions, mask)]);
        }
        let masks = self.selector(code).masks(&smallvec![mask], Element::F64);
        let opcode = Opcode::new("vgatherdpd", 2, 1, 0x92).w();
        let mut positions = positions;
        let read = |&mask: &Operand| {
            let value = code.region.gather(opcode, address, 8, positions, mask);
            positions = code.region.push(Shape::Unary, SWAP, Some(0x4e), smallvec![positions]);
            value
        };
        Some(masks.iter().map(read).collect())
    }

    /// The sum of the summands of a position that change, and of the lanes' own steps.
    pub(crate) fn positions(&mut self, code: &mut Code, access: &Access, vector: usize) -> Option<Operand> {
        let mut total = None;
        let mut add = |code: &mut Code, summand: Operand| {
            total = Some(match total {
                Some(total) => code.region.commutative(ADD, total, summand),
                None => summand,
            });
        };
        let step = i32::try_from(self.view.step(access)).ok()?;
        for &(node, factor) in access.dynamic.iter().filter(|(node, _)| self.facts.depth[node.index()] > 0) {
            let arg = self.arg(code, node, vector)?;
            let factor = i32::try_from(factor).ok()?;
            let mut summand = arg.lane[0];
            if factor != 1 {
                let factor = Operand::Memory(self.assembler.constant(&factor.to_le_bytes().repeat(8)));
                summand = code.region.commutative(Opcode::new("vpmulld", 2, 1, 0x40), summand, factor);
            }
            add(code, summand);
        }
        if step != 0 {
            let bytes: Vec<u8> = (0..8).flat_map(|lane| (lane * step).to_le_bytes()).collect();
            let steps = Operand::Memory(self.assembler.constant(&bytes));
            add(code, steps);
        }
        Some(total.unwrap_or_else(|| internal("an access of lanes without positions")))
    }
}
