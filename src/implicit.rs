//! Solvers differentiated by what they solve, not through their iterations.
//!
//! The derivative of a solution follows from its equation: of a linear system by one more solve, of a root by the implicit
//! function theorem. The solver may be anything, loops with a stopping rule included. What the equation's closure captured
//! is what can be differentiated by.

use crate::derivative::jvp;
use crate::linear::linear_transpose;
use crate::trace::{Evaluated, Recorded, check_like, evaluate, record, with_error};
use crate::tree::Tree;
use cotangent_ir::error::internal;
use cotangent_ir::prim::implicit::{LinearSystem, linear_solve_arrays, root_arrays};
use cotangent_ir::trace::{Traced, replay};
use cotangent_ir::{Array, Result};
use std::panic::Location;

/// The solution `x` of the linear system `A x = b`, found by `solve`, which gets `x ↦ A x` and `b`. `transpose_solve` does
/// the same for the transposed system, `x ↦ Aᵀ x`; for a symmetric system it is the same closure. Derivatives by `b` and
/// by what `matvec` captured are those of the solution: `dx = A⁻¹ (db − dA x)`.
///
/// ```
/// use cotangent::{Array, Function, custom_linear_solve, fori_loop, grad};
///
/// // Conjugate gradients for a symmetric positive definite system.
/// let cg = |matvec: &dyn Fn(Array) -> Array, b: Array| {
///     let start = (b.zeros_like(), b.clone(), b.clone());
///     let (x, ..) = fori_loop(0, 3, start, |_, (x, r, p): (Array, Array, Array)| {
///         let (ap, rr) = (matvec(p.clone()), (&r * &r).sum());
///         let alpha = &rr / (&p * &ap).sum();
///         let (x, r) = (x + &alpha * &p, r - alpha * ap);
///         let beta = (&r * &r).sum() / rr;
///         (x, r.clone(), r + beta * p)
///     });
///     x
/// };
/// let b = Array::from([1.0f64, 2.0, 3.0]);
/// let total = |d: Array| custom_linear_solve(|x: Array| &d * x, b.clone(), cg, cg).sum();
/// // The solution is b / d, and the derivative of its sum -b / d².
/// let slope = grad(total).call(Array::from([1.0f64, 2.0, 4.0]))?.to_vec::<f64>()?;
/// assert!(slope.iter().zip([-1.0, -0.5, -0.1875]).all(|(a, b)| (a - b).abs() < 1e-9));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn custom_linear_solve<T: Tree>(
    matvec: impl Fn(T) -> T,
    b: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
    transpose_solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
) -> T {
    let location = Location::caller();
    let body = |b: T| {
        let outcome = (|| {
            let applied = recorded("matvec", &b, &b, &matvec)?;
            let solved = recorded("solve", &b, &b, |b| solve(&matvec, b))?;
            let transposed = recorded("transpose_solve", &b, &b, |b: T| {
                let transposed = |x: T| match linear_transpose(&matvec, &x) {
                    Ok(map) => applied_or_error(map.call(x.clone()), &x),
                    Err(error) => with_error(&x, &error),
                };
                transpose_solve(&transposed, b)
            })?;
            let again = same(&solved);
            Ok(linear_solve_arrays(LinearSystem { matvec: applied, solve: solved, again, transposed }, &b.leaves()))
        })();
        Evaluated::new(b, outcome)
    };
    evaluate("custom_linear_solve", b, body).at(location).into_tree()
}

/// The solution of a system whose map is its own adjoint, by a solver that tells more than the solution, of which nothing is
/// differentiated. `again` solves for tangents; with conjugates around it, it solves the transposed system.
#[track_caller]
pub(crate) fn self_adjoint_solve<T: Tree, E: Tree>(
    matvec: impl Fn(T) -> T,
    b: T,
    solve: impl Fn(T) -> (T, E),
    again: impl Fn(T) -> T,
) -> (T, E) {
    let location = Location::caller();
    let body = |b: T| {
        let (solved, output) = solved_with_extra(&b, &solve);
        let outcome = (|| {
            let solve = solved?;
            let applied = recorded("matvec", &b, &b, &matvec)?;
            let again = recorded("again", &b, &b, &again)?;
            let transposed = if b.leaf_types()?.iter().any(|ty| ty.dtype.is_complex()) {
                let conjugate = |x: T| x.map_leaves(|leaf| leaf.conj());
                recorded("transposed", &b, &b, |b| conjugate(self::applied(&again, conjugate(b))))?
            } else {
                same(&again)
            };
            Ok(linear_solve_arrays(LinearSystem { matvec: applied, solve, again, transposed }, &b.leaves()))
        })();
        Evaluated::new(output, outcome)
    };
    evaluate("self_adjoint_solve", b, body).at(location).into_tree()
}

/// The function once more.
fn same(traced: &Traced) -> Traced {
    Traced { func: traced.func.clone(), captures: traced.captures.clone() }
}

/// A recorded function applied in the open trace.
fn applied<T: Tree>(traced: &Traced, x: T) -> T {
    let operands = [traced.captures.clone(), x.leaves()].concat();
    x.with_leaves(replay(&traced.func, &operands))
}

/// A solver recorded on arguments of the types of `args`, whose result begins with what is like them; and its result as a
/// template.
fn solved_with_extra<T: Tree, E: Tree>(args: &T, solve: impl Fn(T) -> (T, E)) -> (Result<Traced>, (T, E)) {
    let Recorded { output, outcome } = record("solve", args, solve);
    let remedy = "return what has the structure and types of the unknown";
    let checked =
        outcome.and_then(|traced| check_like("solve", "its result", &output.0, args, remedy).map(|()| traced));
    (checked, output)
}

/// A root `x` of `f`, where `f(x) = 0`, found by `solve`, which gets `f` and a first guess. Derivatives by what `f` captured
/// come from the implicit function theorem, `∂f/∂x dx = −∂f/∂θ dθ`; `tangent_solve` solves that linear system and its
/// transpose: it gets `v ↦ ∂f/∂x v` and a right side. What is no floating-point number of `x`, a count or a truth value, has
/// no derivative: it is what it is at the root, and what `tangent_solve` gives for it does not matter.
///
/// ```
/// use cotangent::{Array, custom_root, grad, while_loop};
/// let root = |a: Array| {
///     let f = |x: Array| &x * &x - &a;
///     let newton = |f: &dyn Fn(Array) -> Array, guess: Array| {
///         while_loop(|x: Array| f(x).abs().greater(1e-12), |x| &x - f(x.clone()) / (2.0 * &x), guess)
///     };
///     // The derivative in one unknown is a number: what it makes of 1.
///     custom_root(f, Array::from(1.0f64), newton, |df, y| &y / df(y.ones_like()))
/// };
/// assert!((root(Array::from(2.0f64)).item()? - 2f64.sqrt()).abs() < 1e-12);
/// let slope = grad(root).call(Array::from(2.0f64))?;
/// assert!((slope.item()? - 0.5 / 2f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn custom_root<T: Tree>(
    f: impl Fn(T) -> T,
    guess: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
    tangent_solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
) -> T {
    let (x, ()) = root_aux(f, guess, |f, guess| (solve(f, guess), ()), tangent_solve);
    x
}

/// As [`custom_root`], with a solver that tells more than the root, of which nothing is differentiated.
#[track_caller]
pub(crate) fn root_aux<T: Tree, E: Tree>(
    f: impl Fn(T) -> T,
    guess: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> (T, E),
    tangent_solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
) -> (T, E) {
    let location = Location::caller();
    let body = |guess: T| {
        let (solved, output) = solved_with_extra(&guess, |guess| solve(&f, guess));
        let outcome = (|| {
            let solved = solved?;
            let residual = recorded("f", &guess, &guess, &f)?;
            let pair = (guess.clone(), guess.clone());
            // Of what is not a floating-point number there is no tangent: it is what it is at the root.
            let inexact = InexactLeaves::in_tree(&guess)?;
            let derivative = |x: &T, v: Vec<Array>| {
                let moving = |leaves: Vec<Array>| inexact.of(&f(inexact.put(x, leaves)));
                match jvp(moving, inexact.of(x), v.clone()) {
                    Ok((_, tangent)) => tangent,
                    Err(error) => with_error(&v, &error),
                }
            };
            let tangent = recorded("tangent_solve", &pair, &guess, |(x, y): (T, T)| {
                tangent_solve(&|v| inexact.put(&v, derivative(&x, inexact.of(&v))), y)
            })?;
            let cotangent = recorded("cotangent_solve", &pair, &guess, |(x, y): (T, T)| {
                let transposed = |ct: T| {
                    let leaves = inexact.of(&ct);
                    let pulled = match linear_transpose(|v: Vec<Array>| derivative(&x, v), &leaves) {
                        Ok(map) => applied_or_error(map.call(leaves.clone()), &leaves),
                        Err(error) => with_error(&leaves, &error),
                    };
                    inexact.put(&ct, pulled)
                };
                tangent_solve(&transposed, y)
            })?;
            Ok(root_arrays(residual, solved, tangent, cotangent, &guess.leaves()))
        })();
        Evaluated::new(output, outcome)
    };
    evaluate("custom_root", guess, body).at(location).into_tree()
}

/// Which leaves of a tree are floating-point numbers, real or complex.
struct InexactLeaves(Vec<bool>);

impl InexactLeaves {
    fn in_tree<T: Tree>(tree: &T) -> Result<InexactLeaves> {
        Ok(InexactLeaves(tree.leaf_types()?.iter().map(|ty| ty.dtype.is_inexact()).collect()))
    }

    /// These leaves.
    fn of<T: Tree>(&self, tree: &T) -> Vec<Array> {
        tree.leaves().into_iter().zip(&self.0).filter(|(_, inexact)| **inexact).map(|(leaf, _)| leaf.clone()).collect()
    }

    /// A tree with others in their places.
    fn put<T: Tree>(&self, tree: &T, leaves: Vec<Array>) -> T {
        let mut leaves = leaves.into_iter();
        let replaced = tree.leaves().into_iter().zip(&self.0).map(|(leaf, &inexact)| match inexact {
            true => leaves.next().unwrap_or_else(|| internal("fewer leaves than places for them")),
            false => leaf.clone(),
        });
        tree.with_leaves(replaced.collect())
    }
}

/// A closure recorded on arguments of the types of `args`, whose result is like `expected`.
fn recorded<A: Tree, T: Tree>(name: &str, args: &A, expected: &T, closure: impl Fn(A) -> T) -> Result<Traced> {
    let Recorded { output, outcome } = record(name, args, closure);
    let traced = outcome?;
    check_like(name, "its result", &output, expected, "return what has the structure and types of the unknown")?;
    Ok(traced)
}

fn applied_or_error<T: Tree>(outcome: Result<T>, template: &T) -> T {
    outcome.unwrap_or_else(|error| with_error(template, &error))
}
