//! What moving elements costs against computing them: the numbers that fusion decides by, all in one place.
//!
//! The unit is one addition of one element in vector code: a core does some twenty in a cycle. Moving and computing overlap
//! in the processor, so that a kernel takes as long as the longer of the two: what it computes beside a stream that is slower
//! is free. The numbers were fitted to conjugate gradients and a primal-dual iteration on images of 256 by 256 and of 1024 by
//! 1024 pixels, with three and two kernels in an iteration and with two and one.

use crate::compile::schedule::worth_sharing_of;

/// What a store and the later loads of one element cost a kernel that is short of neither. A value used several times is
/// put into memory where recomputing it would cost more.
pub(crate) const ROUND_TRIP: u64 = 14;
/// The same, less what its loads cost, of an array that is [`SWOLLEN`] times as large as any the function was given or gives:
/// it drives those from the caches. Index arithmetic of projectors over pixels and views is of that kind.
pub(crate) const SWOLLEN_ROUND_TRIP: u64 = 60;
/// A load of an element of such an array: it comes from afar every time.
pub(crate) const SWOLLEN_LOAD: u64 = 24;
/// How much larger.
pub(crate) const SWOLLEN: u64 = 8;
/// A load of one element: two in a cycle, of which a vector that straddles two lines of the cache is one.
pub(crate) const LOAD: u64 = 2;
/// A byte that a kernel reads or writes once, in arrays that stay in the caches from one kernel to the next: they give a
/// core some twenty in a cycle.
const CACHED_BYTE: u64 = 1;
/// The same in arrays that do not: memory gives some three in a cycle.
const DISTANT_BYTE: u64 = 6;
/// Arrays of a block, together, up to which they stay in the caches.
const CACHE_BYTES: u64 = 32 << 20;
/// A kernel: the call, its pointers, its partial results.
const KERNEL: u64 = 3_000;
/// A meeting of the workers: half a microsecond in which none of them adds.
const MEETING: u64 = 80_000;

/// What a kernel does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Work {
    /// Bytes it moves: of the arrays it reads and writes, and again of those it writes without having read them, whose lines
    /// are brought into the cache before.
    pub(crate) bytes: u64,
    /// Operations and loads of one iteration.
    pub(crate) operations: u64,
    /// Iterations of its loops.
    pub(crate) iterations: u64,
}

/// The costs of the kernels of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    byte: u64,
}

impl Balance {
    /// For a block whose arrays have so many bytes together.
    pub(crate) fn new(bytes: u64) -> Balance {
        Balance { byte: if bytes <= CACHE_BYTES { CACHED_BYTE } else { DISTANT_BYTE } }
    }

    /// What a kernel costs, with the meeting after it if workers share it.
    pub(crate) fn kernel(self, work: Work) -> u64 {
        let Work { bytes, operations, iterations } = work;
        let meeting = if worth_sharing_of(iterations as usize, operations as usize) { MEETING } else { 0 };
        (bytes * self.byte).max(operations * iterations) + KERNEL + meeting
    }
}

#[cfg(test)]
mod tests {
    use super::{Balance, Work};

    #[test]
    fn what_is_computed_beside_a_slower_stream_is_free() {
        let balance = Balance::new(1 << 20);
        let of = |bytes, operations| balance.kernel(Work { bytes, operations, iterations: 1 << 16 });
        assert_eq!(of(20 << 16, 10), of(20 << 16, 20));
        assert!(of(20 << 16, 21) > of(20 << 16, 20));
    }

    #[test]
    fn a_meeting_is_worth_some_operations_on_few_elements() {
        let balance = Balance::new(1 << 20);
        let of = |operations, iterations| balance.kernel(Work { bytes: 8 * iterations, operations, iterations });
        assert!(of(30, 1 << 14) < of(15, 1 << 14) + of(12, 1 << 14));
        assert!(of(30, 1 << 18) > of(15, 1 << 18) + of(12, 1 << 18));
    }

    #[test]
    fn far_away_a_byte_is_worth_more_operations() {
        let work = Work { bytes: 12 << 22, operations: 30, iterations: 1 << 22 };
        assert!(Balance::new(1 << 30).kernel(work) > Balance::new(1 << 20).kernel(work));
    }
}
