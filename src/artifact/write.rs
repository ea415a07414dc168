//! Writing kernel files.
//!
//! Every function is planned once and emitted once for each level of the processor; the code of a level is one section, with
//! a symbol for every loop nest, so that tools show what is where. Arrays that a function captured become constants of the
//! file, each once however many functions use it.

use super::check::check_header;
use super::error::LoadError;
use super::header::{ConstantHeader, FunctionHeader, Header, LevelHeader, Parameter};
use super::level::CpuLevel;
use super::library_calls::CallHeader;
use super::prelude::{CONSTANTS_SECTION, HEADER_SECTION, LINK_SECTION, PRELUDE_AT, PRELUDE_LEN, seal};
use crate::compile::emit::{Processor, Relocatable, Settings, emit_relocatable};
use crate::compile::plan::Plan;
use crate::compile::{Compiled, Options, plan, prepared};
use cotangent_ir::error::internal;
use cotangent_ir::trace::Traced;
use cotangent_ir::{ALIGNMENT, Error, ErrorKind, Func, Result, Tensor};
use object::elf::{R_X86_64_64, R_X86_64_GOTPCREL, R_X86_64_PLT32};
use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A function that goes into a kernel file, with what is to be known of it.
#[derive(Clone, Debug)]
pub struct KernelSource {
    name: String,
    description: String,
    plan: Plan,
    settings: Settings,
    /// Data for the leading inputs of the plan.
    constants: Vec<Arc<Tensor>>,
    arguments: Vec<About>,
    results: Vec<About>,
    /// The first name that was given to nothing, told when a file is built.
    misfit: Option<String>,
}

/// What is to be known of an argument or result.
#[derive(Clone, Debug)]
struct About {
    name: String,
    unit: String,
    description: String,
}

impl KernelSource {
    /// A traced function. The arrays it captured become constants of the file. Arguments are called `a0`, `a1` and so on,
    /// results `r0`, `r1`, unless they are given names.
    ///
    /// # Errors
    /// A function that is not well formed, or that captured a value of an open trace.
    pub fn traced(name: impl Into<String>, traced: &Traced) -> Result<KernelSource> {
        let constants = traced.captures.iter().map(crate::Array::tensor).collect::<Result<Vec<_>>>()?;
        KernelSource::func(name, &traced.func, constants, &Options::default())
    }

    /// A function in the array language, with data for its leading parameters, compiled with these options.
    ///
    /// # Errors
    /// A function that is not well formed; data that does not fit its parameters.
    pub fn func(
        name: impl Into<String>,
        func: &Func,
        constants: Vec<Arc<Tensor>>,
        options: &Options,
    ) -> Result<KernelSource> {
        let options = options.as_environment_allows()?;
        cotangent_ir::verify::verify(func)?;
        KernelSource::planned(name, plan(&prepared(func)?, &options), options.settings(), constants)
    }

    /// A compiled function.
    pub fn compiled(name: impl Into<String>, compiled: &Compiled) -> Result<KernelSource> {
        KernelSource::planned(name, compiled.plan().clone(), compiled.settings(), Vec::new())
    }

    fn planned(
        name: impl Into<String>,
        plan: Plan,
        settings: Settings,
        constants: Vec<Arc<Tensor>>,
    ) -> Result<KernelSource> {
        let given = constants.iter().map(|constant| constant.ty());
        if constants.len() > plan.inputs.len() || !given.eq(&plan.inputs[..constants.len()]) {
            let given: Vec<_> = constants.iter().map(|constant| constant.ty()).collect();
            let message = format!("expected data for leading parameters of {:?}, given {given:?}", plan.inputs);
            return Err(Error::new(ErrorKind::Argument, "KernelSource::func", message));
        }
        let about = |letter: char, count: usize| {
            let one = |position| About {
                name: format!("{letter}{position}"),
                unit: String::new(),
                description: String::new(),
            };
            (0..count).map(one).collect()
        };
        let (arguments, results) = (about('a', plan.inputs.len() - constants.len()), about('r', plan.outputs.len()));
        Ok(KernelSource {
            name: name.into(),
            description: String::new(),
            plan,
            settings,
            constants,
            arguments,
            results,
            misfit: None,
        })
    }

    /// What the function computes.
    pub fn description(self, text: impl Into<String>) -> KernelSource {
        KernelSource { description: text.into(), ..self }
    }

    /// Names of the leading arguments. One too many is an error of [`KernelBuilder::build`].
    pub fn arguments<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> KernelSource {
        let misfit = set_names(&mut self.arguments, "argument", names);
        self.with_misfit(misfit)
    }

    /// Names of the leading results. One too many is an error of [`KernelBuilder::build`].
    pub fn results<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> KernelSource {
        let misfit = set_names(&mut self.results, "result", names);
        self.with_misfit(misfit)
    }

    /// Unit and meaning of the argument of that name. That none has it is an error of [`KernelBuilder::build`].
    pub fn argument(mut self, name: &str, unit: &str, description: &str) -> KernelSource {
        let misfit = set_about(&mut self.arguments, "argument", name, unit, description);
        self.with_misfit(misfit)
    }

    /// Unit and meaning of the result of that name. That none has it is an error of [`KernelBuilder::build`].
    pub fn result(mut self, name: &str, unit: &str, description: &str) -> KernelSource {
        let misfit = set_about(&mut self.results, "result", name, unit, description);
        self.with_misfit(misfit)
    }

    fn with_misfit(self, misfit: Option<String>) -> KernelSource {
        KernelSource { misfit: self.misfit.or(misfit), ..self }
    }
}

/// Gives names, and tells of the first for which there is nothing.
fn set_names<N: Into<String>>(all: &mut [About], what: &str, names: impl IntoIterator<Item = N>) -> Option<String> {
    let count = all.len();
    let mut names = names.into_iter().map(Into::<String>::into);
    for (about, name) in all.iter_mut().zip(&mut names) {
        about.name = name;
    }
    names.next().map(|name| format!("the name {name:?} is one more than there are {what}s, {count}"))
}

/// Gives unit and description to what has a name, and tells if nothing has.
fn set_about(all: &mut [About], what: &str, name: &str, unit: &str, description: &str) -> Option<String> {
    match all.iter_mut().find(|about| about.name == name) {
        Some(about) => {
            (about.unit, about.description) = (unit.into(), description.into());
            None
        }
        None => {
            let known: Vec<&str> = all.iter().map(|about| about.name.as_str()).collect();
            Some(format!("no {what} is called {name:?}; there are {}", known.join(", ")))
        }
    }
}

/// What becomes a kernel file.
///
/// ```
/// use cotangent::artifact::{CpuLevel, KernelBuilder, KernelSource};
/// use cotangent::{Array, DType, jit};
/// let x = Array::zeros(&[256, 256], DType::F32);
/// let source = KernelSource::traced("halve", &jit(|x: Array| x * 0.5).traced(&x)?)?;
/// let builder = KernelBuilder::new("example")
///     .description("Half of a picture")
///     .levels([CpuLevel::V2, CpuLevel::V3])
///     .function(source.arguments(["picture"]).results(["half"]).argument("picture", "counts", "As measured."));
/// let folder = tempfile::tempdir().unwrap();
/// builder.save(folder.path().join("example.cot"))?;
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KernelBuilder {
    name: String,
    description: String,
    levels: Vec<CpuLevel>,
    functions: Vec<KernelSource>,
}

impl KernelBuilder {
    /// A file without functions, with code for the highest level of the processor at hand.
    pub fn new(name: impl Into<String>) -> KernelBuilder {
        let levels = CpuLevel::native().into_iter().collect();
        KernelBuilder { name: name.into(), description: String::new(), levels, functions: Vec::new() }
    }

    /// What the kernel is for.
    pub fn description(self, text: impl Into<String>) -> KernelBuilder {
        KernelBuilder { description: text.into(), ..self }
    }

    /// The levels of the processor that there shall be code for, in place of that of the one at hand.
    pub fn levels(self, levels: impl IntoIterator<Item = CpuLevel>) -> KernelBuilder {
        let mut levels: Vec<CpuLevel> = levels.into_iter().collect();
        levels.sort();
        levels.dedup();
        KernelBuilder { levels, ..self }
    }

    /// Adds a function.
    pub fn function(mut self, source: KernelSource) -> KernelBuilder {
        self.functions.push(source);
        self
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// A name that C would not have, that is there twice, or that is for nothing; a function that calls the host; no level,
    /// or another architecture than x86-64.
    pub fn build(&self) -> Result<Vec<u8>> {
        let Pieces { header, constants, codes } = self.pieces()?;
        let json = serde_json::to_vec(&header).unwrap_or_else(|error| internal(&format!("a header: {error}")));
        Ok(assemble(&header.name, &json, &constants, &codes))
    }

    /// What the file is made of.
    pub(super) fn pieces(&self) -> Result<Pieces> {
        let wrong = |message: String| Error::new(ErrorKind::Argument, "KernelBuilder::build", message);
        if self.levels.is_empty() || !cfg!(target_arch = "x86_64") {
            return Err(wrong("kernels have code for levels of x86-64; compile on such a processor".into()));
        }
        let mut constants = Constants::default();
        let mut functions = Vec::new();
        for source in &self.functions {
            functions.push(self.header(source, &mut constants)?);
        }
        let mut header = Header {
            library: env!("CARGO_PKG_VERSION").into(),
            name: self.name.clone(),
            description: self.description.clone(),
            levels: self.levels.iter().map(|level| level_header(*level)).collect(),
            functions,
        };
        check_header(&header).map_err(|error: LoadError| wrong(error.to_string()))?;
        let codes: Vec<LevelCode> = self.levels.iter().map(|&level| self.emit(level)).collect();
        for code in &codes {
            for (function, entry) in header.functions.iter_mut().zip(&code.entries) {
                function.entries.push(*entry);
            }
        }
        Ok(Pieces { header, constants: constants.bytes, codes })
    }

    /// Writes the file. It is complete under its name or not there.
    ///
    /// # Errors
    /// As [`KernelBuilder::build`]; a file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.build()?;
        let part = path.with_added_extension("part");
        let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
        written.map_err(|error| {
            // What was written of it is of no use; that it may not be there is no mistake.
            let _ = std::fs::remove_file(&part);
            Error::new(ErrorKind::Input, "KernelBuilder::save", format!("{}: {error}", path.display()))
        })
    }

    fn header(&self, source: &KernelSource, constants: &mut Constants) -> Result<FunctionHeader> {
        if let Some(misfit) = &source.misfit {
            let message = format!("{}: {misfit}", source.name);
            return Err(Error::new(ErrorKind::Argument, "KernelBuilder::build", message));
        }
        let plan = &source.plan;
        let captured = source.constants.len();
        let constant =
            |constant: &Arc<Tensor>| ConstantHeader { offset: constants.add(constant), ty: constant.ty().clone() };
        let constants = source.constants.iter().map(constant).collect();
        let parameter = |(about, ty): (&About, &crate::Type)| Parameter {
            name: about.name.clone(),
            ty: ty.clone(),
            unit: about.unit.clone(),
            description: about.description.clone(),
        };
        let calls = plan.calls.iter().map(CallHeader::of).collect::<std::result::Result<Vec<_>, _>>();
        let calls = calls.map_err(|what| {
            let message =
                format!("{} uses {what}, which a file cannot hold; call it outside the function", source.name);
            Error::new(ErrorKind::Argument, "KernelBuilder::build", message)
        })?;
        Ok(FunctionHeader {
            name: source.name.clone(),
            description: source.description.clone(),
            arguments: source.arguments.iter().zip(&plan.inputs[captured..]).map(parameter).collect(),
            results: source.results.iter().zip(&plan.outputs).map(parameter).collect(),
            constants,
            parallel: plan.parallel,
            scalar_bytes: plan.scalar_bytes,
            arena_bytes: plan.arena_bytes,
            slots: plan.slots.iter().copied().map(Into::into).collect(),
            calls,
            entries: Vec::new(),
        })
    }

    /// The code of all functions for a level.
    fn emit(&self, level: CpuLevel) -> LevelCode {
        let mut code =
            LevelCode { level, bytes: Vec::new(), symbols: Vec::new(), relocations: Vec::new(), entries: Vec::new() };
        for source in &self.functions {
            let settings = Settings { processor: Processor::Level(level), profile: false, ..source.settings };
            code.add(&source.name, emit_relocatable(&source.plan, &settings));
        }
        code
    }
}

/// What a file is made of.
pub(super) struct Pieces {
    pub(super) header: Header,
    pub(super) constants: Vec<u8>,
    pub(super) codes: Vec<LevelCode>,
}

/// The code of all functions for a level.
pub(super) struct LevelCode {
    level: CpuLevel,
    bytes: Vec<u8>,
    /// Name, offset, size.
    symbols: Vec<(String, u64, u64)>,
    /// Offset, whether it is an address, name, addend.
    relocations: Vec<crate::compile::emit::RuntimeReference>,
    /// Where each function begins.
    entries: Vec<u64>,
}

impl LevelCode {
    fn add(&mut self, function: &str, code: Relocatable) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0xcc);
        let start = self.bytes.len() as u64;
        self.bytes.extend(&code.bytes);
        self.entries.push(start + code.entry);
        let level = &self.level.name()[7..];
        let symbols = code.symbols.into_iter();
        self.symbols.extend(symbols.map(|(name, at, size)| (format!("{function}.{level}.{name}"), start + at, size)));
        let references = code.references.into_iter();
        self.relocations.extend(references.map(|mut reference| {
            reference.at += start;
            reference
        }));
    }
}

/// The constants of a file.
#[derive(Default)]
struct Constants {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, usize>,
}

impl Constants {
    /// Where a constant is; it is put there if it is new.
    fn add(&mut self, constant: &Tensor) -> usize {
        let bytes = constant.bytes();
        if let Some(&offset) = self.known.get(bytes) {
            return offset;
        }
        let offset = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(offset, 0);
        self.bytes.extend(bytes);
        self.known.insert(bytes.to_vec(), offset);
        offset
    }
}

fn level_header(level: CpuLevel) -> LevelHeader {
    LevelHeader { name: level.name().into(), section: format!(".text.{level}") }
}

/// Makes the object file of the kernel of that name.
pub(super) fn assemble(name: &str, json: &[u8], constants: &[u8], codes: &[LevelCode]) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let mut section = |name: &str, kind: SectionKind, bytes: &[u8], alignment: usize| {
        let id = object.add_section(Vec::new(), name.into(), kind);
        object.append_section_data(id, bytes, alignment as u64);
        id
    };
    // The header comes first, so that the prelude lies where it is looked for.
    let header_bytes = [&[0; PRELUDE_LEN][..], json].concat();
    let header_section = section(HEADER_SECTION, SectionKind::ReadOnlyData, &header_bytes, ALIGNMENT);
    let constants_section =
        (!constants.is_empty()).then(|| section(CONSTANTS_SECTION, SectionKind::ReadOnlyData, constants, ALIGNMENT));
    let code_sections: Vec<SectionId> = codes
        .iter()
        .map(|code| section(&level_header(code.level).section, SectionKind::Text, &code.bytes, ALIGNMENT))
        .collect();
    // Whoever links the file does not want an executable stack.
    object.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    let mut runtime = HashMap::new();
    for (code, &section) in codes.iter().zip(&code_sections) {
        for (name, at, size) in &code.symbols {
            object.add_symbol(symbol(name, SymbolSection::Section(section), SymbolScope::Compilation, *at, *size));
        }
        for reference in &code.relocations {
            let name = reference.symbol.as_str();
            let target = *runtime.entry(name.to_string()).or_insert_with(|| {
                object.add_symbol(symbol(name, SymbolSection::Undefined, SymbolScope::Unknown, 0, 0))
            });
            let kind = if reference.is_address { R_X86_64_GOTPCREL } else { R_X86_64_PLT32 };
            relocate(&mut object, section, reference.at, target, reference.addend, kind);
        }
    }
    let constants = constants_section.map(|id| (id, constants.len()));
    link_table(&mut object, name, header_section, constants, codes, &code_sections);
    let mut bytes = object.write().unwrap_or_else(|error| internal(&format!("an object file: {error}")));
    if bytes.get(PRELUDE_AT..PRELUDE_AT + header_bytes.len()) != Some(&header_bytes[..]) {
        internal("the header of a kernel is not where it is looked for");
    }
    seal(&mut bytes, json.len() as u64, None);
    bytes
}

/// The table of a [`LinkedKernel`](super::LinkedKernel), under the name that programs declare.
fn link_table(
    object: &mut Object<'_>,
    name: &str,
    header: SectionId,
    constants: Option<(SectionId, usize)>,
    codes: &[LevelCode],
    code_sections: &[SectionId],
) {
    let id = object.add_section(Vec::new(), LINK_SECTION.into(), SectionKind::ReadOnlyDataWithRel);
    // An address, to be filled in by the linker, or a number.
    let mut words: Vec<(Option<SectionId>, u64)> = vec![(Some(header), 0)];
    words.push((constants.map(|(section, _)| section), 0));
    words.push((None, constants.map_or(0, |(_, length)| length as u64)));
    words.push((None, codes.len() as u64));
    for (code, &section) in codes.iter().zip(code_sections) {
        words.extend([(Some(section), 0), (None, code.bytes.len() as u64)]);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|(_, number)| number.to_le_bytes()).collect();
    object.append_section_data(id, &bytes, 8);
    for (position, (section, _)) in words.iter().enumerate() {
        if let Some(section) = section {
            let target = object.section_symbol(*section);
            relocate(object, id, 8 * position as u64, target, 0, R_X86_64_64);
        }
    }
    let mut table = symbol(
        &format!("cotangent_kernel_{name}"),
        SymbolSection::Section(id),
        SymbolScope::Linkage,
        0,
        bytes.len() as u64,
    );
    table.kind = SymbolKind::Data;
    object.add_symbol(table);
}

fn symbol(name: &str, section: SymbolSection, scope: SymbolScope, value: u64, size: u64) -> Symbol {
    let flags = SymbolFlags::None;
    Symbol { name: name.into(), value, size, kind: SymbolKind::Text, scope, weak: false, section, flags }
}

fn relocate(object: &mut Object<'_>, section: SectionId, offset: u64, symbol: SymbolId, addend: i64, r_type: u32) {
    let flags = RelocationFlags::Elf { r_type };
    let added = object.add_relocation(section, Relocation { offset, symbol, addend, flags });
    added.unwrap_or_else(|error| internal(&format!("a relocation: {error}")));
}
