//! Loops that are made to carry more: what an iteration needs and the iteration before can give.

use cotangent_ir::transform::prune::prune;
use cotangent_ir::{Attr, Attrs, Func, Inst, Type, Value};
use std::sync::Arc;

/// A loop that carries more than it did.
pub(super) struct Carrying {
    inst: Inst,
    /// What the first iteration is given, from the operands the loop had.
    first: Func,
}

/// The function with each loop replaced by what `more` makes of it, if anything; loops in its body first.
pub(super) fn rewrite_loops(func: &Func, more: &dyn Fn(&Inst) -> Option<Carrying>) -> Func {
    let mut out = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let mut values: Vec<Value> = out.params().collect();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let mut inner = inst.clone();
        inner.attrs = inst.attrs.map_funcs(|body| Arc::new(rewrite_loops(body, more)));
        let results = match more(&inner) {
            Some(Carrying { inst: loops, first }) => {
                let extra = inline(&mut out, &first, &args);
                let all = types.iter().cloned().chain(first.result_types());
                out.push(loops.prim, args.into_iter().chain(extra), loops.attrs, all)
            }
            None => out.push(inner.prim, args, inner.attrs, types.iter().cloned()),
        };
        values.extend(results.take(types.len()).map(Value::new));
    }
    out.set_results(func.results().iter().map(|result| values[result.index()]).collect());
    out
}

/// The loop with this body in place of its own, which takes and gives more state, first the results of `first`.
pub(super) fn carrying(inst: &Inst, body: Func, first: Func) -> Carrying {
    let types = first.result_types();
    let attrs = inst.attrs.iter().fold(Attrs::none(), |attrs, (name, attr)| match (name, attr) {
        ("body", _) => attrs.with(name, Attr::Func(Arc::new(body.clone()))),
        ("cond", Attr::Func(cond)) => attrs.with(name, Attr::Func(Arc::new(ignoring(cond, &types)))),
        ("carries", Attr::Int(carries)) => attrs.with_int(name, carries + types.len() as i64),
        _ => attrs.with(name, attr.clone()),
    });
    let mut inst = inst.clone();
    inst.attrs = attrs;
    Carrying { inst, first }
}

/// A body with new parameters of these types, behind its own, that take the place of the values `begun`, and with what
/// `ends` makes, from the values of the body in terms of the new one, as new results.
pub(super) fn given(
    body: &Func,
    begun: &[Value],
    types: &[Type],
    ends: impl FnOnce(&mut Func, &[Value]) -> Vec<Value>,
) -> Func {
    let mut out = Func::new(body.name.clone(), body.param_types().iter().chain(types).cloned());
    let params: Vec<Value> = out.params().collect();
    let (own, new) = params.split_at(body.params().len());
    let mut values = own.to_vec();
    for inst in body.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|value| body.ty(value).clone()).collect();
        let made = out.push(inst.prim, args, inst.attrs.clone(), types).map(Value::new);
        let taken = |value: Value| begun.iter().position(|&old| old == value).map(|place| new[place]);
        values.extend(inst.results().zip(made).map(|(old, made)| taken(old).unwrap_or(made)));
    }
    let mut results: Vec<Value> = body.results().iter().map(|result| values[result.index()]).collect();
    results.extend(ends(&mut out, &values));
    out.set_results(results);
    prune(&out)
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

/// A condition with more parameters, which it does not look at.
fn ignoring(cond: &Func, types: &[Type]) -> Func {
    let all = cond.param_types().iter().chain(types).cloned();
    let mut out = Func::new(cond.name.clone(), all);
    let args: Vec<Value> = out.params().take(cond.params().len()).collect();
    let results = inline(&mut out, cond, &args);
    out.set_results(results);
    out
}
