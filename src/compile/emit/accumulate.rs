//! Accumulators of a kernel's reductions.
//!
//! An accumulator whose loops include the vector loop is one variable for each vector of an iteration and one for single
//! elements; they are put together at its end. One whose loops lie inside of the vector loop is a lane value like others.
//!
//! A sum of floating-point numbers loses a rounding with every addition, the more the larger it has become. So long sums are
//! made in strips, each from zero, and strips are added up: of n additions in a row about the root of n remain.

use super::kernel_function::{Block, Loops, Trips};
use super::lanes::{Arg, Form, Lane};
use super::split::Nest;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{OutputKind, ReduceOp};
use cranelift_codegen::ir::{InstBuilder, Value};
use smallvec::SmallVec;

/// Steps of a vector loop in one strip of a sum.
const STRIP: i64 = 256;
/// Steps from which the vector loop is a strip of its own, inside of loops that go on with the sum.
const SHORT_STRIP: i64 = 32;

impl Loops<'_, '_, '_, '_> {
    /// Starts the accumulators that `level` loops enclose.
    pub(crate) fn begin(&mut self, level: usize) {
        for (output, op, dtype) in self.reductions(level) {
            let variables = match self.block {
                Some(block) => (0..block.vectors).map(|vector| (vector, block.form)).collect(),
                None => self.places(),
            };
            for (vector, form) in variables {
                let identity = self.emitter.literal(form, op.identity(dtype));
                self.set(output, vector, form, &identity);
            }
        }
    }

    /// Writes the accumulators that `level` loops enclose.
    pub(crate) fn end(&mut self, level: usize) {
        for (output, op, dtype) in self.reductions(level) {
            let access = self.split.accesses[output].clone();
            let operand = self.kernel.outputs[output].operand;
            match self.block {
                Some(block) => {
                    for vector in 0..block.vectors {
                        let lane = self.get(output, vector, block.form);
                        self.write(operand, &access, vector, block, &lane);
                    }
                }
                None => {
                    let total = self.total(output, op, dtype);
                    let mut address = self.address(operand, &access, None);
                    if let Some(chunk) = self.chunk.filter(|_| level == 0) {
                        address.pointer = self.emitter.advance(address.pointer, chunk, dtype.size() as i64);
                    }
                    self.emitter.store_scalar(dtype, address, total);
                }
            }
        }
    }

    /// Adds a value to the accumulator of an output.
    pub(crate) fn accumulate(&mut self, output: usize, op: ReduceOp, vector: usize, block: Block, lane: Lane) {
        let sum = self.get(output, vector, block.form);
        let sum = self.combine(output, op, block.form, sum, lane);
        self.set(output, vector, block.form, &sum);
    }

    /// Whether some sum is worth strips in a loop of so many steps around which there are `level` loops.
    pub(crate) fn sums_in_strips(&self, level: usize, steps: i64) -> bool {
        let sums = self.spanning_sums(level);
        let goes_on = sums.iter().any(|&(_, begun)| begun < level);
        !sums.is_empty() && (steps > STRIP || (steps >= SHORT_STRIP && goes_on))
    }

    /// A loop over `low`, `low + step`, ... below `limit` in which sums are made in strips; gives the first index not below
    /// it. The step is a power of two. There are `level` loops around it.
    pub(crate) fn in_strips(
        &mut self,
        level: usize,
        (low, limit, step): (Value, Value, i64),
        trips: Trips,
        block: Block,
        trip: impl Fn(&mut Self, Value),
    ) -> Value {
        let sums: Vec<(usize, DType)> = self
            .spanning_sums(level)
            .into_iter()
            .map(|(output, _)| (output, self.kernel.operands[self.kernel.outputs[output].operand as usize].dtype))
            .collect();
        self.counted(low, limit, STRIP * step, trips, |loops, first| {
            let last = loops.emitter.builder.ins().iadd_imm_s(first, STRIP * step);
            let last = loops.emitter.builder.ins().umin(last, limit);
            let mut before = Vec::new();
            for &(output, dtype) in &sums {
                for vector in 0..block.vectors {
                    before.push((output, vector, loops.get(output, vector, block.form)));
                    let zero = loops.emitter.literal(block.form, ReduceOp::Sum.identity(dtype));
                    loops.set(output, vector, block.form, &zero);
                }
            }
            loops.counted(first, last, step, Trips::Some, |loops, index| trip(loops, index));
            for (output, vector, before) in before {
                let strip = loops.get(output, vector, block.form);
                let sum = loops.combine(output, ReduceOp::Sum, block.form, before, strip);
                loops.set(output, vector, block.form, &sum);
            }
        });
        // The end of the whole steps, which the last strip need not fill.
        let builder = &mut self.emitter.builder;
        let length = builder.ins().isub(limit, low);
        let zero = builder.ins().iconst(super::POINTER, 0);
        let length = builder.ins().smax(length, zero);
        let length = builder.ins().iadd_imm_s(length, step - 1);
        let whole = builder.ins().iconst(super::POINTER, -step);
        let length = builder.ins().band(length, whole);
        builder.ins().iadd(low, length)
    }

    /// Sums of floating-point numbers that go on through a loop around which there are `level` loops: the vector loop, or one
    /// inside of it, and then only sums begun there. With the number of loops around each.
    fn spanning_sums(&self, level: usize) -> Vec<(usize, usize)> {
        let Some(vector) = self.order.vector else { return Vec::new() };
        let sum = |(index, output): (usize, &cotangent_ir::kernel::Output)| {
            let float = self.kernel.operands[output.operand as usize].dtype.is_float();
            let inside = |level: usize| level > vector;
            let begun = self.facts.levels[index].filter(|&begun| begun <= level && inside(begun) == inside(level))?;
            (output.kind == OutputKind::Reduce(ReduceOp::Sum) && float).then_some((index, begun))
        };
        self.kernel.outputs.iter().enumerate().filter_map(sum).collect()
    }

    /// The accumulators the vector loops use: the number of vectors, and whether single elements occur.
    pub(crate) fn forms_used(&self, nest: &Nest, level: usize) -> (usize, bool) {
        let Nest::Loop { axis, segments } = nest else { return (0, true) };
        let mut used = (0, false);
        for segment in segments {
            let (vectors, single) = if self.order.vector != Some(level) {
                self.forms_used(&segment.inside, level + 1)
            } else if self.lanes == super::Lanes::Scalar {
                (0, true)
            } else if self.order.tiled || (*axis == self.order.chunked && self.bounds.is_some()) {
                (self.facts.unroll, true)
            } else {
                let (count, lanes) = (segment.high - segment.low, self.facts.form.0);
                let vectors =
                    if count >= lanes * self.facts.unroll { self.facts.unroll } else { count.min(lanes) / lanes };
                (vectors, count % lanes != 0)
            };
            used = (used.0.max(vectors), used.1 || single);
        }
        used
    }

    fn reductions(&self, level: usize) -> Vec<(usize, ReduceOp, DType)> {
        let reduction = |(index, output): (usize, &cotangent_ir::kernel::Output)| match output.kind {
            OutputKind::Reduce(op) if self.facts.levels[index] == Some(level) => {
                Some((index, op, self.kernel.operands[output.operand as usize].dtype))
            }
            _ => None,
        };
        self.kernel.outputs.iter().enumerate().filter_map(reduction).collect()
    }

    /// Accumulators outside of the vector loop.
    fn places(&self) -> Vec<(usize, Form)> {
        let (vectors, single) = self.reach;
        let mut places: Vec<(usize, Form)> = (0..vectors).map(|vector| (vector, self.facts.form)).collect();
        if single || vectors == 0 {
            places.push((0, Form::SCALAR));
        }
        places
    }

    /// All of an accumulator: vectors pairwise, then their elements pairwise, then the single elements' sum.
    fn total(&mut self, output: usize, op: ReduceOp, dtype: DType) -> Value {
        let places = self.places();
        let (mut vectors, mut elements): (Vec<Lane>, Vec<Lane>) = (Vec::new(), Vec::new());
        for (vector, form) in places {
            let lane = self.get(output, vector, form);
            if form.is_scalar() { elements.push(lane) } else { vectors.push(lane) }
        }
        let form = self.facts.form;
        if let Some(vector) = self.pairwise(output, op, form, vectors) {
            let lanes = (0..form.0).map(|index| -> Lane {
                let element = self.emitter.extract(form, dtype, &vector, index);
                std::iter::once(element).collect()
            });
            let lanes = lanes.collect();
            elements.splice(0..0, self.pairwise(output, op, Form::SCALAR, lanes));
        }
        match self.pairwise(output, op, Form::SCALAR, elements) {
            Some(total) => total[0],
            None => internal("an accumulator without parts"),
        }
    }

    fn pairwise(&mut self, output: usize, op: ReduceOp, form: Form, mut lanes: Vec<Lane>) -> Option<Lane> {
        while lanes.len() > 1 {
            let pairs: Vec<Vec<Lane>> = lanes.chunks(2).map(<[Lane]>::to_vec).collect();
            lanes = Vec::new();
            for pair in pairs {
                let mut pair = pair.into_iter();
                if let (Some(first), second) = (pair.next(), pair.next()) {
                    lanes.push(match second {
                        Some(second) => self.combine(output, op, form, first, second),
                        None => first,
                    });
                }
            }
        }
        lanes.pop()
    }

    fn combine(&mut self, output: usize, op: ReduceOp, form: Form, a: Lane, b: Lane) -> Lane {
        let dtype = self.kernel.operands[self.kernel.outputs[output].operand as usize].dtype;
        let args = [a, b].map(|lane| Arg { lane, dtype, constant: None });
        self.emitter.op(form, op.combine(), dtype, &args)
    }

    fn get(&mut self, output: usize, vector: usize, form: Form) -> Lane {
        match self.variables.get(&(output, vector, form)) {
            Some(variables) => variables.iter().map(|&variable| self.emitter.builder.use_var(variable)).collect(),
            None => internal("an accumulator that was not begun"),
        }
    }

    fn set(&mut self, output: usize, vector: usize, form: Form, lane: &Lane) {
        if !self.variables.contains_key(&(output, vector, form)) {
            let declared = lane.iter().map(|&part| {
                let ty = self.emitter.type_of(part);
                self.emitter.builder.declare_var(ty)
            });
            let declared: SmallVec<_> = declared.collect();
            self.variables.insert((output, vector, form), declared);
        }
        for (&variable, &part) in self.variables[&(output, vector, form)].iter().zip(lane) {
            self.emitter.builder.def_var(variable, part);
        }
    }
}
