//! Reductions over all or some axes.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::Array;

/// A reduction, with and without the reduced axes in the result.
macro_rules! reduction {
    ($method:ident) => {
        Of(|call| Ok(reduced(call, |x, axes| x.$method(axes), |x, axes| x.keep_axes().$method(axes))))
    };
}

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.all", reduction!(all_axes)),
    ("jnp.any", reduction!(any_axes)),
    ("jnp.argmax", Of(|call| place(call, Array::argmax, Array::argmax_axis))),
    ("jnp.argmin", Of(|call| place(call, Array::argmin, Array::argmin_axis))),
    ("jnp.count_nonzero", reduction!(count_nonzero_axes)),
    ("jnp.max", reduction!(max_axes)),
    ("jnp.mean", reduction!(mean_axes)),
    ("jnp.median", Of(median)),
    ("jnp.min", reduction!(min_axes)),
    ("jnp.nanmax", reduction!(nanmax_axes)),
    ("jnp.nanmin", reduction!(nanmin_axes)),
    ("jnp.nansum", reduction!(nansum_axes)),
    ("jnp.prod", reduction!(prod_axes)),
    ("jnp.std", reduction!(std_axes)),
    ("jnp.sum", reduction!(sum_axes)),
    ("jnp.var", Of(variance)),
    ("special.logsumexp", reduction!(logsumexp_axes)),
];

type Reduce = fn(&Array, &[isize]) -> Array;

fn reduced(call: &Call<'_>, without: Reduce, with: Reduce) -> Output {
    let reduce = if call.flag("keepdims") { with } else { without };
    reduce(call.x(), &axes(call)).into()
}

/// The reduced axes, all unless the call names some.
fn axes(call: &Call<'_>) -> Vec<isize> {
    call.ints("axis").unwrap_or_else(|| (0..call.rank() as isize).collect())
}

fn variance(call: &Call<'_>) -> Computed<Output> {
    match call.int("ddof") {
        None => Ok(reduced(call, |x, axes| x.var_axes(axes), |x, axes| x.keep_axes().var_axes(axes))),
        Some(freedom) => Ok(call.x().var_with(&axes(call), freedom as usize).into()),
    }
}

fn median(call: &Call<'_>) -> Computed<Output> {
    Ok(match call.int("axis") {
        Some(axis) => call.x().median(axis as isize),
        None => call.x().flatten().median(0),
    }
    .into())
}

/// The place of an extremum.
fn place(call: &Call<'_>, of_all: fn(&Array) -> Array, along: fn(&Array, isize) -> Array) -> Computed<Output> {
    Ok(match call.int("axis") {
        Some(axis) => along(call.x(), axis as isize),
        None => of_all(call.x()),
    }
    .into())
}
