//! Options of the transformations: auxiliary results, integers, several arguments and results, symbolic zeros, arguments
//! that rules do not differentiate by; and that callables do no work twice.

use cotangent::{
    AllArguments, Argument, Array, CustomVjpPrimal, DType, ErrorKind, Function, Tree, allow_int, check_grads,
    custom_jvp, custom_vjp, grad, grad_aux, hessian, hessian_aux, impl_tree, jacfwd, jacfwd_aux, jacrev, jacrev_aux,
    jit, jvp, jvp_aux, linearize, linearize_aux, trivial_tangent, value_and_grad_aux, vjp, vjp_aux, vmap,
};
use num_complex::Complex;
use std::cell::RefCell;
use std::collections::BTreeMap;

fn numbers(array: &Array) -> Vec<f64> {
    array.to_vec::<f64>().unwrap()
}

fn close(given: &Array, expected: &[f64]) {
    let given = numbers(given);
    assert_eq!(given.len(), expected.len());
    for (a, b) in given.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{given:?} is not {expected:?}");
    }
}

fn vector() -> Array {
    Array::from([1.0f64, 2.0])
}

fn one() -> Array {
    Array::from(1.0f64)
}

#[test]
fn auxiliary_results_come_back_as_they_are() {
    // The auxiliary results: a float, whose derivative must not count, and an integer.
    let f = |x: Array| (x.square().sum(), (x.exp(), Array::from(7i32)));
    let check = |(exponential, seven): (Array, Array)| {
        close(&exponential, &[1f64.exp(), 2f64.exp()]);
        assert_eq!(seven.item().unwrap(), 7.0);
    };
    let (gradient, aux) = grad_aux(f).call(vector()).unwrap();
    close(&gradient, &[2.0, 4.0]);
    check(aux);
    let ((value, aux), gradient) = jit(value_and_grad_aux(f)).call(vector()).unwrap();
    close(&value, &[5.0]);
    close(&gradient, &[2.0, 4.0]);
    check(aux);
    let (value, tangent, aux) = jvp_aux(f, vector(), Array::from([1.0f64, 0.0])).unwrap();
    close(&value, &[5.0]);
    close(&tangent, &[2.0]);
    check(aux);
    let (value, push, aux) = linearize_aux(f, vector()).unwrap();
    close(&value, &[5.0]);
    close(&push.call(vector()).unwrap(), &[10.0]);
    check(aux);
    let (value, pull, aux) = vjp_aux(f, vector()).unwrap();
    close(&value, &[5.0]);
    close(&pull.call(one()).unwrap(), &[2.0, 4.0]);
    check(aux);
    let rows = |x: Array| (x.square(), (x.exp(), Array::from(7i32)));
    let (jacobian, aux) = jacrev_aux(rows).call(vector()).unwrap();
    close(&jacobian, &[2.0, 0.0, 0.0, 4.0]);
    check(aux);
    let (jacobian, aux) = jit(jacfwd_aux(rows)).call(vector()).unwrap();
    close(&jacobian, &[2.0, 0.0, 0.0, 4.0]);
    check(aux);
    let (second, aux) = hessian_aux(f).call(vector()).unwrap();
    close(&second, &[2.0, 0.0, 0.0, 2.0]);
    check(aux);
    let (many, _) = vmap(grad_aux(|x: Array| (x.square(), x))).call(vector()).unwrap();
    close(&many, &[2.0, 4.0]);
}

#[test]
fn integers_have_trivial_derivatives_where_they_are_allowed() {
    let f = |x: Array, n: Array| (x * n.astype(DType::F64)).sum();
    let args = (vector(), Array::from([3i32, 4]));
    let trivial = |array: &Array, ty: &str| assert_eq!(array.ty().unwrap().to_string(), ty);

    let (by_x, by_n) = grad(allow_int(f)).wrt::<AllArguments>().call(args.clone()).unwrap();
    close(&by_x, &[3.0, 4.0]);
    trivial(&by_n, "bool[2,0]");
    let by_n = jit(grad(allow_int(f)).wrt::<Argument<1>>()).call(args.clone()).unwrap();
    trivial(&by_n, "bool[2,0]");
    let (_, pull) = vjp(allow_int(f), args.clone()).unwrap();
    let (by_x, by_n) = pull.call(one()).unwrap();
    close(&by_x, &[3.0, 4.0]);
    trivial(&by_n, "bool[2,0]");
    let nothing = trivial_tangent(&args.1);
    let (_, push) = linearize(allow_int(f), args.clone()).unwrap();
    close(&push.call((vector(), nothing.clone())).unwrap(), &[11.0]);
    let (_, tangent) = jvp(f, args.clone(), (vector(), nothing)).unwrap();
    close(&tangent, &[11.0]);
    let (by_x, by_n) = jacrev(allow_int(f)).wrt::<AllArguments>().call(args.clone()).unwrap();
    close(&by_x, &[3.0, 4.0]);
    trivial(&by_n, "bool[2,0]");
    let (by_x, by_n) = jacfwd(allow_int(f)).wrt::<AllArguments>().call(args.clone()).unwrap();
    close(&by_x, &[3.0, 4.0]);
    trivial(&by_n, "bool[2,0]");
    let ((xx, xn), (nx, nn)) = hessian(allow_int(f)).wrt::<AllArguments>().call(args.clone()).unwrap();
    close(&xx, &[0.0; 4]);
    trivial(&xn, "bool[2,2,0]");
    trivial(&nx, "bool[2,2,0]");
    trivial(&nn, "bool[2,2,0]");

    let many = (Array::from([[1.0f64, 2.0], [5.0, 6.0]]), Array::from([1i32, 2, 3, 4]).reshape(&[2, 2]));
    let (by_x, by_n) = vmap(grad(allow_int(f)).wrt::<AllArguments>()).call(many).unwrap();
    close(&by_x, &[1.0, 2.0, 3.0, 4.0]);
    trivial(&by_n, "bool[2,2,0]");

    // Integer results have trivial tangents, without being asked for.
    let (_, (tangent, of_index)) = jvp(|x: Array| (x.max(), x.argmax()), vector(), vector()).unwrap();
    close(&tangent, &[2.0]);
    trivial(&of_index, "bool[0]");
}

#[test]
fn jacobians_of_several_results_by_several_arguments() {
    let f = |x: Array, y: Array, z: Array| BTreeMap::from([("p", &x * &y), ("q", x.sum() * z.exp())]);
    let at = (vector(), Array::from([3.0f64, 4.0]), Array::from(0.5f64));
    let e = 0.5f64.exp();
    type By = (Argument<2>, Argument<0>);
    for jacobian in [jacrev(f).wrt::<By>().call(at.clone()).unwrap(), jacfwd(f).wrt::<By>().call(at.clone()).unwrap()] {
        let (by_z, by_x) = &jacobian["p"];
        close(by_z, &[0.0, 0.0]);
        close(by_x, &[3.0, 0.0, 0.0, 4.0]);
        let (by_z, by_x) = &jacobian["q"];
        close(by_z, &[3.0 * e]);
        close(by_x, &[e, e]);
    }
    let second = jit(hessian(f).wrt::<By>()).call(at).unwrap();
    let ((zz, zx), (xz, xx)) = &second["q"];
    close(zz, &[3.0 * e]);
    close(zx, &[e, e]);
    close(xz, &[e, e]);
    close(xx, &[0.0; 4]);
}

#[derive(Clone)]
struct Line {
    slope: Array,
    offset: Array,
}
impl_tree!(Line { slope, offset });

#[test]
fn jacobians_of_and_by_structs() {
    let f = |line: Line| Line { slope: &line.slope * &line.offset, offset: line.slope.square() };
    let at = Line { slope: Array::from(3.0f64), offset: Array::from(5.0f64) };
    // In place of each field of the result, a struct of derivatives by each field.
    let jacobian: Vec<Line> = jacrev(f).call(at.clone()).unwrap();
    close(&jacobian[0].slope, &[5.0]);
    close(&jacobian[0].offset, &[3.0]);
    close(&jacobian[1].slope, &[6.0]);
    close(&jacobian[1].offset, &[0.0]);
    assert_eq!(jacfwd(f).call(at).unwrap().leaves().len(), 4);
}

#[test]
fn complex_jacobians_are_those_of_holomorphic_functions() {
    let z = Array::from([Complex::new(1.0f64, 2.0)]);
    let square = |z: Array| &z * &z;
    let forward = jacfwd(square).holomorphic().call(z.clone()).unwrap();
    assert_eq!(forward.to_vec::<Complex<f64>>().unwrap(), [Complex::new(2.0, 4.0)]);
    let reverse = jacrev(square).holomorphic().call(z.clone()).unwrap();
    assert_eq!(reverse.to_vec::<Complex<f64>>().unwrap(), [Complex::new(2.0, -4.0)]);
    let second = hessian(square).holomorphic().call(z.clone()).unwrap();
    assert_eq!(second.to_vec::<Complex<f64>>().unwrap(), [Complex::new(2.0, 0.0)]);
    // From real to complex and back there is nothing to state.
    let unit = jacfwd(|x: Array| Array::complex(&x, 1.0)).call(vector()).unwrap();
    assert_eq!(unit.dtype().unwrap(), DType::C128);
    assert!(jacrev(|z: Array| z.abs2()).call(z).is_ok());
}

/// A product with a rule that notes which tangents it was traced for.
fn noted_product(
    noted: &RefCell<Vec<(bool, bool)>>,
) -> impl Function<(Array, Array), cotangent::Arity<2>, Output = Array> {
    let product = custom_jvp(|x: Array, y: Array| x * y)
        .defjvp(move |(x, y): (Array, Array), (dx, dy): (Option<Array>, Option<Array>)| {
            noted.borrow_mut().push((dx.is_some(), dy.is_some()));
            // The factor 10 tells the rule for `x` alone from the general one.
            let by_x = dx.map(|dx| if dy.is_none() { 10.0 * dx * &y } else { dx * &y });
            let by_y = dy.map(|dy| &x * dy);
            let tangent = match (by_x, by_y) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
            (x * y, tangent)
        })
        .symbolic_zeros();
    move |x: Array, y: Array| product.apply((x, y))
}

#[test]
fn tangent_rules_see_symbolic_zeros() {
    let noted = RefCell::new(Vec::new());
    let f = noted_product(&noted);
    let (x, y) = (Array::from(3.0f64), Array::from(5.0f64));
    let (by_x, by_y) =
        grad(|x: Array, y: Array| f.apply((x, y))).wrt::<AllArguments>().call((x.clone(), y.clone())).unwrap();
    close(&by_x, &[5.0]);
    close(&by_y, &[3.0]);
    assert_eq!(*noted.borrow(), [(true, true), (true, false), (false, true)]);
    close(&grad(|x: Array| f.apply((x, y.clone()))).call(x.clone()).unwrap(), &[50.0]);
    close(&grad(|y: Array| f.apply((x.clone(), y))).call(y.clone()).unwrap(), &[3.0]);
    let both = vmap(grad(|x: Array| f.apply((x, y.clone())))).call(vector()).unwrap();
    close(&both, &[50.0, 50.0]);
    let (_, tangent) = jvp(|x: Array| f.apply((x, y.clone())), x.clone(), one()).unwrap();
    close(&tangent, &[50.0]);
}

#[test]
fn tangent_rules_give_symbolic_zeros() {
    let f = custom_jvp(|x: Array| (x.square(), x.floor()))
        .defjvp(|x: Array, t: Option<Array>| ((x.square(), x.floor()), (t.map(|t| 2.0 * &x * t), None)))
        .symbolic_zeros();
    let (_, (square, floor)) = jvp(|x: Array| f.apply(x), Array::from(1.5f64), one()).unwrap();
    close(&square, &[3.0]);
    close(&floor, &[0.0]);
    check_grads(|x: Array| f.apply(x).0, Array::from(1.5f64), 2).unwrap();
}

#[test]
fn reverse_rules_see_what_is_differentiated() {
    let product = || {
        custom_vjp(
            |x: Array, y: Array| (&x * &y, x.sin()),
            |x: CustomVjpPrimal, y: CustomVjpPrimal| {
                let value = (&x.value * &y.value, x.value.sin());
                // The factor 10 tells the rule for `x` alone from the general one.
                let scale = if y.perturbed { 1.0 } else { 10.0 };
                let kept = x.perturbed.then(|| (scale * &y.value, x.value.cos()));
                (value, (kept, y.perturbed.then(|| x.value.clone())))
            },
            |(by_x, by_y): (Option<(Array, Array)>, Option<Array>), (p, s): (Option<Array>, Option<Array>)| {
                let of_x = by_x.and_then(|(y, cos)| match (&p, s) {
                    (Some(p), Some(s)) => Some(y * p + cos * s),
                    (Some(p), None) => Some(y * p),
                    // The factor 100 tells the rule for the second result alone.
                    (None, Some(s)) => Some(100.0 * cos * s),
                    (None, None) => None,
                });
                (of_x, by_y.zip(p).map(|(x, p)| x * p))
            },
        )
        .symbolic_zeros()
    };
    let (x, y) = (Array::from(3.0f64), Array::from(5.0f64));
    let cos = 3f64.cos();
    let by_both = |pick: fn((Array, Array)) -> Array| {
        let f = product();
        let loss = move |x: Array, y: Array| pick(f.apply((x, y)));
        grad(loss).wrt::<AllArguments>().call((x.clone(), y.clone())).unwrap()
    };
    let (by_x, by_y) = by_both(|(p, s)| p + s);
    close(&by_x, &[5.0 + cos]);
    close(&by_y, &[3.0]);
    let (by_x, by_y) = by_both(|(p, _)| p);
    close(&by_x, &[5.0]);
    close(&by_y, &[3.0]);
    let (by_x, by_y) = by_both(|(_, s)| s);
    close(&by_x, &[100.0 * cos]);
    close(&by_y, &[0.0]);
    let f = product();
    let by_x = grad(|x: Array| f.apply((x, y.clone())).0).call(x.clone()).unwrap();
    close(&by_x, &[50.0]);
    let many = vmap(grad(|x: Array| f.apply((x, y.clone())).0)).call(vector()).unwrap();
    close(&many, &[50.0, 50.0]);
    // Where all cotangents are given, all rules are linear: there is a forward derivative.
    let (_, (p, s)) = jvp(|x: Array, y: Array| f.apply((x, y)), (x, y), (one(), one())).unwrap();
    close(&p, &[8.0]);
    close(&s, &[cos]);
}

#[test]
fn more_arrays_than_are_told_apart() {
    let sum = custom_jvp(|x: Vec<Array>| x[1..].iter().fold(x[0].clone(), |sum, x| sum + x))
        .defjvp(|x: Vec<Array>, t: Vec<Option<Array>>| {
            let count = t.iter().flatten().count() as f64;
            let value = x[1..].iter().fold(x[0].clone(), |sum, x| sum + x);
            (value, t.into_iter().flatten().reduce(|a, b| a + b).map(|sum| count * sum))
        })
        .symbolic_zeros();
    let at = |varied: usize| {
        let f = |t: Array| sum.apply((0..6).map(|k| if k < varied { t.clone() } else { one() }).collect());
        numbers(&grad(f).call(one()).unwrap())[0]
    };
    // One is told apart; two count as all six, of which four tangents are zero.
    assert_eq!((at(1), at(2), at(6)), (1.0, 12.0, 36.0));
}

#[test]
fn rules_with_arguments_that_are_not_differentiated_by() {
    let power = custom_jvp(|n: Array, x: Array, y: Array| x.pow(&n) * y)
        .defjvp(|n: Array, (x, y): (Array, Array), (dx, dy): (Array, Array)| {
            (x.pow(&n) * &y, &n * x.pow(&n - 1.0) * dx * y + x.pow(&n) * dy)
        })
        .nondiff::<Argument<0>>();
    let n = Array::from(3.0f64);
    let f = |x: Array, y: Array| power.apply((n.clone(), x, y));
    let at = (Array::from(2.0f64), Array::from(5.0f64));
    let (by_x, by_y) = grad(f).wrt::<AllArguments>().call(at.clone()).unwrap();
    close(&by_x, &[60.0]);
    close(&by_y, &[8.0]);
    check_grads(|(x, y): (Array, Array)| f(x, y), at.clone(), 2).unwrap();
    // A loop may pass it along, but nobody may differentiate by it.
    let error = grad(|n: Array| power.apply((n, at.0.clone(), at.1.clone()))).call(n.clone()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transform, "custom_jvp"));
    close(&vmap(|n: Array| power.apply((n, at.0.clone(), at.1.clone()))).call(vector()).unwrap(), &[10.0, 20.0]);

    let symbolic = custom_jvp(|x: Array, n: usize, y: Array| x.powi(n as i32) * y)
        .defjvp(|n: usize, (x, y): (Array, Array), (dx, dy): (Option<Array>, Option<Array>)| {
            let by_x = dx.map(|dx| n as f64 * x.powi(n as i32 - 1) * dx * &y);
            let tangent = match (by_x, dy) {
                (Some(a), Some(dy)) => Some(a + x.powi(n as i32) * dy),
                (a, dy) => a.or(dy.map(|dy| x.powi(n as i32) * dy)),
            };
            (x.powi(n as i32) * y, tangent)
        })
        .nondiff::<Argument<1>>()
        .symbolic_zeros();
    let by_x = grad(|x: Array| symbolic.apply((x, 3, Array::from(5.0f64)))).call(Array::from(2.0f64)).unwrap();
    close(&by_x, &[60.0]);

    let scaled = custom_vjp(
        |x: Array, factor: f64| x * factor,
        |x: CustomVjpPrimal, factor: f64| {
            assert!(x.perturbed);
            (x.value * factor, ())
        },
        |factor: f64, (): (), ct: Option<Array>| ct.map(|ct| ct * (2.0 * factor)),
    )
    .symbolic_zeros()
    .nondiff::<Argument<1>>();
    close(&grad(|x: Array| scaled.apply((x, 3.0))).call(one()).unwrap(), &[6.0]);

    let clipped = custom_vjp(
        |low: Array, x: Array, high: Array| x.clamp(&low, &high),
        |low: Array, x: Array, high: Array| (x.clamp(&low, &high), x),
        |high: Array, x: Array, ct: Array| (ct.zeros_like(), x.less(high).select(ct, 0.0)),
    )
    .nondiff::<Argument<2>>();
    let slope = grad(|x: Array| clipped.apply((Array::from(0.0f64), x, Array::from(2.0f64)))).call(one()).unwrap();
    close(&slope, &[1.0]);
}

#[test]
fn callables_do_no_expensive_work_twice() {
    let counted = RefCell::new(0);
    let f = |x: Array| {
        *counted.borrow_mut() += 1;
        x.exp() * x.matmul(&x)
    };
    let x = Array::arange(400, DType::F64).reshape(&[20, 20]) / 400.0;
    let (_, pull) = vjp(f, x.clone()).unwrap();
    let (_, push) = linearize(f, x.clone()).unwrap();
    for _ in 0..3 {
        pull.call(x.clone()).unwrap();
        push.call(x.clone()).unwrap();
    }
    assert_eq!(*counted.borrow(), 2, "traced once each");
    // The programs behind them hold no exponential, and only the products of the derivative of the product.
    let text = |f: &dyn Fn(Array) -> Array| {
        let func = cotangent::ir::trace::trace("f", [x.ty().unwrap()], |x| vec![f(x[0].clone())]).unwrap().func;
        let func = cotangent::ir::transform::simplify(&func);
        func.insts().iter().map(|inst| inst.prim.name).collect::<Vec<_>>()
    };
    let names = text(&|t| push.apply(t));
    assert!(!names.contains(&"exp"), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "dot_general").count(), 2, "{names:?}");
    let names = text(&|ct| pull.apply(ct));
    assert!(!names.contains(&"exp"), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "dot_general").count(), 2, "{names:?}");
}
