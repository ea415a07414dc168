//! What ends the program early: a message for the person at the terminal.

use std::fmt;
use std::path::Path;

/// A message that says what is wrong, where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// The result of a part of a command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with this message.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure(message.into())
    }

    /// A failure that a file is to blame for.
    pub(crate) fn in_file(path: &Path, message: impl fmt::Display) -> Failure {
        Failure(format!("{}: {message}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<cotangent::Error> for Failure {
    /// Without the place in the source: it is in the library or in this program, not in anything the user wrote.
    fn from(error: cotangent::Error) -> Failure {
        Failure(format!("`{}`: {}", error.operation(), error.message()))
    }
}
