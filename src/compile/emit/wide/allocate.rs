//! Registers for straight-line vector code.
//!
//! One walk through the instructions: an operand is brought into a register when an instruction needs it there, a value
//! gives its register up after its last use, and when none is free the one whose content is needed furthest in the future
//! is taken (Belady's rule). Contents that exist in memory anyway, constants and what the frame keeps, are dropped;
//! others are spilled to the frame.
//!
//! Before a loop, registers that its body leaves unused are given to the memory it reads most often.

use super::assembler::{Assembler, Memory, Opcode, Source, Ymm};
use super::detour::{self, Detour};
use super::region::{Helper, Inst, MOVE, Operand, Region, STORE, Shape, Value, is_steady};
use super::scatter;
use cotangent_ir::error::internal;
use smallvec::SmallVec;
use std::collections::HashMap;

/// Vector registers.
const REGISTERS: usize = 16;
/// Moves between registers, which the processor does by renaming.
const COPY: Opcode = Opcode::new("vmovaps", 1, 0, 0x28);
/// Memory considered for registers of its own in a loop.
const CANDIDATES: usize = 12;

/// An instruction with registers.
#[derive(Clone, Copy)]
enum Placed {
    /// A vector instruction.
    Vector { opcode: Opcode, reg: u8, vvvv: Option<u8>, rm: Source, immediate: Option<u8> },
    /// A call that is rarely made.
    Rare { helper: Helper, argument: u8, mask: u8, result: u8 },
    /// Lanes combined with memory, by way of a register.
    Scatter { lanes: scatter::Lanes, address: Memory, register: u8 },
}

/// Code with registers.
pub(crate) struct Allocation {
    code: Vec<Placed>,
    /// Memory that must be in registers when the code starts.
    promoted: Vec<(Memory, Ymm)>,
    spills: usize,
}

impl Allocation {
    /// Loads what the code expects in registers.
    pub(crate) fn write_entry(&self, assembler: &mut Assembler) {
        for &(memory, Ymm(register)) in &self.promoted {
            assembler.vector(MOVE, register, None, Source::Memory(memory), None);
        }
    }

    /// Writes the code; what is rarely done is added to `detours`.
    pub(crate) fn write(&self, assembler: &mut Assembler, detours: &mut Vec<Detour>) {
        for &placed in &self.code {
            match placed {
                Placed::Vector { opcode, reg, vvvv, rm, immediate } => {
                    assembler.vector(opcode, reg, vvvv, rm, immediate);
                }
                Placed::Rare { helper, argument, mask, result } => {
                    detours.push(detour::leave(assembler, helper, argument, mask, result));
                }
                Placed::Scatter { lanes, address, register } => scatter::write(assembler, lanes, address, register),
            }
        }
    }
}

/// Assigns registers to code that runs once. `slot` gives room for a vector in the frame.
pub(crate) fn once(region: &Region, slot: impl FnMut(usize) -> Memory) -> Allocation {
    Allocator::new(region, &[], slot).run()
}

/// Assigns registers to the body of a loop.
pub(crate) fn repeated(region: &Region, mut slot: impl FnMut(usize) -> Memory) -> Allocation {
    let candidates = steady_memory(region);
    let room = REGISTERS.saturating_sub(region.pinned.len() + 3);
    let mut best: Option<Allocation> = None;
    for count in (0..=candidates.len().min(room).min(CANDIDATES)).rev() {
        let allocation = Allocator::new(region, &candidates[..count], &mut slot).run();
        let free_of_spills = allocation.spills == 0;
        if best.as_ref().is_none_or(|best| allocation.code.len() < best.code.len()) {
            best = Some(allocation);
        }
        if free_of_spills {
            break;
        }
    }
    best.unwrap_or_else(|| internal("a loop without code"))
}

/// The steady memory that a region reads and does not write, the most used first.
fn steady_memory(region: &Region) -> Vec<Memory> {
    let mut counts: Vec<(Memory, usize)> = Vec::new();
    for arg in region.insts.iter().flat_map(|inst| &inst.args) {
        if let Operand::Memory(memory) = *arg
            && is_steady(memory)
            && !is_written(region, memory)
        {
            match counts.iter_mut().find(|(known, _)| *known == memory) {
                Some((_, count)) => *count += 1,
                None => counts.push((memory, 1)),
            }
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts.into_iter().map(|(memory, _)| memory).collect()
}

fn is_written(region: &Region, memory: Memory) -> bool {
    region.insts.iter().any(|inst| inst.stores() && inst.memory == Some(memory))
}

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    /// A value.
    Value(Value),
    /// A copy of memory that does not change.
    Steady(Memory),
    /// Something that must stay.
    Fixed,
    /// Something for the instruction at hand only.
    Passing,
}

struct Allocator<'a, S> {
    region: &'a Region,
    slot: S,
    registers: [Option<Content>; REGISTERS],
    /// The register of each value.
    places: Vec<Option<u8>>,
    /// Where each value is in the frame, if it is.
    homes: Vec<Option<Memory>>,
    /// Where each value is used, last first.
    uses: Vec<Vec<usize>>,
    /// Where steady memory is used, last first.
    steady_uses: HashMap<Memory, Vec<usize>>,
    fixed: HashMap<Memory, u8>,
    position: usize,
    spills: usize,
    code: Vec<Placed>,
    promoted: Vec<(Memory, Ymm)>,
}

impl<'a, S: FnMut(usize) -> Memory> Allocator<'a, S> {
    fn new(region: &'a Region, promoted: &[Memory], slot: S) -> Allocator<'a, S> {
        let values = region.values as usize;
        let mut uses = vec![Vec::new(); values];
        let mut steady_uses: HashMap<Memory, Vec<usize>> = HashMap::new();
        for (position, inst) in region.insts.iter().enumerate().rev() {
            for arg in &inst.args {
                match *arg {
                    Operand::Value(value) => uses[value.0 as usize].push(position),
                    Operand::Memory(memory) if is_steady(memory) => {
                        steady_uses.entry(memory).or_default().push(position);
                    }
                    Operand::Memory(_) => {}
                }
            }
        }
        let mut allocator = Allocator {
            region,
            slot,
            registers: [None; REGISTERS],
            places: vec![None; values],
            homes: vec![None; values],
            uses,
            steady_uses,
            fixed: HashMap::new(),
            position: 0,
            spills: 0,
            code: Vec::new(),
            promoted: Vec::new(),
        };
        let mut next = 0u8;
        for value in &region.pinned {
            allocator.places[value.0 as usize] = Some(next);
            allocator.registers[next as usize] = Some(Content::Fixed);
            next += 1;
        }
        for &memory in promoted {
            allocator.fixed.insert(memory, next);
            allocator.registers[next as usize] = Some(Content::Fixed);
            allocator.promoted.push((memory, Ymm(next)));
            next += 1;
        }
        allocator
    }

    fn run(mut self) -> Allocation {
        for (position, inst) in self.region.insts.iter().enumerate() {
            self.position = position;
            self.instruction(inst);
        }
        Allocation { code: self.code, promoted: self.promoted, spills: self.spills }
    }

    fn instruction(&mut self, inst: &Inst) {
        let mut locked: SmallVec<[u8; 4]> = SmallVec::new();
        // What is in registers already must not be taken for the others.
        locked.extend(inst.args.iter().filter_map(|arg| self.in_register(arg)));
        match inst.shape {
            Shape::Load => self.finish(inst, None, accessed(inst), None),
            Shape::MaskedLoad => {
                let mask = self.register(&inst.args[0], &mut locked);
                self.finish(inst, Some(mask), accessed(inst), None);
            }
            Shape::Gather { scale } => self.gather(inst, scale, &mut locked),
            Shape::Unary => {
                let rm = self.source(&inst.args[0]);
                self.finish(inst, None, rm, inst.immediate);
            }
            Shape::Binary { commutes } => {
                let exchange =
                    commutes && self.in_register(&inst.args[0]).is_none() && self.in_register(&inst.args[1]).is_some();
                let (a, b) = if exchange { (1, 0) } else { (0, 1) };
                let vvvv = self.register(&inst.args[a], &mut locked);
                let rm = self.source(&inst.args[b]);
                self.finish(inst, Some(vvvv), rm, inst.immediate);
            }
            Shape::Shift { extension } => {
                let rm = Source::Register(Ymm(self.register(&inst.args[0], &mut locked)));
                self.expire(inst);
                let result = self.result(inst);
                self.emit(inst.opcode, extension, Some(result), rm, inst.immediate);
                self.drop_unused(inst);
            }
            Shape::Blend => {
                let vvvv = self.register(&inst.args[0], &mut locked);
                let mask = self.register(&inst.args[2], &mut locked);
                let rm = self.source(&inst.args[1]);
                self.finish(inst, Some(vvvv), rm, Some(mask << 4));
            }
            Shape::Rare(helper) => {
                let argument = self.register(&inst.args[0], &mut locked);
                let mask = self.register(&inst.args[1], &mut locked);
                self.expire(inst);
                let result = self.result(inst);
                self.code.push(Placed::Rare { helper, argument, mask, result });
                self.drop_unused(inst);
            }
            Shape::Store => {
                let value = self.register(&inst.args[0], &mut locked);
                self.emit(inst.opcode, value, None, accessed(inst), inst.immediate);
                self.expire(inst);
            }
            Shape::MaskedStore => {
                let mask = self.register(&inst.args[0], &mut locked);
                let value = self.register(&inst.args[1], &mut locked);
                self.emit(inst.opcode, value, Some(mask), accessed(inst), None);
                self.expire(inst);
            }
            Shape::Scatter(lanes) => {
                let address = inst.memory.unwrap_or_else(|| internal("a scatter to nowhere"));
                let register = self.take(&locked);
                self.code.push(Placed::Scatter { lanes, address, register });
            }
            Shape::Fused => self.fused(inst, &mut locked),
        }
    }

    /// A gather. It uses its mask up, and its three registers must be different.
    fn gather(&mut self, inst: &Inst, scale: u8, locked: &mut SmallVec<[u8; 4]>) {
        const CLEAR: Opcode = Opcode::new("vxorps", 1, 0, 0x57);
        let index = self.register(&inst.args[0], locked);
        let mask = self.take(locked);
        self.registers[mask as usize] = Some(Content::Passing);
        locked.push(mask);
        let from = self.source(&inst.args[1]);
        self.copy(mask, from);
        let result = self.take(locked);
        self.registers[result as usize] = Some(Content::Passing);
        self.emit(CLEAR, result, Some(result), Source::Register(Ymm(result)), None);
        let Some(Memory::At { base, index: None, displacement }) = inst.memory else {
            internal("a gather from elsewhere than a pointer")
        };
        let from = Memory::Lanes { base, index: Ymm(index), scale, displacement };
        self.emit(inst.opcode, result, Some(mask), Source::Memory(from), None);
        self.expire(inst);
        match inst.result {
            Some(value) => self.hold(value, result),
            None => internal("a gather without a result"),
        }
        self.drop_unused(inst);
    }

    /// `a b + c`. The register that is overwritten is that of a value used here for the last time, if there is one.
    fn fused(&mut self, inst: &Inst, locked: &mut SmallVec<[u8; 4]>) {
        let [a, b, c] = [inst.args[0], inst.args[1], inst.args[2]];
        let form = |offset: u8| Opcode { byte: inst.opcode.byte + offset, ..inst.opcode };
        let (form_132, form_213, form_231) = (form(0), form(0x10), form(0x20));
        let pinned = inst.result.filter(|result| self.region.pinned.contains(result));
        if pinned.is_some_and(|result| c != Operand::Value(result)) {
            internal("an accumulator that is not added to");
        }
        let (factor, other) = if self.in_register(&a).is_some() { (a, b) } else { (b, a) };
        if pinned.is_some() || self.dies(inst, 2) {
            let dst = self.register(&c, locked);
            let vvvv = self.register(&factor, locked);
            let rm = self.source(&other);
            return self.tied(inst, form_231, dst, vvvv, rm);
        }
        for (dying, factor) in [(0, b), (1, a)] {
            if !self.dies(inst, dying) {
                continue;
            }
            let dst = self.register(&inst.args[dying], locked);
            if self.in_register(&factor).is_none() && self.in_register(&c).is_some() {
                let vvvv = self.register(&c, locked);
                let rm = self.source(&factor);
                return self.tied(inst, form_132, dst, vvvv, rm);
            }
            let vvvv = self.register(&factor, locked);
            let rm = self.source(&c);
            return self.tied(inst, form_213, dst, vvvv, rm);
        }
        // None dies: one is copied, from memory if it is there.
        let dst = self.take(locked);
        self.registers[dst as usize] = Some(Content::Passing);
        locked.push(dst);
        if self.in_register(&c).is_some() && self.in_register(&other).is_none() {
            let rm = self.source(&other);
            self.copy(dst, rm);
            let vvvv = self.register(&factor, locked);
            let rm = self.source(&c);
            return self.tied(inst, form_213, dst, vvvv, rm);
        }
        let rm = self.source(&c);
        self.copy(dst, rm);
        let vvvv = self.register(&factor, locked);
        let rm = self.source(&other);
        self.tied(inst, form_231, dst, vvvv, rm);
    }

    /// Writes an instruction whose result takes the place of an operand.
    fn tied(&mut self, inst: &Inst, opcode: Opcode, dst: u8, vvvv: u8, rm: Source) {
        self.emit(opcode, dst, Some(vvvv), rm, None);
        let pinned = inst.result.is_some_and(|result| self.region.pinned.contains(&result));
        if !pinned {
            self.registers[dst as usize] = None;
        }
        self.expire(inst);
        if let Some(result) = inst.result.filter(|_| !pinned) {
            self.hold(result, dst);
            self.drop_unused(inst);
        }
    }

    fn copy(&mut self, to: u8, from: Source) {
        let opcode = if matches!(from, Source::Register(_)) { COPY } else { MOVE };
        self.emit(opcode, to, None, from, None);
    }

    /// Frees what is used for the last time, finds the result's register and writes the instruction.
    fn finish(&mut self, inst: &Inst, vvvv: Option<u8>, rm: Source, immediate: Option<u8>) {
        self.expire(inst);
        let result = self.result(inst);
        self.emit(inst.opcode, result, vvvv, rm, immediate);
        self.drop_unused(inst);
    }

    fn result(&mut self, inst: &Inst) -> u8 {
        let result = inst.result.unwrap_or_else(|| internal("an instruction without a result"));
        if self.region.pinned.contains(&result) {
            return self.places[result.0 as usize].unwrap_or_else(|| internal("a pinned value without a register"));
        }
        let register = self.take(&[]);
        self.hold(result, register);
        register
    }

    fn hold(&mut self, value: Value, register: u8) {
        self.registers[register as usize] = Some(Content::Value(value));
        self.places[value.0 as usize] = Some(register);
    }

    fn drop_unused(&mut self, inst: &Inst) {
        if let Some(result) = inst.result
            && !self.region.pinned.contains(&result)
            && self.next_use(result).is_none()
            && let Some(register) = self.places[result.0 as usize].take()
        {
            self.registers[register as usize] = None;
        }
    }

    fn emit(&mut self, opcode: Opcode, reg: u8, vvvv: Option<u8>, rm: Source, immediate: Option<u8>) {
        self.code.push(Placed::Vector { opcode, reg, vvvv, rm, immediate });
    }

    fn in_register(&self, operand: &Operand) -> Option<u8> {
        match operand {
            Operand::Value(value) => self.places[value.0 as usize],
            Operand::Memory(memory) => self.fixed.get(memory).copied().or_else(|| {
                let held = Some(Content::Steady(*memory));
                self.registers.iter().position(|content| *content == held).map(|register| register as u8)
            }),
        }
    }

    /// An operand where it is.
    fn source(&self, operand: &Operand) -> Source {
        match (self.in_register(operand), operand) {
            (Some(register), _) => Source::Register(Ymm(register)),
            (None, Operand::Memory(memory)) => Source::Memory(*memory),
            (None, Operand::Value(value)) => match self.homes[value.0 as usize] {
                Some(home) => Source::Memory(home),
                None => internal("a vector used before it is computed"),
            },
        }
    }

    /// An operand in a register.
    fn register(&mut self, operand: &Operand, locked: &mut SmallVec<[u8; 4]>) -> u8 {
        let register = self.in_register(operand).unwrap_or_else(|| {
            let from = self.source(operand);
            let register = self.take(locked);
            self.emit(MOVE, register, None, from, None);
            match *operand {
                Operand::Value(value) => self.hold(value, register),
                Operand::Memory(memory) => {
                    let steady = is_steady(memory) && !is_written(self.region, memory);
                    self.registers[register as usize] =
                        Some(if steady { Content::Steady(memory) } else { Content::Passing });
                }
            }
            register
        });
        locked.push(register);
        register
    }

    fn next_use(&self, value: Value) -> Option<usize> {
        self.uses[value.0 as usize].iter().rev().copied().find(|&position| position > self.position)
    }

    /// Whether an argument is a value used here for the last time, and as this argument only.
    fn dies(&self, inst: &Inst, place: usize) -> bool {
        match inst.args[place] {
            Operand::Value(value) => {
                !self.region.pinned.contains(&value)
                    && self.places[value.0 as usize].is_some()
                    && self.next_use(value).is_none()
                    && inst.args.iter().filter(|arg| **arg == inst.args[place]).count() == 1
            }
            Operand::Memory(_) => false,
        }
    }

    /// Frees the registers of values used for the last time, and of what only this instruction needed.
    fn expire(&mut self, inst: &Inst) {
        for arg in &inst.args {
            if let Operand::Value(value) = *arg
                && !self.region.pinned.contains(&value)
                && self.next_use(value).is_none()
                && let Some(register) = self.places[value.0 as usize].take()
                && self.registers[register as usize] == Some(Content::Value(value))
            {
                self.registers[register as usize] = None;
            }
        }
        for register in 0..REGISTERS {
            let unused = match self.registers[register] {
                Some(Content::Passing) => true,
                Some(Content::Steady(memory)) => self.next_steady_use(memory).is_none(),
                _ => false,
            };
            if unused {
                self.registers[register] = None;
            }
        }
    }

    fn next_steady_use(&self, memory: Memory) -> Option<usize> {
        self.steady_uses.get(&memory)?.iter().rev().copied().find(|&position| position > self.position)
    }

    /// A free register, made free if there is none.
    fn take(&mut self, locked: &[u8]) -> u8 {
        if let Some(free) = self.registers.iter().position(Option::is_none) {
            return free as u8;
        }
        let far = |register: &usize| match self.registers[*register] {
            Some(Content::Value(value)) => self.next_use(value).unwrap_or(usize::MAX),
            Some(Content::Steady(memory)) => self.next_steady_use(memory).unwrap_or(usize::MAX),
            _ => 0,
        };
        let candidates = (0..REGISTERS).filter(|register| {
            let movable = matches!(self.registers[*register], Some(Content::Value(_) | Content::Steady(_)));
            movable && !locked.contains(&(*register as u8))
        });
        let victim = candidates.max_by_key(far).unwrap_or_else(|| internal("no vector register is left"));
        if let Some(Content::Value(value)) = self.registers[victim] {
            if self.homes[value.0 as usize].is_none() {
                let home = (self.slot)(self.spills);
                self.spills += 1;
                self.homes[value.0 as usize] = Some(home);
                self.emit(STORE, victim as u8, None, Source::Memory(home), None);
            }
            self.places[value.0 as usize] = None;
        }
        self.registers[victim] = None;
        victim as u8
    }
}

fn accessed(inst: &Inst) -> Source {
    match inst.memory {
        Some(memory) => Source::Memory(memory),
        None => internal("an access to nowhere"),
    }
}
