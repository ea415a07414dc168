//! Proximal gradient methods with each policy for the step size.

use super::{prox, run};
use crate::fixtures::Case;
use crate::imaging::functional::{Described, functional};
use crate::imaging::{Given, name, number, operator};
use crate::report::{Broken, Computed, Results};
use cotangent::functional::Functional;
use cotangent::loss::{Loss, PoissonLoss, SquaredL2Loss};
use cotangent::optimize::{
    AcceleratedPgm, Acceleration, AdaptiveBbStepSize, BbStepSize, ConstantStepSize, LineSearchStepSize, Pgm,
    RobustLineSearchStepSize, StepSize,
};
use cotangent::{Array, BlockArray};
use serde_json::Value;

/// What smooth functionals are described for.
pub(super) trait Smooth: Described {
    /// A loss from its description.
    fn smooth(case: Case<'_>, f: &Value) -> Computed<Box<dyn Functional<Self>>>;
}

impl Smooth for BlockArray {
    fn smooth(case: Case<'_>, f: &Value) -> Computed<Box<dyn Functional<BlockArray>>> {
        Ok(Box::new(prox::<BlockArray>(case, f)?))
    }
}

impl Smooth for Array {
    fn smooth(case: Case<'_>, f: &Value) -> Computed<Box<dyn Functional>> {
        let y = case.input(name(&f["y"]));
        let Some(a) = f.get("A") else { return Ok(Box::new(prox::<Array>(case, f)?)) };
        let a = operator::linear(case, a)?;
        let scale = f["scale"].as_f64();
        Ok(match f["loss"].as_str().unwrap() {
            "SquaredL2Loss" => Box::new(SquaredL2Loss::new(y)?.operator(a)?.scale(scale.unwrap_or(0.5))),
            "PoissonLoss" => Box::new(PoissonLoss::new(y)?.operator(a)?.scale(scale.unwrap_or(0.5))),
            "Loss" => {
                let loss = Loss::new(y, functional::<Array>(case, &f["f"])?)?;
                Box::new(loss.scale(scale.unwrap_or(1.0)).operator(a)?)
            }
            other => return Err(Broken(format!("the runner knows no loss {other}"))),
        })
    }
}

/// The results of a case.
pub(super) fn compute<X: Smooth>(case: Case<'_>, problem: &Value, accelerated: bool) -> Computed<Results> {
    let policy = &problem["step_size"];
    let parameter = |name: &str| policy[name].as_f64();
    let growth = parameter("gamma_u");
    match policy["policy"].as_str() {
        None => with_policy::<X, _>(case, problem, accelerated, ConstantStepSize),
        Some("BBStepSize") => with_policy::<X, _>(case, problem, accelerated, BbStepSize),
        Some("AdaptiveBBStepSize") => {
            let default = AdaptiveBbStepSize::default();
            let kappa = parameter("kappa").unwrap_or(default.kappa);
            with_policy::<X, _>(case, problem, accelerated, AdaptiveBbStepSize { kappa })
        }
        Some("LineSearchStepSize") => {
            let default = LineSearchStepSize::default();
            let max_trials = policy["maxiter"].as_u64().map_or(default.max_trials, |most| most as usize);
            let gamma_u = growth.unwrap_or(default.gamma_u);
            with_policy::<X, _>(case, problem, accelerated, LineSearchStepSize { gamma_u, max_trials })
        }
        Some("RobustLineSearchStepSize") => {
            let default = RobustLineSearchStepSize::default();
            let gamma_d = parameter("gamma_d").unwrap_or(default.gamma_d);
            let gamma_u = growth.unwrap_or(default.gamma_u);
            run_accelerated(
                case,
                start::<X>(case, problem)?.robust(RobustLineSearchStepSize { gamma_d, gamma_u, ..default }),
            )
        }
        Some(other) => Err(Broken(format!("the runner knows no policy {other}"))),
    }
}

fn start<X: Smooth>(case: Case<'_>, problem: &Value) -> Computed<AcceleratedPgm<X>> {
    let (f, g) = (X::smooth(case, &problem["f"])?, prox::<X>(case, &problem["g"])?);
    Ok(AcceleratedPgm::new(f, g, number(&problem["L0"]), X::given(case, name(&problem["x0"]))))
}

fn with_policy<X: Smooth, P: StepSize<X>>(
    case: Case<'_>,
    problem: &Value,
    accelerated: bool,
    policy: P,
) -> Computed<Results> {
    if accelerated {
        return run_accelerated(case, start::<X>(case, problem)?.step_size(policy));
    }
    let (f, g) = (X::smooth(case, &problem["f"])?, prox::<X>(case, &problem["g"])?);
    let method = Pgm::new(f, g, number(&problem["L0"]), X::given(case, name(&problem["x0"])));
    run(case, &method.step_size(policy), |_, _| Vec::new())
}

fn run_accelerated<X: Given, A: Acceleration<X>>(case: Case<'_>, method: AcceleratedPgm<X, A>) -> Computed<Results> {
    run(case, &method, |_, _| Vec::new())
}
