//! The singular value decomposition.

use super::dense::{Dense, Number, Rotation, each, inner, norm};
use super::{as_column, as_inexact, as_row, batch_items, diagonal, inexact, matrix_extents, with_item};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::prim::axes::attempt;
use crate::prim::index::concatenate;
use crate::prim::{
    Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Prim, Routine, Transpose, Types, WithTangents,
};
use crate::types::Type;

/// Singular values, and singular vectors if asked for.
pub static SVD: Prim = Prim {
    name: "svd",
    doc: "The singular values in descending order, and with `vectors` two more results, `u` and `vh`, with `u * s vh = x`; \
          the columns of `u` and the rows of `vh` are orthonormal, as many as there are singular values. The first element \
          of a column of `u` that is of considerable size, compared with its largest, is positive. What is not finite \
          gives NaN.",
    arity: Arity::Exactly(1),
    attrs: &[("vectors", AttrKind::Bool)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], vectors| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], attrs(vectors))
        };
        vec![
            case(DType::F64, &[3, 3], true),
            case(DType::F64, &[4, 2], true),
            case(DType::F64, &[2, 2, 4], true),
            case(DType::C128, &[3, 2], false),
            case(DType::F64, &[2, 2, 3], false),
            case(DType::C64, &[2, 3, 2], true),
            case(DType::F32, &[3, 3], true),
            case(DType::F64, &[2, 2, 0], true),
        ]
    }),
    infer: |operands, attrs| infer(operands[0], attrs.bool("vectors")),
    eval: Eval::Tensors(|xs, _, types| each(xs, types, |xs| orthogonalise(&xs[0]))),
    jvp: Jvp::Whole(|_, xs, tangents, attrs| push_forward(&xs[0], tangents[0].as_ref(), attrs.bool("vectors"))),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| batch_items(args, count(args.attrs.bool("vectors")))),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[1, 2] }),
};

/// A singular value decomposition, reduced: `u * s vh`.
#[derive(Clone, Debug)]
pub struct Svd {
    /// Orthonormal columns.
    pub u: Array,
    /// Singular values, descending.
    pub s: Array,
    /// Orthonormal rows.
    pub vh: Array,
}

impl Array {
    /// The singular value decomposition of matrices, reduced to as many singular values as the shorter side has elements.
    /// Singular vectors have a derivative where all singular values are distinct and not zero; of complex ones, only
    /// functions that do not depend on the phases of vectors do.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let svd = Array::from([[0.0f64, 3.0], [2.0, 0.0]]).svd();
    /// assert_eq!(svd.s.to_vec::<f64>().unwrap(), [3.0, 2.0]);
    /// assert_eq!(svd.u.to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn svd(&self) -> Svd {
        match &decompose(&as_inexact(self), true)[..] {
            [s, u, vh] => Svd { u: u.clone(), s: s.clone(), vh: vh.clone() },
            _ => crate::error::internal("a decomposition without its results"),
        }
    }

    /// The singular value decomposition of matrices with square `u` and `vh`: the vectors of [`Array::svd`], completed by
    /// others orthogonal to them. Those have no derivative, so that only square matrices can be differentiated through.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let svd = Array::from([[0.0f64, 3.0]]).svd_full();
    /// assert_eq!(svd.s.to_vec::<f64>().unwrap(), [3.0]);
    /// assert_eq!(svd.vh.shape().unwrap()[..], [2, 2]);
    /// ```
    #[track_caller]
    pub fn svd_full(&self) -> Svd {
        let Svd { u, s, vh } = self.svd();
        Svd { u: completed(&u), s, vh: completed(&vh.adjoint()).adjoint() }
    }

    /// The singular values of matrices, descending.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let s = Array::from([[0.0f64, -3.0], [2.0, 0.0]]).svdvals();
    /// assert_eq!(s.to_vec::<f64>().unwrap(), [3.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn svdvals(&self) -> Array {
        decompose(&as_inexact(self), false).swap_remove(0)
    }
}

/// Orthonormal columns, completed to square matrices.
#[track_caller]
fn completed(columns: &Array) -> Array {
    let ty = attempt!(columns.ty());
    let (rows, count) = attempt!(matrix_extents("svd_full", &ty));
    if rows == count {
        return columns.clone();
    }
    let (square, _) = columns.qr_complete();
    concatenate(&[columns.clone(), square.narrow(-1, count, rows - count)], -1)
}

#[track_caller]
fn decompose(x: &Array, vectors: bool) -> Vec<Array> {
    apply_many(&SVD, &[x], attrs(vectors), count(vectors))
}

/// The attributes of [`SVD`].
fn attrs(vectors: bool) -> Attrs {
    Attrs::none().with("vectors", Attr::Bool(vectors))
}

fn count(vectors: bool) -> usize {
    if vectors { 3 } else { 1 }
}

fn infer(x: &Type, vectors: bool) -> Result<Types> {
    inexact("svd", x)?;
    let (rows, columns) = matrix_extents("svd", x)?;
    let least = rows.min(columns);
    let mut types = Types::from_vec(vec![with_item(x, x.dtype.real(), &[least])]);
    if vectors {
        types.push(with_item(x, x.dtype, &[rows, least]));
        types.push(with_item(x, x.dtype, &[least, columns]));
    }
    Ok(types)
}

fn push_forward(x: &Array, tangent: Option<&Array>, vectors: bool) -> WithTangents {
    let Some(dx) = tangent else {
        let results = decompose(x, vectors);
        let count = results.len();
        return (results, vec![None; count]);
    };
    let all = decompose(x, true);
    let (s, u, vh) = (&all[0], &all[1], &all[2]);
    let inner = u.adjoint().matmul(&dx.matmul(&vh.adjoint()));
    let ds = diagonal(&inner).real();
    if !vectors {
        return (vec![s.clone()], vec![Some(ds)]);
    }
    let du = left_tangent(s, u, vh, dx, &inner);
    let dvh = right_tangent(s, u, vh, dx, &inner);
    (all, vec![Some(ds), Some(du), Some(dvh)])
}

/// The matrix `1 / (s[j]^2 - s[i]^2)`, 0 on the diagonal.
fn gaps(s: &Array) -> Array {
    let ty = attempt!(s.ty());
    let identity = Array::eye(ty.shape[ty.rank() - 1], DType::Bool);
    let (row, column) = (as_row(s, ty.dtype), as_column(s, ty.dtype));
    let differences = (&row + &column) * (row - column);
    identity.select(0, identity.select(1, differences).reciprocal())
}

/// With `d = u^H dx v`, `du = u (f * (d s + (d s)^H))`, and half of the skew-Hermitian part of `d / s`, which only complex
/// matrices have on the diagonal. Columns outside the span of `u` contribute `(1 - u u^H) dx v / s`.
fn left_tangent(s: &Array, u: &Array, vh: &Array, dx: &Array, d: &Array) -> Array {
    let ty = attempt!(u.ty());
    let scaled = d * as_row(s, ty.dtype);
    let (rows, least) = attempt!(matrix_extents("svd", &ty));
    let apart = gaps(s).astype(ty.dtype) * (&scaled + scaled.adjoint());
    let inside = match ty.dtype.is_complex() {
        true => {
            let zero = s.equal(0);
            let inverse = zero.select(0, zero.select(1, s).reciprocal());
            let turning = (d - d.adjoint()) * 0.5 * as_row(&inverse, ty.dtype);
            apart + Array::eye(least, DType::Bool).select(turning, 0)
        }
        false => apart,
    };
    let du = u.matmul(&inside);
    if rows == least {
        return du;
    }
    let moved = dx.matmul(&vh.adjoint());
    du + (&moved - u.matmul(&u.adjoint().matmul(&moved))) / as_row(s, ty.dtype)
}

/// As [`left_tangent`], of the conjugate transpose of the matrix: `dv = v (f * (s d + (s d)^H))`.
fn right_tangent(s: &Array, u: &Array, vh: &Array, dx: &Array, d: &Array) -> Array {
    let ty = attempt!(vh.ty());
    let scaled = d * as_column(s, ty.dtype);
    let inside = gaps(s).astype(ty.dtype) * (&scaled + scaled.adjoint());
    let v = vh.adjoint();
    let dv = v.matmul(&inside);
    let (least, columns) = attempt!(matrix_extents("svd", &ty));
    if columns == least {
        return dv.adjoint();
    }
    let moved = dx.adjoint().matmul(u);
    (dv + (&moved - v.matmul(&vh.matmul(&moved))) / as_row(s, ty.dtype)).adjoint()
}

/// Rotations that make one pair of columns after the other orthogonal (Hestenes), until all are. Their lengths are the
/// singular values then. A wide matrix is treated as its conjugate transpose.
fn orthogonalise(x: &Dense) -> Vec<Dense> {
    let least = x.rows.min(x.columns);
    if !x.is_finite() {
        let [u, vh] = [(x.rows, least), (least, x.columns)].map(|(rows, columns)| Dense::undefined(rows, columns));
        return vec![Dense::undefined(least, 1), u, vh];
    }
    let wide = x.rows < x.columns;
    let mut a = if wide { x.adjoint() } else { x.clone() };
    let mut v = Dense::identity(least);
    for _ in 0..MOST_SWEEPS {
        let mut changed = false;
        for p in 0..least {
            for q in p + 1..least {
                let (x, y) = (a.column(p), a.column(q));
                let (along, size) = (inner(&x, &y), norm(&x) * norm(&y));
                if along.norm() <= f64::EPSILON * size || along == Number::ZERO {
                    continue;
                }
                changed = true;
                let rotation = Rotation::diagonalising(inner(&x, &x).re, along, inner(&y, &y).re);
                a.rotate_columns((p, q), rotation);
                v.rotate_columns((p, q), rotation);
            }
        }
        if !changed {
            break;
        }
    }
    let lengths: Vec<f64> = (0..least).map(|column| norm(&a.column(column))).collect();
    let mut order: Vec<usize> = (0..least).collect();
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));
    let (mut u, mut v) = (a.select_columns(&order), v.select_columns(&order));
    let s: Vec<f64> = order.iter().map(|&column| lengths[column]).collect();
    normalise(&mut u, &s);
    if wide {
        std::mem::swap(&mut u, &mut v);
    }
    for column in 0..least {
        let phase = u.phase_of_column(column).conj();
        u.scale_column(column, phase);
        v.scale_column(column, phase);
    }
    vec![Dense::vector(s.into_iter().map(Number::from)), u, v.adjoint()]
}

/// Divides columns by their lengths. Those without a direction are replaced by unit vectors orthogonal to all before them.
fn normalise(u: &mut Dense, lengths: &[f64]) {
    let largest = lengths.first().copied().unwrap_or(0.0);
    for column in 0..u.columns {
        if lengths[column] > largest * f64::EPSILON * u.rows as f64 {
            u.scale_column(column, (1.0 / lengths[column]).into());
            continue;
        }
        let without_others = |axis: usize| -> Vec<Number> {
            let mut rest = vec![Number::ZERO; u.rows];
            rest[axis] = Number::ONE;
            for _ in 0..2 {
                for other in (0..column).map(|other| u.column(other)) {
                    let along = inner(&other, &rest);
                    rest.iter_mut().zip(&other).for_each(|(x, y)| *x -= along * y);
                }
            }
            rest
        };
        let longest = (0..u.rows).map(without_others).max_by(|x, y| norm(x).total_cmp(&norm(y)));
        let Some(direction) = longest else { continue };
        let length = norm(&direction);
        for (row, value) in direction.into_iter().enumerate() {
            u[(row, column)] = value / length;
        }
    }
}

/// Convergence is quadratic: a matrix that needs more than a few sweeps does not exist.
const MOST_SWEEPS: usize = 60;
