//! Discrete distributions: integers, coins, categories, and choices from a population.

use super::permutation::shuffled;
use super::quantile::gumbels;
use super::{Key, sample};
use cotangent_ir::{Array, DType, ErrorKind, Result, fail};

/// Uniform `i32` numbers from `low` to `high - 1`.
#[track_caller]
pub fn randint(key: &Key, shape: &[usize], low: i32, high: i32) -> Array {
    let span = u32::try_from(i64::from(high) - i64::from(low)).unwrap_or(0).max(1);
    // In two's complement the sum wraps to the right number also where the offset exceeds i32.
    sample("randint", key, shape, |key, count| below(key, count, span).astype(DType::I32) + low)
}

/// Numbers below `span`: a 64-bit word modulo it, from the remainders of its halves. Products wrap as in the reference.
fn below(key: &Key, count: usize, span: u32) -> Array {
    let half = (1 << 16) % span;
    let factor = half.wrapping_mul(half) % span;
    let word = |j| key.derived(j).words_of_counters(count).bits() % span;
    (word(0) * factor + word(1)) % span
}

/// True with probability `p`.
#[track_caller]
pub fn bernoulli(key: &Key, shape: &[usize], p: f64) -> Array {
    sample("bernoulli", key, shape, |key, count| key.words_of_counters(count).unit(DType::F32).less(p))
}

/// Categories, as `i32` indices along an axis of logits: category `i` has a probability proportional to `exp(logits[i])`.
/// The result has the shape `prefix`, one sample for each, before that of the logits without the axis.
///
/// ```
/// use cotangent::{Array, random::{Key, categorical}};
/// let logits = Array::from([[0.0f32, f32::NEG_INFINITY], [f32::NEG_INFINITY, 1.0]]);
/// assert_eq!(categorical(&Key::new(0), &[3], &logits, -1).to_vec::<i32>()?, [0, 1, 0, 1, 0, 1]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn categorical(key: &Key, prefix: &[usize], logits: &Array, axis: isize) -> Array {
    let ty = match logits.ty() {
        Ok(ty) => ty,
        Err(error) => return Array::from_error(error),
    };
    let logits = if ty.dtype.is_float() { logits.clone() } else { logits.astype(DType::F32) };
    // Counted from the last axis, it is the same axis with the prefix.
    let axis = if axis < 0 { axis } else { axis - ty.rank() as isize };
    let whole = [prefix, &ty.shape].concat();
    let mut shape = whole.clone();
    if let Some(position) = whole.len().checked_add_signed(axis).filter(|&position| position < whole.len()) {
        shape.remove(position);
    }
    sample("categorical", key, &shape, |key, _| {
        let count = whole.iter().product();
        (gumbels(key, count, logits.dtype().unwrap_or(DType::F32)).reshape(&whole) + &logits).argmax_axis(axis)
    })
}

/// Slices of a population `x` along an axis, drawn with replacement, all with the same probability or with the given ones:
/// the shape of `x` with `shape` in place of the axis.
///
/// ```
/// use cotangent::{Array, random::{Key, choice}};
/// let dice = choice(&Key::new(0), &[100], &Array::from([1, 2, 3, 4, 5, 6]), 0, None);
/// assert!((dice.mean().item()? - 3.5).abs() < 0.6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn choice(key: &Key, shape: &[usize], x: &Array, axis: isize, p: Option<&Array>) -> Array {
    choose("choice", key, shape, x, axis, p, |key, draws, population| match p {
        None => below(key, draws, population as u32).astype(DType::I32),
        Some(p) => {
            let sums = p.cumsum(0);
            let total = sums.index_axis(0, -1);
            let unit = key.words_of_counters(draws).unit(sums.dtype().unwrap_or(DType::F32));
            sums.search_sorted(&(total * (1.0 - unit)), false)
        }
    })
}

/// Slices of a population `x` along an axis, drawn without replacement, all with the same probability or with the given
/// ones: the shape of `x` with `shape` in place of the axis. Slices of probability 0 come last.
///
/// ```
/// use cotangent::{Array, random::{Key, choice_without_replacement}};
/// let lots = choice_without_replacement(&Key::new(0), &[4], &Array::from([10, 20, 30, 40]), 0, None);
/// assert_eq!(lots.sort(0).to_vec::<i32>()?, [10, 20, 30, 40]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[track_caller]
pub fn choice_without_replacement(key: &Key, shape: &[usize], x: &Array, axis: isize, p: Option<&Array>) -> Array {
    let operation = "choice_without_replacement";
    choose(operation, key, shape, x, axis, p, |key, draws, population| {
        if draws > population {
            let message = format!("{draws} slices are asked for, there are {population}; draw fewer, or use `choice`");
            return fail(ErrorKind::Argument, operation, message);
        }
        match p {
            None => shuffled(key, &Array::arange(population, DType::I32), 0).narrow(0, 0, draws),
            Some(p) => {
                let dtype = p.dtype().unwrap_or(DType::F32);
                (gumbels(key, population, dtype) + p.log()).top_k(draws).1
            }
        }
    })
}

/// Takes what `indices` draws, given the number of draws and of slices.
#[track_caller]
fn choose(
    operation: &str,
    key: &Key,
    shape: &[usize],
    x: &Array,
    axis: isize,
    p: Option<&Array>,
    indices: impl Fn(&Key, usize, usize) -> Array,
) -> Array {
    let location = std::panic::Location::caller();
    let population = match population(operation, x, axis, p) {
        Ok(population) => population,
        Err(error) => return Array::from_error(error.at(location)),
    };
    let draws: usize = shape.iter().product();
    if population == 0 && draws > 0 {
        return fail(ErrorKind::Argument, operation, format!("{draws} slices are asked for, there are none"));
    }
    let indices = sample(operation, key, shape, |key, draws| match draws {
        0 => Array::zeros(&[0], DType::I32),
        _ => indices(key, draws, population),
    });
    x.take(&indices, axis)
}

/// The number of slices, after checking that there is a probability for each.
fn population(operation: &str, x: &Array, axis: isize, p: Option<&Array>) -> Result<usize> {
    let moved = x.move_axis(axis, 0).ty()?;
    let population = moved.shape.first().copied().unwrap_or(0);
    let Some(p) = p else { return Ok(population) };
    let ty = p.ty()?;
    if ty.shape[..] != [population] || !ty.dtype.is_float() {
        let message = format!("{population} slices need as many probabilities, f32 or f64 on one axis; given are {ty}");
        return Err(cotangent_ir::Error::new(ErrorKind::Shape, operation, message));
    }
    Ok(population)
}
