//! Control flow on trees: conditionals and loops as parts of a program.
//!
//! Bodies are closures over trees, traced once; what they capture is passed to them. A loop's state must keep its
//! structure and types from one iteration to the next. Inside a trace these record one instruction; outside they compile
//! and run at once, as a single program.

use crate::trace::with_error;
use crate::tree::Tree;
use cotangent_ir::prim::control::{fori_arrays, scan_arrays, switch_arrays, while_arrays};
use cotangent_ir::trace::Trace;
use cotangent_ir::{Array, DType, Error, ErrorKind, Result};
use std::cell::RefCell;
use std::panic::Location;

/// A branch as the array IR wants it.
type Branch<'a> = Box<dyn FnOnce(&[Array]) -> Vec<Array> + 'a>;

/// Repeats `body` while `condition` gives true. `condition` returns a boolean scalar; `body` returns a state of the same
/// structure and types. Forward mode differentiates through it, reverse mode does not: use [`fori_loop`] or [`scan`].
///
/// ```
/// use cotangent::{Array, while_loop};
/// let doubled = while_loop(|x: Array| x.less(100), |x| 2 * x, Array::from(3i32));
/// assert_eq!(doubled.item()?, 192.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn while_loop<C: Tree>(condition: impl Fn(C) -> Array, body: impl Fn(C) -> C, init: C) -> C {
    let location = Location::caller();
    let leaves = init.leaves();
    let holds = |state: &[Array]| condition(init.with_leaves(state.to_vec()));
    let step = |state: &[Array]| next_state("while_loop", &init, body(init.with_leaves(state.to_vec())), location);
    init.with_leaves(while_arrays(&leaves, holds, step))
}

/// Applies `body(i, state)` for `i` from `low` to `high - 1`. The index is an `i32` scalar. The number of iterations is
/// part of the program, so that forward and reverse mode differentiate through it.
///
/// ```
/// use cotangent::{Array, fori_loop, grad};
/// let power = |x: Array| fori_loop(0, 3, Array::from(1.0f64), |_, y| y * &x);
/// assert_eq!(grad(power).call(Array::from(2.0f64))?.item()?, 12.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn fori_loop<C: Tree>(low: usize, high: usize, init: C, body: impl Fn(Array, C) -> C) -> C {
    let location = Location::caller();
    let leaves = init.leaves();
    let step = |index: &Array, state: &[Array]| {
        next_state("fori_loop", &init, body(index.clone(), init.with_leaves(state.to_vec())), location)
    };
    init.with_leaves(fori_arrays(low, high, &leaves, step))
}

/// Applies `body(state, x)` to the slices `x` of `xs` along axis 0 in turn. It returns the next state and a `y`; the
/// result is the last state and all `y` stacked along a new axis 0. Forward and reverse mode differentiate through it.
///
/// ```
/// use cotangent::{Array, scan};
/// let xs = Array::from([1.0f32, 2.0, 3.0]);
/// let (total, sums) = scan(|sum: Array, x: Array| (&sum + &x, &sum + &x), Array::from(0.0f32), xs);
/// assert_eq!(total.item()?, 6.0);
/// assert_eq!(sums.to_vec::<f32>()?, [1.0, 3.0, 6.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn scan<C: Tree, X: Tree, Y: Tree>(body: impl Fn(C, X) -> (C, Y), init: C, xs: X) -> (C, Y) {
    scan_directed(body, init, xs, false)
}

/// As [`scan`], from the last slice to the first. Each `y` stands where its `x` stood.
#[track_caller]
pub fn scan_reversed<C: Tree, X: Tree, Y: Tree>(body: impl Fn(C, X) -> (C, Y), init: C, xs: X) -> (C, Y) {
    scan_directed(body, init, xs, true)
}

/// `then(operand)` where the boolean scalar `predicate` is true, else `otherwise(operand)`. Both give results of the same
/// structure and types; only one runs.
///
/// ```
/// use cotangent::{Array, cond};
/// let x = Array::from(-4.0f32);
/// let y = cond(x.less(0), |x: Array| -x, |x: Array| x.sqrt(), x);
/// assert_eq!(y.item()?, 4.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn cond<A: Tree, O: Tree>(predicate: Array, then: impl Fn(A) -> O, otherwise: impl Fn(A) -> O, operand: A) -> O {
    let location = Location::caller();
    let checked = check_scalar("cond", "the predicate", &predicate, DType::is_bool, "a boolean");
    let index = checked.map(|()| predicate.astype(DType::I32)).map_err(|error| error.at(location));
    choose("cond", index, &[&otherwise, &then], operand)
}

/// `branches[index](operand)`, with the integer scalar `index` clamped into range. All branches give results of the same
/// structure and types; only one runs.
///
/// ```
/// use cotangent::{Array, switch};
/// let branches: [&dyn Fn(Array) -> Array; 3] = [&|x| x + 1.0, &|x| x * 10.0, &|x| -x];
/// assert_eq!(switch(Array::from(1i32), &branches, Array::from(2.0f32)).item()?, 20.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Panics
/// Without any branch there is no result to give.
#[track_caller]
pub fn switch<A: Tree, O: Tree>(index: Array, branches: &[&dyn Fn(A) -> O], operand: A) -> O {
    assert!(!branches.is_empty(), "`switch`: no branches were given; pass at least one");
    let location = Location::caller();
    let checked = check_scalar("switch", "the index", &index, DType::is_int, "an integer");
    choose("switch", checked.map(|()| index).map_err(|error| error.at(location)), branches, operand)
}

#[track_caller]
fn scan_directed<C: Tree, X: Tree, Y: Tree>(body: impl Fn(C, X) -> (C, Y), init: C, xs: X, reverse: bool) -> (C, Y) {
    let location = Location::caller();
    let length = match init.leaf_types().and_then(|_| slice_count(&xs)) {
        Ok(length) => length,
        Err(error) => return with_error(&scratch(|| body(init, xs)), &error.at(location)),
    };
    let mut output: Option<Y> = None;
    let step = |state: &[Array], x: &[Array]| {
        let (next, y) = body(init.with_leaves(state.to_vec()), xs.with_leaves(x.to_vec()));
        output = Some(y.clone());
        (next_state("scan", &init, next, location), y.leaves())
    };
    let (state, ys) = scan_arrays(&init.leaves(), &xs.leaves(), length, reverse, step);
    match output {
        Some(y) => (init.with_leaves(state), y.with_leaves(ys)),
        None => cotangent_ir::error::internal("the body of a scan was not traced"),
    }
}

/// The number of slices of `xs` along axis 0.
fn slice_count<X: Tree>(xs: &X) -> Result<usize> {
    let types = xs.leaf_types()?;
    let refuse = |kind, message: String| Err(Error::new(kind, "scan", message));
    if let Some(ty) = types.iter().find(|ty| ty.rank() == 0) {
        let message =
            format!("`xs` is sliced along axis 0, but an array of it is {ty}; capture it in the body instead");
        return refuse(ErrorKind::Shape, message);
    }
    let Some(first) = types.first() else {
        let message = "`xs` has no arrays to take slices of; use `fori_loop` for a fixed number of iterations";
        return refuse(ErrorKind::Structure, message.into());
    };
    match types.iter().find(|ty| ty.shape[0] != first.shape[0]) {
        None => Ok(first.shape[0]),
        Some(ty) => {
            let message = format!(
                "the arrays of `xs` must have equal extents along axis 0, but {first} and {ty} differ; slice the longer"
            );
            refuse(ErrorKind::Shape, message)
        }
    }
}

/// The result of one of several branches.
#[track_caller]
fn choose<A: Tree, O: Tree>(operation: &str, index: Result<Array>, branches: &[&dyn Fn(A) -> O], operand: A) -> O {
    let location = Location::caller();
    let index = match index.and_then(|index| operand.leaf_types().map(|_| index)) {
        Ok(index) => index,
        Err(error) => return with_error(&scratch(|| branches[0](operand)), &error),
    };
    let leaves = operand.leaves();
    let first: RefCell<Option<O>> = RefCell::new(None);
    let recorded = |position: usize| -> Branch<'_> {
        let (first, operand, branch) = (&first, &operand, branches[position]);
        Box::new(move |params: &[Array]| {
            let output = branch(operand.with_leaves(params.to_vec()));
            let expected = first.borrow().clone();
            match expected {
                None => *first.borrow_mut() = Some(output.clone()),
                Some(expected) => {
                    if let Err(error) = check_branch(operation, &expected, position, &output) {
                        return vec![Array::from_error(error.at(location)); expected.leaves().len()];
                    }
                }
            }
            output.leaves()
        })
    };
    let results = switch_arrays(&index, (0..branches.len()).map(recorded).collect(), &leaves);
    match first.into_inner() {
        // A first branch without results cannot carry the error of another one, and need not.
        Some(output) => output.with_leaves(results.into_iter().take(output.leaves().len()).collect()),
        None => cotangent_ir::error::internal("the first branch was not traced"),
    }
}

fn check_branch<O: Tree>(operation: &str, first: &O, position: usize, other: &O) -> Result<()> {
    if alike(first, other)? {
        return Ok(());
    }
    let names = |position: usize| match (operation, position) {
        ("cond", 0) => "`otherwise`".into(),
        ("cond", _) => "`then`".into(),
        (_, position) => format!("branch {position}"),
    };
    let message = format!(
        "branches must give results of equal structure and types, but {} gives {} and {} gives {}; convert or reshape one",
        names(0),
        first.describe(),
        names(position),
        other.describe()
    );
    Err(Error::new(ErrorKind::Structure, operation, message))
}

/// The leaves of the next state, or the error that it is not like the first.
fn next_state<C: Tree>(operation: &str, init: &C, next: C, location: &'static Location<'static>) -> Vec<Array> {
    match alike(init, &next) {
        Ok(true) => next.leaves(),
        Ok(false) => {
            let message = format!(
                "the state must keep its structure and types, but starts as {} and the body returns {}; convert the \
                 initial state or what the body returns (Rust numbers belong to the structure: wrap those that change \
                 in `Array::from`)",
                init.describe(),
                next.describe()
            );
            let error = Error::new(ErrorKind::Structure, operation, message).at(location);
            vec![Array::from_error(error); init.leaves().len()]
        }
        Err(error) => vec![Array::from_error(error); init.leaves().len()],
    }
}

fn alike<T: Tree>(one: &T, other: &T) -> Result<bool> {
    Ok(one.structure() == other.structure() && one.leaf_types()? == other.leaf_types()?)
}

fn check_scalar(operation: &str, what: &str, given: &Array, fits: fn(DType) -> bool, wanted: &str) -> Result<()> {
    let ty = given.ty()?;
    if ty.rank() == 0 && fits(ty.dtype) {
        return Ok(());
    }
    let message = format!(
        "{what} must be {wanted} scalar, but is {ty}; reduce or convert it, or use `select` to choose element by element"
    );
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// The value of a closure for its structure only: what it records is thrown away.
fn scratch<O>(body: impl FnOnce() -> O) -> O {
    let _scratch = Trace::open("scratch");
    body()
}
