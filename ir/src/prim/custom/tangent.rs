//! Functions with rules for their tangent.

use super::super::control::{call, check_params, check_results, unify_captures};
use super::super::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Prim, Transpose, Types, WithTangents,
};
use super::signatures::{Signature, checked_signatures, fitting, signatures, with_signatures};
use super::{
    RULE_REMEDY, Rule, apply_batched, at_inexact, batched, capture_count, check_captures, full_tangents, inexact,
    named, present, tangent_flags,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::Result;
use crate::func::Func;
use crate::trace::{Traced, replay, trace_closed};
use crate::transform::{raise, scatter, select};
use crate::types::Type;
use std::sync::Arc;

/// A function with its tangent rule.
pub static CUSTOM_JVP: Prim = Prim {
    name: "custom_jvp",
    doc: "The results of `func` on the operands, whose first `captures` have no tangent. Its results and tangents are \
          those of one of the `rules`, on the operands and those tangents of floating-point operands that the rule takes; \
          the others are zero. For each rule `signatures` has flags 0 and 1: the tangents it takes, then the tangents of \
          floating-point results it gives. The first rule takes all.",
    arity: Arity::AtLeast(0),
    attrs: &[
        ("func", AttrKind::Func),
        ("rules", AttrKind::Funcs),
        ("signatures", AttrKind::Ints),
        ("captures", AttrKind::Int),
    ],
    domain: Domain::Cases(cases),
    infer,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("func"), xs)),
    jvp: Jvp::Whole(by_rule),
    // Linear functions need no rule.
    transpose: Transpose::Rule(|args| call::transpose(&call::CALL, args)),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Custom),
};

/// Applies a function with rules for its tangent, the first of which takes all tangents. A rule takes the arguments, then
/// tangents of those that are floating point; it gives the results, then tangents of those that are.
#[track_caller]
pub fn custom_jvp_arrays(func: Traced, rules: Vec<Rule>, args: &[Array]) -> Vec<Array> {
    let count = func.func.results().len();
    let mut all = vec![func];
    let mut signatures = Vec::new();
    for Rule { func, takes, gives } in rules {
        all.push(func);
        signatures.push(Signature { takes, gives });
    }
    match unify_captures(all) {
        Ok((funcs, captures)) => {
            let attrs = attrs(funcs[0].clone(), funcs[1..].to_vec(), &signatures, captures.len());
            apply_many(&CUSTOM_JVP, &captures.iter().chain(args).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

fn attrs(func: Arc<Func>, rules: Vec<Arc<Func>>, signatures: &[Signature], captures: usize) -> Attrs {
    let attrs = Attrs::none().with("func", Attr::Func(func)).with("rules", Attr::Funcs(rules));
    with_signatures(attrs, signatures).with_int("captures", captures as i64)
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (func, rules) = (attrs.func("func"), attrs.funcs("rules"));
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let captures = capture_count("custom_jvp", attrs, types.len())?;
    let results = func.result_types();
    check_params("custom_jvp", "func", func, &named(types.clone(), "argument"))?;
    let (tangents, of_results) = (inexact(&types[captures..]), inexact(&results));
    let sizes = (tangents.len(), of_results.len());
    let signatures = checked_signatures("custom_jvp", attrs, rules.len(), rules.len(), sizes)?;
    for (rule, Signature { takes, gives }) in rules.iter().zip(signatures) {
        let due = named(types.iter().cloned().chain(select(&tangents, &takes)), "value");
        check_params("custom_jvp", "rule", rule, &due)?;
        let due = named(results.iter().cloned().chain(select(&of_results, &gives)), "result");
        check_results("custom_jvp", "rule", rule, &due, RULE_REMEDY)?;
    }
    Ok(results.into())
}

/// The signatures of the rules of a verified instruction on operands of the given types.
fn signatures_of(attrs: &Attrs, operands: &[Type]) -> Vec<Signature> {
    let tangents = inexact(&operands[attrs.size("captures")..]).len();
    let results = inexact(&attrs.func("func").result_types()).len();
    signatures(attrs, attrs.funcs("rules").len(), tangents, results)
}

fn by_rule(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let types = attrs.func("func").result_types();
    let captures = attrs.size("captures");
    let outcome = check_captures("custom_jvp", &tangents[..captures]).and_then(|()| {
        let operand_types = xs.iter().map(Array::ty).collect::<Result<Vec<Type>>>()?;
        let signatures = signatures_of(attrs, &operand_types);
        let present = present(xs, tangents, captures)?;
        let chosen = fitting(signatures.iter().map(|signature| signature.takes.clone()), &present);
        let Signature { takes, gives } = &signatures[chosen];
        let taken = select(&full_tangents(xs, tangents, captures)?, takes);
        let mut results = replay(&attrs.funcs("rules")[chosen], &[xs, &taken].concat());
        let given = results.split_off(types.len());
        Ok((results, at_inexact(&scatter(&given, gives), &types)))
    });
    outcome.unwrap_or_else(|error| (vec![raise(error); types.len()], vec![None; types.len()]))
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (func, captures) = (args.attrs.func("func"), args.attrs.size("captures"));
    let outcome = || {
        let operand_types = args.xs.iter().map(Array::ty).collect::<Result<Vec<Type>>>()?;
        let signatures = signatures_of(args.attrs, &operand_types);
        let tangents = tangent_flags(args, captures)?;
        let many = |(rule, signature): (&Arc<Func>, &Signature)| {
            let flags = [args.batched, &select(&tangents, &signature.takes)].concat();
            batched(rule, &flags, args.axis)
        };
        let rules = args.attrs.funcs("rules").iter().zip(&signatures).map(many).collect::<Result<Vec<_>>>()?;
        Ok(attrs(batched(func, args.batched, args.axis)?, rules, &signatures, captures))
    };
    apply_batched(args, outcome(), args.xs, func.results().len())
}

/// sin x y with its true derivatives, and with a rule of its own where y is not differentiated by.
fn cases() -> Vec<Case> {
    let types = [Type::new(DType::F64, &[3]), Type::new(DType::F64, &[3])];
    let value = |x: &[Array]| x[0].sin() * &x[1];
    let func = trace_closed("wave", types.clone(), |x| vec![value(x)]);
    let full = trace_closed("wave_rule", [&types[..], &types[..]].concat(), |x| {
        vec![value(x), x[0].cos() * &x[2] * &x[1] + x[0].sin() * &x[3]]
    });
    let first =
        trace_closed("wave_rule", [&types[..], &types[..1]].concat(), |x| vec![value(x), x[0].cos() * &x[2] * &x[1]]);
    let signature = |takes: [bool; 2]| Signature { takes: takes.to_vec(), gives: vec![true] };
    let all = func.and_then(|func| {
        let (func, full, first) = (Arc::new(func), Arc::new(full?), Arc::new(first?));
        let one = attrs(func.clone(), vec![full.clone()], &[signature([true, true])], 0);
        let two = attrs(func, vec![full, first], &[signature([true, true]), signature([true, false])], 0);
        Ok([one, two])
    });
    all.into_iter().flatten().map(|attrs| Case::new(types.clone(), attrs)).collect()
}
