//! Least squares and the pseudo-inverse, by the singular value decomposition.

use super::{as_column, as_inexact, matrix_extents};
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::prim::axes::attempt;

impl Array {
    /// The pseudo-inverse of matrices (Moore, Penrose). Singular values below `10 max(rows, columns) eps` times the largest
    /// count as zero.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[2.0f64, 0.0], [0.0, 0.0]]);
    /// assert_eq!(x.pinv().to_vec::<f64>().unwrap(), [0.5, 0.0, 0.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn pinv(&self) -> Array {
        let x = as_inexact(self);
        let ty = attempt!(x.ty());
        let (rows, columns) = attempt!(matrix_extents("pinv", &ty));
        let svd = x.svd();
        let inverse = inverse_of_considerable(&svd.s, 10.0 * rows.max(columns) as f64 * epsilon(ty.dtype));
        svd.vh.adjoint().matmul(&(as_column(&inverse, ty.dtype) * svd.u.adjoint()))
    }

    /// The `x` of least norm among those for which `a x - b` is least, where this array holds matrices `a`. `b` is a vector,
    /// or holds matrices whose columns are right sides. Singular values below `max(rows, columns) eps` times the largest
    /// count as zero.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[1.0f64], [1.0]]);
    /// let x = a.lstsq(&Array::from([1.0f64, 3.0])).to_vec::<f64>().unwrap();
    /// assert!((x[0] - 2.0).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn lstsq(&self, b: &Array) -> Array {
        let (a, b) = (as_inexact(self), as_inexact(b));
        let (ty, right) = (attempt!(a.ty()), attempt!(b.ty()));
        let (rows, columns) = attempt!(matrix_extents("lstsq", &ty));
        let vector = right.rank() == 1;
        let equations = right.shape.get(right.rank().saturating_sub(if vector { 1 } else { 2 }));
        if equations != Some(&rows) {
            let message =
                format!("{ty} has {rows} rows, which {right} does not; a right side has one number for each row");
            return fail(ErrorKind::Shape, "lstsq", message);
        }
        let b = if vector { b.expand_dims(1) } else { b };
        let svd = a.svd();
        let inverse = inverse_of_considerable(&svd.s, rows.max(columns) as f64 * epsilon(ty.dtype));
        let x = svd.vh.adjoint().matmul(&(as_column(&inverse, ty.dtype) * svd.u.adjoint().matmul(&b)));
        if vector { x.squeeze(-1) } else { x }
    }
}

/// The reciprocals of singular values larger than `fraction` of the first, 0 for the others.
#[track_caller]
fn inverse_of_considerable(s: &Array, fraction: f64) -> Array {
    let considerable = s.greater(s.keep_axes().max_axes(&[-1]) * fraction);
    considerable.select(considerable.select(s, 1).reciprocal(), 0)
}

/// The distance from 1 to the next number.
pub(super) fn epsilon(dtype: DType) -> f64 {
    if dtype.real() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}
