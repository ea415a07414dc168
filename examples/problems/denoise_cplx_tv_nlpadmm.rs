//! A complex picture of which only the magnitude is smooth: `min_x ½ ‖y − x‖² + λ ‖z‖₂,₁` with `D |x| − z = 0`.
//!
//! ADMM with a constraint that is not linear in `x`, linearised at each iterate. Beside it, proximal ADMM with the
//! differences of the complex picture itself.

use crate::study::{Study, complex_star_with_noise};
use cotangent::Result;
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Constraint, NonLinearPadmm, ProximalAdmm};
use cotangent::{Array, DType, Type};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = complex_star_with_noise(study.side(256), 16, 0.25)?;
    let f = SquaredL2Loss::new(y.clone())?;
    let edge = || Boundary::append(Edge::Zero);

    let d = FiniteDifference::new(y.ty()?, edge())?;
    let linear = ProximalAdmm::new(f.clone(), 0.06 * L21Norm::new(), d, 1.0, 8.0, 1.0).start(y.clone());
    let linear = study.solve_complex("complex differences", &linear, 200, &truth)?;

    let magnitudes = LinOp::from(FiniteDifference::new(Type::new(DType::F32, &y.shape()?), edge())?);
    let z0 = magnitudes.apply(&y.abs());
    let split = magnitudes.output_type();
    let h = Constraint::new(y.ty()?, split, move |x: &Array, z: &Array| magnitudes.apply(&x.abs()) - z)?;
    let nonlinear = NonLinearPadmm::new(f, 0.2 * L21Norm::new(), h, 5.0, 6.0, 1.0).start(y.clone()).split_start(z0);
    let nonlinear = study.solve_complex("differences of magnitudes", &nonlinear, 200, &truth)?;

    let magnitude = |x: &Array| x.abs();
    study.show(&[
        ("truth, magnitude", &magnitude(&truth)),
        ("noisy", &magnitude(&y)),
        ("complex differences", &magnitude(&linear.x)),
        ("differences of magnitudes", &magnitude(&nonlinear.x)),
    ])?;
    study.plot(&[("complex differences", &linear.history), ("differences of magnitudes", &nonlinear.history)])
}
