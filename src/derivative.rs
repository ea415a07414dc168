//! Derivatives at a point: tangents pushed forward, cotangents pulled back.
//!
//! `jvp`, `linearize` and `vjp` use the bilinear pairing without conjugation: `vjp` gives `Jᵀ ct`. `cvjp` conjugates: it
//! gives `Jᴴ ct`. For real data the two agree.
//!
//! `linearize` and `vjp` compute the value of the function and what its derivative depends on once. The maps they give
//! keep that and do no work of the function again but cheap arithmetic, which takes less time than reading its outcome
//! from memory.
//!
//! The variants with `_aux` are for functions that return, besides the result to differentiate, other arrays: statistics,
//! intermediate values. These come back as they are and have no tangents.

use crate::function::Function;
use crate::linear::{Direction, LinearMap};
use crate::tangent::{check_tangents, differentiable, inexact_flags, tangent_template, tangent_type, zeros};
use crate::trace::{Evaluated, Recorded, evaluate, execute, name_of, record};
use crate::tree::Tree;
use cotangent_ir::prim::collective::AxisNames;
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::transform::linearize::Linearized;
use cotangent_ir::transform::{inline, jvp as forward, linearize as linearization};
use cotangent_ir::{Array, Error, Func, Result, Type};
use std::panic::Location;

/// The value of a function and its derivative in a direction: `(f(x), J t)`. Tangents have the structure and types of the
/// arguments, [trivial](crate::trivial_tangent) ones for integers and bools.
///
/// ```
/// use cotangent::{Array, jvp};
/// let (y, t) = jvp(|x: Array| x.sin(), Array::from(0.1f32), Array::from(0.2f32))?;
/// assert_eq!(format!("{:.8} {:.8}", y.item()?, t.item()?), "0.09983342 0.19900084");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; tangents unlike the arguments.
#[track_caller]
pub fn jvp<F, A, M>(function: F, primals: A, tangents: A) -> Result<(F::Output, F::Output)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    pushed(&function, primals, tangents, F::Output::clone).map_err(|error| error.at(location))
}

/// As [`jvp`], for a function that returns its result together with auxiliary ones: `(f(x), J t, auxiliary)`.
///
/// ```
/// use cotangent::{Array, jvp_aux};
/// let f = |x: Array| (x.square(), x.sin());
/// let (y, t, sine) = jvp_aux(f, Array::from(3.0f64), Array::from(1.0f64))?;
/// assert_eq!((y.item()?, t.item()?, sine.item()?), (9.0, 6.0, 3f64.sin()));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`jvp`].
#[track_caller]
pub fn jvp_aux<F, A, M, O, X>(function: F, primals: A, tangents: A) -> Result<(O, O, X)>
where
    F: Function<A, M, Output = (O, X)>,
    A: Tree,
    O: Tree,
    X: Tree,
{
    let location = Location::caller();
    let function = |args: A| without_tangents(function.apply(args));
    let pushed = pushed(&function, primals, tangents, |(output, _): &(O, X)| output.clone());
    pushed.map(|((output, aux), tangent)| (output, tangent, aux)).map_err(|error| error.at(location))
}

/// A result and its auxiliary ones, these as if they were constant.
pub(crate) fn without_tangents<O, X: Tree>((output, aux): (O, X)) -> (O, X) {
    (output, aux.map_leaves(|leaf| leaf.stop_gradient()))
}

/// The value of a function and the tangent of the leading part of it that `main` tells.
fn pushed<F, A, M, O>(function: &F, primals: A, tangents: A, main: fn(&F::Output) -> O) -> Result<(F::Output, O)>
where
    F: Function<A, M>,
    A: Tree,
    O: Tree,
{
    check_tangents("jvp", &tangents, &primals)?;
    let body = |(primals, tangents): (A, A)| {
        let Recorded { output, outcome } = record(&name_of::<F>(), &primals, |args| function.apply(args));
        let main = main(&output);
        let count = main.leaves().len();
        let outcome = outcome.and_then(|traced| push_forward(traced, &primals, &tangents, count));
        Evaluated::new((output, main), outcome)
    };
    evaluate("jvp", (primals, tangents), body).into_result()
}

/// The results of a recorded function, then the tangents of the first `count` of them.
fn push_forward<A: Tree>(traced: Traced, primals: &A, tangents: &A, count: usize) -> Result<Vec<Array>> {
    let Traced { func, captures } = traced;
    let func = inline::inline(&func);
    let mut varying = vec![false; captures.len()];
    varying.extend(inexact_flags(&primals.leaf_types()?));
    let (pushed, nonzero) = forward::jvp(&func, &varying)?;
    let own = tangents.leaves().into_iter().zip(&varying[captures.len()..]).filter_map(|(t, &flag)| flag.then_some(t));
    let operands: Vec<Array> = captures.iter().cloned().chain(primals.leaves()).chain(own).collect();
    let mut results = replay(&pushed, &operands);
    let tangents = results.split_off(nonzero.len());
    let types: Vec<Type> = func.result_types().iter().map(tangent_type).collect();
    results.extend(with_zeros(tangents, &nonzero, &types).into_iter().take(count));
    Ok(results)
}

/// Tangents of the given types: what was computed where a flag is set, zeros elsewhere.
pub(crate) fn with_zeros(computed: Vec<Array>, present: &[bool], types: &[Type]) -> Vec<Array> {
    let mut computed = computed.into_iter();
    let one = |(&present, ty): (&bool, &Type)| match present.then(|| computed.next()).flatten() {
        Some(array) => array,
        None => zeros(ty),
    };
    present.iter().zip(types).map(one).collect()
}

/// The value of a function and its derivative at that place, as a linear map of tangents that can be applied repeatedly.
///
/// ```
/// use cotangent::{Array, linearize};
/// let (y, push) = linearize(|x: Array| 3.0 * x.sin() + (0.5 * &x).cos(), Array::from(2.0f32))?;
/// assert_eq!(format!("{:.7}", y.item()?), "3.2681944");
/// assert_eq!(format!("{:.6}", push.call(Array::from(3.0f32))?.item()?), "-5.007528");
/// assert_eq!(format!("{:.6}", push.call(Array::from(4.0f32))?.item()?), "-6.676704");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; arguments that cannot be differentiated by.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn linearize<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<A, F::Output>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    linearized("linearize", &function, &primals, F::Output::clone).map_err(|error| error.at(location))
}

/// As [`linearize`], for a function that returns its result together with auxiliary ones: `(f(x), t ↦ J t, auxiliary)`.
///
/// ```
/// use cotangent::{Array, linearize_aux};
/// let f = |x: Array| (x.square(), x.sin());
/// let (y, push, sine) = linearize_aux(f, Array::from(3.0f64))?;
/// assert_eq!((y.item()?, sine.item()?), (9.0, 3f64.sin()));
/// assert_eq!(push.call(Array::from(2.0f64))?.item()?, 12.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`linearize`].
#[track_caller]
pub fn linearize_aux<F, A, M, O, X>(function: F, primals: A) -> Result<(O, LinearMap<A, O>, X)>
where
    F: Function<A, M, Output = (O, X)>,
    A: Tree,
    O: Tree,
    X: Tree,
{
    let location = Location::caller();
    linearized_aux("linearize", &function, &primals).map_err(|error| error.at(location))
}

/// The value of a function and its derivative transposed, as a linear map from cotangents of the result to cotangents of
/// the arguments: `ct ↦ Jᵀ ct`, without conjugation.
///
/// ```
/// use cotangent::{Array, vjp};
/// let f = |x: Array, y: Array| (x.sin(), y.cos());
/// let (values, pull) = vjp(f, (Array::from(0.5f32), Array::from(1.0f32)))?;
/// assert_eq!(format!("{:.8} {:.7}", values.0.item()?, values.1.item()?), "0.47942555 0.5403023");
/// let (x, y) = pull.call((Array::from(-0.7f32), Array::from(0.3f32)))?;
/// assert_eq!(format!("{:.8} {:.7}", x.item()?, y.item()?), "-0.61430776 -0.2524413");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A mistake in the function; arguments that cannot be differentiated by; a function without a transposable derivative.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn vjp<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("vjp", &function, &primals, F::Output::clone)?;
        Ok((output, map.transpose()?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// As [`vjp`], for a function that returns its result together with auxiliary ones: `(f(x), ct ↦ Jᵀ ct, auxiliary)`.
///
/// ```
/// use cotangent::{Array, vjp_aux};
/// let f = |x: Array| (x.square(), x.sin());
/// let (y, pull, sine) = vjp_aux(f, Array::from(3.0f64))?;
/// assert_eq!((y.item()?, sine.item()?), (9.0, 3f64.sin()));
/// assert_eq!(pull.call(Array::from(10.0f64))?.item()?, 60.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`vjp`].
#[track_caller]
pub fn vjp_aux<F, A, M, O, X>(function: F, primals: A) -> Result<(O, LinearMap<O, A>, X)>
where
    F: Function<A, M, Output = (O, X)>,
    A: Tree,
    O: Tree,
    X: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map, aux) = linearized_aux("vjp", &function, &primals)?;
        Ok((output, map.transpose()?, aux))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// As [`vjp`], with the cotangents of arguments that are the same for all instances of a named axis summed over it: what
/// a batch has in common gets the cotangents of all its items.
///
/// ```
/// use cotangent::{Array, Function, vjp_reduced, vmap};
/// let pulled = |w: Array, x: Array| match vjp_reduced(|w: Array, x: Array| w * x, (w, x), "i") {
///     Ok((_, pull)) => pull.apply(Array::from(1.0f32)),
///     Err(error) => (Array::from_error(error.clone()), Array::from_error(error)),
/// };
/// let batched = vmap(pulled).in_axes(&[None, Some(0)]).axis_name("i").out_leaf_axes(&[None, Some(0)]);
/// let (by_w, by_x) = batched.call((Array::from(2.0f32), Array::from([1.0f32, 3.0])))?;
/// assert_eq!(by_w.item()?, 4.0);
/// assert_eq!(by_x.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`vjp`]; a name that is not bound.
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn vjp_reduced<F, A, M>(
    function: F,
    primals: A,
    reduce_axes: impl AxisNames,
) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("vjp", &function, &primals, F::Output::clone)?;
        Ok((output, map.transpose()?.summed_where_shared(&primals.leaves(), &reduce_axes)?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

/// The value of a function and its conjugated derivative transposed, as a map from cotangents of the result to cotangents
/// of the arguments: `ct ↦ Jᴴ ct`. As [`vjp`](crate::vjp) for real arrays.
///
/// ```
/// use cotangent::{Array, cvjp};
/// use num_complex::Complex;
/// let z = Array::from(Complex::new(1.0f64, 2.0));
/// let (_, pull) = cvjp(|z: Array| &z * &z, z)?;
/// let ct = pull.call(Array::from(Complex::new(1.0f64, 0.0)))?;
/// assert_eq!(ct.to_vec::<Complex<f64>>()?, [Complex::new(2.0, -4.0)]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`vjp`](crate::vjp).
#[track_caller]
#[expect(clippy::type_complexity, reason = "the two types, written out, are what a reader wants to know")]
pub fn cvjp<F, A, M>(function: F, primals: A) -> Result<(F::Output, LinearMap<F::Output, A>)>
where
    F: Function<A, M>,
    A: Tree,
{
    let location = Location::caller();
    let attempt = || {
        let (output, map) = linearized("cvjp", &function, &primals, F::Output::clone)?;
        Ok((output, map.adjoint()?))
    };
    attempt().map_err(|error: Error| error.at(location))
}

fn linearized_aux<F, A, M, O, X>(operation: &'static str, function: &F, primals: &A) -> Result<(O, LinearMap<A, O>, X)>
where
    F: Function<A, M, Output = (O, X)>,
    A: Tree,
    O: Tree,
    X: Tree,
{
    differentiable(operation, primals, function.allows_int())?;
    // Checked above: the closure is not known to allow integers.
    let function = crate::tangent::allow_int(|args: A| without_tangents(function.apply(args)));
    let ((output, aux), map) = linearized(operation, &function, primals, |(output, _): &(O, X)| output.clone())?;
    Ok((output, map, aux))
}

/// The value of a function, and the derivative of the leading part of it that `main` tells.
fn linearized<F, A, M, O>(
    operation: &'static str,
    function: &F,
    primals: &A,
    main: fn(&F::Output) -> O,
) -> Result<(F::Output, LinearMap<A, O>)>
where
    F: Function<A, M>,
    A: Tree,
    O: Tree,
{
    differentiable(operation, primals, function.allows_int())?;
    let Recorded { output, outcome } = record(&name_of::<F>(), primals, |args| function.apply(args));
    let Traced { func, captures } = outcome?;
    let takes = inexact_flags(&primals.leaf_types()?);
    let varying = [vec![false; captures.len()], takes.clone()].concat();
    let Linearized { primal, residuals: _, linear, nonzero } =
        linearization::linearize(&inline::inline(&func), &varying)?;
    let (results, coefficients) = computed(&primal, nonzero.len(), &[captures, primals.leaves()].concat())?;
    let main = main(&output);
    let map = LinearMap {
        operation,
        direction: Direction::Tangents,
        func: linear,
        coefficients,
        takes,
        gives: nonzero[..main.leaves().len()].to_vec(),
        input: tangent_template(primals),
        output: tangent_template(&main),
        conjugate: false,
    };
    Ok((output.with_leaves(results), map))
}

/// The first `count` results of a function, and the others. What of these is an operand is not computed, nor copied.
fn computed(func: &Func, count: usize, operands: &[Array]) -> Result<(Vec<Array>, Vec<Array>)> {
    let values = func.results().to_vec();
    let is_computed = |position: usize| position < count || !func.is_param(values[position]);
    let mut rest = func.clone();
    rest.set_results((0..values.len()).filter(|&position| is_computed(position)).map(|k| values[k]).collect());
    let mut computed = execute(&rest, operands)?.into_iter();
    let mut result = |position: usize| match is_computed(position) {
        true => computed.next().unwrap_or_else(|| cotangent_ir::error::internal("fewer results than were computed")),
        false => operands[values[position].index()].clone(),
    };
    let mut results: Vec<Array> = (0..values.len()).map(&mut result).collect();
    let others = results.split_off(count);
    Ok((results, others))
}
