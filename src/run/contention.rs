//! Whether the workers get the cores they want, or wait for other programs to give them up.
//!
//! Workers that meet after every few microseconds of work are at the mercy of the slowest: if another program keeps one
//! core busy, the worker there is without a core for a time slice (some milliseconds) again and again, and all others wait
//! for it. A team with one worker less is then faster by far. So who waits long at a meeting raises an alert; as long as it
//! lasts, workers look up how long they themselves were ready to run and had no core; and once that adds up, the team
//! [loses a worker](Watch::lost_a_core), in the middle of a call if need be. Waiting for a worker that has more to do than
//! others raises the alert too, but nobody is without a core then.
//!
//! The system tells about lost cores on Linux. Elsewhere nobody is ever found to lack one.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long an alert lasts after the last long wait.
const ALERT: Duration = Duration::from_millis(50);

/// Time without a core, of all workers since the alert began, from which on there are too many of them: about one time
/// slice of another program. What the system itself does now and then takes far less.
const TOO_LONG: Duration = Duration::from_millis(2);

/// How often a worker looks up its time without a core, at most: it costs about a microsecond.
const LOOK: Duration = Duration::from_micros(200);

/// The watch over the team of the process.
pub(super) static WATCH: Watch =
    Watch { until: AtomicU64::new(0), alerts: AtomicU32::new(0), lost: AtomicU64::new(0), excess: AtomicUsize::new(0) };

/// Keeps an eye on waits at meetings.
pub(super) struct Watch {
    /// End of the alert in nanoseconds of [`now`]; 0 without alert.
    until: AtomicU64,
    /// Number of alerts so far.
    alerts: AtomicU32,
    /// Nanoseconds that workers were without a core since this alert began.
    lost: AtomicU64,
    /// Workers found to be too many since [`Watch::take_excess`] was asked.
    excess: AtomicUsize,
}

/// Nanoseconds since the first use.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Never 0, which stands for no alert.
    START.elapsed().as_nanos() as u64 + 1
}

impl Watch {
    /// A worker waited long. Called by that worker.
    #[cold]
    pub(super) fn long_wait(&self) {
        let end = now() + ALERT.as_nanos() as u64;
        if self.until.swap(end, Ordering::Relaxed) == 0 {
            self.lost.store(0, Ordering::Relaxed);
            self.alerts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Called by every worker after meetings.
    pub(super) fn look(&self) {
        if self.until.load(Ordering::Relaxed) != 0 {
            self.look_up();
        }
    }

    #[cold]
    fn look_up(&self) {
        let now = now();
        if now > self.until.load(Ordering::Relaxed) {
            self.until.store(0, Ordering::Relaxed);
            return;
        }
        let alert = self.alerts.load(Ordering::Relaxed);
        let lost = OWN.with_borrow_mut(|own| own.lost_since_last_look(alert, now));
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }

    /// Whether workers were without a core for so long that there should be one less. True once for each time it is so.
    pub(super) fn lost_a_core(&self) -> bool {
        let is_so =
            self.until.load(Ordering::Relaxed) != 0 && self.lost.load(Ordering::Relaxed) > TOO_LONG.as_nanos() as u64;
        if is_so {
            self.lost.store(0, Ordering::Relaxed);
            self.excess.fetch_add(1, Ordering::Relaxed);
        }
        is_so
    }

    /// By how many workers the team of the call that ends was too large.
    fn take_excess(&self) -> usize {
        if self.until.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.look_up();
        self.lost_a_core();
        self.excess.swap(0, Ordering::Relaxed)
    }
}

/// What a worker knows of its own time without a core.
struct Own {
    /// The alert in which it last looked.
    alert: u32,
    /// When it did.
    looked: u64,
    /// What it saw: nanoseconds in all.
    waited: u64,
    source: Source,
}

thread_local! {
    static OWN: RefCell<Own> = const { RefCell::new(Own { alert: 0, looked: 0, waited: 0, source: Source::Unopened }) };
}

impl Own {
    /// Nanoseconds without a core since the last look in this alert.
    fn lost_since_last_look(&mut self, alert: u32, now: u64) -> u64 {
        let first = self.alert != alert;
        if !first && now - self.looked < LOOK.as_nanos() as u64 {
            return 0;
        }
        let waited = self.source.waited().unwrap_or(self.waited);
        let lost = if first { 0 } else { waited.saturating_sub(self.waited) };
        (self.alert, self.looked, self.waited) = (alert, now, waited);
        lost
    }
}

/// Where a thread finds how long it has been ready to run without a core.
enum Source {
    Unopened,
    #[cfg(target_os = "linux")]
    Open(std::fs::File),
    Missing,
}

impl Source {
    #[cfg(target_os = "linux")]
    fn waited(&mut self) -> Option<u64> {
        use std::os::unix::fs::FileExt;
        if let Source::Unopened = self {
            *self = std::fs::File::open("/proc/thread-self/schedstat").map_or(Source::Missing, Source::Open);
        }
        let Source::Open(file) = self else { return None };
        // Three numbers: nanoseconds running, nanoseconds ready to run, number of slices.
        let mut text = [0; 80];
        let length = file.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text[..length]).ok()?.split_whitespace().nth(1)?.parse().ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn waited(&mut self) -> Option<u64> {
        *self = Source::Missing;
        None
    }
}

/// How many workers a team does without, and until when.
pub(super) struct Restraint {
    fewer: usize,
    /// When it ends, or ended.
    until: Option<Instant>,
    /// How long the next one will be.
    pause: Duration,
}

/// How long a team that lost a core does without a worker, at first and at most. The longer, the more often the full team
/// has turned out too large, for finding that out costs a time slice or two.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Restraint {
    /// None.
    pub(super) const fn new() -> Restraint {
        Restraint { fewer: 0, until: None, pause: SHORTEST_PAUSE }
    }

    /// How many of the workers wanted to take.
    pub(super) fn workers(&mut self, wanted: usize) -> usize {
        if self.fewer > 0 && self.until.is_some_and(|until| Instant::now() >= until) {
            self.fewer = 0;
        }
        wanted.saturating_sub(self.fewer).max(1)
    }

    /// A call of a team ended.
    pub(super) fn learn(&mut self) {
        self.learn_excess(WATCH.take_excess());
    }

    /// A call ended, for which the team was too large by `excess` workers.
    fn learn_excess(&mut self, excess: usize) {
        let Some(until) = self.until else {
            if excess > 0 {
                self.begin(excess);
            }
            return;
        };
        if excess > 0 {
            self.begin(excess);
        } else if self.fewer == 0 && Instant::now() > until + 2 * self.pause {
            // The full team has done well for longer than the last restraint.
            self.pause /= 2;
            self.until = (self.pause >= SHORTEST_PAUSE).then(Instant::now);
            self.pause = self.pause.max(SHORTEST_PAUSE);
        }
    }

    fn begin(&mut self, excess: usize) {
        self.fewer += excess;
        self.until = Some(Instant::now() + self.pause);
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::{Restraint, SHORTEST_PAUSE};

    #[test]
    fn a_team_that_lost_a_core_is_smaller_for_a_while() {
        let mut restraint = Restraint::new();
        assert_eq!(restraint.workers(4), 4);
        restraint.learn_excess(0);
        assert_eq!(restraint.workers(4), 4);
        restraint.learn_excess(1);
        assert_eq!((restraint.workers(4), restraint.workers(1)), (3, 1));
        restraint.learn_excess(5);
        assert_eq!(restraint.workers(4), 1);
        std::thread::sleep(3 * SHORTEST_PAUSE);
        assert_eq!(restraint.workers(4), 4);
    }
}
