//! Calls of functions of the host from a running program.
//!
//! Worker 0, which runs on the caller's thread, makes the call; the others go on until they need what it gives, at the
//! latest the byte that says whether it failed. Operands are copied: the closure may keep them, and the program's memory
//! is used for other things afterwards.

use crate::run::library::{ItemArray, LibraryCall};
use crate::run::program::Place;
use crate::run::session::{Failure, Session, Worker};
use cotangent_ir::error::internal;
use cotangent_ir::prim::host::{HostFn, call};
use cotangent_ir::{ALIGNMENT, Bytes, Tensor, Type};
use std::sync::atomic::Ordering;

/// A prepared [`LibraryCall::Host`].
pub(super) struct HostRoutine {
    host: HostFn,
    batch: Vec<usize>,
    operands: Vec<(Place, Type)>,
    results: Vec<ItemArray>,
    failed: u32,
}

impl HostRoutine {
    /// Makes a [`LibraryCall::Host`] ready.
    pub(super) fn new(library: &LibraryCall) -> HostRoutine {
        match library.clone() {
            LibraryCall::Host { host, batch, operands, results, failed } => {
                HostRoutine { host, batch, operands, results, failed }
            }
            _ => internal("a call of the host made of another call"),
        }
    }

    /// Calls the function, unless something has gone wrong before, and stores its results and whether it failed.
    ///
    /// # Safety
    ///
    /// Called by all workers of the session; the places and slots hold what the call describes.
    pub(super) unsafe fn run(&self, session: &Session<'_>, worker: &Worker) {
        if worker.index != 0 {
            return;
        }
        // SAFETY: the slot has a byte that only this worker touches until the next barrier; the others likewise hold
        // operands and have room for results.
        unsafe {
            let failed = worker.slot(self.failed);
            failed.write(1);
            if session.failed.load(Ordering::Relaxed) {
                return;
            }
            let operands: Vec<Tensor> = self.operands.iter().map(|(place, ty)| copied(worker, *place, ty)).collect();
            match call(&self.host, &self.batch, &operands) {
                Ok(results) => {
                    for (array, result) in self.results.iter().zip(&results) {
                        let bytes = result.bytes();
                        std::ptr::copy_nonoverlapping(bytes.as_ptr(), worker.slot(array.slot), bytes.len());
                    }
                    failed.write(0);
                }
                Err(error) => session.fail(Failure::Error(error)),
            }
        }
    }
}

/// A copy of an array of the program.
///
/// # Safety
///
/// The place holds an array of that type.
unsafe fn copied(worker: &Worker, place: Place, ty: &Type) -> Tensor {
    // SAFETY: the place holds an array of this length.
    let bytes = unsafe { std::slice::from_raw_parts(worker.place(place).cast_const(), ty.byte_len()) };
    Tensor::from_bytes(ty.clone(), Bytes::from_slice(ALIGNMENT, bytes))
}
