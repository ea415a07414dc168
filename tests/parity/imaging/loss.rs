//! Area `loss`: values, gradients, proxes, Hessians, multiples.

use super::functional::{Described, evaluated, functional, proxes};
use super::{Given, input_type, name, number, operator};
use crate::fixtures::Case;
use crate::formula::{Formula, Value as Operand};
use crate::report::{Broken, Computed, Results};
use cotangent::functional::{Functional, Prox};
use cotangent::linop::LinOp;
use cotangent::loss::{Loss, PoissonLoss, SquaredL2AbsLoss, SquaredL2Loss, SquaredL2SquaredAbsLoss};
use cotangent::operator::Op;
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, BlockArray, Factor};
use serde_json::Value;

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    if case.is_block("v") {
        let loss = SquaredL2Loss::new(BlockArray::given(case, "y"))?;
        return with_prox::<BlockArray>(case, &loss);
    }
    let f = &case.params()["f"];
    let y = case.input("y");
    match f["loss"].as_str().unwrap() {
        "SquaredL2Loss" => match Seen::of(case, f)? {
            Seen::Directly => squared(case, SquaredL2Loss::new(y)?),
            Seen::Through(a) => squared(case, SquaredL2Loss::new(y)?.operator(a)?),
            Seen::Mapped(a) => without_prox(case, &SquaredL2Loss::new(y)?.map(a)?),
        },
        "PoissonLoss" => match Seen::of(case, f)? {
            Seen::Through(a) => multiples(case, PoissonLoss::new(y)?.operator(a)?),
            _ => multiples(case, PoissonLoss::new(y)?),
        },
        "Loss" => {
            let loss = Loss::new(y, functional::<Array>(case, &f["f"])?)?;
            let scale = f["scale"].as_f64().unwrap_or(1.0);
            match Seen::of(case, f)? {
                Seen::Through(a) => without_prox(case, &loss.scale(scale).operator(a)?),
                _ => with_prox::<Array>(case, &loss.scale(scale)),
            }
        }
        kind @ ("SquaredL2AbsLoss" | "SquaredL2SquaredAbsLoss") => magnitudes(case, kind, y),
        other => Err(Broken(format!("the runner knows no loss {other}"))),
    }
}

/// What a loss applies to its argument.
enum Seen {
    Directly,
    Through(LinOp),
    Mapped(Op),
}

impl Seen {
    fn of(case: Case<'_>, f: &Value) -> Computed<Seen> {
        match f.get("A") {
            None => Ok(Seen::Directly),
            Some(op) if op["op"] == "Operator" => {
                let formula = Formula::new(op["formula"].as_str().unwrap());
                let map = move |x: &Array| formula.value(&[("x", Operand::Array(x.clone()))]);
                Ok(Seen::Mapped(Op::new(input_type(op), map)?))
            }
            Some(op) => Ok(Seen::Through(operator::linear(case, op)?)),
        }
    }
}

/// The weights of a case: the diagonal of a matrix, of which the real part is used.
fn weights(case: Case<'_>, f: &Value) -> Option<Array> {
    f.get("W").map(|weights| case.input(name(weights)).real())
}

fn scale(f: &Value) -> f64 {
    f["scale"].as_f64().unwrap_or(0.5)
}

fn squared(case: Case<'_>, loss: SquaredL2Loss) -> Computed<Results> {
    let f = &case.params()["f"];
    let mut loss = loss.scale(scale(f));
    if let Some(weights) = weights(case, f) {
        loss = loss.weights(weights)?;
    }
    if let Some(limits) = f.get("prox_kwargs") {
        loss = loss.prox_solver(ConjugateGradient {
            tolerance: number(&limits["tol"]),
            absolute_tolerance: 0.0,
            max_iterations: limits["maxiter"].as_i64().unwrap() as i32,
        });
    }
    let v = case.input("v");
    let mut results = with_prox::<Array>(case, &loss)?;
    results.insert("hessian".into(), vec![loss.hessian()?.apply(&v)]);
    if case.has_input("x0") {
        let start = case.input("x0");
        for (position, lambda) in case.params()["lams"].as_array().unwrap().iter().enumerate() {
            let prox = loss.prox_from(&v, Factor::from(number(lambda)), &start);
            results.insert(format!("prox{position}"), vec![prox]);
        }
    }
    results.insert("scaled_value".into(), vec![(3.0 * loss.clone()).value(&v)]);
    results.insert("divided_value".into(), vec![(loss / 4.0).value(&v)]);
    Ok(results)
}

fn multiples<L>(case: Case<'_>, loss: L) -> Computed<Results>
where
    L: Functional + Clone + std::ops::Mul<f64, Output = L> + std::ops::Div<f64, Output = L>,
{
    let loss = loss * (scale(&case.params()["f"]) / 0.5);
    let v = case.input("v");
    let mut results = without_prox(case, &loss)?;
    results.insert("scaled_value".into(), vec![(loss.clone() * 3.0).value(&v)]);
    results.insert("divided_value".into(), vec![(loss / 4.0).value(&v)]);
    Ok(results)
}

fn magnitudes(case: Case<'_>, kind: &str, y: Array) -> Computed<Results> {
    let f = &case.params()["f"];
    macro_rules! results {
        ($loss:expr) => {{
            let mut loss = $loss.scale(scale(f));
            let weights = weights(case, f);
            let weighted = weights.is_some();
            if let Some(weights) = weights {
                loss = loss.weights(weights)?;
            }
            match Seen::of(case, f)? {
                Seen::Through(a) => without_prox(case, &loss.operator(a)?),
                _ if weighted => with_prox::<Array>(case, &loss),
                _ => with_single_weights(case, &loss, kind == "SquaredL2AbsLoss"),
            }
        }};
    }
    match kind {
        "SquaredL2AbsLoss" => results!(SquaredL2AbsLoss::new(y)?),
        _ => results!(SquaredL2SquaredAbsLoss::new(y)?),
    }
}

/// Value, gradient and prox of a loss of magnitudes without weights. The reference then multiplies `2 α λ` by a weight of one
/// in single precision, which rounds it, and for magnitudes rounds its sum with 1 as well.
fn with_single_weights(case: Case<'_>, loss: &impl Prox, sum_rounds: bool) -> Computed<Results> {
    let mut results = without_prox(case, loss)?;
    let v = case.input("v");
    let twice = 2.0 * scale(&case.params()["f"]);
    for (position, lambda) in case.params()["lams"].as_array().unwrap().iter().enumerate() {
        let b = f64::from((twice * number(lambda)) as f32);
        let ratio = if sum_rounds { (b + 1.0) / f64::from((b + 1.0) as f32) } else { 1.0 };
        let prox = ratio * loss.prox(&v, Factor::from(b / twice));
        results.insert(format!("prox{position}"), vec![prox]);
    }
    Ok(results)
}

fn without_prox(case: Case<'_>, loss: &impl Functional) -> Computed<Results> {
    evaluated(case, loss, &case.input("v"))
}

fn with_prox<X: Described>(case: Case<'_>, loss: &impl Prox<X>) -> Computed<Results> {
    let v = X::given(case, "v");
    let mut results = evaluated(case, loss, &v)?;
    results.extend(proxes(case, loss, &v));
    Ok(results)
}
