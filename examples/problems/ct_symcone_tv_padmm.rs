//! A symmetric object in a cone beam, from one projection: `min_x ½ ‖y − A x‖² + λ ‖D x‖₁`.
//!
//! The source is at 500 and the detector at 600 widths of the object. Proximal ADMM with the stack of `A` and `70 D` starts
//! from the reconstruction of Feldkamp, Davis and Kress.

use crate::study::{Study, noise};
use cotangent::data::Rings;
use cotangent::functional::{L1Norm, Prox, SeparableFunctional, ZeroFunctional};
use cotangent::linop::xray::SymConeXRayTransform;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp, VerticalStack};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::ProximalAdmm;
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let side = study.side(128);
    let n = side as f64;
    let truth = Rings::new(&[(0.4 * n, 1.0), (0.2 * n, 0.0), (0.1 * n, 0.5)])?.image(&[side, side], DType::F32)?;
    let geometry = SymConeXRayTransform::new(truth.ty()?, 500.0 * n, 600.0 * n)?;
    let project = LinOp::from(geometry.clone());
    let projection = project.apply(&truth);
    let y = &projection + noise(&projection, 1.0)?;
    let fdk = geometry.fdk(&y, side)?.clamp(0.0, 1.0);

    let scale = 70.0;
    let d = scale * LinOp::from(FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?);
    let stack = LinOp::from(VerticalStack::blocks(vec![project, d])?);
    let parts: [Box<dyn Prox>; 2] = [Box::new(SquaredL2Loss::new(y.clone())?), Box::new(8.0 / scale * L1Norm::new())];
    let (mu, nu) = ProximalAdmm::estimate_parameters(&stack, 1.01)?;
    let method = ProximalAdmm::new(ZeroFunctional::new(), SeparableFunctional::new(parts)?, stack, 1e-2, mu, nu);
    let solution = study.solve("proximal ADMM", &method.start(fdk.clone()), 250, &truth)?;
    study.show(&[("truth", &truth), ("projection", &y), ("FDK", &fdk), ("total variation", &solution.x)])?;
    study.plot(&[("proximal ADMM", &solution.history)])
}
