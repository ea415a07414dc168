//! Cotangents pulled back: `vjp`, gradients, `jacrev`, adjoints.

use super::problem::Problem;
use crate::report::{Broken, Computed, Results};
use cotangent::{
    AllArguments, Array, cvjp, grad, jacrev, linear_adjoint, linear_transpose, value_and_grad, value_and_grad_aux, vjp,
    vmap,
};

pub(crate) fn vjp_results(problem: &Problem<'_>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| problem.apply(&leaves);
    let (value, pull) = vjp(f, problem.leaves())?;
    let mut results = Results::new();
    problem.add_results("value", value, &mut results);
    problem.add_by_argument("ct", pull.call(problem.cotangents())?, &mut results);
    Ok(results)
}

/// The conjugated pullback, by all arguments or by one.
pub(crate) fn cvjp_results(problem: &Problem<'_>) -> Computed<Results> {
    let leaves = problem.leaves();
    let chosen: Vec<usize> = match problem.case.params().get("jidx").and_then(serde_json::Value::as_u64) {
        Some(position) => vec![position as usize],
        None => (0..leaves.len()).collect(),
    };
    let f = |own: Vec<Array>| {
        let mut leaves = leaves.clone();
        chosen.iter().zip(own).for_each(|(&position, leaf)| leaves[position] = leaf);
        problem.apply(&leaves)
    };
    let own: Vec<Array> = chosen.iter().map(|&position| leaves[position].clone()).collect();
    let (value, pull) = cvjp(f, own)?;
    let mut results = Results::new();
    problem.add_results("value", value, &mut results);
    let names = problem.leaf_names();
    for (&position, ct) in chosen.iter().zip(pull.call(problem.cotangents())?) {
        results.insert(format!("ct_{}", names[position]), vec![ct]);
    }
    Ok(results)
}

pub(crate) fn grad_results(problem: &Problem<'_>) -> Computed<Results> {
    let gradient = grad(|leaves: Vec<Array>| problem.apply_one(0, &leaves));
    let gradient = if problem.is_holomorphic() { gradient.holomorphic() } else { gradient };
    let gradient = gradient.call(problem.leaves())?;
    let mut results = Results::new();
    add_gradient(problem, gradient, &mut results);
    Ok(results)
}

pub(crate) fn value_and_grad_results(problem: &Problem<'_>) -> Computed<Results> {
    let mut results = Results::new();
    let has_aux = problem.case.params()["has_aux"] == true;
    let (value, gradient) = if has_aux {
        let f = |leaves: Vec<Array>| (problem.apply_one(0, &leaves), problem.apply_one(1, &leaves));
        let ((value, aux), gradient) = value_and_grad_aux(f).call(problem.leaves())?;
        results.insert("aux".into(), vec![aux]);
        (value, gradient)
    } else {
        value_and_grad(|leaves: Vec<Array>| problem.apply_one(0, &leaves)).call(problem.leaves())?
    };
    results.insert("value".into(), vec![value]);
    add_gradient(problem, gradient, &mut results);
    Ok(results)
}

/// The Jacobian of one result after the other.
pub(crate) fn jacrev_results(problem: &Problem<'_>) -> Computed<Results> {
    let mut results = Results::new();
    for (position, suffix) in problem.result_names().enumerate() {
        let rows = jacrev(|leaves: Vec<Array>| problem.apply_one(position, &leaves));
        let rows = if problem.is_holomorphic() { rows.holomorphic() } else { rows };
        let rows = rows.call(problem.leaves())?;
        problem.add_by_argument(&format!("jac{}", suffix.trim_start_matches('.')), rows, &mut results);
    }
    Ok(results)
}

pub(crate) fn linear_adjoint_results(problem: &Problem<'_>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| problem.apply(&leaves);
    let adjoint = linear_adjoint(f, &problem.leaves())?;
    linear_map_results(problem, adjoint.call(problem.cotangents())?)
}

pub(crate) fn linear_transpose_results(problem: &Problem<'_>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| problem.apply(&leaves);
    let transpose = linear_transpose(f, &problem.leaves())?;
    linear_map_results(problem, transpose.call(problem.cotangents())?)
}

fn linear_map_results(problem: &Problem<'_>, cotangents: Vec<Array>) -> Computed<Results> {
    let mut results = Results::new();
    problem.add_results("value", problem.apply(&problem.leaves()), &mut results);
    problem.add_by_argument("ct", cotangents, &mut results);
    Ok(results)
}

/// Gradients of a batch, each argument sliced along its own axis or shared.
pub(crate) fn batched_grad_results(problem: &Problem<'_>) -> Computed<Results> {
    let axes = problem.case.params()["in_axes"].as_array().unwrap();
    let axes: Vec<Option<isize>> = axes.iter().map(|axis| axis.as_i64().map(|axis| axis as isize)).collect();
    let leaves = problem.leaves();
    let gradient = match <[Array; 2]>::try_from(leaves) {
        Ok([x, y]) => {
            let gradient = grad(|x: Array, y: Array| problem.apply_one(0, &[x, y])).wrt::<AllArguments>();
            let (by_x, by_y) = vmap(gradient).in_axes(&axes).call((x, y))?;
            vec![by_x, by_y]
        }
        Err(leaves) => {
            let message = format!("the runner batches functions of two arguments, not of {}", leaves.len());
            return Err(Broken(message));
        }
    };
    let mut results = Results::new();
    add_gradient(problem, gradient, &mut results);
    Ok(results)
}

fn add_gradient(problem: &Problem<'_>, gradient: Vec<Array>, results: &mut Results) {
    let gradient = gradient.into_iter().map(|array| problem.in_convention(array)).collect();
    problem.add_by_argument("grad", gradient, results);
}
