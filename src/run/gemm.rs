//! Matrix products by the `gemm` crate.
//!
//! The product is cut into blocks whose sizes depend on the sizes of the matrices only, and the workers share the blocks:
//! an element is computed by the same instructions in the same order whoever computes it.

use crate::run::library::{LibraryCall, MatrixOperand};
use crate::run::session::Worker;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use gemm::Parallelism;
use num_complex::Complex;

/// Products below this number of multiplications are one block.
const SMALL: usize = 64 * 64 * 64;

/// Blocks have at most so many rows: enough that reading the right factor again for each of them costs little.
const BLOCK_ROWS: usize = 128;

/// Blocks have at most so many columns.
const BLOCK_COLUMNS: usize = 256;

/// A prepared [`LibraryCall::Gemm`].
pub(super) struct Gemm {
    dtype: DType,
    batch: usize,
    rows: usize,
    depth: usize,
    columns: usize,
    a: MatrixOperand,
    b: MatrixOperand,
    c: MatrixOperand,
    block_rows: usize,
    block_columns: usize,
}

impl Gemm {
    /// Makes a call ready.
    pub(super) fn new(call: &LibraryCall) -> Gemm {
        let LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, c } = *call else {
            internal("a product made of another call");
        };
        if !dtype.is_inexact() {
            internal(&format!("a product in {dtype}"));
        }
        let small = rows.saturating_mul(columns).saturating_mul(depth.max(1)) < SMALL;
        let (block_rows, block_columns) = match small {
            true => (rows, columns),
            false => (even_block(rows, BLOCK_ROWS), even_block(columns, BLOCK_COLUMNS)),
        };
        let (block_rows, block_columns) = (block_rows.max(1), block_columns.max(1));
        Gemm { dtype, batch, rows, depth, columns, a, b, c, block_rows, block_columns }
    }

    /// Computes a worker's share of the blocks.
    ///
    /// # Safety
    ///
    /// The slots hold matrices of these sizes and strides.
    pub(super) unsafe fn run(&self, worker: &Worker) {
        // SAFETY: passed on.
        unsafe {
            match self.dtype {
                DType::F32 => self.run_as::<f32>(worker, 0.0, 1.0),
                DType::F64 => self.run_as::<f64>(worker, 0.0, 1.0),
                DType::C64 => self.run_as::<Complex<f32>>(worker, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0)),
                _ => self.run_as::<Complex<f64>>(worker, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0)),
            }
        }
    }

    unsafe fn run_as<T: Copy + 'static>(&self, worker: &Worker, zero: T, one: T) {
        let down = self.rows.div_ceil(self.block_rows);
        let across = self.columns.div_ceil(self.block_columns);
        for block in worker.share(self.batch * down * across) {
            let (matrix, block) = (block / (down * across), block % (down * across));
            let (row, column) = (block / across * self.block_rows, block % across * self.block_columns);
            let rows = self.block_rows.min(self.rows - row);
            let columns = self.block_columns.min(self.columns - column);
            // SAFETY: the block lies within the matrices, and no other worker writes this one of `c`.
            unsafe {
                let a = element::<T>(worker, &self.a, matrix, row, 0);
                let b = element::<T>(worker, &self.b, matrix, 0, column);
                let c = element::<T>(worker, &self.c, matrix, row, column);
                gemm::gemm(
                    rows,
                    columns,
                    self.depth,
                    c,
                    self.c.column_stride,
                    self.c.row_stride,
                    false,
                    a,
                    self.a.column_stride,
                    self.a.row_stride,
                    b,
                    self.b.column_stride,
                    self.b.row_stride,
                    zero,
                    one,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
    }
}

/// The size of the blocks when an extent is cut into as few as possible of at most `most`, all but the last equal and a
/// multiple of 16, the width of the widest vectors.
fn even_block(extent: usize, most: usize) -> usize {
    extent.div_ceil(extent.div_ceil(most).max(1)).next_multiple_of(16).min(extent)
}

/// The address of an element of a matrix.
///
/// # Safety
///
/// The operand's slot is an entry of the pointer table.
unsafe fn element<T>(worker: &Worker, operand: &MatrixOperand, matrix: usize, row: usize, column: usize) -> *mut T {
    let offset = matrix as isize * operand.batch_stride
        + row as isize * operand.row_stride
        + column as isize * operand.column_stride;
    // SAFETY: passed on.
    unsafe { worker.slot(operand.slot) }.cast::<T>().wrapping_offset(offset)
}
