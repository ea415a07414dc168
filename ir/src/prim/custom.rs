//! Derivatives given by the user, and values without one.
//!
//! A function with a rule of its own is an instruction that holds both as functions: what it computes, and what stands in
//! for its derivative. The rules are traced where the function is applied, so they are data like everything else, and can
//! be differentiated and batched in turn. What is differentiated by must be an argument: operands that the closures
//! captured come first and have no tangent.
//!
//! Expansion of calls before differentiation leaves these instructions alone; [`resolve`](crate::transform::inline::resolve)
//! replaces them by what they compute once nothing is differentiated any more.

use super::control::{call, check_params, check_results, unify_captures};
use super::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Dtypes, Elements, Eval, Jvp, Lower, Operand, Prim, Transpose,
    TransposeArgs, Types, WithTangents,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::func::{Func, Inst};
use crate::operand::unary;
use crate::trace::{Traced, replay, trace_closed};
use crate::transform::jvp::push_forward;
use crate::transform::vmap::BatchAxis;
use crate::transform::{instantiate, raise, refusal, scatter, transpose, vmap};
use crate::types::Type;
use std::sync::Arc;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&CUSTOM_JVP, &CUSTOM_VJP, &CUSTOM_TANGENT, &STOP_GRADIENT];

/// A function with its tangent rule.
pub static CUSTOM_JVP: Prim = Prim {
    name: "custom_jvp",
    doc: "The results of `func` on the operands, whose first `captures` have no tangent. Its results and tangents are \
          those of `rule` on the operands and the tangents of the others that are floating point.",
    arity: Arity::AtLeast(0),
    attrs: &[("func", AttrKind::Func), ("rule", AttrKind::Func), ("captures", AttrKind::Int)],
    domain: Domain::Cases(jvp_cases),
    infer: infer_custom_jvp,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("func"), xs)),
    jvp: Jvp::Whole(by_tangent_rule),
    // Linear functions need no rule.
    transpose: Transpose::Rule(|args| call::transpose(&call::CALL, args)),
    batch: Batch::Rule(batch_custom_jvp),
    lower: Lower::Control(Control::Custom),
};

/// A function with a rule for reverse mode.
pub static CUSTOM_VJP: Prim = Prim {
    name: "custom_vjp",
    doc: "The results of `func` on the operands, whose first `captures` have no cotangent. Differentiated, it is `forward` \
          on the operands, which gives the same results and then residuals; `backward` takes the captures, the residuals \
          and the cotangents of the floating-point results to the cotangents of the other floating-point operands.",
    arity: Arity::AtLeast(0),
    attrs: &[
        ("func", AttrKind::Func),
        ("forward", AttrKind::Func),
        ("backward", AttrKind::Func),
        ("captures", AttrKind::Int),
    ],
    domain: Domain::Cases(vjp_cases),
    infer: infer_custom_vjp,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(attrs.func("func"), xs)),
    jvp: Jvp::Whole(by_cotangent_rule),
    // Linear functions need no rule.
    transpose: Transpose::Rule(|args| call::transpose(&call::CALL, args)),
    batch: Batch::Rule(batch_custom_vjp),
    lower: Lower::Control(Control::Custom),
};

/// The tangent of a function that has a rule for reverse mode only.
pub static CUSTOM_TANGENT: Prim = Prim {
    name: "custom_tangent",
    doc: "The linear function of the last operands whose transpose is `backward`; the first `known` operands are its \
          coefficients. It can be computed where `backward` is linear in its last parameters.",
    arity: Arity::AtLeast(1),
    attrs: &[("backward", AttrKind::Func), ("known", AttrKind::Int)],
    domain: Domain::Cases(tangent_cases),
    infer: infer_custom_tangent,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(&forward_of(attrs)?, xs)),
    jvp: Jvp::Whole(|prim, xs, tangents, attrs| match forward_of(attrs) {
        Ok(forward) => {
            let (_, tangents) = push_forward(&forward, xs, tangents);
            (apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), forward.results().len()), tangents)
        }
        Err(error) => (vec![raise(error); tangent_types(attrs).len()], vec![None; tangent_types(attrs).len()]),
    }),
    transpose: Transpose::Rule(pull_custom_tangent),
    batch: Batch::Rule(batch_custom_tangent),
    lower: Lower::Control(Control::Custom),
};

/// The operand, as if it were constant.
pub static STOP_GRADIENT: Prim = Prim {
    name: "stop_gradient",
    doc: "The operand itself, with tangent zero.",
    arity: Arity::Exactly(1),
    attrs: &[],
    // Where the tangent, which is zero, is the true one.
    domain: Domain::Elementwise(Elements::Real, Dtypes::Bits),
    infer: |xs, _| super::one(xs[0].clone()),
    eval: Eval::Elementwise(|xs| xs[0]),
    jvp: Jvp::Zero,
    transpose: Transpose::NotLinear,
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|_, xs, _, _| xs[0]),
};

impl Array {
    /// The array itself, taken as constant by differentiation.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from(2.0f32).stop_gradient().item().unwrap(), 2.0);
    /// ```
    #[track_caller]
    pub fn stop_gradient(&self) -> Array {
        unary(&STOP_GRADIENT, Dtypes::Any, self)
    }
}

/// Applies a function with a tangent rule. `rule` takes the arguments, then the tangents of those that are floating point;
/// it gives the results, then the tangents of those that are.
#[track_caller]
pub fn custom_jvp_arrays(func: Traced, rule: Traced, args: &[Array]) -> Vec<Array> {
    let count = func.func.results().len();
    match unify_captures(vec![func, rule]) {
        Ok((funcs, captures)) => {
            let attrs = Attrs::none()
                .with("func", Attr::Func(funcs[0].clone()))
                .with("rule", Attr::Func(funcs[1].clone()))
                .with_int("captures", captures.len() as i64);
            apply_many(&CUSTOM_JVP, &captures.iter().chain(args).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

/// Applies a function with a rule for reverse mode. `forward` takes the arguments to the results and the residuals,
/// `backward` takes the residuals and the cotangents of floating-point results to the cotangents of floating-point
/// arguments.
#[track_caller]
pub fn custom_vjp_arrays(func: Traced, forward: Traced, backward: Traced, args: &[Array]) -> Vec<Array> {
    let count = func.func.results().len();
    match unify_captures(vec![func, forward, backward]) {
        Ok((funcs, captures)) => {
            let attrs = Attrs::none()
                .with("func", Attr::Func(funcs[0].clone()))
                .with("forward", Attr::Func(funcs[1].clone()))
                .with("backward", Attr::Func(funcs[2].clone()))
                .with_int("captures", captures.len() as i64);
            apply_many(&CUSTOM_VJP, &captures.iter().chain(args).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

/// The function that an instruction with a custom rule computes.
pub(crate) fn computed(inst: &Inst) -> Result<Arc<Func>> {
    if inst.prim.name == CUSTOM_TANGENT.name {
        return forward_of(&inst.attrs).map(Arc::new);
    }
    let is_implicit = super::implicit::ALL.iter().any(|prim| prim.name == inst.prim.name);
    Ok(inst.attrs.func(if is_implicit { "solve" } else { "func" }).clone())
}

/// The types that are floating point or complex.
fn inexact(types: &[Type]) -> Vec<Type> {
    types.iter().filter(|ty| ty.dtype.is_inexact()).cloned().collect()
}

/// Names for the leaves of a signature.
fn named(types: impl IntoIterator<Item = Type>, what: &str) -> Vec<(String, Type)> {
    types.into_iter().enumerate().map(|(number, ty)| (format!("{what} {number}"), ty)).collect()
}

/// The number of operands without tangents, checked.
fn capture_count(operation: &str, attrs: &Attrs, operands: usize) -> Result<usize> {
    super::control::count_attr(operation, attrs, "captures", operands)
}

fn infer_custom_jvp(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (func, rule) = (attrs.func("func"), attrs.func("rule"));
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let captures = capture_count("custom_jvp", attrs, types.len())?;
    let results = func.result_types();
    check_params("custom_jvp", "func", func, &named(types.clone(), "argument"))?;
    let due = named(types.iter().cloned().chain(inexact(&types[captures..])), "value");
    check_params("custom_jvp", "rule", rule, &due)?;
    let due = named(results.iter().cloned().chain(inexact(&results)), "result");
    check_results("custom_jvp", "rule", rule, &due, RULE_REMEDY)?;
    Ok(results.into())
}

fn infer_custom_vjp(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (func, forward, backward) = (attrs.func("func"), attrs.func("forward"), attrs.func("backward"));
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let captures = capture_count("custom_vjp", attrs, types.len())?;
    let results = func.result_types();
    check_params("custom_vjp", "func", func, &named(types.clone(), "argument"))?;
    check_params("custom_vjp", "forward", forward, &named(types.clone(), "argument"))?;
    check_results("custom_vjp", "forward", forward, &named(results.clone(), "result"), RULE_REMEDY)?;
    let residuals = forward.result_types().split_off(results.len());
    let due = types[..captures].iter().cloned().chain(residuals).chain(inexact(&results));
    check_params("custom_vjp", "backward", backward, &named(due, "value"))?;
    let due = named(inexact(&types[captures..]), "the cotangent of argument");
    check_results("custom_vjp", "backward", backward, &due, RULE_REMEDY)?;
    Ok(results.into())
}

/// What to do about a rule whose results do not fit.
const RULE_REMEDY: &str = "return what the function returns, and tangents and cotangents of the types of their values";

fn infer_custom_tangent(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let backward = attrs.func("backward");
    let known = super::control::count_attr("custom_tangent", attrs, "known", operands.len())?;
    let cotangents = backward.param_types().get(known..).unwrap_or_default();
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let due = types[..known].iter().chain(cotangents).cloned();
    check_params("custom_tangent", "backward", backward, &named(due, "value"))?;
    check_results("custom_tangent", "backward", backward, &named(types[known..].to_vec(), "operand"), RULE_REMEDY)?;
    Ok(cotangents.into())
}

/// Types of the results of a `custom_tangent`.
fn tangent_types(attrs: &Attrs) -> Vec<Type> {
    attrs.func("backward").param_types()[attrs.size("known")..].to_vec()
}

/// The function that a `custom_tangent` computes: the transpose of what takes cotangents back.
fn forward_of(attrs: &Attrs) -> Result<Func> {
    let (backward, known) = (attrs.func("backward"), attrs.size("known"));
    let linear: Vec<bool> = (0..backward.params().len()).map(|position| position >= known).collect();
    transpose::transpose(backward, &linear).map_err(|error| {
        let message = format!(
            "a function with a `custom_vjp` rule has a forward derivative only if its backward rule is linear in the \
             cotangent ({}); use reverse mode (`grad`, `vjp`, `jacrev`), or give it a `custom_jvp` rule",
            error.message()
        );
        Error::new(ErrorKind::Transform, "custom_vjp", message)
    })
}

/// Refuses tangents of what the closures captured.
fn check_captures(operation: &str, tangents: &[Option<Array>]) -> Result<()> {
    if tangents.iter().all(Option::is_none) {
        return Ok(());
    }
    let message = "the function or its rule captured a value that is being differentiated; pass it as an argument, or \
                   take `stop_gradient()` of it";
    Err(Error::new(ErrorKind::Transform, operation, message))
}

/// The tangents of the operands after the captures that have one, zeros included.
fn full_tangents(xs: &[Array], tangents: &[Option<Array>], captures: usize) -> Result<Vec<Array>> {
    let mut full = Vec::new();
    for (x, tangent) in xs.iter().zip(tangents).skip(captures) {
        let ty = x.ty()?;
        if ty.dtype.is_inexact() {
            full.push(instantiate(tangent, &ty));
        }
    }
    Ok(full)
}

/// The given arrays where a type is inexact, `None` elsewhere.
fn at_inexact(arrays: &[Array], types: &[Type]) -> Vec<Option<Array>> {
    scatter(arrays, &types.iter().map(|ty| ty.dtype.is_inexact()).collect::<Vec<_>>())
}

fn by_tangent_rule(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let types = attrs.func("func").result_types();
    let captures = attrs.size("captures");
    let outcome = check_captures("custom_jvp", &tangents[..captures]).and_then(|()| {
        let operands = [xs.to_vec(), full_tangents(xs, tangents, captures)?].concat();
        let mut results = replay(attrs.func("rule"), &operands);
        let tangents = results.split_off(types.len());
        Ok((results, at_inexact(&tangents, &types)))
    });
    outcome.unwrap_or_else(|error| (vec![raise(error); types.len()], vec![None; types.len()]))
}

fn by_cotangent_rule(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let types = attrs.func("func").result_types();
    let captures = attrs.size("captures");
    let outcome = check_captures("custom_vjp", &tangents[..captures]).and_then(|()| {
        let mut results = replay(attrs.func("forward"), xs);
        let residuals = results.split_off(types.len());
        let known = captures + residuals.len();
        let operands = [xs[..captures].to_vec(), residuals, full_tangents(xs, tangents, captures)?].concat();
        let attrs =
            Attrs::none().with("backward", Attr::Func(attrs.func("backward").clone())).with_int("known", known as i64);
        let count = types.iter().filter(|ty| ty.dtype.is_inexact()).count();
        let tangents = apply_many(&CUSTOM_TANGENT, &operands.iter().collect::<Vec<_>>(), attrs, count);
        Ok((results, at_inexact(&tangents, &types)))
    });
    outcome.unwrap_or_else(|error| (vec![raise(error); types.len()], vec![None; types.len()]))
}

fn pull_custom_tangent(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let known = args.attrs.size("known");
    if args.xs[..known].iter().any(Operand::is_linear) {
        let message = "the coefficients of a custom derivative are not linear operands";
        return vec![Some(refusal("custom_vjp", message)); args.xs.len()];
    }
    let coefficients = args.xs[..known].iter().map(|x| x.known().clone());
    let cts = args.cts.iter().zip(args.results).map(|(ct, ty)| instantiate(ct, ty));
    let pulled = replay(args.attrs.func("backward"), &coefficients.chain(cts).collect::<Vec<_>>());
    let of_operands = args.xs[known..].iter().zip(pulled).map(|(x, ct)| x.is_linear().then_some(ct));
    std::iter::repeat_n(None, known).chain(of_operands).collect()
}

/// A function batched in the flagged parameters, with all results batched.
fn batched(func: &Func, flags: &[bool], axis: BatchAxis) -> Result<Arc<Func>> {
    vmap::batch(func, flags, axis, true).map(|(many, _)| Arc::new(many))
}

/// Applies a primitive all results of which are batched.
fn apply_batched(args: &BatchArgs<'_>, outcome: Result<Attrs>, operands: &[Array], count: usize) -> Vec<(Array, bool)> {
    let results = match outcome {
        Ok(attrs) => apply_many(args.prim, &operands.iter().collect::<Vec<_>>(), attrs, count),
        Err(error) => vec![raise(error); count],
    };
    results.into_iter().map(|array| (array, true)).collect()
}

/// The flags of the operands after the captures that have tangents.
fn tangent_flags(args: &BatchArgs<'_>, captures: usize) -> Result<Vec<bool>> {
    let mut flags = Vec::new();
    for (x, &flag) in args.xs.iter().zip(args.batched).skip(captures) {
        if x.dtype()?.is_inexact() {
            flags.push(flag);
        }
    }
    Ok(flags)
}

fn batch_custom_jvp(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (func, captures) = (args.attrs.func("func"), args.attrs.size("captures"));
    let attrs = tangent_flags(args, captures).and_then(|tangents| {
        let flags = [args.batched, &tangents].concat();
        Ok(Attrs::none()
            .with("func", Attr::Func(batched(func, args.batched, args.axis)?))
            .with("rule", Attr::Func(batched(args.attrs.func("rule"), &flags, args.axis)?))
            .with_int("captures", captures as i64))
    });
    apply_batched(args, attrs, args.xs, func.results().len())
}

fn batch_custom_vjp(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (func, forward, backward) = (args.attrs.func("func"), args.attrs.func("forward"), args.attrs.func("backward"));
    let captures = args.attrs.size("captures");
    let attrs = tangent_flags(args, captures).and_then(|tangents| {
        let mut flags = args.batched[..captures].to_vec();
        flags.resize(backward.params().len(), true);
        let many = batched(backward, &flags, args.axis)?;
        Ok(Attrs::none()
            .with("func", Attr::Func(batched(func, args.batched, args.axis)?))
            .with("forward", Attr::Func(batched(forward, args.batched, args.axis)?))
            .with("backward", Attr::Func(summed(&many, &tangents)?))
            .with_int("captures", captures as i64))
    });
    apply_batched(args, attrs, args.xs, func.results().len())
}

/// The batched function with the results that are not flagged summed over the batch: cotangents of what all items share.
fn summed(many: &Func, flags: &[bool]) -> Result<Arc<Func>> {
    let sum = trace_closed(&many.name, many.param_types().to_vec(), |params| {
        let results = replay(many, params);
        results.iter().zip(flags).map(|(ct, &flag)| if flag { ct.clone() } else { ct.sum_axes(&[0]) }).collect()
    });
    sum.map(Arc::new)
}

fn batch_custom_tangent(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (backward, known) = (args.attrs.func("backward"), args.attrs.size("known"));
    let mut flags = args.batched[..known].to_vec();
    flags.resize(backward.params().len(), true);
    let attrs = batched(backward, &flags, args.axis)
        .map(|many| Attrs::none().with("backward", Attr::Func(many)).with_int("known", known as i64));
    let operand = |i: usize| if i < known { args.xs[i].clone() } else { args.with_batch(i) };
    let operands: Vec<Array> = (0..args.xs.len()).map(operand).collect();
    apply_batched(args, attrs, &operands, backward.params().len() - known)
}

/// sin x y with its true derivatives.
fn jvp_cases() -> Vec<Case> {
    let types = [Type::new(DType::F64, &[3]), Type::new(DType::F64, &[3])];
    let func = trace_closed("wave", types.clone(), |x| vec![x[0].sin() * &x[1]]);
    let rule = trace_closed("wave_rule", [&types[..], &types[..]].concat(), |x| {
        vec![x[0].sin() * &x[1], x[0].cos() * &x[2] * &x[1] + x[0].sin() * &x[3]]
    });
    let attrs = |(func, rule): (Func, Func)| {
        Attrs::none()
            .with("func", Attr::Func(Arc::new(func)))
            .with("rule", Attr::Func(Arc::new(rule)))
            .with_int("captures", 0)
    };
    func.and_then(|func| Ok((func, rule?))).map(|both| Case::new(types, attrs(both))).into_iter().collect()
}

fn vjp_cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let types = [ty.clone(), ty.clone()];
    let func = trace_closed("wave", types.clone(), |x| vec![x[0].sin() * &x[1]]);
    let forward =
        trace_closed("wave_forward", types.clone(), |x| vec![x[0].sin() * &x[1], x[0].cos(), x[0].sin(), x[1].clone()]);
    let backward = trace_closed("wave_backward", vec![ty; 4], |x| vec![&x[0] * &x[2] * &x[3], &x[1] * &x[3]]);
    let attrs = |(func, forward, backward): (Func, Func, Func)| {
        Attrs::none()
            .with("func", Attr::Func(Arc::new(func)))
            .with("forward", Attr::Func(Arc::new(forward)))
            .with("backward", Attr::Func(Arc::new(backward)))
            .with_int("captures", 0)
    };
    func.and_then(|func| Ok((func, forward?, backward?))).map(|all| Case::new(types, attrs(all))).into_iter().collect()
}

fn tangent_cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let backward = trace_closed("scale_backward", vec![ty.clone(); 2], |x| vec![&x[0] * &x[1]]);
    let attrs = |backward| Attrs::none().with("backward", Attr::Func(Arc::new(backward))).with_int("known", 1);
    backward.map(|backward| Case::new(vec![ty; 2], attrs(backward))).into_iter().collect()
}
