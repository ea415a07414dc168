//! Images: files read into memory, and their code placed where it can run.
//!
//! A file is read, not mapped, so that whoever changes, truncates or removes it afterwards changes nothing here. Its code is
//! copied into pages of its own, which are writable first and executable afterwards, never both. Behind the code lie jumps to
//! the runtime's functions and their addresses, because they may be farther away than an instruction can say.

use super::error::LoadError;
use super::object_file::{CodeParts, Reference};
use crate::run::entry_points;
use crate::run::program::{Code, Entry};
use cotangent_ir::error::internal;
use memmap2::{Mmap, MmapMut};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// A jump through the address that lies at a distance from its end: `jmp [rip + distance]`, then two bytes of filling.
const JUMP: [u8; 2] = [0xff, 0x25];
const JUMP_LEN: usize = 6;
const JUMP_ROOM: usize = 8;

/// Bytes of an address.
const ADDRESS: usize = size_of::<usize>();

/// The bytes of a file, in pages of their own, which nothing writes to any longer. Those that are not looked at take no time:
/// the system clears pages when they are touched.
pub(super) struct FileBytes {
    pages: Mmap,
    length: usize,
}

impl FileBytes {
    /// So many bytes, written once.
    fn filled(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), LoadError>) -> Result<FileBytes, LoadError> {
        // There are no pages of no bytes.
        let mut pages = MmapMut::map_anon(length.max(1)).map_err(no_pages)?;
        fill(&mut pages[..length])?;
        Ok(FileBytes { pages: pages.make_read_only().map_err(no_pages)?, length })
    }

    /// A copy of bytes.
    pub(super) fn copy(bytes: &[u8]) -> Result<FileBytes, LoadError> {
        FileBytes::filled(bytes.len(), |copy| {
            copy.copy_from_slice(bytes);
            Ok(())
        })
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.pages[..self.length]
    }
}

fn no_pages(source: io::Error) -> LoadError {
    LoadError::Io { path: "memory for a kernel".into(), source }
}

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<FileBytes, LoadError> {
    read_while(path, || {})
}

/// Reads a whole file, with something happening after its size is known and before its end is read.
pub(super) fn read_while(path: &Path, meanwhile: impl FnOnce()) -> Result<FileBytes, LoadError> {
    let failed = |source: io::Error| LoadError::Io { path: path.into(), source };
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(LoadError::NotAKernel(format!("{} is no regular file", path.display())));
    }
    let memory = machine_memory();
    if before.len() > memory {
        let what = path.display().to_string();
        return Err(LoadError::TooLarge { what, bytes: before.len().into(), memory });
    }
    meanwhile();
    let bytes = FileBytes::filled(before.len() as usize, |bytes| match file.read_exact(bytes) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(LoadError::Changed(path.into())),
        Err(error) => Err(failed(error)),
    })?;
    let after = file.metadata().map_err(failed)?;
    let is_same = before.len() == after.len() && before.modified().ok() == after.modified().ok();
    if is_same { Ok(bytes) } else { Err(LoadError::Changed(path.into())) }
}

/// Bytes of memory that this machine has, as far as it can be known.
pub(super) fn machine_memory() -> u64 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: asks the system for numbers.
        let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        if let (Ok(pages), Ok(size)) = (u64::try_from(pages), u64::try_from(size)) {
            return pages.saturating_mul(size);
        }
    }
    // What the address lines of today's processors reach.
    1 << 47
}

/// Where the code of a kernel is, and what keeps it there.
#[derive(Clone)]
pub(super) struct Image(Arc<Memory>);

enum Memory {
    /// Read from a file.
    Loaded {
        code: Mmap,
        /// The file, if it has constants.
        file: Option<FileBytes>,
        /// Where they begin.
        constants: usize,
    },
    /// Part of the program.
    Linked { code: *const u8, constants: *const u8 },
}

// SAFETY: what the addresses lead to is never written while an image exists, and part of the program for as long as it runs.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Code for Image {
    fn constants(&self) -> *const u8 {
        match &*self.0 {
            Memory::Loaded { file, constants, .. } => {
                file.as_ref().map_or(std::ptr::null(), |file| file.as_ptr().wrapping_add(*constants))
            }
            Memory::Linked { constants, .. } => *constants,
        }
    }
}

impl Image {
    /// Places the code of a file, of which the range `constants` holds constants.
    pub(super) fn place(file: FileBytes, parts: &CodeParts, constants: Range<usize>) -> Result<Image, LoadError> {
        let code = place(&file[parts.bytes.clone()], parts)?;
        // Without constants nothing of the file is needed any longer.
        let file = (!constants.is_empty()).then_some(file);
        Ok(Image(Arc::new(Memory::Loaded { code, file, constants: constants.start })))
    }

    /// Code and constants that a linker has placed.
    pub(super) fn linked(code: *const u8, constants: *const u8) -> Image {
        Image(Arc::new(Memory::Linked { code, constants }))
    }

    /// The function that begins at an offset of the code.
    ///
    /// # Safety
    ///
    /// A function of type [`Entry`] begins there.
    pub(super) unsafe fn entry(&self, offset: u64) -> Entry {
        let code = match &*self.0 {
            Memory::Loaded { code, .. } => code.as_ptr(),
            Memory::Linked { code, .. } => *code,
        };
        // SAFETY: the caller vouches for the function.
        unsafe { std::mem::transmute::<*const u8, Entry>(code.wrapping_add(offset as usize)) }
    }
}

/// Copies code into pages of its own, resolves what it refers to, and makes it executable.
fn place(code: &[u8], parts: &CodeParts) -> Result<Mmap, LoadError> {
    let known: BTreeMap<&str, *const u8> = entry_points::symbols().collect();
    let mut referred: BTreeMap<&str, usize> = BTreeMap::new();
    let mut addresses = Vec::new();
    for relocation in &parts.relocations {
        let name = relocation.symbol.as_str();
        let Some(&address) = known.get(name) else { return Err(LoadError::MissingSymbol(name.into())) };
        referred.entry(name).or_insert_with(|| {
            addresses.push(address);
            addresses.len() - 1
        });
    }
    let jumps = code.len().next_multiple_of(JUMP_ROOM);
    let words = jumps + addresses.len() * JUMP_ROOM;
    let length = words + addresses.len() * ADDRESS;
    let mut pages = MmapMut::map_anon(length.max(1)).map_err(no_pages)?;
    pages[..code.len()].copy_from_slice(code);
    for (position, &address) in addresses.iter().enumerate() {
        let (jump, word) = (jumps + position * JUMP_ROOM, words + position * ADDRESS);
        pages[jump..jump + JUMP.len()].copy_from_slice(&JUMP);
        put_distance(&mut pages, jump + JUMP.len(), word as i64 - (jump + JUMP_LEN) as i64)?;
        pages[word..word + ADDRESS].copy_from_slice(&(address as usize).to_ne_bytes());
    }
    for relocation in &parts.relocations {
        let position = referred[relocation.symbol.as_str()];
        let target = match relocation.reference {
            Reference::Call => jumps + position * JUMP_ROOM,
            Reference::Address => words + position * ADDRESS,
        };
        let distance = (target as i64 - relocation.at as i64).checked_add(relocation.addend);
        let distance = distance.ok_or_else(|| LoadError::Object("a relocation leads too far".into()))?;
        put_distance(&mut pages, relocation.at, distance)?;
    }
    pages.make_exec().map_err(no_pages)
}

/// Writes a distance into four bytes.
fn put_distance(pages: &mut [u8], at: usize, distance: i64) -> Result<(), LoadError> {
    let distance = i32::try_from(distance).map_err(|_| LoadError::Object("a relocation leads too far".into()))?;
    match pages.get_mut(at..at + size_of::<i32>()) {
        Some(place) => place.copy_from_slice(&distance.to_le_bytes()),
        None => internal("a relocation outside the code it was checked against"),
    }
    Ok(())
}
