//! Predictive commoning: what an iteration ends with and the next begins with is computed once.
//!
//! A solver takes the product `A x` of its last iterate for the objective, and the next iteration begins with that product
//! for the residual. In the body of the loop the two have nothing in common, one is of the state it begins with and one of
//! the state it ends with:
//!
//! ```text
//! repeat { b = f(p); p = g(p, b); e = f(p); .. }
//! b = f(p); repeat { p = g(p, b); e = f(p); ..; b = e }
//! ```
//!
//! Library routines and scatters are carried so. Each is done by itself, from a state that is in memory, so that a loop goes
//! on bit for bit from a state that it was left with; the order in which a sum is added up may be another in another kernel.
//! (Compilers know this of elements of arrays as predictive commoning.)

use crate::compile::extend::{Extended, computing, extend_loops, given, with_state};
use cotangent_ir::prim::{Control, Lower};
use cotangent_ir::{Func, Inst, Value};
use std::collections::HashMap;

/// The function whose loops carry what their iterations begin and end with.
pub(crate) fn common(func: &Func) -> Func {
    extend_loops(func, &commoned)
}

fn commoned(inst: &Inst) -> Option<Extended> {
    if !matches!(inst.prim.lower, Lower::Control(Control::Scan | Control::While)) {
        return None;
    }
    let (consts, body) = (inst.attrs.size("consts"), inst.attrs.func("body"));
    let (begun, ended): (Vec<Value>, Vec<Value>) = computed_twice(body, consts).into_iter().unzip();
    if begun.is_empty() {
        return None;
    }
    let first = computing(body, begun.clone());
    let turned = given(body, body.params().len(), &first.result_types(), &begun, |_, values| {
        ended.iter().map(|value| values[value.index()]).collect()
    });
    Some(with_state(inst, turned, first))
}

/// Whether an instruction is done by itself, and takes long enough to be done once.
fn is_routine(inst: &Inst) -> bool {
    matches!(inst.prim.lower, Lower::Library(_) | Lower::LibraryOrExpand(..) | Lower::Scatter(..))
}

/// The results of routines that change with the state and are needed for more than others such, each with what it is in
/// the next iteration, if the body computes that as well.
fn computed_twice(body: &Func, consts: usize) -> Vec<(Value, Value)> {
    let later = in_next_iteration(body, consts);
    let changes = |value: Value| later[value.index()].filter(|&later| later != value).map(|later| (value, later));
    let mut needed = vec![false; body.value_count()];
    body.results().iter().for_each(|result| needed[result.index()] = true);
    let mut twice = Vec::new();
    for inst in body.insts().iter().rev() {
        let used: Vec<Value> = inst.results().filter(|value| needed[value.index()]).collect();
        let pairs: Option<Vec<(Value, Value)>> = used.iter().map(|&value| changes(value)).collect();
        match pairs.filter(|_| is_routine(inst)) {
            Some(pairs) => twice.extend(pairs),
            // What has effects is needed by nobody.
            None if used.is_empty() && !matches!(inst.prim.lower, Lower::Control(_)) => {}
            None => inst.args.iter().for_each(|arg| needed[arg.index()] = true),
        }
    }
    twice
}

/// For each value of a body the one that it is in the next iteration, if the body computes that as well: by the same
/// expression, of the state that it ends with.
fn in_next_iteration(body: &Func, consts: usize) -> Vec<Option<Value>> {
    let mut known: HashMap<&[Value], Vec<&Inst>> = HashMap::new();
    for inst in body.insts().iter().filter(|inst| !matches!(inst.prim.lower, Lower::Control(_))) {
        known.entry(&inst.args).or_default().push(inst);
    }
    let of_param = |value: Value| match value.index().checked_sub(consts) {
        None => Some(value),
        // A loop that is prepared takes nothing but constants and its state.
        Some(carry) => body.results().get(carry).copied(),
    };
    let mut later: Vec<Option<Value>> = body.params().map(of_param).collect();
    for inst in body.insts() {
        let args: Option<Vec<Value>> = inst.args.iter().map(|arg| later[arg.index()]).collect();
        let candidates = args.as_deref().and_then(|args| known.get(args));
        let is_same = |other: &&&Inst| other.prim.name == inst.prim.name && other.attrs == inst.attrs;
        match candidates.and_then(|candidates| candidates.iter().find(is_same)) {
            Some(other) => later.extend(other.results().map(Some)),
            None => later.extend(inst.results().map(|_| None)),
        }
    }
    later
}

#[cfg(test)]
mod tests {
    use super::{common, is_routine};
    use crate::compile::prepared;
    use cotangent_ir::eval::eval;
    use cotangent_ir::prim::Lower;
    use cotangent_ir::prim::control::{scan_arrays, while_arrays};
    use cotangent_ir::trace::trace;
    use cotangent_ir::{Array, DType, Func, Tensor, Type};
    use std::sync::Arc;

    /// Number of library routines and scatters in the body of the only loop, and in what is around it.
    fn routines(func: &Func) -> (usize, usize) {
        let count = |func: &Func| func.insts().iter().filter(|inst| is_routine(inst)).count();
        let bodies = func.insts().iter().filter(|inst| matches!(inst.prim.lower, Lower::Control(_)));
        (bodies.map(|inst| count(inst.attrs.func("body"))).sum(), count(func))
    }

    /// What is prepared and commoned, and computes the same.
    fn commoned(step: impl Fn(&[Array]) -> Vec<Array>, is_scan: bool) -> Func {
        let types = [Type::new(DType::F64, &[6]), Type::new(DType::F64, &[])];
        let traced = trace("loop", types.clone(), |params| {
            if is_scan {
                return scan_arrays(params, &[], 4, false, |carry, _| (step(carry), vec![])).0;
            }
            while_arrays(params, |state| state[1].less(40.0f64), |state| step(state))
        });
        let func = prepared(&traced.unwrap().func).unwrap();
        let changed = common(&func);
        let element = |i: usize| cotangent_ir::Scalar::real(DType::F64, ((7 * i) % 5) as f64);
        let args = types.map(|ty| Arc::new(Tensor::from_fn(ty, element)));
        let bytes = |func: &Func| eval(func, &args).unwrap().iter().map(|tensor| tensor.bytes().to_vec()).collect();
        let results: [Vec<Vec<u8>>; 2] = [bytes(&func), bytes(&changed)];
        assert_eq!(results[0], results[1]);
        changed
    }

    /// An iteration begins and ends with the sorted state.
    fn sorts(state: &[Array]) -> Vec<Array> {
        let [p, total] = state else { unreachable!() };
        let next = p * 0.5f64 + p.sort(0).flip(&[0]);
        let total = total + next.sort(0).slice(&[0], &[3]).sum() + 1.0f64;
        vec![next, total]
    }

    #[test]
    fn what_an_iteration_ends_with_is_not_computed_again() {
        for is_scan in [true, false] {
            assert_eq!(routines(&commoned(sorts, is_scan)), (1, 1));
        }
    }

    #[test]
    fn what_is_of_something_else_stays() {
        // Sorted the other way, and of another array.
        let step = |state: &[Array]| {
            let next = &state[0] * 0.5f64 + state[0].sort(0);
            let total = &state[1] + (&next + 1.0f64).sort(0).slice(&[0], &[3]).sum() + 1.0f64;
            vec![next, total]
        };
        assert_eq!(routines(&commoned(step, true)), (2, 0));
    }
}
