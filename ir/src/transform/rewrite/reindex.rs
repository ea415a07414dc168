//! Rules on moving elements and on reductions.

use super::{Rule, Site};
use crate::attrs::Attrs;
use crate::func::Value;
use crate::prim::binary::MUL;
use crate::prim::dynamic::DYNAMIC_SLICE;
use crate::prim::index::{CONCATENATE, PAD, REVERSE, SLICE};
use crate::prim::reduce::{REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_SUM};
use crate::prim::shape::{BROADCAST, PERMUTE, RESHAPE};
use crate::scalar::Scalar;
use crate::types::Dims;

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "reshape to the same shape",
        doc: "reshape x = x, if x has that shape already.",
        prims: &[&RESHAPE],
        apply: |site| (site.arg_type(0).shape == site.ty.shape).then(|| site.args[0]),
    },
    Rule {
        name: "reshape of reshape",
        doc: "reshape (reshape x) = reshape x.",
        prims: &[&RESHAPE],
        apply: |site| {
            let x = site.under(site.args[0], &RESHAPE)?;
            Some(site.reshape(x, &site.ty.shape.clone()))
        },
    },
    Rule {
        name: "reshape of a literal",
        doc: "reshape (broadcast c) = broadcast c, if c is a literal.",
        prims: &[&RESHAPE],
        apply: |site| {
            let literal = site.splat(site.args[0])?;
            Some(site.filled(literal, &site.ty.shape.clone()))
        },
    },
    Rule {
        name: "transpose of transpose",
        doc: "permute (permute x) = permute x, and permute x = x if every axis stays in place.",
        prims: &[&PERMUTE],
        apply: transpose_of_transpose,
    },
    Rule {
        name: "broadcast to the same shape",
        doc: "broadcast x = x, if x has that shape already.",
        prims: &[&BROADCAST],
        apply: |site| (site.arg_type(0).shape == site.ty.shape).then(|| site.args[0]),
    },
    Rule {
        name: "broadcast of broadcast",
        doc: "broadcast (broadcast x) = broadcast x.",
        prims: &[&BROADCAST],
        apply: |site| {
            let inner = site.definition(site.args[0], &BROADCAST)?;
            let outer_axes = site.attrs.sizes("axes");
            let axes: Dims = inner.attrs.sizes("axes").iter().map(|&axis| outer_axes[axis]).collect();
            let x = inner.args[0];
            Some(site.broadcast(x, &site.ty.shape.clone(), &axes))
        },
    },
    Rule {
        name: "slice of everything",
        doc: "slice x = x, if every axis is taken whole.",
        prims: &[&SLICE],
        apply: |site| (site.arg_type(0).shape == site.ty.shape).then(|| site.args[0]),
    },
    Rule {
        name: "slice of slice",
        doc: "slice (slice x) = slice x, with starts and strides combined.",
        prims: &[&SLICE],
        apply: slice_of_slice,
    },
    Rule {
        name: "slice at literals",
        doc: "dynamic_slice x starts = slice x, if the starts are literals.",
        prims: &[&DYNAMIC_SLICE],
        apply: slice_at_literals,
    },
    Rule {
        name: "pad by nothing",
        doc: "pad x = x, if nothing is added or cut off.",
        prims: &[&PAD],
        apply: |site| {
            let nothing = ["low", "high"].iter().all(|name| site.attrs.ints(name).iter().all(|&count| count == 0))
                && site.arg_type(0).shape == site.ty.shape;
            nothing.then(|| site.args[0])
        },
    },
    Rule {
        name: "concatenate one",
        doc: "concatenate x = x, if there is one operand.",
        prims: &[&CONCATENATE],
        apply: |site| (site.args.len() == 1).then(|| site.args[0]),
    },
    Rule {
        name: "reverse of reverse",
        doc: "reverse (reverse x) = x over the same axes, and reverse x = x over axes of extent 1.",
        prims: &[&REVERSE],
        apply: |site| {
            let axes = site.attrs.sizes("axes");
            if axes.iter().all(|&axis| site.ty.shape[axis] <= 1) {
                return Some(site.args[0]);
            }
            let inner = site.definition(site.args[0], &REVERSE)?;
            (inner.attrs == *site.attrs).then(|| inner.args[0])
        },
    },
    Rule {
        name: "reduction over no elements but one",
        doc: "A reduction over no axes is its operand, over axes of extent 1 a reshape of it.",
        prims: &[&REDUCE_SUM, &REDUCE_PROD, &REDUCE_MAX, &REDUCE_MIN],
        apply: |site| {
            let shape = &site.arg_type(0).shape;
            let trivial = site.attrs.sizes("axes").iter().all(|&axis| shape[axis] == 1);
            trivial.then(|| site.reshape(site.args[0], &site.ty.shape.clone()))
        },
    },
    Rule {
        name: "sum of repetitions",
        doc: "The sum over axes along which the operand is repeated is a product with their extents, if it is a float or \
              complex sum; rounds once.",
        prims: &[&REDUCE_SUM],
        apply: sum_of_repetitions,
    },
];

fn transpose_of_transpose(site: &mut Site<'_>) -> Option<Value> {
    let outer = site.attrs.sizes("axes");
    if outer.is_sorted() {
        return Some(site.args[0]);
    }
    let inner = site.definition(site.args[0], &PERMUTE)?;
    let (x, inner_axes) = (inner.args[0], inner.attrs.sizes("axes"));
    let axes = outer.iter().map(|&axis| inner_axes[axis]);
    Some(site.emit(&PERMUTE, &[x], Attrs::none().with_sizes("axes", axes)))
}

fn slice_of_slice(site: &mut Site<'_>) -> Option<Value> {
    let inner = site.definition(site.args[0], &SLICE)?;
    let x = inner.args[0];
    let ints = |attrs: &Attrs, name: &str| attrs.ints(name).to_vec();
    let (inner_start, inner_stride) = (ints(&inner.attrs, "start"), ints(&inner.attrs, "stride"));
    let (start, stride) = (ints(site.attrs, "start"), ints(site.attrs, "stride"));
    let (mut starts, mut limits, mut strides) = (Vec::new(), Vec::new(), Vec::new());
    for axis in 0..start.len() {
        // Nothing is taken from anywhere; otherwise the limit is just behind the last element taken. A stride may be
        // larger than any array.
        let (first, step, limit) = match site.ty.shape[axis] as i64 {
            0 => (0, 1, 0),
            count => {
                let first = inner_start[axis] + start[axis] * inner_stride[axis];
                let step = if count == 1 { 1 } else { stride[axis].checked_mul(inner_stride[axis])? };
                (first, step, first + (count - 1) * step + 1)
            }
        };
        starts.push(first);
        strides.push(step);
        limits.push(limit);
    }
    let attrs = Attrs::none().with_ints("start", starts).with_ints("limit", limits).with_ints("stride", strides);
    Some(site.emit(&SLICE, &[x], attrs))
}

fn slice_at_literals(site: &mut Site<'_>) -> Option<Value> {
    let literals: Option<Vec<i128>> =
        site.args[1..].iter().map(|&start| site.splat(start).map(Scalar::as_i128)).collect();
    let room = |(&extent, &size): (&usize, &usize)| (extent - size) as i128;
    let room: Vec<i128> = site.arg_type(0).shape.iter().zip(&site.ty.shape).map(room).collect();
    let starts: Vec<i64> = literals?.iter().zip(room).map(|(&start, room)| start.clamp(0, room) as i64).collect();
    let limits: Vec<i64> = starts.iter().zip(&site.ty.shape).map(|(&start, &size)| start + size as i64).collect();
    let attrs = Attrs::none().with_ints("start", starts.clone()).with_ints("limit", limits);
    let attrs = attrs.with_ints("stride", starts.iter().map(|_| 1));
    Some(site.emit(&SLICE, &[site.args[0]], attrs))
}

fn sum_of_repetitions(site: &mut Site<'_>) -> Option<Value> {
    let repeat = site.definition(site.args[0], &BROADCAST).filter(|_| site.ty.dtype.is_inexact())?;
    let (x, own_axes) = (repeat.args[0], repeat.attrs.sizes("axes"));
    let shape = site.arg_type(0).shape.clone();
    let summed = site.attrs.sizes("axes");
    let (still, repeated): (Dims, Dims) = summed.iter().copied().partition(|axis| own_axes.contains(axis));
    if repeated.is_empty() {
        return None;
    }
    let count: usize = repeated.iter().map(|&axis| shape[axis]).product();
    // Without the repeated axes, the others move to the front.
    let place = |axis: usize| axis - repeated.iter().filter(|&&gone| gone < axis).count();
    let kept: Dims = (0..shape.len()).filter(|axis| !repeated.contains(axis)).map(|axis| shape[axis]).collect();
    let axes: Dims = own_axes.iter().map(|&axis| place(axis)).collect();
    let smaller = site.broadcast(x, &kept, &axes);
    let summed = Attrs::none().with_sizes("axes", still.iter().map(|&axis| place(axis)));
    let sum = site.emit(&REDUCE_SUM, &[smaller], summed);
    let count = site.filled(Scalar::real(site.ty.dtype, count as f64), &site.ty.shape.clone());
    Some(site.plain(&MUL, &[sum, count]))
}
