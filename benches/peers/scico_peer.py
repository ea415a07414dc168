"""The cases of `cotangent bench --suite operators` and `--suite solvers` in SCICO 0.0.7, measured as jax_peer.py measures.

    scico_peer.py [--json FILE] [--only TEXT] [--case NAME]... [--seconds S] [--list]

Operators are called as users of SCICO call them: `A(x)` and `A.adj(y)` of an operator that SCICO has jitted. Functionals are
not jitted there, their proxes are by `jax.jit`. Every call is waited for. Beside jax_peer.py, whose numbers and clock this
takes. Whole solves stand in scico_solvers.py; `first_ms` is the time from posing one to its first result.
"""

import argparse
import json
import os
import sys
import tempfile
import time

# SCICO's Abel transform keeps its matrix in a folder, which is not to be that of the user.
from jax_peer import quantile, run_times, summary, uniform

import jax
import jax.numpy as jnp
import numpy as np
import scico.numpy as snp
from scico import functional, linop, operator
from scico.linop import optics, xray
from scico.operator.biconvolve import BiConvolve
from scico_solvers import SOLVERS

N = 512
IMAGE = (N, N)
VOLUME = (128, 128, 128)
PAIR = (2, N, N)
KERNEL = (7, 7)
VIEWS = 360
VIEWS_3D = 16
LAMBDA = 0.1


def complex_uniform(shape):
    """Two neighbours of real numbers each."""
    parts = uniform((*shape, 2), -1.0, 1.0)
    return jax.lax.complex(parts[..., 0], parts[..., 1])


def random(shape, dtype=np.float32):
    return complex_uniform(shape) if np.issubdtype(dtype, np.complexfloating) else uniform(shape, -1.0, 1.0)


def image():
    return random(IMAGE)


def kernel():
    return uniform(KERNEL, 0.0, 1.0)


def difference(axis, shape=IMAGE):
    return linop.SingleAxisFiniteDifference(shape, axis=axis, append=0)


def matrices():
    angles = np.stack([np.full(VIEWS_3D, 0.3), np.linspace(0.0, np.pi, VIEWS_3D, endpoint=False)], axis=1)
    return xray.XRayTransform3D.matrices_from_euler_angles(VOLUME, (128, 128), "XY", angles)


def abel():
    # The matrix is kept in the folder of the process.
    os.chdir(tempfile.mkdtemp())
    from scico.linop.xray.abel import AbelTransform

    return AbelTransform(IMAGE)


def cone(shape):
    from scico.linop.xray.symcone import SymConeXRayTransform

    return SymConeXRayTransform(shape, 1000.0, 1500.0)


def symmetric_volume():
    from scico.linop.xray.symcone import AxiallySymmetricVolume

    return AxiallySymmetricVolume((128, 128))


def directions():
    return tuple(snp.blockarray([uniform(IMAGE, low, 1.0), uniform(IMAGE, low, 2.0)]) for low in (0.0, -1.0))


LINEAR = {
    "diagonal": lambda: linop.Diagonal(image()),
    "matrix": lambda: linop.MatrixOperator(image(), input_cols=N),
    "matrix_vector": lambda: linop.MatrixOperator(image()),
    "convolve": lambda: linop.Convolve(kernel(), IMAGE, mode="full"),
    "convolve_by_x": lambda: linop.ConvolveByX(image(), KERNEL, mode="full"),
    "circular_convolve": lambda: linop.CircularConvolve(kernel(), IMAGE),
    "dft": lambda: linop.DFT(IMAGE),
    "finite_difference": lambda: linop.FiniteDifference(IMAGE, append=0),
    "finite_difference_circular": lambda: linop.FiniteDifference(IMAGE, circular=True),
    "difference_axis0": lambda: difference(0),
    "difference_axis1": lambda: difference(1),
    "sum": lambda: linop.Sum(IMAGE),
    "sum_axis0": lambda: linop.Sum(IMAGE, axis=0),
    "sum_axis1": lambda: linop.Sum(IMAGE, axis=1),
    "slice": lambda: linop.Slice(np.s_[64:448, ::2], IMAGE),
    "transpose": lambda: linop.Transpose(IMAGE),
    "reshape": lambda: linop.Reshape(IMAGE, (N // 2, 2 * N)),
    "pad": lambda: linop.Pad(IMAGE, ((16, 16), (16, 16))),
    "pad_edge": lambda: linop.Pad(IMAGE, ((16, 16), (16, 16)), mode="edge"),
    "crop": lambda: linop.Crop(((16, 16), (16, 16)), IMAGE),
    "vertical_stack": lambda: linop.VerticalStack([linop.Diagonal(image()), difference(1)]),
    "diagonal_stack": lambda: linop.DiagonalStack([linop.Diagonal(image()), difference(1)]),
    "diagonal_replicated": lambda: linop.DiagonalReplicated(difference(1), 4),
    "projected_gradient": lambda: linop.ProjectedGradient(IMAGE, coord=directions()),
    "polar_gradient": lambda: linop.PolarGradient(IMAGE),
    "cylindrical_gradient": lambda: linop.CylindricalGradient(VOLUME),
    "spherical_gradient": lambda: linop.SphericalGradient(VOLUME),
    "xray_2d": lambda: xray.XRayTransform2D(IMAGE, np.linspace(0.0, np.pi, VIEWS, endpoint=False)),
    "xray_3d": lambda: xray.XRayTransform3D(VOLUME, matrices(), (128, 128)),
    "abel": abel,
    "symmetric_volume": symmetric_volume,
    "cone_2d": lambda: cone((128, 128)),
    "cone_3d": lambda: cone(VOLUME),
    "angular_spectrum": lambda: optics.AngularSpectrumPropagator(IMAGE, 1.0, 6.0, 20.0),
    "angular_spectrum_padded": lambda: optics.AngularSpectrumPropagator(IMAGE, 1.0, 6.0, 20.0, pad_factor=2),
    "fresnel": lambda: optics.FresnelPropagator(IMAGE, 1.0, 6.0, 20.0),
    "fraunhofer": lambda: optics.FraunhoferPropagator(IMAGE, 1.0, 6.0, 20.0),
}

NONLINEAR = {
    "abs": lambda: (operator.Abs(IMAGE, input_dtype=np.complex64), complex_uniform(IMAGE)),
    "angle": lambda: (operator.Angle(IMAGE, input_dtype=np.complex64), complex_uniform(IMAGE)),
    "exp": lambda: (operator.Exp(IMAGE), image()),
    "biconvolve": lambda: (BiConvolve((IMAGE, KERNEL), mode="full"), snp.blockarray([image(), kernel()])),
}


def vector():
    return uniform((1_000_000,), -1.0, 1.0)


def square():
    return uniform((1000, 1000), -1.0, 1.0)


def not_negative(x):
    return jnp.maximum(x, 0.0)


def groups():
    return uniform((2, 500_000), -1.0, 1.0)


PROXES = {
    "l0": lambda: (functional.L0Norm(), vector()),
    "l1": lambda: (functional.L1Norm(), vector()),
    "l1_complex": lambda: (functional.L1Norm(), complex_uniform((1_000_000,))),
    "squared_l2": lambda: (functional.SquaredL2Norm(), vector()),
    "l2": lambda: (functional.L2Norm(), vector()),
    "l2_complex": lambda: (functional.L2Norm(), complex_uniform((1_000_000,))),
    "l21": lambda: (functional.L21Norm(), groups()),
    "l1_minus_l2": lambda: (functional.L1MinusL2Norm(), vector()),
    "huber": lambda: (functional.HuberNorm(), vector()),
    "huber_joint": lambda: (functional.HuberNorm(separable=False), vector()),
    "nuclear": lambda: (functional.NuclearNorm(), square()),
    "non_negative": lambda: (functional.NonNegativeIndicator(), vector()),
    "l2_ball": lambda: (functional.L2BallIndicator(1.0), vector()),
    "set_distance": lambda: (functional.SetDistance(not_negative), vector()),
    "squared_set_distance": lambda: (functional.SquaredSetDistance(not_negative), vector()),
    "proximal_average": lambda: (functional.ProximalAverage([functional.L1Norm(), functional.L2Norm()]), vector()),
    "tv_anisotropic": lambda: (functional.AnisotropicTVNorm(input_shape=(1000, 1000)), square()),
    "tv_isotropic": lambda: (functional.IsotropicTVNorm(input_shape=(1000, 1000)), square()),
}


def jitted(make):
    operator = make()
    # This one goes through views in Python and jits its parts; it cannot be jitted as a whole.
    if not isinstance(operator, xray.XRayTransform3D):
        operator.jit()
    return operator


def forward(make):
    def prepare():
        operator = jitted(make)
        x = random(operator.input_shape, operator.input_dtype)
        return lambda: operator(x)

    return prepare


def adjoint(make):
    def prepare():
        operator = jitted(make)
        y = random(operator.output_shape, operator.output_dtype)
        return lambda: operator.adj(y)

    return prepare


def evaluation(make):
    def prepare():
        operator, x = make()
        return lambda: operator(x)

    return prepare


def prox(make):
    def prepare():
        function, v = make()
        # The distance to a set branches in Python, so that its prox cannot be jitted.
        whole = not isinstance(function, functional.SetDistance)
        compiled = (jax.jit if whole else lambda prox: prox)(lambda v: function.prox(v, LAMBDA))
        return lambda: compiled(v)

    return prepare


def cases():
    for name, make in LINEAR.items():
        yield f"{name}_fwd", forward(make)
        yield f"{name}_adj", adjoint(make)
    for name, make in NONLINEAR.items():
        yield f"{name}_fwd", evaluation(make)
    for name, make in PROXES.items():
        yield f"prox_{name}", prox(make)
    yield from SOLVERS.items()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--only", default="")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(name for name, _ in cases()))
        return

    report = {}
    for name, prepare in cases():
        if options.only not in name or (options.case and name not in options.case):
            continue
        start = time.perf_counter()
        call = prepare()
        result = jax.block_until_ready(call())
        first = 1e3 * (time.perf_counter() - start)
        times = run_times(lambda: jax.block_until_ready(call()), options.seconds)
        median = quantile(times, 0.5)
        spread = (quantile(times, 0.75) - quantile(times, 0.25)) / median
        print(f"{name:<28} {median:>11.4f} {times[0]:>11.4f} {100 * spread:>7.1f}% {len(times):>6}", flush=True)
        report[name] = {
            "median_ms": median,
            "min_ms": times[0],
            "first_ms": first,
            "spread": spread,
            "samples": len(times),
            "results": [summary(jnp.abs(leaf)) for leaf in jax.tree.leaves(result)],
        }
        del call, result, prepare
    if options.json:
        threads = len(os.sched_getaffinity(0))
        with open(options.json, "w") as file:
            json.dump({"side": "scico", "threads": threads, "cases": report}, file, indent=2)


if __name__ == "__main__":
    main()
