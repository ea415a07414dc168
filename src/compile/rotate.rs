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
use crate::compile::fuse::SMALL;
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::transform::prune::prune;
use cotangent_ir::{Attr, Func, Inst, Type, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Loops with fewer iterations than this stay as they are: one sum in so many is computed for nobody.
const FEWEST_TRIPS: usize = 8;
/// Most instructions a sum that is moved may depend on.
const MOST_INSTRUCTIONS: usize = 40;

/// The function with its loops rotated where `better` says that a body is better than the one before.
pub(crate) fn rotate(func: &Func, better: &dyn Fn(&Func, &Func) -> bool) -> Func {
    let mut out = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let mut values: Vec<Value> = out.params().collect();
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        let attrs = inst.attrs.map_funcs(|body| Arc::new(rotate(body, better)));
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let mut inner = inst.clone();
        inner.attrs = attrs;
        let results = match rotated(&inner, better) {
            Some(Rotated { inst: turned, sums }) => {
                let extra = inline(&mut out, &sums, &args);
                let all = types.iter().cloned().chain(sums.result_types());
                out.push(turned.prim, args.into_iter().chain(extra), turned.attrs, all)
            }
            None => out.push(inner.prim, args, inner.attrs, types.iter().cloned()),
        };
        values.extend(results.take(types.len()).map(Value::new));
    }
    out.set_results(func.results().iter().map(|result| values[result.index()]).collect());
    out
}

/// A loop that carries sums.
struct Rotated {
    inst: Inst,
    /// The sums, of the constants and the state.
    sums: Func,
}

fn rotated(inst: &Inst, better: &dyn Fn(&Func, &Func) -> bool) -> Option<Rotated> {
    let Lower::Control(control @ (Control::Scan | Control::While)) = inst.prim.lower else { return None };
    if matches!(control, Control::Scan) && inst.attrs.size("length") < FEWEST_TRIPS {
        return None;
    }
    let (consts, body) = (inst.attrs.size("consts"), inst.attrs.func("body"));
    let begun = begun_with(body, consts);
    if begun.is_empty() {
        return None;
    }
    let mut sums = Func::clone(body);
    sums.set_results(begun.clone());
    let sums = prune(&sums);
    let turned = turned(body, consts, &begun, &sums);
    if !better(&turned, body) {
        return None;
    }
    let count = begun.len();
    let attrs = inst.attrs.iter().fold(cotangent_ir::Attrs::none(), |attrs, (name, attr)| match (name, attr) {
        ("body", _) => attrs.with(name, Attr::Func(Arc::new(turned.clone()))),
        ("cond", Attr::Func(cond)) => attrs.with(name, Attr::Func(Arc::new(ignoring(cond, &sums.result_types())))),
        ("carries", Attr::Int(carries)) => attrs.with_int(name, carries + count as i64),
        _ => attrs.with(name, attr.clone()),
    });
    let mut inst = inst.clone();
    inst.attrs = attrs;
    Some(Rotated { inst, sums })
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
    let types = body.param_types().iter().cloned().chain(sums.result_types());
    let mut out = Func::new(body.name.clone(), types);
    let params: Vec<Value> = out.params().collect();
    let (own, given) = params.split_at(body.params().len());
    let mut values = own.to_vec();
    for inst in body.insts() {
        let args: Vec<Value> = inst.args.iter().map(|arg| values[arg.index()]).collect();
        match begun.iter().position(|&sum| inst.results().any(|value| value == sum)) {
            Some(place) => values.push(given[place]),
            None => {
                let types: Vec<Type> = inst.results().map(|value| body.ty(value).clone()).collect();
                values.extend(out.push(inst.prim, args, inst.attrs.clone(), types).map(Value::new));
            }
        }
    }
    let mut results: Vec<Value> = body.results().iter().map(|result| values[result.index()]).collect();
    let operands: Vec<Value> = own[..consts].iter().chain(&results).copied().collect();
    results.extend(inline(&mut out, sums, &operands));
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
