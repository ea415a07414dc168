//! Volumes of equal spheres.

use super::{check_grid, check_number, drawn};
use crate::random::{Key, normal, uniform_between};
use crate::{Array, DType, Result};

/// Spheres of value 1 in a volume of 0, which do not touch. The volume is a unit cube, whatever the extents of its grid;
/// element `i` of `n` is at `i / (n − 1)`.
///
/// Of spheres in a row, each is added that covers at least one element, and of whose elements less than a hundredth are in
/// spheres added before.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::SphereFoam;
/// use cotangent::random::Key;
/// let foam = SphereFoam::new(&Key::new(1), 20)?.image(&[24, 24, 24], DType::F32)?;
/// let filled = foam.mean().item()?;
/// assert!(filled > 0.01 && filled < 20.0 * 0.006);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SphereFoam {
    spheres: Vec<([f64; 3], f64)>,
}

impl SphereFoam {
    /// So many spheres at places drawn at random, of radii near 0.1. Those that overlap with others are not added, so that
    /// there may be fewer.
    ///
    /// # Errors
    /// A key that is not known, inside of a trace.
    pub fn new(key: &Key, count: usize) -> Result<SphereFoam> {
        SphereFoam::with_radii(key, count, 0.1, 0.001, 0.01)
    }

    /// As [`new`](SphereFoam::new), of radii with a mean and a standard deviation, and centres that are further than
    /// `mean + margin` from the faces of the cube.
    ///
    /// # Errors
    /// Numbers that are not finite, or less than 0; a `mean + margin` of more than ½, which leaves no room.
    pub fn with_radii(key: &Key, count: usize, mean: f64, deviation: f64, margin: f64) -> Result<SphereFoam> {
        for (what, number) in [("the mean radius", mean), ("the deviation of radii", deviation), ("the margin", margin)]
        {
            check_number("SphereFoam", what, number, number >= 0.0, "a finite number of at least 0")?;
        }
        let from_face = mean + margin;
        let wanted = "at most 0.5, to leave room for spheres";
        check_number("SphereFoam", "the sum of mean radius and margin", from_face, from_face <= 0.5, wanted)?;
        let (centers, radii) = key.split();
        let centers = uniform_between(&centers, &[count, 3], DType::F64, from_face, 1.0 - from_face).to_vec::<f64>()?;
        let radii = (deviation * normal(&radii, &[count], DType::F64) + mean).to_vec::<f64>()?;
        let centers = centers.chunks_exact(3).map(|center| [center[0], center[1], center[2]]);
        Ok(SphereFoam { spheres: centers.zip(radii).collect() })
    }

    /// Of these centres and radii.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn of(spheres: &[([f64; 3], f64)]) -> Result<SphereFoam> {
        for (center, radius) in spheres {
            for number in center.iter().chain([radius]) {
                check_number("SphereFoam", "a coordinate or radius", *number, true, "a finite number")?;
            }
        }
        Ok(SphereFoam { spheres: spheres.to_vec() })
    }

    /// The volume on a grid of three axes.
    ///
    /// # Errors
    /// A grid of other axes or without elements; a dtype that is not `f32` or `f64`.
    pub fn image(&self, shape: &[usize], dtype: DType) -> Result<Array> {
        check_grid("SphereFoam", shape, 3..=3, dtype)?;
        let steps = [0, 1, 2].map(|axis| 1.0 / (shape[axis].max(2) - 1) as f64);
        let mut filled = vec![false; shape.iter().product()];
        for &(center, radius) in &self.spheres {
            let covered = covered(shape, steps, center, radius);
            let taken = covered.iter().filter(|&&place| filled[place]).count();
            // Of none no hundredth is taken, and nothing is added.
            if taken as f64 * 100.0 < covered.len() as f64 {
                covered.into_iter().for_each(|place| filled[place] = true);
            }
        }
        let mut places = filled.into_iter();
        Ok(drawn(shape, dtype, |_| if places.next() == Some(true) { 1.0 } else { 0.0 }))
    }
}

/// The numbers of the elements inside of a sphere.
fn covered(shape: &[usize], steps: [f64; 3], center: [f64; 3], radius: f64) -> Vec<usize> {
    let squares = |axis: usize| -> Vec<(usize, f64)> {
        let square = |place: usize| (place, (place as f64 * steps[axis] - center[axis]).powi(2));
        (0..shape[axis]).map(square).filter(|(_, square)| *square < radius * radius).collect()
    };
    let [first, second, third] = [0, 1, 2].map(squares);
    let mut inside = Vec::new();
    for (i, x) in &first {
        for (j, y) in &second {
            let row = (i * shape[1] + j) * shape[2];
            inside.extend(third.iter().filter(|(_, z)| x + y + z < radius * radius).map(|(k, _)| row + k));
        }
    }
    inside
}
