//! Boxes of loop indices, and which elements affine accesses reach from them.

use crate::kernel::Access;
use std::ops::Range;

/// A range of every loop index.
pub(super) type Box = Vec<Range<usize>>;

/// Boxes in which something is demanded. None contains another.
#[derive(Clone, Default, Debug)]
pub(super) struct Demand(Vec<Box>);

/// Demand in more boxes than this is widened to the smallest box around them.
const MAX_BOXES: usize = 256;

/// Steps a search for a common element may take before it is given up.
const MAX_STEPS: usize = 20_000;

impl Demand {
    /// The boxes.
    pub(super) fn boxes(&self) -> &[Box] {
        &self.0
    }

    /// Adds a box.
    pub(super) fn add(&mut self, ranges: Box) {
        let contains = |outer: &Box, inner: &Box| {
            outer.iter().zip(inner).all(|(outer, inner)| outer.start <= inner.start && inner.end <= outer.end)
        };
        if ranges.iter().any(Range::is_empty) || self.0.iter().any(|known| contains(known, &ranges)) {
            return;
        }
        self.0.retain(|known| !contains(&ranges, known));
        self.0.push(ranges);
        if self.0.len() > MAX_BOXES {
            self.widen();
        }
    }

    fn widen(&mut self) {
        let around = self
            .0
            .drain(..)
            .reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a.start.min(b.start)..a.end.max(b.end)).collect());
        self.0.extend(around);
    }

    /// Adds all boxes of another demand, cut to `low..high` on an axis.
    pub(super) fn add_within(&mut self, other: &Demand, axis: usize, low: usize, high: usize) {
        for ranges in &other.0 {
            let mut cut = ranges.clone();
            cut[axis] = cut[axis].start.max(low)..cut[axis].end.min(high);
            self.add(cut);
        }
    }
}

/// The least and the greatest position an access without dynamic summands reaches from a nonempty box.
pub(super) fn reach(access: &Access, ranges: &Box) -> (i128, i128) {
    let mut least = i128::from(access.offset);
    let mut greatest = least;
    for (&stride, range) in access.strides.iter().zip(ranges) {
        let ends = [range.start as i128 * i128::from(stride), (range.end as i128 - 1) * i128::from(stride)];
        least += ends[0].min(ends[1]);
        greatest += ends[0].max(ends[1]);
    }
    (least, greatest)
}

/// A bounded unknown and its factor in a sum.
#[derive(Clone, Copy, Debug)]
struct Term {
    factor: i128,
    low: i128,
    high: i128,
}

/// Whether two iterations of a box that differ on an axis of nonzero stride reach the same element. Undecided counts
/// as no.
pub(super) fn meets_itself(access: &Access, ranges: &Box) -> bool {
    let moving = access.strides.iter().zip(ranges).filter(|(stride, range)| **stride != 0 && range.len() > 1);
    // Differences of indices: one axis, taken as the first that differs, has a positive one.
    let differences: Vec<Term> = moving
        .map(|(&stride, range)| {
            let most = range.len() as i128 - 1;
            Term { factor: stride.into(), low: -most, high: most }
        })
        .collect();
    (0..differences.len()).any(|first| {
        let mut terms = differences[first..].to_vec();
        terms[0].low = 1;
        solvable(0, terms) == Some(true)
    })
}

/// Whether an access from one box and another access from another box reach a common element. Undecided counts as no.
pub(super) fn meet(a: &Access, from: &Box, b: &Access, other: &Box) -> bool {
    let terms_of = |access: &Access, ranges: &Box, sign: i128| -> Vec<Term> {
        let pairs = access.strides.iter().zip(ranges);
        pairs
            .filter(|(stride, _)| **stride != 0)
            .map(|(&stride, range)| Term {
                factor: sign * i128::from(stride),
                low: range.start as i128,
                high: range.end as i128 - 1,
            })
            .collect()
    };
    let mut terms = terms_of(a, from, 1);
    terms.extend(terms_of(b, other, -1));
    solvable(i128::from(b.offset) - i128::from(a.offset), terms) == Some(true)
}

/// Whether the terms can sum up to the target; `None` where that takes too long to find out.
fn solvable(target: i128, mut terms: Vec<Term>) -> Option<bool> {
    terms.sort_by_key(|term| std::cmp::Reverse(term.factor.abs()));
    let mut steps = MAX_STEPS;
    search(target, &terms, &mut steps)
}

/// Tries values of the first term that leave a target within reach of the rest. With strides of an array layout at most
/// a few do.
fn search(target: i128, terms: &[Term], steps: &mut usize) -> Option<bool> {
    let Some((first, rest)) = terms.split_first() else { return Some(target == 0) };
    let divisor = terms.iter().fold(0, |divisor, term| gcd(divisor, term.factor));
    if target % divisor != 0 {
        return Some(false);
    }
    let (mut least, mut greatest) = (0, 0);
    for term in rest {
        let ends = [term.factor * term.low, term.factor * term.high];
        least += ends[0].min(ends[1]);
        greatest += ends[0].max(ends[1]);
    }
    // factor * value must lie in target - greatest ..= target - least.
    let (low, high) = (target - greatest, target - least);
    let (low, high) = if first.factor > 0 { (low, high) } else { (-high, -low) };
    let factor = first.factor.abs();
    let lowest = first.low.max(-(-low).div_euclid(factor));
    let highest = first.high.min(high.div_euclid(factor));
    let mut value = lowest;
    while value <= highest {
        *steps = steps.checked_sub(1)?;
        if search(target - first.factor * value, rest, steps)? {
            return Some(true);
        }
        value += 1;
    }
    Some(false)
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
