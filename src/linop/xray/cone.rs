//! Cone beams through axially symmetric objects, and through volumes from one side.

use super::filter::{filter_rows, ramp};
use super::symmetric::symmetry_axis;
use super::taps::{Neighbours, Taps, bordered};
use super::{check_detector, check_input, check_positive};
use crate::linop::{LinearOperator, accept_shape, accept_type};
use crate::{Array, DType, Error, ErrorKind, Result, Type};
use std::f64::consts::PI;

/// The projection by a cone beam of an axially symmetric object, given by the plane through its axis, or of a volume.
///
/// The source is at distance `S` from the object and `D` from the detector, whose pixels are `p` by `q` large, across and
/// along the axis of symmetry; those of the object are smaller by `S / D`, so that object and detector have as many. With
/// `u` and `v` the coordinates of a pixel of the detector, across and along, the output is
///
/// ```text
/// y = p S / D √(D² + u² + v²) / D Σ_s x(row(s), column(s))
/// ```
///
/// by bilinear interpolation, summed over as many planes `s` in depth as there are pixels across. With `N` of them and `M`
/// along the axis, pixel `(r, c)` meets plane `s` at `row = (r - M/2) m + M/2` and at `a = (c - N/2) m + N/2` across, where
/// `m = 1 + (s - N/2) p / D`. A volume, of axes along, in depth and across, is sampled there. In the plane of an object the
/// `column` is at the distance `√((a - c₀)² + (s - c₀)²)` from the middle `c₀ = (N - 1) / 2`: on its right where
/// `s ≥ c₀`, else on its left. Beyond the input is 0.
///
/// The adjoint is written out, as one pass over detector and depth. The geometry is that of S. N. Olufsen: AXITOM:
/// tomographic reconstruction of axisymmetric fields recorded by a cone beam, Journal of Open Source Software 4 (2019), 1704.
///
/// ```
/// use cotangent::linop::{LinearOperator, xray::SymConeXRayTransform};
/// use cotangent::{Array, DType};
/// let x = Array::arange(16, DType::F32).reshape(&[4, 4]);
/// let cone = SymConeXRayTransform::new(x.ty()?, 10.0, 15.0)?;
/// let y = cone.apply(&x).index_axis(0, 0).to_vec::<f32>()?;
/// let wanted = [3.164231, 4.670602, 4.642385, 3.129617];
/// assert!(y.iter().zip(wanted).all(|(y, wanted)| (y - wanted).abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SymConeXRayTransform {
    input: Type,
    /// From the source to the object and to the detector.
    distances: [f64; 2],
    axis: usize,
    /// Across and along the axis of symmetry.
    pixels: [f64; 2],
    detector: [usize; 2],
}

const NAME: &str = "SymConeXRayTransform";

impl SymConeXRayTransform {
    /// The projection of planes that are symmetric about the middle line along axis 0, or of volumes, from a source at
    /// these distances from object and detector. Pixels of the detector have extents 1.
    ///
    /// # Errors
    /// Input that is neither plane nor volume of floating point elements, or has none; distances that are not finite and
    /// greater than 0; a detector nearer than the object, or so near that the source is inside of the object.
    pub fn new(input: Type, to_object: f64, to_detector: f64) -> Result<SymConeXRayTransform> {
        check_input(NAME, &input, &[2, 3])?;
        check_positive(NAME, "a distance from the source", &[to_object, to_detector])?;
        if to_detector < to_object {
            let message = format!(
                "the detector, at {to_detector} from the source, is nearer than the object, at {to_object}; give the \
                 distance of the object first"
            );
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        let detector = [input.shape[0], input.shape[input.rank() - 1]];
        let cone =
            SymConeXRayTransform { input, distances: [to_object, to_detector], axis: 0, pixels: [1.0; 2], detector };
        cone.checked()
    }

    /// With the middle line along this axis of the plane as the axis of symmetry.
    ///
    /// # Errors
    /// An axis that does not exist; a volume, whose axes have their meanings.
    pub fn axis(self, axis: isize) -> Result<SymConeXRayTransform> {
        if self.input.rank() == 3 {
            let message = "the axes of a volume are along, in depth and across; transpose the volume instead";
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        let axis = symmetry_axis(NAME, axis)?;
        SymConeXRayTransform { axis, ..self }.checked()
    }

    /// With pixels of the detector of these extents across and along the axis of symmetry.
    ///
    /// # Errors
    /// Extents that are not finite and greater than 0, or with which the source is inside of the object.
    pub fn pixels(self, across: f64, along: f64) -> Result<SymConeXRayTransform> {
        check_positive(NAME, "the extent of a pixel", &[across, along])?;
        SymConeXRayTransform { pixels: [across, along], ..self }.checked()
    }

    /// With a detector of other extents than the input. Its grid and that of the input begin at the same pixel, and the axis
    /// of symmetry is in the middle of the detector.
    ///
    /// # Errors
    /// A detector without pixels, or so wide that the source is inside of the object.
    pub fn detector(self, extents: [usize; 2]) -> Result<SymConeXRayTransform> {
        check_detector(NAME, &extents)?;
        SymConeXRayTransform { detector: extents, ..self }.checked()
    }

    fn checked(self) -> Result<SymConeXRayTransform> {
        let [_, across] = self.counts();
        let planes = self.planes();
        if 1.0 - across as f64 / 2.0 * self.pixels[0] / self.distances[1] <= 0.0 {
            let message = format!(
                "the source is inside of the object, whose {planes} planes begin {} from its centre at the detector; give \
                 greater distances or smaller pixels",
                across as f64 / 2.0 * self.pixels[0]
            );
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        Ok(self)
    }

    /// Pixels of the detector along and across the axis of symmetry.
    fn counts(&self) -> [usize; 2] {
        [self.detector[self.axis], self.detector[1 - self.axis]]
    }

    /// Planes in depth.
    fn planes(&self) -> usize {
        if self.input.rank() == 3 { self.input.shape[1] } else { self.counts()[1] }
    }

    /// Extents of the input along the axis of symmetry and across it.
    fn extents(&self) -> [usize; 2] {
        match self.input.shape[..] {
            [along, _, across] => [along, across],
            _ => [self.input.shape[self.axis], self.input.shape[1 - self.axis]],
        }
    }

    /// Positions on an axis of the detector, from its middle, in pixels.
    fn offsets(&self, grid: &[usize], axis: isize, count: usize) -> Array {
        Array::iota(grid, axis, self.input.dtype.real()) - count as f64 / 2.0
    }

    /// Distances from the source to pixels of the detector, `√(D² + u² + v²) / D`, of shape `[along, across]`.
    fn slant(&self) -> Array {
        let counts @ [along, across] = self.counts();
        let [p, q] = self.pixels.map(|extent| extent / self.distances[1]);
        let (v, u) = (self.offsets(&counts, 0, along) * q, self.offsets(&counts, 1, across) * p);
        (u.square() + v.square() + 1.0).sqrt()
    }

    /// What a pixel of the detector sees in each plane, of shape `[along, across, planes]`.
    fn taps(&self) -> Taps {
        let ([along, across], [rows, columns]) = (self.counts(), self.extents());
        let grid = [along, across, self.planes()];
        let magnified = self.offsets(&grid, 2, across) * (self.pixels[0] / self.distances[1]) + 1.0;
        let row = self.offsets(&grid, 0, along) * &magnified + along as f64 / 2.0;
        let rows = Neighbours::of(&row, rows).interpolated();
        let lateral = self.offsets(&grid, 1, across) * &magnified;
        if self.input.rank() == 3 {
            let columns = Neighbours::of(&(lateral + across as f64 / 2.0), columns).interpolated();
            return Taps::bilinear(&[], rows, &[&Array::iota(&grid, 2, DType::I32)], columns);
        }
        let depth = self.offsets(&grid, 2, across) + 0.5;
        let radius = ((lateral + 0.5).square() + depth.square()).sqrt();
        let column = depth.greater_equal(0.0).select(&radius, -&radius) + (across as f64 - 1.0) / 2.0;
        Taps::bilinear(&[], rows, &[], Neighbours::of(&column, columns).interpolated())
    }

    /// The factor of all sums, `p S / D`.
    fn scale(&self) -> f64 {
        self.pixels[0] * self.distances[0] / self.distances[1]
    }

    /// Axes along and across the axis of symmetry of the input.
    fn sampled_axes(&self) -> [usize; 2] {
        [0, self.input.rank() - 1]
    }

    /// An image with the axis of symmetry as its axis 0.
    fn upright(&self, image: Array) -> Array {
        if self.axis == 0 { image } else { image.t() }
    }

    /// The reconstruction by L. A. Feldkamp, L. C. Davis and J. W. Kress of the plane through the axis of symmetry from one
    /// projection, which stands for those from `angles` angles around the object. Of the extents of the detector.
    ///
    /// The projection is divided by the slant of its rays, filtered across the axis by the ramp, and
    /// summed over angles, weighted by `S² / (S + x)²` at the depth `x` of the place.
    ///
    /// L. A. Feldkamp, L. C. Davis, J. W. Kress: Practical cone-beam algorithm, Journal of the Optical Society of America A
    /// 1 (1984), 612-619.
    ///
    /// # Errors
    /// No angle.
    pub fn fdk(&self, y: &Array, angles: usize) -> Result<Array> {
        if angles == 0 {
            let message = "a reconstruction from 0 angles is nothing; give at least 1";
            return Err(Error::new(ErrorKind::Argument, "SymConeXRayTransform.fdk", message));
        }
        let y = accept_type("SymConeXRayTransform.fdk", &self.output_type(), y);
        let [along, across] = self.counts();
        let [to_object, to_detector] = self.distances;
        let (ratio, real) = (to_object / to_detector, self.input.dtype.real());
        // The filter comes one sample late, as in the program whose results these are.
        let filtered = filter_rows(&(self.upright(y) / self.slant()), |lag| ramp(lag - 1));
        let filtered = filtered * (PI / (self.pixels[0] * ratio));

        let grid = [angles, along, across];
        let around = |function: fn(f64) -> f64| {
            let of_angle = |angle: usize| function(2.0 * PI * angle as f64 / angles as f64);
            let values: Vec<f64> = (0..angles).map(of_angle).collect();
            Array::from(values).astype(real).reshape(&[angles, 1, 1])
        };
        let offset = self.offsets(&grid, 2, across);
        // Depth over the distance of the object, and what it magnifies by.
        let depth = &offset * around(f64::sin) * (self.pixels[0] / to_detector) + 1.0;
        let column = offset * around(f64::cos) / &depth + across as f64 / 2.0;
        let row = self.offsets(&grid, 1, along) / &depth + along as f64 / 2.0;
        let rows = Neighbours::of(&row, along).interpolated();
        let columns = Neighbours::of(&column, across).interpolated();
        let seen = Taps::bilinear(&[], rows, &[], columns).gather(&bordered(&filtered, &[0, 1]));
        Ok(self.upright((seen / depth.square()).sum_axes(&[0]) / angles as f64))
    }
}

impl LinearOperator for SymConeXRayTransform {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.with_shape(&self.detector)
    }

    fn apply(&self, x: &Array) -> Array {
        let x = self.upright(accept_shape(NAME, &self.input, x));
        let sums = self.taps().gather(&bordered(&x, &self.sampled_axes())).sum_axes(&[2]);
        self.upright(sums * self.slant() * self.scale())
    }

    /// Written out: all pixels a ray meets are added to in one pass.
    fn adjoint(&self, y: &Array) -> Array {
        let y = self.upright(accept_type(NAME, &self.output_type(), y)) * self.slant() * self.scale();
        let [along, across] = self.counts();
        let values = y.reshape(&[along, across, 1]).broadcast_to(&[along, across, self.planes()]);
        let shape = match self.input.rank() {
            2 => self.extents().to_vec(),
            _ => self.input.shape.to_vec(),
        };
        self.upright(self.taps().scatter(&values, &shape, &self.sampled_axes()))
    }
}
