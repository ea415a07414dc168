//! How a method is run, and when it ends.

use super::Column;
use crate::{Error, ErrorKind, Result};
use std::time::Duration;

/// How a method is run.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// The most steps.
    pub max_steps: usize,
    /// What ends the loop before.
    pub stop: Stop,
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
            stop: Stop::default(),
            stop_on_nonfinite: false,
            record: true,
            report_every: 10,
            first_step: 0,
        }
    }
}

/// What ends a loop before its most steps: the first of these rules that holds. None does by default.
///
/// ```
/// use cotangent::optimize::{Options, Stop};
/// use std::time::Duration;
/// // Small residuals, or an objective good enough, within a minute.
/// let stop = Stop {
///     residuals: Some(1e-4),
///     limits: vec![("Objective", 12.5)],
///     time: Some(Duration::from_secs(60)),
///     ..Stop::default()
/// };
/// let options = Options { max_steps: 1000, stop, ..Options::default() };
/// assert_eq!(options.stop.change, None);
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stop {
    /// The method calls its residuals small at this tolerance; see [`Method::done`](super::Method::done).
    pub residuals: Option<f64>,
    /// A step changes the solution by at most this part of it: `‖x⁺ − x‖ ≤ change ‖x⁺‖`.
    pub change: Option<f64>,
    /// Each of these statistics, by the names of their columns, is at most its limit, such as `("Objective", 0.1)`, or
    /// `("Prml Rsdl", 1e-4)` together with `("Dual Rsdl", 1e-3)`.
    pub limits: Vec<(&'static str, f64)>,
    /// Time since the program started to run. The clock is read at reports, or after each step if there are none; a loop
    /// that is a part of another traced function has no clock.
    pub time: Option<Duration>,
}

impl Stop {
    /// Ends once the method calls its residuals small at a tolerance.
    pub fn at(tolerance: f64) -> Stop {
        Stop { residuals: Some(tolerance), ..Stop::default() }
    }

    /// The position and the limit of each limited statistic.
    pub(super) fn limited(&self, columns: &[Column]) -> Result<Vec<(usize, f64)>> {
        let refused = |message: String| Error::new(ErrorKind::Argument, "solve", message);
        for (what, tolerance) in [("residuals", self.residuals), ("change", self.change)] {
            if let Some(tolerance) = tolerance.filter(|&tolerance| tolerance.is_nan() || tolerance < 0.0) {
                return Err(refused(format!("the tolerance `{what}` must not be negative, got {tolerance}")));
            }
        }
        let position = |&(name, limit): &(&str, f64)| match columns.iter().position(|column| column.name == name) {
            Some(position) => Ok((position, limit)),
            None => {
                let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
                Err(refused(format!("no statistic is called `{name}`; those of this method are {names:?}")))
            }
        };
        self.limits.iter().map(position).collect()
    }
}

impl Options {
    /// How often the host is asked whether to go on; never if 0.
    pub(super) fn asked_every(&self) -> usize {
        match self.stop.time {
            Some(_) => self.report_every.max(1),
            None => self.report_every,
        }
    }
}
