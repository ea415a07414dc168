//! Programs written by hand in Rust, playing compiled ones: library calls against definitions, any number of workers,
//! calls from many threads at once.

use crate::run::call::CallOptions;
use crate::run::entry_points::{ct_barrier, ct_copy, ct_library, session};
use crate::run::library::{Factor, FftKind, LibraryCall, MatrixOperand};
use crate::run::program::{Code, Entry, Frame, Parts, Place, Program, Slot};
use cotangent_ir::{DType, Error, ErrorKind, Scalar, Tensor, Type};
use num_complex::Complex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Code that is part of this test binary needs no owner.
struct Resident;

impl Code for Resident {}

pub(super) fn parts(inputs: &[Type], outputs: &[Type], calls: Vec<LibraryCall>, entry: Entry) -> Parts {
    let slots = (0..inputs.len()).map(Slot::Input).chain((0..outputs.len()).map(Slot::Output)).collect();
    let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
    let (name, code) = ("test".to_owned(), Box::new(Resident));
    Parts {
        name,
        inputs,
        outputs,
        constants: Vec::new(),
        slots,
        scalar_bytes: 64,
        arena_bytes: 0,
        calls,
        parallel: true,
        marks: Vec::new(),
        entry,
        code,
    }
}

/// Runs every library call, one after the other.
pub(super) unsafe extern "C" fn all_calls(frame: *mut Frame) {
    // SAFETY: the frame is the one this worker was given.
    unsafe {
        for call in 0..session(frame).routines.len() {
            ct_library(frame, call as u64);
            if ct_barrier(frame) != 0 {
                return;
            }
        }
    }
}

/// `output = input + 1` in bytes: each worker adds to what its neighbour copied, and copies back over two barriers.
unsafe extern "C" fn add_one(frame: *mut Frame) {
    // SAFETY: the frame is the one this worker was given; slots are input, output, arena, all of `BYTES` bytes; between
    // barriers each worker writes its own part.
    unsafe {
        let Frame { table, .. } = *frame;
        let (input, output, arena) = (*table, *table.add(1), *table.add(2));
        ct_copy(frame, arena, input, BYTES as u64);
        if ct_barrier(frame) != 0 {
            return;
        }
        let Frame { worker, workers, .. } = *frame;
        let neighbour = (worker as usize + 1) % workers as usize;
        let part = BYTES * neighbour / workers as usize..BYTES * (neighbour + 1) / workers as usize;
        for position in part {
            let byte = arena.add(position);
            byte.write(byte.read() + 1);
        }
        if ct_barrier(frame) != 0 {
            return;
        }
        ct_copy(frame, output, arena, BYTES as u64);
    }
}

/// Large enough for a shared copy, and no multiple of its pieces.
const BYTES: usize = 100_003;

fn add_one_program() -> Program {
    let ty = Type::new(DType::U8, &[BYTES]);
    let mut parts = parts(std::slice::from_ref(&ty), std::slice::from_ref(&ty), Vec::new(), add_one);
    parts.slots.push(Slot::Arena { offset: 64, bytes: BYTES });
    parts.arena_bytes = 64 + BYTES;
    // SAFETY: `add_one` keeps to these slots.
    unsafe { Program::new(parts) }
}

fn assert_adds_one(program: &Program, start: u8, threads: usize) {
    let input = Arc::new(Tensor::from_slice(&[BYTES], &vec![start; BYTES]).unwrap());
    let output = run(program, &[input], threads).remove(0);
    assert!(output.bytes().iter().all(|&byte| byte == start + 1));
}

/// Asks for a tap in every round until one says stop, which every worker hears; counts the rounds in the output.
unsafe extern "C" fn tap_until_stop(frame: *mut Frame) {
    // SAFETY: the frame is the one this worker was given; slots are row, output (i32); the scalars hold an i32
    // and a byte.
    unsafe {
        let Frame { table, scalars, worker, .. } = *frame;
        for round in 0..i32::MAX {
            scalars.cast::<i32>().write(round);
            ct_library(frame, 0);
            if worker == 0 {
                (*table.add(1)).cast::<i32>().write(round);
            }
            if scalars.add(4).read() != 0 {
                break;
            }
        }
    }
}

fn tap_program() -> Program {
    let (index, row) = (Place::Scalar(0), Place::Slot(0));
    let tap = LibraryCall::Tap { index, row, dtype: DType::F32, columns: 3, every: 10, stop: Place::Scalar(4) };
    let types = [Type::new(DType::F32, &[3]), Type::scalar(DType::I32)];
    let parts = parts(&types[..1], &types[1..], vec![tap], tap_until_stop);
    // SAFETY: `tap_until_stop` keeps to these slots.
    unsafe { Program::new(parts) }
}

fn row() -> [Arc<Tensor>; 1] {
    [Arc::new(Tensor::from_slice(&[3], &[1.0f32, 2.0, 3.0]).unwrap())]
}

fn run(program: &Program, args: &[Arc<Tensor>], threads: usize) -> Vec<Tensor> {
    program.call_with(args, CallOptions { threads: Some(threads), ..CallOptions::default() }).unwrap()
}

/// The outputs with one worker, after checking that other numbers of workers give the same bits.
pub(super) fn run_all(program: &Program, args: &[Arc<Tensor>]) -> Vec<Tensor> {
    let expected = run(program, args, 1);
    for threads in 2..=3 {
        for (output, expected) in run(program, args, threads).iter().zip(&expected) {
            assert_eq!(output.bytes(), expected.bytes(), "{threads} workers");
        }
    }
    expected
}

/// Numbers between -1 and 1 that look random.
pub(super) fn noise(ty: Type) -> Arc<Tensor> {
    let number = |position: usize| ((position as f64 + 1.0) * 78.233).sin() * 43758.5453 % 1.0;
    Arc::new(Tensor::from_fn(ty.clone(), |position| {
        let (re, im) = (number(2 * position), number(2 * position + 1));
        Scalar::complex(DType::C128, Complex::new(re, im)).convert(ty.dtype)
    }))
}

fn complex(tensor: &Tensor) -> Vec<Complex<f64>> {
    tensor.scalars().map(Scalar::as_complex).collect()
}

fn assert_close(given: &[Complex<f64>], expected: &[Complex<f64>], tolerance: f64, what: &str) {
    assert_eq!(given.len(), expected.len(), "{what}");
    let scale = expected.iter().map(|z| z.norm()).fold(1.0, f64::max);
    for (position, (given, expected)) in given.iter().zip(expected).enumerate() {
        let difference = (given - expected).norm() / scale;
        assert!(difference <= tolerance, "{what}, element {position}: {given}, expected {expected}");
    }
}

fn tolerance(dtype: DType) -> f64 {
    if dtype.real() == DType::F32 { 1e-5 } else { 1e-13 }
}

#[test]
fn products_equal_their_definition() {
    for dtype in [DType::F32, DType::F64, DType::C64, DType::C128] {
        for (batch, rows, depth, columns) in [
            (1, 1, 1, 1),
            (1, 5, 0, 7),
            (2, 3, 4, 5),
            (1, 0, 4, 5),
            (3, 70, 33, 90),
            (1, 300, 40, 700),
            (1, 1, 900, 300),
        ] {
            for transposed in [false, true] {
                product_equals_definition(dtype, batch, [rows, depth, columns], transposed);
            }
        }
    }
}

fn product_equals_definition(dtype: DType, batch: usize, [rows, depth, columns]: [usize; 3], transposed: bool) {
    // With `transposed`, the left factor is stored column by column.
    let (a_row, a_column) = if transposed { (1, rows) } else { (depth, 1) };
    let operand = |slot, batch_stride: usize, row_stride: usize, column_stride: usize| MatrixOperand {
        slot,
        batch_stride: batch_stride as isize,
        row_stride: row_stride as isize,
        column_stride: column_stride as isize,
    };
    let call = LibraryCall::Gemm {
        dtype,
        batch,
        rows,
        depth,
        columns,
        a: operand(0, rows * depth, a_row, a_column),
        b: operand(1, depth * columns, columns, 1),
        c: operand(2, rows * columns, columns, 1),
    };
    let types = [(rows, depth), (depth, columns), (rows, columns)].map(|(m, n)| Type::new(dtype, &[batch, m, n]));
    // SAFETY: `all_calls` only runs the call, whose operands have the sizes of the slots.
    let program = unsafe { Program::new(parts(&types[..2], &types[2..], vec![call], all_calls)) };
    let (a, b) = (noise(types[0].clone()), noise(types[1].clone()));
    let product = run_all(&program, &[a.clone(), b.clone()]).remove(0);
    let (a, b) = (complex(&a), complex(&b));
    let mut expected = Vec::new();
    for (matrix, row, column) in (0..batch * rows * columns)
        .map(|position| (position / (rows * columns), position / columns % rows, position % columns))
    {
        let term = |k: usize| {
            a[matrix * rows * depth + row * a_row + k * a_column] * b[(matrix * depth + k) * columns + column]
        };
        expected.push((0..depth).map(term).sum());
    }
    assert_close(
        &complex(&product),
        &expected,
        tolerance(dtype) * (depth + 1) as f64,
        &format!("{dtype} {rows}x{depth}x{columns}"),
    );
}

#[test]
fn transforms_equal_their_definition() {
    for precision in [DType::F32, DType::F64] {
        for kind in [FftKind::Forward, FftKind::Inverse, FftKind::RealForward, FftKind::RealInverse] {
            for length in [0, 1, 2, 3, 4, 7, 16, 31, 60, 127] {
                for (outer, inner) in [(1, 1), (5, 1), (0, 3), (1, 3), (2, 8), (3, 37)] {
                    transform_equals_definition(kind, precision, [outer, length, inner]);
                }
            }
        }
    }
}

#[test]
fn filters_are_transforms_there_and_back() {
    for precision in [DType::F32, DType::F64] {
        for length in [1, 2, 7, 16, 60] {
            for (outer, inner) in [(1, 1), (5, 1), (1, 3), (2, 8), (3, 37)] {
                filter_equals_definition(precision, [outer, length, inner], false);
                filter_equals_definition(precision, [outer, length, inner], true);
            }
        }
    }
}

fn filter_equals_definition(precision: DType, shape: [usize; 3], is_complex: bool) {
    let [outer, length, inner] = shape;
    let ty = Type::new(precision.complex().unwrap(), &shape);
    let types = [ty.clone(), ty.clone()];
    let scale = 0.75;
    let part = |offset| Factor { slot: 1, offset, stride: 2 };
    let im = is_complex.then(|| part(1));
    let call = LibraryCall::Filter { precision, outer, length, inner, scale, from: 0, to: 2, re: part(0), im };
    // SAFETY: `all_calls` only runs the call, whose operands have the sizes of the slots.
    let program = unsafe { Program::new(parts(&types, &types[..1], vec![call], all_calls)) };
    let args = [noise(ty.clone()), noise(ty)];
    let given = complex(&run_all(&program, &args)[0]);
    let (x, response) = (complex(&args[0]), complex(&args[1]));
    let along = |x: &[Complex<f64>], sign: f64| -> Vec<Complex<f64>> {
        let element = |position: usize| {
            let (block, k, column) = (position / (length * inner), position / inner % length, position % inner);
            let term = |j: usize| {
                let angle = sign * std::f64::consts::TAU * ((j * k) % length) as f64 / length as f64;
                x[(block * length + j) * inner + column] * Complex::from_polar(1.0, angle)
            };
            (0..length).map(term).sum()
        };
        (0..x.len()).map(element).collect()
    };
    let spectrum = along(&x, -1.0);
    let factor = |h: Complex<f64>| if is_complex { h } else { Complex::new(h.re, 0.0) };
    let product: Vec<Complex<f64>> = spectrum.iter().zip(&response).map(|(s, &h)| s * factor(h) * scale).collect();
    let what = format!("filter {precision} {outer}x{length}x{inner}");
    assert_close(&given, &along(&product, 1.0), 40.0 * length as f64 * tolerance(precision), &what);
}

fn transform_equals_definition(kind: FftKind, precision: DType, [outer, length, inner]: [usize; 3]) {
    let half = length / 2 + 1;
    let complex_dtype = precision.complex().unwrap();
    let ((taken, from_dtype), (made, to_dtype)) = match kind {
        FftKind::Forward | FftKind::Inverse => ((length, complex_dtype), (length, complex_dtype)),
        FftKind::RealForward => ((length, precision), (half, complex_dtype)),
        FftKind::RealInverse => ((half, complex_dtype), (length, precision)),
    };
    let scale = 0.75;
    let call = LibraryCall::Fft { kind, precision, outer, length, inner, scale, from: 0, to: 1 };
    let from = Type::new(from_dtype, &[outer, taken, inner]);
    let to = Type::new(to_dtype, &[outer, made, inner]);
    // SAFETY: `all_calls` only runs the call, whose operands have the sizes of the slots.
    let program = unsafe { Program::new(parts(std::slice::from_ref(&from), &[to], vec![call], all_calls)) };
    let x = noise(from);
    let given = complex(&run_all(&program, std::slice::from_ref(&x))[0]);
    let x = complex(&x);
    let sign = if matches!(kind, FftKind::Forward | FftKind::RealForward) { -1.0 } else { 1.0 };
    let mut expected = vec![Complex::new(0.0, 0.0); outer * made * inner];
    for (position, element) in expected.iter_mut().enumerate() {
        let (block, k, column) = (position / (made * inner), position / inner % made, position % inner);
        for j in 0..length {
            // The spectrum of a real signal is given by half; the other half mirrors it.
            let value = |j: usize| x[(block * taken + j) * inner + column];
            let term = match kind {
                FftKind::RealInverse if j == 0 || 2 * j == length => Complex::new(value(j).re, 0.0),
                FftKind::RealInverse if j >= half => value(length - j).conj(),
                _ => value(j),
            };
            let angle = sign * std::f64::consts::TAU * ((j * k) % length) as f64 / length as f64;
            *element += term * Complex::from_polar(scale, angle);
        }
    }
    assert_close(
        &given,
        &expected,
        10.0 * tolerance(precision),
        &format!("{kind:?} {precision} {outer}x{length}x{inner}"),
    );
}

#[test]
fn calls_from_many_threads_at_once_are_independent() {
    let program = add_one_program();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let program = &program;
            scope.spawn(move || (0..40).for_each(|round| assert_adds_one(program, thread * 20 + round / 2, 3)));
        }
    });
}

#[test]
fn calls_from_within_a_rayon_job_finish() {
    use rayon::prelude::*;
    let program = add_one_program();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    pool.install(|| (0u8..64).into_par_iter().for_each(|start| assert_adds_one(&program, start, 3)));
    pool.broadcast(|context| assert_adds_one(&program, context.index() as u8, 2));
}

#[test]
fn observers_see_rows_on_their_thread_and_stop_the_call() {
    let (program, inner) = (tap_program(), add_one_program());
    for threads in 1..=3 {
        let (mut seen, caller) = (Vec::new(), std::thread::current().id());
        let mut observer = |index: i64, row: &[f64]| {
            assert_eq!(std::thread::current().id(), caller);
            assert_eq!(row, [1.0, 2.0, 3.0]);
            // A call from within a call finds the team taken and runs alone.
            assert_adds_one(&inner, 3, 3);
            seen.push(index);
            index == 30
        };
        let options = CallOptions { observer: Some(&mut observer), threads: Some(threads), ..CallOptions::default() };
        let rounds = program.call_with(&row(), options).unwrap().remove(0);
        assert_eq!(rounds.get(0).as_i128(), 30);
        assert_eq!(seen, [0, 10, 20, 30]);
    }
}

#[test]
fn a_call_stops_when_cancelled() {
    let (program, cancel) = (tap_program(), AtomicBool::new(false));
    for threads in 1..=3 {
        cancel.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                cancel.store(true, Ordering::Relaxed);
            });
            let options = CallOptions { cancel: Some(&cancel), threads: Some(threads), ..CallOptions::default() };
            program.call_with(&row(), options).unwrap();
        });
    }
}

#[test]
fn a_panic_of_the_observer_comes_out_of_the_call() {
    let program = tap_program();
    for threads in 1..=3 {
        let mut observer = |_: i64, _: &[f64]| -> bool { std::panic::resume_unwind(Box::new("of the observer")) };
        let call = std::panic::AssertUnwindSafe(|| {
            let options =
                CallOptions { observer: Some(&mut observer), threads: Some(threads), ..CallOptions::default() };
            program.call_with(&row(), options)
        });
        let payload = std::panic::catch_unwind(call).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"of the observer"));
        // The team is free again.
        assert_adds_one(&add_one_program(), 1, threads);
    }
}

#[test]
fn call_into_overwrites_and_reuses() {
    let program = add_one_program();
    let mut outputs = vec![Tensor::zeros(Type::new(DType::U8, &[BYTES]))];
    for start in 0..20 {
        let input = Arc::new(Tensor::from_slice(&[BYTES], &vec![start; BYTES]).unwrap());
        program.call_into(&[input], &mut outputs).unwrap();
        assert!(outputs[0].bytes().iter().all(|&byte| byte == start + 1));
    }
}

#[test]
fn mistakes_of_callers_are_explained() {
    let program = tap_program();
    let message = |error: Error| (error.kind(), error.to_string());
    let none = message(program.call(&[]).unwrap_err());
    assert_eq!(none.0, ErrorKind::Structure);
    assert!(none.1.contains("expected 1 argument, given 0"), "{}", none.1);
    let shape = message(program.call(&[Arc::new(Tensor::zeros(Type::new(DType::F32, &[4])))]).unwrap_err());
    assert_eq!(shape.0, ErrorKind::Shape);
    assert!(shape.1.contains("argument 0: expected f32[3], given f32[4]; reshape it"), "{}", shape.1);
    let mut results = [Tensor::zeros(Type::scalar(DType::I64))];
    let dtype = message(program.call_into(&row(), &mut results).unwrap_err());
    assert_eq!(dtype.0, ErrorKind::DType);
    assert!(dtype.1.contains("result 0: expected i32[], given i64[]; convert it"), "{}", dtype.1);
    let options = CallOptions { threads: Some(0), ..CallOptions::default() };
    let threads = message(program.call_with(&row(), options).unwrap_err());
    assert_eq!(threads.0, ErrorKind::Argument);
    assert!(threads.1.contains("from 1 to 1024, given 0; use 1"), "{}", threads.1);
}

/// Workers that leave at any meeting change nothing: a solver with meetings in its loop, and sums whose partial results all
/// combine.
#[cfg(feature = "compiler")]
#[test]
fn workers_may_leave_at_any_meeting() {
    use crate::run::session::tests::LEAVE_AFTER;
    use crate::{Array, fori_loop, jit};
    let solver = jit(|b: Array| {
        fori_loop(0, 6, (b.zeros_like(), b), |_, (x, r): (Array, Array)| {
            let below = r.narrow(0, 1, 199).pad_zeros(&[(0, 1, 0), (0, 0, 0)]);
            let ap = &r * 4.0 - below;
            let step = (&r * &r).sum() / (&r * &ap).sum();
            (x + &step * &r, r - step * ap)
        })
        .0
    });
    let b = Array::arange(200 * 300, DType::F32).sin().reshape(&[200, 300]);
    let with = |threads| {
        let options = CallOptions { threads: Some(threads), ..CallOptions::default() };
        solver.call_with(b.clone(), options).unwrap().to_vec::<f32>().unwrap()
    };
    let expected = with(1);
    for threads in [2, 3] {
        for meeting in 1..20 {
            LEAVE_AFTER.store(meeting, Ordering::Relaxed);
            assert_eq!(with(threads), expected, "{threads} workers, one of which leaves at meeting {meeting}");
        }
        LEAVE_AFTER.store(0, Ordering::Relaxed);
    }
}
