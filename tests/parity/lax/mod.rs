//! Array operations by the names of the reference.
//!
//! A case names a function, its arrays and keyword arguments; `variants` are calls with other keyword arguments, `dtypes`
//! calls on arrays of other dtypes. The tables of the families say what each function is here.

mod binary;
mod call;
mod contract;
mod conv;
mod create;
mod cumulative;
mod fft;
mod index;
mod interpolate;
mod linalg;
mod random;
mod reduce;
mod shape;
mod sort;
mod special;
mod unary;
mod window;

use crate::fixtures::{Area, Case};
use crate::report::{Broken, Computed, Results};
use call::{Call, Function, Output};
use std::collections::BTreeSet;

/// The tables of all families.
const FAMILIES: &[&[(&str, Function)]] = &[
    binary::FUNCTIONS,
    contract::FUNCTIONS,
    conv::FUNCTIONS,
    create::FUNCTIONS,
    cumulative::FUNCTIONS,
    fft::FUNCTIONS,
    index::FUNCTIONS,
    interpolate::FUNCTIONS,
    linalg::FUNCTIONS,
    random::FUNCTIONS,
    reduce::FUNCTIONS,
    shape::FUNCTIONS,
    sort::FUNCTIONS,
    special::FUNCTIONS,
    unary::FUNCTIONS,
    window::FUNCTIONS,
];

fn find(name: &str) -> Option<Function> {
    FAMILIES.iter().copied().flatten().find(|(known, _)| *known == name).map(|&(_, function)| function)
}

/// Fails unless each function of the area is in one table, and the tables have no others.
pub(crate) fn check_lists(area: &Area) {
    let called: BTreeSet<&str> = area.cases().map(|case| case.params()["fn"].as_str().unwrap()).collect();
    let mut there = BTreeSet::new();
    for (name, _) in FAMILIES.iter().copied().flatten() {
        assert!(there.insert(*name), "{name} is in two tables");
        assert!(called.contains(name), "{name} is in a table, but no case calls it");
    }
    let lacking: Vec<_> = called.difference(&there).collect();
    assert!(lacking.is_empty(), "{lacking:?} are in no table");
}

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let name = case.params()["fn"].as_str().unwrap();
    let Some(function) = find(name) else { return Err(Broken(format!("{name} is in no table"))) };
    let mut results = Results::new();
    for (output, call) in Call::all(case) {
        match function.apply(&call)? {
            Output::One(array) => {
                results.insert(output, vec![array]);
            }
            Output::Several(arrays) => {
                results.extend(arrays.into_iter().enumerate().map(|(k, array)| (format!("{output}.{k}"), vec![array])));
            }
        }
    }
    Ok(results)
}
