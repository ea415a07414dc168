//! Why a kernel file cannot be used. Each kind of mismatch is a variant of its own.

use super::level::CpuLevel;
use std::io;
use std::path::PathBuf;

/// Why a kernel could not be loaded. Nothing of the file has run when one of these is given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody wrote to the file while it was being read.
    #[error("{}: the file changed while it was being read; write kernels to another name and rename them", .0.display())]
    Changed(PathBuf),
    /// The bytes are not those of a kernel.
    #[error("not a kernel file: {0}; kernels are written by `cotangent compile`")]
    NotAKernel(String),
    /// The file is for processors that store numbers the other way round.
    #[error("the kernel is for processors of the other byte order; compile it for this one")]
    Endianness,
    /// The file is for another architecture.
    #[error(
        "the kernel is for machine {machine} of the ELF standard, this is {}; compile it for this one",
        std::env::consts::ARCH
    )]
    Architecture {
        /// ELF's number of the architecture.
        machine: u16,
    },
    /// The file was written by a version of this library with another format.
    #[error(
        "the file has format {found}, this library reads {expected}; use the version that wrote it, or compile again"
    )]
    FormatVersion {
        /// That of the file.
        found: u32,
        /// That of this library.
        expected: u32,
    },
    /// The code expects another runtime.
    #[error("the code calls a runtime of ABI {found}, this library has {expected}; compile the kernel again")]
    AbiVersion {
        /// That of the file.
        found: u32,
        /// That of this library.
        expected: u32,
    },
    /// The end of the file is missing.
    #[error("the file ends after {found} bytes of {expected}; copy it again")]
    Truncated {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// There is something behind the end of the kernel.
    #[error("the file has {found} bytes, the kernel in it {expected}; copy it again")]
    Trailing {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The bytes are not those that were written.
    #[error("the checksum is {found:08x}, not {expected:08x}: the file is damaged; copy it again")]
    Checksum {
        /// As the file says.
        expected: u32,
        /// Of its bytes.
        found: u32,
    },
    /// The file is not a well-formed relocatable object.
    #[error("the object file is malformed: {0}")]
    Object(String),
    /// A section that there must be is not there.
    #[error("the section {0:?} is missing")]
    MissingSection(String),
    /// A section lies outside the file.
    #[error("the section {0:?} lies outside the file")]
    SectionOutOfRange(String),
    /// Two sections share bytes of the file.
    #[error("the sections {0:?} and {1:?} overlap")]
    OverlappingSections(String, String),
    /// A place to be relocated lies outside its section.
    #[error("the relocation at {offset:#x} lies outside the section {section:?}")]
    RelocationOutOfRange {
        /// The section.
        section: String,
        /// The place.
        offset: u64,
    },
    /// Two places to be relocated share bytes.
    #[error("the relocations at {offset:#x} in the section {section:?} overlap")]
    OverlappingRelocations {
        /// The section.
        section: String,
        /// The place of the second.
        offset: u64,
    },
    /// A relocation of a kind that kernels do not have.
    #[error("the relocation at {offset:#x} in the section {section:?} is of a kind that kernels do not have ({kind})")]
    RelocationKind {
        /// The section.
        section: String,
        /// The place.
        offset: u64,
        /// ELF's number of the kind.
        kind: u32,
    },
    /// The code calls something that this runtime does not have.
    #[error("the code calls {0:?}, which this runtime does not have; use the version of the library that compiled it")]
    MissingSymbol(String),
    /// The description is not what a description looks like.
    #[error("the description is malformed: {0}")]
    Header(String),
    /// A name that is empty, too long, or holds other characters than letters, digits and underscores.
    #[error("{0:?} is no name: expected a letter or underscore, then letters, digits or underscores, at most {max}", max = super::header::LONGEST_NAME)]
    Name(String),
    /// Two functions, arguments or results have one name.
    #[error("the name {0:?} is there twice")]
    DuplicateName(String),
    /// Something is larger than any memory.
    #[error("{what} would take {bytes} bytes, this machine has {memory}")]
    TooLarge {
        /// What.
        what: String,
        /// Its size.
        bytes: u128,
        /// Bytes of memory.
        memory: u64,
    },
    /// What the description says of a function does not fit together.
    #[error("the description of {function} does not fit together: {what}")]
    Inconsistent {
        /// The function.
        function: String,
        /// What does not fit.
        what: String,
    },
    /// The processor lacks instructions of every level that the file has code for.
    #[error("the kernel needs {level} and this processor lacks {}; compile it with `--target-cpu` of a lower level", missing.join(", "))]
    Cpu {
        /// The lowest level of the file.
        level: CpuLevel,
        /// What the processor lacks.
        missing: Vec<&'static str>,
    },
    /// The file has no signature, and one was asked for.
    #[error("the kernel is not signed; sign it with `cotangent compile --sign KEY`")]
    Unsigned,
    /// The file was signed with a key that is not trusted.
    #[error("the kernel is signed with the key {0}, which is not among those trusted")]
    UntrustedKey(String),
    /// The signature is not that of these bytes.
    #[error("the signature does not fit the file: it was altered after it was signed")]
    BadSignature,
    /// There is no function of that name in the file.
    #[error("there is no function {name:?} in the kernel; it has {}", known.join(", "))]
    UnknownFunction {
        /// The name asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}
