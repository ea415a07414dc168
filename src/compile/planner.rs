//! From a fused function to a plan: every value gets a place, every group becomes steps.
//!
//! Values without loops (scalars and very small arrays) live in each worker's scalar area; all others in arrays. An
//! array is overwritten in place where its last reader reads, iteration by iteration, only the element it writes. The
//! state of a loop lives in the same arrays from one iteration to the next: updated in place, or, where the new state is
//! written while the old one is still read, in a pair of arrays whose pointers change places after each iteration.
//!
//! Arrays are named by pointer table slots here; where in the arena they lie is decided by `arena`, where workers must
//! meet by `barriers`.

use crate::compile::block::Block;
use crate::compile::commoning::common;
use crate::compile::fuse::{Fused, Group, KernelGroup, RootKind, SMALL, fuse};
use crate::compile::hoist::hoist;
use crate::compile::index::{Affine, linear};
use crate::compile::plan::{Place, Plan, Slot, Step};
use crate::compile::rotate::rotate;
use crate::compile::scatter::updated;
use crate::compile::{Options, arena, barriers, rows, schedule, streaming};
use crate::run::library::LibraryCall;
use cotangent_ir::kernel::Kernel;
use cotangent_ir::prim::{Control, Lower, Routine};
use cotangent_ir::{DType, Func, Type, Value};
use std::collections::HashMap;

/// Plans a prepared function.
pub(crate) fn plan(func: &Func, options: &Options) -> Plan {
    let options = *options;
    let hoisted = options.hoist.then(|| hoist(func));
    let func = hoisted.as_ref().unwrap_or(func);
    let commoned = options.common.then(|| common(func));
    let func = commoned.as_ref().unwrap_or(func);
    let cheaper = |body: &Func, before: &Func| fuse(body, &options).cost < fuse(before, &options).cost;
    let rotated = options.rotate_loops.then(|| rotate(func, &cheaper));
    let func = rotated.as_ref().unwrap_or(func);
    let mut planner =
        Planner { slots: Vec::new(), scalar_bytes: 0, kernels: Vec::new(), calls: Vec::new(), clock: 0, options };
    let params: Vec<Param> = (0..func.params().len())
        .map(|i| Param { place: Place::Slot(planner.new_slot(Slot::Input(i))), writable: false })
        .collect();
    let outputs: Vec<Place> =
        (0..func.results().len()).map(|i| Place::Slot(planner.new_slot(Slot::Output(i)))).collect();
    let wants: Vec<Want> = outputs.iter().map(|&place| Want::In(place)).collect();
    let (mut steps, results) = planner.block(func, &params, &wants);
    planner.deliver(func, &results, &outputs, &mut steps);
    let Planner { slots, scalar_bytes, kernels, calls, .. } = planner;
    let (slots, regions, arena_bytes) = arena::pack(slots, options.reuse_memory);
    let streams = if options.stream { streaming::streams(&steps, &kernels, &calls, &slots, func) } else { Vec::new() };
    let rows = if options.by_rows { kernels.iter().map(rows::at_once).collect() } else { Vec::new() };
    let parallel = options.threads && is_parallel(&steps, &kernels, &calls);
    if parallel {
        steps = barriers::insert(steps, &kernels, &calls, &regions, options.few_barriers);
    }
    Plan {
        name: func.name.clone(),
        inputs: func.param_types().to_vec(),
        outputs: func.result_types(),
        slots,
        scalar_bytes,
        arena_bytes,
        kernels,
        streams,
        rows,
        calls,
        steps,
        parallel,
    }
}

/// An array while planning: its slot, when it is in use, and the arrays it changes places with.
#[derive(Clone, Debug)]
pub(crate) struct SlotUse {
    pub(crate) slot: Slot,
    /// First and last moment of use.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// All arrays, this one included, whose memory it may come to point to.
    pub(crate) partners: Vec<u32>,
}

/// A parameter of a block.
#[derive(Clone, Copy)]
pub(super) struct Param {
    pub(super) place: Place,
    /// Whether the block may overwrite it once it is no longer needed.
    pub(super) writable: bool,
}

/// Where a block's result should be.
#[derive(Clone, Copy)]
pub(super) enum Want {
    /// Exactly there, if a kernel computes it.
    In(Place),
    /// There, if that place can be overwritten in time; else in an array of its own.
    Preferably(Place),
}

pub(super) struct Planner {
    pub(super) slots: Vec<SlotUse>,
    pub(super) scalar_bytes: usize,
    pub(super) kernels: Vec<Kernel>,
    pub(super) calls: Vec<LibraryCall>,
    pub(super) clock: usize,
    pub(super) options: Options,
}

/// A block while its groups are planned.
pub(super) struct BlockState<'a> {
    pub(super) fused: Fused<'a>,
    /// Where every stored value planned so far is.
    pub(super) places: HashMap<Value, Place>,
    /// Stored values whose place may be overwritten after their last use.
    owned: HashMap<Value, bool>,
    /// Number of the last group that reads a stored value; past the end for results.
    last_use: HashMap<Value, usize>,
    wants: HashMap<Value, Want>,
}

impl Planner {
    pub(super) fn new_slot(&mut self, slot: Slot) -> u32 {
        let number = self.slots.len() as u32;
        self.slots.push(SlotUse { slot, first: self.clock, last: self.clock, partners: vec![number] });
        number
    }

    pub(super) fn new_array(&mut self, bytes: usize) -> u32 {
        self.new_slot(Slot::Arena { offset: 0, bytes })
    }

    /// Room for a small value in the scalar area.
    pub(super) fn new_scalar(&mut self, ty: &Type) -> Place {
        let align = ty.dtype.size().max(1);
        let offset = self.scalar_bytes.next_multiple_of(align);
        self.scalar_bytes = offset + ty.byte_len();
        Place::Scalar(offset as u32)
    }

    pub(super) fn touch(&mut self, place: Place) {
        if let Place::Slot(slot) = place {
            for partner in self.slots[slot as usize].partners.clone() {
                self.slots[partner as usize].last = self.clock;
            }
        }
    }

    /// Plans a function body. Results are where the returned places say; `wants` is honoured where a kernel computes
    /// the result, the caller moves the rest.
    pub(super) fn block(&mut self, func: &Func, params: &[Param], wants: &[Want]) -> (Vec<Step>, Vec<Place>) {
        let fused = fuse(func, &self.options);
        let mut state = BlockState {
            places: func.params().zip(params).map(|(value, param)| (value, param.place)).collect(),
            owned: func.params().zip(params).map(|(value, param)| (value, param.writable)).collect(),
            last_use: last_uses(&fused),
            wants: HashMap::new(),
            fused,
        };
        for (&result, &want) in func.results().iter().zip(wants) {
            let base = stored_base(&state.fused.block, result);
            state.wants.entry(base).or_insert(want);
        }
        let mut steps = Vec::new();
        for g in 0..state.fused.groups.len() {
            self.clock += 1;
            let group = std::mem::replace(&mut state.fused.groups[g], Group::Opaque(usize::MAX));
            match &group {
                Group::Kernel(kernel) if kernel.roots.is_empty() => {}
                Group::Kernel(kernel) => self.kernel_group(&mut state, g, kernel, &mut steps),
                Group::Opaque(position) => self.opaque(&mut state, g, *position, &mut steps),
            }
            state.fused.groups[g] = group;
        }
        self.clock += 1;
        let results: Vec<Place> = func.results().iter().map(|&value| self.place(&mut state, value)).collect();
        for &place in &results {
            self.touch(place);
        }
        (steps, results)
    }

    /// The place of a stored value.
    pub(super) fn place(&mut self, state: &mut BlockState<'_>, value: Value) -> Place {
        let base = stored_base(&state.fused.block, value);
        if let Some(&place) = state.places.get(&base) {
            return place;
        }
        let ty = state.fused.block.ty(base);
        if !ty.is_empty() {
            cotangent_ir::error::internal(&format!("{base} is used before it is planned"));
        }
        // A value without elements needs a pointer and nothing else.
        let place = Place::Slot(self.new_array(0));
        state.places.insert(base, place);
        place
    }

    /// Whether the array of `base` can be overwritten by group `g` when the group reads it only where it writes it.
    pub(super) fn dies_in(&self, state: &BlockState<'_>, base: Value, g: usize) -> bool {
        self.options.in_place
            && state.owned.get(&base).copied().unwrap_or(false)
            && state.last_use.get(&base).copied().unwrap_or(g) <= g
            && matches!(state.places.get(&base), Some(Place::Slot(slot))
                if matches!(self.slots[*slot as usize].slot, Slot::Arena { .. }))
    }

    pub(super) fn define(&mut self, state: &mut BlockState<'_>, value: Value, place: Place, owned: bool) {
        state.places.insert(value, place);
        state.owned.insert(value, owned);
        self.touch(place);
    }

    fn kernel_group(&mut self, state: &mut BlockState<'_>, g: usize, group: &KernelGroup, steps: &mut Vec<Step>) {
        let mut taken = Vec::new();
        for &root in &group.roots {
            if matches!(state.fused.shapes[&root].kind, RootKind::Reduce(_)) && is_full(state, root) {
                let place = self.new_scalar(state.fused.block.ty(root));
                self.define(state, root, place, false);
                continue;
            }
            let (place, copy) = self.root_place(state, g, group, root, &mut taken);
            if let Some(from) = copy {
                let bytes = state.fused.block.ty(root).byte_len();
                steps.push(self.move_bytes(place, from, bytes));
                self.clock += 1;
            }
            let owned = matches!(place, Place::Slot(slot)
                if matches!(self.slots[slot as usize].slot, Slot::Arena { .. }));
            // The place of a root is known to the kernel before its operands are bound, so define it now; a value that
            // it overwrites keeps its own entry.
            self.define(state, root, place, owned);
        }
        self.emit_group(state, group, steps);
    }

    /// Chooses the place of a root; with it the place to copy from first, for an update that cannot be done in place.
    fn root_place(
        &mut self,
        state: &BlockState<'_>,
        g: usize,
        group: &KernelGroup,
        root: Value,
        taken: &mut Vec<Place>,
    ) -> (Place, Option<Place>) {
        let block = &state.fused.block;
        let ty = block.ty(root);
        let want = state.wants.get(&root).copied();
        if let RootKind::Update | RootKind::Combine(_) = state.fused.shapes[&root].kind {
            let Some(base) = block.base(updated(block, root)) else {
                cotangent_ir::error::internal("an update of what is not in memory")
            };
            // A loop is for one worker or for several, but scalars are each worker's own.
            let fits = |place: Place| matches!(place, Place::Slot(_)) || group.extents.is_empty();
            if reads_what_it_writes(state, group, root, base)
                && self.dies_in(state, base, g)
                && fits(state.places[&base])
            {
                return (state.places[&base], None);
            }
            let place = match want {
                Some(Want::In(place)) if fits(place) => place,
                _ => Place::Slot(self.new_array(ty.byte_len())),
            };
            return (place, Some(state.places[&base]));
        }
        if group.extents.is_empty() && ty.len() <= SMALL {
            return (self.new_scalar(ty), None);
        }
        match want {
            Some(Want::In(place)) => return (place, None),
            Some(Want::Preferably(place)) => {
                // The parameter that was there, and what has been stored over it since.
                let mut held = state.places.iter().filter(|(_, at)| **at == place).map(|(&value, _)| value);
                let past = |value: Value| state.last_use.get(&value).is_none_or(|&last| last < g);
                if matches!(place, Place::Slot(_))
                    && state.fused.shapes[&root].kind == RootKind::Store
                    && !taken.contains(&place)
                    && held.all(|value| past(value) || self.overwritable(state, g, group, root, value))
                {
                    taken.push(place);
                    return (place, None);
                }
                return (Place::Slot(self.new_array(ty.byte_len())), None);
            }
            None => {}
        }
        let candidates: Vec<Value> = group_reads(state, group).into_iter().map(|(value, _)| value).collect();
        for base in candidates {
            if let Some(&place) = state.places.get(&base)
                && !taken.contains(&place)
                && self.overwritable(state, g, group, root, base)
            {
                taken.push(place);
                return (place, None);
            }
        }
        (Place::Slot(self.new_array(ty.byte_len())), None)
    }

    /// Whether a root of group `g` may be stored over `base`: nobody reads `base` later, and the group reads of it only
    /// elements that the same iteration writes.
    fn overwritable(&self, state: &BlockState<'_>, g: usize, group: &KernelGroup, root: Value, base: Value) -> bool {
        let block = &state.fused.block;
        let shape = &state.fused.shapes[&root];
        if shape.kind != RootKind::Store
            || block.ty(base).byte_len() != block.ty(root).byte_len()
            || block.ty(base).dtype != block.ty(root).dtype
            || !self.dies_in(state, base, g)
        {
            return false;
        }
        let strides = block.ty(root).strides();
        group_reads(state, group)
            .iter()
            .filter(|(value, _)| *value == base)
            .all(|(_, position)| shape.maps.iter().any(|map| linear(map, &strides) == *position))
    }

    fn opaque(&mut self, state: &mut BlockState<'_>, g: usize, position: usize, steps: &mut Vec<Step>) {
        let inst = &state.fused.block.func.insts()[position];
        let places: Vec<Place> = inst
            .args
            .iter()
            .map(|&arg| {
                let stored = state.fused.block.stored_operand(position, arg).0;
                self.place(state, stored)
            })
            .collect();
        for &place in &places {
            self.touch(place);
        }
        match inst.prim.lower {
            Lower::Library(Routine::Dot) => self.dot(state, position, &places, steps),
            Lower::Library(Routine::Fft) => {
                self.fft(state, inst, &places, steps);
                // What lies between the transforms is for nobody else if no group to come needs it.
                let is_used = |slot: u32| {
                    let of_slot = state.places.iter().filter(|(_, place)| **place == Place::Slot(slot));
                    let mut last = of_slot.filter_map(|(value, _)| state.last_use.get(value));
                    last.any(|&last| last > g) || !matches!(self.slots[slot as usize].slot, Slot::Arena { .. })
                };
                if self.options.join_transforms
                    && let Some(joined) = self.filter(steps)
                    && !joined.between.into_iter().any(is_used)
                {
                    self.join_filter(joined.call, steps);
                }
            }
            Lower::Library(Routine::Items { operands, results })
            | Lower::Scatter(_, Routine::Items { operands, results })
            | Lower::LibraryOrExpand(_, Routine::Items { operands, results }, _) => {
                self.items(state, inst, (operands, results), &places, steps);
            }
            Lower::Control(Control::Tap) => self.tap(state, inst, &places, steps),
            Lower::Control(Control::Host) => self.host(state, inst, &places, steps),
            Lower::Control(Control::While | Control::Scan) => self.plan_loop(state, g, inst, &places, steps),
            Lower::Control(Control::Switch) => self.switch(state, inst, &places, steps),
            _ => cotangent_ir::error::internal(&format!("{} was not prepared for planning", inst.prim.name)),
        }
    }

    /// The array that a library routine writes its result to.
    pub(super) fn result_array(&mut self, state: &mut BlockState<'_>, value: Value) -> u32 {
        let slot = match state.wants.get(&value) {
            Some(Want::In(Place::Slot(slot))) => *slot,
            _ => self.new_array(state.fused.block.ty(value).byte_len()),
        };
        let owned = matches!(self.slots[slot as usize].slot, Slot::Arena { .. });
        self.define(state, value, Place::Slot(slot), owned);
        slot
    }

    /// Moves results to where they have to be.
    pub(super) fn deliver(&mut self, func: &Func, from: &[Place], to: &[Place], steps: &mut Vec<Step>) {
        self.clock += 1;
        let mut assigned = Vec::new();
        for ((&value, &from), &to) in func.results().iter().zip(from).zip(to) {
            if from == to || func.ty(value).is_empty() {
                continue;
            }
            self.touch(from);
            self.touch(to);
            match (from, to) {
                (Place::Slot(_), Place::Slot(_)) => steps.push(self.move_bytes(to, from, func.ty(value).byte_len())),
                _ => assigned.push(assignment(to, from, func.ty(value))),
            }
        }
        if !assigned.is_empty() {
            steps.push(Step::Assign { moves: assigned });
        }
    }

    pub(super) fn move_bytes(&mut self, to: Place, from: Place, bytes: usize) -> Step {
        self.touch(to);
        self.touch(from);
        match (to, from) {
            (Place::Slot(to), Place::Slot(from)) => Step::Copy { to, from, bytes },
            _ => Step::Assign { moves: vec![(to, from, DType::U8, bytes)] },
        }
    }
}

/// A move of a small value, lane by lane.
pub(super) fn assignment(to: Place, from: Place, ty: &Type) -> (Place, Place, DType, usize) {
    let lanes = if ty.dtype.is_complex() { 2 } else { 1 };
    (to, from, ty.dtype.real(), lanes * ty.len())
}

/// The stored value that holds the elements of `value`.
pub(super) fn stored_base(block: &Block<'_>, value: Value) -> Value {
    block.base(value).unwrap_or_else(|| {
        if block.ty(value).is_empty() {
            value
        } else {
            cotangent_ir::error::internal(&format!("{value} is not stored"))
        }
    })
}

/// Whether a reduction leaves one element and no loop.
pub(super) fn is_full(state: &BlockState<'_>, root: Value) -> bool {
    matches!(&state.fused.shapes[&root].kind, RootKind::Reduce(axes) if axes.iter().all(|&reduced| reduced))
}

/// Whether a group that updates `base` reads of it, if anything, only what is not yet overwritten.
///
/// That is so where every iteration reads no element but those that it writes itself, and where there is one iteration
/// and nothing else in the group: an iteration loads before it stores.
fn reads_what_it_writes(state: &BlockState<'_>, group: &KernelGroup, root: Value, base: Value) -> bool {
    let written = &state.fused.updates[&root];
    let harmless = |reader: Value, position: &Affine| reader == root && written.contains(position);
    let mut reads =
        group.roots.iter().flat_map(|&reader| state.fused.loads[&reader].iter().map(move |read| (reader, read)));
    (group.extents.is_empty() && group.roots.len() == 1)
        || reads.all(|(reader, (value, position))| *value != base || harmless(reader, position))
}

/// Elements of stored values that a group reads and does not compute itself.
fn group_reads(state: &BlockState<'_>, group: &KernelGroup) -> Vec<(Value, Affine)> {
    group
        .roots
        .iter()
        .flat_map(|root| state.fused.loads[root].iter().cloned())
        .filter(|(value, _)| !group.roots.contains(value))
        .collect()
}

fn last_uses(fused: &Fused<'_>) -> HashMap<Value, usize> {
    let mut last = HashMap::new();
    for (g, group) in fused.groups.iter().enumerate() {
        match group {
            Group::Kernel(kernel) => {
                for root in &kernel.roots {
                    for value in fused.needs(*root) {
                        last.insert(value, g);
                    }
                }
            }
            Group::Opaque(position) => {
                for value in fused.block.opaque_reads(*position) {
                    last.insert(value, g);
                }
            }
        }
    }
    for &result in fused.block.func.results() {
        if let Some(base) = fused.block.base(result) {
            last.insert(base, usize::MAX);
        }
    }
    last
}

fn is_parallel(steps: &[Step], kernels: &[Kernel], calls: &[LibraryCall]) -> bool {
    steps.iter().any(|step| match step {
        Step::Kernel { kernel, chunks, .. } => *chunks > 1 && schedule::worth_sharing(&kernels[*kernel]),
        Step::Library { call } => super::calls::work(&calls[*call]) >= schedule::PARALLEL_WORK,
        Step::Copy { bytes, .. } => *bytes >= 16 * schedule::PARALLEL_WORK,
        Step::While { condition, body, .. } => {
            is_parallel(condition, kernels, calls) || is_parallel(body, kernels, calls)
        }
        Step::Repeat { body, .. } => is_parallel(body, kernels, calls),
        Step::Switch { arms, .. } => arms.iter().any(|arm| is_parallel(arm, kernels, calls)),
        Step::Scalar { .. }
        | Step::Combine { .. }
        | Step::Assign { .. }
        | Step::Rotate { .. }
        | Step::End { .. }
        | Step::Barrier => false,
    })
}
