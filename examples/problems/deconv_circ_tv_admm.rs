//! Deconvolution of a circular blur: `min_x ½ ‖y − A x‖² + 0.02 ‖D x‖₂,₁`.
//!
//! `A` averages 5 by 5 elements and `D` takes differences, both around the edges. Everything in the first line of ADMM is
//! shift-invariant, so that it is solved exactly by one division between two Fourier transforms.

use crate::study::{Study, noise, star};
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, CircularConvolve, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, CircularConvolveSolver, Term};
use cotangent::{Array, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = star(study.side(256), 32)?;
    let blur = LinOp::from(CircularConvolve::new(Array::new(&[5, 5], &[1.0 / 25.0f32; 25]), truth.ty()?)?);
    let y = blur.apply(&truth) + noise(&truth, 20.0 / 255.0)?;

    let d = FiniteDifference::new(truth.ty()?, Boundary::CIRCULAR)?;
    let start = blur.adjoint(&y);
    let f = SquaredL2Loss::new(y.clone())?.operator(blur)?;
    let method = Admm::new(f, [Term::new(0.02 * L21Norm::new(), d, 0.5)], CircularConvolveSolver::new())?.start(start);
    let solution = study.solve("total variation", &method, 50, &truth)?;
    study.show(&[("truth", &truth), ("blurred", &y), ("restored", &solution.x)])?;
    study.plot(&[("total variation", &solution.history)])
}
