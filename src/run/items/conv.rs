//! Convolutions with windows as products of matrices.
//!
//! The weights of a group of channels are a matrix [outputs, channels x places of the window]. What the window sees at some
//! neighbouring steps is gathered as a matrix [channels x places, steps] and multiplied: that is a part of the result. It
//! stays in the second-level cache meanwhile; where it would be too large it is cut, between channels if that is enough, and
//! the products are added up. Workers share the parts; all sizes depend on those of the operands only.

use super::Operand;
use super::team::{Target, Team, TeamRoutine, no_bytes};
use cotangent_ir::{Attrs, DType, Element, Type};
use gemm::Parallelism;
use num_complex::Complex;
use smallvec::SmallVec;
use std::ops::Range;

/// Convolutions of floating-point numbers in one axis of space at least, of operands with elements.
pub(super) static CONV: TeamRoutine = TeamRoutine {
    large: |_, _| true,
    scratch: no_bytes,
    own: |attrs, types| Geometry::new(attrs, &types[0], &types[1]).gathered_bytes(),
    run: conv,
};

/// What is gathered at once is about this large: half the second-level cache of a core.
const GATHERED_BYTES: usize = 512 * 1024;

/// The fewest and the most steps gathered at once.
const LEAST_STEPS: usize = 128;
const MOST_STEPS: usize = 1024;

/// Steps gathered at once are a multiple of this, so that they fill the widest vectors.
const UNIT: usize = 16;

/// Below this number of parts, the outputs of a group are shared between workers, too.
const FEW_PARTS: usize = 16;

/// Outputs in a part then.
const PART_OUTPUTS: usize = 64;

fn conv(team: &Team<'_>, attrs: &Attrs, operands: &[Operand<'_>], targets: &[Target<'_>]) {
    let (x, w) = (&operands[0], &operands[1]);
    let geometry = Geometry::new(attrs, x.ty, w.ty);
    let target = &targets[0];
    match x.ty.dtype {
        DType::F32 => geometry.run::<f32>(team, x, w, target, 0.0, 1.0),
        DType::F64 => geometry.run::<f64>(team, x, w, target, 0.0, 1.0),
        DType::C64 => geometry.run::<Complex<f32>>(team, x, w, target, Complex::ZERO, Complex::ONE),
        _ => geometry.run::<Complex<f64>>(team, x, w, target, Complex::ZERO, Complex::ONE),
    }
}

type Dims = SmallVec<[usize; 4]>;

/// One axis of space.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    places: usize,
    steps: usize,
    stride: i64,
    low: i64,
    /// Distance of the elements of the input.
    spread: i64,
    /// Distance of the elements of the window.
    reach: i64,
}

impl Axis {
    /// The element of the input that a place of the window sees at a step, if there is any.
    fn seen(&self, step: usize, place: usize) -> Option<usize> {
        let at = step as i64 * self.stride + place as i64 * self.reach - self.low;
        (at >= 0 && at % self.spread == 0 && at / self.spread < self.input as i64).then(|| (at / self.spread) as usize)
    }
}

/// Sizes of a convolution, and how it is cut.
struct Geometry {
    axes: SmallVec<[Axis; 3]>,
    batch: usize,
    /// Groups of channels, and of the batch.
    groups: usize,
    feature_groups: usize,
    /// Channels of the whole input.
    channels: usize,
    /// Channels and outputs of a group.
    inputs: usize,
    outputs: usize,
    places: usize,
    steps: usize,
    /// Steps and outputs of a part of the result.
    part_steps: usize,
    part_outputs: usize,
    /// Channels that are gathered at once, and places of the window: all of them unless it is one channel.
    part_inputs: usize,
    part_places: usize,
    size: usize,
}

impl Geometry {
    fn new(attrs: &Attrs, x: &Type, w: &Type) -> Geometry {
        let [strides, low, high, spread, reach] =
            ["strides", "low", "high", "lhs_dilation", "rhs_dilation"].map(|name| attrs.ints(name));
        let axes: SmallVec<[Axis; 3]> = (0..strides.len())
            .map(|axis| {
                let (input, places) = (x.shape[axis + 2], w.shape[axis + 2]);
                let extent = |count: usize, distance: i64| (count as i64 - 1) * distance + 1;
                let room = extent(input, spread[axis]) + low[axis] + high[axis] - extent(places, reach[axis]);
                let (stride, low, spread, reach) = (strides[axis], low[axis], spread[axis], reach[axis]);
                let steps = (room / stride + 1) as usize;
                Axis { input, places, steps, stride, low, spread, reach }
            })
            .collect();
        let (feature_groups, batch_groups) = (attrs.size("feature_groups"), attrs.size("batch_groups"));
        let groups = feature_groups * batch_groups;
        let (inputs, outputs, batch) = (w.shape[1], w.shape[0] / groups, x.shape[0] / batch_groups);
        let places: usize = axes.iter().map(|axis| axis.places).product();
        let steps: usize = axes.iter().map(|axis| axis.steps).product();
        let size = x.dtype.size();
        let fitting = GATHERED_BYTES / (inputs * places * size);
        let part_steps = (fitting / UNIT * UNIT).clamp(LEAST_STEPS, MOST_STEPS).min(steps);
        let part_inputs = (GATHERED_BYTES / (part_steps * places * size)).clamp(1, inputs);
        let part_places = if part_inputs == 1 { GATHERED_BYTES / (part_steps * size) } else { places };
        let part_places = part_places.clamp(1, places);
        let parts = batch * groups * steps.div_ceil(part_steps);
        let part_outputs = if parts < FEW_PARTS { outputs.min(PART_OUTPUTS) } else { outputs };
        Geometry {
            axes,
            batch,
            groups,
            feature_groups,
            channels: x.shape[1],
            inputs,
            outputs,
            places,
            steps,
            part_steps,
            part_outputs,
            part_inputs,
            part_places,
            size,
        }
    }

    /// Room for what is gathered.
    fn gathered_bytes(&self) -> usize {
        if self.sees_everything() { 0 } else { self.part_inputs * self.part_places * self.part_steps * self.size }
    }

    /// Whether every step sees one element, its own: then the input is what would be gathered.
    fn sees_everything(&self) -> bool {
        let axis = |axis: &Axis| {
            let Axis { input, places, steps, stride, low, spread, reach: _ } = *axis;
            places == 1 && stride == 1 && low == 0 && spread == 1 && steps == input
        };
        self.axes.iter().all(axis)
    }

    /// The first channel and place of each part of the depth of the products.
    fn depth_parts(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (places, step) = (self.places, self.part_places);
        let inputs = (0..self.inputs).step_by(self.part_inputs);
        inputs.flat_map(move |input| (0..places).step_by(step).map(move |place| (input, place)))
    }

    fn run<T: Element>(&self, team: &Team<'_>, x: &Operand<'_>, w: &Operand<'_>, y: &Target<'_>, zero: T, one: T) {
        let (x, w, y) = (x.elements::<T>(), w.elements::<T>(), y.elements::<T>());
        let space: usize = self.axes.iter().map(|axis| axis.input).product();
        let depth = self.inputs * self.places;
        let (across, down) = (self.steps.div_ceil(self.part_steps), self.outputs.div_ceil(self.part_outputs));
        let in_place = self.sees_everything();
        team.phase(|| {
            for part in team.share(self.batch * self.groups * down * across) {
                let (rest, first_step) = (part / across, part % across * self.part_steps);
                let (rest, first_output) = (rest / down, rest % down * self.part_outputs);
                let (image, group) = (rest / self.groups, rest % self.groups);
                let steps = first_step..(first_step + self.part_steps).min(self.steps);
                let outputs = self.part_outputs.min(self.outputs - first_output);
                let output = group * self.outputs + first_output;
                // Groups are either of channels or of the batch.
                let (from_image, first_channel) = match self.feature_groups {
                    1 => (group * self.batch + image, 0),
                    _ => (image, group * self.inputs),
                };
                let first = (from_image * self.channels + first_channel) * space;
                let x = &x[first..first + self.inputs * space];
                for (input, place) in self.depth_parts() {
                    let inputs = input..(input + self.part_inputs).min(self.inputs);
                    let places = place..(place + self.part_places).min(self.places);
                    let part_depth = inputs.len() * places.len();
                    let (gathered, row_stride) = match in_place {
                        true => (x[inputs.start * space + steps.start..].as_ptr(), space),
                        false => {
                            let gathered = team.own().cast::<T>();
                            let x = &x[inputs.start * space..inputs.end * space];
                            // SAFETY: the scratch is as large as the largest part and this worker's own, and holds numbers
                            // of whatever kind.
                            let all = unsafe { std::slice::from_raw_parts_mut(gathered, part_depth * steps.len()) };
                            self.gather(x, space, (places.clone(), steps.clone()), all, zero);
                            (gathered.cast_const(), steps.len())
                        }
                    };
                    let weights = &w[output * depth + inputs.start * self.places + places.start..];
                    assert!(weights.len() >= (outputs - 1) * depth + part_depth);
                    let to = (image * self.groups * self.outputs + output) * self.steps + steps.start;
                    assert!(to + (outputs - 1) * self.steps + steps.len() <= y.len());
                    // SAFETY: the three matrices lie within what was just checked; this part of the result is this
                    // worker's, and is read only after it was written for the first part of the depth.
                    unsafe {
                        gemm::gemm(
                            outputs,
                            steps.len(),
                            part_depth,
                            y.start().add(to),
                            1,
                            self.steps as isize,
                            (input, place) != (0, 0),
                            weights.as_ptr(),
                            1,
                            depth as isize,
                            gathered,
                            1,
                            row_stride as isize,
                            one,
                            one,
                            false,
                            false,
                            false,
                            Parallelism::None,
                        );
                    }
                }
            }
        });
    }

    /// What some places of the window see of some channels at some steps, [channels, places, steps].
    fn gather<T: Element>(
        &self,
        x: &[T],
        space: usize,
        (places, steps): (Range<usize>, Range<usize>),
        gathered: &mut [T],
        zero: T,
    ) {
        let (last, leading) = match self.axes.split_last() {
            Some((last, leading)) => (*last, leading),
            None => return gathered.copy_from_slice(x),
        };
        let width = steps.len();
        let mut step = steps.start;
        while step < steps.end {
            // Steps that differ along the last axis only.
            let (line, from) = (step / last.steps, step % last.steps);
            let count = (last.steps - from).min(steps.end - step);
            let column = step - steps.start;
            let line = digits(line, leading.iter().map(|axis| axis.steps));
            for place in places.clone() {
                let at = digits(place / last.places, leading.iter().map(|axis| axis.places));
                let seen = leading
                    .iter()
                    .zip(line.iter().zip(&at))
                    .try_fold(0, |row, (axis, (&step, &place))| axis.seen(step, place).map(|at| row * axis.input + at));
                let line = seen.map(|row| (row * last.input, last.line(from, place % last.places, count)));
                for (channel, x) in x.chunks_exact(space).enumerate() {
                    let to = &mut gathered[(channel * places.len() + place - places.start) * width + column..][..count];
                    match &line {
                        Some((first, line)) => line.copy(&x[*first..first + last.input], to, zero),
                        None => to.fill(zero),
                    }
                }
            }
            step += count;
        }
    }
}

/// Where in a line of steps a place of the window sees elements of the input: at `first` and every `period` steps before
/// `end`, beginning with the element `source` and each time `increment` further on.
struct Line {
    first: usize,
    end: usize,
    period: usize,
    source: usize,
    increment: usize,
}

impl Axis {
    /// What a place of the window sees in so many steps from a first one.
    fn line(&self, step: usize, place: usize, count: usize) -> Line {
        let Axis { stride, spread, .. } = *self;
        let base = step as i64 * stride + place as i64 * self.reach - self.low;
        let last = (self.input as i64 - 1) * spread;
        let least = (-base).max(0).div_euclid(stride) + i64::from((-base).max(0) % stride != 0);
        let end = ((last - base).div_euclid(stride) + 1).clamp(0, count as i64);
        let period = spread / common_divisor(stride, spread);
        let first = (least..(least + period).min(end)).find(|at| (base + at * stride) % spread == 0);
        let first = first.unwrap_or(end);
        Line {
            first: first as usize,
            end: end as usize,
            period: period as usize,
            source: if first < end { ((base + first * stride) / spread) as usize } else { 0 },
            increment: (stride * period / spread) as usize,
        }
    }
}

impl Line {
    #[inline(always)]
    fn copy<T: Copy>(&self, from: &[T], to: &mut [T], zero: T) {
        let Line { first, end, period, source, increment } = *self;
        if period == 1 && increment == 1 {
            to[..first].fill(zero);
            to[first..end].copy_from_slice(&from[source..source + end - first]);
            to[end..].fill(zero);
            return;
        }
        to.fill(zero);
        for (to, &element) in to[first..end].iter_mut().step_by(period).zip(from[source..].iter().step_by(increment)) {
            *to = element;
        }
    }
}

fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The digits of a number written in mixed bases, the last fastest.
fn digits(mut number: usize, bases: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator) -> Dims {
    let mut digits: Dims = SmallVec::from_elem(0, bases.len());
    for (digit, base) in digits.iter_mut().rev().zip(bases.rev()) {
        *digit = number % base;
        number /= base;
    }
    digits
}
