//! The method of conjugate gradients.

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
    /// `‖b − A x‖ / ‖b‖` as the recurrence has it; 0 for `b = 0`.
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
    let square = |x: &X| inner(x, x).real();
    let ahead = |x: &X, step: &Factor, p: &X| zip("conjugate_gradient", x, p, |x, p| x + step.times(p));
    let length = norm(b);
    let threshold = (&length * limits.tolerance).maximum(limits.absolute_tolerance).square();
    let r = difference(b, &apply(x0));
    let first = square(&r);
    let init = State { x: x0.clone(), p: r.clone(), r, square: first, iterations: Array::from(0i32) };
    let go_on = |state: State<X>| state.square.greater(&threshold) & state.iterations.less(limits.max_iterations);
    let step = |State { x, r, p, square: old, iterations }: State<X>| {
        let ap = apply(&p);
        let alpha = Factor::Array(&old / inner(&p, &ap).real());
        let x = ahead(&x, &alpha, &p);
        let r = zip("conjugate_gradient", &r, &ap, |r, ap| r - alpha.times(ap));
        let next = square(&r);
        let p = ahead(&r, &Factor::Array(&next / old), &p);
        State { x, r, p, square: next, iterations: iterations + 1 }
    };
    let end = while_loop(go_on, step, init);
    CgSolution { x: end.x, iterations: end.iterations, relative_residual: divide_or_zero(&end.square.sqrt(), &length) }
}
