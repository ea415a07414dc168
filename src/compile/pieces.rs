//! Which part of an array each piece of a kernel touches.
//!
//! Where the pieces of two kernels touch the same part of an array each, a worker that has the same pieces of both needs
//! nothing of another's, and can do the second kernel on a piece while what the first has done there is in its cache: sums
//! over the rows of a matrix and what is done with the rows then.

use crate::compile::emit::{chunk_size, order};
use crate::compile::plan::Step;
use cotangent_ir::kernel::{Access, Kernel, NodeKind};

/// Piece `c` touches nothing outside of the `bytes` bytes from `c * bytes` on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Parts {
    bytes: usize,
    pieces: usize,
}

/// The parts that the pieces of a kernel touch of an operand, if there is one for each.
pub(crate) fn parts(kernel: &Kernel, pieces: usize, operand: usize) -> Option<Parts> {
    let order = order(kernel);
    let loads = kernel.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Load { operand, access } => Some((*operand, access)),
        _ => None,
    });
    let stores = kernel.outputs.iter().map(|output| (output.operand, &output.access));
    let mut row = None;
    for (_, access) in loads.chain(stores).filter(|(of, _)| *of as usize == operand) {
        let stride = within_row(kernel, access, order.chunked)?;
        if row.is_some_and(|row| row != stride) {
            return None;
        }
        row = Some(stride);
    }
    let bytes = row? * chunk_size(kernel, &order, pieces) * kernel.operands[operand].dtype.size();
    Some(Parts { bytes, pieces })
}

/// The elements from one iteration of the loop over `axis` to the next, if an access stays within so many.
fn within_row(kernel: &Kernel, access: &Access, axis: usize) -> Option<usize> {
    let row = access.strides[axis];
    if row <= 0 || !access.dynamic.is_empty() {
        return None;
    }
    let (mut low, mut high) = (access.offset, access.offset);
    for (other, (&stride, &extent)) in access.strides.iter().zip(&kernel.extents).enumerate() {
        if other != axis {
            let reach = stride * (extent as i64 - 1).max(0);
            low += reach.min(0);
            high += reach.max(0);
        }
    }
    (low >= 0 && high < row).then_some(row as usize)
}

/// How many of the steps of a shared plan, from the first, are kernels that each worker does piece by piece, all of them
/// on a piece before the next. They are cut into as many pieces, and since no meeting is between them no piece of one needs
/// or overwrites what another piece of another touches.
pub(crate) fn run_of_pieces(steps: &[Step]) -> usize {
    let Some(Step::Kernel { chunks: pieces, .. }) = steps.first() else { return 1 };
    let alike = |step: &&Step| matches!(step, Step::Kernel { chunks, .. } if chunks == pieces && *pieces > 1);
    steps.iter().take_while(alike).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::parts;
    use cotangent_ir::text::parse_kernel::kernels;

    #[test]
    fn sums_of_rows_and_rows_are_parts() {
        let text = "kernel @k [64, 50] (p0: read f32[3200], p1: write f32[64]) {
    n0 = load p0 [50*i0 + 1*i1] : f32
    reduce sum p1 [1*i0], n0
}
kernel @s [64, 50] (p0: read f32[3200], p1: read f32[64], p2: write f32[3200]) {
    n0 = load p0 [50*i0 + 1*i1] : f32
    n1 = load p1 [1*i0] : f32
    n2 = mul n0, n1 : f32
    store p2 [50*i0 + 1*i1], n2
}
kernel @t [64, 50] (p0: read f32[3300], p1: write f32[3200]) {
    n0 = load p0 [50 + 50*i0 + 1*i1] : f32
    store p1 [50*i0 + 1*i1], n0
}
";
        let [sums, scaled, moved] = &kernels(text).unwrap()[..] else { panic!("three kernels") };
        assert_eq!(parts(sums, 16, 0), parts(scaled, 16, 0));
        assert_eq!(parts(sums, 16, 1), parts(scaled, 16, 1));
        assert!(parts(sums, 16, 1).is_some());
        assert_ne!(parts(sums, 16, 0), parts(scaled, 8, 0));
        assert_eq!(parts(moved, 16, 0), None);
        assert_eq!(parts(moved, 16, 1), parts(scaled, 16, 2));
    }
}
