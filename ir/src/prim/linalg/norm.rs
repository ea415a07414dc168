//! Norms of matrices, and what singular values say of them.

use super::least_squares::epsilon;
use super::{as_inexact, matrix_extents};
use crate::array::Array;
use crate::dtype::DType;
use crate::prim::axes::attempt;

/// A norm of matrices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatrixNorm {
    /// The root of the sum of squared moduli.
    Frobenius,
    /// The sum of singular values.
    Nuclear,
    /// The largest singular value.
    Spectral,
    /// The largest sum of moduli of a column.
    One,
    /// The largest sum of moduli of a row.
    Infinity,
    /// The smallest singular value. As the next two, it is no norm, but NumPy counts it among them.
    LeastSingular,
    /// The least sum of moduli of a column.
    LeastColumn,
    /// The least sum of moduli of a row.
    LeastRow,
}

impl Array {
    /// A norm of matrices.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::linalg::MatrixNorm};
    /// let x = Array::from([[0.0f64, 3.0], [-4.0, 0.0]]);
    /// assert_eq!(x.matrix_norm(MatrixNorm::Nuclear).item().unwrap(), 7.0);
    /// assert_eq!(x.matrix_norm(MatrixNorm::Spectral).item().unwrap(), 4.0);
    /// ```
    #[track_caller]
    pub fn matrix_norm(&self, norm: MatrixNorm) -> Array {
        let x = as_inexact(self);
        attempt!(x.ty().and_then(|ty| matrix_extents("matrix_norm", &ty)));
        match norm {
            MatrixNorm::Frobenius => x.abs2().sum_axes(&[-2, -1]).sqrt(),
            MatrixNorm::Nuclear => x.svdvals().sum_axes(&[-1]),
            MatrixNorm::Spectral => x.svdvals().max_axes(&[-1]),
            MatrixNorm::One => x.abs().sum_axes(&[-2]).max_axes(&[-1]),
            MatrixNorm::Infinity => x.abs().sum_axes(&[-1]).max_axes(&[-1]),
            MatrixNorm::LeastSingular => x.svdvals().min_axes(&[-1]),
            MatrixNorm::LeastColumn => x.abs().sum_axes(&[-2]).min_axes(&[-1]),
            MatrixNorm::LeastRow => x.abs().sum_axes(&[-1]).min_axes(&[-1]),
        }
    }

    /// The number of singular values of matrices larger than `max(rows, columns) eps` times the largest, as `i32`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f64, 2.0], [2.0, 4.0]]);
    /// assert_eq!(x.matrix_rank().item().unwrap(), 1.0);
    /// ```
    #[track_caller]
    pub fn matrix_rank(&self) -> Array {
        let x = as_inexact(self);
        let ty = attempt!(x.ty());
        let (rows, columns) = attempt!(matrix_extents("matrix_rank", &ty));
        let s = x.svdvals();
        let least = s.keep_axes().max_axes(&[-1]) * (rows.max(columns) as f64 * epsilon(ty.dtype));
        s.greater(least).astype(DType::I32).sum_axes(&[-1])
    }

    /// The condition number of matrices, the largest singular value over the smallest.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([[2.0f64, 0.0], [0.0, 0.5]]).cond().item().unwrap(), 4.0);
    /// ```
    #[track_caller]
    pub fn cond(&self) -> Array {
        attempt!(self.ty().and_then(|ty| matrix_extents("cond", &ty)));
        let s = self.svdvals();
        s.index_axis(-1, 0) / s.index_axis(-1, -1)
    }
}
