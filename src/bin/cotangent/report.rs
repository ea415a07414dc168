//! What a solve tells: a summary as text or JSON, and its statistics as a table.

use crate::problem::{Problem, Solved};
use cotangent::optimize::History;
use serde_json::json;
use std::time::Duration;

/// The numbers of a solve.
pub(crate) struct Summary<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) solved: &'a Solved,
    pub(crate) shape: Vec<usize>,
    /// Peak signal-to-noise ratio of the degraded picture, in decibels.
    pub(crate) psnr_input: f64,
    /// The same of the restored picture.
    pub(crate) psnr_output: f64,
}

impl Summary<'_> {
    /// As text, for people.
    pub(crate) fn text(&self) -> String {
        let Summary { problem, solved, .. } = self;
        let timings = &solved.timings;
        let extents: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        format!(
            "{} of {} pixels, noise {}, lambda {}, seed {}\n\
             PSNR {:.2} dB -> {:.2} dB, objective {:.6e} after {} iterations\n\
             traced in {:.1} ms, compiled in {:.1} ms ({} kernels, {:.1} MB of memory), solved in {:.1} ms\n",
            problem.name.name(),
            extents.join(" x "),
            problem.noise,
            problem.lambda,
            problem.seed,
            self.psnr_input,
            self.psnr_output,
            solved.objective,
            solved.iterations,
            milliseconds(timings.trace),
            milliseconds(timings.compile),
            solved.kernels,
            solved.arena_bytes as f64 * 1e-6,
            milliseconds(timings.run),
        )
    }

    /// As JSON, for programs. A ratio that is infinite, since nothing was degraded, is null.
    pub(crate) fn json(&self) -> String {
        let Summary { problem, solved, .. } = self;
        let object = json!({
            "problem": problem.name.name(),
            "shape": self.shape,
            "noise": problem.noise,
            "lambda": problem.lambda,
            "seed": problem.seed,
            "iterations": solved.iterations,
            "objective": solved.objective,
            "psnr_input": self.psnr_input,
            "psnr_output": self.psnr_output,
            "trace_ms": milliseconds(solved.timings.trace),
            "compile_ms": milliseconds(solved.timings.compile),
            "solve_ms": milliseconds(solved.timings.run),
            "kernels": solved.kernels,
            "arena_bytes": solved.arena_bytes,
        });
        format!("{object:#}\n")
    }
}

/// The statistics of all iterations, with commas between columns.
pub(crate) fn statistics(history: &History) -> String {
    let names: Vec<String> = history.columns().iter().map(|column| column.name.replace(' ', "_")).collect();
    let mut text = names.join(",") + "\n";
    for row in history.rows() {
        let numbers: Vec<String> = row.iter().map(f64::to_string).collect();
        text.push_str(&numbers.join(","));
        text.push('\n');
    }
    text
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
