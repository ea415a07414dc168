//! Batching: a function of one item made a function of many at once.
//!
//! A batched value carries its batch as leading axis; values that do not depend on a batched parameter stay as they are,
//! so that work common to all items is done once.

use crate::array::{Array, apply_many};
use crate::error::Result;
use crate::func::{Func, Inst};
use crate::prim::{Batch, BatchArgs, collective};
use crate::trace::trace_closed;
use crate::transform::check_flags;
use crate::transform::prune::any_inst;
use crate::types::Type;

/// The axis of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchAxis {
    /// Number of items.
    pub size: usize,
    /// The number under which primitives of the family `collective` know it, if it has a name.
    pub number: Option<usize>,
}

impl From<usize> for BatchAxis {
    /// An axis without a name.
    fn from(size: usize) -> BatchAxis {
        BatchAxis { size, number: None }
    }
}

/// The function over a batch of items. The parameters flagged in `batched` have a leading batch axis, the others
/// are the same for all items. Results have one where the answer says so: where they depend on a batched parameter, or
/// everywhere if `force` is set.
///
/// # Errors
/// Flags that do not fit the parameters, or an instruction that cannot be batched (`tap`).
pub fn batch(func: &Func, batched: &[bool], axis: impl Into<BatchAxis>, force: bool) -> Result<(Func, Vec<bool>)> {
    batch_forcing(func, batched, axis.into(), &vec![force; func.results().len()])
}

/// As [`batch`], with a choice for each result.
pub(crate) fn batch_forcing(
    func: &Func,
    batched: &[bool],
    axis: BatchAxis,
    force: &[bool],
) -> Result<(Func, Vec<bool>)> {
    let size = axis.size;
    check_flags("vmap", func, batched, false)?;
    let types = func
        .param_types()
        .iter()
        .zip(batched)
        .map(|(ty, &batched)| if batched { stacked(ty, size) } else { ty.clone() });
    let mut flags = Vec::new();
    let many = trace_closed(&format!("{}_batch", func.name), types, |params| {
        let (results, batched) = replay_batched(func, params, batched, axis);
        flags.extend(batched.iter().zip(force).map(|(&batched, &force)| batched || force));
        let add_batch =
            |(array, batched): (&Array, bool)| if batched { array.clone() } else { array.broadcast_leading(size) };
        let needs_batch = batched.iter().zip(force).map(|(&batched, &force)| batched || !force);
        results.iter().zip(needs_batch).map(add_batch).collect()
    })?;
    if cfg!(debug_assertions)
        && let Some(number) = axis.number
        && any_inst(&many, &|inst| collective::names_axis(inst, number))
    {
        crate::error::internal(&format!("@{} still names the axis it is batched over", func.name));
    }
    Ok((many, flags))
}

/// The type of many values one after the other.
pub(crate) fn stacked(ty: &Type, size: usize) -> Type {
    let mut ty = ty.clone();
    ty.shape.insert(0, size);
    ty
}

/// Replays a function on arrays of which some are batched, in the open trace.
pub(crate) fn replay_batched(
    func: &Func,
    params: &[Array],
    batched: &[bool],
    axis: BatchAxis,
) -> (Vec<Array>, Vec<bool>) {
    let mut values: Vec<(Array, bool)> = Vec::with_capacity(func.value_count());
    values.extend(params.iter().cloned().zip(batched.iter().copied()));
    for inst in func.insts() {
        let (xs, flags): (Vec<Array>, Vec<bool>) = inst.args.iter().map(|value| values[value.index()].clone()).unzip();
        let results = batch_one(inst, &xs, &flags, axis);
        for (value, (array, batched)) in inst.results().zip(&results) {
            check_batched(inst, array, func.ty(value), *batched, axis.size);
        }
        values.extend(results);
    }
    func.results().iter().map(|value| values[value.index()].clone()).unzip()
}

fn batch_one(inst: &Inst, xs: &[Array], batched: &[bool], axis: BatchAxis) -> Vec<(Array, bool)> {
    let count = inst.results().len();
    let run = |xs: &[Array]| apply_many(inst.prim, &xs.iter().collect::<Vec<_>>(), inst.attrs.clone(), count);
    if !batched.contains(&true) {
        return run(xs).into_iter().map(|array| (array, false)).collect();
    }
    let args = BatchArgs { prim: inst.prim, xs, batched, size: axis.size, axis, attrs: &inst.attrs };
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
