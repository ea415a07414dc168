//! What became of a call.

use crate::failure::guarded;
use std::ffi::{CStr, c_char};

/// What became of a call. The numbers stay what they are.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It has done what it is for.
    Ok = 0,
    /// An argument cannot be: a null pointer, a wrong number of buffers, an address that is not aligned.
    InvalidArgument = 1,
    /// There is nothing of that name or number.
    NotFound = 2,
    /// A file could not be opened or read, or changed meanwhile.
    Io = 3,
    /// The bytes are not those of a kernel.
    NotAKernel = 4,
    /// The kernel is not what was written: its end is missing, or its bytes or descriptions do not fit together.
    Damaged = 5,
    /// The kernel was written by or for another version of this library.
    Version = 6,
    /// The kernel is for another processor, or for instructions that this one lacks.
    Cpu = 7,
    /// The kernel is not signed, or not by a trusted key, or was altered since.
    Signature = 8,
    /// The kernel needs more memory than this machine has.
    Memory = 9,
    /// A buffer has another shape.
    Shape = 10,
    /// A buffer has elements of another type.
    Dtype = 11,
    /// A result shares memory with itself, another result or an argument.
    Overlap = 12,
    /// The function failed while it ran.
    Run = 13,
    /// A mistake of this library. The message says which; please report it.
    Internal = 14,
}

impl Status {
    /// All, in order of their numbers.
    pub(crate) const ALL: [Status; 15] = [
        Status::Ok,
        Status::InvalidArgument,
        Status::NotFound,
        Status::Io,
        Status::NotAKernel,
        Status::Damaged,
        Status::Version,
        Status::Cpu,
        Status::Signature,
        Status::Memory,
        Status::Shape,
        Status::Dtype,
        Status::Overlap,
        Status::Run,
        Status::Internal,
    ];

    fn text(self) -> &'static CStr {
        match self {
            Status::Ok => c"ok",
            Status::InvalidArgument => c"invalid argument",
            Status::NotFound => c"not found",
            Status::Io => c"file cannot be read",
            Status::NotAKernel => c"not a kernel",
            Status::Damaged => c"damaged kernel",
            Status::Version => c"kernel of another version",
            Status::Cpu => c"kernel for another processor",
            Status::Signature => c"signature not accepted",
            Status::Memory => c"not enough memory",
            Status::Shape => c"wrong shape",
            Status::Dtype => c"wrong element type",
            Status::Overlap => c"overlapping memory",
            Status::Run => c"failed while running",
            Status::Internal => c"internal error",
        }
    }
}

/// What a call without failure gives, `Ok`, or the status of its failure.
impl From<Result<(), Status>> for Status {
    fn from(outcome: Result<(), Status>) -> Status {
        outcome.err().unwrap_or(Status::Ok)
    }
}

/// A few words for a `cot_status`; `cot_last_error` says more. The text is there for as long as the program runs.
#[unsafe(no_mangle)]
pub extern "C" fn cot_status_text(status: i32) -> *const c_char {
    let known = || Status::ALL.into_iter().find(|known| *known as i32 == status).map(Status::text);
    guarded(|| Ok(known().unwrap_or(c"unknown status").as_ptr())).unwrap_or(std::ptr::null())
}
