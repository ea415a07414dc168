//! Partial evaluation: a function divided into what is known beforehand and the rest.
//!
//! Given which parameters are unknown, [`split`] makes two functions. The *known* one computes, from the known parameters,
//! every result that does not depend on an unknown one, and the residuals. The *linear* one (its use here) computes the
//! other results from the residuals and the unknown parameters. Running the second after the first is running the
//! original.
//!
//! First [`separate`] takes control flow with operands of both sorts apart, so that every instruction is of one sort.
//! Then [`divide`] deals the instructions out. Which known values are residuals, and which are cheaper to compute again,
//! [`choose`] decides.

use crate::array::{Array, apply_many};
use crate::attrs::Attrs;
use crate::error::Result;
use crate::func::{Func, Inst, Value};
use crate::prim::{Control, Lower, Prim, checkpoint, control};
use crate::trace::trace_closed;
use crate::transform::join;
use crate::transform::reach::{Along, reach};
use crate::transform::residuals::{Choice, choose};
use crate::types::Type;

/// A function in two parts. See [`split`].
pub(crate) struct Split {
    /// The known parameters to the known results, then the residuals.
    pub(crate) known: Func,
    /// The residuals, then the unknown parameters, to the unknown results.
    pub(crate) linear: Func,
    /// Number of residuals.
    pub(crate) residuals: usize,
    /// Which results are unknown.
    pub(crate) unknown: Vec<bool>,
}

/// An operand of an instruction that is being taken apart: its value if it is known, or its type.
pub(crate) type Knowledge = crate::prim::Operand;

/// A control flow instruction taken apart.
pub(crate) struct Separated {
    /// For every result its value, if it is known; its instructions are in the open trace.
    pub(crate) known: Vec<Option<Array>>,
    /// What computes the other results, if there are any.
    pub(crate) remainder: Option<Remainder>,
}

/// The instruction that computes what depends on unknown operands.
pub(crate) struct Remainder {
    /// The primitive.
    pub(crate) prim: &'static Prim,
    /// Its attributes.
    pub(crate) attrs: Attrs,
    /// Its operands.
    pub(crate) operands: Vec<Feed>,
    /// For every result which result of the original instruction it is, if any.
    pub(crate) results: Vec<Option<usize>>,
}

/// An operand of a [`Remainder`].
#[derive(Clone)]
pub(crate) enum Feed {
    /// A known value.
    Known(Array),
    /// The operand of the original instruction at this position.
    Operand(usize),
}

/// Divides a function. Results flagged in `force` are computed by the linear part even if they are known.
pub(crate) fn split(func: &Func, unknown: &[bool], force: &[bool]) -> Result<Split> {
    let dependent = reach(func, unknown, Along::Values);
    let unknown_results: Vec<bool> =
        dependent.iter().zip(force).map(|(&dependent, &force)| dependent || force).collect();
    if needs_separation(func, unknown) {
        Ok(divide(&separate(func, unknown)?, unknown, unknown_results))
    } else {
        Ok(divide(func, unknown, unknown_results))
    }
}

/// For every value of a function without mixed control flow whether it depends on an unknown parameter.
fn unknown_values(func: &Func, unknown: &[bool]) -> Vec<bool> {
    let mut flags = unknown.to_vec();
    flags.resize(func.value_count(), false);
    for inst in func.insts() {
        if inst.args.iter().any(|value| flags[value.index()]) {
            flags[inst.result_range()].fill(true);
        }
    }
    flags
}

/// Whether some control flow has an unknown operand. Even if all operands are unknown its body may compute known values.
fn needs_separation(func: &Func, unknown: &[bool]) -> bool {
    let flags = unknown_values(func, unknown);
    let comes_apart = |inst: &Inst| match inst.prim.lower {
        Lower::Control(kind) => !is_one_piece(kind),
        _ => false,
    };
    func.insts().iter().any(|inst| comes_apart(inst) && inst.args.iter().any(|value| flags[value.index()]))
}

/// Whether nothing of an instruction can be known if an operand is not.
fn is_one_piece(kind: Control) -> bool {
    matches!(kind, Control::Custom | Control::Tap | Control::Host)
}

/// The function with every control flow instruction either known or, with all results, unknown.
fn separate(func: &Func, unknown: &[bool]) -> Result<Func> {
    trace_closed(&func.name, func.param_types().iter().cloned(), |params| {
        replay_separated(func, params, unknown).into_iter().map(|(array, _)| array).collect()
    })
}

/// Replays a function, taking control flow apart on the way; results come with whether they are unknown.
fn replay_separated(func: &Func, params: &[Array], unknown: &[bool]) -> Vec<(Array, bool)> {
    let mut values: Vec<(Array, bool)> = Vec::with_capacity(func.value_count());
    values.extend(params.iter().cloned().zip(unknown.iter().copied()));
    for inst in func.insts() {
        let (operands, flags): (Vec<Array>, Vec<bool>) =
            inst.args.iter().map(|value| values[value.index()].clone()).unzip();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let results = match inst.prim.lower {
            Lower::Control(Control::Call) if flags.contains(&true) => {
                replay_separated(inst.attrs.func("func"), &operands, &flags)
            }
            Lower::Control(kind) if !is_one_piece(kind) && flags.contains(&true) => {
                let knowledge = knowledge(&operands, &flags);
                let separated = separate_control(kind, inst.prim, &knowledge, &inst.attrs);
                reunite(separated, &operands, types.len())
            }
            _ => {
                let unknown = flags.contains(&true);
                let operands: Vec<&Array> = operands.iter().collect();
                let results = apply_many(inst.prim, &operands, inst.attrs.clone(), types.len());
                results.into_iter().map(|array| (array, unknown)).collect()
            }
        };
        values.extend(results);
    }
    func.results().iter().map(|value| values[value.index()].clone()).collect()
}

fn knowledge(operands: &[Array], unknown: &[bool]) -> Vec<Knowledge> {
    let describe = |(array, &unknown): (&Array, &bool)| match array.ty() {
        Ok(ty) if unknown => Knowledge::Linear(ty),
        _ => Knowledge::Known(array.clone()),
    };
    operands.iter().zip(unknown).map(describe).collect()
}

/// Takes one control flow instruction apart; the known part is emitted into the open trace.
pub(crate) fn separate_control(
    kind: Control,
    prim: &'static Prim,
    operands: &[Knowledge],
    attrs: &Attrs,
) -> Result<Separated> {
    match kind {
        Control::While => control::while_loop::separate(operands, attrs),
        Control::Scan => control::scan::separate(operands, attrs),
        Control::Switch => control::switch::separate(operands, attrs),
        Control::Checkpoint => checkpoint::separate(operands, attrs),
        Control::Call | Control::Custom | Control::Tap | Control::Host => {
            crate::error::internal(&format!("{} has nothing to take apart", prim.name));
        }
    }
}

/// Emits the remainder of an instruction; all results, with whether they are unknown.
fn reunite(separated: Result<Separated>, operands: &[Array], count: usize) -> Vec<(Array, bool)> {
    let Separated { known, remainder } = match separated {
        Ok(separated) => separated,
        Err(error) => return vec![(crate::transform::raise(error), true); count],
    };
    let mut results: Vec<Option<(Array, bool)>> =
        known.into_iter().map(|array| array.map(|array| (array, false))).collect();
    if let Some(Remainder { prim, attrs, operands: feeds, results: places }) = remainder {
        let feed = |feed: &Feed| match feed {
            Feed::Known(array) => array.clone(),
            Feed::Operand(position) => operands[*position].clone(),
        };
        let feeds: Vec<Array> = feeds.iter().map(feed).collect();
        let arrays = apply_many(prim, &feeds.iter().collect::<Vec<_>>(), attrs, places.len());
        for (array, place) in arrays.into_iter().zip(places) {
            if let Some(place) = place {
                results[place] = Some((array, true));
            }
        }
    }
    let missing = || crate::error::internal("a result of control flow was lost while taking it apart");
    results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
}

/// Deals the instructions of a function without mixed control flow out to the two parts.
fn divide(func: &Func, unknown_params: &[bool], unknown_results: Vec<bool>) -> Split {
    let unknown = unknown_values(func, unknown_params);
    // Backwards: which of what it must compute the linear part needs, and which known values for that.
    let mut needed = vec![false; func.value_count()];
    for (value, _) in func.results().iter().zip(&unknown_results).filter(|(_, unknown)| **unknown) {
        needed[value.index()] = true;
    }
    let mut in_linear = vec![false; func.insts().len()];
    for (position, inst) in func.insts().iter().enumerate().rev() {
        let is_unknown = inst.args.iter().any(|value| unknown[value.index()]);
        if is_unknown && needed[inst.result_range()].contains(&true) {
            in_linear[position] = true;
            inst.args.iter().for_each(|value| needed[value.index()] = true);
        }
    }
    needed.iter_mut().zip(&unknown).for_each(|(needed, unknown)| *needed &= !unknown);
    let Choice { kept, repeated } = choose(func, &unknown, &needed);
    join(&mut in_linear, &repeated);
    let residuals: Vec<Value> = (0..func.value_count()).filter(|&index| kept[index]).map(Value::new).collect();

    let params_where = |flag: bool| func.params().filter(move |value| unknown_params[value.index()] == flag);
    let results_where = |flag: bool| {
        func.results()
            .iter()
            .zip(&unknown_results)
            .filter(move |(_, unknown)| **unknown == flag)
            .map(|(value, _)| *value)
    };
    let known_params: Vec<Value> = params_where(false).collect();
    let known_results: Vec<Value> = results_where(false).chain(residuals.iter().copied()).collect();
    let is_known = |_: usize, inst: &Inst| inst.args.iter().all(|value| !unknown[value.index()]);
    let known = extract(func, &known_params, is_known, &known_results);
    let linear_params: Vec<Value> = residuals.iter().copied().chain(params_where(true)).collect();
    let linear_results: Vec<Value> = results_where(true).collect();
    let linear = extract(func, &linear_params, |position, _| in_linear[position], &linear_results);
    Split { known, linear, residuals: residuals.len(), unknown: unknown_results }
}

/// The part of a function between the given values: the instructions that `keep` accepts, with `params` as parameters.
fn extract(func: &Func, params: &[Value], keep: impl Fn(usize, &Inst) -> bool, results: &[Value]) -> Func {
    let mut part = Func::new(func.name.clone(), params.iter().map(|&value| func.ty(value).clone()));
    let mut renumbered: Vec<Option<Value>> = vec![None; func.value_count()];
    for (value, param) in params.iter().zip(part.params()) {
        renumbered[value.index()] = Some(param);
    }
    let find = |renumbered: &[Option<Value>], value: Value| {
        renumbered[value.index()].unwrap_or_else(|| crate::error::internal(&format!("{value} is in the other part")))
    };
    for (_, inst) in func.insts().iter().enumerate().filter(|(position, inst)| keep(*position, inst)) {
        let args: Vec<Value> = inst.args.iter().map(|&value| find(&renumbered, value)).collect();
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        let range = part.push(inst.prim, args, inst.attrs.clone(), types);
        for (value, index) in inst.results().zip(range) {
            renumbered[value.index()] = Some(Value::new(index));
        }
    }
    part.set_results(results.iter().map(|&value| find(&renumbered, value)).collect());
    part
}
