//! Solvers of linear systems, as parts of traced programs.

mod conjugate_gradient;

pub use conjugate_gradient::{CgSolution, ConjugateGradient, conjugate_gradient};
