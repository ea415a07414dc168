//! Kernel files: loading them, and telling what is wrong with them.

use crate::failure::{Failure, Result};
use crate::keys;
use cotangent::artifact::{Kernel, LoadError};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What kernel files, which are ELF objects, begin with.
const MAGIC: &[u8; 4] = b"\x7fELF";

/// Whether a file begins as kernels do. One that cannot be read does not.
pub(crate) fn is_kernel(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *MAGIC
}

/// Loads a kernel; with a file of a public key, only one that was signed with it.
pub(crate) fn load(path: &Path, trusted: Option<&Path>) -> Result<Kernel> {
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; name a file"));
    }
    let loaded = match trusted {
        Some(key) => Kernel::load_signed(path, &[keys::trusted(key)?]),
        // SAFETY: whoever names a kernel to be run vouches for it, as for any program that they start.
        None => unsafe { Kernel::load(path) },
    };
    loaded.map_err(|error| failure(path, &error))
}

/// The failure of a file that cannot be loaded.
pub(crate) fn failure(path: &Path, error: &LoadError) -> Failure {
    match error {
        LoadError::Io { source, .. } => Failure::in_file(path, format!("cannot be read: {source}; check the name")),
        LoadError::Changed(_) => Failure::new(error.to_string()),
        _ => Failure::in_file(path, error),
    }
}
