//! The posed problems: how a picture is degraded, and the method that restores it.
//!
//! Colours are restored each for itself but in one program: operators act on the last two axes of a stack of planes.
//! (Batching with `vmap` would do the same, were it not for the reports of progress, which cannot be batched.)

use crate::arguments::ProblemName;
use crate::failure::{Failure, Result};
use crate::run::profiled;
use crate::wavelet;
use cotangent::compile::{self, Compiled, show};
use cotangent::functional::{BoxIndicator, IsotropicTvNorm, L1Norm, L21Norm, Prox, ProximalAverage};
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, CircularConvolve, DiagonalReplicated, Edge, Filter, FiniteDifference, LinOp};
use cotangent::loss::{PoissonLoss, SquaredL2Loss};
use cotangent::optimize::{
    AcceleratedPgm, Admm, CircularConvolveSolver, History, LinearSubproblemSolver, Method, Options, Pdhg, Report,
    RobustLineSearchStepSize, Term, Timings, Watch, solve_watched, trace_loop,
};
use cotangent::random::{self, Key};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Function, Traced, Type, jit, vmap};
use std::f64::consts::PI;
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

/// Angles of projection.
const VIEWS: usize = 60;

impl Problem {
    /// A problem with the parameters commonly used for it.
    pub(crate) fn usual(name: ProblemName) -> Problem {
        let (noise, lambda, iterations) = match name {
            ProblemName::DenoiseTv => (0.1, 0.1, 100),
            ProblemName::DeconvTv => (0.01, 0.002, 60),
            ProblemName::CtTv => (0.005, 0.5, 25),
            ProblemName::SparseCode => (0.1, 0.1, 100),
            ProblemName::InpaintTv => (0.02, 0.01, 300),
            ProblemName::PoissonDenoise => (0.1, 0.1, 100),
        };
        Problem { name, noise, lambda, iterations, seed: 0, profile: None }
    }

    /// Degrades a picture and restores it.
    pub(crate) fn solve(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        match self.name {
            ProblemName::DenoiseTv => self.denoise(clean, progress),
            ProblemName::DeconvTv => self.deconvolve(clean, progress),
            ProblemName::CtTv => self.reconstruct(clean, progress),
            ProblemName::SparseCode => self.code(clean, progress),
            ProblemName::InpaintTv => self.inpaint(clean, progress),
            ProblemName::PoissonDenoise => self.count(clean, progress),
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

    /// Minimises `½ ‖A x − y‖² + λ ‖D x‖₂,₁` with the X-ray transform of each plane, from the filtered back-projection. The noise is
    /// relative to the greatest projection.
    fn reconstruct(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        let ty = clean.ty()?;
        let plane = Type::new(ty.dtype, &ty.shape[ty.rank() - 2..]);
        let angles: Vec<f64> = (0..VIEWS).map(|view| PI * view as f64 / VIEWS as f64).collect();
        let geometry = XRayTransform2D::new(plane, angles)?;
        let project = match ty.shape[..] {
            [planes, _, _] => LinOp::from(DiagonalReplicated::new(geometry.clone(), planes)?),
            _ => LinOp::from(geometry.clone()),
        };
        let projections = project.apply(clean);
        let noise = random::normal(&Key::new(self.seed), &projections.shape()?, DType::F32);
        let y = &projections + self.noise * projections.max() * noise;
        let back_project = |y: Array| geometry.filtered_back_projection(&y);
        let degraded = if ty.rank() == 3 { vmap(back_project).apply(y.clone()) } else { back_project(y.clone()) };
        let degraded = degraded.clamp(0.0, 1.0);
        let d = FiniteDifference::along(ty, &[-2, -1], Boundary::append(Edge::Zero))?;
        let f = SquaredL2Loss::new(y)?.operator(project)?;
        let limits = ConjugateGradient { max_iterations: 25, ..ConjugateGradient::default() };
        let term = Term::new(self.lambda * L21Norm::new(), d, 10.0);
        let method = Admm::new(f, [term], LinearSubproblemSolver::new(limits))?.start(degraded.clone());
        self.run(&method, degraded, progress)
    }

    /// Minimises `½ ‖Tᴴ W c − y‖² + λ ‖c‖₁` over coefficients `c` of wavelets. The picture is `Tᴴ W c`.
    fn code(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        let y = self.with_noise(clean)?;
        let synthesis = wavelet::analysis(y.ty()?)?.h();
        let coefficients = synthesis.input_type();
        let f = SquaredL2Loss::new(y.clone())?.operator(synthesis.clone())?;
        let start = Array::zeros(&coefficients.shape, coefficients.dtype);
        let method = AcceleratedPgm::new(f, self.lambda * L1Norm::new(), wavelet::bound(), start);
        let mut solved = self.run(&method, y, progress)?;
        solved.restored = synthesis.apply(&solved.restored);
        Ok(solved)
    }

    /// Minimises `½ ‖M (x − y)‖² + λ ‖D x‖₂,₁`, `M` being 1 where a pixel is known. Those missing are grey.
    fn inpaint(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        let shape = clean.shape()?;
        let places = &shape[shape.len() - 2..];
        let known = random::uniform(&Key::new(self.seed.wrapping_add(1)), places, DType::F32).less(1.0 / 3.0);
        let known = known.broadcast_to(&shape);
        let y = known.select(self.with_noise(clean)?, 0.5);
        let d = FiniteDifference::along(y.ty()?, &[-2, -1], Boundary::append(Edge::Zero))?;
        let f = SquaredL2Loss::new(y.clone())?.weights(known.astype(DType::F32))?;
        let method = Pdhg::new(f, self.lambda * L21Norm::new(), d, 1.0, 0.12).start(y.clone());
        self.run(&method, y, progress)
    }

    /// Minimises `Σ (x − y log x) + λ TV(x)` with `x` above 0, in photons: white is `1 / noise²` of them, so that its noise is
    /// that noise. Total variation and limit are averaged, which makes their prox an easy one.
    fn count(&self, clean: &Array, progress: &mut Progress<'_>) -> Result<Solved> {
        if self.noise <= 0.0 {
            return Err(Failure::new(
                "poisson-denoise: without noise there is no number of photons; give `--noise` above 0",
            ));
        }
        let white = 1.0 / (self.noise * self.noise);
        let counts = random::poisson(&Key::new(self.seed), &clean.shape()?, white * clean.clamp(0.0, 1.0));
        let counts = counts.astype(DType::F32);
        let f = PoissonLoss::new(counts.clone())?.scale(1.0);
        let variation = (2.0 * self.lambda / self.noise * 0.1) * IsotropicTvNorm::isotropic().along(&[-2, -1]);
        let members: [Box<dyn Prox>; 2] = [Box::new(variation), Box::new(BoxIndicator::new(0.5, 2.0 * white)?)];
        let method = AcceleratedPgm::new(f, ProximalAverage::new(members)?, 0.1, counts.maximum(1.0))
            .robust(RobustLineSearchStepSize::default());
        let mut solved = self.run(&method, counts / white, progress)?;
        solved.restored /= white;
        Ok(solved)
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
