//! `cotangent keygen`, and the keys that kernels are signed with.
//!
//! A key is a file of one line, 64 hexadecimal digits.

use crate::arguments::KeygenArguments;
use crate::failure::{Failure, Result};
use crate::{output, source};
use cotangent::artifact::{TrustedKey, public_key};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes of a key.
const LENGTH: usize = 32;

/// The end of the names of public keys.
const PUBLIC: &str = "pub";

/// Runs the command.
pub(crate) fn keygen(arguments: &KeygenArguments) -> Result<()> {
    let path = &arguments.file;
    let public_path = public_path(path)?;
    for path in [path, &public_path] {
        // Whoever lost a private key could not sign with it again.
        if fs::symlink_metadata(path).is_ok() {
            return Err(Failure::in_file(path, "exists already; keys are not overwritten, name another file"));
        }
    }
    let mut private = [0; LENGTH];
    getrandom::fill(&mut private)
        .map_err(|error| Failure::new(format!("the system has no random numbers: {error}")))?;
    let public = public_key(&private);
    create(path, &private, true)?;
    create(&public_path, &public, false).inspect_err(|_| {
        // A private key alone is of no use, and the failure that led here is the one to tell.
        let _ = fs::remove_file(path);
    })?;
    output::print(&format!(
        "{}: private key, for `cotangent compile --sign`; keep it to yourself\n{}: public key {}\n",
        path.display(),
        public_path.display(),
        hexadecimal(&public)
    ))
}

/// The private key of a file.
pub(crate) fn private(path: &Path) -> Result<[u8; LENGTH]> {
    if path.extension().is_some_and(|extension| extension == PUBLIC) {
        return Err(Failure::in_file(path, "is named as a public key; sign with the private one"));
    }
    read(path)
}

/// The public key of a file.
pub(crate) fn trusted(path: &Path) -> Result<TrustedKey> {
    let bytes = read(path)?;
    // SAFETY: whoever names a key to be trusted vouches for what its owner has signed.
    unsafe { TrustedKey::new(&bytes) }.map_err(|error| Failure::in_file(path, error))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn public_path(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() || path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; name a file"));
    }
    Ok(path.with_added_extension(PUBLIC))
}

/// Writes a key to a new file, which only its owner can read if it is a private one.
fn create(path: &Path, key: &[u8; LENGTH], is_private: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = is_private;
    let line = hexadecimal(key) + "\n";
    let refused = |error| Failure::in_file(path, format_args!("cannot be written: {error}; choose another place"));
    let mut file = options.open(path).map_err(refused)?;
    file.write_all(line.as_bytes()).map_err(|error| {
        let _ = fs::remove_file(path);
        refused(error)
    })
}

fn read(path: &Path) -> Result<[u8; LENGTH]> {
    let bytes = source::bytes(path)?;
    let digits = std::str::from_utf8(&bytes).ok().map(str::trim);
    let key = digits.filter(|digits| digits.len() == 2 * LENGTH).and_then(parse);
    key.ok_or_else(|| {
        Failure::in_file(path, "is no key: expected 64 hexadecimal digits, as `cotangent keygen` writes them")
    })
}

fn parse(digits: &str) -> Option<[u8; LENGTH]> {
    let values: Option<Vec<u8>> = digits.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    let bytes: Vec<u8> = values?.chunks_exact(2).map(|pair| 16 * pair[0] + pair[1]).collect();
    bytes.try_into().ok()
}
