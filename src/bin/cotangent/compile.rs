//! `cotangent compile`: kernel files of functions in text form, of a posed problem, or of the whole catalogue.

use crate::arguments::CompileArguments;
use crate::catalogue::{Chosen, Entry};
use crate::failure::{Failure, Result};
use crate::output::{self, Contents};
use crate::run::check_sizes;
use crate::{kernel_file, keys, source};
use cotangent::artifact::{CpuLevel, Kernel, KernelBuilder, KernelSource, c_header, sign};
use cotangent::compile::Options;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Most characters of a name of C in a kernel.
const LONGEST_NAME: usize = cotangent::artifact::LONGEST_NAME;

/// The end of the names of kernel files.
const EXTENSION: &str = "cot";

/// Runs the command.
pub(crate) fn compile(arguments: &CompileArguments) -> Result<()> {
    let making =
        Making { levels: &arguments.target_cpu, key: arguments.sign.as_deref().map(keys::private).transpose()? };
    match &arguments.what {
        Some(what) => one(what, arguments, &making),
        None => all(arguments, &making),
    }
}

/// What all kernels of a call have in common.
struct Making<'a> {
    /// None for that of the processor at hand.
    levels: &'a [CpuLevel],
    key: Option<[u8; 32]>,
}

/// A kernel, ready to be written.
struct Made {
    bytes: Vec<u8>,
    functions: Vec<String>,
    time: Duration,
}

impl Making<'_> {
    /// Makes a kernel.
    fn make(&self, kernel: impl FnOnce() -> Result<(KernelBuilder, Vec<String>)>) -> Result<Made> {
        let start = Instant::now();
        let (mut builder, functions) = kernel()?;
        if !self.levels.is_empty() {
            builder = builder.levels(self.levels.iter().copied());
        }
        let mut bytes = builder.build().map_err(|error| Failure::new(error.message()))?;
        if let Some(key) = &self.key {
            sign(&mut bytes, key).map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(Made { bytes, functions, time: start.elapsed() })
    }
}

/// Makes one kernel.
fn one(what: &str, arguments: &CompileArguments, making: &Making<'_>) -> Result<()> {
    let path = &arguments.out;
    [Some(path), arguments.header.as_ref()].into_iter().flatten().try_for_each(|path| output::check_file(path))?;
    if arguments.header.as_ref() == Some(path) {
        return Err(Failure::in_file(path, "cannot be kernel and header; give `--header` another name"));
    }
    if let Some(twice) = first_twice(&arguments.name) {
        return Err(Failure::new(format!("--name {twice} is there twice; name each function once")));
    }
    let made = match Entry::named(what) {
        Some(entry) => {
            let chosen = chosen(entry, arguments)?;
            making.make(|| of_entry(entry, &chosen, &arguments.name))?
        }
        None => {
            let file = Path::new(what);
            if !file.exists() {
                let known: Vec<&str> = Entry::all().into_iter().map(Entry::name).collect();
                return Err(Failure::in_file(
                    file,
                    format!("is no file, and not in the catalogue, which has {}", known.join(", ")),
                ));
            }
            if let Some(option) = given_for_problems(arguments) {
                return Err(Failure::in_file(file, format!("has functions of fixed shapes; leave `{option}` out")));
            }
            making.make(|| of_text(file, &arguments.name)).map_err(|failure| match failure.to_string() {
                // Messages with the place in the file are complete.
                message if message.starts_with(what) => failure,
                message => Failure::in_file(file, message),
            })?
        }
    };
    let row = Row::new(path.display().to_string(), &made);
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    if let Some(header) = &arguments.header {
        let described = Kernel::describe_bytes(&made.bytes).map_err(|error| kernel_file::failure(path, &error))?;
        files.push((header.clone(), c_header(&described).into_bytes()));
    }
    files.push((path.clone(), made.bytes));
    output::write_files(&files)?;
    output::print(&table(&[row]))
}

/// Makes kernels of the whole catalogue.
fn all(arguments: &CompileArguments, making: &Making<'_>) -> Result<()> {
    let folder = &arguments.out;
    output::check_folder(folder)?;
    let (mut files, mut rows) = (Vec::new(), Vec::new());
    for entry in Entry::all() {
        let mut chosen = entry.usual()?;
        if let Some(shape) = arguments.shape.as_ref().filter(|_| entry.is_of_pictures()) {
            chosen.shape = shape.0.clone();
        }
        let made = making.make(|| of_entry(entry, &chosen, &[]))?;
        let name = format!("{}.{EXTENSION}", entry.kernel());
        rows.push(Row::new(folder.join(&name).display().to_string(), &made));
        files.push(Contents { name, bytes: made.bytes });
    }
    output::publish(folder, &files)?;
    output::print(&table(&rows))
}

/// What was chosen for an entry of the catalogue.
fn chosen(entry: Entry, arguments: &CompileArguments) -> Result<Chosen> {
    let usual = entry.usual()?;
    let pointless =
        |option: &str, why: &str| Err(Failure::new(format!("{}: {why}; leave `{option}` out", entry.name())));
    if arguments.noise.is_some() && !entry.has_noise() {
        return pointless("--noise", "the method does not depend on the noise");
    }
    if arguments.lambda.is_some() && entry == Entry::CgLeastSquares {
        return pointless("--lambda", "the weight is an argument of its functions");
    }
    Ok(Chosen {
        shape: arguments.shape.as_ref().map_or(usual.shape, |shape| shape.0.clone()),
        lambda: arguments.lambda.unwrap_or(usual.lambda),
        iterations: arguments.maxiter.map_or(usual.iterations, |count| count as usize),
        noise: arguments.noise.unwrap_or(usual.noise),
    })
}

/// The kernel of an entry of the catalogue, with the functions of these names, or with all if there are none.
fn of_entry(entry: Entry, chosen: &Chosen, names: &[String]) -> Result<(KernelBuilder, Vec<String>)> {
    let known = entry.functions();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::new(format!("{} has no function `{unknown}`; it has {}", entry.name(), known.join(", "))));
    }
    let is_wanted = |name: &&str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let functions: Vec<&str> = known.iter().copied().filter(is_wanted).collect();
    let builder = entry.kernel_of(chosen, &functions)?;
    Ok((builder, functions.into_iter().map(String::from).collect()))
}

/// The kernel of the functions of these names in a file in text form, or of all if there are none.
fn of_text(path: &Path, names: &[String]) -> Result<(KernelBuilder, Vec<String>)> {
    if kernel_file::is_kernel(path) {
        return Err(Failure::in_file(path, "is a kernel already; give a file of functions in text form"));
    }
    let mut functions = source::functions(path)?;
    let known: Vec<String> = functions.iter().map(|func| func.name.clone()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(source::unknown(path, unknown, &known));
    }
    functions.retain(|func| names.is_empty() || names.contains(&func.name));
    if functions.is_empty() {
        return Err(Failure::in_file(path, "has no function; write one, `func @name(...) { ... }`"));
    }
    let mut builder = KernelBuilder::new(name_of(path));
    for func in &functions {
        check_sizes(path, func)?;
        let source = KernelSource::func(func.name.as_str(), func, Vec::new(), &Options::default())?;
        builder = builder.function(source);
    }
    Ok((builder, functions.into_iter().map(|func| func.name).collect()))
}

/// A name of C like the stem of a file's.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map_or("kernel".into(), |stem| stem.to_string_lossy());
    let allowed = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let name: String = stem.chars().map(allowed).collect();
    let first = if name.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
    format!("{first}{name}").chars().take(LONGEST_NAME).collect()
}

/// The first option of those that are for problems, not for files.
fn given_for_problems(arguments: &CompileArguments) -> Option<&'static str> {
    let given = [
        ("--shape", arguments.shape.is_some()),
        ("--maxiter", arguments.maxiter.is_some()),
        ("--lambda", arguments.lambda.is_some()),
        ("--noise", arguments.noise.is_some()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

fn first_twice(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(position, name)| names[..*position].contains(name)).map(|(_, name)| name)
}

/// A row of the table of what was written.
struct Row {
    file: String,
    functions: String,
    bytes: usize,
    time: Duration,
}

impl Row {
    fn new(file: String, made: &Made) -> Row {
        Row { file, functions: made.functions.join(", "), bytes: made.bytes.len(), time: made.time }
    }
}

fn table(rows: &[Row]) -> String {
    let width = |title: &str, text: fn(&Row) -> &str| {
        rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0).max(title.len())
    };
    let (file, functions) = (width("file", |row| &row.file), width("functions", |row| &row.functions));
    let mut table = format!("{:<file$}  {:<functions$}  {:>9}  {:>9}\n", "file", "functions", "bytes", "ms");
    for row in rows {
        let milliseconds = row.time.as_secs_f64() * 1e3;
        let line =
            format!("{:<file$}  {:<functions$}  {:>9}  {milliseconds:>9.1}\n", row.file, row.functions, row.bytes);
        table.push_str(&line);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{first_twice, name_of};
    use std::path::Path;

    #[test]
    fn kernels_of_files_have_names_of_c() {
        for (file, name) in [("a/both.ir", "both"), ("2x-y.ir", "_2x_y"), ("é ü.ir", "___"), ("..", "kernel")] {
            assert_eq!(name_of(Path::new(file)), name);
        }
        assert_eq!(name_of(Path::new(&"x".repeat(99))).len(), 64);
    }

    #[test]
    fn names_that_are_there_twice_are_found() {
        let names = ["a", "b", "a"].map(String::from);
        assert_eq!(first_twice(&names), Some(&names[2]));
        assert_eq!(first_twice(&names[1..]), None);
    }
}
