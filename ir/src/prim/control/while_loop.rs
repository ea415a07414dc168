//! The loop whose number of iterations is found while running.

use super::{
    check_params, check_results, count, count_attr, fail_many, finish_jvp, grouped, types_of, unify_captures,
    with_tangents,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::Interpreter;
use crate::func::Func;
use crate::prim::host;
use crate::prim::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents, refuse,
};
use crate::tensor::Tensor;
use crate::trace::{replay, trace, trace_closed};
use crate::transform::reach::{Along, reach as reach_func};
use crate::transform::split::{Feed, Remainder, Separated, Split, split};
use crate::transform::{inverted, join, jvp, prune, raise, rearrange, refusal, scatter, vmap};
use crate::types::Type;
use std::sync::Arc;

/// A loop with a condition.
pub static WHILE: Prim = Prim {
    name: "while",
    doc: "Repeats `body` on the carried values as long as `cond` of them is true. The first `consts` operands are seen \
          by both and stay the same; the others are carried.",
    arity: Arity::AtLeast(0),
    attrs: &[("consts", AttrKind::Int), ("cond", AttrKind::Func), ("body", AttrKind::Func)],
    domain: Domain::Cases(cases),
    infer,
    eval: Eval::Control(eval),
    jvp: Jvp::Whole(jvp),
    transpose: Transpose::Rule(transpose),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::While),
};

/// Repeats `body` on carried values as long as `cond` of them is true; the last values. Both may capture arrays.
///
/// ```
/// use cotangent_ir::{Array, prim::control::while_arrays};
/// let doubled = while_arrays(&[Array::from(3.0f32)], |x| x[0].less(100.0), |x| vec![&x[0] * 2.0]);
/// assert_eq!(doubled[0].item().unwrap(), 192.0);
/// ```
#[track_caller]
pub fn while_arrays(
    init: &[Array],
    cond: impl FnOnce(&[Array]) -> Array,
    body: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Vec<Array> {
    let traced = || {
        let types = types_of(init)?;
        let cond = trace("cond", types.clone(), |carry| vec![cond(carry)])?;
        let body = trace("body", types, body)?;
        unify_captures(vec![cond, body])
    };
    match traced() {
        Ok((funcs, captures)) => {
            let [cond, body] =
                <[Arc<Func>; 2]>::try_from(funcs).unwrap_or_else(|_| crate::error::internal("two closures"));
            let operands: Vec<&Array> = captures.iter().chain(init).collect();
            apply_many(&WHILE, &operands, attrs(captures.len(), cond, body), init.len())
        }
        Err(error) => fail_many(error, init.len()),
    }
}

fn attrs(consts: usize, cond: Arc<Func>, body: Arc<Func>) -> Attrs {
    Attrs::none().with_int("consts", consts as i64).with("cond", Attr::Func(cond)).with("body", Attr::Func(body))
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let consts = count_attr("while", attrs, "consts", operands.len())?;
    let (cond, body) = (attrs.func("cond"), attrs.func("body"));
    let leaf = |(position, &ty): (usize, &&Type)| match position.checked_sub(consts) {
        None => (format!("constant {position}"), ty.clone()),
        Some(carry) => (format!("carried value {carry}"), ty.clone()),
    };
    let leaves: Vec<_> = operands.iter().enumerate().map(leaf).collect();
    check_params("while", "cond", cond, &leaves)?;
    check_params("while", "body", body, &leaves)?;
    match &cond.result_types()[..] {
        [predicate] if *predicate == Type::scalar(DType::Bool) => {}
        given => {
            let message = format!(
                "`cond` returns {given:?} where one bool[] is due; compare scalars, or reduce with `any` or `all`"
            );
            return refuse(ErrorKind::Structure, "while", message);
        }
    }
    let remedy =
        "a carried value keeps its type: convert or reshape the result of the body, or start from another value";
    check_results("while", "body", body, &leaves[consts..], remedy)?;
    if body.results().len() != operands.len() - consts {
        let message =
            format!("`body` returns {} values, {} are carried", body.results().len(), operands.len() - consts);
        return refuse(ErrorKind::Structure, "while", message);
    }
    Ok(operands[consts..].iter().map(|&ty| ty.clone()).collect())
}

fn eval(interpreter: &mut Interpreter<'_>, xs: &[Tensor], attrs: &Attrs) -> Result<Vec<Tensor>> {
    let consts = attrs.size("consts");
    let mut values = xs.to_vec();
    while interpreter.run(attrs.func("cond"), &values)?[0].get(0).as_bool() {
        let next = interpreter.run(attrs.func("body"), &values)?;
        values.splice(consts.., next);
    }
    Ok(values.split_off(consts))
}

/// Which carries depend on flagged operands, those initially flagged included.
fn carried(attrs: &Attrs, operands: &[bool], along: Along) -> Vec<bool> {
    let consts = attrs.size("consts");
    let mut flags = operands.to_vec();
    loop {
        let mut next = reach_func(attrs.func("body"), &flags, along);
        if along == Along::Values && reach_func(attrs.func("cond"), &flags, along)[0] {
            next.fill(true);
        }
        if !join(&mut flags[consts..], &next) {
            return flags.split_off(consts);
        }
    }
}

/// For every result whether it depends on a flagged operand.
pub(crate) fn reach(attrs: &Attrs, operands: &[bool], along: Along) -> Vec<bool> {
    carried(attrs, operands, along)
}

fn jvp(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let (consts, cond, body) = (attrs.size("consts"), attrs.func("cond"), attrs.func("body"));
    let carries = xs.len() - consts;
    let given: Vec<bool> = tangents.iter().map(Option::is_some).collect();
    let flags = [&given[..consts], &carried(attrs, &given, Along::Tangents)].concat();
    let outcome = || {
        let (forward, _) = jvp::jvp_forcing(body, &flags, &flags[consts..])?;
        let order = grouped(&[consts, carries], &flags);
        let results: Vec<usize> = (0..forward.results().len()).collect();
        let forward = rearrange(&forward, &order, &results);
        let carries_at = consts + count(&flags[..consts]);
        let cond = trace_closed(&cond.name, forward.param_types().iter().cloned(), |params| {
            replay(cond, &[&params[..consts], &params[carries_at..carries_at + carries]].concat())
        })?;
        let values = with_tangents(xs, tangents, &flags)?;
        let operands: Vec<&Array> = order.iter().map(|&position| &values[position]).collect();
        let attrs = self::attrs(carries_at, Arc::new(cond), Arc::new(forward));
        Ok(apply_many(&WHILE, &operands, attrs, results.len()))
    };
    finish_jvp(outcome(), &flags[consts..])
}

fn transpose(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let error = refusal(
        "while",
        "reverse-mode differentiation through `while_loop` is not possible, because it would have to store the values of \
         an unknown number of iterations; use `fori_loop` with a fixed count or `scan`, or forward mode (`jvp`, `jacfwd`)",
    );
    args.xs.iter().map(|x| x.is_linear().then(|| error.clone())).collect()
}

/// Takes apart a loop of which some operands are unknown: one loop over what is known, and the whole loop again for the
/// rest, since the known values of each iteration are as many as there are iterations.
pub(crate) fn separate(operands: &[Operand], attrs: &Attrs) -> Result<Separated> {
    let (consts, cond, body) = (attrs.size("consts"), attrs.func("cond"), attrs.func("body"));
    let given: Vec<bool> = operands.iter().map(Operand::is_linear).collect();
    let unknown = carried(attrs, &given, Along::Values);
    let results = (0..unknown.len()).map(|carry| unknown[carry].then_some(carry)).collect();
    let feed = |(position, operand): (usize, &Operand)| match operand {
        Operand::Known(array) => Feed::Known(array.clone()),
        Operand::Linear(_) => Feed::Operand(position),
    };
    let feeds = operands.iter().enumerate().map(feed).collect();
    let remainder = Remainder { prim: &WHILE, attrs: attrs.clone(), operands: feeds, results };

    let kept = inverted(&unknown);
    let flags = [&given[..consts], &unknown[..]].concat();
    let known = if kept.contains(&true) {
        let only_known = |func: &Func, results: usize, force: &[bool]| -> Result<Func> {
            let Split { mut known, .. } = split(func, &flags, force)?;
            known.set_results(known.results()[..results].to_vec());
            Ok(prune::prune(&known))
        };
        let kept_count = count(&kept);
        let body = only_known(body, kept_count, &unknown)?;
        let cond = only_known(cond, 1, &[false])?;
        let known_operands: Vec<&Array> = (0..operands.len())
            .filter(|&position| !flags[position])
            .map(|position| operands[position].known())
            .collect();
        let consts = known_operands.len() - kept_count;
        apply_many(&WHILE, &known_operands, self::attrs(consts, Arc::new(cond), Arc::new(body)), kept_count)
    } else {
        Vec::new()
    };
    Ok(Separated { known: scatter(&known, &kept), remainder: Some(remainder) })
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let count = args.xs.len() - args.attrs.size("consts");
    batch_loop(args).unwrap_or_else(|error| vec![(raise(error), true); count])
}

fn batch_loop(args: &BatchArgs<'_>) -> Result<Vec<(Array, bool)>> {
    let (consts, axis) = (args.attrs.size("consts"), args.axis);
    let (cond, body) = (args.attrs.func("cond"), args.attrs.func("body"));
    // Items that stop at different times differ in everything that is carried; reaching by values says so.
    let carried = carried(args.attrs, args.batched, Along::Values);
    let flags = [&args.batched[..consts], &carried].concat();
    let (many_body, _) = vmap::batch_forcing(body, &flags, axis, &carried)?;
    let (many_cond, predicate) = vmap::batch(cond, &flags, axis, false)?;
    if predicate[0] && (host::computes_in(cond) || host::computes_in(body)) {
        let message = "the loop calls the host (`host_call`), and would do so for items for which it has ended; do that \
                       outside of the loop, or loop over the items instead of `vmap`";
        return Err(Error::new(ErrorKind::Transform, "while", message));
    }
    let operand = |position: usize| match flags[position] {
        true => args.with_batch(position),
        false => args.xs[position].clone(),
    };
    let mut operands: Vec<Array> = (0..args.xs.len()).map(operand).collect();
    let results = if predicate[0] {
        // The predicates of all items are carried too, last, so that each is computed once an iteration.
        operands.extend(replay(&many_cond, &operands));
        let types = types_of(&operands)?;
        let cond = trace_closed(&cond.name, types.clone(), |params| vec![params[params.len() - 1].any()])?;
        let body = trace_closed(&body.name, types, |params| {
            let (running, params) = params.split_last().unwrap_or_else(|| crate::error::internal("no predicate"));
            let mut next = replay(&many_body, params);
            for (new, old) in next.iter_mut().zip(&params[consts..]) {
                *new = if let Ok(shape) = old.shape() {
                    running.broadcast_in_dim(&shape, &[0]).select(&*new, old)
                } else {
                    old.clone()
                };
            }
            let seen = [&params[..consts], &next].concat();
            next.extend(replay(&many_cond, &seen));
            next
        })?;
        let operands: Vec<&Array> = operands.iter().collect();
        let count = carried.len() + 1;
        let mut results = apply_many(&WHILE, &operands, attrs(consts, Arc::new(cond), Arc::new(body)), count);
        results.truncate(carried.len());
        results
    } else {
        let operands: Vec<&Array> = operands.iter().collect();
        apply_many(&WHILE, &operands, attrs(consts, Arc::new(many_cond), Arc::new(many_body)), carried.len())
    };
    Ok(results.into_iter().zip(carried).collect())
}

fn cases() -> Vec<Case> {
    let types = [Type::scalar(DType::F64), Type::scalar(DType::F64), Type::new(DType::F64, &[3])];
    let cond = trace_closed("cond", types.clone(), |x| vec![x[1].less(9.25)]);
    let body = trace_closed("body", types.clone(), |x| vec![&x[1] + 1.5, (&x[2] * &x[0]).sin()]);
    let case = |cond, body| Case::new(types, attrs(1, Arc::new(cond), Arc::new(body)));
    cond.and_then(|cond| Ok(case(cond, body?))).into_iter().collect()
}
