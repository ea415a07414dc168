//! Derivatives of formulas, by every transformation.
//!
//! A case is a formula, the arguments to differentiate by, and a target: the transformation. Functions take a vector of
//! arrays and return one, whatever the number and structure of arguments, so that one runner serves all cases.

mod forward;
mod problem;
mod reverse;
mod rules;
mod second;

use crate::fixtures::Case;
use crate::report::{Broken, Computed, Results};
use problem::Problem;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let problem = Problem::new(case);
    let target = case.target();
    match target.split('.').next_back().unwrap_or(target) {
        "jvp" => forward::jvp_results(&problem),
        "linearize" => forward::linearize_results(&problem),
        "jacfwd" => forward::jacfwd_results(&problem),
        "vjp" => reverse::vjp_results(&problem),
        "cvjp" => reverse::cvjp_results(&problem),
        "custom_jvp" => rules::custom_jvp_results(&problem),
        "custom_vjp" => rules::custom_vjp_results(&problem),
        "grad" => reverse::grad_results(&problem),
        "value_and_grad" => reverse::value_and_grad_results(&problem),
        "jacrev" => reverse::jacrev_results(&problem),
        "linear_adjoint" => reverse::linear_adjoint_results(&problem),
        "linear_transpose" => reverse::linear_transpose_results(&problem),
        "vmap_grad" => reverse::batched_grad_results(&problem),
        "hessian" => second::hessian_results(&problem),
        "hvp" => second::hvp_results(&problem),
        "nth_derivative" => second::nth_derivative_results(&problem),
        other => Err(Broken(format!("the runner knows no target {other}"))),
    }
}
