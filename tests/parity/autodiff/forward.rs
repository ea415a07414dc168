//! Tangents pushed forward: `jvp`, `linearize`, `jacfwd`.

use super::problem::Problem;
use crate::report::{Computed, Results};
use cotangent::{Array, jacfwd, jvp, linearize};

pub(crate) fn jvp_results(problem: &Problem<'_>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| problem.apply(&leaves);
    let (value, tangent) = jvp(f, problem.leaves(), problem.inputs_like("d"))?;
    let mut results = Results::new();
    problem.add_results("value", value, &mut results);
    problem.add_results("tangent", tangent, &mut results);
    Ok(results)
}

pub(crate) fn linearize_results(problem: &Problem<'_>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| problem.apply(&leaves);
    let (value, push) = linearize(f, problem.leaves())?;
    let mut results = Results::new();
    problem.add_results("value", value, &mut results);
    for k in 0..problem.case.params()["tangents"].as_u64().unwrap() {
        let tangent = push.call(problem.inputs_like(&format!("d{k}")))?;
        problem.add_results(&format!("tangent{k}"), tangent, &mut results);
    }
    Ok(results)
}

/// The Jacobian by all arguments.
pub(crate) fn jacfwd_results(problem: &Problem<'_>) -> Computed<Results> {
    let columns = jacfwd(|leaves: Vec<Array>| problem.apply_one(0, &leaves));
    let columns = if problem.is_holomorphic() { columns.holomorphic() } else { columns };
    let columns = columns.call(problem.leaves())?;
    let mut results = Results::new();
    problem.add_by_argument("jac", columns, &mut results);
    Ok(results)
}
