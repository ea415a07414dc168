//! The interface as a program in C sees it: kernels are made by the compiler and go through the functions that C calls.

mod describing;
mod loading;
mod progress;
mod running;
mod strides;

use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::failure::cot_last_error;
use crate::kernel::{Function, Kernel, cot_kernel_find};
use crate::load::{cot_kernel_free, cot_kernel_load_bytes};
use crate::run::{Options, cot_run};
use crate::status::Status;
use runtime::artifact::{KernelBuilder, KernelSource};
use runtime::ir::prim::effect::tap;
use runtime::{Array, Traced, jit, stack, while_loop};
use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::OnceLock;

/// The bytes of a kernel with functions of all sorts.
fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| builder().build().expect("a kernel"))
}

fn builder() -> KernelBuilder {
    use runtime::DType::{Bool, C128, F32, F64, I32};
    let zeros = |shape: &[usize], dtype| Array::zeros(shape, dtype);
    let blend = jit(|x: Array, y: Array, weight: Array| {
        let z = &x * &weight.astype(F32) + &y;
        let sum = z.sum();
        (z, sum)
    });
    let invert = jit(|mask: Array| mask.logical_not());
    let square = jit(|z: Array| &z * &z);
    let wave = jit(|x: Array| (&x * 3.0).sin() + &x);
    let count = jit(|limit: Array| {
        let goes_on = |(round, stop, limit): (Array, Array, Array)| round.less(&limit).logical_and(stop.logical_not());
        let body = |(round, _, limit): (Array, Array, Array)| {
            let round = round + 1;
            let stop = tap(&round, &stack(&[round.astype(F64), limit.astype(F64)], 0), 10);
            (round, stop, limit)
        };
        while_loop(goes_on, body, (Array::from(0i32), Array::from(false), limit)).0
    });
    let blended = blend.traced(&(zeros(&[3, 4], F32), zeros(&[3, 4], F32), zeros(&[], F64)));
    KernelBuilder::new("example")
        .description("Functions for tests.\nThey do little.")
        .function(
            source("blend", blended)
                .description("A sum with a weight, and the sum of its elements")
                .arguments(["x", "y", "weight"])
                .results(["z", "sum"])
                .argument("x", "counts", "As measured.")
                .result("z", "counts", "Blended."),
        )
        .function(source("invert", invert.traced(&zeros(&[8], Bool))).arguments(["mask"]).results(["inverted"]))
        .function(source("square", square.traced(&zeros(&[4], C128))).arguments(["z"]).results(["w"]))
        .function(source("wave", wave.traced(&zeros(&[256, 512], F32))).arguments(["x"]).results(["y"]))
        .function(source("count", count.traced(&zeros(&[], I32))).arguments(["limit"]).results(["rounds"]))
        .function(source("nothing", wave.traced(&zeros(&[0, 3], F32))).arguments(["x"]).results(["y"]))
}

fn source(name: &str, traced: runtime::Result<Traced>) -> KernelSource {
    KernelSource::traced(name, &traced.expect("traces")).expect("plans")
}

/// A kernel that is given back at the end.
struct Loaded(*mut Kernel);

// SAFETY: kernels may be used from any number of threads.
unsafe impl Sync for Loaded {}

impl Loaded {
    fn example() -> Loaded {
        let mut kernel = ptr::null_mut();
        // SAFETY: the bytes come from the builder.
        let status = unsafe { cot_kernel_load_bytes(file().as_ptr().cast(), file().len(), &mut kernel) };
        assert_eq!((status, kernel.is_null()), (Status::Ok, false), "{}", last_error());
        Loaded(kernel)
    }

    fn find(&self, name: &str) -> *const Function {
        let (name, mut function) = (CString::new(name).expect("a name"), ptr::null());
        // SAFETY: the kernel is there.
        assert_eq!(unsafe { cot_kernel_find(self.0, name.as_ptr(), &mut function) }, Status::Ok);
        function
    }

    /// Runs a function.
    fn run(&self, name: &str, arguments: &[Buffer], results: &[Buffer]) -> Status {
        self.run_with(name, arguments, results, ptr::null())
    }

    fn run_with(&self, name: &str, arguments: &[Buffer], results: &[Buffer], options: *const Options) -> Status {
        let (read, written) = (arguments.as_ptr(), results.as_ptr());
        // SAFETY: buffers are of memory that is there, or are refused.
        unsafe { cot_run(self.find(name), read, arguments.len(), written, results.len(), options) }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: it was loaded, and is not used any longer.
        unsafe { cot_kernel_free(self.0) };
    }
}

/// A buffer without gaps, of memory that outlives the call it is for.
fn buffer<T>(data: &mut [T], dtype: DType, shape: &[usize]) -> Buffer {
    let data = data.as_mut_ptr().cast();
    Buffer { data, dtype: dtype as i32, rank: shape.len(), shape: shape.as_ptr(), strides: ptr::null() }
}

/// The same memory with strides.
fn strided(buffer: Buffer, strides: &[isize]) -> Buffer {
    Buffer { strides: strides.as_ptr(), ..buffer }
}

fn last_error() -> String {
    // SAFETY: it is a text of this thread's.
    unsafe { CStr::from_ptr(cot_last_error()) }.to_str().expect("UTF-8").to_string()
}

/// Options that say nothing.
const USUAL: Options = Options { threads: 0, progress: None, user: ptr::null_mut(), cancel: ptr::null() };
