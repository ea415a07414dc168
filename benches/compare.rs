//! The cases, measured quickly and reported as a table and as JSON, for comparison with other systems and other versions.
//!
//!     cargo bench --bench compare -- [--json FILE] [--only TEXT] [--seconds S] [--threads N] [--plan]
//!
//! Each case is called until its median is known to one percent, or for the given time. `benches/peers/compare.sh` runs
//! this in turn with programs of other systems.

mod cases;

use cases::Case;
use cotangent::Array;
use cotangent::compile::{Options, compile_uncached, show};
use serde_json::{Value, json};
use std::error::Error;
use std::time::{Duration, Instant};

/// A sample is at least this long, so that reading the clock does not show in it.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(100);

/// Samples taken whatever they show.
const FEWEST_SAMPLES: usize = 15;

/// Half the width, relative to the median, of the interval that holds the median with 95 % confidence: below this, it is
/// known well enough.
const WANTED_PRECISION: f64 = 0.01;

/// Compilations that a compile time is the median of.
const COMPILATIONS: usize = 9;

struct Arguments {
    json: Option<String>,
    only: String,
    seconds: f64,
    plan: bool,
}

/// Durations in milliseconds, sorted.
struct Samples(Vec<f64>);

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
        let compiled = compile_uncached(&(prepared.trace)(), &Options::default())?;
        println!("{}\n{}", show::plan(compiled.plan()), show::kernels(compiled.plan()));
    }
    let run = run_times(&mut prepared.call, Duration::from_secs_f64(arguments.seconds));
    let (median, least, spread, count) = (run.median(), run.least(), run.spread(), run.0.len());
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

/// Times of tracing, and of compiling what was traced.
fn compile_times(trace: &dyn Fn() -> cotangent_ir::Func) -> Result<(Samples, Samples), Box<dyn Error>> {
    let (mut tracing, mut compiling) = (Vec::new(), Vec::new());
    for _ in 0..COMPILATIONS {
        let start = Instant::now();
        let func = trace();
        let traced = Instant::now();
        let compiled = compile_uncached(&func, &Options::default())?;
        compiling.push(traced.elapsed());
        tracing.push(traced - start);
        drop(compiled);
    }
    Ok((Samples::new(tracing, 1), Samples::new(compiling, 1)))
}

/// Times of calls, until the median is known or the time is up.
fn run_times(call: &mut dyn FnMut(), budget: Duration) -> Samples {
    let mut repeat = |calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    let mut calls = 1;
    while repeat(calls) < SHORTEST_SAMPLE {
        calls *= 2;
    }
    // Caches, clock rates and sleeping workers settle.
    let start = Instant::now();
    while start.elapsed() < budget / 10 {
        repeat(calls);
    }
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < budget || times.len() < 3 {
        times.push(repeat(calls));
        if times.len() >= FEWEST_SAMPLES
            && times.len().is_multiple_of(5)
            && Samples::new(times.clone(), calls).precision() < WANTED_PRECISION
        {
            break;
        }
    }
    Samples::new(times, calls)
}

impl Samples {
    fn new(times: Vec<Duration>, calls: usize) -> Samples {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3 / calls as f64).collect();
        sorted.sort_by(f64::total_cmp);
        Samples(sorted)
    }

    fn quantile(&self, fraction: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[((fraction * last as f64).round() as usize).min(last)]
    }

    fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn least(&self) -> f64 {
        self.0[0]
    }

    /// The distance between the quartiles, relative to the median.
    fn spread(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / self.median()
    }

    /// Half the width of the interval of order statistics that holds the median with 95 % confidence, relative to it.
    fn precision(&self) -> f64 {
        let reach = 0.98 / (self.0.len() as f64).sqrt();
        (self.quantile(0.5 + reach) - self.quantile(0.5 - reach)) / (2.0 * self.median())
    }
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
