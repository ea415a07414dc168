//! When what a region reads is read next: one walk backwards, whose result every attempt to assign registers shares.

use super::assembler::Memory;
use super::region::{Inst, Operand, Region, is_steady};

/// The position of a use that does not come.
pub(super) const NEVER: u32 = u32::MAX;

/// A value or a piece of memory that does not change, by number: values first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key(u32);

impl Key {
    /// Memory that may change.
    const NONE: Key = Key(u32::MAX);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether there is something to be found in a register later.
    pub(super) fn is_known(self) -> bool {
        self != Key::NONE
    }
}

/// An argument of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) operand: Operand,
    pub(super) key: Key,
    /// The instruction that reads the same next.
    pub(super) next: u32,
}

/// All uses of a region.
pub(super) struct Uses {
    reads: Vec<Read>,
    /// Where each instruction's arguments begin, and the end.
    starts: Vec<u32>,
    /// The first use of each instruction's result.
    pub(super) results: Vec<u32>,
    /// How many keys there are.
    pub(super) keys: usize,
    /// The steady memory that is read and not written, the most used first.
    pub(super) steady: Vec<(Key, Memory)>,
    /// The most values that are needed at once, those that keep their register aside.
    pub(super) pressure: usize,
    written: Vec<bool>,
}

impl Uses {
    pub(super) fn new(region: &Region) -> Uses {
        let mut numbers = Numbers { next: region.values, constants: Vec::new(), frame: Vec::new() };
        let (mut reads, mut starts) = (Vec::with_capacity(2 * region.insts.len()), Vec::new());
        for inst in &region.insts {
            starts.push(reads.len() as u32);
            for &operand in &inst.args {
                let key = match operand {
                    Operand::Value(value) => Key(value.0),
                    Operand::Memory(memory) => numbers.key(memory),
                };
                reads.push(Read { operand, key, next: NEVER });
            }
        }
        starts.push(reads.len() as u32);
        let mut written = vec![false; numbers.next as usize];
        for inst in region.insts.iter().filter(|inst| inst.stores()) {
            if let Some(key) = inst.memory.and_then(|memory| numbers.known(memory)) {
                written[key.index()] = true;
            }
        }
        let keys = numbers.next as usize;
        let mut uses = Uses {
            reads,
            starts,
            results: vec![NEVER; region.insts.len()],
            keys,
            steady: Vec::new(),
            pressure: 0,
            written,
        };
        uses.look_back(region);
        uses.count_steady(region);
        uses
    }

    fn look_back(&mut self, region: &Region) {
        let mut next = vec![NEVER; self.keys];
        let is_pinned = pinned(region);
        let mut live = 0usize;
        for (position, inst) in region.insts.iter().enumerate().rev() {
            if let Some(result) = inst.result.filter(|result| !is_pinned[result.0 as usize]) {
                self.results[position] = next[result.0 as usize];
                live -= usize::from(next[result.0 as usize] != NEVER);
            }
            let range = self.starts[position] as usize..self.starts[position + 1] as usize;
            for read in &mut self.reads[range.clone()] {
                if read.key.is_known() {
                    read.next = next[read.key.index()];
                }
            }
            for read in &self.reads[range] {
                if read.key.is_known() {
                    let is_value = matches!(read.operand, Operand::Value(value) if !is_pinned[value.0 as usize]);
                    live += usize::from(is_value && next[read.key.index()] == NEVER);
                    next[read.key.index()] = position as u32;
                }
            }
            self.pressure = self.pressure.max(live);
        }
    }

    fn count_steady(&mut self, region: &Region) {
        let mut counts: Vec<(usize, Option<Memory>)> = vec![(0, None); self.keys - region.values as usize];
        for read in &self.reads {
            if let Operand::Memory(memory) = read.operand
                && read.key.is_known()
            {
                let (count, place) = &mut counts[read.key.index() - region.values as usize];
                *count += 1;
                *place = Some(memory);
            }
        }
        let mut steady: Vec<(usize, Key, Memory)> = Vec::new();
        for (number, &(count, memory)) in counts.iter().enumerate() {
            let key = Key(region.values + number as u32);
            if let Some(memory) = memory.filter(|_| !self.is_written(key)) {
                steady.push((count, key, memory));
            }
        }
        steady.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
        self.steady = steady.into_iter().map(|(_, key, memory)| (key, memory)).collect();
    }

    /// The arguments of an instruction.
    pub(super) fn of(&self, position: usize) -> &[Read] {
        &self.reads[self.starts[position] as usize..self.starts[position + 1] as usize]
    }

    /// Whether the region writes the memory.
    pub(super) fn is_written(&self, key: Key) -> bool {
        self.written[key.index()]
    }
}

/// Which values keep their register.
pub(super) fn pinned(region: &Region) -> Vec<bool> {
    let mut pinned = vec![false; region.values as usize];
    for value in &region.pinned {
        pinned[value.0 as usize] = true;
    }
    pinned
}

/// The key of an instruction's result.
pub(super) fn result_key(inst: &Inst) -> Option<Key> {
    inst.result.map(|value| Key(value.0))
}

/// The keys of steady memory, by offset in pieces of the smallest distance.
struct Numbers {
    next: u32,
    constants: Vec<Key>,
    frame: Vec<Key>,
}

/// No two pieces that are read begin closer to each other.
const DISTANCE: u32 = 8;

impl Numbers {
    fn key(&mut self, memory: Memory) -> Key {
        let Some((table, place)) = self.place(memory) else { return Key::NONE };
        if table.len() <= place {
            table.resize(place + 1, Key::NONE);
        }
        let known = table[place];
        if known.is_known() {
            return known;
        }
        let key = Key(self.next);
        self.next += 1;
        if let Some((table, place)) = self.place(memory) {
            table[place] = key;
        }
        key
    }

    fn known(&mut self, memory: Memory) -> Option<Key> {
        let (table, place) = self.place(memory)?;
        table.get(place).copied().filter(|key| key.is_known())
    }

    fn place(&mut self, memory: Memory) -> Option<(&mut Vec<Key>, usize)> {
        let (table, offset) = match memory {
            Memory::Constant(offset) => (&mut self.constants, offset),
            Memory::At { displacement, index: None, .. } if is_steady(memory) => {
                (&mut self.frame, u32::try_from(displacement).ok()?)
            }
            _ => return None,
        };
        (offset % DISTANCE == 0).then_some((table, (offset / DISTANCE) as usize))
    }
}
