//! What is known about a split kernel before its loops are written: their order, which loop becomes vectors, on which
//! loops each node depends, where accumulators begin.

use super::lanes::Form;
use super::split::Split;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Kernel, LaneOp, Node, NodeId, NodeKind, Output, OutputKind};

/// Elements of the vector loop in a tile: their rows' lines fit in the first level of the cache.
pub(crate) const TILE: usize = 32;

/// The order of a kernel's loops.
pub(crate) struct Order {
    /// Axes, outermost first.
    pub(crate) axes: Vec<usize>,
    /// Position in `axes` of the loop that becomes vectors; none if the kernel has no loop.
    pub(crate) vector: Option<usize>,
    /// The axis that is cut into chunks: the outermost loop of some extent.
    pub(crate) chunked: usize,
    /// Whether the vector loop is cut into tiles outside of the loop around it, because elements that follow each other in
    /// that one are neighbours in memory.
    pub(crate) tiled: bool,
    /// The axis whose loop is around that over the elements it combines, which then are in memory, each combined with what is
    /// there; none if accumulators are in registers.
    pub(crate) in_memory: Option<usize>,
}

/// Facts about the nodes of a split kernel.
pub(crate) struct Facts {
    /// How many loops must be entered before a node can be computed.
    pub(crate) depth: Vec<usize>,
    /// Whether a node differs between the lanes of a vector.
    pub(crate) varies: Vec<bool>,
    /// Whether a node of 64-bit integers is held in 32-bit lanes where lanes are vectors, because its values fit.
    pub(crate) narrow: Vec<bool>,
    /// Whether vectors need a node that is the same in all their lanes.
    pub(crate) widened: Vec<bool>,
    /// The form of vectors.
    pub(crate) form: Form,
    /// Vectors per iteration of the widest loop.
    pub(crate) unroll: usize,
    /// Roughly, the number of instructions of the longest body.
    pub(crate) cost: usize,
    /// For every output that accumulates, how many loops enclose its accumulator.
    pub(crate) levels: Vec<Option<usize>>,
}

/// Loops that accumulators span go inside of those they do not; otherwise the kernel's order stands. The last axis of
/// some extent is the one whose elements are neighbours.
pub(crate) fn order(kernel: &Kernel) -> Order {
    let spanned = |axis: &usize| {
        let reduces =
            |output: &&Output| matches!(output.kind, OutputKind::Reduce(_)) && output.access.strides[*axis] == 0;
        if kernel.extents[*axis] == 1 { 0 } else { kernel.outputs.iter().filter(reduces).count() }
    };
    let mut axes: Vec<usize> = (0..kernel.extents.len()).collect();
    axes.sort_by_key(spanned);
    let neighbours = kernel.extents.iter().rposition(|&extent| extent > 1).or(kernel.extents.len().checked_sub(1));
    let vector = neighbours.and_then(|neighbours| axes.iter().position(|&axis| axis == neighbours));
    let chunked = axes.iter().copied().find(|&axis| kernel.extents[axis] > 1).or(axes.first().copied()).unwrap_or(0);
    let tiled = vector.is_some_and(|vector| is_tiled(kernel, &axes, vector));
    Order { axes, vector, chunked, tiled, in_memory: None }
}

/// Tiles pay where some load strides through memory in the vector loop and steps to the neighbour in the loop around it:
/// then the lines it touches are still in the cache for the next iterations of that loop. Accumulators of one row must not
/// be cut.
fn is_tiled(kernel: &Kernel, axes: &[usize], vector: usize) -> bool {
    if vector == 0 || vector + 1 != axes.len() {
        return false;
    }
    let (outer, inner) = (axes[vector - 1], axes[vector]);
    let across = |node: &Node| match &node.kind {
        NodeKind::Load { operand, access } => {
            let line = 64 / kernel.operands[*operand as usize].dtype.size() as i64;
            access.strides[outer].abs() == 1 && access.strides[inner].abs() >= line
        }
        _ => false,
    };
    let within_rows = |output: &Output| {
        let partial =
            output.access.strides.iter().zip(&kernel.extents).any(|(&stride, &extent)| stride != 0 && extent > 1);
        matches!(output.kind, OutputKind::Reduce(_)) && partial
    };
    kernel.extents[outer] >= 2 * TILE
        && kernel.extents[inner] >= 2 * TILE
        && kernel.nodes.iter().any(across)
        && !kernel.outputs.iter().any(within_rows)
}

impl Facts {
    /// Collects them.
    pub(crate) fn new(kernel: &Kernel, order: &Order, split: &Split) -> Facts {
        let (depth, varies) = dependence(kernel, order, split);
        let narrow = narrow(kernel, &split.nodes);
        let held = |index: usize| if narrow[index] { 4 } else { split.nodes[index].dtype.size() };
        let small = |index: usize| {
            let node = &split.nodes[index];
            varies[index] && !node.dtype.is_bool() && held(index) <= 4
        };
        let wide = |index: usize| varies[index] && held(index) == 8;
        let small_result = kernel.outputs.iter().any(|output| {
            let dtype = kernel.operands[output.operand as usize].dtype;
            !dtype.is_bool() && dtype.size() <= 4
        });
        let nodes = 0..split.nodes.len();
        let all_wide = !small_result && !nodes.clone().any(small) && nodes.clone().any(wide);
        let form = if all_wide { Form(2) } else { Form(4) };
        let levels = levels(kernel, order);
        let cost = longest(split, &varies);
        let unroll = unroll(cost, order, &levels);
        let widened = widened(split, &varies);
        Facts { depth, varies, narrow, widened, form, unroll, cost, levels }
    }
}

fn dependence(kernel: &Kernel, order: &Order, split: &Split) -> (Vec<usize>, Vec<bool>) {
    let (mut depth, mut varies): (Vec<usize>, Vec<bool>) = (Vec::new(), Vec::new());
    let mut place = vec![0; order.axes.len()];
    order.axes.iter().enumerate().for_each(|(position, &axis)| place[axis] = position);
    for node in &split.nodes {
        let (mut node_depth, mut node_varies) = (0, false);
        let mut on_axis = |axis: usize| {
            node_depth = node_depth.max(place[axis] + 1);
            node_varies |= order.vector == Some(place[axis]);
        };
        match &node.kind {
            NodeKind::Const(_) => {}
            NodeKind::Index { axis } => on_axis(*axis),
            NodeKind::Load { access, .. } => {
                (0..kernel.extents.len())
                    .filter(|&axis| access.strides[axis] != 0 && kernel.extents[axis] > 1)
                    .for_each(&mut on_axis);
                for (node, _) in &access.dynamic {
                    node_depth = node_depth.max(depth[node.index()]);
                    node_varies |= varies[node.index()];
                }
            }
            NodeKind::Op { args, .. } => {
                for arg in args {
                    node_depth = node_depth.max(depth[arg.index()]);
                    node_varies |= varies[arg.index()];
                }
            }
            NodeKind::Pick { .. } => internal("a pick after splitting"),
        }
        depth.push(node_depth);
        varies.push(node_varies);
    }
    (depth, varies)
}

fn widened(split: &Split, varies: &[bool]) -> Vec<bool> {
    let mut widened = vec![false; split.nodes.len()];
    for (node, _) in split.nodes.iter().zip(varies).filter(|(_, varies)| **varies) {
        if let NodeKind::Op { args, .. } = &node.kind {
            args.iter().filter(|arg| !varies[arg.index()]).for_each(|arg| widened[arg.index()] = true);
        }
    }
    split.nest.bodies(&mut |body| {
        body.roots.iter().filter(|root| !varies[root.index()]).for_each(|root| widened[root.index()] = true);
    });
    widened
}

/// Interval arithmetic over index expressions.
fn narrow(kernel: &Kernel, nodes: &[Node]) -> Vec<bool> {
    let mut ranges: Vec<Option<(i128, i128)>> = Vec::new();
    for node in nodes {
        let range = match &node.kind {
            _ if node.dtype != DType::I64 => None,
            NodeKind::Const(value) => Some((value.as_i128(), value.as_i128())),
            NodeKind::Index { axis } => Some((0, kernel.extents[*axis] as i128 - 1)),
            NodeKind::Op { op, args } => {
                let arg = |index: usize| -> Option<(i128, i128)> { ranges[args[index].index()] };
                op_range(*op, arg, |index| nodes[args[index].index()].dtype)
            }
            NodeKind::Load { .. } | NodeKind::Pick { .. } => None,
        };
        ranges.push(range.filter(|&(low, high)| low >= i128::from(i32::MIN) && high <= i128::from(i32::MAX)));
    }
    ranges.iter().map(Option::is_some).collect()
}

fn op_range(
    op: LaneOp,
    arg: impl Fn(usize) -> Option<(i128, i128)>,
    dtype: impl Fn(usize) -> DType,
) -> Option<(i128, i128)> {
    match op {
        LaneOp::Add => arg(0).zip(arg(1)).map(|(a, b)| (a.0 + b.0, a.1 + b.1)),
        LaneOp::Sub => arg(0).zip(arg(1)).map(|(a, b)| (a.0 - b.1, a.1 - b.0)),
        LaneOp::Mul => arg(0).zip(arg(1)).map(|(a, b)| {
            let products = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
            (products.into_iter().min().unwrap_or(0), products.into_iter().max().unwrap_or(0))
        }),
        LaneOp::Neg => arg(0).map(|a| (-a.1, -a.0)),
        LaneOp::Min => arg(0).zip(arg(1)).map(|(a, b)| (a.0.min(b.0), a.1.min(b.1))),
        LaneOp::Max => arg(0).zip(arg(1)).map(|(a, b)| (a.0.max(b.0), a.1.max(b.1))),
        LaneOp::Select => arg(1).zip(arg(2)).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))),
        LaneOp::Convert
            if matches!(dtype(0), DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::U8 | DType::U16) =>
        {
            Some((i128::from(i32::MIN), i128::from(i32::MAX)))
        }
        _ => None,
    }
}

fn levels(kernel: &Kernel, order: &Order) -> Vec<Option<usize>> {
    let level = |output: &Output| {
        let kept = |axis: &usize| output.access.strides[*axis] != 0 && kernel.extents[*axis] > 1;
        let level = order.axes.iter().rposition(kept).map_or(0, |position| position + 1);
        if !order.axes[..level].iter().all(|axis| kept(axis) || kernel.extents[*axis] == 1) {
            internal("accumulators whose loops cannot be nested");
        }
        level
    };
    let accumulates = |output: &Output| matches!(output.kind, OutputKind::Reduce(_)) && order.in_memory.is_none();
    kernel.outputs.iter().map(|output| accumulates(output).then(|| level(output))).collect()
}

/// Roughly, the number of instructions of the longest body for one vector.
fn longest(split: &Split, varies: &[bool]) -> usize {
    let mut longest = 0;
    split.nest.bodies(&mut |body| {
        let cost = body.needed.iter().filter(|node| varies[node.index()]).map(|node| cost(&split.nodes, *node)).sum();
        longest = longest.max(cost);
    });
    longest
}

/// Four vectors hide the latency of arithmetic and spread the cost of the loop; long bodies and many accumulators have
/// enough to overlap by themselves. Accumulators inside of the vector loop walk through memory row by row: the wider, the
/// better.
fn unroll(cost: usize, order: &Order, levels: &[Option<usize>]) -> usize {
    let spanning = |level: usize| order.vector.is_some_and(|vector| level <= vector);
    let levels = levels.iter().flatten();
    let inner = levels.clone().filter(|&&level| !spanning(level)).count();
    let accumulators = levels.filter(|&&level| spanning(level)).count();
    match (cost, accumulators, inner) {
        (0..=8, 0, 1) => 8,
        (0..=40, 0..=2, 0..=2) => 4,
        (0..=100, 0..=4, 0..=4) => 2,
        _ => 1,
    }
}

/// Roughly, the number of instructions.
fn cost(nodes: &[Node], node: NodeId) -> usize {
    match &nodes[node.index()].kind {
        NodeKind::Op { op, .. } => match op {
            LaneOp::Rem => 50,
            _ => 1,
        },
        NodeKind::Load { .. } | NodeKind::Index { .. } => 1,
        NodeKind::Const(_) | NodeKind::Pick { .. } => 0,
    }
}
