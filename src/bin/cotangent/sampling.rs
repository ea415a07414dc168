//! Times of a call and of a compilation, each repeated until it is known.

use cotangent::compile::{Options, compile_uncached};
use cotangent::ir::Func;
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

/// Compilations that a compile time is the median of.
const COMPILATIONS: usize = 9;

/// Times in milliseconds, sorted.
pub(crate) struct Samples(Vec<f64>);

/// Times of tracing, and of compiling what was traced.
pub(crate) fn compile_times(trace: &dyn Fn() -> Func) -> cotangent::Result<(Samples, Samples)> {
    let (mut tracing, mut compiling) = (Vec::new(), Vec::new());
    for _ in 0..COMPILATIONS {
        let start = Instant::now();
        let func = trace();
        let traced = Instant::now();
        let compiled = compile_uncached(&func, &Options::default())?;
        compiling.push(traced.elapsed());
        tracing.push(traced - start);
        drop(compiled);
    }
    Ok((Samples::new(&tracing, 1), Samples::new(&compiling, 1)))
}

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
    fn new(times: &[Duration], calls: usize) -> Samples {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3 / calls as f64).collect();
        sorted.sort_by(f64::total_cmp);
        Samples(sorted)
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
