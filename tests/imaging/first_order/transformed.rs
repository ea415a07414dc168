//! Methods as parts of programs: batched, differentiated, taken up again from a state.

use super::{corner, half_l1, lasso_loss, matrix, numbers, pair, sine, steps};
use crate::sample::{assert_close, random};
use cotangent::functional::{L1Norm, SquaredL2Norm};
use cotangent::linop::{LinOp, MatrixOperator};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    AcceleratedPgm, AdaptiveBbStepSize, BbStepSize, LineSearchStepSize, LinearizedAdmm, Method, NonLinearPadmm, Pdhg,
    Pgm, ProximalAdmm, RobustLineSearchStepSize, Stop, Watch, solve, solve_batched, solve_from,
};
use cotangent::{Array, DType, Factor, Result, Tree, check_grads, fori_loop};

const F64: DType = DType::F64;

/// Runs a check for each method on the lasso with data `y` and strength `lambda`, which may be traced.
macro_rules! every_method {
    ($check:ident($y:expr, $lambda:expr $(, $rest:expr)*)) => {{
        fn loss(y: &Array) -> Result<SquaredL2Loss> {
            SquaredL2Loss::new(y.clone())?.operator(MatrixOperator::new(matrix(F64))?)
        }
        fn l1(lambda: &Array) -> impl cotangent::functional::Prox + Clone + 'static {
            cotangent::functional::ScaledFunctional::new(Factor::from(lambda), L1Norm::new())
        }
        fn matrix_op() -> LinOp {
            MatrixOperator::new(matrix(F64)).unwrap().into()
        }
        fn data(y: &Array) -> Result<SquaredL2Loss> {
            SquaredL2Loss::new(y.clone())
        }
        $check("LinearizedAdmm", |y: Array, s: Array| {
            Ok(LinearizedAdmm::new(l1(&s), data(&y)?, matrix_op(), 0.06, 1.0).start(corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("ProximalAdmm", |y: Array, s: Array| {
            Ok(ProximalAdmm::new(l1(&s), data(&y)?, matrix_op(), 0.3, 14.0, 1.1).start(corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("Pdhg", |y: Array, s: Array| {
            Ok(Pdhg::new(l1(&s), data(&y)?, matrix_op(), 0.2, 0.3).start(corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("nonlinear Pdhg", |y: Array, s: Array| {
            Ok(Pdhg::nonlinear(l1(&s), data(&y)?, sine(F64).0, 0.2, 0.3).start(corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("NonLinearPadmm", |y: Array, s: Array| {
            Ok(NonLinearPadmm::new(l1(&s), data(&y)?, sine(F64).1, 0.4, 14.0, 1.1).start(corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("Pgm", |y: Array, s: Array| Ok(Pgm::new(loss(&y)?, l1(&s), 15.0, corner(F64))), $y, $lambda $(, $rest)*);
        $check("Pgm by BB", |y: Array, s: Array| {
            Ok(Pgm::new(loss(&y)?, l1(&s), 20.0, corner(F64)).step_size(BbStepSize))
        }, $y, $lambda $(, $rest)*);
        $check("Pgm by adaptive BB", |y: Array, s: Array| {
            Ok(Pgm::new(loss(&y)?, l1(&s), 20.0, corner(F64)).step_size(AdaptiveBbStepSize::default()))
        }, $y, $lambda $(, $rest)*);
        $check("Pgm by line search", |y: Array, s: Array| {
            Ok(Pgm::new(loss(&y)?, l1(&s), 1.0, corner(F64)).step_size(LineSearchStepSize::default()))
        }, $y, $lambda $(, $rest)*);
        $check("AcceleratedPgm", |y: Array, s: Array| {
            Ok(AcceleratedPgm::new(loss(&y)?, l1(&s), 15.0, corner(F64)))
        }, $y, $lambda $(, $rest)*);
        $check("AcceleratedPgm by BB", |y: Array, s: Array| {
            Ok(AcceleratedPgm::new(loss(&y)?, l1(&s), 20.0, corner(F64)).step_size(BbStepSize))
        }, $y, $lambda $(, $rest)*);
        $check("AcceleratedPgm by line search", |y: Array, s: Array| {
            Ok(AcceleratedPgm::new(loss(&y)?, l1(&s), 1.0, corner(F64)).step_size(LineSearchStepSize::default()))
        }, $y, $lambda $(, $rest)*);
        $check("AcceleratedPgm by robust line search", |y: Array, s: Array| {
            Ok(AcceleratedPgm::new(loss(&y)?, l1(&s), 2.0, corner(F64)).robust(RobustLineSearchStepSize::default()))
        }, $y, $lambda $(, $rest)*);
    }};
}

/// Several measurements with a strength each, in one program, are solved as each alone.
#[test]
fn batches_are_solved_as_each_alone() {
    fn check<M: Method<Variable = Array>>(
        name: &str,
        build: impl Fn(Array, Array) -> Result<M>,
        ys: &Array,
        strengths: &Array,
    ) {
        let options = cotangent::optimize::Options { stop: Stop::at(1e-3), ..steps(40) };
        let all = solve_batched(|(y, s): (Array, Array)| build(y, s), &(ys.clone(), strengths.clone()), &options);
        let all = all.unwrap_or_else(|error| panic!("{name}: {error}"));
        for at in 0..3 {
            let alone = build(ys.index_axis(0, at), strengths.index_axis(0, at)).unwrap();
            let alone = solve(&alone, &options).unwrap();
            assert_close(&all.x.index_axis(0, at), &alone.x, name);
            assert_eq!(all.steps.to_vec::<i32>().unwrap()[at as usize], alone.steps as i32, "{name}");
        }
    }
    let ys = random(F64, &[3, 3], 100);
    let strengths = Array::from([0.1f64, 0.02, 0.4]);
    every_method!(check(&ys, &strengths));
}

/// A fixed number of steps is differentiated by data and strength, in both modes.
#[test]
fn steps_are_differentiable() {
    fn check<M: Method<Variable = Array>>(
        name: &str,
        build: impl Fn(Array, Array) -> Result<M> + Clone + Send + Sync + 'static,
        y: &Array,
        strength: &Array,
    ) where
        M::State: Tree,
    {
        let after_steps = move |(y, strength): (Array, Array)| match build(y, strength) {
            Ok(method) => match method.prepare() {
                Ok(prepared) => {
                    let end = fori_loop(0, 5, method.init(), |_, state: M::State| method.step(&prepared, &state));
                    method.minimizer(&end)
                }
                Err(error) => Array::from_error(error),
            },
            Err(error) => Array::from_error(error),
        };
        check_grads(after_steps, (y.clone(), strength.clone()), 1).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let y = Array::from([1.0f64, 2.0, 3.0]);
    every_method!(check(&y, &Array::from(0.3f64)));
}

/// A solve in two parts gives every bit of one in one part, whatever the policy carries.
#[test]
fn a_solve_continues_from_its_state() {
    fn check<M: Method<Variable = Array>>(
        name: &str,
        build: impl Fn(Array, Array) -> Result<M>,
        y: &Array,
        strength: &Array,
    ) {
        let method = build(y.clone(), strength.clone()).unwrap();
        let whole = solve(&method, &steps(11)).unwrap();
        let first = solve(&method, &steps(5)).unwrap();
        let second = solve_from(&method, &steps(6), first.state, Watch::default()).unwrap();
        assert_eq!(numbers(&second.x), numbers(&whole.x), "{name}");
        for (row, want) in second.history.rows().iter().zip(&whole.history.rows()[5..]) {
            assert_eq!(row[2..], want[2..], "{name}");
        }
    }
    let y = Array::from([1.0f64, 2.0, 3.0]);
    every_method!(check(&y, &Array::from(0.3f64)));
}

/// The parameters of a method may be traced, too: a batch over the first `L`.
#[test]
fn parameters_may_be_traced() {
    let sizes = Array::from([14.0f64, 20.0, 50.0]);
    let build = |l0: Array| Ok(Pgm::new(lasso_loss(F64), half_l1(), l0, corner(F64)));
    let all = solve_batched(build, &sizes, &steps(6)).unwrap();
    for (at, l0) in [14.0, 20.0, 50.0].into_iter().enumerate() {
        let alone = solve(&Pgm::new(lasso_loss(F64), half_l1(), l0, corner(F64)), &steps(6)).unwrap();
        assert_close(&all.x.index_axis(0, at as isize), &alone.x, "slice");
    }
    let lengths = Array::from([0.1f64, 0.3]);
    let build = |tau: Array| Ok(Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F64), tau, 0.5).start(corner(F64)));
    let all = solve_batched(build, &lengths, &steps(6)).unwrap();
    let alone = Pdhg::new(SquaredL2Norm::new(), half_l1(), pair(F64), 0.3, 0.5).start(corner(F64));
    assert_close(&all.x.index_axis(0, 1), &solve(&alone, &steps(6)).unwrap().x, "slice");
}
