//! Helper threads that stay on one processor each.
//!
//! Left alone, the system moves threads as it sees fit, which is best on a machine that others use too. On one that is
//! ours alone, threads that stay where their data are save the moves. The calling thread belongs to the caller and is
//! never pinned: the system finds it the processor that the helpers leave free.

use cotangent_ir::{Error, ErrorKind, Result};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// The environment variable that pins helpers: 0 or 1.
const PIN_VARIABLE: &str = "COTANGENT_PIN";

/// What [`set_pinning`] asked for: 0 for nothing yet, 1 for no, 2 for yes.
static PINNING: AtomicU8 = AtomicU8::new(0);

/// Sets whether each helper thread stays on a processor of its own, from its start or its next job on. Where the system
/// cannot do so (only Linux can), this has no effect.
pub fn set_pinning(pinned: bool) {
    PINNING.store(if pinned { 2 } else { 1 }, Ordering::Relaxed);
}

/// Whether helper threads are pinned: what [`set_pinning`] said, else the environment variable `COTANGENT_PIN`, else no.
pub fn pinning() -> Result<bool> {
    static DEFAULT: OnceLock<Result<bool>> = OnceLock::new();
    match PINNING.load(Ordering::Relaxed) {
        0 => DEFAULT.get_or_init(default_pinning).clone(),
        chosen => Ok(chosen == 2),
    }
}

fn default_pinning() -> Result<bool> {
    match std::env::var(PIN_VARIABLE).as_deref().map(str::trim) {
        Err(_) | Ok("0") => Ok(false),
        Ok("1") => Ok(true),
        Ok(text) => {
            let message = format!("expected 0 or 1, given `{text}`; correct or unset it");
            Err(Error::new(ErrorKind::Input, PIN_VARIABLE, message))
        }
    }
}

/// Where the calling thread, worker `index`, is allowed to run: on one processor, or on all those of the process.
#[cfg(target_os = "linux")]
pub(super) fn place(index: usize, pinned: bool) {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    // The first helper finds what the process may use; it inherits that from the caller.
    let allowed = ALLOWED.get_or_init(allowed);
    if allowed.is_empty() {
        return;
    }
    let own = [allowed[index % allowed.len()]];
    // SAFETY: the set is a plain array of bits, of which zero is the empty one; positions lie within it because `allowed`
    // gives no others; the call reads the set. It may fail, and then the thread stays where it was.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (if pinned { &own[..] } else { allowed }).iter().for_each(|&processor| libc::CPU_SET(processor, &mut set));
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

/// The processors that the calling thread may use.
#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    // SAFETY: the set is a plain array of bits, which the call fills; positions are below its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
            return Vec::new();
        }
        (0..libc::CPU_SETSIZE as usize).filter(|&processor| libc::CPU_ISSET(processor, &set)).collect()
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn place(_index: usize, _pinned: bool) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{allowed, place};

    #[test]
    fn a_pinned_thread_has_one_processor() {
        let all = allowed();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                place(1, true);
                assert_eq!(allowed(), [all[1 % all.len()]]);
                place(1, false);
                assert_eq!(allowed(), all);
            });
        });
        assert_eq!(allowed(), all);
    }
}
