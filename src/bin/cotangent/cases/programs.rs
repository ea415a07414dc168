//! The programs of the cases, written with the public façade as a user would write them.

use cotangent::ir::prim::conv::{Convolution, Padding};
use cotangent::{Array, DType, Function, Index, ValueAndGrad, fori_loop, grad, stack, value_and_grad};

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

/// `e^x`.
pub(super) fn exponential(x: Array) -> Array {
    x.exp()
}

/// A chain of transcendental functions.
pub(super) fn chain(x: Array) -> Array {
    ((-x).exp().sin().square().log1p() * 3.0).tanh()
}

/// The discrete Laplacian, zero beyond the border.
pub(super) fn laplacian(n: usize) -> impl Fn(Array) -> Array {
    move |x: Array| shifted_laplacian(&x, n)
}

/// `<x, y>`.
pub(super) fn inner_product(x: Array, y: Array) -> Array {
    (x * y).sum()
}

/// `|x - y|`.
pub(super) fn distance(x: Array, y: Array) -> Array {
    (x - y).square().sum().sqrt()
}

/// Softmax of every row.
pub(super) fn softmax(x: Array) -> Array {
    x.softmax(-1)
}

/// Sums over one axis.
pub(super) fn sums(axis: isize) -> impl Fn(Array) -> Array {
    move |x: Array| x.sum_axes(&[axis])
}

/// The transposed matrix.
pub(super) fn transpose(x: Array) -> Array {
    x.t()
}

/// Cumulative sums.
pub(super) fn cumulative_sum(x: Array) -> Array {
    x.cumsum(0)
}

/// Sorted.
pub(super) fn sort(x: Array) -> Array {
    x.sort(0)
}

/// A circular convolution by way of the Fourier transform, given the transform of the kernel as two real arrays.
pub(super) fn circular_convolution(n: usize) -> impl Fn(Array, Array, Array) -> Array {
    move |x: Array, re: Array, im: Array| (x.rfft(&[0, 1]) * Array::complex(&re, &im)).irfft(&[0, 1], n)
}

/// A product of matrices.
pub(super) fn matrix_product(a: Array, b: Array) -> Array {
    a.matmul(&b)
}

/// A convolution of many channels, each output as large as the input.
pub(super) fn convolution(x: Array, kernel: Array) -> Array {
    x.conv_general(&kernel, &Convolution::new(2).padding(Padding::Same))
}

/// Of each view, the position on the detector of every pixel of an image of `n` by `n`, split into the bin before it and the
/// fraction towards the next.
fn positions(n: usize, views: usize) -> (Array, Array) {
    let angles = Array::arange(views, DType::F32) * (std::f32::consts::PI / views as f32);
    let centre = (n as f32 - 1.0) / 2.0;
    let along = |axis: isize| Array::iota(&[views, n, n], axis, DType::F32) - centre;
    let spread = |a: Array| a.reshape(&[views, 1, 1]).broadcast_to(&[views, n, n]);
    let position = along(1) * spread(angles.sin()) + along(2) * spread(angles.cos()) + bins(n) as f32 / 2.0;
    let bin = position.floor();
    (bin.astype(DType::I32), position - bin)
}

fn bins(n: usize) -> usize {
    n * 3 / 2
}

/// Parallel-beam projections of an image of `n` by `n`, each pixel shared between two bins of the detector.
pub(super) fn project(n: usize, views: usize) -> impl Fn(Array) -> Array {
    move |x: Array| {
        let (bin, fraction) = positions(n, views);
        let view = Array::iota(&[views, n, n], 0, DType::I32);
        let x = x.reshape(&[1, n, n]).broadcast_to(&[views, n, n]);
        let sinogram = Array::zeros(&[views, bins(n)], DType::F32);
        let sinogram = sinogram.at(&[Index::from(&view), Index::from(&bin)]).add(&x * (1.0 - &fraction));
        sinogram.at(&[Index::from(&view), Index::from(&(bin + 1))]).add(x * fraction)
    }
}

/// The adjoint of [`project`].
pub(super) fn back_project(n: usize, views: usize) -> impl Fn(Array) -> Array {
    move |y: Array| {
        let (bin, fraction) = positions(n, views);
        let view = Array::iota(&[views, n, n], 0, DType::I32);
        let first = y.index(&[Index::from(&view), Index::from(&bin)]);
        let second = y.index(&[Index::from(&view), Index::from(&(bin + 1))]);
        (first * (1.0 - &fraction) + second * fraction).sum_axes(&[0])
    }
}

/// Gradient steps on a smoothed total variation of a vector, written out one after the other.
pub(crate) fn unrolled_descent(steps: usize) -> impl Fn(Array) -> Array {
    let energy = |x: Array| (x.diff(0).square() + 0.01).sqrt().sum();
    move |mut x: Array| {
        for _ in 0..steps {
            x = &x - grad(energy).apply(x.clone()) * 0.01;
        }
        x
    }
}

/// A thousand elements, one after the other, each overwritten by a mean of itself and one from the end.
pub(super) fn updates_in_loop(x: Array) -> Array {
    fori_loop(0, 1000, x, |i: Array, x: Array| {
        let n = x.shape().map_or(0, |shape| shape[0]) as i32;
        let mirrored = x.index(&[Index::from(&(n - 1 - &i))]);
        let own = x.index(&[Index::from(&i)]);
        x.at(&[Index::from(&i)]).set((own + mirrored) * 0.5)
    })
}

/// How many elements of `[0, 1)` lie in each of a thousand bins.
pub(super) fn histogram(x: Array) -> Array {
    let bin = (x * 1000.0).astype(DType::I32);
    Array::zeros(&[1000], DType::F32).at(&[Index::from(&bin)]).add(1.0)
}

/// The norm of central differences, periodic in both axes.
pub(super) fn rolled_gradient(f: Array) -> Array {
    let rows = (f.roll(-1, 0) - f.roll(1, 0)) * 0.5;
    let columns = (f.roll(-1, 1) - f.roll(1, 1)) * 0.5;
    (rows.square() + columns.square()).sqrt()
}
