//! Operands of elementwise methods: promotion, broadcasting, values at the edges, and what is said when they do not fit.

use cotangent_ir::{Array, DType, ErrorKind};
use num_complex::Complex;

fn f32s(elements: &[f32]) -> Array {
    Array::from(elements)
}

#[test]
fn literals_adopt_the_dtype_they_meet() {
    let dtype = |array: Array| array.dtype().unwrap();
    let (x, i, b) = (f32s(&[1.0, 2.0]), Array::from([1i32, 2]), Array::from_bools(&[2], &[true, false]));
    let bytes = Array::from([1u8, 2]);
    assert_eq!(dtype(2.0 * &x), DType::F32);
    assert_eq!(dtype(&x + 1), DType::F32);
    assert_eq!(dtype(1 - &i), DType::I32);
    assert_eq!(dtype(&i * 0.5), DType::F32);
    assert_eq!(dtype(&bytes + 200), DType::U8);
    assert_eq!(dtype(&bytes + 300), DType::I32);
    assert_eq!(dtype(&bytes + (-1)), DType::I32);
    assert_eq!(dtype(&b + 1), DType::I32);
    assert_eq!(dtype(&b & true), DType::Bool);
    assert_eq!(dtype(&b * 0.5), DType::F32);
    assert_eq!(dtype(&x * Complex::new(0.0, 1.0)), DType::C64);
    assert_eq!(dtype(Complex::new(0.0f32, 1.0) * Array::from([1.0f64])), DType::C128);
    assert_eq!(dtype(&x + &i), DType::F32);
    assert_eq!(dtype(i.sqrt()), DType::F32);
    assert_eq!(dtype(i.pow(2)), DType::I32);
    assert_eq!(dtype(i.pow(0.5)), DType::F32);
    assert_eq!(dtype(b.select(1.0f32, 0.0f32)), DType::F32);
}

#[test]
fn literals_need_no_suffix() {
    let x = f32s(&[0.0, 1.0]);
    assert_eq!((0.5 * &x).floor().to_vec::<f32>().unwrap(), [0.0, 0.0]);
    assert_eq!((&x * 0.5).abs().to_vec::<f32>().unwrap(), [0.0, 0.5]);
    assert_eq!((1 + x.square()).sqrt().square().to_vec::<f32>().unwrap()[0], 1.0);
    let mut y = x.clone();
    y += 1;
    y *= &x;
    y -= x;
    assert_eq!(y.to_vec::<f32>().unwrap(), [0.0, 1.0]);
}

#[test]
fn shapes_broadcast_from_the_last_axis() {
    let column = Array::new(&[2, 1], &[10.0f32, 20.0]);
    let row = f32s(&[1.0, 2.0, 3.0]);
    let sum = &column + &row;
    assert_eq!(sum.shape().unwrap().as_slice(), [2, 3]);
    assert_eq!(sum.to_vec::<f32>().unwrap(), [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
    assert_eq!(row.greater(2).select(&row, &column).shape().unwrap().as_slice(), [2, 3]);
    assert_eq!((f32s(&[]) + f32s(&[1.0])).shape().unwrap().as_slice(), [0]);
}

#[test]
fn integers_wrap_and_truncate() {
    let x = Array::from([i32::MAX, -7, 7, i32::MIN]);
    assert_eq!((&x + 1).to_vec::<i32>().unwrap(), [i32::MIN, -6, 8, i32::MIN + 1]);
    assert_eq!((&x / 2).to_vec::<i32>().unwrap(), [i32::MAX / 2, -3, 3, i32::MIN / 2]);
    assert_eq!((&x / -1).to_vec::<i32>().unwrap(), [-i32::MAX, 7, -7, i32::MIN]);
    assert_eq!((&x / 0).to_vec::<i32>().unwrap(), [-1; 4]);
    assert_eq!((&x % 4).to_vec::<i32>().unwrap(), [3, -3, 3, 0]);
    assert_eq!((&x % 0).to_vec::<i32>().unwrap(), x.to_vec::<i32>().unwrap());
    assert_eq!(x.abs().to_vec::<i32>().unwrap(), [i32::MAX, 7, 7, i32::MIN]);
    assert_eq!((-Array::from([1u8])).to_vec::<u8>().unwrap(), [255]);
    assert_eq!((Array::from([u64::MAX]) * Array::from([u64::MAX])).to_vec::<u64>().unwrap(), [1]);
    assert_eq!((!Array::from([1u8, 255])).to_vec::<u8>().unwrap(), [254, 0]);
    assert_eq!(Array::from([-1i32, 1]).shift_left(31).to_vec::<i32>().unwrap(), [i32::MIN; 2]);
    assert_eq!(Array::from([-1i32, 1]).shift_left(32).to_vec::<i32>().unwrap(), [0; 2]);
    assert_eq!(Array::from([-1i8, 4]).shift_right_logical(1).to_vec::<i8>().unwrap(), [127, 2]);
    assert_eq!(Array::from([-1i8]).shift_right_logical(-1).to_vec::<i8>().unwrap(), [0]);
}

#[test]
fn nan_is_contagious_and_unordered() {
    let (x, y) = (f32s(&[f32::NAN, 1.0, f32::NAN]), f32s(&[1.0, f32::NAN, f32::NAN]));
    for array in [x.maximum(&y), x.minimum(&y), x.relu().minimum(&y), x.sign() * &y] {
        assert!(array.to_vec::<f32>().unwrap().iter().all(|v| v.is_nan()));
    }
    for array in [x.equal(&y), x.less(&y), x.less_equal(&y), x.greater(&y), x.greater_equal(&y)] {
        assert_eq!(array.to_bools().unwrap(), [false; 3]);
    }
    assert_eq!(x.not_equal(&y).to_bools().unwrap(), [true; 3]);
    assert_eq!(f32s(&[f32::INFINITY, f32::NAN, 1.0]).is_finite().to_bools().unwrap(), [false, false, true]);
}

#[test]
fn complex_numbers_neither_overflow_nor_cancel_early() {
    let z = |re: f64, im: f64| Array::from([Complex::new(re, im)]);
    let first = |array: Array| array.to_vec::<Complex<f64>>().unwrap()[0];
    let big = 1e300;
    assert_eq!(first(z(big, big) / z(big, big)), Complex::new(1.0, 0.0));
    assert_eq!(z(3e300, 4e300).abs().to_vec::<f64>().unwrap(), [5e300]);
    assert_eq!(first(z(0.0, 0.0).sign()), Complex::new(0.0, 0.0));
    assert_eq!(first(z(-4.0, -0.0).sqrt()), Complex::new(0.0, -2.0));
    assert_eq!(first(z(-4.0, 0.0).sqrt()), Complex::new(0.0, 2.0));
    assert_eq!(first(z(1000.0, 1.0).tanh()), Complex::new(1.0, 0.0));
    assert_eq!(first(z(0.0, 0.0).pow(z(2.0, 1.0))), Complex::new(0.0, 0.0));
    assert_eq!(first(z(0.0, 0.0).pow(z(0.0, 0.0))), Complex::new(1.0, 0.0));
    assert_eq!(z(3.0, -4.0).abs2().to_vec::<f64>().unwrap(), [25.0]);
}

#[test]
fn conversions_saturate_and_wrap() {
    let x = Array::from([-1.5f64, 300.0, f64::NAN, 0.25]);
    assert_eq!(x.astype(DType::U8).to_vec::<u8>().unwrap(), [0, 255, 0, 0]);
    assert_eq!(x.astype(DType::Bool).to_bools().unwrap(), [true; 4]);
    assert_eq!(Array::from([300i32, -1]).astype(DType::U8).to_vec::<u8>().unwrap(), [44, 255]);
    let z = Array::from([Complex::new(0.0f32, 2.0)]);
    assert_eq!(z.astype(DType::F64).to_vec::<f64>().unwrap(), [0.0]);
    assert_eq!(z.astype(DType::Bool).to_bools().unwrap(), [true]);
    assert!(z.logical_and(2.5).logical_not().logical_xor(true).to_bools().unwrap()[0]);
}

#[test]
fn misfits_are_explained_where_they_happen() {
    let (x, z) = (f32s(&[1.0, 2.0]), Array::from([Complex::new(1.0f32, 0.0)]));
    let line = line!() + 1;
    let error = (&x + f32s(&[1.0, 2.0, 3.0])).error().cloned().unwrap();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Shape, "add"));
    assert_eq!(
        error.message(),
        "shapes of f32[2] and f32[3] differ: 2 against 3 on axis 1 from the last; extents must be equal or 1, so \
         reshape, slice or pad one operand"
    );
    assert_eq!(error.location().map(|place| place.line()), Some(line));

    let message = |array: Array| array.error().map(|error| error.to_string()).unwrap_or_default();
    for (array, expected) in [
        (z.less(1), "`lt`: takes any dtype but c64, c128, got c64[1]; take `real()`, `imag()` or `abs()` of it"),
        (z.floor(), "`floor`: takes f32 or f64, got c64[1]; take `real()`"),
        (z.atan2(1.0), "`atan2`: takes f32 or f64, got c64[1]"),
        (&x & 1, "`and`: takes bool or an integer, got f32[2]; compare it, or convert it to an integer"),
        (-Array::from_bools(&[1], &[true]), "`neg`: takes any dtype but bool, got bool[1]; convert it"),
        (x.shift_left(1), "`shift_left`: takes integers, got f32[2]; convert it with `astype(DType::I32)`"),
        (Array::from([2i32]).powi(-1), "`integer_pow`: integers have no power -1, got i32[1]"),
        (x.select(1, 0), "`select`: the condition must be bool, got f32[2]; compare it"),
        (x.less(0).select(f32s(&[1.0, 2.0, 3.0]), 0), "`select`: shapes of bool[2] and f32[3] differ"),
        ((&x + f32s(&[])).sqrt() * 2.0, "`add`: shapes of f32[2] and f32[0] differ"),
    ] {
        assert!(message(array.clone()).starts_with(expected), "{}\nexpected: {expected}", message(array));
    }
}
