//! The method of conjugate gradients.

use crate::implicit::self_adjoint_solve;
use crate::inner::{difference, divide_or_zero, inner, norm, zip};
use crate::{Array, Factor, Variable, impl_tree, while_loop};

/// When the iteration ends.
#[derive(Clone, Debug)]
pub struct ConjugateGradient {
    /// Relative to the norm of the right-hand side.
    pub tolerance: f64,
    /// The least residual norm asked for.
    pub absolute_tolerance: f64,
    /// The most iterations made.
    pub max_iterations: i32,
}

impl Default for ConjugateGradient {
    /// A relative residual of 1e-4 within 100 iterations, which suits the subproblems of splitting methods.
    fn default() -> ConjugateGradient {
        ConjugateGradient { tolerance: 1e-4, absolute_tolerance: 0.0, max_iterations: 100 }
    }
}

/// The outcome of [`conjugate_gradient`].
#[derive(Clone)]
pub struct CgSolution<X = Array> {
    /// The solution.
    pub x: X,
    /// Number of iterations made, i32.
    pub iterations: Array,
    /// `‖b − A x‖ / ‖b‖` as the recurrence has it, with a preconditioner `⟨r, M r⟩^½ / ‖b‖`; 0 for `b = 0`, NaN for a `b`
    /// that is not finite, of which nothing is solved.
    pub relative_residual: Array,
}

#[derive(Clone)]
struct State<X> {
    x: X,
    r: X,
    p: X,
    square: Array,
    iterations: Array,
}
impl_tree!(State<X> { x, r, p, square, iterations });

/// Solves `A x = b` for a self-adjoint positive definite `A`, from `x0`, of arrays or block arrays. It ends when
/// `‖r‖ ≤ max(tolerance ‖b‖, absolute_tolerance)` or after the most iterations.
///
/// `r = b − A x`; each iteration does `α = ‖r‖² / ⟨p, A p⟩`, `x += α p`, `r −= α A p`, `p = r + (‖r‖² / ‖r_old‖²) p`
/// (Hestenes and Stiefel, 1952).
///
/// Its derivatives are those of the solution, `dx = A⁻¹ (db − dA x)`, found by one more run from zero, not those of the
/// iterations; by `b` and by what `apply` captured. They are as accurate as the runs are.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{ConjugateGradient, conjugate_gradient};
/// let a = Array::from([[4.0f64, 1.0], [1.0, 3.0]]);
/// let b = Array::from(vec![1.0f64, 2.0]);
/// let limits = ConjugateGradient { tolerance: 1e-10, ..ConjugateGradient::default() };
/// let solution = conjugate_gradient(|x: &Array| a.matmul(x), &b, &b.zeros_like(), &limits);
/// let x = solution.x.to_vec::<f64>()?;
/// assert!((x[0] - 1.0 / 11.0).abs() < 1e-9 && (x[1] - 7.0 / 11.0).abs() < 1e-9);
/// assert!(solution.iterations.item()? <= 3.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn conjugate_gradient<X: Variable>(
    apply: impl Fn(&X) -> X,
    b: &X,
    x0: &X,
    limits: &ConjugateGradient,
) -> CgSolution<X> {
    preconditioned_conjugate_gradient(apply, X::clone, b, x0, limits)
}

/// As [`conjugate_gradient`], with a self-adjoint positive definite `M ≈ A⁻¹`: in place of `‖r‖²` stands `⟨r, M r⟩`, in the
/// stopping rule and in the relative residual as well, and `p = M r + (⟨r, M r⟩ / ⟨r_old, M r_old⟩) p`.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{ConjugateGradient, preconditioned_conjugate_gradient};
/// let a = Array::from([[4.0f64, 1.0], [1.0, 3.0]]);
/// let diagonal = Array::from(vec![4.0f64, 3.0]);
/// let b = Array::from(vec![1.0f64, 2.0]);
/// let once = ConjugateGradient { tolerance: 1e-5, max_iterations: 1, ..ConjugateGradient::default() };
/// let precondition = |r: &Array| r / &diagonal;
/// let solution = preconditioned_conjugate_gradient(|x: &Array| a.matmul(x), precondition, &b, &b.zeros_like(), &once);
/// assert!((solution.relative_residual.item()? - 0.091_817_64).abs() < 1e-7);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn preconditioned_conjugate_gradient<X: Variable>(
    apply: impl Fn(&X) -> X,
    precondition: impl Fn(&X) -> X,
    b: &X,
    x0: &X,
    limits: &ConjugateGradient,
) -> CgSolution<X> {
    // Warm starts are for the system that is asked for; tangents are found from zero.
    let start = x0.map_leaves(|leaf| leaf.stop_gradient());
    let run = |b: &X, x0: &X| iterate(&apply, &precondition, b, x0, limits);
    let solve = |b: X| {
        let end = run(&b, &start);
        (end.x, (end.iterations, end.relative_residual))
    };
    let again = |b: X| run(&b, &b.map_leaves(|leaf| leaf.zeros_like())).x;
    let (x, (iterations, relative_residual)) = self_adjoint_solve(|x: X| apply(&x), b.clone(), solve, again);
    CgSolution { x, iterations, relative_residual }
}

fn iterate<X: Variable>(
    apply: &dyn Fn(&X) -> X,
    precondition: &dyn Fn(&X) -> X,
    b: &X,
    x0: &X,
    limits: &ConjugateGradient,
) -> CgSolution<X> {
    let ahead = |x: &X, step: &Factor, p: &X| zip("conjugate_gradient", x, p, |x, p| x + step.times(p));
    let length = norm(b);
    let threshold = (&length * limits.tolerance).maximum(limits.absolute_tolerance).square();
    let r = difference(b, &apply(x0));
    let z = precondition(&r);
    let first = inner(&r, &z).real();
    let init = State { x: x0.clone(), p: z, r, square: first, iterations: Array::from(0i32) };
    let go_on = |state: State<X>| state.square.greater(&threshold) & state.iterations.less(limits.max_iterations);
    let step = |State { x, r, p, square: old, iterations }: State<X>| {
        let ap = apply(&p);
        let alpha = Factor::Array(&old / inner(&p, &ap).real());
        let x = ahead(&x, &alpha, &p);
        let r = zip("conjugate_gradient", &r, &ap, |r, ap| r - alpha.times(ap));
        let z = precondition(&r);
        let next = inner(&r, &z).real();
        let p = ahead(&z, &Factor::Array(&next / old), &p);
        State { x, r, p, square: next, iterations: iterations + 1 }
    };
    let end = while_loop(go_on, step, init);
    // Nothing is less than a NaN, so that no iteration was made.
    let relative_residual = length.is_finite().select(divide_or_zero(&end.square.sqrt(), &length), f64::NAN);
    CgSolution { x: end.x, iterations: end.iterations, relative_residual }
}
