//! Area `optimize`: solutions, statistics of every step and states of all methods.

mod admm;
mod first_order;
mod proximal_gradient;

use super::functional::{Described, functional};
use super::name;
use crate::fixtures::Case;
use crate::report::{Broken, Computed, Results};
use cotangent::functional::Prox;
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{Method, Options, solve};
use cotangent::{Array, BlockArray, Variable};
use serde_json::Value;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let target = case.target().strip_prefix("optimize.").unwrap_or_default();
    if target.ends_with("estimate_parameters") {
        return first_order::estimates(case);
    }
    let problem = &case.params()["problem"];
    let blocks = ["yb", "y"].iter().any(|name| case.has_input(name) && case.is_block(name));
    match (target, blocks) {
        ("ADMM", _) => admm::compute(case),
        ("LinearizedADMM", false) => first_order::linearized_admm::<Array>(case, problem),
        ("LinearizedADMM", true) => first_order::linearized_admm::<BlockArray>(case, problem),
        ("PDHG", _) if problem["C"]["op"] == "Operator" => first_order::nonlinear_pdhg(case, problem),
        ("PDHG", false) => first_order::pdhg::<Array>(case, problem),
        ("PDHG", true) => first_order::pdhg::<BlockArray>(case, problem),
        ("ProximalADMM", false) => first_order::proximal_admm::<Array>(case, problem),
        ("ProximalADMM", true) => first_order::proximal_admm::<BlockArray>(case, problem),
        ("NonLinearPADMM", _) => first_order::nonlinear_padmm(case, problem),
        ("PGM" | "AcceleratedPGM", false) => {
            proximal_gradient::compute::<Array>(case, problem, target == "AcceleratedPGM")
        }
        ("PGM" | "AcceleratedPGM", true) => {
            proximal_gradient::compute::<BlockArray>(case, problem, target == "AcceleratedPGM")
        }
        _ => Err(Broken(format!("the runner knows no optimizer {target}"))),
    }
}

/// A functional or a loss of the variable itself, from its description.
fn prox<X: Described>(case: Case<'_>, f: &Value) -> Computed<Box<dyn Prox<X>>> {
    match f["loss"].as_str() {
        Some("SquaredL2Loss") => {
            Ok(Box::new(SquaredL2Loss::new(X::given(case, name(&f["y"])))?.scale(f["scale"].as_f64().unwrap_or(0.5))))
        }
        Some(other) => Err(Broken(format!("the runner knows no prox of a loss {other}"))),
        None => functional::<X>(case, f),
    }
}

/// Runs a method as long as the case says: its solution, its statistics, and what the case wants to see of its state.
fn run<M: Method>(case: Case<'_>, method: &M, state: impl Fn(&M::State, &str) -> Vec<Array>) -> Computed<Results>
where
    M::Variable: Variable,
{
    let max_steps = case.params()["maxiter"].as_u64().unwrap() as usize;
    let solution = solve(method, &Options { max_steps, ..Options::default() })?;
    let mut results = Results::new();
    use cotangent::Tree;
    results.insert("x".into(), solution.x.leaves());
    for (output, _) in case.outputs() {
        if let Some(column) = output.strip_prefix("hist_") {
            let numbers = solution.history.column(column).ok_or_else(|| Broken(format!("no column {column}")))?;
            results.insert(output.into(), vec![Array::from(numbers)]);
        } else if output != "x" {
            results.insert(output.into(), state(&solution.state, output));
        }
    }
    Ok(results)
}
