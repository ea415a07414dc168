//! The proximal alternating direction method of multipliers.

use super::parameter::{positive, start, started};
use super::{Column, Method, is_small};
use crate::functional::Prox;
use crate::inner::{difference, norm, zip};
use crate::linop::{LinOp, ScaledIdentity, operator_norm, same_shapes};
use crate::{Array, Error, ErrorKind, Factor, Result, Tree, Variable, impl_tree};
use std::sync::Arc;

/// Minimises `f(x) + g(z)` subject to `A x + B z = c`, for convex `f` and `g` with proxes, with `μ > ‖A‖²` and
/// `ν > ‖B‖²`:
///
/// ```text
/// x⁺ = prox_{f/(ρ μ)}(x − (1 / μ) Aᴴ(2 u − u₋))
/// z⁺ = prox_{g/(ρ ν)}(z − (1 / ν) Bᴴ(A x⁺ + B z − c + u))
/// u⁺ = u + A x⁺ + B z⁺ − c
/// ```
///
/// where `u₋` is the `u` of the step before. With `B = −I` and `c = 0`, as [`ProximalAdmm::new`] has it, this is the problem
/// `f(x) + g(A x)`. All starts are zero unless set; `z` is not made from `x`. The objective is `f(x) + g(z)`. Residuals:
/// primal `‖A x⁺ + B z⁺ − c‖`, dual `‖z⁺ − z‖`, or `‖Aᴴ B (z⁺ − z)‖` with
/// [`exact_dual_residual`](ProximalAdmm::exact_dual_residual). (W. Deng, M.-J. Lai, Z. Peng and W. Yin, *Parallel multi-block
/// ADMM with o(1/k) convergence*, 2017.)
///
/// It converges when the primal residual is at most `tolerance max(1, ‖u‖)` and the dual one at most
/// `tolerance max(1, ‖z‖)`. All three variables are arrays or block arrays. Parameters that are known not to be positive,
/// and starts of the wrong shape, are refused before the first step.
///
/// Non-negative `x` and sparse `z` with `A x + B z = c`:
///
/// ```
/// use cotangent::functional::{L1Norm, SquaredL2Norm};
/// use cotangent::linop::{LinOp, MatrixOperator};
/// use cotangent::optimize::{Options, ProximalAdmm, solve};
/// use cotangent::Array;
/// // min ‖x‖² + |z| subject to x₁ − x₂ − 2 z = 3.
/// let a: LinOp = MatrixOperator::new(Array::from([[1.0f64, -1.0]]))?.into();
/// let b: LinOp = MatrixOperator::new(Array::from([[-2.0f64]]))?.into();
/// let (mu, nu) = ProximalAdmm::estimate_coupled_parameters(&a, &b, 1.01)?;
/// let method = ProximalAdmm::coupled(SquaredL2Norm::new(), L1Norm::new(), a, b, 1.0, mu, nu)
///     .offset(Array::from([3.0f64]));
/// let solution = solve(&method, &Options { max_steps: 400, ..Options::default() })?;
/// // The multiplier is ½, so that x = (¼, −¼) and z = −1.25.
/// let (x, z) = (solution.x.to_vec::<f64>()?, solution.state.z.to_vec::<f64>()?);
/// assert!((x[0] - 0.25).abs() < 1e-6 && (x[1] + 0.25).abs() < 1e-6 && (z[0] + 1.25).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct ProximalAdmm<X: Variable = Array, Z: Variable = Array, U: Variable = Array> {
    f: Arc<dyn Prox<X>>,
    g: Arc<dyn Prox<Z>>,
    a: LinOp<X, U>,
    b: LinOp<Z, U>,
    c: Option<U>,
    rho: Factor,
    mu: Factor,
    nu: Factor,
    x0: Option<X>,
    z0: Option<Z>,
    u0: Option<U>,
    exact_dual: bool,
}

/// The state of [`ProximalAdmm`] and of [`NonLinearPadmm`](super::NonLinearPadmm).
#[derive(Clone)]
pub struct ProximalAdmmState<X = Array, Z = Array, U = Array> {
    /// The first variable, which is the solution.
    pub x: X,
    /// The second variable.
    pub z: Z,
    /// The scaled multiplier.
    pub u: U,
    /// The scaled multiplier of the step before.
    pub u_old: U,
}
impl_tree!(ProximalAdmmState<X, Z, U> { x, z, u, u_old });

impl<X: Variable, U: Variable> ProximalAdmm<X, U, U> {
    /// The method for `f(x) + g(z)` with `A x = z`.
    pub fn new(
        f: impl Prox<X> + 'static,
        g: impl Prox<U> + 'static,
        a: impl Into<LinOp<X, U>>,
        rho: impl Into<Factor>,
        mu: impl Into<Factor>,
        nu: impl Into<Factor>,
    ) -> ProximalAdmm<X, U, U> {
        let a = a.into();
        let b = LinOp::from_shared(Arc::new(ScaledIdentity::new(-1.0, a.output_type())));
        ProximalAdmm::coupled(f, g, a, b, rho, mu, nu)
    }

    /// Parameters `μ = factor ‖A‖²`, the norm found by 100 power iterations, and `ν = factor`. Convergence needs a factor above
    /// 1; SCICO's default is 1.01.
    ///
    /// # Errors
    /// A factor that is not positive; those of applying the operator.
    pub fn estimate_parameters(a: &LinOp<X, U>, factor: f64) -> Result<(f64, f64)> {
        positive("ProximalAdmm::estimate_parameters", "the factor", &factor.into())?;
        Ok((factor * operator_norm(a, 100)?.powi(2), factor))
    }
}

impl<X: Variable, Z: Variable, U: Variable> ProximalAdmm<X, Z, U> {
    /// The method for `f(x) + g(z)` with `A x + B z = 0`, or what [`offset`](ProximalAdmm::offset) gives instead of 0.
    pub fn coupled(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        a: impl Into<LinOp<X, U>>,
        b: impl Into<LinOp<Z, U>>,
        rho: impl Into<Factor>,
        mu: impl Into<Factor>,
        nu: impl Into<Factor>,
    ) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm {
            f: Arc::new(f),
            g: Arc::new(g),
            a: a.into(),
            b: b.into(),
            c: None,
            rho: rho.into(),
            mu: mu.into(),
            nu: nu.into(),
            x0: None,
            z0: None,
            u0: None,
            exact_dual: false,
        }
    }

    /// With `A x + B z = c`.
    pub fn offset(self, c: U) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm { c: Some(c), ..self }
    }

    /// Starting from `x0`.
    pub fn start(self, x0: X) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm { x0: Some(x0), ..self }
    }

    /// Starting from another `z` than 0.
    pub fn split_start(self, z0: Z) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm { z0: Some(z0), ..self }
    }

    /// Starting from another scaled multiplier than 0.
    pub fn dual_start(self, u0: U) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm { u0: Some(u0), ..self }
    }

    /// With the dual residual `‖Aᴴ B (z⁺ − z)‖`, which costs two operators a step, instead of `‖z⁺ − z‖`.
    pub fn exact_dual_residual(self) -> ProximalAdmm<X, Z, U> {
        ProximalAdmm { exact_dual: true, ..self }
    }

    /// Parameters `μ = factor ‖A‖²` and `ν = factor ‖B‖²`, the norms found by 100 power iterations. Convergence needs a factor
    /// above 1; SCICO's default is 1.01.
    ///
    /// # Errors
    /// A factor that is not positive; those of applying the operators.
    pub fn estimate_coupled_parameters(a: &LinOp<X, U>, b: &LinOp<Z, U>, factor: f64) -> Result<(f64, f64)> {
        positive("ProximalAdmm::estimate_coupled_parameters", "the factor", &factor.into())?;
        Ok((factor * operator_norm(a, 100)?.powi(2), factor * operator_norm(b, 100)?.powi(2)))
    }

    /// `A x + B z − c`, from `A x`.
    fn gap(&self, ax: &U, z: &Z) -> U {
        let sum = zip("ProximalAdmm", ax, &self.b.apply(z), |ax, bz| ax + bz);
        match &self.c {
            Some(c) => difference(&sum, c),
            None => sum,
        }
    }
}

impl<X: Variable, Z: Variable, U: Variable> Method for ProximalAdmm<X, Z, U> {
    type Variable = X;
    type State = ProximalAdmmState<X, Z, U>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        check_parameters("ProximalAdmm", &self.rho, &self.mu, &self.nu)?;
        let output = self.a.output_type();
        start("ProximalAdmm", "x0", self.x0.as_ref(), &self.a.input_type())?;
        start("ProximalAdmm", "z0", self.z0.as_ref(), &self.b.input_type())?;
        start("ProximalAdmm", "u0", self.u0.as_ref(), &output)?;
        check_coupling(&self.a, &self.b, self.c.as_ref())
    }

    fn init(&self) -> ProximalAdmmState<X, Z, U> {
        let u = started("ProximalAdmm", "u0", self.u0.as_ref(), &self.a.output_type());
        ProximalAdmmState {
            x: started("ProximalAdmm", "x0", self.x0.as_ref(), &self.a.input_type()),
            z: started("ProximalAdmm", "z0", self.z0.as_ref(), &self.b.input_type()),
            u_old: u.clone(),
            u,
        }
    }

    fn step(&self, _prepared: &(), state: &ProximalAdmmState<X, Z, U>) -> ProximalAdmmState<X, Z, U> {
        let ProximalAdmmState { x, z, u, u_old } = state;
        let pull = self.a.adjoint(&extrapolated(u, u_old));
        let x = proximal_step(&*self.f, x, &pull, &self.rho, &self.mu);
        let ax = self.a.apply(&x);
        let pull = self.b.adjoint(&zip("ProximalAdmm", &self.gap(&ax, z), u, |gap, u| gap + u));
        let z = proximal_step(&*self.g, z, &pull, &self.rho, &self.nu);
        let next = zip("ProximalAdmm", u, &self.gap(&ax, &z), |u, gap| u + gap);
        ProximalAdmmState { x, z, u: next, u_old: u.clone() }
    }

    fn minimizer(&self, state: &ProximalAdmmState<X, Z, U>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")]
    }

    fn statistics(&self, previous: &ProximalAdmmState<X, Z, U>, state: &ProximalAdmmState<X, Z, U>) -> Vec<Array> {
        let objective = self.f.value(&state.x) + self.g.value(&state.z);
        let primal = norm(&self.gap(&self.a.apply(&state.x), &state.z));
        let change = difference(&state.z, &previous.z);
        let dual = match self.exact_dual {
            true => norm(&self.a.adjoint(&self.b.apply(&change))),
            false => norm(&change),
        };
        vec![objective, primal, dual]
    }

    fn done(
        &self,
        _previous: &ProximalAdmmState<X, Z, U>,
        state: &ProximalAdmmState<X, Z, U>,
        statistics: &[Array],
        tolerance: f64,
    ) -> Array {
        small_residuals(state, statistics, tolerance)
    }
}

/// Refuses parameters that are known not to be positive.
pub(super) fn check_parameters(method: &str, rho: &Factor, mu: &Factor, nu: &Factor) -> Result<()> {
    positive(method, "ρ", rho)?;
    positive(method, "μ", mu)?;
    positive(method, "ν", nu)
}

/// Refuses operators that give different types, and an offset of another shape than theirs.
fn check_coupling<X: Variable, Z: Variable, U: Variable>(
    a: &LinOp<X, U>,
    b: &LinOp<Z, U>,
    c: Option<&U>,
) -> Result<()> {
    let output = a.output_type();
    if output != b.output_type() {
        let message = format!("operators A, {a:?}, and B, {b:?}, must give the same type");
        return Err(Error::new(ErrorKind::Shape, "ProximalAdmm", message));
    }
    let Some(c) = c else { return Ok(()) };
    let own = c.variable_type()?;
    if same_shapes::<U>(&own, &output) {
        return Ok(());
    }
    let message = format!("the offset c must have the shape of {output}, got {own}; reshape, crop or pad it");
    Err(Error::new(ErrorKind::Shape, "ProximalAdmm", message))
}

/// `2 u − u₋`.
pub(super) fn extrapolated<U: Tree>(u: &U, u_old: &U) -> U {
    zip("ProximalAdmm", u, u_old, |u, u_old| 2.0 * u - u_old)
}

/// `prox_{f/(ρ μ)}(x − pull / μ)`.
pub(super) fn proximal_step<X: Variable>(f: &dyn Prox<X>, x: &X, pull: &X, rho: &Factor, mu: &Factor) -> X {
    let length = mu.recip();
    let target = zip("ProximalAdmm", x, pull, |x, pull| x - length.times(pull));
    f.prox(&target, (rho * mu).recip())
}

/// Whether both residuals are small against the variables.
pub(super) fn small_residuals<X: Tree, Z: Tree, U: Tree>(
    state: &ProximalAdmmState<X, Z, U>,
    statistics: &[Array],
    tolerance: f64,
) -> Array {
    is_small(&statistics[1], &norm(&state.u), tolerance) & is_small(&statistics[2], &norm(&state.z), tolerance)
}
