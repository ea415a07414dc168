//! Two files of measurements, as `cotangent bench --json` writes them, compared case by case.

use crate::failure::{Failure, Result};
use crate::output;
use crate::verdict::{RESAMPLES, Ratio, SEED, Verdict, median};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Measurements from a file.
struct Recorded {
    path: PathBuf,
    machine: Value,
    cases: Vec<Times>,
}

/// Times of a case.
struct Times {
    /// That of the case; with a remark for those of a kernel file.
    name: String,
    threads: Option<u64>,
    /// In milliseconds, by rounds, of which none is empty.
    rounds: Vec<Vec<f64>>,
}

/// Prints what has become of every case. That one has become slower is a failure.
pub(crate) fn compare(old: &Path, new: &Path, noise: f64) -> Result<()> {
    let (old, new) = (Recorded::read(old)?, Recorded::read(new)?);
    let rows = rows(&old, &new);
    output::print(&warnings(&old, &new, &rows))?;
    output::print(&table(&rows, noise))?;
    let slower: Vec<&str> = rows
        .iter()
        .filter(|row| row.ratio().is_some_and(|ratio| ratio.verdict(noise) == Verdict::Slower))
        .map(|row| row.name())
        .collect();
    match slower.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("slower than in {}: {}", old.path.display(), slower.join(", ")))),
    }
}

impl Recorded {
    fn read(path: &Path) -> Result<Recorded> {
        let text = fs::read_to_string(path).map_err(|error| Failure::in_file(path, error))?;
        let report: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::in_file(path, format_args!("is not JSON as `bench --json` writes it: {error}"))
        })?;
        let Some(listed) = report["cases"].as_array() else {
            return Err(Failure::in_file(path, "has no list of cases; give files that `bench --json` wrote"));
        };
        let mut cases = Vec::new();
        for case in listed {
            let Some(name) = case["case"].as_str() else {
                return Err(Failure::in_file(path, "has a case without a name; give files that `bench --json` wrote"));
            };
            cases.push(Times::read(path, name.into(), case, case)?);
            let loaded = &case["aot"];
            if loaded.is_object() {
                cases.push(Times::read(path, format!("{name} (file)"), loaded, case)?);
            }
        }
        Ok(Recorded { path: path.into(), machine: report["machine"].clone(), cases })
    }
}

impl Times {
    /// Times of a part of what there is of a case.
    fn read(path: &Path, name: String, part: &Value, case: &Value) -> Result<Times> {
        let Some(listed) = part["samples_ms"].as_array() else {
            return Err(Failure::in_file(
                path,
                format_args!(
                    "has no `samples_ms` for {name}, without which nothing can be said of noise: an earlier version wrote \
                     it; measure again with `cotangent bench --json`"
                ),
            ));
        };
        let samples: Option<Vec<f64>> =
            listed.iter().map(|time| time.as_f64().filter(|time| *time > 0.0 && time.is_finite())).collect();
        let Some(samples) = samples.filter(|samples| !samples.is_empty()) else {
            return Err(Failure::in_file(path, format_args!("`samples_ms` of {name} are not positive times")));
        };
        let Some(rounds) = by_rounds(&samples, &part["rounds"]) else {
            return Err(Failure::in_file(path, format_args!("`rounds` of {name} do not divide its `samples_ms`")));
        };
        Ok(Times { name, threads: case["threads"].as_u64(), rounds })
    }

    fn median(&self) -> f64 {
        median(&mut self.rounds.concat())
    }
}

/// Times divided into rounds of these lengths; they are all of one round where there are no lengths.
fn by_rounds(samples: &[f64], lengths: &Value) -> Option<Vec<Vec<f64>>> {
    if lengths.is_null() {
        return Some(vec![samples.to_vec()]);
    }
    let (mut rounds, mut rest) = (Vec::new(), samples);
    for length in lengths.as_array()? {
        let length = usize::try_from(length.as_u64()?).ok().filter(|&length| length > 0)?;
        let (round, after) = rest.split_at_checked(length)?;
        rounds.push(round.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(rounds)
}

/// A case in one file or both.
enum Row<'a> {
    Both(&'a Times, &'a Times, Ratio),
    Old(&'a Times),
    New(&'a Times),
}

impl Row<'_> {
    fn name(&self) -> &str {
        match self {
            Row::Both(_, times, _) | Row::Old(times) | Row::New(times) => &times.name,
        }
    }

    fn ratio(&self) -> Option<&Ratio> {
        match self {
            Row::Both(_, _, ratio) => Some(ratio),
            Row::Old(_) | Row::New(_) => None,
        }
    }
}

/// The cases in the order of the new file, then those that it lacks.
fn rows<'a>(old: &'a Recorded, new: &'a Recorded) -> Vec<Row<'a>> {
    let find = |side: &'a Recorded, name: &str| side.cases.iter().find(|times| times.name == name);
    let in_new = new.cases.iter().map(|after| match find(old, &after.name) {
        Some(before) => Row::Both(before, after, Ratio::of(&after.rounds, &before.rounds)),
        None => Row::New(after),
    });
    in_new.chain(old.cases.iter().filter(|before| find(new, &before.name).is_none()).map(Row::Old)).collect()
}

/// What speaks against comparing the files at all.
fn warnings(old: &Recorded, new: &Recorded, rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    if old.machine != new.machine {
        let (before, after) = (machine(&old.machine), machine(&new.machine));
        text += &format!("warning: measured on different machines, {before} and {after}\n");
    }
    let on_other_threads = |row: &&Row<'_>| matches!(row, Row::Both(old, new, _) if old.threads != new.threads);
    if let Some(row) = rows.iter().find(on_other_threads) {
        text += &format!("warning: measured with different numbers of threads, such as {}\n", row.name());
    }
    text
}

fn machine(machine: &Value) -> String {
    let processor = machine["processor"].as_str().unwrap_or("one that is not named");
    match machine["processors"].as_u64() {
        Some(count) => format!("{count} x {processor}"),
        None => processor.into(),
    }
}

/// A line for each case, and a summary.
fn table(rows: &[Row<'_>], noise: f64) -> String {
    let width = rows.iter().map(|row| row.name().len()).max().unwrap_or(0).max(20);
    let mut table = format!(
        "medians, new over old, with 95 % intervals by {RESAMPLES} resamples from seed {SEED}; noise {noise}\n\
         {:<width$} {:>10} {:>10} {:>7}  {:<15}  verdict\n",
        "case", "old ms", "new ms", "ratio", "interval"
    );
    let mut push = |text: String| {
        table += text.trim_end();
        table.push('\n');
    };
    let median = |times: &Times| format!("{:.4}", times.median());
    let (mut slower, mut faster, mut same, mut unclear, mut single) = (0, 0, 0, 0, 0);
    for row in rows {
        let (before, after, ratio, interval, verdict) = match row {
            Row::Both(before, after, ratio @ Ratio { value, low, high }) => {
                let verdict = ratio.verdict(noise);
                *match verdict {
                    Verdict::Slower => &mut slower,
                    Verdict::Faster => &mut faster,
                    Verdict::Same => &mut same,
                    Verdict::Unclear => &mut unclear,
                } += 1;
                let interval = format!("{low:.3} to {high:.3}");
                (median(before), median(after), format!("{value:.3}"), interval, verdict.to_string())
            }
            Row::Old(times) => (median(times), String::new(), String::new(), String::new(), "only in old".into()),
            Row::New(times) => (String::new(), median(times), String::new(), String::new(), "only in new".into()),
        };
        single += usize::from(row.ratio().is_none());
        let name = row.name();
        push(format!("{name:<width$} {before:>10} {after:>10} {ratio:>7}  {interval:<15}  {verdict}"));
    }
    // Writing into a string does not fail.
    let _ = writeln!(
        table,
        "{} cases: {slower} slower, {faster} faster, {same} same, {unclear} unclear, {single} in one file only",
        rows.len()
    );
    table
}
