//! Routines that all workers do together on one item, in phases, and the memory they share meanwhile.
//!
//! What a phase wrote all workers see in the next. A routine goes through the same phases whoever takes part: it cuts its
//! work by sizes alone, and workers take pieces, so that its results do not depend on their number. Small items are done
//! in the same way by one worker, a team of its own.

use super::Operand;
use crate::run::session::{Session, Worker};
use cotangent_ir::{ALIGNMENT, Attrs, Type};
use std::marker::PhantomData;
use std::ops::Range;

/// A routine for a team, with what has to be known before it runs.
pub(super) struct TeamRoutine {
    /// Whether an item with these operands is worth all workers.
    pub(super) large: fn(&Attrs, &[Type]) -> bool,
    /// Bytes that a team needs for an item.
    pub(super) scratch: fn(&Attrs, &[Type]) -> usize,
    /// Bytes that each worker of a team needs besides.
    pub(super) own: fn(&Attrs, &[Type]) -> usize,
    /// Computes the results of one item.
    pub(super) run: fn(&Team<'_>, &Attrs, &[Operand<'_>], &[Target<'_>]),
}

/// Nothing is needed.
pub(super) fn no_bytes(_: &Attrs, _: &[Type]) -> usize {
    0
}

/// Those who work on an item, as one of them sees it.
pub(super) struct Team<'a> {
    session: &'a Session<'a>,
    index: usize,
    count: usize,
    scratch: *mut u8,
    own: *mut u8,
}

impl<'a> Team<'a> {
    /// All workers of a call, sharing `scratch`.
    pub(super) fn of_all(session: &'a Session<'a>, worker: &Worker, scratch: *mut u8) -> Team<'a> {
        Team { session, index: worker.index, count: worker.count, scratch, own: worker.scratch }
    }

    /// One worker by itself, whose scratch begins with the team's, of so many bytes.
    pub(super) fn of_one(session: &'a Session<'a>, worker: &Worker, scratch_bytes: usize) -> Team<'a> {
        let own = worker.scratch.wrapping_add(whole_lines(scratch_bytes));
        Team { session, index: 0, count: 1, scratch: worker.scratch, own }
    }

    /// Does this worker's part of a phase and waits for the others. A panic does not keep them waiting.
    pub(super) fn phase(&self, work: impl FnOnce()) {
        self.session.guarded(work);
        self.session.barrier.wait(self.count);
    }

    /// As [`Team::phase`], for what is done once.
    pub(super) fn once(&self, work: impl FnOnce()) {
        match self.index {
            0 => self.phase(work),
            _ => self.phase(|| ()),
        }
    }

    /// This worker's contiguous share of `items`.
    pub(super) fn share(&self, items: usize) -> Range<usize> {
        items * self.index / self.count..items * (self.index + 1) / self.count
    }

    /// A part of the team's scratch, which begins at a multiple of the alignment of `T`.
    ///
    /// # Safety
    ///
    /// It lies within what the routine asked for.
    pub(super) unsafe fn scratch<T>(&self, offset: usize, len: usize) -> Shared<'a, T> {
        Shared { start: self.scratch.wrapping_add(offset).cast(), len, memory: PhantomData }
    }

    /// This worker's own scratch.
    pub(super) fn own(&self) -> *mut u8 {
        self.own
    }
}

/// Bytes rounded up to whole cache lines, which workers do not share.
pub(super) fn whole_lines(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// Elements that several workers write, each its own in a phase. Nothing is known of them before they are written.
pub(super) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    memory: PhantomData<(&'a (), *mut T)>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

impl<'a, T: Copy> Shared<'a, T> {
    /// Their number.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first of them.
    pub(super) fn start(&self) -> *mut T {
        self.start
    }

    /// Writes an element.
    ///
    /// # Safety
    ///
    /// There is one at `at`, and no other worker looks at it in this phase.
    #[inline(always)]
    pub(super) unsafe fn set(&self, at: usize, element: T) {
        debug_assert!(at < self.len);
        // SAFETY: passed on.
        unsafe { self.start.add(at).write(element) };
    }

    /// Elements to read.
    ///
    /// # Safety
    ///
    /// They have been written, and nobody writes them in this phase.
    pub(super) unsafe fn slice(&self, range: Range<usize>) -> &'a [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds; the rest is passed on.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// Elements to read and write.
    ///
    /// # Safety
    ///
    /// They have been written, and no other worker looks at them in this phase.
    #[allow(clippy::mut_from_ref, reason = "callers say why nobody else has these elements")]
    pub(super) unsafe fn slice_mut(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds; the rest is passed on.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// Elements to read and write, which are all set first.
    ///
    /// # Safety
    ///
    /// No other worker looks at them in this phase.
    pub(super) unsafe fn filled(&self, range: Range<usize>, element: T) -> &'a mut [T] {
        for at in range.clone() {
            // SAFETY: passed on.
            unsafe { self.set(at, element) };
        }
        // SAFETY: written just now; the rest is passed on.
        unsafe { self.slice_mut(range) }
    }
}

/// One result of one item, which nobody has written yet. The routine writes every element.
pub(super) struct Target<'a> {
    /// Its type, without the batch.
    pub(super) ty: &'a Type,
    start: *mut u8,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Target<'a> {
    /// The result of this type that begins at `start`.
    ///
    /// # Safety
    ///
    /// Its memory is the team's for as long as the type is borrowed.
    pub(super) unsafe fn new(ty: &'a Type, start: *mut u8) -> Target<'a> {
        Target { ty, start, memory: PhantomData }
    }

    /// The elements in row-major order. `T` has the size of the dtype and no greater alignment.
    pub(super) fn elements<T: bytemuck::Pod>(&self) -> Shared<'a, T> {
        let len = self.ty.byte_len() / size_of::<T>();
        Shared { start: self.start.cast(), len, memory: PhantomData }
    }
}
