"""The cases of `cotangent bench --suite solvers` called `_plain`, without statistics, written by hand in JAX: each solve is one
jitted function with its loop inside.

Data are those of scico_solvers.py. A case is a function that gives a jitted function and its argument; jax_peer.py measures
them.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_peer import differences, gradient, gradient_adjoint, uniform


def picture(n):
    rows, columns = np.indices((n, n)) // 37
    return jnp.asarray(0.25 + 0.5 * ((rows + columns) % 2), dtype=np.float32)


def noisy(n):
    return picture(n) + uniform((n, n), -0.1, 0.1)


def shrunk(v, threshold):
    """Soft thresholding of the length of vectors along axis 0."""
    length = jnp.sqrt(jnp.sum(v * v, axis=0))
    return v * jnp.where(length > threshold, 1.0 - threshold / jnp.maximum(length, 1e-30), 0.0)


def admm(solve_x, forward, threshold, start, steps):
    """Scaled ADMM of a total variation: objective and residuals of every step are left out."""

    def body(_, state):
        x, z, u = state
        x = solve_x(x, z - u)
        c = forward(x)
        z = shrunk(c + u, threshold)
        return x, z, u + c - z

    z = forward(start)
    return lax.fori_loop(0, steps, body, (start, z, jnp.zeros_like(z)))[0]


def conjugate_gradient(apply, b, x, tolerance, limit):
    limit_square = tolerance**2 * jnp.sum(b * b)

    def go_on(state):
        return (state[3] > limit_square) & (state[4] < limit)

    def body(state):
        x, r, p, square, count = state
        q = apply(p)
        alpha = square / jnp.sum(p * q)
        x, r = x + alpha * p, r - alpha * q
        following = jnp.sum(r * r)
        return x, r, r + (following / square) * p, following, count + 1

    r = b - apply(x)
    return lax.while_loop(go_on, body, (x, r, r, jnp.sum(r * r), 0))[0]


def circular_gradient(x):
    return jnp.stack([jnp.roll(x, -1, 0) - x, jnp.roll(x, -1, 1) - x])


def circular_gradient_adjoint(z):
    return jnp.roll(z[0], 1, 0) - z[0] + jnp.roll(z[1], 1, 1) - z[1]


def deconvolution(n):
    rho, weight = 0.05, 2e-3
    kernel = jnp.zeros((n, n)).at[:7, :7].set(1.0 / 49.0)
    transfer = jnp.fft.rfft2(jnp.roll(kernel, (-3, -3), (0, 1)))
    angles = [2.0 * np.pi * np.fft.fftfreq(n)[:, None], 2.0 * np.pi * np.fft.rfftfreq(n)[None, :]]
    symbol = jnp.asarray(sum(2.0 - 2.0 * np.cos(angle) for angle in angles), dtype=np.float32)
    inverse = 1.0 / (jnp.abs(transfer) ** 2 + rho * symbol)
    y = jnp.fft.irfft2(transfer * jnp.fft.rfft2(picture(n)), (n, n)) + 0.1 * uniform((n, n), -0.1, 0.1)

    def solve(y):
        data = jnp.conj(transfer) * jnp.fft.rfft2(y)

        def solve_x(_, target):
            right = data + rho * jnp.fft.rfft2(circular_gradient_adjoint(target))
            return jnp.fft.irfft2(inverse * right, (n, n))

        return admm(solve_x, circular_gradient, weight / rho, y, 50)

    return jax.jit(solve), y


def denoising(n):
    def solve(y):
        def solve_x(x, target):
            right = y + gradient_adjoint(target)
            return conjugate_gradient(lambda x: x + gradient_adjoint(gradient(x)), right, x, 1e-3, 20)

        return admm(solve_x, gradient, 0.1, y, 50)

    return jax.jit(solve), noisy(n)


def primal_dual(n):
    tau, sigma, weight = 0.25, 0.25, 0.1

    def solve(y):
        def body(_, state):
            x, z = state
            following = (x - tau * gradient_adjoint(z) + tau * y) / (1.0 + tau)
            v = z + sigma * gradient(2.0 * following - x)
            return following, v / jnp.maximum(jnp.sqrt(jnp.sum(v * v, axis=0)) / weight, 1.0)

        return lax.fori_loop(0, 100, body, (y, jnp.zeros((2, n, n), y.dtype)))[0]

    return jax.jit(solve), noisy(n)


def tomography(n, views):
    from scico.linop.xray import XRayTransform2D

    project = XRayTransform2D((n, n), np.linspace(0.0, np.pi, views, endpoint=False))
    y = project(picture(n))
    y = y + n / 8 * uniform(y.shape, -0.1, 0.1)
    rho, weight = 50.0, 5.0

    def solve(y):
        data = project.adj(y)

        def apply(x):
            return project.adj(project(x)) + rho * gradient_adjoint(gradient(x))

        def solve_x(x, target):
            return conjugate_gradient(apply, data + rho * gradient_adjoint(target), x, 1e-4, 25)

        return admm(solve_x, gradient, weight / rho, jnp.zeros((n, n), y.dtype), 25)

    return jax.jit(solve), y


def sparse_coding(rows, columns):
    matrix = uniform((rows, columns), -1.0, 1.0)
    dictionary = matrix / jnp.sqrt(jnp.sum(matrix**2, axis=0))
    code = jnp.where(jnp.arange(columns) % 61 == 0, 1.0, 0.0)
    y = dictionary @ code + 0.1 * uniform((rows,), -0.1, 0.1)
    lipschitz, weight = 10.0, 0.05

    def solve(y):
        def body(_, state):
            x, v, t = state
            w = v - dictionary.T @ (dictionary @ v - y) / lipschitz
            following = jnp.sign(w) * jnp.maximum(jnp.abs(w) - weight / lipschitz, 0.0)
            t_next = 0.5 * (1.0 + jnp.sqrt(1.0 + 4.0 * t * t))
            return following, following + (t - 1.0) / t_next * (following - x), t_next

        start = jnp.zeros((columns,), y.dtype)
        return lax.fori_loop(0, 100, body, (start, start, jnp.asarray(1.0, y.dtype)))[0]

    return jax.jit(solve), y


SOLVERS = {
    "deconv_tv_admm50_256_plain": lambda: deconvolution(256),
    "deconv_tv_admm50_512_plain": lambda: deconvolution(512),
    "denoise_tv_admm50_256_plain": lambda: denoising(256),
    "denoise_tv_admm50_512_plain": lambda: denoising(512),
    "denoise_tv_pdhg100_512_plain": lambda: primal_dual(512),
    "ct_tv_admm25_128x45_plain": lambda: tomography(128, 45),
    "ct_tv_admm25_256x90_plain": lambda: tomography(256, 90),
    "sparse_apgm100_512x2048_plain": lambda: sparse_coding(512, 2048),
}
