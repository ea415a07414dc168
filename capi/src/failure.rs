//! Failures: how they are made, and how they leave the library without a panic.
//!
//! A failure becomes a status, which the call returns, and a message, which stays with the thread until its next failure.

use crate::status::Status;
use runtime::artifact::LoadError;
use runtime::{Error, ErrorKind};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a call did not do what it is for.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    message: String,
}

thread_local! {
    /// The message of the last failure of this thread.
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Does the work of a call from C: a failure or a panic becomes a status, and its message that of the thread.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Status> {
    let failure = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::of_panic(payload),
    };
    let message = c_text(&failure.message);
    // Where the thread is ending, there is nobody left to ask for the message.
    let _ = MESSAGE.try_with(|last| *last.borrow_mut() = message);
    Err(failure.status)
}

/// The message of the last failure on this thread; empty if there was none. It stays until the next failure on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn cot_last_error() -> *const c_char {
    let last = || MESSAGE.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr());
    guarded(|| Ok(last())).unwrap_or(c"".as_ptr())
}

/// Text as C has it. Characters that would end it are left out.
pub(crate) fn c_text(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().filter(|&byte| byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into() }
    }

    /// An argument that cannot be.
    pub(crate) fn argument(message: impl Into<String>) -> Failure {
        Failure::new(Status::InvalidArgument, message)
    }

    /// The same failure with what it is about.
    pub(crate) fn within(self, what: &str) -> Failure {
        Failure { message: format!("{what}: {}", self.message), ..self }
    }

    fn of_panic(payload: Box<dyn Any + Send>) -> Failure {
        let text =
            payload.downcast_ref::<&str>().map(ToString::to_string).or(payload.downcast_ref::<String>().cloned());
        // Whatever else was thrown may throw again when it is dropped.
        std::mem::forget(payload);
        Failure::new(Status::Internal, text.unwrap_or_else(|| "a panic without a message".into()))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        let status = match &error {
            LoadError::Io { .. } | LoadError::Changed(_) => Status::Io,
            LoadError::NotAKernel(_) => Status::NotAKernel,
            LoadError::FormatVersion { .. } | LoadError::AbiVersion { .. } | LoadError::MissingSymbol(_) => {
                Status::Version
            }
            LoadError::Endianness | LoadError::Architecture { .. } | LoadError::Cpu { .. } => Status::Cpu,
            LoadError::Unsigned | LoadError::UntrustedKey(_) | LoadError::BadSignature => Status::Signature,
            LoadError::TooLarge { .. } => Status::Memory,
            LoadError::UnknownFunction { .. } => Status::NotFound,
            // All the others say that the bytes are not those that were written.
            _ => Status::Damaged,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let status = match error.kind() {
            ErrorKind::Argument => Status::InvalidArgument,
            ErrorKind::Shape => Status::Shape,
            ErrorKind::DType => Status::Dtype,
            _ => Status::Run,
        };
        Failure::new(status, error.to_string())
    }
}
