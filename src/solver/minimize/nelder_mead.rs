//! The simplex method of Nelder and Mead.

use super::{GOING_ON, MinimizeOutcome, Minimizer, Minimum, Objective};
use crate::{Array, DType, Function, Type, cond, impl_tree, vmap, while_loop};

/// Nelder and Mead's method, which needs no gradient: of a simplex of `n + 1` points, the worst is reflected through the
/// middle of the others, and farther or nearer by what the value there is; if nothing helps, the simplex shrinks towards the
/// best (A simplex method for function minimization, 1965). For few coordinates only.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{NelderMead, minimize};
/// // The distance from a point, which has no derivative there.
/// let f = |x: &Array| (x - 3.0).square().sum().sqrt();
/// let found = minimize(f, &Array::from([0.0f64, 1.0]), &NelderMead::default()).converged()?;
/// assert!(found.x.to_vec::<f64>()?.iter().all(|x| (x - 3.0).abs() < 1e-3));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NelderMead {
    /// Converged once no point of the simplex differs from the best by more in any coordinate, and
    pub step_tolerance: f64,
    /// no value differs from the best by more.
    pub value_tolerance: f64,
    /// The most iterations; 200 for each coordinate if `None`.
    pub max_iterations: Option<i32>,
    /// The most evaluations; 200 for each coordinate if `None`.
    pub max_evaluations: Option<i32>,
}

impl Default for NelderMead {
    /// 1e-4 for both tolerances.
    fn default() -> NelderMead {
        NelderMead { step_tolerance: 1e-4, value_tolerance: 1e-4, max_iterations: None, max_evaluations: None }
    }
}

#[derive(Clone)]
struct State {
    /// A point a row, the best first.
    points: Array,
    values: Array,
    iterations: Array,
    evaluations: Array,
    outcome: Array,
}
impl_tree!(State { points, values, iterations, evaluations, outcome });

impl Minimizer for NelderMead {
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum {
        let Ok(ty) = start.ty() else { return super::failed_flat(start) };
        let run = Run { method: self, objective, ty };
        let count = run.ty.len();
        let points = run.first_simplex(start);
        let values = run.values(&points);
        let finite = values.index_axis(0, 0).is_finite();
        let (points, values) = sorted(&points, &values);
        let init = State {
            points,
            values,
            iterations: Array::from(1i32),
            evaluations: Array::from(count as i32 + 1),
            outcome: finite.select(GOING_ON, MinimizeOutcome::NonFinite.code()),
        };
        let end = while_loop(|state: State| state.outcome.equal(GOING_ON), |state| run.advance(state), init);
        Minimum {
            x: end.points.index_axis(0, 0),
            value: end.values.index_axis(0, 0),
            iterations: end.iterations,
            evaluations: end.evaluations,
            outcome: end.outcome,
        }
    }
}

struct Run<'a> {
    method: &'a NelderMead,
    objective: &'a Objective<'a>,
    ty: Type,
}

impl Run<'_> {
    fn values(&self, points: &Array) -> Array {
        vmap(|x: Array| self.objective.value(&x)).apply(points.clone())
    }

    /// The start, and for each coordinate the start with that one longer by a twentieth, or 0.00025 if it is zero.
    fn first_simplex(&self, start: &Array) -> Array {
        let moved = start.equal(0).select(0.00025, 1.05 * start);
        let unit = Array::eye(self.ty.len(), DType::Bool);
        crate::concatenate(&[start.expand_dims(0), unit.select(moved, start)], 0)
    }

    /// One iteration, if the simplex is not small enough.
    fn advance(&self, state: State) -> State {
        let State { points, values, iterations, evaluations, .. } = &state;
        let count = self.ty.len();
        let best = points.narrow(0, 0, 1);
        let spread = (points - &best).abs().max();
        let difference = (values - values.narrow(0, 0, 1)).abs().max();
        let small = spread.less_equal(self.method.step_tolerance) & difference.less_equal(self.method.value_tolerance);
        let limit = |own: Option<i32>| own.unwrap_or(200 * count as i32);
        let many = iterations.greater_equal(limit(self.method.max_iterations));
        let often = evaluations.greater_equal(limit(self.method.max_evaluations));
        let outcome = small.select(
            MinimizeOutcome::Converged.code(),
            often.select(
                MinimizeOutcome::EvaluationLimit.code(),
                many.select(MinimizeOutcome::IterationLimit.code(), GOING_ON),
            ),
        );
        let going_on = outcome.equal(GOING_ON);
        cond(going_on, |state: State| self.next(state), |state| state, State { outcome, ..state })
    }

    /// The next simplex.
    fn next(&self, state: State) -> State {
        let State { points, values, iterations, evaluations, outcome } = state;
        let count = self.ty.len();
        let value_at = |row: usize| values.index_axis(0, row as isize);
        let worst = points.index_axis(0, count as isize);
        let middle = points.narrow(0, 0, count).sum_axes(&[0]) / count as f64;
        let along = |factor: Array| &middle + factor * (&middle - &worst);
        let one = value_at(0).ones_like();
        let reflected = along(one.clone());
        let value = self.objective.value(&reflected);

        // Farther if the reflected point is the best, nearer if it is not better than the second worst.
        let farther = value.less(value_at(0));
        let nearer = value.less(value_at(count - 1)).logical_not();
        let outside = value.less(value_at(count));
        let factor = farther.select(2.0 * &one, outside.select(0.5 * &one, -0.5 * &one));
        let second = along(factor);
        let tries = &farther | &nearer;
        let second_value = cond(tries.clone(), |x: Array| self.objective.value(&x), |_| value.clone(), second.clone());
        let better = farther.select(
            second_value.less(&value),
            outside.select(second_value.less_equal(&value), second_value.less(value_at(count))),
        );
        let takes_second = &tries & better;
        let shrinks = &nearer & takes_second.logical_not();
        let new = takes_second.select(second, reflected);
        let new_value = takes_second.select(second_value, &value);
        let with_new = points.at(&[(count as isize).into()]).set(&new);
        let values_with_new = values.at(&[(count as isize).into()]).set(&new_value);

        let (points, values) = cond(
            shrinks.clone(),
            |(points, _): (Array, Array)| {
                let best = points.narrow(0, 0, 1);
                let shrunk = &best + 0.5 * (&points - &best);
                let values = self.values(&shrunk);
                (shrunk, values)
            },
            |_| (with_new.clone(), values_with_new.clone()),
            (points.clone(), values.clone()),
        );
        let (points, values) = sorted(&points, &values);
        let more = 1i32 + tries.astype(DType::I32) + shrinks.select(count as i32, 0);
        State { points, values, iterations: iterations + 1i32, evaluations: evaluations + more, outcome }
    }
}

/// Points and values by value.
fn sorted(points: &Array, values: &Array) -> (Array, Array) {
    let order = values.argsort(0);
    (points.take(&order, 0), values.take(&order, 0))
}
