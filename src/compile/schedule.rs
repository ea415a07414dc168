//! The order of a kernel's loops, and the pieces it is cut into for the workers.
//!
//! Fusion leaves the loops in the order of an array's axes. Here loops that together walk memory in one stride become
//! one, kept axes move outside reduced ones as emission expects, and the outermost loop is made long enough to share. The
//! number of pieces depends on sizes only, never on the number of workers: partial sums, and so results, are the same for
//! any number.

use crate::compile::emit::{chunk_size, order};
use crate::compile::scatter;
use cotangent_ir::kernel::{Access, Kernel, NodeKind, Output, OutputKind};
use smallvec::SmallVec;

/// Iterations worth a piece of their own.
const PIECE: usize = 4096;
/// Columns that a worker adds up at least, so that every row gives it a few neighbouring lines: as many as the widest block of
/// vectors has.
const COLUMNS: usize = 64;
/// Most pieces of one kernel.
pub(crate) const MAX_PIECES: usize = 64;
/// A shorter outermost loop is exchanged for a longer one, so that there is something to share.
const SHORT: usize = 16;
/// Iterations from which a kernel is worth more than one worker.
pub(crate) const PARALLEL_WORK: usize = 16 * 1024;

/// Puts the loops of a kernel in order, after joining those that can be.
pub(crate) fn schedule(kernel: Kernel, join_loops: bool) -> Kernel {
    let kernel = if join_loops { collapse(kernel) } else { kernel };
    let order = loop_order(&kernel);
    permute(kernel, &order)
}

/// Number of pieces of the outermost loop.
pub(crate) fn chunks(kernel: &Kernel) -> usize {
    let order = order(kernel);
    let Some(&outer) = kernel.extents.get(order.chunked) else { return 1 };
    let is_kept = |output: &Output| output.access.strides[order.chunked] != 0;
    let partial = |output: &&Output| {
        let kept =
            output.access.strides.iter().zip(&kernel.extents).any(|(&stride, &extent)| stride != 0 && extent > 1);
        matches!(output.kind, OutputKind::Reduce(_)) && kept
    };
    let partials: SmallVec<[&Output; 4]> = kernel.outputs.iter().filter(partial).collect();
    let by_columns = order.vector.is_some_and(|vector| order.axes[vector] == order.chunked);
    let most = if kernel.scatters() && scatter::shared_axis(kernel) != Some(order.chunked) {
        1
    } else if partials.is_empty() {
        outer
    } else if !partials.iter().all(|output| is_kept(output)) {
        // Pieces of a reduced axis would all write the same elements.
        1
    } else if by_columns {
        // A sum over the rows of a matrix is shared by columns: its accumulators are what memory is walked along.
        outer / COLUMNS
    } else {
        outer
    };
    let wanted = (kernel.iterations() / PIECE).clamp(1, MAX_PIECES);
    let pieces = wanted.next_power_of_two().min(MAX_PIECES).min(most.max(1));
    // None is left without iterations, so that workers with as many pieces have as much to do.
    outer.div_ceil(chunk_size(kernel, &order, pieces)).max(1)
}

/// Whether a kernel is worth starting workers for.
pub(crate) fn worth_sharing(kernel: &Kernel) -> bool {
    worth_sharing_of(kernel.iterations(), kernel.nodes.len())
}

/// Whether so many iterations of a body of so many nodes are worth starting workers for.
pub(crate) fn worth_sharing_of(iterations: usize, nodes: usize) -> bool {
    iterations * nodes.div_ceil(8) >= PARALLEL_WORK
}

/// Joins neighbouring loops wherever every access steps through both as through one.
fn collapse(mut kernel: Kernel) -> Kernel {
    let mut axis = 0;
    while axis + 1 < kernel.extents.len() {
        if can_join(&kernel, axis) { join(&mut kernel, axis) } else { axis += 1 }
    }
    kernel
}

fn can_join(kernel: &Kernel, axis: usize) -> bool {
    let inner = kernel.extents[axis + 1] as i64;
    let steady = |access: &Access| access.strides[axis] == access.strides[axis + 1] * inner;
    let nodes = kernel.nodes.iter().all(|node| match &node.kind {
        NodeKind::Load { access, .. } => steady(access),
        NodeKind::Index { axis: a } | NodeKind::Pick { axis: a, .. } => *a != axis && *a != axis + 1,
        NodeKind::Const(_) | NodeKind::Op { .. } => true,
    });
    // Strides of zero on both are steady too, but one loop must not be half reduced.
    nodes && kernel.outputs.iter().all(|output| steady(&output.access))
}

fn join(kernel: &mut Kernel, axis: usize) {
    let inner = kernel.extents.remove(axis + 1);
    kernel.extents[axis] *= inner;
    let drop_axis = |access: &mut Access| {
        access.strides.remove(axis);
    };
    for node in &mut kernel.nodes {
        match &mut node.kind {
            NodeKind::Load { access, .. } => drop_axis(access),
            NodeKind::Index { axis: a } | NodeKind::Pick { axis: a, .. } if *a > axis => *a -= 1,
            _ => {}
        }
    }
    for output in &mut kernel.outputs {
        drop_axis(&mut output.access);
    }
}

/// Kept loops, then reduced ones; but a kept innermost loop stays innermost, where memory is contiguous.
fn loop_order(kernel: &Kernel) -> SmallVec<[usize; 4]> {
    let rank = kernel.extents.len();
    let reduced = |axis: usize| {
        kernel.outputs.iter().any(|o| matches!(o.kind, OutputKind::Reduce(_)) && o.access.strides[axis] == 0)
            && kernel.extents[axis] != 1
    };
    // What scatters goes by its own order, but for a loop that can be shared.
    if kernel.scatters() {
        let shared = scatter::shared_axis(kernel);
        return shared.into_iter().chain((0..rank).filter(|&axis| Some(axis) != shared)).collect();
    }
    let full = (0..rank).all(|axis| reduced(axis) || kernel.extents[axis] == 1);
    let mut order: SmallVec<[usize; 4]> = (0..rank).collect();
    if !full && (0..rank).any(reduced) {
        let inner = (!reduced(rank - 1)).then_some(rank - 1);
        order = (0..rank).filter(|&axis| !reduced(axis) && Some(axis) != inner).collect();
        order.extend((0..rank).filter(|&axis| reduced(axis)));
        order.extend(inner);
        return order;
    }
    // All loops are alike: share the longest of the outer ones where the outermost is short.
    if rank > 2 && kernel.extents[0] < SHORT {
        let longest = (0..rank - 1).max_by_key(|&axis| (kernel.extents[axis], std::cmp::Reverse(axis))).unwrap_or(0);
        order.retain(|axis| *axis != longest);
        order.insert(0, longest);
    }
    order
}

fn permute(mut kernel: Kernel, order: &[usize]) -> Kernel {
    if order.iter().copied().eq(0..order.len()) {
        return kernel;
    }
    let place = |axis: usize| order.iter().position(|&from| from == axis).unwrap_or(axis);
    let reorder = |access: &mut Access| access.strides = order.iter().map(|&from| access.strides[from]).collect();
    kernel.extents = order.iter().map(|&from| kernel.extents[from]).collect();
    for node in &mut kernel.nodes {
        match &mut node.kind {
            NodeKind::Load { access, .. } => reorder(access),
            NodeKind::Index { axis } | NodeKind::Pick { axis, .. } => *axis = place(*axis),
            NodeKind::Const(_) | NodeKind::Op { .. } => {}
        }
    }
    for output in &mut kernel.outputs {
        reorder(&mut output.access);
    }
    kernel
}
