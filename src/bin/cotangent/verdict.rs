//! Whether one side is slower than another, by the ratio of the medians of their times.
//!
//! How well the ratio is known is told by the bootstrap: both sides are drawn from again and again, with replacement, first
//! rounds, then times of each, and the ratio of the medians of what was drawn spreads as that of other measurements would.
//! Nothing is assumed of how times are distributed, which is not normally. What differs between rounds is known from several
//! of them only; with one, the noise that is allowed for has to cover it.

use std::fmt;

/// How often is drawn.
pub(crate) const RESAMPLES: usize = 2000;

/// Where the generator starts, for every comparison anew, so that the same times always give the same verdict.
pub(crate) const SEED: u64 = 2026;

/// The ratio of two medians, and the interval that holds it with 95 % confidence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Ratio {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// What a ratio of times means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The whole interval is above 1 by more than the noise.
    Slower,
    /// The whole interval is below 1 by more than the noise.
    Faster,
    /// The whole interval is within the noise.
    Same,
    /// More measurements are needed.
    Unclear,
}

impl Ratio {
    /// New times over old ones, those of each round by themselves. They are positive, and no round is empty, nor is there
    /// none.
    pub(crate) fn of(new: &[Vec<f64>], old: &[Vec<f64>]) -> Ratio {
        let mut generator = Generator(SEED);
        let mut drawn = Vec::new();
        let mut ratios: Vec<f64> = (0..RESAMPLES)
            .map(|_| drawn_median(new, &mut generator, &mut drawn) / drawn_median(old, &mut generator, &mut drawn))
            .collect();
        ratios.sort_by(f64::total_cmp);
        let quantile = |fraction: f64| ratios[(fraction * (RESAMPLES - 1) as f64).round() as usize];
        let value = median(&mut new.concat()) / median(&mut old.concat());
        Ratio { value, low: quantile(0.025), high: quantile(0.975) }
    }

    /// What it means where ratios up to 1 + `noise`, and one over that, are nothing.
    pub(crate) fn verdict(&self, noise: f64) -> Verdict {
        let (least, most) = (1.0 / (1.0 + noise), 1.0 + noise);
        match *self {
            Ratio { low, .. } if low > most => Verdict::Slower,
            Ratio { high, .. } if high < least => Verdict::Faster,
            Ratio { low, high, .. } if low >= least && high <= most => Verdict::Same,
            _ => Verdict::Unclear,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::Same => "same",
            Verdict::Unclear => "unclear",
        })
    }
}

/// The median of as many rounds as there are, drawn from them, of as many times as each has, drawn from it.
fn drawn_median(rounds: &[Vec<f64>], generator: &mut Generator, drawn: &mut Vec<f64>) -> f64 {
    drawn.clear();
    for _ in rounds {
        let round = &rounds[generator.below(rounds.len())];
        drawn.extend(round.iter().map(|_| round[generator.below(round.len())]));
    }
    median(drawn)
}

/// The median, the upper one of an even number. The order changes.
pub(crate) fn median(times: &mut [f64]) -> f64 {
    let middle = times.len() / 2;
    *times.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// SplitMix64 by Steele, Lea and Flood: 64 bits at a time.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `count`.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{Generator, Ratio, Verdict};

    const NOISE: f64 = 0.05;

    /// So many times around `middle` that spread as the sum of twelve uniform numbers does, with this standard deviation
    /// relative to the middle, of one round.
    fn times(seed: u64, count: usize, middle: f64, deviation: f64) -> Vec<Vec<f64>> {
        let mut generator = Generator(seed);
        let mut normal = || (0..12).map(|_| generator.next() as f64 / 2f64.powi(64)).sum::<f64>() - 6.0;
        vec![(0..count).map(|_| middle * (deviation * normal()).exp()).collect()]
    }

    #[test]
    fn identical_times_are_the_same() {
        for count in [15, 40, 199] {
            let times = times(1, count, 3.0, 0.01);
            let ratio = Ratio::of(&times, &times);
            assert_eq!((ratio.value, ratio.verdict(NOISE)), (1.0, Verdict::Same));
        }
        let constant = Ratio::of(&[vec![2.0; 15]], &[vec![2.0; 3], vec![2.0]]);
        assert_eq!(constant, Ratio { value: 1.0, low: 1.0, high: 1.0 });
        assert_eq!(constant.verdict(0.0), Verdict::Same, "without noise to allow for");
    }

    #[test]
    fn a_tenth_is_detected_among_noise_of_a_hundredth() {
        for seed in 0..50 {
            let (old, new) = (times(2 * seed, 15, 0.4, 0.01), times(2 * seed + 1, 20, 0.44, 0.01));
            let ratio = Ratio::of(&new, &old);
            assert!(ratio.low > 1.07 && ratio.low < ratio.value && ratio.value < ratio.high && ratio.high < 1.13);
            assert_eq!(ratio.verdict(NOISE), Verdict::Slower);
            assert_eq!(Ratio::of(&old, &new).verdict(NOISE), Verdict::Faster);
        }
    }

    #[test]
    fn a_tenth_is_not_seen_among_heavy_noise() {
        let verdict = |seed: u64| {
            let (old, new) = (times(2 * seed, 15, 0.4, 0.5), times(2 * seed + 1, 15, 0.44, 0.5));
            Ratio::of(&new, &old).verdict(NOISE)
        };
        let unclear = (0..50).filter(|&seed| verdict(seed) == Verdict::Unclear).count();
        assert!(unclear >= 45, "{unclear} of 50");
    }

    /// The interval holds the ratio of the medians as often as it says, give or take what the bootstrap is known for on few
    /// times.
    #[test]
    fn the_interval_holds_the_ratio() {
        for count in [15, 50] {
            let holds = |seed: u64| {
                let (old, new) = (times(2 * seed, count, 1.0, 0.1), times(2 * seed + 1, count, 1.2, 0.1));
                let Ratio { low, high, .. } = Ratio::of(&new, &old);
                low <= 1.2 && 1.2 <= high
            };
            let held = (0..200).filter(|&seed| holds(seed)).count();
            assert!((180..=200).contains(&held), "{held} of 200 with {count} times each");
        }
    }

    /// Rounds that differ more than the times of each say how little is known: what one round would call slower is unclear.
    #[test]
    fn rounds_that_differ_are_heeded() {
        let rounds = |middles: [f64; 3]| -> Vec<Vec<f64>> {
            middles.iter().zip(0..).flat_map(|(&middle, seed)| times(seed, 20, middle, 0.01)).collect()
        };
        let (old, new) = (rounds([1.0, 1.02, 1.4]), rounds([1.01, 1.3, 1.38]));
        assert_eq!(Ratio::of(&new[1..2], &old[..1]).verdict(NOISE), Verdict::Slower, "one round alone");
        assert_eq!(Ratio::of(&new, &old).verdict(NOISE), Verdict::Unclear);
        let slower = rounds([1.8, 1.82, 1.9]);
        assert_eq!(Ratio::of(&slower, &old).verdict(NOISE), Verdict::Slower);
    }

    /// Without a change, nothing is called one, with the noise that is allowed for.
    #[test]
    fn times_of_the_same_kind_are_rarely_told_apart() {
        let wrong = |seed: u64| {
            let (old, new) = (times(2 * seed, 20, 1.0, 0.05), times(2 * seed + 1, 20, 1.0, 0.05));
            matches!(Ratio::of(&new, &old).verdict(NOISE), Verdict::Slower | Verdict::Faster)
        };
        assert!((0..200).filter(|&seed| wrong(seed)).count() <= 1);
    }
}
