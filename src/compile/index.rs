//! Index arithmetic of lowering: where, in terms of a kernel's loop indices, an element is wanted.
//!
//! An [`Affine`] is `offset + sum coefficient * loop index + sum coefficient * dynamic scalar`, kept in a canonical
//! order so that equal positions compare equal. An [`IndexMap`] has one per axis of an array value.

use cotangent_ir::kernel::NodeId;
use smallvec::SmallVec;

/// An index, affine in the loop indices of a kernel.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Affine {
    pub(crate) offset: i64,
    /// Loop axis and its coefficient, by axis, no zero coefficients.
    pub(crate) terms: SmallVec<[(usize, i64); 2]>,
    /// Loop-invariant node and its coefficient, by node, no zero coefficients.
    pub(crate) dynamic: SmallVec<[(NodeId, i64); 1]>,
}

/// An index per axis of a value.
pub(crate) type IndexMap = SmallVec<[Affine; 4]>;

impl Affine {
    pub(crate) fn constant(offset: i64) -> Affine {
        Affine { offset, ..Affine::default() }
    }

    pub(crate) fn axis(axis: usize) -> Affine {
        Affine { terms: SmallVec::from_slice(&[(axis, 1)]), ..Affine::default() }
    }

    pub(crate) fn dynamic(node: NodeId) -> Affine {
        Affine { dynamic: SmallVec::from_slice(&[(node, 1)]), ..Affine::default() }
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.terms.is_empty() && self.dynamic.is_empty()
    }

    pub(crate) fn add(&self, other: &Affine) -> Affine {
        Affine {
            offset: self.offset + other.offset,
            terms: merge(&self.terms, &other.terms),
            dynamic: merge(&self.dynamic, &other.dynamic),
        }
    }

    pub(crate) fn scale(&self, factor: i64) -> Affine {
        if factor == 0 {
            return Affine::default();
        }
        Affine {
            offset: self.offset * factor,
            terms: self.terms.iter().map(|&(axis, c)| (axis, c * factor)).collect(),
            dynamic: self.dynamic.iter().map(|&(node, c)| (node, c * factor)).collect(),
        }
    }

    pub(crate) fn shift(&self, by: i64) -> Affine {
        Affine { offset: self.offset + by, ..self.clone() }
    }

    /// Exact division, where every part divides.
    pub(crate) fn divide(&self, by: i64) -> Option<Affine> {
        let whole = |c: i64| (c % by == 0).then_some(c / by);
        let terms = self.terms.iter().map(|&(axis, c)| Some((axis, whole(c)?))).collect::<Option<_>>()?;
        let dynamic = self.dynamic.iter().map(|&(node, c)| Some((node, whole(c)?))).collect::<Option<_>>()?;
        Some(Affine { offset: whole(self.offset)?, terms, dynamic })
    }

    /// Least and greatest value over a box, where no dynamic part makes that unknown.
    pub(crate) fn range(&self, extents: &[usize]) -> Option<(i64, i64)> {
        if !self.dynamic.is_empty() {
            return None;
        }
        let (mut low, mut high) = (self.offset, self.offset);
        for &(axis, c) in &self.terms {
            let reach = c * (extents[axis] as i64 - 1).max(0);
            low += reach.min(0);
            high += reach.max(0);
        }
        Some((low, high))
    }

    /// Quotient and remainder by `by`, where they are affine over the box: the parts not divisible by `by`, with the
    /// offset's remainder, must stay within [0, by).
    pub(crate) fn split(&self, by: i64, extents: &[usize]) -> Option<(Affine, Affine)> {
        let (mut quotient, mut remainder) =
            (Affine::constant(self.offset.div_euclid(by)), Affine::constant(self.offset.rem_euclid(by)));
        for &(axis, c) in &self.terms {
            if c % by == 0 {
                quotient.terms.push((axis, c / by));
            } else {
                remainder.terms.push((axis, c));
            }
        }
        for &(node, c) in &self.dynamic {
            if c % by != 0 {
                return None;
            }
            quotient.dynamic.push((node, c / by));
        }
        let (low, high) = remainder.range(extents)?;
        (low >= 0 && high < by).then_some((quotient, remainder))
    }

    /// The loop range of the single axis on which `low <= self < high`, clipped to the box: (axis, first, end). `None`
    /// where more than one loop index or a dynamic part is involved.
    pub(crate) fn solve(&self, low: i64, high: i64, extents: &[usize]) -> Option<(usize, usize, usize)> {
        let [(axis, c)] = self.terms[..] else { return None };
        if !self.dynamic.is_empty() {
            return None;
        }
        let extent = extents[axis] as i64;
        // low <= offset + c i < high, for c of either sign.
        let (first, end) = if c > 0 {
            (div_ceil(low - self.offset, c), div_ceil(high - self.offset, c))
        } else {
            (div_ceil(self.offset - high + 1, -c), div_ceil(self.offset - low + 1, -c))
        };
        let (first, end) = (first.clamp(0, extent), end.clamp(0, extent));
        Some((axis, first as usize, end.max(first) as usize))
    }
}

/// The least integer not below a / b, for positive b.
pub(crate) fn div_ceil(a: i64, b: i64) -> i64 {
    -((-a).div_euclid(b))
}

fn merge<K: Copy + Ord, const N: usize>(
    a: &SmallVec<[(K, i64); N]>,
    b: &SmallVec<[(K, i64); N]>,
) -> SmallVec<[(K, i64); N]>
where
    [(K, i64); N]: smallvec::Array<Item = (K, i64)>,
{
    let mut merged = a.clone();
    for &(key, c) in b {
        match merged.iter_mut().find(|(k, _)| *k == key) {
            Some((_, sum)) => *sum += c,
            None => merged.push((key, c)),
        }
    }
    merged.retain(|(_, c)| *c != 0);
    merged.sort_unstable_by_key(|&(key, _)| key);
    merged
}

/// The row-major position of an index.
pub(crate) fn linear(map: &[Affine], strides: &[i64]) -> Affine {
    map.iter().zip(strides).fold(Affine::default(), |sum, (index, &stride)| sum.add(&index.scale(stride)))
}

/// The index in an array of shape `operand` of the element that stands at `map` in its reshape of shape `result`.
/// `None` where that is not affine.
pub(crate) fn through_reshape(
    map: &[Affine],
    result: &[usize],
    operand: &[usize],
    extents: &[usize],
) -> Option<IndexMap> {
    // Unit axes carry no position, on either side.
    let long = |shape: &[usize]| (0..shape.len()).filter(|&axis| shape[axis] != 1).collect::<SmallVec<[usize; 4]>>();
    let (from, to) = (long(result), long(operand));
    let mut indices: IndexMap = SmallVec::from_elem(Affine::default(), operand.len());
    let (mut r, mut o) = (0, 0);
    while o < to.len() {
        // The shortest runs of axes with equal products correspond.
        let (r0, o0) = (r, o);
        let (mut result_len, mut operand_len) = (0, 0);
        while result_len != operand_len || result_len == 0 {
            if result_len <= operand_len {
                result_len = result_len.max(1) * result[*from.get(r)?];
                r += 1;
            } else {
                operand_len = operand_len.max(1) * operand[*to.get(o)?];
                o += 1;
            }
        }
        let run: SmallVec<[usize; 4]> = from[r0..r].iter().map(|&axis| result[axis]).collect();
        let run_map: IndexMap = from[r0..r].iter().map(|&axis| map[axis].clone()).collect();
        // Within a run the position is flattened, and taken apart again from the innermost axis outwards.
        let mut position = linear(&run_map, &cotangent_ir::row_major_strides(&run));
        for &axis in to[o0 + 1..o].iter().rev() {
            let (quotient, remainder) = position.split(operand[axis] as i64, extents)?;
            indices[axis] = remainder;
            position = quotient;
        }
        indices[to[o0]] = position;
    }
    Some(indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reshape_that_splits_an_axis_is_affine() {
        // result [4, 6] of operand [24]: position 6 i + j.
        let map = [Affine::axis(0), Affine::axis(1)];
        let indices = through_reshape(&map, &[4, 6], &[24], &[4, 6]).unwrap();
        assert_eq!(indices.len(), 1);
        assert_eq!(indices[0].terms[..], [(0, 6), (1, 1)]);
    }

    #[test]
    fn a_reshape_that_merges_axes_is_affine_only_when_the_loops_keep_them_apart() {
        assert!(through_reshape(&[Affine::axis(0)], &[24], &[4, 6], &[24]).is_none());
        let position = [Affine::axis(0).scale(6).add(&Affine::axis(1))];
        let indices = through_reshape(&position, &[24], &[4, 6], &[4, 6]).unwrap();
        assert_eq!(indices[..], [Affine::axis(0), Affine::axis(1)]);
    }

    #[test]
    fn unit_axes_come_and_go() {
        let map = [Affine::axis(0), Affine::constant(0), Affine::axis(1)];
        let indices = through_reshape(&map, &[4, 1, 6], &[1, 4, 6], &[4, 6]).unwrap();
        assert_eq!(indices[..], [Affine::constant(0), Affine::axis(0), Affine::axis(1)]);
    }

    #[test]
    fn guards_solve_for_steps_of_either_sign() {
        // 0 <= 5 - 2 i < 4 for i in 0..10: i = 1, 2.
        let index = Affine { offset: 5, ..Affine::axis(0).scale(-2) };
        assert_eq!(index.solve(0, 4, &[10]), Some((0, 1, 3)));
        assert_eq!(Affine::axis(0).shift(-1).solve(0, 9, &[10]), Some((0, 1, 10)));
    }
}
