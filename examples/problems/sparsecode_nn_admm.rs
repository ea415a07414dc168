//! Non-negative basis pursuit: `min_x ½ ‖y − D x‖² + 0.1 ‖x‖₁` with `x ≥ 0`.
//!
//! ADMM splits the norm and the limit; its first line is a system with the same matrix in every step, which is factored
//! once, by Woodbury's identity of the smaller size.

use crate::study::{Study, dictionary, spikes};
use cotangent::functional::{L1Norm, NonNegativeIndicator};
use cotangent::linop::{Identity, LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, MatrixSubproblemSolver, Term};
use cotangent::random::{Key, normal};
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (rows, columns) = (32, 128);
    let d = LinOp::from(MatrixOperator::new(dictionary(&Key::new(1), rows, columns))?);
    let truth = spikes(&Key::new(3), columns, 10).abs();
    let y = d.apply(&truth) + 0.05 * normal(&Key::new(2), &[rows], DType::F32);

    let start = d.adjoint(&y);
    let ty = truth.ty()?;
    let identity = || Identity::new(ty.clone());
    let terms =
        [Term::new(0.1 * L1Norm::new(), identity(), 1.0), Term::new(NonNegativeIndicator::new(), identity(), 1.0)];
    let f = SquaredL2Loss::new(y)?.operator(d)?;
    let method = Admm::new(f, terms, MatrixSubproblemSolver::default())?.start(start);
    let solution = study.solve("ADMM", &method, 100, &truth)?;
    study.curves(&[("truth", &truth), ("code", &solution.x)])?;
    study.plot(&[("ADMM", &solution.history)])
}
