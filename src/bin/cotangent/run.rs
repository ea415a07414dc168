//! `cotangent run`: compile a function in text form, or load one from a kernel file, and run it on arrays from files.

use crate::arguments::RunArguments;
use crate::failure::{Failure, Result};
use crate::{kernel_file, npy, output, source};
use cotangent::Type;
use cotangent::compile::{Compiled, Options, compile};
use cotangent::ir::text::print;
use cotangent::ir::{Func, Tensor};
use cotangent::run::call::CallOptions;
use cotangent::run::profile::Profile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Results with more elements than this are described, not printed.
const MOST_PRINTED: usize = 256;

/// Programs that need more bytes than this are refused, as the system would end them without a word.
const MOST_BYTES: u128 = 1 << 36;

/// Runs the command. What a file begins with decides what it is.
pub(crate) fn run(arguments: &RunArguments) -> Result<()> {
    let results = match kernel_file::is_kernel(&arguments.file) {
        true => of_kernel(arguments)?,
        false => of_text(arguments)?,
    };
    match &arguments.out {
        Some(path) => write(path, &results),
        None => output::print(
            &results.iter().enumerate().map(|(number, result)| described(number, result)).collect::<String>(),
        ),
    }
}

/// The results of a function in text form.
fn of_text(arguments: &RunArguments) -> Result<Vec<Tensor>> {
    if arguments.trust.is_some() {
        return Err(Failure::in_file(&arguments.file, "is no kernel, and only those are signed; leave `--trust` out"));
    }
    let func = source::function(&arguments.file, arguments.function.as_deref())?;
    let args = arguments_of(&func.name, func.param_types(), &arguments.args)?;
    check_sizes(&arguments.file, &func)?;
    let options = Options { profile: arguments.profile.is_some(), ..Options::default() };
    let compiled = compile(&func, &options)?;
    match &arguments.profile {
        Some(path) => profiled(&compiled, &args, path),
        None => Ok(compiled.call(&args)?),
    }
}

/// The results of a function of a kernel file.
fn of_kernel(arguments: &RunArguments) -> Result<Vec<Tensor>> {
    let path = &arguments.file;
    if arguments.profile.is_some() {
        return Err(Failure::in_file(path, "is a kernel, which has no marks for a profile; leave `--profile` out"));
    }
    let kernel = kernel_file::load(path, arguments.trust.as_deref())?;
    let function = match (&arguments.function, kernel.functions()) {
        (Some(name), _) => kernel.function(name).map_err(|error| kernel_file::failure(path, &error))?,
        (None, [only]) => only,
        (None, several) => {
            let known: Vec<&str> = several.iter().map(|function| function.name()).collect();
            let message = format!("has several functions; name one with `--function`: {}", known.join(", "));
            return Err(Failure::in_file(path, message));
        }
    };
    let types: Vec<Type> = function.description().arguments.iter().map(|argument| argument.ty.clone()).collect();
    Ok(function.call(&arguments_of(function.name(), &types, &arguments.args)?)?)
}

/// Calls a program twice, so that memory has been touched before, and writes where the time of the second call went.
pub(crate) fn profiled(compiled: &Compiled, args: &[Arc<Tensor>], path: &Path) -> Result<Vec<Tensor>> {
    check_profile(path)?;
    compiled.call(args)?;
    let mut profile = Profile::default();
    let results = compiled.call_with(args, CallOptions { profile: Some(&mut profile), ..CallOptions::default() })?;
    output::write_files(&[(path.to_path_buf(), profile.chrome_trace().into_bytes())])?;
    Ok(results)
}

/// Checks where a profile shall go before anything is computed for it.
pub(crate) fn check_profile(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; give `--profile` the name of a file"));
    }
    Ok(())
}

/// Reads the arguments of a function of these types.
fn arguments_of(name: &str, types: &[Type], paths: &[PathBuf]) -> Result<Vec<Arc<Tensor>>> {
    if types.len() != paths.len() {
        let listed: Vec<String> = types.iter().map(ToString::to_string).collect();
        return Err(Failure::new(format!(
            "@{name} takes {} arguments ({}), {} were given; name a file for each with `--arg`",
            types.len(),
            listed.join(", "),
            paths.len()
        )));
    }
    let read = |(position, (path, ty)): (usize, (&PathBuf, &Type))| {
        let tensor = npy::read(path)?;
        if tensor.ty() == ty {
            return Ok(Arc::new(tensor));
        }
        let remedy = if tensor.ty().dtype == ty.dtype { "reshape it" } else { "convert it with `astype`" };
        let given = tensor.ty();
        let message = format!("holds {given}, but argument {position} of @{name} is {ty}; {remedy}");
        Err(Failure::in_file(path, message))
    };
    paths.iter().zip(types).enumerate().map(read).collect()
}

/// Refuses a function with arrays that cannot be meant.
pub(crate) fn check_sizes(path: &Path, func: &Func) -> Result<()> {
    for inst in func.insts() {
        for sub in inst.attrs.iter().flat_map(|(_, attr)| attr.funcs()) {
            check_sizes(path, sub)?;
        }
        for value in inst.results() {
            let ty = func.ty(value);
            let bytes =
                ty.shape.iter().fold(ty.dtype.size() as u128, |bytes, &extent| bytes.saturating_mul(extent as u128));
            if bytes > MOST_BYTES {
                let message = format!("@{} computes an array {ty} of {bytes} bytes; make it smaller", func.name);
                return Err(Failure::in_file(path, message));
            }
        }
    }
    Ok(())
}

/// A result as text.
fn described(number: usize, result: &Tensor) -> String {
    match result.ty().len() {
        0..=MOST_PRINTED => format!("y{number}: {} = {}\n", result.ty(), print::tensor(result)),
        _ => format!("y{number}: {} (write it to a file with `--out`)\n", result.ty()),
    }
}

/// Writes one result to the path, several to numbered ones.
fn write(path: &Path, results: &[Tensor]) -> Result<()> {
    let (Some(stem), false) = (path.file_stem(), path.is_dir()) else {
        return Err(Failure::in_file(path, "is a folder; give `--out` the name of a file"));
    };
    let extension = path.extension().map_or("npy".into(), |extension| extension.to_string_lossy());
    let numbered = |number: usize| path.with_file_name(format!("{}_{number}.{extension}", stem.to_string_lossy()));
    let files: Vec<(PathBuf, Vec<u8>)> = match results {
        [only] => vec![(path.to_path_buf(), npy::serialize(only))],
        _ => results.iter().enumerate().map(|(number, result)| (numbered(number), npy::serialize(result))).collect(),
    };
    output::write_files(&files)
}
