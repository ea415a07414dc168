//! The discrete Fourier transform, complex and real.
//!
//! Forward transforms have the sign -1 in the exponent and no factor; inverse ones are divided by the number of points.

use super::axes::{self, attempt};
use super::{
    Arity, Batch, Case, Domain, Eval, Jvp, Lower, Operand, Prim, Routine, Transpose, TransposeArgs, Types, one, refuse,
};
use crate::array::{Array, apply1, fail};
use crate::attrs::{AttrKind, Attrs};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::Scalar;
use crate::tensor::Tensor;
use crate::types::{Dims, Type};
use num_complex::Complex;
use std::f64::consts::TAU;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&FFT];

/// Discrete Fourier transform over axes.
pub static FFT: Prim = Prim {
    name: "fft",
    doc: "The discrete Fourier transform over `axes`. Kind 0 is forward, 1 inverse (divided by the number of points), \
          both of complex arrays. Kind 2 takes a real array and gives the coefficients 0 to `length / 2` of the last of \
          the axes; kind 3 is its inverse, with `length` real elements. `length` is the extent of the signal on that axis.",
    arity: Arity::Exactly(1),
    attrs: &[("kind", AttrKind::Int), ("axes", AttrKind::Ints), ("length", AttrKind::Int)],
    domain: Domain::Cases(cases),
    infer: infer_fft,
    eval: Eval::Tensors(eval_fft),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| match &args.xs[0] {
        Operand::Linear(ty) => vec![Some(transpose_fft(args, ty))],
        Operand::Known(_) => vec![None],
    }),
    batch: Batch::Rule(|args| {
        let axes = axes::behind_batch(&args.attrs.sizes("axes"));
        let (kind, length) = (FftKind::of(args.attrs), args.attrs.size("length"));
        vec![(apply1(&FFT, &[&args.xs[0]], fft_attrs(kind, &axes, length)), true)]
    }),
    lower: Lower::Library(Routine::Fft),
};

/// The attribute `kind` of [`FFT`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FftKind {
    /// Complex to complex, sign -1 in the exponent.
    Forward,
    /// Complex to complex, sign +1, divided by the number of points.
    Inverse,
    /// Real to the first half of the coefficients along the last of the axes.
    RealForward,
    /// The inverse of that.
    RealInverse,
}

impl FftKind {
    /// The kind with a given number.
    pub fn number_less(number: i64) -> Option<FftKind> {
        [FftKind::Forward, FftKind::Inverse, FftKind::RealForward, FftKind::RealInverse]
            .into_iter()
            .find(|&kind| kind as i64 == number)
    }

    /// The kind of an instruction whose types have been inferred.
    pub fn of(attrs: &Attrs) -> FftKind {
        FftKind::number_less(attrs.int("kind"))
            .unwrap_or_else(|| crate::error::internal("an unknown kind of transform"))
    }
}

impl Array {
    /// The discrete Fourier transform over axes. Real arrays are made complex first; [`Array::rfft`] is cheaper for them.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f64, 0.0, 0.0, 0.0]).fft(&[0]);
    /// assert_eq!(x.real().to_vec::<f64>().unwrap(), [1.0; 4]);
    /// ```
    #[track_caller]
    pub fn fft(&self, axes: &[isize]) -> Array {
        complex_transform(self, "fft", FftKind::Forward, axes)
    }

    /// The inverse of [`Array::fft`].
    #[track_caller]
    pub fn ifft(&self, axes: &[isize]) -> Array {
        complex_transform(self, "ifft", FftKind::Inverse, axes)
    }

    /// The Fourier transform over axes of a real array: the last of the axes has the coefficients 0 to `n / 2` of its
    /// extent `n`, which determine the others.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f64, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.rfft(&[0]).shape().unwrap()[..], [3]);
    /// ```
    #[track_caller]
    pub fn rfft(&self, axes: &[isize]) -> Array {
        let ty = attempt!(self.ty());
        if ty.dtype.is_complex() {
            let message = format!("takes a real array, got {ty}; use `fft`, or take `real()` or `imag()` first");
            return fail(ErrorKind::DType, "rfft", message);
        }
        let axes = attempt!(transform_axes("rfft", axes, ty.rank()));
        let length = ty.shape[axes[axes.len() - 1]];
        let float = if ty.dtype.is_float() { ty.dtype } else { DType::F32 };
        apply1(&FFT, &[&self.astype(float)], fft_attrs(FftKind::RealForward, &axes, length))
    }

    /// The inverse of [`Array::rfft`]: real, with `length` elements along the last of the axes.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let x = Array::from([1.0f64, 2.0, 3.0]);
    /// let same = x.rfft(&[0]).irfft(&[0], 3).to_vec::<f64>().unwrap();
    /// assert!(same.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12));
    /// ```
    #[track_caller]
    pub fn irfft(&self, axes: &[isize], length: usize) -> Array {
        let ty = attempt!(self.ty());
        let axes = attempt!(transform_axes("irfft", axes, ty.rank()));
        apply1(&FFT, &[&as_complex(self, ty.dtype)], fft_attrs(FftKind::RealInverse, &axes, length))
    }

    /// The zero frequency moved to the middle of each axis, as one looks at a spectrum.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// assert_eq!(Array::from([0, 1, -2, -1]).fftshift(&[0]).to_vec::<i32>().unwrap(), [-2, -1, 0, 1]);
    /// ```
    #[track_caller]
    pub fn fftshift(&self, axes: &[isize]) -> Array {
        let shape = attempt!(self.shape());
        let mut shifted = self.clone();
        for axis in attempt!(axes::axes("fftshift", axes, shape.len())) {
            shifted = shifted.roll((shape[axis] / 2) as isize, axis as isize);
        }
        shifted
    }

    /// The inverse of [`Array::fftshift`].
    #[track_caller]
    pub fn ifftshift(&self, axes: &[isize]) -> Array {
        let shape = attempt!(self.shape());
        let mut shifted = self.clone();
        for axis in attempt!(axes::axes("ifftshift", axes, shape.len())) {
            shifted = shifted.roll(-((shape[axis] / 2) as isize), axis as isize);
        }
        shifted
    }
}

#[track_caller]
fn complex_transform(x: &Array, operation: &str, kind: FftKind, axes: &[isize]) -> Array {
    let ty = attempt!(x.ty());
    let axes = attempt!(transform_axes(operation, axes, ty.rank()));
    let length = ty.shape[axes[axes.len() - 1]];
    apply1(&FFT, &[&as_complex(x, ty.dtype)], fft_attrs(kind, &axes, length))
}

/// The axes of a transform as users name them; at least one.
fn transform_axes(operation: &str, axes: &[isize], rank: usize) -> Result<Dims> {
    if axes.is_empty() {
        let message = "no axes were given; name those to transform over, such as `&[-2, -1]`";
        return Err(Error::new(ErrorKind::Argument, operation, message));
    }
    axes::axes(operation, axes, rank)
}

/// The array in the complex dtype of its precision, c64 for integers and bools.
#[track_caller]
fn as_complex(x: &Array, dtype: DType) -> Array {
    x.astype(dtype.complex().unwrap_or(DType::C64))
}

/// The attributes of [`FFT`].
fn fft_attrs(kind: FftKind, axes: &[usize], length: usize) -> Attrs {
    let attrs = Attrs::none().with_int("kind", kind as i64).with_sizes("axes", axes.iter().copied());
    attrs.with_int("length", length as i64)
}

fn cases() -> Vec<Case> {
    let case = |dtype, shape: &[usize], kind, axes: &[usize], length| {
        Case::new([Type::new(dtype, shape)], fft_attrs(kind, axes, length))
    };
    vec![
        case(DType::C128, &[1], FftKind::Forward, &[0], 1),
        case(DType::C128, &[4], FftKind::Forward, &[0], 4),
        case(DType::C64, &[3, 5], FftKind::Forward, &[0, 1], 5),
        case(DType::C128, &[2, 3, 4], FftKind::Forward, &[1], 3),
        case(DType::C128, &[0, 4], FftKind::Forward, &[1], 4),
        case(DType::C128, &[5], FftKind::Inverse, &[0], 5),
        case(DType::C128, &[2, 3, 4], FftKind::Inverse, &[0, 2], 4),
        case(DType::F64, &[1], FftKind::RealForward, &[0], 1),
        case(DType::F64, &[4], FftKind::RealForward, &[0], 4),
        case(DType::F64, &[5], FftKind::RealForward, &[0], 5),
        case(DType::F32, &[3, 4], FftKind::RealForward, &[0, 1], 4),
        case(DType::F64, &[3, 4, 2], FftKind::RealForward, &[1, 0], 3),
        case(DType::F64, &[0, 4], FftKind::RealForward, &[1], 4),
        case(DType::C128, &[1], FftKind::RealInverse, &[0], 1),
        case(DType::C128, &[2], FftKind::RealInverse, &[0], 2),
        case(DType::C128, &[3], FftKind::RealInverse, &[0], 4),
        case(DType::C64, &[2, 3], FftKind::RealInverse, &[0, 1], 5),
        case(DType::C128, &[3, 4, 2], FftKind::RealInverse, &[1, 0], 4),
    ]
}

fn infer_fft(operands: &[&Type], attrs: &Attrs) -> Result<Types> {
    let x = operands[0];
    let number = attrs.int("kind");
    let Some(kind) = FftKind::number_less(number) else {
        return refuse(ErrorKind::Argument, "fft", format!("`kind` = {number} must be 0, 1, 2 or 3"));
    };
    let axes = axes::axes_attr("fft", attrs, "axes", x.rank())?;
    let Some(&last) = axes.last() else {
        return refuse(ErrorKind::Argument, "fft", "`axes` must name at least one axis to transform over");
    };
    let dtype = match (kind, x.dtype) {
        (FftKind::Forward | FftKind::Inverse, dtype) if dtype.is_complex() => dtype,
        (FftKind::RealForward, DType::F32) => DType::C64,
        (FftKind::RealForward, DType::F64) => DType::C128,
        (FftKind::RealInverse, dtype) if dtype.is_complex() => dtype.real(),
        _ => {
            let wanted = if kind == FftKind::RealForward { "f32 or f64" } else { "c64 or c128" };
            let message = format!("transforms {wanted} here, got {x}; convert it with `astype`");
            return refuse(ErrorKind::DType, "fft", message);
        }
    };
    if let Some(axis) = axes.iter().find(|&&axis| x.shape[axis] == 0) {
        let message = format!("axis {axis} of {x} has no elements; one at least is needed to transform over it");
        return refuse(ErrorKind::Shape, "fft", message);
    }
    let length = attrs.int("length");
    let extent = x.shape[last] as i64;
    let fits = match kind {
        FftKind::RealInverse => length >= 1 && length / 2 + 1 == extent,
        _ => length == extent,
    };
    if !fits {
        let message = match kind {
            FftKind::RealInverse => format!(
                "{length} real elements need {} coefficients, but axis {last} of {x} has {extent}; ask for {} or {} \
                 elements, or slice or pad the coefficients",
                length.max(1) / 2 + 1,
                (2 * extent - 2).max(1),
                2 * extent - 1
            ),
            _ => format!("`length` = {length} must be the extent {extent} of axis {last} of {x}"),
        };
        return refuse(ErrorKind::Shape, "fft", message);
    }
    let mut shape = x.shape.clone();
    shape[last] = match kind {
        FftKind::RealForward => shape[last] / 2 + 1,
        FftKind::RealInverse => length as usize,
        _ => shape[last],
    };
    axes::addressable("fft", &shape)?;
    one(Type { dtype, shape })
}

/// Sums as they are defined, in f64, axis by axis.
fn eval_fft(xs: &[&Tensor], attrs: &Attrs, types: &[Type]) -> Vec<Tensor> {
    let (kind, axes, length) = (FftKind::of(attrs), attrs.sizes("axes"), attrs.size("length"));
    let mut values: Vec<Complex<f64>> = xs[0].scalars().map(Scalar::as_complex).collect();
    let mut shape = xs[0].ty().shape.clone();
    for (position, &axis) in axes.iter().enumerate() {
        let (points, last) = (shape[axis], position + 1 == axes.len());
        values = match kind {
            FftKind::Forward => along(&values, &mut shape, axis, points, |x, k| fourier_sum(x, k, -1.0)),
            FftKind::Inverse => along(&values, &mut shape, axis, points, |x, k| fourier_sum(x, k, 1.0) / points as f64),
            FftKind::RealForward => {
                // The half of the last axis can be left out only after all others are transformed.
                along(&values, &mut shape, axis, points, |x, k| fourier_sum(x, k, -1.0))
            }
            FftKind::RealInverse if last => {
                along(&values, &mut shape, axis, length, |x, k| half_fourier_sum(x, k, length) / length as f64)
            }
            FftKind::RealInverse => {
                along(&values, &mut shape, axis, points, |x, k| fourier_sum(x, k, 1.0) / points as f64)
            }
        };
    }
    if kind == FftKind::RealForward {
        let last = axes[axes.len() - 1];
        values = along(&values, &mut shape, last, length / 2 + 1, |x, k| x[k]);
    }
    vec![Tensor::from_fn(types[0].clone(), |position| Scalar::complex(DType::C128, values[position]))]
}

/// Maps every line along an axis to a line of `extent` elements, computed one by one from the line and their index.
fn along(
    values: &[Complex<f64>],
    shape: &mut Dims,
    axis: usize,
    extent: usize,
    element: impl Fn(&[Complex<f64>], usize) -> Complex<f64>,
) -> Vec<Complex<f64>> {
    let old = shape.clone();
    shape[axis] = extent;
    let line = |index: &[usize]| -> Vec<Complex<f64>> {
        let mut index = Dims::from_slice(index);
        let at = |place| {
            index[axis] = place;
            values[axes::position_of(&index, &old)]
        };
        (0..old[axis]).map(at).collect()
    };
    let count = shape.iter().product();
    (0..count)
        .map(|position| {
            let index = axes::index_of(position, shape);
            element(&line(&index), index[axis])
        })
        .collect()
}

/// The sum of `x[j] exp(sign 2 pi i j k / n)`.
fn fourier_sum(x: &[Complex<f64>], k: usize, sign: f64) -> Complex<f64> {
    x.iter().enumerate().map(|(j, value)| value * root(j * k, x.len(), sign)).sum()
}

/// The sum with sign +1 over the `length` coefficients of a real signal, of which `x` is the first half.
fn half_fourier_sum(x: &[Complex<f64>], k: usize, length: usize) -> Complex<f64> {
    let term = |j: usize| {
        let stands_for = if j == 0 || 2 * j == length { 1.0 } else { 2.0 };
        stands_for * (x[j] * root(j * k, length, 1.0)).re
    };
    Complex::new((0..x.len()).map(term).sum(), 0.0)
}

/// exp(sign 2 pi i turns / n), with the turns reduced first: the angle stays accurate.
fn root(turns: usize, n: usize, sign: f64) -> Complex<f64> {
    Complex::cis(sign * TAU * (turns % n) as f64 / n as f64)
}

fn transpose_fft(args: &TransposeArgs<'_>, ty: &Type) -> Array {
    let (kind, axes, length) = (FftKind::of(args.attrs), args.attrs.sizes("axes"), args.attrs.size("length"));
    let last = axes[axes.len() - 1];
    let ct = args.ct();
    match kind {
        // The matrix is symmetric.
        FftKind::Forward | FftKind::Inverse => apply1(&FFT, &[ct], args.attrs.clone()),
        // The transform of a real array is that of the array made complex, cut to a half: so in reverse, the other half is
        // zero, and the real part is taken.
        FftKind::RealForward => {
            let mut widths = vec![(0, 0, 0); ty.rank()];
            widths[last].1 = (length - args.results[0].shape[last]) as i64;
            apply1(&FFT, &[&ct.pad_zeros(&widths)], fft_attrs(FftKind::Forward, &axes, length)).real()
        }
        // y = Re(sum of m[k] x[k] exp(2 pi i j k / n)) / n with m[k] = 2 where x[k] stands for its conjugate too. The
        // transpose has the same exponent, hence the conjugate of a forward transform.
        FftKind::RealInverse => {
            let points: usize = axes.iter().map(|&axis| args.results[0].shape[axis]).product();
            let odd = length % 2;
            let both = Scalar::real(ty.dtype.real(), 2.0 / points as f64);
            let once = Scalar::real(ty.dtype.real(), 1.0 / points as f64);
            let between = Array::filled(&[ty.shape[last] + odd - 2], both);
            let weights = between.pad(once, &[(1, (1 - odd) as i64, 0)]);
            let spectrum = apply1(&FFT, &[ct], fft_attrs(FftKind::RealForward, &axes, length)).conj();
            spectrum * weights.broadcast_in_dim(&ty.shape, &[last])
        }
    }
}
