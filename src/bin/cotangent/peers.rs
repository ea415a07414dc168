//! The same cases in JAX, in SCICO and in C, measured in the same way by programs of their own, which are part of this one
//! as text.

use crate::failure::{Failure, Result};
use crate::process::{Folder, last_line, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python programs by name. That for SCICO takes its clock from that for JAX.
const PYTHON_PROGRAMS: [(&str, &str); 4] = [
    ("jax_peer.py", include_str!("../../../benches/peers/jax_peer.py")),
    ("jax_solvers.py", include_str!("../../../benches/peers/jax_solvers.py")),
    ("scico_peer.py", include_str!("../../../benches/peers/scico_peer.py")),
    ("scico_solvers.py", include_str!("../../../benches/peers/scico_solvers.py")),
];

/// What the C programs share, and its name.
const C_HEADER: (&str, &str) = ("peer.h", include_str!("../../../benches/peers/peer.h"));

/// The C programs, and what the names of their cases begin with.
const C_PROGRAMS: [(&str, &str, &str); 3] = [
    ("cg", "cg100_", include_str!("../../../benches/peers/cg.c")),
    ("pdhg", "pdhg_tv100_", include_str!("../../../benches/peers/pdhg.c")),
    ("triad", "stream_triad", include_str!("../../../benches/peers/triad.c")),
];

/// What was measured on another side.
pub(crate) struct Peer {
    /// `jax`, `scico` or `c`.
    pub(crate) name: &'static str,
    /// Whether programs are compiled when they are called, so that compile times can be compared.
    pub(crate) compiles: bool,
    /// By name of the case.
    pub(crate) cases: BTreeMap<String, PeerTimes>,
}

/// Times of a case on another side.
pub(crate) struct PeerTimes {
    pub(crate) median_ms: f64,
    /// With tracing.
    pub(crate) compile_ms: Option<f64>,
}

/// A library of Python that has cases of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Library {
    /// Programs.
    Jax,
    /// Operators and functionals.
    Scico,
}

impl Library {
    /// What is imported, and what columns and keys of reports are called.
    fn module(self) -> &'static str {
        match self {
            Library::Jax => "jax",
            Library::Scico => "scico",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Library::Jax => "JAX",
            Library::Scico => "SCICO",
        }
    }

    /// What the package installer is to be told.
    fn requirement(self) -> &'static str {
        match self {
            Library::Jax => "jax==0.8.1",
            Library::Scico => "scico==0.0.7",
        }
    }
}

/// A Python that has a library.
pub(crate) struct Python {
    python: PathBuf,
    library: Library,
    folder: Folder,
}

impl Python {
    /// Checks that there is the library.
    pub(crate) fn new(python: &Path, library: Library) -> Result<Python> {
        let (name, module, title) = (python.display(), library.module(), library.title());
        let found = Command::new(python).args(["-c", &format!("import {module}")]).output();
        let output = found.map_err(|error| {
            Failure::new(format!("--peers {name}: it cannot be started: {error}; name a Python that has {title}"))
        })?;
        if !output.status.success() {
            return Err(Failure::new(format!(
                "--peers {name}: it has no {title} ({}); run `{name} -m pip install {}`, or name another Python",
                last_line(&output),
                library.requirement()
            )));
        }
        let folder = Folder::new()?;
        for (name, text) in PYTHON_PROGRAMS {
            folder.write(name, text)?;
        }
        Ok(Python { python: python.into(), library, folder })
    }

    /// Measures the cases of these names.
    pub(crate) fn measure(&self, cases: &[&str], seconds: f64, threads: usize) -> Result<Peer> {
        let report = self.folder.path("report.json");
        let mut command = self.command(threads);
        command.arg("--json").arg(&report).arg("--seconds").arg(seconds.to_string());
        command.args(cases.iter().flat_map(|case| ["--case", case]));
        run(&mut command, &format!("the cases in {}", self.library.title()))?;
        let text = fs::read_to_string(&report).map_err(|error| Failure::in_file(&report, error))?;
        let cases = parsed(&text, self.library.title())?;
        Ok(Peer { name: self.library.module(), compiles: self.library == Library::Jax, cases })
    }

    /// Milliseconds to trace and compile loops of so many steps that are written out.
    pub(crate) fn unrolled(&self, steps: usize, threads: usize) -> Result<f64> {
        let output = run(self.command(threads).arg("--unrolled").arg(steps.to_string()), "unrolled loops in JAX")?;
        let times: Value = serde_json::from_slice(&output.stdout).map_err(|error| unreadable("JAX", &error))?;
        times[steps.to_string()].as_f64().ok_or_else(|| unreadable("JAX", &"there is no time"))
    }

    fn command(&self, threads: usize) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(self.folder.path(format!("{}_peer.py", self.library.module())))
            .env("PEER_THREADS", threads.to_string());
        command
    }
}

/// The C programs, compiled.
pub(crate) struct C(Folder);

impl C {
    /// Compiles them.
    pub(crate) fn new() -> Result<C> {
        let folder = Folder::new()?;
        folder.write(C_HEADER.0, C_HEADER.1)?;
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        for (name, _, text) in C_PROGRAMS {
            let source = folder.write(&format!("{name}.c"), text)?;
            let flags = ["-std=c11", "-O3", "-march=native", "-ffast-math", "-fopenmp"];
            let mut command = Command::new(&compiler);
            command.args(flags).arg(&source).arg("-o").arg(folder.path(name)).arg("-lm");
            let output = command.output().map_err(|error| {
                Failure::new(format!(
                    "--c: `{compiler}` cannot be started: {error}; install a C compiler or name one by CC"
                ))
            })?;
            if !output.status.success() {
                let reason = last_line(&output);
                return Err(Failure::new(format!(
                    "--c: `{compiler}` cannot compile {name}.c: {reason}; name by CC a compiler that has OpenMP, such as gcc"
                )));
            }
        }
        Ok(C(folder))
    }

    /// Measures those of these cases that there are.
    pub(crate) fn measure(&self, cases: &[&str], seconds: f64, threads: usize) -> Result<Peer> {
        let mut all = BTreeMap::new();
        for (name, prefix, _) in C_PROGRAMS {
            let own: Vec<&str> = cases.iter().copied().filter(|case| case.starts_with(prefix)).collect();
            if own.is_empty() {
                continue;
            }
            let mut command = Command::new(self.0.path(name));
            command.arg(seconds.to_string()).args(&own).env("OMP_NUM_THREADS", threads.to_string());
            let output = run(&mut command, &format!("{name}.c"))?;
            all.extend(parsed(&String::from_utf8_lossy(&output.stdout), "C")?);
        }
        Ok(Peer { name: "c", compiles: false, cases: all })
    }
}

/// The cases of a report.
fn parsed(text: &str, side: &str) -> Result<BTreeMap<String, PeerTimes>> {
    let report: Value = serde_json::from_str(text).map_err(|error| unreadable(side, &error))?;
    let cases = report["cases"].as_object().ok_or_else(|| unreadable(side, &"there are no cases"))?;
    let times = |(name, case): (&String, &Value)| {
        let median_ms = case["median_ms"].as_f64().ok_or_else(|| unreadable(side, &format!("{name} has no time")))?;
        let compile_ms = case["compile_ms"].as_f64().map(|time| time + case["trace_ms"].as_f64().unwrap_or(0.0));
        Ok((name.clone(), PeerTimes { median_ms, compile_ms }))
    };
    cases.iter().map(times).collect()
}

fn unreadable(side: &str, reason: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("the report of the {side} side cannot be read: {reason}"))
}
