//! Which memory a view takes, and whether two views share some.
//!
//! The question is hard for strides in general. It is answered exactly for the views that people take of one array: blocks
//! of it, every so many rows or columns, real and imaginary parts. Where it cannot be settled, sharing is assumed.

use crate::buffer::{Axis, View};

/// The memory of a view: runs of bytes whose beginnings lie multiples of a step apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Footprint {
    /// Address of the first byte.
    first: usize,
    /// Address behind the last byte.
    end: usize,
    /// Bytes of a run.
    run: usize,
    /// What all distances between runs are multiples of; 0 if there is one run.
    step: usize,
}

impl Footprint {
    /// The memory of a view; `None` if it has no elements.
    pub(crate) fn of(view: &View<'_>) -> Option<Footprint> {
        let (first, end) = view.range()?;
        if first == end {
            return None;
        }
        let (mut run, mut step) = (view.element(), 0);
        for Axis { extent, stride } in by_stride(view) {
            match stride.unsigned_abs() {
                0 => {}
                stride if step == 0 && stride == run => run *= extent,
                stride => step = common_divisor(step, stride),
            }
        }
        Some(Footprint { first, end, run, step })
    }

    /// Whether they share a byte, or may.
    pub(crate) fn meets(&self, other: &Footprint) -> bool {
        if self.end <= other.first || other.end <= self.first {
            return false;
        }
        let step = common_divisor(self.step, other.step);
        if step == 0 {
            return true;
        }
        // From a run of this one to the next of the other one, as seen by somebody who only knows the common step.
        let distance = (other.first as i128 - self.first as i128).rem_euclid(step as i128) as usize;
        distance < self.run || step - distance < other.run
    }
}

/// Whether elements of one view share memory, or may.
pub(crate) fn meets_itself(view: &View<'_>) -> bool {
    let mut span = view.element() as u128;
    by_stride(view).into_iter().any(|Axis { extent, stride }| {
        let stride = stride.unsigned_abs() as u128;
        let is_within = stride < span;
        span += (extent as u128 - 1) * stride;
        is_within
    })
}

/// The axes from the smallest stride to the largest.
fn by_stride(view: &View<'_>) -> Vec<Axis> {
    let mut axes = view.axes.clone();
    axes.sort_by_key(|axis| axis.stride.unsigned_abs());
    axes
}

/// The greatest number that both are multiples of.
fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
