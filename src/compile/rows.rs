//! Sums over the rows of a matrix, and which of them are taken a few rows at a time.
//!
//! The sum over the rows `i` of `f(i, j)`, for every column `j`, can go down the columns: a few neighbouring columns at a
//! time, their sums in registers. Then it reads a piece of a row, leaves out the rest, reads a piece of the next one, and
//! the processor does not see what comes. Or it can go along the rows, [`ROWS`] of them at a time: for each vector of columns
//! the elements of those rows are added up, and then to the sums, which are in memory, that is, in the nearest cache. So every
//! row is read from its beginning to its end, as the processor expects, for a load and a store of the sums in between.
//!
//! On two cores of an EPYC of the fourth generation the sum over the rows of 2048 by 2048 floats in the last level takes
//! half the time so, and that of four times as many in memory as well. What is in the second level is as near either way.

use crate::compile::emit::order;
use cotangent_ir::DType;
use cotangent_ir::kernel::{Kernel, NodeKind, Output, OutputKind};

/// Rows at a time: the processor follows some ten places at which memory is read on and on.
const ROWS: usize = 8;
/// Bytes of an array from which on it is read along its rows: as many as the second level of a core has.
const LARGE: usize = 1 << 20;
/// Bytes of a row from which on going down the columns leaves something out.
const WIDE: usize = 512;
/// Nodes of a body up to which it is written out for as many rows. Longer ones take longer than their loads.
const SHORT: usize = 16;
/// Most additions to one sum in memory, one after the other.
const LONGEST: usize = 4096;

/// How many rows of a kernel's matrix are added up at a time; 0 if it goes down the columns, or has none.
pub(crate) fn at_once(kernel: &Kernel) -> usize {
    let Some(matrix) = matrix(kernel) else { return 0 };
    let is_large = kernel.nodes.iter().any(|node| {
        let NodeKind::Load { operand, access } = &node.kind else { return false };
        let operand = &kernel.operands[*operand as usize];
        let size = operand.dtype.size();
        let far = access.strides[matrix.rows].unsigned_abs() as usize * size >= WIDE;
        far && access.strides[matrix.columns] == 1
            && kernel.extents[matrix.columns] * size >= WIDE
            && operand.len * size >= LARGE
    });
    let rows = kernel.extents[matrix.rows];
    let is_short = kernel.nodes.len() <= SHORT && (2 * ROWS..=LONGEST * ROWS).contains(&rows);
    if is_large && is_short { ROWS } else { 0 }
}

/// The two innermost loops of a kernel that does nothing but sum over the rows of matrices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Matrix {
    /// The axis that is summed over.
    pub(crate) rows: usize,
    /// The axis of the sums whose elements are neighbours.
    pub(crate) columns: usize,
}

/// The matrix whose rows, and nothing else, a kernel combines, if that is all it does.
pub(crate) fn matrix(kernel: &Kernel) -> Option<Matrix> {
    let order = order(kernel);
    let (&rows, around) = order.axes.split_last()?;
    let &columns = around.last()?;
    let is_vector = order.vector == Some(around.len() - 1) && !order.tiled && kernel.extents[columns] > 1;
    let of_columns = |output: &Output| {
        let kept = |axis: &usize| kernel.extents[*axis] == 1 || output.access.strides[*axis] != 0;
        let float = matches!(kernel.operands[output.operand as usize].dtype, DType::F32 | DType::F64);
        let reduces = matches!(output.kind, OutputKind::Reduce(_)) && output.access.strides[rows] == 0;
        let neighbours = output.access.strides[columns] == 1 && output.access.dynamic.is_empty();
        float && reduces && neighbours && around.iter().all(kept)
    };
    let tells_rows = |kind: &NodeKind| matches!(kind, NodeKind::Pick { axis, .. } if *axis == rows);
    let is_plain = kernel.outputs.iter().all(of_columns) && !kernel.nodes.iter().any(|node| tells_rows(&node.kind));
    (is_vector && is_plain && !kernel.outputs.is_empty()).then_some(Matrix { rows, columns })
}

#[cfg(test)]
mod tests {
    use super::{Matrix, at_once, matrix};
    use cotangent_ir::text::parse_kernel::kernels;

    fn products(rows: usize, columns: usize, body: &str) -> usize {
        let elements = rows * columns;
        let text = format!(
            "kernel @k [{rows}, {columns}] (p0: read f32[{elements}], p1: read f32[{rows}], p2: write f32[{columns}]) {{
    n0 = load p0 [{columns}*i0 + 1*i1] : f32
    n1 = load p1 [1*i0] : f32
{body}
}}
"
        );
        at_once(&kernels(&text).unwrap()[0])
    }

    #[test]
    fn large_matrices_are_read_along_their_rows() {
        let body = "    n2 = mul n0, n1 : f32\n    reduce sum p2 [1*i1], n2";
        assert_eq!(products(512, 2048, body), 8);
        // In the second level of the cache; rows that a worker reads from end to end anyway; few rows; too many.
        assert_eq!(products(64, 2048, body), 0);
        assert_eq!(products(4096, 100, body), 0);
        assert_eq!(products(8, 65536, body), 0);
        assert_eq!(products(40_000, 512, body), 0);
    }

    #[test]
    fn what_is_not_just_a_sum_of_rows_is_left() {
        let long: String = (2..20).map(|n| format!("    n{n} = mul n{}, n1 : f32\n", n - 1)).collect();
        assert_eq!(products(512, 2048, &format!("{long}    reduce sum p2 [1*i1], n19")), 0);
        let text = "kernel @k [64, 50] (p0: read f32[3200], p1: write f32[64], p2: write f32[3200]) {
    n0 = load p0 [50*i0 + 1*i1] : f32
    reduce sum p1 [1*i0], n0
    store p2 [50*i0 + 1*i1], n0
}
kernel @c [3, 64, 50] (p0: read f32[9600], p1: write f32[150]) {
    n0 = load p0 [3200*i0 + 50*i1 + 1*i2] : f32
    reduce max p1 [50*i0 + 1*i2], n0
}
";
        let [both, stack] = &kernels(text).unwrap()[..] else { panic!("two kernels") };
        assert_eq!(matrix(both), None);
        assert_eq!(matrix(stack), Some(Matrix { rows: 1, columns: 2 }));
    }
}
