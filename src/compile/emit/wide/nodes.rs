//! The nodes of a kernel's dag as straight-line vector code.
//!
//! Within one piece of code, arguments are computed right before their use, and stores come last for every vector: what an
//! iteration overwrites, it has read.

use super::assembler::{Memory, Opcode};
use super::complex;
use super::frame::{self, INDEX, SCRATCH};
use super::generator::{Active, Block, Generator};
use super::narrow;
use super::reduce::Totals;
use super::region::{MOVE, Operand, Region, STORE, STREAM, Shape, Value};
use super::scatter::Turns;
use super::select::{Arg, Element, Lane, Selector, Width, fused_opcode};
use crate::compile::emit::contraction::{Contraction, contraction};
use crate::compile::emit::split::Body;
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, LaneOp, NodeId, NodeKind, OutputKind};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// Instructions for one vector from which those for several are interleaved.
const LONG_BODY: usize = 48;

/// Straight-line code under construction.
pub(crate) struct Code {
    pub(crate) region: Region,
    values: Values,
    /// Ranges of alternating elements that were read as a whole, by operand, access of the even ones, vector of the block.
    pub(crate) pairs: HashMap<(u32, Access, usize), Vec<Operand>>,
    /// Squares of a tile that were transposed, by operand, access, first vector: a vector for each row.
    pub(super) squares: HashMap<(u32, Access, usize), Vec<Operand>>,
}

impl Code {
    pub(crate) fn new(region: Region) -> Code {
        Code { region, values: Values::default(), pairs: HashMap::new(), squares: HashMap::new() }
    }
}

/// Values of nodes, by vector of the block; those that are the same in all lanes under 0.
#[derive(Default)]
struct Values {
    lanes: Vec<Vec<Option<Lane>>>,
}

impl Values {
    fn get(&self, (node, vector): (NodeId, usize)) -> Option<&Lane> {
        self.lanes.get(vector)?.get(node.index())?.as_ref()
    }

    fn insert(&mut self, (node, vector): (NodeId, usize), lane: Lane) {
        if self.lanes.len() <= vector {
            self.lanes.resize_with(vector + 1, Vec::new);
        }
        let lanes = &mut self.lanes[vector];
        if lanes.len() <= node.index() {
            lanes.resize(node.index() + 1, None);
        }
        lanes[node.index()] = Some(lane);
    }

    /// All of them, with what they are the values of.
    fn iter_mut(&mut self) -> impl Iterator<Item = ((NodeId, usize), &mut Lane)> {
        let of_vector = |(vector, lanes): (usize, _)| {
            let lanes: &mut Vec<Option<Lane>> = lanes;
            let lanes = lanes.iter_mut().enumerate();
            lanes.filter_map(move |(node, lane)| Some(((NodeId(node as u32), vector), lane.as_mut()?)))
        };
        self.lanes.iter_mut().enumerate().flat_map(of_vector)
    }
}

/// The accumulators of an innermost loop: output, vector of the block, values of its parts.
pub(crate) type Pinned = Vec<(usize, usize, SmallVec<[Value; 2]>)>;

impl Generator<'_> {
    /// A body for all vectors of the block: its outputs are computed, accumulated and written. Accumulators are the pinned
    /// values of the region given, or else in the frame.
    pub(crate) fn body(&mut self, body: &Body, level: usize, pinned: Option<(Region, &Pinned)>) -> Option<Region> {
        let block = self.block();
        let (region, pinned) = match pinned {
            Some((region, pinned)) => (region, Some(pinned)),
            None => (Region::default(), None),
        };
        let mut code = Code::new(region);
        let mut totals = Totals::new(pinned);
        let mut starts = Vec::new();
        self.waiting.resize_with(block.vectors, Vec::new);
        for vector in 0..block.vectors {
            starts.push(code.region.insts.len());
            self.waiting[vector].clear();
            self.outputs(&mut code, body, level, vector, &mut totals)?;
            self.take_turns(&mut code.region, vector);
        }
        // The processor looks ahead far enough to overlap short sequences by itself, and those with lanes to be combined
        // between them. But rows that follow each other at a power of two have the same place in the nearest cache: what is
        // in a line is read before another takes its place.
        let is_long = pinned.is_some() && code.region.insts.len() >= LONG_BODY * block.vectors;
        let is_whole = self.turns == Turns::AtEnd && block.rows == 1;
        if is_whole && (is_long || self.order.in_memory.is_some()) {
            code.region.interleave(&starts);
        }
        self.take_all_turns(&mut code.region);
        self.write_totals(&mut code, totals);
        Some(code.region)
    }

    /// Computes nodes, arguments first, and keeps them in the frame.
    pub(crate) fn compute_ahead(&mut self, nodes: &[NodeId], level: usize) -> Option<()> {
        let mut code = Code::new(Region::default());
        for &node in nodes {
            let vectors = match (self.facts.varies[node.index()], self.block) {
                (false, _) => 1,
                (true, Some(block)) => block.vectors,
                // The vector loop's own body or its surroundings compute it.
                (true, None) => continue,
            };
            for vector in 0..vectors {
                if let Some(group) = self.far_group(node) {
                    // Only one far pointer is in a register at a time: what it is for is done at once.
                    if self.groups.all[group].waits {
                        self.write_so_far(&mut code);
                        self.add_starts(group)?;
                    }
                    self.assembler.load(SCRATCH[0], self.groups.all[group].home);
                    let mut single = Code::new(Region::default());
                    self.compute(&mut single, node, vector)?;
                    let homes = self.keep(&mut single, node, vector);
                    self.write_once(single.region);
                    code.values.insert((node, vector), homes.into_iter().map(Operand::Memory).collect());
                } else {
                    self.demand(&mut code, node, level, vector)?;
                    self.keep(&mut code, node, vector);
                }
            }
        }
        if !code.region.insts.is_empty() {
            self.write_once(code.region);
        }
        Some(())
    }

    /// The group of a load whose pointer has no register.
    fn far_group(&self, node: NodeId) -> Option<usize> {
        let NodeKind::Load { operand, access } = &self.split.nodes[node.index()].kind else { return None };
        let group = self.groups.find(self.view, *operand, access);
        self.groups.all[group].register.is_none().then_some(group)
    }

    /// Writes code whose values are kept in the frame, where they are found from now on.
    fn write_so_far(&mut self, code: &mut Code) {
        self.write_once(std::mem::take(&mut code.region));
        for (key, lane) in code.values.iter_mut() {
            *lane = self.known[&key].iter().map(|&home| Operand::Memory(home)).collect();
        }
    }

    /// Adds the summands known before the loops to the pointer of a group.
    pub(crate) fn add_starts(&mut self, group: usize) -> Option<()> {
        let group = &mut self.groups.all[group];
        if !std::mem::replace(&mut group.waits, false) {
            return Some(());
        }
        let size = self.kernel.operands[group.key.operand as usize].dtype.size() as i64;
        let [pointer, summand] = SCRATCH;
        self.assembler.load(pointer, group.home);
        for &(node, factor) in &group.key.starts {
            let home = self.known[&(node, 0)][0];
            match self.elements[node.index()] {
                Element::I32 => self.assembler.load_signed(summand, home),
                Element::I64 => self.assembler.load(summand, home),
                _ => return None,
            }
            self.assembler.multiply(summand, summand, i32::try_from(factor * size).ok()?);
            self.assembler.add(pointer, summand);
        }
        self.assembler.store(group.home, pointer);
        Some(())
    }

    /// Stores a value to the frame for the loops to come.
    fn keep(&mut self, code: &mut Code, node: NodeId, vector: usize) -> SmallVec<[Memory; 2]> {
        let parts = self.width.parts(self.elements[node.index()]);
        let homes =
            self.known.entry((node, vector)).or_insert_with(|| (0..parts).map(|_| self.frame.vector()).collect());
        let lane = code.values.get((node, vector)).unwrap_or_else(|| internal("a node kept before it is computed"));
        for (&home, value) in homes.iter().zip(lane.clone()) {
            let value = match value {
                Operand::Value(_) => value,
                Operand::Memory(memory) => code.region.load(MOVE, memory),
            };
            code.region.store(home, value);
        }
        homes.clone()
    }

    fn outputs(
        &mut self,
        code: &mut Code,
        body: &Body,
        level: usize,
        vector: usize,
        totals: &mut Totals<'_>,
    ) -> Option<()> {
        let split = self.split;
        for (output, &root) in body.roots.iter().enumerate() {
            if let OutputKind::Reduce(op) = self.kernel.outputs[output].kind {
                if self.clearing {
                    self.clear_sum(code, output, op, vector)?;
                } else if !self.add_product(code, output, root, level, vector, totals)? {
                    self.demand(code, root, level, vector)?;
                    let value = self.value(code, output, root, vector)?;
                    self.accumulate(code, output, op, vector, value, totals)?;
                }
            } else {
                self.demand(code, root, level, vector)?;
            }
            if self.kernel.outputs[output].kind.scatters() {
                for &(node, _) in &split.accesses[output].dynamic {
                    self.demand(code, node, level, vector)?;
                }
            }
        }
        for (output, &root) in body.roots.iter().enumerate() {
            match self.kernel.outputs[output].kind {
                OutputKind::Store => {}
                OutputKind::Reduce(_) => continue,
                OutputKind::Scatter(_) => {
                    let value = self.value(code, output, root, vector)?;
                    self.scatter(code, output, vector, &value)?;
                    continue;
                }
            }
            let partner = complex::store_partner(self.view, self.split, output);
            match partner {
                Some(partner) if self.split.accesses[output].offset & 1 == 0 => {
                    let even = self.value(code, output, root, vector)?;
                    let odd = self.value(code, partner, body.roots[partner], vector)?;
                    self.write_alternate(code, output, vector, (&even.lane, &odd.lane))?;
                }
                // Written by its partner.
                Some(_) => {}
                None => {
                    let value = self.value(code, output, root, vector)?;
                    self.write(code, output, vector, &value.lane)?;
                }
            }
        }
        Some(())
    }

    /// Adds a product that nothing else needs to a sum, in one rounding. Gives whether that was done.
    fn add_product(
        &mut self,
        code: &mut Code,
        output: usize,
        root: NodeId,
        level: usize,
        vector: usize,
        totals: &mut Totals<'_>,
    ) -> Option<bool> {
        let element = self.elements[root.index()];
        let Some(total) = totals.pinned(output, vector).cloned().filter(|_| self.is_float_sum(output)) else {
            return Some(false);
        };
        let NodeKind::Op { op: LaneOp::Mul, args } = &self.split.nodes[root.index()].kind else { return Some(false) };
        let here = self.facts.depth[root.index()] == level && self.facts.varies[root.index()];
        let of_its_own = self.element_of_output(output) == Some(element) && self.uses[root.index()] == 1;
        if !here || !of_its_own || self.block().active != Active::All {
            return Some(false);
        }
        let mut factors = Vec::new();
        for &arg in args {
            self.demand(code, arg, level, vector)?;
            factors.push(self.arg(code, arg, vector)?.lane);
        }
        let opcode = fused_opcode(element, false, false);
        for (part, &total) in total.iter().enumerate() {
            let args = smallvec![factors[0][part], factors[1][part], Operand::Value(total)];
            code.region.push_to(total, Shape::Fused, opcode, None, args);
        }
        Some(true)
    }

    /// Computes what is not known yet, arguments right before their use.
    pub(super) fn demand(&mut self, code: &mut Code, root: NodeId, level: usize, vector: usize) -> Option<()> {
        // Nodes whose arguments are being computed, with those that are still to come, last first.
        let mut waiting: Vec<(NodeId, SmallVec<[NodeId; 3]>)> = Vec::new();
        let mut wanted = Some(root);
        loop {
            if let Some(id) = wanted.take() {
                let literal = matches!(self.split.nodes[id.index()].kind, NodeKind::Const(_));
                let known = self.facts.depth[id.index()] < level || code.values.get(self.key(id, vector)).is_some();
                if !literal && !known {
                    let mut arguments = self.arguments(id);
                    arguments.reverse();
                    waiting.push((id, arguments));
                }
            }
            let Some((id, arguments)) = waiting.last_mut() else { return Some(()) };
            let id = *id;
            wanted = arguments.pop();
            if wanted.is_none() {
                waiting.pop();
                self.compute(code, id, vector)?;
            }
        }
    }

    fn key(&self, id: NodeId, vector: usize) -> (NodeId, usize) {
        (id, if self.facts.varies[id.index()] { vector } else { 0 })
    }

    /// What a node is computed from.
    fn arguments(&self, id: NodeId) -> SmallVec<[NodeId; 3]> {
        match (&self.split.nodes[id.index()].kind, self.contraction(id)) {
            (_, Some(contraction)) => smallvec![contraction.a, contraction.b, contraction.c],
            (NodeKind::Op { args, .. }, None) if let Some((_, x)) = self.rare_choice(id) => {
                smallvec![args[0], x, args[2]]
            }
            (NodeKind::Op { args, .. }, None) => args.clone(),
            (NodeKind::Load { access, .. }, None) => access.dynamic.iter().map(|&(node, _)| node).collect(),
            _ => smallvec![],
        }
    }

    /// A choice between the sine or cosine of something and something else: the function, and its argument. It is wanted for
    /// large arguments only, so that it is called rarely, where the choice is made.
    fn rare_choice(&self, id: NodeId) -> Option<(LaneOp, NodeId)> {
        let kind = |id: NodeId| &self.split.nodes[id.index()].kind;
        let NodeKind::Op { op: LaneOp::Select, args } = kind(id) else { return None };
        match kind(args[1]) {
            NodeKind::Op { op: op @ (LaneOp::Sin | LaneOp::Cos), args } => Some((*op, args[0])),
            _ => None,
        }
    }

    fn contraction(&self, id: NodeId) -> Option<Contraction> {
        contraction(self.split, self.facts, &self.uses, id)
    }

    fn compute(&mut self, code: &mut Code, id: NodeId, vector: usize) -> Option<()> {
        let split = self.split;
        let value = match &split.nodes[id.index()].kind {
            NodeKind::Index { axis } => smallvec![self.index(code, *axis, vector)?],
            NodeKind::Load { operand, access } => {
                let block = self.block;
                if let (Some(block), Some(&Some(lanes))) = (&mut self.block, self.wanted.get(id.index())) {
                    block.active = Active::Some(lanes);
                }
                let value = self.read(code, *operand, access, vector)?;
                self.block = block;
                value
            }
            NodeKind::Op { op, .. } => self.operation(code, id, *op, vector)?,
            NodeKind::Const(_) | NodeKind::Pick { .. } => internal("a node that is not computed"),
        };
        code.values.insert(self.key(id, vector), value);
        Some(())
    }

    fn operation(&mut self, code: &mut Code, id: NodeId, op: LaneOp, vector: usize) -> Option<Lane> {
        let result = self.elements[id.index()];
        let mut args: SmallVec<[Arg; 3]> = SmallVec::new();
        for argument in self.arguments(id) {
            args.push(self.arg(code, argument, vector)?);
        }
        if let Some(Contraction { minus_product, minus_c, .. }) = self.contraction(id) {
            return Some(self.selector(code).fused(result, &args, minus_product, minus_c));
        }
        if let Some((function, _)) = self.rare_choice(id) {
            return Some(self.selector(code).function_where(function, &args));
        }
        // 64-bit integers held in 32 bits are widened where they meet others or make a result that is not.
        if !matches!(op, LaneOp::Convert | LaneOp::Bitcast) {
            let values = if op == LaneOp::Select { 1.. } else { 0.. };
            let values = &mut args[values];
            let long = result == Element::I64 || values.iter().any(|arg| arg.element == Element::I64);
            for arg in values.iter_mut().filter(|arg| long && arg.element == Element::I32) {
                arg.lane = self.selector(code).op(LaneOp::Convert, Element::I64, std::slice::from_ref(arg))?;
                arg.element = Element::I64;
            }
        }
        self.selector(code).op(op, result, &args)
    }

    /// The value of an output, as its operand holds it.
    pub(super) fn value(&mut self, code: &mut Code, output: usize, root: NodeId, vector: usize) -> Option<Arg> {
        let arg = self.arg(code, root, vector)?;
        let element = self.element_of_output(output)?;
        if arg.element == element {
            return Some(arg);
        }
        let lane = self.selector(code).op(LaneOp::Convert, element, &[arg])?;
        Some(Arg { lane, element, constant: None })
    }

    pub(crate) fn element_of_output(&self, output: usize) -> Option<Element> {
        Element::of(self.dtype(self.kernel.outputs[output].operand), false)
    }

    /// A node that is known.
    pub(crate) fn arg(&mut self, code: &mut Code, id: NodeId, vector: usize) -> Option<Arg> {
        let element = self.elements[id.index()];
        if let NodeKind::Const(value) = self.split.nodes[id.index()].kind {
            let lane = self.selector(code).literal(value, element)?;
            return Some(Arg { lane, element, constant: Some(value) });
        }
        let key = self.key(id, vector);
        let lane = match (code.values.get(key), self.known.get(&key)) {
            (Some(lane), _) => lane.clone(),
            (None, Some(homes)) => homes.iter().map(|&home| Operand::Memory(home)).collect(),
            (None, None) => internal("a node used before it is computed"),
        };
        Some(Arg { lane, element, constant: None })
    }

    pub(crate) fn selector<'a>(&'a mut self, code: &'a mut Code) -> Selector<'a> {
        Selector { region: &mut code.region, assembler: &mut self.assembler, width: self.width }
    }

    fn index(&mut self, code: &mut Code, axis: usize, vector: usize) -> Option<Operand> {
        if self.width != Width::Eight {
            return None;
        }
        let home = self.indices[axis].unwrap_or_else(|| internal("an axis without an index"));
        let broadcast = code.region.load(Opcode::new("vpbroadcastd", 2, 1, 0x58), home);
        let (row, column) = if vector == 0 { (0, 0) } else { self.place_in_tile(vector) };
        let bytes: Vec<u8> = if axis == self.order.axes[self.vector] {
            let first = column as i32 * self.spacing as i32;
            (first..first + 8).flat_map(i32::to_le_bytes).collect()
        } else if row > 0 && self.tile.is_some_and(|tile| tile.axis == axis) {
            (row as i32).to_le_bytes().repeat(8)
        } else {
            return Some(broadcast);
        };
        let offsets = Operand::Memory(self.assembler.constant(&bytes));
        Some(code.region.commutative(Opcode::new("vpaddd", 1, 1, 0xfe), broadcast, offsets))
    }

    pub(super) fn read(&mut self, code: &mut Code, operand: u32, access: &Access, vector: usize) -> Option<Lane> {
        let wide = self.dtype(operand).size() == 8;
        let parts = self.parts(wide);
        if narrow::is_narrow(self.dtype(operand)) {
            return self.read_narrow(code, operand, access, vector);
        }
        if self.view.gathers(access) {
            return self.gather(code, operand, access, vector);
        }
        if self.reads_across(operand, access) {
            return self.read_across(code, operand, access, vector);
        }
        if !self.view.is_near(access) {
            return self.read_apart(code, operand, access, vector);
        }
        let address = self.address(operand, access, vector)?;
        if self.view.step(access) == 0 {
            let opcode =
                if wide { Opcode::new("vbroadcastsd", 2, 1, 0x19) } else { Opcode::new("vbroadcastss", 2, 1, 0x18) };
            let value = code.region.load(opcode, address);
            return Some((0..parts).map(|_| value).collect());
        }
        let read = |part: usize| {
            let address = address.plus(32 * part as i32);
            match self.part(code, wide, part) {
                Part::Whole => code.region.load(MOVE, address),
                Part::Opcode { load, .. } => code.region.load(load, address),
                Part::Masked(mask) => {
                    let opcode = if wide {
                        Opcode::new("vmaskmovpd", 2, 1, 0x2d)
                    } else {
                        Opcode::new("vmaskmovps", 2, 1, 0x2c)
                    };
                    code.region.load_masked(opcode, mask, address)
                }
                Part::Nothing => Operand::Memory(self.assembler.constant(&[0; 32])),
            }
        };
        Some((0..parts).map(read).collect())
    }

    /// Writes the value of an output for one vector.
    pub(crate) fn write(&mut self, code: &mut Code, output: usize, vector: usize, lane: &Lane) -> Option<()> {
        let operand = self.kernel.outputs[output].operand;
        let wide = self.dtype(operand).size() == 8;
        let split = self.split;
        let access = &split.accesses[output];
        let address = self.address(operand, access, vector)?;
        if self.view.step(access) == 0 && self.kernel.extents[self.view.axis] > 1 {
            internal("a store of many lanes to one element");
        }
        if self.dtype(operand).is_bool() {
            self.write_bools(code, address, lane[0]);
            return Some(());
        }
        let whole = if self.streams[output] && self.aligned { STREAM } else { STORE };
        for (part, &value) in lane.iter().enumerate() {
            let address = address.plus(32 * part as i32);
            match self.part(code, wide, part) {
                Part::Whole => code.region.store_with(whole, address, value),
                Part::Opcode { store, .. } => code.region.store_with(store, address, value),
                Part::Masked(mask) => {
                    let opcode = if wide {
                        Opcode::new("vmaskmovpd", 2, 1, 0x2f)
                    } else {
                        Opcode::new("vmaskmovps", 2, 1, 0x2e)
                    };
                    code.region.store_masked(opcode, address, mask, value);
                }
                Part::Nothing => {}
            }
        }
        Some(())
    }

    /// How many vectors make a lane value of elements of 64 bits or fewer.
    pub(crate) fn parts(&self, wide: bool) -> usize {
        if wide && self.width == Width::Eight { 2 } else { 1 }
    }

    /// How the active lanes of a vector are moved from and to memory.
    fn part(&mut self, code: &mut Code, wide: bool, part: usize) -> Part {
        let size = if wide { 8 } else { 4 };
        match self.block().active {
            Active::All => Part::Whole,
            Active::Masked(mask) if self.parts(wide) == 2 => {
                Part::Masked(self.selector(code).masks(&smallvec![Operand::Memory(mask)], Element::F64)[part])
            }
            Active::Masked(mask) => Part::Masked(Operand::Memory(mask)),
            Active::First(lanes) => self.part_of_bytes((lanes * size).saturating_sub(32 * part)),
            Active::Some(lanes) => Part::Masked(Operand::Memory(self.lanes_mask(lanes >> (32 / size * part), size))),
        }
    }

    /// How the first bytes of a vector are moved.
    pub(crate) fn part_of_bytes(&mut self, bytes: usize) -> Part {
        const XMM: [Opcode; 2] =
            [Opcode::new("vmovups", 1, 0, 0x10).short(), Opcode::new("vmovups", 1, 0, 0x11).short()];
        const SD: [Opcode; 2] = [Opcode::new("vmovsd", 1, 3, 0x10).short(), Opcode::new("vmovsd", 1, 3, 0x11).short()];
        const SS: [Opcode; 2] = [Opcode::new("vmovss", 1, 2, 0x10).short(), Opcode::new("vmovss", 1, 2, 0x11).short()];
        match bytes {
            0 => Part::Nothing,
            4 => Part::Opcode { load: SS[0], store: SS[1] },
            8 => Part::Opcode { load: SD[0], store: SD[1] },
            16 => Part::Opcode { load: XMM[0], store: XMM[1] },
            32.. => Part::Whole,
            bytes => Part::Masked(self.first_bytes(bytes)),
        }
    }

    /// A mask of the first bytes.
    fn first_bytes(&mut self, bytes: usize) -> Operand {
        let mut mask = vec![0xff; bytes];
        mask.resize(32, 0);
        Operand::Memory(self.assembler.constant(&mask))
    }

    /// The mask of the active lanes, unless all are.
    pub(crate) fn active_mask(&mut self) -> Option<Operand> {
        match self.block().active {
            Active::All => None,
            Active::Masked(mask) => Some(Operand::Memory(mask)),
            Active::First(lanes) => Some(self.first_bytes(lanes * 32 / self.lanes as usize)),
            Active::Some(lanes) => Some(Operand::Memory(self.lanes_mask(lanes, 32 / self.lanes as usize))),
        }
    }

    /// The address of an access for one vector of the block.
    pub(crate) fn address(&mut self, operand: u32, access: &Access, vector: usize) -> Option<Memory> {
        let size = self.dtype(operand).size() as i64;
        let step = self.view.step(access);
        let base = self.group(operand, access).register.unwrap_or(SCRATCH[0]);
        // Outside of the vector loop there is no block, and a single vector.
        let (row, column) = if vector == 0 { (0, 0) } else { self.place_in_tile(vector) };
        let down = self.tile.map_or(0, |tile| self.view.stride(access, tile.axis) * row as i64);
        let displacement = i32::try_from((access.offset + down + column as i64 * self.spacing * step) * size).ok()?;
        let scale = self.view.scale(operand, access);
        let index = scale.filter(|&scale| scale != 0).map(|scale| (INDEX, scale));
        Some(Memory::At { base, index, displacement })
    }

    pub(crate) fn group(&self, operand: u32, access: &Access) -> &frame::Group {
        &self.groups.all[self.groups.find(self.view, operand, access)]
    }

    pub(crate) fn dtype(&self, operand: u32) -> DType {
        self.kernel.operands[operand as usize].dtype
    }

    pub(crate) fn block(&self) -> Block {
        self.block.unwrap_or_else(|| internal("lanes outside of the vector loop"))
    }
}

/// How lanes are moved.
pub(crate) enum Part {
    /// All of them.
    Whole,
    /// By instructions that move just these.
    Opcode {
        /// From memory, zeros elsewhere.
        load: Opcode,
        /// To memory.
        store: Opcode,
    },
    /// Under a mask.
    Masked(Operand),
    /// None of them.
    Nothing,
}
