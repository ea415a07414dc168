//! Machine code of x86-64: the few integer instructions that loops need, and vector instructions in their VEX form.
//!
//! Instructions are appended in order. Jumps go to labels, which may be placed later; [`Assembler::finish`] resolves them
//! and puts the constants that instructions refer to behind the code. Encodings are those of the manual (AMD64 volume 4,
//! Intel volume 2): a vector instruction is `VEX map.opcode` with a register in ModRM.reg, one in VEX.vvvv, and one
//! register or memory operand in ModRM.rm.

use super::region::Helper;
use cotangent_ir::error::internal;
use cotangent_ir::hash::QuickMap;
use std::fmt::{self, Write as _};

/// A general register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Gpr(pub(crate) u8);

impl Gpr {
    pub(crate) const RAX: Gpr = Gpr(0);
    pub(crate) const RCX: Gpr = Gpr(1);
    pub(crate) const RDX: Gpr = Gpr(2);
    pub(crate) const RBX: Gpr = Gpr(3);
    pub(crate) const RSP: Gpr = Gpr(4);
    pub(crate) const RBP: Gpr = Gpr(5);
    pub(crate) const RSI: Gpr = Gpr(6);
    pub(crate) const RDI: Gpr = Gpr(7);
    pub(crate) const R8: Gpr = Gpr(8);
    pub(crate) const R9: Gpr = Gpr(9);
    pub(crate) const R10: Gpr = Gpr(10);
    pub(crate) const R11: Gpr = Gpr(11);
    pub(crate) const R12: Gpr = Gpr(12);
    pub(crate) const R13: Gpr = Gpr(13);
    pub(crate) const R14: Gpr = Gpr(14);
    pub(crate) const R15: Gpr = Gpr(15);
}

/// A vector register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ymm(pub(crate) u8);

/// A place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Memory {
    /// `base + index * scale + displacement`.
    At {
        /// The base.
        base: Gpr,
        /// A register and what it is multiplied by: 1, 2, 4 or 8.
        index: Option<(Gpr, u8)>,
        /// Bytes.
        displacement: i32,
    },
    /// A constant behind the code, by its offset among the constants.
    Constant(u32),
    /// Of every lane `base + lane of the index * scale + displacement`.
    Lanes {
        /// The base.
        base: Gpr,
        /// 32-bit numbers.
        index: Ymm,
        /// 1, 2, 4 or 8.
        scale: u8,
        /// Bytes.
        displacement: i32,
    },
}

impl Memory {
    /// Some bytes after the address in a register.
    pub(crate) fn at(base: Gpr, displacement: i32) -> Memory {
        Memory::At { base, index: None, displacement }
    }

    /// Some bytes further on.
    pub(crate) fn plus(self, bytes: i32) -> Memory {
        match self {
            Memory::At { base, index, displacement } => Memory::At { base, index, displacement: displacement + bytes },
            Memory::Constant(offset) => Memory::Constant(offset + bytes as u32),
            Memory::Lanes { base, index, scale, displacement } => {
                Memory::Lanes { base, index, scale, displacement: displacement + bytes }
            }
        }
    }
}

/// A register or a place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Source {
    /// A register.
    Register(Ymm),
    /// Memory.
    Memory(Memory),
}

/// The bytes that choose a vector instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Opcode {
    /// The mnemonic.
    pub(crate) name: &'static str,
    /// The opcode map: 1 is `0F`, 2 is `0F 38`, 3 is `0F 3A`.
    pub(crate) map: u8,
    /// The implied prefix: 0 none, 1 `66`, 2 `F3`, 3 `F2`.
    pub(crate) prefix: u8,
    /// The opcode.
    pub(crate) byte: u8,
    /// VEX.W.
    pub(crate) wide: bool,
    /// VEX.L: 256 bits rather than 128 or a scalar.
    pub(crate) long: bool,
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Opcode {
    /// A 256-bit instruction.
    pub(crate) const fn new(name: &'static str, map: u8, prefix: u8, byte: u8) -> Opcode {
        Opcode { name, map, prefix, byte, wide: false, long: true }
    }

    /// The same with VEX.W.
    pub(crate) const fn w(self) -> Opcode {
        Opcode { wide: true, ..self }
    }

    /// The same on 128 bits or one element.
    pub(crate) const fn short(self) -> Opcode {
        Opcode { long: false, ..self }
    }
}

/// A condition of a jump, after a comparison of signed numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Condition {
    NotEqual = 0x5,
    Less = 0xc,
    GreaterOrEqual = 0xd,
    Greater = 0xf,
}

/// A place in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label(usize);

/// What a constant's alignment, and so the code's, is: a vector.
pub(crate) const ALIGNMENT: usize = 32;

/// Code that can stand anywhere once its calls are resolved.
pub(crate) struct MachineCode {
    /// Instructions and constants.
    pub(crate) bytes: Vec<u8>,
    /// Positions of the 32-bit distances from after them to functions.
    pub(crate) calls: Vec<(usize, Helper)>,
    /// The instructions as text, if asked for.
    pub(crate) text: String,
}

/// Code under construction.
#[derive(Default)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    labels: Vec<Option<usize>>,
    /// Positions of 32-bit distances, and the labels they lead to.
    jumps: Vec<(usize, Label)>,
    constants: Vec<u8>,
    /// Where constants of a vector's size are.
    known: QuickMap<[u8; ALIGNMENT], u32>,
    /// Positions of 32-bit distances to constants, the end of their instruction, and the constant.
    references: Vec<(usize, usize, u32)>,
    /// Positions of 32-bit distances to functions elsewhere.
    calls: Vec<(usize, Helper)>,
    listing: Option<String>,
}

impl Assembler {
    /// Empty code; with `listing`, a text of it is kept.
    pub(crate) fn new(listing: bool) -> Assembler {
        Assembler { listing: listing.then(String::new), ..Assembler::default() }
    }

    /// The code with its constants.
    pub(crate) fn finish(mut self) -> MachineCode {
        for &(position, Label(label)) in &self.jumps {
            let target = self.labels[label].unwrap_or_else(|| internal("a label that was not placed"));
            let distance = target as i64 - (position as i64 + 4);
            self.bytes[position..position + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0xcc);
        let start = self.bytes.len();
        for &(position, end, constant) in &self.references {
            let distance = (start + constant as usize) as i64 - end as i64;
            self.bytes[position..position + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        self.bytes.extend_from_slice(&self.constants);
        // The upper half of the last constant may be read as if it were a whole one.
        self.bytes.extend([0; ALIGNMENT / 2]);
        MachineCode { bytes: self.bytes, calls: self.calls, text: self.listing.unwrap_or_default() }
    }

    /// Bytes so far.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Room for a constant of a vector's size or a multiple of it; equal ones share it.
    pub(crate) fn constant(&mut self, bytes: &[u8]) -> Memory {
        debug_assert_eq!(bytes.len() % ALIGNMENT, 0);
        let next = self.constants.len() as u32;
        let offset = match <[u8; ALIGNMENT]>::try_from(bytes) {
            Ok(vector) => *self.known.entry(vector).or_insert(next),
            Err(_) => next,
        };
        if offset == next {
            self.constants.extend_from_slice(bytes);
        }
        Memory::Constant(offset)
    }

    /// A label to be placed later.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places a label here.
    pub(crate) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.bytes.len());
        self.note(|| format!("L{}:", label.0));
    }

    /// Fills up with instructions that do nothing, so that a loop begins with a line of the instruction cache.
    pub(crate) fn align(&mut self) {
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0x00],
            &[0x0f, 0x1f, 0x40, 0x00],
            &[0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
            &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        ];
        let mut missing = self.bytes.len().next_multiple_of(ALIGNMENT) - self.bytes.len();
        while missing > 0 {
            let length = missing.min(NOPS.len());
            self.bytes.extend_from_slice(NOPS[length - 1]);
            missing -= length;
        }
    }

    pub(crate) fn push(&mut self, register: Gpr) {
        self.short_form(0x50, register);
        self.note(|| format!("push {register}"));
    }

    pub(crate) fn pop(&mut self, register: Gpr) {
        self.short_form(0x58, register);
        self.note(|| format!("pop {register}"));
    }

    pub(crate) fn ret(&mut self) {
        self.bytes.push(0xc3);
        self.note(|| "ret".into());
    }

    /// `to = from`.
    pub(crate) fn mov(&mut self, to: Gpr, from: Gpr) {
        self.integer(&[0x8b], to.0, Rm::Register(from.0), 0);
        self.note(|| format!("mov {to}, {from}"));
    }

    /// `to = value`.
    pub(crate) fn mov_immediate(&mut self, to: Gpr, value: i64) {
        match i32::try_from(value) {
            Ok(value) => {
                self.integer(&[0xc7], 0, Rm::Register(to.0), 4);
                self.bytes.extend(value.to_le_bytes());
            }
            Err(_) => {
                self.bytes.extend([0x48 | (to.0 >> 3), 0xb8 | (to.0 & 7)]);
                self.bytes.extend(value.to_le_bytes());
            }
        }
        self.note(|| format!("mov {to}, {value}"));
    }

    /// `to = [from]`.
    pub(crate) fn load(&mut self, to: Gpr, from: Memory) {
        self.integer(&[0x8b], to.0, Rm::Memory(from), 0);
        self.note(|| format!("mov {to}, {from}"));
    }

    /// `to` = the 32-bit number with a sign at `from`.
    pub(crate) fn load_signed(&mut self, to: Gpr, from: Memory) {
        self.integer(&[0x63], to.0, Rm::Memory(from), 0);
        self.note(|| format!("movsxd {to}, {from}"));
    }

    /// `[to] = from`.
    pub(crate) fn store(&mut self, to: Memory, from: Gpr) {
        self.integer(&[0x89], from.0, Rm::Memory(to), 0);
        self.note(|| format!("mov {to}, {from}"));
    }

    /// `[to] = value`.
    pub(crate) fn store_immediate(&mut self, to: Memory, value: i32) {
        self.integer(&[0xc7], 0, Rm::Memory(to), 4);
        self.bytes.extend(value.to_le_bytes());
        self.note(|| format!("mov qword {to}, {value}"));
    }

    /// `to = address of from`.
    pub(crate) fn lea(&mut self, to: Gpr, from: Memory) {
        self.integer(&[0x8d], to.0, Rm::Memory(from), 0);
        self.note(|| format!("lea {to}, {from}"));
    }

    /// `to += from`.
    pub(crate) fn add(&mut self, to: Gpr, from: Gpr) {
        self.integer(&[0x03], to.0, Rm::Register(from.0), 0);
        self.note(|| format!("add {to}, {from}"));
    }

    /// `to -= from`.
    pub(crate) fn sub(&mut self, to: Gpr, from: Gpr) {
        self.integer(&[0x2b], to.0, Rm::Register(from.0), 0);
        self.note(|| format!("sub {to}, {from}"));
    }

    /// `to += value`.
    pub(crate) fn add_immediate(&mut self, to: Gpr, value: i32) {
        self.arithmetic_immediate(0, Rm::Register(to.0), value);
        self.note(|| format!("add {to}, {value}"));
    }

    /// `[to] += value`.
    pub(crate) fn add_immediate_to(&mut self, to: Memory, value: i32) {
        self.arithmetic_immediate(0, Rm::Memory(to), value);
        self.note(|| format!("add qword {to}, {value}"));
    }

    /// `to &= value`.
    pub(crate) fn and_immediate(&mut self, to: Gpr, value: i32) {
        self.arithmetic_immediate(4, Rm::Register(to.0), value);
        self.note(|| format!("and {to}, {value}"));
    }

    /// `to -= value`.
    pub(crate) fn sub_immediate(&mut self, to: Gpr, value: i32) {
        self.arithmetic_immediate(5, Rm::Register(to.0), value);
        self.note(|| format!("sub {to}, {value}"));
    }

    /// `to -= value`, a value to be set later at the position returned.
    pub(crate) fn sub_later(&mut self, to: Gpr) -> usize {
        self.integer(&[0x81], 5, Rm::Register(to.0), 4);
        self.bytes.extend([0; 4]);
        self.note(|| format!("sub {to}, size of the frame"));
        self.bytes.len() - 4
    }

    /// Sets such a value.
    pub(crate) fn set_later(&mut self, position: usize, value: i32) {
        self.bytes[position..position + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Compares a 64-bit number in memory with a number.
    pub(crate) fn cmp_immediate_with(&mut self, a: Memory, value: i32) {
        self.arithmetic_immediate(7, Rm::Memory(a), value);
        self.note(|| format!("cmp qword {a}, {value}"));
    }

    /// Compares with a 64-bit number in memory.
    pub(crate) fn cmp_memory(&mut self, a: Gpr, b: Memory) {
        self.integer(&[0x3b], a.0, Rm::Memory(b), 0);
        self.note(|| format!("cmp {a}, {b}"));
    }

    /// Compares.
    pub(crate) fn cmp(&mut self, a: Gpr, b: Gpr) {
        self.integer(&[0x3b], a.0, Rm::Register(b.0), 0);
        self.note(|| format!("cmp {a}, {b}"));
    }

    /// `to = from * factor`.
    pub(crate) fn multiply(&mut self, to: Gpr, from: Gpr, factor: i32) {
        self.integer(&[0x69], to.0, Rm::Register(from.0), 4);
        self.bytes.extend(factor.to_le_bytes());
        self.note(|| format!("imul {to}, {from}, {factor}"));
    }

    /// `to = from` if the condition holds.
    pub(crate) fn mov_if(&mut self, condition: Condition, to: Gpr, from: Gpr) {
        self.integer(&[0x0f, 0x40 | condition as u8], to.0, Rm::Register(from.0), 0);
        self.note(|| format!("cmov{} {to}, {from}", condition.suffix()));
    }

    pub(crate) fn jump(&mut self, to: Label) {
        self.bytes.push(0xe9);
        self.distance(to);
        self.note(|| format!("jmp L{}", to.0));
    }

    pub(crate) fn call(&mut self, helper: Helper) {
        self.bytes.push(0xe8);
        self.calls.push((self.bytes.len(), helper));
        self.bytes.extend([0; 4]);
        self.note(|| format!("call {}", helper.name));
    }

    pub(crate) fn jump_if(&mut self, condition: Condition, to: Label) {
        self.bytes.extend([0x0f, 0x80 | condition as u8]);
        self.distance(to);
        self.note(|| format!("j{} L{}", condition.suffix(), to.0));
    }

    /// Makes stores past the cache visible to others before any later store.
    pub(crate) fn store_fence(&mut self) {
        self.bytes.extend([0x0f, 0xae, 0xf8]);
        self.note(|| "sfence".into());
    }

    /// Clears the upper halves of the vector registers, so that code with older encodings runs at full speed.
    pub(crate) fn vzeroupper(&mut self) {
        self.bytes.extend([0xc5, 0xf8, 0x77]);
        self.note(|| "vzeroupper".into());
    }

    /// A vector instruction: ModRM.reg, VEX.vvvv if it has one, ModRM.rm, and an immediate byte if it has one.
    pub(crate) fn vector(&mut self, opcode: Opcode, reg: u8, vvvv: Option<u8>, rm: Source, immediate: Option<u8>) {
        let (x, b) = match rm {
            Source::Register(Ymm(register)) => (0, register >> 3),
            Source::Memory(memory) => extension_bits(memory),
        };
        let last = u8::from(opcode.long) << 2 | opcode.prefix | (!vvvv.unwrap_or(0) & 15) << 3;
        if opcode.map == 1 && !opcode.wide && x == 0 && b == 0 {
            self.bytes.extend([0xc5, (1 ^ reg >> 3) << 7 | last, opcode.byte]);
        } else {
            let extensions = (1 ^ reg >> 3) << 7 | (1 ^ x) << 6 | (1 ^ b) << 5;
            self.bytes.extend([0xc4, extensions | opcode.map, u8::from(opcode.wide) << 7 | last, opcode.byte]);
        }
        let rm_field = match rm {
            Source::Register(Ymm(register)) => Rm::Register(register),
            Source::Memory(memory) => Rm::Memory(memory),
        };
        self.modrm(reg, rm_field, usize::from(immediate.is_some()));
        self.bytes.extend(immediate);
        self.note(|| {
            let letter = if opcode.long { 'y' } else { 'x' };
            let mut text = format!("{} {letter}mm{reg}", opcode.name);
            if let Some(register) = vvvv {
                let _ = write!(text, ", {letter}mm{register}");
            }
            match rm {
                Source::Register(Ymm(register)) => _ = write!(text, ", {letter}mm{register}"),
                Source::Memory(memory) => _ = write!(text, ", {memory}"),
            }
            if let Some(immediate) = immediate {
                let _ = write!(text, ", {immediate}");
            }
            text
        });
    }

    fn distance(&mut self, to: Label) {
        self.jumps.push((self.bytes.len(), to));
        self.bytes.extend([0; 4]);
    }

    fn short_form(&mut self, opcode: u8, register: Gpr) {
        if register.0 >= 8 {
            self.bytes.push(0x41);
        }
        self.bytes.push(opcode | (register.0 & 7));
    }

    fn arithmetic_immediate(&mut self, extension: u8, rm: Rm, value: i32) {
        match i8::try_from(value) {
            Ok(value) => {
                self.integer(&[0x83], extension, rm, 1);
                self.bytes.push(value as u8);
            }
            Err(_) => {
                self.integer(&[0x81], extension, rm, 4);
                self.bytes.extend(value.to_le_bytes());
            }
        }
    }

    /// A 64-bit integer instruction, after which so many bytes of an immediate will follow.
    fn integer(&mut self, opcode: &[u8], reg: u8, rm: Rm, immediate: usize) {
        let (x, b) = match rm {
            Rm::Register(register) => (0, register >> 3),
            Rm::Memory(memory) => extension_bits(memory),
        };
        self.bytes.push(0x48 | (reg >> 3) << 2 | x << 1 | b);
        self.bytes.extend_from_slice(opcode);
        self.modrm(reg, rm, immediate);
    }

    fn modrm(&mut self, reg: u8, rm: Rm, immediate: usize) {
        let reg = (reg & 7) << 3;
        let (base, index, displacement) = match rm {
            Rm::Register(register) => return self.bytes.push(0xc0 | reg | (register & 7)),
            Rm::Memory(Memory::Constant(constant)) => {
                self.bytes.push(reg | 5);
                let position = self.bytes.len();
                self.references.push((position, position + 4 + immediate, constant));
                return self.bytes.extend([0; 4]);
            }
            Rm::Memory(Memory::At { base, index, displacement }) => {
                debug_assert_ne!(index.map(|(index, _)| index), Some(Gpr::RSP), "no index");
                (base.0, index.map(|(index, scale)| (index.0, scale)), displacement)
            }
            Rm::Memory(Memory::Lanes { base, index, scale, displacement }) => {
                (base.0, Some((index.0, scale)), displacement)
            }
        };
        let short = i8::try_from(displacement);
        // Without a displacement the base rbp or r13 would mean something else.
        let mode = match short {
            Ok(0) if base & 7 != 5 => 0x00,
            Ok(_) => 0x40,
            Err(_) => 0x80,
        };
        match index {
            Some((index, scale)) => {
                self.bytes.extend([mode | reg | 4, (scale.trailing_zeros() as u8) << 6 | (index & 7) << 3 | base & 7]);
            }
            None if base & 7 == 4 => self.bytes.extend([mode | reg | 4, 0x24]),
            None => self.bytes.push(mode | reg | base & 7),
        }
        match (mode, short) {
            (0x00, _) => {}
            (0x40, Ok(short)) => self.bytes.push(short as u8),
            _ => self.bytes.extend(displacement.to_le_bytes()),
        }
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(listing) = &mut self.listing {
            let text = text();
            let indent = if text.ends_with(':') { "" } else { "    " };
            let _ = writeln!(listing, "{indent}{text}");
        }
    }
}

#[derive(Clone, Copy)]
enum Rm {
    Register(u8),
    Memory(Memory),
}

/// The fourth bits of the numbers of index and base.
fn extension_bits(memory: Memory) -> (u8, u8) {
    match memory {
        Memory::At { base, index, .. } => (index.map_or(0, |(index, _)| index.0 >> 3), base.0 >> 3),
        Memory::Lanes { base, index, .. } => (index.0 >> 3, base.0 >> 3),
        Memory::Constant(_) => (0, 0),
    }
}

impl Condition {
    fn suffix(self) -> &'static str {
        match self {
            Condition::NotEqual => "ne",
            Condition::Less => "l",
            Condition::GreaterOrEqual => "ge",
            Condition::Greater => "g",
        }
    }
}

impl fmt::Display for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 16] = [
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
            "r15",
        ];
        f.write_str(NAMES[self.0 as usize])
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Memory::Constant(offset) => write!(f, "[constants + {offset}]"),
            Memory::Lanes { base, index: Ymm(index), scale, displacement } => {
                write!(f, "[{base} + ymm{index}*{scale} + {displacement}]")
            }
            Memory::At { base, index, displacement } => {
                write!(f, "[{base}")?;
                if let Some((index, scale)) = index {
                    write!(f, " + {index}*{scale}")?;
                }
                match displacement {
                    0 => f.write_str("]"),
                    1.. => write!(f, " + {displacement}]"),
                    _ => write!(f, " - {}]", displacement.unsigned_abs()),
                }
            }
        }
    }
}
