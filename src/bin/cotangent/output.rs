//! Writing of files so that nothing half-done is ever left behind.
//!
//! Files are written completely under another name in the folder they are meant for, or in a folder beside a new one, and
//! get their own names only when all of them are there. Whatever goes wrong before that is removed.

use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A file to be written.
pub(crate) struct Contents {
    /// Its name, without folder.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// Checks that [`publish`] will find a place to write to, so that nobody waits for results that cannot be kept.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    Staging::new(folder).map(drop)
}

/// Checks that [`write_files`] will find a place to write a file to, so that nobody waits for what cannot be kept.
pub(crate) fn check_file(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Failure::in_file(path, "is a folder; name a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) {
        true => beside(path).map(drop),
        false => Err(Failure::in_file(path, "the folder it would be in does not exist; create that first")),
    }
}

/// Writes files into a folder, which is made if its parent exists. Files of the same names are replaced.
pub(crate) fn publish(folder: &Path, files: &[Contents]) -> Result<()> {
    let staging = Staging::new(folder)?;
    for file in files {
        let path = staging.path.join(&file.name);
        fs::write(&path, &file.bytes).map_err(|error| refused(&folder.join(&file.name), &error))?;
    }
    if !staging.inside {
        return fs::rename(&staging.path, folder).map_err(|error| refused(folder, &error));
    }
    for file in files {
        let target = folder.join(&file.name);
        fs::rename(staging.path.join(&file.name), &target).map_err(|error| refused(&target, &error))?;
    }
    Ok(())
}

/// Writes files to the given paths, all or, unless a disk fails midway, none.
pub(crate) fn write_files(files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    let mut written = Vec::new();
    for (path, bytes) in files {
        if path.is_dir() {
            return Err(Failure::in_file(path, "is a folder; give `--out` another name"));
        }
        let staged = Staged(beside(path)?);
        fs::write(&staged.0, bytes).map_err(|error| refused(path, &error))?;
        written.push((staged, path));
    }
    written.iter().try_for_each(|(staged, path)| fs::rename(&staged.0, path).map_err(|error| refused(path, &error)))
}

/// Writes to standard output. A reader that has seen enough is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("standard output: {error}"))),
        _ => Ok(()),
    }
}

/// A folder of unfinished files, removed when dropped.
struct Staging {
    path: PathBuf,
    /// Whether it is inside the folder the files are meant for, or becomes that folder.
    inside: bool,
}

impl Staging {
    fn new(folder: &Path) -> Result<Staging> {
        let inside = folder.is_dir();
        if !inside && folder.exists() {
            return Err(Failure::in_file(folder, "is not a folder; give `--out` another name"));
        }
        let path = if inside { beside(&folder.join("files"))? } else { beside(folder)? };
        fs::create_dir(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Failure::in_file(folder, "the folder it would be in does not exist; create that first")
            }
            _ => refused(folder, &error),
        })?;
        Ok(Staging { path, inside })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a rename there is nothing left; and where removing fails, the failure that led here is the one to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// An unfinished file, removed when dropped.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A hidden name, this process's own, in the folder of `path`.
fn beside(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(Failure::in_file(path, "is not a name that can be written to; end the path with a name"));
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".unfinished-{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::in_file(path, format_args!("cannot be written: {error}; choose another place with `--out`"))
}
