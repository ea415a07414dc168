//! Functions with derivatives of their own: `custom_jvp` and `custom_vjp`.

use super::problem::Problem;
use crate::formula::{Formula, Value};
use crate::report::{Computed, Results};
use cotangent::{Array, Function, custom_jvp, custom_vjp, grad, jvp, vjp};

/// A formula with the arrays its names stand for.
fn value(formula: &Formula, bound: &[(String, Array)]) -> Array {
    let values: Vec<(&str, Value)> =
        bound.iter().map(|(name, array)| (name.as_str(), Value::Array(array.clone()))).collect();
    formula.value(&values)
}

/// The formulas in a list of a case.
fn formulas(list: &serde_json::Value) -> Vec<Formula> {
    list.as_array().unwrap().iter().map(|text| Formula::new(text.as_str().unwrap())).collect()
}

/// Names with a prefix, bound to arrays.
fn bound(prefix: &str, names: &[String], arrays: &[Array]) -> Vec<(String, Array)> {
    names.iter().zip(arrays).map(|(name, array)| (format!("{prefix}{name}"), array.clone())).collect()
}

pub(crate) fn custom_jvp_results(problem: &Problem<'_>) -> Computed<Results> {
    let (params, names) = (problem.case.params(), problem.leaf_names());
    let f = |leaves: Vec<Array>| problem.apply_one(0, &leaves);
    let Some(text) = params.get("jvp") else { return by_argument(problem) };
    let rule = Formula::new(text.as_str().unwrap());
    let custom = custom_jvp(f).defjvp(|x: Vec<Array>, d: Vec<Array>| {
        let tangent = value(&rule, &[bound("", &names, &x), bound("d_", &names, &d)].concat());
        (f(x), tangent)
    });
    results(problem, custom)
}

/// One rule for each of two arguments.
fn by_argument(problem: &Problem<'_>) -> Computed<Results> {
    let names = problem.leaf_names();
    let rules = formulas(&problem.case.params()["jvps"]);
    let part = |number: usize, t: Array, x: &[Array]| {
        let tangent = vec![("t".to_string(), t)];
        value(&rules[number], &[bound("", &names, x), tangent].concat())
    };
    let f = |x: Array, y: Array| problem.apply_one(0, &[x, y]);
    let custom = custom_jvp(f).defjvps((
        |t: Array, _: Array, (x, y): (Array, Array)| part(0, t, &[x, y]),
        |t: Array, _: Array, (x, y): (Array, Array)| part(1, t, &[x, y]),
    ));
    results(problem, |leaves: Vec<Array>| custom.apply((leaves[0].clone(), leaves[1].clone())))
}

/// Value, tangent and gradient of a function of the leaves.
fn results<M>(problem: &Problem<'_>, f: impl Function<Vec<Array>, M, Output = Array>) -> Computed<Results> {
    let f = |leaves: Vec<Array>| f.apply(leaves);
    let (value, tangent) = jvp(f, problem.leaves(), problem.inputs_like("d"))?;
    let mut results = Results::new();
    results.insert("value".into(), vec![value]);
    results.insert("tangent".into(), vec![tangent]);
    let gradient = grad(|leaves: Vec<Array>| f(leaves).sum()).call(problem.leaves())?;
    problem.add_by_argument("grad", gradient, &mut results);
    Ok(results)
}

pub(crate) fn custom_vjp_results(problem: &Problem<'_>) -> Computed<Results> {
    let (params, names) = (problem.case.params(), problem.leaf_names());
    let (residuals, backward) = (formulas(&params["residuals"]), formulas(&params["bwd"]));
    let f = |leaves: Vec<Array>| problem.apply_one(0, &leaves);
    let custom = custom_vjp(
        f,
        |leaves: Vec<Array>| {
            let kept: Vec<Array> = residuals.iter().map(|r| value(r, &bound("", &names, &leaves))).collect();
            (f(leaves), kept)
        },
        |kept: Vec<Array>, ct: Array| -> Vec<Array> {
            let numbers: Vec<String> = (0..kept.len()).map(|number| number.to_string()).collect();
            let bound = [bound("r", &numbers, &kept), vec![("g".to_string(), ct)]].concat();
            backward.iter().map(|formula| value(formula, &bound)).collect()
        },
    );
    let f = |leaves: Vec<Array>| custom.apply(leaves);
    let (value, pull) = vjp(f, problem.leaves())?;
    let mut results = Results::new();
    results.insert("value".into(), vec![value]);
    problem.add_by_argument("ct", pull.call(problem.case.input("ct"))?, &mut results);
    let gradient = grad(|leaves: Vec<Array>| f(leaves).sum()).call(problem.leaves())?;
    problem.add_by_argument("grad", gradient, &mut results);
    Ok(results)
}
