//! Random well-typed functions for tests, each determined by a seed.
//!
//! Elements stay moderate: every value carries a bound of its magnitude and an estimate of how far rounding may have
//! moved it, and instructions that would make either large are scaled down or not chosen. Instructions that jump
//! (comparisons, roundings, conversions to integers) are applied only to values that no rounding has touched. So two
//! correct implementations agree on every result within the tolerance of its dtype.
//!
//! A function that fails a test is made smaller by [`shrink`].

use crate::dtype::DType;
use crate::func::{Func, Value};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;
use builder::Builder;
use num_complex::Complex;

mod arithmetic;
mod builder;
mod control;
mod functions;
mod kernel;
mod matrices;
mod movement;
mod order;
mod products;
mod rules;
mod shrink;

pub use kernel::{buffers, kernel};
pub use shrink::{Call, shrink};

/// What random functions are made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// About how many instructions a function has, those of sub-functions not counted.
    pub instructions: usize,
    /// Real dtypes used; not empty.
    pub floats: Vec<DType>,
    /// Whether complex numbers of these precisions occur, and Fourier transforms.
    pub complex: bool,
    /// Whether integers and bools are computed with.
    pub integers: bool,
    /// Whether loops, conditionals and calls occur, and functions with rules of their own.
    pub control: bool,
    /// Whether the function must be smooth in all its parameters, and differentiable in reverse: no kinks, no jumps, no
    /// `while`.
    pub differentiable: bool,
}

impl Default for Options {
    /// Everything there is.
    fn default() -> Options {
        let floats = vec![DType::F32, DType::F64];
        Options { instructions: 14, floats, complex: true, integers: true, control: true, differentiable: false }
    }
}

impl Options {
    /// Smooth functions in double precision, for laws of differentiation.
    pub fn smooth() -> Options {
        Options { floats: vec![DType::F64], integers: false, differentiable: true, ..Options::default() }
    }
}

/// The function of a seed.
///
/// ```
/// use cotangent_ir::{eval, generate, verify};
/// let options = generate::Options::default();
/// let func = generate::function(7, &options);
/// verify::verify(&func).unwrap();
/// let args: Vec<_> = generate::arguments(&func, 7).into_iter().map(std::sync::Arc::new).collect();
/// assert_eq!(eval::eval(&func, &args).unwrap().len(), func.results().len());
/// assert_eq!(func, generate::function(7, &options));
/// ```
pub fn function(seed: u64, options: &Options) -> Func {
    let mut random = Random::new(seed);
    let extents: Vec<usize> = (0..3).map(|_| *random.pick(&[1, 2, 3, 3, 4, 5])).collect();
    let mut builder = Builder::new("random", options, &mut random);
    let params = 2 + builder.random.below(3);
    for _ in 0..params {
        let ty = builder.random_type(&extents);
        builder.param(ty);
    }
    for _ in 0..options.instructions {
        builder.step();
    }
    let results = 1 + builder.random.below(3);
    builder.finish(results)
}

/// Arguments for a function: moderate elements, never 0 where they are floats.
pub fn arguments(func: &Func, seed: u64) -> Vec<Tensor> {
    let mut random = Random::new(seed ^ 0x5851_f42d_4c95_7f2d);
    func.param_types().iter().map(|ty| Tensor::from_fn(ty.clone(), |_| element(ty.dtype, &mut random))).collect()
}

/// Floats are odd multiples of 1/128 within [-2, 2]: exact in every float dtype, and never 0.
fn element(dtype: DType, random: &mut Random) -> Scalar {
    let mut real = || (2.0 * random.below(256) as f64 - 255.0) / 128.0;
    match dtype {
        DType::Bool => Scalar::bool(real() > 0.0),
        DType::F32 | DType::F64 => Scalar::real(dtype, real()),
        DType::C64 | DType::C128 => Scalar::complex(dtype, Complex::new(real(), real())),
        _ if dtype.is_unsigned_int() => Scalar::int(dtype, (2.0 * real()).abs() as i128),
        _ => Scalar::int(dtype, (2.0 * real()) as i128),
    }
}

/// Splitmix64: good enough to choose instructions, and no dependency.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next_bits() % limit as u64) as usize
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// One of several, which are not none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What is known of the elements of a value.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// No magnitude is above this.
    bound: f64,
    /// Estimate of how far rounding may have moved an element, in units of the coarsest precision in use. 0: exact.
    spread: f64,
}

/// Magnitudes above this are scaled down before they are used further.
const MODERATE: f64 = 6.0;

/// Values that rounding may have moved further are not computed.
const MAX_SPREAD: f64 = 5_000.0;

/// A value to compute with, and what is known of it.
#[derive(Clone, Debug)]
struct Pick {
    value: Value,
    ty: Type,
    known: Known,
}
