//! Reverse mode of a linear function: its transpose.
//!
//! Instructions are visited backwards, each passing the cotangents of its results on to its linear operands, where they
//! add up. What does not depend on a linear parameter is computed forwards first. Cotangents that are zero are not
//! represented until the end. Complex values are treated as the field they are: nothing is conjugated.

use crate::array::{Array, apply_many};
use crate::error::Result;
use crate::func::{Func, Inst, Value};
use crate::prim::{Operand, Transpose, TransposeArgs};
use crate::trace::trace_closed;
use crate::transform::prune::prune;
use crate::transform::{check_flags, instantiate, inverted, select};
use crate::types::Type;

/// The transpose of a function that is linear in the parameters flagged in `linear`. Its parameters are the other ones,
/// then the cotangents of all results; its results are the cotangents of the linear parameters.
///
/// # Errors
/// Flags that do not fit the parameters, a flagged integer or bool, or an instruction that is not linear in what depends
/// on the flagged parameters or has no transpose (`while`).
pub fn transpose(func: &Func, linear: &[bool]) -> Result<Func> {
    check_flags("transpose", func, linear, true)?;
    let known = select(func.param_types(), &inverted(linear));
    let known_count = known.len();
    let types = known.into_iter().chain(func.result_types());
    let transposed = trace_closed(&format!("{}_transpose", func.name), types, |params| {
        let (known, cts) = params.split_at(known_count);
        let cts: Vec<Option<Array>> = cts.iter().cloned().map(Some).collect();
        let types = select(func.param_types(), linear);
        let cts = pull_back(func, linear, known, &cts);
        cts.iter().zip(&types).map(|(ct, ty)| instantiate(ct, ty)).collect()
    })?;
    Ok(prune(&transposed))
}

/// The cotangents of the linear parameters from those of the results, in the open trace. `None` is zero.
pub(crate) fn pull_back(func: &Func, linear: &[bool], known: &[Array], cts: &[Option<Array>]) -> Vec<Option<Array>> {
    let values = compute_known(func, linear, known);
    let mut sums: Vec<Option<Array>> = vec![None; func.value_count()];
    for (&value, ct) in func.results().iter().zip(cts) {
        if let Some(ct) = ct {
            accumulate(func, &mut sums, value, ct.clone());
        }
    }
    for inst in func.insts().iter().rev() {
        if inst.args.iter().all(|value| values[value.index()].is_some()) {
            continue;
        }
        // Taken, not cloned: after its definition nothing asks for the cotangent of a value again.
        let cts: Vec<Option<Array>> = inst.results().map(|value| sums[value.index()].take()).collect();
        if cts.iter().all(Option::is_none) {
            continue;
        }
        for (&value, ct) in inst.args.iter().zip(pull_back_one(func, inst, &values, &cts)) {
            if let (Some(ct), None) = (ct, &values[value.index()]) {
                accumulate(func, &mut sums, value, ct);
            }
        }
    }
    func.params().zip(linear).filter(|(_, linear)| **linear).map(|(value, _)| sums[value.index()].take()).collect()
}

/// The values that do not depend on a linear parameter; `None` for the others.
fn compute_known(func: &Func, linear: &[bool], known: &[Array]) -> Vec<Option<Array>> {
    let mut values = crate::transform::scatter(known, &inverted(linear));
    values.resize(func.value_count(), None);
    for inst in func.insts() {
        let operands: Option<Vec<&Array>> = inst.args.iter().map(|value| values[value.index()].as_ref()).collect();
        if let Some(operands) = operands {
            let results = apply_many(inst.prim, &operands, inst.attrs.clone(), inst.results().len());
            for (value, array) in inst.results().zip(results) {
                values[value.index()] = Some(array);
            }
        }
    }
    values
}

/// The cotangents of one instruction's operands.
fn pull_back_one(func: &Func, inst: &Inst, values: &[Option<Array>], cts: &[Option<Array>]) -> Vec<Option<Array>> {
    let operand = |value: &Value| match &values[value.index()] {
        Some(array) => Operand::Known(array.clone()),
        None => Operand::Linear(func.ty(*value).clone()),
    };
    let xs: Vec<Operand> = inst.args.iter().map(operand).collect();
    let results: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
    match inst.prim.transpose {
        Transpose::Rule(rule) => rule(&TransposeArgs { cts, xs: &xs, attrs: &inst.attrs, results: &results }),
        Transpose::NotLinear => {
            let message = "the function to be transposed is not linear: it applies this operation to values that depend \
                           on its linear parameters; transpose the linear part of a function (`linearize`, `vjp`), or \
                           make this operation independent of them";
            vec![Some(crate::transform::refusal(inst.prim.name, message)); xs.len()]
        }
    }
}

fn accumulate(func: &Func, sums: &mut [Option<Array>], value: Value, ct: Array) {
    let due = func.ty(value);
    if let Ok(given) = ct.ty()
        && given != *due
    {
        crate::error::internal(&format!("a cotangent of {value} in @{} is {given}, not {due}", func.name));
    }
    let sum = &mut sums[value.index()];
    *sum = Some(match sum.take() {
        Some(sum) => &sum + &ct,
        None => ct,
    });
}
