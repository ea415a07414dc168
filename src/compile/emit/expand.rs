//! Elementary functions of a kernel written out in arithmetic.
//!
//! Before: a kernel with operations such as `exp`. After: an equal one without, except that the sine and cosine of very
//! large arguments stand where nothing else is accurate.

use cotangent_ir::kernel::{Kernel, NodeId, NodeKind};
use cotangent_ir::lanes::{Dag, Lanes};

/// Writes the functions of a kernel out.
pub(crate) fn expand(kernel: &Kernel) -> Kernel {
    let mut dag = Dag::default();
    let mut places: Vec<NodeId> = Vec::with_capacity(kernel.nodes.len());
    for node in &kernel.nodes {
        let written_out = match &node.kind {
            NodeKind::Op { op, args } if node.dtype.is_float() => {
                Lanes::new(&mut dag).written_out(*op, places[args[0].index()])
            }
            _ => None,
        };
        places.push(written_out.unwrap_or_else(|| dag.push(node.kind.renumbered(&places), node.dtype)));
    }
    let mut outputs = kernel.outputs.clone();
    for output in &mut outputs {
        output.node = places[output.node.index()];
        output.access = output.access.renumbered(&places);
    }
    Kernel { nodes: dag.nodes, outputs, ..kernel.clone() }
}
