//! Where the workers have to meet.
//!
//! Each worker runs the same steps on its own share. A step that reads memory another worker may have written since the
//! last meeting, or writes memory another may still be reading or writing, has to wait for a [`Step::Barrier`]. Memory,
//! not values, is what counts: temporary arrays share the arena, and loop state changes places.

use crate::compile::arena::Region;
use crate::compile::plan::{Place, Step};
use crate::run::library::{ItemArray, LibraryCall};
use cotangent_ir::kernel::Kernel;

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

struct State<'a> {
    kernels: &'a [Kernel],
    calls: &'a [LibraryCall],
    regions: &'a [Region],
    few: bool,
    /// Slots written, and read, since the last meeting.
    written: Vec<u32>,
    read: Vec<u32>,
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
                    let predicate_reads = slots([predicate]);
                    if self.conflicts(&predicate_reads, &[]) {
                        self.meet(&mut condition);
                    }
                    self.read.extend(predicate_reads);
                    let before = (self.written.clone(), self.read.clone());
                    let mut body = self.walk(body);
                    self.close(&mut body);
                    self.written.extend(before.0);
                    self.read.extend(before.1);
                    // The condition runs again after the body, with nothing outstanding but what the first run saw.
                    out.push(Step::While { condition, predicate, body });
                }
                Step::Repeat { count, body } => {
                    let before = (self.written.clone(), self.read.clone());
                    let mut body = self.walk(body);
                    self.close(&mut body);
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

    /// Ends the body of a loop: where the next iteration would have to wait for this one, they meet. What pointers have
    /// changed places does not matter, because a region covers all memory its array may come to point to.
    fn close(&mut self, body: &mut Vec<Step>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        self.collect(body, &mut reads, &mut writes);
        if self.conflicts(&reads, &writes) {
            self.meet(body);
        }
    }

    /// Everything that steps read and write, at any depth.
    fn collect(&self, steps: &[Step], reads: &mut Vec<u32>, writes: &mut Vec<u32>) {
        for step in steps {
            let (r, w) = self.accesses(step);
            reads.extend(r);
            writes.extend(w);
            match step {
                Step::While { condition, body, predicate } => {
                    reads.extend(slots([*predicate]));
                    self.collect(condition, reads, writes);
                    self.collect(body, reads, writes);
                }
                Step::Repeat { body, .. } => self.collect(body, reads, writes),
                Step::Switch { arms, .. } => arms.iter().for_each(|arm| self.collect(arm, reads, writes)),
                _ => {}
            }
        }
    }

    fn conflicts(&self, reads: &[u32], writes: &[u32]) -> bool {
        let hit = |slots: &[u32], others: &[u32]| {
            slots.iter().any(|&a| others.iter().any(|&b| self.regions[a as usize].overlaps(&self.regions[b as usize])))
        };
        !self.few || hit(reads, &self.written) || hit(writes, &self.written) || hit(writes, &self.read)
    }

    fn accesses(&self, step: &Step) -> (Vec<u32>, Vec<u32>) {
        accesses(step, self.kernels, self.calls)
    }
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
            LibraryCall::Items { operands, results, .. } => {
                let slots = |arrays: &[ItemArray]| arrays.iter().map(|array| array.slot).collect();
                (slots(operands), slots(results))
            }
            LibraryCall::Tap { index, row, stop, .. } => (slots([*index, *row]), vec![*stop]),
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
