//! Named axes: what the items of a batch know of each other. Numbers without a derivation in their test are JAX's.

use cotangent::{
    Array, DType, ErrorKind, Function, all_gather, all_to_all, axis_index, axis_size, checkpoint, cond, custom_jvp,
    custom_linear_solve, custom_vjp, fori_loop, grad, jacfwd, jit, jvp, linearize, pmax, pmean, pmin, ppermute, psum,
    psum_scatter, scan, vjp, vjp_reduced, vmap, while_loop,
};

#[track_caller]
fn close(array: &Array, expected: &[f64]) {
    let given = array.astype(DType::F64).to_vec::<f64>().unwrap();
    assert_eq!(given.len(), expected.len(), "{given:?}");
    for (given, expected) in given.iter().zip(expected) {
        assert!((given - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{given} is not {expected}");
    }
}

fn x() -> Array {
    Array::from([1.0f64, 2.0, 3.0])
}

fn w() -> Array {
    Array::from([0.5f64, -1.0, 2.0])
}

/// 0 to 17 in three rows.
fn table() -> Array {
    Array::iota(&[18], 0, DType::F64).reshape(&[3, 6])
}

fn squares(x: Array) -> Array {
    psum(x.square(), "i")
}

fn wave(x: Array, w: Array) -> Array {
    x.sin() * pmean(x * w, "i")
}

fn weighted(x: Array, w: Array) -> Array {
    (all_gather(&x * w, "i", 0, false) * Array::iota(&[3], 0, DType::F64)).sum() * x
}

#[test]
fn sums_differentiated_inside_and_outside() {
    close(&vmap(squares).axis_name("i").call(x()).unwrap(), &[14.0; 3]);
    close(&vmap(grad(squares)).axis_name("i").call(x()).unwrap(), &[6.0, 12.0, 18.0]);
    let outside = |x: Array| (w() * vmap(squares).axis_name("i").apply(x)).sum();
    close(&grad(outside).call(x()).unwrap(), &[3.0, 6.0, 9.0]);
    close(&jit(vmap(jit(grad(jit(squares)))).axis_name("i")).call(x()).unwrap(), &[6.0, 12.0, 18.0]);
}

#[test]
fn means_and_gathered_values_differentiate() {
    let expected = [1.1257682, -1.2548497, -0.22372985];
    close(&vmap(grad(wave)).axis_name("i").call((x(), w())).unwrap(), &expected);
    let outside = |x: Array| vmap(wave).axis_name("i").apply((x, w())).sum();
    close(&grad(outside).call(x()).unwrap(), &expected);
    let pushed = |x: Array, w: Array| match jvp(|x: Array| wave(x, w.clone()), x, w.clone()) {
        Ok(both) => both,
        Err(error) => (Array::from_error(error.clone()), Array::from_error(error)),
    };
    let (value, tangent) = vmap(pushed).axis_name("i").call((x(), w())).unwrap();
    close(&value, &[1.2622064, 1.3639461, 0.21168]);
    close(&tangent, &[1.877801, 2.2154908, -2.7230175]);

    let expected = [10.0, 4.0, 34.0];
    close(&vmap(grad(weighted)).axis_name("i").call((x(), w())).unwrap(), &expected);
    let outside = |x: Array| vmap(weighted).axis_name("i").apply((x, w())).sum();
    close(&grad(outside).call(x()).unwrap(), &expected);
}

#[test]
fn extrema() {
    close(&vmap(|x: Array| &x - pmax(x.clone(), "i")).axis_name("i").call(x()).unwrap(), &[-2.0, -1.0, 0.0]);
    close(&vmap(|x: Array| pmin(x, "i")).axis_name("i").call(w()).unwrap(), &[-1.0; 3]);
    // The largest of the squares is 9, at the last; all three results depend on it.
    let outside = |x: Array| (w() * vmap(|x: Array| pmax(x.square(), "i")).axis_name("i").apply(x)).sum();
    close(&grad(outside).call(x()).unwrap(), &[0.0, 0.0, 1.5 * 6.0]);
}

#[test]
fn exchanges() {
    let rotated = |x: Array| ppermute(x, "i", &[(0, 1), (1, 2), (2, 0)]);
    close(&vmap(rotated).axis_name("i").call(x()).unwrap(), &[3.0, 1.0, 2.0]);
    close(&vmap(grad(move |x: Array| rotated(x.square()))).axis_name("i").call(x()).unwrap(), &[2.0, 4.0, 6.0]);
    // What nobody is sent has no influence.
    let shifted = |x: Array| ppermute(x.square(), "i", &[(0, 1), (1, 2)]);
    close(&vmap(shifted).axis_name("i").call(x()).unwrap(), &[0.0, 1.0, 4.0]);
    close(&vmap(grad(shifted)).axis_name("i").call(x()).unwrap(), &[2.0, 4.0, 0.0]);

    let columns = [0.0, 6.0, 12.0, 1.0, 7.0, 13.0, 2.0, 8.0, 14.0, 3.0, 9.0, 15.0, 4.0, 10.0, 16.0, 5.0, 11.0, 17.0];
    let untiled = |row: Array| all_to_all(row.reshape(&[3, 2]), "i", 0, 1, false);
    let exchanged = vmap(untiled).axis_name("i").call(table()).unwrap();
    assert_eq!(exchanged.shape().unwrap()[..], [3, 2, 3]);
    close(&exchanged, &columns);
    let pairs = [0.0, 1.0, 6.0, 7.0, 12.0, 13.0, 2.0, 3.0, 8.0, 9.0, 14.0, 15.0, 4.0, 5.0, 10.0, 11.0, 16.0, 17.0];
    close(&vmap(|row: Array| all_to_all(row, "i", 0, 0, true)).axis_name("i").call(table()).unwrap(), &pairs);
    let along = vmap(|row: Array| all_to_all(row.reshape(&[3, 2]), "i", 0, 1, true));
    let exchanged = along.axis_name("i").call(table()).unwrap();
    assert_eq!(exchanged.shape().unwrap()[..], [3, 1, 6]);
    close(&exchanged, &pairs);

    let sums = [18.0, 21.0, 24.0, 27.0, 30.0, 33.0];
    let scattered = |row: Array| psum_scatter(row.reshape(&[3, 2]), "i", 0, false);
    close(&vmap(scattered).axis_name("i").call(table()).unwrap(), &sums);
    close(&vmap(|row: Array| psum_scatter(row, "i", 0, true)).axis_name("i").call(table()).unwrap(), &sums);
    let joined = vmap(|row: Array| all_gather(row.reshape(&[3, 2]), "i", 1, true)).axis_name("i");
    let joined = joined.call(table()).unwrap().index_axis(0, 0);
    close(&joined, &pairs);
}

#[test]
fn exchanges_are_what_their_transposes_undo() {
    // <f t, w> = <t, f' w>, over all instances together.
    let whole = |f: fn(Array) -> Array| move |rows: Array| vmap(f).axis_name("i").apply(rows);
    let functions: [fn(Array) -> Array; 5] = [
        |row| all_to_all(row, "i", 0, 0, true),
        |row| psum_scatter(row.reshape(&[2, 3]), "i", 1, false),
        |row| all_gather(row, "i", 0, false),
        |row| ppermute(row, "i", &[(2, 0), (0, 1)]),
        |row| psum(row * (axis_index("i") + 1), "i"),
    ];
    for f in functions {
        let value = whole(f)(table());
        let (_, push) = linearize(whole(f), table()).unwrap();
        let (_, pull) = vjp(whole(f), table()).unwrap();
        let (t, w) = (table().cos(), Array::iota(&value.shape().unwrap(), 0, DType::F64).sin() + value.cos());
        let forward = (push.call(t.clone()).unwrap() * &w).sum().item().unwrap();
        let backward = (pull.call(w).unwrap() * t).sum().item().unwrap();
        assert!((forward - backward).abs() < 1e-10 * (1.0 + forward.abs()), "{forward} is not {backward}");
    }
}

#[test]
fn nested_names() {
    let numbers = Array::iota(&[6], 0, DType::F64).reshape(&[2, 3]);
    let f = |x: Array| {
        psum(x.clone(), ["o", "i"]) + psum(x, "o") * 10.0 + axis_index(["o", "i"]).astype(DType::F64) * 1000.0
    };
    let nested = vmap(vmap(f).axis_name("i")).axis_name("o").call(numbers.clone()).unwrap();
    close(&nested, &[45.0, 1065.0, 2085.0, 3045.0, 4065.0, 5085.0]);
    // The batch in between has no name.
    let between = vmap(vmap(|x: Array| &x - pmean(x.clone(), "o"))).axis_name("o").call(numbers.clone()).unwrap();
    close(&between, &[-1.5, -1.5, -1.5, 1.5, 1.5, 1.5]);
    let all = vmap(vmap(|x: Array| all_gather(x, ["o", "i"], 0, false)).axis_name("i")).axis_name("o");
    close(&all.call(numbers.clone()).unwrap().at(&[1.into(), 2.into()]).get(), &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // The innermost of equal names counts.
    let inner = vmap(vmap(|x: Array| psum(x, "i")).axis_name("i")).axis_name("i").call(numbers).unwrap();
    close(&inner, &[3.0, 3.0, 3.0, 12.0, 12.0, 12.0]);
}

#[test]
fn what_is_the_same_for_all() {
    let same = vmap(|x: Array| psum(x, "i")).axis_name("i").out_leaf_axes(&[None]).call(x()).unwrap();
    assert_eq!(same.item().unwrap(), 6.0);
    // Nothing differs between instances but their numbers.
    let numbered = |x: Array| psum(x.clone(), "i") + axis_index("i") * x;
    let numbered = vmap(numbered).in_axes(&[None]).axis_name("i").axis_size(3).call(Array::from(2.0f64)).unwrap();
    close(&numbered, &[6.0, 8.0, 10.0]);
    let four = Array::iota(&[4], 0, DType::I32);
    let means = vmap(|x: Array| pmean(x, "i")).axis_name("i").call(four).unwrap();
    assert_eq!(means.to_vec::<f32>().unwrap(), [1.5; 4]);
    let count = vmap(|x: Array| psum(x, "i")).axis_name("i").call(Array::from_bools(&[3], &[true, false, true]));
    assert_eq!(count.unwrap().to_vec::<i32>().unwrap(), [2; 3]);
}

#[test]
fn in_loops_and_branches() {
    let growing = |x: Array| {
        let body = |(sum, y): (Array, Array)| (sum + psum(y.clone(), "i"), y + &x);
        while_loop(|(_, y): (Array, Array)| y.less(3.0), body, (x.zeros_like(), x.clone()))
    };
    let (sums, last) = vmap(growing).axis_name("i").call(x()).unwrap();
    close(&sums, &[15.0, 6.0, 0.0]);
    close(&last, &[3.0, 4.0, 3.0]);

    let scanned = |x: Array| {
        let body = |c: Array, t: Array| (&c * 0.5 + psum(&c * t, "i") + axis_index("i").astype(DType::F64), c);
        scan(body, x, Array::from([1.0f64, 2.0]))
    };
    let (last, all) = vmap(scanned).axis_name("i").call(x()).unwrap();
    close(&last, &[51.25, 53.0, 54.75]);
    close(&all, &[1.0, 6.5, 2.0, 8.0, 3.0, 9.5]);
    close(&vmap(grad(move |x: Array| scanned(x).0)).axis_name("i").call(x()).unwrap(), &[22.75; 3]);

    let chosen = |x: Array| {
        cond(x.greater(1.5), |x: Array| psum(x, "i"), |x: Array| x * axis_index("i").astype(DType::F64), x.clone())
    };
    close(&vmap(chosen).axis_name("i").call(x()).unwrap(), &[0.0, 6.0, 6.0]);
    close(&vmap(grad(chosen)).axis_name("i").call(x()).unwrap(), &[0.0, 3.0, 3.0]);

    // Nothing in the loop differs between instances but what the axis tells.
    let counted = |x: Array| fori_loop(0, 3, Array::from(0), |_, n: Array| n + axis_index("i")) + x;
    close(&vmap(counted).axis_name("i").call(x()).unwrap(), &[1.0, 5.0, 9.0]);
}

#[test]
fn in_custom_rules() {
    let by_jvp = || {
        custom_jvp(|x: Array| psum(x.square(), "i"))
            .defjvp(|x: Array, t: Array| (psum(x.square(), "i"), psum(2.0 * x * t, "i")))
    };
    close(&vmap(grad(by_jvp())).axis_name("i").call(x()).unwrap(), &[6.0, 12.0, 18.0]);
    let by_vjp = || {
        custom_vjp(
            |x: Array| psum(x.square(), "i"),
            |x: Array| (psum(x.square(), "i"), x),
            |x: Array, ct: Array| 2.0 * x * psum(ct, "i"),
        )
    };
    close(&vmap(grad(by_vjp())).axis_name("i").call(x()).unwrap(), &[6.0, 12.0, 18.0]);
    let outside = |x: Array| (w() * vmap(by_vjp()).axis_name("i").apply(x)).sum();
    close(&grad(outside).call(x()).unwrap(), &[3.0, 6.0, 9.0]);
}

/// A system that couples the instances: (D + 0.1 1 1ᵀ) x = b, an unknown and a row for each of them.
#[test]
fn in_solutions_of_linear_systems() {
    let cg = |matvec: &dyn Fn(Array) -> Array, b: Array| {
        let dot = |x: &Array, y: &Array| psum(x * y, "i");
        let start = (b.zeros_like(), b.clone(), b.clone());
        let (x, ..) = fori_loop(0, 3, start, |_, (x, r, p): (Array, Array, Array)| {
            let (ap, rr) = (matvec(p.clone()), dot(&r, &r));
            let alpha = &rr / dot(&p, &ap);
            let (x, r) = (x + &alpha * &p, r - alpha * ap);
            let beta = dot(&r, &r) / rr;
            (x, r.clone(), r + beta * p)
        });
        x
    };
    let solve =
        move |d: Array, b: Array| custom_linear_solve(move |x: Array| &d * &x + 0.1 * psum(x.clone(), "i"), b, cg, cg);
    let (d, b) = (Array::from([1.0f64, 2.0, 4.0]), w());
    // By the formula of Sherman and Morrison.
    let inverse = |v: [f64; 3]| {
        let scaled = [v[0], v[1] / 2.0, v[2] / 4.0];
        let shift = 0.1 * scaled.iter().sum::<f64>() / (1.0 + 0.1 * 1.75);
        [scaled[0] - shift, scaled[1] - shift / 2.0, scaled[2] - shift / 4.0]
    };
    let (x, adjoint) = (inverse([0.5, -1.0, 2.0]), inverse([1.0; 3]));
    close(&vmap(solve).axis_name("i").call((d.clone(), b.clone())).unwrap(), &x);
    let total = move |d: Array| vmap(solve).axis_name("i").apply((d, b.clone())).sum();
    let expected: Vec<f64> = x.iter().zip(adjoint).map(|(x, y)| -x * y).collect();
    close(&grad(total).call(d).unwrap(), &expected);
}

#[test]
fn under_a_checkpoint() {
    let expected = [1.1257682, -1.2548497, -0.22372985];
    let slope = || {
        let f = checkpoint(|(x, w): (Array, Array)| wave(x, w));
        grad(move |x: Array, w: Array| f.apply((x, w)))
    };
    close(&vmap(slope()).axis_name("i").call((x(), w())).unwrap(), &expected);
    close(&jit(vmap(slope()).axis_name("i")).call((x(), w())).unwrap(), &expected);
}

#[test]
fn jacobians_within_a_batch() {
    // The unnamed batch of the Jacobian's columns is not the named one.
    let f = |row: Array| row.square() + psum(row, "i");
    let rows = Array::from([[1.0f64, 2.0], [3.0, 4.0]]);
    // The tangents of a column are the same for all instances: they are summed, too.
    let expected = [4.0, 0.0, 0.0, 6.0, 8.0, 0.0, 0.0, 10.0];
    close(&vmap(jacfwd(f)).axis_name("i").call(rows).unwrap(), &expected);
}

#[test]
fn compiled_functions_are_kept_for_one_extent_only() {
    let scaled = jit(|x: Array| x * axis_size("i").map_or(-1.0, |size| size as f64));
    let batched = |x: Array| vmap(scaled.clone()).axis_name("i").call(x).unwrap();
    close(&batched(x()), &[3.0, 6.0, 9.0]);
    close(&batched(Array::from([1.0f64, 2.0])), &[2.0, 4.0]);
}

#[test]
fn shared_parameters_get_the_cotangents_of_all() {
    let loss = |w: Array, x: Array| (w * x.square()).sin();
    let each = vmap(grad(loss)).in_axes(&[None, Some(0)]).call((Array::from(0.5f64), x())).unwrap();
    let reduced = vmap(grad(loss).reduce_axes(["i"])).in_axes(&[None, Some(0)]).axis_name("i").out_leaf_axes(&[None]);
    close(&reduced.call((Array::from(0.5f64), x())).unwrap(), &[each.sum().item().unwrap()]);
    // A parameter that differs is left alone.
    let by_x = grad(loss).wrt::<cotangent::Argument<1>>();
    let alone = vmap(by_x.reduce_axes("i")).in_axes(&[None, Some(0)]).axis_name("i");
    let expected = x().to_vec::<f64>().unwrap();
    let expected: Vec<f64> = expected.iter().map(|x| (0.5 * x * x).cos() * x).collect();
    close(&alone.call((Array::from(0.5f64), x())).unwrap(), &expected);

    let pulled = |w: Array, x: Array| match vjp_reduced(loss, (w, x), "i") {
        Ok((_, pull)) => pull.apply(Array::from(1.0f64)),
        Err(error) => (Array::from_error(error.clone()), Array::from_error(error)),
    };
    let pulled = vmap(pulled).in_axes(&[None, Some(0)]).axis_name("i").out_leaf_axes(&[None, Some(0)]);
    let (by_w, by_x) = pulled.call((Array::from(0.5f64), x())).unwrap();
    close(&by_w, &[each.sum().item().unwrap()]);
    close(&by_x, &expected);
}

#[test]
fn mistakes() {
    let says = |outcome: cotangent::Result<Array>, kind: ErrorKind, parts: &[&str]| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        parts.iter().for_each(|part| assert!(text.contains(part), "`{text}` does not say `{part}`"));
    };
    let unbound = vmap(|x: Array| psum(x, "k")).axis_name("i").call(x());
    says(unbound, ErrorKind::Trace, &["psum", "`k` is not bound", "`i` are bound", "vmap(..).axis_name(\"k\")"]);
    says(psum(x(), "i").tensor().map(|_| x()), ErrorKind::Trace, &["no axis has a name"]);
    says(axis_size("i").map(|_| x()), ErrorKind::Trace, &["axis_size", "`i` is not bound"]);
    let twice = vmap(|x: Array| psum(x, ["i", "i"])).axis_name("i").call(x());
    says(twice, ErrorKind::Argument, &["psum", "`i` is named twice"]);
    let uneven = vmap(|x: Array| all_to_all(x, "i", 0, 0, false)).axis_name("i").call(table());
    says(uneven, ErrorKind::Shape, &["axis 0 of shape [6] has extent 6", "3 instances"]);
    let uneven = vmap(|x: Array| psum_scatter(x.narrow(0, 0, 4), "i", 0, true)).axis_name("i").call(table());
    says(uneven, ErrorKind::Shape, &["psum_scatter", "divisible"]);
    let twice = vmap(|x: Array| ppermute(x, "i", &[(0, 1), (2, 1)])).axis_name("i").call(x());
    says(twice, ErrorKind::Argument, &["ppermute", "(0, 1)", "3 instances"]);
    let wrong = vmap(|x: Array| x).axis_size(4).call(x());
    says(wrong, ErrorKind::Shape, &["`axis_size` is 4", "extent 3"]);
    let differs = vmap(|x: Array| x + axis_index("i")).axis_name("i").out_leaf_axes(&[None]).call(x());
    says(differs, ErrorKind::Argument, &["differs between slices"]);
}
