//! Parallel beams through a volume.

use super::taps::{Neighbours, Taps, bordered};
use super::{check_detector, check_input};
use crate::linop::{LinearOperator, accept_shape, accept_type};
use crate::{Array, DType, Error, ErrorKind, Result, Type};

/// Projections of a volume by parallel beams: of `l` by `m` by `n` voxels, `views` by `rows` by `columns`.
///
/// A view is a matrix of 2 by 4 that takes voxels to the detector, `P = M (i + ½, j + ½, k + ½, 1)`, whose pixel `(r, c)`
/// covers `[r, r + 1) × [c, c + 1)`. A voxel casts the shadow of a square of side ½ around `P`, and its value goes to the
/// up to four pixels under it in proportion to what they have of it; what falls beside the detector is lost.
///
/// [`EulerAngles`](super::EulerAngles) gives matrices of rotations. The adjoint back-projects. It is written out, as one
/// sum over the views.
///
/// ```
/// use cotangent::linop::{LinearOperator, xray::XRayTransform3D};
/// use cotangent::{Array, DType, Type};
/// let voxel = Type::new(DType::F32, &[1, 1, 1]);
/// let along_the_last_axis = [1.0f64, 0.0, 0.0, 0.4, 0.0, 1.0, 0.0, 0.3];
/// let matrices = Array::from(along_the_last_axis).reshape(&[1, 2, 4]);
/// let y = XRayTransform3D::new(voxel, matrices, [2, 2])?.apply(&Array::ones(&[1, 1, 1], DType::F32)).to_vec::<f32>()?;
/// assert!(y.iter().zip([0.63, 0.07, 0.27, 0.03]).all(|(y, wanted)| (y - wanted).abs() < 1e-6));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct XRayTransform3D {
    input: Type,
    views: usize,
    detector: [usize; 2],
    /// For each axis of the detector the steps along the axes of the volume, of shape `[views, 1, 1, 1]`.
    steps: [[Array; 3]; 2],
    /// For each axis of the detector the edge of the shadow of voxel (0, 0, 0).
    edges: [Array; 2],
}

const NAME: &str = "XRayTransform3D";
/// The side of the shadow of a voxel.
const SIDE: f64 = 0.5;

impl XRayTransform3D {
    /// Projections on a detector of so many rows and columns, by matrices of shape `[views, 2, 4]`.
    ///
    /// # Errors
    /// Input that is no volume of floating point elements, or has none; matrices of another shape; a detector without
    /// pixels.
    pub fn new(input: Type, matrices: impl Into<Array>, detector: [usize; 2]) -> Result<XRayTransform3D> {
        check_input(NAME, &input, &[3])?;
        check_detector(NAME, &detector)?;
        let matrices = matrices.into();
        let ty = matrices.ty()?;
        let views = match ty.shape[..] {
            [views, 2, 4] if views > 0 && !ty.dtype.is_complex() => views,
            _ => {
                let message = format!("matrices are {ty}; give a real array of shape [views, 2, 4], at least one view");
                return Err(Error::new(ErrorKind::Shape, NAME, message));
            }
        };
        let matrices = matrices.astype(DType::F64);
        let entry = |axis: usize, column: usize| {
            let entry = matrices.narrow(1, axis, 1).narrow(2, column, 1);
            entry.reshape(&[views, 1, 1, 1])
        };
        let spread = |per_view: Array| per_view.astype(input.dtype.real());
        let steps = [0, 1].map(|axis| [0, 1, 2].map(|column| entry(axis, column)));
        let edges = [0, 1].map(|axis| {
            let [i, j, k] = &steps[axis];
            spread(entry(axis, 3) + (i + j + k) * 0.5 - SIDE / 2.0)
        });
        let steps = steps.map(|steps| steps.map(spread));
        Ok(XRayTransform3D { input, views, detector, steps, edges })
    }

    fn grid(&self) -> [usize; 4] {
        [self.views, self.input.shape[0], self.input.shape[1], self.input.shape[2]]
    }

    /// Pixels and weights of voxels in every view, of shape `[views, l, m, n]`.
    fn taps(&self) -> Taps {
        let (grid, real) = (self.grid(), self.input.dtype.real());
        let [first, second] = [0, 1].map(|axis| {
            let along = |of: usize| Array::iota(&grid, of as isize + 1, real) * &self.steps[axis][of];
            let pixels = Neighbours::of(&(&self.edges[axis] + along(0) + along(1) + along(2)), self.detector[axis]);
            let share = ((1.0 - &pixels.fraction) * (1.0 / SIDE)).minimum(1.0);
            pixels.shared(&share)
        });
        Taps::bilinear(&[&Array::iota(&grid, 0, DType::I32)], first, &[], second)
    }

    fn extents(&self) -> [usize; 3] {
        [self.views, self.detector[0], self.detector[1]]
    }
}

impl LinearOperator for XRayTransform3D {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.with_shape(&self.extents())
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        let x = x.broadcast_to(&self.grid());
        self.taps().scatter(&x, &self.extents(), &[1, 2])
    }

    /// Written out: the four pixels of a voxel are read in one pass over the views.
    fn adjoint(&self, y: &Array) -> Array {
        let y = accept_type(NAME, &self.output_type(), y);
        self.taps().gather(&bordered(&y, &[1, 2])).sum_axes(&[0])
    }
}
