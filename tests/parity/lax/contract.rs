//! Sums of products.

use super::call::Function::{self, Binary, Call as Of};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.cross", Binary(|x, y| x.cross(y))),
    ("jnp.inner", Binary(|x, y| x.inner(y))),
    ("jnp.kron", Binary(|x, y| x.kron(y))),
    ("jnp.matmul", Binary(|x, y| x.matmul(y))),
    ("jnp.outer", Binary(|x, y| x.outer(y))),
    (
        "jnp.tensordot",
        Of(|call| {
            let [x, y] = <[Vec<isize>; 2]>::try_from(call.lists("axes")).unwrap();
            Ok(call.x().tensordot(call.y(), (&x, &y)).into())
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
    (
        "x.einsum",
        Of(|call| {
            let operands: Vec<&cotangent::Array> = call.arrays.iter().collect();
            Ok(cotangent::einsum(call.text("spec").unwrap(), &operands).into())
        }),
    ),
];

/// Lists of axes.
fn axes(value: &serde_json::Value) -> Vec<Vec<usize>> {
    let list = |list: &serde_json::Value| super::call::ints(list).into_iter().map(|axis| axis as usize).collect();
    value.as_array().unwrap().iter().map(list).collect()
}
