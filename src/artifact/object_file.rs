//! The object file: from bytes to the parts that a kernel is made of.
//!
//! Before: any bytes. After: the bytes are those that were written (length and checksum), the header has been read, and
//! code, constants and relocations lie where they may. Names of symbols are looked up when code is [placed](super::image).

use super::error::LoadError;
use super::header::Header;
use super::level::CpuLevel;
use super::prelude::{CONSTANTS_SECTION, HEADER_SECTION, PRELUDE_AT, PRELUDE_LEN, Prelude, Signed, checksum};
use object::elf::{R_X86_64_GOTPCREL, R_X86_64_PC32, R_X86_64_PLT32};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget};
use std::ops::Range;

/// ELF's numbers for what kernels are: 64 bits, little-endian, relocatable, x86-64.
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const BIG_ENDIAN: u8 = 2;
const RELOCATABLE: u16 = 1;
const X86_64: u16 = 62;

/// Bytes that a relocation changes.
const RELOCATED: u64 = 4;

/// The parts of a file, as ranges of its bytes.
pub(super) struct Parts {
    pub(super) header: Header,
    /// Its bytes, for who writes another prelude.
    #[cfg_attr(not(feature = "signatures"), expect(dead_code))]
    pub(super) header_len: u64,
    pub(super) signed: Option<Signed>,
    pub(super) constants: Range<usize>,
    /// One for each level of the header, in its order.
    pub(super) code: Vec<CodeParts>,
}

/// The code for one level.
pub(super) struct CodeParts {
    pub(super) level: CpuLevel,
    pub(super) bytes: Range<usize>,
    pub(super) relocations: Vec<Relocation>,
}

/// A place in code that is to hold the distance to something of the runtime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Relocation {
    /// Offset in the code.
    pub(super) at: usize,
    /// To what.
    pub(super) reference: Reference,
    /// Its name.
    pub(super) symbol: String,
    /// Is added to the distance.
    pub(super) addend: i64,
}

/// What a relocated place refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reference {
    /// Code that can be called: the function itself, or a jump to it.
    Call,
    /// A word that holds the address.
    Address,
}

/// Takes a file apart.
pub(super) fn parse(file: &[u8]) -> Result<Parts, LoadError> {
    let prelude = check_whole(file)?;
    let malformed = |error: object::Error| LoadError::Object(error.to_string());
    let object = ElfFile64::<object::Endianness, _>::parse(file).map_err(malformed)?;
    let sections = sections(&object, file.len() as u64)?;
    let find = |name: &str| sections.iter().find(|section| section.name == name);

    let header_len = prelude.header_len;
    let section = find(HEADER_SECTION).ok_or_else(|| LoadError::MissingSection(HEADER_SECTION.into()))?;
    let room = (section.bytes.end - section.bytes.start) as u64;
    if section.bytes.start != PRELUDE_AT || Some(room) != header_len.checked_add(PRELUDE_LEN as u64) {
        return Err(LoadError::SectionOutOfRange(HEADER_SECTION.into()));
    }
    let header = Header::parse(&file[PRELUDE_AT + PRELUDE_LEN..section.bytes.end])?;

    let mut code: Vec<CodeParts> = Vec::new();
    for entry in &header.levels {
        let level = entry.name.parse::<CpuLevel>().ok().filter(|level| level.name() == entry.name);
        let level = level.ok_or_else(|| LoadError::Header(format!("there is no level {:?}", entry.name)))?;
        if code.last().is_some_and(|last| last.level >= level) {
            return Err(LoadError::Header("the levels are not in order".into()));
        }
        let section = find(&entry.section).ok_or_else(|| LoadError::MissingSection(entry.section.clone()))?;
        if entry.section == HEADER_SECTION || entry.section == CONSTANTS_SECTION {
            return Err(LoadError::Header(format!("the section {:?} holds no code", entry.section)));
        }
        let relocations = relocations(&object, section)?;
        code.push(CodeParts { level, bytes: section.bytes.clone(), relocations });
    }
    if code.is_empty() {
        return Err(LoadError::Header("there is no code".into()));
    }
    let constants = find(CONSTANTS_SECTION).map_or(0..0, |section| section.bytes.clone());
    if !constants.start.is_multiple_of(cotangent_ir::ALIGNMENT) {
        return Err(LoadError::SectionOutOfRange(CONSTANTS_SECTION.into()));
    }
    Ok(Parts { header, header_len, signed: prelude.signed, constants, code })
}

/// Checks that a file is a kernel for this kind of machine, of this format, and has the bytes that were written.
fn check_whole(file: &[u8]) -> Result<Prelude, LoadError> {
    let short = |expected: usize| LoadError::Truncated { expected: expected as u64, found: file.len() as u64 };
    let magic = b"\x7fELF";
    if !file.starts_with(&magic[..file.len().min(magic.len())]) {
        return Err(LoadError::NotAKernel("it is no ELF object".into()));
    }
    let Some(ident) = file.get(..PRELUDE_AT) else { return Err(short(PRELUDE_AT + PRELUDE_LEN)) };
    match ident[5] {
        LITTLE_ENDIAN => {}
        BIG_ENDIAN => return Err(LoadError::Endianness),
        _ => return Err(LoadError::Object("its byte order is neither of two".into())),
    }
    if ident[4] != CLASS_64 {
        return Err(LoadError::NotAKernel("it is no object of 64 bits".into()));
    }
    let half = |at: usize| u16::from_le_bytes([ident[at], ident[at + 1]]);
    if half(16) != RELOCATABLE {
        return Err(LoadError::NotAKernel("it is no relocatable object".into()));
    }
    if half(18) != X86_64 || !cfg!(target_arch = "x86_64") {
        return Err(LoadError::Architecture { machine: half(18) });
    }
    let prelude = Prelude::decode(&file[PRELUDE_AT..]).map_err(|error| match error {
        LoadError::Truncated { .. } => short(PRELUDE_AT + PRELUDE_LEN),
        error => error,
    })?;
    let (expected, found) = (prelude.file_len, file.len() as u64);
    if found < expected {
        return Err(LoadError::Truncated { expected, found });
    }
    if found > expected {
        return Err(LoadError::Trailing { expected, found });
    }
    let found = checksum(file);
    if found != prelude.checksum {
        return Err(LoadError::Checksum { expected: prelude.checksum, found });
    }
    Ok(prelude)
}

/// A section with bytes in the file.
struct Section {
    index: object::SectionIndex,
    name: String,
    bytes: Range<usize>,
}

/// The sections that have bytes, none of which share any.
fn sections(object: &ElfFile64<'_, object::Endianness>, file_len: u64) -> Result<Vec<Section>, LoadError> {
    let mut sections = Vec::new();
    for section in object.sections() {
        let name = section.name().map_err(|error| LoadError::Object(error.to_string()))?.to_string();
        let Some((start, size)) = section.file_range() else { continue };
        match start.checked_add(size) {
            Some(end) if end <= file_len => {
                sections.push(Section { index: section.index(), name, bytes: start as usize..end as usize });
            }
            _ => return Err(LoadError::SectionOutOfRange(name)),
        }
    }
    let mut by_place: Vec<&Section> = sections.iter().filter(|section| !section.bytes.is_empty()).collect();
    by_place.sort_by_key(|section| section.bytes.start);
    for pair in by_place.windows(2) {
        if pair[1].bytes.start < pair[0].bytes.end {
            return Err(LoadError::OverlappingSections(pair[0].name.clone(), pair[1].name.clone()));
        }
    }
    Ok(sections)
}

/// The relocations of a section of code, in order of their places.
fn relocations(object: &ElfFile64<'_, object::Endianness>, section: &Section) -> Result<Vec<Relocation>, LoadError> {
    let malformed = |error: object::Error| LoadError::Object(error.to_string());
    let bytes = section.bytes.len() as u64;
    let name = || section.name.clone();
    let mut relocations = Vec::new();
    for (offset, relocation) in object.section_by_index(section.index).map_err(malformed)?.relocations() {
        if offset.checked_add(RELOCATED).is_none_or(|end| end > bytes) {
            return Err(LoadError::RelocationOutOfRange { section: name(), offset });
        }
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            return Err(LoadError::Object("a relocation that is none of ELF".into()));
        };
        let reference = match r_type {
            R_X86_64_PLT32 | R_X86_64_PC32 => Reference::Call,
            R_X86_64_GOTPCREL => Reference::Address,
            kind => return Err(LoadError::RelocationKind { section: name(), offset, kind }),
        };
        let RelocationTarget::Symbol(index) = relocation.target() else {
            return Err(LoadError::Object(format!("the relocation at {offset:#x} names no symbol")));
        };
        let symbol = object.symbol_by_index(index).map_err(malformed)?;
        let symbol = symbol.name().map_err(malformed)?.to_string();
        relocations.push(Relocation { at: offset as usize, reference, symbol, addend: relocation.addend() });
    }
    relocations.sort_by_key(|relocation| relocation.at);
    for pair in relocations.windows(2) {
        if pair[1].at - pair[0].at < RELOCATED as usize {
            return Err(LoadError::OverlappingRelocations { section: name(), offset: pair[1].at as u64 });
        }
    }
    Ok(relocations)
}
