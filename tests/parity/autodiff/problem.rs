//! The function of a case and what is to be differentiated.

use crate::fixtures::Case;
use crate::formula::{Formula, Value};
use crate::report::Results;
use cotangent::Array;
use std::collections::BTreeMap;

/// The function of a case, as one from the leaves of the arguments to differentiate by to the leaves of its result.
pub(crate) struct Problem<'a> {
    pub(crate) case: Case<'a>,
    /// The formulas of the result, each with what its name adds to the name of an output.
    formulas: Vec<(String, Formula)>,
    parameters: Vec<Parameter>,
}

/// A parameter of the formulas.
struct Parameter {
    name: String,
    /// Whether to differentiate by it.
    by: bool,
    /// The keys of a parameter that is a map of arrays.
    keys: Option<Vec<String>>,
    /// Its arrays.
    given: Vec<Array>,
}

fn strings(value: &serde_json::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_string()).collect()
}

impl<'a> Problem<'a> {
    pub(crate) fn new(case: Case<'a>) -> Problem<'a> {
        let params = case.params();
        let formula = |text: &serde_json::Value| Formula::new(text.as_str().unwrap());
        let formulas = match &params["formula"] {
            serde_json::Value::Array(list) => {
                list.iter().enumerate().map(|(k, text)| (format!(".{k}"), formula(text))).collect()
            }
            serde_json::Value::Object(items) => {
                items.iter().map(|(key, text)| (format!(".{key}"), formula(text))).collect()
            }
            one => vec![(String::new(), formula(one))],
        };
        let names = strings(&params["args"]);
        let by = params.get("wrt").map_or_else(|| names.clone(), strings);
        let parameters = names.into_iter().map(|name| {
            let by = by.contains(&name);
            match params.get("tree").and_then(|tree| tree.get(&name)) {
                None => Parameter { given: vec![case.input(&name)], name, by, keys: None },
                Some(tree) => {
                    let items = tree.as_object().unwrap();
                    let keys = Some(items.keys().cloned().collect());
                    let given = items.values().map(|input| case.input(input.as_str().unwrap())).collect();
                    Parameter { name, by, keys, given }
                }
            }
        });
        Problem { case, formulas, parameters: parameters.collect() }
    }

    /// The names of the leaves to differentiate by, as they appear in names of outputs.
    pub(crate) fn leaf_names(&self) -> Vec<String> {
        let leaves = |parameter: &Parameter| -> Vec<String> {
            match &parameter.keys {
                None => vec![parameter.name.clone()],
                Some(keys) => keys.iter().map(|key| format!("{}.{key}", parameter.name)).collect(),
            }
        };
        self.parameters.iter().filter(|parameter| parameter.by).flat_map(leaves).collect()
    }

    /// Whether an argument is a map of arrays.
    pub(crate) fn is_nested(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.keys.is_some())
    }

    /// Where to differentiate.
    pub(crate) fn leaves(&self) -> Vec<Array> {
        self.parameters.iter().filter(|parameter| parameter.by).flat_map(|parameter| parameter.given.clone()).collect()
    }

    /// What names of the results add to names of outputs.
    pub(crate) fn result_names(&self) -> impl Iterator<Item = &str> {
        self.formulas.iter().map(|(name, _)| name.as_str())
    }

    /// The results of the function.
    pub(crate) fn apply(&self, leaves: &[Array]) -> Vec<Array> {
        (0..self.formulas.len()).map(|position| self.apply_one(position, leaves)).collect()
    }

    /// One result of the function.
    pub(crate) fn apply_one(&self, position: usize, leaves: &[Array]) -> Array {
        let mut next = leaves.iter();
        let values: Vec<(&str, Value)> = self
            .parameters
            .iter()
            .map(|parameter| {
                let given = parameter.given.iter();
                let arrays = given.map(|own| if parameter.by { next.next().unwrap() } else { own }.clone());
                let value = match &parameter.keys {
                    None => Value::Array(arrays.last().unwrap()),
                    Some(keys) => Value::Items(keys.iter().cloned().zip(arrays).collect::<BTreeMap<_, _>>()),
                };
                (parameter.name.as_str(), value)
            })
            .collect();
        self.formulas[position].1.value(&values)
    }

    /// Arrays shaped as the arguments, the inputs with a prefix before their names.
    pub(crate) fn inputs_like(&self, prefix: &str) -> Vec<Array> {
        self.leaf_names().iter().map(|name| self.case.input(&format!("{prefix}_{name}"))).collect()
    }

    /// The cotangents of the results.
    pub(crate) fn cotangents(&self) -> Vec<Array> {
        match self.case.has_input("ct") {
            true => vec![self.case.input("ct")],
            false => (0..self.formulas.len()).map(|k| self.case.input(&format!("ct{k}"))).collect(),
        }
    }

    /// Whether the case says that its function is holomorphic.
    pub(crate) fn is_holomorphic(&self) -> bool {
        self.case.params().get("holomorphic").and_then(serde_json::Value::as_bool).unwrap_or(false)
    }

    /// A gradient in the convention of the case: conjugated, as here, or not.
    pub(crate) fn in_convention(&self, gradient: Array) -> Array {
        let plain = self.case.params()["convention"] == "jax";
        let complex = gradient.dtype().is_ok_and(|dtype| dtype.is_complex());
        if plain && complex { gradient.conj() } else { gradient }
    }

    /// Adds the results of the function under a name.
    pub(crate) fn add_results(&self, name: &str, arrays: Vec<Array>, results: &mut Results) {
        for (suffix, array) in self.result_names().zip(arrays) {
            results.insert(format!("{name}{suffix}"), vec![array]);
        }
    }

    /// Adds arrays shaped as the arguments under a name.
    pub(crate) fn add_by_argument(&self, name: &str, arrays: Vec<Array>, results: &mut Results) {
        for (leaf, array) in self.leaf_names().into_iter().zip(arrays) {
            results.insert(format!("{name}_{leaf}"), vec![array]);
        }
    }
}
