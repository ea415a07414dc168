//! Errors of users, and the one way in which our own mistakes end.
//!
//! An [`Error`] names the operation, what is wrong with what was given, what to do instead, and the place in the user's
//! source. It is cheap to clone because it travels inside array values until data is asked for.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What went wrong, where, and what to do about it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: String,
    message: String,
    location: Option<&'static Location<'static>>,
}

/// The class of an [`Error`], for programs that react to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes do not fit the operation.
    Shape,
    /// An element type does not fit the operation.
    DType,
    /// An axis, index or attribute is out of range or inconsistent.
    Argument,
    /// A traced value was used outside its function, on another thread, or where data is needed.
    Trace,
    /// A function cannot be differentiated, transposed or batched as asked.
    Transform,
    /// The structure of arguments or results is not the one expected.
    Structure,
    /// Text, a picture or another file could not be read or written.
    Input,
    /// Text in the IR's own form is malformed.
    Parse,
    /// A function is not well formed.
    Verify,
    /// A function of the host, called by a program, failed.
    Host,
}

impl Error {
    /// An error of an operation. `message` says what was expected, what was given and what to do.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, operation: operation.into(), message: message.into(), location: None }))
    }

    /// The same error with the place in the user's source, unless it has one already.
    pub fn at(self, location: &'static Location<'static>) -> Error {
        if self.0.location.is_some() {
            return self;
        }
        let Inner { kind, operation, message, .. } = &*self.0;
        let (kind, operation, message) = (*kind, operation.clone(), message.clone());
        Error(Arc::new(Inner { kind, operation, message, location: Some(location) }))
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, such as `add`.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// What was expected, what was given and what to do.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place in the user's source where the operation was called, where known.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.0.location
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.0.operation, self.0.message)?;
        match self.0.location {
            Some(place) => write!(f, " ({}:{}:{})", place.file(), place.line(), place.column()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// The result of anything a user's mistake can break.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Ends the program because of a mistake of ours. Never reached by a user's mistake.
#[track_caller]
#[cold]
pub fn internal(message: &str) -> ! {
    panic!("internal error: {message}")
}
