//! Steps that add up products: contractions, convolutions, Fourier transforms.

use super::builder::Builder;
use super::{Known, MODERATE, Pick};
use crate::attrs::Attrs;
use crate::scalar::Scalar;
use crate::types::Type;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] = &[contraction, contraction, fourier, convolution];

fn contraction(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, known| ty.rank() > 0 && ty.dtype.is_inexact() && known.bound < 1e6)?;
    let axis = b.random.below(x.ty.rank());
    let extent = x.ty.shape[axis];
    let y = b.pick(|ty, known| ty.dtype == x.ty.dtype && ty.shape.contains(&extent) && known.bound < 1e6)?;
    let (x, y) = (b.moderate(x.value)?, b.moderate(y.value)?);
    let (x, y) = (b.pick_of(x), b.pick_of(y));
    let other = y.ty.shape.iter().position(|&e| e == extent)?;
    // A second pair of equal extents may become a batch.
    let free = |shape: &[usize], used: usize| (0..shape.len()).filter(|&a| a != used).collect::<Vec<_>>();
    let batch = free(&x.ty.shape, axis)
        .into_iter()
        .flat_map(|i| free(&y.ty.shape, other).into_iter().map(move |j| (i, j)))
        .find(|&(i, j)| x.ty.shape[i] == y.ty.shape[j])
        .filter(|_| b.random.coin());
    let attrs = Attrs::none()
        .with_sizes("lhs_contract", [axis])
        .with_sizes("rhs_contract", [other])
        .with_sizes("lhs_batch", batch.map(|(i, _)| i))
        .with_sizes("rhs_batch", batch.map(|(_, j)| j));
    let bound = extent.max(1) as f64 * x.known.bound * y.known.bound;
    let moved = x.known.bound * y.known.spread + y.known.bound * x.known.spread;
    b.apply("dot_general", &[x.value, y.value], attrs, Known { bound, spread: extent as f64 * moved + 3.0 * bound })?;
    Some(())
}

fn fourier(b: &mut Builder<'_>) -> Option<()> {
    if !b.options.complex {
        return None;
    }
    let whole = |ty: &Type| ty.rank() > 0 && !ty.is_empty() && ty.dtype.is_inexact();
    let x = b.pick(|ty, known| whole(ty) && known.bound <= MODERATE)?;
    let axis = b.random.below(x.ty.rank());
    let extent = x.ty.shape[axis];
    let (kind, length) = match (x.ty.dtype.is_complex(), b.random.below(3)) {
        (false, _) => (2, extent),
        (true, 0) if extent > 1 => (3, 2 * extent - 2 + b.random.below(2)),
        (true, which) => (which.min(1), extent),
    };
    let attrs =
        Attrs::none().with_int("kind", kind as i64).with_sizes("axes", [axis]).with_int("length", length as i64);
    let bound = x.known.bound * length as f64;
    b.apply("fft", &[x.value], attrs, Known { bound, spread: length as f64 * x.known.spread + 4.0 * bound })?;
    Some(())
}

/// The first elements of an array, zeros behind them where there are too few, as an array of another shape.
fn fitted(b: &mut Builder<'_>, x: &Pick, shape: &[usize]) -> Option<Pick> {
    let flat = b.apply("reshape", &[x.value], Attrs::none().with_sizes("shape", [x.ty.len()]), x.known)?;
    let missing = shape.iter().product::<usize>() as i64 - x.ty.len() as i64;
    let zero = b.literal(Scalar::zero(x.ty.dtype))?;
    let attrs = Attrs::none().with_ints("low", [0]).with_ints("high", [missing]).with_ints("interior", [0]);
    let flat = b.apply("pad", &[flat, zero], attrs, x.known)?;
    let value = b.apply("reshape", &[flat], Attrs::none().with_sizes("shape", shape.iter().copied()), x.known)?;
    Some(b.pick_of(value))
}

/// A window that moves over one or two axes of what is at hand, with steps, gaps and borders that fit.
fn convolution(b: &mut Builder<'_>) -> Option<()> {
    let usable = |ty: &Type, known: Known| ty.dtype.is_inexact() && !ty.is_empty() && known.bound < 1e6;
    let x = b.pick(|ty, known| ty.rank() > 0 && usable(ty, known))?;
    let w = b.pick(|ty, known| ty.dtype == x.ty.dtype && usable(ty, known))?;
    let (x, w) = (b.moderate(x.value)?, b.moderate(w.value)?);
    let (x, w) = (b.pick_of(x), b.pick_of(w));
    let space = if x.ty.rank() > 1 && b.random.coin() { 2 } else { 1 };
    let spaces = x.ty.shape[x.ty.rank() - space..].to_vec();
    let (batch, channels) = match x.ty.rank() - space {
        0 => (1, 1),
        1 => (1, x.ty.shape[0]),
        _ => (x.ty.shape[0], x.ty.shape[1..x.ty.rank() - space].iter().product()),
    };
    let feature_groups = if b.random.coin() { channels } else { 1 };
    let batch_groups = if feature_groups == 1 && b.random.coin() { batch } else { 1 };
    let outputs = feature_groups * batch_groups * (1 + b.random.below(2));
    let window: Vec<usize> = (0..space).map(|_| 1 + b.random.below(3)).collect();
    let x = fitted(b, &x, &[&[batch, channels][..], &spaces].concat())?;
    let w = fitted(b, &w, &[&[outputs, channels / feature_groups][..], &window].concat())?;
    let mut some = |choices: &[i64]| (0..space).map(|_| *b.random.pick(choices)).collect::<Vec<i64>>();
    let (strides, low, high) = (some(&[1, 1, 2]), some(&[-1, 0, 1, 2]), some(&[-1, 0, 1, 2]));
    let (lhs_dilation, rhs_dilation) = (some(&[1, 1, 2]), some(&[1, 1, 2]));
    let attrs = Attrs::none()
        .with_ints("strides", strides)
        .with_ints("low", low)
        .with_ints("high", high)
        .with_ints("lhs_dilation", lhs_dilation)
        .with_ints("rhs_dilation", rhs_dilation)
        .with_int("feature_groups", feature_groups as i64)
        .with_int("batch_groups", batch_groups as i64);
    // Borders that cut off more than there is are refused.
    crate::prim::by_name("conv")?.infer(&[&x.ty, &w.ty], &attrs).ok()?;
    let count = (w.ty.len() / outputs) as f64;
    let bound = count * x.known.bound * w.known.bound;
    let moved = x.known.bound * w.known.spread + w.known.bound * x.known.spread;
    b.apply("conv", &[x.value, w.value], attrs, Known { bound, spread: count * moved + 3.0 * bound }).map(drop)
}
