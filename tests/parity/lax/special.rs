//! Special functions: the gamma function and its relatives, error functions, Bessel functions.

use super::call::Function::{self, Binary, Call, Unary};
use cotangent::Array;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("special.betainc", Call(|call| Ok(call.x().betainc(call.y(), &call.arrays[2]).into()))),
    ("special.betaln", Binary(|x, y| x.betaln(y))),
    ("special.digamma", Unary(|x| x.digamma())),
    ("special.entr", Unary(|x| x.entr())),
    ("special.erf", Unary(|x| x.erf())),
    ("special.erfc", Unary(|x| x.erfc())),
    ("special.erfinv", Unary(|x| x.erf_inv())),
    ("special.expit", Unary(|x| x.sigmoid())),
    ("special.gamma", Unary(|x| x.gamma())),
    ("special.gammainc", Binary(|a, x| a.gammainc(x))),
    ("special.gammaincc", Binary(|a, x| a.gammaincc(x))),
    ("special.gammaln", Unary(|x| x.lgamma())),
    ("special.i0", Unary(|x| x.i0())),
    ("special.i0e", Unary(|x| x.i0e())),
    ("special.i1", Unary(|x| x.i1())),
    ("special.i1e", Unary(|x| x.i1e())),
    ("special.log_ndtr", Unary(|x| x.log_ndtr())),
    ("special.logit", Unary(|x| x.logit())),
    ("special.multigammaln", Call(|call| Ok(call.x().multigammaln(call.int("d").unwrap() as u32).into()))),
    ("special.ndtr", Unary(|x| x.ndtr())),
    ("special.ndtri", Unary(|x| x.ndtri())),
    ("special.polygamma", Binary(polygamma)),
    ("special.xlog1py", Binary(|x, y| x.xlog1py(y))),
    ("special.xlogy", Binary(|x, y| x.xlogy(y))),
    ("special.zeta", Binary(|x, q| x.zeta(q))),
];

/// The polygamma function whose order is an element of an array: that of every order, each where the order is asked for.
fn polygamma(order: &Array, x: &Array) -> Array {
    let orders = order.to_vec::<i32>().unwrap_or_else(|error| panic!("{error}"));
    let none = x.zeros_like();
    orders.iter().fold(none, |rest, &n| order.equal(n).select(x.polygamma(n as u32), rest))
}
