//! The team of worker threads, one for the process.
//!
//! A call that is worth several workers runs on its own thread as worker 0 and on helper threads as the others. One call
//! has the team at a time; a call that finds it taken (from another thread, from within an observer, from somebody's
//! rayon job) runs alone on its own thread, so calls never wait for each other and cannot deadlock.
//!
//! Why not a work-stealing pool: programs take a hundred microseconds and up, and handing a job to a pool that sleeps
//! costs tens. A helper that has finished a job looks for the next one for a while before it sleeps, and the caller takes
//! part instead of being woken.

use crate::run::barrier::{Barrier, patiently};
use crate::run::contention::{Restraint, WATCH};
use crate::run::pin::{pinning, place};
use cotangent_ir::{Error, ErrorKind, Result};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::thread::{Builder, Thread, available_parallelism, park};

/// The environment variable that sets the number of workers.
const THREADS_VARIABLE: &str = "COTANGENT_THREADS";

/// More workers than this are refused as a mistake.
const MOST_THREADS: usize = 1024;

/// What [`set_threads`] asked for; 0 where nobody has.
static THREADS: AtomicUsize = AtomicUsize::new(0);

static TEAM: Mutex<Team> = Mutex::new(Team { helpers: Vec::new(), restraint: Restraint::new() });

/// Sets the number of workers of calls that do not say themselves. Results do not depend on it.
pub fn set_threads(threads: usize) -> Result<()> {
    THREADS.store(check_threads("set_threads", threads)?, Ordering::Relaxed);
    Ok(())
}

/// The number of workers of calls that do not say themselves: that of [`set_threads`], else of the environment variable
/// `COTANGENT_THREADS`, else what the machine offers this process.
pub fn threads() -> Result<usize> {
    static DEFAULT: OnceLock<Result<usize>> = OnceLock::new();
    match THREADS.load(Ordering::Relaxed) {
        0 => DEFAULT.get_or_init(default_threads).clone(),
        threads => Ok(threads),
    }
}

fn default_threads() -> Result<usize> {
    let Ok(text) = std::env::var(THREADS_VARIABLE) else {
        return Ok(available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS));
    };
    let Ok(threads) = text.trim().parse() else {
        let message =
            format!("expected a number of threads from 1 to {MOST_THREADS}, given `{text}`; correct or unset it");
        return Err(Error::new(ErrorKind::Input, THREADS_VARIABLE, message));
    };
    check_threads(THREADS_VARIABLE, threads)
}

/// The number, if it is one that can be asked for.
pub(super) fn check_threads(operation: &str, threads: usize) -> Result<usize> {
    if (1..=MOST_THREADS).contains(&threads) {
        return Ok(threads);
    }
    let message =
        format!("expected a number of threads from 1 to {MOST_THREADS}, given {threads}; use 1 for no helpers");
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// What one worker does, given its number and the number of workers.
type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Runs `work` as every worker from 0 below some count: `workers`, or 1 if the team is taken, or less if threads cannot be
/// started. Worker 0 is the calling thread. `work` does not panic.
pub(super) fn run(workers: usize, work: &Work<'_>) {
    if workers > 1 {
        let team = match TEAM.try_lock() {
            Ok(team) => Some(team),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let Some(mut team) = team {
            return team.run(workers, work);
        }
    }
    work(0, 1);
}

struct Team {
    helpers: Vec<Helper>,
    restraint: Restraint,
}

struct Helper {
    mailbox: Arc<Mailbox>,
    thread: Thread,
}

/// Where a helper finds its next job.
#[repr(align(64))]
struct Mailbox {
    job: AtomicPtr<Job<'static>>,
    asleep: AtomicBool,
}

struct Job<'a> {
    work: &'a Work<'a>,
    workers: usize,
    pinned: bool,
}

/// Where the workers of a job meet when it is done. Jobs follow each other, so one meeting point serves them all.
static DONE: Barrier = Barrier::new();

impl Team {
    fn run(&mut self, workers: usize, work: &Work<'_>) {
        let workers = self.restraint.workers(workers);
        if workers == 1 {
            return work(0, 1);
        }
        while self.helpers.len() + 1 < workers {
            match Helper::start(self.helpers.len() + 1) {
                Some(helper) => self.helpers.push(helper),
                None => break,
            }
        }
        let workers = workers.min(self.helpers.len() + 1);
        let job = Job { work, workers, pinned: pinning().unwrap_or(false) };
        for helper in &self.helpers[..workers - 1] {
            helper.give(&job);
        }
        // The job is borrowed by the helpers until the meeting, so nothing may leave this function before it.
        let meeting = Meeting { workers };
        work(0, workers);
        drop(meeting);
        self.restraint.learn();
    }
}

/// Meets the other workers of a job when dropped.
struct Meeting {
    workers: usize,
}

impl Drop for Meeting {
    fn drop(&mut self) {
        DONE.wait(self.workers);
        WATCH.look();
    }
}

impl Helper {
    fn start(index: usize) -> Option<Helper> {
        let mailbox = Arc::new(Mailbox { job: AtomicPtr::new(std::ptr::null_mut()), asleep: AtomicBool::new(false) });
        let its_mailbox = mailbox.clone();
        let thread = Builder::new().name(format!("cotangent-{index}")).spawn(move || help(index, &its_mailbox)).ok()?;
        Some(Helper { mailbox, thread: thread.thread().clone() })
    }

    fn give(&self, job: &Job<'_>) {
        // Sequentially consistent with the helper's going to sleep: either it sees the job or this thread sees it asleep.
        self.mailbox.job.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::SeqCst);
        if self.mailbox.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// The life of a helper thread.
fn help(index: usize, mailbox: &Mailbox) {
    let mut is_pinned = false;
    loop {
        let job = mailbox.take();
        // SAFETY: the caller that gave the job keeps it alive until all its workers have met.
        let &Job { work, workers, pinned } = unsafe { &*job };
        if pinned != is_pinned {
            place(index, pinned);
            is_pinned = pinned;
        }
        let meeting = Meeting { workers };
        work(index, workers);
        drop(meeting);
    }
}

impl Mailbox {
    /// Waits for a job.
    fn take(&self) -> *const Job<'static> {
        if !patiently(|| !self.job.load(Ordering::Relaxed).is_null()) {
            self.asleep.store(true, Ordering::SeqCst);
            while self.job.load(Ordering::SeqCst).is_null() {
                park();
            }
            self.asleep.store(false, Ordering::Relaxed);
        }
        self.job.swap(std::ptr::null_mut(), Ordering::AcqRel)
    }
}
