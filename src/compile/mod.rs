//! From a function to machine code.
//!
//! A function is simplified, prepared (so that only what fusion knows is left), fused into kernels, planned (every value
//! gets a place, every step an order), emitted, and handed to the runtime:
//!
//! ```text
//! Func --simplify, prepare--> Func --fuse, plan--> Plan --emit--> code --> Program
//! ```
//!
//! Each arrow is a pure function. Compiled programs are kept in a cache keyed by the structure of the function (names
//! and captured data left out) and the options.

mod arena;
mod balance;
mod barriers;
mod block;
mod cache;
mod calls;
mod commoning;
pub mod cost;
pub mod emit;
mod extend;
mod filters;
mod fuse;
mod groups;
mod hoist;
mod index;
pub mod interpret;
mod loops;
mod lower;
mod one_pass;
mod options;
mod pieces;
pub mod plan;
mod planner;
mod prepare;
mod ranges;
mod reciprocal;
mod recompute;
pub mod report;
mod rotate;
mod rows;
mod scatter;
mod schedule;
pub mod show;
mod simplify;
mod streaming;
mod windows;

use crate::artifact::{KernelBuilder, KernelSource};
use crate::compile::emit::{Settings, emit};
use crate::compile::plan::Plan;
use crate::run::call::CallOptions;
use crate::run::program::{Parts, Program};
use cotangent_ir::kernel::Kernel;
use cotangent_ir::prim::host;
use cotangent_ir::transform::{prune::prune, share::share};
use cotangent_ir::{Error, Func, Result, Tensor};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

pub use crate::compile::cache::{CacheLimits, CacheStatistics, cache_statistics, set_cache_limits};
pub use crate::compile::emit::Lanes;
pub use crate::compile::options::Options;
pub use crate::compile::report::Report;

/// A function compiled to native code.
#[derive(Debug)]
pub struct Compiled {
    program: Program,
    plan: Plan,
    compile_time: Duration,
    code_bytes: usize,
    settings: Settings,
    kernel_lanes: Vec<Option<Lanes>>,
}

impl Compiled {
    /// Runs the program on data.
    ///
    /// # Errors
    /// Arguments whose number or types are not those of the function.
    pub fn call(&self, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>> {
        self.program.call(args)
    }

    /// Runs the program and overwrites `outputs` with the results. In the steady state it allocates nothing.
    ///
    /// # Errors
    /// Arguments or outputs whose number or types are not those of the function.
    pub fn call_into(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor]) -> Result<()> {
        self.program.call_into(args, outputs)
    }

    /// [`Compiled::call_into`] with the options of [`Compiled::call_with`].
    pub fn call_into_with(&self, args: &[Arc<Tensor>], outputs: &mut [Tensor], options: CallOptions<'_>) -> Result<()> {
        self.program.call_into_with(args, outputs, options)
    }

    /// Runs the program with an observer, a way to cancel it, or a number of threads of its own.
    ///
    /// # Errors
    /// As [`Compiled::call`].
    pub fn call_with(&self, args: &[Arc<Tensor>], options: CallOptions<'_>) -> Result<Vec<Tensor>> {
        self.program.call_with(args, options)
    }

    /// What the program does, step by step.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What one call costs, step by step and in all: loop nests and how they process their elements, bytes moved against
    /// the least possible, operations, meetings of the workers, memory.
    ///
    /// ```
    /// use cotangent::compile::{Options, compile};
    /// use cotangent::{Array, DType, jit};
    /// let x = Array::arange(1000, DType::F32);
    /// let traced = jit(|x: Array| (&x * 2.0 + 1.0).sqrt()).traced(&x)?;
    /// let report = compile(&traced.func, &Options::default())?.report();
    /// assert_eq!(report.steps.len(), 1);
    /// assert_eq!((report.cost.bytes, report.least_bytes), (8000, 8000));
    /// assert_eq!(report.cost.flops, 3000);
    /// println!("{report}");
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn report(&self) -> Report {
        Report { code_bytes: self.code_bytes, ..Report::new(&self.plan, &self.kernel_lanes) }
    }

    /// Writes a [kernel file](crate::artifact) with this program as its only function, of the program's name, for the
    /// highest level of the processor at hand. A [`KernelBuilder`] writes files of several
    /// functions and levels, with names of arguments and results.
    ///
    /// ```
    /// use cotangent::artifact::Kernel;
    /// use cotangent::{Array, jit};
    /// let compiled = jit(|x: Array| x.sin()).compiled(&Array::from([1.0f32, 2.0]))?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("sine.cot");
    /// compiled.save(&path)?;
    /// // SAFETY: the file was written above.
    /// let kernel = unsafe { Kernel::load(&path) }?;
    /// let sines = kernel.functions()[0].apply(&[Array::from([0.5f32, 1.5])])?;
    /// assert_eq!(sines[0].to_vec::<f32>()?, [0.5f32, 1.5].map(f32::sin));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A program that calls the host; a file that cannot be written.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        let name: String = self.plan.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = format!("{}{name}", if name.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" });
        let name = match name.trim_matches('_') {
            "" => "main".to_string(),
            _ => name.chars().take(crate::artifact::LONGEST_NAME).collect(),
        };
        let source = KernelSource::compiled(name.clone(), self)?;
        KernelBuilder::new(name).function(source).save(path)
    }

    /// How it was emitted.
    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Time from the function to runnable code.
    pub fn compile_time(&self) -> Duration {
        self.compile_time
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

/// Compiles a function, or finds it in the cache. One that calls the host is not kept there: its closure belongs to
/// whoever has the function.
///
/// # Errors
/// A function that is not well formed; `COTANGENT_DISABLE` with a name that no optimisation has.
pub fn compile(func: &Func, options: &Options) -> Result<Arc<Compiled>> {
    if host::occurs_in(func) {
        return compile_uncached(func, options).map(Arc::new);
    }
    cache::lookup(func, options, || compile_uncached(func, options))
}

/// Compiles a function, past the cache.
///
/// # Errors
/// As [`compile`].
pub fn compile_uncached(func: &Func, options: &Options) -> Result<Compiled> {
    let start = Instant::now();
    let options = options.as_environment_allows()?;
    cotangent_ir::verify::verify(func)?;
    let plan = plan(&prepared(func)?, &options);
    let settings = options.settings();
    let code = emit(&plan, &settings);
    let (code_bytes, kernel_lanes) = (code.bytes, code.kernel_lanes);
    let program = Program::emitted(Parts {
        name: plan.name.clone(),
        inputs: plan.inputs.clone(),
        outputs: plan.outputs.clone(),
        constants: Vec::new(),
        slots: plan.slots.clone(),
        scalar_bytes: plan.scalar_bytes,
        arena_bytes: plan.arena_bytes,
        calls: plan.calls.clone(),
        parallel: plan.parallel,
        marks: code.marks,
        entry: code.entry,
        code: Box::new(code.owner),
    });
    Ok(Compiled { program, plan, compile_time: start.elapsed(), code_bytes, settings, kernel_lanes })
}

/// The function as fusion gets it: simplified, then in the terms that fusion knows.
///
/// # Errors
/// A forward derivative that cannot be computed: that of a function with a rule for reverse mode which is not linear.
pub fn prepared(func: &Func) -> Result<Func> {
    let simple = cotangent_ir::transform::simplify(&cotangent_ir::transform::inline::resolve(func)?);
    let prepared = prune(&share(&prepare::prepare(&simple)));
    if cfg!(debug_assertions)
        && let Err(error) = cotangent_ir::verify::verify(&prepared)
    {
        cotangent_ir::error::internal(&format!("preparation broke @{}: {error}", func.name));
    }
    Ok(prepared)
}

/// The plan of a prepared function.
pub fn plan(prepared: &Func, options: &Options) -> Plan {
    planner::plan(prepared, options)
}

/// The executor of operations outside any trace.
pub(crate) fn execute_eager(func: &Func, args: &[Arc<Tensor>]) -> Result<Vec<Tensor>, Error> {
    compile(func, &Options::default())?.call(args)
}

/// Debug builds hold every kernel to the rules.
fn check_kernel(kernel: &Kernel) {
    if cfg!(debug_assertions)
        && let Err(error) = cotangent_ir::verify_kernel::verify_kernel(kernel)
    {
        cotangent_ir::error::internal(&format!(
            "kernel {}: {error}\n{}",
            kernel.name,
            cotangent_ir::text::print_kernel::kernel(kernel)
        ));
    }
}
