//! Whole solves: `benches/peers/scico_solvers.py` has them as users of SCICO run them, and `benches/peers/jax_solvers.py`
//! written by hand, under the same names and with the same data.
//!
//! A program takes the data and gives the solution and the statistics of every step, as SCICO records them. Cases called
//! `_plain` give the solution only, as the loops in JAX do.

use super::Case;
use super::data::uniform;
use super::operators::{Body, MADE, case};
use cotangent::functional::{L1Norm, L21Norm};
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, CircularConvolve, Edge, Filter, FiniteDifference, LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    AcceleratedPgm, Admm, CircularConvolveSolver, LinearSubproblemSolver, Method, Options, Pdhg, Term, trace_loop,
};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Result, Type};
use std::f64::consts::PI;
use std::sync::Arc;

/// The group of the cases.
#[allow(dead_code, reason = "the benches that share this file have no groups")]
pub(crate) const SOLVERS: &str = "solver";

/// A problem: its name, that without statistics, and how to pose it, with statistics or not.
type Problem = (&'static str, &'static str, fn(bool) -> Posed);

const PROBLEMS: [Problem; 8] = [
    ("deconv_tv_admm50_256", "deconv_tv_admm50_256_plain", |record| deconvolution(256, record).expect(MADE)),
    ("deconv_tv_admm50_512", "deconv_tv_admm50_512_plain", |record| deconvolution(512, record).expect(MADE)),
    ("denoise_tv_admm50_256", "denoise_tv_admm50_256_plain", |record| denoising(256, record)),
    ("denoise_tv_admm50_512", "denoise_tv_admm50_512_plain", |record| denoising(512, record)),
    ("denoise_tv_pdhg100_512", "denoise_tv_pdhg100_512_plain", |record| primal_dual(512, record)),
    ("ct_tv_admm25_128x45", "ct_tv_admm25_128x45_plain", |record| tomography(128, 45, record).expect(MADE)),
    ("ct_tv_admm25_256x90", "ct_tv_admm25_256x90_plain", |record| tomography(256, 90, record).expect(MADE)),
    ("sparse_apgm100_512x2048", "sparse_apgm100_512x2048_plain", |record| {
        sparse_coding(512, 2048, record).expect(MADE)
    }),
];

/// The cases, in the order in which they are reported.
#[allow(dead_code, reason = "the benches that share this file measure programs only")]
pub(crate) fn solvers() -> Vec<Case> {
    let recorded = PROBLEMS.iter().map(|&(name, _, pose)| case(name, SOLVERS, move || pose(true)));
    let plain = PROBLEMS.iter().map(|&(_, name, pose)| case(name, SOLVERS, move || pose(false)));
    recorded.chain(plain).collect()
}

/// A program from data to the solution and the statistics, and the data.
type Posed = (Body<Array, (Array, Option<Array>)>, Array);

/// The program that makes all steps of the method that is built for the data, and records their statistics or not.
fn posed<M: Method<Variable = Array>>(
    steps: usize,
    record: bool,
    build: impl Fn(Array) -> Result<M> + Send + Sync + 'static,
    data: Array,
) -> Posed {
    let options = Options { max_steps: steps, record, report_every: 0, ..Options::default() };
    let solve = move |data: Array| {
        let method = build(data).expect(MADE);
        let end = trace_loop(&method, &options, method.init());
        (end.x, end.table)
    };
    (Arc::new(solve), data)
}

/// Squares of two greys, of a length that is no power of two.
fn picture(n: usize) -> Array {
    let grey = |position: usize| 0.25 + 0.5 * ((position / n / 37 + position % n / 37) % 2) as f32;
    Array::new(&[n, n], &(0..n * n).map(grey).collect::<Vec<f32>>())
}

fn noise(shape: &[usize]) -> Array {
    uniform(shape, -0.1, 0.1)
}

fn image(n: usize) -> Type {
    Type::new(DType::F32, &[n, n])
}

fn differences(n: usize) -> Result<LinOp> {
    FiniteDifference::new(image(n), Boundary::append(Edge::Zero)).map(LinOp::from)
}

fn deconvolution(n: usize, record: bool) -> Result<Posed> {
    let filter = Filter::new(Array::new(&[7, 7], &[1.0 / 49.0f32; 49])).center(&[3.0, 3.0]);
    let blur = LinOp::from(CircularConvolve::new(filter, image(n))?);
    let y = blur.apply(&picture(n)) + 0.1 * noise(&[n, n]);
    let build = move |y: Array| {
        let d = FiniteDifference::new(image(n), Boundary::CIRCULAR)?;
        let f = SquaredL2Loss::new(y.clone())?.operator(blur.clone())?;
        let term = Term::new(2e-3 * L21Norm::new(), d, 0.05);
        Ok(Admm::new(f, [term], CircularConvolveSolver::new())?.start(y))
    };
    Ok(posed(50, record, build, y))
}

fn denoising(n: usize, record: bool) -> Posed {
    let build = move |y: Array| {
        let f = SquaredL2Loss::new(y.clone())?;
        let term = Term::new(0.1 * L21Norm::new(), differences(n)?, 1.0);
        let limits = ConjugateGradient { tolerance: 1e-3, max_iterations: 20, ..ConjugateGradient::default() };
        Ok(Admm::new(f, [term], LinearSubproblemSolver::new(limits))?.start(y))
    };
    posed(50, record, build, picture(n) + noise(&[n, n]))
}

fn primal_dual(n: usize, record: bool) -> Posed {
    let build = move |y: Array| {
        let f = SquaredL2Loss::new(y.clone())?;
        Ok(Pdhg::new(f, 0.1 * L21Norm::new(), differences(n)?, 0.25, 0.25).start(y))
    };
    posed(100, record, build, picture(n) + noise(&[n, n]))
}

fn tomography(n: usize, views: usize, record: bool) -> Result<Posed> {
    let angles: Vec<f64> = (0..views).map(|view| PI * view as f64 / views as f64).collect();
    let project = LinOp::from(XRayTransform2D::new(image(n), angles)?);
    let projections = project.apply(&picture(n));
    let y = &projections + n as f64 / 8.0 * noise(&projections.shape()?);
    let build = move |y: Array| {
        let f = SquaredL2Loss::new(y)?.operator(project.clone())?;
        let term = Term::new(5.0 * L21Norm::new(), differences(n)?, 50.0);
        let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 25, ..ConjugateGradient::default() };
        Admm::new(f, [term], LinearSubproblemSolver::new(limits))
    };
    Ok(posed(25, record, build, y))
}

fn sparse_coding(rows: usize, columns: usize, record: bool) -> Result<Posed> {
    let matrix = uniform(&[rows, columns], -1.0, 1.0);
    let dictionary = &matrix / matrix.square().sum_axes(&[0]).sqrt();
    let code: Vec<f32> = (0..columns).map(|column| if column % 61 == 0 { 1.0 } else { 0.0 }).collect();
    let y = dictionary.matmul(&Array::from(code)) + 0.1 * noise(&[rows]);
    let dictionary = MatrixOperator::new(dictionary)?;
    let build = move |y: Array| {
        let f = SquaredL2Loss::new(y)?.operator(dictionary.clone())?;
        Ok(AcceleratedPgm::new(f, 0.05 * L1Norm::new(), 10.0, Array::zeros(&[columns], DType::F32)))
    };
    Ok(posed(100, record, build, y))
}
