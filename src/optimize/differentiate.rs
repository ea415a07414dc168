//! Solutions that can be differentiated, by what the problem was made from: data, penalties, weights.
//!
//! The loop of [`solve`](super::solve) ends when its results say so, and has no reverse derivative. Here a solution comes
//! either from a [fixed number of steps](unrolled), which are differentiated one by one, or from a loop that has found [a
//! fixed point](implicit) of the step, the derivative of which follows from that alone. Both are parts of a traced function.

use super::driver::with_error;
use super::{Method, Options, Stop, trace_loop};
use crate::inner::zip;
use crate::{Array, DType, Tree, custom_root, fori_loop};

/// The state after a fixed number of steps. Reverse mode keeps what each of them needs.
///
/// A regularisation parameter is learned from one example:
///
/// ```
/// use cotangent::functional::{L1Norm, ScaledFunctional};
/// use cotangent::linop::Identity;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Method, Pdhg, unrolled};
/// use cotangent::{Array, Function, grad};
///
/// let (y, truth) = (Array::from([3.0f64, -0.2]), Array::from([2.0f64, 0.0]));
/// let error = |lambda: Array| {
///     let identity = Identity::new(y.ty().unwrap());
///     let g = ScaledFunctional::new(lambda, L1Norm::new());
///     let method = Pdhg::new(SquaredL2Loss::new(y.clone()).unwrap(), g, identity, 0.5, 0.5);
///     let x = unrolled(&method, 60, method.init()).x;
///     (x - &truth).abs2().sum()
/// };
/// // The solution is (3 - λ, 0), so that the error is (1 - λ)².
/// let slope = grad(error).call(Array::from(0.5f64))?.item()?;
/// assert!((slope + 1.0).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// A mistake in the problem is an error value in every array of the state.
pub fn unrolled<M: Method>(method: &M, steps: usize, init: M::State) -> M::State {
    match method.prepare() {
        Ok(prepared) => fori_loop(0, steps, init, |_, state| method.step(&prepared, &state)),
        Err(error) => with_error(&init, &error),
    }
}

/// The state at which the loop ends, whose derivative is that of a fixed point `s = T(s, θ)` of the step,
/// `ds = (I − ∂T/∂s)⁻¹ ∂T/∂θ dθ`, with the inverse summed as `Σ_k (∂T/∂s)^k` over `terms` terms. Of the loop nothing is
/// kept, so that memory does not grow with the number of steps; the sum converges as fast as the method does.
///
/// The loop must have converged for this to hold: give a [`Stop`] that sees to it. A line search that went far up at the end
/// makes steps so short that many terms are needed. Reports to the host are not made.
///
/// ```
/// use cotangent::functional::{L1Norm, ScaledFunctional};
/// use cotangent::linop::Identity;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Method, Options, Pdhg, Stop, implicit};
/// use cotangent::{Array, Function, grad};
///
/// let y = Array::from([3.0f64, -0.2]);
/// let total = |lambda: Array| {
///     let identity = Identity::new(y.ty().unwrap());
///     let g = ScaledFunctional::new(lambda, L1Norm::new());
///     let method = Pdhg::new(SquaredL2Loss::new(y.clone()).unwrap(), g, identity, 0.5, 0.5);
///     let options = Options { max_steps: 200, stop: Stop::at(1e-9), ..Options::default() };
///     implicit(&method, &options, method.init(), 100).x.sum()
/// };
/// let slope = grad(total).call(Array::from(0.5f64))?.item()?;
/// assert!((slope + 1.0).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// A mistake in the problem is an error value in every array of the state.
pub fn implicit<M: Method>(method: &M, options: &Options, init: M::State, terms: usize) -> M::State {
    let prepared = match method.prepare() {
        Ok(prepared) => prepared,
        Err(error) => return with_error(&init, &error),
    };
    let stop = Stop { time: None, ..options.stop.clone() };
    let silent = Options { record: false, report_every: 0, stop, ..options.clone() };
    custom_root(
        |state: M::State| zip("implicit", &method.step(&prepared, &state), &state, change),
        init,
        |_, init| trace_loop(method, &silent, init).state,
        // With `f(s) = T(s) − s` the equation `∂f v = y` is `v = ∂T v − y`.
        |derivative, y: M::State| {
            let negative = y.map_leaves(|leaf| only_inexact(&leaf, |leaf| -leaf));
            fori_loop(0, terms, negative, |_: Array, v: M::State| {
                let moved = zip("implicit", &derivative(v.clone()), &v, |a, b| only_inexact(a, |a| a + b));
                zip("implicit", &moved, &y, |a, b| only_inexact(a, |a| a - b))
            })
        },
    )
}

/// How far a part of the state is from the same part before; of truth values, whether it differs.
fn change(new: &Array, old: &Array) -> Array {
    match new.dtype() {
        Ok(DType::Bool) => new.not_equal(old),
        _ => new - old,
    }
}

/// What is done with tangents: those of numbers that are counted are none.
fn only_inexact(leaf: &Array, change: impl FnOnce(&Array) -> Array) -> Array {
    match leaf.dtype() {
        Ok(dtype) if !dtype.is_inexact() => leaf.clone(),
        _ => change(leaf),
    }
}
