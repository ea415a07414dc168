//! A compiled program as the runtime sees it: an entry point and what it expects to find in memory.
//!
//! [`Parts`] describe a program completely; [`Program::new`] prepares what its library calls need (transform plans,
//! scratch sizes), so that calling it (in [`call`](crate::run::call)) computes and allocates as little as possible. Memory
//! that a call needs besides arguments and results is a workspace: programs keep those they have used.

use crate::run::arena::{AreaLayout, Workspace};
use crate::run::library::LibraryCall;
use crate::run::routine::{Planner, Routine};
use cotangent_ir::Type;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many idle workspaces a program keeps: as many calls at once run without allocating. More are allocated on demand
/// and freed after the call.
const KEPT_WORKSPACES: usize = 8;

/// What an entry of the pointer table points to at the start of a call. All are 64-byte aligned, as the
/// memory of every tensor is: compiled code stores whole vectors past the cache, which nowhere else is possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// A constant or, counted after those, an argument; never written.
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
#[cfg_attr(feature = "runtime", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
    /// Number of workers; barriers may lower it.
    pub workers: u64,
    /// What the workers of one call share; opaque to compiled code.
    pub session: *const core::ffi::c_void,
}

/// The entry point of a compiled program.
pub type Entry = unsafe extern "C" fn(frame: *mut Frame);

/// The owner of a program's machine code. It is dropped with the program and never before.
pub trait Code: Send + Sync {
    /// Where the constants of the program begin. Code without any need not say.
    fn constants(&self) -> *const u8 {
        std::ptr::null()
    }
}

/// Everything that makes a program.
pub struct Parts {
    /// For people; has no meaning.
    pub name: String,
    /// Types of the arguments.
    pub inputs: Vec<Type>,
    /// Types of the results.
    pub outputs: Vec<Type>,
    /// Where in [`Code::constants`] the constants lie, multiples of 64.
    pub constants: Vec<usize>,
    /// The pointer table at the start of a call.
    pub slots: Vec<Slot>,
    /// Bytes of each worker's scalar area.
    pub scalar_bytes: usize,
    /// Bytes of the arena shared by the workers.
    pub arena_bytes: usize,
    /// The library calls that the code refers to by position.
    pub calls: Vec<LibraryCall>,
    /// Whether the work is worth more than one worker.
    pub parallel: bool,
    /// What the steps are that the code marks, by number; empty if it marks none.
    pub marks: Vec<String>,
    /// Where the code starts.
    pub entry: Entry,
    /// What keeps the code in memory.
    pub code: Box<dyn Code>,
}

/// A compiled program, ready to be called from any number of threads.
pub struct Program {
    pub(super) name: String,
    pub(super) inputs: Vec<Type>,
    pub(super) outputs: Vec<Type>,
    pub(super) constants: Vec<usize>,
    pub(super) slots: Vec<Slot>,
    pub(super) layout: AreaLayout,
    pub(super) arena_bytes: usize,
    pub(super) routines: Vec<Routine>,
    pub(super) parallel: bool,
    pub(super) marks: Vec<String>,
    pub(super) entry: Entry,
    workspaces: Mutex<Vec<Workspace>>,
    pub(super) code: Box<dyn Code>,
}

impl Program {
    /// Makes a program of its parts.
    ///
    /// # Safety
    ///
    /// * `entry` follows the ABI of [`Frame`] and stays valid while `code` lives.
    /// * Called by every worker of a call with a frame of its own, it reads and writes only its frame, its table, its
    ///   `scalar_bytes`, and the memory the slots describe; it never writes inputs; it writes every element of every
    ///   output; workers that touch the same element are separated by a barrier that all of them pass. After a barrier it
    ///   goes on with the number of workers that its frame then has, or returns if the barrier says so.
    /// * `calls` bind slots whose memory is as large as their sizes and strides say.
    pub unsafe fn new(parts: Parts) -> Program {
        let Parts {
            name,
            inputs,
            outputs,
            constants,
            slots,
            scalar_bytes,
            arena_bytes,
            calls,
            parallel,
            marks,
            entry,
            code,
        } = parts;
        let mut planner = Planner::default();
        let routines: Vec<Routine> = calls.iter().map(|call| Routine::prepare(call, &mut planner)).collect();
        let scratch_bytes = routines.iter().map(Routine::scratch_bytes).max().unwrap_or(0);
        let layout = AreaLayout::new(slots.len(), scalar_bytes, scratch_bytes);
        let workspaces = Mutex::new(Vec::with_capacity(KEPT_WORKSPACES));
        Program {
            name,
            inputs,
            outputs,
            constants,
            slots,
            layout,
            arena_bytes,
            routines,
            parallel,
            marks,
            entry,
            workspaces,
            code,
        }
    }

    /// Makes a program of parts that come from the compiler, which vouches for what [`Program::new`] demands: the entry
    /// was emitted from the plan the other parts were taken from.
    #[cfg(feature = "compiler")]
    pub(crate) fn emitted(parts: Parts) -> Program {
        // SAFETY: the plan's rules, kept by planning and emission, are the conditions of `new`.
        unsafe { Program::new(parts) }
    }

    /// For people; has no meaning.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Types of the arguments.
    pub fn inputs(&self) -> &[Type] {
        &self.inputs
    }

    /// Types of the results.
    pub fn outputs(&self) -> &[Type] {
        &self.outputs
    }

    /// Whether a call is worth more than one worker.
    pub fn is_parallel(&self) -> bool {
        self.parallel
    }

    /// Bytes of temporary memory that the workers of a call share.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// A workspace with room for this many workers: one that an earlier call left, or a new one.
    pub(super) fn take_workspace(&self, workers: usize) -> Workspace {
        let kept = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = kept.unwrap_or_else(|| Workspace::new(self.arena_bytes, self.slots.len()));
        workspace.reserve_workers(workers, &self.layout);
        workspace
    }

    /// Keeps a workspace for later calls, unless enough are kept.
    pub(super) fn give_workspace(&self, workspace: Workspace) {
        let mut kept = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_WORKSPACES {
            kept.push(workspace);
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program { name, inputs, outputs, slots, arena_bytes, parallel, .. } = self;
        f.debug_struct("Program")
            .field("name", name)
            .field("inputs", inputs)
            .field("outputs", outputs)
            .field("slots", &slots.len())
            .field("arena_bytes", arena_bytes)
            .field("parallel", parallel)
            .finish_non_exhaustive()
    }
}
