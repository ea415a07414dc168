//! The driver: from a method to one program that runs all its steps.
//!
//! The loop carries the number of the step, the code of the outcome, the state, and the table of statistics. A step that
//! ends the loop sets the outcome, and the loop's condition sees it. Where non-finite states are watched for, the state
//! before the last is carried too: which of the two is the result is decided once, after the loop, and moving a state
//! from one place to the other is a matter of names, not of copies.

use super::execute::{Executed, execute};
use super::{Column, History, Method, Outcome, Report, Solution, Timings, Watch};
use crate::{Array, DType, Error, ErrorKind, Function, Result, Tree, impl_tree, jit, stack, vmap, while_loop};
use cotangent_ir::prim::effect::tap;
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How a method is run.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// The most steps.
    pub max_steps: usize,
    /// Ends the loop once the method calls itself converged at this tolerance; never if `None`.
    pub tolerance: Option<f64>,
    /// Ends the loop at infinity or NaN in a working variable, and keeps the state before.
    pub stop_on_nonfinite: bool,
    /// Records statistics of each step. What nothing else needs is not computed if false.
    pub record: bool,
    /// Reports every so many steps to the host, which reads its clock, shows the row to the caller's callback and asks
    /// whether to stop; never if 0.
    pub report_every: usize,
    /// The number of the first step in the column `Iter`.
    pub first_step: usize,
}

impl Default for Options {
    /// 100 steps without a stopping rule, recorded, with a report every 10.
    fn default() -> Options {
        Options {
            max_steps: 100,
            tolerance: None,
            stop_on_nonfinite: false,
            record: true,
            report_every: 10,
            first_step: 0,
        }
    }
}

/// The end of a loop that is a part of a traced function.
#[derive(Clone)]
pub struct LoopEnd<S> {
    /// The solution.
    pub x: Array,
    /// The last state, finite if that is watched for.
    pub state: S,
    /// Number of steps made, i32.
    pub steps: Array,
    /// Why the loop ended, i32, for [`Outcome::from_code`].
    pub outcome: Array,
    /// Statistics: a row for each of the most steps (at least one), those not made zero, a column for each of the
    /// method's.
    pub table: Option<Array>,
}
impl_tree!(LoopEnd<S> { x, state, steps, outcome, table });

/// What the loop carries.
#[derive(Clone)]
struct Carry<S> {
    step: Array,
    outcome: Array,
    state: S,
    previous: Option<S>,
    table: Option<Array>,
}
impl_tree!(Carry<S> { step, outcome, state, previous, table });

/// Runs a method from its initial state. The whole loop is one compiled program.
///
/// # Errors
/// A problem that does not fit the method: shapes, dtypes, structures. Early stops are outcomes, not errors.
pub fn solve<M: Method>(method: &M, options: &Options) -> Result<Solution<M::State>> {
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
pub fn solve_watched<M: Method>(method: &M, options: &Options, watch: Watch<'_>) -> Result<Solution<M::State>> {
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
) -> Result<Solution<M::State>> {
    run(method, options, Some(state), watch)
}

/// Records, compiles and runs the loop, from the method's own initial state if none is given.
fn run<M: Method>(
    method: &M,
    options: &Options,
    init: Option<M::State>,
    watch: Watch<'_>,
) -> Result<Solution<M::State>> {
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
fn finish<S>(reporter: Reporter<'_>, end: LoopEnd<S>, timings: Timings) -> Result<Solution<S>> {
    let steps = end.steps.item()? as usize;
    let outcome = Outcome::from_code(end.outcome.item()? as i32);
    let statistics = match &end.table {
        Some(table) => rows(table, reporter.columns.len(), steps)?,
        None => Vec::new(),
    };
    let mut times = reporter.times;
    times.push((steps.saturating_sub(1), timings.run.as_secs_f64()));
    let history = History::new(&reporter.columns, reporter.first_step, &statistics, &times);
    Ok(Solution { x: end.x, outcome, steps, state: end.state, history, timings })
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

/// Runs a method on each slice of `data` along axis 0, such as the channels of an image, in one program.
///
/// `build` makes the method for one slice. With a tolerance, a slice that has converged stays as it is while others go on.
/// The result's arrays have the slices along axis 0. Rows are not reported to the host; [`solve_batched_watched`] does.
///
/// # Errors
/// As [`solve`]; errors of `build`.
pub fn solve_batched<M: Method>(
    build: impl Fn(Array) -> Result<M>,
    data: &Array,
    options: &Options,
) -> Result<LoopEnd<M::State>> {
    // The structure of a state is not known before a method is built, and none is built where building fails.
    build(data.index_axis(0, 0))?;
    let options = Options { report_every: 0, ..options.clone() };
    jit(vmap(|slice: Array| solve_slice(&build, slice, &options))).call(data.clone())
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
pub fn solve_batched_watched<M: Method>(
    build: impl Fn(Array) -> Result<M>,
    data: &Array,
    options: &Options,
    watch: Watch<'_>,
) -> Result<LoopEnd<M::State>> {
    let method = build(data.index_axis(0, 0))?;
    let template = RefCell::new(None);
    let whole = |data: Array| {
        let end = vmap(|slice: Array| solve_slice(&build, slice, options)).apply(data);
        *template.borrow_mut() = Some(end.clone());
        end
    };
    let traced = jit(&whole).traced(data)?;
    let template = template.take().unwrap_or_else(|| cotangent_ir::error::internal("a function that was not recorded"));
    let mut arguments = traced.captures;
    arguments.push(data.clone());
    let mut reporter = Reporter::new(&method, options, watch);
    let Executed { results, .. } = execute(&traced.func, &arguments, |prepared| {
        reporter.start = Instant::now();
        prepared(&mut |row, statistics| reporter.report(row, statistics))
    })?;
    Ok(template.with_leaves(results))
}

/// The loop for one slice, the method of which is built within the traced function.
fn solve_slice<M: Method>(build: &impl Fn(Array) -> Result<M>, slice: Array, options: &Options) -> LoopEnd<M::State> {
    match build(slice) {
        Ok(method) => {
            let init = method.init();
            trace_loop(&method, options, init)
        }
        Err(error) => cotangent_ir::error::internal(&format!("a method built once was not built again: {error}")),
    }
}

/// The loop of a method as a part of the traced function that calls this.
///
/// A mistake in the problem is an error value in every result.
pub fn trace_loop<M: Method>(method: &M, options: &Options, init: M::State) -> LoopEnd<M::State> {
    match record_loop(method, options, init.clone()) {
        Ok(end) => end,
        Err(error) => {
            let wrong = Array::from_error(error.clone());
            LoopEnd {
                x: wrong.clone(),
                state: with_error(&init, &error),
                steps: wrong.clone(),
                outcome: wrong.clone(),
                table: options.record.then_some(wrong),
            }
        }
    }
}

fn record_loop<M: Method>(method: &M, options: &Options, init: M::State) -> Result<LoopEnd<M::State>> {
    let limit = i32::try_from(options.max_steps).map_err(|_| {
        let message = format!("`max_steps` = {} does not fit an i32; solve in parts", options.max_steps);
        Error::new(ErrorKind::Argument, "solve", message)
    })?;
    let prepared = method.prepare()?;
    let dtype = row_dtype(method, &init)?;
    let columns = method.columns().len();
    let start = Carry {
        step: Array::from(0i32),
        outcome: Array::from(0i32),
        state: init.clone(),
        previous: options.stop_on_nonfinite.then_some(init),
        table: options.record.then(|| Array::zeros(&[options.max_steps.max(1), columns], dtype)),
    };
    let end = while_loop(
        |carry: Carry<M::State>| carry.step.less(limit) & carry.outcome.equal(0i32),
        |carry: Carry<M::State>| advance(method, options, &prepared, dtype, carry),
        start,
    );
    let Carry { step, outcome, state, previous, table } = end;
    let (state, steps) = match previous {
        Some(previous) => {
            let broken = outcome.equal(Outcome::NonFinite.code());
            (select(&broken, &previous, &state), step - broken.astype(DType::I32))
        }
        None => (state, step),
    };
    Ok(LoopEnd { x: method.minimizer(&state), state, steps, outcome, table })
}

/// One iteration of the loop.
fn advance<M: Method>(
    method: &M,
    options: &Options,
    prepared: &M::Prepared,
    dtype: DType,
    carry: Carry<M::State>,
) -> Carry<M::State> {
    let Carry { step, mut outcome, state: previous, table, .. } = carry;
    let going_on = outcome.equal(0i32);
    let state = method.step(prepared, &previous);
    let statistics = method.statistics(&previous, &state);
    if let Some(tolerance) = options.tolerance {
        let done = method.done(&previous, &state, &statistics, tolerance);
        outcome = done.select(Outcome::Converged.code(), outcome);
    }
    let columns: Vec<Array> = statistics.iter().map(|value| value.astype(dtype)).collect();
    let row = stack(&columns, 0);
    if options.report_every > 0 {
        // In a batch, what has finished is stepped along with what goes on; it is not to be reported.
        let reported = going_on.select(&row, f64::NAN);
        let stop = tap(&step, &reported, options.report_every);
        outcome = stop.select(Outcome::Stopped.code(), outcome);
    }
    let previous = options.stop_on_nonfinite.then(|| {
        let finite = method.working(&state).iter().map(|array| array.is_finite().all()).reduce(|a, b| a & b);
        if let Some(finite) = finite {
            outcome = finite.select(&outcome, Outcome::NonFinite.code());
        }
        previous
    });
    let table = table.map(|table| table.dynamic_update_slice(&row.expand_dims(0), &[step.clone(), Array::from(0i32)]));
    Carry { step: step + 1i32, outcome, state, previous, table }
}

/// The dtype of statistics: real, of the precision of the solution.
fn row_dtype<M: Method>(method: &M, init: &M::State) -> Result<DType> {
    let dtype = method.minimizer(init).dtype()?.real();
    Ok(if dtype.is_float() { dtype } else { DType::F32 })
}

/// `on_true` or `on_false`, leaf by leaf.
fn select<S: Tree>(predicate: &Array, on_true: &S, on_false: &S) -> S {
    let pairs = on_true.leaves().into_iter().zip(on_false.leaves());
    on_false.with_leaves(pairs.map(|(yes, no)| predicate.select(yes, no)).collect())
}

fn with_error<S: Tree>(template: &S, error: &Error) -> S {
    template.map_leaves(|_| Array::from_error(error.clone()))
}

/// What happens at a report.
struct Reporter<'a> {
    columns: Vec<Column>,
    first_step: usize,
    watch: Watch<'a>,
    start: Instant,
    /// Positions of the rows reported, with seconds since the start.
    times: Vec<(usize, f64)>,
}

impl<'a> Reporter<'a> {
    fn new(method: &impl Method, options: &Options, watch: Watch<'a>) -> Reporter<'a> {
        let columns = method.columns();
        Reporter { columns, first_step: options.first_step, watch, start: Instant::now(), times: Vec::new() }
    }

    /// Reads the clock, shows the row, and answers whether to stop.
    fn report(&mut self, row: i64, statistics: &[f64]) -> bool {
        let elapsed = self.start.elapsed();
        let position = usize::try_from(row).unwrap_or(0);
        self.times.push((position, elapsed.as_secs_f64()));
        let step = self.first_step + position;
        let report = Report { step, elapsed, columns: &self.columns, row: statistics };
        let broken = self.watch.callback.as_mut().is_some_and(|callback| callback(&report).is_break());
        broken || self.watch.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}
