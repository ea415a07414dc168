//! Memory for arenas and for results.
//!
//! Fresh memory is slow: the system clears every page when it is first touched, which for a large result takes longer than
//! the arithmetic. So the memory of results that are dropped is kept for later results, by size and up to a limit.

use aligned_vec::AVec;
use cotangent_ir::{ALIGNMENT, Bytes};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Results below this many bytes are not worth keeping: the allocator has memory of that size at hand.
const LEAST_KEPT: usize = 64 * 1024;

/// Most bytes kept.
const MOST_KEPT: usize = 256 * 1024 * 1024;

static KEPT: Mutex<Kept> = Mutex::new(Kept { by_capacity: BTreeMap::new(), bytes: 0 });

/// Memory that was given back.
struct Kept {
    by_capacity: BTreeMap<usize, Vec<Bytes>>,
    bytes: usize,
}

/// Memory of the given size whose contents nobody has written yet. Only raw pointers may look at it.
pub(super) fn unwritten(bytes: usize) -> Bytes {
    AVec::with_capacity(ALIGNMENT, bytes)
}

/// As [`unwritten`], but preferably memory that was used before. It should come back by [`keep`].
pub(super) fn for_result(bytes: usize) -> Bytes {
    if bytes < LEAST_KEPT {
        return unwritten(bytes);
    }
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).take(bytes).unwrap_or_else(|| unwritten(bytes))
}

/// Keeps memory for later results, if it is worth it.
pub(super) fn keep(mut memory: Bytes) {
    if memory.capacity() >= LEAST_KEPT {
        memory.clear();
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).put(memory);
    }
}

impl Kept {
    /// Memory of the size wanted or up to a quarter larger.
    fn take(&mut self, bytes: usize) -> Option<Bytes> {
        let fitting = self.by_capacity.range_mut(bytes..=bytes + bytes / 4);
        let memory = fitting.into_iter().find_map(|(_, memories)| memories.pop())?;
        self.bytes -= memory.capacity();
        Some(memory)
    }

    /// Keeps memory; what no longer fits under the limit is freed, the largest first. Lists that become empty stay, so
    /// that taking memory and giving it back allocates nothing.
    fn put(&mut self, memory: Bytes) {
        self.bytes += memory.capacity();
        self.by_capacity.entry(memory.capacity()).or_default().push(memory);
        while self.bytes > MOST_KEPT {
            let Some(mut largest) = self.by_capacity.last_entry() else { return };
            match largest.get_mut().pop() {
                Some(memory) => self.bytes -= memory.capacity(),
                None => drop(largest.remove()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, LEAST_KEPT, MOST_KEPT, unwritten};
    use std::collections::BTreeMap;

    fn none() -> Kept {
        Kept { by_capacity: BTreeMap::new(), bytes: 0 }
    }

    #[test]
    fn memory_of_about_the_size_is_used_again() {
        let mut kept = none();
        let memory = unwritten(LEAST_KEPT);
        let address = memory.as_ptr();
        kept.put(memory);
        assert!(kept.take(LEAST_KEPT + 1).is_none(), "too small");
        assert!(kept.take(LEAST_KEPT / 2).is_none(), "a waste");
        assert_eq!(kept.take(LEAST_KEPT - LEAST_KEPT / 8).map(|memory| memory.as_ptr()), Some(address));
        assert_eq!(kept.bytes, 0);
        assert!(kept.take(LEAST_KEPT).is_none(), "taken already");
    }

    #[test]
    fn what_is_kept_stays_below_the_limit() {
        let mut kept = none();
        for part in [3, 3, 2, 5] {
            kept.put(unwritten(MOST_KEPT / part));
            assert!(kept.bytes <= MOST_KEPT);
            assert_eq!(kept.bytes, kept.by_capacity.iter().map(|(capacity, all)| capacity * all.len()).sum::<usize>());
        }
        assert!(kept.bytes > MOST_KEPT / 2);
    }
}
