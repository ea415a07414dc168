//! Denoising by total variation, with gradients measured by their lengths (isotropic) and by their components (anisotropic).
//!
//! `min_x ½ ‖y − x‖² + λ R(D x)` with `R = ‖·‖₂,₁` and `λ = 1.4`, or `R = ‖·‖₁` and `λ = 1.2`; `D` takes differences along
//! both axes and ends in zeros. ADMM splits `z = D x`; its first line is a system that conjugate gradients solve.

use crate::study::{Study, star_with_noise};
use cotangent::Result;
use cotangent::functional::{L1Norm, L21Norm};
use cotangent::linop::{Boundary, Edge, FiniteDifference};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::solver::ConjugateGradient;

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = star_with_noise(study.side(256), 16, 0.75)?;
    let d = FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?;
    let limits = ConjugateGradient { tolerance: 1e-3, max_iterations: 20, ..ConjugateGradient::default() };
    let method = |term: Term| {
        let f = SquaredL2Loss::new(y.clone())?;
        Ok::<_, cotangent::Error>(Admm::new(f, [term], LinearSubproblemSolver::new(limits.clone()))?.start(y.clone()))
    };
    let isotropic = method(Term::new(1.4 * L21Norm::new(), d.clone(), 10.0))?;
    let anisotropic = method(Term::new(1.2 * L1Norm::new(), d, 10.0))?;
    let isotropic = study.solve("isotropic", &isotropic, 100, &truth)?;
    let anisotropic = study.solve("anisotropic", &anisotropic, 100, &truth)?;
    study.show(&[("truth", &truth), ("noisy", &y), ("isotropic", &isotropic.x), ("anisotropic", &anisotropic.x)])?;
    study.plot(&[("isotropic", &isotropic.history), ("anisotropic", &anisotropic.history)])
}
