//! The alternating direction method of multipliers.

use super::parameter::{finite, positive, start, started};
use super::{Column, ConsensusSolver, Method, SubproblemSolver, Subsolution, Term, is_small};
use crate::functional::{Functional, Prox};
use crate::inner::{norm, norm_square, zip};
use crate::linop::{Identity, LinOp};
use crate::{Array, BlockArray, DType, Error, ErrorKind, Factor, Result, Variable, impl_tree};
use std::sync::Arc;

const NAME: &str = "Admm";

/// Minimises `f(x) + Σ g_i(C_i x)`, with penalties `ρ_i`:
///
/// ```text
/// x⁺   = argmin_x f(x) + Σ ρ_i/2 ‖z_i − u_i − C_i x‖²
/// c_i  = α C_i x⁺ + (1 − α) z_i
/// z_i⁺ = prox_{g_i/ρ_i}(c_i + u_i)
/// u_i⁺ = u_i + c_i − z_i⁺
/// ```
///
/// The first line is left to a [`SubproblemSolver`]. It starts from `x` (zero unless set), `z_i = C_i x` and `u_i = 0`.
/// The objective is `f(x) + Σ g_i(z_i)`. Residuals: primal `sqrt(Σ ρ_i ‖C_i x⁺ − z_i⁺‖²)`, dual
/// `‖Σ ρ_i C_iᴴ (z_i⁺ − z_i)‖`. (S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, *Distributed optimization and
/// statistical learning via the alternating direction method of multipliers*, 2011.)
///
/// It converges when both residuals are at most `tolerance max(1, ‖x‖)`.
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{Identity, MatrixOperator};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Admm, LinearSubproblemSolver, Options, Term, solve};
/// use cotangent::{Array, DType, Type};
///
/// let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]]))?;
/// let f = SquaredL2Loss::new(Array::from(vec![1.0f32, 2.0, 3.0]))?.operator(a)?;
/// let term = Term::new(0.5 * L1Norm::new(), Identity::new(Type::new(DType::F32, &[2])), 2.0);
/// let method = Admm::new(f, [term], LinearSubproblemSolver::default())?;
/// let solution = solve(&method, &Options { max_steps: 3, ..Options::default() })?;
/// let x = solution.x.to_vec::<f32>()?;
/// assert!((x[0] + 0.059_374_73).abs() < 1e-4 && (x[1] - 0.879_267_9).abs() < 1e-4);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// The variable may be a block array, and so may what operators give:
///
/// ```
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::{BlockSlice, Identity};
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Admm, LinearSubproblemSolver, Options, Term, solve};
/// use cotangent::{Array, BlockArray};
///
/// let y = BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32])])?;
/// let all = Term::new(0.5 * L1Norm::new(), Identity::new(y.ty()?), 1.0);
/// let last = Term::new(L1Norm::new(), BlockSlice::new(y.ty()?, 1)?, 1.0);
/// let method = Admm::new(SquaredL2Loss::new(y)?, [all, last], LinearSubproblemSolver::default())?;
/// let solution = solve(&method, &Options::default())?;
/// let x = solution.x[1].to_vec::<f32>()?;
/// assert!((x[0] - 1.5).abs() < 1e-3);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone)]
pub struct Admm<F, S, X: Variable = Array> {
    f: F,
    terms: Vec<Term<X>>,
    solver: S,
    alpha: Factor,
    x0: Option<X>,
}

/// The state of [`Admm`].
#[derive(Clone)]
pub struct AdmmState<X = Array> {
    /// The solution.
    pub x: X,
    /// The splitting variable of each term: one block where its operator gives an array.
    pub z: Vec<BlockArray>,
    /// The scaled dual variable of each term.
    pub u: Vec<BlockArray>,
    /// Statistics of the subproblem.
    pub subproblem: Vec<Array>,
    /// `f(x)`, where the solver of the subproblem gives it.
    pub value: Option<Array>,
}
impl_tree!(AdmmState<X> { x, z, u, subproblem, value });

impl<X: Variable, F: Functional<X>, S: SubproblemSolver<F, X>> Admm<F, S, X> {
    /// The method for `f(x) + Σ g_i(C_i x)`; without `f`, pass [`ZeroFunctional`](crate::functional::ZeroFunctional).
    ///
    /// # Errors
    /// No term; terms whose operators take different types.
    pub fn new(f: F, terms: impl IntoIterator<Item = Term<X>>, solver: S) -> Result<Admm<F, S, X>> {
        let terms: Vec<Term<X>> = terms.into_iter().collect();
        let refuse = |message: String| Err(Error::new(ErrorKind::Argument, NAME, message));
        let Some(first) = terms.first() else {
            return refuse("no term was given; pass at least one".into());
        };
        if let Some(other) = terms.iter().find(|term| term.input_type() != first.input_type()) {
            let (first, other) = (first.describe(), other.describe());
            return refuse(format!("operators {first} and {other} must take the same type"));
        }
        terms.iter().try_for_each(|term| positive(NAME, "the penalty rho", term.penalty()))?;
        Ok(Admm { f, terms, solver, alpha: Factor::ONE, x0: None })
    }

    /// With another relaxation `α` than 1, commonly between 1 and 1.8.
    pub fn relaxation(self, alpha: impl Into<Factor>) -> Admm<F, S, X> {
        Admm { alpha: alpha.into(), ..self }
    }

    /// Starting from `x0`.
    pub fn start(self, x0: X) -> Admm<F, S, X> {
        Admm { x0: Some(x0), ..self }
    }

    /// `f(x) + Σ g_i(z_i)`.
    #[track_caller]
    pub fn objective(&self, x: &X, z: &[BlockArray]) -> Array {
        self.sum(self.f.value(x), z)
    }

    /// A value of `f` and those of the terms.
    fn sum(&self, f: Array, z: &[BlockArray]) -> Array {
        let parts = self.terms.iter().zip(z).map(|(term, z)| term.value(z));
        parts.fold(f, |sum, part| sum + part)
    }

    /// `sqrt(Σ ρ_i ‖C_i x − z_i‖²)`.
    #[track_caller]
    pub fn primal_residual(&self, x: &X, z: &[BlockArray]) -> Array {
        let parts = self.terms.iter().zip(z);
        let parts = parts.map(|(term, z)| term.penalty().times(&norm_square(&(term.apply(x) - z))));
        parts.reduce(|sum, part| sum + part).map_or_else(|| Array::from(0.0f32), |sum| sum.sqrt())
    }

    /// `‖Σ ρ_i C_iᴴ (z_i − old_i)‖`.
    #[track_caller]
    pub fn dual_residual(&self, z: &[BlockArray], old: &[BlockArray]) -> Array {
        let parts = self.terms.iter().zip(z).zip(old).map(|((term, z), old)| term.pull(&(z - old)));
        let sum = parts.reduce(|sum, part| zip(NAME, &sum, &part, |a, b| a + b));
        sum.map_or_else(|| Array::from(0.0f32), |sum| norm(&sum))
    }

    fn input_type(&self) -> X::Type {
        self.terms[0].input_type()
    }

    /// The dtype of statistics of the subproblem.
    fn real(&self) -> DType {
        X::array_types(&self.input_type()).first().map_or(DType::F32, |ty| ty.dtype.real())
    }
}

impl<X: Variable, F: Prox<X>> Admm<F, ConsensusSolver, X> {
    /// The consensus form: `min Σ f_i(x_i) + f(x)` subject to `x_i = x`, with one penalty `ρ` for all. Each `f_i` has a
    /// copy `x_i` of the variable (`z` in the state) and its own prox, and the copies are led to agree:
    ///
    /// ```text
    /// x⁺   = prox_{f/Nρ}(mean_i (x_i − u_i))
    /// x_i⁺ = prox_{f_i/ρ}(x⁺ + u_i)
    /// u_i⁺ = u_i + x⁺ − x_i⁺
    /// ```
    ///
    /// The `f_i` may be losses of parts of the data, each with its own operator; `f` is what regularises, or
    /// [`ZeroFunctional`](crate::functional::ZeroFunctional).
    ///
    /// ```
    /// use cotangent::functional::{Prox, ZeroFunctional};
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::optimize::{Admm, Options, Stop, solve};
    /// use cotangent::Array;
    /// use std::sync::Arc;
    ///
    /// // The mean of two measurements minimises the sum of their squared distances.
    /// let measured = [Array::from([1.0f32, 4.0]), Array::from([3.0f32, 0.0])];
    /// let ty = measured[0].ty()?;
    /// let losses = measured.map(|y| SquaredL2Loss::new(y).map(|loss| Arc::new(loss) as Arc<dyn Prox>));
    /// let losses = losses.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let method = Admm::consensus(ZeroFunctional::new(), losses, ty, 1.0)?;
    /// let solution = solve(&method, &Options { stop: Stop::at(1e-6), ..Options::default() })?.converged()?;
    /// let x = solution.x.to_vec::<f32>()?;
    /// assert!((x[0] - 2.0).abs() < 1e-5 && (x[1] - 2.0).abs() < 1e-5);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// No functional.
    pub fn consensus(
        f: F,
        parts: impl IntoIterator<Item = Arc<dyn Prox<X>>>,
        ty: X::Type,
        rho: impl Into<Factor>,
    ) -> Result<Admm<F, ConsensusSolver, X>> {
        let rho = rho.into();
        let identity: LinOp<X, X> = LinOp::from_shared(Arc::new(Identity::new(ty)));
        Admm::new(f, parts.into_iter().map(|part| Term::new(part, &identity, rho.clone())), ConsensusSolver::new())
    }
}

impl<X: Variable, F: Functional<X>, S: SubproblemSolver<F, X>> Method for Admm<F, S, X> {
    type Variable = X;
    type State = AdmmState<X>;
    type Prepared = S::Prepared;

    fn prepare(&self) -> Result<S::Prepared> {
        finite(NAME, "the relaxation alpha", &self.alpha)?;
        start(NAME, "x0", self.x0.as_ref(), &self.input_type())?;
        self.solver.prepare(&self.f, &self.terms)
    }

    fn init(&self) -> AdmmState<X> {
        let x = started(NAME, "x0", self.x0.as_ref(), &self.input_type());
        let z: Vec<BlockArray> = self.terms.iter().map(|term| term.apply(&x)).collect();
        let u = z.iter().map(BlockArray::zeros_like).collect();
        let subproblem = self.solver.columns().iter().map(|_| Array::zeros(&[], self.real())).collect();
        let value = self.solver.gives_value(&self.f).then(|| Array::zeros(&[], self.real()));
        AdmmState { x, z, u, subproblem, value }
    }

    fn step(&self, prepared: &S::Prepared, state: &AdmmState<X>) -> AdmmState<X> {
        let targets: Vec<BlockArray> = state.z.iter().zip(&state.u).map(|(z, u)| z - u).collect();
        let found = self.solver.solve(&self.f, &self.terms, prepared, &state.x, &targets);
        let Subsolution { x, statistics, value } = found;
        let value = value.map(|value| value.astype(self.real()));
        let subproblem = statistics.iter().map(|value| value.astype(self.real())).collect();
        let relaxed = self.alpha.as_real() != Some(1.0);
        let rest = &Factor::ONE + &-&self.alpha;
        let (mut zs, mut us) = (Vec::new(), Vec::new());
        for ((term, z), u) in self.terms.iter().zip(&state.z).zip(&state.u) {
            let cx = term.apply(&x);
            let c = if relaxed { cx.zip(z, |cx, z| self.alpha.times(cx) + rest.times(z)) } else { cx };
            let z = term.prox(&(&c + u));
            us.push(u + c - &z);
            zs.push(z);
        }
        AdmmState { x, z: zs, u: us, subproblem, value }
    }

    fn minimizer(&self, state: &AdmmState<X>) -> X {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        let own = [Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")];
        own.into_iter().chain(self.solver.columns()).collect()
    }

    fn statistics(&self, previous: &AdmmState<X>, state: &AdmmState<X>) -> Vec<Array> {
        let objective = match &state.value {
            Some(value) => self.sum(value.clone(), &state.z),
            None => self.objective(&state.x, &state.z),
        };
        let primal = self.primal_residual(&state.x, &state.z);
        let dual = self.dual_residual(&state.z, &previous.z);
        [vec![objective, primal, dual], state.subproblem.clone()].concat()
    }

    fn done(&self, _previous: &AdmmState<X>, state: &AdmmState<X>, statistics: &[Array], tolerance: f64) -> Array {
        let scale = norm(&state.x);
        let small = is_small(&statistics[1], &scale, tolerance) & is_small(&statistics[2], &scale, tolerance);
        // Where data are not finite, conjugate gradients stay where they are, and only their residual tells so.
        state.subproblem.iter().fold(small, |small, statistic| small & statistic.is_finite())
    }
}
