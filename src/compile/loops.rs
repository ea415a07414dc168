//! Control flow in a plan: loops whose state stays where it is, and branches that leave their results in one place.

use crate::compile::fuse::SMALL;
use crate::compile::plan::{Place, Slot, Step};
use crate::compile::planner::{BlockState, Param, Planner, Want, assignment, stored_base};
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::{Inst, Type, Value};

impl Planner {
    /// Plans `while` and `scan` (which has been prepared to carry everything).
    pub(super) fn plan_loop(
        &mut self,
        state: &mut BlockState<'_>,
        g: usize,
        inst: &Inst,
        places: &[Place],
        steps: &mut Vec<Step>,
    ) {
        let consts = inst.attrs.size("consts");
        let body = inst.attrs.func("body").clone();
        let types: Vec<Type> = inst.results().map(|value| state.fused.block.ty(value).clone()).collect();
        let carries: Vec<Place> =
            (0..types.len()).map(|i| self.carry(state, g, inst, consts, i, &types[i], places, steps)).collect();
        self.clock += 1;
        let start = self.clock;
        let constants = places[..consts].iter().map(|&place| Param { place, writable: false });
        let read_only = carries.iter().map(|&place| Param { place, writable: false });
        let mut condition = Vec::new();
        let mut predicate = Place::Scalar(0);
        let is_while = matches!(inst.prim.lower, Lower::Control(Control::While));
        if is_while {
            let params: Vec<Param> = constants.clone().chain(read_only).collect();
            let (cond_steps, results) = self.block(&inst.attrs.func("cond").clone(), &params, &[]);
            condition = cond_steps;
            predicate = results[0];
        }
        let params: Vec<Param> =
            constants.chain(carries.iter().map(|&place| Param { place, writable: true })).collect();
        let wants: Vec<Want> = carries.iter().map(|&place| Want::Preferably(place)).collect();
        let first_body_slot = self.slots.len() as u32;
        let (mut body_steps, results) = self.block(&body, &params, &wants);
        self.carry_over(&types, &carries, &results, first_body_slot, start, &mut body_steps);
        self.clock += 1;
        for &place in places.iter().chain(&carries) {
            self.touch(place);
        }
        self.touch(predicate);
        // What the loop uses and does not define is needed until its end.
        let end = self.clock;
        for slot in &mut self.slots {
            if slot.first < start && slot.last >= start {
                slot.last = end;
            }
        }
        steps.push(if is_while {
            Step::While { condition, predicate, body: body_steps }
        } else {
            Step::Repeat { count: inst.attrs.size("length") as u64, body: body_steps }
        });
        for (value, place) in inst.results().zip(carries) {
            self.define(state, value, place, true);
        }
    }

    /// The place of one part of the loop's state, initialised.
    #[expect(clippy::too_many_arguments, reason = "the loop's operands, taken apart once")]
    fn carry(
        &mut self,
        state: &mut BlockState<'_>,
        g: usize,
        inst: &Inst,
        consts: usize,
        i: usize,
        ty: &Type,
        places: &[Place],
        steps: &mut Vec<Step>,
    ) -> Place {
        let init = inst.args[consts + i];
        let from = places[consts + i];
        if ty.len() <= SMALL {
            let place = self.new_scalar(ty);
            if !ty.is_empty() {
                steps.push(Step::Assign { moves: vec![assignment(place, from, ty)] });
            }
            return place;
        }
        let base = stored_base(&state.fused.block, init);
        // What begins as the same array begins as a copy of it, but for the last, which takes it over.
        let is_same = |arg: &Value| state.fused.block.base(*arg) == Some(base);
        let is_read = inst.args[..consts].iter().any(is_same);
        let is_last = !inst.args[consts + i + 1..].iter().any(is_same);
        if !is_read && is_last && self.dies_in(state, base, g) {
            return from;
        }
        let place = Place::Slot(self.new_array(ty.byte_len()));
        steps.push(self.move_bytes(place, from, ty.byte_len()));
        place
    }

    /// Makes the results of one iteration the state of the next.
    fn carry_over(
        &mut self,
        types: &[Type],
        carries: &[Place],
        results: &[Place],
        first_body_slot: u32,
        start: usize,
        steps: &mut Vec<Step>,
    ) {
        self.clock += 1;
        let mut assigned = Vec::new();
        let mut sources: Vec<(u32, u32)> = Vec::new();
        for ((&carry, &result), ty) in carries.iter().zip(results).zip(types) {
            let Place::Slot(to) = carry else {
                if carry != result && !ty.is_empty() {
                    self.touch(result);
                    assigned.push(assignment(carry, result, ty));
                }
                continue;
            };
            // A pointer can change places if the array is this loop's own and nobody else takes it.
            let movable = match result {
                Place::Slot(from) => {
                    let own = from >= first_body_slot || carries.contains(&result);
                    let arena = matches!(self.slots[from as usize].slot, Slot::Arena { .. });
                    let free = !sources.iter().any(|&(_, taken)| taken == from)
                        && results.iter().filter(|&&other| other == result).count() == 1;
                    (own && arena && free).then_some(from)
                }
                Place::Scalar(_) => None,
            };
            let from = movable.unwrap_or_else(|| {
                let fresh = self.new_array(ty.byte_len());
                let step = match result {
                    Place::Slot(_) => self.move_bytes(Place::Slot(fresh), result, ty.byte_len()),
                    Place::Scalar(_) => Step::Assign { moves: vec![assignment(Place::Slot(fresh), result, ty)] },
                };
                steps.push(step);
                fresh
            });
            sources.push((to, from));
        }
        if !assigned.is_empty() {
            steps.push(Step::Assign { moves: assigned });
        }
        let moves = self.rotation(&sources, start);
        if !moves.is_empty() {
            steps.push(Step::Rotate { moves });
        }
    }

    /// The permutation of pointers that brings every source to its carry, and the pointers no longer needed to the slots
    /// that gave theirs away.
    fn rotation(&mut self, sources: &[(u32, u32)], start: usize) -> Vec<(u32, u32)> {
        let mut moves: Vec<(u32, u32)> = sources.iter().copied().filter(|(to, from)| to != from).collect();
        let is_target = |slot: u32| sources.iter().any(|&(to, _)| to == slot);
        let mut closing = Vec::new();
        for &(to, from) in &moves {
            if is_target(from) {
                continue;
            }
            // `from` is an array of the body: follow the chain of carries it starts to the pointer left over.
            let mut left = to;
            while let Some(&(next, _)) = moves.iter().find(|&&(_, source)| source == left) {
                left = next;
            }
            closing.push((from, left));
        }
        moves.extend(closing);
        for &(a, b) in &moves {
            self.make_partners(a, b, start);
        }
        moves
    }

    /// Two arrays that change places share their fate: each may hold the other's memory.
    fn make_partners(&mut self, a: u32, b: u32, start: usize) {
        let mut all: Vec<u32> = self.slots[a as usize].partners.clone();
        all.extend(&self.slots[b as usize].partners);
        all.sort_unstable();
        all.dedup();
        let first = all.iter().map(|&slot| self.slots[slot as usize].first).min().unwrap_or(start).min(start);
        for &slot in &all {
            let entry = &mut self.slots[slot as usize];
            entry.partners = all.clone();
            entry.first = first;
            entry.last = entry.last.max(self.clock);
        }
    }

    /// Plans `switch`: every arm leaves its results in the same places.
    pub(super) fn switch(&mut self, state: &mut BlockState<'_>, inst: &Inst, places: &[Place], steps: &mut Vec<Step>) {
        let results: Vec<Value> = inst.results().collect();
        let targets: Vec<Place> = results
            .iter()
            .map(|&value| {
                let ty = state.fused.block.ty(value);
                if ty.len() <= SMALL { self.new_scalar(ty) } else { Place::Slot(self.new_array(ty.byte_len())) }
            })
            .collect();
        let params: Vec<Param> = places[1..].iter().map(|&place| Param { place, writable: false }).collect();
        let wants: Vec<Want> = targets.iter().map(|&place| Want::In(place)).collect();
        let start = self.clock;
        let mut arms = Vec::new();
        for branch in inst.attrs.funcs("branches") {
            let (mut arm, from) = self.block(branch, &params, &wants);
            self.deliver(branch, &from, &targets, &mut arm);
            arms.push(arm);
        }
        self.clock += 1;
        for &place in places.iter().chain(&targets) {
            self.touch(place);
        }
        for &target in &targets {
            if let Place::Slot(slot) = target {
                self.slots[slot as usize].first = self.slots[slot as usize].first.min(start);
            }
        }
        steps.push(Step::Switch { index: places[0], arms });
        for (value, place) in results.into_iter().zip(targets) {
            self.define(state, value, place, true);
        }
    }
}
