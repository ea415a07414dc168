//! Arrays made from numbers.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::{Array, DType};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[("jnp.linspace", Of(linspace))];

fn linspace(call: &Call<'_>) -> Computed<Output> {
    let (start, stop, count) = (call.real("start").unwrap(), call.real("stop").unwrap(), call.int("num").unwrap());
    let open = call.option("endpoint").is_some_and(|endpoint| endpoint == false);
    // Without its end, an interval of `count` numbers ends one step before `stop`.
    let last = if open { stop - (stop - start) / count as f64 } else { stop };
    Ok(Array::linspace(start, last, count as usize, DType::F32).into())
}
