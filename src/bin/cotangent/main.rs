//! The command line: solves posed imaging problems on pictures, compiles them and functions in text form to kernel files,
//! runs both, shows what the compiler makes of them, and measures.
//!
//! Everything here goes through the public interface of the library. A mistake of the user ends with one message on
//! standard error, exit code 1 (2 where the command line itself is wrong), and no file written.

mod aot;
mod arguments;
mod bench;
mod cases;
mod catalogue;
mod comparison;
mod compile;
mod compiling;
mod disassembly;
mod failure;
mod glyphs;
mod inspect;
mod kernel_file;
mod keys;
mod npy;
mod output;
mod part;
mod peers;
mod picture;
mod plot;
mod problem;
mod process;
mod program;
mod ratios;
mod recipe;
mod recorded;
mod report;
mod rounds;
mod run;
mod sampling;
mod scaling;
mod show;
mod solve;
mod source;
mod verdict;
mod wavelet;

use crate::arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Solve(arguments) => solve::solve(&arguments),
        Command::Compile(arguments) => compile::compile(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Keygen(arguments) => keys::keygen(&arguments),
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
