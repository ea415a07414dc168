//! Sums, multiples, compositions, adjoints and conjugates of operators.
//!
//! Each combination first looks at the structures of its operands: multiples of the identity stay that, diagonal operators
//! stay diagonal, circular convolutions over the same axes add, scale and compose in the Fourier domain. What has no
//! structure becomes one of the private operators below, whose adjoints follow from those of their parts.
//!
//! A real part of a sum or multiple whose output is complex takes the real part in its adjoint: with real input only the
//! real part of `Aᴴ y` is the adjoint, and a real operator's adjoint of it is that of the real part of `y`.

use super::{Diagonal, LinOp, LinearOperator, ScaledIdentity, Structure, project};
use crate::{Array, Error, ErrorKind, Factor, Type};
use num_complex::Complex;
use std::ops::{Add, Div, Mul, Neg, Sub};

impl LinOp {
    /// `A + B`.
    pub fn plus(&self, other: &LinOp) -> LinOp {
        if self.input_type() != other.input_type() || self.output_type().shape != other.output_type().shape {
            let message = format!(
                "operators {self:?} and {other:?} do not add; both must have the same input type and output shape"
            );
            return failed(Error::new(ErrorKind::Shape, "LinOp::plus", message), self);
        }
        let structured = match (self.structure(), other.structure()) {
            (Structure::ScaledIdentity(a), Structure::ScaledIdentity(b)) => {
                Some(ScaledIdentity::new(&a + &b, self.input_type()).into())
            }
            (a, b) => match (diagonal(&a, self), diagonal(&b, other), a, b) {
                (Some(a), Some(b), _, _) => a.plus(&b).map(LinOp::from),
                (_, _, Structure::CircularConvolve(a), Structure::CircularConvolve(b)) => a.plus(&b).map(LinOp::from),
                _ => None,
            },
        };
        structured.unwrap_or_else(|| Sum { a: self.clone(), b: other.clone() }.into())
    }

    /// `c A`.
    pub fn scaled(&self, factor: impl Into<Factor>) -> LinOp {
        let factor = match factor.into().checked("LinOp::scaled") {
            Ok(factor) => factor,
            Err(error) => return failed(error, self),
        };
        let structured = match self.structure() {
            Structure::ScaledIdentity(own) => Some(ScaledIdentity::new(&factor * &own, self.input_type()).into()),
            Structure::Diagonal(own) => Some(own.scaled(&factor).into()),
            Structure::CircularConvolve(own) => own.scaled(&factor).map(LinOp::from),
            Structure::General => None,
        };
        structured.unwrap_or_else(|| Scaled { factor, a: self.clone() }.into())
    }

    /// `A B`, which applies `B` first.
    pub fn compose(&self, first: &LinOp) -> LinOp {
        if self.input_type() != first.output_type() {
            let message = format!(
                "{self:?} cannot follow {first:?}: its input type must be {}; insert an operator that converts",
                first.output_type()
            );
            return failed(Error::new(ErrorKind::Shape, "LinOp::compose", message), first);
        }
        if self.is_identity() {
            return first.clone();
        }
        if first.is_identity() {
            return self.clone();
        }
        let structured = match (self.structure(), first.structure()) {
            (Structure::ScaledIdentity(factor), _) if factor.as_real().is_some() => Some(first.scaled(factor)),
            (_, Structure::ScaledIdentity(factor)) if factor.as_real().is_some() => Some(self.scaled(factor)),
            (a, b) => match (diagonal(&a, self), diagonal(&b, first), a, b) {
                (Some(a), Some(b), _, _) => a.after(&b).map(LinOp::from),
                (_, _, Structure::CircularConvolve(a), Structure::CircularConvolve(b)) => a.after(&b).map(LinOp::from),
                _ => None,
            },
        };
        structured.unwrap_or_else(|| Composed { a: self.clone(), b: first.clone() }.into())
    }

    /// The adjoint `Aᴴ` as an operator.
    pub fn h(&self) -> LinOp {
        let structured = match self.structure() {
            Structure::ScaledIdentity(factor) if self.input_type() == self.output_type() => {
                Some(ScaledIdentity::new(factor.conj(), self.input_type()).into())
            }
            Structure::Diagonal(own) if own.is_square() => Some(own.conj().into()),
            Structure::CircularConvolve(own) => own.adjoint_operator().map(LinOp::from),
            _ => None,
        };
        structured.unwrap_or_else(|| Adjoint { a: self.clone() }.into())
    }

    /// The transpose `Aᵀ y = conj(Aᴴ conj(y))`.
    pub fn t(&self) -> LinOp {
        self.h().conj()
    }

    /// The conjugate `x ↦ conj(A conj(x))`.
    pub fn conj(&self) -> LinOp {
        if !self.input_type().dtype.is_complex() && !self.output_type().dtype.is_complex() {
            return self.clone();
        }
        match self.structure() {
            Structure::ScaledIdentity(factor) => ScaledIdentity::new(factor.conj(), self.input_type()).into(),
            Structure::Diagonal(own) => own.conj().into(),
            Structure::CircularConvolve(_) | Structure::General => Conjugate { a: self.clone() }.into(),
        }
    }

    /// `Aᴴ A` as an operator.
    pub fn gram_op(&self) -> LinOp {
        let structured = match self.structure() {
            Structure::ScaledIdentity(factor) if self.input_type() == self.output_type() => {
                Some(ScaledIdentity::new(factor.abs_square(), self.input_type()).into())
            }
            Structure::Diagonal(own) if own.is_square() => Some(own.gram_diagonal().into()),
            Structure::CircularConvolve(own) => own.gram_operator().map(LinOp::from),
            _ => None,
        };
        structured.unwrap_or_else(|| Gram { a: self.clone() }.into())
    }
}

/// An operator as a diagonal one, if it is. A multiple of the identity has a diagonal of one element.
fn diagonal(structure: &Structure, operator: &LinOp) -> Option<Diagonal> {
    match structure {
        Structure::Diagonal(own) => Some(own.clone()),
        Structure::ScaledIdentity(factor) => {
            let input = operator.input_type();
            Diagonal::with_input(factor.to_array(input.dtype), input).ok()
        }
        Structure::CircularConvolve(_) | Structure::General => None,
    }
}

/// `A + B`.
struct Sum {
    a: LinOp,
    b: LinOp,
}

impl LinearOperator for Sum {
    fn input_type(&self) -> Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Type {
        let (a, b) = (self.a.output_type(), self.b.output_type());
        a.with_dtype(a.dtype.promote(b.dtype))
    }

    fn apply(&self, x: &Array) -> Array {
        self.a.apply(x) + self.b.apply(x)
    }

    fn adjoint(&self, y: &Array) -> Array {
        partial_adjoint(&self.a, y) + partial_adjoint(&self.b, y)
    }
}

/// `c A`.
struct Scaled {
    factor: Factor,
    a: LinOp,
}

impl LinearOperator for Scaled {
    fn input_type(&self) -> Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Type {
        let ty = self.a.output_type();
        let dtype = self.factor.product_dtype(ty.dtype);
        ty.with_dtype(dtype)
    }

    fn apply(&self, x: &Array) -> Array {
        self.factor.times(&self.a.apply(x))
    }

    fn adjoint(&self, y: &Array) -> Array {
        // The real number goes last, where the array is usually smaller and the product fuses with what follows.
        match &self.factor {
            factor if factor.is_complex() => partial_adjoint(&self.a, &factor.conj().times(y)),
            factor => factor.times(&self.a.adjoint(y)),
        }
    }
}

/// `Aᴴ` applied to an array that may be complex although the output of `A` is real.
fn partial_adjoint(a: &LinOp, y: &Array) -> Array {
    a.adjoint(&project(y, a.output_type().dtype))
}

/// `A B`.
struct Composed {
    a: LinOp,
    b: LinOp,
}

impl LinearOperator for Composed {
    fn input_type(&self) -> Type {
        self.b.input_type()
    }

    fn output_type(&self) -> Type {
        self.a.output_type()
    }

    fn apply(&self, x: &Array) -> Array {
        self.a.apply(&self.b.apply(x))
    }

    fn adjoint(&self, y: &Array) -> Array {
        self.b.adjoint(&self.a.adjoint(y))
    }
}

/// `Aᴴ`.
struct Adjoint {
    a: LinOp,
}

impl LinearOperator for Adjoint {
    fn input_type(&self) -> Type {
        self.a.output_type()
    }

    fn output_type(&self) -> Type {
        self.a.input_type()
    }

    fn apply(&self, x: &Array) -> Array {
        self.a.adjoint(&x.astype(self.a.output_type().dtype))
    }

    fn adjoint(&self, y: &Array) -> Array {
        self.a.apply(y)
    }
}

/// `x ↦ conj(A conj(x))`.
struct Conjugate {
    a: LinOp,
}

impl LinearOperator for Conjugate {
    fn input_type(&self) -> Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Type {
        self.a.output_type()
    }

    fn apply(&self, x: &Array) -> Array {
        self.a.apply(&x.conj()).conj()
    }

    fn adjoint(&self, y: &Array) -> Array {
        self.a.adjoint(&y.conj()).conj()
    }
}

/// `Aᴴ A`.
struct Gram {
    a: LinOp,
}

impl LinearOperator for Gram {
    fn input_type(&self) -> Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Type {
        self.a.input_type()
    }

    fn apply(&self, x: &Array) -> Array {
        self.a.gram(&x.astype(self.a.input_type().dtype))
    }

    fn adjoint(&self, y: &Array) -> Array {
        self.apply(y)
    }
}

/// A combination that does not fit. It has the types of one operand, and gives its error where it is applied.
struct Failed {
    error: Error,
    input: Type,
    output: Type,
}

fn failed(error: Error, operand: &LinOp) -> LinOp {
    Failed { error, input: operand.input_type(), output: operand.output_type() }.into()
}

impl LinearOperator for Failed {
    fn input_type(&self) -> Type {
        self.input.clone()
    }

    fn output_type(&self) -> Type {
        self.output.clone()
    }

    fn apply(&self, _x: &Array) -> Array {
        cotangent_ir::fail(self.error.kind(), self.error.operation(), self.error.message())
    }

    fn adjoint(&self, y: &Array) -> Array {
        self.apply(y)
    }
}

macro_rules! combine {
    ($($trait:ident $method:ident $call:expr;)*) => { $(
        impl $trait<LinOp> for LinOp {
            type Output = LinOp;

            fn $method(self, other: LinOp) -> LinOp {
                $call(&self, &other)
            }
        }

        impl $trait<&LinOp> for LinOp {
            type Output = LinOp;

            fn $method(self, other: &LinOp) -> LinOp {
                $call(&self, other)
            }
        }

        impl $trait<LinOp> for &LinOp {
            type Output = LinOp;

            fn $method(self, other: LinOp) -> LinOp {
                $call(self, &other)
            }
        }

        impl $trait<&LinOp> for &LinOp {
            type Output = LinOp;

            fn $method(self, other: &LinOp) -> LinOp {
                $call(self, other)
            }
        }
    )* };
}
combine! {
    Add add LinOp::plus;
    Sub sub |a: &LinOp, b: &LinOp| a.plus(&b.scaled(-1.0));
    Mul mul LinOp::compose;
}

macro_rules! multiply {
    ($($factor:ty),*) => { $(
        impl Mul<LinOp> for $factor {
            type Output = LinOp;

            fn mul(self, operator: LinOp) -> LinOp {
                operator.scaled(self)
            }
        }

        impl Mul<&LinOp> for $factor {
            type Output = LinOp;

            fn mul(self, operator: &LinOp) -> LinOp {
                operator.scaled(self)
            }
        }

        impl Div<$factor> for LinOp {
            type Output = LinOp;

            fn div(self, divisor: $factor) -> LinOp {
                self.scaled(Factor::from(divisor).recip())
            }
        }

        impl Div<$factor> for &LinOp {
            type Output = LinOp;

            fn div(self, divisor: $factor) -> LinOp {
                self.scaled(Factor::from(divisor).recip())
            }
        }
    )* };
}
multiply!(f64, Complex<f64>);

impl Neg for LinOp {
    type Output = LinOp;

    fn neg(self) -> LinOp {
        self.scaled(-1.0)
    }
}

impl Neg for &LinOp {
    type Output = LinOp;

    fn neg(self) -> LinOp {
        self.scaled(-1.0)
    }
}
