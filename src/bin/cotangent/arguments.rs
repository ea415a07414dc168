//! The arguments of the commands.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The command line.
#[derive(Parser, Debug)]
#[command(name = "cotangent", version, arg_required_else_help = true)]
#[command(about = "Compiled array programs for scientific imaging", long_about = None)]
#[command(
    after_help = "COTANGENT_THREADS sets the number of threads; COTANGENT_DISABLE=fusion,wide,... compiles without \
                        optimisations, to find one at fault."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Degrade a picture, restore it, and show how well that went
    Solve(SolveArguments),
    /// Compile a function in text form and run it on arrays from files
    Run(RunArguments),
    /// Print a function in text form as a stage of the compiler sees it
    Show(ShowArguments),
    /// Measure how long cases of many kinds take to compile and to run
    Bench(BenchArguments),
}

/// Arguments of `solve`.
#[derive(Args, Debug)]
pub(crate) struct SolveArguments {
    /// The problem to pose and solve
    #[arg(value_enum)]
    pub(crate) problem: ProblemName,

    /// The picture, PNG, JPEG, TIFF or npy, grey or colour [default: a photograph that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    /// Folder for pictures, convergence plot and statistics; nothing is written without it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Number of iterations [default: 100 for denoise-tv, 60 for deconv-tv]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_ITERATIONS))]
    pub(crate) maxiter: Option<u32>,

    /// Standard deviation of the noise, for values from 0 to 1 [default: 0.1 for denoise-tv, 0.01 for deconv-tv]
    #[arg(long, value_name = "S", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) noise: Option<f64>,

    /// Weight of the total variation [default: 0.1 for denoise-tv, 0.002 for deconv-tv]
    #[arg(long, value_name = "L", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) lambda: Option<f64>,

    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Number of threads; results do not depend on it [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,

    /// File for a profile of a solve, for the trace viewers of Chrome and Perfetto
    #[arg(long, value_name = "FILE.json")]
    pub(crate) profile: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// More iterations than this are taken for a mistake: a row of statistics is kept for each.
const MOST_ITERATIONS: i64 = 100_000;

/// The problems that can be posed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ProblemName {
    /// Remove white noise
    DenoiseTv,
    /// Undo a blur by a box of 7 by 7 pixels, with a little noise
    DeconvTv,
    /// Reconstruct a cross-section from X-ray projections at 60 angles
    CtTv,
    /// Remove white noise by sparse coefficients of wavelets
    SparseCode,
    /// Fill in pixels of which two thirds are missing
    InpaintTv,
    /// Remove the noise of counting photons
    PoissonDenoise,
}

impl ProblemName {
    /// As it is spelled on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ProblemName::DenoiseTv => "denoise-tv",
            ProblemName::DeconvTv => "deconv-tv",
            ProblemName::CtTv => "ct-tv",
            ProblemName::SparseCode => "sparse-code",
            ProblemName::InpaintTv => "inpaint-tv",
            ProblemName::PoissonDenoise => "poisson-denoise",
        }
    }
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// Functions in text form; the last one is run
    #[arg(value_name = "FILE.ir")]
    pub(crate) file: PathBuf,

    /// An argument of the function, in order; may be repeated
    #[arg(long = "arg", value_name = "A.npy")]
    pub(crate) args: Vec<PathBuf>,

    /// File for a profile of the call, for the trace viewers of Chrome and Perfetto
    #[arg(long, value_name = "FILE.json")]
    pub(crate) profile: Option<PathBuf>,

    /// File for the result; several results get a number each: y_0.npy, y_1.npy, ... [default: results are printed]
    #[arg(long, value_name = "Y.npy")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// Functions in text form; the last one is shown
    #[arg(value_name = "FILE.ir")]
    pub(crate) file: PathBuf,

    /// The stage
    #[arg(long, value_enum, default_value = "plan")]
    pub(crate) stage: Stage,
}

/// Stages on the way from a function to machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Stage {
    /// As it was read
    Function,
    /// Without what is not needed
    Simplified,
    /// The loop nests it is fused into
    #[value(alias = "fused")]
    Kernels,
    /// What is done in which order, in which memory
    Plan,
    /// The code generator's intermediate representation
    Clif,
    /// Machine code
    Asm,
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// The cases to measure, by name [default: those of the suite all]
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<String>,

    /// File for the measurements
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Number of threads [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,

    /// Longest time for one case, if its median is not known before
    #[arg(long, value_name = "S", default_value_t = 3.0, value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) seconds: f64,

    /// Print the names of all cases
    #[arg(long)]
    pub(crate) list: bool,

    /// Cases that belong together, instead of names
    #[arg(long, value_enum, conflicts_with = "cases")]
    pub(crate) suite: Option<Suite>,

    /// File for a profile of one call of the case that is named, for the trace viewers of Chrome and Perfetto
    #[arg(long, value_name = "FILE.json")]
    pub(crate) profile: Option<PathBuf>,

    /// Measure the same cases in JAX, those of operators in SCICO, with this Python, and print ratios
    #[arg(long, value_name = "PYTHON")]
    pub(crate) peers: Option<PathBuf>,

    /// Measure those cases that there are in C, compiled with cc or what the environment variable CC names, and print ratios
    #[arg(long)]
    pub(crate) c: bool,

    /// Measure instead how long loops that are written out take to compile, and plot that; with `--peers`, JAX's times too
    #[arg(long, value_name = "FILE.svg", conflicts_with_all = ["cases", "suite", "json", "list", "c", "profile"])]
    pub(crate) compile_scaling: Option<PathBuf>,
}

/// Cases that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// Programs of all kinds
    All,
    /// What users of JAX on processors complain about
    Complaints,
    /// Operators, forward and adjoint, and proxes of functionals
    Operators,
    /// Whole solves
    Solvers,
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        Ok(_) => Err("it must be finite and not negative, such as 0.05".into()),
        Err(_) => Err("it must be a number, such as 0.05".into()),
    }
}
