//! A kernel function's frame, pointers and entry.
//!
//! The frame keeps what outlives straight-line code: vectors known outside of a loop, accumulators, indices, the pointers as
//! they were at the start. Accesses that move alike in the loops around the vector loop, *groups*, share a pointer, which
//! those loops move along; the index of the vector loop is a register of its own.

use super::assembler::{Assembler, Gpr, Memory};
use crate::run::program::Place;
use cotangent_ir::kernel::{Access, Kernel};
use smallvec::SmallVec;

/// The index of the vector loop.
pub(crate) const INDEX: Gpr = Gpr::RAX;
/// Registers for the moment.
pub(crate) const SCRATCH: [Gpr; 2] = [Gpr::RCX, Gpr::RDX];
/// Registers for pointers.
const POINTERS: [Gpr; 11] =
    [Gpr::RBX, Gpr::RSI, Gpr::RDI, Gpr::R8, Gpr::R9, Gpr::R10, Gpr::R11, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
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

/// Accesses of one operand that the loops around the vector loop move alike.
pub(crate) struct Group {
    operand: u32,
    /// Bytes for each step of each axis; 0 for axes of one iteration, and for the vector axis where its index does it.
    pub(crate) steps: SmallVec<[i64; 4]>,
    /// Where the operand begins.
    pub(crate) home: Memory,
    /// The register that follows the loops; none if no loop moves it.
    pub(crate) register: Option<Gpr>,
}

/// The groups of a kernel.
#[derive(Default)]
pub(crate) struct Groups {
    /// All of them.
    pub(crate) all: Vec<Group>,
}

impl Groups {
    /// Adds the group of an access. None if registers for pointers run out.
    pub(crate) fn add(
        &mut self,
        kernel: &Kernel,
        operand: u32,
        access: &Access,
        vector: usize,
        frame: &mut Frame,
    ) -> Option<()> {
        if self.find(kernel, operand, access, vector).is_some() {
            return Some(());
        }
        let steps = steps(kernel, operand, access, vector);
        if steps.iter().any(|&step| i32::try_from(step).is_err()) {
            return None;
        }
        let stays = steps.iter().all(|&step| step == 0) && stride(kernel, access, vector) == 0;
        let used = self.all.iter().filter(|group| group.register.is_some()).count();
        let register = if stays { None } else { Some(*POINTERS.get(used)?) };
        self.all.push(Group { operand, steps, home: frame.word(), register });
        Some(())
    }

    /// The group of an access.
    pub(crate) fn find(&self, kernel: &Kernel, operand: u32, access: &Access, vector: usize) -> Option<&Group> {
        let steps = steps(kernel, operand, access, vector);
        let stays = steps.iter().all(|&step| step == 0) && stride(kernel, access, vector) == 0;
        self.all
            .iter()
            .find(|group| group.operand == operand && group.steps == steps && group.register.is_none() == stays)
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
            let step = group.steps[axis] as i32;
            group.register.filter(|_| step != 0).map(|register| (register, step))
        };
        self.all.iter().filter_map(moving).collect()
    }
}

/// Elements for each step of an axis.
pub(crate) fn stride(kernel: &Kernel, access: &Access, axis: usize) -> i64 {
    if kernel.extents[axis] > 1 { access.strides[axis] } else { 0 }
}

fn steps(kernel: &Kernel, operand: u32, access: &Access, vector: usize) -> SmallVec<[i64; 4]> {
    let size = kernel.operands[operand as usize].dtype.size() as i64;
    let indexed = scale(kernel, operand, access, vector).is_some();
    let step = |axis: usize| if axis == vector && indexed { 0 } else { stride(kernel, access, axis) * size };
    (0..kernel.extents.len()).map(step).collect()
}

/// What the index of the vector loop is multiplied by in an address; none if the pointer has to move instead.
pub(crate) fn scale(kernel: &Kernel, operand: u32, access: &Access, vector: usize) -> Option<u8> {
    let size = kernel.operands[operand as usize].dtype.size() as i64;
    let step = stride(kernel, access, vector) * size;
    matches!(step, 0 | 1 | 2 | 4 | 8).then_some(step as u8)
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
        match places[group.operand as usize] {
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
