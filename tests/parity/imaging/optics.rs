//! Propagation of light.

use super::{number, sizes};
use crate::fixtures::Case;
use crate::report::{Computed, Results};
use cotangent::linop::LinOp;
use cotangent::linop::optics::{FraunhoferPropagator, Propagator};
use cotangent::{DType, Type};
use serde_json::Value;

/// An operator from its description, if it is one of these.
pub(crate) fn linear(params: &Value, op: &Value) -> Computed<Option<LinOp>> {
    if op["op"] == "FraunhoferPropagator" {
        let far = FraunhoferPropagator::new(field(op), &intervals(op), number(&op["k0"]), number(&op["z"]))?;
        return Ok(Some(if params["mode"] == "corrected" { far.centred().into() } else { far.into() }));
    }
    Ok(propagator(op)?.map(LinOp::from))
}

/// Outputs that are neither forward nor adjoint.
pub(crate) fn others(case: Case<'_>, params: &Value) -> Computed<Results> {
    let mut results = Results::new();
    if let Some(propagator) = propagator(&params["op"])?
        && params["outputs"].as_array().is_some_and(|outputs| outputs.contains(&Value::from("pinv")))
    {
        results.insert("pinv".into(), vec![propagator.pseudo_inverse(&case.input("y"))]);
    }
    Ok(results)
}

fn propagator(op: &Value) -> Computed<Option<Propagator>> {
    let (k0, z) = (op["k0"].as_f64().unwrap_or_default(), op["z"].as_f64().unwrap_or_default());
    let propagator = match op["op"].as_str() {
        Some("AngularSpectrumPropagator") => Propagator::angular_spectrum(field(op), &intervals(op), k0, z)?,
        Some("FresnelPropagator") => Propagator::fresnel(field(op), &intervals(op), k0, z)?,
        _ => return Ok(None),
    };
    Ok(Some(propagator.padded(op["pad_factor"].as_u64().unwrap_or(1) as usize)?))
}

fn field(op: &Value) -> Type {
    Type::new(DType::C64, &sizes(&op["input_shape"]))
}

fn intervals(op: &Value) -> Vec<f64> {
    match &op["dx"] {
        Value::Array(list) => list.iter().map(number).collect(),
        one => vec![number(one)],
    }
}
