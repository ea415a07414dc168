//! Volumes of axially symmetric objects.

use super::taps::{Neighbours, Taps, bordered};
use super::{check_finite, check_input};
use crate::linop::{LinearOperator, accept_shape, accept_type};
use crate::{Array, DType, Error, ErrorKind, Result, Type};

/// The volume a plane describes when it is rotated about one of its axes: of `m` by `n` pixels, and `d` voxels in depth,
/// where `d` is the extent across the axis.
///
/// A voxel at distance `l` across the axis and `g` in depth, both measured from the middle, is the pixel at distance
/// `√(l² + g²)` from the axis of symmetry, by linear interpolation, on the side that `l` is on; beyond the plane it is 0.
///
/// The adjoint is written out, as one pass over the volume.
///
/// ```
/// use cotangent::linop::{LinearOperator, xray::AxiallySymmetricVolume};
/// use cotangent::{Array, DType};
/// let plane = Array::arange(16, DType::F32).reshape(&[4, 4]);
/// let volume = AxiallySymmetricVolume::new(plane.ty()?, 0)?.apply(&plane);
/// let voxel = volume.index_axis(0, 1).index_axis(0, 1).index_axis(0, 0).item()?;
/// assert!((voxel - 3.675445).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AxiallySymmetricVolume {
    input: Type,
    axis: usize,
    /// The place of the axis of symmetry on the other axis.
    center: f64,
}

const NAME: &str = "AxiallySymmetricVolume";

/// The axis of symmetry of a plane, 0 or 1 or counted from the end.
pub(super) fn symmetry_axis(operation: &str, axis: isize) -> Result<usize> {
    if !(-2..2).contains(&axis) {
        let message = format!("axis {axis} is no axis of a plane; use 0 or 1");
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    Ok(axis.rem_euclid(2) as usize)
}

impl AxiallySymmetricVolume {
    /// Volumes of planes of type `input` that are rotated about the middle line along `axis`.
    ///
    /// # Errors
    /// Input that is no plane of floating point elements, or has none; an axis that does not exist.
    pub fn new(input: Type, axis: isize) -> Result<AxiallySymmetricVolume> {
        check_input(NAME, &input, &[2])?;
        let axis = symmetry_axis(NAME, axis)?;
        let center = (input.shape[1 - axis] as f64 - 1.0) / 2.0;
        Ok(AxiallySymmetricVolume { input, axis, center })
    }

    /// With the axis of symmetry at this place, counted in pixels across it.
    ///
    /// # Errors
    /// A place that is not finite.
    pub fn center(self, center: f64) -> Result<AxiallySymmetricVolume> {
        check_finite(NAME, "the center", &[center])?;
        Ok(AxiallySymmetricVolume { center, ..self })
    }

    /// Extents along the axis of symmetry and across it.
    fn extents(&self) -> [usize; 2] {
        [self.input.shape[self.axis], self.input.shape[1 - self.axis]]
    }

    /// Where the voxels are found in a plane that is symmetric about its axis 0, of shape `[along, across, depth]`.
    fn taps(&self) -> Taps {
        let [along, across] = self.extents();
        let (grid, real) = ([along, across, across], self.input.dtype.real());
        let from_middle = |axis: isize| Array::iota(&grid, axis, real) - (across as f64 - 1.0) / 2.0;
        let (lateral, depth) = (from_middle(1), from_middle(2));
        let radius = (lateral.square() + depth.square()).sqrt();
        let place = lateral.greater_equal(0.0).select(&radius, -&radius) + self.center;
        Taps::in_rows(&Array::iota(&grid, 0, DType::I32), Neighbours::of(&place, across).interpolated())
    }
}

impl LinearOperator for AxiallySymmetricVolume {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        let [_, across] = self.extents();
        self.input.with_shape(&[self.input.shape[0], self.input.shape[1], across])
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        let x = if self.axis == 0 { x } else { x.t() };
        let volume = self.taps().gather(&bordered(&x, &[1]));
        if self.axis == 0 { volume } else { volume.permute(&[1, 0, 2]) }
    }

    /// Written out: both pixels of a voxel are added to in one pass over the volume.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type(NAME, &self.output_type(), y);
        let y = if self.axis == 0 { y } else { y.permute(&[1, 0, 2]) };
        let x = self.taps().scatter(&y, &self.extents(), &[1]);
        if self.axis == 0 { x } else { x.t() }
    }
}
