//! Elementary functions of kernels written out in arithmetic.
//!
//! Before: kernels with operations such as `exp`. After: equal ones without, except that the sine and cosine of very
//! large arguments stand where nothing else is accurate.

use crate::compile::plan::Plan;
use cotangent_ir::kernel::{Kernel, NodeId, NodeKind};
use cotangent_ir::lanes::{Dag, Lanes};
use smallvec::SmallVec;

/// Writes the functions of all kernels out; `fused` tells whether the target multiplies and adds in one rounding.
pub(super) fn expand(plan: &Plan, fused: bool) -> Plan {
    Plan { kernels: plan.kernels.iter().map(|kernel| expanded(kernel, fused)).collect(), ..plan.clone() }
}

fn expanded(kernel: &Kernel, fused: bool) -> Kernel {
    let mut dag = Dag::default();
    let mut places: Vec<NodeId> = Vec::with_capacity(kernel.nodes.len());
    for node in &kernel.nodes {
        let written_out = match &node.kind {
            NodeKind::Op { op, args } if node.dtype.is_float() => {
                let args: SmallVec<[NodeId; 3]> = args.iter().map(|arg| places[arg.index()]).collect();
                let lanes = Lanes::new(&mut dag);
                let mut lanes = if fused { lanes.with_fused_products() } else { lanes };
                lanes.written_out(*op, &args)
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
