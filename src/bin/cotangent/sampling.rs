//! Times of a call that is repeated until its median is known.
//!
//! Every program that measures has this file, that without a compiler too, so that they all measure by the same rule.

use std::time::{Duration, Instant};

/// A sample is at least this long, so that reading the clock does not show in it.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(100);

/// Samples taken whatever they show, if the time allows.
const FEWEST_SAMPLES: usize = 15;

/// Samples taken whatever the time.
const LEAST_SAMPLES: usize = 3;

/// Half the width, relative to the median, of the interval that holds the median with 95 % confidence: below this, it is
/// known well enough.
const WANTED_PRECISION: f64 = 0.01;

/// Most times that reports hold of a measurement. It is odd, so that the median is one of them.
const MOST_KEPT: usize = 199;

/// Times in milliseconds, sorted. There is at least one.
pub(crate) struct Samples(Vec<f64>);

/// Times of calls, until the median is known or the time is up.
pub(crate) fn run_times(call: &mut dyn FnMut(), budget: Duration) -> Samples {
    let mut repeat = |calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    let mut calls = 1;
    while repeat(calls) < SHORTEST_SAMPLE {
        calls *= 2;
    }
    // Caches, clock rates and sleeping workers settle.
    let start = Instant::now();
    while start.elapsed() < budget / 10 {
        repeat(calls);
    }
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < budget || times.len() < LEAST_SAMPLES {
        times.push(repeat(calls));
        if times.len() >= FEWEST_SAMPLES
            && times.len().is_multiple_of(5)
            && Samples::new(&times, calls).precision() < WANTED_PRECISION
        {
            break;
        }
    }
    Samples::new(&times, calls)
}

impl Samples {
    /// Times of so many calls each.
    pub(crate) fn new(times: &[Duration], calls: usize) -> Samples {
        Samples::of(times.iter().map(|time| time.as_secs_f64() * 1e3 / calls as f64).collect())
    }

    /// Times in milliseconds, in any order.
    pub(crate) fn of(mut milliseconds: Vec<f64>) -> Samples {
        milliseconds.sort_by(f64::total_cmp);
        Samples(milliseconds)
    }

    /// All of them, or of many, some at even distances from the least to the greatest: what reports hold. Times in a row
    /// are not independent, so that more of them would not tell much more.
    #[allow(dead_code, reason = "one of the benches that share this file reports no single times")]
    pub(crate) fn kept(&self) -> Vec<f64> {
        let (last, steps) = (self.0.len() - 1, MOST_KEPT - 1);
        match last < MOST_KEPT {
            true => self.0.clone(),
            false => (0..MOST_KEPT).map(|step| self.0[(step * last + steps / 2) / steps]).collect(),
        }
    }

    fn quantile(&self, fraction: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[((fraction * last as f64).round() as usize).min(last)]
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0[0]
    }

    /// The distance between the quartiles, relative to the median.
    pub(crate) fn spread(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / self.median()
    }

    /// Half the width of the interval of order statistics that holds the median with 95 % confidence, relative to it.
    fn precision(&self) -> f64 {
        let reach = 0.98 / (self.0.len() as f64).sqrt();
        (self.quantile(0.5 + reach) - self.quantile(0.5 - reach)) / (2.0 * self.median())
    }
}
