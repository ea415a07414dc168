//! What can be known of a kernel file without loading it.

use super::header::{FunctionHeader, Parameter};
use super::level::CpuLevel;
use super::object_file::Parts;
use std::fmt;

/// What a kernel file is: its functions, and for which processors there is code.
#[derive(Clone, Debug)]
pub struct Description {
    /// The kernel's name.
    pub name: String,
    /// What it is for.
    pub text: String,
    /// The version of the library that wrote it.
    pub library: String,
    /// The levels that there is code for, the lowest first.
    pub levels: Vec<LevelDescription>,
    /// The functions, in the order of the file.
    pub functions: Vec<FunctionDescription>,
    /// Bytes of constants.
    pub constants_bytes: usize,
    /// Bytes of the file; 0 where a linker has made it a part of a program.
    pub file_bytes: usize,
    /// The public key of who signed it. That the signature is theirs is checked by
    /// [`Kernel::load_signed`](super::Kernel::load_signed) only.
    pub signer: Option<[u8; 32]>,
}

/// Code for a level of the processor.
#[derive(Clone, Debug)]
pub struct LevelDescription {
    /// The level.
    pub level: CpuLevel,
    /// Bytes of code.
    pub code_bytes: usize,
    /// What the code calls, by the names of the runtime.
    pub symbols: Vec<String>,
}

/// A function of a kernel.
#[derive(Clone, Debug)]
pub struct FunctionDescription {
    /// Its name.
    pub name: String,
    /// What it computes.
    pub text: String,
    /// Its arguments, in order.
    pub arguments: Vec<Parameter>,
    /// Its results, in order.
    pub results: Vec<Parameter>,
    /// Whether it is worth more than one thread.
    pub parallel: bool,
    /// Bytes of temporary memory that a call takes.
    pub arena_bytes: usize,
    /// Calls of library routines in its code.
    pub library_calls: usize,
}

impl Description {
    pub(super) fn new(parts: &Parts, file_bytes: usize) -> Description {
        let Parts { header, signed, constants, code, .. } = parts;
        let level = |code: &super::object_file::CodeParts| {
            let mut symbols: Vec<String> = code.relocations.iter().map(|reference| reference.symbol.clone()).collect();
            symbols.sort();
            symbols.dedup();
            LevelDescription { level: code.level, code_bytes: code.bytes.len(), symbols }
        };
        Description {
            name: header.name.clone(),
            text: header.description.clone(),
            library: header.library.clone(),
            levels: code.iter().map(level).collect(),
            functions: header.functions.iter().map(FunctionDescription::new).collect(),
            constants_bytes: constants.len(),
            file_bytes,
            signer: signed.as_ref().map(|signed| signed.key),
        }
    }
}

impl FunctionDescription {
    pub(super) fn new(header: &FunctionHeader) -> FunctionDescription {
        FunctionDescription {
            name: header.name.clone(),
            text: header.description.clone(),
            arguments: header.arguments.clone(),
            results: header.results.clone(),
            parallel: header.parallel,
            arena_bytes: header.arena_bytes,
            library_calls: header.calls.len(),
        }
    }
}

/// As it is declared: `solve(y: f32[256,256]) -> (x: f32[256,256])`.
impl fmt::Display for FunctionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |parameters: &[Parameter]| {
            let one = |Parameter { name, ty, unit, .. }: &Parameter| match unit.as_str() {
                "" => format!("{name}: {ty}"),
                unit => format!("{name}: {ty} in {unit}"),
            };
            parameters.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        write!(f, "{}({}) -> ({})", self.name, listed(&self.arguments), listed(&self.results))
    }
}
