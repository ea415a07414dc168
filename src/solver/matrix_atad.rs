//! Systems of a Gram matrix and something easily inverted, solved through a factorisation.

use crate::linop::{Diagonal, LinOp, MatrixOperator, Structure};
use crate::metric::rel_res;
use crate::{Array, DType, Error, ErrorKind, Factor, Result};
use cotangent_ir::prim::linalg::lu::Lu;
use cotangent_ir::prim::linalg::triangular::Op;
use std::borrow::Borrow;

const NAME: &str = "MatrixAtad";

/// The matrix `Aᴴ W A + D`, for an `A` of `n` by `m`, a diagonal `W` of weights and a `D` that is a multiple of the
/// identity, diagonal, or a matrix. [`factor`](MatrixAtad::factor) makes the solver of its systems.
#[derive(Clone, Debug)]
pub struct MatrixAtad {
    a: Array,
    shift: Shift,
    weights: Option<Array>,
    factorization: Factorization,
}

/// What is added to a Gram matrix: a number for that multiple of the identity, a vector for a diagonal matrix, or a matrix.
#[derive(Clone, Debug)]
pub enum Shift {
    /// That multiple of the identity.
    Multiple(Factor),
    /// The diagonal of a matrix (one axis), or a matrix (two axes).
    Array(Array),
}

/// How a matrix is factored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Factorization {
    /// Elimination with partial pivoting.
    #[default]
    Lu,
    /// Half the work, for positive definite matrices only.
    Cholesky,
}

/// Solves `(Aᴴ W A + D) x = b` by factors computed once.
///
/// Where `A` has fewer rows than columns and `D` is diagonal, the matrix that is factored is the smaller
/// `G = I + B D⁻¹ Bᴴ` with `B = W^½ A`, and `x = D⁻¹ (b − Bᴴ G⁻¹ B D⁻¹ b)` (Woodbury, 1950); weights may be zero. Otherwise
/// it is `Aᴴ W A + D` itself.
///
/// ```
/// use cotangent::Array;
/// use cotangent::solver::MatrixAtad;
/// let a = Array::from([[2.0f64, 1.0], [1.0, 3.0], [0.0, 1.0]]);
/// let solver = MatrixAtad::new(a, 2.0).factor()?;
/// let b = Array::from([1.0f64, -1.0]);
/// let x = solver.solve(&b);
/// let (got, want) = (x.to_vec::<f64>()?, [3.0 / 11.0, -2.0 / 11.0]);
/// assert!(got.iter().zip(want).all(|(x, want)| (x - want).abs() < 1e-12));
/// assert!(solver.accuracy(&x, &b).item()? < 1e-12);
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MatrixAtadSolver {
    a: Array,
    /// 1 by n, `None` for weights of one.
    weights: Option<Array>,
    shift: Shape,
    factors: Factors,
    wide: bool,
}

/// `D` as an array: its diagonal as a column, of one or of m elements, or a matrix.
#[derive(Clone, Debug)]
enum Shape {
    Column(Array),
    Matrix(Array),
}

#[derive(Clone, Debug)]
enum Factors {
    Lu(Lu),
    Cholesky(Array),
}

impl From<f64> for Shift {
    fn from(value: f64) -> Shift {
        Shift::Multiple(value.into())
    }
}

impl From<Factor> for Shift {
    fn from(factor: Factor) -> Shift {
        Shift::Multiple(factor)
    }
}

/// By the number of its axes: 0 for a multiple of the identity, 1 for a diagonal, 2 for a matrix.
impl From<Array> for Shift {
    fn from(array: Array) -> Shift {
        match array.ty() {
            Ok(ty) if ty.rank() == 0 => Shift::Multiple(array.into()),
            _ => Shift::Array(array),
        }
    }
}

impl From<&Array> for Shift {
    fn from(array: &Array) -> Shift {
        array.clone().into()
    }
}

impl Shift {
    /// What a square operator on vectors adds: a number or a diagonal where its structure shows that, otherwise its matrix.
    ///
    /// # Errors
    /// An operator that does not take vectors to vectors of the same length.
    pub fn operator(operator: &LinOp) -> Result<Shift> {
        let (input, output) = (operator.input_type(), operator.output_type());
        if input.rank() != 1 || input.shape != output.shape {
            let message = format!("adds an operator from vectors to vectors of the same length, got {operator:?}");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        Ok(match operator.structure() {
            Structure::ScaledIdentity(factor) => Shift::Multiple(factor),
            Structure::Diagonal(diagonal) => Shift::Array(whole(&diagonal)),
            _ => Shift::Array(MatrixOperator::from_operator(operator)?.matrix().clone()),
        })
    }
}

/// The diagonal with all its elements, where some were repeated.
fn whole(diagonal: &Diagonal) -> Array {
    use crate::linop::LinearOperator;
    diagonal.diagonal().broadcast_to(&diagonal.output_type().shape)
}

impl MatrixAtad {
    /// `Aᴴ A + D`.
    pub fn new(a: impl Borrow<Array>, d: impl Into<Shift>) -> MatrixAtad {
        MatrixAtad { a: a.borrow().clone(), shift: d.into(), weights: None, factorization: Factorization::Lu }
    }

    /// `Aᴴ W A + D`, with the diagonal of `W`: real weights that are not negative, one for each row of `A`, or one for all.
    pub fn weights(self, weights: impl Borrow<Array>) -> MatrixAtad {
        MatrixAtad { weights: Some(weights.borrow().clone()), ..self }
    }

    /// Has the matrix factored this way.
    pub fn factorization(self, factorization: Factorization) -> MatrixAtad {
        MatrixAtad { factorization, ..self }
    }

    /// Factors the matrix.
    ///
    /// # Errors
    /// An `A` that is not a matrix of floating-point or complex numbers, a `D` or weights that do not fit it. Where the
    /// arrays are data: infinity or NaN among them, negative weights, a singular matrix; for Cholesky, one that is not positive
    /// definite. While they are traced nobody can see that, and the solutions of such systems are infinite or NaN.
    pub fn factor(&self) -> Result<MatrixAtadSolver> {
        let [rows, columns] = self.check_matrix()?;
        let dtype = self.dtype()?;
        let a = self.a.astype(dtype);
        let weights = self.checked_weights(rows, dtype.real())?;
        let shift = self.checked_shift(columns, dtype)?;
        let (matrix, wide) = match &shift {
            Shape::Column(d) if rows < columns && !has_zero(d) => {
                let b = weighted_root(&a, weights.as_ref());
                (Array::eye(rows, dtype) + b.matmul(&(b.adjoint() / d)), true)
            }
            shift => {
                let weighted = match &weights {
                    Some(weights) => weights.expand_dims(-1) * &a,
                    None => a.clone(),
                };
                let gram = a.adjoint().matmul(&weighted);
                let matrix = match shift {
                    Shape::Column(d) => gram + Array::eye(columns, dtype) * d,
                    Shape::Matrix(d) => gram + d,
                };
                (matrix, false)
            }
        };
        let factors = match self.factorization {
            Factorization::Lu => Factors::Lu(matrix.lu()),
            Factorization::Cholesky => Factors::Cholesky(matrix.cholesky()),
        };
        check_factors(&factors)?;
        Ok(MatrixAtadSolver { a, weights, shift, factors, wide })
    }

    fn check_matrix(&self) -> Result<[usize; 2]> {
        let ty = self.a.ty()?;
        let [rows, columns] = ty.shape[..] else {
            let message = format!("`A` must be a matrix, got {ty}; reshape it to two axes");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        };
        check_finite("`A`", &self.a)?;
        Ok([rows, columns])
    }

    /// The dtype of the system.
    fn dtype(&self) -> Result<DType> {
        let own = self.a.dtype()?;
        if !own.is_inexact() {
            let message =
                format!("`A` must be floating point or complex, got {own}; convert with `astype(DType::F32)`");
            return Err(Error::new(ErrorKind::DType, NAME, message));
        }
        let with_weights = match &self.weights {
            Some(weights) => own.promote(weights.dtype()?),
            None => own,
        };
        Ok(match &self.shift {
            Shift::Multiple(factor) => factor.product_dtype(with_weights),
            Shift::Array(d) => with_weights.promote(d.dtype()?),
        })
    }

    fn checked_weights(&self, rows: usize, dtype: DType) -> Result<Option<Array>> {
        let Some(weights) = &self.weights else { return Ok(None) };
        let ty = weights.ty()?;
        if ty.dtype.is_complex() {
            let message = format!("weights must be real, got {ty}; take `real()` of them");
            return Err(Error::new(ErrorKind::DType, NAME, message));
        }
        if !matches!(ty.shape[..], [] | [1]) && ty.shape[..] != [rows] {
            let message =
                format!("weights must be a vector of {rows}, one for each row of `A`, or one number; got {ty}");
            return Err(Error::new(ErrorKind::Shape, NAME, message));
        }
        check_finite("weights", weights)?;
        if known(&weights.less(0)) {
            let message = "weights must not be negative; the least-squares problem has no minimum otherwise";
            return Err(Error::new(ErrorKind::Argument, NAME, message));
        }
        Ok(Some(weights.astype(dtype).broadcast_to(&[rows])))
    }

    fn checked_shift(&self, columns: usize, dtype: DType) -> Result<Shape> {
        let array = match &self.shift {
            Shift::Multiple(factor) => return Ok(Shape::Column(factor.to_array(dtype).reshape(&[1, 1]))),
            Shift::Array(array) => array,
        };
        let ty = array.ty()?;
        check_finite("`D`", array)?;
        let array = array.astype(dtype);
        match ty.shape[..] {
            [count] if count == columns => Ok(Shape::Column(array.expand_dims(-1))),
            [rows, count] if rows == columns && count == columns => Ok(Shape::Matrix(array)),
            _ => {
                let message = format!(
                    "`D` must be a number, a diagonal of {columns} or a matrix of {columns} by {columns}, got {ty}"
                );
                Err(Error::new(ErrorKind::Shape, NAME, message))
            }
        }
    }
}

impl MatrixAtadSolver {
    /// The solution `x`, for a vector `b`, or for each column of a matrix.
    #[track_caller]
    pub fn solve(&self, b: &Array) -> Array {
        let (b, squeezed) = match self.columns(b) {
            Ok(columns) => columns,
            Err(error) => return Array::from_error(error),
        };
        let x = match &self.shift {
            Shape::Column(d) if self.wide => {
                let root = weighted_root(&self.a, self.weights.as_ref());
                let scaled = &b / d;
                let inner = self.factors.solve(&root.matmul(&scaled));
                scaled - root.adjoint().matmul(&inner) / d
            }
            _ => self.factors.solve(&b),
        };
        if squeezed { x.squeeze(-1) } else { x }
    }

    /// The relative residual of a solution, `‖b − (Aᴴ W A + D) x‖` by the larger of the norms of the two.
    #[track_caller]
    pub fn accuracy(&self, x: &Array, b: &Array) -> Array {
        let (columns, right) = match (self.columns(x), self.columns(b)) {
            (Ok((x, _)), Ok((b, _))) => (x, b),
            (Err(error), _) | (_, Err(error)) => return Array::from_error(error),
        };
        let image = self.a.matmul(&columns);
        let image = match &self.weights {
            Some(weights) => weights.expand_dims(-1) * image,
            None => image,
        };
        let added = match &self.shift {
            Shape::Column(d) => d * &columns,
            Shape::Matrix(d) => d.matmul(&columns),
        };
        rel_res(&(self.a.adjoint().matmul(&image) + added), &right)
    }

    /// An argument as a matrix of columns of the solver's dtype, and whether it was a vector.
    #[track_caller]
    fn columns(&self, b: &Array) -> Result<(Array, bool)> {
        let (ty, own) = (b.ty()?, self.a.ty()?);
        let b = b.astype(own.dtype.promote(ty.dtype));
        match ty.shape[..] {
            [length] if length == own.shape[1] => Ok((b.expand_dims(-1), true)),
            [length, _] if length == own.shape[1] => Ok((b, false)),
            _ => {
                let message =
                    format!("takes vectors of {0} or matrices of {0} rows, got {ty}; reshape it", own.shape[1]);
                Err(Error::new(ErrorKind::Shape, "MatrixAtadSolver", message).at(std::panic::Location::caller()))
            }
        }
    }
}

impl Factors {
    #[track_caller]
    fn solve(&self, b: &Array) -> Array {
        match self {
            Factors::Lu(lu) => lu.solve(b, Op::Plain),
            Factors::Cholesky(l) => l.cholesky_solve(b, true),
        }
    }
}

/// `W^½ A`.
fn weighted_root(a: &Array, weights: Option<&Array>) -> Array {
    match weights {
        Some(weights) => weights.sqrt().expand_dims(-1) * a,
        None => a.clone(),
    }
}

/// Whether any element of an array of bools is known to be true.
fn known(flags: &Array) -> bool {
    flags.to_bools().is_ok_and(|flags| flags.contains(&true))
}

fn has_zero(d: &Array) -> bool {
    known(&d.equal(0))
}

fn check_finite(what: &str, array: &Array) -> Result<()> {
    if known(&array.is_finite().logical_not()) {
        let message = format!("{what} has infinite or NaN elements; there is nothing to solve with them");
        return Err(Error::new(ErrorKind::Argument, NAME, message));
    }
    Ok(())
}

/// Refuses factors of a matrix that is singular, or not positive definite, where that can be seen.
fn check_factors(factors: &Factors) -> Result<()> {
    let message = match factors {
        Factors::Lu(lu) if known(&lu.packed.diagonal(0).equal(0)) => {
            "the matrix `A^H W A + D` is singular; add a multiple of the identity to `D`"
        }
        Factors::Cholesky(l) if known(&l.is_finite().logical_not()) => {
            "the matrix `A^H W A + D` is not positive definite; factor it with `Factorization::Lu`, or add a multiple of \
             the identity to `D`"
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Argument, NAME, message))
}
