//! Functions with derivatives of their own.
//!
//! [`custom_jvp`] and [`custom_vjp`] replace the derivative of a function by a rule: because the rule is more accurate or
//! cheaper, or because the function has no derivative where one is wanted. Rules are functions of arrays like others, so
//! derivatives of all orders, batching and compilation pass through them.
//!
//! What a rule differentiates by are the arguments. Numbers, flags and functions that are not differentiated by belong
//! into the closure, into the arguments as Rust numbers, or into an argument that
//! [`nondiff`](WithJvp::nondiff) names; an array that is not an argument of the rule and turns out to be differentiated by
//! is an error.
//!
//! Tangents and cotangents of integers and bools are [trivial](crate::trivial_tangent), in rules as elsewhere.
//!
//! A rule with *symbolic zeros* is told which tangents or cotangents are zero because nothing is differentiated there, and
//! can leave out what they would be multiplied by. It gets `None` for these and may return `None` for zero. It is traced
//! once for each set of arrays that can be meant: for up to four arrays for every set, for more for all together and for
//! each alone, where other sets count as all.

use crate::tangent::{tangent_type, zeros};
use crate::trace::check_like;
use crate::tree::Tree;
use cotangent_ir::{Array, Error, ErrorKind, Result, Type};

mod arguments;
mod cotangent;
mod tangent;

pub use arguments::{AllDifferentiated, Nondifferentiated};
pub use cotangent::{CustomVjp, CustomVjpPrimal, CustomVjpSymbolic, custom_vjp};
pub use tangent::{
    ClosureRule, CustomJvp, JvpRule, JvpRules, NoTangent, Ruled, WithJvp, WithJvpSymbolic, WithJvps, custom_jvp,
};

/// How many arrays are told apart one by one by a rule with symbolic zeros.
const TOLD_APART: usize = 4;

/// The sets of `count` arrays that rules are traced for, the whole first, without the empty one.
fn subsets(count: usize, symbolic: bool) -> Vec<Vec<bool>> {
    let whole = vec![true; count];
    let smaller: Vec<Vec<bool>> = match count {
        _ if !symbolic => Vec::new(),
        0..=TOLD_APART => {
            (1..(1usize << count) - 1).map(|set| (0..count).map(|k| set >> k & 1 == 1).collect()).collect()
        }
        _ => (0..count).map(|one| (0..count).map(|k| k == one).collect()).collect(),
    };
    std::iter::once(whole).chain(smaller).collect()
}

/// The arrays of which a flag is set.
fn chosen(arrays: &[Array], flags: &[bool]) -> Vec<Array> {
    arrays.iter().zip(flags).filter(|(_, flag)| **flag).map(|(array, _)| array.clone()).collect()
}

/// The leaves of a tree that have tangents, and their types.
fn varying<T: Tree>(tree: &T) -> Result<(Vec<Array>, Vec<Type>)> {
    let pairs = tree.leaves().into_iter().zip(tree.leaf_types()?).filter(|(_, ty)| ty.dtype.is_inexact());
    Ok(pairs.unzip())
}

/// Tangents for all leaves of a tree: of those that have some, the given ones where a flag is set.
fn spread<T: Tree>(tree: &T, given: Vec<Array>, flags: &[bool]) -> Vec<Option<Array>> {
    let (mut given, mut flags) = (given.into_iter(), flags.iter());
    let one = |leaf: Array| match leaf.dtype() {
        Ok(dtype) if dtype.is_inexact() => {
            if flags.next() == Some(&true) {
                given.next()
            } else {
                None
            }
        }
        _ => None,
    };
    tree.leaves().into_iter().map(one).collect()
}

/// The tree of tangents of a tree, zeros and trivial ones included.
fn instantiated<T: Tree>(tree: &T, tangents: Vec<Option<Array>>) -> T {
    let fill = |(leaf, tangent): (Array, Option<Array>)| match (tangent, leaf.ty()) {
        (Some(tangent), _) => tangent,
        (None, Ok(ty)) => zeros(&tangent_type(&ty)),
        (None, Err(_)) => leaf,
    };
    tree.with_leaves(tree.leaves().into_iter().zip(tangents).map(fill).collect())
}

/// What stands in place of the leaves of `like`, which must have the structure of that.
fn unspread<T: Tree>(
    operation: &str,
    what: &str,
    like: &T,
    given: &T::Of<Option<Array>>,
) -> Result<Vec<Option<Array>>> {
    let mut list = Vec::new();
    T::push_trees(given, &mut list);
    let fits = list.len() == like.leaves().len() && like.with_trees(list.clone()).structure() == given.structure();
    if fits {
        return Ok(list);
    }
    let message = format!(
        "{what} has {} arrays or `None`s in another structure than {}; return one for each array",
        list.len(),
        like.describe()
    );
    Err(Error::new(ErrorKind::Structure, operation, message))
}

/// Checks tangents that a rule with symbolic zeros returns for a tree.
fn check_symbolic<T: Tree>(operation: &str, what: &str, given: &[Option<Array>], of: &T, remedy: &str) -> Result<()> {
    let due = of.map_leaves(|leaf| match leaf.ty() {
        Ok(ty) => zeros(&tangent_type(&ty)),
        Err(_) => leaf,
    });
    check_like(operation, what, &instantiated(of, given.to_vec()), &due, remedy)
}

/// Of tangents for all leaves of a tree, those of leaves that have some: which are not zero, and these.
fn present<T: Tree>(of: &T, given: Vec<Option<Array>>) -> Result<(Vec<bool>, Vec<Array>)> {
    let (mut flags, mut arrays) = (Vec::new(), Vec::new());
    for (tangent, ty) in given.into_iter().zip(of.leaf_types()?) {
        if ty.dtype.is_inexact() {
            flags.push(tangent.is_some());
            arrays.extend(tangent);
        }
    }
    Ok((flags, arrays))
}
