//! Taps: rows of numbers that a running program shows to the observer of the call, which may ask it to stop.
//!
//! Every worker knows by itself whether a row is due, and answers by itself that the program goes on where none is. Only for
//! a row that is due do the workers meet, to hear from the first what the observer has said; and for every row where the
//! caller may cancel, which no worker can know for the others.

use crate::run::library::LibraryCall;
use crate::run::program::Place;
use crate::run::session::{Session, Worker};
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use std::sync::atomic::Ordering;

/// What watches a call: gets the number of a row and the row, and answers whether to stop. It is called on the thread of
/// the caller.
pub type Observe<'a> = dyn FnMut(i64, &[f64]) -> bool + 'a;

/// A prepared [`LibraryCall::Tap`].
pub(super) struct Tap {
    index: Place,
    row: Place,
    dtype: DType,
    columns: usize,
    every: i64,
    stop: Place,
}

impl Tap {
    /// Makes a [`LibraryCall::Tap`] ready.
    pub(super) fn new(call: &LibraryCall) -> Tap {
        match *call {
            LibraryCall::Tap { index, row, dtype, columns, every, stop } => {
                Tap { index, row, dtype, columns, every: every.max(1), stop }
            }
            _ => internal("a tap made of another call"),
        }
    }

    /// Room for one row as f64.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.columns * size_of::<f64>()
    }

    /// Reports, if a row is due, and stores the answer for this worker.
    ///
    /// # Safety
    ///
    /// Called by all workers of the session; the places hold what the call describes, and the index is the same for all.
    pub(super) unsafe fn run(&self, session: &Session<'_>, worker: &Worker) {
        // SAFETY: the places hold an i32 that nobody writes meanwhile, and a byte.
        let (index, stop) =
            unsafe { (i64::from(worker.place(self.index).cast::<i32>().read()), worker.place(self.stop)) };
        let is_due = index.rem_euclid(self.every) == 0;
        if !is_due && session.cancel.is_none() {
            // SAFETY: as above.
            unsafe { stop.write(0) };
            return;
        }
        if worker.index == 0 {
            // Should the observer panic, this stays behind.
            session.stopped.store(true, Ordering::Relaxed);
            session.guarded(|| {
                // SAFETY: only this worker touches the observer; the place holds `columns` numbers of `dtype` that nobody
                // writes meanwhile, and the scratch has room for the row.
                let asked = unsafe {
                    match &mut *session.observer.get() {
                        Some(observer) if is_due => observer(index, self.row(worker)),
                        _ => false,
                    }
                };
                let cancelled = session.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed));
                let failed = session.failed.load(Ordering::Relaxed);
                session.stopped.store(asked || cancelled || failed, Ordering::Relaxed);
            });
        }
        session.barrier.wait(worker.count);
        // SAFETY: as above.
        unsafe { stop.write(u8::from(session.stopped.load(Ordering::Relaxed))) };
        // Nobody changes the answer before all have heard it.
        session.barrier.wait(worker.count);
    }

    /// The row, converted.
    ///
    /// # Safety
    ///
    /// As for [`Tap::run`].
    unsafe fn row<'a>(&self, worker: &'a Worker) -> &'a [f64] {
        // SAFETY: the place holds `columns` numbers of `dtype`, and the scratch as many f64.
        unsafe {
            let from = worker.place(self.row);
            let row = std::slice::from_raw_parts_mut(worker.scratch.cast::<f64>(), self.columns);
            for (position, element) in row.iter_mut().enumerate() {
                *element = match self.dtype {
                    DType::F32 => f64::from(from.cast::<f32>().add(position).read()),
                    _ => from.cast::<f64>().add(position).read(),
                };
            }
            row
        }
    }
}
