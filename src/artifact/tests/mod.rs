//! What kernel files do when they are whole, and what is said of those that are not.

mod damage;
mod hostile;
mod whole;

use super::{CpuLevel, Kernel, KernelBuilder, KernelSource, LoadError};
use crate::{Array, DType, fori_loop, jit};

/// The bytes of a kernel with a loop, a captured array, a transform and a matrix product, for two levels.
fn example() -> Vec<u8> {
    builder().build().expect("a kernel")
}

fn builder() -> KernelBuilder {
    let weights = Array::arange(16, DType::F32).reshape(&[4, 4]);
    let smooth = jit(move |x: Array| {
        let step = |_, x: Array| (x.matmul(&weights) * 0.01).sin();
        fori_loop(0, 3, x, step)
    });
    let energy = jit(|x: Array, scale: Array| ((x * scale).square().sum().sqrt(),));
    let spectrum = jit(|x: Array| x.fft(&[-1]).abs().square());
    let product = jit(|a: Array, b: Array| a.matmul(&b));
    let x = Array::zeros(&[4, 4], DType::F32);
    let large = Array::zeros(&[96, 96], DType::F32);
    let source = |name: &str, traced: crate::Result<crate::Traced>| {
        KernelSource::traced(name, &traced.expect("traces")).expect("plans")
    };
    KernelBuilder::new("example")
        .description("An example.\nIt has two lines.")
        .levels([CpuLevel::V2, CpuLevel::V3])
        .function(source("smooth", smooth.traced(&x)).arguments(["x"]).results(["y"]).argument("x", "mm", "Places."))
        .function(source("energy", energy.traced(&(x.clone(), Array::from(1.0f32)))).arguments(["x", "scale"]))
        .function(source("spectrum", spectrum.traced(&x)))
        .function(source("product", product.traced(&(large.clone(), large))))
}

/// Loads bytes that this test has made. Those that are damaged do not get as far as to be run.
fn load(bytes: &[u8]) -> Result<Kernel, LoadError> {
    // SAFETY: the code is that of the builder; where it is not, nothing runs it.
    unsafe { Kernel::from_bytes(bytes) }
}

/// What is said of bytes that cannot be loaded.
fn refusal(bytes: &[u8]) -> LoadError {
    match load(bytes) {
        Ok(_) => panic!("a damaged file was loaded"),
        Err(error) => error,
    }
}
