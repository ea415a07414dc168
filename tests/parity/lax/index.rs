//! Parts of arrays at places that may be data.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::{Array, DType, Index, OutOfRange, ScatterKind, concatenate};
use serde_json::Value;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("at", Of(at)),
    ("index", Of(|call| Ok(call.case.input("x").index(&index(call)).into()))),
    ("jnp.take", Of(take)),
    (
        "jnp.take_along_axis",
        Of(|call| Ok(call.x().take_along_axis(call.y(), call.int("axis").unwrap() as isize).into())),
    ),
    (
        "lax.dynamic_slice",
        Of(|call| {
            let sizes = call.sizes("slice_sizes").unwrap();
            Ok(call.x().dynamic_slice(&starts(call), &sizes).into())
        }),
    ),
    ("lax.dynamic_update_slice", Of(|call| Ok(call.x().dynamic_update_slice(call.y(), &starts(call)).into()))),
    ("x.gather", Of(gather)),
    ("x.scatter", Of(|call| scatter(call, ScatterKind::Set))),
    ("x.scatter_add", Of(|call| scatter(call, ScatterKind::Add))),
    ("x.scatter_max", Of(|call| scatter(call, ScatterKind::Max))),
];

/// The index of a case.
fn index(call: &Call<'_>) -> Vec<Index> {
    call.case.params()["idx"].as_array().unwrap().iter().map(|entry| index_entry(call, entry)).collect()
}

fn index_entry(call: &Call<'_>, entry: &Value) -> Index {
    match entry {
        Value::Null => Index::NewAxis,
        Value::Number(at) => Index::At(at.as_i64().unwrap() as isize),
        Value::String(text) if text == "..." => Index::Ellipsis,
        Value::String(name) => Index::Array(call.case.input(name.trim_start_matches('@'))),
        Value::Object(slice) => {
            let bound = |position: usize| slice["slice"][position].as_i64().map(|bound| bound as isize);
            Index::Slice { start: bound(0), end: bound(1), step: bound(2).unwrap_or(1) }
        }
        other => panic!("{other} is no index"),
    }
}

/// What happens out of range, if the call says so.
fn out_of_range(call: &Call<'_>) -> Option<OutOfRange> {
    call.text("mode").map(|mode| match mode {
        "clip" => OutOfRange::Clip,
        "drop" => OutOfRange::Drop,
        "fill" => OutOfRange::Fill(call.real("fill_value").unwrap()),
        "wrap" => OutOfRange::Wrap,
        other => panic!("no mode {other}"),
    })
}

/// `x.at[index].op(v)`.
fn at(call: &Call<'_>) -> Computed<Output> {
    let (x, v, index) = (call.case.input("x"), call.case.input("v"), index(call));
    let mut at = x.at(&index);
    if let Some(out_of_range) = out_of_range(call) {
        at = at.out_of_range(out_of_range);
    }
    Ok(match call.text("op").unwrap() {
        "add" => at.add(&v),
        "divide" => at.div(&v),
        "get" => at.get(),
        "max" => at.max(&v),
        "min" => at.min(&v),
        "multiply" => at.mul(&v),
        "set" => at.set(&v),
        other => panic!("no operation {other}"),
    }
    .into())
}

fn take(call: &Call<'_>) -> Computed<Output> {
    let (x, axis) = match call.int("axis") {
        Some(axis) => (call.x().clone(), axis as isize),
        None => (call.x().flatten(), 0),
    };
    Ok(match out_of_range(call) {
        Some(out_of_range) => x.take_with(call.y(), axis, out_of_range),
        None => x.take(call.y(), axis),
    }
    .into())
}

/// The starts of a block.
fn starts(call: &Call<'_>) -> Vec<Array> {
    call.ints("start_indices").unwrap().into_iter().map(|start| Array::from(start as i32)).collect()
}

/// A list of the dimension numbers, empty if they do not have it.
fn numbers(call: &Call<'_>, name: &str) -> Vec<isize> {
    call.option("dnums").unwrap().get(name).map_or_else(Vec::new, super::call::ints)
}

fn gather(call: &Call<'_>) -> Computed<Output> {
    let (mut indices, mut axes) = (call.y().clone(), numbers(call, "start_index_map"));
    // An axis that is one of the indices too is named by their places along it.
    let common = numbers(call, "operand_batching_dims");
    for (&axis, along) in common.iter().zip(numbers(call, "start_indices_batching_dims")) {
        let mut shape = indices.shape()?;
        *shape.last_mut().unwrap() = 1;
        indices = concatenate(&[Array::iota(&shape, along, DType::I32), indices], -1);
        axes.insert(0, axis);
    }
    let sizes = call.sizes("slice_sizes").unwrap();
    let mut result = call.x().gather(&indices, &axes, &sizes, out_of_range(call).unwrap_or(OutOfRange::Clip));
    let leading = indices.shape()?.len() as isize - 1;
    let mut dropped = [numbers(call, "collapsed_slice_dims"), common].concat();
    dropped.sort_unstable();
    for axis in dropped.into_iter().rev() {
        result = result.squeeze(leading + axis);
    }
    // The axes of a block, after those of the indices, go to their places.
    let offsets = numbers(call, "offset_dims");
    let from: Vec<isize> = (leading..leading + offsets.len() as isize).collect();
    Ok(result.move_axes(&from, &offsets).into())
}

fn scatter(call: &Call<'_>, kind: ScatterKind) -> Computed<Output> {
    let indices = call.y();
    let leading = indices.shape()?.len() as isize - 1;
    let windows = numbers(call, "update_window_dims");
    let to: Vec<isize> = (leading..leading + windows.len() as isize).collect();
    let mut updates = call.arrays[2].move_axes(&windows, &to);
    for axis in numbers(call, "inserted_window_dims") {
        updates = updates.expand_dims(leading + axis);
    }
    let axes = numbers(call, "scatter_dims_to_operand_dims");
    let out_of_range = out_of_range(call).unwrap_or(OutOfRange::Drop);
    Ok(call.x().scatter(kind, indices, &axes, &updates, out_of_range).into())
}
