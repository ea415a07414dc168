//! Routines that treat the items of a batch one by one: sorts, decompositions, whatever looks at a whole item at once.
//!
//! The workers share the items. A routine sees one item, its operands and results as slices of numbers, and is ordinary
//! safe code; one file holds a family of them. Routines for items so large that each is worth all workers are those of
//! teams (`team.rs`). A primitive without a routine of its own is computed as its record says.

mod cholesky;
mod conv;
mod cumulative;
mod eigh;
mod lu;
mod matrix;
mod qr;
mod scatter;
mod sort;
mod svd;
mod team;
#[cfg(test)]
mod tests;
mod triangular;

use crate::run::library::{ItemArray, LibraryCall};
use crate::run::session::{Session, Worker};
use cotangent_ir::error::internal;
use cotangent_ir::prim::{self, Eval, Prim};
use cotangent_ir::{ALIGNMENT, Attrs, Bytes, Element, Tensor, Type};
use smallvec::SmallVec;
use team::{Target, Team, TeamRoutine, whole_lines};

/// One operand of one item.
pub(super) struct Operand<'a> {
    /// Its type, without the batch.
    pub(super) ty: &'a Type,
    bytes: &'a [u8],
}

/// One result of one item, zero at first.
pub(super) struct Output<'a> {
    /// Its type, without the batch.
    pub(super) ty: &'a Type,
    bytes: &'a mut [u8],
}

/// Computes the results of one item.
pub(super) type ItemRoutine = fn(&Attrs, &[Operand<'_>], &mut [Output<'_>]);

/// The routine by which workers do large items of a primitive together, if it has one.
fn team_routine(primitive: &str) -> Option<&'static TeamRoutine> {
    Some(match primitive {
        "conv" => &conv::CONV,
        "cumlogsumexp" => &cumulative::LOGSUMEXPS,
        "cummax" => &cumulative::MAXIMA,
        "cummin" => &cumulative::MINIMA,
        "cumprod" => &cumulative::PRODUCTS,
        "cumsum" => &cumulative::SUMS,
        "sort" => &sort::SORT,
        _ => return None,
    })
}

/// The bytes that workers share while they do an item of a primitive together; `None` if they do not.
pub(super) fn shared_bytes(primitive: &str, attrs: &Attrs, operands: &[Type]) -> Option<usize> {
    let routine = team_routine(primitive)?;
    (routine.large)(attrs, operands).then(|| (routine.scratch)(attrs, operands))
}

/// The routine of a primitive for one worker, if it has one.
fn native(primitive: &str) -> Option<ItemRoutine> {
    Some(match primitive {
        "scatter" => scatter::scatter,
        "cholesky" => cholesky::cholesky,
        "triangular_solve" => triangular::triangular_solve,
        "lu" => lu::lu,
        "qr" => qr::qr,
        "eigh" => eigh::eigh,
        "svd" => svd::svd,
        _ => return None,
    })
}

/// A prepared [`LibraryCall::Items`].
pub(super) struct Items {
    prim: &'static Prim,
    kind: Kind,
    attrs: Attrs,
    batch: usize,
    operands: Vec<ItemArray>,
    results: Vec<ItemArray>,
    /// What workers share while they do items together.
    shared: Option<u32>,
    scratch_bytes: usize,
}

/// How items are done.
enum Kind {
    /// By a team, or by a team of one: so many bytes of its scratch are the team's.
    Team(&'static TeamRoutine, usize),
    /// By one worker.
    Alone(ItemRoutine),
    /// As the record of the primitive says.
    Record,
}

impl Items {
    /// Makes a call ready.
    pub(super) fn new(call: &LibraryCall) -> Items {
        let LibraryCall::Items { primitive, attrs, batch, operands, results, shared } = call else {
            internal("a routine for items made of another call");
        };
        let Some(prim) = prim::by_name(primitive) else {
            internal(&format!("a call of `{primitive}`, which is unknown"))
        };
        let types: Vec<Type> = operands.iter().map(|operand| operand.ty.clone()).collect();
        let (kind, scratch_bytes) = match (team_routine(primitive), native(primitive)) {
            (Some(routine), _) => {
                // Those who share nothing have it all in their own scratch.
                let team = if shared.is_some() { 0 } else { (routine.scratch)(attrs, &types) };
                (Kind::Team(routine, team), whole_lines(team) + (routine.own)(attrs, &types))
            }
            (None, Some(routine)) => (Kind::Alone(routine), 0),
            (None, None) => (Kind::Record, 0),
        };
        let (operands, results) = (operands.clone(), results.clone());
        Items { prim, kind, attrs: attrs.clone(), batch: *batch, operands, results, shared: *shared, scratch_bytes }
    }

    /// Scratch that each worker needs.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    /// Computes a worker's share of the items, or of each item.
    ///
    /// # Safety
    ///
    /// Called by every worker of the session. The slots hold `batch` items of these types one after the other, results
    /// apart from each other and from operands, and what workers share is theirs.
    pub(super) unsafe fn run<'a>(&self, session: &'a Session<'a>, worker: &Worker) {
        let items = if self.shared.is_some() { 0..self.batch } else { worker.share(self.batch) };
        for item in items {
            let operands: SmallVec<[Operand<'_>; 4]> = self
                .operands
                .iter()
                .map(|ItemArray { slot, ty }| {
                    let bytes = ty.byte_len();
                    // SAFETY: the caller vouches for the memory; nobody writes operands during the call.
                    let bytes =
                        unsafe { std::slice::from_raw_parts(worker.slot(*slot).wrapping_add(item * bytes), bytes) };
                    Operand { ty, bytes }
                })
                .collect();
            // SAFETY: an entry of the table.
            let start = |array: &ItemArray| unsafe { worker.slot(array.slot) }.wrapping_add(item * array.ty.byte_len());
            if let Kind::Team(routine, team_bytes) = self.kind {
                // SAFETY: the caller vouches for the memory: the results are this team's.
                let targets: SmallVec<[Target<'_>; 4]> =
                    self.results.iter().map(|array| unsafe { Target::new(&array.ty, start(array)) }).collect();
                let team = match self.shared {
                    // SAFETY: an entry of the table.
                    Some(slot) => Team::of_all(session, worker, unsafe { worker.slot(slot) }),
                    None => Team::of_one(session, worker, team_bytes),
                };
                (routine.run)(&team, &self.attrs, &operands, &targets);
                continue;
            }
            let mut outputs: SmallVec<[Output<'_>; 4]> = self
                .results
                .iter()
                .map(|array| {
                    let (start, bytes) = (start(array), array.ty.byte_len());
                    // SAFETY: the caller vouches for the memory, and no other worker has this item. It is written before
                    // it is borrowed, because nobody may have written it yet.
                    let bytes = unsafe {
                        start.write_bytes(0, bytes);
                        std::slice::from_raw_parts_mut(start, bytes)
                    };
                    Output { ty: &array.ty, bytes }
                })
                .collect();
            match self.kind {
                Kind::Alone(routine) => routine(&self.attrs, &operands, &mut outputs),
                _ => self.by_record(&operands, &mut outputs),
            }
        }
    }

    /// Computes one item by the meaning of the primitive.
    fn by_record(&self, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
        let Eval::Tensors(eval) = self.prim.eval else {
            internal(&format!("`{}` has no meaning on tensors", self.prim.name));
        };
        let tensors: Vec<Tensor> = operands
            .iter()
            .map(|operand| Tensor::from_bytes(operand.ty.clone(), Bytes::from_slice(ALIGNMENT, operand.bytes)))
            .collect();
        let types: Vec<Type> = outputs.iter().map(|output| output.ty.clone()).collect();
        let results = eval(&tensors.iter().collect::<Vec<_>>(), &self.attrs, &types);
        for (output, result) in outputs.iter_mut().zip(results) {
            output.bytes.copy_from_slice(result.bytes());
        }
    }
}

impl<'a> Operand<'a> {
    /// The elements as they lie in memory.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements in row-major order. `T` is the type of the dtype.
    pub(super) fn elements<T: Element>(&self) -> &'a [T] {
        bytemuck::cast_slice(self.bytes)
    }
}

impl Output<'_> {
    /// The elements as they lie in memory.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// The elements in row-major order. `T` is the type of the dtype.
    pub(super) fn elements<T: Element>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(self.bytes)
    }
}
