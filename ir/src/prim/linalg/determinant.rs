//! Determinants.

use super::solve::{INDEX, failures};
use super::{as_inexact, diagonal, square_extent};
use crate::array::Array;
use crate::prim::axes::attempt;

impl Array {
    /// The determinant of square matrices.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f64, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.det().item().unwrap(), -2.0);
    /// ```
    #[track_caller]
    pub fn det(&self) -> Array {
        let x = as_inexact(self);
        let ty = attempt!(x.ty());
        match attempt!(square_extent("det", &ty)) {
            // Polynomials of the elements have derivatives everywhere; elimination has none at singular matrices.
            2 => product(&x, [0, 0], [1, 1]) - product(&x, [0, 1], [1, 0]),
            3 => {
                let minor = |first, second| product(&x, [1, first], [2, second]) - product(&x, [1, second], [2, first]);
                element(&x, [0, 0]) * minor(1, 2) - element(&x, [0, 1]) * minor(0, 2)
                    + element(&x, [0, 2]) * minor(0, 1)
            }
            _ => {
                let lu = x.lu();
                diagonal(&lu.packed).prod_axes(&[-1]) * parity(&lu.pivots).astype(ty.dtype)
            }
        }
    }

    /// The determinant of square matrices as `sign * exp(log)`, given as (sign, log), so that neither overflows: a number of
    /// modulus 1, or 0 for singular matrices, and the real logarithm of the modulus.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (sign, log) = Array::from([[0.0f64, 2.0], [3.0, 0.0]]).slogdet();
    /// assert_eq!(sign.item().unwrap(), -1.0);
    /// assert!((log.item().unwrap() - 6.0f64.ln()).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn slogdet(&self) -> (Array, Array) {
        let x = as_inexact(self);
        let ty = match x.ty().and_then(|ty| square_extent("slogdet", &ty).map(|_| ty)) {
            Ok(ty) => ty,
            Err(error) => {
                let mut both = failures(error, 2);
                return (both.swap_remove(0), both.swap_remove(0));
            }
        };
        let lu = x.lu();
        let factors = diagonal(&lu.packed);
        let signs = factors.sign().prod_axes(&[-1]);
        (signs * parity(&lu.pivots).astype(ty.dtype), factors.abs().log().sum_axes(&[-1]))
    }
}

/// One element of each matrix.
#[track_caller]
fn element(x: &Array, [row, column]: [isize; 2]) -> Array {
    x.index_axis(-2, row).index_axis(-1, column)
}

#[track_caller]
fn product(x: &Array, first: [isize; 2], second: [isize; 2]) -> Array {
    element(x, first) * element(x, second)
}

/// 1 where the number of exchanged rows is even, else -1.
#[track_caller]
fn parity(pivots: &Array) -> Array {
    let shape = attempt!(pivots.shape());
    let exchanged = pivots.not_equal(Array::iota(&[shape[shape.len() - 1]], 0, INDEX));
    1 - exchanged.astype(INDEX).sum_axes(&[-1]).rem(2) * 2
}
