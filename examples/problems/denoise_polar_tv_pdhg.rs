//! Total variation in polar coordinates, for pictures whose edges run away from the middle:
//! `min_x ½ ‖y − x‖² + λ ‖W P x‖₁`, `P` the gradient along angle and radius, `W` the weights 0.3 and 1 of the two.
//!
//! Beside it, the isotropic total variation of differences along rows and columns.

use crate::study::{Study, star_with_noise};
use cotangent::functional::{L1Norm, L21Norm};
use cotangent::linop::{Boundary, Diagonal, Edge, FiniteDifference, LinOp, PolarGradient};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::Pdhg;
use cotangent::{Array, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = star_with_noise(study.side(256), 16, 0.75)?;
    let f = SquaredL2Loss::new(y.clone())?;

    let d = LinOp::from(FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?);
    let (tau, sigma) = Pdhg::estimate_parameters(&d, 20.0, 0.95)?;
    let plain = Pdhg::new(f.clone(), 0.8 * L21Norm::new(), d, tau, sigma).start(y.clone());
    let plain = study.solve("rows and columns", &plain, 200, &truth)?;

    let polar = LinOp::from(PolarGradient::new(y.ty()?)?);
    let shape = polar.output_type().shape.clone();
    let weights = Array::from([0.3f32, 1.0]).reshape(&[2, 1, 1]).broadcast_to(&shape);
    let weighted = LinOp::from(Diagonal::new(weights)?) * polar;
    let (tau, sigma) = Pdhg::estimate_parameters(&weighted, 20.0, 0.95)?;
    let polar = Pdhg::new(f, 1.2 * L1Norm::new(), weighted, tau, sigma).start(y.clone());
    let polar = study.solve("angle and radius", &polar, 200, &truth)?;

    study.show(&[("truth", &truth), ("noisy", &y), ("rows and columns", &plain.x), ("angle and radius", &polar.x)])?;
    study.plot(&[("rows and columns", &plain.history), ("angle and radius", &polar.history)])
}
