//! The alternating direction method of multipliers.

use super::{Column, Method, SubproblemSolver};
use crate::functional::{Functional, Prox};
use crate::inner::{norm, norm_square};
use crate::linop::LinOp;
use crate::{Array, Error, ErrorKind, Factor, Result, Type, impl_tree};
use std::sync::Arc;

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
#[derive(Clone)]
pub struct Admm<F, S> {
    f: F,
    terms: Vec<Term>,
    solver: S,
    alpha: Factor,
    x0: Option<Array>,
}

/// A term `g(C x)` with its penalty `ρ`.
#[derive(Clone)]
pub struct Term {
    /// The functional.
    pub g: Arc<dyn Prox>,
    /// The operator.
    pub c: LinOp,
    /// The penalty.
    pub rho: Factor,
}

/// The state of [`Admm`].
#[derive(Clone)]
pub struct AdmmState {
    /// The solution.
    pub x: Array,
    /// The splitting variable of each term.
    pub z: Vec<Array>,
    /// The scaled dual variable of each term.
    pub u: Vec<Array>,
    /// Statistics of the subproblem.
    pub subproblem: Vec<Array>,
}
impl_tree!(AdmmState { x, z, u, subproblem });

impl Term {
    /// The term `g(C x)` with penalty `ρ`.
    pub fn new(g: impl Prox + 'static, c: impl Into<LinOp>, rho: impl Into<Factor>) -> Term {
        Term { g: Arc::new(g), c: c.into(), rho: rho.into() }
    }
}

impl<F: Functional, S: SubproblemSolver<F>> Admm<F, S> {
    /// The method for `f(x) + Σ g_i(C_i x)`; without `f`, pass [`ZeroFunctional`](crate::functional::ZeroFunctional).
    ///
    /// # Errors
    /// No term; terms whose operators take different types.
    pub fn new(f: F, terms: impl IntoIterator<Item = Term>, solver: S) -> Result<Admm<F, S>> {
        let terms: Vec<Term> = terms.into_iter().collect();
        let refuse = |message: String| Err(Error::new(ErrorKind::Argument, "Admm", message));
        let Some(first) = terms.first() else {
            return refuse("no term was given; pass at least one".into());
        };
        if let Some(other) = terms.iter().find(|term| term.c.input_type() != first.c.input_type()) {
            return refuse(format!("operators {:?} and {:?} must take the same type", first.c, other.c));
        }
        Ok(Admm { f, terms, solver, alpha: Factor::ONE, x0: None })
    }

    /// With another relaxation `α` than 1, commonly between 1 and 1.8.
    pub fn relaxation(self, alpha: impl Into<Factor>) -> Admm<F, S> {
        Admm { alpha: alpha.into(), ..self }
    }

    /// Starting from `x0`.
    pub fn start(self, x0: Array) -> Admm<F, S> {
        Admm { x0: Some(x0), ..self }
    }

    fn input_type(&self) -> Type {
        self.terms[0].c.input_type()
    }
}

impl<F: Functional, S: SubproblemSolver<F>> Method for Admm<F, S> {
    type Variable = Array;
    type State = AdmmState;
    type Prepared = S::Prepared;

    fn prepare(&self) -> Result<S::Prepared> {
        self.solver.prepare(&self.f, &self.terms)
    }

    fn init(&self) -> AdmmState {
        let ty = self.input_type();
        let x = match &self.x0 {
            Some(x0) => x0.astype(ty.dtype),
            None => Array::zeros(&ty.shape, ty.dtype),
        };
        let z: Vec<Array> = self.terms.iter().map(|term| term.c.apply(&x)).collect();
        let u = z.iter().map(Array::zeros_like).collect();
        let real = ty.dtype.real();
        let subproblem = self.solver.columns().iter().map(|_| Array::zeros(&[], real)).collect();
        AdmmState { x, z, u, subproblem }
    }

    fn step(&self, prepared: &S::Prepared, state: &AdmmState) -> AdmmState {
        let targets: Vec<Array> = state.z.iter().zip(&state.u).map(|(z, u)| z - u).collect();
        let (x, statistics) = self.solver.solve(&self.f, &self.terms, prepared, &state.x, &targets);
        let real = self.input_type().dtype.real();
        let subproblem = statistics.iter().map(|value| value.astype(real)).collect();
        let relaxed = self.alpha.as_real() != Some(1.0);
        let rest = &Factor::ONE + &-&self.alpha;
        let (mut zs, mut us) = (Vec::new(), Vec::new());
        for ((term, z), u) in self.terms.iter().zip(&state.z).zip(&state.u) {
            let cx = term.c.apply(&x);
            let c = if relaxed { self.alpha.times(&cx) + rest.times(z) } else { cx };
            let z = term.g.prox(&(&c + u), term.rho.recip());
            us.push(u + c - &z);
            zs.push(z);
        }
        AdmmState { x, z: zs, u: us, subproblem }
    }

    fn minimizer(&self, state: &AdmmState) -> Array {
        state.x.clone()
    }

    fn columns(&self) -> Vec<Column> {
        let own = [Column::real("Objective"), Column::real("Prml Rsdl"), Column::real("Dual Rsdl")];
        own.into_iter().chain(self.solver.columns()).collect()
    }

    fn statistics(&self, previous: &AdmmState, state: &AdmmState) -> Vec<Array> {
        let mut objective = self.f.value(&state.x);
        let mut primal = objective.zeros_like();
        let mut pull: Option<Array> = None;
        for (position, term) in self.terms.iter().enumerate() {
            let (z, old) = (&state.z[position], &previous.z[position]);
            objective += term.g.value(z);
            primal += term.rho.times(&norm_square(&(term.c.apply(&state.x) - z)));
            let part = term.rho.times(&term.c.adjoint(&(z - old)));
            pull = Some(match pull {
                Some(pull) => pull + part,
                None => part,
            });
        }
        let dual = pull.map_or_else(|| primal.zeros_like(), |pull| norm(&pull));
        [vec![objective, primal.sqrt(), dual], state.subproblem.clone()].concat()
    }

    fn done(&self, _previous: &AdmmState, state: &AdmmState, statistics: &[Array], tolerance: f64) -> Array {
        let limit = norm(&state.x).maximum(1.0) * tolerance;
        statistics[1].less_equal(&limit) & statistics[2].less_equal(&limit)
    }

    fn working(&self, state: &AdmmState) -> Vec<Array> {
        [std::slice::from_ref(&state.x), &state.z, &state.u].concat()
    }
}
