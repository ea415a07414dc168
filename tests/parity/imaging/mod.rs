//! Functionals, losses, metrics, operators and solvers, built from the descriptions in `params`.

pub(crate) mod functional;
mod gradient;
pub(crate) mod loss;
pub(crate) mod metric;
pub(crate) mod operator;
pub(crate) mod optics;
pub(crate) mod optimize;
pub(crate) mod solver;
mod stack;
pub(crate) mod xray;

use crate::fixtures::Case;
use cotangent::{Array, BlockArray, DType, Type, Variable};
use serde_json::Value;

/// What cases give as arguments: arrays and block arrays.
pub(crate) trait Given: Variable {
    /// An input by name.
    fn given(case: Case<'_>, name: &str) -> Self;

    /// The arrays of a result.
    fn into_arrays(self) -> Vec<Array>;
}

impl Given for Array {
    fn given(case: Case<'_>, name: &str) -> Array {
        case.input(name)
    }

    fn into_arrays(self) -> Vec<Array> {
        vec![self]
    }
}

impl Given for BlockArray {
    fn given(case: Case<'_>, name: &str) -> BlockArray {
        BlockArray::new(case.input_blocks(name)).unwrap()
    }

    fn into_arrays(self) -> Vec<Array> {
        self.into_blocks()
    }
}

/// The name of the input a description refers to, `"@name"`.
pub(crate) fn name(value: &Value) -> &str {
    value.as_str().and_then(|text| text.strip_prefix('@')).unwrap_or_else(|| panic!("{value} names no input"))
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// The whole numbers of a list, or the one that stands for it.
pub(crate) fn whole_numbers(value: &Value) -> Vec<isize> {
    match value {
        Value::Array(list) => list.iter().map(|item| item.as_i64().unwrap() as isize).collect(),
        one => vec![one.as_i64().unwrap_or_else(|| panic!("{one} is not a whole number")) as isize],
    }
}

pub(crate) fn sizes(value: &Value) -> Vec<usize> {
    whole_numbers(value).into_iter().map(|size| size as usize).collect()
}

/// The dtype of a description, in the precision of the case where it names none.
pub(crate) fn dtype(value: &Value) -> DType {
    match value["input_dtype"].as_str() {
        None | Some("float32") => DType::F32,
        Some("float64") => DType::F64,
        Some("complex64") => DType::C64,
        Some("complex128") => DType::C128,
        Some(other) => panic!("dtype {other}"),
    }
}

/// The input type of an operator of arrays.
pub(crate) fn input_type(op: &Value) -> Type {
    Type::new(dtype(op), &sizes(&op["input_shape"]))
}
