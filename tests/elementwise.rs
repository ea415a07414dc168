//! Elementwise functions that are made of others, at the places where the parts would go wrong; and derivatives there.

use cotangent::{Array, DType, ErrorKind, Function, grad, jit, vmap};

/// The compiled function's values.
fn compiled(function: fn(Array, Array) -> Array, x: &[f64], y: &[f64]) -> Vec<f64> {
    jit(function).call((Array::from(x), Array::from(y))).unwrap().to_vec().unwrap()
}

/// Equal, NaN counting as equal to itself.
fn assert_same(given: &[f64], expected: &[f64]) {
    let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    assert!(given.len() == expected.len() && given.iter().zip(expected).all(same), "{given:?}, expected {expected:?}");
}

fn assert_near(given: f64, expected: f64) {
    assert!((given - expected).abs() <= 1e-13 * (1.0 + expected.abs()), "{given}, expected {expected}");
}

/// The derivative of a function of one number.
fn slope(function: impl Fn(Array) -> Array + Clone + 'static, x: f64) -> f64 {
    grad(&function).apply(Array::from(x)).item().unwrap()
}

const A: [f64; 9] = [7.0, -7.0, 7.0, -7.0, 1.0, 0.0, f64::INFINITY, 1.0, -1.0];
const B: [f64; 9] = [2.0, 2.0, -2.0, -2.0, 0.0, 0.0, 1.0, f64::INFINITY, f64::INFINITY];

#[test]
fn divisions_of_floats_round_down_as_in_numpy() {
    let nan = f64::NAN;
    let quotients = compiled(|a, b| a.floor_divide(b), &A, &B);
    assert_same(&quotients, &[3.0, -4.0, -4.0, 3.0, nan, nan, nan, 0.0, -1.0]);
    let remainders = compiled(|a, b| a.remainder(b), &A, &B);
    assert_same(&remainders, &[1.0, 1.0, -1.0, -1.0, nan, nan, nan, 1.0, f64::INFINITY]);
    assert_same(&compiled(|a, b| a.fmod(b), &A, &B), &[1.0, -1.0, 1.0, -1.0, nan, nan, nan, 1.0, -1.0]);
}

#[test]
fn divisions_of_integers_round_down_as_in_numpy() {
    let a = Array::from([7i8, -7, 7, -7, 1, -1, -128]);
    let b = Array::from([2i8, 2, -2, -2, 0, 0, -1]);
    let (quotient, remainder) = jit(|a: Array, b: Array| a.divmod(b)).call((a, b)).unwrap();
    assert_eq!(quotient.to_vec::<i8>().unwrap(), [3, -4, -4, 3, -2, -2, -128]);
    assert_eq!(remainder.to_vec::<i8>().unwrap(), [1, 1, -1, -1, 0, 0, 0]);
    let bytes = Array::from([250u8, 250]).divmod(Array::from([7u8, 0]));
    assert_eq!(bytes.0.to_vec::<u8>().unwrap(), [35, 255]);
    assert_eq!(bytes.1.to_vec::<u8>().unwrap(), [5, 0]);
}

#[test]
fn signs_and_special_values() {
    let x = [-0.0, 0.0, f64::NAN, f64::NEG_INFINITY, -2.5, 2.5];
    let array = || Array::from(&x[..]);
    assert_eq!(array().signbit().to_bools().unwrap()[..2], [true, false]);
    assert_eq!(array().is_nan().to_bools().unwrap(), [false, false, true, false, false, false]);
    assert_eq!(array().is_inf().to_bools().unwrap(), [false, false, false, true, false, false]);
    assert_same(&array().nan_to_num().to_vec().unwrap(), &[0.0, 0.0, 0.0, f64::MIN, -2.5, 2.5]);
    assert_same(&compiled(|x, y| x.heaviside(y), &[-1.0, 0.0, 2.0], &[0.5; 3]), &[0.0, 0.5, 1.0]);
    assert_same(&compiled(|x, y| x.copysign(y), &[2.0, -2.0, 1.0], &[-0.0, 3.0, -1.0]), &[-2.0, 2.0, -1.0]);
    assert_same(&array().round_away().to_vec::<f64>().unwrap()[3..], &[f64::NEG_INFINITY, -3.0, 3.0]);
    let (mantissas, exponents) = Array::from([8.0f64, 0.3, -5.0, 1e-310, f64::INFINITY]).frexp();
    let rebuilt: Vec<f64> = mantissas.to_vec::<f64>().unwrap();
    assert_eq!(exponents.to_vec::<i32>().unwrap(), [4, -1, 3, -1029, 0]);
    assert_same(&rebuilt[..3], &[0.5, 0.6, -0.625]);
    assert_same(&[rebuilt[3] * 2f64.powi(-515) * 2f64.powi(-514), rebuilt[4]], &[1e-310, f64::INFINITY]);
}

#[test]
fn derivatives_where_a_part_is_singular() {
    assert_near(slope(|x| x.sinc(), 0.0), 0.0);
    assert_near(slope(|x| x.sinc(), 0.3), -0.902_028_130_138_888_9);
    // -pi^2 / 3, from the derivative of the derivative.
    assert_near(slope(|x| grad(|x: Array| x.sinc()).apply(x), 0.0), -3.289_868_133_696_453);
    assert_near(slope(|x| x.xlogy(2.0), 0.0), std::f64::consts::LN_2);
    assert_near(slope(|x| x.xlog1py(2.0), 0.0), 3f64.ln());
    assert_near(slope(|x| x.hypot(0.0), 0.0), 0.0);
    assert_near(slope(|x| x.hypot(4.0), 3.0), 0.6);
    assert_near(slope(|x| x.copysign(-3.0), 2.0), -1.0);
    assert_near(slope(|x| x.logaddexp(f64::NEG_INFINITY), 1.0), 1.0);
    assert_near(slope(|x| x.log_sigmoid(), -800.0), 1.0);
    assert_near(slope(|x| x.lgamma(), -2.5), 1.103_156_640_645_243);
    assert_near(slope(|x| x.i1e(), 0.0), 0.5);
    assert_near(slope(|x| x.relu(), 0.0), 0.0);
    assert_near(slope(|x| x.remainder(3.0), -7.0), 1.0);
}

/// Of incomplete functions: by the limit in closed form, by the parameter from a sum, in every mode and batched.
#[test]
fn derivatives_of_incomplete_functions() {
    let density = |a: f64, x: f64| ((a - 1.0) * x.ln() - x - Array::from(a).lgamma().item().unwrap()).exp();
    assert_near(slope(|x| Array::from(2.5f64).gammainc(x), 1.5), density(2.5, 1.5));
    assert_near(slope(|x| Array::from(2.5f64).gammaincc(x), 9.0), -density(2.5, 9.0));
    assert_near(slope(|a| a.gammainc(2.0), 1.0), -0.220_825_426_211_859_5);
    assert_near(slope(|a| a.gammaincc(2.0), 1.0), 0.220_825_426_211_859_5);
    assert_near(slope(|x| Array::from(1.0f64).gammainc(x), 0.0), 1.0);
    // The mixed derivative, by either way.
    let mixed = |x: Array| grad(move |a: Array| a.gammainc(&x)).apply(Array::from(1.0f64));
    assert_near(slope(mixed, 2.0), (-2.0f64).exp() * (2.0f64.ln() + 0.577_215_664_901_532_9));
    let error = grad(|a: Array| grad(|a: Array| a.gammainc(2.0)).apply(a)).call(Array::from(1.0f64)).unwrap_err();
    assert!(error.to_string().contains("stop_gradient"), "{error}");
    // At a fixed quantile p, an exponential sample is -log(1 - p); its neighbours are those of the same p.
    let sample = jit(|a: Array| a.random_gamma_grad(2.0)).call(Array::from(1.0f64)).unwrap().item().unwrap();
    assert_near(sample, 0.220_825_426_211_859_5 * 2.0f64.exp());
    let (a, x) = (Array::from([0.5f64, 3.0]), Array::from([0.1f64, 9.0]));
    let batched = vmap(|a: Array, x: Array| a.gammaincc(x)).call((a.clone(), x.clone())).unwrap();
    assert_same(
        &batched.to_vec().unwrap(),
        &jit(|a: Array, x: Array| a.gammaincc(x)).call((a, x)).unwrap().to_vec().unwrap(),
    );
    assert_eq!(Array::zeros(&[0], DType::F32).gammainc(1).shape().unwrap()[..], [0]);
}

#[test]
fn the_incomplete_beta_function_is_differentiable_by_its_limit() {
    let number = |x: f64| Array::from(x);
    // x^2 (3 - 2 x) has the slope 6 x (1 - x).
    assert_near(slope(move |x| number(2.0).betainc(2.0, x), 0.25), 1.125);
    assert_near(slope(move |x| number(2.0).betainc(1.0, x), 1.0), 2.0);
    let error = grad(move |a: Array| a.betainc(2.0, 0.25)).call(number(2.0)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transform, "betainc"));
    let batched = vmap(|x: Array| Array::from(2.0f64).betainc(2.0, x)).call(Array::from([0.25f64, 0.5])).unwrap();
    assert_near(batched.index_axis(0, 0).item().unwrap(), 0.15625);
    assert_near(batched.index_axis(0, 1).item().unwrap(), 0.5);
}

#[test]
fn tails_neither_overflow_nor_vanish_early() {
    let value = |array: Array| array.item().unwrap();
    let number = |x: f64| Array::from(x);
    assert_near(value(number(-700.0).sigmoid()) / 9.859_676_543_759_77e-305, 1.0);
    assert_near(value(number(800.0).logaddexp(800.0)), 800.693_147_180_559_9);
    assert_near(value(number(10.0).logaddexp2(10.0)), 11.0);
    assert_near(value(number(710.4).sinh()) / 1.666_364_283_280_649_6e308, 1.0);
    assert_near(value(number(-1000.0).log_ndtr()), -500_007.826_694_812_2);
    assert_near(value(number(25.0).erfc()) / 8.300172571196522e-274, 1.0);
    assert_near(value(number(0.0).sinc()), 1.0);
    assert_eq!(Array::from([0i32, 3]).sigmoid().dtype().unwrap(), DType::F32);
}
