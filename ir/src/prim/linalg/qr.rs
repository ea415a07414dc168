//! The factorisation of matrices into orthonormal columns and a triangle.

use super::dense::{Dense, Number, each, inner};
use super::triangular::Triangle;
use super::{as_inexact, batch_items, inexact, lower, matrix_extents, with_item};
use crate::array::{Array, apply_many, fail};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::prim::index::concatenate;
use crate::prim::{Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Prim, Routine, Transpose, WithTangents};
use crate::types::Type;

/// Orthonormal columns and a triangle.
pub static QR: Prim = Prim {
    name: "qr",
    doc: "`q` with orthonormal columns and the upper triangular `r` with `q r = x`. Of `m` rows and `n` columns, `q` has the \
          least of both as columns and `r` as rows; with `complete` both have `m`. The diagonal of `r` is real and not \
          negative, which makes the reduced factors of a matrix of full rank unique; further columns of `q` are what \
          reflections (Householder) make of unit vectors.",
    arity: Arity::Exactly(1),
    attrs: &[("complete", AttrKind::Bool)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], complete| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], attrs(complete))
        };
        vec![
            case(DType::F64, &[3, 3], false),
            case(DType::C128, &[3, 3], true),
            case(DType::F64, &[4, 2], false),
            case(DType::F64, &[2, 4], false),
            case(DType::C128, &[2, 2, 3], true),
            case(DType::C128, &[2, 4, 3], false),
            case(DType::F32, &[2, 3, 3], false),
            case(DType::C64, &[3, 2], false),
            case(DType::F64, &[2, 2, 0], false),
        ]
    }),
    infer: |operands, attrs| {
        let x = operands[0];
        inexact("qr", x)?;
        let (rows, columns) = matrix_extents("qr", x)?;
        let between = if attrs.bool("complete") { rows } else { rows.min(columns) };
        Ok(smallvec::smallvec![with_item(x, x.dtype, &[rows, between]), with_item(x, x.dtype, &[between, columns])])
    },
    eval: Eval::Tensors(|xs, attrs, types| {
        let complete = attrs.bool("complete");
        each(xs, types, |xs| reflect(&xs[0], complete))
    }),
    jvp: Jvp::Whole(|_, xs, tangents, attrs| {
        let (q, r) = factors(&xs[0], attrs.bool("complete"));
        let tangents = match &tangents[0] {
            Some(dx) => tangents_of(&q, &r, dx, attrs.bool("complete")).map(Some),
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
        factors(&as_inexact(self), false)
    }

    /// Matrices as `q r`, as [`Array::qr`] gives them, but with a square `q`: of a tall matrix, `r` is as tall and has zeros
    /// below. The columns added have a derivative only where there are none, that is of matrices that are not tall.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (q, r) = Array::from([[3.0f64], [4.0]]).qr_complete();
    /// assert_eq!(q.shape().unwrap()[..], [2, 2]);
    /// assert!((r.to_vec::<f64>().unwrap()[0] - 5.0).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn qr_complete(&self) -> (Array, Array) {
        factors(&as_inexact(self), true)
    }
}

/// The attributes of [`QR`].
fn attrs(complete: bool) -> Attrs {
    Attrs::none().with("complete", Attr::Bool(complete))
}

#[track_caller]
fn factors(x: &Array, complete: bool) -> (Array, Array) {
    match &apply_many(&QR, &[x], attrs(complete), 2)[..] {
        [q, r] => (q.clone(), r.clone()),
        _ => crate::error::internal("a factorisation without its results"),
    }
}

/// The tangents of the factors. Of a wide matrix `[a b] = q [c d]`, the square part `a = q c` gives those of `q` and `c`, and
/// `d = q^H b` gives its own.
fn tangents_of(q: &Array, r: &Array, dx: &Array, complete: bool) -> [Array; 2] {
    let both = |error: Array| [error.clone(), error];
    let (rows, columns) = match dx.ty().and_then(|ty| matrix_extents("qr", &ty)) {
        Ok(extents) => extents,
        Err(_) => return both(dx.clone()),
    };
    if rows > columns && complete {
        let message = format!(
            "the complete factors of {rows} by {columns} matrices have no derivative, because the columns that complete `q` \
             are arbitrary; use `qr`, whose factors are reduced, or differentiate what depends on their span only"
        );
        return both(fail(ErrorKind::Transform, "qr", message));
    }
    if rows >= columns {
        return tangents_of_tall(q, r, dx);
    }
    let (square, rest) = (dx.narrow(-1, 0, rows), dx.narrow(-1, rows, columns - rows));
    let [dq, dc] = tangents_of_tall(q, &r.narrow(-1, 0, rows), &square);
    let right = q.matmul(&r.narrow(-1, rows, columns - rows));
    let dd = dq.adjoint().matmul(&right) + q.adjoint().matmul(&rest);
    [dq, concatenate(&[dc, dd], -1)]
}

/// With `s = q^H dx r^-1`, the tangents are `dq = q (w - s) + dx r^-1` and `dr = (s - w) r` for the skew-Hermitian `w` that
/// makes `s - w` upper triangular with a real diagonal (Townsend, Differentiating the QR decomposition, 2018).
fn tangents_of_tall(q: &Array, r: &Array, dx: &Array) -> [Array; 2] {
    let (dtype, columns) = match dx.ty().and_then(|ty| Ok((ty.dtype, matrix_extents("qr", &ty)?.1))) {
        Ok(known) => known,
        Err(_) => return [dx.clone(), dx.clone()],
    };
    let right = r.solve_triangular(&dx.swap_axes(-2, -1), Triangle::UPPER.transposed()).swap_axes(-2, -1);
    let s = q.adjoint().matmul(&right);
    let below = lower(&s, -1);
    let imaginary = Array::eye(columns, DType::Bool).select(&s - s.real().astype(dtype), 0);
    let w = &below - below.adjoint() + imaginary;
    [q.matmul(&(&w - &s)) + right, (s - w).matmul(r)]
}

/// Reflection of one column after the other onto an axis (Householder), then phases as the record states.
fn reflect(x: &Dense, complete: bool) -> Vec<Dense> {
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
    let between = if complete { rows } else { least };
    let first: Vec<usize> = (0..between).collect();
    vec![q.select_columns(&first), Dense::from_fn(between, x.columns, triangle)]
}
