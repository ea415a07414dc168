//! Convolutional sparse coding: `min_x ½ ‖y − Σ_m h_m * x_m‖² + λ (‖x‖₁ − ‖x‖₂)`, one map of coefficients for each filter.
//!
//! The filters are three discs. The first line of ADMM decouples in the Fourier domain: at each frequency it is a system
//! with a matrix of rank one plus a multiple of the identity, which the Sherman-Morrison formula inverts.
//! (B. Wohlberg, *Efficient algorithms for convolutional sparse representations*, 2016.)

use crate::study::Study;
use cotangent::data::{disc_filters, sparse_maps};
use cotangent::functional::L1MinusL2Norm;
use cotangent::linop::{CircularConvolve, Filter, Identity, LinOp, Sum};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, FBlockCircularConvolveSolver, Term};
use cotangent::random::Key;
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let side = study.side(128);
    let filters = disc_filters(DType::F32)?;
    let truth = sparse_maps(&Key::new(1234), side, side, DType::F32)?;
    let convolve = LinOp::from(CircularConvolve::new(Filter::new(filters).axes(2), truth.ty()?)?);
    let synthesis = LinOp::from(Sum::along(convolve.output_type(), &[0])?) * convolve;
    let y = synthesis.apply(&truth);

    let start = synthesis.adjoint(&y);
    let f = SquaredL2Loss::new(y.clone())?.operator(synthesis.clone())?;
    let term = Term::new(0.1 * L1MinusL2Norm::new(), Identity::new(truth.ty()?), 2.0);
    let solver = FBlockCircularConvolveSolver::default();
    let method = Admm::new(f, [term], solver)?.relaxation(1.8).start(start);
    let solution = study.solve("l1 minus l2", &method, 200, &truth)?;
    let synthesised = synthesis.apply(&solution.x);
    study.show(&[
        ("image", &y),
        ("synthesised", &synthesised),
        ("true maps", &truth.max_axes(&[0])),
        ("maps", &solution.x.max_axes(&[0])),
    ])?;
    study.plot(&[("l1 minus l2", &solution.history)])
}
