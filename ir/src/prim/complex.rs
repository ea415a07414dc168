//! Complex numbers from their parts and back.
//!
//! Tangents and cotangents pair as Re(sum of products), without conjugation. That fixes the transposes: of the imaginary
//! part, ct becomes -i ct; of composition, the parts get Re ct and -Im ct.

use super::elementwise::alike;
use super::{Arity, Batch, Domain, Dtypes, Elements, Eval, Jvp, Lower, Prim, Transpose, one, refuse};
use crate::array::{Array, apply1};
use crate::attrs::Attrs;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::lanes::Lane;
use crate::operand::{IntoOperand, binary};
use crate::scalar::Scalar;
use num_complex::Complex;

/// The primitives of this family.
pub static ALL: &[&Prim] = &[&COMPLEX, &REAL, &IMAG, &CONJ];

/// re + i im.
pub static COMPLEX: Prim = Prim {
    name: "complex",
    doc: "Complex numbers with the given real and imaginary parts.",
    arity: Arity::Exactly(2),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Floats),
    infer: |xs, _| {
        alike("complex", xs, Dtypes::Floats)?;
        match xs[0].dtype.complex() {
            Some(dtype) => one(xs[0].with_dtype(dtype)),
            None => refuse(ErrorKind::DType, "complex", format!("takes f32 or f64 parts, got {}", xs[0])),
        }
    },
    eval: Eval::Elementwise(|xs| Scalar::complex(DType::C128, Complex::new(xs[0].as_f64(), xs[1].as_f64()))),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| {
        let re = args.xs[0].is_linear().then(|| args.ct().real());
        let im = args.xs[1].is_linear().then(|| -args.ct().imag());
        vec![re, im]
    }),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|_, xs, _, _| Lane::Complex(xs[0].real(), xs[1].real())),
};

/// Re z.
pub static REAL: Prim = Prim {
    name: "real",
    doc: "The real part of complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Complex),
    infer: |xs, _| {
        alike("real", xs, Dtypes::Complex)?;
        one(xs[0].with_dtype(xs[0].dtype.real()))
    },
    eval: Eval::Elementwise(|xs| Scalar::real(DType::F64, xs[0].as_complex().re)),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| vec![Some(Array::complex(args.ct(), args.ct().zeros_like()))]),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|_, xs, _, _| Lane::Real(xs[0].parts().0)),
};

/// Im z.
pub static IMAG: Prim = Prim {
    name: "imag",
    doc: "The imaginary part of complex numbers.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Complex),
    infer: |xs, _| {
        alike("imag", xs, Dtypes::Complex)?;
        one(xs[0].with_dtype(xs[0].dtype.real()))
    },
    eval: Eval::Elementwise(|xs| Scalar::real(DType::F64, xs[0].as_complex().im)),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| vec![Some(Array::complex(args.ct().zeros_like(), -args.ct()))]),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|_, xs, _, _| Lane::Real(xs[0].parts().1)),
};

/// The conjugate.
pub static CONJ: Prim = Prim {
    name: "conj",
    doc: "The complex conjugate.",
    arity: Arity::Exactly(1),
    attrs: &[],
    domain: Domain::Elementwise(Elements::Real, Dtypes::Complex),
    infer: |xs, _| alike("conj", xs, Dtypes::Complex),
    eval: Eval::Elementwise(|xs| Scalar::complex(DType::C128, xs[0].as_complex().conj())),
    jvp: Jvp::Linear,
    transpose: Transpose::Rule(|args| vec![Some(args.ct().conj())]),
    batch: Batch::Elementwise,
    lower: Lower::Lanes(|lanes, xs, _, _| {
        let (re, im) = xs[0].parts();
        Lane::Complex(re, lanes.neg(im))
    }),
};

impl Array {
    /// Complex numbers with the given parts, which promote and broadcast; integers become `f32`.
    ///
    /// ```
    /// use cotangent_ir::Array;
    /// let z = Array::complex(Array::from([1.0f32, 2.0]), 3.0);
    /// assert_eq!(z.imag().to_vec::<f32>().unwrap(), [3.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn complex(re: impl IntoOperand, im: impl IntoOperand) -> Array {
        binary(&COMPLEX, Dtypes::Floats, re.into_operand(), im.into_operand())
    }

    /// The real part; a real array is its own.
    #[track_caller]
    pub fn real(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if !dtype.is_complex() => self.clone(),
            _ => apply1(&REAL, &[self], Attrs::none()),
        }
    }

    /// The imaginary part; zeros of a real array.
    #[track_caller]
    pub fn imag(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if !dtype.is_complex() => self.zeros_like(),
            _ => apply1(&IMAG, &[self], Attrs::none()),
        }
    }

    /// The complex conjugate; a real array is its own.
    #[track_caller]
    pub fn conj(&self) -> Array {
        match self.dtype() {
            Ok(dtype) if !dtype.is_complex() => self.clone(),
            _ => apply1(&CONJ, &[self], Attrs::none()),
        }
    }
}
