//! The problems whose data terms have a gradient that is followed: by accelerated proximal gradients.

use super::{Instance, Measured, Problem, RESTORED};
use crate::failure::Result;
use crate::recipe::{Argument, Meaning, Recipe, posed};
use crate::wavelet;
use cotangent::functional::{BoxIndicator, IsotropicTvNorm, L1Norm, Prox, ProximalAverage};
use cotangent::loss::{PoissonLoss, SquaredL2Loss};
use cotangent::optimize::{AcceleratedPgm, RobustLineSearchStepSize};
use cotangent::random::{self, Key};
use cotangent::{Array, DType, Type};

/// Minimises `½ ‖Tᴴ W c − y‖² + λ ‖c‖₁` over coefficients `c` of wavelets. The picture is `Tᴴ W c`.
pub(super) fn code(problem: Problem, ty: Type) -> Result<Instance> {
    let synthesis = wavelet::analysis(ty.clone())?.h();
    let recipe = Recipe {
        text: "Removes white noise by sparse coefficients of Haar wavelets: argmin_c 1/2 |S c - degraded|^2 + lambda |c|_1, \
               restored = S c, by accelerated proximal gradients",
        data: vec![Argument::new("degraded", ty, "The picture with noise, from 0 to 1.")],
        state: vec![
            Meaning::new("x", "The coefficients so far."),
            Meaning::new("l", "The reciprocal of the step length."),
            Meaning::new("v", "The coefficients that the next step starts from."),
            Meaning::new("t", "The weight of the momentum."),
        ],
        solution: RESTORED,
        pose: Box::new(move |data| {
            let coefficients = synthesis.input_type();
            let f = SquaredL2Loss::new(data[0].clone())?.operator(synthesis.clone())?;
            let start = Array::zeros(&coefficients.shape, coefficients.dtype);
            let method = AcceleratedPgm::new(f.clone(), problem.lambda * L1Norm::new(), wavelet::bound(), start);
            let synthesis = synthesis.clone();
            Ok(posed(method, f, move |c| synthesis.apply(c)))
        }),
    };
    let degrade = move |clean: &Array| Ok(Measured::picture(problem.with_noise(clean)?));
    Ok(Instance::new(recipe, degrade))
}

/// Minimises `Σ (x − y log x) + λ TV(x)` with `x` above 0, in photons: white is `1 / noise²` of them, so that its noise is
/// that noise. Total variation and limit are averaged, which makes their prox an easy one.
pub(super) fn count(problem: Problem, ty: Type) -> Result<Instance> {
    let white = problem.photons()?;
    let recipe = Recipe {
        text: "Removes the noise of counting photons: argmin_x sum(x - counts log x) + 2 lambda TV(x), x > 0, restored = x / \
               white with white = 1 / noise^2 photons, by accelerated proximal gradients with a line search",
        data: vec![Argument::new("counts", ty, "Photons that were counted.").unit("photons")],
        state: vec![
            Meaning::new("x", "The mean numbers of photons so far."),
            Meaning::new("l", "The reciprocal of the step length."),
            Meaning::new("total", "The sum of the step lengths."),
            Meaning::new("r", "What steps are drawn to."),
            Meaning::new("accepted", "Whether the line search found a step length."),
        ],
        solution: RESTORED,
        pose: Box::new(move |data| {
            let counts = &data[0];
            let f = PoissonLoss::new(counts.clone())?.scale(1.0);
            let weight = 2.0 * problem.lambda / problem.noise * 0.1;
            let variation = weight * IsotropicTvNorm::isotropic().along(&[-2, -1]);
            let members: [Box<dyn Prox>; 2] = [Box::new(variation), Box::new(BoxIndicator::new(0.5, 2.0 * white)?)];
            let start = counts.maximum(1.0);
            let method = AcceleratedPgm::new(f.clone(), ProximalAverage::new(members)?, 0.1, start)
                .robust(RobustLineSearchStepSize::default());
            Ok(posed(method, f, move |x| x / white))
        }),
    };
    let degrade = move |clean: &Array| {
        let counts = random::poisson(&Key::new(problem.seed), &clean.shape()?, white * clean.clamp(0.0, 1.0));
        let counts = counts.astype(DType::F32);
        Ok(Measured { degraded: &counts / white, data: vec![counts] })
    };
    Ok(Instance::new(recipe, degrade))
}
