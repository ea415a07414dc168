//! The head phantom of Shepp and Logan.

use super::{check_grid, drawn, from_middle};
use crate::{Array, DType, Result};

/// The head phantom: ten ellipses, of which every one adds its value to what is inside of it; for three axes, ten
/// ellipsoids.
///
/// ```text
/// f(p) = Σ_k v_k [ Σ_a (R(φ_k) (p − c_k))_a² / r_{k,a}² ≤ 1 ]
/// ```
///
/// An image covers `[−1, 1]` along each axis, with the crown of the head on top; an element has the value at its centre. In
/// a volume the first axis is that along the body, and its middle plane shows the skull, the brain, the ventricles and the
/// three small tumours of the image.
///
/// The values of the [original](SheppLogan::original) are those of tissue, of which the features within the skull differ
/// by a hundredth (L. A. Shepp, B. F. Logan: *The Fourier reconstruction of a head section*, 1974); the
/// [modified](SheppLogan::modified) ones can be seen (P. Toft: *The Radon transform*, 1996). The ellipsoids are those of
/// M. Schabel's `phantom3d`, whose rotations are all about the axis along the body.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::SheppLogan;
/// let head = SheppLogan::modified().image(&[65, 65], DType::F32)?;
/// // Brain in the middle, the right ventricle beside it, air around.
/// let value = |row, column| head.index_axis(0, row).index_axis(0, column).item();
/// assert!((value(32, 32)? - 0.2).abs() < 1e-6 && value(32, 39)?.abs() < 1e-6 && value(0, 0)? == 0.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SheppLogan {
    values: [f64; 10],
}

/// An ellipsoid: semi-axes, centre, and angle in degrees about the third axis, of coordinates to the right, up and along
/// the body. The first two of each make the ellipse.
struct Ellipsoid {
    axes: [f64; 3],
    center: [f64; 3],
    degrees: f64,
}

const fn ellipsoid(axes: [f64; 3], center: [f64; 3], degrees: f64) -> Ellipsoid {
    Ellipsoid { axes, center, degrees }
}

const ELLIPSOIDS: [Ellipsoid; 10] = [
    ellipsoid([0.69, 0.92, 0.81], [0.0, 0.0, 0.0], 0.0),
    ellipsoid([0.6624, 0.874, 0.78], [0.0, -0.0184, 0.0], 0.0),
    ellipsoid([0.11, 0.31, 0.22], [0.22, 0.0, 0.0], -18.0),
    ellipsoid([0.16, 0.41, 0.28], [-0.22, 0.0, 0.0], 18.0),
    ellipsoid([0.21, 0.25, 0.41], [0.0, 0.35, -0.15], 0.0),
    ellipsoid([0.046, 0.046, 0.05], [0.0, 0.1, 0.25], 0.0),
    ellipsoid([0.046, 0.046, 0.05], [0.0, -0.1, 0.25], 0.0),
    ellipsoid([0.046, 0.023, 0.05], [-0.08, -0.605, 0.0], 0.0),
    ellipsoid([0.023, 0.023, 0.02], [0.0, -0.606, 0.0], 0.0),
    ellipsoid([0.023, 0.046, 0.02], [0.06, -0.605, 0.0], 0.0),
];

impl SheppLogan {
    /// With the original values, from 1 to 2 within the head.
    pub fn original() -> SheppLogan {
        SheppLogan { values: [2.0, -0.98, -0.02, -0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01] }
    }

    /// With values of more contrast, from 0 to 1.
    pub fn modified() -> SheppLogan {
        SheppLogan { values: [1.0, -0.8, -0.2, -0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1] }
    }

    /// The section on a grid of two axes, the head on one of three.
    ///
    /// # Errors
    /// A grid of other axes or without elements; a dtype that is not `f32` or `f64`.
    pub fn image(&self, shape: &[usize], dtype: DType) -> Result<Array> {
        check_grid("SheppLogan", shape, 2..=3, dtype)?;
        let count = shape.len();
        let rotations = ELLIPSOIDS.map(|ellipsoid| ellipsoid.degrees.to_radians().sin_cos());
        Ok(drawn(shape, dtype, |at| {
            let coordinate = |axis: usize| 2.0 * from_middle(at[axis], shape[axis]) / shape[axis] as f64;
            let point = [coordinate(count - 1), -coordinate(count - 2), if count == 3 { coordinate(0) } else { 0.0 }];
            let parts = ELLIPSOIDS.iter().zip(&rotations).zip(self.values);
            parts.filter(|((part, rotation), _)| part.has(point, **rotation, count)).map(|(_, value)| value).sum()
        }))
    }
}

impl Ellipsoid {
    /// Whether a point is inside, by the first `count` coordinates.
    fn has(&self, point: [f64; 3], (sin, cos): (f64, f64), count: usize) -> bool {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - self.center[axis]);
        let turned = [cos * x + sin * y, cos * y - sin * x, z];
        turned.iter().zip(&self.axes).take(count).map(|(part, axis)| (part / axis).powi(2)).sum::<f64>() <= 1.0
    }
}
