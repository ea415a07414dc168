//! Steps that move elements: other shapes, parts, borders, pieces put together.

use super::builder::Builder;
use super::{Known, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::Value;
use crate::scalar::Scalar;
use crate::types::{Dims, Type};

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] =
    &[broadcast, reshape, permute, slice, pad, concatenate, reverse, iota, dynamic_slice, dynamic_update_slice];

fn array(b: &mut Builder<'_>) -> Option<Pick> {
    b.pick(|ty, _| ty.rank() > 0)
}

fn broadcast(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, _| ty.rank() < 3)?;
    let position = b.random.below(x.ty.rank() + 1);
    let mut shape = x.ty.shape.clone();
    shape.insert(position, 1 + b.random.below(4));
    let axes = (0..x.ty.rank()).map(|axis| if axis < position { axis } else { axis + 1 });
    let attrs = Attrs::none().with_sizes("shape", shape).with_sizes("axes", axes);
    b.apply("broadcast", &[x.value], attrs, x.known).map(drop)
}

fn reshape(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let mut shape = x.ty.shape.clone();
    if b.random.coin() || shape.len() < 2 {
        shape = [x.ty.len()].into_iter().collect();
    } else {
        let axis = b.random.below(shape.len() - 1);
        let merged = shape.remove(axis);
        shape[axis] *= merged;
    }
    b.apply("reshape", &[x.value], Attrs::none().with_sizes("shape", shape), x.known).map(drop)
}

fn permute(b: &mut Builder<'_>) -> Option<()> {
    let x = b.pick(|ty, _| ty.rank() > 1)?;
    let mut axes: Vec<usize> = (0..x.ty.rank()).collect();
    for last in (1..axes.len()).rev() {
        axes.swap(last, b.random.below(last + 1));
    }
    b.apply("permute", &[x.value], Attrs::none().with_sizes("axes", axes), x.known).map(drop)
}

fn slice(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let (mut start, mut limit, mut stride) = (Dims::new(), Dims::new(), Dims::new());
    for &extent in &x.ty.shape {
        let low = b.random.below(extent / 2 + 1);
        start.push(low);
        limit.push(if b.random.coin() { extent } else { low + b.random.below(extent - low + 1) });
        stride.push(*b.random.pick(&[1, 1, 1, 2, 3]));
    }
    let attrs = Attrs::none().with_sizes("start", start).with_sizes("limit", limit).with_sizes("stride", stride);
    b.apply("slice", &[x.value], attrs, x.known).map(drop)
}

fn pad(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let fill = *b.random.pick(&[0.0, 0.0, 1.0]);
    let fill = b.literal(Scalar::real(x.ty.dtype, fill))?;
    let (mut low, mut high, mut interior) = (Vec::new(), Vec::new(), Vec::new());
    for &extent in &x.ty.shape {
        let between = *b.random.pick(&[0, 0, 0, 1, 2]);
        let full = extent as i64 + between * (extent as i64 - 1).max(0);
        let before = *b.random.pick(&[-1, 0, 0, 1, 2]);
        let after = *b.random.pick(&[-1, 0, 0, 1, 2]);
        // Not more may be cut off than there is.
        let fits = full + before + after >= 0;
        low.push(if fits { before } else { 0 });
        high.push(if fits { after } else { 0 });
        interior.push(between);
    }
    let attrs = Attrs::none().with_ints("low", low).with_ints("high", high).with_ints("interior", interior);
    let known = Known { bound: x.known.bound.max(1.0), spread: x.known.spread };
    b.apply("pad", &[x.value, fill], attrs, known).map(drop)
}

fn concatenate(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let axis = b.random.below(x.ty.rank());
    let others =
        |shape: &[usize]| shape.iter().enumerate().filter(|(a, _)| *a != axis).map(|(_, &e)| e).collect::<Dims>();
    let fits =
        |ty: &Type| ty.dtype == x.ty.dtype && ty.rank() == x.ty.rank() && others(&ty.shape) == others(&x.ty.shape);
    let y = b.pick(|ty, _| fits(ty))?;
    let known = Known { bound: x.known.bound.max(y.known.bound), spread: x.known.spread.max(y.known.spread) };
    b.apply("concatenate", &[x.value, y.value], Attrs::none().with_int("axis", axis as i64), known).map(drop)
}

fn reverse(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let axes: Vec<usize> = (0..x.ty.rank()).filter(|_| b.random.coin()).collect();
    b.apply("reverse", &[x.value], Attrs::none().with_sizes("axes", axes), x.known).map(drop)
}

fn iota(b: &mut Builder<'_>) -> Option<()> {
    let like = array(b)?;
    let axis = b.random.below(like.ty.rank());
    let mut dtypes = b.options.floats.clone();
    if b.options.integers {
        dtypes.extend([DType::I32, DType::I64]);
    }
    let dtype = *b.random.pick(&dtypes);
    let attrs = Attrs::none()
        .with_sizes("shape", like.ty.shape.iter().copied())
        .with_int("axis", axis as i64)
        .with("dtype", Attr::DType(dtype));
    b.apply("iota", &[], attrs, Known { bound: like.ty.shape[axis] as f64, spread: 0.0 }).map(drop)
}

/// Starts for every axis: literals, also out of range, or an integer at hand.
fn starts(b: &mut Builder<'_>, rank: usize) -> Option<Vec<Value>> {
    let at_hand = b.pick(|ty, known| ty.rank() == 0 && ty.dtype == DType::I32 && known.bound < 100.0);
    (0..rank)
        .map(|_| match &at_hand {
            Some(index) if b.random.coin() => Some(index.value),
            _ => {
                let start = *b.random.pick(&[-1, 0, 1, 2, 7]);
                b.literal(Scalar::int(DType::I32, start))
            }
        })
        .collect()
}

fn dynamic_slice(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let mut args = vec![x.value];
    args.extend(starts(b, x.ty.rank())?);
    let sizes: Vec<usize> = x.ty.shape.iter().map(|&extent| b.random.below(extent + 1)).collect();
    b.apply("dynamic_slice", &args, Attrs::none().with_sizes("sizes", sizes), x.known).map(drop)
}

fn dynamic_update_slice(b: &mut Builder<'_>) -> Option<()> {
    let x = array(b)?;
    let inside = |ty: &Type| {
        ty.dtype == x.ty.dtype
            && ty.rank() == x.ty.rank()
            && ty.shape.iter().zip(&x.ty.shape).all(|(update, extent)| update <= extent)
    };
    let update = b.pick(|ty, _| inside(ty))?;
    let mut args = vec![x.value, update.value];
    args.extend(starts(b, x.ty.rank())?);
    let known = Known { bound: x.known.bound.max(update.known.bound), spread: x.known.spread.max(update.known.spread) };
    b.apply("dynamic_update_slice", &args, Attrs::none(), known).map(drop)
}
