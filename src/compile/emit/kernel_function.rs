//! A kernel's loops.
//!
//! The function of a kernel runs a range of chunks. Inside of a chunk the segments of every axis follow each other, so
//! that memory is walked in order. The vector loop of a segment runs in three stages: several vectors per iteration, one
//! vector, single elements. Everything is computed in the outermost loop it depends on.
//!
//! Accumulators are variables: one per vector of an iteration and one for single elements, put together in a fixed order
//! where their loops end. If the vector loop keeps its elements apart, the loops an accumulator spans run inside of it.

use super::body::{Facts, Order, TILE, order};
use super::lanes::{Emitter, Form, Lane};
use super::split::{Body, Nest, Segment, Split, split};
use super::{Lanes, POINTER, Unit};
use crate::run::program::Place;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Kernel, NodeId, NodeKind};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::{FunctionBuilder, Variable};
use cranelift_module::FuncId;
use smallvec::SmallVec;
use std::collections::HashMap;

/// Short loops of at most this many iterations are written out, inside of a vector loop and of single elements.
const WRITTEN_OUT: i64 = 4;
/// Bodies up to this cost.
const SHORT_BODY: usize = 40;

/// Elements that make a line of the cache, or several.
const LINE: usize = 16;

/// How a kernel is bound to memory and shared.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// Where its operands are.
    pub(crate) places: &'a [Place],
    /// Number of pieces.
    pub(crate) chunks: usize,
    /// Operands to write past the cache, if possible.
    pub(crate) streams: &'a [u32],
    /// How many rows of a matrix to add up at a time, if possible; 0 if one after the other in registers.
    pub(crate) rows: usize,
}

/// What a kernel's function is given: the table, the scalars, the first chunk and the one after the last.
pub(crate) const PARAMETERS: [Type; 4] = [POINTER; 4];

/// Defines the function of a kernel in vectors of 128 bits, or without any. Gives with it how its elements are processed.
pub(crate) fn define(unit: &mut Unit, name: &str, kernel: &Kernel, layout: Layout<'_>) -> (FuncId, Lanes) {
    let Layout { places, chunks, .. } = layout;
    let lanes = unit.settings.lanes;
    let mut written = Lanes::Scalar;
    let id = unit.define(name, &PARAMETERS, |function, scratch, imports| {
        let config = imports.frontend_config();
        let builder = FunctionBuilder::new(function, scratch);
        let mut emitter = Emitter::new(builder, imports);
        let entry = emitter.builder.create_block();
        emitter.builder.append_block_params_for_function_params(entry);
        emitter.builder.switch_to_block(entry);
        emitter.builder.seal_block(entry);
        let params: SmallVec<[Value; 4]> = emitter.builder.block_params(entry).into();
        let pointers = places.iter().map(|place| pointer(&mut emitter, params[0], params[1], *place)).collect();
        if kernel.extents.is_empty() {
            write_scalar(&mut emitter, kernel, pointers, &[]);
        } else {
            written = write_loops(&mut emitter, kernel, lanes, pointers, chunks, (params[2], params[3]));
        }
        emitter.builder.ins().return_(&[]);
        emitter.builder.finalize(config);
    });
    (id, written)
}

/// The address of a place.
pub(crate) fn pointer(emitter: &mut Emitter<'_, '_>, table: Value, scalars: Value, place: Place) -> Value {
    match place {
        Place::Slot(slot) => emitter.builder.ins().load(POINTER, MemFlagsData::trusted(), table, 8 * slot as i32),
        Place::Scalar(offset) => {
            let offset = emitter.builder.ins().iconst(POINTER, i64::from(offset));
            emitter.builder.ins().iadd(scalars, offset)
        }
    }
}

/// Writes a kernel without loops. Outputs whose operand has a condition in `conditions` are stored only if it holds.
pub(crate) fn write_scalar(
    emitter: &mut Emitter<'_, '_>,
    kernel: &Kernel,
    pointers: Vec<Value>,
    conditions: &[Option<Value>],
) {
    let order =
        Order { axes: (0..kernel.extents.len()).collect(), vector: None, chunked: 0, tiled: false, in_memory: None };
    let split = split(kernel, &order.axes);
    let facts = Facts::new(kernel, &order, &split);
    let mut loops = Loops::new(emitter, kernel, Lanes::Scalar, &order, &split, &facts, pointers);
    loops.conditions = conditions.to_vec();
    loops.block = Some(Block { form: Form::SCALAR, vectors: 1 });
    loops.enter(&split.nest, 0);
    loops.inside(&split.nest, 0);
}

/// Writes the loops of a kernel; gives whether there are vectors among them.
fn write_loops(
    emitter: &mut Emitter<'_, '_>,
    kernel: &Kernel,
    lanes: Lanes,
    pointers: Vec<Value>,
    chunks: usize,
    (first, last): (Value, Value),
) -> Lanes {
    let order = order(kernel);
    let split = split(kernel, &order.axes);
    let facts = Facts::new(kernel, &order, &split);
    // Lanes that combine with memory do so one after the other.
    let lanes = if kernel.scatters() { Lanes::Scalar } else { lanes };
    let holds_vector = |vector: usize| kernel.extents[order.axes[vector]] >= facts.form.0;
    let vectors = lanes != Lanes::Scalar && order.vector.is_some_and(holds_vector);
    let written = if vectors { Lanes::Vector } else { Lanes::Scalar };
    let mut loops = Loops::new(emitter, kernel, lanes, &order, &split, &facts, pointers);
    loops.enter(&split.nest, 0);
    if chunks == 1 {
        loops.chunk = Some(loops.emitter.builder.ins().iconst(POINTER, 0));
        loops.inside(&split.nest, 0);
        return written;
    }
    let (size, extent) = (chunk_size(kernel, &order, chunks) as i64, kernel.extents[order.chunked] as i64);
    loops.counted(first, last, 1, Trips::Unknown, |loops, chunk| {
        let builder = &mut loops.emitter.builder;
        let size = builder.ins().iconst(POINTER, size);
        let extent = builder.ins().iconst(POINTER, extent);
        let low = builder.ins().imul(chunk, size);
        let low = builder.ins().umin(low, extent);
        let high = builder.ins().iadd(low, size);
        let high = builder.ins().umin(high, extent);
        loops.bounds = Some((low, high));
        loops.chunk = Some(chunk);
        loops.inside(&split.nest, 0);
    });
    written
}

/// Iterations of the outermost loop in a chunk.
pub(crate) fn chunk_size(kernel: &Kernel, order: &Order, chunks: usize) -> usize {
    let extent = kernel.extents[order.chunked];
    match order.vector {
        // Whole lines: chunks that begin in the middle of one would share it, and their vectors would straddle lines.
        Some(vector) if order.axes[vector] == order.chunked => extent.div_ceil(chunks).next_multiple_of(LINE),
        // Whole tiles.
        Some(vector) if order.tiled && order.axes[vector - 1] == order.chunked => {
            extent.div_ceil(chunks).next_multiple_of(LINE)
        }
        _ => extent.div_ceil(chunks),
    }
}

/// What is known about the number of iterations of a loop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trips {
    /// There may be none.
    Unknown,
    /// There is one at least.
    Some,
}

/// The indices of a loop.
#[derive(Clone, Copy)]
enum Range {
    /// Known while compiling.
    Known(i64, i64),
    /// Cut to the chunk. May be empty, or end before it begins.
    Cut(Value, Value),
}

/// The elements being processed at once: `vectors` lane values of a form, the first element at the current index of the
/// vector axis.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) form: Form,
    pub(crate) vectors: usize,
}

/// What a pointer depends on: operand, strides of the loops entered, dynamic summands.
type PointerKey = (u32, SmallVec<[i64; 4]>, SmallVec<[(NodeId, i64); 1]>);

/// The loops of a kernel under construction.
pub(crate) struct Loops<'e, 'f, 'm, 'k> {
    pub(crate) emitter: &'e mut Emitter<'f, 'm>,
    pub(crate) kernel: &'k Kernel,
    pub(crate) lanes: Lanes,
    pub(crate) order: &'k Order,
    pub(crate) split: &'k Split,
    pub(crate) facts: &'k Facts,
    pub(crate) pointers: Vec<Value>,
    /// Conditions of stores, by operand.
    pub(crate) conditions: Vec<Option<Value>>,
    /// The range of the outermost loop that makes the chunk, if there are several.
    pub(crate) bounds: Option<(Value, Value)>,
    pub(crate) chunk: Option<Value>,
    /// The range of the vector loop that makes the tile.
    pub(crate) tile: Option<(Value, Value)>,
    /// The current index of every axis.
    pub(crate) indices: Vec<Option<Value>>,
    pub(crate) block: Option<Block>,
    /// Values of nodes that are the same in all lanes, in the scalar form.
    pub(crate) uniform: Vec<Option<Value>>,
    /// Values of the others, by vector of the block.
    pub(crate) varying: HashMap<(NodeId, usize), Lane>,
    /// Vectors of nodes in `uniform`.
    pub(crate) splats: HashMap<NodeId, Lane>,
    /// Pointers into operands, by the number of loops entered: operand, strides of these loops, dynamic summands.
    pub(crate) partial_pointers: Vec<HashMap<PointerKey, Value>>,
    /// How often a node is used in the segment at hand.
    pub(crate) uses: Vec<u32>,
    /// Accumulators by output, vector and form.
    pub(crate) variables: HashMap<(usize, usize, Form), SmallVec<[Variable; 2]>>,
    /// Which accumulators the vector loops use: how many vectors, and whether single elements.
    pub(crate) reach: (usize, bool),
}

impl<'e, 'f, 'm, 'k> Loops<'e, 'f, 'm, 'k> {
    fn new(
        emitter: &'e mut Emitter<'f, 'm>,
        kernel: &'k Kernel,
        lanes: Lanes,
        order: &'k Order,
        split: &'k Split,
        facts: &'k Facts,
        pointers: Vec<Value>,
    ) -> Loops<'e, 'f, 'm, 'k> {
        Loops {
            emitter,
            kernel,
            lanes,
            order,
            split,
            facts,
            pointers,
            conditions: Vec::new(),
            bounds: None,
            tile: None,
            chunk: None,
            indices: vec![None; kernel.extents.len()],
            block: None,
            uniform: vec![None; split.nodes.len()],
            varying: HashMap::new(),
            splats: HashMap::new(),
            partial_pointers: vec![HashMap::new(); kernel.extents.len() + 1],
            uses: vec![0; split.nodes.len()],
            variables: HashMap::new(),
            reach: (0, false),
        }
    }

    /// Computes what is known as soon as `level` loops are entered.
    fn enter(&mut self, nest: &Nest, level: usize) {
        self.partial_pointers[level..].iter_mut().for_each(HashMap::clear);
        let leaf = matches!(nest, Nest::Body(_));
        for node in nest.nodes().into_iter().filter(|node| self.facts.depth[node.index()] == level) {
            match (self.facts.varies[node.index()], self.block) {
                (false, _) => {
                    self.uniform[node.index()] = Some(self.uniform_node(node));
                    if !self.is_literal(node) {
                        self.keep_splat(node);
                    }
                }
                // The body computes one vector after the other.
                (true, Some(block)) if !leaf => {
                    (0..block.vectors).for_each(|vector| self.varying_node(node, vector, block));
                }
                _ => {}
            }
        }
        self.advance_pointers(nest, level);
    }

    fn is_literal(&self, node: NodeId) -> bool {
        matches!(self.split.nodes[node.index()].kind, NodeKind::Const(_))
    }

    /// The rest of the nest, `level` loops being entered: accumulators begin, loops run, accumulators end.
    fn inside(&mut self, nest: &Nest, level: usize) {
        if level == 0 {
            self.reach = self.forms_used(nest, 0);
        }
        self.begin(level);
        match nest {
            Nest::Body(body) => self.body(body, level),
            Nest::Loop { axis, segments } if self.order.vector == Some(level) => {
                self.vector_loop(*axis, segments, level)
            }
            Nest::Loop { axis, segments } if self.order.tiled && self.order.vector == Some(level + 1) => {
                self.tiles(*axis, segments, level);
            }
            Nest::Loop { axis, segments } => self.plain_loop(*axis, segments, level),
        }
        self.end(level);
    }

    /// The indices of a segment, cut to the chunk or tile.
    fn range(&mut self, axis: usize, segment: &Segment) -> Range {
        let chunk = self.bounds.filter(|_| axis == self.order.chunked);
        let tile = self.tile.filter(|_| self.order.vector.is_some_and(|vector| axis == self.order.axes[vector]));
        let Some((first, last)) = chunk.or(tile) else {
            return Range::Known(segment.low as i64, segment.high as i64);
        };
        let (low, high) = (self.constant(segment.low as i64), self.constant(segment.high as i64));
        let builder = &mut self.emitter.builder;
        let low = if segment.low == 0 { first } else { builder.ins().umax(first, low) };
        let high = if segment.high == self.kernel.extents[axis] { last } else { builder.ins().umin(last, high) };
        Range::Cut(low, high)
    }

    /// A loop and the vector loop in it, by tiles of the latter.
    fn tiles(&mut self, axis: usize, segments: &[Segment], level: usize) {
        let extent = self.kernel.extents[self.order.axes[level + 1]] as i64;
        let (low, high) = (self.constant(0), self.constant(extent));
        self.counted(low, high, TILE as i64, Trips::Some, |loops, first| {
            let last = loops.emitter.builder.ins().iadd_imm_s(first, TILE as i64);
            let last = loops.emitter.builder.ins().umin(last, high);
            loops.tile = Some((first, last));
            loops.plain_loop(axis, segments, level);
            loops.tile = None;
        });
    }

    fn plain_loop(&mut self, axis: usize, segments: &[Segment], level: usize) {
        for segment in segments {
            let trip = |loops: &mut Self, index: Value| {
                loops.indices[axis] = Some(index);
                loops.enter(&segment.inside, level + 1);
                loops.inside(&segment.inside, level + 1);
            };
            match self.range(axis, segment) {
                Range::Known(low, high) if high - low == 1 || (self.block.is_some() && high - low <= WRITTEN_OUT) => {
                    for index in low..high {
                        let index = self.constant(index);
                        trip(self, index);
                    }
                }
                Range::Known(low, high) => {
                    let steps = high - low;
                    let (low, high) = (self.constant(low), self.constant(high));
                    // Inside of the vector loop a long sum has this loop to itself.
                    match self.block.filter(|_| self.sums_in_strips(level, steps)) {
                        Some(block) => self.in_strips(level, (low, high, 1), Trips::Some, block, trip),
                        None => self.counted(low, high, 1, Trips::Some, trip),
                    };
                }
                Range::Cut(low, high) => {
                    self.counted(low, high, 1, Trips::Unknown, trip);
                }
            }
        }
    }

    /// Several vectors at once, then one, then single elements.
    fn vector_loop(&mut self, axis: usize, segments: &[Segment], level: usize) {
        let form = self.facts.form;
        let lanes = form.0 as i64;
        let stages = [(form, self.facts.unroll), (form, 1), (Form::SCALAR, 1)];
        let vectors = self.lanes != Lanes::Scalar;
        let stages = stages.iter().filter(|(stage, _)| vectors || stage.is_scalar());
        for segment in segments {
            self.uses = self.split.uses(segment.inside.all_bodies());
            // Vectors of literals are made here, not once and for all: few of them are needed at the same time.
            for node in segment.inside.nodes().into_iter().filter(|&node| self.is_literal(node)).collect::<Vec<_>>() {
                self.keep_splat(node);
            }
            let mut range = self.range(axis, segment);
            let mut previous = None;
            for &(form, vectors) in stages.clone() {
                if previous == Some((form, vectors)) {
                    continue;
                }
                previous = Some((form, vectors));
                let step = if form.is_scalar() { 1 } else { lanes * vectors as i64 };
                let trip = |loops: &mut Self, index: Value| {
                    loops.indices[axis] = Some(index);
                    loops.block = Some(Block { form, vectors });
                    loops.enter(&segment.inside, level + 1);
                    loops.inside(&segment.inside, level + 1);
                    loops.block = None;
                };
                // Only the first stage makes many steps.
                let first = Some(&(form, vectors)) == stages.clone().next();
                let strips = first.then_some((level, Block { form, vectors }));
                range = self.stage(range, step, strips, trip);
            }
        }
    }

    /// One stage of a vector loop: all whole steps in the range. Gives what is left of it. Long sums of a block may be made
    /// in strips, given the number of loops around this one.
    fn stage(
        &mut self,
        range: Range,
        step: i64,
        strips: Option<(usize, Block)>,
        trip: impl Fn(&mut Self, Value),
    ) -> Range {
        match range {
            Range::Known(low, high) => {
                let whole = low + (high - low) / step * step;
                match (whole - low) / step {
                    0 => {}
                    trips if trips == 1 || (step == 1 && trips <= WRITTEN_OUT && self.facts.cost <= SHORT_BODY) => {
                        for index in (low..whole).step_by(step as usize) {
                            let index = self.constant(index);
                            trip(self, index);
                        }
                    }
                    trips => {
                        let (low, whole) = (self.constant(low), self.constant(whole));
                        match strips.filter(|&(level, _)| self.sums_in_strips(level, trips)) {
                            Some((level, block)) => self.in_strips(level, (low, whole, step), Trips::Some, block, trip),
                            None => self.counted(low, whole, step, Trips::Some, trip),
                        };
                    }
                }
                Range::Known(whole, high)
            }
            Range::Cut(low, high) => {
                // Indices are far from the ends of their type, so that this difference is right as a signed number.
                let limit = self.emitter.builder.ins().iadd_imm_s(high, 1 - step);
                let long = |&(level, _): &(usize, Block)| self.tile.is_none() && self.sums_in_strips(level, i64::MAX);
                let low = match strips.filter(long) {
                    Some((level, block)) => self.in_strips(level, (low, limit, step), Trips::Unknown, block, trip),
                    None => self.counted(low, limit, step, Trips::Unknown, trip),
                };
                Range::Cut(low, high)
            }
        }
    }

    /// A loop over `low`, `low + step`, ... below `limit`; gives the first index not below it.
    pub(crate) fn counted(
        &mut self,
        low: Value,
        limit: Value,
        step: i64,
        trips: Trips,
        trip: impl FnOnce(&mut Self, Value),
    ) -> Value {
        let body = self.emitter.builder.create_block();
        let exit = self.emitter.builder.create_block();
        let index = self.emitter.builder.append_block_param(body, POINTER);
        let end = self.emitter.builder.append_block_param(exit, POINTER);
        match trips {
            Trips::Some => self.emitter.jump(body, &[low]),
            Trips::Unknown => self.emitter.branch_if_below(low, limit, body, exit),
        }
        self.emitter.builder.switch_to_block(body);
        trip(self, index);
        let next = self.emitter.builder.ins().iadd_imm_s(index, step);
        self.emitter.branch_if_below(next, limit, body, exit);
        self.emitter.builder.seal_block(body);
        self.emitter.builder.seal_block(exit);
        self.emitter.builder.switch_to_block(exit);
        end
    }

    fn constant(&mut self, value: i64) -> Value {
        self.emitter.builder.ins().iconst(POINTER, value)
    }

    /// The innermost part: one vector after the other is computed and written.
    fn body(&mut self, body: &Body, level: usize) {
        let block = self.block.unwrap_or_else(|| internal("a body outside of a block"));
        if self.order.vector.is_none() {
            self.uses = self.split.uses([body]);
        }
        for vector in 0..block.vectors {
            self.outputs(body, level, vector, block);
        }
    }
}
