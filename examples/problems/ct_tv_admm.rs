//! Tomography from few views: `min_x ½ ‖y − A x‖² + 2 ‖D x‖₂,₁`, with `A` the parallel-beam X-ray transform.
//!
//! ADMM starts from the filtered back-projection, cut off at 0 and 1. Its first line is solved by conjugate gradients.

use crate::study::{Study, foam};
use cotangent::Result;
use cotangent::functional::L21Norm;
use cotangent::linop::xray::XRayTransform2D;
use cotangent::linop::{Boundary, Edge, FiniteDifference};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::solver::ConjugateGradient;
use std::f64::consts::PI;

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = foam(study.side(512))?;
    let views = 45;
    let angles: Vec<f64> = (0..views).map(|view| PI * view as f64 / views as f64).collect();
    let project = XRayTransform2D::new(truth.ty()?, angles)?;
    let y = cotangent::linop::LinearOperator::apply(&project, &truth);
    let fbp = project.filtered_back_projection(&y).clamp(0.0, 1.0);

    let d = FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?;
    let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 25, ..ConjugateGradient::default() };
    let f = SquaredL2Loss::new(y.clone())?.operator(project)?;
    let term = Term::new(2.0 * L21Norm::new(), d, 5.0);
    let method = Admm::new(f, [term], LinearSubproblemSolver::new(limits))?.start(fbp.clone());
    let solution = study.solve("total variation", &method, 25, &truth)?;
    study.show(&[
        ("truth", &truth),
        ("projections", &y),
        ("filtered back-projection", &fbp),
        ("total variation", &solution.x),
    ])?;
    study.plot(&[("total variation", &solution.history)])
}
