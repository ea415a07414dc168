//! Recipes: problems for data of one shape, and the functions that are traced from them.
//!
//! The data are arguments of all functions. Other arrays that a problem uses, such as filters and angles, are captured, and
//! become constants of a kernel.

use crate::failure::Result;
use crate::part::{About, Part};
use cotangent::functional::Functional;
use cotangent::ir::error::internal;
use cotangent::optimize::{Column, LoopEnd, Method, Options, trace_loop};
use cotangent::{Array, Tree, Type, jit};
use std::cell::RefCell;

/// A problem for data of one shape.
pub(crate) struct Recipe {
    /// What is minimised, and how.
    pub(crate) text: &'static str,
    /// What was measured: the arguments of all functions.
    pub(crate) data: Vec<Argument>,
    /// What changes from step to step, the variable first.
    pub(crate) state: Vec<Meaning>,
    pub(crate) solution: Meaning,
    pub(crate) pose: Box<Pose>,
}

/// Poses a problem on data, which may be values of a function that is being traced.
pub(crate) type Pose = dyn Fn(&[Array]) -> cotangent::Result<Box<dyn Posed>>;

/// An argument of a problem's functions.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
    unit: &'static str,
    text: &'static str,
}

impl Argument {
    pub(crate) fn new(name: &'static str, ty: Type, text: &'static str) -> Argument {
        Argument { name, ty, unit: "", text }
    }

    pub(crate) fn unit(self, unit: &'static str) -> Argument {
        Argument { unit, ..self }
    }
}

/// A part of a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    name: &'static str,
    text: &'static str,
}

impl Meaning {
    pub(crate) const fn new(name: &'static str, text: &'static str) -> Meaning {
        Meaning { name, text }
    }

    fn about(&self) -> About {
        About::new(self.name, self.text)
    }
}

/// A problem posed on data, whatever its method is.
pub(crate) trait Posed {
    /// The names of the statistics of a step.
    fn columns(&self) -> Vec<Column>;

    /// The state before the first step.
    fn init(&self) -> Vec<Array>;

    /// The state after a step.
    fn step(&self, state: Vec<Array>) -> cotangent::Result<Vec<Array>>;

    /// The gradient of the data term.
    fn gradient(&self, x: &Array) -> cotangent::Result<Array>;

    /// All steps: the solution, the objective, the number of steps, why they ended, and the statistics.
    fn solve(&self, iterations: usize) -> Vec<Array>;
}

/// A problem with its method, its data term, and the way from the method's variable to the solution.
pub(crate) fn posed<M: Method<Variable = Array> + 'static>(
    method: M,
    data_term: impl Functional + 'static,
    solution: impl Fn(&Array) -> Array + 'static,
) -> Box<dyn Posed> {
    Box::new(Of { method, data_term, solution })
}

struct Of<M, F, S> {
    method: M,
    data_term: F,
    solution: S,
}

impl<M: Method<Variable = Array>, F: Functional, S: Fn(&Array) -> Array> Posed for Of<M, F, S> {
    fn columns(&self) -> Vec<Column> {
        self.method.columns()
    }

    fn init(&self) -> Vec<Array> {
        self.method.init().leaves()
    }

    fn step(&self, state: Vec<Array>) -> cotangent::Result<Vec<Array>> {
        let state = self.method.init().with_leaves(state);
        let prepared = self.method.prepare()?;
        Ok(self.method.step(&prepared, &state).leaves())
    }

    fn gradient(&self, x: &Array) -> cotangent::Result<Array> {
        self.data_term.grad(x)
    }

    fn solve(&self, iterations: usize) -> Vec<Array> {
        let options = Options { max_steps: iterations, ..Options::default() };
        let LoopEnd { x, steps, outcome, table, .. } = trace_loop(&self.method, &options, self.method.init());
        let table = table.unwrap_or_else(|| internal("a loop that was to be recorded has no statistics"));
        // The objective is the first of the statistics, and there is at least one step.
        let objective = table.dynamic_slice(&[&steps - 1i32, Array::from(0i32)], &[1, 1]).reshape(&[]);
        vec![(self.solution)(&x), objective, steps, outcome, table]
    }
}

/// What the code of an outcome means.
const OUTCOMES: &str = "Why it ended: 0 after all iterations, 2 as the caller asked to stop, 4 after all iterations with a last \
                        line search that failed.";

impl Recipe {
    /// The names of the functions.
    pub(crate) const PARTS: [&'static str; 4] = ["solve", "init", "step", "gradient"];

    /// The names of the statistics of a step.
    pub(crate) fn columns(&self) -> Result<Vec<Column>> {
        let columns = RefCell::new(Vec::new());
        let body = |data: Vec<Array>| match (self.pose)(&data) {
            Ok(posed) => {
                *columns.borrow_mut() = posed.columns();
                data
            }
            Err(error) => vec![Array::from_error(error)],
        };
        let data: Vec<Array> =
            self.data.iter().map(|argument| Array::zeros(&argument.ty.shape, argument.ty.dtype)).collect();
        jit(body).traced(&data)?;
        Ok(columns.take())
    }

    /// The function of that name, one of [`Recipe::PARTS`], of so many iterations at most.
    pub(crate) fn part(&self, name: &str, iterations: usize) -> Result<Part> {
        match name {
            "solve" => self.solve(iterations),
            "init" => self.init(),
            "step" => self.step(),
            "gradient" => self.gradient(),
            _ => internal("a function that problems do not have"),
        }
    }

    fn solve(&self, iterations: usize) -> Result<Part> {
        let columns: Vec<&str> = self.columns()?.iter().map(|column| column.name).collect();
        let results = vec![
            self.solution.about(),
            About::new("objective", "What is minimised, after the last iteration."),
            About::new("iterations", "Iterations that were made."),
            About::new("outcome", OUTCOMES),
            About::new(
                "statistics",
                format!("A row for each iteration, of zeros if it was not made: {}.", columns.join(", ")),
            ),
        ];
        let text = "All iterations. An observer is shown the first row of the statistics and every tenth after it, and may stop them.";
        let body = |data: &[Array]| Ok((self.pose)(data)?.solve(iterations));
        Part::trace("solve", text, self.arguments(&[]), results, body)
    }

    fn init(&self) -> Result<Part> {
        let text = "The state before the first iteration.";
        let results = self.state.iter().map(Meaning::about).collect();
        Part::trace("init", text, self.arguments(&[]), results, |data| Ok((self.pose)(data)?.init()))
    }

    fn step(&self) -> Result<Part> {
        let types = self.init()?.result_types();
        let state: Vec<(About, Type)> = self.state.iter().map(Meaning::about).zip(types).collect();
        let results = self.state.iter().map(Meaning::about).collect();
        let text = "The state after an iteration from another. All that iterations share is computed anew.";
        let count = self.data.len();
        Part::trace("step", text, self.arguments(&state), results, |arguments| {
            let (data, state) = arguments.split_at(count);
            (self.pose)(data)?.step(state.to_vec())
        })
    }

    fn gradient(&self) -> Result<Part> {
        let first = self.init()?.result_types().into_iter().next();
        let ty = first.unwrap_or_else(|| internal("a state without a variable"));
        let variable = (About::new(self.state[0].name, "Where the gradient is taken."), ty);
        let results = vec![About::new("gradient", "Like x.")];
        let arguments = std::iter::once(variable).chain(self.arguments(&[])).collect();
        let text = "The gradient of the data term at x.";
        Part::trace("gradient", text, arguments, results, |arguments| {
            Ok(vec![(self.pose)(&arguments[1..])?.gradient(&arguments[0])?])
        })
    }

    /// What was measured, followed by others.
    fn arguments(&self, others: &[(About, Type)]) -> Vec<(About, Type)> {
        let one =
            |argument: &Argument| (About::new(argument.name, argument.text).unit(argument.unit), argument.ty.clone());
        self.data.iter().map(one).chain(others.iter().cloned()).collect()
    }
}
