//! Elementwise functions of several arrays: arithmetic, comparison, bits, selection.

use super::call::Function::{self, Binary, Call};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.fmod", Binary(|x, y| x.rem(y))),
    ("jnp.less", Binary(|x, y| x.less(y))),
    ("jnp.where", Call(|call| Ok(call.arrays[0].select(&call.arrays[1], &call.arrays[2]).into()))),
    ("lax.add", Binary(|x, y| x + y)),
    ("lax.atan2", Binary(|x, y| x.atan2(y))),
    ("lax.bitwise_and", Binary(|x, y| x & y)),
    ("lax.bitwise_or", Binary(|x, y| x | y)),
    ("lax.bitwise_xor", Binary(|x, y| x ^ y)),
    ("lax.clamp", Call(|call| Ok(call.arrays[1].clamp(&call.arrays[0], &call.arrays[2]).into()))),
    ("lax.div", Binary(|x, y| x / y)),
    ("lax.eq", Binary(|x, y| x.equal(y))),
    ("lax.ge", Binary(|x, y| x.greater_equal(y))),
    ("lax.gt", Binary(|x, y| x.greater(y))),
    ("lax.le", Binary(|x, y| x.less_equal(y))),
    ("lax.lt", Binary(|x, y| x.less(y))),
    ("lax.max", Binary(|x, y| x.maximum(y))),
    ("lax.min", Binary(|x, y| x.minimum(y))),
    ("lax.mul", Binary(|x, y| x * y)),
    ("lax.ne", Binary(|x, y| x.not_equal(y))),
    ("lax.pow", Binary(|x, y| x.pow(y))),
    ("lax.rem", Binary(|x, y| x % y)),
    ("lax.shift_left", Binary(|x, y| x.shift_left(y))),
    ("lax.shift_right_logical", Binary(|x, y| x.shift_right_logical(y))),
    ("lax.sub", Binary(|x, y| x - y)),
];
