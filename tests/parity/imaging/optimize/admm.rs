//! ADMM with each solver of its subproblem.

use super::{prox, run};
use crate::fixtures::Case;
use crate::imaging::functional::{Described, functional};
use crate::imaging::operator::{self, block_type, boundary};
use crate::imaging::{Given, input_type, name, number};
use crate::report::{Broken, Computed, Results};
use cotangent::functional::{Functional, ZeroFunctional};
use cotangent::linop::{Diagonal, FiniteDifference, Identity};
use cotangent::loss::{Loss, SquaredL2Loss};
use cotangent::optimize::{
    Admm, AdmmState, CircularConvolveSolver, FBlockCircularConvolveSolver, G0BlockCircularConvolveSolver,
    GenericSubproblemSolver, LeastSquares, LinearSubproblemSolver, MatrixSubproblemSolver, SubproblemSolver, Term,
};
use cotangent::solver::{ConjugateGradient, Factorization};
use cotangent::{Array, BlockArray, Tree, Variable};
use serde_json::Value;

/// The results of a case.
pub(super) fn compute(case: Case<'_>) -> Computed<Results> {
    let problem = &case.params()["problem"];
    if case.has_input("yb") {
        return blocks(case, problem);
    }
    let terms = terms(problem, |g, c, rho| term(case, g, c, rho))?;
    let f = &problem["f"];
    match f["loss"].as_str() {
        Some("SquaredL2Loss") if problem["subproblem"]["solver"] == "FBlockCircularConvolveSolver" => {
            solved(case, squared(case, f)?, terms, FBlockCircularConvolveSolver::new())
        }
        Some("SquaredL2Loss") => quadratic(case, squared(case, f)?, terms),
        Some("Loss") => {
            let a = operator::linear(case, &f["A"])?;
            let loss = Loss::new(case.input(name(&f["y"])), functional::<Array>(case, &f["f"])?)?.operator(a)?;
            solved(case, loss, terms, GenericSubproblemSolver::default())
        }
        Some(other) => Err(Broken(format!("the runner knows no loss {other}"))),
        None if problem["subproblem"]["solver"] == "G0BlockCircularConvolveSolver" => {
            solved(case, ZeroFunctional::new(), terms, G0BlockCircularConvolveSolver::new())
        }
        None => quadratic(case, ZeroFunctional::new(), terms),
    }
}

/// With a solver for quadratic functionals of arrays.
fn quadratic<F: LeastSquares>(case: Case<'_>, f: F, terms: Vec<Term>) -> Computed<Results> {
    let solver = &case.params()["problem"]["subproblem"];
    match solver["solver"].as_str().unwrap_or_default() {
        "LinearSubproblemSolver" => solved(case, f, terms, linear(solver)),
        "CircularConvolveSolver" => solved(case, f, terms, CircularConvolveSolver::new()),
        "GenericSubproblemSolver" => solved(case, f, terms, GenericSubproblemSolver::default()),
        "MatrixSubproblemSolver" => {
            let factorization = match solver["solve_kwargs"]["cho_factor"] == true {
                true => Factorization::Cholesky,
                false => Factorization::Lu,
            };
            solved(case, f, terms, MatrixSubproblemSolver::new().factorization(factorization))
        }
        other => Err(Broken(format!("the runner knows no solver {other}"))),
    }
}

/// Problems of block arrays.
fn blocks(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let term = |g: &Value, c: &Value, rho: f64| {
        Ok(Term::new(functional::<BlockArray>(case, g)?, Identity::new(block_type(c)), rho))
    };
    let terms = terms(problem, term)?;
    let f = &problem["f"];
    let loss = SquaredL2Loss::new(BlockArray::given(case, name(&f["y"])))?;
    let solver = linear(&problem["subproblem"]);
    match f["A"]["op"].as_str() {
        Some("Diagonal") => {
            let diagonal = Diagonal::<BlockArray>::new(BlockArray::given(case, name(&f["A"]["diagonal"])))?;
            solved(case, loss.operator::<BlockArray>(diagonal)?, terms, solver)
        }
        _ => solved(case, loss, terms, solver),
    }
}

fn terms<T>(problem: &Value, term: impl Fn(&Value, &Value, f64) -> Computed<T>) -> Computed<Vec<T>> {
    let list = |field: &str| problem[field].as_array().unwrap_or_else(|| panic!("{field} is no list")).iter();
    list("g").zip(list("C")).zip(list("rho")).map(|((g, c), rho)| term(g, c, number(rho))).collect()
}

fn term(case: Case<'_>, g: &Value, c: &Value, rho: f64) -> Computed<Term> {
    let open = |end: &str| c[end].is_null();
    if c["op"] == "FiniteDifference" && c["circular"] != true && open("append") && open("prepend") {
        let d = FiniteDifference::blocks(input_type(c), boundary(c))?;
        return Ok(Term::new(prox::<BlockArray>(case, g)?, d, rho));
    }
    let c = operator::linear(case, c)?;
    Ok(match g["loss"].as_str() {
        Some("SquaredL2Loss") => Term::new(squared(case, g)?, c, rho),
        _ => Term::new(prox::<Array>(case, g)?, c, rho),
    })
}

fn squared(case: Case<'_>, f: &Value) -> Computed<SquaredL2Loss> {
    let mut loss = SquaredL2Loss::new(case.input(name(&f["y"])))?.scale(f["scale"].as_f64().unwrap_or(0.5));
    if f["A"].is_object() {
        loss = loss.operator::<Array>(operator::linear(case, &f["A"])?)?;
    }
    if f["W"].is_string() {
        loss = loss.weights(case.input(name(&f["W"])).real())?;
    }
    Ok(loss)
}

fn linear<X: Variable>(solver: &Value) -> LinearSubproblemSolver<X> {
    let limits = &solver["cg_kwargs"];
    let default = ConjugateGradient::default();
    LinearSubproblemSolver::new(ConjugateGradient {
        tolerance: limits["tol"].as_f64().unwrap_or(default.tolerance),
        max_iterations: limits["maxiter"].as_i64().map_or(default.max_iterations, |count| count as i32),
        ..default
    })
}

fn solved<X, F, S>(case: Case<'_>, f: F, terms: Vec<Term<X>>, solver: S) -> Computed<Results>
where
    X: Given + Described,
    F: Functional<X>,
    S: SubproblemSolver<F, X>,
{
    let problem = &case.params()["problem"];
    let mut method = Admm::new(f, terms, solver)?;
    if let Some(alpha) = problem["alpha"].as_f64() {
        method = method.relaxation(alpha);
    }
    if problem["x0"].is_string() {
        method = method.start(X::given(case, name(&problem["x0"])));
    }
    run(case, &method, |state: &AdmmState<X>, output| {
        let (list, at) = output.split_at(output.len() - 1);
        let list = if list == "z_list" { &state.z } else { &state.u };
        at.parse::<usize>().map(|at| list[at].leaves()).unwrap_or_default()
    })
}
