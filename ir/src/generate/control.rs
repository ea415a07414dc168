//! Steps with sub-functions: calls, conditionals and loops that run a few times.

use super::builder::Builder;
use super::{Known, MAX_SPREAD, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::{Func, Value};
use crate::scalar::Scalar;
use crate::types::Type;
use std::sync::Arc;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] = &[call, switch, scan, while_loop];

/// Bound of what a loop carries. Bodies scale down to it.
const CARRIED: f64 = 2.0;

/// Instructions of a sub-function.
const BODY: usize = 4;

/// A sub-function of given parameters. It returns a value for each type asked for, scaled down to the limit; each type
/// is that of a parameter, so that there is always one.
pub(super) fn sub_function(
    b: &mut Builder<'_>,
    name: &str,
    params: &[(Type, Known)],
    results: &[Type],
    limit: f64,
) -> Option<(Func, Vec<Known>)> {
    let mut inner = Builder::new(name, b.options, b.random);
    inner.depth = b.depth + 1;
    for (ty, known) in params {
        inner.param_known(ty.clone(), *known);
    }
    for _ in 0..BODY {
        inner.step();
    }
    let mut values: Vec<Value> = Vec::new();
    for ty in results {
        let last = (0..inner.func.value_count()).rev().map(Value::new).find(|&value| inner.func.ty(value) == ty)?;
        values.push(inner.moderate_to(last, limit)?);
    }
    let known = values.iter().map(|&value| inner.pick_of(value).known).collect();
    let mut func = inner.func;
    func.set_results(values);
    Some((func, known))
}

/// Some values as operands, the first of them not an integer that steers something.
pub(super) fn operands(b: &mut Builder<'_>, count: usize) -> Option<Vec<Pick>> {
    (0..count)
        .map(|_| {
            let picked = b.pick(|ty, known| known.bound < 1e6 && !ty.is_empty())?;
            let value = b.moderate(picked.value)?;
            Some(b.pick_of(value))
        })
        .collect()
}

pub(super) fn with_known(picks: &[Pick]) -> Vec<(Type, Known)> {
    picks.iter().map(|pick| (pick.ty.clone(), pick.known)).collect()
}

pub(super) fn values(picks: &[Pick]) -> Vec<Value> {
    picks.iter().map(|pick| pick.value).collect()
}

fn call(b: &mut Builder<'_>) -> Option<()> {
    let picks = operands(b, 2)?;
    let results = [picks[0].ty.clone(), picks[1].ty.clone()];
    let (func, known) = sub_function(b, "called", &with_known(&picks), &results, f64::INFINITY)?;
    b.apply_all("call", &values(&picks), Attrs::none().with("func", Attr::Func(Arc::new(func))), &known).map(drop)
}

fn switch(b: &mut Builder<'_>) -> Option<()> {
    let at_hand = b.pick(|ty, _| *ty == Type::scalar(DType::I32));
    let index = match at_hand {
        Some(index) if b.random.coin() => index.value,
        _ => {
            let arm = *b.random.pick(&[-1, 0, 1, 2, 5]);
            b.literal(Scalar::int(DType::I32, arm))?
        }
    };
    let picks = operands(b, 2)?;
    let result = [picks[0].ty.clone()];
    let mut branches = Vec::new();
    let mut worst = Known { bound: 0.0, spread: 0.0 };
    for _ in 0..1 + b.random.below(3) {
        let (func, known) = sub_function(b, "branch", &with_known(&picks), &result, f64::INFINITY)?;
        worst = Known { bound: worst.bound.max(known[0].bound), spread: worst.spread.max(known[0].spread) };
        branches.push(Arc::new(func));
    }
    let mut args = vec![index];
    args.extend(values(&picks));
    b.apply("switch", &args, Attrs::none().with("branches", Attr::Funcs(branches)), worst).map(drop)
}

/// What a loop starts from, scaled down to what its body returns.
fn carried(b: &mut Builder<'_>) -> Option<Pick> {
    let picked = b.pick(|ty, known| known.bound < 1e6 && !ty.is_empty() && !ty.dtype.is_unsigned_int())?;
    let value = b.moderate_to(picked.value, CARRIED)?;
    Some(b.pick_of(value))
}

/// What a body is told of a value it carries: it cannot know how far the rounding of earlier iterations has moved it, so
/// nothing that jumps may depend on it, unless it is an integer.
fn in_loop(pick: &Pick) -> (Type, Known) {
    let spread = if pick.ty.dtype.is_inexact() { pick.known.spread.max(1.0) } else { 0.0 };
    (pick.ty.clone(), Known { bound: CARRIED.max(pick.known.bound), spread })
}

/// What is known after some iterations, if the body amplifies as much in each.
fn after(trips: usize, before: Known, once: Known) -> Known {
    let amplification = (once.spread / before.spread.max(1.0)).max(1.0);
    let spread = once.spread * amplification.powi(trips.saturating_sub(1) as i32);
    Known { bound: once.bound.max(before.bound), spread: spread.min(2.0 * MAX_SPREAD) }
}

fn scan(b: &mut Builder<'_>) -> Option<()> {
    let constant = operands(b, 1)?.remove(0);
    let carry = carried(b)?;
    let stacked = b.pick(|ty, known| ty.rank() > 0 && ty.shape[0] <= 4 && known.bound < 1e6)?;
    let stacked = b.moderate(stacked.value)?;
    let stacked = b.pick_of(stacked);
    let length = stacked.ty.shape[0];
    let element = stacked.ty.with_shape(&stacked.ty.shape[1..]);
    let params = [in_loop(&constant), in_loop(&carry), (element.clone(), stacked.known)];
    // The carry, and an output of the type of an element of the operand.
    let (func, known) = sub_function(b, "body", &params, &[carry.ty.clone(), element], CARRIED)?;
    let attrs = Attrs::none()
        .with_int("length", length as i64)
        .with("reverse", Attr::Bool(b.random.coin()))
        .with_int("consts", 1)
        .with_int("carries", 1)
        .with("body", Attr::Func(Arc::new(func)));
    let known = known.into_iter().map(|once| after(length, params[1].1, once)).collect::<Vec<_>>();
    b.apply_all("scan", &[constant.value, carry.value, stacked.value], attrs, &known).map(drop)
}

fn while_loop(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        return None;
    }
    let constant = operands(b, 1)?.remove(0);
    let carry = carried(b)?;
    let counter = Type::scalar(DType::I32);
    let trips = b.random.below(4);
    let exact = Known { bound: 4.0, spread: 0.0 };
    let params = [in_loop(&constant), (counter.clone(), exact), in_loop(&carry)];
    let (mut body, known) = sub_function(b, "body", &params, std::slice::from_ref(&carry.ty), CARRIED)?;
    append_count(&mut body);
    let start = b.literal(Scalar::int(DType::I32, 0))?;
    let condition = condition(b, &params, trips)?;
    let attrs = Attrs::none()
        .with_int("consts", 1)
        .with("cond", Attr::Func(Arc::new(condition)))
        .with("body", Attr::Func(Arc::new(body)));
    let known = [exact, after(trips, params[2].1, known[0])];
    b.apply_all("while", &[constant.value, start, carry.value], attrs, &known).map(drop)
}

/// Makes a body of (constant, counter, carry) return the counter increased, before its result.
fn append_count(body: &mut Func) {
    let counter = Value::new(1);
    let ty = body.ty(counter).clone();
    let mut push = |name: &str, args: &[Value], attrs: Attrs| {
        let prim = crate::prim::by_name(name).unwrap_or_else(|| crate::error::internal(name));
        Value::new(body.push(prim, args.iter().copied(), attrs, [ty.clone()]).start)
    };
    let one = push("constant", &[], Attrs::none().with("value", Attr::Scalar(Scalar::one(DType::I32))));
    let next = push("add", &[counter, one], Attrs::none());
    let mut results = vec![next];
    results.extend_from_slice(body.results());
    body.set_results(results);
}

/// Whether the counter, the second parameter, is below a number.
fn condition(b: &mut Builder<'_>, params: &[(Type, Known)], trips: usize) -> Option<Func> {
    let mut inner = Builder::new("condition", b.options, b.random);
    for (ty, known) in params {
        inner.param_known(ty.clone(), *known);
    }
    let limit = inner.literal(Scalar::int(DType::I32, trips as i128))?;
    let below = inner.apply("lt", &[Value::new(1), limit], Attrs::none(), Known { bound: 1.0, spread: 0.0 })?;
    let mut func = inner.func;
    func.set_results(vec![below]);
    Some(func)
}
