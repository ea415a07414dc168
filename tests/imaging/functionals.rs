//! Proximal maps against direct minimisation, the Moreau identity, gradients against differences.

use crate::sample::{INEXACT, assert_close, elements, number, random, real_inner, tolerance};
use cotangent::functional::{
    Functional, L1Norm, L2Norm, L21Norm, NonNegativeIndicator, Prox, SquaredL2Norm, ZeroFunctional,
};
use cotangent::linop::{CircularConvolve, Diagonal, MatrixOperator, ScaledIdentity};
use cotangent::loss::SquaredL2Loss;
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Factor, jit, value_and_grad};

const SHAPE: [usize; 2] = [3, 4];

/// Every functional with a prox, on arrays of [`SHAPE`] and a dtype.
fn proxes(dtype: DType) -> Vec<(&'static str, Box<dyn Prox>)> {
    let y = random(dtype, &SHAPE, 40);
    let loss = || SquaredL2Loss::new(y.clone()).unwrap();
    let weights = random(dtype.real(), &SHAPE, 41).abs();
    let diagonal = Diagonal::new(random(dtype, &SHAPE, 42)).unwrap();
    let blur = CircularConvolve::new(random(dtype, &[2, 2], 43), y.ty().unwrap()).unwrap();
    let fine = ConjugateGradient { tolerance: 1e-12, ..ConjugateGradient::default() };
    let mut found: Vec<(&'static str, Box<dyn Prox>)> = vec![
        ("l1", Box::new(L1Norm::new())),
        ("l2", Box::new(L2Norm::new())),
        ("squared l2", Box::new(SquaredL2Norm::new())),
        ("l21 along 0", Box::new(L21Norm::new())),
        ("l21 along -1", Box::new(L21Norm::along(&[-1]))),
        ("l21 whole", Box::new(L21Norm::whole())),
        ("multiple", Box::new(0.35 * L21Norm::new())),
        ("multiple of a multiple", Box::new(2.0 * (0.35 * L1Norm::new()))),
        ("zero", Box::new(ZeroFunctional::new())),
        ("loss", Box::new(loss())),
        ("weighted loss", Box::new(loss().weights(weights.clone()).unwrap().scale(0.7))),
        ("loss of a multiple", Box::new(loss().operator(ScaledIdentity::new(-1.5, y.ty().unwrap())).unwrap())),
        ("loss of a diagonal", Box::new(loss().operator(diagonal).unwrap().weights(weights.clone()).unwrap())),
        ("loss of a convolution", Box::new(loss().operator(blur).unwrap().weights(weights).unwrap().prox_solver(fine))),
    ];
    if !dtype.is_complex() {
        found.push(("nonnegative", Box::new(NonNegativeIndicator::new())));
    }
    found
}

/// `λ f(x) + ½ ‖v − x‖²`.
fn objective(f: &dyn Prox, x: &Array, v: &Array, lambda: f64) -> f64 {
    let distance = x - v;
    lambda * number(&f.value(x).astype(DType::F64)) + 0.5 * real_inner(&distance, &distance)
}

/// No point near the prox, or on the way from it to the argument, has a smaller objective.
#[test]
fn a_prox_minimises() {
    for dtype in [DType::F64, DType::C128] {
        let v = 2.0 * random(dtype, &SHAPE, 50);
        for (name, f) in proxes(dtype) {
            for lambda in [0.1, 0.8, 2.5] {
                let p = f.prox(&v, lambda.into());
                assert_eq!(p.ty().unwrap(), v.ty().unwrap(), "{name}");
                let least = objective(&*f, &p, &v, lambda);
                assert!(least.is_finite(), "{name}: the prox is outside of the domain");
                for trial in 0..40 {
                    let size = 10f64.powi(-(trial % 5));
                    let near = &p + size * random(dtype, &SHAPE, 60 + trial as u64);
                    let towards = &p + (size * 0.5) * (&v - &p);
                    for other in [near, towards, v.clone()] {
                        let above = objective(&*f, &other, &v, lambda) - least;
                        assert!(
                            above > -1e-9,
                            "{name} {dtype}, λ = {lambda}: {above} below the prox at distance {size}"
                        );
                    }
                }
            }
        }
    }
}

/// A gradient of the objective vanishes at the prox of a smooth functional.
#[test]
fn a_smooth_prox_is_stationary() {
    for dtype in [DType::F64, DType::C128] {
        let v = random(dtype, &SHAPE, 51);
        for (name, f) in proxes(dtype) {
            if !(name.contains("loss") || name.contains("squared")) {
                continue;
            }
            let p = f.prox(&v, 0.8.into());
            let slope = 0.8 * f.grad(&p).unwrap() + &p - &v;
            let greatest = elements(&slope).iter().map(|value| value.norm()).fold(0.0, f64::max);
            assert!(greatest < 1e-9, "{name} {dtype}: slope {greatest}");
        }
    }
}

#[test]
fn moreau_identity_holds() {
    for dtype in INEXACT {
        let v = random(dtype, &SHAPE, 52);
        for (name, f) in proxes(dtype) {
            if name.contains("convolution") && dtype.real() == DType::F32 {
                // Conjugate gradients end at a residual above the rounding of f32.
                continue;
            }
            for lambda in [0.3, 1.7] {
                let inverse = Factor::from(1.0 / lambda);
                let sum = f.prox(&v, lambda.into()) + lambda * f.conj_prox(&(&v / lambda), inverse);
                assert_close(&sum, &v, name);
            }
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    for dtype in [DType::F64, DType::C128] {
        let x = random(dtype, &SHAPE, 53);
        let direction = random(dtype, &SHAPE, 54);
        for (name, f) in proxes(dtype) {
            let step = 1e-6;
            let ahead = number(&f.value(&(&x + step * &direction)));
            let behind = number(&f.value(&(&x - step * &direction)));
            if !(ahead.is_finite() && behind.is_finite()) {
                continue;
            }
            let quotient = (ahead - behind) / (2.0 * step);
            let slope = real_inner(&f.grad(&x).unwrap(), &direction);
            assert!((quotient - slope).abs() < 1e-6 * slope.abs().max(1.0), "{name} {dtype}: {slope}, not {quotient}");
        }
    }
}

#[test]
fn values_and_gradients_compile_together() {
    let x = random(DType::F32, &SHAPE, 55);
    let f = SquaredL2Loss::new(random(DType::F32, &SHAPE, 56)).unwrap() + 0.3 * L21Norm::new();
    let (value, gradient) = jit(value_and_grad(|x: Array| f.value(&x))).call(x.clone()).unwrap();
    assert_close(&value, &f.value(&x), "value");
    assert_close(&gradient, &f.grad(&x).unwrap(), "gradient");
}

/// A magnitude of exactly zero stays exactly zero: no NaN from 0 / 0.
#[test]
fn zeros_stay_zero() {
    for dtype in INEXACT {
        let zero = Array::zeros(&SHAPE, dtype);
        for (name, f) in proxes(dtype) {
            if name.contains("loss") {
                continue;
            }
            for lambda in [0.0, 1.0] {
                assert_close(&f.prox(&zero, lambda.into()), &zero, name);
            }
            assert_eq!(number(&f.value(&zero)), 0.0, "{name}");
        }
    }
}

#[test]
fn scaled_proxes_scale_their_argument() {
    let v = random(DType::F64, &SHAPE, 57);
    let scaled = (0.25 * L1Norm::new()).prox(&v, 2.0.into());
    assert_close(&scaled, &L1Norm::new().prox(&v, 0.5.into()), "multiple");
    let traced = jit(|v: Array, weight: Array| {
        cotangent::functional::ScaledFunctional::new(weight, L1Norm::new()).prox(&v, 2.0.into())
    });
    assert_close(&traced.call((v.clone(), Array::from(0.25f64))).unwrap(), &scaled, "weight as data");
}

#[test]
fn the_hessian_is_the_second_derivative() {
    for dtype in INEXACT {
        let a = MatrixOperator::new(random(dtype, &[5, 4], 60)).unwrap();
        let weights = random(dtype.real(), &[5], 61).abs();
        let loss = SquaredL2Loss::new(random(dtype, &[5], 62)).unwrap().operator(a).unwrap();
        for loss in [loss.clone(), loss.weights(weights).unwrap().scale(1.3)] {
            let (x, v) = (random(dtype, &[4], 63), random(dtype, &[4], 64));
            let hessian = loss.hessian().unwrap();
            let change = loss.grad(&(&x + &v)).unwrap() - loss.grad(&x).unwrap();
            let error = elements(&(hessian.apply(&v) - change)).iter().map(|value| value.norm()).fold(0.0, f64::max);
            assert!(error < 20.0 * tolerance(dtype), "{dtype}: {error}");
        }
    }
}

#[test]
fn losses_refuse_what_does_not_fit() {
    let y = random(DType::F32, &[3], 70);
    let loss = SquaredL2Loss::new(y).unwrap();
    let message = |result: cotangent::Result<SquaredL2Loss>| result.unwrap_err().to_string();
    let matrix = MatrixOperator::new(random(DType::F32, &[4, 2], 71)).unwrap();
    assert!(message(loss.clone().operator(matrix)).contains("shape of the operator's output"));
    assert!(message(loss.clone().weights(Array::from(vec![1.0f32, -1.0, 0.0]))).contains("must not be negative"));
    assert!(message(loss.clone().weights(Array::from(vec![1.0f32]))).contains("one for each datum"));
    assert!(message(loss.weights(Array::zeros(&[3], DType::C64))).contains("must be real"));
    let complex = Array::zeros(&[2], DType::C64);
    assert!(NonNegativeIndicator::new().value(&complex).error().unwrap().message().contains("no order"));
}
