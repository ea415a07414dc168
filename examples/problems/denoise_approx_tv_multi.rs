//! The prox of total variation, exactly and approximately: `min_x ½ ‖y − x‖² + λ R(D x)` with circular differences.
//!
//! ADMM splits the differences and comes to the minimiser. The accelerated proximal gradient method takes the prox of the
//! whole total variation, which has no closed form; the approximate one is a single transform there and back.
//! (U. S. Kamilov, *A parallel proximal algorithm for anisotropic total variation minimization*, 2017.)

use crate::study::{Study, star_with_noise};
use cotangent::Result;
use cotangent::functional::{IsotropicTvNorm, L21Norm};
use cotangent::linop::{Boundary, FiniteDifference};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{AcceleratedPgm, Admm, LinearSubproblemSolver, Term};
use cotangent::solver::ConjugateGradient;

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = star_with_noise(study.side(256), 16, 0.5)?;
    let f = SquaredL2Loss::new(y.clone())?;
    let d = FiniteDifference::new(y.ty()?, Boundary::CIRCULAR)?;
    let limits = ConjugateGradient { tolerance: 1e-4, max_iterations: 25, ..ConjugateGradient::default() };
    let exact = Admm::new(f.clone(), [Term::new(1.0 * L21Norm::new(), d, 10.0)], LinearSubproblemSolver::new(limits))?;
    let exact = study.solve("exact, ADMM", &exact.start(y.clone()), 200, &truth)?;
    let approximate = AcceleratedPgm::new(f, 1.0 * IsotropicTvNorm::isotropic(), 1e3, y.clone());
    let approximate = study.solve("approximate, APGM", &approximate, 500, &truth)?;
    study.show(&[("truth", &truth), ("noisy", &y), ("exact", &exact.x), ("approximate", &approximate.x)])?;
    study.plot(&[("exact", &exact.history), ("approximate", &approximate.history)])
}
