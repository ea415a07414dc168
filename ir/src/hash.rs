//! Hashing of small keys, for tables that a compilation makes and drops.
//!
//! The standard library's hash resists keys chosen to collide, which costs a compilation more than the tables are worth.
//! Here every word is mixed in by a rotation and a product.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table with the quick hash.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// The hash: `h = (rotate(h, 5) ^ word) * ODD` for every word.
#[derive(Clone, Copy, Default, Debug)]
pub struct QuickHasher(u64);

/// An odd number without structure.
const ODD: u64 = 0x517c_c1b7_2722_0a95;

impl QuickHasher {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.word(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.word(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    /// Tables look at the lowest bits and at the highest; a product leaves the lowest ones poor.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use super::QuickHasher;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    /// Keys as they occur do not meet in the bits by which tables choose a place.
    #[test]
    fn neighbours_are_spread() {
        let build = BuildHasherDefault::<QuickHasher>::default();
        let places: HashSet<u64> = (0..256u32).map(|key| build.hash_one((key % 16, key / 16)) & 1023).collect();
        assert!(places.len() > 128, "256 keys in {} of 1024 places", places.len());
        assert_ne!(build.hash_one([1u8; 9]), build.hash_one([1u8; 8]));
    }
}
