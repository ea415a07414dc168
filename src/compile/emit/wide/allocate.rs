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
use super::region::{Helper, Inst, MOVE, Operand, Region, STORE, Shape};
use super::scatter;
use super::uses::{Key, NEVER, Read, Uses, pinned, result_key};
use cotangent_ir::error::internal;
use smallvec::SmallVec;

/// Vector registers.
const REGISTERS: usize = 16;
/// Moves between registers, which the processor does by renaming.
const COPY: Opcode = Opcode::new("vmovaps", 1, 0, 0x28);
/// Memory considered for registers of its own in a loop.
const CANDIDATES: usize = 12;

/// An instruction with registers.
#[derive(Clone)]
enum Placed {
    /// A vector instruction.
    Vector { opcode: Opcode, reg: u8, vvvv: Option<u8>, rm: Source, immediate: Option<u8> },
    /// A call that is rarely made.
    Rare { helper: Helper, argument: u8, mask: u8, result: u8 },
    /// Lanes combined with memory, by way of a register.
    Scatter { updates: Vec<scatter::Update>, register: u8 },
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
        for placed in &self.code {
            match *placed {
                Placed::Vector { opcode, reg, vvvv, rm, immediate } => {
                    assembler.vector(opcode, reg, vvvv, rm, immediate);
                }
                Placed::Rare { helper, argument, mask, result } => {
                    detours.push(detour::leave(assembler, helper, argument, mask, result));
                }
                Placed::Scatter { ref updates, register } => scatter::write(assembler, updates, register),
            }
        }
    }
}

/// Assigns registers to code that runs once. `slot` gives room for a vector in the frame.
pub(crate) fn once(region: &Region, slot: impl FnMut(usize) -> Memory) -> Allocation {
    Allocator::new(region, &Uses::new(region), &[], slot).run()
}

/// Assigns registers to the body of a loop.
pub(crate) fn repeated(region: &Region, mut slot: impl FnMut(usize) -> Memory) -> Allocation {
    let uses = Uses::new(region);
    let room = REGISTERS.saturating_sub(region.pinned.len() + 3);
    let most = uses.steady.len().min(room).min(CANDIDATES);
    // As many as there are registers that values leave; an instruction may want one more for the moment.
    let free = REGISTERS.saturating_sub(region.pinned.len() + uses.pressure);
    let mut best: Option<Allocation> = None;
    let mut tried = None;
    for count in [free, free.saturating_sub(1), 0].map(|count| count.min(most)) {
        if tried.replace(count) == Some(count) {
            continue;
        }
        let allocation = Allocator::new(region, &uses, &uses.steady[..count], &mut slot).run();
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

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    /// A value.
    Value(Key),
    /// A copy of memory that does not change.
    Steady(Key),
    /// Something that must stay.
    Fixed,
    /// Something for the instruction at hand only.
    Passing,
}

type Locked = SmallVec<[u8; 4]>;

struct Allocator<'a, S> {
    region: &'a Region,
    uses: &'a Uses,
    slot: S,
    registers: [Option<Content>; REGISTERS],
    pinned: Vec<bool>,
    /// The register of each value and of steady memory.
    places: Vec<Option<u8>>,
    /// Where each value is in the frame, if it is, and the number of the slot.
    homes: Vec<Option<(Memory, usize)>>,
    /// Slots whose values are not needed any more.
    free_slots: Vec<usize>,
    /// Slots that are free from the next instruction on.
    left_slots: Vec<usize>,
    /// How many slots there are.
    slots: usize,
    /// Where everything is used next, after the instruction at hand.
    next: Vec<u32>,
    /// The instruction at hand.
    position: usize,
    spills: usize,
    code: Vec<Placed>,
    promoted: Vec<(Memory, Ymm)>,
}

impl<'a, S: FnMut(usize) -> Memory> Allocator<'a, S> {
    fn new(region: &'a Region, uses: &'a Uses, promoted: &[(Key, Memory)], slot: S) -> Allocator<'a, S> {
        let mut allocator = Allocator {
            region,
            uses,
            slot,
            registers: [None; REGISTERS],
            pinned: pinned(region),
            places: vec![None; uses.keys],
            homes: vec![None; region.values as usize],
            free_slots: Vec::new(),
            left_slots: Vec::new(),
            slots: 0,
            next: vec![NEVER; uses.keys],
            position: 0,
            spills: 0,
            code: Vec::with_capacity(region.insts.len() + region.insts.len() / 4),
            promoted: Vec::new(),
        };
        let mut register = 0u8;
        for value in &region.pinned {
            allocator.places[value.0 as usize] = Some(register);
            allocator.registers[register as usize] = Some(Content::Fixed);
            register += 1;
        }
        for &(key, memory) in promoted {
            allocator.places[key.index()] = Some(register);
            allocator.registers[register as usize] = Some(Content::Fixed);
            allocator.promoted.push((memory, Ymm(register)));
            register += 1;
        }
        allocator
    }

    fn run(mut self) -> Allocation {
        for (position, inst) in self.region.insts.iter().enumerate() {
            self.position = position;
            self.free_slots.append(&mut self.left_slots);
            for read in self.uses.of(position).iter().filter(|read| read.key.is_known()) {
                self.next[read.key.index()] = read.next;
            }
            self.instruction(inst);
        }
        Allocation { code: self.code, promoted: self.promoted, spills: self.spills }
    }

    fn reads(&self) -> &'a [Read] {
        self.uses.of(self.position)
    }

    fn instruction(&mut self, inst: &Inst) {
        let reads = self.reads();
        let mut locked = Locked::new();
        // What is in registers already must not be taken for the others.
        locked.extend(reads.iter().filter_map(|read| self.in_register(read)));
        match inst.shape {
            Shape::Load => self.finish(inst, None, accessed(inst), None),
            Shape::MaskedLoad => {
                let mask = self.register(&reads[0], &mut locked);
                self.finish(inst, Some(mask), accessed(inst), None);
            }
            Shape::Gather { scale } => self.gather(inst, scale, &mut locked),
            Shape::Unary => {
                let rm = self.source(&reads[0]);
                self.finish(inst, None, rm, inst.immediate);
            }
            Shape::Binary { commutes } => {
                let exchange =
                    commutes && self.in_register(&reads[0]).is_none() && self.in_register(&reads[1]).is_some();
                let (a, b) = if exchange { (1, 0) } else { (0, 1) };
                let vvvv = self.register(&reads[a], &mut locked);
                let rm = self.source(&reads[b]);
                self.finish(inst, Some(vvvv), rm, inst.immediate);
            }
            Shape::Shift { extension } => {
                let rm = Source::Register(Ymm(self.register(&reads[0], &mut locked)));
                self.expire();
                let result = self.result(inst);
                self.emit(inst.opcode, extension, Some(result), rm, inst.immediate);
                self.drop_unused(inst);
            }
            Shape::Blend => {
                let vvvv = self.register(&reads[0], &mut locked);
                let mask = self.register(&reads[2], &mut locked);
                let rm = self.source(&reads[1]);
                self.finish(inst, Some(vvvv), rm, Some(mask << 4));
            }
            Shape::Rare(helper) => {
                let argument = self.register(&reads[0], &mut locked);
                let mask = self.register(&reads[1], &mut locked);
                let result = self.overwritable(2, &mut locked);
                self.code.push(Placed::Rare { helper, argument, mask, result });
                self.take_over(inst, result);
            }
            Shape::Store => {
                let value = self.register(&reads[0], &mut locked);
                self.emit(inst.opcode, value, None, accessed(inst), inst.immediate);
                self.expire();
            }
            Shape::MaskedStore => {
                let mask = self.register(&reads[0], &mut locked);
                let value = self.register(&reads[1], &mut locked);
                self.emit(inst.opcode, value, Some(mask), accessed(inst), None);
                self.expire();
            }
            Shape::Scatter(number) => {
                let register = self.take(&locked);
                self.code.push(Placed::Scatter { updates: self.region.scattered[number].clone(), register });
            }
            Shape::Fused => self.fused(inst, &mut locked),
        }
    }

    /// A gather. It uses its mask up, and its three registers must be different.
    fn gather(&mut self, inst: &Inst, scale: u8, locked: &mut Locked) {
        const CLEAR: Opcode = Opcode::new("vxorps", 1, 0, 0x57);
        let reads = self.reads();
        let index = self.register(&reads[0], locked);
        let mask = self.passing(locked);
        let from = self.source(&reads[1]);
        self.copy(mask, from);
        let result = self.passing(locked);
        self.emit(CLEAR, result, Some(result), Source::Register(Ymm(result)), None);
        let Some(Memory::At { base, index: None, displacement }) = inst.memory else {
            internal("a gather from elsewhere than a pointer")
        };
        let from = Memory::Lanes { base, index: Ymm(index), scale, displacement };
        self.emit(inst.opcode, result, Some(mask), Source::Memory(from), None);
        self.take_over(inst, result);
    }

    /// `a b + c`. The register that is overwritten is that of a value used here for the last time, if there is one.
    fn fused(&mut self, inst: &Inst, locked: &mut Locked) {
        let [a, b, c] = [self.reads()[0], self.reads()[1], self.reads()[2]];
        let form = |offset: u8| Opcode { byte: inst.opcode.byte + offset, ..inst.opcode };
        let (form_132, form_213, form_231) = (form(0), form(0x10), form(0x20));
        let pinned = result_key(inst).filter(|result| self.pinned[result.index()]);
        if pinned.is_some_and(|result| c.key != result) {
            internal("an accumulator that is not added to");
        }
        let (factor, other) = if self.in_register(&a).is_some() { (a, b) } else { (b, a) };
        if pinned.is_some() || self.dies(2) {
            let dst = self.register(&c, locked);
            let vvvv = self.register(&factor, locked);
            let rm = self.source(&other);
            return self.tied(inst, form_231, dst, vvvv, rm);
        }
        for (dying, factor) in [(0, b), (1, a)] {
            if !self.dies(dying) {
                continue;
            }
            let dst = self.register(&self.reads()[dying], locked);
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
        let dst = self.passing(locked);
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
        if result_key(inst).is_some_and(|result| self.pinned[result.index()]) {
            self.expire();
        } else {
            self.take_over(inst, dst);
        }
    }

    /// Frees what is used for the last time and gives the result a register that was an operand's or passing.
    fn take_over(&mut self, inst: &Inst, register: u8) {
        self.registers[register as usize] = None;
        self.expire();
        match result_key(inst) {
            Some(result) => self.hold(result, register),
            None => internal("an instruction without a result"),
        }
        self.drop_unused(inst);
    }

    /// An argument in a register that the result may take.
    fn overwritable(&mut self, place: usize, locked: &mut Locked) -> u8 {
        let read = self.reads()[place];
        if self.dies(place) {
            return self.register(&read, locked);
        }
        let register = self.passing(locked);
        let from = self.source(&read);
        self.copy(register, from);
        register
    }

    /// A register for the instruction at hand.
    fn passing(&mut self, locked: &mut Locked) -> u8 {
        let register = self.take(locked);
        self.registers[register as usize] = Some(Content::Passing);
        locked.push(register);
        register
    }

    fn copy(&mut self, to: u8, from: Source) {
        let opcode = if matches!(from, Source::Register(_)) { COPY } else { MOVE };
        self.emit(opcode, to, None, from, None);
    }

    /// Frees what is used for the last time, finds the result's register and writes the instruction.
    fn finish(&mut self, inst: &Inst, vvvv: Option<u8>, rm: Source, immediate: Option<u8>) {
        self.expire();
        let result = self.result(inst);
        self.emit(inst.opcode, result, vvvv, rm, immediate);
        self.drop_unused(inst);
    }

    fn result(&mut self, inst: &Inst) -> u8 {
        let result = result_key(inst).unwrap_or_else(|| internal("an instruction without a result"));
        if self.pinned[result.index()] {
            return self.places[result.index()].unwrap_or_else(|| internal("a pinned value without a register"));
        }
        let register = self.take(&[]);
        self.hold(result, register);
        register
    }

    /// Notes where the result of the instruction at hand is.
    fn hold(&mut self, result: Key, register: u8) {
        self.registers[register as usize] = Some(Content::Value(result));
        self.places[result.index()] = Some(register);
        self.next[result.index()] = self.uses.results[self.position];
    }

    fn drop_unused(&mut self, inst: &Inst) {
        if let Some(result) = result_key(inst)
            && !self.pinned[result.index()]
            && self.next[result.index()] == NEVER
            && let Some(register) = self.places[result.index()].take()
        {
            self.registers[register as usize] = None;
        }
    }

    fn emit(&mut self, opcode: Opcode, reg: u8, vvvv: Option<u8>, rm: Source, immediate: Option<u8>) {
        self.code.push(Placed::Vector { opcode, reg, vvvv, rm, immediate });
    }

    fn in_register(&self, read: &Read) -> Option<u8> {
        if read.key.is_known() { self.places[read.key.index()] } else { None }
    }

    /// An operand where it is.
    fn source(&self, read: &Read) -> Source {
        match (self.in_register(read), read.operand) {
            (Some(register), _) => Source::Register(Ymm(register)),
            (None, Operand::Memory(memory)) => Source::Memory(memory),
            (None, Operand::Value(value)) => match self.homes[value.0 as usize] {
                Some((home, _)) => Source::Memory(home),
                None => internal("a vector used before it is computed"),
            },
        }
    }

    /// An operand in a register.
    fn register(&mut self, read: &Read, locked: &mut Locked) -> u8 {
        let register = self.in_register(read).unwrap_or_else(|| {
            let from = self.source(read);
            let register = self.take(locked);
            self.emit(MOVE, register, None, from, None);
            let content = match read.operand {
                Operand::Value(_) => Content::Value(read.key),
                Operand::Memory(_) if read.key.is_known() && !self.uses.is_written(read.key) => {
                    Content::Steady(read.key)
                }
                Operand::Memory(_) => Content::Passing,
            };
            if content != Content::Passing {
                self.places[read.key.index()] = Some(register);
            }
            self.registers[register as usize] = Some(content);
            register
        });
        locked.push(register);
        register
    }

    /// Whether an argument is a value used here for the last time, and as this argument only.
    fn dies(&self, place: usize) -> bool {
        let reads = self.reads();
        let read = &reads[place];
        matches!(read.operand, Operand::Value(_))
            && !self.pinned[read.key.index()]
            && self.places[read.key.index()].is_some()
            && read.next == NEVER
            && reads.iter().filter(|other| other.key == read.key).count() == 1
    }

    /// Frees the registers of what is used for the last time, and of what only this instruction needed.
    fn expire(&mut self) {
        for read in self.reads().iter().filter(|read| read.key.is_known() && read.next == NEVER) {
            if let Some((_, slot)) = self.homes.get_mut(read.key.index()).and_then(Option::take) {
                self.left_slots.push(slot);
            }
            let Some(register) = self.places[read.key.index()] else { continue };
            let content = self.registers[register as usize];
            match content {
                Some(Content::Value(key) | Content::Steady(key)) if key == read.key => {
                    self.registers[register as usize] = None;
                    self.places[key.index()] = None;
                }
                Some(Content::Fixed) => {}
                // The result is there already.
                _ => self.places[read.key.index()] = None,
            }
        }
        for register in &mut self.registers {
            if *register == Some(Content::Passing) {
                *register = None;
            }
        }
    }

    /// A free register, made free if there is none.
    fn take(&mut self, locked: &[u8]) -> u8 {
        if let Some(free) = self.registers.iter().position(Option::is_none) {
            return free as u8;
        }
        let held = |register: &usize| match self.registers[*register] {
            Some(Content::Value(key) | Content::Steady(key)) => Some(key),
            _ => None,
        };
        let candidates =
            (0..REGISTERS).filter(|register| held(register).is_some() && !locked.contains(&(*register as u8)));
        let far = |register: &usize| held(register).map(|key| self.next[key.index()]);
        let victim = candidates.max_by_key(far).unwrap_or_else(|| internal("no vector register is left"));
        if let Some(Content::Value(key) | Content::Steady(key)) = self.registers[victim] {
            if matches!(self.registers[victim], Some(Content::Value(_))) && self.homes[key.index()].is_none() {
                let slot = self.free_slots.pop().unwrap_or(self.slots);
                self.slots = self.slots.max(slot + 1);
                let home = (self.slot)(slot);
                self.spills += 1;
                self.homes[key.index()] = Some((home, slot));
                self.emit(STORE, victim as u8, None, Source::Memory(home), None);
            }
            self.places[key.index()] = None;
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
