//! The next step of a line search, from values and slopes of cubics and parabolas through what is known.

use super::select;
use crate::{Array, impl_tree};

/// A step with the value and slope there.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) step: Array,
    pub(super) value: Array,
    pub(super) slope: Array,
}
impl_tree!(Sample { step, value, slope });

/// The interval that is known, or hoped, to hold a step to be accepted.
#[derive(Clone)]
pub(super) struct Interval {
    /// The best step so far.
    pub(super) best: Sample,
    /// The other end, once there is one.
    pub(super) other: Sample,
    /// Whether the interval holds a minimum.
    pub(super) bracketed: Array,
}
impl_tree!(Interval { best, other, bracketed });

impl Sample {
    /// The sample of the function plus a linear one of the given slope.
    pub(super) fn tilted(&self, slope: &Array) -> Sample {
        Sample { step: self.step.clone(), value: &self.value + &self.step * slope, slope: &self.slope + slope }
    }
}

impl Interval {
    /// As [`Sample::tilted`].
    pub(super) fn tilted(&self, slope: &Array) -> Interval {
        let (best, other) = (self.best.tilted(slope), self.other.tilted(slope));
        Interval { best, other, bracketed: self.bracketed.clone() }
    }
}

/// The interval after the step `tried`, and the step to be tried next, by one of four cases: the value there is higher; it
/// is lower and the slope changed its sign; the slope became less steep; or it did not.
pub(super) fn next_trial(
    interval: &Interval,
    tried: &Sample,
    least: &Array,
    most: &Array,
    longest: f64,
) -> (Interval, Array) {
    let Interval { best, other, bracketed } = interval;
    let higher = tried.value.greater(&best.value);
    let opposite = (&tried.slope * best.slope.sign()).less(0.0);
    let flatter = tried.slope.abs().less(best.slope.abs());
    let forward = tried.step.greater(&best.step);
    let away = forward.select(most, least).minimum(longest);

    let (cubic, secant) = (cubic_minimum(best, tried), secant_minimum(best, tried));
    let farther = |a: &Array, b: &Array| {
        let longer = (a - &tried.step).abs().greater((b - &tried.step).abs());
        (longer.select(a, b), longer.select(b, a))
    };

    // A higher value: between the cubic and the parabola through both values, closer to the best step.
    let parabola = &best.step
        + 0.5 * &best.slope / ((&best.value - &tried.value) / (&tried.step - &best.step) + &best.slope)
            * (&tried.step - &best.step);
    let nearer = (&cubic.step - &best.step).abs().less((&parabola - &best.step).abs());
    let first = nearer.select(&cubic.step, &cubic.step + 0.5 * (&parabola - &cubic.step));
    // Slopes of opposite signs: the one of cubic and secant farther from the step tried.
    let (second, _) = farther(&cubic.step, &secant);
    // A flatter slope: the cubic counts only if it rises in the direction of the step.
    let cubic_or_away = cubic.ahead.select(&cubic.step, &away);
    let (long, short) = farther(&cubic_or_away, &secant);
    let two_thirds = &tried.step + 0.66 * (&other.step - &tried.step);
    let within = forward.select(short.minimum(&two_thirds), short.maximum(&two_thirds));
    let third = bracketed.select(within, long.minimum(most).maximum(least));
    // A steeper slope: the cubic to the other end, or as far as allowed.
    let fourth = bracketed.select(cubic_minimum(other, tried).step, &away);

    let step = higher.select(first, opposite.select(second, flatter.select(third, fourth)));
    let turned = higher.logical_not() & &opposite;
    let next = Interval {
        other: select(&higher, tried, &select(&turned, best, other)),
        best: select(&higher, best, tried),
        bracketed: bracketed | &higher | &opposite,
    };
    (next, step)
}

/// The minimum of the cubic with the values and slopes of two samples.
struct Cubic {
    step: Array,
    /// Whether it lies beyond the second sample, where the cubic has a minimum at all.
    ahead: Array,
}

fn cubic_minimum(from: &Sample, to: &Sample) -> Cubic {
    let theta = 3.0 * (&from.value - &to.value) / (&to.step - &from.step) + &from.slope + &to.slope;
    let scale = theta.abs().maximum(from.slope.abs()).maximum(to.slope.abs());
    let root = (&theta / &scale).square() - (&from.slope / &scale) * (&to.slope / &scale);
    let size = &scale * root.maximum(0.0).sqrt();
    let gamma = to.step.greater(&from.step).select(-&size, &size);
    let ratio = (&gamma - &to.slope + &theta) / ((&gamma - &to.slope) + &gamma + &from.slope);
    let ahead = ratio.less(0.0) & gamma.not_equal(0.0);
    Cubic { step: &to.step + ratio * (&from.step - &to.step), ahead }
}

/// The zero of the line through the slopes of two samples.
fn secant_minimum(from: &Sample, to: &Sample) -> Array {
    &to.step + &to.slope / (&to.slope - &from.slope) * (&from.step - &to.step)
}
