//! Every kind of step, in plans written by hand.

use super::{Settings, program};
use crate::compile::plan::{Plan, Step};
use crate::run::call::CallOptions;
use crate::run::program::{Place, Slot};
use cotangent_ir::kernel::ReduceOp;
use cotangent_ir::text::parse_kernel;
use cotangent_ir::{DType, Tensor, Type};
use std::sync::Arc;

fn plan(kernels: &str, inputs: &[Type], outputs: &[Type], slots: Vec<Slot>, steps: Vec<Step>, parallel: bool) -> Plan {
    let arena_bytes = slots.iter().map(|slot| match slot {
        Slot::Arena { offset, bytes } => offset + bytes,
        _ => 0,
    });
    Plan {
        name: "test".to_string(),
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
        scalar_bytes: 256,
        arena_bytes: arena_bytes.max().unwrap_or(0),
        slots,
        kernels: parse_kernel::kernels(kernels).unwrap_or_else(|error| panic!("{error}")),
        streams: Vec::new(),
        rows: Vec::new(),
        calls: Vec::new(),
        steps,
        parallel,
    }
}

/// Runs with one to three workers; the results must be the same bits.
fn run(plan: &Plan, inputs: &[Tensor]) -> Vec<Tensor> {
    let program = program(plan, &Settings { verify: true, ..Settings::default() });
    let inputs: Vec<Arc<Tensor>> = inputs.iter().cloned().map(Arc::new).collect();
    let call = |threads| {
        let options = CallOptions { threads: Some(threads), ..CallOptions::default() };
        program.call_with(&inputs, options).unwrap()
    };
    let results = call(1);
    for threads in [2, 3] {
        for (a, b) in results.iter().zip(&call(threads)) {
            assert_eq!(a.bytes(), b.bytes());
        }
    }
    results
}

fn f32s(n: usize) -> Type {
    Type::new(DType::F32, &[n])
}

/// x is multiplied by 1/(1 + sum x) until the sum falls below a bound: kernels in chunks, partial results, scalar kernels,
/// a loop steered by them.
#[test]
fn loops_over_kernels() {
    const N: usize = 5000;
    for parallel in [true, false] {
        let kernels = format!(
            "kernel @sum [{N}] (p0: read f32[{N}], p1: write f32[1]) {{
                n0 = load p0 [1*i0] : f32
                reduce sum p1 [0], n0
            }}
            kernel @steer [] (p0: read f32[1], p1: write f32[1], p2: write bool[1], p3: read i32[1], p4: write i32[1]) {{
                n0 = load p0 [0] : f32
                n1 = const 1f32 : f32
                n2 = add n0, n1 : f32
                n3 = div n1, n2 : f32
                n4 = const 0.25f32 : f32
                n5 = lt n4, n0 : bool
                n6 = load p3 [0] : i32
                n7 = const 1i32 : i32
                n8 = add n6, n7 : i32
                store p1 [0], n3
                store p2 [0], n5
                store p4 [0], n8
            }}
            kernel @scale [{N}] (p0: write f32[{N}], p1: read f32[1]) {{
                n0 = load p0 [1*i0] : f32
                n1 = load p1 [0] : f32
                n2 = mul n0, n1 : f32
                store p0 [1*i0], n2
            }}
            kernel @start [] (p0: write i32[1]) {{
                n0 = const -1i32 : i32
                store p0 [0], n0
            }}"
        );
        let (x, y, partials, steps, sum) = (0, 1, 2, 3, 4);
        let slots = vec![
            Slot::Input(0),
            Slot::Output(0),
            Slot::Arena { offset: 64, bytes: 4 * 16 },
            Slot::Output(1),
            Slot::Output(2),
        ];
        let (total, factor, more, count) = (0, 4, 8, 12);
        let condition = vec![
            Step::Kernel { kernel: 0, bind: vec![Place::Slot(y), Place::Slot(partials)], chunks: 16 },
            Step::Barrier,
            Step::Combine { op: ReduceOp::Sum, dtype: DType::F32, partials, count: 16, into: total },
            Step::Scalar {
                kernel: 1,
                bind: vec![
                    Place::Scalar(total),
                    Place::Scalar(factor),
                    Place::Scalar(more),
                    Place::Scalar(count),
                    Place::Scalar(count),
                ],
            },
        ];
        let body = vec![
            Step::Kernel { kernel: 2, bind: vec![Place::Slot(y), Place::Scalar(factor)], chunks: 7 },
            Step::Barrier,
        ];
        let all = vec![
            Step::Copy { to: y, from: x, bytes: 4 * N },
            Step::Scalar { kernel: 3, bind: vec![Place::Scalar(count)] },
            Step::Barrier,
            Step::While { condition, predicate: Place::Scalar(more), body },
            Step::Assign {
                moves: vec![
                    (Place::Slot(steps), Place::Scalar(count), DType::I32, 1),
                    (Place::Slot(sum), Place::Scalar(total), DType::F32, 1),
                ],
            },
        ];
        let outputs = [f32s(N), Type::new(DType::I32, &[1]), f32s(1)];
        let plan = plan(&kernels, &[f32s(N)], &outputs, slots, all, parallel);
        let data: Vec<f32> = (0..N).map(|i| (i % 17) as f32 * 0.01).collect();
        let results = run(&plan, &[Tensor::from_slice(&[N], &data).unwrap()]);
        let (mut expected, mut count) = (data.clone(), 0);
        let total = loop {
            let sum: f32 = expected.iter().map(|&v| f64::from(v)).sum::<f64>() as f32;
            if sum <= 0.25 {
                break sum;
            }
            count += 1;
            expected.iter_mut().for_each(|v| *v *= 1.0 / (sum + 1.0));
        };
        assert!(count > 2);
        assert_eq!(results[1].as_slice::<i32>().unwrap(), [count]);
        assert!((results[2].as_slice::<f32>().unwrap()[0] - total).abs() < 1e-5);
        for (a, b) in results[0].as_slice::<f32>().unwrap().iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

/// Fibonacci numbers, with simultaneous assignments of scalars and, over arrays, with rotated pointers.
#[test]
fn repetition_assignment_rotation() {
    let kernels = "
        kernel @add [] (p0: read i64[1], p1: read i64[1], p2: write i64[1]) {
            n0 = load p0 [0] : i64
            n1 = load p1 [0] : i64
            n2 = add n0, n1 : i64
            store p2 [0], n2
        }
        kernel @literals [] (p0: write i64[1], p1: write i64[1]) {
            n0 = const 0i64 : i64
            n1 = const 1i64 : i64
            store p0 [0], n0
            store p1 [0], n1
        }
        kernel @adds [100] (p0: read i64[100], p1: read i64[100], p2: write i64[100]) {
            n0 = load p0 [1*i0] : i64
            n1 = load p1 [1*i0] : i64
            n2 = add n0, n1 : i64
            store p2 [1*i0], n2
        }";
    let slots = vec![
        Slot::Arena { offset: 0, bytes: 800 },
        Slot::Arena { offset: 832, bytes: 800 },
        Slot::Arena { offset: 1664, bytes: 800 },
        Slot::Input(0),
        Slot::Input(1),
        Slot::Output(0),
        Slot::Output(1),
    ];
    let (a, b, c) = (Place::Scalar(0), Place::Scalar(8), Place::Scalar(64));
    let steps = vec![
        Step::Scalar { kernel: 1, bind: vec![a, b] },
        Step::Copy { to: 0, from: 3, bytes: 800 },
        Step::Copy { to: 1, from: 4, bytes: 800 },
        Step::Barrier,
        Step::Repeat {
            count: 20,
            body: vec![
                Step::Scalar { kernel: 0, bind: vec![a, b, c] },
                Step::Assign { moves: vec![(a, b, DType::I64, 1), (b, c, DType::I64, 1)] },
                Step::Kernel { kernel: 2, bind: vec![Place::Slot(0), Place::Slot(1), Place::Slot(2)], chunks: 4 },
                Step::Barrier,
                Step::Rotate { moves: vec![(0, 1), (1, 2), (2, 0)] },
            ],
        },
        Step::Repeat { count: 0, body: vec![Step::Rotate { moves: vec![(0, 1), (1, 0)] }] },
        Step::Copy { to: 5, from: 0, bytes: 800 },
        Step::Assign { moves: vec![(Place::Slot(6), a, DType::I64, 1)] },
    ];
    let ty = Type::new(DType::I64, &[100]);
    let plan = plan(kernels, &[ty.clone(), ty.clone()], &[ty, Type::new(DType::I64, &[1])], slots, steps, true);
    let ones = Tensor::from_slice(&[100], &[1i64; 100]).unwrap();
    let zeros = Tensor::from_slice(&[100], &[0i64; 100]).unwrap();
    let results = run(&plan, &[zeros, ones]);
    assert_eq!(results[1].as_slice::<i64>().unwrap(), [6765]);
    assert_eq!(results[0].as_slice::<i64>().unwrap(), [6765; 100]);
}

/// The arm is chosen by an index that may lie outside of their range.
#[test]
fn switch() {
    let literal = |name: usize| {
        format!(
            "kernel @k{name} [] (p0: write f64[2]) {{
                n0 = const {name}f64 : f64
                n1 = const 0.5f64 : f64
                store p0 [0], n0
                store p0 [1], n1
            }}\n"
        )
    };
    let kernels: String = (0..3).map(literal).collect();
    for parallel in [false, true] {
        for (index, expected) in [(-5, 0.0), (0, 0.0), (1, 1.0), (2, 2.0), (3, 2.0), (i32::MAX, 2.0)] {
            let arms: Vec<Vec<Step>> =
                (0..3).map(|kernel| vec![Step::Scalar { kernel, bind: vec![Place::Scalar(32)] }]).collect();
            let steps = vec![
                Step::Switch { index: Place::Slot(0), arms },
                Step::Assign { moves: vec![(Place::Slot(1), Place::Scalar(32), DType::F64, 2)] },
                Step::Scalar { kernel: 0, bind: vec![Place::Slot(2)] },
            ];
            let slots = vec![Slot::Input(0), Slot::Output(0), Slot::Output(1)];
            let two = Type::new(DType::F64, &[2]);
            let inputs = [Type::new(DType::I32, &[])];
            let plan = plan(&kernels, &inputs, &[two.clone(), two], slots, steps, parallel);
            let results = run(&plan, &[Tensor::from_slice(&[], &[index]).unwrap()]);
            assert_eq!(results[0].as_slice::<f64>().unwrap(), [expected, 0.5]);
            assert_eq!(results[1].as_slice::<f64>().unwrap(), [0.0, 0.5]);
        }
    }
}
