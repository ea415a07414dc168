//! Other programs, run to their end, and the folder they find their files in.

use crate::failure::{Failure, Result};
use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

/// Runs a program that is expected to succeed.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<Output> {
    let output = command.output().map_err(|error| Failure::new(format!("{what}: cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(Failure::new(format!("{what}: ended with {}: {}", output.status, last_line(&output))))
}

/// What a program that failed said last.
pub(crate) fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.trim_end().lines().next_back().unwrap_or("it did not say why").trim().into()
}

/// A folder of our own that goes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder, which nobody else can write to: programs in it will be run.
    pub(crate) fn new() -> Result<Folder> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let path = std::env::temp_dir().join(format!("cotangent-{}-{now}", std::process::id()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // A folder that is there already is somebody else's, and refused.
        builder.create(&path).map_err(|error| Failure::in_file(&path, error))?;
        Ok(Folder(path))
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, contents).map_err(|error| Failure::in_file(&path, error))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which clears that place.
        let _ = fs::remove_dir_all(&self.0);
    }
}
