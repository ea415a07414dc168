//! The loop that methods of descent share: a direction, a line search along it, an update.

use super::line_search::{Found, LineSearch};
use super::{GOING_ON, MinimizeOutcome, Minimum, Objective, Point, rounding, select};
use crate::{Array, DType, Tree, impl_tree, while_loop};

/// When a method of descent ends, and how it searches along a direction.
pub(super) struct Descent {
    pub(super) gradient_tolerance: f64,
    pub(super) max_iterations: i32,
    pub(super) search: LineSearch,
}

/// A step that was made.
pub(super) struct Step<'a> {
    pub(super) from: &'a Point,
    pub(super) to: &'a Point,
}

impl Step<'_> {
    /// The difference of the points.
    pub(super) fn moved(&self) -> Array {
        &self.to.x - &self.from.x
    }

    /// The difference of the gradients.
    pub(super) fn change(&self) -> Array {
        &self.to.gradient - &self.from.gradient
    }
}

#[derive(Clone)]
struct State<M> {
    point: Point,
    /// What the method knows.
    model: M,
    /// The value at the point before, which tells how long the next step may be.
    previous: Array,
    iterations: Array,
    evaluations: Array,
    outcome: Array,
}
impl_tree!(State<M> { point, model, previous, iterations, evaluations, outcome });

/// Goes from `start` along the directions that `direction` gives by what the method knows, its model, which `update` brings
/// up to date after each step. Where a direction does not descend, or the search along it fails, `reset` gives the model to
/// begin anew with, along the gradient; the run ends if that fails, too.
pub(super) fn descend<M: Tree>(
    descent: &Descent,
    objective: &Objective<'_>,
    start: &Array,
    model: M,
    direction: impl Fn(&M, &Point) -> Array,
    update: impl Fn(M, &Step<'_>) -> M,
    reset: impl Fn(&Point) -> M,
) -> Minimum {
    let dtype = start.dtype().unwrap_or(DType::F32);
    let stationary = |point: &Point| point.gradient.abs().max().less_equal(descent.gradient_tolerance);
    let point = objective.at(start);
    let finite = point.value.is_finite() & point.gradient.is_finite().all();
    let converged = stationary(&point).select(MinimizeOutcome::Converged.code(), GOING_ON);
    let init = State {
        outcome: finite.select(converged, MinimizeOutcome::NonFinite.code()),
        // As if the last step had decreased the function by half of the gradient's length.
        previous: &point.value + 0.5 * point.gradient.dot(&point.gradient).sqrt(),
        point,
        model,
        iterations: Array::from(0i32),
        evaluations: Array::from(1i32),
    };
    let advance = |state: State<M>| {
        let State { point, model, previous, iterations, evaluations, .. } = state;
        let own = direction(&model, &point);
        let slope = own.dot(&point.gradient);
        let downhill = slope.less(0.0);
        let along = downhill.select(own, -&point.gradient);
        let slope = downhill.select(slope, -point.gradient.dot(&point.gradient));
        let first = 1.01 * 2.0 * (&point.value - previous) / &slope;
        let first = first.greater(0.0).select(first.minimum(1.0), 1.0);
        let Found { point: next, step, evaluations: more, accepted, .. } =
            descent.search.run(objective, &point, &along, &slope, &first);
        let accepted = accepted & step.greater(0.0);

        let iterations = &iterations + accepted.astype(DType::I32);
        let many = iterations.greater_equal(descent.max_iterations);
        let limited = many.select(MinimizeOutcome::IterationLimit.code(), GOING_ON);
        let after_step = stationary(&next).select(MinimizeOutcome::Converged.code(), &limited);
        // What rounding errors leave of the function cannot be decreased.
        let size = point.value.abs().maximum(1.0);
        let exhausted = (-&slope).less_equal(10.0 * rounding(dtype) * size);
        let last = exhausted.select(MinimizeOutcome::Converged.code(), MinimizeOutcome::LineSearchFailed.code());
        let steepest = (&along + &point.gradient).equal(0.0).all();
        let after_failure = (steepest | exhausted).select(last, limited);
        let model = select(&accepted, &update(model, &Step { from: &point, to: &next }), &reset(&point));
        State {
            outcome: accepted.select(after_step, after_failure),
            previous: point.value.clone(),
            point: select(&accepted, &next, &point),
            model,
            iterations,
            evaluations: evaluations + more,
        }
    };
    let end = while_loop(|state: State<M>| state.outcome.equal(GOING_ON), advance, init);
    Minimum {
        x: end.point.x,
        value: end.point.value,
        iterations: end.iterations,
        evaluations: end.evaluations,
        outcome: end.outcome,
    }
}
