//! Expansion of calls.
//!
//! Afterwards no instruction is a `call`, in the function or in the bodies of its control flow.

use crate::func::{Func, Inst, Value};
use crate::prim::{Control, Lower};
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
