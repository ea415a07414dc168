//! Solvers of equations and minimisers of functions, as parts of traced programs.
//!
//! Linear systems: [`conjugate_gradient`], [`least_squares`], and directly [`MatrixAtad`] and [`ConvAtadSolver`]. Functions:
//! [`minimize`] by a method such as [`Lbfgs`], [`minimize_scalar`] of one number; element by element [`bisect`] finds roots
//! and [`golden`] minima. Each runs at once outside of traced functions, and is a part of the program inside; all of them are
//! batched by [`vmap`](crate::vmap).

mod bisect;
mod conjugate_gradient;
mod conv_atad;
mod golden;
mod least_squares;
mod matrix_atad;
mod minimize;
mod scalar;

pub use bisect::{Bisection, Roots, bisect};
pub use conjugate_gradient::{CgSolution, ConjugateGradient, conjugate_gradient, preconditioned_conjugate_gradient};
pub use conv_atad::ConvAtadSolver;
pub use golden::{GoldenSection, Minima, golden};
pub use least_squares::{least_squares, preconditioned_least_squares};
pub use matrix_atad::{Factorization, MatrixAtad, MatrixAtadSolver, Shift};
pub use minimize::{
    Bfgs, Bounds, Lbfgs, MinimizeOutcome, Minimizer, Minimum, NelderMead, NonlinearCg, Objective, Point,
    TruncatedNewton, minimize, minimize_implicit,
};
pub use scalar::{Brent, minimize_scalar, minimize_scalar_within};
