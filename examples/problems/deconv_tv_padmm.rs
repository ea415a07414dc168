//! Deconvolution without systems of equations: `min_x ½ ‖y − A x‖² + 0.02 ‖D x‖₂,₁`.
//!
//! Proximal ADMM takes `f = 0` and, for the blocks `z₁ = A x` and `z₂ = D x` of the stacked operator, the separable
//! `g(z) = ½ ‖y − z₁‖² + 0.02 ‖z₂‖₂,₁`. A step applies each operator and its adjoint once.

use crate::study::{Study, noise, star};
use cotangent::functional::{L21Norm, Prox, SeparableFunctional, ZeroFunctional};
use cotangent::linop::{Boundary, Convolve, ConvolveMode, Edge, FiniteDifference, LinOp, VerticalStack};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::ProximalAdmm;
use cotangent::{Array, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = star(study.side(256), 32)?;
    let kernel = Array::new(&[5, 5], &[1.0 / 25.0f32; 25]);
    let blur = LinOp::from(Convolve::new(kernel, truth.ty()?, ConvolveMode::Full)?);
    let blurred = blur.apply(&truth);
    let y = &blurred + noise(&blurred, 20.0 / 255.0)?;

    let d = LinOp::from(FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?);
    let start = blur.adjoint(&y);
    let stack = LinOp::from(VerticalStack::blocks(vec![blur, d])?);
    let parts: [Box<dyn Prox>; 2] = [Box::new(SquaredL2Loss::new(y.clone())?), Box::new(0.02 * L21Norm::new())];
    let g = SeparableFunctional::new(parts)?;
    let (mu, nu) = ProximalAdmm::estimate_parameters(&stack, 1.01)?;
    let method = ProximalAdmm::new(ZeroFunctional::new(), g, stack, 0.05, mu, nu).start(start);
    let solution = study.solve("proximal ADMM", &method, 50, &truth)?;
    study.show(&[("truth", &truth), ("blurred", &y), ("restored", &solution.x)])?;
    study.plot(&[("proximal ADMM", &solution.history)])
}
