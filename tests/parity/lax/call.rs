//! One call of a function: its arrays and keyword arguments.

use crate::fixtures::Case;
use crate::report::Computed;
use cotangent::{Array, DType};
use serde_json::{Map, Value};

/// What a function is here.
#[derive(Clone, Copy)]
pub(crate) enum Function {
    /// Of one array.
    Unary(fn(&Array) -> Array),
    /// Of two arrays.
    Binary(fn(&Array, &Array) -> Array),
    /// Of whatever the call has.
    Call(fn(&Call<'_>) -> Computed<Output>),
}

/// What a call returns.
pub(crate) enum Output {
    One(Array),
    /// A tuple, whose parts are outputs of their own.
    Several(Vec<Array>),
}

impl From<Array> for Output {
    fn from(array: Array) -> Output {
        Output::One(array)
    }
}

impl Function {
    pub(crate) fn apply(self, call: &Call<'_>) -> Computed<Output> {
        match self {
            Function::Unary(function) => Ok(function(call.x()).into()),
            Function::Binary(function) => Ok(function(call.x(), call.y()).into()),
            Function::Call(function) => function(call),
        }
    }
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) case: Case<'a>,
    pub(crate) arrays: Vec<Array>,
    options: Map<String, Value>,
}

impl<'a> Call<'a> {
    /// The calls of a case, each with the name of its output.
    pub(crate) fn all(case: Case<'a>) -> Vec<(String, Call<'a>)> {
        let params = case.params();
        let names: Vec<&str> = match params.get("args") {
            Some(names) => names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
            None => Vec::new(),
        };
        let options = |value: Option<&Value>| value.map_or_else(Map::new, |value| value.as_object().unwrap().clone());
        let arrays = |suffix: &str| names.iter().map(|name| case.input(&format!("{name}{suffix}"))).collect();
        if let Some(dtypes) = params.get("dtypes") {
            let dtypes = dtypes.as_array().unwrap().iter().map(|dtype| dtype.as_str().unwrap());
            let call = |dtype: &str| Call {
                case,
                arrays: arrays(&format!("_{dtype}")),
                options: options(params.get("kwargs")),
            };
            return dtypes.map(|dtype| (dtype.to_string(), call(dtype))).collect();
        }
        let call = |value| Call { case, arrays: arrays(""), options: options(value) };
        match params.get("variants") {
            Some(variants) => {
                let variants = variants.as_object().unwrap().iter();
                variants.map(|(output, value)| (output.clone(), call(Some(value)))).collect()
            }
            None => vec![("out".to_string(), call(params.get("kwargs")))],
        }
    }

    /// The first array.
    pub(crate) fn x(&self) -> &Array {
        &self.arrays[0]
    }

    /// The second array.
    pub(crate) fn y(&self) -> &Array {
        &self.arrays[1]
    }

    pub(crate) fn rank(&self) -> usize {
        self.shape().len()
    }

    /// The shape of the first array.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.x().shape().unwrap().to_vec()
    }

    /// A keyword argument, unless it is absent or `None`.
    pub(crate) fn option(&self, name: &str) -> Option<&Value> {
        self.options.get(name).filter(|value| !value.is_null())
    }

    /// Whether a keyword argument is `None`, and not merely absent.
    pub(crate) fn is_none(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(Value::is_null)
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.option(name).map(|value| value.as_i64().unwrap_or_else(|| panic!("{name} is {value}")))
    }

    pub(crate) fn real(&self, name: &str) -> Option<f64> {
        self.option(name).map(|value| value.as_f64().unwrap_or_else(|| panic!("{name} is {value}")))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.option(name).map(|value| value.as_str().unwrap_or_else(|| panic!("{name} is {value}")))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.option(name).is_some_and(|value| value.as_bool().unwrap_or_else(|| panic!("{name} is {value}")))
    }

    pub(crate) fn dtype(&self, name: &str) -> Option<DType> {
        self.text(name).map(dtype)
    }

    /// The whole numbers of a list, or the one that stands for it.
    pub(crate) fn ints(&self, name: &str) -> Option<Vec<isize>> {
        self.option(name).map(ints)
    }

    /// The whole numbers of a list, none of them negative.
    pub(crate) fn sizes(&self, name: &str) -> Option<Vec<usize>> {
        self.ints(name).map(|list| list.into_iter().map(|value| usize::try_from(value).unwrap()).collect())
    }

    /// The lists of a list.
    pub(crate) fn lists(&self, name: &str) -> Vec<Vec<isize>> {
        let value = self.option(name).unwrap_or_else(|| panic!("{name} is absent"));
        value.as_array().unwrap().iter().map(ints).collect()
    }
}

/// The whole numbers of a list, or the one that stands for it.
pub(crate) fn ints(value: &Value) -> Vec<isize> {
    let int = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{value} is not a whole number")) as isize;
    value.as_array().map_or_else(|| vec![int(value)], |list| list.iter().map(int).collect())
}

/// The dtype that numpy calls by a name.
fn dtype(name: &str) -> DType {
    match name {
        "bool" => DType::Bool,
        "int8" => DType::I8,
        "int16" => DType::I16,
        "int32" => DType::I32,
        "int64" => DType::I64,
        "uint8" => DType::U8,
        "uint16" => DType::U16,
        "uint32" => DType::U32,
        "uint64" => DType::U64,
        "float32" => DType::F32,
        "float64" => DType::F64,
        "complex64" => DType::C64,
        "complex128" => DType::C128,
        other => panic!("no dtype {other}"),
    }
}
