//! From array instructions to the nodes of a kernel, by demand.
//!
//! The question asked is always "the element of this value at this index, in terms of the loop indices". Elementwise
//! instructions ask their operands for the same index; reindexing ones ask for another, and where the answer depends on
//! the place (padding, concatenation) they leave a guard; values in memory become loads. Nothing is computed that is not
//! asked for, and equal questions get the same node.

use crate::compile::block::Block;
use crate::compile::index::{Affine, IndexMap, linear, through_reshape};
use cotangent_ir::kernel::{Access, LaneOp, NodeId, NodeKind};
use cotangent_ir::lanes::{Dag, Lane, Lanes};
use cotangent_ir::prim::{Lower, View};
use cotangent_ir::{DType, Scalar, Value};
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};

/// Longest chain of instructions evaluated inside one kernel; beyond it a value is put into memory.
const MAX_DEPTH: usize = 160;
/// Most nodes in one kernel.
pub(crate) const MAX_NODES: usize = 1500;
/// Most guards on one axis of a kernel: each may cut it once more.
pub(crate) const MAX_GUARDS: usize = 12;

/// The value that has to live in memory because its expression is not affine, or too large, where it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Blocked(pub(crate) Value);

/// A kernel body under construction.
pub(crate) struct Puller<'a> {
    block: &'a Block<'a>,
    pub(crate) extents: SmallVec<[usize; 4]>,
    pub(crate) dag: Dag,
    memo: HashMap<(Value, IndexMap), Lane>,
    /// Values computed by this very kernel, at the positions where it computes them.
    forwarded: HashMap<(Value, Affine), Lane>,
    /// Stored values computed wherever they are wanted, and not loaded.
    recomputed: Vec<Value>,
    /// Kernel operand of each stored value, in order of first use.
    pub(crate) operands: Vec<Value>,
    /// Which elements of stored values are read.
    pub(crate) loads: Vec<(Value, Affine)>,
    /// Which elements of the array that an update overwrites are written, told by the nodes that `loads` is told by.
    pub(crate) updates: Vec<Affine>,
    /// Weight of the operations of each elementwise instruction met.
    pub(crate) weights: BTreeMap<Value, u32>,
    /// Guards met on each loop axis.
    pub(crate) guards: SmallVec<[usize; 4]>,
    /// Loop axes along which operands are told apart by a guard of a concatenation.
    pub(crate) concatenated: SmallVec<[usize; 4]>,
    depth: usize,
}

impl<'a> Puller<'a> {
    pub(crate) fn new(block: &'a Block<'a>, extents: &[usize]) -> Puller<'a> {
        Puller {
            block,
            extents: extents.into(),
            dag: Dag::default(),
            memo: HashMap::new(),
            forwarded: HashMap::new(),
            recomputed: Vec::new(),
            operands: Vec::new(),
            loads: Vec::new(),
            updates: Vec::new(),
            weights: BTreeMap::new(),
            guards: SmallVec::from_elem(0, extents.len()),
            concatenated: SmallVec::new(),
            depth: 0,
        }
    }

    /// One that computes these stored values wherever they are wanted.
    pub(crate) fn recomputing(self, values: &[Value]) -> Puller<'a> {
        Puller { recomputed: values.to_vec(), ..self }
    }

    /// The stored value from which the elements of `value` are loaded. A literal is not, stored or not, so that what is known
    /// about it, such as that an index is not below it, stays known.
    fn loaded(&self, value: Value) -> Option<Value> {
        self.block.base(value).filter(|&base| !self.is_literal(base) && !self.recomputed.contains(&base))
    }

    fn is_literal(&self, value: Value) -> bool {
        matches!(self.block.view(value), Some(View::Constant(_)))
    }

    /// Instructions evaluated in this kernel and where.
    pub(crate) fn evaluated(&self) -> impl Iterator<Item = &(Value, IndexMap)> {
        self.memo.keys()
    }

    /// The element of `value` at `map`.
    pub(crate) fn pull(&mut self, value: Value, map: &IndexMap) -> Result<Lane, Blocked> {
        let key = (value, map.clone());
        if let Some(&lane) = self.memo.get(&key) {
            return Ok(lane);
        }
        if let Some(base) = self.loaded(value) {
            let position = linear(map, &self.block.ty(value).strides());
            return Ok(self.load(base, position));
        }
        let lane = self.define(value, map)?;
        self.memo.insert(key, lane);
        Ok(lane)
    }

    /// The element of `value` at `map`, from its definition even if it lives in memory. Later questions for that element
    /// of the stored value get this lane.
    pub(crate) fn pull_root(&mut self, value: Value, map: &IndexMap) -> Result<Lane, Blocked> {
        // The root itself has to be evaluated here, however large the kernel is already: its operands can be stored.
        let lane = self.define_inst(value, map)?;
        let position = linear(map, &self.block.ty(value).strides());
        self.forwarded.insert((value, position), lane);
        Ok(lane)
    }

    fn load(&mut self, base: Value, position: Affine) -> Lane {
        if let Some(&lane) = self.forwarded.get(&(base, position.clone())) {
            return lane;
        }
        let operand = self.operand(base);
        let dtype = self.block.ty(base).dtype;
        let lane = if dtype.is_complex() {
            let re = self.access(&position.scale(2));
            let im = self.access(&position.scale(2).shift(1));
            let re = self.dag.push(NodeKind::Load { operand, access: re }, dtype.real());
            let im = self.dag.push(NodeKind::Load { operand, access: im }, dtype.real());
            Lane::Complex(re, im)
        } else {
            let access = self.access(&position);
            Lane::Real(self.dag.push(NodeKind::Load { operand, access }, dtype))
        };
        if !self.loads.contains(&(base, position.clone())) {
            self.loads.push((base, position));
        }
        lane
    }

    /// Number of the kernel operand that is the storage of `base`.
    pub(crate) fn operand(&mut self, base: Value) -> u32 {
        let found = self.operands.iter().position(|&value| value == base);
        found.unwrap_or_else(|| {
            self.operands.push(base);
            self.operands.len() - 1
        }) as u32
    }

    /// An element position as a kernel writes it.
    pub(crate) fn access(&self, position: &Affine) -> Access {
        let mut strides = SmallVec::from_elem(0, self.extents.len());
        for &(axis, c) in &position.terms {
            strides[axis] = c;
        }
        Access { offset: position.offset, strides, dynamic: position.dynamic.iter().copied().collect() }
    }

    fn define(&mut self, value: Value, map: &IndexMap) -> Result<Lane, Blocked> {
        // To put a literal into memory would not help.
        if (self.depth >= MAX_DEPTH || self.dag.nodes.len() >= MAX_NODES) && !self.is_literal(value) {
            return Err(Blocked(value));
        }
        self.depth += 1;
        let outcome = self.define_inst(value, map);
        self.depth -= 1;
        outcome
    }

    fn define_inst(&mut self, value: Value, map: &IndexMap) -> Result<Lane, Blocked> {
        let block = self.block;
        let Some(inst) = block.inst(value) else {
            cotangent_ir::error::internal(&format!("parameter {value} has no definition to evaluate"))
        };
        match inst.prim.lower {
            Lower::Lanes(lower) => {
                let args =
                    inst.args.iter().map(|&arg| self.pull(arg, map)).collect::<Result<SmallVec<[Lane; 3]>, _>>()?;
                let before = self.dag.nodes.len();
                let lane = lower(&mut Lanes::new(&mut self.dag), &args, block.ty(value), &inst.attrs);
                let weight: u32 = self.dag.nodes[before..].iter().map(|node| weight(&node.kind)).sum();
                let known = self.weights.entry(value).or_insert(0);
                *known = weight.max(*known);
                Ok(lane)
            }
            Lower::Reindex(_) => self.pull_view(value, &inst.args, map),
            Lower::Reduce(op) => {
                let op = crate::compile::groups::of_bools(op, block.ty(value).dtype);
                let axes = inst.attrs.sizes("axes");
                let operand = inst.args[0];
                let shape = &block.ty(operand).shape;
                let mut total: Option<Lane> = None;
                for place in box_indices(&axes.iter().map(|&axis| shape[axis]).collect::<Vec<_>>()) {
                    let mut kept = map.iter();
                    let mut full: IndexMap = IndexMap::new();
                    for axis in 0..shape.len() {
                        full.push(match axes.iter().position(|&reduced| reduced == axis) {
                            Some(i) => Affine::constant(place[i] as i64),
                            None => kept.next().cloned().unwrap_or_default(),
                        });
                    }
                    let lane = self.pull(operand, &full)?;
                    let mut lanes = Lanes::new(&mut self.dag);
                    total = Some(match total {
                        None => lane,
                        Some(sum) => combine(&mut lanes, op.combine(), sum, lane),
                    });
                }
                match total {
                    Some(lane) => Ok(lane),
                    None => Ok(self.literal(op.identity(block.ty(value).dtype))),
                }
            }
            _ => cotangent_ir::error::internal(&format!("{} is not an expression", inst.prim.name)),
        }
    }

    fn literal(&mut self, value: Scalar) -> Lane {
        let mut lanes = Lanes::new(&mut self.dag);
        let dtype = value.dtype();
        if dtype.is_complex() {
            let parts = value.as_complex();
            let re = lanes.literal(Scalar::real(dtype.real(), parts.re));
            Lane::Complex(re, lanes.literal(Scalar::real(dtype.real(), parts.im)))
        } else {
            Lane::Real(lanes.literal(value))
        }
    }

    fn pull_view(&mut self, value: Value, args: &[Value], map: &IndexMap) -> Result<Lane, Blocked> {
        let block = self.block;
        let ty = block.ty(value);
        let Some(view) = block.view(value) else { cotangent_ir::error::internal("a reindexing without a view") };
        match view {
            View::Affine(axes) => {
                let index = |axis: &cotangent_ir::prim::AxisMap| match axis.axis {
                    Some(from) => map[from].scale(axis.stride).shift(axis.offset),
                    None => Affine::constant(axis.offset),
                };
                self.pull(args[0], &axes.iter().map(index).collect())
            }
            View::Reshape => {
                if let Some(base) = self.loaded(args[0]) {
                    return Ok(self.load(base, linear(map, &ty.strides())));
                }
                let operand = &block.ty(args[0]).shape;
                match through_reshape(map, &ty.shape, operand, &self.extents) {
                    Some(index) => self.pull(args[0], &index),
                    None => Err(Blocked(args[0])),
                }
            }
            View::Pad { low, interior } => self.pull_pad(value, args, low, interior, map),
            View::Concatenate { axis } => self.pull_concatenate(value, args, *axis, map),
            View::Iota { axis } => {
                let index = map[*axis].clone();
                let node = self.index_node(&index);
                Ok(Lane::Real(Lanes::new(&mut self.dag).convert(node, ty.dtype))).map(|lane| self.widen(lane, ty.dtype))
            }
            View::Constant(scalar) => Ok(self.literal(*scalar)),
            View::DynamicSlice => {
                let starts = self.starts(&args[1..], &block.ty(args[0]).shape, &ty.shape)?;
                let index = map.iter().zip(starts).map(|(index, start)| index.add(&start)).collect();
                self.pull(args[0], &index)
            }
            View::DynamicUpdate => Err(Blocked(value)),
            View::Gather => self.pull_gather(args, map),
        }
    }

    /// Rows by number. The rows are in memory, unless they are numbers themselves: at a place known only at run time nothing
    /// else is worth being recomputed.
    fn pull_gather(&mut self, args: &[Value], map: &IndexMap) -> Result<Lane, Blocked> {
        let block = self.block;
        let base = self.loaded(args[0]);
        if base.is_none() && !self.is_index(args[0]) {
            return Err(Blocked(args[0]));
        }
        let shape = &block.ty(args[0]).shape;
        let row = shape.len() - 2;
        let mut index = map.clone();
        index[row] = match shape[row] {
            1 => Affine::constant(0),
            rows => {
                let number = self.pull(args[1], &map[..=row].into())?.real();
                self.clamped(number, rows - 1)
            }
        };
        match base {
            Some(base) => Ok(self.load(base, linear(&index, &block.ty(args[0]).strides()))),
            None => self.pull(args[0], &index),
        }
    }

    /// Whether the elements of a value are their own indices, reshaped.
    fn is_index(&self, mut value: Value) -> bool {
        while let (Some(View::Reshape), Some(inst)) = (self.block.view(value), self.block.inst(value)) {
            value = inst.args[0];
        }
        matches!(self.block.view(value), Some(View::Iota { .. }))
    }

    /// An integer clamped to 0 and a greatest value, as an index.
    pub(crate) fn clamped(&mut self, node: NodeId, greatest: usize) -> Affine {
        let mut lanes = Lanes::new(&mut self.dag);
        let node = lanes.convert(node, DType::I64);
        let zero = lanes.literal(Scalar::int(DType::I64, 0));
        let last = lanes.literal(Scalar::int(DType::I64, greatest as i128));
        let node = lanes.op(LaneOp::Max, &[node, zero]);
        Affine::dynamic(lanes.op(LaneOp::Min, &[node, last]))
    }

    /// Clamped start indices of a window of shape `window` in an array of shape `whole`.
    pub(crate) fn starts(
        &mut self,
        args: &[Value],
        whole: &[usize],
        window: &[usize],
    ) -> Result<SmallVec<[Affine; 4]>, Blocked> {
        let mut starts = SmallVec::new();
        for ((&arg, &extent), &size) in args.iter().zip(whole).zip(window) {
            if extent == size {
                starts.push(Affine::constant(0));
                continue;
            }
            let start = self.pull(arg, &IndexMap::new())?.real();
            starts.push(self.clamped(start, extent - size));
        }
        Ok(starts)
    }

    /// A complex iota has imaginary part zero.
    fn widen(&mut self, lane: Lane, dtype: DType) -> Lane {
        match lane {
            Lane::Real(re) if dtype.is_complex() => {
                let re = Lanes::new(&mut self.dag).convert(re, dtype.real());
                let im = Lanes::new(&mut self.dag).number(re, 0.0);
                Lane::Complex(re, im)
            }
            lane => lane,
        }
    }

    /// An index as an i64 node.
    fn index_node(&mut self, index: &Affine) -> NodeId {
        let mut lanes = Lanes::new(&mut self.dag);
        let mut sum = lanes.literal(Scalar::int(DType::I64, index.offset.into()));
        let parts: Vec<(NodeKind, i64)> = index.terms.iter().map(|&(axis, c)| (NodeKind::Index { axis }, c)).collect();
        for (kind, c) in parts {
            let node = self.dag.push(kind, DType::I64);
            sum = self.add_scaled(sum, node, c);
        }
        for &(node, c) in &index.dynamic {
            sum = self.add_scaled(sum, node, c);
        }
        sum
    }

    fn add_scaled(&mut self, sum: NodeId, node: NodeId, c: i64) -> NodeId {
        let mut lanes = Lanes::new(&mut self.dag);
        let factor = lanes.literal(Scalar::int(DType::I64, c.into()));
        let product = lanes.mul(node, factor);
        lanes.add(product, sum)
    }

    fn pull_pad(
        &mut self,
        value: Value,
        args: &[Value],
        low: &[i64],
        interior: &[i64],
        map: &IndexMap,
    ) -> Result<Lane, Blocked> {
        let shape = &self.block.ty(args[0]).shape;
        let mut inner = IndexMap::new();
        let mut guards: SmallVec<[(usize, usize, usize); 4]> = SmallVec::new();
        for (axis, index) in map.iter().enumerate() {
            let extent = shape[axis] as i64;
            let step = interior[axis] + 1;
            let shifted = index.shift(-low[axis]);
            // Elements stand at 0, step, 2 step, ..., (extent - 1) step of the shifted index.
            let end = if extent == 0 { 0 } else { (extent - 1) * step + 1 };
            let on_grid = match shifted.divide(step) {
                Some(index) => index,
                None if shifted.terms.iter().all(|&(_, c)| c % step == 0) && shifted.dynamic.is_empty() => {
                    // Always between two elements.
                    return self.pull(args[1], &IndexMap::new());
                }
                None => return Err(Blocked(value)),
            };
            inner.push(on_grid);
            let Some((least, most)) = shifted.range(&self.extents) else { return Err(Blocked(value)) };
            if least >= 0 && most < end {
                continue;
            }
            if most < 0 || least >= end {
                return self.pull(args[1], &IndexMap::new());
            }
            let Some(guard) = shifted.solve(0, end, &self.extents) else { return Err(Blocked(value)) };
            self.note_guard(guard.0, value)?;
            guards.push(guard);
        }
        if guards.iter().any(|&(_, first, end)| first == end) {
            return self.pull(args[1], &IndexMap::new());
        }
        let mut lane = self.pull(args[0], &inner)?;
        if !guards.is_empty() {
            let fill = self.pull(args[1], &IndexMap::new())?;
            for (axis, first, end) in guards {
                lane = self.pick(axis, first, end, lane, fill);
            }
        }
        Ok(lane)
    }

    fn pull_concatenate(&mut self, value: Value, args: &[Value], axis: usize, map: &IndexMap) -> Result<Lane, Blocked> {
        let index = map[axis].clone();
        let Some((least, most)) = index.range(&self.extents) else { return Err(Blocked(value)) };
        let mut pieces: SmallVec<[(Value, i64, i64); 4]> = SmallVec::new();
        let mut start = 0;
        for &arg in args {
            let end = start + self.block.ty(arg).shape[axis] as i64;
            if start <= most && least < end {
                pieces.push((arg, start, end));
            }
            start = end;
        }
        let at = |start: i64| {
            let mut inner = map.clone();
            inner[axis] = index.shift(-start);
            inner
        };
        // The last piece is the answer where no earlier one is.
        let Some((last, others)) = pieces.split_last() else {
            cotangent_ir::error::internal("an index outside every operand of a concatenation")
        };
        // The guards of this value come before those of its operands: where they are too many together, an operand can be
        // put into memory, but not this value if it is what the kernel stores.
        let mut guarded: SmallVec<[_; 4]> = SmallVec::new();
        for &(arg, start, end) in others.iter().rev() {
            let Some(guard) = index.solve(start, end, &self.extents) else { return Err(Blocked(value)) };
            let (loop_axis, first, stop) = guard;
            if first == stop {
                continue;
            }
            self.note_guard(loop_axis, value)?;
            if !self.concatenated.contains(&loop_axis) {
                self.concatenated.push(loop_axis);
            }
            guarded.push((arg, start, guard));
        }
        let mut lane = self.pull(last.0, &at(last.1))?;
        for (arg, start, (loop_axis, first, stop)) in guarded {
            let inside = self.pull(arg, &at(start))?;
            lane = self.pick(loop_axis, first, stop, inside, lane);
        }
        Ok(lane)
    }

    fn note_guard(&mut self, axis: usize, value: Value) -> Result<(), Blocked> {
        self.guards[axis] += 1;
        if self.guards[axis] > MAX_GUARDS { Err(Blocked(value)) } else { Ok(()) }
    }

    fn pick(&mut self, axis: usize, low: usize, high: usize, inside: Lane, outside: Lane) -> Lane {
        let mut part = |inside: NodeId, outside: NodeId| {
            if inside == outside {
                return inside;
            }
            let dtype = self.dag.dtype(inside);
            self.dag.push(NodeKind::Pick { axis, low, high, inside, outside }, dtype)
        };
        match (inside, outside) {
            (Lane::Complex(a, b), Lane::Complex(c, d)) => Lane::Complex(part(a, c), part(b, d)),
            (inside, outside) => Lane::Real(part(inside.real(), outside.real())),
        }
    }
}

/// Combines two lanes by an associative operation; sums and products of complex numbers are complex.
pub(crate) fn combine(lanes: &mut Lanes<'_>, op: LaneOp, a: Lane, b: Lane) -> Lane {
    match op {
        LaneOp::Add => lanes.add_lanes(a, b),
        LaneOp::Mul => lanes.mul_lanes(a, b),
        _ => Lane::Real(lanes.op(op, &[a.real(), b.real()])),
    }
}

/// All indices of a box, the last axis fastest.
pub(crate) fn box_indices(extents: &[usize]) -> impl Iterator<Item = SmallVec<[usize; 4]>> + use<> {
    let extents: SmallVec<[usize; 4]> = extents.into();
    (0..extents.iter().product::<usize>()).map(move |mut position| {
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, extents.len());
        for axis in (0..extents.len()).rev() {
            index[axis] = position % extents[axis];
            position /= extents[axis];
        }
        index
    })
}

/// Rough cost of a node in units of one vector addition.
fn weight(kind: &NodeKind) -> u32 {
    match kind {
        NodeKind::Op { op, .. } => match op {
            LaneOp::Exp | LaneOp::Log | LaneOp::Tanh | LaneOp::Sin | LaneOp::Cos => 20,
            LaneOp::Pow | LaneOp::Atan2 => 40,
            LaneOp::Div | LaneOp::Sqrt | LaneOp::Rem => 4,
            _ => 1,
        },
        NodeKind::Load { .. } | NodeKind::Pick { .. } | NodeKind::Index { .. } => 1,
        NodeKind::Const(_) => 0,
    }
}
