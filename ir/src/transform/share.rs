//! Common subexpressions: an instruction that repeats an earlier one gives way to it.
//!
//! Two instructions are the same if primitive, operands and attributes are. Instructions with effects are never shared:
//! reporting a row twice is not reporting it once. Nor are barriers, which are there to prevent it.

use crate::attrs::Attrs;
use crate::func::{Func, Value};
use crate::hash::QuickMap;
use crate::prim::Prim;
use crate::prim::checkpoint::OPTIMIZATION_BARRIER;
use crate::transform::prune::has_effects;
use crate::types::Type;
use smallvec::SmallVec;
use std::sync::Arc;

/// What makes two instructions the same.
type Key = (&'static str, SmallVec<[Value; 3]>, Attrs);

/// The function without repeated instructions, in itself and in the bodies of its control flow.
pub fn share(func: &Func) -> Func {
    let mut shared = Func::new(func.name.clone(), func.param_types().iter().cloned());
    let mut values: Vec<Value> = shared.params().collect();
    let mut seen: QuickMap<Key, Value> = QuickMap::default();
    for inst in func.insts() {
        let prim: &'static Prim = inst.prim;
        let args: SmallVec<[Value; 3]> = inst.args.iter().map(|value| values[value.index()]).collect();
        let attrs = inst.attrs.map_funcs(|body| Arc::new(share(body)));
        let count = inst.results().len();
        let key = (prim.name, args.clone(), attrs.clone());
        let first = match seen.get(&key) {
            Some(first) => first.index(),
            None => {
                let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
                let first = shared.push(prim, args, attrs, types).start;
                if !has_effects(inst) && prim.name != OPTIMIZATION_BARRIER.name {
                    seen.insert(key, Value::new(first));
                }
                first
            }
        };
        values.extend((first..first + count).map(Value::new));
    }
    shared.set_results(func.results().iter().map(|value| values[value.index()]).collect());
    shared
}
