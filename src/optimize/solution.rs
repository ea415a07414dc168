//! What a solve returns, and what it tells while it runs.

use super::History;
use crate::optimize::Column;
use crate::{Array, Error, ErrorKind, Result};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Why a solve ended. Its text says what to try next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The stopping rule was met.
    Converged,
    /// All steps asked for were made.
    StepLimit,
    /// The caller asked to stop.
    Stopped,
    /// The time limit had passed.
    TimeLimit,
    /// A step gave infinity or NaN; the last finite state was kept.
    NonFinite,
    /// All steps asked for were made, but the line search in the last one failed.
    SearchFailed,
}

/// How long the parts of a solve took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Recording the program.
    pub trace: Duration,
    /// Compiling it, near 0 where it was compiled before.
    pub compile: Duration,
    /// Running it.
    pub run: Duration,
}

/// The result of a solve, whatever its outcome.
#[derive(Clone)]
pub struct Solution<S, X = Array> {
    /// The solution.
    pub x: X,
    /// Why the solve ended.
    pub outcome: Outcome,
    /// Steps made in this solve, those given up as non-finite not counted.
    pub steps: usize,
    /// The number of the next step: that of the first one of this solve, as the options have it, and the steps made.
    pub next_step: usize,
    /// The state after the last step, from which [`solve_from`](crate::optimize::solve_from) continues.
    pub state: S,
    /// Statistics of each step.
    pub history: History,
    /// How long it took.
    pub timings: Timings,
}

/// A row of statistics, reported while the program runs.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The number of the step, counted as the column `Iter`.
    pub step: usize,
    /// Since the program started.
    pub elapsed: Duration,
    /// The names of the statistics.
    pub columns: &'a [Column],
    /// The statistics.
    pub row: &'a [f64],
}

/// A function that is shown reports; breaking stops the solve.
pub type Callback<'a> = dyn FnMut(&Report<'_>) -> ControlFlow<()> + Send + 'a;

/// How the caller follows a running solve.
#[derive(Default)]
pub struct Watch<'a> {
    /// Is shown a row every so many steps as the options say.
    pub callback: Option<&'a mut Callback<'a>>,
    /// Stops the solve at the next report once it is true.
    pub cancel: Option<&'a AtomicBool>,
}

impl Outcome {
    /// The code of an outcome in a traced program; 0 while it runs. Both the caller and the clock stop it by one request, so
    /// that the program does not know which it was.
    pub(super) fn code(self) -> i32 {
        match self {
            Outcome::StepLimit => 0,
            Outcome::Converged => 1,
            Outcome::Stopped | Outcome::TimeLimit => 2,
            Outcome::NonFinite => 3,
            Outcome::SearchFailed => 4,
        }
    }

    /// The outcome of a traced program that ended with this code.
    pub fn from_code(code: i32) -> Outcome {
        match code {
            1 => Outcome::Converged,
            2 => Outcome::Stopped,
            3 => Outcome::NonFinite,
            4 => Outcome::SearchFailed,
            _ => Outcome::StepLimit,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Converged => "converged",
            Outcome::StepLimit => "reached the step limit; continue with `solve_from` or raise `max_steps`",
            Outcome::Stopped => "stopped by the caller; continue with `solve_from`",
            Outcome::TimeLimit => "reached the time limit; continue with `solve_from` or allow for more time",
            Outcome::SearchFailed => {
                "all steps were made, but the line search of the last one failed; allow for more trials, start from a larger \
                 `L`, or look whether data and start are finite"
            }
            Outcome::NonFinite => {
                "a step gave infinity or NaN, the last finite state was kept; try smaller step lengths or penalties"
            }
        })
    }
}

impl<S, X> Solution<S, X> {
    /// The solution if the stopping rule was met.
    ///
    /// # Errors
    /// Any other outcome, with what to try.
    pub fn converged(self) -> Result<Solution<S, X>> {
        match self.outcome {
            Outcome::Converged => Ok(self),
            other => {
                let message = format!("after {} steps: {other}", self.steps);
                Err(Error::new(ErrorKind::Argument, "solve", message))
            }
        }
    }
}

impl<S, X: fmt::Debug> fmt::Debug for Solution<S, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after {} steps: {:?}", self.outcome, self.steps, self.x)
    }
}
