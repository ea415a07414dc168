//! Where the time of one call goes: what each worker did when.
//!
//! Programs compiled with [`Options::profile`](crate::compile::Options::profile) mark the beginning of every step: each
//! worker notes the step and the time, in memory of its own. Other programs contain nothing of it.

use std::cell::UnsafeCell;
use std::fmt::Write;
use std::time::Instant;

/// Most marks that a worker notes: later steps of a very long call are left out.
const MOST_MARKS: usize = 1 << 20;

/// The step by which compiled code marks its end.
pub(crate) const END: u32 = u32::MAX;

/// What the workers of one call did when.
///
/// ```
/// use cotangent::compile::{Options, compile};
/// use cotangent::run::call::CallOptions;
/// use cotangent::run::profile::Profile;
/// use cotangent::{Array, DType, jit};
/// let traced = jit(|x: Array| x.sin().sum()).traced(&Array::zeros(&[100], DType::F32))?;
/// let compiled = compile(&traced.func, &Options { profile: true, ..Options::default() })?;
/// let mut profile = Profile::default();
/// let options = CallOptions { profile: Some(&mut profile), ..CallOptions::default() };
/// compiled.call_with(&[Array::arange(100, DType::F32).tensor()?], options)?;
/// assert!(profile.events().iter().any(|event| event.name.starts_with("kernel ")));
/// assert!(profile.chrome_trace().starts_with("{\"traceEvents\":["));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Profile {
    events: Vec<Event>,
    workers: usize,
    complete: bool,
}

/// One step of one worker.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// What was done: the kind of the step, and which of the kind it is.
    pub name: String,
    /// By which worker.
    pub worker: usize,
    /// Nanoseconds from the beginning of the call to that of the step.
    pub start: u64,
    /// To its end.
    pub end: u64,
}

impl Profile {
    /// The steps, worker by worker, in the order in which each did them.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether no step was left out: a worker notes about a million.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The profile in the format of Chrome's and Perfetto's trace viewers, with one track for each worker.
    pub fn chrome_trace(&self) -> String {
        let mut text = String::from("{\"traceEvents\":[");
        for worker in 0..self.workers {
            let separator = if worker == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{separator}\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{worker},\
                 \"args\":{{\"name\":\"worker {worker}\"}}}}"
            );
        }
        for Event { name, worker, start, end } in &self.events {
            let kind = name.split(' ').next().unwrap_or_default();
            let name: String =
                name.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '_' } else { c }).collect();
            let (start, length) = (*start as f64 * 1e-3, (end - start) as f64 * 1e-3);
            let _ = write!(
                text,
                ",\n{{\"name\":\"{name}\",\"cat\":\"{kind}\",\"ph\":\"X\",\"pid\":1,\"tid\":{worker},\
                 \"ts\":{start:.3},\"dur\":{length:.3}}}"
            );
        }
        text.push_str("\n],\"displayTimeUnit\":\"ns\"}\n");
        text
    }
}

/// What the workers of one call note.
pub(super) struct Marks {
    start: Instant,
    tracks: Vec<Track>,
}

/// One worker's notes: steps and the nanoseconds at which they began. A line of its own.
#[repr(align(64))]
struct Track(UnsafeCell<Vec<(u32, u64)>>);

// SAFETY: each worker writes its own track only, and the tracks are read when all have ended.
unsafe impl Sync for Marks {}

impl Marks {
    pub(super) fn new(workers: usize) -> Marks {
        let track = || Track(UnsafeCell::new(Vec::with_capacity(4096)));
        Marks { start: Instant::now(), tracks: (0..workers).map(|_| track()).collect() }
    }

    /// A worker begins a step.
    ///
    /// # Safety
    ///
    /// Called by that worker only.
    pub(super) unsafe fn note(&self, worker: usize, step: u32) {
        // SAFETY: nobody else has this track.
        let track = unsafe { &mut *self.tracks[worker].0.get() };
        // The last place is kept for the end.
        if track.len() + 1 < MOST_MARKS || step == END && track.len() < MOST_MARKS {
            track.push((step, self.start.elapsed().as_nanos() as u64));
        }
    }

    /// What was noted, when all workers have ended. A worker that was let go has no end: its last step, a meeting, ends
    /// where it began.
    pub(super) fn into_profile(self, names: &[String]) -> Profile {
        let workers = self.tracks.len();
        let (mut events, mut complete) = (Vec::new(), true);
        for (worker, track) in self.tracks.into_iter().enumerate() {
            let marks = track.0.into_inner();
            complete &= marks.len() < MOST_MARKS;
            for (position, &(step, start)) in marks.iter().enumerate() {
                let Some(name) = names.get(step as usize) else { continue };
                let end = marks.get(position + 1).map_or(start, |&(_, end)| end);
                events.push(Event { name: name.clone(), worker, start, end });
            }
        }
        Profile { events, workers, complete }
    }
}
