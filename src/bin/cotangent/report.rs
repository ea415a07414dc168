//! What a solve tells: a summary as text or JSON, and its statistics as a table.

use crate::problem::Problem;
use crate::program::{Origin, Program, Solved};
use cotangent::optimize::History;
use serde_json::json;
use std::time::Duration;

/// The numbers of a solve.
pub(crate) struct Summary<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) program: &'a Program,
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
        let Summary { problem, program, solved, .. } = self;
        let extents: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let megabytes = program.arena_bytes as f64 * 1e-6;
        let origin = match program.origin {
            Origin::Compiled { trace, compile, kernels } => format!(
                "traced in {:.1} ms, compiled in {:.1} ms ({kernels} kernels, {megabytes:.1} MB of memory)",
                milliseconds(trace),
                milliseconds(compile)
            ),
            Origin::Loaded { load } => format!("loaded in {:.2} ms ({megabytes:.1} MB of memory)", milliseconds(load)),
        };
        format!(
            "{} of {} pixels, noise {}, lambda {}, seed {}\n\
             PSNR {:.2} dB -> {:.2} dB, objective {:.6e} after {} iterations\n\
             {origin}, solved in {:.1} ms\n",
            problem.name.name(),
            extents.join(" x "),
            problem.noise,
            problem.lambda,
            problem.seed,
            self.psnr_input,
            self.psnr_output,
            solved.objective,
            solved.iterations,
            milliseconds(solved.time),
        )
    }

    /// As JSON, for programs. A ratio that is infinite, since nothing was degraded, is null.
    pub(crate) fn json(&self) -> String {
        let Summary { problem, program, solved, .. } = self;
        let mut object = json!({
            "problem": problem.name.name(),
            "shape": self.shape,
            "noise": problem.noise,
            "lambda": problem.lambda,
            "seed": problem.seed,
            "iterations": solved.iterations,
            "objective": solved.objective,
            "psnr_input": self.psnr_input,
            "psnr_output": self.psnr_output,
            "solve_ms": milliseconds(solved.time),
            "arena_bytes": program.arena_bytes,
        });
        match program.origin {
            Origin::Compiled { trace, compile, kernels } => {
                object["trace_ms"] = milliseconds(trace).into();
                object["compile_ms"] = milliseconds(compile).into();
                object["kernels"] = kernels.into();
            }
            Origin::Loaded { load } => object["load_ms"] = milliseconds(load).into(),
        }
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
