//! Systems of a sum of circular convolutions, solved in the Fourier domain.

use crate::linop::{CircularConvolve, LinOp, LinearOperator, Structure};
use crate::metric::rel_res;
use crate::{Array, Error, ErrorKind, Result};

const NAME: &str = "ConvAtadSolver";

/// Solves `(Aᴴ A + D) x = b` where `A x = Σ_k h_k ⊛ x_k` sums circular convolutions along one axis, and `D` is a circular
/// convolution.
///
/// At each frequency the matrix is a diagonal one and one of rank one, so that with `⊕` for the sum along the axis
/// (Wohlberg, 2014, equations 18 to 20)
///
/// ```text
/// x̂ = (b̂ − conj(Â) / E · ⊕(Â b̂ / D̂)) / D̂,   E = 1 + ⊕(|Â|² / D̂).
/// ```
///
/// ```
/// use cotangent::linop::{CircularConvolve, Filter, LinOp, Sum};
/// use cotangent::solver::ConvAtadSolver;
/// use cotangent::{Array, DType, Type};
/// let maps = Type::new(DType::F32, &[2, 6]);
/// let filters = Array::from([[1.0f32, 2.0, 3.0], [-1.0, 0.0, 1.0]]);
/// let convolve = LinOp::from(CircularConvolve::new(Filter::new(filters).axes(1), maps.clone())?);
/// let a = LinOp::from(Sum::along(maps.clone(), &[0])?) * convolve;
/// let d = CircularConvolve::new(Filter::new(Array::from([[1.5f32]])).axes(1), maps)?;
/// let solver = ConvAtadSolver::new(&a, &d.into())?;
/// let b = Array::from([[1.0f32, 0.0, 2.0, 0.0, -1.0, 0.0], [0.0, 3.0, 0.0, 0.0, 0.0, 1.0]]);
/// assert!(solver.accuracy(&solver.solve(&b), &b).item()? < 1e-6);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvAtadSolver {
    a: LinOp,
    d: CircularConvolve,
    filters: Array,
    /// `conj(Â) / E`.
    coupling: Array,
    /// `1 / D̂`.
    inverse: Array,
    axis: isize,
}

impl ConvAtadSolver {
    /// The solver for an `a` that is a [`Sum`](crate::linop::Sum) along one axis of a [`CircularConvolve`], composed, and a
    /// `d` that is a [`CircularConvolve`].
    ///
    /// # Errors
    /// Operators of another kind, or of other types; a sum along a convolved axis.
    pub fn new(a: &LinOp, d: &LinOp) -> Result<ConvAtadSolver> {
        let Structure::SummedConvolution(convolution, axis) = a.structure() else {
            let message = format!(
                "`A` must be a sum along one axis of circular convolutions, `sum * convolve`, got {a:?}; use \
                 `conjugate_gradient` for other operators"
            );
            return Err(refused(ErrorKind::Argument, message));
        };
        let Structure::CircularConvolve(d) = d.structure() else {
            let message =
                format!("`D` must be a circular convolution, got {d:?}; see `CircularConvolve::from_operator`");
            return Err(refused(ErrorKind::Argument, message));
        };
        let ty = convolution.input_type();
        if convolution.output_type() != ty || d.input_type() != ty || d.output_type() != ty {
            let message = format!(
                "the convolutions must map {ty} to itself, got {:?} and {:?}",
                LinOp::from(convolution.clone()),
                LinOp::from(d.clone())
            );
            return Err(refused(ErrorKind::Shape, message));
        }
        if convolution.convolved_axes() != d.convolved_axes() || axis + d.convolved_axes() >= ty.rank() {
            let message = format!(
                "of {ty}, `A` convolves the last {} axes and sums axis {axis}, `D` convolves the last {}; both must \
                 convolve the same axes, and the sum must be along another",
                convolution.convolved_axes(),
                d.convolved_axes()
            );
            return Err(refused(ErrorKind::Argument, message));
        }
        let axis = axis as isize;
        // A filter given once for all maps has to be summed as often as there are maps.
        let filters = convolution.spectrum().broadcast_to(&convolution.half(&ty.shape));
        let inverse = 1.0 / d.spectrum();
        let energy = 1.0 + (filters.abs2() * &inverse).keep_axes().sum_axes(&[axis]);
        let coupling = filters.conj() / energy;
        coupling.ty()?;
        Ok(ConvAtadSolver { a: a.clone(), d, filters, coupling, inverse, axis })
    }

    /// The solution `x`.
    #[track_caller]
    pub fn solve(&self, b: &Array) -> Array {
        let b = crate::linop::accept_shape(NAME, &self.d.input_type(), b);
        let b = self.d.forward(&b);
        let summed = (&self.filters * &b * &self.inverse).keep_axes().sum_axes(&[self.axis]);
        self.d.inverse(&((b - &self.coupling * summed) * &self.inverse))
    }

    /// The relative residual of a solution, `‖b − (Aᴴ A + D) x‖` by the larger of the norms of the two.
    #[track_caller]
    pub fn accuracy(&self, x: &Array, b: &Array) -> Array {
        rel_res(&(self.a.gram(x) + self.d.apply(x)), b)
    }
}

fn refused(kind: ErrorKind, message: String) -> Error {
    Error::new(kind, NAME, message)
}
