//! Times of a call from several rounds, between which something else was done.
//!
//! Times that are taken in a row share what does not change meanwhile: the clock rate, other programs, where memory lies. How
//! much of that there is shows between rounds only, so they are kept apart.

use crate::sampling::Samples;
use crate::verdict::Ratio;
use serde_json::{Value, json};

/// Times of a call in milliseconds.
pub(crate) struct Rounds {
    /// Those that are kept of each round, sorted. There is at least one round.
    rounds: Vec<Vec<f64>>,
    /// All that are kept.
    all: Samples,
    /// How many were taken.
    count: usize,
}

impl Rounds {
    /// One after the other; there is at least one.
    pub(crate) fn new(rounds: Vec<Samples>) -> Rounds {
        let count = rounds.iter().map(Samples::count).sum();
        let rounds: Vec<Vec<f64>> = rounds.iter().map(Samples::kept).collect();
        Rounds { all: Samples::of(rounds.concat()), rounds, count }
    }

    /// Adds a round.
    pub(crate) fn push(&mut self, round: &Samples) {
        self.rounds.push(round.kept());
        self.all = Samples::of(self.rounds.concat());
        self.count += round.count();
    }

    pub(crate) fn median(&self) -> f64 {
        self.all.median()
    }

    pub(crate) fn least(&self) -> f64 {
        self.all.least()
    }

    /// The distance between the quartiles, relative to the median.
    pub(crate) fn spread(&self) -> f64 {
        self.all.spread()
    }

    /// These times over others.
    pub(crate) fn over(&self, others: &Rounds) -> Ratio {
        Ratio::of(&self.rounds, &others.rounds)
    }

    /// As part of a report: the times of all rounds, one round after the other, and how many are of which.
    pub(crate) fn json(&self) -> Value {
        json!({
            "median_ms": self.median(),
            "min_ms": self.least(),
            "spread": self.spread(),
            "samples": self.count,
            "samples_ms": self.rounds.concat(),
            "rounds": self.rounds.iter().map(Vec::len).collect::<Vec<usize>>(),
        })
    }
}
