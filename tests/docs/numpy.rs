//! `docs/numpy.md`, by hand. The names on its right are links, which the documentation build follows; here the reverse is
//! checked, that no method of arrays is missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Methods with no counterpart among functions: construction, inspection and conversion in Rust, and forms of other
/// methods.
const OF_RUST: [&str; 16] = [
    "abs2",
    "dtype",
    "enclose",
    "error",
    "filled",
    "from_bools",
    "from_error",
    "from_shared",
    "from_tensor",
    "item",
    "scalar",
    "shape",
    "tensor",
    "to_bools",
    "to_vec",
    "ty",
];

#[test]
fn every_method_of_arrays_has_its_name_in_numpy() {
    let page = include_str!("../../docs/numpy.md");
    let named: BTreeSet<&str> = page.split("[`Array::").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    let ir = Path::new(env!("CARGO_MANIFEST_DIR")).join("ir/src");
    let mut methods = BTreeSet::new();
    for file in sources(&ir) {
        methods_in(&std::fs::read_to_string(file).unwrap(), &mut methods);
    }
    assert!(methods.len() > 200, "methods were not found");
    let known = |name: &String| named.contains(name.as_str()) || OF_RUST.contains(&name.as_str());
    let missing: Vec<&String> = methods.iter().filter(|name| !known(name)).collect();
    assert!(missing.is_empty(), "docs/numpy.md does not say what these are in NumPy: {missing:?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Public methods in the blocks `impl Array` of a file. Those that macros make are not seen.
fn methods_in(source: &str, methods: &mut BTreeSet<String>) {
    let mut inside = false;
    for line in source.lines() {
        match line {
            "impl Array {" => inside = true,
            "}" => inside = false,
            _ if inside => {
                let name = line.strip_prefix("    pub fn ").and_then(|rest| rest.split(['(', '<']).next());
                methods.extend(name.map(String::from));
            }
            _ => {}
        }
    }
}
