//! Rotation of loops: a sum over the state that an iteration begins with, taken at the end of the iteration before.
//!
//! Where it begins an iteration, such a sum is a kernel of its own, for which the workers meet and the state passes through
//! the caches once more. At the end of the iteration before it can be a part of the kernel that makes the state. So the
//! sum becomes a part of the state:
//!
//! ```text
//! repeat { s = sum(f(p)); p = g(p, s) }
//! s = sum(f(p)); repeat { p = g(p, s); s = sum(f(p)) }
//! ```
//!
//! The last sum is for nobody. A loop is rotated if the kernels of its body then cost less.

use crate::compile::block::UNROLLED_REDUCTION;
use crate::compile::extend::{Extended, computing, extend_loops, given, inline, with_state};
use crate::compile::fuse::SMALL;
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::{Func, Inst, Value};
use std::collections::HashSet;

/// Loops with fewer iterations than this stay as they are: one sum in so many is computed for nobody.
const FEWEST_TRIPS: usize = 8;
/// Most instructions a sum that is moved may depend on.
const MOST_INSTRUCTIONS: usize = 40;

/// The function with its loops rotated where `better` says that a body is better than the one before.
pub(crate) fn rotate(func: &Func, better: &dyn Fn(&Func, &Func) -> bool) -> Func {
    extend_loops(func, &|inst| rotated(inst, better))
}

fn rotated(inst: &Inst, better: &dyn Fn(&Func, &Func) -> bool) -> Option<Extended> {
    let Lower::Control(control @ (Control::Scan | Control::While)) = inst.prim.lower else { return None };
    if matches!(control, Control::Scan) && inst.attrs.size("length") < FEWEST_TRIPS {
        return None;
    }
    let (consts, body) = (inst.attrs.size("consts"), inst.attrs.func("body"));
    let begun = begun_with(body, consts);
    if begun.is_empty() {
        return None;
    }
    let sums = computing(body, begun.clone());
    let turned = turned(body, consts, &begun, &sums);
    if !better(&turned, body) {
        return None;
    }
    Some(with_state(inst, turned, sums))
}

/// Sums in the body of a loop that depend on nothing which the body computes for the next iteration, other than by
/// expressions.
fn begun_with(body: &Func, consts: usize) -> Vec<Value> {
    let definitions = body.definitions();
    let state: HashSet<Value> = body.results().iter().copied().collect();
    let is_sum = |inst: &Inst| {
        matches!(inst.prim.lower, Lower::Reduce(_))
            && body.ty(inst.result()).len() <= SMALL
            && body.ty(inst.args[0]).len() > UNROLLED_REDUCTION * SMALL
    };
    let of_state = |inst: &Inst| {
        let mut seen: HashSet<Value> = HashSet::new();
        let mut left: Vec<Value> = inst.args.to_vec();
        let (mut instructions, mut whole) = (0, false);
        while let Some(value) = left.pop() {
            if !seen.insert(value) {
                continue;
            }
            let Some(position) = definitions[value.index()] else {
                whole |= value.index() >= consts && body.ty(value).len() > SMALL;
                continue;
            };
            let inst = &body.insts()[position];
            instructions += 1;
            let expression = matches!(inst.prim.lower, Lower::Lanes(_) | Lower::Reindex(_));
            if !expression || instructions > MOST_INSTRUCTIONS || state.contains(&value) {
                return false;
            }
            left.extend(&inst.args);
        }
        whole
    };
    let sums = body.insts().iter().filter(|inst| is_sum(inst) && !state.contains(&inst.result()) && of_state(inst));
    sums.map(Inst::result).collect()
}

/// The body that is given its sums and ends with those of the next iteration.
fn turned(body: &Func, consts: usize, begun: &[Value], sums: &Func) -> Func {
    given(body, body.params().len(), &sums.result_types(), begun, |out, values| {
        let state = body.results().iter().map(|result| values[result.index()]);
        let operands: Vec<Value> = values[..consts].iter().copied().chain(state).collect();
        inline(out, sums, &operands)
    })
}
