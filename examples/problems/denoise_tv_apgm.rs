//! Total variation and limits of grey by the dual problem: `min_x ½ ‖y − x‖² + λ ‖D x‖₂,₁` with `0 ≤ x ≤ 1`.
//!
//! With `P` the cutting off at the limits, the dual is `min_z ½ ‖v‖² − ½ ‖v − P v‖²` where `v = y − λ Dᴴ z`, over fields of
//! vectors of length at most 1, and the solution is `x = P v`. The accelerated proximal gradient method, with a robust line
//! search, works on `z`. (A. Beck and M. Teboulle, *Fast gradient-based algorithms for constrained total variation image
//! denoising and deblurring problems*, 2009.)

use crate::study::{Study, star_with_noise};
use cotangent::functional::{Functional, Prox};
use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
use cotangent::optimize::{AcceleratedPgm, RobustLineSearchStepSize};
use cotangent::{Array, Factor, Result};

const LAMBDA: f64 = 0.8;

/// The dual of the loss.
#[derive(Clone)]
struct Dual {
    y: Array,
    d: LinOp,
}

impl Dual {
    /// `y − λ Dᴴ z`.
    fn unlimited(&self, z: &Array) -> Array {
        &self.y - LAMBDA * self.d.adjoint(z)
    }
}

impl Functional for Dual {
    fn value(&self, z: &Array) -> Array {
        let v = self.unlimited(z);
        let beyond = &v - v.clamp(0.0, 1.0);
        0.5 * (v.square().sum() - beyond.square().sum())
    }
}

/// Vectors along the first axis of length at most 1.
struct UnitVectors;

impl Functional for UnitVectors {
    fn value(&self, z: &Array) -> Array {
        let inside = z.square().sum_axes(&[0]).less_equal(1.0 + 1e-4).all();
        inside.select(0.0f32, f32::INFINITY)
    }
}

impl Prox for UnitVectors {
    fn prox(&self, v: &Array, _lambda: Factor) -> Array {
        v / v.square().sum_axes(&[0]).sqrt().maximum(1.0)
    }
}

pub(crate) fn run(study: &Study) -> Result<()> {
    let (truth, y) = star_with_noise(study.side(256), 16, 0.5)?;
    let d = LinOp::from(FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?);
    let dual = Dual { y: y.clone(), d: d.clone() };
    let start = d.apply(&y).zeros_like();
    let method = AcceleratedPgm::new(dual.clone(), UnitVectors, 16.0 * LAMBDA * LAMBDA, start)
        .robust(RobustLineSearchStepSize::default());
    let solution = study.solve_dual("dual", &method, 100, |z| dual.unlimited(z).clamp(0.0, 1.0), &truth)?;
    let restored = dual.unlimited(&solution.x).clamp(0.0, 1.0);
    study.show(&[("truth", &truth), ("noisy", &y), ("restored", &restored)])?;
    study.plot(&[("dual", &solution.history)])
}
