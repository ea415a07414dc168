//! The linear part of a function at a point, apart from the point.
//!
//! The function with its tangent ([`jvp`]) is divided into what depends on the point alone, which is computed once, and
//! what depends on tangents, which is linear in them. Values of the first part that the second one needs are passed from
//! one to the other; these *residuals* are what reverse mode stores.

use crate::error::Result;
use crate::func::Func;
use crate::transform::jvp::jvp;
use crate::transform::prune::prune;
use crate::transform::split::{Split, split};

/// A function in two parts. See [`linearize`].
#[derive(Clone, Debug)]
pub struct Linearized {
    /// The parameters of the original function to its results, then the residuals.
    pub primal: Func,
    /// The number of residuals.
    pub residuals: usize,
    /// The residuals, then the tangents of the flagged parameters, to the tangents of the results flagged in `nonzero`.
    pub linear: Func,
    /// Which results have a tangent.
    pub nonzero: Vec<bool>,
}

/// Divides a function into its value and its linear part, with respect to the parameters flagged in `linear`.
///
/// # Errors
/// As [`jvp`].
pub fn linearize(func: &Func, linear: &[bool]) -> Result<Linearized> {
    let (forward, nonzero) = jvp(func, linear)?;
    let forward = prune(&forward);
    let (params, results) = (func.params().len(), func.results().len());
    let unknown: Vec<bool> = forward.params().map(|value| value.index() >= params).collect();
    let tangents: Vec<bool> = (0..forward.results().len()).map(|position| position >= results).collect();
    let Split { known, linear, residuals, unknown: dependent } = split(&forward, &unknown, &tangents)?;
    if dependent != tangents {
        crate::error::internal(&format!("a result of @{} depends on tangents", func.name));
    }
    let mut primal = prune(&known);
    primal.name = format!("{}_primal", func.name);
    let mut linear = prune(&linear);
    linear.name = format!("{}_linear", func.name);
    Ok(Linearized { primal, residuals, linear, nonzero })
}
