//! Primal-dual and linearized methods, and estimates of their parameters.

use super::{prox, run};
use crate::fixtures::Case;
use crate::formula::{Formula, Value as Operand};
use crate::imaging::functional::Described;
use crate::imaging::{Given, input_type, number, operator, sizes};
use crate::report::{Broken, Computed, Results};
use cotangent::linop::{Identity, LinOp};
use cotangent::operator::Op;
use cotangent::optimize::{Constraint, LinearizedAdmm, NonLinearPadmm, Pdhg, ProximalAdmm};
use cotangent::{Array, BlockArray, BlockType, DType, Type};
use serde_json::Value;
use std::collections::BTreeMap;

/// What operators are described for.
pub(super) trait Coupled: Described {
    /// An operator from its description.
    fn coupling(case: Case<'_>, op: &Value) -> Computed<LinOp<Self, Self>>;
}

impl Coupled for Array {
    fn coupling(case: Case<'_>, op: &Value) -> Computed<LinOp> {
        operator::linear(case, op)
    }
}

impl Coupled for BlockArray {
    fn coupling(_case: Case<'_>, op: &Value) -> Computed<LinOp<BlockArray, BlockArray>> {
        if op["op"] != "Identity" {
            return Err(Broken(format!("the runner knows no operator of block arrays {op}")));
        }
        let shapes: Vec<Vec<usize>> = op["input_shape"].as_array().unwrap().iter().map(sizes).collect();
        let dtype = crate::imaging::dtype(op);
        Ok(Identity::new(BlockType::new(dtype, &shapes)).into())
    }
}

fn parameter(problem: &Value, name: &str) -> f64 {
    number(&problem[name])
}

/// A start that a description names, if it does.
fn start<X: Given>(case: Case<'_>, problem: &Value, name: &str) -> Option<X> {
    problem.get(name).map(|given| X::given(case, crate::imaging::name(given)))
}

pub(super) fn linearized_admm<X: Coupled>(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let (f, g) = (prox::<X>(case, &problem["f"])?, prox::<X>(case, &problem["g"])?);
    let c = X::coupling(case, &problem["C"])?;
    let mut method = LinearizedAdmm::new(f, g, c, parameter(problem, "mu"), parameter(problem, "nu"));
    if let Some(x0) = start(case, problem, "x0") {
        method = method.start(x0);
    }
    run(case, &method, |state, name| match name {
        "z" => state.z.clone().into_arrays(),
        _ => state.u.clone().into_arrays(),
    })
}

pub(super) fn pdhg<X: Coupled>(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let (f, g) = (prox::<X>(case, &problem["f"])?, prox::<X>(case, &problem["g"])?);
    let c = X::coupling(case, &problem["C"])?;
    solve_pdhg(case, problem, Pdhg::new(f, g, c, parameter(problem, "tau"), parameter(problem, "sigma")))
}

pub(super) fn nonlinear_pdhg(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let (f, g) = (prox::<Array>(case, &problem["f"])?, prox::<Array>(case, &problem["g"])?);
    let formula = Formula::new(problem["C"]["formula"].as_str().unwrap());
    let map = move |x: &Array| formula.value(&[("x", Operand::Array(x.clone()))]);
    let c: Op = Op::new(input_type(&problem["C"]), map)?;
    solve_pdhg(case, problem, Pdhg::nonlinear(f, g, c, parameter(problem, "tau"), parameter(problem, "sigma")))
}

fn solve_pdhg<X: Given>(case: Case<'_>, problem: &Value, mut method: Pdhg<X, X>) -> Computed<Results> {
    if let Some(alpha) = problem["alpha"].as_f64() {
        method = method.extrapolation(alpha);
    }
    if let Some(x0) = start(case, problem, "x0") {
        method = method.start(x0);
    }
    if let Some(z0) = start(case, problem, "z0") {
        method = method.dual_start(z0);
    }
    run(case, &method, |state, _| state.z.clone().into_arrays())
}

pub(super) fn proximal_admm<X: Coupled>(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let (f, g) = (prox::<X>(case, &problem["f"])?, prox::<X>(case, &problem["g"])?);
    let a = X::coupling(case, &problem["A"])?;
    let [rho, mu, nu] = ["rho", "mu", "nu"].map(|name| parameter(problem, name));
    let mut method = match problem.get("B") {
        Some(b) => ProximalAdmm::coupled(f, g, a, X::coupling(case, b)?, rho, mu, nu),
        None => ProximalAdmm::new(f, g, a, rho, mu, nu),
    };
    if let Some(c) = start(case, problem, "c") {
        method = method.offset(c);
    }
    if let Some(x0) = start(case, problem, "x0") {
        method = method.start(x0);
    }
    if let Some(z0) = start(case, problem, "z0") {
        method = method.split_start(z0);
    }
    if let Some(u0) = start(case, problem, "u0") {
        method = method.dual_start(u0);
    }
    if problem["fast_dual_residual"] == false {
        method = method.exact_dual_residual();
    }
    run(case, &method, |state, name| match name {
        "z" => state.z.clone().into_arrays(),
        _ => state.u.clone().into_arrays(),
    })
}

pub(super) fn nonlinear_padmm(case: Case<'_>, problem: &Value) -> Computed<Results> {
    let (f, g) = (prox::<Array>(case, &problem["f"])?, prox::<Array>(case, &problem["g"])?);
    let [rho, mu, nu] = ["rho", "mu", "nu"].map(|name| parameter(problem, name));
    let mut method = NonLinearPadmm::new(f, g, constraint(&problem["H"])?, rho, mu, nu);
    if let Some(x0) = start(case, problem, "x0") {
        method = method.start(x0);
    }
    if let Some(z0) = start(case, problem, "z0") {
        method = method.split_start(z0);
    }
    if problem["fast_dual_residual"] == false {
        method = method.exact_dual_residual();
    }
    run(case, &method, |state, _| vec![state.z.clone()])
}

fn constraint(h: &Value) -> Computed<Constraint> {
    let dtype = |at: usize| match h["input_dtype"].as_str().or_else(|| h["input_dtype"][at].as_str()) {
        Some("float32") => DType::F32,
        Some("float64") => DType::F64,
        Some("complex64") => DType::C64,
        Some("complex128") => DType::C128,
        other => panic!("dtype {other:?}"),
    };
    let ty = |at: usize| Type::new(dtype(at), &sizes(&h["input_shapes"][at]));
    let formula = Formula::new(h["formula"].as_str().unwrap());
    let function = move |x: &Array, z: &Array| {
        formula.value(&[("x", Operand::Array(x.clone())), ("z", Operand::Array(z.clone()))])
    };
    Ok(Constraint::new(ty(0), ty(1), function)?)
}

/// The estimates of a case of `estimate_parameters`.
pub(super) fn estimates(case: Case<'_>) -> Computed<Results> {
    let params = case.params();
    assert_eq!(params["maxiter"], 100, "the number of power iterations of the estimates");
    let factor = parameter(params, "factor");
    let operator = |name: &str| params.get(name).map(|op| operator::linear(case, op)).transpose();
    let (names, pair) = match operator("C")? {
        Some(c) => (["tau", "sigma"], Pdhg::estimate_parameters(&c, parameter(params, "ratio"), factor)?),
        None => {
            let a = operator("A")?.unwrap();
            let pair = match operator("B")? {
                Some(b) => ProximalAdmm::estimate_coupled_parameters(&a, &b, factor)?,
                None => ProximalAdmm::estimate_parameters(&a, factor)?,
            };
            (["mu", "nu"], pair)
        }
    };
    // Ours are numbers; the reference's have the dtype of what they were found with.
    let values = BTreeMap::from([(names[0], pair.0), (names[1], pair.1)]);
    let outputs = case.outputs();
    outputs.map(|(name, want)| Ok((name.into(), vec![Array::from(values[name]).astype(want[0].dtype()?)]))).collect()
}
