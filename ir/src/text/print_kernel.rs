//! Printing of kernels.

use super::print::literal;
use crate::kernel::{Access, Kernel, Node, NodeKind, Output, OutputKind};
use std::fmt::Write;

/// The text of a kernel.
pub fn kernel(kernel: &Kernel) -> String {
    let mut text = header(kernel);
    for (position, node) in kernel.nodes.iter().enumerate() {
        let _ = writeln!(text, "    n{position} = {} : {}", self::node(node), node.dtype);
    }
    for output in &kernel.outputs {
        let _ = writeln!(text, "    {}", self::output(output));
    }
    text.push_str("}\n");
    text
}

fn header(kernel: &Kernel) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let name: String = kernel.name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    let extents: Vec<String> = kernel.extents.iter().map(usize::to_string).collect();
    let operands = kernel.operands.iter().enumerate().map(|(position, operand)| {
        let mode = if operand.written { "write" } else { "read" };
        format!("p{position}: {mode} {}[{}]", operand.dtype, operand.len)
    });
    let operands: Vec<String> = operands.collect();
    format!(
        "kernel @{} [{}] ({}) {{\n",
        if name.is_empty() { "k" } else { &name },
        extents.join(", "),
        operands.join(", ")
    )
}

/// A node without its number and dtype.
fn node(node: &Node) -> String {
    match &node.kind {
        NodeKind::Load { operand, access } => format!("load p{operand} [{}]", self::access(access)),
        NodeKind::Const(value) => format!("const {}", literal(*value)),
        NodeKind::Index { axis } => format!("index i{axis}"),
        NodeKind::Op { op, args } => {
            let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
            format!("{} {}", op.name(), args.join(", "))
        }
        NodeKind::Pick { axis, low, high, inside, outside } => {
            format!("pick i{axis} in {low}..{high} {inside} else {outside}")
        }
    }
}

fn output(output: &Output) -> String {
    let Output { operand, access, node, kind } = output;
    let access = self::access(access);
    match kind {
        OutputKind::Store => format!("store p{operand} [{access}], {node}"),
        OutputKind::Reduce(op) => format!("reduce {} p{operand} [{access}], {node}", op.name()),
        OutputKind::Scatter(op) => format!("scatter {} p{operand} [{access}], {node}", op.name()),
    }
}

/// Offset, products with loop indices, products with nodes. Zeros are left out where something else remains.
fn access(access: &Access) -> String {
    let strides = access.strides.iter().enumerate().filter(|(_, stride)| **stride != 0);
    let strides = strides.map(|(axis, &stride)| (stride, format!("*i{axis}")));
    let dynamic = access.dynamic.iter().map(|(node, factor)| (*factor, format!("*{node}")));
    let products: Vec<(i64, String)> = strides.chain(dynamic).collect();
    let mut text = String::new();
    if access.offset != 0 || products.is_empty() {
        let _ = write!(text, "{}", access.offset);
    }
    for (factor, what) in products {
        let sign = match (text.is_empty(), factor < 0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        };
        let _ = write!(text, "{sign}{}{what}", factor.unsigned_abs());
    }
    text
}
