//! Stopwatches by label.

use crate::diagnostics::scientific;
use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Stopwatches by label. Each is stopped or running, and accumulates the time it ran.
///
/// ```
/// use cotangent::timer::Timer;
/// let mut timer = Timer::new(&["trace"]);
/// timer.start(&["trace", "run"]);
/// timer.stop(&["trace"])?;
/// assert_eq!(timer.labels(), ["run", "trace"]);
/// assert!(timer.elapsed("run")? >= timer.elapsed("trace")?);
/// assert!(timer.stop(&["write"]).is_err());
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// `Display` gives a table of labels, accumulated time, and time since the last start.
#[derive(Clone, Debug, Default)]
pub struct Timer {
    watches: BTreeMap<String, Watch>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    accumulated: Duration,
    started: Option<Instant>,
}

impl Watch {
    fn current(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| started.elapsed())
    }

    fn stop(&mut self) {
        self.accumulated += self.current();
        self.started = None;
    }
}

impl Timer {
    /// Stopped watches at zero, one for each label.
    pub fn new(labels: &[&str]) -> Timer {
        Timer { watches: labels.iter().map(|label| (label.to_string(), Watch::default())).collect() }
    }

    /// Starts watches, new ones for unknown labels. A running one goes on.
    pub fn start(&mut self, labels: &[&str]) {
        let now = Instant::now();
        for label in labels {
            self.watches.entry(label.to_string()).or_default().started.get_or_insert(now);
        }
    }

    /// Stops watches and adds the time they ran. A stopped one stays as it is.
    ///
    /// # Errors
    /// A label of no watch; then none is stopped.
    pub fn stop(&mut self, labels: &[&str]) -> Result<()> {
        self.each(labels, Watch::stop)
    }

    /// Stops all watches.
    pub fn stop_all(&mut self) {
        self.watches.values_mut().for_each(Watch::stop);
    }

    /// Stops watches and sets them to zero.
    ///
    /// # Errors
    /// A label of no watch; then none is reset.
    pub fn reset(&mut self, labels: &[&str]) -> Result<()> {
        self.each(labels, |watch| *watch = Watch::default())
    }

    /// Stops all watches and sets them to zero.
    pub fn reset_all(&mut self) {
        self.watches.values_mut().for_each(|watch| *watch = Watch::default());
    }

    /// The time a watch ran, up to now if it is running.
    ///
    /// # Errors
    /// A label of no watch.
    pub fn elapsed(&self, label: &str) -> Result<Duration> {
        self.watch(label).map(|watch| watch.accumulated + watch.current())
    }

    /// The time since a watch was started last, zero if it is stopped.
    ///
    /// # Errors
    /// A label of no watch.
    pub fn current(&self, label: &str) -> Result<Duration> {
        self.watch(label).map(Watch::current)
    }

    /// The labels, sorted.
    pub fn labels(&self) -> Vec<&str> {
        self.watches.keys().map(String::as_str).collect()
    }

    fn watch(&self, label: &str) -> Result<&Watch> {
        self.watches.get(label).ok_or_else(|| self.unknown(label))
    }

    fn each(&mut self, labels: &[&str], act: impl Fn(&mut Watch)) -> Result<()> {
        if let Some(label) = labels.iter().find(|label| !self.watches.contains_key(**label)) {
            return Err(self.unknown(label));
        }
        for label in labels {
            self.watches.entry(label.to_string()).and_modify(&act);
        }
        Ok(())
    }

    fn unknown(&self, label: &str) -> Error {
        let message = format!("there is no watch `{label}`; there are {:?}, and `start` makes new ones", self.labels());
        Error::new(ErrorKind::Argument, "Timer", message)
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.watches.keys().map(|label| label.chars().count()).fold(4, usize::max) + 2;
        writeln!(f, "{:<width$}  Accum.       Current", "Label")?;
        writeln!(f, "{}", "-".repeat(width + 25))?;
        let seconds = |time: Duration| scientific(time.as_secs_f64(), 2);
        for (label, watch) in &self.watches {
            let current = match watch.started {
                Some(_) => format!("{} s", seconds(watch.current())),
                None => "Stopped".into(),
            };
            writeln!(f, "{label:<width$}  {} s   {current}", seconds(watch.accumulated))?;
        }
        Ok(())
    }
}

/// What a [`ContextTimer`] does with its watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimerAction {
    /// Starts it where the scope begins and stops it where that ends.
    #[default]
    StartStop,
    /// Stops it where the scope begins and starts it where that ends.
    StopStart,
}

/// Runs a watch of a [`Timer`] through a scope, or stops it for that long, however the scope is left.
///
/// ```
/// use cotangent::timer::{ContextTimer, Timer, TimerAction};
/// let mut timer = Timer::default();
/// {
///     let mut running = ContextTimer::new(&mut timer, "solve", TimerAction::StartStop);
///     // Inside of it, a part that is not to be counted.
///     let _pause = ContextTimer::new(running.timer(), "solve", TimerAction::StopStart);
/// }
/// assert!(timer.elapsed("solve")?.as_secs() < 1 && timer.current("solve")?.is_zero());
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Debug)]
pub struct ContextTimer<'a> {
    timer: &'a mut Timer,
    label: String,
    action: TimerAction,
}

impl<'a> ContextTimer<'a> {
    /// Begins the scope. A watch that does not exist is made, stopped at zero.
    pub fn new(timer: &'a mut Timer, label: &str, action: TimerAction) -> ContextTimer<'a> {
        timer.watches.entry(label.to_string()).or_default();
        let mut scope = ContextTimer { timer, label: label.to_string(), action };
        scope.run(action == TimerAction::StartStop);
        scope
    }

    /// The timer, for watches inside of the scope.
    pub fn timer(&mut self) -> &mut Timer {
        self.timer
    }

    /// The time its watch ran.
    pub fn elapsed(&self) -> Duration {
        self.timer.elapsed(&self.label).unwrap_or_default()
    }

    fn run(&mut self, runs: bool) {
        let watch = self.timer.watches.entry(self.label.clone()).or_default();
        match runs {
            true => watch.started = watch.started.or_else(|| Some(Instant::now())),
            false => watch.stop(),
        }
    }
}

impl Drop for ContextTimer<'_> {
    fn drop(&mut self) {
        self.run(self.action == TimerAction::StopStart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    #[test]
    fn watches_accumulate_while_they_run() {
        let mut timer = Timer::new(&["a"]);
        assert_eq!(timer.elapsed("a").unwrap(), Duration::ZERO);
        timer.start(&["a", "b"]);
        sleep(Duration::from_millis(3));
        timer.stop(&["a"]).unwrap();
        let first = timer.elapsed("a").unwrap();
        assert!(first >= Duration::from_millis(3));
        timer.stop(&["a"]).unwrap();
        timer.start(&["a"]);
        timer.start(&["a"]);
        sleep(Duration::from_millis(1));
        assert!(timer.current("a").unwrap() < timer.elapsed("a").unwrap());
        timer.stop_all();
        assert!(timer.elapsed("a").unwrap() > first && timer.current("b").unwrap().is_zero());
        timer.reset(&["a"]).unwrap();
        assert_eq!(timer.elapsed("a").unwrap(), Duration::ZERO);
        timer.reset_all();
        assert_eq!(timer.elapsed("b").unwrap(), Duration::ZERO);
    }

    #[test]
    fn unknown_labels_are_refused_before_anything_is_done() {
        let mut timer = Timer::default();
        timer.start(&["a"]);
        let error = timer.stop(&["a", "nothing"]).unwrap_err();
        assert!(error.to_string().contains("no watch `nothing`"), "{error}");
        assert!(timer.watch("a").unwrap().started.is_some());
        assert!(timer.reset(&["nothing"]).is_err() && timer.elapsed("nothing").is_err());
    }

    #[test]
    fn a_running_timer_is_shown() {
        let mut timer = Timer::new(&["main"]);
        let wanted = "Label   Accum.       Current\n-------------------------------\nmain    0.00e+00 s   Stopped\n";
        assert_eq!(timer.to_string(), wanted);
        timer.start(&["main"]);
        let text = timer.to_string();
        assert!(text.ends_with(" s\n") && !text.contains("Stopped"), "{text}");
    }

    #[test]
    fn a_scope_stops_what_it_started_though_it_panics() {
        let mut timer = Timer::default();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _running = ContextTimer::new(&mut timer, "main", TimerAction::StartStop);
            panic!("left in the middle");
        }));
        assert!(outcome.is_err() && timer.watch("main").unwrap().started.is_none());
    }
}
