//! The reference interpreter of plans: one worker, kernels run by the reference interpreter of kernels.
//!
//! It uses the plan's memory exactly as compiled code does (the arena, the pointer table, the scalar area), so that it
//! finds mistakes of fusion and planning apart from those of emission. Library routines are not interpreted.

use crate::compile::plan::{Place, Plan, Slot, Step};
use cotangent_ir::kernel::{Kernel, OutputKind, ReduceOp};
use cotangent_ir::{Bytes, DType, Scalar, Tensor, Type};
use std::sync::Arc;

/// Where a pointer table entry points: a buffer and a byte offset in it.
#[derive(Clone, Copy)]
struct Pointer {
    buffer: usize,
    offset: usize,
}

struct Machine<'a> {
    plan: &'a Plan,
    /// Arguments, results, the arena.
    buffers: Vec<Vec<u8>>,
    table: Vec<Pointer>,
    scalars: Vec<u8>,
}

/// Runs a plan. `None` where it calls a library routine.
pub fn interpret(plan: &Plan, args: &[Arc<Tensor>]) -> Option<Vec<Tensor>> {
    let mut buffers: Vec<Vec<u8>> = args.iter().map(|arg| arg.bytes().to_vec()).collect();
    let outputs = buffers.len();
    buffers.extend(plan.outputs.iter().map(|ty| vec![0xa5; ty.byte_len()]));
    let arena = buffers.len();
    buffers.push(vec![0xa5; plan.arena_bytes]);
    let table = plan
        .slots
        .iter()
        .map(|slot| match *slot {
            Slot::Input(i) => Pointer { buffer: i, offset: 0 },
            Slot::Output(i) => Pointer { buffer: outputs + i, offset: 0 },
            Slot::Arena { offset, .. } => Pointer { buffer: arena, offset },
        })
        .collect();
    let mut machine = Machine { plan, buffers, table, scalars: vec![0xa5; plan.scalar_bytes] };
    machine.run(&plan.steps)?;
    let results = plan.outputs.iter().zip(&machine.buffers[outputs..]);
    Some(results.map(|(ty, bytes)| Tensor::from_bytes(ty.clone(), bytes_of(bytes))).collect())
}

fn bytes_of(bytes: &[u8]) -> Bytes {
    Bytes::from_slice(cotangent_ir::ALIGNMENT, bytes)
}

impl Machine<'_> {
    fn read(&self, place: Place, offset: usize, len: usize) -> &[u8] {
        match place {
            Place::Slot(slot) => {
                let Pointer { buffer, offset: base } = self.table[slot as usize];
                &self.buffers[buffer][base + offset..base + offset + len]
            }
            Place::Scalar(base) => &self.scalars[base as usize + offset..base as usize + offset + len],
        }
    }

    fn write(&mut self, place: Place, offset: usize, bytes: &[u8]) {
        let target = match place {
            Place::Slot(slot) => {
                let Pointer { buffer, offset: base } = self.table[slot as usize];
                &mut self.buffers[buffer][base + offset..]
            }
            Place::Scalar(base) => &mut self.scalars[base as usize + offset..],
        };
        target[..bytes.len()].copy_from_slice(bytes);
    }

    fn run(&mut self, steps: &[Step]) -> Option<()> {
        for step in steps {
            match step {
                Step::Kernel { kernel, bind, .. } | Step::Scalar { kernel, bind } => self.kernel(*kernel, bind),
                Step::Combine { op, dtype, partials, count, into } => {
                    self.combine(*op, *dtype, *partials, *count, *into)
                }
                Step::Library { .. } => return None,
                Step::Copy { to, from, bytes } => {
                    let data = self.read(Place::Slot(*from), 0, *bytes).to_vec();
                    self.write(Place::Slot(*to), 0, &data);
                }
                Step::Assign { moves } => {
                    let values: Vec<Vec<u8>> = moves
                        .iter()
                        .map(|(_, from, dtype, lanes)| self.read(*from, 0, dtype.size() * lanes).to_vec())
                        .collect();
                    for ((to, ..), value) in moves.iter().zip(values) {
                        self.write(*to, 0, &value);
                    }
                }
                Step::Rotate { moves } => {
                    let old = self.table.clone();
                    for &(to, from) in moves {
                        self.table[to as usize] = old[from as usize];
                    }
                }
                Step::Barrier => {}
                Step::End { when } => {
                    if self.read(Place::Slot(*when), 0, 1)[0] != 0 {
                        return None;
                    }
                }
                Step::While { condition, predicate, body } => {
                    self.run(condition)?;
                    while self.read(*predicate, 0, 1)[0] != 0 {
                        self.run(body)?;
                        self.run(condition)?;
                    }
                }
                Step::Repeat { count, body } => {
                    for _ in 0..*count {
                        self.run(body)?;
                    }
                }
                Step::Switch { index, arms } => {
                    let index: i32 = bytemuck::pod_read_unaligned(self.read(*index, 0, 4));
                    self.run(&arms[(index.max(0) as usize).min(arms.len() - 1)])?;
                }
            }
        }
        Some(())
    }

    fn kernel(&mut self, number: usize, bind: &[Place]) {
        let plan = self.plan;
        let kernel: &Kernel = &plan.kernels[number];
        let mut tensors: Vec<Tensor> = kernel
            .operands
            .iter()
            .zip(bind)
            .map(|(operand, &place)| {
                let ty = Type::new(operand.dtype, &[operand.len]);
                Tensor::from_bytes(ty.clone(), bytes_of(self.read(place, 0, ty.byte_len())))
            })
            .collect();
        // One piece does it all; the partial results of the others are empty.
        for output in &kernel.outputs {
            if let OutputKind::Reduce(op) = output.kind
                && output.access.strides.iter().all(|&stride| stride == 0)
            {
                let partials = &mut tensors[output.operand as usize];
                let identity = op.identity(partials.ty().dtype);
                for position in 0..partials.ty().len() {
                    partials.set(position, identity);
                }
            }
        }
        cotangent_ir::eval_kernel::run_kernel(kernel, &mut tensors);
        for ((operand, &place), tensor) in kernel.operands.iter().zip(bind).zip(&tensors) {
            if operand.written {
                self.write(place, 0, tensor.bytes());
            }
        }
    }

    fn combine(&mut self, op: ReduceOp, dtype: DType, partials: u32, count: usize, into: u32) {
        let ty = Type::new(dtype, &[count]);
        let data = Tensor::from_bytes(ty.clone(), bytes_of(self.read(Place::Slot(partials), 0, ty.byte_len())));
        let combine = |a: Scalar, b: Scalar| cotangent_ir::eval_kernel::lane_op(op.combine(), &[a, b], dtype);
        let total = data.scalars().reduce(combine).unwrap_or(op.identity(dtype));
        self.write(Place::Scalar(into), 0, Tensor::from_scalar(total).bytes());
    }
}
