//! Orthonormal columns and a triangle, by Householder reflections.

use super::matrix::{Number, columns_of, for_numbers, store};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj,
};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::traits::ComplexField;
use faer::{Conj, Mat, Par};

/// `qr`, with a diagonal that is real and not negative.
pub(super) fn qr(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    for_numbers!(operands[0].ty.dtype, factor(attrs.bool("complete"), &operands[0], outputs));
}

fn factor<T: Number>(complete: bool, x: &Operand<'_>, outputs: &mut [Output<'_>]) {
    let mut reflections = columns_of::<T>(x);
    let (rows, columns) = reflections.shape();
    let least = rows.min(columns);
    let width = if complete { rows } else { least };
    if least == 0 {
        store::<T>(&mut outputs[0], |row, column| if row == column { T::one_impl() } else { T::zero_impl() });
        return;
    }
    let block = recommended_block_size::<T>(rows, columns);
    let mut coefficients = Mat::<T>::zeros(block, least);
    let mut memory = MemBuffer::new(qr_in_place_scratch::<T>(rows, columns, block, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    qr_in_place(reflections.as_mut(), coefficients.as_mut(), Par::Seq, stack, Default::default());
    let mut q = Mat::<T>::identity(rows, width);
    let needed = apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(rows, block, width);
    apply_block_householder_sequence_on_the_left_in_place_with_conj(
        reflections.as_ref().subcols(0, least),
        coefficients.as_ref(),
        Conj::No,
        q.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(needed)),
    );
    let phase = |i: usize| {
        let x = reflections[(i, i)];
        let size = T::abs_impl(&x);
        if x == T::zero_impl() {
            T::one_impl()
        } else {
            T::mul_real_impl(&x, &<T::Real as ComplexField>::recip_impl(&size))
        }
    };
    let phases: Vec<T> = (0..least).map(phase).collect();
    store::<T>(&mut outputs[0], |row, column| match phases.get(column) {
        Some(&phase) => q[(row, column)] * phase,
        None => q[(row, column)],
    });
    store::<T>(&mut outputs[1], |row, column| match row.cmp(&column) {
        std::cmp::Ordering::Less => T::conj_impl(&phases[row]) * reflections[(row, column)],
        std::cmp::Ordering::Equal => T::from_real_impl(&T::abs_impl(&reflections[(row, row)])),
        std::cmp::Ordering::Greater => T::zero_impl(),
    });
}
