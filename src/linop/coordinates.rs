//! Unit vectors of polar, cylindrical and spherical coordinates at the elements of an array.
//!
//! They follow from the offsets `g_k` of an element from the center along the axes of the coordinates. At the center itself,
//! and on the axis of a cylinder or of the poles, all angles are 0.

use crate::Array;
use std::fmt::Debug;

/// A component of a unit vector along an axis.
pub enum Component {
    /// 0 everywhere.
    Zero,
    /// 1 everywhere.
    One,
    /// What an array says, which broadcasts with the input.
    Of(Array),
}

/// A kind of coordinates, by its components.
pub trait Coordinates: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// What messages call the gradient in them.
    const NAME: &'static str;

    /// The number of axes they need.
    const AXES: usize;

    /// All components, in order.
    const ALL: &'static [Self];

    /// The center of extents along the axes, unless another is given.
    fn center(extents: &[usize]) -> Vec<f64> {
        extents.iter().map(|&extent| (extent as f64 - 1.0) / 2.0).collect()
    }

    /// The unit vector of a component, from the offsets from the center along each axis.
    fn direction(self, offsets: &[Array]) -> Vec<Component>;
}

/// The components of a gradient in polar coordinates. With `θ = atan2(g_0, g_1)`, measured from the second axis:
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Polar {
    /// `(−cos θ, sin θ)`.
    Angular,
    /// `(sin θ, cos θ)`, away from the center.
    Radial,
}

/// The components of a gradient in cylindrical coordinates. With `θ = atan2(g_0, g_1)`, measured from the second axis:
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cylindrical {
    /// `(−cos θ, sin θ, 0)`.
    Angular,
    /// `(sin θ, cos θ, 0)`, away from the axis.
    Radial,
    /// `(0, 0, 1)`, along the axis.
    Axial,
}

/// The components of a gradient in spherical coordinates. With `θ = atan2(g_1, g_0)` and
/// `φ = atan2(√(g_0² + g_1²), g_2)`:
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spherical {
    /// `(sin θ, −cos θ, 0)`.
    Azimuthal,
    /// `(cos φ cos θ, cos φ sin θ, −sin φ)`.
    Polar,
    /// `(sin φ cos θ, sin φ sin θ, cos φ)`, away from the center.
    Radial,
}

/// Sine, cosine and length of the vector `(y, x)`, whose angle is 0 where it is zero. Quotients are exacter than sine and
/// cosine of the angle, and cost less.
fn turned(y: &Array, x: &Array) -> (Array, Array, Array) {
    let length = (y.square() + x.square()).sqrt();
    let zero = length.equal(0.0);
    let divisor = zero.select(1.0, &length);
    (y / &divisor, zero.select(1.0, x / &divisor), length)
}

impl Coordinates for Polar {
    const NAME: &'static str = "PolarGradient";
    const AXES: usize = 2;
    const ALL: &'static [Polar] = &[Polar::Angular, Polar::Radial];

    fn direction(self, offsets: &[Array]) -> Vec<Component> {
        let (sine, cosine, _) = turned(&offsets[0], &offsets[1]);
        match self {
            Polar::Angular => vec![Component::Of(-cosine), Component::Of(sine)],
            Polar::Radial => vec![Component::Of(sine), Component::Of(cosine)],
        }
    }
}

impl Coordinates for Cylindrical {
    const NAME: &'static str = "CylindricalGradient";
    const AXES: usize = 3;
    const ALL: &'static [Cylindrical] = &[Cylindrical::Angular, Cylindrical::Radial, Cylindrical::Axial];

    /// The middle of the first two axes and the start of the third.
    fn center(extents: &[usize]) -> Vec<f64> {
        let mut center = Polar::center(&extents[..2]);
        center.push(0.0);
        center
    }

    fn direction(self, offsets: &[Array]) -> Vec<Component> {
        let plane = match self {
            Cylindrical::Angular => Polar::Angular.direction(offsets),
            Cylindrical::Radial => Polar::Radial.direction(offsets),
            Cylindrical::Axial => return vec![Component::Zero, Component::Zero, Component::One],
        };
        plane.into_iter().chain([Component::Zero]).collect()
    }
}

impl Coordinates for Spherical {
    const NAME: &'static str = "SphericalGradient";
    const AXES: usize = 3;
    const ALL: &'static [Spherical] = &[Spherical::Azimuthal, Spherical::Polar, Spherical::Radial];

    fn direction(self, offsets: &[Array]) -> Vec<Component> {
        let (sine, cosine, around) = turned(&offsets[1], &offsets[0]);
        let (polar_sine, polar_cosine, _) = turned(&around, &offsets[2]);
        match self {
            Spherical::Azimuthal => vec![Component::Of(sine), Component::Of(-cosine), Component::Zero],
            Spherical::Polar => vec![
                Component::Of(&polar_cosine * cosine),
                Component::Of(polar_cosine * sine),
                Component::Of(-polar_sine),
            ],
            Spherical::Radial => {
                vec![Component::Of(&polar_sine * cosine), Component::Of(polar_sine * sine), Component::Of(polar_cosine)]
            }
        }
    }
}
