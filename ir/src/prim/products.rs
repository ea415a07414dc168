//! Products of arrays that are contractions in other words: over chosen axes, of all pairs, of vectors in space.

use super::axes::{self, attempt};
use crate::array::{Array, fail};
use crate::error::ErrorKind;
use crate::operand::common_shape;
use crate::types::Dims;

impl Array {
    /// Sums of products over axes of both arrays, `axes.0` of this one and `axes.1` of the other, pairwise. The result has the
    /// other axes of this array, then those of the other.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.tensordot(&x, (&[0, 1], &[1, 0])).item().unwrap(), 29.0);
    /// ```
    #[track_caller]
    pub fn tensordot(&self, other: &Array, axes: (&[isize], &[isize])) -> Array {
        let (lhs, rhs) = (attempt!(self.shape()), attempt!(other.shape()));
        let left = attempt!(axes::axes("tensordot", axes.0, lhs.len()));
        let right = attempt!(axes::axes("tensordot", axes.1, rhs.len()));
        self.dot_general(other, (&left, &right), (&[], &[]))
    }

    /// Sums of products over the last axes of both arrays; with a scalar, the product.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.inner(&Array::from([1.0f32, 1.0])).to_vec::<f32>().unwrap(), [3.0, 7.0]);
    /// ```
    #[track_caller]
    pub fn inner(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.shape()), attempt!(other.shape()));
        if lhs.is_empty() || rhs.is_empty() {
            return self * other;
        }
        self.dot_general(other, (&[lhs.len() - 1], &[rhs.len() - 1]), (&[], &[]))
    }

    /// Products of all pairs of elements: of arrays seen as vectors, a matrix with a row for each element of this one.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1, 2]).outer(&Array::from([3, 4]));
    /// assert_eq!(x.to_vec::<i32>().unwrap(), [3, 4, 6, 8]);
    /// ```
    #[track_caller]
    pub fn outer(&self, other: &Array) -> Array {
        self.flatten().expand_dims(1) * other.flatten().expand_dims(0)
    }

    /// The Kronecker product: every element of this array times the whole other one, in blocks. An array of lower rank gets
    /// leading axes of extent 1.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1, 10]).kron(&Array::from([1, 2]));
    /// assert_eq!(x.to_vec::<i32>().unwrap(), [1, 2, 10, 20]);
    /// ```
    #[track_caller]
    pub fn kron(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.shape()), attempt!(other.shape()));
        let rank = lhs.len().max(rhs.len());
        let padded = |shape: &Dims| -> Dims {
            std::iter::repeat_n(1, rank - shape.len()).chain(shape.iter().copied()).collect()
        };
        let (lhs, rhs) = (padded(&lhs), padded(&rhs));
        let before: Dims = lhs.iter().flat_map(|&extent| [extent, 1]).collect();
        let behind: Dims = rhs.iter().flat_map(|&extent| [1, extent]).collect();
        let joined: Dims = lhs.iter().zip(&rhs).map(|(a, b)| a * b).collect();
        (self.reshape(&before) * other.reshape(&behind)).reshape(&joined)
    }

    /// The cross product of vectors in space, over the last axes of extent 3. Leading axes broadcast.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1, 0, 0]).cross(&Array::from([0, 1, 0]));
    /// assert_eq!(x.to_vec::<i32>().unwrap(), [0, 0, 1]);
    /// ```
    #[track_caller]
    pub fn cross(&self, other: &Array) -> Array {
        let (lhs, rhs) = (attempt!(self.ty()), attempt!(other.ty()));
        if lhs.shape.last() != Some(&3) || rhs.shape.last() != Some(&3) {
            let message = format!("takes vectors of 3 elements along the last axis, got {lhs} and {rhs}");
            return fail(ErrorKind::Shape, "cross", message);
        }
        attempt!(common_shape("cross", &[lhs, rhs]));
        // The components that follow each, in the cycle of three.
        let turned = |x: &Array| x.roll(-1, -1);
        turned(&(self * turned(other) - turned(self) * other))
    }
}

/// The product of several matrices, in the order of multiplication that needs the fewest operations. The first and the last
/// may be vectors.
///
/// ```
/// use cotangent_ir::{Array, multi_dot};
/// let (a, b) = (Array::from([[1.0f32, 2.0]]), Array::from([[3.0f32], [4.0]]));
/// assert_eq!(multi_dot(&[a.clone(), b, a]).to_vec::<f32>().unwrap(), [11.0, 22.0]);
/// ```
#[track_caller]
pub fn multi_dot(matrices: &[Array]) -> Array {
    let count = matrices.len();
    let mut extents: Vec<(usize, usize)> = Vec::new();
    for (position, matrix) in matrices.iter().enumerate() {
        let ty = attempt!(matrix.ty());
        extents.push(match ty.shape[..] {
            [rows, columns] => (rows, columns),
            [extent] if position == 0 && count > 1 => (1, extent),
            [extent] if position + 1 == count => (extent, 1),
            _ => {
                let message = format!("takes matrices, and vectors at both ends, got {ty} at position {position}");
                return fail(ErrorKind::Shape, "multi_dot", message);
            }
        });
    }
    if count == 0 {
        return fail(ErrorKind::Argument, "multi_dot", "no matrices were given; pass at least one");
    }
    // The least number of multiplications for the product of a range of matrices, and where it is split last.
    let mut least = vec![vec![(0u128, 0usize); count]; count];
    for length in 1..count {
        for first in 0..count - length {
            let last = first + length;
            let cost = |split: usize| {
                let multiplications = [extents[first].0, extents[split].1, extents[last].1];
                let own: u128 = multiplications.iter().map(|&extent| extent as u128).product();
                (least[first][split].0 + least[split + 1][last].0 + own, split)
            };
            least[first][last] = (first..last).map(cost).min().unwrap_or_default();
        }
    }
    multiply_range(matrices, &least, 0, count - 1)
}

#[track_caller]
fn multiply_range(matrices: &[Array], least: &[Vec<(u128, usize)>], first: usize, last: usize) -> Array {
    if first == last {
        return matrices[first].clone();
    }
    let split = least[first][last].1;
    multiply_range(matrices, least, first, split).matmul(&multiply_range(matrices, least, split + 1, last))
}
