//! The norm of an operator by power iteration, and the test of the adjoint law.
//!
//! Start vectors are drawn from a small generator with a seed, normally distributed, so that results are repeatable.

use super::LinOp;
use crate::inner::{divide_or_zero, inner, norm, norm_square};
use crate::{Array, DType, Result, Scalar, Tensor, Type, Variable, fori_loop, jit};
use num_complex::Complex;

/// The eigenvalue of greatest magnitude of an operator from a type to itself, and a vector near its eigenvector.
///
/// Repeats `w = A v`, `μ = ⟨v, w⟩ / ‖v‖²`, `v = w / ‖w‖` from a random `v`; all iterations are one compiled loop. The zero
/// operator gives 0. The eigenvalue is 0-d, complex for a complex operator.
///
/// # Errors
/// Those of applying the operator.
pub fn power_iteration<X: Variable>(operator: &LinOp<X, X>, iterations: usize, seed: u64) -> Result<(Array, X)> {
    let ty = operator.input_type();
    let start = random_normal::<X>(&ty, seed);
    let operator = operator.clone();
    let run = jit(move |start: X| {
        let length = norm(&start);
        let start = start.map_leaves(|leaf| leaf / &length);
        let zero = inner(&start, &start).zeros_like();
        fori_loop(0, iterations, (zero, start), |_index: Array, (_, v): (Array, X)| {
            let w = operator.apply(&v);
            let length = norm(&w);
            // Of the zero vector the Rayleigh quotient is 0, and the next vector is 0 again instead of NaN.
            let eigenvalue = divide_or_zero(&inner(&v, &w), &norm_square(&v));
            (eigenvalue, w.map_leaves(|leaf| divide_or_zero(&leaf, &length)))
        })
    });
    run.call(start)
}

/// The norm `‖A‖₂`, the greatest singular value: the square root of the greatest eigenvalue of `Aᴴ A`.
///
/// ```
/// use cotangent::linop::{Boundary, FiniteDifference, operator_norm};
/// use cotangent::{DType, Type};
/// let d = FiniteDifference::new(Type::new(DType::F32, &[8, 8]), Boundary::CIRCULAR)?;
/// assert!((operator_norm(&d.into(), 100)? - 8.0f64.sqrt()).abs() < 1e-3);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// Those of applying the operator and its adjoint.
pub fn operator_norm<X: Variable, Y: Variable>(operator: &LinOp<X, Y>, iterations: usize) -> Result<f64> {
    let (eigenvalue, _) = power_iteration(&operator.gram_op(), iterations, 0)?;
    let real = if eigenvalue.dtype()?.is_complex() { eigenvalue.real() } else { eigenvalue };
    Ok(real.item()?.max(0.0).sqrt())
}

/// How far an operator and its adjoint are from the law `⟨y, A x⟩ = ⟨Aᴴ y, x⟩`, on random `x` and `y`, relative to
/// `‖y‖ ‖A x‖`, which either side can reach. With real input and complex output the real parts are compared. The products
/// are summed in double precision, so that it is the operator and its adjoint that are seen.
///
/// # Errors
/// Those of applying the operator and its adjoint.
pub fn adjoint_error<X: Variable, Y: Variable>(operator: &LinOp<X, Y>, seed: u64) -> Result<f64> {
    let (input, output) = (operator.input_type(), operator.output_type());
    let x = random_normal::<X>(&input, seed);
    let y = random_normal::<Y>(&output, seed.wrapping_add(1));
    let image = widened(&operator.apply(&x));
    let back = widened(&operator.adjoint(&y));
    let (x, y) = (widened(&x), widened(&y));
    let forward = number(&inner(&y, &image))?;
    let backward = number(&inner(&back, &x))?;
    let complex = |types: &[Type]| types.iter().any(|ty| ty.dtype.is_complex());
    let both_complex = complex(X::array_types(&input)) && complex(Y::array_types(&output));
    let difference = if both_complex { (forward - backward).norm() } else { (forward.re - backward.re).abs() };
    let scale = norm(&y).item()? * norm(&image).item()?;
    Ok(if difference == 0.0 { 0.0 } else { difference / scale.max(f64::MIN_POSITIVE) })
}

/// Whether [`adjoint_error`] is below `tolerance`; 1e-4 suits f32, 1e-10 f64.
///
/// # Errors
/// Those of applying the operator and its adjoint.
pub fn valid_adjoint<X: Variable, Y: Variable>(operator: &LinOp<X, Y>, tolerance: f64) -> Result<bool> {
    Ok(adjoint_error(operator, 0)? < tolerance)
}

/// In double precision.
fn widened<X: Variable>(x: &X) -> X {
    x.map_leaves(|leaf| match leaf.dtype() {
        Ok(dtype) if dtype.is_complex() => leaf.astype(DType::C128),
        _ => leaf.astype(DType::F64),
    })
}

fn number(x: &Array) -> Result<Complex<f64>> {
    match x.dtype()? {
        dtype if dtype.is_complex() => Ok(Complex::new(x.real().item()?, x.imag().item()?)),
        _ => Ok(Complex::new(x.item()?, 0.0)),
    }
}

/// Normally distributed elements, independent real and imaginary parts for complex dtypes.
fn random_normal<X: Variable>(ty: &X::Type, seed: u64) -> X {
    let mut state = seed;
    let mut uniform = move || {
        // SplitMix64: a counter, mixed.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    // Box and Muller: the two parts of one complex number.
    let mut pair = move || Complex::from_polar((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
    let mut array = |ty: &Type| {
        Array::from_tensor(Tensor::from_fn(ty.clone(), |_| match ty.dtype {
            DType::C64 | DType::C128 => Scalar::complex(ty.dtype, pair()),
            _ => Scalar::real(ty.dtype, pair().re),
        }))
    };
    X::placeholder(ty).with_leaves(X::array_types(ty).iter().map(&mut array).collect())
}
