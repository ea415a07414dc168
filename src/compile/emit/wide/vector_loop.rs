//! The vector loop, whose index is in a register.
//!
//! A segment of it runs as a loop over blocks of several vectors, then over single vectors, then what is left under a mask,
//! or element by element where some access cannot be masked. The vectors of a block are neighbours, but where lanes scatter:
//! there the segment is cut into as many parts as a block has vectors, and each vector goes through a part of its own.

use super::assembler::{Condition, Gpr, Memory, Source};
use super::edges::{self, Inside, Piece};
use super::frame::{INDEX, SCRATCH};
use super::generator::{Active, Block, Generator};
use super::loops::STRIP;
use super::region::{MOVE, STORE};
use crate::compile::emit::split::{Nest, Segment};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{NodeId, NodeKind};

/// Vectors that are written out instead of looped over.
const WRITTEN_OUT: i64 = 4;

impl Generator<'_> {
    /// All segments, one after the other.
    pub(super) fn vector_loop(&mut self, axis: usize, segments: &[Segment], level: usize) -> Option<()> {
        let cut = self.bounds.filter(|_| axis == self.order.chunked);
        let moving = self.groups.moving(axis);
        match cut {
            Some((low, _)) => {
                self.assembler.load(INDEX, low);
                for &(pointer, step) in &moving {
                    self.assembler.multiply(SCRATCH[0], INDEX, step);
                    self.assembler.add(pointer, SCRATCH[0]);
                }
            }
            None => {
                let low = i32::try_from(segments[0].low).ok()?;
                self.assembler.mov_immediate(INDEX, i64::from(low));
                for &(pointer, step) in moving.iter().filter(|_| low != 0) {
                    self.assembler.add_immediate(pointer, step.checked_mul(low)?);
                }
            }
        }
        // Lanes that are combined with memory are not put together.
        let apart = self.ragged || self.kernel.scatters();
        for Piece { low, high, inside } in edges::pieces(segments, self.lanes as usize, apart) {
            // Chunks of the vector loop begin with whole lines.
            self.aligned = low as i64 % self.lanes == 0;
            let inside = match inside {
                Inside::Same(inside) => inside,
                Inside::Meeting(bodies) => {
                    let done = self.assembler.label();
                    if let Some((_, end)) = cut {
                        // A chunk has all of such a vector or nothing.
                        self.limit(end, high, self.kernel.extents[axis], SCRATCH[0]);
                        self.assembler.cmp(INDEX, SCRATCH[0]);
                        self.assembler.jump_if(Condition::GreaterOrEqual, done);
                    }
                    self.meeting(low, high, &bodies, level + 1)?;
                    self.assembler.place(done);
                    continue;
                }
            };
            self.uses = self.split.uses(inside.all_bodies());
            match cut {
                Some((_, end)) => self.cut_segment(axis, inside, end, high, level)?,
                None => self.whole_segment(inside, low as i64, high as i64, level)?,
            }
        }
        if cut.is_none() && level > 0 {
            let extent = i32::try_from(self.kernel.extents[axis]).ok()?;
            for &(pointer, step) in &moving {
                self.assembler.sub_immediate(pointer, step.checked_mul(extent)?);
            }
        }
        Some(())
    }

    /// A segment of the vector loop with known ends.
    fn whole_segment(&mut self, inside: &Nest, mut low: i64, high: i64, level: usize) -> Option<()> {
        let mut unroll = self.tile.filter(|_| self.rows > 1).map_or(self.unroll, |tile| tile.columns as i64);
        let rows = self.rows;
        // Short segments are cut into fewer parts, rather than into parts of a vector each.
        while self.in_turns && rows == 1 && unroll > 2 && high - low < 2 * self.lanes * unroll {
            unroll /= 2;
        }
        let step = self.lanes * unroll;
        let blocks = (high - low) / step;
        let whole = Block { vectors: unroll as usize * rows, rows, active: Active::All };
        if blocks == 1 {
            self.trip(inside, level, whole, step)?;
        } else if self.can_take_turns(inside, whole, blocks) {
            self.blocks_in_turns(inside, level, whole, low, blocks)?;
        } else if blocks > 1 {
            let limit = low + blocks * step;
            self.blocks(inside, level, whole, step, Limit::Known(limit, blocks))?;
        }
        low += blocks * step;
        let vectors = (high - low) / self.lanes;
        if vectors > WRITTEN_OUT {
            let limit = low + vectors * self.lanes;
            let single = Block { vectors: rows, rows, active: Active::All };
            self.blocks(inside, level, single, self.lanes, Limit::Known(limit, vectors))?;
        } else if vectors > 0 {
            let block = Block { vectors: vectors as usize * rows, rows, active: Active::All };
            self.trip(inside, level, block, vectors * self.lanes)?;
        }
        low += vectors * self.lanes;
        if low < high {
            let block = Block { vectors: rows, rows, active: Active::First((high - low) as usize) };
            self.trip(inside, level, block, high - low)?;
        }
        Some(())
    }

    /// A segment of the vector loop up to `high`, as far as it is in the chunk, which ends at `end`.
    fn cut_segment(&mut self, axis: usize, inside: &Nest, end: Memory, high: usize, level: usize) -> Option<()> {
        let limit = self.frame.word();
        self.limit(end, high, self.kernel.extents[axis], SCRATCH[0]);
        self.assembler.store(limit, SCRATCH[0]);
        let mut stages = vec![(self.unroll as usize, self.lanes * self.unroll)];
        if self.unroll > 1 {
            stages.push((1, self.lanes));
        }
        for (vectors, step) in stages {
            let block = Block { vectors, rows: 1, active: Active::All };
            self.blocks(inside, level, block, step, Limit::Kept(limit))?;
        }
        if self.ragged {
            let block = Block { vectors: 1, rows: 1, active: Active::First(1) };
            return self.blocks(inside, level, block, 1, Limit::Kept(limit));
        }
        let done = self.assembler.label();
        let [table, rest] = SCRATCH;
        self.assembler.mov(rest, INDEX);
        self.assembler.load(table, limit);
        self.assembler.sub(rest, table);
        self.assembler.jump_if(Condition::GreaterOrEqual, done);
        // Minus the number of lanes left: that much before the end of as many ones as there are lanes.
        let mask = self.frame.vector();
        let mut bytes = vec![0xff; 32];
        bytes.extend([0; 32]);
        let Memory::Constant(ones) = self.assembler.constant(&bytes) else { internal("a constant elsewhere") };
        self.assembler.lea(table, Memory::Constant(ones + 32));
        let size = 32 / self.lanes as u8;
        let window = Memory::At { base: table, index: Some((rest, size)), displacement: 0 };
        self.assembler.vector(MOVE, 0, None, Source::Memory(window), None);
        self.assembler.vector(STORE, 0, None, Source::Memory(mask), None);
        let block = Block { vectors: 1, rows: 1, active: Active::Masked(mask) };
        self.trip(inside, level, block, 0)?;
        self.assembler.load(INDEX, limit);
        self.assembler.place(done);
        Some(())
    }

    /// Puts the lesser of a chunk's end and a segment's into a register.
    pub(super) fn limit(&mut self, end: Memory, high: usize, extent: usize, register: Gpr) {
        self.assembler.load(register, end);
        if high < extent {
            let other = SCRATCH[1];
            self.assembler.mov_immediate(other, high as i64);
            self.assembler.cmp(register, other);
            self.assembler.mov_if(Condition::Greater, register, other);
        }
    }

    /// One block at the index, which then moves on.
    pub(super) fn trip(&mut self, inside: &Nest, level: usize, block: Block, step: i64) -> Option<()> {
        self.block = Some(block);
        self.note_index(&inside.nodes());
        self.enter(inside, level + 1)?;
        self.inside(inside, level + 1)?;
        self.block = None;
        if step != 0 {
            self.advance(step as i32)?;
        }
        Some(())
    }

    /// Moves the index of the vector loop and the pointers that follow it.
    pub(super) fn advance(&mut self, step: i32) -> Option<()> {
        for (pointer, bytes) in self.moving_by(step)? {
            self.assembler.add_immediate(pointer, bytes);
        }
        self.assembler.add_immediate(INDEX, step);
        Some(())
    }

    /// The pointers that follow the vector loop, and how many bytes some steps of it are.
    fn moving_by(&self, steps: i32) -> Option<Vec<(Gpr, i32)>> {
        let moving = self.groups.moving(self.order.axes[self.vector]);
        moving.into_iter().map(|(pointer, step)| Some((pointer, step.checked_mul(steps)?))).collect()
    }

    /// Blocks from the index on as long as they are whole.
    pub(super) fn blocks(&mut self, inside: &Nest, level: usize, block: Block, step: i64, limit: Limit) -> Option<()> {
        let step = step as i32;
        let done = self.assembler.label();
        let [strip, end] = SCRATCH;
        // The index after which no whole block fits.
        match limit {
            Limit::Known(limit, _) => self.assembler.mov_immediate(end, limit),
            Limit::Kept(limit) => {
                self.assembler.load(end, limit);
                self.assembler.sub_immediate(end, step - 1);
                self.assembler.cmp(INDEX, end);
                self.assembler.jump_if(Condition::GreaterOrEqual, done);
            }
        }
        if let Nest::Body(body) = inside {
            self.block = Some(block);
            let long = self.sums() && !matches!(limit, Limit::Known(_, trips) if trips <= STRIP);
            let again_strip = self.assembler.label();
            if long {
                self.assembler.place(again_strip);
                self.assembler.lea(strip, Memory::at(INDEX, STRIP as i32 * step));
                self.assembler.cmp(strip, end);
                self.assembler.mov_if(Condition::Greater, strip, end);
            }
            let moving = self.moving_by(step)?;
            let asked = self.asks_index(&body.needed);
            let index = self.indices[self.order.axes[self.vector]].filter(|_| asked);
            self.repeat(body, level + 1, index, |generator, again| {
                for &(pointer, bytes) in &moving {
                    generator.assembler.add_immediate(pointer, bytes);
                }
                generator.assembler.add_immediate(INDEX, step);
                generator.assembler.cmp(INDEX, if long { strip } else { end });
                generator.assembler.jump_if(Condition::Less, again);
            })?;
            if long {
                self.assembler.cmp(INDEX, end);
                self.assembler.jump_if(Condition::Less, again_strip);
            }
            self.block = None;
        } else {
            let kept = self.frame.word();
            self.assembler.store(kept, end);
            let again = self.assembler.label();
            self.assembler.place(again);
            self.trip(inside, level, block, i64::from(step))?;
            self.assembler.cmp_memory(INDEX, kept);
            self.assembler.jump_if(Condition::Less, again);
        }
        self.assembler.place(done);
        Some(())
    }

    fn asks_index(&self, nodes: &[NodeId]) -> bool {
        let vector = self.order.axes[self.vector];
        let asks =
            |node: &NodeId| matches!(self.split.nodes[node.index()].kind, NodeKind::Index { axis } if axis == vector);
        nodes.iter().any(asks)
    }

    /// Writes the index of the vector loop to the frame if one of some nodes asks for it.
    pub(super) fn note_index(&mut self, nodes: &[NodeId]) {
        if self.asks_index(nodes)
            && let Some(index) = self.indices[self.order.axes[self.vector]]
        {
            self.assembler.store(index, INDEX);
        }
    }
}

/// Where a loop over blocks ends.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// At an index, after so many trips.
    Known(i64, i64),
    /// Before the index in the frame; whole blocks only.
    Kept(Memory),
}
