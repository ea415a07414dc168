//! Minimisation: known minima, iterations of the reference, limits, batches, mistakes.

use cotangent::solver::{
    Bfgs, Bounds, Lbfgs, MinimizeOutcome, Minimizer, NelderMead, NonlinearCg, TruncatedNewton, minimize,
    minimize_implicit,
};
use cotangent::{Array, BlockArray, DType, ErrorKind, grad, jacrev, jit, vmap};
use num_complex::Complex;

/// Rosenbrock's valley, whose minimum is 0 at (1, 1).
fn valley(x: &Array) -> Array {
    let (a, b) = (x.index_axis(0, 0), x.index_axis(0, 1));
    100.0 * (b - a.square()).square() + (1.0 - a).square()
}

fn far() -> Array {
    Array::from([-1.2f64, 1.0])
}

#[track_caller]
fn assert_near(x: &Array, want: &[f64], within: f64) {
    let got = x.astype(DType::F64).to_vec::<f64>().unwrap();
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < within), "{got:?}, not {want:?}");
}

#[test]
fn limited_memory_makes_the_iterations_of_the_reference() {
    let found = minimize(valley, &far(), &Lbfgs::default());
    assert_eq!(found.outcome().unwrap(), MinimizeOutcome::Converged);
    assert_near(&found.x, &[1.0, 1.0], 1e-4);
    assert_eq!((found.iterations.item().unwrap(), found.evaluations.item().unwrap()), (36.0, 44.0));

    let found = minimize(valley, &far(), &Lbfgs { max_iterations: 3, ..Lbfgs::default() });
    assert_eq!(found.outcome().unwrap(), MinimizeOutcome::IterationLimit);
    assert_near(&found.x, &[-1.028_536, 1.065_342], 1e-6);
    let message = found.converged().unwrap_err().to_string();
    assert!(message.contains("after 3 iterations") && message.contains("max_iterations"), "{message}");
}

#[test]
fn complex_and_block_variables_are_minimised_over() {
    let method = Lbfgs::default();
    let target = Complex::new(1.0, 2.0);
    let found = minimize(|x: &Array| (x - target).abs2().sum(), &Array::zeros(&[2], DType::C128), &method);
    assert_eq!((found.iterations.item().unwrap(), found.evaluations.item().unwrap()), (2.0, 3.0));
    assert!((&found.x - target).abs().max().item().unwrap() < 1e-6);

    let blocks = BlockArray::zeros(&[vec![2], vec![3, 1]], DType::F64).unwrap();
    let found = minimize(|x: &BlockArray| (x - 1.5).square().sum() + x[0].sum(), &blocks, &method);
    assert_near(&found.x[0], &[1.0; 2], 1e-6);
    assert_near(&found.x[1], &[1.5; 3], 1e-6);
}

#[test]
fn single_precision_converges_as_far_as_it_can() {
    let found = minimize(valley, &Array::from([-1.2f32, 1.0]), &Lbfgs::default()).converged().unwrap();
    assert_near(&found.x, &[1.0, 1.0], 2e-3);
    assert_eq!(found.x.dtype().unwrap(), DType::F32);
}

#[test]
fn bounds_hold_and_are_reached() {
    let within = |least: [f64; 2], greatest: [f64; 2]| {
        let bounds = Bounds::new(&Array::from(least), &Array::from(greatest)).unwrap();
        minimize(valley, &far(), &Lbfgs::default().within(bounds))
    };
    // The minimum is inside: the bounds do not matter.
    assert_near(&within([-2.0, -2.0], [2.0, 2.0]).converged().unwrap().x, &[1.0, 1.0], 1e-3);
    // On the line a = 0.5 the best b is its square.
    assert_near(&within([-2.0, -2.0], [0.5, 2.0]).converged().unwrap().x, &[0.5, 0.25], 1e-3);
    assert_near(&within([2.0, 2.0], [3.0, 3.0]).converged().unwrap().x, &[2.0, 3.0], 1e-6);
    assert_near(&within([-2.0, f64::NEG_INFINITY], [0.5, f64::INFINITY]).converged().unwrap().x, &[0.5, 0.25], 1e-3);

    let zero = Array::zeros(&[2], DType::F64);
    let crossed = Bounds::new(&(&zero + 1.0), &zero).unwrap_err();
    assert_eq!((crossed.kind(), crossed.operation()), (ErrorKind::Argument, "Bounds"));
    assert_eq!(Bounds::new(&zero, &Array::zeros(&[3], DType::F64)).unwrap_err().kind(), ErrorKind::Shape);
    let three = Bounds::new(&Array::zeros(&[3], DType::F64), &Array::ones(&[3], DType::F64)).unwrap();
    let found = minimize(valley, &far(), &Lbfgs::default().within(three));
    assert!(found.outcome().unwrap_err().to_string().contains("bounds for 3 real coordinates"));
}

#[test]
fn a_batch_of_problems_is_one_program() {
    let starts = Array::from([[-1.2f64, 1.0], [0.5, 0.5], [1.0, 1.0], [3.0, -2.0]]);
    let many = jit(vmap(|start: Array| minimize(valley, &start, &Lbfgs::default())));
    let found = many.call(starts.clone()).unwrap();
    for row in 0..4 {
        let alone = minimize(valley, &starts.index_axis(0, row), &Lbfgs::default());
        assert_near(&found.x.index_axis(0, row), &alone.x.to_vec::<f64>().unwrap(), 1e-9);
        let counts = found.iterations.index_axis(0, row).item().unwrap();
        assert_eq!(counts, alone.iterations.item().unwrap());
    }
}

fn every_method() -> Vec<Box<dyn Minimizer>> {
    vec![
        Box::new(Lbfgs::default()),
        Box::new(Bfgs::default()),
        Box::new(NonlinearCg::default()),
        Box::new(TruncatedNewton::default()),
        Box::new(NelderMead::default()),
    ]
}

#[test]
fn every_method_finds_the_minimum() {
    for (method, within) in every_method().iter().zip([1e-4, 1e-4, 1e-3, 1e-4, 1e-3]) {
        let found = minimize(valley, &far(), &**method).converged().unwrap();
        assert_near(&found.x, &[1.0, 1.0], within);
        assert!(found.value.item().unwrap() < within);
        let many = vmap(|start: Array| minimize(valley, &start, &**method).x);
        let both = jit(many).call(Array::from([[-1.2f64, 1.0], [0.0, 3.0]])).unwrap();
        assert_near(&both.index_axis(0, 0), &[1.0, 1.0], within);
        assert_near(&both.index_axis(0, 1), &[1.0, 1.0], within);
    }
}

#[test]
fn methods_make_the_iterations_of_the_reference() {
    let counts = |method: &dyn Minimizer| {
        let found = minimize(valley, &far(), method);
        (found.iterations.item().unwrap(), found.evaluations.item().unwrap())
    };
    assert_eq!(counts(&Bfgs::default()), (32.0, 39.0));
    assert_eq!(counts(&NelderMead::default()), (83.0, 156.0));
    let found = minimize(valley, &far(), &NelderMead::default());
    assert_near(&found.x, &[1.000_025, 1.000_052], 1e-6);
    let square = |x: &Array| (x - 1.0).square().sum();
    let found = minimize(square, &Array::from([3.0f64, -1.0]), &NonlinearCg::default());
    assert!(found.iterations.item().unwrap() <= 3.0 && found.evaluations.item().unwrap() <= 6.0);
}

#[test]
fn minimisers_are_differentiated_by_their_equation() {
    // The minimiser of ½ xᵀ H x − bᵀ x + ¼ Σ x⁴ solves H x + x³ = b; its derivative by b is (H + 3 diag x²)⁻¹.
    let h = Array::from([[2.0f64, 0.5], [0.5, 1.0]]);
    let b = Array::from([1.0f64, -2.0]);
    let minimiser = |b: Array| {
        let f = |x: &Array| 0.5 * x.dot(&h.matmul(x)) - b.dot(x) + 0.25 * x.powi(4).sum();
        let precise = Lbfgs { gradient_tolerance: 1e-11, value_tolerance: 0.0, ..Lbfgs::default() };
        minimize_implicit(f, &Array::from([0.0f64; 2]), &precise)
    };
    let x = minimiser(b.clone()).x;
    let curvature = &h + Array::eye(2, DType::F64) * (3.0 * x.square());
    let jacobian = jacrev(|b: Array| minimiser(b).x).call(b.clone()).unwrap();
    assert_near(&jacobian.flatten(), &curvature.inv().to_vec::<f64>().unwrap(), 1e-9);
    // The derivative of the least value is that of the function with the minimiser fixed.
    let slope = grad(|b: Array| minimiser(b).value).call(b).unwrap();
    assert_near(&slope, &(-&x).to_vec::<f64>().unwrap(), 1e-9);
}

#[test]
fn mistakes_are_told() {
    for method in every_method() {
        let method = &*method;
        let whole = minimize(|x: &Array| x.square(), &far(), method).outcome().unwrap_err();
        assert!(whole.to_string().contains("must give one real number"), "{whole}");
        let integer = minimize(|x: &Array| x.sum(), &Array::from([1i32]), method).outcome().unwrap_err();
        assert_eq!(integer.kind(), ErrorKind::DType);
        let empty = minimize(|x: &Array| x.sum(), &Array::zeros(&[0], DType::F32), method).outcome().unwrap_err();
        assert_eq!(empty.kind(), ErrorKind::Shape);
        let undefined = minimize(|x: &Array| x.log().sum(), &Array::from([-1.0f64]), method);
        assert_eq!(undefined.outcome().unwrap(), MinimizeOutcome::NonFinite);
    }
    let bounds = Bounds::new(&(far() - 1.0), &(far() + 1.0)).unwrap();
    let bounded = minimize_implicit(valley, &far(), &Lbfgs::default().within(bounds)).outcome().unwrap_err();
    assert!(bounded.message().contains("without bounds"), "{bounded}");
    let nothing = Lbfgs { memory: 0, ..Lbfgs::default() };
    assert_eq!(minimize(valley, &far(), &nothing).outcome().unwrap_err().operation(), "Lbfgs");
}

#[test]
fn a_function_without_minimum_ends_with_an_outcome() {
    // The logarithm falls without end towards 0, where it is not finite any more.
    let found = minimize(|x: &Array| x.log().sum(), &Array::from([1.0f64]), &Lbfgs::default());
    assert_eq!(found.outcome().unwrap(), MinimizeOutcome::LineSearchFailed);
    let unbounded = Lbfgs { max_iterations: 5, ..Lbfgs::default() };
    let found = minimize(|x: &Array| x.sum(), &far(), &unbounded);
    assert_ne!(found.outcome().unwrap(), MinimizeOutcome::Converged);
    let wrong_gradient = |x: &Array| x.square().sum() - 2.0 * (x.square() - x.stop_gradient().square()).sum();
    let found = minimize(wrong_gradient, &far(), &Lbfgs::default());
    assert_eq!(found.outcome().unwrap(), MinimizeOutcome::LineSearchFailed);
    assert!(found.converged().unwrap_err().to_string().contains("line search"));
}
