//! In the steady state a call allocates nothing but its results, and `call_into` nothing at all.
//!
//! Compiled programs show it for kernels, loops and scalars. A program written by hand plays a compiled one and uses
//! library calls and reports, so that plans, scratch, worker areas and the team of threads are all exercised. Products are
//! left out: the `gemm` crate allocates room for packing by itself.

use cotangent::run::call::CallOptions;
use cotangent::run::entry_points::symbols;
use cotangent::run::library::{Factor, FftKind, LibraryCall};
use cotangent::run::program::{Code, Frame, Parts, Place, Program, Slot};
use cotangent::{DType, Type};
use cotangent_ir::Tensor;
use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::transmute;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does it all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The runtime functions that the program calls by name.
struct Runtime {
    barrier: unsafe extern "C" fn(*mut Frame) -> u64,
    library: unsafe extern "C" fn(*mut Frame, u64),
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let find = |name| symbols().find(|symbol| symbol.0 == name).unwrap().1;
    // SAFETY: these are the types that the symbols have.
    RUNTIME.get_or_init(|| unsafe {
        Runtime {
            barrier: transmute::<*const u8, unsafe extern "C" fn(*mut Frame) -> u64>(find("ct_barrier")),
            library: transmute::<*const u8, unsafe extern "C" fn(*mut Frame, u64)>(find("ct_library")),
        }
    })
}

const CALLS: u64 = 5;
const SIZE: usize = 96;

unsafe extern "C" fn entry(frame: *mut Frame) {
    let Runtime { barrier, library } = runtime();
    // SAFETY: the frame is the one this worker was given.
    unsafe {
        (*frame).scalars.cast::<i32>().write(0);
        for call in 0..CALLS {
            library(frame, call);
            if barrier(frame) != 0 {
                return;
            }
        }
    }
}

struct Resident;

impl Code for Resident {}

/// Spectrum of the input along both axes, filtered along the first, and back again along the second.
fn program() -> Program {
    let (real, half) = (Type::new(DType::F32, &[SIZE, SIZE]), SIZE / 2 + 1);
    let spectrum_bytes = SIZE * half * 8;
    let fft = |kind, outer, inner, from, to| LibraryCall::Fft {
        kind,
        precision: DType::F32,
        outer,
        length: SIZE,
        inner,
        scale: 1.0 / SIZE as f64,
        from,
        to,
    };
    let calls = vec![
        fft(FftKind::RealForward, SIZE, 1, 0, 2),
        fft(FftKind::Forward, 1, half, 2, 3),
        LibraryCall::Filter {
            precision: DType::F32,
            outer: 1,
            length: SIZE,
            inner: half,
            scale: 1.0 / SIZE as f64,
            from: 3,
            to: 2,
            re: Factor { slot: 0, offset: 0, stride: 1 },
            im: None,
        },
        fft(FftKind::RealInverse, SIZE, 1, 2, 1),
        LibraryCall::Tap {
            index: Place::Scalar(0),
            row: Place::Slot(1),
            dtype: DType::F32,
            columns: SIZE,
            every: 1,
            stop: Place::Scalar(4),
        },
    ];
    assert_eq!(calls.len() as u64, CALLS);
    let mut slots = vec![Slot::Input(0), Slot::Output(0)];
    let mut arena_bytes = 0;
    for bytes in [spectrum_bytes, spectrum_bytes] {
        slots.push(Slot::Arena { offset: arena_bytes, bytes });
        arena_bytes += bytes.next_multiple_of(64);
    }
    let parts = Parts {
        name: "spectrum".to_owned(),
        inputs: vec![real.clone()],
        outputs: vec![real],
        constants: Vec::new(),
        slots,
        scalar_bytes: 64,
        arena_bytes,
        calls,
        parallel: true,
        marks: Vec::new(),
        entry,
        code: Box::new(Resident),
    };
    // SAFETY: `entry` only makes the calls, whose operands have the sizes of the slots.
    unsafe { Program::new(parts) }
}

/// Tests that count take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The least count of several times: the threads of the test harness allocate now and then, too.
fn allocations(mut work: impl FnMut()) -> usize {
    let mut count = || {
        let before = ALLOCATIONS.load(Ordering::SeqCst);
        work();
        ALLOCATIONS.load(Ordering::SeqCst) - before
    };
    (0..5).map(|_| count()).min().unwrap_or(usize::MAX)
}

/// Gradient descent on a smoothed total variation, with a stopping rule.
#[cfg(feature = "compiler")]
fn descent(x: cotangent::Array) -> cotangent::Array {
    use cotangent::Function;
    let energy = |x: cotangent::Array| ((x.diff(0).square() + 1e-3).sqrt().sum() + (&x * &x).sum()) * 0.5;
    let (x, ..) = cotangent::while_loop(
        |(_, size, step): (cotangent::Array, cotangent::Array, cotangent::Array)| size.greater(1e-6) & step.less(50),
        move |(x, _, step): (cotangent::Array, cotangent::Array, cotangent::Array)| {
            let gradient = cotangent::grad(energy).apply(x.clone());
            let size = (&gradient * &gradient).sum();
            (x - gradient * 0.05, size, step + 1)
        },
        (x.clone(), x.sum() * 0.0 + 1.0, cotangent::Array::from(0)),
    );
    x
}

#[cfg(feature = "compiler")]
#[test]
fn compiled_programs_allocate_results_only() {
    use cotangent::compile::{Options, compile};
    let _turn = turn();
    let traced = cotangent::jit(descent).traced(&cotangent::Array::zeros(&[300, 200], DType::F32)).unwrap();
    let program = compile(&traced.func, &Options::default()).unwrap();
    let ty = Type::new(DType::F32, &[300, 200]);
    let args = [Arc::new(Tensor::zeros(ty.clone()))];
    let mut outputs = vec![Tensor::zeros(ty)];
    program.call_into(&args, &mut outputs).unwrap();
    assert_eq!(allocations(|| (0..20).for_each(|_| program.call_into(&args, &mut outputs).unwrap())), 0);

    // The elements of a large result come from those of the last one; the two lists that carry it are new.
    let call = || drop(program.call(&args).unwrap());
    call();
    assert!(allocations(call) <= 2);
}

#[test]
fn the_steady_state_allocates_results_only() {
    let _turn = turn();
    let program = program();
    let input = Arc::new(Tensor::zeros(program.inputs()[0].clone()));
    let args = [input];
    let mut outputs = vec![Tensor::zeros(program.outputs()[0].clone())];
    let (mut rows, mut calls) = (0, 0);
    for threads in 1..=3 {
        let mut call_into = || {
            calls += 1;
            let mut observer = |_: i64, row: &[f64]| {
                rows += row.len() / SIZE;
                false
            };
            let options =
                CallOptions { observer: Some(&mut observer), threads: Some(threads), ..CallOptions::default() };
            program.call_into_with(&args, &mut outputs, options).unwrap();
        };
        call_into();
        let steady = allocations(|| (0..20).for_each(|_| call_into()));
        assert_eq!(steady, 0, "{threads} workers");
    }
    assert_eq!(rows, calls);

    let call = || drop(program.call(&args).unwrap());
    call();
    // One result: its elements, and the two lists that carry it.
    assert!(allocations(call) <= 3);
}
