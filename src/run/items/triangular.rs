//! Triangular systems.

use super::matrix::{Number, extents, for_numbers, view};
use super::{Operand, Output};
use cotangent_ir::Attrs;
use cotangent_ir::prim::linalg::triangular::{Op, Triangle};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place_with_conj, solve_unit_lower_triangular_in_place_with_conj,
    solve_unit_upper_triangular_in_place_with_conj, solve_upper_triangular_in_place_with_conj,
};
use faer::{Conj, MatMut, Par};

/// `triangular_solve`.
pub(super) fn triangular_solve(attrs: &Attrs, operands: &[Operand<'_>], outputs: &mut [Output<'_>]) {
    let triangle = Triangle::of(attrs);
    for_numbers!(operands[0].ty.dtype, substitute(triangle, &operands[0], &operands[1], &mut outputs[0]));
}

fn substitute<T: Number>(triangle: Triangle, a: &Operand<'_>, b: &Operand<'_>, output: &mut Output<'_>) {
    let (rows, columns) = extents(&b.ty.shape);
    if rows == 0 || columns == 0 {
        return;
    }
    let x = output.elements::<T>();
    x.copy_from_slice(b.elements::<T>());
    let x = MatMut::from_row_major_slice_mut(x, rows, columns);
    let a = view::<T>(a);
    let (a, lower) = match triangle.op {
        Op::Plain => (a, triangle.lower),
        Op::Transposed | Op::Adjoint => (a.transpose(), !triangle.lower),
    };
    let conj = if triangle.op == Op::Adjoint { Conj::Yes } else { Conj::No };
    match (lower, triangle.unit) {
        (true, false) => solve_lower_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (true, true) => solve_unit_lower_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (false, false) => solve_upper_triangular_in_place_with_conj(a, conj, x, Par::Seq),
        (false, true) => solve_unit_upper_triangular_in_place_with_conj(a, conj, x, Par::Seq),
    }
}
