//! Linear algebra: factorisations of matrices as primitives, and what is solved and measured with them.
//!
//! Matrices are the last two axes; leading axes count matrices, each treated by itself. The primitives are `cholesky`,
//! `triangular_solve`, `lu`, `qr`, `eigh`, `svd` and `solve`; all else is methods made of them. Where a factorisation is not
//! unique, one is chosen so that every executor gives the same: each record says which.

use super::axes;
use super::{BatchArgs, Prim, refuse};
use crate::array::{Array, apply_many};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::scalar::Scalar;
use crate::types::{Dims, Type};

pub mod cholesky;
mod dense;
mod determinant;
pub mod eigh;
mod exponential;
mod least_squares;
pub mod lu;
mod norm;
pub mod qr;
pub mod solve;
pub mod svd;
pub mod triangular;

pub use norm::MatrixNorm;

/// The primitives of this family.
pub static ALL: &[&Prim] =
    &[&cholesky::CHOLESKY, &triangular::TRIANGULAR_SOLVE, &lu::LU, &qr::QR, &eigh::EIGH, &svd::SVD, &solve::SOLVE];

impl Array {
    /// The conjugate transpose of matrices: the last two axes exchanged, complex elements conjugated.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.adjoint().to_vec::<f32>().unwrap(), [1.0, 3.0, 2.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn adjoint(&self) -> Array {
        self.swap_axes(-2, -1).conj()
    }

    /// The sum of the diagonal of matrices.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([[1.0f32, 2.0], [3.0, 4.0]]).trace().item().unwrap(), 5.0);
    /// ```
    #[track_caller]
    pub fn trace(&self) -> Array {
        let ty = axes::attempt!(self.ty());
        axes::attempt!(matrix_extents("trace", &ty));
        diagonal(self).sum_axes(&[-1])
    }
}

/// Rows and columns of the matrices of a type.
fn matrix_extents(operation: &str, ty: &Type) -> Result<(usize, usize)> {
    match ty.shape[..] {
        [.., rows, columns] => Ok((rows, columns)),
        _ => {
            let message = format!("takes matrices, got {ty}; give it two axes at least, as with `expand_dims`");
            refuse(ErrorKind::Shape, operation, message)
        }
    }
}

/// Rows of the square matrices of a type.
fn square_extent(operation: &str, ty: &Type) -> Result<usize> {
    match matrix_extents(operation, ty)? {
        (rows, columns) if rows == columns => Ok(rows),
        (rows, columns) => {
            let message = format!("takes square matrices, got {ty} with {rows} rows and {columns} columns");
            refuse(ErrorKind::Shape, operation, message)
        }
    }
}

/// Refuses dtypes in which nothing can be divided.
fn inexact(operation: &str, ty: &Type) -> Result<()> {
    if ty.dtype.is_inexact() {
        return Ok(());
    }
    refuse(ErrorKind::DType, operation, format!("takes f32, f64, c64 or c128, got {ty}; convert it with `astype`"))
}

/// The type of arrays with the batch of `ty` and other extents behind it.
fn with_item(ty: &Type, dtype: DType, item: &[usize]) -> Type {
    let batch = &ty.shape[..ty.rank() - 2];
    let shape: Dims = batch.iter().chain(item).copied().collect();
    Type { dtype, shape }
}

/// The array in a dtype of fractions: integers and bools become f32.
#[track_caller]
fn as_inexact(x: &Array) -> Array {
    match x.dtype() {
        Ok(dtype) if !dtype.is_inexact() => x.astype(DType::F32),
        _ => x.clone(),
    }
}

/// The batching rule of primitives on items: the batch is one more leading axis, of all operands.
fn batch_items(args: &BatchArgs<'_>, results: usize) -> Vec<(Array, bool)> {
    let operands: Vec<Array> = (0..args.xs.len()).map(|i| args.with_batch(i)).collect();
    let results = apply_many(args.prim, &operands.iter().collect::<Vec<_>>(), args.attrs.clone(), results);
    results.into_iter().map(|result| (result, true)).collect()
}

/// Where `column - row >= offset`, in a matrix.
fn at_or_above(offset: i32, rows: usize, columns: usize) -> Array {
    let index = |axis| Array::iota(&[rows, columns], axis, DType::I32);
    (index(1) - index(0)).greater_equal(offset)
}

/// Matrices with zeros below the diagonal `offset` places above the main one.
#[track_caller]
fn upper(x: &Array, offset: i32) -> Array {
    let ty = axes::attempt!(x.ty());
    let (rows, columns) = axes::attempt!(matrix_extents("upper triangle", &ty));
    at_or_above(offset, rows, columns).select(x, 0)
}

/// Matrices with zeros above the diagonal `offset` places above the main one.
#[track_caller]
fn lower(x: &Array, offset: i32) -> Array {
    let ty = axes::attempt!(x.ty());
    let (rows, columns) = axes::attempt!(matrix_extents("lower triangle", &ty));
    at_or_above(offset + 1, rows, columns).select(0, x)
}

/// The main diagonal of matrices.
#[track_caller]
pub(crate) fn diagonal(x: &Array) -> Array {
    let ty = axes::attempt!(x.ty());
    let (rows, columns) = axes::attempt!(matrix_extents("diagonal", &ty));
    let count = rows.min(columns);
    let batch = &ty.shape[..ty.rank() - 2];
    let with = |extent: usize| -> Dims { batch.iter().copied().chain([extent]).collect() };
    if count == 0 {
        return Array::filled(&with(0), Scalar::zero(ty.dtype));
    }
    // Row-major, the diagonal of the first `count` rows is every (columns + 1)-th element.
    let flat = x.narrow(-2, 0, count).reshape(&with(count * columns));
    let mut start = Dims::from_elem(0, batch.len() + 1);
    let mut stride = Dims::from_elem(1, batch.len() + 1);
    start[batch.len()] = 0;
    stride[batch.len()] = columns + 1;
    flat.slice_strided(&start, &with((count - 1) * (columns + 1) + 1), &stride)
}

/// The Hermitian matrices of which the operand is the lower triangle.
#[track_caller]
fn hermitian(x: &Array) -> Array {
    let ty = axes::attempt!(x.ty());
    let rows = axes::attempt!(square_extent("hermitian", &ty));
    let on_diagonal = Array::eye(rows, DType::Bool).select(x.real().astype(ty.dtype), 0);
    let strict = lower(x, -1);
    strict.adjoint() + on_diagonal + strict
}

/// A vector as a row of every column it scales: `[.., n]` as `[.., 1, n]`, in a dtype.
#[track_caller]
fn as_row(x: &Array, dtype: DType) -> Array {
    x.expand_dims(-2).astype(dtype)
}

/// A vector as a column: `[.., n]` as `[.., n, 1]`, in a dtype.
#[track_caller]
fn as_column(x: &Array, dtype: DType) -> Array {
    x.expand_dims(-1).astype(dtype)
}
