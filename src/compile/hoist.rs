//! What an iteration of a loop computes from the loop's constants alone, computed once before the loop.
//!
//! Only what makes an array with work of its own is: library routines and sums over many elements, with what they are
//! computed from and what is computed from them. An expression of constants is cheaper computed where it is used.

use crate::compile::block::UNROLLED_REDUCTION;
use crate::compile::carried::inline;
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::transform::prune::prune;
use cotangent_ir::{Attr, Attrs, Func, Inst, Type, Value};
use std::sync::Arc;

/// The function with constant work moved out of its loops.
pub(crate) fn hoist(func: &Func) -> Func {
    let mut out = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let mut values: Vec<Value> = out.params().collect();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let mut inner = inst.clone();
        inner.attrs = inst.attrs.map_funcs(|body| Arc::new(hoist(body)));
        let results = match hoisted(&inner) {
            Some(Hoisted { attrs, before, consts }) => {
                // What is computed before does not look at the state.
                let made = inline(&mut out, &before, &args);
                let all = args[..consts].iter().copied().chain(made).chain(args[consts..].iter().copied());
                out.push(inner.prim, all.collect::<Vec<_>>(), attrs, types)
            }
            None => out.push(inner.prim, args, inner.attrs, types),
        };
        values.extend(results.map(Value::new));
    }
    out.set_results(func.results().iter().map(|result| values[result.index()]).collect());
    out
}

/// A loop with more constants.
struct Hoisted {
    attrs: Attrs,
    /// The new constants, in terms of the loop's operands.
    before: Func,
    /// Number of constants before.
    consts: usize,
}

fn hoisted(inst: &Inst) -> Option<Hoisted> {
    if !matches!(inst.prim.lower, Lower::Control(Control::Scan | Control::While)) {
        return None;
    }
    let (consts, body) = (inst.attrs.size("consts"), inst.attrs.func("body"));
    let constant = constant_work(body, consts);
    if constant.is_empty() {
        return None;
    }
    let mut before = Func::clone(body);
    before.set_results(constant.clone());
    let before = prune(&before);
    let types = before.result_types();
    let given = |func: &Func, constant: &[Value]| Arc::new(given(func, consts, constant, &types));
    let attrs = inst.attrs.iter().fold(Attrs::none(), |attrs, (name, attr)| match (name, attr) {
        ("body", _) => attrs.with(name, Attr::Func(given(body, &constant))),
        ("cond", Attr::Func(cond)) => attrs.with(name, Attr::Func(given(cond, &[]))),
        ("consts", _) => attrs.with_int(name, (consts + constant.len()) as i64),
        _ => attrs.with(name, attr.clone()),
    });
    Some(Hoisted { attrs, before, consts })
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

/// A function with new parameters of these types behind its first `consts`, which take the place of the values given.
fn given(func: &Func, consts: usize, replaced: &[Value], types: &[Type]) -> Func {
    let (first, rest) = func.param_types().split_at(consts);
    let mut out = Func::new(func.name.clone(), first.iter().chain(types).chain(rest).cloned());
    let params: Vec<Value> = out.params().collect();
    let (own, state) = params.split_at(consts + types.len());
    let (own, new) = own.split_at(consts);
    let mut values: Vec<Value> = [own, state].concat();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let made = out.push(inst.prim, args, inst.attrs.clone(), types).map(Value::new);
        let taken = |value: Value| replaced.iter().position(|&old| old == value).map(|place| new[place]);
        let results: Vec<Value> = inst.results().zip(made).map(|(old, made)| taken(old).unwrap_or(made)).collect();
        values.extend(results);
    }
    out.set_results(func.results().iter().map(|result| values[result.index()]).collect());
    prune(&out)
}
