//! Our times over those of other sides: lower is better.

use crate::bench::Measurement;
use crate::peers::Peer;

/// A line for each case. Compile times include tracing. Where kernel files were measured, the second ratio is theirs.
pub(crate) fn table(measured: &[Measurement], sides: &[Peer], width: usize) -> String {
    let files = measured.iter().any(|measurement| measurement.loaded.is_some());
    let mut table = format!("\n{:<width$} {:>10}", "case", "median ms");
    for side in sides {
        table += &format!(" {:>11} {:>7}", format!("{} ms", side.name), "ratio");
        if files {
            table += &format!(" {:>7}", "file's");
        }
        if side.compiles {
            table += &format!(" {:>11} {:>11} {:>7}", "compile ms", format!("{} ms", side.name), "ratio");
        }
    }
    table.push('\n');
    for Measurement { case, run, trace_ms, compile_ms, loaded, .. } in measured {
        table += &format!("{case:<width$} {:>10.4}", run.median());
        for side in sides {
            let Some(times) = side.cases.get(*case) else {
                let compiling = if side.compiles { 32 } else { 0 };
                table += &" ".repeat(20 + if files { 8 } else { 0 } + compiling);
                continue;
            };
            table += &format!(" {:>11.4} {:>7.3}", times.median_ms, run.median() / times.median_ms);
            if let Some(loaded) = loaded {
                table += &format!(" {:>7.3}", loaded.run.median() / times.median_ms);
            }
            if let Some(theirs) = times.compile_ms {
                let ours = trace_ms + compile_ms;
                table += &format!(" {ours:>11.3} {theirs:>11.3} {:>7.4}", ours / theirs);
            }
        }
        table.push('\n');
    }
    table
}

/// For each side that has groups of cases, a line for each group, and one for all: the geometric mean of the ratios, and
/// the worst ratio with its case.
pub(crate) fn groups(measured: &[Measurement], sides: &[Peer], width: usize) -> String {
    let mut table = String::new();
    for side in sides {
        let ratio = |measurement: &Measurement| {
            let times = side.cases.get(measurement.case)?;
            Some((measurement.group?, measurement.run.median() / times.median_ms, measurement.case))
        };
        let ratios: Vec<(&str, f64, &str)> = measured.iter().filter_map(ratio).collect();
        let mut names: Vec<&str> = ratios.iter().map(|(group, ..)| *group).collect();
        names.dedup();
        let Some(whole) = summary("all", ratios.iter(), width) else { continue };
        table += &format!("\n{:<width$} {:>10} {:>11}  case\n", format!("against {}", side.name), "mean", "worst");
        for name in names {
            table += &summary(name, ratios.iter().filter(|(group, ..)| *group == name), width).unwrap_or_default();
        }
        table += &whole;
    }
    table
}

/// The line of a group, unless it is empty.
fn summary<'a>(
    name: &str,
    ratios: impl Iterator<Item = &'a (&'a str, f64, &'a str)> + Clone,
    width: usize,
) -> Option<String> {
    let (_, worst, case) = ratios.clone().max_by(|(_, a, _), (_, b, _)| a.total_cmp(b))?;
    let count = ratios.clone().count() as f64;
    let mean = (ratios.map(|(_, ratio, _)| ratio.ln()).sum::<f64>() / count).exp();
    Some(format!("{name:<width$} {mean:>10.3} {worst:>11.3}  {case}\n"))
}
