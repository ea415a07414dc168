//! Arrays in order.

use super::call::Function::{self, Call as Of, Unary};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::{Array, DType, sort_together};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.argsort", Of(argsort)),
    ("jnp.searchsorted", Of(|call| Ok(call.x().search_sorted(call.y(), call.text("side") == Some("right")).into()))),
    ("jnp.sort", Of(sort)),
    ("jnp.unique", Unary(|x| x.unique())),
    (
        "x.sort_multi",
        Of(|call| {
            let (keys, axis) = (call.int("num_keys").unwrap() as usize, call.int("dimension").unwrap() as isize);
            Ok(Output::Several(sort_together(&call.arrays, keys, axis)))
        }),
    ),
    (
        "x.top_k",
        Of(|call| {
            let (values, places) = call.x().top_k(call.int("k").unwrap() as usize);
            Ok(Output::Several(vec![values, places]))
        }),
    ),
];

fn sort(call: &Call<'_>) -> Computed<Output> {
    let axis = call.int("axis").unwrap_or(-1) as isize;
    let x = if call.is_none("axis") { call.x().flatten() } else { call.x().clone() };
    let sorted = x.sort(axis);
    Ok(if call.flag("descending") { sorted.flip(&[axis]) } else { sorted }.into())
}

fn argsort(call: &Call<'_>) -> Computed<Output> {
    let axis = call.int("axis").unwrap_or(-1) as isize;
    if !call.flag("descending") {
        return Ok(call.x().argsort(axis).into());
    }
    // Sorted from the back, equal elements stay in order.
    let places = Array::iota(&call.shape(), axis, DType::I32);
    let sorted = sort_together(&[call.x().flip(&[axis]), places.flip(&[axis])], 1, axis);
    Ok(sorted[1].flip(&[axis]).into())
}
