//! The proximal alternating direction method of multipliers for constraints that are not linear.

use super::parameter::{positive, start, started};
use super::proximal_admm::{check_parameters, extrapolated, proximal_step, small_residuals};
use super::{Column, Method, ProximalAdmmState};
use crate::functional::Prox;
use crate::inner::{difference, norm, zip};
use crate::linop::{jacobian, operator_norm};
use crate::operator::{Map, Op};
use crate::{Array, Error, ErrorKind, Factor, Result, Variable, cvjp, eval_shape, jvp};
use std::fmt;
use std::sync::Arc;

/// Minimises `f(x) + g(z)` subject to `H(x, z) = 0`, for `f` and `g` with proxes and a differentiable `H`, with
/// `μ > ‖J_x H‖²` and `ν > ‖J_z H‖²` along the way:
///
/// ```text
/// x⁺ = prox_{f/(ρ μ)}(x − (1 / μ) A_kᴴ(2 u − u₋))            A_k = J_x H(x, z)
/// z⁺ = prox_{g/(ρ ν)}(z − (1 / ν) B_kᴴ(H(x⁺, z) + u))        B_k = J_z H(x⁺, z)
/// u⁺ = u + H(x⁺, z⁺)
/// ```
///
/// where `u₋` is the `u` of the step before. All starts are zero unless set; where `H` has no derivative at 0, such as a
/// magnitude, set others. The objective is `f(x) + g(z)`. Residuals: primal `‖H(x⁺, z⁺)‖`, dual `‖z⁺ − z‖`, or
/// `‖J_xᴴ J_z (z⁺ − z)‖` at `(x⁺, z⁺)` with [`exact_dual_residual`](NonLinearPadmm::exact_dual_residual).
/// (M. Benning, F. Knoll, C.-B. Schönlieb and T. Valkonen, *Preconditioned ADMM with nonlinear operator constraint*, 2016.)
///
/// It converges when the primal residual is at most `tolerance max(1, ‖u‖)` and the dual one at most
/// `tolerance max(1, ‖z‖)`. The variables are arrays or block arrays, of dtypes of their own: `x` may be complex and `z`
/// real. Parameters that are known not to be positive, and starts of the wrong shape, are refused before the first step.
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Constraint, NonLinearPadmm, Options, solve};
/// use cotangent::{Array, DType, Type};
/// // min ½ ‖x − y‖² + ½ ‖z‖₁ subject to exp(x) − 1 = z: the second x stays where exp has the slope that f asks for.
/// let ty = Type::new(DType::F64, &[2]);
/// let h = Constraint::new(ty.clone(), ty, |x: &Array, z: &Array| x.expm1() - z)?;
/// let y = Array::from([0.25f64, 2.0]);
/// let (mu, nu) = NonLinearPadmm::estimate_parameters(&h, &y, &y.expm1(), 1.01)?;
/// let method = NonLinearPadmm::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), h, 0.5, mu, nu);
/// let x = solve(&method, &Options { max_steps: 5000, ..Options::default() })?.x.to_vec::<f64>()?;
/// assert!(x[0].abs() < 1e-6 && (x[1] - 2.0 + 0.5 * x[1].exp()).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct NonLinearPadmm<X: Variable = Array, Z: Variable = Array, U: Variable = Array> {
    f: Arc<dyn Prox<X>>,
    g: Arc<dyn Prox<Z>>,
    h: Constraint<X, Z, U>,
    rho: Factor,
    mu: Factor,
    nu: Factor,
    x0: Option<X>,
    z0: Option<Z>,
    u0: Option<U>,
    exact_dual: bool,
}

type Evaluate<X, Z, U> = dyn Fn(&X, &Z) -> U + Send + Sync;

/// The left side of a constraint `H(x, z) = 0`. Cheap to clone.
///
/// ```
/// use cotangent::operator::Map;
/// use cotangent::optimize::Constraint;
/// use cotangent::{Array, DType, Type};
/// let (x, z) = (Type::new(DType::C64, &[3]), Type::new(DType::F32, &[3]));
/// // Magnitudes; the two variables have different dtypes.
/// let h = Constraint::new(x.clone(), z.clone(), |x: &Array, z: &Array| x.abs2() - z)?;
/// assert_eq!(h.output_type().to_string(), "f32[3]");
/// // The same from a map of two arrays.
/// let same = Constraint::from_map(&Map::new(&[x, z], |args: &[Array]| args[0].abs2() - &args[1])?)?;
/// assert_eq!(same.output_type(), h.output_type());
/// # Ok::<(), cotangent::Error>(())
/// ```
pub struct Constraint<X: Variable = Array, Z: Variable = Array, U: Variable = Array> {
    first: X::Type,
    second: Z::Type,
    output: U::Type,
    evaluate: Arc<Evaluate<X, Z, U>>,
}

impl<X: Variable, Z: Variable, U: Variable> Clone for Constraint<X, Z, U> {
    fn clone(&self) -> Constraint<X, Z, U> {
        Constraint {
            first: self.first.clone(),
            second: self.second.clone(),
            output: self.output.clone(),
            evaluate: self.evaluate.clone(),
        }
    }
}

impl<X: Variable, Z: Variable, U: Variable> fmt::Debug for Constraint<X, Z, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constraint: {}, {} -> {}", self.first, self.second, self.output)
    }
}

impl Constraint {
    /// The constraint of a map of two arrays.
    ///
    /// # Errors
    /// A map of another number of arrays.
    pub fn from_map(map: &Map) -> Result<Constraint> {
        let [first, second] = map.input_types() else {
            let message = format!("takes a map of two arrays, got {map:?}; fix others with `Map::slice`");
            return Err(Error::new(ErrorKind::Argument, "Constraint", message));
        };
        let (first, second, map) = (first.clone(), second.clone(), map.clone());
        Constraint::new(first, second, move |x: &Array, z: &Array| map.apply(&[x.clone(), z.clone()]))
    }
}

impl<X: Variable, Z: Variable, U: Variable> Constraint<X, Z, U> {
    /// The constraint of a function of two variables of these types. The output type is that of the traced function.
    ///
    /// # Errors
    /// A mistake in the function.
    pub fn new(
        first: X::Type,
        second: Z::Type,
        function: impl Fn(&X, &Z) -> U + Send + Sync + 'static,
    ) -> Result<Constraint<X, Z, U>> {
        let samples = (X::placeholder(&first), Z::placeholder(&second));
        let output = eval_shape(|pair: (X, Z)| function(&pair.0, &pair.1), &samples)?.variable_type()?;
        Ok(Constraint { first, second, output, evaluate: Arc::new(function) })
    }

    /// Type of `x`.
    pub fn first_type(&self) -> &X::Type {
        &self.first
    }

    /// Type of `z`.
    pub fn second_type(&self) -> &Z::Type {
        &self.second
    }

    /// Type of `H(x, z)`.
    pub fn output_type(&self) -> &U::Type {
        &self.output
    }

    /// `H(x, z)`.
    pub fn apply(&self, x: &X, z: &Z) -> U {
        (self.evaluate)(x, z)
    }

    /// The operator in `x`, with `z` fixed.
    ///
    /// # Errors
    /// A `z` of another type.
    pub fn at_second(&self, z: &Z) -> Result<Op<X, U>> {
        let (constraint, z) = (self.clone(), z.clone());
        Op::new(self.first.clone(), move |x: &X| constraint.apply(x, &z))
    }

    /// The operator in `z`, with `x` fixed.
    ///
    /// # Errors
    /// An `x` of another type.
    pub fn at_first(&self, x: &X) -> Result<Op<Z, U>> {
        let (constraint, x) = (self.clone(), x.clone());
        Op::new(self.second.clone(), move |z: &Z| constraint.apply(&x, z))
    }

    /// `J_x H(x, z)ᴴ v`.
    fn pull_first(&self, x: &X, z: &Z, v: &U) -> X {
        let pullback = cvjp(|x: X| self.apply(&x, z), x.clone());
        failing(pullback.and_then(|(_, adjoint)| adjoint.call(v.clone())), x)
    }

    /// `J_z H(x, z)ᴴ v(H(x, z))`.
    fn pull_second(&self, x: &X, z: &Z, v: impl Fn(&U) -> U) -> Z {
        let pullback = cvjp(|z: Z| self.apply(x, &z), z.clone());
        failing(pullback.and_then(|(value, adjoint)| adjoint.call(v(&value))), z)
    }

    /// `J_z H(x, z) v`.
    fn push_second(&self, x: &X, z: &Z, v: &Z) -> U {
        let pushed = jvp(|z: Z| self.apply(x, &z), z.clone(), v.clone());
        failing(pushed.map(|(_, tangent)| tangent), &U::placeholder(&self.output))
    }
}

/// A result, or error values of the structure of `like`.
fn failing<T: Variable>(result: Result<T>, like: &T) -> T {
    result.unwrap_or_else(|error| like.map_leaves(|_| Array::from_error(error.clone())))
}

impl<X: Variable, Z: Variable, U: Variable> NonLinearPadmm<X, Z, U> {
    /// The method for `f(x) + g(z)` with `H(x, z) = 0`.
    pub fn new(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        h: Constraint<X, Z, U>,
        rho: impl Into<Factor>,
        mu: impl Into<Factor>,
        nu: impl Into<Factor>,
    ) -> NonLinearPadmm<X, Z, U> {
        NonLinearPadmm {
            f: Arc::new(f),
            g: Arc::new(g),
            h,
            rho: rho.into(),
            mu: mu.into(),
            nu: nu.into(),
            x0: None,
            z0: None,
            u0: None,
            exact_dual: false,
        }
    }

    /// Starting from `x0`.
    pub fn start(self, x0: X) -> NonLinearPadmm<X, Z, U> {
        NonLinearPadmm { x0: Some(x0), ..self }
    }

    /// Starting from another `z` than 0.
    pub fn split_start(self, z0: Z) -> NonLinearPadmm<X, Z, U> {
        NonLinearPadmm { z0: Some(z0), ..self }
    }

    /// Starting from another scaled multiplier than 0.
    pub fn dual_start(self, u0: U) -> NonLinearPadmm<X, Z, U> {
        NonLinearPadmm { u0: Some(u0), ..self }
    }

    /// With the dual residual `‖J_xᴴ J_z (z⁺ − z)‖`, which costs two derivatives a step, instead of `‖z⁺ − z‖`.
    pub fn exact_dual_residual(self) -> NonLinearPadmm<X, Z, U> {
        NonLinearPadmm { exact_dual: true, ..self }
    }

    /// Parameters `μ = factor ‖J_x H(x, z)‖²` and `ν = factor ‖J_z H(x, z)‖²`, the norms found by 100 power iterations. Take
    /// a place where the derivatives are large among those the iterates may come to. SCICO's default factor is 1.01, and
    /// its default place 0.
    ///
    /// ```
    /// use cotangent::optimize::{Constraint, NonLinearPadmm};
    /// use cotangent::{Array, DType, Type};
    /// let m = Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]);
    /// let sine = move |x: &Array, z: &Array| m.matmul(x).sin() - z;
    /// let h = Constraint::new(Type::new(DType::F32, &[2]), Type::new(DType::F32, &[3]), sine)?;
    /// let (x, z) = (Array::zeros(&[2], DType::F32), Array::zeros(&[3], DType::F32));
    /// let (mu, nu) = NonLinearPadmm::estimate_parameters(&h, &x, &z, 1.01)?;
    /// assert!((mu - 13.969_26).abs() < 1e-3 && (nu - 1.01).abs() < 1e-5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A factor that is not positive; a place of other types than the constraint takes; a mistake in the constraint.
    pub fn estimate_parameters(h: &Constraint<X, Z, U>, x: &X, z: &Z, factor: f64) -> Result<(f64, f64)> {
        positive("NonLinearPadmm::estimate_parameters", "the factor", &factor.into())?;
        let (_, by_first) = jacobian(&h.at_second(z)?, x)?;
        let (_, by_second) = jacobian(&h.at_first(x)?, z)?;
        Ok((factor * operator_norm(&by_first, 100)?.powi(2), factor * operator_norm(&by_second, 100)?.powi(2)))
    }
}

impl<X: Variable, Z: Variable, U: Variable> Method for NonLinearPadmm<X, Z, U> {
    type Variable = X;
    type State = ProximalAdmmState<X, Z, U>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        check_parameters("NonLinearPadmm", &self.rho, &self.mu, &self.nu)?;
        start("NonLinearPadmm", "x0", self.x0.as_ref(), &self.h.first)?;
        start("NonLinearPadmm", "z0", self.z0.as_ref(), &self.h.second)?;
        start("NonLinearPadmm", "u0", self.u0.as_ref(), &self.h.output)?;
        Ok(())
    }

    fn init(&self) -> ProximalAdmmState<X, Z, U> {
        let u = started("NonLinearPadmm", "u0", self.u0.as_ref(), &self.h.output);
        ProximalAdmmState {
            x: started("NonLinearPadmm", "x0", self.x0.as_ref(), &self.h.first),
            z: started("NonLinearPadmm", "z0", self.z0.as_ref(), &self.h.second),
            u_old: u.clone(),
            u,
        }
    }

    fn step(&self, _prepared: &(), state: &ProximalAdmmState<X, Z, U>) -> ProximalAdmmState<X, Z, U> {
        let ProximalAdmmState { x, z, u, u_old } = state;
        let pull = self.h.pull_first(x, z, &extrapolated(u, u_old));
        let x = proximal_step(&*self.f, x, &pull, &self.rho, &self.mu);
        let pull = self.h.pull_second(&x, z, |gap| zip("NonLinearPadmm", gap, u, |gap, u| gap + u));
        let z = proximal_step(&*self.g, z, &pull, &self.rho, &self.nu);
        let next = zip("NonLinearPadmm", u, &self.h.apply(&x, &z), |u, gap| u + gap);
        ProximalAdmmState { x, z, u: next, u_old: u.clone() }
    }

    fn minimizer(&self, state: &ProximalAdmmState<X, Z, U>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")]
    }

    fn statistics(&self, previous: &ProximalAdmmState<X, Z, U>, state: &ProximalAdmmState<X, Z, U>) -> Vec<Array> {
        let ProximalAdmmState { x, z, .. } = state;
        let objective = self.f.value(x) + self.g.value(z);
        let primal = norm(&self.h.apply(x, z));
        let change = difference(z, &previous.z);
        let dual = match self.exact_dual {
            true => norm(&self.h.pull_first(x, z, &self.h.push_second(x, z, &change))),
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
