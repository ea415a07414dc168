//! How a convolution becomes code: windows are gathered, then multiplied as matrices.
//!
//! Where channels mix, a library routine does both, if it knows the numbers. What is left is written by slices: a slice of
//! the padded input for each place of the window costs nothing by itself. Where channels do not mix, the sum over the places
//! is one elementwise expression of these slices, a stencil. Where a long window of one channel takes few steps, as it does
//! in the gradient of a convolution by its kernel, each step is an inner product of a part of the window with a part of the
//! input. Otherwise the slices are laid side by side and the sum is a matrix product.

use super::{Dims, Window};
use crate::array::Array;
use crate::prim::axes::{attempt, index_of};
use crate::prim::rearrange::stack;
use crate::scalar::Scalar;
use crate::types::Type;

/// A stencil has at most so many terms, and there are at most so many inner products; larger windows are gathered.
const MOST_TERMS: usize = 128;

/// Whether the sums are those of a stencil.
fn is_stencil(w: &Type, window: &Window) -> bool {
    let groups = window.feature_groups * window.batch_groups;
    w.shape[1] == 1 && w.shape[0] == groups && w.shape[2..].iter().product::<usize>() <= MOST_TERMS
}

/// Whether each step is an inner product: one channel, a window that is no stencil, few steps, all of which meet the input,
/// no zeros between elements.
fn is_few_products(x: &Type, w: &Type, window: &Window) -> bool {
    let meets = |axis: usize| {
        let (extent, reach) = (x.shape[axis + 2] as i64, w.shape[axis + 2] as i64);
        let last = window.steps(axis, &x.shape, &w.shape) as i64 - 1;
        window.low[axis] < reach && last * window.strides[axis] - window.low[axis] < extent
    };
    let steps = (0..window.rank()).map(|axis| window.steps(axis, &x.shape, &w.shape)).product::<usize>();
    let dense = window.lhs_dilation.iter().chain(&window.rhs_dilation).all(|&distance| distance == 1);
    let simple = x.shape[..2] == [1, 1] && w.shape[..2] == [1, 1] && !is_stencil(w, window);
    simple && steps <= MOST_TERMS && dense && (0..window.rank()).all(meets)
}

/// Whether the library routine does it: it multiplies matrices of floating-point numbers, which have elements.
pub(super) fn by_routine(x: &Type, w: &Type, window: &Window) -> bool {
    let moves = (0..window.rank()).all(|axis| window.steps(axis, &x.shape, &w.shape) > 0);
    let elements = window.rank() > 0 && moves && !x.is_empty() && !w.is_empty();
    elements && x.dtype.is_inexact() && !is_stencil(w, window) && !is_few_products(x, w, window)
}

/// The convolution as an inner product for each step, of the part of the window that lies on the input with what it lies
/// on. Zeros around the input are not looked at.
fn products(x: &Array, w: &Array, window: &Window, steps: &[usize]) -> Array {
    let (xs, ws) = (attempt!(x.ty()), attempt!(w.ty()));
    let product = |step: usize| {
        let at = index_of(step, steps);
        let (mut x, mut w) = (x.clone(), w.clone());
        for axis in 0..window.rank() {
            let (extent, reach) = (xs.shape[axis + 2] as i64, ws.shape[axis + 2] as i64);
            let offset = at[axis] as i64 * window.strides[axis] - window.low[axis];
            let (start, end) = (offset.max(0), (offset + reach).min(extent));
            let (along, len) = (axis as isize + 2, (end - start) as usize);
            x = x.narrow(along, start as usize, len);
            w = w.narrow(along, (start - offset) as usize, len);
        }
        (x * w).sum()
    };
    let products: Vec<Array> = (0..steps.iter().product()).map(product).collect();
    let whole: Dims = [1, 1].into_iter().chain(steps.iter().copied()).collect();
    stack(&products, 0).reshape(&whole)
}

pub(super) fn expand(x: &Array, w: &Array, window: &Window) -> Array {
    let (xs, ws) = (attempt!(x.ty()), attempt!(w.ty()));
    let groups = window.feature_groups * window.batch_groups;
    let steps: Dims = (0..window.rank()).map(|axis| window.steps(axis, &xs.shape, &ws.shape)).collect();
    let batch = xs.shape[0] / window.batch_groups;
    let whole: Dims = [batch, ws.shape[0]].into_iter().chain(steps.iter().copied()).collect();
    let places: usize = ws.shape[2..].iter().product();
    if whole.contains(&0) || places == 0 || ws.shape[1] == 0 {
        return Array::filled(&whole, Scalar::zero(xs.dtype));
    }
    if is_few_products(&xs, &ws, window) {
        return products(x, w, window, &steps);
    }
    // Groups of the batch become groups of channels.
    let x = match window.batch_groups {
        1 => x.clone(),
        groups => {
            let split: Dims = [groups, batch].into_iter().chain(xs.shape[1..].iter().copied()).collect();
            let joined: Dims = [batch, groups * xs.shape[1]].into_iter().chain(xs.shape[2..].iter().copied()).collect();
            x.reshape(&split).move_axis(0, 1).reshape(&joined)
        }
    };
    let width = |axis: usize| (window.low[axis], window.high[axis], window.lhs_dilation[axis] - 1);
    let widths: Vec<(i64, i64, i64)> = [(0, 0, 0); 2].into_iter().chain((0..window.rank()).map(width)).collect();
    let padded = x.pad_zeros(&widths);
    let channels = attempt!(padded.shape())[1];
    let slice = |place: usize| {
        let at = index_of(place, &ws.shape[2..]);
        let (mut start, mut limit, mut stride): (Dims, Dims, Dims) =
            ([0, 0].into_iter().collect(), [batch, channels].into_iter().collect(), [1, 1].into_iter().collect());
        for axis in 0..window.rank() {
            let (first, step) = (at[axis] * window.rhs_dilation[axis] as usize, window.strides[axis] as usize);
            start.push(first);
            limit.push(first + (steps[axis] - 1) * step + 1);
            stride.push(step);
        }
        padded.slice_strided(&start, &limit, &stride)
    };
    if is_stencil(&ws, window) {
        let weights = w.reshape(&[groups, places]);
        let term = |place: usize| {
            let weight = weights.narrow(1, place, 1).reshape(&[groups]);
            slice(place) * weight.broadcast_in_dim(&whole, &[1])
        };
        return (1..places).fold(term(0), |sum, place| sum + term(place));
    }
    // [places, batch, groups, channels of a group, steps..]
    let gathered = stack(&(0..places).map(slice).collect::<Vec<_>>(), 0);
    let (inputs, outputs) = (ws.shape[1], ws.shape[0] / groups);
    let grouped: Dims = [places, batch, groups, inputs].into_iter().chain(steps.iter().copied()).collect();
    let weights = w.reshape(&[groups, outputs, inputs, places]);
    let product = weights.dot_general(&gathered.reshape(&grouped), (&[2, 3], &[3, 0]), (&[0], &[2]));
    // [groups, output channels of a group, batch, steps..]
    product.move_axis(2, 0).reshape(&whole)
}
