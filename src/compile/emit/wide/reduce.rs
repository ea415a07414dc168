//! Accumulators of a kernel's reductions.
//!
//! An accumulator lives in the frame from where its loops begin to where they end: as one vector, if its loops include the
//! vector loop, else as one for each vector of the block. The innermost loop has its own accumulators in registers, one for
//! each vector, which are put together and combined with the frame's at its end, in a fixed order.

use super::assembler::{Memory, Opcode, Source, Ymm};
use super::frame::SCRATCH;
use super::generator::Generator;
use super::nodes::{Code, Pinned};
use super::region::{MOVE, Operand, Region, Shape, Value};
use super::select::{Arg, Lane};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{OutputKind, ReduceOp};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// Where accumulators are, by output and vector of the block: of those over the vector loop one vector, under 0, of others
/// as many as a lane value has.
#[derive(Default)]
pub(crate) struct Accumulators {
    homes: HashMap<(usize, usize), SmallVec<[Memory; 2]>>,
}

/// The accumulators of one piece of straight-line code.
pub(crate) struct Totals<'a> {
    /// In registers.
    pinned: Option<&'a Pinned>,
    /// Else those met so far, by output and vector, with what they have come to.
    running: Vec<(usize, usize, Lane)>,
}

impl<'a> Totals<'a> {
    pub(crate) fn new(pinned: Option<&'a Pinned>) -> Totals<'a> {
        Totals { pinned, running: Vec::new() }
    }

    /// The register accumulator of an output for one vector of the block.
    pub(crate) fn pinned(&self, output: usize, vector: usize) -> Option<&SmallVec<[Value; 2]>> {
        let found = self.pinned?.iter().find(|&&(other, at, _)| (other, at) == (output, vector));
        found.map(|(_, _, values)| values)
    }
}

impl Generator<'_> {
    /// Starts the accumulators that `level` loops enclose.
    pub(crate) fn begin(&mut self, level: usize) -> Option<()> {
        let mut code = Code::new(Region::default());
        for (output, op) in self.reductions(level) {
            for vector in self.vectors(output) {
                let parts = if self.is_spanning(output) { 1 } else { self.output_parts(output)? };
                let frame = &mut self.frame;
                let homes = self.accumulators.homes.entry((output, vector));
                let homes = homes.or_insert_with(|| (0..parts).map(|_| frame.vector()).collect()).clone();
                let identity = self.identity(&mut code, output, op)?;
                let identity = code.region.load(MOVE, identity);
                homes.into_iter().for_each(|home| code.region.store(home, identity));
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
                    let homes = self.homes(output, vector);
                    let lane = homes.into_iter().map(|home| code.region.load(MOVE, home)).collect();
                    self.write(&mut code, output, vector, &lane)?;
                }
            }
            self.write_once(code.region);
        }
        Some(())
    }

    /// Makes accumulators in registers for the innermost loop.
    pub(crate) fn pin(&self, region: &mut Region) -> Option<Pinned> {
        let mut pinned = Pinned::new();
        for output in (0..self.kernel.outputs.len()).filter(|&output| self.facts.levels[output].is_some()) {
            let parts = self.output_parts(output)?;
            for vector in 0..self.block().vectors {
                pinned.push((output, vector, (0..parts).map(|_| region.pinned_value()).collect()));
            }
        }
        Some(pinned)
    }

    /// Writes their start. They are in the first registers in their order, as pinned values always are.
    pub(crate) fn start_pinned(&mut self, pinned: &Pinned) -> Option<()> {
        const CLEAR: Opcode = Opcode::new("vxorps", 1, 0, 0x57);
        let mut register = 0;
        for (output, _, parts) in pinned {
            let OutputKind::Reduce(op) = self.kernel.outputs[*output].kind else {
                internal("a store that accumulates")
            };
            for _ in parts {
                if op == ReduceOp::Sum {
                    self.assembler.vector(CLEAR, register, Some(register), Source::Register(Ymm(register)), None);
                } else {
                    let identity = self.identity(&mut Code::new(Region::default()), *output, op)?;
                    self.assembler.vector(MOVE, register, None, Source::Memory(identity), None);
                }
                register += 1;
            }
        }
        Some(())
    }

    /// Combines them with what is in the frame.
    pub(crate) fn finish_pinned(&mut self, pinned: &Pinned) -> Option<()> {
        if pinned.is_empty() {
            return Some(());
        }
        let mut code = Code::new(Region::default());
        let mut values = Vec::new();
        for (output, vector, parts) in pinned {
            let lane: Lane = parts.iter().map(|_| Operand::Value(code.region.pinned_value())).collect();
            values.push((*output, *vector, lane));
        }
        for output in 0..self.kernel.outputs.len() {
            let OutputKind::Reduce(op) = self.kernel.outputs[output].kind else { continue };
            let lanes = values.iter().filter(|(other, _, _)| *other == output);
            if self.is_spanning(output) {
                let parts: Vec<Operand> = lanes.flat_map(|(_, _, lane)| lane.clone()).collect();
                let total = self.pairwise(&mut code, output, op, parts)?;
                let home = self.homes(output, 0)[0];
                let total = self.combine(&mut code, output, op, total, Operand::Memory(home))?;
                code.region.store(home, total);
                continue;
            }
            for (_, vector, lane) in lanes.cloned().collect::<Vec<_>>() {
                for (home, part) in self.homes(output, vector).into_iter().zip(lane) {
                    let total = self.combine(&mut code, output, op, part, Operand::Memory(home))?;
                    code.region.store(home, total);
                }
            }
        }
        self.write_once(code.region);
        Some(())
    }

    /// Vectors combined, neighbours first.
    fn pairwise(&mut self, code: &mut Code, output: usize, op: ReduceOp, mut parts: Vec<Operand>) -> Option<Operand> {
        while parts.len() > 1 {
            let mut halves = Vec::new();
            for pair in parts.chunks(2) {
                halves.push(match *pair {
                    [a, b] => self.combine(code, output, op, a, b)?,
                    _ => pair[0],
                });
            }
            parts = halves;
        }
        parts.pop()
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
        if self.order.in_memory.is_some() {
            return self.add_to_sum(code, output, op, vector, value.lane);
        }
        let mut lane = value.lane;
        if let Some(mask) = self.active_mask() {
            let masks = self.selector(code).masks(&smallvec![mask], value.element);
            for (part, mask) in lane.iter_mut().zip(masks) {
                *part = if self.is_float_sum(output) {
                    code.region.commutative(Opcode::new("vandps", 1, 0, 0x54), *part, mask)
                } else {
                    let identity = Operand::Memory(self.identity(code, output, op)?);
                    self.selector(code).blend(mask, *part, identity)
                };
            }
        }
        if let Some(totals) = totals.pinned(output, vector) {
            for (&total, part) in totals.iter().zip(lane) {
                self.combine(code, output, op, Operand::Value(total), part)?;
                match code.region.insts.last_mut() {
                    Some(last) => last.result = Some(total),
                    None => internal("a combination without an instruction"),
                }
            }
            return Some(());
        }
        let spanning = self.is_spanning(output);
        if spanning {
            lane = smallvec![self.pairwise(code, output, op, lane.to_vec())?];
        }
        let key = (output, if spanning { 0 } else { vector });
        let before = totals.running.iter().position(|&(output, vector, _)| (output, vector) == key);
        let with: Lane = match before {
            Some(place) => totals.running[place].2.clone(),
            None => self.homes(key.0, key.1).into_iter().map(Operand::Memory).collect(),
        };
        for (part, with) in lane.iter_mut().zip(with) {
            *part = self.combine(code, output, op, *part, with)?;
        }
        match before {
            Some(place) => totals.running[place].2 = lane,
            None => totals.running.push((key.0, key.1, lane)),
        }
        Some(())
    }

    /// Puts accumulators back into the frame at the end of straight-line code.
    pub(crate) fn write_totals(&mut self, code: &mut Code, totals: Totals<'_>) {
        for (output, vector, lane) in totals.running {
            for (home, total) in self.homes(output, vector).into_iter().zip(lane) {
                code.region.store(home, total);
            }
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

    fn homes(&self, output: usize, vector: usize) -> SmallVec<[Memory; 2]> {
        match self.accumulators.homes.get(&(output, vector)) {
            Some(homes) => homes.clone(),
            None => internal("an accumulator that was not begun"),
        }
    }

    fn output_parts(&self, output: usize) -> Option<usize> {
        Some(self.width.parts(self.element_of_output(output)?))
    }

    fn reductions(&self, level: usize) -> Vec<(usize, ReduceOp)> {
        let reduction = |(index, output): (usize, &cotangent_ir::kernel::Output)| match output.kind {
            OutputKind::Reduce(op) if self.facts.levels[index] == Some(level) => Some((index, op)),
            _ => None,
        };
        self.kernel.outputs.iter().enumerate().filter_map(reduction).collect()
    }

    fn identity(&mut self, code: &mut Code, output: usize, op: ReduceOp) -> Option<Memory> {
        let dtype = self.dtype(self.kernel.outputs[output].operand);
        let element = self.element_of_output(output)?;
        match self.selector(code).literal(op.identity(dtype), element)?[0] {
            Operand::Memory(memory) => Some(memory),
            Operand::Value(_) => internal("a literal that is not in memory"),
        }
    }

    pub(super) fn combine(
        &mut self,
        code: &mut Code,
        output: usize,
        op: ReduceOp,
        a: Operand,
        b: Operand,
    ) -> Option<Operand> {
        let element = self.element_of_output(output)?;
        let args = [a, b].map(|operand| Arg { lane: smallvec![operand], element, constant: None });
        Some(self.selector(code).op(op.combine(), element, &args)?[0])
    }

    /// All lanes of an accumulator combined, the upper half with the lower first; the total is in the lowest lane.
    fn across(&mut self, code: &mut Code, output: usize, op: ReduceOp) -> Option<Operand> {
        let home = self.homes(output, 0)[0];
        let low = code.region.load(MOVE.short(), home);
        let high = code.region.load(MOVE.short(), home.plus(16));
        let mut total = self.combine(code, output, op, low, high)?;
        let shuffles: &[(Opcode, u8)] = if self.element_of_output(output)?.is_wide() {
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
        let size = self.dtype(operand).size();
        let displacement = access.offset as i32 * size as i32;
        let to = Memory::At { base, index: number.map(|_| (chunk, size as u8)), displacement };
        if self.dtype(operand).is_bool() {
            return self.write_bool(code, to, total);
        }
        let opcode =
            if wide { Opcode::new("vmovsd", 1, 3, 0x11).short() } else { Opcode::new("vmovss", 1, 2, 0x11).short() };
        code.region.store_with(opcode, to, total);
    }
}
