//! What the instances of a function batched with [`vmap`](crate::vmap) can know of each other, through the name of their
//! axis.
//!
//! These functions take trees and do to every array in them what the method of the same name does to one. A Rust scalar in
//! a tree belongs to its structure and stays as it is; wrap it in an [`Array`] to have it summed.
//!
//! Derivatives are those of the batched function: `vmap(grad(f))` with a sum over the axis in `f` gives each instance the
//! derivative of all instances' results by what it has, as the instances' cotangents are summed, too.

use crate::tree::Tree;
use cotangent_ir::prim::collective::{self, AxisNames};
use cotangent_ir::{Array, Result};
use std::panic::Location;

/// The tree with an operation applied to every leaf. No closure takes part, so that a mistake has the caller's place.
macro_rules! each_leaf {
    ($tree:ident, |$x:ident| $result:expr) => {{
        let mut leaves = Vec::new();
        for $x in $tree.leaves() {
            leaves.push($result);
        }
        $tree.with_leaves(leaves)
    }};
}

/// The sum over all instances of a named axis, or of several: `Σ_k x_k`, the same for each of them.
///
/// ```
/// use cotangent::{Array, psum, vmap};
/// let centred = |x: Array| &x - psum(x.clone(), "rows") / 3.0;
/// let x = Array::from([1.0f32, 2.0, 6.0]);
/// assert_eq!(vmap(centred).axis_name("rows").call(x)?.to_vec::<f32>()?, [-2.0, -1.0, 3.0]);
///
/// // Over the axes of two batches at once.
/// let total = |x: Array| psum(x, ["rows", "columns"]);
/// let table = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let totals = vmap(vmap(total).axis_name("columns")).axis_name("rows").call(table)?;
/// assert_eq!(totals.to_vec::<f32>()?, [10.0; 4]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn psum<T: Tree>(tree: T, names: impl AxisNames) -> T {
    each_leaf!(tree, |x| x.psum(&names))
}

/// The mean over all instances of a named axis, or of several.
///
/// ```
/// use cotangent::{Array, pmean, vmap};
/// let x = Array::from([1.0f32, 2.0, 6.0]);
/// let mean = vmap(|x: Array| pmean(x, "i")).axis_name("i").out_leaf_axes(&[None]).call(x)?;
/// assert_eq!(mean.item()?, 3.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn pmean<T: Tree>(tree: T, names: impl AxisNames) -> T {
    each_leaf!(tree, |x| x.pmean(&names))
}

/// The maximum over all instances of a named axis, or of several; NaN if any is.
///
/// ```
/// use cotangent::{Array, pmax, vmap};
/// let softmax = |x: Array| {
///     let weight = (&x - pmax(x.clone(), "i")).exp();
///     &weight / cotangent::psum(weight.clone(), "i")
/// };
/// let weights = vmap(softmax).axis_name("i").call(Array::from([0.0f32, 0.0]))?;
/// assert_eq!(weights.to_vec::<f32>()?, [0.5, 0.5]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn pmax<T: Tree>(tree: T, names: impl AxisNames) -> T {
    each_leaf!(tree, |x| x.pmax(&names))
}

/// The minimum over all instances of a named axis, or of several; NaN if any is.
///
/// ```
/// use cotangent::{Array, pmin, vmap};
/// let above = vmap(|x: Array| &x - pmin(x.clone(), "i")).axis_name("i").call(Array::from([3.0f32, 1.0]))?;
/// assert_eq!(above.to_vec::<f32>()?, [2.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn pmin<T: Tree>(tree: T, names: impl AxisNames) -> T {
    each_leaf!(tree, |x| x.pmin(&names))
}

/// What all instances of a named axis, or of several, have, stacked along a new axis; or, `tiled`, one behind the other
/// along an axis the arrays have.
///
/// ```
/// use cotangent::{Array, all_gather, vmap};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let rank = |row: Array| {
///     let all = all_gather(row.sum(), "i", 0, false);
///     all.less(row.sum()).sum()
/// };
/// assert_eq!(vmap(rank).axis_name("i").call(x.clone())?.to_vec::<i32>()?, [0, 1]);
/// let joined = vmap(|row: Array| all_gather(row, "i", 0, true)).axis_name("i").call(x)?;
/// assert_eq!(joined.shape()?[..], [2, 4]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn all_gather<T: Tree>(tree: T, names: impl AxisNames, axis: isize, tiled: bool) -> T {
    each_leaf!(tree, |x| x.all_gather(&names, axis, tiled))
}

/// The sum over all instances of a named axis, dealt out to them along an axis: see [`Array::psum_scatter`].
///
/// ```
/// use cotangent::{Array, psum_scatter, vmap};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let columns = vmap(|row: Array| psum_scatter(row, "i", 0, false)).axis_name("i").call(x)?;
/// assert_eq!(columns.to_vec::<f32>()?, [4.0, 6.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn psum_scatter<T: Tree>(tree: T, name: &str, axis: isize, tiled: bool) -> T {
    each_leaf!(tree, |x| x.psum_scatter(name, axis, tiled))
}

/// An exchange of slices among the instances of a named axis: see [`Array::all_to_all`].
///
/// ```
/// use cotangent::{Array, all_to_all, vmap};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let transposed = vmap(|row: Array| all_to_all(row, "i", 0, 0, false)).axis_name("i").call(x)?;
/// assert_eq!(transposed.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn all_to_all<T: Tree>(tree: T, name: &str, split: isize, concat: isize, tiled: bool) -> T {
    each_leaf!(tree, |x| x.all_to_all(name, split, concat, tiled))
}

/// What other instances of a named axis have, by pairs of source and destination; zeros for an instance that is no
/// destination.
///
/// ```
/// use cotangent::{Array, ppermute, vmap};
/// let x = Array::from([1.0f32, 2.0, 3.0]);
/// let previous = vmap(|x: Array| ppermute(x, "i", &[(0, 1), (1, 2)])).axis_name("i").call(x)?;
/// assert_eq!(previous.to_vec::<f32>()?, [0.0, 1.0, 2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn ppermute<T: Tree>(tree: T, name: &str, pairs: &[(usize, usize)]) -> T {
    each_leaf!(tree, |x| x.ppermute(name, pairs))
}

/// The number of this instance along a named axis, an i32 scalar; along several, among all of their instances, the last
/// axis counting fastest.
///
/// ```
/// use cotangent::{Array, axis_index, vmap};
/// let x = Array::from([5.0f32, 5.0, 5.0]);
/// assert_eq!(vmap(|x: Array| x * axis_index("i")).axis_name("i").call(x)?.to_vec::<f32>()?, [0.0, 5.0, 10.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn axis_index(names: impl AxisNames) -> Array {
    collective::axis_index(names)
}

/// The number of instances along a named axis, or along several together.
///
/// # Errors
/// A name that is not bound here.
///
/// ```
/// use cotangent::{Array, axis_size, vmap};
/// let x = Array::from([1.0f32, 2.0, 3.0]);
/// let scaled = vmap(|x: Array| x * axis_size("i").map_or(0.0, |size| size as f32)).axis_name("i").call(x)?;
/// assert_eq!(scaled.to_vec::<f32>()?, [3.0, 6.0, 9.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn axis_size(names: impl AxisNames) -> Result<usize> {
    let location = Location::caller();
    collective::axis_size(names).map_err(|error| error.at(location))
}
