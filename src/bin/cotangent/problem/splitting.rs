//! The problems that are split: by the primal-dual hybrid gradient method, and by ADMM.

use super::{Instance, Measured, Problem, RESTORED};
use crate::failure::Result;
use crate::recipe::{Argument, Meaning, Recipe, posed};
use cotangent::functional::L21Norm;
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, CircularConvolve, DiagonalReplicated, Edge, Filter, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, CircularConvolveSolver, LinearSubproblemSolver, Pdhg, Term};
use cotangent::random::{self, Key};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Function, Type, vmap};
use std::f64::consts::PI;

/// The side of the box that blurs, in pixels.
const BOX: usize = 7;

/// Angles of projection.
const VIEWS: usize = 60;

/// The state of the primal-dual hybrid gradient method.
const PRIMAL_DUAL: [Meaning; 2] =
    [Meaning::new("x", "The picture so far."), Meaning::new("z", "The dual variable, like D x.")];

/// That of ADMM.
const SPLIT: [Meaning; 3] = [
    Meaning::new("x", "The picture so far."),
    Meaning::new("z", "The splitting variable, near D x."),
    Meaning::new("u", "The scaled dual variable."),
];

/// Minimises `½ ‖x − y‖² + λ ‖D x‖₂,₁` with differences that end in a row and column of zeros.
pub(super) fn denoise(problem: Problem, ty: Type) -> Instance {
    let recipe = Recipe {
        text: "Removes white noise: argmin_x 1/2 |x - degraded|^2 + lambda |D x|_2,1, by PDHG",
        data: vec![Argument::new("degraded", ty, "The picture with noise, from 0 to 1.")],
        state: PRIMAL_DUAL.to_vec(),
        solution: RESTORED,
        pose: Box::new(move |data| {
            let y = &data[0];
            let d = FiniteDifference::along(y.ty()?, &[-2, -1], Boundary::append(Edge::Zero))?;
            let f = SquaredL2Loss::new(y.clone())?;
            let method = Pdhg::new(f.clone(), problem.lambda * L21Norm::new(), d, 0.25, 0.25).start(y.clone());
            Ok(posed(method, f, Array::clone))
        }),
    };
    let degrade = move |clean: &Array| Ok(Measured::picture(problem.with_noise(clean)?));
    Instance::new(recipe, degrade)
}

/// Minimises `½ ‖A x − y‖² + λ ‖D x‖₂,₁` with a blur and differences that are circular.
pub(super) fn deconvolve(problem: Problem, ty: Type) -> Result<Instance> {
    let weights = Array::new(&[BOX, BOX], &[1.0 / (BOX * BOX) as f32; BOX * BOX]);
    let center = (BOX / 2) as f64;
    let filter = Filter::new(weights).center(&[center, center]).axes(2);
    // In a program it is the filter that is kept, which is small, not its transform.
    let blur = move |ty: Type| Ok::<_, cotangent::Error>(LinOp::from(CircularConvolve::new(filter.clone(), ty)?));
    let known_blur = blur(ty.clone())?;
    let recipe = Recipe {
        text: "Undoes a blur by a box of 7 by 7 pixels that goes around the edges: argmin_x 1/2 |A x - degraded|^2 + \
               lambda |D x|_2,1, by ADMM",
        data: vec![Argument::new("degraded", ty, "The blurred picture, from 0 to 1.")],
        state: SPLIT.into_iter().chain([Meaning::new("loss", "The value of the data term.")]).collect(),
        solution: RESTORED,
        pose: Box::new(move |data| {
            let y = &data[0];
            let d = FiniteDifference::along(y.ty()?, &[-2, -1], Boundary::CIRCULAR)?;
            let f = SquaredL2Loss::new(y.clone())?.operator(blur(y.ty()?)?)?;
            let term = Term::new(problem.lambda * L21Norm::new(), d, 0.05);
            let method = Admm::new(f.clone(), [term], CircularConvolveSolver::new())?.start(y.clone());
            Ok(posed(method, f, Array::clone))
        }),
    };
    let degrade = move |clean: &Array| Ok(Measured::picture(problem.with_noise(&known_blur.apply(clean))?));
    Ok(Instance::new(recipe, degrade))
}

/// Minimises `½ ‖A x − y‖² + λ ‖D x‖₂,₁` with the X-ray transform of each plane, from the filtered back-projection. The noise is
/// relative to the greatest projection.
pub(super) fn reconstruct(problem: Problem, ty: Type) -> Result<Instance> {
    let plane = Type::new(ty.dtype, &ty.shape[ty.rank() - 2..]);
    let angles: Vec<f64> = (0..VIEWS).map(|view| PI * view as f64 / VIEWS as f64).collect();
    let geometry = XRayTransform2D::new(plane, angles)?;
    let project = match ty.shape[..] {
        [planes, _, _] => LinOp::from(DiagonalReplicated::new(geometry.clone(), planes)?),
        _ => LinOp::from(geometry.clone()),
    };
    let back_project = move |y: &Array| {
        let geometry = geometry.clone();
        let plane = move |y: Array| geometry.filtered_back_projection(&y);
        let picture = match y.shape()?.len() {
            3 => vmap(plane).apply(y.clone()),
            _ => plane(y.clone()),
        };
        Ok::<_, cotangent::Error>(picture.clamp(0.0, 1.0))
    };
    let (measure, first_picture) = (project.clone(), back_project.clone());
    let cg = [
        Meaning::new("cg_iterations", "Iterations of the conjugate gradients in the last step."),
        Meaning::new("cg_residual", "Their relative residual."),
    ];
    let projections = "Line integrals: a row for each of 60 angles, evenly from 0 to below 180 degrees, a number for each bin of \
                       the detector; pixels have sides of 1 / sqrt(2) bins.";
    let recipe = Recipe {
        text: "Reconstructs a cross-section from parallel X-rays: argmin_x 1/2 |A x - projections|^2 + lambda |D x|_2,1, \
               from the filtered back-projection, by ADMM with conjugate gradients",
        data: vec![Argument::new("projections", project.output_type(), projections)],
        state: SPLIT.into_iter().chain(cg).collect(),
        solution: RESTORED,
        pose: Box::new(move |data| {
            let y = &data[0];
            let d = FiniteDifference::along(ty.clone(), &[-2, -1], Boundary::append(Edge::Zero))?;
            let f = SquaredL2Loss::new(y.clone())?.operator(project.clone())?;
            let limits = ConjugateGradient { max_iterations: 25, ..ConjugateGradient::default() };
            let term = Term::new(problem.lambda * L21Norm::new(), d, 10.0);
            let method = Admm::new(f.clone(), [term], LinearSubproblemSolver::new(limits))?.start(back_project(y)?);
            Ok(posed(method, f, Array::clone))
        }),
    };
    let degrade = move |clean: &Array| {
        let projections = measure.apply(clean);
        let noise = random::normal(&Key::new(problem.seed), &projections.shape()?, DType::F32);
        let y = &projections + problem.noise * projections.max() * noise;
        Ok(Measured { degraded: first_picture(&y)?, data: vec![y] })
    };
    Ok(Instance::new(recipe, degrade))
}

/// Minimises `½ ‖M (x − y)‖² + λ ‖D x‖₂,₁`, `M` being 1 where a pixel is known. Those missing are grey.
pub(super) fn inpaint(problem: Problem, ty: Type) -> Instance {
    let recipe = Recipe {
        text: "Fills in missing pixels: argmin_x 1/2 |known (x - degraded)|^2 + lambda |D x|_2,1, by PDHG",
        data: vec![
            Argument::new("degraded", ty.clone(), "The picture, from 0 to 1, 0.5 where a pixel is missing."),
            Argument::new("known", ty, "1 where a pixel is known, 0 where it is missing."),
        ],
        state: PRIMAL_DUAL.to_vec(),
        solution: RESTORED,
        pose: Box::new(move |data| {
            let [y, known] = data else { cotangent::ir::error::internal("inpainting takes a picture and a mask") };
            let d = FiniteDifference::along(y.ty()?, &[-2, -1], Boundary::append(Edge::Zero))?;
            let f = SquaredL2Loss::new(y.clone())?.weights(known.clone())?;
            let method = Pdhg::new(f.clone(), problem.lambda * L21Norm::new(), d, 1.0, 0.12).start(y.clone());
            Ok(posed(method, f, Array::clone))
        }),
    };
    let degrade = move |clean: &Array| {
        let shape = clean.shape()?;
        let places = &shape[shape.len() - 2..];
        let key = Key::new(problem.seed.wrapping_add(1));
        let known = random::uniform(&key, places, DType::F32).less(1.0 / 3.0).broadcast_to(&shape);
        let degraded = known.select(problem.with_noise(clean)?, 0.5);
        Ok(Measured { data: vec![degraded.clone(), known.astype(DType::F32)], degraded })
    };
    Instance::new(recipe, degrade)
}
