//! Steps that look elements up by number, order them, or run along an axis.

use super::builder::Builder;
use super::{Known, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::Value;
use crate::prim::ScatterKind;
use crate::types::Type;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] = &[gather, gather, scatter, cumulative, cumulative, sort];

/// A value as a matrix: rows along its first axis.
fn rows(b: &mut Builder<'_>, accepts: impl Fn(&Type, Known) -> bool) -> Option<Pick> {
    let x = b.pick(|ty, known| ty.rank() > 0 && !ty.is_empty() && known.bound < 1e6 && accepts(ty, known))?;
    let shape = [x.ty.shape[0], x.ty.len() / x.ty.shape[0]];
    let value = b.apply("reshape", &[x.value], Attrs::none().with_sizes("shape", shape), x.known)?;
    Some(b.pick_of(value))
}

/// Row numbers, also out of range.
fn numbers(b: &mut Builder<'_>) -> Option<Value> {
    let exact = |ty: &Type, known: Known| matches!(ty.dtype, DType::I32 | DType::I64) && known.spread == 0.0;
    match b.pick(|ty, known| ty.rank() > 0 && exact(ty, known)) {
        Some(x) if b.random.below(4) > 0 => {
            b.apply("reshape", &[x.value], Attrs::none().with_sizes("shape", [x.ty.len()]), x.known)
        }
        _ => {
            let count = 1 + b.random.below(5);
            let dtype = *b.random.pick(&[DType::I32, DType::I64]);
            let attrs =
                Attrs::none().with_sizes("shape", [count]).with_int("axis", 0).with("dtype", Attr::DType(dtype));
            b.apply("iota", &[], attrs, Known { bound: count as f64, spread: 0.0 })
        }
    }
}

fn gather(b: &mut Builder<'_>) -> Option<()> {
    let x = rows(b, |_, _| true)?;
    let numbers = numbers(b)?;
    b.apply("gather", &[x.value, numbers], Attrs::none(), x.known).map(drop)
}

/// Updates are rows of the same array; short integers wrap, so only few things are known of them.
fn scatter(b: &mut Builder<'_>) -> Option<()> {
    let x = rows(b, |ty, _| !ty.dtype.is_bool() && !ty.dtype.is_int())?;
    let value = b.moderate_to(x.value, 1.0)?;
    let x = b.pick_of(value);
    let at = numbers(b)?;
    let from = numbers(b)?;
    let count = b.pick_of(at).ty.len();
    let from = if b.pick_of(from).ty.len() == count { from } else { at };
    let updates = b.apply("gather", &[x.value, from], Attrs::none(), x.known)?;
    let kinks = b.options.differentiable || x.ty.dtype.is_complex();
    let kinds = if kinks { &ScatterKind::ALL[..3] } else { &ScatterKind::ALL[..] };
    let number = b.random.below(kinds.len());
    let Known { bound, spread } = x.known;
    let count = count as f64 + 1.0;
    let known = match kinds[number] {
        ScatterKind::Add => Known { bound: count * bound, spread: count * (spread + count * bound) },
        ScatterKind::Mul => Known { bound, spread: count * (spread + 2.0) },
        ScatterKind::Set | ScatterKind::Min | ScatterKind::Max => x.known,
    };
    b.apply("scatter", &[x.value, at, updates], Attrs::none().with_int("kind", number as i64), known).map(drop)
}

fn cumulative(b: &mut Builder<'_>) -> Option<()> {
    let x = rows(b, |ty, _| ty.dtype.is_inexact())?;
    let value = b.moderate_to(x.value, 1.0)?;
    let x = b.pick_of(value);
    let mut names = vec!["cumsum", "cumprod"];
    if x.ty.dtype.is_float() {
        names.push("cumlogsumexp");
        if !b.options.differentiable {
            names.extend(["cummax", "cummin"]);
        }
    }
    let name = *b.random.pick(&names);
    let Known { bound, spread } = x.known;
    let count = x.ty.shape[0] as f64;
    let known = match name {
        "cumsum" => Known { bound: count * bound, spread: count * (spread + count * bound) },
        "cumprod" => Known { bound, spread: count * (spread + 2.0) },
        "cumlogsumexp" => Known { bound: bound + count, spread: spread + 4.0 * (bound + count) },
        _ => x.known,
    };
    let attrs = Attrs::none().with("reverse", Attr::Bool(b.random.coin()));
    b.apply(name, &[x.value], attrs, known).map(drop)
}

/// Sorted values are continuous in real ones; what is sorted along with them, and complex numbers, jump.
fn sort(b: &mut Builder<'_>) -> Option<()> {
    if b.options.differentiable {
        return None;
    }
    let key = b.pick(|ty, known| ty.rank() > 0 && (known.spread == 0.0 || ty.dtype.is_float()))?;
    let mut operands = vec![key.clone()];
    if key.known.spread == 0.0
        && let Some(other) = b.pick(|ty, _| ty.shape == key.ty.shape)
    {
        operands.push(other);
    }
    let values: Vec<Value> = operands.iter().map(|pick| pick.value).collect();
    let known: Vec<Known> = operands.iter().map(|pick| pick.known).collect();
    b.apply_all("sort", &values, Attrs::none().with_int("keys", 1), &known).map(drop)
}
