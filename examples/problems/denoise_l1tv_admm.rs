//! Removal of impulse noise: half of the elements are black or white, the others are exact.
//!
//! `min_x ‖y − x‖₁ + 1.5 ‖D x‖₂,₁`. The loss does not mind how far off an element is. ADMM splits both terms:
//! `z₁ = x − y`, of which the prox of the norm is shifted by `y`, and `z₂ = D x`.

use crate::study::{Study, star};
use cotangent::functional::{L1Norm, L21Norm, ZeroFunctional};
use cotangent::linop::{Boundary, Edge, FiniteDifference, Identity};
use cotangent::loss::Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::random::{Key, uniform};
use cotangent::solver::ConjugateGradient;
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = 0.5 * star(study.side(256), 16)?;
    let chance = uniform(&Key::new(0), &truth.shape()?, DType::F32);
    let y = chance.less(0.25).select(0.0, chance.greater(0.75).select(1.0, &truth));

    let d = FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?;
    let data = Loss::new(y.clone(), L1Norm::new())?.scale(1.0);
    let terms = [Term::new(data, Identity::new(y.ty()?), 5.0), Term::new(1.5 * L21Norm::new(), d, 5.0)];
    let limits = ConjugateGradient { tolerance: 1e-3, max_iterations: 20, ..ConjugateGradient::default() };
    let method = Admm::new(ZeroFunctional::new(), terms, LinearSubproblemSolver::new(limits))?.start(y.clone());
    let solution = study.solve("l1 loss", &method, 100, &truth)?;
    study.show(&[("truth", &truth), ("noisy", &y), ("restored", &solution.x)])?;
    study.plot(&[("l1 loss", &solution.history)])
}
