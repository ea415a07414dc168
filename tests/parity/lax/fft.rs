//! Fourier transforms: kinds, axes, lengths and norms of numpy by those there are here.
//!
//! A transform of length `n` is one of the array cut off or filled with zeros; a norm is a factor.

use super::call::Function::{self, Call as Of};
use super::call::{Call, Output};
use crate::report::Computed;
use cotangent::Array;

pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("jnp.fft.fft", Of(|call| complex(call, One, Forward))),
    ("jnp.fft.fft2", Of(|call| complex(call, LastTwo, Forward))),
    ("jnp.fft.fftn", Of(|call| complex(call, All, Forward))),
    ("jnp.fft.fftshift", Of(|call| Ok(call.x().fftshift(&shifted_axes(call)).into()))),
    ("jnp.fft.ifft", Of(|call| complex(call, One, Inverse))),
    ("jnp.fft.ifft2", Of(|call| complex(call, LastTwo, Inverse))),
    ("jnp.fft.ifftn", Of(|call| complex(call, All, Inverse))),
    ("jnp.fft.ifftshift", Of(|call| Ok(call.x().ifftshift(&shifted_axes(call)).into()))),
    ("jnp.fft.irfft", Of(|call| real_inverse(call, One))),
    ("jnp.fft.irfft2", Of(|call| real_inverse(call, LastTwo))),
    ("jnp.fft.irfftn", Of(|call| real_inverse(call, All))),
    ("jnp.fft.rfft", Of(|call| real_forward(call, One))),
    ("jnp.fft.rfft2", Of(|call| real_forward(call, LastTwo))),
    ("jnp.fft.rfftn", Of(|call| real_forward(call, All))),
];

/// The axes of a transform that does not name them.
#[derive(Clone, Copy)]
enum Axes {
    One,
    LastTwo,
    All,
}
use Axes::{All, LastTwo, One};

/// Where a transform goes.
#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Inverse,
}
use Direction::{Forward, Inverse};

fn complex(call: &Call<'_>, default: Axes, direction: Direction) -> Computed<Output> {
    let axes = transformed_axes(call, default);
    let x = resized(call.x(), &axes, &lengths(call, &axes));
    let count = axes.iter().map(|&axis| extent(&x, axis)).product();
    let transformed = match direction {
        Forward => x.fft(&axes),
        Inverse => x.ifft(&axes),
    };
    Ok(normed(call, transformed, count, direction).into())
}

fn real_forward(call: &Call<'_>, default: Axes) -> Computed<Output> {
    let axes = transformed_axes(call, default);
    let x = resized(call.x(), &axes, &lengths(call, &axes));
    let count = axes.iter().map(|&axis| extent(&x, axis)).product();
    Ok(normed(call, x.rfft(&axes), count, Forward).into())
}

fn real_inverse(call: &Call<'_>, default: Axes) -> Computed<Output> {
    let axes = transformed_axes(call, default);
    let mut lengths = lengths(call, &axes);
    let last = *axes.last().unwrap();
    let length = match lengths.pop().flatten() {
        Some(length) => length,
        None => 2 * (extent(call.x(), last) - 1),
    };
    lengths.push(Some(length / 2 + 1));
    let x = resized(call.x(), &axes, &lengths);
    let others: usize = axes[..axes.len() - 1].iter().map(|&axis| extent(&x, axis)).product();
    Ok(normed(call, x.irfft(&axes, length), others * length, Inverse).into())
}

fn transformed_axes(call: &Call<'_>, default: Axes) -> Vec<isize> {
    let rank = call.rank() as isize;
    call.ints("axis").or_else(|| call.ints("axes")).unwrap_or_else(|| match default {
        One => vec![rank - 1],
        LastTwo => vec![rank - 2, rank - 1],
        All => (0..rank).collect(),
    })
}

fn shifted_axes(call: &Call<'_>) -> Vec<isize> {
    call.ints("axes").unwrap_or_else(|| (0..call.rank() as isize).collect())
}

/// The length that the call wants for each of the axes.
fn lengths(call: &Call<'_>, axes: &[isize]) -> Vec<Option<usize>> {
    match call.sizes("n").or_else(|| call.sizes("s")) {
        Some(lengths) => lengths.into_iter().map(Some).collect(),
        None => vec![None; axes.len()],
    }
}

fn extent(x: &Array, axis: isize) -> usize {
    let shape = x.shape().unwrap();
    shape[axis.rem_euclid(shape.len() as isize) as usize]
}

/// The array with zeros after its elements, or without its last ones.
fn resized(x: &Array, axes: &[isize], lengths: &[Option<usize>]) -> Array {
    let rank = x.shape().unwrap().len();
    let mut widths = vec![(0, 0, 0); rank];
    for (&axis, length) in axes.iter().zip(lengths) {
        let have = extent(x, axis);
        widths[axis.rem_euclid(rank as isize) as usize].1 = length.unwrap_or(have) as i64 - have as i64;
    }
    x.pad_zeros(&widths)
}

/// A transform of `count` elements, normed as the call wants it. Here the inverse alone has a factor, 1 / `count`.
fn normed(call: &Call<'_>, x: Array, count: usize, direction: Direction) -> Array {
    let count = count as f64;
    match (call.text("norm"), direction) {
        (None, _) => x,
        (Some("ortho"), Forward) => x / count.sqrt(),
        (Some("ortho"), Inverse) => x * count.sqrt(),
        (Some("forward"), Forward) => x / count,
        (Some("forward"), Inverse) => x * count,
        (Some(other), _) => panic!("norm {other}"),
    }
}
