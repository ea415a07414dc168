//! Reverse mode through a scan: taking it apart, and running it backwards.

use super::{SCAN, carried};
use crate::array::{Array, apply_many};
use crate::attrs::Attrs;
use crate::error::Result;
use crate::func::{Func, Value};
use crate::prim::control::count;
use crate::prim::{Operand, TransposeArgs};
use crate::trace::{replay, trace_closed};
use crate::transform::prune::{any_effects, prune, prune_to};
use crate::transform::reach::Along;
use crate::transform::split::{Feed, Remainder, Separated, Split, split};
use crate::transform::{instantiate, inverted, raise, rearrange, scatter, select, transpose as transpose_func, zeros};
use crate::types::Type;
use std::collections::HashMap;

/// How the linear loop gets a residual of the body.
enum Residual {
    /// The same in every iteration: a constant.
    Constant(Array),
    /// A slice of an array that exists.
    Input(Array),
    /// One per iteration, stacked by the known loop as its result of this number.
    Stacked(usize),
}

/// Takes apart a loop of which some operands are unknown: one loop over what is known, which stacks what the other one,
/// over the rest, needs to know of each iteration.
pub(crate) fn separate(operands: &[Operand], attrs: &Attrs) -> Result<Separated> {
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let given: Vec<bool> = operands.iter().map(Operand::is_linear).collect();
    let flags = carried(attrs, &given, Along::Values);
    let mut force = flags[consts..consts + carries].to_vec();
    force.resize(attrs.func("body").results().len(), false);
    let Split { known, linear, residuals: residual_count, unknown } = split(attrs.func("body"), &flags, &force)?;

    let known_operands: Vec<&Array> =
        operands.iter().zip(&flags).filter(|(_, unknown)| !**unknown).map(|(operand, _)| operand.known()).collect();
    let known_consts = count(&inverted(&flags[..consts]));
    let known_carries = count(&inverted(&flags[consts..consts + carries]));
    let known_results = known.results().len() - residual_count;
    let (residuals, known) = place_residuals(known, &known_operands, known_consts, known_carries, known_results);
    let body = prune(&known);
    let results = if body.results().is_empty() && !any_effects(&body) {
        Vec::new()
    } else {
        let total = body.results().len();
        let attrs = super::attrs(attrs.size("length"), attrs.bool("reverse"), known_consts, known_carries, body);
        apply_many(&SCAN, &known_operands, attrs, total)
    };

    let feed = |position: usize| match &operands[position] {
        Operand::Known(array) => Feed::Known(array.clone()),
        Operand::Linear(_) => Feed::Operand(position),
    };
    // Parameters of the linear body: residuals, then unknown constants, carries and inputs.
    let mut params: Vec<Feed> = residuals
        .iter()
        .map(|residual| match residual {
            Residual::Constant(array) | Residual::Input(array) => Feed::Known(array.clone()),
            Residual::Stacked(result) => Feed::Known(results[*result].clone()),
        })
        .collect();
    params.extend((0..operands.len()).filter(|&position| flags[position]).map(feed));
    let (unknown_consts, unknown_carries) = (count(&flags[..consts]), count(&flags[consts..consts + carries]));
    let is_constant = |position: &usize| matches!(residuals[*position], Residual::Constant(_));
    let (constant, sliced): (Vec<usize>, Vec<usize>) = (0..residual_count).partition(is_constant);
    let middle = residual_count + unknown_consts + unknown_carries;
    let order: Vec<usize> =
        constant.iter().copied().chain(residual_count..middle).chain(sliced).chain(middle..params.len()).collect();
    let all_results: Vec<usize> = (0..linear.results().len()).collect();
    let linear = rearrange(&linear, &order, &all_results);
    let linear_consts = constant.len() + unknown_consts;
    let attrs = super::attrs(attrs.size("length"), attrs.bool("reverse"), linear_consts, unknown_carries, linear);
    let remainder = (!all_results.is_empty()).then(|| Remainder {
        prim: &SCAN,
        attrs,
        operands: order.iter().map(|&position| params[position].clone()).collect(),
        results: (0..unknown.len()).filter(|&result| unknown[result]).map(Some).collect(),
    });
    Ok(Separated { known: scatter(&results[..known_results], &inverted(&unknown)), remainder })
}

/// Decides for each residual of the known body how it reaches the linear loop; the body then returns, after its results,
/// those that are stacked.
fn place_residuals(
    mut known: Func,
    operands: &[&Array],
    consts: usize,
    carries: usize,
    results: usize,
) -> (Vec<Residual>, Func) {
    let mut varies = vec![false; known.value_count()];
    varies[consts..known.params().len()].fill(true);
    for inst in known.insts() {
        let varying = inst.args.iter().any(|value| varies[value.index()]);
        varies[inst.result_range()].fill(varying);
    }
    // What is the same in every iteration is computed once, outside; unless an effect would be repeated with it.
    let effects = any_effects(&known);
    let hoistable = |value: Value| !varies[value.index()] && !known.is_param(value) && !effects;
    let hoisted: Vec<usize> = (results..known.results().len()).filter(|&k| hoistable(known.results()[k])).collect();
    let mut hoisted = if hoisted.is_empty() {
        Vec::new().into_iter()
    } else {
        let outside = prune_to(&known, &(0..consts).collect::<Vec<_>>(), &hoisted);
        let arguments: Vec<Array> = operands[..consts].iter().map(|&array| array.clone()).collect();
        replay(&outside, &arguments).into_iter()
    };
    // Values that the loop stacks already are not stacked twice.
    let mut stacks: HashMap<Value, usize> = (carries..results).map(|k| (known.results()[k], k)).collect();
    let mut kept = known.results()[..results].to_vec();
    let mut place = |value: Value| match value.index() {
        _ if hoistable(value) => {
            Residual::Constant(hoisted.next().unwrap_or_else(|| crate::error::internal("one array each")))
        }
        index if index < consts => Residual::Constant(operands[index].clone()),
        index if known.is_param(value) && index >= consts + carries => Residual::Input(operands[index].clone()),
        _ => Residual::Stacked(*stacks.entry(value).or_insert_with(|| {
            kept.push(value);
            kept.len() - 1
        })),
    };
    let residuals = known.results()[results..].iter().map(|&value| place(value)).collect();
    known.set_results(kept);
    (residuals, known)
}

/// The transpose rule.
pub(super) fn transpose(args: &TransposeArgs<'_>) -> Vec<Option<Array>> {
    let cotangents = || {
        let given: Vec<bool> = args.xs.iter().map(Operand::is_linear).collect();
        let (consts, carries) = (args.attrs.size("consts"), args.attrs.size("carries"));
        let flags = carried(args.attrs, &given, Along::Values);
        if !flags[consts..consts + carries].contains(&false) {
            return run_backwards(args.xs, args.cts, args.results, args.attrs);
        }
        // Known values are carried, such as a counter: they must be computed forwards first.
        let Separated { remainder, .. } = separate(args.xs, args.attrs)?;
        let mut cotangents = vec![None; args.xs.len()];
        if let Some(Remainder { attrs, operands, results, .. }) = remainder {
            let operand = |feed: &Feed| match feed {
                Feed::Known(array) => Operand::Known(array.clone()),
                Feed::Operand(position) => args.xs[*position].clone(),
            };
            let xs: Vec<Operand> = operands.iter().map(operand).collect();
            let originals: Vec<usize> = results.into_iter().flatten().collect();
            let cts: Vec<Option<Array>> = originals.iter().map(|&result| args.cts[result].clone()).collect();
            let types: Vec<Type> = originals.iter().map(|&result| args.results[result].clone()).collect();
            if cts.iter().any(Option::is_some) {
                for (feed, ct) in operands.iter().zip(run_backwards(&xs, &cts, &types, &attrs)?) {
                    if let Feed::Operand(position) = feed {
                        cotangents[*position] = ct;
                    }
                }
            }
        }
        Ok(cotangents)
    };
    cotangents().unwrap_or_else(|error| vec![Some(raise(error)); args.xs.len()])
}

/// The loop from the last iteration to the first. It carries the cotangents of what the loop carries, and the sums of the
/// cotangents of linear constants; cotangents of stacked outputs are its inputs, those of linear inputs its outputs. All
/// carried values are linear.
fn run_backwards(xs: &[Operand], cts: &[Option<Array>], results: &[Type], attrs: &Attrs) -> Result<Vec<Option<Array>>> {
    let (consts, carries) = (attrs.size("consts"), attrs.size("carries"));
    let body = attrs.func("body");
    let mut linear: Vec<bool> = xs.iter().map(Operand::is_linear).collect();
    linear[consts..consts + carries].fill(true);
    let transposed = transpose_func::transpose(body, &linear)?;
    let known = |range: std::ops::Range<usize>| {
        range.filter(|&position| !linear[position]).map(|position| xs[position].known().clone()).collect::<Vec<Array>>()
    };
    let (known_consts, known_inputs) = (known(0..consts), known(consts + carries..xs.len()));
    let linear_const_types = select(&body.param_types()[..consts], &linear[..consts]);
    let sums = linear_const_types.len();
    let output_types = body.result_types().split_off(carries);
    let present: Vec<bool> = cts[carries..].iter().map(Option::is_some).collect();

    // Parameters: known constants; sums, cotangents of carries; known inputs, cotangents of outputs that have one.
    let init: Vec<Array> = linear_const_types
        .iter()
        .map(zeros)
        .chain(cts[..carries].iter().zip(results).map(|(ct, ty)| instantiate(ct, ty)))
        .collect();
    let inputs: Vec<Array> = known_inputs.iter().chain(cts[carries..].iter().flatten()).cloned().collect();
    let mut types = known_consts.iter().chain(&init).map(Array::ty).collect::<Result<Vec<Type>>>()?;
    let input_types = body.param_types().iter().zip(&linear).skip(consts + carries);
    types.extend(input_types.filter(|(_, linear)| !**linear).map(|(ty, _)| ty.clone()));
    types.extend(select(&output_types, &present));
    let backward = trace_closed(&transposed.name, types, |params| {
        let (known_consts, rest) = params.split_at(known_consts.len());
        let (running, rest) = rest.split_at(sums);
        let (carry_cts, rest) = rest.split_at(carries);
        let (known_inputs, output_cts) = rest.split_at(known_inputs.len());
        let output_cts: Vec<Array> =
            scatter(output_cts, &present).iter().zip(&output_types).map(|(ct, ty)| instantiate(ct, ty)).collect();
        let args = [known_consts, known_inputs, carry_cts, &output_cts].concat();
        let mut results = replay(&transposed, &args);
        for (result, running) in results.iter_mut().zip(running) {
            *result = running + &*result;
        }
        results
    })?;
    let backward = prune(&backward);
    let operands: Vec<&Array> = known_consts.iter().chain(&init).chain(&inputs).collect();
    let total = backward.results().len();
    let length = attrs.size("length");
    let attrs = super::attrs(length, !attrs.bool("reverse"), known_consts.len(), sums + carries, backward);
    let results = apply_many(&SCAN, &operands, attrs, total);
    let mut cotangents = scatter(&results, &linear);
    for (cotangent, x) in cotangents.iter_mut().zip(xs) {
        if !x.is_linear() {
            *cotangent = None;
        }
    }
    Ok(cotangents)
}
