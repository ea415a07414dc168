//! Library calls in a plan.

use crate::compile::plan::{Place, Step};
use crate::compile::planner::{BlockState, Planner, assignment};
use crate::run::library::{FftKind, LibraryCall, MatrixOperand};
use cotangent_ir::{Inst, Type};

/// Work of a library call in units of one kernel iteration.
pub(super) fn work(call: &LibraryCall) -> usize {
    match call {
        LibraryCall::Gemm { batch, rows, depth, columns, .. } => batch * rows * depth * columns / 8,
        LibraryCall::Fft { outer, length, inner, .. } => 2 * outer * length * inner,
        LibraryCall::Tap { .. } => 0,
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

    /// A row reported to the observer.
    pub(super) fn tap(&mut self, state: &mut BlockState<'_>, inst: &Inst, places: &[Place], steps: &mut Vec<Step>) {
        let row = state.fused.block.ty(inst.args[1]);
        let (dtype, columns, every) = (row.dtype, row.len(), inst.attrs.int("every"));
        let stop = self.result_array(state, inst.result());
        self.call(LibraryCall::Tap { index: places[0], row: places[1], dtype, columns, every, stop }, steps);
    }
}
