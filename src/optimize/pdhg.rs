//! The primal-dual hybrid gradient method.

use super::parameter::{finite, positive, start, started};
use super::{Column, Method, is_small};
use crate::functional::Prox;
use crate::inner::{difference, norm, zip};
use crate::linop::{LinOp, jacobian, operator_norm};
use crate::operator::Op;
use crate::{Array, Factor, Result, Variable, impl_tree};
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
/// For an operator that is not linear, [`Pdhg::nonlinear`], `Cᴴ` is the adjoint `J(x)ᴴ` of the derivative at the old `x`.
/// (T. Valkonen, *A primal-dual hybrid gradient method for nonlinear operators with applications to MRI*, 2014.)
///
/// It converges when the primal residual is at most `tolerance max(1, ‖x‖)` and the dual one at most
/// `tolerance max(1, ‖z‖)`. Both variables are arrays or block arrays. Step lengths that are known not to be positive, and
/// starts of the wrong shape, are refused before the first step.
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
pub struct Pdhg<X: Variable = Array, Z: Variable = Array> {
    f: Arc<dyn Prox<X>>,
    g: Arc<dyn Prox<Z>>,
    c: Coupling<X, Z>,
    tau: Factor,
    sigma: Factor,
    alpha: Factor,
    x0: Option<X>,
    z0: Option<Z>,
}

/// What couples the two variables.
#[derive(Clone)]
enum Coupling<X: Variable, Z: Variable> {
    Linear(LinOp<X, Z>),
    Nonlinear(Op<X, Z>),
}

impl<X: Variable, Z: Variable> Coupling<X, Z> {
    fn input_type(&self) -> X::Type {
        match self {
            Coupling::Linear(c) => c.input_type(),
            Coupling::Nonlinear(c) => c.input_type(),
        }
    }

    fn output_type(&self) -> Z::Type {
        match self {
            Coupling::Linear(c) => c.output_type(),
            Coupling::Nonlinear(c) => c.output_type(),
        }
    }

    fn apply(&self, x: &X) -> Z {
        match self {
            Coupling::Linear(c) => c.apply(x),
            Coupling::Nonlinear(c) => c.apply(x),
        }
    }

    /// `Cᴴ z`, or `J(x)ᴴ z`.
    fn pull(&self, x: &X, z: &Z) -> X {
        let pulled = match self {
            Coupling::Linear(c) => return c.adjoint(z),
            Coupling::Nonlinear(c) => c.vjp(x).and_then(|(_, adjoint)| adjoint.call(z.clone())),
        };
        pulled.unwrap_or_else(|error| x.map_leaves(|_| Array::from_error(error.clone())))
    }
}

/// The state of [`Pdhg`].
#[derive(Clone)]
pub struct PdhgState<X = Array, Z = Array> {
    /// The primal variable.
    pub x: X,
    /// The dual variable.
    pub z: Z,
}
impl_tree!(PdhgState<X, Z> { x, z });

impl<X: Variable, Z: Variable> Pdhg<X, Z> {
    /// The method for `f(x) + g(C x)` with step lengths `τ` and `σ`.
    pub fn new(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        c: impl Into<LinOp<X, Z>>,
        tau: impl Into<Factor>,
        sigma: impl Into<Factor>,
    ) -> Pdhg<X, Z> {
        Pdhg::coupled(f, g, Coupling::Linear(c.into()), tau.into(), sigma.into())
    }

    /// The method for `f(x) + g(C(x))` with an operator that need not be linear.
    ///
    /// ```
    /// use cotangent::functional::SquaredL2Norm;
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::operator::Op;
    /// use cotangent::optimize::{Options, Pdhg, solve};
    /// use cotangent::{Array, DType, Type};
    /// // min ½ (x − 3)² + 5 (x² − 1)², whose solution is near 1 and a root of 20 x³ − 19 x = 3.
    /// let f = SquaredL2Loss::new(Array::from([3.0f64]))?;
    /// let c = Op::new(Type::new(DType::F64, &[1]), |x: &Array| x.square() - 1.0)?;
    /// let (tau, sigma) = Pdhg::estimate_parameters_at(&c, &Array::from([1.2f64]), 1.0, 0.9)?;
    /// let method = Pdhg::nonlinear(f, 5.0 * SquaredL2Norm::new(), c, tau, sigma).start(Array::from([1.0f64]));
    /// let x = solve(&method, &Options { max_steps: 300, ..Options::default() })?.x.to_vec::<f64>()?[0];
    /// assert!((20.0 * x.powi(3) - 19.0 * x - 3.0).abs() < 1e-6);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn nonlinear(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        c: Op<X, Z>,
        tau: impl Into<Factor>,
        sigma: impl Into<Factor>,
    ) -> Pdhg<X, Z> {
        Pdhg::coupled(f, g, Coupling::Nonlinear(c), tau.into(), sigma.into())
    }

    fn coupled(
        f: impl Prox<X> + 'static,
        g: impl Prox<Z> + 'static,
        c: Coupling<X, Z>,
        tau: Factor,
        sigma: Factor,
    ) -> Pdhg<X, Z> {
        Pdhg { f: Arc::new(f), g: Arc::new(g), c, tau, sigma, alpha: Factor::ONE, x0: None, z0: None }
    }

    /// With another extrapolation `α` than 1, from 0 to 1.
    pub fn extrapolation(self, alpha: impl Into<Factor>) -> Pdhg<X, Z> {
        Pdhg { alpha: alpha.into(), ..self }
    }

    /// Starting from a primal variable.
    pub fn start(self, x0: X) -> Pdhg<X, Z> {
        Pdhg { x0: Some(x0), ..self }
    }

    /// Starting from a dual variable.
    pub fn dual_start(self, z0: Z) -> Pdhg<X, Z> {
        Pdhg { z0: Some(z0), ..self }
    }

    /// Step lengths `τ` and `σ = ratio τ` with `τ σ ‖C‖² = factor`, the norm found by 100 power iterations. Convergence needs
    /// a factor below 1; SCICO's default is 1.01.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::linop::MatrixOperator;
    /// use cotangent::optimize::Pdhg;
    /// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
    /// let (tau, sigma) = Pdhg::estimate_parameters(&a.into(), 4.0, 1.0)?;
    /// assert!((tau - 0.134_444_8).abs() < 1e-5 && (sigma - 0.537_779_2).abs() < 1e-5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// A ratio or factor that is not positive; an operator of norm 0; those of applying it.
    pub fn estimate_parameters(c: &LinOp<X, Z>, ratio: f64, factor: f64) -> Result<(f64, f64)> {
        positive("Pdhg::estimate_parameters", "the ratio", &ratio.into())?;
        positive("Pdhg::estimate_parameters", "the factor", &factor.into())?;
        let tau = (factor / ratio).sqrt() / operator_norm(c, 100)?;
        // Of a zero operator there is no estimate.
        positive("Pdhg::estimate_parameters", "τ", &tau.into())?;
        Ok((tau, ratio * tau))
    }

    /// As [`estimate_parameters`](Pdhg::estimate_parameters), for the derivative at `x` of an operator that need not be
    /// linear. Take a place where it is large among those the iterates may come to.
    ///
    /// # Errors
    /// As [`estimate_parameters`](Pdhg::estimate_parameters); an `x` of another type than the operator takes.
    pub fn estimate_parameters_at(c: &Op<X, Z>, x: &X, ratio: f64, factor: f64) -> Result<(f64, f64)> {
        Pdhg::estimate_parameters(&jacobian(c, x)?.1, ratio, factor)
    }
}

impl<X: Variable, Z: Variable> Method for Pdhg<X, Z> {
    type Variable = X;
    type State = PdhgState<X, Z>;
    type Prepared = ();

    fn prepare(&self) -> Result<()> {
        positive("Pdhg", "τ", &self.tau)?;
        positive("Pdhg", "σ", &self.sigma)?;
        finite("Pdhg", "α", &self.alpha)?;
        start("Pdhg", "x0", self.x0.as_ref(), &self.c.input_type())?;
        start("Pdhg", "z0", self.z0.as_ref(), &self.c.output_type())?;
        Ok(())
    }

    fn init(&self) -> PdhgState<X, Z> {
        PdhgState {
            x: started("Pdhg", "x0", self.x0.as_ref(), &self.c.input_type()),
            z: started("Pdhg", "z0", self.z0.as_ref(), &self.c.output_type()),
        }
    }

    fn step(&self, _prepared: &(), state: &PdhgState<X, Z>) -> PdhgState<X, Z> {
        let PdhgState { x: old, z } = state;
        let pull = self.c.pull(old, z);
        let x = self.f.prox(&zip("Pdhg", old, &pull, |x, pull| x - self.tau.times(pull)), self.tau.clone());
        let reach = &Factor::ONE + &self.alpha;
        let ahead = zip("Pdhg", &x, old, |x, old| reach.times(x) - self.alpha.times(old));
        let push = self.c.apply(&ahead);
        let z = self.g.conj_prox(&zip("Pdhg", z, &push, |z, push| z + self.sigma.times(push)), self.sigma.clone());
        PdhgState { x, z }
    }

    fn minimizer(&self, state: &PdhgState<X, Z>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")]
    }

    fn statistics(&self, previous: &PdhgState<X, Z>, state: &PdhgState<X, Z>) -> Vec<Array> {
        let objective = self.f.value(&state.x) + self.g.value(&self.c.apply(&state.x));
        let primal = norm(&difference(&state.x, &previous.x));
        let dual = norm(&difference(&state.z, &previous.z));
        let (primal, dual) = (self.tau.recip().times(&primal), self.sigma.recip().times(&dual));
        vec![objective, primal, dual]
    }

    fn done(
        &self,
        _previous: &PdhgState<X, Z>,
        state: &PdhgState<X, Z>,
        statistics: &[Array],
        tolerance: f64,
    ) -> Array {
        is_small(&statistics[1], &norm(&state.x), tolerance) & is_small(&statistics[2], &norm(&state.z), tolerance)
    }
}
