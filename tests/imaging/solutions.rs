//! What is done with solutions: derivatives, batches, files.

use crate::sample::{assert_close, random};
use cotangent::functional::{L1Norm, L21Norm, NonNegativeIndicator, ScaledFunctional};
use cotangent::linop::{Boundary, CircularConvolve, FiniteDifference, Identity, LinOp, MatrixOperator, operator_norm};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    AdaptiveBbStepSize, Admm, BbStepSize, CircularConvolveSolver, LinearSubproblemSolver, Method, Options, Pgm, Stop,
    Term, implicit, solve, solve_batched, unrolled,
};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Tree, Type, grad};

/// Deconvolution with two terms whose splitting variables differ in shape, of a weight `lambda`.
pub(crate) fn deconvolve(y: &Array, lambda: &Array) -> Admm<SquaredL2Loss, CircularConvolveSolver> {
    let ty = y.ty().unwrap();
    let blur = CircularConvolve::new(random(y.dtype().unwrap(), &[3, 2], 82), ty.clone()).unwrap();
    let f = SquaredL2Loss::new(y.clone()).unwrap().operator::<Array>(blur).unwrap();
    let d = FiniteDifference::new(ty.clone(), Boundary::CIRCULAR).unwrap();
    let variation = Term::new(ScaledFunctional::new(lambda.clone(), L21Norm::new()), d, 0.5);
    let positive = Term::new(NonNegativeIndicator::new(), Identity::new(ty), 0.3);
    Admm::new(f, [variation, positive], CircularConvolveSolver::new()).unwrap()
}

fn sparse(y: &Array, lambda: &Array, rho: f64) -> Admm<SquaredL2Loss, LinearSubproblemSolver> {
    let a = MatrixOperator::new(random(y.dtype().unwrap(), &[8, 5], 90)).unwrap();
    let f = SquaredL2Loss::new(y.clone()).unwrap().operator::<Array>(a).unwrap();
    let g = ScaledFunctional::new(lambda.clone(), L1Norm::new());
    let term = Term::new(g, Identity::new(Type::new(y.dtype().unwrap(), &[5])), rho);
    let limits = ConjugateGradient { tolerance: 1e-13, ..ConjugateGradient::default() };
    Admm::new(f, [term], LinearSubproblemSolver::new(limits)).unwrap()
}

/// The slope of a function of a number by differences.
fn difference(f: impl Fn(Array) -> Array, at: f64) -> f64 {
    let value = |x: f64| f(Array::from(x)).item().unwrap();
    (value(at + 1e-5) - value(at - 1e-5)) / 2e-5
}

#[test]
fn a_weight_is_learned_through_a_fixed_number_of_steps() {
    let (y, truth) = (random(DType::F64, &[6, 5], 81), random(DType::F64, &[6, 5], 85));
    let image = |lambda: Array| {
        let method = deconvolve(&y, &lambda);
        (unrolled(&method, 20, method.init()).x - &truth).abs2().sum()
    };
    let slope = grad(image).call(Array::from(0.05f64)).unwrap().item().unwrap();
    let wanted = difference(image, 0.05);
    assert!((slope - wanted).abs() < 1e-6 * wanted.abs().max(1.0), "{slope}, not {wanted}");

    // Each step solves its equations by iteration.
    let (y, truth) = (random(DType::F64, &[8], 86), random(DType::F64, &[5], 87));
    let vector = |lambda: Array| {
        let method = sparse(&y, &lambda, 0.6);
        (unrolled(&method, 15, method.init()).x - &truth).abs2().sum()
    };
    let slope = grad(vector).call(Array::from(0.1f64)).unwrap().item().unwrap();
    let wanted = difference(vector, 0.1);
    assert!((slope - wanted).abs() < 1e-6 * wanted.abs().max(1.0), "{slope}, not {wanted}");
}

#[test]
fn the_derivative_at_the_solution_is_that_of_the_solution() {
    let (y, truth) = (random(DType::F64, &[8], 86), random(DType::F64, &[5], 87));
    let options = Options { max_steps: 3000, stop: Stop::at(1e-11), ..Options::default() };
    let error = |lambda: Array| {
        let method = sparse(&y, &lambda, 0.6);
        (implicit(&method, &options, method.init(), 300).x - &truth).abs2().sum()
    };
    let slope = grad(error).call(Array::from(0.1f64)).unwrap().item().unwrap();
    let wanted = difference(error, 0.1);
    assert!((slope - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{slope}, not {wanted}");
    // The solution does not depend on the penalty, although every step does.
    let state = |lambda: Array| {
        let method = sparse(&y, &lambda, 2.5);
        (implicit(&method, &options, method.init(), 600).x - &truth).abs2().sum()
    };
    let other = grad(state).call(Array::from(0.1f64)).unwrap().item().unwrap();
    assert!((other - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{other}, not {wanted}");
}

/// Of a step whose length is found on the way the solution does not depend on the length.
#[test]
fn step_sizes_that_are_found_leave_the_derivative_alone() {
    let (y, truth) = (random(DType::F64, &[8], 91), random(DType::F64, &[5], 92));
    let a = MatrixOperator::new(random(DType::F64, &[8, 5], 90)).unwrap();
    let l0 = operator_norm(&LinOp::from(a.clone()), 100).unwrap().powi(2);
    let options = Options { max_steps: 3000, stop: Stop::at(1e-11), ..Options::default() };
    let problem = |lambda: Array| {
        let f = SquaredL2Loss::new(y.clone()).unwrap().operator::<Array>(a.clone()).unwrap();
        let g = ScaledFunctional::new(lambda, L1Norm::new());
        Pgm::new(f, g, l0, Array::zeros(&[5], DType::F64))
    };
    fn error<M: Method<Variable = Array>>(method: &M, options: &Options, truth: &Array) -> Array {
        let end = implicit(method, options, method.init(), 400);
        (method.minimizer(&end) - truth).abs2().sum()
    }
    let constant = |lambda: Array| error(&problem(lambda), &options, &truth);
    let wanted = difference(constant, 0.1);
    let slope = |f: &dyn Fn(Array) -> Array| grad(f).call(Array::from(0.1f64)).unwrap().item().unwrap();
    let slopes = [
        slope(&constant),
        slope(&|lambda: Array| error(&problem(lambda).step_size(BbStepSize), &options, &truth)),
        slope(&|lambda: Array| error(&problem(lambda).step_size(AdaptiveBbStepSize::default()), &options, &truth)),
    ];
    for slope in slopes {
        assert!((slope - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{slopes:?}, not {wanted}");
    }
}

#[test]
fn data_are_batched_with_their_weights() {
    let data = random(DType::F64, &[3, 6, 5], 83);
    let weights = Array::from([0.02f64, 0.05, 0.1]);
    let options = Options { max_steps: 30, ..Options::default() };
    let build = |(y, lambda): (Array, Array)| Ok(deconvolve(&y, &lambda));
    let all = solve_batched(build, &(data.clone(), weights.clone()), &options).unwrap();
    for slice in 0..3 {
        let (y, lambda) = (data.index_axis(0, slice), weights.index_axis(0, slice));
        let alone = solve(&deconvolve(&y, &lambda), &options).unwrap();
        assert_close(&all.x.index_axis(0, slice), &alone.x, "slice");
        for (together, alone) in all.state.leaves().iter().zip(alone.state.leaves()) {
            assert_close(&together.index_axis(0, slice), &alone, "state");
        }
    }
}
