//! Transposes and batches of convolutions, which are convolutions again.

use super::{CONV, Window, dilated};
use crate::array::{Array, apply1};
use crate::prim::BatchArgs;
use crate::prim::axes::attempt;
use crate::scalar::Scalar;
use crate::types::{Dims, Type};
use smallvec::SmallVec;

/// The cotangent of the input: the window turned round passes over the cotangent, whose elements are as far apart as the
/// strides were.
pub(super) fn of_input(ct: &Array, x: &Type, w: &Array, window: &Window) -> Array {
    let (given, ws) = (attempt!(ct.ty()), attempt!(w.ty()));
    if given.is_empty() || ws.is_empty() {
        return Array::filled(&x.shape, Scalar::zero(x.dtype));
    }
    let groups = window.feature_groups * window.batch_groups;
    // Of each group, input and output channels change places.
    let (outputs, inputs) = (ws.shape[0] / groups, ws.shape[1]);
    let space = &ws.shape[2..];
    let with_space = |leading: &[usize]| -> Dims { leading.iter().chain(space).copied().collect() };
    let exchanged = w
        .reshape(&with_space(&[groups, outputs, inputs]))
        .swap_axes(1, 2)
        .reshape(&with_space(&[groups * inputs, outputs]));
    let every: Vec<isize> = (2..ws.rank() as isize).collect();
    let (mut low, mut high) = (SmallVec::new(), SmallVec::new());
    for axis in 0..window.rank() {
        let reach = dilated(ws.shape[axis + 2], window.rhs_dilation[axis]);
        let whole = dilated(x.shape[axis + 2], window.lhs_dilation[axis]);
        let before = reach - window.low[axis] - 1;
        low.push(before);
        high.push(whole + reach - 1 - dilated(given.shape[axis + 2], window.strides[axis]) - before);
    }
    let turned = Window {
        strides: window.lhs_dilation.clone(),
        low,
        high,
        lhs_dilation: window.strides.clone(),
        rhs_dilation: window.rhs_dilation.clone(),
        feature_groups: groups,
        batch_groups: 1,
    };
    let result = apply1(&CONV, &[ct, &exchanged.flip(&every)], turned.attrs());
    if window.batch_groups == 1 {
        return result;
    }
    // What were groups of channels are groups of the batch.
    let batch = x.shape[0] / window.batch_groups;
    let split: Dims = [batch, window.batch_groups].into_iter().chain(x.shape[1..].iter().copied()).collect();
    result.reshape(&split).move_axis(1, 0).reshape(&x.shape)
}

/// The cotangent of the window: the cotangent passes over the input as a window. The batch is what is summed over.
pub(super) fn of_window(ct: &Array, x: &Array, w: &Type, window: &Window) -> Array {
    let (given, xs) = (attempt!(ct.ty()), attempt!(x.ty()));
    if given.is_empty() || xs.is_empty() {
        return Array::filled(&w.shape, Scalar::zero(w.dtype));
    }
    let mut high = SmallVec::new();
    for axis in 0..window.rank() {
        let reach = dilated(w.shape[axis + 2], window.rhs_dilation[axis]);
        let whole = dilated(xs.shape[axis + 2], window.lhs_dilation[axis]);
        high.push(dilated(given.shape[axis + 2], window.strides[axis]) - whole + reach - window.low[axis] - 1);
    }
    let exchanged = Window {
        strides: window.rhs_dilation.clone(),
        low: window.low.clone(),
        high,
        lhs_dilation: window.lhs_dilation.clone(),
        rhs_dilation: window.strides.clone(),
        feature_groups: window.batch_groups,
        batch_groups: window.feature_groups,
    };
    apply1(&CONV, &[&x.swap_axes(0, 1), &ct.swap_axes(0, 1)], exchanged.attrs()).swap_axes(0, 1)
}

/// A batch of inputs alone is more of the batch there is, one of windows alone more output channels; of both, groups.
pub(super) fn batched(args: &BatchArgs<'_>) -> Array {
    let window = Window::of(args.attrs);
    let (x, w, size) = (&args.xs[0], &args.xs[1], args.size);
    let (xs, ws) = (attempt!(args.inner_shape(0)), attempt!(args.inner_shape(1)));
    let shape = |leading: &[usize], rest: &[usize]| -> Dims { leading.iter().chain(rest).copied().collect() };
    let groups = window.feature_groups * window.batch_groups;
    match (args.batched[0], args.batched[1]) {
        (true, false) => {
            let parts = window.batch_groups;
            let split = x.reshape(&shape(&[size, parts, xs[0] / parts], &xs[1..])).move_axis(0, 1);
            let result = apply1(&CONV, &[&split.reshape(&shape(&[size * xs[0]], &xs[1..])), w], args.attrs.clone());
            let made = attempt!(result.shape());
            result.reshape(&shape(&[size, made[0] / size], &made[1..]))
        }
        (false, _) => {
            let outputs = ws[0] / groups;
            let split = w.reshape(&shape(&[size, groups, outputs], &ws[1..])).move_axis(0, 1);
            let joined = split.reshape(&shape(&[size * ws[0]], &ws[1..]));
            let result = apply1(&CONV, &[x, &joined], args.attrs.clone());
            let made = attempt!(result.shape());
            let apart = result.reshape(&shape(&[made[0], groups, size, outputs], &made[2..]));
            apart.move_axis(2, 0).reshape(&shape(&[size, made[0], ws[0]], &made[2..]))
        }
        (true, true) if window.batch_groups > 1 => {
            let many = Window { batch_groups: window.batch_groups * size, ..window };
            let joined = w.reshape(&shape(&[size * ws[0]], &ws[1..]));
            let result = apply1(&CONV, &[&x.reshape(&shape(&[size * xs[0]], &xs[1..])), &joined], many.attrs());
            apart(&result, size, ws[0])
        }
        (true, true) => {
            let many = Window { feature_groups: window.feature_groups * size, ..window };
            let channels = x.move_axis(0, 1).reshape(&shape(&[xs[0], size * xs[1]], &xs[2..]));
            let joined = w.reshape(&shape(&[size * ws[0]], &ws[1..]));
            apart(&apply1(&CONV, &[&channels, &joined], many.attrs()), size, ws[0])
        }
    }
}

/// `[batch, size * outputs, ..]` as `[size, batch, outputs, ..]`.
fn apart(result: &Array, size: usize, outputs: usize) -> Array {
    let made = attempt!(result.shape());
    let split: Dims = [made[0], size, outputs].into_iter().chain(made[2..].iter().copied()).collect();
    result.reshape(&split).move_axis(1, 0)
}
