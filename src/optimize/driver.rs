//! The loop of a method as traced code: all its steps, its stopping rules and its statistics.
//!
//! The loop carries the number of the step, the code of the outcome, the state, and the table of statistics. A step that
//! ends the loop sets the outcome, and the loop's condition sees it. Where non-finite states are watched for, the state
//! before the last is carried too: which of the two is the result is decided once, after the loop, and moving a state
//! from one place to the other is a matter of names, not of copies.

use super::{Method, Options, Outcome};
use crate::inner::{difference, norm};
use crate::{Array, DType, Error, ErrorKind, Result, Tree, impl_tree, stack, while_loop};
use cotangent_ir::prim::effect::tap;

/// The end of a loop that is a part of a traced function.
#[derive(Clone)]
pub struct LoopEnd<S, X = Array> {
    /// The solution.
    pub x: X,
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
impl_tree!(LoopEnd<S, X> { x, state, steps, outcome, table });

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

/// The loop of a method as a part of the traced function that calls this.
///
/// A mistake in the problem is an error value in every result.
pub fn trace_loop<M: Method>(method: &M, options: &Options, init: M::State) -> LoopEnd<M::State, M::Variable> {
    match record_loop(method, options, init.clone()) {
        Ok(end) => end,
        Err(error) => {
            let wrong = Array::from_error(error.clone());
            LoopEnd {
                x: with_error(&method.minimizer(&init), &error),
                state: with_error(&init, &error),
                steps: wrong.clone(),
                outcome: wrong.clone(),
                table: options.record.then_some(wrong),
            }
        }
    }
}

fn record_loop<M: Method>(method: &M, options: &Options, init: M::State) -> Result<LoopEnd<M::State, M::Variable>> {
    let limit = i32::try_from(options.max_steps).map_err(|_| {
        let message = format!("`max_steps` = {} does not fit an i32; solve in parts", options.max_steps);
        Error::new(ErrorKind::Argument, "solve", message)
    })?;
    let rules = Rules {
        prepared: method.prepare()?,
        dtype: row_dtype(method, &init)?,
        limits: options.stop.limited(&method.columns())?,
    };
    let columns = method.columns().len();
    let start = Carry {
        step: Array::from(0i32),
        outcome: Array::from(0i32),
        state: init.clone(),
        previous: options.stop_on_nonfinite.then_some(init),
        table: options.record.then(|| Array::zeros(&[options.max_steps.max(1), columns], rules.dtype)),
    };
    let end = while_loop(
        |carry: Carry<M::State>| carry.step.less(limit) & carry.outcome.equal(0i32),
        |carry: Carry<M::State>| advance(method, options, &rules, carry),
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
    let outcome = match method.gave_up(&state) {
        Some(gave_up) => (outcome.equal(0i32) & gave_up).select(Outcome::SearchFailed.code(), outcome),
        None => outcome,
    };
    Ok(LoopEnd { x: method.minimizer(&state), state, steps, outcome, table })
}

/// What the iterations of a loop share.
struct Rules<P> {
    /// What the method prepared.
    prepared: P,
    /// The dtype of statistics.
    dtype: DType,
    /// The statistics that end the loop, by position, with their limits.
    limits: Vec<(usize, f64)>,
}

/// One iteration of the loop.
fn advance<M: Method>(
    method: &M,
    options: &Options,
    rules: &Rules<M::Prepared>,
    carry: Carry<M::State>,
) -> Carry<M::State> {
    let Carry { step, mut outcome, state: previous, table, .. } = carry;
    let going_on = outcome.equal(0i32);
    let state = method.step(&rules.prepared, &previous);
    let statistics = method.statistics(&previous, &state);
    let residuals = options.stop.residuals.map(|tolerance| method.done(&previous, &state, &statistics, tolerance));
    let change = options.stop.change.map(|part| {
        let (x, old) = (method.minimizer(&state), method.minimizer(&previous));
        norm(&difference(&x, &old)).less_equal(norm(&x) * part)
    });
    let limited = rules.limits.iter().map(|&(position, limit)| statistics[position].less_equal(limit));
    let limited = limited.reduce(|a, b| a & b);
    for done in [residuals, change, limited].into_iter().flatten() {
        outcome = done.select(Outcome::Converged.code(), outcome);
    }
    let columns: Vec<Array> = statistics.iter().map(|value| value.astype(rules.dtype)).collect();
    let row = stack(&columns, 0);
    if options.asked_every() > 0 {
        // In a batch, what has finished is stepped along with what goes on; it is not to be reported.
        let reported = going_on.select(&row, f64::NAN);
        let stop = tap(&step, &reported, options.asked_every());
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
    let types = method.minimizer(init).leaf_types()?;
    let dtype = types.first().map_or(DType::F32, |ty| ty.dtype.real());
    Ok(if dtype.is_float() { dtype } else { DType::F32 })
}

/// `on_true` or `on_false`, leaf by leaf.
fn select<S: Tree>(predicate: &Array, on_true: &S, on_false: &S) -> S {
    let pairs = on_true.leaves().into_iter().zip(on_false.leaves());
    on_false.with_leaves(pairs.map(|(yes, no)| predicate.select(yes, no)).collect())
}

pub(super) fn with_error<S: Tree>(template: &S, error: &Error) -> S {
    template.map_leaves(|_| Array::from_error(error.clone()))
}
