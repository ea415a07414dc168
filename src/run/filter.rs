//! Filters: the transform along an axis, a product with a transfer function, and the inverse transform.
//!
//! Each line is transformed, multiplied and transformed back while it is in the nearest caches, so that the array passes
//! through the others once. Lines are taken in blocks of neighbours as by [`fft`](crate::run::fft), each by itself.

use crate::run::fft::{FftPlans, MOST_LINES, UNIT, gather, padded, scatter};
use crate::run::library::{Factor, LibraryCall};
use crate::run::session::Worker;
use cotangent_ir::ALIGNMENT;
use cotangent_ir::error::internal;
use num_complex::Complex;
use rustfft::{Fft, FftNum};
use std::slice::from_raw_parts_mut;
use std::sync::Arc;

/// A block is at most so many bytes, half of the second-level cache: of a block of few lines, less than a line of the cache
/// would be used of each row of the transfer function.
const BLOCK_BYTES: usize = 512 * 1024;

/// A prepared [`LibraryCall::Filter`].
pub(super) struct Filter<T> {
    forward: Arc<dyn Fft<T>>,
    inverse: Arc<dyn Fft<T>>,
    outer: usize,
    length: usize,
    inner: usize,
    scale: T,
    from: u32,
    to: u32,
    re: Factor,
    im: Option<Factor>,
    /// Most lines of a block.
    lines: usize,
    /// Elements from one line of a block to the next.
    stride: usize,
    /// Elements of scratch that the plans ask for.
    plan_len: usize,
}

impl<T: FftNum> Filter<T> {
    /// Plans the transforms.
    pub(super) fn new(call: &LibraryCall, plans: &mut FftPlans<T>) -> Filter<T> {
        let LibraryCall::Filter { precision: _, outer, length, inner, scale, from, to, re, im } = *call else {
            internal("a filter made of another call");
        };
        let (forward, inverse) = plans.both_ways(length);
        let scale = T::from_f64(scale).unwrap_or_else(|| internal("a scale that is no number"));
        let plan_len = forward.get_outofplace_scratch_len().max(inverse.get_outofplace_scratch_len());
        let stride = padded(length, size_of::<Complex<T>>());
        let line_bytes = 2 * stride * size_of::<Complex<T>>();
        let lines = match inner {
            1 => 1,
            _ => (BLOCK_BYTES / (line_bytes * UNIT) * UNIT).clamp(UNIT, MOST_LINES),
        };
        Filter { forward, inverse, outer, length, inner, scale, from, to, re, im, lines, stride, plan_len }
    }

    /// Scratch that each worker needs: lines as they are, lines transformed, and what the plans ask for.
    pub(super) fn scratch_bytes(&self) -> usize {
        let lines = (self.lines * self.stride * size_of::<Complex<T>>()).next_multiple_of(ALIGNMENT);
        2 * lines + self.plan_len * size_of::<Complex<T>>()
    }

    /// Filters a worker's share of the lines.
    ///
    /// # Safety
    ///
    /// The slots hold arrays of these sizes; the result overlaps no other.
    pub(super) unsafe fn run(&self, worker: &Worker) {
        let Filter { outer, length, inner, stride, scale, plan_len, .. } = *self;
        let size = self.lines * stride;
        let lines_bytes = (size * size_of::<Complex<T>>()).next_multiple_of(ALIGNMENT);
        // SAFETY: the slots are these arrays; the scratch is laid out like this and belongs to this worker.
        let (from, to, plain, transformed, scratch) = unsafe {
            (
                worker.slot(self.from).cast::<Complex<T>>().cast_const(),
                worker.slot(self.to).cast::<Complex<T>>(),
                from_raw_parts_mut(worker.scratch.cast::<Complex<T>>(), size),
                from_raw_parts_mut(worker.scratch.add(lines_bytes).cast::<Complex<T>>(), size),
                from_raw_parts_mut(worker.scratch.add(2 * lines_bytes).cast::<Complex<T>>(), plan_len),
            )
        };
        let units = inner.div_ceil(UNIT);
        let share = worker.share(outer * units);
        let mut unit = share.start;
        while unit < share.end {
            let (block, first) = (unit / units, unit % units * UNIT);
            let count = (self.lines / UNIT).max(1).min(units - unit % units).min(share.end - unit);
            let lines = (count * UNIT).min(inner - first);
            let at = block * length * inner + first;
            // SAFETY: the lines `first..first + lines` of one block of each array; these of `to` are this worker's.
            unsafe {
                gather(from.add(at), inner, plain, stride, length, lines, scale);
                for line in 0..lines {
                    let (plain, transformed) =
                        (&mut plain[line * stride..][..length], &mut transformed[line * stride..][..length]);
                    self.forward.process_outofplace_with_scratch(plain, transformed, scratch);
                }
                self.multiply(worker, at, lines, transformed);
                for line in 0..lines {
                    let (plain, transformed) =
                        (&mut plain[line * stride..][..length], &mut transformed[line * stride..][..length]);
                    self.inverse.process_outofplace_with_scratch(transformed, plain, scratch);
                }
                scatter(plain, stride, to.add(at), inner, length, lines);
            }
            unit += count;
        }
    }

    /// Multiplies transformed lines, the first of which begins at element `at` of the array, by the transfer function.
    ///
    /// # Safety
    ///
    /// As for [`Filter::run`].
    unsafe fn multiply(&self, worker: &Worker, at: usize, lines: usize, transformed: &mut [Complex<T>]) {
        let element = |factor: Factor, position: usize| {
            // SAFETY: the factor's array has an element for every one of the filtered array.
            unsafe { *worker.slot(factor.slot).cast::<T>().add(factor.offset + factor.stride * position) }
        };
        for position in 0..self.length {
            let row = at + position * self.inner;
            for line in 0..lines {
                let im = self.im.map_or(T::zero(), |im| element(im, row + line));
                let place = &mut transformed[line * self.stride + position];
                *place = *place * Complex::new(element(self.re, row + line), im);
            }
        }
    }
}
