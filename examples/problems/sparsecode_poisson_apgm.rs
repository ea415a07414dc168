//! Two codes of photon counts, and five step-size policies: `y ~ Poisson(10 exp(−D₀ x₀) + 5 exp(−D₁ x₁))` with `x₀ ≥ 0`.
//!
//! The variable is a block array of two arrays of different lengths. The loss is not quadratic, so that no constant step
//! length suits it; the policies find theirs on the way.

use crate::study::Study;
use cotangent::functional::{Functional, NonNegativeIndicator, Prox, SeparableFunctional, ZeroFunctional};
use cotangent::loss::PoissonLoss;
use cotangent::operator::Op;
use cotangent::optimize::{
    AcceleratedPgm, AdaptiveBbStepSize, BbStepSize, LineSearchStepSize, RobustLineSearchStepSize,
};
use cotangent::random::{Key, normal, poisson, uniform};
use cotangent::{BlockArray, DType, Result};

pub(crate) fn run(study: &Study) -> Result<()> {
    let rows = study.side(1024);
    let keys = Key::new(12345).split_into(4);
    let d0 = 0.5 * normal(&keys[0], &[rows, 2], DType::F32);
    let d1 = 0.5 * normal(&keys[1], &[rows, 6], DType::F32);
    let truth = BlockArray::new([uniform(&keys[2], &[2], DType::F32), uniform(&keys[3], &[6], DType::F32)])?;
    let rates =
        Op::new(truth.ty()?, move |x: &BlockArray| 10.0 * (-d0.matmul(&x[0])).exp() + 5.0 * (-d1.matmul(&x[1])).exp())?;
    let y = poisson(&Key::new(7), &[rows], rates.apply(&truth)).astype(DType::F32);

    let f = PoissonLoss::new(y)?.map(rates)?;
    let g = || {
        let parts: [Box<dyn Prox>; 2] = [Box::new(NonNegativeIndicator::new()), Box::new(ZeroFunctional::new())];
        SeparableFunctional::new(parts)
    };
    let start = truth.map(|block| block.ones_like());
    let pgm = |l0: f64| Ok::<_, cotangent::Error>(AcceleratedPgm::new(f.clone(), g()?, l0, start.clone()));
    let steps = 50;
    let constant = study.solve_blocks("constant", &pgm(5e3)?, steps, &truth)?;
    let bb = study.solve_blocks("Barzilai-Borwein", &pgm(1e3)?.step_size(BbStepSize), steps, &truth)?;
    let adaptive = pgm(1e3)?.step_size(AdaptiveBbStepSize { kappa: 0.75 });
    let adaptive = study.solve_blocks("adaptive Barzilai-Borwein", &adaptive, steps, &truth)?;
    let search = pgm(1e3)?.step_size(LineSearchStepSize::default());
    let search = study.solve_blocks("line search", &search, steps, &truth)?;
    let robust = pgm(1e3)?.robust(RobustLineSearchStepSize::default());
    let robust = study.solve_blocks("robust line search", &robust, steps, &truth)?;
    println!("    loss at the truth {:.6e}", f.value(&truth).item()?);
    study.curves(&[("truth", &truth.ravel()), ("robust line search", &robust.x.ravel())])?;
    study.plot(&[
        ("constant", &constant.history),
        ("Barzilai-Borwein", &bb.history),
        ("adaptive", &adaptive.history),
        ("line search", &search.history),
        ("robust", &robust.history),
    ])
}
