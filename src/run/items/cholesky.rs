//! The Cholesky factorisation.

use super::matrix::{Number, columns_of, for_numbers, store};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};

/// `cholesky`: the lower triangle of a positive definite matrix.
pub(super) fn cholesky(_: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    for_numbers!(operands[0].ty.dtype, factor(&operands[0], &mut outputs[0]));
}

fn factor<T: Number>(x: &Operand<'_>, output: &mut Output<'_>) {
    let mut l = columns_of::<T>(x);
    let n = l.nrows();
    for i in 0..n {
        l[(i, i)] = T::from_real_impl(&T::real_part_impl(&l[(i, i)]));
    }
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    let outcome = cholesky_in_place(l.as_mut(), Default::default(), Par::Seq, stack, Default::default());
    let exists = outcome.is_ok() && (0..n).all(|i| !T::is_nan_impl(&l[(i, i)]));
    store::<T>(output, |row, column| match (row >= column, exists) {
        (false, _) => T::zero_impl(),
        (true, true) => l[(row, column)],
        (true, false) => T::nan_impl(),
    });
}
