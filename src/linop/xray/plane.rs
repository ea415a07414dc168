//! Parallel beams through a plane.

use super::filter::{filter_rows, ramp};
use super::taps::{Neighbours, Taps, bordered};
use super::{check_detector, check_finite, check_input, check_positive};
use crate::linop::{LinearOperator, accept_shape, accept_type};
use crate::{Array, DType, Error, ErrorKind, Result, Type};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Projections of an image by parallel beams at several angles: of `m` by `n` pixels, `views` by `bins`.
///
/// With pixels of extents `d`, in units of the width of a bin, let `p = (d₀ cos θ, d₁ sin θ)`. Pixel `(i, j)` casts on the
/// detector a shadow of width `max(|p₀|, |p₁|)` that begins at
///
/// ```text
/// P = corner · (cos θ, sin θ) - start + min(0, p₀, p₁, p₀ + p₁) + i p₀ + j p₁
/// ```
///
/// and its value goes to bin `⌊P⌋` and the next in proportion to what they have of the shadow; what falls beside the
/// detector is lost. The shadow has the width and the left edge of the trapezoid a square pixel casts;
/// [`centred`](XRayTransform2D::centred) gives it the centre instead. A pixel for which `|p₀| + |p₁| > 1` may cover more
/// than the two bins it is shared by: [`widest`](XRayTransform2D::widest) tells.
///
/// The adjoint back-projects. It is written out, as one sum over the views.
///
/// ```
/// use cotangent::linop::{LinearOperator, xray::XRayTransform2D};
/// use cotangent::{Array, DType, Type};
/// let x = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let beams = XRayTransform2D::new(x.ty()?, [0.0f64, 2.0])?.pixels([1.0, 1.0])?;
/// let y = beams.apply(&x).to_vec::<f32>()?;
/// let wanted = [0.0, 6.0, 15.0, 0.0, 3.831879, 6.956409, 9.010963, 1.200750];
/// assert!(y.iter().zip(wanted).all(|(y, wanted)| (y - wanted).abs() < 1e-5));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct XRayTransform2D {
    input: Type,
    angles: Array,
    pixels: [f64; 2],
    corner: Option<[f64; 2]>,
    bins: usize,
    start: Option<f64>,
    centred: bool,
    views: Views,
}

/// What a pixel's position follows from, an element for each view, of shape `[views, 1, 1]`.
#[derive(Clone, Debug)]
struct Views {
    count: usize,
    /// Steps on the detector from row to row and from column to column.
    steps: [Array; 2],
    /// The left edge of the shadow of pixel (0, 0).
    edge: Array,
    /// One over the width of a shadow.
    inverse_width: Array,
}

const NAME: &str = "XRayTransform2D";

impl XRayTransform2D {
    /// Projections at angles in radians, one for each view.
    ///
    /// Pixels have extents `√½` along both axes, which keeps every shadow within two bins; the centre of the image is at
    /// the centre of the detector, which has `⌈√(m² + n²)⌉` bins.
    ///
    /// # Errors
    /// Input that is no image of floating point elements, or has none; angles that are not one axis of at least one.
    pub fn new(input: Type, angles: impl Into<Array>) -> Result<XRayTransform2D> {
        check_input(NAME, &input, &[2])?;
        let angles = angles.into();
        let ty = angles.ty()?;
        if ty.rank() != 1 || ty.is_empty() || ty.dtype.is_complex() {
            let message = format!("angles are {ty}; give one real angle for each view, at least one, along one axis");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        let bins = (input.shape[0] as f64).hypot(input.shape[1] as f64).ceil() as usize;
        let pixels = [FRAC_1_SQRT_2; 2];
        let views = Views::new(&angles, &input, pixels, corner(&input, pixels), bins as f64 / -2.0, false);
        Ok(XRayTransform2D { input, angles, pixels, corner: None, bins, start: None, centred: false, views })
    }

    /// With pixels of these extents along rows and columns, in units of the width of a bin.
    ///
    /// # Errors
    /// An extent that is not finite and greater than 0.
    pub fn pixels(self, extents: [f64; 2]) -> Result<XRayTransform2D> {
        check_positive(NAME, "the extent of a pixel", &extents)?;
        Ok(XRayTransform2D { pixels: extents, ..self }.arranged())
    }

    /// With the outer corner of pixel (0, 0) here, where the centre of rotation is at (0, 0).
    ///
    /// # Errors
    /// A coordinate that is not finite.
    pub fn corner(self, corner: [f64; 2]) -> Result<XRayTransform2D> {
        check_finite(NAME, "a coordinate of the corner", &corner)?;
        Ok(XRayTransform2D { corner: Some(corner), ..self }.arranged())
    }

    /// With so many bins, whose middle meets the centre of rotation unless [`start`](XRayTransform2D::start) is given.
    ///
    /// # Errors
    /// No bin.
    pub fn bins(self, bins: usize) -> Result<XRayTransform2D> {
        check_detector(NAME, &[bins])?;
        Ok(XRayTransform2D { bins, ..self }.arranged())
    }

    /// With the outer edge of bin 0 here, where the image of the centre of rotation is at 0.
    ///
    /// # Errors
    /// A position that is not finite.
    pub fn start(self, start: f64) -> Result<XRayTransform2D> {
        check_finite(NAME, "the start of the detector", &[start])?;
        Ok(XRayTransform2D { start: Some(start), ..self }.arranged())
    }

    /// With shadows in the middle of the trapezoids that square pixels cast: `P` is greater by `min(|p₀|, |p₁|) / 2`.
    pub fn centred(self) -> XRayTransform2D {
        XRayTransform2D { centred: true, ..self }.arranged()
    }

    fn arranged(self) -> XRayTransform2D {
        let corner = self.corner.unwrap_or_else(|| corner(&self.input, self.pixels));
        let start = self.start.unwrap_or(self.bins as f64 / -2.0);
        let views = Views::new(&self.angles, &self.input, self.pixels, corner, start, self.centred);
        XRayTransform2D { views, ..self }
    }

    /// The greatest width of the trapezoid a pixel casts, `max |p₀| + |p₁|` over the views. Where it exceeds 1, smaller
    /// pixels give smoother projections.
    pub fn widest(&self) -> Array {
        let [rows, columns] = &self.views.steps;
        (rows.abs() + columns.abs()).max()
    }

    /// Filtered back-projection: the image whose projections are near `y`, by the ramp filter, for angles spread evenly
    /// over `[0, π)`. Pixels that not every view sees are 0.
    ///
    /// ```text
    /// (π d₀ d₁ / views) Aᵀ (h ∗ y),   h₀ = 1/4, h_n = -1 / (π n)² for odd n, 0 for others
    /// ```
    ///
    /// A. C. Kak, M. Slaney: Principles of Computerized Tomographic Imaging, IEEE Press 1988, chapter 3.
    ///
    /// ```
    /// use cotangent::linop::{LinearOperator, xray::XRayTransform2D};
    /// use cotangent::{Array, DType, Type};
    /// let angles: Vec<f64> = (0..64).map(|view| view as f64 * std::f64::consts::PI / 64.0).collect();
    /// let beams = XRayTransform2D::new(Type::new(DType::F32, &[32, 32]), angles)?;
    /// let square = Array::ones(&[16, 16], DType::F32).pad_zeros(&[(8, 8, 0), (8, 8, 0)]);
    /// let found = beams.filtered_back_projection(&beams.apply(&square));
    /// assert!((found.index_axis(0, 16).index_axis(0, 16).item()? - 1.0).abs() < 0.05);
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    #[track_caller]
    pub fn filtered_back_projection(&self, y: &Array) -> Array {
        let y = accept_type("XRayTransform2D.filtered_back_projection", &self.output_type(), y);
        let views = self.views.count;
        // The filter has as many samples as there are bins.
        let before = (self.bins as isize - 1) / 2;
        let window = -before..self.bins as isize - before;
        let filtered = filter_rows(&y, |lag| if window.contains(&lag) { ramp(lag) } else { 0.0 });
        let seen = self.back_project(&Array::ones(&[views, self.bins], self.input.dtype.real()));
        let scale = PI * self.pixels[0] * self.pixels[1] / views as f64;
        let image = self.back_project(&filtered) * scale;
        let everywhere = views as f64 * (1.0 - 1e-5);
        seen.greater_equal(everywhere).select(&image, image.zeros_like())
    }

    /// Bins and weights of pixels in every view, of shape `[views, m, n]`.
    fn taps(&self) -> Taps {
        let (grid, real) = (self.grid(), self.input.dtype.real());
        let Views { steps: [rows, columns], edge, inverse_width, .. } = &self.views;
        let position = edge + Array::iota(&grid, 1, real) * rows + Array::iota(&grid, 2, real) * columns;
        let bins = Neighbours::of(&position, self.bins);
        let share = ((1.0 - &bins.fraction) * inverse_width).minimum(1.0);
        Taps::in_rows(&Array::iota(&grid, 0, DType::I32), bins.shared(&share))
    }

    fn grid(&self) -> [usize; 3] {
        [self.views.count, self.input.shape[0], self.input.shape[1]]
    }

    fn back_project(&self, y: &Array) -> Array {
        self.taps().gather(&bordered(y, &[1])).sum_axes(&[0])
    }
}

/// The corner of an image whose middle is the centre of rotation.
fn corner(input: &Type, pixels: [f64; 2]) -> [f64; 2] {
    [0, 1].map(|axis| input.shape[axis] as f64 * pixels[axis] / -2.0)
}

impl Views {
    /// Computed in double precision, from however many angles there are.
    fn new(angles: &Array, input: &Type, pixels: [f64; 2], corner: [f64; 2], start: f64, centred: bool) -> Views {
        let angles = angles.astype(DType::F64);
        let (cos, sin) = (angles.cos(), angles.sin());
        let (rows, columns) = (&cos * pixels[0], &sin * pixels[1]);
        let least = rows.minimum(&columns).minimum(&rows + &columns).minimum(0.0);
        let mut edge = cos * corner[0] + sin * corner[1] - start + least;
        if centred {
            edge += rows.abs().minimum(columns.abs()) * 0.5;
        }
        let inverse_width = 1.0 / rows.abs().maximum(columns.abs());
        let count = angles.ty().map_or(0, |ty| ty.len());
        let spread = |per_view: Array| per_view.astype(input.dtype.real()).reshape(&[count, 1, 1]);
        Views {
            count,
            steps: [spread(rows), spread(columns)],
            edge: spread(edge),
            inverse_width: spread(inverse_width),
        }
    }
}

impl LinearOperator for XRayTransform2D {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.with_shape(&[self.views.count, self.bins])
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        let x = x.broadcast_to(&self.grid());
        self.taps().scatter(&x, &[self.views.count, self.bins], &[1])
    }

    /// Written out: both bins of a pixel are read in one pass over the views.
    fn adjoint(&self, y: &Array) -> Array {
        self.back_project(&accept_type(NAME, &self.output_type(), y))
    }
}
