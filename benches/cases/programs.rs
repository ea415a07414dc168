//! The programs of the cases, written with the public façade as a user would write them.

use cotangent::{Array, DType, ValueAndGrad, fori_loop, stack, value_and_grad};

/// Iterations of the solvers.
const ITERATIONS: usize = 100;

/// Solves `A x = b` for the operator of [`shifted_laplacian`] on an image of `n` by `n`, by conjugate gradients from zero.
pub(super) fn conjugate_gradient(n: usize) -> impl Fn(Array) -> Array {
    move |b: Array| {
        let start = (b.zeros_like(), b.clone(), b.clone(), (&b * &b).sum());
        let (x, ..) = fori_loop(0, ITERATIONS, start, |_, (x, r, p, rr): (Array, Array, Array, Array)| {
            let ap = shifted_laplacian(&p, n);
            let alpha = &rr / (&p * &ap).sum();
            let x = x + &alpha * &p;
            let r = r - &alpha * &ap;
            let next = (&r * &r).sum();
            let p = &r + (&next / &rr) * &p;
            (x, r, p, next)
        });
        x
    }
}

/// Four and a half times each pixel, less its four neighbours; zero beyond the border.
fn shifted_laplacian(p: &Array, n: usize) -> Array {
    let up = p.narrow(0, 1, n - 1).pad_zeros(&[(0, 1, 0), (0, 0, 0)]);
    let down = p.narrow(0, 0, n - 1).pad_zeros(&[(1, 0, 0), (0, 0, 0)]);
    let left = p.narrow(1, 1, n - 1).pad_zeros(&[(0, 0, 0), (0, 1, 0)]);
    let right = p.narrow(1, 0, n - 1).pad_zeros(&[(0, 0, 0), (1, 0, 0)]);
    p * 4.5 - up - down - left - right
}

/// Minimises `|x - noisy|^2 / 2 + lambda TV(x)` on an image of `n` by `n` by the primal-dual hybrid gradient method with
/// extrapolated primal iterates.
pub(super) fn primal_dual_denoising(n: usize) -> impl Fn(Array) -> Array {
    let (tau, sigma, lambda) = (0.25f32, 0.25f32, 0.1f32);
    move |noisy: Array| {
        let start = (noisy.clone(), Array::zeros(&[2, n, n], DType::F32));
        let (x, _) = fori_loop(0, ITERATIONS, start, |_, (x, z): (Array, Array)| {
            let next = (&x - gradient_adjoint(&z, n) * tau + &noisy * tau) / (1.0 + tau);
            let v = z + gradient(&(&next * 2.0 - x)) * sigma;
            let norm = (&v * &v).sum_axes(&[0]).sqrt();
            let dual = v / (norm / lambda).maximum(1.0);
            (next, dual)
        });
        x
    }
}

/// Forward differences along both axes, zero in the last row and column, stacked.
fn gradient(x: &Array) -> Array {
    let [rows, columns] = differences(x);
    stack(&[rows, columns], 0)
}

fn differences(x: &Array) -> [Array; 2] {
    [x.diff(0).pad_zeros(&[(0, 1, 0), (0, 0, 0)]), x.diff(1).pad_zeros(&[(0, 0, 0), (0, 1, 0)])]
}

/// The adjoint of [`gradient`].
fn gradient_adjoint(z: &Array, n: usize) -> Array {
    let rows = z.index_axis(0, 0).narrow(0, 0, n - 1);
    let columns = z.index_axis(0, 1).narrow(1, 0, n - 1);
    rows.pad_zeros(&[(1, 0, 0), (0, 0, 0)]) - rows.pad_zeros(&[(0, 1, 0), (0, 0, 0)])
        + columns.pad_zeros(&[(0, 0, 0), (1, 0, 0)])
        - columns.pad_zeros(&[(0, 0, 0), (0, 1, 0)])
}

/// The smoothed isotropic total variation of an image and its gradient.
pub(super) fn total_variation_and_gradient() -> ValueAndGrad<fn(Array) -> Array> {
    value_and_grad(total_variation)
}

fn total_variation(x: Array) -> Array {
    let [rows, columns] = differences(&x);
    (rows.square() + columns.square() + 1e-3).sqrt().sum()
}

/// `a x + y`.
pub(super) fn scale_and_add(a: Array, x: Array, y: Array) -> Array {
    a * x + y
}

/// `sin x`.
pub(super) fn sine(x: Array) -> Array {
    x.sin()
}

/// `sin x + x`.
pub(super) fn sine_plus_identity(x: Array) -> Array {
    x.sin() + x
}
