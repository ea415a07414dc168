//! Elementwise functions of one array, real, complex or of integers.

use super::call::Function::{self, Call, Unary};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.angle", Unary(|x| x.imag().atan2(x.real()))),
    ("lax.abs", Unary(|x| x.abs())),
    ("lax.bitwise_not", Unary(|x| !x)),
    ("lax.ceil", Unary(|x| x.ceil())),
    ("lax.conj", Unary(|x| x.conj())),
    ("lax.cos", Unary(|x| x.cos())),
    ("lax.exp", Unary(|x| x.exp())),
    ("lax.floor", Unary(|x| x.floor())),
    ("lax.imag", Unary(|x| x.imag())),
    ("lax.is_finite", Unary(|x| x.is_finite())),
    ("lax.log", Unary(|x| x.log())),
    ("lax.logistic", Unary(|x| x.sigmoid())),
    ("lax.neg", Unary(|x| -x)),
    ("lax.real", Unary(|x| x.real())),
    ("lax.reciprocal", Unary(|x| x.reciprocal())),
    ("lax.rsqrt", Unary(|x| x.rsqrt())),
    ("lax.sign", Unary(|x| x.sign())),
    ("lax.sin", Unary(|x| x.sin())),
    ("lax.sqrt", Unary(|x| x.sqrt())),
    ("lax.square", Unary(|x| x.square())),
    ("lax.tanh", Unary(|x| x.tanh())),
    ("x.convert", Call(|call| Ok(call.x().astype(call.dtype("dtype").unwrap()).into()))),
    ("x.integer_pow", Call(|call| Ok(call.x().powi(call.int("y").unwrap() as i32).into()))),
    ("x.round_to_even", Unary(|x| x.round())),
];
