//! The manifest of reference numbers and its cases.
//!
//! `tests/fixtures/manifest.json` says in its `about` what the fields mean. A case reads its arrays by the names that its
//! `inputs` and `outputs` give to them; several arrays under one name are the blocks of a block array.

use crate::archive::Archive;
use cotangent::Array;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// The manifest.
pub(crate) struct Manifest(Value);

/// The cases of one area and their arrays.
pub(crate) struct Area {
    pub(crate) name: String,
    /// How many cases the manifest announces.
    pub(crate) count: usize,
    pub(crate) entries: Vec<Value>,
    archive: Archive,
}

/// One case.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    entry: &'a Value,
    archive: &'a Archive,
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

impl Manifest {
    pub(crate) fn load() -> Manifest {
        let file = File::open(path("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_reader(BufReader::new(file)).unwrap();
        assert_eq!(manifest["format"], 1, "the format this runner reads");
        Manifest(manifest)
    }

    /// The names that formulas may use.
    pub(crate) fn formula_names(&self) -> Vec<&str> {
        self.0["formula"]["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    pub(crate) fn area(&self, name: &str) -> Area {
        let described = &self.0["areas"][name];
        let cases = self.0["cases"].as_array().unwrap();
        Area {
            name: name.to_string(),
            count: described["cases"].as_u64().unwrap() as usize,
            entries: cases.iter().filter(|case| case["area"] == name).cloned().collect(),
            archive: Archive::open(&path(described["file"].as_str().unwrap())),
        }
    }
}

impl Area {
    pub(crate) fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.entries.iter().map(|entry| Case { entry, archive: &self.archive })
    }
}

impl<'a> Case<'a> {
    pub(crate) fn id(self) -> &'a str {
        self.entry["id"].as_str().unwrap()
    }

    pub(crate) fn target(self) -> &'a str {
        self.entry["target"].as_str().unwrap()
    }

    pub(crate) fn params(self) -> &'a Value {
        &self.entry["params"]
    }

    /// Whether a field of the case is set to true.
    pub(crate) fn flag(self, name: &str) -> bool {
        self.entry.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn has_input(self, name: &str) -> bool {
        self.entry["inputs"].get(name).is_some()
    }

    /// An input array by name.
    pub(crate) fn input(self, name: &str) -> Array {
        match &self.entry["inputs"][name] {
            Value::String(key) => self.archive.get(key),
            other => panic!("{} has no array {name}, but {other}", self.id()),
        }
    }

    /// Whether an input is a block array.
    pub(crate) fn is_block(self, name: &str) -> bool {
        self.entry["inputs"][name].is_array()
    }

    /// The blocks of an input.
    pub(crate) fn input_blocks(self, name: &str) -> Vec<Array> {
        self.blocks(&self.entry["inputs"][name])
    }

    /// The names of outputs, each with its blocks.
    pub(crate) fn outputs(self) -> impl Iterator<Item = (&'a str, Vec<Array>)> {
        let outputs: &Map<String, Value> = self.entry["outputs"].as_object().unwrap();
        outputs.iter().map(move |(name, keys)| (name.as_str(), self.blocks(keys)))
    }

    /// What the library returned for an output, where that differs from what its documentation says.
    pub(crate) fn as_implemented(self, output: &str) -> Option<Vec<Array>> {
        self.entry.get("as_implemented")?.get(output).map(|keys| self.blocks(keys))
    }

    /// A tolerance of an output: `rtol` or `atol`.
    pub(crate) fn tolerance(self, output: &str, which: &str) -> f64 {
        let own = &self.entry["tol"][output][which];
        let value = if own.is_null() { &self.entry[which] } else { own };
        value.as_f64().unwrap()
    }

    fn blocks(self, keys: &Value) -> Vec<Array> {
        match keys {
            Value::Array(keys) => keys.iter().map(|key| self.archive.get(key.as_str().unwrap())).collect(),
            key => vec![self.archive.get(key.as_str().unwrap())],
        }
    }
}
