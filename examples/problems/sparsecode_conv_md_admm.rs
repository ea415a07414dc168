//! Convolutional sparse coding of a picture that is cut out of a larger one:
//! `min_x ½ ‖y − C Σ_m h_m * x_m‖² + λ (‖x‖₁ − ‖x‖₂)`, where `C` cuts off the margin, into which filters at the edge reach.
//!
//! Mask decoupling: ADMM splits the synthesis from the cutting, which so becomes a matter of the loss's prox, and the
//! convolutions stay circular. The first line decouples in the Fourier domain. (F. Heide, W. Heidrich and G. Wetzstein,
//! *Fast and flexible convolutional sparse coding*, 2015.)

use crate::study::Study;
use cotangent::data::{disc_filters, sparse_maps};
use cotangent::functional::{L1MinusL2Norm, ZeroFunctional};
use cotangent::linop::{CircularConvolve, Crop, Filter, Identity, LinOp, Sum};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, G0BlockCircularConvolveSolver, Term};
use cotangent::random::Key;
use cotangent::{DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let filters = disc_filters(DType::F32)?;
    let extents = filters.shape()?;
    let margin = extents[1] / 2;
    let wide = study.side(128) + 2 * margin;
    let truth = sparse_maps(&Key::new(1234), wide, wide, DType::F32)?;
    let filter = Filter::new(filters).axes(2).center(&[margin as f64; 2]);
    let convolve = LinOp::from(CircularConvolve::new(filter, truth.ty()?)?);
    let synthesis = LinOp::from(Sum::along(convolve.output_type(), &[0])?) * convolve;
    let crop = LinOp::from(Crop::new(synthesis.output_type(), &[(margin, margin); 2])?);
    let y = crop.apply(&synthesis.apply(&truth));

    let data = SquaredL2Loss::new(y.clone())?.operator(crop.clone())?;
    let terms = [
        Term::new(data, synthesis.clone(), 1.0),
        Term::new(0.1 * L1MinusL2Norm::new(), Identity::new(truth.ty()?), 3.0),
    ];
    let solver = G0BlockCircularConvolveSolver::default();
    let method = Admm::new(ZeroFunctional::new(), terms, solver)?.relaxation(1.8);
    let solution = study.solve("l1 minus l2", &method, 200, &truth)?;
    study.show(&[
        ("image", &y),
        ("synthesised", &crop.apply(&synthesis.apply(&solution.x))),
        ("true maps", &crop.apply(&truth.max_axes(&[0]))),
        ("maps", &crop.apply(&solution.x.max_axes(&[0]))),
    ])?;
    study.plot(&[("l1 minus l2", &solution.history)])
}
