//! Deconvolution of a blur that is not circular: `min_x ½ ‖y − A x‖² + 0.021 ‖D x‖₂,₁`.
//!
//! `A` is the full convolution with a box of 5 by 5 elements, the output of which is larger than its input. The first line
//! of ADMM is solved by conjugate gradients, which start from the last `x`.

use crate::study::{Study, noise, star};
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, Convolve, ConvolveMode, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, LinearSubproblemSolver, Term};
use cotangent::{Array, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = star(study.side(256), 32)?;
    let kernel = Array::new(&[5, 5], &[1.0 / 25.0f32; 25]);
    let blur = LinOp::from(Convolve::new(kernel, truth.ty()?, ConvolveMode::Full)?);
    let blurred = blur.apply(&truth);
    let y = &blurred + noise(&blurred, 20.0 / 255.0)?;

    let d = FiniteDifference::new(truth.ty()?, Boundary::append(Edge::Zero))?;
    let start = blur.adjoint(&y);
    let f = SquaredL2Loss::new(y.clone())?.operator(blur)?;
    let term = Term::new(0.021 * L21Norm::new(), d, 0.1);
    let method = Admm::new(f, [term], LinearSubproblemSolver::default())?.start(start);
    let solution = study.solve("total variation", &method, 50, &truth)?;
    study.show(&[("truth", &truth), ("blurred", &y), ("restored", &solution.x)])?;
    study.plot(&[("total variation", &solution.history)])
}
