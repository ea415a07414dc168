//! Which arrays are written past the cache.
//!
//! An ordinary store reads the line it writes to and keeps it, in the place of another. For a line that has left the cache
//! again when somebody reads it, both are in vain; stores past the cache move half the bytes. What a kernel writes so must be
//! known to be needed late: between a write and the next read the program touches more memory than the cache holds. How often a
//! piece of memory is touched does not count, only how much of it there is.
//!
//! This looks at the steps in the order in which they run, with two iterations of each loop: in the second one, the state
//! of the first is read. It decides on sizes and changes speed only; whether a kernel's code can write so, emission sees.

use crate::compile::barriers::accesses;
use crate::compile::plan::{Place, Slot, Step};
use crate::run::library::LibraryCall;
use cotangent_ir::Func;
use cotangent_ir::kernel::{Kernel, NodeKind, OutputKind};

/// Bytes that may still be in the cache after as many others have been touched. Last levels of 32 MiB are common for two to
/// eight cores; with a smaller one less is written past it than would pay, with a larger one an array of this size is
/// read from memory in vain.
const CACHE: usize = 32 << 20;

/// Arrays smaller than this are written as always: of what a whole cache's worth of steps moves, they are a small part.
const LARGE: usize = 1 << 20;

/// By kernel, the operands to write past the cache.
pub(crate) fn streams(
    steps: &[Step],
    kernels: &[Kernel],
    calls: &[LibraryCall],
    slots: &[Slot],
    func: &Func,
) -> Vec<Vec<u32>> {
    let results = func.result_types();
    let bytes = slots.iter().map(|slot| match *slot {
        Slot::Input(input) => func.param_types()[input].byte_len(),
        Slot::Output(output) => results[output].byte_len(),
        Slot::Arena { bytes, .. } => bytes,
    });
    let bytes: Vec<usize> = bytes.collect();
    let mut streams = vec![Vec::new(); kernels.len()];
    // Nothing can be far from anything.
    if bytes.iter().sum::<usize>() < CACHE {
        return streams;
    }
    let mut walk = Walk { kernels, calls, same: (0..slots.len() as u32).collect(), moments: Vec::new() };
    walk.steps(steps);
    let Walk { same, moments, .. } = walk;
    let mut seen = vec![false; kernels.len()];
    for (moment, Moment { kernel, .. }) in moments.iter().enumerate() {
        let Some((number, bind)) = *kernel else { continue };
        // The first iteration of a loop is followed by another one.
        if std::mem::replace(&mut seen[number], true) {
            continue;
        }
        let is_late = |operand: &u32| match bind[*operand as usize] {
            Place::Slot(slot) => {
                let large = bytes[slot as usize] >= LARGE;
                large
                    && is_written_only(&kernels[number], *operand)
                    && is_read_late(&moments[moment..], slot, &same, &bytes)
            }
            Place::Scalar(_) => false,
        };
        streams[number] = (0..bind.len() as u32).filter(is_late).collect();
    }
    streams
}

/// A step that touches memory.
struct Moment<'a> {
    kernel: Option<(usize, &'a [Place])>,
    reads: Vec<u32>,
    writes: Vec<u32>,
}

struct Walk<'a> {
    kernels: &'a [Kernel],
    calls: &'a [LibraryCall],
    /// For every slot, one that stands for all with which it changes places.
    same: Vec<u32>,
    moments: Vec<Moment<'a>>,
}

impl<'a> Walk<'a> {
    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::While { condition, body, .. } => {
                    for _ in 0..2 {
                        self.steps(condition);
                        self.steps(body);
                    }
                }
                Step::Repeat { body, .. } => (0..2).for_each(|_| self.steps(body)),
                Step::Switch { arms, .. } => arms.iter().for_each(|arm| self.steps(arm)),
                Step::Rotate { moves } => moves.iter().for_each(|&(to, from)| self.unite(to, from)),
                _ => self.moment(step),
            }
        }
    }

    fn moment(&mut self, step: &'a Step) {
        let (mut reads, writes) = accesses(step, self.kernels, self.calls);
        let mut kernel = None;
        if let Step::Kernel { kernel: number, bind, .. } = step {
            kernel = Some((*number, &bind[..]));
            // An array that is updated in place is among those written only.
            let loaded = self.kernels[*number].nodes.iter().filter_map(|node| match node.kind {
                NodeKind::Load { operand, .. } => Some(bind[operand as usize]),
                _ => None,
            });
            reads.extend(loaded.filter_map(|place| match place {
                Place::Slot(slot) => Some(slot),
                Place::Scalar(_) => None,
            }));
        }
        self.moments.push(Moment { kernel, reads, writes });
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.same[a as usize], self.same[b as usize]);
        self.same.iter_mut().filter(|other| **other == b).for_each(|other| *other = a);
    }
}

/// Whether a kernel stores the elements of an operand, neighbour after neighbour, and does nothing else with it.
fn is_written_only(kernel: &Kernel, operand: u32) -> bool {
    let loads = |kind: &NodeKind| matches!(kind, NodeKind::Load { operand: read, .. } if *read == operand);
    let Some(inner) = kernel.extents.iter().rposition(|&extent| extent > 1) else { return false };
    let mut outputs = kernel.outputs.iter().filter(|output| output.operand == operand).peekable();
    kernel.operands[operand as usize].dtype.size() >= 4
        && outputs.peek().is_some()
        && outputs.all(|output| {
            let steady = output.access.dynamic.is_empty() && output.access.strides[inner] == 1;
            output.kind == OutputKind::Store && steady
        })
        && !kernel.nodes.iter().any(|node| loads(&node.kind))
}

/// Whether so much else is touched from the first moment, which writes a slot, to the one that reads it, or to the end.
fn is_read_late(moments: &[Moment<'_>], slot: u32, same: &[u32], bytes: &[usize]) -> bool {
    let mut touched = vec![false; bytes.len()];
    let reads = |moment: &Moment<'_>| moment.reads.iter().any(|&read| same[read as usize] == same[slot as usize]);
    for (number, moment) in moments.iter().enumerate() {
        if number > 0 && reads(moment) {
            break;
        }
        moment.reads.iter().chain(&moment.writes).for_each(|&slot| touched[slot as usize] = true);
    }
    touched.iter().zip(bytes).filter(|(touched, _)| **touched).map(|(_, bytes)| bytes).sum::<usize>() >= CACHE
}
