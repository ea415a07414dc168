//! Propagation of light: the field in a plane, from the field in a plane at a distance before it.
//!
//! Fields are complex arrays of one or two axes, sampled at intervals along each; the wavenumber of the light is `2π / λ`
//! in the unit of the intervals and distances.

mod fraunhofer;
mod propagator;

pub use fraunhofer::FraunhoferPropagator;
pub use propagator::Propagator;

use crate::{Array, Error, ErrorKind, Result, Type};
use std::f64::consts::TAU;

/// The distance from the origin of the coordinates in the plane of wavenumbers: for samples at intervals `d` along two axes
/// `√(kx² + ky²)`, of shape `shape`, with `kx` along axis 0; for one axis `kx` itself, with its sign. `k = 2π f` with `f`
/// the frequencies of the discrete Fourier transform.
///
/// ```
/// use cotangent::linop::optics::radial_frequency;
/// let k = radial_frequency(&[4], &[0.5])?.to_vec::<f64>()?;
/// let pi = std::f64::consts::PI;
/// assert_eq!(k, [0.0, pi, -2.0 * pi, -pi]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// A number of axes other than 1 and 2, an extent of 0, not one interval for each axis or for all of them, an interval that
/// is not finite and greater than 0.
pub fn radial_frequency(shape: &[usize], intervals: &[f64]) -> Result<Array> {
    let intervals = check_intervals("radial_frequency", shape, intervals)?;
    let squares = squared_frequencies(shape, &intervals);
    Ok(match shape {
        [count] => Array::from((0..*count).map(|at| frequency(at, *count, intervals[0])).collect::<Vec<_>>()),
        _ => Array::from(squares).sqrt().reshape(shape),
    })
}

/// `2π` times the frequency of coefficient `at` of a transform of `count` samples.
fn frequency(at: usize, count: usize, interval: f64) -> f64 {
    let signed = if 2 * at < count { at as f64 } else { at as f64 - count as f64 };
    TAU * signed / (count as f64 * interval)
}

/// The sums of squares of the frequencies along all axes, in the order of the elements.
fn squared_frequencies(shape: &[usize], intervals: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for (&count, &interval) in shape.iter().zip(intervals) {
        let along = |sum: f64| (0..count).map(move |at| sum + frequency(at, count, interval).powi(2));
        sums = sums.into_iter().flat_map(along).collect();
    }
    sums
}

/// An interval for each axis, from those given for each or for all.
fn check_intervals(operation: &str, shape: &[usize], intervals: &[f64]) -> Result<Vec<f64>> {
    if !(1..=2).contains(&shape.len()) || shape.contains(&0) {
        let message = format!("fields have one or two axes of at least one sample, got shape {shape:?}");
        return Err(Error::new(ErrorKind::Shape, operation, message));
    }
    if let Some(wrong) = intervals.iter().find(|interval| !(interval.is_finite() && **interval > 0.0)) {
        let message = format!("the interval of samples is {wrong}; give a finite number greater than 0");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    match intervals {
        [one] => Ok(vec![*one; shape.len()]),
        _ if intervals.len() == shape.len() => Ok(intervals.to_vec()),
        _ => {
            let message = format!(
                "{} intervals for a field of shape {shape:?}; give one for each axis, or one for all",
                intervals.len()
            );
            Err(Error::new(ErrorKind::Argument, operation, message))
        }
    }
}

/// Refuses input that is not complex, a wavenumber that is not positive, a distance that is not finite.
fn check_field(operation: &str, input: &Type, wavenumber: f64, distance: f64) -> Result<()> {
    if !input.dtype.is_complex() {
        let message = format!("propagates complex fields, got {input}; use `DType::C64` or `DType::C128`");
        return Err(Error::new(ErrorKind::DType, operation, message));
    }
    if !(wavenumber.is_finite() && wavenumber > 0.0) {
        let message = format!("the wavenumber is {wavenumber}; give a finite number greater than 0");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    if !distance.is_finite() {
        let message = format!("the distance is {distance}; give a finite number");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    Ok(())
}

/// Complex values as an array of the dtype of a field.
fn phases(values: impl Iterator<Item = num_complex::Complex<f64>>, field: &Type) -> Array {
    let values: Vec<_> = values.collect();
    Array::from(values).reshape(&field.shape).astype(field.dtype)
}
