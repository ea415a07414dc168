//! Foam: bubbles of all sizes that do not touch.

use super::{check_grid, check_number, drawn, from_middle, samples_within};
use crate::random::{Key, uniform};
use crate::{Array, DType, Error, ErrorKind, Result};

/// Points along each axis of an element at which it is looked at, where an edge may go through it.
const SAMPLES: usize = 4;

/// Places tried in a row without finding room for a bubble, after which the foam counts as full.
const PATIENCE: usize = 500;

/// A disc or ball with bubbles in it that do not touch: discs on two axes, balls on three.
///
/// The body has diameter 1, the shorter side of the image, and is in its middle. Bubbles are added one after another: at a
/// place drawn at random, the greatest that is inside of the body, at least `gap` away from its edge and from all other
/// bubbles, and not larger than wanted; a place without room for a bubble of the least size is given up. It ends with as
/// many bubbles as wanted, when they take up the wanted share of the body, or when 500 places in a row had no room.
///
/// An element has the mean of the values inside of it. This is random sequential adsorption, as in the package XDesign
/// (D. J. Ching, D. Gürsoy, 2017).
///
/// ```
/// use cotangent::DType;
/// use cotangent::data::Foam;
/// use cotangent::random::Key;
/// let foam = Foam::new(Key::new(1234)).image(&[64, 64], DType::F32)?;
/// assert!(foam.max().item()? <= 1.0 && foam.min().item()? == 0.0);
/// // About π / 4 of the image is body; bubbles take much of it.
/// assert!(foam.mean().item()? > 0.15 && foam.mean().item()? < 0.7);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Foam {
    key: Key,
    count: usize,
    least: f64,
    greatest: f64,
    gap: f64,
    porosity: f64,
    body: f64,
    values: Vec<f64>,
}

/// A bubble of a [`Foam`].
#[derive(Clone, PartialEq, Debug)]
pub struct Bubble {
    /// Its centre, from that of the body, along the axes of the image.
    pub center: Vec<f64>,
    /// Its radius.
    pub radius: f64,
    /// The value inside of it.
    pub value: f64,
}

impl Foam {
    /// A body of 1 with at most 300 bubbles of 0, of radii from 0.0025 to 0.075, 0.001 apart.
    pub fn new(key: Key) -> Foam {
        Foam { key, count: 300, least: 0.0025, greatest: 0.075, gap: 1e-3, porosity: 1.0, body: 1.0, values: vec![0.0] }
    }

    /// With at most so many bubbles.
    pub fn count(self, count: usize) -> Foam {
        Foam { count, ..self }
    }

    /// With bubbles of these least and greatest radii.
    ///
    /// # Errors
    /// Radii that are not greater than 0, less than that of the body, and in this order.
    pub fn radii(self, least: f64, greatest: f64) -> Result<Foam> {
        check_number("Foam", "the least radius", least, least > 0.0, "a finite number greater than 0")?;
        let wanted = format!("a number from the least radius, {least}, to that of the body, 0.5");
        check_number("Foam", "the greatest radius", greatest, (least..0.5).contains(&greatest), &wanted)?;
        Ok(Foam { least, greatest, ..self })
    }

    /// With bubbles so far apart, at least.
    ///
    /// # Errors
    /// A distance that is not finite or less than 0.
    pub fn gap(self, gap: f64) -> Result<Foam> {
        check_number("Foam", "the gap", gap, gap >= 0.0, "a finite number of at least 0")?;
        Ok(Foam { gap, ..self })
    }

    /// With bubbles until they take up this share of the body, if they can.
    ///
    /// # Errors
    /// A share that is not within 0 and 1.
    pub fn porosity(self, porosity: f64) -> Result<Foam> {
        check_number("Foam", "the porosity", porosity, (0.0..=1.0).contains(&porosity), "a number from 0 to 1")?;
        Ok(Foam { porosity, ..self })
    }

    /// With this value of the body, and each bubble filled with one of these, drawn at random.
    ///
    /// # Errors
    /// No value for bubbles; values that are not finite.
    pub fn values(self, body: f64, bubbles: &[f64]) -> Result<Foam> {
        for &value in bubbles.iter().chain([&body]) {
            check_number("Foam", "a value", value, true, "a finite number")?;
        }
        if bubbles.is_empty() {
            let message = "no value for bubbles; give at least one";
            return Err(Error::new(ErrorKind::Argument, "Foam", message));
        }
        Ok(Foam { body, values: bubbles.to_vec(), ..self })
    }

    /// The bubbles of a foam of two or three axes.
    ///
    /// # Errors
    /// Another number of axes; a key that is not known, inside of a trace.
    pub fn bubbles(&self, axes: usize) -> Result<Vec<Bubble>> {
        if !(2..=3).contains(&axes) {
            let message = format!("foams have 2 or 3 axes, not {axes}");
            return Err(Error::new(ErrorKind::Argument, "Foam", message));
        }
        let mut draws = Draws::new(self.key.clone(), axes + 1);
        let (mut found, mut taken, mut failures): (Vec<Bubble>, f64, usize) = (Vec::new(), 0.0, 0);
        while found.len() < self.count && failures < PATIENCE && taken < self.porosity {
            let draw = draws.next()?;
            let center: Vec<f64> = draw[..axes].iter().map(|number| number - 0.5).collect();
            let from_edge = 0.5 - distance(&center, &vec![0.0; axes]) - self.gap;
            let from_others = found.iter().map(|other| distance(&center, &other.center) - other.radius - self.gap);
            let radius = from_others.fold(from_edge, f64::min).min(self.greatest);
            if radius < self.least {
                failures += 1;
                continue;
            }
            failures = 0;
            // Measures of balls go by the power of their radii.
            taken += (2.0 * radius).powi(axes as i32);
            let value = self.values[(draw[axes] * self.values.len() as f64) as usize];
            found.push(Bubble { center, radius, value });
        }
        Ok(found)
    }

    /// The foam on a grid of two or three axes.
    ///
    /// # Errors
    /// A grid of other axes or without elements; a dtype that is not `f32` or `f64`; a key that is not known, inside of a
    /// trace.
    pub fn image(&self, shape: &[usize], dtype: DType) -> Result<Array> {
        check_grid("Foam", shape, 2..=3, dtype)?;
        let bubbles = self.bubbles(shape.len())?;
        let ball = Share::new(shape);
        let whole = vec![0.0; shape.len()];
        let mut image: Vec<f64> = vec![0.0; shape.iter().product()];
        ball.add(&mut image, &whole, 0.5, self.body);
        for Bubble { center, radius, value } in &bubbles {
            ball.add(&mut image, center, *radius, value - self.body);
        }
        let mut elements = image.into_iter();
        Ok(drawn(shape, dtype, |_| elements.next().unwrap_or_default()))
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Uniform numbers in `[0, 1)`, so many at a time, made in blocks from keys of their own.
struct Draws {
    key: Key,
    width: usize,
    block: u32,
    numbers: std::vec::IntoIter<f64>,
}

impl Draws {
    fn new(key: Key, width: usize) -> Draws {
        Draws { key, width, block: 0, numbers: Vec::new().into_iter() }
    }

    fn next(&mut self) -> Result<Vec<f64>> {
        if self.numbers.len() == 0 {
            let numbers = uniform(&self.key.fold_in(self.block), &[1024, self.width], DType::F64);
            self.numbers = numbers.to_vec::<f64>()?.into_iter();
            self.block += 1;
        }
        Ok(self.numbers.by_ref().take(self.width).collect())
    }
}

/// How much of each element of a grid is in a ball.
struct Share<'a> {
    shape: &'a [usize],
    /// The length of an element.
    step: f64,
    samples: Vec<Vec<f64>>,
}

impl Share<'_> {
    fn new(shape: &[usize]) -> Share<'_> {
        let shortest = shape.iter().copied().min().unwrap_or(1);
        Share { shape, step: 1.0 / shortest as f64, samples: samples_within(shape.len(), SAMPLES) }
    }

    /// Adds a value to the elements of an image, times what is in the ball.
    fn add(&self, image: &mut [f64], center: &[f64], radius: f64, value: f64) {
        let along: Vec<(usize, usize)> = (0..self.shape.len())
            .map(|axis| {
                let middle = center[axis] / self.step + (self.shape[axis] as f64 - 1.0) / 2.0;
                let reach = radius / self.step + 1.0;
                let end = (middle + reach).ceil().max(0.0) as usize + 1;
                ((middle - reach).floor().max(0.0) as usize, end.min(self.shape[axis]))
            })
            .collect();
        let mut at: Vec<usize> = along.iter().map(|range| range.0).collect();
        if along.iter().any(|(first, end)| first >= end) {
            return;
        }
        loop {
            let position = at.iter().zip(self.shape).fold(0, |position, (at, extent)| position * extent + at);
            image[position] += value * self.of_element(&at, center, radius);
            let Some(axis) = (0..at.len()).rev().find(|&axis| at[axis] + 1 < along[axis].1) else { return };
            at[axis] += 1;
            (axis + 1..at.len()).for_each(|later| at[later] = along[later].0);
        }
    }

    fn of_element(&self, at: &[usize], center: &[f64], radius: f64) -> f64 {
        let axes = at.len();
        let middle: Vec<f64> = (0..axes).map(|axis| from_middle(at[axis], self.shape[axis]) * self.step).collect();
        let from_center = distance(&middle, center);
        // Half the diagonal: beyond it the whole element is on one side.
        let reach = 0.5 * self.step * (axes as f64).sqrt();
        if from_center + reach <= radius {
            return 1.0;
        }
        if from_center - reach >= radius {
            return 0.0;
        }
        let inside = |sample: &&Vec<f64>| {
            let parts = (0..axes).map(|axis| (middle[axis] + sample[axis] * self.step - center[axis]).powi(2));
            parts.sum::<f64>() <= radius * radius
        };
        self.samples.iter().filter(inside).count() as f64 / self.samples.len() as f64
    }
}
