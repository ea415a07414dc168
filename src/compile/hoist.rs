//! What an iteration of a loop computes from the loop's constants alone, computed once before the loop.
//!
//! Only what makes an array with work of its own is: library routines and sums over many elements, with what they are
//! computed from and what is computed from them. An expression of constants is cheaper computed where it is used.

use crate::compile::block::UNROLLED_REDUCTION;
use crate::compile::extend::{Extended, computing, extend_loops, with_constants};
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::{Func, Inst, Value};

/// The function with constant work moved out of its loops.
pub(crate) fn hoist(func: &Func) -> Func {
    extend_loops(func, &hoisted)
}

fn hoisted(inst: &Inst) -> Option<Extended> {
    if !matches!(inst.prim.lower, Lower::Control(Control::Scan | Control::While)) {
        return None;
    }
    let body = inst.attrs.func("body");
    let constant = constant_work(body, inst.attrs.size("consts"));
    (!constant.is_empty()).then(|| with_constants(inst, &constant, computing(body, constant.clone())))
}

/// Values of a body that depend on constants only, with work of their own in what they are computed from, which something
/// else needs.
fn constant_work(body: &Func, consts: usize) -> Vec<Value> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Cheap,
        Work,
        Varying,
    }
    let mut kinds: Vec<Kind> =
        body.params().map(|value| if value.index() < consts { Kind::Cheap } else { Kind::Varying }).collect();
    let mut needed = vec![false; body.value_count()];
    for inst in body.insts() {
        let of_args = |kind: Kind| inst.args.iter().any(|arg| kinds[arg.index()] == kind);
        let works = match inst.prim.lower {
            Lower::Library(_) | Lower::LibraryOrExpand(..) => true,
            Lower::Reduce(_) => body.ty(inst.args[0]).len() > UNROLLED_REDUCTION * body.ty(inst.result()).len(),
            _ => false,
        };
        let varies = of_args(Kind::Varying) || matches!(inst.prim.lower, Lower::Control(_));
        let kind = match (varies, works || of_args(Kind::Work)) {
            (true, _) => Kind::Varying,
            (false, true) => Kind::Work,
            (false, false) => Kind::Cheap,
        };
        kinds.extend(inst.results().map(|_| kind));
        if kind == Kind::Varying {
            inst.args.iter().for_each(|arg| needed[arg.index()] = true);
        }
    }
    body.results().iter().for_each(|result| needed[result.index()] = true);
    (0..body.value_count()).filter(|&i| needed[i] && kinds[i] == Kind::Work).map(Value::new).collect()
}
