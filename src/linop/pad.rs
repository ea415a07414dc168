//! Operators that add a border or take one away.

use super::{LinearOperator, accept_shape, accept_type};
use crate::{Array, Border, Error, ErrorKind, Result, Type};

/// `x ↦ x` with a border: zeros, or elements that follow from those of `x` as a [`Border`] says.
///
/// The adjoint adds each element of the border to those it came from; of zeros it takes the border away.
///
/// ```
/// use cotangent::linop::{LinearOperator, Pad};
/// use cotangent::{Array, Border, DType, Type};
/// let ty = Type::new(DType::F32, &[3]);
/// let y = Array::from([0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(Pad::zeros(ty.clone(), &[(2, 2)])?.adjoint(&y).to_vec::<f32>()?, [2.0, 3.0, 4.0]);
/// assert_eq!(Pad::border(ty, &[(2, 2)], Border::Edge)?.adjoint(&y).to_vec::<f32>()?, [3.0, 3.0, 15.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pad {
    input: Type,
    output: Type,
    widths: Vec<(usize, usize)>,
    /// Zeros if there is none.
    border: Option<Border>,
}

/// `x ↦ x` without its border, the adjoint of padding with zeros.
///
/// ```
/// use cotangent::linop::{Crop, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let crop = Crop::new(Type::new(DType::F32, &[4]), &[(1, 2)])?;
/// assert_eq!(crop.apply(&Array::from([1.0f32, 2.0, 3.0, 4.0])).to_vec::<f32>()?, [2.0]);
/// assert_eq!(crop.adjoint(&Array::from([5.0f32])).to_vec::<f32>()?, [0.0, 5.0, 0.0, 0.0]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Crop {
    input: Type,
    output: Type,
    widths: Vec<(usize, usize)>,
}

impl Pad {
    /// Zeros, so many before and after along each axis.
    ///
    /// # Errors
    /// Not one pair for each axis.
    pub fn zeros(input: Type, widths: &[(usize, usize)]) -> Result<Pad> {
        check_count("Pad", &input, widths)?;
        let extents = input.shape.iter().zip(widths).map(|(extent, (before, after))| extent + before + after);
        let output = input.with_shape(&extents.collect::<Vec<_>>());
        Ok(Pad { input, output, widths: widths.to_vec(), border: None })
    }

    /// Elements that follow from those there are, so many before and after along each axis.
    ///
    /// # Errors
    /// Not one pair for each axis; a border of an axis without elements; a border that is not linear:
    /// [`Border::LinearRamp`] to another value than 0, [`Border::Maximum`], [`Border::Minimum`].
    pub fn border(input: Type, widths: &[(usize, usize)], border: Border) -> Result<Pad> {
        let linear = match border {
            Border::Maximum | Border::Minimum => false,
            Border::LinearRamp(end) => end == 0.0,
            _ => true,
        };
        if !linear {
            let message = format!("{border:?} is not linear in the array; apply `Array::pad_border` in an `Op`");
            return Err(Error::new(ErrorKind::Argument, "Pad", message));
        }
        let pad = Pad::zeros(input, widths)?;
        let grows = |(extent, widths): (&usize, &(usize, usize))| *extent == 0 && *widths != (0, 0);
        if pad.input.shape.iter().zip(widths).any(grows) {
            let message = format!("{} has an axis without elements, which have no border; use `Pad::zeros`", pad.input);
            return Err(Error::new(ErrorKind::Shape, "Pad", message));
        }
        Ok(Pad { border: Some(border), ..pad })
    }
}

impl Crop {
    /// Arrays of type `input` without so many elements before and after along each axis.
    ///
    /// # Errors
    /// Not one pair for each axis; more elements than an axis has.
    pub fn new(input: Type, widths: &[(usize, usize)]) -> Result<Crop> {
        check_count("Crop", &input, widths)?;
        let left = input.shape.iter().zip(widths).map(|(extent, (before, after))| extent.checked_sub(before + after));
        let Some(extents) = left.collect::<Option<Vec<usize>>>() else {
            let message = format!("cannot take {widths:?} elements from the axes of {input}; take fewer");
            return Err(Error::new(ErrorKind::Shape, "Crop", message));
        };
        Ok(Crop { output: input.with_shape(&extents), input, widths: widths.to_vec() })
    }
}

fn check_count(operation: &str, input: &Type, widths: &[(usize, usize)]) -> Result<()> {
    if widths.len() == input.rank() {
        return Ok(());
    }
    let message = format!("{} pairs of widths for {input}; give one for each axis", widths.len());
    Err(Error::new(ErrorKind::Argument, operation, message))
}

/// With `sign` times so many zeros before and after, which are taken away where it is negative.
#[track_caller]
fn bordered(x: &Array, widths: &[(usize, usize)], sign: i64) -> Array {
    let widths: Vec<_> = widths.iter().map(|&(before, after)| (sign * before as i64, sign * after as i64, 0)).collect();
    x.pad_zeros(&widths)
}

impl LinearOperator for Pad {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape("Pad", &self.input, x);
        match self.border {
            None => bordered(&x, &self.widths, 1),
            Some(border) => x.pad_border(&self.widths, border),
        }
    }
}

impl LinearOperator for Crop {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        bordered(&accept_shape("Crop", &self.input, x), &self.widths, -1)
    }

    /// Written out: it is one padding.
    fn adjoint(&self, y: &Array) -> Array {
        bordered(&accept_type("Crop", &self.output, y), &self.widths, 1)
    }
}
