//! One-dimensional transforms along an axis, by rustfft and realfft.
//!
//! Lines that are contiguous in memory are transformed from the source to the destination. Lines along any other axis are
//! taken in blocks of neighbours, so that whole cache lines are read and written: a block is gathered into scratch, its
//! lines are transformed there, and it is scattered to the destination. Scaling is part of the pass that moves the
//! elements anyway. Every line is transformed by itself, so that it does not matter which worker does it.

use crate::run::library::{FftKind, LibraryCall};
use crate::run::session::Worker;
use cotangent_ir::ALIGNMENT;
use cotangent_ir::error::internal;
use num_complex::Complex;
use realfft::{ComplexToReal, FftError, RealFftPlanner, RealToComplex};
use rustfft::{FftNum, FftPlanner};
use std::ops::Mul;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::Arc;

/// Workers share lines in units of so many neighbours: in f32 a complex unit is one cache line.
pub(super) const UNIT: usize = 8;

/// A block is at most so many lines,
pub(super) const MOST_LINES: usize = 16;

/// or as many units as fit into this, so that a block being transformed stays in the second-level cache.
const BLOCK_BYTES: usize = 128 * 1024;

/// Makes the plans for the transforms of a program.
pub(super) struct FftPlans<T: FftNum> {
    complex: FftPlanner<T>,
    real: RealFftPlanner<T>,
}

impl<T: FftNum> Default for FftPlans<T> {
    fn default() -> FftPlans<T> {
        FftPlans { complex: FftPlanner::new(), real: RealFftPlanner::new() }
    }
}

impl<T: FftNum> FftPlans<T> {
    /// The complex transform of a length, forward and inverse.
    pub(super) fn both_ways(&mut self, length: usize) -> (Arc<dyn rustfft::Fft<T>>, Arc<dyn rustfft::Fft<T>>) {
        (self.complex.plan_fft_forward(length), self.complex.plan_fft_inverse(length))
    }
}

/// A plan of rustfft or realfft.
enum Transform<T> {
    Complex(Arc<dyn rustfft::Fft<T>>),
    RealForward(Arc<dyn RealToComplex<T>>),
    RealInverse(Arc<dyn ComplexToReal<T>>),
}

/// A prepared [`LibraryCall::Fft`].
pub(super) struct Fft<T> {
    /// `None` for lines of no elements.
    transform: Option<Transform<T>>,
    outer: usize,
    inner: usize,
    scale: T,
    from: u32,
    to: u32,
    /// Elements of a source line.
    taken: usize,
    /// Elements of a destination line.
    made: usize,
    /// Most lines of a block.
    lines: usize,
    scratch: ScratchLayout,
}

/// Scratch of a worker: gathered lines, then transformed lines, then what the plan asks for.
#[derive(Clone, Copy, Default)]
struct ScratchLayout {
    /// Elements from one gathered line to the next.
    taken_stride: usize,
    /// Elements from one transformed line to the next.
    made_stride: usize,
    /// Byte offset of the transformed lines.
    made_at: usize,
    /// Byte offset of the plan's scratch.
    plan_at: usize,
    /// Its length in complex elements.
    plan_len: usize,
    /// Bytes of it all.
    bytes: usize,
}

impl<T: FftNum> Fft<T> {
    /// Plans a transform.
    pub(super) fn new(call: &LibraryCall, plans: &mut FftPlans<T>) -> Fft<T> {
        let LibraryCall::Fft { kind, precision: _, outer, length, inner, scale, from, to } = *call else {
            internal("a transform made of another call");
        };
        let (taken, made) = match kind {
            FftKind::Forward | FftKind::Inverse => (length, length),
            FftKind::RealForward => (length, length / 2 + 1),
            FftKind::RealInverse => (length / 2 + 1, length),
        };
        let scale = T::from_f64(scale).unwrap_or_else(|| internal("a scale that is no number"));
        let transform = (length > 0).then(|| match kind {
            FftKind::Forward => Transform::Complex(plans.complex.plan_fft_forward(length)),
            FftKind::Inverse => Transform::Complex(plans.complex.plan_fft_inverse(length)),
            FftKind::RealForward => Transform::RealForward(plans.real.plan_fft_forward(length)),
            FftKind::RealInverse => Transform::RealInverse(plans.real.plan_fft_inverse(length)),
        });
        let (lines, scratch) = match &transform {
            Some(transform) => transform.layout(taken, made, inner),
            None => (1, ScratchLayout::default()),
        };
        Fft { transform, outer, inner, scale, from, to, taken, made, lines, scratch }
    }

    /// Scratch that each worker needs.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch.bytes
    }

    /// Transforms a worker's share of the lines.
    ///
    /// # Safety
    ///
    /// The slots hold arrays of these sizes, which do not overlap.
    pub(super) unsafe fn run(&self, worker: &Worker) {
        // SAFETY: passed on; the element types are those of the kind of transform.
        unsafe {
            match &self.transform {
                None => self.run_empty(worker),
                Some(Transform::Complex(plan)) => {
                    self.run_lines(worker, |from: &mut [Complex<T>], to: &mut [Complex<T>], scratch| {
                        plan.process_outofplace_with_scratch(from, to, scratch);
                    });
                }
                Some(Transform::RealForward(plan)) => {
                    self.run_lines(worker, |from: &mut [T], to: &mut [Complex<T>], scratch| {
                        succeeded(plan.process_with_scratch(from, to, scratch));
                    });
                }
                Some(Transform::RealInverse(plan)) => {
                    self.run_lines(worker, |from: &mut [Complex<T>], to: &mut [T], scratch| {
                        // realfft objects to imaginary parts that a real signal cannot have.
                        from[0].im = T::zero();
                        if to.len().is_multiple_of(2) {
                            from[to.len() / 2].im = T::zero();
                        }
                        succeeded(plan.process_with_scratch(from, to, scratch));
                    });
                }
            }
        }
    }

    /// A spectrum of nothing is zero.
    ///
    /// # Safety
    ///
    /// As for [`Fft::run`].
    unsafe fn run_empty(&self, worker: &Worker) {
        if worker.index == 0 {
            let len = self.outer * self.made * self.inner;
            // SAFETY: the destination has this many elements, which are complex if there are any.
            unsafe { worker.slot(self.to).cast::<Complex<T>>().write_bytes(0, len) };
        }
    }

    /// Applies `transform` to this worker's lines.
    ///
    /// # Safety
    ///
    /// As for [`Fft::run`], with `From` and `To` the element types.
    unsafe fn run_lines<From, To>(&self, worker: &Worker, transform: impl Fn(&mut [From], &mut [To], &mut [Complex<T>]))
    where
        From: Copy + Mul<T, Output = From>,
        To: Copy,
    {
        let Fft { outer, inner, taken, made, lines, scale, .. } = *self;
        let ScratchLayout { taken_stride, made_stride, made_at, plan_at, plan_len, .. } = self.scratch;
        // SAFETY: the slots are these arrays; the scratch is laid out like this and belongs to this worker.
        let (from, to, gathered, made_lines, plan_scratch) = unsafe {
            (
                worker.slot(self.from).cast::<From>().cast_const(),
                worker.slot(self.to).cast::<To>(),
                from_raw_parts_mut(worker.scratch.cast::<From>(), taken_stride * lines),
                worker.scratch.add(made_at).cast::<To>(),
                from_raw_parts_mut(worker.scratch.add(plan_at).cast::<Complex<T>>(), plan_len),
            )
        };
        if inner == 1 {
            for row in worker.share(outer) {
                // SAFETY: rows of the two arrays; this one of `to` is this worker's.
                let (from, to) = unsafe {
                    (from_raw_parts(from.add(row * taken), taken), from_raw_parts_mut(to.add(row * made), made))
                };
                for (into, &element) in gathered.iter_mut().zip(from) {
                    *into = element * scale;
                }
                transform(&mut gathered[..taken], to, plan_scratch);
            }
            return;
        }
        // SAFETY: the part of the scratch for transformed lines.
        let made_lines = unsafe { from_raw_parts_mut(made_lines, made_stride * lines) };
        let units = inner.div_ceil(UNIT);
        let share = worker.share(outer * units);
        let mut unit = share.start;
        while unit < share.end {
            let (block, first) = (unit / units, unit % units * UNIT);
            let count = (lines / UNIT).min(units - unit % units).min(share.end - unit);
            let lines = (count * UNIT).min(inner - first);
            // SAFETY: the lines `first..first + lines` of one block of each array; these of `to` are this worker's.
            unsafe {
                gather(from.add(block * taken * inner + first), inner, gathered, taken_stride, taken, lines, scale);
                for line in 0..lines {
                    let from = &mut gathered[line * taken_stride..][..taken];
                    transform(from, &mut made_lines[line * made_stride..][..made], plan_scratch);
                }
                scatter(made_lines, made_stride, to.add(block * made * inner + first), inner, made, lines);
            }
            unit += count;
        }
    }
}

impl<T: FftNum> Transform<T> {
    /// How many lines a block has, and the scratch for it.
    fn layout(&self, taken: usize, made: usize, inner: usize) -> (usize, ScratchLayout) {
        let complex = size_of::<Complex<T>>();
        let (taken_size, made_size, plan_len) = match self {
            Transform::Complex(plan) => (complex, complex, plan.get_outofplace_scratch_len()),
            Transform::RealForward(plan) => (size_of::<T>(), complex, plan.get_scratch_len()),
            Transform::RealInverse(plan) => (complex, size_of::<T>(), plan.get_scratch_len()),
        };
        let (taken_stride, made_stride) = (padded(taken, taken_size), padded(made, made_size));
        let line_bytes = taken_stride * taken_size + made_stride * made_size;
        let lines = match inner {
            1 => 1,
            _ => (BLOCK_BYTES / (line_bytes * UNIT) * UNIT).clamp(UNIT, MOST_LINES),
        };
        let made_at = (lines * taken_stride * taken_size).next_multiple_of(ALIGNMENT);
        let plan_at = made_at + (lines * made_stride * made_size).next_multiple_of(ALIGNMENT);
        let bytes = plan_at + plan_len * complex;
        (lines, ScratchLayout { taken_stride, made_stride, made_at, plan_at, plan_len, bytes })
    }
}

/// Elements from one line of a block to the next: an odd number of cache lines, so that the elements of different lines
/// at one position, which are touched together, fall into different sets of the cache.
pub(super) fn padded(len: usize, size: usize) -> usize {
    (((len * size).div_ceil(ALIGNMENT)) | 1) * ALIGNMENT / size
}

/// Ends the program if a transform of ours was refused.
fn succeeded(result: Result<(), FftError>) {
    if let Err(error) = result {
        internal(&format!("a real transform was refused: {error}"));
    }
}

/// Copies `lines` neighbouring strided lines of `len` elements, scaled, to contiguous lines.
///
/// # Safety
///
/// `from` points to the first element of an array in which these lines lie.
#[inline(always)]
pub(super) unsafe fn gather<E: Copy + Mul<T, Output = E>, T: Copy>(
    from: *const E,
    from_stride: usize,
    to: &mut [E],
    to_stride: usize,
    len: usize,
    lines: usize,
    scale: T,
) {
    for unit in (0..lines).step_by(UNIT) {
        let width = UNIT.min(lines - unit);
        let to = &mut to[unit * to_stride..(unit + width - 1) * to_stride + len];
        for position in 0..len {
            // SAFETY: `width` elements from here on belong to these lines.
            let elements = unsafe { from_raw_parts(from.add(position * from_stride + unit), width) };
            match <&[E; UNIT]>::try_from(elements) {
                // The usual case, with a width the compiler knows.
                Ok(elements) => spread(elements, to, to_stride, position, scale),
                Err(_) => spread(elements, to, to_stride, position, scale),
            }
        }
    }
}

#[inline(always)]
fn spread<'a, E: Copy + Mul<T, Output = E> + 'a, T: Copy>(
    elements: impl IntoIterator<Item = &'a E>,
    to: &mut [E],
    to_stride: usize,
    position: usize,
    scale: T,
) {
    for (line, &element) in elements.into_iter().enumerate() {
        to[line * to_stride + position] = element * scale;
    }
}

/// Copies contiguous lines to neighbouring strided lines.
///
/// # Safety
///
/// `to` points to the first element of an array in which these lines lie, and nobody else touches them.
#[inline(always)]
pub(super) unsafe fn scatter<E: Copy>(
    from: &[E],
    from_stride: usize,
    to: *mut E,
    to_stride: usize,
    len: usize,
    lines: usize,
) {
    for unit in (0..lines).step_by(UNIT) {
        let width = UNIT.min(lines - unit);
        let from = &from[unit * from_stride..(unit + width - 1) * from_stride + len];
        for position in 0..len {
            // SAFETY: `width` elements from here on belong to these lines.
            let elements = unsafe { from_raw_parts_mut(to.add(position * to_stride + unit), width) };
            match <&mut [E; UNIT]>::try_from(&mut *elements) {
                Ok(elements) => collect(from, from_stride, position, elements),
                Err(_) => collect(from, from_stride, position, elements),
            }
        }
    }
}

#[inline(always)]
fn collect<'a, E: Copy + 'a>(
    from: &[E],
    from_stride: usize,
    position: usize,
    elements: impl IntoIterator<Item = &'a mut E>,
) {
    for (line, element) in elements.into_iter().enumerate() {
        *element = from[line * from_stride + position];
    }
}
