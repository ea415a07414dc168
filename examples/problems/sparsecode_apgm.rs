//! Basis pursuit denoising: `min_x ½ ‖y − D x‖² + λ ‖x‖₁` with a dictionary `D` of four times as many atoms as data.
//!
//! The accelerated proximal gradient method with the constant step length `1 / ‖D‖²`.

use crate::study::{Study, dictionary, spikes};
use cotangent::DType;
use cotangent::Result;
use cotangent::functional::L1Norm;
use cotangent::linop::{LinOp, MatrixOperator, operator_norm};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::AcceleratedPgm;
use cotangent::random::{Key, normal};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (rows, columns) = (study.side(512), 4 * study.side(512));
    let d = LinOp::from(MatrixOperator::new(dictionary(&Key::new(12345), rows, columns))?);
    let truth = spikes(&Key::new(1), columns, 32);
    let y = d.apply(&truth) + 0.02 * normal(&Key::new(2), &[rows], DType::F32);

    let start = d.adjoint(&y);
    let l0 = 1.01 * operator_norm(&d, 50)?.powi(2);
    let f = SquaredL2Loss::new(y)?.operator(d)?;
    let method = AcceleratedPgm::new(f, 0.05 * L1Norm::new(), l0, start);
    let solution = study.solve("accelerated", &method, 300, &truth)?;
    study.curves(&[("truth", &truth), ("code", &solution.x)])?;
    study.plot(&[("accelerated", &solution.history)])
}
