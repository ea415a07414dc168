//! The factorisation of matrices by elimination with partial pivoting.

use super::dense::{Dense, Number, each};
use super::solve::INDEX;
use super::triangular::Triangle;
use super::{as_inexact, batch_items, inexact, lower, matrix_extents, upper, with_item};
use crate::array::{Array, apply_many, apply1};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::Result;
use crate::prim::axes::attempt;
use crate::prim::gather::GATHER;
use crate::prim::scatter::{SCATTER, ScatterKind, kind_attrs};
use crate::prim::{
    Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Prim, Routine, Transpose, Types, WithTangents,
};
use crate::types::Type;

/// Elimination with row exchanges.
pub static LU: Prim = Prim {
    name: "lu",
    doc: "Three results: the factors of `x[permutation] = l u` in one matrix, `u` on and above the diagonal, below it `l`, \
          whose diagonal is ones; the row with which each row was exchanged in its turn; the permutation. The pivot is the \
          first element of the largest size, measured by the sum of the sizes of real and imaginary part.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize]| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], Attrs::none())
        };
        vec![
            case(DType::F64, &[3, 3]),
            case(DType::C128, &[3, 3]),
            case(DType::F64, &[4, 2]),
            case(DType::F64, &[2, 4]),
            case(DType::F32, &[2, 3, 3]),
            case(DType::C64, &[2, 3, 2]),
            case(DType::F64, &[0, 2]),
            case(DType::F64, &[2, 2, 0]),
        ]
    }),
    infer: |operands, _| infer(operands[0]),
    eval: Eval::Tensors(|xs, _, types| each(xs, types, |xs| eliminate(xs[0].clone()))),
    jvp: Jvp::Whole(|_, xs, tangents, _| push_forward(&xs[0], tangents[0].as_ref())),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| batch_items(args, 3)),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[2, 1, 1] }),
};

/// What elimination makes of matrices.
#[derive(Clone, Debug)]
pub struct Lu {
    /// The factors in one: `u` on and above the diagonal, `l` below it.
    pub packed: Array,
    /// The row with which each row was exchanged in its turn.
    pub pivots: Array,
    /// `x[permutation] = l u`.
    pub permutation: Array,
}

impl Array {
    /// The factors of matrices by elimination with partial pivoting.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let lu = Array::from([[1.0f64, 3.0], [2.0, 2.0]]).lu();
    /// assert_eq!(lu.packed.to_vec::<f64>().unwrap(), [2.0, 2.0, 0.5, 2.0]);
    /// assert_eq!(lu.permutation.to_vec::<i32>().unwrap(), [1, 0]);
    /// ```
    #[track_caller]
    pub fn lu(&self) -> Lu {
        factors(&as_inexact(self))
    }
}

impl Lu {
    /// The solution `x` of `a x = b` (`op` [`Op::Plain`](super::triangular::Op)), `a^T x = b` or `a^H x = b`, for the square
    /// matrices `a` these are the factors of. `b` is a matrix, or a vector.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::linalg::triangular::Op};
    /// let lu = Array::from([[0.0f64, 2.0], [4.0, 0.0]]).lu();
    /// let b = Array::from([2.0f64, 8.0]);
    /// assert_eq!(lu.solve(&b, Op::Plain).to_vec::<f64>().unwrap(), [2.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn solve(&self, b: &Array, op: super::triangular::Op) -> Array {
        use super::triangular::Op;
        super::solve::with_columns("lu_solve", &self.packed, &as_inexact(b), |packed, b| {
            let ty = attempt!(packed.ty());
            let batch = [&ty.shape[..ty.rank() - 2], &[ty.shape[ty.rank() - 1]]].concat();
            let permutation = self.permutation.broadcast_to(&batch);
            let (l, u) = (Triangle::LOWER.unit(), Triangle::UPPER);
            match op {
                Op::Plain => {
                    packed.solve_triangular(&packed.solve_triangular(&permute_rows(&permutation, b, false), l), u)
                }
                _ => {
                    let (l, u) = (Triangle { op, ..l }, Triangle { op, ..u });
                    permute_rows(&permutation, &packed.solve_triangular(&packed.solve_triangular(b, u), l), true)
                }
            }
        })
    }
}

/// The factors of an array of an inexact dtype.
#[track_caller]
pub(super) fn factors(x: &Array) -> Lu {
    let mut results = apply_many(&LU, &[x], Attrs::none(), 3).into_iter();
    let mut next = || results.next().unwrap_or_else(|| crate::error::internal("a factorisation without its results"));
    Lu { packed: next(), pivots: next(), permutation: next() }
}

/// The rows of matrices in the order of a permutation, or put back from it.
#[track_caller]
pub(super) fn permute_rows(permutation: &Array, x: &Array, back: bool) -> Array {
    if back {
        return apply1(&SCATTER, &[&x.zeros_like(), permutation, x], kind_attrs(ScatterKind::Add));
    }
    apply1(&GATHER, &[x, permutation], Attrs::none())
}

fn infer(x: &Type) -> Result<Types> {
    inexact("lu", x)?;
    let (rows, columns) = matrix_extents("lu", x)?;
    Ok(smallvec::smallvec![x.clone(), with_item(x, INDEX, &[rows.min(columns)]), with_item(x, INDEX, &[rows])])
}

/// `p dx = dl u + l du` gives `l^-1 p dx u^-1 = l^-1 dl + du u^-1`, whose first summand is strictly lower and whose second is
/// upper triangular (de Hoog, Anderssen, Lukas, 2011). Of matrices that are not square, the factors are completed by ones on
/// the diagonal to square ones.
fn push_forward(x: &Array, tangent: Option<&Array>) -> WithTangents {
    let lu = factors(x);
    let results = vec![lu.packed.clone(), lu.pivots, lu.permutation.clone()];
    let Some(dx) = tangent else { return (results, vec![None, None, None]) };
    let tangent = packed_tangent(&lu.packed, &lu.permutation, dx);
    (results, vec![Some(tangent), None, None])
}

fn packed_tangent(packed: &Array, permutation: &Array, dx: &Array) -> Array {
    let ty = attempt!(packed.ty());
    let (rows, columns) = attempt!(matrix_extents("lu", &ty));
    let least = rows.min(columns);
    let mut below = vec![(0, 0, 0); ty.rank()];
    let mut beside = below.clone();
    beside[ty.rank() - 1].1 = (rows - least) as i64;
    below[ty.rank() - 2].1 = (columns - least) as i64;
    let l = lower(&packed.narrow(-1, 0, least), -1).pad_zeros(&beside);
    let u = upper(&packed.narrow(-2, 0, least), 0).pad_zeros(&below);
    let completing = Array::iota(&[columns, columns], 0, DType::I32).greater_equal(least as i32);
    let u = Array::eye(columns, DType::Bool).logical_and(completing).select(1, u);
    let left = l.solve_triangular(&permute_rows(permutation, dx, false), Triangle::LOWER.unit());
    // A system from the right is one from the left, transposed.
    let both = u.solve_triangular(&left.swap_axes(-2, -1), Triangle::UPPER.transposed()).swap_axes(-2, -1);
    let unit = Array::eye(rows, ty.dtype) + l;
    unit.matmul(&lower(&both, -1)) + upper(&both, 0).matmul(&u)
}

fn eliminate(mut x: Dense) -> Vec<Dense> {
    let steps = x.rows.min(x.columns);
    let mut permutation: Vec<usize> = (0..x.rows).collect();
    let mut pivots = Vec::new();
    for step in 0..steps {
        let size = |row: usize| x[(row, step)].re.abs() + x[(row, step)].im.abs();
        let pivot = (step..x.rows).fold(step, |best, row| if size(row) > size(best) { row } else { best });
        pivots.push(pivot);
        x.exchange_rows(step, pivot);
        permutation.swap(step, pivot);
        if x[(step, step)] == Number::ZERO {
            continue;
        }
        for row in step + 1..x.rows {
            let factor = x[(row, step)] / x[(step, step)];
            x[(row, step)] = factor;
            for column in step + 1..x.columns {
                let product = factor * x[(step, column)];
                x[(row, column)] -= product;
            }
        }
    }
    let numbers = |indices: Vec<usize>| Dense::vector(indices.into_iter().map(|index| Number::from(index as f64)));
    vec![x, numbers(pivots), numbers(permutation)]
}
