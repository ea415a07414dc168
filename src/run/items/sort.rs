//! Sorting rows, by digits.
//!
//! Every key becomes unsigned words of at most 32 bits in whose order the elements are meant to come. A word and the place
//! it comes from make one number of eight bytes. These are put in order by the digits of the words, the least significant
//! first, word after word and key after key, each time leaving equal digits in order. In the end the places say where the
//! elements of all operands come from, whatever their dtype.
//!
//! Each pass counts the digits of the parts of an item, whose number depends on its length alone, and sends every number
//! to the place that the counts of lesser digits and of earlier parts leave for it.

use super::Operand;
use super::team::{Shared, Target, Team, TeamRoutine, no_bytes, whole_lines};
use cotangent_ir::{Attrs, DType};
use smallvec::SmallVec;
use std::ops::Range;

/// The operands sorted by the first of them.
pub(super) static SORT: TeamRoutine = TeamRoutine {
    large: |_, types| types[0].len() >= LARGE,
    scratch: |_, types| Scratch::new(types[0].len()).bytes,
    own: no_bytes,
    run: sort,
};

/// Rows of this many elements are worth all workers.
const LARGE: usize = 1 << 15;

/// Rows of up to this many elements are sorted by comparing them, where a word is all there is to compare,
const FEW: usize = 2048;

/// and where there are several.
const FEW_OF_WORDS: usize = 64;

/// Bits of a digit. Of larger digits there would be fewer, but their numbers would go to more places at a time than a core
/// keeps track of.
const DIGIT: u32 = 8;

/// Different digits.
const DIGITS: usize = 1 << DIGIT;

/// A part has at least so many elements,
const LEAST_PART: usize = 1 << 14;

/// and there are at most so many.
const MOST_PARTS: usize = 16;

/// Scratch: two lists of numbers, the counts of each part, and a word that says whether a pass may be left out.
struct Scratch {
    parts: usize,
    counts_at: usize,
    counts: usize,
    bytes: usize,
}

impl Scratch {
    fn new(count: usize) -> Scratch {
        let parts = count.div_ceil(LEAST_PART).clamp(1, MOST_PARTS);
        let counts_at = 2 * whole_lines(count * size_of::<u64>());
        let counts = parts * DIGITS;
        Scratch { parts, counts_at, counts, bytes: counts_at + (counts + 1) * size_of::<u32>() }
    }
}

fn sort(team: &Team<'_>, attrs: &Attrs, operands: &[Operand<'_>], targets: &[Target<'_>]) {
    let count = operands[0].ty.len();
    let keys = operands[..attrs.size("keys")].iter().rev();
    let words: SmallVec<[Word<'_>; 4]> = keys
        .flat_map(|operand| (0..operand.ty.dtype.size().div_ceil(4)).map(move |number| Word { operand, number }))
        .collect();
    let few = if words.len() == 1 { FEW } else { FEW_OF_WORDS };
    let ordered = if count <= few { by_comparing(team, &words, count) } else { by_digits(team, &words, count) };
    let last = words.len() - 1;
    team.phase(|| {
        let range = team.share(count);
        // SAFETY: all numbers were written in earlier phases.
        let ordered = unsafe { ordered.slice(range.clone()) };
        for (position, (operand, target)) in operands.iter().zip(targets).enumerate() {
            // SAFETY: shares are apart.
            unsafe {
                match operand.ty.dtype {
                    dtype if position == 0 && words[last].restores() => {
                        restored(operand, &target.elements(), ordered, range.clone(), dtype);
                    }
                    dtype => match dtype.size() {
                        1 => arranged::<u8>(operand, target, ordered, range.clone()),
                        2 => arranged::<u16>(operand, target, ordered, range.clone()),
                        4 => arranged::<u32>(operand, target, ordered, range.clone()),
                        8 if dtype.is_complex() => arranged::<[u32; 2]>(operand, target, ordered, range.clone()),
                        8 => arranged::<u64>(operand, target, ordered, range.clone()),
                        _ => arranged::<[u64; 2]>(operand, target, ordered, range.clone()),
                    },
                }
            }
        }
    });
}

/// Puts the elements of a range in order.
///
/// # Safety
///
/// No other worker has the range in this phase.
unsafe fn arranged<T: bytemuck::Pod>(operand: &Operand<'_>, target: &Target<'_>, ordered: &[u64], range: Range<usize>) {
    let (from, to): (&[T], Shared<'_, T>) = (bytemuck::cast_slice(operand.bytes()), target.elements());
    for (at, &number) in range.zip(ordered) {
        // SAFETY: passed on.
        unsafe { to.set(at, from[number as u32 as usize]) };
    }
}

/// As [`arranged`], for operands whose elements the numbers contain, but for the zeros and NaN that count as equal.
///
/// # Safety
///
/// As for [`arranged`].
unsafe fn restored(operand: &Operand<'_>, to: &Shared<'_, u32>, ordered: &[u64], range: Range<usize>, dtype: DType) {
    let from: &[u32] = bytemuck::cast_slice(operand.bytes());
    let sign = 1 << 31;
    for (at, &number) in range.zip(ordered) {
        let key = (number >> 32) as u32;
        let element = match dtype {
            DType::U32 => key,
            DType::I32 => key ^ sign,
            _ if key == sign || key == u32::MAX => from[number as u32 as usize],
            _ if key & sign == 0 => !key,
            _ => key ^ sign,
        };
        // SAFETY: passed on.
        unsafe { to.set(at, element) };
    }
}

/// The numbers in order, those of few elements.
fn by_comparing<'a>(team: &Team<'a>, words: &[Word<'_>], count: usize) -> Shared<'a, u64> {
    // SAFETY: the scratch begins with two lists of so many numbers.
    let numbers = unsafe { team.scratch::<u64>(0, count) };
    team.once(|| {
        // SAFETY: only one worker is here.
        let list = unsafe {
            words[words.len() - 1].load(&numbers, 0..count, true);
            numbers.slice_mut(0..count)
        };
        match words {
            // Places make all numbers different.
            [_] => list.sort_unstable(),
            _ => list.sort_unstable_by(|&a, &b| {
                let lesser = words[..words.len() - 1].iter().rev();
                let words = lesser.map(|word| word.of(a as u32).cmp(&word.of(b as u32)));
                let first = (a >> 32).cmp(&(b >> 32));
                words.fold(first, std::cmp::Ordering::then).then(a.cmp(&b))
            }),
        }
    });
    numbers
}

/// The numbers in order.
fn by_digits<'a>(team: &Team<'a>, words: &[Word<'_>], count: usize) -> Shared<'a, u64> {
    let Scratch { parts, counts_at, counts, .. } = Scratch::new(count);
    // SAFETY: the scratch is laid out like this.
    let (mut from, mut to, counts, left_out) = unsafe {
        (
            team.scratch::<u64>(0, count),
            team.scratch::<u64>(counts_at / 2, count),
            team.scratch::<u32>(counts_at, counts),
            team.scratch::<u32>(counts_at + counts * size_of::<u32>(), 1),
        )
    };
    let part = |number: usize| count * number / parts..count * (number + 1) / parts;
    for (position, word) in words.iter().enumerate() {
        // SAFETY: parts are apart, and loaded before they are read.
        team.phase(|| team.share(parts).for_each(|number| unsafe { word.load(&from, part(number), position == 0) }));
        for shift in (32..32 + word.bits()).step_by(DIGIT as usize) {
            let digit = |number: u64| (number >> shift) as usize % DIGITS;
            team.phase(|| {
                for number in team.share(parts) {
                    // SAFETY: counts of one part are one worker's; nobody writes the numbers.
                    let (counts, numbers) =
                        unsafe { (counts.filled(number * DIGITS..(number + 1) * DIGITS, 0), from.slice(part(number))) };
                    for &number in numbers {
                        counts[digit(number)] += 1;
                    }
                }
            });
            team.once(|| {
                // SAFETY: only one worker is here, after all have counted.
                unsafe {
                    let counts = counts.slice_mut(0..parts * DIGITS);
                    left_out.set(0, u32::from(places_from_counts(counts, count)));
                }
            });
            // SAFETY: nobody writes it before all workers have met again.
            if unsafe { left_out.slice(0..1) }[0] != 0 {
                continue;
            }
            team.phase(|| {
                for number in team.share(parts) {
                    // SAFETY: the places of one part are one worker's, and no two numbers have the same.
                    unsafe {
                        let places = counts.slice_mut(number * DIGITS..(number + 1) * DIGITS);
                        for &number in from.slice(part(number)) {
                            let place = &mut places[digit(number)];
                            to.set(*place as usize, number);
                            *place += 1;
                        }
                    }
                }
            });
            (from, to) = (to, from);
        }
    }
    from
}

/// Makes the counts of digits, part after part, the places of the first number with each digit. Returns whether all
/// numbers have the same digit, so that they are in order already.
fn places_from_counts(counts: &mut [u32], count: usize) -> bool {
    let mut next = [0u32; DIGITS];
    for part in counts.chunks_exact(DIGITS) {
        next.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
    }
    let mut place = 0;
    let mut all_in_one = false;
    for sum in &mut next {
        all_in_one |= *sum as usize == count;
        place += std::mem::replace(sum, place);
    }
    for part in counts.chunks_exact_mut(DIGITS) {
        for (count, next) in part.iter_mut().zip(&mut next) {
            let first = *next;
            *next += std::mem::replace(count, first);
        }
    }
    all_in_one
}

/// What `$body` makes of the function that gives the word of a [`Word`] for each element, whose type depends on the dtype.
macro_rules! with_words {
    ($word:expr, |$function:ident| $body:expr) => {{
        let Word { operand, number } = *$word;
        let half = |key: u64, half: usize| (key >> (32 * half)) as u32;
        macro_rules! words {
            ($element:ty, |$elements:ident, $place:ident| $key:expr) => {{
                let $elements: &[$element] = bytemuck::cast_slice(operand.bytes());
                let $function = |$place: usize| -> u32 { $key };
                $body
            }};
        }
        match operand.ty.dtype {
            DType::Bool | DType::U8 => words!(u8, |x, place| x[place].into()),
            DType::U16 => words!(u16, |x, place| x[place].into()),
            DType::U32 => words!(u32, |x, place| x[place]),
            DType::U64 => words!(u64, |x, place| half(x[place], number)),
            DType::I8 => words!(u8, |x, place| (x[place] ^ 1 << 7).into()),
            DType::I16 => words!(u16, |x, place| (x[place] ^ 1 << 15).into()),
            DType::I32 => words!(u32, |x, place| x[place] ^ 1 << 31),
            DType::I64 => words!(u64, |x, place| half(x[place] ^ 1 << 63, number)),
            DType::F32 => words!(f32, |x, place| key32(x[place])),
            DType::F64 => words!(f64, |x, place| half(key64(x[place]), number)),
            DType::C64 => words!(f32, |x, place| key32(x[2 * place + 1 - number])),
            DType::C128 => words!(f64, |x, place| half(key64(x[2 * place + 1 - number / 2]), number % 2)),
        }
    }};
}

/// Some bits of the keys that an operand has: those of one number, the least significant words first, of complex numbers
/// those of the imaginary part first.
#[derive(Clone, Copy)]
struct Word<'a> {
    operand: &'a Operand<'a>,
    number: usize,
}

impl Word<'_> {
    /// How many bits may differ from zero.
    fn bits(&self) -> u32 {
        8 * self.operand.ty.dtype.size().min(4) as u32
    }

    /// Whether the word tells its element.
    fn restores(&self) -> bool {
        matches!(self.operand.ty.dtype, DType::F32 | DType::I32 | DType::U32)
    }

    /// The word of one element.
    fn of(&self, place: u32) -> u32 {
        with_words!(self, |word| word(place as usize))
    }

    /// Writes the words into the upper halves of numbers whose lower halves are places; at `first` those of the range.
    ///
    /// # Safety
    ///
    /// No other worker has the range in this phase; it has been written unless it is loaded `first`.
    unsafe fn load(&self, numbers: &Shared<'_, u64>, range: Range<usize>, first: bool) {
        with_words!(self, |word| {
            let number = |place: usize| u64::from(word(place)) << 32 | place as u64;
            // SAFETY: passed on.
            unsafe {
                match first {
                    true => range.for_each(|place| numbers.set(place, number(place))),
                    false => numbers.slice_mut(range).iter_mut().for_each(|old| *old = number(*old as u32 as usize)),
                }
            }
        })
    }
}

/// An integer in the order of numbers: both zeros are one, all NaN are last.
fn key32(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    match x.is_nan() {
        true => u32::MAX,
        false if bits >> 31 == 1 => !bits,
        false => bits | 1 << 31,
    }
}

/// As [`key32`].
fn key64(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    match x.is_nan() {
        true => u64::MAX,
        false if bits >> 63 == 1 => !bits,
        false => bits | 1 << 63,
    }
}
