//! Deconvolution of a volume in several channels, as a microscope gives it: for each channel
//! `min_x ½ ‖M (y − H x)‖² + λ ‖D x‖₂,₁` with `x ≥ 0`.
//!
//! `H` is a circular convolution on a volume that is larger than the measured one, and `M` is 1 where there are data: what
//! lies around may take up what the blur brings in. Three splittings, `H x`, `D x` and `x`, leave a first line of ADMM that
//! is shift-invariant. All channels are one batched program.

use crate::study::{Study, foam_volume, noise};
use cotangent::functional::{L21Norm, NonNegativeIndicator, ZeroFunctional};
use cotangent::linop::{Boundary, CircularConvolve, Filter, FiniteDifference, Identity, LinOp, Pad};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Admm, CircularConvolveSolver, Options, Term, solve_batched};
use cotangent::{Array, DType, Result, stack};

/// Extents of the blur.
const BLUR: [usize; 3] = [5, 7, 7];
const CHANNELS: u64 = 3;

pub(crate) fn run(study: &Study) -> Result<()> {
    let shape = [study.side(24), study.side(64), study.side(64)];
    let widths: Vec<(usize, usize)> = BLUR.iter().map(|extent| (extent / 2, extent / 2)).collect();
    let volumes: Vec<Array> = (0..CHANNELS).map(|channel| foam_volume(channel, shape)).collect::<Result<_>>()?;
    let pad = LinOp::from(Pad::zeros(volumes[0].ty()?, &widths)?);
    let padded = pad.output_type();
    // A blur that is longer along the optical axis.
    let along = |axis: usize| {
        let position = Array::arange(BLUR[axis], DType::F32) - (BLUR[axis] / 2) as f64;
        let mut shape = [1; 3];
        shape[axis] = BLUR[axis];
        (-0.5 * (position / (0.3 * BLUR[axis] as f64)).square()).exp().reshape(&shape)
    };
    let psf = along(0) * along(1) * along(2);
    let psf = &psf / psf.sum();
    let center = BLUR.map(|extent| (extent / 2) as f64);
    let blur = LinOp::from(CircularConvolve::new(Filter::new(psf).center(&center), padded.clone())?);
    let measured: Vec<Array> = volumes
        .iter()
        .map(|volume| {
            let blurred = pad.adjoint(&blur.apply(&pad.apply(volume)));
            Ok(pad.apply(&(&blurred + noise(&blurred, 0.02)?)))
        })
        .collect::<Result<_>>()?;
    let mask = pad.apply(&Array::ones(&shape, DType::F32));

    let d = LinOp::from(FiniteDifference::new(padded.clone(), Boundary::CIRCULAR)?);
    let build = |y: Array| {
        let data = SquaredL2Loss::new(y)?.weights(mask.clone())?;
        let terms = [
            Term::new(data, blur.clone(), 0.5),
            Term::new(0.01 * L21Norm::new(), d.clone(), 0.5),
            Term::new(NonNegativeIndicator::new(), Identity::new(padded.clone()), 0.5),
        ];
        Admm::new(ZeroFunctional::new(), terms, CircularConvolveSolver::new())
    };
    let options = Options { max_steps: study.steps(100), ..Options::default() };
    let end = solve_batched(build, &stack(&measured, 0), &options)?;
    let slice = |volume: &Array| volume.index_axis(0, shape[0] as isize / 2);
    for channel in 0..CHANNELS as isize {
        let restored = pad.adjoint(&end.x.index_axis(0, channel));
        let degraded = pad.adjoint(&measured[channel as usize]);
        study.compare(&format!("channel {channel}"), &volumes[channel as usize], &degraded, &restored)?;
    }
    let restored = pad.adjoint(&end.x.index_axis(0, 0));
    study.show(&[
        ("truth, a slice", &slice(&volumes[0])),
        ("measured", &slice(&pad.adjoint(&measured[0]))),
        ("restored", &slice(&restored)),
    ])
}
