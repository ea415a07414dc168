//! The command line: solves posed imaging problems on pictures, runs functions in text form, shows what the compiler makes
//! of them, and measures.
//!
//! Everything here goes through the public interface of the library. A mistake of the user ends with one message on
//! standard error, exit code 1 (2 where the command line itself is wrong), and no file written.

mod arguments;
mod bench;
mod cases;
mod comparison;
mod failure;
mod glyphs;
mod npy;
mod output;
mod peers;
mod picture;
mod plot;
mod problem;
mod ratios;
mod report;
mod run;
mod sampling;
mod scaling;
mod show;
mod solve;
mod source;
mod wavelet;

use crate::arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Solve(arguments) => solve::solve(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
