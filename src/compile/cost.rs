//! What a step of a plan costs: bytes moved and floating-point operations, counted on the plan, not measured.
//!
//! Every element that a step reads is counted once, however often the step reads it, and every element it writes once
//! more: what it would take with a cache that holds whatever a step uses again, and nothing from one step to the next.
//! Scalars, which stay with each worker, count nothing. Kernels that gather are taken to touch an element in every
//! iteration, as far as there are so many.
//!
//! Of the operations of a kernel, those count one that give a floating-point number by arithmetic or an elementary
//! function; a fused multiplication and addition counts two; signs, comparisons, selections, roundings and conversions
//! none. What is the same in all iterations of a loop counts once, as it is computed once.

use crate::compile::plan::{Place, Plan, Step};
use crate::run::library::{FftKind, LibraryCall, MatrixOperand};
use cotangent_ir::kernel::{Access, Kernel, LaneOp, NodeId, NodeKind, OutputKind};
use smallvec::SmallVec;
use std::iter::Sum;
use std::ops::{Add, Mul};

/// Bytes moved and operations done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cost {
    /// Bytes read and written.
    pub bytes: u64,
    /// Floating-point operations.
    pub flops: u64,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { bytes: self.bytes + other.bytes, flops: self.flops + other.flops }
    }
}

impl Mul<u64> for Cost {
    type Output = Cost;

    fn mul(self, runs: u64) -> Cost {
        Cost { bytes: self.bytes * runs, flops: self.flops * runs }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), Cost::add)
    }
}

/// The cost of one execution of a step. That of control flow is in the steps inside.
pub fn of_step(plan: &Plan, step: &Step) -> Cost {
    match step {
        Step::Kernel { kernel, bind, .. } | Step::Scalar { kernel, bind } => of_kernel(&plan.kernels[*kernel], bind),
        Step::Combine { dtype, count, .. } => Cost { bytes: (dtype.size() * count) as u64, flops: *count as u64 },
        Step::Library { call } => of_call(&plan.calls[*call]),
        Step::Copy { bytes, .. } => Cost { bytes: 2 * *bytes as u64, flops: 0 },
        Step::Assign { moves } => {
            let sides = moves.iter().flat_map(|&(to, from, dtype, lanes)| [(to, dtype, lanes), (from, dtype, lanes)]);
            let stored = sides.filter(|(place, ..)| matches!(place, Place::Slot(_)));
            Cost { bytes: stored.map(|(_, dtype, lanes)| (dtype.size() * lanes) as u64).sum(), flops: 0 }
        }
        Step::Rotate { .. }
        | Step::Barrier
        | Step::End { .. }
        | Step::While { .. }
        | Step::Repeat { .. }
        | Step::Switch { .. } => Cost::default(),
    }
}

/// The bytes of arguments and results: what a program has to move if it reads and writes each once.
pub fn least_bytes(plan: &Plan) -> u64 {
    plan.inputs.iter().chain(&plan.outputs).map(|ty| ty.byte_len() as u64).sum()
}

/// A box of iterations: the first index along each axis, and the one after the last.
type Region = SmallVec<[(usize, usize); 4]>;

/// Elements of an operand that an access touches: the first, the one after the last, and how many at most in between.
type Span = (i64, i64, u64);

fn of_kernel(kernel: &Kernel, bind: &[Place]) -> Cost {
    let regions = demanded(kernel);
    let whole: Region = kernel.extents.iter().map(|&extent| (0, extent)).collect();
    let (mut reads, mut writes) = (vec![Vec::new(); bind.len()], vec![Vec::new(); bind.len()]);
    for (node, region) in kernel.nodes.iter().zip(&regions) {
        if let (NodeKind::Load { operand, access }, Some(region)) = (&node.kind, region) {
            reads[*operand as usize].push(span(access, region));
        }
    }
    for output in &kernel.outputs {
        let span = span(&output.access, &whole);
        writes[output.operand as usize].push(span);
        // What is combined with what is there reads it.
        if output.kind.scatters() {
            reads[output.operand as usize].push(span);
        }
    }
    let mut bytes = 0;
    for (operand, spans) in reads.into_iter().enumerate().chain(writes.into_iter().enumerate()) {
        let described = &kernel.operands[operand];
        if matches!(bind[operand], Place::Slot(_)) {
            bytes += touched(spans, described.len as i64) * described.dtype.size() as u64;
        }
    }
    Cost { bytes, flops: flops(kernel, &regions) }
}

/// For every node, a box that holds the iterations in which an output needs it; none if no output does.
fn demanded(kernel: &Kernel) -> Vec<Option<Region>> {
    let mut regions: Vec<Option<Region>> = vec![None; kernel.nodes.len()];
    let widen = |regions: &mut Vec<Option<Region>>, node: NodeId, region: &Region| {
        if region.iter().any(|(low, high)| low >= high) {
            return;
        }
        match &mut regions[node.index()] {
            Some(known) => known.iter_mut().zip(region).for_each(|(known, &(low, high))| {
                *known = (known.0.min(low), known.1.max(high));
            }),
            none => *none = Some(region.clone()),
        }
    };
    let whole: Region = kernel.extents.iter().map(|&extent| (0, extent)).collect();
    for output in &kernel.outputs {
        widen(&mut regions, output.node, &whole);
        output.access.dynamic.iter().for_each(|&(node, _)| widen(&mut regions, node, &whole));
    }
    for number in (0..kernel.nodes.len()).rev() {
        let Some(region) = regions[number].clone() else { continue };
        match kernel.nodes[number].kind {
            NodeKind::Pick { axis, low, high, inside, outside } => {
                let (first, end) = region[axis];
                let mut part = region.clone();
                part[axis] = (first.max(low), end.min(high));
                widen(&mut regions, inside, &part);
                // Of an outside on both sides the box is the whole.
                part[axis] = match (low <= first, high >= end) {
                    (true, _) => (first.max(high), end),
                    (false, true) => (first, end.min(low)),
                    (false, false) => (first, end),
                };
                widen(&mut regions, outside, &part);
            }
            ref kind => kind.arguments(|argument| widen(&mut regions, argument, &region)),
        }
    }
    regions
}

fn span(access: &Access, region: &Region) -> Span {
    if !access.dynamic.is_empty() {
        return (0, i64::MAX, region.iter().map(|(low, high)| (high - low) as u64).product());
    }
    let (mut first, mut last, mut count) = (access.offset, access.offset, 1);
    for (&stride, &(low, high)) in access.strides.iter().zip(region).filter(|(stride, _)| **stride != 0) {
        let ends = [stride * low as i64, stride * (high as i64 - 1)];
        first += ends[0].min(ends[1]);
        last += ends[0].max(ends[1]);
        count *= (high - low) as u64;
    }
    (first, last + 1, count)
}

/// Elements touched by any of the spans.
fn touched(mut spans: Vec<Span>, len: i64) -> u64 {
    spans.iter_mut().for_each(|(first, end, _)| (*first, *end) = ((*first).clamp(0, len), (*end).clamp(0, len)));
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for (first, end, count) in spans {
        match joined.last_mut() {
            Some(last) if first < last.1 => *last = (last.0, last.1.max(end), last.2 + count),
            _ => joined.push((first, end, count)),
        }
    }
    joined.into_iter().map(|(first, end, count)| count.min((end - first) as u64)).sum()
}

fn flops(kernel: &Kernel, regions: &[Option<Region>]) -> u64 {
    let rank = kernel.extents.len();
    let mut moving: Vec<SmallVec<[bool; 4]>> = Vec::with_capacity(kernel.nodes.len());
    let mut total = 0;
    for (node, region) in kernel.nodes.iter().zip(regions) {
        let mut axes: SmallVec<[bool; 4]> = SmallVec::from_elem(false, rank);
        match &node.kind {
            NodeKind::Load { access, .. } => {
                axes.iter_mut().zip(&access.strides).for_each(|(moves, &stride)| *moves = stride != 0);
            }
            NodeKind::Index { axis } | NodeKind::Pick { axis, .. } => axes[*axis] = true,
            NodeKind::Const(_) | NodeKind::Op { .. } => {}
        }
        node.kind.arguments(|argument| {
            axes.iter_mut().zip(&moving[argument.index()]).for_each(|(moves, &other)| *moves |= other);
        });
        if let (NodeKind::Op { op, .. }, Some(region), true) = (&node.kind, region, node.dtype.is_float()) {
            let iterations = axes.iter().zip(region).filter(|(moves, _)| **moves);
            total += operations(*op) * iterations.map(|(_, (low, high))| (high - low) as u64).product::<u64>();
        }
        moving.push(axes);
    }
    let reduces_floats = |operand: u32, kind| {
        matches!(kind, OutputKind::Reduce(_) | OutputKind::Scatter(_))
            && kernel.operands[operand as usize].dtype.is_float()
    };
    let reductions = kernel.outputs.iter().filter(|output| reduces_floats(output.operand, output.kind)).count();
    total + (reductions * kernel.iterations()) as u64
}

fn operations(op: LaneOp) -> u64 {
    use LaneOp::*;
    match op {
        Fma => 2,
        Neg | Abs | Sign | Floor | Ceil | Round | Trunc | Select | Convert | Bitcast => 0,
        _ => 1,
    }
}

fn of_call(call: &LibraryCall) -> Cost {
    match call {
        LibraryCall::Gemm { dtype, batch, rows, depth, columns, a, b, .. } => {
            let read =
                |operand: &MatrixOperand, size: usize| if operand.batch_stride == 0 { size } else { batch * size };
            let elements = read(a, rows * depth) + read(b, depth * columns) + batch * rows * columns;
            let products = (batch * rows * depth * columns) as u64;
            let of_one = if dtype.is_complex() { 8 } else { 2 };
            Cost { bytes: (elements * dtype.size()) as u64, flops: of_one * products }
        }
        LibraryCall::Fft { kind, precision, outer, length, inner, .. } => {
            let (complex, half) = (2 * length, 2 * (length / 2 + 1));
            // The usual count: that of the algorithm of radix 2.
            let operations = 5.0 * *length as f64 * (*length as f64).log2();
            let (lanes, operations) = match kind {
                FftKind::Forward | FftKind::Inverse => (2 * complex, operations),
                FftKind::RealForward | FftKind::RealInverse => (length + half, operations / 2.0),
            };
            let lines = outer * inner;
            Cost {
                bytes: (lines * lanes * precision.size()) as u64,
                flops: (lines as f64 * operations.max(0.0)) as u64,
            }
        }
        LibraryCall::Filter { precision, outer, length, inner, im, .. } => {
            // Two transforms of the usual count, and the products.
            let lanes = if im.is_some() { 6 } else { 5 };
            let operations = *length as f64 * (10.0 * (*length as f64).log2() + 6.0);
            Cost {
                bytes: (outer * length * inner * lanes * precision.size()) as u64,
                flops: ((outer * inner) as f64 * operations) as u64,
            }
        }
        // What routines compute is not known here.
        LibraryCall::Items { batch, operands, results, .. } => {
            let bytes: usize = operands.iter().chain(results).map(|array| array.ty.byte_len()).sum();
            Cost { bytes: (batch * bytes) as u64, flops: 0 }
        }
        LibraryCall::Host { operands, results, .. } => {
            let bytes = operands.iter().map(|(_, ty)| ty).chain(results.iter().map(|array| &array.ty));
            Cost { bytes: bytes.map(|ty| ty.byte_len() as u64).sum(), flops: 0 }
        }
        LibraryCall::Tap { .. } => Cost::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, of_kernel};
    use crate::compile::plan::Place;
    use cotangent_ir::text::parse_kernel::kernels;

    fn cost(text: &str, operands: u32) -> Cost {
        let bind: Vec<Place> = (0..operands).map(Place::Slot).collect();
        of_kernel(&kernels(text).unwrap()[0], &bind)
    }

    #[test]
    fn a_stencil_reads_its_array_once() {
        let text = "kernel @k [10] (p0: read f32[12], p1: write f32[10]) {
    n0 = load p0 [1*i0] : f32
    n1 = load p0 [2 + 1*i0] : f32
    n2 = add n0, n1 : f32
    store p1 [1*i0], n2
}
";
        assert_eq!(cost(text, 2), Cost { bytes: 4 * (12 + 10), flops: 10 });
    }

    #[test]
    fn a_branch_is_counted_where_it_is_taken() {
        let text = "kernel @k [10] (p0: read f32[4], p1: write f32[10]) {
    n0 = load p0 [1*i0] : f32
    n1 = mul n0, n0 : f32
    n2 = const 0f32 : f32
    n3 = pick i0 in 0..4 n1 else n2 : f32
    store p1 [1*i0], n3
}
";
        assert_eq!(cost(text, 2), Cost { bytes: 4 * (4 + 10), flops: 4 });
    }

    #[test]
    fn rows_of_constants_are_computed_once_and_sums_count() {
        let text = "kernel @k [3, 5] (p0: read f32[3], p1: read f32[15], p2: write f32[3]) {
    n0 = load p0 [1*i0] : f32
    n1 = exp n0 : f32
    n2 = load p1 [5*i0 + 1*i1] : f32
    n3 = mul n1, n2 : f32
    reduce sum p2 [1*i0], n3
}
";
        assert_eq!(cost(text, 3), Cost { bytes: 4 * (3 + 15 + 3), flops: 3 + 15 + 15 });
    }
}
