//! The first bytes of a kernel's own section: what must be known before anything else is looked at.
//!
//! They lie at a fixed place of the file, right behind the ELF header, in the byte order of the target:
//!
//! ```text
//!   0  magic                    8 bytes
//!   8  0x01020304               u32, tells the byte order
//!  12  version of the format    u32
//!  16  version of the ABI       u32
//!  20  checksum                 u32, CRC-32 of the whole file with this field zero
//!  24  length of the file       u64
//!  32  length of the header     u64
//!  40  whether it is signed     u32, 0 or 1; 4 bytes of zeros
//!  48  public key               32 bytes, zero if not signed
//!  80  signature                64 bytes of Ed25519, zero if not signed, over the whole file with this and the checksum zero
//! 144  the header, as JSON
//! ```

use super::error::LoadError;

/// How a kernel file is laid out. Larger numbers are newer.
pub const FORMAT_VERSION: u32 = 1;

/// What code and runtime agree on: the [`Frame`](crate::run::program::Frame), the names and signatures of the runtime's
/// functions, the meaning of its library calls. It changes with any of them.
pub const ABI_VERSION: u32 = 1;

/// The first bytes of a prelude.
pub(super) const MAGIC: [u8; 8] = *b"COTKERN\0";

/// The section that holds prelude and header, the first of the file.
pub(super) const HEADER_SECTION: &str = ".cotangent";

/// The section of constants.
pub(super) const CONSTANTS_SECTION: &str = ".rodata.cotangent";

/// The section of the addresses that programs use which link the file.
#[cfg(feature = "compiler")]
pub(super) const LINK_SECTION: &str = ".data.rel.ro.cotangent";

/// Where the prelude lies in the file: behind the ELF header.
pub(super) const PRELUDE_AT: usize = 64;

/// Its length.
pub(super) const PRELUDE_LEN: usize = 144;

const BYTE_ORDER: u32 = 0x0102_0304;
const CHECKSUM_AT: usize = 20;
const SIGNATURE_AT: usize = 80;

/// A prelude. Magic, byte order and versions are those of this library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Prelude {
    pub(super) checksum: u32,
    pub(super) file_len: u64,
    pub(super) header_len: u64,
    pub(super) signed: Option<Signed>,
}

/// Who signed a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Signed {
    pub(super) key: [u8; 32],
    pub(super) signature: [u8; 64],
}

impl Prelude {
    /// The bytes.
    #[cfg(any(feature = "compiler", feature = "signatures"))]
    pub(super) fn encode(&self) -> [u8; PRELUDE_LEN] {
        let mut bytes = [0; PRELUDE_LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        for (at, value) in [
            (8, BYTE_ORDER),
            (12, FORMAT_VERSION),
            (16, ABI_VERSION),
            (CHECKSUM_AT, self.checksum),
            (40, u32::from(self.signed.is_some())),
        ] {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        bytes[24..32].copy_from_slice(&self.file_len.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.header_len.to_le_bytes());
        if let Some(signed) = &self.signed {
            bytes[48..80].copy_from_slice(&signed.key);
            bytes[SIGNATURE_AT..].copy_from_slice(&signed.signature);
        }
        bytes
    }

    /// Reads the prelude at the start of `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Prelude, LoadError> {
        let Some(bytes) = bytes.get(..PRELUDE_LEN) else {
            return Err(LoadError::Truncated { expected: PRELUDE_LEN as u64, found: bytes.len() as u64 });
        };
        if bytes[..8] != MAGIC {
            return Err(LoadError::NotAKernel("the magic bytes are missing".into()));
        }
        match word(bytes, 8) {
            BYTE_ORDER => {}
            swapped if swapped == BYTE_ORDER.swap_bytes() => return Err(LoadError::Endianness),
            _ => return Err(LoadError::NotAKernel("the mark of the byte order is damaged".into())),
        }
        let (format, abi) = (word(bytes, 12), word(bytes, 16));
        if format != FORMAT_VERSION {
            return Err(LoadError::FormatVersion { found: format, expected: FORMAT_VERSION });
        }
        if abi != ABI_VERSION {
            return Err(LoadError::AbiVersion { found: abi, expected: ABI_VERSION });
        }
        let signed = match (word(bytes, 40), word(bytes, 44)) {
            (0, 0) => None,
            (1, 0) => Some(Signed { key: array(bytes, 48), signature: array(bytes, SIGNATURE_AT) }),
            _ => return Err(LoadError::NotAKernel("the mark of the signature is damaged".into())),
        };
        let length = |at| u64::from_le_bytes(array(bytes, at));
        Ok(Prelude { checksum: word(bytes, CHECKSUM_AT), file_len: length(24), header_len: length(32), signed })
    }
}

/// The checksum of a file, whatever its prelude says.
pub(super) fn checksum(file: &[u8]) -> u32 {
    let at = PRELUDE_AT + CHECKSUM_AT;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file[..at]);
    hasher.update(&[0; 4]);
    hasher.update(&file[at + 4..]);
    hasher.finalize()
}

/// What is signed of a file: all of it, with zeros for signature and checksum.
#[cfg(feature = "signatures")]
pub(super) fn signed_bytes(file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    bytes[PRELUDE_AT + CHECKSUM_AT..][..4].fill(0);
    bytes[PRELUDE_AT + SIGNATURE_AT..][..64].fill(0);
    bytes
}

/// Replaces the prelude of a file by one with the right checksum.
#[cfg(any(feature = "compiler", feature = "signatures"))]
pub(super) fn seal(file: &mut [u8], header_len: u64, signed: Option<Signed>) {
    let mut prelude = Prelude { checksum: 0, file_len: file.len() as u64, header_len, signed };
    file[PRELUDE_AT..PRELUDE_AT + PRELUDE_LEN].copy_from_slice(&prelude.encode());
    prelude.checksum = checksum(file);
    file[PRELUDE_AT..PRELUDE_AT + PRELUDE_LEN].copy_from_slice(&prelude.encode());
}

/// Gives bytes the marks, length and checksum of a whole file, so that what is wrong with the rest is looked at; bytes that
/// are too few stay as they are. For tests of damaged files.
#[cfg(any(feature = "compiler", feature = "signatures"))]
#[doc(hidden)]
pub fn reseal(file: &mut [u8]) {
    if file.len() >= PRELUDE_AT + PRELUDE_LEN {
        let header_len = u64::from_le_bytes(array(file, PRELUDE_AT + 32));
        seal(file, header_len, None);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
