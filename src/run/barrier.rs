//! The barrier at which the workers of a call meet.
//!
//! A centralised, generation-counting barrier. Arriving workers spin, because kernels are balanced and the others are due
//! within microseconds; then they sleep, because the one that is missing may be waiting for a core. They never yield: on
//! a machine with more to do than cores that gives away a time slice of milliseconds, while a sleeper that is woken runs
//! at once. Everything written before a worker arrives is visible to all after they leave.

use crate::run::contention::WATCH;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// How often a waiting worker looks, with a pause in between, before it sleeps: for some two hundred microseconds. Cores
/// that share execution units with a neighbour are slower by half at times, so the other's share of a kernel can take that
/// much longer; a sleeper's waking costs about fifty microseconds.
const SPINS: u32 = 10000;

/// A line of its own for what arriving workers write and another for what waiting ones read.
#[repr(align(64))]
struct Line(AtomicU32);

/// A meeting point for a number of workers given at each meeting.
pub(super) struct Barrier {
    arrived: Line,
    generation: Line,
    sleepers: AtomicU32,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Barrier {
    /// A barrier at which nobody waits.
    pub(super) const fn new() -> Barrier {
        Barrier {
            arrived: Line(AtomicU32::new(0)),
            generation: Line(AtomicU32::new(0)),
            sleepers: AtomicU32::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Returns once `workers` workers have called this. All of one meeting give the same number.
    pub(super) fn wait(&self, workers: usize) {
        self.wait_and(workers, || ());
    }

    /// As [`Barrier::wait`]; who comes last does something before all go on.
    pub(super) fn wait_and(&self, workers: usize, last: impl FnOnce()) {
        if workers <= 1 {
            return;
        }
        // Read before arriving: from then on the others may finish the meeting at any time.
        let generation = self.generation.0.load(Ordering::Acquire);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == workers as u32 {
            last();
            // Reset before the others are released into the next meeting.
            self.arrived.0.store(0, Ordering::Relaxed);
            // Sequentially consistent with the registration of sleepers: either they see the new generation or this
            // worker sees them.
            self.generation.0.store(generation.wrapping_add(1), Ordering::SeqCst);
            if self.sleepers.load(Ordering::SeqCst) > 0 {
                // A sleeper between its last look and its wait holds the lock.
                drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
                self.wake.notify_all();
            }
            return;
        }
        let met = || self.generation.0.load(Ordering::Acquire) != generation;
        if !patiently(met) {
            self.sleep(generation);
            WATCH.long_wait();
        }
    }

    #[cold]
    fn sleep(&self, generation: u32) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.generation.0.load(Ordering::SeqCst) == generation {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits for a condition without sleeping; returns whether it came true in time.
pub(super) fn patiently(done: impl Fn() -> bool) -> bool {
    for _ in 0..SPINS {
        if done() {
            return true;
        }
        spin_loop();
    }
    done()
}

#[cfg(test)]
mod tests {
    use super::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Every worker sees all increments of a round after its meeting, with more workers than cores and with stragglers
    /// that make the others sleep.
    #[test]
    fn nobody_leaves_early() {
        for workers in [1, 2, 3, 8] {
            let (barrier, count) = (Barrier::new(), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for worker in 0..workers {
                    let (barrier, count) = (&barrier, &count);
                    scope.spawn(move || {
                        for round in 1..=2000 {
                            if round % 500 == worker {
                                std::thread::sleep(std::time::Duration::from_millis(2));
                            }
                            count.fetch_add(1, Ordering::Relaxed);
                            barrier.wait(workers);
                            assert_eq!(count.load(Ordering::Relaxed), round * workers);
                            barrier.wait(workers);
                        }
                    });
                }
            });
        }
    }
}
