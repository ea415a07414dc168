//! A smaller function that fails as a given one does.
//!
//! Failing functions are cut: results are left out or moved to earlier values, and values become parameters whose
//! arguments are the numbers they had. So every instruction left over still meets the operands it met, and what the
//! generator promises of them (that they are moderate, and where nothing is steep) still holds. The bodies of control flow
//! are cut, too: their results become earlier values of the same type.

use crate::eval::eval;
use crate::func::{Func, Inst, Value};
use crate::prim::{Control, Lower};
use crate::tensor::Tensor;
use crate::transform::prune::prune;
use crate::types::Type;
use std::sync::Arc;

/// A function with arguments for it.
pub type Call = (Func, Vec<Tensor>);

/// Cuts a call for which `fails` holds as long as it does. The answer fails, too, and no single cut of it does.
///
/// ```
/// use cotangent_ir::generate::{self, Options};
/// // "Fails" where something is added up.
/// let fails = |func: &cotangent_ir::Func| func.insts().iter().any(|inst| inst.prim.name == "reduce_sum");
/// let func = (0..).map(|seed| generate::function(seed, &Options::default())).find(fails).unwrap();
/// let args = generate::arguments(&func, 3);
/// let (small, args) = generate::shrink((func, args), |func, _| fails(func));
/// assert_eq!((small.insts().len(), args.len()), (1, 1));
/// ```
pub fn shrink(call: Call, mut fails: impl FnMut(&Func, &[Tensor]) -> bool) -> Call {
    let mut smallest = call;
    loop {
        let (func, args) = &smallest;
        let Some(numbers) = numbers(func, args) else { return smallest };
        let smaller = cuts(func)
            .into_iter()
            .map(|(results, at)| cut(func, results, at, &numbers))
            .chain(simpler(func).into_iter().map(|func| (func, args.clone())))
            .find(|call| size(&call.0) < size(func) && fails(&call.0, &call.1));
        match smaller {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// What cuts make smaller: instructions, those of bodies included, results, parameters.
fn size(func: &Func) -> (usize, usize, usize) {
    (instructions(func), func.results().len(), func.params().len())
}

fn instructions(func: &Func) -> usize {
    let bodies = func.insts().iter().flat_map(|inst| inst.attrs.iter()).flat_map(|(_, attr)| attr.funcs());
    func.insts().len() + bodies.map(|body| instructions(body)).sum::<usize>()
}

/// The bodies that may be cut: not those of `while`, which might never end then, and not functions with rules, which
/// must fit them.
fn bodies(inst: &Inst) -> Vec<&Arc<Func>> {
    match inst.prim.lower {
        Lower::Control(Control::Scan | Control::Switch | Control::Call | Control::Checkpoint) => {
            inst.attrs.iter().flat_map(|(_, attr)| attr.funcs()).collect()
        }
        _ => Vec::new(),
    }
}

/// The function without dead code, and with each result of each body replaced by an earlier value.
fn simpler(func: &Func) -> Vec<Func> {
    let mut all = vec![prune(func)];
    let bodies: Vec<&Arc<Func>> = func.insts().iter().flat_map(bodies).collect();
    for (number, body) in bodies.into_iter().enumerate() {
        all.extend(simpler_bodies(body).into_iter().map(|simpler| with_body(func, number, simpler)));
    }
    all
}

/// The function with one of its bodies replaced.
fn with_body(func: &Func, replaced: usize, by: Func) -> Func {
    let mut changed = Func::new(&func.name, func.param_types().to_vec());
    let (mut number, by) = (0, Arc::new(by));
    for inst in func.insts() {
        let attrs = match bodies(inst).is_empty() {
            true => inst.attrs.clone(),
            false => inst.attrs.map_funcs(|body| {
                number += 1;
                if number == replaced + 1 { by.clone() } else { body.clone() }
            }),
        };
        let types: Vec<Type> = inst.results().map(|result| func.ty(result).clone()).collect();
        changed.push(inst.prim, inst.args.iter().copied(), attrs, types);
    }
    changed.set_results(func.results().to_vec());
    changed
}

fn simpler_bodies(body: &Func) -> Vec<Func> {
    let mut all = simpler(body);
    for (position, &result) in body.results().iter().enumerate() {
        let earlier = (0..result.index()).map(Value::new).find(|&value| body.ty(value) == body.ty(result));
        if let Some(earlier) = earlier {
            let mut results = body.results().to_vec();
            results[position] = earlier;
            let mut changed = body.clone();
            changed.set_results(results);
            all.push(prune(&changed));
        }
    }
    all
}

/// The cuts to try, those that leave least first: other results, and a value that becomes a parameter.
fn cuts(func: &Func) -> Vec<(Vec<Value>, Option<Value>)> {
    let results = || func.results().to_vec();
    let computed: Vec<Value> = func.insts().iter().flat_map(Inst::results).collect();
    let unused_left_out = [(results(), None)];
    let other_results = func.params().chain(computed.iter().copied()).map(|value| (vec![value], None));
    let parameters = computed.iter().rev().map(|&value| (results(), Some(value)));
    unused_left_out.into_iter().chain(other_results).chain(parameters).collect()
}

/// The numbers of every value.
fn numbers(func: &Func, args: &[Tensor]) -> Option<Vec<Tensor>> {
    let mut all = func.clone();
    all.set_results((0..func.value_count()).map(Value::new).collect());
    let args: Vec<Arc<Tensor>> = args.iter().cloned().map(Arc::new).collect();
    eval(&all, &args).ok()
}

/// The function with other results, in which a value is a parameter, without what the results do not need.
fn cut(func: &Func, results: Vec<Value>, at: Option<Value>, numbers: &[Tensor]) -> Call {
    let mut needed = vec![false; func.value_count()];
    for result in &results {
        needed[result.index()] = true;
    }
    let kept: Vec<bool> = {
        let keeps = |inst: &Inst| {
            let keeps = inst.results().any(|result| needed[result.index()] && at != Some(result));
            if keeps {
                inst.args.iter().for_each(|arg| needed[arg.index()] = true);
            }
            keeps
        };
        let mut kept: Vec<bool> = func.insts().iter().rev().map(keeps).collect();
        kept.reverse();
        kept
    };
    let mut smaller = Func::new(&func.name, []);
    let mut renamed: Vec<Value> = vec![Value::new(0); func.value_count()];
    let mut args = Vec::new();
    for value in func.params().chain(at).filter(|value| needed[value.index()]) {
        renamed[value.index()] = smaller.push_param(func.ty(value).clone());
        args.push(numbers[value.index()].clone());
    }
    for (inst, _) in func.insts().iter().zip(kept).filter(|(_, kept)| *kept) {
        let operands: Vec<Value> = inst.args.iter().map(|arg| renamed[arg.index()]).collect();
        let types: Vec<Type> = inst.results().map(|result| func.ty(result).clone()).collect();
        let range = smaller.push(inst.prim, operands, inst.attrs.clone(), types);
        for (result, place) in inst.results().zip(range) {
            if at != Some(result) {
                renamed[result.index()] = Value::new(place);
            }
        }
    }
    smaller.set_results(results.iter().map(|result| renamed[result.index()]).collect());
    (smaller, args)
}
