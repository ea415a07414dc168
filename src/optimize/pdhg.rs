//! The primal-dual hybrid gradient method.

use super::{Column, Method};
use crate::functional::Prox;
use crate::inner::norm;
use crate::linop::{LinOp, operator_norm};
use crate::{Array, Factor, Result, impl_tree};
use std::sync::Arc;

/// Minimises `f(x) + g(C x)` for convex `f` and `g` with proxes and a linear `C`, with `τ σ ‖C‖² < 1`:
///
/// ```text
/// x⁺ = prox_{τ f}(x − τ Cᴴ z)
/// z⁺ = prox_{σ g*}(z + σ C((1 + α) x⁺ − α x))
/// ```
///
/// with `prox_{σ g*}(v) = v − σ prox_{g/σ}(v / σ)`. Residuals: primal `‖x⁺ − x‖ / τ`, dual `‖z⁺ − z‖ / σ`. Both starts are
/// zero unless set. (A. Chambolle and T. Pock, *A first-order primal-dual algorithm for convex problems with applications
/// to imaging*, 2011; residuals after E. Esser, X. Zhang and T. Chan, 2010.)
///
/// It converges when the primal residual is at most `tolerance max(1, ‖x‖)` and the dual one at most
/// `tolerance max(1, ‖z‖)`.
///
/// A functional without a prox is refused by the compiler:
///
/// ```compile_fail
/// use cotangent::functional::{L1Norm, L2Norm};
/// use cotangent::linop::Identity;
/// use cotangent::optimize::Pdhg;
/// use cotangent::{DType, Type};
/// let identity = Identity::new(Type::new(DType::F32, &[4]));
/// let sum = L1Norm::new() + L2Norm::new();
/// Pdhg::new(sum, L1Norm::new(), identity, 0.5, 0.5);
/// ```
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::Identity;
/// use cotangent::optimize::Pdhg;
/// use cotangent::{DType, Type};
/// let identity = Identity::new(Type::new(DType::F32, &[4]));
/// Pdhg::new(L1Norm::new(), L1Norm::new(), identity, 0.5, 0.5);
/// ```
#[derive(Clone)]
pub struct Pdhg {
    f: Arc<dyn Prox>,
    g: Arc<dyn Prox>,
    c: LinOp,
    tau: Factor,
    sigma: Factor,
    alpha: Factor,
    x0: Option<Array>,
    z0: Option<Array>,
}

/// The state of [`Pdhg`].
#[derive(Clone)]
pub struct PdhgState {
    /// The primal variable.
    pub x: Array,
    /// The dual variable.
    pub z: Array,
}
impl_tree!(PdhgState { x, z });

impl Pdhg {
    /// The method for `f(x) + g(C x)` with step lengths `τ` and `σ`.
    pub fn new(
        f: impl Prox + 'static,
        g: impl Prox + 'static,
        c: impl Into<LinOp>,
        tau: impl Into<Factor>,
        sigma: impl Into<Factor>,
    ) -> Pdhg {
        Pdhg {
            f: Arc::new(f),
            g: Arc::new(g),
            c: c.into(),
            tau: tau.into(),
            sigma: sigma.into(),
            alpha: Factor::ONE,
            x0: None,
            z0: None,
        }
    }

    /// With another extrapolation `α` than 1, from 0 to 1.
    pub fn extrapolation(self, alpha: impl Into<Factor>) -> Pdhg {
        Pdhg { alpha: alpha.into(), ..self }
    }

    /// Starting from a primal variable.
    pub fn start(self, x0: Array) -> Pdhg {
        Pdhg { x0: Some(x0), ..self }
    }

    /// Starting from a dual variable.
    pub fn dual_start(self, z0: Array) -> Pdhg {
        Pdhg { z0: Some(z0), ..self }
    }

    /// Step lengths `τ` and `σ = ratio τ` with `τ σ ‖C‖² = factor`, the norm by 100 power iterations. Convergence needs a
    /// factor below 1.
    ///
    /// # Errors
    /// Those of applying the operator.
    pub fn estimate_parameters(c: &LinOp, ratio: f64, factor: f64) -> Result<(f64, f64)> {
        let tau = (factor / ratio).sqrt() / operator_norm(c, 100)?;
        Ok((tau, ratio * tau))
    }
}

impl Method for Pdhg {
    type Variable = Array;
    type State = PdhgState;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        Ok(())
    }

    fn init(&self) -> PdhgState {
        let start = |given: &Option<Array>, ty: crate::Type| match given {
            Some(given) => given.astype(ty.dtype),
            None => Array::zeros(&ty.shape, ty.dtype),
        };
        PdhgState { x: start(&self.x0, self.c.input_type()), z: start(&self.z0, self.c.output_type()) }
    }

    fn step(&self, _prepared: &(), state: &PdhgState) -> PdhgState {
        let PdhgState { x: old, z } = state;
        let x = self.f.prox(&(old - self.tau.times(&self.c.adjoint(z))), self.tau.clone());
        let ahead = (&Factor::ONE + &self.alpha).times(&x) - self.alpha.times(old);
        let z = self.g.conj_prox(&(z + self.sigma.times(&self.c.apply(&ahead))), self.sigma.clone());
        PdhgState { x, z }
    }

    fn minimizer(&self, state: &PdhgState) -> Array {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")]
    }

    fn statistics(&self, previous: &PdhgState, state: &PdhgState) -> Vec<Array> {
        let objective = self.f.value(&state.x) + self.g.value(&self.c.apply(&state.x));
        let primal = norm(&(&state.x - &previous.x));
        let dual = norm(&(&state.z - &previous.z));
        let (primal, dual) = (self.tau.recip().times(&primal), self.sigma.recip().times(&dual));
        vec![objective, primal, dual]
    }

    fn done(&self, _previous: &PdhgState, state: &PdhgState, statistics: &[Array], tolerance: f64) -> Array {
        let small = |residual: &Array, of: &Array| residual.less_equal(norm(of).maximum(1.0) * tolerance);
        small(&statistics[1], &state.x) & small(&statistics[2], &state.z)
    }
}
