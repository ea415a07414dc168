//! Elementwise functions of one array, real, complex or of integers.

use super::call::Function::{self, Call, Unary};
use super::call::Output;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.angle", Unary(|x| x.angle())),
    (
        "jnp.frexp",
        Call(|call| {
            let (mantissa, exponent) = call.x().frexp();
            Ok(Output::Several(vec![mantissa, exponent]))
        }),
    ),
    ("jnp.nan_to_num", Unary(|x| x.nan_to_num())),
    ("jnp.sinc", Unary(|x| x.sinc())),
    ("lax.abs", Unary(|x| x.abs())),
    ("lax.acos", Unary(|x| x.acos())),
    ("lax.acosh", Unary(|x| x.acosh())),
    ("lax.asin", Unary(|x| x.asin())),
    ("lax.asinh", Unary(|x| x.asinh())),
    ("lax.atan", Unary(|x| x.atan())),
    ("lax.atanh", Unary(|x| x.atanh())),
    ("lax.bitwise_not", Unary(|x| !x)),
    ("lax.cbrt", Unary(|x| x.cbrt())),
    ("lax.ceil", Unary(|x| x.ceil())),
    ("lax.clz", Unary(|x| x.clz())),
    ("lax.conj", Unary(|x| x.conj())),
    ("lax.cos", Unary(|x| x.cos())),
    ("lax.cosh", Unary(|x| x.cosh())),
    ("lax.exp", Unary(|x| x.exp())),
    ("lax.exp2", Unary(|x| x.exp2())),
    ("lax.expm1", Unary(|x| x.expm1())),
    ("lax.floor", Unary(|x| x.floor())),
    ("lax.imag", Unary(|x| x.imag())),
    ("lax.is_finite", Unary(|x| x.is_finite())),
    ("lax.log", Unary(|x| x.log())),
    ("lax.log1p", Unary(|x| x.log1p())),
    ("lax.logistic", Unary(|x| x.sigmoid())),
    ("lax.neg", Unary(|x| -x)),
    ("lax.population_count", Unary(|x| x.population_count())),
    ("lax.real", Unary(|x| x.real())),
    ("lax.reciprocal", Unary(|x| x.reciprocal())),
    ("lax.rsqrt", Unary(|x| x.rsqrt())),
    ("lax.sign", Unary(|x| x.sign())),
    ("lax.sin", Unary(|x| x.sin())),
    ("lax.sinh", Unary(|x| x.sinh())),
    ("lax.sqrt", Unary(|x| x.sqrt())),
    ("lax.square", Unary(|x| x.square())),
    ("lax.tan", Unary(|x| x.tan())),
    ("lax.tanh", Unary(|x| x.tanh())),
    ("x.convert", Call(|call| Ok(call.x().astype(call.dtype("dtype").unwrap()).into()))),
    ("x.integer_pow", Call(|call| Ok(call.x().powi(call.int("y").unwrap() as i32).into()))),
    ("x.round_away", Unary(|x| x.round_away())),
    ("x.round_to_even", Unary(|x| x.round())),
];
