//! What a limited-memory method remembers of its last steps.

use crate::{Array, DType, impl_tree, while_loop};

/// The last steps and the changes of the gradient along them, oldest overwritten first.
#[derive(Clone)]
pub(super) struct Memory {
    /// A step a row.
    steps: Array,
    /// The change of the gradient a row.
    changes: Array,
    /// How many pairs were stored, i32.
    stored: Array,
}
impl_tree!(Memory { steps, changes, stored });

impl Memory {
    /// Room for `pairs` pairs of vectors of `length`.
    pub(super) fn new(pairs: usize, length: usize, dtype: DType) -> Memory {
        let rows = Array::zeros(&[pairs, length], dtype);
        Memory { steps: rows.clone(), changes: rows, stored: Array::from(0i32) }
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> Array {
        self.stored.equal(0)
    }

    fn rows(&self) -> i32 {
        self.steps.shape().map_or(1, |shape| shape[0] as i32)
    }

    /// With another pair where a flag is set.
    pub(super) fn push(&self, step: &Array, change: &Array, flag: &Array) -> Memory {
        let row = self.stored.rem(self.rows());
        let put = |rows: &Array, new: &Array| {
            let new = flag.select(new, take(rows, &row));
            rows.dynamic_update_slice(&new.expand_dims(0), &[row.clone(), Array::from(0i32)])
        };
        Memory {
            steps: put(&self.steps, step),
            changes: put(&self.changes, change),
            stored: &self.stored + flag.astype(DType::I32),
        }
    }

    /// Without anything remembered where a flag is set.
    pub(super) fn forget(&self, flag: &Array) -> Memory {
        Memory { stored: flag.select(0, &self.stored), ..self.clone() }
    }

    /// The product of the inverse Hessian as remembered with `g` (the two loops of Nocedal, Updating quasi-Newton matrices
    /// with limited storage, 1980), on the coordinates where `mask` is one; `g` is zero on the others. A pair without
    /// curvature on these is passed over.
    pub(super) fn apply(&self, g: &Array, mask: Option<&Array>) -> Array {
        let rows = self.rows();
        let count = self.stored.minimum(rows);
        let dtype = match g.dtype() {
            Ok(dtype) => dtype,
            Err(_) => return g.clone(),
        };
        // The pair that was stored `age` before the last, its curvature and the square of the change.
        let pair = |age: &Array| {
            let row = (&self.stored - 1i32 - age).rem(rows);
            let masked = |x: Array| match mask {
                Some(mask) => x * mask,
                None => x,
            };
            let (step, change) = (masked(take(&self.steps, &row)), masked(take(&self.changes, &row)));
            let (curvature, square) = (step.dot(&change), change.dot(&change));
            let usable = curvature.greater(f64::EPSILON * &square);
            (step, change, curvature, square, usable)
        };
        let newest = Newest {
            age: Array::from(0i32),
            q: g.clone(),
            weights: Array::zeros(&[rows as usize], dtype),
            scale: Array::ones(&[], dtype),
            scaled: Array::from(false),
        };
        let from_newest = while_loop(
            |state: Newest| state.age.less(&count),
            |Newest { age, q, weights, scale, scaled }| {
                let (step, change, curvature, square, usable) = pair(&age);
                let weight = usable.select(step.dot(&q) / usable.select(&curvature, 1.0), 0.0);
                // Where the weight is zero for want of curvature, nothing changes.
                let q = q - &weight * change;
                let first = scaled.logical_not() & &usable;
                Newest {
                    q,
                    weights: weights.dynamic_update_slice(&weight.expand_dims(0), &[age.clone()]),
                    scale: first.select(curvature / usable.select(square, 1.0), scale),
                    scaled: scaled | usable,
                    age: age + 1i32,
                }
            },
            newest,
        );
        let weights = from_newest.weights;
        let (_, product) = while_loop(
            |(age, _): (Array, Array)| age.greater_equal(0),
            |(age, r)| {
                let (step, change, curvature, _, usable) = pair(&age);
                let weight = weights.dynamic_slice(&[age.clone()], &[1]).reshape(&[]);
                let own = change.dot(&r) / usable.select(&curvature, 1.0);
                (age - 1i32, r + usable.select(weight - own, 0.0) * step)
            },
            (count.clone() - 1i32, from_newest.scale * from_newest.q),
        );
        product
    }
}

/// The state of the loop from the newest pair to the oldest.
#[derive(Clone)]
struct Newest {
    age: Array,
    q: Array,
    /// What of each pair was subtracted, by age.
    weights: Array,
    /// The curvature along the newest usable pair, by which the inverse Hessian is scaled.
    scale: Array,
    scaled: Array,
}
impl_tree!(Newest { age, q, weights, scale, scaled });

/// A row of a matrix.
fn take(rows: &Array, row: &Array) -> Array {
    let Ok(shape) = rows.shape() else { return rows.clone() };
    rows.dynamic_slice(&[row.clone(), Array::from(0i32)], &[1, shape[1]]).reshape(&[shape[1]])
}
