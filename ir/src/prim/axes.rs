//! Axes and positions: what the families that move elements share.
//!
//! Users name axes by signed numbers, negative ones from the end, and get an error that names the rank and what it
//! allows. Primitives hold axes as nonnegative attributes, which their type rules check here. Positions are row-major.

use crate::array::Array;
use crate::attrs::Attrs;
use crate::error::{Error, ErrorKind, Result};
use crate::trace::Trace;
use crate::types::Dims;
use std::panic::Location;

/// The most elements an array may have: sixteen bytes of each must be addressable.
const MOST_ELEMENTS: usize = isize::MAX as usize / 16;

/// An error at the caller's place as a value; an open trace remembers it.
#[track_caller]
pub(crate) fn failed(error: Error) -> Array {
    let error = error.at(Location::caller());
    if let Some(trace) = Trace::current() {
        trace.note_error(&error);
    }
    Array::from_error(error)
}

/// The value of a `Result`; of an `Err`, the enclosing function returns the error value.
///
/// This is no closure-taking function because a closure would not pass on its caller's place.
macro_rules! attempt {
    ($outcome:expr) => {
        match $outcome {
            Ok(value) => value,
            Err(error) => return $crate::prim::axes::failed(error),
        }
    };
}
pub(crate) use attempt;

/// An axis as users name it, as an index.
pub(crate) fn axis(operation: &str, axis: isize, rank: usize) -> Result<usize> {
    let signed = rank as isize;
    if (-signed..signed).contains(&axis) {
        return Ok(if axis < 0 { axis + signed } else { axis } as usize);
    }
    let remedy = match rank {
        0 => "a scalar has no axes".to_string(),
        _ => format!("use one of {}..={}", -signed, signed - 1),
    };
    let message = format!("axis {axis} is out of range for an array of rank {rank}; {remedy}");
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// Distinct axes as users name them, as indices in the order given.
pub(crate) fn axes(operation: &str, axes: &[isize], rank: usize) -> Result<Dims> {
    let mut found = Dims::new();
    for &named in axes {
        let index = axis(operation, named, rank)?;
        if found.contains(&index) {
            let message = format!("axes {axes:?} name axis {index} of an array of rank {rank} twice; name each once");
            return Err(Error::new(ErrorKind::Argument, operation, message));
        }
        found.push(index);
    }
    Ok(found)
}

/// The attribute `name` as distinct axes of an array of the given rank.
pub(crate) fn axes_attr(operation: &str, attrs: &Attrs, name: &str, rank: usize) -> Result<Dims> {
    let given = attrs.ints(name);
    let mut found = Dims::new();
    for &axis in given {
        match usize::try_from(axis) {
            Ok(index) if index < rank && !found.contains(&index) => found.push(index),
            _ => {
                let message = format!("`{name}` = {given:?} must be distinct axes below the rank {rank}");
                return Err(Error::new(ErrorKind::Argument, operation, message));
            }
        }
    }
    Ok(found)
}

/// One axis attribute of an array of the given rank.
pub(crate) fn axis_attr(operation: &str, attrs: &Attrs, name: &str, rank: usize) -> Result<usize> {
    let given = attrs.int(name);
    usize::try_from(given).ok().filter(|&axis| axis < rank).ok_or_else(|| {
        let message = format!("`{name}` = {given} must be an axis, from 0 to below the rank {rank}");
        Error::new(ErrorKind::Argument, operation, message)
    })
}

/// Extents given as signed numbers, checked to be nonnegative and to have an addressable number of elements.
pub(crate) fn extents(operation: &str, given: &[i64]) -> Result<Dims> {
    let converted: Option<Dims> = given.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    match converted {
        Some(shape) => addressable(operation, &shape).map(|()| shape),
        None => {
            let message = format!("the shape {given:?} has a negative extent");
            Err(Error::new(ErrorKind::Shape, operation, message))
        }
    }
}

/// Refuses a shape with more elements than memory can hold.
pub(crate) fn addressable(operation: &str, shape: &[usize]) -> Result<()> {
    let mut nonzero = shape.iter().filter(|&&extent| extent > 0);
    let count = nonzero.try_fold(1usize, |count, &extent| count.checked_mul(extent));
    match count {
        Some(count) if count <= MOST_ELEMENTS => Ok(()),
        _ => {
            let message = format!("the shape {shape:?} has more elements than memory can hold");
            Err(Error::new(ErrorKind::Shape, operation, message))
        }
    }
}

/// The axes below `rank` that `named` does not contain, in order.
pub(crate) fn others(named: &[usize], rank: usize) -> Dims {
    (0..rank).filter(|axis| !named.contains(axis)).collect()
}

/// The permutation that undoes `permutation`.
pub(crate) fn inverse(permutation: &[usize]) -> Dims {
    let mut inverse = Dims::from_elem(0, permutation.len());
    for (position, &axis) in permutation.iter().enumerate() {
        inverse[axis] = position;
    }
    inverse
}

/// `axes` of an inner array as axes of the same array with a leading batch axis.
pub(crate) fn behind_batch(axes: &[usize]) -> Dims {
    axes.iter().map(|axis| axis + 1).collect()
}

/// A shape with a leading extent.
pub(crate) fn with_leading(size: usize, shape: &[usize]) -> Dims {
    std::iter::once(size).chain(shape.iter().copied()).collect()
}

/// The index of a row-major position.
pub(crate) fn index_of(mut position: usize, shape: &[usize]) -> Dims {
    let mut index = Dims::from_elem(0, shape.len());
    for axis in (0..shape.len()).rev() {
        index[axis] = position % shape[axis];
        position /= shape[axis];
    }
    index
}

/// The row-major position of an index.
pub(crate) fn position_of(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |position, (&at, &extent)| position * extent + at)
}
