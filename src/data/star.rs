//! The Siemens star.

use super::{check_grid, check_number, drawn, from_middle, samples_within};
use crate::{Array, DType, Error, ErrorKind, Result};
use std::f64::consts::PI;

/// Points along each axis of an element at which it is looked at.
const SAMPLES: usize = 4;

/// Spokes around the middle, which narrow towards it: triangles of value 1 on 0, every second of so many sectors.
///
/// Triangle `k` has its corners in the middle and at the angles `4 π k / sectors` and `2 π (2 k + 1) / sectors` of a circle,
/// counted from the right upwards. At distance `d` from the middle the spokes repeat after `4 π d / sectors`. An image has
/// square elements, its shorter side has length 1; an element has the share of it that is in a spoke.
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::SiemensStar;
/// let star = SiemensStar::new(32)?.image(&[128, 128], DType::F32)?;
/// // The area of 16 triangles.
/// let area = 16.0 * 0.125 * (std::f64::consts::TAU / 32.0).sin();
/// assert!((star.mean().item()? - area).abs() < 0.01 * area);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SiemensStar {
    sectors: usize,
    radius: f64,
}

impl SiemensStar {
    /// With so many sectors and half as many spokes, within a circle of diameter 1.
    ///
    /// # Errors
    /// Less than four sectors.
    pub fn new(sectors: usize) -> Result<SiemensStar> {
        if sectors < 4 {
            let message = format!("has {sectors} sectors; give at least 4");
            return Err(Error::new(ErrorKind::Argument, "SiemensStar", message));
        }
        Ok(SiemensStar { sectors, radius: 0.5 })
    }

    /// Within a circle of another radius, in units of the shorter side of the image.
    ///
    /// # Errors
    /// A radius that is not finite and greater than 0.
    pub fn radius(self, radius: f64) -> Result<SiemensStar> {
        check_number("SiemensStar", "the radius", radius, radius > 0.0, "a finite number greater than 0")?;
        Ok(SiemensStar { radius, ..self })
    }

    /// The star on a grid of two axes.
    ///
    /// # Errors
    /// A grid of other axes or without elements; a dtype that is not `f32` or `f64`.
    pub fn image(&self, shape: &[usize], dtype: DType) -> Result<Array> {
        check_grid("SiemensStar", shape, 2..=2, dtype)?;
        let samples = samples_within(2, SAMPLES);
        let side = shape[0].min(shape[1]) as f64;
        Ok(drawn(shape, dtype, |at| {
            let middle = |axis: usize| from_middle(at[axis], shape[axis]);
            let (down, right) = (middle(0), middle(1));
            let inside = |sample: &&Vec<f64>| self.has((right + sample[1]) / side, -(down + sample[0]) / side);
            samples.iter().filter(inside).count() as f64 / samples.len() as f64
        }))
    }

    /// Whether a point is in a spoke, from its coordinates to the right and upwards.
    fn has(&self, right: f64, up: f64) -> bool {
        let sector = 2.0 * PI / self.sectors as f64;
        let angle = up.atan2(right).rem_euclid(2.0 * PI);
        let number = (angle / sector).floor();
        // Of an odd number of sectors, the last is empty, as is the first one's other neighbour.
        let filled = number % 2.0 == 0.0 && number < (self.sectors - self.sectors % 2) as f64;
        // The outer side of a triangle is a chord of the circle.
        filled && right.hypot(up) * (angle - (number + 0.5) * sector).cos() <= self.radius * (sector / 2.0).cos()
    }
}
