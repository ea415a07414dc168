//! The ranges of a kernel's integers: interval arithmetic, in which nothing wraps unnoticed.

use cotangent_ir::kernel::{Access, LaneOp, Node, NodeId, NodeKind};
use cotangent_ir::{DType, Scalar};

/// The least and the greatest value of a node of integers or truth values; of others nothing.
pub(crate) type Range = Option<(i128, i128)>;

/// The range of every node of a kernel of the given extents.
pub(crate) fn of(extents: &[usize], nodes: &[Node]) -> Vec<Range> {
    let mut ranges = Vec::with_capacity(nodes.len());
    extend(&mut ranges, extents, nodes);
    ranges
}

/// Adds the ranges of nodes that have none yet.
pub(crate) fn extend(ranges: &mut Vec<Range>, extents: &[usize], nodes: &[Node]) {
    while let Some(node) = nodes.get(ranges.len()) {
        let range = whole(node.dtype).map(|whole| {
            let found = of_node(node, extents, nodes, ranges);
            found.filter(|found| contains(whole, *found)).unwrap_or(whole)
        });
        ranges.push(range);
    }
}

/// All values of a dtype.
fn whole(dtype: DType) -> Range {
    let known = dtype.is_int() || dtype.is_bool();
    known.then(|| (Scalar::lowest(dtype).as_i128(), Scalar::highest(dtype).as_i128()))
}

/// Whether one range is within another.
pub(crate) fn contains(outer: (i128, i128), inner: (i128, i128)) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

/// Whether a conversion of such values to a dtype of integers keeps them.
pub(crate) fn fits(range: Range, dtype: DType) -> bool {
    matches!((range, whole(dtype)), (Some(range), Some(whole)) if contains(whole, range))
}

/// The exact range of what a node computes, before it wraps.
fn of_node(node: &Node, extents: &[usize], nodes: &[Node], ranges: &[Range]) -> Range {
    match &node.kind {
        NodeKind::Const(value) => Some((value.as_i128(), value.as_i128())),
        NodeKind::Index { axis } => Some((0, (extents[*axis] as i128 - 1).max(0))),
        NodeKind::Load { .. } => None,
        NodeKind::Pick { inside, outside, .. } => union(ranges[inside.index()]?, ranges[outside.index()]?),
        NodeKind::Op { op, args } => {
            let arg = |place: usize| ranges[args[place].index()];
            if node.dtype.is_bool() && *op != LaneOp::Select {
                return None;
            }
            of_op(*op, arg, |place| nodes[args[place].index()].dtype)
        }
    }
}

fn union(a: (i128, i128), b: (i128, i128)) -> Range {
    Some((a.0.min(b.0), a.1.max(b.1)))
}

/// The range of products.
pub(crate) fn product(a: (i128, i128), b: (i128, i128)) -> Range {
    let products = [a.0.checked_mul(b.0)?, a.0.checked_mul(b.1)?, a.1.checked_mul(b.0)?, a.1.checked_mul(b.1)?];
    Some((products.into_iter().min()?, products.into_iter().max()?))
}

fn of_op(op: LaneOp, arg: impl Fn(usize) -> Range, dtype: impl Fn(usize) -> DType) -> Range {
    let a = arg(0)?;
    match op {
        LaneOp::Add => arg(1).map(|b| (a.0 + b.0, a.1 + b.1)),
        LaneOp::Sub => arg(1).map(|b| (a.0 - b.1, a.1 - b.0)),
        LaneOp::Mul => product(a, arg(1)?),
        LaneOp::Neg => Some((-a.1, -a.0)),
        LaneOp::Abs => {
            Some((if a.0 <= 0 && a.1 >= 0 { 0 } else { a.0.abs().min(a.1.abs()) }, a.0.abs().max(a.1.abs())))
        }
        LaneOp::Min => arg(1).map(|b| (a.0.min(b.0), a.1.min(b.1))),
        LaneOp::Max => arg(1).map(|b| (a.0.max(b.0), a.1.max(b.1))),
        LaneOp::Rem => {
            let (low, high) = arg(1)?;
            let most = (low > 0).then_some(high - 1)?;
            Some((if a.0 >= 0 { 0 } else { a.0.max(-most) }, if a.1 <= 0 { 0 } else { a.1.min(most) }))
        }
        LaneOp::Select => union(arg(1)?, arg(2)?),
        LaneOp::Convert if dtype(0).is_int() || dtype(0).is_bool() => Some(a),
        _ => None,
    }
}

/// The least and the greatest position an access reaches in a box, as far as it is known.
pub(crate) fn reach(access: &Access, extents: &[usize], ranges: &[Range]) -> Range {
    let mut total = (i128::from(access.offset), i128::from(access.offset));
    let mut add = |factor: i64, (low, high): (i128, i128)| {
        let ends = [low.checked_mul(factor.into())?, high.checked_mul(factor.into())?];
        total = (total.0.checked_add(ends[0].min(ends[1]))?, total.1.checked_add(ends[0].max(ends[1]))?);
        Some(())
    };
    for (&stride, &extent) in access.strides.iter().zip(extents) {
        add(stride, (0, (extent as i128 - 1).max(0)))?;
    }
    for &(node, factor) in &access.dynamic {
        let node: NodeId = node;
        add(factor, ranges[node.index()]?)?;
    }
    Some(total)
}
