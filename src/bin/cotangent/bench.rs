//! `cotangent bench`: measures the cases, each compiled ahead of its measurement.
//!
//! What a case costs, in bytes and operations, is counted on its plan (`cotangent::compile::cost`); the rates are that over
//! the median time.

use crate::aot::{self, Harness, Loaded};
use crate::arguments::{BenchArguments, Suite};
use crate::cases::{self, Case};
use crate::compiling::compile_times;
use crate::failure::{Failure, Result};
use crate::peers::{self, Library, Peer, Python};
use crate::rounds::Rounds;
use crate::run::check_profile;
use crate::sampling::run_times;
use crate::{output, ratios, recorded, scaling};
use cotangent::compile::cost::Cost;
use cotangent::compile::{Options, compile_uncached};
use cotangent::run::pool::{set_threads, threads};
use serde_json::{Value, json};
use std::fs;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

/// The fewest characters for the name of a case.
const NARROWEST: usize = 20;

/// Runs the command.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    if arguments.list {
        let listed = everything().into_iter();
        return output::print(&listed.map(|case| format!("{}\n", case.name)).collect::<String>());
    }
    if let Some([old, new]) = arguments.compare.as_deref() {
        return recorded::compare(old, new, arguments.noise);
    }
    let chosen = chosen(arguments)?;
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
    let scaling = arguments.compile_scaling.is_some();
    let python = |library: Library| {
        let in_scico = |case: &Case| case.group.is_some();
        let in_jax = |case: &Case| case.group.is_none_or(|group| group == cases::SOLVERS);
        let wanted = match library {
            Library::Jax => scaling || chosen.iter().any(in_jax),
            Library::Scico => !scaling && chosen.iter().any(in_scico),
        };
        arguments.peers.as_deref().filter(|_| wanted).map(|path| Python::new(path, library)).transpose()
    };
    let (jax, scico) = (python(Library::Jax)?, python(Library::Scico)?);
    let c = arguments.c.then(peers::C::new).transpose()?;
    let harness = arguments.aot.then(|| Harness::new(arguments.runner.as_deref(), arguments.noise)).transpose()?;
    if let Some(path) = &arguments.compile_scaling {
        return scaling::measure(path, jax.as_ref());
    }
    let width = chosen.iter().map(|case| case.name.len()).max().unwrap_or(0).max(NARROWEST);
    let columns = if arguments.aot { aot::header(width) } else { header(width) };
    output::print(&format!("{}, {} threads\n{columns}", processor(), threads()?))?;
    // The first round visits all cases, then the next one does, so that what changes slowly falls on all of them.
    let budget = Duration::from_secs_f64(arguments.seconds) / arguments.rounds;
    let mut measured: Vec<Measurement> = Vec::new();
    for round in 1..=arguments.rounds {
        for (position, case) in chosen.iter().enumerate() {
            match measured.get_mut(position) {
                Some(measurement) => measurement.run.push(&run_times(&mut case.prepare().call, budget)),
                None => measured.push(Measurement::of(case, budget, harness.as_ref())?),
            }
            if round == arguments.rounds {
                output::print(&measured[position].row(width))?;
            }
        }
    }
    let loaded: Vec<&Loaded> = measured.iter().filter_map(|measurement| measurement.loaded.as_ref()).collect();
    output::print(&aot::summary(&loaded))?;
    let wanted: Vec<&str> = chosen.iter().map(|case| case.name).collect();
    let mut sides = Vec::new();
    for python in [&jax, &scico].into_iter().flatten() {
        sides.push(python.measure(&wanted, arguments.seconds, threads()?)?);
    }
    if let Some(c) = &c {
        sides.push(c.measure(&wanted, arguments.seconds, threads()?)?);
    }
    if !sides.is_empty() {
        output::print(&ratios::table(&measured, &sides, width))?;
        output::print(&ratios::groups(&measured, &sides, width))?;
    }
    if let Some(path) = &arguments.json {
        let cases: Vec<Value> = measured.iter().map(|measurement| measurement.json(&sides)).collect();
        let report = json!({ "cases": cases, "machine": machine() });
        output::write_files(&[(path.clone(), format!("{report:#}\n").into_bytes())])?;
    }
    let differs = |measurement: &&Measurement| measurement.loaded.as_ref().is_some_and(|loaded| !loaded.same_bits);
    let different: Vec<&str> = measured.iter().filter(differs).map(|measurement| measurement.case).collect();
    match different.is_empty() {
        true => Ok(()),
        false => {
            Err(Failure::new(format!("kernel files give other results than the compiler: {}", different.join(", "))))
        }
    }
}

/// The cases of all suites.
fn everything() -> Vec<Case> {
    cases::all().into_iter().chain(cases::operators()).chain(cases::solvers()).collect()
}

/// The cases of the suite, or with the names, that are asked for, in the order of the list.
fn chosen(arguments: &BenchArguments) -> Result<Vec<Case>> {
    let complaints = || cases::COMPLAINTS.map(String::from).to_vec();
    let names = match arguments.suite {
        Some(Suite::Operators) => return Ok(cases::operators()),
        Some(Suite::Solvers) => return Ok(cases::solvers()),
        Some(Suite::Complaints) => complaints(),
        _ if arguments.cases.is_empty() => return Ok(cases::all()),
        _ => arguments.cases.clone(),
    };
    let all = everything();
    if let Some(name) = names.iter().find(|name| all.iter().all(|case| case.name != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|case| case.name).collect();
        return Err(Failure::new(format!("there is no case `{name}`; choose from {}", known.join(", "))));
    }
    Ok(all.into_iter().filter(|case| names.iter().any(|name| name == case.name)).collect())
}

/// What was measured of a case.
pub(crate) struct Measurement {
    pub(crate) case: &'static str,
    pub(crate) group: Option<&'static str>,
    pub(crate) run: Rounds,
    pub(crate) trace_ms: f64,
    pub(crate) compile_ms: f64,
    /// Of the kernel file, if one was asked for.
    pub(crate) loaded: Option<Loaded>,
    threads: usize,
    cost: Cost,
}

impl Measurement {
    fn of(case: &Case, budget: Duration, harness: Option<&Harness>) -> Result<Measurement> {
        let mut prepared = case.prepare();
        let report = compile_uncached(&(prepared.trace)().func, &Options::default())?.report();
        let (trace, compile) = compile_times(&prepared.trace)?;
        let (run, loaded) = match harness {
            None => (Rounds::new(vec![run_times(&mut prepared.call, budget)]), None),
            Some(harness) => {
                let (run, loaded) = harness.measure(case, &mut prepared, budget)?;
                (run, Some(loaded))
            }
        };
        Ok(Measurement {
            case: case.name,
            group: case.group,
            run,
            trace_ms: trace.median(),
            compile_ms: compile.median(),
            loaded,
            // A program that is not worth more than one thread runs on one.
            threads: if report.parallel { threads()? } else { 1 },
            cost: report.cost,
        })
    }

    /// A line of the table, of which the name takes so many characters.
    fn row(&self, width: usize) -> String {
        let Measurement { case, run, trace_ms, compile_ms, threads, cost, .. } = self;
        if let Some(loaded) = &self.loaded {
            return loaded.row(case, run, width);
        }
        let (median, least) = (run.median(), run.least());
        // Per millisecond, a million is 10^9 per second.
        let rate = |amount: u64| amount as f64 * 1e-6 / median;
        format!(
            "{case:<width$} {median:>10.4} {least:>10.4} {:>6.1}% {:>8.2} {:>8.2} {trace_ms:>9.3} {compile_ms:>10.3} {threads:>7}\n",
            100.0 * run.spread(),
            rate(cost.bytes),
            rate(cost.flops),
        )
    }

    /// The measurement, with those of other sides.
    fn json(&self, sides: &[Peer]) -> Value {
        let mut value = self.run.json();
        value["case"] = json!(self.case);
        value["trace_ms"] = json!(self.trace_ms);
        value["compile_ms"] = json!(self.compile_ms);
        value["threads"] = json!(self.threads);
        value["bytes"] = json!(self.cost.bytes);
        value["flops"] = json!(self.cost.flops);
        if let Some(group) = self.group {
            value["group"] = json!(group);
        }
        if let Some(loaded) = &self.loaded {
            value["aot"] = loaded.json();
        }
        for side in sides {
            if let Some(times) = side.cases.get(self.case) {
                value[format!("{}_median_ms", side.name)] = json!(times.median_ms);
                value[format!("ratio_to_{}", side.name)] = json!(self.run.median() / times.median_ms);
                if let Some(loaded) = &self.loaded {
                    value["aot"][format!("ratio_to_{}", side.name)] = json!(loaded.run.median() / times.median_ms);
                }
                if let Some(compile_ms) = times.compile_ms {
                    value[format!("{}_compile_ms", side.name)] = json!(compile_ms);
                }
            }
        }
        value
    }
}

/// The first line of the table.
fn header(width: usize) -> String {
    format!(
        "{:<width$} {:>10} {:>10} {:>7} {:>8} {:>8} {:>9} {:>10} {:>7}\n",
        "case", "median ms", "min ms", "spread", "GB/s", "GFLOP/s", "trace ms", "compile ms", "threads"
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
