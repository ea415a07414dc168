//! Random arrays from a seed, and comparisons.

use cotangent::{Array, DType, Scalar, Tensor, Type, Variable};
use num_complex::Complex;

/// Every dtype operators and functionals are defined for.
pub(crate) const INEXACT: [DType; 4] = [DType::F32, DType::F64, DType::C64, DType::C128];

/// Elements within (-1, 1), real and imaginary parts alike.
pub(crate) fn random(dtype: DType, shape: &[usize], seed: u64) -> Array {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        2.0 * ((state >> 11) as f64 / (1u64 << 53) as f64) - 1.0
    };
    let ty = Type::new(dtype, shape);
    Array::from_tensor(Tensor::from_fn(ty, |_| Scalar::complex(dtype, Complex::new(next(), next()))))
}

/// Rounding of a dtype, with room for sums of some hundred terms.
pub(crate) fn tolerance(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => 2e-5,
        _ => 1e-11,
    }
}

/// How far the sides of the adjoint law may be apart, relative to the product of norms.
pub(crate) fn adjoint_tolerance(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => 1e-5,
        _ => 1e-12,
    }
}

/// The elements, widened.
pub(crate) fn elements(x: &Array) -> Vec<Complex<f64>> {
    x.tensor().unwrap().scalars().map(Scalar::as_complex).collect()
}

/// The only element of a real array.
pub(crate) fn number(x: &Array) -> f64 {
    x.item().unwrap()
}

/// `Re Σ conj(a) b`: the inner product of a complex space seen as a real one.
pub(crate) fn real_inner(a: &Array, b: &Array) -> f64 {
    elements(a).iter().zip(elements(b)).map(|(a, b)| (a.conj() * b).re).sum()
}

/// Fails unless two arrays have one type and elements that differ by less than the tolerance of their dtype, relative to
/// the greatest magnitude.
#[track_caller]
pub(crate) fn assert_close(got: &Array, want: &Array, what: &str) {
    let (given, wanted) = (got.ty().unwrap(), want.ty().unwrap());
    assert_eq!(given, wanted, "{what}");
    let scale = elements(want).iter().map(|value| value.norm()).fold(1.0, f64::max);
    for (position, (got, want)) in elements(got).into_iter().zip(elements(want)).enumerate() {
        let off = (got - want).norm();
        assert!(off <= scale * tolerance(given.dtype), "{what}: element {position} is {got}, not {want}");
    }
}

/// `a x + b y`, leaf by leaf.
pub(crate) fn combined<X: Variable>(a: f64, x: &X, b: f64, y: &X) -> X {
    let leaves = x.leaves().iter().zip(y.leaves()).map(|(x, y)| a * x + b * y).collect();
    x.with_leaves(leaves)
}

/// The real inner product over all leaves.
pub(crate) fn inner<X: Variable>(x: &X, y: &X) -> f64 {
    x.leaves().iter().zip(y.leaves()).map(|(x, y)| real_inner(x, &y)).sum()
}

/// [`assert_close`] of each leaf.
#[track_caller]
pub(crate) fn assert_all_close<X: Variable>(got: &X, want: &X, what: &str) {
    assert_eq!(got.leaves().len(), want.leaves().len(), "{what}");
    for (got, want) in got.leaves().iter().zip(want.leaves()) {
        assert_close(got, &want, what);
    }
}
