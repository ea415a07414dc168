//! Places temporary arrays in one block of memory: arrays in use at the same time do not overlap.

use crate::compile::planner::SlotUse;
use crate::run::program::Slot;
use cotangent_ir::ALIGNMENT;

/// A load that agrees with a recent store in this many bytes' worth of address waits for it, and lines that agree so
/// compete for the same places of the cache.
const PAGE: usize = 4096;
/// Large arrays begin at different distances from a page's start, so that a loop which walks through several of them does
/// not meet the same place in all.
const SKEW: usize = 9 * ALIGNMENT;

/// The memory an array may point to: its own and that of every array it changes places with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Region {
    /// Byte ranges of the arena.
    Arena(Vec<(usize, usize)>),
    /// An argument of the call.
    Input(usize),
    /// A result of the call.
    Output(usize),
}

impl Region {
    pub(crate) fn overlaps(&self, other: &Region) -> bool {
        match (self, other) {
            (Region::Arena(a), Region::Arena(b)) => {
                a.iter().any(|&(start, end)| b.iter().any(|&(from, to)| start < to && from < end))
            }
            (a, b) => a == b,
        }
    }
}

/// Bytes of small arrays that get memory of their own.
const ALONE: usize = 64 * 1024;

/// Chooses offsets, largest arrays first, each at the lowest place free for its whole time of use. Returns the pointer
/// table, the memory behind each entry, and the size of the arena. Without `reuse` no two arrays have memory in common.
pub(crate) fn pack(uses: Vec<SlotUse>, reuse: bool) -> (Vec<Slot>, Vec<Region>, usize) {
    let mut order: Vec<usize> = (0..uses.len()).filter(|&i| matches!(uses[i].slot, Slot::Arena { .. })).collect();
    let bytes = |i: usize| match uses[i].slot {
        Slot::Arena { bytes, .. } if bytes >= PAGE => bytes.next_multiple_of(PAGE) + SKEW,
        Slot::Arena { bytes, .. } => bytes.next_multiple_of(ALIGNMENT),
        _ => 0,
    };
    order.sort_by_key(|&i| (std::cmp::Reverse(bytes(i)), uses[i].first, i));
    let mut offsets = vec![0usize; uses.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut alone = vec![!reuse; uses.len()];
    if reuse {
        set_alone(&mut alone, &order, bytes);
    }
    let mut total = 0;
    for &i in &order {
        let mut busy: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&j| alone[i] || alone[j] || uses[i].first <= uses[j].last && uses[j].first <= uses[i].last)
            .map(|&j| (offsets[j], offsets[j] + bytes(j)))
            .collect();
        busy.sort_unstable();
        let mut offset = 0;
        for (start, end) in busy {
            if offset + bytes(i) <= start {
                break;
            }
            offset = offset.max(end);
        }
        offsets[i] = offset;
        total = total.max(offset + bytes(i));
        placed.push(i);
    }
    let slots: Vec<Slot> = uses
        .iter()
        .enumerate()
        .map(|(i, slot)| match slot.slot {
            Slot::Arena { bytes, .. } => Slot::Arena { offset: offsets[i], bytes },
            other => other,
        })
        .collect();
    let regions = uses
        .iter()
        .map(|slot| match slot.slot {
            Slot::Input(i) => Region::Input(i),
            Slot::Output(i) => Region::Output(i),
            Slot::Arena { .. } => Region::Arena(
                slot.partners.iter().map(|&p| p as usize).map(|p| (offsets[p], offsets[p] + bytes(p))).collect(),
            ),
        })
        .collect();
    (slots, regions, total)
}

/// Small arrays that share their memory with no other: the partial sums of two kernels in the same place would make the
/// workers meet once more between them.
fn set_alone(alone: &mut [bool], order: &[usize], bytes: impl Fn(usize) -> usize) {
    let mut left = ALONE;
    for &i in order {
        if bytes(i) < PAGE && bytes(i) <= left {
            left -= bytes(i);
            alone[i] = true;
        }
    }
}
