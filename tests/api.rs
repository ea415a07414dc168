//! The façade on worked examples: trees, compiled functions, the complex convention, random numbers.

use cotangent::random::{self, Key};
use cotangent::{
    AllArguments, Argument, Array, DType, Function, Tree, Type, cond, eval_shape, fori_loop, grad, hessian, impl_tree,
    jacfwd, jacrev, jit, jvp, linear_adjoint, linear_transpose, linearize, placeholder, scan, scan_reversed, switch,
    value_and_grad, value_and_grad_aux, vjp, vmap, while_loop,
};
use num_complex::Complex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type C = Complex<f64>;

fn complex(re: f64, im: f64) -> C {
    C::new(re, im)
}

fn reals(array: &Array) -> Vec<f64> {
    array.to_vec::<f64>().unwrap()
}

#[track_caller]
fn near(array: &Array, expected: &[f64], tolerance: f64) {
    let given: Vec<f64> = array.astype(DType::F64).to_vec().unwrap();
    assert_eq!(given.len(), expected.len());
    for (g, e) in given.iter().zip(expected) {
        assert!((g - e).abs() <= tolerance * (1.0 + e.abs()), "{given:?} instead of {expected:?}");
    }
}

#[track_caller]
fn near_complex(array: &Array, expected: &[C]) {
    let given = array.to_vec::<C>().unwrap();
    assert_eq!(given.len(), expected.len());
    for (g, e) in given.iter().zip(expected) {
        assert!((g - e).norm() <= 1e-6, "{given:?} instead of {expected:?}");
    }
}

#[derive(Clone)]
struct Model {
    weights: BTreeMap<String, Array>,
    bias: Option<Array>,
    depth: usize,
}
impl_tree!(Model { weights, bias, depth });

fn model() -> Model {
    let weights = BTreeMap::from([("a".into(), Array::from([1.0f64, 2.0])), ("b".into(), Array::from(3.0f64))]);
    Model { weights, bias: Some(Array::from(0.5f64)), depth: 2 }
}

#[test]
fn trees_take_apart_and_together() {
    let tree = (model(), [Array::from(1.0f64), Array::from(2.0f64)], Box::new(()), (-0.0f64, true));
    assert_eq!(
        tree.structure(),
        "(Model { weights: {a: *, b: *}, bias: Some(*), depth: 2usize }, [*, *], (), (-0.0f64, truebool))"
    );
    assert_eq!(tree.leaves().len(), 5);
    let doubled = tree.map_leaves(|leaf| leaf * 2.0);
    assert_eq!(reals(&doubled.0.weights["a"]), [2.0, 4.0]);
    assert_eq!(reals(&doubled.1[1]), [4.0]);
    assert_eq!(doubled.structure(), tree.structure());
}

#[test]
fn gradients_have_the_structure_of_arguments() {
    let loss = |m: Model| (&m.weights["a"] * &m.weights["b"]).sum() * m.depth as f64 + m.bias.unwrap();
    let (value, gradient) = value_and_grad(loss).call(model()).unwrap();
    assert_eq!(value.item().unwrap(), 18.5);
    assert_eq!(reals(&gradient.weights["a"]), [6.0, 6.0]);
    assert_eq!(reals(&gradient.weights["b"]), [6.0]);
    assert_eq!(reals(&gradient.bias.unwrap()), [1.0]);
    assert_eq!(gradient.depth, 2);
}

#[test]
fn gradients_by_chosen_arguments() {
    let f = |x: Array, y: Array, z: Array| x * y.square() * z.exp();
    let args = (Array::from(2.0f64), Array::from(3.0f64), Array::from(0.0f64));
    assert_eq!(grad(f).call(args.clone()).unwrap().item().unwrap(), 9.0);
    assert_eq!(grad(f).wrt::<Argument<1>>().call(args.clone()).unwrap().item().unwrap(), 12.0);
    let (z, x) = grad(f).wrt::<(Argument<2>, Argument<0>)>().call(args.clone()).unwrap();
    assert_eq!((z.item().unwrap(), x.item().unwrap()), (18.0, 9.0));
    let (y, all) = grad(f).wrt::<(Argument<1>, AllArguments)>().call(args.clone()).unwrap();
    assert_eq!((y.item().unwrap(), all.1.item().unwrap()), (12.0, 12.0));
    let nested = grad(grad(f).wrt::<Argument<1>>()).wrt::<Argument<2>>().call(args).unwrap();
    assert_eq!(nested.item().unwrap(), 12.0);
}

#[test]
fn auxiliary_results_pass_through() {
    let f = |x: Array| (x.square().sum(), (x.sin(), x.shape().map_or(0, |shape| shape.len())));
    let ((value, (sine, rank)), gradient) = jit(value_and_grad_aux(f)).call(Array::from([0.0f64, 2.0])).unwrap();
    assert_eq!((value.item().unwrap(), rank), (4.0, 1));
    near(&sine, &[0.0, 2.0f64.sin()], 1e-12);
    assert_eq!(reals(&gradient), [0.0, 4.0]);
}

#[test]
fn a_constant_has_gradient_zero() {
    let gradient = grad(|_: Array| Array::from(3.0f64)).call(Array::from([1.0f64, 2.0])).unwrap();
    assert_eq!(reals(&gradient), [0.0, 0.0]);
    let (value, tangent) =
        jvp(|x: Array| (x.floor(), x.greater(1.0)), Array::from(1.5f64), Array::from(1.0f64)).unwrap();
    assert_eq!((value.0.item().unwrap(), tangent.0.item().unwrap()), (1.0, 0.0));
    assert_eq!(tangent.1.ty().unwrap().to_string(), "bool[0]", "a bool has the trivial tangent");
}

#[test]
fn a_function_is_traced_once_for_each_type() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let f = jit(move |x: Array, times: usize| {
        counter.fetch_add(1, Ordering::Relaxed);
        (0..times).fold(x, |x, _| x * 2.0)
    });
    let traces = |args: (Array, usize)| {
        f.call(args).unwrap();
        count.load(Ordering::Relaxed)
    };
    assert_eq!(traces((Array::from(1.0f64), 2)), 1);
    assert_eq!(traces((Array::from(5.0f64), 2)), 1);
    assert_eq!(traces((Array::from(5.0f32), 2)), 2);
    assert_eq!(traces((Array::from([5.0f32]), 2)), 3);
    assert_eq!(traces((Array::from([5.0f32]), 3)), 4);
    assert_eq!(traces((Array::from([6.0f32]), 3)), 4);
    let shared = f.clone();
    shared.call((Array::from([6.0f32]), 3)).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[test]
fn captured_arrays_are_not_part_of_the_program() {
    let scale = |factor: f64| {
        let factor = Array::from([factor, factor]);
        jit(move |x: Array| x * &factor)
    };
    let x = Array::from([1.0f64, 2.0]);
    let (two, three) = (scale(2.0), scale(3.0));
    assert_eq!(reals(&two.call(x.clone()).unwrap()), [2.0, 4.0]);
    assert_eq!(reals(&three.call(x.clone()).unwrap()), [3.0, 6.0]);
    assert_eq!(two.traced(&x).unwrap().func, three.traced(&x).unwrap().func);
}

#[test]
fn a_compiled_function_inside_another() {
    let inner = jit(|x: Array, y: Array| (&x * &y, x + y));
    let outer = jit(move |x: Array| {
        let (product, sum) = inner.apply((x.clone(), x.sin()));
        product + sum
    });
    near(&outer.call(Array::from(1.0f64)).unwrap(), &[2.0 * 1.0f64.sin() + 1.0], 1e-12);
    near(&grad(outer).call(Array::from(1.0f64)).unwrap(), &[1.0f64.sin() + 2.0 * 1.0f64.cos() + 1.0], 1e-12);
}

#[test]
fn a_value_of_the_enclosing_trace_in_a_compiled_function() {
    let outer = jit(|x: Array| {
        let y = x.clone();
        let inner = jit(move |z: Array| z * &y);
        inner.apply(x.sin()) + inner.apply(x.cos())
    });
    let expected = |x: f64| x * x.sin() + x * x.cos();
    near(&outer.call(Array::from(1.0f64)).unwrap(), &[expected(1.0)], 1e-12);
    near(&outer.call(Array::from(2.0f64)).unwrap(), &[expected(2.0)], 1e-12);
}

#[test]
fn results_written_into_given_arrays() {
    let f = jit(|x: Array| (x.sin(), x.sum()));
    let mut out = f.call(Array::from([0.0f64, 1.0])).unwrap();
    let kept = out.0.clone();
    f.call_into(Array::from([2.0f64, 3.0]), &mut out).unwrap();
    near(&out.0, &[2.0f64.sin(), 3.0f64.sin()], 1e-12);
    near(&out.1, &[5.0], 1e-12);
    near(&kept, &[0.0, 1.0f64.sin()], 1e-12);
    f.call_into(Array::from([0.5f64, 0.5]), &mut out).unwrap();
    near(&out.1, &[1.0], 1e-12);
}

#[test]
fn memory_that_nobody_else_holds_is_written_in_place() {
    let f = jit(|x: Array| x.cos());
    let mut out = f.call(Array::zeros(&[1000], DType::F64)).unwrap();
    let place = |array: &Array| array.tensor().unwrap().bytes().as_ptr();
    let before = place(&out);
    f.call_into(Array::ones(&[1000], DType::F64), &mut out).unwrap();
    assert_eq!(place(&out), before);
    let argument = out.clone();
    f.call_into(argument.clone(), &mut out).unwrap();
    near(&argument.narrow(0, 0, 1), &[1.0f64.cos()], 1e-12);
    near(&out.narrow(0, 0, 1), &[1.0f64.cos().cos()], 1e-12);
}

#[test]
fn compiled_functions_are_called_from_many_threads() {
    let f = jit(|x: Array| (&x * 2.0).sum());
    std::thread::scope(|scope| {
        for n in 1..5usize {
            let f = f.clone();
            scope.spawn(move || {
                for _ in 0..3 {
                    assert_eq!(f.call(Array::ones(&[n], DType::F64)).unwrap().item().unwrap(), 2.0 * n as f64);
                }
            });
        }
    });
}

#[test]
fn shapes_without_computing() {
    let x = placeholder(Type::new(DType::F32, &[1000, 1000, 1000]));
    let (y, z) = eval_shape(|x: Array| (x.sum_axes(&[0]), x.astype(DType::C128)), &x).unwrap();
    assert_eq!(
        (y.ty().unwrap().to_string(), z.ty().unwrap().to_string()),
        ("f32[1000,1000]".into(), "c128[1000,1000,1000]".into())
    );
}

#[test]
fn control_flow_outside_any_trace() {
    let (i, x) = while_loop(
        |(i, _): (Array, Array)| i.less(5),
        |(i, x)| (i + 1, x * 2.0),
        (Array::from(0i32), Array::from([1.0f64, 3.0])),
    );
    assert_eq!((i.item().unwrap(), reals(&x)), (5.0, vec![32.0, 96.0]));
    let sum = fori_loop(2, 6, Array::from(0i32), |i, sum| sum + i);
    assert_eq!(sum.item().unwrap(), 14.0);
    assert_eq!(fori_loop(6, 2, Array::from(7i32), |i, sum| sum + i).item().unwrap(), 7.0);
    let xs = (Array::from([1.0f64, 2.0, 3.0]), Array::from([10.0f64, 20.0, 30.0]));
    let (last, sums) = scan_reversed(|s: Array, (x, y): (Array, Array)| (&s + x, s * y), Array::from(0.0f64), xs);
    assert_eq!((last.item().unwrap(), reals(&sums)), (6.0, vec![50.0, 60.0, 0.0]));
    let branches: [&dyn Fn(Array) -> Array; 2] = [&|x| x + 1.0, &|x| -x];
    for (index, expected) in [(-3, 2.0), (0, 2.0), (1, -1.0), (9, -1.0)] {
        assert_eq!(switch(Array::from(index), &branches, Array::from(1.0f64)).item().unwrap(), expected);
    }
}

#[test]
fn control_flow_captures_and_nests() {
    let f = jit(|x: Array, limit: Array| {
        while_loop(
            |(y, _): (Array, Array)| y.sum().less(&limit),
            |(y, n)| {
                let grown = cond(y.max().greater(4.0), |y: Array| y + &x, |y: Array| y * 2.0, y);
                (grown, n + 1)
            },
            (x.clone(), Array::from(0i32)),
        )
    });
    let (y, n) = f.call((Array::from([1.0f64, 2.0]), Array::from(20.0f64))).unwrap();
    assert_eq!((reals(&y), n.item().unwrap()), (vec![7.0, 14.0], 5.0));
    let choose = |x: Array| cond(x.less(0.0), |x: Array| -x, |x: Array| x.square(), x.clone());
    let batch = vmap(choose).call(Array::from([-2.0f64, 3.0])).unwrap();
    assert_eq!(reals(&batch), [2.0, 9.0]);
    let slopes = vmap(grad(choose)).call(Array::from([-2.0f64, 3.0])).unwrap();
    assert_eq!(reals(&slopes), [-1.0, 6.0]);
}

#[test]
fn derivatives_of_a_small_map() {
    let f = |x: Array| {
        let at = |i| x.index_axis(0, i);
        cotangent::stack(&[at(0), 5.0 * at(2), 4.0 * at(1).square() - 2.0 * at(2), at(2) * at(0).sin()], 0)
    };
    let expected = [1.0, 0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 16.0, -2.0, 1.6209068, 0.0, 0.84147096];
    let x = Array::from([1.0f64, 2.0, 3.0]);
    near(&jacfwd(f).call(x.clone()).unwrap(), &expected, 1e-7);
    near(&jacrev(f).call(x).unwrap(), &expected, 1e-7);
    let g = |x: Array| x.index_axis(0, 0).powi(3) - 2.0 * x.prod() - x.index_axis(0, 1).powi(6);
    near(&hessian(g).call(Array::from([1.0f64, 2.0])).unwrap(), &[6.0, -2.0, -2.0, -480.0], 1e-12);
}

#[test]
fn a_linear_map_is_applied_repeatedly() {
    let h = |x: Array| 3.0 * x.sin() + (&x / 2.0).cos();
    let (value, push) = linearize(h, Array::from(2.0f64)).unwrap();
    near(&value, &[3.2681944], 1e-7);
    near(&push.call(Array::from(3.0f64)).unwrap(), &[-5.007528], 1e-6);
    near(&push.call(Array::from(4.0f64)).unwrap(), &[-6.676704], 1e-6);
}

/// The example of a complex linear map in the documentation of the reference: f(x) = ½ Σ |y − A x|².
#[test]
fn complex_gradients_point_uphill() {
    let rows = [
        [complex(1.0, 1.0), complex(2.0, 0.0)],
        [complex(0.0, 0.0), complex(1.0, -2.0)],
        [complex(0.0, 1.0), complex(1.0, 0.0)],
    ];
    let (a, y) = (Array::from(rows), Array::from([complex(1.0, 0.0), complex(0.0, 1.0), complex(2.0, 0.0)]));
    let x = Array::from([complex(1.0, 1.0), complex(2.0, -1.0)]);
    let apply = {
        let a = a.clone();
        move |x: Array| a.matmul(&x)
    };
    let f = {
        let (apply, y) = (apply.clone(), y.clone());
        move |x: Array| 0.5 * (&y - apply(x)).abs2().sum()
    };
    let (value, gradient) = value_and_grad(f).call(x.clone()).unwrap();
    assert_eq!(value.item().unwrap(), 23.0);
    near_complex(&gradient, &[complex(3.0, -2.0), complex(17.0, -6.0)]);
    let adjoint = linear_adjoint(apply.clone(), &x).unwrap().call(y.clone()).unwrap();
    near_complex(&adjoint, &[complex(1.0, -3.0), complex(2.0, 1.0)]);
    let transposed = linear_transpose(apply.clone(), &x).unwrap().call(y).unwrap();
    near_complex(&transposed, &[complex(1.0, 3.0), complex(6.0, 1.0)]);
    near_complex(
        &jacrev(apply.clone()).holomorphic().call(x.clone()).unwrap(),
        &rows.as_flattened().iter().map(C::conj).collect::<Vec<_>>(),
    );
    near_complex(&jacfwd(apply).holomorphic().call(x.clone()).unwrap(), rows.as_flattened());
    let squares = |x: Array| x.square().sum();
    near_complex(&grad(squares).holomorphic().call(x.clone()).unwrap(), &[complex(2.0, -2.0), complex(4.0, 2.0)]);
    let magnitudes = |x: Array| x.abs2().sum();
    near_complex(&grad(magnitudes).call(x.clone()).unwrap(), &[complex(2.0, 2.0), complex(4.0, -2.0)]);
    near_complex(&grad(magnitudes).call(x.zeros_like()).unwrap(), &[complex(0.0, 0.0); 2]);
}

#[test]
fn pullbacks_do_not_conjugate() {
    let z = Array::from(complex(1.0, 2.0));
    let one = Array::from(complex(1.0, 0.0));
    let pulled = vjp(|z: Array| z.square(), z.clone()).unwrap().1.call(one).unwrap();
    near_complex(&pulled, &[complex(2.0, 4.0)]);
    let pulled = vjp(|z: Array| z.abs(), z).unwrap().1.call(Array::from(1.0f64)).unwrap();
    near_complex(&pulled, &[complex(0.4472136, -0.8944272)]);
}

#[test]
fn adjoints_between_real_and_complex() {
    let forward = linear_adjoint(|x: Array| x.rfft(&[0]), &placeholder(Type::new(DType::F64, &[4]))).unwrap();
    let half = Array::from([complex(1.0, 1.0), complex(2.0, 0.0), complex(3.0, -1.0)]);
    near(&forward.call(half).unwrap(), &[6.0, -2.0, 2.0, -2.0], 1e-12);
    let inverse = linear_adjoint(|x: Array| x.irfft(&[0], 4), &placeholder(Type::new(DType::C128, &[3]))).unwrap();
    let spectrum = inverse.call(Array::from([1.0f64, 2.0, 3.0, 4.0])).unwrap();
    near_complex(&spectrum, &[complex(2.5, 0.0), complex(-1.0, 1.0), complex(-0.5, 0.0)]);
    let scalars = (placeholder(Type::scalar(DType::C128)), placeholder(Type::scalar(DType::C128)));
    let f = |x: Array, y: Array| 0.5 * x - complex(0.0, 0.5) * y;
    let (x, y) = linear_adjoint(f, &scalars).unwrap().call(Array::from(complex(1.0, 0.0))).unwrap();
    near_complex(&x, &[complex(0.5, 0.0)]);
    near_complex(&y, &[complex(0.0, 0.5)]);
}

#[test]
fn keys_are_those_of_the_reference() {
    let words = |key: &Key| {
        let (high, low) = key.words();
        (high.to_vec::<u32>().unwrap()[0], low.to_vec::<u32>().unwrap()[0])
    };
    let keys = Key::new(0).split_into(3);
    let expected = [(1797259609, 2579123966), (928981903, 3453687069), (4146024105, 2718843009)];
    assert_eq!(keys.iter().map(words).collect::<Vec<_>>(), expected);
    let keys = Key::new(7).split_into(3);
    assert_eq!(words(&keys[2]), (966301609, 1948237315));
    assert_eq!(words(&Key::new(7).fold_in(5u32)), (3583082021, 1947592014));
    assert_eq!(words(&Key::new(12345)), (0, 12345));
}

#[test]
fn bits_are_those_of_the_reference() {
    let bits = random::bits(&Key::new(3), &[5, 3]).to_vec::<u32>().unwrap();
    assert_eq!(bits[..6], [318053758, 4029299397, 2787249374, 4190260272, 1195623854, 2503700069]);
    assert_eq!(bits[14], 4161414791);
    let integers = random::randint(&Key::new(5), &[9], -3, 11).to_vec::<i32>().unwrap();
    assert_eq!(integers, [0, -3, 4, 1, -1, 8, 8, 0, 10]);
    let coins = random::bernoulli(&Key::new(2), &[8], 0.3).to_bools().unwrap();
    assert_eq!(coins, [false, false, true, false, false, true, false, true]);
}

#[test]
fn samples_are_those_of_the_reference() {
    let key = Key::new;
    let unit = random::uniform(&key(1), &[4, 5], DType::F32);
    assert_eq!(unit.shape().unwrap()[..], [4, 5]);
    near(
        &unit.flatten().narrow(0, 0, 4),
        &[0.4386324882507324, 0.5337529182434082, 0.44591832160949707, 0.4383963346481323],
        1e-7,
    );
    let range = random::uniform_between(&key(1), &[7], DType::F32, -2.0, 3.0);
    near(&range.narrow(0, 4, 3), &[2.486814022064209, 0.7947300672531128, 2.9194276332855225], 1e-6);
    let double = random::uniform(&key(1), &[3], DType::F64);
    near(&double, &[0.11815024666289675, 0.4537587442869633, 0.568552557818901], 1e-15);
    let normal = random::normal(&key(0), &[6], DType::F32);
    let expected = [
        1.622642159461975,
        2.0252647399902344,
        -0.4335944354534149,
        -0.07861734926700592,
        0.17609089612960815,
        -0.9720892310142517,
    ];
    near(&normal, &expected, 1e-6);
    let odd = random::normal(&key(42), &[3, 7, 1], DType::F32);
    near(&odd.flatten().narrow(0, 18, 3), &[-1.4485087394714355, 0.7641875147819519, -0.24154697358608246], 1e-6);
    let double = random::normal(&key(0), &[4, 5], DType::F64);
    near(&double.flatten().narrow(0, 13, 3), &[2.5163521476254203, 0.2585651552123582, -0.28371042603670127], 1e-12);
    let complex = random::normal(&key(0), &[2], DType::C128).to_vec::<C>().unwrap();
    assert!((complex[1] - C::new(-0.34027037111235725, 1.0126794395709957)).norm() < 1e-12);
    let complex = random::normal(&key(0), &[2], DType::C64).to_vec::<Complex<f32>>().unwrap();
    assert!((complex[0] - Complex::new(0.7099453, -1.727077)).norm() < 1e-6);
    let exponential = random::exponential(&key(9), &[4], DType::F32);
    near(&exponential, &[0.04163278266787529, 3.428427219390869, 0.5444716215133667, 0.10762237757444382], 1e-6);
    let laplace = random::laplace(&key(9), &[3], DType::F32);
    near(&laplace, &[2.5064635276794434, -2.735280990600586, 0.17470628023147583], 1e-6);
}

#[test]
fn samples_inside_compiled_loops() {
    let walk = jit(|key: Key| {
        scan(
            |(key, x): (Key, Array), _: Array| {
                let (next, here) = key.split();
                let x = x + random::normal(&here, &[2], DType::F64);
                ((next, x.clone()), x)
            },
            (key, Array::zeros(&[2], DType::F64)),
            Array::zeros(&[3], DType::F64),
        )
        .1
    });
    let (mut key, mut x) = (Key::new(11), Array::zeros(&[2], DType::F64));
    let steps = walk.call(key.clone()).unwrap();
    for i in 0..3 {
        let (next, here) = key.split();
        x += random::normal(&here, &[2], DType::F64);
        near(&steps.index_axis(0, i), &reals(&x), 1e-12);
        key = next;
    }
}

#[test]
fn normal_numbers_are_normal() {
    let x = random::normal(&Key::new(99), &[20000], DType::F64);
    let (mean, square) = (x.mean().item().unwrap(), x.square().mean().item().unwrap());
    assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.05, "{mean} {square}");
    let x = random::uniform(&Key::new(99), &[20000], DType::F32);
    assert!(x.min().item().unwrap() >= 0.0 && x.max().item().unwrap() < 1.0);
    assert!((x.mean().item().unwrap() - 0.5).abs() < 0.01);
}
