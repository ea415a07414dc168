//! Sums over the rows of a matrix, a few rows at a time, along the rows.
//!
//! The kernel is rewritten: an iteration of the loop over rows does several of them, and the loop over columns is inside of
//! it. The sums are in memory, where they begin at the identity, and each vector of the inner loop combines what its rows
//! give with what is there. What it is good for is said in `compile::rows`.

use super::generator::Generator;
use super::nodes::Code;
use super::region::{MOVE, Operand};
use super::select::Lane;
use crate::compile::emit::body::Order;
use crate::compile::emit::split::{Body, Nest, Segment};
use crate::compile::rows::{Matrix, matrix};
use cotangent_ir::kernel::{Access, Kernel, LaneOp, NodeId, NodeKind, Output, OutputKind, ReduceOp};
use cotangent_ir::lanes::{Dag, Lanes};
use cotangent_ir::{DType, Scalar};

/// The kernel with so many rows in one iteration, and the order of its loops. None if it does more than combine rows.
pub(super) fn unrolled(kernel: &Kernel, order: &Order, rows: usize) -> Option<(Kernel, Order)> {
    if rows < 2 {
        return None;
    }
    let Matrix { rows: axis, columns } = matrix(kernel)?;
    let (whole, rest) = (kernel.extents[axis] / rows, kernel.extents[axis] % rows);
    if whole < 2 {
        return None;
    }
    let mut dag = Dag::default();
    let copies: Vec<Vec<NodeId>> = (0..rows).map(|row| copy(kernel, &mut dag, axis, (row, rows))).collect();
    let total = |dag: &mut Dag, output: &Output, count: usize| {
        let parts = copies[..count].iter().map(|places| places[output.node.index()]);
        parts.reduce(|sum, part| Lanes::new(dag).op(combination(output), &[sum, part]))
    };
    let mut outputs = Vec::new();
    for output in &kernel.outputs {
        let inside = total(&mut dag, output, rows)?;
        let node = match total(&mut dag, output, rest) {
            // The rows that are left are the last iteration.
            Some(outside) => {
                let dtype = dag.dtype(inside);
                dag.push(NodeKind::Pick { axis, low: 0, high: whole, inside, outside }, dtype)
            }
            None => inside,
        };
        outputs.push(Output { node, ..output.clone() });
    }
    let mut extents = kernel.extents.clone();
    extents[axis] = whole + usize::from(rest > 0);
    let kernel = Kernel { extents, nodes: dag.nodes, outputs, ..kernel.clone() };
    let mut axes = order.axes.clone();
    let last = axes.len() - 1;
    axes.swap(last - 1, last);
    debug_assert_eq!(axes[last], columns);
    Some((kernel, Order { axes, vector: Some(last), in_memory: Some(axis), ..*order }))
}

/// How an output combines two values.
fn combination(output: &Output) -> LaneOp {
    match output.kind {
        OutputKind::Reduce(op) => op.combine(),
        _ => cotangent_ir::error::internal("a row that is not combined with others"),
    }
}

/// A kernel's nodes for one row of several; gives the place of each.
fn copy(kernel: &Kernel, dag: &mut Dag, axis: usize, (row, rows): (usize, usize)) -> Vec<NodeId> {
    let mut places: Vec<NodeId> = Vec::with_capacity(kernel.nodes.len());
    for node in &kernel.nodes {
        places.push(match node.kind.renumbered(&places) {
            NodeKind::Load { operand, access } => {
                let mut strides = access.strides;
                let offset = access.offset + row as i64 * strides[axis];
                strides[axis] *= rows as i64;
                dag.push(NodeKind::Load { operand, access: Access { offset, strides, ..access } }, node.dtype)
            }
            kind @ NodeKind::Index { axis: of } if of == axis => {
                let index = dag.push(kind, node.dtype);
                let mut lanes = Lanes::new(dag);
                let number =
                    |lanes: &mut Lanes<'_>, value: usize| lanes.literal(Scalar::int(DType::I64, value as i128));
                let (factor, first) = (number(&mut lanes, rows), number(&mut lanes, row));
                let index = lanes.op(LaneOp::Mul, &[index, factor]);
                lanes.op(LaneOp::Add, &[index, first])
            }
            kind => dag.push(kind, node.dtype),
        });
    }
    places
}

impl Generator<'_> {
    /// Before the loop over rows, around the vector loop: the sums begin at the identity.
    pub(super) fn clear_sums(&mut self, level: usize) -> Option<()> {
        let columns = self.order.axes[self.vector];
        let body = Body { roots: vec![NodeId(0); self.kernel.outputs.len()], needed: Vec::new() };
        let all = Segment { low: 0, high: self.kernel.extents[columns], inside: Nest::Body(body) };
        self.clearing = true;
        self.vector_loop(columns, std::slice::from_ref(&all), level)?;
        self.clearing = false;
        Some(())
    }

    /// One vector of the sums at the identity.
    pub(super) fn clear_sum(&mut self, code: &mut Code, output: usize, op: ReduceOp, vector: usize) -> Option<()> {
        let element = self.element_of_output(output)?;
        let identity = op.identity(self.dtype(self.kernel.outputs[output].operand));
        let parts = self.selector(code).literal(identity, element)?;
        let load = |part: Operand| match part {
            Operand::Memory(memory) => code.region.load(MOVE, memory),
            Operand::Value(_) => part,
        };
        let lane = parts.into_iter().map(load).collect();
        self.write(code, output, vector, &lane)
    }

    /// Combines what the rows give in one vector with the sums in memory.
    pub(super) fn add_to_sum(
        &mut self,
        code: &mut Code,
        output: usize,
        op: ReduceOp,
        vector: usize,
        value: Lane,
    ) -> Option<()> {
        let split = self.split;
        let before = self.read(code, self.kernel.outputs[output].operand, &split.accesses[output], vector)?;
        let mut lane = value;
        for (part, before) in lane.iter_mut().zip(before) {
            *part = self.combine(code, output, op, *part, before)?;
        }
        self.write(code, output, vector, &lane)
    }
}
