//! Detours: calls of the platform's functions for arguments that are rarely met.
//!
//! The code tests a mask and leaves if any lane needs the function; the detour stands behind the function's end. It saves
//! every vector register, since the function called knows nothing of their upper halves, and comes back with the result.

use super::assembler::{Assembler, Condition, Gpr, Label, Memory, Opcode, Source, Ymm};
use super::frame::Frame;
use super::region::{Helper, MOVE, STORE};

/// A detour to be written.
pub(crate) struct Detour {
    helper: Helper,
    argument: u8,
    mask: u8,
    result: u8,
    start: Label,
    back: Label,
}

/// Leaves the straight way if a sign bit of `mask` is set. There `result` gets the function's values for `argument`.
pub(crate) fn leave(assembler: &mut Assembler, helper: Helper, argument: u8, mask: u8, result: u8) -> Detour {
    let test = if helper.wide { Opcode::new("vtestpd", 2, 1, 0x0f) } else { Opcode::new("vtestps", 2, 1, 0x0e) };
    let (start, back) = (assembler.label(), assembler.label());
    assembler.vector(test, mask, None, Source::Register(Ymm(mask)), None);
    assembler.jump_if(Condition::NotEqual, start);
    assembler.place(back);
    Detour { helper, argument, mask, result, start, back }
}

/// Room in the frame for what a detour saves: the vector registers, a pointer, and the vector on its way.
pub(crate) struct Room {
    registers: Vec<Memory>,
    pointer: Memory,
    vector: Memory,
}

impl Room {
    pub(crate) fn new(frame: &mut Frame) -> Room {
        let registers = (0..16).map(|_| frame.vector()).collect();
        Room { registers, pointer: frame.word(), vector: frame.vector() }
    }
}

/// Writes a detour.
pub(crate) fn write(assembler: &mut Assembler, detour: &Detour, room: &Room) {
    let registers = || room.registers.iter().zip(0u8..);
    assembler.place(detour.start);
    for (&memory, register) in registers() {
        assembler.vector(STORE, register, None, Source::Memory(memory), None);
    }
    assembler.vector(STORE, detour.argument, None, Source::Memory(room.vector), None);
    assembler.store(room.pointer, Gpr::RDI);
    assembler.vzeroupper();
    for half in [0, 16] {
        assembler.lea(Gpr::RDI, room.vector.plus(half));
        assembler.call(detour.helper);
    }
    assembler.load(Gpr::RDI, room.pointer);
    for (&memory, register) in registers() {
        assembler.vector(MOVE, register, None, Source::Memory(memory), None);
    }
    let blend = Opcode::new("vblendvps", 3, 1, 0x4a);
    let vector = Source::Memory(room.vector);
    assembler.vector(blend, detour.result, Some(detour.result), vector, Some(detour.mask << 4));
    assembler.jump(detour.back);
}
