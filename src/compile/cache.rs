//! Compiled programs by the structure of their function.
//!
//! The key is the function itself: equality and hashing leave names out, and captured data are parameters, so programs
//! that do the same are found whatever they are called. The least recently used half is dropped when the cache is full.

use crate::compile::{Compiled, Options};
use cotangent_ir::{Func, Result};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Most programs kept.
const CAPACITY: usize = 4096;

struct Cache {
    programs: HashMap<(Func, Options), Entry>,
    clock: u64,
}

struct Entry {
    program: Arc<Compiled>,
    used: u64,
}

static CACHE: LazyLock<Mutex<Cache>> = LazyLock::new(|| Mutex::new(Cache { programs: HashMap::new(), clock: 0 }));

/// The program of a function, made by `compile` where there is none yet. Compiling does not hold the lock: two threads
/// that want the same program at once may both compile it, and the first to finish wins.
pub(super) fn lookup(
    func: &Func,
    options: &Options,
    compile: impl FnOnce() -> Result<Compiled>,
) -> Result<Arc<Compiled>> {
    let key = (func.clone(), *options);
    {
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        cache.clock += 1;
        let now = cache.clock;
        if let Some(entry) = cache.programs.get_mut(&key) {
            entry.used = now;
            return Ok(entry.program.clone());
        }
    }
    let program = Arc::new(compile()?);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.programs.len() >= CAPACITY {
        let mut used: Vec<u64> = cache.programs.values().map(|entry| entry.used).collect();
        used.sort_unstable();
        let oldest_kept = used[used.len() / 2];
        cache.programs.retain(|_, entry| entry.used >= oldest_kept);
    }
    let now = cache.clock;
    Ok(cache.programs.entry(key).or_insert(Entry { program, used: now }).program.clone())
}
