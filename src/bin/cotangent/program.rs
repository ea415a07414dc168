//! Programs that solve a problem: compiled here, or from a kernel file.

use crate::arguments::ProblemName;
use crate::failure::{Failure, Result};
use crate::kernel_file;
use crate::problem::{Instance, Measured, Problem};
use crate::recipe::Recipe;
use crate::run::profiled;
use cotangent::artifact::KernelFunction;
use cotangent::compile::{self, Compiled, show};
use cotangent::ir::Tensor;
use cotangent::optimize::History;
use cotangent::run::call::CallOptions;
use cotangent::{Array, Traced};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A program that solves a problem for pictures of one shape.
pub(crate) struct Program {
    code: Code,
    pub(crate) origin: Origin,
    /// Memory of the program besides arguments and results.
    pub(crate) arena_bytes: usize,
}

/// What runs.
enum Code {
    /// With the data for the leading arguments.
    Compiled(Arc<Compiled>, Vec<Arc<Tensor>>),
    Loaded(KernelFunction),
}

/// Where a program comes from, and what getting it took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    Compiled {
        trace: Duration,
        compile: Duration,
        /// Loop nests.
        kernels: usize,
    },
    Loaded {
        load: Duration,
    },
}

/// A problem's solution.
pub(crate) struct Solved {
    pub(crate) restored: Array,
    pub(crate) history: History,
    pub(crate) iterations: usize,
    /// After the last iteration.
    pub(crate) objective: f64,
    /// Time it took.
    pub(crate) time: Duration,
}

/// Is told the number of iterations made, and the objective.
pub(crate) type Progress<'a> = dyn FnMut(usize, f64) + Send + 'a;

impl Program {
    /// Compiles the program of a problem.
    pub(crate) fn compile(problem: &Problem, recipe: &Recipe) -> Result<Program> {
        let start = Instant::now();
        let part = recipe.part("solve", problem.iterations)?;
        let trace = start.elapsed();
        let start = Instant::now();
        let compiled = compile::compile(&part.traced().func, &compile::Options::default())?;
        let compile = start.elapsed();
        let kernels = show::count(compiled.plan(), "kernels").unwrap_or(0);
        let arena_bytes = compiled.plan().arena_bytes;
        let captured = captured(part.traced())?;
        let origin = Origin::Compiled { trace, compile, kernels };
        Ok(Program { code: Code::Compiled(compiled, captured), origin, arena_bytes })
    }

    /// Solves the problem with data.
    pub(crate) fn solve(
        &self,
        problem: &Problem,
        recipe: &Recipe,
        measured: &Measured,
        progress: &mut Progress<'_>,
    ) -> Result<Solved> {
        let columns = recipe.columns()?;
        let data = measured.data.iter().map(Array::tensor).collect::<cotangent::Result<Vec<_>>>()?;
        let start = Instant::now();
        let mut times = Vec::new();
        let mut observer = |row: i64, statistics: &[f64]| {
            let position = usize::try_from(row).unwrap_or(0);
            times.push((position, start.elapsed().as_secs_f64()));
            progress(position + 1, statistics[0]);
            false
        };
        let options = CallOptions { observer: Some(&mut observer), ..CallOptions::default() };
        let results = match &self.code {
            Code::Compiled(compiled, captured) => compiled.call_with(&[captured.clone(), data].concat(), options)?,
            Code::Loaded(function) => function.call_with(&data, options)?,
        };
        let time = start.elapsed();
        let [restored, objective, iterations, _outcome, statistics] = <[Tensor; 5]>::try_from(results)
            .unwrap_or_else(|_| cotangent::ir::error::internal("a solve has five results"));
        let (objective, iterations) = (objective.get(0).as_f64(), iterations.get(0).as_f64() as usize);
        if !objective.is_finite() {
            return Err(Failure::new(format!(
                "{}: the objective is {objective} after {iterations} iterations; choose less noise than {} or a smaller \
                 weight than {}",
                problem.name.name(),
                problem.noise,
                problem.lambda
            )));
        }
        times.push((iterations.saturating_sub(1), time.as_secs_f64()));
        let numbers: Vec<f64> =
            statistics.scalars().take(columns.len() * iterations).map(|number| number.as_f64()).collect();
        let rows: Vec<Vec<f64>> = numbers.chunks(columns.len()).map(<[f64]>::to_vec).collect();
        let history = History::new(&columns, 0, &rows, &times);
        Ok(Solved { restored: Array::from_tensor(restored), history, iterations, objective, time })
    }
}

/// Solves once more, with marks between the steps, and writes where the time went.
pub(crate) fn profile(problem: &Problem, recipe: &Recipe, measured: &Measured, path: &Path) -> Result<()> {
    let part = recipe.part("solve", problem.iterations)?;
    let options = compile::Options { profile: true, ..compile::Options::default() };
    let compiled = compile::compile(&part.traced().func, &options)?;
    let data = measured.data.iter().map(Array::tensor).collect::<cotangent::Result<Vec<_>>>()?;
    profiled(&compiled, &[captured(part.traced())?, data].concat(), path).map(drop)
}

/// The data that a function captured.
fn captured(traced: &Traced) -> Result<Vec<Arc<Tensor>>> {
    Ok(traced.captures.iter().map(Array::tensor).collect::<cotangent::Result<Vec<_>>>()?)
}

/// The problem as a kernel has it, for pictures of a shape, and the kernel's program.
pub(crate) fn loaded(
    problem: Problem,
    noise: Option<f64>,
    shape: &[usize],
    path: &Path,
    trusted: Option<&Path>,
) -> Result<(Problem, Instance, Program)> {
    let start = Instant::now();
    let kernel = kernel_file::load(path, trusted)?;
    let load = start.elapsed();
    let name = problem.name.name();
    let again = |shape: &[usize]| format!("compile one with `{}`", command(problem.name, shape));
    let description = kernel.description();
    if description.name != problem.kernel() {
        let message = format!("is the kernel {}, not {}; {}", description.name, problem.kernel(), again(shape));
        return Err(Failure::in_file(path, message));
    }
    let other =
        || Failure::in_file(path, format!("was not made by `cotangent compile {name}` as it is now; {}", again(shape)));
    let told = problem.with_fixed(&description.text).ok_or_else(other)?;
    if told.is_noise_fixed() && noise.is_some_and(|noise| noise != told.noise) {
        let message = format!(
            "is for noise of {}; leave `--noise` out, or compile one with `{} --noise {}`",
            told.noise,
            command(problem.name, shape),
            problem.noise
        );
        return Err(Failure::in_file(path, message));
    }
    let function = kernel.function("solve").map_err(|_| other())?;
    let described = function.description();
    let restored = described.results.first().ok_or_else(other)?;
    if restored.ty.shape[..] != *shape {
        let (theirs, ours) = (extents(&restored.ty.shape), extents(shape));
        let message = format!("is for pictures of {theirs} pixels, this one has {ours}; {}", again(shape));
        return Err(Failure::in_file(path, message));
    }
    let instance = told.instance(shape)?;
    let expected = instance.recipe.data.iter().map(|argument| &argument.ty);
    let fits = described.arguments.iter().map(|argument| &argument.ty).eq(expected) && described.results.len() == 5;
    if !fits {
        return Err(other());
    }
    let arena_bytes = described.arena_bytes;
    let program = Program { code: Code::Loaded(function.clone()), origin: Origin::Loaded { load }, arena_bytes };
    Ok((told, instance, program))
}

/// The command that compiles a problem for pictures of a shape.
fn command(name: ProblemName, shape: &[usize]) -> String {
    format!("cotangent compile {} --shape {} -o KERNEL.cot", name.name(), extents(shape).replace(' ', ""))
}

/// Extents as they are spoken.
fn extents(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}
