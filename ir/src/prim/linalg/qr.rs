//! The factorisation of matrices into orthonormal columns and a triangle.

use super::dense::{Dense, Number, each, inner};
use super::triangular::Triangle;
use super::{as_inexact, batch_items, inexact, lower, matrix_extents, with_item};
use crate::array::{Array, apply_many};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::prim::{Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Prim, Routine, Transpose, WithTangents};
use crate::transform::refusal;
use crate::types::Type;

/// Orthonormal columns and a triangle.
pub static QR: Prim = Prim {
    name: "qr",
    doc: "`q` with orthonormal columns and the upper triangular `r` with `q r = x`, both reduced: of `m` rows and `n` \
          columns, `q` has the least of both as columns and `r` as rows. The diagonal of `r` is real and not negative, \
          which makes the factors of a matrix of full rank unique.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize]| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], Attrs::none())
        };
        vec![
            case(DType::F64, &[3, 3]),
            case(DType::C128, &[3, 3]),
            case(DType::F64, &[4, 2]),
            case(DType::C128, &[2, 4, 3]),
            case(DType::F32, &[2, 3, 3]),
            case(DType::C64, &[3, 2]),
            case(DType::F64, &[2, 2, 0]),
        ]
    }),
    infer: |operands, _| {
        let x = operands[0];
        inexact("qr", x)?;
        let (rows, columns) = matrix_extents("qr", x)?;
        let least = rows.min(columns);
        Ok(smallvec::smallvec![with_item(x, x.dtype, &[rows, least]), with_item(x, x.dtype, &[least, columns])])
    },
    eval: Eval::Tensors(|xs, _, types| each(xs, types, |xs| reflect(&xs[0]))),
    jvp: Jvp::Whole(|_, xs, tangents, _| {
        let (q, r) = factors(&xs[0]);
        let tangents = match &tangents[0] {
            Some(dx) => tangents_of(&q, &r, dx).map(Some),
            None => [None, None],
        };
        let pushed: WithTangents = (vec![q, r], tangents.into());
        pushed
    }),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| batch_items(args, 2)),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[2] }),
};

impl Array {
    /// Matrices as `q r`, where the columns of `q` are orthonormal and `r` is upper triangular, with a diagonal that is real
    /// and not negative. Both are reduced: of a tall matrix, `q` is as tall and `r` is square.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (q, r) = Array::from([[3.0f64, 1.0], [4.0, 2.0]]).qr();
    /// assert!((r.to_vec::<f64>().unwrap()[0] - 5.0).abs() < 1e-12);
    /// assert!((q.matmul(&r).to_vec::<f64>().unwrap()[2] - 4.0).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn qr(&self) -> (Array, Array) {
        factors(&as_inexact(self))
    }
}

#[track_caller]
fn factors(x: &Array) -> (Array, Array) {
    match &apply_many(&QR, &[x], Attrs::none(), 2)[..] {
        [q, r] => (q.clone(), r.clone()),
        _ => crate::error::internal("a factorisation without its results"),
    }
}

/// With `s = q^H dx r^-1`, the tangents are `dq = q (w - s) + dx r^-1` and `dr = (s - w) r` for the skew-Hermitian `w` that
/// makes `s - w` upper triangular with a real diagonal (Townsend, Differentiating the QR decomposition, 2018).
fn tangents_of(q: &Array, r: &Array, dx: &Array) -> [Array; 2] {
    let both = |error: Array| [error.clone(), error];
    let ty = match dx.ty() {
        Ok(ty) => ty,
        Err(_) => return both(dx.clone()),
    };
    let (rows, columns) = (ty.shape[ty.rank() - 2], ty.shape[ty.rank() - 1]);
    if rows < columns {
        let message =
            format!("{ty} is wider than tall, and only the factors of others have a derivative; factor its adjoint");
        return both(refusal("qr", message));
    }
    let right = r.solve_triangular(&dx.swap_axes(-2, -1), Triangle::UPPER.transposed()).swap_axes(-2, -1);
    let s = q.adjoint().matmul(&right);
    let below = lower(&s, -1);
    let imaginary = Array::eye(columns, DType::Bool).select(&s - s.real().astype(ty.dtype), 0);
    let w = &below - below.adjoint() + imaginary;
    [q.matmul(&(&w - &s)) + right, (s - w).matmul(r)]
}

/// Reflection of one column after the other onto an axis (Householder), then phases as the record states.
fn reflect(x: &Dense) -> Vec<Dense> {
    let (rows, least) = (x.rows, x.rows.min(x.columns));
    let (mut r, mut q) = (x.clone(), Dense::identity(rows));
    for step in 0..least {
        let mut v = r.column(step);
        v[..step].fill(Number::ZERO);
        let length = super::dense::norm(&v);
        if length == 0.0 {
            continue;
        }
        let head = v[step];
        v[step] += if head == Number::ZERO { length.into() } else { head / head.norm() * length };
        let squares = inner(&v, &v).re;
        for column in 0..r.columns {
            let along = inner(&v, &r.column(column)) * 2.0 / squares;
            for row in 0..rows {
                r[(row, column)] -= v[row] * along;
            }
        }
        for row in 0..rows {
            let along: Number = (0..rows).map(|k| q[(row, k)] * v[k]).sum::<Number>() * 2.0 / squares;
            for column in 0..rows {
                q[(row, column)] -= along * v[column].conj();
            }
        }
    }
    for step in 0..least {
        let size = r[(step, step)].norm();
        if size > 0.0 {
            let phase = r[(step, step)] / size;
            q.scale_column(step, phase);
            for column in 0..r.columns {
                r[(step, column)] /= phase;
            }
        }
    }
    let triangle = |row, column| match row <= column {
        true if row == column => r[(row, column)].re.into(),
        true => r[(row, column)],
        false => Number::ZERO,
    };
    let first: Vec<usize> = (0..least).collect();
    vec![q.select_columns(&first), Dense::from_fn(least, x.columns, triangle)]
}
