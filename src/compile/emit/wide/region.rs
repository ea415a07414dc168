//! Straight-line vector code before registers are assigned: instructions on any number of values.
//!
//! Every value is written once, except for *pinned* ones, which are accumulators that keep their register through a loop.
//! Operands may be places in memory; which of them an instruction can take as they are is decided with the registers.

use super::assembler::{Gpr, Memory, Opcode};
use super::scatter::Update;
use smallvec::{SmallVec, smallvec};
use std::collections::VecDeque;

/// A vector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Value(pub(crate) u32);

/// What an instruction reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Operand {
    /// A value.
    Value(Value),
    /// A whole vector in memory.
    Memory(Memory),
}

/// How an instruction uses its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// Reads memory: a vector, or what the opcode makes one of.
    Load,
    /// Reads the elements that the sign bits of the operand choose; the others become zeros.
    MaskedLoad,
    /// Reads, where the sign bits of the second operand are set, the elements whose distances the first one holds, in
    /// multiples of `scale`; the others become zeros.
    Gather {
        /// 4 or 8.
        scale: u8,
    },
    /// Of one operand, anywhere.
    Unary,
    /// Of two, the second anywhere.
    Binary {
        /// Whether they may be exchanged.
        commutes: bool,
    },
    /// `±a b ± c` in one rounding: the opcode's byte is that of the form 132; the others follow at distances of 16.
    Fused,
    /// The second where the third's sign bits are set, else the first.
    Blend,
    /// A shift of the operand by the immediate; `extension` belongs to the opcode.
    Shift {
        /// The digit in ModRM.reg.
        extension: u8,
    },
    /// What the platform's function gives for the first operand where the sign bits of the second are set, else the third.
    Rare(Helper),
    /// Writes the operand to memory.
    Store,
    /// Writes the second operand to memory where the sign bits of the first are set.
    MaskedStore,
    /// Combines lanes that are in the frame with elements in memory: those under a number in the region's list.
    Scatter(usize),
}

/// A function that replaces both or all four floats at an address by its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Helper {
    /// The function's name.
    pub(crate) name: &'static str,
    /// Whether the floats have 64 bits.
    pub(crate) wide: bool,
}

/// One instruction.
#[derive(Clone, Debug)]
pub(crate) struct Inst {
    pub(crate) shape: Shape,
    pub(crate) opcode: Opcode,
    pub(crate) immediate: Option<u8>,
    pub(crate) result: Option<Value>,
    pub(crate) args: SmallVec<[Operand; 3]>,
    /// Where a load reads or a store writes.
    pub(crate) memory: Option<Memory>,
}

/// Instructions in order.
#[derive(Default)]
pub(crate) struct Region {
    pub(crate) insts: Vec<Inst>,
    /// How many values there are.
    pub(crate) values: u32,
    /// Values that keep their register.
    pub(crate) pinned: Vec<Value>,
    /// What each scatter combines, one after the other.
    pub(crate) scattered: Vec<Vec<Update>>,
}

/// Loads and stores of whole vectors, aligned or not, and moves.
pub(crate) const MOVE: Opcode = Opcode::new("vmovups", 1, 0, 0x10);
/// The same to memory.
pub(crate) const STORE: Opcode = Opcode::new("vmovups", 1, 0, 0x11);
/// Stores of aligned vectors past the cache.
pub(crate) const STREAM: Opcode = Opcode::new("vmovntps", 1, 0, 0x2b);

impl Region {
    /// A new value.
    pub(crate) fn value(&mut self) -> Value {
        self.values += 1;
        Value(self.values - 1)
    }

    /// A new value that keeps its register and may be written again.
    pub(crate) fn pinned_value(&mut self) -> Value {
        let value = self.value();
        self.pinned.push(value);
        value
    }

    /// Appends an instruction with a result.
    pub(crate) fn push(
        &mut self,
        shape: Shape,
        opcode: Opcode,
        immediate: Option<u8>,
        args: SmallVec<[Operand; 3]>,
    ) -> Operand {
        let result = self.value();
        self.push_to(result, shape, opcode, immediate, args);
        Operand::Value(result)
    }

    /// Appends an instruction whose result is a given value.
    pub(crate) fn push_to(
        &mut self,
        result: Value,
        shape: Shape,
        opcode: Opcode,
        immediate: Option<u8>,
        args: SmallVec<[Operand; 3]>,
    ) {
        self.insts.push(Inst { shape, opcode, immediate, result: Some(result), args, memory: None });
    }

    /// An instruction of one operand.
    pub(crate) fn unary(&mut self, opcode: Opcode, a: Operand) -> Operand {
        self.push(Shape::Unary, opcode, None, smallvec![a])
    }

    /// An instruction of two operands.
    pub(crate) fn binary(&mut self, opcode: Opcode, a: Operand, b: Operand) -> Operand {
        self.push(Shape::Binary { commutes: false }, opcode, None, smallvec![a, b])
    }

    /// An instruction of two operands that may be exchanged.
    pub(crate) fn commutative(&mut self, opcode: Opcode, a: Operand, b: Operand) -> Operand {
        self.push(Shape::Binary { commutes: true }, opcode, None, smallvec![a, b])
    }

    /// A vector, or as much of one as the opcode reads.
    pub(crate) fn load(&mut self, opcode: Opcode, from: Memory) -> Operand {
        let result = self.value();
        self.access(Shape::Load, opcode, Some(result), smallvec![], from);
        Operand::Value(result)
    }

    /// The elements of a vector that a mask chooses.
    pub(crate) fn load_masked(&mut self, opcode: Opcode, mask: Operand, from: Memory) -> Operand {
        let result = self.value();
        self.access(Shape::MaskedLoad, opcode, Some(result), smallvec![mask], from);
        Operand::Value(result)
    }

    /// Writes a whole vector.
    pub(crate) fn store(&mut self, to: Memory, value: Operand) {
        self.store_with(STORE, to, value);
    }

    /// Writes as much of a vector as the opcode does.
    pub(crate) fn store_with(&mut self, opcode: Opcode, to: Memory, value: Operand) {
        self.access(Shape::Store, opcode, None, smallvec![value], to);
    }

    /// Writes one lane of a vector.
    pub(crate) fn store_lane(&mut self, opcode: Opcode, to: Memory, lane: u8, value: Operand) {
        self.access(Shape::Store, opcode, None, smallvec![value], to);
        if let Some(inst) = self.insts.last_mut() {
            inst.immediate = Some(lane);
        }
    }

    /// Writes the elements of a vector that a mask chooses.
    pub(crate) fn store_masked(&mut self, opcode: Opcode, to: Memory, mask: Operand, value: Operand) {
        self.access(Shape::MaskedStore, opcode, None, smallvec![mask, value], to);
    }

    /// Elements at an address plus `scale` times each of the positions, where the mask says so.
    pub(crate) fn gather(
        &mut self,
        opcode: Opcode,
        address: Memory,
        scale: u8,
        positions: Operand,
        mask: Operand,
    ) -> Operand {
        let result = self.value();
        self.access(Shape::Gather { scale }, opcode, Some(result), smallvec![positions, mask], address);
        Operand::Value(result)
    }

    /// Combines lanes with the elements at their positions.
    pub(crate) fn scatter(&mut self, updates: Vec<Update>) {
        let (shape, args) = (Shape::Scatter(self.scattered.len()), SmallVec::new());
        self.insts.push(Inst { shape, opcode: STORE, immediate: None, result: None, args, memory: None });
        self.scattered.push(updates);
    }

    fn access(
        &mut self,
        shape: Shape,
        opcode: Opcode,
        result: Option<Value>,
        args: SmallVec<[Operand; 3]>,
        memory: Memory,
    ) {
        self.insts.push(Inst { shape, opcode, immediate: None, result, args, memory: Some(memory) });
    }

    /// Reorders instructions from `starts[0]` on, which are sequences that begin at `starts`, so that the sequences advance
    /// in turns: what one waits for, the others hide. A sequence may need values of those before it.
    pub(crate) fn interleave(&mut self, starts: &[usize]) {
        let Some(&first) = starts.first() else { return };
        let mut sequences: Vec<VecDeque<Inst>> = Vec::new();
        for &start in starts.iter().rev() {
            sequences.push(self.insts.split_off(start).into());
        }
        sequences.reverse();
        let mut pending = vec![false; self.values as usize];
        for inst in sequences.iter().flatten() {
            if let Some(result) = inst.result.filter(|result| !self.pinned.contains(result)) {
                pending[result.0 as usize] = true;
            }
        }
        debug_assert_eq!(self.insts.len(), first);
        while sequences.iter().any(|sequence| !sequence.is_empty()) {
            for sequence in &mut sequences {
                let waits = |arg: &Operand| matches!(arg, Operand::Value(value) if pending[value.0 as usize]);
                if sequence.front().is_some_and(|inst| !inst.args.iter().any(waits))
                    && let Some(inst) = sequence.pop_front()
                {
                    if let Some(result) = inst.result {
                        pending[result.0 as usize] = false;
                    }
                    self.insts.push(inst);
                }
            }
        }
    }

    /// Moves whole-vector loads of values used once into the instruction that uses them, where it can read memory.
    pub(crate) fn fold_loads(&mut self) {
        let mut uses = vec![0u32; self.values as usize];
        for inst in &self.insts {
            for arg in &inst.args {
                if let Operand::Value(value) = arg {
                    uses[value.0 as usize] += 1;
                }
            }
        }
        // The memory of loads that may move; a store ends all of that.
        let mut movable: Vec<Option<(usize, Memory)>> = vec![None; self.values as usize];
        let mut stored = 0;
        let mut moved = vec![false; self.insts.len()];
        for position in 0..self.insts.len() {
            if self.insts[position].stores() {
                stored = position;
                continue;
            }
            let load_of = |operand: &Operand| match operand {
                Operand::Value(value) => movable[value.0 as usize].filter(|&(load, _)| load >= stored),
                Operand::Memory(_) => None,
            };
            let place = self.insts[position].foldable_place(|operand| load_of(operand).is_some());
            if let Some(place) = place
                && let Some((load, memory)) = load_of(&self.insts[position].args[place])
            {
                self.insts[position].args[place] = Operand::Memory(memory);
                moved[load] = true;
            }
            let inst = &self.insts[position];
            if let (Some(result), Shape::Load, MOVE, Some(memory)) = (inst.result, inst.shape, inst.opcode, inst.memory)
                && uses[result.0 as usize] == 1
                && !self.pinned.contains(&result)
            {
                movable[result.0 as usize] = Some((position, memory));
            }
        }
        let mut position = 0;
        self.insts.retain(|_| {
            position += 1;
            !moved[position - 1]
        });
    }
}

impl Inst {
    /// Whether it writes memory.
    pub(crate) fn stores(&self) -> bool {
        matches!(self.shape, Shape::Store | Shape::MaskedStore | Shape::Scatter(_))
    }

    /// The argument to be replaced by memory, if there is one that qualifies and none is in memory yet.
    fn foldable_place(&self, qualifies: impl Fn(&Operand) -> bool) -> Option<usize> {
        if self.args.iter().any(|arg| matches!(arg, Operand::Memory(memory) if !is_steady(*memory))) {
            return None;
        }
        let places: &[usize] = match self.shape {
            Shape::Unary => &[0],
            Shape::Binary { commutes: true } => &[1, 0],
            Shape::Binary { commutes: false } | Shape::Blend => &[1],
            Shape::Fused => &[2, 1, 0],
            Shape::Load
            | Shape::MaskedLoad
            | Shape::Gather { .. }
            | Shape::Shift { .. }
            | Shape::Rare(_)
            | Shape::Store
            | Shape::MaskedStore
            | Shape::Scatter(_) => &[],
        };
        places.iter().copied().find(|&place| qualifies(&self.args[place]))
    }
}

/// Whether memory is a constant or in the frame, where nothing of the kernel's operands is.
pub(crate) fn is_steady(memory: Memory) -> bool {
    match memory {
        Memory::Constant(_) => true,
        Memory::At { base, .. } => base == Gpr::RSP,
        Memory::Lanes { .. } => false,
    }
}
