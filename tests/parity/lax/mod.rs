//! Array operations by the names of the reference.
//!
//! A case names a function, its arrays and keyword arguments; `variants` are calls with other keyword arguments, `dtypes`
//! calls on arrays of other dtypes. The tables of the families say what each function is here. Those of the reference that
//! have no place in a table are listed in [`missing`].

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
pub(crate) mod missing;
mod random;
mod reduce;
mod shape;
mod sort;
mod special;
mod unary;
mod window;

use crate::fixtures::{Area, Case};
use crate::report::{Computed, Results, Stop};
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

/// Fails unless each function of the area is either in one table or listed as missing.
pub(crate) fn check_lists(area: &Area) {
    let called: BTreeSet<&str> = area.cases().map(|case| case.params()["fn"].as_str().unwrap()).collect();
    let mut there = BTreeSet::new();
    for (name, _) in FAMILIES.iter().copied().flatten() {
        assert!(there.insert(*name), "{name} is in two tables");
        assert!(called.contains(name), "{name} is in a table, but no case calls it");
        assert!(!missing::MISSING.contains(name), "{name} is in a table, and yet listed as missing");
    }
    for name in called.difference(&there) {
        assert!(missing::MISSING.contains(name), "{name} is neither in a table nor listed as missing");
    }
}

/// The results of a case.
pub(crate) fn compute(case: Case<'_>) -> Computed<Results> {
    let name = case.params()["fn"].as_str().unwrap();
    let Some(function) = find(name) else { return Err(Stop::Missing(vec![name.to_string()])) };
    let (mut results, mut lacking) = (Results::new(), BTreeSet::new());
    for (output, call) in Call::all(case) {
        match function.apply(&call) {
            Ok(Output::One(array)) => {
                results.insert(output, vec![array]);
            }
            Ok(Output::Several(arrays)) => {
                results.extend(arrays.into_iter().enumerate().map(|(k, array)| (format!("{output}.{k}"), vec![array])));
            }
            Err(Stop::Missing(names)) => lacking.extend(names),
            Err(broken) => return Err(broken),
        }
    }
    match lacking.is_empty() {
        true => Ok(results),
        false => Err(Stop::Missing(lacking.into_iter().collect())),
    }
}
