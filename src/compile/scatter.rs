//! Scatters as kernels: which loops they have, what their iterations add up and where.
//!
//! A kernel loops over the updates. Row numbers and updates are expressions like those of any kernel; a number out of range
//! gives some place and the identity of the operation. Scatters into the same array one after the other, over updates of the
//! same shape, are one kernel. It is shared between workers along a loop that moves each of them through memory of its own.

use crate::compile::block::Block;
use crate::compile::fuse::{RootKind, RootShape};
use crate::compile::index::{Affine, IndexMap, linear, through_reshape};
use crate::compile::lower::{Blocked, Puller};
use crate::compile::ranges::{self, Range};
use cotangent_ir::kernel::{Kernel, LaneOp, NodeId, NodeKind, Output, ReduceOp};
use cotangent_ir::lanes::{Lane, Lanes};
use cotangent_ir::{DType, Inst, Scalar, Type, Value};
use smallvec::SmallVec;

/// What an update in place or a scatter starts from: the value whose memory it takes over or copies.
pub(crate) fn updated(block: &Block<'_>, root: Value) -> Value {
    match (chain(block, root).first(), block.inst(root)) {
        (Some(first), _) => first.args[0],
        (None, Some(inst)) => inst.args[0],
        (None, None) => cotangent_ir::error::internal("a parameter is not an update"),
    }
}

/// The scatters that a scatter does, itself the last of them.
fn chain<'a>(block: &Block<'a>, root: Value) -> Vec<&'a Inst> {
    let mut members = Vec::new();
    let mut next = Some(root).filter(|&value| block.scatter_op(value).is_some());
    while let Some(inst) = next.and_then(|value| block.inst(value)) {
        members.push(inst);
        next = Some(block.without_reshapes(inst.args[0])).filter(|&value| block.is_absorbed(value));
    }
    members.reverse();
    members
}

/// The loops of a scatter: those over the elements of the updates, in which the arrays that numbers and updates are reshapes
/// of can be indexed.
pub(crate) fn shape(block: &Block<'_>, root: Value, op: ReduceOp) -> RootShape {
    let members = chain(block, root);
    let Some(last) = members.last() else { cotangent_ir::error::internal("a scatter that is none") };
    let updates: &Type = block.ty(last.args[2]);
    let width = updates.shape.last().copied().unwrap_or(1);
    let mut shapes: Vec<SmallVec<[usize; 4]>> = vec![updates.shape.as_slice().into()];
    for inst in &members {
        let numbers = block.ty(block.without_reshapes(inst.args[1]));
        shapes.push(numbers.shape.iter().copied().chain([width]).collect());
        shapes.push(block.ty(block.without_reshapes(inst.args[2])).shape.as_slice().into());
    }
    let long = || updates.shape.iter().copied().filter(|&extent| extent != 1).collect();
    let mut extents: SmallVec<[usize; 4]> = common_refinement(&shapes).unwrap_or_else(long);
    if extents.is_empty() {
        extents.push(1);
    }
    let axes: IndexMap = (0..extents.len()).map(Affine::axis).collect();
    let Some(map) = through_reshape(&axes, &extents, &updates.shape, &extents) else {
        cotangent_ir::error::internal("loops that do not reach all updates")
    };
    RootShape { kind: RootKind::Combine(op), extents, maps: vec![map] }
}

/// The coarsest shape of which all the given ones, of equally many elements, join axes. None has an axis of extent 1.
fn common_refinement(shapes: &[SmallVec<[usize; 4]>]) -> Option<SmallVec<[usize; 4]>> {
    // How many elements follow the start of an axis and those inside of it.
    let mut cuts = vec![1];
    for shape in shapes {
        let mut after = 1;
        for &extent in shape.iter().rev() {
            after *= extent;
            cuts.push(after);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).rev().map(|pair| (pair[1] % pair[0] == 0).then_some(pair[1] / pair[0])).collect()
}

/// What one iteration of a scatter combines: positions in the result, and values.
pub(crate) fn updates(
    puller: &mut Puller<'_>,
    block: &Block<'_>,
    root: Value,
    op: ReduceOp,
    shape: &RootShape,
) -> Result<Vec<(Affine, Lane)>, Blocked> {
    let ty = block.ty(root);
    let row = ty.rank() - 2;
    let map = &shape.maps[0];
    let mut updates = Vec::new();
    for inst in chain(block, root) {
        let number = puller.pull(inst.args[1], &map[..=row].into())?.real();
        // Where something is written is decided without guards on loops.
        if is_guarded(puller, number) {
            return Err(Blocked(inst.args[1]));
        }
        let lane = puller.pull(inst.args[2], map)?;
        let place = puller.clamped(number, ty.shape[row] - 1);
        let mut lanes = Lanes::new(&mut puller.dag);
        let number = lanes.convert(number, DType::I64);
        let bounds = [0, ty.shape[row] as i128].map(|bound| lanes.literal(Scalar::int(DType::I64, bound)));
        let low = lanes.op(LaneOp::Le, &[bounds[0], number]);
        let high = lanes.op(LaneOp::Lt, &[number, bounds[1]]);
        let within = lanes.op(LaneOp::And, &[low, high]);
        let identity = lanes.literal(identity(op, ty.dtype.real()));
        let mut chosen = |node: NodeId| lanes.op(LaneOp::Select, &[within, node, identity]);
        let lane = match lane {
            Lane::Real(node) => Lane::Real(chosen(node)),
            Lane::Complex(re, im) => Lane::Complex(chosen(re), chosen(im)),
        };
        let mut index = map.clone();
        index[row] = place;
        updates.push((linear(&index, &ty.strides()), lane));
    }
    Ok(updates)
}

/// Whether a guard decides a node.
fn is_guarded(puller: &Puller<'_>, node: NodeId) -> bool {
    let mut pending = vec![node];
    let mut seen = vec![false; puller.dag.nodes.len()];
    while let Some(node) = pending.pop() {
        if std::mem::replace(&mut seen[node.index()], true) {
            continue;
        }
        let kind = &puller.dag.nodes[node.index()].kind;
        if matches!(kind, NodeKind::Pick { .. }) {
            return true;
        }
        kind.arguments(|argument| pending.push(argument));
    }
    false
}

/// The value that, combined with any other, leaves it as it is: of floats, -0 added to -0 is -0.
pub(crate) fn identity(op: ReduceOp, dtype: DType) -> Scalar {
    match op {
        ReduceOp::Sum if dtype.is_float() => Scalar::real(dtype, -0.0),
        op => op.identity(dtype),
    }
}

/// A loop of a kernel that scatters of which different iterations write different elements, the outermost such.
pub(crate) fn shared_axis(kernel: &Kernel) -> Option<usize> {
    let ranges = ranges::of(&kernel.extents, &kernel.nodes);
    (0..kernel.extents.len()).find(|&axis| is_shared(kernel, axis, &ranges))
}

fn is_shared(kernel: &Kernel, axis: usize, ranges: &[Range]) -> bool {
    let outputs = || kernel.outputs.iter().filter(|output| output.kind.scatters());
    kernel.extents[axis] > 1
        && kernel.outputs.iter().all(|output| output.access.strides[axis] != 0)
        && outputs().all(|output| {
            let same = || outputs().filter(|other| other.operand == output.operand);
            let stride = output.access.strides[axis];
            let reaches = same().map(|other| reach(kernel, other, axis, ranges));
            let reach = reaches.reduce(|a, b| a.zip(b).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)))).flatten();
            same().all(|other| other.access.strides[axis] == stride)
                && reach.is_some_and(|(low, high)| high - low < i128::from(stride.abs()))
        })
}

/// The least and the greatest position that an output reaches at index 0 of an axis.
fn reach(kernel: &Kernel, output: &Output, axis: usize, ranges: &[Range]) -> Option<(i128, i128)> {
    let mut access = output.access.clone();
    access.strides[axis] = 0;
    ranges::reach(&access, &kernel.extents, ranges)
}

#[cfg(test)]
mod tests {
    use super::{common_refinement, shared_axis};
    use cotangent_ir::text::parse_kernel::kernels;
    use smallvec::{SmallVec, smallvec};

    #[test]
    fn loops_reach_into_all_shapes() {
        let shapes: [SmallVec<[usize; 4]>; 3] = [smallvec![24, 1], smallvec![4, 6], smallvec![2, 12, 1]];
        assert_eq!(common_refinement(&shapes).as_deref(), Some(&[2, 2, 6][..]));
        let shapes: [SmallVec<[usize; 4]>; 2] = [smallvec![4, 6], smallvec![8, 3]];
        assert_eq!(common_refinement(&shapes).as_deref(), Some(&[4, 2, 3][..]));
        let shapes: [SmallVec<[usize; 4]>; 2] = [smallvec![2, 3], smallvec![3, 2]];
        assert_eq!(common_refinement(&shapes), None);
    }

    #[test]
    fn workers_share_a_loop_that_keeps_to_its_own_memory() {
        let text = |greatest: u32| {
            format!(
                "kernel @k [8, 5] (p0: read i64[40], p1: write f32[48]) {{
    n0 = load p0 [5*i0 + 1*i1] : i64
    n1 = const 0i64 : i64
    n2 = const {greatest}i64 : i64
    n3 = max n0, n1 : i64
    n4 = min n3, n2 : i64
    n5 = const 1f32 : f32
    scatter sum p1 [6*i0 + 1*n4], n5
}}
"
            )
        };
        assert_eq!(shared_axis(&kernels(&text(5)).unwrap()[0]), Some(0));
        assert_eq!(shared_axis(&kernels(&text(6)).unwrap()[0]), None);
    }
}
