//! The cases, measured as `cotangent bench` measures and reported with a summary of their results, for comparison with
//! other systems.
//!
//!     cargo bench --bench compare -- [--json FILE] [--only TEXT] [--seconds S] [--threads N] [--plan]
//!
//! Each case is called until its median is known to one percent, or for the given time. `benches/peers/compare.sh` runs
//! this in turn with programs of other systems.

#[path = "../src/bin/cotangent/cases/mod.rs"]
mod cases;
#[path = "../src/bin/cotangent/compiling.rs"]
mod compiling;
#[path = "../src/bin/cotangent/sampling.rs"]
mod sampling;

use cases::Case;
use compiling::compile_times;
use cotangent::Array;
use cotangent::compile::{Options, compile_uncached, show};
use sampling::run_times;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;

struct Arguments {
    json: Option<String>,
    only: String,
    seconds: f64,
    plan: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    let mut report = serde_json::Map::new();
    println!(
        "{:<16} {:>11} {:>11} {:>8} {:>8} {:>10} {:>11}",
        "case", "median ms", "min ms", "spread", "samples", "trace ms", "compile ms"
    );
    for case in cases::all().iter().filter(|case| case.name.contains(&arguments.only)) {
        let measured = measure(case, &arguments)?;
        report.insert(case.name.into(), measured);
    }
    if let Some(path) = &arguments.json {
        let threads = cotangent::run::pool::threads()?;
        let report = json!({ "side": "cotangent", "threads": threads, "cases": report });
        std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}

impl Arguments {
    fn parse() -> Result<Arguments, Box<dyn Error>> {
        let mut parsed = Arguments { json: None, only: String::new(), seconds: 3.0, plan: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--json" => parsed.json = Some(value()?),
                "--only" => parsed.only = value()?,
                "--seconds" => parsed.seconds = value()?.parse()?,
                "--threads" => cotangent::run::pool::set_threads(value()?.parse()?)?,
                "--plan" => parsed.plan = true,
                // Cargo passes it to every bench.
                "--bench" => (),
                _ => return Err(format!("`{word}` is none of --json --only --seconds --threads --plan").into()),
            }
        }
        Ok(parsed)
    }
}

fn measure(case: &Case, arguments: &Arguments) -> Result<Value, Box<dyn Error>> {
    let mut prepared = case.prepare();
    let (trace, compile) = compile_times(&prepared.trace)?;
    if arguments.plan {
        let compiled = compile_uncached(&(prepared.trace)().func, &Options::default())?;
        println!("{}\n{}", show::plan(compiled.plan()), show::kernels(compiled.plan()));
    }
    let run = run_times(&mut prepared.call, Duration::from_secs_f64(arguments.seconds));
    let (median, least, spread, count) = (run.median(), run.least(), run.spread(), run.count());
    let (trace, compile) = (trace.median(), compile.median());
    println!(
        "{:<16} {median:>11.4} {least:>11.4} {:>7.1}% {count:>8} {trace:>10.3} {compile:>11.3}",
        case.name,
        100.0 * spread
    );
    let results = prepared.results.iter().map(summary).collect::<Result<Vec<Value>, _>>()?;
    Ok(json!({
        "median_ms": median,
        "min_ms": least,
        "spread": spread,
        "samples": count,
        "trace_ms": trace,
        "compile_ms": compile,
        "results": results,
    }))
}

/// What is compared of a result: its sum, its norm, and some of its elements.
fn summary(result: &Array) -> Result<Value, Box<dyn Error>> {
    let elements = result.to_vec::<f32>()?;
    let sum: f64 = elements.iter().map(|&element| f64::from(element)).sum();
    let norm = elements.iter().map(|&element| f64::from(element).powi(2)).sum::<f64>().sqrt();
    let count = elements.len().min(16);
    let chosen: Vec<f32> = (0..count).map(|number| elements[number * elements.len() / count]).collect();
    Ok(json!({ "shape": result.shape()?.to_vec(), "sum": sum, "norm": norm, "elements": chosen }))
}
