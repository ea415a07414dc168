//! Forward mode: a function together with its tangent.
//!
//! Every instruction is followed by the instructions of its tangent. Tangents that are zero are not represented: a value
//! without a tangent is one on which the flagged parameters have no differentiable influence. Integers and bools never
//! have one.

use crate::array::{Array, apply_many};
use crate::attrs::Attrs;
use crate::error::Result;
use crate::func::Func;
use crate::prim::{Jvp, JvpArgs, Prim, WithTangents};
use crate::trace::trace_closed;
use crate::transform::{check_flags, instantiate, scatter, select};
use crate::types::Type;

/// The function that also computes tangents. Its parameters are those of `func`, then the tangents of the parameters
/// flagged in `nonzero`; its results are those of `func`, then the tangents of the results flagged in the answer. The
/// tangents of the others are zero.
///
/// # Errors
/// Flags that do not fit the parameters, or a flagged parameter that is an integer or bool.
pub fn jvp(func: &Func, nonzero: &[bool]) -> Result<(Func, Vec<bool>)> {
    jvp_forcing(func, nonzero, &vec![false; func.results().len()])
}

/// As [`jvp`], where the tangents of the results flagged in `force` are given even if they are zero.
pub(crate) fn jvp_forcing(func: &Func, nonzero: &[bool], force: &[bool]) -> Result<(Func, Vec<bool>)> {
    check_flags("jvp", func, nonzero, true)?;
    let primal_types = func.param_types();
    let types = primal_types.iter().cloned().chain(select(primal_types, nonzero));
    let mut flags = Vec::new();
    let forward = trace_closed(&format!("{}_jvp", func.name), types, |params| {
        let (primals, tangents) = params.split_at(primal_types.len());
        let (mut results, tangents) = push_forward(func, primals, &scatter(tangents, nonzero));
        for ((tangent, ty), &force) in tangents.iter().zip(func.result_types()).zip(force) {
            flags.push(tangent.is_some() || force);
            if tangent.is_some() || force {
                results.push(instantiate(tangent, &ty));
            }
        }
        results
    })?;
    Ok((forward, flags))
}

/// Replays a function on values with tangents, in the open trace.
pub(crate) fn push_forward(func: &Func, primals: &[Array], tangents: &[Option<Array>]) -> WithTangents {
    let mut values: Vec<(Array, Option<Array>)> = Vec::with_capacity(func.value_count());
    values.extend(primals.iter().cloned().zip(tangents.iter().cloned()));
    for inst in func.insts() {
        let operands = inst.args.iter().map(|value| values[value.index()].clone());
        let (xs, tangents): WithTangents = operands.unzip();
        let types: Vec<&Type> = inst.results().map(|value| func.ty(value)).collect();
        let (results, tangents) = forward_one(inst.prim, &xs, &tangents, &inst.attrs, &types);
        values.extend(results.into_iter().zip(tangents));
    }
    func.results().iter().map(|value| values[value.index()].clone()).unzip()
}

/// One primitive with its tangent.
fn forward_one(
    prim: &'static Prim,
    xs: &[Array],
    tangents: &[Option<Array>],
    attrs: &Attrs,
    types: &[&Type],
) -> WithTangents {
    let run = |operands: &[Array]| apply_many(prim, &operands.iter().collect::<Vec<_>>(), attrs.clone(), types.len());
    let differentiable = types.iter().any(|ty| ty.dtype.is_inexact());
    if !differentiable || tangents.iter().all(Option::is_none) {
        return (run(xs), vec![None; types.len()]);
    }
    let (results, mut tangents) = match prim.jvp {
        Jvp::Zero => (run(xs), vec![None; types.len()]),
        Jvp::Linear => {
            let tangents: Vec<Array> =
                tangents.iter().zip(xs).map(|(tangent, x)| tangent_or_zero(tangent, x)).collect();
            (run(xs), run(&tangents).into_iter().map(Some).collect())
        }
        Jvp::PerOperand(rules) => {
            let results = run(xs);
            let args = JvpArgs { xs, out: &results[0], attrs };
            let summands =
                rules.iter().zip(tangents).filter_map(|(rule, tangent)| Some(rule(&args, tangent.as_ref()?)));
            let sum = summands.reduce(|sum, summand| &sum + &summand);
            (results, vec![sum])
        }
        Jvp::Whole(rule) => rule(prim, xs, tangents, attrs),
    };
    for (tangent, ty) in tangents.iter_mut().zip(types) {
        if !ty.dtype.is_inexact() {
            *tangent = None;
        }
        check_tangent(prim, tangent.as_ref(), ty);
    }
    (results, tangents)
}

fn tangent_or_zero(tangent: &Option<Array>, primal: &Array) -> Array {
    match (tangent, primal.ty()) {
        (Some(tangent), _) => tangent.clone(),
        (None, Ok(ty)) => crate::transform::zeros(&ty),
        (None, Err(_)) => primal.clone(),
    }
}

fn check_tangent(prim: &Prim, tangent: Option<&Array>, ty: &Type) {
    if let Some(Ok(given)) = tangent.map(Array::ty)
        && given != *ty
    {
        crate::error::internal(&format!("the tangent of a {} result {ty} came out as {given}", prim.name));
    }
}
