//! The driver: outcomes, reports, continuation, batches.

use crate::sample::{assert_close, random};
use cotangent::functional::{L1Norm, L21Norm, NonNegativeIndicator, ZeroFunctional};
use cotangent::linop::{
    Boundary, CircularConvolve, Edge, FiniteDifference, Identity, LinOp, MatrixOperator, operator_norm,
};
use cotangent::loss::SquaredL2Loss;
use cotangent::optimize::{
    Admm, CircularConvolveSolver, LinearSubproblemSolver, Method, Options, Outcome, Pdhg, Report, Stop, Term, Watch,
    solve, solve_batched, solve_batched_watched, solve_from, solve_watched, step,
};
use cotangent::solver::ConjugateGradient;
use cotangent::{Array, DType, Type};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn denoise(y: &Array) -> Pdhg {
    let d = FiniteDifference::new(y.ty().unwrap(), Boundary::append(Edge::Zero)).unwrap();
    Pdhg::new(SquaredL2Loss::new(y.clone()).unwrap(), 0.2 * L21Norm::new(), d, 0.3, 0.35).start(y.clone())
}

fn image() -> Array {
    random(DType::F32, &[6, 5], 80)
}

/// The lasso of three data and two unknowns, ½ ‖y − A x‖² + ½ ‖x‖₁.
fn lasso_loss() -> SquaredL2Loss {
    let a = MatrixOperator::new(Array::from([[2.0f32, 1.0], [1.0, 3.0], [0.0, 1.0]])).unwrap();
    SquaredL2Loss::new(Array::from(vec![1.0f32, 2.0, 3.0])).unwrap().operator(a).unwrap()
}

fn pair() -> Identity {
    Identity::new(Type::new(DType::F32, &[2]))
}

#[track_caller]
fn assert_rows(history: &cotangent::optimize::History, want: &[[f64; 3]]) {
    assert_eq!(history.rows().len(), want.len());
    for (row, want) in history.rows().iter().zip(want) {
        for (got, want) in row[2..].iter().zip(want) {
            assert!((got - want).abs() < 2e-5 * want.abs().max(1.0), "{got}, not {want}\n{history}");
        }
    }
}

#[test]
fn pdhg_makes_the_steps_of_its_equations() {
    let start = Array::from(vec![1.0f32, -1.0]);
    let tight = ConjugateGradient { tolerance: 1e-7, ..ConjugateGradient::default() };
    let method = Pdhg::new(lasso_loss().prox_solver(tight), 0.5 * L1Norm::new(), pair(), 0.5, 0.8).start(start);
    let solution = solve(&method, &Options { max_steps: 2, ..Options::default() }).unwrap();
    assert_rows(&solution.history, &[[4.058_770, 2.914_137, 0.643_103_4], [3.149_846, 0.964_701_2, 0.152_892_8]]);
    assert_close(&solution.x, &Array::from([0.211_432_4f32, 0.710_055_3]), "x");
    assert_close(&solution.state.z, &Array::from([-0.001_102_04f32, 0.5]), "z");
}

#[test]
fn admm_makes_the_steps_of_its_equations() {
    let admm = |terms: Vec<Term>, limits| Admm::new(lasso_loss(), terms, LinearSubproblemSolver::new(limits)).unwrap();
    let lasso = || vec![Term::new(0.5 * L1Norm::new(), pair(), 2.0)];
    let default = ConjugateGradient::default();
    let options = |max_steps| Options { max_steps, ..Options::default() };

    let solution = solve(&admm(lasso(), default.clone()), &options(3)).unwrap();
    let rows = [
        [2.830_463, 0.356_141_1, 1.015_152],
        [2.909_122, 0.029_219_28, 0.618_457_1],
        [2.884_352, 0.083_968_56, 0.124_927_0],
    ];
    assert_rows(&solution.history, &rows);
    assert_eq!(solution.history.column("CG It"), Some(vec![2.0; 3]));
    assert_close(&solution.x, &Array::from([-0.059_374_73f32, 0.879_267_9]), "x");
    assert_close(&solution.state.z[0][0], &Array::from([0.0f32, 0.879_267_9]), "z");
    assert_close(&solution.state.u[0][0], &Array::from([-0.049_732_9f32, 0.25]), "u");

    let relaxed = solve(&admm(lasso(), default).relaxation(1.8), &options(2)).unwrap();
    assert_rows(&relaxed.history, &[[3.133_493, 0.505_366_1, 2.227_273], [2.818_292, 0.253_902_2, 0.592_562_2]]);
    assert_close(&relaxed.x, &Array::from([-0.122_038_6f32, 0.949_035_9]), "relaxed x");

    let difference = MatrixOperator::new(Array::from([[1.0f32, -1.0]])).unwrap();
    let two =
        vec![Term::new(0.5 * L1Norm::new(), difference, 2.0), Term::new(NonNegativeIndicator::new(), pair(), 0.5)];
    let tight = ConjugateGradient { tolerance: 1e-6, ..ConjugateGradient::default() };
    let solution = solve(&admm(two, tight), &options(2)).unwrap();
    assert_close(&solution.x, &Array::from([0.295_723_4f32, 0.688_875_7]), "two terms");
    let last = solution.history.rows().last().unwrap();
    assert!((last[2] - 2.972_163).abs() < 1e-4 && (last[4] - 0.613_057_9).abs() < 1e-4);
}

#[test]
fn the_fourier_solver_agrees_with_conjugate_gradients() {
    let fine = LinearSubproblemSolver::new(ConjugateGradient { tolerance: 1e-12, ..ConjugateGradient::default() });
    for dtype in [DType::F64, DType::C128] {
        let y = random(dtype, &[6, 5], 81);
        let blur = CircularConvolve::new(random(dtype, &[3, 2], 82), y.ty().unwrap()).unwrap();
        let f = SquaredL2Loss::new(y.clone()).unwrap().operator(blur).unwrap();
        let terms = || {
            let d = FiniteDifference::new(y.ty().unwrap(), Boundary::CIRCULAR).unwrap();
            vec![
                Term::new(0.02 * L21Norm::new(), d, 0.5),
                Term::new(0.01 * L1Norm::new(), Identity::new(y.ty().unwrap()), 0.3),
            ]
        };
        let options = Options { max_steps: 8, ..Options::default() };
        let direct = solve(&Admm::new(f.clone(), terms(), CircularConvolveSolver::new()).unwrap(), &options).unwrap();
        let iterative = solve(&Admm::new(f, terms(), fine.clone()).unwrap(), &options).unwrap();
        let off = (&direct.x - &iterative.x).abs().max().item().unwrap();
        assert!(off < 1e-9, "{dtype}: {off}");

        let none = |solver| {
            let data = Term::new(SquaredL2Loss::new(y.clone()).unwrap(), Identity::new(y.ty().unwrap()), 1.0);
            Admm::new(ZeroFunctional::new(), [vec![data], terms()].concat(), solver).unwrap()
        };
        let direct = solve(&none(CircularConvolveSolver::new()), &options).unwrap();
        assert_eq!(direct.outcome, Outcome::StepLimit);
    }
}

/// At the solution of a denoising problem the duality gap is small, and not just the last step.
#[test]
fn a_converged_solution_is_optimal() {
    let y = image();
    let solution =
        solve(&denoise(&y), &Options { max_steps: 5000, stop: Stop::at(1e-6), ..Options::default() }).unwrap();
    assert_eq!(solution.outcome, Outcome::Converged);
    assert!(solution.steps < 5000 && solution.history.rows().len() == solution.steps);
    // x = y − Dᵀ z, and z is dual feasible: ‖z‖ ≤ 0.2 in each pixel, equal where the gradient does not vanish.
    let d = LinOp::from(FiniteDifference::new(y.ty().unwrap(), Boundary::append(Edge::Zero)).unwrap());
    let residual = &solution.x + d.adjoint(&solution.state.z) - &y;
    assert!(residual.abs().max().item().unwrap() < 1e-4);
    let lengths = solution.state.z.abs2().sum_axes(&[0]).sqrt();
    assert!(lengths.max().item().unwrap() < 0.2 + 1e-5);
    let converged = solution.converged().unwrap();
    assert_eq!(converged.outcome, Outcome::Converged);
    let early = solve(&denoise(&y), &Options { max_steps: 2, stop: Stop::at(1e-6), ..Options::default() }).unwrap();
    assert!(early.converged().unwrap_err().to_string().contains("raise `max_steps`"));
}

#[test]
fn a_solve_continues_where_it_ended() {
    let y = image();
    let whole = solve(&denoise(&y), &Options { max_steps: 12, ..Options::default() }).unwrap();
    let half = Options { max_steps: 6, ..Options::default() };
    let first = solve(&denoise(&y), &half).unwrap();
    let rest = Options { first_step: 6, ..half };
    let second = solve_from(&denoise(&y), &rest, first.state.clone(), Watch::default()).unwrap();
    assert_close(&second.x, &whole.x, "continued");
    assert_eq!(second.history.column("Iter").unwrap(), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(second.history.rows()[5][2..], whole.history.rows()[11][2..]);

    let mut state = denoise(&y).init();
    for _ in 0..6 {
        state = step(&denoise(&y), &state).unwrap();
    }
    assert_close(&state.x, &first.x, "single steps");
}

#[test]
fn reports_come_as_often_as_asked_and_stop_the_loop() {
    let y = image();
    let options = Options { max_steps: 20, report_every: 3, first_step: 100, ..Options::default() };
    let mut seen = Vec::new();
    let mut callback = |report: &Report<'_>| {
        assert_eq!(report.row.len(), report.columns.len());
        seen.push(report.step);
        if report.step >= 109 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let watch = Watch { callback: Some(&mut callback), ..Watch::default() };
    let solution = solve_watched(&denoise(&y), &options, watch).unwrap();
    assert_eq!(seen, [100, 103, 106, 109]);
    assert_eq!((solution.outcome, solution.steps), (Outcome::Stopped, 10));
    let times = solution.history.column("Time").unwrap();
    assert!(times.is_sorted() && times[0] > 0.0);

    let cancel = AtomicBool::new(false);
    let mut callback = |report: &Report<'_>| {
        cancel.store(report.step >= 103, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let watch = Watch { callback: Some(&mut callback), cancel: Some(&cancel) };
    let solution = solve_watched(&denoise(&y), &options, watch).unwrap();
    assert_eq!((solution.outcome, solution.steps), (Outcome::Stopped, 4));
}

#[test]
fn the_first_stopping_rule_that_holds_ends_the_loop() {
    let y = image();
    let ended = |stop: Stop| {
        let options = Options { max_steps: 400, report_every: 0, stop, ..Options::default() };
        solve(&denoise(&y), &options).unwrap()
    };
    let change = ended(Stop { change: Some(1e-3), ..Stop::default() });
    assert_eq!(change.outcome, Outcome::Converged);
    let before = solve(&denoise(&y), &Options { max_steps: change.steps - 1, ..Options::default() }).unwrap();
    let moved = (&change.x - &before.x).norm().item().unwrap();
    assert!(moved <= 1e-3 * change.x.norm().item().unwrap());

    let limits = vec![("Prml Rsdl", 0.05), ("Dual Rsdl", 0.1)];
    let limited = ended(Stop { limits, ..Stop::default() });
    let small = |row: &Vec<f64>| row[3] <= 0.05 && row[4] <= 0.1;
    let rows = limited.history.rows();
    assert!(small(&rows[limited.steps - 1]) && !rows[..limited.steps - 1].iter().any(small));

    let both = ended(Stop { change: Some(0.0), limits: vec![("Objective", 1e9)], ..Stop::default() });
    assert_eq!((both.outcome, both.steps), (Outcome::Converged, 1));

    let late = ended(Stop { time: Some(Duration::ZERO), ..Stop::default() });
    assert_eq!((late.outcome, late.steps), (Outcome::TimeLimit, 1));
    let early = ended(Stop { time: Some(Duration::from_secs(3600)), ..Stop::default() });
    assert_eq!((early.outcome, early.steps), (Outcome::StepLimit, 400));
}

#[test]
fn stopping_rules_that_do_not_fit_are_refused() {
    let refusal = |stop: Stop| {
        let options = Options { stop, ..Options::default() };
        solve(&denoise(&image()), &options).unwrap_err().message().to_string()
    };
    let unknown = refusal(Stop { limits: vec![("Gap", 0.1)], ..Stop::default() });
    assert!(unknown.contains("`Gap`") && unknown.contains("Objective"), "{unknown}");
    assert!(refusal(Stop::at(-1.0)).contains("must not be negative"));
    assert!(refusal(Stop { change: Some(f64::NAN), ..Stop::default() }).contains("`change`"));
}

/// Step lengths far above the bound overflow; the last finite state is kept.
#[test]
fn a_divergent_solve_keeps_its_last_finite_state() {
    let y = image();
    let d = FiniteDifference::new(y.ty().unwrap(), Boundary::CIRCULAR).unwrap();
    let method = Pdhg::new(
        ZeroFunctional::new(),
        SquaredL2Loss::new(Array::zeros(&[2, 6, 5], DType::F32)).unwrap(),
        d,
        1e4,
        1e4,
    );
    let method = method.start(y);
    let options = Options { max_steps: 1000, stop_on_nonfinite: true, ..Options::default() };
    let solution = solve(&method, &options).unwrap();
    assert_eq!(solution.outcome, Outcome::NonFinite);
    assert!(solution.steps > 0 && solution.steps < 1000 && solution.history.rows().len() == solution.steps);
    assert!(solution.x.is_finite().all().to_bools().unwrap()[0]);
    assert!(solution.state.z.is_finite().all().to_bools().unwrap()[0]);
    let again = solve(&method, &Options { max_steps: solution.steps, ..options }).unwrap();
    assert_eq!(again.outcome, Outcome::StepLimit);
    assert_eq!(again.x.to_vec::<f32>().unwrap(), solution.x.to_vec::<f32>().unwrap());
}

#[test]
fn nothing_is_recorded_unless_asked() {
    let y = image();
    let silent = Options { max_steps: 5, record: false, report_every: 0, ..Options::default() };
    let solution = solve(&denoise(&y), &silent).unwrap();
    assert!(solution.history.rows().is_empty());
    let spoken = solve(&denoise(&y), &Options { max_steps: 5, ..Options::default() }).unwrap();
    assert_close(&solution.x, &spoken.x, "silent");
    let none = solve(&denoise(&y), &Options { max_steps: 0, ..Options::default() }).unwrap();
    assert_eq!((none.steps, none.outcome), (0, Outcome::StepLimit));
    assert_close(&none.x, &y, "no step");
}

#[test]
fn slices_are_solved_as_each_alone() {
    let channels = random(DType::F32, &[3, 6, 5], 83);
    let options = Options { max_steps: 40, stop: Stop::at(1e-2), ..Options::default() };
    let all = solve_batched(|y: Array| Ok(denoise(&y)), &channels, &options).unwrap();
    let steps = all.steps.to_vec::<i32>().unwrap();
    for channel in 0..3 {
        let alone = solve(&denoise(&channels.index_axis(0, channel)), &options).unwrap();
        assert_close(&all.x.index_axis(0, channel), &alone.x, "slice");
        assert_eq!(steps[channel as usize], alone.steps as i32);
    }
}

#[test]
fn slices_are_reported_together() {
    let channels = random(DType::F32, &[3, 6, 5], 83);
    let options = Options { max_steps: 40, stop: Stop::at(1e-2), report_every: 1, ..Options::default() };
    let silent = solve_batched(|y: Array| Ok(denoise(&y)), &channels, &options).unwrap();
    let mut finite = vec![0; 3];
    let mut columns = 0;
    let mut show = |report: &Report<'_>| {
        columns = report.columns.len();
        for (count, row) in finite.iter_mut().zip(report.row.chunks(columns)) {
            assert!(row.iter().all(|number| number.is_nan()) || !row.iter().any(|number| number.is_nan()), "{row:?}");
            *count += i32::from(!row[0].is_nan());
        }
        ControlFlow::Continue(())
    };
    let watch = Watch { callback: Some(&mut show), ..Watch::default() };
    let all = solve_batched_watched(|y: Array| Ok(denoise(&y)), &channels, &options, watch).unwrap();
    assert_close(&all.x, &silent.x, "watched");
    assert_eq!(all.steps.to_vec::<i32>().unwrap(), silent.steps.to_vec::<i32>().unwrap());
    // A slice is reported as long as it goes on.
    assert_eq!(finite, all.steps.to_vec::<i32>().unwrap());

    let mut stop =
        |report: &Report<'_>| if report.step == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let watch = Watch { callback: Some(&mut stop), ..Watch::default() };
    let stopped = solve_batched_watched(|y: Array| Ok(denoise(&y)), &channels, &options, watch).unwrap();
    assert_eq!(stopped.steps.to_vec::<i32>().unwrap(), [3; 3]);
    assert_eq!(Outcome::from_code(stopped.outcome.to_vec::<i32>().unwrap()[0]), Outcome::Stopped);
}

#[test]
fn problems_that_do_not_fit_are_refused() {
    let y = image();
    let f = SquaredL2Loss::new(y.clone()).unwrap();
    let no_terms: [Term; 0] = [];
    assert!(
        Admm::new(f.clone(), no_terms, CircularConvolveSolver::new()).err().unwrap().message().contains("at least one")
    );
    let term = || Term::new(L1Norm::new(), Identity::new(y.ty().unwrap()), 1.0);
    let other = Term::new(L1Norm::new(), pair(), 1.0);
    let mixed = Admm::new(f.clone(), [term(), other], CircularConvolveSolver::new());
    assert!(mixed.err().unwrap().message().contains("must take the same type"));
    let weighted = f.weights(Array::ones(&[6, 5], DType::F32)).unwrap();
    let method = Admm::new(weighted, [term()], CircularConvolveSolver::new()).unwrap();
    let error = solve(&method, &Options::default()).unwrap_err();
    assert!(error.message().contains("not shift-invariant"), "{error}");
}

#[test]
fn step_lengths_are_estimated() {
    let d = LinOp::from(FiniteDifference::new(Type::new(DType::F32, &[32, 32]), Boundary::append(Edge::Zero)).unwrap());
    let (tau, sigma) = Pdhg::estimate_parameters(&d, 1.0, 1.01).unwrap();
    assert!((tau - 0.356_542_9).abs() < 2e-3 && tau == sigma);
    let norm = operator_norm(&d, 100).unwrap();
    assert!((tau * sigma * norm * norm - 1.01).abs() < 1e-6);
}
