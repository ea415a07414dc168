//! Random numbers, by the seed of their key.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::random::{self, Key};
use cotangent::{Array, DType, stack};

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("random.bernoulli", Of(|call| Ok(random::bernoulli(&key(call), &shape(call), call.real("p").unwrap()).into()))),
    (
        "random.bits",
        Of(|call| {
            let bits = random::bits(&key(call), &shape(call));
            // Shorter words are the low bits of long ones.
            Ok(call.dtype("dtype").map_or(bits.clone(), |dtype| bits.astype(dtype)).into())
        }),
    ),
    ("random.exponential", Of(|call| Ok(random::exponential(&key(call), &shape(call), dtype(call)).into()))),
    ("random.laplace", Of(|call| Ok(random::laplace(&key(call), &shape(call), dtype(call)).into()))),
    ("random.normal", Of(|call| Ok(random::normal(&key(call), &shape(call), dtype(call)).into()))),
    ("random.permutation", Of(|call| Ok(random::permutation(&key(call), call.int("x").unwrap() as usize).into()))),
    (
        "random.randint",
        Of(|call| {
            let (low, high) = (call.int("minval").unwrap() as i32, call.int("maxval").unwrap() as i32);
            Ok(random::randint(&key(call), &shape(call), low, high).into())
        }),
    ),
    ("random.uniform", Of(uniform)),
    ("x.fold_in", Of(|call| Ok(words(&seeded(call).fold_in(call.int("data").unwrap() as u32)).into()))),
    ("x.key", Of(|call| Ok(words(&seeded(call)).into()))),
    (
        "x.split",
        Of(|call| {
            let keys = seeded(call).split_into(call.int("num").unwrap() as usize);
            Ok(stack(&keys.iter().map(words).collect::<Vec<_>>(), 0).into())
        }),
    ),
];

fn uniform(call: &Call<'_>) -> Computed<Output> {
    let (key, shape, dtype) = (key(call), shape(call), dtype(call));
    match (call.real("minval"), call.real("maxval")) {
        (None, None) => Ok(random::uniform(&key, &shape, dtype).into()),
        (low, high) => {
            let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(1.0));
            Ok(random::uniform_between(&key, &shape, dtype, low, high).into())
        }
    }
}

/// The key of a case that draws a sample.
fn key(call: &Call<'_>) -> Key {
    Key::new(call.case.params()["seed"].as_u64().unwrap())
}

/// The key of a call that makes one. A negative seed stands for its 32 bits.
fn seeded(call: &Call<'_>) -> Key {
    Key::new(u64::from(call.int("seed").unwrap() as u32))
}

/// The words of a key as an array.
fn words(key: &Key) -> Array {
    let (high, low) = key.words();
    stack(&[high, low], 0)
}

fn shape(call: &Call<'_>) -> Vec<usize> {
    call.sizes("shape").unwrap()
}

fn dtype(call: &Call<'_>) -> DType {
    call.dtype("dtype").unwrap()
}
