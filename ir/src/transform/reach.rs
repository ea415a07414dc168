//! Which results of a function depend on which of its parameters.
//!
//! Loops carry dependence from one iteration to the next, so their rules look for the least set of carried values that
//! is closed under the body. The answer here is a superset of what the transformation that asks will find, and the same
//! for every result that has a rule at all.

use crate::func::Func;
use crate::prim::{Control, Jvp, Lower, control};

/// What is followed through a function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Along {
    /// Any dependence.
    Values,
    /// Tangents: not through integers and bools, and not through primitives whose tangent is zero.
    Tangents,
}

/// For every result whether it depends on a flagged parameter.
pub(crate) fn reach(func: &Func, params: &[bool], along: Along) -> Vec<bool> {
    let mut flags = params.to_vec();
    flags.resize(func.value_count(), false);
    for inst in func.insts() {
        let operands: Vec<bool> = inst.args.iter().map(|value| flags[value.index()]).collect();
        if !operands.contains(&true) {
            continue;
        }
        let results = match inst.prim.lower {
            Lower::Control(Control::While) => control::while_loop::reach(&inst.attrs, &operands, along),
            Lower::Control(Control::Scan) => control::scan::reach(&inst.attrs, &operands, along),
            Lower::Control(Control::Switch) => control::switch::reach(&inst.attrs, &operands, along),
            Lower::Control(Control::Call | Control::Checkpoint) => reach(inst.attrs.func("func"), &operands, along),
            _ if along == Along::Tangents && matches!(inst.prim.jvp, Jvp::Zero) => continue,
            _ => vec![true; inst.results().len()],
        };
        for (value, flag) in inst.results().zip(results) {
            flags[value.index()] = flag && (along == Along::Values || func.ty(value).dtype.is_inexact());
        }
    }
    func.results().iter().map(|value| flags[value.index()]).collect()
}
