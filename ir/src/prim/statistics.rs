//! Statistics, norms and places of extrema: methods made of reductions.

use super::axes::{self, attempt};
use super::reduce::{KeepAxes, reductions};
use crate::array::{Array, fail};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::scalar::Scalar;
use crate::types::Type;

reductions! {
    var var_axes variance, "The variance: the mean of the squared distances from the mean (as `f32` of integers and bools)";
    std std_axes deviation, "The standard deviation, the root of [`Array::var`],";
    logsumexp logsumexp_axes logsumexp, "log(sum(exp(x))), without overflow,";
    ptp ptp_axes range, "The maximum less the minimum";
    count_nonzero count_nonzero_axes count_nonzero, "The number (as `i32`) of elements that are not 0";
    nansum nansum_axes nansum, "The sum of what is not NaN";
    nanprod nanprod_axes nanprod, "The product of what is not NaN";
    nanmax nanmax_axes nanmax, "The maximum of what is not NaN (NaN where nothing is left)";
    nanmin nanmin_axes nanmin, "The minimum of what is not NaN (NaN where nothing is left)";
    nanmean nanmean_axes nanmean, "The mean of what is not NaN (NaN where nothing is left)";
}

impl Array {
    /// The variance over axes with `freedom` less than the number of elements as denominator: 0 for that of the elements
    /// themselves, 1 for the unbiased estimate from a sample.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.var_with(&[0], 1).item().unwrap(), 1.0);
    /// ```
    #[track_caller]
    pub fn var_with(&self, axes: &[isize], freedom: usize) -> Array {
        let ty = attempt!(self.ty());
        let named = attempt!(axes::axes("var", axes, ty.rank()));
        let count: usize = named.iter().map(|&axis| ty.shape[axis]).product();
        let x = inexact(self, &ty);
        let centred = &x - x.keep_axes().mean_axes(axes);
        centred.abs2().sum_axes(axes) / (count as f64 - freedom as f64)
    }

    /// The root of [`Array::var_with`].
    #[track_caller]
    pub fn std_with(&self, axes: &[isize], freedom: usize) -> Array {
        self.var_with(axes, freedom).sqrt()
    }

    /// The position in row-major order of the first greatest element, of the first NaN if there is any, as `i32`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([[1, 5], [5, 2]]).argmax().item().unwrap(), 1.0);
    /// ```
    #[track_caller]
    pub fn argmax(&self) -> Array {
        self.flatten().argmax_axis(0)
    }

    /// The position in row-major order of the first least element, of the first NaN if there is any, as `i32`.
    #[track_caller]
    pub fn argmin(&self) -> Array {
        self.flatten().argmin_axis(0)
    }

    /// The index along an axis, which the result does not have, of the first greatest element, of the first NaN if there is
    /// any, as `i32`.
    #[track_caller]
    pub fn argmax_axis(&self, axis: isize) -> Array {
        place_of(self, axis, "argmax", Extremum::Greatest)
    }

    /// The index along an axis, which the result does not have, of the first least element, of the first NaN if there is
    /// any, as `i32`.
    #[track_caller]
    pub fn argmin_axis(&self, axis: isize) -> Array {
        place_of(self, axis, "argmin", Extremum::Least)
    }

    /// exp(x) divided by its sum along an axis.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([1000.0f32, 1000.0]).softmax(0).to_vec::<f32>().unwrap(), [0.5, 0.5]);
    /// ```
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Array {
        let x = inexact(self, &attempt!(self.ty()));
        let scaled = (&x - x.keep_axes().max_axes(&[axis])).exp();
        &scaled / scaled.keep_axes().sum_axes(&[axis])
    }

    /// The logarithm of [`Array::softmax`], without cancellation.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Array {
        let x = inexact(self, &attempt!(self.ty()));
        let lowered = &x - x.keep_axes().max_axes(&[axis]);
        &lowered - lowered.exp().keep_axes().sum_axes(&[axis]).log()
    }

    /// The norm of some order over axes, which the result does not have: sum(|x|^p)^(1/p); for infinity the greatest, for
    /// minus infinity the least absolute value, for 0 the number of elements that are not 0.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([[3.0f32, -4.0], [1.0, 0.0]]);
    /// assert_eq!(x.norm_axes(2.0, &[1]).to_vec::<f32>().unwrap(), [5.0, 1.0]);
    /// assert_eq!(x.norm_axes(1.0, &[1]).to_vec::<f32>().unwrap(), [7.0, 1.0]);
    /// assert_eq!(x.norm_axes(f64::INFINITY, &[0, 1]).item().unwrap(), 4.0);
    /// ```
    #[track_caller]
    pub fn norm_axes(&self, order: f64, axes: &[isize]) -> Array {
        let x = inexact(self, &attempt!(self.ty()));
        match order {
            _ if order == f64::INFINITY => x.abs().max_axes(axes),
            _ if order == f64::NEG_INFINITY => x.abs().min_axes(axes),
            0.0 => x.not_equal(0).astype(attempt!(x.dtype()).real()).sum_axes(axes),
            1.0 => x.abs().sum_axes(axes),
            2.0 => x.abs2().sum_axes(axes).sqrt(),
            _ if order.is_nan() => fail(ErrorKind::Argument, "norm_axes", "the order of a norm is NaN; give a number"),
            _ => x.abs().pow(order).sum_axes(axes).pow(1.0 / order),
        }
    }
}

/// Integers and bools as `f32`.
#[track_caller]
fn inexact(x: &Array, ty: &Type) -> Array {
    if ty.dtype.is_inexact() { x.clone() } else { x.astype(DType::F32) }
}

#[track_caller]
fn variance(x: &Array, _: &str, axes: &[isize]) -> Array {
    x.var_with(axes, 0)
}

#[track_caller]
fn deviation(x: &Array, _: &str, axes: &[isize]) -> Array {
    x.std_with(axes, 0)
}

#[track_caller]
fn logsumexp(x: &Array, operation: &str, axes: &[isize]) -> Array {
    let ty = attempt!(x.ty());
    if ty.dtype.is_complex() {
        return fail(ErrorKind::DType, operation, format!("takes real numbers, got {ty}"));
    }
    let x = inexact(x, &ty);
    let greatest = x.keep_axes().max_axes(axes);
    // An infinite shift would make NaN of infinities; without one they come out as they should.
    let shift = greatest.is_finite().select(&greatest, 0);
    let kept = attempt!(x.sum_axes(axes).shape());
    (&x - &shift).exp().sum_axes(axes).log() + shift.reshape(&kept)
}

#[track_caller]
fn range(x: &Array, _: &str, axes: &[isize]) -> Array {
    x.max_axes(axes) - x.min_axes(axes)
}

#[track_caller]
fn count_nonzero(x: &Array, _: &str, axes: &[isize]) -> Array {
    x.not_equal(Scalar::zero(attempt!(x.dtype()))).astype(DType::I32).sum_axes(axes)
}

/// The array with `fill` for NaN. Only NaN differs from itself.
#[track_caller]
fn without_nan(x: &Array, fill: Scalar) -> Array {
    x.equal(x).select(x, fill)
}

#[track_caller]
fn nansum(x: &Array, _: &str, axes: &[isize]) -> Array {
    without_nan(x, Scalar::zero(attempt!(x.dtype()))).sum_axes(axes)
}

#[track_caller]
fn nanprod(x: &Array, _: &str, axes: &[isize]) -> Array {
    without_nan(x, Scalar::one(attempt!(x.dtype()))).prod_axes(axes)
}

#[track_caller]
fn nanmax(x: &Array, _: &str, axes: &[isize]) -> Array {
    or_nan(x, axes, without_nan(x, Scalar::lowest(attempt!(x.dtype()))).max_axes(axes))
}

#[track_caller]
fn nanmin(x: &Array, _: &str, axes: &[isize]) -> Array {
    or_nan(x, axes, without_nan(x, Scalar::highest(attempt!(x.dtype()))).min_axes(axes))
}

/// NaN where all elements are.
#[track_caller]
fn or_nan(x: &Array, axes: &[isize], result: Array) -> Array {
    match attempt!(x.dtype()).is_float() {
        true => x.equal(x).any_axes(axes).select(result, f64::NAN),
        false => result,
    }
}

#[track_caller]
fn nanmean(x: &Array, operation: &str, axes: &[isize]) -> Array {
    let x = inexact(x, &attempt!(x.ty()));
    let count = x.equal(&x).astype(attempt!(x.dtype())).sum_axes(axes);
    nansum(&x, operation, axes) / count
}

enum Extremum {
    Greatest,
    Least,
}

/// The first index at which an extremum is taken on.
#[track_caller]
fn place_of(x: &Array, axis: isize, operation: &str, extremum: Extremum) -> Array {
    let ty = attempt!(x.ty());
    let at = attempt!(axes::axis(operation, axis, ty.rank()));
    if ty.shape[at] == 0 {
        let message = format!("axis {at} of {ty} has no elements, hence no greatest or least one");
        return fail(ErrorKind::Shape, operation, message);
    }
    let extremum = match extremum {
        Extremum::Greatest => x.keep_axes().max_axes(&[axis]),
        Extremum::Least => x.keep_axes().min_axes(&[axis]),
    };
    let mut taken = x.equal(extremum);
    if ty.dtype.is_float() {
        taken |= x.not_equal(x);
    }
    let index = Array::iota(&ty.shape, at as isize, DType::I32);
    taken.select(index, ty.shape[at] as i64 - 1).min_axes(&[axis])
}
