//! Loops around and inside of the vector loop, and the innermost loop.
//!
//! They move the pointers along, and their index is in the frame unless nothing inside asks for it. The innermost loop has
//! its accumulators in registers.

use super::assembler::{Condition, Gpr, Label, Memory};
use super::frame::{INDEX, SCRATCH};
use super::generator::Generator;
use super::region::Region;
use crate::compile::emit::split::{Body, Nest, Segment};
use cotangent_ir::error::internal;
use cotangent_ir::kernel::NodeKind;

/// Steps of an innermost loop in one strip of a sum: of n additions in a row about the root of n remain.
pub(super) const STRIP: i64 = 256;

impl Generator<'_> {
    /// A loop around or inside of the vector loop. The pointers stand at its index 0 before and after, unless nothing
    /// comes after.
    pub(super) fn plain_loop(&mut self, axis: usize, segments: &[Segment], level: usize) -> Option<()> {
        if self.order.in_memory == Some(axis) {
            self.clear_sums(level + 1)?;
        }
        let moving = self.groups.moving(axis);
        let index = self.indices[axis].unwrap_or_else(|| internal("an axis without an index"));
        let cut = self.start(axis, segments, index, &moving)?;
        for segment in segments {
            let (low, high) = (i32::try_from(segment.low).ok()?, i32::try_from(segment.high).ok()?);
            let limit = match cut {
                None => None,
                Some(end) => {
                    let limit = self.frame.word();
                    self.limit(end, segment.high, self.kernel.extents[axis], SCRATCH[0]);
                    self.assembler.store(limit, SCRATCH[0]);
                    Some(limit)
                }
            };
            if self.is_tight(&segment.inside, level, limit) {
                self.tight_loop(&segment.inside, level, high - low, &moving)?;
                self.assembler.store_immediate(index, high);
                continue;
            }
            let (again, done) = (self.assembler.label(), self.assembler.label());
            if let Some(limit) = limit {
                self.assembler.load(SCRATCH[0], index);
                self.assembler.cmp_memory(SCRATCH[0], limit);
                self.assembler.jump_if(Condition::GreaterOrEqual, done);
            }
            self.assembler.place(again);
            self.enter(&segment.inside, level + 1)?;
            self.inside(&segment.inside, level + 1)?;
            for &(pointer, step) in &moving {
                self.assembler.add_immediate(pointer, step);
            }
            self.assembler.add_immediate_to(index, 1);
            match limit {
                Some(limit) => {
                    self.assembler.load(SCRATCH[0], index);
                    self.assembler.cmp_memory(SCRATCH[0], limit);
                    self.assembler.jump_if(Condition::Less, again);
                }
                None if high - low > 1 => {
                    self.assembler.cmp_immediate_with(index, high);
                    self.assembler.jump_if(Condition::Less, again);
                }
                None => {}
            }
            self.assembler.place(done);
        }
        self.finish(axis, level, cut, &moving)
    }

    /// Sets the index of a loop, and the pointers it moves, to where the loop begins. Gives the end of the chunk if that is
    /// cut from this loop.
    pub(super) fn start(
        &mut self,
        axis: usize,
        segments: &[Segment],
        index: Memory,
        moving: &[(Gpr, i32)],
    ) -> Option<Option<Memory>> {
        let Some((low, end)) = self.bounds.filter(|_| axis == self.order.chunked) else {
            self.assembler.store_immediate(index, i32::try_from(segments[0].low).ok()?);
            return Some(None);
        };
        let [low_register, bytes] = SCRATCH;
        self.assembler.load(low_register, low);
        self.assembler.store(index, low_register);
        for &(pointer, step) in moving {
            self.assembler.multiply(bytes, low_register, step);
            self.assembler.add(pointer, bytes);
        }
        Some(Some(end))
    }

    /// Moves the pointers back to where they were before a loop over all of an axis.
    pub(super) fn finish(
        &mut self,
        axis: usize,
        level: usize,
        cut: Option<Memory>,
        moving: &[(Gpr, i32)],
    ) -> Option<()> {
        if cut.is_none() && level > 0 {
            let extent = i32::try_from(self.kernel.extents[axis]).ok()?;
            for &(pointer, step) in moving {
                self.assembler.sub_immediate(pointer, step.checked_mul(extent)?);
            }
        }
        Some(())
    }

    /// Whether a loop inside of the vector loop has just a body in it, that does not ask for the index.
    fn is_tight(&self, inside: &Nest, level: usize, limit: Option<Memory>) -> bool {
        let Nest::Body(body) = inside else { return false };
        let asked = body.needed.iter().any(|node| {
            matches!(self.split.nodes[node.index()].kind, NodeKind::Index { axis } if axis == self.order.axes[level])
        });
        limit.is_none() && self.block.is_some() && !asked
    }

    /// A loop with a body in it whose accumulators stay in registers. Long sums are made in strips.
    fn tight_loop(&mut self, inside: &Nest, level: usize, trips: i32, moving: &[(Gpr, i32)]) -> Option<()> {
        let Nest::Body(body) = inside else { internal("a tight loop around loops") };
        let strip = STRIP as i32;
        let (strips, rest) = if trips > strip { (trips / strip, trips % strip) } else { (0, trips) };
        for (count, trips) in [(strips, strip), (1, rest)] {
            if count == 0 || trips == 0 {
                continue;
            }
            let [counter, outer] = SCRATCH;
            let again_outer = self.assembler.label();
            if count > 1 {
                self.assembler.mov_immediate(outer, i64::from(count));
                self.assembler.place(again_outer);
            }
            self.assembler.mov_immediate(counter, i64::from(trips));
            self.repeat(body, level + 1, None, |generator, again| {
                for &(pointer, step) in moving {
                    generator.assembler.add_immediate(pointer, step);
                }
                generator.assembler.sub_immediate(counter, 1);
                generator.assembler.jump_if(Condition::NotEqual, again);
            })?;
            if count > 1 {
                self.assembler.sub_immediate(outer, 1);
                self.assembler.jump_if(Condition::NotEqual, again_outer);
            }
        }
        Some(())
    }

    /// The innermost loop: its accumulators are in registers from its start, at the identity, to its end, where they are
    /// combined with what came before. The index of the vector loop is written to `index`, if given, at the start of every
    /// iteration; `close` writes the end of the loop, given where it begins.
    pub(super) fn repeat(
        &mut self,
        body: &Body,
        level: usize,
        index: Option<Memory>,
        close: impl FnOnce(&mut Self, Label),
    ) -> Option<()> {
        let mut region = Region::default();
        let pinned = self.pin(&mut region)?;
        let region = self.body(body, level, Some((region, &pinned)))?;
        let allocation = self.allocate(region, true);
        self.start_pinned(&pinned)?;
        allocation.write_entry(&mut self.assembler);
        self.assembler.align();
        let again = self.assembler.label();
        self.assembler.place(again);
        if let Some(index) = index {
            self.assembler.store(index, INDEX);
        }
        allocation.write(&mut self.assembler, &mut self.detours);
        close(self, again);
        self.finish_pinned(&pinned)
    }
}
