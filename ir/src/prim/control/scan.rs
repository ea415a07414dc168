//! The loop with a fixed number of iterations, over slices of stacked inputs, stacking its outputs.

use super::{
    Leaf, check_params, check_results, count, count_attr, fail_many, finish_jvp, grouped, types_of, with_tangents,
};
use crate::array::{Array, apply_many};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::Interpreter;
use crate::func::Func;
use crate::prim::{
    Arity, Batch, BatchArgs, Case, Control, Domain, Eval, Jvp, Lower, Prim, Transpose, Types, WithTangents, refuse,
};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::trace::{Traced, trace, trace_closed};
use crate::transform::reach::{Along, reach as reach_func};
use crate::transform::vmap::stacked;
use crate::transform::{join, jvp, raise, rearrange, vmap};
use crate::types::{Dims, Type};
use aligned_vec::AVec;
use std::sync::Arc;

mod reverse;

pub(crate) use reverse::separate;

/// A loop over slices.
pub static SCAN: Prim = Prim {
    name: "scan",
    doc: "Runs `body` `length` times on constants, carried values and one slice of each stacked input; it returns the \
          next carried values and slices of the stacked outputs. With `reverse` the last slice comes first.",
    arity: Arity::AtLeast(0),
    attrs: &[
        ("length", AttrKind::Int),
        ("reverse", AttrKind::Bool),
        ("consts", AttrKind::Int),
        ("carries", AttrKind::Int),
        ("body", AttrKind::Func),
    ],
    domain: Domain::Cases(cases),
    infer,
    eval: Eval::Control(eval),
    jvp: Jvp::Whole(jvp),
    transpose: Transpose::Rule(reverse::transpose),
    batch: Batch::Rule(batch),
    lower: Lower::Control(Control::Scan),
};

/// Runs `body` on carried values and one slice after the other of `xs` along their leading axis, `length` times, the last
/// slice first if `reverse` is set. It returns the next carried values and slices of the outputs. The answer is the last
/// carried values and the outputs, stacked along a new leading axis. The closure may capture arrays.
///
/// ```
/// use cotangent_ir::{Array, prim::control::scan_arrays};
/// let (zero, x) = (Array::from(0.0f32), Array::from([1.0f32, 2.0, 3.0]));
/// let (_, sums) = scan_arrays(&[zero], &[x], 3, false, |carry, x| {
///     let sum = &carry[0] + &x[0];
///     (vec![sum.clone()], vec![sum])
/// });
/// assert_eq!(sums[0].to_vec::<f32>().unwrap(), [1.0, 3.0, 6.0]);
/// ```
#[track_caller]
pub fn scan_arrays(
    init: &[Array],
    xs: &[Array],
    length: usize,
    reverse: bool,
    body: impl FnOnce(&[Array], &[Array]) -> (Vec<Array>, Vec<Array>),
) -> (Vec<Array>, Vec<Array>) {
    let mut outputs = 0;
    let traced = || {
        let mut types = types_of(init)?;
        for (position, ty) in types_of(xs)?.iter().enumerate() {
            types.push(slice_type(ty, length, position)?);
        }
        trace("body", types, |params| {
            let (carry, slices) = params.split_at(init.len());
            let (mut carry, slices) = body(carry, slices);
            outputs = slices.len();
            // A wrong number of carried values would be taken for a wrong number of outputs.
            if carry.len() != init.len() {
                let message = format!(
                    "the body returns {} carried values, {} are carried; return one next value for each",
                    carry.len(),
                    init.len()
                );
                carry = vec![raise(Error::new(ErrorKind::Structure, "scan", message))];
            }
            carry.extend(slices);
            carry
        })
    };
    let mut results = match traced() {
        Ok(Traced { func, captures }) => {
            let operands: Vec<&Array> = captures.iter().chain(init).chain(xs).collect();
            let attrs = attrs(length, reverse, captures.len(), init.len(), func);
            apply_many(&SCAN, &operands, attrs, init.len() + outputs)
        }
        Err(error) => fail_many(error, init.len() + outputs),
    };
    let outputs = results.split_off(init.len());
    (results, outputs)
}

/// Runs `body` on the numbers from `low` to below `high` and carried values, which it returns anew; the last values. The
/// number is an `i32` scalar. The closure may capture arrays.
///
/// ```
/// use cotangent_ir::{Array, DType, prim::control::fori_arrays};
/// let factorial = fori_arrays(1, 6, &[Array::from(1)], |k, product| vec![k * &product[0]]);
/// assert_eq!(factorial[0].item().unwrap(), 120.0);
/// ```
#[track_caller]
pub fn fori_arrays(
    low: usize,
    high: usize,
    init: &[Array],
    body: impl FnOnce(&Array, &[Array]) -> Vec<Array>,
) -> Vec<Array> {
    if i32::try_from(high).is_err() {
        let message = format!("the bound {high} is above {}; count in two nested loops", i32::MAX);
        return fail_many(Error::new(ErrorKind::Argument, "fori_loop", message), init.len());
    }
    // The counter comes last, so that messages number the carried values as the user does.
    let counter = Array::scalar(Scalar::int(DType::I32, low as i128));
    let carry: Vec<Array> = init.iter().cloned().chain([counter]).collect();
    let (mut carry, _) = scan_arrays(&carry, &[], high.saturating_sub(low), false, |carry, _| {
        let (counter, values) = carry.split_last().unwrap_or_else(|| crate::error::internal("no counter"));
        let mut next = body(counter, values);
        next.push(counter + 1);
        (next, Vec::new())
    });
    carry.pop();
    carry
}

fn attrs(length: usize, reverse: bool, consts: usize, carries: usize, body: Func) -> Attrs {
    Attrs::none()
        .with_int("length", length as i64)
        .with("reverse", Attr::Bool(reverse))
        .with_int("consts", consts as i64)
        .with_int("carries", carries as i64)
        .with("body", Attr::Func(Arc::new(body)))
}

/// The type of a slice of a stacked input.
fn slice_type(ty: &Type, length: usize, position: usize) -> Result<Type> {
    match ty.shape.split_first() {
        Some((&extent, rest)) if extent == length => Ok(ty.with_shape(rest)),
        _ => {
            let message = format!(
                "stacked input {position} is {ty}; its leading axis must have the extent of the loop, {length}"
            );
            refuse(ErrorKind::Shape, "scan", message)
        }
    }
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let length = count_attr("scan", attrs, "length", i64::MAX as usize)?;
    let consts = count_attr("scan", attrs, "consts", operands.len())?;
    let carries = count_attr("scan", attrs, "carries", operands.len() - consts)?;
    let body = attrs.func("body");
    let leaf = |(position, &ty): (usize, &&Type)| -> Result<Leaf> {
        Ok(match position {
            _ if position < consts => (format!("constant {position}"), ty.clone()),
            _ if position < consts + carries => (format!("carried value {}", position - consts), ty.clone()),
            _ => {
                let input = position - consts - carries;
                (format!("a slice of stacked input {input}"), slice_type(ty, length, input)?)
            }
        })
    };
    let leaves = operands.iter().enumerate().map(leaf).collect::<Result<Vec<Leaf>>>()?;
    check_params("scan", "body", body, &leaves)?;
    let remedy =
        "a carried value keeps its type: convert or reshape the result of the body, or start from another value";
    check_results("scan", "body", body, &leaves[consts..consts + carries], remedy)?;
    let outputs = body.result_types().split_off(carries);
    let carried = operands[consts..consts + carries].iter().map(|&ty| ty.clone());
    Ok(carried.chain(outputs.iter().map(|ty| stacked(ty, length))).collect())
}

fn eval(interpreter: &mut Interpreter<'_>, xs: &[Tensor], attrs: &Attrs) -> Result<Vec<Tensor>> {
    let (length, consts, carries) = (attrs.size("length"), attrs.size("consts"), attrs.size("carries"));
    let body = attrs.func("body");
    let mut values = xs[..consts + carries].to_vec();
    let output_types = body.result_types().split_off(carries);
    let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); output_types.len()];
    for step in 0..length {
        let at = if attrs.bool("reverse") { length - 1 - step } else { step };
        let slices = xs[consts + carries..].iter().map(|x| slice(x, at));
        let args: Vec<Tensor> = values.iter().cloned().chain(slices).collect();
        let mut results = interpreter.run(body, &args)?;
        for (stack, output) in outputs.iter_mut().zip(results.split_off(carries)) {
            stack.push(output);
        }
        values.splice(consts.., results);
    }
    let mut results = values.split_off(consts);
    for (mut stack, ty) in outputs.into_iter().zip(&output_types) {
        if attrs.bool("reverse") {
            stack.reverse();
        }
        let bytes = stack.iter().flat_map(|tensor| tensor.bytes().iter().copied());
        results.push(Tensor::from_bytes(stacked(ty, length), AVec::from_iter(crate::tensor::ALIGNMENT, bytes)));
    }
    Ok(results)
}

/// One element of a tensor along its leading axis.
fn slice(x: &Tensor, at: usize) -> Tensor {
    let rest: Dims = x.ty().shape[1..].into();
    let ty = x.ty().with_shape(&rest);
    let count = ty.byte_len();
    let bytes = x.bytes()[at * count..(at + 1) * count].iter().copied();
    Tensor::from_bytes(ty, AVec::from_iter(crate::tensor::ALIGNMENT, bytes))
}

/// The operands' flags, with those of carries that depend on flagged operands set too.
fn carried(attrs: &Attrs, operands: &[bool], along: Along) -> Vec<bool> {
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let mut flags = operands.to_vec();
    loop {
        let next = reach_func(attrs.func("body"), &flags, along);
        if !join(&mut flags[consts..consts + carries], &next[..carries]) {
            return flags;
        }
    }
}

/// For every result whether it depends on a flagged operand.
pub(crate) fn reach(attrs: &Attrs, operands: &[bool], along: Along) -> Vec<bool> {
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let flags = carried(attrs, operands, along);
    let mut results = reach_func(attrs.func("body"), &flags, along);
    // Without an iteration the initial values are the results.
    join(&mut results[..carries], &flags[consts..consts + carries]);
    results
}

fn jvp(_: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let given: Vec<bool> = tangents.iter().map(Option::is_some).collect();
    let flags = carried(attrs, &given, Along::Tangents);
    let inputs = xs.len() - consts - carries;
    let outputs = attrs.func("body").results().len() - carries;
    let mut force = flags[consts..consts + carries].to_vec();
    force.resize(carries + outputs, false);
    let mut nonzero = force.clone();
    let mut outcome = || {
        let forward;
        (forward, nonzero) = jvp::jvp_forcing(attrs.func("body"), &flags, &force)?;
        let order = grouped(&[consts, carries, inputs], &flags);
        let forward = rearrange(&forward, &order, &grouped(&[carries, outputs], &nonzero));
        let values = with_tangents(xs, tangents, &flags)?;
        let operands: Vec<&Array> = order.iter().map(|&position| &values[position]).collect();
        let (all_consts, all_carries) = (consts + count(&flags[..consts]), carries + count(&nonzero[..carries]));
        let total = nonzero.len() + count(&nonzero);
        let attrs = self::attrs(attrs.size("length"), attrs.bool("reverse"), all_consts, all_carries, forward);
        // Back from carries and outputs, each with tangents, to results and then tangents.
        let results = apply_many(&SCAN, &operands, attrs, total);
        let mut ordered = results.clone();
        for (&position, result) in grouped(&[carries, outputs], &nonzero).iter().zip(results) {
            ordered[position] = result;
        }
        Ok(ordered)
    };
    let outcome = outcome();
    finish_jvp(outcome, &nonzero)
}

fn batch(args: &BatchArgs<'_>) -> Vec<(Array, bool)> {
    let count = args.attrs.func("body").results().len();
    batch_loop(args).unwrap_or_else(|error| vec![(raise(error), true); count])
}

/// The body slices the leading axis of stacked inputs and outputs, so there the batch axis comes second.
fn batch_loop(args: &BatchArgs<'_>) -> Result<Vec<(Array, bool)>> {
    let attrs = args.attrs;
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let flags = carried(attrs, args.batched, Along::Values);
    let mut force = flags[consts..consts + carries].to_vec();
    force.resize(attrs.func("body").results().len(), false);
    let (many, batched) = vmap::batch_forcing(attrs.func("body"), &flags, args.axis, &force)?;
    let operand = |position: usize| match flags[position] {
        true if position >= consts + carries => args.xs[position].swap_axes(0, 1),
        true => args.with_batch(position),
        false => args.xs[position].clone(),
    };
    let operands: Vec<Array> = (0..args.xs.len()).map(operand).collect();
    let attrs = self::attrs(attrs.size("length"), attrs.bool("reverse"), consts, carries, many);
    let results = apply_many(&SCAN, &operands.iter().collect::<Vec<_>>(), attrs, batched.len());
    let result = |(position, array): (usize, Array)| match batched[position] {
        true if position >= carries => (array.swap_axes(0, 1), true),
        flag => (array, flag),
    };
    Ok(results.into_iter().enumerate().map(result).collect())
}

fn cases() -> Vec<Case> {
    let vector = Type::new(DType::F64, &[2]);
    let body = trace_closed("body", vec![vector.clone(); 3], |x| {
        let next = &x[0] * &x[1] + x[2].sin();
        vec![next.clone(), next * &x[2]]
    });
    let stack = Type::new(DType::F64, &[3, 2]);
    let case =
        |reverse, body| Case::new([vector.clone(), vector.clone(), stack.clone()], attrs(3, reverse, 1, 1, body));
    let linear = trace_closed("body", vec![vector.clone(); 2], |x| vec![&x[0] * 2.0 + &x[1], &x[0] - &x[1]]);
    let linear = linear.map(|body| Case::new([vector.clone(), stack.clone()], attrs(3, true, 0, 1, body)));
    body.map(|body| [case(false, body.clone()), case(true, body)]).into_iter().flatten().chain(linear).collect()
}
