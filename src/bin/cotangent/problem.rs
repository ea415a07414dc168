//! The posed problems: how a picture is degraded, and the method that restores it.
//!
//! Colours are restored each for itself but in one program: operators act on the last two axes of a stack of planes.
//! (Batching with `vmap` would do the same, were it not for the reports of progress, which cannot be batched.)

use crate::arguments::ProblemName;
use crate::failure::{Failure, Result};
use crate::run::profiled;
use cotangent::compile::{self, Compiled, show};
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, CircularConvolve, Edge, Filter, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    Admm, CircularConvolveSolver, History, Method, Options, Pdhg, Report, Term, Timings, Watch, solve_watched,
    trace_loop,
};
use cotangent::random::{self, Key};
use cotangent::{Array, DType, Traced, jit};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A problem with everything that can be chosen about it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) name: ProblemName,
    /// Standard deviation of the noise.
    pub(crate) noise: f64,
    /// Weight of the total variation.
    pub(crate) lambda: f64,
    pub(crate) iterations: usize,
    pub(crate) seed: u64,
    /// File for a profile.
    pub(crate) profile: Option<PathBuf>,
}

/// A problem's solution, and what finding it took.
pub(crate) struct Solved {
    pub(crate) degraded: Array,
    pub(crate) restored: Array,
    pub(crate) history: History,
    pub(crate) iterations: usize,
    /// After the last iteration.
    pub(crate) objective: f64,
    pub(crate) timings: Timings,
    /// Loop nests in the program.
    pub(crate) kernels: usize,
    /// Memory of the program besides arguments and results.
    pub(crate) arena_bytes: usize,
}

/// Is told the number of iterations made, and the objective.
pub(crate) type Progress<'a> = dyn FnMut(usize, f64) + Send + 'a;

/// The side of the box that blurs, in pixels.
const BOX: usize = 7;

impl Problem {
    /// A problem with the parameters commonly used for it.
    pub(crate) fn usual(name: ProblemName) -> Problem {
        match name {
            ProblemName::DenoiseTv => {
                Problem { name, noise: 0.1, lambda: 0.1, iterations: 100, seed: 0, profile: None }
            }
            ProblemName::DeconvTv => {
                Problem { name, noise: 0.01, lambda: 0.002, iterations: 60, seed: 0, profile: None }
            }
        }
    }

    /// Degrades a picture and restores it.
    pub(crate) fn solve(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        match self.name {
            ProblemName::DenoiseTv => self.denoise(clean, progress),
            ProblemName::DeconvTv => self.deconvolve(clean, progress),
        }
    }

    /// Minimises `½ ‖x − y‖² + λ ‖D x‖₂,₁` with differences that end in a row and column of zeros.
    fn denoise(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        let y = self.with_noise(clean)?;
        let d = FiniteDifference::along(y.ty()?, &[-2, -1], Boundary::append(Edge::Zero))?;
        let f = SquaredL2Loss::new(y.clone())?;
        let method = Pdhg::new(f, self.lambda * L21Norm::new(), d, 0.25, 0.25).start(y.clone());
        self.run(&method, y, progress)
    }

    /// Minimises `½ ‖A x − y‖² + λ ‖D x‖₂,₁` with a blur and differences that are circular.
    fn deconvolve(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        let ty = clean.ty()?;
        let weights = Array::new(&[BOX, BOX], &[1.0 / (BOX * BOX) as f32; BOX * BOX]);
        let center = (BOX / 2) as f64;
        let filter = Filter::new(weights).center(&[center, center]).axes(2);
        let blur = LinOp::from(CircularConvolve::new(filter, ty.clone())?);
        let y = self.with_noise(&blur.apply(clean))?;
        let d = FiniteDifference::along(ty, &[-2, -1], Boundary::CIRCULAR)?;
        let f = SquaredL2Loss::new(y.clone())?.operator(blur)?;
        let term = Term::new(self.lambda * L21Norm::new(), d, 0.05);
        let method = Admm::new(f, [term], CircularConvolveSolver::new())?.start(y.clone());
        self.run(&method, y, progress)
    }

    fn with_noise(&self, picture: &Array) -> Result<Array> {
        let noise = random::normal(&Key::new(self.seed), &picture.shape()?, DType::F32);
        let noisy = picture + self.noise * noise;
        noisy.tensor()?;
        Ok(noisy)
    }

    fn run<M: Method<Variable = Array>>(
        &self,
        method: &M,
        degraded: Array,
        progress: &mut Progress<'_>,
    ) -> Result<Solved> {
        let options = Options { max_steps: self.iterations, ..Options::default() };
        let mut callback = |report: &Report<'_>| {
            progress(report.step + 1, report.row[0]);
            ControlFlow::Continue(())
        };
        let solution = solve_watched(method, &options, Watch { callback: Some(&mut callback), ..Watch::default() })?;
        let objective = solution.history.column("Objective").and_then(|column| column.last().copied());
        let objective = objective.unwrap_or(f64::NAN);
        if !objective.is_finite() {
            return Err(Failure::new(format!(
                "{}: the objective is {objective} after {} iterations; choose less noise than {} or a smaller weight than \
                 {}",
                self.name.name(),
                solution.steps,
                self.noise,
                self.lambda
            )));
        }
        let program = program(method, &options)?;
        if let Some(path) = &self.profile {
            profile(method, &options, path)?;
        }
        Ok(Solved {
            degraded,
            restored: solution.x,
            history: solution.history,
            iterations: solution.steps,
            objective,
            timings: solution.timings,
            kernels: show::count(program.plan(), "kernels").unwrap_or(0),
            arena_bytes: program.plan().arena_bytes,
        })
    }
}

/// Solves once more, with marks between the steps, and writes where the time went.
fn profile<M: Method>(method: &M, options: &Options, path: &Path) -> Result<()> {
    let whole = |init: Option<M::State>| trace_loop(method, options, init.unwrap_or_else(|| method.init()));
    let Traced { func, captures } = jit(&whole).traced(&None)?;
    let compiled = compile::compile(&func, &compile::Options { profile: true, ..compile::Options::default() })?;
    let data = captures.iter().map(Array::tensor).collect::<cotangent::Result<Vec<_>>>()?;
    profiled(&compiled, &data, path).map(drop)
}

/// The program that a solve ran. It is recorded again, and found among the compiled ones.
fn program<M: Method>(method: &M, options: &Options) -> Result<Arc<Compiled>> {
    let whole = |init: Option<M::State>| trace_loop(method, options, init.unwrap_or_else(|| method.init()));
    let Traced { func, .. } = jit(&whole).traced(&None)?;
    Ok(compile::compile(&func, &compile::Options::default())?)
}
