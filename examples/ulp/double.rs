//! Errors in double precision, on random and on hard numbers.

use crate::Row;
use crate::double_double::Double;
use cotangent::{Array, Result, jit};

/// Random numbers for each function.
const COUNT: u64 = 400_000;

/// The largest error seen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Worst {
    pub(crate) error: f64,
    pub(crate) at: f64,
    /// Of how many numbers.
    pub(crate) count: usize,
}

pub(crate) fn worst(row: &Row) -> Result<Worst> {
    let function = row.function;
    let compiled = jit(move |x: Array| function(&x));
    let mut xs = random(row.range);
    xs.extend(hard(row.range));
    let ys = compiled.call(Array::from(xs.clone()))?.to_vec::<f64>()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = xs.len().div_ceil(threads);
    let search = |xs: &[f64], ys: &[f64]| {
        let errors = xs.iter().zip(ys).map(|(&x, &y)| (units(y, (row.double)(x)), x));
        errors.fold((0.0, 0.0), |worst, seen| if seen.0 > worst.0 { seen } else { worst })
    };
    let (error, at) = std::thread::scope(|scope| {
        let parts = xs.chunks(share).zip(ys.chunks(share));
        let searches: Vec<_> = parts.map(|(xs, ys)| scope.spawn(move || search(xs, ys))).collect();
        let found = searches.into_iter().filter_map(|search| search.join().ok());
        found.fold((0.0, 0.0), |worst, seen| if seen.0 > worst.0 { seen } else { worst })
    });
    Ok(Worst { error, at, count: xs.len() })
}

/// The distance in units in the last place of the exact number.
fn units(computed: f64, exact: Double) -> f64 {
    let distance = (computed - exact.high - exact.low).abs();
    if distance == 0.0 {
        return 0.0;
    }
    if !computed.is_finite() || !exact.high.is_finite() {
        return f64::INFINITY;
    }
    let size = exact.high.abs().max(f64::MIN_POSITIVE);
    let power = f64::from_bits(size.to_bits() >> 52 << 52);
    distance / power * 2f64.powi(52)
}

/// Half of them spread evenly in the range, or within 32 of 0 where it is larger; the others evenly in the logarithm of
/// their size.
fn random((low, high): (f64, f64)) -> Vec<f64> {
    // SplitMix64 (Steele, Lea, Flood 2014).
    let mut state = 20u64;
    let mut unit = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    let (near_low, near_high) = (low.max(-32.0), high.min(32.0));
    let most = low.abs().max(high.abs()).log2();
    let number = |n: u64| match n % 2 {
        0 => near_low + (near_high - near_low) * unit(),
        _ => {
            let size = (most - (most + 60.0).min(900.0) * unit()).exp2();
            if unit() < 0.5 { -size } else { size }
        }
    };
    (0..COUNT).map(number).filter(|x| (low..=high).contains(x)).collect()
}

/// Neighbours of small multiples of 1/16, of a right angle, and of half the logarithm of 2; without the smallest numbers,
/// of which twice the digits do not fit into the range of exponents.
fn hard((low, high): (f64, f64)) -> Vec<f64> {
    let units = [1.0 / 16.0, std::f64::consts::FRAC_PI_2, std::f64::consts::LN_2 / 2.0, 1.0 / 1024.0];
    let multiples = units.into_iter().flat_map(|unit| (-400..=400).map(move |n| f64::from(n) * unit));
    let neighbours = |x: f64| {
        let (mut below, mut above) = (x, x);
        let mut all = vec![x];
        for _ in 0..6 {
            (below, above) = (below.next_down(), above.next_up());
            all.extend([below, above]);
        }
        // Further away, so that the last digits of products differ.
        all.extend((1..6).flat_map(|n| [x * (1.0 + f64::from(n) * 1e-9), x * (1.0 - f64::from(n) * 1e-13)]));
        all
    };
    let usual = |x: &f64| (low..=high).contains(x) && (*x == 0.0 || x.abs() > 1e-280);
    multiples.flat_map(neighbours).filter(usual).collect()
}
