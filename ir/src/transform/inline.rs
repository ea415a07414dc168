//! Expansion of calls.
//!
//! After [`inline`] no instruction is a `call`, in the function or in the bodies of its control flow; functions with
//! derivatives of their own stay, so that differentiation finds their rules. After [`resolve`] these are gone as well.

use crate::error::Result;
use crate::func::{Func, Inst, Value};
use crate::prim::{Control, Lower, custom};
use crate::types::Type;
use std::sync::Arc;

/// The function with every call replaced by the instructions of its callee.
pub fn inline(func: &Func) -> Func {
    let mut expanded = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let params: Vec<Value> = expanded.params().collect();
    let results = append(&mut expanded, func, &params);
    expanded.set_results(results);
    expanded
}

/// Appends the instructions of `func`, applied to `args`; the values of its results.
fn append(into: &mut Func, func: &Func, args: &[Value]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::with_capacity(func.value_count());
    values.extend(args);
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|value| values[value.index()]).collect();
        if let Lower::Control(Control::Call) = inst.prim.lower {
            let results = append(into, inst.attrs.func("func"), &args);
            values.extend(results);
        } else {
            values.extend(append_one(into, func, inst, &args));
        }
    }
    func.results().iter().map(|value| values[value.index()]).collect()
}

fn append_one(into: &mut Func, func: &Func, inst: &Inst, args: &[Value]) -> impl Iterator<Item = Value> + use<> {
    let attrs = inst.attrs.map_funcs(|body| Arc::new(inline(body)));
    let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
    into.push(inst.prim, args.iter().copied(), attrs, types).map(Value::new)
}

/// The function with everything replaced that stands for another function: calls, and functions with derivatives of their
/// own, which are no longer differentiated.
///
/// # Errors
/// A forward derivative that cannot be computed, because only a rule for reverse mode is known which is not linear.
pub fn resolve(func: &Func) -> Result<Func> {
    let mut resolved = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let params: Vec<Value> = resolved.params().collect();
    let results = append_resolved(&mut resolved, func, &params)?;
    resolved.set_results(results);
    Ok(resolved)
}

fn append_resolved(into: &mut Func, func: &Func, args: &[Value]) -> Result<Vec<Value>> {
    let mut values: Vec<Value> = Vec::with_capacity(func.value_count());
    values.extend(args);
    for inst in func.insts() {
        let args: Vec<Value> = inst.args.iter().map(|value| values[value.index()]).collect();
        match inst.prim.lower {
            Lower::Control(Control::Call | Control::Checkpoint) => {
                values.extend(append_resolved(into, inst.attrs.func("func"), &args)?);
            }
            Lower::Control(Control::Custom) => {
                values.extend(append_resolved(into, &*custom::computed(inst)?, &args)?);
            }
            _ => {
                let mut failed = None;
                let attrs = inst.attrs.map_funcs(|body| {
                    let resolved = resolve(body).map(Arc::new);
                    resolved.unwrap_or_else(|error| {
                        failed = Some(error);
                        body.clone()
                    })
                });
                if let Some(error) = failed {
                    return Err(error);
                }
                let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
                values.extend(into.push(inst.prim, args.iter().copied(), attrs, types).map(Value::new));
            }
        }
    }
    Ok(func.results().iter().map(|value| values[value.index()]).collect())
}
