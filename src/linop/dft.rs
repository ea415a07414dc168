//! The discrete Fourier transform as an operator.

use super::{LinearOperator, accept_shape};
use crate::{Array, DType, Error, ErrorKind, Result, Type};
use cotangent_ir::prim::spectrum::{FftNorm, Transform};

/// `x ↦ F x`, the discrete Fourier transform over some axes, all unless told otherwise, of complex arrays.
///
/// The forward transform has the factor 1 and the inverse `1 / N`, unless [`orthonormal`](Dft::orthonormal) or
/// [`scaled_forward`](Dft::scaled_forward). The adjoint is `Fᴴ`, which for the factor 1 is `N` times the inverse.
///
/// ```
/// use cotangent::linop::{Dft, LinearOperator};
/// use cotangent::{Array, DType, Type};
/// let x = Array::from([1.0f32, 2.0, 3.0]).astype(DType::C64);
/// let f = Dft::new(x.ty()?)?.sizes(&[4])?;
/// assert_eq!(f.output_type().shape[..], [4]);
/// // The inverse undoes the zeros behind, too.
/// let back = f.inverse(&f.apply(&x)).real().to_vec::<f32>()?;
/// assert!((back[2] - 3.0).abs() < 1e-6 && back.len() == 3);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dft {
    input: Type,
    output: Type,
    /// From the start.
    axes: Vec<usize>,
    norm: FftNorm,
}

const NAME: &str = "Dft";

impl Dft {
    /// The transform over all axes of complex arrays.
    ///
    /// # Errors
    /// A type that is not complex, or has no axes.
    pub fn new(input: Type) -> Result<Dft> {
        if !input.dtype.is_complex() {
            let message = format!("transforms complex arrays, got {input}; use `DType::C64` or `DType::C128`");
            return Err(Error::new(ErrorKind::DType, NAME, message));
        }
        if input.rank() == 0 {
            let message = format!("transforms along axes, {input} has none");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        let axes = (0..input.rank()).collect();
        Ok(Dft { output: input.clone(), input, axes, norm: FftNorm::Backward })
    }

    /// The transform over some axes; negative ones count from the end.
    ///
    /// # Errors
    /// No axis; an axis that does not exist or is named twice.
    pub fn along(self, axes: &[isize]) -> Result<Dft> {
        let rank = self.input.rank() as isize;
        let refuse = |message| Err(Error::new(ErrorKind::Argument, NAME, message));
        if let Some(axis) = axes.iter().find(|axis| !(-rank..rank).contains(axis)) {
            return refuse(format!(
                "axis {axis} is out of range for {}; use one of {}..={}",
                self.input,
                -rank,
                rank - 1
            ));
        }
        let axes: Vec<usize> = axes.iter().map(|axis| axis.rem_euclid(rank) as usize).collect();
        if axes.is_empty() || (1..axes.len()).any(|later| axes[..later].contains(&axes[later])) {
            return refuse(format!("axes {axes:?} of {}; name at least one, and each once", self.input));
        }
        Ok(Dft { axes, output: self.input.clone(), ..self })
    }

    /// With so many points along each of the axes, or along the last ones if there are fewer sizes than axes and all are
    /// transformed: what is longer is cut, what is shorter gets zeros behind it.
    ///
    /// # Errors
    /// More sizes than axes, or fewer where axes were chosen; a size of 0.
    pub fn sizes(self, sizes: &[usize]) -> Result<Dft> {
        let whole = self.axes.len() == self.input.rank();
        let fits = sizes.len() == self.axes.len() || (whole && sizes.len() < self.axes.len());
        if !fits || sizes.is_empty() || sizes.contains(&0) {
            let message = format!("{sizes:?} points along axes {:?} of {}; give one for each", self.axes, self.input);
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        let axes = self.axes[self.axes.len() - sizes.len()..].to_vec();
        let mut output = self.input.clone();
        axes.iter().zip(sizes).for_each(|(&axis, &size)| output.shape[axis] = size);
        Ok(Dft { axes, output, ..self })
    }

    /// With the factor `1 / √N` in both directions, which makes it unitary.
    pub fn orthonormal(self) -> Dft {
        Dft { norm: FftNorm::Ortho, ..self }
    }

    /// With the factor `1 / N` in the forward direction.
    pub fn scaled_forward(self) -> Dft {
        Dft { norm: FftNorm::Forward, ..self }
    }

    /// The inverse transform of `z`, cut to the extents of the input. Where the transform cuts its input, it is the inverse
    /// of least norm: what was cut comes back as zeros.
    #[track_caller]
    pub fn inverse(&self, z: &Array) -> Array {
        let z = accept_shape(NAME, &self.output, z);
        let x = z.ifftn(&self.transform(&self.output));
        let missing = |axis: usize| self.input.shape[axis] as i64 - self.output.shape[axis] as i64;
        let widths: Vec<_> = (0..self.input.rank()).map(|axis| (0, missing(axis), 0)).collect();
        if self.input.shape == self.output.shape { x } else { x.pad_zeros(&widths) }
    }

    fn transform(&self, ty: &Type) -> Transform {
        let axes: Vec<isize> = self.axes.iter().map(|&axis| axis as isize).collect();
        let sizes: Vec<usize> = self.axes.iter().map(|&axis| ty.shape[axis]).collect();
        Transform::new().axes(&axes).sizes(&sizes).norm(self.norm)
    }
}

impl LinearOperator for Dft {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        let x = accept_shape(NAME, &self.input, x);
        let x = if x.dtype().is_ok_and(DType::is_complex) { x } else { x.astype(self.input.dtype) };
        x.fftn(&self.transform(&self.output))
    }
}
