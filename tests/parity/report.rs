//! Running the cases of an area and telling how each went.

use crate::compare;
use crate::fixtures::{Area, Case};
use cotangent::{Array, Error};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a case computed, by output; one array, or the blocks of a block array.
pub(crate) type Results = BTreeMap<String, Vec<Array>>;

/// Why a case could not be computed.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

/// The outcome of computing something for a case.
pub(crate) type Computed<T> = Result<T, Broken>;

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        Broken(error.to_string())
    }
}

/// Computes all cases of an area, prints a line for each and the number of those that agree, and fails unless every case
/// agrees. `COTANGENT_CASE=text` runs only the cases with that in their id.
pub(crate) fn run(area: &Area, compute: impl Fn(Case<'_>) -> Computed<Results>) {
    let wanted = std::env::var("COTANGENT_CASE").unwrap_or_default();
    let (mut lines, mut failures) = (String::new(), Vec::new());
    let (mut agreeing, mut listed) = (0, 0);
    for case in area.cases().filter(|case| case.id().contains(&wanted)) {
        listed += 1;
        let id = case.id();
        let line = match outcome(case, &compute) {
            Ok(wrong) if wrong.is_empty() => {
                agreeing += 1;
                format!("ok      {id}")
            }
            Ok(wrong) => failed(&mut failures, format!("{id}: {}", wrong.join("; "))),
            Err(Broken(what)) => failed(&mut failures, format!("{id}: {what}")),
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
            Err(Broken(format!("panics: {}", text.unwrap_or_default())))
        }
    }
}
