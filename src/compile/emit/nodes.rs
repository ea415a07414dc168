//! The nodes of a kernel's dag: computing them, finding their elements in memory, writing outputs.

use super::Lanes;
use super::access::Address;
use super::contraction::{Contraction, contraction};
use super::kernel_function::{Block, Loops};
use super::lanes::{Arg, Form, Lane};
use super::split::{Body, Nest};
use cotangent_ir::DType;
use cotangent_ir::error::internal;
use cotangent_ir::kernel::{Access, LaneOp, Node, NodeId, NodeKind, OutputKind, ReduceOp};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use smallvec::{SmallVec, smallvec};

/// How the lanes of a vector lie in memory.
enum Layout {
    /// In the same element.
    Same,
    /// In neighbouring elements.
    Neighbours,
    /// In neighbouring elements, backwards.
    Reversed,
    /// In every second element; whether these are the odd ones of a range known to be in memory.
    Alternate {
        /// Whether the element before each is in the range rather than the one after.
        odd: bool,
    },
    /// So many bytes apart.
    Apart(i64),
}

impl Loops<'_, '_, '_, '_> {
    /// Computes a node that is the same in all lanes, in the scalar form.
    pub(crate) fn uniform_node(&mut self, id: NodeId) -> Value {
        let node = &self.split.nodes[id.index()];
        match &node.kind {
            NodeKind::Const(value) => self.emitter.literal(Form::SCALAR, *value)[0],
            NodeKind::Index { axis } => self.index(*axis),
            NodeKind::Load { operand, access } => {
                let address = self.address(*operand, access, None);
                self.emitter.load_scalar(node.dtype, address)
            }
            NodeKind::Op { .. } => self.operation(id, 0, Form::SCALAR)[0],
            NodeKind::Pick { .. } => internal("a pick after splitting"),
        }
    }

    /// Computes a node without loops, arguments first, where that has not been done.
    pub(crate) fn uniform_tree(&mut self, id: NodeId) {
        if self.uniform[id.index()].is_some() {
            return;
        }
        match &self.split.nodes[id.index()].kind {
            NodeKind::Op { args, .. } => args.iter().for_each(|&arg| self.uniform_tree(arg)),
            NodeKind::Load { access, .. } => access.dynamic.iter().for_each(|&(node, _)| self.uniform_tree(node)),
            NodeKind::Const(_) | NodeKind::Index { .. } | NodeKind::Pick { .. } => {}
        }
        self.uniform[id.index()] = Some(self.uniform_node(id));
    }

    /// Computes a node for one vector of a block.
    pub(crate) fn varying_node(&mut self, id: NodeId, vector: usize, block: Block) {
        let node = &self.split.nodes[id.index()];
        let lane = match &node.kind {
            NodeKind::Index { axis } => self.indices_of(id, *axis, vector, block),
            NodeKind::Load { operand, access } => self.read(*operand, access, vector, block),
            NodeKind::Op { .. } => self.operation(id, vector, block.form),
            NodeKind::Const(_) | NodeKind::Pick { .. } => internal("a node that cannot differ between lanes"),
        };
        self.varying.insert((id, vector), lane);
    }

    /// Computes and writes the outputs of a body for one vector of a block. Accumulators are updated as soon as their
    /// value is known. Stores come last: what an iteration overwrites, it has read.
    pub(crate) fn outputs(&mut self, body: &Body, level: usize, vector: usize, block: Block) {
        let mut done = vec![false; self.split.nodes.len()];
        for (output, &root) in body.roots.iter().enumerate() {
            self.demand(root, level, vector, block, &mut done);
            if let OutputKind::Reduce(op) = self.kernel.outputs[output].kind {
                let dtype = self.kernel.operands[self.kernel.outputs[output].operand as usize].dtype;
                let lane = self.value(root, dtype, vector, block.form);
                self.accumulate(output, op, vector, block, lane);
            }
            if self.kernel.outputs[output].kind.scatters() {
                let split = self.split;
                for &(node, _) in &split.accesses[output].dynamic {
                    self.demand(node, level, vector, block, &mut done);
                }
            }
        }
        let mut written = vec![false; body.roots.len()];
        for (output, &root) in body.roots.iter().enumerate() {
            let operand = self.kernel.outputs[output].operand;
            if let OutputKind::Scatter(op) = self.kernel.outputs[output].kind {
                self.scatter(output, op, root, vector, block);
            }
            if written[output] || self.kernel.outputs[output].kind != OutputKind::Store {
                continue;
            }
            let dtype = self.kernel.operands[operand as usize].dtype;
            let lane = self.value(root, dtype, vector, block.form);
            let access = self.split.accesses[output].clone();
            match self.interleaved_with(output).filter(|_| !block.form.is_scalar()) {
                Some(other) => {
                    written[other] = true;
                    let odd = self.value(body.roots[other], dtype, vector, block.form);
                    let address = self.address(operand, &access, Some((vector, block.form)));
                    self.emitter.store_interleaved(block.form, dtype, address, &lane, &odd);
                }
                None => self.write(operand, &access, vector, block, &lane),
            }
        }
    }

    /// Computes what differs between lanes and depends on all of `level` loops, arguments right before their use.
    fn demand(&mut self, root: NodeId, level: usize, vector: usize, block: Block, done: &mut [bool]) {
        let split = self.split;
        let mut pending = vec![(root, 0)];
        while let Some((id, next)) = pending.pop() {
            let here = self.facts.varies[id.index()] && self.facts.depth[id.index()] == level;
            if !here || done[id.index()] {
                continue;
            }
            match &split.nodes[id.index()].kind {
                NodeKind::Op { args, .. } if next < args.len() => {
                    pending.push((id, next + 1));
                    pending.push((args[next], 0));
                }
                NodeKind::Load { access, .. } if next < access.dynamic.len() => {
                    pending.push((id, next + 1));
                    pending.push((access.dynamic[next].0, 0));
                }
                _ => {
                    self.varying_node(id, vector, block);
                    done[id.index()] = true;
                }
            }
        }
    }

    /// Writes a lane value to the elements of an access.
    pub(crate) fn write(&mut self, operand: u32, access: &Access, vector: usize, block: Block, lane: &Lane) {
        let dtype = self.kernel.operands[operand as usize].dtype;
        let skip = self.conditions.get(operand as usize).copied().flatten().map(|condition| {
            let (store, after) = (self.emitter.builder.create_block(), self.emitter.builder.create_block());
            self.emitter.builder.ins().brif(condition, store, &[], after, &[]);
            self.emitter.builder.seal_block(store);
            self.emitter.builder.switch_to_block(store);
            after
        });
        let address = self.address(operand, access, Some((vector, block.form)));
        match self.step(access) * dtype.size() as i64 {
            step if step == dtype.size() as i64 => self.emitter.store(block.form, dtype, address, lane),
            step => self.emitter.store_strided(block.form, dtype, address, step, lane),
        }
        if let Some(after) = skip {
            self.emitter.jump(after, &[]);
            self.emitter.builder.seal_block(after);
            self.emitter.builder.switch_to_block(after);
        }
    }

    /// The address of an access, for one vector of a block or, without one, for all lanes alike. Summands that differ
    /// between lanes are left out.
    pub(crate) fn address(&mut self, operand: u32, access: &Access, lanes: Option<(usize, Form)>) -> Address {
        let size = self.kernel.operands[operand as usize].dtype.size() as i64;
        let mut pointer = self.pointer(operand, access, self.depth(access));
        for &(node, factor) in access.dynamic.iter().filter(|(node, _)| self.facts.depth[node.index()] > 0) {
            if !self.facts.varies[node.index()] {
                let value = self.uniform[node.index()].unwrap_or_else(|| internal("a position that is not computed"));
                pointer = self.emitter.advance(pointer, value, factor * size);
            }
        }
        let ahead = lanes.map_or(0, |(vector, form)| (vector * form.0) as i64 * self.step(access));
        Address { pointer, displacement: (access.offset + ahead) * size }
    }

    /// Computes the pointers of all accesses in a nest as far as they are known after `level` loops, so that inner loops
    /// need not.
    pub(crate) fn advance_pointers(&mut self, nest: &Nest, level: usize) {
        for node in nest.nodes() {
            if let NodeKind::Load { operand, access } = &self.split.nodes[node.index()].kind
                && self.depth(access) >= level
            {
                self.pointer(*operand, access, level);
            }
        }
        for (output, access) in self.kernel.outputs.iter().zip(&self.split.accesses) {
            if self.depth(access) >= level {
                self.pointer(output.operand, access, level);
            }
        }
    }

    /// Where an access is after `level` loops, its offset and summands aside that depend on loops.
    fn pointer(&mut self, operand: u32, access: &Access, level: usize) -> Value {
        let strides = self.order.axes[..level].iter().map(|&axis| self.stride(access, axis)).collect();
        let key = (operand, strides, access.dynamic.clone());
        if let Some(&pointer) = self.partial_pointers[level].get(&key) {
            return pointer;
        }
        let size = self.kernel.operands[operand as usize].dtype.size() as i64;
        let mut pointer = self.pointers[operand as usize];
        match level.checked_sub(1) {
            None => {
                for &(node, factor) in access.dynamic.iter().filter(|(node, _)| self.facts.depth[node.index()] == 0) {
                    self.uniform_tree(node);
                    let value =
                        self.uniform[node.index()].unwrap_or_else(|| internal("a position that is not computed"));
                    pointer = self.emitter.advance(pointer, value, factor * size);
                }
            }
            Some(outer) => {
                pointer = self.pointer(operand, access, outer);
                let axis = self.order.axes[outer];
                if self.stride(access, axis) != 0 {
                    let index = self.index(axis);
                    pointer = self.emitter.advance(pointer, index, self.stride(access, axis) * size);
                }
            }
        }
        self.partial_pointers[level].insert(key, pointer);
        pointer
    }

    /// How many loops decide where an access is.
    fn depth(&self, access: &Access) -> usize {
        let moves = |&axis: &usize| self.stride(access, axis) != 0;
        self.order.axes.iter().rposition(moves).map_or(0, |position| position + 1)
    }

    fn stride(&self, access: &Access, axis: usize) -> i64 {
        if self.kernel.extents[axis] > 1 { access.strides[axis] } else { 0 }
    }

    /// The value of a node in a form, as the given dtype.
    fn value(&mut self, id: NodeId, dtype: DType, vector: usize, form: Form) -> Lane {
        let arg = self.arg(id, vector, form);
        if arg.dtype == dtype { arg.lane } else { self.emitter.convert(form, &arg, dtype) }
    }

    /// A node as an argument, in the dtype in which it is held.
    fn arg(&mut self, id: NodeId, vector: usize, form: Form) -> Arg {
        let node = &self.split.nodes[id.index()];
        let dtype = self.held(id, form);
        let constant = match node.kind {
            NodeKind::Const(value) => Some(value.convert(dtype)),
            _ => None,
        };
        let lane = match (constant, self.facts.varies[id.index()]) {
            (Some(value), _) => match self.splats.get(&id).filter(|_| !form.is_scalar()) {
                Some(lane) => lane.clone(),
                None => self.emitter.literal(form, value),
            },
            (None, true) => match self.varying.get(&(id, vector)) {
                Some(lane) => lane.clone(),
                None => internal("a node used before it is computed"),
            },
            (None, false) => match self.uniform[id.index()] {
                Some(scalar) if form.is_scalar() => smallvec![scalar],
                Some(_) => match self.splats.get(&id) {
                    Some(lane) => lane.clone(),
                    None => self.splat(id, form),
                },
                None => internal("a node used before it is computed"),
            },
        };
        Arg { lane, dtype, constant }
    }

    /// The vector of a node that is the same in all lanes.
    fn splat(&mut self, id: NodeId, form: Form) -> Lane {
        let dtype = self.held(id, form);
        if let NodeKind::Const(value) = self.split.nodes[id.index()].kind {
            return self.emitter.literal(form, value.convert(dtype));
        }
        let scalar = self.uniform[id.index()].unwrap_or_else(|| internal("a node used before it is computed"));
        let reduced = dtype != self.split.nodes[id.index()].dtype;
        let scalar = if reduced { self.emitter.builder.ins().ireduce(types::I32, scalar) } else { scalar };
        self.emitter.splat(form, dtype, scalar)
    }

    /// Keeps the vector of a node that is the same in all lanes, if vectors need it.
    pub(crate) fn keep_splat(&mut self, id: NodeId) {
        if self.lanes != Lanes::Scalar && self.facts.widened[id.index()] {
            let lane = self.splat(id, self.facts.form);
            self.splats.insert(id, lane);
        }
    }

    /// The dtype in which a node is held in a form.
    fn held(&self, id: NodeId, form: Form) -> DType {
        if self.facts.narrow[id.index()] && !form.is_scalar() { DType::I32 } else { self.split.nodes[id.index()].dtype }
    }

    fn operation(&mut self, id: NodeId, vector: usize, form: Form) -> Lane {
        let split = self.split;
        let Node { kind: NodeKind::Op { op, args }, .. } = &split.nodes[id.index()] else {
            internal("an operation is expected")
        };
        let result = self.held(id, form);
        if let Some(lane) = self.contracted(id, result, vector, form) {
            return lane;
        }
        let own = split.nodes[args[0].index()].dtype;
        let mut args: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.arg(arg, vector, form)).collect();
        if *op == LaneOp::Bitcast {
            // The bits of an integer are those of its own width, also where fewer are held.
            let lane = self.emitter.convert(form, &args[0], own);
            return self.emitter.op(form, *op, result, &[Arg { lane, dtype: own, constant: None }]);
        }
        // 64-bit integers held in 32 bits are widened where they meet others or make a result that is not.
        let own_dtype = matches!(op, LaneOp::Convert | LaneOp::Eq | LaneOp::Ne | LaneOp::Lt | LaneOp::Le);
        let values = if *op == LaneOp::Select { 1.. } else { 0.. };
        let values = &mut args[values];
        let common = if own_dtype { values.iter().map(|arg| arg.dtype).max_by_key(|dtype| dtype.size()) } else { None };
        let common = common.unwrap_or(result);
        for arg in values {
            if arg.dtype != common && *op != LaneOp::Convert && arg.dtype.is_int() && common.is_int() {
                arg.lane = self.emitter.convert(form, arg, common);
                arg.dtype = common;
            }
        }
        self.emitter.op(form, *op, result, &args)
    }

    /// A contraction, where one instruction multiplies and adds.
    fn contracted(&mut self, id: NodeId, dtype: DType, vector: usize, form: Form) -> Option<Lane> {
        if !self.emitter.has_fma {
            return None;
        }
        let Contraction { a, b, c, minus_product, minus_c } = contraction(self.split, self.facts, &self.uses, id)?;
        let [a, b, c] = [a, b, c].map(|arg| self.arg(arg, vector, form).lane);
        let mut signed = |lane: Lane, minus: bool| -> Lane {
            let part = |part| if minus { self.emitter.builder.ins().fneg(part) } else { part };
            lane.into_iter().map(part).collect()
        };
        let (a, c) = (signed(a, minus_product), signed(c, minus_c));
        Some(self.emitter.multiply_add(dtype, &a, &b, &c))
    }

    fn index(&self, axis: usize) -> Value {
        self.indices[axis].unwrap_or_else(|| internal("an index outside of its loop"))
    }

    /// The indices of the vector axis in the lanes of a vector.
    fn indices_of(&mut self, id: NodeId, axis: usize, vector: usize, block: Block) -> Lane {
        let base = self.index(axis);
        if block.form.is_scalar() {
            return smallvec![base];
        }
        let dtype = self.held(id, block.form);
        let scalar = match dtype {
            DType::I32 => self.emitter.builder.ins().ireduce(types::I32, base),
            _ => base,
        };
        let bases = self.emitter.splat(block.form, dtype, scalar);
        let part = block.form.part(dtype);
        let mut next = (vector * block.form.0) as u64;
        let offsets_of = |base: Value| {
            let lanes = next..next + u64::from(part.lane_count());
            next = lanes.end;
            let width = part.lane_type().bytes() as usize;
            let bytes: Vec<u8> = lanes.flat_map(|lane| lane.to_le_bytes()[..width].to_vec()).collect();
            let offsets = self.emitter.vector_constant(part, &bytes);
            self.emitter.builder.ins().iadd(base, offsets)
        };
        bases.into_iter().map(offsets_of).collect()
    }

    /// Elements from one lane to the next.
    fn step(&self, access: &Access) -> i64 {
        match self.order.vector.map(|vector| self.order.axes[vector]) {
            Some(axis) if self.kernel.extents[axis] > 1 => access.strides[axis],
            _ => 0,
        }
    }

    fn read(&mut self, operand: u32, access: &Access, vector: usize, block: Block) -> Lane {
        let dtype = self.kernel.operands[operand as usize].dtype;
        let address = self.address(operand, access, Some((vector, block.form)));
        if access.dynamic.iter().any(|(node, _)| self.facts.varies[node.index()]) {
            return self.gather(dtype, access, address, vector, block.form);
        }
        match self.layout(operand, access, block.form) {
            Layout::Same => {
                let scalar = self.emitter.load_scalar(dtype, address);
                self.emitter.splat(block.form, dtype, scalar)
            }
            Layout::Neighbours => self.emitter.load(block.form, dtype, address),
            Layout::Reversed => self.emitter.load_reversed(block.form, dtype, address),
            Layout::Alternate { odd } => {
                let address = address.plus(if odd { -(dtype.size() as i64) } else { 0 });
                self.emitter.load_alternate(block.form, dtype, address, odd)
            }
            Layout::Apart(step) => self.emitter.load_strided(block.form, dtype, address, step),
        }
    }

    /// Combines the value of an output with the element in memory.
    fn scatter(&mut self, output: usize, op: ReduceOp, root: NodeId, vector: usize, block: Block) {
        let operand = self.kernel.outputs[output].operand;
        let dtype = self.kernel.operands[operand as usize].dtype;
        let access = self.split.accesses[output].clone();
        let mut address = self.address(operand, &access, Some((vector, block.form)));
        for &(node, factor) in access.dynamic.iter().filter(|(node, _)| self.facts.varies[node.index()]) {
            let position = self.value(node, DType::I64, vector, block.form)[0];
            address.pointer = self.emitter.advance(address.pointer, position, factor * dtype.size() as i64);
        }
        let value = self.value(root, dtype, vector, block.form);
        let old = smallvec![self.emitter.load_scalar(dtype, address)];
        let args = [old, value].map(|lane| Arg { lane, dtype, constant: None });
        let sum = self.emitter.op(block.form, op.combine(), dtype, &args)[0];
        self.emitter.store_scalar(dtype, address, sum);
    }

    /// Elements one by one, each lane at a place of its own.
    fn gather(&mut self, dtype: DType, access: &Access, address: Address, vector: usize, form: Form) -> Lane {
        let (size, step) = (dtype.size() as i64, self.step(access));
        let summands: SmallVec<[(Arg, i64); 2]> = access
            .dynamic
            .iter()
            .filter(|(node, _)| self.facts.varies[node.index()])
            .map(|&(node, factor)| (self.arg(node, vector, form), factor))
            .collect();
        let mut elements: SmallVec<[Value; 4]> = SmallVec::new();
        for lane in 0..form.0 {
            let mut place = address.plus(lane as i64 * step * size);
            for (arg, factor) in &summands {
                let mut index = self.emitter.extract(form, arg.dtype, &arg.lane, lane);
                if arg.dtype != DType::I64 {
                    index = self.emitter.builder.ins().sextend(types::I64, index);
                }
                place.pointer = self.emitter.advance(place.pointer, index, factor * size);
            }
            elements.push(self.emitter.load_scalar(dtype, place));
        }
        self.emitter.assemble(form, dtype, &elements)
    }

    fn layout(&self, operand: u32, access: &Access, form: Form) -> Layout {
        let dtype = self.kernel.operands[operand as usize].dtype;
        match self.step(access) {
            0 => Layout::Same,
            _ if form.is_scalar() => Layout::Neighbours,
            1 => Layout::Neighbours,
            -1 => Layout::Reversed,
            2 => match self.partner(operand, access) {
                Some(odd) => Layout::Alternate { odd },
                None => Layout::Apart(2 * dtype.size() as i64),
            },
            step => Layout::Apart(step * dtype.size() as i64),
        }
    }

    /// Whether the elements next to those of an access with step 2 may be read too: the ones before (true), or after.
    fn partner(&self, operand: u32, access: &Access) -> Option<bool> {
        let at = |offset: i64| {
            self.split.nodes.iter().any(|node| match &node.kind {
                NodeKind::Load { operand: other, access: found } => {
                    *other == operand
                        && found.offset == offset
                        && found.strides == access.strides
                        && found.dynamic == access.dynamic
                }
                _ => false,
            })
        };
        if at(access.offset + 1) {
            return Some(false);
        }
        if at(access.offset - 1) {
            return Some(true);
        }
        if !access.dynamic.is_empty() {
            return None;
        }
        let last = |stride: &i64, extent: &usize| (*stride).max(0) * (*extent as i64 - 1);
        let highest: i64 = access.strides.iter().zip(&self.kernel.extents).map(|(s, e)| last(s, e)).sum();
        let first = |stride: &i64, extent: &usize| (*stride).min(0) * (*extent as i64 - 1);
        let lowest: i64 = access.strides.iter().zip(&self.kernel.extents).map(|(s, e)| first(s, e)).sum();
        if access.offset + highest + 1 < self.kernel.operands[operand as usize].len as i64 {
            return Some(false);
        }
        (access.offset + lowest > 0).then_some(true)
    }

    /// The output that stores the element after each element of this one, which steps by two.
    fn interleaved_with(&self, output: usize) -> Option<usize> {
        let outputs = &self.kernel.outputs;
        let access = &self.split.accesses[output];
        if self.step(access) != 2 {
            return None;
        }
        (output + 1..outputs.len()).find(|&other| {
            let found = &self.split.accesses[other];
            outputs[other].kind == OutputKind::Store
                && outputs[other].operand == outputs[output].operand
                && found.offset == access.offset + 1
                && found.strides == access.strides
                && found.dynamic == access.dynamic
        })
    }
}
