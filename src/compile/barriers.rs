//! Where the workers have to meet.
//!
//! Each worker runs the same steps on its own share. A step that reads memory another worker may have written since the
//! last meeting, or writes memory another may still be reading or writing, has to wait for a [`Step::Barrier`]. Memory,
//! not values, is what counts: temporary arrays share the arena, and loop state changes places.
//!
//! What only the first worker touches (small arrays, rows of a table, what library routines do not share) makes nobody wait:
//! it does its steps in order. The same holds for arrays of which the pieces of kernels touch the same part each.

use crate::compile::arena::Region;
use crate::compile::pieces::{Parts, parts};
use crate::compile::plan::{Place, Step};
use crate::run::entry_points::SHARED_COPY;
use crate::run::library::{ItemArray, LibraryCall};
use cotangent_ir::kernel::{Kernel, NodeKind};

/// Inserts barriers into the steps of a plan: as few as possible, or one before every step.
pub(crate) fn insert(
    steps: Vec<Step>,
    kernels: &[Kernel],
    calls: &[LibraryCall],
    regions: &[Region],
    few: bool,
) -> Vec<Step> {
    let mut state = State { kernels, calls, regions, few, written: Vec::new(), read: Vec::new() };
    state.walk(steps)
}

/// Who touches an array.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Who {
    /// Worker 0.
    First,
    /// Each worker the parts of its pieces.
    Own(Parts),
    /// Perhaps every worker all of it.
    All,
}

/// A slot that a step reads or writes.
type Touch = (u32, Who);

struct State<'a> {
    kernels: &'a [Kernel],
    calls: &'a [LibraryCall],
    regions: &'a [Region],
    few: bool,
    /// Slots written, and read, since the last meeting.
    written: Vec<Touch>,
    read: Vec<Touch>,
}

impl State<'_> {
    fn walk(&mut self, steps: Vec<Step>) -> Vec<Step> {
        let mut out = Vec::with_capacity(steps.len());
        for step in steps {
            let (reads, writes) = self.accesses(&step);
            if self.conflicts(&reads, &writes) {
                self.meet(&mut out);
            }
            self.read.extend(reads);
            self.written.extend(writes);
            if matches!(step, Step::While { .. } | Step::Repeat { .. }) {
                self.open(&step, &mut out);
            }
            match step {
                Step::While { condition, predicate, body } => {
                    let condition = self.walk(condition);
                    // The predicate is read by every worker right after the condition.
                    let mut condition = condition;
                    let predicate_reads = by(Who::All, slots([predicate]));
                    if self.conflicts(&predicate_reads, &[]) {
                        self.meet(&mut condition);
                    }
                    self.read.extend(predicate_reads);
                    let before = (self.written.clone(), self.read.clone());
                    let mut body = self.walk(body);
                    self.close(&condition, Some(predicate), &mut body);
                    self.written.extend(before.0);
                    self.read.extend(before.1);
                    // The condition runs again after the body, with nothing outstanding but what the first run saw.
                    out.push(Step::While { condition, predicate, body });
                }
                Step::Repeat { count, body } => {
                    let before = (self.written.clone(), self.read.clone());
                    let mut body = self.walk(body);
                    self.close(&[], None, &mut body);
                    self.written.extend(before.0);
                    self.read.extend(before.1);
                    out.push(Step::Repeat { count, body });
                }
                Step::Switch { index, arms } => {
                    let before = (self.written.clone(), self.read.clone());
                    let mut after = before.clone();
                    let mut walked = Vec::new();
                    for arm in arms {
                        (self.written, self.read) = before.clone();
                        walked.push(self.walk(arm));
                        after.0.append(&mut self.written);
                        after.1.append(&mut self.read);
                    }
                    (self.written, self.read) = after;
                    out.push(Step::Switch { index, arms: walked });
                }
                other => out.push(other),
            }
            self.written.sort_unstable();
            self.written.dedup();
            self.read.sort_unstable();
            self.read.dedup();
        }
        out
    }

    fn meet(&mut self, out: &mut Vec<Step>) {
        out.push(Step::Barrier);
        self.written.clear();
        self.read.clear();
    }

    /// Before a loop: what its steps would have to wait for is waited for once, not in every iteration.
    fn open(&mut self, step: &Step, out: &mut Vec<Step>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        self.collect(std::slice::from_ref(step), &mut reads, &mut writes);
        if self.conflicts(&reads, &writes) {
            self.meet(out);
        }
    }

    /// Ends the body of a loop: where the next iteration would have to wait for this one before it meets anyway, they meet.
    /// What pointers have changed places does not matter, because a region covers all memory its array may come to point to.
    fn close(&mut self, condition: &[Step], predicate: Option<Place>, body: &mut Vec<Step>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        let is_met = |step: &Step| matches!(step, Step::Barrier);
        let begins = |steps: &[Step]| steps.iter().position(is_met).unwrap_or(steps.len());
        self.collect(&condition[..begins(condition)], &mut reads, &mut writes);
        if !condition.iter().any(is_met) {
            reads.extend(by(Who::All, slots(predicate)));
            self.collect(&body[..begins(body)], &mut reads, &mut writes);
        }
        if self.conflicts(&reads, &writes) {
            self.meet(body);
        }
    }

    /// Everything that steps read and write, at any depth.
    fn collect(&self, steps: &[Step], reads: &mut Vec<Touch>, writes: &mut Vec<Touch>) {
        for step in steps {
            let (r, w) = self.accesses(step);
            reads.extend(r);
            writes.extend(w);
            match step {
                Step::While { condition, body, predicate } => {
                    reads.extend(by(Who::All, slots([*predicate])));
                    self.collect(condition, reads, writes);
                    self.collect(body, reads, writes);
                }
                Step::Repeat { body, .. } => self.collect(body, reads, writes),
                Step::Switch { arms, .. } => arms.iter().for_each(|arm| self.collect(arm, reads, writes)),
                _ => {}
            }
        }
    }

    fn conflicts(&self, reads: &[Touch], writes: &[Touch]) -> bool {
        let meets = |&(a, by_a): &Touch, &(b, by_b): &Touch| {
            let (at, other) = (&self.regions[a as usize], &self.regions[b as usize]);
            // Arrays that change places are the same one or have no byte in common.
            let apart = by_a == by_b && (by_a == Who::First || matches!(by_a, Who::Own(_)) && at == other);
            !apart && at.overlaps(other)
        };
        let hit = |slots: &[Touch], others: &[Touch]| slots.iter().any(|a| others.iter().any(|b| meets(a, b)));
        !self.few || hit(reads, &self.written) || hit(writes, &self.written) || hit(writes, &self.read)
    }

    fn accesses(&self, step: &Step) -> (Vec<Touch>, Vec<Touch>) {
        let (reads, writes) = accesses(step, self.kernels, self.calls);
        if let Step::Kernel { kernel, bind, chunks: chunks @ 2.. } = step {
            let own = |slot: u32| {
                let operand = bind.iter().position(|&place| place == Place::Slot(slot));
                let parts = operand.and_then(|operand| parts(&self.kernels[*kernel], *chunks, operand));
                (slot, parts.map_or(Who::All, Who::Own))
            };
            return (reads.into_iter().map(own).collect(), writes.into_iter().map(own).collect());
        }
        let (reader, writer) = self.who(step);
        (by(reader, reads), by(writer, writes))
    }

    /// Who reads, and who writes, the slots of a step.
    fn who(&self, step: &Step) -> (Who, Who) {
        match step {
            Step::Kernel { chunks: 1, .. } => (Who::First, Who::First),
            Step::Scalar { kernel, .. } if reads_what_it_writes(&self.kernels[*kernel]) => (Who::All, Who::All),
            Step::Scalar { .. } | Step::Assign { .. } => (Who::All, Who::First),
            Step::Copy { bytes, .. } if *bytes < SHARED_COPY => (Who::First, Who::First),
            Step::Library { call } => match &self.calls[*call] {
                LibraryCall::Host { .. } => (Who::First, Who::First),
                _ => (Who::All, Who::All),
            },
            _ => (Who::All, Who::All),
        }
    }
}

fn reads_what_it_writes(kernel: &Kernel) -> bool {
    kernel.nodes.iter().any(|node| match node.kind {
        NodeKind::Load { operand, .. } => kernel.operands[operand as usize].written,
        _ => false,
    })
}

fn by(who: Who, slots: Vec<u32>) -> Vec<Touch> {
    slots.into_iter().map(|slot| (slot, who)).collect()
}

/// Slots that a step itself reads and writes; what is inside loops and branches is looked at there. An array updated in
/// place is among those written only.
pub(crate) fn accesses(step: &Step, kernels: &[Kernel], calls: &[LibraryCall]) -> (Vec<u32>, Vec<u32>) {
    match step {
        Step::Kernel { kernel, bind, .. } | Step::Scalar { kernel, bind } => {
            let operands = &kernels[*kernel].operands;
            let of = |written: bool| {
                slots(bind.iter().zip(operands).filter(|(_, o)| o.written == written).map(|(&place, _)| place))
            };
            (of(false), of(true))
        }
        Step::Combine { partials, .. } => (vec![*partials], Vec::new()),
        Step::Library { call } => match &calls[*call] {
            LibraryCall::Gemm { a, b, c, .. } => (vec![a.slot, b.slot], vec![c.slot]),
            LibraryCall::Fft { from, to, .. } => (vec![*from], vec![*to]),
            LibraryCall::Filter { from, to, re, im, .. } => {
                ([*from, re.slot].into_iter().chain(im.map(|im| im.slot)).collect(), vec![*to])
            }
            LibraryCall::Items { operands, results, shared, .. } => {
                let slots = |arrays: &[ItemArray]| arrays.iter().map(|array| array.slot).collect::<Vec<_>>();
                (slots(operands), slots(results).into_iter().chain(*shared).collect())
            }
            LibraryCall::Tap { index, row, stop, .. } => (slots([*index, *row]), slots([*stop])),
            LibraryCall::Host { operands, results, failed, .. } => {
                let written = results.iter().map(|array| array.slot).chain([*failed]).collect();
                (slots(operands.iter().map(|(place, _)| *place)), written)
            }
        },
        Step::End { when } => (vec![*when], Vec::new()),
        Step::Copy { to, from, .. } => (vec![*from], vec![*to]),
        Step::Assign { moves } => (slots(moves.iter().map(|m| m.1)), slots(moves.iter().map(|m| m.0))),
        Step::Switch { index, .. } => (slots([*index]), Vec::new()),
        Step::Rotate { .. } | Step::Barrier | Step::While { .. } | Step::Repeat { .. } => (Vec::new(), Vec::new()),
    }
}

fn slots(places: impl IntoIterator<Item = Place>) -> Vec<u32> {
    places
        .into_iter()
        .filter_map(|place| match place {
            Place::Slot(slot) => Some(slot),
            Place::Scalar(_) => None,
        })
        .collect()
}
