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

/// Lines are multiplied by the transfer function so many elements at a time.
const TILE: usize = 8;

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
        // SAFETY: the slots of the factors are arrays of their elements.
        let part = |factor: Factor| unsafe { worker.slot(factor.slot).cast::<T>().cast_const() };
        let (re, from_re) = (self.re, part(self.re));
        // SAFETY: the factors' arrays have an element for every one of the filtered array.
        unsafe {
            match self.im {
                None => self.multiply_by(at, lines, transformed, |element| {
                    Complex::new(*from_re.add(re.offset + re.stride * element), T::zero())
                }),
                Some(im) if (im.slot, im.offset, im.stride, re.stride) == (re.slot, re.offset + 1, 2, 2) => {
                    let from = from_re.add(re.offset).cast::<Complex<T>>();
                    self.multiply_by(at, lines, transformed, |element| *from.add(element));
                }
                Some(im) => {
                    let from_im = part(im);
                    self.multiply_by(at, lines, transformed, |element| {
                        let re = *from_re.add(re.offset + re.stride * element);
                        Complex::new(re, *from_im.add(im.offset + im.stride * element))
                    });
                }
            }
        }
    }

    /// Multiplies transformed lines by what the transfer function has at an element of the array: tile by tile, because
    /// neighbours there are those of other lines here.
    #[inline(always)]
    fn multiply_by(
        &self,
        at: usize,
        lines: usize,
        transformed: &mut [Complex<T>],
        transfer: impl Fn(usize) -> Complex<T>,
    ) {
        for first in (0..lines).step_by(UNIT) {
            let width = UNIT.min(lines - first);
            for position in (0..self.length).step_by(TILE) {
                let count = TILE.min(self.length - position);
                let mut tile = [[Complex::new(T::zero(), T::zero()); TILE]; UNIT];
                let corner = at + position * self.inner + first;
                if (width, count) == (UNIT, TILE) {
                    fill(&mut tile, UNIT, TILE, |line, place| transfer(corner + place * self.inner + line));
                } else {
                    fill(&mut tile, width, count, |line, place| transfer(corner + place * self.inner + line));
                }
                for (line, factors) in tile.iter().enumerate().take(width) {
                    let from = (first + line) * self.stride + position;
                    for (element, factor) in transformed[from..from + count].iter_mut().zip(factors) {
                        *element = *element * factor;
                    }
                }
            }
        }
    }
}

/// Fills a part of a tile, neighbours of the source one after the other.
#[inline(always)]
fn fill<E>(tile: &mut [[E; TILE]; UNIT], width: usize, count: usize, element: impl Fn(usize, usize) -> E) {
    for place in 0..count {
        for (line, row) in tile.iter_mut().enumerate().take(width) {
            row[place] = element(line, place);
        }
    }
}
