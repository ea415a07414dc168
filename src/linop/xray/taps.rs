//! Weighted elements at computed places: what a projector reads, or adds to.
//!
//! Places outside of an array are those of a border of zeros, two elements wide, that [`bordered`] puts around it and
//! [`Taps::scatter`] takes away: a place that is clamped to the border needs no test of its own, nor does the next one.

use crate::{Array, DType, Index};

/// Zeros at either end of an axis: both neighbours of a position beyond it are among them.
const BORDER: usize = 2;

/// The grid points before and behind positions along an axis, as indices into the axis with its border.
pub(super) struct Neighbours {
    pub(super) before: Array,
    pub(super) behind: Array,
    /// Distance from the point before, in `[0, 1)`.
    pub(super) fraction: Array,
}

impl Neighbours {
    /// Those of positions on an axis of `extent` elements, which lie at 0, 1, ...
    pub(super) fn of(position: &Array, extent: usize) -> Neighbours {
        let floor = position.floor();
        let before = (floor.astype(DType::I32) + BORDER as i64).clamp(0, (extent + BORDER) as i64);
        Neighbours { behind: &before + 1, before, fraction: position - floor }
    }

    /// The two points with weights: `share` for the one before, the rest for the one behind.
    pub(super) fn shared(self, share: &Array) -> [(Array, Array); 2] {
        [(self.before, share.clone()), (self.behind, 1.0 - share)]
    }

    /// The two points with the weights of linear interpolation.
    pub(super) fn interpolated(self) -> [(Array, Array); 2] {
        let share = 1.0 - &self.fraction;
        self.shared(&share)
    }
}

/// Places in an array, one set of indices each, with weights. All indices and weights broadcast to one shape.
pub(super) struct Taps(Vec<(Vec<Index>, Array)>);

impl Taps {
    /// Two places each: `row` as it is, and a point before or behind.
    pub(super) fn in_rows(row: &Array, points: [(Array, Array); 2]) -> Taps {
        Taps(points.into_iter().map(|(place, weight)| (vec![Index::from(row), Index::from(&place)], weight)).collect())
    }

    /// Four places each, with products of weights. Indices of `lead` precede the one of `first`, those of `between` that of
    /// `second`.
    pub(super) fn bilinear(
        lead: &[&Array],
        first: [(Array, Array); 2],
        between: &[&Array],
        second: [(Array, Array); 2],
    ) -> Taps {
        let mut taps = Vec::new();
        for (first, vertical) in &first {
            for (second, horizontal) in &second {
                let axes = lead.iter().copied().chain([first]).chain(between.iter().copied()).chain([second]);
                taps.push((axes.map(Index::from).collect(), vertical * horizontal));
            }
        }
        Taps(taps)
    }

    /// The weighted sums of elements of an array with a border.
    pub(super) fn gather(&self, bordered: &Array) -> Array {
        let mut terms = self.0.iter().map(|(index, weight)| bordered.index(index) * weight);
        let first = terms.next().unwrap_or_else(|| bordered.zeros_like());
        terms.fold(first, |sum, term| sum + term)
    }

    /// Values, times the weights, added up in an array of zeros of shape `shape`, some axes of which get a border for the
    /// time: the transpose of [`bordered`] and [`Taps::gather`].
    pub(super) fn scatter(&self, values: &Array, shape: &[usize], axes: &[usize]) -> Array {
        let Ok(dtype) = values.dtype() else { return values.clone() };
        let mut extents = shape.to_vec();
        axes.iter().for_each(|&axis| extents[axis] += 2 * BORDER);
        let zeros = Array::zeros(&extents, dtype);
        let sums = self.0.iter().fold(zeros, |sums, (index, weight)| sums.at(index).add(values * weight));
        axes.iter().fold(sums, |sums, &axis| sums.narrow(axis as isize, BORDER, shape[axis]))
    }
}

/// An array with zeros before and behind, along some axes.
pub(super) fn bordered(x: &Array, axes: &[usize]) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let width = |axis: usize| if axes.contains(&axis) { BORDER as i64 } else { 0 };
    let widths: Vec<_> = (0..shape.len()).map(|axis| (width(axis), width(axis), 0)).collect();
    x.pad_zeros(&widths)
}
