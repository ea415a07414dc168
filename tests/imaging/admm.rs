//! ADMM: solvers of its subproblem against each other, block arrays, consensus, optimality at the solution.

use crate::sample::{assert_close, elements, random};
use cotangent::functional::{Functional, HuberNorm, L1Norm, L21Norm, NonNegativeIndicator, Prox, ZeroFunctional};
use cotangent::linop::{
    BlockSlice, Boundary, CircularConvolve, Diagonal, Edge, Filter, FiniteDifference, Identity, LinOp, MatrixOperator,
    Sum,
};
use cotangent::loss::{Loss, SquaredL2Loss};
use cotangent::optimize::{
    Admm, AdmmState, CircularConvolveSolver, FBlockCircularConvolveSolver, G0BlockCircularConvolveSolver,
    GenericSubproblemSolver, LinearSubproblemSolver, MatrixSubproblemSolver, Options, Outcome, Solution, Stop,
    SubproblemSolver, Term, solve,
};
use cotangent::solver::{ConjugateGradient, Factorization};
use cotangent::{Array, BlockArray, DType, Type, Variable};
use std::sync::Arc;

fn options(max_steps: usize) -> Options {
    Options { max_steps, ..Options::default() }
}

/// Conjugate gradients that leave no error worth mentioning.
fn exact<X: Variable>() -> LinearSubproblemSolver<X> {
    let limits = ConjugateGradient { tolerance: 1e-14, max_iterations: 1000, ..ConjugateGradient::default() };
    LinearSubproblemSolver::new(limits)
}

fn solved<F, S, X>(f: F, terms: Vec<Term<X>>, solver: S, steps: usize) -> Solution<AdmmState<X>, X>
where
    X: Variable,
    F: Functional<X>,
    S: SubproblemSolver<F, X>,
{
    solve(&Admm::new(f, terms, solver).unwrap(), &options(steps)).unwrap()
}

/// The regression of 5 unknowns, with weights.
fn regression(dtype: DType, rows: usize) -> SquaredL2Loss {
    let a = MatrixOperator::new(random(dtype, &[rows, 5], 90)).unwrap();
    let loss = SquaredL2Loss::new(random(dtype, &[rows], 91)).unwrap().operator::<Array>(a).unwrap();
    loss.scale(0.7).weights(random(dtype.real(), &[rows], 93).abs()).unwrap()
}

fn identity(dtype: DType) -> Identity {
    Identity::new(Type::new(dtype, &[5]))
}

fn sparse(dtype: DType) -> Vec<Term> {
    vec![Term::new(0.1 * L1Norm::new(), identity(dtype), 0.6)]
}

/// Sparsity of the unknowns and of combinations of them.
fn sparse_twice(dtype: DType) -> Vec<Term> {
    let d = MatrixOperator::new(random(dtype, &[4, 5], 92)).unwrap();
    [sparse(dtype), vec![Term::new(0.2 * L1Norm::new(), d, 1.3)]].concat()
}

#[test]
fn the_matrix_solver_agrees_with_conjugate_gradients() {
    for dtype in [DType::F64, DType::C128] {
        for rows in [3, 8] {
            for terms in [sparse(dtype), sparse_twice(dtype)] {
                let wanted = solved(regression(dtype, rows), terms.clone(), exact(), 12);
                for factorization in [Factorization::Lu, Factorization::Cholesky] {
                    let direct = MatrixSubproblemSolver::new().factorization(factorization).check();
                    let got = solved(regression(dtype, rows), terms.clone(), direct, 12);
                    assert_close(&got.x, &wanted.x, "x");
                    let residuals = got.history.column("Slv Res").unwrap();
                    assert!(residuals.iter().all(|&residual| residual < 1e-12), "{residuals:?}");
                }
            }
        }
    }
}

#[test]
fn the_matrix_solver_takes_data_in_a_term() {
    let dtype = DType::F64;
    let data = || {
        let a = MatrixOperator::new(random(dtype, &[8, 5], 90)).unwrap();
        Term::new(SquaredL2Loss::new(random(dtype, &[8], 91)).unwrap(), a, 0.9)
    };
    let terms = || [vec![data()], sparse_twice(dtype)].concat();
    let direct = solved(ZeroFunctional::new(), terms(), MatrixSubproblemSolver::new(), 12);
    let iterative = solved(ZeroFunctional::new(), terms(), exact(), 12);
    assert_close(&direct.x, &iterative.x, "without f");

    let diagonal = Diagonal::new(random(dtype, &[5], 94)).unwrap();
    let f = SquaredL2Loss::new(random(dtype, &[5], 95)).unwrap().operator::<Array>(diagonal).unwrap();
    let direct = solved(f.clone(), sparse_twice(dtype), MatrixSubproblemSolver::new(), 12);
    let iterative = solved(f, sparse_twice(dtype), exact(), 12);
    assert_close(&direct.x, &iterative.x, "diagonal A");
}

#[test]
fn a_preconditioner_saves_iterations() {
    let scales = Array::from([100.0f64, 30.0, 10.0, 3.0, 1.0]);
    let a = MatrixOperator::new(random(DType::F64, &[8, 5], 90) * &scales).unwrap();
    let f = || SquaredL2Loss::new(random(DType::F64, &[8], 91)).unwrap().operator::<Array>(a.clone()).unwrap();
    let diagonal = a.matrix().abs2().sum_axes(&[0]) + 0.6;
    let plain = solved(f(), sparse(DType::F64), LinearSubproblemSolver::default(), 6);
    let scaled = LinearSubproblemSolver::default().preconditioned(Diagonal::new(1.0 / diagonal).unwrap());
    let scaled = solved(f(), sparse(DType::F64), scaled, 6);
    let iterations = |history: &cotangent::optimize::History| history.column("CG It").unwrap().iter().sum::<f64>();
    assert!(iterations(&scaled.history) < iterations(&plain.history));

    let wrong = LinearSubproblemSolver::default().preconditioned(Identity::new(Type::new(DType::F64, &[4])));
    let error = solve(&Admm::new(f(), sparse(DType::F64), wrong).unwrap(), &options(1)).unwrap_err();
    assert!(error.message().contains("preconditioner must map f64[5]"), "{error}");
}

#[test]
fn the_generic_solver_agrees_with_direct_ones() {
    for dtype in [DType::F64, DType::C128] {
        let generic = solved(regression(dtype, 8), sparse_twice(dtype), GenericSubproblemSolver::default(), 6);
        let direct = solved(regression(dtype, 8), sparse_twice(dtype), MatrixSubproblemSolver::new(), 6);
        let off = (&generic.x - &direct.x).abs().max().item().unwrap();
        assert!(off < 1e-4, "{dtype}: {off}");
        assert!(generic.history.column("Num It").unwrap().iter().all(|&count| count >= 1.0));
    }
    // A data term that is not quadratic: 0 is in the sum of its gradient and the subdifferential of the norm.
    let a = MatrixOperator::new(random(DType::F64, &[8, 5], 90)).unwrap();
    let huber = Loss::new(random(DType::F64, &[8], 91), HuberNorm::with_delta(0.2).unwrap()).unwrap();
    let huber = huber.operator(LinOp::from(a)).unwrap();
    let method = Admm::new(huber.clone(), sparse(DType::F64), GenericSubproblemSolver::default()).unwrap();
    let end = solve(&method, &Options { max_steps: 300, stop: Stop::at(1e-6), ..Options::default() }).unwrap();
    let end = end.converged().unwrap();
    assert_subgradient(&huber.grad(&end.state.z[0][0]).unwrap(), &end.state.z[0][0], 0.1, 1e-4);
}

/// `−g` is in `λ ∂‖x‖₁`.
#[track_caller]
fn assert_subgradient(g: &Array, x: &Array, lambda: f64, tolerance: f64) {
    for (g, x) in elements(g).into_iter().zip(elements(x)) {
        if x.norm() == 0.0 {
            assert!(g.norm() <= lambda + tolerance, "{g} at zero");
        } else {
            assert!((g + lambda * x / x.norm()).norm() <= tolerance, "{g} at {x}");
        }
    }
}

#[test]
fn a_solution_is_optimal() {
    for dtype in [DType::F64, DType::C128] {
        let method = Admm::new(regression(dtype, 8), sparse(dtype), MatrixSubproblemSolver::new()).unwrap();
        let stop = Stop::at(1e-10);
        let end =
            solve(&method, &Options { max_steps: 5000, stop, ..Options::default() }).unwrap().converged().unwrap();
        let z = &end.state.z[0][0];
        assert_subgradient(&regression(dtype, 8).grad(z).unwrap(), z, 0.1, 1e-7);
        // The dual variable is the multiplier: ρ u is minus the gradient of f.
        let multiplier = 0.6 * &end.state.u[0][0] + regression(dtype, 8).grad(&end.x).unwrap();
        assert!(multiplier.abs().max().item().unwrap() < 1e-8);
    }
}

/// Feature maps and their sum of convolutions.
fn dictionary(dtype: DType) -> (Type, LinOp) {
    let maps = Type::new(dtype, &[3, 6, 5]);
    let filters = Filter::new(random(dtype, &[3, 3, 2], 96)).axes(2);
    let convolve = LinOp::from(CircularConvolve::new(filters, maps.clone()).unwrap());
    (maps.clone(), LinOp::from(Sum::along(maps, &[0]).unwrap()) * convolve)
}

#[test]
fn solvers_of_summed_convolutions_agree_with_conjugate_gradients() {
    for dtype in [DType::F64, DType::C128] {
        let (maps, a) = dictionary(dtype);
        let y = random(dtype, &[6, 5], 97);
        let codes = || Term::new(0.1 * L1Norm::new(), Identity::new(maps.clone()), 0.8);
        let f = SquaredL2Loss::new(y.clone()).unwrap().operator::<Array>(&a).unwrap().scale(0.9);
        let direct = solved(f.clone(), vec![codes()], FBlockCircularConvolveSolver::new().check(), 8);
        let iterative = solved(f, vec![codes()], exact(), 8);
        assert_close(&direct.x, &iterative.x, "f block");
        assert!(direct.history.column("Slv Res").unwrap().iter().all(|&residual| residual < 1e-12));

        let terms = || vec![Term::new(SquaredL2Loss::new(y.clone()).unwrap(), &a, 1.2), codes()];
        let direct = solved(ZeroFunctional::new(), terms(), G0BlockCircularConvolveSolver::new().check(), 8);
        let iterative = solved(ZeroFunctional::new(), terms(), exact(), 8);
        assert_close(&direct.x, &iterative.x, "first term");
        assert!(direct.history.column("Slv Res").unwrap().iter().all(|&residual| residual < 1e-12));
    }
}

#[test]
fn block_variables_make_the_steps_of_their_equations() {
    let y = BlockArray::new([Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0, 5.0])]).unwrap();
    let term = Term::new(0.5 * L1Norm::new(), Identity::new(y.ty().unwrap()), 1.0);
    let solver = LinearSubproblemSolver::default();
    let solution = solved(SquaredL2Loss::new(y).unwrap(), vec![term], solver, 3);
    assert_close(&solution.x[0], &Array::from([0.375f32, 1.25]), "first block");
    assert_close(&solution.x[1], &Array::from([2.125f32, 3.0, 3.875]), "second block");
    let last = solution.history.rows().last().unwrap();
    for (got, want) in last[2..].iter().zip([7.304_688, 0.0, 0.927_024_8, 1.0]) {
        assert!((got - want).abs() < 1e-5, "{last:?}");
    }
}

#[test]
fn operators_may_give_arrays_and_blocks() {
    let y = random(DType::F64, &[6, 5], 98);
    let ty = y.ty().unwrap();
    let f = || SquaredL2Loss::new(y.clone()).unwrap();
    let open = Boundary::Edges { prepend: None, append: None };
    let blocks = Term::new(0.2 * L1Norm::new(), FiniteDifference::blocks(ty.clone(), open).unwrap(), 0.7);
    let zeros = FiniteDifference::new(ty.clone(), Boundary::append(Edge::Zero)).unwrap();
    // The differences that `append` adds are zero, so that both have one solution.
    let stacked = Term::new(0.2 * L1Norm::new(), zeros, 0.7);
    let stay = || Term::new(NonNegativeIndicator::new(), Identity::new(ty.clone()), 1.0);
    let one = solved(f(), vec![blocks, stay()], exact(), 15);
    let other = solved(f(), vec![stacked, stay()], exact(), 15);
    assert_eq!(one.state.z.iter().map(BlockArray::len).collect::<Vec<_>>(), [2, 1]);
    assert!((&one.x - &other.x).abs().max().item().unwrap() < 1e-10);
}

/// A problem whose variable has two blocks, one of which is sparse, with a loss of their difference.
#[test]
fn block_variables_have_operators_to_arrays() {
    let ty = cotangent::BlockType::new(DType::F64, &[vec![4], vec![4]]);
    let y = random(DType::F64, &[4], 99);
    let first: LinOp<BlockArray, Array> = BlockSlice::new(ty.clone(), 0).unwrap().into();
    let second: LinOp<BlockArray, Array> = BlockSlice::new(ty, 1).unwrap().into();
    let f = SquaredL2Loss::new(y.clone()).unwrap().operator::<BlockArray>(&first - &second).unwrap();
    let terms = vec![Term::new(0.1 * L1Norm::new(), first, 1.0), Term::new(L1Norm::new(), second, 1.0)];
    let method = Admm::new(f, terms, exact()).unwrap();
    let end = solve(&method, &Options { max_steps: 2000, stop: Stop::at(1e-9), ..Options::default() }).unwrap();
    let x = end.converged().unwrap().x;
    // It is cheapest to explain the data by the first block, shrunk by 0.1.
    let shrunk = L1Norm::new().prox(&y, 0.1.into());
    assert!((&x[0] - shrunk).abs().max().item().unwrap() < 1e-7);
    assert!(x[1].abs().max().item().unwrap() < 1e-7);
}

#[test]
fn consensus_finds_the_minimum_of_the_sum() {
    for dtype in [DType::F64, DType::C128] {
        let ty = Type::new(dtype, &[5]);
        let limits = ConjugateGradient { tolerance: 1e-14, ..ConjugateGradient::default() };
        let part = |seed: u64| {
            let a = MatrixOperator::new(random(dtype, &[4, 5], seed)).unwrap();
            let loss = SquaredL2Loss::new(random(dtype, &[4], seed + 1)).unwrap().operator::<Array>(a).unwrap();
            loss.prox_solver(limits.clone())
        };
        let parts: Vec<SquaredL2Loss> = [200, 300, 400].map(part).to_vec();
        let shared: Vec<Arc<dyn Prox>> = parts.iter().map(|part| Arc::new(part.clone()) as Arc<dyn Prox>).collect();
        let method = Admm::consensus(0.3 * L1Norm::new(), shared, ty, 0.8).unwrap();
        let stop = Stop::at(1e-10);
        let end =
            solve(&method, &Options { max_steps: 5000, stop, ..Options::default() }).unwrap().converged().unwrap();
        let gradient = parts.iter().map(|part| part.grad(&end.x).unwrap()).reduce(|a, b| a + b).unwrap();
        assert_subgradient(&gradient, &end.x, 0.3, 1e-7);
        for copy in &end.state.z {
            assert!((&copy[0] - &end.x).abs().max().item().unwrap() < 1e-8);
        }
    }
    let blocks = BlockArray::new([Array::from([1.0f64, 2.0]), Array::from([3.0f64])]).unwrap();
    let losses =
        [blocks.clone(), 3.0 * &blocks].map(|y| Arc::new(SquaredL2Loss::new(y).unwrap()) as Arc<dyn Prox<BlockArray>>);
    let method = Admm::consensus(ZeroFunctional::new(), losses, blocks.ty().unwrap(), 1.0).unwrap();
    let end = solve(&method, &Options { stop: Stop::at(1e-9), ..Options::default() }).unwrap().converged().unwrap();
    let twice: BlockArray = 2.0 * &blocks;
    assert!((&end.x - twice).abs().max().item().unwrap() < 1e-8);
}

#[test]
fn problems_that_do_not_fit_a_solver_are_refused() {
    fn refusal<F: Functional, S: SubproblemSolver<F>>(f: F, terms: Vec<Term>, solver: S) -> String {
        solve(&Admm::new(f, terms, solver).unwrap(), &options(1)).unwrap_err().message().to_string()
    }
    let y = random(DType::F64, &[6, 5], 98);
    let f = || SquaredL2Loss::new(y.clone()).unwrap();
    let identity = || Identity::new(y.ty().unwrap());
    let stay = || Term::new(L1Norm::new(), identity(), 1.0);
    let tv = || Term::new(L21Norm::new(), FiniteDifference::new(y.ty().unwrap(), Boundary::CIRCULAR).unwrap(), 1.0);

    let image = refusal(f(), vec![stay()], MatrixSubproblemSolver::new());
    assert!(image.contains("vectors"), "{image}");
    let plain = refusal(f(), vec![stay()], FBlockCircularConvolveSolver::new());
    assert!(plain.contains("sum along one axis of circular convolutions"), "{plain}");
    let norm = refusal(ZeroFunctional::new(), vec![tv()], G0BlockCircularConvolveSolver::new());
    assert!(norm.contains("`SquaredL2Loss`"), "{norm}");
    let method = Admm::new(L1Norm::new(), [tv()], cotangent::optimize::ConsensusSolver::new()).unwrap();
    let apart = solve(&method, &options(1)).unwrap_err();
    assert!(apart.message().contains("must be identities"), "{apart}");
    let singular = MatrixOperator::new(Array::zeros(&[1, 5], DType::F64)).unwrap();
    let terms = vec![Term::new(L1Norm::new(), singular, 1.0)];
    let method = Admm::new(ZeroFunctional::new(), terms, MatrixSubproblemSolver::new()).unwrap();
    let end = solve(&method, &Options { stop_on_nonfinite: true, ..options(3) }).unwrap();
    assert_eq!((end.outcome, end.steps), (Outcome::NonFinite, 0));

    for rho in [0.0, -1.0, f64::NAN] {
        let error = Admm::new(f(), [Term::new(L1Norm::new(), identity(), rho)], exact()).err().unwrap();
        assert!(error.message().contains("more than 0"), "{error}");
    }
}

/// Data that are not finite are no reason to take the start for the solution.
#[test]
fn a_step_that_is_not_finite_ends_the_loop() {
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let y = Array::from([bad, 1.0]);
        let f = || SquaredL2Loss::new(y.clone()).unwrap().scale(1e30);
        let term = || Term::new(L1Norm::new(), Identity::new(y.ty().unwrap()), 1.0);
        let watched = Options { stop_on_nonfinite: true, stop: Stop::at(1e-3), ..options(5) };
        let ends = [
            solve(&Admm::new(f(), [term()], LinearSubproblemSolver::default()).unwrap(), &watched).unwrap(),
            solve(&Admm::new(f(), [term()], CircularConvolveSolver::new()).unwrap(), &watched).unwrap(),
        ];
        for end in ends {
            assert_eq!((end.outcome, end.steps), (Outcome::NonFinite, 0), "{bad}");
            assert_eq!(end.x.to_vec::<f32>().unwrap(), [0.0, 0.0]);
        }
        let unwatched = Options { stop_on_nonfinite: false, ..watched };
        let end = solve(&Admm::new(f(), [term()], LinearSubproblemSolver::default()).unwrap(), &unwatched).unwrap();
        assert_eq!(end.outcome, Outcome::StepLimit, "{bad}");
    }
}
