//! Operators that only rearrange elements: permutations of axes and changes of shape. They are orthogonal.

use super::{LinearOperator, accept_shape, accept_type};
use crate::{Array, Error, ErrorKind, Result, Type};

/// `x ↦ x` with its axes in another order. The adjoint permutes them back.
///
/// ```
/// use cotangent::linop::{LinearOperator, Transpose};
/// use cotangent::{DType, Type};
/// let t = Transpose::along(Type::new(DType::F32, &[3, 4, 5]), &[2, 0, 1])?;
/// assert_eq!(t.output_type().shape[..], [5, 3, 4]);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transpose {
    input: Type,
    output: Type,
    /// For each axis of the output, the axis of the input it is.
    axes: Vec<usize>,
}

/// `x ↦ x` in another shape with as many elements, in row-major order. The adjoint shapes them back.
///
/// ```
/// use cotangent::linop::{LinearOperator, Reshape};
/// use cotangent::{DType, Type};
/// let ty = Type::new(DType::F32, &[4, 5]);
/// assert_eq!(Reshape::new(ty.clone(), &[2, 10])?.output_type().shape[..], [2, 10]);
/// assert!(Reshape::new(ty, &[3, 7]).unwrap_err().message().contains("20 elements"));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reshape {
    input: Type,
    output: Type,
}

impl Transpose {
    /// The axes in reverse order.
    ///
    /// # Errors
    /// None of its own; see [`Transpose::along`].
    pub fn new(input: Type) -> Result<Transpose> {
        let axes: Vec<usize> = (0..input.rank()).rev().collect();
        Transpose::along(input, &axes)
    }

    /// The axes in the order given: axis `k` of the output is axis `axes[k]` of the input.
    ///
    /// # Errors
    /// Axes that are not a permutation of those of the input.
    pub fn along(input: Type, axes: &[usize]) -> Result<Transpose> {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..input.rank()) {
            let message = format!("axes {axes:?} do not permute those of {input}; name each of its axes once");
            return Err(Error::new(ErrorKind::Argument, "Transpose", message));
        }
        let shape: Vec<usize> = axes.iter().map(|&axis| input.shape[axis]).collect();
        Ok(Transpose { output: input.with_shape(&shape), input, axes: axes.to_vec() })
    }
}

impl LinearOperator for Transpose {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        accept_shape("Transpose", &self.input, x).permute(&self.axes)
    }

    /// Written out: it is one permutation.
    fn adjoint(&self, y: &Array) -> Array {
        let mut back = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
        accept_type("Transpose", &self.output, y).permute(&back)
    }
}

impl Reshape {
    /// Arrays of type `input` in another shape.
    ///
    /// # Errors
    /// A shape of another number of elements.
    pub fn new(input: Type, shape: &[usize]) -> Result<Reshape> {
        let output = input.with_shape(shape);
        if output.len() != input.len() {
            let message = format!(
                "{input} has {} elements and shape {shape:?} {}; both must have as many",
                input.len(),
                output.len()
            );
            return Err(Error::new(ErrorKind::Shape, "Reshape", message));
        }
        Ok(Reshape { input, output })
    }
}

impl LinearOperator for Reshape {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, x: &Array) -> Array {
        accept_shape("Reshape", &self.input, x).reshape(&self.output.shape)
    }

    /// Written out: it is one change of shape.
    fn adjoint(&self, y: &Array) -> Array {
        accept_type("Reshape", &self.output, y).reshape(&self.input.shape)
    }
}
