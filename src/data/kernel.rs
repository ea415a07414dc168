//! Kernels to blur with.

use super::{check_grid, drawn, from_middle};
use crate::{Array, DType, Error, ErrorKind, Result};

/// The density of the normal distribution around the middle of a grid, at the centres of its elements:
///
/// ```text
/// (2 π)^(−n/2) |Σ|^(−1/2) exp(−½ xᵀ Σ⁻¹ x)
/// ```
///
/// `Σ` is the covariance, `n` by `n` for `n` axes; for `None` the standard deviation along an axis is a seventh of its
/// extent. Divided by its sum it is a blur.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::gaussian;
/// let kernel = gaussian(&[5], None, DType::F64)?.to_vec::<f64>()?;
/// assert!((kernel[0] - 0.0110816).abs() < 1e-6 && (kernel[2] - 0.5585192).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A grid without axes or elements; a dtype that is not `f32` or `f64`; a covariance of another shape, that is not positive
/// definite, or that is not known, inside of a trace.
pub fn gaussian(shape: &[usize], covariance: Option<&Array>, dtype: DType) -> Result<Array> {
    check_grid("gaussian", shape, 1..=usize::MAX, dtype)?;
    let axes = shape.len();
    let covariance = match covariance {
        None => {
            let element =
                |at: usize| if at.is_multiple_of(axes + 1) { (shape[at / axes] as f64 / 7.0).powi(2) } else { 0.0 };
            (0..axes * axes).map(element).collect()
        }
        Some(given) => {
            let ty = given.ty()?;
            if ty.shape[..] != [axes, axes] || ty.dtype.is_complex() {
                let message = format!("a covariance {ty} for {axes} axes; give a real matrix of {axes} by {axes}");
                return Err(Error::new(ErrorKind::Shape, "gaussian", message));
            }
            given.astype(DType::F64).to_vec::<f64>()?
        }
    };
    let factor = cholesky(&covariance, axes).ok_or_else(|| {
        let message = "the covariance is not symmetric and positive definite";
        Error::new(ErrorKind::Argument, "gaussian", message)
    })?;
    // With Σ = L Lᵀ the quadratic form is ‖L⁻¹ x‖², and the root of the determinant the product of the diagonal.
    let root: f64 = (0..axes).map(|axis| factor[axis * (axes + 1)]).product();
    let scale = std::f64::consts::TAU.powf(axes as f64 / -2.0) / root;
    Ok(drawn(shape, dtype, |at| {
        let mut solved: Vec<f64> = Vec::with_capacity(axes);
        for row in 0..axes {
            let known: f64 = solved.iter().enumerate().map(|(column, x)| factor[row * axes + column] * x).sum();
            solved.push((from_middle(at[row], shape[row]) - known) / factor[row * (axes + 1)]);
        }
        scale * (-0.5 * solved.iter().map(|x| x * x).sum::<f64>()).exp()
    }))
}

/// The lower triangular `L` with `L Lᵀ = a`, row by row; `None` where there is none.
fn cholesky(a: &[f64], count: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; count * count];
    for row in 0..count {
        for column in 0..=row {
            let (value, mirrored) = (a[row * count + column], a[column * count + row]);
            if (value - mirrored).abs() > 1e-6 * value.abs().max(mirrored.abs()) {
                return None;
            }
            let product = |at: usize| factor[row * count + at] * factor[column * count + at];
            let rest = value - (0..column).map(product).sum::<f64>();
            factor[row * count + column] = match row == column {
                true if rest > 0.0 && rest.is_finite() => rest.sqrt(),
                true => return None,
                false => rest / factor[column * (count + 1)],
            };
        }
    }
    Some(factor)
}
