//! The arguments of the commands.

use clap::{Args, Parser, Subcommand, ValueEnum};
use cotangent::artifact::CpuLevel;
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
    /// Compile functions to a kernel file, which runs without a compiler
    Compile(CompileArguments),
    /// Show what a kernel file holds
    Inspect(InspectArguments),
    /// Make a pair of keys to sign kernel files with
    Keygen(KeygenArguments),
    /// Compile a function in text form, or load one from a kernel file, and run it on arrays from files
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

    /// Folder for arrays as npy files: what was measured, by the names of a kernel's arguments, degraded and restored
    #[arg(long, value_name = "DIR")]
    pub(crate) save_arrays: Option<PathBuf>,

    /// A kernel file to solve with, instead of compiling; it has the number of iterations and the weight
    #[arg(long, value_name = "KERNEL.cot", conflicts_with_all = ["maxiter", "lambda", "profile"])]
    pub(crate) kernel: Option<PathBuf>,

    /// Use the kernel only if it was signed with the private key to this public one
    #[arg(long, value_name = "KEY.pub", requires = "kernel")]
    pub(crate) trust: Option<PathBuf>,

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

/// Arguments of `compile`.
#[derive(Args, Debug)]
pub(crate) struct CompileArguments {
    /// A file of functions in text form, or one of the catalogue: denoise-tv, deconv-tv, ct-tv, sparse-code, inpaint-tv,
    /// poisson-denoise, lbfgs-tv, cg-least-squares, dictionary-code
    #[arg(value_name = "FILE.ir|PROBLEM", required_unless_present = "all")]
    pub(crate) what: Option<String>,

    /// Compile the whole catalogue; `--out` names a folder
    #[arg(long, conflicts_with_all = ["what", "name", "maxiter", "lambda", "noise", "header"])]
    pub(crate) all: bool,

    /// The kernel file; with `--all`, the folder of kernel files
    #[arg(short, long, value_name = "KERNEL.cot|DIR")]
    pub(crate) out: PathBuf,

    /// A level of x86-64 to have code for: native, x86-64-v2, x86-64-v3 or x86-64-v4; several may be given [default: native]
    #[arg(long, value_name = "LEVEL", value_delimiter = ',', value_parser = level)]
    pub(crate) target_cpu: Vec<CpuLevel>,

    /// A function of the file or problem that shall be in the kernel; may be repeated [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Vec<String>,

    /// Extents of the pictures, or of the matrix [default: those of the photograph that comes with the program]
    #[arg(long, value_name = "HxW|CxHxW", value_parser = shape)]
    pub(crate) shape: Option<Shape>,

    /// Number of iterations [default: as for solve]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_ITERATIONS))]
    pub(crate) maxiter: Option<u32>,

    /// Weight of what is added to the data term [default: as for solve]
    #[arg(long, value_name = "L", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) lambda: Option<f64>,

    /// Standard deviation of the noise of white, for poisson-denoise, whose method depends on it [default: 0.1]
    #[arg(long, value_name = "S", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) noise: Option<f64>,

    /// Sign with the private key of this file
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) sign: Option<PathBuf>,

    /// File for a C header of the functions, for programs that link the kernel
    #[arg(long, value_name = "FILE.h")]
    pub(crate) header: Option<PathBuf>,
}

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// The kernel file
    #[arg(value_name = "KERNEL.cot")]
    pub(crate) file: PathBuf,

    /// Print what there is to know as JSON
    #[arg(long, conflicts_with_all = ["disassemble", "header"])]
    pub(crate) json: bool,

    /// Print the machine code of a function, or of all
    #[arg(long, value_name = "FUNCTION", num_args = 0..=1, default_missing_value = "", conflicts_with = "header")]
    pub(crate) disassemble: Option<String>,

    /// Print the C header of the functions, for programs that link the kernel
    #[arg(long)]
    pub(crate) header: bool,
}

/// Arguments of `keygen`.
#[derive(Args, Debug)]
pub(crate) struct KeygenArguments {
    /// File for the private key; the public one goes to FILE.pub
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// Functions in text form, or a kernel file
    #[arg(value_name = "FILE.ir|KERNEL.cot")]
    pub(crate) file: PathBuf,

    /// The function to run [default: the last one of a text, the only one of a kernel]
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,

    /// An argument of the function, in order; may be repeated
    #[arg(long = "arg", value_name = "A.npy")]
    pub(crate) args: Vec<PathBuf>,

    /// Run a kernel only if it was signed with the private key to this public one
    #[arg(long, value_name = "KEY.pub")]
    pub(crate) trust: Option<PathBuf>,

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

    /// How often to go through all cases, in the time of one: what changes meanwhile shows, which --compare heeds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,

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

    /// Also compile each case to a kernel file, run that in fresh processes that compile nothing, and compare
    #[arg(long, conflicts_with_all = ["list", "profile", "rounds", "compile_scaling"])]
    pub(crate) aot: bool,

    /// The program that runs kernel files for --aot [default: cotangent-run beside this program]
    #[arg(long, value_name = "FILE", requires = "aot")]
    pub(crate) runner: Option<PathBuf>,

    /// Compare two files written by --json, instead of measuring; the exit code is 1 if a case has become slower
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD.json", "NEW.json"],
        conflicts_with_all = ["cases", "suite", "json", "list", "c", "peers", "profile", "compile_scaling", "aot"]
    )]
    pub(crate) compare: Option<Vec<PathBuf>>,

    /// How much slower or faster is nothing yet, for --compare and --aot
    #[arg(long, value_name = "F", default_value_t = 0.05, value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) noise: f64,

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

/// Extents of an array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shape(pub(crate) Vec<usize>);

/// The largest extent that is not taken for a mistake.
const LARGEST_EXTENT: usize = 1 << 16;

fn shape(text: &str) -> Result<Shape, String> {
    let extents = text.split('x').map(|extent| match extent.parse::<usize>() {
        Ok(extent) if (1..=LARGEST_EXTENT).contains(&extent) => Ok(extent),
        Ok(_) => Err(format!("extents must be from 1 to {LARGEST_EXTENT}")),
        Err(_) => Err("it must be extents with x between them, such as 384x512 or 3x384x512".into()),
    });
    let extents: Vec<usize> = extents.collect::<Result<_, String>>()?;
    match extents.len() {
        2 | 3 => Ok(Shape(extents)),
        _ => Err("it must be two extents, or three with planes first, such as 384x512 or 3x384x512".into()),
    }
}

fn level(text: &str) -> Result<CpuLevel, String> {
    text.parse()
}
