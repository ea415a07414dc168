//! Loops that are given more than they had: constants, or state. What is new is computed before them, from the operands they
//! had.

use cotangent_ir::transform::prune::prune;
use cotangent_ir::{Attr, Attrs, Func, Inst, Type, Value};
use std::sync::Arc;

/// A loop that is given more.
pub(super) struct Extended {
    attrs: Attrs,
    /// What is new, from the operands the loop had.
    before: Func,
    /// The position of the new operands.
    at: usize,
    /// How many results the loop has more than it had: the last ones.
    results: usize,
}

/// The function with each loop replaced by what `more` makes of it, if anything; loops in its body first.
pub(super) fn extend_loops(func: &Func, more: &dyn Fn(&Inst) -> Option<Extended>) -> Func {
    let mut out = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let mut values: Vec<Value> = out.params().collect();
    for inst in func.insts() {
        let mut args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let mut types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let count = types.len();
        let mut inner = inst.clone();
        inner.attrs = inst.attrs.map_funcs(|body| Arc::new(extend_loops(body, more)));
        if let Some(Extended { attrs, before, at, results }) = more(&inner) {
            let made = inline(&mut out, &before, &args);
            args.splice(at..at, made);
            types.extend(before.result_types().into_iter().take(results));
            inner.attrs = attrs;
        }
        values.extend(out.push(inner.prim, args, inner.attrs, types).take(count).map(Value::new));
    }
    out.set_results(func.results().iter().map(|result| values[result.index()]).collect());
    out
}

/// The loop with the results of `before` as constants, behind those it had, in place of these values of its body.
pub(super) fn with_constants(inst: &Inst, replaced: &[Value], before: Func) -> Extended {
    let (consts, types) = (inst.attrs.size("consts"), before.result_types());
    let given = |func: &Func, replaced: &[Value]| Arc::new(given(func, consts, &types, replaced, |_, _| Vec::new()));
    let attrs = inst.attrs.iter().fold(Attrs::none(), |attrs, (name, attr)| match (name, attr) {
        ("body", Attr::Func(body)) => attrs.with(name, Attr::Func(given(body, replaced))),
        ("cond", Attr::Func(cond)) => attrs.with(name, Attr::Func(given(cond, &[]))),
        ("consts", _) => attrs.with_int(name, (consts + types.len()) as i64),
        _ => attrs.with(name, attr.clone()),
    });
    Extended { attrs, before, at: consts, results: 0 }
}

/// The loop with this body in place of its own, which takes and gives more state, behind the other: first the results of
/// `before`.
pub(super) fn with_state(inst: &Inst, body: Func, before: Func) -> Extended {
    let types = before.result_types();
    let ignoring = |cond: &Func| given(cond, cond.params().len(), &types, &[], |_, _| Vec::new());
    let body = Arc::new(body);
    let attrs = inst.attrs.iter().fold(Attrs::none(), |attrs, (name, attr)| match (name, attr) {
        ("body", _) => attrs.with(name, Attr::Func(body.clone())),
        ("cond", Attr::Func(cond)) => attrs.with(name, Attr::Func(Arc::new(ignoring(cond)))),
        ("carries", Attr::Int(carries)) => attrs.with_int(name, carries + types.len() as i64),
        _ => attrs.with(name, attr.clone()),
    });
    Extended { attrs, at: inst.args.len(), results: types.len(), before }
}

/// A function with new parameters of these types at a position, the first of which take the place of the values `replaced`,
/// and with what `ends` makes, from its values in terms of the new function, as new results.
pub(super) fn given(
    func: &Func,
    at: usize,
    types: &[Type],
    replaced: &[Value],
    ends: impl FnOnce(&mut Func, &[Value]) -> Vec<Value>,
) -> Func {
    let (first, rest) = func.param_types().split_at(at);
    let mut out = Func::new(func.name.clone(), first.iter().chain(types).chain(rest).cloned());
    let mut values: Vec<Value> = out.params().collect();
    let new: Vec<Value> = values.drain(at..at + types.len()).collect();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let made = out.push(inst.prim, args, inst.attrs.clone(), types).map(Value::new);
        let taken = |value: Value| replaced.iter().position(|&old| old == value).map(|place| new[place]);
        values.extend(inst.results().zip(made).map(|(old, made)| taken(old).unwrap_or(made)));
    }
    let mut results: Vec<Value> = func.results().iter().map(|result| values[result.index()]).collect();
    results.extend(ends(&mut out, &values));
    out.set_results(results);
    prune(&out)
}

/// What a function computes until these of its values, and nothing else.
pub(super) fn computing(func: &Func, values: Vec<Value>) -> Func {
    let mut part = Func::clone(func);
    part.set_results(values);
    prune(&part)
}

/// Appends a function's instructions to another; gives its results there.
pub(super) fn inline(out: &mut Func, func: &Func, args: &[Value]) -> Vec<Value> {
    let mut values = args.to_vec();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        values.extend(out.push(inst.prim, args, inst.attrs.clone(), types).map(Value::new));
    }
    func.results().iter().map(|result| values[result.index()]).collect()
}
