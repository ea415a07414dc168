//! A symmetric object from one projection: `min_x ½ ‖y − A x‖² + λ ‖D x‖₁` with `A` the Abel transform.
//!
//! The inverse transform amplifies noise towards the axis; ADMM starts from it.

use crate::study::{Study, noise};
use cotangent::data::Rings;
use cotangent::functional::L1Norm;
use cotangent::linop::xray::AbelTransform;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::solver::ConjugateGradient;
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let side = study.side(256);
    let n = side as f64;
    let truth = Rings::new(&[(0.4 * n, 1.0), (0.2 * n, 0.0), (0.1 * n, 0.5)])?.image(&[side, side + 1], DType::F32)?;
    let abel = AbelTransform::new(truth.ty()?)?;
    let project = LinOp::from(abel.clone());
    let projection = project.apply(&truth);
    let y = &projection + noise(&projection, 1.0)?;
    let inverse = abel.inverse(&y).clamp(0.0, 1.0);

    let d = FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?;
    let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 25, ..ConjugateGradient::default() };
    let f = SquaredL2Loss::new(y.clone())?.operator(project)?;
    let term = Term::new(23.5 * L1Norm::new(), d, 103.0);
    let method = Admm::new(f, [term], LinearSubproblemSolver::new(limits))?.start(inverse.clone());
    let solution = study.solve("total variation", &method, 100, &truth)?;
    study.show(&[
        ("truth", &truth),
        ("projection", &y),
        ("inverse transform", &inverse),
        ("total variation", &solution.x),
    ])?;
    study.plot(&[("total variation", &solution.history)])
}
