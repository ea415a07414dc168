//! Random orders.

use super::{Key, sample};
use crate::trace::evaluate;
use cotangent_ir::{Array, DType, sort_together};
use std::panic::Location;

/// The numbers below `count` in random order, as `i32`.
///
/// ```
/// use cotangent::random::{Key, permutation};
/// let mut numbers = permutation(&Key::new(0), 5).to_vec::<i32>()?;
/// numbers.sort();
/// assert_eq!(numbers, [0, 1, 2, 3, 4]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn permutation(key: &Key, count: usize) -> Array {
    sample("permutation", key, &[count], |key, count| shuffled(key, &Array::arange(count, DType::I32), 0))
}

/// The slices of an array along an axis in random order.
///
/// ```
/// use cotangent::{Array, random::{Key, permute}};
/// let rows = permute(&Key::new(1), &Array::from([[1, 2], [3, 4], [5, 6]]), 0);
/// assert_eq!(rows.sum_axes(&[1]).sort(0).to_vec::<i32>()?, [3, 7, 11]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn permute(key: &Key, x: &Array, axis: isize) -> Array {
    let location = Location::caller();
    evaluate("permute", key.clone(), |key| {
        let count = x.move_axis(axis, 0).shape().map_or(0, |shape| shape.first().copied().unwrap_or(0));
        x.take(&shuffled(&key, &Array::arange(count, DType::I32), 0), axis).into()
    })
    .at(location)
    .into_tree()
}

/// An array with the elements of each vector along an axis in a random order of its own.
///
/// ```
/// use cotangent::{Array, random::{Key, shuffle}};
/// let rows = shuffle(&Key::new(1), &Array::from([[1, 2], [3, 4], [5, 6]]), 1);
/// assert_eq!(rows.sum_axes(&[1]).to_vec::<i32>()?, [3, 7, 11]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn shuffle(key: &Key, x: &Array, axis: isize) -> Array {
    let location = Location::caller();
    evaluate("shuffle", key.clone(), |key| shuffled(&key, x, axis).into()).at(location).into_tree()
}

/// An array sorted along an axis by random words. So many rounds that equal ones, which stay in order, leave no trace in the
/// last of them.
pub(super) fn shuffled(key: &Key, x: &Array, axis: isize) -> Array {
    let Ok(ty) = x.ty() else { return x.clone() };
    let rounds = (3.0 * (ty.len().max(1) as f64).ln() / f64::from(u32::MAX).ln()).ceil() as usize;
    let (mut key, mut x) = (key.clone(), x.clone());
    for _ in 0..rounds {
        let words = key.derived(1).words_of_counters(ty.len()).bits().reshape(&ty.shape);
        x = sort_together(&[words, x], 1, axis).swap_remove(1);
        key = key.derived(0);
    }
    x
}
