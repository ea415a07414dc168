//! Removal of what no result depends on.
//!
//! Within control flow this reaches further than whole instructions: values a loop carries for nobody, stacked results
//! nobody reads, operands no branch uses. Values a loop carries unchanged become operands that every iteration sees.
//! Effects stay, whoever looks at their result. Parameters and results of the function itself stay.

use crate::attrs::{Attr, Attrs};
use crate::func::{Func, Inst, Value};
use crate::prim::{Control, Lower};
use crate::types::Type;
use std::sync::Arc;

/// The function without dead code, in itself and in the bodies of its control flow.
pub fn prune(func: &Func) -> Func {
    let params: Vec<usize> = (0..func.params().len()).collect();
    let results: Vec<usize> = (0..func.results().len()).collect();
    prune_to(func, &params, &results)
}

/// Whether an instruction does something besides computing its results.
pub(crate) fn has_effects(inst: &Inst) -> bool {
    match inst.prim.lower {
        Lower::Control(Control::Tap | Control::Host) => true,
        Lower::Control(_) => inst.attrs.iter().flat_map(|(_, attr)| attr.funcs()).any(|body| any_effects(body)),
        _ => false,
    }
}

/// Whether an instruction of a function, or of one it uses, passes a test.
pub(crate) fn any_inst(func: &Func, test: &impl Fn(&Inst) -> bool) -> bool {
    let within = |inst: &Inst| inst.attrs.iter().flat_map(|(_, attr)| attr.funcs()).any(|body| any_inst(body, test));
    func.insts().iter().any(|inst| test(inst) || within(inst))
}

/// Whether a function does something besides computing its results.
pub(crate) fn any_effects(func: &Func) -> bool {
    func.insts().iter().any(has_effects)
}

/// The function with the chosen parameters, which must include all that the chosen results and the effects depend on,
/// and the chosen results.
pub(crate) fn prune_to(func: &Func, params: &[usize], results: &[usize]) -> Func {
    let live = live_values(func, results);
    let mut pruned = Func::new(func.name.clone(), params.iter().map(|&param| func.param_types()[param].clone()));
    let mut values: Vec<Option<Value>> = vec![None; func.value_count()];
    for (&old, new) in params.iter().zip(pruned.params()) {
        values[old] = Some(new);
    }
    for inst in func.insts() {
        let used: Vec<bool> = live[inst.result_range()].to_vec();
        if !used.contains(&true) && !has_effects(inst) {
            continue;
        }
        let Slim { attrs, args, results, forwarded } = slim(inst, &used);
        let first = inst.result_range().start;
        for (result, operand) in forwarded {
            values[first + result] = values[inst.args[operand].index()];
        }
        if results.is_empty() && !has_effects(inst) {
            continue;
        }
        let args: Vec<Value> = args.iter().map(|&position| defined(&values, inst.args[position])).collect();
        let types: Vec<Type> = results.iter().map(|&result| func.ty(Value::new(first + result)).clone()).collect();
        let range = pruned.push(inst.prim, args, attrs, types);
        for (result, new) in results.into_iter().zip(range) {
            values[first + result] = Some(Value::new(new));
        }
    }
    pruned.set_results(results.iter().map(|&result| defined(&values, func.results()[result])).collect());
    pruned
}

/// For every value whether the chosen results or an effect depend on it.
fn live_values(func: &Func, results: &[usize]) -> Vec<bool> {
    let mut live = vec![false; func.value_count()];
    for &result in results {
        live[func.results()[result].index()] = true;
    }
    for inst in func.insts().iter().rev() {
        let used = live[inst.result_range()].to_vec();
        if used.contains(&true) || has_effects(inst) {
            for (value, needed) in inst.args.iter().zip(live_operands(inst, &used)) {
                live[value.index()] |= needed;
            }
        }
    }
    live
}

/// Which parameters the flagged results and the effects of a function depend on.
fn live_params(func: &Func, results: &[bool]) -> Vec<bool> {
    let mut live = live_values(func, &positions(results));
    live.truncate(func.params().len());
    live
}

/// Which operands the used results and the effects of an instruction depend on.
fn live_operands(inst: &Inst, used: &[bool]) -> Vec<bool> {
    match inst.prim.lower {
        Lower::Control(Control::While) => Loop::of_while(inst, used).operands,
        Lower::Control(Control::Scan) => Loop::of_scan(inst, used).operands,
        Lower::Control(Control::Switch) => {
            let live = live_in_branches(inst.attrs.funcs("branches"), used);
            std::iter::once(true).chain(live).collect()
        }
        Lower::Control(Control::Call) => live_params(inst.attrs.func("func"), used),
        _ => vec![true; inst.args.len()],
    }
}

fn live_in_branches(branches: &[Arc<Func>], used: &[bool]) -> Vec<bool> {
    let mut live = live_params(&branches[0], used);
    for branch in &branches[1..] {
        crate::transform::join(&mut live, &live_params(branch, used));
    }
    live
}

/// An instruction reduced to what is used of it.
struct Slim {
    attrs: Attrs,
    /// Positions of the operands it keeps.
    args: Vec<usize>,
    /// Positions of the results it keeps.
    results: Vec<usize>,
    /// Results that are an operand: (result, operand).
    forwarded: Vec<(usize, usize)>,
}

fn slim(inst: &Inst, used: &[bool]) -> Slim {
    match inst.prim.lower {
        Lower::Control(Control::While) => Loop::of_while(inst, used).slim(inst),
        Lower::Control(Control::Scan) => Loop::of_scan(inst, used).slim(inst),
        Lower::Control(Control::Switch) => {
            let branches = inst.attrs.funcs("branches");
            let operands = positions(&live_in_branches(branches, used));
            let results = positions(used);
            let attrs = inst.attrs.map_funcs(|branch| Arc::new(prune_to(branch, &operands, &results)));
            let args = std::iter::once(0).chain(operands.iter().map(|operand| operand + 1)).collect();
            Slim { attrs, args, results, forwarded: Vec::new() }
        }
        Lower::Control(Control::Call) => {
            let args = positions(&live_params(inst.attrs.func("func"), used));
            let results = positions(used);
            let attrs = inst.attrs.map_funcs(|callee| Arc::new(prune_to(callee, &args, &results)));
            Slim { attrs, args, results, forwarded: Vec::new() }
        }
        _ => Slim {
            attrs: inst.attrs.clone(),
            args: (0..inst.args.len()).collect(),
            results: (0..inst.results().len()).collect(),
            forwarded: Vec::new(),
        },
    }
}

/// What of a loop is needed. Operands are constants, then initial values of carries, then stacked inputs.
struct Loop {
    consts: usize,
    carries: usize,
    /// Operands that are needed. A carry is, if its final value is used, or an effect or a needed carry depends on it.
    operands: Vec<bool>,
    /// Results of the body that are needed.
    results: Vec<bool>,
}

impl Loop {
    fn of_while(inst: &Inst, used: &[bool]) -> Loop {
        let consts = inst.attrs.size("consts");
        let predicate = live_params(inst.attrs.func("cond"), &[true]);
        Loop::settle(inst.attrs.func("body"), consts, used.len(), used, predicate)
    }

    fn of_scan(inst: &Inst, used: &[bool]) -> Loop {
        let (consts, carries) = (inst.attrs.size("consts"), inst.attrs.size("carries"));
        Loop::settle(inst.attrs.func("body"), consts, carries, used, vec![false; inst.args.len()])
    }

    /// The least set of carries that is closed under what their next values depend on.
    fn settle(body: &Func, consts: usize, carries: usize, used: &[bool], needed: Vec<bool>) -> Loop {
        let (mut operands, mut results) = (needed, used.to_vec());
        loop {
            crate::transform::join(&mut operands, &live_params(body, &results));
            if !crate::transform::join(&mut results[..carries], &operands[consts..consts + carries]) {
                break;
            }
        }
        // A carry whose final value alone is used is needed as an operand too.
        crate::transform::join(&mut operands[consts..consts + carries], &results[..carries]);
        Loop { consts, carries, operands, results }
    }

    fn slim(self, inst: &Inst) -> Slim {
        let Loop { consts, carries, operands, results } = self;
        let body = inst.attrs.func("body");
        let unchanged = |carry: usize| body.results()[carry] == Value::new(consts + carry);
        let (fixed, varying): (Vec<usize>, Vec<usize>) =
            (0..carries).filter(|&k| results[k]).partition(|&k| unchanged(k));
        let carry_operand = |carry: &usize| consts + carry;
        let stacked_inputs = (consts + carries..operands.len()).filter(|&operand| operands[operand]);
        let fixed_operands: Vec<usize> =
            (0..consts).filter(|&operand| operands[operand]).chain(fixed.iter().map(carry_operand)).collect();
        let seen_by_predicate: Vec<usize> =
            fixed_operands.iter().copied().chain(varying.iter().map(carry_operand)).collect();
        let args: Vec<usize> = seen_by_predicate.iter().copied().chain(stacked_inputs).collect();
        let stacked_results = (carries..results.len()).filter(|&result| results[result]);
        let kept: Vec<usize> = varying.iter().copied().chain(stacked_results).collect();
        let slim_body = Attr::Func(Arc::new(prune_to(body, &args, &kept)));
        let attrs = inst.attrs.iter().fold(Attrs::none(), |attrs, (name, attr)| {
            let attr = match name {
                "consts" => Attr::Int(fixed_operands.len() as i64),
                "carries" => Attr::Int(varying.len() as i64),
                "body" => slim_body.clone(),
                "cond" => Attr::Func(Arc::new(prune_to(inst.attrs.func("cond"), &seen_by_predicate, &[0]))),
                _ => attr.clone(),
            };
            attrs.with(name, attr)
        });
        let forwarded = fixed.iter().map(|&carry| (carry, consts + carry)).collect();
        Slim { attrs, args, results: kept, forwarded }
    }
}

fn positions(flags: &[bool]) -> Vec<usize> {
    (0..flags.len()).filter(|&position| flags[position]).collect()
}

fn defined(values: &[Option<Value>], value: Value) -> Value {
    values[value.index()].unwrap_or_else(|| crate::error::internal(&format!("{value} is needed but was pruned")))
}
