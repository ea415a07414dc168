//! Random kernels, emitted and run, against the reference interpreter.

use super::{one_kernel, program};
use crate::compile::emit::{Lanes, Settings};
use crate::run::call::CallOptions;
use cotangent_ir::kernel::{Kernel, OutputKind};
use cotangent_ir::text::print_kernel;
use cotangent_ir::{Bytes, DType, Scalar, Tensor, Type, eval_kernel, generate};
use std::sync::Arc;

/// Random kernels let rounding move results that far.
fn close(got: Scalar, expected: Scalar) -> bool {
    let (a, b) = (got.as_f64(), expected.as_f64());
    let tolerance = match got.dtype() {
        DType::F32 => 1e-3,
        DType::F64 => 1e-11,
        _ => 0.0,
    };
    got == expected || a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * (1.0 + b.abs())
}

/// What the kernel leaves in an operand: where it has reduced everything, the partial results combined.
fn combined(kernel: &Kernel, operand: usize, result: &Tensor, chunks: usize) -> Vec<Scalar> {
    let mut elements: Vec<Scalar> = result.scalars().collect();
    for output in kernel.outputs.iter().filter(|output| output.operand as usize == operand) {
        let OutputKind::Reduce(op) = output.kind else { continue };
        if output.access.strides.iter().all(|&stride| stride == 0) {
            let first = output.access.offset as usize;
            let combine = |sum: Scalar, next: &Scalar| eval_kernel::lane_op(op.combine(), &[sum, *next], sum.dtype());
            elements[first] = elements[first + 1..first + chunks].iter().fold(elements[first], combine);
        }
    }
    elements.truncate(kernel.operands[operand].len);
    elements
}

fn check(kernel: &Kernel, seed: u64, chunks: usize) {
    let buffers = generate::buffers(kernel, seed);
    let mut expected = buffers.clone();
    eval_kernel::run_kernel(kernel, &mut expected);
    let plan = one_kernel(kernel, chunks);
    let longer = |(buffer, ty): (Tensor, &Type)| {
        let mut bytes = Bytes::from_slice(64, buffer.bytes());
        bytes.resize(ty.byte_len(), 0);
        Arc::new(Tensor::from_bytes(ty.clone(), bytes))
    };
    let args: Vec<Arc<Tensor>> = buffers.into_iter().zip(&plan.inputs).map(longer).collect();
    let written: Vec<usize> = (0..kernel.operands.len()).filter(|&operand| kernel.operands[operand].written).collect();
    for lanes in [Lanes::Wide, Lanes::Vector, Lanes::Scalar] {
        let program = program(&plan, &Settings { lanes, verify: true, ..Settings::default() });
        let options = CallOptions { threads: Some(2), ..CallOptions::default() };
        let results = program.call_with(&args, options).unwrap_or_else(|error| panic!("{error}"));
        for (result, &operand) in results.iter().zip(&written) {
            let got = combined(kernel, operand, result, chunks);
            for (position, (got, expected)) in got.into_iter().zip(expected[operand].scalars()).enumerate() {
                assert!(
                    close(got, expected),
                    "seed {seed}, {lanes:?}, {chunks} chunks, element {position} of p{operand}: \
                     {got:?}, due {expected:?}\n{}",
                    print_kernel::kernel(kernel)
                );
            }
        }
    }
}

#[test]
fn random_kernels_compute_what_they_say() {
    for seed in 0..300 {
        let kernel = generate::kernel(seed);
        let chunkings: &[usize] = if kernel.extents.is_empty() { &[1] } else { &[1, 3] };
        chunkings.iter().for_each(|&chunks| check(&kernel, seed, chunks));
    }
}
