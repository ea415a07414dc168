//! Propagation by a factor for each plane wave.

use super::{check_field, check_intervals, phases, squared_frequencies};
use crate::linop::{CircularConvolve, Filter, LinearOperator, Structure, accept_shape, accept_type};
use crate::{Array, DType, Error, ErrorKind, Result, Type};
use num_complex::Complex;
use std::f64::consts::{PI, TAU};

/// Propagation of a field by a factor for each of the plane waves it is the sum of, `u ↦ F⁻¹ D F u`.
///
/// With `k` the wavenumber of the light and `z` the distance, `kx` and `ky` those of a wave in the plane, the factor is
///
/// | constructor | `D` |
/// |---|---|
/// | [`angular_spectrum`](Propagator::angular_spectrum) | `exp(i z √(k² - kx² - ky²))`, which decays where the root is imaginary |
/// | [`fresnel`](Propagator::fresnel) | `exp(i z (k - (kx² + ky²) / 2k))` |
///
/// Equations 3-74 and 4-21 of J. W. Goodman: Introduction to Fourier Optics, 3rd edition, Roberts 2005. The field repeats
/// periodically; with [`padded`](Propagator::padded) zeros are put behind it first, and the result is cut to its extents
/// after the inverse transform. Without, the operator is a circular convolution, and the algebra knows it.
///
/// ```
/// use cotangent::linop::{LinearOperator, optics::Propagator};
/// use cotangent::{Array, DType, Type};
/// let u = Array::from([0.0f32, 1.0, 0.0, 0.0, 0.0]).astype(DType::C64);
/// let v = Propagator::angular_spectrum(u.ty()?, &[0.7], 3.0, 2.0)?.apply(&u);
/// let wanted = [0.197473, 0.237638, 0.197473, 0.163793, 0.163793];
/// assert!(v.real().to_vec::<f32>()?.iter().zip(wanted).all(|(v, wanted)| (v - wanted).abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Propagator {
    input: Type,
    model: Model,
    intervals: Vec<f64>,
    wavenumber: f64,
    distance: f64,
    pad: usize,
    convolution: CircularConvolve,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Model {
    AngularSpectrum,
    Fresnel,
}

impl Model {
    fn name(self) -> &'static str {
        match self {
            Model::AngularSpectrum => "Propagator::angular_spectrum",
            Model::Fresnel => "Propagator::fresnel",
        }
    }

    /// `D` at `kx² + ky²`.
    fn factor(self, square: f64, wavenumber: f64, distance: f64) -> Complex<f64> {
        match self {
            Model::AngularSpectrum => match wavenumber * wavenumber - square {
                rest if rest >= 0.0 => Complex::cis(distance * rest.sqrt()),
                rest => Complex::new((-distance * (-rest).sqrt()).exp(), 0.0),
            },
            Model::Fresnel => Complex::cis(distance * (wavenumber - square / (2.0 * wavenumber))),
        }
    }
}

impl Propagator {
    /// Propagation by the angular spectrum, without approximation, of fields of type `input` with samples at `intervals`,
    /// one for each axis or one for all.
    ///
    /// # Errors
    /// Input that is not complex, or has not one or two axes; not one interval for each axis or for all, intervals or a
    /// wavenumber that are not finite and greater than 0, a distance that is not finite.
    pub fn angular_spectrum(input: Type, intervals: &[f64], wavenumber: f64, distance: f64) -> Result<Propagator> {
        Propagator::new(Model::AngularSpectrum, input, intervals, wavenumber, distance, 1)
    }

    /// Propagation in the approximation of Fresnel, for waves near the axis.
    ///
    /// # Errors
    /// As [`Propagator::angular_spectrum`].
    pub fn fresnel(input: Type, intervals: &[f64], wavenumber: f64, distance: f64) -> Result<Propagator> {
        Propagator::new(Model::Fresnel, input, intervals, wavenumber, distance, 1)
    }

    /// With zeros behind the field to `factor` times its extents.
    ///
    /// # Errors
    /// A factor of 0.
    pub fn padded(self, factor: usize) -> Result<Propagator> {
        if factor == 0 {
            let message = "the padding multiplies extents by 0; give at least 1";
            return Err(Error::new(ErrorKind::Argument, self.model.name(), message));
        }
        Propagator::new(self.model, self.input, &self.intervals, self.wavenumber, self.distance, factor)
    }

    fn new(
        model: Model,
        input: Type,
        intervals: &[f64],
        wavenumber: f64,
        distance: f64,
        pad: usize,
    ) -> Result<Propagator> {
        let intervals = check_intervals(model.name(), &input.shape, intervals)?;
        check_field(model.name(), &input, wavenumber, distance)?;
        let extents: Vec<usize> = input.shape.iter().map(|extent| extent * pad).collect();
        let padded = input.with_shape(&extents);
        let squares = squared_frequencies(&extents, &intervals).into_iter();
        let factors = phases(squares.map(|square| model.factor(square, wavenumber, distance)), &padded);
        let convolution = CircularConvolve::new(Filter::transform(factors), padded)?;
        Ok(Propagator { input, model, intervals, wavenumber, distance, pad, convolution })
    }

    /// The field that was propagated, from the result: waves that have decayed to 0 are left out, what is left of others is
    /// amplified. It is exact without padding and without evanescent waves.
    #[track_caller]
    pub fn pseudo_inverse(&self, y: &Array) -> Array {
        let y = accept_type("Propagator.pseudo_inverse", &self.input, y);
        let padded = self.convolution.input_type();
        let least = if padded.dtype == DType::C64 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
        let inverse = |square: f64| match self.model.factor(square, self.wavenumber, self.distance) {
            factor if factor.norm() < least => Complex::ZERO,
            factor => factor.inv(),
        };
        let factors = phases(squared_frequencies(&padded.shape, &self.intervals).into_iter().map(inverse), &padded);
        self.filtered(&y, &factors)
    }

    /// Whether the samples resolve the factors. With `N` the samples along an axis, padding included, and `d` their
    /// interval, along every axis `d² > π √(d² N² + 4 z²) / (k N)` for the angular spectrum, `d² > 2π |z| / (k N)` for
    /// Fresnel.
    ///
    /// D. G. Voelz, M. C. Roggemann: Digital simulation of scalar optical diffraction: revisiting chirp function sampling
    /// criteria, Applied Optics 48 (2009), 6132-6142.
    ///
    /// ```
    /// use cotangent::linop::optics::Propagator;
    /// use cotangent::{DType, Type};
    /// let field = Type::new(DType::C64, &[64]);
    /// assert!(Propagator::fresnel(field.clone(), &[1.0], 10.0, 5.0)?.samples_suffice());
    /// assert!(!Propagator::fresnel(field, &[0.1], 10.0, 5.0)?.samples_suffice());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn samples_suffice(&self) -> bool {
        let z = self.distance.abs();
        let suffices = |(&count, &interval): (&usize, &f64)| {
            let count = count as f64 * self.pad as f64;
            let least = match self.model {
                Model::AngularSpectrum => PI / (self.wavenumber * count) * (interval * count).hypot(2.0 * z),
                Model::Fresnel => TAU * z / (self.wavenumber * count),
            };
            interval * interval > least
        };
        self.input.shape.iter().zip(&self.intervals).all(suffices)
    }

    /// The product with factors between the transforms. Zeros are put behind one axis at a time, just before it is
    /// transformed, and taken away just after it has been transformed back: lines of zeros are not transformed, nor are
    /// lines that are not wanted.
    #[track_caller]
    fn filtered(&self, u: &Array, factors: &Array) -> Array {
        let rank = self.input.rank();
        let transformed = (0..rank).rev().fold(u.astype(self.input.dtype), |u, axis| {
            let mut widths = vec![(0, 0, 0); rank];
            widths[axis] = (0, (self.input.shape[axis] * (self.pad - 1)) as i64, 0);
            u.pad_zeros(&widths).fft(&[axis as isize])
        });
        (0..rank).fold(transformed * factors, |u, axis| {
            u.ifft(&[axis as isize]).narrow(axis as isize, 0, self.input.shape[axis])
        })
    }
}

impl LinearOperator for Propagator {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(self.name(), &self.input, x);
        match self.pad {
            1 => self.convolution.apply(&x),
            _ => self.filtered(&x, self.convolution.spectrum()),
        }
    }

    /// That of the convolution: the same with conjugate factors.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type(self.name(), &self.input, y);
        match self.pad {
            1 => self.convolution.adjoint(&y),
            _ => self.filtered(&y, &self.convolution.spectrum().conj()),
        }
    }

    fn gram(&self, x: &Array) -> Array {
        match self.pad {
            1 => self.convolution.gram(&accept_shape(self.name(), &self.input, x)),
            _ => self.adjoint(&self.apply(x)),
        }
    }

    fn structure(&self) -> Structure {
        if self.pad == 1 { self.convolution.structure() } else { Structure::General }
    }
}
