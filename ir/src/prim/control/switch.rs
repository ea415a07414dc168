//! The choice between functions by a number.

use super::{Leaf, check_params, check_results, count, fail_many, finish_jvp, types_of, unify_captures, with_tangents};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::Interpreter;
use crate::func::{Func, Inst};
use crate::prim::host;
use crate::prim::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents, refuse,
};
use crate::tensor::Tensor;
use crate::trace::{replay, trace, trace_closed};
use crate::transform::prune::any_inst;
use crate::transform::reach::{Along, reach as reach_func};
use crate::transform::split::{Feed, Remainder, Separated, Split, split};
use crate::transform::{instantiate, inverted, join, jvp, raise, refusal, scatter, select, transpose, vmap, zeros};
use crate::types::Type;
use std::sync::Arc;

/// A branch of a choice: a closure from the operands to results.
pub type Branch<'a> = Box<dyn FnOnce(&[Array]) -> Vec<Array> + 'a>;

/// A choice.
pub static SWITCH: Prim = Prim {
    name: "switch",
    doc: "The results of the branch that the first operand, an i32 clamped into their range, chooses, on the others.",
    arity: Arity::AtLeast(1),
    attrs: &[("branches", AttrKind::Funcs)],
    domain: Domain::Cases(cases),
    infer,
    eval: Eval::Control(eval),
    jvp: Jvp::Whole(jvp),
    transpose: Transpose::Rule(transpose),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Switch),
};

/// The results of the branch with the number `index`, an integer scalar clamped into range, on `operands`. All branches
/// return values of the same types. The closures may capture arrays.
///
/// ```
/// use cotangent_ir::{Array, prim::control::switch_arrays};
/// let x = Array::from([1.0f32, 4.0]);
/// let results = switch_arrays(
///     &Array::from(1),
///     vec![Box::new(|x| vec![x[0].sin()]), Box::new(|x| vec![x[0].sqrt()])],
///     &[x],
/// );
/// assert_eq!(results[0].to_vec::<f32>().unwrap(), [1.0, 2.0]);
/// ```
#[track_caller]
pub fn switch_arrays(index: &Array, branches: Vec<Branch<'_>>, operands: &[Array]) -> Vec<Array> {
    let mut results = 1;
    let traced = || {
        let types = types_of(operands)?;
        let index = match index.ty()? {
            ty if ty.rank() == 0 && ty.dtype.is_int() => index.astype(DType::I32),
            ty => {
                return refuse(ErrorKind::Argument, "switch", format!("the index must be an integer scalar, not {ty}"));
            }
        };
        if branches.is_empty() {
            return refuse(ErrorKind::Argument, "switch", "there are no branches; give at least one");
        }
        let traced = branches
            .into_iter()
            .map(|branch| {
                trace("branch", types.clone(), |params| {
                    let outputs = branch(params);
                    results = outputs.len();
                    outputs
                })
            })
            .collect::<Result<_>>()?;
        Ok((index, unify_captures(traced)?))
    };
    match traced() {
        Ok((index, (funcs, captures))) => {
            let operands: Vec<&Array> = std::iter::once(&index).chain(&captures).chain(operands).collect();
            apply_many(&SWITCH, &operands, attrs(funcs), results)
        }
        Err(error) => fail_many(error, results),
    }
}

/// The results of `on_true` on `operands` where `pred`, a bool scalar, is true, otherwise those of `on_false`, which have
/// the same types. Only one of them is computed. The closures may capture arrays.
///
/// ```
/// use cotangent_ir::{Array, prim::control::cond_arrays};
/// let x = Array::from(-4.0f32);
/// let root = cond_arrays(&x.less(0.0), |x| vec![-&x[0]], |x| vec![x[0].sqrt()], &[x.clone()]);
/// assert_eq!(root[0].item().unwrap(), 4.0);
/// ```
#[track_caller]
pub fn cond_arrays<'a>(
    pred: &Array,
    on_true: impl FnOnce(&[Array]) -> Vec<Array> + 'a,
    on_false: impl FnOnce(&[Array]) -> Vec<Array> + 'a,
    operands: &[Array],
) -> Vec<Array> {
    let index = match pred.ty() {
        Ok(ty) if ty == Type::scalar(DType::Bool) => pred.astype(DType::I32),
        Ok(ty) => {
            let message =
                format!("the predicate must be a bool scalar, not {ty}; compare, or reduce with `any` or `all`");
            raise(Error::new(ErrorKind::Argument, "cond", message))
        }
        Err(_) => pred.clone(),
    };
    switch_arrays(&index, vec![Box::new(on_false), Box::new(on_true)], operands)
}

fn attrs(branches: Vec<Arc<Func>>) -> Attrs {
    Attrs::none().with("branches", Attr::Funcs(branches))
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let branches = attrs.funcs("branches");
    let Some(first) = branches.first() else {
        return refuse(ErrorKind::Argument, "switch", "there are no branches; give at least one");
    };
    if *operands[0] != Type::scalar(DType::I32) {
        let message = format!("the index must be i32[], not {}; convert it with `astype`", operands[0]);
        return refuse(ErrorKind::DType, "switch", message);
    }
    let leaves: Vec<Leaf> =
        operands[1..].iter().enumerate().map(|(k, &ty)| (format!("operand {k}"), ty.clone())).collect();
    let results = first.result_types();
    let due: Vec<Leaf> =
        results.iter().enumerate().map(|(k, ty)| (format!("result {k} of branch 0"), ty.clone())).collect();
    for (position, branch) in branches.iter().enumerate() {
        let role = format!("branch {position}");
        check_params("switch", &role, branch, &leaves)?;
        let remedy = "all branches return the same types: convert or reshape one of the results";
        check_results("switch", &role, branch, &due, remedy)?;
        if branch.results().len() != due.len() {
            let message = format!("`{role}` returns {} values, branch 0 returns {}", branch.results().len(), due.len());
            return refuse(ErrorKind::Structure, "switch", message);
        }
    }
    Ok(results.into())
}

fn eval(interpreter: &mut Interpreter<'_>, xs: &[Tensor], attrs: &Attrs) -> Result<Vec<Tensor>> {
    let branches = attrs.funcs("branches");
    let chosen = xs[0].get(0).as_i128().clamp(0, branches.len() as i128 - 1);
    interpreter.run(&branches[chosen as usize], &xs[1..])
}

/// For every result whether it depends on a flagged operand in some branch.
pub(crate) fn reach(attrs: &Attrs, operands: &[bool], along: Along) -> Vec<bool> {
    let branches = attrs.funcs("branches");
    let mut results = vec![operands[0] && along == Along::Values; branches[0].results().len()];
    for branch in branches {
        join(&mut results, &reach_func(branch, &operands[1..], along));
    }
    results
}

fn jvp(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let flags: Vec<bool> = tangents.iter().map(Option::is_some).collect();
    let nonzero = reach(attrs, &flags, Along::Tangents);
    let outcome = || {
        let branches = attrs.funcs("branches").iter();
        let forward = |branch: &Arc<Func>| Ok(Arc::new(jvp::jvp_forcing(branch, &flags[1..], &nonzero)?.0));
        let branches = branches.map(forward).collect::<Result<Vec<_>>>()?;
        let values = with_tangents(xs, tangents, &flags)?;
        let total = nonzero.len() + count(&nonzero);
        Ok(apply_many(&SWITCH, &values.iter().collect::<Vec<_>>(), self::attrs(branches), total))
    };
    finish_jvp(outcome(), &nonzero)
}

fn transpose(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let linear: Vec<bool> = args.xs.iter().map(Operand::is_linear).collect();
    let outcome = || {
        if linear[0] {
            crate::error::internal("an index is no linear operand");
        }
        let branches = args.attrs.funcs("branches").iter();
        let backward = |branch: &Arc<Func>| Ok(Arc::new(transpose::transpose(branch, &linear[1..])?));
        let branches = branches.map(backward).collect::<Result<Vec<_>>>()?;
        let known = args.xs.iter().filter(|x| !x.is_linear()).map(|x| x.known().clone());
        let cts = args.cts.iter().zip(args.results).map(|(ct, ty)| instantiate(ct, ty));
        let operands: Vec<Array> = known.chain(cts).collect();
        Ok(apply_many(&SWITCH, &operands.iter().collect::<Vec<_>>(), attrs(branches), count(&linear)))
    };
    let results = outcome().unwrap_or_else(|error| vec![raise(error); count(&linear)]);
    scatter(&results, &linear)
}

/// Takes apart a choice of which some operands are unknown: a choice of what is known, which also gives what the chosen
/// branch's other part needs to know, and a choice of the other parts.
///
/// Only one branch runs, so that branches share the slots in which residuals are passed, by type; a branch fills those it
/// does not use with zeros. Residuals that are operands are passed directly.
pub(crate) fn separate(operands: &[Operand], attrs: &Attrs) -> Result<Separated> {
    let flags: Vec<bool> = operands.iter().map(Operand::is_linear).collect();
    if flags[0] {
        return Err(Error::new(ErrorKind::Transform, "switch", "the index depends on what must not decide on it"));
    }
    let unknown = reach(attrs, &flags, Along::Values);
    let parts = attrs.funcs("branches").iter().map(|branch| split(branch, &flags[1..], &unknown));
    let parts: Vec<Split> = parts.collect::<Result<_>>()?;
    let known_operands: Vec<Array> =
        operands.iter().filter(|operand| !operand.is_linear()).map(|operand| operand.known().clone()).collect();
    let known_types = select(attrs.funcs("branches")[0].param_types(), &inverted(&flags[1..]));
    let known_results = count(&inverted(&unknown));

    let mut slots: Vec<Type> = Vec::new();
    let places: Vec<Vec<Place>> = parts.iter().map(|part| place_residuals(part, known_results, &mut slots)).collect();
    let known_branch = |(part, places): (&Split, &Vec<Place>)| {
        trace_closed("known", known_types.iter().cloned(), |params| {
            let results = replay(&part.known, params);
            let mut outputs = results[..known_results].to_vec();
            let residual = |slot: usize| places.iter().position(|&place| place == Place::Slot(slot));
            outputs.extend(slots.iter().enumerate().map(|(slot, ty)| match residual(slot) {
                Some(position) => results[known_results + position].clone(),
                None => zeros(ty),
            }));
            outputs
        })
        .map(Arc::new)
    };
    let known_branches = parts.iter().zip(&places).map(known_branch).collect::<Result<Vec<_>>>()?;
    let inputs: Vec<&Array> = known_operands.iter().collect();
    let mut known = apply_many(&SWITCH, &inputs, self::attrs(known_branches), known_results + slots.len());
    let filled = known.split_off(known_results);

    // The other choice takes all slots, the known operands and the unknown ones; pruning drops what no branch uses.
    let unknown_types = select(attrs.funcs("branches")[0].param_types(), &flags[1..]);
    let types: Vec<Type> = slots.iter().chain(&known_types).chain(&unknown_types).cloned().collect();
    let other_branch = |(part, places): (&Split, &Vec<Place>)| {
        trace_closed("linear", types.iter().cloned(), |params| {
            let residual = |place: &Place| match *place {
                Place::Slot(slot) => params[slot].clone(),
                Place::Operand(operand) => params[slots.len() + operand].clone(),
            };
            let unknown = params[slots.len() + known_types.len()..].iter().cloned();
            let args: Vec<Array> = places.iter().map(residual).chain(unknown).collect();
            replay(&part.linear, &args)
        })
        .map(Arc::new)
    };
    let branches = parts.iter().zip(&places).map(other_branch).collect::<Result<Vec<_>>>()?;
    let mut feeds = vec![Feed::Known(known_operands[0].clone())];
    feeds.extend(filled.into_iter().chain(known_operands.into_iter().skip(1)).map(Feed::Known));
    feeds.extend((0..operands.len()).filter(|&position| flags[position]).map(Feed::Operand));
    let results: Vec<Option<usize>> = (0..unknown.len()).filter(|&result| unknown[result]).map(Some).collect();
    let attrs = self::attrs(branches);
    let remainder = (!results.is_empty()).then(|| Remainder { prim: &SWITCH, attrs, operands: feeds, results });
    Ok(Separated { known: scatter(&known, &inverted(&unknown)), remainder })
}

/// How a residual of a branch is passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the slot of this number.
    Slot(usize),
    /// It is the known operand of this number.
    Operand(usize),
}

fn place_residuals(part: &Split, known_results: usize, slots: &mut Vec<Type>) -> Vec<Place> {
    let mut taken = vec![false; slots.len()];
    let mut place = |value: &crate::func::Value| {
        if part.known.is_param(*value) {
            return Place::Operand(value.index());
        }
        let ty = part.known.ty(*value);
        let free = (0..slots.len()).find(|&slot| !taken[slot] && slots[slot] == *ty);
        let slot = free.unwrap_or_else(|| {
            slots.push(ty.clone());
            taken.push(false);
            slots.len() - 1
        });
        taken[slot] = true;
        Place::Slot(slot)
    };
    part.known.results()[known_results..].iter().map(&mut place).collect()
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let results = args.attrs.funcs("branches")[0].results().len();
    let outcome = if args.batched[0] { batch_all(args) } else { batch_chosen(args) };
    outcome.unwrap_or_else(|error| vec![(raise(error), true); results])
}

/// One index for all items: the chosen branch runs on the whole batch.
fn batch_chosen(args: &BatchArgs<'_>) -> Result<Vec<(Array, bool)>> {
    let batched = reach(args.attrs, args.batched, Along::Values);
    let many =
        |branch: &Arc<Func>| Ok(Arc::new(vmap::batch_forcing(branch, &args.batched[1..], args.axis, &batched)?.0));
    let branches = args.attrs.funcs("branches").iter().map(many).collect::<Result<Vec<_>>>()?;
    let operands: Vec<&Array> = args.xs.iter().collect();
    let results = apply_many(&SWITCH, &operands, attrs(branches), batched.len());
    Ok(results.into_iter().zip(batched).collect())
}

/// An index per item: every branch runs on the whole batch, and each item's result is selected.
fn batch_all(args: &BatchArgs<'_>) -> Result<Vec<(Array, bool)>> {
    let branches = args.attrs.funcs("branches");
    let reports = |inst: &Inst| matches!(inst.prim.lower, Lower::Control(Control::Tap));
    if branches.iter().any(|branch| any_inst(branch, &reports) || host::computes_in(branch)) {
        let message = "a branch reports rows (`tap`) or calls the host (`host_call`), and with an index per item every \
                       branch would run; do that outside of the branch, or loop over the items instead of `vmap`";
        return Ok(vec![(refusal("switch", message), true); branches[0].results().len()]);
    }
    let mut chosen: Vec<Array> = Vec::new();
    for (position, branch) in branches.iter().enumerate() {
        let force = vec![true; branch.results().len()];
        let (many, _) = vmap::batch_forcing(branch, &args.batched[1..], args.axis, &force)?;
        let results = replay(&many, &args.xs[1..]);
        if position == 0 {
            chosen = results;
            continue;
        }
        // The last branch whose number does not exceed the index remains, which also clamps the index.
        let reached = args.xs[0].greater_equal(position as i32);
        for (chosen, result) in chosen.iter_mut().zip(results) {
            if let Ok(shape) = result.shape() {
                *chosen = reached.broadcast_in_dim(&shape, &[0]).select(result, &*chosen);
            }
        }
    }
    Ok(chosen.into_iter().map(|array| (array, true)).collect())
}

fn cases() -> Vec<Case> {
    let vector = Type::new(DType::F64, &[3]);
    let types = [vector.clone(), vector.clone()];
    let first = trace_closed("first", types.clone(), |x| vec![&x[0] * &x[1], x[1].sin()]);
    let second = trace_closed("second", types, |x| vec![x[0].square(), &x[0] - &x[1]]);
    let operands = [Type::scalar(DType::I32), vector.clone(), vector];
    let case = |first, second| Case::new(operands, attrs(vec![Arc::new(first), Arc::new(second)]));
    first.and_then(|first| Ok(case(first, second?))).into_iter().collect()
}
