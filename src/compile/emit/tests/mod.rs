//! Kernels and plans as text, emitted, run, and compared with the reference interpreters.

mod elementary;
mod kernels;
mod operations;
mod plans;
mod random;
mod rows;

use super::{Lanes, Processor, Settings, emit};
use crate::compile::plan::{Plan, Step};
use crate::run::call::CallOptions;
use crate::run::program::{Parts, Place, Program, Slot};
use cotangent_ir::kernel::{Kernel, OutputKind};
use cotangent_ir::text::parse_kernel;
use cotangent_ir::{Bytes, DType, Scalar, Tensor, Type, eval_kernel};
use std::sync::Arc;

/// Ways to emit that must all be right.
const WAYS: [(Lanes, Processor); 5] = [
    (Lanes::Wide, Processor::Native),
    (Lanes::Vector, Processor::Native),
    (Lanes::Scalar, Processor::Native),
    (Lanes::Vector, Processor::Baseline),
    (Lanes::Scalar, Processor::Baseline),
];

/// Emits a plan.
fn program(plan: &Plan, settings: &Settings) -> Program {
    let code = emit(plan, settings);
    Program::emitted(Parts {
        name: plan.name.clone(),
        inputs: plan.inputs.clone(),
        outputs: plan.outputs.clone(),
        constants: Vec::new(),
        slots: plan.slots.clone(),
        scalar_bytes: plan.scalar_bytes,
        arena_bytes: plan.arena_bytes,
        calls: plan.calls.clone(),
        parallel: plan.parallel,
        marks: Vec::new(),
        entry: code.entry,
        code: Box::new(code.owner),
    })
}

/// A plan that runs one kernel in chunks. Read operands are inputs; written ones are outputs, and inputs that are copied
/// to them first, so that kernels may update in place. Whole reductions get a partial result for each chunk.
fn one_kernel(kernel: &Kernel, chunks: usize) -> Plan {
    let len = |operand: usize| {
        let reduced_whole = kernel.outputs.iter().any(|output| {
            output.operand as usize == operand
                && matches!(output.kind, OutputKind::Reduce(_))
                && output.access.strides.iter().all(|&stride| stride == 0)
        });
        if reduced_whole { kernel.operands[operand].len + chunks - 1 } else { kernel.operands[operand].len }
    };
    let ty = |operand: usize| Type::new(kernel.operands[operand].dtype, &[len(operand)]);
    let operands = 0..kernel.operands.len();
    let written: Vec<usize> = operands.clone().filter(|&operand| kernel.operands[operand].written).collect();
    let mut slots: Vec<Slot> = operands.clone().map(Slot::Input).collect();
    slots.extend((0..written.len()).map(Slot::Output));
    let mut steps = Vec::new();
    let mut bind: Vec<Place> = operands.clone().map(|operand| Place::Slot(operand as u32)).collect();
    for (output, &operand) in written.iter().enumerate() {
        let to = (kernel.operands.len() + output) as u32;
        steps.push(Step::Copy { to, from: operand as u32, bytes: ty(operand).byte_len() });
        bind[operand] = Place::Slot(to);
    }
    steps.push(Step::Barrier);
    steps.push(Step::Kernel { kernel: 0, bind, chunks });
    Plan {
        name: kernel.name.clone(),
        inputs: operands.map(ty).collect(),
        outputs: written.iter().map(|&operand| ty(operand)).collect(),
        slots,
        scalar_bytes: 0,
        arena_bytes: 0,
        kernels: vec![kernel.clone()],
        streams: Vec::new(),
        rows: Vec::new(),
        calls: Vec::new(),
        steps,
        parallel: true,
    }
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn scalar(&mut self, dtype: DType) -> Scalar {
        let random = self.next();
        match dtype {
            DType::F32 | DType::F64 => match random % 23 {
                0 => Scalar::real(dtype, 0.0),
                1 => Scalar::real(dtype, -0.0),
                _ => Scalar::real(dtype, (self.next() as f64 / f64::from(1u32 << 30) - 1.0) * 4.0),
            },
            _ => match random % 11 {
                0 => Scalar::lowest(dtype),
                1 => Scalar::highest(dtype),
                2 => Scalar::zero(dtype),
                3 => Scalar::int(dtype, -1),
                _ => Scalar::int(dtype, i128::from(self.next() % 41) - 20),
            },
        }
    }

    fn tensor(&mut self, ty: &Type) -> Tensor {
        Tensor::from_fn(ty.clone(), |_| self.scalar(ty.dtype))
    }
}

/// Runs a kernel in every way and compares with the reference: vectors and single elements, one chunk and several, one
/// worker and three, which must all agree: bit by bit for stores, between numbers of workers for reductions too.
fn check(text: &str) {
    check_with(text, |numbers, _, ty| numbers.tensor(ty));
}

fn check_with(text: &str, data: impl Fn(&mut Numbers, usize, &Type) -> Tensor) {
    let kernel = parse_kernel::kernels(text).unwrap_or_else(|error| panic!("{error}")).remove(0);
    let chunkings: &[usize] = if kernel.extents.is_empty() { &[1] } else { &[1, 3, 8] };
    for &chunks in chunkings {
        let plan = one_kernel(&kernel, chunks);
        let mut numbers = Numbers(7);
        let inputs: Vec<Tensor> =
            plan.inputs.iter().enumerate().map(|(operand, ty)| data(&mut numbers, operand, ty)).collect();
        let mut expected: Vec<Tensor> = inputs
            .iter()
            .zip(&kernel.operands)
            .map(|(tensor, operand)| {
                let bytes = &tensor.bytes()[..operand.len * operand.dtype.size()];
                Tensor::from_bytes(Type::new(operand.dtype, &[operand.len]), Bytes::from_slice(64, bytes))
            })
            .collect();
        eval_kernel::run_kernel(&kernel, &mut expected);
        let args: Vec<Arc<Tensor>> = inputs.into_iter().map(Arc::new).collect();
        let all = vec![(0..kernel.operands.len() as u32).collect()];
        let streaming = Plan { streams: all, ..plan.clone() };
        let by_rows = Plan { rows: vec![3], ..plan.clone() };
        let ways = WAYS.iter().map(|way| (&plan, *way, true));
        let ways = ways.chain([(&streaming, WAYS[0], true), (&by_rows, WAYS[0], true)]);
        let one_by_one = kernel.scatters().then_some((&plan, WAYS[0], false));
        for (plan, (lanes, processor), scatter_in_turns) in ways.chain(one_by_one) {
            let settings = Settings { lanes, processor, scatter_in_turns, verify: true, ..Settings::default() };
            let program = program(plan, &settings);
            let run = |threads| {
                let options = CallOptions { threads: Some(threads), ..CallOptions::default() };
                program.call_with(&args, options).unwrap_or_else(|error| panic!("{error}"))
            };
            let results = run(1);
            for threads in [2, 3] {
                for (a, b) in results.iter().zip(&run(threads)) {
                    assert_eq!(a.bytes(), b.bytes(), "{threads} workers differ: {text}");
                }
            }
            compare(
                &kernel,
                &results,
                &expected,
                chunks,
                &format!("{lanes:?}, {processor:?}, in turns: {scatter_in_turns}, {chunks} chunks: {text}"),
            );
        }
    }
}

fn compare(kernel: &Kernel, results: &[Tensor], expected: &[Tensor], chunks: usize, what: &str) {
    let written = (0..kernel.operands.len()).filter(|&operand| kernel.operands[operand].written);
    for (result, operand) in results.iter().zip(written) {
        let mut got: Vec<Scalar> = result.scalars().collect();
        for output in kernel.outputs.iter().filter(|output| output.operand as usize == operand) {
            if let OutputKind::Reduce(op) = output.kind
                && output.access.strides.iter().all(|&stride| stride == 0)
            {
                let first = output.access.offset as usize;
                let partials = got[first..first + chunks].to_vec();
                let total = partials[1..].iter().fold(partials[0], |sum, partial| {
                    eval_kernel::lane_op(op.combine(), &[sum, *partial], sum.dtype())
                });
                got[first] = total;
            }
        }
        for (index, (got, expected)) in got.iter().zip(expected[operand].scalars()).enumerate() {
            let (a, b) = (got.as_f64(), expected.as_f64());
            let tolerance = match got.dtype() {
                DType::F32 => 3e-6,
                DType::F64 => 1e-14,
                _ => 0.0,
            };
            let close = got == &expected
                || a == b
                || (a.is_nan() && b.is_nan())
                || (a - b).abs() <= tolerance * b.abs().max(1.0);
            assert!(close, "element {index} of p{operand}: {a:?}, expected {b:?}; {what}");
        }
    }
}
