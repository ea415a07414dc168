//! The Abel transform.

use super::check_input;
use crate::linop::{LinearOperator, accept_shape, accept_type};
use crate::{Array, Result, Type, concatenate};
use cotangent_ir::prim::linalg::triangular::Triangle;

/// Projections of axially symmetric objects, row by row: each row of the image is a cut through an object that is constant
/// along rays on every circle around the middle of the row.
///
/// Both halves of a row are transformed by themselves, from the middle outwards, by `r ↦ r Π` with
///
/// ```text
/// Π[j, k] = 2 (√((j + ½)² - k²) - [k < j] √((j - ½)² - k²))   for k ≤ j, 0 for others
/// ```
///
/// the length of the ray at distance `k` from the axis within the ring at `j`. A row of odd length has a middle element: it
/// begins both halves, and its projection is that of the right one.
///
/// This is the onion peeling of C. J. Dasch: One-dimensional tomography: a comparison of Abel, onion-peeling, and filtered
/// backprojection methods, Applied Optics 31 (1992), 1146-1152.
///
/// ```
/// use cotangent::linop::{LinearOperator, xray::AbelTransform};
/// use cotangent::Array;
/// let x = Array::from([[1.0f32, 2.0, 3.0, 2.0, 1.0]]);
/// let abel = AbelTransform::new(x.ty()?)?;
/// let y = abel.apply(&x);
/// let wanted = [3.0, 6.818644, 9.0, 6.818644, 3.0];
/// assert!(y.to_vec::<f32>()?.iter().zip(wanted).all(|(y, wanted)| (y - wanted).abs() < 1e-5));
/// assert!((abel.inverse(&y).index_axis(1, 1).item()? - 2.0).abs() < 1e-5);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AbelTransform {
    input: Type,
    /// `Π`, of the dtype of the input's real part.
    lengths: Array,
}

const NAME: &str = "AbelTransform";

impl AbelTransform {
    /// The transform of images of type `input`, along their last axis.
    ///
    /// # Errors
    /// Input that is no image of floating point elements, or has none.
    pub fn new(input: Type) -> Result<AbelTransform> {
        check_input(NAME, &input, &[2])?;
        let half = input.shape[1].div_ceil(2);
        let lengths: Vec<f64> = (0..half * half).map(|at| length(at / half, at % half)).collect();
        let lengths = Array::from(lengths).reshape(&[half, half]).astype(input.dtype.real());
        Ok(AbelTransform { input, lengths })
    }

    /// The image whose transform is `y`, which is unique: each half is found from the outside inwards.
    #[track_caller]
    pub fn inverse(&self, y: &Array) -> Array {
        let y = accept_type("AbelTransform.inverse", &self.input, y);
        // r Π = s is Πᵀ rᵀ = sᵀ.
        let triangle = self.lengths.astype(self.input.dtype);
        self.of_halves(&y, |half| triangle.solve_triangular(&half.t(), Triangle::LOWER.transposed()).t())
    }

    /// The image with both its halves, from the middle outwards, mapped.
    fn of_halves(&self, x: &Array, map: impl Fn(&Array) -> Array) -> Array {
        let columns = self.input.shape[1];
        let half = columns.div_ceil(2);
        let left = map(&x.narrow(1, 0, half).flip(&[1])).flip(&[1]);
        let right = map(&x.narrow(1, columns - half, half));
        concatenate(&[left.narrow(1, 0, columns - half), right], 1)
    }
}

/// The length within ring `j` of a ray at distance `k` from the axis.
fn length(j: usize, k: usize) -> f64 {
    let chord = |radius: f64| 2.0 * (radius * radius - (k * k) as f64).max(0.0).sqrt();
    match k {
        k if k > j => 0.0,
        k if k == j => chord(j as f64 + 0.5),
        _ => chord(j as f64 + 0.5) - chord(j as f64 - 0.5),
    }
}

impl LinearOperator for AbelTransform {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.input.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        self.of_halves(&x, |half| half.matmul(&self.lengths))
    }
}
