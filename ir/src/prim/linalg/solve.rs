//! Systems of linear equations, inverses and powers of square matrices.

use super::dense::{Dense, each};
use super::lu::{self, permute_rows};
use super::triangular::{Triangle, infer_system};
use super::{as_inexact, batch_items, matrix_extents, square_extent};
use crate::array::{Array, apply1};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::operand::common_shape;
use crate::prim::axes::{attempt, failed};
use crate::prim::{Arity, Batch, Case, Domain, Elements, Eval, Jvp, Lower, Operand, Prim, Transpose};
use crate::transform::refusal;
use crate::types::{Dims, Type};

/// The solution of a system of linear equations. It is a primitive of its own, made of `lu` and `triangular_solve` only when
/// a program is compiled, because its tangent and transpose are systems with the same matrix: they share the factors, and
/// nothing is differentiated through the elimination.
pub static SOLVE: Prim = Prim {
    name: "solve",
    doc: "The `x` with `a x = b`, or `a^T x = b` with `transpose`.",
    arity: Arity::Exactly(2),
    attrs: &[("transpose", AttrKind::Bool)],
    domain: Domain::Cases(|| {
        let case = |dtype, a: &[usize], b: &[usize], transpose: bool| {
            let types = [Type::new(dtype, a), Type::new(dtype, b)];
            Case { elements: vec![Elements::Dominant, Elements::Real], ..Case::new(types, attrs(transpose)) }
        };
        vec![
            case(DType::F64, &[3, 3], &[3, 2], false),
            case(DType::F64, &[3, 3], &[3, 1], true),
            case(DType::C128, &[3, 3], &[3, 2], false),
            case(DType::C128, &[2, 3, 3], &[2, 3, 2], true),
            case(DType::F32, &[2, 4, 4], &[2, 4, 3], false),
            case(DType::F64, &[0, 0], &[0, 2], false),
        ]
    }),
    infer: |operands, _| infer_system("solve", operands),
    eval: Eval::Tensors(|xs, attrs, types| {
        let transpose = attrs.bool("transpose");
        each(xs, types, |xs| vec![eliminate(if transpose { xs[0].transposed() } else { xs[0].clone() }, &xs[1])])
    }),
    jvp: Jvp::PerOperand(&[
        |args, da| {
            let da = if args.attrs.bool("transpose") { da.swap_axes(-2, -1) } else { da.clone() };
            apply1(&SOLVE, &[&args.xs[0], &-da.matmul(args.out)], args.attrs.clone())
        },
        |args, db| apply1(&SOLVE, &[&args.xs[0], db], args.attrs.clone()),
    ]),
    transpose: Transpose::Rule(|args| match (&args.xs[0], &args.xs[1]) {
        (Operand::Known(_), Operand::Known(_)) => vec![None, None],
        (Operand::Known(a), Operand::Linear(_)) => {
            vec![None, Some(apply1(&SOLVE, &[a, args.ct()], attrs(!args.attrs.bool("transpose"))))]
        }
        _ => refuse_transpose("solve"),
    }),
    batch: Batch::Rule(|args| batch_items(args, 1)),
    lower: Lower::Expand(|xs, attrs| {
        let factors = lu::factors(&xs[0]);
        vec![match attrs.bool("transpose") {
            false => {
                let b = permute_rows(&factors.permutation, &xs[1], false);
                let y = factors.packed.solve_triangular(&b, Triangle::LOWER.unit());
                factors.packed.solve_triangular(&y, Triangle::UPPER)
            }
            true => {
                let y = factors.packed.solve_triangular(&xs[1], Triangle::UPPER.transposed());
                let z = factors.packed.solve_triangular(&y, Triangle::LOWER.transposed().unit());
                permute_rows(&factors.permutation, &z, true)
            }
        }]
    }),
};

impl Array {
    /// The solution `x` of `a x = b`, where this array holds square matrices `a`. `b` is a vector, or holds matrices whose
    /// columns are right sides. Leading axes broadcast. A singular matrix gives infinities and NaN.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[0.0f64, 2.0], [4.0, 1.0]]);
    /// let b = Array::from([2.0f64, 9.0]);
    /// assert_eq!(a.solve(&b).to_vec::<f64>().unwrap(), [2.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn solve(&self, b: &Array) -> Array {
        let (a, b) = (as_inexact(self), as_inexact(b));
        with_columns("solve", &a, &b, |a, b| apply1(&SOLVE, &[a, b], attrs(false)))
    }

    /// The inverse of square matrices. Solving a system is faster and more accurate than multiplying by an inverse.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[0.0f64, 2.0], [4.0, 0.0]]);
    /// assert_eq!(a.inv().to_vec::<f64>().unwrap(), [0.0, 0.25, 0.5, 0.0]);
    /// ```
    #[track_caller]
    pub fn inv(&self) -> Array {
        let a = as_inexact(self);
        let ty = attempt!(a.ty());
        let rows = attempt!(square_extent("inv", &ty));
        a.solve(&Array::eye(rows, ty.dtype))
    }

    /// Square matrices multiplied `exponent` times by themselves; for negative exponents, their inverses.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let a = Array::from([[1.0f64, 1.0], [0.0, 1.0]]);
    /// assert_eq!(a.matrix_power(5).to_vec::<f64>().unwrap(), [1.0, 5.0, 0.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn matrix_power(&self, exponent: i32) -> Array {
        let ty = attempt!(self.ty());
        let rows = attempt!(square_extent("matrix_power", &ty));
        let mut square = if exponent < 0 { self.inv() } else { self.clone() };
        let mut rest = exponent.unsigned_abs();
        let mut power: Option<Array> = None;
        while rest > 0 {
            if rest % 2 == 1 {
                power = Some(power.map_or(square.clone(), |power| power.matmul(&square)));
            }
            rest /= 2;
            if rest > 0 {
                square = square.matmul(&square);
            }
        }
        power.unwrap_or_else(|| Array::eye(rows, ty.dtype).broadcast_to(&ty.shape))
    }
}

/// Applies an operation on matrices and right sides to operands as users give them: dtypes promote, leading axes broadcast,
/// a vector is one column.
#[track_caller]
pub(super) fn with_columns(
    operation: &'static str,
    a: &Array,
    b: &Array,
    apply: impl FnOnce(&Array, &Array) -> Array,
) -> Array {
    let (left, right) = (attempt!(a.ty()), attempt!(b.ty()));
    let vector = right.rank() == 1;
    let dtype = left.dtype.promote(right.dtype);
    let column = if vector { b.expand_dims(1) } else { b.clone() };
    let columns = attempt!(column.ty());
    let (left_shape, right_shape) = attempt!(common_batch(operation, &left, &columns));
    let solution = apply(&a.astype(dtype).broadcast_to(&left_shape), &column.astype(dtype).broadcast_to(&right_shape));
    if vector { solution.squeeze(-1) } else { solution }
}

/// The shapes with their leading axes broadcast to each other.
fn common_batch(operation: &str, a: &Type, b: &Type) -> Result<(Dims, Dims)> {
    let rows = square_extent(operation, a)?;
    let (equations, _) = matrix_extents(operation, b)?;
    if rows != equations {
        let message = format!("{a} has {rows} rows and {b} has {equations}; a right side has one number for each row");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    let leading = |ty: &Type| ty.with_shape(&ty.shape[..ty.rank() - 2]);
    let batch = common_shape(operation, &[leading(a), leading(b)])?;
    let whole = |ty: &Type| batch.iter().chain(&ty.shape[ty.rank() - 2..]).copied().collect();
    Ok((whole(a), whole(b)))
}

/// The attributes of [`SOLVE`].
fn attrs(transpose: bool) -> Attrs {
    Attrs::none().with("transpose", Attr::Bool(transpose))
}

/// What the transpose rule of a system gives where it is not linear.
pub(super) fn refuse_transpose(operation: &'static str) -> Vec<Option<Array>> {
    let message = "is linear in the right side alone; make the matrix independent of what is transposed, or ask for the \
                   transpose of a linear function";
    let error = refusal(operation, message);
    vec![Some(error.clone()), Some(error)]
}

/// Gauss and Jordan: every unknown is eliminated from all other equations.
fn eliminate(mut a: Dense, b: &Dense) -> Dense {
    let mut x = b.clone();
    let n = a.rows;
    for step in 0..n {
        let size = |row: usize| a[(row, step)].norm();
        let pivot = (step..n).fold(step, |best, row| if size(row) > size(best) { row } else { best });
        a.exchange_rows(step, pivot);
        x.exchange_rows(step, pivot);
        for row in (0..n).filter(|&row| row != step) {
            let factor = a[(row, step)] / a[(step, step)];
            for column in step..n {
                let product = factor * a[(step, column)];
                a[(row, column)] -= product;
            }
            for column in 0..x.columns {
                let product = factor * x[(step, column)];
                x[(row, column)] -= product;
            }
        }
    }
    Dense::from_fn(n, x.columns, |row, column| x[(row, column)] / a[(row, row)])
}

/// An error value at the caller's place, as results of a primitive with several.
#[track_caller]
pub(super) fn failures(error: Error, count: usize) -> Vec<Array> {
    vec![failed(error); count]
}

/// The dtype of indices.
pub(super) const INDEX: DType = DType::I32;
