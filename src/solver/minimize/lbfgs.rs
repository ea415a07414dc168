//! The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, with or without bounds.

use super::line_search::{Found, LineSearch};
use super::memory::Memory;
use super::{GOING_ON, MinimizeOutcome, Minimizer, Minimum, Objective, Point, rounding, select};
use crate::solver::minimize::objective::Layout;
use crate::{Array, DType, Error, ErrorKind, Result, Variable, impl_tree, while_loop};

/// L-BFGS: steps along `−H ∇f`, where `H` is the inverse Hessian as the last steps and changes of the gradient tell it (Liu
/// and Nocedal, 1989), with the line search of Moré and Thuente. Between bounds, the coordinates at or near a bound that
/// the gradient pushes outwards move along `−∇f`, the others along `−H ∇f`, and steps are projected (Bertsekas, Projected
/// Newton methods, 1982).
///
/// Without bounds, steps and stopping rules are those of L-BFGS-B.
#[derive(Clone, Debug)]
pub struct Lbfgs {
    /// How many steps are remembered.
    pub memory: usize,
    /// Converged once no component of the gradient, projected onto what the bounds allow, is larger.
    pub gradient_tolerance: f64,
    /// Converged once a step decreases the function by no more than this, relative to its size, or to 1 if that is less.
    pub value_tolerance: f64,
    /// The most iterations.
    pub max_iterations: i32,
    /// Ends the run at the first iteration after so many evaluations.
    pub max_evaluations: i32,
    /// The most evaluations in one line search.
    pub max_line_search: i32,
    /// The bounds of the variable as a real vector, from [`Bounds::new`].
    pub bounds: Option<Bounds>,
}

impl Default for Lbfgs {
    /// 10 pairs, 1e-5 for the gradient, 2.22e-9 for the value, 15000 iterations and evaluations, 20 in a line search.
    fn default() -> Lbfgs {
        Lbfgs {
            memory: 10,
            gradient_tolerance: 1e-5,
            value_tolerance: 2.220_446_049_250_313e-9,
            max_iterations: 15000,
            max_evaluations: 15000,
            max_line_search: 20,
            bounds: None,
        }
    }
}

impl Lbfgs {
    /// Between bounds.
    pub fn within(self, bounds: Bounds) -> Lbfgs {
        Lbfgs { bounds: Some(bounds), ..self }
    }
}

/// The least and greatest values of each coordinate; infinite where there is none.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::{Bounds, Lbfgs, minimize};
/// let start = Array::from([0.5f64; 3]);
/// let target = Array::from([3.0f64, -2.0, 0.25]);
/// let method = Lbfgs::default().within(Bounds::new(&start.zeros_like(), &start.ones_like())?);
/// let found = minimize(|x: &Array| (x - &target).square().sum(), &start, &method);
/// assert_eq!(found.x.to_vec::<f64>()?, [1.0, 0.0, 0.25]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bounds {
    least: Array,
    greatest: Array,
}

impl Bounds {
    /// Bounds of a variable like these two; of complex arrays, those of their real and imaginary parts.
    ///
    /// # Errors
    /// Two of different types. Where they are data: NaN, or a least value above the greatest.
    pub fn new<X: Variable>(least: &X, greatest: &X) -> Result<Bounds> {
        let refuse = |kind, message: String| Err(Error::new(kind, "Bounds", message));
        let (low, high) = (least.variable_type()?, greatest.variable_type()?);
        if low != high {
            return refuse(ErrorKind::Shape, format!("bounds {low} and {high} differ in type; make them alike"));
        }
        let layout = Layout::of(least)?;
        let (least, greatest) = (layout.pack(least), layout.pack(greatest));
        if least.less_equal(&greatest).to_bools().is_ok_and(|fits| fits.contains(&false)) {
            return refuse(ErrorKind::Argument, "a least value is above the greatest, or NaN; exchange them".into());
        }
        Ok(Bounds { least, greatest })
    }

    /// The bounds in the type of a vector.
    fn like(&self, x: &Array) -> Result<Bounds> {
        let (own, given) = (self.least.ty()?, x.ty()?);
        if own.shape != given.shape {
            let message = format!(
                "bounds for {} real coordinates, but there are {}; make them from arrays like the start",
                own.len(),
                given.len()
            );
            return Err(Error::new(ErrorKind::Shape, "Lbfgs", message));
        }
        Ok(Bounds { least: self.least.astype(given.dtype), greatest: self.greatest.astype(given.dtype) })
    }

    fn project(&self, x: &Array) -> Array {
        x.maximum(&self.least).minimum(&self.greatest)
    }

    /// One where a coordinate may move freely, zero where it is within `margin` of a bound that it would cross downhill.
    fn free(&self, point: &Point, margin: &Array) -> Array {
        let low = point.x.less_equal(&self.least + margin) & point.gradient.greater(0);
        let high = point.x.greater_equal(&self.greatest - margin) & point.gradient.less(0);
        (low | high).select(0.0, point.gradient.ones_like())
    }
}

/// What the loop carries.
#[derive(Clone)]
struct State {
    point: Point,
    memory: Memory,
    iterations: Array,
    evaluations: Array,
    outcome: Array,
}
impl_tree!(State { point, memory, iterations, evaluations, outcome });

impl Minimizer for Lbfgs {
    fn run(&self, objective: &Objective<'_>, start: &Array) -> Minimum {
        let outcome = self.check(start).and_then(|()| {
            let bounds = self.bounds.as_ref().map(|bounds| bounds.like(start)).transpose()?;
            let ty = start.ty()?;
            Ok((bounds, Memory::new(self.memory, ty.len(), ty.dtype), ty.dtype))
        });
        let (bounds, memory, dtype) = match outcome {
            Ok(checked) => checked,
            Err(error) => return super::failed(start, &error),
        };
        let run = Run { method: self, objective, bounds, dtype };
        let start = run.bounds.as_ref().map_or_else(|| start.clone(), |bounds| bounds.project(start));
        let point = objective.at(&start);
        let finite = point.value.is_finite() & point.gradient.is_finite().all();
        let converged = run.is_stationary(&point).select(MinimizeOutcome::Converged.code(), GOING_ON);
        let init = State {
            outcome: finite.select(converged, MinimizeOutcome::NonFinite.code()),
            point,
            memory,
            iterations: Array::from(0i32),
            evaluations: Array::from(1i32),
        };
        let end = while_loop(|state: State| state.outcome.equal(GOING_ON), |state| run.advance(state), init);
        Minimum {
            x: end.point.x,
            value: end.point.value,
            iterations: end.iterations,
            evaluations: end.evaluations,
            outcome: end.outcome,
        }
    }

    fn is_bounded(&self) -> bool {
        self.bounds.is_some()
    }
}

/// A run of the method.
struct Run<'a> {
    method: &'a Lbfgs,
    objective: &'a Objective<'a>,
    bounds: Option<Bounds>,
    dtype: DType,
}

impl Lbfgs {
    fn check(&self, start: &Array) -> Result<()> {
        start.ty()?;
        if self.memory == 0 {
            let message = "must remember at least one step; set `memory` to a positive number";
            return Err(Error::new(ErrorKind::Argument, "Lbfgs", message));
        }
        Ok(())
    }
}

impl Run<'_> {
    /// The gradient as far as the bounds allow to follow it downhill.
    fn projected_gradient(&self, point: &Point) -> Array {
        match &self.bounds {
            Some(bounds) => &point.x - bounds.project(&(&point.x - &point.gradient)),
            None => point.gradient.clone(),
        }
    }

    fn is_stationary(&self, point: &Point) -> Array {
        self.projected_gradient(point).abs().max().less_equal(self.method.gradient_tolerance)
    }

    /// One iteration. A line search that fails is repeated along the gradient, with nothing remembered; if it fails then,
    /// the run ends.
    fn advance(&self, state: State) -> State {
        let State { point, memory, iterations, evaluations, .. } = state;
        let (found, decrement) = match &self.bounds {
            None => self.search(&point, &memory),
            Some(bounds) => self.search_between(bounds, &point, &memory),
        };
        let evaluations = evaluations + found.evaluations;
        let (next, accepted) = (found.point, found.accepted);
        let step = &next.x - &point.x;
        let change = &next.gradient - &point.gradient;
        let curved = step.dot(&change).greater(rounding(self.dtype) * -point.gradient.dot(&step));
        let pushed = memory.push(&step, &change, &(&accepted & curved));
        let iterations = &iterations + accepted.astype(DType::I32);

        let largest = next.value.abs().maximum(point.value.abs()).maximum(1.0);
        let flat = (&point.value - &next.value).less_equal(self.method.value_tolerance * largest);
        let stationary = self.is_stationary(&next);
        let code = |flag: &Array, outcome: MinimizeOutcome, otherwise: Array| flag.select(outcome.code(), otherwise);
        let limit = evaluations.greater(self.method.max_evaluations);
        let limited = code(&limit, MinimizeOutcome::EvaluationLimit, Array::from(GOING_ON));
        let many = iterations.greater_equal(self.method.max_iterations);
        let limited = code(&many, MinimizeOutcome::IterationLimit, limited);
        let after_step = code(&(stationary | flat), MinimizeOutcome::Converged, limited.clone());
        // What rounding errors leave of the function cannot be decreased.
        let size = point.value.abs().maximum(1.0);
        let exhausted = decrement.less_equal(10.0 * rounding(self.dtype) * size);
        let last = code(&exhausted, MinimizeOutcome::Converged, Array::from(MinimizeOutcome::LineSearchFailed.code()));
        let after_failure = (memory.is_empty() | exhausted).select(last, limited);
        State {
            outcome: accepted.select(after_step, after_failure),
            memory: pushed.forget(&accepted.logical_not()),
            point: select(&accepted, &next, &point),
            iterations,
            evaluations,
        }
    }

    /// The next point without bounds, and by how much a step of one would decrease the function at the most.
    fn search(&self, point: &Point, memory: &Memory) -> (Found, Array) {
        let direction = -memory.apply(&point.gradient, None);
        let slope = point.gradient.dot(&direction);
        // The inverse Hessian as remembered is positive definite but for rounding errors.
        let downhill = slope.less(0.0);
        let direction = downhill.select(direction, -&point.gradient);
        let slope = downhill.select(slope, -point.gradient.dot(&point.gradient));
        let length = direction.dot(&direction).sqrt();
        let first = memory.is_empty().select(1.0 / length, 1.0);
        let rule = LineSearch { decrease: 1e-3, curvature: 0.9, width: 0.1, evaluations: self.method.max_line_search };
        let found = rule.run(self.objective, point, &direction, &slope, &first);
        let accepted = &found.accepted & found.step.greater(0.0);
        (Found { accepted, ..found }, -slope)
    }

    /// The next point between bounds, found by halving a projected step.
    fn search_between(&self, bounds: &Bounds, point: &Point, memory: &Memory) -> (Found, Array) {
        let gradient = &point.gradient;
        let margin = self.projected_gradient(point).square().sum().sqrt().minimum(1e-3);
        let free = bounds.free(point, &margin);
        let inner = gradient * &free;
        let direction = -memory.apply(&inner, Some(&free));
        let slope = inner.dot(&direction);
        let downhill = slope.less(0.0);
        let direction = downhill.select(direction, -&inner) - gradient * (1.0 - &free);
        let slope = downhill.select(slope, -inner.dot(&inner));
        let length = direction.dot(&direction).sqrt();
        let zero = slope.zeros_like();
        let init = Found {
            point: point.clone(),
            step: 2.0 * memory.is_empty().select((1.0 / length).minimum(1.0), 1.0),
            slope: zero,
            evaluations: Array::from(0i32),
            accepted: Array::from(false),
        };
        let go_on = |found: Found| found.accepted.logical_not() & found.evaluations.less(self.method.max_line_search);
        let halve = |found: Found| {
            let step = 0.5 * found.step;
            let next = self.objective.at(&bounds.project(&(&point.x + &step * &direction)));
            // What the free coordinates lose by a straight step, the others by the projected one.
            let moved = ((1.0 - &free) * gradient).dot(&(&point.x - &next.x)) - &step * &slope;
            let finite = next.value.is_finite() & next.gradient.is_finite().all();
            let accepted = next.value.less_equal(&point.value - 1e-4 * moved) & finite;
            Found {
                slope: next.gradient.dot(&direction),
                point: next,
                step,
                evaluations: found.evaluations + 1i32,
                accepted,
            }
        };
        let found = while_loop(go_on, halve, init);
        let decrement = gradient.dot(&self.projected_gradient(point));
        (found, decrement)
    }
}
