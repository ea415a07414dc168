//! `cotangent-run`: runs a function of a kernel file, on data from files, and compiles nothing.
//!
//!     cotangent-run KERNEL.cot FUNCTION --arguments FILE --results FILE [--seconds S] [--overwrite] [--threads N]
//!
//! The file of arguments holds the elements of all arguments, one array after the other, row by row, as they lie in memory;
//! the file of results is written in the same way. What it took is printed as JSON: `load_ms` for the kernel, `first_call_ms`
//! for the call that gave the results, `peak_bytes` of memory where the system tells; with `--seconds` the call is repeated
//! until its median is known or the time is up, and `samples_ms` and what is computed of them are there, too. Then every
//! call allocates its results or, with `--overwrite`, overwrites the former ones.
//!
//! `cotangent bench --aot` starts one of these for every measurement, so that loading is the first that its process does.
//! It is the same program with and without a compiler in the library; `compiler` in the report says which it was built with.

#[path = "../cotangent/sampling.rs"]
mod sampling;

use cotangent::Tensor;
use cotangent::artifact::{Kernel, KernelFunction};
use cotangent::run::pool::set_threads;
use sampling::{Samples, run_times};
use serde_json::{Value, json};
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const USAGE: &str =
    "cotangent-run KERNEL.cot FUNCTION --arguments FILE --results FILE [--seconds S] [--overwrite] [--threads N]";

/// What goes wrong, in words.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("error: {message}; usage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match measure(&arguments) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The command line.
struct Arguments {
    kernel: PathBuf,
    function: String,
    arguments: PathBuf,
    results: PathBuf,
    budget: Option<Duration>,
    overwrite: bool,
    threads: Option<usize>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let (mut names, mut arguments, mut results) = (Vec::new(), None, None);
        let (mut budget, mut overwrite, mut threads) = (None, false, None);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--arguments" => arguments = Some(PathBuf::from(value()?)),
                "--results" => results = Some(PathBuf::from(value()?)),
                "--seconds" => budget = Some(seconds(&value()?)?),
                "--overwrite" => overwrite = true,
                "--threads" => threads = Some(value()?.parse().map_err(|error| format!("--threads: {error}"))?),
                option if option.starts_with('-') => return Err(format!("there is no option `{option}`")),
                _ => names.push(word),
            }
        }
        let [kernel, function] = names.try_into().map_err(|_| "expected a kernel file and the name of a function")?;
        let arguments = arguments.ok_or("`--arguments` is missing")?;
        let results = results.ok_or("`--results` is missing")?;
        Ok(Arguments { kernel: kernel.into(), function, arguments, results, budget, overwrite, threads })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|error| format!("--seconds: {error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("--seconds: {error}"))
}

/// Loads, runs, and tells what that took.
fn measure(arguments: &Arguments) -> Outcome<Value> {
    if let Some(threads) = arguments.threads {
        set_threads(threads)?;
    }
    let start = Instant::now();
    // SAFETY: whoever names a kernel file to this program vouches for it, as for any program that they start.
    let kernel = unsafe { Kernel::load(&arguments.kernel) }?;
    let load = start.elapsed();
    let function = kernel.function(&arguments.function)?;
    let data = read_arguments(&arguments.arguments, function)?;
    let start = Instant::now();
    let mut results = function.call(&data)?;
    let first_call = start.elapsed();
    write_results(&arguments.results, &results)?;
    let mut report = json!({
        "compiler": cfg!(feature = "compiler"),
        "level": kernel.level().name(),
        "load_ms": load.as_secs_f64() * 1e3,
        "first_call_ms": first_call.as_secs_f64() * 1e3,
    });
    if let Some(budget) = arguments.budget {
        // What went well once goes well again: arguments and results are the same.
        let samples = match arguments.overwrite {
            true => {
                run_times(&mut || function.call_into(black_box(&data), &mut results).expect("it ran before"), budget)
            }
            false => {
                drop(results);
                run_times(&mut || drop(black_box(function.call(black_box(&data)).expect("it ran before"))), budget)
            }
        };
        add(&mut report, &samples);
    }
    report["peak_bytes"] = json!(peak_bytes());
    Ok(report)
}

fn add(report: &mut Value, samples: &Samples) {
    report["median_ms"] = json!(samples.median());
    report["min_ms"] = json!(samples.least());
    report["spread"] = json!(samples.spread());
    report["samples"] = json!(samples.count());
    report["samples_ms"] = json!(samples.kept());
}

/// Reads an array for every argument of a function.
fn read_arguments(path: &Path, function: &KernelFunction) -> Outcome<Vec<Arc<Tensor>>> {
    let named = |error| format!("{}: {error}", path.display());
    let expected: usize = function.description().arguments.iter().map(|argument| argument.ty.byte_len()).sum();
    let given = fs::metadata(path).map_err(named)?.len();
    if given != expected as u64 {
        return Err(
            format!("{}: {given} bytes, expected {expected} for {}", path.display(), function.description()).into()
        );
    }
    let mut file = File::open(path).map_err(named)?;
    let mut data = Vec::new();
    for argument in &function.description().arguments {
        let mut tensor = Tensor::zeros(argument.ty.clone());
        file.read_exact(tensor.bytes_mut()).map_err(named)?;
        if argument.ty.dtype.is_bool() && tensor.bytes().iter().any(|&byte| byte > 1) {
            return Err(format!("{}: a truth value of {} is neither 0 nor 1", path.display(), argument.name).into());
        }
        data.push(Arc::new(tensor));
    }
    Ok(data)
}

fn write_results(path: &Path, results: &[Tensor]) -> Outcome<()> {
    let named = |error| format!("{}: {error}", path.display());
    let mut file = BufWriter::new(File::create(path).map_err(named)?);
    for result in results {
        file.write_all(result.bytes()).map_err(named)?;
    }
    Ok(file.flush().map_err(named)?)
}

/// The most memory that this process has had at once, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
