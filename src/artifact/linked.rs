//! Kernels that are part of the program: a kernel file is an object file, and a linker can take it.
//!
//! The linker has placed and relocated code and constants, and filled in a table of their addresses. The header has no
//! checksum any longer, because the linker has changed the file around it; all the rest is checked as in a file.

use super::error::LoadError;
use super::header::Header;
use super::image::Image;
use super::kernel::LinkedKernel;
use super::level::CpuLevel;
use super::object_file::{CodeParts, Parts};
use super::prelude::{PRELUDE_LEN, Prelude};

/// The parts of a linked kernel, and its code, by level.
///
/// # Safety
///
/// `table` is the address of the table of a kernel file that was linked.
pub(super) unsafe fn parts(table: *const LinkedKernel) -> Result<(Parts, Vec<Image>), LoadError> {
    if table.is_null() {
        return Err(LoadError::NotAKernel("the address of its table is null".into()));
    }
    // SAFETY: the table is part of the program, and so is what it leads to; the prelude says how long the header is.
    let (prelude, header, table, levels) = unsafe {
        let words = table.add(1).cast::<[usize; 2]>();
        let table = &*table;
        let prelude = Prelude::decode(std::slice::from_raw_parts(table.header, PRELUDE_LEN))?;
        let header = std::slice::from_raw_parts(table.header.add(PRELUDE_LEN), prelude.header_len as usize);
        (prelude, Header::parse(header)?, table, std::slice::from_raw_parts(words, table.levels as usize))
    };
    if levels.len() != header.levels.len() || levels.is_empty() {
        return Err(LoadError::Header("there is not one piece of code for each level".into()));
    }
    let mut code = Vec::new();
    let mut images = Vec::new();
    for (entry, &[address, length]) in header.levels.iter().zip(levels) {
        let level: CpuLevel = entry.name.parse().map_err(LoadError::Header)?;
        code.push(CodeParts { level, bytes: 0..length, relocations: Vec::new() });
        images.push(Image::linked(address as *const u8, table.constants));
    }
    let Prelude { header_len, signed, .. } = prelude;
    Ok((Parts { header, header_len, signed, constants: 0..table.constants_len as usize, code }, images))
}
