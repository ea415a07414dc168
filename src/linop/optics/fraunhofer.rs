//! Propagation into the far field.

use super::{check_field, check_intervals, phases};
use crate::linop::{LinearOperator, accept_shape};
use crate::{Array, Error, ErrorKind, Result, Type};
use num_complex::Complex;
use std::f64::consts::{PI, TAU};

/// Propagation of a field so far that it is, but for a factor, its Fourier transform.
///
/// ```text
/// (A u)(x) = P(x) ∫ u(s) exp(-i k x s / z) ds,   P(x) = k / (2π i z) exp(i k z) exp(i k |x|² / 2z)
/// ```
///
/// with `k` the wavenumber and `z` the distance; equation 4-25 of J. W. Goodman: Introduction to Fourier Optics, 3rd
/// edition, Roberts 2005. `N` samples at intervals `d` become `N` at intervals `|2π z / (k N d)|`
/// ([`intervals`](FraunhoferPropagator::intervals)).
///
/// By default numbers are those of SCICO, in which `P` is multiplied before the frequencies are put in order:
/// `ifftshift(P ⊙ F fftshift(u))`. Magnitudes are right for even extents; the phase `k |x|² / 2z` is at other places than it
/// belongs. [`centred`](FraunhoferPropagator::centred) gives the integral: `P ⊙ fftshift(F ifftshift(u))`.
///
/// ```
/// use cotangent::linop::{LinearOperator, optics::FraunhoferPropagator};
/// use cotangent::{Array, DType, Type};
/// let u = Array::from([0.0f32, 1.0, 0.0, 0.0, 0.0]).astype(DType::C64);
/// let far = FraunhoferPropagator::new(u.ty()?, &[0.7], 3.0, 2.0)?;
/// let v = far.apply(&u).real().to_vec::<f32>()?;
/// let wanted = [-0.159672, 0.158161, -0.061894, 0.024584, -0.166757];
/// assert!(v.iter().zip(wanted).all(|(v, wanted)| (v - wanted).abs() < 1e-5));
/// assert!((far.intervals()[0] - 1.196797).abs() < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FraunhoferPropagator {
    input: Type,
    intervals: Vec<f64>,
    wavenumber: f64,
    distance: f64,
    centred: bool,
    factors: Array,
}

const NAME: &str = "FraunhoferPropagator";

impl FraunhoferPropagator {
    /// Propagation of fields of type `input` with samples at `intervals`, one for each axis or one for all.
    ///
    /// # Errors
    /// As [`Propagator::angular_spectrum`](super::Propagator::angular_spectrum); a distance of 0.
    pub fn new(input: Type, intervals: &[f64], wavenumber: f64, distance: f64) -> Result<FraunhoferPropagator> {
        let intervals = check_intervals(NAME, &input.shape, intervals)?;
        check_field(NAME, &input, wavenumber, distance)?;
        if distance == 0.0 {
            let message = "the distance is 0, where there is no far field; use `Propagator`";
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        let factors = Array::scalar(cotangent_ir::Scalar::one(input.dtype));
        let far = FraunhoferPropagator { input, intervals, wavenumber, distance, centred: false, factors };
        Ok(far.arranged())
    }

    /// With the factors at the places they belong to.
    pub fn centred(self) -> FraunhoferPropagator {
        FraunhoferPropagator { centred: true, ..self }.arranged()
    }

    /// The intervals of the samples of the result.
    pub fn intervals(&self) -> Vec<f64> {
        let counts = self.input.shape.iter().map(|&count| count as f64);
        let interval =
            |(count, interval): (f64, &f64)| (TAU * self.distance / (self.wavenumber * count * interval)).abs();
        counts.zip(&self.intervals).map(interval).collect()
    }

    /// Whether the samples resolve the factors: along every axis `d² > 2π |z| / (k N)`.
    ///
    /// D. G. Voelz: Computational Fourier Optics, SPIE Press 2011.
    pub fn samples_suffice(&self) -> bool {
        let least = |count: usize| TAU * self.distance.abs() / (self.wavenumber * count as f64);
        self.input.shape.iter().zip(&self.intervals).all(|(&count, &interval)| interval * interval > least(count))
    }

    /// Computes `P` times the area of a sample.
    fn arranged(self) -> FraunhoferPropagator {
        let (k, z) = (self.wavenumber, self.distance);
        let mut squares = vec![0.0];
        for (&count, interval) in self.input.shape.iter().zip(self.intervals()) {
            // The integral is taken with a sample at 0, which is not in the middle of an odd extent's plane.
            let middle = if self.centred { (count / 2) as f64 } else { count as f64 / 2.0 };
            let along = |sum: f64| (0..count).map(move |at| sum + ((at as f64 - middle) * interval).powi(2));
            squares = squares.into_iter().flat_map(along).collect();
        }
        let area: f64 = self.intervals.iter().product();
        let sign = if self.centred { z.signum() } else { 1.0 };
        let constant = Complex::new(0.0, -sign) * Complex::cis(k * z) * (k / (2.0 * PI) / z.abs() * area);
        let factors =
            phases(squares.into_iter().map(|square| constant * Complex::cis(k * square / (2.0 * z))), &self.input);
        FraunhoferPropagator { factors, ..self }
    }
}

impl LinearOperator for FraunhoferPropagator {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x).astype(self.input.dtype);
        let axes: Vec<isize> = (0..self.input.rank() as isize).collect();
        match self.centred {
            true => &self.factors * x.ifftshift(&axes).fft(&axes).fftshift(&axes),
            false => (&self.factors * x.fftshift(&axes).fft(&axes)).ifftshift(&axes),
        }
    }
}
