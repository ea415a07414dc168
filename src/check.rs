//! Derivatives checked against difference quotients.

use crate::derivative::{jvp, vjp};
use crate::tree::Tree;
use crate::{Array, random};
use cotangent_ir::{DType, Error, ErrorKind, Result};
use num_complex::Complex;
use std::panic::Location;

/// A function from a list of arrays to a list of arrays.
type ListFunction<'a> = dyn Fn(Vec<Array>) -> Vec<Array> + 'a;

/// Checks the derivatives of a function at a point, up to the given order, in forward and reverse mode: along a random
/// direction `t` and a random cotangent `w`, `J t` agrees with the central difference `(f(x + h t) - f(x - h t)) / 2h`, and
/// `⟨w, J t⟩` with `⟨Jᵀ w, t⟩`. Orders above the first check the derivative along the direction as a function in turn.
/// Double precision is accurate to about 1e-6 here, single precision to 1e-2.
///
/// ```
/// use cotangent::{Array, check_grads, custom_jvp};
/// check_grads(|x: Array| x.sin() * &x, Array::from([0.5f64, 2.0]), 2)?;
///
/// let wrong = custom_jvp(|x: Array| x.sin()).defjvp(|x: Array, t: Array| (x.sin(), x.sin() * t));
/// let error = check_grads(|x: Array| cotangent::Function::apply(&wrong, x), Array::from(0.5f64), 1).unwrap_err();
/// assert_eq!(error.operation(), "check_grads");
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A derivative that does not agree, with both numbers; a mistake in the function; arguments that are not floating point.
#[track_caller]
pub fn check_grads<A: Tree, O: Tree>(f: impl Fn(A) -> O, args: A, order: usize) -> Result<()> {
    let location = Location::caller();
    let lists = |leaves: Vec<Array>| f(args.with_leaves(leaves)).leaves();
    check_order(&lists, args.leaves(), order, 1).map_err(|error| error.at(location))
}

fn check_order(f: &ListFunction<'_>, x: Vec<Array>, order: usize, depth: u64) -> Result<()> {
    if order == 0 {
        return Ok(());
    }
    let directions = like(&x, depth)?;
    check_forward(f, &x, &directions, depth)?;
    check_reverse(f, &x, &directions, depth)?;
    let derivative = |x: Vec<Array>| match jvp(f, x.clone(), directions.clone()) {
        Ok((_, tangent)) => tangent,
        Err(error) => vec![Array::from_error(error)],
    };
    check_order(&derivative, x, order - 1, depth + 1)
}

/// Random arrays of the types of others.
fn like(arrays: &[Array], seed: u64) -> Result<Vec<Array>> {
    let key = random::Key::new(seed);
    let draw = |(number, array): (usize, &Array)| {
        let ty = array.ty()?;
        Ok(random::normal(&key.fold_in(number as i32), &ty.shape, ty.dtype))
    };
    arrays.iter().enumerate().map(draw).collect()
}

fn check_forward(f: &ListFunction<'_>, x: &[Array], directions: &[Array], depth: u64) -> Result<()> {
    let (_, tangents) = jvp(f, x.to_vec(), directions.to_vec())?;
    let step = step_of(x)?;
    let moved = |h: f64| f(x.iter().zip(directions).map(|(x, t)| x + t * h).collect());
    let (ahead, behind) = (moved(step), moved(-step));
    for (number, tangent) in tangents.iter().enumerate() {
        let quotient = (&ahead[number] - &behind[number]) / (2.0 * step);
        let (given, expected) = (elements(tangent)?, elements(&quotient)?);
        let scale = 1.0 + expected.iter().map(|z| z.norm()).fold(0.0, f64::max);
        for (position, (given, expected)) in given.iter().zip(&expected).enumerate() {
            if !agree(*given, *expected, tolerance(x)? * scale) {
                let message = format!(
                    "the derivative of order {depth} of result {number} is {given} at element {position} along a random \
                     direction, but the difference quotient is {expected}; correct the function's rule, or check at a \
                     point where it is smooth"
                );
                return Err(Error::new(ErrorKind::Argument, "check_grads", message));
            }
        }
    }
    Ok(())
}

fn check_reverse(f: &ListFunction<'_>, x: &[Array], directions: &[Array], depth: u64) -> Result<()> {
    let (_, tangents) = jvp(f, x.to_vec(), directions.to_vec())?;
    let (_, pull) = vjp(f, x.to_vec())?;
    let weights = like(&tangents, 1000 + depth)?;
    let pulled = pull.call(weights.clone())?;
    let (forward, reverse) = (pairing(&weights, &tangents)?, pairing(&pulled, directions)?);
    if !agree(forward, reverse, tolerance(x)? * (1.0 + forward.norm())) {
        let message = format!(
            "reverse mode of order {depth} does not fit forward mode: ⟨w, J t⟩ = {forward}, but ⟨Jᵀ w, t⟩ = {reverse}; \
             correct the function's rule"
        );
        return Err(Error::new(ErrorKind::Argument, "check_grads", message));
    }
    Ok(())
}

/// Whether two numbers differ by at most `tolerance`; NaN agrees with nothing.
fn agree(one: Complex<f64>, other: Complex<f64>, tolerance: f64) -> bool {
    (one - other).norm() <= tolerance
}

/// The sum of the products of corresponding elements.
fn pairing(one: &[Array], other: &[Array]) -> Result<Complex<f64>> {
    let mut sum = Complex::ZERO;
    for (a, b) in one.iter().zip(other) {
        sum += elements(a)?.iter().zip(elements(b)?).map(|(a, b)| a * b).sum::<Complex<f64>>();
    }
    Ok(sum)
}

fn elements(array: &Array) -> Result<Vec<Complex<f64>>> {
    array.astype(DType::C128).to_vec()
}

fn is_single(x: &[Array]) -> Result<bool> {
    let dtypes = x.iter().map(Array::dtype).collect::<Result<Vec<DType>>>()?;
    Ok(dtypes.iter().any(|dtype| dtype.real() == DType::F32))
}

/// The step of difference quotients: the cube root of the precision, where truncation and rounding errors are equal.
fn step_of(x: &[Array]) -> Result<f64> {
    Ok(if is_single(x)? { 5e-3 } else { 6e-6 })
}

fn tolerance(x: &[Array]) -> Result<f64> {
    Ok(if is_single(x)? { 1e-2 } else { 1e-6 })
}
