//! The table of worst errors, in `docs/ulp.md`.

use crate::double::Worst as Double;
use crate::single::Worst as Single;
use std::path::PathBuf;

pub(crate) const HEAD: &str = "\
| function | `f32`: numbers | worst | at | `f64`: numbers | worst | at |
| --- | --- | --- | --- | --- | --- | --- |";

const TITLE: &str = "\
# Accuracy of elementary functions

The largest error of compiled elementary functions in units in the last place of the exact result, and where it was found.
A function that is rounded correctly everywhere errs by up to 1/2. Single precision was measured on all
2^32 numbers, infinities, NaN and denormal numbers included, or on every 4099th of them; double precision on random numbers
and on neighbours of those where functions are 0, 1 or change their mind, of `lgamma` positive ones. Written by
`cargo run --release --example ulp -- --all --write`.
";

/// The row of a function.
pub(crate) fn line(name: &str, stride: u64, single: &Single, double: &Double) -> String {
    let count = if stride == 1 { "all".to_string() } else { format!("1 in {stride}") };
    let worst = |error: f64, at: String| match error {
        0.0 => "0.5 | everywhere".to_string(),
        _ => format!("{error:.3} | {at}"),
    };
    let (s, d) = (worst(single.error, format!("{:e}", single.at)), worst(double.error, format!("{:e}", double.at)));
    format!("| `{name}` | {count} | {s} | {} | {d} |", double.count)
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "docs", "ulp.md"].iter().collect()
}

/// Puts the row of a function in the place of its old one, or at the end.
pub(crate) fn replace(name: &str, line: &str) {
    let old = std::fs::read_to_string(path()).unwrap_or_default();
    let begins = format!("| `{name}` ");
    let mut rows: Vec<&str> = old.lines().filter(|line| line.starts_with("| `") && !line.contains("`f32`")).collect();
    match rows.iter().position(|row| row.starts_with(&begins)) {
        Some(place) => rows[place] = line,
        None => rows.push(line),
    }
    let text = format!("{TITLE}\n{HEAD}\n{}\n", rows.join("\n"));
    if let Err(error) = std::fs::create_dir_all(path().with_file_name("")).and_then(|()| std::fs::write(path(), text)) {
        eprintln!("{}: {error}", path().display());
    }
}
