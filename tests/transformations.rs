//! Custom rules, implicit derivatives and checkpoints, composed with every other transformation; and what is refused.

use cotangent::{
    AllArguments, Array, DType, ErrorKind, Function, NoTangent, check_grads, checkpoint, custom_jvp,
    custom_linear_solve, custom_root, custom_vjp, fori_loop, grad, hessian, jacfwd, jacrev, jit, jvp, linearize, scan,
    value_and_grad, vjp, vmap, while_loop,
};

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

/// The cube, with the derivative of four times it, to tell rule and function apart.
fn cube() -> impl Function<Array, cotangent::Arity<1>, Output = Array> {
    let custom = custom_jvp(|x: Array| &x * &x * &x).defjvp(|x: Array, t: Array| (&x * &x * &x, 12.0 * &x * &x * t));
    move |x: Array| custom.apply(x)
}

/// The cube, with four times its derivative in reverse.
fn reverse_cube() -> impl Function<Array, cotangent::Arity<1>, Output = Array> {
    let custom =
        custom_vjp(|x: Array| &x * &x * &x, |x: Array| (&x * &x * &x, x), |x: Array, ct: Array| 12.0 * &x * &x * ct);
    move |x: Array| custom.apply(x)
}

#[test]
fn custom_rules_in_every_transformation() {
    let x = Array::from([1.0f64, 2.0]);
    let total = |x: Array| cube().apply(x).sum();
    close(&grad(total).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&jit(grad(total)).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&grad(jit(total)).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&vmap(grad(|x: Array| cube().apply(x))).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&grad(|x: Array| vmap(cube()).apply(x).sum()).call(x.clone()).unwrap(), &[12.0, 48.0]);
    // The derivative of the rule is the rule's own.
    close(&hessian(total).call(x.clone()).unwrap(), &[24.0, 0.0, 0.0, 48.0]);
    close(&jacfwd(|x: Array| cube().apply(x)).call(x.clone()).unwrap(), &[12.0, 0.0, 0.0, 48.0]);
    let (value, push) = linearize(|x: Array| cube().apply(x), x.clone()).unwrap();
    close(&value, &[1.0, 8.0]);
    close(&push.call(Array::from([1.0f64, 1.0])).unwrap(), &[12.0, 48.0]);

    let total = |x: Array| reverse_cube().apply(x).sum();
    close(&grad(total).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&vmap(grad(|x: Array| reverse_cube().apply(x))).call(x.clone()).unwrap(), &[12.0, 48.0]);
    close(&jacrev(|x: Array| reverse_cube().apply(x)).call(x.clone()).unwrap(), &[12.0, 0.0, 0.0, 48.0]);
    close(&hessian(total).call(x.clone()).unwrap(), &[24.0, 0.0, 0.0, 48.0]);
    // The backward rule is linear, so that its transpose is a forward rule.
    let (_, tangent) = jvp(|x: Array| reverse_cube().apply(x), x.clone(), Array::from([1.0f64, 1.0])).unwrap();
    close(&tangent, &[12.0, 48.0]);
}

#[test]
fn custom_rules_inside_of_loops() {
    let twice = |x: Array| fori_loop(0, 2, x, |_, x: Array| 0.5 * cube().apply(x));
    // x ↦ x³/2 twice, with derivative 6 x² each.
    let inner = 0.5f64 * 1.5f64.powi(3);
    close(&grad(twice).call(Array::from(1.5f64)).unwrap(), &[6.0 * 1.5 * 1.5 * 6.0 * inner * inner]);
    let scanned = |x: Array| scan(|c: Array, s: Array| (c + reverse_cube().apply(s), ()), Array::from(0.0f64), x).0;
    close(&grad(scanned).call(Array::from([1.0f64, 2.0])).unwrap(), &[12.0, 48.0]);
    let grown = |x: Array| while_loop(|x: Array| x.less(100.0), |x: Array| cube().apply(x), x);
    let (value, tangent) = jvp(grown, Array::from(2.0f64), Array::from(1.0f64)).unwrap();
    close(&value, &[512.0]);
    close(&tangent, &[12.0 * 4.0 * 12.0 * 64.0]);
}

#[test]
fn rules_for_some_arguments_only() {
    let f =
        custom_jvp(|x: Array, y: Array| x * y).defjvps((|t: Array, _: Array, (_, y): (Array, Array)| t * y, NoTangent));
    let (by_x, by_y) = grad(f).wrt::<AllArguments>().call((Array::from(2.0f64), Array::from(3.0f64))).unwrap();
    close(&by_x, &[3.0]);
    close(&by_y, &[0.0]);
}

#[test]
fn integers_pass_through_custom_rules() {
    let f = custom_jvp(|x: Array, n: Array| (&x * n.astype(DType::F64), n)).defjvp(
        |(x, n): (Array, Array), (t, nothing): (Array, Array)| {
            ((&x * n.astype(DType::F64), n.clone()), (2.0 * t * n.astype(DType::F64), nothing))
        },
    );
    let g = |x: Array| f.apply((x, Array::from(3i32))).0;
    close(&grad(g).call(Array::from(5.0f64)).unwrap(), &[6.0]);
}

#[test]
fn clipped_cotangents_have_no_forward_mode() {
    let clipped = || {
        custom_vjp(
            |x: Array| x.square(),
            |x: Array| (x.square(), x),
            |x: Array, ct: Array| (2.0 * x * ct).clamp(-1.0, 1.0),
        )
    };
    close(&grad(|x: Array| clipped().apply(x)).call(Array::from(5.0f64)).unwrap(), &[1.0]);
    let error = jvp(|x: Array| clipped().apply(x), Array::from(5.0f64), Array::from(1.0f64)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transform, "custom_vjp"));
    assert!(error.to_string().contains("reverse mode"), "{error}");
}

#[test]
fn rules_that_do_not_fit() {
    let x = Array::from([1.0f64, 2.0]);
    let short = custom_jvp(|x: Array| x).defjvp(|x: Array, t: Array| (x, t.sum()));
    let error = grad(|x: Array| short.apply(x).sum()).call(x.clone()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Structure, "custom_jvp"));
    assert!(error.to_string().contains("f64[2]") && error.to_string().contains("tangent"), "{error}");

    let other = custom_vjp(|x: Array| x, |x: Array| (x, ()), |(): (), ct: Array| ct.astype(DType::F32));
    let error = grad(|x: Array| other.apply(x).sum()).call(x.clone()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Structure, "custom_vjp"));

    let value = custom_jvp(|x: Array| x).defjvp(|x: Array, t: Array| (x.sum(), t));
    let error = value.apply(x).to_vec::<f64>().unwrap_err();
    assert!(error.to_string().contains("the result of the rule"), "{error}");
}

#[test]
fn captured_values_are_not_differentiated_by() {
    let f = |a: Array| {
        let scaled = custom_jvp(|x: Array| &a * x).defjvp(|x: Array, t: Array| (&a * x, &a * t));
        scaled.apply(Array::from(2.0f64))
    };
    let error = grad(f).call(Array::from(3.0f64)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Transform, "custom_jvp"));
    assert!(error.to_string().contains("argument"), "{error}");
}

#[test]
fn stopped_gradients() {
    let f = |x: Array| &x * x.stop_gradient();
    close(&grad(f).call(Array::from(3.0f64)).unwrap(), &[3.0]);
    close(&vmap(grad(f)).call(Array::from([3.0f64, 4.0])).unwrap(), &[3.0, 4.0]);
}

/// A dense system solved by an explicit inverse, which would be differentiated wrongly if it were.
fn solved(a: &Array, b: Array) -> Array {
    let solve = |matvec: &dyn Fn(Array) -> Array, b: Array| {
        // Richardson iteration: x ← x + (b - A x) / 4, until it stands still.
        let start = (b.zeros_like(), b.clone());
        let step = |(x, _): (Array, Array)| {
            let r = &b - matvec(x.clone());
            (x + 0.25 * &r, r)
        };
        while_loop(|(_, r): (Array, Array)| r.abs().max().greater(1e-13), step, start).0
    };
    custom_linear_solve(|x: Array| a.matmul(&x), b, solve, solve)
}

#[test]
fn linear_solves_differentiate_through_any_solver() {
    let (a, b) = (Array::from([[3.0f64, 1.0], [0.5, 2.0]]), Array::from([1.0f64, -2.0]));
    close(&a.matmul(&solved(&a, b.clone())), &[1.0, -2.0]);
    check_grads(|a: Array| solved(&a, b.clone()), a.clone(), 2).unwrap();
    check_grads(|b: Array| solved(&a, b), b.clone(), 2).unwrap();
    let total = |a: Array, b: Array| solved(&a, b).sum();
    let many = jit(vmap(value_and_grad(total)));
    let stacked = Array::from([3.0f64, 1.0, 0.5, 2.0, 2.0, 0.0, 0.0, 4.0]).reshape(&[2, 2, 2]);
    let sides = Array::from([[1.0f64, -2.0], [2.0, 4.0]]);
    let (values, gradients) = many.call((stacked, sides)).unwrap();
    close(&values.index_axis(0, 1), &[2.0]);
    close(&gradients.index_axis(0, 1), &[-0.5, -0.5, -0.25, -0.25]);
}

#[test]
fn roots_differentiate_by_what_the_equation_captured() {
    // Kepler's equation: E - e sin E = M.
    let anomaly = |e: Array, m: Array| {
        let f = |x: Array| &x - &e * x.sin() - &m;
        let solve = |f: &dyn Fn(Array) -> Array, guess: Array| {
            while_loop(|x: Array| f(x).abs().greater(1e-13), |x: Array| &x - f(x.clone()), guess)
        };
        custom_root(f, m.clone(), solve, |df, y| &y / df(y.ones_like()))
    };
    let at = (Array::from(0.3f64), Array::from(1.2f64));
    check_grads(|(e, m): (Array, Array)| anomaly(e, m), at.clone(), 2).unwrap();
    let (e, m) = at;
    let both = vmap(grad(|m: Array| anomaly(e.clone(), m))).call(Array::from([1.2f64, 0.7])).unwrap();
    let alone = grad(|m: Array| anomaly(e.clone(), m)).call(m).unwrap();
    close(&both.index_axis(0, 0), &numbers(&alone));
}

#[test]
fn checkpoints_change_nothing_but_memory() {
    let layer = |x: Array| (x.sin() * 2.0).exp();
    let plain = |x: Array| layer(layer(x)).sum();
    let kept = |x: Array| {
        let layer = checkpoint(layer);
        layer.apply(layer.apply(x)).sum()
    };
    let x = Array::from([0.3f64, -0.7]);
    close(&grad(kept).call(x.clone()).unwrap(), &numbers(&grad(plain).call(x.clone()).unwrap()));
    close(&jit(grad(kept)).call(x.clone()).unwrap(), &numbers(&grad(plain).call(x.clone()).unwrap()));
    close(&hessian(kept).call(x.clone()).unwrap(), &numbers(&hessian(plain).call(x.clone()).unwrap()));
    let inside = |x: Array| fori_loop(0, 3, x, |_, x: Array| checkpoint(|x: Array| x.sin()).apply(x)).sum();
    check_grads(inside, x.clone(), 2).unwrap();
    let (_, pull) = vjp(kept, x.clone()).unwrap();
    close(&pull.call(Array::from(1.0f64)).unwrap(), &numbers(&grad(plain).call(x).unwrap()));
}

#[test]
fn axes_of_single_leaves() {
    let f = |(x, y): (Array, Array)| (&x * &y, y);
    let (x, y) = (Array::from([[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]), Array::from([10.0f64, 20.0]));
    let mapped = vmap(f).in_leaf_axes(&[Some(1), None]).out_leaf_axes(&[Some(1), None]);
    let (products, same) = mapped.call((x, y)).unwrap();
    close(&products, &[10.0, 20.0, 30.0, 80.0, 100.0, 120.0]);
    close(&same, &[10.0, 20.0]);
    let error = vmap(|x: Array| x).out_leaf_axes(&[None]).call(Array::from([1.0f64])).unwrap_err();
    assert!(error.to_string().contains("out_leaf_axes"), "{error}");
}
