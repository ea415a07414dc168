//! Transformations: functions from functions to functions.
//!
//! Differentiation ([`jvp`], [`linearize`], [`transpose`]) and batching ([`vmap`]) walk the instructions of a verified
//! function and ask each primitive's record for its rule; they know no primitive by name. Control flow answers by
//! transforming its sub-functions with the same functions. The remaining four ([`inline`], [`rewrite`], [`share`],
//! [`prune`]) keep the meaning and make the function smaller; [`simplify`] is the list of them.
//!
//! No transformation changes its input. Each takes time proportional to the size of the function, where a body of
//! control flow counts as often as the search for its loop-carried tangents, unknowns or batch axes visits it.

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::func::Func;
use crate::scalar::Scalar;
use crate::trace;
use crate::types::Type;

pub mod inline;
pub mod jvp;
pub mod linearize;
pub mod prune;
pub(crate) mod reach;
mod residuals;
pub mod rewrite;
pub mod share;
pub(crate) mod split;
pub mod transpose;
pub mod vmap;

/// A transformation that keeps the meaning of a function.
type Stage = fn(&Func) -> Func;

/// The stages of [`simplify`], in order.
const STAGES: [(&str, Stage); 4] =
    [("inline", inline::inline), ("rewrite", rewrite::rewrite), ("share", share::share), ("prune", prune::prune)];

/// How often [`simplify`] goes through its stages at most: sharing exposes further rewrites, rarely twice.
const ROUNDS: usize = 2;

/// The function with calls expanded, expressions rewritten into cheaper ones, common subexpressions shared and dead code
/// removed. Parameters, results and effects stay.
pub fn simplify(func: &Func) -> Func {
    let mut current = func.clone();
    for _ in 0..ROUNDS {
        let mut next = current.clone();
        for (name, stage) in STAGES {
            next = stage(&next);
            check_after(name, &next);
        }
        let settled = next == current;
        current = next;
        if settled {
            break;
        }
    }
    current
}

/// Verifies the outcome of a stage in debug builds.
pub(crate) fn check_after(stage: &str, func: &Func) {
    if cfg!(debug_assertions)
        && let Err(error) = crate::verify::verify(func)
    {
        crate::error::internal(&format!("after `{stage}`: {error}"));
    }
}

/// Zeros of a type, in the open trace.
pub(crate) fn zeros(ty: &Type) -> Array {
    Array::scalar(Scalar::zero(ty.dtype)).broadcast_to(&ty.shape)
}

/// An array, or zeros of its type where it is a symbolic zero.
pub(crate) fn instantiate(array: &Option<Array>, ty: &Type) -> Array {
    array.clone().unwrap_or_else(|| zeros(ty))
}

/// The elements of `items` whose flag is set.
pub(crate) fn select<T: Clone>(items: &[T], flags: &[bool]) -> Vec<T> {
    items.iter().zip(flags).filter(|(_, flag)| **flag).map(|(item, _)| item.clone()).collect()
}

/// Puts the items of `chosen` where a flag is set, `None` elsewhere.
pub(crate) fn scatter<T: Clone>(chosen: &[T], flags: &[bool]) -> Vec<Option<T>> {
    let mut chosen = chosen.iter();
    flags.iter().map(|&flag| if flag { chosen.next().cloned() } else { None }).collect()
}

/// The flags, each the other way.
pub(crate) fn inverted(flags: &[bool]) -> Vec<bool> {
    flags.iter().map(|flag| !flag).collect()
}

/// Sets the flags that `more` has; true if that changed anything.
pub(crate) fn join(flags: &mut [bool], more: &[bool]) -> bool {
    let mut changed = false;
    for (flag, &set) in flags.iter_mut().zip(more) {
        changed |= set && !*flag;
        *flag |= set;
    }
    changed
}

/// The function with parameter `params[k]` as its `k`-th and result `results[k]` as its `k`-th. Every parameter is named
/// once; results may be left out or repeated.
pub(crate) fn rearrange(func: &Func, params: &[usize], results: &[usize]) -> Func {
    let mut place = vec![usize::MAX; params.len()];
    for (position, &old) in params.iter().enumerate() {
        place[old] = position;
    }
    let renumber = |value: crate::func::Value| match place.get(value.index()) {
        Some(&position) => crate::func::Value::new(position),
        None => value,
    };
    let mut arranged = Func::new(func.name.clone(), params.iter().map(|&old| func.param_types()[old].clone()));
    for inst in func.insts() {
        let types: Vec<Type> = inst.results().map(|value| func.ty(value).clone()).collect();
        arranged.push(inst.prim, inst.args.iter().map(|&value| renumber(value)), inst.attrs.clone(), types);
    }
    arranged.set_results(results.iter().map(|&k| renumber(func.results()[k])).collect());
    arranged
}

/// An error value that names no place in a source: the rule of a primitive is not where the user called anything.
pub(crate) fn refusal(operation: &str, message: impl Into<String>) -> Array {
    raise(Error::new(ErrorKind::Transform, operation, message))
}

/// An error value; the open trace remembers it.
pub(crate) fn raise(error: Error) -> Array {
    if let Some(trace) = trace::Trace::current() {
        trace.note_error(&error);
    }
    Array::from_error(error)
}

/// Refuses a list of flags that does not fit a function's parameters, and differentiation by integers.
fn check_flags(operation: &str, func: &Func, flags: &[bool], inexact: bool) -> Result<()> {
    let types = func.param_types();
    if flags.len() != types.len() {
        let message = format!("@{} has {} parameters, {} flags were given", func.name, types.len(), flags.len());
        return Err(Error::new(ErrorKind::Transform, operation, message));
    }
    for (position, (ty, &flag)) in types.iter().zip(flags).enumerate() {
        if inexact && flag && !ty.dtype.is_inexact() {
            let message = format!(
                "parameter {position} of @{} is {ty}, which has no derivative; convert it to a float or complex dtype \
                 or differentiate with respect to other parameters",
                func.name
            );
            return Err(Error::new(ErrorKind::Transform, operation, message));
        }
    }
    Ok(())
}
