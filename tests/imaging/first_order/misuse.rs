//! What is refused, and what is said: parameters, shapes, dtypes; searches that fail.

use super::{corner, half_l1, lasso_loss, matrix, pair, sine, steps};
use cotangent::functional::{L1Norm, SquaredL2Norm};
use cotangent::linop::{LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::operator::{Map, Op};
use cotangent::optimize::{
    AcceleratedPgm, AdaptiveBbStepSize, Constraint, LineSearchStepSize, LinearizedAdmm, Method, NonLinearPadmm,
    Options, Outcome, Pdhg, Pgm, ProximalAdmm, RobustLineSearchStepSize, Stop, solve,
};
use cotangent::{Array, DType, ErrorKind, Type};

const F32: DType = DType::F32;

#[track_caller]
fn refused<M: Method>(method: &M, kind: ErrorKind, words: &[&str]) {
    match solve(method, &steps(2)) {
        Ok(_) => panic!("accepted"),
        Err(error) => says(&error, kind, words),
    }
}

#[track_caller]
fn says(error: &cotangent::Error, kind: ErrorKind, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "{text}, without all of {words:?}");
}

#[test]
fn parameters_must_be_positive() {
    let argument = ErrorKind::Argument;
    for wrong in [-0.5, 0.0, f64::NAN, f64::INFINITY] {
        let shown = wrong.to_string();
        let pdhg = |tau: f64, sigma: f64| Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), tau, sigma);
        refused(&pdhg(wrong, 0.5), argument, &["Pdhg", "τ", &shown]);
        refused(&pdhg(0.5, wrong), argument, &["Pdhg", "σ", &shown]);
        let linearized = |mu: f64, nu: f64| LinearizedAdmm::new(SquaredL2Norm::new(), half_l1(), pair(F32), mu, nu);
        refused(&linearized(wrong, 1.0), argument, &["LinearizedAdmm", "μ", &shown]);
        refused(&linearized(0.5, wrong), argument, &["LinearizedAdmm", "ν", &shown]);
        let proximal = |rho: f64, mu: f64| ProximalAdmm::new(SquaredL2Norm::new(), half_l1(), pair(F32), rho, mu, 1.1);
        refused(&proximal(wrong, 1.1), argument, &["ProximalAdmm", "ρ", &shown]);
        refused(&proximal(1.0, wrong), argument, &["ProximalAdmm", "μ", &shown]);
        let h = || sine(F32).1;
        let nonlinear = NonLinearPadmm::new(SquaredL2Norm::new(), half_l1(), h(), 1.0, 14.0, wrong);
        refused(&nonlinear, argument, &["NonLinearPadmm", "ν", &shown]);
        refused(&Pgm::new(lasso_loss(F32), half_l1(), wrong, corner(F32)), argument, &["Pgm", "L0", &shown]);
        let fast = AcceleratedPgm::new(lasso_loss(F32), half_l1(), wrong, corner(F32));
        refused(&fast, argument, &["AcceleratedPgm", "L0", &shown]);
        let factor = Pdhg::estimate_parameters(&pair(F32), 1.0, wrong).unwrap_err();
        says(&factor, argument, &["estimate_parameters", "factor", &shown]);
    }
    let pdhg = Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), 0.5, 0.5).extrapolation(f64::NAN);
    refused(&pdhg, argument, &["Pdhg", "α", "NaN"]);
    // An array with data is known as a number is.
    let known = Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), Array::from(-1.0f32), 0.5);
    refused(&known, argument, &["Pdhg", "τ", "-1"]);
    let many = Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), Array::from([0.5f32, 0.5]), 0.5);
    refused(&many, ErrorKind::Shape, &["Pdhg", "τ", "f32[2]"]);
    let complex = Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), num_complex::Complex::new(0.5f32, 0.1), 0.5);
    refused(&complex, ErrorKind::DType, &["Pdhg", "τ", "real"]);
}

#[test]
fn policies_must_make_sense() {
    let plain = || Pgm::new(lasso_loss(F32), half_l1(), 20.0, corner(F32));
    let fast = || AcceleratedPgm::new(lasso_loss(F32), half_l1(), 20.0, corner(F32));
    let argument = ErrorKind::Argument;
    let shrinking = LineSearchStepSize { gamma_u: 0.9, ..LineSearchStepSize::default() };
    refused(&plain().step_size(shrinking), argument, &["LineSearchStepSize", "γ_u", "0.9"]);
    let idle = LineSearchStepSize { max_trials: 0, ..LineSearchStepSize::default() };
    refused(&fast().step_size(idle), argument, &["LineSearchStepSize", "max_trials"]);
    refused(&plain().step_size(AdaptiveBbStepSize { kappa: -1.0 }), argument, &["AdaptiveBbStepSize", "κ", "-1"]);
    let growing = RobustLineSearchStepSize { gamma_d: 1.5, ..RobustLineSearchStepSize::default() };
    refused(&fast().robust(growing), argument, &["RobustLineSearchStepSize", "γ_d", "1.5"]);
}

#[test]
fn starts_must_fit() {
    let three = Array::zeros(&[3], F32);
    let shape = ErrorKind::Shape;
    let pdhg = || Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F32), 0.5, 0.5);
    refused(&pdhg().start(three.clone()), shape, &["Pdhg", "x0", "f32[2]", "f32[3]"]);
    refused(&pdhg().dual_start(three.clone()), shape, &["Pdhg", "z0", "f32[2]", "f32[3]"]);
    refused(&pdhg().start(Array::zeros(&[2], DType::C64)), ErrorKind::DType, &["Pdhg", "x0", "real"]);
    let linearized = LinearizedAdmm::new(SquaredL2Norm::new(), half_l1(), pair(F32), 0.5, 1.0);
    refused(&linearized.start(three.clone()), shape, &["LinearizedAdmm", "x0", "f32[3]"]);
    let proximal = || ProximalAdmm::new(SquaredL2Norm::new(), half_l1(), pair(F32), 1.0, 1.1, 1.1);
    refused(&proximal().start(three.clone()), shape, &["ProximalAdmm", "x0", "f32[3]"]);
    refused(&proximal().split_start(three.clone()), shape, &["ProximalAdmm", "z0", "f32[3]"]);
    refused(&proximal().dual_start(three.clone()), shape, &["ProximalAdmm", "u0", "f32[3]"]);
    refused(&proximal().offset(three.clone()), shape, &["ProximalAdmm", "offset", "f32[3]"]);
    let a: LinOp = MatrixOperator::new(matrix(F32)).unwrap().into();
    let coupled = ProximalAdmm::coupled(SquaredL2Norm::new(), half_l1(), a, pair(F32), 1.0, 14.0, 1.1);
    refused(&coupled, shape, &["ProximalAdmm", "must give the same type"]);
    let nonlinear = NonLinearPadmm::new(SquaredL2Norm::new(), half_l1(), sine(F32).1, 1.0, 14.0, 1.1);
    refused(&nonlinear.start(three.clone()), shape, &["NonLinearPadmm", "x0", "f32[3]"]);
    // The operator of the loss takes two elements.
    refused(&Pgm::new(lasso_loss(F32), half_l1(), 20.0, three), shape, &["[2]", "f32[3]"]);
    refused(&Pgm::new(lasso_loss(F32), half_l1(), 20.0, Array::from([1i32, 2])), ErrorKind::DType, &["i32"]);
    // Single-precision unknowns and double-precision data.
    let mixed = Pgm::new(lasso_loss(DType::F64), half_l1(), 20.0, corner(F32));
    if let Err(error) = solve(&mixed, &steps(2)) {
        says(&error, ErrorKind::DType, &["f32[2]", "f64[2]"]);
    }
}

#[test]
fn constraints_must_be_of_two_arrays() {
    let ty = Type::new(F32, &[2]);
    let three =
        Map::new(&[ty.clone(), ty.clone(), ty.clone()], |args: &[Array]| &args[0] + &args[1] + &args[2]).unwrap();
    says(&Constraint::from_map(&three).unwrap_err(), ErrorKind::Argument, &["Constraint", "two arrays"]);
    let wrong = Constraint::new(ty.clone(), Type::new(F32, &[3]), |x: &Array, z: &Array| x - z);
    says(&wrong.unwrap_err(), ErrorKind::Shape, &["sub"]);
    let square = Op::new(ty, |x: &Array| x.square()).unwrap();
    let place = Pdhg::estimate_parameters_at(&square, &Array::zeros(&[3], F32), 1.0, 1.0);
    says(&place.unwrap_err(), ErrorKind::Shape, &["f32[3]"]);
    // At 0 the derivative of the square is 0, and so there is no step length.
    let flat = Pdhg::estimate_parameters_at(&square, &Array::zeros(&[2], F32), 1.0, 1.0);
    says(&flat.unwrap_err(), ErrorKind::Argument, &["Pdhg::estimate_parameters", "0"]);
    let none = Pgm::estimate_l0(&(0.0 * SquaredL2Norm::new()), &corner(F32), 1.0);
    says(&none.unwrap_err(), ErrorKind::Argument, &["Pgm::estimate_l0", "L"]);
}

/// After its most trials a search goes on with an `L` that was not tried, says so, and is not taken for converged.
#[test]
fn a_search_that_fails_says_so() {
    let f = 0.5 * SquaredL2Norm::new();
    let short = LineSearchStepSize { max_trials: 5, ..LineSearchStepSize::default() };
    let method = Pgm::new(f.clone(), 0.0 * L1Norm::new(), 1e-9, corner(DType::F64)).step_size(short);
    let solution = solve(&method, &steps(2)).unwrap();
    let l = solution.history.column("L").unwrap();
    assert!((l[0] - 2.488_32e-9).abs() < 1e-15 && (l[1] - 6.191_736_4e-9).abs() < 1e-15, "{l:?}");
    assert!(!solution.state.policy.accepted.to_bools().unwrap()[0]);
    assert_eq!(solution.outcome, Outcome::SearchFailed);
    assert!(solution.converged().err().unwrap().to_string().contains("more trials"));
    let fair = LineSearchStepSize { max_trials: 200, ..LineSearchStepSize::default() };
    let solution = solve(&method.step_size(fair), &steps(2)).unwrap();
    assert_eq!(solution.outcome, Outcome::StepLimit);
    assert!(solution.state.policy.accepted.to_bools().unwrap()[0]);

    // Data that are not finite: no L suits, and the state before is kept.
    let broken = SquaredL2Loss::new(Array::from([f64::NAN, 1.0])).unwrap();
    let method = Pgm::new(broken.clone(), half_l1(), 1.0, corner(DType::F64)).step_size(LineSearchStepSize::default());
    let options = Options { stop_on_nonfinite: true, stop: Stop::at(1e-3), ..steps(10) };
    let solution = solve(&method, &options).unwrap();
    assert_eq!((solution.outcome, solution.steps), (Outcome::NonFinite, 0));
    let robust = RobustLineSearchStepSize { max_trials: 1, ..RobustLineSearchStepSize::default() };
    let method = AcceleratedPgm::new(f, 0.0 * L1Norm::new(), 1e-9, corner(DType::F64)).robust(robust);
    let solution = solve(&method, &Options { stop: Stop::at(1e-3), ..steps(2) }).unwrap();
    assert!(!solution.state.acceleration.accepted.to_bools().unwrap()[0]);
    assert_eq!(solution.outcome, Outcome::SearchFailed);
}
