//! How compile time grows with programs: gradient steps written out, from a few to very many.

use crate::cases::unrolled_descent;
use crate::failure::{Failure, Result};
use crate::peers::Python;
use crate::{output, plot};
use cotangent::compile::{Options, compile_uncached};
use cotangent::run::pool::threads;
use cotangent::{Array, DType, jit};
use std::path::Path;
use std::time::Instant;

/// Steps written out.
const STEPS: [usize; 7] = [10, 30, 100, 300, 1000, 3000, 10_000];

/// JAX is not asked about more steps than this: it would take minutes.
const MOST_STEPS_OF_JAX: usize = 1000;

/// Measures, prints a table and writes a plot.
pub(crate) fn measure(path: &Path, jax: Option<&Python>) -> Result<()> {
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; give `--compile-scaling` the name of a file"));
    }
    output::print(&format!(
        "{:>7} {:>13} {:>10} {:>11} {:>15} {:>10}\n",
        "steps", "instructions", "trace ms", "compile ms", "us/instruction", "JAX ms"
    ))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for steps in STEPS {
        let x = Array::zeros(&[1000], DType::F32);
        let start = Instant::now();
        let func = jit(unrolled_descent(steps)).traced(&x)?.func;
        let trace = start.elapsed().as_secs_f64() * 1e3;
        let start = Instant::now();
        let compiled = compile_uncached(&func, &Options::default())?;
        let compile = start.elapsed().as_secs_f64() * 1e3;
        drop(compiled);
        let instructions = func.insts().len();
        ours.push((instructions as f64, trace + compile));
        let jax = match jax {
            Some(jax) if steps <= MOST_STEPS_OF_JAX => {
                let time = jax.unrolled(steps, threads()?)?;
                theirs.push((instructions as f64, time));
                format!("{time:.1}")
            }
            _ => "-".into(),
        };
        output::print(&format!(
            "{steps:>7} {instructions:>13} {trace:>10.2} {compile:>11.2} {:>15.2} {jax:>10}\n",
            (trace + compile) * 1e3 / instructions as f64
        ))?;
    }
    let plot = plot::scaling(&[("cotangent", ours), ("JAX", theirs)])?;
    output::write_files(&[(path.to_path_buf(), plot.into_bytes())])
}
