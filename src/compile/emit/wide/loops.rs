//! A kernel's loops.
//!
//! The function of a kernel runs a range of chunks. Loops around the vector loop keep their index in the frame and move the
//! pointers along; the vector loop has its index in a register. A segment of it runs as a loop over blocks of several
//! vectors, then over single vectors, then what is left under a mask.

use super::allocate::{self, Allocation};
use super::assembler::{Assembler, Condition, Gpr, Label, MachineCode, Memory, Source};
use super::complex;
use super::detour::{self, Detour};
use super::frame::{self, Frame, Groups, INDEX, SCRATCH, View};
use super::narrow;
use super::reduce::Accumulators;
use super::region::{MOVE, Region, STORE};
use super::select::{Element, Width};
use crate::compile::emit::body::{Facts, Order, order};
use crate::compile::emit::kernel_function::chunk_size;
use crate::compile::emit::split::{Body, Nest, Segment, Split, split};
use crate::run::program::Place;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, Kernel, NodeId, NodeKind};
use smallvec::SmallVec;
use std::collections::HashMap;

/// Blocks of a vector loop in one strip of a sum: of n additions in a row about the root of n remain.
const STRIP: i64 = 256;
/// Vectors that are written out instead of looped over.
const WRITTEN_OUT: i64 = 4;

/// The code of a kernel's function `(table, scalars, first chunk, chunk after the last)`. None if the kernel needs something
/// that is not here.
pub(crate) fn compile(kernel: &Kernel, places: &[Place], chunks: usize, listing: bool) -> Option<MachineCode> {
    let order = order(kernel);
    // Of a single iteration there are no neighbours.
    let vector = order.vector.filter(|_| !order.tiled && kernel.iterations() > 1)?;
    let split = split(kernel, &order.axes);
    let facts = Facts::new(kernel, &order, &split);
    let elements = elements(kernel, &split, &facts)?;
    let width = width(kernel, &split, &elements);
    let mut frame = Frame::default();
    let view = View { kernel, facts: &facts, axis: order.axes[vector] };
    let groups = groups(view, &split, &mut frame)?;
    let ragged = is_ragged(view, &split);
    let accumulating = facts.levels.iter().flatten().count();
    if facts.levels.iter().flatten().any(|&level| level == order.axes.len()) {
        return None;
    }
    let mut unroll = facts.unroll.max(2);
    while unroll > 1 && unroll * accumulating > 8 {
        unroll /= 2;
    }
    let generator = Generator {
        assembler: Assembler::new(listing),
        kernel,
        order: &order,
        split: &split,
        facts: &facts,
        view,
        elements,
        width,
        lanes: width.lanes() as i64,
        vector,
        unroll: unroll as i64,
        ragged,
        frame,
        groups,
        spill_slots: Vec::new(),
        detours: Vec::new(),
        known: HashMap::new(),
        uses: vec![0; split.nodes.len()],
        indices: vec![None; kernel.extents.len()],
        chunk: None,
        bounds: None,
        block: None,
        accumulators: Accumulators::default(),
    };
    generator.function(places, chunks)
}

/// What every node is held in.
fn elements(kernel: &Kernel, split: &Split, facts: &Facts) -> Option<Vec<Element>> {
    // Summands of positions are added in 32 bits, or before the loops.
    let is_offset = |node: NodeId| {
        let literal = matches!(split.nodes[node.index()].kind, NodeKind::Const(_));
        !literal && (facts.narrow[node.index()] || facts.depth[node.index()] == 0)
    };
    let held = |(index, node): (usize, &cotangent_ir::kernel::Node)| match &node.kind {
        NodeKind::Load { access, .. } if !access.dynamic.iter().all(|&(node, _)| is_offset(node)) => None,
        NodeKind::Load { .. } => narrow::element(node.dtype).or(Element::of(node.dtype, false)),
        _ => Element::of(node.dtype, facts.narrow[index]),
    };
    for (output, access) in kernel.outputs.iter().zip(&split.accesses) {
        let known = access.dynamic.iter().all(|&(node, _)| is_offset(node) && facts.depth[node.index()] == 0);
        Element::of(kernel.operands[output.operand as usize].dtype, false).filter(|_| known)?;
    }
    split.nodes.iter().enumerate().map(held).collect()
}

/// Lanes of 64 bits if everything has as many, bools aside, else of 32.
fn width(kernel: &Kernel, split: &Split, elements: &[Element]) -> Width {
    // What is known before the loops, such as scalars, has its width too; literals adapt.
    let computed = split.nodes.iter().zip(elements).filter(|(node, _)| !matches!(node.kind, NodeKind::Const(_)));
    let outputs = kernel.outputs.iter().map(|output| kernel.operands[output.operand as usize].dtype);
    let narrow = |element: &Element| !element.is_wide() && *element != Element::Mask;
    let narrow = computed.clone().any(|(_, element)| narrow(element)) || outputs.clone().any(|dtype| dtype.size() == 4);
    let wide = computed.clone().any(|(_, element)| element.is_wide()) || outputs.clone().any(|dtype| dtype.size() == 8);
    if wide && !narrow { Width::Four } else { Width::Eight }
}

/// The pointers needed. None if there are too many, or a vector cannot be moved.
fn groups(view: View<'_>, split: &Split, frame: &mut Frame) -> Option<Groups> {
    let kernel = view.kernel;
    let mut groups = Groups::default();
    for (output, access) in split.accesses.iter().enumerate() {
        if !view.is_near(access) && complex::store_partner(view, split, output).is_none() {
            return None;
        }
    }
    for (operand, access) in accesses(kernel, split) {
        let dtype = kernel.operands[operand as usize].dtype;
        if narrow::is_narrow(dtype) && !view.is_near(access) {
            return None;
        }
        let reach = 64 * view.step(access).abs().max(1);
        if i32::try_from((access.offset.abs() + reach) * dtype.size() as i64).is_err() {
            return None;
        }
        groups.add(view, operand, access, frame)?;
    }
    Some(groups)
}

/// Everything that is read or written, with the operand.
fn accesses<'a>(kernel: &'a Kernel, split: &'a Split) -> impl Iterator<Item = (u32, &'a Access)> {
    let loads = split.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Load { operand, access } => Some((*operand, access)),
        _ => None,
    });
    loads.chain(kernel.outputs.iter().map(|output| output.operand).zip(&split.accesses))
}

/// Whether elements of some vector are not neighbours, or too small to be moved under a mask.
fn is_ragged(view: View<'_>, split: &Split) -> bool {
    accesses(view.kernel, split).any(|(operand, access)| {
        let apart = !view.is_near(access) && !view.gathers(access);
        apart || narrow::is_narrow(view.kernel.operands[operand as usize].dtype)
    })
}

/// The elements processed at once.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// Vectors.
    pub(crate) vectors: usize,
    /// Which lanes of them.
    pub(crate) active: Active,
}

/// Lanes that belong to the loop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Active {
    /// All.
    All,
    /// The first few, at least one.
    First(usize),
    /// Those of a mask in the frame.
    Masked(Memory),
}

/// A kernel's function under construction.
pub(crate) struct Generator<'k> {
    pub(crate) assembler: Assembler,
    pub(crate) kernel: &'k Kernel,
    pub(crate) order: &'k Order,
    pub(crate) split: &'k Split,
    pub(crate) facts: &'k Facts,
    pub(crate) view: View<'k>,
    /// What each node is held in.
    pub(crate) elements: Vec<Element>,
    pub(crate) width: Width,
    pub(crate) lanes: i64,
    /// How many loops are around the vector loop.
    pub(crate) vector: usize,
    /// Vectors in a block.
    unroll: i64,
    /// Whether some access cannot be done under a mask known only at run time.
    ragged: bool,
    pub(crate) frame: Frame,
    pub(crate) groups: Groups,
    spill_slots: Vec<Memory>,
    detours: Vec<Detour>,
    /// Where nodes are that were computed outside of the loops at hand, by vector of the block.
    pub(crate) known: HashMap<(NodeId, usize), SmallVec<[Memory; 2]>>,
    /// How often a node is used in the segment at hand.
    pub(crate) uses: Vec<u32>,
    /// Where the index of each axis is in the frame; the vector axis's is written there by bodies that need it.
    pub(crate) indices: Vec<Option<Memory>>,
    /// The number of the chunk, if there are several.
    pub(crate) chunk: Option<Memory>,
    /// The range of the outermost loop that makes the chunk.
    bounds: Option<(Memory, Memory)>,
    pub(crate) block: Option<Block>,
    pub(crate) accumulators: Accumulators,
}

impl Generator<'_> {
    fn function(mut self, places: &[Place], chunks: usize) -> Option<MachineCode> {
        let range = (chunks > 1).then(|| (self.frame.word(), self.frame.word()));
        let size = frame::enter(&mut self.assembler, &self.groups, places, range);
        for axis in 0..self.kernel.extents.len() {
            self.indices[axis] = Some(self.frame.word());
        }
        let split = self.split;
        self.enter(&split.nest, 0)?;
        for group in 0..self.groups.all.len() {
            self.add_starts(group)?;
        }
        match range {
            None => {
                self.groups.reload(&mut self.assembler);
                self.inside(&split.nest, 0)?;
            }
            Some(range) => self.chunks(&split.nest, chunks, range)?,
        }
        let detours = std::mem::take(&mut self.detours);
        let room = (!detours.is_empty()).then(|| detour::Room::new(&mut self.frame));
        frame::leave(&mut self.assembler, &self.frame, size)?;
        for (detour, room) in detours.iter().zip(room.iter().cycle()) {
            detour::write(&mut self.assembler, detour, room);
        }
        Some(self.assembler.finish())
    }

    /// One chunk after the other.
    fn chunks(&mut self, nest: &Nest, chunks: usize, (chunk, last): (Memory, Memory)) -> Option<()> {
        let extent = self.kernel.extents[self.order.chunked] as i64;
        let size = chunk_size(self.kernel, self.order, chunks) as i64;
        let (low, high) = (self.frame.word(), self.frame.word());
        let (size, extent) = (i32::try_from(size).ok()?, i32::try_from(extent).ok()?);
        self.chunk = Some(chunk);
        self.bounds = Some((low, high));
        let [first, second] = SCRATCH;
        let (again, done) = (self.assembler.label(), self.assembler.label());
        self.assembler.load(first, chunk);
        self.assembler.cmp_memory(first, last);
        self.assembler.jump_if(Condition::GreaterOrEqual, done);
        self.assembler.place(again);
        self.assembler.load(first, chunk);
        self.assembler.multiply(first, first, size);
        self.assembler.mov_immediate(second, i64::from(extent));
        self.assembler.cmp(first, second);
        self.assembler.mov_if(Condition::Greater, first, second);
        self.assembler.store(low, first);
        self.assembler.add_immediate(first, size);
        self.assembler.cmp(first, second);
        self.assembler.mov_if(Condition::Greater, first, second);
        self.assembler.store(high, first);
        self.groups.reload(&mut self.assembler);
        self.inside(nest, 0)?;
        self.assembler.add_immediate_to(chunk, 1);
        self.assembler.load(first, chunk);
        self.assembler.cmp_memory(first, last);
        self.assembler.jump_if(Condition::Less, again);
        self.assembler.place(done);
        Some(())
    }

    /// Computes what is known as soon as `level` loops are entered, and keeps it in the frame. A body computes its own.
    fn enter(&mut self, nest: &Nest, level: usize) -> Option<()> {
        if matches!(nest, Nest::Body(_)) {
            return Some(());
        }
        let here = |node: &NodeId| {
            self.facts.depth[node.index()] == level
                && !matches!(self.split.nodes[node.index()].kind, NodeKind::Const(_))
        };
        let nodes: Vec<NodeId> = nodes(nest).into_iter().filter(here).collect();
        self.compute_ahead(&nodes, level)
    }

    /// The rest of the nest, `level` loops being entered: accumulators begin, loops run, accumulators end.
    fn inside(&mut self, nest: &Nest, level: usize) -> Option<()> {
        self.begin(level)?;
        match nest {
            Nest::Body(body) => {
                let region = self.body(body, level, None)?;
                self.write_once(region);
            }
            Nest::Loop { axis, segments } if self.vector == level => self.vector_loop(*axis, segments, level)?,
            Nest::Loop { axis, segments } => self.plain_loop(*axis, segments, level)?,
        }
        self.end(level)
    }

    /// A loop around or inside of the vector loop. The pointers stand at its index 0 before and after, unless nothing
    /// comes after.
    fn plain_loop(&mut self, axis: usize, segments: &[Segment], level: usize) -> Option<()> {
        let moving = self.groups.moving(axis);
        let index = self.indices[axis].unwrap_or_else(|| internal("an axis without an index"));
        let cut = self.bounds.filter(|_| axis == self.order.chunked);
        if let Some((low, _)) = cut {
            let [low_register, bytes] = SCRATCH;
            self.assembler.load(low_register, low);
            self.assembler.store(index, low_register);
            for &(pointer, step) in &moving {
                self.assembler.multiply(bytes, low_register, step);
                self.assembler.add(pointer, bytes);
            }
        } else {
            self.assembler.store_immediate(index, i32::try_from(segments[0].low).ok()?);
        }
        for segment in segments {
            let (low, high) = (i32::try_from(segment.low).ok()?, i32::try_from(segment.high).ok()?);
            let limit = match cut {
                None => None,
                Some((_, end)) => {
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
        if cut.is_none() && level > 0 {
            let extent = i32::try_from(self.kernel.extents[axis]).ok()?;
            for &(pointer, step) in &moving {
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
    fn repeat(
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

    fn vector_loop(&mut self, axis: usize, segments: &[Segment], level: usize) -> Option<()> {
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
        for segment in segments {
            self.count_uses(&segment.inside);
            match cut {
                Some((_, high)) => self.cut_segment(axis, segment, high, level)?,
                None => self.whole_segment(segment, level)?,
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
    fn whole_segment(&mut self, segment: &Segment, level: usize) -> Option<()> {
        let (mut low, high) = (segment.low as i64, segment.high as i64);
        let step = self.lanes * self.unroll;
        let blocks = (high - low) / step;
        let whole = Block { vectors: self.unroll as usize, active: Active::All };
        if blocks == 1 {
            self.trip(segment, level, whole, step)?;
        } else if blocks > 1 {
            let limit = low + blocks * step;
            self.blocks(segment, level, whole, step, Limit::Known(limit, blocks))?;
        }
        low += blocks * step;
        let vectors = (high - low) / self.lanes;
        if vectors > WRITTEN_OUT {
            let limit = low + vectors * self.lanes;
            let single = Block { vectors: 1, active: Active::All };
            self.blocks(segment, level, single, self.lanes, Limit::Known(limit, vectors))?;
        } else if vectors > 0 {
            let block = Block { vectors: vectors as usize, active: Active::All };
            self.trip(segment, level, block, vectors * self.lanes)?;
        }
        low += vectors * self.lanes;
        if low < high {
            let block = Block { vectors: 1, active: Active::First((high - low) as usize) };
            self.trip(segment, level, block, high - low)?;
        }
        Some(())
    }

    /// A segment of the vector loop as far as it is in the chunk, which ends at `end`.
    fn cut_segment(&mut self, axis: usize, segment: &Segment, end: Memory, level: usize) -> Option<()> {
        let limit = self.frame.word();
        self.limit(end, segment.high, self.kernel.extents[axis], SCRATCH[0]);
        self.assembler.store(limit, SCRATCH[0]);
        let mut stages = vec![(self.unroll as usize, self.lanes * self.unroll)];
        if self.unroll > 1 {
            stages.push((1, self.lanes));
        }
        for (vectors, step) in stages {
            let block = Block { vectors, active: Active::All };
            self.blocks(segment, level, block, step, Limit::Kept(limit))?;
        }
        if self.ragged {
            let block = Block { vectors: 1, active: Active::First(1) };
            return self.blocks(segment, level, block, 1, Limit::Kept(limit));
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
        let block = Block { vectors: 1, active: Active::Masked(mask) };
        self.trip(segment, level, block, 0)?;
        self.assembler.load(INDEX, limit);
        self.assembler.place(done);
        Some(())
    }

    /// Puts the lesser of a chunk's end and a segment's into a register.
    fn limit(&mut self, end: Memory, high: usize, extent: usize, register: Gpr) {
        self.assembler.load(register, end);
        if high < extent {
            let other = SCRATCH[1];
            self.assembler.mov_immediate(other, high as i64);
            self.assembler.cmp(register, other);
            self.assembler.mov_if(Condition::Greater, register, other);
        }
    }

    /// One block at the index, which then moves on.
    fn trip(&mut self, segment: &Segment, level: usize, block: Block, step: i64) -> Option<()> {
        self.block = Some(block);
        self.note_index(&segment.inside);
        self.enter(&segment.inside, level + 1)?;
        self.inside(&segment.inside, level + 1)?;
        self.block = None;
        if step != 0 {
            self.advance(step as i32)?;
        }
        Some(())
    }

    /// Moves the index of the vector loop and the pointers that follow it.
    fn advance(&mut self, step: i32) -> Option<()> {
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
    fn blocks(&mut self, segment: &Segment, level: usize, block: Block, step: i64, limit: Limit) -> Option<()> {
        let step = step as i32;
        let done = self.assembler.label();
        let [strip, end] = SCRATCH;
        // The index after which no whole block fits.
        let put_end = |generator: &mut Self| match limit {
            Limit::Known(limit, _) => generator.assembler.mov_immediate(end, limit),
            Limit::Kept(limit) => {
                generator.assembler.load(end, limit);
                generator.assembler.sub_immediate(end, step - 1);
            }
        };
        put_end(self);
        if matches!(limit, Limit::Kept(_)) {
            self.assembler.cmp(INDEX, end);
            self.assembler.jump_if(Condition::GreaterOrEqual, done);
        }
        if let Nest::Body(body) = &segment.inside {
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
            let inside = &segment.inside;
            let asked = self.asks_index(inside);
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
            self.trip(segment, level, block, i64::from(step))?;
            self.assembler.cmp_memory(INDEX, kept);
            self.assembler.jump_if(Condition::Less, again);
        }
        self.assembler.place(done);
        Some(())
    }

    fn asks_index(&self, nest: &Nest) -> bool {
        let vector = self.order.axes[self.vector];
        let asks =
            |node: NodeId| matches!(self.split.nodes[node.index()].kind, NodeKind::Index { axis } if axis == vector);
        nodes(nest).into_iter().any(asks)
    }

    /// Writes the index of the vector loop to the frame if something in a nest asks for it.
    fn note_index(&mut self, nest: &Nest) {
        if self.asks_index(nest)
            && let Some(index) = self.indices[self.order.axes[self.vector]]
        {
            self.assembler.store(index, INDEX);
        }
    }

    pub(crate) fn allocate(&mut self, mut region: Region, repeated: bool) -> Allocation {
        region.fold_loads();
        let (slots, frame) = (&mut self.spill_slots, &mut self.frame);
        let slot = |number: usize| {
            while slots.len() <= number {
                slots.push(frame.vector());
            }
            slots[number]
        };
        if repeated { allocate::repeated(&region, slot) } else { allocate::once(&region, slot) }
    }

    /// Writes straight-line code.
    pub(crate) fn write_once(&mut self, region: Region) {
        let allocation = self.allocate(region, false);
        allocation.write(&mut self.assembler, &mut self.detours);
    }

    fn count_uses(&mut self, nest: &Nest) {
        self.uses.fill(0);
        let mut counted = vec![false; self.uses.len()];
        let (uses, split) = (&mut self.uses, self.split);
        nest.bodies(&mut |body| {
            body.roots.iter().for_each(|root| uses[root.index()] += 1);
            for node in &body.needed {
                if std::mem::replace(&mut counted[node.index()], true) {
                    continue;
                }
                if let NodeKind::Op { args, .. } = &split.nodes[node.index()].kind {
                    args.iter().for_each(|arg| uses[arg.index()] += 1);
                }
            }
        });
    }
}

/// Where a loop over blocks ends.
#[derive(Clone, Copy)]
enum Limit {
    /// At an index, after so many trips.
    Known(i64, i64),
    /// Before the index in the frame; whole blocks only.
    Kept(Memory),
}

/// The nodes of all bodies in a nest, ascending.
pub(crate) fn nodes(nest: &Nest) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    nest.bodies(&mut |body| nodes.extend_from_slice(&body.needed));
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
