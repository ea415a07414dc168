//! A kernel function's frame, pointers and entry.
//!
//! The frame keeps what outlives straight-line code: vectors known outside of a loop, accumulators, indices, the pointers as
//! they were at the start. Accesses that move alike in the loops around the vector loop, *groups*, share a pointer, which
//! those loops move along; the index of the vector loop is a register of its own.

use super::assembler::{Assembler, Gpr, Memory};
use crate::compile::emit::body::Facts;
use crate::run::program::Place;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, Kernel, NodeId};
use smallvec::SmallVec;

/// The index of the vector loop.
pub(crate) const INDEX: Gpr = Gpr::RAX;
/// Registers for the moment.
pub(crate) const SCRATCH: [Gpr; 2] = [Gpr::RCX, Gpr::RDX];
/// Registers for pointers.
const POINTERS: [Gpr; 11] =
    [Gpr::RBX, Gpr::RSI, Gpr::RDI, Gpr::R8, Gpr::R9, Gpr::R10, Gpr::R11, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
/// The position of a lane, in kernels that scatter: the last of the registers for pointers.
pub(crate) const POSITION: Gpr = Gpr::R15;
/// Registers that belong to the caller.
const SAVED: [Gpr; 5] = [Gpr::RBX, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
/// The largest frame: entering a larger one would have to touch its pages in order.
const LARGEST: i32 = 4096;

/// Room on the stack, handed out upwards from the stack pointer.
#[derive(Default)]
pub(crate) struct Frame {
    bytes: i32,
    /// The rest of a vector's room that is handed out in words.
    words: Option<(i32, i32)>,
}

impl Frame {
    /// Room for a vector.
    pub(crate) fn vector(&mut self) -> Memory {
        self.bytes += 32;
        Memory::at(Gpr::RSP, self.bytes - 32)
    }

    /// Room for 64 bits.
    pub(crate) fn word(&mut self) -> Memory {
        let (next, end) = self.words.filter(|(next, end)| next < end).unwrap_or_else(|| {
            self.bytes += 32;
            (self.bytes - 32, self.bytes)
        });
        self.words = Some((next + 8, end));
        Memory::at(Gpr::RSP, next)
    }
}

/// A kernel's accesses as its vector loop sees them.
#[derive(Clone, Copy)]
pub(crate) struct View<'k> {
    pub(crate) kernel: &'k Kernel,
    pub(crate) facts: &'k Facts,
    /// The axis of the vector loop.
    pub(crate) axis: usize,
}

impl View<'_> {
    /// Elements for each step of an axis.
    pub(super) fn stride(&self, access: &Access, axis: usize) -> i64 {
        if self.kernel.extents[axis] > 1 { access.strides[axis] } else { 0 }
    }

    /// Elements from one lane to the next, summands that differ between lanes aside.
    pub(crate) fn step(&self, access: &Access) -> i64 {
        self.stride(access, self.axis)
    }

    /// Whether lanes are neighbours, or all the same element.
    pub(crate) fn is_near(&self, access: &Access) -> bool {
        matches!(self.step(access), 0 | 1) && !self.gathers(access)
    }

    /// Whether summands change with the loops, so that every lane has an address of its own.
    pub(crate) fn gathers(&self, access: &Access) -> bool {
        access.dynamic.iter().any(|&(node, _)| self.facts.depth[node.index()] > 0)
    }

    /// The summands known before the loops.
    fn starts(&self, access: &Access) -> Summands {
        access.dynamic.iter().copied().filter(|&(node, _)| self.facts.depth[node.index()] == 0).collect()
    }

    /// What the index of the vector loop is multiplied by in an address; none if the pointer has to move instead.
    pub(crate) fn scale(&self, operand: u32, access: &Access) -> Option<u8> {
        let step = self.step(access) * self.size(operand);
        match (step, self.gathers(access)) {
            (0, _) => Some(0),
            (1 | 2 | 4 | 8, false) => Some(step as u8),
            _ => None,
        }
    }

    fn size(&self, operand: u32) -> i64 {
        self.kernel.operands[operand as usize].dtype.size() as i64
    }

    fn key(&self, operand: u32, access: &Access) -> Key {
        let indexed = self.scale(operand, access).is_some();
        let step = |axis: usize| {
            if axis == self.axis && indexed { 0 } else { self.stride(access, axis) * self.size(operand) }
        };
        let steps: SmallVec<[i64; 4]> = (0..self.kernel.extents.len()).map(step).collect();
        let stays = steps.iter().all(|&step| step == 0) && self.step(access) == 0 && !self.gathers(access);
        Key { operand, steps, starts: self.starts(access), stays }
    }
}

/// Nodes that positions are the sum of, with their factors.
pub(crate) type Summands = SmallVec<[(NodeId, i64); 1]>;

/// What accesses of one group have in common.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The operand.
    pub(crate) operand: u32,
    /// Bytes for each step of each axis; 0 for axes of one iteration, and for the vector axis where its index does it.
    pub(crate) steps: SmallVec<[i64; 4]>,
    /// Summands known before the loops.
    pub(crate) starts: Summands,
    /// Whether no loop changes the address.
    stays: bool,
}

/// Accesses that share a pointer.
pub(crate) struct Group {
    /// What they have in common.
    pub(crate) key: Key,
    /// Where the operand begins; once they are known, moved by the summands known before the loops.
    pub(crate) home: Memory,
    /// The register that follows the loops; none if no loop changes the address.
    pub(crate) register: Option<Gpr>,
    /// Whether the summands known before the loops are still to be added.
    pub(crate) waits: bool,
}

/// The groups of a kernel.
#[derive(Default)]
pub(crate) struct Groups {
    /// All of them.
    pub(crate) all: Vec<Group>,
}

impl Groups {
    /// Adds the group of an access. None if registers for pointers run out.
    pub(crate) fn add(&mut self, view: View<'_>, operand: u32, access: &Access, frame: &mut Frame) -> Option<()> {
        let key = view.key(operand, access);
        if self.all.iter().any(|group| group.key == key) {
            return Some(());
        }
        if key.steps.iter().any(|&step| i32::try_from(step).is_err()) {
            return None;
        }
        let used = self.all.iter().filter(|group| group.register.is_some()).count();
        let pointers = if view.kernel.scatters() { &POINTERS[..POINTERS.len() - 1] } else { &POINTERS[..] };
        let register = if key.stays { None } else { Some(*pointers.get(used)?) };
        let waits = !key.starts.is_empty();
        self.all.push(Group { key, home: frame.word(), register, waits });
        Some(())
    }

    /// The group of an access, by its number.
    pub(crate) fn find(&self, view: View<'_>, operand: u32, access: &Access) -> usize {
        let key = view.key(operand, access);
        let found = self.all.iter().position(|group| group.key == key);
        found.unwrap_or_else(|| internal("an access without a pointer"))
    }

    /// Loads every pointer as it was at the start.
    pub(crate) fn reload(&self, assembler: &mut Assembler) {
        for group in &self.all {
            if let Some(register) = group.register {
                assembler.load(register, group.home);
            }
        }
    }

    /// The registers that a step of an axis moves, and by how many bytes.
    pub(crate) fn moving(&self, axis: usize) -> Vec<(Gpr, i32)> {
        let moving = |group: &Group| {
            let step = group.key.steps[axis] as i32;
            group.register.filter(|_| step != 0).map(|register| (register, step))
        };
        self.all.iter().filter_map(moving).collect()
    }
}

/// Writes the entry of a function `(table, scalars, first chunk, chunk after the last)`; gives the position at which
/// [`leave`] puts the size of the frame. Pointers go to their homes, the range of chunks to `range`.
pub(crate) fn enter(
    assembler: &mut Assembler,
    groups: &Groups,
    places: &[Place],
    range: Option<(Memory, Memory)>,
) -> usize {
    assembler.push(Gpr::RBP);
    assembler.mov(Gpr::RBP, Gpr::RSP);
    SAVED.into_iter().for_each(|register| assembler.push(register));
    let size = assembler.sub_later(Gpr::RSP);
    assembler.and_immediate(Gpr::RSP, -32);
    for group in &groups.all {
        match places[group.key.operand as usize] {
            Place::Slot(slot) => assembler.load(INDEX, Memory::at(Gpr::RDI, 8 * slot as i32)),
            Place::Scalar(offset) => assembler.lea(INDEX, Memory::at(Gpr::RSI, offset as i32)),
        }
        assembler.store(group.home, INDEX);
    }
    if let Some((first, last)) = range {
        assembler.store(first, Gpr::RDX);
        assembler.store(last, Gpr::RCX);
    }
    size
}

/// Writes the return. None if the frame is too large.
pub(crate) fn leave(assembler: &mut Assembler, frame: &Frame, size: usize) -> Option<()> {
    if frame.bytes > LARGEST {
        return None;
    }
    assembler.set_later(size, frame.bytes);
    assembler.vzeroupper();
    assembler.lea(Gpr::RSP, Memory::at(Gpr::RBP, -8 * SAVED.len() as i32));
    SAVED.into_iter().rev().for_each(|register| assembler.pop(register));
    assembler.pop(Gpr::RBP);
    assembler.ret();
    Some(())
}
