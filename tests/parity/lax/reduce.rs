//! Reductions over all or some axes, and norms.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::{Array, DType};

/// A reduction, with and without the reduced axes in the result.
macro_rules! reduction {
    ($method:ident) => {
        Of(|call| Ok(reduced(call, |x, axes| x.$method(axes), |x, axes| x.keep_axes().$method(axes))))
    };
}

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.all", reduction!(all_axes)),
    ("jnp.any", reduction!(any_axes)),
    ("jnp.max", reduction!(max_axes)),
    ("jnp.mean", reduction!(mean_axes)),
    ("jnp.min", reduction!(min_axes)),
    ("jnp.prod", reduction!(prod_axes)),
    ("jnp.sum", Of(sum)),
];

type Reduce = fn(&Array, &[isize]) -> Array;

fn reduced(call: &Call<'_>, without: Reduce, with: Reduce) -> Output {
    let axes = call.ints("axis").unwrap_or_else(|| (0..call.rank() as isize).collect());
    let reduce = if call.flag("keepdims") { with } else { without };
    reduce(call.x(), &axes).into()
}

fn sum(call: &Call<'_>) -> Computed<Output> {
    let dtype = call.x().dtype()?;
    if dtype.is_int() && dtype.size() < DType::I32.size() {
        return Err(call.missing("sums of narrow integers in wide ones"));
    }
    Ok(reduced(call, |x, axes| x.sum_axes(axes), |x, axes| x.keep_axes().sum_axes(axes)))
}
