//! Compiled programs by the structure of their function.
//!
//! The key is the function itself: equality and hashing leave names out, and captured data are parameters, so programs
//! that do the same are found whatever they are called. What was used least recently is dropped when the cache is full.

use crate::compile::{Compiled, Options};
use cotangent_ir::{Func, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// What is kept unless [`set_cache_limits`] says otherwise.
const LIMITS: CacheLimits = CacheLimits { programs: 4096, code_bytes: 512 * 1024 * 1024 };

/// How much the compile cache of the process keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheLimits {
    /// Most programs.
    pub programs: usize,
    /// Most bytes of machine code.
    pub code_bytes: usize,
}

/// What the compile cache of the process holds, and how often that was of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheStatistics {
    /// Programs in the cache.
    pub programs: usize,
    /// Bytes of their machine code.
    pub code_bytes: usize,
    /// Most of both that is kept.
    pub limits: CacheLimits,
    /// How often a program was found.
    pub hits: u64,
    /// How often one had to be compiled.
    pub misses: u64,
    /// How many were dropped because there were too many.
    pub dropped: u64,
}

/// What the compile cache holds now.
///
/// ```
/// use cotangent::compile::{Options, cache_statistics, compile};
/// use cotangent::{Array, DType, jit};
/// let traced = jit(|x: Array| x.sin() * 3.0).traced(&Array::arange(8, DType::F32))?;
/// compile(&traced.func, &Options::default())?;
/// let before = cache_statistics();
/// compile(&traced.func, &Options::default())?;
/// assert!(cache_statistics().hits > before.hits);
/// # Ok::<(), cotangent::Error>(())
/// ```
pub fn cache_statistics() -> CacheStatistics {
    let Cache { programs, code_bytes, limits, hits, misses, dropped, .. } = &*cache();
    CacheStatistics {
        programs: programs.len(),
        code_bytes: *code_bytes,
        limits: *limits,
        hits: *hits,
        misses: *misses,
        dropped: *dropped,
    }
}

/// Sets how much the compile cache keeps, and drops what is beyond it. Functions made by [`jit`](crate::jit) keep the
/// programs they use themselves.
pub fn set_cache_limits(limits: CacheLimits) {
    let mut cache = cache();
    cache.limits = limits;
    let dropped = cache.shrink();
    drop(cache);
    drop(dropped);
}

/// Programs, with the order of their last uses.
struct Cache {
    programs: HashMap<Arc<Key>, Entry>,
    /// Which program was used at which time.
    by_use: BTreeMap<u64, Arc<Key>>,
    clock: u64,
    code_bytes: usize,
    limits: CacheLimits,
    hits: u64,
    misses: u64,
    dropped: u64,
}

type Key = (Func, Options);

struct Entry {
    program: Arc<Compiled>,
    used: u64,
}

fn cache() -> MutexGuard<'static, Cache> {
    static CACHE: LazyLock<Mutex<Cache>> = LazyLock::new(|| Mutex::new(Cache::new(LIMITS)));
    // Every update is complete before the lock is given back, whatever panicked elsewhere.
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program of a function, made by `compile` where there is none yet. Compiling does not hold the lock: two threads
/// that want the same program at once may both compile it, and the first to finish wins.
pub(super) fn lookup(
    func: &Func,
    options: &Options,
    compile: impl FnOnce() -> Result<Compiled>,
) -> Result<Arc<Compiled>> {
    let key = (func.clone(), *options);
    if let Some(program) = cache().find(&key) {
        return Ok(program);
    }
    let program = Arc::new(compile()?);
    let (program, dropped) = cache().keep(key, program);
    // Freeing code takes the system a while, during which others may want the cache.
    drop(dropped);
    Ok(program)
}

impl Cache {
    fn new(limits: CacheLimits) -> Cache {
        let (programs, by_use) = (HashMap::new(), BTreeMap::new());
        Cache { programs, by_use, clock: 0, code_bytes: 0, limits, hits: 0, misses: 0, dropped: 0 }
    }

    fn find(&mut self, key: &Key) -> Option<Arc<Compiled>> {
        let Some(entry) = self.programs.get_mut(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        self.clock += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.clock, key);
        }
        entry.used = self.clock;
        Some(entry.program.clone())
    }

    /// Keeps a program unless there is one; gives the one that is kept, and those that had to go.
    fn keep(&mut self, key: Key, program: Arc<Compiled>) -> (Arc<Compiled>, Vec<Arc<Compiled>>) {
        if let Some(entry) = self.programs.get(&key) {
            return (entry.program.clone(), Vec::new());
        }
        self.clock += 1;
        self.code_bytes += program.code_bytes();
        let key = Arc::new(key);
        self.by_use.insert(self.clock, key.clone());
        self.programs.insert(key, Entry { program: program.clone(), used: self.clock });
        (program, self.shrink())
    }

    /// Takes out what is beyond the limits, what was used least recently first.
    fn shrink(&mut self) -> Vec<Arc<Compiled>> {
        let mut out = Vec::new();
        while self.programs.len() > self.limits.programs || self.code_bytes > self.limits.code_bytes {
            let Some((_, key)) = self.by_use.pop_first() else { break };
            if let Some(Entry { program, .. }) = self.programs.remove(&key) {
                self.code_bytes -= program.code_bytes();
                self.dropped += 1;
                out.push(program);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, CacheLimits, Key};
    use crate::compile::{Compiled, Options, compile_uncached};
    use crate::{Array, DType, jit};
    use std::sync::Arc;

    /// A function that only this number has, and its program.
    fn made(number: f32) -> (Key, Arc<Compiled>) {
        let traced = jit(move |x: Array| x + number).traced(&Array::zeros(&[4], DType::F32)).unwrap();
        let program = Arc::new(compile_uncached(&traced.func, &Options::default()).unwrap());
        ((traced.func, Options::default()), program)
    }

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let mut cache = Cache::new(CacheLimits { programs: 2, code_bytes: usize::MAX });
        let all: Vec<(Key, Arc<Compiled>)> = [1.0, 2.0, 3.0].map(made).into();
        for (key, program) in &all[..2] {
            assert!(cache.find(key).is_none());
            cache.keep(key.clone(), program.clone());
        }
        assert!(cache.find(&all[0].0).is_some());
        let (_, dropped) = cache.keep(all[2].0.clone(), all[2].1.clone());
        assert!(dropped.len() == 1 && Arc::ptr_eq(&dropped[0], &all[1].1));
        assert!(cache.find(&all[1].0).is_none() && cache.find(&all[0].0).is_some());
        assert_eq!((cache.hits, cache.misses, cache.dropped), (2, 3, 1));
        assert_eq!(cache.code_bytes, all[0].1.code_bytes() + all[2].1.code_bytes());

        cache.limits.code_bytes = all[0].1.code_bytes();
        cache.shrink();
        assert!(cache.find(&all[0].0).is_some() && cache.programs.len() == 1);
        assert_eq!(cache.programs.len(), cache.by_use.len());
    }

    #[test]
    fn names_do_not_matter_and_the_first_program_stays() {
        let mut cache = Cache::new(CacheLimits { programs: 2, code_bytes: usize::MAX });
        let ((mut func, options), program) = made(1.0);
        let (first, _) = cache.keep((func.clone(), options), program);
        func.name = "another".into();
        let (_, other) = made(1.0);
        let (kept, _) = cache.keep((func, options), other);
        assert!(Arc::ptr_eq(&first, &kept));
    }
}
