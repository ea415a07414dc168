//! Kernels of groups: the values of a group become the outputs of one loop nest, its operands get their places.

use crate::compile::fuse::{KernelGroup, RootKind};
use crate::compile::index::{Affine, IndexMap, linear};
use crate::compile::lower::{Puller, combine};
use crate::compile::plan::{Place, Step};
use crate::compile::planner::{BlockState, Planner, is_full};
use crate::compile::reciprocal::multiply_by_reciprocals;
use crate::compile::scatter;
use crate::compile::schedule::{chunks, schedule};
use crate::compile::simplify::simplify;
use cotangent_ir::kernel::{Access, Kernel, KernelOperand, NodeId, NodeKind, Output, OutputKind, ReduceOp};
use cotangent_ir::lanes::{Lane, Lanes};
use cotangent_ir::prim::{Lower, View};
use cotangent_ir::{DType, Type, Value};
use smallvec::SmallVec;

/// The kernel of a group while its outputs are collected.
struct Assembly<'a> {
    puller: Puller<'a>,
    outputs: Vec<Pending>,
}

/// An output and the place it is written to.
struct Pending {
    place: Place,
    dtype: DType,
    len: usize,
    access: Access,
    node: NodeId,
    kind: OutputKind,
}

/// A full reduction whose pieces are combined after the kernel.
struct Partial {
    op: ReduceOp,
    dtype: DType,
    slot: u32,
    into: u32,
}

impl Planner {
    /// Emits the steps of a group whose places are chosen.
    pub(super) fn emit_group(&mut self, state: &mut BlockState<'_>, group: &KernelGroup, steps: &mut Vec<Step>) {
        let block = &state.fused.block;
        let puller = Puller::new(block, &group.extents).recomputing(&group.recomputed);
        let mut assembly = Assembly { puller, outputs: Vec::new() };
        let mut partials = Vec::new();
        // Stores before reductions: what a reduction reads of a value stored here is the lane that is stored.
        let (reductions, stores): (Vec<Value>, Vec<Value>) =
            group.roots.iter().partition(|root| matches!(state.fused.shapes[root].kind, RootKind::Reduce(_)));
        for &root in stores.iter().chain(&reductions) {
            let place = state.places[&root];
            match state.fused.shapes[&root].kind {
                RootKind::Store => assembly.store(state, root, place),
                RootKind::Update => assembly.update(state, root, place),
                RootKind::Combine(op) => assembly.combine(state, root, op, place),
                RootKind::Scatter => {
                    let fill = self.fill_kernel(state, root, place);
                    steps.extend(fill);
                    assembly.scatter(state, root, place);
                }
                RootKind::Reduce(_) if is_full(state, root) => {
                    for (index, (op, node, dtype)) in assembly.reduced(state, root).into_iter().enumerate() {
                        let Place::Scalar(base) = place else {
                            cotangent_ir::error::internal("a full reduction outside the scalar area")
                        };
                        let slot = self.new_array(crate::compile::schedule::MAX_PIECES * dtype.size());
                        let access = assembly.puller.access(&Affine::default());
                        let kind = OutputKind::Reduce(op);
                        assembly.outputs.push(Pending { place: Place::Slot(slot), dtype, len: 0, access, node, kind });
                        partials.push(Partial { op, dtype, slot, into: base + (index * dtype.size()) as u32 });
                    }
                }
                RootKind::Reduce(_) => assembly.reduce(state, root, place),
            }
        }
        let name = format!("k{}", self.kernels.len());
        let (kernel, bind) = assembly.finish(state, name);
        for &place in &bind {
            self.touch(place);
        }
        if kernel.extents.is_empty() {
            let number = self.add_kernel(kernel);
            steps.push(Step::Scalar { kernel: number, bind });
            return;
        }
        let kernel = if self.options.ranges { simplify(&kernel) } else { kernel };
        let mut kernel = schedule(kernel, self.options.join_loops);
        if self.options.reciprocals {
            kernel = multiply_by_reciprocals(&kernel);
        }
        let chunks = chunks(&kernel);
        for (operand, place) in kernel.operands.iter_mut().zip(&bind) {
            if partials.iter().any(|partial| *place == Place::Slot(partial.slot)) {
                operand.len = chunks;
            }
        }
        let number = self.add_kernel(kernel);
        steps.push(Step::Kernel { kernel: number, bind, chunks });
        self.clock += 1;
        for partial in partials {
            let Partial { op, dtype, slot, into } = partial;
            self.touch(Place::Slot(slot));
            steps.push(Step::Combine { op, dtype, partials: slot, count: chunks, into });
        }
        self.read_once(steps);
    }

    pub(super) fn add_kernel(&mut self, kernel: Kernel) -> usize {
        crate::compile::check_kernel(&kernel);
        self.kernels.push(kernel);
        self.kernels.len() - 1
    }

    /// Fills the result of a dilated padding before its elements are stored.
    fn fill_kernel(&mut self, state: &BlockState<'_>, root: Value, place: Place) -> Option<Step> {
        let block = &state.fused.block;
        let inst = block.inst(root)?;
        let ty = block.ty(root);
        let extents: SmallVec<[usize; 4]> = SmallVec::from_slice(&[ty.len()]);
        let mut assembly = Assembly { puller: Puller::new(block, &extents), outputs: Vec::new() };
        let Ok(lane) = assembly.puller.pull(inst.args[1], &IndexMap::new()) else {
            cotangent_ir::error::internal("the fill of a padding cannot be evaluated")
        };
        assembly.push(place, ty, &Affine::axis(0), lane);
        let name = format!("k{}", self.kernels.len());
        let (kernel, bind) = assembly.finish(state, name);
        for &place in &bind {
            self.touch(place);
        }
        let chunks = chunks(&kernel);
        let kernel = self.add_kernel(kernel);
        self.clock += 1;
        Some(Step::Kernel { kernel, bind, chunks })
    }
}

impl Assembly<'_> {
    /// Adds the store of one element of a value of type `ty`.
    fn push(&mut self, place: Place, ty: &Type, position: &Affine, lane: Lane) {
        match lane {
            Lane::Real(node) => self.push_lane(place, ty, self.puller.access(position), node),
            Lane::Complex(re, im) => {
                self.push_lane(place, ty, self.puller.access(&position.scale(2)), re);
                self.push_lane(place, ty, self.puller.access(&position.scale(2).shift(1)), im);
            }
        }
    }

    fn push_lane(&mut self, place: Place, ty: &Type, access: Access, node: NodeId) {
        let len = lane_count(ty);
        self.outputs.push(Pending { place, dtype: ty.dtype.real(), len, access, node, kind: OutputKind::Store });
    }

    fn store(&mut self, state: &BlockState<'_>, root: Value, place: Place) {
        let ty = state.fused.block.ty(root);
        for map in &state.fused.shapes[&root].maps {
            let Ok(lane) = self.puller.pull_root(root, map) else { impossible(root) };
            self.push(place, ty, &linear(map, &ty.strides()), lane);
        }
    }

    fn update(&mut self, state: &BlockState<'_>, root: Value, place: Place) {
        let block = &state.fused.block;
        let ty = block.ty(root);
        let Some(inst) = block.inst(root) else { impossible(root) };
        let Ok(starts) = self.puller.starts(&inst.args[2..], &ty.shape, &block.ty(inst.args[1]).shape) else {
            impossible(root)
        };
        for map in &state.fused.shapes[&root].maps {
            let Ok(lane) = self.puller.pull(inst.args[1], map) else { impossible(root) };
            let index: IndexMap = map.iter().zip(&starts).map(|(index, start)| index.add(start)).collect();
            self.push(place, ty, &linear(&index, &ty.strides()), lane);
        }
    }

    fn combine(&mut self, state: &BlockState<'_>, root: Value, op: ReduceOp, place: Place) {
        let block = &state.fused.block;
        let ty = block.ty(root);
        let Ok(updates) = scatter::updates(&mut self.puller, block, root, op, &state.fused.shapes[&root]) else {
            impossible(root)
        };
        let first = self.outputs.len();
        for (position, lane) in updates {
            self.push(place, ty, &position, lane);
        }
        self.outputs[first..].iter_mut().for_each(|output| output.kind = OutputKind::Scatter(op));
    }

    fn scatter(&mut self, state: &BlockState<'_>, root: Value, place: Place) {
        let block = &state.fused.block;
        let ty = block.ty(root);
        let (Some(inst), Some(View::Pad { low, interior })) = (block.inst(root), block.view(root)) else {
            impossible(root)
        };
        let map = &state.fused.shapes[&root].maps[0];
        let Ok(lane) = self.puller.pull(inst.args[0], map) else { impossible(root) };
        let index: IndexMap =
            map.iter().zip(low).zip(interior).map(|((q, &low), &gap)| q.scale(gap + 1).shift(low)).collect();
        self.push(place, ty, &linear(&index, &ty.strides()), lane);
    }

    /// The lanes that a reduction accumulates: one, or the parts of a complex sum.
    fn reduced(&mut self, state: &BlockState<'_>, root: Value) -> SmallVec<[(ReduceOp, NodeId, DType); 2]> {
        let block = &state.fused.block;
        let Some(inst) = block.inst(root) else { impossible(root) };
        let Lower::Reduce(op) = inst.prim.lower else { impossible(root) };
        let dtype = block.ty(root).dtype;
        let op = of_bools(op, dtype);
        let mut total: Option<Lane> = None;
        for map in &state.fused.shapes[&root].maps {
            let Ok(lane) = self.puller.pull(inst.args[0], map) else { impossible(root) };
            let mut lanes = Lanes::new(&mut self.puller.dag);
            total = Some(match total {
                None => lane,
                Some(sum) => combine(&mut lanes, op.combine(), sum, lane),
            });
        }
        match total {
            Some(Lane::Real(node)) => SmallVec::from_slice(&[(op, node, dtype)]),
            Some(Lane::Complex(re, im)) if op == ReduceOp::Sum => {
                SmallVec::from_slice(&[(op, re, dtype.real()), (op, im, dtype.real())])
            }
            _ => cotangent_ir::error::internal(&format!("{} of {dtype} reached fusion", op.name())),
        }
    }

    /// A reduction that keeps axes: its elements are stored by the iterations over the kept loops.
    fn reduce(&mut self, state: &BlockState<'_>, root: Value, place: Place) {
        let block = &state.fused.block;
        let ty = block.ty(root);
        let Some(inst) = block.inst(root) else { impossible(root) };
        let axes = inst.attrs.sizes("axes");
        let map = &state.fused.shapes[&root].maps[0];
        let kept: IndexMap =
            map.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, index)| index.clone()).collect();
        let position = linear(&kept, &ty.strides());
        let parts = self.reduced(state, root);
        let lanes = parts.len() as i64;
        for (part, (op, node, dtype)) in parts.into_iter().enumerate() {
            let access = self.puller.access(&position.scale(lanes).shift(part as i64));
            let (len, kind) = (lane_count(ty), OutputKind::Reduce(op));
            self.outputs.push(Pending { place, dtype, len, access, node, kind });
        }
    }

    /// The kernel, and a place for each of its operands. An array both read and written is one operand.
    fn finish(self, state: &BlockState<'_>, name: String) -> (Kernel, Vec<Place>) {
        let block = &state.fused.block;
        let Assembly { puller, outputs } = self;
        let mut bind: Vec<Place> = Vec::new();
        let mut operands: Vec<KernelOperand> = Vec::new();
        let mut number = |place: Place, dtype: DType, len: usize, written: bool| -> u32 {
            let found = bind.iter().position(|&other| other == place).unwrap_or_else(|| {
                bind.push(place);
                operands.push(KernelOperand { dtype, len, written: false });
                bind.len() - 1
            });
            operands[found].written |= written;
            found as u32
        };
        let loads: Vec<u32> = puller
            .operands
            .iter()
            .map(|base| {
                let ty = block.ty(*base);
                let Some(&place) = state.places.get(base) else {
                    cotangent_ir::error::internal(&format!("{base} is read before it has a place"))
                };
                number(place, ty.dtype.real(), lane_count(ty), false)
            })
            .collect();
        let outputs = outputs
            .into_iter()
            .map(|pending| {
                let Pending { place, dtype, len, access, node, kind } = pending;
                Output { operand: number(place, dtype, len, true), access, node, kind }
            })
            .collect();
        let Puller { mut dag, extents, .. } = puller;
        for node in &mut dag.nodes {
            if let NodeKind::Load { operand, .. } = &mut node.kind {
                *operand = loads[*operand as usize];
            }
        }
        let kernel = prune(Kernel { name, extents, operands, nodes: dag.nodes, outputs });
        (kernel, bind)
    }
}

/// Drops nodes that no output needs; lowering builds some that folding makes superfluous.
pub(super) fn prune(mut kernel: Kernel) -> Kernel {
    let mut needed = vec![false; kernel.nodes.len()];
    let mark = |needed: &mut Vec<bool>, access: &Access| {
        for (node, _) in &access.dynamic {
            needed[node.index()] = true;
        }
    };
    for output in &kernel.outputs {
        needed[output.node.index()] = true;
        mark(&mut needed, &output.access);
    }
    for index in (0..kernel.nodes.len()).rev() {
        if !needed[index] {
            continue;
        }
        match &kernel.nodes[index].kind {
            NodeKind::Load { access, .. } => mark(&mut needed, access),
            NodeKind::Op { args, .. } => args.iter().for_each(|arg| needed[arg.index()] = true),
            NodeKind::Pick { inside, outside, .. } => {
                needed[inside.index()] = true;
                needed[outside.index()] = true;
            }
            NodeKind::Const(_) | NodeKind::Index { .. } => {}
        }
    }
    let mut renumber = vec![NodeId(0); kernel.nodes.len()];
    let mut nodes = Vec::new();
    for (index, mut node) in std::mem::take(&mut kernel.nodes).into_iter().enumerate() {
        if !needed[index] {
            continue;
        }
        renumber[index] = NodeId(nodes.len() as u32);
        let moved = |id: &mut NodeId| *id = renumber[id.index()];
        match &mut node.kind {
            NodeKind::Load { access, .. } => access.dynamic.iter_mut().for_each(|(node, _)| moved(node)),
            NodeKind::Op { args, .. } => args.iter_mut().for_each(moved),
            NodeKind::Pick { inside, outside, .. } => {
                moved(inside);
                moved(outside);
            }
            NodeKind::Const(_) | NodeKind::Index { .. } => {}
        }
        nodes.push(node);
    }
    for output in &mut kernel.outputs {
        output.node = renumber[output.node.index()];
        output.access.dynamic.iter_mut().for_each(|(node, _)| *node = renumber[node.index()]);
    }
    kernel.nodes = nodes;
    kernel
}

/// Elements of the lane dtype.
fn lane_count(ty: &Type) -> usize {
    if ty.dtype.is_complex() { 2 * ty.len() } else { ty.len() }
}

/// On truth values a maximum is a disjunction, a minimum a conjunction.
pub(super) fn of_bools(op: ReduceOp, dtype: DType) -> ReduceOp {
    match op {
        ReduceOp::Max if dtype.is_bool() => ReduceOp::Sum,
        ReduceOp::Min if dtype.is_bool() => ReduceOp::Prod,
        op => op,
    }
}

fn impossible(root: Value) -> ! {
    cotangent_ir::error::internal(&format!("{root} was analysed and cannot be evaluated"))
}
