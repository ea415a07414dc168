//! Running sums, products and extrema over the rows of a matrix, all columns in step.
//!
//! The state is kept in the widest type of its kind, so that an element of the result is rounded once.
//!
//! Few and long columns are cut into blocks of rows: first the total of each block is found, then what precedes each, and
//! then all blocks go on from there, several at a time, because each step of one waits for the last. Many columns, and
//! those whose blocks cannot be joined, are shared by the workers instead.

use super::Operand;
use super::team::{Shared, Target, Team, TeamRoutine, no_bytes};
use cotangent_ir::error::internal;
use cotangent_ir::{Attrs, DType, Element, Type};
use num_complex::Complex;
use std::array::from_fn;
use std::ops::Range;

/// Items of this many elements are worth all workers.
const LARGE: usize = 1 << 15;

/// Elements of a block of rows, at least: there are several blocks as soon as it is worth it,
const LEAST_BLOCK: usize = 64;

/// and at most: no power of two, so that blocks that advance together do not meet in the same lines of the cache.
const MOST_BLOCK: usize = 1040;

/// Blocks of a column that is long enough.
const SEVERAL: usize = 16;

/// Blocks that advance together.
const TURNS: usize = 4;

/// States to which the elements of a column are dealt out for their total.
const DEALT: usize = 8;

/// So many columns are shared by the workers, in units of as many as fill a cache line at least.
const MANY_COLUMNS: usize = 64;

/// Neighbouring columns of one worker.
const UNIT: usize = 16;

/// Bytes of the largest state.
const STATE: usize = size_of::<Option<Complex<f64>>>();

macro_rules! routines {
    ($($(#[$doc:meta])* $name:ident = $run:expr;)*) => { $(
        $(#[$doc])*
        pub(super) static $name: TeamRoutine = TeamRoutine {
            large: |_, types| types[0].len() >= LARGE,
            scratch: |_, types| STATE * Blocks::of(&types[0]).states(),
            own: no_bytes,
            run: $run,
        };
    )* };
}
routines! {
    /// Sums of all rows up to each.
    SUMS = |team, attrs, operands, targets| sums(&Scan::new(team, attrs, operands, targets));
    /// Products of all rows up to each.
    PRODUCTS = |team, attrs, operands, targets| products(&Scan::new(team, attrs, operands, targets));
    /// Greatest of all rows up to each.
    MAXIMA = |team, attrs, operands, targets| {
        extrema(&Scan::new(team, attrs, operands, targets), |old, new| new > old, |old, new| new > old);
    };
    /// Least of all rows up to each.
    MINIMA = |team, attrs, operands, targets| {
        extrema(&Scan::new(team, attrs, operands, targets), |old, new| new < old, |old, new| new < old);
    };
    /// Logarithms of the sums of the exponentials of all rows up to each.
    LOGSUMEXPS = |team, attrs, operands, targets| logsumexps(&Scan::new(team, attrs, operands, targets));
}

fn sums(scan: &Scan<'_, '_>) {
    match scan.x.ty.dtype {
        DType::F32 => scan.run(0.0, |sum, x: f32| sum + f64::from(x), Some(&|a, b| a + b), |sum| sum as f32),
        DType::F64 => scan.run(0.0, |sum, x: f64| sum + x, Some(&|a, b| a + b), |sum| sum),
        DType::C64 => scan.run(Complex::ZERO, |sum, x| sum + wide(x), Some(&|a, b| a + b), short),
        DType::C128 => scan.run(Complex::ZERO, |sum: Complex<f64>, x| sum + x, Some(&|a, b| a + b), |sum| sum),
        _ => integers(scan, 0, i64::wrapping_add),
    }
}

/// Products of floating-point numbers are not joined: that of a block may overflow where what precedes it is zero.
fn products(scan: &Scan<'_, '_>) {
    // The first factor is taken as it is: one times an infinity and zero would be NaN.
    let first = |product: Option<Complex<f64>>, x: Complex<f64>| Some(product.map_or(x, |product| product * x));
    let all = |product: Option<Complex<f64>>| product.unwrap_or(Complex::ONE);
    match scan.x.ty.dtype {
        DType::F32 => scan.run(1.0, |product, x: f32| product * f64::from(x), None, |product| product as f32),
        DType::F64 => scan.run(1.0, |product, x: f64| product * x, None, |product| product),
        DType::C64 => scan.run(None, |product, x| first(product, wide(x)), None, |product| short(all(product))),
        DType::C128 => scan.run(None, first, None, all),
        _ => integers(scan, 1, i64::wrapping_mul),
    }
}

fn logsumexps(scan: &Scan<'_, '_>) {
    let step = |a: f64, b: f64| {
        let greater = a.max(b);
        match greater.is_infinite() {
            true if a.is_nan() || b.is_nan() => f64::NAN,
            true => greater,
            false => greater + ((a - greater).exp() + (b - greater).exp()).ln(),
        }
    };
    match scan.x.ty.dtype {
        DType::F32 => scan.run(f64::NEG_INFINITY, |a, b: f32| step(a, b.into()), Some(&step), |sum| sum as f32),
        _ => scan.run(f64::NEG_INFINITY, step, Some(&step), |sum| sum),
    }
}

/// The element that is better than all before it; the first NaN stays.
fn extrema(scan: &Scan<'_, '_>, float: impl Fn(f64, f64) -> bool, integer: impl Fn(i128, i128) -> bool) {
    macro_rules! extremum {
        ($element:ty, $wide:ty, $better:expr) => {{
            let step = |best: Option<$element>, new: $element| match best {
                #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
                Some(old) if old != old || !(new != new || $better(<$wide>::from(old), <$wide>::from(new))) => best,
                _ => Some(new),
            };
            scan.run(
                None,
                step,
                Some(&|best, new: Option<$element>| new.map_or(best, |new| step(best, new))),
                Option::unwrap_or_default,
            );
        }};
    }
    match scan.x.ty.dtype {
        DType::F32 => extremum!(f32, f64, float),
        DType::F64 => extremum!(f64, f64, float),
        DType::I8 => extremum!(i8, i128, integer),
        DType::I16 => extremum!(i16, i128, integer),
        DType::I32 => extremum!(i32, i128, integer),
        DType::I64 => extremum!(i64, i128, integer),
        // A truth value is a byte.
        DType::Bool | DType::U8 => extremum!(u8, i128, integer),
        DType::U16 => extremum!(u16, i128, integer),
        DType::U32 => extremum!(u32, i128, integer),
        DType::U64 => extremum!(u64, i128, integer),
        other => internal(&format!("cumulative extrema of {other}")),
    }
}

fn wide(x: Complex<f32>) -> Complex<f64> {
    Complex::new(x.re.into(), x.im.into())
}

fn short(x: Complex<f64>) -> Complex<f32> {
    Complex::new(x.re as f32, x.im as f32)
}

/// Integers wrap, in 64 bits as in fewer.
fn integers(scan: &Scan<'_, '_>, start: i64, step: impl Fn(i64, i64) -> i64) {
    macro_rules! integer {
        ($element:ty) => {
            scan.run(start, |state, x: $element| step(state, x as i64), Some(&step), |state| state as $element)
        };
    }
    match scan.x.ty.dtype {
        DType::I8 => integer!(i8),
        DType::I16 => integer!(i16),
        DType::I32 => integer!(i32),
        DType::I64 => integer!(i64),
        DType::U8 => integer!(u8),
        DType::U16 => integer!(u16),
        DType::U32 => integer!(u32),
        DType::U64 => integer!(u64),
        other => internal(&format!("cumulative integers of {other}")),
    }
}

/// How an item is cut into blocks of rows.
#[derive(Clone, Copy)]
struct Blocks {
    rows: usize,
    width: usize,
    /// Rows of a block.
    height: usize,
    /// Number of blocks.
    count: usize,
}

impl Blocks {
    fn of(ty: &Type) -> Blocks {
        let (rows, width) = (ty.shape[0], ty.shape[1]);
        let height = match width {
            0..MANY_COLUMNS => (rows / SEVERAL).clamp(LEAST_BLOCK, MOST_BLOCK / width.clamp(1, SEVERAL)),
            _ => rows.max(1),
        };
        Blocks { rows, width, height, count: rows.div_ceil(height) }
    }

    /// States of all blocks.
    fn states(&self) -> usize {
        self.count * self.width
    }
}

/// One item.
struct Scan<'a, 't> {
    team: &'a Team<'t>,
    reverse: bool,
    x: &'a Operand<'a>,
    y: &'a Target<'a>,
    blocks: Blocks,
}

impl<'a, 't> Scan<'a, 't> {
    fn new(team: &'a Team<'t>, attrs: &Attrs, operands: &'a [Operand<'a>], targets: &'a [Target<'a>]) -> Scan<'a, 't> {
        let (x, y) = (&operands[0], &targets[0]);
        Scan { team, reverse: attrs.bool("reverse"), x, y, blocks: Blocks::of(x.ty) }
    }

    /// Row after row, from the last if `reverse`, with one state a column.
    fn run<T: Element, S: Copy>(
        &self,
        start: S,
        step: impl Fn(S, T) -> S,
        join: Option<&dyn Fn(S, S) -> S>,
        finish: impl Fn(S) -> T,
    ) {
        let Blocks { rows, width, height, count } = self.blocks;
        if rows * width == 0 {
            return;
        }
        // SAFETY: the scratch has room for these states, none of which is larger than `STATE`.
        let states = unsafe { self.team.scratch::<S>(0, count * width) };
        match join {
            Some(join) if count > 1 => {
                let block = |number: usize| number * height..((number + 1) * height).min(rows);
                let of_block = |number: usize| number * width..(number + 1) * width;
                self.team.phase(|| {
                    for number in self.team.share(count - 1) {
                        // SAFETY: the states of a block are one worker's.
                        let states = unsafe { states.filled(of_block(number), start) };
                        self.total(block(number), states, &step, join);
                    }
                });
                self.team.once(|| {
                    for column in 0..width {
                        let mut before = start;
                        for at in (column..count * width).step_by(width) {
                            // SAFETY: only one worker is here; the totals of all blocks but the last are known.
                            unsafe {
                                let total = (at < (count - 1) * width).then(|| states.slice(at..at + 1)[0]);
                                states.set(at, before);
                                before = total.map_or(before, |total| join(before, total));
                            }
                        }
                    }
                });
                self.team.phase(|| {
                    let mut numbers = self.team.share(count);
                    while width == 1 && numbers.start + TURNS <= numbers.end && numbers.start + TURNS < count {
                        let together = from_fn(|turn| block(numbers.start + turn));
                        // SAFETY: the states of a block are one worker's, and were written.
                        let states = unsafe { states.slice(numbers.start..numbers.start + TURNS) };
                        self.advance_together(together, states, &step, &finish);
                        numbers.start += TURNS;
                    }
                    for number in numbers {
                        // SAFETY: as above.
                        let states = unsafe { states.slice_mut(of_block(number)) };
                        self.advance(block(number), 0..width, states, &step, &finish);
                    }
                });
            }
            _ => self.team.phase(|| {
                let units = self.team.share(width.div_ceil(UNIT));
                let columns = units.start * UNIT..(units.end * UNIT).min(width);
                if !columns.is_empty() {
                    // SAFETY: shares are apart.
                    let states = unsafe { states.filled(columns.clone(), start) };
                    self.advance(0..rows, columns, states, &step, &finish);
                }
            }),
        }
    }

    /// Where a row lies, counted from the end if that is where the sums begin.
    fn row(&self, number: usize) -> usize {
        if self.reverse { self.blocks.rows - 1 - number } else { number }
    }

    /// Brings states past some rows without writing results, in any order. A single column is dealt out to several states,
    /// which do not wait for each other.
    fn total<T: Element, S: Copy>(
        &self,
        rows: Range<usize>,
        states: &mut [S],
        step: &impl Fn(S, T) -> S,
        join: &dyn Fn(S, S) -> S,
    ) {
        let (from, width): (&[T], usize) = (self.x.elements(), self.blocks.width);
        if let [state] = states {
            let first = self.row(rows.start).min(self.row(rows.end - 1));
            let line = &from[first..first + rows.len()];
            let mut dealt = [*state; DEALT];
            let (whole, rest) = line.as_chunks::<DEALT>();
            for elements in whole {
                for (state, &x) in dealt.iter_mut().zip(elements) {
                    *state = step(*state, x);
                }
            }
            for (state, &x) in dealt.iter_mut().zip(rest) {
                *state = step(*state, x);
            }
            *state = dealt.into_iter().fold(*state, join);
            return;
        }
        for row in rows {
            let first = self.row(row) * width;
            for (state, &x) in states.iter_mut().zip(&from[first..first + width]) {
                *state = step(*state, x);
            }
        }
    }

    /// Brings the states of some columns past some rows and writes the results.
    fn advance<T: Element, S: Copy>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        states: &mut [S],
        step: &impl Fn(S, T) -> S,
        finish: &impl Fn(S) -> T,
    ) {
        let (from, to, width): (&[T], Shared<'_, T>, usize) = (self.x.elements(), self.y.elements(), self.blocks.width);
        for row in rows {
            let first = self.row(row) * width;
            let places = first + columns.start..first + columns.end;
            for ((state, &x), at) in states.iter_mut().zip(&from[places.clone()]).zip(places) {
                *state = step(*state, x);
                // SAFETY: these columns of these rows are this worker's.
                unsafe { to.set(at, finish(*state)) };
            }
        }
    }

    /// As [`Scan::advance`], for blocks of one column, all of the same height.
    fn advance_together<T: Element, S: Copy>(
        &self,
        rows: [Range<usize>; TURNS],
        states: &[S],
        step: &impl Fn(S, T) -> S,
        finish: &impl Fn(S) -> T,
    ) {
        let (from, to): (&[T], Shared<'_, T>) = (self.x.elements(), self.y.elements());
        let height = self.blocks.height;
        let firsts = rows.map(|rows| self.row(rows.start).min(self.row(rows.end - 1)));
        let lines: [&[T]; TURNS] = firsts.map(|first| &from[first..first + height]);
        let mut states: [S; TURNS] = from_fn(|turn| states[turn]);
        for number in 0..height {
            let at = if self.reverse { height - 1 - number } else { number };
            for turn in 0..TURNS {
                states[turn] = step(states[turn], lines[turn][at]);
                // SAFETY: these rows are this worker's.
                unsafe { to.set(firsts[turn] + at, finish(states[turn])) };
            }
        }
    }
}
