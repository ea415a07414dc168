//! Running the cases of an area and telling how each went.

use crate::compare;
use crate::fixtures::{Area, Case};
use cotangent::{Array, Error};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a case computed, by output; one array, or the blocks of a block array.
pub(crate) type Results = BTreeMap<String, Vec<Array>>;

/// Why a case gave no results.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It needs these functions, which are not there yet.
    Missing(Vec<String>),
    /// It could not be computed.
    Broken(String),
}

/// The outcome of computing something for a case.
pub(crate) type Computed<T> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Broken(error.to_string())
    }
}

/// Computes all cases of an area, prints a line for each and the number of those that agree, and fails unless every case
/// agrees or is missing for a reason that `missing` lists. `COTANGENT_CASE=text` runs only the cases with that in their id.
///
/// `missing` is sorted, and each of its entries stops at least one case: what has come to work must be taken off.
pub(crate) fn run(area: &Area, missing: &[impl AsRef<str>], compute: impl Fn(Case<'_>) -> Computed<Results>) {
    let missing: Vec<&str> = missing.iter().map(AsRef::as_ref).collect();
    assert!(missing.is_sorted_by(|a, b| a < b), "the list of what is missing is sorted, without repetition");
    let wanted = std::env::var("COTANGENT_CASE").unwrap_or_default();
    let (mut lines, mut failures) = (String::new(), Vec::new());
    let (mut agreeing, mut listed, mut lacking) = (0, 0, BTreeSet::new());
    for case in area.cases().filter(|case| case.id().contains(&wanted)) {
        listed += 1;
        let id = case.id();
        let line = match outcome(case, &compute) {
            Ok(wrong) if wrong.is_empty() => {
                agreeing += 1;
                format!("ok      {id}")
            }
            Ok(wrong) => failed(&mut failures, format!("{id}: {}", wrong.join("; "))),
            Err(Stop::Broken(what)) => failed(&mut failures, format!("{id}: {what}")),
            Err(Stop::Missing(names)) => match names.iter().find(|name| !missing.contains(&name.as_str())) {
                Some(name) => failed(&mut failures, format!("{id}: needs {name}, which is not listed as missing")),
                None => {
                    let line = format!("missing {id}: {}", names.join(", "));
                    lacking.extend(names);
                    line
                }
            },
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    let name = &area.name;
    let _ = writeln!(lines, "{name}: {agreeing} of {} cases", area.count);
    // Written past the capture of the test harness, which would hide it from whoever wants to see every case.
    let _ = std::io::stdout().lock().write_all(lines.as_bytes());
    assert!(failures.is_empty(), "{} cases of {name} disagree:\n{}", failures.len(), failures.join("\n"));
    if wanted.is_empty() {
        assert_eq!(listed, area.count, "the number of cases in {name}");
        let idle: Vec<_> = missing.iter().filter(|&&name| !lacking.contains(name)).collect();
        assert!(idle.is_empty(), "listed as missing, but no case of {name} misses {idle:?}");
    }
}

fn failed(failures: &mut Vec<String>, what: String) -> String {
    let line = format!("FAIL    {what}");
    failures.push(what);
    line
}

/// What is wrong with the results of a case. A panic breaks this case alone.
fn outcome(case: Case<'_>, compute: &impl Fn(Case<'_>) -> Computed<Results>) -> Computed<Vec<String>> {
    match catch_unwind(AssertUnwindSafe(|| compute(case))) {
        Ok(results) => results.map(|results| compare::differences(case, &results)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            Err(Stop::Broken(format!("panics: {}", text.unwrap_or_default())))
        }
    }
}
