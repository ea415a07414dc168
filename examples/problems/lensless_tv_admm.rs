//! A camera without a lens: a diffuser casts the light of every depth as a pattern of its own on the sensor, and the sensor
//! sees the sum of all, cut off at its edges. `min_x ½ ‖y − C Σ_k h_k * x_k‖² + λ ‖D x‖₂,₁ + μ ‖x‖₁`.
//!
//! ADMM splits the convolutions, which makes their cutting off (`C`) a matter of the loss's prox, the differences, and the
//! volume itself. The first line decouples in the Fourier domain.
//! (N. Antipa et al., *DiffuserCam: lensless single-exposure 3D imaging*, 2018.)

use crate::study::{Study, noise, star};
use cotangent::functional::{L1Norm, L21Norm, ZeroFunctional};
use cotangent::linop::{Boundary, CircularConvolve, Crop, Filter, FiniteDifference, Identity, LinOp, Pad, Sum};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, G0BlockCircularConvolveSolver, Term};
use cotangent::random::{Key, uniform};
use cotangent::{Array, DType, Result, Type, stack};

const DEPTHS: usize = 3;

pub(crate) fn run(study: &Study) -> Result<()> {
    let side = study.side(128);
    let margin = side / 4;
    let wide = side + 2 * margin;
    // At each depth a different scattering of bright spots.
    let pattern = |depth: usize| {
        let spots = uniform(&Key::new(100 + depth as u64), &[side / 2, side / 2], DType::F32).greater(0.985);
        let spots = spots.astype(DType::F32);
        &spots / spots.sum()
    };
    let patterns = stack(&(0..DEPTHS).map(pattern).collect::<Vec<Array>>(), 0);
    let volume = Type::new(DType::F32, &[DEPTHS, wide, wide]);
    let empty = Array::zeros(&[side, side], DType::F32);
    let scene = stack(&[star(side, 16)?, empty.clone(), empty], 0);
    let truth = LinOp::from(Pad::zeros(scene.ty()?, &[(0, 0), (margin, margin), (margin, margin)])?).apply(&scene);

    let middle = (side / 4) as f64;
    let filter = Filter::new(patterns).axes(2).center(&[middle, middle]);
    let convolve = LinOp::from(CircularConvolve::new(filter, volume.clone())?);
    let image = LinOp::from(Sum::along(volume.clone(), &[0])?) * convolve;
    let crop = LinOp::from(Crop::new(image.output_type(), &[(margin, margin); 2])?);
    let seen = crop.apply(&image.apply(&truth));
    let y = &seen + noise(&seen, 0.005)?;

    let d = FiniteDifference::along(volume.clone(), &[-2, -1], Boundary::CIRCULAR)?;
    let data = SquaredL2Loss::new(y.clone())?.operator(crop)?;
    let terms = [
        Term::new(data, image, 1.0),
        Term::new(1e-3 * L21Norm::new(), d, 0.5),
        Term::new(3e-4 * L1Norm::new(), Identity::new(volume), 0.5),
    ];
    let method = Admm::new(ZeroFunctional::new(), terms, G0BlockCircularConvolveSolver::default())?.relaxation(1.4);
    let solution = study.solve("total variation", &method, 100, &truth)?;
    study.show(&[
        ("scene", &truth.index_axis(0, 0)),
        ("sensor", &y),
        ("restored, its depth", &solution.x.index_axis(0, 0)),
        ("restored, another depth", &solution.x.index_axis(0, 2)),
    ])?;
    study.plot(&[("total variation", &solution.history)])
}
