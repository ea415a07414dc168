//! The machine code of kernel files as text.
//!
//! A kernel is an ordinary ELF object: a section of code for each level of the processor, with a symbol for every loop nest,
//! called `FUNCTION.LEVEL.NAME`, and a relocation for every reference to the runtime. Behind the instructions of a symbol lie
//! the constants that they load, by distances from themselves.

use cotangent::artifact::CpuLevel;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationTarget};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of an instruction that are shown in a line; few have more.
const SHOWN: usize = 10;

/// The code of a function, or of all if the name is empty, for some levels.
pub(crate) fn disassembly(
    file: &[u8],
    levels: impl Iterator<Item = CpuLevel>,
    function: &str,
) -> Result<String, String> {
    let malformed = |error: object::Error| format!("the object file is malformed: {error}");
    let object = ElfFile64::<Endianness, _>::parse(file).map_err(malformed)?;
    let mut text = String::new();
    for level in levels {
        let name = format!(".text.{level}");
        let section = object.section_by_name(&name).ok_or_else(|| format!("the section {name:?} is missing"))?;
        let code = section.data().map_err(malformed)?;
        let mut references = BTreeMap::new();
        for (offset, relocation) in section.relocations() {
            if let RelocationTarget::Symbol(index) = relocation.target() {
                let symbol = object.symbol_by_index(index).map_err(malformed)?;
                references.insert(offset, symbol.name().map_err(malformed)?);
            }
        }
        let (mut symbols, mut starts) = (Vec::new(), BTreeMap::new());
        for symbol in object.symbols().filter(|symbol| symbol.section_index() == Some(section.index())) {
            let name = symbol.name().map_err(malformed)?;
            if name.is_empty() {
                continue;
            }
            starts.insert(symbol.address(), name);
            let owner = name.split('.').next().unwrap_or_default();
            if symbol.size() > 0 && (function.is_empty() || owner == function) {
                symbols.push((symbol.address(), symbol.size(), name));
            }
        }
        symbols.sort_unstable();
        for (start, size, name) in symbols {
            let range = usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(size)).ok());
            let bytes = range.and_then(|(start, end)| code.get(start..end));
            let bytes = bytes.ok_or_else(|| format!("the symbol {name:?} lies outside its section"))?;
            heading(&mut text, level, name, size);
            instructions(&mut text, bytes, start, &Names { references: &references, starts: &starts });
        }
    }
    Ok(text)
}

/// Names of what code refers to.
struct Names<'a> {
    /// Of the runtime, by places in the code.
    references: &'a BTreeMap<u64, &'a str>,
    /// Of functions in the same section, by where they begin.
    starts: &'a BTreeMap<u64, &'a str>,
}

impl<'a> Names<'a> {
    /// What an instruction has of the runtime.
    fn of_runtime(&self, instruction: &Instruction) -> Option<&'a str> {
        self.references.range(instruction.ip()..instruction.next_ip()).next().map(|(_, name)| *name)
    }

    /// What an instruction refers to, or calls.
    fn of(&self, instruction: &Instruction) -> Option<&'a str> {
        let is_call = instruction.mnemonic() == Mnemonic::Call && instruction.op0_kind() == OpKind::NearBranch64;
        let called = || self.starts.get(&instruction.near_branch_target()).copied();
        self.of_runtime(instruction).or_else(|| is_call.then(called)?)
    }
}

fn heading(text: &mut String, level: CpuLevel, name: &str, size: u64) {
    let gap = if text.is_empty() { "" } else { "\n" };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{gap}{name}: {size} bytes for {level}");
}

/// Adds the instructions of code that begins at an address, with what they refer to.
fn instructions(text: &mut String, code: &[u8], start: u64, names: &Names<'_>) {
    let constants = constants(code, start, names);
    let mut decoder = Decoder::with_ip(64, &code[..constants], start, DecoderOptions::NONE);
    let mut formatter = IntelFormatter::new();
    let (mut instruction, mut shown) = (Instruction::default(), String::new());
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        shown.clear();
        formatter.format(&instruction, &mut shown);
        let (from, to) = (instruction.ip(), instruction.next_ip());
        let bytes = &code[(from - start) as usize..(to - start) as usize];
        let mut digits: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
        if bytes.len() > SHOWN {
            digits.push('+');
        }
        let reference = names.of(&instruction).map(|name| format!("  ; {name}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{from:8x}  {digits:<21}  {shown}{reference}");
    }
    if constants < code.len() {
        let _ = writeln!(text, "{:8x}  {} bytes of constants", start + constants as u64, code.len() - constants);
    }
}

/// Where instructions end and constants begin: at the first place that an instruction loads from, less what fills up to
/// its alignment, zeros or breakpoints, of which programs have none.
fn constants(code: &[u8], start: u64, names: &Names<'_>) -> usize {
    let mut first = code.len();
    let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() && decoder.position() < first {
        let place = decoder.position();
        decoder.decode_out(&mut instruction);
        if instruction.mnemonic() == Mnemonic::Int3 {
            return place;
        }
        let is_load = instruction.is_ip_rel_memory_operand() && instruction.mnemonic() != Mnemonic::Lea;
        if is_load && names.of_runtime(&instruction).is_none() {
            let place = instruction.ip_rel_memory_address().checked_sub(start);
            let ahead =
                place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place >= decoder.position());
            first = first.min(ahead.unwrap_or(first));
        }
    }
    match first == code.len() {
        true => first,
        false => code[..first].iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1),
    }
}
