//! The line search of Moré and Thuente.
//!
//! Finds a step `α` along a direction of descent `d` with `f(x + α d) ≤ f(x) + c₁ α f'` and `|f'(x + α d)| ≤ c₂ |f'|`, where
//! `f'` is the slope along `d` (Moré and Thuente, Line search algorithms with guaranteed sufficient decrease, 1994). It is
//! scalar arithmetic beside one evaluation of the function and its gradient a pass; which of several formulas gives the next
//! step is decided by selecting among them, so that a batch of searches runs as one.

use super::objective::{Objective, Point};
use super::select;
use super::trial::{Interval, Sample, next_trial};
use crate::{Array, impl_tree, while_loop};

/// What a step must satisfy, and how many are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineSearch {
    /// `c₁`.
    pub(super) decrease: f64,
    /// `c₂`.
    pub(super) curvature: f64,
    /// The search ends once the bracket is this narrow relative to its end.
    pub(super) width: f64,
    /// The most evaluations.
    pub(super) evaluations: i32,
}

/// The outcome of a line search.
#[derive(Clone)]
pub(super) struct Found {
    /// The last point evaluated.
    pub(super) point: Point,
    /// The step that leads there.
    pub(super) step: Array,
    /// The slope there, along the direction.
    pub(super) slope: Array,
    /// How often the function was evaluated, i32.
    pub(super) evaluations: Array,
    /// Whether the point is one to go on from.
    pub(super) accepted: Array,
}
impl_tree!(Found { point, step, slope, evaluations, accepted });

/// Where the next step is looked for.
#[derive(Clone)]
struct Range {
    /// Between these the next step is.
    least: Array,
    most: Array,
    /// The widths of the last two brackets.
    width: Array,
    previous_width: Array,
}
impl_tree!(Range { least, most, width, previous_width });

#[derive(Clone)]
struct Search {
    interval: Interval,
    range: Range,
    /// Whether no step with the wanted decrease and a rising slope was seen yet.
    first_stage: Array,
    /// The step to be tried next.
    trial: Array,
    found: Found,
    searching: Array,
}
impl_tree!(Search { interval, range, first_stage, trial, found, searching });

/// The longest step.
pub(super) const LONGEST: f64 = 1e10;

impl LineSearch {
    /// Searches from `start`, where the slope along `direction` is `slope`, which is negative, beginning with the step
    /// `first`.
    pub(super) fn run(
        &self,
        objective: &Objective<'_>,
        start: &Point,
        direction: &Array,
        slope: &Array,
        first: &Array,
    ) -> Found {
        let zero = slope.zeros_like();
        let origin = Sample { step: zero.clone(), value: start.value.clone(), slope: slope.clone() };
        let first = first.minimum(LONGEST);
        let init = Search {
            interval: Interval { best: origin.clone(), other: origin, bracketed: Array::from(false) },
            first_stage: Array::from(true),
            range: Range {
                least: zero.clone(),
                most: 5.0 * &first,
                width: &zero + LONGEST,
                previous_width: &zero + 2.0 * LONGEST,
            },
            trial: first,
            found: Found {
                point: start.clone(),
                step: zero,
                slope: slope.clone(),
                evaluations: Array::from(0i32),
                accepted: Array::from(false),
            },
            searching: Array::from(true),
        };
        let go_on = |search: Search| search.searching & search.found.evaluations.less(self.evaluations);
        let pass = |search: Search| {
            let point = objective.at(&(&start.x + &search.trial * direction));
            let slope_there = point.gradient.dot(direction);
            self.judge(search, point, slope_there, &start.value, slope)
        };
        while_loop(go_on, pass, init).found
    }

    /// Takes note of a point that was tried: accepts it, or says what to try next.
    fn judge(&self, search: Search, point: Point, slope: Array, value: &Array, initial_slope: &Array) -> Search {
        let Search { interval, range, first_stage, trial, found, .. } = search;
        let wanted_slope = self.decrease * initial_slope;
        let decreased = point.value.less_equal(value + &trial * &wanted_slope);
        let first_stage = first_stage & (decreased.logical_not() | slope.less(0.0));
        // Where the interval cannot be narrowed any more, the point, which is the best one, is accepted as it is.
        let exhausted = &interval.bracketed & self.is_exhausted(&trial, &range.least, &range.most);
        let farthest = trial.greater_equal(LONGEST) & &decreased & slope.less_equal(&wanted_slope);
        let flat = slope.abs().less_equal(-self.curvature * initial_slope);
        let finite = point.value.is_finite() & slope.is_finite();
        let accepted = (exhausted | farthest | (&decreased & flat)) & &finite;

        // In the first stage, a function less steep by the wanted decrease is modelled.
        let modified = &first_stage & decreased.logical_not() & point.value.less_equal(&interval.best.value);
        let tilt = modified.select(&wanted_slope, 0.0);
        let tried = Sample { step: trial.clone(), value: point.value.clone(), slope: slope.clone() };
        let tilted = (interval.tilted(&-&tilt), tried.tilted(&-&tilt));
        let (next, step) = next_trial(&tilted.0, &tilted.1, &range.least, &range.most, LONGEST);
        let next = next.tilted(&tilt);
        let (next_range, step) = self.next_range(&next, &range, step);

        // Where the function is not finite nothing is known but that the step was too long.
        let back = &interval.best.step + 0.1 * (&trial - &interval.best.step);
        Search {
            trial: finite.select(step, back),
            interval: select(&finite, &next, &interval),
            range: select(&finite, &next_range, &range),
            first_stage,
            searching: accepted.logical_not(),
            found: Found { point, step: trial, slope, evaluations: found.evaluations + 1i32, accepted },
        }
    }

    /// Where to look next, and the next step moved there.
    fn next_range(&self, interval: &Interval, range: &Range, step: Array) -> (Range, Array) {
        let Interval { best, other, bracketed } = interval;
        let (best, other) = (&best.step, &other.step);
        // A bracket that does not shrink by a third in two passes is halved.
        let span = (other - best).abs();
        let slow = bracketed & span.greater_equal(0.66 * &range.previous_width);
        let step = slow.select(best + 0.5 * (other - best), step);
        let beyond = |times: f64| &step + times * (&step - best);
        let least = bracketed.select(best.minimum(other), beyond(1.1));
        let most = bracketed.select(best.maximum(other), beyond(4.0));
        let step = step.clamp(0.0, LONGEST);
        let stuck = bracketed & self.is_exhausted(&step, &least, &most);
        let step = stuck.select(best, step);
        let width = bracketed.select(span, &range.width);
        let previous_width = bracketed.select(&range.width, &range.previous_width);
        (Range { least, most, width, previous_width }, step)
    }

    /// Whether a step is not inside of an interval, or that is as narrow as it may become.
    fn is_exhausted(&self, step: &Array, least: &Array, most: &Array) -> Array {
        let outside = step.less_equal(least) | step.greater_equal(most);
        outside | (most - least).less_equal(self.width * most)
    }
}
