//! The ramp filter of back-projections.

use crate::Array;
use std::f64::consts::PI;

/// The ramp `|ω|`, limited to the band of the samples, at sample `n`: 1/4 at 0, `-1 / (π n)²` at odd `n`, 0 at others.
///
/// A. C. Kak, M. Slaney: Principles of Computerized Tomographic Imaging, IEEE Press 1988, equation 61 of chapter 3.
pub(super) fn ramp(n: isize) -> f64 {
    match n {
        0 => 0.25,
        n if n % 2 == 0 => 0.0,
        n => -1.0 / (PI * n as f64).powi(2),
    }
}

/// `z[.., k] = Σ_m g(k - m) y[.., m]`, by Fourier transforms of at least twice the length, so that nothing wraps around.
pub(super) fn filter_rows(y: &Array, g: impl Fn(isize) -> f64) -> Array {
    let Ok(ty) = y.ty() else { return y.clone() };
    let count = ty.shape[ty.rank() - 1];
    let length = (2 * count).next_power_of_two();
    let lag = |at: usize| if at < count { at as isize } else { at as isize - length as isize };
    let within = |lag: isize| if lag.unsigned_abs() < count { g(lag) } else { 0.0 };
    let kernel: Vec<f64> = (0..length).map(|at| within(lag(at))).collect();
    let kernel = Array::from(kernel).astype(ty.dtype.real());
    let mut widths = vec![(0, 0, 0); ty.rank()];
    widths[ty.rank() - 1] = (0, (length - count) as i64, 0);
    let y = y.pad_zeros(&widths);
    let z = match ty.dtype.is_complex() {
        true => (y.fft(&[-1]) * kernel.fft(&[-1])).ifft(&[-1]),
        false => (y.rfft(&[-1]) * kernel.rfft(&[-1])).irfft(&[-1], length),
    };
    z.narrow(-1, 0, count)
}
