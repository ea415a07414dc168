//! Random kernels that satisfy the verifier, for checking emission against the reference interpreter.
//!
//! Operands are exactly as long as they are reached, so that a wrong guard leaves them. Reductions are over all axes or
//! not over the outermost, as plans have them; so do scatters keep the outermost apart. Elements stay moderate as in random functions.

use super::{Known, MAX_SPREAD, Random, element};
use crate::dtype::DType;
use crate::kernel::{Access, Kernel, KernelOperand, LaneOp, Node, NodeId, NodeKind, Output, OutputKind, ReduceOp};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;
use smallvec::SmallVec;

/// A range of every loop index, as a guard leaves it.
type Ranges = Vec<(usize, usize)>;

/// The kernel of a seed.
///
/// ```
/// use cotangent_ir::{eval_kernel, generate, verify_kernel};
/// let kernel = generate::kernel(3);
/// verify_kernel::verify_kernel(&kernel).unwrap();
/// let mut buffers = generate::buffers(&kernel, 3);
/// eval_kernel::run_kernel(&kernel, &mut buffers);
/// ```
pub fn kernel(seed: u64) -> Kernel {
    let mut random = Random::new(seed);
    let rank = random.below(4);
    let mut extents: SmallVec<[usize; 4]> = (0..rank).map(|_| *random.pick(&[1, 2, 3, 5])).collect();
    if let Some(inner) = extents.last_mut() {
        *inner = *random.pick(&[1, 4, 7, 16, 37, 70]);
    }
    let kernel =
        Kernel { name: "random".into(), extents, operands: Vec::new(), nodes: Vec::new(), outputs: Vec::new() };
    let mut maker = Maker { kernel, random, known: Vec::new() };
    for _ in 0..2 + maker.random.below(3) {
        maker.load();
    }
    for _ in 0..4 + maker.random.below(12) {
        maker.node();
    }
    for _ in 0..1 + maker.random.below(3) {
        maker.output();
    }
    maker.kernel
}

/// Buffers for a kernel: moderate elements in those it reads, junk in those it writes, starts that keep dynamic offsets
/// in range.
pub fn buffers(kernel: &Kernel, seed: u64) -> Vec<Tensor> {
    let mut random = Random::new(seed ^ 0x2545_f491_4f6c_dd1d);
    let fill = |operand: &KernelOperand| {
        let ty = Type::new(operand.dtype, &[operand.len]);
        Tensor::from_fn(ty, |_| match (operand.written, operand.dtype) {
            (true, dtype) => Scalar::real(dtype, 99.0),
            // Only dynamic offsets are read from i64.
            (false, DType::I64) => Scalar::int(DType::I64, random.below(MAX_START + 1) as i128),
            (false, dtype) => element(dtype, &mut random),
        })
    };
    kernel.operands.iter().map(fill).collect()
}

/// The greatest dynamic start.
const MAX_START: usize = 3;

/// Of a node that is in range only behind its guards: nothing else may use it.
const UNUSABLE: Known = Known { bound: f64::INFINITY, spread: f64::INFINITY };

struct Maker {
    kernel: Kernel,
    random: Random,
    known: Vec<Known>,
}

impl Maker {
    fn push(&mut self, kind: NodeKind, dtype: DType, known: Known) -> NodeId {
        self.kernel.nodes.push(Node { kind, dtype });
        self.known.push(known);
        NodeId(self.kernel.nodes.len() as u32 - 1)
    }

    fn operand(&mut self, dtype: DType, len: usize, written: bool) -> u32 {
        self.kernel.operands.push(KernelOperand { dtype, len, written });
        self.kernel.operands.len() as u32 - 1
    }

    fn whole(&self) -> Ranges {
        self.kernel.extents.iter().map(|&extent| (0, extent)).collect()
    }

    /// An access from a box with its least position at 0, and the number of positions it spans.
    fn access(&mut self, ranges: &Ranges) -> (Access, usize) {
        let rank = ranges.len();
        let mut order: Vec<usize> = (0..rank).collect();
        // Mostly row-major; sometimes the innermost loop strides.
        if rank > 1 && self.random.below(4) == 0 {
            order.swap(rank - 1, self.random.below(rank));
        }
        let mut strides: SmallVec<[i64; 4]> = SmallVec::from_elem(0, rank);
        let mut step = *self.random.pick(&[1, 1, 1, 2]);
        for &axis in order.iter().rev() {
            if self.random.below(6) == 0 {
                continue; // Broadcast along this axis.
            }
            let sign = if self.random.below(6) == 0 { -1 } else { 1 };
            strides[axis] = sign * step;
            step *= (ranges[axis].1 - ranges[axis].0) as i64;
        }
        let ends = |&(stride, (low, high)): &(i64, (usize, usize))| (stride * low as i64, stride * (high as i64 - 1));
        let reach: Vec<(i64, i64)> =
            strides.iter().copied().zip(ranges.iter().copied()).map(|end| ends(&end)).collect();
        let least: i64 = reach.iter().map(|(a, b)| a.min(b)).sum();
        let greatest: i64 = reach.iter().map(|(a, b)| a.max(b)).sum();
        let access = Access { offset: -least, strides, dynamic: SmallVec::new() };
        (access, (greatest - least + 1) as usize)
    }

    /// A load, perhaps guarded on one or two axes, perhaps from a start known only at run time.
    fn load(&mut self) {
        let dtype = *self.random.pick(&[DType::F32, DType::F32, DType::F64, DType::I32, DType::U8, DType::Bool]);
        let known = Known { bound: 4.0, spread: 0.0 };
        let mut ranges = self.whole();
        let mut guards = Vec::new();
        for (axis, range) in ranges.iter_mut().enumerate() {
            let extent = range.1;
            if extent > 1 && self.random.below(3) == 0 {
                let low = self.random.below(extent);
                let high = low + 1 + self.random.below(extent - low);
                *range = (low, high);
                guards.push((axis, low, high));
            }
        }
        let (mut access, mut len) = self.access(&ranges);
        if self.random.below(5) == 0 {
            let start = if self.random.coin() { self.start() } else { self.place() };
            access.dynamic.push((start, 2));
            len += 2 * MAX_START;
        }
        let operand = self.operand(dtype, len, false);
        let mut node = self.push(NodeKind::Load { operand, access }, dtype, known);
        for (axis, low, high) in guards {
            self.known[node.index()] = UNUSABLE;
            let outside = self.push(NodeKind::Const(Scalar::one(dtype)), dtype, Known { bound: 1.0, spread: 0.0 });
            node = self.push(NodeKind::Pick { axis, low, high, inside: node, outside }, dtype, known);
        }
    }

    /// An i64 that no loop index changes.
    fn start(&mut self) -> NodeId {
        let operand = self.operand(DType::I64, 1, false);
        let strides = SmallVec::from_elem(0, self.kernel.extents.len());
        let access = Access { offset: 0, strides, dynamic: SmallVec::new() };
        self.push(NodeKind::Load { operand, access }, DType::I64, Known { bound: MAX_START as f64, spread: 0.0 })
    }

    /// An i64 that differs between iterations.
    fn place(&mut self) -> NodeId {
        let (access, len) = self.access(&self.whole());
        let operand = self.operand(DType::I64, len, false);
        self.push(NodeKind::Load { operand, access }, DType::I64, Known { bound: MAX_START as f64, spread: 0.0 })
    }

    fn pick(&mut self, mut accepts: impl FnMut(DType, Known) -> bool) -> Option<(NodeId, DType, Known)> {
        let nodes = self.kernel.nodes.iter().zip(&self.known).enumerate();
        let fitting: Vec<usize> = nodes
            .filter(|(_, (node, known))| known.bound.is_finite() && accepts(node.dtype, **known))
            .map(|(position, _)| position)
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let position = fitting[self.random.below(fitting.len()).max(self.random.below(fitting.len()))];
        Some((NodeId(position as u32), self.kernel.nodes[position].dtype, self.known[position]))
    }

    /// One more operation, if the nodes at hand allow the one chosen.
    fn node(&mut self) -> Option<NodeId> {
        match self.random.below(9) {
            0 => self.conversion(),
            1 => self.index(),
            2 => self.comparison(),
            3 => self.selection(),
            4 => self.guard(),
            5 => self.elementary(),
            _ => self.arithmetic(),
        }
    }

    fn op(&mut self, op: LaneOp, args: &[NodeId], dtype: DType, known: Known) -> Option<NodeId> {
        if known.spread > MAX_SPREAD || !known.bound.is_finite() || known.bound > 1e6 && dtype.is_float() {
            return None;
        }
        Some(self.push(NodeKind::Op { op, args: args.into() }, dtype, known))
    }

    fn arithmetic(&mut self) -> Option<NodeId> {
        let (a, dtype, x) = self.pick(|_, _| true)?;
        let (b, _, y) = self.pick(|other, _| other == dtype)?;
        if dtype.is_bool() {
            let op = *self.random.pick(&[LaneOp::And, LaneOp::Or, LaneOp::Xor, LaneOp::Add, LaneOp::Mul, LaneOp::Max]);
            return self.op(op, &[a, b], dtype, x);
        }
        let exact = Known { bound: 1e6, spread: 0.0 };
        let ints = [LaneOp::Div, LaneOp::Rem, LaneOp::And, LaneOp::Or, LaneOp::Xor, LaneOp::Shl, LaneOp::Shr];
        let both =
            [LaneOp::Add, LaneOp::Sub, LaneOp::Mul, LaneOp::Max, LaneOp::Min, LaneOp::Fma, LaneOp::Neg, LaneOp::Abs];
        if dtype.is_int() {
            let op = if self.random.coin() { *self.random.pick(&ints) } else { *self.random.pick(&both[..5]) };
            return self.op(op, &[a, b], dtype, exact);
        }
        let sum = Known { bound: x.bound + y.bound, spread: x.spread + y.spread + x.bound + y.bound };
        let bound = x.bound * y.bound;
        let product = Known { bound, spread: x.bound * y.spread + y.bound * x.spread + bound };
        let either = Known { bound: x.bound.max(y.bound), spread: x.spread.max(y.spread) };
        match *self.random.pick(&both) {
            op @ (LaneOp::Add | LaneOp::Sub) => self.op(op, &[a, b], dtype, sum),
            op @ (LaneOp::Max | LaneOp::Min) => self.op(op, &[a, b], dtype, either),
            op @ (LaneOp::Neg | LaneOp::Abs) => self.op(op, &[a], dtype, x),
            LaneOp::Fma => {
                let (c, _, z) = self.pick(|other, _| other == dtype)?;
                let bound = product.bound + z.bound;
                self.op(LaneOp::Fma, &[a, b, c], dtype, Known { bound, spread: product.spread + z.spread + bound })
            }
            _ => self.op(LaneOp::Mul, &[a, b], dtype, product),
        }
    }

    fn elementary(&mut self) -> Option<NodeId> {
        let (a, dtype, x) = self.pick(|dtype, _| dtype.is_float())?;
        let smooth = Known { bound: 1.0, spread: x.spread + 2.0 };
        let rounded = Known { bound: x.bound + 1.0, spread: 0.0 };
        match *self.random.pick(&[LaneOp::Sin, LaneOp::Cos, LaneOp::Tanh, LaneOp::Exp, LaneOp::Floor, LaneOp::Round]) {
            LaneOp::Exp if x.bound > 2.0 => None,
            LaneOp::Exp => {
                let bound = x.bound.exp();
                self.op(LaneOp::Exp, &[a], dtype, Known { bound, spread: bound * (x.spread + 2.0) })
            }
            op @ (LaneOp::Floor | LaneOp::Round) if x.spread == 0.0 => self.op(op, &[a], dtype, rounded),
            LaneOp::Floor | LaneOp::Round => None,
            op => self.op(op, &[a], dtype, smooth),
        }
    }

    fn conversion(&mut self) -> Option<NodeId> {
        let (a, from, x) = self.pick(|dtype, known| !dtype.is_float() || known.spread == 0.0)?;
        let dtypes = [DType::F32, DType::F64, DType::I32, DType::I64, DType::U8, DType::I16, DType::Bool];
        let dtype = *self.random.pick(&dtypes);
        let bound = if from.is_float() { x.bound } else { 1e6 };
        self.op(LaneOp::Convert, &[a], dtype, Known { bound: bound.min(1e6), spread: 0.0 })
    }

    fn index(&mut self) -> Option<NodeId> {
        let rank = self.kernel.extents.len();
        if rank == 0 {
            return None;
        }
        let axis = self.random.below(rank);
        let bound = self.kernel.extents[axis] as f64;
        Some(self.push(NodeKind::Index { axis }, DType::I64, Known { bound, spread: 0.0 }))
    }

    fn comparison(&mut self) -> Option<NodeId> {
        let (a, dtype, _) = self.pick(|_, known| known.spread == 0.0)?;
        let (b, _, _) = self.pick(|other, known| other == dtype && known.spread == 0.0)?;
        let op = *self.random.pick(&[LaneOp::Eq, LaneOp::Ne, LaneOp::Lt, LaneOp::Le]);
        self.op(op, &[a, b], DType::Bool, Known { bound: 1.0, spread: 0.0 })
    }

    fn selection(&mut self) -> Option<NodeId> {
        let (p, _, _) = self.pick(|dtype, _| dtype.is_bool())?;
        let (a, dtype, x) = self.pick(|_, _| true)?;
        let (b, _, y) = self.pick(|other, _| other == dtype)?;
        let known = Known { bound: x.bound.max(y.bound), spread: x.spread.max(y.spread) };
        self.op(LaneOp::Select, &[p, a, b], dtype, known)
    }

    /// One of two nodes by a loop index.
    fn guard(&mut self) -> Option<NodeId> {
        let rank = self.kernel.extents.len();
        let (inside, dtype, x) = self.pick(|_, _| true)?;
        let (outside, _, y) = self.pick(|other, _| other == dtype)?;
        if rank == 0 {
            return None;
        }
        let axis = self.random.below(rank);
        let low = self.random.below(self.kernel.extents[axis]);
        let high = low + 1 + self.random.below(self.kernel.extents[axis] - low);
        let known = Known { bound: x.bound.max(y.bound), spread: x.spread.max(y.spread) };
        Some(self.push(NodeKind::Pick { axis, low, high, inside, outside }, dtype, known))
    }

    /// Combines values with elements at computed places, perhaps two with each. Every index of the outer loops has places of
    /// its own.
    fn scatter(&mut self) -> Option<()> {
        let moderate = |dtype: DType, known: Known| !dtype.is_bool() && (dtype.is_int() || known.bound < 100.0);
        let (node, dtype, known) = self.pick(moderate)?;
        let extents = self.kernel.extents.clone();
        let inner = extents.last()?;
        if extents[0] == 1 {
            return None;
        }
        let place = match self.pick(|dtype, _| dtype == DType::I32) {
            Some((number, ..)) if self.random.coin() && !self.is_guarded(number) => {
                let exact = Known { bound: MAX_START as f64, spread: 0.0 };
                let bounds = [0, MAX_START]
                    .map(|bound| self.push(NodeKind::Const(Scalar::int(DType::I64, bound as i128)), DType::I64, exact));
                let number = self.op(LaneOp::Convert, &[number], DType::I64, exact)?;
                let number = self.op(LaneOp::Max, &[number, bounds[0]], DType::I64, exact)?;
                self.op(LaneOp::Min, &[number, bounds[1]], DType::I64, exact)?
            }
            _ => self.place(),
        };
        let factor = 1 + self.random.below(2) as i64;
        let mut strides: SmallVec<[i64; 4]> = SmallVec::from_elem(0, extents.len());
        let mut step = factor * MAX_START as i64 + 1;
        // Workers share the innermost loop if it is the only one.
        let meets = extents.len() > 1;
        for axis in (0..extents.len()).rev() {
            if axis + 1 == extents.len() && meets {
                continue;
            }
            strides[axis] = step;
            step *= extents[axis] as i64;
        }
        let small = known.bound.max(1.0).powi(2 * *inner as i32) < 1e4;
        let op = match self.random.below(4) {
            0 if small => ReduceOp::Prod,
            1 => ReduceOp::Max,
            2 => ReduceOp::Min,
            _ => ReduceOp::Sum,
        };
        let operand = self.operand(dtype, step as usize, true);
        let access = Access { offset: 0, strides, dynamic: [(place, factor)].as_slice().into() };
        let kind = OutputKind::Scatter(op);
        self.kernel.outputs.push(Output { operand, access: access.clone(), node, kind });
        if self.random.coin() {
            let (node, ..) = self.pick(|other, known| other == dtype && moderate(other, known))?;
            self.kernel.outputs.push(Output { operand, access, node, kind });
        }
        Some(())
    }

    /// Whether a guard decides a node.
    fn is_guarded(&self, node: NodeId) -> bool {
        let kind = &self.kernel.nodes[node.index()].kind;
        let mut guarded = matches!(kind, NodeKind::Pick { .. });
        kind.arguments(|argument| guarded = guarded || self.is_guarded(argument));
        guarded
    }

    /// A store to every element of a buffer of its own, a reduction, or a scatter.
    fn output(&mut self) {
        if self.random.below(4) == 0 && self.scatter().is_some() {
            return;
        }
        let Some((node, dtype, known)) = self.pick(|_, _| true) else { return };
        let extents = self.kernel.extents.clone();
        let rank = extents.len();
        let reduces = rank > 0 && self.random.below(3) == 0;
        let all = self.random.coin();
        // Over some axes: the innermost, or the middle, but never the outermost.
        let reduced: Vec<bool> =
            (0..rank).map(|axis| reduces && (all || (axis > 0 && (axis + 1 == rank || self.random.coin())))).collect();
        let moderate = known.bound.max(1.0).powi(self.kernel.iterations() as i32) < 1e6;
        let op = match dtype {
            DType::Bool => *self.random.pick(&[ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min]),
            _ if moderate => *self.random.pick(&[ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min]),
            _ => *self.random.pick(&[ReduceOp::Sum, ReduceOp::Max, ReduceOp::Min]),
        };
        let mut strides: SmallVec<[i64; 4]> = SmallVec::from_elem(0, rank);
        let mut step = if reduces { 1 } else { *self.random.pick(&[1, 1, 2]) };
        for axis in (0..rank).rev().filter(|&axis| !reduced[axis]) {
            strides[axis] = step;
            step *= extents[axis] as i64;
        }
        let offset = if reduces { 0 } else { self.random.below(2) as i64 };
        let operand = self.operand(dtype, (step + offset) as usize, true);
        let access = Access { offset, strides, dynamic: SmallVec::new() };
        let kind = if reduces { OutputKind::Reduce(op) } else { OutputKind::Store };
        self.kernel.outputs.push(Output { operand, access, node, kind });
    }
}
