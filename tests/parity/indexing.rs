//! Python's basic indexing: whole numbers, slices, the ellipsis and new axes.

use cotangent::Array;

/// One entry of an index.
#[derive(Clone, Debug)]
pub(crate) enum Index {
    /// One place along an axis, which the result does not have; from the end where negative.
    At(isize),
    /// Every `step`-th element from `start` to before `stop`.
    Slice { start: Option<isize>, stop: Option<isize>, step: Option<isize> },
    /// As many whole axes as the other entries leave.
    Ellipsis,
    /// An axis of extent 1 that the array does not have.
    NewAxis,
}

/// `x[index]`.
pub(crate) fn indexed(x: &Array, index: &[Index]) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let taken = index.iter().filter(|entry| matches!(entry, Index::At(_) | Index::Slice { .. })).count();
    let rest = shape.len().checked_sub(taken).unwrap_or_else(|| panic!("{index:?} for the shape {shape:?}"));
    let mut result = x.clone();
    let mut axis = 0;
    for entry in index {
        match *entry {
            Index::At(at) => result = result.index_axis(axis, at),
            Index::Slice { start, stop, step } => {
                result = sliced(&result, axis as usize, start, stop, step.unwrap_or(1));
                axis += 1;
            }
            Index::Ellipsis => axis += rest as isize,
            Index::NewAxis => {
                result = result.expand_dims(axis);
                axis += 1;
            }
        }
    }
    result
}

fn sliced(x: &Array, axis: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Array {
    let Ok(shape) = x.shape() else { return x.clone() };
    let extent = shape[axis] as isize;
    let (lowest, highest) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
    let within = |at: isize| (if at < 0 { at + extent } else { at }).clamp(lowest, highest);
    let start = start.map_or(if step > 0 { lowest } else { highest }, within);
    let stop = stop.map_or(if step > 0 { highest } else { lowest }, within);
    let count = ((stop - start) * step.signum()).max(0).unsigned_abs().div_ceil(step.unsigned_abs());
    // In increasing order, then turned round where the step is negative.
    let first = if step > 0 || count == 0 { start.max(0) } else { start + (count as isize - 1) * step } as usize;
    let (mut from, mut to, mut by) = (vec![0; shape.len()], shape.to_vec(), vec![1; shape.len()]);
    from[axis] = first;
    to[axis] = if count == 0 { first } else { first + (count - 1) * step.unsigned_abs() + 1 };
    by[axis] = step.unsigned_abs();
    let taken = x.slice_strided(&from, &to, &by);
    if step < 0 { taken.flip(&[axis as isize]) } else { taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(start: Option<isize>, stop: Option<isize>, step: Option<isize>) -> Index {
        Index::Slice { start, stop, step }
    }

    #[track_caller]
    fn check(index: &[Index], shape: &[usize], want: &[i32]) {
        let result = indexed(&Array::new(&[2, 3], &[0, 1, 2, 3, 4, 5]), index);
        assert_eq!(result.shape().unwrap()[..], *shape);
        assert_eq!(result.to_vec::<i32>().unwrap(), want);
    }

    #[test]
    fn entries_take_one_axis_each() {
        check(&[Index::At(-1)], &[3], &[3, 4, 5]);
        check(&[Index::Ellipsis, Index::At(1)], &[2], &[1, 4]);
        check(&[Index::At(0), Index::NewAxis, slice(Some(1), None, None)], &[1, 2], &[1, 2]);
        check(&[], &[2, 3], &[0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn slices_are_those_of_python() {
        check(&[Index::At(0), slice(None, None, Some(-1))], &[3], &[2, 1, 0]);
        check(&[Index::At(0), slice(None, None, Some(-2))], &[2], &[2, 0]);
        check(&[Index::At(0), slice(Some(-2), Some(9), None)], &[2], &[1, 2]);
        check(&[Index::At(0), slice(Some(2), Some(0), Some(-1))], &[2], &[2, 1]);
        check(&[Index::At(0), slice(Some(2), Some(1), None)], &[0], &[]);
        check(&[Index::At(0), slice(None, None, Some(2))], &[2], &[0, 2]);
    }
}
