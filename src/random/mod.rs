//! Random numbers: a counter-based generator, as ordinary traced functions of a key.
//!
//! There is no hidden state: a sample is a function of its [`Key`], and keys are split to get independent samples. Element
//! `j` of a sample depends on the key and on `j` alone, so samples are the same on any number of threads, fuse into
//! what consumes them, and can be drawn inside compiled loops and batched by [`vmap`](crate::vmap).
//!
//! Keys, bits and samples are those of JAX 0.8.1 with its default `jax_threefry_partitionable`, in 32 or 64 bits by the
//! dtype that is asked for; floating-point samples agree to rounding. Where a sample is accepted or rejected by a comparison
//! of floating-point numbers ([`gamma()`], [`poisson()`], [`choice`] with probabilities), a rounding that goes the other way
//! gives another sample, about once in a million.
//!
//! Parameters of distributions are arrays that broadcast to the shape of the sample, or numbers. Samples are
//! differentiable by the parameters of continuous distributions.

mod discrete;
mod erf_inv;
mod gamma;
mod key;
mod normal;
mod permutation;
mod poisson;
mod quantile;
mod uniform;
mod words;

pub use discrete::{bernoulli, categorical, choice, choice_without_replacement, randint};
pub use gamma::{beta, dirichlet, gamma, loggamma};
pub use key::Key;
pub use normal::{multivariate_normal, normal, truncated_normal};
pub use permutation::{permutation, permute, shuffle};
pub use poisson::poisson;
pub use quantile::{cauchy, exponential, gumbel, laplace, logistic};
pub use uniform::{bits, uniform, uniform_between};

use crate::trace::evaluate;
use cotangent_ir::{Array, DType, ErrorKind, IntoOperand, Term, fail};

/// Draws a sample as one program. `draw` gives as many elements as it is told to, which get the shape.
#[track_caller]
fn sample(operation: &str, key: &Key, shape: &[usize], draw: impl Fn(&Key, usize) -> Array) -> Array {
    let location = std::panic::Location::caller();
    let count = shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent));
    match count {
        Some(count) if u32::try_from(count).is_ok() => {
            evaluate(operation, key.clone(), |key| draw(&key, count).reshape(shape).into()).at(location).into_tree()
        }
        _ => {
            let message = format!("shape {shape:?} has more than 2^32 elements; draw it in parts from split keys");
            fail(ErrorKind::Argument, operation, message)
        }
    }
}

/// Draws a sample of floats.
#[track_caller]
fn float_sample(
    operation: &str,
    key: &Key,
    shape: &[usize],
    dtype: DType,
    draw: impl Fn(&Key, usize) -> Array,
) -> Array {
    match float(operation, dtype) {
        Err(error) => error,
        Ok(()) => sample(operation, key, shape, draw),
    }
}

#[track_caller]
fn float(operation: &str, dtype: DType) -> Result<(), Array> {
    if dtype.is_float() {
        return Ok(());
    }
    Err(fail(ErrorKind::DType, operation, format!("samples are f32 or f64, not {dtype}; convert them with `astype`")))
}

/// A parameter of a distribution, as an array of a dtype.
#[track_caller]
fn parameter(dtype: DType, value: impl IntoOperand) -> Array {
    match value.into_operand() {
        Term::Array(array) => array.astype(dtype),
        Term::Literal(number) => Array::scalar(number.convert(dtype)),
    }
}

/// A parameter with an element for each of a sample.
#[track_caller]
fn each(parameter: &Array, shape: &[usize]) -> Array {
    parameter.broadcast_to(shape).flatten()
}
