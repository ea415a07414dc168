//! Sorting along an axis, and what follows from it: permutations, largest elements, places in a sorted array, quantiles.
//!
//! The order is total: NaN comes last, all NaN being equal, as are both zeros; complex numbers are ordered by their real
//! parts, then by their imaginary parts. Sorting is stable.

use super::axes::{self, attempt};
use super::gather::{OutOfRange, rows_or};
use super::{Arity, Batch, Case, Domain, Eval, Jvp, Lower, Prim, Routine, Transpose, Types, WithTangents, refuse};
use crate::array::{Array, apply_many, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::eager::concrete;
use crate::error::{ErrorKind, Result};
use crate::operand::{IntoOperand, Term};
use crate::scalar::{Number, Scalar};
use crate::tensor::Tensor;
use crate::types::Type;
use std::cmp::Ordering;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&SORT];

/// Arrays sorted together.
pub static SORT: Prim = Prim {
    name: "sort",
    doc: "The operands, of one shape, sorted together along the last axis by the first `keys` of them, the first key \
          deciding first. Elements whose keys are equal stay in order.",
    arity: Arity::AtLeast(1),
    attrs: &[("keys", AttrKind::Int)],
    domain: Domain::Cases(|| {
        let case = |dtypes: &[DType], shape: &[usize], keys| {
            Case::new(dtypes.iter().map(|&dtype| Type::new(dtype, shape)), keys_attrs(keys))
        };
        vec![
            case(&[DType::F64], &[6], 1),
            case(&[DType::F32], &[2, 5], 1),
            case(&[DType::I32, DType::F64], &[7], 1),
            case(&[DType::I8, DType::I32, DType::F64, DType::F64], &[2, 3, 5], 2),
            case(&[DType::C128], &[4], 1),
            case(&[DType::Bool, DType::F64], &[2, 4], 1),
            case(&[DType::F64, DType::U64], &[0], 1),
        ]
    }),
    infer: infer_sort,
    eval: Eval::Tensors(|xs, attrs, types| {
        let extent = types[0].shape[types[0].rank() - 1];
        let mut results: Vec<Tensor> = xs.iter().map(|&x| x.clone()).collect();
        for row in 0..types[0].len().checked_div(extent).unwrap_or(0) {
            let mut order: Vec<usize> = (row * extent..(row + 1) * extent).collect();
            order.sort_by(|&a, &b| {
                let keys = xs[..attrs.size("keys")].iter();
                keys.map(|key| total_order(key.get(a), key.get(b)))
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            });
            for (result, x) in results.iter_mut().zip(xs) {
                order.iter().enumerate().for_each(|(place, &from)| result.set(row * extent + place, x.get(from)));
            }
        }
        results
    }),
    jvp: Jvp::Whole(jvp_sort),
    transpose: Transpose::NotLinear,
    batch: Batch::Rule(|args| {
        let operands: Vec<Array> = (0..args.xs.len()).map(|i| args.with_batch(i)).collect();
        sorted(&operands, args.attrs.size("keys")).into_iter().map(|array| (array, true)).collect()
    }),
    lower: Lower::Library(Routine::Items { operands: &[1], results: &[1] }),
};

impl Array {
    /// The elements in ascending order along an axis, NaN last.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([3.0f32, f32::NAN, 1.0]).sort(0);
    /// assert_eq!(x.to_vec::<f32>().unwrap()[..2], [1.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: isize) -> Array {
        let mut sorted = sort_together(std::slice::from_ref(self), 1, axis);
        sorted.swap_remove(0)
    }

    /// The indices that sort an axis: `x.take_along_axis(&x.argsort(axis), axis)` is `x.sort(axis)`. Equal elements stay
    /// in order.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([30, 10, 20]).argsort(0).to_vec::<i32>().unwrap(), [1, 2, 0]);
    /// ```
    #[track_caller]
    pub fn argsort(&self, axis: isize) -> Array {
        let shape = attempt!(self.shape());
        let at = attempt!(axes::axis("argsort", axis, shape.len()));
        let indices = Array::iota(&shape, at as isize, DType::I32);
        sort_together(&[self.clone(), indices], 1, axis).swap_remove(1)
    }

    /// The `count` greatest elements along the last axis in descending order, and their indices. NaN counts as greatest;
    /// of equal elements the first come first.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let (values, indices) = Array::from([2, 5, 3, 5]).top_k(2);
    /// assert_eq!(values.to_vec::<i32>().unwrap(), [5, 5]);
    /// assert_eq!(indices.to_vec::<i32>().unwrap(), [1, 3]);
    /// ```
    #[track_caller]
    pub fn top_k(&self, count: usize) -> (Array, Array) {
        match self.greatest(count) {
            Ok(both) => both,
            Err(error) => {
                let error = axes::failed(error);
                (error.clone(), error)
            }
        }
    }

    #[track_caller]
    fn greatest(&self, count: usize) -> Result<(Array, Array)> {
        let shape = self.shape()?;
        let last = axes::axis("top_k", -1, shape.len())?;
        if count > shape[last] {
            let message = format!("{count} elements are asked for, an axis of {shape:?} has {}", shape[last]);
            return refuse(ErrorKind::Argument, "top_k", message);
        }
        // Equal elements stay in order, so that after turning the order round twice the first come first.
        let indices = Array::iota(&shape, -1, DType::I32);
        let ascending = sort_together(&[self.flip(&[-1]), indices.flip(&[-1])], 1, -1);
        let last = |x: &Array| x.narrow(-1, shape[last] - count, count).flip(&[-1]);
        Ok((last(&ascending[0]), last(&ascending[1])))
    }

    /// The distinct elements in ascending order, NaN once and last. How many there are is known only with the elements, so
    /// this is not for functions that are being traced.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([3, 1, 3, 2]).unique().to_vec::<i32>().unwrap(), [1, 2, 3]);
    /// ```
    #[track_caller]
    pub fn unique(&self) -> Array {
        let sorted = self.flatten().sort(0);
        let elements = attempt!(concrete("unique", &sorted));
        let first = |&at: &usize| at == 0 || total_order(elements.get(at - 1), elements.get(at)).is_ne();
        let places: Vec<i64> = (0..elements.ty().len()).filter(first).map(|at| at as i64).collect();
        sorted.take_with(&Array::new(&[places.len()], &places), 0, OutOfRange::Clip)
    }

    /// Where values belong in this sorted array of one axis: the number of elements less than each (`right`: not
    /// greater), found by halving.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let sorted = Array::from([1.0f32, 2.0, 2.0, 3.0]);
    /// assert_eq!(sorted.search_sorted(&Array::from([2.0f32, 5.0]), false).to_vec::<i32>().unwrap(), [1, 4]);
    /// assert_eq!(sorted.search_sorted(&Array::from([2.0f32, 5.0]), true).to_vec::<i32>().unwrap(), [3, 4]);
    /// ```
    #[track_caller]
    pub fn search_sorted(&self, values: &Array, right: bool) -> Array {
        let (ty, wanted) = (attempt!(self.ty()), attempt!(values.ty()));
        if ty.rank() != 1 {
            let message = format!("the sorted array must have one axis, it is {ty}; use `vmap` for several");
            return fail(ErrorKind::Shape, "search_sorted", message);
        }
        let dtype = ty.dtype.promote(wanted.dtype);
        let (sorted, values) = (self.astype(dtype), values.astype(dtype));
        let count = ty.shape[0];
        let rows = sorted.reshape(&[count, 1]);
        // As many elements are known to stand before the place as `low` says, and the next `step` are undecided.
        let mut low = Array::zeros(&wanted.shape, DType::I32);
        let mut step = count.next_power_of_two();
        while step > 0 && count > 0 {
            let middle = &low + step as i64 - 1;
            let flat = middle.reshape(&[wanted.len()]);
            let element = rows_or(&rows, &flat, OutOfRange::Clip, "search_sorted").reshape(&wanted.shape);
            let before = if right { not_after(&element, &values) } else { comes_before(&element, &values) };
            let within = middle.less(count as i64) & before;
            low = within.select(&low + step as i64, low);
            step /= 2;
        }
        low
    }

    /// The quantile `q`, from 0 to 1, along an axis, which the result does not have, interpolated between the two nearest
    /// elements; NaN where there is any.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([4.0f32, 1.0, 2.0]);
    /// assert_eq!(x.quantile(0.25, 0).item().unwrap(), 1.5);
    /// ```
    #[track_caller]
    pub fn quantile(&self, q: impl IntoOperand, axis: isize) -> Array {
        let ty = attempt!(self.ty());
        let at = attempt!(axes::axis("quantile", axis, ty.rank()));
        if ty.dtype.is_complex() || ty.shape[at] == 0 {
            let message = format!("takes real numbers and an axis with elements, got {ty}");
            return fail(ErrorKind::Argument, "quantile", message);
        }
        let dtype = if ty.dtype.is_float() { ty.dtype } else { DType::F32 };
        let sorted = self.astype(dtype).move_axis(axis, 0).sort(0);
        let q = match q.into_operand() {
            Term::Array(q) => q.astype(dtype),
            Term::Literal(q) => Array::scalar(q.convert(dtype)),
        };
        let place = q * (ty.shape[at] - 1) as f64;
        let below = place.floor();
        let weight = &place - &below;
        let take = |place: Array| sorted.take_with(&place.astype(DType::I64), 0, OutOfRange::Clip);
        let (low, high) = (take(below), take(place.ceil()));
        let inner = low * (1.0 - &weight) + high * weight;
        // NaN comes last.
        let last = sorted.index_axis(0, -1);
        last.equal(&last).select(inner, f64::NAN)
    }

    /// The median along an axis, which the result does not have: the middle element, or the mean of the two.
    #[track_caller]
    pub fn median(&self, axis: isize) -> Array {
        self.quantile(0.5, axis)
    }
}

/// Arrays of one shape sorted together along an axis by the first `keys` of them, the first key deciding first. Elements
/// whose keys are equal stay in order.
///
/// ```
/// use cotangent_ir::{Array, sort_together};
/// let sorted = sort_together(&[Array::from([2, 1, 2]), Array::from([5.0f32, 6.0, 4.0])], 2, 0);
/// assert_eq!(sorted[1].to_vec::<f32>().unwrap(), [6.0, 4.0, 5.0]);
/// ```
#[track_caller]
pub fn sort_together(arrays: &[Array], keys: usize, axis: isize) -> Vec<Array> {
    let rank = arrays.first().map_or(Ok(0), |first| first.shape().map(|shape| shape.len()));
    let axis = match rank.and_then(|rank| axes::axis("sort", axis, rank)) {
        Ok(axis) => axis as isize,
        Err(error) => return vec![axes::failed(error); arrays.len()],
    };
    let last: Vec<Array> = arrays.iter().map(|array| array.move_axis(axis, -1)).collect();
    sorted(&last, keys).iter().map(|array| array.move_axis(-1, axis)).collect()
}

#[track_caller]
fn sorted(arrays: &[Array], keys: usize) -> Vec<Array> {
    apply_many(&SORT, &arrays.iter().collect::<Vec<_>>(), keys_attrs(keys), arrays.len())
}

/// Whether elements come before values; NaN comes last.
#[track_caller]
fn comes_before(element: &Array, value: &Array) -> Array {
    element.less(value) | (value.not_equal(value) & element.equal(element))
}

/// Whether elements do not come after values; NaN comes last.
#[track_caller]
fn not_after(element: &Array, value: &Array) -> Array {
    element.less_equal(value) | value.not_equal(value)
}

/// The attributes of [`SORT`].
fn keys_attrs(keys: usize) -> Attrs {
    Attrs::none().with_int("keys", keys as i64)
}

fn infer_sort(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let shape = &operands[0].shape;
    if shape.is_empty() {
        return refuse(ErrorKind::Shape, "sort", "a scalar has no axis to sort along");
    }
    if let Some(other) = operands.iter().find(|operand| operand.shape != *shape) {
        let message = format!("{} and {other} must have one shape to be sorted together", operands[0]);
        return refuse(ErrorKind::Shape, "sort", message);
    }
    let keys = attrs.int("keys");
    if !(1..=operands.len() as i64).contains(&keys) {
        let message = format!("`keys` = {keys} must be from 1 to the number of operands, {}", operands.len());
        return refuse(ErrorKind::Argument, "sort", message);
    }
    Ok(operands.iter().map(|&ty| ty.clone()).collect())
}

fn total_order(a: Scalar, b: Scalar) -> Ordering {
    let real = |a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (a_last, b_last) if a_last || b_last => a_last.cmp(&b_last),
        _ => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    };
    match (a.number(), b.number()) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        _ => {
            let (a, b) = (a.as_complex(), b.as_complex());
            real(a.re, b.re).then(real(a.im, b.im))
        }
    }
}

/// The indices are sorted along, and tell where the tangents go.
fn jvp_sort(prim: &'static Prim, xs: &[Array], tangents: &[Option<Array>], attrs: &Attrs) -> WithTangents {
    if tangents.iter().all(Option::is_none) {
        let results = apply_many(prim, &xs.iter().collect::<Vec<_>>(), attrs.clone(), xs.len());
        return (results, vec![None; xs.len()]);
    }
    let shape = match xs[0].shape() {
        Ok(shape) => shape,
        Err(error) => return (vec![axes::failed(error); xs.len()], vec![None; xs.len()]),
    };
    let indices = Array::iota(&shape, -1, DType::I32);
    let operands: Vec<Array> = xs.iter().cloned().chain([indices]).collect();
    let mut results = sorted(&operands, attrs.size("keys"));
    let order = results.pop();
    let moved = |tangent: &Array| {
        let rows = tangent.expand_dims(-1);
        order.as_ref().map(|order| apply1(&super::gather::GATHER, &[&rows, order], Attrs::none()).squeeze(-1))
    };
    let tangents = tangents.iter().map(|tangent| tangent.as_ref().and_then(moved)).collect();
    (results, tangents)
}
