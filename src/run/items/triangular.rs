//! Triangular systems.

use super::matrix::{Number, columns_of, for_numbers, store};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use cotangent_ir::prim::linalg::triangular::{Op, Triangle};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place_with_conj, solve_unit_lower_triangular_in_place_with_conj,
    solve_unit_upper_triangular_in_place_with_conj, solve_upper_triangular_in_place_with_conj,
};
use faer::{Conj, Par};

/// `triangular_solve`.
pub(super) fn triangular_solve(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let triangle = Triangle::of(attrs);
    for_numbers!(operands[0].ty.dtype, substitute(triangle, &operands[0], &operands[1], &mut outputs[0]));
}

fn substitute<T: Number>(triangle: Triangle, a: &Operand<'_>, b: &Operand<'_>, output: &mut Output<'_>) {
    let mut solution = columns_of::<T>(b);
    if solution.nrows() == 0 || solution.ncols() == 0 {
        return;
    }
    let (a, x) = (columns_of::<T>(a), solution.as_mut());
    let (a, lower) = match triangle.op {
        Op::Plain => (a.as_ref(), triangle.lower),
        Op::Transposed | Op::Adjoint => (a.transpose(), !triangle.lower),
    };
    let conj = if triangle.op == Op::Adjoint { Conj::Yes } else { Conj::No };
    match (lower, triangle.unit) {
        (true, false) => solve_lower_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (true, true) => solve_unit_lower_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (false, false) => solve_upper_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (false, true) => solve_unit_upper_triangular_in_place_with_conj(a, conj, x, Par::Seq),
    }
    store::<T>(output, |row, column| solution[(row, column)]);
}
