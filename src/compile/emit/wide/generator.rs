//! A kernel's function: the range of its chunks, and what is done on entering each loop.

use super::admission;
use super::allocate::{self, Allocation};
use super::assembler::{Assembler, Condition, MachineCode, Memory};
use super::detour::{self, Detour};
use super::frame::{self, Frame, Groups, SCRATCH, View};
use super::reduce::Accumulators;
use super::region::Region;
use super::rows;
use super::scatter;
use super::select::{Element, Width};
use super::transpose::{self, Tile};
use crate::compile::emit::Settings;
use crate::compile::emit::body::{Facts, Order, order};
use crate::compile::emit::kernel_function::{Layout, chunk_size};
use crate::compile::emit::split::{Nest, Split, split};
use cotangent_ir::hash::QuickMap;
use cotangent_ir::kernel::{Kernel, NodeId, NodeKind};
use smallvec::SmallVec;
use std::collections::HashMap;

/// The code of a kernel's function `(table, scalars, first chunk, chunk after the last)`. None if the kernel needs something
/// that is not here.
pub(crate) fn compile(kernel: &Kernel, layout: Layout<'_>, settings: &Settings) -> Option<MachineCode> {
    let order = order(kernel);
    let by_rows = rows::unrolled(kernel, &order, layout.rows);
    let by_rows = by_rows.and_then(|(kernel, order)| compile_in_order(&kernel, &order, layout, settings));
    by_rows.or_else(|| compile_in_order(kernel, &order, layout, settings))
}

/// The code of a kernel whose loops are in the given order.
fn compile_in_order(kernel: &Kernel, order: &Order, layout: Layout<'_>, settings: &Settings) -> Option<MachineCode> {
    // Of a single iteration there are no neighbours.
    let vector = order.vector.filter(|_| kernel.iterations() > 1)?;
    let split = split(kernel, &order.axes);
    let mut facts = Facts::new(kernel, order, &split);
    if order.tiled {
        transpose::spread(kernel, order, &split, &mut facts)?;
    }
    let elements = admission::elements(kernel, &split, &facts)?;
    let width = admission::width(kernel, &split, &elements);
    // Positions are lanes of 32 bits.
    if kernel.scatters() && (width != Width::Eight || !scatter::is_possible(kernel)) {
        return None;
    }
    let mut frame = Frame::default();
    let view = View { kernel, facts: &facts, axis: order.axes[vector] };
    let groups = admission::groups(view, &split, &mut frame)?;
    let tile = if order.tiled { Some(Tile::new(view, order, &split, width)?) } else { None };
    let ragged = admission::is_ragged(view, &split);
    let streams = admission::streams(view, &split, layout.streams);
    // Between rows the pointers are where rows begin.
    if order.in_memory.is_some() && !groups.moving(view.axis).is_empty() {
        return None;
    }
    // A sum over no loop at all would have no loop to begin at.
    if facts.levels.iter().flatten().any(|&level| level == order.axes.len()) {
        return None;
    }
    let in_turns = kernel.scatters() && settings.scatter_in_turns;
    let unroll = admission::unroll(kernel, &split, &facts, width, in_turns)?;
    let generator = Generator {
        assembler: Assembler::new(settings.listing),
        kernel,
        order,
        split: &split,
        facts: &facts,
        view,
        elements,
        width,
        lanes: width.lanes() as i64,
        vector,
        unroll: unroll as i64,
        spacing: width.lanes() as i64,
        in_turns,
        ragged,
        wanted: Vec::new(),
        tile,
        rows: 1,
        clearing: false,
        streams,
        aligned: false,
        frame,
        groups,
        spill_slots: Vec::new(),
        scattered: HashMap::new(),
        waiting: Vec::new(),
        turns: scatter::Turns::AtEnd,
        detours: Vec::new(),
        known: QuickMap::default(),
        uses: vec![0; split.nodes.len()],
        indices: vec![None; kernel.extents.len()],
        chunk: None,
        bounds: None,
        block: None,
        accumulators: Accumulators::default(),
    };
    generator.function(layout)
}

/// The elements processed at once.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// Vectors: of each row as many.
    pub(crate) vectors: usize,
    /// Rows of a tile, or one.
    pub(crate) rows: usize,
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
    /// Those whose bits are set.
    Some(u8),
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
    pub(super) unroll: i64,
    /// Elements from one vector of a block to the next: as many as there are lanes, unless vectors take turns.
    pub(super) spacing: i64,
    /// Whether lanes of distant vectors scatter in turns.
    pub(super) in_turns: bool,
    /// Whether some access cannot be done under a mask known only at run time.
    pub(super) ragged: bool,
    /// By node, the lanes that a load reads where it is not all.
    pub(super) wanted: Vec<Option<u8>>,
    /// How the vector loop and the one around it are done in tiles, if they are.
    pub(super) tile: Option<Tile>,
    /// Rows of the tile at hand, or one.
    pub(super) rows: usize,
    /// Whether sums in memory begin: then nothing is computed, and they are put to the identity.
    pub(super) clearing: bool,
    /// By output, whether its whole vectors are written past the cache where they are aligned.
    pub(super) streams: Vec<bool>,
    /// Whether the vector loop is at a multiple of a vector's lanes.
    pub(super) aligned: bool,
    pub(crate) frame: Frame,
    pub(crate) groups: Groups,
    spill_slots: Vec<Memory>,
    /// Room for what a scatter's lanes take one by one, by output and vector of the block.
    pub(super) scattered: HashMap<(usize, usize), scatter::Room>,
    /// Lanes to be combined with memory, by vector of the block.
    pub(super) waiting: Vec<Vec<scatter::Lanes>>,
    pub(super) turns: scatter::Turns,
    pub(super) detours: Vec<Detour>,
    /// Where nodes are that were computed outside of the loops at hand, by vector of the block.
    pub(crate) known: QuickMap<(NodeId, usize), SmallVec<[Memory; 2]>>,
    /// How often a node is used in the segment at hand.
    pub(crate) uses: Vec<u32>,
    /// Where the index of each axis is in the frame; the vector axis's is written there by bodies that need it.
    pub(crate) indices: Vec<Option<Memory>>,
    /// The number of the chunk, if there are several.
    pub(crate) chunk: Option<Memory>,
    /// The range of the outermost loop that makes the chunk.
    pub(super) bounds: Option<(Memory, Memory)>,
    pub(crate) block: Option<Block>,
    pub(crate) accumulators: Accumulators,
}

impl Generator<'_> {
    fn function(mut self, Layout { places, chunks, .. }: Layout<'_>) -> Option<MachineCode> {
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
        if self.streams.contains(&true) {
            self.assembler.store_fence();
        }
        let detours = std::mem::take(&mut self.detours);
        let room = (!detours.is_empty()).then(|| detour::Room::new(&mut self.frame));
        frame::leave(&mut self.assembler, &self.frame, size)?;
        for (detour, room) in detours.iter().zip(room.iter().cycle()) {
            detour::write(&mut self.assembler, detour, room);
        }
        Some(self.assembler.finish())
    }

    /// One chunk after the other, or, of sums in memory, all at once.
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
        // Sums of columns are the same however many columns are done at once: those of all chunks.
        let at_once = self.order.in_memory.is_some();
        if at_once {
            self.assembler.load(first, last);
            self.assembler.multiply(first, first, size);
        } else {
            self.assembler.add_immediate(first, size);
        }
        self.assembler.cmp(first, second);
        self.assembler.mov_if(Condition::Greater, first, second);
        self.assembler.store(high, first);
        self.groups.reload(&mut self.assembler);
        self.inside(nest, 0)?;
        if !at_once {
            self.assembler.add_immediate_to(chunk, 1);
            self.assembler.load(first, chunk);
            self.assembler.cmp_memory(first, last);
            self.assembler.jump_if(Condition::Less, again);
        }
        self.assembler.place(done);
        Some(())
    }

    /// Computes what is known as soon as `level` loops are entered, and keeps it in the frame. A body computes its own.
    pub(super) fn enter(&mut self, nest: &Nest, level: usize) -> Option<()> {
        if matches!(nest, Nest::Body(_)) {
            return Some(());
        }
        let here = |node: &NodeId| {
            self.facts.depth[node.index()] == level
                && !matches!(self.split.nodes[node.index()].kind, NodeKind::Const(_))
        };
        let nodes: Vec<NodeId> = nest.nodes().into_iter().filter(here).collect();
        self.compute_ahead(&nodes, level)
    }

    /// The rest of the nest, `level` loops being entered: accumulators begin, loops run, accumulators end.
    pub(super) fn inside(&mut self, nest: &Nest, level: usize) -> Option<()> {
        self.begin(level)?;
        match nest {
            Nest::Body(body) => {
                let region = self.body(body, level, None)?;
                self.write_once(region);
            }
            Nest::Loop { axis, segments } if self.vector == level => self.vector_loop(*axis, segments, level)?,
            Nest::Loop { axis, segments } => match self.tile.filter(|tile| tile.axis == *axis) {
                Some(tile) => self.tiled_loop(*axis, segments, level, tile)?,
                None => self.plain_loop(*axis, segments, level)?,
            },
        }
        self.end(level)
    }

    /// Gives a region its registers, as the body of a loop or not.
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
}
