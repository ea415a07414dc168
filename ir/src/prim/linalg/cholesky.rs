//! The Cholesky factorisation of positive definite matrices.

use super::dense::{Dense, Number, each};
use super::{as_inexact, batch_items, hermitian, inexact, lower, square_extent};
use crate::array::{Array, apply1};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::prim::axes::attempt;
use crate::prim::{Arity, Batch, Case, Domain, Elements, Eval, Jvp, JvpArgs, Lower, Prim, Routine, Transpose, one};
use crate::types::Type;

/// The lower triangular factor.
pub static CHOLESKY: Prim = Prim {
    name: "cholesky",
    doc: "The lower triangular matrix `l` with positive diagonal and `l l^H = x`, for the Hermitian matrix of which the \
          operand is the lower triangle. The upper triangle and the imaginary part of the diagonal are not read. Where \
          the matrix is not positive definite, the triangle is NaN.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Cases(|| {
        let case = |dtype, shape: &[usize]| Case {
            elements: vec![Elements::Dominant],
            ..Case::new([Type::new(dtype, shape)], Attrs::none())
        };
        vec![
            case(DType::F64, &[1, 1]),
            case(DType::F64, &[3, 3]),
            case(DType::C128, &[3, 3]),
            case(DType::F32, &[2, 4, 4]),
            case(DType::F64, &[2, 0, 0]),
            case(DType::C64, &[0, 2, 2]),
        ]
    }),
    infer: |operands, _| {
        inexact("cholesky", operands[0])?;
        square_extent("cholesky", operands[0])?;
        one(operands[0].clone())
    },
    eval: Eval::Tensors(|xs, _, types| each(xs, types, |xs| vec![factor(&xs[0])])),
    jvp: Jvp::PerOperand(&[tangent]),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| batch_items(args, 1)),
    lower: Lower::Library(Routine::Items { operands: &[2], results: &[2] }),
};

impl Array {
    /// The lower triangular Cholesky factor `l` of positive definite matrices, `l l^H = x`. The mean of the matrix and its
    /// conjugate transpose is what is factored; where that is not positive definite, the result is NaN.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[4.0f64, 2.0], [2.0, 5.0]]);
    /// assert_eq!(x.cholesky().to_vec::<f64>().unwrap(), [2.0, 0.0, 1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn cholesky(&self) -> Array {
        let x = as_inexact(self);
        attempt!(x.ty().and_then(|ty| square_extent("cholesky", &ty)));
        apply1(&CHOLESKY, &[&((&x + x.adjoint()) * 0.5)], Attrs::none())
    }

    /// The solution `x` of `a x = b`, where this array is a triangular Cholesky factor of `a`: `a = l l^H` by a lower factor,
    /// `a = u^H u` by an upper one. `b` is a matrix, or a vector.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let l = Array::from([[2.0f64, 0.0], [1.0, 2.0]]);
    /// let b = Array::from([8.0f64, 12.0]);
    /// assert_eq!(l.cholesky_solve(&b, true).to_vec::<f64>().unwrap(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn cholesky_solve(&self, b: &Array, lower: bool) -> Array {
        use super::triangular::Triangle;
        let triangle = if lower { Triangle::LOWER } else { Triangle::UPPER };
        match lower {
            true => self.solve_triangular(&self.solve_triangular(b, triangle), triangle.adjoint()),
            false => self.solve_triangular(&self.solve_triangular(b, triangle.adjoint()), triangle),
        }
    }
}

/// With `x = l l^H`, the tangent is `l phi(l^-1 dx l^-H)`, where `phi` takes the lower triangle and half of the diagonal (I.
/// Murray, Differentiation of the Cholesky decomposition, 2016).
fn tangent(args: &JvpArgs<'_>, dx: &Array) -> Array {
    use super::triangular::Triangle;
    let l = args.out;
    let half = l.solve_triangular(&hermitian(dx), Triangle::LOWER);
    let inner = lower(&l.solve_triangular(&half.adjoint(), Triangle::LOWER), 0);
    let rows = attempt!(l.ty().and_then(|ty| square_extent("cholesky", &ty)));
    let phi = Array::eye(rows, DType::Bool).select(&inner * 0.5, &inner);
    l.matmul(&phi)
}

/// Column by column, as the definition gives the elements.
fn factor(x: &Dense) -> Dense {
    let n = x.rows;
    let mut l = Dense::from_fn(n, n, |_, _| Number::ZERO);
    for column in 0..n {
        let squares: f64 = (0..column).map(|k| l[(column, k)].norm_sqr()).sum();
        let pivot = x[(column, column)].re - squares;
        if pivot.is_nan() || pivot <= 0.0 {
            return Dense::from_fn(n, n, |row, column| if row < column { Number::ZERO } else { f64::NAN.into() });
        }
        l[(column, column)] = pivot.sqrt().into();
        for row in column + 1..n {
            let products: Number = (0..column).map(|k| l[(row, k)] * l[(column, k)].conj()).sum();
            l[(row, column)] = (x[(row, column)] - products) / pivot.sqrt();
        }
    }
    l
}
