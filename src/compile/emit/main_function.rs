//! The main function of a program: its steps in order, executed by every worker.
//!
//! A worker's share of a number of chunks is computed where it is used, because workers may leave at any meeting and the
//! others then share all; it costs nanoseconds. Scalars stay in the worker's own area, where they are in the nearest cache;
//! control flow is the machine's.

use super::kernel_function;
use super::kernels::{self, Version};
use super::lanes::{Arg, Emitter, Form};
use super::{POINTER, Unit};
use crate::compile::pieces::run_of_pieces;
use crate::compile::plan::{Plan, Step};
use crate::run::profile::END;
use crate::run::program::{Frame, Place};
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::ReduceOp;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    BlockArg, BlockCall, FuncRef, InstBuilder, JumpTableData, MemFlagsData, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use cranelift_module::FuncId;
use std::collections::HashMap;
use std::mem::offset_of;

/// Partial results up to this number are combined without a loop.
const FEW_PARTIALS: usize = 8;

/// Defines the kernels' functions and then the main function.
pub(crate) fn define(unit: &mut Unit, plan: &Plan) -> FuncId {
    let versions = kernels::define(unit, plan);
    let mut marks = unit.settings.profile.then(Vec::new);
    let main = unit.define("main", &[POINTER], |function, scratch, imports| {
        let config = imports.frontend_config();
        let mut emitter = Emitter::new(FunctionBuilder::new(function, scratch), imports);
        let entry = emitter.builder.create_block();
        emitter.builder.append_block_params_for_function_params(entry);
        emitter.builder.switch_to_block(entry);
        emitter.builder.seal_block(entry);
        let frame = emitter.builder.block_params(entry)[0];
        let mut field =
            |offset: usize| emitter.builder.ins().load(POINTER, MemFlagsData::trusted(), frame, offset as i32);
        let (table, scalars) = (field(offset_of!(Frame, table)), field(offset_of!(Frame, scalars)));
        let worker = field(offset_of!(Frame, worker));
        let is_first = emitter.builder.ins().icmp_imm_s(IntCC::Equal, worker, 0);
        let mut main =
            Main { emitter, plan, versions: &versions, frame, table, scalars, worker, is_first, marks: marks.as_mut() };
        main.steps(&plan.steps);
        if main.marks.is_some() {
            main.mark_number(i64::from(END));
        }
        main.emitter.builder.ins().return_(&[]);
        main.emitter.builder.finalize(config);
    });
    unit.marks = marks.unwrap_or_default();
    main
}

struct Main<'f, 'm, 'p> {
    emitter: Emitter<'f, 'm>,
    plan: &'p Plan,
    versions: &'p HashMap<Version, FuncId>,
    frame: Value,
    table: Value,
    scalars: Value,
    worker: Value,
    is_first: Value,
    /// What the marked steps are, if they are marked.
    marks: Option<&'p mut Vec<String>>,
}

impl Main<'_, '_, '_> {
    /// This worker's first chunk of so many and the one after its last.
    fn share(&mut self, chunks: usize) -> (Value, Value) {
        let builder = &mut self.emitter.builder;
        let count = builder.ins().iconst(POINTER, chunks as i64);
        if !self.plan.parallel || chunks == 1 {
            return (builder.ins().iconst(POINTER, 0), count);
        }
        let next = builder.ins().iadd_imm_s(self.worker, 1);
        let (first, last) = (builder.ins().imul(count, self.worker), builder.ins().imul(count, next));
        let workers = self.workers();
        let builder = &mut self.emitter.builder;
        (builder.ins().udiv(first, workers), builder.ins().udiv(last, workers))
    }

    /// How many workers there are now.
    fn workers(&mut self) -> Value {
        let flags = MemFlagsData::trusted();
        self.emitter.builder.ins().load(POINTER, flags, self.frame, offset_of!(Frame, workers) as i32)
    }

    fn steps(&mut self, mut steps: &[Step]) {
        while !steps.is_empty() {
            let count = if self.plan.parallel { run_of_pieces(steps) } else { 1 };
            let (together, rest) = steps.split_at(count);
            match together {
                [step] => self.step(step),
                _ => self.piece_by_piece(together),
            }
            steps = rest;
        }
    }

    /// Kernels cut into the same number of pieces, all of them on one piece before the next.
    fn piece_by_piece(&mut self, steps: &[Step]) {
        let Some(Step::Kernel { chunks, .. }) = steps.first() else { return };
        let (first, last) = self.share(*chunks);
        let functions: Vec<_> = steps.iter().map(|step| self.function(step)).collect();
        let (body, exit) = (self.emitter.builder.create_block(), self.emitter.builder.create_block());
        let piece = self.emitter.builder.append_block_param(body, POINTER);
        let some = self.emitter.builder.ins().icmp(IntCC::UnsignedLessThan, first, last);
        self.emitter.builder.ins().brif(some, body, &[BlockArg::Value(first)], exit, &[]);
        self.emitter.builder.switch_to_block(body);
        let next = self.emitter.builder.ins().iadd_imm_s(piece, 1);
        for (step, function) in steps.iter().zip(functions) {
            self.mark(step);
            self.emitter.builder.ins().call(function, &[self.table, self.scalars, piece, next]);
        }
        let more = self.emitter.builder.ins().icmp(IntCC::UnsignedLessThan, next, last);
        self.emitter.builder.ins().brif(more, body, &[BlockArg::Value(next)], exit, &[]);
        self.continue_in(exit, &[body]);
    }

    /// The function of a kernel.
    fn function(&mut self, step: &Step) -> FuncRef {
        let Step::Kernel { kernel, bind, chunks } = step else { internal("a step that is no kernel") };
        let version = (*kernel, bind.clone(), *chunks);
        let Some(&id) = self.versions.get(&version) else { internal("a kernel without a function") };
        self.emitter.imports.defined(self.emitter.builder.func, id)
    }

    /// Marks the beginning of a step that does something.
    fn mark(&mut self, step: &Step) {
        let Some(marks) = self.marks.as_mut() else { return };
        let name = match step {
            Step::Kernel { kernel, .. } => format!("kernel {}", self.plan.kernels[*kernel].name),
            Step::Scalar { kernel, .. } => format!("scalar {}", self.plan.kernels[*kernel].name),
            Step::Combine { op, .. } => format!("combine {}", op.name()),
            Step::Library { call } => format!("call {} {call}", self.plan.calls[*call].name()),
            Step::Copy { bytes, .. } => format!("copy {bytes} bytes"),
            Step::Assign { .. } => "assign".into(),
            Step::Barrier if self.plan.parallel => "barrier".into(),
            _ => return,
        };
        let number = marks.iter().position(|known| *known == name).unwrap_or(marks.len());
        if number == marks.len() {
            marks.push(name);
        }
        self.mark_number(number as i64);
    }

    fn mark_number(&mut self, number: i64) {
        let number = self.emitter.builder.ins().iconst(types::I64, number);
        self.runtime("ct_mark", &[self.frame, number]);
    }

    fn step(&mut self, step: &Step) {
        self.mark(step);
        match step {
            Step::Kernel { chunks, .. } => self.kernel(step, *chunks),
            Step::Scalar { kernel, bind } => self.scalar(*kernel, bind),
            Step::Combine { op, dtype, partials, count, into } => self.combine(*op, *dtype, *partials, *count, *into),
            Step::Library { call } => {
                let call = self.emitter.builder.ins().iconst(types::I64, *call as i64);
                self.runtime("ct_library", &[self.frame, call]);
            }
            Step::Copy { to, from, bytes } => {
                let (to, from) = (self.entry(*to), self.entry(*from));
                let bytes = self.emitter.builder.ins().iconst(types::I64, *bytes as i64);
                self.runtime("ct_copy", &[self.frame, to, from, bytes]);
            }
            Step::Assign { moves } => self.assign(moves),
            Step::Rotate { moves } => {
                let entries: Vec<Value> = moves.iter().map(|&(_, from)| self.entry(from)).collect();
                for (&(to, _), entry) in moves.iter().zip(entries) {
                    self.emitter.builder.ins().store(MemFlagsData::trusted(), entry, self.table, 8 * to as i32);
                }
            }
            Step::Barrier => self.barrier(),
            Step::End { when } => self.end_if(*when),
            Step::While { condition, predicate, body } => self.repeat_while(condition, *predicate, body),
            Step::Repeat { count, body } => self.repeat(*count, body),
            Step::Switch { index, arms } => self.switch(*index, arms),
        }
    }

    fn kernel(&mut self, step: &Step, chunks: usize) {
        let function = self.function(step);
        let call = |main: &mut Self| {
            let (first, last) = main.share(chunks);
            main.emitter.builder.ins().call(function, &[main.table, main.scalars, first, last]);
        };
        // With one chunk the work is the first worker's; the others need not look.
        if self.plan.parallel && chunks == 1 { self.only_if(self.is_first, call) } else { call(self) }
    }

    fn scalar(&mut self, kernel: usize, bind: &[Place]) {
        let kernel = &self.plan.kernels[kernel];
        let pointers = bind.iter().map(|&place| self.pointer(place)).collect();
        let shared = |place: &Place| matches!(place, Place::Slot(_)) && self.plan.parallel;
        let conditions: Vec<Option<Value>> = bind.iter().map(|place| shared(place).then_some(self.is_first)).collect();
        kernel_function::write_scalar(&mut self.emitter, kernel, pointers, &conditions);
    }

    fn combine(&mut self, op: ReduceOp, dtype: DType, partials: u32, count: usize, into: u32) {
        let first = self.entry(partials);
        let size = dtype.size() as i64;
        let at = |pointer: Value, displacement: i64| super::access::Address { pointer, displacement };
        let ty = Form::SCALAR.part(dtype);
        let total = if count == 0 {
            self.emitter.literal(Form::SCALAR, op.identity(dtype))[0]
        } else {
            let mut total = self.emitter.load_scalar(dtype, at(first, 0));
            if count <= FEW_PARTIALS {
                for index in 1..count as i64 {
                    let partial = self.emitter.load_scalar(dtype, at(first, index * size));
                    total = self.combined(op, dtype, total, partial);
                }
                total
            } else {
                let (body, exit) = (self.emitter.builder.create_block(), self.emitter.builder.create_block());
                let index = self.emitter.builder.append_block_param(body, POINTER);
                let sum = self.emitter.builder.append_block_param(body, ty);
                let one = self.emitter.builder.ins().iconst(POINTER, 1);
                self.emitter.jump(body, &[one, total]);
                self.emitter.builder.switch_to_block(body);
                let pointer = self.emitter.advance(first, index, size);
                let partial = self.emitter.load_scalar(dtype, at(pointer, 0));
                total = self.combined(op, dtype, sum, partial);
                let next = self.emitter.builder.ins().iadd_imm_s(index, 1);
                let more = self.emitter.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, next, count as i64);
                let again = [BlockArg::Value(next), BlockArg::Value(total)];
                self.emitter.builder.ins().brif(more, body, &again, exit, &[]);
                self.continue_in(exit, &[body]);
                total
            }
        };
        let scalars = self.scalars;
        self.emitter.store_scalar(dtype, at(scalars, i64::from(into)), total);
    }

    fn combined(&mut self, op: ReduceOp, dtype: DType, a: Value, b: Value) -> Value {
        let args = [a, b].map(|value| Arg { lane: std::iter::once(value).collect(), dtype, constant: None });
        self.emitter.op(Form::SCALAR, op.combine(), dtype, &args)[0]
    }

    fn assign(&mut self, moves: &[(Place, Place, DType, usize)]) {
        let mut values = Vec::new();
        for &(to, from, dtype, lanes) in moves {
            let pointer = self.pointer(from);
            for lane in 0..lanes {
                let ty = moved(dtype);
                let offset = (lane * dtype.size()) as i32;
                let value = self.emitter.builder.ins().load(ty, MemFlagsData::trusted(), pointer, offset);
                values.push((to, offset, value));
            }
        }
        for (to, offset, value) in values {
            let pointer = self.pointer(to);
            let store = |main: &mut Self| {
                main.emitter.builder.ins().store(MemFlagsData::trusted(), value, pointer, offset);
            };
            let shared = matches!(to, Place::Slot(_)) && self.plan.parallel;
            if shared { self.only_if(self.is_first, store) } else { store(self) }
        }
    }

    /// Emitted only where others may be waited for. Returns from the program if this worker is let go.
    fn barrier(&mut self) {
        if !self.plan.parallel {
            return;
        }
        let workers = self.workers();
        let others = self.emitter.builder.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, workers, 1);
        self.only_if(others, |main| {
            let let_go = main.runtime_with_result("ct_barrier", &[main.frame], types::I64);
            main.return_if(let_go);
        });
    }

    /// Returns if a byte is set. All workers read the same one, so that all of them return or none.
    fn end_if(&mut self, when: u32) {
        let pointer = self.entry(when);
        let builder = &mut self.emitter.builder;
        let set = builder.ins().load(types::I8, MemFlagsData::trusted(), pointer, 0);
        self.return_if(set);
    }

    fn return_if(&mut self, set: Value) {
        let builder = &mut self.emitter.builder;
        let (end, go_on) = (builder.create_block(), builder.create_block());
        builder.ins().brif(set, end, &[], go_on, &[]);
        builder.seal_block(end);
        builder.switch_to_block(end);
        builder.ins().return_(&[]);
        self.continue_in(go_on, &[]);
    }

    fn repeat_while(&mut self, condition: &[Step], predicate: Place, body: &[Step]) {
        let builder = &mut self.emitter.builder;
        let (test, again, exit) = (builder.create_block(), builder.create_block(), builder.create_block());
        self.emitter.jump(test, &[]);
        self.emitter.builder.switch_to_block(test);
        self.steps(condition);
        let pointer = self.pointer(predicate);
        let holds = self.emitter.builder.ins().load(types::I8, MemFlagsData::trusted(), pointer, 0);
        self.emitter.builder.ins().brif(holds, again, &[], exit, &[]);
        self.emitter.builder.seal_block(again);
        self.emitter.builder.switch_to_block(again);
        self.steps(body);
        self.emitter.jump(test, &[]);
        self.continue_in(exit, &[test]);
    }

    fn repeat(&mut self, count: u64, body: &[Step]) {
        if count == 0 {
            return;
        }
        let (again, exit) = (self.emitter.builder.create_block(), self.emitter.builder.create_block());
        let left = self.emitter.builder.append_block_param(again, types::I64);
        let count = self.emitter.builder.ins().iconst(types::I64, count as i64);
        self.emitter.jump(again, &[count]);
        self.emitter.builder.switch_to_block(again);
        self.steps(body);
        let left = self.emitter.builder.ins().iadd_imm_s(left, -1);
        self.emitter.builder.ins().brif(left, again, &[BlockArg::Value(left)], exit, &[]);
        self.continue_in(exit, &[again]);
    }

    fn switch(&mut self, index: Place, arms: &[Vec<Step>]) {
        let Some(last) = arms.len().checked_sub(1) else { return };
        let pointer = self.pointer(index);
        let builder = &mut self.emitter.builder;
        let index = builder.ins().load(types::I32, MemFlagsData::trusted(), pointer, 0);
        let (low, high) = (builder.ins().iconst(types::I32, 0), builder.ins().iconst(types::I32, last as i64));
        let index = builder.ins().smax(index, low);
        let index = builder.ins().smin(index, high);
        let blocks: Vec<_> = arms.iter().map(|_| builder.create_block()).collect();
        let exit = builder.create_block();
        let pool = &mut builder.func.dfg.value_lists;
        let calls: Vec<BlockCall> = blocks.iter().map(|&block| BlockCall::new(block, [], pool)).collect();
        let table = builder.create_jump_table(JumpTableData::new(calls[last], &calls));
        builder.ins().br_table(index, table);
        for (&block, arm) in blocks.iter().zip(arms) {
            self.emitter.builder.seal_block(block);
            self.emitter.builder.switch_to_block(block);
            self.steps(arm);
            self.emitter.jump(exit, &[]);
        }
        self.continue_in(exit, &[]);
    }

    fn only_if(&mut self, condition: Value, then: impl FnOnce(&mut Self)) {
        let (inside, after) = (self.emitter.builder.create_block(), self.emitter.builder.create_block());
        self.emitter.builder.ins().brif(condition, inside, &[], after, &[]);
        self.emitter.builder.seal_block(inside);
        self.emitter.builder.switch_to_block(inside);
        then(self);
        self.emitter.jump(after, &[]);
        self.continue_in(after, &[]);
    }

    /// Goes on in a block all jumps to which are written, as are all jumps to `finished`.
    fn continue_in(&mut self, block: cranelift_codegen::ir::Block, finished: &[cranelift_codegen::ir::Block]) {
        finished.iter().for_each(|&block| self.emitter.builder.seal_block(block));
        self.emitter.builder.seal_block(block);
        self.emitter.builder.switch_to_block(block);
    }

    fn pointer(&mut self, place: Place) -> Value {
        kernel_function::pointer(&mut self.emitter, self.table, self.scalars, place)
    }

    /// An entry of the pointer table.
    fn entry(&mut self, slot: u32) -> Value {
        self.pointer(Place::Slot(slot))
    }

    fn runtime(&mut self, name: &str, args: &[Value]) {
        let params: Vec<Type> = args.iter().map(|_| types::I64).collect();
        let function = self.emitter.imports.runtime(self.emitter.builder.func, name, &params, None);
        self.emitter.builder.ins().call(function, args);
    }

    fn runtime_with_result(&mut self, name: &str, args: &[Value], result: Type) -> Value {
        let params: Vec<Type> = args.iter().map(|_| types::I64).collect();
        let function = self.emitter.imports.runtime(self.emitter.builder.func, name, &params, Some(result));
        let call = self.emitter.builder.ins().call(function, args);
        self.emitter.builder.inst_results(call)[0]
    }
}

/// The type in which bits of a lane are moved.
fn moved(dtype: DType) -> Type {
    match dtype.size() {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}
