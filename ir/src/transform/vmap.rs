//! Batching: a function of one item made a function of many at once.
//!
//! A batched value carries its batch as leading axis; values that do not depend on a batched parameter stay as they are,
//! so that work common to all items is done once.

use crate::array::{Array, apply_many};
use crate::error::Result;
use crate::func::{Func, Inst};
use crate::prim::{Batch, BatchArgs};
use crate::trace::trace_closed;
use crate::transform::check_flags;
use crate::types::Type;

/// The function over a batch of `size` items. The parameters flagged in `batched` have a leading batch axis, the others
/// are the same for all items. Results have one where the answer says so: where they depend on a batched parameter, or
/// everywhere if `force` is set.
///
/// # Errors
/// Flags that do not fit the parameters, or an instruction that cannot be batched (`tap`).
pub fn batch(func: &Func, batched: &[bool], size: usize, force: bool) -> Result<(Func, Vec<bool>)> {
    batch_forcing(func, batched, size, &vec![force; func.results().len()])
}

/// As [`batch`], with a choice for each result.
pub(crate) fn batch_forcing(func: &Func, batched: &[bool], size: usize, force: &[bool]) -> Result<(Func, Vec<bool>)> {
    check_flags("vmap", func, batched, false)?;
    let types = func
        .param_types()
        .iter()
        .zip(batched)
        .map(|(ty, &batched)| if batched { stacked(ty, size) } else { ty.clone() });
    let mut flags = Vec::new();
    let many = trace_closed(&format!("{}_batch", func.name), types, |params| {
        let (results, batched) = replay_batched(func, params, batched, size);
        flags.extend(batched.iter().zip(force).map(|(&batched, &force)| batched || force));
        let add_batch =
            |(array, batched): (&Array, bool)| if batched { array.clone() } else { array.broadcast_leading(size) };
        let needs_batch = batched.iter().zip(force).map(|(&batched, &force)| batched || !force);
        results.iter().zip(needs_batch).map(add_batch).collect()
    })?;
    Ok((many, flags))
}

/// The type of many values one after the other.
pub(crate) fn stacked(ty: &Type, size: usize) -> Type {
    let mut ty = ty.clone();
    ty.shape.insert(0, size);
    ty
}

/// Replays a function on arrays of which some are batched, in the open trace.
pub(crate) fn replay_batched(func: &Func, params: &[Array], batched: &[bool], size: usize) -> (Vec<Array>, Vec<bool>) {
    let mut values: Vec<(Array, bool)> = Vec::with_capacity(func.value_count());
    values.extend(params.iter().cloned().zip(batched.iter().copied()));
    for inst in func.insts() {
        let (xs, flags): (Vec<Array>, Vec<bool>) = inst.args.iter().map(|value| values[value.index()].clone()).unzip();
        let results = batch_one(inst, &xs, &flags, size);
        for (value, (array, batched)) in inst.results().zip(&results) {
            check_batched(inst, array, func.ty(value), *batched, size);
        }
        values.extend(results);
    }
    func.results().iter().map(|value| values[value.index()].clone()).unzip()
}

fn batch_one(inst: &Inst, xs: &[Array], batched: &[bool], size: usize) -> Vec<(Array, bool)> {
    let count = inst.results().len();
    let run = |xs: &[Array]| apply_many(inst.prim, &xs.iter().collect::<Vec<_>>(), inst.attrs.clone(), count);
    if !batched.contains(&true) {
        return run(xs).into_iter().map(|array| (array, false)).collect();
    }
    let args = BatchArgs { prim: inst.prim, xs, batched, size, attrs: &inst.attrs };
    match inst.prim.batch {
        Batch::Elementwise => {
            let xs: Vec<Array> = (0..xs.len()).map(|i| args.with_batch(i)).collect();
            run(&xs).into_iter().map(|array| (array, true)).collect()
        }
        Batch::Rule(rule) => rule(&args),
    }
}

fn check_batched(inst: &Inst, array: &Array, ty: &Type, batched: bool, size: usize) {
    let due = if batched { stacked(ty, size) } else { ty.clone() };
    if let Ok(given) = array.ty()
        && given != due
    {
        crate::error::internal(&format!("{} batched {size} times gives {given} where {due} is due", inst.prim.name));
    }
}
