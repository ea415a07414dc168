"""Whole solves in SCICO 0.0.7, as its users run them: the cases of `cotangent bench --suite solvers` of the same names.

A case is a function that poses the problem and returns one that solves it from its start. What SCICO jits by itself it has
jitted after the first solve. scico_peer.py measures them.
"""

import numpy as np
import scico.numpy as snp
from jax_peer import uniform
from scico import functional, linop, loss
from scico.linop.xray import XRayTransform2D
from scico.optimize import ADMM, PDHG, AcceleratedPGM
from scico.optimize.admm import CircularConvolveSolver, LinearSubproblemSolver


def picture(n):
    """Squares of two greys, of a length that is no power of two."""
    rows, columns = np.indices((n, n)) // 37
    return snp.array(0.25 + 0.5 * ((rows + columns) % 2), dtype=np.float32)


def noise(shape):
    return uniform(shape, -0.1, 0.1)


def deconvolution(n):
    blur = linop.CircularConvolve(snp.ones((7, 7), dtype=np.float32) / 49.0, (n, n), h_center=(3, 3))
    y = blur(picture(n)) + 0.1 * noise((n, n))
    differences = linop.FiniteDifference((n, n), circular=True)
    solver = ADMM(
        f=loss.SquaredL2Loss(y, A=blur),
        g_list=[2e-3 * functional.L21Norm()],
        C_list=[differences],
        rho_list=[0.05],
        x0=y,
        maxiter=50,
        subproblem_solver=CircularConvolveSolver(),
    )
    return repeated_admm(solver, y)


def denoising(n):
    y = picture(n) + noise((n, n))
    differences = linop.FiniteDifference((n, n), append=0)
    solver = ADMM(
        f=loss.SquaredL2Loss(y),
        g_list=[0.1 * functional.L21Norm()],
        C_list=[differences],
        rho_list=[1.0],
        x0=y,
        maxiter=50,
        subproblem_solver=LinearSubproblemSolver(cg_kwargs={"tol": 1e-3, "maxiter": 20}),
    )
    return repeated_admm(solver, y)


def primal_dual(n):
    y = picture(n) + noise((n, n))
    differences = linop.FiniteDifference((n, n), append=0)
    solver = PDHG(
        f=loss.SquaredL2Loss(y),
        g=0.1 * functional.L21Norm(),
        C=differences,
        tau=0.25,
        sigma=0.25,
        x0=y,
        maxiter=100,
    )

    def solve():
        solver.x = solver.x_old = y
        solver.z = solver.z_old = snp.zeros(differences.output_shape, dtype=np.float32)
        solver.itnum = 0
        return solver.solve()

    return solve


def tomography(n, views):
    project = XRayTransform2D((n, n), np.linspace(0.0, np.pi, views, endpoint=False))
    y = project(picture(n))
    y = y + n / 8 * noise(y.shape)
    differences = linop.FiniteDifference((n, n), append=0)
    x0 = snp.zeros((n, n), dtype=np.float32)
    solver = ADMM(
        f=loss.SquaredL2Loss(y, A=project),
        g_list=[5.0 * functional.L21Norm()],
        C_list=[differences],
        rho_list=[50.0],
        x0=x0,
        maxiter=25,
        subproblem_solver=LinearSubproblemSolver(cg_kwargs={"tol": 1e-4, "maxiter": 25}),
    )
    return repeated_admm(solver, x0)


def repeated_admm(solver, x0):
    def solve():
        solver.x = x0
        solver.z_list, solver.z_list_old = solver.z_init(x0)
        solver.u_list = solver.u_init(x0)
        solver.itnum = 0
        return solver.solve()

    return solve


def sparse_coding(rows, columns):
    matrix = uniform((rows, columns), -1.0, 1.0)
    dictionary = linop.MatrixOperator(matrix / snp.sqrt(snp.sum(matrix**2, axis=0)))
    code = snp.where(snp.arange(columns) % 61 == 0, 1.0, 0.0).astype(np.float32)
    y = dictionary(code) + 0.1 * noise((rows,))
    x0 = snp.zeros((columns,), dtype=np.float32)
    solver = AcceleratedPGM(
        f=loss.SquaredL2Loss(y, A=dictionary), g=0.05 * functional.L1Norm(), L0=10.0, x0=x0, maxiter=100
    )

    def solve():
        solver.x = solver.v = x0
        solver.t = 1.0
        solver.itnum = 0
        return solver.solve()

    return solve


SOLVERS = {
    "deconv_tv_admm50_256": lambda: deconvolution(256),
    "deconv_tv_admm50_512": lambda: deconvolution(512),
    "denoise_tv_admm50_256": lambda: denoising(256),
    "denoise_tv_admm50_512": lambda: denoising(512),
    "denoise_tv_pdhg100_512": lambda: primal_dual(512),
    "ct_tv_admm25_128x45": lambda: tomography(128, 45),
    "ct_tv_admm25_256x90": lambda: tomography(256, 90),
    "sparse_apgm100_512x2048": lambda: sparse_coding(512, 2048),
}
