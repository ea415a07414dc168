//! Formulas parse as Python's expressions do, and have their values.

use super::{Formula, Value, parse};
use cotangent::{Array, grad, jit};
use std::collections::BTreeMap;

/// The value of a formula of the vector `x` = (1, 2, 3, 4).
#[track_caller]
fn check(text: &str, want: &[f64]) {
    let x = Value::Array(Array::from([1.0f64, 2.0, 3.0, 4.0]));
    let value = Formula::new(text).value(&[("x", x)]).astype(cotangent::DType::F64);
    assert_eq!(value.to_vec::<f64>().unwrap(), want, "{text}");
}

#[track_caller]
fn check_error(text: &str, want: &str) {
    assert_eq!(parse::parse(text).unwrap_err(), want, "{text}");
}

#[test]
fn operators_bind_as_in_python() {
    check("1 + 2*3", &[7.0]);
    check("(1 + 2)*3", &[9.0]);
    check("-2**2", &[-4.0]);
    check("2**-1", &[0.5]);
    check("2**3**2", &[512.0]);
    check("7 - 2 - 1", &[4.0]);
    check("8/4/2", &[1.0]);
    check("2*-3", &[-6.0]);
    check("x @ x + 1", &[31.0]);
    check("1 - x", &[0.0, -1.0, -2.0, -3.0]);
    check("2 < x", &[0.0, 0.0, 1.0, 1.0]);
    check("x >= 1 + 1", &[0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn numbers_have_every_form() {
    check("1.5", &[1.5]);
    check(".5", &[0.5]);
    check("2.", &[2.0]);
    check("1e2", &[100.0]);
    check("1.25E-1", &[0.125]);
    check("real(2j*x*1j)", &[-2.0, -4.0, -6.0, -8.0]);
    check("real((1 + 2j)*(1 - 2j)*x)", &[5.0, 10.0, 15.0, 20.0]);
}

#[test]
fn indices_take_numbers_slices_and_new_axes() {
    check("x[0]", &[1.0]);
    check("x[-1]", &[4.0]);
    check("x[1:]", &[2.0, 3.0, 4.0]);
    check("x[:-1]", &[1.0, 2.0, 3.0]);
    check("x[::2]", &[1.0, 3.0]);
    check("x[::-1]", &[4.0, 3.0, 2.0, 1.0]);
    check("x[None, 1:3][0]", &[2.0, 3.0]);
    check("x[..., 0]", &[1.0]);
    check("x[1:][0]", &[2.0]);
}

#[test]
fn items_are_found_by_name() {
    let items = BTreeMap::from([("a".to_string(), Array::from(2.0f64)), ("b".to_string(), Array::from(3.0f64))]);
    let value = Formula::new("d[\"a\"] - d['b']").value(&[("d", Value::Items(items))]);
    assert_eq!(value.item().unwrap(), -1.0);
}

#[test]
fn calls_take_tuples_and_several_arguments() {
    check("sum(x)", &[10.0]);
    check("sum(reshape(x, (2, 2))[1])", &[7.0]);
    check("concat(x[:1], 2*flip(x[2:]))", &[1.0, 8.0, 6.0]);
    check("where(x > 2, x, 0.0)", &[0.0, 0.0, 3.0, 4.0]);
    check("pad(x[:2], ((1, 2),))", &[0.0, 1.0, 2.0, 0.0, 0.0]);
    check("clip(x, 2, 3.5)", &[2.0, 2.0, 3.0, 3.5]);
    check("cos(0*x)", &[1.0; 4]);
}

#[test]
fn loops_repeat_their_lambda() {
    check("loop(3, lambda s: 2*s + x[0], x)", &[15.0, 23.0, 31.0, 39.0]);
    check("loop(0, lambda s: 0*s, x)", &[1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn numbers_adopt_the_dtype_of_arrays() {
    let x = Value::Array(Array::from([1.0f32]));
    let dtype = |text: &str| Formula::new(text).value(&[("x", x.clone())]).dtype().unwrap();
    assert_eq!(dtype("2*x + 0.5"), cotangent::DType::F32);
    assert_eq!(dtype("exp(1j*x)"), cotangent::DType::C64);
    assert_eq!(dtype("x/2**0.5 + pi"), cotangent::DType::F32);
}

#[test]
fn formulas_are_traced() {
    let formula = Formula::new("sum(loop(2, lambda s: s*y, x**2))");
    let y = Array::from([1.0f64, 3.0]);
    let f = |x: Array| formula.value(&[("x", Value::Array(x)), ("y", Value::Array(y.clone()))]);
    let slope = jit(grad(f)).call(Array::from([1.0f64, 2.0])).unwrap();
    assert_eq!(slope.to_vec::<f64>().unwrap(), [2.0, 36.0]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    check_error("x +", "expected a value, but the formula ends");
    check_error("f(x", "expected `,` or `)`, but the formula ends");
    check_error("x[1", "expected `,` or `]`, but the formula ends");
    check_error("x y", "expected the end at 2");
    check_error("x[,]", "expected an index at 2");
    check_error("a ? b", "`?` at 2 is no part of a formula");
    check_error("f(x=1)", "expected `,` or `)` at 3");
    check_error("0 < x < 1", "comparisons are not chained: write each in parentheses");
    check_error("'ij", "text without an end at 0");
}
