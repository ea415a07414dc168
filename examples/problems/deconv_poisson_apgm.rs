//! Deconvolution of photon counts: `min_x Σ (A x − y log(A x)) + 0.3 TV(x)` with `x ≥ ε`.
//!
//! The loss is the negative logarithm of the likelihood of Poisson noise; `A` averages 5 by 5 elements around the edges.
//! The accelerated proximal gradient method takes the proximal average of the total variation and of the limits, and finds
//! its step length by a line search, for the curvature of the loss differs a lot from place to place.

use crate::study::{Study, star};
use cotangent::functional::{BoxIndicator, IsotropicTvNorm, Prox, ProximalAverage};
use cotangent::linop::{CircularConvolve, LinOp};
use cotangent::loss::PoissonLoss;
use cotangent::optimize::{AcceleratedPgm, RobustLineSearchStepSize};
use cotangent::random::{Key, poisson};
use cotangent::{Array, DType, Result};

/// Photons of a white element.
const PHOTONS: f64 = 50.0;

pub(crate) fn run(study: &Study) -> Result<()> {
    let truth = PHOTONS * (0.1 + 0.9 * star(study.side(256), 32)?);
    let blur = LinOp::from(CircularConvolve::new(Array::new(&[5, 5], &[1.0 / 25.0f32; 25]), truth.ty()?)?);
    let rate = blur.apply(&truth).maximum(1e-3);
    let y = poisson(&Key::new(5), &truth.shape()?, &rate).astype(DType::F32);

    let f = PoissonLoss::new(y.clone())?.scale(1.0).operator(blur)?;
    let members: [Box<dyn Prox>; 2] =
        [Box::new(0.3 * IsotropicTvNorm::isotropic()), Box::new(BoxIndicator::new(0.1, 2.0 * PHOTONS)?)];
    let start = y.maximum(1.0);
    let method =
        AcceleratedPgm::new(f, ProximalAverage::new(members)?, 1.0, start).robust(RobustLineSearchStepSize::default());
    let solution = study.solve("Poisson loss", &method, 100, &truth)?;
    study.show(&[("truth", &truth), ("counts", &y), ("restored", &solution.x)])?;
    study.plot(&[("Poisson loss", &solution.history)])
}
