//! Linear algebra.

use super::call::Function::{self, Binary, Call as Of, Unary};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::ir::prim::linalg::MatrixNorm;
use cotangent::ir::prim::linalg::triangular::{Op, Triangle};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.linalg.cholesky", Unary(|x| x.cholesky())),
    ("jnp.linalg.det", Unary(|x| x.det())),
    ("jnp.linalg.eigvalsh", Unary(|x| x.eigvalsh())),
    ("jnp.linalg.inv", Unary(|x| x.inv())),
    ("jnp.linalg.matrix_power", Of(|call| Ok(call.x().matrix_power(call.int("n").unwrap() as i32).into()))),
    ("jnp.linalg.norm", Of(norm)),
    ("jnp.linalg.pinv", Unary(|x| x.pinv())),
    ("jnp.linalg.solve", Binary(|x, y| x.solve(y))),
    ("linalg.expm", Unary(|x| x.expm())),
    (
        "linalg.solve_triangular",
        Of(|call| {
            let triangle = Triangle { lower: call.flag("lower"), op: op(call), unit: call.flag("unit_diagonal") };
            Ok(call.x().solve_triangular(call.y(), triangle).into())
        }),
    ),
    ("linalg.svd", Unary(|x| x.svdvals())),
    (
        "x.cho_solve",
        Of(|call| {
            let (factor, lower) = (call.x().cholesky(), call.flag("lower"));
            let factor = if lower { factor } else { factor.adjoint() };
            Ok(factor.cholesky_solve(call.y(), lower).into())
        }),
    ),
    (
        "x.eigh_rebuild",
        Unary(|x| {
            let (values, vectors) = x.eigh();
            (&vectors * values.expand_dims(-2)).matmul(&vectors.adjoint())
        }),
    ),
    ("x.lstsq", Binary(|x, y| x.lstsq(y))),
    ("x.lu_solve", Of(|call| Ok(call.x().lu().solve(call.y(), op(call)).into()))),
    ("x.qr_abs_r", Unary(|x| x.qr().1.abs())),
    (
        "x.qr_rebuild",
        Unary(|x| {
            let (q, r) = x.qr();
            q.matmul(&r)
        }),
    ),
    (
        "x.slogdet",
        Of(|call| {
            let (sign, log) = call.x().slogdet();
            Ok(Output::Several(vec![sign, log]))
        }),
    ),
    (
        "x.svd_rebuild",
        Unary(|x| {
            let svd = x.svd();
            (svd.u * svd.s.expand_dims(-2)).matmul(&svd.vh)
        }),
    ),
];

fn op(call: &Call<'_>) -> Op {
    match call.int("trans") {
        None | Some(0) => Op::Plain,
        Some(1) => Op::Transposed,
        _ => Op::Adjoint,
    }
}

/// A norm of all elements, of vectors along one axis, or of matrices.
fn norm(call: &Call<'_>) -> Computed<Output> {
    let x = call.x();
    let order = match call.option("ord").and_then(|order| order.as_str()) {
        Some("inf") => Some(f64::INFINITY),
        Some("fro") => return Ok(x.matrix_norm(MatrixNorm::Frobenius).into()),
        Some("nuc") => return Ok(x.matrix_norm(MatrixNorm::Nuclear).into()),
        Some(other) => panic!("norm {other}"),
        None => call.real("ord"),
    };
    let Some(axes) = call.ints("axis") else {
        let norm = match order.map(|order| order as i64) {
            None => return Ok(x.norm().into()),
            Some(1) => MatrixNorm::One,
            Some(-1) => MatrixNorm::LeastColumn,
            Some(2) => MatrixNorm::Spectral,
            Some(-2) => MatrixNorm::LeastSingular,
            Some(other) => panic!("norm {other}"),
        };
        return Ok(x.matrix_norm(norm).into());
    };
    Ok(x.norm_axes(order.unwrap_or(2.0), &axes).into())
}
