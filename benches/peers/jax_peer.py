"""The cases of src/bin/cotangent/cases as jitted JAX functions, measured as benches/compare.rs measures.

    jax_peer.py [--json FILE] [--only TEXT] [--case NAME]... [--seconds S] [--unrolled STEPS]...

`--unrolled` measures instead how long loops of so many steps, written out, take to trace and to compile.
Every call is waited for. Compile times are of fresh functions with JAX's caches cleared: tracing, then lowering and
compilation. XLA takes as many threads as the process may use, which
the environment variable PEER_THREADS limits.
"""

import argparse
import json
import math
import os
import statistics
import time

# XLA looks when it is imported.
if "PEER_THREADS" in os.environ:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ["PEER_THREADS"])])

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ITERATIONS = 100
SHORTEST_SAMPLE = 1e-4
FEWEST_SAMPLES = 15
WANTED_PRECISION = 0.01
COMPILATIONS = 5
# Seconds after which a case is not compiled once more: of an unrolled loop one compilation takes a minute.
COMPILATION_TIME = 20


def uniform(shape, low, high):
    """The same numbers, to the last bit, as src/bin/cotangent/cases/data.rs makes."""
    count = math.prod(shape)
    position = np.arange(count, dtype=np.uint32)
    mixed = (position + np.uint32(1)) * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA77)
    mixed ^= mixed >> np.uint32(13)
    fraction = (mixed >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)
    low, high = np.float32(low), np.float32(high)
    return jnp.asarray((low + (high - low) * fraction).reshape(shape))


def shifted_laplacian(p):
    q = jnp.pad(p, 1)
    return 4.5 * p - q[:-2, 1:-1] - q[2:, 1:-1] - q[1:-1, :-2] - q[1:-1, 2:]


def conjugate_gradient(b):
    def body(_, state):
        x, r, p, rr = state
        ap = shifted_laplacian(p)
        alpha = rr / jnp.sum(p * ap)
        x = x + alpha * p
        r = r - alpha * ap
        following = jnp.sum(r * r)
        p = r + (following / rr) * p
        return x, r, p, following

    return lax.fori_loop(0, ITERATIONS, body, (jnp.zeros_like(b), b, b, jnp.sum(b * b)))[0]


def differences(x):
    rows = jnp.pad(x[1:] - x[:-1], ((0, 1), (0, 0)))
    columns = jnp.pad(x[:, 1:] - x[:, :-1], ((0, 0), (0, 1)))
    return rows, columns


def gradient(x):
    return jnp.stack(differences(x))


def gradient_adjoint(z):
    rows, columns = z[0, :-1], z[1, :, :-1]
    return (
        jnp.pad(rows, ((1, 0), (0, 0)))
        - jnp.pad(rows, ((0, 1), (0, 0)))
        + jnp.pad(columns, ((0, 0), (1, 0)))
        - jnp.pad(columns, ((0, 0), (0, 1)))
    )


def primal_dual_denoising(noisy):
    tau, sigma, weight = 0.25, 0.25, 0.1

    def body(_, state):
        x, z = state
        following = (x - tau * gradient_adjoint(z) + tau * noisy) / (1.0 + tau)
        v = z + sigma * gradient(2.0 * following - x)
        norm = jnp.sqrt(jnp.sum(v * v, axis=0))
        dual = v / jnp.maximum(norm / weight, 1.0)
        return following, dual

    start = (noisy, jnp.zeros((2,) + noisy.shape, noisy.dtype))
    return lax.fori_loop(0, ITERATIONS, body, start)[0]


def total_variation(x):
    rows, columns = differences(x)
    return jnp.sum(jnp.sqrt(rows**2 + columns**2 + 1e-3))


def scale_and_add(a, x, y):
    return a * x + y


def sine(x):
    return jnp.sin(x)


def sine_plus_identity(x):
    return jnp.sin(x) + x


def chain(x):
    return jnp.tanh(3.0 * jnp.log1p(jnp.sin(jnp.exp(-x)) ** 2))


def distance(x, y):
    return jnp.sqrt(jnp.sum((x - y) ** 2))


def circular_convolution(x, re, im):
    return jnp.fft.irfft2(jnp.fft.rfft2(x) * lax.complex(re, im), s=x.shape)


def convolution(x, kernel):
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME")


def positions(n, views):
    angles = jnp.arange(views, dtype=jnp.float32) * np.float32(np.pi / views)
    along = jnp.arange(n, dtype=jnp.float32) - np.float32((n - 1) / 2)
    rows, columns = along[:, None], along[None, :]
    position = rows * jnp.sin(angles)[:, None, None] + columns * jnp.cos(angles)[:, None, None] + np.float32(n * 3 // 2 / 2)
    first = jnp.floor(position)
    return first.astype(jnp.int32), position - first


def project(x):
    n, views = x.shape[0], 90
    first, fraction = positions(n, views)
    view = jnp.arange(views)[:, None, None]
    sinogram = jnp.zeros((views, n * 3 // 2), x.dtype)
    sinogram = sinogram.at[view, first].add(x * (1.0 - fraction))
    return sinogram.at[view, first + 1].add(x * fraction)


def back_project(y):
    views, n = y.shape[0], y.shape[1] * 2 // 3
    first, fraction = positions(n, views)
    view = jnp.arange(views)[:, None, None]
    return jnp.sum(y[view, first] * (1.0 - fraction) + y[view, first + 1] * fraction, axis=0)


def unrolled_descent(steps):
    """Gradient steps on a smoothed total variation, written out; two lines of a program, many of the compiled one."""

    def energy(x):
        return jnp.sum(jnp.sqrt((x[1:] - x[:-1]) ** 2 + 0.01))

    def descend(x):
        for _ in range(steps):
            x = x - 0.01 * jax.grad(energy)(x)
        return x

    return descend


def updates_in_loop(x):
    """Each element from one that was written before, and one that will be."""
    n = x.shape[0]

    def body(i, x):
        return x.at[i].set(0.5 * (x[i] + x[n - 1 - i]))

    return lax.fori_loop(0, 1000, body, x)


def histogram(x):
    return jnp.zeros(1000, x.dtype).at[(x * 1000.0).astype(jnp.int32)].add(1.0)


def rolled_gradient(f):
    rows = (jnp.roll(f, -1, axis=0) - jnp.roll(f, 1, axis=0)) * 0.5
    columns = (jnp.roll(f, -1, axis=1) - jnp.roll(f, 1, axis=1)) * 0.5
    return jnp.sqrt(rows * rows + columns * columns)


class Case:
    """A function and its arguments. With `reuse`, the last argument is donated and becomes the next one's result."""

    def __init__(self, name, function, args, reuse=False):
        self.name, self.function, self.args, self.reuse = name, function, args, reuse

    def jitted(self):
        # A function object of its own, so that nothing JAX keeps of another one is found.
        def fresh(*args):
            return self.function(*args)

        def into(*args):
            *args, _result = args
            return self.function(*args)

        if self.reuse:
            return jax.jit(into, donate_argnums=len(self.args()), keep_unused=True)
        return jax.jit(fresh)

    def caller(self):
        """A function that runs the case once, and its first result."""
        compiled, args = self.jitted(), self.args()
        result = jax.block_until_ready(jax.jit(self.function)(*args))
        if not self.reuse:
            return (lambda: jax.block_until_ready(compiled(*args))), result
        kept = [jnp.copy(result)]

        def call():
            kept[0] = jax.block_until_ready(compiled(*args, kept[0]))

        return call, result


def cases():
    def image(n):
        return lambda: (uniform((n, n), 0.0, 1.0),)

    def right_side(n):
        return lambda: (uniform((n, n), 0.0, 1e6),)

    def vectors():
        count = 10_000_000
        return jnp.float32(2.5), uniform((count,), -1.0, 1.0), uniform((count,), 0.0, 3.0)

    def angles(count):
        return lambda: (uniform((count,), -10.0, 10.0),)

    def pair():
        return uniform((10_000_000,), -1.0, 1.0), uniform((10_000_000,), 0.0, 3.0)

    def matrices(n):
        return lambda: (uniform((n, n), -1.0, 1.0), uniform((n, n), 0.0, 1.0))

    def transform(n):
        half = (n, n // 2 + 1)
        return lambda: (uniform((n, n), 0.0, 1.0), uniform(half, -1.0, 1.0), uniform(half, 0.0, 1.0))

    def channels():
        return uniform((1, 64, 128, 128), -1.0, 1.0), uniform((64, 64, 3, 3), -0.1, 0.1)

    variation = jax.value_and_grad(total_variation)
    return [
        Case("cg100_256", conjugate_gradient, right_side(256)),
        Case("cg100_512", conjugate_gradient, right_side(512)),
        Case("cg100_1024", conjugate_gradient, right_side(1024)),
        Case("pdhg_tv100_256", primal_dual_denoising, image(256)),
        Case("pdhg_tv100_512", primal_dual_denoising, image(512)),
        Case("pdhg_tv100_1024", primal_dual_denoising, image(1024)),
        Case("tv_grad_512", variation, image(512)),
        Case("tv_grad_2048", variation, image(2048)),
        Case("axpy_1e7", scale_and_add, vectors),
        Case("axpy_1e7_into", scale_and_add, vectors, reuse=True),
        Case("stream_triad", scale_and_add, vectors, reuse=True),
        Case("sin_1e6", sine, angles(1_000_000)),
        Case("tiny_sin_16", sine_plus_identity, angles(16)),
        Case("tiny_sin_16_into", sine_plus_identity, angles(16), reuse=True),
        Case("lap_2048", shifted_laplacian, image(2048)),
        Case("dot_1e7", jnp.dot, pair),
        Case("norm_diff_1e7", distance, pair),
        Case("chain_transc_1e6", chain, lambda: (uniform((1_000_000,), -3.0, 3.0),)),
        Case("exp_1e6", jnp.exp, angles(1_000_000)),
        Case("softmax_rows_1024", lambda x: jax.nn.softmax(x, axis=-1), image(1024)),
        Case("sum_axis0_2048", lambda x: jnp.sum(x, axis=0), image(2048)),
        Case("sum_axis1_2048", lambda x: jnp.sum(x, axis=1), image(2048)),
        Case("transpose_2048", jnp.transpose, image(2048)),
        Case("cumsum_1e6", jnp.cumsum, angles(1_000_000)),
        Case("sort_1e6", jnp.sort, angles(1_000_000)),
        Case("circ_fft_256", circular_convolution, transform(256)),
        Case("circ_fft_512", circular_convolution, transform(512)),
        Case("circ_fft_1024", circular_convolution, transform(1024)),
        Case("matmul_512", jnp.matmul, matrices(512)),
        Case("matmul_1024", jnp.matmul, matrices(1024)),
        Case("conv_64x64x3x3_128", convolution, channels),
        Case("xray2d_fwd_256", project, image(256)),
        Case("xray2d_adj_256", back_project, lambda: (uniform((90, 384), 0.0, 1.0),)),
        Case("unrolled_200", unrolled_descent(200), lambda: (uniform((1000,), 0.0, 1.0),)),
        Case("loop_updates_1e6", updates_in_loop, lambda: (uniform((1_000_000,), 0.0, 1.0),)),
        Case("histogram_1e6", histogram, lambda: (uniform((1_000_000,), 0.0, 1.0),)),
        Case("rolls_1024", rolled_gradient, image(1024)),
    ]


def compile_times(case):
    tracing, compiling = [], []
    begin = time.perf_counter()
    while len(compiling) < COMPILATIONS and (not compiling or time.perf_counter() - begin < COMPILATION_TIME):
        jax.clear_caches()
        args = case.args()
        if case.reuse:
            args = (*args, jax.block_until_ready(case.function(*args)))
        jitted = case.jitted()
        start = time.perf_counter()
        traced = jitted.trace(*args)
        middle = time.perf_counter()
        traced.lower().compile()
        end = time.perf_counter()
        tracing.append(1e3 * (middle - start))
        compiling.append(1e3 * (end - middle))
    return statistics.median(tracing), statistics.median(compiling)


def compile_once(function):
    """Milliseconds to trace and to compile a function of a vector."""
    jax.clear_caches()
    x = uniform((1000,), 0.0, 1.0)
    jax.block_until_ready(x)
    start = time.perf_counter()
    traced = jax.jit(function).trace(x)
    middle = time.perf_counter()
    traced.lower().compile()
    return 1e3 * (middle - start), 1e3 * (time.perf_counter() - middle)


def quantile(ordered, fraction):
    return ordered[min(round(fraction * (len(ordered) - 1)), len(ordered) - 1)]


def precision(times):
    """Half the width of the interval that holds the median with 95 % confidence, relative to the median."""
    ordered, reach = sorted(times), 0.98 / math.sqrt(len(times))
    width = quantile(ordered, 0.5 + reach) - quantile(ordered, 0.5 - reach)
    return width / (2 * quantile(ordered, 0.5))


def run_times(call, budget):
    """Milliseconds per call, sorted; until the median is known or the time is up."""

    def repeat(calls):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    calls = 1
    while repeat(calls) < SHORTEST_SAMPLE:
        calls *= 2
    start = time.perf_counter()
    while time.perf_counter() - start < budget / 10:
        repeat(calls)
    start, times = time.perf_counter(), []
    while time.perf_counter() - start < budget or len(times) < 3:
        times.append(1e3 * repeat(calls) / calls)
        if len(times) >= FEWEST_SAMPLES and len(times) % 5 == 0 and precision(times) < WANTED_PRECISION:
            break
    return sorted(times)


def summary(result):
    elements = np.asarray(result).ravel()
    count = min(elements.size, 16)
    chosen = [float(elements[number * elements.size // count]) for number in range(count)]
    wide = elements.astype(np.float64)
    return {
        "shape": list(np.shape(result)),
        "sum": float(wide.sum()),
        "norm": float(np.sqrt((wide**2).sum())),
        "elements": chosen,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--only", default="")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--unrolled", type=int, action="append", default=[])
    options = parser.parse_args()

    if options.unrolled:
        print(json.dumps({steps: sum(compile_once(unrolled_descent(steps))) for steps in options.unrolled}))
        return

    report = {}
    print(f"{'case':<16} {'median ms':>11} {'min ms':>11} {'spread':>8} {'samples':>8} {'trace ms':>10} {'compile ms':>11}")
    # Beside this program, whose data they take.
    from jax_solvers import SOLVERS

    def posed(name, make):
        solve, data = make()
        return Case(name, solve, lambda: (data,))

    solvers = [posed(name, make) for name, make in SOLVERS.items() if not options.case or name in options.case]
    for case in cases() + solvers:
        if options.only not in case.name or (options.case and case.name not in options.case):
            continue
        tracing, compiling = compile_times(case)
        call, result = case.caller()
        times = run_times(call, options.seconds)
        median = quantile(times, 0.5)
        spread = (quantile(times, 0.75) - quantile(times, 0.25)) / median
        print(
            f"{case.name:<16} {median:>11.4f} {times[0]:>11.4f} {100 * spread:>7.1f}% {len(times):>8} "
            f"{tracing:>10.3f} {compiling:>11.3f}",
            flush=True,
        )
        report[case.name] = {
            "median_ms": median,
            "min_ms": times[0],
            "spread": spread,
            "samples": len(times),
            "trace_ms": tracing,
            "compile_ms": compiling,
            "results": [summary(leaf) for leaf in jax.tree.leaves(result)],
        }
    if options.json:
        threads = len(os.sched_getaffinity(0))
        with open(options.json, "w") as file:
            json.dump({"side": "jax", "threads": threads, "cases": report}, file, indent=2)


if __name__ == "__main__":
    main()
