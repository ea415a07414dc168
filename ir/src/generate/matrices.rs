//! Steps of linear algebra.
//!
//! Matrices are made well conditioned before they are factored: small elements around a diagonal of 4, 8, 12, ... So
//! elimination exchanges no rows, singular values and eigenvalues lie far apart, and the element by which the phase of a
//! vector is chosen is always that of the diagonal.

use super::arithmetic::partner;
use super::builder::Builder;
use super::{Known, Pick};
use crate::attrs::{Attr, Attrs};
use crate::dtype::DType;
use crate::func::Value;
use crate::types::Type;

type Step = fn(&mut Builder<'_>) -> Option<()>;

pub(super) const STEPS: &[Step] = &[cholesky, triangular_solve, lu, qr, eigh, svd, solve];

/// Elements besides the diagonal are not larger.
const SMALL: f64 = 0.125;

/// The distance of neighbours on the diagonal.
const APART: f64 = 4.0;

/// No side of a matrix is longer.
const LONGEST: usize = 4;

/// A matrix with the elements it had before the diagonal was added to it.
pub(super) struct Dominant {
    pub(super) matrix: Pick,
    pub(super) small: Pick,
}

impl Dominant {
    /// What is known of factors and solutions: the condition is that of the diagonal.
    fn factor(&self) -> Known {
        let spread = 8.0 * (self.matrix.known.spread + self.matrix.known.bound);
        Known { bound: self.matrix.known.bound, spread }
    }

    /// What is known of the solution of a system.
    pub(super) fn solution(&self, right: &Pick) -> Known {
        let (Known { bound, spread }, right) = (self.factor(), right.known);
        Known { bound: 2.0 * right.bound, spread: 2.0 * right.spread + right.bound.max(1.0) * spread / bound }
    }
}

/// Rows and columns.
fn extents(ty: &Type) -> (usize, usize) {
    (ty.shape[ty.rank() - 2], ty.shape[ty.rank() - 1])
}

/// Small matrices of fitting sides, made of values at hand.
fn small(b: &mut Builder<'_>, fits: fn(usize, usize) -> bool) -> Option<Pick> {
    let within = |extent: usize| (1..=LONGEST).contains(&extent);
    let of_matrices = |ty: &Type| {
        let (rows, columns) = extents(ty);
        within(rows) && within(columns) && fits(rows, columns)
    };
    let usable = |ty: &Type| ty.dtype.is_inexact() && !ty.is_empty();
    let matrices = b.pick(|ty, known| ty.rank() > 1 && usable(ty) && of_matrices(ty) && known.bound < 1e6);
    let picked = match matrices {
        Some(picked) => picked,
        None => {
            let vector =
                b.pick(|ty, known| ty.rank() == 1 && usable(ty) && within(ty.shape[0]) && known.bound < 1e6)?;
            let columns = vector.ty.shape[0];
            let rows: Vec<usize> = (1..=LONGEST).filter(|&rows| fits(rows, columns)).collect();
            let rows = *b.random.pick(&rows);
            let attrs = Attrs::none().with_sizes("shape", [rows, columns]).with_sizes("axes", [1]);
            let value = b.apply("broadcast", &[vector.value], attrs, vector.known)?;
            b.pick_of(value)
        }
    };
    let value = b.moderate_to(picked.value, SMALL)?;
    Some(b.pick_of(value))
}

/// Matrices with a large diagonal.
fn dominant(b: &mut Builder<'_>, fits: fn(usize, usize) -> bool) -> Option<Dominant> {
    let small = small(b, fits)?;
    let diagonal = diagonal(b, &small.ty)?;
    let largest = b.pick_of(diagonal).known.bound;
    let bound = largest + small.known.bound;
    let known = Known { bound, spread: small.known.spread + bound };
    let matrix = b.apply("add", &[small.value, diagonal], Attrs::none(), known)?;
    Some(Dominant { matrix: b.pick_of(matrix), small })
}

pub(super) fn square(b: &mut Builder<'_>) -> Option<Dominant> {
    dominant(b, |rows, columns| rows == columns)
}

/// Matrices that are zero but for their diagonal.
fn diagonal(b: &mut Builder<'_>, ty: &Type) -> Option<Value> {
    let (rows, columns) = extents(ty);
    let mut index = |axis: usize| {
        let attrs = Attrs::none()
            .with_sizes("shape", ty.shape.iter().copied())
            .with_int("axis", axis as i64)
            .with("dtype", Attr::DType(DType::I32));
        b.apply("iota", &[], attrs, Known { bound: rows.max(columns) as f64, spread: 0.0 })
    };
    let (row, column) = (index(ty.rank() - 2)?, index(ty.rank() - 1)?);
    let exact = |bound: f64| Known { bound, spread: 0.0 };
    let on_diagonal = b.apply("eq", &[row, column], Attrs::none(), exact(1.0))?;
    let count = rows.min(columns) as f64;
    let row = b.apply("convert", &[row], Attrs::none().with("dtype", Attr::DType(ty.dtype)), exact(count))?;
    let (apart, zero) = (b.filled(ty, APART)?, b.filled(ty, 0.0)?);
    let multiples = b.apply("mul", &[row, apart], Attrs::none(), exact(APART * count))?;
    let shifted = b.apply("add", &[multiples, apart], Attrs::none(), exact(APART * (count + 1.0)))?;
    b.apply("select", &[on_diagonal, shifted, zero], Attrs::none(), exact(APART * count))
}

fn cholesky(b: &mut Builder<'_>) -> Option<()> {
    let a = square(b)?;
    b.apply("cholesky", &[a.matrix.value], Attrs::none(), a.factor()).map(drop)
}

fn triangular_solve(b: &mut Builder<'_>) -> Option<()> {
    let a = square(b)?;
    let right = partner(b, &a.small)?;
    let attrs = Attrs::none()
        .with("lower", Attr::Bool(b.random.coin()))
        .with_int("op", b.random.below(3) as i64)
        .with("unit", Attr::Bool(b.random.coin()));
    let known = a.solution(&right);
    b.apply("triangular_solve", &[a.matrix.value, right.value], attrs, known).map(drop)
}

fn solve(b: &mut Builder<'_>) -> Option<()> {
    let a = square(b)?;
    let right = partner(b, &a.small)?;
    let attrs = Attrs::none().with("transpose", Attr::Bool(b.random.coin()));
    let known = a.solution(&right);
    b.apply("solve", &[a.matrix.value, right.value], attrs, known).map(drop)
}

fn lu(b: &mut Builder<'_>) -> Option<()> {
    let a = dominant(b, |_, _| true)?;
    let exact = Known { bound: LONGEST as f64, spread: 0.0 };
    b.apply_all("lu", &[a.matrix.value], Attrs::none(), &[a.factor(), exact, exact]).map(drop)
}

/// The columns that complete those of tall matrices have no derivative.
fn qr(b: &mut Builder<'_>) -> Option<()> {
    let a = dominant(b, |_, _| true)?;
    let (rows, columns) = extents(&a.matrix.ty);
    let attrs = Attrs::none().with("complete", Attr::Bool(rows <= columns && b.random.coin()));
    b.apply_all("qr", &[a.matrix.value], attrs, &[a.factor(); 2]).map(drop)
}

/// Whether a decomposition gives vectors. The phases of complex ones are chosen by a rule that tangents do not follow.
fn vectors(b: &mut Builder<'_>, a: &Dominant) -> bool {
    let fixed = b.options.differentiable && a.matrix.ty.dtype.is_complex();
    !fixed && b.random.coin()
}

fn eigh(b: &mut Builder<'_>) -> Option<()> {
    let a = square(b)?;
    let vectors = vectors(b, &a);
    let attrs = Attrs::none().with("vectors", Attr::Bool(vectors));
    let known = [a.factor(); 2];
    b.apply_all("eigh", &[a.matrix.value], attrs, &known[..1 + usize::from(vectors)]).map(drop)
}

fn svd(b: &mut Builder<'_>) -> Option<()> {
    let a = dominant(b, |_, _| true)?;
    let vectors = vectors(b, &a);
    let attrs = Attrs::none().with("vectors", Attr::Bool(vectors));
    let known = [a.factor(); 3];
    b.apply_all("svd", &[a.matrix.value], attrs, &known[..1 + 2 * usize::from(vectors)]).map(drop)
}
