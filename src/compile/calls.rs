//! Library calls in a plan.

use crate::compile::plan::{Place, Step};
use crate::compile::planner::{BlockState, Planner, assignment};
use crate::run::library::{FftKind, ItemArray, LibraryCall, MatrixOperand};
use cotangent_ir::{Inst, Type};

/// Work of a routine on items for one element, in units of one kernel iteration.
const ITEM_WORK: usize = 16;

/// Work of a library call in units of one kernel iteration.
pub(super) fn work(call: &LibraryCall) -> usize {
    match call {
        LibraryCall::Gemm { batch, rows, depth, columns, .. } => batch * rows * depth * columns / 8,
        LibraryCall::Fft { outer, length, inner, .. } => 2 * outer * length * inner,
        LibraryCall::Filter { outer, length, inner, .. } => 4 * outer * length * inner,
        LibraryCall::Items { batch, operands, results, .. } => {
            batch * operands.iter().chain(results).map(|array| ITEM_WORK * array.ty.len()).sum::<usize>()
        }
        LibraryCall::Tap { .. } | LibraryCall::Host { .. } => 0,
    }
}

impl Planner {
    fn call(&mut self, call: LibraryCall, steps: &mut Vec<Step>) {
        self.calls.push(call);
        steps.push(Step::Library { call: self.calls.len() - 1 });
        self.clock += 1;
    }

    /// The array at a place; a small value is copied out of the scalar area, which library routines do not see.
    fn array_of(&mut self, place: Place, ty: &Type, steps: &mut Vec<Step>) -> u32 {
        match place {
            Place::Slot(slot) => slot,
            Place::Scalar(_) => {
                let slot = self.new_array(ty.byte_len());
                steps.push(Step::Assign { moves: vec![assignment(Place::Slot(slot), place, ty)] });
                self.clock += 1;
                self.touch(Place::Slot(slot));
                slot
            }
        }
    }

    /// A contraction in canonical form: [batch, rows, depth] with [batch, depth, columns].
    pub(super) fn dot(&mut self, state: &mut BlockState<'_>, position: usize, places: &[Place], steps: &mut Vec<Step>) {
        let block = &state.fused.block;
        let inst = &block.func.insts()[position];
        let mut operand = |i: usize| -> MatrixOperand {
            let (stored, strides) = block.stored_operand(position, inst.args[i]);
            let stride = |axis: usize| strides[axis] as isize;
            let slot = self.array_of(places[i], block.ty(stored), steps);
            MatrixOperand { slot, batch_stride: stride(0), row_stride: stride(1), column_stride: stride(2) }
        };
        let (a, b) = (operand(0), operand(1));
        let (left, right) = (&block.ty(inst.args[0]).shape, &block.ty(inst.args[1]).shape);
        let (batch, rows, depth, columns) = (left[0], left[1], left[2], right[2]);
        let result = inst.result();
        let dtype = block.ty(result).dtype;
        if block.ty(result).is_empty() {
            return;
        }
        let slot = self.result_array(state, result);
        let c = MatrixOperand {
            slot,
            batch_stride: (rows * columns) as isize,
            row_stride: columns as isize,
            column_stride: 1,
        };
        self.call(LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, c }, steps);
    }

    /// A transform over one axis.
    pub(super) fn fft(&mut self, state: &mut BlockState<'_>, inst: &Inst, places: &[Place], steps: &mut Vec<Step>) {
        let block = &state.fused.block;
        let (operand, result) = (block.ty(inst.args[0]), block.ty(inst.result()));
        if result.is_empty() {
            return;
        }
        let axis = inst.attrs.sizes("axes")[0];
        let length = inst.attrs.size("length");
        let inverse_scale = 1.0 / length as f64;
        let (kind, scale) = match inst.attrs.int("kind") {
            0 => (FftKind::Forward, 1.0),
            1 => (FftKind::Inverse, inverse_scale),
            2 => (FftKind::RealForward, 1.0),
            _ => (FftKind::RealInverse, inverse_scale),
        };
        let precision = operand.dtype.real();
        let outer = operand.shape[..axis].iter().product();
        let inner = operand.shape[axis + 1..].iter().product();
        let from = self.array_of(places[0], operand, steps);
        let to = self.result_array(state, inst.result());
        self.call(LibraryCall::Fft { kind, precision, outer, length, inner, scale, from, to }, steps);
    }

    /// A primitive on the items of a batch.
    pub(super) fn items(
        &mut self,
        state: &mut BlockState<'_>,
        inst: &Inst,
        ranks: (&[usize], &[usize]),
        places: &[Place],
        steps: &mut Vec<Step>,
    ) {
        let block = &state.fused.block;
        let item = |ty: &Type, ranks: &[usize], position: usize| {
            let rank = ranks.get(position).or(ranks.last()).copied().unwrap_or(0).min(ty.rank());
            (ty.rank() - rank, ty.with_shape(&ty.shape[ty.rank() - rank..]))
        };
        let types: Vec<Type> = inst.results().map(|value| block.ty(value).clone()).collect();
        let (leading, _) = item(&types[0], ranks.1, 0);
        let batch = types[0].shape[..leading].iter().product();
        let mut operands = Vec::new();
        for (position, (&arg, &place)) in inst.args.iter().zip(places).enumerate() {
            let ty = state.fused.block.ty(arg);
            let slot = self.array_of(place, ty, steps);
            operands.push(ItemArray { slot, ty: item(ty, ranks.0, position).1 });
        }
        let mut results = Vec::new();
        for (position, (value, ty)) in inst.results().zip(&types).enumerate() {
            results.push(ItemArray { slot: self.result_array(state, value), ty: item(ty, ranks.1, position).1 });
        }
        let (primitive, attrs) = (inst.prim.name, inst.attrs.clone());
        let types: Vec<Type> = operands.iter().map(|operand| operand.ty.clone()).collect();
        let shared = LibraryCall::shared_bytes(primitive, &attrs, &types).map(|bytes| self.new_array(bytes));
        self.call(LibraryCall::Items { primitive, attrs, batch, operands, results, shared }, steps);
    }

    /// A call of the host, after which the program ends if it failed.
    pub(super) fn host(&mut self, state: &mut BlockState<'_>, inst: &Inst, places: &[Place], steps: &mut Vec<Step>) {
        let block = &state.fused.block;
        let operands = inst.args.iter().zip(places).map(|(&arg, &place)| (place, block.ty(arg).clone())).collect();
        let types: Vec<Type> = inst.results().map(|value| block.ty(value).clone()).collect();
        let mut results = Vec::new();
        for (value, ty) in inst.results().zip(types) {
            results.push(ItemArray { slot: self.result_array(state, value), ty });
        }
        let failed = self.new_array(1);
        let (host, batch) = (inst.attrs.host("host").clone(), inst.attrs.sizes("batch").to_vec());
        self.call(LibraryCall::Host { host, batch, operands, results, failed }, steps);
        self.touch(Place::Slot(failed));
        steps.push(Step::End { when: failed });
        self.clock += 1;
    }

    /// A row reported to the observer.
    pub(super) fn tap(&mut self, state: &mut BlockState<'_>, inst: &Inst, places: &[Place], steps: &mut Vec<Step>) {
        let row = state.fused.block.ty(inst.args[1]);
        let (dtype, columns, every) = (row.dtype, row.len(), inst.attrs.int("every"));
        let stop = self.new_scalar(state.fused.block.ty(inst.result()));
        self.define(state, inst.result(), stop, false);
        self.call(LibraryCall::Tap { index: places[0], row: places[1], dtype, columns, every, stop }, steps);
    }
}
