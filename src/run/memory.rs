//! Memory for arenas and for results.
//!
//! Fresh memory is slow: the system clears every page when it is first touched, which for a large result takes longer than
//! the arithmetic. So the memory of results that are dropped, and that of arenas of programs that are, is kept for later
//! ones, by size class and up to a limit. There are four classes to an octave, so that sizes which differ little share
//! memory; what a class has beyond the size asked for is never touched, and costs addresses, not memory.

use aligned_vec::AVec;
use cotangent_ir::{ALIGNMENT, Bytes};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Results below this many bytes are not worth keeping: the allocator has memory of that size at hand.
const LEAST_KEPT: usize = 64 * 1024;

/// Most bytes kept, unless [`set_memory_limit`] says otherwise.
const MOST_KEPT: usize = 256 * 1024 * 1024;

/// Classes to an octave.
const STEPS: usize = 4;

/// Classes of all sizes there can be.
const CLASSES: usize = usize::BITS as usize * STEPS;

static KEPT: Mutex<Kept> = Mutex::new(Kept::new());

/// What is kept for later results, and how often that was of use.
///
/// ```
/// use cotangent::run::memory::memory_statistics;
/// use cotangent::{Array, DType, jit};
/// let twice = jit(|x: Array| x * 2.0);
/// let x = Array::zeros(&[1000, 1000], DType::F32);
/// drop(twice.call(x.clone())?);
/// let before = memory_statistics();
/// drop(twice.call(x)?);
/// assert!(memory_statistics().reused > before.reused);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryStatistics {
    /// Bytes kept now.
    pub bytes: usize,
    /// Most bytes that are kept.
    pub limit: usize,
    /// Results and arenas of 64 KiB and more that got memory used before.
    pub reused: u64,
    /// Those that got fresh memory.
    pub fresh: u64,
}

/// What is kept for later results now.
pub fn memory_statistics() -> MemoryStatistics {
    let Kept { bytes, limit, reused, fresh, .. } = *kept();
    MemoryStatistics { bytes, limit, reused, fresh }
}

/// Sets how many bytes of dropped results are kept for later ones, and frees what is beyond it. With 0 nothing is kept.
pub fn set_memory_limit(bytes: usize) {
    let mut kept = kept();
    kept.limit = bytes;
    kept.shrink();
}

/// Memory that was given back.
struct Kept {
    by_class: [Vec<Bytes>; CLASSES],
    bytes: usize,
    limit: usize,
    reused: u64,
    fresh: u64,
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The class of memory that is large enough, and the size of memory in it.
fn class(bytes: usize) -> (usize, usize) {
    let octave = bytes.max(STEPS).ilog2() as usize;
    let step = (1usize << octave) / STEPS;
    let steps = bytes.div_ceil(step).max(STEPS);
    (octave * STEPS + steps - STEPS, steps * step)
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
    let (class, size) = class(bytes);
    let found = kept().take(class);
    found.unwrap_or_else(|| unwritten(size))
}

/// Keeps memory for later results, if it is worth it.
pub(super) fn keep(mut memory: Bytes) {
    // Memory that was made elsewhere may be of a size between classes.
    if memory.capacity() >= LEAST_KEPT && class(memory.capacity()).1 == memory.capacity() {
        memory.clear();
        kept().put(memory);
    }
}

impl Kept {
    const fn new() -> Kept {
        Kept { by_class: [const { Vec::new() }; CLASSES], bytes: 0, limit: MOST_KEPT, reused: 0, fresh: 0 }
    }

    fn take(&mut self, class: usize) -> Option<Bytes> {
        let found = self.by_class[class].pop();
        match &found {
            Some(memory) => {
                self.bytes -= memory.capacity();
                self.reused += 1;
            }
            None => self.fresh += 1,
        }
        found
    }

    fn put(&mut self, memory: Bytes) {
        self.bytes += memory.capacity();
        self.by_class[class(memory.capacity()).0].push(memory);
        self.shrink();
    }

    /// Frees what no longer fits under the limit, the largest first.
    fn shrink(&mut self) {
        let mut largest = CLASSES;
        while self.bytes > self.limit && largest > 0 {
            match self.by_class[largest - 1].pop() {
                Some(memory) => self.bytes -= memory.capacity(),
                None => largest -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, LEAST_KEPT, MOST_KEPT, class, unwritten};

    #[test]
    fn classes_hold_their_sizes_and_waste_little() {
        let mut last = (0, 0);
        for bytes in (1..5000).chain((16..40).map(|power| (1 << power) + 12345)) {
            let (number, size) = class(bytes);
            assert!(size >= bytes && size <= (bytes + bytes / 4).max(4), "{size} for {bytes}");
            assert_eq!(class(size), (number, size), "the class of a class is itself");
            assert!((number, size) >= last, "larger classes come later");
            last = (number, size);
        }
    }

    #[test]
    fn memory_of_about_the_size_is_used_again() {
        let mut kept = Kept::new();
        let (number, size) = class(LEAST_KEPT + 1);
        let memory = unwritten(size);
        let address = memory.as_ptr();
        kept.put(memory);
        assert!(kept.take(class(LEAST_KEPT).0).is_none(), "a waste");
        assert!(kept.take(class(size + 1).0).is_none(), "too small");
        assert_eq!(kept.take(class(size - 1000).0).map(|memory| memory.as_ptr()), Some(address));
        assert_eq!(kept.bytes, 0);
        assert!(kept.take(number).is_none(), "taken already");
        assert_eq!((kept.reused, kept.fresh), (1, 3));
    }

    #[test]
    fn what_is_kept_stays_below_the_limit() {
        let mut kept = Kept::new();
        for part in [4, 4, 2, 8] {
            kept.put(unwritten(MOST_KEPT / part));
            assert!(kept.bytes <= MOST_KEPT);
            assert_eq!(kept.bytes, kept.by_class.iter().flatten().map(|memory| memory.capacity()).sum::<usize>());
        }
        assert!(kept.bytes > MOST_KEPT / 2);
        kept.limit = 0;
        kept.shrink();
        assert_eq!(kept.bytes, 0);
    }
}
