//! Every way there is to run a function, and the tolerance within which they agree.

use cotangent::artifact::{CpuLevel, Kernel, KernelBuilder, KernelSource};
use cotangent::compile::{self, Lanes, interpret};
use cotangent::ir::text::print;
use cotangent::ir::{DType, Func, Number, Scalar, Tensor, eval};
use cotangent::run::call::CallOptions;
use std::sync::Arc;

/// Compiled programs run with so many threads, and give the same bits with each.
const THREADS: [usize; 3] = [1, 2, 3];

/// Whether functions are compiled and run natively, besides being interpreted.
const NATIVE: bool = true;

/// What an executor that can run a function made of it.
type Outcome = (String, Vec<Tensor>);

/// Runs a function by every executor and compares with the expected results, or else with the reference interpreter's.
pub(crate) fn all_agree(func: &Func, args: Vec<Tensor>, expected: Option<Vec<Tensor>>) -> Result<(), String> {
    let args: Vec<Arc<Tensor>> = args.into_iter().map(Arc::new).collect();
    let reference = eval::eval(func, &args).map_err(|error| error.to_string())?;
    let expected = match expected {
        Some(expected) => {
            compare("the reference interpreter", &reference, &expected)?;
            expected
        }
        None => reference,
    };
    for (name, results) in interpreted(func, &args).into_iter().chain(compiled(func, &args)?) {
        compare(&name, &results, &expected)?;
    }
    Ok(())
}

/// The plan, fused and not, by the interpreter of plans, where it can.
fn interpreted(func: &Func, args: &[Arc<Tensor>]) -> Vec<Outcome> {
    let prepared = compile::prepared(func).expect("functions of filetests have code");
    let run = |fuse| {
        let plan = compile::plan(&prepared, &compile::Options { fuse, ..compile::Options::default() });
        Some((format!("the interpreter of plans, fused: {fuse}"), interpret::interpret(&plan, args)?))
    };
    [true, false].into_iter().filter_map(run).collect()
}

fn compiled(func: &Func, args: &[Arc<Tensor>]) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    if !NATIVE {
        return Ok(outcomes);
    }
    for (fuse, lanes) in [(true, Lanes::Wide), (true, Lanes::Vector), (false, Lanes::Vector), (true, Lanes::Scalar)] {
        let options = compile::Options { fuse, lanes, ..compile::Options::default() };
        let program = compile::compile(func, &options).map_err(|error| error.to_string())?;
        let mut first: Option<Vec<Tensor>> = None;
        for threads in THREADS {
            let with = CallOptions { threads: Some(threads), ..CallOptions::default() };
            let results = program.call_with(args, with).map_err(|error| error.to_string())?;
            let name = format!("compiled, fused: {fuse}, lanes: {lanes:?}, threads: {threads}");
            if let Some(first) = &first
                && !first.iter().zip(&results).all(|(a, b)| same_bits(a, b))
            {
                return Err(format!("{name}: the results depend on the number of threads"));
            }
            first.get_or_insert_with(|| results.clone());
            outcomes.push((name, results));
        }
    }
    outcomes.extend(precompiled(func, args)?);
    Ok(outcomes)
}

/// Kernel files for two levels of the processor, loaded. Calls of the host and functions in attributes of library calls
/// have no place in a file.
fn precompiled(func: &Func, args: &[Arc<Tensor>]) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    for level in [CpuLevel::V2, CpuLevel::V3].into_iter().filter(|level| level.is_supported()) {
        let source = KernelSource::func("test", func, Vec::new(), &compile::Options::default());
        let source = source.map_err(|error| error.to_string())?;
        let file = match KernelBuilder::new("test").levels([level]).function(source).build() {
            Ok(file) => file,
            Err(error) if error.message().contains("which a file cannot hold") => continue,
            Err(error) => return Err(error.to_string()),
        };
        // SAFETY: the file was made above.
        let kernel = unsafe { Kernel::from_bytes(&file) }.map_err(|error| error.to_string())?;
        let results = kernel.functions()[0].call(args).map_err(|error| error.to_string())?;
        outcomes.push((format!("precompiled for {level}"), results));
    }
    Ok(outcomes)
}

/// Equal bytes, whatever NaN they hold.
fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    a.bytes() == b.bytes() || a.scalars().zip(b.scalars()).all(|(a, b)| a == b || (is_nan(a) && is_nan(b)))
}

fn is_nan(value: Scalar) -> bool {
    value.as_f64().is_nan()
}

fn compare(executor: &str, given: &[Tensor], expected: &[Tensor]) -> Result<(), String> {
    if !given.iter().map(Tensor::ty).eq(expected.iter().map(Tensor::ty)) {
        return Err(format!("{executor} gives results of other types"));
    }
    for (number, (given, expected)) in given.iter().zip(expected).enumerate() {
        let Some(position) = (0..given.ty().len()).find(|&i| !close(given.get(i), expected.get(i))) else { continue };
        let show = |tensor: &Tensor| match tensor.ty().len() {
            0..=64 => print::tensor(tensor),
            _ => format!("{} at element {position}", print::scalar(tensor.get(position))),
        };
        return Err(format!("{executor}, result {number}:\nexpected {}\ngiven    {}", show(expected), show(given)));
    }
    Ok(())
}

/// Relative tolerance by dtype, and absolute below 1. Bools and integers are exact.
fn tolerance(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => 2e-5,
        DType::F64 => 1e-11,
        _ => 0.0,
    }
}

fn close(given: Scalar, expected: Scalar) -> bool {
    let tolerance = tolerance(expected.dtype());
    match (given.number(), expected.number()) {
        (Number::Int(given), Number::Int(expected)) => given == expected,
        (Number::Complex(given), Number::Complex(expected)) => {
            // Parts are compared on the scale of the whole, on which they are rounded.
            let scale = expected.norm();
            close_real(given.re, expected.re, scale, tolerance) && close_real(given.im, expected.im, scale, tolerance)
        }
        _ => close_real(given.as_f64(), expected.as_f64(), 0.0, tolerance),
    }
}

fn close_real(given: f64, expected: f64, scale: f64, tolerance: f64) -> bool {
    if expected.is_nan() || given.is_nan() {
        return expected.is_nan() && given.is_nan();
    }
    if expected == 0.0 && expected.is_sign_negative() && given == 0.0 {
        return given.is_sign_negative();
    }
    let scale = if scale.is_finite() { expected.abs().max(scale) } else { expected.abs() };
    given == expected || (given - expected).abs() <= tolerance * (1.0 + scale)
}
