//! The singular value decomposition.

use super::matrix::{Number, columns_of, for_numbers, is_finite, store, store_reals, turning, undefined};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd as decompose_into, svd_scratch};
use faer::{Mat, Par};

/// `svd`: values, and vectors if there are more results.
pub(super) fn svd(_: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    for_numbers!(operands[0].ty.dtype, decompose(&operands[0], outputs));
}

fn decompose<T: Number>(x: &Operand<'_>, outputs: &mut [Output<'_>]) {
    let matrix = columns_of::<T>(x);
    let (rows, columns) = matrix.shape();
    let least = rows.min(columns);
    if least == 0 {
        return;
    }
    let vectors = outputs.len() > 1;
    let mut values = Diag::<T>::zeros(least);
    let mut left = vectors.then(|| Mat::<T>::zeros(rows, least));
    let mut right = vectors.then(|| Mat::<T>::zeros(columns, least));
    let wanted = if vectors { ComputeSvdVectors::Thin } else { ComputeSvdVectors::No };
    let needed = svd_scratch::<T>(rows, columns, wanted, wanted, Par::Seq, Default::default());
    let mut memory = MemBuffer::new(needed);
    let exists = is_finite(&matrix)
        && decompose_into(
            matrix.as_ref(),
            values.as_mut(),
            left.as_mut().map(|left| left.as_mut()),
            right.as_mut().map(|right| right.as_mut()),
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
    if let (Some(left), Some(right)) = (left, right) {
        let turns: Vec<T> = (0..least).map(|column| turning((0..rows).map(|row| left[(row, column)]))).collect();
        store::<T>(&mut outputs[1], |row, column| left[(row, column)] * turns[column]);
        store::<T>(&mut outputs[2], |row, column| T::conj_impl(&(right[(column, row)] * turns[row])));
    }
}
