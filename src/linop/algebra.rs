//! Sums, multiples, compositions, adjoints and conjugates of operators.
//!
//! Each combination first looks at the structures of its operands: multiples of the identity stay that, diagonal operators
//! stay diagonal, circular convolutions over the same axes add, scale and compose in the Fourier domain. What has no
//! structure becomes one of the private operators below, whose adjoints follow from those of their parts.
//!
//! A real part of a sum or multiple whose output is complex takes the real part in its adjoint: with real input only the
//! real part of `Aᴴ y` is the adjoint, and a real operator's adjoint of it is that of the real part of `y`.

use super::{Diagonal, LinOp, LinearOperator, ScaledIdentity, Structure, partial_adjoint, same_shapes};
use crate::inner::zip;
use crate::{Array, BlockArray, Error, ErrorKind, Factor, Variable};
use num_complex::Complex;
use std::any::Any;
use std::borrow::Borrow;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

impl<X: Variable, Y: Variable> LinOp<X, Y> {
    /// `A + B`.
    pub fn plus(&self, other: &LinOp<X, Y>) -> LinOp<X, Y> {
        if self.input_type() != other.input_type() || !same_shapes::<Y>(&self.output_type(), &other.output_type()) {
            let message = format!(
                "operators {self:?} and {other:?} do not add; both must have the same input type and output shape"
            );
            return failed(Error::new(ErrorKind::Shape, "LinOp::plus", message), self.input_type(), self.output_type());
        }
        let structured = match (self.structure(), other.structure()) {
            (Structure::ScaledIdentity(a), Structure::ScaledIdentity(b)) => multiple(&a + &b, self.input_type()),
            (Structure::CircularConvolve(a), Structure::CircularConvolve(b)) => a.plus(&b).and_then(array_operator),
            (a, b) => match (Diagonals::of(&a, self), Diagonals::of(&b, other)) {
                (Some(Diagonals::Array(a)), Some(Diagonals::Array(b))) => a.plus(&b).and_then(array_operator),
                (Some(Diagonals::Blocks(a)), Some(Diagonals::Blocks(b))) => a.plus(&b).and_then(block_operator),
                _ => None,
            },
        };
        structured.unwrap_or_else(|| handle(Sum { a: self.clone(), b: other.clone() }))
    }

    /// `c A`.
    pub fn scaled(&self, factor: impl Into<Factor>) -> LinOp<X, Y> {
        let factor = match factor.into().checked("LinOp::scaled") {
            Ok(factor) => factor,
            Err(error) => return failed(error, self.input_type(), self.output_type()),
        };
        let structured = match self.structure() {
            Structure::ScaledIdentity(own) => multiple(&factor * &own, self.input_type()),
            Structure::Diagonal(own) => array_operator(own.scaled(&factor)),
            Structure::BlockDiagonal(own) => block_operator(own.scaled(&factor)),
            Structure::CircularConvolve(own) => own.scaled(&factor).and_then(array_operator),
            _ => None,
        };
        structured.unwrap_or_else(|| handle(Scaled { factor, a: self.clone() }))
    }

    /// `A B`, which applies `B` first.
    pub fn compose<W: Variable>(&self, first: &LinOp<W, X>) -> LinOp<W, Y> {
        if self.input_type() != first.output_type() {
            let message = format!(
                "{self:?} cannot follow {first:?}: its input type must be {}; insert an operator that converts",
                first.output_type()
            );
            let error = Error::new(ErrorKind::Shape, "LinOp::compose", message);
            return failed(error, first.input_type(), self.output_type());
        }
        // An identity has input and output of one kind, so that what remains has the types of the composition.
        let structured = match (self.structure(), first.structure()) {
            _ if self.is_identity() => same(first),
            _ if first.is_identity() => same(self),
            (Structure::ScaledIdentity(factor), _) if factor.as_real().is_some() => same(&first.scaled(factor)),
            (_, Structure::ScaledIdentity(factor)) if factor.as_real().is_some() => same(&self.scaled(factor)),
            (Structure::CircularConvolve(a), Structure::CircularConvolve(b)) => a.after(&b).and_then(array_operator),
            (a, b) => match (Diagonals::of(&a, self), Diagonals::of(&b, first)) {
                (Some(Diagonals::Array(a)), Some(Diagonals::Array(b))) => a.after(&b).and_then(array_operator),
                (Some(Diagonals::Blocks(a)), Some(Diagonals::Blocks(b))) => a.after(&b).and_then(block_operator),
                _ => None,
            },
        };
        structured.unwrap_or_else(|| handle(Composed { a: self.clone(), b: first.clone() }))
    }

    /// The adjoint `Aᴴ` as an operator.
    pub fn h(&self) -> LinOp<Y, X> {
        let structured = match self.structure() {
            Structure::ScaledIdentity(factor) if self.is_square() => multiple(factor.conj(), self.output_type()),
            Structure::Diagonal(own) if own.is_square() => array_operator(own.conj()),
            Structure::BlockDiagonal(own) if own.is_square() => block_operator(own.conj()),
            Structure::CircularConvolve(own) => own.adjoint_operator().and_then(array_operator),
            _ => None,
        };
        structured.unwrap_or_else(|| handle(Adjoint { a: self.clone() }))
    }

    /// The transpose `Aᵀ y = conj(Aᴴ conj(y))`.
    pub fn t(&self) -> LinOp<Y, X> {
        self.h().conj()
    }

    /// The conjugate `x ↦ conj(A conj(x))`.
    pub fn conj(&self) -> LinOp<X, Y> {
        let (input, output) = (self.input_type(), self.output_type());
        if !X::array_types(&input).iter().chain(Y::array_types(&output)).any(|ty| ty.dtype.is_complex()) {
            return self.clone();
        }
        let structured = match self.structure() {
            Structure::ScaledIdentity(factor) => multiple(factor.conj(), input),
            Structure::Diagonal(own) => array_operator(own.conj()),
            Structure::BlockDiagonal(own) => block_operator(own.conj()),
            _ => None,
        };
        structured.unwrap_or_else(|| handle(Conjugate { a: self.clone() }))
    }

    /// `Aᴴ A` as an operator.
    pub fn gram_op(&self) -> LinOp<X, X> {
        let structured = match self.structure() {
            Structure::ScaledIdentity(factor) if self.is_square() => multiple(factor.abs_square(), self.input_type()),
            Structure::Diagonal(own) if own.is_square() => array_operator(own.gram_diagonal()),
            Structure::BlockDiagonal(own) if own.is_square() => block_operator(own.gram_diagonal()),
            Structure::CircularConvolve(own) => own.gram_operator().and_then(array_operator),
            _ => None,
        };
        structured.unwrap_or_else(|| handle(Gram { a: self.clone() }))
    }

    /// Whether input and output have the same types.
    fn is_square(&self) -> bool {
        X::array_types(&self.input_type()) == Y::array_types(&self.output_type())
    }
}

/// The handle of an operator.
fn handle<X: Variable, Y: Variable>(operator: impl LinearOperator<X, Y> + 'static) -> LinOp<X, Y> {
    LinOp::from_shared(Arc::new(operator))
}

/// A handle as one between other kinds of variables, which are the same kinds.
fn same<A: 'static, B: Clone + 'static>(operator: &A) -> Option<B> {
    (operator as &dyn Any).downcast_ref::<B>().cloned()
}

/// A multiple of the identity, where `X` and `Y` are of one kind.
fn multiple<X: Variable, Y: Variable>(factor: Factor, ty: X::Type) -> Option<LinOp<X, Y>> {
    same(&handle::<X, X>(ScaledIdentity::new(factor, ty)))
}

/// An operator of arrays, where `X` and `Y` are that.
fn array_operator<X: Variable, Y: Variable>(operator: impl LinearOperator + 'static) -> Option<LinOp<X, Y>> {
    same(&handle::<Array, Array>(operator))
}

/// An operator of block arrays, where `X` and `Y` are that.
fn block_operator<X: Variable, Y: Variable>(operator: Diagonal<BlockArray>) -> Option<LinOp<X, Y>> {
    same(&handle::<BlockArray, BlockArray>(operator))
}

/// A diagonal operator of arrays or of block arrays.
enum Diagonals {
    Array(Diagonal),
    Blocks(Diagonal<BlockArray>),
}

impl Diagonals {
    /// An operator as a diagonal one, if it is. A multiple of the identity has a diagonal of one element, in each block.
    fn of<X: Variable, Y: Variable>(structure: &Structure, operator: &LinOp<X, Y>) -> Option<Diagonals> {
        match structure {
            Structure::Diagonal(own) => Some(Diagonals::Array(own.clone())),
            Structure::BlockDiagonal(own) => Some(Diagonals::Blocks(own.clone())),
            Structure::ScaledIdentity(factor) => {
                let input = operator.input_type();
                let diagonal = X::placeholder(&input)
                    .with_leaves(X::array_types(&input).iter().map(|ty| factor.to_array(ty.dtype)).collect());
                let diagonal = Diagonal::with_input(diagonal, input).ok()?;
                let array = same::<_, Diagonal>(&diagonal).map(Diagonals::Array);
                array.or_else(|| same::<_, Diagonal<BlockArray>>(&diagonal).map(Diagonals::Blocks))
            }
            _ => None,
        }
    }
}

/// `A + B`.
struct Sum<X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
    b: LinOp<X, Y>,
}

impl<X: Variable, Y: Variable> LinearOperator<X, Y> for Sum<X, Y> {
    fn input_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Y::Type {
        let (a, b) = (self.a.output_type(), self.b.output_type());
        let mut others = Y::array_types(&b).iter();
        Y::map_type(&a, |ty| others.next().map_or_else(|| ty.clone(), |b| ty.with_dtype(ty.dtype.promote(b.dtype))))
    }

    fn apply(&self, x: &X) -> Y {
        zip("LinOp::plus", &self.a.apply(x), &self.b.apply(x), |a, b| a + b)
    }

    fn adjoint(&self, y: &Y) -> X {
        zip("LinOp::plus", &partial_adjoint(&self.a, y), &partial_adjoint(&self.b, y), |a, b| a + b)
    }
}

/// `c A`.
struct Scaled<X: Variable, Y: Variable> {
    factor: Factor,
    a: LinOp<X, Y>,
}

impl<X: Variable, Y: Variable> LinearOperator<X, Y> for Scaled<X, Y> {
    fn input_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Y::Type {
        Y::map_type(&self.a.output_type(), |ty| ty.with_dtype(self.factor.product_dtype(ty.dtype)))
    }

    fn apply(&self, x: &X) -> Y {
        self.a.apply(x).map_leaves(|leaf| self.factor.times(&leaf))
    }

    fn adjoint(&self, y: &Y) -> X {
        // The real number goes last, where the array is usually smaller and the product fuses with what follows.
        match &self.factor {
            factor if factor.is_complex() => {
                let factor = factor.conj();
                partial_adjoint(&self.a, &y.map_leaves(|leaf| factor.times(&leaf)))
            }
            factor => self.a.adjoint(y).map_leaves(|leaf| factor.times(&leaf)),
        }
    }
}

/// `A B`.
struct Composed<W: Variable, X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
    b: LinOp<W, X>,
}

impl<W: Variable, X: Variable, Y: Variable> LinearOperator<W, Y> for Composed<W, X, Y> {
    fn input_type(&self) -> W::Type {
        self.b.input_type()
    }

    fn output_type(&self) -> Y::Type {
        self.a.output_type()
    }

    fn apply(&self, x: &W) -> Y {
        self.a.apply(&self.b.apply(x))
    }

    fn adjoint(&self, y: &Y) -> W {
        self.b.adjoint(&self.a.adjoint(y))
    }

    fn structure(&self) -> Structure {
        match (self.a.structure(), self.b.structure()) {
            (Structure::AxisSum(axis), Structure::CircularConvolve(convolution)) => {
                Structure::SummedConvolution(convolution, axis)
            }
            _ => Structure::General,
        }
    }
}

/// `Aᴴ`.
struct Adjoint<X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
}

impl<X: Variable, Y: Variable> LinearOperator<Y, X> for Adjoint<X, Y> {
    fn input_type(&self) -> Y::Type {
        self.a.output_type()
    }

    fn output_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn apply(&self, x: &Y) -> X {
        self.a.adjoint(&converted(x, &self.a.output_type()))
    }

    fn adjoint(&self, y: &X) -> Y {
        self.a.apply(y)
    }
}

/// With the dtypes of a type.
fn converted<X: Variable>(x: &X, ty: &X::Type) -> X {
    let mut types = X::array_types(ty).iter();
    x.map_leaves(|leaf| types.next().map_or_else(|| leaf.clone(), |ty| leaf.astype(ty.dtype)))
}

/// `x ↦ conj(A conj(x))`.
struct Conjugate<X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
}

impl<X: Variable, Y: Variable> LinearOperator<X, Y> for Conjugate<X, Y> {
    fn input_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn output_type(&self) -> Y::Type {
        self.a.output_type()
    }

    fn apply(&self, x: &X) -> Y {
        self.a.apply(&x.map_leaves(|leaf| leaf.conj())).map_leaves(|leaf| leaf.conj())
    }

    fn adjoint(&self, y: &Y) -> X {
        self.a.adjoint(&y.map_leaves(|leaf| leaf.conj())).map_leaves(|leaf| leaf.conj())
    }
}

/// `Aᴴ A`.
struct Gram<X: Variable, Y: Variable> {
    a: LinOp<X, Y>,
}

impl<X: Variable, Y: Variable> LinearOperator<X, X> for Gram<X, Y> {
    fn input_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn output_type(&self) -> X::Type {
        self.a.input_type()
    }

    fn apply(&self, x: &X) -> X {
        self.a.gram(&converted(x, &self.a.input_type()))
    }

    fn adjoint(&self, y: &X) -> X {
        self.apply(y)
    }
}

/// A combination that does not fit. It has the types its operands suggest, and gives its error where it is applied.
struct Failed<X: Variable, Y: Variable> {
    error: Error,
    input: X::Type,
    output: Y::Type,
}

fn failed<X: Variable, Y: Variable>(error: Error, input: X::Type, output: Y::Type) -> LinOp<X, Y> {
    handle(Failed::<X, Y> { error, input, output })
}

impl<X: Variable, Y: Variable> Failed<X, Y> {
    #[track_caller]
    fn value(&self) -> Array {
        cotangent_ir::fail(self.error.kind(), self.error.operation(), self.error.message())
    }
}

impl<X: Variable, Y: Variable> LinearOperator<X, Y> for Failed<X, Y> {
    fn input_type(&self) -> X::Type {
        self.input.clone()
    }

    fn output_type(&self) -> Y::Type {
        self.output.clone()
    }

    fn apply(&self, _x: &X) -> Y {
        let error = self.value();
        Y::placeholder(&self.output).map_leaves(|_| error.clone())
    }

    fn adjoint(&self, _y: &Y) -> X {
        let error = self.value();
        X::placeholder(&self.input).map_leaves(|_| error.clone())
    }
}

/// Operators of owned and borrowed handles.
macro_rules! combine {
    ($($trait:ident $method:ident $call:expr;)*) => { $(
        combine!(@ $trait $method $call; LinOp<X, Y>, LinOp<X, Y>);
        combine!(@ $trait $method $call; LinOp<X, Y>, &LinOp<X, Y>);
        combine!(@ $trait $method $call; &LinOp<X, Y>, LinOp<X, Y>);
        combine!(@ $trait $method $call; &LinOp<X, Y>, &LinOp<X, Y>);
    )* };
    (@ $trait:ident $method:ident $call:expr; $left:ty, $right:ty) => {
        impl<X: Variable, Y: Variable> $trait<$right> for $left {
            type Output = LinOp<X, Y>;

            fn $method(self, other: $right) -> LinOp<X, Y> {
                let combine: fn(&LinOp<X, Y>, &LinOp<X, Y>) -> LinOp<X, Y> = $call;
                combine(self.borrow(), other.borrow())
            }
        }
    };
}
combine! {
    Add add |a, b| a.plus(b);
    Sub sub |a, b| a.plus(&b.scaled(-1.0));
}

macro_rules! compose {
    ($($left:ty, $right:ty;)*) => { $(
        impl<W: Variable, X: Variable, Y: Variable> Mul<$right> for $left {
            type Output = LinOp<W, Y>;

            fn mul(self, first: $right) -> LinOp<W, Y> {
                let (a, b): (&LinOp<X, Y>, &LinOp<W, X>) = (self.borrow(), first.borrow());
                a.compose(b)
            }
        }
    )* };
}
compose! {
    LinOp<X, Y>, LinOp<W, X>;
    LinOp<X, Y>, &LinOp<W, X>;
    &LinOp<X, Y>, LinOp<W, X>;
    &LinOp<X, Y>, &LinOp<W, X>;
}

macro_rules! multiply {
    ($($factor:ty),*) => { $(
        impl<X: Variable, Y: Variable> Mul<LinOp<X, Y>> for $factor {
            type Output = LinOp<X, Y>;

            fn mul(self, operator: LinOp<X, Y>) -> LinOp<X, Y> {
                operator.scaled(self)
            }
        }

        impl<X: Variable, Y: Variable> Mul<&LinOp<X, Y>> for $factor {
            type Output = LinOp<X, Y>;

            fn mul(self, operator: &LinOp<X, Y>) -> LinOp<X, Y> {
                operator.scaled(self)
            }
        }

        impl<X: Variable, Y: Variable> Div<$factor> for LinOp<X, Y> {
            type Output = LinOp<X, Y>;

            fn div(self, divisor: $factor) -> LinOp<X, Y> {
                self.scaled(Factor::from(divisor).recip())
            }
        }

        impl<X: Variable, Y: Variable> Div<$factor> for &LinOp<X, Y> {
            type Output = LinOp<X, Y>;

            fn div(self, divisor: $factor) -> LinOp<X, Y> {
                self.scaled(Factor::from(divisor).recip())
            }
        }
    )* };
}
multiply!(f64, Complex<f64>);

impl<X: Variable, Y: Variable> Neg for LinOp<X, Y> {
    type Output = LinOp<X, Y>;

    fn neg(self) -> LinOp<X, Y> {
        self.scaled(-1.0)
    }
}

impl<X: Variable, Y: Variable> Neg for &LinOp<X, Y> {
    type Output = LinOp<X, Y>;

    fn neg(self) -> LinOp<X, Y> {
        self.scaled(-1.0)
    }
}
