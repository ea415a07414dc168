//! Convolutions and correlations of signals.

use super::{Convolution, Padding};
use crate::array::{Array, fail};
use crate::error::ErrorKind;
use crate::prim::axes::attempt;

/// Which part of a convolution is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConvolveMode {
    /// All of it: wherever the operands overlap.
    Full,
    /// As much as the first operand has, from the middle.
    Same,
    /// Where one operand lies within the other.
    Valid,
}

impl Array {
    /// The convolution of signals of any rank: along each axis `y[n]` is the sum of `x[k] h[n - k]`.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::conv::ConvolveMode};
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// let y = x.convolve(&Array::from([1.0f32, 1.0]), ConvolveMode::Full);
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 3.0, 5.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn convolve(&self, other: &Array, mode: ConvolveMode) -> Array {
        let (x, h) = (attempt!(self.ty()), attempt!(other.ty()));
        let every: Vec<isize> = (0..h.rank() as isize).collect();
        if x.rank() != h.rank() || x.is_empty() || h.is_empty() {
            let message = format!("takes arrays of one rank that have elements, got {x} and {h}");
            return fail(ErrorKind::Shape, "convolve", message);
        }
        let longer = x.shape.iter().zip(&h.shape).all(|(x, h)| x >= h);
        let shorter = x.shape.iter().zip(&h.shape).all(|(x, h)| x <= h);
        if mode == ConvolveMode::Valid && !longer && !shorter {
            let message = format!("none of {x} and {h} lies within the other on every axis; ask for another mode");
            return fail(ErrorKind::Shape, "convolve", message);
        }
        // The larger one is the signal, the smaller the window that passes over it.
        let (signal, window) = if longer || !shorter { (self, other) } else { (other, self) };
        let extents = attempt!(window.shape());
        let pad = |axis: usize| {
            let (reach, middle) = (extents[axis] as i64, (h.shape[axis] as i64 - 1) / 2);
            match mode {
                ConvolveMode::Full => (reach - 1, reach - 1),
                ConvolveMode::Same => (reach - 1 - middle, reach - h.shape[axis] as i64 + middle),
                ConvolveMode::Valid => (0, 0),
            }
        };
        let padding = Padding::Explicit((0..x.rank()).map(pad).collect());
        let one_channel = |x: &Array| x.expand_dims(0).expand_dims(0);
        let result = one_channel(signal)
            .conv_general(&one_channel(&window.flip(&every)), &Convolution::new(x.rank()).padding(padding));
        result.squeeze(0).squeeze(0)
    }

    /// The correlation of signals of any rank: along each axis `y[n]` is the sum of `x[k] conj(h[k - n])`, from the lowest
    /// `n` at which both overlap on.
    ///
    /// ```
    /// use cotangent_ir::{Array, prim::conv::ConvolveMode};
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// let y = x.correlate(&Array::from([1.0f32, 10.0]), ConvolveMode::Valid);
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [21.0, 32.0]);
    /// ```
    #[track_caller]
    pub fn correlate(&self, other: &Array, mode: ConvolveMode) -> Array {
        let every: Vec<isize> = (0..attempt!(other.shape()).len() as isize).collect();
        self.convolve(&other.conj().flip(&every), mode)
    }
}
