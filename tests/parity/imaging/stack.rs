//! Stacks of operators, operators of block arrays, and the convolution of two blocks.

use super::operator::{applied, block_type, boundary, differentiated, linear, mode, operator as by_formula};
use super::{Given, input_type, name, whole_numbers};
use crate::fixtures::Case;
use crate::report::{Broken, Computed, Results};
use cotangent::linop::{Diagonal, DiagonalReplicated, DiagonalStack, FiniteDifference, LinOp, VerticalStack};
use cotangent::operator::{BiConvolve, Op, diagonal_stack, vertical_stack};
use cotangent::{Array, BlockArray};
use serde_json::Value;

/// Operators that need not be linear.
pub(super) fn operator(case: Case<'_>) -> Computed<Results> {
    let params = case.params();
    if case.target() == "operator.BiConvolve" {
        return differentiated::<BlockArray>(case, &BiConvolve::new(block_type(params), mode(params))?.into());
    }
    let members =
        params["ops"].as_array().unwrap().iter().map(|op| by_formula(case, op)).collect::<Computed<Vec<Op>>>()?;
    let value = match case.target() {
        "operator.VerticalStack" => vertical_stack(&members)?.apply(&case.input("x")).into_arrays(),
        _ => diagonal_stack::<Array, BlockArray>(&members)?.apply(&case.input("x")).into_arrays(),
    };
    Ok(Results::from([("value".to_string(), value)]))
}

/// Whether a case is about a linear operator that takes or gives block arrays.
pub(super) fn is_block_operator(case: Case<'_>) -> bool {
    let operators = ["Diagonal", "FiniteDifference", "VerticalStack", "DiagonalStack"];
    let known = case.params()["op"]["op"].as_str().is_some_and(|name| operators.contains(&name));
    known && ["x", "y"].iter().any(|input| case.is_block(input))
}

pub(super) fn blocks(case: Case<'_>) -> Computed<Results> {
    let op = &case.params()["op"];
    let (from, to) = (case.is_block("x"), case.is_block("y"));
    match (op["op"].as_str().unwrap(), from, to) {
        ("Diagonal", _, _) => {
            let diagonal = Diagonal::new(BlockArray::given(case, name(&op["diagonal"])))?;
            applied::<BlockArray, BlockArray>(case, &diagonal.into())
        }
        ("FiniteDifference", _, _) => {
            let differences = FiniteDifference::blocks(input_type(op), boundary(op))?;
            applied::<Array, BlockArray>(case, &differences.into())
        }
        ("VerticalStack", false, true) => {
            applied::<Array, BlockArray>(case, &VerticalStack::blocks(members(case, op)?)?.into())
        }
        ("DiagonalStack", false, true) => {
            applied::<Array, BlockArray>(case, &DiagonalStack::to_blocks(members(case, op)?)?.into())
        }
        ("DiagonalStack", true, true) => {
            applied::<BlockArray, BlockArray>(case, &DiagonalStack::blocks(members(case, op)?)?.into())
        }
        _ => Err(Broken(format!("the runner knows no block operator {op}"))),
    }
}

/// The members of a stack.
pub(super) fn members(case: Case<'_>, op: &Value) -> Computed<Vec<LinOp>> {
    op["ops"].as_array().unwrap().iter().map(|member| linear(case, member)).collect()
}

pub(super) fn replicated(case: Case<'_>, op: &Value) -> Computed<DiagonalReplicated> {
    let axis = |field: &str, otherwise: isize| match &op[field] {
        Value::Null => otherwise,
        axis => whole_numbers(axis)[0],
    };
    let input = axis("input_axis", 0);
    let count = op["replicates"].as_u64().unwrap() as usize;
    Ok(DiagonalReplicated::along(linear(case, &op["of"])?, count, input, axis("output_axis", input))?)
}

/// The convolution of two blocks with one of them fixed.
pub(super) fn frozen(case: Case<'_>, op: &Value) -> Computed<LinOp> {
    let both = BiConvolve::new(block_type(op), mode(op))?;
    let value = case.input(name(&op["value"]));
    Ok(match op["argnum"].as_u64() {
        Some(0) => both.freeze_first(value)?.into(),
        _ => both.freeze_second(value)?.into(),
    })
}
