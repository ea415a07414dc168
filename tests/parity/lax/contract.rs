//! Sums of products.

use super::call::Function::{self, Binary, Call as Of};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    (
        "jnp.inner",
        Binary(|x, y| {
            let last = |array: &cotangent::Array| array.shape().map_or(0, |shape| shape.len()).saturating_sub(1);
            x.dot_general(y, (&[last(x)], &[last(y)]), (&[], &[]))
        }),
    ),
    ("jnp.matmul", Binary(|x, y| x.matmul(y))),
    ("jnp.outer", Binary(|x, y| x.flatten().dot_general(&y.flatten(), (&[], &[]), (&[], &[])))),
    (
        "jnp.tensordot",
        Of(|call| {
            let [x, y] = <[Vec<usize>; 2]>::try_from(axes(call.option("axes").unwrap())).unwrap();
            Ok(call.x().dot_general(call.y(), (&x, &y), (&[], &[])).into())
        }),
    ),
    ("jnp.vdot", Binary(|x, y| x.vdot(y))),
    (
        "lax.dot_general",
        Of(|call| {
            let numbers = call.option("dimension_numbers").unwrap();
            let [contract_x, contract_y] = <[Vec<usize>; 2]>::try_from(axes(&numbers[0])).unwrap();
            let [batch_x, batch_y] = <[Vec<usize>; 2]>::try_from(axes(&numbers[1])).unwrap();
            Ok(call.x().dot_general(call.y(), (&contract_x, &contract_y), (&batch_x, &batch_y)).into())
        }),
    ),
];

/// Lists of axes.
fn axes(value: &serde_json::Value) -> Vec<Vec<usize>> {
    let list = |list: &serde_json::Value| super::call::ints(list).into_iter().map(|axis| axis as usize).collect();
    value.as_array().unwrap().iter().map(list).collect()
}
