//! Sums and differences one of whose terms is a product used nowhere else: they are computed in one rounding. Both code
//! generators find them here.

use super::body::Facts;
use super::split::Split;
use cotangent_ir::kernel::{LaneOp, NodeId, NodeKind};

/// `±a b ± c`.
pub(crate) struct Contraction {
    /// A factor.
    pub(crate) a: NodeId,
    /// The other factor.
    pub(crate) b: NodeId,
    /// The other term.
    pub(crate) c: NodeId,
    /// Whether the product is subtracted.
    pub(crate) minus_product: bool,
    /// Whether the other term is subtracted.
    pub(crate) minus_c: bool,
}

/// A node as a contraction, if it is one; `uses` tells how often each node is used.
pub(crate) fn contraction(split: &Split, facts: &Facts, uses: &[u32], id: NodeId) -> Option<Contraction> {
    let node = &split.nodes[id.index()];
    let NodeKind::Op { op: op @ (LaneOp::Add | LaneOp::Sub), args } = &node.kind else { return None };
    if !node.dtype.is_float() {
        return None;
    }
    let factors = |id: NodeId| match &split.nodes[id.index()].kind {
        NodeKind::Op { op: LaneOp::Mul, args } => Some((args[0], args[1])),
        _ => None,
    };
    let place = |id: NodeId| (facts.depth[id.index()], facts.varies[id.index()]);
    // A product computed further outside costs nothing as it is.
    let single = |arg: &NodeId| uses[arg.index()] == 1 && place(*arg) == place(id) && factors(*arg).is_some();
    let position = args.iter().position(single)?;
    let (a, b) = factors(args[position])?;
    let difference = *op == LaneOp::Sub;
    let (minus_product, minus_c) = (difference && position == 1, difference && position == 0);
    Some(Contraction { a, b, c: args[1 - position], minus_product, minus_c })
}
