//! Tomography at a low dose. A ray that loses much leaves few photons, and its projection is uncertain: where counts `c` come
//! from `Poisson(I₀ exp(−α A x))`, the projection `y = −log(c / I₀) / α` has a variance of about `1 / (α² c)`.
//!
//! `min_x ½ ‖y − A x‖²_W + λ ‖D x‖₂,₁` with weights `W = 1`, and with `W = c / I₀`, which knows that.

use crate::study::{Study, foam};
use cotangent::functional::L21Norm;
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::random::{Key, poisson};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Result};
use std::f64::consts::PI;

/// Photons of a ray that loses nothing.
const PHOTONS: f64 = 1e3;

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = foam(study.side(256))?;
    let views = study.side(360);
    let angles: Vec<f64> = (0..views).map(|view| PI * view as f64 / views as f64).collect();
    let geometry = XRayTransform2D::new(truth.ty()?, angles)?;
    let project = LinOp::from(geometry.clone());
    // A ray through the whole object keeps a twentieth of its photons.
    let alpha = 3.0 / truth.shape()?[0] as f64;
    let counts = poisson(&Key::new(0), &project.output_type().shape, PHOTONS * (-alpha * project.apply(&truth)).exp());
    let counts = counts.astype(DType::F32).maximum(1.0);
    let y = (&counts / PHOTONS).log() / -alpha;
    let fbp = geometry.filtered_back_projection(&y).clamp(0.0, 1.0);

    let d = FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?;
    let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 10, ..ConjugateGradient::default() };
    let method = |weights: Option<Array>, lambda: f64, rho: f64| {
        let mut f = SquaredL2Loss::new(y.clone())?.operator(project.clone())?;
        if let Some(weights) = weights {
            f = f.weights(weights)?;
        }
        let term = Term::new(lambda * L21Norm::new(), d.clone(), rho);
        Ok::<_, cotangent::Error>(Admm::new(f, [term], LinearSubproblemSolver::new(limits.clone()))?.start(fbp.clone()))
    };
    let plain = study.solve("unweighted", &method(None, 100.0, 1000.0)?, 20, &truth)?;
    let weighted = study.solve("weighted", &method(Some(&counts / PHOTONS), 25.0, 250.0)?, 20, &truth)?;
    study.show(&[
        ("truth", &truth),
        ("filtered back-projection", &fbp),
        ("unweighted", &plain.x),
        ("weighted", &weighted.x),
    ])?;
    study.plot(&[("unweighted", &plain.history), ("weighted", &weighted.history)])
}
