//! A complex picture of which only the magnitude is smooth: `min_x ½ ‖y − x‖² + λ ‖D |x|‖₂,₁`.
//!
//! The operator of the second term, differences of magnitudes, is not linear; the primal-dual hybrid gradient method takes
//! its derivative at each iterate. Beside it, the total variation of the complex picture itself.
//! (T. Valkonen, *A primal-dual hybrid gradient method for nonlinear operators with applications to MRI*, 2014.)

use crate::study::{Study, complex_star_with_noise};
use cotangent::Result;
use cotangent::functional::L21Norm;
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::loss::SquaredL2Loss;
use cotangent::operator::Op;
use cotangent::optimize::Pdhg;
use cotangent::{Array, DType, Type};

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = complex_star_with_noise(study.side(256), 16, 0.25)?;
    let f = SquaredL2Loss::new(y.clone())?;
    let edge = || Boundary::append(Edge::Zero);

    let d = FiniteDifference::new(y.ty()?, edge())?;
    let linear = Pdhg::new(f.clone(), 0.06 * L21Norm::new(), d, 0.4, 0.4).start(y.clone());
    let linear = study.solve_complex("complex differences", &linear, 200, &truth)?;

    let magnitudes = LinOp::from(FiniteDifference::new(Type::new(DType::F32, &y.shape()?), edge())?);
    let c = Op::new(y.ty()?, move |x: &Array| magnitudes.apply(&x.abs()))?;
    let nonlinear = Pdhg::nonlinear(f, 0.2 * L21Norm::new(), c, 0.4, 0.4).start(y.clone());
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
