//! `cotangent bench`: measures the cases, each compiled ahead of its measurement.
//!
//! What a case costs, in bytes and operations, is counted on its plan (`cotangent::compile::cost`); the rates are that over
//! the median time.

use crate::arguments::{BenchArguments, Suite};
use crate::cases::{self, Case};
use crate::failure::{Failure, Result};
use crate::peers::{self, Peer};
use crate::run::check_profile;
use crate::sampling::{Samples, compile_times, run_times};
use crate::{output, scaling};
use cotangent::compile::cost::Cost;
use cotangent::compile::{Options, compile_uncached};
use cotangent::run::pool::{set_threads, threads};
use serde_json::{Value, json};
use std::fs;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

/// Runs the command.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let all = cases::all();
    if arguments.list {
        return output::print(&all.iter().map(|case| format!("{}\n", case.name)).collect::<String>());
    }
    let complaints = || cases::COMPLAINTS.map(String::from).to_vec();
    let names = if arguments.suite == Some(Suite::Complaints) { complaints() } else { arguments.cases.clone() };
    let chosen = chosen(all, &names)?;
    if let Some(path) = arguments.json.as_ref().filter(|path| path.is_dir()) {
        return Err(Failure::in_file(path, "is a folder; give `--json` the name of a file"));
    }
    if let Some(threads) = arguments.threads {
        set_threads(threads as usize)?;
    }
    if let Some(path) = &arguments.profile {
        let [case] = &chosen[..] else {
            return Err(Failure::new("`--profile` shows one call; name one case"));
        };
        check_profile(path)?;
        let profile = (case.prepare().profile)();
        return output::write_files(&[(path.clone(), profile.chrome_trace().into_bytes())]);
    }
    // Whoever names a Python without JAX shall not wait for all of our own measurements to hear of it.
    let jax = arguments.peers.as_deref().map(peers::Jax::new).transpose()?;
    let c = arguments.c.then(peers::C::new).transpose()?;
    if let Some(path) = &arguments.compile_scaling {
        return scaling::measure(path, jax.as_ref());
    }
    output::print(&header(threads()?))?;
    let mut measured = Vec::new();
    for case in &chosen {
        let measurement = Measurement::of(case, Duration::from_secs_f64(arguments.seconds))?;
        output::print(&measurement.row())?;
        measured.push(measurement);
    }
    let wanted: Vec<&str> = chosen.iter().map(|case| case.name).collect();
    let mut sides = Vec::new();
    if let Some(jax) = &jax {
        sides.push(jax.measure(&wanted, arguments.seconds, threads()?)?);
    }
    if let Some(c) = &c {
        sides.push(c.measure(&wanted, arguments.seconds, threads()?)?);
    }
    if !sides.is_empty() {
        output::print(&ratios(&measured, &sides))?;
    }
    if let Some(path) = &arguments.json {
        let cases: Vec<Value> = measured.iter().map(|measurement| measurement.json(&sides)).collect();
        let report = json!({ "cases": cases, "machine": machine() });
        output::write_files(&[(path.clone(), format!("{report:#}\n").into_bytes())])?;
    }
    Ok(())
}

/// The cases with these names, in the order of the list; all if none are named.
fn chosen(all: Vec<Case>, names: &[String]) -> Result<Vec<Case>> {
    if let Some(name) = names.iter().find(|name| all.iter().all(|case| case.name != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|case| case.name).collect();
        return Err(Failure::new(format!("there is no case `{name}`; choose from {}", known.join(", "))));
    }
    let wanted = |case: &Case| names.is_empty() || names.iter().any(|name| name == case.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// What was measured of a case.
struct Measurement {
    case: &'static str,
    run: Samples,
    trace_ms: f64,
    compile_ms: f64,
    threads: usize,
    cost: Cost,
}

impl Measurement {
    fn of(case: &Case, budget: Duration) -> Result<Measurement> {
        let mut prepared = case.prepare();
        let report = compile_uncached(&(prepared.trace)(), &Options::default())?.report();
        let (trace, compile) = compile_times(&prepared.trace)?;
        let run = run_times(&mut prepared.call, budget);
        Ok(Measurement {
            case: case.name,
            run,
            trace_ms: trace.median(),
            compile_ms: compile.median(),
            // A program that is not worth more than one thread runs on one.
            threads: if report.parallel { threads()? } else { 1 },
            cost: report.cost,
        })
    }

    fn row(&self) -> String {
        let Measurement { case, run, trace_ms, compile_ms, threads, cost } = self;
        let (median, least) = (run.median(), run.least());
        // Per millisecond, a million is 10^9 per second.
        let rate = |amount: u64| amount as f64 * 1e-6 / median;
        format!(
            "{case:<20} {median:>10.4} {least:>10.4} {:>6.1}% {:>8.2} {:>8.2} {trace_ms:>9.3} {compile_ms:>10.3} {threads:>7}\n",
            100.0 * run.spread(),
            rate(cost.bytes),
            rate(cost.flops),
        )
    }

    /// The measurement, with those of other sides.
    fn json(&self, sides: &[Peer]) -> Value {
        let mut value = json!({
            "case": self.case,
            "median_ms": self.run.median(),
            "min_ms": self.run.least(),
            "spread": self.run.spread(),
            "samples": self.run.count(),
            "trace_ms": self.trace_ms,
            "compile_ms": self.compile_ms,
            "threads": self.threads,
            "bytes": self.cost.bytes,
            "flops": self.cost.flops,
        });
        for side in sides {
            if let Some(times) = side.cases.get(self.case) {
                value[format!("{}_median_ms", side.name)] = json!(times.median_ms);
                value[format!("ratio_to_{}", side.name)] = json!(self.run.median() / times.median_ms);
                if let Some(compile_ms) = times.compile_ms {
                    value[format!("{}_compile_ms", side.name)] = json!(compile_ms);
                }
            }
        }
        value
    }
}

/// Our times over those of other sides: lower is better. Compile times include tracing.
fn ratios(measured: &[Measurement], sides: &[Peer]) -> String {
    let mut table = format!("\n{:<20} {:>10}", "case", "median ms");
    for side in sides {
        table += &format!(" {:>11} {:>7}", format!("{} ms", side.name), "ratio");
        if side.compiles {
            table += &format!(" {:>11} {:>11} {:>7}", "compile ms", format!("{} ms", side.name), "ratio");
        }
    }
    table.push('\n');
    for Measurement { case, run, trace_ms, compile_ms, .. } in measured {
        table += &format!("{case:<20} {:>10.4}", run.median());
        for side in sides {
            let Some(times) = side.cases.get(*case) else {
                table += &" ".repeat(if side.compiles { 52 } else { 20 });
                continue;
            };
            table += &format!(" {:>11.4} {:>7.3}", times.median_ms, run.median() / times.median_ms);
            if let Some(theirs) = times.compile_ms {
                let ours = trace_ms + compile_ms;
                table += &format!(" {ours:>11.3} {theirs:>11.3} {:>7.4}", ours / theirs);
            }
        }
        table.push('\n');
    }
    table
}

fn header(threads: usize) -> String {
    format!(
        "{}, {threads} threads\n{:<20} {:>10} {:>10} {:>7} {:>8} {:>8} {:>9} {:>10} {:>7}\n",
        processor(),
        "case",
        "median ms",
        "min ms",
        "spread",
        "GB/s",
        "GFLOP/s",
        "trace ms",
        "compile ms",
        "threads"
    )
}

/// What the measurements were made on.
fn machine() -> Value {
    json!({
        "processor": processor(),
        "processors": available_parallelism().map_or(1, NonZero::get),
        "architecture": std::env::consts::ARCH,
        "system": std::env::consts::OS,
    })
}

/// The processor's name for itself, where the system tells.
fn processor() -> String {
    let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}
