//! Accumulators of a kernel's reductions.
//!
//! An accumulator lives in the frame from where its loops begin to where they end: as one vector, if its loops include the
//! vector loop, else as one for each vector of the block. The innermost loop has its own accumulators in registers, one for
//! each vector, which are put together and combined with the frame's at its end, in a fixed order.

use super::allocate::Allocation;
use super::assembler::{Memory, Opcode, Source, Ymm};
use super::frame::SCRATCH;
use super::loops::Generator;
use super::nodes::{Code, Pinned};
use super::region::{MOVE, Operand, Region, Shape, Value};
use super::select::{Arg, Element};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{OutputKind, ReduceOp};
use smallvec::smallvec;
use std::collections::HashMap;

/// Where accumulators are, by output and vector of the block; those over the vector loop under 0.
#[derive(Default)]
pub(crate) struct Accumulators {
    homes: HashMap<(usize, usize), Memory>,
}

/// The accumulators of one piece of straight-line code.
pub(crate) struct Totals<'a> {
    /// In registers.
    pinned: Option<&'a Pinned>,
    /// Else those met so far, by output and vector, with what they have come to.
    running: Vec<(usize, usize, Operand)>,
}

impl<'a> Totals<'a> {
    pub(crate) fn new(pinned: Option<&'a Pinned>) -> Totals<'a> {
        Totals { pinned, running: Vec::new() }
    }

    /// The register accumulator of an output for one vector of the block.
    pub(crate) fn pinned(&self, output: usize, vector: usize) -> Option<Value> {
        let found = self.pinned?.iter().find(|&&(other, at, _)| (other, at) == (output, vector));
        found.map(|&(_, _, value)| value)
    }
}

impl Generator<'_> {
    /// Starts the accumulators that `level` loops enclose.
    pub(crate) fn begin(&mut self, level: usize) -> Option<()> {
        let mut code = Code::new(Region::default());
        for (output, op) in self.reductions(level) {
            for vector in self.vectors(output) {
                let home = *self.accumulators.homes.entry((output, vector)).or_insert_with(|| self.frame.vector());
                let Operand::Memory(identity) = self.identity(&mut code, output, op)? else {
                    internal("a literal that is not in memory")
                };
                let identity = code.region.load(MOVE, identity);
                code.region.store(home, identity);
            }
        }
        self.write_once(code.region);
        Some(())
    }

    /// Writes the results of the accumulators that `level` loops enclose.
    pub(crate) fn end(&mut self, level: usize) -> Option<()> {
        for (output, op) in self.reductions(level) {
            let mut code = Code::new(Region::default());
            if self.is_spanning(output) {
                let total = self.across(&mut code, output, op)?;
                self.store_total(&mut code, output, level, total);
            } else {
                for vector in self.vectors(output) {
                    let value = code.region.load(MOVE, self.home(output, vector));
                    self.write(&mut code, output, vector, value)?;
                }
            }
            self.write_once(code.region);
        }
        Some(())
    }

    /// Makes accumulators in registers for the innermost loop.
    pub(crate) fn pin(&self, region: &mut Region) -> Pinned {
        let vectors = self.block().vectors;
        let outputs = (0..self.kernel.outputs.len()).filter(|&output| self.facts.levels[output].is_some());
        outputs
            .flat_map(|output| (0..vectors).map(move |vector| (output, vector)))
            .map(|(output, vector)| (output, vector, region.pinned_value()))
            .collect()
    }

    /// Writes their start.
    pub(crate) fn start_pinned(&mut self, pinned: &Pinned, allocation: &Allocation) -> Option<()> {
        const CLEAR: Opcode = Opcode::new("vxorps", 1, 0, 0x57);
        for (&(output, _, _), &Ymm(register)) in pinned.iter().zip(&allocation.pinned) {
            let OutputKind::Reduce(op) = self.kernel.outputs[output].kind else { internal("a store that accumulates") };
            if op == ReduceOp::Sum {
                self.assembler.vector(CLEAR, register, Some(register), Source::Register(Ymm(register)), None);
            } else {
                let mut code = Code::new(Region::default());
                let Operand::Memory(identity) = self.identity(&mut code, output, op)? else {
                    internal("a literal that is not in memory")
                };
                self.assembler.vector(MOVE, register, None, Source::Memory(identity), None);
            }
        }
        Some(())
    }

    /// Combines them with what is in the frame. They are in the first registers, as pinned values always are.
    pub(crate) fn finish_pinned(&mut self, pinned: &Pinned, allocation: &Allocation) -> Option<()> {
        if pinned.is_empty() {
            return Some(());
        }
        debug_assert!(allocation.pinned.iter().enumerate().all(|(index, register)| register.0 as usize == index));
        let mut code = Code::new(Region::default());
        let values: Vec<(usize, usize, Value)> =
            pinned.iter().map(|&(output, vector, _)| (output, vector, code.region.pinned_value())).collect();
        for output in 0..self.kernel.outputs.len() {
            let OutputKind::Reduce(op) = self.kernel.outputs[output].kind else { continue };
            let mut parts: Vec<Operand> = values
                .iter()
                .filter(|(other, _, _)| *other == output)
                .map(|&(_, _, value)| Operand::Value(value))
                .collect();
            if self.is_spanning(output) {
                while parts.len() > 1 {
                    let mut halves = Vec::new();
                    for pair in parts.chunks(2) {
                        halves.push(match *pair {
                            [a, b] => self.combine(&mut code, output, op, a, b)?,
                            [a] => a,
                            _ => internal("a pair of more than two"),
                        });
                    }
                    parts = halves;
                }
            }
            for (vector, part) in parts.into_iter().enumerate() {
                let home = self.home(output, vector);
                let total = self.combine(&mut code, output, op, part, Operand::Memory(home))?;
                code.region.store(home, total);
            }
        }
        self.write_once(code.region);
        Some(())
    }

    /// Adds a value to an accumulator. Lanes that are not active count as the identity.
    pub(crate) fn accumulate(
        &mut self,
        code: &mut Code,
        output: usize,
        op: ReduceOp,
        vector: usize,
        value: Arg,
        totals: &mut Totals<'_>,
    ) -> Option<()> {
        let mut operand = value.operand;
        if let Some(mask) = self.active_mask() {
            operand = if self.is_float_sum(output) {
                code.region.commutative(Opcode::new("vandps", 1, 0, 0x54), operand, mask)
            } else {
                let identity = self.identity(code, output, op)?;
                let opcode = Opcode::new("vpblendvb", 3, 1, 0x4c);
                code.region.push(Shape::Blend, opcode, None, smallvec![identity, operand, mask])
            };
        }
        if let Some(total) = totals.pinned(output, vector) {
            self.combine(code, output, op, Operand::Value(total), operand)?;
            match code.region.insts.last_mut() {
                Some(last) => last.result = Some(total),
                None => internal("a combination without an instruction"),
            }
            return Some(());
        }
        let key = (output, if self.is_spanning(output) { 0 } else { vector });
        let before = totals.running.iter().position(|&(output, vector, _)| (output, vector) == key);
        let with = match before {
            Some(place) => totals.running[place].2,
            None => Operand::Memory(self.home(key.0, key.1)),
        };
        let total = self.combine(code, output, op, operand, with)?;
        match before {
            Some(place) => totals.running[place].2 = total,
            None => totals.running.push((key.0, key.1, total)),
        }
        Some(())
    }

    /// Puts accumulators back into the frame at the end of straight-line code.
    pub(crate) fn write_totals(&mut self, code: &mut Code, totals: Totals<'_>) {
        for (output, vector, total) in totals.running {
            code.region.store(self.home(output, vector), total);
        }
    }

    /// Whether some sum of floats goes on through the vector loop.
    pub(crate) fn sums(&self) -> bool {
        (0..self.kernel.outputs.len()).any(|output| self.is_float_sum(output) && self.is_spanning(output))
    }

    pub(crate) fn is_float_sum(&self, output: usize) -> bool {
        let output = &self.kernel.outputs[output];
        output.kind == OutputKind::Reduce(ReduceOp::Sum) && self.dtype(output.operand).is_float()
    }

    /// Whether the loops of an accumulator include the vector loop.
    fn is_spanning(&self, output: usize) -> bool {
        self.facts.levels[output].is_some_and(|level| level <= self.vector)
    }

    fn vectors(&self, output: usize) -> std::ops::Range<usize> {
        if self.is_spanning(output) { 0..1 } else { 0..self.block().vectors }
    }

    fn home(&self, output: usize, vector: usize) -> Memory {
        match self.accumulators.homes.get(&(output, vector)) {
            Some(&home) => home,
            None => internal("an accumulator that was not begun"),
        }
    }

    fn reductions(&self, level: usize) -> Vec<(usize, ReduceOp)> {
        let reduction = |(index, output): (usize, &cotangent_ir::kernel::Output)| match output.kind {
            OutputKind::Reduce(op) if self.facts.levels[index] == Some(level) => Some((index, op)),
            _ => None,
        };
        self.kernel.outputs.iter().enumerate().filter_map(reduction).collect()
    }

    fn identity(&mut self, code: &mut Code, output: usize, op: ReduceOp) -> Option<Operand> {
        let dtype = self.dtype(self.kernel.outputs[output].operand);
        self.selector(code).literal(op.identity(dtype))
    }

    fn combine(&mut self, code: &mut Code, output: usize, op: ReduceOp, a: Operand, b: Operand) -> Option<Operand> {
        let element = self.element_of_output(output)?;
        let args = [a, b].map(|operand| Arg { operand, element, constant: None });
        self.selector(code).op(op.combine(), element, &args)
    }

    /// All lanes of an accumulator combined, the upper half with the lower first; the total is in the lowest lane.
    fn across(&mut self, code: &mut Code, output: usize, op: ReduceOp) -> Option<Operand> {
        let Memory::At { base, displacement, .. } = self.home(output, 0) else {
            internal("an accumulator outside of the frame")
        };
        let low = code.region.load(MOVE.short(), Memory::at(base, displacement));
        let high = code.region.load(MOVE.short(), Memory::at(base, displacement + 16));
        let mut total = self.combine(code, output, op, low, high)?;
        let shuffles: &[(Opcode, u8)] = if self.element_of_output(output) == Some(Element::F64) {
            &[(Opcode::new("vshufpd", 1, 1, 0xc6), 0b0001)]
        } else {
            &[(Opcode::new("vshufps", 1, 0, 0xc6), 0x4e), (Opcode::new("vshufps", 1, 0, 0xc6), 0xb1)]
        };
        for &(shuffle, order) in shuffles {
            let shape = Shape::Binary { commutes: false };
            let other = code.region.push(shape, shuffle, Some(order), smallvec![total, total]);
            total = self.combine(code, output, op, total, other)?;
        }
        Some(total)
    }

    /// Writes a total: of all loops, to the chunk's place.
    fn store_total(&mut self, code: &mut Code, output: usize, level: usize, total: Operand) {
        let operand = self.kernel.outputs[output].operand;
        let split = self.split;
        let access = &split.accesses[output];
        let wide = self.dtype(operand).size() == 8;
        let [pointer, chunk] = SCRATCH;
        let group = self.group(operand, access);
        let (register, home) = (group.register, group.home);
        let base = register.unwrap_or(pointer);
        if register.is_none() {
            self.assembler.load(pointer, home);
        }
        let number = self.chunk.filter(|_| level == 0);
        if let Some(number) = number {
            self.assembler.load(chunk, number);
        }
        let size = if wide { 8 } else { 4 };
        let displacement = (access.offset * i64::from(size)) as i32;
        let to = Memory::At { base, index: number.map(|_| (chunk, size as u8)), displacement };
        let opcode =
            if wide { Opcode::new("vmovsd", 1, 3, 0x11).short() } else { Opcode::new("vmovss", 1, 2, 0x11).short() };
        code.region.store_with(opcode, to, total);
    }
}
