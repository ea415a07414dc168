//! Control flow: loops, choices and calls, whose bodies are functions held as attributes.
//!
//! Bodies are closed: what they use is passed to them, constants first. The closures that users write capture freely;
//! the functions here trace them, make one list of what they captured, and emit the instruction. Rules transform the
//! bodies with the transformation that asks, so that control flow nests without end.

use super::{Prim, WithTangents};
use crate::array::{Array, Repr};
use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};
use crate::func::Func;
use crate::trace::{Trace, Traced, trace_closed};
use crate::transform::{instantiate, raise, scatter};
use crate::types::Type;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

pub mod call;
pub mod scan;
pub mod switch;
pub mod while_loop;

pub use call::{CALL, call_func};
pub use scan::{SCAN, fori_arrays, scan_arrays};
pub use switch::{SWITCH, cond_arrays, switch_arrays};
pub use while_loop::{WHILE, while_arrays};

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&WHILE, &SCAN, &SWITCH, &CALL];

/// A nonnegative integer attribute not above `most`.
pub(super) fn count_attr(operation: &str, attrs: &Attrs, name: &str, most: usize) -> Result<usize> {
    let given = attrs.int(name);
    usize::try_from(given).ok().filter(|&count| count <= most).ok_or_else(|| {
        let message = format!("`{name}` = {given} must be between 0 and {most}");
        Error::new(ErrorKind::Argument, operation, message)
    })
}

/// A leaf of a signature: what it is called in messages, and its type.
type Leaf = (String, Type);

/// Refuses a function whose parameters are not the given ones.
pub(super) fn check_params(operation: &str, role: &str, func: &Func, due: &[Leaf]) -> Result<()> {
    let types = func.param_types();
    if types.len() != due.len() {
        let names: Vec<&str> = due.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("`{role}` takes {} values, {} are passed: {}", types.len(), due.len(), names.join(", "));
        return Err(Error::new(ErrorKind::Structure, operation, message));
    }
    for (given, (name, ty)) in types.iter().zip(due) {
        if given != ty {
            let message = format!("`{role}` takes {given} for {name}, which is {ty}");
            return Err(Error::new(kind_of_difference(given, ty), operation, message));
        }
    }
    Ok(())
}

/// Refuses a function whose first results are not of the given types. `remedy` ends the message.
pub(super) fn check_results(operation: &str, role: &str, func: &Func, due: &[Leaf], remedy: &str) -> Result<()> {
    let types = func.result_types();
    if types.len() < due.len() {
        let message = format!("`{role}` returns {} values where {} are due; {remedy}", types.len(), due.len());
        return Err(Error::new(ErrorKind::Structure, operation, message));
    }
    for (given, (name, ty)) in types.iter().zip(due) {
        if given != ty {
            let message = format!("`{role}` returns {given} for {name}, which is {ty}; {remedy}");
            return Err(Error::new(kind_of_difference(given, ty), operation, message));
        }
    }
    Ok(())
}

fn kind_of_difference(one: &Type, other: &Type) -> ErrorKind {
    if one.dtype != other.dtype { ErrorKind::DType } else { ErrorKind::Shape }
}

/// Types of arrays, or the first error among them.
fn types_of(arrays: &[Array]) -> Result<Vec<Type>> {
    arrays.iter().map(Array::ty).collect()
}

/// An error at the caller's place as often as results are due; an open trace remembers it.
#[track_caller]
fn fail_many(error: Error, count: usize) -> Vec<Array> {
    let error = error.at(Location::caller());
    if let Some(trace) = Trace::current() {
        trace.note_error(&error);
    }
    vec![Array::from_error(error); count]
}

/// What identifies a captured array: captures of several closures that are the same array are passed once.
fn identity(array: &Array) -> Option<(usize, usize)> {
    match array.repr() {
        Repr::Data(data) => Some((Arc::as_ptr(data) as usize, usize::MAX)),
        Repr::Traced(value) => Some(value.identity()),
        Repr::Error(_) => None,
    }
}

/// Functions that captured different arrays made to take one list of them, which is also returned.
pub(super) fn unify_captures(traced: Vec<Traced>) -> Result<(Vec<Arc<Func>>, Vec<Array>)> {
    let mut captures: Vec<Array> = Vec::new();
    let mut places = HashMap::new();
    let mut positions: Vec<Vec<usize>> = Vec::new();
    for array in traced.iter().map(|traced| &traced.captures) {
        let place = |array: &Array| {
            let next = captures.len();
            let place = identity(array).map_or(next, |key| *places.entry(key).or_insert(next));
            if place == next {
                captures.push(array.clone());
            }
            place
        };
        positions.push(array.iter().map(place).collect());
    }
    let types = types_of(&captures)?;
    let widen = |(traced, positions): (Traced, Vec<usize>)| {
        let own = positions.len();
        let arguments = traced.func.param_types()[own..].iter().cloned();
        let all: Vec<Type> = types.iter().cloned().chain(arguments).collect();
        trace_closed(&traced.func.name, all, |params| {
            let captured = positions.iter().map(|&place| params[place].clone());
            let args: Vec<Array> = captured.chain(params[types.len()..].iter().cloned()).collect();
            crate::trace::replay(&traced.func, &args)
        })
        .map(Arc::new)
    };
    let single = traced.len() == 1;
    let funcs = if single {
        traced.into_iter().map(|traced| Arc::new(traced.func)).collect()
    } else {
        traced.into_iter().zip(positions).map(widen).collect::<Result<_>>()?
    };
    Ok((funcs, captures))
}

/// Operands, then the tangents of the flagged ones.
fn with_tangents(xs: &[Array], tangents: &[Option<Array>], flags: &[bool]) -> Result<Vec<Array>> {
    let mut values = xs.to_vec();
    for (position, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
        values.push(instantiate(&tangents[position], &xs[position].ty()?));
    }
    Ok(values)
}

/// Divides the results of a tangent rule into results and the tangents of the flagged ones.
fn finish_jvp(outcome: Result<Vec<Array>>, flags: &[bool]) -> WithTangents {
    let mut results = outcome.unwrap_or_else(|error| vec![raise(error); flags.len() + count(flags)]);
    let tangents = results.split_off(flags.len());
    (results, scatter(&tangents, flags))
}

/// The order that puts, group by group, the flagged extras behind the items they belong to. There are as many items as
/// flags; extra `k` belongs to the `k`-th flagged item and is numbered after all items.
fn grouped(sizes: &[usize], flags: &[bool]) -> Vec<usize> {
    let mut order = Vec::new();
    let (mut start, mut extra) = (0, flags.len());
    for &size in sizes {
        order.extend(start..start + size);
        let extras = flags[start..start + size].iter().filter(|flag| **flag).count();
        order.extend(extra..extra + extras);
        (start, extra) = (start + size, extra + extras);
    }
    order
}

/// The number of flags that are set.
fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}
