//! Eigenvalues and eigenvectors of Hermitian matrices.

use super::matrix::{Number, columns_of, for_numbers, is_finite, store, store_reals, turning, undefined};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, Par};

/// `eigh`: values, and vectors if there is a second result.
pub(super) fn eigh(_: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    for_numbers!(operands[0].ty.dtype, decompose(&operands[0], outputs));
}

fn decompose<T: Number>(x: &Operand<'_>, outputs: &mut [Output<'_>]) {
    let mut matrix = columns_of::<T>(x);
    let n = matrix.nrows();
    if n == 0 {
        return;
    }
    for i in 0..n {
        matrix[(i, i)] = T::from_real_impl(&T::real_part_impl(&matrix[(i, i)]));
    }
    let vectors = outputs.len() > 1;
    let mut values = Diag::<T>::zeros(n);
    let mut columns = vectors.then(|| Mat::<T>::zeros(n, n));
    let wanted = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<T>(n, wanted, Par::Seq, Default::default()));
    let exists = is_finite(&matrix)
        && self_adjoint_evd(
            matrix.as_ref(),
            values.as_mut(),
            columns.as_mut().map(|columns| columns.as_mut()),
            Par::Seq,
            MemStack::new(&mut memory),
            Default::default(),
        )
        .is_ok();
    if !exists {
        outputs.iter_mut().for_each(undefined);
        return;
    }
    store_reals(&mut outputs[0], values.column_vector().iter().map(T::real_part_impl));
    if let Some(columns) = columns {
        let turns: Vec<T> = (0..n).map(|column| turning((0..n).map(|row| columns[(row, column)]))).collect();
        store::<T>(&mut outputs[1], |row, column| columns[(row, column)] * turns[column]);
    }
}
