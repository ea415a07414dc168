//! Objects that are symmetric about a point.

use super::{check_grid, check_number, drawn};
use crate::{Array, DType, Error, ErrorKind, Result};

/// Concentric balls, each of one value, those named later over those named before: of two axes discs, of three balls.
///
/// Element `i` has the value of the last ball with `‖i − c‖₂ < r`, and 0 outside of all. Radii are in elements; the centre
/// `c` is the middle of the grid, `(n − 1) / 2` along each axis, unless given.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::Rings;
/// let rings = Rings::new(&[(12.8, 1.0), (6.4, 0.0), (3.2, 0.5)])?;
/// assert_eq!(rings.image(&[32, 32], DType::F32)?.sum().item()?, 416.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rings {
    rings: Vec<(f64, f64)>,
    center: Option<Vec<f64>>,
}

impl Rings {
    /// Balls of these radii and values.
    ///
    /// # Errors
    /// A radius that is not finite or less than 0, a value that is not finite.
    pub fn new(rings: &[(f64, f64)]) -> Result<Rings> {
        for &(radius, value) in rings {
            check_number("Rings", "a radius", radius, radius >= 0.0, "a finite number of at least 0")?;
            check_number("Rings", "a value", value, true, "a finite number")?;
        }
        Ok(Rings { rings: rings.to_vec(), center: None })
    }

    /// Around another point, in elements, a coordinate for each axis of the grid.
    ///
    /// # Errors
    /// A coordinate that is not finite.
    pub fn center(self, center: &[f64]) -> Result<Rings> {
        for &coordinate in center {
            check_number("Rings", "a coordinate of the center", coordinate, true, "a finite number")?;
        }
        Ok(Rings { center: Some(center.to_vec()), ..self })
    }

    /// The object on a grid of any number of axes.
    ///
    /// # Errors
    /// A grid without axes or elements, or of other axes than the centre; a dtype that is not `f32` or `f64`.
    pub fn image(&self, shape: &[usize], dtype: DType) -> Result<Array> {
        let center = place("Rings", shape, self.center.as_deref(), dtype)?;
        Ok(drawn(shape, dtype, |at| {
            let distance = distance(at, &center);
            let inside = self.rings.iter().rev().find(|(radius, _)| distance < *radius);
            inside.map_or(0.0, |&(_, value)| value)
        }))
    }
}

/// The distances `‖i − c‖₂` of the elements of a grid from a point, by default its middle, `(n − 1) / 2` along each axis.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::distances;
/// assert_eq!(distances(&[3], None, DType::F32)?.to_vec::<f32>()?, [1.0, 0.0, 1.0]);
/// assert_eq!(distances(&[4, 1], Some(&[0.0, 4.0]), DType::F64)?.to_vec::<f64>()?[3], 5.0);
/// # Ok::<(), cotangent::Error>(())
/// ```
///
/// # Errors
/// As of [`Rings::image`].
pub fn distances(shape: &[usize], center: Option<&[f64]>, dtype: DType) -> Result<Array> {
    let center = place("distances", shape, center, dtype)?;
    Ok(drawn(shape, dtype, |at| distance(at, &center)))
}

fn distance(at: &[usize], center: &[f64]) -> f64 {
    at.iter().zip(center).map(|(&at, center)| (at as f64 - center).powi(2)).sum::<f64>().sqrt()
}

/// The centre on a grid.
fn place(operation: &str, shape: &[usize], center: Option<&[f64]>, dtype: DType) -> Result<Vec<f64>> {
    check_grid(operation, shape, 1..=usize::MAX, dtype)?;
    match center {
        None => Ok(shape.iter().map(|&extent| (extent as f64 - 1.0) / 2.0).collect()),
        Some(center) if center.len() == shape.len() => Ok(center.to_vec()),
        Some(center) => {
            let message = format!("the center {center:?} for a grid {shape:?}; give one coordinate for each axis");
            Err(Error::new(ErrorKind::Argument, operation, message))
        }
    }
}
