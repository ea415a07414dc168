//! The memory of one call: the arena that its workers share and an area of each worker's own.
//!
//! A workspace is allocated once and reused, so its contents at the start of a call are whatever the last call left.
//! Each worker's area is one allocation of whole cache lines, `table | scalars | scratch`, so that workers never share a
//! line.

use crate::run::barrier::Barrier;
use crate::run::memory::{for_result, keep, unwritten};
use cotangent_ir::{ALIGNMENT, Bytes};

/// Where the parts of a worker's area start.
#[derive(Clone, Copy, Debug)]
pub(super) struct AreaLayout {
    scalars: usize,
    scratch: usize,
    bytes: usize,
}

impl AreaLayout {
    /// Room for a table of `slots` pointers, `scalar_bytes` of scalars and `scratch_bytes` for library routines.
    pub(super) fn new(slots: usize, scalar_bytes: usize, scratch_bytes: usize) -> AreaLayout {
        let scalars = whole_lines(slots * size_of::<*mut u8>());
        let scratch = scalars + whole_lines(scalar_bytes);
        AreaLayout { scalars, scratch, bytes: scratch + whole_lines(scratch_bytes) }
    }

    /// Bytes from a worker's scalars to its scratch.
    pub(super) fn scratch_from_scalars(&self) -> usize {
        self.scratch - self.scalars
    }
}

/// Bytes rounded up to whole cache lines.
fn whole_lines(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// The memory of one call.
pub(super) struct Workspace {
    arena: Bytes,
    template: Bytes,
    memory: Vec<Bytes>,
    areas: Vec<Area>,
    barrier: Barrier,
}

/// One worker's own memory.
#[derive(Clone, Copy)]
pub(super) struct Area {
    /// Its pointer table.
    pub(super) table: *mut *mut u8,
    /// Its scalar area, followed by its scratch.
    pub(super) scalars: *mut u8,
}

// SAFETY: an area is two addresses; those who use them say why they may.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Drop for Workspace {
    fn drop(&mut self) {
        keep(std::mem::replace(&mut self.arena, unwritten(0)));
    }
}

impl Workspace {
    /// A workspace without workers.
    pub(super) fn new(arena_bytes: usize, slots: usize) -> Workspace {
        Workspace {
            arena: for_result(arena_bytes),
            template: unwritten(slots * size_of::<*mut u8>()),
            memory: Vec::new(),
            areas: Vec::new(),
            barrier: Barrier::new(),
        }
    }

    /// Makes sure that there are areas for this many workers.
    pub(super) fn reserve_workers(&mut self, workers: usize, layout: &AreaLayout) {
        while self.areas.len() < workers {
            // Written once here, because library routines borrow scratch as slices of numbers.
            let mut memory = unwritten(layout.bytes);
            memory.resize(layout.bytes, 0);
            let start = memory.as_mut_ptr();
            self.areas.push(Area { table: start.cast(), scalars: start.wrapping_add(layout.scalars) });
            self.memory.push(memory);
        }
    }

    /// The start of the arena.
    pub(super) fn arena(&mut self) -> *mut u8 {
        self.arena.as_mut_ptr()
    }

    /// Room for the pointer table from which every worker copies its own.
    pub(super) fn template(&mut self) -> *mut *mut u8 {
        self.template.as_mut_ptr().cast()
    }

    /// The areas of the workers.
    pub(super) fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// Where the workers of the call meet.
    pub(super) fn barrier(&self) -> &Barrier {
        &self.barrier
    }
}
