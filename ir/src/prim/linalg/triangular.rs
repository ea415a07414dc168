//! Systems of equations with triangular matrices.

use super::dense::{Dense, each};
use super::{as_inexact, batch_items, inexact, lower, matrix_extents, solve, square_extent, upper};
use crate::array::{Array, apply1};
use crate::attrs::{Attr, AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{ErrorKind, Result};
use crate::prim::axes::attempt;
use crate::prim::{
    Arity, Batch, Case, Domain, Elements, Eval, Jvp, JvpArgs, Lower, Operand, Prim, Routine, Transpose, Types, one,
    refuse,
};
use crate::types::Type;

/// The solution of a triangular system.
pub static TRIANGULAR_SOLVE: Prim = Prim {
    name: "triangular_solve",
    doc: "The `x` with `op(a) x = b`, where of `a`, the first operand, only the lower triangle counts if `lower`, else the \
          upper one; with `unit` its diagonal is taken to be ones. `op` does nothing (0), transposes (1), or transposes \
          and conjugates (2).",
    arity: Arity::Exactly(2),
    attrs: &[("lower", AttrKind::Bool), ("op", AttrKind::Int), ("unit", AttrKind::Bool)],
    domain: Domain::Cases(|| {
        let case = |dtype, a: &[usize], b: &[usize], triangle: Triangle| {
            let types = [Type::new(dtype, a), Type::new(dtype, b)];
            Case { elements: vec![Elements::Dominant, Elements::Real], ..Case::new(types, triangle.attrs()) }
        };
        vec![
            case(DType::F64, &[3, 3], &[3, 2], Triangle::LOWER),
            case(DType::F64, &[3, 3], &[3, 1], Triangle::UPPER),
            case(DType::F64, &[3, 3], &[3, 2], Triangle::LOWER.transposed()),
            case(DType::C128, &[3, 3], &[3, 2], Triangle::UPPER.adjoint()),
            case(DType::C128, &[3, 3], &[3, 2], Triangle::LOWER.transposed().unit()),
            case(DType::F32, &[2, 4, 4], &[2, 4, 3], Triangle::LOWER.adjoint()),
            case(DType::C64, &[2, 2, 2], &[2, 2, 2], Triangle::UPPER.unit()),
            case(DType::F64, &[2, 0, 0], &[2, 0, 2], Triangle::LOWER),
            case(DType::F64, &[2, 2, 2], &[2, 2, 0], Triangle::LOWER),
        ]
    }),
    infer,
    eval: Eval::Tensors(|xs, attrs, types| {
        let triangle = Triangle::of(attrs);
        each(xs, types, |xs| vec![substitute(&xs[0], &xs[1], triangle)])
    }),
    jvp: Jvp::PerOperand(&[tangent_of_matrix, |args, tangent| {
        apply1(&TRIANGULAR_SOLVE, &[&args.xs[0], tangent], args.attrs.clone())
    }]),
    transpose: Transpose::Rule(|args| match (&args.xs[0], &args.xs[1]) {
        (Operand::Known(_), Operand::Known(_)) => vec![None, None],
        (Operand::Known(a), Operand::Linear(_)) => {
            let triangle = Triangle::of(args.attrs);
            // The transpose of the inverse of `a^H` is the inverse of `conj(a)`.
            let (a, op) = match triangle.op {
                Op::Plain => (a.clone(), Op::Transposed),
                Op::Transposed => (a.clone(), Op::Plain),
                Op::Adjoint => (a.conj(), Op::Plain),
            };
            vec![None, Some(apply1(&TRIANGULAR_SOLVE, &[&a, args.ct()], Triangle { op, ..triangle }.attrs()))]
        }
        _ => solve::refuse_transpose("triangular_solve"),
    }),
    batch: Batch::Rule(|args| batch_items(args, 1)),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[2] }),
};

/// Which triangle of a matrix is meant, and how it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Triangle {
    /// The lower one, else the upper.
    pub lower: bool,
    /// What is done to it.
    pub op: Op,
    /// The diagonal is taken to be ones.
    pub unit: bool,
}

/// What is done to a matrix before it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Nothing.
    Plain,
    /// It is transposed.
    Transposed,
    /// It is transposed and conjugated.
    Adjoint,
}

impl Triangle {
    /// The lower triangle as it is.
    pub const LOWER: Triangle = Triangle { lower: true, op: Op::Plain, unit: false };
    /// The upper triangle as it is.
    pub const UPPER: Triangle = Triangle { lower: false, op: Op::Plain, unit: false };

    /// The transpose of the triangle.
    pub fn transposed(self) -> Triangle {
        Triangle { op: Op::Transposed, ..self }
    }

    /// The conjugate transpose of the triangle.
    pub fn adjoint(self) -> Triangle {
        Triangle { op: Op::Adjoint, ..self }
    }

    /// The triangle with ones in place of its diagonal.
    pub fn unit(self) -> Triangle {
        Triangle { unit: true, ..self }
    }

    /// The attributes of an instruction whose types have been inferred.
    pub fn of(attrs: &Attrs) -> Triangle {
        let op = match attrs.int("op") {
            0 => Op::Plain,
            1 => Op::Transposed,
            _ => Op::Adjoint,
        };
        Triangle { lower: attrs.bool("lower"), op, unit: attrs.bool("unit") }
    }

    pub(super) fn attrs(self) -> Attrs {
        let attrs = Attrs::none().with("lower", Attr::Bool(self.lower)).with_int("op", self.op as i64);
        attrs.with("unit", Attr::Bool(self.unit))
    }
}

impl Array {
    /// The solution `x` of `t x = b`, where `t` is a triangle of this array; what is beside it is not read. `b` is a matrix,
    /// or a vector. Leading axes broadcast.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::linalg::triangular::Triangle};
    /// let a = Array::from([[2.0f64, 9.0], [1.0, 4.0]]);
    /// let b = Array::from([2.0f64, 9.0]);
    /// assert_eq!(a.solve_triangular(&b, Triangle::LOWER).to_vec::<f64>().unwrap(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn solve_triangular(&self, b: &Array, triangle: Triangle) -> Array {
        let (a, b) = (as_inexact(self), as_inexact(b));
        solve::with_columns("solve_triangular", &a, &b, |a, b| apply1(&TRIANGULAR_SOLVE, &[a, b], triangle.attrs()))
    }
}

fn infer(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let op = attrs.int("op");
    if !(0..=2).contains(&op) {
        return refuse(ErrorKind::Argument, "triangular_solve", format!("`op` = {op} must be 0, 1 or 2"));
    }
    infer_system("triangular_solve", operands)
}

/// The type of the solution of `a x = b`, which is that of `b`.
pub(super) fn infer_system(operation: &str, operands: &[&Type]) -> Result<Types> {
    let (a, b) = (operands[0], operands[1]);
    inexact(operation, a)?;
    let rows = square_extent(operation, a)?;
    let (equations, _) = matrix_extents(operation, b)?;
    if a.dtype != b.dtype || rows != equations || a.shape[..a.rank() - 2] != b.shape[..b.rank() - 2] {
        let message = format!(
            "takes a matrix and right sides of one dtype, as many rows and the same leading axes, got {a} and {b}"
        );
        return refuse(ErrorKind::Shape, operation, message);
    }
    one(b.clone())
}

/// `op(a) x = b` gives `op(a) dx = -op(da) x`.
fn tangent_of_matrix(args: &JvpArgs<'_>, da: &Array) -> Array {
    let triangle = Triangle::of(args.attrs);
    let strict = i32::from(triangle.unit);
    let da = if triangle.lower { lower(da, -strict) } else { upper(da, strict) };
    let da = match triangle.op {
        Op::Plain => da,
        Op::Transposed => da.swap_axes(-2, -1),
        Op::Adjoint => da.adjoint(),
    };
    let change = -da.matmul(args.out);
    attempt!(change.ty());
    apply1(&TRIANGULAR_SOLVE, &[&args.xs[0], &change], args.attrs.clone())
}

/// Unknown by unknown, each from those before it.
fn substitute(a: &Dense, b: &Dense, triangle: Triangle) -> Dense {
    let (matrix, lower) = match triangle.op {
        Op::Plain => (a.clone(), triangle.lower),
        Op::Transposed => (a.transposed(), !triangle.lower),
        Op::Adjoint => (a.adjoint(), !triangle.lower),
    };
    let n = matrix.rows;
    let order: Vec<usize> = if lower { (0..n).collect() } else { (0..n).rev().collect() };
    let mut x = b.clone();
    for column in 0..x.columns {
        for (found, &row) in order.iter().enumerate() {
            for &known in &order[..found] {
                let product = matrix[(row, known)] * x[(known, column)];
                x[(row, column)] -= product;
            }
            if !triangle.unit {
                x[(row, column)] /= matrix[(row, row)];
            }
        }
    }
    x
}
