//! Views of a volume by rotations.

use super::{check_detector, check_positive};
use crate::{Array, DType, Error, ErrorKind, Result, concatenate, stack};

/// Rotations by angles about axes, and the matrices of the views of a volume they give.
///
/// Of a rotation `R` the view is along the last axis of the rotated volume: `M = diag(1 / b) R[..2] diag(a)`, with the
/// spacing `a` of voxels and `b` of pixels, and a translation that takes the centre of the volume to that of the detector.
///
/// ```
/// use cotangent::linop::xray::EulerAngles;
/// use cotangent::Array;
/// let angles = Array::from([[0.3f64, 0.2]]);
/// let matrices = EulerAngles::new("XY", angles)?.matrices([2, 3, 4], [4, 4])?.to_vec::<f64>()?;
/// let wanted = [0.980067, 0.0, 0.198669, 0.622595, 0.058711, 0.955337, -0.289629, 1.087543];
/// assert!(matrices.iter().zip(wanted).all(|(entry, wanted)| (entry - wanted).abs() < 1e-6));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EulerAngles {
    /// In radians, double precision, of shape `[views, rotations]`.
    angles: Array,
    /// Axes in the order of the columns of angles.
    axes: Vec<usize>,
    /// Whether each rotation is about the axes the ones before it have moved.
    intrinsic: bool,
    voxels: [f64; 3],
    pixels: [f64; 2],
}

const NAME: &str = "EulerAngles";

impl EulerAngles {
    /// Rotations about the axes a sequence such as `"XY"` or `"zyx"` names, by angles in radians of shape `[views,
    /// rotations]`. Capitals name axes that turn with the object (`"XY"` is `Rx Ry`), small letters those of space.
    ///
    /// # Errors
    /// A sequence that is not of one to three letters x, y, z or X, Y, Z, no two neighbours equal; angles of another shape.
    pub fn new(sequence: &str, angles: impl Into<Array>) -> Result<EulerAngles> {
        let axis = |letter: char| "xyz".find(letter.to_ascii_lowercase());
        let axes: Option<Vec<usize>> = sequence.chars().map(axis).collect();
        let intrinsic = sequence.chars().all(|letter| letter.is_ascii_uppercase());
        let extrinsic = sequence.chars().all(|letter| letter.is_ascii_lowercase());
        let axes = axes.filter(|axes| {
            (1..=3).contains(&axes.len()) && axes.windows(2).all(|pair| pair[0] != pair[1]) && (intrinsic || extrinsic)
        });
        let Some(axes) = axes else {
            let message = format!(
                "the sequence {sequence:?} names no rotations; use one to three of x, y, z, or of X, Y, Z, with different \
                 neighbours"
            );
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        };
        let angles = angles.into();
        let ty = angles.ty()?;
        if ty.rank() != 2 || ty.shape[1] != axes.len() || ty.shape[0] == 0 || ty.dtype.is_complex() {
            let message = format!(
                "angles are {ty}; give a real array of shape [views, {}], for the rotations {sequence:?}",
                axes.len()
            );
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        Ok(EulerAngles { angles: angles.astype(DType::F64), axes, intrinsic, voxels: [1.0; 3], pixels: [1.0; 2] })
    }

    /// With angles in degrees.
    pub fn degrees(self) -> EulerAngles {
        EulerAngles { angles: self.angles * 1.0f64.to_radians(), ..self }
    }

    /// With voxels at these distances along the axes of the volume.
    ///
    /// # Errors
    /// A distance that is not finite and greater than 0.
    pub fn voxels(self, spacing: [f64; 3]) -> Result<EulerAngles> {
        check_positive(NAME, "the spacing of voxels", &spacing)?;
        Ok(EulerAngles { voxels: spacing, ..self })
    }

    /// With pixels of the detector at these distances along its axes.
    ///
    /// # Errors
    /// A distance that is not finite and greater than 0.
    pub fn pixels(self, spacing: [f64; 2]) -> Result<EulerAngles> {
        check_positive(NAME, "the spacing of pixels", &spacing)?;
        Ok(EulerAngles { pixels: spacing, ..self })
    }

    /// The matrices of the views, of shape `[views, 2, 4]`, in double precision, for an
    /// [`XRayTransform3D`](super::XRayTransform3D) of a volume and a detector of these extents.
    ///
    /// # Errors
    /// A detector or a volume without elements.
    pub fn matrices(&self, volume: [usize; 3], detector: [usize; 2]) -> Result<Array> {
        check_detector(NAME, &detector)?;
        if volume.contains(&0) {
            let message = format!("a volume of extents {volume:?} has no elements, at least one is needed");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        let rotations = self.axes.iter().enumerate().map(|(column, &axis)| self.rotation(column, axis));
        let rotation = rotations.reduce(|sofar, next| match self.intrinsic {
            true => sofar.matmul(&next),
            false => next.matmul(&sofar),
        });
        let Some(rotation) = rotation else { cotangent_ir::error::internal("a sequence without rotations") };
        let scale: Vec<f64> = self.pixels.iter().flat_map(|b| self.voxels.map(|a| a / b)).collect();
        let linear = rotation.narrow(1, 0, 2) * Array::from(scale).reshape(&[2, 3]);
        let centre = (&linear * Array::from(volume.map(|extent| extent as f64 / 2.0))).sum_axes(&[2]);
        let shift = Array::from(detector.map(|extent| extent as f64 / 2.0)) - centre;
        let shift = shift.expand_dims(2);
        Ok(concatenate(&[linear, shift], 2))
    }

    /// Rotation matrices about an axis by the angles of a column, of shape `[views, 3, 3]`.
    fn rotation(&self, column: usize, axis: usize) -> Array {
        let angles = self.angles.index_axis(1, column as isize);
        let (cos, sin) = (angles.cos(), angles.sin());
        let entry = |row: usize, column: usize| match (row, column) {
            _ if row == axis || column == axis => {
                if row == column {
                    angles.ones_like()
                } else {
                    angles.zeros_like()
                }
            }
            _ if row == column => cos.clone(),
            // Each axis turns the next but one towards the next negatively.
            _ if (row + 1) % 3 == column => -&sin,
            _ => sin.clone(),
        };
        let entries: Vec<Array> = (0..9).map(|at| entry(at / 3, at % 3)).collect();
        let views = angles.ty().map_or(0, |ty| ty.len());
        stack(&entries, 1).reshape(&[views, 3, 3])
    }
}
