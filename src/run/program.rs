//! A compiled program as the runtime sees it: an entry point and what it expects to find in memory.

/// What an entry of the pointer table points to at the start of a call. All are 64-byte aligned except inputs and
/// outputs the caller owns, which are aligned to their element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// An argument; never written.
    Input(usize),
    /// A result.
    Output(usize),
    /// Temporary memory.
    Arena {
        /// Byte offset in the arena, a multiple of 64.
        offset: usize,
        /// Size in bytes.
        bytes: usize,
    },
}

/// Where a kernel operand or a scalar lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// What the pointer table entry of this number points to.
    Slot(u32),
    /// At this byte offset of the worker's own scalar area, aligned to the element.
    Scalar(u32),
}

/// What a program's entry point gets, one for every worker. The layout is part of the ABI.
#[repr(C)]
#[derive(Debug)]
pub struct Frame {
    /// This worker's own pointer table.
    pub table: *mut *mut u8,
    /// This worker's own scalar area, 64-byte aligned.
    pub scalars: *mut u8,
    /// Number of this worker.
    pub worker: u64,
    /// Number of workers.
    pub workers: u64,
    /// What the workers of one call share; opaque to compiled code.
    pub session: *const core::ffi::c_void,
}

/// The entry point of a compiled program.
pub type Entry = unsafe extern "C" fn(frame: *mut Frame);
