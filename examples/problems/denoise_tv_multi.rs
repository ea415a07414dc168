//! One problem of total variation, solved by ADMM, linearized ADMM, proximal ADMM and the primal-dual hybrid gradient
//! method: `min_x ½ ‖y − x‖² + ‖D x‖₂,₁`.
//!
//! The last three need no system of equations, and more steps.

use crate::study::{Study, star_with_noise};
use cotangent::Result;
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, LinearizedAdmm, Pdhg, ProximalAdmm, Term};
use cotangent::solver::ConjugateGradient;

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = star_with_noise(study.side(256), 32, 1.0)?;
    let d = LinOp::from(FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?);
    let f = SquaredL2Loss::new(y.clone())?;
    let g = L21Norm::new;

    let limits = ConjugateGradient { tolerance: 1e-3, max_iterations: 2, ..ConjugateGradient::default() };
    let admm = Admm::new(f.clone(), [Term::new(g(), d.clone(), 10.0)], LinearSubproblemSolver::new(limits))?;
    let admm = study.solve("ADMM", &admm.start(y.clone()), 200, &truth)?;

    let linearized = LinearizedAdmm::new(f.clone(), g(), d.clone(), 0.01, 0.1).start(y.clone());
    let linearized = study.solve("linearized ADMM", &linearized, 200, &truth)?;

    let (mu, nu) = ProximalAdmm::estimate_parameters(&d, 1.01)?;
    let proximal = ProximalAdmm::new(f.clone(), g(), d.clone(), 1.0, mu, nu).start(y.clone());
    let proximal = study.solve("proximal ADMM", &proximal, 200, &truth)?;

    let (tau, sigma) = Pdhg::estimate_parameters(&d, 1.0, 0.95)?;
    let pdhg = Pdhg::new(f, g(), d, tau, sigma).start(y.clone());
    let pdhg = study.solve("PDHG", &pdhg, 200, &truth)?;

    study.show(&[("truth", &truth), ("noisy", &y), ("ADMM", &admm.x), ("PDHG", &pdhg.x)])?;
    study.plot(&[
        ("ADMM", &admm.history),
        ("linearized ADMM", &linearized.history),
        ("proximal ADMM", &proximal.history),
        ("PDHG", &pdhg.history),
    ])
}
