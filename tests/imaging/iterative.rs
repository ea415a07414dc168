//! Iterative solvers: conjugate gradients, least squares, roots and minima element by element.

use crate::sample::{assert_close, random};
use cotangent::linop::{LinOp, MatrixOperator};
use cotangent::solver::{
    Bisection, Brent, CgSolution, ConjugateGradient, GoldenSection, MinimizeOutcome, bisect, conjugate_gradient,
    golden, least_squares, minimize_scalar, minimize_scalar_within, preconditioned_conjugate_gradient,
};
use cotangent::{Array, BlockArray, DType, ErrorKind, check_grads, custom_root, grad, jacrev, jit, vmap};
use num_complex::Complex;

fn limits(tolerance: f64, max_iterations: i32) -> ConjugateGradient {
    ConjugateGradient { tolerance, absolute_tolerance: 0.0, max_iterations }
}

fn matrix() -> Array {
    Array::from([[4.0f64, 1.0], [1.0, 3.0]])
}

#[track_caller]
fn assert_solution(solution: &CgSolution, x: [f64; 2], iterations: f64, residual: f64) {
    let got = solution.x.to_vec::<f64>().unwrap();
    assert!(got.iter().zip(x).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?}, not {x:?}");
    assert_eq!(solution.iterations.item().unwrap(), iterations);
    assert!((solution.relative_residual.item().unwrap() - residual).abs() < 1e-6);
}

#[test]
fn conjugate_gradients_stop_as_the_reference_does() {
    let (a, b) = (matrix(), Array::from([1.0f64, 2.0]));
    let solve = |limits| conjugate_gradient(|x| a.matmul(x), &b, &b.zeros_like(), &limits);
    assert_solution(&solve(limits(1e-5, 1000)), [0.090_909_09, 0.636_363_6], 2.0, 0.0);
    assert_solution(&solve(limits(1e-5, 1)), [0.25, 0.5], 1.0, 0.25);
    assert_solution(&solve(limits(0.5, 1000)), [0.25, 0.5], 1.0, 0.25);
    let loose = ConjugateGradient { absolute_tolerance: 10.0, ..limits(1e-5, 1000) };
    assert_solution(&solve(loose), [0.0, 0.0], 0.0, 1.0);
    let diagonal = Array::from([4.0f64, 3.0]);
    let precondition = |r: &Array| r / &diagonal;
    let solution =
        preconditioned_conjugate_gradient(|x| a.matmul(x), precondition, &b, &b.zeros_like(), &limits(1e-5, 1));
    assert_solution(&solution, [0.206_521_7, 0.550_724_7], 1.0, 0.091_817_64);

    // Nothing is to be done for a right side of zero, which is no quotient of zeros.
    let zero = b.zeros_like();
    assert_solution(&conjugate_gradient(|x| a.matmul(x), &zero, &zero, &limits(1e-5, 10)), [0.0; 2], 0.0, 0.0);
}

#[test]
fn right_sides_that_are_not_finite_are_told() {
    for bad in [f64::NAN, f64::INFINITY] {
        let b = Array::from([1.0, bad]);
        let solution = conjugate_gradient(|x: &Array| matrix().matmul(x), &b, &b.zeros_like(), &limits(1e-6, 10));
        assert!(solution.relative_residual.item().unwrap().is_nan());
    }
}

#[test]
fn complex_systems_are_hermitian() {
    let c = Complex::new;
    let a = Array::from([[c(4.0, 0.0), c(1.0, 1.0)], [c(1.0, -1.0), c(3.0, 0.0)]]);
    let b = Array::from([c(1.0, 0.0), c(0.0, 2.0)]);
    let solve = |count| conjugate_gradient(|x| a.matmul(x), &b, &b.zeros_like(), &limits(0.0, count));
    let once = solve(1);
    assert!((once.relative_residual.item().unwrap() - 0.424_918_3).abs() < 1e-6);
    let off = (once.x - Array::from([c(0.416_666_7, 0.0), c(0.0, 0.833_333_3)])).abs().max();
    assert!(off.item().unwrap() < 1e-6);
    assert_close(&solve(2).x, &Array::from([c(0.5, -0.2), c(-0.1, 0.9)]), "two iterations");
}

#[test]
fn solutions_are_differentiated_by_their_system() {
    let (factor, b, start) = (random(DType::F64, &[3, 3], 1), random(DType::F64, &[3], 2), random(DType::F64, &[3], 3));
    let solve = move |(factor, b): (Array, Array)| {
        let a = factor.matmul(&factor.t()) + Array::eye(3, DType::F64);
        conjugate_gradient(|x| a.matmul(x), &b, &start, &limits(1e-14, 50)).x
    };
    check_grads(solve, (factor, b), 2).unwrap();

    // A complex system: x = A⁻¹ b / θ, so that the slope of ‖x‖² by θ at 1 is −2 ‖A⁻¹ b‖², and by b it is 2 A⁻ᴴ x.
    let factor = random(DType::C128, &[3, 3], 1);
    let a = factor.matmul(&factor.adjoint()) + Array::eye(3, DType::C128);
    let b = random(DType::C128, &[3], 2);
    let square = |(theta, b): (Array, Array)| {
        let solution = conjugate_gradient(|x| a.matmul(x) * &theta, &b, &b.zeros_like(), &limits(1e-14, 50));
        solution.x.abs2().sum()
    };
    let x = a.solve(&b);
    let (by_theta, by_b) = grad(square).call((Array::from(1.0f64), b)).unwrap();
    assert_close(&by_theta, &(-2.0 * x.abs2().sum()), "the slope by a factor");
    assert_close(&by_b, &(2.0 * a.adjoint().solve(&x)), "the slope by the right side");

    // In both modes, for each right side of a batch, with a preconditioner.
    let a = matrix();
    let solve = |b: Array| {
        let precondition = |r: &Array| r / Array::from([4.0f64, 3.0]);
        preconditioned_conjugate_gradient(|x| a.matmul(x), precondition, &b, &b.zeros_like(), &limits(1e-14, 9)).x
    };
    let jacobians = jit(vmap(jacrev(solve))).call(random(DType::F64, &[4, 2], 4)).unwrap();
    for item in 0..4 {
        assert_close(&jacobians.index_axis(0, item), &a.inv(), "the inverse");
    }
}

#[test]
fn block_arrays_are_solved_for() {
    let b = BlockArray::new([Array::from([1.0f64, 2.0]), Array::from([3.0f64])]).unwrap();
    let solution = conjugate_gradient(|x: &BlockArray| 2.0 * x, &b, &b.map(|b| b.zeros_like()), &limits(1e-12, 9));
    assert_close(&solution.x[1], &Array::from([1.5f64]), "the second block");
}

#[test]
fn least_squares_use_the_adjoint() {
    let c = Complex::new;
    let a = Array::from([[c(2.0, 0.0), c(0.0, 1.0)], [c(1.0, 0.0), c(3.0, 0.0)], [c(0.0, 0.0), c(1.0, 0.0)]]);
    let a = LinOp::from(MatrixOperator::new(a).unwrap());
    let b = Array::from([c(1.0, 0.0), c(0.0, 2.0), c(3.0, 0.0)]);
    let solution = least_squares(&a, &b, &Array::zeros(&[2], DType::C128), &limits(1e-12, 50));
    let want = Array::from([c(0.547_619, 0.023_809_5), c(0.119_047_6, 0.547_619)]);
    assert!((solution.x - want).abs().max().item().unwrap() < 1e-6);
}

#[test]
fn roots_are_bisected_as_the_reference_does() {
    let cubes = Array::from([1.0f32, 8.0]);
    let f = |x: &Array| x.powi(3) - &cubes;
    let (low, high) = (Array::from([0.0f32; 2]), Array::from([3.0f32; 2]));
    let five = bisect(f, &low, &high, &Bisection { max_iterations: 5, ..Bisection::default() }).unwrap();
    assert_eq!(five.x.to_vec::<f32>().unwrap(), [1.031_25, 1.968_75]);
    assert_eq!((five.iteration.item().unwrap(), five.x_error.item().unwrap()), (4.0, 0.093_75));
    assert!((five.value_error.item().unwrap() - 0.369_171_1).abs() < 2e-3);
    let all = bisect(f, &low, &high, &Bisection::default()).unwrap();
    assert_eq!(all.x.to_vec::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!((all.iteration.item().unwrap(), all.x_error.item().unwrap()), (24.0, 0.0));

    let outside = bisect(f, &low, &Array::from([0.5f32, 3.0]), &Bisection::default()).unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::Argument);
    assert!(outside.message().contains("change of sign"));
    assert_eq!(bisect(f, &low, &Array::from([1.0f32]), &Bisection::default()).unwrap_err().kind(), ErrorKind::Shape);
    let total = bisect(|x| x.sum(), &low, &high, &Bisection::default()).unwrap_err();
    assert_eq!(total.kind(), ErrorKind::Shape);
    let infinite = Array::from([f32::INFINITY; 2]);
    assert_eq!(bisect(f, &low, &infinite, &Bisection::default()).unwrap_err().kind(), ErrorKind::Argument);

    // A root differentiated by its equation.
    let root = |c: Array| {
        let f = |x: Array| x.powi(3) - &c;
        let solve = |f: &dyn Fn(Array) -> Array, guess: Array| {
            let (low, high) = (guess.zeros_like(), 0.0 * &guess + 3.0);
            match bisect(|x: &Array| f(x.clone()), &low, &high, &Bisection::default()) {
                Ok(roots) => roots.x,
                Err(error) => Array::from_error(error),
            }
        };
        custom_root(f, Array::from(1.0f64), solve, |df, y| &y / df(y.ones_like()))
    };
    assert!((grad(root).call(Array::from(8.0f64)).unwrap().item().unwrap() - 1.0 / 12.0).abs() < 1e-6);
}

#[test]
fn minima_are_sectioned_as_the_reference_does() {
    let centres = Array::from([1.0f32, 2.0]);
    let f = |x: &Array| (x - &centres).square();
    let (low, high) = (Array::from([0.0f32; 2]), Array::from([3.0f32; 2]));
    let three = golden(f, &low, &high, None, &GoldenSection { max_iterations: 3, ..GoldenSection::default() }).unwrap();
    assert_close(&three.x, &Array::from([0.708_203_9f32, 2.291_796]), "after three passes");
    assert!((three.x_error.item().unwrap() - 0.708_204).abs() < 1e-5);
    let wrong = golden(f, &low, &high, Some(&Array::from(1.0f32)), &GoldenSection::default()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Shape);
}

#[test]
fn minima_of_one_number_are_found() {
    let number = |x: f64| Array::from(x);
    let wave = |x: &Array| (x - 0.4).square() + 0.3 * (3.0 * x).sin();
    let found = minimize_scalar(wave, &number(-1.0), &number(2.0), &Brent::default()).converged().unwrap();
    let slope = grad(|x: Array| wave(&x)).call(found.x.clone()).unwrap();
    assert!(slope.item().unwrap().abs() < 1e-6);
    let inside = minimize_scalar_within(wave, &number(-2.0), &number(0.1), &Brent::default()).converged().unwrap();
    assert!((-2.0..=0.1).contains(&inside.x.item().unwrap()));
    let single = minimize_scalar(|x| (x - 1.5).square(), &Array::from(0.0f32), &Array::from(1.0f32), &Brent::default());
    assert!((single.x.item().unwrap() - 1.5).abs() < 1e-3);

    let centres = Array::from([1.0f64, -20.0, 300.0]);
    let many = jit(vmap(|c: Array| {
        minimize_scalar(|x| (x - &c).square(), &c.zeros_like(), &c.ones_like(), &Brent::default()).x
    }));
    assert!((many.call(centres.clone()).unwrap() - centres).abs().max().item().unwrap() < 1e-5);

    let falls = minimize_scalar(|x| -x, &number(0.0), &number(1.0), &Brent::default());
    assert_eq!(falls.outcome().unwrap(), MinimizeOutcome::Unbounded);
    let crossed = minimize_scalar_within(wave, &number(1.0), &number(0.0), &Brent::default()).outcome().unwrap_err();
    assert_eq!(crossed.kind(), ErrorKind::Argument);
    let vector = minimize_scalar(wave, &Array::from([0.0f64]), &number(0.0), &Brent::default()).outcome().unwrap_err();
    assert_eq!(vector.kind(), ErrorKind::Shape);
}
