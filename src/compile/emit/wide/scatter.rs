//! Elements in memory that every lane combines with a value of its own, at a place of its own.
//!
//! Positions and values are computed as vectors and put into the frame; then one lane after the other reads, combines and
//! writes, so that lanes that meet at an element all count. Between one lane and the next there is nothing but memory, which
//! the processor forwards: what it has written a moment ago it can read after some ten cycles, in which it could combine as
//! many other elements. Neighbouring lanes tend to meet, those of a projector at the same bin of a detector or the next, so
//! they do not follow each other: the vectors of a block are far apart in the vector loop, and take turns.
//!
//! Nor does it do anything else while all lanes of a block are combined, which is more than it looks ahead. So while one half
//! of the vectors is computed the lanes of the other half are combined, a share of them after each vector: those of the
//! second half have been computed by the block before.

use super::admission;
use super::assembler::{Assembler, Memory, Opcode, Source};
use super::frame::POSITION;
use super::generator::{Active, Block, Generator};
use super::nodes::Code;
use super::region::Region;
use super::select::Arg;
use super::vector_loop::Limit;
use crate::compile::emit::split::Nest;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Kernel, NodeId, OutputKind, ReduceOp};

/// Vectors that take turns.
pub(super) const IN_TURNS: usize = 8;
/// The order of the lanes: none is next to one of its neighbours.
const ORDER: [usize; 8] = [0, 3, 6, 1, 4, 7, 2, 5];

/// When the lanes of a block are combined with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turns {
    /// After its last vector.
    AtEnd,
    /// Those of its first half while the second is computed: this is the first block.
    First,
    /// The same, and those of the second half of the block before while the first is computed.
    Shared,
}

/// One lane to be combined with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Update {
    lanes: Lanes,
    lane: usize,
}

/// The lanes of a vector to be combined with memory for one output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lanes {
    /// The element at position 0.
    address: Memory,
    /// By how many bytes its pointer moves from one vector to the next.
    moves: i32,
    /// How many lanes, from the first.
    count: usize,
    /// Whether elements have 64 bits.
    wide: bool,
    /// Whether they are multiplied, not added.
    product: bool,
    /// Where in the frame the lanes' own things are.
    room: Room,
}

/// Room in the frame for what lanes take one by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Room {
    /// The positions, 32 bits each.
    positions: Memory,
    /// The values.
    values: Memory,
}

/// Whether everything a kernel scatters is of a kind that is here: sums and products of floats.
pub(super) fn is_possible(kernel: &Kernel) -> bool {
    kernel.outputs.iter().all(|output| {
        let dtype = kernel.operands[output.operand as usize].dtype;
        match output.kind {
            OutputKind::Scatter(op) => dtype.is_float() && matches!(op, ReduceOp::Sum | ReduceOp::Prod),
            OutputKind::Store | OutputKind::Reduce(_) => true,
        }
    })
}

impl Generator<'_> {
    /// Puts what an output combines with memory into the frame, for one vector.
    pub(crate) fn scatter(&mut self, code: &mut Code, output: usize, vector: usize, value: &Arg) -> Option<()> {
        let described = &self.kernel.outputs[output];
        let split = self.split;
        let access = &split.accesses[output];
        let address = self.address(described.operand, access, vector)?;
        let same = (0..output).find(|&other| self.has_same_positions(other, output));
        let same = same.map(|other| self.scattered[&(other, vector)].positions);
        let (frame, wide) = (&mut self.frame, self.kernel.operands[described.operand as usize].dtype == DType::F64);
        let room = *self.scattered.entry((output, vector)).or_insert_with(|| {
            let room = Room { positions: same.unwrap_or_else(|| frame.vector()), values: frame.vector() };
            if wide && frame.vector() != room.values.plus(32) {
                internal("room for the lanes of a scatter that is not in one piece");
            }
            room
        });
        if same.is_none() {
            let positions = self.positions(code, access, vector)?;
            code.region.store(room.positions, positions);
        }
        for (part, &lane) in value.lane.iter().enumerate() {
            code.region.store(room.values.plus(32 * part as i32), lane);
        }
        let count = match self.block().active {
            Active::All => self.lanes as usize,
            Active::First(lanes) => lanes,
            Active::Some(_) | Active::Masked(_) => internal("a scatter under a mask"),
        };
        let product = described.kind == OutputKind::Scatter(ReduceOp::Prod);
        let moves = i32::try_from(self.view.step(access) * self.lanes * if wide { 8 } else { 4 }).ok()?;
        self.waiting[vector].push(Lanes { address, moves, count, wide, product, room });
        Some(())
    }

    /// Combines the lanes whose turn it is after a vector of the block.
    pub(super) fn take_turns(&mut self, region: &mut Region, vector: usize) {
        let left = vector < self.waiting.len() / 2;
        if self.kernel.scatters() && (self.turns == Turns::Shared || self.turns == Turns::First && !left) {
            region.scatter(self.turn(vector));
        }
    }

    /// Combines all lanes of a block, if that has not been done after each of its vectors.
    pub(super) fn take_all_turns(&mut self, region: &mut Region) {
        if self.turns == Turns::AtEnd && self.kernel.scatters() {
            let update = |lane: usize| self.waiting.iter().flatten().map(move |&lanes| Update { lanes, lane });
            region.scatter(ORDER.into_iter().flat_map(update).collect());
        }
    }

    /// The lanes whose turn it is after a vector of a block: some of those of the other half.
    fn turn(&self, vector: usize) -> Vec<Update> {
        let half = self.waiting.len() / 2;
        let share = ORDER.len() / half;
        let (first, second) = self.waiting.split_at(half);
        // Since the block before has left the second half, pointers have moved.
        let others: Vec<Lanes> = match vector < half {
            true => second.iter().flatten().map(Lanes::left).collect(),
            false => first.iter().flatten().copied().collect(),
        };
        let turn = vector % half * share;
        let update = |&lane: &usize| others.iter().map(move |&lanes| Update { lanes, lane });
        ORDER[turn..turn + share].iter().flat_map(update).collect()
    }

    /// Whether the vectors of blocks that make up the vector loop can be far apart: there is just a body inside, and accesses
    /// reach so far.
    pub(super) fn can_take_turns(&self, inside: &Nest, block: Block, blocks: i64) -> bool {
        let body = matches!(inside, Nest::Body(_)) && block.rows == 1 && block.vectors > 1;
        let steps = block.vectors as i64 * blocks * self.lanes;
        self.in_turns && body && blocks > 1 && admission::all_reach(self.view, self.split, steps)
    }

    /// Blocks that make up the vector loop from an index on, each vector in a part of it of its own.
    pub(super) fn blocks_in_turns(
        &mut self,
        inside: &Nest,
        level: usize,
        block: Block,
        low: i64,
        blocks: i64,
    ) -> Option<()> {
        let part = blocks * self.lanes;
        self.spacing = part;
        self.turns = Turns::First;
        self.trip(inside, level, block, self.lanes)?;
        self.turns = Turns::Shared;
        self.blocks(inside, level, block, self.lanes, Limit::Known(low + part, blocks - 1))?;
        self.turns = Turns::AtEnd;
        self.spacing = self.lanes;
        let mut region = Region::default();
        for vector in 0..block.vectors / 2 {
            region.scatter(self.turn(vector));
        }
        self.write_once(region);
        self.advance(i32::try_from((block.vectors as i64 - 1) * part).ok()?)
    }

    /// Whether the lanes of two outputs have the same positions, their distance aside.
    fn has_same_positions(&self, one: usize, other: usize) -> bool {
        let [one_access, other_access] = [one, other].map(|output| &self.split.accesses[output]);
        let differs = |&&(node, _): &&(NodeId, i64)| self.facts.depth[node.index()] > 0;
        self.kernel.outputs[one].kind.scatters()
            && self.view.step(one_access) == self.view.step(other_access)
            && one_access.dynamic.iter().filter(differs).eq(other_access.dynamic.iter().filter(differs))
    }
}

/// Writes the instructions for one lane after the other, given a vector register to be used.
pub(super) fn write(assembler: &mut Assembler, updates: &[Update], register: u8) {
    let mut known = None;
    for Update { lanes, lane } in updates.iter().filter(|update| update.lane < update.lanes.count) {
        let position = lanes.room.positions.plus(4 * *lane as i32);
        if known.replace(position) != Some(position) {
            assembler.load_signed(POSITION, position);
        }
        lanes.write(assembler, *lane as i32, register);
    }
}

impl Lanes {
    /// The same lanes after the pointer has moved.
    fn left(&self) -> Lanes {
        Lanes { address: self.address.plus(-self.moves), ..*self }
    }

    /// One of them, whose position is known.
    fn write(&self, assembler: &mut Assembler, lane: i32, register: u8) {
        const LOAD: Opcode = Opcode::new("vmovss", 1, 2, 0x10).short();
        const STORE: Opcode = Opcode::new("vmovss", 1, 2, 0x11).short();
        const ADD: Opcode = Opcode::new("vaddss", 1, 2, 0x58).short();
        const MULTIPLY: Opcode = Opcode::new("vmulss", 1, 2, 0x59).short();
        let double = |single: Opcode, name: &'static str| Opcode { name, prefix: 3, ..single };
        let (size, load, store, add, multiply) = match self.wide {
            false => (4, LOAD, STORE, ADD, MULTIPLY),
            true => {
                let load = double(LOAD, "vmovsd");
                (8, load, double(STORE, "vmovsd"), double(ADD, "vaddsd"), double(MULTIPLY, "vmulsd"))
            }
        };
        let combine = if self.product { multiply } else { add };
        let Memory::At { base, index: None, displacement } = self.address else {
            internal("a scatter to elsewhere than a pointer")
        };
        let element = Memory::At { base, index: Some((POSITION, size)), displacement };
        let value = self.room.values.plus(i32::from(size) * lane);
        assembler.vector(load, register, None, Source::Memory(value), None);
        assembler.vector(combine, register, Some(register), Source::Memory(element), None);
        assembler.vector(store, register, None, Source::Memory(element), None);
    }
}
