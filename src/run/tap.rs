//! Taps: rows of numbers that a running program shows to the observer of the call, which may ask it to stop.

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
    stop: u32,
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

    /// Reports, if a row is due, and stores the answer.
    ///
    /// # Safety
    ///
    /// Called by all workers of the session; the places hold what the call describes.
    pub(super) unsafe fn run(&self, session: &Session<'_>, worker: &Worker) {
        if worker.index != 0 {
            return;
        }
        // SAFETY: the places hold an i32, `columns` numbers of `dtype` and a byte that only this worker touches until
        // the next barrier; the scratch has room for the row.
        unsafe {
            let index = i64::from(worker.place(self.index).cast::<i32>().read());
            let stop = worker.slot(self.stop);
            let observer = &mut *session.observer.get();
            let asked = match observer {
                Some(observer) if index.rem_euclid(self.every) == 0 => {
                    // Should the observer panic, this stays behind.
                    stop.write(1);
                    observer(index, self.row(worker))
                }
                _ => false,
            };
            let cancelled = session.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed));
            stop.write(u8::from(asked || cancelled || session.failed.load(Ordering::Relaxed)));
        }
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
