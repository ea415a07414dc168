//! Rotations of volumes, and how far structures in images and volumes are turned.

use super::XRayTransform2D;
use crate::linop::LinearOperator;
use crate::{Array, Boundary, DType, Error, ErrorKind, Result, meshgrid};

/// A volume turned about a point by linear interpolation: the element at `p` is that of `volume` at `R (p − c) + c`, and
/// what is outside of it counts as 0.
///
/// The rotation is a matrix of 3 by 3 and may be traced; the centre is the middle, `(n − 1) / 2`, unless given.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::linop::xray::rotate_volume;
/// let volume = Array::arange(8, DType::F32).reshape(&[2, 2, 2]);
/// // A quarter turn about the first axis.
/// let turn = Array::from([[1.0f32, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]);
/// assert_eq!(rotate_volume(&volume, &turn, None)?.to_vec::<f32>()?, [2.0, 0.0, 3.0, 1.0, 6.0, 4.0, 7.0, 5.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// What is no volume with elements or no matrix of 3 by 3; a centre that is not finite.
pub fn rotate_volume(volume: &Array, rotation: &Array, center: Option<[f64; 3]>) -> Result<Array> {
    let shape = volume.shape()?;
    let axes: Vec<Array> = shape.iter().map(|&extent| Array::arange(extent, DType::F64)).collect();
    match <[Array; 3]>::try_from(axes) {
        Ok(coordinates) => rotate_volume_onto(volume, rotation, center, coordinates),
        Err(_) => Err(no_volume(volume)),
    }
}

/// As [`rotate_volume`], at the coordinates `p` of another grid: those along each of its axes.
///
/// # Errors
/// As [`rotate_volume`]; coordinates that are not real and of one axis.
pub fn rotate_volume_onto(
    volume: &Array,
    rotation: &Array,
    center: Option<[f64; 3]>,
    coordinates: [Array; 3],
) -> Result<Array> {
    let ty = volume.ty()?;
    if ty.rank() != 3 || ty.is_empty() {
        return Err(no_volume(volume));
    }
    let given = rotation.ty()?;
    if given.shape[..] != [3, 3] || given.dtype.is_complex() {
        let message = format!("takes a real rotation matrix of shape [3, 3], got {given}");
        return Err(Error::new(ErrorKind::Shape, "rotate_volume", message));
    }
    for (axis, along) in coordinates.iter().enumerate() {
        let along = along.ty()?;
        if along.rank() != 1 || along.dtype.is_complex() {
            let message = format!("coordinates along axis {axis} are {along}; give real numbers along one axis");
            return Err(Error::new(ErrorKind::Shape, "rotate_volume", message));
        }
    }
    let center = center.unwrap_or([0, 1, 2].map(|axis| (ty.shape[axis] as f64 - 1.0) / 2.0));
    super::check_finite("rotate_volume", "a coordinate of the center", &center)?;
    let precision = if ty.dtype.is_inexact() { ty.dtype.real() } else { DType::F32 };
    let centred: Vec<Array> =
        coordinates.iter().zip(center).map(|(along, center)| along.astype(DType::F64) - center).collect();
    let grid = meshgrid(&centred);
    let rotation = rotation.astype(DType::F64);
    let turned = [0, 1, 2].map(|row: usize| {
        let entry = |column: usize| rotation.index_axis(0, row as isize).index_axis(0, column as isize);
        let sum = entry(0) * &grid[0] + entry(1) * &grid[1] + entry(2) * &grid[2];
        (sum + center[row]).astype(precision)
    });
    Ok(volume.map_coordinates(&turned, 1, Boundary::Constant(0.0)))
}

fn no_volume(volume: &Array) -> Error {
    let message = format!("takes a volume of three axes with elements, got {}", crate::Tree::describe(volume));
    Error::new(ErrorKind::Shape, "rotate_volume", message)
}

/// How structures are found that are nearly, but not quite, along an axis: among so many angles, the one at which a
/// projection of the image is most concentrated.
///
/// At each angle `a` from `−greatest` in steps, below `greatest`, let `y_a` be the projection of the magnitudes of an image
/// by beams at angle `a` to its first axis, on bins of a quarter of a column, and `s_a = ‖y_a‖₁ / ‖y_a‖₂`, which is small where few bins hold everything (P.
/// O. Hoyer: *Non-negative matrix factorization with sparseness constraints*, 2004). The angle is the one that minimises
/// `s_a + center_factor (max s − min s) |a|`, in degrees.
///
/// ```
/// use cotangent::{Array, DType};
/// use cotangent::linop::xray::AlignmentSearch;
/// // Lines that run down, one column to the right in 50 rows.
/// let rows = Array::iota(&[200, 96], 0, DType::F32) / 50.0;
/// let across = (Array::iota(&[200, 96], 1, DType::F32) - rows).remainder(16.0);
/// let lines = (-(across - 8.0).square() / 8.0).exp();
/// let angle = AlignmentSearch::default().image(&lines)?;
/// assert!((angle - (0.02f64).atan().to_degrees()).abs() < 0.05);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AlignmentSearch {
    /// The greatest angle, in degrees.
    pub greatest: f64,
    /// From one angle to the next, in degrees.
    pub step: f64,
    /// How much smaller angles are preferred.
    pub center_factor: f64,
}

/// Bins to a column. With one, a projection would be more or less concentrated by where lines lie between bins.
const FINENESS: usize = 4;

impl Default for AlignmentSearch {
    /// Angles to 2.5 degrees in steps of 0.025.
    fn default() -> AlignmentSearch {
        AlignmentSearch { greatest: 2.5, step: 0.025, center_factor: 5e-3 }
    }
}

impl AlignmentSearch {
    /// The angle in degrees by which lines in an image are turned away from its first axis: positive where they run from
    /// the upper left to the lower right.
    ///
    /// # Errors
    /// What is no image with elements; an image that is not known, inside of a trace; angles that are not finite and
    /// greater than 0, or less than 90 degrees.
    pub fn image(&self, image: &Array) -> Result<f64> {
        super::check_positive("AlignmentSearch", "the greatest angle", &[self.greatest])?;
        super::check_positive("AlignmentSearch", "the step", &[self.step])?;
        super::check_finite("AlignmentSearch", "the center factor", &[self.center_factor])?;
        if self.greatest >= 90.0 {
            let message = format!("the greatest angle is {} degrees; give less than 90", self.greatest);
            return Err(Error::new(ErrorKind::Argument, "AlignmentSearch", message));
        }
        let magnitudes = image.abs();
        let ty = magnitudes.ty()?;
        let magnitudes = if ty.dtype.is_inexact() { magnitudes } else { magnitudes.astype(DType::F32) };
        let count = (2.0 * self.greatest / self.step).ceil() as usize;
        let degrees: Vec<f64> = (0..count).map(|number| number as f64 * self.step - self.greatest).collect();
        let angles: Vec<f64> = degrees.iter().map(|angle| (angle + 90.0).to_radians()).collect();
        super::check_input("AlignmentSearch", &magnitudes.ty()?, &[2])?;
        let fine = magnitudes.repeat(FINENESS, 1);
        let beams = XRayTransform2D::new(fine.ty()?, angles)?.pixels([FINENESS as f64, 1.0])?.centred();
        let (sin, cos) = self.greatest.to_radians().sin_cos();
        let reach = 1.05 * FINENESS as f64 * (ty.shape[0] as f64 * sin + ty.shape[1] as f64 * cos);
        let projections = beams.bins((reach as usize).max(1))?.apply(&fine);
        let lengths = projections.square().sum_axes(&[1]).sqrt();
        let costs = crate::inner::divide_or_zero(&projections.sum_axes(&[1]), &lengths);
        let costs = costs.astype(DType::F64).to_vec::<f64>()?;
        let (least, most) =
            costs.iter().fold((f64::INFINITY, 0.0f64), |(least, most), &cost| (least.min(cost), most.max(cost)));
        let preferred = |at: &usize| costs[*at] + self.center_factor * (most - least) * degrees[*at].abs();
        let best = (0..count).min_by(|a, b| preferred(a).total_cmp(&preferred(b)));
        Ok(degrees[best.unwrap_or_default()])
    }

    /// The rotation by which planes in a volume are turned away from those of its first two axes, as a matrix of 3 by 3:
    /// the volume is about `rotate_volume(aligned, R)`, so that the transpose aligns it.
    ///
    /// Lines are looked for in the sections through `slices` on the first and second axis, in the middle unless given. With
    /// the angles `a_y` and `a_x` found there, the rotation is the least one that turns the third axis to
    /// `(tan a_x, tan a_y, 1)`.
    ///
    /// # Errors
    /// What is no volume with elements; sections outside of it; those of [`image`](AlignmentSearch::image).
    pub fn volume(&self, volume: &Array, slices: [Option<usize>; 2]) -> Result<Array> {
        let ty = volume.ty()?;
        if ty.rank() != 3 || ty.is_empty() {
            return Err(no_volume(volume));
        }
        let mut slope = [0.0; 2];
        for axis in 0..2 {
            let extent = ty.shape[axis];
            let place = slices[axis].unwrap_or(extent / 2);
            if place >= extent {
                let message = format!("section {place} of {extent} on axis {axis}; count from 0");
                return Err(Error::new(ErrorKind::Argument, "AlignmentSearch", message));
            }
            // The section on the first axis shows how planes are turned along the second, and the other way round.
            slope[1 - axis] = self.image(&volume.index_axis(axis as isize, place as isize))?.to_radians().tan();
        }
        let length = (slope[0].powi(2) + slope[1].powi(2) + 1.0).sqrt();
        let [x, y, cos] = [slope[0] / length, slope[1] / length, 1.0 / length];
        // Rodrigues' formula about the axis (−y, x, 0), which the third axis and its image are perpendicular to.
        let common = 1.0 / (1.0 + cos);
        Ok(Array::from([
            [1.0 - x * x * common, -x * y * common, x],
            [-x * y * common, 1.0 - y * y * common, y],
            [-x, -y, cos],
        ]))
    }
}
