//! The plan: what a program does, step by step, with every buffer placed.
//!
//! A plan is what planning hands to emission and what `show --stage plan` prints. Every worker walks the same steps. A
//! worker has a *pointer table* of its own, one pointer per [`Slot`], and a small *scalar area* of its own: values
//! without axes are computed by every worker for itself, so that steering a loop needs no communication.
//!
//! Holds after planning: operands of a kernel are bound to places of the right dtype and length; a step that reads what
//! another worker wrote is separated from the write by a [`Step::Barrier`]; arena ranges that are live together do not
//! overlap; every output slot is written unless the program ends early.

use crate::run::library::LibraryCall;
pub use crate::run::program::{Place, Slot};
use cotangent_ir::kernel::{Kernel, ReduceOp};
use cotangent_ir::{DType, Type};

/// A planned program.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For people; has no meaning.
    pub name: String,
    /// Types of the arguments.
    pub inputs: Vec<Type>,
    /// Types of the results.
    pub outputs: Vec<Type>,
    /// The pointer table at the start of a call.
    pub slots: Vec<Slot>,
    /// Bytes of each worker's scalar area.
    pub scalar_bytes: usize,
    /// Bytes of the arena shared by the workers.
    pub arena_bytes: usize,
    /// The loop nests that steps refer to.
    pub kernels: Vec<Kernel>,
    /// By kernel, the operands that it writes past the cache, if its code can. A kernel that is not listed writes none so.
    pub streams: Vec<Vec<u32>>,
    /// By kernel, how many rows of a matrix it adds up at a time, if its code can; 0 if it does not go along rows. A kernel that
    /// is not listed does not.
    pub rows: Vec<usize>,
    /// The library calls that steps refer to.
    pub calls: Vec<LibraryCall>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Whether the work is worth more than one worker. A plan that is not has no barriers to meet.
    pub parallel: bool,
}

/// One step of a plan. Every worker executes it.
#[derive(Clone, Debug)]
pub enum Step {
    /// A loop nest. The outermost of its loops, as emission nests them, is cut into `chunks` pieces of `ceil(extent / chunks)` iterations, rounded up to a
    /// cache line where that loop is the vectorised one (the last pieces may be shorter or empty), and each worker takes a contiguous share of the chunks: worker `w` of `n` takes chunks
    /// `chunks * w / n .. chunks * (w + 1) / n`. A reduction over all axes writes the partial result of chunk `c` at
    /// element `offset + c` of its operand; other reductions never reduce the loop that is cut. With one chunk, worker 0
    /// does it all.
    Kernel {
        /// Position in `Plan::kernels`.
        kernel: usize,
        /// A place for each operand of the kernel.
        bind: Vec<Place>,
        /// Number of pieces; a function of sizes only, so that results do not depend on the number of workers.
        chunks: usize,
    },
    /// A kernel without loops, executed by every worker for itself. Outputs bound to `Place::Slot` are stored by worker 0
    /// only.
    Scalar {
        /// Position in `Plan::kernels`.
        kernel: usize,
        /// A place for each operand of the kernel.
        bind: Vec<Place>,
    },
    /// Combines partial results, in order of chunks, into a scalar. Every worker does it for itself.
    Combine {
        /// How.
        op: ReduceOp,
        /// Of what.
        dtype: DType,
        /// Slot of the partial results.
        partials: u32,
        /// How many there are.
        count: usize,
        /// Byte offset in the scalar area.
        into: u32,
    },
    /// A library routine; the workers share the work as the routine sees fit.
    Library {
        /// Position in `Plan::calls`.
        call: usize,
    },
    /// Copies bytes; the workers share the range.
    Copy {
        /// Destination slot.
        to: u32,
        /// Source slot.
        from: u32,
        /// Number of bytes.
        bytes: usize,
    },
    /// Simultaneous assignment of scalars: all sources are read first. A destination `Place::Slot` is stored by worker 0
    /// only.
    Assign {
        /// Destination, source, lane dtype, number of lanes (2 for a complex scalar).
        moves: Vec<(Place, Place, DType, usize)>,
    },
    /// Simultaneous permutation of pointer table entries: entry `to` gets what entry `from` was.
    Rotate {
        /// Pairs (to, from).
        moves: Vec<(u32, u32)>,
    },
    /// All workers meet. Absent effect with one worker.
    Barrier,
    /// Ends the program where a call of the host has failed. Outputs are then unspecified.
    End {
        /// Slot of a byte: 0 goes on.
        when: u32,
    },
    /// `condition`, then, while the bool at `predicate` is true, `body` and `condition` again.
    While {
        /// Steps that compute the predicate.
        condition: Vec<Step>,
        /// A byte: 0 ends the loop.
        predicate: Place,
        /// Steps of one iteration.
        body: Vec<Step>,
    },
    /// `body`, `count` times; the counter stays in a register.
    Repeat {
        /// Number of iterations.
        count: u64,
        /// Steps of one iteration.
        body: Vec<Step>,
    },
    /// One of several arms, by an i32 clamped into their range.
    Switch {
        /// The index.
        index: Place,
        /// Steps of each arm.
        arms: Vec<Vec<Step>>,
    },
}
