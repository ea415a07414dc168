//! The linearized alternating direction method of multipliers.

use super::parameter::{positive, start, started};
use super::{Column, Method, is_small};
use crate::functional::Prox;
use crate::inner::{difference, norm, zip};
use crate::linop::{LinOp, operator_norm};
use crate::{Array, Factor, Result, Variable, impl_tree};
use std::sync::Arc;

/// Minimises `f(x) + g(C x)` for convex `f` and `g` with proxes and a linear `C`, with `0 < μ < ν / ‖C‖²`:
///
/// ```text
/// x⁺ = prox_{μ f}(x − (μ / ν) Cᴴ(C x − z + u))
/// z⁺ = prox_{ν g}(C x⁺ + u)
/// u⁺ = u + C x⁺ − z⁺
/// ```
///
/// It starts from `x`, zero unless set, with `z = C x` and `u = 0`. The objective is `f(x) + g(z)`. Residuals: primal
/// `‖C x⁺ − z⁺‖`, dual `‖Cᴴ(z⁺ − z)‖`. (J. Yang and X. Yuan, *Linearized augmented Lagrangian and alternating direction
/// methods for nuclear norm minimization*, 2013; in this form N. Parikh and S. Boyd, *Proximal algorithms*, 2014, section
/// 4.4.2.)
///
/// It converges when the primal residual is at most `tolerance max(1, ‖z‖)` and the dual one at most
/// `tolerance max(1, ‖x‖)`. Both variables are arrays or block arrays. Parameters that are known not to be positive, and
/// starts of the wrong shape, are refused before the first step.
///
/// Total-variation denoising:
///
/// ```
/// use cotangent::functional::L21Norm;
/// use cotangent::linop::{Boundary, Edge, FiniteDifference, LinOp};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{LinearizedAdmm, Options, solve};
/// use cotangent::Array;
///
/// let y = Array::from([[0.1f32, 0.0, 0.9, 1.0], [0.0, 0.1, 1.1, 0.9]]);
/// let d = LinOp::from(FiniteDifference::new(y.ty()?, Boundary::append(Edge::Zero))?);
/// let nu = 1.0;
/// let mu = LinearizedAdmm::estimate_mu(&d, nu, 0.95)?;
/// let method = LinearizedAdmm::new(SquaredL2Loss::new(y.clone())?, 0.1 * L21Norm::new(), d, mu, nu).start(y);
/// let solution = solve(&method, &Options { max_steps: 200, ..Options::default() })?;
/// let last = solution.history.column("Prml Rsdl").unwrap();
/// assert!(last.last() < Some(&1e-3));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct LinearizedAdmm<X: Variable = Array, Z: Variable = Array> {
    f: Arc<dyn Prox<X>>,
    g: Arc<dyn Prox<Z>>,
    c: LinOp<X, Z>,
    mu: Factor,
    nu: Factor,
    x0: Option<X>,
}

/// The state of [`LinearizedAdmm`].
#[derive(Clone)]
pub struct LinearizedAdmmState<X = Array, Z = Array> {
    /// The solution.
    pub x: X,
    /// The splitting variable.
    pub z: Z,
    /// The scaled dual variable.
    pub u: Z,
}
impl_tree!(LinearizedAdmmState<X, Z> { x, z, u });

impl<X: Variable, Z: Variable> LinearizedAdmm<X, Z> {
    /// The method for `f(x) + g(C x)` with parameters `μ` and `ν`.
    pub fn new(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        c: impl Into<LinOp<X, Z>>,
        mu: impl Into<Factor>,
        nu: impl Into<Factor>,
    ) -> LinearizedAdmm<X, Z> {
        LinearizedAdmm { f: Arc::new(f), g: Arc::new(g), c: c.into(), mu: mu.into(), nu: nu.into(), x0: None }
    }

    /// Starting from `x0`.
    pub fn start(self, x0: X) -> LinearizedAdmm<X, Z> {
        LinearizedAdmm { x0: Some(x0), ..self }
    }

    /// The parameter `μ = factor ν / ‖C‖²`, the norm found by 100 power iterations. Convergence needs a factor below 1.
    ///
    /// # Errors
    /// A parameter or factor that is not positive; an operator of norm 0; those of applying it.
    pub fn estimate_mu(c: &LinOp<X, Z>, nu: f64, factor: f64) -> Result<f64> {
        positive("LinearizedAdmm::estimate_mu", "ν", &nu.into())?;
        positive("LinearizedAdmm::estimate_mu", "the factor", &factor.into())?;
        let mu = factor * nu / operator_norm(c, 100)?.powi(2);
        // Of a zero operator there is no estimate.
        positive("LinearizedAdmm::estimate_mu", "μ", &mu.into())?;
        Ok(mu)
    }
}

impl<X: Variable, Z: Variable> Method for LinearizedAdmm<X, Z> {
    type Variable = X;
    type State = LinearizedAdmmState<X, Z>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        positive("LinearizedAdmm", "μ", &self.mu)?;
        positive("LinearizedAdmm", "ν", &self.nu)?;
        start("LinearizedAdmm", "x0", self.x0.as_ref(), &self.c.input_type())?;
        Ok(())
    }

    fn init(&self) -> LinearizedAdmmState<X, Z> {
        let x = started("LinearizedAdmm", "x0", self.x0.as_ref(), &self.c.input_type());
        let z = self.c.apply(&x);
        let u = z.map_leaves(|leaf| leaf.zeros_like());
        LinearizedAdmmState { x, z, u }
    }

    fn step(&self, _prepared: &(), state: &LinearizedAdmmState<X, Z>) -> LinearizedAdmmState<X, Z> {
        let LinearizedAdmmState { x, z, u } = state;
        let gap = zip("LinearizedAdmm", &difference(&self.c.apply(x), z), u, |gap, u| gap + u);
        let pull = self.c.adjoint(&gap);
        let ratio = &self.mu * &self.nu.recip();
        let x = self.f.prox(&zip("LinearizedAdmm", x, &pull, |x, pull| x - ratio.times(pull)), self.mu.clone());
        let target = zip("LinearizedAdmm", &self.c.apply(&x), u, |cx, u| cx + u);
        let z = self.g.prox(&target, self.nu.clone());
        let u = difference(&target, &z);
        LinearizedAdmmState { x, z, u }
    }

    fn minimizer(&self, state: &LinearizedAdmmState<X, Z>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")]
    }

    fn statistics(&self, previous: &LinearizedAdmmState<X, Z>, state: &LinearizedAdmmState<X, Z>) -> Vec<Array> {
        let objective = self.f.value(&state.x) + self.g.value(&state.z);
        let primal = norm(&difference(&self.c.apply(&state.x), &state.z));
        let dual = norm(&self.c.adjoint(&difference(&state.z, &previous.z)));
        vec![objective, primal, dual]
    }

    fn done(
        &self,
        _previous: &LinearizedAdmmState<X, Z>,
        state: &LinearizedAdmmState<X, Z>,
        statistics: &[Array],
        tolerance: f64,
    ) -> Array {
        is_small(&statistics[1], &norm(&state.z), tolerance) & is_small(&statistics[2], &norm(&state.x), tolerance)
    }
}
