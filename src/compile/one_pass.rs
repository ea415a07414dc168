//! Large matrices that one kernel sums along their rows and a later one over their rows, read once.
//!
//! The gradient of a least-squares loss, `Aᵀ (A x - y)`, takes sums along the rows of a matrix, computes with them, and sums
//! over the rows what it has so weighted. The second sum waits for nothing but the rows it adds: a worker can do all of that on
//! some rows while they are in its cache. For this the sum over rows is split: pieces of rows give a sum each, and a
//! kernel adds these. The kernels are cut into the same pieces then, and since the pieces touch the same rows each,
//! workers need not meet, and do them piece by piece (`pieces`).
//!
//! The sums of pieces are written and read in addition, a small part of the matrix. It pays most where the matrix is in
//! memory. In the last level of the cache there is little to gain: that gives a core of an EPYC of the fourth generation 22
//! bytes in a cycle, and the second level 25. Two products with 16 MiB took a tenth to a fifth less there, with 4 MiB as long.
//!
//! Holds afterwards: what the kernels compute, up to the order of additions. Where workers meet is decided later, by the
//! memory that pieces touch; if something does not fit after all, they meet more often.

use crate::compile::emit::{chunk_size, order};
use crate::compile::pieces::{Parts, parts};
use crate::compile::plan::{Place, Step};
use crate::compile::planner::Planner;
use crate::compile::rows::{Matrix, matrix};
use crate::compile::schedule::chunks;
use cotangent_ir::kernel::{Access, Kernel, KernelOperand, LaneOp, NodeId, NodeKind, Output, OutputKind};
use cotangent_ir::lanes::{Dag, Lanes};
use cotangent_ir::{DType, Scalar};
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of a matrix from which on it is read once: it is in memory, or in a cache that others use too.
const DISTANT: usize = 16 << 20;
/// Bytes of the matrix in a piece: half of the second level.
const PIECE: usize = 512 << 10;
/// The number of rows in a piece is a multiple of this, so that what there is one of for each row makes whole lines.
const LINE: usize = 16;
/// Kernels between the two that read the matrix.
const BETWEEN: usize = 4;

/// Kernels that can be done piece by piece.
struct Run {
    /// Their places among the steps; the sum over rows is the last.
    steps: Range<usize>,
    /// The number of pieces.
    pieces: usize,
    /// The sum over rows, by pieces, and the sum of these.
    split: [Kernel; 2],
}

impl Planner {
    /// If the last step sums over the rows of a large matrix that one shortly before sums along its rows, both are done piece
    /// by piece.
    pub(super) fn read_once(&mut self, steps: &mut Vec<Step>) {
        // Pieces are what workers share: on one thread for good, kernels are not cut.
        if !self.options.one_pass || !self.options.threads {
            return;
        }
        let Some(Run { steps: run, pieces, split: [by_pieces, of_pieces] }) = self.run_over_rows(steps) else { return };
        self.clock += 1;
        // What was there before the first piece of the first kernel must be there until the last piece of the last one.
        let first = self.written(&steps[run.start]).map(|slot| self.slots[slot as usize].first).min();
        for step in &mut steps[run.clone()] {
            let Step::Kernel { bind, chunks, .. } = step else { continue };
            *chunks = pieces;
            bind.iter().for_each(|&place| self.touch(place));
        }
        let Some(Step::Kernel { kernel, bind, .. }) = steps.get_mut(run.end - 1) else { return };
        let mut sums = Vec::new();
        let mut totals = Vec::new();
        for (operand, place) in by_pieces.operands.iter().zip(bind).filter(|(operand, _)| operand.written) {
            let slot = self.new_array(operand.len * operand.dtype.size());
            self.slots[slot as usize].first = first.unwrap_or(self.clock).min(self.clock);
            totals.push(std::mem::replace(place, Place::Slot(slot)));
            sums.push(Place::Slot(slot));
        }
        crate::compile::check_kernel(&by_pieces);
        self.kernels[*kernel] = by_pieces;
        self.clock += 1;
        let bind = [sums, totals].concat();
        bind.iter().for_each(|&place| self.touch(place));
        let chunks = chunks(&of_pieces);
        let kernel = self.add_kernel(of_pieces);
        steps.push(Step::Kernel { kernel, bind, chunks });
    }

    /// The slots that a kernel writes.
    fn written<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = u32> + 'a {
        let written = |(place, operand): (&Place, &KernelOperand)| match place {
            Place::Slot(slot) if operand.written => Some(*slot),
            _ => None,
        };
        let operands = match step {
            Step::Kernel { kernel, bind, .. } => Some(bind.iter().zip(&self.kernels[*kernel].operands)),
            _ => None,
        };
        operands.into_iter().flatten().filter_map(written)
    }

    fn run_over_rows(&self, steps: &[Step]) -> Option<Run> {
        let last = steps.len().checked_sub(1)?;
        let Step::Kernel { kernel, bind, .. } = &steps[last] else { return None };
        let sum = &self.kernels[*kernel];
        let [rows, columns] = sum.extents[..] else { return None };
        if matrix(sum)? != (Matrix { rows: 0, columns: 1 }) {
            return None;
        }
        let (operand, row_bytes) = distant_matrix(sum, columns)?;
        let first = (last.saturating_sub(BETWEEN + 1)..last).rev().find(|&at| self.reads(&steps[at], bind[operand]))?;
        let before: Vec<(&Kernel, &[Place])> =
            steps[first..last].iter().map(|step| self.over_rows(step, rows)).collect::<Option<_>>()?;
        // As many rows in a piece as possible, and the same number for all kernels.
        let most = PIECE / row_bytes / LINE;
        let size = (1..=most).rev().map(|lines| lines * LINE).find(|&size| {
            let of_kernel = |kernel: &Kernel| chunk_size(kernel, &order(kernel), rows.div_ceil(size));
            before.iter().all(|(kernel, _)| of_kernel(kernel) == size)
        })?;
        let pieces = rows.div_ceil(size);
        let split = split(sum, pieces, size)?;
        let mut all = before;
        all.push((&split[0], &bind[..]));
        are_apart(&all, pieces).then_some(Run { steps: first..last + 1, pieces, split })
    }

    fn reads(&self, step: &Step, place: Place) -> bool {
        let Step::Kernel { kernel, bind, .. } = step else { return false };
        let mut operands = bind.iter().zip(&self.kernels[*kernel].operands);
        operands.any(|(&at, operand)| at == place && !operand.written)
    }

    /// The kernel of a step, with its places, if it can be cut into any pieces of so many rows.
    fn over_rows<'a>(&'a self, step: &'a Step, rows: usize) -> Option<(&'a Kernel, &'a [Place])> {
        let Step::Kernel { kernel, bind, .. } = step else { return None };
        let kernel = &self.kernels[*kernel];
        let kept = |output: &Output| {
            let kept = |(&stride, &extent): (&i64, &usize)| stride != 0 && extent > 1;
            output.kind == OutputKind::Store || output.access.strides.iter().zip(&kernel.extents).any(kept)
        };
        let outer = kernel.extents.get(order(kernel).chunked).copied();
        (outer == Some(rows) && !kernel.scatters() && kernel.outputs.iter().all(kept)).then_some((kernel, &bind[..]))
    }
}

/// A large matrix that a sum over rows reads, row by row: its operand and the bytes of a row.
fn distant_matrix(kernel: &Kernel, columns: usize) -> Option<(usize, usize)> {
    kernel.nodes.iter().find_map(|node| {
        let NodeKind::Load { operand, access } = &node.kind else { return None };
        let KernelOperand { dtype, len, .. } = kernel.operands[*operand as usize];
        let row = access.strides[0];
        let whole = access.strides[1] != 0 && row >= columns as i64 && access.dynamic.is_empty();
        (whole && len * dtype.size() >= DISTANT).then_some((*operand as usize, row as usize * dtype.size()))
    })
}

/// Whether of what one of some kernels writes, no other piece of another touches anything.
fn are_apart(kernels: &[(&Kernel, &[Place])], pieces: usize) -> bool {
    type Touch = (Place, bool, Option<Parts>);
    let of_kernel = |(kernel, bind): &(&Kernel, &[Place])| -> Vec<Touch> {
        let touch = |(operand, &place): (usize, &Place)| {
            (place, kernel.operands[operand].written, parts(kernel, pieces, operand))
        };
        bind.iter().enumerate().map(touch).collect()
    };
    // What the last one writes becomes arrays of its own.
    let last = kernels.len() - 1;
    let touches: Vec<Vec<Touch>> = kernels.iter().map(of_kernel).collect();
    let before = touches[..last].iter().flatten();
    let after = touches[last].iter().filter(|(_, written, _)| !written);
    let all: Vec<&Touch> = before.chain(after).collect();
    let meet = |a: &Touch, b: &Touch| a.0 == b.0 && (a.1 || b.1) && (a.2.is_none() || a.2 != b.2);
    !all.iter().any(|a| all.iter().any(|b| meet(a, b)))
}

/// A sum over rows as sums of pieces of so many rows, and the sum of these. The last piece may have fewer rows.
fn split(kernel: &Kernel, pieces: usize, size: usize) -> Option<[Kernel; 2]> {
    let columns = kernel.extents[1];
    let missing = pieces * size - kernel.extents[0];
    let mut dag = Dag::default();
    let mut places: Vec<NodeId> = Vec::with_capacity(kernel.nodes.len());
    let split_access = |access: Access| {
        let strides = [access.strides[0] * size as i64, access.strides[0], access.strides[1]];
        Access { strides: SmallVec::from_slice(&strides), ..access }
    };
    for node in &kernel.nodes {
        places.push(match node.kind.renumbered(&places) {
            NodeKind::Load { operand, access } => {
                dag.push(NodeKind::Load { operand, access: split_access(access) }, node.dtype)
            }
            NodeKind::Index { axis: 0 } => {
                let [piece, row] = [0, 1].map(|axis| dag.push(NodeKind::Index { axis }, node.dtype));
                let mut lanes = Lanes::new(&mut dag);
                let size = lanes.literal(Scalar::int(DType::I64, size as i128));
                let first = lanes.op(LaneOp::Mul, &[piece, size]);
                lanes.op(LaneOp::Add, &[first, row])
            }
            NodeKind::Index { axis } => dag.push(NodeKind::Index { axis: axis + 1 }, node.dtype),
            NodeKind::Pick { axis, low, high, inside, outside } => {
                dag.push(NodeKind::Pick { axis: axis + 1, low, high, inside, outside }, node.dtype)
            }
            kind => dag.push(kind, node.dtype),
        });
    }
    let [mut by_pieces, mut of_pieces] = [kernel.clone(), kernel.clone()];
    by_pieces.outputs.clear();
    let mut sums = Dag::default();
    let (mut reads, mut writes, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for (operand, _) in kernel.operands.iter().enumerate().filter(|(_, operand)| operand.written) {
        let of_operand: Vec<&Output> = kernel.outputs.iter().filter(|o| o.operand as usize == operand).collect();
        let &[output] = &of_operand[..] else { return None };
        let OutputKind::Reduce(op) = output.kind else { return None };
        let KernelOperand { dtype, len, .. } = kernel.operands[operand];
        let value = places[output.node.index()];
        let node = match missing {
            0 => value,
            // All rows of all pieces but the last one, and the first rows of that.
            _ => {
                let dtype = dag.dtype(value);
                let outside = dag.push(NodeKind::Const(op.identity(dtype)), dtype);
                let last = NodeKind::Pick { axis: 1, low: 0, high: size - missing, inside: value, outside };
                let outside = dag.push(last, dtype);
                dag.push(NodeKind::Pick { axis: 0, low: 0, high: pieces - 1, inside: value, outside }, dtype)
            }
        };
        let strides = SmallVec::from_slice(&[columns as i64, 0, 1]);
        let access = Access { offset: 0, strides, dynamic: SmallVec::new() };
        by_pieces.outputs.push(Output { operand: operand as u32, access, node, kind: output.kind });
        by_pieces.operands[operand].len = pieces * columns;
        // The same element of every piece.
        let number = reads.len() as u32;
        let strides = SmallVec::from_slice(&[columns as i64, 1]);
        let access = Access { offset: 0, strides, dynamic: SmallVec::new() };
        let node = sums.push(NodeKind::Load { operand: number, access }, dtype);
        reads.push(KernelOperand { dtype, len: pieces * columns, written: false });
        writes.push(KernelOperand { dtype, len, written: true });
        outputs.push(Output { operand: number, node, ..output.clone() });
    }
    let count = reads.len() as u32;
    outputs.iter_mut().for_each(|output| output.operand += count);
    by_pieces.extents = SmallVec::from_slice(&[pieces, size, columns]);
    by_pieces.nodes = dag.nodes;
    of_pieces.name.push_str("_pieces");
    of_pieces.extents = SmallVec::from_slice(&[pieces, columns]);
    of_pieces.operands = [reads, writes].concat();
    of_pieces.nodes = sums.nodes;
    of_pieces.outputs = outputs;
    Some([by_pieces, of_pieces])
}

#[cfg(test)]
mod tests {
    use super::split;
    use cotangent_ir::eval_kernel::run_kernel;
    use cotangent_ir::text::parse_kernel::kernels;
    use cotangent_ir::verify_kernel::verify_kernel;
    use cotangent_ir::{Scalar, Tensor, Type};

    /// Pieces of four rows, the last of which may have fewer.
    #[test]
    fn sums_of_pieces_add_up() {
        for rows in [12usize, 13, 15] {
            let text = format!(
                "kernel @k [{rows}, 5] (p0: read f32[{elements}], p1: read f32[{rows}], p2: write f32[5]) {{
    n0 = load p0 [5*i0 + 1*i1] : f32
    n1 = load p0 [-1 + 5*i0 + 1*i1] : f32
    n2 = pick i1 in 1..5 n1 else n0 : f32
    n3 = load p1 [1*i0] : f32
    n4 = mul n2, n3 : f32
    n5 = index i0 : i64
    n6 = convert n5 : f32
    n7 = index i1 : i64
    n8 = convert n7 : f32
    n9 = mul n6, n8 : f32
    n10 = add n4, n9 : f32
    reduce sum p2 [1*i1], n10
}}
",
                elements = rows * 5
            );
            let kernel = kernels(&text).unwrap().remove(0);
            let pieces = rows.div_ceil(4);
            let [by_pieces, of_pieces] = split(&kernel, pieces, 4).unwrap();
            verify_kernel(&by_pieces).unwrap();
            verify_kernel(&of_pieces).unwrap();
            let tensor = |len: usize| {
                Tensor::from_fn(Type::new(kernel.operands[0].dtype, &[len]), |at| {
                    Scalar::real(kernel.operands[0].dtype, ((at * 7) % 11) as f64)
                })
            };
            let mut expected = [rows * 5, rows, 5].map(tensor);
            run_kernel(&kernel, &mut expected);
            let mut arrays = [rows * 5, rows, 5 * pieces].map(tensor);
            run_kernel(&by_pieces, &mut arrays);
            let [_, _, sums] = arrays;
            let mut total = [sums, tensor(5)];
            run_kernel(&of_pieces, &mut total);
            assert_eq!(total[1].bytes(), expected[2].bytes());
        }
    }
}
