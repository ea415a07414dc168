//! One problem of tomography by three methods: `min_x ½ ‖y − A x‖² + λ ‖D x‖₂,₁`.
//!
//! ADMM solves a system with `AᴴA` in each step. Linearized ADMM and the primal-dual hybrid gradient method take the loss's
//! prox instead, which is such a system as well, and linearise the differences.

use crate::study::{Study, foam, noise};
use cotangent::Result;
use cotangent::functional::L21Norm;
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, LinearizedAdmm, Pdhg, Term};
use cotangent::solver::ConjugateGradient;
use std::f64::consts::PI;

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = foam(study.side(256))?;
    let views = 45;
    let angles: Vec<f64> = (0..views).map(|view| PI * view as f64 / views as f64).collect();
    let geometry = XRayTransform2D::new(truth.ty()?, angles)?;
    let project = LinOp::from(geometry.clone());
    let projections = project.apply(&truth);
    let y = &projections + noise(&projections, 1.0)?;
    let fbp = geometry.filtered_back_projection(&y).clamp(0.0, 1.0);

    let d = LinOp::from(FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?);
    let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 25, ..ConjugateGradient::default() };
    let f = SquaredL2Loss::new(y)?.operator(project)?.prox_solver(limits.clone());
    let g = || 10.0 * L21Norm::new();
    let admm = Admm::new(f.clone(), [Term::new(g(), d.clone(), 100.0)], LinearSubproblemSolver::new(limits))?;
    let admm = study.solve("ADMM", &admm.start(fbp.clone()), 30, &truth)?;
    let linearized = LinearizedAdmm::new(f.clone(), g(), d.clone(), 1e-3, 0.01).start(fbp.clone());
    let linearized = study.solve("linearized ADMM", &linearized, 30, &truth)?;
    let (tau, sigma) = Pdhg::estimate_parameters(&d, 1e4, 0.95)?;
    let pdhg = Pdhg::new(f, g(), d, tau, sigma).start(fbp.clone());
    let pdhg = study.solve("PDHG", &pdhg, 30, &truth)?;
    study.show(&[("truth", &truth), ("filtered back-projection", &fbp), ("ADMM", &admm.x), ("PDHG", &pdhg.x)])?;
    study.plot(&[("ADMM", &admm.history), ("linearized ADMM", &linearized.history), ("PDHG", &pdhg.history)])
}
