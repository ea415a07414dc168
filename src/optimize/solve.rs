//! Entry points: a method's loop compiled and run, alone or batched, followed by the caller.

use super::driver::with_error;
use super::execute::{Executed, execute};
use super::{Column, History, LoopEnd, Method, Options, Outcome, Report, Solution, Timings, Watch, trace_loop};
use crate::{Array, Function, Result, Tree, jit, vmap};
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Runs a method from its initial state. The whole loop is one compiled program.
///
/// # Errors
/// A problem that does not fit the method: shapes, dtypes, structures. Early stops are outcomes, not errors.
pub fn solve<M: Method>(method: &M, options: &Options) -> Result<Solution<M::State, M::Variable>> {
    solve_watched(method, options, Watch::default())
}

/// As [`solve`], followed by the caller.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::Identity;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Options, Outcome, Pdhg, Report, Watch, solve_watched};
/// use std::ops::ControlFlow;
///
/// let y = Array::from(vec![1.0f32, -2.0]);
/// let identity = Identity::new(y.ty()?);
/// let method = Pdhg::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), identity, 0.5, 0.5);
/// let mut stop_at_six = |report: &Report<'_>| match report.step {
///     6 => ControlFlow::Break(()),
///     _ => ControlFlow::Continue(()),
/// };
/// let watch = Watch { callback: Some(&mut stop_at_six), ..Watch::default() };
/// let solution = solve_watched(&method, &Options { report_every: 2, ..Options::default() }, watch)?;
/// assert_eq!((solution.outcome, solution.steps), (Outcome::Stopped, 7));
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`solve`].
pub fn solve_watched<M: Method>(
    method: &M,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Solution<M::State, M::Variable>> {
    run(method, options, None, watch)
}

/// As [`solve_watched`], from a state, such as that of an earlier solution.
///
/// # Errors
/// As [`solve`]; a state of other structure or types than the method's.
pub fn solve_from<M: Method>(
    method: &M,
    options: &Options,
    state: M::State,
    watch: Watch<'_>,
) -> Result<Solution<M::State, M::Variable>> {
    run(method, options, Some(state), watch)
}

/// Records, compiles and runs the loop, from the method's own initial state if none is given.
fn run<M: Method>(
    method: &M,
    options: &Options,
    init: Option<M::State>,
    watch: Watch<'_>,
) -> Result<Solution<M::State, M::Variable>> {
    let begin = Instant::now();
    let template = RefCell::new(None);
    let whole = |init: Option<M::State>| {
        let init = init.unwrap_or_else(|| method.init());
        let end = trace_loop(method, options, init);
        *template.borrow_mut() = Some(end.clone());
        end
    };
    let traced = jit(&whole).traced(&init)?;
    let template = template.take().unwrap_or_else(|| cotangent_ir::error::internal("a function that was not recorded"));
    let trace = begin.elapsed();
    let mut arguments = traced.captures;
    init.push_leaves(&mut arguments);
    let mut reporter = Reporter::new(method, options, watch);
    let Executed { results, compile } = execute(&traced.func, &arguments, |prepared| {
        // The clock starts when the program is compiled.
        reporter.start = Instant::now();
        prepared(&mut |row, statistics| reporter.report(row, statistics))
    })?;
    let end = template.with_leaves(results);
    let timings = Timings { trace, compile, run: reporter.start.elapsed() };
    finish(reporter, end, timings)
}

/// The solution from the results of the program.
fn finish<S, X>(reporter: Reporter<'_>, end: LoopEnd<S, X>, timings: Timings) -> Result<Solution<S, X>> {
    let steps = end.steps.item()? as usize;
    let outcome = match Outcome::from_code(end.outcome.item()? as i32) {
        Outcome::Stopped if reporter.late => Outcome::TimeLimit,
        outcome => outcome,
    };
    let statistics = match &end.table {
        Some(table) => rows(table, reporter.columns.len(), steps)?,
        None => Vec::new(),
    };
    let mut times = reporter.times;
    times.push((steps.saturating_sub(1), timings.run.as_secs_f64()));
    let history = History::new(&reporter.columns, reporter.first_step, &statistics, &times);
    let next_step = reporter.first_step + steps;
    Ok(Solution { x: end.x, outcome, steps, next_step, state: end.state, history, timings })
}

/// The first rows of a table.
fn rows(table: &Array, columns: usize, count: usize) -> Result<Vec<Vec<f64>>> {
    let table = table.tensor()?;
    let numbers: Vec<f64> = table.scalars().take(columns * count).map(|number| number.as_f64()).collect();
    Ok(numbers.chunks(columns.max(1)).map(<[f64]>::to_vec).collect())
}

/// One step from a state, as a compiled program of its own. What the method prepares is computed in each such step.
///
/// # Errors
/// As [`solve`].
pub fn step<M: Method>(method: &M, state: &M::State) -> Result<M::State> {
    let advance = |state: M::State| match method.prepare() {
        Ok(prepared) => method.step(&prepared, &state),
        Err(error) => with_error(&state, &error),
    };
    jit(advance).call(state.clone())
}

/// Runs a method on each slice of `data` along axis 0, such as the channels of an image, in one program. `data` is an array
/// or a [`Tree`] of them, such as measurements together with a parameter for each.
///
/// `build` makes the method for one slice. A slice that has met a stopping rule stays as it is while others go on.
/// The result's arrays have the slices along axis 0. Rows are not reported to the host; [`solve_batched_watched`] does.
///
/// # Errors
/// As [`solve`]; errors of `build`.
pub fn solve_batched<M: Method, D: Tree>(
    build: impl Fn(D) -> Result<M>,
    data: &D,
    options: &Options,
) -> Result<LoopEnd<M::State, M::Variable>> {
    // The structure of a state is not known before a method is built, and none is built where building fails.
    build(data.map_leaves(|leaf| leaf.index_axis(0, 0)))?;
    let options = Options { report_every: 0, ..options.clone() };
    jit(vmap(|slice: D| solve_slice(&build, slice, &options))).call(data.clone())
}

/// As [`solve_batched`], followed by the caller. A report is one for all slices: its row has the columns of the first
/// slice, then those of the second, and so on, with NaN for slices that have finished. Breaking stops all of them.
///
/// ```
/// use cotangent::Array;
/// use cotangent::functional::L1Norm;
/// use cotangent::linop::Identity;
/// use cotangent::loss::SquaredL2Loss;
/// use cotangent::optimize::{Options, Pdhg, Report, Watch, solve_batched_watched};
/// use std::ops::ControlFlow;
///
/// let channels = Array::from([[1.0f32, -2.0], [0.5, 4.0], [3.0, 0.0]]);
/// let denoise = |y: Array| {
///     let identity = Identity::new(y.ty()?);
///     Ok(Pdhg::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), identity, 0.5, 0.5))
/// };
/// let mut seen = Vec::new();
/// let mut show = |report: &Report<'_>| {
///     seen.push((report.step, report.row.len() / report.columns.len()));
///     ControlFlow::Continue(())
/// };
/// let watch = Watch { callback: Some(&mut show), ..Watch::default() };
/// let options = Options { max_steps: 5, report_every: 2, ..Options::default() };
/// let end = solve_batched_watched(denoise, &channels, &options, watch)?;
/// assert_eq!(end.x.shape()?[..], [3, 2]);
/// assert_eq!(seen, [(0, 3), (2, 3), (4, 3)]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As [`solve_batched`].
pub fn solve_batched_watched<M: Method, D: Tree>(
    build: impl Fn(D) -> Result<M>,
    data: &D,
    options: &Options,
    watch: Watch<'_>,
) -> Result<LoopEnd<M::State, M::Variable>> {
    let method = build(data.map_leaves(|leaf| leaf.index_axis(0, 0)))?;
    let template = RefCell::new(None);
    let whole = |data: D| {
        let end = vmap(|slice: D| solve_slice(&build, slice, options)).apply(data);
        *template.borrow_mut() = Some(end.clone());
        end
    };
    let traced = jit(&whole).traced(data)?;
    let template = template.take().unwrap_or_else(|| cotangent_ir::error::internal("a function that was not recorded"));
    let mut arguments = traced.captures;
    data.push_leaves(&mut arguments);
    let mut reporter = Reporter::new(&method, options, watch);
    let Executed { results, .. } = execute(&traced.func, &arguments, |prepared| {
        reporter.start = Instant::now();
        prepared(&mut |row, statistics| reporter.report(row, statistics))
    })?;
    Ok(template.with_leaves(results))
}

/// The loop for one slice, the method of which is built within the traced function.
fn solve_slice<M: Method, D>(
    build: &impl Fn(D) -> Result<M>,
    slice: D,
    options: &Options,
) -> LoopEnd<M::State, M::Variable> {
    match build(slice) {
        Ok(method) => {
            let init = method.init();
            trace_loop(&method, options, init)
        }
        Err(error) => cotangent_ir::error::internal(&format!("a method built once was not built again: {error}")),
    }
}

/// What happens at a report.
struct Reporter<'a> {
    columns: Vec<Column>,
    first_step: usize,
    watch: Watch<'a>,
    time_limit: Option<Duration>,
    /// Whether the callback is shown rows.
    shown: bool,
    start: Instant,
    /// Positions of the rows reported, with seconds since the start.
    times: Vec<(usize, f64)>,
    /// Whether the time limit was passed.
    late: bool,
}

impl<'a> Reporter<'a> {
    fn new(method: &impl Method, options: &Options, watch: Watch<'a>) -> Reporter<'a> {
        Reporter {
            columns: method.columns(),
            first_step: options.first_step,
            watch,
            time_limit: options.stop.time,
            shown: options.report_every > 0,
            start: Instant::now(),
            times: Vec::new(),
            late: false,
        }
    }

    /// Reads the clock, shows the row, and answers whether to stop.
    fn report(&mut self, row: i64, statistics: &[f64]) -> bool {
        let elapsed = self.start.elapsed();
        let position = usize::try_from(row).unwrap_or(0);
        self.times.push((position, elapsed.as_secs_f64()));
        let step = self.first_step + position;
        let report = Report { step, elapsed, columns: &self.columns, row: statistics };
        let callback = self.watch.callback.as_mut().filter(|_| self.shown);
        let broken = callback.is_some_and(|callback| callback(&report).is_break());
        if broken || self.watch.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return true;
        }
        self.late = self.time_limit.is_some_and(|limit| elapsed >= limit);
        self.late
    }
}
