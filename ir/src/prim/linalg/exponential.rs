//! The exponential of matrices.

use super::{MatrixNorm, as_inexact, square_extent};
use crate::array::Array;
use crate::dtype::DType;
use crate::prim::axes::attempt;

/// Matrices are halved at most so many times before the approximation, and their exponentials squared as often.
const MOST_SQUARINGS: i32 = 16;

/// Coefficients of the numerator of the rational approximation of order 7; the denominator has the same, alternating.
const SINGLE: [f64; 8] = [17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0];

/// Those of order 13.
const DOUBLE: [f64; 14] = [
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
];

impl Array {
    /// The exponential of square matrices, the sum of `x^k / k!`, by a rational approximation after halving the matrix until
    /// its norm is small (Higham, 2005). Norms above some 10^5 give inaccurate results.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[0.0f64, 1.0], [0.0, 0.0]]);
    /// let y = x.expm().to_vec::<f64>().unwrap();
    /// assert!(y.iter().zip([1.0, 1.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-14));
    /// ```
    #[track_caller]
    pub fn expm(&self) -> Array {
        let x = as_inexact(self);
        let ty = attempt!(x.ty());
        let rows = attempt!(square_extent("expm", &ty));
        let (coefficients, within): (&[f64], f64) = match ty.dtype.real() {
            DType::F32 => (&SINGLE, 3.92572478313866),
            _ => (&DOUBLE, 5.371920351148152),
        };
        let size = x.matrix_norm(MatrixNorm::One);
        // Whether the norm is still too large after so many halvings; what is not differentiable has no tangent here.
        let halved = |times: i32| size.greater(within * f64::from(times).exp2()).expand_dims(-1).expand_dims(-1);
        let mut scaled = x;
        for times in 0..MOST_SQUARINGS {
            scaled = halved(times).select(&scaled * 0.5, &scaled);
        }
        let (mut odd, mut even): (Option<Array>, Option<Array>) = (None, None);
        let square = scaled.matmul(&scaled);
        let identity = Array::eye(rows, ty.dtype);
        let mut power = identity.broadcast_to(&ty.shape);
        for pair in coefficients.chunks(2) {
            let add = |sum: Option<Array>, coefficient: f64| match sum {
                Some(sum) => sum + &power * coefficient,
                None => &power * coefficient,
            };
            even = Some(add(even, pair[0]));
            odd = Some(add(odd, pair[1]));
            power = power.matmul(&square);
        }
        let (Some(even), Some(odd)) = (even, odd) else {
            crate::error::internal("an approximation without coefficients");
        };
        let odd = scaled.matmul(&odd);
        let mut result = (&even - &odd).solve(&(even + odd));
        for times in 0..MOST_SQUARINGS {
            result = halved(times).select(result.matmul(&result), &result);
        }
        result
    }
}
