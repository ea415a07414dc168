//! Functions with rules for reverse mode.

use super::super::control::{call, check_params, check_results, unify_captures};
use super::super::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Operand, Prim, Transpose, TransposeArgs, Types,
    WithTangents,
};
use super::signatures::{Signature, checked_signatures, fitting, signatures, with_signatures};
use super::{
    RULE_REMEDY, ReverseRule, apply_batched, batched, capture_count, check_captures, full_tangents, inexact, named,
    present, tangent_flags,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::func::Func;
use crate::trace::{Traced, replay, trace_closed};
use crate::transform::jvp::push_forward;
use crate::transform::{instantiate, raise, refusal, scatter, select, transpose};
use crate::types::Type;
use std::sync::Arc;

/// A function with a rule for reverse mode.
pub static CUSTOM_VJP: Prim = Prim {
    name: "custom_vjp",
    doc: "The results of `func` on the operands, whose first `captures` have no cotangent. Differentiated, it is one of \
          the `forwards` on the operands, which gives the same results and then residuals; one of the `backwards` that \
          belong to it, equally many to each, takes the captures, the residuals and cotangents of floating-point results \
          to cotangents of the other floating-point operands. For each forward rule `perturbed` has a flag 0 or 1 for each \
          of these: whether it is differentiated by; for the first rule, all are. For each backward rule `signatures` has \
          flags: the cotangents it takes, then those it gives; the others are zero. The first of each forward rule takes \
          and gives all.",
    arity: Arity::AtLeast(0),
    attrs: &[
        ("func", AttrKind::Func),
        ("forwards", AttrKind::Funcs),
        ("backwards", AttrKind::Funcs),
        ("perturbed", AttrKind::Ints),
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

/// The tangent of a function that has a rule for reverse mode only.
pub static CUSTOM_TANGENT: Prim = Prim {
    name: "custom_tangent",
    doc: "The linear function of the last operands whose transpose is given by `backwards`; the first `known` operands are \
          its coefficients. For each of these rules `signatures` has flags 0 and 1: the cotangents it takes, then those it \
          gives; the others are zero. The first takes and gives all; the function can be computed where it is linear.",
    arity: Arity::AtLeast(1),
    attrs: &[("backwards", AttrKind::Funcs), ("signatures", AttrKind::Ints), ("known", AttrKind::Int)],
    domain: Domain::Cases(tangent_cases),
    infer: infer_tangent,
    eval: Eval::Control(|interpreter, xs, attrs| interpreter.run(&forward_of(attrs)?, xs)),
    jvp: Jvp::Whole(|prim, xs, tangents, attrs| match forward_of(attrs) {
        Ok(forward) => {
            let (_, tangents) = push_forward(&forward, xs, tangents);
            (apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), forward.results().len()), tangents)
        }
        Err(error) => (vec![raise(error); tangent_types(attrs).len()], vec![None; tangent_types(attrs).len()]),
    }),
    transpose: Transpose::Rule(pull),
    batch: Batch::Rule(batch_tangent),
    lower: Lower::Control(Control::Custom),
};

/// Applies a function with rules for reverse mode, the first of which is for all arguments.
#[track_caller]
pub fn custom_vjp_arrays(func: Traced, rules: Vec<ReverseRule>, args: &[Array]) -> Vec<Array> {
    let count = func.func.results().len();
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let (mut perturbed, mut signatures) = (Vec::new(), Vec::new());
    for rule in rules {
        perturbed.push(rule.perturbed);
        forwards.push(rule.forward);
        for backward in rule.backwards {
            signatures.push(Signature { takes: backward.takes, gives: backward.gives });
            backwards.push(backward.func);
        }
    }
    let first_backward = 1 + forwards.len();
    let all = std::iter::once(func).chain(forwards).chain(backwards).collect();
    match unify_captures(all) {
        Ok((funcs, captures)) => {
            let (forwards, backwards) = (funcs[1..first_backward].to_vec(), funcs[first_backward..].to_vec());
            let attrs = attrs(funcs[0].clone(), forwards, backwards, &perturbed, &signatures, captures.len());
            apply_many(&CUSTOM_VJP, &captures.iter().chain(args).collect::<Vec<_>>(), attrs, count)
        }
        Err(error) => vec![raise(error); count],
    }
}

fn attrs(
    func: Arc<Func>,
    forwards: Vec<Arc<Func>>,
    backwards: Vec<Arc<Func>>,
    perturbed: &[Vec<bool>],
    signatures: &[Signature],
    captures: usize,
) -> Attrs {
    let attrs = Attrs::none()
        .with("func", Attr::Func(func))
        .with("forwards", Attr::Funcs(forwards))
        .with("backwards", Attr::Funcs(backwards))
        .with_ints("perturbed", perturbed.iter().flatten().map(|&flag| i64::from(flag)));
    with_signatures(attrs, signatures).with_int("captures", captures as i64)
}

fn tangent_attrs(backwards: Vec<Arc<Func>>, signatures: &[Signature], known: usize) -> Attrs {
    with_signatures(Attrs::none().with("backwards", Attr::Funcs(backwards)), signatures).with_int("known", known as i64)
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let (func, forwards, backwards) = (attrs.func("func"), attrs.funcs("forwards"), attrs.funcs("backwards"));
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let captures = capture_count("custom_vjp", attrs, types.len())?;
    let results = func.result_types();
    check_params("custom_vjp", "func", func, &named(types.clone(), "argument"))?;
    let (cotangents, of_operands) = (inexact(&results), inexact(&types[captures..]));
    let refuse = |message: String| Err(Error::new(ErrorKind::Argument, "custom_vjp", message));
    if forwards.is_empty() || backwards.is_empty() || backwards.len() % forwards.len() != 0 {
        let message =
            format!("{} backward rules do not divide among {} forward rules", backwards.len(), forwards.len());
        return refuse(message);
    }
    let perturbed = attrs.ints("perturbed");
    if perturbed.len() != forwards.len() * of_operands.len() || perturbed[..of_operands.len()].contains(&0) {
        return refuse(format!(
            "`perturbed` must have {} flags for each forward rule, all set for the first, but it is {perturbed:?}",
            of_operands.len()
        ));
    }
    let group = backwards.len() / forwards.len();
    let sizes = (cotangents.len(), of_operands.len());
    let signatures = checked_signatures("custom_vjp", attrs, backwards.len(), group, sizes)?;
    check_first("custom_vjp", &signatures, group)?;
    for (number, forward) in forwards.iter().enumerate() {
        check_params("custom_vjp", "forward", forward, &named(types.clone(), "argument"))?;
        check_results("custom_vjp", "forward", forward, &named(results.clone(), "result"), RULE_REMEDY)?;
        let residuals = forward.result_types().split_off(results.len());
        let known: Vec<Type> = types[..captures].iter().cloned().chain(residuals).collect();
        let own = number * group..(number + 1) * group;
        for (backward, signature) in backwards[own.clone()].iter().zip(&signatures[own]) {
            check_backward("custom_vjp", backward, &known, (&cotangents, &of_operands), signature)?;
        }
    }
    Ok(results.into())
}

/// Refuses rules the first of which, in every group, does not give all cotangents.
fn check_first(operation: &str, signatures: &[Signature], group: usize) -> Result<()> {
    match signatures.iter().step_by(group).all(|first| !first.gives.contains(&false)) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Argument, operation, "the first rule must give every cotangent")),
    }
}

/// Checks that a rule takes known values and cotangents to cotangents.
fn check_backward(
    operation: &str,
    backward: &Func,
    known: &[Type],
    (cotangents, of_operands): (&[Type], &[Type]),
    Signature { takes, gives }: &Signature,
) -> Result<()> {
    let due = named(known.iter().cloned().chain(select(cotangents, takes)), "value");
    check_params(operation, "backward", backward, &due)?;
    let due = named(select(of_operands, gives), "the cotangent of argument");
    check_results(operation, "backward", backward, &due, RULE_REMEDY)
}

fn infer_tangent(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let backwards = attrs.funcs("backwards");
    let types: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
    let known = super::super::control::count_attr("custom_tangent", attrs, "known", types.len())?;
    // The first rule takes all cotangents, so that its parameters tell their types.
    let cotangents = backwards.first().and_then(|first| first.param_types().get(known..)).unwrap_or_default();
    let sizes = (cotangents.len(), types.len() - known);
    let signatures = checked_signatures("custom_tangent", attrs, backwards.len(), backwards.len(), sizes)?;
    check_first("custom_tangent", &signatures, backwards.len())?;
    for (backward, signature) in backwards.iter().zip(&signatures) {
        check_backward("custom_tangent", backward, &types[..known], (cotangents, &types[known..]), signature)?;
    }
    Ok(cotangents.into())
}

/// Types of the results of a `custom_tangent`.
fn tangent_types(attrs: &Attrs) -> Vec<Type> {
    attrs.funcs("backwards")[0].param_types()[attrs.size("known")..].to_vec()
}

/// The signatures of the rules of a verified `custom_tangent` with so many operands.
fn tangent_signatures(attrs: &Attrs, operands: usize) -> Vec<Signature> {
    let count = attrs.funcs("backwards").len();
    signatures(attrs, count, tangent_types(attrs).len(), operands - attrs.size("known"))
}

/// The function that a `custom_tangent` computes: the transpose of what takes cotangents back.
pub(super) fn forward_of(attrs: &Attrs) -> Result<Func> {
    let (backward, known) = (&attrs.funcs("backwards")[0], attrs.size("known"));
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

/// The rules of a verified `custom_vjp` on operands of the given types.
struct Rules {
    /// For each forward rule which floating-point operands are differentiated by.
    perturbed: Vec<Vec<bool>>,
    /// For each backward rule what it deals with.
    signatures: Vec<Signature>,
    /// The number of backward rules for each forward rule.
    group: usize,
}

impl Rules {
    fn of(attrs: &Attrs, operands: &[Type]) -> Rules {
        let of_operands = inexact(&operands[attrs.size("captures")..]).len();
        let cotangents = inexact(&attrs.func("func").result_types()).len();
        let (forwards, backwards) = (attrs.funcs("forwards").len(), attrs.funcs("backwards").len());
        let flags: Vec<bool> = attrs.ints("perturbed").iter().map(|&flag| flag != 0).collect();
        let perturbed = (0..forwards).map(|k| flags[k * of_operands..(k + 1) * of_operands].to_vec()).collect();
        let signatures = signatures(attrs, backwards, cotangents, of_operands);
        Rules { perturbed, signatures, group: backwards / forwards }
    }
}

fn by_rule(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let types = attrs.func("func").result_types();
    let captures = attrs.size("captures");
    let outcome = check_captures("custom_vjp", &tangents[..captures]).and_then(|()| {
        let operand_types = xs.iter().map(Array::ty).collect::<Result<Vec<Type>>>()?;
        let rules = Rules::of(attrs, &operand_types);
        let chosen = fitting(rules.perturbed.iter().cloned(), &present(xs, tangents, captures)?);
        let mut results = replay(&attrs.funcs("forwards")[chosen], xs);
        let residuals = results.split_off(types.len());
        let known = captures + residuals.len();
        let operands = [xs[..captures].to_vec(), residuals, full_tangents(xs, tangents, captures)?].concat();
        let own = chosen * rules.group..(chosen + 1) * rules.group;
        let backwards = attrs.funcs("backwards")[own.clone()].to_vec();
        let attrs = tangent_attrs(backwards, &rules.signatures[own], known);
        let count = types.iter().filter(|ty| ty.dtype.is_inexact()).count();
        let tangents = apply_many(&CUSTOM_TANGENT, &operands.iter().collect::<Vec<_>>(), attrs, count);
        let flags: Vec<bool> = types.iter().map(|ty| ty.dtype.is_inexact()).collect();
        Ok((results, scatter(&tangents, &flags)))
    });
    outcome.unwrap_or_else(|error| (vec![raise(error); types.len()], vec![None; types.len()]))
}

fn pull(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let known = args.attrs.size("known");
    if args.xs[..known].iter().any(Operand::is_linear) {
        let message = "the coefficients of a custom derivative are not linear operands";
        return vec![Some(refusal("custom_vjp", message)); args.xs.len()];
    }
    let signatures = tangent_signatures(args.attrs, args.xs.len());
    let present: Vec<bool> = args.cts.iter().map(Option::is_some).collect();
    let chosen = fitting(signatures.iter().map(|signature| signature.takes.clone()), &present);
    let Signature { takes, gives } = &signatures[chosen];
    let coefficients = args.xs[..known].iter().map(|x| x.known().clone());
    let cts: Vec<Array> = args.cts.iter().zip(args.results).map(|(ct, ty)| instantiate(ct, ty)).collect();
    let operands: Vec<Array> = coefficients.chain(select(&cts, takes)).collect();
    let pulled = scatter(&replay(&args.attrs.funcs("backwards")[chosen], &operands), gives);
    let of_operands = args.xs[known..].iter().zip(pulled).map(|(x, ct)| ct.filter(|_| x.is_linear()));
    std::iter::repeat_n(None, known).chain(of_operands).collect()
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let (func, captures) = (args.attrs.func("func"), args.attrs.size("captures"));
    let outcome = || {
        let operand_types = args.xs.iter().map(Array::ty).collect::<Result<Vec<Type>>>()?;
        let rules = Rules::of(args.attrs, &operand_types);
        let tangents = tangent_flags(args, captures)?;
        let forward = |forward: &Arc<Func>| batched(forward, args.batched, args.axis);
        let forwards = args.attrs.funcs("forwards").iter().map(forward).collect::<Result<Vec<_>>>()?;
        let backward = |(backward, signature): (&Arc<Func>, &Signature)| {
            let mut flags = args.batched[..captures].to_vec();
            flags.resize(backward.params().len(), true);
            let many = batched(backward, &flags, args.axis)?;
            summed(&many, &select(&tangents, &signature.gives))
        };
        let backwards = args.attrs.funcs("backwards").iter().zip(&rules.signatures).map(backward);
        let backwards = backwards.collect::<Result<Vec<_>>>()?;
        let func = batched(func, args.batched, args.axis)?;
        Ok(attrs(func, forwards, backwards, &rules.perturbed, &rules.signatures, captures))
    };
    apply_batched(args, outcome(), args.xs, func.results().len())
}

/// The batched function with the results that are not flagged summed over the batch: cotangents of what all items share.
fn summed(many: &Func, flags: &[bool]) -> Result<Arc<Func>> {
    let sum = trace_closed(&many.name, many.param_types().to_vec(), |params| {
        let results = replay(many, params);
        results.iter().zip(flags).map(|(ct, &flag)| if flag { ct.clone() } else { ct.sum_axes(&[0]) }).collect()
    });
    sum.map(Arc::new)
}

fn batch_tangent(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let known = args.attrs.size("known");
    let backwards = args.attrs.funcs("backwards").iter().map(|backward| {
        let mut flags = args.batched[..known].to_vec();
        flags.resize(backward.params().len(), true);
        batched(backward, &flags, args.axis)
    });
    let signatures = tangent_signatures(args.attrs, args.xs.len());
    let attrs = backwards.collect::<Result<Vec<_>>>().map(|many| tangent_attrs(many, &signatures, known));
    let operand = |i: usize| if i < known { args.xs[i].clone() } else { args.with_batch(i) };
    let operands: Vec<Array> = (0..args.xs.len()).map(operand).collect();
    apply_batched(args, attrs, &operands, tangent_types(args.attrs).len())
}

/// The product of sin x and y, and sin x, with the true derivatives; also with rules for derivatives by x alone, and for
/// cotangents of the first result alone.
fn cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let types = [ty.clone(), ty.clone()];
    let value = |x: &[Array]| vec![x[0].sin() * &x[1], x[0].sin()];
    let forward_by_both = |x: &[Array]| [value(x), vec![x[0].cos(), x[0].sin(), x[1].clone()]].concat();
    let forward_by_first = |x: &[Array]| [value(x), vec![x[0].cos() * &x[1], x[0].cos()]].concat();
    let traced = |name: &str, count: usize, body: &dyn Fn(&[Array]) -> Vec<Array>| {
        trace_closed(name, vec![ty.clone(); count], body).map(Arc::new)
    };
    let all = || {
        let func = traced("wave", 2, &value)?;
        let by_both = traced("wave_forward", 2, &forward_by_both)?;
        let by_first = traced("wave_forward", 2, &forward_by_first)?;
        // Residuals cos x, sin x, y; then the cotangents.
        let both_full = traced("wave_backward", 5, &|x| vec![&x[0] * (&x[2] * &x[3] + &x[4]), &x[1] * &x[3]])?;
        let both_short = traced("wave_backward", 4, &|x| vec![&x[0] * &x[2] * &x[3], &x[1] * &x[3]])?;
        // Residuals y cos x, cos x; then the cotangents.
        let first_full =
            traced("wave_backward", 4, &|x| vec![&x[0] * &x[2] + &x[1] * &x[3], crate::transform::zeros(&ty)])?;
        let first_short = traced("wave_backward", 3, &|x| vec![&x[0] * &x[2]])?;
        let signature = |takes: [bool; 2], gives: [bool; 2]| Signature { takes: takes.to_vec(), gives: gives.to_vec() };
        let (full, short) = ([true, true], [true, false]);
        let one = attrs(
            func.clone(),
            vec![by_both.clone()],
            vec![both_full.clone()],
            &[full.to_vec()],
            &[signature(full, full)],
            0,
        );
        let four = attrs(
            func,
            vec![by_both, by_first],
            vec![both_full, both_short, first_full, first_short],
            &[full.to_vec(), short.to_vec()],
            &[signature(full, full), signature(short, full), signature(full, full), signature(short, short)],
            0,
        );
        Ok::<_, Error>([one, four])
    };
    all().into_iter().flatten().map(|attrs| Case::new(types.clone(), attrs)).collect()
}

fn tangent_cases() -> Vec<Case> {
    let ty = Type::new(DType::F64, &[3]);
    let backward = trace_closed("scale_backward", vec![ty.clone(); 2], |x| vec![&x[0] * &x[1]]);
    let signature = Signature { takes: vec![true], gives: vec![true] };
    let attrs = |backward| tangent_attrs(vec![Arc::new(backward)], &[signature], 1);
    backward.map(|backward| Case::new(vec![ty; 2], attrs(backward))).into_iter().collect()
}
