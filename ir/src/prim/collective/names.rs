//! Names of axes: which are bound while a function is recorded, and the operations that take them.

use super::{ALL_GATHER, ALL_TO_ALL, PPERMUTE, PSUM, PSUM_SCATTER, PSUM_SHARED, attrs, attrs_from};
use crate::array::{Array, apply1, fail};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::prim::axes::{self, attempt};
use crate::trace::Trace;
use std::cell::RefCell;

thread_local! {
    /// The axes bound on this thread, innermost last. An axis is numbered by its position.
    static BOUND: RefCell<Vec<Named>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone)]
struct Named {
    name: String,
    size: usize,
    index: Array,
}

/// Keeps a name bound until it is dropped.
pub struct BoundAxis {
    number: usize,
}

impl BoundAxis {
    /// The number by which primitives name the axis; for [`BatchAxis`](crate::transform::vmap::BatchAxis).
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Drop for BoundAxis {
    fn drop(&mut self) {
        BOUND.with_borrow_mut(|bound| bound.truncate(self.number));
    }
}

/// Binds the name of an axis of so many instances while the function of one instance is recorded. `index` is the number
/// of the instance: an i32 scalar parameter of that function, which batching is told is batched.
pub fn bind(name: &str, size: usize, index: Array) -> BoundAxis {
    BOUND.with_borrow_mut(|bound| {
        bound.push(Named { name: name.to_string(), size, index });
        BoundAxis { number: bound.len() - 1 }
    })
}

/// One name of an axis, or several: then the instances of all these axes are meant, the last axis counting fastest.
pub trait AxisNames {
    /// The names.
    fn names(&self) -> Vec<&str>;
}

impl AxisNames for str {
    fn names(&self) -> Vec<&str> {
        vec![self]
    }
}

impl AxisNames for String {
    fn names(&self) -> Vec<&str> {
        vec![self]
    }
}

impl<T: AxisNames> AxisNames for [T] {
    fn names(&self) -> Vec<&str> {
        self.iter().flat_map(AxisNames::names).collect()
    }
}

impl<T: AxisNames, const N: usize> AxisNames for [T; N] {
    fn names(&self) -> Vec<&str> {
        self.as_slice().names()
    }
}

impl<T: AxisNames> AxisNames for Vec<T> {
    fn names(&self) -> Vec<&str> {
        self.as_slice().names()
    }
}

impl<T: AxisNames + ?Sized> AxisNames for &T {
    fn names(&self) -> Vec<&str> {
        (**self).names()
    }
}

/// The axis of a name: its number and what is known of it.
fn find(operation: &str, name: &str) -> Result<(usize, Named)> {
    BOUND.with_borrow(|bound| {
        if let Some(number) = bound.iter().rposition(|axis| axis.name == name) {
            return Ok((number, bound[number].clone()));
        }
        let names: Vec<String> = bound.iter().map(|axis| format!("`{}`", axis.name)).collect();
        let bound = if names.is_empty() { "no axis has a name".into() } else { names.join(", ") + " are bound" };
        let message = format!(
            "the axis name `{name}` is not bound here ({bound}); call this within a function batched by \
             `vmap(..).axis_name(\"{name}\")`"
        );
        Err(Error::new(ErrorKind::Trace, operation, message))
    })
}

fn find_all(operation: &str, names: &(impl AxisNames + ?Sized)) -> Result<Vec<(usize, Named)>> {
    let names = names.names();
    if let Some(twice) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name)) {
        let message = format!("the axis `{twice}` is named twice; name each axis once");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    names.into_iter().map(|name| find(operation, name)).collect()
}

/// Refuses names that are not bound.
///
/// # Errors
/// The first of them, as a mistake of `operation`.
pub fn check_bound(operation: &str, names: impl AxisNames) -> Result<()> {
    find_all(operation, &names).map(drop)
}

/// The number of this instance along a named axis, an i32 scalar. Of several axes, the number among all of their
/// instances, the last axis counting fastest.
#[track_caller]
pub fn axis_index(names: impl AxisNames) -> Array {
    let found = attempt!(find_all("axis_index", &names));
    let next = |sum: Option<Array>, (_, axis): &(usize, Named)| match sum {
        Some(sum) => Some(sum * axis.size as i32 + &axis.index),
        None => Some(axis.index.clone()),
    };
    found.iter().fold(None, next).unwrap_or_else(|| Array::from(0i32))
}

/// The number of instances along a named axis, or along several together.
///
/// # Errors
/// A name that is not bound.
pub fn axis_size(names: impl AxisNames) -> Result<usize> {
    let found = find_all("axis_size", &names)?;
    if let Some(trace) = Trace::current() {
        // What is recorded now holds for this extent only: it must not be kept for another batch.
        found.iter().try_for_each(|(_, axis)| trace.depend_on(&axis.index))?;
    }
    Ok(found.iter().map(|(_, axis)| axis.size).product())
}

impl Array {
    /// The sum over all instances of one named axis or several, the same for each of them. Bools are counted as `i32`.
    #[track_caller]
    pub fn psum(&self, names: impl AxisNames) -> Array {
        let found = attempt!(find_all("psum", &names));
        let x = if attempt!(self.dtype()).is_bool() { self.astype(DType::I32) } else { self.clone() };
        found.iter().fold(x, |x, (number, axis)| apply1(&PSUM, &[&x, &axis.index], attrs(*number, axis.size)))
    }

    /// The mean over all instances of one named axis or several (as `f32` of integers and bools).
    #[track_caller]
    pub fn pmean(&self, names: impl AxisNames) -> Array {
        let found = attempt!(find_all("pmean", &names));
        let inexact = attempt!(self.dtype()).is_inexact();
        let x = if inexact { self.clone() } else { self.astype(DType::F32) };
        let count: usize = found.iter().map(|(_, axis)| axis.size).product();
        x.psum(names) / count as f64
    }

    /// The maximum over all instances of one named axis or several, NaN if any is.
    #[track_caller]
    pub fn pmax(&self, names: impl AxisNames) -> Array {
        let found = attempt!(find_all("pmax", &names));
        found.iter().fold(self.clone(), |x, axis| gathered(&x, axis).max_axes(&[0]))
    }

    /// The minimum over all instances of one named axis or several, NaN if any is.
    #[track_caller]
    pub fn pmin(&self, names: impl AxisNames) -> Array {
        let found = attempt!(find_all("pmin", &names));
        found.iter().fold(self.clone(), |x, axis| gathered(&x, axis).min_axes(&[0]))
    }

    /// The arrays of all instances of one named axis or several, stacked along a new axis of the result, the same for
    /// each of them; or, `tiled`, one behind the other along an axis they have.
    #[track_caller]
    pub fn all_gather(&self, names: impl AxisNames, axis: isize, tiled: bool) -> Array {
        let found = attempt!(find_all("all_gather", &names));
        let shape = attempt!(self.shape());
        let rank = shape.len() + usize::from(!tiled);
        let axis = attempt!(axes::axis("all_gather", axis, rank));
        let count: usize = found.iter().map(|(_, axis)| axis.size).product();
        let all = found.iter().rev().fold(self.clone(), |x, axis| gathered(&x, axis));
        let stacked = all.reshape(&[&[count], &shape[..]].concat()).move_axis(0, axis as isize);
        if !tiled {
            return stacked;
        }
        let mut joined = shape.to_vec();
        joined[axis] *= count;
        stacked.reshape(&joined)
    }

    /// The sum over all instances of a named axis, of which each gets a part: of an axis whose extent is their number the
    /// slice with its own number, or, `tiled`, of an axis divided into as many parts the one with its own number.
    #[track_caller]
    pub fn psum_scatter(&self, name: &str, axis: isize, tiled: bool) -> Array {
        let (number, named) = attempt!(find("psum_scatter", name));
        let rank = attempt!(self.shape()).len();
        let axis = attempt!(axes::axis("psum_scatter", axis, rank));
        let parts = attempt!(divided("psum_scatter", self, axis, named.size, tiled));
        apply1(&PSUM_SCATTER, &[&parts.move_axis(axis as isize, 0), &named.index], attrs(number, named.size))
    }

    /// An exchange among the instances of a named axis: each sends slice `k` along the axis `split`, whose extent is their
    /// number, to instance `k`, and stacks what it gets along a new axis, `concat` of the result. With `tiled` the axis
    /// `split` is divided into as many parts, and those that arrive are put one behind the other along the axis `concat`.
    #[track_caller]
    pub fn all_to_all(&self, name: &str, split: isize, concat: isize, tiled: bool) -> Array {
        let (number, named) = attempt!(find("all_to_all", name));
        let rank = attempt!(self.shape()).len();
        let split = attempt!(axes::axis("all_to_all", split, rank));
        let concat = attempt!(axes::axis("all_to_all", concat, rank));
        let parts = attempt!(divided("all_to_all", self, split, named.size, tiled)).move_axis(split as isize, 0);
        let exchanged = apply1(&ALL_TO_ALL, &[&parts, &named.index], attrs(number, named.size));
        let placed = exchanged.move_axis(0, concat as isize);
        if !tiled {
            return placed;
        }
        let mut joined = attempt!(placed.shape()).to_vec();
        let count = joined.remove(concat);
        joined[concat] *= count;
        placed.reshape(&joined)
    }

    /// What other instances of a named axis have: `pairs` of source and destination. An instance that is no destination
    /// gets zeros.
    #[track_caller]
    pub fn ppermute(&self, name: &str, pairs: &[(usize, usize)]) -> Array {
        let (number, named) = attempt!(find("ppermute", name));
        let mut sources = vec![-1; named.size];
        for &(source, destination) in pairs {
            let twice = pairs.iter().filter(|pair| pair.0 == source || pair.1 == destination).count() > 1;
            if twice || source.max(destination) >= named.size {
                let message = format!(
                    "the pair ({source}, {destination}) of source and destination is out of range or repeats one of \
                     another pair; name each of the {} instances of `{name}` at most once on either side",
                    named.size
                );
                return fail(ErrorKind::Argument, "ppermute", message);
            }
            sources[destination] = source as i64;
        }
        apply1(&PPERMUTE, &[self, &named.index], attrs_from(number as i64, &sources))
    }

    /// The sum over the instances of the named axes along which `shared` is the same for all: what cotangents of
    /// something shared add up to.
    #[track_caller]
    pub fn psum_shared(&self, shared: &Array, names: impl AxisNames) -> Array {
        let found = attempt!(find_all("psum_shared", &names));
        if found.is_empty() {
            return self.clone();
        }
        let shared = shared.stop_gradient();
        found.iter().fold(self.clone(), |x, (number, axis)| {
            apply1(&PSUM_SHARED, &[&x, &shared, &axis.index], attrs(*number, axis.size))
        })
    }
}

fn gathered(x: &Array, (number, axis): &(usize, Named)) -> Array {
    apply1(&ALL_GATHER, &[x, &axis.index], attrs(*number, axis.size))
}

/// An axis in as many parts as there are instances, which become an axis in front of it; it is one already unless `tiled`.
fn divided(operation: &str, x: &Array, axis: usize, count: usize, tiled: bool) -> Result<Array> {
    let mut shape = x.shape()?.to_vec();
    let extent = shape[axis];
    let refuse = |wanted: &str| {
        let message =
            format!("axis {axis} of shape {shape:?} has extent {extent}; with {count} instances it must {wanted}");
        Err(Error::new(ErrorKind::Shape, operation, message))
    };
    match tiled {
        false if extent == count => Ok(x.clone()),
        false => refuse("have just as many elements; or ask for `tiled` parts"),
        true if count == 0 || extent % count != 0 => refuse("be divisible by their number"),
        true => {
            shape.splice(axis..=axis, [count, extent / count]);
            Ok(x.reshape(&shape))
        }
    }
}
