//! Undecimated Haar wavelets of several scales over the last two axes, as an operator from arrays of one type.

use cotangent::linop::LinOp;
use cotangent::{Array, Result, Type, stack};

/// Scales: differences of means over 1, 2 and 4 pixels.
const LEVELS: u32 = 3;

/// How much more a coefficient of each plane adds to the picture than one of the finest details: coarse ones are less noisy,
/// and the last plane, means, is not sparse.
const WEIGHTS: [f32; 3 * LEVELS as usize + 1] = [1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 2.0, 2.0, 2.0, 4.0];

/// `W T` for the transform `T`, planes stacked along a new first axis. It goes around the edges. `TᴴT` is the identity, for the
/// squares of half the sum and half the difference of two numbers add up to half of their squares.
pub(crate) fn analysis(input: Type) -> Result<LinOp> {
    let mut shape = vec![1; input.rank() + 1];
    shape[0] = WEIGHTS.len();
    let weights = Array::from(WEIGHTS).reshape(&shape);
    LinOp::from_function(input, move |x: &Array| planes(x) * &weights)
}

/// The greatest weight squared: the norm of the operator squared is at most that.
pub(crate) fn bound() -> f64 {
    f64::from(WEIGHTS.into_iter().fold(0.0, f32::max)).powi(2)
}

fn planes(x: &Array) -> Array {
    let mut planes = Vec::new();
    let mut mean = x.clone();
    for level in 0..LEVELS {
        let halves = |x: &Array, axis: isize| {
            let moved = x.roll(1 << level, axis);
            (0.5 * (x + &moved), 0.5 * (x - moved))
        };
        let (across, edges) = halves(&mean, -1);
        let (next, horizontal) = halves(&across, -2);
        let (vertical, diagonal) = halves(&edges, -2);
        planes.extend([horizontal, vertical, diagonal]);
        mean = next;
    }
    planes.push(mean);
    stack(&planes, 0)
}
