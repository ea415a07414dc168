//! Keys, and the generator that turns a key and a counter into random words: Threefry-2x32 with 20 rounds (Salmon, Moraes,
//! Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3*, 2011).

use super::words::Words;
use crate::trace::evaluate;
use cotangent_ir::{Array, DType};

/// A key: 64 bits from which a sample is computed. A tree of two `u32` scalars, so that it can be the state of a loop or
/// the argument of a compiled function.
///
/// ```
/// use cotangent::{DType, random::{Key, normal}};
/// let (first, second) = Key::new(0).split();
/// let x = normal(&first, &[2, 3], DType::F32);
/// let y = normal(&second, &[2, 3], DType::F32);
/// assert_ne!(x.to_vec::<f32>()?, y.to_vec::<f32>()?);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) high: Array,
    pub(super) low: Array,
}

crate::impl_tree!(Key { high, low });

impl Key {
    /// The key of a seed.
    pub fn new(seed: u64) -> Key {
        Key { high: Array::from((seed >> 32) as u32), low: Array::from(seed as u32) }
    }

    /// The key of two words, `u32` scalars, such as [`words`](Key::words) gives.
    pub fn from_words(high: Array, low: Array) -> Key {
        Key { high, low }
    }

    /// The two words of the key, `u32` scalars.
    pub fn words(&self) -> (Array, Array) {
        (self.high.clone(), self.low.clone())
    }

    /// Two new keys. The old one should not be used again.
    pub fn split(&self) -> (Key, Key) {
        evaluate("split", self.clone(), |key| (key.derived(0), key.derived(1)).into()).into_tree()
    }

    /// `count` new keys. The old one should not be used again.
    pub fn split_into(&self, count: usize) -> Vec<Key> {
        evaluate("split", self.clone(), |key| Vec::from_iter((0..count).map(|j| key.derived(j as u32))).into())
            .into_tree()
    }

    /// A new key from this one and a number, such as that of an iteration: a `u32`, or an integer scalar array.
    pub fn fold_in(&self, data: impl Into<Array>) -> Key {
        let args = (self.clone(), data.into());
        evaluate("fold_in", args, |(key, data)| key.hashed(&Array::from(0u32), &data.astype(DType::U32)).into())
            .into_tree()
    }

    /// New key number `counter`. Of an array of keys, that of each.
    pub(super) fn derived(&self, counter: u32) -> Key {
        self.hashed(&Array::from(0u32), &Array::from(counter))
    }

    fn hashed(&self, high: &Array, low: &Array) -> Key {
        let (high, low) = threefry(self, high, low);
        Key { high, low }
    }

    /// As many new keys, as two arrays of words.
    pub(super) fn derived_array(&self, count: usize) -> Key {
        let Words { first, second } = self.words_of_counters(count);
        Key { high: first, low: second }
    }

    /// The words of each of the first `count` counters.
    pub(super) fn words_of_counters(&self, count: usize) -> Words {
        let counters = Array::iota(&[count], 0, DType::U32);
        let (first, second) = threefry(self, &counters.zeros_like(), &counters);
        Words { first, second }
    }

    /// The words of counter 0, of each key of an array: what a sample of one element is made of.
    pub(super) fn first_words(&self) -> Words {
        let zero = Array::from(0u32);
        let (first, second) = threefry(self, &zero, &zero);
        Words { first, second }
    }
}

/// 20 rounds of Threefry-2x32.
fn threefry(key: &Key, high: &Array, low: &Array) -> (Array, Array) {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    const PARITY: u32 = 0x1BD1_1BDA;
    let schedule = [key.high.clone(), key.low.clone(), &key.high ^ &key.low ^ PARITY];
    let (mut x0, mut x1) = (high + &schedule[0], low + &schedule[1]);
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            x0 = &x0 + &x1;
            x1 = (x1.shift_left(rotation) | x1.shift_right_logical(32 - rotation)) ^ &x0;
        }
        x0 += &schedule[(group + 1) % 3];
        x1 = x1 + &schedule[(group + 2) % 3] + (group + 1) as u32;
    }
    (x0, x1)
}
