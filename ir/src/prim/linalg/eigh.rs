//! Eigenvalues and eigenvectors of Hermitian matrices.

use super::dense::{Dense, Number, Rotation, each};
use super::{as_column, as_inexact, as_row, batch_items, diagonal, hermitian, inexact, square_extent, with_item};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::prim::axes::attempt;
use crate::prim::{
    Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Prim, Routine, Transpose, Types, WithTangents,
};
use crate::types::Type;

/// Eigenvalues, and eigenvectors if asked for.
pub static EIGH: Prim = Prim {
    name: "eigh",
    doc: "The eigenvalues in ascending order, real, and with `vectors` a second result whose columns are orthonormal \
          eigenvectors, of the Hermitian matrix of which the operand is the lower triangle. The first element of a vector \
          that is of considerable size, compared with its largest, is positive. What is not finite gives NaN.",
    arity: Arity::Exactly(1),
    attrs: &[("vectors", AttrKind::Bool)],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize], vectors| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], attrs(vectors))
        };
        vec![
            case(DType::F64, &[3, 3], true),
            case(DType::F64, &[2, 3, 3], false),
            case(DType::C128, &[3, 3], false),
            case(DType::C64, &[2, 3, 3], true),
            case(DType::F32, &[4, 4], true),
            case(DType::F64, &[2, 0, 0], true),
        ]
    }),
    infer: |operands, attrs| {
        let x = operands[0];
        inexact("eigh", x)?;
        let rows = square_extent("eigh", x)?;
        let values = with_item(x, x.dtype.real(), &[rows]);
        Ok(if attrs.bool("vectors") { Types::from_vec(vec![values, x.clone()]) } else { Types::from_vec(vec![values]) })
    },
    eval: Eval::Tensors(|xs, _, types| each(xs, types, |xs| rotate(&xs[0]))),
    jvp: Jvp::Whole(|_, xs, tangents, attrs| push_forward(&xs[0], tangents[0].as_ref(), attrs.bool("vectors"))),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| batch_items(args, if args.attrs.bool("vectors") { 2 } else { 1 })),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[1, 2] }),
};

impl Array {
    /// The eigenvalues of Hermitian matrices, ascending, and their eigenvectors as columns: `x v = v * w`. The mean of the
    /// matrix and its conjugate transpose is what is decomposed. Eigenvectors have a derivative where all eigenvalues are
    /// distinct; of complex ones, only functions that do not depend on the phases of vectors do.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (values, vectors) = Array::from([[2.0f64, 1.0], [1.0, 2.0]]).eigh();
    /// let values = values.to_vec::<f64>().unwrap();
    /// assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
    /// assert_eq!(vectors.shape().unwrap()[..], [2, 2]);
    /// ```
    #[track_caller]
    pub fn eigh(&self) -> (Array, Array) {
        match &decompose(&self.hermitian_part("eigh"), true)[..] {
            [values, vectors] => (values.clone(), vectors.clone()),
            _ => crate::error::internal("a decomposition without its results"),
        }
    }

    /// The eigenvalues of Hermitian matrices, ascending, as [`Array::eigh`] gives them.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let values = Array::from([[2.0f64, 0.0], [0.0, -1.0]]).eigvalsh();
    /// assert_eq!(values.to_vec::<f64>().unwrap(), [-1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn eigvalsh(&self) -> Array {
        decompose(&self.hermitian_part("eigvalsh"), false).swap_remove(0)
    }

    /// The mean of square matrices and their conjugate transposes.
    #[track_caller]
    fn hermitian_part(&self, operation: &'static str) -> Array {
        let x = as_inexact(self);
        attempt!(x.ty().and_then(|ty| square_extent(operation, &ty)));
        (&x + x.adjoint()) * 0.5
    }
}

#[track_caller]
fn decompose(x: &Array, vectors: bool) -> Vec<Array> {
    apply_many(&EIGH, &[x], attrs(vectors), if vectors { 2 } else { 1 })
}

/// The attributes of [`EIGH`].
fn attrs(vectors: bool) -> Attrs {
    Attrs::none().with("vectors", Attr::Bool(vectors))
}

/// With `s = v^H dx v`, the tangent of the values is the diagonal of `s`, and that of the vectors `v (f * s)`, where `f` is
/// the reciprocal difference of eigenvalues, 0 on the diagonal.
fn push_forward(x: &Array, tangent: Option<&Array>, vectors: bool) -> WithTangents {
    let Some(dx) = tangent else {
        let results = decompose(x, vectors);
        let count = results.len();
        return (results, vec![None; count]);
    };
    let both = decompose(x, true);
    let (w, v) = (&both[0], &both[1]);
    let s = v.adjoint().matmul(&hermitian(dx).matmul(v));
    let dw = diagonal(&s).real();
    if !vectors {
        return (vec![w.clone()], vec![Some(dw)]);
    }
    let dv = vector_tangent(w, v, &s);
    (both, vec![Some(dw), Some(dv)])
}

fn vector_tangent(w: &Array, v: &Array, s: &Array) -> Array {
    let (values, ty) = (attempt!(w.ty()), attempt!(v.ty()));
    let identity = Array::eye(values.shape[values.rank() - 1], DType::Bool);
    let differences = as_row(w, values.dtype) - as_column(w, values.dtype);
    let f = identity.select(0, identity.select(1, differences).reciprocal());
    v.matmul(&(f.astype(ty.dtype) * s))
}

/// Rotations that make one pair of elements after the other vanish (Jacobi), until all have.
fn rotate(x: &Dense) -> Vec<Dense> {
    let n = x.rows;
    let mut a = Dense::from_fn(n, n, |row, column| match row.cmp(&column) {
        std::cmp::Ordering::Greater => x[(row, column)],
        std::cmp::Ordering::Equal => x[(row, row)].re.into(),
        std::cmp::Ordering::Less => x[(column, row)].conj(),
    });
    if !a.is_finite() {
        return vec![Dense::undefined(n, 1), Dense::undefined(n, n)];
    }
    let mut v = Dense::identity(n);
    for _ in 0..MOST_SWEEPS {
        let mut changed = false;
        for p in 0..n {
            for q in p + 1..n {
                let b = a[(p, q)];
                if b.norm() <= f64::EPSILON * f64::EPSILON * (a[(p, p)].norm() + a[(q, q)].norm()) || b == Number::ZERO
                {
                    continue;
                }
                changed = true;
                let rotation = Rotation::diagonalising(a[(p, p)].re, b, a[(q, q)].re);
                a.rotate_columns((p, q), rotation);
                a = a.adjoint();
                a.rotate_columns((p, q), rotation);
                a = a.adjoint();
                v.rotate_columns((p, q), rotation);
            }
        }
        if !changed {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[(i, i)].re.total_cmp(&a[(j, j)].re));
    let values = Dense::vector(order.iter().map(|&i| Number::from(a[(i, i)].re)));
    let mut vectors = v.select_columns(&order);
    for column in 0..n {
        vectors.scale_column(column, vectors.phase_of_column(column).conj());
    }
    vec![values, vectors]
}

/// Convergence is quadratic: a matrix that needs more than a few sweeps does not exist.
const MOST_SWEEPS: usize = 60;
