//! Non-negative basis pursuit with one functional for both terms: `min_x ½ ‖y − D x‖² + g(x)`, `g` the proximal average of
//! `0.2 ‖·‖₁` and of `x ≥ 0`, whose prox is the mean of both.
//!
//! (Y.-L. Yu, *Better approximation and faster algorithm using the proximal average*, 2013.)

use crate::study::{Study, dictionary, spikes};
use cotangent::functional::{L1Norm, NonNegativeIndicator, Prox, ProximalAverage};
use cotangent::linop::{LinOp, MatrixOperator, operator_norm};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::AcceleratedPgm;
use cotangent::random::{Key, normal};
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (rows, columns) = (32, 128);
    let d = LinOp::from(MatrixOperator::new(dictionary(&Key::new(1), rows, columns))?);
    let truth = spikes(&Key::new(3), columns, 10).abs();
    let y = d.apply(&truth) + 0.05 * normal(&Key::new(2), &[rows], DType::F32);

    let start = d.adjoint(&y);
    let l0 = operator_norm(&d, 50)?.powi(2).max(50.0);
    let members: [Box<dyn Prox>; 2] = [Box::new(0.2 * L1Norm::new()), Box::new(NonNegativeIndicator::new())];
    let f = SquaredL2Loss::new(y)?.operator(d)?;
    let method = AcceleratedPgm::new(f, ProximalAverage::new(members)?, l0, start);
    let solution = study.solve("proximal average", &method, 250, &truth)?;
    study.curves(&[("truth", &truth), ("code", &solution.x)])?;
    study.plot(&[("proximal average", &solution.history)])
}
