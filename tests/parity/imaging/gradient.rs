//! Gradients along axes, along given directions and in coordinates.

use super::{input_type, name, number, whole_numbers};
use crate::fixtures::Case;
use crate::report::Computed;
use cotangent::BlockArray;
use cotangent::linop::{CoordinateGradient, Coordinates, LinOp, ProjectedGradient};
use serde_json::Value;

pub(super) fn projected(case: Case<'_>, op: &Value) -> Computed<LinOp> {
    let mut gradient = match &op["axes"] {
        Value::Null => ProjectedGradient::new(input_type(op))?,
        axes => ProjectedGradient::along(input_type(op), &whole_numbers(axes))?,
    };
    if op["cdiff"] == true {
        gradient = gradient.central();
    }
    if let Some(names) = op["coord"].as_array() {
        let directions = names.iter().map(|direction| BlockArray::split(&case.input(name(direction))));
        gradient = gradient.onto(&directions.collect::<Result<Vec<_>, _>>()?)?;
    }
    Ok(gradient.into())
}

/// A gradient in coordinates, of the components that flags do not switch off.
pub(super) fn coordinates<C: Coordinates>(op: &Value, components: &[(&str, C)]) -> Computed<LinOp> {
    let kept: Vec<C> =
        components.iter().filter(|(flag, _)| op[flag] != false).map(|(_, component)| *component).collect();
    let mut gradient = CoordinateGradient::<C>::new(input_type(op))?.components(&kept)?;
    if op["axes"].is_array() {
        gradient = gradient.axes(&whole_numbers(&op["axes"]))?;
    }
    if let Some(center) = op["center"].as_array() {
        gradient = gradient.around(&center.iter().map(number).collect::<Vec<_>>())?;
    }
    Ok(if op["cdiff"] == true { gradient.central().into() } else { gradient.into() })
}
