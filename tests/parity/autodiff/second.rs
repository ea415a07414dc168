//! Derivatives of derivatives: Hessians, their products with vectors, and higher ones of scalar functions.

use super::problem::Problem;
use crate::report::{Computed, Results};
use cotangent::{Array, Function, grad, hessian, jvp};

/// The Hessian by all arguments at once: a block for every pair of them.
pub(crate) fn hessian_results(problem: &Problem<'_>) -> Computed<Results> {
    let names = problem.leaf_names();
    let mut results = Results::new();
    for (position, suffix) in problem.result_names().enumerate() {
        let blocks = hessian(|leaves: Vec<Array>| problem.apply_one(position, &leaves));
        let blocks = if problem.is_holomorphic() { blocks.holomorphic() } else { blocks };
        for (row, by_m) in blocks.call(problem.leaves())?.into_iter().zip(&names) {
            for (block, by_n) in row.into_iter().zip(&names) {
                let name = match problem.is_nested() {
                    // The keys alone name the blocks where the one argument is a map.
                    true => format!("hess{suffix}.{}.{}", key(by_m), key(by_n)),
                    false => format!("hess{suffix}_{by_m}_{by_n}"),
                };
                results.insert(name, vec![block]);
            }
        }
    }
    Ok(results)
}

fn key(leaf: &str) -> &str {
    leaf.rsplit('.').next().unwrap_or(leaf)
}

/// The derivative of the gradient in a direction.
pub(crate) fn hvp_results(problem: &Problem<'_>) -> Computed<Results> {
    let gradient = |leaves: Vec<Array>| grad(|x: Vec<Array>| problem.apply_one(0, &x)).apply(leaves).remove(0);
    let (_, product) = jvp(gradient, problem.leaves(), problem.inputs_like("d"))?;
    Ok(Results::from([("hvp".to_string(), vec![product])]))
}

pub(crate) fn nth_derivative_results(problem: &Problem<'_>) -> Computed<Results> {
    let order = problem.case.params()["order"].as_u64().unwrap();
    let x = problem.leaves().remove(0);
    let mut results = Results::new();
    for k in 0..=order {
        results.insert(format!("d{k}"), vec![derivative(problem, k, x.clone())]);
    }
    Ok(results)
}

/// The derivative of some order, by as many gradients of gradients.
fn derivative(problem: &Problem<'_>, order: u64, x: Array) -> Array {
    match order {
        0 => problem.apply_one(0, &[x]),
        _ => grad(|x: Array| derivative(problem, order - 1, x)).apply(x),
    }
}
