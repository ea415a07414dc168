//! Sums and the like of all elements up to each.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use cotangent::Array;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("lax.cumlogsumexp", Of(|call| Ok(along(call, Array::cumlogsumexp, Array::cumlogsumexp_reversed)))),
    ("lax.cummax", Of(|call| Ok(along(call, Array::cummax, Array::cummax_reversed)))),
    ("lax.cummin", Of(|call| Ok(along(call, Array::cummin, Array::cummin_reversed)))),
    ("lax.cumprod", Of(|call| Ok(along(call, Array::cumprod, Array::cumprod_reversed)))),
    ("lax.cumsum", Of(|call| Ok(along(call, Array::cumsum, Array::cumsum_reversed)))),
];

type Along = fn(&Array, isize) -> Array;

fn along(call: &Call<'_>, forward: Along, reversed: Along) -> Output {
    let along = if call.flag("reverse") { reversed } else { forward };
    along(call.x(), call.int("axis").unwrap() as isize).into()
}
