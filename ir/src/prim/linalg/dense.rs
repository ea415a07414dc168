//! One matrix of complex numbers, in which the meanings of this family are written down.
//!
//! Algorithms here are the plain ones of textbooks: they compute in double precision, whatever the dtype, and share nothing
//! with the routines that compiled programs call.

use crate::dtype::DType;
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::Type;
use num_complex::Complex;
use std::ops::{Index, IndexMut};

/// An element.
pub(super) type Number = Complex<f64>;

/// A matrix, row-major. A vector is a matrix of one column.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub(super) rows: usize,
    pub(super) columns: usize,
    elements: Vec<Number>,
}

impl Index<(usize, usize)> for Dense {
    type Output = Number;

    fn index(&self, (row, column): (usize, usize)) -> &Number {
        &self.elements[row * self.columns + column]
    }
}

impl IndexMut<(usize, usize)> for Dense {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut Number {
        &mut self.elements[row * self.columns + column]
    }
}

impl Dense {
    /// A matrix of elements computed from row and column.
    pub(super) fn from_fn(rows: usize, columns: usize, element: impl Fn(usize, usize) -> Number) -> Dense {
        let place = |position: usize| element(position / columns, position % columns);
        Dense { rows, columns, elements: (0..rows * columns).map(place).collect() }
    }

    pub(super) fn identity(rows: usize) -> Dense {
        Dense::from_fn(rows, rows, |row, column| if row == column { Number::ONE } else { Number::ZERO })
    }

    /// A matrix of one column.
    pub(super) fn vector(elements: impl IntoIterator<Item = Number>) -> Dense {
        let elements: Vec<Number> = elements.into_iter().collect();
        Dense { rows: elements.len(), columns: 1, elements }
    }

    /// NaN everywhere: what a factorisation that does not exist gives.
    pub(super) fn undefined(rows: usize, columns: usize) -> Dense {
        Dense::from_fn(rows, columns, |_, _| Number::new(f64::NAN, 0.0))
    }

    pub(super) fn transposed(&self) -> Dense {
        Dense::from_fn(self.columns, self.rows, |row, column| self[(column, row)])
    }

    pub(super) fn adjoint(&self) -> Dense {
        Dense::from_fn(self.columns, self.rows, |row, column| self[(column, row)].conj())
    }

    pub(super) fn column(&self, column: usize) -> Vec<Number> {
        (0..self.rows).map(|row| self[(row, column)]).collect()
    }

    pub(super) fn is_finite(&self) -> bool {
        self.elements.iter().all(|element| element.is_finite())
    }

    /// The columns in another order.
    pub(super) fn select_columns(&self, order: &[usize]) -> Dense {
        Dense::from_fn(self.rows, order.len(), |row, column| self[(row, order[column])])
    }

    pub(super) fn exchange_rows(&mut self, first: usize, second: usize) {
        for column in 0..self.columns {
            let kept = self[(first, column)];
            self[(first, column)] = self[(second, column)];
            self[(second, column)] = kept;
        }
    }

    /// Columns `p` and `q` become `cos p - sin q conj(phase)` and `sin p + cos q conj(phase)`.
    pub(super) fn rotate_columns(&mut self, (p, q): (usize, usize), rotation: Rotation) {
        for row in 0..self.rows {
            let (x, y) = (self[(row, p)], self[(row, q)] * rotation.phase.conj());
            self[(row, p)] = x * rotation.cos - y * rotation.sin;
            self[(row, q)] = x * rotation.sin + y * rotation.cos;
        }
    }

    /// The phase by which column `column` is divided so that its first element of considerable size becomes positive. Sizes
    /// are compared with a fraction of the largest that is unlikely to be their ratio, so that rounding does not matter.
    pub(super) fn phase_of_column(&self, column: usize) -> Number {
        let largest = (0..self.rows).map(|row| self[(row, column)].norm()).fold(0.0, f64::max);
        let first = (0..self.rows).map(|row| self[(row, column)]).find(|x| x.norm() > CONSIDERABLE * largest);
        first.map_or(Number::ONE, |x| x / x.norm())
    }

    pub(super) fn scale_column(&mut self, column: usize, by: Number) {
        for row in 0..self.rows {
            self[(row, column)] *= by;
        }
    }
}

/// An element of a vector is of considerable size from this fraction of the largest on.
const CONSIDERABLE: f64 = 0.29;

/// A rotation of two complex coordinates.
#[derive(Clone, Copy)]
pub(super) struct Rotation {
    cos: f64,
    sin: f64,
    phase: Number,
}

impl Rotation {
    /// The rotation that makes the Hermitian matrix `[[a, b], [conj(b), d]]` diagonal, by the smaller angle.
    pub(super) fn diagonalising(a: f64, b: Number, d: f64) -> Rotation {
        let size = b.norm();
        let cotangent = (d - a) / (2.0 * size);
        let tangent = cotangent.signum() / (cotangent.abs() + cotangent.hypot(1.0));
        let cos = 1.0 / tangent.hypot(1.0);
        Rotation { cos, sin: tangent * cos, phase: b / size }
    }
}

/// The sum of `conj(x) y`.
pub(super) fn inner(x: &[Number], y: &[Number]) -> Number {
    x.iter().zip(y).map(|(x, y)| x.conj() * y).sum()
}

/// The Euclidean norm.
pub(super) fn norm(x: &[Number]) -> f64 {
    inner(x, x).re.sqrt()
}

/// Applies `compute` to the matrices at equal places of the batches of the operands. Its results, converted to the dtypes of
/// `types`, are the items of the results.
pub(super) fn each(xs: &[&Tensor], types: &[Type], compute: impl Fn(&[Dense]) -> Vec<Dense>) -> Vec<Tensor> {
    let batch: usize = xs[0].ty().shape[..xs[0].ty().rank() - 2].iter().product();
    let mut results: Vec<Vec<Number>> = vec![Vec::new(); types.len()];
    for item in 0..batch {
        let operands: Vec<Dense> = xs.iter().map(|x| matrix(x, item)).collect();
        for (result, computed) in results.iter_mut().zip(compute(&operands)) {
            result.extend(computed.elements);
        }
    }
    let tensor = |(ty, numbers): (&Type, Vec<Number>)| {
        Tensor::from_fn(ty.clone(), |position| Scalar::complex(DType::C128, numbers[position]))
    };
    types.iter().zip(results).map(tensor).collect()
}

fn matrix(x: &Tensor, item: usize) -> Dense {
    let shape = &x.ty().shape;
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let first = item * rows * columns;
    Dense::from_fn(rows, columns, |row, column| x.get(first + row * columns + column).as_complex())
}
