//! Times of a compilation that is repeated until it is known.

use crate::sampling::Samples;
use cotangent::Traced;
use cotangent::compile::{Options, compile_uncached};
use std::time::Instant;

/// Compilations that a compile time is the median of.
const COMPILATIONS: usize = 9;

/// Times of tracing, and of compiling what was traced.
pub(crate) fn compile_times(trace: &dyn Fn() -> Traced) -> cotangent::Result<(Samples, Samples)> {
    let (mut tracing, mut compiling) = (Vec::new(), Vec::new());
    for _ in 0..COMPILATIONS {
        let start = Instant::now();
        let function = trace();
        let traced = Instant::now();
        let compiled = compile_uncached(&function.func, &Options::default())?;
        compiling.push(traced.elapsed());
        tracing.push(traced - start);
        drop(compiled);
    }
    Ok((Samples::new(&tracing, 1), Samples::new(&compiling, 1)))
}
