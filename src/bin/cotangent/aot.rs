//! Cases compiled to kernel files, each loaded and measured by processes of their own that compile nothing:
//! `cotangent-run`, which lies beside this program unless another one is named.
//!
//! Those processes and the program compiled in this one take turns, so that a drift of the machine falls on both. What a
//! file gives must be what the compiled program gives, to the bit.

use crate::cases::{Case, Prepared, Results};
use crate::failure::{Failure, Result};
use crate::process::{Folder, run};
use crate::rounds::Rounds;
use crate::sampling::{Samples, run_times};
use crate::verdict::{Ratio, Verdict};
use cotangent::artifact::{KernelBuilder, KernelSource};
use cotangent::ir::error::internal;
use cotangent::run::pool::threads;
use serde_json::{Value, json};
use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the program that runs kernel files is called.
const RUNNER: &str = "cotangent-run";

/// The name of a case's function in its file.
const FUNCTION: &str = "run";

/// Processes of a case; between two of them it is this one's turn.
const PROCESSES: u32 = 5;

/// What measures kernel files.
pub(crate) struct Harness {
    runner: PathBuf,
    /// Ratios nearer to 1 than this are nothing.
    noise: f64,
}

/// What was measured of the kernel file of a case.
pub(crate) struct Loaded {
    /// Of the file, a round for each process.
    pub(crate) run: Rounds,
    /// Of the file over the compiled program.
    ratio: Ratio,
    verdict: Verdict,
    /// Planning, emitting and writing, without tracing.
    compile_ms: f64,
    file_bytes: u64,
    load_ms: f64,
    first_call_ms: f64,
    /// Where the system tells.
    peak_bytes: Option<u64>,
    /// The level of the processor whose code was chosen.
    level: String,
    /// Whether the processes had a compiler, too, though nothing called it.
    compiler: bool,
    /// Whether all results are those of the compiled program.
    pub(crate) same_bits: bool,
}

/// What a process says of itself.
struct Report {
    load_ms: f64,
    first_call_ms: f64,
    peak_bytes: Option<u64>,
    level: String,
    compiler: bool,
    samples: Samples,
}

impl Harness {
    /// Looks for the program that runs kernel files, here or, unless it is named, beside this one.
    pub(crate) fn new(runner: Option<&Path>, noise: f64) -> Result<Harness> {
        let runner = match runner {
            Some(runner) => runner.into(),
            None => {
                let own = std::env::current_exe();
                let own = own.map_err(|error| Failure::new(format!("--aot: this program has no path: {error}")))?;
                own.with_file_name(format!("{RUNNER}{EXE_SUFFIX}"))
            }
        };
        if !runner.is_file() {
            return Err(Failure::new(format!(
                "--aot: there is no {}, which runs kernel files; run `cargo build --release --bin {RUNNER}`, or name one by \
                 `--runner`",
                runner.display()
            )));
        }
        Ok(Harness { runner, noise })
    }

    /// Measures the program compiled in this process, and its kernel file, in turns.
    pub(crate) fn measure(&self, case: &Case, prepared: &mut Prepared, budget: Duration) -> Result<(Rounds, Loaded)> {
        let folder = Folder::new()?;
        let kernel = folder.path("kernel.cot");
        let traced = (prepared.trace)();
        let start = Instant::now();
        KernelBuilder::new(case.name).function(KernelSource::traced(FUNCTION, &traced)?).save(&kernel)?;
        let compile_ms = start.elapsed().as_secs_f64() * 1e3;
        let file_bytes = fs::metadata(&kernel).map_err(|error| Failure::in_file(&kernel, error))?.len();
        write_data(&folder.path("arguments"), prepared)?;
        let (mut here, mut reports, mut same_bits) = (Vec::new(), Vec::new(), true);
        for process in 0..PROCESSES {
            if process > 0 {
                here.push(run_times(&mut prepared.call, budget / (PROCESSES - 1)));
            }
            reports.push(self.process(case, prepared.kept, &folder, budget / PROCESSES)?);
            same_bits &= same_data(&folder.path("results"), prepared)?;
        }
        let median = |of: fn(&Report) -> f64| Samples::of(reports.iter().map(of).collect()).median();
        let (load_ms, first_call_ms) = (median(|report| report.load_ms), median(|report| report.first_call_ms));
        let peak_bytes = reports.iter().filter_map(|report| report.peak_bytes).max();
        let Some(Report { compiler, level, .. }) = reports.first() else { internal("no process was started") };
        let (compiler, level) = (*compiler, level.clone());
        let run = Rounds::new(reports.into_iter().map(|report| report.samples).collect());
        let here = Rounds::new(here);
        let ratio = run.over(&here);
        let verdict = ratio.verdict(self.noise);
        let loaded = Loaded {
            run,
            ratio,
            verdict,
            compile_ms,
            file_bytes,
            load_ms,
            first_call_ms,
            peak_bytes,
            level,
            compiler,
            same_bits,
        };
        Ok((here, loaded))
    }

    /// One process, from its start to its end.
    fn process(&self, case: &Case, kept: Results, folder: &Folder, budget: Duration) -> Result<Report> {
        let mut command = Command::new(&self.runner);
        command.arg(folder.path("kernel.cot")).arg(FUNCTION);
        command.arg("--arguments").arg(folder.path("arguments")).arg("--results").arg(folder.path("results"));
        command.args(["--seconds", &budget.as_secs_f64().to_string(), "--threads", &threads()?.to_string()]);
        if kept == Results::Overwritten {
            command.arg("--overwrite");
        }
        let output = run(&mut command, &format!("{} in {RUNNER}", case.name))?;
        let unreadable = |reason: String| {
            Failure::new(format!("{}: the report of {RUNNER} cannot be read: {reason}; build it again", case.name))
        };
        let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))?;
        Report::read(&report).ok_or_else(|| unreadable("numbers are missing".into()))
    }
}

impl Report {
    fn read(report: &Value) -> Option<Report> {
        let samples = report["samples_ms"].as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>()?;
        (!samples.is_empty()).then_some(())?;
        Some(Report {
            load_ms: report["load_ms"].as_f64()?,
            first_call_ms: report["first_call_ms"].as_f64()?,
            peak_bytes: report["peak_bytes"].as_u64(),
            level: report["level"].as_str()?.into(),
            compiler: report["compiler"].as_bool()?,
            samples: Samples::of(samples),
        })
    }
}

/// Writes the arguments of a case, one after the other.
fn write_data(path: &Path, prepared: &Prepared) -> Result<()> {
    let refused = |error| Failure::in_file(path, error);
    let mut file = File::create(path).map_err(refused)?;
    for argument in &prepared.arguments {
        file.write_all(argument.tensor()?.bytes()).map_err(refused)?;
    }
    Ok(())
}

/// Whether a file holds the results of a case, one after the other, and nothing else.
fn same_data(path: &Path, prepared: &Prepared) -> Result<bool> {
    let bytes = fs::read(path).map_err(|error| Failure::in_file(path, error))?;
    let mut rest = &bytes[..];
    for result in &prepared.results {
        match rest.strip_prefix(result.tensor()?.bytes()) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
    Ok(rest.is_empty())
}

/// The first line of the table, of which the name takes so many characters.
pub(crate) fn header(width: usize) -> String {
    format!(
        "{:<width$} {:>10} {:>8} {:>8} {:>10} {:>10} {:>10} {:>8} {:<7} {:>8} {}\n",
        "case",
        "compile ms",
        "file KB",
        "load ms",
        "first ms",
        "file's ms",
        "JIT's ms",
        "file/JIT",
        "verdict",
        "peak MB",
        "bits"
    )
}

impl Loaded {
    /// A line of the table, beside the times of the compiled program.
    pub(crate) fn row(&self, case: &str, here: &Rounds, width: usize) -> String {
        let Loaded {
            run, ratio, verdict, compile_ms, file_bytes, load_ms, first_call_ms, peak_bytes, same_bits, ..
        } = self;
        let peak = peak_bytes.map_or_else(|| "-".into(), |bytes| format!("{:.1}", bytes as f64 * 1e-6));
        format!(
            "{case:<width$} {compile_ms:>10.3} {:>8.1} {load_ms:>8.3} {first_call_ms:>10.4} {:>10.4} {:>10.4} {:>8.3} \
             {verdict:<7} {peak:>8} {}\n",
            *file_bytes as f64 * 1e-3,
            run.median(),
            here.median(),
            ratio.value,
            if *same_bits { "same" } else { "differ" },
        )
    }

    /// As part of the report of a case.
    pub(crate) fn json(&self) -> Value {
        let mut value = self.run.json();
        value["compile_ms"] = json!(self.compile_ms);
        value["file_bytes"] = json!(self.file_bytes);
        value["level"] = json!(self.level);
        value["compiler"] = json!(self.compiler);
        value["load_ms"] = json!(self.load_ms);
        value["first_call_ms"] = json!(self.first_call_ms);
        value["ratio_to_jit"] = json!(self.ratio.value);
        value["ratio_to_jit_interval"] = json!([self.ratio.low, self.ratio.high]);
        value["verdict"] = json!(self.verdict.to_string());
        value["peak_bytes"] = json!(self.peak_bytes);
        value["same_bits"] = json!(self.same_bits);
        value
    }
}

/// How the files do in all: a line, unless nothing was measured.
pub(crate) fn summary(all: &[&Loaded]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let count = |verdict: Verdict| all.iter().filter(|loaded| loaded.verdict == verdict).count();
    let slowest = all.iter().map(|loaded| loaded.load_ms).fold(0.0, f64::max);
    let compiler =
        if all.iter().any(|loaded| loaded.compiler) { "that have a compiler too" } else { "without a compiler" };
    format!(
        "{} cases: {} same, {} slower, {} faster, {} unclear, {} with the same bits; loaded in {slowest:.3} ms at most, by \
         processes {compiler}\n",
        all.len(),
        count(Verdict::Same),
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Unclear),
        all.iter().filter(|loaded| loaded.same_bits).count(),
    )
}
