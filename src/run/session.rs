//! What the workers of one call share, and each worker's view of it.

use crate::run::arena::Area;
use crate::run::barrier::Barrier;
use crate::run::contention::WATCH;
use crate::run::profile::Marks;
use crate::run::program::{Entry, Frame, Place};
use crate::run::routine::Routine;
use crate::run::tap::Observe;
use cotangent_ir::Error;
use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the workers of one call share.
pub(super) struct Session<'a> {
    /// The program's prepared library calls.
    pub(super) routines: &'a [Routine],
    /// Where the workers meet.
    pub(super) barrier: &'a Barrier,
    /// Most workers that take part from the last meeting on: fewer than began if there were not cores enough for them.
    pub(super) most: AtomicUsize,
    /// The workers' own memory.
    pub(super) areas: &'a [Area],
    /// The pointer table at the start of the call.
    pub(super) template: *const *mut u8,
    /// Its length.
    pub(super) slots: usize,
    /// Bytes from a worker's scalar area to its scratch.
    pub(super) scratch_offset: usize,
    /// Whom taps report to. Only worker 0, which runs on the caller's thread, touches it.
    pub(super) observer: UnsafeCell<Option<&'a mut Observe<'a>>>,
    /// Set by anybody who wants the call to stop.
    pub(super) cancel: Option<&'a AtomicBool>,
    /// What worker 0 tells the others at a tap: whether to stop.
    pub(super) stopped: AtomicBool,
    /// What workers note of their steps, if somebody wants to know.
    pub(super) marks: Option<&'a Marks>,
    /// Whether a routine failed, in which case taps ask to stop.
    pub(super) failed: AtomicBool,
    /// What went wrong first.
    pub(super) failure: Mutex<Option<Failure>>,
}

/// What can go wrong in a call.
pub(super) enum Failure {
    /// A routine or an observer panicked: the payload, raised again after the call.
    Panic(Box<dyn Any + Send>),
    /// A function of the host failed.
    Error(Error),
}

// SAFETY: `template` is only read during the call, and `observer` is used by worker 0 only, on the thread that lent it.
unsafe impl Sync for Session<'_> {}

impl Session<'_> {
    /// Runs the program as worker `index` of `count`.
    ///
    /// # Safety
    ///
    /// `entry` belongs to the program of this session, every worker below `count` is run, each once, and each has an
    /// area that nobody else uses.
    pub(super) unsafe fn run_worker(&self, entry: Entry, index: usize, count: usize) {
        let Area { table, scalars } = self.areas[index];
        let session = std::ptr::from_ref(self).cast();
        let mut frame = Frame { table, scalars, worker: index as u64, workers: count as u64, session };
        // SAFETY: template and table have `slots` entries; the entry keeps to its frame, says who made the program.
        unsafe {
            std::ptr::copy_nonoverlapping(self.template, table, self.slots);
            entry(&mut frame);
        }
    }

    /// All `workers` workers meet. Returns how many of them go on: the first ones.
    ///
    /// What each had to do before the meeting is done and seen by all, so from here on any number can go on.
    pub(super) fn meet(&self, workers: usize) -> usize {
        self.barrier.wait_and(workers, || {
            if WATCH.lost_a_core() || leaves_for_a_test() {
                self.most.store(workers - 1, Ordering::Relaxed);
            }
        });
        WATCH.look();
        // Written before the meeting ended; and the next one, where it may change, ends after all who go on have come.
        workers.min(self.most.load(Ordering::Relaxed))
    }

    /// Runs something that may panic on behalf of compiled code, through which a panic cannot pass.
    pub(super) fn guarded(&self, work: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            self.fail(Failure::Panic(payload));
        }
    }

    /// Remembers what went wrong, if it is the first.
    pub(super) fn fail(&self, failure: Failure) {
        self.failed.store(true, Ordering::Relaxed);
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    /// What went wrong first.
    pub(super) fn into_failure(self) -> Option<Failure> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a worker is to leave at this meeting because a test wants to see that.
#[cfg(not(test))]
fn leaves_for_a_test() -> bool {
    false
}

#[cfg(test)]
use tests::leaves_for_a_test;

/// Lets tests make workers leave. Results do not depend on it, so other tests that run meanwhile do not mind.
#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Meetings until a worker leaves; 0 for never.
    pub(crate) static LEAVE_AFTER: AtomicU64 = AtomicU64::new(0);

    pub(super) fn leaves_for_a_test() -> bool {
        LEAVE_AFTER.load(Ordering::Relaxed) > 0 && LEAVE_AFTER.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// One worker's view of a call, as library routines see it.
#[derive(Clone, Copy)]
pub(super) struct Worker {
    table: *const *mut u8,
    scalars: *mut u8,
    /// Its own scratch, 64-byte aligned, of the largest size any routine of the program asked for.
    pub(super) scratch: *mut u8,
    /// Its number.
    pub(super) index: usize,
    /// Number of workers.
    pub(super) count: usize,
}

impl Worker {
    /// The view of the worker with this frame.
    ///
    /// # Safety
    ///
    /// `frame` is the frame of a worker of a running call whose session is `session`.
    pub(super) unsafe fn of(frame: *const Frame, session: &Session<'_>) -> Worker {
        // SAFETY: the caller passes a live frame.
        let frame = unsafe { &*frame };
        Worker {
            table: frame.table,
            scalars: frame.scalars,
            scratch: frame.scalars.wrapping_add(session.scratch_offset),
            index: frame.worker as usize,
            count: frame.workers as usize,
        }
    }

    /// What an entry of the pointer table points to.
    ///
    /// # Safety
    ///
    /// The table has that entry.
    pub(super) unsafe fn slot(&self, slot: u32) -> *mut u8 {
        // SAFETY: the caller passes an entry of the table.
        unsafe { *self.table.add(slot as usize) }
    }

    /// Where an operand lives.
    ///
    /// # Safety
    ///
    /// The place is one of this program's.
    pub(super) unsafe fn place(&self, place: Place) -> *mut u8 {
        match place {
            // SAFETY: passed on.
            Place::Slot(slot) => unsafe { self.slot(slot) },
            Place::Scalar(offset) => self.scalars.wrapping_add(offset as usize),
        }
    }

    /// This worker's contiguous share of `items`.
    pub(super) fn share(&self, items: usize) -> std::ops::Range<usize> {
        items * self.index / self.count..items * (self.index + 1) / self.count
    }
}
