//! Parts of arrays at places that may be data.

use super::call::Call;
use super::call::Function::{self, Call as Of};
use crate::indexing::{Index, indexed};
use crate::report::{Computed, Stop};
use cotangent::Array;
use serde_json::Value;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("index", Of(|call| Ok(indexed(&call.case.input("x"), &basic_index(call)?).into()))),
    (
        "lax.dynamic_slice",
        Of(|call| {
            let sizes = call.sizes("slice_sizes").unwrap();
            Ok(call.x().dynamic_slice(&starts(call)?, &sizes).into())
        }),
    ),
    ("lax.dynamic_update_slice", Of(|call| Ok(call.x().dynamic_update_slice(call.y(), &starts(call)?).into()))),
];

/// The index of a case, if none of its entries is an array.
fn basic_index(call: &Call<'_>) -> Computed<Vec<Index>> {
    call.case.params()["idx"].as_array().unwrap().iter().map(|entry| index_entry(call, entry)).collect()
}

fn index_entry(call: &Call<'_>, entry: &Value) -> Result<Index, Stop> {
    match entry {
        Value::Null => Ok(Index::NewAxis),
        Value::Number(at) => Ok(Index::At(at.as_i64().unwrap() as isize)),
        Value::String(text) if text == "..." => Ok(Index::Ellipsis),
        Value::Object(slice) => {
            let bound = |position: usize| slice["slice"][position].as_i64().map(|bound| bound as isize);
            Ok(Index::Slice { start: bound(0), stop: bound(1), step: bound(2) })
        }
        _ => Err(call.missing("arrays of indices")),
    }
}

/// The starts of a block.
fn starts(call: &Call<'_>) -> Computed<Vec<Array>> {
    let starts = call.ints("start_indices").unwrap();
    if starts.iter().any(|&start| start < 0) {
        return Err(call.missing("starts from the end"));
    }
    Ok(starts.into_iter().map(|start| Array::from(start as i32)).collect())
}
