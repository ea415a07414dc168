//! Laws of compositions: several routes to one number must agree.

use cotangent::random::{Key, normal};
use cotangent::{
    AllArguments, Array, DType, Function, fori_loop, grad, hessian, jacfwd, jacrev, jit, jvp, linear_adjoint,
    linearize, scan, value_and_grad, vjp, vmap,
};

/// The largest difference relative to the size of the numbers, or of 1.
#[track_caller]
fn close(left: &Array, right: &Array, tolerance: f64) {
    assert_eq!(left.ty().unwrap(), right.ty().unwrap());
    let (left, right) = (left.to_vec::<f64>().unwrap(), right.to_vec::<f64>().unwrap());
    for (l, r) in left.iter().zip(&right) {
        assert!((l - r).abs() <= tolerance * (1.0 + r.abs()), "{left:?}\n{right:?}");
    }
}

const TOLERANCE: f64 = 1e-10;

fn sample(seed: u64, shape: &[usize]) -> Array {
    normal(&Key::new(seed), shape, DType::F64)
}

/// A function with most kinds of operation in it.
fn energy(x: Array) -> Array {
    let wave = (&x * 1.5).sin() * x.tanh();
    let bowl = (&x - 0.25).square().sum();
    (wave.sum() + &bowl) / (1.0 + bowl.sqrt())
}

fn rows(x: Array) -> Array {
    (&x * &x.sum()).exp() + x.cos()
}

#[test]
fn compiled_is_eager() {
    let x = sample(1, &[7]);
    close(&jit(energy).call(x.clone()).unwrap(), &energy(x.clone()), TOLERANCE);
    close(&jit(rows).call(x.clone()).unwrap(), &rows(x), TOLERANCE);
}

/// Compiled with each option, a function gives what the reference interpreter gives.
#[cfg(feature = "compiler")]
#[track_caller]
fn interpreted<F, M>(f: F, x: &Array)
where
    F: Function<Array, M, Output = Array> + Clone,
{
    use cotangent::compile::{Lanes, Options};
    use cotangent::{Traced, jit_with};
    let Traced { func, mut captures } = jit(f.clone()).traced(x).unwrap();
    captures.push(x.clone());
    let data: Vec<_> = captures.iter().map(|array| array.tensor().unwrap()).collect();
    let expected = Array::from_tensor(cotangent::ir::eval::eval(&func, &data).unwrap().remove(0));
    for fuse in [true, false] {
        for lanes in [Lanes::Wide, Lanes::Vector, Lanes::Scalar] {
            let compiled = jit_with(f.clone(), Options { fuse, lanes, ..Options::default() });
            close(&compiled.call(x.clone()).unwrap(), &expected, TOLERANCE);
        }
    }
}

#[cfg(feature = "compiler")]
#[test]
fn compiled_is_interpreted() {
    let x = sample(30, &[9]);
    interpreted(energy, &x);
    interpreted(rows, &x);
    interpreted(|x: Array| grad(energy).apply(x), &x);
    interpreted(|x: Array| hessian(energy).apply(x), &x);
    interpreted(|x: Array| jacrev(rows).apply(x), &x);
    interpreted(|x: Array| vmap(|x: Array| grad(energy).apply(x)).apply(x.reshape(&[3, 3])), &x);
    interpreted(|x: Array| fori_loop(0, 3, x.clone(), |_, y: Array| (y * &x).sin()), &x);
    interpreted(
        |x: Array| grad(|x: Array| fori_loop(0, 3, x.clone(), |_, y: Array| (y * &x).sin()).sum()).apply(x),
        &x,
    );
}

#[test]
fn gradient_routes_agree() {
    let x = sample(2, &[5]);
    let direct = grad(energy).call(x.clone()).unwrap();
    close(&jit(grad(energy)).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&grad(jit(energy)).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&jit(grad(jit(energy))).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&jacrev(energy).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&jacfwd(energy).call(x.clone()).unwrap(), &direct, TOLERANCE);
    let (value, gradient) = value_and_grad(energy).call(x.clone()).unwrap();
    close(&value, &energy(x.clone()), TOLERANCE);
    close(&gradient, &direct, TOLERANCE);
    let (_, pull) = vjp(energy, x).unwrap();
    close(&pull.call(Array::from(1.0f64)).unwrap(), &direct, TOLERANCE);
}

#[test]
fn tangent_is_difference_quotient() {
    let (x, t) = (sample(3, &[6]), sample(4, &[6]));
    let step = 1e-6;
    let difference = (rows(&x + step * &t) - rows(&x - step * &t)) / (2.0 * step);
    let (_, tangent) = jvp(rows, x, t).unwrap();
    close(&tangent, &difference, 1e-7);
}

#[test]
fn pullback_is_adjoint_of_pushforward() {
    let (x, t, w) = (sample(5, &[6]), sample(6, &[6]), sample(7, &[6]));
    let (y, push) = linearize(rows, x.clone()).unwrap();
    close(&y, &rows(x.clone()), TOLERANCE);
    let (_, pull) = vjp(rows, x.clone()).unwrap();
    let forward = (push.call(t.clone()).unwrap() * &w).sum();
    let backward = (pull.call(w.clone()).unwrap() * &t).sum();
    close(&forward, &backward, TOLERANCE);
    let (_, tangent) = jvp(rows, x, t.clone()).unwrap();
    close(&push.call(t.clone()).unwrap(), &tangent, TOLERANCE);
    close(&push.transpose().unwrap().transpose().unwrap().call(t.clone()).unwrap(), &tangent, TOLERANCE);
    close(&push.adjoint().unwrap().call(w.clone()).unwrap(), &pull.call(w).unwrap(), TOLERANCE);
}

#[test]
fn vmap_is_the_loop() {
    let xs = sample(8, &[4, 3]);
    let slice = |i: isize| xs.index_axis(0, i);
    for (name, f) in [("energy", energy as fn(Array) -> Array), ("rows", rows)] {
        let batched = vmap(f).call(xs.clone()).unwrap();
        let gradient = vmap(grad(move |x: Array| f(x).sum())).call(xs.clone()).unwrap();
        for i in 0..4 {
            let of = |array: &Array| array.index_axis(0, i);
            close(&of(&batched), &f(slice(i)), TOLERANCE);
            close(&of(&gradient), &grad(move |x: Array| f(x).sum()).call(slice(i)).unwrap(), TOLERANCE);
        }
        assert_eq!(batched.shape().unwrap()[0], 4, "{name}");
    }
}

#[test]
fn grad_of_vmap_is_vmap_of_grad() {
    let xs = sample(9, &[4, 3]);
    let whole = grad(|xs: Array| vmap(energy).apply(xs).sum()).call(xs.clone()).unwrap();
    let each = vmap(grad(energy)).call(xs.clone()).unwrap();
    close(&whole, &each, TOLERANCE);
    close(&jit(vmap(grad(jit(energy)))).call(xs).unwrap(), &each, TOLERANCE);
}

#[test]
fn vmap_over_other_axes() {
    let xs = sample(10, &[3, 4]);
    let direct = vmap(rows).call(xs.t()).unwrap();
    close(&vmap(rows).in_axes(&[Some(1)]).call(xs.clone()).unwrap(), &direct, TOLERANCE);
    close(&vmap(rows).in_axes(&[Some(-1)]).out_axis(-1).call(xs.clone()).unwrap(), &direct.t(), TOLERANCE);
    let weight = sample(11, &[3]);
    let scaled = |x: Array, w: Array| (x * w).sum();
    let batched = vmap(scaled).in_axes(&[Some(1), None]).call((xs.clone(), weight.clone())).unwrap();
    close(&batched, &(xs.t() * weight).sum_axes(&[1]), TOLERANCE);
}

#[test]
fn nested_vmap() {
    let (a, b) = (sample(12, &[3]), sample(13, &[4]));
    let product = |x: Array, y: Array| x * y;
    let inner = vmap(product).in_axes(&[None, Some(0)]);
    let table = vmap(inner).in_axes(&[Some(0), None]).call((a.clone(), b.clone())).unwrap();
    close(&table, &(a.reshape(&[3, 1]) * b.reshape(&[1, 4])), TOLERANCE);
}

#[test]
fn jacobians_agree() {
    let x = sample(14, &[4]);
    let forward = jacfwd(rows).call(x.clone()).unwrap();
    assert_eq!(forward.shape().unwrap()[..], [4, 4]);
    close(&jacrev(rows).call(x.clone()).unwrap(), &forward, TOLERANCE);
    let (_, push) = linearize(rows, x.clone()).unwrap();
    let t = sample(15, &[4]);
    close(&push.call(t.clone()).unwrap(), &(&forward * &t).sum_axes(&[1]), TOLERANCE);
}

#[test]
fn hessian_routes_agree() {
    let x = sample(16, &[4]);
    let direct = hessian(energy).call(x.clone()).unwrap();
    close(&direct, &direct.t(), TOLERANCE);
    close(&jacfwd(grad(energy)).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&jacrev(grad(energy)).call(x.clone()).unwrap(), &direct, TOLERANCE);
    close(&jit(hessian(energy)).call(x.clone()).unwrap(), &direct, TOLERANCE);
    let t = sample(17, &[4]);
    let product = (&direct * &t).sum_axes(&[1]);
    let (_, forward_over_reverse) = jvp(grad(energy), x.clone(), t.clone()).unwrap();
    close(&forward_over_reverse, &product, TOLERANCE);
    let slope = t.clone();
    let reverse_over_forward = grad(move |x: Array| jvp(energy, x, slope.clone()).unwrap().1).call(x).unwrap();
    close(&reverse_over_forward, &product, TOLERANCE);
}

#[test]
fn loops_differentiate_like_their_unrolling() {
    let x = sample(18, &[3]);
    let rolled = |x: Array| fori_loop(0, 4, x.clone(), |i, y: Array| (y * &x).sin() + i.astype(DType::F64)).sum();
    let unrolled = |x: Array| (0..4).fold(x.clone(), |y, i| (y * &x).sin() + f64::from(i)).sum();
    close(&rolled(x.clone()), &unrolled(x.clone()), TOLERANCE);
    close(&grad(rolled).call(x.clone()).unwrap(), &grad(unrolled).call(x.clone()).unwrap(), TOLERANCE);
    close(&hessian(rolled).call(x.clone()).unwrap(), &hessian(unrolled).call(x.clone()).unwrap(), TOLERANCE);
    let t = sample(19, &[3]);
    close(&jvp(rolled, x.clone(), t.clone()).unwrap().1, &jvp(unrolled, x, t).unwrap().1, TOLERANCE);
}

#[test]
fn scan_differentiates_like_its_unrolling() {
    let (x, w) = (sample(20, &[5]), Array::from(0.5f64));
    let rolled = |w: Array, x: Array| {
        let (last, all) = scan(|s: Array, x: Array| ((&s * &w + &x).tanh(), s * x), Array::from(0.0f64), x);
        last + all.sum()
    };
    let unrolled = |w: Array, x: Array| {
        let mut s = Array::from(0.0f64);
        let mut total = Array::from(0.0f64);
        for i in 0..5 {
            let slice = x.index_axis(0, i);
            total += &s * &slice;
            s = (&s * &w + slice).tanh();
        }
        s + total
    };
    let args = (w, x);
    let (by_w, by_x) = grad(rolled).wrt::<AllArguments>().call(args.clone()).unwrap();
    let (expected_w, expected_x) = grad(unrolled).wrt::<AllArguments>().call(args).unwrap();
    close(&by_w, &expected_w, TOLERANCE);
    close(&by_x, &expected_x, TOLERANCE);
}

#[test]
fn adjoint_identity() {
    let (x, y) = (sample(21, &[5]), sample(22, &[4]));
    let difference = |x: Array| x.narrow(0, 1, 4) - x.narrow(0, 0, 4);
    let adjoint = linear_adjoint(difference, &x).unwrap();
    let (left, right) = ((difference(x.clone()) * &y).sum(), (adjoint.call(y.clone()).unwrap() * &x).sum());
    close(&left, &right, TOLERANCE);
    close(&jit(adjoint.clone()).call(y.clone()).unwrap(), &adjoint.call(y).unwrap(), TOLERANCE);
}
