//! Elimination with partial pivoting.

use super::matrix::{Number, columns_of, for_numbers, is_finite, store};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::{Mat, Par};

/// `lu`: factors, pivots and permutation.
pub(super) fn lu(_: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    for_numbers!(operands[0].ty.dtype, factor(&operands[0], outputs));
}

fn factor<T: Number>(x: &Operand<'_>, outputs: &mut [Output<'_>]) {
    let mut packed = columns_of::<T>(x);
    let (rows, columns) = packed.shape();
    let mut permutation: Vec<usize> = (0..rows).collect();
    if rows > 0 && columns > 0 {
        let mut inverse = vec![0usize; rows];
        let mut memory = MemBuffer::new(lu_in_place_scratch::<usize, T>(rows, columns, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        lu_in_place(packed.as_mut(), &mut permutation, &mut inverse, Par::Seq, stack, Default::default());
        // The routine divides by pivots that are zero.
        let broken = (0..columns).any(|column| (0..rows).any(|row| !T::is_finite_impl(&packed[(row, column)])));
        let again = columns_of::<T>(x);
        if broken && is_finite(&again) {
            packed = again;
            permutation = eliminate(&mut packed);
        }
    }
    store::<T>(&mut outputs[0], |row, column| packed[(row, column)]);
    let pivots = exchanges(&permutation);
    for (place, pivot) in outputs[1].elements::<i32>().iter_mut().zip(pivots) {
        *place = pivot as i32;
    }
    for (place, row) in outputs[2].elements::<i32>().iter_mut().zip(permutation) {
        *place = row as i32;
    }
}

/// The row with which each row is exchanged in its turn, so that a permutation results.
fn exchanges(permutation: &[usize]) -> Vec<usize> {
    let mut at: Vec<usize> = (0..permutation.len()).collect();
    let mut rows = at.clone();
    let exchange = |(step, &row): (usize, &usize)| {
        let pivot = at[row];
        rows.swap(step, pivot);
        at[rows[pivot]] = pivot;
        at[rows[step]] = step;
        pivot
    };
    permutation.iter().enumerate().map(exchange).collect()
}

/// Plain elimination, which leaves a column alone that is zero below the diagonal and on it.
fn eliminate<T: Number>(x: &mut Mat<T>) -> Vec<usize> {
    let (rows, columns) = x.shape();
    let mut permutation: Vec<usize> = (0..rows).collect();
    for step in 0..rows.min(columns) {
        let size = |row: usize| T::abs1_impl(&x[(row, step)]);
        let pivot = (step..rows).fold(step, |best, row| if size(row) > size(best) { row } else { best });
        for column in 0..columns {
            let kept = x[(step, column)];
            x[(step, column)] = x[(pivot, column)];
            x[(pivot, column)] = kept;
        }
        permutation.swap(step, pivot);
        if x[(step, step)] == T::zero_impl() {
            continue;
        }
        let inverse = T::recip_impl(&x[(step, step)]);
        for row in step + 1..rows {
            x[(row, step)] *= inverse;
        }
        for column in step + 1..columns {
            for row in step + 1..rows {
                let product = x[(row, step)] * x[(step, column)];
                x[(row, column)] -= product;
            }
        }
    }
    permutation
}
