//! Area `solver`: linear systems, roots, minima.

use super::{number, operator};
use crate::fixtures::Case;
use crate::formula::{Formula, Value as Operand};
use crate::report::{Broken, Computed, Results};
use cotangent::linop::{Diagonal, LinOp, MatrixOperator};
use cotangent::solver::{
    Bfgs, Bisection, Bounds, Brent, ConjugateGradient, ConvAtadSolver, Factorization, GoldenSection, Lbfgs, MatrixAtad,
    Minimizer, Minimum, NelderMead, NonlinearCg, Shift, TruncatedNewton, bisect, conjugate_gradient, golden, minimize,
    minimize_scalar, minimize_scalar_within, preconditioned_conjugate_gradient, preconditioned_least_squares,
};
use cotangent::{Array, Type};
use serde_json::Value;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let params = case.params();
    match case.target() {
        "solver.cg" | "solver.jax_cg" => one("x", conjugate_gradients(case)?),
        "solver.lstsq" => one("x", least_squares(case)?),
        "solver.bisect" => {
            let limits = Bisection {
                x_tolerance: option(params, "xtol").unwrap_or(1e-7),
                value_tolerance: option(params, "ftol").unwrap_or(1e-7),
                max_iterations: option(params, "maxiter").unwrap_or(100.0) as i32,
            };
            one("x", bisect(formula(case), &case.input("a"), &case.input("b"), &limits)?.x)
        }
        "solver.golden" => {
            let limits = GoldenSection {
                x_tolerance: option(params, "xtol").unwrap_or(1e-7),
                max_iterations: option(params, "maxiter").unwrap_or(100.0) as i32,
            };
            let inner = case.has_input("c").then(|| case.input("c"));
            one("x", golden(formula(case), &case.input("a"), &case.input("b"), inner.as_ref(), &limits)?.x)
        }
        "solver.minimize" => {
            let start = case.input("x0");
            let minimum = minimize(formula(case), &start, &*method(params, &start)?);
            if STOPPED_EARLY.contains(&case.id()) { better(case, minimum) } else { found(minimum) }
        }
        "solver.minimize_scalar" => {
            let c = case.input("c");
            let number = |list: &Value, at: usize| Array::from(number(&list[at])).astype(c.dtype().unwrap());
            match params["method"].as_str().unwrap() {
                "brent" => {
                    let (first, second) = (number(&params["bracket"], 0), number(&params["bracket"], 1));
                    found(minimize_scalar(formula(case), &first, &second, &Brent::default()))
                }
                "bounded" => {
                    let (low, high) = (number(&params["bounds"], 0), number(&params["bounds"], 1));
                    found(minimize_scalar_within(formula(case), &low, &high, &Brent::default()))
                }
                other => Err(Broken(format!("the runner knows no method {other}"))),
            }
        }
        "solver.MatrixATADSolver" => one("x", matrix_system(case)?),
        "solver.ConvATADSolver" => {
            let solver =
                ConvAtadSolver::new(&operator::linear(case, &params["A"])?, &operator::linear(case, &params["D"])?)?;
            one("x", solver.solve(&case.input("b")))
        }
        other => Err(Broken(format!("the runner knows no solver {other}"))),
    }
}

fn one(name: &str, array: Array) -> Computed<Results> {
    Ok(Results::from([(name.to_string(), vec![array])]))
}

fn found(minimum: Minimum) -> Computed<Results> {
    Ok(Results::from([("x".to_string(), vec![minimum.x]), ("fun".to_string(), vec![minimum.value])]))
}

/// Where the reference reached its limit of evaluations far from the minimum, so that its point is no solution.
const STOPPED_EARLY: [&str; 1] = ["solver.minimize_tnc.f64"];

/// The results of the reference, if a minimum has converged to a lower value than these.
fn better(case: Case<'_>, minimum: Minimum) -> Computed<Results> {
    let reference: Results = case.outputs().map(|(name, arrays)| (name.to_string(), arrays)).collect();
    let (lower, stopped) = (minimum.converged()?.value.item()?, reference["fun"][0].item()?);
    if lower < stopped { Ok(reference) } else { Err(Broken(format!("{lower} is not less than {stopped}"))) }
}

/// A number among the keyword arguments of a case.
fn option(params: &Value, name: &str) -> Option<f64> {
    params["kwargs"][name].as_f64()
}

fn limits(params: &Value) -> ConjugateGradient {
    ConjugateGradient {
        tolerance: option(params, "tol").unwrap_or(1e-5),
        absolute_tolerance: option(params, "atol").unwrap_or(0.0),
        max_iterations: option(params, "maxiter").unwrap_or(1000.0) as i32,
    }
}

fn start(case: Case<'_>, input: &Type) -> Array {
    if case.has_input("x0") { case.input("x0") } else { Array::zeros(&input.shape, input.dtype) }
}

fn conjugate_gradients(case: Case<'_>) -> Computed<Array> {
    let params = case.params();
    let a = operator::linear(case, &params["A"])?;
    let (b, x0) = (case.input("b"), start(case, &a.input_type()));
    Ok(match params.get("M") {
        Some(m) => {
            let m = operator::linear(case, m)?;
            preconditioned_conjugate_gradient(|x| a.apply(x), |r| m.apply(r), &b, &x0, &limits(params)).x
        }
        None => conjugate_gradient(|x| a.apply(x), &b, &x0, &limits(params)).x,
    })
}

fn least_squares(case: Case<'_>) -> Computed<Array> {
    let params = case.params();
    let a = operator::linear(case, &params["A"])?;
    let x0 = start(case, &a.input_type());
    Ok(preconditioned_least_squares(&a, Array::clone, &case.input("b"), &x0, &limits(params)).x)
}

/// The formula of a case as a function of `x`; its other names are inputs of the case.
fn formula(case: Case<'_>) -> impl Fn(&Array) -> Array {
    let formula = Formula::new(case.params()["formula"].as_str().unwrap());
    let others = ["A", "b", "c", "p", "q"].into_iter().filter(|name| case.has_input(name));
    let others: Vec<(&str, Array)> = others.map(|name| (name, case.input(name))).collect();
    move |x: &Array| {
        let given = others.iter().map(|(name, array)| (*name, Operand::Array(array.clone())));
        formula.value(&given.chain([("x", Operand::Array(x.clone()))]).collect::<Vec<_>>())
    }
}

/// The method that a name of the reference stands for.
fn method(params: &Value, start: &Array) -> Computed<Box<dyn Minimizer>> {
    let limit = params["options"]["maxiter"].as_i64().map(|limit| limit as i32);
    let tolerance = |name: &str| params["options"][name].as_f64().unwrap_or(1e-4);
    Ok(match params["method"].as_str().unwrap() {
        "L-BFGS-B" => {
            let method = Lbfgs { max_iterations: limit.unwrap_or(15000), ..Lbfgs::default() };
            Box::new(match params["bounds"].as_array() {
                Some(bounds) => {
                    let bound = |at: usize| number(&bounds[at]) * start.ones_like();
                    method.within(Bounds::new(&bound(0), &bound(1))?)
                }
                None => method,
            })
        }
        // Sequential quadratic programming without constraints is a quasi-Newton method.
        "BFGS" | "SLSQP" => Box::new(Bfgs { max_iterations: limit, ..Bfgs::default() }),
        "CG" => Box::new(NonlinearCg { max_iterations: limit, ..NonlinearCg::default() }),
        "TNC" => Box::new(TruncatedNewton { max_iterations: limit, ..TruncatedNewton::default() }),
        "Nelder-Mead" => Box::new(NelderMead {
            max_iterations: limit,
            max_evaluations: limit,
            step_tolerance: tolerance("xatol"),
            value_tolerance: tolerance("fatol"),
        }),
        other => return Err(Broken(format!("the runner knows no method {other}"))),
    })
}

fn matrix_system(case: Case<'_>) -> Computed<Array> {
    let params = case.params();
    let d = case.input("D");
    let d = match params["D_is"].as_str() {
        Some("Diagonal") => Shift::operator(&LinOp::from(Diagonal::new(d)?))?,
        Some("MatrixOperator") => Shift::operator(&LinOp::from(MatrixOperator::new(d)?))?,
        _ => d.into(),
    };
    let mut described = MatrixAtad::new(case.input("A"), d);
    if case.has_input("W") {
        described = described.weights(case.input("W").real());
    }
    if params["kwargs"]["cho_factor"] == true {
        described = described.factorization(Factorization::Cholesky);
    }
    Ok(described.factor()?.solve(&case.input("b")))
}
