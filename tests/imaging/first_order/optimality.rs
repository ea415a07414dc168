//! Optimality conditions at the solutions of every method.

use super::{blocks, converged, half_l1, lasso_loss, numbers, pair, sine};
use crate::sample::{number, random};
use cotangent::functional::{Functional, L1Norm, L21Norm, NonNegativeIndicator, Prox, SquaredL2Norm};
use cotangent::linop::{Boundary, Edge, FiniteDifference, Identity, LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::operator::Op;
use cotangent::optimize::{
    AcceleratedPgm, AdaptiveBbStepSize, BbStepSize, ConstantStepSize, Constraint, LineSearchStepSize, LinearizedAdmm,
    Method, NonLinearPadmm, Options, Outcome, Pdhg, Pgm, ProximalAdmm, RobustLineSearchStepSize, StepSize, Stop, solve,
};
use cotangent::{Array, DType, Type, Variable};

const STRENGTH: f64 = 0.2;

fn largest(x: &Array) -> f64 {
    number(&x.abs().max())
}

/// At the solution of `½ ‖x − y‖² + λ ‖D x‖₂,₁` there is a dual variable `p` with `x = y − Dᴴ p`, of length at most `λ` in
/// each pixel, that is along `D x` where that is not 0.
#[track_caller]
fn assert_denoised(y: &Array, d: &LinOp, x: &Array, p: &Array) {
    assert!(largest(&(x + d.adjoint(p) - y)) < 1e-6);
    let lengths = p.abs2().sum_axes(&[0]).sqrt();
    assert!(number(&lengths.max()) < STRENGTH + 1e-6);
    let slope = d.apply(x);
    let along = number(&(p.conj() * &slope).real().sum());
    assert!((along - STRENGTH * number(&L21Norm::new().value(&slope))).abs() < 1e-5);
}

#[test]
fn denoised_images_are_optimal() {
    for dtype in [DType::F64, DType::C128] {
        let y = random(dtype, &[7, 6], 90);
        let d: LinOp = FiniteDifference::new(y.ty().unwrap(), Boundary::append(Edge::Zero)).unwrap().into();
        let (f, g) = (|| SquaredL2Loss::new(y.clone()).unwrap(), || STRENGTH * L21Norm::new());

        let (nu, rho) = (0.7, 0.8);
        let mu = LinearizedAdmm::estimate_mu(&d, nu, 0.9).unwrap();
        let solution = converged(&LinearizedAdmm::new(f(), g(), d.clone(), mu, nu), 1e-9);
        assert_denoised(&y, &d, &solution.x, &(&solution.state.u / nu));

        let (mu, nu) = ProximalAdmm::estimate_parameters(&d, 1.05).unwrap();
        let solution = converged(&ProximalAdmm::new(f(), g(), d.clone(), rho, mu, nu), 1e-9);
        assert_denoised(&y, &d, &solution.x, &(rho * &solution.state.u));

        let (tau, sigma) = Pdhg::estimate_parameters(&d, 2.0, 0.95).unwrap();
        let solution = converged(&Pdhg::new(f(), g(), d.clone(), tau, sigma), 1e-9);
        assert_denoised(&y, &d, &solution.x, &solution.state.z);
    }
}

/// At the solution a proximal gradient step goes nowhere.
#[track_caller]
fn assert_composite<X: Variable>(f: &impl Functional<X>, g: &impl Prox<X>, x: &X) {
    let slope = f.grad(x).unwrap().leaves();
    let leaves = x.leaves();
    let moved = x.with_leaves(leaves.iter().zip(&slope).map(|(x, slope)| x - 0.05 * slope).collect());
    let stepped = g.prox(&moved, 0.05.into()).leaves();
    for (x, stepped) in leaves.iter().zip(&stepped) {
        assert!(largest(&(x - stepped)) < 1e-7, "{x:?} goes to {stepped:?}");
    }
}

/// Solves `f + g` by proximal gradients with every policy.
fn every_policy<X: Variable>(
    f: &(impl Functional<X> + Clone + 'static),
    g: &(impl Prox<X> + Clone + 'static),
    x0: &X,
    check: impl Fn(&X),
) {
    let l0 = Pgm::estimate_l0(f, x0, 1.01).unwrap();
    fn both<X: Variable, P: StepSize<X> + Clone>(
        f: &(impl Functional<X> + Clone + 'static),
        g: &(impl Prox<X> + Clone + 'static),
        l0: f64,
        x0: &X,
        policy: P,
        check: impl Fn(&X),
    ) {
        let plain = Pgm::new(f.clone(), g.clone(), l0, x0.clone()).step_size(policy.clone());
        check(&converged(&plain, 1e-11).x);
        let fast = AcceleratedPgm::new(f.clone(), g.clone(), l0, x0.clone()).step_size(policy);
        check(&converged(&fast, 1e-11).x);
    }
    both(f, g, l0, x0, ConstantStepSize, &check);
    // Accelerated, steps by Barzilai and Borwein may diverge.
    let plain = Pgm::new(f.clone(), g.clone(), l0, x0.clone());
    check(&converged(&plain.clone().step_size(BbStepSize), 1e-11).x);
    check(&converged(&plain.step_size(AdaptiveBbStepSize::default()), 1e-11).x);
    both(f, g, 0.01 * l0, x0, LineSearchStepSize::default(), &check);
    let robust = AcceleratedPgm::new(f.clone(), g.clone(), l0, x0.clone());
    check(&converged(&robust.robust(RobustLineSearchStepSize::default()), 1e-11).x);
}

#[test]
fn sparse_solutions_are_optimal_with_every_policy() {
    for dtype in [DType::F64, DType::C128] {
        let a = MatrixOperator::new(random(dtype, &[6, 5], 91)).unwrap();
        let f = SquaredL2Loss::new(random(dtype, &[6], 92)).unwrap().operator(a).unwrap();
        let (g, x0) = (0.1 * L1Norm::new(), random(dtype, &[5], 93));
        every_policy(&f, &g, &x0, |x| assert_composite(&f, &g, x));
    }
    let (f, g) = (lasso_loss(DType::F64), NonNegativeIndicator::new());
    every_policy(&f, &g, &Array::from([1.0f64, 1.0]), |x| assert_composite(&f, &g, x));
}

/// The minimiser of `½ ‖x − y‖² + ½ ‖x‖₁` is known.
#[test]
fn block_arrays_are_solved_by_every_method() {
    let y = blocks().astype(DType::F64);
    let check = |x: &cotangent::BlockArray| {
        for (got, y) in numbers(x).iter().zip([1.0, 2.0, 3.0, 4.0, 5.0]) {
            assert!((got - (y - 0.5)).abs() < 1e-7, "{got} for {y}");
        }
    };
    let identity = || Identity::new(y.ty().unwrap());
    let (f, g) = (|| SquaredL2Loss::new(y.clone()).unwrap(), || 0.5 * L1Norm::new());
    check(&converged(&LinearizedAdmm::new(f(), g(), identity(), 0.5, 1.0), 1e-9).x);
    check(&converged(&ProximalAdmm::new(f(), g(), identity(), 1.0, 1.1, 1.1), 1e-9).x);
    check(&converged(&Pdhg::new(f(), g(), identity(), 0.7, 0.7), 1e-9).x);
    let op = Op::new(y.ty().unwrap(), |x: &cotangent::BlockArray| x.clone()).unwrap();
    check(&converged(&Pdhg::nonlinear(f(), g(), op, 0.7, 0.7), 1e-9).x);
    let ty = y.ty().unwrap();
    let h = Constraint::new(ty.clone(), ty, |x: &cotangent::BlockArray, z: &cotangent::BlockArray| x - z).unwrap();
    check(&converged(&NonLinearPadmm::new(f(), g(), h, 1.0, 1.1, 1.1), 1e-9).x);
    every_policy(&f(), &g(), &y.zeros_like(), check);
}

/// With `A x + B z = c`, `f = ‖x‖²` and `g = ‖z‖₁` there is a multiplier `p` with `2 x = −Aᵀ p` and `−Bᵀ p` a subgradient.
#[test]
fn general_constraints_are_met_optimally() {
    let a = LinOp::from(MatrixOperator::new(random(DType::F64, &[3, 4], 94)).unwrap());
    let b = LinOp::from(MatrixOperator::new(random(DType::F64, &[3, 2], 95)).unwrap());
    let c = random(DType::F64, &[3], 96);
    let (mu, nu) = ProximalAdmm::estimate_coupled_parameters(&a, &b, 1.01).unwrap();
    let rho = 2.0;
    let method = ProximalAdmm::coupled(SquaredL2Norm::new(), 0.2 * L1Norm::new(), &a, &b, rho, mu, nu);
    let solution = converged(&method.offset(c.clone()).exact_dual_residual(), 1e-10);
    let (x, z, p) = (&solution.x, &solution.state.z, rho * &solution.state.u);
    assert!(largest(&(a.apply(x) + b.apply(z) - c)) < 1e-8);
    assert!(largest(&(2.0 * x + a.adjoint(&p))) < 1e-7);
    let slope = -b.adjoint(&p);
    assert!(largest(&slope) < 0.2 + 1e-7);
    assert!((number(&(slope * z).sum()) - 0.2 * number(&z.abs().sum())).abs() < 1e-7);
}

/// At a solution of `½ ‖x − y‖² + λ ‖C(x)‖₁` there is a `p` with `x + J(x)ᴴ p = y`, of elements of magnitude at most `λ` with
/// the sign of `C(x)`.
#[track_caller]
fn assert_stationary(op: &Op, strength: f64, y: &Array, x: &Array, p: &Array) {
    let (value, adjoint) = op.vjp(x).unwrap();
    assert!(largest(&(x + adjoint.call(p.clone()).unwrap() - y)) < 1e-6);
    assert!(largest(p) < strength + 1e-6);
    let along = number(&(p * &value).sum());
    assert!((along - strength * number(&value.abs().sum())).abs() < 1e-5, "{along}");
}

#[test]
fn solutions_of_problems_that_are_not_linear_are_stationary() {
    let y = Array::from([0.9f64, -0.4]);
    let (op, h) = sine(DType::F64);
    let (f, g) = (|| SquaredL2Loss::new(y.clone()).unwrap(), || 0.1 * L1Norm::new());
    let (tau, sigma) = Pdhg::estimate_parameters_at(&op, &y.zeros_like(), 1.0, 0.9).unwrap();
    let solution = converged(&Pdhg::nonlinear(f(), g(), op.clone(), tau, sigma).start(y.clone()), 1e-9);
    assert_stationary(&op, 0.1, &y, &solution.x, &solution.state.z);
    let (mu, nu) =
        NonLinearPadmm::estimate_parameters(&h, &y.zeros_like(), &Array::zeros(&[3], DType::F64), 1.01).unwrap();
    let method = NonLinearPadmm::new(f(), g(), h, 1.0, mu, nu).start(y.clone()).exact_dual_residual();
    let solution = converged(&method, 1e-9);
    assert_stationary(&op, 0.1, &y, &solution.x, &solution.state.u);

    // Complex unknowns of which the squared magnitudes are sparse, up to 1; x and z differ in dtype.
    let y = random(DType::C128, &[6], 97);
    let real = Type::new(DType::F64, &[6]);
    let square = Op::new(y.ty().unwrap(), |x: &Array| x.abs2() - 1.0).unwrap();
    let h = Constraint::new(y.ty().unwrap(), real, |x: &Array, z: &Array| x.abs2() - 1.0 - z).unwrap();
    let f = || SquaredL2Loss::new(y.clone()).unwrap();
    let method = Pdhg::nonlinear(f(), g(), square.clone(), 0.2, 0.5).start(y.clone());
    let solution = converged(&method, 1e-9);
    assert_stationary(&square, 0.1, &y, &solution.x, &solution.state.z);
    let method = NonLinearPadmm::new(f(), g(), h, 0.5, 6.0, 1.1).start(y.clone());
    let solution = converged(&method, 1e-9);
    assert_stationary(&square, 0.1, &y, &solution.x, &(0.5 * &solution.state.u));
}

/// All methods find one solution of a lasso.
#[test]
fn methods_agree() {
    let exact = cotangent::solver::ConjugateGradient { tolerance: 1e-14, ..Default::default() };
    let f = || lasso_loss(DType::F64).prox_solver(exact.clone());
    let want = [0.0, 9.5 / 11.0];
    let check = |x: &Array| super::assert_numbers(&numbers(x), &want, 1e-7, "x");
    check(&converged(&LinearizedAdmm::new(f(), half_l1(), pair(DType::F64), 0.09, 0.1), 1e-9).x);
    check(&converged(&ProximalAdmm::new(f(), half_l1(), pair(DType::F64), 1.0, 1.1, 1.1), 1e-9).x);
    check(&converged(&Pdhg::new(f(), half_l1(), pair(DType::F64), 0.5, 1.5), 1e-9).x);
    every_policy(&f(), &half_l1(), &super::corner(DType::F64), check);
}

/// Where the gradient does not change Barzilai and Borwein have no curvature to go by, and `L` stays.
#[test]
fn a_step_that_goes_nowhere_leaves_the_step_size() {
    let y = Array::from([1.0f64, 2.0]);
    let at_solution = Pgm::new(SquaredL2Loss::new(y.clone()).unwrap(), 0.0 * L1Norm::new(), 3.0, y);
    fn last<M: Method>(method: &M) -> f64 {
        let solution = solve(method, &super::steps(3)).unwrap();
        assert_eq!(solution.outcome, Outcome::StepLimit);
        solution.history.column("L").unwrap()[2]
    }
    assert_eq!(last(&at_solution.clone().step_size(BbStepSize)), 3.0);
    assert_eq!(last(&at_solution.step_size(AdaptiveBbStepSize::default())), 3.0);
}

/// Iterates that run away until their norm is infinite are not taken for a solution.
#[test]
fn divergence_is_not_convergence() {
    let far = Array::from([1e300f64, -1e300]);
    let steep = Pgm::new(4.0 * SquaredL2Norm::new(), 0.0 * L1Norm::new(), 1.0, far);
    let options = Options { stop: Stop::at(1e-3), ..super::steps(3) };
    assert_eq!(solve(&steep, &options).unwrap().outcome, Outcome::StepLimit);
}
