//! Tomography of a volume from ten views: `min_x ½ ‖y − A x‖² + 2 ‖D x‖₂,₁`.
//!
//! Proximal ADMM with the stack of `A` and `100 D`, which gives both about the same norm, and no system of equations.

use crate::study::Study;
use cotangent::data::tangle;
use cotangent::functional::{L21Norm, Prox, SeparableFunctional, ZeroFunctional};
use cotangent::linop::xray::{EulerAngles, XRayTransform3D};
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp, VerticalStack};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::ProximalAdmm;
use cotangent::{Array, DType, Result};
use std::f64::consts::PI;

const VIEWS: usize = 10;

pub(crate) fn run(study: &Study) -> Result<()> {
    let shape = [study.side(32), study.side(64), study.side(64)];
    let detector = [shape[0], shape[1]];
    let truth = tangle(shape, DType::F32)?;
    let angles: Vec<f64> = (0..VIEWS).map(|view| PI * view as f64 / VIEWS as f64).collect();
    let matrices = EulerAngles::new("X", Array::from(angles).reshape(&[VIEWS, 1]))?.matrices(shape, detector)?;
    let project = LinOp::from(XRayTransform3D::new(truth.ty()?, matrices, detector)?);
    let y = project.apply(&truth);

    let d = 100.0 * LinOp::from(FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?);
    let stack = LinOp::from(VerticalStack::blocks(vec![project, d])?);
    let parts: [Box<dyn Prox>; 2] = [Box::new(SquaredL2Loss::new(y.clone())?), Box::new(0.02 * L21Norm::new())];
    let (mu, nu) = ProximalAdmm::estimate_parameters(&stack, 1.01)?;
    let method = ProximalAdmm::new(ZeroFunctional::new(), SeparableFunctional::new(parts)?, stack, 5e-3, mu, nu);
    let solution = study.solve("proximal ADMM", &method, 300, &truth)?;
    let slice = |volume: &Array| volume.index_axis(0, shape[0] as isize / 2);
    study.show(&[
        ("truth, a slice", &slice(&truth)),
        ("a projection", &y.index_axis(0, 0)),
        ("restored, a slice", &slice(&solution.x)),
    ])?;
    study.plot(&[("proximal ADMM", &solution.history)])
}
